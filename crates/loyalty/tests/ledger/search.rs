//! One field for phone, card, scanned code and name.

use sklad_loyalty::customers::{Person, SEARCH_LIMIT};
use sklad_loyalty::ledger::Sale;

use crate::fixture::*;

fn till() -> Till {
    let till = Till::new();
    let petr = Person {
        first_name: Some("Пётр".to_owned()),
        middle_name: Some("Семёнович".to_owned()),
        last_name: Some("Иванов".to_owned()),
        phone: Some("+7 903 999-33-44".to_owned()),
        card: Some("2000017".to_owned()),
        email: Some("Petr.Ivanov@mail.ru".to_owned()),
        ..person("Иванов Пётр Семёнович")
    };
    till.join("276a6f50-7ffd-11e6-8a84-bae50000005", &petr);
    let anna = Person {
        phone: Some("+375 29 123-45-67".to_owned()),
        card: Some("AB-12/х".to_owned()),
        ..person("Петрова Анна")
    };
    till.join("ms-anna", &anna);
    till
}

const PETR: &str = "Иванов Пётр Семёнович";
const ANNA: &str = "Петрова Анна";

#[test]
fn a_phone_is_found_in_every_writing_and_by_its_beginning_or_end() {
    let till = till();
    for typed in [
        "+79039993344",
        "79039993344",
        "89039993344",
        "9039993344",
        "+7 (903) 999-33-44",
        "8 903 999 33 44",
        "8(903)9993344",
        "8-903-999-33-44",
        " 903 999 33 44 ",
        "7903",
        "8903",
        "903999",
        "+7 903 9",
        "9993344",
        "999-33-44",
        "3344",
        "33-44",
    ] {
        assert_eq!(till.names(typed), [PETR], "{typed}");
    }
    for typed in [
        "+375291234567",
        "375291234567",
        "+375 (29) 123-45-67",
        "00375291234567",
        "1234567",
        "4567",
        "37529",
    ] {
        assert_eq!(till.names(typed), [ANNA], "{typed}");
    }
    for typed in ["9039993345", "9034", "0333"] {
        assert!(till.names(typed).is_empty(), "{typed}");
    }
}

#[test]
fn a_name_is_found_by_its_parts_in_any_order_and_case_with_or_without_yo() {
    let till = till();
    for typed in [
        "Иванов",
        "ива",
        "пётр",
        "ПЕТР ИВАНОВ",
        "иванов п",
        "Семенович Пётр",
        "п с иванов",
        " иванов,  пётр ",
        "Семёнович",
    ] {
        assert!(till.names(typed).contains(&PETR.to_owned()), "{typed}");
    }
    assert_eq!(till.names("петр").len(), 2);
    assert_eq!(till.names("петр анн"), [ANNA]);
    for typed in ["ванов", "иванов анна", "сидоров", "иванов семен пав"]
    {
        assert!(till.names(typed).is_empty(), "{typed}");
    }
}

#[test]
fn every_word_may_come_from_any_part_of_the_name() {
    let till = till();
    let odd = Person {
        first_name: Some("Зоя".to_owned()),
        last_name: Some("Космодемьянская".to_owned()),
        ..person("Клиент 17")
    };
    till.join("ms-zoya", &odd);
    for typed in [
        "Космодемьянская Зоя",
        "зоя космо",
        "клиент зоя",
        "Космодемьянская",
    ] {
        assert_eq!(till.names(typed), ["Клиент 17"], "{typed}");
    }
}

#[test]
fn a_card_is_found_whole_in_any_case_and_by_its_beginning() {
    let till = till();
    for typed in ["2000017", " 2000017 ", "20000"] {
        assert_eq!(till.names(typed), [PETR], "{typed}");
    }
    for typed in ["AB-12/Х", "ab-12/х"] {
        assert_eq!(till.names(typed), [ANNA], "{typed}");
    }
    assert!(till.names("20000171").is_empty());
}

