//! Sales: never refused, by the rules where the till knew none, and apart from other tenants.

use sklad_loyalty::customers::Identity;
use sklad_loyalty::ledger::{Posted, Sale};

use crate::fixture::*;

#[test]
fn a_sale_spends_and_earns_what_the_quote_decided() {
    let till = Till::new();
    till.customer("c", 100);
    assert_eq!(done(&till.sell(&sale("s", "c", 30, 45))), (30, 45));
    assert_eq!(till.available("c"), 115);
    assert_eq!((till.sum("c", "spend"), till.sum("c", "earn")), (-30, 45));
    assert_eq!(till.flags("s"), "");
    till.adds_up();
}

#[test]
fn a_sale_beyond_the_balance_is_posted_and_flagged() {
    let till = Till::new();
    till.customer("c", 10);
    assert_eq!(done(&till.sell(&sale("s", "c", 50, 0))), (50, 0));
    assert_eq!(
        (till.available("c"), till.flags("s").as_str()),
        (-40, "overdraft")
    );
    assert_eq!((till.get("c").balance, till.get("c").overdraft), (-40, 40));
    assert!(till.warned("sale", "списано больше"));
    // The next points pay it first; nothing is an overdraft any more.
    till.sell(&sale("s2", "c", 0, 70));
    assert_eq!((till.available("c"), till.flags("s2").as_str()), (30, ""));
    till.adds_up();
}

#[test]
fn an_overdraft_is_flagged_only_by_the_sale_that_made_it() {
    let till = Till::new();
    till.customer("c", 0);
    till.sell(&sale("s1", "c", 5, 0));
    till.sell(&sale("s2", "c", 0, 0));
    till.sell(&sale("s3", "c", 1, 0));
    let flags = ["s1", "s2", "s3"].map(|s| till.flags(s));
    assert_eq!(flags, ["overdraft", "", "overdraft"]);
}

#[test]
fn negative_points_of_a_call_change_nothing() {
    let till = Till::new();
    till.customer("c", 10);
    assert_eq!(done(&till.sell(&sale("s", "c", -5, -7))), (0, 0));
    assert_eq!(till.available("c"), 10);
    till.adds_up();
}

#[test]
fn an_anonymous_sale_is_kept_without_points() {
    let till = Till::new();
    let sale = Sale {
        identity: Identity::default(),
        ..sale("s", "", 5, 7)
    };
    assert_eq!(
        till.sell(&sale),
        Posted::Done {
            customer: None,
            spend: 0,
            earn: 0
        }
    );
    assert_eq!(till.sell(&sale), Posted::Repeated);
    assert!(till.list().is_empty());
}

#[test]
fn an_unknown_customer_is_created_by_his_sale_or_not_as_the_shop_wants() {
    let mut till = Till::with(r#"{"earning": {"welcome": {"points": 20}}}"#);
    till.create_unknown = false;
    assert_eq!(done(&till.sell(&sale("s1", "c", 0, 5))), (0, 0));
    assert!(till.find(&ids(["c"])).is_none());
    till.create_unknown = true;
    assert_eq!(done(&till.sell(&sale("s2", "c", 0, 5))), (0, 5));
    assert_eq!(till.available("c"), 25);
    till.adds_up();
}

#[test]
fn a_sale_without_points_earns_by_the_rules_of_its_own_moment() {
    let mut till = Till::with(
        r#"{"earning": {"percent": 5, "expire_after_days": 30,
            "schedule": [{"days": ["thu"], "percent": 10}]}}"#,
    );
    till.customer("c", 0);
    let offline = |id: &str, moment: i64| Sale {
        spend: None,
        earn: None,
        moment,
        ..sale(id, "c", 0, 0)
    };
    // 15 May 2026 is a Friday. Paid: 900 rubles.
    assert_eq!(done(&till.sell(&offline("friday", NOON))), (0, 45));
    assert_eq!(done(&till.sell(&offline("thursday", NOON - DAY))), (0, 90));
    // The points live from the day of the sale, not from the day on which it became known.
    till.now = NOON + 29 * DAY;
    assert_eq!(till.available("c"), 45);
    till.now = NOON + 30 * DAY;
    assert_eq!(till.available("c"), 0);
    till.adds_up();
}

