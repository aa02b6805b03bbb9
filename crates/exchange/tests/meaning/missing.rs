//! What is deleted, and what a full list no longer has (commerceml §1.7, §2.3, §2.4).

use serde_json::json;

use super::{MINUTE, World, catalogue, colour, good, list, offer, package, prices, root, world};

fn ids(n: usize) -> Vec<String> {
    (0..n).map(|n| format!("p{n:02}")).collect()
}

fn of(ids: &[String]) -> String {
    list(ids.iter().map(String::as_str))
}

fn archive(guard: u8) -> World {
    world(json!({ "missing": "archive", "missing_guard_percent": guard }))
}

#[test]
fn numbered_portions_are_one_list() {
    for guard in [20, 100] {
        let shop = archive(guard);
        let all = ids(22);
        let (first, second) = all.split_at(20);
        let files = [("import0_1.xml", of(first)), ("import0_2.xml", of(second))];
        for _ in 0..3 {
            shop.exchange(&files);
            assert_eq!(shop.all(false), all);
        }
        for (name, _) in &files {
            shop.nothing_changed(name);
        }
        assert!(shop.journal("Обмен").is_empty(), "nobody is warned");
        let without_last = [files[0].clone(), ("import0_2.xml", of(&second[..1]))];
        shop.exchange(&without_last);
        assert_eq!(shop.all(true), [""; 0], "the exchange goes on");
        shop.exchange(&[]);
        assert_eq!(shop.all(true), [all[21].clone()]);
        let told = shop.journal("Обмен").pop().unwrap();
        assert!(told.contains("нет в выгрузке: 1"), "{told}");
    }
}

#[test]
fn an_exchange_of_portions_ends_when_the_client_says_so_or_is_silent() {
    for complete in [true, false] {
        let shop = archive(100);
        let all = ids(3);
        shop.exchange(&[("import0_1.xml", of(&all))]);
        let client = shop.client("one@x.ru");
        client.send(&[("import0_1.xml", of(&all[..2]))]);
        if complete {
            client.ask("complete", "", b"");
        } else {
            shop.client("two@x.ru");
            assert_eq!(shop.all(true), [""; 0], "another's login ends nothing");
            shop.later(11 * MINUTE);
            shop.client("two@x.ru");
        }
        assert_eq!(shop.all(true), [all[2].clone()], "{complete}");
    }
}

#[test]
fn an_exchange_is_not_over_while_its_client_sends_pictures() {
    let shop = archive(100);
    let all = ids(4);
    let (first, second) = all.split_at(3);
    let files = [("import0_1.xml", of(first)), ("import0_2.xml", of(second))];
    shop.exchange(&files);
    let client = shop.client("one@x.ru");
    client.send(&files[..1]);
    for n in 0..8 {
        shop.later(3 * MINUTE);
        client.put(&format!("{n}.png"), b"\x89PNG\r\n\x1a\n");
        shop.client("two@x.ru");
        assert_eq!(shop.all(true), [""; 0], "there is more to come");
    }
    client.send(&files[1..]);
    shop.later(12 * MINUTE);
    shop.client("two@x.ru");
    assert_eq!(shop.all(true), [""; 0]);
}

#[test]
fn an_exchange_of_portions_that_broke_off_archives_nothing() {
    let shop = archive(100);
    let all = ids(4);
    shop.exchange(&[("import0_1.xml", of(&all))]);
    let client = shop.client("one@x.ru");
    client.send(&[("import0_1.xml", of(&all[..2]))]);
    client.put("import0_2.xml", of(&all[2..]).as_bytes());
    shop.client("one@x.ru");
    assert_eq!(shop.all(true), [""; 0], "a portion was not imported");
    let client = shop.client("one@x.ru");
    client.send(&[("import0_1.xml", of(&all[..2]))]);
    client.put("import0_2.xml", b"<html>");
    assert!(
        client
            .ask("import", "&filename=import0_2.xml", b"")
            .starts_with("failure")
    );
    shop.client("one@x.ru");
    assert_eq!(shop.all(true), [""; 0], "a portion could not be imported");
}

#[test]
fn lists_of_prices_and_rests_name_no_variants() {
    let shop = archive(100);
    let variants = ["P#1", "P#2", "P#3"];
    let full = |more: &dyn Fn(&str) -> String, n: usize| {
        let offers: Vec<String> = variants[..n]
            .iter()
            .map(|id| offer(id, &more(id)))
            .collect();
        root(&package(true, "", &offers))
    };
    let described = |id: &str| colour(id);
    let files = [
        ("import.xml", list(["P"])),
        ("offers.xml", full(&described, 3)),
    ];
    shop.exchange(&files);
    let priced = |_: &str| prices(&[("pt", 5)]);
    let rests =
        |_: &str| "<Остатки><Остаток><Количество>1</Количество></Остаток></Остатки>".to_owned();
    for (name, body) in [
        ("prices0_1.xml", full(&priced, 2)),
        ("prices.xml", full(&priced, 2)),
        ("rests0_1.xml", full(&rests, 2)),
    ] {
        shop.exchange(&[(name, body)]);
        shop.exchange(&[]);
        assert_eq!(shop.all(true), [""; 0], "{name}");
    }
    shop.exchange(&[("offers.xml", full(&described, 2))]);
    assert_eq!(shop.all(true), ["P#3"]);
}

