//! What was uploaded and never asked for, and what was asked for and left (commerceml §1.6, §4).

use crate::{Client, HOUR, MINUTE, World, goods, offers, packed, with, world};
use sklad_tenant::ExchangeSettings;

/// An exchange of a client that never asks for an import.
fn only_uploads(world: &World, files: &[(&str, Vec<u8>)]) {
    let client = world.begun();
    for (name, body) in files {
        client.put(name, body);
    }
}

fn both(price: i64) -> Vec<(&'static str, Vec<u8>)> {
    vec![
        ("import.xml", goods(["A"])),
        ("offers.xml", offers(price, ["A"])),
    ]
}

fn running(world: &World) -> i64 {
    world.number("SELECT count(*) FROM imports WHERE state = 'running'")
}

#[test]
fn a_client_that_never_asks_for_an_import_is_one_exchange_behind() {
    let world = world();
    for exchange in 1..6 {
        let client = world.begun();
        let had = (exchange > 1).then_some(100 * (exchange - 1));
        assert_eq!(world.price("A"), had, "exchange {exchange}");
        assert_eq!(running(&world), 0);
        for (name, body) in both(exchange) {
            client.put(name, &body);
        }
        world.later(55 * MINUTE);
    }
}

#[test]
fn so_is_one_that_comes_once_a_day_or_every_two_minutes() {
    for pause in [24 * HOUR, 2 * MINUTE] {
        let world = world();
        for exchange in 1..4 {
            only_uploads(&world, &both(exchange));
            world.later(pause);
        }
        world.begun();
        assert_eq!(world.price("A"), Some(300), "{pause} ms");
    }
}

#[test]
fn so_is_one_that_keeps_neither_cookie_nor_token() {
    let world = world();
    for exchange in 1..4 {
        let mut client = world.begun();
        (client.cookie, client.token) = (None, None);
        assert_eq!(client.ask("init", "", b"").lines().count(), 2);
        for (name, body) in both(exchange) {
            client.put(name, &body);
        }
        world.later(HOUR);
    }
    world.begun();
    assert_eq!(world.price("A"), Some(300));
}

#[test]
fn so_is_one_that_sends_archives() {
    let world = with(ExchangeSettings {
        zip: true,
        ..ExchangeSettings::default()
    });
    for exchange in 1..4 {
        let archive = packed(&[
            ("offers.xml", &offers(exchange, ["A"])),
            ("import.xml", &goods(["A"])),
        ]);
        only_uploads(&world, &[("v8_1.zip", archive)]);
        world.later(HOUR);
    }
    world.begun();
    assert_eq!(world.price("A"), Some(300));
    assert_eq!(running(&world), 0);
}

#[test]
fn a_large_file_that_nobody_asks_for_is_imported_by_the_requests_of_the_next_exchange() {
    let world = world();
    let many = || (0..20_000).map(|n| format!("A{n}"));
    only_uploads(
        &world,
        &[
            ("import.xml", goods(many())),
            ("offers.xml", offers(1, many())),
        ],
    );
    world.later(HOUR);
    // 125 goods take so long that a login does a few of the 320 batches.
    world.batches_take(25);
    let before = now(&world);
    let client = world.begun();
    assert!(now(&world) - before <= 2_000, "a login and init are quick");
    assert!(running(&world) > 0);
    for part in 0..6 {
        client.put(&format!("{part}.xml"), b"<?xml version=\"1.0\"?><a>");
    }
    assert_eq!(running(&world), 0);
    assert_eq!(world.price("A19999"), Some(100));
}

fn now(world: &World) -> i64 {
    use sklad_store::Clock;
    world.time.now_ms()
}

#[test]
fn a_large_file_that_is_not_done_by_the_next_exchange_is_finished_all_the_same() {
    let world = world();
    let many = |n: i64| goods((0..5_000).map(move |i| format!("{n}-{i}")));
    world.batches_take(300);
    for exchange in 0..6 {
        only_uploads(&world, &[("import.xml", many(exchange))]);
        world.later(HOUR);
    }
    assert!(world.goods() >= 5_000, "{}", world.goods());
}

