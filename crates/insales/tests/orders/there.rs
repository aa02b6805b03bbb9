//! Orders get there.

use futures::executor::block_on;
use serde_json::json;
use sklad_insales::orders::rows::{self, State};
use sklad_insales::orders::view::Again;
use sklad_insales::orders::{view, wake, words};
use sklad_orders::{Customer, Item, Order, Who};
use sklad_store::Sql;

use super::fake::Fault;
use super::world::{NOW, told, told as told_of, world};

#[test]
fn an_order_appears_in_the_shop_once() {
    let world = world();
    let mut new = world.new_order(3);
    new.discount_kopecks = 1_000;
    new.customer = Customer {
        name: "Мария".to_owned(),
        phone: Some("+79030000001".to_owned()),
        ..Customer::default()
    };
    let made = world.make_of("k", &new);
    let (warning, text) = world.run();
    assert_eq!((warning, text.as_str()), (false, "передано заказов: 1"));
    assert_eq!(
        world.shop.numbers(),
        std::slice::from_ref(&made.order.number)
    );
    let body = world.shop.bodies.borrow()[0].clone();
    assert_eq!(body["order"]["payment_gateway_id"], json!(11));
    assert_eq!(
        body["order"]["order_lines_attributes"][0]["variant_id"],
        json!(32)
    );
    let push = world.push(&made.order.id).unwrap();
    assert_eq!(
        (push.state, push.their_id, push.due_at),
        (State::Sent, Some(500), None)
    );
    assert_eq!(
        (push.their_number.as_str(), push.error.as_str()),
        ("1000", "")
    );
    assert_eq!(world.journal(), ["Заказ 1 передан в InSales: номер 1000"]);
    for _ in 0..3 {
        world.clock.pass(300_000);
        world.run();
    }
    assert_eq!(world.shop.orders.borrow().len(), 1);
    assert_eq!(world.shop.bodies.borrow().len(), 1);
    // Nothing of it is a change of our order.
    assert_eq!(
        world.history(&made.order.id),
        [("api".to_owned(), "created".to_owned())]
    );
}

#[test]
fn without_orders_and_time_the_shop_is_not_asked() {
    let world = world();
    world.run();
    assert_eq!(world.asked(), ["GET fields.json", "GET orders.json"]);
    world.clock.pass(60_000);
    world.run();
    assert_eq!(world.asked(), [""; 0]);
    for n in 0..40 {
        world.make(&n.to_string());
    }
    world.run();
    assert_eq!(world.shop.orders.borrow().len(), 40);
    world.asked();
    for _ in 0..3 {
        world.clock.pass(300_000);
        world.run();
    }
    // Twice what is young is read again, then nothing is left.
    world.asked();
    world.clock.pass(300_000);
    world.run();
    assert_eq!(world.asked(), ["GET orders.json"]);
}

#[test]
fn who_made_it_and_when_decides_whether_it_goes_there() {
    let world = world();
    // Of another system, with goods of its own; of another company; from before.
    let foreign = Order {
        id: "foreign".to_owned(),
        number: "F-1".to_owned(),
        currency: "RUB".to_owned(),
        rate: 10_000,
        sum_kopecks: 100,
        items: vec![Item {
            id: "x".to_owned(),
            name: "Икс".to_owned(),
            price_kopecks: 100,
            quantity_thousandths: 1_000,
            sum_kopecks: 100,
            ..Item::default()
        }],
        ..Order::default()
    };
    let put = |order: &Order, at| {
        let done = sklad_orders::upsert(
            &world.sql,
            "demo",
            Who::Api,
            std::slice::from_ref(order),
            at,
        );
        futures::executor::block_on(done).unwrap();
    };
    put(&foreign, NOW);
    let old = Order {
        id: "old".to_owned(),
        number: "O-1".to_owned(),
        ..foreign
    };
    let with_offer = |order: &Order| Order {
        items: vec![Item {
            offer: Some("9c56720c-e8a7-4fdc-aea4-7104f28207be".to_owned()),
            ..order.items[0].clone()
        }],
        ..order.clone()
    };
    put(&with_offer(&old), NOW - 3_600_000);
    put(
        &Order {
            comment: Some("другое".to_owned()),
            ..with_offer(&old)
        },
        NOW + 1,
    );
    let cancelled = world.make("k").order.id;
    world.cancel(&cancelled);
    world.run();
    assert!(world.shop.orders.borrow().is_empty());
    assert!(world.rows("SELECT 1 FROM order_pushes").is_empty());
}

