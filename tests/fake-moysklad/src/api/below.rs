//! Collections below an object: positions, components, pictures, accounts, contact persons (JSON API §3).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use uuid::Uuid;

use super::query::Query;
use super::{Answer, Call, account, body, envelope, no_path, object, row, view, write};
use crate::error::{Problem, not_found, required};
use crate::kinds::Kind;
use crate::link;
use crate::message::Reply;
use crate::state::Fields;
use crate::time::msk;
use crate::view::Expand;

/// The most pictures of one good.
const IMAGES: usize = 10;

/// Answers `…/{id}/{field}…`.
pub(super) fn answer(
    call: &mut Call,
    kind: &'static Kind,
    id: Uuid,
    field: &str,
    method: &str,
    rest: &[&str],
) -> Answer {
    match (method, rest) {
        ("GET", []) => list(call, kind, id, field),
        ("GET", [one]) => {
            let rows =
                view(call)?.rows_below(kind, row(call, kind, id)?, field, &Expand::default());
            let mine = |row: &&Value| row.get("id").and_then(Value::as_str) == Some(*one);
            let found = rows
                .iter()
                .find(mine)
                .ok_or_else(|| not_found(field, one))?;
            Ok(Reply::json(found))
        }
        ("POST", []) => {
            let items = match body(call.ask)? {
                Value::Array(items) => items,
                item => vec![item],
            };
            let mut all = current(call, kind, id, field)?;
            for item in items {
                all.push(part(call, field, item)?);
            }
            replace(call, kind, id, field, all)?;
            let rows =
                view(call)?.rows_below(kind, row(call, kind, id)?, field, &Expand::default());
            Ok(Reply::json(&Value::Array(rows)))
        }
        ("PUT", [one]) => {
            let sent = object(link::inner(body(call.ask)?, &call.origins.api)?)?;
            let mut all = current(call, kind, id, field)?;
            let place = find(&mut all, one).ok_or_else(|| not_found(field, one))?;
            place.extend(sent);
            replace(call, kind, id, field, all)?;
            Ok(Reply::empty(200))
        }
        ("DELETE", [one]) => {
            let mut all = current(call, kind, id, field)?;
            find(&mut all, one).ok_or_else(|| not_found(field, one))?;
            all.retain(|part| part.get("id").and_then(Value::as_str) != Some(*one));
            replace(call, kind, id, field, all)?;
            Ok(Reply::empty(200))
        }
        _ => Err(no_path()),
    }
}

fn list(call: &Call, kind: &'static Kind, id: Uuid, field: &str) -> Answer {
    let page = Query::parse(&call.ask.query)?;
    let all = view(call)?.rows_below(kind, row(call, kind, id)?, field, &page.expand);
    let size = all.len();
    let rows = all.into_iter().skip(page.offset).take(page.limit).collect();
    let rows_kind = kind.rows_of(field).unwrap_or_default();
    Ok(Reply::json(&envelope(call, rows_kind, &page, size, rows)))
}

fn current(call: &Call, kind: &Kind, id: Uuid, field: &str) -> Result<Vec<Value>, Problem> {
    let fields = account(call)?
        .fields(kind.name, row(call, kind, id)?)
        .into_owned();
    Ok(fields
        .get(field)
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default())
}

fn find<'a>(all: &'a mut [Value], id: &str) -> Option<&'a mut Fields> {
    let found = all
        .iter_mut()
        .find(|one| one.get("id").and_then(Value::as_str) == Some(id));
    found.and_then(Value::as_object_mut)
}

/// A new part. Of a picture the content is kept elsewhere.
fn part(call: &mut Call, field: &str, item: Value) -> Result<Value, Problem> {
    if field != "images" {
        return link::inner(item, &call.origins.api);
    }
    let text = |name: &str| item.get(name).and_then(Value::as_str);
    let filename = text("filename").ok_or_else(|| required("filename"))?;
    let content = text("content").and_then(|text| STANDARD.decode(text).ok());
    let content = content.ok_or_else(|| required("content"))?;
    let id = Uuid::new_v4();
    let size = content.len();
    call.world.pictures.insert(id, content.into());
    Ok(json!({
        "id": id, "title": filename, "filename": filename, "size": size, "updated": msk(call.now),
    }))
}

fn replace(
    call: &mut Call,
    kind: &'static Kind,
    id: Uuid,
    field: &str,
    all: Vec<Value>,
) -> Result<(), Problem> {
    if field == "images" && all.len() > IMAGES {
        return Err(Problem::new(412, 2022, "Не больше 10 изображений"));
    }
    // The parts are in the inner form already: references in them are not seen as such again.
    let mut fields = Fields::new();
    fields.insert(field.to_owned(), all.into());
    write::change(call, kind, id, fields).map(drop)
}
