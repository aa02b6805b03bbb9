//! Pages of lists (§3): bare arrays, by page or from the last change on.

use crate::message::{Ask, Problem};
use crate::state::{Row, Table};
use crate::time::parse;

/// How many rows a page has where nobody says.
const DEFAULT: u64 = 25;
/// The fewest and the most; others are refused.
const BOUNDS: std::ops::RangeInclusive<u64> = 10..=250;

/// Which of the things in the trash are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Trash {
    Without,
    With,
    Only,
}

/// What of a list is asked for.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    page: usize,
    rows: usize,
    /// In milliseconds.
    since_ms: Option<i64>,
    from_id: u64,
    trash: Trash,
}

impl Page {
    /// What the parameters ask for.
    pub(crate) fn of(ask: &Ask) -> Result<Self, Problem> {
        let number = |name: &str, default: u64| match ask.param(name) {
            None => Ok(default),
            Some(text) => text
                .parse::<u64>()
                .map_err(|_| Problem::field(name, "is not a number")),
        };
        let (page, rows) = (number("page", 1)?, number("per_page", DEFAULT)?);
        if page == 0 {
            return Err(Problem::field("page", "have to be greater or equal 1"));
        }
        if !BOUNDS.contains(&rows) {
            let text = "Per page param have to be greater or equal 10 and less or equal 250";
            return Err(Problem::field("per_page", text));
        }
        let since_ms = match ask.param("updated_since") {
            None | Some("") => None,
            Some(text) => {
                let at = parse(text);
                Some(at.ok_or_else(|| Problem::malformed("updated_since: invalid date"))?)
            }
        };
        let trash = match (ask.flag("with_deleted"), ask.flag("deleted")) {
            (true, _) => Trash::With,
            (false, true) => Trash::Only,
            (false, false) => Trash::Without,
        };
        Ok(Self {
            page: usize::try_from(page).unwrap_or(usize::MAX),
            rows: usize::try_from(rows).unwrap_or(0),
            since_ms,
            // It means nothing by itself.
            from_id: ask
                .param("from_id")
                .and_then(|id| id.parse().ok())
                .unwrap_or(0),
            trash,
        })
    }

    /// The ids of this page. Without `updated_since` the list is by id, the last first if `newest_first`.
    pub(crate) fn ids<T>(
        &self,
        table: &Table<T>,
        newest_first: bool,
        wanted: impl Fn(u64, &Row<T>) -> bool,
    ) -> Vec<u64> {
        let skipped = (self.page - 1).saturating_mul(self.rows);
        let all = self.all(table, newest_first, wanted);
        all.skip(skipped).take(self.rows).collect()
    }

    /// The same of what has no changes of its own.
    pub(crate) fn of_slice<'a, T>(&self, all: &'a [T]) -> &'a [T] {
        let from = (self.page - 1).saturating_mul(self.rows).min(all.len());
        let until = from.saturating_add(self.rows).min(all.len());
        all.get(from..until).unwrap_or_default()
    }

    /// How many there are on all pages.
    pub(crate) fn count<T>(
        &self,
        table: &Table<T>,
        wanted: impl Fn(u64, &Row<T>) -> bool,
    ) -> usize {
        self.all(table, false, wanted).count()
    }

    fn all<'a, T>(
        &self,
        table: &'a Table<T>,
        newest_first: bool,
        wanted: impl Fn(u64, &Row<T>) -> bool + 'a,
    ) -> Box<dyn Iterator<Item = u64> + 'a> {
        let (trash, from_id) = (self.trash, self.from_id);
        let fits = move |id: &u64| {
            table.get(*id).is_some_and(|row| {
                let placed = match trash {
                    Trash::With => true,
                    Trash::Only => row.archived,
                    Trash::Without => !row.archived,
                };
                placed && wanted(*id, row)
            })
        };
        match self.since_ms {
            Some(since_ms) => {
                let from = since_ms.div_euclid(1000) + i64::from(since_ms.rem_euclid(1000) > 0);
                let after = move |(at, id): &(i64, u64)| *at * 1000 != since_ms || *id > from_id;
                Box::new(
                    table
                        .since(from)
                        .filter(after)
                        .map(|(_, id)| id)
                        .filter(fits),
                )
            }
            None if newest_first => Box::new(table.rows.keys().rev().copied().filter(fits)),
            None => Box::new(table.rows.keys().copied().filter(fits)),
        }
    }
}
