//! Everything that a call of the till needs, read by one statement that answers one row.
//!
//! A statement costs a tenth of an empty request and every row of an answer its own passage, so what
//! may be several comes as a JSON array in a column.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, NaiveDate};
use serde::de::DeserializeOwned;
use sklad_store::{Row, Sql, SqlError, Statement};

use super::account::{Account, Lot, Taken};
use crate::customers::{IDS_MAX, Identity};
use crate::programme::Programme;
use crate::quote::{CustomerFacts, GoodFacts};
use crate::tiers::{self, Standing};
use crate::units::{Kopecks, Points};

/// Points that expire within so many days are «soon» on the receipt.
const EXPIRING_SOON_DAYS: i64 = 30;
/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

/// To which customers the keys lead: the ids, the card, the phone.
macro_rules! keys {
    () => {
        "(SELECT customer FROM customer_keys WHERE tenant = +?1 AND kind = 'uuid' AND value = +?2), \
 (SELECT customer FROM customer_keys WHERE tenant = +?1 AND kind = 'uuid' AND value = +?3), \
 (SELECT customer FROM customer_keys WHERE tenant = +?1 AND kind = 'uuid' AND value = +?4), \
 (SELECT customer FROM customer_keys WHERE tenant = +?1 AND kind = 'uuid' AND value = +?5), \
 (SELECT customer FROM customer_keys WHERE tenant = +?1 AND kind = 'card' AND value = +?6), \
 (SELECT customer FROM customer_keys WHERE tenant = +?1 AND kind = 'phone' AND value = +?7)"
    };
}

/// What every call reads. The customer is the one of the first key that is known: looked up once more
/// in pages that the first look has brought, which costs less than keeping the answers in a table.
///
/// `= +?1` instead of `= ?1`, here and in other joins: SQLite may plan a join by the bound value and
/// would compile the kept statement anew at every call. The index of the lots is named because without
/// statistics SQLite takes all rows of a tenant for ten, and reads them all. Goods are joined by rowid:
/// their index is looked through once.
///
/// A variant has its product's ids behind its own, and what forbids or limits a discount of the product
/// does so of the variant.
const SQL: &str = concat!(
    "SELECT ",
    keys!(),
    ", \
 c.id, c.name, c.phone, c.card, c.birth_date, c.verified, c.balance, c.debt, c.tier, c.tier_since, \
 c.birthday_year, c.version, \
 (SELECT json_group_array(json_array(id, amount, remaining, activates_at, expires_at)) FROM lots INDEXED BY lots_live \
  WHERE tenant = +?1 AND customer = c.id AND remaining > 0), \
 (SELECT sum(kopecks) FROM turnover WHERE tenant = +?1 AND customer = c.id AND day >= ?8), \
 (SELECT json_group_array(json_array(k.value, g.id, ifnull(g.min_price, p.min_price), \
    g.discount_prohibited OR ifnull(p.discount_prohibited, 0), g.tobacco OR ifnull(p.tobacco, 0), \
    g.weighed OR ifnull(p.weighed, 0), json(c.path), \
    json(CASE WHEN ?10 THEN (SELECT json_group_array(o.id) FROM (SELECT g.external AS id WHERE g.external IS NOT NULL \
      UNION ALL SELECT value FROM good_ids WHERE tenant = +?1 AND good = g.id \
      UNION ALL SELECT g.parent WHERE g.parent IS NOT NULL \
      UNION ALL SELECT p.external WHERE p.external IS NOT NULL \
      UNION ALL SELECT value FROM good_ids WHERE tenant = +?1 AND good = g.parent) o) END))) \
  FROM json_each(?9) k \
  CROSS JOIN goods g ON g.rowid = ifnull( \
    (SELECT rowid FROM goods WHERE tenant = +?1 AND id = k.value), \
    (SELECT m.rowid FROM good_ids n CROSS JOIN goods m ON m.tenant = +?1 AND m.id = n.good \
      WHERE n.tenant = +?1 AND n.kind = 'uuid' AND n.value = k.value)) \
  LEFT JOIN goods p ON g.parent IS NOT NULL AND p.tenant = +?1 AND p.id = g.parent \
  LEFT JOIN categories c ON ?11 AND c.tenant = +?1 AND c.id = g.category)"
);

