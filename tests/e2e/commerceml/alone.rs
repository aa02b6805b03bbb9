//! A client that uploads and never asks for an import, as «1С:Розница» does (commerceml §4).

use std::time::{Duration, Instant};

use samples::Shape;
use serde_json::json;

use super::files::{import_of, offers_of};
use super::merchant::Merchant;
use crate::fixture::*;

/// How long a file waits for its client to ask, with some reserve.
const PATIENCE: Duration = Duration::from_secs(150);

#[test]
fn what_nobody_asks_for_is_imported_by_the_schedule() {
    let Some(app) = own_app("a tick of its own") else {
        return;
    };
    let merchant = Merchant::with(app, json!({}));
    let shape = Shape {
        variants: 2,
        ..Shape::moysklad(300)
    };
    let client = merchant.begun();
    client.upload("import.xml", &import_of(&shape));
    client.upload("offers.xml", &offers_of(&shape));
    let offers = offers_of(&shape);
    client.put("prices.xml", &offers[..offers.len() / 2]);
    let started = Instant::now();
    while merchant.live() != (300, 600) {
        assert!(started.elapsed() < PATIENCE, "{:?}", merchant.live());
        let app = &merchant.shop.app;
        let bearer = format!("Bearer {}", app.token());
        let path = "/internal/tick?budget_ms=5000";
        let ticked = app.send("POST", path, &[("authorization", &bearer)], b"");
        assert_eq!(ticked.unwrap().ok()["failed"], 0);
    }
    assert_eq!(
        merchant.told("prices.xml"),
        [""; 0],
        "half a file is left alone"
    );
    let job = merchant.shop.api("GET", "/jobs/exchange", &json!({})).ok();
    assert_eq!(job["state"], "waiting", "{job}");
    // Who asks after all is told that it is done.
    client.imported("import.xml");
    client.imported("offers.xml");
}
