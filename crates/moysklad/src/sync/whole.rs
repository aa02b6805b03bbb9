//! Stock of everything in one answer: the short report has no pages (§3.23), and a portion of goods with each
//! request would cost a large shop most of its requests. The answer stays packed; what is unpacked of it at
//! once is a row. Where it is too large, or the vendor too slow for it, stock is asked for in portions.

use std::collections::BTreeMap;
use std::io::{BufReader, Read};

use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use serde::de::{Deserializer, Error as _, SeqAccess, Visitor};
use serde_json::value::RawValue;
use uuid::Uuid;

use crate::api::Error;
use crate::api::client::packed;
use crate::api::wire::{StockRow, thousandths};
use sklad_raw::{id, object};

/// The largest answer, in bytes as they come.
pub const BODY_BYTES: usize = 6 * 1024 * 1024;
/// The largest answer once it is unpacked, in bytes; it is never held as a whole.
const TEXT_BYTES: u64 = 64 * 1024 * 1024;
/// The most rows, one of each good in each store: some seven million bytes are held of them.
const ROWS: usize = 220_000;
/// The place of a store that does not count.
const NOWHERE: u16 = u16::MAX;

/// What lies of a good in a store.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Line {
    good: Uuid,
    /// A place among the stores that count, or [`NOWHERE`].
    store: u16,
    thousandths: i64,
}

/// The stock of everything, by good.
#[derive(Debug)]
pub struct Whole {
    lines: Vec<Line>,
    /// Our stores.
    stores: Vec<String>,
}

/// What lies where of a good, and how much of it in all the stores that count.
#[derive(Debug, PartialEq, Eq)]
pub struct Held {
    /// МойСклад's id of the good.
    pub good: String,
    /// Our store, and thousandths.
    pub stores: Vec<(String, i64)>,
}

impl Whole {
    /// Reads the answer. `stores` are ours by МойСклад's.
    ///
    /// # Errors
    /// [`Error::TooLarge`] for more than may be held, [`Error::Unreadable`].
    pub fn read(
        answer: &http::Response<Bytes>,
        stores: &BTreeMap<String, String>,
    ) -> Result<Self, Error> {
        let places = (0..NOWHERE).zip(stores.keys());
        let places = places.map(|(place, id)| (id.as_str(), place)).collect();
        let body = answer.body().as_ref();
        let lines = match packed(answer.headers())? {
            true => lines(MultiGzDecoder::new(body), &places),
            false => lines(body, &places),
        };
        let mut lines = lines?;
        lines.sort_unstable();
        Ok(Self {
            lines,
            stores: stores.values().cloned().collect(),
        })
    }

    /// The goods behind `after`, in the order of their ids; from the first one where it is no id.
    pub fn goods(&self, after: &str) -> impl Iterator<Item = Held> {
        let from = Uuid::try_parse(after).map_or(0, |after| {
            self.lines.partition_point(|line| line.good <= after)
        });
        let rest = self.lines.get(from..).unwrap_or_default();
        rest.chunk_by(|a, b| a.good == b.good)
            .filter_map(|lines| self.held(lines))
    }

    fn held(&self, lines: &[Line]) -> Option<Held> {
        let store = |line: &Line| {
            let name = self.stores.get(usize::from(line.store))?;
            Some((name.clone(), line.thousandths))
        };
        Some(Held {
            good: lines.first()?.good.hyphenated().to_string(),
            stores: lines.iter().filter_map(store).collect(),
        })
    }
}

fn lines(unpacked: impl Read, places: &BTreeMap<&str, u16>) -> Result<Vec<Line>, Error> {
    let mut limited = unpacked.take(TEXT_BYTES);
    let reader = BufReader::with_capacity(64 * 1024, &mut limited);
    let read = serde_json::Deserializer::from_reader(reader).deserialize_seq(Rows { places });
    match read {
        Ok(lines) => Ok(lines),
        Err(error) if limited.limit() == 0 || error.to_string().starts_with(FULL) => {
            Err(Error::TooLarge)
        }
        Err(_) => Err(Error::Unreadable("no report")),
    }
}

/// What the reader says when there are too many rows.
const FULL: &str = "too many rows";

struct Rows<'a> {
    places: &'a BTreeMap<&'a str, u16>,
}

