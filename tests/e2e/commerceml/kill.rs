//! `success` is on disk, and an import goes on where the host was killed (commerceml §1.4, §1.5).

use samples::Shape;
use serde_json::json;

use super::client::Client;
use super::files::{import_of, offers_of};
use super::merchant::Merchant;
use super::wire::{How, Request, send};
use crate::durability::Host;
use crate::fixture::*;

fn shape() -> Shape {
    Shape {
        variants: 2,
        ..Shape::moysklad(6_000)
    }
}

/// The same merchant and client at the host that runs now.
fn moved(merchant: &mut Merchant, client: &mut Client, host: &Host) {
    merchant.shop.app = host.app.clone();
    client.url = host.app.url.clone();
}

/// Asks for an import in the background, so that the host can be killed in the middle of it.
fn asked(client: &Client, name: &str) -> std::thread::JoinHandle<()> {
    let (client, name) = (client.clone(), name.to_owned());
    std::thread::spawn(move || {
        let request = Request {
            method: "GET",
            target: client.target("catalog", "import", &format!("&filename={name}")),
            headers: client.identity(),
            how: How::Whole,
            ..Request::default()
        };
        while let Ok(Some(reply)) = send(&client.url, &request) {
            if reply.word() != "progress" {
                return;
            }
        }
    })
}

#[test]
fn an_import_that_is_killed_again_and_again_ends_as_if_nothing_had_been() {
    if skipped_outside("killing the host") {
        return;
    }
    let (import, offers) = (import_of(&shape()), offers_of(&shape()));
    let calm = Merchant::new(json!({}));
    calm.exchange(&[("import.xml", &import), ("offers.xml", &offers)]);

    let state = tempfile::tempdir().unwrap();
    let mut host = Host::up(state.path());
    let mut merchant = Merchant::with(host.app.clone(), json!({}));
    let mut client = merchant.begun();
    client.upload("import.xml", &import);
    client.upload("offers.xml", &offers);
    let mut cut_off = 0;
    for file in ["import.xml", "offers.xml"] {
        for wait_ms in [60, 250] {
            let asking = asked(&client, file);
            std::thread::sleep(std::time::Duration::from_millis(wait_ms));
            host.kill();
            asking.join().unwrap();
            host = Host::up(state.path());
            moved(&mut merchant, &mut client, &host);
            cut_off += usize::from(merchant.told(file).is_empty());
        }
        client.imported(file);
    }
    assert!(
        cut_off > 0,
        "every import had ended before the host was killed"
    );
    for file in ["import.xml", "offers.xml"] {
        let (got, wanted) = (merchant.totals(file), calm.totals(file));
        for what in [
            "goods",
            "offers",
            "groups",
            "created",
            "changed",
            "unchanged",
            "skipped",
            "warnings",
        ] {
            assert_eq!(got[what], wanted[what], "{what} of {file}");
        }
        assert_eq!(merchant.told(file).len(), 1, "{file}");
    }
    assert_eq!(merchant.live(), (6_000, 12_000));
    let categories = |merchant: &Merchant| merchant.shop.list("/categories").len();
    assert_eq!(categories(&merchant), categories(&calm));
    let some = shape().offer_id(5_999, 1);
    assert_eq!(
        merchant.good(&some)["prices"],
        calm.good(&some)["prices"],
        "with the names of types"
    );
    assert_eq!(merchant.good(&some)["stock"], calm.good(&some)["stock"]);
    let (goods, calm_goods) = (merchant.goods(), calm.goods());
    for (external, good) in &calm_goods {
        for field in ["name", "article", "barcodes", "price_kopecks", "archived"] {
            assert_eq!(goods[external][field], good[field], "{field} of {external}");
        }
    }
    // What is said again afterwards changes nothing.
    client.begin("catalog");
    client.upload("offers.xml", &offers);
    client.imported("offers.xml");
    merchant.nothing_changed("offers.xml");
}

#[test]
fn an_acknowledged_chunk_is_there_after_a_kill_and_a_cut_one_is_not() {
    if skipped_outside("killing the host") {
        return;
    }
    let state = tempfile::tempdir().unwrap();
    let mut host = Host::up(state.path());
    let settings = json!({ "commerceml": { "chunk_limit_bytes": 20_000 } });
    let mut merchant = Merchant::with(host.app.clone(), settings);
    let shape = Shape::moysklad(60);
    let file = import_of(&shape);
    let mut client = merchant.begun();
    for (n, chunk) in file.chunks(20_000).enumerate() {
        if n % 2 == 1 {
            // Half of the chunk has come when the host dies.
            let request = Request {
                method: "POST",
                target: client.target("catalog", "file", "&filename=import.xml"),
                headers: client.identity(),
                body: chunk.to_vec(),
                how: How::CutShort(chunk.len() / 2),
            };
            let url = client.url.clone();
            let cut = std::thread::spawn(move || send(&url, &request));
            std::thread::sleep(std::time::Duration::from_millis(20));
            host.kill();
            let _ = cut.join().unwrap();
            host = Host::up(state.path());
            moved(&mut merchant, &mut client, &host);
        }
        client.put("import.xml", chunk);
        host.kill();
        host = Host::up(state.path());
        moved(&mut merchant, &mut client, &host);
    }
    client.imported("import.xml");
    assert_eq!(merchant.totals("import.xml")["goods"], json!(60));
    assert_eq!(merchant.live(), (60, 0));
    // The session is there as well.
    assert_eq!(client.get("catalog", "init", "").word(), "zip=no");
}
