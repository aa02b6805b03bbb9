//! Welcome and birthday points, points that are not active yet, and points that expire.

use sklad_loyalty::customers::Person;
use sklad_loyalty::ledger::Posted;

use crate::fixture::*;

#[test]
fn welcome_points_are_given_once_whoever_asks_first() {
    let till = Till::with(r#"{"earning": {"welcome": {"points": 200}}}"#);
    let who = Person {
        phone: Some("89039993344".to_owned()),
        ..person("Анна")
    };
    let (first, new) = till.join("c1", &who);
    assert!(new);
    let (again, new) = till.join("c2", &who);
    assert!(!new && again.id == first.id);
    till.sell(&sale("s", "c2", 0, 5));
    assert_eq!(
        (till.available("c1"), till.sum("c1", "welcome")),
        (205, 200)
    );
    till.adds_up();
}

#[test]
fn welcome_points_wait_and_expire_as_set() {
    let mut till = Till::with(
        r#"{"earning": {"welcome": {"points": 200, "active_after_days": 2, "expire_after_days": 10}}}"#,
    );
    till.join("c", &person("Анна"));
    let at = |till: &mut Till, days: i64| {
        till.now = NOON + days * DAY;
        let account = till.must("c").account;
        (account.available(till.now), account.pending(till.now))
    };
    assert_eq!(at(&mut till, 1), (0, 200));
    assert_eq!(at(&mut till, 2), (200, 0));
    assert_eq!(at(&mut till, 11), (200, 0));
    assert_eq!(at(&mut till, 12), (0, 0));
}

fn born(day: &str) -> Person {
    Person {
        birth_date: Some(day.parse().unwrap()),
        ..person("Анна")
    }
}

const BIRTHDAY: &str = r#"{"earning": {"birthday": {"points": 300, "days_before": 3, "days_after": 3, "expire_after_days": 20}}}"#;

#[test]
fn birthday_points_are_given_once_a_year_whatever_asks_for_them() {
    let mut till = Till::with(BIRTHDAY);
    till.join("c", &born("1990-05-17"));
    assert_eq!(till.birthday("c").account.available(till.now), 300);
    till.birthday("c");
    till.sell(&sale("s", "c", 0, 0));
    till.wait_days(2);
    till.sell(&sale("s2", "c", 0, 0));
    assert_eq!(till.sum("c", "birthday"), 300);
    till.wait_days(40);
    assert_eq!(
        (till.birthday("c").birthday_year, till.available("c")),
        (Some(2026), 0)
    );
    till.now = NOON + 365 * DAY;
    till.sell(&sale("s3", "c", 0, 0));
    assert_eq!((till.sum("c", "birthday"), till.available("c")), (600, 300));
    till.adds_up();
}

#[test]
fn a_sale_on_the_birthday_can_spend_its_points() {
    let till = Till::with(BIRTHDAY);
    till.join("c", &born("1990-05-15"));
    till.sell(&sale("s", "c", 300, 0));
    assert_eq!((till.available("c"), till.flags("s").as_str()), (0, ""));
}

#[test]
fn birthday_points_survive_the_first_of_several_sales_at_once() {
    let till = Till::with(BIRTHDAY);
    till.join("c", &born("1990-05-15"));
    std::thread::scope(|scope| {
        for n in 0..4 {
            let till = till.another();
            scope.spawn(move || {
                if n % 2 == 0 {
                    till.birthday("c");
                } else {
                    till.sell(&sale(&format!("s{n}"), "c", 0, 1));
                }
            });
        }
    });
    assert_eq!((till.sum("c", "birthday"), till.available("c")), (300, 302));
    till.adds_up();
}

#[test]
fn earned_points_wait_for_the_midnight_of_their_day() {
    let mut till = Till::with(r#"{"earning": {"active_after_days": 1, "expire_after_days": 2}}"#);
    till.customer("c", 0);
    till.sell(&sale("s", "c", 0, 50));
    // Midnight in the shop is twelve hours away.
    let midnight = NOON + DAY / 2;
    for (now, available, pending) in [
        (NOON, 0, 50),
        (midnight - 1, 0, 50),
        (midnight, 50, 0),
        (midnight + 2 * DAY - 1, 50, 0),
        (midnight + 2 * DAY, 0, 0),
    ] {
        till.now = now;
        let account = till.must("c").account;
        assert_eq!(
            (account.available(now), account.pending(now)),
            (available, pending),
            "{now}"
        );
    }
}

#[test]
fn expired_points_are_written_off_by_the_next_operation_once() {
    let mut till = Till::with(r#"{"earning": {"expire_after_days": 10}}"#);
    till.customer("c", 7);
    till.sell(&sale("s", "c", 0, 50));
    till.wait_days(10);
    assert_eq!(till.available("c"), 7);
    till.sell(&sale("s2", "c", 0, 0));
    till.sell(&sale("s3", "c", 0, 0));
    assert_eq!((till.sum("c", "expire"), till.get("c").balance), (-50, 7));
    till.adds_up();
}

#[test]
fn what_expires_first_is_spent_first() {
    let mut till = Till::with(r#"{"earning": {"expire_after_days": 10}}"#);
    till.customer("c", 50);
    till.sell(&sale("s1", "c", 0, 30));
    till.wait_days(5);
    till.sell(&sale("s2", "c", 30, 0));
    till.wait_days(20);
    assert_eq!(till.available("c"), 50);
    till.adds_up();
}

#[test]
fn pending_points_pay_an_overdraft_before_they_can_expire() {
    let mut till = Till::with(r#"{"earning": {"active_after_days": 2, "expire_after_days": 10}}"#);
    till.customer("c", 0);
    till.sell(&sale("s1", "c", 0, 100));
    till.sell(&sale("s2", "c", 40, 0));
    assert_eq!(
        (till.available("c"), till.flags("s2").as_str()),
        (-40, "overdraft")
    );
    till.wait_days(3);
    assert_eq!(till.available("c"), 60);
    till.wait_days(30);
    assert_eq!(till.available("c"), 0);
    assert!(matches!(
        till.sell(&sale("s3", "c", 0, 0)),
        Posted::Done { .. }
    ));
    assert_eq!((till.available("c"), till.sum("c", "expire")), (0, -60));
    till.adds_up();
}
