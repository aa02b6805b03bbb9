//! Forgetting what nobody looks at any more, a few rows at a time.

use sklad_store::{Sql, SqlError, Statement};

/// How long the journal is kept, in milliseconds: a year and a bit, so that a year can be looked back on.
pub const JOURNAL_MS: i64 = 400 * 24 * 60 * 60 * 1000;
/// How long handled webhooks and delivered messages are kept, in milliseconds: longer than any vendor
/// repeats a call.
pub const DONE_MS: i64 = 7 * 24 * 60 * 60 * 1000;
/// How long what failed too often is kept, in milliseconds.
pub const DEAD_MS: i64 = 90 * 24 * 60 * 60 * 1000;

/// Deletes at most a few hundred rows of a tenant that are too old; whether there may be more.
///
/// # Errors
/// The database's.
pub async fn sweep(sql: &impl Sql, tenant: &str, now: i64) -> Result<bool, SqlError> {
    let before = |sql: &'static str, age: i64| Statement::new(sql).bind(tenant).bind(now - age);
    let batch = vec![
        Statement::new(
            "DELETE FROM journal WHERE tenant = ?1 AND id IN (SELECT id FROM journal NOT INDEXED \
             WHERE tenant = ?1 AND id < ?2 ORDER BY id LIMIT 200) RETURNING 1",
        )
        .bind(tenant)
        .bind(format!("{:012x}", (now - JOURNAL_MS).max(0))),
        before(
            "DELETE FROM inbox WHERE (tenant, source, dedupe) IN (SELECT tenant, source, dedupe FROM inbox \
             INDEXED BY inbox_over WHERE tenant = ?1 AND state <> 'due' AND state = 'done' AND received_at < ?2 \
             ORDER BY received_at LIMIT 200) RETURNING 1",
            DONE_MS,
        ),
        before(
            "DELETE FROM inbox WHERE (tenant, source, dedupe) IN (SELECT tenant, source, dedupe FROM inbox \
             INDEXED BY inbox_over WHERE tenant = ?1 AND state <> 'due' AND received_at < ?2 \
             ORDER BY received_at LIMIT 200) RETURNING 1",
            DEAD_MS,
        ),
        before(
            "DELETE FROM outbox WHERE (tenant, id) IN (SELECT tenant, id FROM outbox INDEXED BY outbox_over \
             WHERE tenant = ?1 AND state <> 'due' AND state = 'sent' AND created_at < ?2 \
             ORDER BY created_at LIMIT 200) RETURNING 1",
            DONE_MS,
        ),
        before(
            "DELETE FROM outbox WHERE (tenant, id) IN (SELECT tenant, id FROM outbox INDEXED BY outbox_over \
             WHERE tenant = ?1 AND state <> 'due' AND created_at < ?2 ORDER BY created_at LIMIT 200) RETURNING 1",
            DEAD_MS,
        ),
        // What is of no use any more may hold a code.
        before(
            "UPDATE outbox INDEXED BY outbox_dead SET payload = '' \
             WHERE tenant = ?1 AND state = 'dead' AND expires_at <= ?2 AND payload <> ''",
            0,
        ),
    ];
    let gone = sql.atomic(batch).await?;
    Ok(gone.iter().any(|rows| rows.len() >= 200))
}