#[test]
fn a_scanned_address_or_id_finds_its_customer() {
    let till = till();
    let id = till.must("ms-anna").id;
    for typed in [
        "https://club.example/c/2000017".to_owned(),
        "https://club.example/c/2000017/".to_owned(),
        "https://club.example/c/2000017?utm=1#top".to_owned(),
        "http://club.example/?card=2000017&x=1".to_owned(),
        "https://club.example/#/x?card=2000017".to_owned(),
        "276A6F50-7ffd-11e6-8a84-bae50000005".to_owned(),
    ] {
        assert_eq!(till.names(&typed), [PETR], "{typed}");
    }
    for typed in [
        id.clone(),
        id.to_uppercase(),
        format!("https://club.example/c/{id}"),
    ] {
        assert_eq!(till.names(&typed), [ANNA], "{typed}");
    }
    for typed in [
        "https://club.example/c/2000018",
        "https://club.example/",
        "://",
        "https://",
    ] {
        assert!(till.names(typed).is_empty(), "{typed}");
    }
}

#[test]
fn an_address_of_mail_is_found_by_its_beginning() {
    let till = till();
    for typed in ["petr.ivanov@mail.ru", "PETR.IVANOV@", "petr"] {
        assert_eq!(till.names(typed), [PETR], "{typed}");
    }
}

#[test]
fn what_is_too_short_or_too_long_or_strange_finds_nobody_and_does_no_harm() {
    let till = till();
    let long = "и".repeat(301);
    for typed in [
        "",
        " ",
        "и",
        "ив",
        "9",
        "903",
        "%",
        "иван%",
        "_",
        "*",
        "\"",
        "' OR 1=1 --",
        "\u{10ffff}иванов",
        "\0",
        &long,
    ] {
        assert!(till.names(typed).len() <= 1, "{typed:?}");
    }
    for typed in ["", "и", "ив", "903", "%", "' OR 1=1 --"] {
        assert!(till.names(typed).is_empty(), "{typed:?}");
    }
}

#[test]
fn at_most_twenty_are_shown_the_exact_ones_first_and_then_the_latest() {
    let mut till = Till::new();
    for n in 0..30 {
        till.now += 1;
        till.join(&format!("ms-{n}"), &person(&format!("Ивановский {n}")));
    }
    till.now = NOON;
    till.join("exact", &person("Иванов Лев"));
    till.now = NOON + DAY;
    till.sell(&Sale {
        ..sale("s", "ms-3", 0, 0)
    });
    let names = till.names("иванов");
    assert_eq!(names.len(), SEARCH_LIMIT);
    assert_eq!(names[..3], ["Иванов Лев", "Ивановский 3", "Ивановский 29"]);
    assert_eq!(till.names("ивановский 17"), ["Ивановский 17"]);
}

#[test]
fn a_customer_who_matches_in_several_ways_is_one_row() {
    let till = Till::new();
    let same = Person {
        phone: Some("89039999999".to_owned()),
        card: Some("9999999".to_owned()),
        ..person("Иван Иванов Ивановский")
    };
    till.join("9999999", &same);
    for typed in ["9999999", "9999", "иван"] {
        assert_eq!(till.search(typed).len(), 1, "{typed}");
    }
}

#[test]
fn a_row_tells_everything_and_its_phone_contains_what_was_typed() {
    let till = till();
    let row = till.search("8 (903) 999").pop().unwrap();
    assert_eq!(row.phone.as_deref(), Some("8 (903) 9993344"));
    assert_eq!(
        (row.card.as_deref(), row.email.as_deref()),
        (Some("2000017"), Some("Petr.Ivanov@mail.ru"))
    );
    assert_eq!(
        (row.first_name.as_deref(), row.last_name.as_deref()),
        (Some("Пётр"), Some("Иванов"))
    );
    assert_eq!(row.id, till.must("276a6f50-7ffd-11e6-8a84-bae50000005").id);
}
