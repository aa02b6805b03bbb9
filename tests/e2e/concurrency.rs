//! Many tills at once: what is shared is not lost and not doubled.

use std::sync::Barrier;

use serde_json::{Value, json};

use crate::fixture::*;

/// Runs `job` with the numbers 0..`tills` at once.
fn at_once<T: Send>(tills: usize, job: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let barrier = Barrier::new(tills);
    std::thread::scope(|scope| {
        let (barrier, job) = (&barrier, &job);
        let run = |n| {
            scope.spawn(move || {
                barrier.wait();
                job(n)
            })
        };
        let threads: Vec<_> = (0..tills).map(run).collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap())
            .collect()
    })
}

fn sale(buyer: &Value, spend: i64, earn: i64) -> Value {
    let mut sale = sale_of(&json!({ "agent": buyer, "positions": [line(100.0, 1.0)] }));
    sale["bonusProgram"] = json!({ "bonusValueToSpend": spend, "bonusValueToEarn": earn });
    sale
}

#[test]
fn sixteen_tills_spend_the_last_points_at_once() {
    let shop = Shop::new(json!({ "spending": { "max_share": 100 } }));
    let buyer = shop.buyer(100);
    let sales = at_once(16, |_| {
        let quote = shop.recalc(&spending(&buyer, &[line(1000.0, 1.0)], Some(100)));
        let mut sale = sale_of(&quote);
        sale["bonusProgram"]["bonusValueToEarn"] = json!(0);
        let spend = sale["bonusProgram"]["bonusValueToSpend"].as_i64().unwrap();
        shop.sell(&sale);
        (id_of(&sale), spend)
    });
    let spent: i64 = sales.iter().map(|(_, spend)| spend).sum();
    assert_eq!(
        shop.balance(&buyer),
        100 - spent,
        "every receipt counts in full"
    );
    let flagged = |id: &String| shop.document(id)["flags"] == json!(["overdraft"]);
    let fine = sales
        .iter()
        .filter(|(id, spend)| *spend > 0 && !flagged(id))
        .count();
    assert_eq!(fine, 1, "one of them had the points");
    shop.check();
}

#[test]
fn sixteen_tills_that_send_one_sale_at_once_have_one_effect() {
    let shop = Shop::new(json!({}));
    let buyer = shop.buyer(100);
    let sale = sale(&buyer, 30, 5);
    at_once(16, |_| shop.sell(&sale));
    assert_eq!(shop.balance(&buyer), 75);
    assert_eq!(shop.list("/sales").len(), 1);
    shop.check();
}

#[test]
fn the_parts_of_a_return_at_once_give_back_the_whole_once() {
    let shop = Shop::new(json!({}));
    let buyer = shop.buyer(100);
    let quote = shop.recalc(&spending(&buyer, &[line(100.0, 8.0)], Some(99)));
    let sale = sale_of(&quote);
    shop.sell(&sale);
    let mut piece = sale["positions"][0].clone();
    piece["quantity"] = json!(1);
    at_once(8, |_| {
        shop.take_back(&return_of(&sale, std::slice::from_ref(&piece)))
    });
    assert_eq!(shop.balance(&buyer), 100);
    shop.check();
}

#[test]
fn many_customers_at_many_tills_end_with_the_right_balances() {
    let shop = Shop::new(json!({}));
    let buyers: Vec<Value> = (0..4).map(|_| shop.buyer(1000)).collect();
    at_once(8, |till| {
        for n in 0..12 {
            let buyer = &buyers[(till + n) % buyers.len()];
            shop.recalc(&spending(buyer, &[line(50.0, 2.0)], None));
            let sale = sale(buyer, 3, 1);
            shop.sell(&sale);
            if n % 3 == 0 {
                shop.take_back(&return_of(&sale, sale["positions"].as_array().unwrap()));
            }
        }
    });
    // 96 sales, of which 32 were taken back: 24 and 8 a buyer.
    let balances: Vec<i64> = buyers.iter().map(|buyer| shop.balance(buyer)).collect();
    assert_eq!(balances.iter().sum::<i64>(), 4000 - 64 * 2);
    assert_eq!(shop.list("/sales?kind=sale").len(), 96);
    assert_eq!(shop.list("/sales?kind=return").len(), 32);
    shop.check();
}
