//! Files that mean harm, or are harmed (commerceml §1.12, §6.1-7): each ends as it must, nothing that was
//! there before is lost.

use serde_json::json;

use super::files::{self, document, offer, package};
use super::merchant::Merchant;
use super::real::sample;

/// A merchant with a good, its price and its stock.
fn stocked() -> Merchant {
    let merchant = Merchant::new(json!({ "zip": true, "missing": "archive" }));
    merchant.exchange(&[
        ("import.xml", &files::goods(&[("p-1", "Чайник")])),
        (
            "offers.xml",
            &package(&offer("p-1", 100, (1, 2), ""), false),
        ),
    ]);
    merchant
}

/// That a file is refused, shortly, and harms nothing.
#[track_caller]
fn refused(name: &str, file: &[u8]) -> String {
    let merchant = stocked();
    let before = merchant.state();
    let client = merchant.begun();
    client.upload(name, file);
    let told = client.refused(name);
    assert_eq!(merchant.state()["p-1"], before["p-1"], "{name}");
    assert!(!told.contains("root:"), "{told}");
    // The employee can go on.
    merchant.exchange(&[("offers.xml", &package(&offer("p-1", 101, (1, 2), ""), true))]);
    assert_eq!(merchant.prices("p-1")[files::SALE], 10_100);
    told
}

#[test]
fn what_xml_may_not_be_is_a_failure() {
    let external = "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>\
         <КоммерческаяИнформация><Классификатор><Ид>&e;</Ид></Классификатор></КоммерческаяИнформация>";
    let laughs = "<?xml version=\"1.0\"?><!DOCTYPE x [<!ENTITY a \"ха\"><!ENTITY b \"&a;&a;&a;&a;\">]>\
         <КоммерческаяИнформация><Классификатор><Ид>&b;</Ид></Классификатор></КоммерческаяИнформация>";
    let unknown_entity =
        document("<Каталог><Товары><Товар><Ид>&nbsp;</Ид></Товар></Товары></Каталог>");
    let deep = document(&format!(
        "{}{}",
        "<Группы>".repeat(5_000),
        "</Группы>".repeat(5_000)
    ));
    let crossed = document("<Каталог><Товары></Каталог></Товары>");
    for (what, file) in [
        ("external entity", external.as_bytes()),
        ("entities of entities", laughs.as_bytes()),
        ("unknown entity", &unknown_entity),
        ("depth", &deep),
        ("crossed", &crossed),
        (
            "html",
            b"<!DOCTYPE html><html><body>502 Bad Gateway</body></html>",
        ),
        ("text", b"hello"),
        ("json", b"{\"error\": 1}"),
        ("zeros", &[0; 4096]),
        ("zip", b"PK\x03\x04 as xml"),
    ] {
        let told = refused("import.xml", file);
        assert!(told.chars().count() < 300, "{what}: {told}");
    }
}

/// So many bytes of text that does not repeat itself.
fn endless(bytes: usize) -> String {
    let numbers = (0..bytes / 8).map(|n| format!("{n:08}"));
    numbers.collect()
}

#[test]
fn an_element_that_never_ends_is_refused_before_it_fills_the_memory() {
    const LARGE: usize = 12 * 1024 * 1024;
    refused("import.xml", &files::goods(&[("p-2", &endless(LARGE))]));
    let attribute = format!("<Каталог x=\"{}\"></Каталог>", endless(LARGE));
    refused("import.xml", &document(&attribute));
    let comment = format!("<!-- {} --><Каталог></Каталог>", endless(LARGE));
    refused("import.xml", &document(&comment));
    let attributes: String = (0..5_000).map(|n| format!(" a{n}=\"1\"")).collect();
    refused(
        "import.xml",
        &document(&format!("<Каталог{attributes}></Каталог>")),
    );
}

#[test]
fn texts_of_files_are_kept_as_texts() {
    let merchant = Merchant::new(json!({}));
    let names = [
        ("q-1", "'; DROP TABLE goods; --"),
        ("q-2", "&lt;script&gt;alert(1)&lt;/script&gt;"),
        ("q-3", "%s%n ${jndi:ldap://x} {{7*7}}"),
        ("q-4", "Слева \u{202e}направо"),
    ];
    merchant.exchange(&[("import.xml", &files::goods(&names))]);
    for (id, name) in names {
        let name = name.replace("&lt;", "<").replace("&gt;", ">");
        assert_eq!(merchant.good(id)["name"], json!(name));
    }
}

