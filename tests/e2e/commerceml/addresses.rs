//! Where the exchange is found, and whose it is (commerceml §1.1).

use serde_json::json;

use super::client::ENDPOINT;
use super::merchant::Merchant;
use super::wire::Request;
use crate::fixture::*;

fn word(merchant: &Merchant, path: &str, host: Option<&str>) -> (u16, String) {
    let mut client = merchant.client();
    client.path = path.to_owned();
    let mut headers = vec![("Authorization".to_owned(), client.basic())];
    headers.extend(host.map(|host| ("Host".to_owned(), host.to_owned())));
    let reply = client.send(&Request {
        method: "GET",
        target: format!("{path}?type=catalog&mode=checkauth"),
        headers,
        ..Request::default()
    });
    let reply = reply.unwrap();
    (reply.status, reply.word())
}

#[test]
fn every_address_that_a_merchant_may_paste_works_without_a_redirect() {
    let merchant = Merchant::new(json!({}));
    let success = (200, "success".to_owned());
    for path in [ENDPOINT, "/1c_exchange.php"] {
        for slash in ["", "/"] {
            let path = format!("/t/{}{path}{slash}", merchant.shop.slug);
            assert_eq!(word(&merchant, &path, None), success, "{path}");
        }
    }
}

#[test]
fn a_host_of_the_tenants_own_needs_no_path() {
    let merchant = Merchant::new(json!({}));
    let Some(domain) = merchant.shop.app.domain.clone() else {
        return;
    };
    let host = format!("{}.{domain}", merchant.shop.slug);
    for path in [ENDPOINT, "/1c_exchange.php", "/1c_exchange.php/"] {
        let success = (200, "success".to_owned());
        assert_eq!(word(&merchant, path, Some(&host)), success, "{path}");
    }
    // Host and path that do not agree lead nowhere.
    let other = Merchant::new(json!({}));
    let (_, word) = word(&merchant, &other.path(), Some(&host));
    assert_ne!(word, "success");
}

#[test]
fn an_address_without_a_tenant_or_with_an_unknown_one_is_a_failure() {
    let merchant = Merchant::new(json!({}));
    for path in [
        ENDPOINT.to_owned(),
        "/1c_exchange.php".to_owned(),
        format!("/t/no-such-{}{ENDPOINT}", &id()[..8]),
    ] {
        assert_eq!(
            word(&merchant, &path, None),
            (200, "failure".into()),
            "{path}"
        );
    }
}

#[test]
fn failures_end_as_the_exchange_says_and_not_as_html() {
    let merchant = Merchant::new(json!({}));
    let client = merchant.client();
    let path = format!("/t/no-such-{}{ENDPOINT}", &id()[..8]);
    let reply = client.send(&Request {
        method: "GET",
        target: format!("{path}?type=catalog&mode=checkauth"),
        headers: client.identity(),
        ..Request::default()
    });
    let told = reply.unwrap().failure();
    assert!(told.contains("магазин"), "{told}");
}
