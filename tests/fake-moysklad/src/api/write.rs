//! Creating, changing and deleting (JSON API §1.8), one object or a thousand.

use std::collections::HashSet;

use serde_json::{Value, json};
use uuid::Uuid;

use super::list::is_good;
use super::{Answer, Call, account, account_mut, body, hook, object, row, view};
use crate::error::{Problem, not_found, required, wrong_type};
use crate::generate::ean13;
use crate::kinds::{self, Class, Kind, READ_ONLY};
use crate::link;
use crate::message::Reply;
use crate::state::{Body, Event, Fields, Row};
use crate::time::{msk, parse_msk, to_the_minute};
use crate::view::Expand;

/// The longest name, in characters.
const NAME_CHARS: usize = 255;
/// The longest description, in characters.
const TEXT_CHARS: usize = 4096;
/// The longest path of a folder, in characters.
const PATH_CHARS: usize = 255;
/// The most components of a bundle.
const COMPONENTS: usize = 50;

/// `POST /entity/{type}` with an object or an array.
pub(super) fn post(call: &mut Call, kind: &'static Kind) -> Answer {
    if !kind.writable {
        return Err(Problem::bare(405, "Метод не поддерживается"));
    }
    let expand = super::query::expand(&call.ask.query);
    match body(call.ask)? {
        Value::Array(items) => many(call, items, |call, item| {
            let id = one(call, kind, item)?;
            Ok(view(call)?.show(kind, row(call, kind, id)?, &Expand::default()))
        }),
        item => {
            let id = one(call, kind, item)?;
            Ok(Reply::json(&view(call)?.show(
                kind,
                row(call, kind, id)?,
                &expand,
            )))
        }
    }
}

/// Answers an array element by element: what could be done is done (JSON API §1.5).
fn many(
    call: &mut Call,
    items: Vec<Value>,
    mut act: impl FnMut(&mut Call, Value) -> Result<Value, Problem>,
) -> Answer {
    let mut status = 200;
    let mut answers = Vec::new();
    for item in items {
        answers.push(act(call, item).unwrap_or_else(|problem| {
            // Which status an answer with failures has is not documented: it is that of the first.
            status = if status == 200 {
                problem.status
            } else {
                status
            };
            problem.body()
        }));
    }
    Ok(Reply::json(&Value::Array(answers)).status(status))
}

fn one(call: &mut Call, kind: &'static Kind, item: Value) -> Result<Uuid, Problem> {
    let mut fields = object(item)?;
    match fields.remove("meta") {
        Some(meta) => {
            let href = meta.get("href").and_then(Value::as_str).unwrap_or_default();
            let id = link::last_id(link::below(href, &call.origins.api)?);
            let id = id.ok_or_else(|| not_found(kind.name, href))?;
            change(call, kind, id, fields)
        }
        None => create(call, kind, fields),
    }
}

/// `PUT /entity/{type}/{id}`.
pub(super) fn put(call: &mut Call, kind: &'static Kind, id: Uuid) -> Answer {
    if !kind.writable {
        return Err(Problem::bare(405, "Метод не поддерживается"));
    }
    let fields = object(body(call.ask)?)?;
    change(call, kind, id, fields)?;
    let expand = super::query::expand(&call.ask.query);
    Ok(Reply::json(&view(call)?.show(
        kind,
        row(call, kind, id)?,
        &expand,
    )))
}

