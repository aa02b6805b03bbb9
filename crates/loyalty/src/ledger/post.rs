//! What sales, returns and adjustments have in common: the statements that write a change.

use serde_json::{Value as Json, json};
use sklad_jobs::journal::{Direction, Outcome, Record};
use sklad_store::{Sql, SqlError, Statement};

use super::account::{Account, Change, Life};
use super::snapshot::{self, Clock, Customer, Known, Query, Snapshot, day_number};
use crate::customers::{self, Identity, Person};
use crate::programme::{self, Programme};
use crate::quote::{GoodFacts, QuoteError};
use crate::tiers::Standing;
use crate::units::{Kopecks, Quantity, UnitError, line_total};

/// How often an operation begins again when somebody else was faster. At every conflict one of the
/// competitors got through, so this is the number of tills that may hit one customer at one moment.
pub(super) const ATTEMPTS: usize = 64;

/// Whose ledger, by which rules, when.
#[derive(Clone, Copy, Debug)]
pub struct Shop<'a> {
    /// The tenant's slug.
    pub tenant: &'a str,
    /// The programme in force.
    pub programme: &'a Programme,
    /// Whether an unknown customer of a sale is created.
    pub create_unknown: bool,
    /// Now, and the shop's zone.
    pub clock: Clock,
}

/// Why nothing was posted.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// The database's, also when too many competitors were faster.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// A number of the document does not fit.
    #[error(transparent)]
    Quote(#[from] QuoteError),
    /// No customer with this id.
    #[error("нет такого покупателя")]
    NoCustomer,
    /// An adjustment would take more than there is.
    #[error("на счёте {available} баллов")]
    Insufficient {
        /// What can be taken.
        available: i64,
    },
}

impl From<UnitError> for LedgerError {
    fn from(e: UnitError) -> Self {
        Self::Quote(e.into())
    }
}

/// What became of a document.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Posted {
    /// It was written.
    Done {
        /// The customer's id; none for an anonymous one.
        customer: Option<String>,
        /// Points spent (sale) or restored (return).
        spend: i64,
        /// Points earned (sale) or taken back (return).
        earn: i64,
    },
    /// It was here already, the same.
    Repeated,
    /// It was here already with another content; the first one stays.
    Differs,
}

/// A position of a sale or return.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SoldPosition {
    /// The assortment's id, lower case; empty when the call carries none.
    pub good: String,
    /// Its further ids (the till's syncId beside МойСклад's), by which a return may name it.
    pub others: Vec<String>,
    /// What of the whole position was paid with points, kopecks. The ledger works it out.
    pub paid_by_points: i64,
    /// Quantity.
    pub quantity: Quantity,
    /// Kopecks per unit before discounts.
    pub price: Kopecks,
    /// Kopecks per unit after everything.
    pub discounted_price: Kopecks,
}

/// A payment with a gift certificate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GiftPayment {
    /// The certificate's id, lower case; may be empty.
    pub id: String,
    /// Its number; may be empty.
    pub number: String,
    /// Kopecks.
    pub kopecks: i64,
}

/// Σ of (price · quantity) and of (discounted price · quantity).
pub(super) fn totals(positions: &[SoldPosition]) -> Result<(Kopecks, Kopecks), UnitError> {
    let mut gross = Kopecks(0);
    let mut paid = Kopecks(0);
    for p in positions {
        gross = gross.plus(line_total(p.price, p.quantity)?)?;
        paid = paid.plus(line_total(p.discounted_price, p.quantity)?)?;
    }
    Ok((gross, paid))
}

impl SoldPosition {
    /// Every id of the good.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        let good = Some(self.good.as_str()).filter(|id| !id.is_empty());
        good.into_iter()
            .chain(self.others.iter().map(String::as_str))
    }
}

/// A position as it is kept: good, thousandths, kopecks before and after everything, kopecks paid
/// with points, further ids.
type Row6 = (String, i64, i64, i64, i64, Vec<String>);

