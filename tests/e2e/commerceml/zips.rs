//! Files in archives (commerceml §1.3, §1.12): taken where the merchant has set so, with limits.

use std::io::{Cursor, Write as _};

use samples::Shape;
use serde_json::json;
use zip::write::SimpleFileOptions;

use super::files::{self, import_of, offers_of, png};
use super::merchant::Merchant;

/// An archive of these files, deflated.
fn packed(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut writer = zip::ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default().compression_method(zip::CompressionMethod::Deflated);
    for (name, bytes) in files {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn merchant() -> Merchant {
    Merchant::new(json!({ "zip": true, "chunk_limit_bytes": 10_000 }))
}

#[test]
fn files_of_an_archive_are_imported_by_their_own_names() {
    let merchant = merchant();
    let mut client = merchant.client();
    client.begin("catalog");
    assert!(client.zip);
    let shape = Shape {
        variants: 2,
        pictures: true,
        ..Shape::moysklad(40)
    };
    let archive = packed(&[
        ("10000.png", &png(1, 3_000)),
        ("import.xml", &import_of(&shape)),
        ("offers.xml", &offers_of(&shape)),
    ]);
    assert!(archive.len() > 10_000, "{}", archive.len());
    client.upload("v8_3B8F_3e.zip", &archive);
    client.imported("import.xml");
    client.imported("offers.xml");
    assert_eq!(merchant.live(), (40, 80));
    let (_, picture) = super::pictures::first_of(&merchant, &shape.good_id(0));
    assert_eq!(picture.body, png(1, 3_000));
    // Asked for again it is there, and nothing is done.
    client.imported("import.xml");
    assert_eq!(merchant.told("import.xml").len(), 1);
}

#[test]
fn an_archive_may_be_asked_for_by_its_own_name() {
    let merchant = merchant();
    let client = merchant.begun();
    let offer = files::offer("p-1", 10, (1, 1), "");
    let archive = packed(&[
        ("offers.xml", &files::package(&offer, false)),
        ("import.xml", &files::goods(&[("p-1", "Чайник")])),
    ]);
    client.upload("v8_1.zip", &archive);
    client.imported("v8_1.zip");
    client.imported("v8_1.zip");
    assert_eq!(merchant.good("p-1")["price_kopecks"], json!(1_000));
}

#[test]
fn files_of_one_name_in_two_folders_and_those_behind_a_bad_one_are_imported() {
    let merchant = merchant();
    let client = merchant.begun();
    let archive = packed(&[
        ("__MACOSX/1/._import.xml", b"\0\x05\x16\x07".as_slice()),
        ("1/groups.xml", b"no XML"),
        ("1/import.xml", &files::goods(&[("p-1", "Чайник")])),
        ("2/import.xml", &files::goods(&[("p-2", "Ваза")])),
    ]);
    client.upload("v8_1.zip", &archive);
    for _ in 0..2 {
        let told = client.refused("v8_1.zip");
        assert!(told.contains("groups.xml"), "{told}");
    }
    assert_eq!(merchant.live(), (2, 0));
    client.imported("import.xml");
}

#[test]
fn a_chunk_of_an_archive_may_come_again() {
    let merchant = merchant();
    let client = merchant.begun();
    let shape = Shape::one_c(80);
    let archive = packed(&[("import.xml", &import_of(&shape))]);
    for chunk in archive.chunks(10_000) {
        client.put("v8_2.zip", chunk);
        client.put("v8_2.zip", chunk);
    }
    client.imported("import.xml");
    assert_eq!(merchant.live(), (80, 0));
}

#[test]
fn an_archive_that_is_no_good_is_a_failure_and_harms_nothing() {
    let good = packed(&[("import.xml", &files::goods(&[("p-9", "Лампа")]))]);
    let zeros = vec![0; 64 * 1024 * 1024];
    let mut flipped = good.clone();
    let at = flipped.len() / 3;
    flipped[at] ^= 0x55;
    let slip = packed(&[("../../evil.xml", b"x".as_slice()), ("import.xml", b"<x/>")]);
    let inner = packed(&[("inner.zip", good.as_slice())]);
    let bomb = packed(&[("import.xml", zeros.as_slice())]);
    for (what, bytes) in [
        ("cut", &good[..good.len() / 2]),
        ("flipped", &flipped),
        ("slip", &slip),
        ("zip in zip", &inner),
        ("bomb", &bomb),
        ("no zip", b"PK\x03\x04 and nothing"),
        ("text", b"hello"),
    ] {
        let merchant = merchant();
        merchant.exchange(&[("import.xml", &files::goods(&[("p-1", "Чайник")]))]);
        let client = merchant.begun();
        client.upload("v8_3.zip", bytes);
        let end = client.import("v8_3.zip").pop().unwrap();
        assert_eq!(end.word(), "failure", "{what} was taken");
        let told = end.failure();
        let again = client.import("v8_3.zip").pop().unwrap();
        assert_eq!(again.failure(), told, "{what} asked for again");
        assert!(told.chars().count() < 200, "{what}: {told}");
        assert_eq!(merchant.live(), (1, 0), "{what}");
        assert_eq!(merchant.good("p-1")["name"], json!("Чайник"), "{what}");
        // The next exchange is not hindered.
        merchant.exchange(&[("import.xml", &files::goods(&[("p-1", "Ваза")]))]);
        assert_eq!(merchant.good("p-1")["name"], json!("Ваза"), "{what}");
    }
}

#[test]
fn what_is_no_file_of_the_exchange_is_passed_over() {
    let merchant = merchant();
    let client = merchant.begun();
    let archive = packed(&[
        ("readme.txt", b"hello".as_slice()),
        ("shell.php", b"<?php"),
        ("folder/import.xml", &files::goods(&[("p-1", "Чайник")])),
    ]);
    client.upload("v8_4.zip", &archive);
    client.imported("v8_4.zip");
    assert_eq!(merchant.live(), (1, 0));
    client.about("catalog", "import", "shell.php").failure();
}
