//! The Admin API (§4): who may ask what, and what is answered.

pub(crate) mod auth;
pub(crate) mod list;
pub(crate) mod orders;
pub(crate) mod settings;
pub(crate) mod write;

use serde_json::{Value, json};

use crate::generate::CHANGED_S;
use crate::message::{Ask, Problem, Reply};
use crate::state::{Fields, Key, Row, Store, plain};
use crate::time::shown;
use crate::view::{self, View};
use list::Page;

/// What happened to a thing, as webhooks tell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Event {
    /// `orders/create`, `products/update` …
    pub(crate) topic: &'static str,
    pub(crate) id: u64,
}

impl Event {
    pub(crate) fn new(topic: &'static str, id: u64) -> Self {
        Self { topic, id }
    }
}

/// A request that was let in.
pub(crate) struct Call<'a> {
    pub(crate) store: &'a mut Store,
    pub(crate) ask: &'a Ask,
    pub(crate) key: Key,
    /// The fake's own origin.
    pub(crate) origin: &'a str,
    pub(crate) now_ms: i64,
    pub(crate) events: Vec<Event>,
}

impl Call<'_> {
    pub(crate) fn now(&self) -> i64 {
        self.now_ms.div_euclid(1000)
    }

    fn view(&self) -> View<'_> {
        View {
            store: self.store,
            origin: self.origin,
            rights: self.key.rights,
        }
    }

    /// The object in the body under this name; without its wrapper it is nothing.
    pub(crate) fn wrapped(&self, name: &str) -> Result<Fields, Problem> {
        let body: Value = serde_json::from_slice(&self.ask.body)
            .map_err(|_| Problem::malformed("the body is no JSON"))?;
        let inner = body.get(name).and_then(Value::as_object);
        let missing =
            || Problem::malformed(format!("param is missing or the value is empty: {name}"));
        inner.cloned().ok_or_else(missing)
    }
}

/// Answers a request of somebody who has a key.
pub(crate) fn handle(call: &mut Call) -> Reply {
    if let Some(reply) = auth::shut(call) {
        return reply;
    }
    let path = call.ask.path.strip_prefix("/admin/");
    let Some(path) = path
        .and_then(|path| path.strip_suffix(".json"))
        .map(str::to_owned)
    else {
        return Reply::html(404);
    };
    let parts: Vec<&str> = path.split('/').collect();
    let method = call.ask.method.as_str().to_owned();
    if !auth::may(&call.key.rights, &method, &parts) {
        return Reply::empty(403);
    }
    let answer = match method.as_str() {
        "GET" => read(call, &parts),
        _ => change(call, &method, &parts),
    };
    answer.unwrap_or_else(Reply::from)
}

type Answer = Result<Reply, Problem>;

/// The id in a path.
fn id(text: &str) -> Result<u64, Problem> {
    text.parse().map_err(|_| Problem::missing())
}

fn read(call: &Call, parts: &[&str]) -> Answer {
    match parts {
        ["account"] => Ok(Reply::json(&account(call.store))),
        ["products"] => products(call),
        ["products", "count"] => {
            let page = Page::of(call.ask)?;
            let count = page.count(&call.store.products, product_filter(call));
            Ok(Reply::json(&json!({ "count": count })))
        }
        ["products", id, rest @ ..] => product(call, self::id(id)?, rest),
        ["collects"] => collects(call),
        ["orders", rest @ ..] => orders::read(call, rest),
        ["option_names", name, "option_values"] => {
            let name = id(name)?;
            let of = |row: &Row<Fields>| row.body.get("option_name_id") == Some(&name.into());
            Ok(Reply::json(&whole(call.store, "option_values", of)))
        }
        ["custom_statuses", permalink] => settings::status(call.store, permalink),
        ["delivery_variants" | "payment_gateways", ..] => settings::ways(call.store, parts),
        [kind @ ("collections" | "categories" | "clients")] => paged(call, kind, false),
        [kind @ ("collections" | "categories" | "clients"), "count"] => paged(call, kind, true),
        [kind] if plain(kind).is_some() => Ok(Reply::json(&whole(call.store, kind, |_| true))),
        [kind, id] if plain(kind).is_some() => {
            let id = self::id(id)?;
            let row = call
                .store
                .table(kind)
                .get(id)
                .ok_or_else(Problem::missing)?;
            Ok(Reply::json(&view::plain(id, row)))
        }
        _ => Ok(Reply::html(404)),
    }
}

