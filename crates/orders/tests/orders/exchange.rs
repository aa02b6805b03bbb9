//! What 1C has yet to hear of, its confirmations, its own word.

use futures::executor::block_on;
use sklad_orders::{Incoming, MAX_PENDING, Order, Pending, Status, Who, apply, pending, upsert};

use super::{order, world};

fn word(id: &str) -> Incoming {
    Incoming {
        id: Some(id.to_owned()),
        ..Incoming::default()
    }
}

fn commented(id: &str, comment: &str) -> Order {
    Order {
        comment: Some(comment.to_owned()),
        ..order(id)
    }
}

#[test]
fn an_order_stays_pending_until_it_is_confirmed() {
    let world = world();
    world.put(&[order("a"), order("b")], 1).unwrap();
    let lost = world.pending();
    assert_eq!(lost.len(), 2);
    // The reply was lost: the question asked again has the same answer.
    assert_eq!(world.pending(), lost);
    assert_eq!(world.confirm("demo", &lost), 2);
    assert_eq!(world.pending(), []);
    // The confirmation was lost on its way back, and comes again.
    assert_eq!(world.confirm("demo", &lost), 0);
    assert!(!world.get("a").unwrap().pending);
}

#[test]
fn what_changes_between_question_and_confirmation_stays_pending() {
    let world = world();
    world.put(&[order("a"), order("b")], 1).unwrap();
    let asked = world.pending();
    world.put(&[commented("a", "позвоните")], 2).unwrap();
    assert_eq!(world.confirm("demo", &asked), 1);
    let left = world.pending();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].order.comment.as_deref(), Some("позвоните"));
    assert!(left[0].change > asked[1].change);
    assert_eq!(world.confirm("demo", &left), 1);
    assert_eq!(world.pending(), []);
}

#[test]
fn a_second_question_has_what_came_in_between_too() {
    let world = world();
    world.put(&[order("a")], 1).unwrap();
    let first = world.pending();
    world.put(&[order("b")], 2).unwrap();
    assert_eq!(world.pending_ids(), ["a", "b"]);
    assert_eq!(world.confirm("demo", &first), 1);
    assert_eq!(world.pending_ids(), ["b"]);
}

#[test]
fn orders_come_in_the_order_of_their_changes() {
    let world = world();
    world.put(&[order("c"), order("a"), order("b")], 1).unwrap();
    assert_eq!(world.pending_ids(), ["c", "a", "b"]);
    let mixed = [order("d"), commented("c", "срочно"), order("e")];
    assert_eq!(world.counts(&mixed, 2), (2, 1, 0));
    let ids = world.pending_ids();
    assert_eq!(ids[..2], ["a", "b"]);
    assert_eq!(ids.len(), 5);
    let changes: Vec<i64> = world.pending().iter().map(|p| p.change).collect();
    assert!(changes.is_sorted_by(|a, b| a < b));
}

#[test]
fn one_reply_has_a_hundred_orders_and_the_rest_comes_next() {
    let world = world();
    let orders: Vec<Order> = (0..150).map(|i| order(&format!("{i:03}"))).collect();
    for batch in orders.chunks(100) {
        world.put(batch, 1).unwrap();
    }
    let first = world.pending();
    assert_eq!(first.len(), MAX_PENDING);
    assert_eq!(world.confirm("demo", &first), 100);
    let rest = world.pending_ids();
    assert_eq!(rest.len(), 50);
    assert_eq!(rest[0], "100");
}

#[test]
fn a_confirmation_of_what_is_not_there_marks_nothing() {
    let world = world();
    world.put(&[order("a")], 1).unwrap();
    let known = world.pending();
    let heard = |id: &str, change| Pending {
        order: order(id),
        change,
    };
    assert_eq!(world.confirm("demo", &[]), 0);
    assert_eq!(world.confirm("demo", &[heard("x", known[0].change)]), 0);
    assert_eq!(world.confirm("demo", &[heard("a", known[0].change + 1)]), 0);
    assert_eq!(world.confirm("other", &known), 0);
    assert_eq!(world.pending(), known);
}

#[test]
fn the_word_of_1c_is_no_change_for_1c() {
    let world = world();
    world.put(&[order("a"), order("b")], 1).unwrap();
    world.confirm("demo", &world.pending());
    let incoming = Incoming {
        number_1c: Some("ТК-000026".to_owned()),
        date_1c: Some(50),
        status: Some("[F] Доставлен".to_owned()),
        paid_at: Some(60),
        shipped_at: Some(70),
        posted: Some(true),
        sum: Some(10_000),
        ..word("a")
    };
    let done = world.apply(std::slice::from_ref(&incoming), 5);
    assert_eq!((done.changed, done.unchanged), (1, 0));
    assert_eq!(world.pending(), []);
    let stored = world.get("a").unwrap();
    assert_eq!(
        (stored.order.paid_at, stored.order.shipped_at),
        (Some(60), Some(70))
    );
    assert_eq!(stored.order.status.unwrap().id, "F");
    assert_eq!(stored.from_1c.number.as_deref(), Some("ТК-000026"));
    assert_eq!((stored.from_1c.posted, stored.updated_at), (true, 5));
    // The same document once more.
    let done = world.apply(&[incoming], 6);
    assert_eq!((done.changed, done.unchanged), (0, 1));
    assert_eq!(world.get("a").unwrap().updated_at, 5);
}

