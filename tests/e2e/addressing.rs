//! Keys, and the tenant named by host or by path.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fixture::*;

/// How long a revoked key may go on working, with some reserve for a slow machine.
const REVOKED_WITHIN: Duration = Duration::from_secs(8);

/// A search with this key, at this path, under this host.
fn search(shop: &Shop, key: Option<&str>, path: &str, host: Option<&str>) -> Answer {
    let mut headers = Vec::new();
    headers.extend(key.map(|key| (KEY, key)));
    headers.extend(host.map(|host| ("host", host)));
    let path = format!("{path}{PREFIX}/counterparty?search=никого");
    shop.app.send("GET", &path, &headers, b"").unwrap()
}

#[test]
fn a_bad_key_is_401_and_nothing_says_why() {
    let shop = Shop::new(json!({}));
    let mut changed = shop.key.clone();
    let last = if changed.pop() == Some('A') { 'B' } else { 'A' };
    changed.push(last);
    let lower = shop.key.to_lowercase();
    let long = "x".repeat(4000);
    let prefixed = format!("Bearer {}", shop.key);
    let mut texts = Vec::new();
    for key in [
        None,
        Some(""),
        Some(" "),
        Some("x"),
        Some(&*changed),
        Some(&*lower),
        Some(&*long),
        Some(&*prefixed),
    ] {
        let answer = search(&shop, key, "", None);
        assert_eq!(answer.error(), (401, 999), "{key:?}");
        texts.push(answer.text);
    }
    texts.dedup();
    assert_eq!(texts.len(), 1, "the answers differ: {texts:?}");
    let bearer = format!("Bearer {}", shop.key);
    let path = format!("{PREFIX}/counterparty?search=x");
    let other_header = shop
        .app
        .send("GET", &path, &[("authorization", &bearer)], b"")
        .unwrap();
    assert_eq!(other_header.text, texts[0]);
}

#[test]
fn a_bad_key_is_401_at_every_method_and_does_nothing() {
    let shop = Shop::new(json!({}));
    let who = json!({ "name": "Чужой", "phone": phone(), "meta": { "id": id() } });
    for (method, path) in [
        ("GET", "/counterparty?search=9039"),
        ("POST", "/counterparty"),
        ("POST", "/counterparty/detail"),
        ("POST", "/counterparty/verify"),
        ("POST", "/retaildemand/recalc"),
        ("POST", "/retaildemand/verify"),
        ("POST", "/retaildemand"),
        ("POST", "/retailsalesreturn"),
        ("GET", "/giftcard?name=1"),
        ("PUT", "/counterparty"),
        ("GET", "/nothing"),
    ] {
        let headers = [(KEY, "ske_not_a_key")];
        let answer = shop.app.send(
            method,
            &format!("{PREFIX}{path}"),
            &headers,
            who.to_string().as_bytes(),
        );
        assert_eq!(answer.unwrap().error(), (401, 999), "{method} {path}");
    }
    assert_eq!(
        (shop.list("/customers"), shop.list("/sales")),
        (vec![], vec![])
    );
}

#[test]
fn the_name_of_the_header_is_read_in_any_case() {
    let shop = Shop::new(json!({}));
    let path = format!("{PREFIX}/counterparty?search=x");
    for name in [
        "lognex-discount-api-auth-token",
        "LOGNEX-DISCOUNT-API-AUTH-TOKEN",
    ] {
        let answer = shop
            .app
            .send("GET", &path, &[(name, &shop.key)], b"")
            .unwrap();
        assert_eq!(answer.status, 200, "{name}");
    }
}

#[test]
fn two_keys_work_while_one_replaces_the_other() {
    let shop = Shop::new(json!({}));
    let keys = shop.api("GET", "/keys", &json!({})).ok();
    let old_id = text(&keys[0]["id"]);
    let (new, new_id) = shop.new_key();
    assert_ne!(new, shop.key);
    for key in [&shop.key, &new] {
        assert_eq!(search(&shop, Some(key), "", None).status, 200);
    }
    assert_eq!(
        shop.api("DELETE", &format!("/keys/{old_id}"), &json!({}))
            .status,
        204
    );
    let started = Instant::now();
    while search(&shop, Some(&shop.key), "", None).status != 401 {
        assert!(
            started.elapsed() < REVOKED_WITHIN,
            "the revoked key still works"
        );
        std::thread::sleep(Duration::from_millis(200));
    }
    assert_eq!(search(&shop, Some(&new), "", None).status, 200);
    let left = shop.api("GET", "/keys", &json!({})).ok();
    assert_eq!(left.as_array().map(Vec::len), Some(1));
    assert_eq!(left[0]["id"], json!(new_id));
    assert!(
        !left.to_string().contains(&new),
        "the text of a key is shown once"
    );
}

