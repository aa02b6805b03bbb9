//! Writing and reading orders.

use std::cell::RefCell;

use futures::executor::block_on;
use proptest::prelude::*;
use sklad_orders::{
    After, Customer, DELIVERY_ID, Discount, Error, Incoming, Item, MAX_BATCH, MAX_ITEMS, Order,
    View, Who, apply, cancel, confirm, create, get, history, list, pending, upsert,
};
use sklad_store::native::NativeSql;
use sklad_store::{Row, Sql, SqlError, Statement};

use super::create;
use super::{World, item, order, world};

fn place(result: Result<impl std::fmt::Debug, Error>) -> String {
    match result.unwrap_err() {
        Error::Invalid { path, message } => {
            assert!(!message.is_empty());
            path
        }
        other => panic!("{other}"),
    }
}

#[test]
fn an_order_that_is_as_it_was_is_not_written() {
    let world = world();
    assert_eq!(world.counts(&[], 1), (0, 0, 0));
    assert_eq!(world.counts(&[order("a"), order("b")], 1), (2, 0, 0));
    let before = world.get("a").unwrap();
    assert_eq!(world.counts(&[order("a"), order("b")], 2), (0, 0, 2));
    assert_eq!(world.get("a").unwrap(), before);
    // Spaces and empty texts are nothing.
    let same = Order {
        comment: Some("  ".to_owned()),
        number: " N-a ".to_owned(),
        ..order("a")
    };
    assert_eq!(world.counts(&[same], 3), (0, 0, 1));
    let moved = Order {
        moment: 5,
        ..order("a")
    };
    assert_eq!(world.counts(&[moved, order("b"), order("c")], 4), (1, 1, 1));
    let after = world.get("a").unwrap();
    assert_eq!(
        (after.order.moment, after.created_at, after.updated_at),
        (5, 1, 4)
    );
    assert!(after.change > before.change);
}

#[test]
fn a_number_belongs_to_one_order() {
    let world = world();
    world.put(&[order("a")], 1).unwrap();
    let taken = Order {
        number: "N-a".to_owned(),
        ..order("b")
    };
    assert_eq!(
        place(world.put(&[order("c"), taken.clone()], 2)),
        "1.number"
    );
    assert!(world.get("c").is_none());
    // A number that was given up is free.
    let renumbered = Order {
        number: "N-2".to_owned(),
        ..order("a")
    };
    world.put(&[renumbered], 3).unwrap();
    assert_eq!(world.counts(&[taken], 4), (1, 0, 0));
}

#[test]
fn what_is_wrong_is_told_with_its_place() {
    let world = world();
    let wrong = |change: &dyn Fn(&mut Order)| {
        let mut bad = order("b");
        change(&mut bad);
        place(world.put(&[order("a"), bad], 1))
    };
    assert_eq!(wrong(&|o| o.id.clear()), "1.id");
    assert_eq!(wrong(&|o| o.id = "a".to_owned()), "1.id");
    assert_eq!(wrong(&|o| o.number = "N-a".to_owned()), "1.number");
    assert_eq!(wrong(&|o| o.number = "9".repeat(256)), "1.number");
    assert_eq!(wrong(&|o| o.number = "a\0b".to_owned()), "1.number");
    assert_eq!(wrong(&|o| o.moment = -1), "1.moment");
    assert_eq!(wrong(&|o| o.currency = "руб".to_owned()), "1.currency");
    assert_eq!(wrong(&|o| o.rate = 0), "1.rate");
    assert_eq!(wrong(&|o| o.sum_kopecks += 1), "1.sum_kopecks");
    assert_eq!(wrong(&|o| o.items.clear()), "1.items");
    assert_eq!(
        wrong(&|o| o.items = vec![item("g", 0, 1); MAX_ITEMS + 1]),
        "1.items"
    );
    assert_eq!(
        wrong(&|o| o.items[0].sum_kopecks -= 1),
        "1.items.0.sum_kopecks"
    );
    assert_eq!(
        wrong(&|o| o.items[0].quantity_thousandths = 0),
        "1.items.0.quantity_thousandths"
    );
    assert_eq!(
        wrong(&|o| o.items[0].id = "a#b#c".to_owned()),
        "1.items.0.id"
    );
    assert_eq!(wrong(&|o| o.items[0].id = "a#".to_owned()), "1.items.0.id");
    assert_eq!(
        wrong(&|o| o.items[0].id = DELIVERY_ID.to_owned()),
        "1.items.0.kind"
    );
    assert_eq!(
        wrong(&|o| o.items[0].vat = Some("20%".to_owned())),
        "1.items.0.vat"
    );
    assert_eq!(
        wrong(&|o| o.items[0].unit.name.clear()),
        "1.items.0.unit.name"
    );
    assert_eq!(
        wrong(&|o| o.customer.email = Some("x".repeat(256))),
        "1.customer.email"
    );
    assert_eq!(wrong(&|o| o.paid_at = Some(i64::MAX)), "1.paid_at");
    let discount = Discount {
        sum_kopecks: -1,
        ..Discount::default()
    };
    assert_eq!(
        wrong(&|o| o.items[0].discounts = vec![discount.clone()]),
        "1.items.0.discounts.0.sum_kopecks"
    );
    let many: Vec<Order> = (0..=MAX_BATCH).map(|i| order(&i.to_string())).collect();
    assert_eq!(place(world.put(&many, 1)), "");
    assert!(world.get("a").is_none());
}

