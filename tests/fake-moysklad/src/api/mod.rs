//! JSON API 1.2: which path is answered by what.

pub(crate) mod auth;
mod below;
mod context;
mod filter;
mod hook;
mod list;
mod query;
mod report;
mod write;

pub(crate) use query::param;
pub(crate) use write::{change, create, destroy};

use http::Method;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::{Problem, not_found};
use crate::kinds::{self, Kind};
use crate::link;
use crate::message::{Ask, JSON, Reply};
use crate::server::Origins;
use crate::state::{Account, Event, Row, Session, World};
use crate::view::View;

/// The largest body, in bytes: the text of error 1044 says less than the documentation, so this is it.
const BODY_BYTES: usize = 10 * 1024 * 1024;
/// The longest address, in bytes.
const URL_BYTES: usize = 8 * 1024;
/// The deepest nesting of JSON.
const JSON_DEPTH: usize = 10;
/// The longest array anywhere in a body.
const ARRAY_ITEMS: usize = 1000;

/// What is answered, or why not.
pub(crate) type Answer = Result<Reply, Problem>;

/// One request of somebody who is known, with what it changes.
#[derive(Debug)]
pub(crate) struct Call<'a> {
    pub(crate) origins: &'a Origins,
    pub(crate) world: &'a mut World,
    pub(crate) session: Session,
    pub(crate) ask: &'a Ask,
    pub(crate) now: i64,
    /// What happened to objects, in order.
    pub(crate) events: Vec<Event>,
}

/// Answers a request below the API's base, whoever asks being known and let in.
pub(crate) fn handle(call: &mut Call) -> Reply {
    check(call.ask)
        .and_then(|()| route(call))
        .unwrap_or_else(Reply::from)
}

fn check(ask: &Ask) -> Result<(), Problem> {
    if ask.path.len() + ask.raw_query.len() > URL_BYTES {
        return Err(Problem::bare(414, "Слишком длинный адрес запроса"));
    }
    // A file is no JSON.
    let download = ask.path.contains("/download/");
    if !download && ask.header("accept") != Some(JSON) {
        let text =
            "Ошибка: некорректный заголовок Accept. Ожидается 'application/json;charset=utf-8'";
        return Err(Problem::new(400, 1062, text));
    }
    let sends = matches!(ask.method, Method::POST | Method::PUT);
    if sends && !ask.body.is_empty() {
        let kind = ask.header("content-type").unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim();
        if !kind.eq_ignore_ascii_case("application/json") {
            return Err(Problem::new(
                415,
                1037,
                "Ошибка: некорректный заголовок Content-Type",
            ));
        }
    }
    if ask.body.len() > BODY_BYTES {
        return Err(Problem::new(
            413,
            1044,
            "Размер тела запроса превышает 10 МБ",
        ));
    }
    Ok(())
}

fn route(call: &mut Call) -> Answer {
    let path = call
        .ask
        .path
        .strip_prefix(link::BASE)
        .unwrap_or_default()
        .to_owned();
    let parts: Vec<&str> = path.split('/').filter(|part| !part.is_empty()).collect();
    let method = call.ask.method.clone();
    match (method.as_str(), parts.as_slice()) {
        ("GET", ["context", rest @ ..]) => context::answer(call, rest),
        ("GET", ["entity", "assortment"]) => list::assortment(call),
        (
            "GET",
            [
                "entity",
                "counterparty" | "product" | "variant",
                "metadata",
                rest @ ..,
            ],
        ) => context::metadata(call, parts.get(1).copied().unwrap_or_default(), rest),
        (_, ["entity", name, rest @ ..]) => match kinds::kind(name).filter(|kind| kind.is_entity())
        {
            Some(kind) => entity(call, kind, method.as_str(), rest),
            None => {
                let text = format!("Неизвестный тип: '{name}'");
                Err(Problem::new(412, 1005, text))
            }
        },
        ("GET", ["report", "stock", rest @ ..]) => report::answer(call, rest),
        ("GET", ["audit"]) => context::audit(call),
        ("GET", ["audit", id, "events"]) => context::audit_events(call, id),
        ("GET", ["download", id]) => context::download(call, id),
        _ => Err(no_path()),
    }
}

fn no_path() -> Problem {
    Problem::new(404, 1002, "Неизвестный путь")
}

fn entity(call: &mut Call, kind: &'static Kind, method: &str, rest: &[&str]) -> Answer {
    if kind.class == kinds::Class::Hook {
        hook::may(call)?;
    }
    match (method, rest) {
        ("GET", []) => list::list(call, kind),
        ("POST", []) => write::post(call, kind),
        ("POST", ["delete"]) => write::delete_many(call, kind),
        ("GET", ["metadata", rest @ ..]) => context::metadata(call, kind.name, rest),
        ("DELETE", ["syncid", id]) => write::delete_by_sync_id(call, kind, id),
        (_, [id, rest @ ..]) => {
            let id = known(call, kind, id)?;
            let id = match id {
                Found::Here(id) => id,
                Found::Moved(id) => {
                    let to = format!(
                        "{}{}entity/{}/{id}",
                        call.origins.api,
                        link::BASE,
                        kind.name
                    );
                    return Ok(Reply::empty(308).with("location", to));
                }
            };
            match (method, rest) {
                ("GET", []) => one(call, kind, id),
                ("PUT", []) => write::put(call, kind, id),
                ("DELETE", []) => write::delete(call, kind, id),
                ("POST", ["trash"]) => write::trash(call, kind, id),
                ("GET", ["audit"]) => context::audit_of(call, kind, id),
                (_, [field, rest @ ..]) if kind.rows_of(field).is_some() => {
                    below::answer(call, kind, id, field, method, rest)
                }
                _ => Err(no_path()),
            }
        }
        _ => Err(Problem::bare(405, "Метод не поддерживается")),
    }
}