#[test]
fn what_was_left_does_not_come_back_over_what_a_newer_exchange_imported() {
    let world = world();
    let mut client = world.begun();
    client.put("import.xml", &goods(["A"]));
    client.imported("import.xml");
    client.begin();
    client.put("offers.xml", &offers(100, ["A"]));
    // It dies here. The next one comes too soon for the file to be taken for abandoned, or not.
    for pause in [20_000, 2 * MINUTE] {
        world.later(pause);
        let newer = world.begun();
        newer.put("offers.xml", &offers(200, ["A"]));
        newer.imported("offers.xml");
        for _ in 0..3 {
            world.later(12 * MINUTE);
            world.begun();
            assert_eq!(world.price("A"), Some(20_000), "{pause} ms");
        }
        let again = world.begun();
        again.put("offers.xml", &offers(100, ["A"]));
    }
    let told = world.journal("offers.xml");
    assert!(
        told.iter().any(|text| text.contains("более новый")),
        "{told:?}"
    );
}

#[test]
fn another_set_of_portions_counts_as_the_same_file() {
    let world = world();
    let client = world.begun();
    client.put("import.xml", &goods(["A"]));
    client.imported("import.xml");
    world.begun().put("prices___1.xml", &offers(100, ["A"]));
    world.later(20_000);
    let newer = world.begun();
    newer.put("prices___2.xml", &offers(200, ["A"]));
    newer.imported("prices___2.xml");
    for _ in 0..3 {
        world.later(12 * MINUTE);
        world.begun();
    }
    assert_eq!(world.price("A"), Some(20_000));
}

#[test]
fn portions_of_one_set_are_all_imported() {
    let world = world();
    let client = world.begun();
    for n in 0..3 {
        client.put(&format!("import___{n}.xml"), &goods([n]));
    }
    // Of the set the last one alone was asked for.
    client.imported("import___2.xml");
    world.later(HOUR);
    world.begun();
    assert_eq!(world.goods(), 3);
}

#[test]
fn an_import_that_was_left_in_the_middle_is_finished_before_a_newer_one_begins() {
    let world = world();
    let many = || (0..5_000).map(|n| format!("A{n}"));
    let client = world.begun();
    client.put("import.xml", &goods(many()));
    client.imported("import.xml");
    client.put("prices___1.xml", &offers(100, many()));
    world.batches_take(400);
    assert!(client.import_once("prices___1.xml").starts_with("progress"));
    world.later(MINUTE);
    let newer = world.begun();
    newer.put("prices___2.xml", &offers(200, ["A4999"]));
    let told = newer.import_once("prices___2.xml");
    assert!(told.contains("prices___2.xml ждёт очереди"), "{told}");
    newer.imported("prices___2.xml");
    assert_eq!(
        (world.price("A4999"), world.price("A4998")),
        (Some(20_000), Some(10_000))
    );
    world.later(HOUR);
    world.begun();
    assert_eq!(world.price("A4999"), Some(20_000));
}

#[test]
fn files_of_one_name_that_two_systems_send_are_all_imported() {
    let world = world();
    for (login, id) in [("one@x.ru", "A"), ("two@x.ru", "B")] {
        let mut client = world.client_of(login);
        client.begin();
        client.put("import.xml", &goods([id]));
        world.later(10_000);
    }
    world.later(HOUR);
    world.begun();
    assert_eq!(world.goods(), 2);
}

#[test]
fn half_a_file_is_never_imported_by_itself_and_goes_in_time() {
    let world = world();
    let whole = goods(["A", "B"]);
    let client = world.begun();
    client.put("import.xml", &whole[..whole.len() / 2]);
    let archive = packed(&[("import.xml", &whole)]);
    client.put("v8_1.zip", &archive[..archive.len() / 2]);
    world.later(30 * MINUTE);
    world.begun();
    assert_eq!(world.number("SELECT count(*) FROM uploads"), 2);
    world.later(2 * HOUR);
    world.begun();
    assert_eq!(world.number("SELECT count(*) FROM uploads"), 0);
    assert_eq!(world.number("SELECT count(*) FROM imports"), 0);
    world.begun();
    assert_eq!(world.number("SELECT count(*) FROM upload_parts"), 0);
}

#[test]
fn a_session_at_work_is_left_alone_by_itself() {
    let world = world();
    let client = world.begun();
    client.put("import.xml", &goods(["A"]));
    for n in 0..5 {
        world.later(MINUTE);
        client.put(&format!("{n}.xml"), b"<?xml version=\"1.0\"?><a>");
    }
    assert_eq!(world.number("SELECT count(*) FROM imports"), 0);
    client.imported("import.xml");
}