#[test]
fn a_document_means_an_order_by_id_and_else_by_number() {
    let world = world();
    let crossed = Order {
        number: "a".to_owned(),
        ..order("b")
    };
    world.put(&[order("a"), crossed], 1).unwrap();
    let by_number = Incoming {
        number: Some("N-a".to_owned()),
        posted: Some(true),
        ..Incoming::default()
    };
    let both = Incoming {
        number: Some("a".to_owned()),
        deleted: Some(true),
        ..word(" a ")
    };
    let unknown_id = Incoming {
        number: Some("a".to_owned()),
        deleted: Some(true),
        ..word("in-1c")
    };
    let done = world.apply(
        &[by_number, both, unknown_id, word("x"), Incoming::default()],
        2,
    );
    assert_eq!((done.changed, done.unchanged), (3, 0));
    assert_eq!(done.unknown, ["x", ""]);
    let (a, b) = (world.get("N-a").unwrap(), world.get("b").unwrap());
    assert!(a.from_1c.posted && a.from_1c.deleted);
    assert!(!b.from_1c.posted && b.from_1c.deleted);
    // An id goes before a number.
    assert_eq!(world.get("a").unwrap().order.id, "a");
}

#[test]
fn a_shop_that_has_not_heard_of_a_payment_does_not_undo_it() {
    let world = world();
    world.put(&[order("a")], 1).unwrap();
    let paid = Incoming {
        paid_at: Some(60),
        cancelled: Some(false),
        ..word("a")
    };
    world.apply(std::slice::from_ref(&paid), 2);
    world.put(&[commented("a", "позвоните")], 3).unwrap();
    let stored = world.get("a").unwrap().order;
    assert_eq!((stored.paid_at, stored.cancelled_at), (Some(60), None));
    // It adopts the payment: nothing new for 1C.
    world.confirm("demo", &world.pending());
    assert_eq!(world.counts(std::slice::from_ref(&stored), 4), (0, 0, 1));
    assert_eq!(world.pending(), []);
    // It takes the money back: a change, which the old word of 1C does not undo.
    let refunded = Order {
        paid_at: None,
        ..stored
    };
    assert_eq!(world.counts(&[refunded], 5), (0, 1, 0));
    world.apply(&[paid], 6);
    assert_eq!(world.get("a").unwrap().order.paid_at, None);
    assert_eq!(world.pending_ids(), ["a"]);
}

#[test]
fn a_repeated_status_of_1c_does_not_undo_the_shops() {
    let world = world();
    let with = |name: &str| Order {
        status: Some(Status {
            id: "S".to_owned(),
            name: name.to_owned(),
            ..Status::default()
        }),
        ..order("a")
    };
    let says = |status: &str| Incoming {
        status: Some(status.to_owned()),
        ..word("a")
    };
    let status = |world: &super::World| world.get("a").unwrap().order.status.unwrap().name;
    world.put(&[with("Новый")], 1).unwrap();
    world.apply(&[says("В работе")], 2);
    assert_eq!(status(&world), "В работе");
    world.put(&[with("Готов")], 3).unwrap();
    world.apply(&[says("В работе")], 4);
    assert_eq!(status(&world), "Готов");
    world.apply(&[says("Выдан")], 5);
    assert_eq!(status(&world), "Выдан");
}

#[test]
fn a_cancellation_is_taken_back_by_who_made_it() {
    let world = world();
    world.put(&[order("a")], 1).unwrap();
    let says = |cancelled| Incoming {
        cancelled: Some(cancelled),
        ..word("a")
    };
    let cancelled = || world.get("a").unwrap().order.cancelled_at;
    world.apply(&[says(true)], 7);
    assert_eq!(cancelled(), Some(7));
    world.apply(&[says(false)], 8);
    assert_eq!(cancelled(), None);
    let by_shop = Order {
        cancelled_at: Some(9),
        ..order("a")
    };
    world.put(&[by_shop], 9).unwrap();
    world.apply(&[says(false)], 10);
    assert_eq!(cancelled(), Some(9));
}

#[test]
fn many_documents_are_applied_and_one_order_may_be_in_several() {
    let world = world();
    let orders: Vec<Order> = (0..100).map(|i| order(&format!("{i:03}"))).collect();
    world.put(&orders, 1).unwrap();
    let mut incoming: Vec<Incoming> = (0..250)
        .map(|i| Incoming {
            posted: Some(true),
            ..word(&format!("{i:03}"))
        })
        .collect();
    let unposted = Incoming {
        posted: Some(false),
        ..word("000")
    };
    incoming.insert(1, unposted);
    let done = world.apply(&incoming, 2);
    assert_eq!((done.changed, done.unchanged), (101, 0));
    assert_eq!(done.unknown.len(), 150);
    assert!(!world.get("000").unwrap().from_1c.posted);
    assert!(world.get("099").unwrap().from_1c.posted);
}

#[test]
fn tenants_do_not_see_each_other() {
    let world = world();
    world.put(&[order("a")], 1).unwrap();
    let other = block_on(pending(&world.sql, "other", 100)).unwrap();
    assert_eq!(other, []);
    let posted = Incoming {
        number: Some("N-a".to_owned()),
        posted: Some(true),
        ..word("a")
    };
    let done = block_on(apply(&world.sql, "other", &[posted], 2)).unwrap();
    assert_eq!(done.unknown, ["a"]);
    assert!(!world.get("a").unwrap().from_1c.posted);
    // Their changes are counted apart.
    let same = [order("a")];
    let done = block_on(upsert(&world.sql, "other", Who::Api, &same, 3)).unwrap();
    assert_eq!(done.created, 1);
    let theirs = block_on(pending(&world.sql, "other", 100)).unwrap();
    assert_eq!(theirs[0].change, world.pending()[0].change);
    assert_eq!(world.confirm("other", &theirs), 1);
    assert_eq!(world.pending_ids(), ["a"]);
}
