//! The end of a full run: what МойСклад does not have any more, and the guard against a list that was not
//! full after all.

use sklad_catalog::import::{self as catalog, Scope};
use sklad_store::{Clock, Http, Sql, Statement};

use super::cursor::Cursor;
use super::goods::number;
use super::references::archives;
use super::{SOURCE, Went, Work, of_catalog};
use crate::api::session::Failure;

/// Archives what the run has not had, unless that is too much.
pub async fn run<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
) -> Result<Went, Failure> {
    if !archives(work, cursor) {
        return Ok(Went::Through);
    }
    if !cursor.archiving {
        let touched = touched(work.tenant(), cursor);
        work.store(vec![touched], cursor).await?;
    }
    for scope in [Scope::Products, Scope::Variants] {
        if archive(work, cursor, scope).await? == Went::On {
            return Ok(Went::On);
        }
    }
    Ok(Went::Through)
}

/// The statement that counts goods as had that were written since the run began: somebody else brought
/// them, after the run had read where they stand.
fn touched(tenant: &str, cursor: &Cursor) -> Statement {
    /// Beside the numbers of batches.
    const PART: i64 = -1;
    Statement::new(
        "INSERT INTO import_seen (tenant, import, part, goods) \
         SELECT ?1, ?2, ?3, json_group_array(id) FROM goods INDEXED BY goods_by_change \
         WHERE tenant = ?1 AND updated_at >= ?4 AND source = ?5 \
         ON CONFLICT (tenant, import, part) DO UPDATE SET goods = excluded.goods",
    )
    .bind(tenant)
    .bind(cursor.stamp())
    .bind(PART)
    .bind(cursor.started_at)
    .bind(SOURCE)
}

async fn archive<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    scope: Scope,
) -> Result<Went, Failure> {
    let (sql, tenant, stamp) = (work.ports.sql, work.tenant(), cursor.stamp());
    if !cursor.archiving && !is_safe(work, cursor, scope).await? {
        return Ok(Went::Through);
    }
    cursor.archiving = true;
    loop {
        let now = work.ports.clock.now_ms();
        let done = catalog::mark_missing(sql, tenant, SOURCE, &stamp, scope, now).await;
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

/// Whether so little is missing that it may be archived; what is spared is told in the journal.
async fn is_safe<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    scope: Scope,
) -> Result<bool, Failure> {
    let (sql, tenant, stamp) = (work.ports.sql, work.tenant(), cursor.stamp());
    let found = catalog::missing(sql, tenant, SOURCE, &stamp, scope).await;
    let found = found.map_err(of_catalog)?;
    let most = i64::from(work.place.settings.goods.missing_guard_percent);
    if found.missing.saturating_mul(100) <= found.live.saturating_mul(most) {
        return Ok(true);
    }
    let what = match scope {
        Scope::Products => "товаров",
        Scope::Variants => "модификаций",
    };
    let text = format!(
        "В МоёмСкладе нет {} из {} {what}: это больше {most} %, поэтому они оставлены в каталоге. \
         Если они и правда удалены, повысьте порог в настройках и повторите загрузку",
        found.missing, found.live,
    );
    let told = work.warn(cursor, "", &text);
    work.store(told.into_iter().collect(), cursor).await?;
    Ok(false)
}
