//! The schema as numbered steps, applied at first use.
//!
//! A released migration is never edited: a change is a new file. `PRAGMA user_version` holds the
//! number of the last one applied.

/// The statements of each file of `migrations/` in their order, see `build.rs`.
const FILES: &[&[&str]] = &include!(concat!(env!("OUT_DIR"), "/migrations.rs"));

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
    let files = FILES.iter().skip(done);
    let mut steps: Vec<String> = files
        .flat_map(|f| f.iter().map(ToString::to_string))
        .collect();
    if !steps.is_empty() {
        steps.push(format!("PRAGMA user_version = {}", latest()));
    }
    steps
}