#[test]
fn a_section_without_its_list_and_one_that_is_not_marked_are_not_full() {
    let shop = archive(100);
    let stored = root(&package(true, "", &[offer("P#1", &colour("К"))]));
    shop.exchange(&[("import.xml", list(["P", "Q"])), ("offers.xml", stored)]);
    let goods = [good("P", "")];
    let marked = "СодержитТолькоИзменения=\"false\"";
    for inner in [
        format!("<Каталог {marked}><Ид>c</Ид></Каталог>"),
        format!(
            "<ПакетПредложений {marked}><Ид>c#</Ид><ИдКаталога>c</ИдКаталога><ТипыЦен/></ПакетПредложений>"
        ),
        format!("<Каталог><Ид>c</Ид><Товары>{}</Товары></Каталог>", goods[0]),
    ] {
        shop.exchange(&[("import.xml", root(&inner))]);
        assert_eq!(shop.all(true), [""; 0], "{inner}");
    }
    let full = catalogue("c", true, &goods);
    for mark in ["СодержитТолькоИзменения=\"true\"", "Ид=\"\""] {
        let file = root(&full).replace("ВерсияСхемы", &format!("{mark} ВерсияСхемы"));
        shop.exchange(&[("import.xml", file)]);
        assert_eq!(shop.all(true), [""; 0], "{mark}");
    }
    shop.exchange(&[("import.xml", root(&full))]);
    assert_eq!(shop.all(true), ["Q"]);
}

#[test]
fn two_catalogues_do_not_archive_each_others_goods() {
    let shop = archive(100);
    let file = |id: &str, goods: &[&str]| {
        let goods: Vec<String> = goods.iter().map(|id| good(id, "")).collect();
        root(&catalogue(id, true, &goods))
    };
    let (a, b) = (file("a", &["a1", "a2"]), file("b", &["b1"]));
    for _ in 0..2 {
        shop.exchange(&[("import.xml", a.clone())]);
        shop.exchange(&[("import.xml", b.clone())]);
        assert_eq!(shop.all(true), [""; 0]);
    }
    shop.nothing_changed("import.xml");
    shop.exchange(&[("import.xml", file("a", &["a1"]))]);
    assert_eq!(shop.all(true), ["a2"]);
}

#[test]
fn a_good_that_two_catalogues_have_is_not_changed_by_either() {
    let shop = archive(100);
    let file = |id: &str, goods: &[&str]| {
        let goods: Vec<String> = goods.iter().map(|id| good(id, "")).collect();
        root(&catalogue(id, true, &goods))
    };
    for _ in 0..2 {
        shop.exchange(&[("import.xml", file("a", &["X", "A"]))]);
        shop.exchange(&[("import.xml", file("b", &["X", "B"]))]);
    }
    shop.nothing_changed("import.xml");
    shop.exchange(&[("import.xml", file("a", &["A"]))]);
    assert_eq!(shop.all(true), [""; 0], "the other one has it");
}

#[test]
fn ids_may_stand_behind_what_they_name() {
    let shop = archive(100);
    let file = |ids: &[&str]| {
        let goods: String = ids.iter().map(|id| good(id, "")).collect();
        let groups: String = ids
            .iter()
            .map(|id| format!("<Группа><Наименование>{id}</Наименование><Ид>{id}</Ид></Группа>"))
            .collect();
        let offers: String = ids
            .iter()
            .map(|id| offer(&format!("P#{id}"), &colour(id)))
            .collect();
        let mark = "СодержитТолькоИзменения=\"false\"";
        root(&format!(
            "<Классификатор><Группы>{groups}</Группы><Ид>k</Ид></Классификатор>\
             <Каталог {mark}><Товары>{goods}</Товары><Ид>c</Ид></Каталог>\
             <ПакетПредложений {mark}><Предложения>{offers}</Предложения><ИдКаталога>c</ИдКаталога>\
             <Ид>c#</Ид></ПакетПредложений>"
        ))
    };
    for _ in 0..2 {
        shop.exchange(&[("import.xml", file(&["P", "Q"]))]);
    }
    shop.nothing_changed("import.xml");
    assert_eq!(shop.all(true), [""; 0]);
    shop.exchange(&[("import.xml", file(&["P"]))]);
    assert_eq!(shop.all(true), ["P#Q", "Q"]);
    let gone = "SELECT count(*) FROM categories WHERE archived <> 0";
    assert_eq!(shop.number(gone), 1);
}

