//! The journal: one row for every call that changed something or failed.
//!
//! A row is written in the same batch as the change it tells of ([`Record::statement`]), so that
//! there is no change without a row and no row without its change.

use serde::Serialize;
use sklad_store::{Row, Sql, SqlError, Statement};

/// The longest text of a row, in characters; more is cut.
const TEXT_MAX: usize = 500;
/// The longest object of a row, in characters; more is cut.
const OBJECT_MAX: usize = 200;
/// The most rows that one page holds.
pub const PAGE_MAX: usize = 500;

/// Who began it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Direction {
    /// A vendor called us.
    In,
    /// We called a vendor.
    Out,
    /// The operator or a merchant's employee, by the API.
    Operator,
}

impl Direction {
    /// The word in the database and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::In => "in",
            Self::Out => "out",
            Self::Operator => "operator",
        }
    }
}

/// How it ended.
#[derive(Default, Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Done.
    #[default]
    Ok,
    /// Done, and somebody should look at it.
    Warning,
    /// Came again and had no second effect.
    Repeated,
    /// Not done.
    Error,
}

impl Outcome {
    /// The word in the database and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Repeated => "repeated",
            Self::Error => "error",
        }
    }
}

/// Everything that an action can be called: what can be asked for.
pub const ACTIONS: &[&str] = &[
    "sale",
    "return",
    "customer",
    "merge",
    "adjust",
    "code",
    "outbox",
    "gift",
    "goods",
    "categories",
    "order",
    "settings",
    "key",
    "tenant",
    "employee",
    "group",
    "exchange",
    "company",
    "connection",
    "call",
    "job",
    "webhook",
];

/// Every [`Outcome`], in the words of the API.
pub const OUTCOMES: &[&str] = &["ok", "warning", "repeated", "error"];

/// One row to be written. Personal data goes through [`crate::mask`] first.
#[derive(Clone, Debug)]
pub struct Record {
    /// Who began it.
    pub direction: Direction,
    /// What: one of [`ACTIONS`].
    pub action: &'static str,
    /// The document or thing concerned, by its id or number.
    pub object: String,
    /// The customer's id.
    pub customer: Option<String>,
    /// How it ended.
    pub outcome: Outcome,
    /// A sentence in Russian.
    pub text: String,
    /// The numbers, as JSON.
    pub detail: Option<serde_json::Value>,
}

impl Record {
    /// The statement that writes this row.
    #[must_use]
    pub fn statement(&self, tenant: &str, now_ms: i64) -> Statement {
        let statement = Statement::new(
            "INSERT INTO journal (tenant, id, at, direction, action, object, customer, outcome, text, detail) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
        );
        self.bound(statement, tenant, now_ms)
    }

    /// The same where `condition` holds, which is SQL and may use parameters from `?11` on (and `?1`, the
    /// tenant): the caller binds them.
    #[must_use]
    pub fn statement_if(&self, tenant: &str, now_ms: i64, condition: &'static str) -> Statement {
        let statement = Statement::new(format!(
            "INSERT INTO journal (tenant, id, at, direction, action, object, customer, outcome, text, detail) \
             SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10 WHERE {condition}"
        ));
        self.bound(statement, tenant, now_ms)
    }

    /// The same unless the journal's last rows of this outcome have it already: what is found anew each night
    /// is told once. For outcomes that are not [`Outcome::Ok`].
    #[must_use]
    pub fn statement_once(&self, tenant: &str, now_ms: i64) -> Statement {
        const NEW: &str = "NOT EXISTS (SELECT 1 FROM (\
             SELECT object, text FROM journal INDEXED BY journal_to_look_at \
             WHERE tenant = ?1 AND outcome = ?8 AND outcome <> 'ok' ORDER BY id DESC LIMIT 200) j \
             WHERE j.object = ?6 AND j.text = ?9)";
        self.statement_if(tenant, now_ms, NEW)
    }

    fn bound(&self, statement: Statement, tenant: &str, now_ms: i64) -> Statement {
        debug_assert!(ACTIONS.contains(&self.action), "{}", self.action);
        statement
            .bind(tenant)
            .bind(row_id(now_ms))
            .bind(now_ms)
            .bind(self.direction.as_str())
            .bind(self.action)
            .bind(printable(&self.object, OBJECT_MAX))
            .bind(self.customer.clone())
            .bind(self.outcome.as_str())
            .bind(printable(&self.text, TEXT_MAX))
            .bind(self.detail.as_ref().map(ToString::to_string))
    }
}

/// A text without what a till may have put into a number or name: control characters, and length.
fn printable(text: &str, most: usize) -> String {
    let shown = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    shown.take(most).collect()
}

/// An id that sorts by time: 12 hexadecimal digits of milliseconds, then 8 random ones.
fn row_id(now_ms: i64) -> String {
    let mut random = [0u8; 4];
    // Without randomness two rows of one millisecond could collide; the batch then conflicts and
    // is tried again, which is no worse than refusing here.
    let _ = getrandom::fill(&mut random);
    format!("{now_ms:012x}{:08x}", u32::from_be_bytes(random))
}

/// One row as it is read.
#[derive(Clone, Debug, Serialize)]
pub struct Line {
    /// Sorts by time; also the cursor of the page after this row.
    pub id: String,
    /// Milliseconds since 1970 UTC.
    pub at: i64,
    /// `in`, `out` or `operator`.
    pub direction: String,
    /// What was done.
    pub action: String,
    /// The document or thing concerned.
    pub object: String,
    /// The customer's id.
    pub customer: Option<String>,
    /// `ok`, `warning`, `repeated` or `error`.
    pub outcome: String,
    /// A sentence in Russian.
    pub text: String,
    /// The numbers.
    pub detail: Option<serde_json::Value>,
}

