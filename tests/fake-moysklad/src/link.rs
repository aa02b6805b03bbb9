//! References between objects. Inside they are `{"@": path, "@type": …}`, outside `{"meta": {…}}`
//! (JSON API §1.7).

use serde_json::{Map, Value, json};
use uuid::Uuid;

use crate::error::Problem;
use crate::kinds;

/// Where the API begins on its host.
pub(crate) const BASE: &str = "/api/remap/1.2/";
/// What is kept of an object that is referred to by `meta` and carries something of its own.
const KEPT: &[&str] = &["value", "linkedSum"];
/// The second half of what the merchant's interface calls goods: its ids are not those of the API.
const PAGE_BITS: u128 = 0x5a17_0000_0000_0000_0000_0000_0000_0017;

/// A reference to an object under `entity/`.
pub(crate) fn entity(kind: &str, id: Uuid) -> Value {
    json!({ "@": format!("entity/{kind}/{id}"), "@type": kind })
}

/// A reference to a type of prices.
pub(crate) fn price_type(id: Uuid) -> Value {
    json!({ "@": format!("context/companysettings/pricetype/{id}"), "@type": "pricetype" })
}

/// The path of a reference.
pub(crate) fn path(value: &Value) -> Option<&str> {
    value.get("@").and_then(Value::as_str)
}

/// Kind and id of a reference.
pub(crate) fn target(value: &Value) -> Option<(&str, Uuid)> {
    let kind = value.get("@type").and_then(Value::as_str)?;
    Some((kind, last_id(path(value)?)?))
}

/// The id of the object that a reference is to.
pub(crate) fn id(value: &Value) -> Option<Uuid> {
    last_id(path(value)?)
}

/// The id at the end of a path or an address; what follows `?` does not belong to it.
pub(crate) fn last_id(path: &str) -> Option<Uuid> {
    let path = path.split('?').next()?;
    Uuid::parse_str(path.rsplit('/').next()?).ok()
}

/// The id of the same object in the merchant's interface.
pub(crate) fn page_id(id: Uuid) -> Uuid {
    Uuid::from_u128(id.as_u128() ^ PAGE_BITS)
}

/// The path below the API of an address on the host `origin`.
///
/// # Errors
/// 1059 when it is on another host.
pub(crate) fn below<'a>(href: &'a str, origin: &str) -> Result<&'a str, Problem> {
    href.strip_prefix(origin)
        .and_then(|rest| rest.strip_prefix(BASE))
        .and_then(|rest| rest.split('?').next())
        .ok_or_else(|| {
            Problem::new(
                400,
                1059,
                "Ошибка формата: некорректный сервер в идентификаторе объекта",
            )
        })
}

/// What a client sent, with references in the inner form.
///
/// # Errors
/// 2010, 2011 and 1059 for a reference without address, without type, to another host.
pub(crate) fn inner(value: Value, origin: &str) -> Result<Value, Problem> {
    match value {
        Value::Array(items) => {
            let items: Result<Vec<_>, _> = items.into_iter().map(|v| inner(v, origin)).collect();
            Ok(Value::Array(items?))
        }
        Value::Object(map) => match map.get("meta").and_then(Value::as_object) {
            Some(meta) => reference(&map, meta, origin),
            None => {
                let mut made = Map::new();
                for (key, value) in map {
                    made.insert(key, inner(value, origin)?);
                }
                Ok(Value::Object(made))
            }
        },
        other => Ok(other),
    }
}

fn reference(
    map: &Map<String, Value>,
    meta: &Map<String, Value>,
    origin: &str,
) -> Result<Value, Problem> {
    let text = |name: &str| meta.get(name).and_then(Value::as_str);
    let Some(href) = text("href") else {
        return Err(Problem::new(400, 2010, "Ошибка формата: не указан href").at("href"));
    };
    let Some(kind) = text("type") else {
        return Err(Problem::new(400, 2011, "Ошибка формата: не указан type").at("type"));
    };
    let mut made = Map::new();
    made.insert("@".into(), below(href, origin)?.into());
    made.insert("@type".into(), kind.into());
    for name in KEPT {
        if let Some(value) = map.get(*name) {
            made.insert((*name).into(), inner(value.clone(), origin)?);
        }
    }
    Ok(Value::Object(made))
}

/// The `meta` of the object at `path`.
pub(crate) fn meta(path: &str, kind: &str, origin: &str) -> Value {
    let mut meta = json!({
        "href": format!("{origin}{BASE}{path}"),
        "type": kind,
        "mediaType": "application/json",
    });
    let own = path.strip_prefix("entity/").map(|rest| rest.split('/'));
    let whole = own.is_some_and(|parts| parts.count() == 2);
    if let Some(meta) = meta.as_object_mut()
        && whole
    {
        // Bundles, services and variants have their fields in the product's description.
        let about = format!("{origin}{BASE}entity/{kind}/metadata");
        meta.insert("metadataHref".into(), about.into());
        let page = kinds::kind(kind).and_then(|kind| kind.page);
        if let (Some(page), Some(id)) = (page, last_id(path)) {
            let id = page_id(id);
            let href = format!("https://online.moysklad.ru/app/#{page}/edit?id={id}");
            meta.insert("uuidHref".into(), href.into());
        }
    }
    meta
}

/// An object with its references in the outer form.
pub(crate) fn outer(value: &mut Value, origin: &str) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| outer(item, origin)),
        Value::Object(map) => {
            map.values_mut().for_each(|value| outer(value, origin));
            if let Some(Value::String(path)) = map.remove("@") {
                let kind = map.remove("@type").unwrap_or_default();
                let kind = kind.as_str().unwrap_or_default().to_owned();
                map.insert("meta".into(), meta(&path, &kind, origin));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ORIGIN: &str = "http://127.0.0.1:1";

    #[test]
    fn a_reference_comes_back_as_it_went() {
        let id = Uuid::from_u128(7);
        let kept = json!({ "productFolder": entity("productfolder", id), "name": "x" });
        let mut shown = kept.clone();
        outer(&mut shown, ORIGIN);
        let href = shown["productFolder"]["meta"]["href"].as_str().unwrap();
        assert_eq!(href, format!("{ORIGIN}{BASE}entity/productfolder/{id}"));
        assert_eq!(inner(shown, ORIGIN).unwrap(), kept);
    }

    #[test]
    fn a_reference_without_address_or_type_or_to_another_host_is_refused() {
        let href = format!("https://elsewhere.example{BASE}entity/store/1");
        for (meta, code) in [
            (json!({ "type": "store" }), 2010),
            (
                json!({ "href": format!("{ORIGIN}{BASE}entity/store/1") }),
                2011,
            ),
            (json!({ "href": href, "type": "store" }), 1059),
        ] {
            let refused = inner(json!({ "store": { "meta": meta } }), ORIGIN).unwrap_err();
            assert_eq!(refused.code, Some(code));
        }
    }

    #[test]
    fn the_interface_has_other_ids_and_a_query_is_no_part_of_one() {
        let id = Uuid::new_v4();
        assert_ne!(page_id(id), id);
        assert_eq!(page_id(page_id(id)), id);
        assert_eq!(last_id(&format!("x/{id}?expand=supplier")), Some(id));
    }
}