#[test]
fn what_cannot_be_sent_is_told_and_tried_again_when_a_person_says_so() {
    let mut world = world();
    world.connect();
    let mut new = world.new_order(1);
    new.payment.as_mut().unwrap().id = "card".to_owned();
    let made = world.make_of("k", &new).order;
    let (warning, text) = world.run();
    assert_eq!((warning, text.as_str()), (true, "не передано: 1"));
    let push = world.push(&made.id).unwrap();
    assert_eq!(push.state, State::Refused);
    assert!(push.error.contains("«card»"), "{}", push.error);
    assert!(world.journal()[0].starts_with("Заказ 1 не передан в InSales: для вида оплаты"));
    world.run();
    assert_eq!(world.shop.bodies.borrow().len(), 0);
    world.settings.payments.insert("card".to_owned(), 12);
    let again = |world: &super::world::World| {
        let now = world.clock.0.get();
        block_on(view::again(&world.sql, "demo", &made, told(&made), now)).unwrap()
    };
    // The shop's own words.
    *world.shop.refusal.borrow_mut() =
        Some((422, json!({"errors": {"client.phone": ["неверный"]}})));
    assert_eq!(again(&world), Again::Goes);
    world.run();
    let refused = world.push(&made.id).unwrap();
    assert!(
        refused.error.ends_with("телефон покупателя неверный"),
        "{}",
        refused.error
    );
    *world.shop.refusal.borrow_mut() = None;
    assert_eq!(again(&world), Again::Goes);
    world.run();
    assert_eq!(world.push(&made.id).unwrap().state, State::Sent);
    assert_eq!(world.push(&made.id).unwrap().error, "");
    assert_eq!(again(&world), Again::Nothing, "it is there");
}

#[test]
fn without_a_field_for_our_number_nothing_is_sent() {
    let world = world();
    *world.shop.field.borrow_mut() = "another";
    let made = world.make("k").order;
    let (warning, text) = world.run();
    assert!(
        warning && text.contains("нет поля заказа с именем sklad_edge_number"),
        "{text}"
    );
    assert_eq!(world.push(&made.id).unwrap().state, State::Due);
    *world.shop.field.borrow_mut() = "sklad_edge_number";
    world.run();
    assert_eq!(world.shop.numbers(), [made.number]);
}

#[test]
fn that_the_field_was_deleted_in_the_shop_is_seen_with_the_next_order() {
    let world = world();
    world.make("a");
    world.run();
    *world.shop.field.borrow_mut() = "another";
    for key in ["b", "c"] {
        world.make(key);
    }
    let (warning, text) = world.run();
    assert!(warning && text.contains("нет поля заказа"), "{text}");
    assert_eq!(world.shop.orders.borrow().len(), 2, "{text}");
    *world.shop.field.borrow_mut() = "sklad_edge_number";
    world.run();
    assert_eq!(world.shop.orders.borrow().len(), 3);
}

#[test]
fn an_order_is_seen_to_be_due_at_once_and_an_older_one_can_be_passed_on_too() {
    let world = world();
    let made = |key: &str, at: i64| {
        let new = world.new_order(1);
        let made = sklad_orders::create(&world.sql, "demo", Who::Api, key, &new, at, told);
        block_on(made).unwrap().stored.order
    };
    let now = world.clock.0.get();
    let again = |order: &Order| block_on(view::again(&world.sql, "demo", order, told(order), now));
    let seen = |order: &Order| {
        let view = block_on(view::get(&world.sql, "demo", &order.id)).unwrap();
        view.map(|view| (view.connection, view.state))
    };
    let due = Some(("c1".to_owned(), "due"));
    let old = made("old", NOW - 3_600_000);
    assert_eq!(again(&old), Ok(Again::Nowhere), "nobody passes it on");
    world.connect();
    let new = made("new", now);
    let woken = block_on(wake(&world.sql, "demo", Some(&new), now)).unwrap();
    block_on(world.sql.atomic(woken)).unwrap();
    assert_eq!(seen(&new), due);
    assert_eq!(seen(&old), None);
    assert_eq!(again(&old), Ok(Again::Goes));
    assert_eq!(seen(&old), due);
    // Of another company.
    let foreign = Order {
        id: "foreign".to_owned(),
        company: Some("second".to_owned()),
        ..old
    };
    assert_eq!(again(&foreign), Ok(Again::Nowhere));
}

#[test]
fn what_may_be_in_a_shop_that_is_left_waits_for_a_person() {
    let world = world();
    world.run();
    let made = world.make("a").order;
    *world.shop.faults.borrow_mut() = vec![Fault::Lost];
    world.step();
    assert_eq!(world.push(&made.id).unwrap().state, State::Unclear);
    let now = world.clock.0.get();
    block_on(world.sql.atomic(vec![rows::moved("demo", "c1", now)])).unwrap();
    let push = world.push(&made.id).unwrap();
    assert_eq!((push.state, push.due_at), (State::Refused, None));
    assert!(
        push.error.starts_with("Подключение сменили"),
        "{}",
        push.error
    );
    world.run();
    assert!(world.shop.orders.borrow().is_empty());
}