/// The columns about a document that may be here already.
const DOCUMENT: &str = "\
, (SELECT json_array(d.id, d.digest) FROM json_each(?13) k \
  CROSS JOIN document_keys n ON n.tenant = +?1 AND n.kind = +?12 AND n.key = k.value \
  CROSS JOIN documents d ON d.tenant = +?1 AND d.kind = +?12 AND d.id = n.document LIMIT 1), \
 coalesce((SELECT 1 FROM documents INDEXED BY returns_of WHERE ?12 = 'sale' AND tenant = +?1 AND flags = 'orphan' \
  AND demand IN (SELECT value FROM json_each(?13)) LIMIT 1), \
  (SELECT 1 FROM document_keys WHERE ?12 = 'sale' AND tenant = +?1 AND kind = 'awaited' \
  AND key IN (SELECT value FROM json_each(?13)) LIMIT 1))";

const FROM: &str = concat!(
    " FROM (SELECT 1) LEFT JOIN customers c ON c.tenant = +?1 AND c.id = coalesce(",
    keys!(),
    ")"
);

/// The columns of the answer behind those of the keys.
mod column {
    use crate::customers::IDS_MAX;

    /// One of the keys for each id, the card and the phone.
    pub const KEYS: usize = IDS_MAX + 2;
    pub const CUSTOMER: usize = KEYS;
    pub const LOTS: usize = CUSTOMER + 12;
    pub const TURNOVER: usize = LOTS + 1;
    pub const GOODS: usize = TURNOVER + 1;
    pub const DOCUMENT: usize = GOODS + 1;
    pub const ORPHANS: usize = DOCUMENT + 1;
}

/// A customer's row, as far as a receipt needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Customer {
    /// Our id.
    pub id: String,
    /// Full name.
    pub name: String,
    /// Digits in international form.
    pub phone: Option<String>,
    /// Card number.
    pub card: Option<String>,
    /// Birth date.
    pub birth_date: Option<NaiveDate>,
    /// Whether a registration code was confirmed.
    pub verified: bool,
    /// The tier that is stored and since when.
    pub standing: Option<Standing>,
    /// The year whose birthday points were given last.
    pub birthday_year: Option<i32>,
    /// Kopecks bought in the window of the tiers.
    pub turnover: Kopecks,
    /// The account.
    pub account: Account,
}

/// A document that is already here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Known {
    /// Its id.
    pub id: String,
    /// The digest of what was sent.
    pub digest: String,
}

/// The state that one statement saw.
#[derive(Clone, Debug, Default)]
pub struct Snapshot {
    /// The customer, when one of the keys is known.
    pub customer: Option<Customer>,
    /// Which of the identity's keys lead to another customer or to none, as indexes.
    pub unlinked: Vec<usize>,
    /// Whether two keys lead to two different customers.
    pub ambiguous: bool,
    /// What is known of the goods, by the id that was asked for.
    pub goods: BTreeMap<String, GoodFacts>,
    /// The document, when it has been posted before.
    pub document: Option<Known>,
    /// Whether returns of this sale came before it.
    pub orphans: bool,
}

impl Snapshot {
    /// What is known of a good with these ids. One that the catalogue does not know still has its
    /// ids: a rule may name it.
    #[must_use]
    pub fn good<'a>(&self, ids: impl IntoIterator<Item = &'a str>) -> Option<GoodFacts> {
        let ids: Vec<&str> = ids.into_iter().collect();
        if let Some(known) = ids.iter().find_map(|id| self.goods.get(*id)) {
            return Some(known.clone());
        }
        let ids: Vec<String> = ids.into_iter().map(str::to_owned).collect();
        (!ids.is_empty()).then(|| GoodFacts {
            ids,
            ..GoodFacts::default()
        })
    }
}

/// What to read.
#[derive(Clone, Debug, Default)]
pub struct Query<'a> {
    /// Who; an empty identity is an anonymous receipt.
    pub identity: Identity,
    /// Ids of goods, lower case.
    pub goods: &'a [&'a str],
    /// `sale` or `return` and the keys under which the document may be here already.
    pub document: Option<(&'static str, &'a [String])>,
}

/// Reads the state. `today` is the tenant's wall clock.
///
/// # Errors
/// The database's, or a row that this build cannot read.
pub async fn read(
    sql: &impl Sql,
    tenant: &str,
    programme: &Programme,
    today: NaiveDate,
    query: &Query<'_>,
) -> Result<Snapshot, SqlError> {
    let window = tiers::window_start(&programme.tiers, today).map_or(0, day_number);
    let statement = match query.document {
        None => statement(&[SQL, FROM], tenant, &query.identity),
        Some(_) => statement(&[SQL, DOCUMENT, FROM], tenant, &query.identity),
    };
    let mut statement = statement
        .bind(window)
        .bind(json(&query.goods)?)
        .bind(names_goods(programme))
        .bind(names_categories(programme));
    if let Some((kind, keys)) = query.document {
        statement = statement.bind(kind).bind(json(&keys)?);
    }
    let rows = sql.query(statement).await?;
    let row = rows
        .first()
        .ok_or_else(|| SqlError::Other("no row".to_owned()))?;
    snapshot(row, &query.identity)
}

