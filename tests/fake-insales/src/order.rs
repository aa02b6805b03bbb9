//! An order, and how it is shown (§6.5).

use serde_json::{Map, Value, json};

use crate::money;
use crate::state::{Fields, Row, Store};
use crate::time::{shown, shown_ms};

/// An order. Money is in kopecks, quantities are in thousandths, moments in seconds.
#[derive(Debug, Clone, Default)]
pub(crate) struct Order {
    pub(crate) number: u64,
    pub(crate) key: String,
    pub(crate) lines: Vec<Line>,
    pub(crate) client: u64,
    pub(crate) address_id: u64,
    pub(crate) address: Fields,
    pub(crate) delivery: u64,
    pub(crate) gateway: u64,
    pub(crate) delivery_price: i64,
    pub(crate) comment: Option<String>,
    pub(crate) manager_comment: Option<String>,
    /// The permalink of its custom status.
    pub(crate) status: String,
    pub(crate) paid: bool,
    pub(crate) paid_at: Option<i64>,
    pub(crate) accepted_at: Option<i64>,
    pub(crate) delivered_at: Option<i64>,
    pub(crate) fields: Vec<FieldValue>,
    pub(crate) changes: Vec<Change>,
}

/// A line.
#[derive(Debug, Clone, Default)]
pub(crate) struct Line {
    pub(crate) id: u64,
    pub(crate) product: u64,
    pub(crate) variant: u64,
    pub(crate) title: String,
    pub(crate) sku: Option<String>,
    pub(crate) barcode: Option<String>,
    pub(crate) unit: String,
    pub(crate) vat: i64,
    pub(crate) price: i64,
    pub(crate) quantity: i64,
    pub(crate) created: i64,
    pub(crate) updated: i64,
}

/// The value of a field of the order.
#[derive(Debug, Clone)]
pub(crate) struct FieldValue {
    pub(crate) id: u64,
    pub(crate) field: u64,
    pub(crate) value: String,
    pub(crate) created: i64,
    pub(crate) updated: i64,
}

/// A line of its history.
#[derive(Debug, Clone)]
pub(crate) struct Change {
    pub(crate) id: u64,
    pub(crate) at_ms: i64,
    pub(crate) action: &'static str,
    pub(crate) was: Option<String>,
    pub(crate) is: Option<String>,
    pub(crate) who: String,
}

impl Line {
    /// Price times quantity, half a kopeck up.
    pub(crate) fn total(&self) -> i64 {
        (self.price * self.quantity + 500).div_euclid(1000)
    }
}

impl Order {
    /// What the lines come to.
    pub(crate) fn items(&self) -> i64 {
        self.lines.iter().map(Line::total).sum()
    }

    /// What is to be paid: lines, delivery and what the payment adds.
    pub(crate) fn total(&self, store: &Store) -> i64 {
        let sum = self.items() + self.delivery_price;
        sum + (sum * margin(store, self.gateway) + 5_000).div_euclid(10_000)
    }
}

/// What a payment adds, in hundredths of a percent.
fn margin(store: &Store, gateway: u64) -> i64 {
    let fields = store.fields("payment_gateways", gateway);
    fields
        .and_then(|fields| money::kopecks(fields.get("margin")?))
        .unwrap_or(0)
}

/// The status with this permalink.
pub(crate) fn status<'a>(store: &'a Store, permalink: &str) -> Option<&'a Fields> {
    let mut all = store.table("custom_statuses").rows.values();
    let found =
        all.find(|row| row.body.get("permalink").and_then(Value::as_str) == Some(permalink));
    found.map(|row| &row.body)
}

/// The system status that one with this permalink belongs to.
pub(crate) fn system(store: &Store, permalink: &str) -> String {
    let fields = status(store, permalink);
    let system = fields.and_then(|fields| fields.get("system_status")?.as_str());
    system.unwrap_or("new").to_owned()
}

/// An order as it is shown; `quoted`: every number and boolean as a text.
pub(crate) fn view(store: &Store, id: u64, row: &Row<Order>, quoted: bool) -> Value {
    let order = &row.body;
    let mut made = main_part(store, id, row);
    made.extend(parties(store, order));
    made.insert(
        "order_lines".into(),
        order
            .lines
            .iter()
            .map(|line| shown_line(id, line))
            .collect(),
    );
    let changes = order.changes.iter().map(shown_change);
    made.insert("order_changes".into(), changes.collect());
    let fields = order.fields.iter().map(|value| shown_field(store, value));
    made.insert("fields_values".into(), fields.collect());
    let mut made = Value::Object(made);
    if quoted {
        quote(&mut made);
    }
    made
}

fn amount(kopecks: i64) -> Value {
    money::number(&money::price(kopecks))
}

fn title(store: &Store, kind: &str, id: u64) -> Value {
    let fields = store.fields(kind, id);
    fields
        .and_then(|fields| fields.get("title").cloned())
        .unwrap_or_default()
}