#[test]
fn ids_that_are_odd_are_ids() {
    let merchant = Merchant::new(json!({}));
    let long = "d".repeat(255);
    let ids = [
        "137",
        "Ключ с пробелом",
        "a/b?c=d&amp;e",
        "{7B}",
        "НДС 20%",
        &long,
    ];
    let list: Vec<(&str, &str)> = ids.iter().map(|id| (*id, "Товар")).collect();
    merchant.exchange(&[("import.xml", &files::goods(&list))]);
    for id in ids {
        let id = id.replace("&amp;", "&");
        assert_eq!(merchant.good(&id)["external"], json!(id));
    }
    // Case decides, spaces around do not.
    merchant.exchange(&[(
        "import.xml",
        &files::goods(&[(" 137 ", "Другой"), ("AbC", "1"), ("aBc", "2")]),
    )]);
    assert_eq!(merchant.good("137")["name"], json!("Другой"));
    assert_eq!(merchant.good("aBc")["name"], json!("2"));
    assert_eq!(merchant.good("AbC")["name"], json!("1"));
    // No id, and one that is too long, are told and passed over.
    let over = "d".repeat(256);
    let bad = format!(
        "{}{}",
        files::good("", "Без Ид", ""),
        files::good(&over, "Длинный", "")
    );
    merchant.exchange(&[("import.xml", &files::catalogue(&bad, true))]);
    assert_eq!(merchant.live().0, ids.len() + 2);
}

#[test]
fn numbers_come_in_every_form_that_was_seen() {
    let merchant = Merchant::new(json!({}));
    let numbers: [(&str, Option<i64>); 16] = [
        ("3037.5", Some(303_750)),
        ("3037,5", Some(303_750)),
        ("3\u{a0}037,5", Some(303_750)),
        ("3\u{202f}037,50", Some(303_750)),
        ("1.234.567,89", Some(123_456_789)),
        ("1,234,567.89", Some(123_456_789)),
        ("231.7400", Some(23_174)),
        ("0", Some(0)),
        ("", None),
        (" 12 ", Some(1_200)),
        ("1.5E3", Some(150_000)),
        ("1.0E7", Some(1_000_000_000)),
        ("12.345", Some(1_235)),
        ("+7", Some(700)),
        ("бесплатно", None),
        ("NaN", None),
    ];
    let ids: Vec<String> = (0..numbers.len()).map(|n| format!("n-{n:02}")).collect();
    let list: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "Товар")).collect();
    let price = |(id, number): (&String, &(&str, Option<i64>))| {
        let number = number.0;
        format!(
            "<Предложение><Ид>{id}</Ид><Цены><Цена><ИдТипаЦены>opt</ИдТипаЦены>\
             <ЦенаЗаЕдиницу>{number}</ЦенаЗаЕдиницу></Цена></Цены></Предложение>"
        )
    };
    let offers: String = ids.iter().zip(&numbers).map(price).collect();
    merchant.exchange(&[
        ("import.xml", &files::goods(&list)),
        ("offers.xml", &package(&offers, false)),
    ]);
    for (id, (number, kopecks)) in ids.iter().zip(numbers) {
        assert_eq!(
            merchant.prices(id).get("opt").copied(),
            kopecks,
            "{number:?}"
        );
    }
}

#[test]
fn the_hostile_samples_end_as_they_must() {
    let Some(truncated) = sample("hostile/offers.truncated-mid-element.xml") else {
        return;
    };
    refused("offers.xml", &truncated);
    for name in ["xxe-file.xml", "billion-laughs.xml"] {
        refused("import.xml", &sample(&format!("hostile/{name}")).unwrap());
    }
    refused("v8_1.zip", &sample("hostile/zip-slip-dotdot.zip").unwrap());
}

#[test]
fn the_odd_samples_that_are_valid_succeed() {
    let Some(cp1251) = sample("hostile/import.cp1251.xml") else {
        return;
    };
    let merchant = Merchant::new(json!({}));
    merchant.exchange(&[("import.xml", &cp1251)]);
    let utf8 = Merchant::new(json!({}));
    utf8.exchange(&[("import.xml", &sample("moysklad-import.xml").unwrap())]);
    assert_eq!(merchant.state(), utf8.state());

    let merchant = Merchant::new(json!({}));
    let doubled = sample("hostile/offers.double-bom.xml").unwrap();
    merchant.exchange(&[
        ("import0_1.xml", &sample("ut207-crlf-import.xml").unwrap()),
        ("offers0_1.xml", &doubled),
    ]);
    assert_eq!(merchant.totals("offers0_1.xml")["offers"], json!(13));

    let merchant = Merchant::new(json!({ "zip": true }));
    merchant.exchange(&[(
        "v8_1.zip",
        &sample("hostile/ok-import-and-image.zip").unwrap(),
    )]);
    assert_eq!(merchant.live(), (1, 0));

    let merchant = Merchant::new(json!({}));
    let ids: Vec<String> = (0..11).map(|n| format!("p{n}")).collect();
    let list: Vec<(&str, &str)> = ids.iter().map(|id| (id.as_str(), "Товар")).collect();
    let numbers = sample("hostile/offers.number-formats.xml").unwrap();
    merchant.exchange(&[
        ("import.xml", &files::goods(&list)),
        ("offers.xml", &numbers),
    ]);
    for (id, kopecks, quantity) in [
        ("p0", 303_750, 1_000),
        ("p1", 303_750, 1_500),
        ("p2", 303_750, 1_000_000),
        ("p3", 303_750, 1_000_250),
        ("p4", 23_174, -1_000),
        ("p5", 0, 0),
        ("p7", 1_200, 5_000),
        ("p8", 150_000, 100_000),
    ] {
        assert_eq!(merchant.prices(id)["t"], kopecks, "{id}");
        assert_eq!(merchant.good(id)["quantity"], json!(quantity), "{id}");
    }
}