/// Makes an object, or finds the one that was made with the same `syncId`.
pub(crate) fn create(
    call: &mut Call,
    kind: &'static Kind,
    fields: Fields,
) -> Result<Uuid, Problem> {
    if let Some(id) = fields
        .get("syncId")
        .and_then(|id| with_sync_id(call, kind, id))
    {
        return Ok(id);
    }
    let mut fields = inner(call, fields)?;
    let archived = take_archived(kind, &mut fields)?.unwrap_or(false);
    READ_ONLY.iter().for_each(|name| {
        fields.remove(*name);
    });
    fields.retain(|_, value| !value.is_null());
    if kind.class == Class::Hook {
        hook::complete(call, kind, &mut fields)?;
    }
    for name in kind.required {
        match fields.get(*name) {
            None => return Err(required(name)),
            Some(Value::String(text)) if text.is_empty() => return Err(required(name)),
            Some(_) => {}
        }
    }
    types(&fields)?;
    complete(call, kind, &mut fields)?;
    validate(call, kind, None, &fields)?;
    let id = Uuid::new_v4();
    let row = Row {
        id,
        updated: call.now,
        archived,
        trashed: false,
        body: Body::Stored(fields),
    };
    account_mut(call)?.put(kind, row);
    call.events.push(Event {
        kind: kind.name,
        id,
        action: "CREATE",
        fields: Vec::new(),
    });
    Ok(id)
}

/// Changes the fields that were sent; `null` takes one away, collections are replaced whole.
pub(crate) fn change(
    call: &mut Call,
    kind: &'static Kind,
    id: Uuid,
    fields: Fields,
) -> Result<Uuid, Problem> {
    let old = row(call, kind, id)?.clone();
    let mut merged = account(call)?.fields(kind.name, &old).into_owned();
    if let Some(sync) = fields.get("syncId")
        && merged.get("syncId") != Some(sync)
    {
        return Err(Problem::new(412, 1047, "Ошибка: поле 'syncId' нельзя изменить").at("syncId"));
    }
    let mut sent = inner(call, fields)?;
    let archived = take_archived(kind, &mut sent)?.unwrap_or(old.archived);
    READ_ONLY.iter().for_each(|name| {
        sent.remove(*name);
    });
    let mut named: Vec<String> = Vec::new();
    for (name, value) in &sent {
        named.extend(changed_names(call, name, value)?);
    }
    types(&sent)?;
    for (name, value) in sent {
        merge(&mut merged, name, value);
    }
    for name in kind.required {
        if !merged.contains_key(*name) {
            return Err(required(name));
        }
    }
    number_parts(&mut merged);
    if kind.class == Class::Hook {
        hook::changed(call, kind, id, &merged)?;
    }
    validate(call, kind, Some(id), &merged)?;
    let row = Row {
        updated: call.now,
        archived,
        body: Body::Stored(merged),
        ..old
    };
    account_mut(call)?.put(kind, row);
    call.events.push(Event {
        kind: kind.name,
        id,
        action: "UPDATE",
        fields: named,
    });
    Ok(id)
}

fn inner(call: &Call, fields: Fields) -> Result<Fields, Problem> {
    object(link::inner(Value::Object(fields), &call.origins.api)?)
}

/// Folders are archived in the interface only.
fn take_archived(kind: &Kind, fields: &mut Fields) -> Result<Option<bool>, Problem> {
    match fields.remove("archived") {
        _ if kind.name == "productfolder" => Ok(None),
        None => Ok(None),
        Some(Value::Bool(flag)) => Ok(Some(flag)),
        Some(_) => Err(wrong_type("archived", "логический")),
    }
}

fn with_sync_id(call: &Call, kind: &Kind, id: &Value) -> Option<Uuid> {
    let account = account(call).ok().filter(|_| kind.sync_id)?;
    let mine = |row: &&Row| account.fields(kind.name, row).get("syncId") == Some(id);
    account.rows(kind.name).find(mine).map(|row| row.id)
}

