//! Stock by store: of everything at once, or in portions of goods where that is too much.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Unbounded};

use futures::stream::{self, StreamExt};
use serde_json::value::RawValue;
use sklad_catalog::import::{self as catalog, Change, Keys, Options, Section, Side, Stock};
use sklad_store::{Clock, Http, Sql, SqlError, Statement};
use sklad_tenant::clock;

use super::cursor::{Cursor, Kind};
use super::goods::number;
use super::whole::{self, Held, Whole};
use super::{ATTEMPTS, OVERLAP_MS, Went, Work, of_catalog, references};
use crate::api::Error;
use crate::api::page::escaped;
use crate::api::session::Failure;
use crate::api::wire::StockRow;
use crate::map;
use sklad_raw::{id, object};

/// Goods of one transaction: a till that writes must not wait for long.
const BATCH: usize = 250;
/// Goods of one request: their ids stand in its address, which has at most 8 KB (§1.4).
pub const PORTION: usize = 150;
/// How far back the report of changes goes, in milliseconds.
pub const CHANGES_MS: i64 = 23 * 60 * 60 * 1000;
/// The report, with rows of what there is nothing of.
const REPORT: &str = "/report/stock/bystore/current?include=zeroLines";

/// Brings the stock of all goods, or of those whose stock has changed.
pub async fn run<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
) -> Result<Went, Failure> {
    if !work.place.settings.goods.stock {
        return Ok(Went::Through);
    }
    let stores = references::values(work.ports.sql, work.tenant(), "store").await?;
    let changed = match changed(work, cursor).await {
        Ok(changed) => changed,
        Err(Failure::Api(Error::NoRights(_))) => return no_rights(work, cursor).await,
        Err(error) => return Err(error),
    };
    if changed.is_none() && !cursor.portions {
        match everything(work, cursor, &stores).await {
            Err(Failure::Api(Error::NoRights(_))) => return no_rights(work, cursor).await,
            Ok(Some(went)) => return Ok(went),
            Ok(None) => {}
            Err(error) => return Err(error),
        }
        // Nothing was stored yet, or as much as will be asked for again.
        cursor.portions = true;
        cursor.after.clear();
    }
    loop {
        let most = PORTION.saturating_mul(work.session.lanes());
        let goods: Vec<Place> = match &changed {
            Some(changed) => {
                let rest = changed.range::<str, _>((Excluded(cursor.after.as_str()), Unbounded));
                let rest = rest.take(most).cloned();
                rest.map(|id| (id.clone(), id)).collect()
            }
            None => of_catalogue(work.ports.sql, work.tenant(), &cursor.after, most).await?,
        };
        if goods.is_empty() {
            return Ok(Went::Through);
        }
        let answers: Vec<_> = stream::iter(goods.chunks(PORTION))
            .map(|goods| async move { (goods, work.session.get(&path(goods)).await) })
            .buffered(work.session.lanes())
            .collect()
            .await;
        for (goods, answer) in answers {
            let answer = match answer {
                Err(Failure::Api(Error::NoRights(_))) => return no_rights(work, cursor).await,
                answer => answer?,
            };
            store(work, cursor, goods, &changes(&answer, &stores)?).await?;
        }
        if work.is_over() {
            return Ok(Went::On);
        }
    }
}

/// Brings the stock of all goods of one answer; `None` where it is to be asked for in portions.
async fn everything<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    stores: &BTreeMap<String, String>,
) -> Result<Option<Went>, Failure> {
    let whole = match work.session.large(REPORT, whole::BODY_BYTES).await {
        Ok(answer) => Whole::read(&answer, stores),
        Err(Failure::Api(error)) => Err(error),
        Err(error) => return Err(error),
    };
    let whole = match whole {
        Ok(whole) => whole,
        Err(error @ (Error::RateLimited { .. } | Error::TooParallel)) => return Err(error.into()),
        Err(error @ (Error::NotAuthorised | Error::NoRights(_) | Error::Tariff(_))) => {
            return Err(error.into());
        }
        // Too much for us, or for the vendor.
        Err(_) => return Ok(None),
    };
    let after = cursor.after.clone();
    let mut goods = whole.goods(&after).peekable();
    while goods.peek().is_some() {
        let some: Vec<Held> = goods.by_ref().take(BATCH).collect();
        let place = |held: &Held| (held.good.clone(), held.good.clone());
        let last: Vec<Place> = some.last().map(place).into_iter().collect();
        let changes: Vec<Change> = some.into_iter().map(of_held).collect();
        store(work, cursor, &last, &changes).await?;
        work.ports.clock.pause().await;
        if work.is_over() && goods.peek().is_some() {
            return Ok(Some(Went::On));
        }
    }
    Ok(Some(Went::Through))
}

fn of_held(held: Held) -> Change {
    let sum = held.stores.iter().map(|(_, thousandths)| *thousandths);
    let sum = sum.fold(0, i64::saturating_add);
    let stock = |(store, thousandths)| Stock { store, thousandths };
    let list = held.stores.into_iter().map(stock).collect();
    change(held.good, list, sum)
}

async fn no_rights<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
) -> Result<Went, Failure> {
    let text = "Остатки не загружены: в МоёмСкладе нет права на просмотр остатков";
    let told = work.warn(cursor, "", text);
    work.store(told.into_iter().collect(), cursor).await?;
    Ok(Went::Through)
}

