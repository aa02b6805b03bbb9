//! Archives (commerceml §1.5, §1.12).

use sklad_tenant::ExchangeSettings;

use crate::{World, goods, offers, packed, with};

fn world() -> World {
    with(ExchangeSettings {
        zip: true,
        ..ExchangeSettings::default()
    })
}

#[test]
fn an_archive_that_is_no_good_fails_whenever_it_is_asked_for() {
    let world = world();
    let good = packed(&[("import.xml", &goods(["A"]))]);
    for kind in ["catalog", "sale"] {
        let mut client = world.client();
        client.kind = kind;
        client.begin();
        client.put("t.zip", &good[..good.len() - 30]);
        for _ in 0..3 {
            let told = client.import("t.zip");
            assert!(
                told.starts_with("failure\nt.zip: Архив не принят"),
                "{kind}: {told}"
            );
        }
    }
    // Until it comes anew, be its beginning the same.
    let client = world.begun();
    client.put("t.zip", &good[..good.len() - 30]);
    assert!(client.import("t.zip").starts_with("failure"));
    client.put("t.zip", &good);
    client.imported("t.zip");
    assert_eq!(world.goods(), 1);
}

#[test]
fn a_bad_file_fails_the_archive_and_keeps_no_other_back() {
    let world = world();
    let client = world.begun();
    let archive = packed(&[
        ("groups.xml", b"no XML"),
        ("import.xml", &goods(["A"])),
        ("offers.xml", &offers(5, ["A"])),
    ]);
    client.put("t.zip", &archive);
    for _ in 0..2 {
        let told = client.import("t.zip");
        assert!(told.starts_with("failure\ngroups.xml: "), "{told}");
    }
    assert_eq!(world.price("A"), Some(500));
    client.imported("import.xml");
}

#[test]
fn a_bad_file_fails_its_own_archive_alone() {
    let world = world();
    let client = world.begun();
    client.put("1.zip", &packed(&[("import.xml", b"no XML")]));
    assert!(client.import("1.zip").starts_with("failure\nimport.xml: "));
    world.later(1);
    client.put("2.zip", &packed(&[("offers.xml", &goods(["A"]))]));
    client.imported("2.zip");
    assert!(client.import("1.zip").starts_with("failure\nimport.xml: "));
}

#[test]
fn files_of_one_name_in_different_folders_are_all_imported() {
    let archive = packed(&[
        ("1/import.xml", &goods(["A"])),
        ("2/import.xml", &goods(["B"])),
        ("2/offers.xml", &offers(5, ["B"])),
        ("3\\import.xml", &goods(["C"])),
    ]);
    for name in ["t.zip", "import.xml"] {
        let world = world();
        let client = world.begun();
        client.put("t.zip", &archive);
        client.imported(name);
        assert_eq!(world.goods(), 3, "asked for {name}");
        client.imported(name);
        assert_eq!(world.journal("import.xml").len(), 1);
    }
}

#[test]
fn what_macos_puts_beside_files_is_passed_over() {
    let world = world();
    let client = world.begun();
    let archive = packed(&[
        ("__MACOSX/._import.xml", b"\0\x05\x16\x07junk"),
        ("._offers.xml", b"\0\x05\x16\x07junk"),
        (".DS_Store", b"x"),
        ("import.xml", &goods(["A"])),
    ]);
    client.put("t.zip", &archive);
    client.imported("t.zip");
    client.imported("import.xml");
    assert_eq!(world.goods(), 1);
    for junk in ["._import.xml", "._offers.xml", ".DS_Store"] {
        assert!(world.journal(junk).is_empty());
    }
}

#[test]
fn an_unknown_file_in_an_archive_is_told_in_the_journal() {
    let world = world();
    let client = world.begun();
    let names: Vec<String> = (0..30).map(|n| format!("doc/{n}.txt")).collect();
    let mut files: Vec<(&str, &[u8])> = names.iter().map(|n| (n.as_str(), &b"x"[..])).collect();
    let good = goods(["A"]);
    files.push(("import.xml", &good));
    client.put("t.zip", &packed(&files));
    client.imported("t.zip");
    let told = world.journal("0.txt");
    assert_eq!(
        told,
        ["В архиве t.zip этот файл пропущен: в обмене таких не бывает"]
    );
    assert_eq!(world.journal("19.txt").len(), 1);
    assert!(world.journal("20.txt").is_empty(), "twenty are named");
}
