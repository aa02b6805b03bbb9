//! Orders (§6): lists, creation, changes. There is no idempotency: what is sent twice is there twice.

use serde_json::{Value, json};

use super::list::Page;
use super::{Answer, Call, Event, id};
use crate::generate::draw;
use crate::message::{Problem, Reply};
use crate::money;
use crate::order::{self, Change, FieldValue, Line, Order};
use crate::state::{Fields, Quoted, Row, Store};

/// The number of the first order of a shop.
const FIRST_NUMBER: u64 = 1001;
/// The fewest digits of a phone.
const PHONE_DIGITS: usize = 10;
/// Which fields are an order's (`destiny`, §4).
const OF_ORDERS: u64 = 3;

/// `GET orders…`.
pub(crate) fn read(call: &Call, rest: &[&str]) -> Answer {
    let store = &*call.store;
    let show =
        |id: u64, row: &Row<Order>| order::view(store, id, row, store.quoted == Quoted::Always);
    match rest {
        [] => {
            let page = Page::of(call.ask)?;
            // The newest come first, so that a new one moves all pages.
            let ids = page.ids(&store.orders, true, filter(call)).into_iter();
            let rows: Vec<Value> = ids
                .filter_map(|id| Some(show(id, store.orders.get(id)?)))
                .collect();
            Ok(Reply::json(&rows))
        }
        ["count"] => {
            let count = Page::of(call.ask)?.count(&store.orders, filter(call));
            Ok(Reply::json(&json!({ "count": count })))
        }
        [one] => {
            let one = id(one)?;
            let row = store.orders.get(one).ok_or_else(Problem::missing)?;
            Ok(Reply::json(&show(one, row)))
        }
        _ => Ok(Reply::html(404)),
    }
}

/// What of §6.1 narrows a list. Arrays without brackets are passed over.
fn filter<'a>(call: &'a Call) -> impl Fn(u64, &Row<Order>) -> bool + 'a {
    let among = |name: &str, value: &str| {
        let wanted = call.ask.array(name);
        wanted.is_empty() || wanted.contains(&value)
    };
    move |_, row| {
        let order = &row.body;
        let system = order::system(call.store, &order.status);
        let closed = matches!(system.as_str(), "delivered" | "declined" | "returned");
        let open = match call.ask.param("status") {
            Some("open") => !closed,
            Some("closed") => closed,
            _ => true,
        };
        let paid = match call.ask.param("financial_status") {
            Some("paid") => order.paid,
            Some("pending") => !order.paid,
            _ => true,
        };
        open && paid
            && among("fulfillment_status", &system)
            && among("delivery_variant", &order.delivery.to_string())
            && among("payment_gateway_id", &order.gateway.to_string())
    }
}

/// `POST orders`: 201 with the whole order.
pub(crate) fn create(call: &mut Call) -> Answer {
    let fields = call.wrapped("order")?;
    let who = format!("API {}", call.key.id);
    let id = make(call.store, &fields, call.now_ms, &who, &mut call.events)?;
    answer(call, id).map(|reply| reply.status(201))
}

/// `PUT orders/{id}`. What says what is there already is a change as well.
pub(crate) fn change(call: &mut Call, id: u64) -> Answer {
    let fields = call.wrapped("order")?;
    let who = format!("API {}", call.key.id);
    edit(call.store, id, &fields, call.now_ms, &who)?;
    call.events.push(Event::new("orders/update", id));
    answer(call, id)
}

/// `DELETE orders/{id}`: into the trash.
pub(crate) fn delete(call: &mut Call, id: u64) -> Answer {
    let now = call.now();
    let gone = call.store.orders.change(id, now, |row| row.archived = true);
    gone.ok_or_else(Problem::missing)?;
    call.events.push(Event::new("orders/destroy", id));
    Ok(Reply::ok())
}

fn answer(call: &Call, id: u64) -> Answer {
    let row = call.store.orders.get(id).ok_or_else(Problem::missing)?;
    let quoted = call.store.quoted == Quoted::Always;
    Ok(Reply::json(&order::view(call.store, id, row, quoted)))
}