#[test]
fn discounts_are_taken_off_once() {
    let world = world();
    let discount = |sum_kopecks, included| Discount {
        name: "Акция".to_owned(),
        sum_kopecks,
        included,
    };
    let discounted = Order {
        items: vec![Item {
            discounts: vec![discount(700, false), discount(5000, true)],
            sum_kopecks: 9300,
            ..item("g", 10_000, 1000)
        }],
        discounts: vec![discount(300, false), discount(1000, true)],
        sum_kopecks: 9000,
        ..order("a")
    };
    assert_eq!(world.counts(&[discounted], 1), (1, 0, 0));
}

#[test]
fn pages_go_through_everything() {
    let world = world();
    for (i, id) in ["d", "b", "a", "c", "e"].iter().enumerate() {
        world.put(&[order(id)], i64::try_from(i).unwrap()).unwrap();
    }
    assert_eq!(all(&world, View::All), ["a", "b", "c", "d", "e"]);
    assert_eq!(all(&world, View::Changes), ["d", "b", "a", "c", "e"]);
    let moved = Order {
        moment: 1,
        ..order("b")
    };
    world.put(&[moved], 9).unwrap();
    assert_eq!(all(&world, View::Changes), ["d", "a", "c", "e", "b"]);
}

fn all(world: &World, view: View<'_>) -> Vec<String> {
    let (mut ids, mut after) = (Vec::new(), None);
    loop {
        let page = block_on(list(&world.sql, "demo", view, after.as_ref(), 2)).unwrap();
        ids.extend(page.iter().map(|s| s.order.id.clone()));
        match page.last() {
            Some(last) if page.len() == 2 => {
                after = Some(After {
                    updated_at: last.updated_at,
                    id: last.order.id.clone(),
                });
            }
            _ => return ids,
        }
    }
}

#[test]
fn another_tenant_sees_none_of_it() {
    let world = world();
    world.put(&[order("a")], 1).unwrap();
    assert!(block_on(get(&world.sql, "other", "a")).unwrap().is_none());
    assert!(block_on(get(&world.sql, "other", "N-a")).unwrap().is_none());
    for view in [View::All, View::Changes] {
        assert!(
            block_on(list(&world.sql, "other", view, None, 10))
                .unwrap()
                .is_empty()
        );
    }
}

#[test]
fn shops_that_write_at_once_lose_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    NativeSql::open(&path).unwrap();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let path = &path;
            scope.spawn(move || {
                let sql = NativeSql::open(path).unwrap();
                for i in 0..10 {
                    // Everybody writes the order `both`, each with another number.
                    let shared = Order {
                        customer: Customer {
                            name: format!("{thread}-{i}"),
                            ..Customer::default()
                        },
                        ..order("both")
                    };
                    let own = order(&format!("{thread}-{i}"));
                    block_on(upsert(&sql, "demo", Who::Api, &[shared, own], 1)).unwrap();
                }
            });
        }
    });
    let sql = NativeSql::open(&path).unwrap();
    let orders = block_on(list(&sql, "demo", View::All, None, 500)).unwrap();
    assert_eq!(orders.len(), 41);
}

/// The database, with every statement that it is given.
struct Recorder {
    sql: NativeSql,
    seen: RefCell<Vec<Statement>>,
}

impl Sql for Recorder {
    async fn query(&self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        self.seen.borrow_mut().push(statement.clone());
        self.sql.query(statement).await
    }

    async fn atomic(&self, batch: Vec<Statement>) -> Result<Vec<Vec<Row>>, SqlError> {
        self.seen.borrow_mut().extend(batch.iter().cloned());
        self.sql.atomic(batch).await
    }
}

