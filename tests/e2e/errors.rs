//! Every error has МойСклад's shape and a short Russian text.

use serde_json::json;

use crate::fixture::*;

const METHODS: &[(&str, &str)] = &[
    ("GET", "/counterparty?search=x"),
    ("POST", "/counterparty"),
    ("POST", "/counterparty/detail"),
    ("POST", "/counterparty/verify"),
    ("POST", "/retaildemand"),
    ("POST", "/retaildemand/recalc"),
    ("POST", "/retaildemand/verify"),
    ("POST", "/retailsalesreturn"),
    ("GET", "/giftcard?name=1"),
];

#[test]
fn a_wrong_method_is_405_and_names_the_right_one() {
    let shop = Shop::new(json!({}));
    for (right, path) in METHODS {
        let path = path.split('?').next().unwrap();
        for wrong in ["PUT", "DELETE", "PATCH", "GET", "POST"] {
            let both = path == "/counterparty";
            if wrong == *right || (both && (wrong == "GET" || wrong == "POST")) {
                continue;
            }
            let answer = shop.call(wrong, path, b"{}");
            assert_eq!(answer.error(), (405, 999), "{wrong} {path}");
            assert!(
                answer.headers["allow"].to_str().unwrap().contains(right),
                "{wrong} {path}"
            );
        }
    }
}

#[test]
fn a_wrong_path_is_404() {
    let shop = Shop::new(json!({}));
    for path in [
        "",
        "/",
        "/nothing",
        "/counterparty/x",
        "/retaildemand/x",
        "/retailsalesreturn/x",
        "/giftcards",
    ] {
        for method in ["GET", "POST"] {
            assert_eq!(
                shop.call(method, path, b"{}").error(),
                (404, 999),
                "{method} {path}"
            );
        }
    }
}

#[test]
fn a_slash_at_the_end_changes_nothing() {
    let shop = Shop::new(json!({}));
    for (method, path) in METHODS {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let plain = shop
            .call(
                method,
                &format!("{path}?{query}"),
                b"{\"phone\":\"9031112233\"}",
            )
            .status;
        let slashed = shop
            .call(
                method,
                &format!("{path}/?{query}"),
                b"{\"phone\":\"9031112233\"}",
            )
            .status;
        assert_eq!(slashed, plain, "{method} {path}/");
    }
}

#[test]
fn a_body_over_a_megabyte_is_413_and_one_of_a_megabyte_is_read() {
    let shop = Shop::new(json!({}));
    let padded = |size: usize| {
        let mut body = br#"{"phone":"9031112233"}"#.to_vec();
        body.resize(size, b' ');
        body
    };
    for path in [
        "/counterparty/detail",
        "/retaildemand/recalc",
        "/retaildemand",
        "/retailsalesreturn",
        "/counterparty/verify",
    ] {
        let answer = shop.call("POST", path, &padded(1 << 20));
        assert!(
            answer.status < 300,
            "{path}: {} {}",
            answer.status,
            answer.text
        );
        for size in [(1 << 20) + 1, 3 << 20] {
            assert_eq!(
                shop.call("POST", path, &padded(size)).error(),
                (413, 999),
                "{path} {size}"
            );
        }
    }
}

#[test]
fn broken_json_is_400_and_names_the_place() {
    let shop = Shop::new(json!({}));
    for (body, place) in [
        (&b"{\n \"agent\": {,}\n}"[..], "строка 2, позиция 12"),
        (b"", "строка 1, позиция 0"),
        (b"{", "строка 1, позиция 1"),
        (b"[1,", "строка 1"),
        (b"{\"a\":1}x", "строка 1, позиция 8"),
        (b"\"\xff\"", "байт 1"),
    ] {
        for path in [
            "/counterparty",
            "/counterparty/detail",
            "/retaildemand/recalc",
            "/retaildemand",
            "/retailsalesreturn",
            "/retaildemand/verify",
        ] {
            let answer = shop.call("POST", path, body);
            assert_eq!(answer.error(), (400, 999), "{path} {body:?}");
            let told = text(&answer.json["errors"][0]["error"]);
            assert!(told.contains(place), "{path} {body:?}: {told}");
        }
    }
}

#[test]
fn a_byte_order_mark_is_no_mistake() {
    let shop = Shop::new(json!({}));
    let answer = shop.call("POST", "/counterparty/detail", b"\xef\xbb\xbf{}");
    assert_eq!(answer.text, r#"{"bonusProgram":{"agentBonusBalance":0}}"#);
}

#[test]
fn numbers_beyond_all_measure_are_refused_and_not_wrapped() {
    let shop = Shop::new(json!({}));
    for (price, quantity, wrong) in [
        ("90000000000000000000", "1", "positions.price"),
        ("90000000000000", "90000000000", "positions"),
        ("-1", "1", "positions.price"),
        ("1", "-1", "positions.quantity"),
    ] {
        let body = format!(r#"{{"positions":[{{"price":{price},"quantity":{quantity}}}]}}"#);
        let answer = shop.call("POST", "/retaildemand/recalc", body.as_bytes());
        assert_eq!(answer.error(), (412, 999), "{body}: {}", answer.text);
        assert_eq!(
            answer.json["errors"][0]["parameter"],
            json!(wrong),
            "{body}"
        );
    }
}

#[test]
fn nobody_is_refused_where_somebody_is_needed() {
    let shop = Shop::new(json!({}));
    for body in [
        json!({}),
        json!({ "name": "Без всего" }),
        json!({ "meta": { "id": "", "href": "" } }),
    ] {
        assert_eq!(
            shop.post("/counterparty", &body).error(),
            (412, 999),
            "{body}"
        );
        assert_eq!(
            shop.post("/counterparty/verify", &body).error(),
            (412, 999),
            "{body}"
        );
    }
    assert_eq!(
        shop.post("/retaildemand/verify", &json!({})).error(),
        (404, 999)
    );
    let unknown = json!({ "counterpartyId": id(), "phone": "+79011231122" });
    assert_eq!(
        shop.post("/retaildemand/verify", &unknown).error(),
        (404, 999)
    );
}

#[test]
fn the_operators_document_is_for_everybody_and_is_only_read() {
    let app = app();
    let read = app.send("GET", "/api/v1/openapi.json", &[], b"").unwrap();
    assert_eq!(read.status, 200);
    assert_eq!(read.headers["content-type"], "application/json");
    assert_eq!(read.ok()["openapi"], "3.1.0");
    let sent = app
        .send("POST", "/api/v1/openapi.json", &[], b"{}")
        .unwrap();
    assert_eq!(sent.status, 405);
    assert_eq!(sent.headers["allow"], "GET");
}
