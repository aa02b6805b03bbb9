//! Lists of what has changed, page by page (insales.md §3).
//!
//! With `updated_since` a list is sorted by time of change and id, and `from_id` passes over what was
//! received of that very moment. So the first page is asked for again and again with the place of the last
//! row, until an empty one comes: what changes meanwhile moves to the end and is seen there. `from_id`
//! without `updated_since` is ignored by the shop, and pages by number lose rows.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Error;
use sklad_raw::{Raw, members, object, text};

/// The most rows of a page (§3; 10 are the fewest).
pub const MAX_ROWS: u32 = 250;
/// The fewest rows that a page may be asked for.
pub const MIN_ROWS: u32 = 10;

/// What a value is written with: everything but these is escaped, a plus above all.
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

/// The place behind a row of a list of changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Since {
    /// `updated_at` of the row, as the shop wrote it.
    pub at: String,
    /// Its id; 0 before all rows of that moment.
    pub id: i64,
}

impl Since {
    /// Before everything.
    #[must_use]
    pub fn ever() -> Self {
        Self {
            at: "1970-01-01 00:00:00 +00:00".to_owned(),
            id: 0,
        }
    }
}

/// Which of the rows in the trash are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trash {
    /// None.
    Without,
    /// All, with `archived: true`.
    With,
}

/// The path of the next page of a list, as `products`, behind `since`, with at most `rows`
/// ([`MIN_ROWS`]…[`MAX_ROWS`]).
#[must_use]
pub fn changed(list: &str, since: &Since, trash: Trash, rows: u32) -> String {
    let rows = rows.clamp(MIN_ROWS, MAX_ROWS);
    let trash = match trash {
        Trash::With => "&with_deleted=1",
        Trash::Without => "",
    };
    format!(
        "/{list}.json?updated_since={}&from_id={}{trash}&per_page={rows}",
        escaped(&since.at),
        since.id
    )
}

/// The rows of an answer that is a list.
///
/// # Errors
/// [`Error::Unreadable`] for what is none.
pub fn rows(json: &str) -> Result<Vec<&RawValue>, Error> {
    if json.is_empty() {
        return Ok(Vec::new());
    }
    serde_json::from_str(json).map_err(|_| Error::Unreadable("no list"))
}

struct Place<'a> {
    id: Raw<'a>,
    updated_at: Raw<'a>,
}

members!(Place {
    id: "id",
    updated_at: "updated_at"
});

/// The place behind the last row of a page; `since` where it is empty.
///
/// # Errors
/// [`Error::Unreadable`] where a row has no place, or that of the page is the one that was asked for: the
/// shop would send it for ever.
pub fn behind(rows: &[&RawValue], since: &Since) -> Result<Since, Error> {
    let Some(last) = rows.last() else {
        return Ok(since.clone());
    };
    let place: Option<Place<'_>> = object(Some(last));
    let next = place.and_then(|place| {
        Some(Since {
            at: text(place.updated_at)?,
            id: text(place.id)?.parse().ok()?,
        })
    });
    match next {
        None => Err(Error::Unreadable("a row without id or updated_at")),
        Some(next) if next == *since => Err(Error::Unreadable("a list that does not go on")),
        Some(next) => Ok(next),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_asked_for_by_the_last_row() {
        let since = Since {
            at: "2017-09-04 00:00:00 +03:00".into(),
            id: 7,
        };
        assert_eq!(
            changed("products", &since, Trash::With, 1_000),
            "/products.json?updated_since=2017-09-04%2000%3A00%3A00%20%2B03%3A00&from_id=7\
             &with_deleted=1&per_page=250"
        );
    }

    #[test]
    fn a_list_goes_on_behind_its_last_row() {
        let json = r#"[{"id":1,"updated_at":"a"},{"updated_at":"2023-11-22T14:24:30.000+03:00","id":"5"}]"#;
        let rows = rows(json).unwrap();
        let next = behind(&rows, &Since::ever()).unwrap();
        assert_eq!(
            (next.at.as_str(), next.id),
            ("2023-11-22T14:24:30.000+03:00", 5)
        );
        assert_eq!(behind(&[], &next), Ok(next.clone()));
        assert!(behind(&rows, &next).is_err());
    }

    #[test]
    fn what_is_no_list_is_an_error() {
        for json in ["{}", "7", "[", "<html>"] {
            assert!(rows(json).is_err(), "{json}");
        }
        assert_eq!(rows("").unwrap().len(), 0);
        for json in [
            "[1]",
            "[{}]",
            r#"[{"id":1}]"#,
            r#"[{"id":"x","updated_at":"a"}]"#,
        ] {
            let rows = rows(json).unwrap();
            assert!(behind(&rows, &Since::ever()).is_err(), "{json}");
        }
    }
}
