//! What is of no use any more goes, and nothing else.

use crate::{HOUR, MINUTE, goods, world};

#[test]
fn the_bytes_of_an_imported_file_go_and_those_of_a_waiting_one_stay() {
    let world = world();
    let client = world.begun();
    client.put("import.xml", &goods(["A"]));
    client.imported("import.xml");
    client.put("offers.xml", &goods(["B"]));
    assert_eq!(world.number("SELECT count(*) FROM upload_parts"), 2);
    client.ask("complete", "", b"");
    assert_eq!(world.number("SELECT count(*) FROM upload_parts"), 1);
    assert_eq!(world.number("SELECT count(*) FROM upload_chunks"), 1);
    client.imported("offers.xml");
    assert_eq!(world.goods(), 2);
}

#[test]
fn the_bytes_of_an_import_in_its_middle_stay_however_old_they_are() {
    let world = world();
    let client = world.begun();
    client.put("import.xml", &goods(0..3_000));
    world.batches_take(600);
    assert!(client.import_once("import.xml").starts_with("progress"));
    world.later(3 * 24 * HOUR);
    for _ in 0..40 {
        world.begun();
    }
    assert_eq!(world.goods(), 3_000);
}

#[test]
fn parts_of_requests_that_broke_off_go_after_a_day() {
    let world = world();
    let client = world.begun();
    let large = vec![b' '; 3 * 1024 * 1024];
    // The parts are written, the chunk is not.
    world.dies_after(1);
    let told = client.ask("file", "&filename=import.xml", &large);
    assert!(told.starts_with("failure\nСервис"), "{told}");
    world.lives();
    let parts = "SELECT count(*) FROM upload_parts";
    assert!(world.number(parts) > 0);
    world.later(HOUR);
    world.begun();
    assert!(world.number(parts) > 0);
    world.later(24 * HOUR);
    world.begun();
    assert_eq!(world.number(parts), 0);
}

#[test]
fn pictures_and_orders_of_sessions_that_ended_go_after_an_hour() {
    let world = world();
    let client = world.begun();
    client.put("a.png", b"\x89PNG\r\n\x1a\n");
    let mut orders = client.clone();
    orders.kind = "sale";
    orders.put("orders.xml", b"<?xml version=\"1.0\"?><a>");
    world.later(30 * MINUTE);
    world.begun();
    assert_eq!(world.number("SELECT count(*) FROM uploads"), 2);
    world.later(2 * HOUR);
    world.begun();
    assert_eq!(world.number("SELECT count(*) FROM uploads"), 0);
}

#[test]
fn ended_imports_are_forgotten_after_a_week() {
    let world = world();
    let client = world.begun();
    client.put("import.xml", &goods(["A"]));
    client.imported("import.xml");
    world.later(6 * 24 * HOUR);
    world.begun();
    assert_eq!(world.number("SELECT count(*) FROM imports"), 1);
    world.later(2 * 24 * HOUR);
    world.begun();
    assert_eq!(world.number("SELECT count(*) FROM imports"), 0);
}