/// A good: where it stands in the order in which stock is read, and its id in МойСклад.
pub type Place = (String, String);

pub fn path(goods: &[Place]) -> String {
    let ids: Vec<&str> = goods.iter().map(|(_, id)| id.as_str()).collect();
    let filter = format!("assortmentId={}", ids.join(","));
    format!("{REPORT}&filter={}", escaped(&filter))
}

/// The goods whose stock has changed since the last run; `None` where all are to be asked for.
async fn changed<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &Cursor,
) -> Result<Option<BTreeSet<String>>, Failure> {
    let since = cursor.since.map(|since| since.saturating_sub(OVERLAP_MS));
    let earliest = work.ports.clock.now_ms().saturating_sub(CHANGES_MS);
    let Some(since) = since.filter(|since| cursor.kind == Kind::Changes && *since > earliest)
    else {
        return Ok(None);
    };
    match since_then(work, since).await {
        // So much has changed that all may as well be asked for.
        Err(Failure::Api(Error::TooLarge)) => Ok(None),
        ids => ids.map(Some),
    }
}

/// The goods whose stock has changed since then, which is at most [`CHANGES_MS`] ago.
pub async fn since_then<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    since: i64,
) -> Result<BTreeSet<String>, Failure> {
    let since = escaped(&clock::format_moscow(since));
    let path = format!("/report/stock/all/current?changedSince={since}");
    let json = work.session.get(&path).await?;
    let ids = rows(&json)?.into_iter();
    Ok(ids.filter_map(|row| id(row.assortment_id)).collect())
}

/// The next goods of the catalogue that have stock, by our ids.
async fn of_catalogue(
    sql: &impl Sql,
    tenant: &str,
    after: &str,
    most: usize,
) -> Result<Vec<Place>, SqlError> {
    let statement = Statement::new(
        "SELECT id, ms_id FROM goods WHERE tenant = ?1 AND id > ?2 AND ms_id IS NOT NULL \
         AND archived = 0 AND kind IN ('product', 'variant') ORDER BY id LIMIT ?3",
    )
    .bind(tenant)
    .bind(after)
    .bind(i64::try_from(most).unwrap_or(i64::MAX));
    let rows = sql.query(statement).await?;
    Ok(rows
        .iter()
        .map(|row| (row.string(0), row.string(1)))
        .collect())
}

fn rows(json: &str) -> Result<Vec<StockRow<'_>>, Error> {
    let rows: Vec<&RawValue> =
        serde_json::from_str(json).map_err(|_| Error::Unreadable("no report"))?;
    Ok(rows.iter().filter_map(|row| object(Some(row))).collect())
}

/// Goods that the report does not name are left alone: they have no stock of their own.
pub fn changes(json: &str, stores: &BTreeMap<String, String>) -> Result<Vec<Change>, Error> {
    let mut goods: BTreeMap<String, Vec<StockRow<'_>>> = BTreeMap::new();
    for row in rows(json)? {
        if let Some(id) = id(row.assortment_id) {
            goods.entry(id).or_default().push(row);
        }
    }
    let of_rows = |(ms_id, rows): (String, Vec<StockRow<'_>>)| {
        let (list, sum) = map::stock(&rows, stores);
        change(ms_id, list, sum)
    };
    Ok(goods.into_iter().map(of_rows).collect())
}

fn change(ms_id: String, stock: Vec<Stock>, sum: i64) -> Change {
    Change {
        side: Some(Side::Offer),
        keys: Keys {
            id: Some(ms_id),
            ..Keys::default()
        },
        stock: Some(Section::Replace(stock)),
        quantity: Some(sum),
        ..Change::default()
    }
}

pub async fn store<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    goods: &[Place],
    changes: &[Change],
) -> Result<(), Failure> {
    cursor.totals.stock += number(changes.len());
    if let Some((last, _)) = goods.last() {
        cursor.after.clone_from(last);
    }
    let (sql, tenant) = (work.ports.sql, work.tenant());
    let mut attempt = 1;
    loop {
        let now = work.ports.clock.now_ms();
        let mut ids = sklad_catalog::ids::sequence(now);
        let options = Options::default();
        let plan = catalog::plan(sql, tenant, changes, &options, &mut ids, now).await;
        let plan = plan.map_err(of_catalog)?;
        match work.store(plan.statements, cursor).await {
            Ok(()) => return Ok(()),
            Err(SqlError::Conflict) if attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_with_a_portion_of_ids_is_short_enough() {
        let id = "c02e3a5c-007e-11e6-9464-e4de00000006".to_owned();
        let goods = vec![(id.clone(), id); PORTION];
        assert!(path(&goods).len() < 7_000);
    }

    #[test]
    fn rows_of_a_report_become_goods() {
        let json = r#"[{"assortmentId":"A","storeId":"s","stock":4},{"assortmentId":"b","storeId":"s","stock":1.5},
            {"assortmentId":"a","storeId":"t","stock":-1},{"storeId":"s","stock":1},7]"#;
        let stores = [("s", "S"), ("t", "T")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        let changes = changes(json, &stores.into()).unwrap();
        let sums: Vec<_> = changes.iter().map(|change| change.quantity).collect();
        assert_eq!(sums, [Some(3_000), Some(1_500)]);
        assert!(rows("{}").is_err() && rows("<html>").is_err());
    }
}