#[test]
fn no_statement_reads_all_orders_of_a_tenant() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = Recorder {
        sql: NativeSql::open(&dir.path().join("db")).unwrap(),
        seen: RefCell::default(),
    };
    create::stock(&recorder.sql);
    block_on(use_everything(&recorder));
    let seen = recorder.seen.take();
    assert!(seen.len() > 10);
    for statement in seen {
        let explain = format!("EXPLAIN QUERY PLAN {}", statement.sql());
        let values = statement.params().iter().cloned();
        let explain = values.fold(Statement::new(explain), Statement::bind);
        let rows = block_on(recorder.sql.query(explain)).unwrap();
        let lines: Vec<String> = rows.iter().map(|row| row.string(3)).collect();
        let wide = |l: &&String| {
            [
                "i",
                "n",
                "o",
                "m",
                "h",
                "g",
                "v",
                "p",
                "a",
                "e",
                "u",
                "orders",
                "order_requests",
                "order_numbers",
                "order_pushes",
            ]
            .iter()
            .any(|table| {
                l.starts_with(&format!("SCAN {table} "))
                    || **l == format!("SCAN {table}")
                    || (l.starts_with(&format!("SEARCH {table} ")) && l.ends_with("(tenant=?)"))
            })
        };
        // The highest change is one step in its index; a page begins somewhere and has a limit.
        let narrow = |l: &&String| l.contains("orders_change") || l.contains("orders_pending");
        let bad = lines.iter().filter(wide).find(|l| !narrow(l));
        assert_eq!(bad, None, "{}", statement.sql());
    }
}

async fn use_everything(sql: &Recorder) {
    let changed = Order {
        moment: 5,
        ..order("a")
    };
    upsert(sql, "demo", Who::Api, &[order("a"), order("b")], 1)
        .await
        .unwrap();
    upsert(sql, "demo", Who::Api, &[changed, order("c")], 2)
        .await
        .unwrap();
    let heard = pending(sql, "demo", 10).await.unwrap();
    let heard: Vec<_> = heard
        .iter()
        .map(|p| (p.order.id.as_str(), p.change))
        .collect();
    sql.atomic(vec![confirm("demo", &heard)]).await.unwrap();
    let posted = Incoming {
        id: Some("a".to_owned()),
        posted: Some(true),
        ..Incoming::default()
    };
    apply(sql, "demo", &[posted], 3).await.unwrap();
    sklad_orders::changed(sql, "demo", 1).await.unwrap();
    let word = sklad_orders::Word {
        paid: Some(true),
        ..sklad_orders::Word::default()
    };
    let heard = sklad_orders::hear(sql, "demo", Who::Insales, "a", &word, 3, &[]);
    assert!(heard.await.unwrap());
    get(sql, "demo", "a").await.unwrap();
    let after = After {
        updated_at: 1,
        id: "a".to_owned(),
    };
    let views = [
        View::All,
        View::Changes,
        View::Status("N"),
        View::Company("k"),
        View::Push("refused"),
    ];
    for view in views {
        list(sql, "demo", view, Some(&after), 10).await.unwrap();
    }
    history(sql, "demo", "a", Some((1, "created")), 10)
        .await
        .unwrap();
    let new = create::new(vec![create::coffee(1_000)]);
    for key in ["k", "k", "l"] {
        create(sql, "demo", Who::Api, key, &new, 4, create::told)
            .await
            .unwrap();
    }
    cancel(sql, "demo", Who::Api, "b", "почему", 5, create::told)
        .await
        .unwrap();
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn an_order_is_accepted_to_the_kopeck_alone(
        lines in prop::collection::vec((0..1_000_000_i64, 1..10_000_i64), 1..8),
        off in -3..4_i64,
    ) {
        let world = world();
        let items: Vec<_> = lines.iter().map(|(p, q)| item("g", *p, *q)).collect();
        let sum: i64 = items.iter().map(|i| i.sum_kopecks).sum();
        let order = Order { items, sum_kopecks: (sum + off).max(0), ..order("a") };
        let right = order.sum_kopecks == sum;
        prop_assert_eq!(world.put(std::slice::from_ref(&order), 1).is_ok(), right);
        if right {
            prop_assert_eq!(world.get("a").unwrap().order, order);
        }
    }

    #[test]
    fn a_line_is_a_kopeck_off_at_most(price in 0..1_000_000_i64, quantity in 1..10_000_i64, off in -2..3_i64) {
        let world = world();
        let mut line = item("g", price, quantity);
        line.sum_kopecks = (line.sum_kopecks + off).max(0);
        let exact = price * quantity;
        let near = (line.sum_kopecks * 1000 - exact).abs() < 1000;
        let order = Order { sum_kopecks: line.sum_kopecks, items: vec![line], ..order("a") };
        prop_assert_eq!(world.put(&[order], 1).is_ok(), near);
    }

    #[test]
    fn no_numbers_make_it_panic(price: i64, quantity: i64, sum: i64, rate: i64, at: i64) {
        let world = world();
        let mut line = item("g", 0, 1);
        (line.price_kopecks, line.quantity_thousandths, line.sum_kopecks) = (price, quantity, sum);
        let order = Order {
            rate,
            moment: at,
            paid_at: Some(at),
            sum_kopecks: sum,
            items: vec![line],
            ..order("a")
        };
        let _ = world.put(&[order], at);
    }
}
