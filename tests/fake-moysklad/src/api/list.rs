//! Lists: filter, order, page (JSON API §1.6, §3.10).

use std::cmp::Reverse;

use serde_json::Value;

use super::filter::Filter;
use super::query::{Condition, Op, Query};
use super::{Answer, Call, account, envelope, view};
use crate::error::{Problem, bad_query};
use crate::kinds::{self, ASSORTMENT, Class, Kind};
use crate::link;
use crate::message::Reply;
use crate::state::{Account, Order, Row};
use crate::stock::{Quantity, number};

/// Fields by which a list may be ordered.
const SORTABLE: &[&str] = &[
    "id",
    "version",
    "updated",
    "updatedBy",
    "name",
    "code",
    "externalCode",
    "archived",
    "pathName",
    "article",
    "syncId",
    "description",
    "moment",
    "applicable",
    "sum",
    "created",
    "deliveryPlannedMoment",
    "phone",
    "email",
];

/// `GET /entity/{type}`.
pub(super) fn list(call: &Call, kind: &'static Kind) -> Answer {
    let page = Query::parse(&call.ask.query)?;
    let filter = Filter::new(kind, &page.filter, page.search.clone(), &call.origins.api)?;
    let account = account(call)?;
    let order = order(account, kind, &page)?;
    let passing = order.iter().filter_map(|place| account.at(kind, *place));
    let mut passing = passing.filter(|row| filter.passes(account, kind, row));
    let view = view(call)?;
    let mut size = passing.by_ref().take(page.offset).count();
    let rows: Vec<Value> = passing
        .by_ref()
        .take(page.limit)
        .map(|row| view.show(kind, row, &page.expand))
        .collect();
    size += rows.len() + passing.count();
    let size = if page.offset > 0 && rows.is_empty() {
        count(account, kind, &filter)
    } else {
        size
    };
    Ok(Reply::json(&envelope(call, kind.name, &page, size, rows)))
}

