//! `mode=import` (commerceml §1.5, §6.1-5): asked for too early, twice, by two, after a failure.

use std::collections::HashSet;
use std::time::Duration;

use samples::Shape;
use serde_json::json;

use super::files::{self, import_of, offers_of, package};
use super::merchant::Merchant;
use super::wire::{How, Request};
use crate::fixture::text;

/// Large enough for an import that does not end within one answer.
pub fn large() -> Shape {
    Shape {
        variants: 2,
        ..Shape::moysklad(12_000)
    }
}

#[test]
fn a_file_that_is_not_there_is_a_failure_that_names_it() {
    let merchant = Merchant::new(json!({}));
    let client = merchant.begun();
    let told = client.about("catalog", "import", "offers.xml").failure();
    assert!(told.contains("offers.xml"), "{told}");
    // A file of the orders is none of the catalogue.
    client.chunk("sale", "x.xml", b"<x/>", How::Whole);
    client.about("catalog", "import", "x.xml").failure();
}

#[test]
fn asking_again_after_success_is_success_and_does_nothing() {
    let merchant = Merchant::new(json!({}));
    let client = merchant.begun();
    client.put("import.xml", &files::goods(&[("p-1", "Чайник")]));
    client.imported("import.xml");
    let rows = merchant.journal().len();
    let changed = merchant.good("p-1")["updated_at"].clone();
    for _ in 0..3 {
        assert_eq!(client.imported("import.xml"), 1);
    }
    assert_eq!(merchant.journal().len(), rows, "it was imported again");
    assert_eq!(merchant.good("p-1")["updated_at"], changed);
}

#[test]
fn a_success_that_was_lost_is_told_again() {
    let merchant = Merchant::new(json!({}));
    let client = merchant.begun();
    client.put("import.xml", &files::goods(&[("p-1", "Чайник")]));
    let deaf = Request {
        method: "GET",
        target: client.target("catalog", "import", "&filename=import.xml"),
        headers: client.identity(),
        how: How::Deaf,
        ..Request::default()
    };
    for _ in 0..3 {
        client.send(&deaf);
        std::thread::sleep(Duration::from_millis(50));
    }
    client.imported("import.xml");
    assert_eq!(merchant.told("import.xml").len(), 1);
    assert_eq!(merchant.live(), (1, 0));
}

#[test]
fn a_failure_is_told_again_until_the_file_comes_anew() {
    let merchant = Merchant::new(json!({}));
    let client = merchant.begun();
    client.put("import.xml", &files::goods(&[("p-1", "Чайник")]));
    client.imported("import.xml");
    client.put(
        "offers.xml",
        b"<?xml version=\"1.0\"?>\n<html>nothing</p></html>",
    );
    let told = client.refused("offers.xml");
    assert!(told.contains("offers.xml"), "{told}");
    assert_eq!(client.refused("offers.xml"), told);
    assert_eq!(
        merchant.told("offers.xml").len(),
        1,
        "the journal says it once"
    );
    let offer = files::offer("p-1", 100, (1, 2), "");
    client.put("offers.xml", &package(&offer, false));
    client.imported("offers.xml");
    assert_eq!(merchant.good("p-1")["price_kopecks"], json!(10_000));
}

#[test]
fn what_came_before_a_mistake_in_a_file_is_a_prefix_and_nothing_else_is_harmed() {
    let merchant = Merchant::new(json!({}));
    let list: Vec<String> = (0..500).map(|n| format!("p-{n:03}")).collect();
    let all: Vec<(&str, &str)> = list.iter().map(|id| (id.as_str(), "Чайник")).collect();
    merchant.exchange(&[("import.xml", &files::goods(&all))]);
    let renamed: Vec<(&str, &str)> = list.iter().map(|id| (id.as_str(), "Кружка")).collect();
    let file = files::goods(&renamed);
    let client = merchant.begun();
    client.put("import.xml", &file[..file.len() / 2]);
    let told = client.refused("import.xml");
    assert!(
        told.chars().any(|c| c.is_ascii_digit()),
        "no place in it: {told}"
    );
    let goods = merchant.goods();
    assert_eq!(goods.len(), 500);
    let names: Vec<String> = goods.values().map(|good| text(&good["name"])).collect();
    let changed = names.iter().take_while(|name| *name == "Кружка").count();
    assert!(
        names[changed..].iter().all(|name| name == "Чайник"),
        "{changed}"
    );
    assert_eq!(merchant.live(), (500, 0));
    merchant.exchange(&[("import.xml", &file)]);
    assert!(
        merchant
            .goods()
            .values()
            .all(|good| good["name"] == json!("Кружка"))
    );
}

