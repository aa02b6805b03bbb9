//! The settings as JSON, their problems, and the page that explains them.

use super::*;
use crate::units::Percent;
use serde_json::Value;
use std::collections::BTreeSet;

/// The page for merchants.
const PAGE: &str = include_str!("../../../../docs/ru/programma.md");

fn read(json: &str) -> Programme {
    serde_json::from_str(json).unwrap()
}

fn problems(json: &str) -> Vec<String> {
    read(json)
        .validate()
        .into_iter()
        .map(|problem| problem.path)
        .collect()
}

#[test]
fn the_empty_programme_is_sensible_and_valid() {
    let programme = read("{}");
    assert_eq!(programme, Programme::default());
    assert_eq!(programme.validate(), vec![]);
    assert_eq!(programme.earning.percent, Percent::whole(5));
    assert_eq!(programme.spending.point_kopecks.0, 100);
    assert_eq!(programme.spending.max_share, Percent::whole(50));
}

#[test]
fn every_section_may_be_empty() {
    for section in [
        "earning",
        "spending",
        "discounts",
        "tiers",
        "codes",
        "receipt",
    ] {
        assert_eq!(
            read(&format!("{{\"{section}\": {{}}}}")),
            Programme::default()
        );
    }
    assert_eq!(
        problems(r#"{"earning": {"welcome": {}, "birthday": {}}}"#),
        Vec::<String>::new()
    );
}

#[test]
fn a_programme_survives_json() {
    for json in examples() {
        let programme = read(json);
        let text = serde_json::to_string(&programme).unwrap();
        assert_eq!(read(&text), programme);
    }
}

#[test]
fn unknown_fields_are_refused_everywhere() {
    for json in [
        r#"{"x": 1}"#,
        r#"{"earning": {"x": 1}}"#,
        r#"{"earning": {"welcome": {"x": 1}}}"#,
        r#"{"earning": {"birthday": {"x": 1}}}"#,
        r#"{"earning": {"schedule": [{"percent": 1, "x": 1}]}}"#,
        r#"{"spending": {"x": 1}}"#,
        r#"{"discounts": {"x": 1}}"#,
        r#"{"discounts": {"receipt": [{"from_kopecks": 1, "percent": 1, "x": 1}]}}"#,
        r#"{"tiers": {"x": 1}}"#,
        r#"{"tiers": {"levels": [{"id": "a", "name": "a", "from_kopecks": 1, "x": 1}]}}"#,
        r#"{"codes": {"x": 1}}"#,
        r#"{"codes": {"channel": {"kind": "webhook", "url": "https://a.ru", "x": 1}}}"#,
        r#"{"receipt": {"x": 1}}"#,
    ] {
        assert!(serde_json::from_str::<Programme>(json).is_err(), "{json}");
    }
}

#[test]
fn problems_name_the_field() {
    let long = "a".repeat(65);
    let cases = [
        (r#"{"spending": {"point_kopecks": 0}}"#.to_owned(), "spending.point_kopecks"),
        (r#"{"spending": {"min_points": 0}}"#.to_owned(), "spending.min_points"),
        (r#"{"spending": {"min_receipt_kopecks": -1}}"#.to_owned(), "spending.min_receipt_kopecks"),
        (r#"{"spending": {"price_floors_kopecks": {"a": -1}}}"#.to_owned(), "spending.price_floors_kopecks.a"),
        (r#"{"spending": {"tiers": {"gold": 1}}}"#.to_owned(), "spending.tiers.gold"),
        (r#"{"earning": {"tiers": {"gold": 1}}}"#.to_owned(), "earning.tiers.gold"),
        (r#"{"discounts": {"tiers": {"gold": 1}}}"#.to_owned(), "discounts.tiers.gold"),
        (r#"{"earning": {"goods": {"": 1}}}"#.to_owned(), "earning.goods."),
        (format!(r#"{{"earning": {{"stores": {{"{long}": 1}}}}}}"#), &format!("earning.stores.{long}")),
        (r#"{"earning": {"goods": {"a": 1}, "excluded_goods": ["a"]}}"#.to_owned(), "earning.goods.a"),
        (r#"{"discounts": {"categories": {"a": 1}, "excluded_categories": ["a"]}}"#.to_owned(), "discounts.categories.a"),
        (r#"{"earning": {"max_points_per_receipt": 0}}"#.to_owned(), "earning.max_points_per_receipt"),
        (r#"{"earning": {"active_after_days": 366}}"#.to_owned(), "earning.active_after_days"),
        (r#"{"earning": {"expire_after_days": 0}}"#.to_owned(), "earning.expire_after_days"),
        (r#"{"earning": {"welcome": {"points": 0}}}"#.to_owned(), "earning.welcome.points"),
        (r#"{"earning": {"birthday": {"days_before": 61}}}"#.to_owned(), "earning.birthday.days_before"),
        (r#"{"earning": {"schedule": [{"from": "10:00", "to": "10:00", "percent": 1}]}}"#.to_owned(), "earning.schedule.0.to"),
        (r#"{"earning": {"schedule": [{"since": "2026-01-02", "until": "2026-01-01", "percent": 1}]}}"#.to_owned(), "earning.schedule.0.until"),
        (r#"{"discounts": {"receipt": [{"from_kopecks": 1, "percent": 1}, {"from_kopecks": 1, "percent": 2}]}}"#.to_owned(), "discounts.receipt.1.from_kopecks"),
        (r#"{"tiers": {"window_months": 0}}"#.to_owned(), "tiers.window_months"),
        (r#"{"tiers": {"levels": [{"id": "я", "name": "a", "from_kopecks": 1}]}}"#.to_owned(), "tiers.levels.0.id"),
        (r#"{"tiers": {"levels": [{"id": "a", "name": " ", "from_kopecks": 1}]}}"#.to_owned(), "tiers.levels.0.name"),
        (r#"{"tiers": {"levels": [{"id": "a", "name": "a", "from_kopecks": 1}, {"id": "b", "name": "b", "from_kopecks": 1}]}}"#.to_owned(), "tiers.levels.1.from_kopecks"),
        (r#"{"tiers": {"levels": [{"id": "a", "name": "a", "from_kopecks": 1}, {"id": "a", "name": "b", "from_kopecks": 2}]}}"#.to_owned(), "tiers.levels.1.id"),
        (r#"{"codes": {"length": 3}}"#.to_owned(), "codes.length"),
        (r#"{"codes": {"spending_above": -1}}"#.to_owned(), "codes.spending_above"),
        (r#"{"codes": {"lifetime_seconds": 5}}"#.to_owned(), "codes.lifetime_seconds"),
        (r#"{"codes": {"max_attempts": 0}}"#.to_owned(), "codes.max_attempts"),
        (r#"{"codes": {"repeat_after_seconds": 0}}"#.to_owned(), "codes.repeat_after_seconds"),
        (r#"{"codes": {"max_per_hour": 61}}"#.to_owned(), "codes.max_per_hour"),
        (format!(r#"{{"codes": {{"message_for_cashier": "{}"}}}}"#, "я".repeat(141)), "codes.message_for_cashier"),
        (r#"{"codes": {"channel": {"kind": "webhook", "url": "http://a.ru"}}}"#.to_owned(), "codes.channel.url"),
        (r#"{"codes": {"channel": {"kind": "webhook", "url": "https://me:pw@a.ru"}}}"#.to_owned(), "codes.channel.url"),
        (r#"{"codes": {"channel": {"kind": "webhook", "url": "https://192.168.1.1/"}}}"#.to_owned(), "codes.channel.url"),
        (format!(r#"{{"codes": {{"channel": {{"kind": "webhook", "url": "https://a.ru/{}"}}}}}}"#, "a".repeat(500)), "codes.channel.url"),
        (r#"{"receipt": {"template": "{name}"}}"#.to_owned(), "receipt.template"),
        (r#"{"receipt": {"template": "a\u0007"}}"#.to_owned(), "receipt.template"),
        (r#"{"receipt": {"anonymous_template": "{earned}"}}"#.to_owned(), "receipt.anonymous_template"),
    ];
    for (json, path) in cases {
        assert_eq!(problems(&json), [path], "{json}");
    }
}

#[test]
fn too_many_rules_are_a_problem() {
    let mut programme = Programme::default();
    for n in 0..=limits::MAX_RULES {
        programme
            .earning
            .goods
            .insert(format!("good-{n}"), Percent::ZERO);
    }
    let paths: Vec<_> = programme
        .validate()
        .into_iter()
        .map(|problem| problem.path)
        .collect();
    assert_eq!(paths, ["earning.goods"]);
}

#[test]
fn the_life_of_points_is_counted_from_the_day_they_become_active() {
    let earning =
        read(r#"{"earning": {"active_after_days": 14, "expire_after_days": 365}}"#).earning;
    let day = |text: &str| text.parse::<chrono::NaiveDate>().unwrap();
    let dates = earning.life().dates(day("2026-03-01"));
    assert_eq!(dates, (day("2026-03-15"), Some(day("2027-03-15"))));
    assert_eq!(
        Life::default().dates(day("2026-03-01")),
        (day("2026-03-01"), None)
    );
    let end = chrono::NaiveDate::MAX;
    assert_eq!(earning.life().dates(end), (end, Some(end)));
}

/// The JSON blocks of the page.
fn examples() -> Vec<&'static str> {
    let mut found = Vec::new();
    for part in PAGE.split("```json\n").skip(1) {
        found.push(part.split("```").next().unwrap());
    }
    assert!(found.len() > 20, "the page has examples");
    found
}

#[test]
fn every_example_of_the_page_is_a_valid_programme() {
    for json in examples() {
        let programme: Programme =
            serde_json::from_str(json).unwrap_or_else(|error| panic!("{error}: {json}"));
        assert_eq!(programme.validate(), vec![], "{json}");
    }
}

/// Names of fields, and values of choices, of a schema at any depth.
fn names(schema: &Value, found: &mut BTreeSet<String>) {
    if let Some(fields) = schema.get("properties").and_then(Value::as_object) {
        found.extend(fields.keys().cloned());
    }
    found.extend(
        schema
            .get("const")
            .and_then(Value::as_str)
            .map(str::to_owned),
    );
    let choices = schema.get("enum").and_then(Value::as_array);
    found.extend(
        choices
            .into_iter()
            .flatten()
            .filter_map(Value::as_str)
            .map(str::to_owned),
    );
    match schema {
        Value::Object(fields) => {
            // What an object's default holds are not names.
            for (_, value) in fields.iter().filter(|(key, _)| *key != "default") {
                names(value, found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, found)),
        _ => {}
    }
}

#[test]
fn the_page_explains_every_setting_and_shows_it_in_an_example() {
    let mut found = BTreeSet::new();
    names(schemars::schema_for!(Programme).as_value(), &mut found);
    assert!(found.contains("repeat_after_seconds") && found.contains("before_discounts"));
    for name in &found {
        assert!(
            PAGE.contains(&format!("`{name}`")),
            "the page does not explain {name}"
        );
    }
    let all: String = examples().concat();
    let mut fields = BTreeSet::new();
    let schema = schemars::schema_for!(Programme);
    collect_fields(schema.as_value(), &mut fields);
    for name in fields {
        assert!(
            all.contains(&format!("\"{name}\"")),
            "no example sets {name}"
        );
    }
}

/// Names of fields alone.
fn collect_fields(schema: &Value, found: &mut BTreeSet<String>) {
    if let Some(fields) = schema.get("properties").and_then(Value::as_object) {
        found.extend(fields.keys().cloned());
    }
    match schema {
        Value::Object(fields) => fields
            .values()
            .for_each(|value| collect_fields(value, found)),
        Value::Array(items) => items.iter().for_each(|item| collect_fields(item, found)),
        _ => {}
    }
}

#[test]
fn every_placeholder_is_on_the_page() {
    for name in crate::text::PLACEHOLDERS {
        assert!(PAGE.contains(&format!("`{{{name}}}`")), "{name}");
    }
}