fn count(account: &Account, kind: &Kind, filter: &Filter) -> usize {
    account
        .rows(kind.name)
        .filter(|row| filter.passes(account, kind, row))
        .count()
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    None,
    Number(i64),
    Text(String),
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Part {
    Up(Key),
    Down(Reverse<Key>),
}

/// The rows in the order that is asked for. Without one the order is nobody's promise: here the rows that
/// changed last come last, so that a change between two pages moves all others.
fn order(account: &Account, kind: &Kind, page: &Query) -> Result<Order, Problem> {
    for (field, _) in &page.order {
        if !SORTABLE.contains(&field.as_str()) {
            let text = format!("Ошибка сортировки: неизвестное поле '{field}'");
            return Err(bad_query(1034, text).at("order"));
        }
    }
    let name = format!("{:?}", page.order);
    Ok(account.ordered(kind, &name, |row| {
        let part = |(field, down): &(String, bool)| match key(account, kind, row, field) {
            key if *down => Part::Down(Reverse(key)),
            key => Part::Up(key),
        };
        let parts: Vec<Part> = page.order.iter().map(part).collect();
        let last = if page.order.is_empty() {
            row.updated
        } else {
            0
        };
        (parts, last, row.id)
    }))
}

fn key(account: &Account, kind: &Kind, row: &Row, field: &str) -> Key {
    match field {
        "id" => Key::Text(row.id.to_string()),
        "updated" => Key::Number(row.updated),
        "archived" => Key::Number(row.archived.into()),
        _ => match account.object(kind, row).get(field) {
            Some(Value::String(text)) => Key::Text(text.to_lowercase()),
            Some(Value::Number(number)) => {
                // Sums are whole kopecks: what follows the point does not order them.
                let whole = number.to_string();
                Key::Number(
                    whole
                        .split('.')
                        .next()
                        .and_then(|n| n.parse().ok())
                        .unwrap_or(0),
                )
            }
            Some(Value::Bool(flag)) => Key::Number((*flag).into()),
            _ => Key::None,
        },
    }
}

/// `GET /entity/assortment`: the old endpoint with stock, the new one by its header without.
pub(super) fn assortment(call: &Call) -> Answer {
    let new = call.ask.header("x-lognex-remap-beta-feature") == Some("assortmentWithoutStock");
    let mut page = Query::parse(&call.ask.query)?;
    if new {
        page.expand = page.expand.only(&["product", "images", "components"]);
    }
    let (types, folders, conditions) = sort_out(&page.filter, new)?;
    let account = account(call)?;
    let view = view(call)?;
    let mut found: Vec<(&'static Kind, &Row)> = Vec::new();
    for name in ASSORTMENT {
        let Some(kind) = kinds::kind(name) else {
            continue;
        };
        if !types.is_empty() && !types.iter().any(|one| one == name) {
            continue;
        }
        let filter = match Filter::new(kind, &conditions, page.search.clone(), &call.origins.api) {
            Ok(filter) => filter,
            // A variant has no such field: no variant passes.
            Err(_) if kind.name == "variant" || kind.name == "service" => continue,
            Err(problem) => return Err(problem),
        };
        let order = order(account, kind, &page)?;
        let rows = order.iter().filter_map(|place| account.at(kind, *place));
        let rows = rows.filter(|row| filter.passes(account, kind, row));
        found.extend(
            rows.filter(|row| folders.pass(account, kind, row))
                .map(|row| (kind, row)),
        );
    }
    let size = found.len();
    let rows = found
        .into_iter()
        .skip(page.offset)
        .take(page.limit)
        .map(|(kind, row)| {
            let mut shown = view.show(kind, row, &page.expand);
            if !new && matches!(kind.name, "product" | "variant") {
                add_stock(account, kind, row, &mut shown);
            }
            shown
        });
    let rows = rows.collect();
    Ok(Reply::json(&envelope(
        call,
        "assortment",
        &page,
        size,
        rows,
    )))
}

/// The folders that a filter of the assortment names.
#[derive(Debug, Default)]
struct Folders {
    named: Vec<uuid::Uuid>,
    only_these: bool,
}

impl Folders {
    fn pass(&self, account: &Account, kind: &Kind, row: &Row) -> bool {
        if self.named.is_empty() {
            return true;
        }
        let mut fields = account.fields(kind.name, row).into_owned();
        if let Some((_, product)) = fields.get("product").and_then(link::target)
            && let Some(row) = account.row("product", product)
        {
            fields = account.fields("product", row).into_owned();
        }
        let Some(folder) = fields.get("productFolder").and_then(link::id) else {
            return false;
        };
        let inside = |named: &uuid::Uuid| {
            if self.only_these {
                *named == folder
            } else {
                account.is_below(folder, *named)
            }
        };
        self.named.iter().any(inside)
    }
}

type Sorted = (Vec<String>, Folders, Vec<Condition>);

/// Takes out of a filter what only the assortment knows.
fn sort_out(filter: &[Condition], new: bool) -> Result<Sorted, Problem> {
    let (mut types, mut folders, mut rest) = (Vec::new(), Folders::default(), Vec::new());
    for one in filter {
        match one.field.as_str() {
            "type" if one.op == Op::Is => types.push(one.value.clone()),
            "productFolder" if one.op == Op::Is => folders.named.extend(link::last_id(&one.value)),
            "withSubFolders" => folders.only_these = one.value == "false",
            "article" if new => {
                return Err(bad_query(
                    1034,
                    "Ошибка фильтрации: неизвестное поле 'article'",
                ));
            }
            _ => rest.push(one.clone()),
        }
    }
    Ok((types, folders, rest))
}

fn add_stock(account: &Account, kind: &Kind, row: &Row, shown: &mut Value) {
    let all = account
        .rows("store")
        .map(|store| account.stock_in(kind.name, row, store.id));
    let all = all.fold(Quantity::default(), Quantity::plus);
    if let Some(shown) = shown.as_object_mut() {
        for name in ["stock", "reserve", "inTransit", "quantity"] {
            shown.insert(name.into(), all.of(name).map_or(Value::Null, number));
        }
    }
}

/// Whether objects of that kind are goods.
pub(super) fn is_good(kind: &str) -> bool {
    kinds::kind(kind).is_some_and(|kind| kind.class == Class::Good)
}
