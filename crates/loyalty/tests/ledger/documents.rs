//! Documents have one effect however often, and under whichever key, they come.

use sklad_loyalty::ledger::{Posted, Return, Sale};

use crate::fixture::*;

fn keys(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|k| (*k).to_owned()).collect()
}

#[test]
fn a_repeated_sale_has_no_second_effect() {
    let till = Till::new();
    till.customer("c", 100);
    till.sell(&sale("s", "c", 30, 45));
    for _ in 0..3 {
        assert_eq!(till.sell(&sale("s", "c", 30, 45)), Posted::Repeated);
    }
    assert_eq!((till.available("c"), till.entries("c").len()), (115, 3));
    assert_eq!(till.told("sale"), 1);
}

#[test]
fn the_first_of_two_sales_with_one_id_stays_and_the_journal_tells() {
    let till = Till::new();
    till.customer("c", 100);
    till.sell(&sale("s", "c", 30, 45));
    assert_eq!(till.sell(&sale("s", "c", 31, 45)), Posted::Differs);
    assert_eq!(till.available("c"), 115);
    assert!(till.warned("sale", "с другим содержанием"));
}

#[test]
fn the_first_of_two_returns_with_one_id_stays_and_the_journal_tells() {
    let till = Till::new();
    till.customer("c", 100);
    till.sell(&sale("s", "c", 30, 0));
    till.take_back(&back("r", "s", 5));
    assert_eq!(till.take_back(&back("r", "s", 5)), Posted::Repeated);
    assert_eq!(till.told("return"), 1);
    assert_eq!(till.take_back(&back("r", "s", 6)), Posted::Differs);
    assert_eq!(till.available("c"), 85);
    assert!(till.warned("return", "с другим содержанием"));
}

#[test]
fn a_sale_and_a_return_may_have_one_id() {
    let till = Till::new();
    till.customer("c", 100);
    till.sell(&sale("x", "c", 30, 0));
    assert_eq!(done(&till.take_back(&back("x", "x", 10))), (30, 0));
    assert_eq!(till.available("c"), 100);
    till.adds_up();
}

#[test]
fn any_key_of_a_document_means_it() {
    let till = Till::new();
    till.customer("c", 100);
    till.sell(&Sale {
        keys: keys(&["native", "sync"]),
        ..sale("s", "c", 30, 0)
    });
    for other in [
        &["native"][..],
        &["sync"],
        &["sync", "native"],
        &["new", "sync"],
    ] {
        let again = Sale {
            keys: keys(other),
            ..sale("s", "c", 30, 0)
        };
        assert_eq!(till.sell(&again), Posted::Repeated, "{other:?}");
    }
    let one = Return {
        demand: keys(&["sync"]),
        ..back("r1", "", 5)
    };
    let two = Return {
        demand: keys(&["unknown", "native"]),
        ..back("r2", "", 5)
    };
    assert_eq!(done(&till.take_back(&one)), (15, 0));
    assert_eq!(done(&till.take_back(&two)), (15, 0));
    till.adds_up();
}

#[test]
fn a_key_learnt_from_a_differing_repetition_means_the_document_too() {
    let till = Till::new();
    till.customer("c", 100);
    till.sell(&Sale {
        keys: keys(&["native"]),
        ..sale("s", "c", 30, 0)
    });
    let richer = Sale {
        keys: keys(&["native", "sync"]),
        digest: "other".to_owned(),
        ..sale("s", "c", 30, 0)
    };
    assert_eq!(till.sell(&richer), Posted::Differs);
    let third = Sale {
        keys: keys(&["sync"]),
        digest: "third".to_owned(),
        ..sale("s", "c", 30, 0)
    };
    assert_eq!(till.sell(&third), Posted::Differs);
    assert_eq!(till.available("c"), 70);

    till.take_back(&Return {
        keys: keys(&["rn"]),
        ..back("r", "native", 1)
    });
    let richer = Return {
        keys: keys(&["rn", "rs"]),
        digest: "other".to_owned(),
        ..back("r", "native", 1)
    };
    assert_eq!(till.take_back(&richer), Posted::Differs);
    let third = Return {
        keys: keys(&["rs"]),
        ..richer.clone()
    };
    assert_ne!(
        till.take_back(&third),
        Posted::Done {
            customer: None,
            spend: 0,
            earn: 0
        }
    );
    assert_eq!(till.available("c"), 73);
}

#[test]
fn one_key_given_twice_is_one_key() {
    let till = Till::new();
    till.customer("c", 100);
    let twice = Sale {
        keys: keys(&["s", "s", "t", "s"]),
        ..sale("s", "c", 30, 0)
    };
    assert_eq!(done(&till.sell(&twice)), (30, 0));
    let back = Return {
        keys: keys(&["r", "r"]),
        demand: keys(&["t", "t"]),
        ..back("r", "", 10)
    };
    assert_eq!(done(&till.take_back(&back)), (30, 0));
    assert_eq!(till.available("c"), 100);
}

