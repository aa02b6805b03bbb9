//! What goods refer to: price types, currencies, units, stores, points of sale, folders; and how long the
//! lists are.

use std::collections::{BTreeMap, BTreeSet};

use futures::stream::{self, StreamExt};
use serde_json::json;
use serde_json::value::RawValue;
use sklad_catalog::categories::{self, CategoryChange};
use sklad_catalog::import::seen_ids;
use sklad_catalog::refs::{self, RefInput, RefKind};
use sklad_store::{Clock, Http, Sql, SqlError, Statement};

use super::cursor::{Cursor, Kind, LISTS};
use super::goods::{list, number};
use super::{SOURCE, Went, Work};
use crate::api::Error;
use crate::api::page::{self, List, Page};
use crate::api::session::Failure;
use crate::api::wire::{Entry, flag, reference};
use crate::map::{self, Known, dictionary, entry_id, own_id};
use sklad_raw::{object, text};

/// The most entries of one dictionary that are known by name.
const MOST: usize = 5_000;
/// Under which name the price type is kept whose price is the good's.
const PRICE_TYPE: &str = "price_type";
/// Entries of one statement.
const BATCH: usize = 500;

/// Brings the dictionaries. Done again, it changes nothing; so it is one step whatever it takes.
pub async fn run<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
) -> Result<Went, Failure> {
    let paths = [
        "/context/companysettings/pricetype",
        "/entity/currency?limit=1000",
        "/entity/uom?limit=1000",
        "/entity/store?limit=1000",
        "/entity/retailstore?limit=1000",
    ];
    let answers: Vec<_> = stream::iter(paths)
        .map(|path| work.session.get(path))
        .buffered(work.session.lanes())
        .collect()
        .await;
    let mut answers = answers.into_iter();
    let mut answer = || answers.next().unwrap_or_else(|| Ok(String::new()));
    let mut batch = Vec::new();
    price_types(work, cursor, &answer()?, &mut batch)?;
    names(work, "currency", &answer()?, &mut batch)?;
    names(work, "uom", &answer()?, &mut batch)?;
    stores(work, &answer()?, &mut batch)?;
    match answer() {
        Ok(json) => retail_stores(work, &json, &mut batch)?,
        // Without the right, or the tariff, goods come none the less.
        Err(Failure::Api(Error::NoRights(_) | Error::Tariff(_) | Error::NotFound)) => {
            let text = "Точки продаж не загружены: не хватает прав";
            batch.extend(work.warn(cursor, "", text));
        }
        Err(error) => return Err(error),
    }
    batch.push(forget_others(work.tenant(), cursor));
    let answers = work.ports.sql.atomic(batch).await?;
    cursor.totals.references += number(answers.iter().map(Vec::len).sum());
    let archive = archives(work, cursor);
    folders(work, cursor, archive).await?;
    if cursor.kind == Kind::Full {
        sizes(work, cursor).await?;
    }
    Ok(Went::Through)
}

/// The statement that forgets what earlier full runs had that were cancelled.
fn forget_others(tenant: &str, cursor: &Cursor) -> Statement {
    Statement::new(
        "DELETE FROM import_seen WHERE tenant = ?1 AND import >= 'moysklad/' AND import < 'moysklad0' \
         AND ?2 AND import NOT IN (?3, ?4)",
    )
    .bind(tenant)
    .bind(cursor.kind == Kind::Full)
    .bind(cursor.stamp())
    .bind(cursor.folders_stamp())
}

fn rows(json: &str) -> Result<Vec<Entry<'_>>, Error> {
    let page = Page::read(json)?;
    Ok(entries(&page.rows))
}

fn entries<'a>(rows: &[&'a RawValue]) -> Vec<Entry<'a>> {
    rows.iter().filter_map(|row| object(Some(row))).collect()
}

