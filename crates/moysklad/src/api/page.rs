//! Lists, page by page (moysklad-json-api.md §1.6).
//!
//! The API knows offsets alone, and the list may change between two pages. Where a row before the offset is
//! deleted, or moves to the end, all later ones move up, and a row would be passed over. So every page
//! begins [`OVERLAP`] rows before the end of the one before it, and must hold one of that page's last rows
//! ([`joins`]); where it does not, it is read again from farther back ([`back`]). What is inserted only
//! comes twice. Rows that are inserted before the offset are not seen: their `updated` is later than the
//! beginning of the run, and whoever reads all asks for these at the end.

use std::fmt::Write;

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;
use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;
use sklad_tenant::clock;

use super::Error;
use super::wire;
use sklad_raw::{Raw, object, text};

/// The most rows of a page.
pub const MAX_ROWS: u32 = 1_000;
/// The most rows of a page in which references are expanded: with more, `expand` is ignored without a
/// word.
pub const MAX_ROWS_EXPANDED: u32 = 100;
/// The fewest rows that a page is made smaller to, when its answer is too large.
pub const MIN_ROWS: u32 = 10;
/// How many rows two pages have in common.
pub const OVERLAP: u64 = 2;

/// What a value of a filter is written with: everything but these is escaped.
const PLAIN: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'_')
    .remove(b'.')
    .remove(b'~');

/// A text as it stands in an address.
#[must_use]
pub fn escaped(text: &str) -> String {
    utf8_percent_encode(text, PLAIN).to_string()
}

/// A list that is read in pages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct List {
    path: &'static str,
    filter: String,
    order: &'static str,
    expand: &'static str,
}

impl List {
    /// The list at a path, as `/entity/product`, by id.
    #[must_use]
    pub fn of(path: &'static str) -> Self {
        Self {
            path,
            filter: String::new(),
            order: "id",
            expand: "",
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &'static str {
        self.path
    }

    /// With what is archived; without this it is left out.
    #[must_use]
    pub fn with_archived(self) -> Self {
        self.filtered("archived", "=", "true")
            .filtered("archived", "=", "false")
    }

    /// What has changed since then (milliseconds since 1970 UTC), in the order of change.
    #[must_use]
    pub fn updated_since(mut self, since_ms: i64) -> Self {
        self.order = "updated,asc;id";
        // The earliest that the API takes.
        let since = clock::format_moscow(since_ms.max(0));
        self.filtered("updated", ">=", &since)
    }

    /// With one more condition; several with `=` on one field mean any of them.
    #[must_use]
    pub fn filtered(mut self, field: &str, operator: &str, value: &str) -> Self {
        if !self.filter.is_empty() {
            self.filter.push(';');
        }
        // A semicolon separates conditions.
        let value = value.replace(';', "\\;");
        let _ = write!(self.filter, "{field}{operator}{value}");
        self
    }

    /// With references expanded; pages are then of [`MAX_ROWS_EXPANDED`] rows at most.
    #[must_use]
    pub fn expanding(mut self, expand: &'static str) -> Self {
        self.expand = expand;
        self
    }

    /// The most rows of a page, of `wanted` ones.
    #[must_use]
    pub fn rows(&self, wanted: u32) -> u32 {
        match self.expand.is_empty() {
            true => wanted.clamp(1, MAX_ROWS),
            false => wanted.clamp(1, MAX_ROWS_EXPANDED),
        }
    }

    /// The path of the page of `wanted` rows, or as many as may be, from the row `offset` on.
    #[must_use]
    pub fn page(&self, offset: u64, wanted: u32) -> String {
        let rows = self.rows(wanted);
        let mut path = format!("{}?limit={rows}&offset={offset}", self.path);
        for (name, value) in [
            ("order", self.order),
            ("filter", &self.filter),
            ("expand", self.expand),
        ] {
            if !value.is_empty() {
                let _ = write!(path, "&{name}={}", escaped(value));
            }
        }
        path
    }
}

/// A page, its rows still unread.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Page<T> {
    /// How many rows the whole list has.
    pub size: Option<u64>,
    /// The rows.
    pub rows: Vec<T>,
}

impl<'a> Page<&'a RawValue> {
    /// The page in this text.
    ///
    /// # Errors
    /// [`Error::Unreadable`] for what is no page: nothing must be taken for an empty list that is none.
    pub fn read(json: &'a str) -> Result<Self, Error> {
        let envelope: Envelope<'a> =
            serde_json::from_str(json).map_err(|_| Error::Unreadable("no page"))?;
        let rows = envelope
            .rows
            .ok_or(Error::Unreadable("a page without rows"))?;
        let meta: wire::Meta<'_> = object(envelope.meta).unwrap_or_default();
        let size = text(meta.size).and_then(|size| size.parse().ok());
        Ok(Self { size, rows })
    }
}

/// `{"meta", "rows"}`, where the rows are split in the one pass that finds them.
struct Envelope<'a> {
    meta: Raw<'a>,
    rows: Option<Vec<&'a RawValue>>,
}

impl<'de: 'a, 'a> Deserialize<'de> for Envelope<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Envelope<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a page")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let (mut meta, mut rows) = (None, None);
                while let Some(name) = map.next_key::<std::borrow::Cow<'_, str>>()? {
                    match name.as_ref() {
                        "meta" => meta = map.next_value()?,
                        "rows" => rows = Some(map.next_value()?),
                        _ => {
                            map.next_value::<serde::de::IgnoredAny>()?;
                        }
                    }
                }
                Ok(Envelope { meta, rows })
            }
        }
        from.deserialize_map(Reader)
    }
}

