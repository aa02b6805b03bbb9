//! Who is let in, and what he is told (commerceml §1.2, §6.1-1).

use serde_json::{Value, json};

use super::client::{Client, basic};
use super::merchant::{Merchant, PASSWORD};
use super::wire::{Reply, Request, assert_no_insides};
use crate::fixture::encode;

/// A request with these headers and no others.
fn plain(client: &Client, query: &str, headers: &[(&str, &str)]) -> Reply {
    let headers = headers.iter();
    client
        .send(&Request {
            method: "GET",
            target: format!("{}?{query}", client.path),
            headers: headers
                .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
                .collect(),
            ..Request::default()
        })
        .unwrap()
}

const CHECKAUTH: &str = "type=catalog&mode=checkauth";
const INIT: &str = "type=catalog&mode=init";
const SETTINGS: &str = "zip=no\nfile_limit=1000000";

#[test]
fn a_login_is_answered_with_a_cookie_and_a_token_line_by_line() {
    let merchant = Merchant::new(json!({}));
    let mut client = merchant.client();
    let reply = client.checkauth("catalog");
    assert_eq!(reply.status, 200);
    let text = reply.text();
    assert!(
        !text.contains('\r') && !text.starts_with('\u{feff}'),
        "{text:?}"
    );
    let lines: Vec<&str> = text.split('\n').collect();
    assert_eq!((lines.len(), lines[0]), (5, "success"), "{text}");
    let safe = |text: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
        !text.is_empty() && text.chars().all(plain)
    };
    assert!(safe(lines[1]) && safe(lines[2]), "{text}");
    assert!(lines[2].len() >= 32, "less than 128 bits: {}", lines[2]);
    let token = lines[3].strip_prefix("sessid=").unwrap();
    assert!(
        safe(token) && token.len() >= 32 && token != lines[2],
        "{text}"
    );
    let stamp: u64 = lines[4]
        .strip_prefix("timestamp=")
        .unwrap()
        .parse()
        .unwrap();
    assert!(stamp > 1_700_000_000, "{stamp}");
    let set = reply.header("set-cookie").unwrap();
    assert!(
        set.starts_with(&format!("{}={}", lines[1], lines[2])),
        "{set}"
    );
    assert!(set.contains("HttpOnly"), "{set}");
    // Orders have no time to deactivate from.
    assert_eq!(
        merchant.client().checkauth("sale").text().lines().count(),
        4
    );
    // Nobody gets the session of another login.
    let again = merchant.client().checkauth("catalog");
    assert_ne!(
        (again.line(2), again.line(3)),
        (reply.line(2), reply.line(3))
    );
}

#[test]
fn nobody_is_asked_for_his_password_and_a_wrong_one_is_a_failure() {
    let merchant = Merchant::new(json!({}));
    let client = merchant.client();
    for query in [CHECKAUTH, INIT, "type=sale&mode=query"] {
        let nobody = plain(&client, query, &[]);
        assert_eq!(nobody.status, 401, "{query}");
        assert!(
            nobody
                .header("www-authenticate")
                .unwrap()
                .starts_with("Basic ")
        );
        let text = nobody.text();
        assert_no_insides(text.strip_prefix("failure\n").unwrap());
        assert!(text.contains("Authorization"), "{text}");
    }
    let mut told = Vec::new();
    for pair in [
        format!("{}:не тот", merchant.login),
        format!("{}:", merchant.login),
        format!("nobody@nowhere.example:{PASSWORD}"),
        ":".to_owned(),
    ] {
        let header = basic(pair.as_bytes());
        told.push(plain(&client, CHECKAUTH, &[("Authorization", &header)]).failure());
    }
    told.dedup();
    assert_eq!(told.len(), 1, "tells who exists: {told:?}");
}

#[test]
fn a_header_that_is_no_login_is_none() {
    let merchant = Merchant::new(json!({}));
    let client = merchant.client();
    for header in ["Basic", "Basic !!!", "Basic bm9jb2xvbg==", "Bearer abc", ""] {
        let reply = plain(&client, CHECKAUTH, &[("Authorization", header)]);
        assert_eq!(
            (reply.status, reply.word().as_str()),
            (401, "failure"),
            "{header}"
        );
    }
}

