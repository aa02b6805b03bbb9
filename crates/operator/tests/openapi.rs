//! The committed document is what the table of routes says.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::collections::BTreeSet;

use serde_json::Value;
use sklad_operator::openapi::{document, text};
use sklad_operator::routes::{Answer, Body, ROUTES};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/openapi.json");

#[test]
fn the_committed_document_is_up_to_date() {
    let made = text();
    assert_eq!(serde_json::from_str::<Value>(&made).unwrap(), document());
    if std::env::var_os("UPDATE_OPENAPI").is_some() {
        std::fs::write(FILE, &made).unwrap();
        return;
    }
    let committed = std::fs::read_to_string(FILE).unwrap();
    assert!(
        made == committed,
        "openapi.json differs from the routes: run the tests once with UPDATE_OPENAPI=1"
    );
}

#[test]
fn every_schema_that_is_named_is_there() {
    let document = document();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    for route in ROUTES {
        let taken = match route.body {
            Body::One(name) | Body::Perhaps(name) | Body::Many(name) => Some(name),
            Body::None | Body::Csv => None,
        };
        let answered = match route.answer {
            Answer::One(name) | Answer::Many(name) | Answer::Page(name) => Some(name),
            Answer::None | Answer::Any => None,
        };
        for name in taken.into_iter().chain(answered) {
            assert!(schemas.contains_key(name), "{name} of {}", route.path);
        }
    }
    let mut references = BTreeSet::new();
    collect(&document, &mut references);
    for reference in references {
        let pointer = reference.trim_start_matches('#');
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
}

fn collect(value: &Value, references: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            references.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|v| collect(v, references));
        }
        Value::Array(items) => items.iter().for_each(|v| collect(v, references)),
        _ => {}
    }
}

#[test]
fn every_operation_has_its_own_id_and_a_summary() {
    let document = document();
    let mut ids = BTreeSet::new();
    for item in document["paths"].as_object().unwrap().values() {
        for operation in item.as_object().unwrap().values() {
            assert!(ids.insert(operation["operationId"].as_str().unwrap().to_owned()));
            assert!(!operation["summary"].as_str().unwrap().is_empty());
        }
    }
    assert_eq!(ids.len(), ROUTES.len());
}