/// Texts are texts and not too long, flags are flags.
fn types(fields: &Fields) -> Result<(), Problem> {
    for name in [
        "name",
        "code",
        "externalCode",
        "description",
        "article",
        "phone",
        "email",
    ] {
        match fields.get(name) {
            None => {}
            Some(Value::String(text)) => {
                let most = if name == "description" {
                    TEXT_CHARS
                } else {
                    NAME_CHARS
                };
                if text.chars().count() > most {
                    let text = format!("Ошибка: слишком длинное значение поля '{name}'");
                    return Err(Problem::new(412, 3040, text).at(name));
                }
            }
            Some(Value::Null) if name != "name" => {}
            Some(_) => return Err(wrong_type(name, "строка")),
        }
    }
    for name in ["discountProhibited", "vatEnabled", "applicable", "enabled"] {
        if fields.get(name).is_some_and(|value| !value.is_boolean()) {
            return Err(wrong_type(name, "логический"));
        }
    }
    for name in ["salePrices", "barcodes", "packs", "characteristics", "tags"] {
        if fields
            .get(name)
            .is_some_and(|value| !(value.is_array() || value.is_null()))
        {
            return Err(wrong_type(name, "массив"));
        }
    }
    Ok(())
}

fn merge(merged: &mut Fields, name: String, value: Value) {
    match (name.as_str(), value) {
        (_, Value::Null) => {
            merged.remove(&name);
        }
        // Of custom fields only those that are named change.
        ("attributes", Value::Array(new)) => {
            let old = merged.remove("attributes");
            let old = old
                .as_ref()
                .and_then(Value::as_array)
                .cloned()
                .unwrap_or_default();
            let named = |one: &Value| new.iter().any(|other| link::id(other) == link::id(one));
            let kept = old.into_iter().filter(|one| !named(one));
            let set = new
                .iter()
                .filter(|one| one.get("value").is_some_and(|v| !v.is_null()));
            let all: Vec<Value> = kept.chain(set.cloned()).collect();
            merged.insert(name, all.into());
        }
        (_, value) => {
            merged.insert(name, value);
        }
    }
}

/// What a webhook calls a field that was changed: custom fields and price types by their names.
fn changed_names(call: &Call, name: &str, value: &Value) -> Result<Vec<String>, Problem> {
    if name != "attributes" {
        return Ok(vec![name.to_owned()]);
    }
    let account = account(call)?;
    let named = value.as_array().into_iter().flatten().filter_map(|one| {
        let row = account.row("attributemetadata", link::id(one)?)?;
        let fields = account.fields("attributemetadata", row);
        fields.get("name")?.as_str().map(str::to_owned)
    });
    Ok(named.collect())
}

/// What the service fills in when it is not sent.
fn complete(call: &mut Call, kind: &Kind, fields: &mut Fields) -> Result<(), Problem> {
    let now = call.now;
    if kind.class == Class::Hook {
        return Ok(());
    }
    let code = Uuid::new_v4().simple().to_string();
    fields.entry("externalCode").or_insert(code.into());
    if is_good(kind.name) {
        let barcodes = fields.get("barcodes").and_then(Value::as_array);
        if barcodes.is_none_or(Vec::is_empty) {
            let number = Uuid::new_v4().as_u64_pair().0;
            fields.insert("barcodes".into(), json!([{ "ean13": ean13(number) }]));
        }
        fields.entry("discountProhibited").or_insert(false.into());
        fields.entry("useParentVat").or_insert(true.into());
    }
    match kind.name {
        "counterparty" => {
            fields.entry("companyType").or_insert("legal".into());
            fields.entry("tags").or_insert(json!([]));
            fields.insert("created".into(), msk(now).into());
        }
        "productfolder" => {
            fields.entry("vatEnabled").or_insert(false.into());
            fields.entry("useParentVat").or_insert(true.into());
        }
        _ => {}
    }
    if kind.class == Class::Document {
        complete_document(call, kind, fields)?;
    }
    number_parts(fields);
    Ok(())
}

