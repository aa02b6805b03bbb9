//! What a shop says of an order (insales.md §6.5).

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sklad_raw::{Member, Raw, decimal, members, object, text};

/// The longest text of the shop's that is kept, in characters.
const MAX_TEXT_CHARS: usize = 200;

/// The state of an order, in the shop's words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Said {
    /// The status, by its permanent name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// What people call it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The system status to which it belongs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fulfillment: Option<String>,
    /// `paid` or `pending`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub financial: Option<String>,
    /// Whether it is in the trash.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub archived: bool,
    /// What it costs there, kopecks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<i64>,
    /// When it was changed there last, as the shop wrote it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub at: String,
}

impl Said {
    /// Whether it is paid.
    #[must_use]
    pub fn is_paid(&self) -> bool {
        self.financial.as_deref() == Some("paid")
    }

    /// The same whenever it was said.
    #[must_use]
    pub fn is_like(&self, other: &Self) -> bool {
        let what = |said: &Self| Self {
            at: String::new(),
            ..said.clone()
        };
        what(self) == what(other)
    }
}

/// An order of the shop.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Theirs {
    /// Its id.
    pub id: i64,
    /// Its number.
    pub number: String,
    /// When it was made, milliseconds since 1970 UTC.
    pub created_at: Option<i64>,
    /// Its state.
    pub said: Said,
    /// The value of the field that holds our number.
    pub ours: Option<String>,
    /// Whether the shop says what the fields of the order hold, and this one is not among them.
    pub fieldless: bool,
}

#[derive(Default)]
struct Row<'a> {
    id: Raw<'a>,
    number: Raw<'a>,
    total: Raw<'a>,
    created_at: Raw<'a>,
    updated_at: Raw<'a>,
    status: Raw<'a>,
    fulfillment: Raw<'a>,
    financial: Raw<'a>,
    archived: Raw<'a>,
    fields: Raw<'a>,
}

members!(Row {
    id: "id",
    number: "number",
    total: "total_price",
    created_at: "created_at",
    updated_at: "updated_at",
    status: "custom_status",
    fulfillment: "fulfillment_status",
    financial: "financial_status",
    archived: "archived",
    fields: "fields_values",
});

#[derive(Default)]
struct Field<'a> {
    field: Raw<'a>,
    value: Raw<'a>,
}

members!(Field {
    field: "field_id",
    value: "value"
});

#[derive(Default)]
struct Status<'a> {
    permalink: Raw<'a>,
    title: Raw<'a>,
}

members!(Status {
    permalink: "permalink",
    title: "title"
});

/// Reads an order; `field` is the one that holds our number. Nothing for what is no order.
#[must_use]
pub fn order(raw: &RawValue, field: u64) -> Option<Theirs> {
    let row: Row<'_> = object(Some(raw))?;
    let status: Status<'_> = object(row.status).unwrap_or_default();
    let of_field = |f: &&Field<'_>| id(f.field) == i64::try_from(field).ok();
    let fields = row.fields.map(|raw| Vec::<Field<'_>>::of(Some(raw)));
    let ours = fields.as_ref().map(|all| all.iter().find(of_field));
    Some(Theirs {
        id: id(row.id)?,
        number: kept(row.number).unwrap_or_default(),
        created_at: kept(row.created_at).and_then(|at| moment(&at)),
        fieldless: matches!(ours, Some(None)),
        ours: ours.flatten().and_then(|f| text(f.value)),
        said: Said {
            status: kept(status.permalink),
            title: kept(status.title).unwrap_or_default(),
            fulfillment: kept(row.fulfillment),
            financial: kept(row.financial),
            archived: row.archived.is_some_and(|raw| raw.get().contains("true")),
            total: decimal(row.total).and_then(kopecks),
            at: kept(row.updated_at).unwrap_or_default(),
        },
    })
}

/// The same of the whole text of an answer.
#[must_use]
pub fn answered(json: &str, field: u64) -> Option<Theirs> {
    let raw: &RawValue = serde_json::from_str(json).ok()?;
    order(raw, field)
}

/// A moment as the shop writes it (`2023-12-22T14:43:53.000+03:00`) or is asked for
/// (`2023-12-22 11:43:53 +00:00`), milliseconds since 1970 UTC.
#[must_use]
pub fn moment(text: &str) -> Option<i64> {
    let plain = text.replacen(' ', "T", 1).replace(' ', "");
    let at = chrono::DateTime::parse_from_rfc3339(&plain).ok()?;
    Some(at.timestamp_millis())
}

fn id(raw: Raw<'_>) -> Option<i64> {
    text(raw)?.parse().ok()
}

fn kept(raw: Raw<'_>) -> Option<String> {
    Some(text(raw)?.chars().take(MAX_TEXT_CHARS).collect())
}

fn kopecks(rubles: Decimal) -> Option<i64> {
    rubles.checked_mul(Decimal::ONE_HUNDRED)?.round().to_i64()
}

struct OfOrders<'a> {
    id: Raw<'a>,
    handle: Raw<'a>,
    system_name: Raw<'a>,
    destiny: Raw<'a>,
}

