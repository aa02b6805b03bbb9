//! The port of every importer: what a source says about goods becomes the statements that store it.
//!
//! [`plan`] reads what is stored of a batch in one statement, merges in memory and answers statements
//! that write only what differs. The caller adds its own (how far it has come) and runs all as one
//! [`Sql::atomic`]. Each row names the version that was read: somebody else's change in between is
//! [`sklad_store::SqlError::Conflict`], and the caller plans again.
//!
//! A good that the source calls by two ids, which belong to two goods so far – one came from
//! CommerceML, the other by МойСклад's UUID – becomes one: the older stays, and all ids lead to it.

mod change;
mod linked;
mod merge;
mod missing;
mod reading;
pub(crate) mod record;
#[cfg(test)]
mod tests;
mod told;
mod wanted;
mod work;
mod write;

use sklad_store::{Sql, Statement};

use crate::Error;

pub use change::{Change, Keys, Kind, Price, Section, Stock};
pub use linked::{
    Alike, Called, Match, Strays, called, forget_aliases, matching, of_connection, strays,
    strays_among, unlike,
};
pub use missing::{
    Had, Missing, PORTION, Scope, Whose, absent, archive, archive_gone, clear_had, clear_seen,
    examples, mark_missing, missing, seen, seen_ids,
};
pub use told::Side;
pub use wanted::Wanted;

/// The most changes of one plan.
pub const MAX_CHANGES: usize = 5000;
/// The longest description that is kept, in characters.
pub const MAX_DESCRIPTION_CHARS: usize = 100_000;
/// The most pictures of one good.
pub const MAX_PICTURES: usize = 100;

/// What the tenant's settings say about an import.
#[derive(Debug, Clone, Copy, Default)]
pub struct Options<'a> {
    /// The import's name in `source` of what it makes, as `cml`.
    pub source: Option<&'a str>,
    /// With what ids of price types and stores of a connection begin ([`of_connection`]), where it is one
    /// that imports: its lists are about these alone. Without it they are about all that are of none.
    pub own: Option<&'a str>,
    /// The price type whose price is the good's price; without it the only one is.
    pub price_type: Option<&'a str>,
    /// The price type whose price is the lowest that a discount leaves.
    pub min_price_type: Option<&'a str>,
    /// Which price types are kept; without it all are.
    pub price_types: Option<&'a Wanted>,
    /// Which stores are kept and counted, likewise.
    pub stores: Option<&'a Wanted>,
}

/// What a plan does, in goods (skipped ones in changes). Every good counts once.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// New ones.
    pub created: usize,
    /// Known ones that differ now.
    pub changed: usize,
    /// Known ones that stay as they are.
    pub unchanged: usize,
    /// Changes of goods that are not known and may not be made, or whose product is not known.
    pub skipped_unknown: usize,
    /// Archived because the source deleted them.
    pub deleted: usize,
    /// Back from there.
    pub restored: usize,
}

/// What was refused or cut.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Warning {
    /// The change's number in the batch.
    pub index: usize,
    /// Its external id, if it has one.
    pub external: Option<String>,
    /// Whether nothing of the change was taken.
    pub refused: bool,
    /// What is wrong, in Russian.
    pub text: String,
}

/// The statements that store a batch, and what they do.
#[derive(Debug, Clone, Default)]
pub struct Plan {
    /// To be run as one batch; empty when nothing differs.
    pub statements: Vec<Statement>,
    /// How many of what.
    pub counts: Counts,
    /// What the merchant is told.
    pub warnings: Vec<Warning>,
    /// The good of each change: `None` where it was skipped or refused.
    pub goods: Vec<Option<String>>,
}

/// Plans up to [`MAX_CHANGES`] changes, applied in their order; `ids` makes ids of new goods that
/// grow (see [`crate::ids::sequence`]). Writes nothing.
///
/// # Errors
/// [`Error::Invalid`] for too large a batch, or the database's. A single change that cannot be taken
/// is no error but a [`Warning`].
pub async fn plan(
    sql: &impl Sql,
    tenant: &str,
    changes: &[Change],
    options: &Options<'_>,
    ids: &mut impl FnMut() -> String,
    now_ms: i64,
) -> Result<Plan, Error> {
    if changes.len() > MAX_CHANGES {
        return Err(Error::invalid("", "не больше 5000 изменений за раз"));
    }
    let again = work::said_again(sql, tenant, changes, options).await?;
    let all = changes.iter().enumerate();
    let new: Vec<(usize, &Change)> = all.filter(|(index, _)| !again.is(*index)).collect();
    let rows = match new.is_empty() {
        true => Vec::new(),
        false => {
            let changes = new.iter().map(|(_, change)| *change);
            sql.query(reading::of(tenant, changes)).await?
        }
    };
    let mut work = work::Work::new(rows, again);
    for (index, change) in new {
        work.take(index, change, options, ids);
    }
    // Their variants that nobody has named are called after them.
    if let Some(variants) = work.variants_of_renamed(tenant) {
        work.add(sql.query(variants).await?);
    }
    Ok(write::plan(tenant, work, now_ms))
}

/// The external ids of the goods that have each of these articles or barcodes (kind and value), of goods
/// that are not archived and not a connection's.
///
/// # Errors
/// The database's.
pub async fn known_by(
    sql: &impl Sql,
    tenant: &str,
    terms: &[(&str, String)],
) -> Result<Vec<Vec<String>>, Error> {
    let mut found = vec![Vec::new(); terms.len()];
    for row in sql.query(reading::by_terms(tenant, terms)).await? {
        let at = row.int(0).and_then(|at| usize::try_from(at).ok());
        if let Some(ids) = at.and_then(|at| found.get_mut(at)) {
            ids.extend(
                row.text(1)
                    .filter(|id| !of_connection(id))
                    .map(str::to_owned),
            );
        }
    }
    Ok(found)
}

/// The most goods of one plan of [`choose`].
pub const CHOSEN: i64 = 250;

/// Plans to make prices and stock anew of what is stored of `source` and of nobody, after the good `after`, as `options`
/// say now; answers also the last good that it looked at, `None` at the end. Counts what changes.
///
/// # Errors
/// The database's.
pub async fn choose(
    sql: &impl Sql,
    tenant: &str,
    source: &str,
    after: &str,
    options: &Options<'_>,
    now_ms: i64,
) -> Result<(Plan, Option<String>), Error> {
    let rows = sql.query(reading::page(tenant, source, after)).await?;
    let last = rows.last().map(|row| row.string(0));
    let mut work = work::Work::new(rows, work::Again::default());
    work.choose(options);
    Ok((write::plan(tenant, work, now_ms), last))
}
