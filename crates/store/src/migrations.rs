//! The schema as numbered steps, applied at first use.
//!
//! A released migration is never edited: a change is a new file. `PRAGMA user_version` holds the
//! number of the last one applied.

/// One migration file and its number, in order.
const FILES: &[&str] = &[
    include_str!("../migrations/0001_loyalty.sql"),
    include_str!("../migrations/0002_journal.sql"),
    include_str!("../migrations/0003_employees.sql"),
    include_str!("../migrations/0004_exchange.sql"),
    include_str!("../migrations/0005_orders.sql"),
    include_str!("../migrations/0006_jobs.sql"),
    include_str!("../migrations/0007_moysklad.sql"),
    include_str!("../migrations/0008_moysklad_sync.sql"),
    include_str!("../migrations/0009_moysklad_webhooks.sql"),
];

/// The version of the schema that this build works with.
#[must_use]
pub fn latest() -> i64 {
    i64::try_from(FILES.len()).unwrap_or(i64::MAX)
}

/// The statements that bring a database from `version` to [`latest`], to be run in one
/// transaction. Empty when nothing is to be done, also for a database that is newer than this build
/// (a rolled-back deployment goes on working: migrations only add).
#[must_use]
pub fn from(version: i64) -> Vec<String> {
    let done = usize::try_from(version).unwrap_or(0);
    let mut steps: Vec<String> = FILES
        .iter()
        .skip(done)
        .flat_map(|file| statements(file))
        .collect();
    if !steps.is_empty() {
        steps.push(format!("PRAGMA user_version = {}", latest()));
    }
    steps
}

/// Splits a migration file at the lines that hold only `-- step`: a semicolon is no separator,
/// since triggers contain some.
fn statements(file: &str) -> impl Iterator<Item = String> + '_ {
    file.split("\n-- step\n")
        .map(str::trim)
        .filter(|s| {
            s.lines()
                .any(|l| !l.trim().is_empty() && !l.trim_start().starts_with("--"))
        })
        .map(str::to_owned)
}