#[test]
fn a_sale_without_points_knows_the_goods() {
    let till = Till::with(r#"{"earning": {"percent": 5, "excluded_categories": ["smoke"]}}"#);
    till.customer("c", 0);
    till.sql
        .batch(
            "INSERT INTO categories (tenant, id, path, updated_at) VALUES ('north', 'smoke', '[\"smoke\"]', 0);
             INSERT INTO goods (tenant, id, category, updated_at) VALUES ('north', 'g', 'smoke', 0);
             INSERT INTO good_ids (tenant, kind, value, good) VALUES ('north', 'uuid', 'tea', 'g')",
        )
        .unwrap();
    let mixed = Sale {
        earn: None,
        positions: vec![pieces("tea", 1, 500, 500), pieces("other", 1, 100, 100)],
        ..sale("s", "c", 0, 0)
    };
    assert_eq!(done(&till.sell(&mixed)), (0, 5));
}

#[test]
fn the_till_that_spent_points_without_saying_what_was_earned_earns_on_the_rest() {
    let till = Till::new();
    till.customer("c", 100);
    let half = Sale {
        earn: None,
        ..sale("s", "c", 100, 0)
    };
    assert_eq!(done(&till.sell(&half)), (100, 45));
    assert_eq!(till.available("c"), 45);
}

#[test]
fn tenants_cannot_see_each_other_by_anything() {
    let north = Till::new();
    let south = north.of("south");
    let who = sklad_loyalty::customers::Person {
        phone: Some("+7 903 999-33-44".to_owned()),
        card: Some("KL-71".to_owned()),
        email: Some("a@b.ru".to_owned()),
        ..person("Иванов Пётр")
    };
    let (customer, _) = north.join("c", &who);
    north.adjust(&customer.id, "k", 100).unwrap();
    north.sell(&sale("s", "c", 10, 0));
    north.take_back(&back("r", "s", 1));

    for identity in [
        ids(["c"]),
        ids([customer.id.as_str()]),
        phone("89039993344"),
        card("kl-71"),
    ] {
        assert!(south.find(&identity).is_none(), "{identity:?}");
    }
    for typed in [
        "Иванов",
        "9039993344",
        "3344",
        "KL-71",
        "a@b.ru",
        "https://x.ru/KL-71",
        &customer.id,
    ] {
        assert!(south.search(typed).is_empty(), "{typed}");
        assert_eq!(north.search(typed).len(), 1, "{typed}");
    }
    assert!(south.list().is_empty());
    assert!(south.adjust(&customer.id, "k2", 1).is_err());

    // The same phone, card, ids, documents and request keys are somebody else there.
    let (twin, new) = south.join("c", &who);
    assert!(new && twin.id != customer.id);
    assert!(!south.adjust("c", "k", 7).unwrap().repeated);
    assert_eq!(done(&south.take_back(&back("r", "s", 1))), (0, 0));
    assert_eq!(done(&south.sell(&sale("s", "c", 2, 0))), (2, 0));
    assert_eq!((north.available("c"), south.available("c")), (91, 5));
    let there = futures::executor::block_on(sklad_loyalty::ledger::entries(
        &south.sql,
        "south",
        &customer.id,
        None,
        10,
    ));
    assert!(there.unwrap().is_empty());
    north.adds_up();
    south.adds_up();
}

#[test]
fn a_sale_that_has_been_answered_is_in_the_file() {
    let till = Till::new();
    till.customer("c", 10);
    till.sell(&sale("s", "c", 10, 3));
    let later = till.another();
    drop(till.sql);
    assert_eq!(later.available("c"), 3);
    assert_eq!(later.sell(&sale("s", "c", 10, 3)), Posted::Repeated);
}
