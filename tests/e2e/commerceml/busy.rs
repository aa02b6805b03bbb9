//! Tills go on selling while a catalogue is imported.

use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::time::{Duration, Instant};

use samples::Shape;
use serde_json::json;

use super::files::{import_of, offers_of};
use super::merchant::Merchant;
use crate::fixture::*;

/// A till waits for no longer: a receipt is open, the customer stands there.
const PATIENCE: Duration = Duration::from_secs(3);
const TILLS: usize = 3;

#[test]
fn tills_sell_while_a_catalogue_comes_in_and_both_are_right() {
    let merchant = Merchant::new(json!({}));
    let shape = Shape {
        variants: 2,
        ..Shape::moysklad(8_000)
    };
    let client = merchant.begun();
    client.upload("import.xml", &import_of(&shape));
    client.upload("offers.xml", &offers_of(&shape));
    let done = AtomicBool::new(false);
    let slowest = std::thread::scope(|scope| {
        let tills: Vec<_> = (0..TILLS)
            .map(|_| scope.spawn(|| sell(&merchant, &done)))
            .collect();
        client.imported("import.xml");
        client.imported("offers.xml");
        done.store(true, SeqCst);
        tills
            .into_iter()
            .map(|till| till.join().unwrap())
            .max()
            .unwrap()
    });
    assert!(slowest < PATIENCE, "a till waited {slowest:?}");
    assert_eq!(merchant.live(), (8_000, 16_000));
    let totals = merchant.totals("offers.xml");
    assert_eq!(totals["created"], json!(16_000));
    merchant.shop.check();
}

/// Quotes and sells until the import is done; the longest that an answer took.
fn sell(merchant: &Merchant, done: &AtomicBool) -> Duration {
    let shop = &merchant.shop;
    let buyer = shop.buyer(100);
    let (mut slowest, mut sales) = (Duration::ZERO, 0);
    while !done.load(SeqCst) {
        let started = Instant::now();
        let quote = shop.recalc(&receipt(&buyer, &[line(100.0, 1.0)]));
        slowest = slowest.max(started.elapsed());
        let started = Instant::now();
        shop.sell(&sale_of(&quote));
        slowest = slowest.max(started.elapsed());
        sales += 1;
        std::thread::sleep(Duration::from_millis(20));
    }
    assert!(sales > 5, "{sales} sales");
    slowest
}
