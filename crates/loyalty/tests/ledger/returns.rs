//! Returns: cumulative, in any order and any parts, before or after their sale.

use proptest::prelude::*;
use sklad_loyalty::ledger::{Posted, Return, Sale, SoldPosition};
use sklad_loyalty::units::{Kopecks, Quantity};

use crate::fixture::*;

#[test]
fn a_full_return_gives_back_everything_exactly() {
    let till = Till::with(r#"{"earning": {"expire_after_days": 90}}"#);
    till.customer("c", 100);
    till.sell(&sale("s0", "c", 0, 33));
    let before = till.must("c").account;
    till.sell(&sale("s", "c", 70, 45));
    assert_eq!(done(&till.take_back(&back("r", "s", 10))), (70, 45));
    let after = till.must("c").account;
    assert_eq!((after.balance, after.debt), (before.balance, 0));
    // What would have expired expires when it would have, not earlier and not later.
    let soon = |a: &sklad_loyalty::ledger::account::Account| a.expiring(NOON, NOON + 100 * DAY);
    assert_eq!(soon(&after), soon(&before));
    assert_eq!(
        till.int("SELECT sum(kopecks) FROM turnover WHERE tenant = ?1"),
        90_000
    );
    till.adds_up();
}

#[test]
fn a_return_takes_back_points_that_are_spent_already_as_an_overdraft() {
    let till = Till::new();
    till.customer("c", 0);
    till.sell(&sale("s1", "c", 0, 50));
    till.sell(&sale("s2", "c", 50, 0));
    assert_eq!(done(&till.take_back(&back("r", "s1", 10))), (0, 50));
    assert_eq!(till.available("c"), -50);
    till.adds_up();
}

#[test]
fn points_that_ran_out_are_not_taken_back() {
    let mut till = Till::with(r#"{"earning": {"expire_after_days": 5}}"#);
    for who in ["unused", "written-off", "spent"] {
        till.customer(who, 0);
        till.sell(&sale(who, who, 0, 50));
    }
    till.sell(&sale("s2", "spent", 20, 0));
    till.wait_days(10);
    till.sell(&sale("s3", "written-off", 0, 0));
    let returned = |who: &str, id: &str, count| done(&till.take_back(&back(id, who, count)));
    assert_eq!(returned("unused", "r1", 10), (0, 0));
    assert_eq!(returned("written-off", "r2", 10), (0, 0));
    // Of 50 points 20 were used: those of the half that he keeps.
    assert_eq!(returned("spent", "r3", 5), (0, 0));
    assert_eq!(returned("spent", "r4", 5), (0, 20));
    let overdraft = |who| till.get(who).overdraft;
    assert_eq!(
        ["unused", "written-off", "spent"].map(overdraft),
        [0, 0, 20]
    );
    till.adds_up();
}

#[test]
fn points_that_ran_out_before_a_merge_are_not_taken_back_after_it() {
    let mut till = Till::with(r#"{"earning": {"expire_after_days": 5}}"#);
    till.customer("old", 0);
    till.customer("new", 7);
    till.sell(&sale("s", "old", 0, 50));
    till.wait_days(10);
    till.sell(&sale("s2", "old", 0, 0));
    till.merge("old", "new").unwrap();
    assert_eq!(done(&till.take_back(&back("r", "s", 10))), (0, 0));
    assert_eq!((till.available("new"), till.get("new").overdraft), (7, 0));
    till.adds_up();
}

#[test]
fn points_that_were_spent_come_back_usable_even_if_they_would_have_expired() {
    let mut till = Till::with(r#"{"earning": {"expire_after_days": 5}}"#);
    till.customer("c", 0);
    till.sell(&sale("s1", "c", 0, 50));
    till.sell(&sale("s2", "c", 50, 0));
    till.wait_days(30);
    till.take_back(&back("r", "s2", 10));
    assert_eq!(till.available("c"), 50);
    till.wait_days(13);
    assert_eq!(till.available("c"), 50);
    till.wait_days(1);
    assert_eq!(till.available("c"), 0);
    till.adds_up();
}

#[test]
fn what_was_taken_last_comes_back_first() {
    let mut till = Till::with(r#"{"earning": {"expire_after_days": 30}}"#);
    till.customer("c", 40);
    till.sell(&sale("s1", "c", 0, 60));
    till.sell(&sale("s2", "c", 100, 0));
    // Of the 50 that come back, 40 never expire; the other ten do when they would have.
    till.take_back(&back("r", "s2", 5));
    till.wait_days(29);
    assert_eq!(till.available("c"), 50);
    till.wait_days(1);
    assert_eq!(till.available("c"), 40);
    till.adds_up();
}

#[test]
fn more_than_was_sold_counts_as_what_was_sold() {
    let till = Till::new();
    till.customer("c", 100);
    till.sell(&sale("s", "c", 70, 45));
    assert_eq!(done(&till.take_back(&back("r1", "s", 25))), (70, 45));
    assert_eq!(done(&till.take_back(&back("r2", "s", 3))), (0, 0));
    let stranger = Return {
        positions: vec![pieces("coffee", 1, 500, 500)],
        ..back("r3", "s", 0)
    };
    assert_eq!(done(&till.take_back(&stranger)), (0, 0));
    assert_eq!(till.available("c"), 100);
    // The purchases are taken back once too: nobody's turnover goes below nothing.
    assert_eq!(
        till.int("SELECT sum(kopecks) FROM turnover WHERE tenant = ?1"),
        0
    );
    till.adds_up();
}

#[test]
fn a_return_without_a_sale_is_kept_and_journaled() {
    let till = Till::new();
    till.customer("c", 100);
    let free = Return {
        demand: vec![],
        identity: ids(["c"]),
        ..back("r", "", 3)
    };
    let posted = till.take_back(&free);
    assert_eq!(done(&posted), (0, 0));
    assert!(matches!(
        posted,
        Posted::Done {
            customer: Some(_),
            ..
        }
    ));
    assert_eq!(till.take_back(&free), Posted::Repeated);
    assert!(till.warned("return", "без продажи"));
    assert_eq!(till.available("c"), 100);
}

#[test]
fn a_return_before_its_sale_takes_effect_with_the_sale() {
    let till = Till::new();
    till.customer("c", 100);
    assert_eq!(done(&till.take_back(&back("r1", "s", 4))), (0, 0));
    till.take_back(&back("r2", "s", 6));
    assert!(till.warned("return", "продажи пока нет"));
    till.sell(&sale("s", "c", 70, 45));
    assert_eq!(till.available("c"), 100);
    assert_eq!(
        (till.sum("c", "restore"), till.sum("c", "clawback")),
        (70, -45)
    );
    assert_eq!(
        till.int("SELECT count(*) FROM documents WHERE tenant = ?1 AND flags <> ''"),
        0
    );
    let told = "SELECT count(*) FROM journal WHERE tenant = ?1 AND action = 'return' AND customer IS NOT NULL \
        AND text LIKE 'Возврат №r_: его продажа пришла, возвращено баллов __, снято начисленных __'";
    assert_eq!(till.int(told), 2);
    assert_eq!(till.take_back(&back("r1", "s", 4)), Posted::Repeated);
    assert_eq!(done(&till.take_back(&back("r3", "s", 1))), (0, 0));
    till.adds_up();
}

#[test]
fn a_return_waits_for_its_sale_under_each_of_its_keys() {
    let names = |names: &[&str]| -> Vec<String> { names.iter().map(|n| (*n).to_owned()).collect() };
    for (first, second, sold_as) in [
        (&["n", "s"][..], &["n", "s"][..], &["s"][..]),
        (&["n", "s"], &["s"], &["n"]),
        (&["n", "s"], &["s"], &["s"]),
        (&["s"], &["n", "s", "n"], &["n"]),
        (&["a", "b", "c"], &["b"], &["c"]),
        (&["n", "s"], &["s", "n"], &["other", "s"]),
    ] {
        let till = Till::new();
        till.customer("c", 100);
        for (id, demand) in [("r1", first), ("r2", second)] {
            till.take_back(&Return {
                demand: names(demand),
                ..back(id, "", 5)
            });
        }
        let sold = Sale {
            keys: names(sold_as),
            ..sale("", "c", 70, 45)
        };
        till.sell(&sold);
        assert_eq!(till.available("c"), 100, "{first:?} {second:?} {sold_as:?}");
        assert_eq!(till.sell(&sold), Posted::Repeated);
        let waiting = "SELECT (SELECT count(*) FROM documents WHERE tenant = ?1 AND flags = 'orphan') + \
            (SELECT count(*) FROM document_keys WHERE tenant = ?1 AND kind = 'awaited')";
        assert_eq!(till.int(waiting), 0);
        till.adds_up();
    }
}

#[test]
fn a_key_that_a_repetition_brings_means_the_document_too() {
    let till = Till::new();
    till.customer("c", 100);
    let named = |names: &[&str]| Sale {
        keys: names.iter().map(|n| (*n).to_owned()).collect(),
        ..sale("s", "c", 70, 0)
    };
    till.take_back(&back("r", "third", 10));
    till.sell(&named(&["native"]));
    assert_eq!(till.sell(&named(&["native", "third"])), Posted::Repeated);
    assert_eq!(till.available("c"), 100);
    assert_eq!(till.sell(&named(&["third"])), Posted::Repeated);
    till.adds_up();
}

#[test]
fn returns_that_waited_are_settled_by_a_repetition_when_the_first_call_broke_off() {
    let till = Till::new();
    till.customer("c", 100);
    till.sell(&sale("s", "c", 70, 45));
    till.take_back(&back("r", "s", 10));
    // As if the instance had died between the sale and the returns that waited for it.
    let undo =
        "DELETE FROM entries WHERE document = 'r'; DELETE FROM lots WHERE id LIKE 'restore/%';
        UPDATE lots SET remaining = amount WHERE id = 'earn/s';
        UPDATE customers SET balance = 75; UPDATE turnover SET kopecks = 90000;
        UPDATE documents SET flags = 'orphan', spend = 0, earn = 0 WHERE id = 'r'";
    till.sql.batch(undo).unwrap();
    till.adds_up();
    assert_eq!(till.sell(&sale("s", "c", 70, 45)), Posted::Repeated);
    assert_eq!(till.available("c"), 100);
    till.adds_up();
}

#[test]
fn a_return_of_an_anonymous_sale_changes_no_account() {
    let till = Till::new();
    till.customer("c", 100);
    till.take_back(&Return {
        identity: ids(["c"]),
        ..back("r0", "s", 1)
    });
    till.sell(&Sale {
        identity: ids([]),
        ..sale("s", "", 0, 0)
    });
    till.take_back(&Return {
        identity: ids(["c"]),
        ..back("r", "s", 10)
    });
    assert_eq!((till.available("c"), till.entries("c").len()), (100, 1));
    assert_eq!(
        till.int("SELECT count(*) FROM documents WHERE tenant = ?1 AND flags = 'orphan'"),
        0
    );
    till.adds_up();
}

#[test]
fn a_good_that_points_did_not_pay_for_brings_none_back() {
    let till = Till::new();
    till.customer("c", 100);
    let mixed = Sale {
        positions: vec![pieces("tea", 1, 100, 40), pieces("tobacco", 1, 200, 200)],
        ..sale("s", "c", 60, 24)
    };
    till.sell(&mixed);
    let part = |id: &str, position: SoldPosition| Return {
        positions: vec![position],
        ..back(id, "s", 0)
    };
    assert_eq!(
        done(&till.take_back(&part("r1", pieces("tobacco", 1, 200, 200)))),
        (0, 20)
    );
    assert_eq!(
        done(&till.take_back(&part("r2", pieces("tea", 1, 100, 40)))),
        (60, 4)
    );
    till.adds_up();
}

fn weighed(good: &str, quantity: i64, price: i64, paid: i64) -> SoldPosition {
    SoldPosition {
        good: good.to_owned(),
        quantity: Quantity(quantity),
        price: Kopecks(price),
        discounted_price: Kopecks(paid),
        ..SoldPosition::default()
    }
}

/// Lines of a sale; the quantity of each is cut into the parts given.
type Cut = (Vec<i64>, i64, i64);

fn cuts() -> impl Strategy<Value = Vec<Cut>> {
    let parts = prop::collection::vec(1..4_000i64, 1..4);
    let line = (parts, 1..50_000i64, 0..=100i64)
        .prop_map(|(parts, price, share)| (parts, price, price * share / 100));
    prop::collection::vec(line, 1..4)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// Every part of every line comes back in a return of its own (some of them before the sale), in
    /// the order drawn and backwards; each ends as one return of everything does.
    #[test]
    fn any_order_and_splitting_of_partial_returns_ends_the_same(
        cut in cuts(), spend in 0..500i64, earn in 0..500i64, start in 0..600i64,
        order in any::<prop::sample::Index>(), shuffle in any::<u64>(), early in 0..3usize, all in any::<bool>(),
    ) {
        let till = Till::with(r#"{"earning": {"active_after_days": 1}}"#);
        let positions: Vec<SoldPosition> = cut.iter().enumerate()
            .map(|(n, (parts, price, paid))| weighed(&format!("g{n}"), parts.iter().sum(), *price, *paid))
            .collect();
        let mut parts: Vec<SoldPosition> = cut.iter().enumerate()
            .flat_map(|(n, (parts, price, paid))| parts.iter().map(move |q| weighed(&format!("g{n}"), *q, *price, *paid)))
            .collect();
        if !all {
            parts.remove(order.index(parts.len()));
        }
        let mut shuffled = parts.clone();
        shuffled.sort_by_key(|p| (u64::try_from(p.quantity.0 * 31 + p.price.0).unwrap()).wrapping_mul(shuffle | 1));
        let mut backwards = parts.clone();
        backwards.reverse();

        let mut ends = Vec::new();
        for (n, (order, early)) in [(vec![], 0), (parts.clone(), 0), (backwards, 0), (shuffled, early)].into_iter().enumerate() {
            let (c, s) = (format!("c{n}"), format!("s{n}"));
            till.customer(&c, start);
            let part = |k: usize, positions: Vec<SoldPosition>| Return { positions, ..back(&format!("r{n}-{k}"), &s, 0) };
            let early = early.min(order.len());
            for (k, position) in order[..early].iter().enumerate() {
                till.take_back(&part(k, vec![position.clone()]));
            }
            till.sell(&Sale { positions: positions.clone(), ..sale(&s, &c, spend, earn) });
            if order.is_empty() {
                till.take_back(&part(0, parts.clone()));
            }
            for (k, position) in order.iter().enumerate().skip(early) {
                till.take_back(&part(k, vec![position.clone()]));
            }
            let turnover = till.int("SELECT coalesce(sum(kopecks), 0) FROM turnover WHERE tenant = ?1 AND customer = (SELECT max(customer) FROM turnover WHERE tenant = ?1)");
            let account = till.must(&c).account;
            ends.push((account.balance, account.available(NOON), account.pending(NOON), till.sum(&c, "restore"), till.sum(&c, "clawback")));
            if all {
                prop_assert_eq!(account.balance, start);
                prop_assert_eq!(turnover, 0);
                prop_assert_eq!((ends[n].3, ends[n].4), (spend, -earn));
            }
        }
        for end in &ends {
            prop_assert_eq!(end, &ends[0]);
        }
        prop_assert_eq!(till.differences(), []);
    }
}
