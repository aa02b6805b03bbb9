//! Everything that a call of the till needs, read by one statement that answers one row.
//!
//! A statement costs a tenth of an empty request and a row of its answer another trip through the
//! host's channel, so the parts come as JSON arrays in the columns of a single row.

use std::collections::BTreeMap;

use chrono::{DateTime, FixedOffset, NaiveDate};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use sklad_store::{Row, Sql, SqlError, Statement};

use super::account::{Account, Lot, Taken};
use crate::customers::Identity;
use crate::programme::Programme;
use crate::quote::{CustomerFacts, GoodFacts};
use crate::tiers::{self, Standing};
use crate::units::{Kopecks, Points};

/// Points that expire within so many days are «soon» on the receipt.
const EXPIRING_SOON_DAYS: i64 = 30;
/// Milliseconds of a day.
pub const DAY_MS: i64 = 86_400_000;

// The indexes are named because without statistics SQLite takes all rows of a tenant for ten, and
// reads them all.
const SQL: &str = "\
WITH hit AS MATERIALIZED ( \
  SELECT k.key AS n, c.customer AS id FROM json_each(?2) k \
  CROSS JOIN customer_keys c ON c.tenant = ?1 AND c.kind = k.value->>0 AND c.value = k.value->>1), \
who AS MATERIALIZED (SELECT id FROM hit ORDER BY n LIMIT 1) \
SELECT \
 (SELECT json_group_array(json_array(n, id)) FROM hit), \
 (SELECT json_array(id, name, phone, card, birth_date, verified, balance, debt, tier, tier_since, birthday_year, version) \
  FROM customers WHERE tenant = ?1 AND id = (SELECT id FROM who)), \
 (SELECT json_group_array(json_array(id, amount, remaining, activates_at, expires_at)) FROM lots INDEXED BY lots_live \
  WHERE tenant = ?1 AND customer = (SELECT id FROM who) AND remaining > 0), \
 (SELECT sum(kopecks) FROM turnover WHERE tenant = ?1 AND customer = (SELECT id FROM who) AND day >= ?4), \
 (SELECT json_group_array(json_array(k.value, g.id, g.min_price, g.discount_prohibited, g.tobacco, g.weighed, c.path, \
    CASE WHEN ?5 THEN (SELECT json_group_array(o.value) FROM good_keys o \
      WHERE o.tenant = ?1 AND o.good = g.id AND o.kind IN ('uuid', 'external')) END)) \
  FROM json_each(?3) k \
  CROSS JOIN good_keys n ON n.tenant = ?1 AND n.kind = 'uuid' AND n.value = k.value \
  CROSS JOIN goods g ON g.tenant = ?1 AND g.id = n.good \
  LEFT JOIN categories c ON c.tenant = ?1 AND c.id = g.category), \
 (SELECT json_array(d.id, d.digest) FROM json_each(?7) k \
  CROSS JOIN document_keys n ON n.tenant = ?1 AND n.kind = ?6 AND n.key = k.value \
  CROSS JOIN documents d ON d.tenant = ?1 AND d.kind = ?6 AND d.id = n.document LIMIT 1), \
 (SELECT 1 FROM documents INDEXED BY returns_of WHERE ?6 = 'sale' AND tenant = ?1 AND flags = 'orphan' \
  AND demand IN (SELECT value FROM json_each(?7)) LIMIT 1)";

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
    let keys = query.identity.keys();
    let window = tiers::window_start(&programme.tiers, today).map_or(0, day_number);
    let (kind, documents) = query.document.unwrap_or(("", &[]));
    let statement = Statement::new(SQL)
        .bind(tenant)
        .bind(json(&keys)?)
        .bind(json(&query.goods)?)
        .bind(window)
        .bind(names_goods(programme))
        .bind(kind)
        .bind(json(&documents)?);
    let rows = sql.query(statement).await?;
    let row = rows
        .first()
        .ok_or_else(|| SqlError::Other("no row".to_owned()))?;
    snapshot(row, keys.len())
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

fn snapshot(row: &Row, keys: usize) -> Result<Snapshot, SqlError> {
    let hits: Vec<(usize, String)> = column(row, 0)?.unwrap_or_default();
    let who = hits.first().map(|(_, id)| id.clone());
    let linked = |n: &usize| {
        hits.iter()
            .any(|(k, id)| k == n && Some(id) == who.as_ref())
    };
    Ok(Snapshot {
        unlinked: (0..keys).filter(|n| !linked(n)).collect(),
        ambiguous: hits.iter().any(|(_, id)| Some(id) != who.as_ref()),
        customer: column::<CustomerRow>(row, 1)?
            .map(|c| customer(row, c))
            .transpose()?,
        goods: goods(row)?,
        document: column::<(String, String)>(row, 5)?.map(|(id, digest)| Known { id, digest }),
        orphans: row.int(6).is_some(),
    })
}

#[derive(Deserialize)]
struct CustomerRow(
    String,
    String,
    Option<String>,
    Option<String>,
    Option<NaiveDate>,
    i64,
    i64,
    i64,
    Option<String>,
    Option<i64>,
    Option<i32>,
    i64,
);

fn customer(row: &Row, c: CustomerRow) -> Result<Customer, SqlError> {
    let CustomerRow(
        id,
        name,
        phone,
        card,
        birth_date,
        verified,
        balance,
        debt,
        tier,
        since,
        birthday_year,
        version,
    ) = c;
    let lots: Vec<(String, i64, i64, i64, i64)> = column(row, 2)?.unwrap_or_default();
    let lots = lots
        .into_iter()
        .map(|(id, amount, remaining, activates_at, expires_at)| Lot {
            id,
            amount,
            remaining,
            activates_at,
            expires_at,
        });
    Ok(Customer {
        standing: since.and_then(day).map(|since| Standing { tier, since }),
        turnover: Kopecks(row.int(3).unwrap_or_default()),
        account: Account {
            customer: id.clone(),
            version,
            balance,
            debt,
            lots: lots.collect(),
        },
        id,
        name,
        phone,
        card,
        birth_date,
        verified: verified != 0,
        birthday_year,
    })
}

type GoodRow = (
    String,
    String,
    Option<i64>,
    i64,
    i64,
    i64,
    Option<String>,
    Option<String>,
);

fn goods(row: &Row) -> Result<BTreeMap<String, GoodFacts>, SqlError> {
    let rows: Vec<GoodRow> = column(row, 4)?.unwrap_or_default();
    let mut goods = BTreeMap::new();
    for (asked, id, min_price, prohibited, tobacco, weighed, path, others) in rows {
        let strings = |text: Option<String>| -> Vec<String> {
            text.and_then(|t| serde_json::from_str(&t).ok())
                .unwrap_or_default()
        };
        let mut ids = vec![asked.clone(), id];
        ids.extend(strings(others));
        let facts = GoodFacts {
            ids,
            categories: strings(path),
            min_price: min_price.map(Kopecks),
            discount_prohibited: prohibited != 0,
            tobacco: tobacco != 0,
            weighed: weighed != 0,
        };
        goods.insert(asked, facts);
    }
    Ok(goods)
}

fn column<T: DeserializeOwned>(row: &Row, i: usize) -> Result<Option<T>, SqlError> {
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
