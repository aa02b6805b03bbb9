//! Posting a return (`POST /retailsalesreturn`, moysklad-loyalty.md §3.8): points go back in
//! proportion to everything returned so far, whatever the order of the parts.

use serde_json::json;
use sklad_jobs::journal::Outcome;
use sklad_store::{Row, Sql, SqlError, Statement};

use super::account::{Change, Life, Taken};
use super::post::{
    ATTEMPTS, Document, LedgerError, Posted, Shop, Side, SoldPosition, also_known, differing,
    journal, positions_from, positions_json, totals, write, write_turnover,
};
use super::sale::UNCLEAR;
use super::snapshot::{self, DAY_MS, Query, restored_parts};
use crate::customers::Identity;
use crate::returns::{ReturnedLine, Sale as SoldSale, SaleLine, Settlement, due, settle};
use crate::units::{Kopecks, Points};

/// Points that come back live for at least so many days, also when the lot they were taken from has
/// run out in the meantime: who brings goods back must be able to use them.
const RESTORED_DAYS_MIN: i64 = 14;

/// A return that has happened at the till.
#[derive(Clone, Debug, Default)]
pub struct Return {
    /// The keys under which this return is known, at least one; the first is its id.
    pub keys: Vec<String>,
    /// Its number.
    pub number: String,
    /// When, milliseconds UTC.
    pub moment: i64,
    /// The point of sale's id.
    pub store: String,
    /// The keys of the sale; empty for a return without one.
    pub demand: Vec<String>,
    /// Who returned, when the call says so; the sale knows better.
    pub identity: Identity,
    /// The positions.
    pub positions: Vec<SoldPosition>,
    /// Whether some number of it could not be read and was taken as nothing.
    pub unclear: bool,
    /// A hash of what the return says: another one under the same key is another return.
    pub digest: String,
}

/// A sale with what a return needs of it.
struct Sold {
    id: String,
    customer: Option<String>,
    moment: i64,
    spend: i64,
    earn: i64,
    taken: Vec<Taken>,
    positions: Vec<SoldPosition>,
}

