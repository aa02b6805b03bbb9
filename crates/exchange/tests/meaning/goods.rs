//! What goods are: of two sides, of variants, of pictures (commerceml §2.3–2.5).

use futures::executor::block_on;
use serde_json::{Value, json};
use sklad_catalog::{card, query};

use super::{World, catalogue, colour, good, list, offer, package, root, world};

fn both(shop: &World, card: &str, offers: &[String]) -> [(&'static str, String); 2] {
    let files = [
        (
            "import.xml",
            root(&catalogue("c", true, &[good("P", card)])),
        ),
        ("offers.xml", root(&package(true, "", offers))),
    ];
    shop.exchange(&files);
    files
}

#[test]
fn a_good_of_a_product_that_does_not_come_is_a_good_and_joins_it_later() {
    let shop = world(json!({}));
    let goods = ["P#0", "P#1"].map(|id| good(id, "<Группы><Ид>g</Ид></Группы>"));
    let offers = ["P#0", "P#1"].map(|id| offer(id, "<Количество>2</Количество>"));
    let files = [
        ("import.xml", root(&catalogue("c", true, &goods))),
        ("offers.xml", root(&package(true, "", &offers))),
    ];
    shop.exchange(&files);
    assert_eq!(shop.all(false), ["P#0", "P#1"]);
    assert_eq!(
        (shop.good("P#1", "category"), shop.good("P#1", "quantity")),
        (json!("g"), json!(2_000))
    );
    shop.exchange(&files);
    shop.nothing_changed("import.xml");
    let product = good("P", "<Группы><Ид>h</Ид></Группы>");
    shop.exchange(&[("import.xml", root(&catalogue("c", false, &[product])))]);
    for id in ["P#0", "P#1"] {
        let parent = "(SELECT p.external FROM goods p WHERE p.id = g.parent)";
        assert_eq!(shop.good(id, parent), json!("P"));
        assert_eq!(
            (shop.good(id, "kind"), shop.good(id, "category")),
            (json!("variant"), json!("h"))
        );
    }
    shop.exchange(&files);
    shop.exchange(&files);
    shop.nothing_changed("import.xml");
}

#[test]
fn a_variant_may_come_before_its_product() {
    let shop = world(json!({}));
    let goods = ["P#0", "P"].map(|id| good(id, ""));
    let file = root(&catalogue("c", true, &goods));
    shop.exchange(&[("import.xml", file.clone())]);
    assert_eq!(shop.good("P#0", "kind"), json!("variant"));
    shop.exchange(&[("import.xml", file)]);
    shop.nothing_changed("import.xml");
}

#[test]
fn the_requisite_code_is_the_code() {
    let shop = world(json!({}));
    both(
        &shop,
        "<ЗначенияРеквизитов><ЗначениеРеквизита><Наименование>Код</Наименование>\
         <Значение>00-017</Значение></ЗначениеРеквизита></ЗначенияРеквизитов>",
        &[],
    );
    assert_eq!(shop.good("P", "code"), json!("00-017"));
}

#[test]
fn a_unit_that_is_named_by_id_or_code_is_shown_by_its_name() {
    let units = "<Классификатор><Ид>k</Ид><ЕдиницыИзмерения><ЕдиницаИзмерения><Ид>u-1</Ид><Код>796 </Код>\
         <НаименованиеПолное>Штука</НаименованиеПолное><НаименованиеКраткое>шт</НаименованиеКраткое>\
         </ЕдиницаИзмерения></ЕдиницыИзмерения></Классификатор>";
    let of = |id: &str, unit: &str| good(id, &format!("<БазоваяЕдиница>{unit}</БазоваяЕдиница>"));
    let goods = [
        of("A", "796 "),
        of("B", "u-1"),
        of("C", "упак"),
        of("D", "166"),
    ];
    let shop = world(json!({}));
    let files = [
        ("goods___1.xml", root(&catalogue("c", true, &goods))),
        ("units___1.xml", root(units)),
    ];
    shop.exchange(&files);
    let shown = ["A", "B", "C", "D"].map(|id| {
        let card = block_on(card::get(&shop.app.sql, "demo", id));
        card.unwrap().unwrap().unit.unwrap()
    });
    assert_eq!(shown, ["шт", "шт", "упак", "166"]);
    shop.exchange(&files);
    shop.nothing_changed("units___1.xml");
}

#[test]
fn a_unit_is_called_by_its_name_and_not_by_its_code() {
    let shop = world(json!({}));
    both(
        &shop,
        "<БазоваяЕдиница НаименованиеПолное=\"Штука\">796 </БазоваяЕдиница>",
        &[],
    );
    assert_eq!(shop.good("P", "unit"), json!("Штука"));
}

#[test]
fn offers_overwrite_nothing_that_the_card_says_and_fill_what_it_leaves_open() {
    let shop = world(json!({}));
    let card = "<Штрихкод>1</Штрихкод><Штрихкод>2</Штрихкод><Артикул>А-1</Артикул>";
    let more = "<Штрихкод>1</Штрихкод><Артикул></Артикул><БазоваяЕдиница>шт</БазоваяЕдиница>";
    let files = both(&shop, card, &[offer("P", more)]);
    assert_eq!(shop.good("P", "barcodes"), json!(["1", "2"]));
    assert_eq!(
        (shop.good("P", "article"), shop.good("P", "unit")),
        (json!("А-1"), json!("шт"))
    );
    shop.exchange(&files);
    for (name, _) in &files {
        shop.nothing_changed(name);
    }
    let other = offer("P", "<БазоваяЕдиница>кг</БазоваяЕдиница>");
    shop.exchange(&[("offers.xml", root(&package(false, "", &[other])))]);
    assert_eq!(shop.good("P", "unit"), json!("кг"));
}

#[test]
fn a_variant_without_a_name_is_called_after_its_product_as_that_is_called() {
    let shop = world(json!({}));
    both(&shop, "", &[offer("P#1", &colour("К")), offer("P#2", "")]);
    assert_eq!(shop.good("P#1", "name"), json!("Товар P (К)"));
    let renamed = "<Товар><Ид>P</Ид><Наименование>Чай</Наименование></Товар>".to_owned();
    shop.exchange(&[("import.xml", root(&catalogue("c", false, &[renamed])))]);
    assert_eq!(
        (shop.good("P#1", "name"), shop.good("P#2", "name")),
        (json!("Чай (К)"), json!("Чай"))
    );
}

#[test]
fn an_offer_may_name_its_good_by_barcode_or_article() {
    let shop = world(json!({}));
    both(&shop, "<Штрихкод>460</Штрихкод><Артикул>А-1</Артикул>", &[]);
    let file = |key: &str, n: u8| {
        root(&format!(
            "<ИзмененияПакетаПредложений><Ид>c#</Ид><Предложения><Предложение>{key}\
             <Количество>{n}</Количество></Предложение></Предложения></ИзмененияПакетаПредложений>"
        ))
    };
    for (key, n) in [
        ("<Штрихкод>460</Штрихкод>", 3),
        ("<Артикул>А-1</Артикул>", 4),
    ] {
        shop.exchange(&[("offers.xml", file(key, n))]);
        assert_eq!(
            shop.good("P", "quantity"),
            json!(i64::from(n) * 1000),
            "{key}"
        );
    }
    shop.exchange(&[("offers.xml", file("<Штрихкод>999</Штрихкод>", 5))]);
    assert!(shop.journal("999")[0].contains("без Ид"));
    let nameless =
        "<Товар><Артикул>А-2</Артикул><Наименование>Без Ид</Наименование></Товар>".to_owned();
    shop.exchange(&[("import.xml", root(&catalogue("c", false, &[nameless])))]);
    assert!(shop.journal("Без Ид")[0].contains("товар без Ид"));
}

#[test]
fn only_goods_of_the_root_category_come_and_what_leaves_it_goes() {
    let shop = world(json!({ "root_category": "a" }));
    let tree = "<Классификатор><Ид>k</Ид><Группы><Группа><Ид>a</Ид><Наименование>А</Наименование></Группа>\
         <Группа><Ид>b</Ид><Наименование>Б</Наименование></Группа></Группы></Классификатор>";
    let within = |id: &str, group: &str| good(id, &format!("<Группы><Ид>{group}</Ид></Группы>"));
    let send = |goods: &[String]| {
        shop.exchange(&[(
            "import.xml",
            root(&(tree.to_owned() + &catalogue("c", false, goods))),
        )]);
    };
    send(&[
        within("P", "a"),
        within("Q", "a"),
        within("R", "b"),
        good("S", ""),
    ]);
    assert_eq!(
        (shop.all(false), shop.all(true).len()),
        (vec!["P".to_owned(), "Q".to_owned()], 0)
    );
    let renamed = "<Товар><Ид>P</Ид><Наименование>Чай</Наименование></Товар>".to_owned();
    let dead = "<Товар Статус=\"Удален\"><Ид>Q</Ид></Товар>".to_owned();
    send(&[renamed, dead]);
    assert_eq!(
        (shop.good("P", "name"), shop.all(true)),
        (json!("Чай"), vec!["Q".to_owned()])
    );
    send(&[within("P", "b")]);
    assert_eq!(shop.all(false), [""; 0]);
}

fn pictures(shop: &World, id: &str) -> Vec<(String, bool)> {
    let card = block_on(card::get(&shop.app.sql, "demo", id))
        .unwrap()
        .unwrap();
    let one = |picture: &card::GoodPicture| (picture.name.clone(), picture.hash.is_some());
    card.pictures.iter().map(one).collect()
}

fn png(seed: u8) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    bytes.extend([seed; 40]);
    bytes
}

