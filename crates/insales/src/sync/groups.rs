//! The two trees: collections, which visitors see, and categories of the stock.

use serde_json::value::RawValue;
use sklad_catalog::categories::{self, CategoryChange};
use sklad_catalog::import::seen_ids;
use sklad_raw::{object, text};
use sklad_store::{Clock, Http, Sql, Statement};

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
    let full = cursor.kind == Kind::Full;
    if !cursor.tree && !full {
        return Ok(Went::Through);
    }
    let (tenant, source) = (work.tenant(), work.names.source());
    if full {
        for list in LISTS {
            spare(work, cursor, list).await?;
        }
        let now = work.ports.clock.now_ms();
        let stamp = cursor.groups_stamp(source);
        let archive = categories::archive_missing(tenant, source, &stamp, now);
        let answers = work.store(vec![archive], cursor).await?;
        cursor.totals.references += number(answers.first().map_or(0, Vec::len));
    }
    let paths = categories::paths(work.ports.sql, tenant, work.ports.clock.now_ms()).await;
    for statement in paths.map_err(of_catalog)? {
        work.ports.sql.atomic(vec![statement]).await?;
        work.ports.clock.pause().await;
    }
    astray(work, cursor).await?;
    cursor.tree = false;
    Ok(Went::Through)
}

/// One of the two lists.
#[derive(Clone, Copy)]
struct List {
    /// Under which number its categories are noted as had, beside those of batches.
    part: i64,
    /// With what their ids go on behind [`Names::prefix`].
    from: char,
    /// What comes behind that.
    to: char,
    /// What merchants call it.
    whose: &'static str,
}

const LISTS: [List; 2] = [
    List {
        part: -1,
        from: 'c',
        to: 'd',
        whose: "сайта",
    },
    List {
        part: -2,
        from: 'w',
        to: 'x',
        whose: "склада",
    },
];

/// Counts the categories of a list that came without a row as had, and tells so: a shop that has had some will
/// rather have answered wrongly than have lost all of them. Not where the merchant wants no guard.
async fn spare<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    list: List,
) -> Result<(), Failure> {
    /// No percentage of what is missing is too much.
    const UNGUARDED: u8 = 100;
    const COUNTS: &str = "SELECT (SELECT count(*) FROM categories WHERE tenant = ?1 AND archived = 0 \
             AND id >= ?3 AND id < ?4), \
         EXISTS (SELECT 1 FROM import_seen s CROSS JOIN json_each(s.goods) j WHERE s.tenant = ?1 \
             AND s.import = ?2 AND j.value >= ?3 AND j.value < ?4)";
    const SPARE: &str = "INSERT INTO import_seen (tenant, import, part, goods) \
         SELECT ?1, ?2, ?5, json_group_array(id) FROM categories WHERE tenant = ?1 AND id >= ?3 AND id < ?4 \
         ON CONFLICT (tenant, import, part) DO UPDATE SET goods = excluded.goods";
    if work.place.settings.missing_guard_percent >= UNGUARDED {
        return Ok(());
    }
    let about = |text| {
        let (stamp, prefix) = (
            cursor.groups_stamp(work.names.source()),
            work.names.prefix(),
        );
        let statement = Statement::new(text).bind(work.tenant()).bind(stamp);
        let statement = statement.bind(format!("{prefix}{}", list.from));
        statement.bind(format!("{prefix}{}", list.to))
    };
    let rows = work.ports.sql.query(about(COUNTS)).await?;
    let count = |i| rows.first().and_then(|row| row.int(i)).unwrap_or_default();
    let (known, met) = (count(0), count(1));
    if known == 0 || met > 0 {
        return Ok(());
    }
    let spared = about(SPARE).bind(list.part);
    let text = format!(
        "InSales не отдал ни одной категории {}, а было {known}: они оставлены. Если они и правда удалены, \
         задайте в настройках подключения порог 100 % и повторите сверку",
        list.whose
    );
    let mut batch = vec![spared];
    batch.extend(work.warn(cursor, "", &text));
    work.store(batch, cursor).await?;
    Ok(())
}

/// Tells of categories that lie in another one and yet at the top: their path leads to themselves, or is too
/// long.
async fn astray<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
) -> Result<(), Failure> {
    let statement = Statement::new(
        "SELECT c.id, c.name FROM categories c WHERE c.tenant = ?1 AND c.source = ?2 AND c.archived = 0 \
             AND c.path = json_array(c.id) AND EXISTS \
             (SELECT 1 FROM categories p WHERE p.tenant = ?1 AND p.id = c.parent) ORDER BY c.id",
    );
    let statement = statement.bind(work.tenant()).bind(work.names.source());
    let mut batch = Vec::new();
    for row in work.ports.sql.query(statement).await? {
        let text = format!(
            "Категория InSales «{}» вложена сама в себя или слишком глубоко: показана на верхнем уровне",
            row.string(1)
        );
        batch.extend(work.warn(cursor, &row.string(0), &text));
    }
    if !batch.is_empty() {
        work.store(batch, cursor).await?;
    }
    Ok(())
}
