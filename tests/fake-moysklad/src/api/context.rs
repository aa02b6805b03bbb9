//! Who one is, settings, descriptions, the audit, downloads (JSON API §1.2, §1.9, §3.3, §3.9, §3.24).

use serde_json::{Value, json};
use uuid::Uuid;

use super::query::{Op, conditions, param};
use super::{Answer, Call, account, no_path, view};
use crate::error::{Problem, bad_query, not_found};
use crate::kinds::{self, Kind};
use crate::link::{self, BASE};
use crate::message::Reply;
use crate::state::{Audit, Event, Row};
use crate::time::{msk, parse_msk};
use crate::view::{Expand, path_of};

/// How long an address of a file lives, in seconds, and at most.
const FILE_SECONDS: i64 = 60;
const FILE_SECONDS_MOST: i64 = 86_400;
/// The page of the audit, and the largest.
const AUDIT_LIMIT: usize = 25;
const AUDIT_LIMIT_MOST: usize = 100;

/// `GET /context/…`.
pub(super) fn answer(call: &Call, rest: &[&str]) -> Answer {
    match rest {
        ["employee"] => employee(call),
        ["application"] => application(call),
        ["companysettings"] => settings(call),
        ["companysettings", "pricetype"] => {
            let rows = all(call, "pricetype", |_| true)?;
            Ok(Reply::json(&Value::Array(rows)))
        }
        ["companysettings", "pricetype", "default"] => {
            let id = account(call)?.made_id("pricetype", 0);
            price_type(call, id)
        }
        ["companysettings", "pricetype", id] => price_type(
            call,
            Uuid::parse_str(id).map_err(|_| not_found("pricetype", id))?,
        ),
        ["companysettings", "metadata"] => Ok(Reply::json(&json!({ "customEntities": [] }))),
        _ => Err(no_path()),
    }
}

fn all(call: &Call, name: &str, keep: impl Fn(&Row) -> bool) -> Result<Vec<Value>, Problem> {
    let kind = kinds::kind(name).ok_or_else(no_path)?;
    let view = view(call)?;
    let rows = account(call)?.rows(name).filter(|row| keep(row));
    let shown = rows.map(|row| {
        let mut shown = view.show(kind, row, &Expand::default());
        if let Some(shown) = shown.as_object_mut() {
            shown.remove("updated");
            shown.remove("archived");
        }
        shown
    });
    Ok(shown.collect())
}

fn price_type(call: &Call, id: Uuid) -> Answer {
    let found = all(call, "pricetype", |row| row.id == id)?;
    found
        .first()
        .map(Reply::json)
        .ok_or_else(|| not_found("pricetype", &id.to_string()))
}

fn employee(call: &Call) -> Answer {
    let account = account(call)?;
    let user = account.user(&call.session.uid);
    let user = user.ok_or_else(|| Problem::new(400, 55006, "Недоступно для токена решения"))?;
    let kind = kinds::kind("employee").ok_or_else(no_path)?;
    let row = account.row("employee", user.employee);
    let row = row.ok_or_else(|| not_found("employee", &user.employee.to_string()))?;
    let mut shown = view(call)?.show(kind, row, &Expand::default());
    if let Some(shown) = shown.as_object_mut() {
        let view = if user.admin { "ALL" } else { "NO" };
        shown.insert("permissions".into(), json!({ "admin": { "view": view } }));
    }
    Ok(Reply::json(&shown))
}

fn application(call: &Call) -> Answer {
    let solution = call
        .session
        .solution
        .and_then(|id| call.world.solutions.get(&id));
    let solution =
        solution.ok_or_else(|| Problem::new(400, 55005, "Доступно только для решения"))?;
    let href = format!("{}{BASE}context/application", call.origins.api);
    Ok(Reply::json(&json!({
        "meta": { "href": href, "type": "application", "mediaType": "application/json" },
        "id": solution.id, "appUid": solution.uid,
    })))
}

fn settings(call: &Call) -> Answer {
    let account = account(call)?;
    let mut made = json!({
        "currency": link::entity("currency", account.made_id("currency", 0)),
        "discountStrategy": "BYSUM", "globalOperationNumbering": false, "checkShippingStock": false,
        "checkMinPrice": false, "useRecycleBin": true, "accountCountry": "RU",
    });
    link::outer(&mut made, &call.origins.api);
    if let Some(made) = made.as_object_mut() {
        made.insert(
            "priceTypes".into(),
            all(call, "pricetype", |_| true)?.into(),
        );
    }
    Ok(Reply::json(&made))
}

/// `GET /entity/{type}/metadata…`.
pub(super) fn metadata(call: &Call, name: &str, rest: &[&str]) -> Answer {
    // Services and bundles have the custom fields of products.
    let owner = if matches!(name, "service" | "bundle") {
        "product"
    } else {
        name
    };
    let account = account(call)?;
    let of = |kind: &'static str, field: &'static str| {
        move |row: &Row| account.fields(kind, row).get(field).and_then(Value::as_str) == Some(owner)
    };
    match (name, rest) {
        ("variant", ["characteristics"]) => Ok(Reply::json(
            &json!({ "rows": all(call, "characteristic", |_| true)? }),
        )),
        (_, ["attributes"]) => {
            let rows = all(call, "attributemetadata", of("attributemetadata", "entity"))?;
            let href = format!(
                "{}{BASE}entity/{owner}/metadata/attributes",
                call.origins.api
            );
            let meta = json!({
                "href": href, "type": "attributemetadata", "mediaType": "application/json",
                "size": rows.len(), "limit": 1000, "offset": 0,
            });
            Ok(Reply::json(&json!({ "meta": meta, "rows": rows })))
        }
        (_, []) => {
            let href = format!("{}{BASE}entity/{name}/metadata", call.origins.api);
            let attributes = json!({ "meta": {
                "href": format!("{href}/attributes"), "type": "attributemetadata",
                "mediaType": "application/json",
            }});
            let mut made = json!({
                "meta": { "href": href, "mediaType": "application/json" },
                "attributes": attributes, "createShared": false,
                "states": all(call, "state", of("state", "entityType"))?,
            });
            if let ("variant", Some(made)) = (name, made.as_object_mut()) {
                made.insert(
                    "characteristics".into(),
                    all(call, "characteristic", |_| true)?.into(),
                );
            }
            Ok(Reply::json(&made))
        }
        _ => Err(no_path()),
    }
}

