//! What was staged and is of no use any more.

use sklad_store::{Clock, Sql, SqlError, Statement};

use crate::session::{IDLE_MS, LIFE_MS};

/// How long an upload waits for its import, in milliseconds; it goes sooner where its session has ended.
pub const STAGED_MS: i64 = 24 * 60 * 60 * 1000;
/// How long ended imports are remembered, in milliseconds.
pub const REMEMBERED_MS: i64 = 7 * STAGED_MS;
/// How many chunks go at once: a till must not wait.
const CHUNKS: i64 = 4;

/// Forgets what is too old, then frees bytes until `budget_ms` is over. Called again, it goes on.
///
/// # Errors
/// The database's.
pub async fn sweep(
    sql: &impl Sql,
    tenant: &str,
    clock: &impl Clock,
    budget_ms: i64,
) -> Result<(), SqlError> {
    let now = clock.now_ms();
    if is_old(sql, tenant, now).await? {
        sql.atomic(old(tenant, now)).await?;
    }
    while free(sql, tenant).await? && clock.now_ms() < now + budget_ms {
        clock.pause().await;
    }
    Ok(())
}

/// Whether there is anything to forget: a look is cheaper than a write.
async fn is_old(sql: &impl Sql, tenant: &str, now: i64) -> Result<bool, SqlError> {
    let statement = Statement::new(
        "SELECT 1 WHERE EXISTS (SELECT 1 FROM uploads WHERE tenant = ?1 AND received_at < ?4) \
         OR EXISTS (SELECT 1 FROM imports WHERE tenant = ?1 AND updated_at < ?3) \
         OR EXISTS (SELECT 1 FROM upload_parts WHERE tenant = ?1 AND created_at < ?2)",
    )
    .bind(tenant)
    .bind(now - STAGED_MS)
    .bind(now - REMEMBERED_MS)
    .bind(now - IDLE_MS);
    Ok(!sql.query(statement).await?.is_empty())
}

fn old(tenant: &str, now: i64) -> Vec<Statement> {
    let before = |sql: &'static str, age| Statement::new(sql).bind(tenant).bind(now - age);
    vec![
        before(
            "DELETE FROM uploads WHERE tenant = ?1 AND received_at < ?2",
            STAGED_MS,
        ),
        // Of sessions that have ended. What may yet be imported without being asked for is not among them.
        before(
            "DELETE FROM uploads WHERE tenant = ?1 AND received_at < ?2 \
             AND session NOT IN (SELECT id FROM exchange_sessions \
             WHERE tenant = ?1 AND used_at >= ?2 AND created_at >= ?3) \
             AND id NOT IN (SELECT id FROM imports WHERE tenant = ?1 AND state = 'running') \
             AND NOT (kind = 'catalog' AND state = 'receiving' \
             AND (name LIKE '%.xml' OR name LIKE '%.zip'))",
            IDLE_MS,
        )
        .bind(now - LIFE_MS),
        // What imports have had that nobody compares any more.
        Statement::new("DELETE FROM import_seen WHERE tenant = ?1 AND import < ?2")
            .bind(tenant)
            .bind(format!("{:012}", (now - STAGED_MS) / 1000)),
        before(
            "DELETE FROM imports WHERE tenant = ?1 AND updated_at < ?2",
            REMEMBERED_MS,
        ),
        // Parts of requests that broke off: no file has them.
        before(
            "DELETE FROM upload_parts WHERE rowid IN (SELECT p.rowid FROM upload_parts p \
             WHERE p.tenant = ?1 AND p.created_at < ?2 AND p.chunk NOT IN \
             (SELECT chunk FROM upload_chunks WHERE tenant = ?1) LIMIT 16)",
            STAGED_MS,
        ),
    ]
}

/// Frees a few chunks that no upload and no import needs; whether there were any.
async fn free(sql: &impl Sql, tenant: &str) -> Result<bool, SqlError> {
    let dead = Statement::new(
        "SELECT c.chunk, c.upload, c.start FROM upload_chunks c WHERE c.tenant = ?1 \
         AND c.upload NOT IN (SELECT id FROM uploads WHERE tenant = ?1 AND state <> 'taken') \
         AND c.upload NOT IN (SELECT id FROM imports WHERE tenant = ?1 AND state = 'running') \
         LIMIT ?2",
    )
    .bind(tenant)
    .bind(CHUNKS);
    let rows = sql.query(dead).await?;
    let mut batch = Vec::new();
    for row in &rows {
        let part = Statement::new("DELETE FROM upload_parts WHERE tenant = ?1 AND chunk = ?2");
        batch.push(part.bind(tenant).bind(row.string(0)));
        let chunk = Statement::new(
            "DELETE FROM upload_chunks WHERE tenant = ?1 AND upload = ?2 AND start = ?3",
        );
        batch.push(chunk.bind(tenant).bind(row.string(1)).bind(row.int(2)));
    }
    if batch.is_empty() {
        return Ok(false);
    }
    sql.atomic(batch).await?;
    Ok(true)
}
