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