#[test]
fn a_long_import_tells_how_far_it_is_and_never_the_same_twice() {
    let merchant = Merchant::new(json!({}));
    let shape = large();
    let client = merchant.begun();
    client.upload("import.xml", &import_of(&shape));
    client.upload("offers.xml", &offers_of(&shape));
    let mut seen = 0;
    for (file, what) in [("import.xml", "товаров"), ("offers.xml", "предложений")]
    {
        let replies = client.import(file);
        let (end, on_the_way) = replies.split_last().unwrap();
        end.success();
        let texts: Vec<String> = on_the_way.iter().map(|reply| reply.text()).collect();
        for text in &texts {
            assert_eq!(text.lines().count(), 2, "{text}");
            assert!(
                text.contains(file) && text.contains('%') && text.contains(what),
                "{text}"
            );
        }
        let different: HashSet<&String> = texts.iter().collect();
        assert_eq!(different.len(), texts.len(), "{texts:?}");
        seen += texts.len();
    }
    assert!(seen >= 1, "the files are too small for this test");
    let totals = merchant.totals("offers.xml");
    assert_eq!(
        (&totals["offers"], &totals["created"]),
        (&json!(24_000), &json!(24_000))
    );
}

#[test]
fn two_clients_that_ask_for_one_import_have_it_done_once() {
    let merchant = Merchant::new(json!({}));
    let shape = Shape {
        goods: 4_000,
        ..large()
    };
    let client = merchant.begun();
    client.upload("import.xml", &import_of(&shape));
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| client.imported("import.xml"));
        }
    });
    let totals = merchant.totals("import.xml");
    assert_eq!(
        (&totals["goods"], &totals["created"], &totals["changed"]),
        (&json!(4_000), &json!(4_000), &json!(0))
    );
    assert_eq!(merchant.told("import.xml").len(), 1);
    assert_eq!(merchant.live(), (4_000, 0));
}

#[test]
fn a_second_session_waits_for_the_first_ones_import() {
    let merchant = Merchant::new(json!({}));
    let shape = Shape {
        goods: 8_000,
        ..large()
    };
    let first = merchant.begun();
    first.upload("import.xml", &import_of(&shape));
    let second = merchant.begun();
    second.put("import.xml", &files::goods(&[("p-1", "Чайник")]));
    std::thread::scope(|scope| {
        scope.spawn(|| first.imported("import.xml"));
        scope.spawn(|| second.imported("import.xml"));
    });
    assert_eq!(merchant.live(), (8_001, 0));
    assert_eq!(merchant.told("import.xml").len(), 2);
}

#[test]
fn an_import_goes_on_when_its_client_logs_in_again() {
    let merchant = Merchant::new(json!({}));
    let mut client = merchant.begun();
    client.upload("import.xml", &import_of(&large()));
    let first = client.about("catalog", "import", "import.xml");
    assert!(
        ["progress", "success"].contains(&first.word().as_str()),
        "{}",
        first.text()
    );
    // The answer took too long for it; the next scheduled run begins (commerceml §1.6).
    client.begin("catalog");
    if first.word() == "progress" {
        client.imported("import.xml");
    }
    assert_eq!(merchant.live(), (12_000, 0));
    let totals = merchant.totals("import.xml");
    assert_eq!(
        (&totals["created"], &totals["changed"]),
        (&json!(12_000), &json!(0))
    );
}

#[test]
fn offers_of_unknown_goods_are_counted_and_make_nothing() {
    let merchant = Merchant::new(json!({}));
    merchant.exchange(&[("import.xml", &files::goods(&[("p-1", "Чайник")]))]);
    let offers = [
        files::offer("p-1", 100, (1, 0), ""),
        files::offer("p-2", 200, (1, 0), ""),
        files::offer("p-3#v", 300, (1, 0), &files::size("M")),
    ];
    merchant.exchange(&[("offers.xml", &package(&offers.concat(), false))]);
    assert_eq!(merchant.live(), (1, 0));
    let totals = merchant.totals("offers.xml");
    assert_eq!(
        (&totals["offers"], &totals["skipped"]),
        (&json!(3), &json!(2))
    );
    assert_eq!(merchant.good("p-1")["price_kopecks"], json!(10_000));
}

#[test]
fn files_may_be_imported_in_any_order_and_said_again() {
    let merchant = Merchant::new(json!({}));
    let shape = Shape {
        variants: 3,
        ..Shape::one_c(60)
    };
    let (import, offers) = (import_of(&shape), offers_of(&shape));
    // Offers before their goods are passed over; the next exchange brings them.
    merchant.exchange(&[("offers.xml", &offers), ("import.xml", &import)]);
    assert_eq!(merchant.live(), (60, 0));
    merchant.exchange(&[("import.xml", &import), ("offers.xml", &offers)]);
    assert_eq!(merchant.live(), (60, 180));
    merchant.exchange(&[("import.xml", &import), ("offers.xml", &offers)]);
    merchant.nothing_changed("import.xml");
    merchant.nothing_changed("offers.xml");
}