fn complete_document(call: &mut Call, kind: &Kind, fields: &mut Fields) -> Result<(), Problem> {
    let now = call.now;
    let account = account_mut(call)?;
    let number = account.numbers.entry(kind.name).or_default();
    *number += 1;
    fields
        .entry("name")
        .or_insert(format!("{number:05}").into());
    let sent = fields
        .get("moment")
        .and_then(Value::as_str)
        .and_then(parse_msk);
    let moment = to_the_minute(sent.unwrap_or(now));
    fields.insert("moment".into(), msk(moment).into());
    fields.insert("created".into(), msk(now).into());
    fields.entry("applicable").or_insert(true.into());
    let currency = link::entity("currency", account.made_id("currency", 0));
    fields
        .entry("rate")
        .or_insert(json!({ "currency": currency }));
    if kind.name == "retaildemand" {
        let store = link::entity("retailstore", account.made_id("retailstore", 0));
        fields.entry("retailStore").or_insert(store);
        let made = |kind, index| link::entity(kind, account.made_id(kind, index));
        fields.insert("organization".into(), made("organization", 0));
        fields.entry("store").or_insert(made("store", 0));
        fields
            .entry("agent")
            .or_insert(made("counterparty", u32::MAX));
    }
    if !kind.below.is_empty() {
        fields.insert("sum".into(), sum(fields));
    } else {
        fields.entry("sum").or_insert(0.0.into());
    }
    Ok(())
}

/// The sum of the positions in kopecks: whole prices and quantities as they are, the rest cut off.
fn sum(fields: &Fields) -> Value {
    let whole = |value: Option<&Value>| {
        let text = value.map(Value::to_string).unwrap_or_default();
        text.split('.')
            .next()
            .and_then(|text| text.parse::<i64>().ok())
            .unwrap_or(0)
    };
    let positions = fields.get("positions").and_then(Value::as_array);
    let lines = positions.into_iter().flatten();
    lines
        .map(|one| whole(one.get("price")) * whole(one.get("quantity")))
        .sum::<i64>()
        .into()
}

/// Parts of an object have ids of their own: those that came with one keep it.
fn number_parts(fields: &mut Fields) {
    for name in [
        "positions",
        "components",
        "accounts",
        "contactpersons",
        "packs",
    ] {
        for part in fields
            .get_mut(name)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            if let Some(part) = part.as_object_mut() {
                part.entry("id")
                    .or_insert_with(|| Uuid::new_v4().to_string().into());
            }
        }
    }
    for picture in fields
        .get_mut("images")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        // A picture that was sent back by its reference stays.
        if let (Some(id), Some(picture)) = (link::id(picture), picture.as_object_mut()) {
            picture.remove("@");
            picture.remove("@type");
            picture.insert("id".into(), id.to_string().into());
        }
    }
}

/// What must hold of an object as a whole.
fn validate(call: &Call, kind: &Kind, id: Option<Uuid>, fields: &Fields) -> Result<(), Problem> {
    let account = account(call)?;
    for value in fields.values() {
        if let Some((name, target)) = link::target(value)
            && kinds::kind(name).is_some_and(Kind::is_entity)
            && account.row(name, target).is_none()
        {
            return Err(Problem {
                status: 412,
                ..not_found(name, &target.to_string())
            });
        }
    }
    for price in fields
        .get("salePrices")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        let known = price.get("priceType").and_then(link::id);
        if known.and_then(|id| account.row("pricetype", id)).is_none() {
            return Err(Problem::new(412, 28000, "Неизвестный тип цены").at("salePrices"));
        }
    }
    for barcode in fields
        .get("barcodes")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        if barcode.as_object().is_none_or(|one| one.len() != 1) {
            return Err(wrong_type("barcodes", "штрихкод"));
        }
    }
    if fields
        .get("vat")
        .and_then(Value::as_i64)
        .is_some_and(|vat| !(0..=100).contains(&vat))
    {
        return Err(Problem::new(412, 17007, "НДС не может быть больше 100").at("vat"));
    }
    match kind.name {
        "productfolder" => folder(call, id, fields),
        "variant" => variant(call, id, fields),
        "bundle" => bundle(fields),
        "retaildemand" | "retailsalesreturn" => open_shift(call, fields),
        _ => positions(fields),
    }
}

