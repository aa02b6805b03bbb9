//! Reports of stock (JSON API §3.23).

use std::collections::HashSet;

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::query::{Op, Query, conditions, param};
use super::{Answer, Call, account, envelope, no_path};
use crate::error::{Problem, bad_query};
use crate::kinds;
use crate::link::{self, BASE};
use crate::message::Reply;
use crate::state::{Account, Row};
use crate::stock::{Quantity, number};
use crate::time::{DAY_MS, parse_msk};

/// `GET /report/stock/…`. Only an administrator sees stock here, or an app.
pub(super) fn answer(call: &Call, rest: &[&str]) -> Answer {
    let user = account(call)?.user(&call.session.uid);
    if user.is_some_and(|user| !user.admin) {
        return Err(Problem::new(403, 13004, "Нет прав на просмотр остатков"));
    }
    match rest {
        ["all"] => long(call, false),
        ["bystore"] => long(call, true),
        ["all", "current"] => short(call, false),
        ["bystore", "current"] => short(call, true),
        _ => Err(no_path()),
    }
}

/// Goods that have stock: products without variants, and variants.
fn goods(account: &Account) -> impl Iterator<Item = (&'static str, &Row)> {
    let with: HashSet<Uuid> = account
        .rows("variant")
        .filter_map(|row| link::id(account.fields("variant", row).get("product")?))
        .collect();
    let products = account
        .rows("product")
        .filter(move |row| !with.contains(&row.id));
    let products = products.map(|row| ("product", row));
    products.chain(account.rows("variant").map(|row| ("variant", row)))
}

fn short(call: &Call, by_store: bool) -> Answer {
    let query = &call.ask.query;
    let kind = param(query, "stockType").unwrap_or("stock");
    if Quantity::default().of(kind).is_none() {
        return Err(
            bad_query(13000, "Некорректное значение параметра 'stockType'").at("stockType"),
        );
    }
    let account = account(call)?;
    let since = since(call)?;
    let zero = since.is_some() || param(query, "include") == Some("zeroLines");
    let wanted = |name: &str| -> Result<HashSet<String>, Problem> {
        let all = param(query, "filter").map_or(Ok(Vec::new()), conditions)?;
        let mine = all
            .into_iter()
            .filter(|one| one.field == name && one.op == Op::Is);
        Ok(mine
            .flat_map(|one| one.value.split(',').map(str::to_owned).collect::<Vec<_>>())
            .collect())
    };
    let (wanted_goods, wanted_stores) = (wanted("assortmentId")?, wanted("storeId")?);
    let stores: Vec<Uuid> = account
        .rows("store")
        .map(|row| row.id)
        .filter(|id| wanted_stores.is_empty() || wanted_stores.contains(&id.to_string()))
        .collect();
    let mut rows = Vec::new();
    for (name, good) in goods(account) {
        let id = good.id.to_string();
        let changed = account.stock.changed.get(&good.id);
        let stale = since.is_some_and(|since| changed.is_none_or(|at| *at < since));
        if stale || !wanted_goods.is_empty() && !wanted_goods.contains(&id) {
            continue;
        }
        let each = stores
            .iter()
            .map(|store| (*store, account.stock_in(name, good, *store)));
        let mut push = |quantity: Quantity, store: Option<Uuid>| {
            let value = if good.archived {
                0
            } else {
                quantity.of(kind).unwrap_or(0)
            };
            if value != 0 || zero {
                rows.push(line(&id, store, kind, value));
            }
        };
        if by_store {
            each.for_each(|(store, quantity)| push(quantity, Some(store)));
        } else {
            push(
                each.map(|(_, q)| q)
                    .fold(Quantity::default(), Quantity::plus),
                None,
            );
        }
    }
    Ok(Reply::json(&Value::Array(rows)))
}

fn line(good: &str, store: Option<Uuid>, kind: &str, value: i64) -> Value {
    let mut line = Map::new();
    line.insert("assortmentId".into(), good.into());
    if let Some(store) = store {
        line.insert("storeId".into(), store.to_string().into());
    }
    line.insert(kind.into(), number(value));
    Value::Object(line)
}