fn change(call: &mut Call, method: &str, parts: &[&str]) -> Answer {
    match (method, parts) {
        ("POST", ["orders"]) => orders::create(call),
        ("PUT", ["orders", id]) => orders::change(call, self::id(id)?),
        ("DELETE", ["orders", id]) => orders::delete(call, self::id(id)?),
        ("POST", ["fields"]) => settings::create_field(call),
        ("POST", ["webhooks"]) => settings::put_webhook(call, None),
        ("PUT", ["webhooks", id]) => settings::put_webhook(call, Some(self::id(id)?)),
        ("DELETE", ["webhooks", id]) => {
            let gone = call.store.table_mut("webhooks").remove(self::id(id)?);
            gone.map(|_| Reply::ok()).ok_or_else(Problem::missing)
        }
        _ => Ok(Reply::html(404)),
    }
}

/// The shop itself. Which fields name its domains was not seen: `main_host` is the one that buyers see.
fn account(store: &Store) -> Value {
    let name = store.domain.split('.').next().unwrap_or_default();
    json!({
        "id": store.base, "title": format!("Магазин {name}"), "subdomain": name, "insales_domain": store.domain,
        "main_host": store.own_domain.as_ref().unwrap_or(&store.domain), "email": format!("owner@{name}.example.com"),
        "phone": "+79990000000", "locale": "ru", "currency_code": "RUR", "created_at": shown(CHANGED_S),
    })
}

/// All things of a kind whose list has no pages.
fn whole(store: &Store, kind: &str, wanted: impl Fn(&Row<Fields>) -> bool) -> Vec<Value> {
    let rows = store.table(kind).rows.iter();
    rows.filter(|(_, row)| wanted(row))
        .map(|(id, row)| view::plain(*id, row))
        .collect()
}

fn paged(call: &Call, kind: &str, counted: bool) -> Answer {
    let (page, table) = (Page::of(call.ask)?, call.store.table(kind));
    if counted {
        return Ok(Reply::json(
            &json!({ "count": page.count(table, |_, _| true) }),
        ));
    }
    let ids = page.ids(table, false, |_, _| true).into_iter();
    let rows: Vec<Value> = ids
        .filter_map(|id| Some(view::plain(id, table.get(id)?)))
        .collect();
    Ok(Reply::json(&rows))
}

/// `category_id`, `collection_id`.
fn product_filter<'a>(call: &'a Call) -> impl Fn(u64, &Row<crate::state::Body>) -> bool + 'a {
    let number = |name: &str| {
        call.ask
            .param(name)
            .and_then(|text| text.parse::<u64>().ok())
    };
    let (category, collection) = (number("category_id"), number("collection_id"));
    move |_, row| {
        if category.is_none() && collection.is_none() {
            return true;
        }
        let product = call.store.body(row);
        category.is_none_or(|id| product.category == id)
            && collection.is_none_or(|id| product.collections.contains(&id))
    }
}

fn products(call: &Call) -> Answer {
    let page = Page::of(call.ask)?;
    let ids = page.ids(&call.store.products, false, product_filter(call));
    let view = call.view();
    let shown: Vec<_> = ids.into_iter().filter_map(|id| view.product(id)).collect();
    Ok(Reply::json(&shown))
}

fn product(call: &Call, id: u64, rest: &[&str]) -> Answer {
    let shown = call.view().product(id).ok_or_else(Problem::missing)?;
    match rest {
        [] => Ok(Reply::json(&shown)),
        ["variants"] => Ok(Reply::json(&shown.variants())),
        ["variants", variant] => {
            let variant = shown.variant(self::id(variant)?);
            Ok(Reply::json(&variant.ok_or_else(Problem::missing)?))
        }
        ["images"] => Ok(Reply::json(&shown.images())),
        _ => Ok(Reply::html(404)),
    }
}

/// Which product lies in which collection. An id follows from both.
fn collects(call: &Call) -> Answer {
    let page = Page::of(call.ask)?;
    let number = |name: &str| {
        call.ask
            .param(name)
            .and_then(|text| text.parse::<u64>().ok())
    };
    let (of, within) = (number("product_id"), number("collection_id"));
    let rows = call.store.products.rows.iter();
    let rows = rows.filter(|(id, row)| !row.archived && of.is_none_or(|of| of == **id));
    let pairs = rows.flat_map(|(id, row)| {
        let collections = call.store.body(row).collections.clone();
        collections
            .into_iter()
            .map(|collection| (*id, collection, row.created))
    });
    let pairs: Vec<_> = pairs
        .filter(|(_, collection, _)| within.is_none_or(|within| within == *collection))
        .collect();
    let shown: Vec<Value> = page
        .of_slice(&pairs)
        .iter()
        .map(|(product, collection, created)| {
            json!({
                "id": product * 1_000_000 + collection % 1_000_000, "product_id": product,
                "collection_id": collection, "position": 1, "created_at": shown(*created),
            })
        })
        .collect();
    Ok(Reply::json(&shown))
}