#[test]
fn a_picture_that_never_came_does_not_drop_the_one_that_is_there() {
    let shop = world(json!({}));
    let with = |name: &str| {
        let goods = [good("P", &format!("<Картинка>{name}</Картинка>"))];
        root(&catalogue("c", false, &goods))
    };
    let client = shop.client("one@x.ru");
    client.put("old.png", &png(1));
    client.send(&[("import.xml", with("old.png"))]);
    shop.exchange(&[("import.xml", with("new.png"))]);
    shop.exchange(&[("import.xml", with("new.png"))]);
    let here = |name: &str, has| (name.to_owned(), has);
    assert_eq!(
        pictures(&shop, "P"),
        [here("new.png", false), here("old.png", true)]
    );
    let client = shop.client("one@x.ru");
    client.put("new.png", &png(2));
    assert_eq!(pictures(&shop, "P"), [here("new.png", true)]);
}

#[test]
fn a_picture_is_found_however_its_path_is_written() {
    let shop = world(json!({}));
    let client = shop.client("one@x.ru");
    client.put("import_files/0d/a.jpg", b"\xff\xd8\xff\xe0jpeg");
    let goods = [good(
        "P",
        "<Картинка>webdata\\import_files/0d/A.JPG</Картинка>",
    )];
    client.send(&[("import.xml", root(&catalogue("c", false, &goods)))]);
    assert_eq!(
        pictures(&shop, "P"),
        [("import_files/0d/a.jpg".to_owned(), true)]
    );
}