/// Positions as they are kept, see [`Row6`].
pub(super) fn positions_json(positions: &[SoldPosition]) -> Result<String, SqlError> {
    let rows: Vec<_> = positions
        .iter()
        .map(|p| {
            let (price, after) = (p.price.0, p.discounted_price.0);
            (
                &p.good,
                p.quantity.0,
                price,
                after,
                p.paid_by_points,
                &p.others,
            )
        })
        .collect();
    snapshot::json(&rows)
}

/// What [`positions_json`] wrote.
pub(super) fn positions_from(text: &str) -> Result<Vec<SoldPosition>, SqlError> {
    let rows: Vec<Row6> = serde_json::from_str(text).map_err(|e| SqlError::Other(e.to_string()))?;
    Ok(rows
        .into_iter()
        .map(
            |(good, quantity, price, discounted, paid_by_points, others)| SoldPosition {
                good,
                others,
                paid_by_points,
                quantity: Quantity(quantity),
                price: Kopecks(price),
                discounted_price: Kopecks(discounted),
            },
        )
        .collect())
}

impl Shop<'_> {
    /// Now, milliseconds UTC.
    pub(super) fn now(&self) -> i64 {
        self.clock.now
    }

    /// When points that are earned at `at` live.
    pub(super) fn life(&self, life: programme::Life, at: i64) -> Life {
        let day = self.clock.date_of(at).unwrap_or_else(|| self.clock.today());
        let (active, expires) = life.dates(day);
        Life {
            // Points that are active at once need not wait for a midnight that has passed.
            activates_at: if active <= day {
                at
            } else {
                self.clock.midnight(active)
            },
            expires_at: expires.map_or(super::account::NEVER, |date| self.clock.midnight(date)),
        }
    }

    /// Reads the state for a receipt.
    ///
    /// # Errors
    /// The database's.
    pub async fn read(&self, sql: &impl Sql, query: &Query<'_>) -> Result<Snapshot, SqlError> {
        snapshot::read(sql, self.tenant, self.programme, self.clock.today(), query).await
    }
}

/// What else changes in a customer's row together with the account.
#[derive(Clone, Debug, Default)]
pub(super) struct Side {
    /// The tier, when it is looked at.
    pub standing: Option<Standing>,
    /// The year whose birthday points are given in this change.
    pub birthday_year: Option<i32>,
}

/// The statements that write a change of an account.
pub(super) fn write(
    shop: &Shop<'_>,
    change: &Change,
    side: &Side,
) -> Result<Vec<Statement>, SqlError> {
    let account = &change.account;
    let mut batch = vec![
        Statement::new(
            "UPDATE customers SET balance = ?3, debt = ?4, last_seen = ?5, version = version + 1, \
             tier = CASE WHEN ?7 IS NULL THEN tier ELSE ?6 END, tier_since = coalesce(?7, tier_since), \
             birthday_year = coalesce(?8, birthday_year) \
             WHERE tenant = +?1 AND id = +?2 AND version = +?9 RETURNING 1",
        )
        .bind(shop.tenant)
        .bind(&account.customer)
        .bind(account.balance)
        .bind(account.debt)
        .bind(shop.now())
        .bind(side.standing.as_ref().and_then(|s| s.tier.clone()))
        .bind(side.standing.as_ref().map(|s| day_number(s.since)))
        .bind(side.birthday_year.map(i64::from))
        .bind(account.version)
        .expect_rows(1),
    ];
    batch.extend(write_lots(shop, change)?);
    batch.extend(write_entries(shop, change)?);
    Ok(batch)
}

fn write_lots(shop: &Shop<'_>, change: &Change) -> Result<Option<Statement>, SqlError> {
    let lots: Vec<_> = change
        .changed_lots()
        .map(|l| (&l.id, l.amount, l.remaining, l.activates_at, l.expires_at))
        .collect();
    if lots.is_empty() {
        return Ok(None);
    }
    let statement = Statement::new(
        "INSERT INTO lots (tenant, customer, id, amount, remaining, activates_at, expires_at, origin, created_at) \
         SELECT ?1, ?2, value->>0, value->>1, value->>2, value->>3, value->>4, value->>0, ?4 FROM json_each(?3) \
         WHERE true ON CONFLICT DO UPDATE SET remaining = excluded.remaining",
    )
    .bind(shop.tenant)
    .bind(&change.account.customer)
    .bind(snapshot::json(&lots)?)
    .bind(shop.now());
    Ok(Some(statement))
}