/// The statement of these parts, with the tenant and the keys.
fn statement(parts: &[&str], tenant: &str, identity: &Identity) -> Statement {
    let mut statement = Statement::new(parts.concat()).bind(tenant);
    for i in 0..IDS_MAX {
        statement = statement.bind(identity.uuids.get(i).map(String::as_str));
    }
    statement
        .bind(identity.card.as_deref())
        .bind(identity.phone.as_deref())
}

/// Whether any rule names a good by an id: only then all ids of the goods are read.
fn names_goods(programme: &Programme) -> bool {
    !(programme.earning.goods.is_empty()
        && programme.earning.excluded_goods.is_empty()
        && programme.spending.goods.is_empty()
        && programme.spending.excluded_goods.is_empty()
        && programme.spending.price_floors_kopecks.is_empty()
        && programme.discounts.goods.is_empty()
        && programme.discounts.excluded_goods.is_empty())
}

/// Whether any rule names a category: only then the categories of the goods are read.
fn names_categories(programme: &Programme) -> bool {
    !(programme.earning.categories.is_empty()
        && programme.earning.excluded_categories.is_empty()
        && programme.spending.categories.is_empty()
        && programme.spending.excluded_categories.is_empty()
        && programme.discounts.categories.is_empty()
        && programme.discounts.excluded_categories.is_empty())
}

/// The customers that the keys lead to, in the order of [`Identity::keys`].
fn hits<'a>(row: &'a Row, identity: &Identity) -> Vec<Option<&'a str>> {
    let ids = 0..identity.uuids.len();
    let card = identity.card.as_ref().map(|_| IDS_MAX);
    let phone = identity.phone.as_ref().map(|_| IDS_MAX + 1);
    ids.chain(card)
        .chain(phone)
        .map(|column| row.text(column))
        .collect()
}

fn snapshot(row: &Row, identity: &Identity) -> Result<Snapshot, SqlError> {
    let hits = hits(row, identity);
    let who = hits.iter().flatten().next();
    let linked = |hit: &Option<&str>| hit.is_some() && hit.as_ref() == who;
    let unlinked = hits.iter().enumerate().filter(|(_, hit)| !linked(hit));
    Ok(Snapshot {
        unlinked: unlinked.map(|(n, _)| n).collect(),
        ambiguous: hits.iter().flatten().any(|id| Some(id) != who),
        customer: customer(row)?,
        goods: goods(row)?,
        document: parsed::<(String, String)>(row, column::DOCUMENT)?
            .map(|(id, digest)| Known { id, digest }),
        orphans: row.int(column::ORPHANS).is_some(),
    })
}

fn customer(row: &Row) -> Result<Option<Customer>, SqlError> {
    let text = |i: usize| row.text(column::CUSTOMER + i).map(str::to_owned);
    let int = |i: usize| row.int(column::CUSTOMER + i);
    let Some(id) = text(0) else { return Ok(None) };
    let lots: Vec<(String, i64, i64, i64, i64)> = parsed(row, column::LOTS)?.unwrap_or_default();
    let lots = lots
        .into_iter()
        .map(|(id, amount, remaining, activates_at, expires_at)| Lot {
            id,
            amount,
            remaining,
            activates_at,
            expires_at,
        });
    let tier = text(8);
    Ok(Some(Customer {
        name: text(1).unwrap_or_default(),
        phone: text(2),
        card: text(3),
        birth_date: text(4).and_then(|date| date.parse().ok()),
        verified: int(5) == Some(1),
        standing: int(9).and_then(day).map(|since| Standing { tier, since }),
        birthday_year: int(10).and_then(|year| i32::try_from(year).ok()),
        turnover: Kopecks(row.int(column::TURNOVER).unwrap_or_default()),
        account: Account {
            customer: id.clone(),
            version: int(11).unwrap_or_default(),
            balance: int(6).unwrap_or_default(),
            debt: int(7).unwrap_or_default(),
            lots: lots.collect(),
        },
        id,
    }))
}

type GoodRow = (
    String,
    String,
    Option<i64>,
    i64,
    i64,
    i64,
    Option<Vec<String>>,
    Option<Vec<String>>,
);

