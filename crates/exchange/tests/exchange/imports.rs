//! Imports in steps, and what may happen in between (commerceml §1.5, §1.6).

use std::collections::BTreeSet;

use sklad_store::{Sql, Statement};

use crate::{Client, HOUR, MINUTE, World, document, goods, offers, world};

/// Runs a statement that is no part of the exchange.
fn write(world: &World, text: &str) {
    let batch = vec![Statement::new(text.to_owned())];
    futures::executor::block_on(world.app.sql.atomic(batch)).unwrap();
}

/// Whoever works on `name` dies before the first batch.
fn dies_at(world: &World, client: &Client<'_>, name: &str) {
    // The lease is taken, then everything fails; the host is gone and nothing is given back.
    client.import_once(name);
    write(world, "UPDATE import_leases SET until = 1");
}

#[test]
fn an_import_whose_worker_is_lost_again_and_again_fails_clearly() {
    let world = world();
    let client = world.begun();
    client.put("import.xml", &goods(0..1_000));
    client.put("offers.xml", &offers(7, [5]));
    world.batches_take(700);
    assert!(client.import_once("import.xml").starts_with("progress"));
    let held = "INSERT OR REPLACE INTO import_leases (tenant, import, owner, until, losses) \
                SELECT 'demo', id, 'dead', 1, 2 FROM imports";
    write(&world, held);
    // Two were lost before, and a third never gave the lease back.
    assert!(
        client
            .import_once("import.xml")
            .starts_with("failure\nimport.xml: Обработка")
    );
    assert!(
        client
            .import_once("import.xml")
            .starts_with("failure\nimport.xml: Обработка")
    );
    let told = world.journal("import.xml");
    assert!(
        told[0].starts_with("Файл не загружен: Обработка"),
        "{told:?}"
    );
    // What was stored stays, and the next file is not kept back.
    assert!(world.goods() > 0);
    client.imported("offers.xml");
    assert_eq!(world.price("5"), Some(700));
}

#[test]
fn an_import_whose_worker_was_lost_at_different_places_ends_well() {
    let world = world();
    let client = world.begun();
    client.put("import.xml", &goods(0..3_000));
    world.batches_take(6_000);
    for _ in 0..11 {
        dies_at(&world, &client, "import.xml");
    }
    client.imported("import.xml");
    assert_eq!(world.goods(), 3_000);
}

#[test]
fn an_error_of_ours_that_comes_again_and_again_ends_the_import_too() {
    let world = world();
    let client = world.begun();
    client.put("import.xml", &goods(["A"]));
    client.put("offers.xml", &goods(["B"]));
    write(
        &world,
        "CREATE TRIGGER bad BEFORE INSERT ON goods WHEN new.external = 'A' \
         BEGIN SELECT raise(ABORT, 'bad'); END",
    );
    for _ in 0..3 {
        let told = client.import_once("import.xml");
        assert!(told.starts_with("failure\nСервис временно"), "{told}");
    }
    let told = client.import_once("import.xml");
    assert!(told.starts_with("failure\nimport.xml: Обработка"), "{told}");
    client.imported("offers.xml");
}

#[test]
fn a_batch_is_bounded_by_the_bytes_of_its_goods() {
    let world = world();
    let client = world.begun();
    let long = "Щ".repeat(30_000);
    let wide: String = (0..100)
        .map(|n| {
            format!(
                "<Товар><Ид>{n}</Ид><Наименование>Т</Наименование><Описание>{long}{n}</Описание></Товар>"
            )
        })
        .collect();
    let file = document(&format!(
        "<Каталог><Ид>c</Ид><Товары>{wide}</Товары></Каталог>"
    ));
    for chunk in file.chunks(1_000_000) {
        client.put("import.xml", chunk);
    }
    client.imported("import.xml");
    assert_eq!(world.goods(), 100);
    let batches = world.number("SELECT seq FROM imports");
    assert!(batches >= 5, "{batches} batches for {} bytes", file.len());
}

