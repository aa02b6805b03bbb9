//! Gift certificates are redeemed in kopecks by the sale, once.

use sklad_loyalty::ledger::{GiftPayment, Posted, Sale};

use crate::fixture::*;

fn till() -> Till {
    let till = Till::new();
    let rows = [
        ("A", "ga", 100_000, 0, i64::MAX),
        ("B", "gb", 50_000, 0, i64::MAX),
        ("OLD", "go", 9_000, 0, NOON),
        ("BAD", "gx", 9_000, 1, i64::MAX),
    ];
    for (number, id, kopecks, blocked, expires) in rows {
        for tenant in ["north", "south"] {
            let insert = format!(
                "INSERT INTO gift_certificates (tenant, number, id, initial, balance, blocked, expires_at, created_at) \
                 VALUES ('{tenant}', '{number}', '{id}', {kopecks}, {kopecks}, {blocked}, {expires}, 0)"
            );
            till.sql.batch(&insert).unwrap();
        }
    }
    till
}

fn pay(id: &str, gifts: Vec<GiftPayment>) -> Sale {
    Sale {
        gifts,
        ..sale(id, "c", 0, 0)
    }
}

const LEFT_A: &str = "SELECT balance FROM gift_certificates WHERE tenant = ?1 AND number = 'A'";
const LEFT_B: &str = "SELECT balance FROM gift_certificates WHERE tenant = ?1 AND number = 'B'";
const TAKEN: &str = "SELECT coalesce(sum(kopecks), 0) FROM gift_redemptions WHERE tenant = ?1";

#[test]
fn a_certificate_is_redeemed_once_under_replay() {
    let till = till();
    let sale = pay("s", vec![gift("ga", "A", 30_000), gift("", "B", 50_000)]);
    assert!(matches!(till.sell(&sale), Posted::Done { .. }));
    assert_eq!(till.sell(&sale), Posted::Repeated);
    assert_eq!(
        till.sell(&Sale {
            digest: "x".to_owned(),
            ..sale
        }),
        Posted::Differs
    );
    assert_eq!(
        (till.int(LEFT_A), till.int(LEFT_B), till.int(TAKEN)),
        (70_000, 0, 80_000)
    );
    assert_eq!(till.flags("s"), "");
    assert_eq!(till.of("south").int(LEFT_A), 100_000);
}

#[test]
fn the_journal_names_a_certificate_whichever_case_the_till_wrote() {
    let till = till();
    let sale = pay("s", vec![gift("", "bad", 100), gift("", "old", 12_345)]);
    till.sell(&sale);
    let row = "SELECT text FROM journal WHERE tenant = ?1 AND action = 'sale'";
    match till.value(row) {
        sklad_store::Value::Text(text) => {
            assert!(text.contains("; сертификатом *** 1,00"), "{text}");
            assert!(text.contains("; сертификатом *** 123,45"), "{text}");
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(till.flags("s"), "gift_overdraft");
    assert_eq!(till.int(TAKEN), 12_445);
}

#[test]
fn a_certificate_is_found_by_its_number_or_its_id() {
    let till = till();
    till.sell(&pay("s1", vec![gift("", "A", 10_000)]));
    till.sell(&pay("s2", vec![gift("ga", "", 10_000)]));
    // The number is believed more than the id.
    till.sell(&pay("s3", vec![gift("gb", "A", 10_000)]));
    assert_eq!((till.int(LEFT_A), till.int(LEFT_B)), (70_000, 50_000));
}

#[test]
fn an_anonymous_sale_redeems_too() {
    let till = till();
    let sale = Sale {
        identity: ids([]),
        ..pay("s", vec![gift("", "A", 1)])
    };
    till.sell(&sale);
    till.sell(&sale);
    assert_eq!(till.int(LEFT_A), 99_999);
}

#[test]
fn more_than_a_certificate_holds_empties_it_and_is_flagged() {
    let till = till();
    till.sell(&pay("s", vec![gift("", "A", 100_001)]));
    assert_eq!(
        (till.int(LEFT_A), till.flags("s").as_str()),
        (0, "gift_overdraft")
    );
    assert!(till.warned("sale", "сертификате было меньше"));
}

#[test]
fn an_unknown_certificate_is_flagged_and_the_sale_stays() {
    let till = till();
    assert_eq!(
        done(&till.sell(&pay("s", vec![gift("no", "NO", 1), gift("", "", 1)]))),
        (0, 0)
    );
    assert_eq!(
        (till.flags("s").as_str(), till.int(TAKEN)),
        ("gift_unknown", 0)
    );
}

#[test]
fn a_certificate_that_is_over_or_blocked_is_flagged() {
    let till = till();
    till.sell(&pay("s1", vec![gift("", "OLD", 9_000)]));
    till.sell(&pay("s2", vec![gift("", "BAD", 9_000)]));
    assert_eq!(
        [till.flags("s1"), till.flags("s2")],
        ["gift_overdraft", "gift_overdraft"]
    );
}

#[test]
fn a_certificate_named_twice_in_one_sale_pays_both_parts() {
    let till = till();
    till.sell(&pay(
        "s1",
        vec![gift("ga", "A", 30_000), gift("", "A", 20_000)],
    ));
    assert_eq!(
        (till.int(LEFT_A), till.int(TAKEN), till.flags("s1").as_str()),
        (50_000, 50_000, "")
    );
    till.sell(&pay(
        "s2",
        vec![gift("", "A", 30_000), gift("ga", "", 30_000)],
    ));
    assert_eq!(
        (till.int(LEFT_A), till.flags("s2").as_str()),
        (0, "gift_overdraft")
    );
}

#[test]
fn tills_that_redeem_one_certificate_at_once_take_from_each_other() {
    let till = till();
    std::thread::scope(|scope| {
        for n in 0..6 {
            let till = till.another();
            scope.spawn(move || {
                let sale = Sale {
                    identity: ids([]),
                    ..pay(&format!("s{n}"), vec![gift("", "A", 20_000)])
                };
                till.sell(&sale);
                till.sell(&sale);
            });
        }
    });
    assert_eq!((till.int(LEFT_A), till.int(TAKEN)), (0, 120_000));
    let flagged = "SELECT count(*) FROM documents WHERE tenant = ?1 AND flags = 'gift_overdraft'";
    assert_eq!(till.int(flagged), 1);
}
