//! The end of a run for everything: what the shop does not have any more, and the guard against a list that
//! was not whole after all.

use sklad_catalog::import::{self as catalog, Change, Scope};
use sklad_store::{Clock, Http, Sql, SqlError, Statement};

use super::cursor::Cursor;
use super::goods::{BATCH, plan};
use super::{Went, Work, number, of_catalog, references};
use crate::api::session::Failure;
use crate::link::nothing_beside;

/// Archives what the run has not had, unless that is too much.
pub async fn run<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
) -> Result<Went, Failure> {
    if !cursor.archiving {
        if !is_whole(work, cursor).await? {
            return Ok(Went::Through);
        }
        let touched = touched(work, cursor);
        work.store(vec![touched], cursor).await?;
    }
    for scope in [Scope::Products, Scope::Variants] {
        if archive(work, cursor, scope).await? == Went::On {
            return Ok(Went::On);
        }
    }
    strays(work, cursor).await
}

/// Whether the list had as many products as the shop says that it has. What went into the trash behind the
/// first count is in none that is made now.
async fn is_whole<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
) -> Result<bool, Failure> {
    let had = cursor.done.saturating_sub(cursor.trashed);
    let Some(before) = cursor.total.filter(|total| *total > had) else {
        return Ok(true);
    };
    let total = references::count(work).await?.unwrap_or(before);
    if total <= had {
        return Ok(true);
    }
    let text = format!(
        "InSales отдал {had} товаров из {total}: товары, которых не было в списке, оставлены в каталоге"
    );
    let told = work.warn(cursor, "", &text);
    work.store(told.into_iter().collect(), cursor).await?;
    Ok(false)
}

/// The statement that counts goods as had that were written since the run began.
fn touched<S, H, C>(work: &Work<'_, S, H, C>, cursor: &Cursor) -> Statement {
    /// Beside the numbers of batches.
    const PART: i64 = -1;
    Statement::new(
        "INSERT INTO import_seen (tenant, import, part, goods) \
         SELECT ?1, ?2, ?3, json_group_array(id) FROM goods INDEXED BY goods_by_change \
         WHERE tenant = ?1 AND updated_at >= ?4 AND source = ?5 \
         ON CONFLICT (tenant, import, part) DO UPDATE SET goods = excluded.goods",
    )
    .bind(work.place.tenant)
    .bind(cursor.stamp(work.names.source()))
    .bind(PART)
    .bind(cursor.started_at)
    .bind(work.names.source())
}

async fn archive<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    scope: Scope,
) -> Result<Went, Failure> {
    let (sql, tenant, source) = (work.ports.sql, work.tenant(), work.names.source());
    let stamp = cursor.stamp(source);
    if !cursor.archiving {
        let found = catalog::missing(sql, tenant, source, &stamp, scope).await;
        let found = found.map_err(of_catalog)?;
        let what = match scope {
            Scope::Products => "товаров",
            Scope::Variants => "вариантов",
        };
        if !is_safe(work, cursor, (found.missing, found.live), what).await? {
            return Ok(Went::Through);
        }
    }
    cursor.archiving = true;
    loop {
        let now = work.ports.clock.now_ms();
        let done = catalog::mark_missing(sql, tenant, source, &stamp, scope, now).await;
        let done = done.map_err(of_catalog)?;
        cursor.archiving = done > 0;
        cursor.totals.archived += number(done);
        work.store(Vec::new(), cursor).await?;
        if done == 0 {
            return Ok(Went::Through);
        }
        work.ports.clock.pause().await;
        if work.is_over() {
            return Ok(Went::On);
        }
    }
}

/// Whether so little is missing, of so many, that it may go; what is spared is told in the journal.
async fn is_safe<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    (missing, of): (i64, i64),
    what: &str,
) -> Result<bool, Failure> {
    let most = i64::from(work.place.settings.missing_guard_percent);
    if missing.saturating_mul(100) <= of.saturating_mul(most) {
        return Ok(true);
    }
    let text = format!(
        "В InSales нет {missing} из {of} {what}: это больше {most} %, поэтому они оставлены в каталоге. \
         Если они и правда удалены, повысьте порог в настройках подключения и повторите сверку"
    );
    let told = work.warn(cursor, "", &text);
    work.store(told.into_iter().collect(), cursor).await?;
    Ok(false)
}

/// Takes from goods of other sources what the shop had added to them and has no more.
async fn strays<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
) -> Result<Went, Failure> {
    let (sql, tenant, prefix) = (work.ports.sql, work.tenant(), work.names.prefix());
    let stamp = cursor.stamp(work.names.source());
    let found = catalog::strays(sql, tenant, prefix, &stamp).await;
    let found = found.map_err(of_catalog)?;
    if found.stray == 0
        || !is_safe(work, cursor, (found.stray, found.all), "связанных товаров").await?
    {
        return Ok(Went::Through);
    }
    let ids = catalog::strays_among(sql, tenant, prefix, &stamp).await;
    for some in ids.map_err(of_catalog)?.chunks(BATCH) {
        cut(work, cursor, some).await?;
        work.ports.clock.pause().await;
    }
    Ok(Went::Through)
}

async fn cut<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &Cursor,
    ids: &[String],
) -> Result<(), SqlError> {
    let nothing = |id: &String| nothing_beside(id, &work.names);
    let changes: Vec<Change> = ids.iter().map(nothing).collect();
    let mut attempt = 1;
    loop {
        let plan = plan(work, &changes, work.ports.clock.now_ms()).await?;
        let mut batch = plan.statements;
        batch.push(catalog::forget_aliases(work.tenant(), ids));
        match work.store(batch, cursor).await {
            Err(SqlError::Conflict) if attempt < super::ATTEMPTS => attempt += 1,
            other => return other.map(drop),
        }
    }
}
