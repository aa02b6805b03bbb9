//! Who asks, and what that one may (§1, §2, and the boxes of a key).

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;

use super::Call;
use crate::message::{Ask, Reply};
use crate::state::{Key, Rights, Store, Tariff};

/// The key that opens the shop, if the request has one.
pub(crate) fn key(store: &Store, ask: &Ask) -> Option<Key> {
    let packed = ask.header("authorization")?.strip_prefix("Basic ")?;
    let text = String::from_utf8(BASE64_STANDARD.decode(packed).ok()?).ok()?;
    let (id, password) = text.split_once(':')?;
    let mut keys = store.keys.iter();
    keys.find(|key| key.id == id && key.password == password)
        .cloned()
}

/// The answer to whoever has none. It is no JSON.
pub(crate) fn stranger() -> Reply {
    Reply::text(401, "HTTP Basic: Access denied.\n")
        .with("www-authenticate", "Basic realm=\"Application\"")
}

/// What keeps even the right key out: the tariff, or a body of another kind than JSON.
pub(crate) fn shut(call: &Call) -> Option<Reply> {
    match call.store.tariff {
        Tariff::Full => {}
        Tariff::NoApi => return Some(Reply::empty(403)),
        Tariff::Blocked => return Some(Reply::text(423, "Locked")),
    }
    let kind = call.ask.header("content-type").unwrap_or_default();
    let json = kind.split(';').next().unwrap_or_default().trim() == "application/json";
    let writes = matches!(call.ask.method.as_str(), "POST" | "PUT");
    (writes && !json).then(|| Reply::empty(415))
}

/// Whether a key with these rights may do this. Which right settings want is not documented.
pub(crate) fn may(rights: &Rights, method: &str, parts: &[&str]) -> bool {
    let reads = method == "GET";
    match parts.first().copied().unwrap_or_default() {
        "orders" => rights.orders && (reads || rights.edit_orders),
        "clients" => rights.clients,
        "account" | "custom_statuses" | "delivery_variants" | "payment_gateways" => rights.settings,
        "fields" | "webhooks" if reads => rights.settings,
        "fields" | "webhooks" => rights.edit_settings,
        _ => rights.products,
    }
}
