//! How far a run is: pure.

use serde::{Deserialize, Serialize};

use super::{OVERLAP_MS, Progress};
use crate::api::page;

/// What a run brings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Everything; what is missing is archived.
    #[default]
    Full,
    /// What has changed since the last run.
    Changes,
}

/// What a run is at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Price types, currencies, units, stores, points of sale, folders.
    #[default]
    References,
    /// Products.
    Products,
    /// Services.
    Services,
    /// Bundles.
    Bundles,
    /// Variants: behind the products whose they are.
    Variants,
    /// What МойСклад does not have any more.
    Missing,
    /// Stock.
    Stock,
    /// Counterparties.
    Customers,
    /// Files of pictures.
    Images,
    /// The run has come to its end.
    End,
}

/// The lists of goods, in the order in which they come.
pub const LISTS: [Phase; 4] = [
    Phase::Products,
    Phase::Services,
    Phase::Bundles,
    Phase::Variants,
];

/// What a run has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// New goods.
    pub created: u64,
    /// Changed goods.
    pub changed: u64,
    /// Goods that stay as they are; one on two pages counts twice.
    pub unchanged: u64,
    /// Passed over: variants of unknown products, rows without an id.
    pub skipped: u64,
    /// Put into the archive.
    pub archived: u64,
    /// Changed folders, stores, price types and the like.
    pub references: u64,
    /// Goods whose stock was read.
    pub stock: u64,
    /// New and changed customers.
    pub customers: u64,
    /// Fetched pictures.
    pub images: u64,
    /// Doubtful places.
    pub warnings: u64,
}

impl Totals {
    /// Whether anything is different from before.
    #[must_use]
    pub fn is_news(&self) -> bool {
        self.created + self.changed + self.archived + self.customers + self.images > 0
    }
}

/// How far a run is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Cursor {
    /// What it brings.
    pub kind: Kind,
    /// When it began, milliseconds since 1970 UTC.
    pub started_at: i64,
    /// Of a run for changes: when the last run began.
    pub since: Option<i64>,
    /// What it is at.
    pub phase: Phase,
    /// Whether the lists are gone through once more, for what changed since the run began.
    pub again: bool,
    /// The row of the list from which to go on.
    pub offset: u64,
    /// The last ids before it.
    pub tail: Vec<String>,
    /// Rows of a page, where fewer than the most fit.
    pub rows: Option<u32>,
    /// How often a page did not join the one before it, in this place.
    pub gaps: u32,
    /// Of phases that go by our ids: the last one that is done.
    pub after: String,
    /// Whether stock is asked for in portions of goods: all at once was too much.
    pub portions: bool,
    /// Number of the next batch.
    pub part: i64,
    /// How many rows each of [`LISTS`] has.
    pub sizes: [u64; 4],
    /// How many goods, customers, pictures the other phases found to do.
    pub beside: u64,
    /// Rows of lists behind us.
    pub done: u64,
    /// The price type whose price is the good's.
    pub price_type: Option<String>,
    /// Whether the guard was passed and what is missing is being archived.
    pub archiving: bool,
    /// What was done.
    pub totals: Totals,
}

impl Cursor {
    /// The beginning of a run.
    #[must_use]
    pub fn begin(kind: Kind, now_ms: i64) -> Self {
        Self {
            kind,
            started_at: now_ms,
            ..Self::default()
        }
    }

    /// As it is kept.
    #[must_use]
    pub fn json(&self) -> String {
        // Integers and texts always have a JSON form.
        serde_json::to_string(self).unwrap_or_default()
    }

    /// For people.
    #[must_use]
    pub fn progress(&self) -> Progress {
        let total = self.sizes.iter().sum::<u64>().saturating_add(self.beside);
        let here = match LISTS.contains(&self.phase) && !self.again {
            true => self.offset,
            false => 0,
        };
        let done = self.done.saturating_add(here);
        Progress {
            done: done.min(total),
            total: (self.phase != Phase::References).then_some(total),
        }
    }

    /// The place of the list that the run is at among [`LISTS`].
    #[must_use]
    pub fn list(&self) -> Option<usize> {
        LISTS.iter().position(|phase| *phase == self.phase)
    }

    /// The time since which changes are asked for; `None` where all is.
    #[must_use]
    pub fn changed_since(&self) -> Option<i64> {
        let since = match self.again {
            true => Some(self.started_at),
            false => self.since,
        };
        since.map(|since| since.saturating_sub(OVERLAP_MS))
    }