/// The statement that writes what ids of МойСклад mean; it answers a row for each that is new or another.
fn meanings(tenant: &str, kind: &str, pairs: &[(String, String)]) -> Statement {
    Statement::new(
        "INSERT INTO moysklad_ids (tenant, kind, id, value) \
         SELECT ?1, ?2, r.value ->> 0, r.value ->> 1 FROM json_each(?3) r WHERE true \
         ON CONFLICT (tenant, kind, id) DO UPDATE SET value = excluded.value \
         WHERE value IS NOT excluded.value RETURNING 1",
    )
    .bind(tenant)
    .bind(kind)
    .bind(json!(pairs).to_string())
}

/// A bare array; the first one is the default (§3.3).
fn price_types<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    json: &str,
    batch: &mut Vec<Statement>,
) -> Result<(), Error> {
    let raw: Vec<&RawValue> =
        serde_json::from_str(json).map_err(|_| Error::Unreadable("no price types"))?;
    let all = entries(&raw);
    let words = &work.place.settings.goods.price_types;
    let named = |word: &String| {
        let is = |entry: &&Entry<'_>| {
            let names = [entry_id(entry), own_id(entry), text(entry.name)];
            map::is_named(word, &names.each_ref().map(Option::as_deref))
        };
        all.iter().find(is)
    };
    let main = words.iter().find_map(named).or_else(|| all.first());
    cursor.price_type = main.and_then(entry_id);
    let main = cursor.price_type.clone().unwrap_or_default();
    batch.push(meanings(
        work.tenant(),
        "run",
        &[(PRICE_TYPE.to_owned(), main)],
    ));
    let input = |(order, entry): (usize, &Entry<'_>)| {
        dictionary(entry, &[("order", Some(order.to_string()))])
    };
    let list: Vec<RefInput> = all.iter().enumerate().filter_map(input).collect();
    write(work, RefKind::PriceType, &list, batch);
    Ok(())
}

fn write<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    kind: RefKind,
    list: &[RefInput],
    batch: &mut Vec<Statement>,
) {
    let now = work.ports.clock.now_ms();
    let some = list.chunks(BATCH);
    batch.extend(some.map(|some| refs::import(work.tenant(), SOURCE, kind, some, now)));
}

/// Letters of currencies, names of units.
fn names<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    kind: &'static str,
    json: &str,
    batch: &mut Vec<Statement>,
) -> Result<(), Error> {
    let name = |entry: &Entry<'_>| match kind {
        "currency" => text(entry.iso_code).or_else(|| text(entry.name)),
        _ => text(entry.name),
    };
    let all = rows(json)?;
    let pairs = all.iter().take(MOST);
    let pairs: Vec<_> = pairs
        .filter_map(|entry| Some((own_id(entry)?, name(entry)?)))
        .collect();
    batch.push(meanings(work.tenant(), kind, &pairs));
    Ok(())
}

/// Stores, and which of them count.
fn stores<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    json: &str,
    batch: &mut Vec<Statement>,
) -> Result<(), Error> {
    let all = rows(json)?;
    let input = |entry: &Entry<'_>| dictionary(entry, &[("address", text(entry.address))]);
    let list: Vec<RefInput> = all.iter().filter_map(input).collect();
    write(work, RefKind::Store, &list, batch);
    let words = &work.place.settings.goods.stores;
    let counts = |entry: &&Entry<'_>| {
        let names = [entry_id(entry), own_id(entry), text(entry.name)];
        map::wanted(words, &names.each_ref().map(Option::as_deref))
    };
    let pairs: Vec<_> = all
        .iter()
        .filter(counts)
        .filter_map(|entry| Some((own_id(entry)?, entry_id(entry)?)))
        .collect();
    // Another setting counts others.
    let forget = "DELETE FROM moysklad_ids WHERE tenant = ?1 AND kind = 'store' \
         AND id NOT IN (SELECT r.value ->> 0 FROM json_each(?2) r)";
    let forget = Statement::new(forget).bind(work.tenant());
    batch.push(forget.bind(json!(pairs).to_string()));
    batch.push(meanings(work.tenant(), "store", &pairs));
    Ok(())
}

