//! A batch exchange of newer 1С: files with an id in their names, each imported as it comes, prices and
//! rests in files of their own (commerceml §1.4, §1.7, §2.5).

use samples::{Shape, write_prices, write_rests};
use serde_json::json;

use super::client::Client;
use super::files::{import_of, offers_of};
use super::merchant::Merchant;

fn shape() -> Shape {
    Shape {
        variants: 2,
        ..Shape::one_c(12)
    }
}

fn named(kind: &str) -> String {
    format!("{kind}___0f2c6f86-0000-4000-8000-00000000000a.xml")
}

/// Sends one file and imports it, in a login of its own.
fn file(client: &mut Client, kind: &str, body: &[u8]) {
    client.begin("catalog");
    client.upload(&named(kind), body);
    client.imported(&named(kind));
}

fn prices_of(shape: &Shape) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_prices(&mut bytes, shape).unwrap();
    bytes
}

fn rests_of(shape: &Shape) -> Vec<u8> {
    let mut bytes = Vec::new();
    write_rests(&mut bytes, shape).unwrap();
    bytes
}

/// A merchant who has all of [`shape`].
fn stocked() -> (Merchant, Client) {
    let merchant = Merchant::new(json!({}));
    let mut client = merchant.client();
    file(&mut client, "import", &import_of(&shape()));
    file(&mut client, "offers", &offers_of(&shape()));
    (merchant, client)
}

#[test]
fn prices_and_rests_in_their_own_files_change_nothing_else() {
    let (merchant, mut client) = stocked();
    let new = Shape {
        revision: 1,
        changed_permille: 1000,
        ..shape()
    };
    let id = new.offer_id(3, 1);
    let old_stock = merchant.stock(&id);
    let old_name = merchant.good(&id)["name"].clone();
    file(&mut client, "prices", &prices_of(&new));
    assert_eq!(merchant.totals(&named("prices"))["changed"], json!(24));
    assert_eq!(
        merchant.prices(&id)[&new.price_type_id(1)],
        new.price_kopecks(3, 1, 1)
    );
    assert_eq!(
        (merchant.stock(&id), &merchant.good(&id)["name"]),
        (old_stock, &old_name)
    );
    let prices = merchant.prices(&id);
    file(&mut client, "rests", &rests_of(&new));
    assert_eq!(
        (merchant.prices(&id), &merchant.good(&id)["name"]),
        (prices, &old_name)
    );
    for store in 0..3 {
        let there = merchant.stock(&id)[&new.store_id(store)];
        assert_eq!(there, new.stock_thousandths(3, 1, store));
    }
    assert_eq!(
        merchant.good(&id)["quantity"],
        json!(new.quantity_thousandths(3, 1))
    );
    client.get("catalog", "complete", "").success();
}

#[test]
fn the_same_batch_again_changes_nothing() {
    let (merchant, mut client) = stocked();
    file(&mut client, "prices", &prices_of(&shape()));
    file(&mut client, "rests", &rests_of(&shape()));
    for (kind, body) in [
        ("import", import_of(&shape())),
        ("offers", offers_of(&shape())),
        ("prices", prices_of(&shape())),
        ("rests", rests_of(&shape())),
    ] {
        file(&mut client, kind, &body);
        merchant.nothing_changed(&named(kind));
    }
}

#[test]
fn a_portion_of_the_catalogue_deletes_nothing_of_the_others() {
    let settings = json!({ "missing": "archive", "missing_guard_percent": 100 });
    let merchant = Merchant::new(settings);
    let mut client = merchant.begun();
    let portions = [1_u64, 2, 3].map(|seed| Shape {
        seed,
        ..Shape::one_c(10)
    });
    for (n, shape) in portions.iter().enumerate() {
        let name = format!("import0_{}___1.xml", n + 1);
        client.upload(&name, &import_of(shape));
        client.imported(&name);
    }
    assert_eq!(merchant.live(), (30, 0));
    client.begin("catalog");
    assert_eq!(merchant.live(), (30, 0));
}
