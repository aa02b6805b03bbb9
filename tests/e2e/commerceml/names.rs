//! Names of files (commerceml §1.4, §1.12, §6.1-4): a client's name is never a path.

use serde_json::json;

use super::files::{self, png};
use super::merchant::Merchant;
use super::wire::{How, Reply};

/// Posts a small catalogue under a name that is percent-encoded already.
fn file(client: &super::client::Client, encoded: &str, body: &[u8]) -> Reply {
    let target = client.target("catalog", "file", &format!("&filename={encoded}"));
    client.post(target, body, How::Whole).unwrap()
}

fn import(client: &super::client::Client, encoded: &str) -> Reply {
    let more = format!("&filename={encoded}");
    let ask = || client.get("catalog", "import", &more);
    client.until_ended(ask).pop().unwrap()
}

#[test]
fn a_name_is_found_by_its_last_part_however_it_is_written() {
    let merchant = Merchant::new(json!({}));
    let client = merchant.begun();
    for (n, (sent, asked)) in [
        ("import.xml", "import.xml"),
        ("IMPORT.XML", "IMPORT.XML"),
        ("C:%5Cv8_8789_c.xml", "v8_8789_c.xml"),
        ("C%3A%5CUsers%5C1%5Cv8_1.xml", "C%3A%5CUsers%5C1%5Cv8_1.xml"),
        ("%2Fetc%2Fx.xml", "x.xml"),
        ("/tmp/upload/1c/webdata/import0_1.xml", "import0_1.xml"),
        (
            "import___0f2c6f86-0000-4000-8000-000000000001.xml",
            "import___0f2c6f86-0000-4000-8000-000000000001.xml",
        ),
        // «Товары.xml» in UTF-8 and in windows-1251 is one name.
        (
            "%D0%A2%D0%BE%D0%B2%D0%B0%D1%80%D1%8B.xml",
            "%D2%EE%E2%E0%F0%FB.xml",
        ),
        (
            "%CA%E0%F2%E0%EB%EE%E3%201.xml",
            "%D0%9A%D0%B0%D1%82%D0%B0%D0%BB%D0%BE%D0%B3+1.xml",
        ),
    ]
    .iter()
    .enumerate()
    {
        let name = format!("Товар {n}");
        file(&client, sent, &files::goods(&[("p-1", &name)])).success();
        import(&client, asked).success();
        assert_eq!(merchant.good("p-1")["name"], json!(name), "{sent}");
    }
    assert_eq!(merchant.live(), (1, 0));
}

#[test]
fn names_that_lead_elsewhere_are_a_failure() {
    let merchant = Merchant::new(json!({}));
    let client = merchant.begun();
    let body = files::goods(&[("p-1", "Чайник")]);
    let long = "x".repeat(300);
    let deep = "import_files/1/2/3/4/5/6/x.jpg".to_owned();
    for bad in [
        "",
        "%20",
        "%2F",
        "..%5C..%5Cx.xml",
        "../../x.xml",
        "a/../../x.xml",
        "%2e%2e/%2e%2e/x.xml",
        "a%00.xml",
        "a.xml%00.jpg",
        "ab%3Ac.xml",
        "x%0Ay.xml",
        "shell.php",
        "a.phtml",
        ".htaccess",
        "import.xml.php",
        "picture.svg",
        "%2Fetc%2Fpasswd",
        "noextension",
        &format!("{long}.xml"),
        &deep,
    ] {
        let taken = file(&client, bad, &body);
        assert_eq!(taken.word(), "failure", "{bad} was taken");
        let imported = import(&client, bad);
        assert_eq!(imported.word(), "failure", "{bad} was imported");
    }
    // A request without a name at all.
    let target = client.target("catalog", "file", "");
    client.post(target, &body, How::Whole).unwrap().failure();
    client.get("catalog", "import", "").failure();
    assert_eq!(merchant.live(), (0, 0));
}

#[test]
fn a_failure_does_not_repeat_a_hostile_name() {
    let merchant = Merchant::new(json!({}));
    let client = merchant.begun();
    let hostile = "%3Cscript%3Ealert(1)%3C/script%3E.exe";
    let told = file(&client, hostile, b"x").text();
    assert!(!told.contains("<script>"), "{told}");
    let told = import(&client, "%D1%8F%0Asuccess%0A.xml").text();
    assert!(!told.contains("\nsuccess"), "{told}");
}

#[test]
fn pictures_in_folders_keep_their_folder() {
    let merchant = Merchant::new(json!({}));
    let client = merchant.begun();
    let (one, other) = (png(1, 500), png(2, 500));
    file(&client, "import_files%2F0d%2Fa.png", &one).success();
    file(&client, "webdata%5Cimport_files%5C1e%5Ca.png", &other).success();
    let goods = [
        files::good(
            "p-1",
            "Чайник",
            "<Картинка>import_files/0d/a.png</Картинка>",
        ),
        files::good(
            "p-2",
            "Кружка",
            "<Картинка>import_files/1e/a.png</Картинка>",
        ),
    ];
    client.put("import.xml", &files::catalogue(&goods.concat(), false));
    client.imported("import.xml");
    for (external, bytes) in [("p-1", one), ("p-2", other)] {
        let (_, stored) = super::pictures::first_of(&merchant, external);
        assert_eq!(stored.body, bytes, "{external}");
    }
}