/// Makes an order, as whoever, and says what happened.
pub(crate) fn make(
    store: &mut Store,
    fields: &Fields,
    now_ms: i64,
    who: &str,
    events: &mut Vec<Event>,
) -> Result<u64, Problem> {
    let now = now_ms.div_euclid(1000);
    let mut order = read_new(store, fields, now)?;
    let (client, new) = client(store, fields.get("client"), now)?;
    let id = store.new_id();
    order.client = client;
    order.address_id = store.new_id();
    order.number = FIRST_NUMBER + store.orders.rows.len() as u64;
    order.key = format!("{:016x}{:016x}", draw(1, "key", id), draw(2, "key", id));
    note(store, &mut order, "order_created", None, None, now_ms, who);
    let lines = order.lines.clone();
    store.orders.put(id, Row::new(now, order));
    if new {
        events.push(Event::new("client/create", client));
    }
    events.push(Event::new("orders/create", id));
    // What is sold is missing in stock, so that goods change with every order (§12.4).
    for line in &lines {
        store.edit(line.product, now, |product| {
            let mut variants = product.variants.iter_mut();
            if let Some(one) = variants.find(|one| one.id == line.variant) {
                one.sell(line.quantity, now);
            }
        });
        events.push(Event::new("products/update", line.product));
    }
    Ok(id)
}

/// Everything of a new order but its customer.
fn read_new(store: &mut Store, fields: &Fields, now: i64) -> Result<Order, Problem> {
    let mut order = Order {
        status: "new".to_owned(),
        ..Order::default()
    };
    apply_lines(store, &mut order, fields, now)?;
    if order.lines.is_empty() {
        return Err(Problem::field("order_lines", "не может быть пустым"));
    }
    for name in ["delivery_variant_id", "payment_gateway_id"] {
        if !fields.contains_key(name) {
            return Err(Problem::field(name, "не может быть пустым"));
        }
    }
    apply(store, &mut order, fields, now)?;
    if order.address.get("address").is_none() && !is_pickup(store, order.delivery) {
        return Err(Problem::field(
            "shipping_address.address",
            "не может быть пустым",
        ));
    }
    Ok(order)
}

/// Changes an order, as whoever: its custom status, payment, fields, lines, delivery, comments.
pub(crate) fn edit(
    store: &mut Store,
    id: u64,
    fields: &Fields,
    now_ms: i64,
    who: &str,
) -> Result<(), Problem> {
    let now = now_ms.div_euclid(1000);
    let mut order = store
        .orders
        .get(id)
        .ok_or_else(Problem::missing)?
        .body
        .clone();
    let before = order.clone();
    apply_lines(store, &mut order, fields, now)?;
    apply(store, &mut order, fields, now)?;
    if order.status != before.status {
        let (was, is) = (Some(before.status), Some(order.status.clone()));
        note(
            store,
            &mut order,
            "custom_status_changed",
            was,
            is,
            now_ms,
            who,
        );
    }
    if order.paid != before.paid {
        let name = |paid: bool| Some(if paid { "paid" } else { "pending" }.to_owned());
        let (was, is) = (name(before.paid), name(order.paid));
        note(
            store,
            &mut order,
            "financial_status_changed",
            was,
            is,
            now_ms,
            who,
        );
    }
    store.orders.change(id, now, |row| row.body = order);
    Ok(())
}

fn note(
    store: &mut Store,
    order: &mut Order,
    action: &'static str,
    was: Option<String>,
    is: Option<String>,
    at_ms: i64,
    who: &str,
) {
    let id = store.new_id();
    let who = who.to_owned();
    order.changes.push(Change {
        id,
        at_ms,
        action,
        was,
        is,
        who,
    });
}

/// Everything but lines and customer. Unknown names are passed over, `custom_status` among them (§6.3).
fn apply(store: &mut Store, order: &mut Order, fields: &Fields, now: i64) -> Result<(), Problem> {
    let text = |name: &str| {
        fields
            .get(name)
            .map(|value| value.as_str().map(str::to_owned))
    };
    if let Some(comment) = text("comment") {
        order.comment = comment;
    }
    if let Some(comment) = text("manager_comment") {
        order.manager_comment = comment;
    }
    for name in ["shipping_address", "shipping_address_attributes"] {
        if let Some(Value::Object(address)) = fields.get(name) {
            order.address.extend(address.clone());
        }
    }
    if order.address.get("address").and_then(Value::as_str) == Some("") {
        order.address.remove("address");
    }
    apply_ways(store, order, fields)?;
    apply_status(store, order, fields, now)?;
    apply_fields(store, order, fields, now);
    Ok(())
}

