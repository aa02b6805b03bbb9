//! Files that are no CommerceML, broken, or made to hurt.

use std::fmt::Write;

use sklad_commerceml::*;

use crate::support::*;

/// A file whose good has this in its description.
fn described(text: &str) -> String {
    goods(&format!(
        "<Товар><Ид>p</Ид><Описание>{text}</Описание></Товар>"
    ))
}

#[test]
fn what_is_no_commerceml_is_said_so() {
    for (bytes, expected) in [
        (&b""[..], ErrorKind::Empty),
        (b" \r\n", ErrorKind::Empty),
        (b"\xEF\xBB\xBF", ErrorKind::Empty),
        (b"PK\x03\x04\x00\x00\xFF\xFE", ErrorKind::NotXml),
        (b"failure\n", ErrorKind::NotXml),
        (b"{\"a\": 1}", ErrorKind::NotXml),
        (
            b"<html></html>",
            ErrorKind::NotCommerceMl("html".to_owned()),
        ),
        (b"<1></1>", ErrorKind::NotXml),
        (b"<!DOCTYPE html><html>", ErrorKind::Dtd),
        (b"<!doctype", ErrorKind::Dtd),
        (
            b"<?xml version=\"1.0\" encoding=\"big5\"?><a/>",
            ErrorKind::UnknownEncoding("big5".to_owned()),
        ),
    ] {
        assert_eq!(
            read(bytes).kind(),
            expected,
            "{}",
            String::from_utf8_lossy(bytes)
        );
    }
}

#[test]
fn commerceml_1_is_answered_by_its_name() {
    let root = "<КоммерческаяИнформация ВерсияСхемы=\"1.05\"/>";
    assert_eq!(read(root).kind(), ErrorKind::OldVersion);
    let attributes = file(
        "<Каталог Идентификатор=\"1\" Наименование=\"x\"><Товар ИдентификаторВКаталоге=\"2\"/></Каталог>",
    );
    assert_eq!(read(attributes).kind(), ErrorKind::OldVersion);
}

#[test]
fn broken_xml_is_told_with_its_place() {
    for (content, kind, text) in [
        (
            "\n<Каталог></Товары>",
            ErrorKind::Mismatch {
                expected: "Каталог".to_owned(),
                found: "Товары".to_owned(),
            },
            "строка 3, столбец 10: закрыт «Товары», а открыт «Каталог»",
        ),
        (
            "\n<Каталог>&nbsp;",
            ErrorKind::Entity("nbsp".to_owned()),
            "строка 3, столбец 10: неизвестная сущность «&nbsp;»",
        ),
        (
            "<Каталог>a & b",
            ErrorKind::NotXml,
            "строка 2, столбец 55: это не XML или XML с ошибкой",
        ),
        (
            "<Каталог Ид></Каталог>",
            ErrorKind::NotXml,
            "строка 2, столбец 44: это не XML или XML с ошибкой",
        ),
        (
            "<!ELEMENT x>",
            ErrorKind::NotXml,
            "строка 2, столбец 44: это не XML или XML с ошибкой",
        ),
        ("<Каталог></Каталог >", ErrorKind::Empty, ""),
    ] {
        let outcome = read(file(content));
        if text.is_empty() {
            assert_eq!(outcome.error, None);
            continue;
        }
        let error = outcome.error.unwrap();
        assert_eq!(
            (&error.kind, error.to_string().as_str()),
            (&kind, text),
            "{content}"
        );
    }
    let second = file("") + "<a/>";
    assert_eq!(read(second).kind(), ErrorKind::NotXml);
    let stray = file("") + "text";
    assert_eq!(read(stray).kind(), ErrorKind::NotXml);
}

#[test]
fn a_file_that_ends_too_early_is_truncated() {
    let whole = goods("<Товар><Ид>1</Ид></Товар><!-- к -->");
    let root = whole.find("2.08").unwrap() + 6;
    for (cut, _) in whole.char_indices().filter(|(at, _)| *at > root) {
        assert_eq!(
            read(&whole[..cut]).kind(),
            ErrorKind::Truncated,
            "{}",
            &whole[..cut]
        );
    }
}

#[test]
fn only_the_entities_of_xml_are_known() {
    let product = |text: &str| {
        read(described(text))
            .products()
            .remove(0)
            .description
            .unwrap()
    };
    assert_eq!(
        product("&lt;p&gt; &amp;amp; &quot;&apos; &#1046;&#x416;"),
        "<p> &amp; \"' ЖЖ"
    );
    for bad in [
        "&#0;",
        "&#xD800;",
        "&#x110000;",
        "&#-1;",
        "&#;",
        "&#x;",
        "&;",
        "&a9;",
        "&#xFFFF;",
    ] {
        assert!(
            matches!(read(described(bad)).kind(), ErrorKind::Entity(_)),
            "{bad}"
        );
    }
    // Control characters and marks of byte order are dropped, 1C writes them into descriptions.
    assert_eq!(product("a&#x1F;\u{1}\u{FEFF}b\r\nc"), "ab\nc");
}

