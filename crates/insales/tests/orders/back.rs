//! What the shop says comes back.

use futures::executor::block_on;
use serde_json::json;
use sklad_insales::orders::rows;
use sklad_orders::{Incoming, Status, Who};
use sklad_store::Sql;

use super::fake::Fault;
use super::world::{World, world};

/// An order in the shop, which has it as 500.
fn sent(world: &World) -> String {
    let id = world.make("k").order.id;
    world.run();
    assert_eq!(world.push(&id).unwrap().their_id, Some(500));
    id
}

fn swept(world: &World) {
    world.clock.pass(300_000);
    world.run();
}

fn status(world: &World, id: &str) -> (String, String) {
    let Status { id, name, .. } = world.order(id).status.unwrap();
    (id, name)
}

fn pair(a: &str, b: &str) -> (String, String) {
    (a.to_owned(), b.to_owned())
}

#[test]
fn a_status_comes_back_and_1c_hears_of_it() {
    let world = world();
    let id = sent(&world);
    let heard = sklad_orders::pending(&world.sql, "demo", 10);
    let heard = futures::executor::block_on(heard).unwrap();
    let confirm = sklad_orders::confirm("demo", &[(id.as_str(), heard[0].change)]);
    futures::executor::block_on(sklad_store::Sql::atomic(&world.sql, vec![confirm])).unwrap();
    world.shop.set_status(500, "sent");
    world
        .shop
        .change(500, |order| order["financial_status"] = json!("paid"));
    swept(&world);
    assert_eq!(status(&world, &id), pair("S", "Отправлен"));
    let order = world.order(&id);
    assert!(order.paid_at.is_some() && order.shipped_at.is_some());
    let told = world.history(&id);
    assert_eq!(
        told[1..],
        [
            pair("insales", "paid"),
            pair("insales", "shipped"),
            pair("insales", "status")
        ]
    );
    let heard = futures::executor::block_on(sklad_orders::pending(&world.sql, "demo", 10)).unwrap();
    assert_eq!(heard.len(), 1);
    // What is repeated changes nothing, and nothing of it goes there again.
    let puts = world.shop.bodies.borrow().len();
    for _ in 0..3 {
        swept(&world);
    }
    assert_eq!(world.history(&id).len(), told.len());
    assert_eq!(world.shop.bodies.borrow().len(), puts);
    assert_eq!(puts, 1);
}

#[test]
fn an_unknown_status_is_shown_as_it_is() {
    let world = world();
    let id = sent(&world);
    world.shop.set_status(500, "odd");
    swept(&world);
    assert_eq!(status(&world, &id), pair("", "«odd»"));
    world.shop.set_status(500, "approved");
    swept(&world);
    assert_eq!(status(&world, &id), pair("A", "Подтверждён"));
}

#[test]
fn a_hint_is_followed_at_once_where_it_can_be_ours() {
    let world = world();
    let id = sent(&world);
    world.clock.pass(1_000);
    world.run();
    world.shop.set_status(500, "approved");
    world.asked();
    world.hint(777);
    world.run();
    assert_eq!(world.asked(), [""; 0], "none of ours");
    world.hint(500);
    world.run();
    assert_eq!(world.asked(), ["GET orders.json"]);
    assert_eq!(status(&world, &id), pair("A", "Подтверждён"));
    world.clock.pass(1_000);
    world.run();
    assert_eq!(world.asked(), [""; 0], "it was followed");
    // It may be the order whose answer was lost.
    let other = world.make("other").order.id;
    *world.shop.faults.borrow_mut() = vec![Fault::Done];
    world.step();
    world.hint(501);
    world.step();
    assert_eq!(world.push(&other).unwrap().their_id, Some(501));
    world.run();
    assert_eq!(world.shop.orders.borrow().len(), 2);
}

#[test]
fn who_asks_for_a_run_has_the_list_read_at_once() {
    let world = world();
    let id = sent(&world);
    swept(&world);
    world.shop.set_status(500, "approved");
    world.clock.pass(1_000);
    world.run();
    assert_eq!(status(&world, &id), pair("new", "Новый"));
    let asked = rows::asked(("demo", "c1"), world.clock.0.get());
    block_on(world.sql.atomic(vec![asked])).unwrap();
    world.run();
    assert_ne!(status(&world, &id), pair("new", "Новый"));
}

#[test]
fn a_cancelled_order_is_declined_there_and_the_echo_is_none() {
    for fault in [
        None,
        Some(Fault::Done),
        Some(Fault::Lost),
        Some(Fault::Status(500)),
        Some(Fault::Empty),
    ] {
        let world = world();
        let id = sent(&world);
        world.cancel(&id);
        world.shop.faults.borrow_mut().extend(fault);
        world.run();
        swept(&world);
        assert_eq!(world.shop.status(500), "declined", "{fault:?}");
        let told = [pair("operator", "cancelled"), pair("operator", "status")];
        assert_eq!(world.history(&id)[1..], told, "{fault:?}");
        let push = world.push(&id).unwrap();
        assert_eq!((push.due_at, push.told), (None, None), "{fault:?}");
        // The shop takes it back, and declines it again: both are its own words.
        world.shop.set_status(500, "approved");
        swept(&world);
        assert_eq!(world.order(&id).cancelled_at, None, "{fault:?}");
        world.shop.set_status(500, "declined");
        swept(&world);
        assert!(world.order(&id).cancelled_at.is_some(), "{fault:?}");
        assert_eq!(world.shop.status(500), "declined");
    }
}

#[test]
fn the_word_of_1c_is_passed_on() {
    let world = world();
    let id = sent(&world);
    let said = Incoming {
        id: Some(id.clone()),
        status: Some("[A] Подтверждён".to_owned()),
        ..Incoming::default()
    };
    let now = world.clock.0.get();
    futures::executor::block_on(sklad_orders::apply(&world.sql, "demo", &[said], now)).unwrap();
    world.run();
    assert_eq!(world.shop.status(500), "approved");
    swept(&world);
    assert!(
        !world
            .history(&id)
            .iter()
            .any(|(who, _)| who == Who::Insales.word())
    );
}

#[test]
fn of_two_changes_the_later_counts() {
    let world = world();
    let id = sent(&world);
    // Approved there, and cancelled here before anybody has heard of it.
    world.shop.set_status(500, "approved");
    world.clock.pass(1_000);
    world.cancel(&id);
    world.run();
    swept(&world);
    assert_eq!(world.shop.status(500), "declined");
    assert!(world.order(&id).cancelled_at.is_some());
}

#[test]
fn an_order_that_is_gone_there_is_told() {
    let world = world();
    let id = sent(&world);
    world.shop.orders.borrow_mut().clear();
    world.cancel(&id);
    let (warning, _) = world.run();
    assert!(warning);
    assert_eq!(
        world.push(&id).unwrap().error,
        "этого заказа там больше нет"
    );
    world.run();
    assert_eq!(world.shop.bodies.borrow().len(), 2);
}

#[test]
fn a_shop_with_small_pages_is_read_to_the_end() {
    let world = world();
    for n in 0..60 {
        world.make(&n.to_string());
    }
    world.run();
    world.shop.page.set(25);
    for id in 500..560 {
        world.shop.set_status(id, "approved");
    }
    swept(&world);
    assert_eq!(
        world
            .rows("SELECT 1 FROM orders WHERE document ->> '$.status.id' = 'A'")
            .len(),
        60
    );
}