fn folder(call: &Call, id: Option<Uuid>, fields: &Fields) -> Result<(), Problem> {
    let account = account(call)?;
    let above = fields.get("productFolder");
    if let (Some(id), Some(above)) = (id, above.and_then(link::id)) {
        if id == above {
            return Err(Problem::new(
                412,
                23000,
                "Группа не может быть родителем самой себя",
            ));
        }
        if account.is_below(above, id) {
            return Err(Problem::new(
                412,
                23001,
                "Родителем группы не может быть её подгруппа",
            ));
        }
    }
    let name = fields
        .get("name")
        .and_then(Value::as_str)
        .unwrap_or_default();
    let path = account.path_name(above).chars().count() + name.chars().count() + 1;
    if path > PATH_CHARS {
        return Err(Problem::new(
            412,
            3051,
            "Слишком длинный путь группы товаров",
        ));
    }
    Ok(())
}

fn variant(call: &Call, id: Option<Uuid>, fields: &Fields) -> Result<(), Problem> {
    let account = account(call)?;
    let values = |fields: &Fields| {
        let all = fields
            .get("characteristics")
            .and_then(Value::as_array)
            .cloned()
            .unwrap_or_default();
        let pairs = all.iter().map(|one| {
            let known = one.get("id").cloned();
            (
                known.map(|id| id.to_string()),
                one.get("value").map(Value::to_string),
            )
        });
        pairs.collect::<HashSet<_>>()
    };
    let mine = values(fields);
    if mine.is_empty() {
        return Err(Problem::new(
            412,
            15001,
            "Нельзя сохранить модификацию без характеристик",
        ));
    }
    for (characteristic, _) in &mine {
        let id = characteristic
            .as_deref()
            .and_then(|id| id.trim_matches('"').parse().ok());
        if id
            .and_then(|id| account.row("characteristic", id))
            .is_none()
        {
            return Err(Problem {
                status: 412,
                ..not_found("characteristic", "")
            });
        }
    }
    let product = fields.get("product").and_then(link::id);
    let same = account
        .rows("variant")
        .filter(|row| Some(row.id) != id)
        .any(|row| {
            let other = account.fields("variant", row);
            other.get("product").and_then(link::id) == product && values(&other) == mine
        });
    if same {
        let text = "Модификация с таким набором значений характеристик уже существует";
        return Err(Problem::new(412, 15000, text));
    }
    Ok(())
}

fn bundle(fields: &Fields) -> Result<(), Problem> {
    let parts = fields
        .get("components")
        .and_then(Value::as_array)
        .cloned()
        .unwrap_or_default();
    if parts.is_empty() || parts.len() > COMPONENTS {
        return Err(Problem::new(
            412,
            29000,
            "Комплект содержит от 1 до 50 компонентов",
        ));
    }
    let mut seen = HashSet::new();
    for part in &parts {
        let target = part.get("assortment").and_then(link::target);
        match target {
            Some((kind @ ("product" | "service" | "variant"), id)) => {
                if !seen.insert((kind, id)) {
                    return Err(Problem::new(412, 29002, "Компоненты комплекта повторяются"));
                }
            }
            _ => {
                return Err(Problem::new(
                    412,
                    29003,
                    "Компонент комплекта недопустимого типа",
                ));
            }
        }
    }
    Ok(())
}

fn open_shift(call: &Call, fields: &Fields) -> Result<(), Problem> {
    let account = account(call)?;
    let shift = fields.get("retailShift").and_then(link::id);
    let row = shift.and_then(|id| account.row("retailshift", id));
    let row = row.ok_or_else(|| required("retailShift"))?;
    if account.fields("retailshift", row).contains_key("closeDate") {
        return Err(Problem::new(412, 18008, "Розничная смена закрыта").at("retailShift"));
    }
    positions(fields)
}

fn positions(fields: &Fields) -> Result<(), Problem> {
    for one in fields
        .get("positions")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
    {
        if one.get("assortment").and_then(link::id).is_none() {
            return Err(required("assortment"));
        }
        let quantity = one.get("quantity").and_then(Value::as_f64).unwrap_or(0.0);
        if quantity <= 0.0 {
            return Err(required("quantity"));
        }
    }
    Ok(())
}

