//! `init`, and what no command is (commerceml §1.1, §1.3, §1.9, §6.1-2).

use serde_json::json;

use super::client::Client;
use super::merchant::Merchant;
use super::wire::Request;

#[test]
fn init_says_how_files_are_sent() {
    let merchant = Merchant::new(json!({}));
    let mut client = merchant.client();
    client.checkauth("catalog");
    let reply = client.init("catalog");
    assert_eq!(reply.text(), "zip=no\nfile_limit=1000000");
    assert!(
        reply
            .header("content-type")
            .unwrap()
            .starts_with("text/plain")
    );
    assert_eq!(reply.header("content-encoding"), None);
    assert_eq!(client.init("sale").text(), "zip=no\nfile_limit=1000000");
    merchant.set(json!({ "zip": true, "chunk_limit_bytes": 10_000 }));
    assert_eq!(client.init("catalog").text(), "zip=yes\nfile_limit=10000");
}

#[test]
fn a_client_that_names_its_version_hears_the_one_that_both_know() {
    let merchant = Merchant::new(json!({}));
    let client = merchant.begun();
    let token = client.token.clone().unwrap();
    let init = |kind: &str, version: &str| client.get(kind, "init", &format!("&version={version}"));
    for (kind, theirs, both) in [
        ("catalog", "2.08", "2.08"),
        ("catalog", "3.1", "3.1"),
        ("catalog", "9.9", "3.1"),
        ("sale", "2.10", "2.10"),
        ("sale", "3.1", "3.1"),
        ("sale", "9.9", "3.1"),
    ] {
        let expected = format!("zip=no\nfile_limit=1000000\n{token}\nversion={both}");
        assert_eq!(init(kind, theirs).text(), expected, "{kind} {theirs}");
    }
    // The token is told to one that does not return it, too.
    let silent = Client {
        token: None,
        ..client.clone()
    };
    let told = silent.get("catalog", "init", "&version=2.08").text();
    assert!(told.contains(&token), "{told}");
    // What is no version ends as some version, in one line.
    let odd = init("catalog", "%0Aabc").text();
    assert_eq!(odd.lines().count(), 4, "{odd}");
}

/// The one text of the protocol that is English (commerceml §1.9).
const UNKNOWN: &str = "failure\nUnknown command type.";

#[test]
fn what_is_no_command_is_a_failure() {
    let merchant = Merchant::new(json!({}));
    let client = merchant.begun();
    for (kind, mode) in [
        ("catalog", "nothing"),
        ("catalog", ""),
        ("catalog", "query"),
        ("catalog", "info"),
        ("nothing", "checkauth"),
        ("", ""),
        ("sale", "deactivate"),
        ("get_catalog", "init"),
        ("listen", "init"),
        ("crm", "checkauth"),
    ] {
        assert_eq!(client.get(kind, mode, "").text(), UNKNOWN, "{kind} {mode}");
    }
    let bare = Request {
        method: "GET",
        target: client.path.clone(),
        headers: client.identity(),
        ..Request::default()
    };
    assert_eq!(client.send(&bare).unwrap().text(), UNKNOWN);
}

#[test]
fn methods_are_taken_as_leniently_as_can_be() {
    let merchant = Merchant::new(json!({}));
    let client = merchant.begun();
    let call = |method: &'static str, mode: &str, more: &str| {
        let request = Request {
            method,
            target: client.target("catalog", mode, more),
            headers: client.identity(),
            ..Request::default()
        };
        client.send(&request).unwrap()
    };
    assert_eq!(call("POST", "init", "").word(), "zip=no");
    assert_eq!(call("POST", "complete", "").word(), "success");
    call("GET", "file", "&filename=import.xml").failure();
    call("DELETE", "init", "").failure();
    // Nothing was begun by any of it.
    client.about("catalog", "import", "import.xml").failure();
}

#[test]
fn the_query_is_read_in_any_order_and_what_is_unknown_is_passed_over() {
    let merchant = Merchant::new(json!({}));
    let client = merchant.begun();
    let cookie = client.cookie.clone().unwrap();
    for query in [
        "mode=init&type=catalog",
        "&&x=1&mode=init&y&type=catalog&",
        "type=catalog&mode=init&type=sale&mode=query",
        "%74ype=catalog&mode=%69nit",
        "type=catalog&mode=init&timestamp=1&filename=x",
    ] {
        let reply = client.send(&Request {
            method: "GET",
            target: format!("{}?{query}", client.path),
            headers: vec![("Cookie".into(), cookie.clone())],
            ..Request::default()
        });
        assert_eq!(reply.unwrap().word(), "zip=no", "{query}");
    }
}

#[test]
fn a_batch_exchange_ends_with_complete_and_deactivate_needs_its_time() {
    let merchant = Merchant::new(json!({}));
    let client = merchant.begun();
    client.get("catalog", "complete", "").success();
    let stamp = client.timestamp.clone().unwrap();
    client
        .get("catalog", "deactivate", &format!("&timestamp={stamp}"))
        .success();
    for bad in [
        "",
        "&timestamp=",
        "&timestamp=0",
        "&timestamp=-5",
        "&timestamp=x",
    ] {
        client.get("catalog", "deactivate", bad).failure();
    }
}