#[test]
fn a_tenant_is_addressed_by_its_path() {
    let (mine, other) = (Shop::new(json!({})), Shop::new(json!({})));
    let at = |slug: &str| search(&mine, Some(&mine.key), &format!("/t/{slug}"), None);
    assert_eq!(at(&mine.slug).status, 200);
    assert_eq!(at(&other.slug).error(), (401, 999));
    assert_eq!(at("no-such-tenant").error(), (401, 999));
    for (method, path) in [
        ("POST", "/counterparty/detail"),
        ("POST", "/retaildemand/recalc"),
        ("POST", "/retaildemand"),
        ("POST", "/retailsalesreturn"),
        ("POST", "/counterparty/verify"),
        ("POST", "/retaildemand/verify"),
        ("GET", "/giftcard?name=1"),
    ] {
        let send = |slug: &str| {
            let path = format!("/t/{slug}{PREFIX}{path}");
            mine.app
                .send(
                    method,
                    &path,
                    &[(KEY, &mine.key)],
                    b"{\"phone\":\"9031112233\"}",
                )
                .unwrap()
        };
        assert_ne!(send(&mine.slug).status, 401, "{path}");
        assert_eq!(send(&other.slug).error(), (401, 999), "{path}");
    }
    assert_eq!(other.list("/sales"), Vec::<Value>::new());
}

#[test]
fn a_tenant_is_addressed_by_its_host() {
    let (mine, other) = (Shop::new(json!({})), Shop::new(json!({})));
    let Some(domain) = mine.app.domain.clone() else {
        println!("skipped: the base domain is not known, SKLAD_EDGE_BASE_DOMAIN names it");
        return;
    };
    let at = |host: String, path: &str| search(&mine, Some(&mine.key), path, Some(&host));
    let own_host = format!("{}.{domain}", mine.slug);
    assert_eq!(at(own_host.clone(), "").status, 200);
    assert_eq!(
        at(format!("{}:8080", own_host.to_uppercase()), "").status,
        200
    );
    assert_eq!(
        at(format!("{}.{domain}", other.slug), "").error(),
        (401, 999)
    );
    assert_eq!(at(format!("nobody.{domain}"), "").error(), (401, 999));
    assert_eq!(
        at(domain.clone(), "").status,
        200,
        "the domain itself names nobody"
    );
    // Both at once must agree with the key.
    assert_eq!(
        at(own_host.clone(), &format!("/t/{}", mine.slug)).status,
        200
    );
    assert_eq!(
        at(own_host, &format!("/t/{}", other.slug)).error(),
        (401, 999)
    );
    let foreign = format!("{}.{domain}", other.slug);
    assert_eq!(
        at(foreign, &format!("/t/{}", mine.slug)).error(),
        (401, 999)
    );
}

#[test]
fn only_the_operators_token_opens_the_operators_api() {
    let shop = Shop::new(json!({}));
    let path = format!("/api/v1/tenants/{}", shop.slug);
    for headers in [
        vec![],
        vec![("authorization", format!("Bearer {}", shop.key))],
        vec![("authorization", "Bearer ".to_owned())],
        vec![("authorization", "Basic b3A6b3A=".to_owned())],
        vec![(KEY, shop.key.clone())],
    ] {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()))
            .collect();
        let answer = shop.app.send("GET", &path, &headers, b"").unwrap();
        assert_eq!(answer.status, 401, "{headers:?}");
        assert!(!answer.text.contains(&shop.slug));
    }
}

#[test]
fn a_base_address_may_end_with_a_slash() {
    let shop = Shop::new(json!({ "earning": { "percent": 10 } }));
    let buyer = agent(&id());
    let tenant = format!("/t/{}", shop.slug);
    let sale = |n: &str| {
        let mut sale = sale_of(&shop.recalc(&receipt(&buyer, &[line(100.0, 1.0)])));
        sale["meta"] = json!({ "id": format!("sale-{n}") });
        sale
    };
    for (n, tenant) in ["", &tenant].into_iter().enumerate() {
        let post = |method: &str, body: &Value| {
            let (path, body) = (format!("{tenant}{PREFIX}//{method}"), body.to_string());
            let answer = shop
                .app
                .send("POST", &path, &[(KEY, &shop.key)], body.as_bytes());
            answer.unwrap()
        };
        post("counterparty", &buyer).ok();
        post("retaildemand/recalc", &receipt(&buyer, &[line(100.0, 1.0)])).ok();
        post("retaildemand", &sale(&n.to_string())).ok();
        post("counterparty/detail", &buyer).ok();
        post(
            "retailsalesreturn",
            &json!({ "meta": { "id": format!("back-{n}") } }),
        )
        .ok();
        assert_eq!(post("other/retaildemand", &json!({})).error().0, 404);
    }
    assert_eq!(shop.balance(&buyer), 20);
}
