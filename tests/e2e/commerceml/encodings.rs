//! In which encoding the client is answered, and in which files may come (commerceml §1.1, §2.1).

use samples::{Encoding, Shape};
use serde_json::json;

use super::files::{self, import_of, offers_of};
use super::merchant::Merchant;

const CYRILLIC: &[u8] = "не загружен".as_bytes();

/// What comes back to a question that fails, as bytes, and its content type.
fn failed(encoding: &str) -> (Vec<u8>, String) {
    let merchant = Merchant::new(json!({ "reply_encoding": encoding }));
    let client = merchant.begun();
    let reply = client.about("catalog", "import", "import.xml");
    let content_type = reply.header("content-type").unwrap().to_owned();
    let plain = client.get("catalog", "init", "");
    assert_eq!(plain.body, b"zip=no\nfile_limit=1000000");
    client.put("import.xml", &files::goods(&[("p-1", "Чайник")]));
    let end = client.import("import.xml").pop().unwrap();
    assert_eq!(end.body, b"success", "a success is ASCII in every encoding");
    (reply.body, content_type)
}

fn holds(bytes: &[u8], what: &[u8]) -> bool {
    bytes.windows(what.len()).any(|part| part == what)
}

#[test]
fn texts_come_in_utf_8() {
    let (bytes, content_type) = failed("utf-8");
    assert!(bytes.starts_with(b"failure\n") && holds(&bytes, CYRILLIC));
    assert_eq!(content_type, "text/plain; charset=utf-8");
}

#[test]
fn texts_come_in_utf_8_with_a_mark() {
    let (bytes, content_type) = failed("utf-8-bom");
    assert!(bytes.starts_with(b"\xef\xbb\xbffailure\n") && holds(&bytes, CYRILLIC));
    assert_eq!(content_type, "text/plain; charset=utf-8");
}

#[test]
fn texts_come_in_windows_1251() {
    let (bytes, content_type) = failed("windows-1251");
    assert!(bytes.starts_with(b"failure\n") && !holds(&bytes, CYRILLIC));
    let text = encoding_rs::WINDOWS_1251.decode(&bytes).0;
    assert!(text.contains("не загружен"), "{text}");
    assert_eq!(content_type, "text/plain; charset=windows-1251");
}

#[test]
fn a_catalogue_says_the_same_in_every_encoding() {
    let mut states = Vec::new();
    for encoding in [Encoding::Utf8, Encoding::Utf8Bom, Encoding::Windows1251] {
        let merchant = Merchant::new(json!({}));
        let shape = Shape {
            encoding,
            variants: 2,
            ..Shape::moysklad(12)
        };
        let (import, offers) = (import_of(&shape), offers_of(&shape));
        merchant.exchange(&[("import.xml", &import), ("offers.xml", &offers)]);
        states.push(merchant.state());
        // Said again in another encoding it is the same.
        let other = Shape {
            encoding: Encoding::Windows1251,
            ..shape
        };
        merchant.exchange(&[("import.xml", &import_of(&other))]);
        merchant.nothing_changed("import.xml");
    }
    assert_eq!(states[0].len(), 36);
    assert_eq!(states[0], states[1]);
    assert_eq!(states[0], states[2]);
}

#[test]
fn utf_16_and_a_double_mark_are_read_too() {
    let merchant = Merchant::new(json!({}));
    let utf8 = String::from_utf8(files::goods(&[("p-1", "Чайник №1")])).unwrap();
    let text = utf8.replace("UTF-8", "UTF-16");
    let mut little = vec![0xff, 0xfe];
    little.extend(text.encode_utf16().flat_map(u16::to_le_bytes));
    let mut big = vec![0xfe, 0xff];
    big.extend(text.encode_utf16().flat_map(u16::to_be_bytes));
    let doubled = [b"\xef\xbb\xbf\xef\xbb\xbf", utf8.as_bytes()].concat();
    let bare = utf8.split_once('\n').unwrap().1.as_bytes().to_vec();
    for (n, file) in [little, big, doubled, bare].iter().enumerate() {
        merchant.exchange(&[("import.xml", file)]);
        assert_eq!(merchant.good("p-1")["name"], json!("Чайник №1"), "{n}");
        if n > 0 {
            merchant.nothing_changed("import.xml");
        }
    }
}

#[test]
fn bytes_that_are_not_of_the_declared_encoding_are_a_failure_with_its_place() {
    let merchant = Merchant::new(json!({}));
    let client = merchant.begun();
    let mut file = files::goods(&[("p-1", "Чайник"), ("p-2", "Кружка")]);
    let at = file.len() - 200;
    file[at..at + 3].copy_from_slice(b"\xff\xfe\xfd");
    client.put("import.xml", &file);
    let told = client.refused("import.xml");
    assert!(told.contains("import.xml"), "{told}");
}