#[test]
fn where_nothing_changes_the_place_is_saved_once_in_a_while() {
    let world = world();
    let imported = |lost: bool| {
        world.later(HOUR);
        let client = world.begun();
        client.put("import.xml", &goods(0..5_000));
        if lost {
            world.batches_take(6_000);
            dies_at(&world, &client, "import.xml");
            world.batches_take(10);
        }
        client.imported("import.xml");
        world.number("SELECT seq FROM imports ORDER BY updated_at DESC LIMIT 1")
    };
    assert!(imported(false) >= 40, "forty batches change goods");
    let saved = imported(false);
    assert!(saved <= 3, "{saved} times");
    imported(true);
    let told = world.journal("import.xml");
    assert!(
        told.last()
            .unwrap()
            .contains("изменений нет, без изменений 5000"),
        "{told:?}"
    );
}

#[test]
fn what_is_told_changes_while_somebody_else_works() {
    let world = world();
    let client = world.begun();
    client.put("import.xml", &goods(0..500));
    client.put("offers.xml", &goods(0..500));
    world.batches_take(700);
    assert!(client.import_once("import.xml").starts_with("progress"));
    write(&world, "UPDATE import_leases SET until = 9999999999999");
    let mut told = BTreeSet::new();
    for _ in 0..50 {
        for name in ["import.xml", "offers.xml"] {
            let answer = client.import_once(name);
            assert!(answer.starts_with("progress\n"), "{answer}");
            told.insert(answer);
        }
        world.later(7);
    }
    assert_eq!(told.len(), 100);
}

#[test]
fn a_success_that_was_lost_is_told_again_to_a_session_that_took_the_import_over() {
    let world = world();
    let client = world.begun();
    client.put("import.xml", &goods(0..1_000));
    world.batches_take(700);
    assert!(client.import_once("import.xml").starts_with("progress"));
    world.later(MINUTE);
    let next = world.begun();
    next.imported("import.xml");
    next.imported("import.xml");
    // To a later one it is a file that it has not sent.
    world.later(HOUR);
    let later = world.begun();
    assert!(later.import("import.xml").starts_with("failure"));
    let mut other = world.client_of("two@x.ru");
    other.begin();
    assert!(other.import("import.xml").starts_with("failure"));
}

#[test]
fn references_are_counted_though_the_host_dies_behind_them() {
    let groups: String = (0..40)
        .map(|n| format!("<Группа><Ид>g{n}</Ид><Наименование>Г{n}</Наименование></Группа>"))
        .collect();
    let file = document(&format!(
        "<Классификатор><Ид>c</Ид><Наименование>К</Наименование><Группы>{groups}</Группы>\
         <ТипыЦен><ТипЦены><Ид>p</Ид><Наименование>Розница</Наименование></ТипЦены></ТипыЦен>\
         </Классификатор><Каталог><Ид>c</Ид><Товары><Товар><Ид>A</Ид></Товар></Товары></Каталог>"
    ));
    let told = |dies: bool| {
        let world = world();
        let client = world.begun();
        client.put("import.xml", &file);
        if dies {
            // The question, the lease, the references; then no batch any more.
            world.dies_after(3);
            assert!(client.import_once("import.xml").starts_with("failure"));
            world.lives();
            write(&world, "UPDATE import_leases SET until = 1");
            assert_eq!(world.number("SELECT count(*) FROM categories"), 40);
            assert_eq!(world.goods(), 0);
        }
        client.imported("import.xml");
        world.journal("import.xml").pop().unwrap()
    };
    let calm = told(false);
    assert!(calm.contains("изменено справочников 41"), "{calm}");
    assert_eq!(told(true), calm);
}

#[test]
fn a_newer_file_of_the_same_session_takes_the_place_of_the_one_being_imported() {
    let world = world();
    let client = world.begun();
    client.put("import.xml", &goods(0..2_000));
    world.batches_take(700);
    assert!(client.import_once("import.xml").starts_with("progress"));
    client.put("import.xml", &goods(["A"]));
    client.imported("import.xml");
    assert_eq!(
        world.number("SELECT count(*) FROM imports WHERE state = 'running'"),
        0
    );
}

#[test]
fn bytes_that_are_gone_are_a_failure_and_hinder_nobody() {
    let world = world();
    let client = world.begun();
    client.put("import.xml", &goods(0..2_000));
    world.batches_take(700);
    assert!(client.import_once("import.xml").starts_with("progress"));
    write(&world, "DELETE FROM upload_parts");
    let told = client.import("import.xml");
    assert!(told.starts_with("failure\nimport.xml: "), "{told}");
    client.put("offers.xml", &goods(["A"]));
    client.imported("offers.xml");
}
