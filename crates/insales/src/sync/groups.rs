//! The two trees: collections, which visitors see, and categories of the stock.

use serde_json::value::RawValue;
use sklad_catalog::categories::{self, CategoryChange};
use sklad_catalog::import::seen_ids;
use sklad_raw::{object, text};
use sklad_store::{Clock, Http, Sql};

use super::cursor::{Cursor, Kind, Phase, places};
use super::pages;
use super::{Went, Work, number, of_catalog};
use crate::api::page::Trash;
use crate::api::session::Failure;
use crate::map::Names;
use crate::wire::{Group, flag, id};

/// Reads the tree of the cursor's phase.
pub async fn run<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
) -> Result<Went, Failure> {
    let take = async |cursor: &mut Cursor, rows: &[&RawValue]| store(work, cursor, rows).await;
    pages::each(work, cursor, Trash::Without, take).await
}

async fn store<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    rows: &[&RawValue],
) -> Result<(), Failure> {
    let name = match cursor.phase {
        Phase::Collections => Names::collection,
        _ => Names::category,
    };
    let one = |row: &&RawValue| group(row, |id| name(&work.names, id));
    let groups: Vec<CategoryChange> = rows.iter().filter_map(one).collect();
    let (tenant, source) = (work.tenant(), work.names.source());
    let now = work.ports.clock.now_ms();
    let mut batch = vec![categories::import(tenant, source, &groups, now)];
    if cursor.kind == Kind::Full {
        let ids: Vec<&str> = groups.iter().map(|group| group.id.as_str()).collect();
        let stamp = cursor.groups_stamp(source);
        batch.extend(seen_ids(tenant, &stamp, cursor.part, &ids));
    }
    cursor.passed(&places(rows), now);
    // What is written and not counted, as nobody lives to count it, is made up for by the next run.
    cursor.tree = true;
    let answers = work.store(batch, cursor).await?;
    cursor.totals.references += number(answers.first().map_or(0, Vec::len));
    Ok(())
}

/// A collection that is hidden is not there for visitors.
fn group(row: &RawValue, name: impl Fn(u64) -> String) -> Option<CategoryChange> {
    let group: Group<'_> = object(Some(row))?;
    Some(CategoryChange {
        id: name(id(group.id)?),
        parent: id(group.parent).map(&name),
        name: text(group.title).unwrap_or_default(),
        classifier: None,
        deleted: flag(group.is_hidden) == Some(true),
    })
}

/// Archives what the trees have not any more, and makes paths of all.
pub async fn tree<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
) -> Result<Went, Failure> {
    if !cursor.tree {
        return Ok(Went::Through);
    }
    let (tenant, source) = (work.tenant(), work.names.source());
    let now = work.ports.clock.now_ms();
    if cursor.kind == Kind::Full {
        let stamp = cursor.groups_stamp(source);
        let archive = categories::archive_missing(tenant, source, &stamp, now);
        let answers = work.store(vec![archive], cursor).await?;
        cursor.totals.references += number(answers.first().map_or(0, Vec::len));
    }
    let paths = categories::paths(work.ports.sql, tenant, now).await;
    for statement in paths.map_err(of_catalog)? {
        work.ports.sql.atomic(vec![statement]).await?;
        work.ports.clock.pause().await;
    }
    cursor.tree = false;
    Ok(Went::Through)
}
