//! What is deleted, and what is not there (commerceml §2.4, §6.1-9).

use serde_json::json;

use super::files::{self, good, goods, offer, package};
use super::merchant::Merchant;

const TEN: [&str; 10] = [
    "p-0", "p-1", "p-2", "p-3", "p-4", "p-5", "p-6", "p-7", "p-8", "p-9",
];

fn list(ids: &[&'static str]) -> Vec<(&'static str, &'static str)> {
    ids.iter().map(|id| (*id, "Товар")).collect()
}

/// A merchant with ten goods and two variants of `p-0`.
fn stocked(settings: serde_json::Value) -> Merchant {
    let merchant = Merchant::new(settings);
    let offers = [
        offer("p-0#a", 10, (1, 1), &files::size("S")),
        offer("p-0#b", 11, (1, 1), &files::size("M")),
        offer("p-1", 12, (1, 1), ""),
    ];
    merchant.exchange(&[
        ("import.xml", &goods(&list(&TEN))),
        ("offers.xml", &package(&offers.concat(), false)),
    ]);
    assert_eq!(merchant.live(), (10, 2));
    merchant
}

fn archived(merchant: &Merchant) -> Vec<String> {
    let goods = merchant.goods();
    let gone = goods
        .iter()
        .filter(|(_, good)| good["archived"] == json!(true));
    gone.map(|(id, _)| id.clone()).collect()
}

#[test]
fn every_mark_of_deletion_archives_and_its_absence_brings_back() {
    let merchant = stocked(json!({}));
    for mark in [
        "<Товар Статус=\"Удален\"><Ид>p-3</Ид><Наименование>Товар</Наименование></Товар>",
        "<Товар><Ид>p-3</Ид><Наименование>Товар</Наименование><Статус>Удален</Статус></Товар>",
        "<Товар><Ид>p-3</Ид><ПометкаУдаления>true</ПометкаУдаления><Наименование>Товар</Наименование></Товар>",
        "<Товар Статус=\"Удалён\"><Ид>p-3</Ид></Товар>",
    ] {
        merchant.exchange(&[("import.xml", &files::catalogue(mark, true))]);
        assert_eq!(archived(&merchant), ["p-3"], "{mark}");
        let back = good("p-3", "Товар", "");
        merchant.exchange(&[("import.xml", &files::catalogue(&back, true))]);
        assert_eq!(archived(&merchant), [""; 0], "{mark}");
    }
    // What is neither is no mark.
    for no_mark in [
        "<Товар Статус=\"Изменен\"><Ид>p-3</Ид><Наименование>Товар</Наименование></Товар>",
        "<Товар><Ид>p-3</Ид><ПометкаУдаления>false</ПометкаУдаления></Товар>",
    ] {
        merchant.exchange(&[("import.xml", &files::catalogue(no_mark, true))]);
        assert_eq!(archived(&merchant), [""; 0], "{no_mark}");
    }
}

#[test]
fn a_deleted_variant_is_archived_alone() {
    let merchant = stocked(json!({}));
    let gone = "<Предложение Статус=\"Удален\"><Ид>p-0#b</Ид></Предложение>";
    merchant.exchange(&[("offers.xml", &package(gone, true))]);
    assert_eq!(archived(&merchant), ["p-0#b"]);
    let back = offer("p-0#b", 11, (1, 1), &files::size("M"));
    merchant.exchange(&[("offers.xml", &package(&back, true))]);
    assert_eq!(archived(&merchant), [""; 0]);
}

#[test]
fn what_a_full_catalogue_does_not_hold_stays_unless_it_is_set_otherwise() {
    let merchant = stocked(json!({}));
    merchant.exchange(&[("import.xml", &goods(&list(&TEN[..9])))]);
    assert_eq!(archived(&merchant), [""; 0]);
}

#[test]
fn what_a_full_catalogue_does_not_hold_is_archived_where_it_is_set_and_comes_back() {
    let merchant = stocked(json!({ "missing": "archive" }));
    merchant.exchange(&[("import.xml", &goods(&list(&TEN[1..])))]);
    assert_eq!(
        archived(&merchant),
        ["p-0", "p-0#a", "p-0#b"],
        "a product takes its variants along"
    );
    assert!(merchant.totals("import.xml")["archived"].as_u64().unwrap() > 0);
    merchant.exchange(&[("import.xml", &goods(&list(&TEN[1..])))]);
    merchant.nothing_changed("import.xml");
    merchant.exchange(&[("import.xml", &goods(&list(&TEN)))]);
    assert!(!archived(&merchant).contains(&"p-0".to_owned()));
}

#[test]
fn a_variant_that_a_full_package_does_not_hold_is_archived() {
    let merchant = stocked(json!({ "missing": "archive", "missing_guard_percent": 50 }));
    let offers = [
        offer("p-0#a", 10, (1, 1), &files::size("S")),
        offer("p-1", 12, (1, 1), ""),
    ];
    merchant.exchange(&[("offers.xml", &package(&offers.concat(), false))]);
    assert_eq!(
        archived(&merchant),
        ["p-0#b"],
        "goods without an offer stay"
    );
}

#[test]
fn an_export_of_one_group_alone_deletes_nobody() {
    let merchant = stocked(json!({ "missing": "archive" }));
    merchant.exchange(&[("import.xml", &goods(&list(&TEN[..5])))]);
    assert_eq!(archived(&merchant), [""; 0]);
    let rows = merchant.journal();
    let spared = rows
        .iter()
        .find(|row| row["outcome"] == json!("warning"))
        .unwrap_or_else(|| panic!("nobody is told: {rows:?}"));
    let told = spared["text"].as_str().unwrap();
    assert!(
        told.contains('5') && told.contains("10") && told.contains("20 %"),
        "{told}"
    );
    // Twenty percent are no more than twenty percent.
    merchant.exchange(&[("import.xml", &goods(&list(&TEN[..8])))]);
    assert_eq!(archived(&merchant), ["p-8", "p-9"]);
}

#[test]
fn the_guard_may_be_set_off() {
    let merchant = stocked(json!({ "missing": "archive", "missing_guard_percent": 100 }));
    merchant.exchange(&[("import.xml", &goods(&list(&TEN[9..])))]);
    assert_eq!(merchant.live(), (1, 0));
    // An empty full catalogue is no exception; nothing is lost by it.
    merchant.exchange(&[("import.xml", &goods(&list(&TEN)))]);
    assert_eq!(merchant.live().0, 10);
}

#[test]
fn a_delta_never_deletes() {
    let merchant = stocked(json!({ "missing": "archive", "missing_guard_percent": 100 }));
    let one = good("p-5", "Другое имя", "");
    merchant.exchange(&[("import.xml", &files::catalogue(&one, true))]);
    let price = offer("p-5", 99, (0, 0), "");
    merchant.exchange(&[("offers.xml", &package(&price, true))]);
    assert_eq!(archived(&merchant), [""; 0]);
    assert_eq!(merchant.good("p-5")["name"], json!("Другое имя"));
}

#[test]
fn what_a_file_of_a_batch_does_not_hold_is_there_until_deactivate() {
    let merchant = stocked(json!({ "missing": "archive", "missing_guard_percent": 100 }));
    let mut client = merchant.client();
    // The times of a batch are counted in seconds.
    std::thread::sleep(std::time::Duration::from_millis(1_100));
    client.begin("catalog");
    let stamp = client.timestamp.clone().unwrap();
    let halves = [(1, &TEN[..4]), (2, &TEN[4..8])];
    for (n, half) in halves {
        // Newer clients log in again for each file (commerceml §1.3).
        if n == 2 {
            client.begin("catalog");
        }
        let name = format!("import___0f2c6f86-0000-4000-8000-00000000000{n}.xml");
        client.upload(&name, &goods(&list(half)));
        client.imported(&name);
        assert_eq!(archived(&merchant), [""; 0]);
    }
    let ask = || client.get("catalog", "deactivate", &format!("&timestamp={stamp}"));
    client.until_ended(ask).last().unwrap().success();
    client.get("catalog", "complete", "").success();
    assert_eq!(
        archived(&merchant),
        ["p-8", "p-9"],
        "of offers no file has said anything"
    );
    assert_eq!(merchant.live().0, 8);
    // A lost answer: asked again it says the same.
    client.until_ended(ask).last().unwrap().success();
    assert_eq!(merchant.live().0, 8);
}

#[test]
fn goods_that_the_operator_has_made_are_not_missing() {
    let merchant = stocked(json!({ "missing": "archive", "missing_guard_percent": 100 }));
    let own = json!([{ "external": "own-1", "name": "Свой товар" }]);
    merchant.shop.api("POST", "/goods", &own).ok();
    merchant.exchange(&[("import.xml", &goods(&list(&TEN)))]);
    assert_eq!(merchant.good("own-1")["archived"], json!(false));
}

#[test]
fn what_was_archived_by_hand_is_not_brought_back() {
    let merchant = stocked(json!({}));
    merchant
        .shop
        .api("POST", "/goods/p-7/archive", &json!({}))
        .ok();
    merchant.exchange(&[("import.xml", &goods(&list(&TEN)))]);
    assert_eq!(archived(&merchant), ["p-7"]);
}
