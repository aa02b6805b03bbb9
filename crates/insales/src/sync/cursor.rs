//! How far a run is: pure.

use chrono::DateTime;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sklad_jobs::job::Progress;

use crate::api::page::Since;

/// How long a change may show later than its time says, in milliseconds: so young rows are read again by the
/// next run, since one that was being written may lie before them.
pub const SETTLE_MS: i64 = 5_000;

/// What a run brings.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// Everything; what is missing is archived.
    #[default]
    Full,
    /// What has changed since the last run; everything where there was none.
    Changes,
}

/// What a run is at.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Price kinds, warehouses, how many products there are.
    #[default]
    References,
    /// Collections: the tree that visitors see.
    Collections,
    /// Categories: the tree of the stock.
    Categories,
    /// What categories lie in.
    Tree,
    /// Products.
    Products,
    /// What the shop does not have any more.
    Missing,
    /// Files of pictures.
    Images,
    /// The run has come to its end.
    End,
}

/// How far a list of changes was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    /// Behind which row the next run begins.
    pub since: Since,
    /// The most rows that a page has had.
    pub rows: u32,
}

/// The marks of the lists.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Marks {
    /// Of collections.
    pub collections: Option<Mark>,
    /// Of categories.
    pub categories: Option<Mark>,
    /// Of products.
    pub products: Option<Mark>,
}

/// What a run has done so far.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Totals {
    /// New goods.
    pub created: u64,
    /// Changed goods.
    pub changed: u64,
    /// Goods that stay as they are.
    pub unchanged: u64,
    /// Passed over: rows without an id.
    pub skipped: u64,
    /// Put into the archive.
    pub archived: u64,
    /// Goods that turned out to be goods of another source.
    pub linked: u64,
    /// Changed collections, categories, price kinds, warehouses.
    pub references: u64,
    /// Fetched pictures.
    pub images: u64,
    /// Doubtful places.
    pub warnings: u64,
}

impl Totals {
    /// Whether anything is different from before.
    #[must_use]
    pub fn is_news(&self) -> bool {
        self.created + self.changed + self.archived + self.linked + self.images > 0
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
    /// Of a run for changes: from where.
    pub marks: Marks,
    /// What it is at.
    pub phase: Phase,
    /// The last row of the list that is done.
    pub since: Option<Since>,
    /// The last one that the next run need not read again.
    pub settled: Option<Since>,
    /// Whether a young row was read: from there on the next run reads again.
    pub held: bool,
    /// The most rows that a page of the list has had.
    pub whole: u32,
    /// Rows of a page, where fewer than the most fit.
    pub rows: Option<u32>,
    /// Number of the next batch.
    pub part: i64,
    /// How many products the shop says that it has.
    pub total: Option<u64>,
    /// Products behind us.
    pub done: u64,
    /// Those of them that lie in the trash.
    pub trashed: u64,
    /// Whether the tree is another one than before.
    pub tree: bool,
    /// Of phases that go by names: the last one that is done.
    pub after: String,
    /// Whether the guard was passed and what is missing is being archived.
    pub archiving: bool,
    /// What was done.
    pub totals: Totals,
}

impl Cursor {
    /// The beginning of a run; one for changes without a mark is one for everything.
    #[must_use]
    pub fn begin(kind: Kind, marks: Marks, now_ms: i64) -> Self {
        let known = marks.products.is_some();
        let mut cursor = Self {
            started_at: now_ms,
            ..Self::default()
        };
        if kind == Kind::Changes && known {
            cursor.kind = Kind::Changes;
            cursor.marks = marks;
            cursor.enter(Phase::Collections);
        }
        cursor
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
        let total = self.total.map(|total| total.max(self.done));
        Progress {
            done: self.done,
            total,
        }
    }

    /// What the list of the phase is called; nothing of another phase.
    #[must_use]
    pub fn list(&self) -> Option<&'static str> {
        match self.phase {
            Phase::Collections => Some("collections"),
            Phase::Categories => Some("categories"),
            Phase::Products => Some("products"),
            _ => None,
        }
    }

    /// Goes on to the next phase.
    pub fn advance(&mut self) {
        let full = self.kind == Kind::Full;
        let next = match self.phase {
            Phase::References => Phase::Collections,
            Phase::Collections => Phase::Categories,
            Phase::Categories => Phase::Tree,
            Phase::Tree => Phase::Products,
            Phase::Products if full => Phase::Missing,
            Phase::Products | Phase::Missing => Phase::Images,
            Phase::Images | Phase::End => Phase::End,
        };
        self.enter(next);
    }

    fn enter(&mut self, phase: Phase) {
        self.phase = phase;
        self.after.clear();
        let mark = match phase {
            Phase::Collections => self.marks.collections.clone(),
            Phase::Categories => self.marks.categories.clone(),
            Phase::Products => self.marks.products.clone(),
            _ => None,
        };
        (self.rows, self.held) = (None, false);
        self.whole = mark.as_ref().map_or(0, |mark| mark.rows);
        self.settled = mark.map(|mark| mark.since);
        self.since.clone_from(&self.settled);
    }

    /// Notes that the list is done behind `since`, of which these are the last rows: their places in order.
    pub fn passed(&mut self, places: &[Since], now_ms: i64) {
        let is_old = |place: &&Since| moment(&place.at).is_none_or(|at| at <= now_ms - SETTLE_MS);
        if !self.held {
            let old = places.iter().take_while(is_old).count();
            self.held = old < places.len();
            let last = places.get(..old).and_then(<[Since]>::last);
            self.settled = last.cloned().or_else(|| self.settled.take());
        }
        if let Some(place) = places.last() {
            self.since = Some(place.clone());
        }
        self.part = self.part.saturating_add(1);
    }

