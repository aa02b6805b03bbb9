//! Changes of a balance that no receipt caused.

use serde_json::json;
use sklad_jobs::journal::{Direction, Outcome, Record};
use sklad_store::{Sql, SqlError, Statement};

use super::account::{Change, Life, NEVER};
use super::post::{ATTEMPTS, LedgerError, Shop, Side, write};
use super::sale::give_birthday;
use super::snapshot::{Customer, Query};
use crate::customers::Identity;

/// What became of an adjustment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Adjusted {
    /// The balance that can be spent afterwards.
    pub available: i64,
    /// Whether it had been made before, under the same key.
    pub repeated: bool,
}

/// Adds points to a customer (or, negative, takes them), with a reason that the ledger keeps. The
/// key makes a repetition harmless.
///
/// # Errors
/// [`LedgerError::NoCustomer`], [`LedgerError::Insufficient`] when more is taken than there is, the
/// database's.
pub async fn adjust(
    sql: &impl Sql,
    shop: &Shop<'_>,
    customer: &str,
    key: &str,
    points: i64,
    reason: &str,
) -> Result<Adjusted, LedgerError> {
    for _ in 0..ATTEMPTS {
        let customer = read(sql, shop, customer).await?;
        let now = shop.now();
        if made(sql, shop, key).await? {
            return Ok(Adjusted {
                available: customer.account.available(now),
                repeated: true,
            });
        }
        if points == 0 {
            return Ok(Adjusted {
                available: customer.account.available(now),
                repeated: false,
            });
        }
        let mut change = Change::begin(customer.account.clone(), now);
        if points > 0 {
            change.add(
                "adjust",
                key,
                points,
                Life {
                    activates_at: now,
                    expires_at: NEVER,
                },
                None,
            );
        } else {
            let available = change.account.available(now);
            let wanted = points.saturating_neg();
            if wanted > available {
                return Err(LedgerError::Insufficient { available });
            }
            change.spend("adjust", key, wanted, None);
        }
        change.because(reason);
        let mut batch = write(shop, &change, &Side::default())?;
        batch.push(told(shop, &customer.id, points, reason));
        match sql.atomic(batch).await {
            Ok(_) => {
                return Ok(Adjusted {
                    available: change.account.available(now),
                    repeated: false,
                });
            }
            Err(SqlError::Conflict | SqlError::Constraint(_)) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(SqlError::Busy.into())
}

/// Gives the birthday points if they are due, and answers the customer as he then is.
///
/// # Errors
/// The database's.
pub async fn birthday(
    sql: &impl Sql,
    shop: &Shop<'_>,
    mut customer: Customer,
) -> Result<Customer, LedgerError> {
    for _ in 0..ATTEMPTS {
        let mut change = Change::begin(customer.account.clone(), shop.now());
        let Some(year) = give_birthday(shop, &customer, &mut change) else {
            return Ok(customer);
        };
        let side = Side {
            birthday_year: Some(year),
            ..Side::default()
        };
        match sql.atomic(write(shop, &change, &side)?).await {
            Ok(_) | Err(SqlError::Conflict | SqlError::Constraint(_)) => {}
            Err(other) => return Err(other.into()),
        }
        customer = read(sql, shop, &customer.id).await?;
    }
    Err(SqlError::Busy.into())
}

async fn read(sql: &impl Sql, shop: &Shop<'_>, customer: &str) -> Result<Customer, LedgerError> {
    let query = Query {
        identity: Identity::new([customer], None, None),
        ..Query::default()
    };
    shop.read(sql, &query)
        .await?
        .customer
        .ok_or(LedgerError::NoCustomer)
}

async fn made(sql: &impl Sql, shop: &Shop<'_>, key: &str) -> Result<bool, SqlError> {
    let statement =
        Statement::new("SELECT 1 FROM entries WHERE tenant = ?1 AND kind = 'adjust' AND key = ?2")
            .bind(shop.tenant)
            .bind(key);
    Ok(!sql.query(statement).await?.is_empty())
}

fn told(shop: &Shop<'_>, customer: &str, points: i64, reason: &str) -> Statement {
    let record = Record {
        direction: Direction::Operator,
        action: "adjust",
        object: customer.to_owned(),
        customer: Some(customer.to_owned()),
        outcome: Outcome::Ok,
        text: format!("Баллы изменены вручную на {points:+}: {reason}"),
        detail: Some(json!({ "points": points })),
    };
    record.statement(shop.tenant, shop.now())
}