#[test]
fn pictures_that_no_good_has_any_more_go_after_a_day() {
    let shop = world(json!({}));
    let goods = [good("P", "<Картинка>a.png</Картинка>")];
    for seed in 0..5 {
        let client = shop.client("one@x.ru");
        client.put("a.png", &png(seed));
        client.send(&[("import.xml", root(&catalogue("c", false, &goods)))]);
    }
    let stored = || shop.number("SELECT count(*) FROM pictures");
    assert_eq!(
        stored(),
        5,
        "who has the address of an old one still gets it"
    );
    shop.later(25 * 60 * super::MINUTE);
    shop.exchange(&[]);
    assert_eq!(stored(), 1);
    assert_eq!(pictures(&shop, "P"), [("a.png".to_owned(), true)]);
}

#[test]
fn a_good_is_found_in_every_group_that_it_lies_in() {
    let shop = world(json!({}));
    both(&shop, "<Группы><Ид>a</Ид><Ид>b</Ид></Группы>", &[]);
    shop.exchange(&[("import.xml", list(["Q"]))]);
    for group in ["a", "b"] {
        let wanted = query::Query {
            category: Some(group.to_owned()),
            limit: 10,
            ..query::Query::default()
        };
        let found = block_on(query::list(&shop.app.sql, "demo", &wanted)).unwrap();
        assert_eq!(found.len(), 1, "{group}");
    }
    assert_eq!(shop.good("nobody", "name"), Value::Null);
}