/// Delivery and payment: both must be there, and the pair must be allowed (§7).
fn apply_ways(store: &Store, order: &mut Order, fields: &Fields) -> Result<(), Problem> {
    let number = |name: &str| {
        fields
            .get(name)
            .map(|value| self::number(value).unwrap_or(0))
    };
    let (delivery, gateway) = (number("delivery_variant_id"), number("payment_gateway_id"));
    order.delivery = delivery.unwrap_or(order.delivery);
    order.gateway = gateway.unwrap_or(order.gateway);
    if store.fields("delivery_variants", order.delivery).is_none() {
        return Err(Problem::field("delivery_variant_id", "не найден"));
    }
    if store.fields("payment_gateways", order.gateway).is_none() {
        return Err(Problem::field("payment_gateway_id", "не найден"));
    }
    if !store.pairs.contains(&(order.delivery, order.gateway)) {
        let text = "недоступен для выбранного способа доставки";
        return Err(Problem::field("payment_gateway_id", text));
    }
    let given = fields
        .get("delivery_price")
        .filter(|value| !value.is_null());
    if let Some(given) = given {
        let wrong = || Problem::field("delivery_price", "имеет неверное значение");
        order.delivery_price = money::kopecks(given).ok_or_else(wrong)?;
    } else if delivery.is_some() {
        order.delivery_price = delivery_price(store, order);
    }
    Ok(())
}

fn is_pickup(store: &Store, delivery: u64) -> bool {
    let fields = store.fields("delivery_variants", delivery);
    fields.and_then(|fields| fields.get("type")?.as_str()) == Some("DeliveryVariant::PickUp")
}

/// The delivery's own price, and nothing from `charge_up_to` on.
fn delivery_price(store: &Store, order: &Order) -> i64 {
    let fields = store.fields("delivery_variants", order.delivery);
    let amount = |name: &str| money::kopecks(fields?.get(name)?);
    match amount("charge_up_to") {
        Some(free) if order.items() >= free => 0,
        _ => amount("price").unwrap_or(0),
    }
}

fn apply_status(
    store: &Store,
    order: &mut Order,
    fields: &Fields,
    now: i64,
) -> Result<(), Problem> {
    if let Some(value) = fields.get("custom_status_permalink") {
        let permalink = value.as_str().unwrap_or_default();
        if order::status(store, permalink).is_none() {
            return Err(Problem::field("custom_status_permalink", "не найден"));
        }
        order.status = permalink.to_owned();
        match order::system(store, permalink).as_str() {
            "accepted" | "approved" => order.accepted_at = order.accepted_at.or(Some(now)),
            "delivered" => order.delivered_at = order.delivered_at.or(Some(now)),
            _ => {}
        }
    }
    match fields.get("financial_status").map(|value| value.as_str()) {
        None => {}
        Some(Some("paid")) => {
            order.paid = true;
            order.paid_at = order.paid_at.or(Some(now));
        }
        Some(Some("pending")) => (order.paid, order.paid_at) = (false, None),
        Some(_) => {
            return Err(Problem::field(
                "financial_status",
                "имеет неверное значение",
            ));
        }
    }
    Ok(())
}

/// Values of the order's own fields, by id or handle. What is no field of orders is passed over.
fn apply_fields(store: &mut Store, order: &mut Order, fields: &Fields, now: i64) {
    let given = fields
        .get("fields_values_attributes")
        .and_then(Value::as_array);
    for one in given.into_iter().flatten() {
        let Some(field) = field(store, one) else {
            continue;
        };
        let value = match one.get("value") {
            Some(Value::String(text)) => text.clone(),
            None | Some(Value::Null) => String::new(),
            Some(other) => other.to_string(),
        };
        if let Some(known) = order.fields.iter_mut().find(|known| known.field == field) {
            (known.value, known.updated) = (value, now);
            continue;
        }
        let id = store.new_id();
        order.fields.push(FieldValue {
            id,
            field,
            value,
            created: now,
            updated: now,
        });
    }
}

fn field(store: &Store, given: &Value) -> Option<u64> {
    let (id, handle) = (
        given.get("field_id").and_then(number),
        given.get("handle").and_then(Value::as_str),
    );
    let mut rows = store.table("fields").rows.iter();
    let found = rows.find(|(known, row)| {
        let ours = row.body.get("destiny").and_then(Value::as_u64) == Some(OF_ORDERS);
        let named = handle.is_some() && row.body.get("handle").and_then(Value::as_str) == handle;
        ours && (id == Some(**known) || id.is_none() && named)
    });
    found.map(|(id, _)| *id)
}

/// Adds, changes and (`_destroy`) takes away lines.
fn apply_lines(
    store: &mut Store,
    order: &mut Order,
    fields: &Fields,
    now: i64,
) -> Result<(), Problem> {
    let given = fields
        .get("order_lines_attributes")
        .and_then(Value::as_array);
    for one in given.into_iter().flatten() {
        let known = one.get("id").and_then(number);
        if one.get("_destroy") == Some(&Value::Bool(true)) {
            order.lines.retain(|line| Some(line.id) != known);
            continue;
        }
        let place = order.lines.iter_mut().find(|line| Some(line.id) == known);
        match place {
            Some(line) => read_line(line, one, now)?,
            None => {
                let mut line = new_line(store, one, now)?;
                read_line(&mut line, one, now)?;
                order.lines.push(line);
            }
        }
    }
    Ok(())
}

