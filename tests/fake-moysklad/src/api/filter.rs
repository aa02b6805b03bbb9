//! Which rows a filter lets through (JSON API §1.6 and the tables of §3).

use std::borrow::Cow;

use serde_json::Value;
use uuid::Uuid;

use super::query::{Condition, Op};
use crate::error::{Problem, bad_query};
use crate::kinds::{Class, Kind};
use crate::link;
use crate::state::{Account, Fields, Row};
use crate::time::parse_msk;

/// A filter that was held against the fields of its kind.
#[derive(Debug)]
pub(crate) struct Filter {
    conditions: Vec<Condition>,
    /// Whether archived rows are hidden because nobody asked for them.
    hide_archived: bool,
    /// The same of documents in the bin.
    hide_trashed: bool,
    search: Option<String>,
    search_in: &'static [&'static str],
}

impl Filter {
    /// Checks fields, operators and values.
    ///
    /// # Errors
    /// What the vendor answers to a field that cannot be filtered, or not by that operator.
    pub(crate) fn new(
        kind: &'static Kind,
        conditions: &[Condition],
        search: Option<String>,
        origin: &str,
    ) -> Result<Self, Problem> {
        let mut kept: Vec<Condition> = Vec::new();
        for condition in conditions {
            allowed(kind, condition)?;
            let mut condition = condition.clone();
            if condition.value.contains("://") && condition.field != "url" {
                condition.value = link::below(&condition.value, origin)?.to_owned();
            }
            // Of several comparisons on one field only the first is used.
            let again = |one: &Condition| one.field == condition.field && one.op == condition.op;
            let compares = matches!(condition.op, Op::Over | Op::Under | Op::From | Op::To);
            if !(compares && kept.iter().any(again)) {
                kept.push(condition);
            }
        }
        let named = |field: &str| kept.iter().any(|one| one.field == field);
        let by_id = named("id") && matches!(kind.name, "product" | "service");
        Ok(Self {
            hide_archived: !named("archived") && !by_id,
            hide_trashed: kind.class == Class::Document && !named("isDeleted"),
            conditions: kept,
            search,
            search_in: kind.search,
        })
    }

    /// Whether a row passes.
    pub(crate) fn passes(&self, account: &Account, kind: &Kind, row: &Row) -> bool {
        if self.hide_archived && row.archived || self.hide_trashed && row.trashed {
            return false;
        }
        if self.conditions.is_empty() && self.search.is_none() {
            return true;
        }
        let (quick, slow): (Vec<_>, Vec<_>) =
            self.conditions.iter().partition(|one| quick(&one.field));
        if !holds(&quick, |one| quickly(row, one)) {
            return false;
        }
        if slow.is_empty() && self.search.is_none() {
            return true;
        }
        // What follows from other objects is worked out only where it is looked at.
        let derived = kind.name == "variant" || slow.iter().any(|one| one.field == "pathName");
        let object = match derived {
            true => Cow::Owned(account.object(kind, row)),
            false => account.fields(kind.name, row),
        };
        let found = self.search.as_ref().is_none_or(|text| {
            let has = |field: &&str| {
                let value = object.get(*field).and_then(Value::as_str);
                value.is_some_and(|value| value.to_lowercase().contains(text))
            };
            self.search_in.iter().any(has)
        });
        found && holds(&slow, |one| slowly(account, &object, one))
    }
}

fn allowed(kind: &Kind, condition: &Condition) -> Result<(), Problem> {
    use Op::{Ends, From, Has, Is, Not, Over, Starts, To, Under};
    let field = condition.field.as_str();
    let custom = field.contains("/metadata/attributes/");
    let ops: &[Op] = if custom {
        &[Is, Not, Has, Starts, Ends, Over, Under, From, To]
    } else if kind.ordered.contains(&field) {
        &[Is, Not, Over, Under, From, To]
    } else if kind.texts.contains(&field) {
        &[Is, Not, Has, Starts, Ends]
    } else if kind.exact.contains(&field) {
        &[Is, Not]
    } else {
        let text = format!("Ошибка фильтрации: неизвестное поле '{field}'");
        return Err(bad_query(1034, text).at("filter"));
    };
    if !ops.contains(&condition.op) {
        let text = format!("Ошибка фильтрации: оператор не применим к полю '{field}'");
        return Err(bad_query(1035, text).at("filter"));
    }
    let moment = ["updated", "created", "moment", "deliveryPlannedMoment"].contains(&field);
    let flag = ["archived", "isDeleted", "shared", "applicable"].contains(&field);
    let wrong = moment && parse_msk(&condition.value).is_none()
        || flag && !matches!(condition.value.as_str(), "true" | "false")
        || field == "id" && Uuid::parse_str(&condition.value).is_err();
    if wrong {
        let text = format!("Ошибка фильтрации: некорректное значение поля '{field}'");
        return Err(bad_query(1014, text).at("filter"));
    }
    Ok(())
}