#[test]
fn deactivate_archives_what_no_file_of_the_exchange_had_and_tells() {
    for name in ["import0_1.xml", "import___1.xml"] {
        let shop = archive(50);
        shop.exchange(&[("import.xml", list(["P", "Q", "R"]))]);
        let client = shop.client("one@x.ru");
        let changes = catalogue("c", false, &[good("P", ""), good("Q", "")]);
        client.send(&[(name, root(&changes))]);
        let since = format!("&{}", client.timestamp);
        for _ in 0..2 {
            client.until_ended("deactivate", &since);
            assert_eq!(shop.all(true), ["R"], "{name}");
        }
        let told = shop.journal("deactivate");
        assert_eq!(told.len(), 1, "{told:?}");
        assert!(told[0].contains('1'), "{told:?}");
    }
}

#[test]
fn a_product_takes_its_variants_along_and_brings_them_back() {
    let shop = world(json!({}));
    let offers = ["H#1", "H#2"].map(|id| offer(id, &colour(id)));
    let offers = root(&package(true, "", &offers));
    let dead = "<Товар Статус=\"Удален\"><Ид>H</Ид></Товар>".to_owned();
    let dead = root(&catalogue("c", false, &[dead]));
    let gone = root(&package(
        false,
        "",
        &["<Предложение Статус=\"Удален\"><Ид>H#2</Ид></Предложение>".to_owned()],
    ));
    shop.exchange(&[("import.xml", list(["H"])), ("offers.xml", offers.clone())]);
    shop.exchange(&[("offers.xml", gone), ("import.xml", dead)]);
    assert_eq!(shop.all(false), [""; 0]);
    let new = root(&package(false, "", &[offer("H#3", &colour("3"))]));
    shop.exchange(&[("offers.xml", new)]);
    assert_eq!(
        shop.all(false),
        [""; 0],
        "a variant of a deleted product is not alive"
    );
    shop.exchange(&[("import.xml", list(["H"]))]);
    assert_eq!(
        shop.all(true),
        ["H#2"],
        "what was deleted by itself stays deleted"
    );
}

#[test]
fn a_mark_of_deletion_alone_makes_no_good() {
    let shop = world(json!({}));
    let dead = [
        "<Товар Статус=\"Удален\"><Ид>X</Ид></Товар>",
        "<Товар><Ид>Y</Ид><ПометкаУдаления>true</ПометкаУдаления></Товар>",
    ];
    let dead = dead.map(str::to_owned);
    let variant = "<Предложение Статус=\"Удален\"><Ид>P#1</Ид></Предложение>".to_owned();
    shop.exchange(&[
        ("import.xml", root(&catalogue("c", false, &dead))),
        ("offers.xml", root(&package(false, "", &[variant]))),
    ]);
    assert_eq!((shop.all(false).len(), shop.all(true).len()), (0, 0));
}

#[test]
fn the_guard_says_what_it_spared() {
    let shop = archive(20);
    let all = ids(10);
    shop.exchange(&[("import.xml", of(&all))]);
    shop.exchange(&[("import.xml", of(&all[..2]))]);
    let told = shop.journal("import.xml");
    let warned = told.iter().find(|text| text.contains("8 из 10")).unwrap();
    assert!(warned.contains("«Товар p0"), "{warned}");
}

#[test]
fn a_full_classifier_removes_the_groups_that_it_no_longer_has() {
    let shop = archive(20);
    let file = |groups: &[&str], full: bool| {
        let groups: String = groups
            .iter()
            .map(|id| format!("<Группа><Ид>{id}</Ид><Наименование>{id}</Наименование></Группа>"))
            .collect();
        let tree = format!("<Классификатор><Ид>k</Ид><Группы>{groups}</Группы></Классификатор>");
        root(&(tree + &catalogue("c", full, &[good("P", "")])))
    };
    shop.exchange(&[("import.xml", file(&["a", "b"], true))]);
    let gone = || shop.number("SELECT count(*) FROM categories WHERE archived <> 0");
    shop.exchange(&[("import.xml", file(&["a"], false))]);
    assert_eq!(gone(), 0, "changes remove nothing");
    shop.exchange(&[("import.xml", file(&["a"], true))]);
    assert_eq!(gone(), 1);
    shop.exchange(&[("import.xml", file(&["a", "b"], true))]);
    assert_eq!(gone(), 0);
}

#[test]
fn a_tenant_has_no_more_groups_than_its_limit() {
    let shop = world(json!({}));
    for part in 0..3 {
        let groups: String = (0..7_000)
            .map(|n| format!("<Группа><Ид>g{part}-{n}</Ид><Наименование>Г</Наименование></Группа>"))
            .collect();
        let tree = format!("<Классификатор><Ид>k</Ид><Группы>{groups}</Группы></Классификатор>");
        shop.exchange(&[("import.xml", root(&tree))]);
    }
    assert_eq!(shop.number("SELECT count(*) FROM categories"), 20_000);
    let told = shop.journal("").concat() + &shop.journal("import.xml").concat();
    assert!(told.contains("20 000"), "{told}");
}
