//! Making an order, once for each key.

use sha2::{Digest, Sha256};
use sklad_catalog::ids;
use sklad_catalog::offers;
use sklad_store::{Sql, SqlError, Statement};

use crate::history::Who;
use crate::model::Order;
use crate::place::{self, NewOrder};
use crate::state::{From1c, State};
use crate::store::{Change, Stored, get, overtaken, read, write};
use crate::{Error, check, company};

/// How often it is tried while others make orders at the same time, or have taken the number.
const ATTEMPTS: u32 = 16;

/// An order that was asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Created {
    /// As it is now.
    pub stored: Stored,
    /// Whether it was there already: the key had been used for the same before.
    pub repeated: bool,
}

/// Makes the order that `new` asks for and writes what `told` makes of it in the same batch. The same key
/// with the same `new` answers the order that was made, for as long as it is there: also when the two come
/// at once, one order is made.
///
/// # Errors
/// [`Error::Invalid`] with the place in `new`, [`Error::KeyUsed`] when the key has made another order, or
/// the database's.
pub async fn create(
    sql: &impl Sql,
    tenant: &str,
    who: Who,
    key: &str,
    new: &NewOrder,
    now_ms: i64,
    told: impl Fn(&Order) -> Statement,
) -> Result<Created, Error> {
    let request = Request {
        tenant,
        key,
        digest: digest(new),
    };
    if let Some(stored) = request.made(sql).await? {
        return Ok(repeated(stored));
    }
    let names = place::names(new).map_err(refused)?;
    let offers = offers::named(sql, tenant, &names).await?;
    let company = company::known(sql, tenant, new.company.as_deref(), "company").await?;
    let id = ids::sequence(now_ms)();
    for attempt in 0..ATTEMPTS {
        let number = number(sql, tenant, new, attempt).await;
        // The same request may have been faster, and have taken the number that it gives.
        if (attempt > 0 || number.is_err())
            && let Some(stored) = request.made(sql).await?
        {
            return Ok(repeated(stored));
        }
        let Some(number) = number? else {
            continue;
        };
        let mut order = place::placed(new, &offers, &id, &number, now_ms).map_err(refused)?;
        order.company.clone_from(&company);
        let row = told(&order);
        let mut batch = vec![request.claim(&id)];
        batch.extend(write(tenant, who, &[made(order)], now_ms)?);
        batch.push(row);
        match sql.atomic(batch).await.map_err(Error::from) {
            Ok(_) => {
                let stored = get(sql, tenant, &id).await?.ok_or(SqlError::Conflict)?;
                return Ok(Created {
                    stored,
                    repeated: false,
                });
            }
            Err(error) if overtaken(&error) => {}
            Err(error) => return Err(error),
        }
    }
    Err(SqlError::Conflict.into())
}

fn repeated(stored: Stored) -> Created {
    Created {
        stored,
        repeated: true,
    }
}

fn refused((path, message): check::Refusal) -> Error {
    Error::invalid(path, message)
}

fn made(order: Order) -> Change {
    Change {
        said: State::of(&order),
        order,
        from_1c: From1c::default(),
        before: None,
        note: None,
        version: None,
        tell: true,
        visible: true,
    }
}

/// What is asked for, as it is read: how the JSON was written makes no other request.
fn digest(new: &NewOrder) -> String {
    let text = serde_json::to_vec(new).unwrap_or_default();
    let digest = Sha256::digest(text);
    digest.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The number that the client wants, if it is free, or the next one of the tenant; `None` when that is
/// taken by an order that came with a number of its own. The numbers then go on in larger steps, so that
/// the range of those is left behind.
async fn number(
    sql: &impl Sql,
    tenant: &str,
    new: &NewOrder,
    attempt: u32,
) -> Result<Option<String>, Error> {
    let given = new.number.as_deref().map(str::trim);
    let given = given.filter(|n| !n.is_empty());
    let number = match given {
        Some(number) => number.to_owned(),
        None => next(sql, tenant, 1_i64 << attempt).await?.to_string(),
    };
    let taken = read(sql, tenant, &[], &[&number]).await?;
    match (taken.first(), given) {
        (None, _) => Ok(Some(number)),
        (Some(_), None) => Ok(None),
        (Some(known), Some(_)) => {
            let message = format!("номер занят заказом {}", known.stored.order.id);
            Err(Error::invalid("number", message))
        }
    }
}

/// A number is given once; that of an order which is not made in the end is left out.
async fn next(sql: &impl Sql, tenant: &str, step: i64) -> Result<i64, Error> {
    let statement = Statement::new(
        "INSERT INTO order_numbers (tenant, last) VALUES (?1, ?2) \
         ON CONFLICT (tenant) DO UPDATE SET last = last + ?2 RETURNING last",
    )
    .bind(tenant)
    .bind(step)
    .expect_rows(1);
    let rows = sql.atomic(vec![statement]).await?;
    let last = rows.first().and_then(|rows| rows.first()?.int(0));
    Ok(last.ok_or(SqlError::Conflict)?)
}

/// A key and what was asked for with it.
struct Request<'a> {
    tenant: &'a str,
    key: &'a str,
    digest: String,
}

impl Request<'_> {
    /// The order that this request has made.
    async fn made(&self, sql: &impl Sql) -> Result<Option<Stored>, Error> {
        let statement = Statement::new(
            "SELECT order_id, digest FROM order_requests WHERE tenant = ?1 AND key = ?2",
        )
        .bind(self.tenant)
        .bind(self.key);
        let rows = sql.query(statement).await?;
        let Some(row) = rows.first() else {
            return Ok(None);
        };
        let stored = read(sql, self.tenant, &[&row.string(0)], &[]).await?.pop();
        let stored = stored.map(|known| known.stored).ok_or(SqlError::Conflict)?;
        if row.text(1) == Some(self.digest.as_str()) {
            Ok(Some(stored))
        } else {
            Err(Error::KeyUsed(stored.order.number))
        }
    }

    /// The statement that takes the key, or fails the batch.
    fn claim(&self, order_id: &str) -> Statement {
        Statement::new(
            "INSERT INTO order_requests (tenant, key, order_id, digest) VALUES (?1, ?2, ?3, ?4) \
             ON CONFLICT DO NOTHING RETURNING 1",
        )
        .bind(self.tenant)
        .bind(self.key)
        .bind(order_id)
        .bind(self.digest.as_str())
        .expect_rows(1)
    }
}