#[test]
fn login_and_password_come_in_either_encoding() {
    let merchant = Merchant::new(json!({}));
    let client = merchant.client();
    let pair = format!("{}:{PASSWORD}", merchant.login);
    let cp1251 = encoding_rs::WINDOWS_1251.encode(&pair).0;
    for pair in [
        pair.as_bytes(),
        &*cp1251,
        pair.to_uppercase().to_lowercase().as_bytes(),
    ] {
        let header = basic(pair);
        let reply = plain(&client, CHECKAUTH, &[("Authorization", &header)]);
        assert_eq!(reply.word(), "success", "{}", reply.text());
    }
    let upper = format!("{}:{PASSWORD}", merchant.login.to_uppercase());
    let header = basic(upper.as_bytes());
    let reply = plain(&client, CHECKAUTH, &[("Authorization", &header)]);
    assert_eq!(reply.word(), "success", "{}", reply.text());
}

#[test]
fn a_blocked_employee_and_one_without_the_right_are_told_so() {
    let merchant = Merchant::new(json!({}));
    merchant.hire("storeman@x.example", &[]);
    let mut storeman = merchant.client();
    storeman.login = "storeman@x.example".into();
    let told = storeman.checkauth("catalog").failure();
    assert!(told.contains("нет права"), "{told}");

    let mut client = merchant.begun();
    let path = format!("/employees/{}", encode(&merchant.login));
    let edit = |body: Value| merchant.shop.api("PATCH", &path, &body).ok();
    edit(json!({ "active": false }));
    let told = client.clone().checkauth("catalog").failure();
    assert!(told.contains("заблокирован"), "{told}");
    // The session that he has is of no use either.
    assert!(
        client
            .get("catalog", "init", "")
            .failure()
            .contains("заблокирован")
    );
    edit(json!({ "active": true, "groups": [] }));
    assert!(
        client
            .get("catalog", "init", "")
            .failure()
            .contains("нет права")
    );
    edit(json!({ "groups": ["Обмен"] }));
    assert_eq!(client.init("catalog").text(), SETTINGS);
    let rows = merchant.journal();
    let errors = rows.iter().filter(|row| row["outcome"] == json!("error"));
    assert!(errors.count() >= 2, "the merchant cannot see why: {rows:?}");
}

#[test]
fn a_deleted_employee_is_out_at_once() {
    let merchant = Merchant::new(json!({}));
    let client = merchant.begun();
    let path = format!("/employees/{}", encode(&merchant.login));
    assert_eq!(merchant.shop.api("DELETE", &path, &json!({})).status, 204);
    client.get("catalog", "init", "").failure();
    client.clone().checkauth("catalog").failure();
}

#[test]
fn after_ten_wrong_passwords_even_the_right_one_must_wait() {
    let merchant = Merchant::new(json!({}));
    let mut guesser = merchant.client();
    let session = merchant.begun();
    guesser.password = "не тот".into();
    for _ in 0..10 {
        let told = guesser.checkauth("catalog").failure();
        assert!(told.contains("Неверный"), "{told}");
    }
    let told = guesser.checkauth("catalog").failure();
    assert!(told.contains("Слишком много"), "{told}");
    let told = merchant.client().checkauth("catalog").failure();
    assert!(told.contains("Слишком много"), "{told}");
    // Whoever is logged in already goes on.
    assert_eq!(session.get("catalog", "init", "").text(), SETTINGS);
    // Another employee is not kept out by it.
    merchant.hire("other@x.example", &["Обмен"]);
    let mut other = merchant.client();
    other.login = "other@x.example".into();
    assert_eq!(other.checkauth("catalog").word(), "success");
}