/// Points of sale are called by their own ids: the till sends these.
fn retail_stores<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    json: &str,
    batch: &mut Vec<Statement>,
) -> Result<(), Error> {
    let all = rows(json)?;
    let input = |entry: &Entry<'_>| {
        let given = dictionary(entry, &[("store", reference(entry.store))])?;
        Some(RefInput {
            id: own_id(entry)?,
            ..given
        })
    };
    let list: Vec<RefInput> = all.iter().filter_map(input).collect();
    write(work, RefKind::RetailStore, &list, batch);
    Ok(())
}

/// A folder, and the category that it is.
struct Folder {
    id: String,
    parent: Option<String>,
    category: String,
    name: String,
    archived: bool,
}

/// Reads the tree of folders and writes the categories; with `archive`, what is not in it is archived.
pub async fn folders<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    archive: bool,
) -> Result<(), Failure> {
    let folders = all_folders(work).await?;
    let (tenant, now) = (work.tenant(), work.ports.clock.now_ms());
    let category = |folder: &Folder| (folder.id.clone(), folder.category.clone());
    let pairs: Vec<_> = folders.iter().map(category).collect();
    let ours: BTreeMap<&str, &str> = pairs
        .iter()
        .map(|(a, b)| (a.as_str(), b.as_str()))
        .collect();
    let change = |folder: &Folder| CategoryChange {
        classifier: None,
        id: folder.category.clone(),
        parent: (folder.parent.as_deref())
            .and_then(|id| ours.get(id).copied())
            .map(str::to_owned),
        name: folder.name.clone(),
        deleted: folder.archived,
    };
    let changes: Vec<_> = folders.iter().map(change).collect();
    let mut batch: Vec<Statement> = changes
        .chunks(BATCH)
        .map(|some| categories::import(tenant, SOURCE, some, now))
        .collect();
    let counted = batch.len();
    batch.extend(
        pairs
            .chunks(BATCH)
            .map(|some| meanings(tenant, "folder", some)),
    );
    batch.extend(categories::rebuild_paths(tenant, now));
    if archive && !folders.is_empty() {
        let stamp = cursor.folders_stamp();
        let ids: Vec<&str> = changes.iter().map(|change| change.id.as_str()).collect();
        batch.extend(seen_ids(tenant, &stamp, 0, &ids));
        batch.push(categories::archive_missing(tenant, SOURCE, &stamp, now));
    }
    let answers = work.ports.sql.atomic(batch).await?;
    cursor.totals.references += number(answers.iter().take(counted).map(Vec::len).sum());
    Ok(())
}

/// Whether what is not there any more is archived.
pub fn archives<S, H, C>(work: &Work<'_, S, H, C>, cursor: &Cursor) -> bool {
    let wanted = work.place.settings.goods.missing == sklad_tenant::exchange::Missing::Archive;
    wanted && cursor.kind == Kind::Full
}

async fn all_folders<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
) -> Result<Vec<Folder>, Failure> {
    let list = List::of("/entity/productfolder").with_archived();
    let mut folders: BTreeMap<String, Folder> = BTreeMap::new();
    let mut taken: BTreeSet<String> = BTreeSet::new();
    let mut offset = 0;
    loop {
        let json = work.session.get(&list.page(offset, page::MAX_ROWS)).await?;
        let page = Page::read(&json)?;
        for entry in entries(&page.rows) {
            let Some(id) = own_id(&entry) else { continue };
            if folders.contains_key(&id) {
                continue;
            }
            let folder = folder(&entry, id, &mut taken);
            folders.insert(folder.id.clone(), folder);
        }
        let end = offset.saturating_add(number(page.rows.len()));
        let whole = page.rows.len() >= usize::try_from(page::MAX_ROWS).unwrap_or(usize::MAX);
        let more = page.size.is_none_or(|size| end < size);
        if !whole || !more || folders.len() >= categories::MAX_CATEGORIES {
            return Ok(folders.into_values().collect());
        }
        offset = page::next(end);
    }
}

