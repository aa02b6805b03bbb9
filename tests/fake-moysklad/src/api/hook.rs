//! Subscriptions: `entity/webhook` and `entity/webhookstock` (JSON API §2.1, §2.8).

use serde_json::Value;
use uuid::Uuid;

use super::{Call, account};
use crate::error::{Problem, wrong_type};
use crate::kinds::{self, Class, Kind};
use crate::state::Fields;

/// The longest address, in characters.
const URL_CHARS: usize = 255;
/// Subscriptions of a user to one event with different addresses.
const OF_USER: usize = 5;
/// The same of an app.
const OF_APP: usize = 1;

/// Whether who asks may see and make subscriptions at all: an administrator, or an app that says so in its
/// descriptor.
pub(super) fn may(call: &Call) -> Result<(), Problem> {
    let account = account(call)?;
    let allowed = match call.session.solution {
        Some(id) => call
            .world
            .solutions
            .get(&id)
            .is_some_and(|solution| solution.webhooks),
        None => account
            .user(&call.session.uid)
            .is_some_and(|user| user.admin),
    };
    if !allowed {
        return Err(Problem::new(
            403,
            1016,
            "Доступ запрещен: у вас нет прав на просмотр данного объекта",
        ));
    }
    Ok(())
}

/// Checks a new subscription and fills in what was not sent.
pub(super) fn complete(call: &Call, kind: &Kind, fields: &mut Fields) -> Result<(), Problem> {
    if account(call)?.free {
        return Err(Problem::new(
            412,
            30006,
            "Вебхуки недоступны на бесплатном тарифе",
        ));
    }
    fields.entry("enabled").or_insert(true.into());
    // Whose it is: it counts, and it goes when the app goes.
    fields.insert("_author".into(), call.session.uid.clone().into());
    if kind.name == "webhook" {
        fields.entry("diffType").or_insert("NONE".into());
        fields.insert("method".into(), "POST".into());
    }
    changed(call, kind, Uuid::nil(), fields)
}

/// Checks a subscription as a whole.
pub(super) fn changed(call: &Call, kind: &Kind, id: Uuid, fields: &Fields) -> Result<(), Problem> {
    let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
    let url = text("url");
    if url.chars().count() > URL_CHARS {
        return Err(Problem::new(412, 30010, "Длина url больше 255 символов").at("url"));
    }
    let valid = ["http://", "https://"].iter().any(|scheme| {
        url.strip_prefix(scheme)
            .is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/'))
    });
    if !valid {
        return Err(Problem::new(412, 30005, "Некорректный url").at("url"));
    }
    let names: &[&str] = match kind.name {
        "webhook" => {
            entity(text("entityType"), text("action"), text("diffType"))?;
            &["entityType", "action"]
        }
        _ => {
            if text("stockType") != "stock" {
                return Err(wrong_type("stockType", "stockType"));
            }
            if !matches!(text("reportType"), "all" | "bystore") {
                return Err(wrong_type("reportType", "reportType"));
            }
            &["stockType", "reportType"]
        }
    };
    unique(call, kind, id, fields, names)
}

fn entity(kind: &str, action: &str, diff: &str) -> Result<(), Problem> {
    let known = kinds::kind(kind).filter(|kind| kind.is_entity() && kind.class != Class::Hook);
    if known.is_none() && kind != "async" {
        return Err(Problem::new(
            412,
            30000,
            format!("Неизвестный тип сущности: '{kind}'"),
        ));
    }
    let allowed: &[&str] = if kind == "async" {
        &["PROCESSED"]
    } else {
        &["CREATE", "UPDATE", "DELETE"]
    };
    if !allowed.contains(&action) {
        return Err(Problem::new(
            412,
            30008,
            format!("Недопустимое действие: '{action}'"),
        ));
    }
    if diff != "NONE" && (action != "UPDATE" || diff != "FIELDS") {
        return Err(Problem::new(
            412,
            30009,
            "diffType допустим только для UPDATE",
        ));
    }
    Ok(())
}

fn unique(
    call: &Call,
    kind: &Kind,
    id: Uuid,
    fields: &Fields,
    names: &[&str],
) -> Result<(), Problem> {
    let account = account(call)?;
    let author = fields.get("_author");
    let others = account.rows(kind.name).filter(|row| row.id != id);
    let others: Vec<_> = others
        .map(|row| account.fields(kind.name, row))
        .filter(|other| {
            names
                .iter()
                .all(|name| other.get(*name) == fields.get(*name))
        })
        .collect();
    if others
        .iter()
        .any(|other| other.get("url") == fields.get("url"))
    {
        return Err(Problem::new(412, 30003, "Такой вебхук уже существует"));
    }
    let mine = others
        .iter()
        .filter(|other| other.get("_author") == author)
        .count();
    let most = if call.session.solution.is_some() {
        OF_APP
    } else {
        OF_USER
    };
    if mine >= most {
        return Err(Problem::new(
            412,
            30007,
            "Превышено количество вебхуков на одно событие",
        ));
    }
    Ok(())
}
