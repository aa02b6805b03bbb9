//! The end of an import: what a full list no longer has, and the guard against a list that is not full
//! after all (commerceml §2.4).

use sklad_catalog::import::{self as store, Scope};
use sklad_jobs::journal::Outcome;
use sklad_store::{Clock, Kv, Sql, SqlError, Statement};
use sklad_tenant::exchange::Missing;

use super::job::{Job, Lease, State};
use super::run::SOURCE;
use super::{Ended, STEP_MS, told};
use crate::Error;
use crate::handle::{Call, record};
use crate::session::Session;
use crate::upload;

/// The name under which an import notes the goods that it had: begins with the time of the login, in
/// seconds, so that `deactivate` finds all of an exchange.
#[must_use]
pub fn stamp(session: &Session, import: &str) -> String {
    format!("{}/{import}", since(session.created_at / 1000))
}

/// A time of a login as it stands in a stamp: sorts as it counts.
fn since(seconds: i64) -> String {
    format!("{seconds:012}")
}

/// Ends an import whose file has been read: archives what is missing, tells the merchant.
///
/// # Errors
/// Internal ones.
pub async fn finish<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    job: &mut Job,
    lease: &Lease,
    until: i64,
) -> Result<Ended, Error> {
    let (sql, tenant) = (&call.app.sql, call.slug());
    let import = job.cursor.stamp.clone();
    if call.settings().missing == Missing::Archive && !job.cursor.batch {
        for (full, scope) in [
            (job.cursor.full_goods, Scope::Products),
            (job.cursor.full_offers, Scope::Variants),
        ] {
            if full && !archive(call, job, lease, &import, scope, until).await? {
                return Ok(Ended::Progress(told::progress(job, 0)));
            }
        }
    }
    let now = call.clock.now_ms();
    let totals = job.cursor.totals;
    let outcome = if totals.warnings > 0 {
        Outcome::Warning
    } else {
        Outcome::Ok
    };
    job.state = State::Done;
    let mut row = record(&job.name, outcome, told::result(&totals));
    row.detail = serde_json::to_value(totals).ok();
    let mut batch = vec![
        job.save(tenant, now)?,
        lease.renew(tenant, now),
        upload::taken(tenant, &job.id),
        row.statement(tenant, now),
    ];
    if !job.cursor.batch {
        batch.push(store::clear_seen(tenant, &import));
    }
    sql.atomic(batch).await?;
    Ok(Ended::Done)
}

/// Archives what the import has not had, unless that is too much; `false` when the time was up.
async fn archive<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    job: &mut Job,
    lease: &Lease,
    import: &str,
    scope: Scope,
    until: i64,
) -> Result<bool, Error> {
    let (sql, tenant) = (&call.app.sql, call.slug());
    if !job.cursor.archiving && !is_safe(call, &job.name, import, scope).await? {
        return Ok(true);
    }
    job.cursor.archiving = true;
    loop {
        let now = call.clock.now_ms();
        let done = store::mark_missing(sql, tenant, SOURCE, import, scope, now).await?;
        if done == 0 {
            job.cursor.archiving = false;
            return Ok(true);
        }
        job.cursor.totals.archived += u64::try_from(done).unwrap_or_default();
        sql.atomic(vec![job.save(tenant, now)?, lease.renew(tenant, now)])
            .await?;
        job.seq += 1;
        call.clock.pause().await;
        if call.clock.now_ms() >= until {
            return Ok(false);
        }
    }
}

/// Whether so little is missing that it may be archived; what is spared is told in the journal.
async fn is_safe<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    name: &str,
    import: &str,
    scope: Scope,
) -> Result<bool, Error> {
    let (sql, tenant) = (&call.app.sql, call.slug());
    let found = store::missing(sql, tenant, SOURCE, import, scope).await?;
    let most = i64::from(call.settings().missing_guard_percent);
    if found.missing.saturating_mul(100) <= found.live.saturating_mul(most) {
        return Ok(true);
    }
    let what = match scope {
        Scope::Products => "товаров",
        Scope::Variants => "модификаций",
    };
    let text = format!(
        "В выгрузке нет {} из {} {what}: это больше {most} %, поэтому они оставлены в каталоге. \
         Если они и правда удалены, повысьте порог в настройках и повторите выгрузку",
        found.missing, found.live,
    );
    let now = call.clock.now_ms();
    let row = record(name, Outcome::Warning, text);
    sql.atomic(vec![row.statement(tenant, now)]).await?;
    Ok(false)
}

/// `mode=deactivate`: archives what none of the files since the login of `timestamp` (seconds since 1970
/// UTC) had.
///
/// # Errors
/// Internal ones.
pub(crate) async fn deactivate<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    timestamp: i64,
) -> Result<Ended, Error> {
    let (sql, tenant) = (&call.app.sql, call.slug());
    if call.settings().missing == Missing::Keep {
        return Ok(Ended::Done);
    }
    let import = format!("deactivate/{timestamp}");
    if collect(sql, tenant, &import, timestamp).await? == 0 {
        return Ok(Ended::Done);
    }
    let until = call.clock.now_ms() + STEP_MS;
    for scope in [Scope::Products, Scope::Variants] {
        // Of some kinds an exchange says nothing at all: there may have been no offers in it.
        let found = store::missing(sql, tenant, SOURCE, &import, scope).await?;
        if found.missing == found.live || !is_safe(call, "deactivate", &import, scope).await? {
            continue;
        }
        loop {
            let now = call.clock.now_ms();
            let done = store::mark_missing(sql, tenant, SOURCE, &import, scope, now).await?;
            if done == 0 {
                break;
            }
            call.clock.pause().await;
            if call.clock.now_ms() >= until {
                return Ok(Ended::Progress(format!("В архив: {done}, {now}")));
            }
        }
    }
    sql.atomic(vec![store::clear_seen(tenant, &import)]).await?;
    Ok(Ended::Done)
}

/// Puts what the files of an exchange had under one name; answers how many lists there are.
async fn collect(
    sql: &impl Sql,
    tenant: &str,
    import: &str,
    timestamp: i64,
) -> Result<usize, SqlError> {
    let move_all = Statement::new(
        "INSERT INTO import_seen (tenant, import, part, goods) \
         SELECT ?1, ?2, row_number() OVER (ORDER BY import, part), goods FROM import_seen \
         WHERE tenant = ?1 AND import >= ?3 AND import < ':' \
         ON CONFLICT (tenant, import, part) DO UPDATE SET goods = excluded.goods",
    )
    .bind(tenant)
    .bind(import)
    .bind(since(timestamp));
    let count = Statement::new("SELECT 1 FROM import_seen WHERE tenant = ?1 AND import = ?2")
        .bind(tenant)
        .bind(import);
    let rows = sql.atomic(vec![move_all, count]).await?;
    Ok(rows.get(1).map_or(0, Vec::len))
}