fn main_part(store: &Store, id: u64, row: &Row<Order>) -> Fields {
    let order = &row.body;
    let total = order.total(store);
    let delivery = title(store, "delivery_variants", order.delivery);
    let status_title = status(store, &order.status).and_then(|fields| fields.get("title").cloned());
    let moment = |at: Option<i64>| at.map(shown);
    let made = json!({
        "id": id, "number": order.number, "key": order.key, "archived": row.archived,
        "created_at": shown(row.created), "updated_at": shown(row.updated),
        "total_price": amount(total), "total_profit": amount(total), "items_price": amount(order.items()),
        "delivery_price": amount(order.delivery_price), "full_delivery_price": amount(order.delivery_price),
        "delivery_title": delivery, "delivery_description": delivery,
        "delivery_variant_id": order.delivery, "payment_gateway_id": order.gateway,
        "payment_title": title(store, "payment_gateways", order.gateway),
        "margin": money::price(margin(store, order.gateway)),
        "comment": order.comment, "manager_comment": order.manager_comment,
        "fulfillment_status": system(store, &order.status),
        "custom_status": { "permalink": order.status, "title": status_title },
        "financial_status": if order.paid { "paid" } else { "pending" },
        "paid_at": moment(order.paid_at), "accepted_at": moment(order.accepted_at),
        "delivered_at": moment(order.delivered_at), "delivery_date": null, "delivery_from_hour": null,
        "delivery_to_hour": null, "client_transaction_id": null, "currency_code": "RUR",
        "account_id": store.base, "locale": "ru", "source": "API", "discounts": [], "cookies": {},
        "responsible_user_id": null, "warehouse_id": store.warehouses().first(),
    });
    object(made)
}

fn parties(store: &Store, order: &Order) -> Fields {
    let mut client = store
        .fields("clients", order.client)
        .cloned()
        .unwrap_or_default();
    client.insert("id".into(), order.client.into());
    let mut address = order.address.clone();
    let text = address.get("address").cloned().unwrap_or_default();
    let name = client.get("name").cloned().unwrap_or_default();
    for (key, value) in [
        ("full_delivery_address", &text),
        ("address_for_gis", &text),
        ("name", &name),
        ("full_name", &name),
    ] {
        address.entry(key).or_insert_with(|| value.clone());
    }
    address.insert("id".into(), order.address_id.into());
    object(json!({
        "client": client, "shipping_address": address,
        "delivery_info": {
            "delivery_variant_id": order.delivery, "tariff_id": null,
            "title": title(store, "delivery_variants", order.delivery),
            "price": amount(order.delivery_price), "shipping_company": null,
            "delivery_interval": { "min_days": null, "max_days": null, "description": null },
            "outlet": { "id": null, "external_id": null, "title": null, "address": null },
        },
    }))
}

fn shown_line(order: u64, line: &Line) -> Value {
    let (price, total) = (amount(line.price), amount(line.total()));
    let quantity = money::number(&money::quantity(line.quantity));
    json!({
        "id": line.id, "order_id": order, "sale_price": price, "full_sale_price": price,
        "total_price": total, "full_total_price": total, "discounts_amount": amount(0),
        "quantity": quantity, "reserved_quantity": quantity, "weight": null, "dimensions": null,
        "variant_id": line.variant, "product_id": line.product, "sku": line.sku, "barcode": line.barcode,
        "title": line.title, "unit": line.unit, "comment": null, "vat": line.vat, "bundle_id": null,
        "fiscal_product_type": 1, "requires_marking": null, "marking_codes": null,
        "external_variant_id": null, "created_at": shown(line.created), "updated_at": shown(line.updated),
    })
}

fn shown_change(change: &Change) -> Value {
    json!({
        "id": change.id, "created_at": shown_ms(change.at_ms), "action": change.action,
        "value_was": change.was, "value_is": change.is, "user_name": change.who,
        "full_description": format!("{}: {}", change.who, change.action),
    })
}

fn shown_field(store: &Store, value: &FieldValue) -> Value {
    let of = |name: &str| {
        let fields = store.fields("fields", value.field);
        fields
            .and_then(|fields| fields.get(name).cloned())
            .unwrap_or_default()
    };
    json!({
        "id": value.id, "field_id": value.field, "value": value.value, "name": of("title"),
        "handle": of("handle"), "type": of("type"),
        "created_at": shown(value.created), "updated_at": shown(value.updated),
    })
}

fn quote(value: &mut Value) {
    match value {
        Value::Number(number) => *value = Value::String(number.to_string()),
        Value::Bool(bool) => *value = Value::String(bool.to_string()),
        Value::Array(all) => all.iter_mut().for_each(quote),
        Value::Object(fields) => fields.values_mut().for_each(quote),
        Value::Null | Value::String(_) => {}
    }
}

fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(fields) => fields,
        _ => Map::new(),
    }
}
