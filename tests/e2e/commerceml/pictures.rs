//! Pictures: they come as files of their own, before or after the XML that names them (commerceml §2.4,
//! §2.7), and shops load them by their hash.

use serde_json::json;

use super::files::{self, catalogue, good, png};
use super::merchant::Merchant;
use super::wire::{Reply, Request};
use crate::fixture::text;

/// The file name of the first picture of a good, and what is served as it.
#[track_caller]
pub fn first_of(merchant: &Merchant, external: &str) -> (String, Reply) {
    let good = merchant.good(external);
    let picture = &good["pictures"][0];
    assert!(
        picture["url"].is_string(),
        "no picture: {}",
        good["pictures"]
    );
    let reply = served(merchant, &text(&picture["url"]), &[]);
    assert_eq!(reply.status, 200);
    (text(&picture["name"]), reply)
}

/// A picture's address, asked for like a shop's page does: without any login.
fn served(merchant: &Merchant, path: &str, headers: &[(&str, &str)]) -> Reply {
    let headers = headers.iter();
    let request = Request {
        method: "GET",
        target: path.to_owned(),
        headers: headers
            .map(|(n, v)| ((*n).to_owned(), (*v).to_owned()))
            .collect(),
        ..Request::default()
    };
    merchant.client().send(&request).unwrap()
}

fn pictured(id: &str, names: &[&str]) -> String {
    let names = names.iter();
    let more: String = names
        .map(|name| format!("<Картинка>{name}</Картинка>"))
        .collect();
    good(id, "Кружка", &more)
}

#[test]
fn a_picture_may_come_before_its_good_or_after_it() {
    let merchant = Merchant::new(json!({}));
    let (one, two) = (png(1, 2_000), png(2, 3_000));
    merchant.exchange(&[
        ("12345.png", &one),
        (
            "import.xml",
            &catalogue(&pictured("p-1", &["12345.png"]), false),
        ),
    ]);
    assert_eq!(first_of(&merchant, "p-1").1.body, one);

    let both = [
        pictured("p-1", &["12345.png"]),
        pictured("p-2", &["import_files/0d/x_1.jpeg"]),
    ];
    merchant.exchange(&[("import.xml", &catalogue(&both.concat(), false))]);
    assert_eq!(
        merchant.good("p-2")["pictures"][0]["hash"],
        json!(null),
        "it is waited for"
    );
    merchant.exchange(&[("import_files/0d/x_1.jpeg", &two)]);
    let (name, reply) = first_of(&merchant, "p-2");
    assert_eq!(
        (name.as_str(), reply.body),
        ("import_files/0d/x_1.jpeg", two)
    );
}

#[test]
fn a_picture_of_many_chunks_is_one_picture() {
    for length in [25_000, 30_000, 10_000, 10_001] {
        let merchant = Merchant::new(json!({ "chunk_limit_bytes": 10_000 }));
        let picture = png(3, length);
        merchant.exchange(&[
            ("1.png", &picture),
            (
                "import.xml",
                &catalogue(&pictured("p-1", &["1.png"]), false),
            ),
        ]);
        assert_eq!(first_of(&merchant, "p-1").1.body, picture, "{length}");
    }
}

#[test]
fn a_new_picture_of_the_same_name_replaces_the_old_one() {
    let merchant = Merchant::new(json!({ "chunk_limit_bytes": 10_000 }));
    let file = catalogue(&pictured("p-1", &["1.png"]), false);
    merchant.exchange(&[("1.png", &png(1, 15_000)), ("import.xml", &file)]);
    let client = merchant.begun();
    for seed in [2, 3] {
        // Twice in one session as well: it must not grow (commerceml §1.4, rule 3).
        let picture = png(seed, 12_000);
        client.upload("1.png", &picture);
        client.put("import.xml", &file);
        client.imported("import.xml");
        assert_eq!(first_of(&merchant, "p-1").1.body, picture, "{seed}");
    }
}

#[test]
fn a_picture_that_came_and_was_not_named_again_stays() {
    let merchant = Merchant::new(json!({}));
    merchant.exchange(&[
        ("1.png", &png(1, 900)),
        (
            "import.xml",
            &catalogue(&pictured("p-1", &["1.png"]), false),
        ),
    ]);
    let other_name = good("p-1", "Кружка большая", "");
    merchant.exchange(&[("import.xml", &catalogue(&other_name, true))]);
    assert_eq!(merchant.good("p-1")["name"], json!("Кружка большая"));
    assert_eq!(first_of(&merchant, "p-1").1.body, png(1, 900));
    // Named pictures are the whole list, the first of them the main one.
    merchant.exchange(&[
        ("2.png", &png(2, 900)),
        (
            "import.xml",
            &catalogue(&pictured("p-1", &["2.png", "1.png"]), true),
        ),
    ]);
    let list = merchant.good("p-1")["pictures"].clone();
    assert_eq!(list.as_array().unwrap().len(), 2, "{list}");
    assert_eq!(first_of(&merchant, "p-1").0, "2.png");
}

