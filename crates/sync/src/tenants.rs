//! The jobs that every tenant has.

use serde_json::json;
use sklad_insales::plan as shops;
use sklad_jobs::job::{self, Claim, Step};
use sklad_moysklad::sync::plan::{self, Changed};
use sklad_store::{Clock, Kv, Sql, SqlError, Statement};
use sklad_tenant::{App, Error, Slug, settings};

use crate::kinds::{SWEEP, SWEEPING, done};

/// Tenants of one batch.
const BATCH: usize = 100;

/// Goes through the tenants in the order of their names. The cursor is the last name.
pub async fn step<S: Sql, K: Kv>(
    app: &App<S, K>,
    clock: &impl Clock,
    claim: &Claim,
    until: i64,
) -> Result<Step, SqlError> {
    let sql = &app.sql;
    let last = claim.cursor.as_deref().map(serde_json::from_str::<String>);
    let mut last = last.and_then(Result::ok).unwrap_or_default();
    let mut progress = claim.progress;
    loop {
        let tenants = names(sql, &last).await?;
        let now = clock.now_ms();
        let mut batch: Vec<Statement> = tenants.iter().map(|t| swept(t, now)).collect();
        let to = tenants.last().map_or("", String::as_str);
        for tenant in connected(sql, &last, to).await? {
            batch.extend(imported(app, &tenant, now).await);
        }
        if last.is_empty() {
            // What is the deployment's own grows old as well.
            batch.push(swept("", now));
        }
        progress.done += u64::try_from(tenants.len()).unwrap_or_default();
        match tenants.last() {
            Some(name) if tenants.len() == BATCH => name.clone_into(&mut last),
            _ => {
                sql.atomic(batch).await?;
                return Ok(done(progress));
            }
        }
        let cursor = json!(last).to_string();
        batch.push(claim.save(&cursor, progress, now));
        sql.atomic(batch).await?;
        if now >= until {
            return Ok(Step::More { cursor, progress });
        }
        clock.pause().await;
    }
}

fn swept(tenant: &str, now: i64) -> Statement {
    job::plan(tenant, SWEEP, "", Some(SWEEPING), now)
}

/// The jobs of the imports, as they should be. Who cannot be read keeps the others from nothing.
async fn imported<S: Sql, K: Kv>(app: &App<S, K>, tenant: &str, now: i64) -> Vec<Statement> {
    let mut batch = Vec::new();
    for planned in [
        plan::statements(app, tenant, Changed::Settings, now).await,
        of_shops(app, tenant, now).await,
    ] {
        match planned {
            Ok(statements) => batch.extend(statements),
            Err(error) => eprintln!("tenants: {tenant}: {error}"),
        }
    }
    batch
}

/// Those of connections to shops: the tenant's time zone may have changed.
async fn of_shops<S: Sql, K: Kv>(
    app: &App<S, K>,
    tenant: &str,
    now: i64,
) -> Result<Vec<Statement>, Error> {
    let Ok(slug) = tenant.parse::<Slug>() else {
        return Ok(Vec::new());
    };
    let Some(settings) = settings::load(&app.kv, &slug).await? else {
        return Ok(Vec::new());
    };
    Ok(shops::of_tenant(&app.sql, tenant, settings.timezone_minutes, now).await?)
}

/// The tenants behind `after`, up to `to`, that have an account of МойСклад, a job of its import, or a
/// connection to a shop.
async fn connected(sql: &impl Sql, after: &str, to: &str) -> Result<Vec<String>, SqlError> {
    let statement = Statement::new(
        "SELECT tenant FROM moysklad_accounts WHERE tenant > ?1 AND tenant <= ?2 \
         UNION SELECT tenant FROM jobs WHERE tenant > ?1 AND tenant <= ?2 AND kind IN (?3, ?4) \
         UNION SELECT tenant FROM connections WHERE tenant > ?1 AND tenant <= ?2",
    )
    .bind(after)
    .bind(to)
    .bind(plan::GOODS)
    .bind(plan::CHANGES);
    let rows = sql.query(statement).await?;
    Ok(rows.iter().map(|row| row.string(0)).collect())
}

async fn names(sql: &impl Sql, after: &str) -> Result<Vec<String>, SqlError> {
    let statement =
        Statement::new("SELECT tenant FROM tenants WHERE tenant > ?1 ORDER BY tenant LIMIT 100")
            .bind(after);
    let rows = sql.query(statement).await?;
    Ok(rows.iter().map(|row| row.string(0)).collect())
}
