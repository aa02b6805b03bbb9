//! Many tills at once, each with connections of its own to one file.

use std::sync::Barrier;

use sklad_loyalty::customers::{Identity, Person};
use sklad_loyalty::ledger::{Posted, Return, Sale};

use crate::fixture::*;

/// Runs `work` on so many threads at once, each with a till of its own; answers what they answered.
fn at_once<T: Send>(
    till: &Till,
    threads: usize,
    work: impl Fn(&Till, usize) -> T + Sync,
) -> Vec<T> {
    let start = Barrier::new(threads);
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|n| {
                let (till, start, work) = (till.another(), &start, &work);
                scope.spawn(move || {
                    start.wait();
                    work(&till, n)
                })
            })
            .collect();
        running.into_iter().map(|t| t.join().unwrap()).collect()
    })
}

#[test]
fn sixteen_tills_spend_the_last_points_of_one_customer() {
    let till = Till::new();
    till.customer("c", 100);
    let posted = at_once(&till, 16, |till, n| {
        till.sell(&sale(&format!("s{n}"), "c", 10, 1))
    });
    assert!(posted.iter().all(|p| done(p) == (10, 1)));
    assert_eq!(till.available("c"), 100 - 160 + 16);
    assert_eq!((till.sum("c", "spend"), till.sum("c", "earn")), (-160, 16));
    assert_eq!(till.entries("c").len(), 33);
    assert_eq!(
        till.int("SELECT count(*) FROM documents WHERE tenant = ?1"),
        16
    );
    assert_eq!(till.must("c").turnover.0, 16 * 90_000);
    // Whoever came when there was too little, in whichever order, is flagged: the last five.
    let flagged =
        till.int("SELECT count(*) FROM documents WHERE tenant = ?1 AND flags = 'overdraft'");
    assert_eq!(flagged, 5);
    till.adds_up();
}

#[test]
fn one_document_from_eight_tills_has_one_effect() {
    let till = Till::new();
    till.customer("c", 100);
    let posted = at_once(&till, 8, |till, _| till.sell(&sale("s", "c", 10, 1)));
    assert_eq!(
        posted
            .iter()
            .filter(|p| matches!(p, Posted::Done { .. }))
            .count(),
        1
    );
    assert_eq!(posted.iter().filter(|p| **p == Posted::Repeated).count(), 7);
    let posted = at_once(&till, 8, |till, _| till.take_back(&back("r", "s", 10)));
    assert_eq!(
        posted
            .iter()
            .filter(|p| matches!(p, Posted::Done { .. }))
            .count(),
        1
    );
    assert_eq!((till.available("c"), till.must("c").turnover.0), (100, 0));
    let anonymous = Sale {
        identity: Identity::default(),
        ..sale("a", "", 0, 0)
    };
    let posted = at_once(&till, 8, |till, _| till.sell(&anonymous));
    assert_eq!(posted.iter().filter(|p| **p == Posted::Repeated).count(), 7);
    till.adds_up();
}

#[test]
fn one_document_with_two_contents_at_once_has_the_effect_of_one() {
    let till = Till::new();
    till.customer("c", 100);
    at_once(&till, 8, |till, n| {
        till.sell(&sale("s", "c", if n % 2 == 0 { 10 } else { 20 }, 0))
    });
    assert!([80, 90].contains(&till.available("c")));
    assert_eq!(till.entries("c").len(), 2);
    till.adds_up();
}

