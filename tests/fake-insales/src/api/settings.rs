//! Deliveries and payments, statuses, fields of orders, webhooks (§6.4, §7, §10).

use serde_json::{Value, json};

use super::{Answer, Call, id, write};
use crate::message::{Problem, Reply};
use crate::order;
use crate::state::{Fields, Store};
use crate::view;

/// What webhooks can be about (§10).
pub(crate) const TOPICS: &[&str] = &[
    "orders/create",
    "orders/update",
    "orders/destroy",
    "products/create",
    "products/update",
    "client/create",
    "client/update",
];
/// The kinds of fields (§4).
const FIELD_KINDS: &[&str] = &[
    "Field::TextField",
    "Field::TextArea",
    "Field::Checkbox",
    "Field::FileField",
    "Field::Delivery",
    "Field::PickPoint",
    "Field::Select",
];

/// One custom status.
pub(crate) fn status(store: &Store, permalink: &str) -> Answer {
    let found = order::status(store, permalink);
    Ok(Reply::json(found.ok_or_else(Problem::missing)?))
}

/// Deliveries or payments, with the pairs that are allowed.
pub(crate) fn ways(store: &Store, parts: &[&str]) -> Answer {
    let (kind, wanted) = match parts {
        [kind] => (*kind, None),
        [kind, one] => (*kind, Some(id(one)?)),
        _ => return Ok(Reply::html(404)),
    };
    let rows = store.table(kind).rows.iter();
    let mut all: Vec<Value> = rows
        .filter(|(id, _)| wanted.is_none_or(|wanted| wanted == **id))
        .map(|(id, row)| {
            let mut fields = view::plain(*id, row);
            if let Some(fields) = fields.as_object_mut() {
                fields.insert("payment_delivery_variants".into(), pairs(store, *id));
            }
            fields
        })
        .collect();
    match wanted {
        None => Ok(Reply::json(&all)),
        Some(_) => Ok(Reply::json(&all.pop().ok_or_else(Problem::missing)?)),
    }
}

/// The pairs that a delivery or a payment is of.
fn pairs(store: &Store, of: u64) -> Value {
    let all = (0u32..).zip(&store.pairs);
    all.filter(|(_, (delivery, gateway))| of == *delivery || of == *gateway)
        .map(|(place, (delivery, gateway))| {
            json!({
                "id": store.id("pairs", place), "delivery_variant_id": delivery,
                "payment_gateway_id": gateway,
            })
        })
        .collect()
}

/// `POST fields`: title, kind and destiny must be there, and the handle must be free.
pub(crate) fn create_field(call: &mut Call) -> Answer {
    let mut fields = call.wrapped("field")?;
    if text(&fields, "title").is_empty() {
        return Err(Problem::field("title", "не может быть пустым"));
    }
    if !FIELD_KINDS.contains(&text(&fields, "type")) {
        return Err(Problem::field("type", "имеет неверное значение"));
    }
    let destiny = fields.get("destiny").and_then(Value::as_u64);
    if !destiny.is_some_and(|destiny| (1..=5).contains(&destiny)) {
        return Err(Problem::field("destiny", "имеет неверное значение"));
    }
    let handle = text(&fields, "handle");
    let mut taken = call.store.table("fields").rows.values();
    if taken.any(|row| !handle.is_empty() && text(&row.body, "handle") == handle) {
        return Err(Problem::field("handle", "уже существует"));
    }
    if handle.is_empty() {
        fields.insert("handle".into(), format!("field-{}", call.now_ms).into());
    }
    made(call, "fields", None, fields)
}

/// `POST webhooks`, `PUT webhooks/{id}`. Nobody minds two that are the same.
pub(crate) fn put_webhook(call: &mut Call, id: Option<u64>) -> Answer {
    let mut fields = call.wrapped("webhook")?;
    if id.is_none() {
        fields.entry("format_type").or_insert("json".into());
        for name in ["topic", "address"] {
            fields.entry(name).or_insert(Value::Null);
        }
    }
    let given = |name: &str| fields.contains_key(name).then(|| text(&fields, name));
    if given("topic").is_some_and(|topic| !TOPICS.contains(&topic)) {
        return Err(Problem::field("topic", "имеет неверное значение"));
    }
    let reachable =
        |address: &str| address.starts_with("https://") || address.starts_with("http://");
    if given("address").is_some_and(|address| !reachable(address)) {
        return Err(Problem::field("address", "имеет неверное значение"));
    }
    if given("format_type").is_some_and(|kind| kind != "json") {
        return Err(Problem::field("format_type", "имеет неверное значение"));
    }
    made(call, "webhooks", id, fields)
}

fn made(call: &mut Call, kind: &'static str, id: Option<u64>, mut fields: Fields) -> Answer {
    fields.remove("id");
    let now = call.now();
    let status = if id.is_none() { 201 } else { 200 };
    let id = write::put_plain(call.store, kind, id, &Value::Object(fields), now)?;
    let row = call
        .store
        .table(kind)
        .get(id)
        .ok_or_else(Problem::missing)?;
    Ok(Reply::json(&view::plain(id, row)).status(status))
}

fn text<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).and_then(Value::as_str).unwrap_or_default()
}