impl<'de> Visitor<'de> for Rows<'_> {
    type Value = Vec<Line>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("a report")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut rows: A) -> Result<Vec<Line>, A::Error> {
        let mut lines = Vec::new();
        while let Some(row) = rows.next_element::<Box<RawValue>>()? {
            let Some(line) = line(&row, self.places) else {
                continue;
            };
            if lines.len() >= ROWS {
                return Err(A::Error::custom(FULL));
            }
            // Little by little: doubled at its end, it would be held thrice.
            if lines.len() == lines.capacity() {
                lines.reserve_exact((lines.len() / 4).max(4_096));
            }
            lines.push(line);
        }
        Ok(lines)
    }
}

/// A row without a number is being counted anew at this moment: its good is named, and its store is not.
fn line(row: &RawValue, places: &BTreeMap<&str, u16>) -> Option<Line> {
    let row: StockRow<'_> = object(Some(row))?;
    let good = Uuid::try_parse(&id(row.assortment_id)?).ok()?;
    let store = id(row.store_id).and_then(|id| places.get(id.as_str()).copied());
    let found = store.zip(thousandths(row.stock));
    let (store, thousandths) = found.unwrap_or((NOWHERE, 0));
    Some(Line {
        good,
        store,
        thousandths,
    })
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;
    use http::header::CONTENT_ENCODING;
    use serde_json::{Value, json};

    use super::*;

    const A: &str = "0a000000-0000-4000-8000-000000000000";
    const B: &str = "0b000000-0000-4000-8000-000000000000";
    const C: &str = "0c000000-0000-4000-8000-000000000000";

    fn read(text: &str, packed: bool) -> Result<Whole, Error> {
        let builder = http::Response::builder();
        let answer = match packed {
            true => {
                let mut zip = GzEncoder::new(Vec::new(), Compression::fast());
                zip.write_all(text.as_bytes()).unwrap();
                let body = zip.finish().unwrap();
                builder.header(CONTENT_ENCODING, "gzip").body(body.into())
            }
            false => builder.body(Bytes::copy_from_slice(text.as_bytes())),
        };
        let stores = [("s", "S"), ("t", "T")].map(|(a, b)| (a.to_owned(), b.to_owned()));
        Whole::read(&answer.unwrap(), &stores.into())
    }

    fn held(good: &str, stores: &[(&str, i64)]) -> Held {
        let stores = stores.iter().map(|(name, n)| ((*name).to_owned(), *n));
        Held {
            good: good.to_owned(),
            stores: stores.collect(),
        }
    }

    #[test]
    fn rows_in_any_order_become_goods_in_the_order_of_their_ids() {
        let row = |good: &str, store: &str, stock: Value| json!({"assortmentId": good, "storeId": store, "stock": stock});
        let rows = json!([
            row(B, "t", json!(1.5)), row(&A.to_uppercase(), "s", json!(4)), row(B, "s", json!(-2)),
            row(C, "elsewhere", json!(9)), row(C, "s", Value::Null), 7, {"stock": 1}, row("x", "s", json!(1)),
        ]);
        for packed in [false, true] {
            let whole = read(&rows.to_string(), packed).unwrap();
            let all: Vec<Held> = whole.goods("").collect();
            let expected = [
                held(A, &[("S", 4_000)]),
                held(B, &[("S", -2_000), ("T", 1_500)]),
                held(C, &[]),
            ];
            assert_eq!(all, expected);
            let behind: Vec<Held> = whole.goods(A).collect();
            assert_eq!(behind, expected[1..]);
            assert_eq!(whole.goods(C).count(), 0);
        }
    }

    #[test]
    fn what_is_no_report_or_too_much_of_one_is_told_apart() {
        for text in ["", "{}", "<html>", "[{}", "null"] {
            let error = read(text, true).unwrap_err();
            assert_eq!(error, Error::Unreadable("no report"), "{text}");
        }
        let row = format!(r#"{{"assortmentId":"{A}","storeId":"s","stock":1}}"#);
        let many = vec![row.as_str(); ROWS + 1].join(",");
        assert_eq!(
            read(&format!("[{many}]"), true).unwrap_err(),
            Error::TooLarge
        );
        let spaces = " ".repeat(usize::try_from(TEXT_BYTES).unwrap() + 1);
        let bomb = read(&format!("[{spaces}]"), true);
        assert_eq!(bomb.unwrap_err(), Error::TooLarge);
    }
}