/// `GET /download/{id}`: the way to a file, which another server gives out.
pub(super) fn download(call: &mut Call, id: &str) -> Answer {
    let id = Uuid::parse_str(id).map_err(|_| not_found("image", id))?;
    let asked = call.ask.header("x-lognex-download-expiration-seconds");
    let seconds = asked
        .and_then(|text| text.parse().ok())
        .unwrap_or(FILE_SECONDS);
    let key = Uuid::new_v4();
    let until = call.now + seconds.clamp(1, FILE_SECONDS_MOST) * 1000;
    call.world.temporary.insert(key, (id, until));
    Ok(Reply::empty(302).with(
        "location",
        format!("{}/temporary/{key}", call.origins.files),
    ))
}

/// `GET /audit`.
pub(super) fn audit(call: &Call) -> Answer {
    let filter = param(&call.ask.query, "filter").map_or(Ok(Vec::new()), conditions)?;
    let passes = |one: &&Audit| {
        filter.iter().all(|condition| {
            let moment = parse_msk(&condition.value).unwrap_or(0);
            match (condition.field.as_str(), condition.op) {
                ("moment", Op::From) => one.moment >= moment,
                ("moment", Op::To) => one.moment <= moment,
                ("entityType", Op::Is) => one.events.iter().any(|e| e.kind == condition.value),
                ("eventType", Op::Is) => {
                    one.events.iter().any(|e| event_type(e) == condition.value)
                }
                ("uid", Op::Is) => one.uid == condition.value,
                _ => false,
            }
        })
    };
    let number = |name, otherwise| {
        let text = param(&call.ask.query, name);
        text.map_or(Some(otherwise), |text| text.parse::<usize>().ok())
    };
    let (Some(limit @ 1..=AUDIT_LIMIT_MOST), Some(offset)) =
        (number("limit", AUDIT_LIMIT), number("offset", 0))
    else {
        return Err(
            bad_query(1041, "Значение параметра 'limit' должно быть от 1 до 100").at("limit"),
        );
    };
    let all: Vec<&Audit> = account(call)?.audit.iter().rev().filter(passes).collect();
    let rows: Vec<Value> = all
        .iter()
        .skip(offset)
        .take(limit)
        .map(|one| context(call, one))
        .collect();
    let meta = json!({
        "href": format!("{}{BASE}audit", call.origins.api), "type": "audit",
        "mediaType": "application/json", "size": all.len(), "limit": limit, "offset": offset,
    });
    Ok(Reply::json(&json!({ "meta": meta, "rows": rows })))
}

fn event_type(event: &Event) -> String {
    event.action.to_lowercase()
}

fn context(call: &Call, one: &Audit) -> Value {
    let first = one.events.first();
    json!({
        "meta": {
            "href": format!("{}{BASE}audit/{}", call.origins.api, one.id), "type": "audit",
            "mediaType": "application/json",
        },
        "id": one.id, "uid": one.uid, "source": one.source, "moment": msk(one.moment),
        "eventType": first.map(event_type), "entityType": first.map(|event| event.kind),
        "objectCount": one.events.len(),
    })
}

fn event(call: &Call, one: &Audit, event: &Event) -> Option<Value> {
    let path = path_of(kinds::kind(event.kind)?, event.id);
    Some(json!({
        "uid": one.uid, "source": one.source, "moment": msk(one.moment), "eventType": event_type(event),
        "entityType": event.kind, "entity": { "meta": link::meta(&path, event.kind, &call.origins.api) },
    }))
}

/// `GET /audit/{id}/events`.
pub(super) fn audit_events(call: &Call, id: &str) -> Answer {
    let found = account(call)?
        .audit
        .iter()
        .find(|one| one.id.to_string() == id);
    let one = found.ok_or_else(|| not_found("audit", id))?;
    let rows: Vec<Value> = one
        .events
        .iter()
        .filter_map(|e| event(call, one, e))
        .collect();
    Ok(Reply::json(&json!({ "rows": rows })))
}

/// `GET /entity/{type}/{id}/audit`.
pub(super) fn audit_of(call: &Call, kind: &Kind, id: Uuid) -> Answer {
    let mine = |one: &Event| one.kind == kind.name && one.id == id;
    let all = account(call)?.audit.iter().rev();
    let rows = all.flat_map(|one| {
        let events = one.events.iter().filter(|e| mine(e));
        events
            .filter_map(|e| event(call, one, e))
            .collect::<Vec<_>>()
    });
    Ok(Reply::json(&json!({ "rows": rows.collect::<Vec<_>>() })))
}