members!(OfOrders {
    id: "id",
    handle: "handle",
    system_name: "system_name",
    destiny: "destiny",
});

/// The id of the field of orders with this name (§4), of the list of fields.
#[must_use]
pub fn field(rows: &[&RawValue], name: &str) -> Option<u64> {
    let of_orders = |raw: &&RawValue| {
        let row: OfOrders<'_> = object(Some(raw))?;
        let named = [row.handle, row.system_name];
        let named = named.into_iter().any(|n| text(n).as_deref() == Some(name));
        let ours = text(row.destiny).is_none_or(|destiny| destiny == "3");
        let id: u64 = text(row.id)?.parse().ok()?;
        (named && ours).then_some(id)
    };
    rows.iter().find_map(of_orders)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_read_with_numbers_in_quotes_or_without() {
        let json = r#"{"id":"90431719","number":"1052","total_price":"25241.5","fulfillment_status":"new",
            "custom_status":{"permalink":"new","title":"Новый"},"financial_status":"pending","archived":"false",
            "created_at":"2023-12-22T14:43:53.000+03:00","updated_at":"2023-12-22T14:43:53.000+03:00",
            "fields_values":[{"field_id":"6","value":"x"},{"id":1,"field_id":7,"value":"15"},null]}"#;
        let read = answered(json, 7).unwrap();
        assert_eq!((read.id, read.number.as_str()), (90_431_719, "1052"));
        assert_eq!(read.said.total, Some(2_524_150));
        assert_eq!(read.created_at, Some(1_703_245_433_000));
        assert_eq!(read.ours.as_deref(), Some("15"));
        assert_eq!(read.said.status.as_deref(), Some("new"));
        assert!(!read.said.archived && !read.said.is_paid() && !read.fieldless);
        assert!(answered(json, 8).unwrap().fieldless);
        let plain = answered(r#"{"id":1,"archived":true,"financial_status":"paid"}"#, 7).unwrap();
        assert!(plain.said.archived && plain.said.is_paid());
        assert_eq!((plain.ours, plain.said.total), (None, None));
        assert!(!plain.fieldless, "it does not tell of fields");
        for json in ["", "[]", "7", "{}", r#"{"id":"x"}"#, "\"\""] {
            assert_eq!(answered(json, 7), None, "{json}");
        }
    }

    #[test]
    fn a_moment_is_read_as_it_is_answered_and_asked_for() {
        let at = Some(1_703_245_433_000);
        assert_eq!(moment("2023-12-22T14:43:53.000+03:00"), at);
        assert_eq!(moment("2023-12-22 11:43:53 +00:00"), at);
        assert_eq!(moment("вчера"), None);
    }

    #[test]
    fn the_field_of_orders_with_a_name_is_found() {
        let json = r#"[{"id":1,"handle":"n","destiny":2},{"id":"2","handle":"n","destiny":3},7,{"handle":"n"}]"#;
        let rows: Vec<&RawValue> = serde_json::from_str(json).unwrap();
        assert_eq!(field(&rows, "n"), Some(2));
        assert_eq!(field(&rows, "m"), None);
    }
}
