//! Two tenants with the same names and ids see nothing of each other.

use serde_json::json;

use super::files::{self, SALE, goods, offer, package, png};
use super::merchant::Merchant;
use super::wire::How;

#[test]
fn a_cookie_is_of_no_use_at_another_tenants_address() {
    let (one, two) = (Merchant::new(json!({})), Merchant::new(json!({})));
    let mut client = one.begun();
    client.put("import.xml", &goods(&[("p-1", "Чайник")]));
    client.path = two.path();
    for (kind, mode) in [
        ("catalog", "init"),
        ("catalog", "import"),
        ("sale", "query"),
        ("sale", "success"),
    ] {
        client.get(kind, mode, "&filename=import.xml").failure();
    }
    let body = goods(&[("p-2", "Кружка")]);
    client
        .chunk("catalog", "import.xml", &body, How::Whole)
        .unwrap()
        .failure();
    // The employee of one is nobody at the other.
    client.cookie = None;
    client.token = None;
    client.checkauth("catalog").failure();
    assert_eq!((one.live(), two.live()), ((0, 0), (0, 0)));
}

#[test]
fn the_same_files_are_each_tenants_own() {
    let (one, two) = (Merchant::new(json!({})), Merchant::new(json!({})));
    for (merchant, name, rubles, seed) in [(&one, "Чайник", 10, 1), (&two, "Кружка", 20, 2)]
    {
        let file = files::good("p-1", name, "<Картинка>1.png</Картинка>");
        merchant.exchange(&[
            ("1.png", &png(seed, 800)),
            ("import.xml", &files::catalogue(&file, false)),
            (
                "offers.xml",
                &package(&offer("p-1", rubles, (rubles, 0), ""), false),
            ),
        ]);
    }
    for (merchant, name, rubles, seed) in [(&one, "Чайник", 10, 1), (&two, "Кружка", 20, 2)]
    {
        let good = merchant.good("p-1");
        assert_eq!(good["name"], json!(name));
        assert_eq!(merchant.prices("p-1")[SALE], rubles * 100);
        assert_eq!(merchant.stock("p-1")["s-1"], rubles * 1000);
        assert_eq!(
            super::pictures::first_of(merchant, "p-1").1.body,
            png(seed, 800)
        );
        assert_eq!(merchant.told("import.xml").len(), 1);
    }
    assert_ne!(one.good("p-1")["id"], two.good("p-1")["id"]);
}

#[test]
fn uploads_and_imports_of_one_are_not_there_for_the_other() {
    let (one, two) = (Merchant::new(json!({})), Merchant::new(json!({})));
    let (first, second) = (one.begun(), two.begun());
    first.put("import.xml", &goods(&[("p-1", "Чайник")]));
    second.about("catalog", "import", "import.xml").failure();
    second.put("import.xml", &goods(&[("p-2", "Кружка")]));
    first.imported("import.xml");
    assert_eq!((one.live(), two.live()), ((1, 0), (0, 0)));
    second.imported("import.xml");
    assert!(!one.has("p-2") && !two.has("p-1"));
}

#[test]
fn a_full_catalogue_of_one_archives_nothing_of_the_other() {
    let settings = json!({ "missing": "archive", "missing_guard_percent": 100 });
    let (one, two) = (Merchant::new(settings.clone()), Merchant::new(settings));
    for merchant in [&one, &two] {
        merchant.exchange(&[(
            "import.xml",
            &goods(&[("p-1", "Чайник"), ("p-2", "Кружка")]),
        )]);
    }
    one.exchange(&[("import.xml", &goods(&[("p-1", "Чайник")]))]);
    assert_eq!((one.live(), two.live()), ((1, 0), (2, 0)));
}

#[test]
fn wrong_passwords_at_one_do_not_lock_the_other() {
    let (one, two) = (Merchant::new(json!({})), Merchant::new(json!({})));
    let mut guesser = one.client();
    guesser.password = "не тот".into();
    for _ in 0..11 {
        guesser.checkauth("catalog").failure();
    }
    two.begun();
}
