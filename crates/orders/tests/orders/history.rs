//! Who changed what, and cancelling.

use futures::executor::block_on;
use serde_json::json;
use sklad_connections::companies;
use sklad_orders::{Error, Event, Incoming, Order, Status, Stored, Who, cancel, history};

use super::create::{coffee, new, shop, told};
use super::{World, order, world};

impl World {
    pub(crate) fn history(&self, id: &str) -> Vec<Event> {
        block_on(history(&self.sql, "demo", id, None, 500)).unwrap()
    }

    fn cancel(&self, key: &str, at: i64) -> Result<Option<Stored>, Error> {
        let why = " Передумал ";
        block_on(cancel(&self.sql, "demo", Who::Operator, key, why, at, told))
    }
}

/// Who and what, in their order.
fn words(events: &[Event]) -> Vec<(&str, &str)> {
    events
        .iter()
        .map(|e| (e.who.as_str(), e.what.as_str()))
        .collect()
}

#[test]
fn every_change_is_told_with_who_made_it() {
    let world = world();
    world.put(&[order("a"), order("b")], 1).unwrap();
    world.put(&[order("a")], 2).unwrap();
    assert_eq!(words(&world.history("a")), [("api", "created")]);
    let changed = Order {
        status: Some(Status {
            id: "P".to_owned(),
            name: "Оплачен".to_owned(),
            ..Status::default()
        }),
        paid_at: Some(3),
        comment: Some("Домофон 7".to_owned()),
        ..order("a")
    };
    world.put(&[changed], 3).unwrap();
    let said = Incoming {
        id: Some("a".to_owned()),
        status: Some("[F] Доставлен".to_owned()),
        ..Incoming::default()
    };
    world.apply(&[said.clone(), said], 4);
    let events = world.history("a");
    let expected = [
        ("api", "created"),
        ("api", "comment"),
        ("api", "paid"),
        ("api", "status"),
        ("1c", "accounting"),
        ("1c", "status"),
    ];
    assert_eq!(words(&events), expected);
    let last = events.last().unwrap();
    assert_eq!((last.version, last.at), (3, 4));
    assert_eq!(last.was.as_ref().unwrap()["name"], json!("Оплачен"));
    assert_eq!(last.became.as_ref().unwrap()["name"], json!("Доставлен"));
    // What is personal is told in the order alone.
    assert_eq!((&events[1].was, &events[1].became), (&None, &None));
    assert_eq!(words(&world.history("b")), [("api", "created")]);
}

#[test]
fn a_history_is_read_in_pages() {
    let world = world();
    for i in 1..8 {
        let moved = Order {
            moment: i,
            paid_at: Some(i),
            ..order("a")
        };
        world.put(&[moved], i).unwrap();
    }
    let all = world.history("a");
    assert_eq!(all.len(), 13);
    let (mut read, mut after) = (Vec::new(), None::<(i64, String)>);
    loop {
        let from = after
            .as_ref()
            .map(|(version, what)| (*version, what.as_str()));
        let page = block_on(history(&world.sql, "demo", "a", from, 2)).unwrap();
        after = page.last().map(|e| (e.version, e.what.clone()));
        read.extend(page);
        if after.is_none() {
            break;
        }
    }
    assert_eq!(read, all);
    assert!(
        block_on(history(&world.sql, "other", "a", None, 9))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn a_cancelled_order_is_told_to_1c_and_stays_cancelled() {
    let world = shop();
    let made = world.make("key", &new(vec![coffee(1_000)])).unwrap().stored;
    let id = made.order.id.as_str();
    world.confirm("demo", &world.pending());
    let cancelled = world.cancel(&made.order.number, 5).unwrap().unwrap();
    assert_eq!(cancelled.order.cancelled_at, Some(5));
    assert_eq!(cancelled.order.status.as_ref().unwrap().name, "Отменён");
    assert!(cancelled.pending);
    assert_eq!(world.cancel(id, 6).unwrap().unwrap(), cancelled);
    let events = world.history(id);
    let expected = [
        ("api", "created"),
        ("operator", "cancelled"),
        ("operator", "status"),
    ];
    assert_eq!(words(&events), expected);
    assert_eq!(events[1].note.as_deref(), Some("Передумал"));
    // A shop that writes the order again without having heard of it does not undo it.
    world.put(std::slice::from_ref(&made.order), 7).unwrap();
    assert_eq!(world.get(id).unwrap().order.cancelled_at, Some(5));
    assert_eq!(world.cancel("nobody", 6), Ok(None));
}

#[test]
fn what_is_shipped_is_not_cancelled() {
    let world = world();
    let shipped = Order {
        shipped_at: Some(1),
        ..order("a")
    };
    world.put(&[shipped, order("b")], 1).unwrap();
    assert_eq!(world.cancel("a", 2), Err(Error::Shipped));
    for reason in ["", "  ", &"о".repeat(301)] {
        let refused = cancel(&world.sql, "demo", Who::Api, "b", reason, 2, told);
        assert!(
            matches!(block_on(refused), Err(Error::Invalid { .. })),
            "{reason}"
        );
    }
    assert_eq!(world.get("b").unwrap().order.cancelled_at, None);
}

#[test]
fn orders_are_listed_by_status_and_by_company() {
    use sklad_orders::{View, list};
    let world = world();
    let company = |name: &str| {
        let made = companies::create(&world.sql, "demo", name, 1);
        block_on(made).unwrap().id
    };
    let (k1, k2) = (company("К1"), company("К2"));
    let of = |id: &str, company: Option<&str>, status: (&str, &str)| Order {
        company: company.map(str::to_owned),
        status: Some(Status {
            id: status.0.to_owned(),
            name: status.1.to_owned(),
            ..Status::default()
        }),
        ..order(id)
    };
    let orders = [
        of("a", Some(&k1), ("N", "Новый")),
        of("b", Some("К2"), ("N", "Новый")),
        of("c", None, ("", "Собран")),
        order("d"),
    ];
    world.put(&orders, 1).unwrap();
    let ids = |view| {
        let page = block_on(list(&world.sql, "demo", view, None, 10)).unwrap();
        page.into_iter().map(|s| s.order.id).collect::<Vec<_>>()
    };
    assert_eq!(ids(View::Status("N")), ["a", "b"]);
    assert_eq!(ids(View::Status("Собран")), ["c"]);
    assert_eq!(ids(View::Company(&k2)), ["b"]);
    assert_eq!(ids(View::Company("main")), ["c", "d"]);
    assert!(ids(View::Status("x")).is_empty());
    let unknown = of("e", Some("К3"), ("N", "Новый"));
    match world.put(&[order("f"), unknown], 1).unwrap_err() {
        Error::Invalid { path, .. } => assert_eq!(path, "1.company"),
        other => panic!("{other}"),
    }
}
