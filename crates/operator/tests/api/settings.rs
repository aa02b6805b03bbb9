//! Tenants, settings, keys.

use futures::executor::block_on;
use serde_json::{Value, json};

use crate::{shops, world};

#[test]
fn tenants_are_created_once_and_listed() {
    let w = world();
    let body = json!({ "slug": "demo", "name": "Демо", "timezone_minutes": 300,
        "programme": { "earning": { "percent": 7.5 } } });
    let made = w.post("", &body);
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.headers["location"], "/api/v1/tenants/demo");
    assert_eq!(
        made.body["settings"]["programme"]["earning"]["percent"],
        7.5
    );
    assert_eq!(w.post("", &body).refusal().0, 409);
    assert_eq!(
        w.post("", &json!({ "slug": "Demo" })).refusal(),
        (400, "bad_request", "slug")
    );
    let east = json!({ "slug": "east", "timezone_minutes": 9999 });
    assert_eq!(
        w.post("", &east).refusal(),
        (422, "refused", "timezone_minutes")
    );
    for n in 0..7 {
        assert_eq!(w.post("", &json!({ "slug": format!("t{n}") })).status, 201);
    }
    let slugs: Vec<_> = w
        .all_pages("", 3)
        .iter()
        .map(|t| t["slug"].clone())
        .collect();
    assert_eq!(slugs, ["demo", "t0", "t1", "t2", "t3", "t4", "t5", "t6"]);
}

#[test]
fn settings_change_only_from_the_version_that_was_read() {
    let w = shops();
    let read = w.get("/demo/settings");
    let etag = read.etag();
    let mut settings = read.body.clone();
    settings["name"] = json!("Другое");
    let put =
        |etag: &str, body: &Value| w.call("PUT", "/demo/settings", &[("if-match", etag)], body);
    let bare = w.call("PUT", "/demo/settings", &[], &settings);
    assert_eq!(bare.refusal(), (428, "if_match_required", ""));
    let done = put(&etag, &settings);
    assert_eq!((done.status, done.body["version"].as_u64()), (200, Some(2)));
    assert_eq!(done.etag(), "\"2\"");
    for stale in [etag.as_str(), "\"7\"", "W/\"2\"", "x"] {
        assert_eq!(
            put(stale, &settings).refusal(),
            (412, "stale", ""),
            "{stale}"
        );
    }
    assert_eq!(put("*", &settings).body["version"], 3);
    assert_eq!(w.get("/demo/settings").body["name"], "Другое");
    assert_eq!(w.get("/other/settings").body["name"], "other");
}

#[test]
fn the_programme_is_a_part_of_the_settings() {
    let w = shops();
    let read = w.get("/demo/programme");
    let etag = read.etag();
    let put = |body: &Value| w.call("PUT", "/demo/programme", &[("if-match", &etag)], body);
    let typo = put(&json!({ "earning": { "percents": 5 } }));
    assert_eq!(typo.refusal(), (400, "bad_request", "earning.percents"));
    assert_eq!(
        put(&json!([])).refusal().0,
        400,
        "an empty list is no programme"
    );
    let bad = json!({ "codes": { "length": 99 }, "spending": { "point_kopecks": 0 } });
    let refused = put(&bad);
    assert_eq!(refused.refusal().0, 422);
    let problems = refused.body["error"]["problems"].as_array().unwrap();
    assert_eq!(problems.len(), 2, "{problems:?}");
    assert!(
        !problems[0]["path"]
            .as_str()
            .unwrap()
            .starts_with("programme")
    );

    let done = put(&json!({ "earning": { "percent": 3 } }));
    assert_eq!((done.status, done.etag().as_str()), (200, "\"2\""));
    assert_eq!(
        w.get("/demo/settings").body["programme"]["earning"]["percent"],
        3
    );
    assert_eq!(put(&json!({})).refusal().0, 412);
}

#[test]
fn what_new_settings_do_not_name_stays_as_it_was() {
    let w = shops();
    let put = |path: &str, body: &Value| {
        let done = w.call("PUT", path, &[("if-match", "*")], body);
        assert_eq!(done.status, 200, "{}", done.body);
        done.body
    };
    put(
        "/demo/programme",
        &json!({ "earning": { "percent": 7.25 } }),
    );
    put(
        "/demo/settings/customers",
        &json!({ "create_unknown": false }),
    );
    let before = w.get("/demo/settings").body;
    let after = put(
        "/demo/settings",
        &json!({ "commerceml": { "missing": "archive", "stores": ["Основной"] } }),
    );
    for name in ["name", "timezone_minutes", "programme", "customers"] {
        assert_eq!(after[name], before[name], "{name}");
    }
    assert_eq!(after["commerceml"]["missing"], "archive");
    // What is named is replaced as a whole.
    let after = put(
        "/demo/settings",
        &json!({ "name": "Другое", "commerceml": { "zip": true } }),
    );
    assert_eq!(after["name"], "Другое");
    assert_eq!(after["commerceml"]["missing"], "keep");
    assert_eq!(after["programme"], before["programme"]);
    assert_eq!(w.get("/demo/settings").body, after);
    for (bad, code, path) in [
        (json!({ "commerseml": {} }), 400, "commerseml"),
        (json!({ "commerceml": null }), 400, "commerceml"),
        (json!({ "commerceml": { "zip": 1 } }), 400, "commerceml.zip"),
        (json!({ "name": "" }), 422, "name"),
        (json!([]), 400, ""),
    ] {
        let refused = w.call("PUT", "/demo/settings", &[("if-match", "*")], &bad);
        assert_eq!((refused.refusal().0, refused.refusal().2), (code, path));
    }
    assert_eq!(w.get("/demo/settings").body, after);
}