fn write_entries(shop: &Shop<'_>, change: &Change) -> Result<Option<Statement>, SqlError> {
    let entries: Vec<_> = (change.entries.iter())
        .map(|e| (e.kind, &e.key, e.points, e.balance, &e.document, &e.reason))
        .collect();
    if entries.is_empty() {
        return Ok(None);
    }
    let statement = Statement::new(
        "INSERT INTO entries (tenant, customer, at, kind, key, points, balance, document, reason) \
         SELECT ?1, ?2, ?3, value->>0, value->>1, value->>2, value->>3, value->>4, value->>5 FROM json_each(?4)",
    )
    .bind(shop.tenant)
    .bind(&change.account.customer)
    .bind(shop.now())
    .bind(snapshot::json(&entries)?);
    Ok(Some(statement))
}

/// Purchases of a day, for the tiers; negative for a return.
pub(super) fn write_turnover(shop: &Shop<'_>, customer: &str, at: i64, kopecks: i64) -> Statement {
    Statement::new(
        "INSERT INTO turnover (tenant, customer, day, kopecks) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT DO UPDATE SET kopecks = kopecks + excluded.kopecks",
    )
    .bind(shop.tenant)
    .bind(customer)
    .bind(day_number(
        shop.clock.date_of(at).unwrap_or_else(|| shop.clock.today()),
    ))
    .bind(kopecks)
}

/// A document and the keys under which it may come again.
pub(super) struct Document<'a> {
    pub kind: &'static str,
    pub keys: &'a [String],
    pub number: &'a str,
    pub moment: i64,
    pub store: &'a str,
    pub customer: Option<&'a str>,
    pub demand: Option<&'a str>,
    pub gross: Kopecks,
    pub paid: Kopecks,
    pub spend: i64,
    pub earn: i64,
    pub spent_lots: Option<String>,
    pub flags: &'a str,
    pub digest: &'a str,
    pub positions: String,
    /// The keys of a sale for which no return may be waiting that was not seen.
    pub unless_waited_for: &'a [String],
    /// The keys of the sale that must still not be here.
    pub unless_sold: &'a [String],
}

impl Document<'_> {
    pub fn id(&self) -> &str {
        self.keys.first().map_or("", String::as_str)
    }

    pub fn write(&self, shop: &Shop<'_>) -> Result<Vec<Statement>, SqlError> {
        let insert = Statement::new(
            "INSERT INTO documents (tenant, kind, id, number, moment, store, customer, demand, gross, paid, spend, \
             earn, spent_lots, flags, digest, positions, created_at) \
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17 \
             WHERE NOT EXISTS (SELECT 1 FROM json_each(?18) k \
               CROSS JOIN documents d INDEXED BY returns_of ON d.tenant = +?1 AND d.demand = k.value AND d.flags = 'orphan') \
             AND NOT EXISTS (SELECT 1 FROM json_each(?19) k \
               CROSS JOIN document_keys n ON n.tenant = +?1 AND n.kind = 'sale' AND n.key = k.value) \
             AND NOT EXISTS (SELECT 1 FROM json_each(?18) k \
               CROSS JOIN document_keys w ON w.tenant = +?1 AND w.kind = 'awaited' AND w.key = k.value) \
             RETURNING 1",
        )
        .bind(shop.tenant)
        .bind(self.kind)
        .bind(self.id())
        .bind(self.number)
        .bind(self.moment)
        .bind(self.store)
        .bind(self.customer)
        .bind(self.demand)
        .bind(self.gross.0)
        .bind(self.paid.0)
        .bind(self.spend)
        .bind(self.earn)
        .bind(self.spent_lots.clone())
        .bind(self.flags)
        .bind(self.digest)
        .bind(self.positions.as_str())
        .bind(shop.now())
        .bind(snapshot::json(&self.unless_waited_for)?)
        .bind(snapshot::json(&self.unless_sold)?)
        .expect_rows(1);
        let keys = Statement::new(
            "INSERT INTO document_keys (tenant, kind, key, document) \
             SELECT DISTINCT ?1, ?2, value, ?3 FROM json_each(?4)",
        )
        .bind(shop.tenant)
        .bind(self.kind)
        .bind(self.id())
        .bind(snapshot::json(&self.keys)?);
        Ok(vec![insert, keys])
    }
}