#[test]
fn a_new_person_registered_by_eight_tills_at_once_is_one_customer() {
    let till = Till::with(r#"{"earning": {"welcome": {"points": 200}}}"#);
    let who = Person {
        phone: Some("89039993344".to_owned()),
        ..person("Анна")
    };
    // Every till knows the person by an id of its own and by the phone.
    let joined = at_once(&till, 8, |till, n| till.join(&format!("sync-{n}"), &who));
    assert_eq!(joined.iter().filter(|(_, new)| *new).count(), 1);
    assert_eq!(till.list().len(), 1);
    for n in 0..8 {
        assert_eq!(till.must(&format!("sync-{n}")).id, joined[0].0.id);
    }
    assert_eq!(till.available("sync-0"), 200);
    till.adds_up();
}

#[test]
fn a_customer_created_by_eight_first_sales_at_once_is_one_customer() {
    let till = Till::with(r#"{"earning": {"welcome": {"points": 200}}}"#);
    at_once(&till, 8, |till, n| {
        let identity = Identity::new([format!("sync-{n}").as_str()], None, Some("89039993344"));
        till.sell(&Sale {
            identity,
            ..sale(&format!("s{n}"), "", 0, 10)
        })
    });
    assert_eq!((till.list().len(), till.available("sync-0")), (1, 280));
    till.adds_up();
}

#[test]
fn partial_returns_at_once_end_as_one_after_the_other() {
    let till = Till::new();
    till.customer("c", 100);
    till.sell(&sale("s", "c", 77, 33));
    let parts = at_once(&till, 2, |till, n| {
        done(&till.take_back(&back(&format!("r{n}"), "s", 5)))
    });
    let sum = |f: fn(&(i64, i64)) -> i64| parts.iter().map(f).sum::<i64>();
    assert_eq!((sum(|p| p.0), sum(|p| p.1)), (77, 33));
    assert_eq!(till.available("c"), 100);
    // And far more of them than there is to return.
    till.sell(&sale("s2", "c", 77, 33));
    at_once(&till, 8, |till, n| {
        till.take_back(&back(&format!("q{n}"), "s2", 2))
    });
    assert_eq!((till.available("c"), till.must("c").turnover.0), (100, 0));
    till.adds_up();
}

#[test]
fn a_sale_and_its_returns_at_once_end_as_one_after_the_other() {
    for round in 0..12 {
        let till = Till::new();
        till.customer("c", 100);
        at_once(&till, 4, |till, n| match n {
            0 => till.sell(&sale("s", "c", 77, 33)),
            _ => till.take_back(&back(&format!("r{n}"), "s", if n == 1 { 4 } else { 3 })),
        });
        assert_eq!(till.available("c"), 100, "round {round}");
        assert_eq!(
            till.int("SELECT count(*) FROM documents WHERE tenant = ?1 AND flags = 'orphan'"),
            0
        );
        till.adds_up();
    }
}

#[test]
fn one_adjustment_asked_for_eight_times_at_once_is_made_once() {
    let till = Till::new();
    till.customer("c", 0);
    let made = at_once(&till, 8, |till, _| till.adjust("c", "k", 5).unwrap());
    assert_eq!(made.iter().filter(|a| !a.repeated).count(), 1);
    // Takes at once never go below nothing.
    let taken = at_once(&till, 8, |till, n| {
        till.adjust("c", &format!("t{n}"), -2).is_ok()
    });
    assert_eq!(
        (taken.iter().filter(|ok| **ok).count(), till.available("c")),
        (2, 1)
    );
    till.adds_up();
}

#[test]
fn customers_and_tenants_do_not_disturb_each_other() {
    let till = Till::new();
    let south = till.of("south");
    for c in ["a", "b"] {
        till.customer(c, 100);
        south.customer(c, 100);
    }
    at_once(&till, 8, |till, n| {
        let till = till.of(if n % 2 == 0 { "north" } else { "south" });
        for k in 0..4 {
            let customer = if (n + k) % 2 == 0 { "a" } else { "b" };
            till.sell(&sale(&format!("s{n}{k}"), customer, 10, 1));
            till.take_back(&Return {
                ..back(&format!("r{n}{k}"), &format!("s{n}{k}"), 10)
            });
        }
    });
    for till in [&till, &south] {
        assert_eq!((till.available("a"), till.available("b")), (100, 100));
        till.adds_up();
    }
}

#[test]
fn a_new_database_opened_by_many_at_once_gets_one_schema() {
    for _ in 0..4 {
        let folder = tempfile::tempdir().unwrap();
        let file = path(&folder);
        std::thread::scope(|scope| {
            for _ in 0..6 {
                let file = &file;
                scope.spawn(move || {
                    let opened = sklad_store::native::NativeSql::open(file);
                    assert!(opened.is_ok(), "{:?}", opened.err());
                });
            }
        });
    }
}