    /// Goes on to the next phase.
    pub fn advance(&mut self) {
        if let Some(size) = self.list().and_then(|list| self.sizes.get(list))
            && !self.again
        {
            self.done = self.done.saturating_add(*size);
        }
        let full = self.kind == Kind::Full;
        self.phase = match self.phase {
            Phase::References => Phase::Products,
            Phase::Products => Phase::Services,
            Phase::Services => Phase::Bundles,
            Phase::Bundles => Phase::Variants,
            Phase::Variants if full && !self.again => {
                self.again = true;
                Phase::Products
            }
            Phase::Variants if full => Phase::Missing,
            Phase::Variants | Phase::Missing => Phase::Stock,
            Phase::Stock => Phase::Customers,
            Phase::Customers => Phase::Images,
            Phase::Images | Phase::End => Phase::End,
        };
        (self.offset, self.gaps, self.rows) = (0, 0, None);
        self.tail.clear();
        self.after.clear();
    }

    /// Notes that the rows of a list before `end` are done; `ids` are those of the last ones.
    pub fn passed(&mut self, end: u64, ids: &[String]) {
        self.offset = end;
        self.gaps = 0;
        self.part = self.part.saturating_add(1);
        let overlap = usize::try_from(page::OVERLAP).unwrap_or(usize::MAX);
        let ids = ids.iter().rev().filter(|id| !id.is_empty());
        self.tail = ids.take(overlap).cloned().collect();
    }

    /// The name under which a full run notes the goods that it had.
    #[must_use]
    pub fn stamp(&self) -> String {
        format!("moysklad/{}", self.started_at)
    }

    /// The name under which a full run notes the folders that it had.
    #[must_use]
    pub fn folders_stamp(&self) -> String {
        format!("moysklad/{}/folders", self.started_at)
    }

    /// A sentence for the merchant, when all is done.
    #[must_use]
    pub fn told(&self) -> String {
        let what = match self.kind {
            Kind::Full => "Товары загружены из МоегоСклада",
            Kind::Changes => "Изменения загружены из МоегоСклада",
        };
        let totals = &self.totals;
        let parts = [
            ("новых", totals.created),
            ("изменено", totals.changed),
            ("без изменений", totals.unchanged),
            ("в архив", totals.archived),
            ("пропущено", totals.skipped),
            ("покупателей", totals.customers),
            ("картинок", totals.images),
            ("предупреждений", totals.warnings),
        ];
        let parts = parts.iter().filter(|(_, number)| *number > 0);
        let parts: Vec<String> = parts.map(|(word, n)| format!("{word} {n}")).collect();
        match parts.is_empty() {
            true => format!("{what}: всё по-прежнему"),
            false => format!("{what}: {}", parts.join(", ")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_full_run_goes_through_the_lists_twice_and_looks_for_what_is_missing() {
        let mut cursor = Cursor::begin(Kind::Full, 1_000_000);
        let mut phases = Vec::new();
        while cursor.phase != Phase::End {
            phases.push((cursor.phase, cursor.changed_since().is_some()));
            cursor.advance();
        }
        assert_eq!(phases.len(), 13);
        assert_eq!(phases.first(), Some(&(Phase::References, false)));
        assert_eq!(phases.get(4), Some(&(Phase::Variants, false)));
        assert_eq!(phases.get(5), Some(&(Phase::Products, true)));
        assert_eq!(phases.get(9), Some(&(Phase::Missing, true)));
    }

    #[test]
    fn a_run_for_changes_archives_nothing_that_it_did_not_see() {
        let mut cursor = Cursor::begin(Kind::Changes, 0);
        cursor.since = Some(0);
        while cursor.phase != Phase::End {
            assert_ne!(cursor.phase, Phase::Missing);
            assert!(cursor.changed_since().is_some());
            cursor.advance();
        }
    }

    #[test]
    fn a_cursor_comes_back_as_it_was_put_down() {
        let mut cursor = Cursor::begin(Kind::Full, 7);
        cursor.phase = Phase::Variants;
        cursor.sizes = [10, 0, 3, 20];
        cursor.done = 13;
        cursor.passed(5, &["a".into(), "b".into(), "c".into()]);
        assert_eq!(cursor.tail, ["c", "b"]);
        let again: Cursor = serde_json::from_str(&cursor.json()).unwrap();
        assert_eq!(again, cursor);
        let expected = Progress {
            done: 18,
            total: Some(33),
        };
        assert_eq!(again.progress(), expected);
    }
}