/// The statements about a document that came again with another content: the first one stays, and
/// is known under the keys of the second too, so that these cannot bring it in anew.
pub(super) fn differing(
    shop: &Shop<'_>,
    (kind, what): (&'static str, &str),
    known: &Known,
    keys: &[String],
    number: &str,
) -> Result<Vec<Statement>, SqlError> {
    let text = format!("{what} №{number}: то же ещё раз с другим содержанием, в силе первое");
    let row = journal(
        shop,
        kind,
        &known.id,
        None,
        Outcome::Warning,
        text,
        json!({}),
    );
    Ok(vec![also_known(shop, kind, known, keys)?, row])
}

/// The statement by which a document is known under these keys too.
pub(super) fn also_known(
    shop: &Shop<'_>,
    kind: &'static str,
    known: &Known,
    keys: &[String],
) -> Result<Statement, SqlError> {
    Ok(Statement::new(
        "INSERT INTO document_keys (tenant, kind, key, document) \
         SELECT ?1, ?2, value, ?3 FROM json_each(?4) WHERE true ON CONFLICT DO NOTHING",
    )
    .bind(shop.tenant)
    .bind(kind)
    .bind(&known.id)
    .bind(snapshot::json(&keys)?))
}

/// A row of the journal about a call of the till.
pub(super) fn journal(
    shop: &Shop<'_>,
    action: &'static str,
    object: &str,
    customer: Option<&str>,
    outcome: Outcome,
    text: String,
    detail: Json,
) -> Statement {
    let record = Record {
        direction: Direction::In,
        action,
        object: object.to_owned(),
        customer: customer.map(str::to_owned),
        outcome,
        text,
        detail: Some(detail),
    };
    record.statement(shop.tenant, shop.now())
}

/// The facts of the goods on the positions, in their order.
pub(super) fn good_of(snapshot: &Snapshot, position: &SoldPosition) -> Option<GoodFacts> {
    snapshot.good(position.ids())
}

/// A new customer whom a till brought: the change that begins the account, and the statements that
/// come before it.
pub(super) fn newcomer(
    shop: &Shop<'_>,
    identity: &Identity,
    person: &Person,
) -> Result<(Customer, Vec<Statement>, Change), SqlError> {
    begun(shop, Direction::In, identity, person)
}

/// A new customer, whoever brought him.
fn begun(
    shop: &Shop<'_>,
    by: Direction,
    identity: &Identity,
    person: &Person,
) -> Result<(Customer, Vec<Statement>, Change), SqlError> {
    let id = uuid::Uuid::new_v4().to_string();
    let person = &person.known_by(identity);
    let customer = Customer {
        id: id.clone(),
        name: person.shown_name(),
        phone: identity.phone.clone(),
        card: person.card.clone(),
        birth_date: person.birth_date,
        verified: false,
        standing: None,
        birthday_year: None,
        turnover: Kopecks(0),
        account: Account {
            customer: id.clone(),
            version: 1,
            ..Account::default()
        },
    };
    let mut batch = customers::create(shop.tenant, &id, identity, person, shop.now())?;
    let (name, phone) = (&customer.name, identity.phone.as_deref());
    let record = Record {
        direction: by,
        action: "customer",
        object: id.clone(),
        customer: Some(id.clone()),
        outcome: Outcome::Ok,
        text: format!("Новый покупатель {}", sklad_jobs::mask::name(name)),
        detail: Some(json!({ "phone": phone.map(sklad_jobs::mask::phone) })),
    };
    batch.push(record.statement(shop.tenant, shop.now()));
    let mut change = Change::begin(customer.account.clone(), shop.now());
    if let Some(welcome) = &shop.programme.earning.welcome {
        change.add(
            "welcome",
            &id,
            welcome.points.0,
            shop.life(welcome.life(), shop.now()),
            None,
        );
    }
    Ok((customer, batch, change))
}

/// Creates a customer for the operator, with the welcome points.
///
/// # Errors
/// [`SqlError::Constraint`] when somebody has one of the keys already.
pub async fn register(
    sql: &impl Sql,
    shop: &Shop<'_>,
    identity: &Identity,
    person: &Person,
) -> Result<String, SqlError> {
    create(sql, shop, Direction::Operator, identity, person).await
}

async fn create(
    sql: &impl Sql,
    shop: &Shop<'_>,
    by: Direction,
    identity: &Identity,
    person: &Person,
) -> Result<String, SqlError> {
    let (customer, mut batch, change) = begun(shop, by, identity, person)?;
    batch.extend(write(shop, &change, &Side::default())?);
    sql.atomic(batch).await?;
    Ok(customer.id)
}

/// The customer whom a till means, created if there is none. What the call knows more than we
/// do is learnt: further keys lead to the customer from then on. Answers whether it is a new one.
///
/// # Errors
/// The database's.
pub async fn register_or_find(
    sql: &impl Sql,
    shop: &Shop<'_>,
    identity: &Identity,
    person: &Person,
) -> Result<(Customer, bool), SqlError> {
    for _ in 0..ATTEMPTS {
        let query = Query {
            identity: identity.clone(),
            ..Query::default()
        };
        let snapshot = shop.read(sql, &query).await?;
        let created = snapshot.customer.is_none();
        if let Some(customer) = snapshot.customer {
            let learnt = learn(shop, &customer.id, identity, &snapshot.unlinked)?;
            if !learnt.is_empty() {
                sql.atomic(learnt).await?;
            }
            return Ok((customer, created));
        }
        match create(sql, shop, Direction::In, identity, person).await {
            Ok(id) => {
                let query = Query {
                    identity: Identity::new([id.as_str()], None, None),
                    ..Query::default()
                };
                let snapshot = shop.read(sql, &query).await?;
                let customer = snapshot.customer.ok_or(SqlError::Conflict)?;
                return Ok((customer, true));
            }
            Err(SqlError::Constraint(_)) => {}
            Err(other) => return Err(other),
        }
    }
    Err(SqlError::Busy)
}

/// The statements that link the keys which do not lead to the customer yet, if there are any, and
/// keep МойСклад's id when it is among them.
pub(super) fn learn(
    shop: &Shop<'_>,
    customer: &str,
    identity: &Identity,
    unlinked: &[usize],
) -> Result<Vec<Statement>, SqlError> {
    let keys = identity.keys();
    let new: Vec<_> = unlinked
        .iter()
        .filter_map(|n| keys.get(*n).copied())
        .collect();
    if new.is_empty() {
        return Ok(Vec::new());
    }
    let mut batch = vec![customers::link(shop.tenant, customer, &new)?];
    let native = identity.native.as_deref();
    if let Some(id) = native.filter(|id| new.contains(&("uuid", *id))) {
        batch.push(
            Statement::new(
                "UPDATE customers SET ms_id = ?3 WHERE tenant = ?1 AND id = ?2 AND EXISTS \
                 (SELECT 1 FROM customer_keys WHERE tenant = +?1 AND kind = 'uuid' AND value = +?3 AND customer = +?2)",
            )
            .bind(shop.tenant)
            .bind(customer)
            .bind(id),
        );
    }
    let learnt = |kind: &str| {
        new.iter()
            .find(|(k, _)| *k == kind)
            .map(|(_, value)| *value)
    };
    let (phone, card) = (learnt("phone"), learnt("card"));
    if phone.is_some() || card.is_some() {
        // The till shows what it searched by only if it is in the row.
        let fill = Statement::new(
            "UPDATE customers SET phone = coalesce(phone, \
               (SELECT value FROM customer_keys WHERE tenant = +?1 AND kind = 'phone' AND value = +?3 AND customer = +?2)), \
             card = coalesce(card, \
               (SELECT value FROM customer_keys WHERE tenant = +?1 AND kind = 'card' AND value = +?4 AND customer = +?2)) \
             WHERE tenant = +?1 AND id = +?2",
        )
        .bind(shop.tenant)
        .bind(customer)
        .bind(phone)
        .bind(card);
        batch.push(fill);
    }
    Ok(batch)
}