enum Found {
    Here(Uuid),
    /// The id was that of the merchant's interface.
    Moved(Uuid),
}

fn known(call: &Call, kind: &Kind, text: &str) -> Result<Found, Problem> {
    let id = Uuid::parse_str(text).map_err(|_| not_found(kind.name, text))?;
    let account = account(call)?;
    if account.row(kind.name, id).is_some() {
        return Ok(Found::Here(id));
    }
    let other = link::page_id(id);
    match kind.page.and(account.row(kind.name, other)) {
        Some(_) => Ok(Found::Moved(other)),
        None => Err(not_found(kind.name, text)),
    }
}

fn one(call: &Call, kind: &'static Kind, id: Uuid) -> Answer {
    let account = account(call)?;
    let row = account
        .row(kind.name, id)
        .ok_or_else(|| not_found(kind.name, &id.to_string()))?;
    let expand = query::expand(&call.ask.query);
    Ok(Reply::json(&view(call)?.show(kind, row, &expand)))
}

/// The account of who asks.
fn account<'a>(call: &'a Call) -> Result<&'a Account, Problem> {
    let found = call.world.account(call.session.account);
    found.ok_or_else(|| Problem::bare(500, "Нет аккаунта"))
}

fn account_mut<'a>(call: &'a mut Call) -> Result<&'a mut Account, Problem> {
    let found = call.world.accounts.get_mut(&call.session.account);
    found.ok_or_else(|| Problem::bare(500, "Нет аккаунта"))
}

fn view<'a>(call: &'a Call) -> Result<View<'a>, Problem> {
    Ok(View {
        account: account(call)?,
        origin: &call.origins.api,
    })
}

fn row<'a>(call: &'a Call, kind: &Kind, id: Uuid) -> Result<&'a Row, Problem> {
    let found = account(call)?.row(kind.name, id);
    found.ok_or_else(|| not_found(kind.name, &id.to_string()))
}

/// The envelope of a list (JSON API §1.6).
fn envelope(call: &Call, kind: &str, page: &query::Query, size: usize, rows: Vec<Value>) -> Value {
    let here = format!("{}{}", call.origins.api, call.ask.path);
    let mut meta = json!({
        "href": here, "type": kind, "mediaType": "application/json",
        "size": size, "limit": page.limit, "offset": page.offset,
    });
    let at = |offset: usize| {
        let mut query = form_urlencoded::Serializer::new(String::new());
        let kept = call
            .ask
            .query
            .iter()
            .filter(|(key, _)| key != "limit" && key != "offset");
        query.extend_pairs(kept);
        query.append_pair("limit", &page.limit.to_string());
        query.append_pair("offset", &offset.to_string());
        format!("{here}?{}", query.finish())
    };
    if let Some(meta) = meta.as_object_mut() {
        if page.offset + page.limit < size {
            meta.insert("nextHref".into(), at(page.offset + page.limit).into());
        }
        if page.offset > 0 {
            let before = page.offset.saturating_sub(page.limit);
            meta.insert("previousHref".into(), at(before).into());
        }
    }
    let employee = json!({ "meta": {
        "href": format!("{}{}context/employee", call.origins.api, link::BASE),
        "metadataHref": format!("{}{}entity/employee/metadata", call.origins.api, link::BASE),
        "type": "employee", "mediaType": "application/json",
    }});
    json!({ "context": { "employee": employee }, "meta": meta, "rows": rows })
}

/// The JSON of a body, with the limits of §1.4.
fn body(ask: &Ask) -> Result<Value, Problem> {
    let value: Value = serde_json::from_slice(&ask.body).map_err(|error| {
        let place = format!("строка {}, столбец {}", error.line(), error.column());
        Problem::new(
            400,
            2001,
            format!("Ошибка формата: некорректный JSON ({place})"),
        )
    })?;
    measure(&value, 1)?;
    Ok(value)
}

fn measure(value: &Value, depth: usize) -> Result<(), Problem> {
    if depth > JSON_DEPTH {
        return Err(Problem::new(
            400,
            2006,
            "Ошибка формата: вложенность JSON больше 10",
        ));
    }
    match value {
        Value::Array(items) => {
            if items.len() > ARRAY_ITEMS {
                let text = "Ошибка формата: превышено максимальное количество элементов 1000";
                return Err(Problem::new(413, 2007, text));
            }
            items.iter().try_for_each(|item| measure(item, depth + 1))
        }
        Value::Object(map) => map.values().try_for_each(|item| measure(item, depth + 1)),
        _ => Ok(()),
    }
}

/// The object that a body is.
pub(crate) fn object(value: Value) -> Result<crate::state::Fields, Problem> {
    match value {
        Value::Object(map) => Ok(map),
        _ => Err(Problem::new(400, 2001, "Ошибка формата: ожидается объект")),
    }
}