/// A folder is the category of its external code, as in CommerceML. Where two have one code, or it cannot
/// be an id, it is the category of its own id.
fn folder(entry: &Entry<'_>, id: String, taken: &mut BTreeSet<String>) -> Folder {
    let fits = |code: &String| {
        let plain = !code.contains(|c: char| c == '"' || c == '\\' || c.is_control());
        plain && code.chars().count() <= categories::MAX_ID_CHARS
    };
    let code = text(entry.external_code).filter(fits);
    let code = code.filter(|code| taken.insert(code.clone()));
    Folder {
        category: code.unwrap_or_else(|| id.clone()),
        parent: reference(entry.product_folder),
        name: text(entry.name).unwrap_or_default(),
        archived: flag(entry.archived) == Some(true),
        id,
    }
}

/// How many rows each list of goods has.
async fn sizes<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
) -> Result<(), Failure> {
    let lists = LISTS.iter().filter_map(|phase| list(*phase, false));
    let paths = lists.map(|(list, _)| list.page(0, 1));
    let answers: Vec<_> = stream::iter(paths)
        .map(|path| async move { work.session.get(&path).await })
        .buffered(work.session.lanes())
        .collect()
        .await;
    for (size, answer) in cursor.sizes.iter_mut().zip(answers) {
        *size = Page::read(&answer?)?.size.unwrap_or_default();
    }
    Ok(())
}

/// The price type whose price is the good's (empty: there is none); `None` before the first import.
pub async fn price_type(sql: &impl Sql, tenant: &str) -> Result<Option<String>, SqlError> {
    let ids = BTreeSet::from([PRICE_TYPE.to_owned()]);
    let kept = values_of(sql, tenant, "run", &ids).await?;
    Ok(kept.into_values().next())
}

/// The units and currencies that are known.
pub async fn known(sql: &impl Sql, tenant: &str) -> Result<Known, SqlError> {
    Ok(Known {
        uoms: values(sql, tenant, "uom").await?,
        currencies: values(sql, tenant, "currency").await?,
        ..Known::default()
    })
}

/// All that ids of a kind mean, at most [`MOST`].
pub async fn values(
    sql: &impl Sql,
    tenant: &str,
    kind: &'static str,
) -> Result<BTreeMap<String, String>, SqlError> {
    let statement = Statement::new(
        "SELECT id, value FROM moysklad_ids WHERE tenant = ?1 AND kind = ?2 ORDER BY id LIMIT ?3",
    )
    .bind(tenant)
    .bind(kind)
    .bind(i64::try_from(MOST).unwrap_or(i64::MAX));
    let rows = sql.query(statement).await?;
    let pair = |row: &sklad_store::Row| (row.string(0), row.string(1));
    Ok(rows.iter().map(pair).collect())
}

/// What these ids of a kind mean.
pub async fn values_of(
    sql: &impl Sql,
    tenant: &str,
    kind: &'static str,
    ids: &BTreeSet<String>,
) -> Result<BTreeMap<String, String>, SqlError> {
    if ids.is_empty() {
        return Ok(BTreeMap::new());
    }
    let statement = Statement::new(
        "SELECT m.id, m.value FROM json_each(?3) k CROSS JOIN moysklad_ids m \
         ON m.tenant = +?1 AND m.kind = +?2 AND m.id = k.value",
    )
    .bind(tenant)
    .bind(kind)
    .bind(json!(ids).to_string());
    let rows = sql.query(statement).await?;
    let pair = |row: &sklad_store::Row| (row.string(0), row.string(1));
    Ok(rows.iter().map(pair).collect())
}