/// A line of a variant, or of a product's first one. What is in the trash cannot be ordered.
fn new_line(store: &mut Store, given: &Value, now: i64) -> Result<Line, Problem> {
    let missing = || Problem::field("order_lines.variant_id", "не найден");
    let variant = given.get("variant_id").and_then(number);
    let product = match variant {
        Some(variant) => store.product_of(variant),
        None => given.get("product_id").and_then(number),
    };
    let product = product.ok_or_else(missing)?;
    let row = store
        .products
        .get(product)
        .filter(|row| !row.archived)
        .ok_or_else(missing)?;
    let body = store.body(row).into_owned();
    let mut variants = body.variants.into_iter();
    let variant = variants
        .find(|one| variant.is_none_or(|id| id == one.id))
        .ok_or_else(missing)?;
    Ok(Line {
        id: store.new_id(),
        product,
        variant: variant.id,
        title: body.title,
        sku: variant.sku,
        barcode: variant.barcode,
        unit: body.unit,
        vat: body.vat,
        price: variant.price,
        quantity: 0,
        created: now,
        updated: now,
    })
}

fn read_line(line: &mut Line, given: &Value, now: i64) -> Result<(), Problem> {
    let wrong = |name: &str| Problem::field(name, "имеет неверное значение");
    if let Some(quantity) = given.get("quantity") {
        line.quantity =
            money::thousandths(quantity).ok_or_else(|| wrong("order_lines.quantity"))?;
    }
    if line.quantity <= 0 {
        return Err(Problem::field(
            "order_lines.quantity",
            "должно быть больше 0",
        ));
    }
    if let Some(price) = given.get("sale_price").filter(|value| !value.is_null()) {
        let price = money::kopecks(price).filter(|price| *price >= 0);
        line.price = price.ok_or_else(|| wrong("order_lines.sale_price"))?;
    }
    line.updated = now;
    Ok(())
}

/// The customer who is meant by id, e-mail or phone, or a new one; whether it is new. A known one stays as
/// it was.
fn client(store: &mut Store, given: Option<&Value>, now: i64) -> Result<(u64, bool), Problem> {
    let given = given.and_then(Value::as_object);
    let given = given.ok_or_else(|| Problem::field("client", "не может быть пустым"))?;
    if let Some(id) = given.get("id").and_then(number) {
        let known = store.fields("clients", id).is_some();
        return if known {
            Ok((id, false))
        } else {
            Err(Problem::field("client.id", "не найден"))
        };
    }
    let text = |name: &str| {
        given
            .get(name)
            .and_then(Value::as_str)
            .unwrap_or_default()
            .trim()
            .to_owned()
    };
    let (name, email, phone) = (text("name"), text("email"), text("phone"));
    let digits: String = phone.chars().filter(char::is_ascii_digit).collect();
    if name.is_empty() {
        return Err(Problem::field("client.name", "не может быть пустым"));
    }
    if email.is_empty() && phone.is_empty() {
        return Err(Problem::field("client.phone", "не может быть пустым"));
    }
    if !phone.is_empty() && digits.len() < PHONE_DIGITS {
        return Err(Problem::field("client.phone", "имеет неверное значение"));
    }
    let phone = (!phone.is_empty()).then(|| format!("+{digits}"));
    let same = |row: &Row<Fields>| {
        let is =
            |name: &str, value: &str| row.body.get(name).and_then(Value::as_str) == Some(value);
        !email.is_empty() && is("email", &email)
            || phone.as_ref().is_some_and(|phone| is("phone", phone))
    };
    let mut rows = store.table("clients").rows.iter();
    if let Some((id, _)) = rows.find(|(_, row)| same(row)) {
        return Ok((*id, false));
    }
    let id = store.new_id();
    let fields = json!({
        "name": name, "surname": given.get("surname"), "middlename": given.get("middlename"),
        "email": (!email.is_empty()).then_some(&email), "phone": phone, "registered": false,
        "subscribe": false, "client_group_id": null, "bonus_points": 0, "type": "Client::Individual",
        "consent_to_personal_data": given.get("consent_to_personal_data"), "messenger_subscription": false,
    });
    store.put_plain("clients", id, fields, now);
    Ok((id, true))
}

/// An id as a number or a text.
fn number(value: &Value) -> Option<u64> {
    value.as_u64().or_else(|| value.as_str()?.parse().ok())
}