/// Which rows to read; an absent condition is no condition.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only rows of this action.
    pub action: Option<String>,
    /// Only rows with this outcome.
    pub outcome: Option<String>,
    /// Only rows of this customer.
    pub customer: Option<String>,
    /// Only rows older than the row with this id.
    pub before: Option<String>,
}

/// The newest rows first, at most `limit` (and never more than [`PAGE_MAX`]).
///
/// # Errors
/// The database's.
pub async fn list(
    sql: &impl Sql,
    tenant: &str,
    filter: Filter,
    limit: usize,
) -> Result<Vec<Line>, SqlError> {
    let limit = i64::try_from(limit.min(PAGE_MAX)).unwrap_or_default();
    let rows = sql.query(page(tenant, filter, limit)).await?;
    Ok(rows.iter().map(line).collect())
}

/// The statement of a page. A condition that few rows meet has an index of its own, which only a
/// statement with that very condition can use: otherwise the page of a customer who was here once
/// would be looked for in the whole journal.
fn page(tenant: &str, filter: Filter, limit: i64) -> Statement {
    let to_look_at = filter.outcome.as_deref().is_some_and(|o| o != "ok");
    let (index, narrow) = if filter.customer.is_some() {
        ("INDEXED BY journal_of", "customer = ?5")
    } else if to_look_at {
        (
            "INDEXED BY journal_to_look_at",
            "outcome <> 'ok' AND outcome = ?4",
        )
    } else {
        ("NOT INDEXED", "?5 IS NULL")
    };
    Statement::new(format!(
        "SELECT id, at, direction, action, object, customer, outcome, text, detail \
         FROM journal {index} WHERE tenant = ?1 AND id < ?2 AND {narrow} \
         AND (?3 IS NULL OR action = ?3) AND (?4 IS NULL OR outcome = ?4) \
         ORDER BY id DESC LIMIT ?6"
    ))
    .bind(tenant)
    .bind(filter.before.unwrap_or_else(|| "~".to_owned()))
    .bind(filter.action)
    .bind(filter.outcome)
    .bind(filter.customer)
    .bind(limit)
}

fn line(row: &Row) -> Line {
    Line {
        id: row.string(0),
        at: row.int(1).unwrap_or_default(),
        direction: row.string(2),
        action: row.string(3),
        object: row.string(4),
        customer: row.text(5).map(str::to_owned),
        outcome: row.string(6),
        text: row.string(7),
        detail: row.text(8).and_then(|t| serde_json::from_str(t).ok()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use futures::executor::block_on;
    use sklad_store::native::NativeSql;

    fn record(n: i64) -> Record {
        Record {
            direction: Direction::In,
            action: "sale",
            object: n.to_string(),
            customer: None,
            outcome: Outcome::Ok,
            text: "Продажа".to_owned(),
            detail: None,
        }
    }

    #[test]
    fn pages_are_newest_first_and_complete_and_of_one_tenant() {
        let dir = tempfile::tempdir().unwrap();
        let sql = NativeSql::open(&dir.path().join("db")).unwrap();
        let batch = (0..7).map(|n| record(n).statement("a", 1000 + n)).collect();
        block_on(sql.atomic(batch)).unwrap();
        block_on(sql.atomic(vec![record(99).statement("b", 1)])).unwrap();
        let mut seen = Vec::new();
        let mut before = None;
        loop {
            let filter = Filter {
                before: before.clone(),
                ..Filter::default()
            };
            let page = block_on(list(&sql, "a", filter, 3)).unwrap();
            let Some(last) = page.last() else { break };
            before = Some(last.id.clone());
            seen.extend(page.into_iter().map(|l| l.object));
        }
        assert_eq!(seen, ["6", "5", "4", "3", "2", "1", "0"]);
    }

    #[test]
    fn every_outcome_can_be_asked_for() {
        let all = [
            Outcome::Ok,
            Outcome::Warning,
            Outcome::Repeated,
            Outcome::Error,
        ];
        assert_eq!(all.map(Outcome::as_str), OUTCOMES);
    }

    #[test]
    fn a_page_reads_no_more_than_its_rows_in_their_order() {
        let dir = tempfile::tempdir().unwrap();
        let sql = NativeSql::open(&dir.path().join("db")).unwrap();
        let filter = |customer: Option<&str>, outcome: Option<&str>| Filter {
            customer: customer.map(str::to_owned),
            outcome: outcome.map(str::to_owned),
            ..Filter::default()
        };
        for (filter, reads) in [
            (filter(None, None), "PRIMARY KEY (tenant=? AND id<?)"),
            (filter(None, Some("ok")), "PRIMARY KEY (tenant=? AND id<?)"),
            (
                filter(None, Some("warning")),
                "journal_to_look_at (tenant=? AND outcome=? AND id<?)",
            ),
            (
                filter(Some("c"), None),
                "journal_of (tenant=? AND customer=? AND id<?)",
            ),
            (
                filter(Some("c"), Some("error")),
                "journal_of (tenant=? AND customer=? AND id<?)",
            ),
        ] {
            let page = page("a", filter, 10);
            let explain = Statement::new(format!("EXPLAIN QUERY PLAN {}", page.sql()));
            let explain = page.params().iter().cloned().fold(explain, Statement::bind);
            let plan = block_on(sql.query(explain)).unwrap();
            let steps: Vec<_> = plan.iter().map(|row| row.string(3)).collect();
            assert!(
                steps.len() == 1 && steps[0].contains(reads),
                "{steps:?}: {}",
                page.sql()
            );
        }
    }
}
