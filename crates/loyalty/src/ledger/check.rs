//! Reading the ledger, and recomputing balances from it.

use serde::Serialize;
use sklad_store::{Row, Sql, SqlError, Statement};

/// A customer whose stored balance is not what the entries or the lots give.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Difference {
    /// The customer's id.
    pub customer: String,
    /// The balance as stored.
    pub balance: i64,
    /// The sum of the entries.
    pub entries: i64,
    /// What remains in the lots, less the overdraft.
    pub lots: i64,
}

/// Recomputes up to `limit` customers from the one after `after`. Answers the differences, how many
/// were looked at, and the id to go on after, when there are more.
///
/// # Errors
/// The database's.
pub async fn check(
    sql: &impl Sql,
    tenant: &str,
    after: &str,
    limit: usize,
) -> Result<(Vec<Difference>, usize, Option<String>), SqlError> {
    let statement = Statement::new(
        "SELECT c.id, c.balance, \
         (SELECT coalesce(sum(points), 0) FROM entries INDEXED BY entries_of WHERE tenant = ?1 AND customer = c.id), \
         (SELECT coalesce(sum(remaining), 0) FROM lots WHERE tenant = ?1 AND customer = c.id) - c.debt \
         FROM customers c WHERE c.tenant = ?1 AND c.id > ?2 ORDER BY c.id LIMIT ?3",
    )
    .bind(tenant)
    .bind(after)
    .bind(i64::try_from(limit).unwrap_or_default());
    let rows = sql.query(statement).await?;
    let next = (rows.len() == limit)
        .then(|| rows.last().map(|row| row.string(0)))
        .flatten();
    let int = |row: &Row, i: usize| row.int(i).unwrap_or_default();
    let differences = (rows.iter())
        .map(|row| Difference {
            customer: row.string(0),
            balance: int(row, 1),
            entries: int(row, 2),
            lots: int(row, 3),
        })
        .filter(|d| d.balance != d.entries || d.balance != d.lots)
        .collect();
    Ok((differences, rows.len(), next))
}

/// An entry of the ledger as the API shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Entries {
    /// `earn`, `spend`, `restore`, `clawback`, `expire`, `adjust`, `welcome`, `birthday`, `merge`.
    pub kind: String,
    /// What caused it; unique together with the kind.
    pub key: String,
    /// Milliseconds since 1970 UTC.
    pub at: i64,
    /// Points added (or, negative, taken).
    pub points: i64,
    /// The balance after it.
    pub balance: i64,
    /// The sale or return.
    pub document: Option<String>,
    /// Why, for entries that a person made.
    pub reason: Option<String>,
}

/// The newest entries of a customer first: those before the entry at `before` (its time, kind and
/// key), at most `limit`. Those of one millisecond come in the order of [`newest_first`].
///
/// # Errors
/// The database's.
pub async fn entries(
    sql: &impl Sql,
    tenant: &str,
    customer: &str,
    before: Option<(i64, String, String)>,
    limit: usize,
) -> Result<Vec<Entries>, SqlError> {
    let (at, kind, key) = before.unwrap_or((i64::MAX, String::new(), String::new()));
    // Whole milliseconds: of a part the order could not be told.
    let statement = Statement::new(
        "SELECT kind, key, at, points, balance, document, reason FROM entries INDEXED BY entries_of \
         WHERE tenant = ?1 AND customer = ?2 AND at <= ?3 AND at >= coalesce( \
           (SELECT min(at) FROM (SELECT at FROM entries INDEXED BY entries_of \
             WHERE tenant = ?1 AND customer = ?2 AND at < ?3 ORDER BY at DESC LIMIT ?4)), ?3) \
         ORDER BY at DESC, kind, key",
    )
    .bind(tenant)
    .bind(customer)
    .bind(at)
    .bind(i64::try_from(limit).unwrap_or_default());
    let rows = sql.query(statement).await?;
    let entries: Vec<Entries> = rows.iter().map(entry).collect();
    let ordered = entries.chunk_by(|a, b| a.at == b.at).flat_map(newest_first);
    let mut ordered: Vec<Entries> = ordered.collect();
    let last = ordered
        .iter()
        .position(|e| e.at == at && e.kind == kind && e.key == key);
    ordered.drain(..last.map_or(0, |last| last + 1));
    ordered.truncate(limit);
    Ok(ordered)
}

fn entry(row: &Row) -> Entries {
    Entries {
        kind: row.string(0),
        key: row.string(1),
        at: row.int(2).unwrap_or_default(),
        points: row.int(3).unwrap_or_default(),
        balance: row.int(4).unwrap_or_default(),
        document: row.text(5).map(str::to_owned),
        reason: row.text(6).map(str::to_owned),
    }
}

/// The kinds of entries in the order in which one operation makes them.
const MADE: [&str; 9] = [
    "expire", "welcome", "birthday", "restore", "spend", "earn", "clawback", "adjust", "merge",
];

/// The entries of one millisecond, the newest first. No row says which was written first, but their
/// balances hang together: what an entry began with is what the one before it left. Where that leaves
/// a choice, an operation's own entries stay together, in the order in which it makes them.
fn newest_first(entries: &[Entries]) -> Vec<Entries> {
    let began = |e: &Entries| e.balance.saturating_sub(e.points);
    let mut rest: Vec<&Entries> = entries.iter().collect();
    let mut ordered: Vec<Entries> = Vec::with_capacity(rest.len());
    // The newest left a balance with which none began.
    let left = |balance: i64| rest.iter().filter(|e| e.balance == balance).count();
    let taken_up = |balance: i64| rest.iter().filter(|e| began(e) == balance).count();
    let mut balances = rest.iter().map(|e| e.balance);
    let mut balance = balances.find(|b| left(*b) > taken_up(*b));
    while !rest.is_empty() {
        let document = ordered.last().and_then(|e| e.document.clone());
        let weight = |e: &&Entries| {
            let made = MADE.iter().position(|kind| *kind == e.kind);
            let together = document.is_some() && e.document == document;
            (
                Some(e.balance) == balance,
                together,
                made,
                e.key.len(),
                e.key.clone(),
            )
        };
        let Some(n) = (0..rest.len()).max_by_key(|n| rest.get(*n).map(weight)) else {
            break;
        };
        let next = rest.remove(n);
        balance = Some(began(next));
        ordered.push(next.clone());
    }
    ordered
}