/// Posts a return: durable when it returns, with one effect however often it comes. A return whose
/// sale is not here is written down and takes effect when the sale comes.
///
/// # Errors
/// The database's, or a number that does not fit.
pub async fn post_return(
    sql: &impl Sql,
    shop: &Shop<'_>,
    back: &Return,
) -> Result<Posted, LedgerError> {
    for _ in 0..ATTEMPTS {
        let sold = find_sale(sql, shop, &back.demand).await?;
        let customer = sold.as_ref().and_then(|s| s.customer.clone());
        let identity = match &customer {
            Some(id) => Identity {
                uuids: vec![id.clone()],
                ..Identity::default()
            },
            None => back.identity.clone(),
        };
        let query = Query {
            identity,
            goods: &[],
            document: Some(("return", &back.keys)),
        };
        let snapshot = shop.read(sql, &query).await?;
        if let Some(known) = &snapshot.document {
            if known.digest == back.digest {
                if back.keys.len() > 1 {
                    let keys = also_known(shop, "return", known, &back.keys)?;
                    sql.atomic(vec![keys]).await?;
                }
                return Ok(Posted::Repeated);
            }
            let batch = differing(shop, ("return", "Возврат"), known, &back.keys, &back.number)?;
            sql.atomic(batch).await?;
            return Ok(Posted::Differs);
        }
        let (batch, posted) = batch(sql, shop, back, sold, snapshot).await?;
        match sql.atomic(batch).await {
            Ok(_) => return Ok(posted),
            Err(SqlError::Conflict | SqlError::Constraint(_)) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(SqlError::Busy.into())
}

async fn batch(
    sql: &impl Sql,
    shop: &Shop<'_>,
    back: &Return,
    sold: Option<Sold>,
    snapshot: snapshot::Snapshot,
) -> Result<(Vec<Statement>, Posted), LedgerError> {
    let (gross, paid) = totals(&back.positions)?;
    let mut batch = Vec::new();
    let mut settlement = Settlement::default();
    let mut customer = snapshot.customer.map(|c| (c.id.clone(), c.account));
    match (&sold, customer.take()) {
        (Some(sold), Some((id, account))) if sold.customer.is_some() => {
            // After the account's version was read: a return that slips in between makes the batch
            // conflict.
            let earlier = earlier(sql, shop, sold, &id).await?;
            let back = (back.id(), back.positions.as_slice());
            settlement = settled(shop, sold, &earlier, back, account, &mut batch)?;
            customer = Some((id, super::account::Account::default()));
        }
        (_, other) => customer = other,
    }
    let customer = customer.map(|(id, _)| id);
    let document = Document {
        kind: "return",
        keys: &back.keys,
        number: &back.number,
        moment: back.moment,
        store: &back.store,
        customer: customer.as_deref(),
        demand: sold
            .as_ref()
            .map(|s| s.id.as_str())
            .or_else(|| back.demand.first().map(String::as_str)),
        gross,
        paid,
        spend: settlement.restore.0,
        earn: settlement.claw_back.0,
        spent_lots: None,
        flags: if sold.is_some() { "" } else { "orphan" },
        digest: &back.digest,
        positions: positions_json(&back.positions)?,
        unless_waited_for: &[],
        // A sale that slips in between must not leave this return waiting for it.
        unless_sold: if sold.is_some() { &[] } else { &back.demand },
    };
    batch.extend(document.write(shop)?);
    if sold.is_none() {
        batch.extend(awaits(shop, &back.demand)?);
    }
    batch.push(told(shop, &document, sold.as_ref(), back.unclear));
    let posted = Posted::Done {
        customer: customer.clone(),
        spend: document.spend,
        earn: document.earn,
    };
    Ok((batch, posted))
}

/// What earlier returns of the sale brought back, and what they did.
struct Earlier {
    positions: Vec<SoldPosition>,
    done: Settlement,
    /// Earned points of the sale that were written off as expired.
    expired: i64,
}

async fn earlier(
    sql: &impl Sql,
    shop: &Shop<'_>,
    sale: &Sold,
    customer: &str,
) -> Result<Earlier, LedgerError> {
    let statement = Statement::new(
        "SELECT positions, spend, earn FROM documents INDEXED BY returns_of \
         WHERE tenant = +?1 AND demand = +?2 AND kind = 'return' AND flags <> 'orphan'",
    )
    .bind(shop.tenant)
    .bind(&sale.id);
    let mut earlier = Earlier {
        positions: Vec::new(),
        done: Settlement::default(),
        expired: expired(sql, shop, customer, &sale.lot()).await?,
    };
    for row in sql.query(statement).await? {
        let positions = positions_from(row.text(0).unwrap_or("[]"))?;
        earlier.positions.extend(positions);
        let part = |i: usize| Points(row.int(i).unwrap_or_default());
        earlier.done.restore = earlier.done.restore.plus(part(1))?;
        earlier.done.claw_back = earlier.done.claw_back.plus(part(2))?;
    }
    Ok(earlier)
}

/// The points of a lot that were written off as expired, also before its customer was merged into
/// this one.
async fn expired(
    sql: &impl Sql,
    shop: &Shop<'_>,
    customer: &str,
    lot: &str,
) -> Result<i64, SqlError> {
    let statement = Statement::new(
        "SELECT -sum(e.points) FROM customer_keys k INDEXED BY customer_keys_of \
         CROSS JOIN entries e ON e.tenant = +?1 AND e.kind = 'expire' AND e.key = k.value || '/' || ?3 \
         WHERE k.tenant = +?1 AND k.customer = +?2 AND k.kind = 'uuid'",
    )
    .bind(shop.tenant)
    .bind(customer)
    .bind(lot);
    let rows = sql.query(statement).await?;
    Ok(rows.first().and_then(|row| row.int(0)).unwrap_or_default())
}

/// A returned position under the name that its good has in the sale: by any of its ids, else (a till
/// names a good differently in sale and return, or not at all) by its prices.
fn returned(sold: &[SoldPosition], position: &SoldPosition) -> ReturnedLine {
    let by_id = |s: &&SoldPosition| s.ids().any(|id| position.ids().any(|other| other == id));
    let by_price = |s: &&SoldPosition| {
        s.price == position.price && s.discounted_price == position.discounted_price
    };
    let found = sold
        .iter()
        .find(by_id)
        .or_else(|| sold.iter().find(by_price));
    ReturnedLine {
        key: found.unwrap_or(position).good.clone(),
        quantity: position.quantity,
    }
}

/// Works out what a return does to the points and puts it on the batch.
fn settled(
    shop: &Shop<'_>,
    sold: &Sold,
    earlier: &Earlier,
    (id, positions): (&str, &[SoldPosition]),
    account: super::account::Account,
    batch: &mut Vec<Statement>,
) -> Result<Settlement, LedgerError> {
    let lines = sold.lines();
    let named = |p: &SoldPosition| returned(&sold.positions, p);
    let before: Vec<ReturnedLine> = earlier.positions.iter().map(named).collect();
    let mut all = before.clone();
    all.extend(positions.iter().map(named));

    let customer = account.customer.clone();
    let mut change = Change::begin(account, shop.now());
    let expired = earlier.expired.saturating_add(change.expired(&sold.lot()));
    let sale = SoldSale {
        lines: &lines,
        spent: Points(sold.spend),
        earned: Points(sold.earn),
        expired: Points(expired),
    };
    let now = settle(&sale, &all, earlier.done);
    let parts = restored_parts(&sold.taken, earlier.done.restore.0, now.restore.0);
    for (n, Taken(points, expires_at)) in parts.into_iter().enumerate() {
        let key = if n == 0 {
            id.to_owned()
        } else {
            format!("{id}#{n}")
        };
        let life = restored_life(shop.now(), expires_at);
        change.add("restore", &key, points, life, Some(id));
    }
    change.claw_back(id, now.claw_back.0, &sold.lot(), Some(id));
    batch.extend(write(shop, &change, &Side::default())?);
    let refunded = refunded(sold, &lines, &all)?.minus(refunded(sold, &lines, &before)?)?;
    batch.push(write_turnover(
        shop,
        &customer,
        sold.moment,
        refunded.0.saturating_neg(),
    ));
    Ok(now)
}

/// What of the sale's money the returned goods are: at the prices of the sale, and at most all of
/// it. The money goes back as points go that are earned by it.
fn refunded(
    sold: &Sold,
    lines: &[SaleLine],
    returned: &[ReturnedLine],
) -> Result<Kopecks, LedgerError> {
    let (_, paid) = totals(&sold.positions)?;
    let money = SoldSale {
        lines,
        spent: Points::ZERO,
        earned: Points(paid.0),
        expired: Points::ZERO,
    };
    Ok(Kopecks(due(&money, returned).claw_back.0))
}

fn restored_life(now: i64, expires_at: i64) -> Life {
    let at_least = now.saturating_add(RESTORED_DAYS_MIN * DAY_MS);
    Life {
        activates_at: now,
        expires_at: expires_at.max(at_least),
    }
}

impl Sold {
    /// The lot of the points that the sale earned.
    fn lot(&self) -> String {
        format!("earn/{}", self.id)
    }

    fn lines(&self) -> Vec<SaleLine> {
        let line = |p: &SoldPosition| SaleLine {
            key: p.good.clone(),
            quantity: p.quantity,
            paid_by_points: Kopecks(p.paid_by_points),
            price: p.price,
            discounted_price: p.discounted_price,
        };
        self.positions.iter().map(line).collect()
    }
}

async fn find_sale(
    sql: &impl Sql,
    shop: &Shop<'_>,
    keys: &[String],
) -> Result<Option<Sold>, LedgerError> {
    if keys.is_empty() {
        return Ok(None);
    }
    let statement = Statement::new(
        "SELECT d.id, d.customer, d.moment, d.spend, d.earn, d.spent_lots, d.positions FROM json_each(?2) k \
         CROSS JOIN document_keys n ON n.tenant = +?1 AND n.kind = 'sale' AND n.key = k.value \
         CROSS JOIN documents d ON d.tenant = +?1 AND d.kind = 'sale' AND d.id = n.document LIMIT 1",
    )
    .bind(shop.tenant)
    .bind(snapshot::json(&keys)?);
    let rows = sql.query(statement).await?;
    rows.first().map(sold).transpose()
}

fn sold(row: &Row) -> Result<Sold, LedgerError> {
    let taken = row
        .text(5)
        .and_then(|text| serde_json::from_str(text).ok())
        .unwrap_or_default();
    Ok(Sold {
        id: row.string(0),
        customer: row.text(1).map(str::to_owned),
        moment: row.int(2).unwrap_or_default(),
        spend: row.int(3).unwrap_or_default(),
        earn: row.int(4).unwrap_or_default(),
        taken,
        positions: positions_from(row.text(6).unwrap_or("[]"))?,
    })
}

/// The statement by which a return that waits for its sale finds it under each of these keys: the
/// document has only the first of them, and each key leads to another until all are gone through.
fn awaits(shop: &Shop<'_>, demand: &[String]) -> Result<Option<Statement>, SqlError> {
    let [first, others @ ..] = demand else {
        return Ok(None);
    };
    let Some(second) = others.iter().find(|key| *key != first) else {
        return Ok(None);
    };
    let mut pairs: Vec<_> = others.iter().map(|key| (key, first)).collect();
    pairs.retain(|(key, first)| key != first);
    pairs.push((first, second));
    let statement = Statement::new(
        "INSERT INTO document_keys (tenant, kind, key, document) \
         SELECT ?1, 'awaited', value->>0, value->>1 FROM json_each(?2) WHERE true ON CONFLICT DO NOTHING",
    )
    .bind(shop.tenant)
    .bind(snapshot::json(&pairs)?);
    Ok(Some(statement))
}

/// The statements by which returns that wait for a sale under other keys wait for this one.
pub(super) fn claim(
    shop: &Shop<'_>,
    sale: &str,
    keys: &[String],
) -> Result<[Statement; 2], SqlError> {
    let waiting = Statement::new(
        "WITH RECURSIVE name (key) AS (SELECT value FROM json_each(?3) UNION SELECT n.document FROM name \
           CROSS JOIN document_keys n ON n.tenant = +?1 AND n.kind = 'awaited' AND n.key = name.key) \
         UPDATE documents INDEXED BY returns_of SET demand = ?2 WHERE tenant = +?1 AND kind = 'return' \
         AND flags = 'orphan' AND demand IN (SELECT key FROM name)",
    )
    .bind(shop.tenant)
    .bind(sale)
    .bind(snapshot::json(&keys)?);
    let names = Statement::new(
        "WITH RECURSIVE name (key) AS (SELECT value FROM json_each(?2) UNION SELECT n.document FROM name \
           CROSS JOIN document_keys n ON n.tenant = +?1 AND n.kind = 'awaited' AND n.key = name.key) \
         DELETE FROM document_keys WHERE tenant = +?1 AND kind = 'awaited' AND key IN (SELECT key FROM name)",
    )
    .bind(shop.tenant)
    .bind(snapshot::json(&keys)?);
    Ok([waiting, names])
}

/// Gives effect to returns that came before their sale, one by one.
///
/// # Errors
/// The database's.
pub(super) async fn adopt(
    sql: &impl Sql,
    shop: &Shop<'_>,
    keys: &[String],
) -> Result<(), LedgerError> {
    for _ in 0..ATTEMPTS {
        let Some(sold) = find_sale(sql, shop, keys).await? else {
            return Ok(());
        };
        let identity = Identity {
            uuids: sold.customer.iter().cloned().collect(),
            ..Identity::default()
        };
        let snapshot = shop
            .read(
                sql,
                &Query {
                    identity,
                    ..Query::default()
                },
            )
            .await?;
        let Some(orphan) = next_orphan(sql, shop, &sold.id, keys).await? else {
            return Ok(());
        };
        let mut batch = Vec::new();
        let mut settlement = Settlement::default();
        if let Some(customer) = snapshot.customer.filter(|_| sold.customer.is_some()) {
            let earlier = earlier(sql, shop, &sold, &customer.id).await?;
            let back = (orphan.id.as_str(), orphan.positions.as_slice());
            settlement = settled(shop, &sold, &earlier, back, customer.account, &mut batch)?;
        }
        batch.extend(adopted(shop, &orphan, &sold, settlement));
        match sql.atomic(batch).await {
            Ok(_) | Err(SqlError::Conflict | SqlError::Constraint(_)) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(SqlError::Busy.into())
}

/// A return that waits for its sale.
struct Orphan {
    id: String,
    number: String,
    positions: Vec<SoldPosition>,
}

async fn next_orphan(
    sql: &impl Sql,
    shop: &Shop<'_>,
    sale: &str,
    keys: &[String],
) -> Result<Option<Orphan>, LedgerError> {
    let statement = Statement::new(
        "SELECT id, positions, number FROM documents INDEXED BY returns_of WHERE tenant = +?1 AND kind = 'return' \
         AND flags = 'orphan' AND demand IN (SELECT value FROM json_each(?2) UNION ALL SELECT ?3) LIMIT 1",
    )
    .bind(shop.tenant)
    .bind(snapshot::json(&keys)?)
    .bind(sale);
    let rows = sql.query(statement).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    Ok(Some(Orphan {
        id: row.string(0),
        number: row.string(2),
        positions: positions_from(row.text(1).unwrap_or("[]"))?,
    }))
}

/// The statements that give a return to its sale.
fn adopted(
    shop: &Shop<'_>,
    orphan: &Orphan,
    sold: &Sold,
    settlement: Settlement,
) -> [Statement; 2] {
    let (restored, clawed_back) = (settlement.restore.0, settlement.claw_back.0);
    let update = Statement::new(
        "UPDATE documents SET flags = '', demand = ?3, customer = ?4, spend = ?5, earn = ?6 \
         WHERE tenant = +?1 AND kind = 'return' AND id = +?2 AND flags = 'orphan' RETURNING 1",
    )
    .bind(shop.tenant)
    .bind(&orphan.id)
    .bind(&sold.id)
    .bind(sold.customer.clone())
    .bind(restored)
    .bind(clawed_back)
    .expect_rows(1);
    let (number, what) = (&orphan.number, moved(restored, clawed_back));
    let row = journal(
        shop,
        "return",
        &orphan.id,
        sold.customer.as_deref(),
        Outcome::Ok,
        format!("Возврат №{number}: его продажа пришла, {what}"),
        json!({ "restored": restored, "clawed_back": clawed_back, "demand": sold.id }),
    );
    [update, row]
}

fn moved(restored: i64, clawed_back: i64) -> String {
    format!("возвращено баллов {restored}, снято начисленных {clawed_back}")
}

fn told(shop: &Shop<'_>, document: &Document<'_>, sold: Option<&Sold>, unclear: bool) -> Statement {
    let number = document.number;
    let (mut outcome, mut text) = match sold {
        Some(_) => (
            Outcome::Ok,
            format!(
                "Возврат №{number}: {}",
                moved(document.spend, document.earn)
            ),
        ),
        None if document.demand.is_some() => (
            Outcome::Warning,
            format!("Возврат №{number}: его продажи пока нет, баллы пересчитаются вместе с ней"),
        ),
        None => (
            Outcome::Warning,
            format!("Возврат №{number} без продажи: баллы не изменены"),
        ),
    };
    if unclear {
        outcome = Outcome::Warning;
        text.push_str(UNCLEAR);
    }
    let detail = json!({
        "paid": document.paid, "restored": document.spend, "clawed_back": document.earn, "demand": document.demand,
    });
    journal(
        shop,
        "return",
        document.id(),
        document.customer,
        outcome,
        text,
        detail,
    )
}

impl Return {
    /// The return's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.keys.first().map_or("", String::as_str)
    }
}