/// Conditions of one field: any of several `=`, all of the others.
fn holds(conditions: &[&Condition], test: impl Fn(&Condition) -> bool) -> bool {
    conditions.iter().all(|one| match one.op {
        Op::Is => conditions
            .iter()
            .filter(|other| other.op == Op::Is && other.field == one.field)
            .any(|other| test(other)),
        _ => test(one),
    })
}

/// Fields that are seen without building the object.
fn quick(field: &str) -> bool {
    matches!(field, "id" | "updated" | "archived" | "isDeleted")
}

fn quickly(row: &Row, one: &Condition) -> bool {
    let flag = |is: bool| (one.value == "true") == is;
    match one.field.as_str() {
        "id" => equal(Uuid::parse_str(&one.value) == Ok(row.id), one.op),
        "updated" => compared(&row.updated, &parse_msk(&one.value).unwrap_or(0), one.op),
        "archived" => equal(flag(row.archived), one.op),
        _ => equal(flag(row.trashed), one.op),
    }
}

fn equal(same: bool, op: Op) -> bool {
    same == (op == Op::Is)
}

fn compared<T: PartialOrd>(is: &T, wanted: &T, op: Op) -> bool {
    match op {
        Op::Is => is == wanted,
        Op::Not => is != wanted,
        Op::Over => is > wanted,
        Op::Under => is < wanted,
        Op::From => is >= wanted,
        Op::To => is <= wanted,
        Op::Has | Op::Starts | Op::Ends => false,
    }
}

fn slowly(account: &Account, object: &Fields, one: &Condition) -> bool {
    let values = values(account, object, &one.field);
    if one.value.is_empty() {
        return equal(values.iter().all(String::is_empty), one.op);
    }
    match one.op {
        Op::Not => values.iter().all(|value| *value != one.value),
        Op::Over | Op::Under | Op::From | Op::To => values.iter().any(|value| {
            match (value.parse::<f64>(), one.value.parse::<f64>()) {
                (Ok(is), Ok(wanted)) => compared(&is, &wanted, one.op),
                // Moments are written so that their texts have their order.
                _ => parse_msk(value)
                    .is_some_and(|is| compared(&Some(is), &parse_msk(&one.value), one.op)),
            }
        }),
        Op::Is => values.contains(&one.value),
        op => values.iter().any(|value| like(value, &one.value, op)),
    }
}

fn like(is: &str, wanted: &str, op: Op) -> bool {
    let (is, wanted) = (is.to_lowercase(), wanted.to_lowercase());
    match op {
        Op::Starts => is.starts_with(&wanted),
        Op::Ends => is.ends_with(&wanted),
        _ => is.contains(&wanted),
    }
}

/// The values that a filter's field has in an object, as texts; references are paths.
fn values(account: &Account, object: &Fields, field: &str) -> Vec<String> {
    if field.contains("/metadata/attributes/") {
        let id = link::last_id(field);
        let all = object.get("attributes").and_then(Value::as_array);
        let mine = all.into_iter().flatten().filter(|one| link::id(one) == id);
        return mine.filter_map(|one| one.get("value")).map(text).collect();
    }
    match field {
        "barcode" => {
            let all = object
                .get("barcodes")
                .and_then(Value::as_array)
                .into_iter()
                .flatten();
            all.filter_map(Value::as_object)
                .flat_map(|one| one.values().map(text))
                .collect()
        }
        "productid" => {
            let product = object.get("product").and_then(link::id);
            product.map(|id| id.to_string()).into_iter().collect()
        }
        "state.name" => {
            let row = object
                .get("state")
                .and_then(link::id)
                .and_then(|id| account.row("state", id));
            let name = row.and_then(|row| account.fields("state", row).get("name").cloned());
            name.iter().map(text).collect()
        }
        _ => match object.get(field) {
            Some(Value::Array(all)) => all.iter().map(text).collect(),
            Some(value) => vec![text(value)],
            None => Vec::new(),
        },
    }
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        Value::Null => String::new(),
        other => link::path(other).map_or_else(|| other.to_string(), str::to_owned),
    }
}
