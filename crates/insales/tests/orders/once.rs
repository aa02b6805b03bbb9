//! Neither twice nor never.

use futures::executor::block_on;
use sklad_insales::orders::rows::State;
use sklad_insales::orders::{Ended, SETTLE_MS, words};
use sklad_orders::Who;

use super::fake::{EVERY, Fault};
use super::world::world;

#[test]
fn a_lost_answer_is_found_and_not_sent_again() {
    for fault in [Fault::Done, Fault::DoneTooSlow, Fault::Empty, Fault::Html] {
        let world = world();
        world.run();
        let made = world.make("k").order;
        let before = world.clock.0.get();
        *world.shop.faults.borrow_mut() = vec![fault];
        world.run();
        assert_eq!(
            world.shop.numbers(),
            std::slice::from_ref(&made.number),
            "{fault:?}"
        );
        let push = world.push(&made.id).unwrap();
        assert_eq!(
            (push.state, push.their_id),
            (State::Sent, Some(500)),
            "{fault:?}"
        );
        // A look finds it long before it would be sent again.
        assert!(world.clock.0.get() - before < SETTLE_MS, "{fault:?}");
    }
}

#[test]
fn what_did_not_arrive_is_sent_again_only_when_it_cannot_come_any_more() {
    let world = world();
    world.run();
    let made = world.make("k").order;
    *world.shop.faults.borrow_mut() = vec![Fault::Lost];
    let began = world.clock.0.get();
    let sent = || world.shop.bodies.borrow().len();
    while sent() < 2 {
        assert!(world.clock.0.get() - began < 10 * SETTLE_MS);
        match world.step().ended {
            Ended::Later(at) => world.clock.0.set(at),
            Ended::More | Ended::Done { .. } => {}
            other => panic!("{other:?}"),
        }
    }
    assert!(world.clock.0.get() - began >= SETTLE_MS);
    world.run();
    assert_eq!(world.shop.numbers(), [made.number]);
}

#[test]
fn what_comes_late_is_waited_for() {
    for ms in [1_000, 30_000, 55_000, SETTLE_MS - 1_000] {
        let world = world();
        world.run();
        let made = world.make("k").order;
        *world.shop.faults.borrow_mut() = vec![Fault::DoneLater(ms)];
        world.run();
        world.clock.pass(300_000);
        world.run();
        assert_eq!(world.shop.numbers(), [made.number], "{ms}");
        assert_eq!(world.shop.bodies.borrow().len(), 1, "{ms}");
    }
}

#[test]
fn a_process_that_dies_after_the_row_does_not_send_it_twice() {
    for arrived in [false, true] {
        let world = world();
        world.run();
        let made = world.make("k").order;
        *world.shop.faults.borrow_mut() = vec![if arrived { Fault::Done } else { Fault::Lost }];
        world.step();
        // Whoever takes it up knows what the row says, and nothing else.
        assert_eq!(world.push(&made.id).unwrap().state, State::Unclear);
        world.run();
        assert_eq!(world.shop.numbers(), [made.number]);
    }
}

#[test]
fn an_order_of_the_same_number_from_before_is_not_ours() {
    let ours = world().make("k").order;
    let world = world();
    let draft = serde_json::json!({
        "order_lines_attributes": [], "delivery_price": "0.00",
        "fields_values_attributes": [{"value": words::number(("demo", "c1"), &ours)}],
    });
    world.shop.make(&draft);
    world.clock.pass(5 * 3_600_000);
    world.run();
    let now = world.clock.0.get();
    let put = sklad_orders::upsert(
        &world.sql,
        "demo",
        Who::Api,
        std::slice::from_ref(&ours),
        now,
    );
    block_on(put).unwrap();
    *world.shop.faults.borrow_mut() = vec![Fault::Lost];
    world.step();
    // Somebody touches the old one while ours is looked for.
    world.shop.set_status(500, "approved");
    world.run();
    assert_eq!(world.push(&ours.id).unwrap().their_id, Some(501));
}

#[test]
fn two_hundred_orders_over_a_bad_link_are_two_hundred_orders_there() {
    let world = world();
    let mut numbers: Vec<String> = (0..200)
        .map(|n| world.make(&n.to_string()).order.number)
        .collect();
    numbers.sort();
    world.shop.percent.set(30);
    let mut cancelled = Vec::new();
    for round in 0..12 {
        world.run();
        if round == 2 {
            world.shop.set_status(500, "approved");
            for row in
                world.rows("SELECT order_id FROM order_pushes WHERE their_id IN (510, 511, 512)")
            {
                world.cancel(&row.string(0));
                cancelled.push(row.string(0));
            }
        }
        world.clock.pass(300_000);
    }
    world.shop.percent.set(0);
    for _ in 0..3 {
        world.clock.pass(300_000);
        world.run();
    }
    assert_eq!(world.shop.numbers(), numbers);
    let sent = world
        .rows("SELECT 1 FROM order_pushes WHERE state = 'sent' AND due_at IS NULL AND error = ''");
    assert_eq!(sent.len(), 200);
    assert_eq!(
        world
            .rows("SELECT DISTINCT their_id FROM order_pushes")
            .len(),
        200
    );
    assert_eq!(cancelled.len(), 3);
    for id in 510..=512 {
        assert_eq!(world.shop.status(id), "declined");
    }
    let approved = world.rows("SELECT 1 FROM orders WHERE document ->> '$.status.id' = 'A'");
    assert_eq!(approved.len(), 1);
}

#[test]
fn every_fault_alone_makes_one_order() {
    for fault in EVERY {
        for again in [1, 2, 3] {
            let world = world();
            world.run();
            let made = world.make("k").order;
            *world.shop.faults.borrow_mut() = vec![fault; again];
            world.run();
            world.clock.pass(600_000);
            world.run();
            assert_eq!(world.shop.numbers(), [made.number], "{again} × {fault:?}");
            assert_eq!(
                world.push(&made.id).unwrap().state,
                State::Sent,
                "{fault:?}"
            );
        }
    }
}
