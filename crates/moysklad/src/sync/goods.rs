//! The lists of goods: pages become batches of changes.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use serde_json::value::RawValue;
use sklad_catalog::ids;
use sklad_catalog::import::{self as catalog, Change, Kind as Good, Options, Plan, seen};
use sklad_store::{Clock, Http, Sql, SqlError, Statement};

use super::cursor::{Cursor, Kind, Phase};
use super::pages::Pages;
use super::{ATTEMPTS, SOURCE, Went, Work, of_catalog, references};
use crate::api::page::{self, List, Page};
use crate::api::session::Failure;
use crate::api::{Error, wire};
use crate::map::{self, Known, Product};
use sklad_raw::{id, object};

/// Goods of one transaction: a till that writes must not wait for long.
pub const BATCH: usize = 250;
/// How often a page that does not join the one before it is read again from farther back.
const GAPS: u32 = 4;

/// The list of a phase.
pub fn list(phase: Phase, images: bool) -> Option<(List, Good)> {
    let (path, kind) = match phase {
        Phase::Products => ("/entity/product", Good::Product),
        Phase::Services => ("/entity/service", Good::Service),
        Phase::Bundles => ("/entity/bundle", Good::Bundle),
        Phase::Variants => ("/entity/variant", Good::Variant),
        _ => return None,
    };
    let expand = match (kind, images) {
        (Good::Service, _) | (Good::Product | Good::Variant, false) => "",
        (Good::Bundle, false) => "components",
        (Good::Bundle, true) => "components,images",
        (Good::Product | Good::Variant, true) => "images",
    };
    let list = List::of(path).with_archived();
    let list = match expand.is_empty() {
        true => list,
        false => list.expanding(expand),
    };
    Some((list, kind))
}

/// Goes through the list of the cursor's phase.
pub async fn run<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
) -> Result<Went, Failure> {
    let settings = &work.place.settings.goods;
    let Some((mut list, kind)) = list(cursor.phase, settings.images) else {
        return Ok(Went::Through);
    };
    let changed = cursor.changed_since();
    let size = cursor.list().and_then(|list| cursor.sizes.get(list));
    // How many have changed is not known: a page more is begun when one was full.
    let size = changed.is_none().then(|| size.copied()).flatten();
    if let Some(since) = changed {
        list = list.updated_since(since);
    }
    let known = references::known(work.ports.sql, work.tenant()).await?;
    each_page(work, cursor, &list, size, async |cursor, rows, ids, at| {
        store(work, cursor, (rows, ids), at, kind, &known).await
    })
    .await
}

/// Reads a list to its end, or until the time is up: `take` stores so many rows that begin at a row of the
/// list, with their ids, and the cursor with them.
pub async fn each_page<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    list: &List,
    size: Option<u64>,
    take: impl AsyncFn(&mut Cursor, &[&RawValue], &[String], u64) -> Result<(), Failure>,
) -> Result<Went, Failure> {
    let most = list.rows(page::MAX_ROWS);
    loop {
        let rows = cursor.rows.unwrap_or(most).min(most);
        let from = match cursor.gaps {
            0 => page::next(cursor.offset),
            gaps => page::back(cursor.offset, rows, gaps),
        };
        let clock = work.ports.clock;
        let span = (from, rows, size.unwrap_or_default());
        let mut pages = Pages::from(work.session, clock, list, span, work.until);
        match read(work, cursor, &mut pages, rows, &take).await {
            Ok(Read::End) => return Ok(Went::Through),
            Ok(Read::TimeUp) => return Ok(Went::On),
            Ok(Read::Again) => {}
            Err(Failure::Api(Error::TooLarge)) if rows > page::MIN_ROWS => {
                cursor.rows = Some((rows / 2).max(page::MIN_ROWS));
            }
            Err(error) => return Err(error),
        }
        if work.is_over() {
            return Ok(Went::On);
        }
    }
}

/// How reading pages ended.
enum Read {
    /// The list's end.
    End,
    /// The time is up, and what was fetched is stored.
    TimeUp,
    /// The pages that were fetched ahead are of no use: another place, or more of them.
    Again,
}

async fn read<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    pages: &mut Pages<'_, S, H, C>,
    rows: u32,
    take: &impl AsyncFn(&mut Cursor, &[&RawValue], &[String], u64) -> Result<(), Failure>,
) -> Result<Read, Failure> {
    while let Some((offset, text)) = pages.next().await? {
        let page = Page::read(&text)?;
        let ids: Vec<String> = page.rows.iter().map(|row| id_of(row)).collect();
        if !page::joins(&cursor.tail, offset, &ids) && cursor.gaps < GAPS {
            cursor.gaps += 1;
            return Ok(Read::Again);
        }
        let whole = ids.len() >= usize::try_from(rows).unwrap_or(usize::MAX);
        let mut at = offset;
        for (rows, ids) in page.rows.chunks(BATCH).zip(ids.chunks(BATCH)) {
            pages.meanwhile(take(cursor, rows, ids, at)).await?;
            at = at.saturating_add(number(ids.len()));
            work.ports.clock.pause().await;
        }
        // A server that does not know offsets must not keep us for ever.
        if !whole || page.size.is_some_and(|size| at >= size) {
            return Ok(Read::End);
        }
    }
    Ok(match work.is_over() {
        true => Read::TimeUp,
        false => Read::Again,
    })
}

/// The id of a row, empty where it has none.
pub fn id_of(row: &RawValue) -> String {
    let row: Option<wire::Reference<'_>> = object(Some(row));
    row.and_then(|row| id(row.id)).unwrap_or_default()
}

