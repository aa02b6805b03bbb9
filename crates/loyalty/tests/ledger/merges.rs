//! Merging two records of one person.

use sklad_loyalty::customers::{self, Edit, Identity, Person};
use sklad_store::{Sql, SqlError};

use crate::fixture::*;

fn with_phone(name: &str, phone: &str, card: &str) -> Person {
    Person {
        phone: Some(phone.to_owned()),
        card: Some(card.to_owned()),
        ..person(name)
    }
}

/// `old` with 70 points and `new` with 30.
fn till() -> Till {
    let till = Till::new();
    till.join("old", &with_phone("Анна Старая", "89039993344", "KL-71"));
    till.join("new", &with_phone("Анна Новая", "89031112233", "KL-72"));
    till.adjust("old", "k1", 70).unwrap();
    till.adjust("new", "k2", 30).unwrap();
    till
}

#[test]
fn every_key_of_both_leads_to_the_survivor() {
    let till = till();
    let (old, new) = (till.get("old"), till.get("new"));
    till.merge("old", "new").unwrap();
    let ways = [
        ids(["old"]),
        ids(["new"]),
        ids([old.id.as_str()]),
        ids([new.id.as_str()]),
        phone("89039993344"),
        phone("89031112233"),
        card("kl-71"),
        card("kl-72"),
    ];
    for way in ways {
        assert_eq!(till.find(&way).unwrap().id, new.id, "{way:?}");
    }
    assert_eq!(till.get(&old.id).id, new.id);
    assert_eq!((till.available("old"), till.list().len()), (100, 1));
    for typed in ["старая", "новая", "3344", "2233", "KL-71", "89039993344"] {
        let found = till.search(typed);
        assert_eq!((found.len(), &found[0].id), (1, &new.id), "{typed}");
    }
    till.adds_up();
}

#[test]
fn later_sales_and_returns_of_the_merged_customer_work() {
    let till = till();
    till.sell(&sale("s", "old", 50, 20));
    till.merge("old", "new").unwrap();
    assert_eq!(done(&till.take_back(&back("r1", "s", 5))), (25, 10));
    assert_eq!(till.available("new"), 30 + 70 - 50 + 20 + 25 - 10);
    till.sell(&sale("s2", "old", 5, 0));
    assert_eq!(done(&till.take_back(&back("r2", "s", 5))), (25, 10));
    assert_eq!(till.available("new"), 95);
    assert_eq!(till.must("new").turnover.0, 90_000);
    let of_survivor = "SELECT count(*) FROM documents WHERE tenant = ?1 AND customer = \
        (SELECT id FROM customers WHERE tenant = ?1 AND merged_into IS NULL)";
    assert_eq!(till.int(of_survivor), 4);
    till.adds_up();
}

#[test]
fn points_and_an_overdraft_of_the_two_meet() {
    let till = till();
    till.sell(&sale("s", "old", 90, 0));
    till.merge("old", "new").unwrap();
    assert_eq!(till.available("new"), 10);
    till.sell(&sale("s2", "new", 10, 0));
    assert_eq!((till.flags("s2").as_str(), till.available("new")), ("", 0));
    till.adds_up();
}