/// From when on changes are asked for: at most a day back.
fn since(call: &Call) -> Result<Option<i64>, Problem> {
    let Some(text) = param(&call.ask.query, "changedSince") else {
        return Ok(None);
    };
    match parse_msk(text) {
        Some(at) if at >= call.now - DAY_MS => Ok(Some(at)),
        _ => Err(
            bad_query(13002, "Некорректное значение параметра 'changedSince'").at("changedSince"),
        ),
    }
}

/// A good and what is there of it in each store.
type Line<'a> = (&'static str, &'a Row, Vec<(&'a Row, Quantity)>);

fn long(call: &Call, by_store: bool) -> Answer {
    let page = Query::parse(&call.ask.query)?;
    let account = account(call)?;
    let all: Vec<Line> = goods(account)
        .filter(|(_, row)| !row.archived)
        .map(|(name, row)| {
            let stores = account.rows("store");
            let each = stores
                .map(|store| (store, account.stock_in(name, row, store.id)))
                .collect();
            (name, row, each)
        })
        .filter(|(_, _, each): &(_, _, Vec<(&Row, Quantity)>)| {
            each.iter()
                .any(|(_, quantity)| *quantity != Quantity::default())
        })
        .collect();
    let rows = all
        .iter()
        .skip(page.offset)
        .take(page.limit)
        .map(|(name, row, each)| {
            if by_store {
                stores_of(call, account, name, row, each)
            } else {
                sum_of(call, account, name, row, each)
            }
        });
    let rows = rows.collect();
    let kind = if by_store { "stockbystore" } else { "stock" };
    Ok(Reply::json(&envelope(call, kind, &page, all.len(), rows)))
}

/// The reference of a report's row: its address carries a query.
fn meta(call: &Call, kind: &str, id: Uuid) -> Value {
    json!({
        "href": format!("{}{BASE}entity/{kind}/{id}?expand=supplier", call.origins.api),
        "metadataHref": format!("{}{BASE}entity/{kind}/metadata", call.origins.api),
        "type": kind, "mediaType": "application/json",
    })
}

fn stores_of(
    call: &Call,
    account: &Account,
    kind: &str,
    row: &Row,
    each: &[(&Row, Quantity)],
) -> Value {
    let stores: Vec<Value> = each
        .iter()
        .map(|(store, quantity)| {
            let name = account.fields("store", store).get("name").cloned();
            json!({
                "meta": link::meta(&format!("entity/store/{}", store.id), "store", &call.origins.api),
                "name": name, "stock": number(quantity.stock), "reserve": number(quantity.reserve),
                "inTransit": number(quantity.in_transit),
            })
        })
        .collect();
    json!({ "meta": meta(call, kind, row.id), "stockByStore": stores })
}

fn sum_of(
    call: &Call,
    account: &Account,
    kind: &str,
    row: &Row,
    each: &[(&Row, Quantity)],
) -> Value {
    let all = each.iter().fold(Quantity::default(), |sum, (_, quantity)| {
        sum.plus(*quantity)
    });
    let object = kinds::kind(kind)
        .map(|kind| account.object(kind, row))
        .unwrap_or_default();
    let sale = object
        .get("salePrices")
        .and_then(|all| all.get(0)?.get("value").cloned());
    let mut made = json!({
        "meta": meta(call, kind, row.id), "stock": number(all.stock), "reserve": number(all.reserve),
        "inTransit": number(all.in_transit), "quantity": all.of("quantity").map(number),
        "price": 0.0, "salePrice": sale.unwrap_or_else(|| 0.0.into()), "stockDays": 1,
        "uom": { "name": "шт" },
    });
    if let Some(made) = made.as_object_mut() {
        for name in ["name", "code", "article", "externalCode"] {
            if let Some(value) = object.get(name) {
                made.insert(name.into(), value.clone());
            }
        }
    }
    made
}