fn goods(row: &Row) -> Result<BTreeMap<String, GoodFacts>, SqlError> {
    let rows: Vec<GoodRow> = parsed(row, column::GOODS)?.unwrap_or_default();
    let mut goods = BTreeMap::new();
    for (asked, id, min_price, prohibited, tobacco, weighed, path, others) in rows {
        let mut ids = vec![asked.clone()];
        if id != asked {
            ids.push(id);
        }
        ids.extend(others.unwrap_or_default());
        let facts = GoodFacts {
            ids,
            categories: path.unwrap_or_default(),
            min_price: min_price.map(Kopecks),
            discount_prohibited: prohibited != 0,
            tobacco: tobacco != 0,
            weighed: weighed != 0,
        };
        goods.insert(asked, facts);
    }
    Ok(goods)
}

fn parsed<T: DeserializeOwned>(row: &Row, i: usize) -> Result<Option<T>, SqlError> {
    row.text(i)
        .map(|text| {
            serde_json::from_str(text).map_err(|e| SqlError::Other(format!("column {i}: {e}")))
        })
        .transpose()
}

/// JSON for a parameter.
pub(crate) fn json(value: &impl serde::Serialize) -> Result<String, SqlError> {
    serde_json::to_string(value).map_err(|e| SqlError::Other(e.to_string()))
}

/// A date as year · 10000 + month · 100 + day.
#[must_use]
pub fn day_number(date: NaiveDate) -> i64 {
    use chrono::Datelike;
    i64::from(date.year()) * 10_000 + i64::from(date.month()) * 100 + i64::from(date.day())
}

/// The date of a [`day_number`].
#[must_use]
pub fn day(number: i64) -> Option<NaiveDate> {
    let part = |n: i64| u32::try_from(n).ok();
    let year = i32::try_from(number / 10_000).ok()?;
    NaiveDate::from_ymd_opt(year, part(number / 100 % 100)?, part(number % 100)?)
}

impl Customer {
    /// Where the customer stands today: the stored tier may have run out since it was stored.
    #[must_use]
    pub fn standing_today(&self, programme: &Programme, today: NaiveDate) -> Standing {
        tiers::advance(
            &programme.tiers,
            self.standing.as_ref(),
            self.turnover,
            today,
        )
    }

    /// The facts for a quote.
    #[must_use]
    pub fn facts(&self, programme: &Programme, clock: Clock) -> CustomerFacts {
        let until = clock.now.saturating_add(EXPIRING_SOON_DAYS * DAY_MS);
        let expiring = self.account.expiring(clock.now, until);
        CustomerFacts {
            available: Points(self.account.available(clock.now)),
            tier: self.standing_today(programme, clock.today()).tier,
            birth_date: self.birth_date,
            expiring_soon: expiring
                .and_then(|(points, at)| Some((Points(points), clock.date_of(at)?))),
        }
    }
}

/// A moment and the zone in which the shop reads it.
#[derive(Clone, Copy, Debug)]
pub struct Clock {
    /// Milliseconds since 1970 UTC.
    pub now: i64,
    /// The tenant's offset from UTC in minutes.
    pub zone_minutes: i32,
}

impl Clock {
    /// The wall clock at `at`, if it is a time at all.
    #[must_use]
    pub fn local(&self, at: i64) -> Option<chrono::NaiveDateTime> {
        let zone = FixedOffset::east_opt(self.zone_minutes.checked_mul(60)?)?;
        Some(
            DateTime::from_timestamp_millis(at)?
                .with_timezone(&zone)
                .naive_local(),
        )
    }

    /// The date at `at`.
    #[must_use]
    pub fn date_of(&self, at: i64) -> Option<NaiveDate> {
        self.local(at).map(|local| local.date())
    }

    /// Today.
    #[must_use]
    pub fn today(&self) -> NaiveDate {
        self.date_of(self.now).unwrap_or_default()
    }

    /// The midnight that begins `date` in the shop, in milliseconds UTC.
    #[must_use]
    pub fn midnight(&self, date: NaiveDate) -> i64 {
        let utc = date
            .and_time(chrono::NaiveTime::MIN)
            .and_utc()
            .timestamp_millis();
        utc.saturating_sub(i64::from(self.zone_minutes) * 60_000)
    }
}

/// The parts of a sale's points that a return of `points` gives back, after earlier returns gave
/// back `earlier`: what was taken last comes back first.
#[must_use]
pub fn restored_parts(taken: &[Taken], earlier: i64, points: i64) -> Vec<Taken> {
    let mut skip = earlier;
    let mut left = points;
    let mut parts = Vec::new();
    for Taken(amount, expires_at) in taken.iter().rev() {
        let skipped = skip.min(*amount);
        skip -= skipped;
        let got = (amount - skipped).min(left);
        left -= got;
        if got > 0 {
            parts.push(Taken(got, *expires_at));
        }
    }
    parts
}
