//! The newest file wins: an import that was begun before it and was left must not come back over it
//! (commerceml §1.6).

use samples::Shape;
use serde_json::json;

use super::client::Client;
use super::files::import_of;
use super::imports::large;
use super::merchant::Merchant;

/// The same goods, all of them renamed.
fn newer() -> Shape {
    Shape {
        revision: 1,
        changed_permille: 1000,
        ..large()
    }
}

/// That every good has its newer name.
#[track_caller]
fn all_are_new(merchant: &Merchant) {
    let goods = merchant.goods();
    let old = (0..large().goods)
        .filter(|n| goods[&large().good_id(*n)]["name"] != json!(newer().name(*n)))
        .count();
    assert_eq!(
        old,
        0,
        "of {} goods have the names of the older file",
        goods.len()
    );
}

/// A merchant whose client has begun to import the older file and was told that it goes on.
fn begun() -> (Merchant, Client) {
    let merchant = Merchant::new(json!({}));
    let client = merchant.begun();
    client.upload("import.xml", &import_of(&large()));
    let first = client.about("catalog", "import", "import.xml");
    assert_eq!(
        first.word(),
        "progress",
        "the file is too small for this test"
    );
    (merchant, client)
}

#[test]
fn a_file_that_came_again_in_the_middle_of_its_import_is_imported_from_its_beginning() {
    let (merchant, mut client) = begun();
    client.upload("import.xml", &import_of(&newer()));
    client.imported("import.xml");
    all_are_new(&merchant);
    // The next run has nothing to say of this file; what was left of the older one stays left.
    client.begin("catalog");
    client.import("import.xml");
    all_are_new(&merchant);
}

#[test]
fn the_file_of_the_next_run_wins_over_an_import_that_its_client_has_left() {
    let (merchant, old) = begun();
    merchant.exchange(&[("import.xml", &import_of(&newer()))]);
    all_are_new(&merchant);
    // The one that had been left wakes up.
    old.import("import.xml");
    all_are_new(&merchant);
}
