//! What failed too often and stands still: jobs, webhooks, messages to others. A person can try it again.

use serde::Serialize;
use sklad_store::{Row, Sql, SqlError, Statement};

use crate::job;

/// Something that stands still.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "DeadLetter")
)]
pub struct Dead {
    /// Имя: job:…, inbox:… или outbox:….
    pub id: String,
    /// job – задание, inbox – уведомление, которое пришло, outbox – сообщение, которое не ушло.
    pub kind: String,
    /// О чём: вид задания, объект уведомления, канал сообщения.
    pub object: String,
    /// Последняя ошибка.
    pub error: String,
    /// Попыток.
    pub attempts: i64,
    /// Когда появилось, миллисекунды с 1970 года (UTC).
    pub created_at: i64,
}

/// Where a list goes on: behind this [`Dead::id`].
pub type After<'a> = Option<&'a str>;

/// What the kinds are called, in the order in which they are listed.
const JOB: &str = "job";
const INBOX: &str = "inbox";
const OUTBOX: &str = "outbox";

/// What stands still of a tenant's: jobs, then the inbox, then the outbox; at most `limit`.
///
/// # Errors
/// The database's.
pub async fn list(
    sql: &impl Sql,
    tenant: &str,
    after: After<'_>,
    limit: usize,
) -> Result<Vec<Dead>, SqlError> {
    let (from, key) = after.and_then(|id| id.split_once(':')).unwrap_or((JOB, ""));
    let begin = [JOB, INBOX, OUTBOX].iter().position(|kind| *kind == from);
    let mut all = Vec::new();
    for (n, kind) in [JOB, INBOX, OUTBOX].into_iter().enumerate() {
        if begin.is_none_or(|begin| n < begin) || all.len() >= limit {
            continue;
        }
        let key = if kind == from { key } else { "" };
        let rest = i64::try_from(limit - all.len()).unwrap_or(i64::MAX);
        let rows = sql.query(page(kind, tenant, key, rest)).await?;
        all.extend(rows.iter().map(|row| dead(kind, row)));
    }
    Ok(all)
}

fn page(kind: &str, tenant: &str, key: &str, limit: i64) -> Statement {
    let (first, second) = key.split_once(':').unwrap_or((key, ""));
    let statement = match kind {
        JOB => Statement::new(
            "SELECT kind, subject, kind, last_text, attempts, created_at FROM jobs \
             WHERE tenant = ?1 AND (kind, subject) > (?2, ?3) AND state = 'dead' ORDER BY kind, subject LIMIT ?4",
        ),
        INBOX => Statement::new(
            "SELECT source, dedupe, object, last_error, attempts, received_at FROM inbox INDEXED BY inbox_dead \
             WHERE tenant = ?1 AND (source, dedupe) > (?2, ?3) AND state = 'dead' ORDER BY source, dedupe LIMIT ?4",
        ),
        _ => Statement::new(
            "SELECT id, '', channel, last_error, attempts, created_at FROM outbox INDEXED BY outbox_dead \
             WHERE tenant = ?1 AND id > ?2 AND ?3 = '' AND state = 'dead' ORDER BY id LIMIT ?4",
        ),
    };
    statement.bind(tenant).bind(first).bind(second).bind(limit)
}

fn dead(kind: &str, row: &Row) -> Dead {
    Dead {
        id: format!("{kind}:{}", job::id(&row.string(0), &row.string(1))),
        kind: kind.to_owned(),
        object: row.string(2),
        error: row.string(3),
        attempts: row.int(4).unwrap_or_default(),
        created_at: row.int(5).unwrap_or_default(),
    }
}

/// The statement that lets it be tried again, as if it had not failed; a conflict when nothing of this name
/// stands still, or when it is a message that is of no use any more. `None` for what is no name.
#[must_use]
pub fn replay(tenant: &str, id: &str, now: i64) -> Option<Statement> {
    let (kind, key) = id.split_once(':')?;
    let (first, second) = key.split_once(':').unwrap_or((key, ""));
    let statement = match kind {
        JOB => Statement::new(
            "UPDATE jobs SET state = 'waiting', attempts = 0, next_at = ?4, updated_at = ?4 \
             WHERE tenant = ?1 AND kind = ?2 AND subject = ?3 AND state = 'dead' RETURNING 1",
        ),
        // It is as young as one that came now.
        INBOX => Statement::new(
            "UPDATE inbox SET state = 'due', owner = '', attempts = 0, next_at = ?4, received_at = ?4 \
             WHERE tenant = ?1 AND source = ?2 AND dedupe = ?3 AND state = 'dead' RETURNING 1",
        ),
        OUTBOX => Statement::new(
            "UPDATE outbox SET state = 'due', attempts = 0, next_at = ?4 \
             WHERE tenant = ?1 AND id = ?2 AND ?3 = '' AND state = 'dead' AND expires_at > ?4 \
             AND payload <> '' RETURNING 1",
        ),
        _ => return None,
    };
    let statement = statement.bind(tenant).bind(first).bind(second).bind(now);
    Some(statement.expect_rows(1))
}