#[test]
fn an_overdraft_is_not_paid_twice_when_the_others_points_expire() {
    let mut till = Till::with(r#"{"earning": {"expire_after_days": 5}}"#);
    till.customer("old", 0);
    till.customer("new", 0);
    till.sell(&sale("s1", "old", 40, 0));
    till.sell(&sale("s2", "new", 0, 100));
    till.merge("old", "new").unwrap();
    till.wait_days(10);
    till.sell(&sale("s3", "new", 0, 0));
    assert_eq!((till.available("new"), till.get("new").overdraft), (0, 0));
    till.adds_up();
}

#[test]
fn merges_may_follow_each_other() {
    let till = till();
    till.customer("third", 5);
    till.merge("old", "new").unwrap();
    till.merge("new", "third").unwrap();
    let third = till.get("third").id;
    for way in [
        ids(["old"]),
        ids(["new"]),
        phone("89039993344"),
        card("kl-72"),
    ] {
        assert_eq!(till.find(&way).unwrap().id, third, "{way:?}");
    }
    assert_eq!(till.available("old"), 105);
    till.adds_up();
}

#[test]
fn a_merge_of_one_with_himself_or_of_one_who_is_merged_conflicts() {
    let till = till();
    assert_eq!(till.merge("old", "old"), Err(SqlError::Conflict));
    let (old, new) = (till.get("old"), till.get("new"));
    till.merge("old", "new").unwrap();
    for (from, into) in [(&old, &new), (&new, &old)] {
        let batch = customers::merge("north", from, into, &till.programme.tiers, till.now);
        let again = futures::executor::block_on(till.sql.atomic(batch.unwrap()));
        assert_eq!(again.unwrap_err(), SqlError::Conflict);
    }
    assert_eq!(till.available("new"), 100);
    till.adds_up();
}

#[test]
fn birthday_points_of_a_year_are_not_given_again_after_a_merge() {
    let till = Till::with(r#"{"earning": {"birthday": {"points": 300}}}"#);
    let born = Person {
        birth_date: Some("1990-05-15".parse().unwrap()),
        ..person("Анна")
    };
    till.join("old", &born);
    till.join("new", &born);
    till.birthday("old");
    till.merge("old", "new").unwrap();
    till.birthday("new");
    till.sell(&sale("s", "old", 0, 0));
    assert_eq!(till.available("new"), 300);
    till.adds_up();
}

#[test]
fn what_only_the_merged_record_knew_is_kept() {
    let till = Till::new();
    let full = Person {
        birth_date: Some("1990-05-15".parse().unwrap()),
        email: Some("a@b.ru".to_owned()),
        sex: Some("FEMALE".to_owned()),
        ..with_phone("Анна", "89039993344", "KL-71")
    };
    till.join("old", &full);
    till.edit(
        "old",
        &Edit {
            ms_id: Some("ms-1".to_owned()),
            verified: Some(true),
            ..Edit::default()
        },
    )
    .unwrap();
    till.join("new", &person("Анна"));
    till.merge("old", "new").unwrap();
    let one = till.get("new");
    assert_eq!(
        (one.phone.as_deref(), one.card.as_deref()),
        (Some("79039993344"), Some("KL-71"))
    );
    assert_eq!(
        (one.email.as_deref(), one.birth_date.as_deref()),
        (Some("a@b.ru"), Some("1990-05-15"))
    );
    assert_eq!(
        (one.sex.as_deref(), one.ms_id.as_deref()),
        (Some("FEMALE"), Some("ms-1"))
    );
}

#[test]
fn the_survivor_can_take_over_a_phone_of_the_merged_record() {
    let till = till();
    till.merge("old", "new").unwrap();
    till.edit(
        "new",
        &Edit {
            phone: Some("89039993344".to_owned()),
            ..Edit::default()
        },
    )
    .unwrap();
    assert_eq!(till.get("new").phone.as_deref(), Some("79039993344"));
    assert_eq!(
        till.must("old").id,
        till.find(&phone("89039993344")).unwrap().id
    );
}

#[test]
fn the_search_by_phone_of_the_merged_record_outlives_an_edit() {
    let till = till();
    till.merge("old", "new").unwrap();
    till.edit(
        "new",
        &Edit {
            email: Some("x@y.ru".to_owned()),
            ..Edit::default()
        },
    )
    .unwrap();
    for typed in ["89039993344", "9039993344", "KL-71"] {
        assert_eq!(till.names(typed), ["Анна Новая"], "{typed}");
    }
}

#[test]
fn a_key_learnt_while_the_customer_is_merged_leads_to_the_survivor() {
    let till = till();
    let old = till.get("old").id;
    till.merge("old", "new").unwrap();
    // What a call that has read the customer before the merge would write now.
    let link =
        customers::link("north", &old, &[("uuid", "late"), ("phone", "79990000000")]).unwrap();
    futures::executor::block_on(till.sql.atomic(vec![link])).unwrap();
    let late = Identity::new(["late"], None, None);
    assert_eq!(till.find(&late).unwrap().id, till.get("new").id);
}

#[test]
fn sales_and_returns_during_a_merge_lose_nothing() {
    let till = till();
    till.sell(&sale("s", "old", 0, 20));
    std::thread::scope(|scope| {
        for n in 0..6 {
            let till = till.another();
            scope.spawn(move || match n {
                0 => while till.merge("old", "new").is_err() {},
                1 => drop(till.take_back(&back("r", "s", 10))),
                _ => drop(till.sell(&sale(
                    &format!("s{n}"),
                    if n % 2 == 0 { "old" } else { "new" },
                    3,
                    10,
                ))),
            });
        }
    });
    assert_eq!((till.available("old"), till.list().len()), (100 + 4 * 7, 1));
    assert_eq!(till.get("old").id, till.get("new").id);
    till.adds_up();
}

#[test]
fn the_higher_tier_and_the_confirmation_stay() {
    let till = Till::with(
        r#"{"tiers": {"demotion": "never", "levels": [
            {"id": "silver", "name": "Серебро", "from_kopecks": 100},
            {"id": "gold", "name": "Золото", "from_kopecks": 100000000}]}}"#,
    );
    let stand = |who: &str, tier: &str, since: i64, verified: i64| {
        let set = format!(
            "UPDATE customers SET tier = {tier}, tier_since = {since}, verified = {verified} WHERE id = '{}'",
            till.get(who).id
        );
        till.sql.batch(&set).unwrap();
    };
    for (n, (from, into, stays)) in [
        (
            ("'gold'", 20_260_101),
            ("'silver'", 20_260_301),
            ("gold", 20_260_101),
        ),
        (
            ("'silver'", 20_260_301),
            ("'gold'", 20_260_101),
            ("gold", 20_260_101),
        ),
        (
            ("'silver'", 20_260_301),
            ("'silver'", 20_260_101),
            ("silver", 20_260_301),
        ),
        (
            ("'silver'", 20_260_101),
            ("'silver'", 20_260_301),
            ("silver", 20_260_301),
        ),
        (
            ("'silver'", 20_260_301),
            ("NULL", 20_260_101),
            ("silver", 20_260_301),
        ),
        (
            ("NULL", 20_260_301),
            ("'silver'", 20_260_101),
            ("silver", 20_260_101),
        ),
        (
            ("'lead'", 20_260_301),
            ("'silver'", 20_260_101),
            ("silver", 20_260_101),
        ),
    ]
    .into_iter()
    .enumerate()
    {
        let (a, b) = (format!("a{n}"), format!("b{n}"));
        till.customer(&a, 0);
        till.customer(&b, 0);
        stand(&a, from.0, from.1, 1);
        stand(&b, into.0, into.1, 0);
        till.merge(&a, &b).unwrap();
        let standing = till.must(&b).standing.unwrap();
        let since = sklad_loyalty::ledger::snapshot::day_number(standing.since);
        assert_eq!(
            (standing.tier.as_deref(), since),
            (Some(stays.0), stays.1),
            "{n}"
        );
        assert!(till.must(&b).verified);
    }
}