#[test]
fn a_wrong_key_stops_the_run_and_loses_nothing() {
    let world = world();
    world.run();
    let made = world.make("k").order;
    *world.shop.faults.borrow_mut() = vec![Fault::Status(401)];
    assert_eq!(
        world.failure(),
        Some(sklad_insales::api::Error::NotAuthorised)
    );
    let push = world.push(&made.id).unwrap();
    assert_eq!((push.state, push.asked_at), (State::Due, None));
    world.run();
    assert_eq!(world.shop.numbers(), [made.number]);
}

#[test]
fn another_sum_in_the_shop_is_told_as_long_as_it_is_another() {
    let world = world();
    world.connect();
    world.shop.dearer.set(100);
    let made = world.make("k").order;
    world.run();
    let wrong = || world.push(&made.id).unwrap().error;
    assert_eq!(world.push(&made.id).unwrap().state, State::Sent);
    let dearer = "в InSales сумма заказа 251,00 ₽, а здесь 250,00 ₽";
    assert_eq!(wrong(), dearer);
    let told = || {
        world
            .journal()
            .iter()
            .filter(|row| row.contains("сумма"))
            .count()
    };
    assert_eq!(told(), 1);
    // To try again mends nothing, and hides nothing.
    let now = world.clock.0.get();
    let again = view::again(&world.sql, "demo", &made, told_of(&made), now);
    assert_eq!(block_on(again), Ok(Again::Nothing));
    assert_eq!(wrong(), dearer);
    world
        .shop
        .change(500, |order| order["total_price"] = "250.0".into());
    world.hint(500);
    world.run();
    assert_eq!((wrong().as_str(), told()), ("", 1));
    // The order is changed here.
    let more = Order {
        sum_kopecks: 50_000,
        items: vec![Item {
            quantity_thousandths: 2_000,
            sum_kopecks: 50_000,
            ..made.items[0].clone()
        }],
        ..world.order(&made.id)
    };
    let now = world.clock.0.get();
    let put = sklad_orders::upsert(
        &world.sql,
        "demo",
        Who::Api,
        std::slice::from_ref(&more),
        now,
    );
    block_on(put).unwrap();
    world.run();
    assert_eq!(wrong(), "в InSales сумма заказа 250,00 ₽, а здесь 500,00 ₽");
    assert_eq!(told(), 2);
}

#[test]
fn that_an_order_was_deleted_there_is_told_and_it_hears_nothing_more() {
    let world = world();
    let made = world.make("k").order;
    world.run();
    world
        .shop
        .change(500, |order| order["archived"] = true.into());
    world.hint(500);
    world.run();
    let push = world.push(&made.id).unwrap();
    assert_eq!(push.error, "заказ удалён в InSales");
    let told = "Заказ 1: заказ удалён в InSales".to_owned();
    assert!(world.journal().contains(&told));
    let bodies = world.shop.bodies.borrow().len();
    world.cancel(&made.id);
    world.run();
    assert_eq!(world.shop.bodies.borrow().len(), bodies);
}

#[test]
fn orders_of_one_number_from_two_cabinets_are_not_taken_for_each_other() {
    let world = world();
    world.run();
    let made = world.make("k").order;
    let foreign = serde_json::json!({
        "order_lines_attributes": [], "delivery_price": "0.00",
        "fields_values_attributes": [{"value": words::number(("other", "c1"), &made)}],
    });
    *world.shop.faults.borrow_mut() = vec![Fault::Lost];
    world.step();
    world.shop.make(&foreign);
    world.run();
    assert_eq!(world.push(&made.id).unwrap().their_id, Some(501));
    assert_eq!(world.shop.numbers(), ["1", "1"]);
}

#[test]
fn what_was_on_its_way_when_the_connection_was_removed_waits_for_a_person() {
    let world = world();
    world.run();
    let lost = world.make("lost").order;
    *world.shop.faults.borrow_mut() = vec![Fault::Lost];
    world.step();
    let due = world.make("due").order;
    world.step();
    *world.shop.faults.borrow_mut() = vec![Fault::Status(401)];
    world.step();
    let gone = rows::forget("demo", "c1", world.clock.0.get());
    let waiting = || block_on(rows::waiting(&world.sql, "demo", "c1")).unwrap();
    assert!(waiting() > 0);
    block_on(world.sql.atomic(gone)).unwrap();
    assert_eq!(waiting(), 0);
    for order in [&lost, &due] {
        let push = world.push(&order.id).unwrap();
        if push.state != State::Sent {
            assert_eq!((push.state, push.due_at), (State::Refused, None));
            assert!(push.error.starts_with("Подключение"), "{}", push.error);
        }
    }
    assert_eq!(world.push(&lost.id).unwrap().state, State::Refused);
    // Connected again, the orders go by hand.
    world.connect();
    let now = world.clock.0.get();
    let again = view::again(&world.sql, "demo", &lost, told_of(&lost), now);
    assert_eq!(block_on(again), Ok(Again::Goes));
    world.run();
    assert_eq!(world.push(&lost.id).unwrap().state, State::Sent);
}
