//! Who gets in, and to what.

use serde_json::{Value, json};
use sklad_operator::routes::ROUTES;

use crate::{TOKEN, shops, world};

#[test]
fn without_the_token_there_is_nothing() {
    let w = world();
    for header in [
        "",
        "Bearer",
        "Bearer x",
        "Basic operator-token",
        "operator-token",
    ] {
        for path in [
            "/api/v1/tenants",
            "/api/v1/nothing",
            "/api/v1/tenants/x/keys",
        ] {
            let answer = w.send("GET", path, &[("authorization", header)], b"");
            assert_eq!(
                answer.refusal(),
                (401, "unauthorized", ""),
                "{header} {path}"
            );
        }
    }
    let bearer = format!("bearer {TOKEN}");
    assert_eq!(
        w.send("GET", "/api/v1/tenants", &[("authorization", &bearer)], b"")
            .status,
        200
    );
}

#[test]
fn the_document_is_open() {
    let w = world();
    let answer = w.send("GET", "/api/v1/openapi.json", &[], b"");
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body["openapi"], "3.1.0");
}

#[test]
fn every_route_of_the_document_is_dispatched() {
    let w = shops();
    let document = w.send("GET", "/api/v1/openapi.json", &[], b"").body;
    let mut seen = 0;
    for (path, item) in document["paths"].as_object().unwrap() {
        for method in item.as_object().unwrap().keys() {
            let bearer = format!("Bearer {TOKEN}");
            let path = path.replace("{slug}", "demo").replace(['{', '}'], "");
            let headers = [("authorization", bearer.as_str())];
            let answer = w.send(&method.to_uppercase(), &path, &headers, b"{");
            assert_ne!(answer.status, 405, "{method} {path}");
            assert!(answer.status < 500, "{method} {path}: {}", answer.body);
            seen += 1;
        }
    }
    assert_eq!(seen, ROUTES.len());
}

#[test]
fn another_method_names_what_is_allowed() {
    let w = shops();
    let answer = w.call("DELETE", "/demo/settings", &[], &Value::Null);
    assert_eq!(answer.refusal().0, 405);
    assert_eq!(answer.headers["allow"], "GET, PUT");
}

#[test]
fn what_is_not_there_is_not_found() {
    let w = shops();
    for path in [
        "/nobody",
        "/nobody/settings",
        "/nobody/keys",
        "/Nobody/journal",
        "/nobody/goods",
        "/demo/nothing",
        "/demo/customers/1",
        "/demo/customers/1/ledger",
        "/demo/goods/1",
        "/demo/gift-certificates/1",
        "/demo/sales/1",
    ] {
        assert_eq!(w.get(path).refusal(), (404, "not_found", ""), "{path}");
    }
    let answer = w.call("DELETE", "/demo/keys/1", &[], &Value::Null);
    assert_eq!(answer.refusal().0, 404);
}

#[test]
fn a_slash_too_many_is_named() {
    let w = shops();
    for path in ["/", "//demo", "/demo/", "/demo//goods", "/demo/customers/"] {
        let answer = w.get(path);
        assert_eq!(answer.refusal(), (404, "not_found", ""), "{path}");
        assert!(
            answer.message().contains("косая черта"),
            "{path}: {}",
            answer.message()
        );
    }
    let bearer = format!("Bearer {TOKEN}");
    let answer = w.send(
        "GET",
        "/api/v1//tenants",
        &[("authorization", &bearer)],
        b"",
    );
    assert_eq!(answer.refusal(), (404, "not_found", ""));
    assert!(!w.get("/demo/nothing").message().contains("косая черта"));
}

#[test]
fn what_cannot_be_read_is_refused_with_its_place() {
    let w = shops();
    let refusal = |path: &str| {
        let answer = w.get(path);
        let (status, _, place) = answer.refusal();
        (status, place.to_owned())
    };
    for (path, place) in [
        ("/demo/customers?limit=0", "limit"),
        ("/demo/customers?limit=501", "limit"),
        ("/demo/customers?cursor=x", "cursor"),
        ("/demo/journal?cursor=WyJhIiwiYiJd", "cursor"),
        ("/demo/goods?cursor=WyJ4IiwieSJd", "cursor"),
        ("/demo/goods?colour=red", "colour"),
        ("/demo/goods?archived=perhaps", "archived"),
        ("/demo/sales?kind=x", "kind"),
        ("/demo/sales?from=x", "from"),
        ("/demo/sales?to=1.5", "to"),
        ("/demo/goods?order=name", "order"),
        ("/demo/journal?outcome=zzz", "outcome"),
        ("/demo/journal?outcome=OK", "outcome"),
        ("/demo/journal?action=zzz", "action"),
        ("/demo/journal?direction=in", "direction"),
        ("/demo/customers?q=x&cursor=x", "cursor"),
        ("/demo/check?limit=x", "limit"),
        ("/demo/check?cursor=x", "cursor"),
        ("/demo/gift-certificates?limit=-1", "limit"),
        ("/demo/categories?cursor=x", "cursor"),
        ("?limit=0", "limit"),
        ("/demo/settings?limit=1", "limit"),
    ] {
        assert_eq!(refusal(path), (400, place.to_owned()), "{path}");
    }
    let typo = w.post(
        "/demo/goods",
        &json!([{ "external": "1" }, { "nmae": "x" }]),
    );
    assert_eq!(typo.refusal(), (400, "bad_request", "1.nmae"));
    let wrong = w.post("/demo/keys", &json!({ "label": 7 }));
    assert_eq!(wrong.refusal(), (400, "bad_request", "label"));
}

#[test]
fn too_large_a_body_is_refused() {
    let w = shops();
    let big = Value::String(format!("{{\"label\": \"{}\"}}", "x".repeat(1024 * 1024)));
    assert_eq!(w.post("/demo/keys", &big).refusal().0, 413);
    // A batch of goods may be four times as large.
    assert_eq!(w.post("/demo/goods", &big).refusal().0, 400);
    let huge = Value::String(" ".repeat(4 * 1024 * 1024 + 1));
    assert_eq!(w.post("/demo/goods", &huge).refusal().0, 413);
}