/// `DELETE /entity/{type}/{id}`.
pub(super) fn delete(call: &mut Call, kind: &'static Kind, id: Uuid) -> Answer {
    destroy(call, kind, id)?;
    Ok(Reply::empty(200))
}

/// `DELETE /entity/{type}/syncid/{syncId}`.
pub(super) fn delete_by_sync_id(call: &mut Call, kind: &'static Kind, sync: &str) -> Answer {
    let id = with_sync_id(call, kind, &sync.into()).ok_or_else(|| not_found(kind.name, sync))?;
    delete(call, kind, id)
}

/// `POST /entity/{type}/delete`.
pub(super) fn delete_many(call: &mut Call, kind: &'static Kind) -> Answer {
    let Value::Array(items) = body(call.ask)? else {
        return Err(Problem::new(400, 2001, "Ошибка формата: ожидается массив"));
    };
    many(call, items, |call, item| {
        let href = item
            .get("meta")
            .and_then(|meta| meta.get("href"))
            .and_then(Value::as_str);
        let href = href.ok_or_else(|| Problem::new(400, 2010, "Ошибка формата: не указан href"))?;
        let id = link::last_id(link::below(href, &call.origins.api)?);
        destroy(call, kind, id.ok_or_else(|| not_found(kind.name, href))?)?;
        Ok(json!({ "info": "Сущность успешно удалена" }))
    })
}

/// `POST /entity/{type}/{id}/trash`.
pub(super) fn trash(call: &mut Call, kind: &'static Kind, id: Uuid) -> Answer {
    if kind.class != Class::Document {
        return Err(Problem::bare(405, "Метод не поддерживается"));
    }
    delete(call, kind, id)
}

/// Takes an object away: a document goes to the bin, the rest is gone.
pub(crate) fn destroy(call: &mut Call, kind: &'static Kind, id: Uuid) -> Result<(), Problem> {
    let old = row(call, kind, id)?.clone();
    used(call, kind, id)?;
    let now = call.now;
    if kind.name == "product" {
        // Its variants go with it, each with an event of its own.
        let account = account(call)?;
        let mine = |row: &&Row| {
            let fields = account.fields("variant", row);
            fields.get("product").and_then(link::id) == Some(id)
        };
        let variants: Vec<Uuid> = account
            .rows("variant")
            .filter(mine)
            .map(|row| row.id)
            .collect();
        for variant in variants {
            account_mut(call)?.remove("variant", variant);
            call.events.push(Event {
                kind: "variant",
                id: variant,
                action: "DELETE",
                fields: Vec::new(),
            });
        }
    }
    let account = account_mut(call)?;
    if kind.class == Class::Document && !old.trashed {
        account.put(
            kind,
            Row {
                trashed: true,
                updated: now,
                ..old
            },
        );
    } else {
        account.remove(kind.name, id);
    }
    call.events.push(Event {
        kind: kind.name,
        id,
        action: "DELETE",
        fields: Vec::new(),
    });
    Ok(())
}

/// Refuses to delete what others refer to: components of bundles, folders that are not empty.
fn used(call: &Call, kind: &Kind, id: Uuid) -> Result<(), Problem> {
    let account = account(call)?;
    let refused = || Problem::new(409, 1028, "Объект используется в других объектах");
    let holders: &[&str] = match kind.name {
        "productfolder" => &["product", "service", "bundle", "productfolder"],
        "product" | "service" | "variant" => &["bundle"],
        _ => return Ok(()),
    };
    for holder in holders {
        for row in account.rows(holder) {
            let fields = account.fields(holder, row);
            let inside = fields.get("productFolder").and_then(link::id) == Some(id);
            let parts = fields.get("components").and_then(Value::as_array);
            let part = |one: &Value| one.get("assortment").and_then(link::id) == Some(id);
            if inside || parts.is_some_and(|parts| parts.iter().any(part)) {
                return Err(refused());
            }
        }
    }
    Ok(())
}