/// Stores goods of a page and the cursor behind them, as one change.
pub async fn store<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    (rows, ids): (&[&RawValue], &[String]),
    at: u64,
    kind: Good,
    known: &Known,
) -> Result<(), Failure> {
    let rows: Vec<(String, wire::Good<'_>)> = rows.iter().filter_map(|row| map::row(row)).collect();
    let known = of_page(work, &rows, kind, known).await?;
    let settings = &work.place.settings.goods;
    let change = |(id, row): &(String, wire::Good<'_>)| map::good(id, row, kind, &known, settings);
    let changes: Vec<Change> = rows.iter().map(change).collect();
    let (tenant, before) = (work.tenant(), cursor.totals);
    let part = cursor.part;
    cursor.passed(at.saturating_add(number(ids.len())), ids);
    let unreadable = ids.len().saturating_sub(rows.len());
    let mut attempt = 1;
    loop {
        let now = work.ports.clock.now_ms();
        let plan = plan(work, cursor, &changes, now).await?;
        cursor.totals = before;
        cursor.totals.skipped += number(unreadable);
        let mut batch = counted(work, cursor, &plan);
        if cursor.kind == Kind::Full {
            batch.extend(seen(tenant, &cursor.stamp(), part, &plan));
        }
        if kind == Good::Product {
            batch.extend(inherited(tenant, &plan, now));
        }
        let mut statements = plan.statements;
        statements.extend(batch);
        match work.store(statements, cursor).await {
            Ok(()) => return Ok(()),
            Err(SqlError::Conflict) if attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

async fn plan<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &Cursor,
    changes: &[Change],
    now: i64,
) -> Result<Plan, SqlError> {
    let options = Options {
        source: Some(SOURCE),
        price_type: cursor.price_type.as_deref(),
        ..Options::default()
    };
    let mut ids = ids::sequence(now);
    let (sql, tenant) = (work.ports.sql, work.tenant());
    let plan = catalog::plan(sql, tenant, changes, &options, &mut ids, now).await;
    plan.map_err(of_catalog)
}

/// What is known beside these rows: folders of goods, or products of variants.
async fn of_page<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    rows: &[(String, wire::Good<'_>)],
    kind: Good,
    known: &Known,
) -> Result<Known, SqlError> {
    let (sql, tenant) = (work.ports.sql, work.tenant());
    let mut known = Known {
        uoms: known.uoms.clone(),
        currencies: known.currencies.clone(),
        ..Known::default()
    };
    if kind == Good::Variant {
        let ids: BTreeSet<String> = rows
            .iter()
            .filter_map(|(_, r)| map::product_of(r))
            .collect();
        known.products = products(sql, tenant, &ids).await?;
    } else {
        let ids: BTreeSet<String> = rows.iter().filter_map(|(_, r)| map::folder_of(r)).collect();
        known.folders = references::values_of(sql, tenant, "folder", &ids).await?;
    }
    Ok(known)
}

/// What the catalogue knows of these products.
pub async fn products(
    sql: &impl Sql,
    tenant: &str,
    ids: &BTreeSet<String>,
) -> Result<BTreeMap<String, Product>, SqlError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let statement = Statement::new(
        "SELECT k.value, g.external, g.tobacco, g.weighed, g.unit FROM json_each(?2) k \
         CROSS JOIN goods g ON g.tenant = +?1 AND g.id = coalesce((SELECT i.good FROM good_ids i \
           WHERE i.tenant = +?1 AND i.kind = 'uuid' AND i.value = k.value), k.value)",
    )
    .bind(tenant)
    .bind(json!(ids).to_string());
    let rows = sql.query(statement).await?;
    let product = |row: &sklad_store::Row| Product {
        external: row.text(1).map(str::to_owned),
        tobacco: row.int(2) == Some(1),
        weighed: row.int(3) == Some(1),
        unit: row.text(4).map(str::to_owned),
    };
    Ok(rows
        .iter()
        .map(|row| (row.string(0), product(row)))
        .collect())
}

/// The statement by which variants are as their products are: a variant is not told again when its product
/// changes.
fn inherited(tenant: &str, plan: &Plan, now_ms: i64) -> Option<Statement> {
    const INHERIT: &str = "UPDATE goods SET (tobacco, weighed, unit) = (SELECT p.tobacco, p.weighed, p.unit \
             FROM goods p WHERE p.tenant = ?1 AND p.id = goods.parent), \
             told = NULL, version = version + 1, updated_at = ?3 \
         WHERE tenant = ?1 AND parent IN (SELECT value FROM json_each(?2)) \
             AND (tobacco, weighed, unit) IS NOT (SELECT p.tobacco, p.weighed, p.unit \
                 FROM goods p WHERE p.tenant = ?1 AND p.id = goods.parent)";
    let ids: Vec<&String> = plan.goods.iter().flatten().collect();
    let changed = plan.counts.changed + plan.counts.restored > 0;
    changed.then(|| {
        Statement::new(INHERIT)
            .bind(tenant)
            .bind(json!(ids).to_string())
            .bind(now_ms)
    })
}

/// Counts a plan; answers the statements that tell of it.
fn counted<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    plan: &Plan,
) -> Vec<Statement> {
    let again = cursor.again;
    let (totals, counts) = (&mut cursor.totals, &plan.counts);
    totals.created += number(counts.created);
    totals.changed += number(counts.changed + counts.restored);
    // In the second round most were counted in the first one.
    totals.unchanged += if again { 0 } else { number(counts.unchanged) };
    totals.skipped += number(counts.skipped_unknown);
    totals.archived += number(counts.deleted);
    let mut statements = Vec::new();
    for warning in &plan.warnings {
        let object = warning.external.as_deref().unwrap_or_default();
        statements.extend(work.warn(cursor, object, &warning.text));
    }
    statements
}

/// A count as it is kept.
pub fn number(n: usize) -> u64 {
    u64::try_from(n).unwrap_or(u64::MAX)
}