#[test]
fn limits_hold() {
    let deep = |depth: usize| file(&("<a>".repeat(depth) + &"</a>".repeat(depth)));
    assert_eq!(read(deep(127)).error, None);
    assert_eq!(read(deep(128)).kind(), ErrorKind::Depth);
    let attributes = |number: usize| {
        let mut list = String::new();
        (0..number).for_each(|n| write!(list, " a{n}='1'").unwrap());
        file(&format!("<a{list}/>"))
    };
    assert_eq!(read(attributes(64)).error, None);
    assert_eq!(read(attributes(65)).kind(), ErrorKind::Attributes);
    let named = |length: usize| file(&format!("<{}/>", "a".repeat(length)));
    assert_eq!(read(named(255)).error, None);
    assert_eq!(read(named(256)).kind(), ErrorKind::Name);
    let text = 4 << 20;
    assert_eq!(read(described(&"a".repeat(text))).error, None);
    assert_eq!(
        read(described(&"a".repeat(text + 1))).kind(),
        ErrorKind::Text
    );
    assert_eq!(
        read(described(&"ab<!-- -->".repeat(text / 2 + 1))).kind(),
        ErrorKind::Text
    );
    let prices = offers(&format!(
        "<Предложение><Ид>1</Ид><Цены>{}</Цены></Предложение>",
        "<Цена/>".repeat(100_001)
    ));
    assert_eq!(read(prices).kind(), ErrorKind::Object);
    let groups = format!(
        "<Классификатор><Группы><Группа><Группы>{}",
        "<Группа><Ид>1</Ид></Группа>".repeat(200_000)
    );
    assert_eq!(read(file(&groups)).kind(), ErrorKind::Object);
}

#[test]
fn a_large_group_is_no_large_object() {
    let groups = "<Группа><Ид>1</Ид></Группа>".repeat(200_000);
    let tree = format!(
        "<Классификатор><Группы><Группа><Ид>0</Ид><Группы>{groups}</Группы></Группа></Группы></Классификатор>"
    );
    assert_eq!(read(file(&tree)).groups().len(), 200_001);
}

#[test]
fn a_token_that_never_ends_is_refused_soon_and_cheaply() {
    for start in [
        "<!-- ",
        "<![CDATA[",
        "<Описание a='",
        "<?x ",
        "<Описание>",
        "&",
        "</",
    ] {
        let mut reader = Reader::new(Limits::default());
        reader.push(file("").split("</").next().unwrap().as_bytes());
        reader.push(b"<a>");
        reader.push(start.as_bytes());
        let mut pushed = 0;
        let error = loop {
            match reader.next() {
                Ok(Step::Item(_)) => {}
                Ok(_) => {
                    reader.push(&[b'a'; 100]);
                    pushed += 100;
                }
                Err(error) => break error,
            }
        };
        assert_eq!(error.kind, ErrorKind::Text, "{start}");
        assert!(pushed < 5 << 20);
        assert!(reader.window_capacity() < 10 << 20);
    }
}

#[test]
fn an_error_stays() {
    let mut reader = Reader::new(Limits::default());
    reader.push(b"<html><body><p>text</p>");
    let error = reader.next().unwrap_err();
    reader.push(b"more");
    reader.finish();
    assert_eq!(reader.next().unwrap_err(), error);
}

#[test]
fn a_text_has_the_same_limit_in_whatever_pieces_it_comes() {
    for (length, is_too_long) in [(4_194_000, false), (4_194_305, true), (9 << 20, true)] {
        let file = described(&"a".repeat(length));
        for piece in [1 << 16, 1 << 18, 1_000_003] {
            let outcome = drive(Reader::new(Limits::default()), file.as_bytes(), || piece);
            let kind = outcome.error.map(|error| error.kind);
            assert_eq!(
                kind,
                is_too_long.then_some(ErrorKind::Text),
                "{length} {piece}"
            );
        }
    }
}

#[test]
fn bytes_that_are_no_text_are_an_error_with_its_place() {
    let mut bytes = described("абв").into_bytes();
    let at = bytes.windows(2).position(|w| w == "в".as_bytes()).unwrap();
    // Of the three letters in "абв" only the last; "в" stands in other words too.
    let at = at.max(
        bytes
            .windows(6)
            .position(|w| w == "абв".as_bytes())
            .unwrap()
            + 4,
    );
    bytes[at] = 0xFF;
    let error = read(&bytes).error.unwrap();
    assert_eq!(error.kind, ErrorKind::Encoding("UTF-8"));
    assert_eq!(error.line, 2);
    let before = String::from_utf8_lossy(&bytes[..at]).into_owned();
    let line = before.lines().last().unwrap();
    assert_eq!(error.column, line.chars().count() as u64 + 1);
}

#[test]
fn a_cut_file_ends_at_the_same_place_however_it_comes() {
    for tail in [
        "<a b='1>\nтекст\n",
        "<a",
        "<",
        "<!-",
        "&",
        "текст\nтекст",
        "<![CDATA[ \n",
        "</Ка",
        "<?x\n",
    ] {
        let bytes = described(tail);
        let cut = bytes.find(tail).unwrap() + tail.len();
        for bytes in [&bytes[..cut], &bytes] {
            let pieces = drive(Reader::new(Limits::default()), bytes.as_bytes(), || 1);
            assert_eq!(read(bytes), pieces, "{tail}");
        }
    }
}