#[test]
fn a_section_is_read_and_replaced_by_itself() {
    let w = shops();
    w.call(
        "PUT",
        "/demo/programme",
        &[("if-match", "*")],
        &json!({ "earning": { "percent": 7 } }),
    );
    let mut goods = w.get("/demo/settings").body["moysklad"]["goods"].clone();
    goods["at_hour"] = json!(4);
    for (section, new, name, value, wrong, place) in [
        (
            "commerceml",
            json!({ "price_types": ["Цена продажи"] }),
            "price_types",
            json!(["Цена продажи"]),
            json!({ "missing_guard_percent": 101, "chunk_limit_bytes": 1 }),
            "missing_guard_percent",
        ),
        (
            "moysklad",
            json!({ "goods": { "at_hour": 4 } }),
            "goods",
            goods,
            json!({ "goods": { "at_hour": 24 } }),
            "goods.at_hour",
        ),
        (
            "customers",
            json!({ "create_unknown": false }),
            "create_unknown",
            json!(false),
            json!({ "create_unknown": 1 }),
            "create_unknown",
        ),
    ] {
        let path = format!("/demo/settings/{section}");
        let read = w.get(&path);
        assert_eq!(read.body, w.get("/demo/settings").body[section]);
        let etag = read.etag();
        let put = |body: &Value| w.call("PUT", &path, &[("if-match", &etag)], body);
        assert_eq!(put(&wrong).refusal().2, place);
        assert_eq!(put(&json!({ "x": 1 })).refusal(), (400, "bad_request", "x"));
        assert_eq!(w.call("PUT", &path, &[], &new).refusal().0, 428);
        let done = put(&new);
        assert_eq!((done.status, &done.body[name]), (200, &value));
        assert_eq!(put(&new).refusal(), (412, "stale", ""));
        assert_eq!(w.get("/demo/settings").body[section], done.body);
    }
    let settings = w.get("/demo/settings").body;
    assert_eq!(settings["programme"]["earning"]["percent"], 7);
    let journal = w.all_pages("/demo/journal?action=settings", 9);
    let texts: Vec<_> = journal.iter().map(|row| row["text"].clone()).collect();
    assert_eq!(
        texts,
        [
            "Настройки покупателей изменены, версия 5",
            "Настройки МоегоСклада изменены, версия 4",
            "Настройки обмена изменены, версия 3",
            "Программа лояльности изменена, версия 2",
        ]
    );
}

#[test]
fn a_key_needs_no_body_and_a_programme_does() {
    let w = shops();
    for empty in ["", " \n"] {
        let issued = w.post("/demo/keys", &json!(empty));
        assert_eq!(
            (issued.status, &issued.body["key"]["label"]),
            (201, &json!(""))
        );
    }
    let headers = [("if-match", "*")];
    let reset = w.call("PUT", "/demo/programme", &headers, &Value::Null);
    assert_eq!(reset.refusal(), (400, "bad_request", ""));
}

#[test]
fn a_key_is_issued_shown_once_and_revoked() {
    let w = shops();
    let issue = || w.post("/demo/keys", &json!({ "label": "касса" }));
    let (first, second) = (issue(), issue());
    assert_eq!((first.status, second.status), (201, 201));
    assert_eq!(issue().refusal().0, 409);
    assert_eq!(w.post("/nobody/keys", &json!({})).refusal().0, 404);
    assert_eq!(w.post("/nobody/keys", &Value::Null).refusal().0, 404);
    let token = first.body["token"].as_str().unwrap();
    let works = |at| {
        block_on(w.app.tenant_of_token(token, at))
            .unwrap()
            .is_some()
    };
    assert!(works(w.now.get()));
    let id = first.body["key"]["id"].as_str().unwrap();
    assert_eq!(
        w.call("DELETE", &format!("/other/keys/{id}"), &[], &Value::Null)
            .status,
        404
    );
    assert_eq!(
        w.call("DELETE", &format!("/demo/keys/{id}"), &[], &Value::Null)
            .status,
        204
    );
    assert!(!works(w.now.get()));
    let listed = w.get("/demo/keys").body;
    assert_eq!(listed, json!([second.body["key"]]));
    assert_eq!(w.get("/demo").body["keys"], listed);
    let journal = w.all_pages("/demo/journal?action=key", 2);
    assert_eq!(journal.len(), 3);
    assert!(!format!("{journal:?}").contains(token));
}