#[test]
fn the_cookie_alone_or_the_password_alone_is_enough() {
    let merchant = Merchant::new(json!({}));
    let mut client = merchant.client();
    client.checkauth("catalog");
    let cookie = client.cookie.clone().unwrap();
    let header = client.basic();
    for headers in [
        vec![("Cookie", cookie.as_str())],
        vec![("Authorization", header.as_str())],
        vec![
            ("Cookie", cookie.as_str()),
            ("Authorization", header.as_str()),
        ],
        vec![
            ("Cookie", "PHPSESSID=1; sklad_exchange=wrong"),
            ("Authorization", header.as_str()),
        ],
    ] {
        assert_eq!(
            plain(&client, INIT, &headers).text(),
            SETTINGS,
            "{headers:?}"
        );
    }
    let several = format!("PHPSESSID=abc; {cookie}; other=1");
    assert_eq!(
        plain(&client, INIT, &[("cookie", &several)]).text(),
        SETTINGS
    );
}

#[test]
fn a_cookie_that_was_never_given_out_is_a_failure() {
    let merchant = Merchant::new(json!({}));
    let mut client = merchant.client();
    client.checkauth("catalog");
    let cookie = client.cookie.clone().unwrap();
    let name = cookie.split('=').next().unwrap();
    let made_up = format!("{name}={}", "0".repeat(48));
    for cookie in [made_up.as_str(), &format!("{name}="), &format!("{cookie}0")] {
        plain(&client, INIT, &[("Cookie", cookie)]).failure();
    }
}

#[test]
fn a_login_beside_a_cookie_must_be_the_same_employees() {
    let merchant = Merchant::new(json!({}));
    merchant.hire("other@x.example", &["Обмен"]);
    let mut client = merchant.client();
    client.checkauth("catalog");
    let cookie = client.cookie.clone().unwrap();
    let other = basic(format!("other@x.example:{PASSWORD}").as_bytes());
    let both = [
        ("Cookie", cookie.as_str()),
        ("Authorization", other.as_str()),
    ];
    plain(&client, INIT, &both).failure();
    // Whoever takes the right e-mail with a wrong password along is not let in by the cookie.
    let wrong = basic(format!("{}:не тот", merchant.login).as_bytes());
    let both = [
        ("Cookie", cookie.as_str()),
        ("Authorization", wrong.as_str()),
    ];
    let reply = plain(&client, INIT, &both);
    assert!(
        ["zip=no", "failure"].contains(&reply.word().as_str()),
        "{}",
        reply.text()
    );
}

#[test]
fn the_token_must_be_the_logins_where_it_comes_at_all() {
    let merchant = Merchant::new(json!({}));
    let mut client = merchant.client();
    client.checkauth("catalog");
    let cookie = client.cookie.clone().unwrap();
    let token = client.token.clone().unwrap();
    let with = |more: &str| plain(&client, &format!("{INIT}{more}"), &[("Cookie", &cookie)]);
    assert_eq!(with("").text(), SETTINGS);
    assert_eq!(with(&format!("&{token}")).text(), SETTINGS);
    for wrong in ["&sessid=", "&sessid=0", &format!("&{token}0")] {
        with(wrong).failure();
    }
    let other = merchant.client().checkauth("catalog").line(3);
    with(&format!("&{other}")).failure();
}

#[test]
fn clients_that_keep_no_cookie_do_not_take_each_others_files() {
    let merchant = Merchant::new(json!({}));
    for returns_token in [true, false] {
        let mut clients = [merchant.client(), merchant.client()];
        for (client, id) in clients.iter_mut().zip(["p-1", "p-2"]) {
            client.keeps_cookies = false;
            client.checkauth("catalog");
            client.token = client.token.take().filter(|_| returns_token);
            client.init("catalog");
            client.put(
                &format!("{id}.xml"),
                &super::files::goods(&[(id, "Чайник")]),
            );
        }
        clients[0].imported("p-1.xml");
        clients[1].imported("p-2.xml");
    }
    assert_eq!(merchant.live(), (2, 0));
}

#[test]
fn a_client_that_keeps_no_cookie_does_a_whole_exchange() {
    let merchant = Merchant::new(json!({}));
    let mut client = merchant.client();
    client.keeps_cookies = false;
    let file = super::files::goods(&[("p-1", "Чайник")]);
    client.exchange(&[("import.xml", &file)]);
    client.token = None;
    client.exchange(&[("import.xml", &file)]);
    assert_eq!(merchant.live(), (1, 0));
}