    /// Whether a page of so many rows is the last one. One with fewer rows than were asked for is, where the
    /// shop is known to give more; a run for everything goes on until there is nothing.
    #[must_use]
    pub fn is_last(&self, rows: u32, asked: u32) -> bool {
        rows == 0 || (self.kind == Kind::Changes && rows < asked.min(self.whole))
    }

    /// The mark that the list of the phase leaves.
    #[must_use]
    pub fn mark(&self) -> Mark {
        Mark {
            since: self.settled.clone().unwrap_or_else(Since::ever),
            rows: self.whole,
        }
    }

    /// The name under which a run for everything notes the goods that it had.
    #[must_use]
    pub fn stamp(&self, source: &str) -> String {
        format!("{source}/{}", self.started_at)
    }

    /// The name under which it notes the categories.
    #[must_use]
    pub fn groups_stamp(&self, source: &str) -> String {
        format!("{source}/{}/groups", self.started_at)
    }

    /// A sentence for the merchant, when all is done.
    #[must_use]
    pub fn told(&self) -> String {
        let what = match self.kind {
            Kind::Full => "Каталог InSales загружен",
            Kind::Changes => "Изменения каталога InSales загружены",
        };
        let totals = &self.totals;
        let parts = [
            ("новых", totals.created),
            ("изменено", totals.changed),
            ("без изменений", totals.unchanged),
            ("связано с товарами других источников", totals.linked),
            ("в архив", totals.archived),
            ("пропущено", totals.skipped),
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

/// The places of rows, as far as they have one.
#[must_use]
pub fn places(rows: &[&RawValue]) -> Vec<Since> {
    let ever = Since::ever();
    let place = |row: &&RawValue| crate::api::page::behind(&[*row], &ever).ok();
    rows.iter().filter_map(place).collect()
}

/// The moment that the shop has written, milliseconds since 1970 UTC.
fn moment(text: &str) -> Option<i64> {
    let time = DateTime::parse_from_rfc3339(text.trim()).ok()?;
    Some(time.timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_700_648_670_000;

    fn since(second: u32, id: i64) -> Since {
        Since {
            at: format!("2023-11-22T13:24:{second:02}.000+03:00"),
            id,
        }
    }

    #[test]
    fn a_run_for_changes_begins_behind_its_marks_and_archives_nothing_that_it_did_not_see() {
        let mark = |id| {
            Some(Mark {
                since: since(0, id),
                rows: 100,
            })
        };
        let marks = Marks {
            collections: mark(1),
            categories: None,
            products: mark(3),
        };
        let mut cursor = Cursor::begin(Kind::Changes, marks, NOW);
        let mut phases = Vec::new();
        while cursor.phase != Phase::End {
            phases.push((cursor.phase, cursor.since.clone().map(|since| since.id)));
            cursor.advance();
        }
        let expected = [
            (Phase::Collections, Some(1)),
            (Phase::Categories, None),
            (Phase::Tree, None),
            (Phase::Products, Some(3)),
            (Phase::Images, None),
        ];
        assert_eq!(phases, expected);
        let first = Cursor::begin(Kind::Changes, Marks::default(), NOW);
        assert_eq!((first.kind, first.phase), (Kind::Full, Phase::References));
    }

    #[test]
    fn what_is_young_is_read_again_by_the_next_run() {
        let mut cursor = Cursor::begin(Kind::Full, Marks::default(), NOW);
        cursor.phase = Phase::Products;
        // NOW is 13:24:30 in Moscow.
        cursor.passed(&[since(20, 1), since(25, 2), since(26, 3)], NOW);
        assert_eq!(cursor.since, Some(since(26, 3)));
        assert_eq!(cursor.mark().since, since(25, 2));
        cursor.passed(&[since(29, 4)], NOW);
        assert_eq!(cursor.mark().since, since(25, 2));
        // Also when they are old by the time that the run ends: what was being written lay before them.
        cursor.passed(&[since(30, 5)], NOW + SETTLE_MS);
        assert_eq!(cursor.mark().since, since(25, 2));
    }

    #[test]
    fn a_short_page_is_the_last_one_only_where_longer_ones_are_known() {
        let mut cursor = Cursor {
            kind: Kind::Changes,
            whole: 100,
            ..Cursor::default()
        };
        assert!(cursor.is_last(0, 250) && cursor.is_last(99, 250));
        assert!(!cursor.is_last(100, 250) && !cursor.is_last(50, 50));
        cursor.kind = Kind::Full;
        assert!(!cursor.is_last(1, 250) && cursor.is_last(0, 250));
    }

    #[test]
    fn a_cursor_comes_back_as_it_was_put_down() {
        let mut cursor = Cursor::begin(Kind::Full, Marks::default(), 7);
        cursor.phase = Phase::Products;
        cursor.total = Some(5);
        cursor.done = 6;
        cursor.passed(&[since(1, 2)], NOW);
        let again: Cursor = serde_json::from_str(&cursor.json()).unwrap();
        assert_eq!(again, cursor);
        let expected = Progress {
            done: 6,
            total: Some(6),
        };
        assert_eq!(again.progress(), expected);
    }
}
