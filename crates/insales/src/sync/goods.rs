//! The list of products: pages become batches of changes.

use std::collections::BTreeSet;

use serde_json::json;
use serde_json::value::RawValue;
use sklad_catalog::ids;
use sklad_catalog::import::{self as catalog, Change, Options, Plan, seen};
use sklad_catalog::refs::{self, RefInput, RefKind};
use sklad_store::{Clock, Http, Sql, SqlError, Statement};

use super::cursor::{Cursor, Kind, places};
use super::links::{self, Resolved};
use super::{ATTEMPTS, Went, Work, number, of_catalog, pages, references};
use crate::api::page::{Since, Trash};
use crate::api::session::Failure;
use crate::map::{self, Known, Mapped, Names, PRICE, Picture};

/// Goods of one transaction: a till that writes must not wait for long.
pub const BATCH: usize = 125;

/// Reads the products.
pub async fn run<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
) -> Result<Went, Failure> {
    let known = references::known(work.ports.sql, work.tenant(), &work.names).await?;
    let take = async |cursor: &mut Cursor, rows: &[&RawValue]| {
        page(work, cursor, rows, &known).await?;
        Ok(())
    };
    pages::each(work, cursor, Trash::With, take).await
}

/// Products that are stored together.
#[derive(Default)]
struct Portion {
    mapped: Vec<Mapped>,
    places: Vec<Since>,
    rows: usize,
    goods: usize,
}

impl Portion {
    fn fits(&self, mapped: Option<&Mapped>) -> bool {
        let more = mapped.map_or(0, Mapped::goods);
        self.rows == 0 || self.goods.saturating_add(more) <= BATCH
    }

    fn add(&mut self, row: &RawValue, mapped: Option<Mapped>) {
        self.rows += 1;
        self.goods = (self.goods).saturating_add(mapped.as_ref().map_or(0, Mapped::goods));
        self.places.extend(places(&[row]));
        self.mapped.extend(mapped);
    }
}

/// Stores the rows of a page, a portion at a time: what is mapped is larger than the page.
async fn page<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    rows: &[&RawValue],
    known: &Known,
) -> Result<(), SqlError> {
    let settings = work.place.settings;
    let map = |row: &&RawValue| map::product(row, &work.names, known, settings);
    let mut left = rows.iter().map(|row| (*row, map(row))).peekable();
    while left.peek().is_some() {
        let mut portion = Portion::default();
        while let Some((row, mapped)) = left.next_if(|(_, mapped)| portion.fits(mapped.as_ref())) {
            portion.add(row, mapped);
        }
        store(work, cursor, &portion).await?;
        work.ports.clock.pause().await;
    }
    Ok(())
}

/// Stores a portion and the cursor behind it.
async fn store<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    portion: &Portion,
) -> Result<(), SqlError> {
    let mut attempt = 1;
    loop {
        let before = cursor.clone();
        let resolved = links::resolve(work, &portion.mapped, cursor.kind).await?;
        match chunks(work, cursor, portion, &resolved).await {
            Err(SqlError::Conflict) if attempt < ATTEMPTS => {
                attempt += 1;
                *cursor = before;
            }
            other => return other,
        }
    }
}

/// A portion is one transaction, unless it is a product with very many variants.
async fn chunks<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    portion: &Portion,
    resolved: &Resolved,
) -> Result<(), SqlError> {
    let mut left = resolved.changes.chunks(BATCH).peekable();
    let mut beside = beside(work, portion, resolved);
    loop {
        let some = left.next().unwrap_or_default();
        let last = left.peek().is_none();
        let now = work.ports.clock.now_ms();
        let plan = plan(work, some, now).await?;
        let mut batch = std::mem::take(&mut beside);
        batch.extend(counted(work, cursor, &plan));
        if cursor.kind == Kind::Full {
            let stamp = cursor.stamp(work.names.source());
            batch.extend(seen(work.tenant(), &stamp, cursor.part, &plan));
        }
        if last {
            batch.extend(told(work, cursor, portion, resolved));
            cursor.passed(&portion.places, now);
        } else {
            cursor.part = cursor.part.saturating_add(1);
        }
        let mut statements = plan.statements;
        statements.extend(batch);
        work.store(statements, cursor).await?;
        if last {
            return Ok(());
        }
        work.ports.clock.pause().await;
    }
}