#[test]
fn an_adjustment_is_made_once_under_its_key() {
    let till = Till::new();
    till.customer("c", 0);
    assert_eq!(till.adjust("c", "k", 40).unwrap().available, 40);
    let again = till.adjust("c", "k", 40).unwrap();
    assert!(again.repeated && again.available == 40);
    // All of it is taken, and the repetition does not find too little.
    assert!(!till.adjust("c", "k2", -40).unwrap().repeated);
    assert!(till.adjust("c", "k2", -40).unwrap().repeated);
    assert_eq!((till.available("c"), till.entries("c").len()), (0, 2));
    assert!(
        till.entries("c")
            .iter()
            .all(|e| e.reason.as_deref() == Some("проверка"))
    );
    till.adds_up();
}

#[test]
fn an_adjustment_cannot_take_more_than_can_be_spent() {
    let till = Till::with(r#"{"earning": {"active_after_days": 3}}"#);
    till.customer("c", 10);
    till.sell(&sale("s", "c", 0, 50));
    let refused = till.adjust("c", "k", -11).unwrap_err();
    assert_eq!(refused.to_string(), "на счёте 10 баллов");
    assert_eq!(till.adjust("c", "k", -10).unwrap().available, 0);
    assert!(till.adjust("nobody", "k3", 5).is_err());
    till.adds_up();
}

#[test]
fn an_adjustment_by_nothing_gives_no_other_entry_its_reason() {
    let mut till = Till::with(r#"{"earning": {"expire_after_days": 5}}"#);
    till.customer("c", 0);
    till.sell(&sale("s", "c", 0, 50));
    till.wait_days(10);
    till.adjust("c", "k", 0).unwrap();
    assert!(till.entries("c").iter().all(|e| e.reason.is_none()));
    till.adds_up();
}

#[test]
fn entries_of_one_millisecond_come_in_the_order_in_which_they_were_made() {
    let mut till = Till::with(r#"{"earning": {"expire_after_days": 5, "welcome": {"points": 7}}}"#);
    till.customer("c", 0);
    till.sell(&sale("s0", "c", 0, 11));
    till.wait_days(10);
    let mut made = vec!["welcome", "earn s0"];
    let sell = |id, spend, earn| {
        let moment = till.now;
        till.sell(&Sale {
            moment,
            ..sale(id, "c", spend, earn)
        })
    };
    sell("s1", 3, 20);
    made.extend(["expire", "spend s1", "earn s1"]);
    till.adjust("c", "k1", 5).unwrap();
    sell("s2", 3, 20);
    till.take_back(&back("r1", "s1", 5));
    till.adjust("c", "k2", -5).unwrap();
    till.take_back(&back("r2", "s1", 5));
    made.extend([
        "adjust k1",
        "spend s2",
        "earn s2",
        "restore r1",
        "clawback r1",
    ]);
    made.extend(["adjust k2", "restore r2", "clawback r2"]);
    sell("s3", 1, 0);
    made.push("spend s3");
    let mut told = till.entries("c");
    told.reverse();
    let mut balance = 0;
    for (entry, made) in told.iter().zip(&made) {
        let named = format!("{} {}", entry.kind, entry.key);
        assert!(named.starts_with(made), "{named}, not {made}");
        balance += entry.points;
        assert_eq!(entry.balance, balance, "{named}");
    }
    assert_eq!(told.len(), made.len());
}

#[test]
fn pages_of_entries_follow_each_other_without_gaps() {
    let till = Till::new();
    let id = till.customer("c", 0);
    for n in 0..7 {
        till.sell(&sale(&format!("s{n}"), "c", 1, 2));
    }
    let mut all = Vec::new();
    let mut before = None;
    loop {
        let page = futures::executor::block_on(sklad_loyalty::ledger::entries(
            &till.sql,
            "north",
            &id,
            before.clone(),
            4,
        ))
        .unwrap();
        let Some(last) = page.last() else { break };
        before = Some((last.at, last.kind.clone(), last.key.clone()));
        all.extend(page.into_iter().map(|e| (e.kind, e.key)));
    }
    let whole: Vec<_> = till
        .entries("c")
        .into_iter()
        .map(|e| (e.kind, e.key))
        .collect();
    assert_eq!((all.len(), all == whole), (14, true));
}

#[test]
fn check_tells_a_balance_that_is_not_what_the_entries_and_lots_give() {
    let till = Till::new();
    let ids: Vec<String> = (0..5)
        .map(|n| till.customer(&format!("c{n}"), 10))
        .collect();
    till.adds_up();
    till.sql
        .batch(&format!(
            "UPDATE customers SET balance = 11 WHERE id = '{}'; UPDATE lots SET remaining = 9 WHERE customer = '{}'",
            ids[0], ids[3]
        ))
        .unwrap();
    // By pages of two, as a job goes through them.
    let (mut found, mut seen, mut after) = (Vec::new(), 0, String::new());
    loop {
        let page = sklad_loyalty::ledger::check(&till.sql, "north", &after, 2);
        let (differences, looked_at, next) = futures::executor::block_on(page).unwrap();
        found.extend(
            differences
                .into_iter()
                .map(|d| (d.customer, d.balance, d.entries, d.lots)),
        );
        seen += looked_at;
        match next {
            Some(next) => after = next,
            None => break,
        }
    }
    let mut expected = vec![(ids[0].clone(), 11, 10, 10), (ids[3].clone(), 10, 10, 9)];
    expected.sort();
    assert_eq!((found, seen), (expected, 5));
}
