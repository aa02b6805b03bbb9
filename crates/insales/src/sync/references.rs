//! What products refer to: price kinds, warehouses; and how many products there are.

use serde_json::value::RawValue;
use sklad_catalog::import::{Change, Section};
use sklad_catalog::refs::{self, RefInput, RefKind};
use sklad_raw::{Raw, members, object, text};
use sklad_store::{Clock, Http, Sql, SqlError, Statement};

use super::cursor::Cursor;
use super::{Went, Work, number};
use crate::api::session::Failure;
use crate::api::{Error, page};
use crate::map::{Known, Names, PRICE, PRICES};
use crate::wire::{self, Named};

/// The most price types of a shop that are known.
const MOST: usize = 1_000;
/// Under which name the shop's id of a price kind is kept.
const OWN: &str = "insales";

struct Count<'a> {
    count: Raw<'a>,
}

members!(Count { count: "count" });

/// Brings price kinds and warehouses. Done again, it changes nothing; so it is one step.
pub async fn run<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
) -> Result<Went, Failure> {
    cursor.total = count(work).await?;
    let mut batch = Vec::new();
    let kinds = allowed(work, cursor, "/price_kinds.json", "Виды цен", &mut batch).await?;
    let stores = allowed(work, cursor, "/warehouses.json", "Склады", &mut batch).await?;
    let counted = batch.len();
    let price_types = price_types(work, &kinds)?;
    batch.extend(write(work, RefKind::PriceType, &kinds, &price_types));
    batch.extend(write(
        work,
        RefKind::Store,
        &stores,
        &warehouses(work, &stores)?,
    ));
    let written = batch.len();
    batch.push(forget_others(work, cursor));
    let answers = work.ports.sql.atomic(batch).await?;
    let changed = answers.get(counted..written).unwrap_or_default();
    let changed = changed.iter().map(Vec::len).sum();
    cursor.totals.references += number(changed);
    Ok(Went::Through)
}

/// How many products the shop says that it has, without those in the trash.
pub async fn count<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
) -> Result<Option<u64>, Failure> {
    let count = work.session.get("/products/count.json").await?;
    let raw: Option<&RawValue> = serde_json::from_str(&count).ok();
    let count: Option<Count<'_>> = object(raw);
    Ok(count.and_then(|count| wire::id(count.count)))
}

/// A dictionary; nothing where the key may not read it, which the merchant is told: goods come none the
/// less.
async fn allowed<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    path: &str,
    what: &str,
    batch: &mut Vec<Statement>,
) -> Result<String, Failure> {
    match work.session.get(path).await {
        Err(Failure::Api(Error::NoRights(_) | Error::NotFound)) => {
            let text = format!("{what} InSales не загружены: у ключа доступа не хватает прав");
            batch.extend(work.warn(cursor, "", &text));
            Ok(String::new())
        }
        other => other,
    }
}

/// The statements that write what the shop has of a kind, and archive what it has no more; the latter not where
/// it has not said (`json`).
fn write<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    kind: RefKind,
    json: &str,
    list: &[RefInput],
) -> Vec<Statement> {
    let (tenant, source) = (work.tenant(), work.names.source());
    let now = work.ports.clock.now_ms();
    let ids: Vec<&str> = list.iter().map(|entry| entry.id.as_str()).collect();
    let mut batch = vec![refs::import(tenant, source, kind, list, now)];
    if !json.is_empty() {
        batch.push(refs::archive_others(tenant, source, kind, &ids, now));
    }
    batch
}

/// The statement that gives the price types of further kinds that these changes name a name, where they have
/// none: of a kind that the shop does not list, or that this key may not list.
pub fn named<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    changes: &[Change],
) -> Option<Statement> {
    let start = work.names.price(PRICE);
    let prices = changes.iter().flat_map(|change| match &change.prices {
        Some(Section::Replace(prices) | Section::Merge(prices)) => prices.as_slice(),
        None => &[],
    });
    let mut fields: Vec<&str> = prices
        .filter_map(|price| price.price_type.strip_prefix(&start))
        .filter(|number| !number.is_empty())
        .collect();
    fields.sort_unstable();
    fields.dedup();
    let one = |number: &&str| {
        let title = format!("Дополнительная цена {number}");
        entry(format!("{start}{number}"), &title, None)
    };
    let list: Vec<RefInput> = fields.iter().map(one).collect();
    let (tenant, source) = (work.tenant(), work.names.source());
    let now = work.ports.clock.now_ms();
    (!list.is_empty()).then(|| refs::import_unknown(tenant, source, RefKind::PriceType, &list, now))
}

/// The names of things of several sources stand in one list.
fn entry(id: String, title: &str, own: Option<u64>) -> RefInput {
    let own = own.map(|own| (OWN.to_owned(), own.to_string()));
    RefInput {
        id,
        name: format!("{title} (InSales)"),
        data: own.into_iter().collect(),
        ..RefInput::default()
    }
}

fn price_types<S, H, C>(work: &Work<'_, S, H, C>, json: &str) -> Result<Vec<RefInput>, Error> {
    let own = |(field, title): &(&str, &str)| entry(work.names.price(field), title, None);
    let mut list: Vec<RefInput> = PRICES.iter().map(own).collect();
    for row in page::rows(json)? {
        let Some(kind) = object::<Named<'_>>(Some(row)) else {
            continue;
        };
        let by_index = || Some(format!("price{}", wire::id(kind.index)?.checked_add(1)?));
        if let (Some(field), Some(title)) = (text(kind.method).or_else(by_index), text(kind.title))
        {
            list.push(entry(work.names.price(&field), &title, wire::id(kind.id)));
        }
    }
    Ok(list)
}

fn warehouses<S, H, C>(work: &Work<'_, S, H, C>, json: &str) -> Result<Vec<RefInput>, Error> {
    let one = |row: &RawValue| {
        let named: Named<'_> = object(Some(row))?;
        let id = work.names.store(wire::id(named.id)?);
        Some(entry(id, &text(named.title)?, None))
    };
    Ok(page::rows(json)?.into_iter().filter_map(one).collect())
}

/// The statement that forgets what earlier runs of this connection had that were cancelled.
fn forget_others<S, H, C>(work: &Work<'_, S, H, C>, cursor: &Cursor) -> Statement {
    let source = work.names.source();
    Statement::new(
        "DELETE FROM import_seen WHERE tenant = ?1 AND import >= ?2 || '/' AND import < ?2 || '0' \
         AND import NOT IN (?3, ?4)",
    )
    .bind(work.place.tenant)
    .bind(source)
    .bind(cursor.stamp(source))
    .bind(cursor.groups_stamp(source))
}

/// The price kinds that are known.
pub async fn known(sql: &impl Sql, tenant: &str, names: &Names) -> Result<Known, SqlError> {
    let list = refs::list(sql, tenant, RefKind::PriceType, Some(names.prefix()), MOST).await;
    let list = list.map_err(super::of_catalog)?;
    let own = list.iter().filter_map(|entry| {
        let field = entry.id.strip_prefix(names.prefix())?;
        Some((field.to_owned(), entry.data.get(OWN)?.parse().ok()?))
    });
    Ok(own.collect())
}