#[test]
fn a_session_that_begins_anew_imports_what_it_had_not_asked_for() {
    let world = world();
    let client = world.begun();
    client.put("import.xml", &goods(["A"]));
    world.later(30 * MINUTE);
    client.ask("init", "", b"");
    assert_eq!(world.goods(), 1);
    client.imported("import.xml");
}

#[test]
fn without_any_client_housekeeping_does_it() {
    let world = world();
    only_uploads(&world, &both(3));
    assert_eq!(world.due(), Some(MINUTE), "a file asks for it");
    assert_eq!(world.housekeeping(), Some(MINUTE));
    assert_eq!(world.goods(), 0, "it is too soon");
    world.later(2 * MINUTE);
    assert_eq!(world.housekeeping(), None, "nothing is left");
    assert_eq!(world.price("A"), Some(300));
    world.later(30 * HOUR);
    world.housekeeping();
    assert_eq!(world.number("SELECT count(*) FROM upload_parts"), 0);
}

#[test]
fn housekeeping_goes_on_with_a_large_file_and_leaves_one_to_the_client_that_asks_for_it() {
    let world = world();
    only_uploads(&world, &[("import.xml", goods(0..3_000))]);
    world.later(2 * MINUTE);
    world.batches_take(700);
    let mut calls = 0;
    while let Some(wait) = world.housekeeping() {
        assert!(wait < MINUTE, "{wait} ms are too long");
        world.later(wait);
        calls += 1;
    }
    assert!(calls > 1, "the file is too small for this test");
    assert_eq!(world.goods(), 3_000);
    let client = world.begun();
    client.put("import.xml", &goods(0..4_000));
    assert!(client.import_once("import.xml").starts_with("progress"));
    let before = world.goods();
    assert_eq!(world.housekeeping(), Some(15_000));
    assert_eq!(world.goods(), before, "its client is there");
    world.later(MINUTE);
    while let Some(wait) = world.housekeeping() {
        world.later(wait);
    }
    assert_eq!(world.goods(), 4_000, "its client has gone");
}

#[test]
fn a_session_that_still_sends_is_left_alone_by_others() {
    let world = world();
    let client = world.begun();
    client.put("import0_1.xml", &goods(["A"]));
    for n in 2..6 {
        world.later(50_000);
        client.put(&format!("import0_{n}.xml"), &goods([n]));
        assert_eq!(world.housekeeping(), Some(MINUTE));
        world.client_of("two@x.ru").begin();
        assert_eq!(world.goods(), 0);
    }
    world.later(2 * MINUTE);
    assert_eq!(world.housekeeping(), None);
    assert_eq!(world.goods(), 5);
}

#[test]
fn a_client_without_cookies_that_begins_anew_soon_loses_nothing() {
    let world = world();
    let client = world.client();
    client.ask("init", "", b"");
    client.put("import.xml", &goods(["A"]));
    world.later(50_000);
    client.put("offers.xml", &offers(7, ["A"]));
    world.later(30_000);
    client.ask("init", "", b"");
    assert_eq!(world.goods(), 1);
    world.later(2 * MINUTE);
    world.housekeeping();
    assert_eq!(world.price("A"), Some(700));
}

#[test]
fn a_picture_that_ends_with_a_whole_chunk_is_stored_without_being_asked_for() {
    let world = with(ExchangeSettings {
        chunk_limit_bytes: 10_000,
        ..ExchangeSettings::default()
    });
    let mut picture = b"\x89PNG\r\n\x1a\n".to_vec();
    picture.resize(20_000, 7);
    let client = world.begun();
    for chunk in picture.chunks(10_000) {
        client.put("a.png", chunk);
    }
    assert_eq!(world.number("SELECT count(*) FROM pictures"), 0);
    assert_eq!(world.due(), Some(MINUTE));
    world.later(2 * MINUTE);
    assert_eq!(world.housekeeping(), None);
    assert_eq!(world.number("SELECT count(*) FROM pictures"), 1);
}

#[test]
fn the_login_of_orders_goes_on_with_the_catalogue_too() {
    let world = world();
    only_uploads(&world, &both(3));
    world.later(HOUR);
    let mut orders = Client {
        kind: "sale",
        ..world.client()
    };
    orders.begin();
    assert_eq!(world.price("A"), Some(300));
}