/// Whether a page goes on where the one before it ended: it has one of that one's last rows, `tail`, or
/// there is nothing before it.
#[must_use]
pub fn joins(tail: &[String], offset: u64, ids: &[String]) -> bool {
    offset == 0 || tail.is_empty() || ids.iter().any(|id| tail.contains(id))
}

/// From where to read again what did not join, the `attempt`th time (from 1) in this place: so much farther
/// back each time.
#[must_use]
pub fn back(offset: u64, rows: u32, attempt: u32) -> u64 {
    let half = u64::from(rows / 2).max(OVERLAP);
    offset.saturating_sub(half.saturating_mul(u64::from(attempt)))
}

/// The offset of the page after one that ended before the row `end`.
#[must_use]
pub fn next(end: u64) -> u64 {
    end.saturating_sub(OVERLAP)
}

/// The offsets of the pages from `offset` on, as long as there are rows by the size that is known.
pub fn offsets(offset: u64, rows: u32, size: u64) -> impl Iterator<Item = u64> {
    let step = u64::from(rows).saturating_sub(OVERLAP).max(1);
    std::iter::successors(Some(offset), move |at| {
        let next = at.saturating_add(step);
        (next.saturating_add(OVERLAP) < size).then_some(next)
    })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_list_says_what_it_wants() {
        let all = List::of("/entity/product").with_archived();
        assert_eq!(
            all.page(998, 1000),
            "/entity/product?limit=1000&offset=998&order=id&filter=archived%3Dtrue%3Barchived%3Dfalse"
        );
        let changed = List::of("/entity/variant").updated_since(1_461_760_980_999);
        assert_eq!(
            changed.page(0, 5000),
            "/entity/variant?limit=1000&offset=0&order=updated%2Casc%3Bid&filter=updated%3E%3D2016-04-27%2015%3A43%3A00"
        );
        let tags = List::of("/entity/counterparty").filtered("tags", "=", "a;b");
        assert!(tags.page(0, 1).ends_with("filter=tags%3Da%5C%3Bb"));
    }

    #[test]
    fn expanding_makes_pages_small_enough_for_it() {
        let list = List::of("/entity/bundle").expanding("components");
        assert!(
            list.page(0, 1000)
                .starts_with("/entity/bundle?limit=100&offset=0")
        );
        assert!(list.page(0, 1000).ends_with("&expand=components"));
    }

    #[test]
    fn what_is_no_page_is_no_empty_list() {
        for json in [
            "",
            "{}",
            "[]",
            "null",
            "{\"rows\":null}",
            "{\"rows\":{}}",
            "{\"errors\":[]}",
        ] {
            assert!(Page::read(json).is_err(), "{json}");
        }
        let page =
            Page::read(r#"{"context":{"a":[1]},"meta":{"size":"7"},"rows":[1,{}]}"#).unwrap();
        assert_eq!((page.size, page.rows.len()), (Some(7), 2));
        let page = Page::read(r#"{"rows":[]}"#).unwrap();
        assert_eq!((page.size, page.rows.len()), (None, 0));
    }

    /// A list of МойСклад that others change.
    struct Theirs {
        ids: Vec<u32>,
        from: u32,
    }

    impl Theirs {
        fn page(&self, offset: u64, rows: u32) -> Vec<String> {
            let rows = self.ids.iter().skip(offset as usize).take(rows as usize);
            rows.map(u32::to_string).collect()
        }
    }

    /// Reads a list as an import does; `change` happens between every two pages.
    fn read(mut theirs: Theirs, rows: u32, mut change: impl FnMut(&mut Theirs)) -> Vec<String> {
        let (mut seen, mut tail, mut offset, mut gaps) = (Vec::new(), Vec::new(), 0, 0);
        loop {
            let page = theirs.page(offset, rows);
            if !joins(&tail, offset, &page) && gaps < 40 {
                gaps += 1;
                offset = back(offset, rows, gaps);
                continue;
            }
            gaps = 0;
            let whole = page.len() == rows as usize;
            let end = offset + page.len() as u64;
            tail = page.iter().rev().take(OVERLAP as usize).cloned().collect();
            seen.extend(page);
            if !whole {
                return seen;
            }
            offset = next(end);
            change(&mut theirs);
        }
    }

    proptest! {
        #[test]
        fn nothing_is_lost_whatever_is_deleted_and_inserted(
            rows in 5_u32..20,
            size in 0_u32..150,
            deletions in proptest::collection::vec(proptest::collection::vec(any::<prop::sample::Index>(), 0..12), 40),
            inserted in any::<bool>(),
        ) {
            let theirs = Theirs { ids: (0..size).map(|n| n * 2).collect(), from: 0 };
            let mut gone: Vec<u32> = Vec::new();
            let mut deletions = deletions.into_iter();
            let seen = read(theirs, rows, |theirs| {
                for index in deletions.next().unwrap_or_default() {
                    if !theirs.ids.is_empty() {
                        gone.push(theirs.ids.remove(index.index(theirs.ids.len())));
                    }
                }
                if inserted && theirs.ids.len() > 3 {
                    let at = theirs.from as usize % theirs.ids.len();
                    theirs.ids.insert(at, 1001 + theirs.from * 2);
                    theirs.from += 1;
                }
            });
            let stays = (0..size).map(|n| n * 2).filter(|id| !gone.contains(id));
            for id in stays {
                prop_assert!(seen.contains(&id.to_string()), "{id} was passed over");
            }
        }

        #[test]
        fn pages_fetched_ahead_cover_the_list(rows in 3_u32..50, size in 0_u64..500) {
            let mut end = 0;
            for offset in offsets(0, rows, size) {
                let joins = offset == 0 || offset + OVERLAP <= end;
                prop_assert!(joins, "{offset} after {end}");
                end = offset + u64::from(rows);
            }
            prop_assert!(end >= size);
        }
    }
}
