use super::*;

type Writer = fn(&mut Vec<u8>, &Shape) -> std::io::Result<u64>;

const FILES: [Writer; 4] = [write_import, write_offers, write_prices, write_rests];

fn written(write: Writer, shape: &Shape) -> String {
    let mut bytes = Vec::new();
    let length = write(&mut bytes, shape).unwrap();
    assert_eq!(length, bytes.len() as u64);
    match shape.encoding {
        Encoding::Windows1251 => encoding_rs::WINDOWS_1251.decode(&bytes).0.into_owned(),
        _ => String::from_utf8(bytes).unwrap(),
    }
}

fn count(text: &str, word: &str) -> usize {
    text.matches(word).count()
}

#[test]
fn a_shape_says_how_many_there_are_of_everything() {
    for base in [Shape::moysklad(40), Shape::one_c(40)] {
        let shape = Shape {
            variants: 3,
            pictures: true,
            ..base
        };
        let import = written(write_import, &shape);
        assert_eq!(count(&import, "<Товар>"), 40);
        assert_eq!(count(&import, "<Группа>"), 10);
        assert_eq!(count(&import, "<Свойство>"), 3);
        assert_eq!(count(&import, "<ЗначенияСвойства>"), 120);
        assert_eq!(count(&import, "<Картинка>"), 10);
        let offers = written(write_offers, &shape);
        assert_eq!(count(&offers, "<Предложение>"), 120);
        assert_eq!(shape.offers(), 120);
        assert_eq!(count(&offers, "<Цена>"), 240);
        assert_eq!(count(&offers, "<ТипЦены>"), 2);
        assert_eq!(count(&offers, "<Склад>"), 3);
        assert_eq!(count(&offers, "<Склад ИдСклада="), 360);
        assert_eq!(count(&offers, "<ХарактеристикаТовара>"), 240);
        assert_eq!(count(&written(write_prices, &shape), "<Цена>"), 240);
        assert_eq!(count(&written(write_rests, &shape), "<Остаток>"), 360);
    }
}

#[test]
fn the_same_shape_gives_the_same_bytes_and_another_seed_another_shop() {
    let shape = Shape::moysklad(20);
    let other = Shape {
        seed: 2,
        ..shape.clone()
    };
    for write in FILES {
        assert_eq!(written(write, &shape), written(write, &shape));
        assert_ne!(written(write, &shape), written(write, &other));
    }
    let ids: std::collections::HashSet<_> = (0..20)
        .flat_map(|n| [shape.good_id(n), other.good_id(n)])
        .collect();
    assert_eq!(ids.len(), 40);
}

#[test]
fn a_revision_changes_as_many_goods_as_it_says() {
    let old = Shape::moysklad(2000);
    let new = Shape {
        revision: 3,
        changed_permille: 100,
        ..old.clone()
    };
    let changed = (0..2000).filter(|n| new.has_changed(*n)).count();
    assert!((140..=260).contains(&changed), "{changed}");
    for n in 0..2000 {
        let same =
            old.name(n) == new.name(n) && old.price_kopecks(n, 0, 1) == new.price_kopecks(n, 0, 1);
        assert_eq!(same, !new.has_changed(n), "{n}");
        assert_eq!(old.good_id(n), new.good_id(n));
    }
}

#[test]
fn every_encoding_says_the_same() {
    let text = |encoding| {
        let shape = Shape {
            encoding,
            ..Shape::moysklad(30)
        };
        let text = written(write_offers, &shape);
        assert!(text.contains(&format!("encoding=\"{}\"", encoding.label())));
        text.trim_start_matches('\u{feff}')
            .replace(encoding.label(), "")
    };
    let utf8 = text(Encoding::Utf8);
    assert_eq!(text(Encoding::Utf8Bom), utf8);
    assert_eq!(text(Encoding::Windows1251), utf8);
}

#[test]
fn an_offer_is_one_to_two_kilobytes() {
    let length = |compact, encoding| {
        let shape = Shape {
            variants: 5,
            compact,
            encoding,
            ..Shape::moysklad(200)
        };
        let mut bytes = Vec::new();
        write_offers(&mut bytes, &shape).unwrap() / shape.offers()
    };
    assert_eq!(length(false, Encoding::Utf8) / 100, 22);
    assert_eq!(length(true, Encoding::Utf8) / 100, 18);
    assert_eq!(length(true, Encoding::Windows1251) / 100, 11);
}

#[test]
fn a_compact_file_says_the_same() {
    let text = |compact| {
        let shape = Shape {
            compact,
            variants: 2,
            ..Shape::one_c(10)
        };
        written(write_offers, &shape)
    };
    let squeezed: String = text(false).lines().map(str::trim_start).collect();
    assert_eq!(text(true), squeezed);
}

#[test]
fn orders_have_what_1c_says_of_them() {
    let order = Status {
        id: Some("o-1".into()),
        number: "17".into(),
        sum_kopecks: 12_345,
        status: "Отгружен".into(),
        ..Status::default()
    };
    let without_id = Status {
        id: None,
        ..order.clone()
    };
    let mut bytes = Vec::new();
    write_statuses(&mut bytes, &[order, without_id], Encoding::Windows1251).unwrap();
    let text = encoding_rs::WINDOWS_1251.decode(&bytes).0;
    assert_eq!((count(&text, "<Документ>"), count(&text, "<Ид>")), (2, 1));
    assert!(text.contains("<Сумма>123.45</Сумма>"), "{text}");
}