/// Plans changes of this connection.
pub async fn plan<S: Sql, H, C>(
    work: &Work<'_, S, H, C>,
    changes: &[Change],
    now: i64,
) -> Result<Plan, SqlError> {
    let price = work.names.price(PRICE);
    let options = options(&work.names, &price);
    let mut ids = ids::sequence(now);
    let (sql, tenant) = (work.ports.sql, work.place.tenant);
    let plan = catalog::plan(sql, tenant, changes, &options, &mut ids, now).await;
    plan.map_err(of_catalog)
}

/// How changes of a connection are stored; `price` is the type that has the price of a good itself.
pub fn options<'a>(names: &'a Names, price: &'a str) -> Options<'a> {
    Options {
        source: Some(names.source()),
        own: Some(names.prefix()),
        price_type: Some(price),
        ..Options::default()
    }
}

/// Counts a plan; answers the statements that tell of it.
fn counted<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    plan: &Plan,
) -> Vec<Statement> {
    let (totals, counts) = (&mut cursor.totals, &plan.counts);
    totals.created += number(counts.created);
    totals.changed += number(counts.changed + counts.restored);
    totals.unchanged += number(counts.unchanged);
    totals.archived += number(counts.deleted);
    let mut statements = Vec::new();
    for warning in &plan.warnings {
        let object = warning.external.as_deref().unwrap_or_default();
        statements.extend(work.warn(cursor, object, &warning.text));
    }
    statements
}

/// Counts what is told of a portion but for its plan; answers the statements that tell of it.
fn told<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    portion: &Portion,
    resolved: &Resolved,
) -> Vec<Statement> {
    cursor.done += number(portion.rows);
    let trashed = portion.mapped.iter().filter(|one| one.trashed);
    cursor.trashed += number(trashed.count());
    cursor.totals.skipped += number(portion.rows.saturating_sub(portion.mapped.len()));
    cursor.totals.linked += number(resolved.linked);
    let mut statements = Vec::new();
    for (key, text) in &resolved.warnings {
        statements.extend(work.warn(cursor, key, text));
    }
    for item in portion.mapped.iter().flat_map(Mapped::items) {
        let told = item.doubtful.iter();
        statements.extend(told.filter_map(|text| work.warn(cursor, &item.key, text)));
    }
    statements
}

/// The statements that go with a portion: names of properties, pictures to be fetched, ids that lead nowhere.
fn beside<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    portion: &Portion,
    resolved: &Resolved,
) -> Vec<Statement> {
    let (tenant, source) = (work.tenant(), work.names.source());
    let now = work.ports.clock.now_ms();
    let mut properties: Vec<RefInput> = Vec::new();
    for property in portion.mapped.iter().flat_map(|one| &one.properties) {
        if !properties.iter().any(|known| known.id == property.id) {
            properties.push(property.clone());
        }
    }
    let mut batch = Vec::new();
    if !properties.is_empty() {
        let write = refs::import(tenant, source, RefKind::Property, &properties, now);
        batch.push(write);
    }
    batch.extend(references::named(work, &resolved.changes));
    batch.extend(pictures(work.place.connection, tenant, portion, resolved));
    if !resolved.forget.is_empty() {
        batch.push(catalog::forget_aliases(tenant, &resolved.forget));
    }
    batch
}

/// The statement that notes pictures which goods name and whose files are not here.
fn pictures(
    connection: &str,
    tenant: &str,
    portion: &Portion,
    resolved: &Resolved,
) -> Option<Statement> {
    let named: BTreeSet<&String> = (resolved.changes.iter())
        .flat_map(|change| change.pictures.iter().flatten())
        .collect();
    let all = portion.mapped.iter().flat_map(|one| &one.pictures);
    let wanted = all.filter(|picture| named.contains(&picture.name));
    let rows: Vec<(&str, &str)> = wanted
        .map(|Picture { name, url }| (name.as_str(), url.as_str()))
        .collect();
    let statement = Statement::new(
        "INSERT OR IGNORE INTO insales_pictures (tenant, connection, name, url) \
         SELECT ?1, ?2, r.value ->> 0, r.value ->> 1 FROM json_each(?3) r WHERE NOT EXISTS \
             (SELECT 1 FROM picture_names n WHERE n.tenant = ?1 AND n.name = r.value ->> 0)",
    );
    let statement = statement.bind(tenant).bind(connection);
    (!rows.is_empty()).then(|| statement.bind(json!(rows).to_string()))
}