#[test]
fn what_is_no_picture_is_told_in_the_journal_and_the_exchange_goes_on() {
    let merchant = Merchant::new(json!({}));
    let client = merchant.begun();
    let html = b"<html>404 not found</html>";
    let reply = client
        .chunk("catalog", "1.jpg", html, super::wire::How::Whole)
        .unwrap();
    assert!(["success", "failure"].contains(&reply.word().as_str()));
    client.put(
        "import.xml",
        &catalogue(&pictured("p-1", &["1.jpg"]), false),
    );
    client.imported("import.xml");
    let picture = &merchant.good("p-1")["pictures"][0];
    assert_eq!(
        (&picture["name"], &picture["hash"]),
        (&json!("1.jpg"), &json!(null))
    );
    let rows = merchant.journal();
    let told = rows.iter().find(|row| row["object"] == json!("1.jpg"));
    assert_eq!(told.unwrap()["outcome"], json!("warning"));
}

#[test]
fn every_kind_of_picture_is_served_as_what_it_is() {
    let merchant = Merchant::new(json!({}));
    let kinds: [(&str, &[u8], &str); 5] = [
        ("a.png", b"\x89PNG\r\n\x1a\n-png", "image/png"),
        ("b.jpg", b"\xff\xd8\xff\xe0-jpeg", "image/jpeg"),
        ("c.gif", b"GIF89a-gif", "image/gif"),
        ("d.webp", b"RIFF\x04\0\0\0WEBPVP8 -webp", "image/webp"),
        // A name may say otherwise: the bytes decide.
        ("e.bmp", b"\x89PNG\r\n\x1a\n-other", "image/png"),
    ];
    let goods: String = kinds
        .iter()
        .map(|(name, ..)| pictured(name, &[name]))
        .collect();
    let file = catalogue(&goods, false);
    let mut files: Vec<(&str, &[u8])> = kinds.iter().map(|(n, b, _)| (*n, *b)).collect();
    files.push(("import.xml", &file));
    merchant.exchange(&files);
    for (name, bytes, media_type) in kinds {
        let (_, reply) = first_of(&merchant, name);
        assert_eq!(reply.body, bytes, "{name}");
        assert_eq!(reply.header("content-type"), Some(media_type), "{name}");
        assert_eq!(reply.header("x-content-type-options"), Some("nosniff"));
    }
}

#[test]
fn a_picture_is_kept_by_browsers_and_not_sent_twice() {
    let merchant = Merchant::new(json!({}));
    merchant.exchange(&[
        ("1.png", &png(1, 900)),
        (
            "import.xml",
            &catalogue(&pictured("p-1", &["1.png"]), false),
        ),
    ]);
    let (_, reply) = first_of(&merchant, "p-1");
    let tag = reply.header("etag").unwrap().to_owned();
    let picture = merchant.good("p-1")["pictures"][0].clone();
    let (hash, url) = (text(&picture["hash"]), text(&picture["url"]));
    assert_eq!(tag, format!("\"{hash}\""));
    assert_eq!(url, format!("/t/{}/pictures/{hash}", merchant.shop.slug));
    let cached = reply.header("cache-control").unwrap();
    assert!(
        cached.contains("max-age=") && cached.contains("immutable"),
        "{cached}"
    );
    for tags in [
        tag.clone(),
        format!("W/{tag}"),
        format!("\"x\", {tag}"),
        "*".to_owned(),
    ] {
        let again = served(&merchant, &url, &[("If-None-Match", &tags)]);
        let expected = if tags == "*" { again.status } else { 304 };
        assert_eq!(again.status, expected, "{tags}");
        assert!(again.status == 200 || again.body.is_empty());
        assert_eq!(again.header("etag"), Some(tag.as_str()));
    }
    let other = served(&merchant, &url, &[("If-None-Match", "\"0\"")]);
    assert_eq!((other.status, other.body.len()), (200, 900));
}

#[test]
fn pictures_of_nobody_and_of_others_are_404() {
    let (merchant, other) = (Merchant::new(json!({})), Merchant::new(json!({})));
    merchant.exchange(&[
        ("1.png", &png(1, 900)),
        (
            "import.xml",
            &catalogue(&pictured("p-1", &["1.png"]), false),
        ),
    ]);
    let hash = text(&merchant.good("p-1")["pictures"][0]["hash"]);
    let slug = &merchant.shop.slug;
    for path in [
        format!("/t/{}/pictures/{hash}", other.shop.slug),
        format!("/t/no-such-tenant/pictures/{hash}"),
        format!("/t/{slug}/pictures/{}", "0".repeat(64)),
        format!("/t/{slug}/pictures/{}", &hash[..63]),
        format!("/t/{slug}/pictures/..%2F{hash}"),
        format!("/t/{slug}/pictures/"),
    ] {
        assert_eq!(served(&merchant, &path, &[]).status, 404, "{path}");
    }
    // Not even one that claims to have it already hears more.
    let path = format!("/t/{}/pictures/{}", other.shop.slug, "0".repeat(64));
    let tag = format!("\"{}\"", "0".repeat(64));
    let reply = served(&other, &path, &[("If-None-Match", &tag)]);
    assert!([304, 404].contains(&reply.status));
}

#[test]
fn an_offer_may_have_pictures_of_its_own() {
    let merchant = Merchant::new(json!({}));
    let more = format!("{}<Картинка>m.png</Картинка>", files::size("M"));
    merchant.exchange(&[
        ("m.png", &png(5, 700)),
        ("import.xml", &files::goods(&[("p-1", "Кружка")])),
        (
            "offers.xml",
            &files::package(&files::offer("p-1#m", 10, (1, 1), &more), false),
        ),
    ]);
    assert_eq!(first_of(&merchant, "p-1#m").1.body, png(5, 700));
}
