//! Orders that are made of goods of the catalogue.

use futures::executor::block_on;
use proptest::prelude::*;
use sklad_catalog::goods::{self, GoodInput};
use sklad_connections::companies;
use sklad_orders::{
    Created, Customer, DELIVERY_ID, Error, NewDelivery, NewItem, NewMethod, NewOrder, Order, Who,
    create,
};
use sklad_store::native::NativeSql;
use sklad_store::{Row, Sql, Statement};

use super::{World, order, world};

const COFFEE: &str = "9c56720c-e8a7-4fdc-aea4-7104f28207be";
const MS_ID: &str = "11111111-e8a7-4fdc-aea4-7104f28207be";

/// A row that is written with an order.
pub(crate) fn told(order: &Order) -> Statement {
    Statement::new(
        "INSERT INTO catalog_refs (tenant, kind, id, updated_at) VALUES ('told', 'x', ?1, 0)",
    )
    .bind(format!("{} {:?}", order.id, order.cancelled_at))
}

/// A world with two goods: coffee at 250.00, and tea without a price, known to others as `tea#1`.
pub(crate) fn shop() -> World {
    let world = world();
    stock(&world.sql);
    world
}

/// Puts the two goods there.
pub(crate) fn stock(sql: &NativeSql) {
    let coffee = GoodInput {
        id: Some(COFFEE.to_owned()),
        ms_id: Some(MS_ID.to_owned()),
        name: "Кофе".to_owned(),
        article: Some("К-1".to_owned()),
        price_kopecks: Some(25_000),
        ..GoodInput::default()
    };
    let tea = GoodInput {
        external: Some("tea#1".to_owned()),
        name: "Чай".to_owned(),
        ..GoodInput::default()
    };
    block_on(goods::upsert(sql, "demo", &[coffee, tea], 1)).unwrap();
}

pub(crate) fn coffee(quantity_thousandths: i64) -> NewItem {
    NewItem {
        offer: Some(COFFEE.to_owned()),
        quantity_thousandths,
        ..NewItem::default()
    }
}

fn tea(price_kopecks: i64, quantity_thousandths: i64) -> NewItem {
    NewItem {
        external: Some("tea#1".to_owned()),
        price_kopecks: Some(price_kopecks),
        quantity_thousandths,
        ..NewItem::default()
    }
}

pub(crate) fn new(items: Vec<NewItem>) -> NewOrder {
    NewOrder {
        items,
        ..NewOrder::default()
    }
}

fn make_on(sql: &NativeSql, key: &str, new: &NewOrder) -> Result<Created, Error> {
    block_on(create(sql, "demo", Who::Api, key, new, 1_000, told))
}

impl World {
    pub(crate) fn make(&self, key: &str, new: &NewOrder) -> Result<Created, Error> {
        make_on(&self.sql, key, new)
    }

    fn refused(&self, new: &NewOrder) -> (String, String) {
        match self.make("refused", new).unwrap_err() {
            Error::Invalid { path, message } => (path, message),
            other => panic!("{other}"),
        }
    }

    fn rows(&self, sql: &'static str) -> Vec<Row> {
        block_on(self.sql.query(Statement::new(sql))).unwrap()
    }

    /// How many orders, keys, and rows told of them there are.
    fn counts_of_made(&self) -> (usize, usize, usize) {
        (
            self.rows("SELECT 1 FROM orders").len(),
            self.rows("SELECT 1 FROM order_requests").len(),
            self.rows("SELECT 1 FROM catalog_refs WHERE tenant = 'told'")
                .len(),
        )
    }
}

#[test]
fn an_order_says_of_its_goods_what_the_catalogue_knows() {
    let world = shop();
    let wanted = NewOrder {
        company: Some("компания 2".to_owned()),
        items: vec![coffee(2_000), tea(9_999, 355)],
        discount_kopecks: 1_000,
        total_kopecks: Some(50_000 + 3_550 + 30_000 - 1_000),
        customer: Customer {
            name: "Мария Иванова".to_owned(),
            phone: Some("+7 903 000-00-01".to_owned()),
            ..Customer::default()
        },
        payment: Some(NewMethod {
            id: "cash".to_owned(),
            name: String::new(),
        }),
        delivery: Some(NewDelivery {
            id: "courier".to_owned(),
            name: "Курьер".to_owned(),
            price_kopecks: 30_000,
        }),
        comment: Some("Позвоните".to_owned()),
        ..NewOrder::default()
    };
    let company = companies::create(&world.sql, "demo", "Компания 2", 1);
    let company = block_on(company).unwrap().id;
    let made = world.make("key", &wanted).unwrap();
    assert!(!made.repeated && made.stored.pending);
    let order = made.stored.order;
    assert_eq!((order.number.as_str(), order.moment), ("1", 1_000));
    assert_eq!(
        (order.sum_kopecks, order.company.as_deref()),
        (82_550, Some(company.as_str()))
    );
    assert_eq!(order.status.unwrap().id, "new");
    assert_eq!(order.payment.unwrap().name, "cash");
    let [coffee, tea, delivery] = order.items.as_slice() else {
        panic!("three items");
    };
    // МойСклад knows the coffee by its own id.
    assert_eq!(
        (coffee.id.as_str(), coffee.offer.as_deref()),
        (MS_ID, Some(COFFEE))
    );
    assert_eq!(
        (coffee.name.as_str(), coffee.article.as_deref()),
        ("Кофе", Some("К-1"))
    );
    assert_eq!((coffee.price_kopecks, coffee.sum_kopecks), (25_000, 50_000));
    // 99.99 × 0.355 = 35.49645
    assert_eq!((tea.id.as_str(), tea.sum_kopecks), ("tea#1", 3_550));
    assert_eq!(
        (delivery.id.as_str(), delivery.name.as_str()),
        (DELIVERY_ID, "Курьер")
    );
    assert_eq!(world.pending_ids(), [order.id]);
}

#[test]
fn what_cannot_be_made_is_told_with_its_place() {
    let world = shop();
    let path = |new: &NewOrder| world.refused(new).0;
    let item = |change: &dyn Fn(&mut NewItem)| {
        let mut bad = tea(100, 1_000);
        change(&mut bad);
        path(&new(vec![coffee(1_000), bad]))
    };
    assert_eq!(path(&new(Vec::new())), "items");
    assert_eq!(
        item(&|i| i.external = Some("milk".to_owned())),
        "items.1.external"
    );
    assert_eq!(item(&|i| i.offer = Some("milk".to_owned())), "items.1");
    assert_eq!(item(&|i| i.external = None), "items.1");
    assert_eq!(item(&|i| i.price_kopecks = None), "items.1.price_kopecks");
    assert_eq!(
        item(&|i| i.price_kopecks = Some(-1)),
        "items.1.price_kopecks"
    );
    assert_eq!(
        item(&|i| i.quantity_thousandths = 0),
        "items.1.quantity_thousandths"
    );
    assert_eq!(
        item(&|i| i.discount_kopecks = 101),
        "items.1.discount_kopecks"
    );
    assert_eq!(
        item(&|i| i.discount_kopecks = -1),
        "items.1.discount_kopecks"
    );
    let with = |change: &dyn Fn(&mut NewOrder)| {
        let mut bad = new(vec![coffee(1_000)]);
        change(&mut bad);
        path(&bad)
    };
    assert_eq!(with(&|o| o.discount_kopecks = 25_001), "discount_kopecks");
    assert_eq!(with(&|o| o.company = Some("k2".to_owned())), "company");
    assert_eq!(with(&|o| o.number = Some("9".repeat(256))), "number");
    for control in ["a\0b", "a\nb", "a\u{85}b"] {
        assert_eq!(with(&|o| o.number = Some(control.to_owned())), "number");
    }
    assert_eq!(
        with(&|o| o.customer.email = Some("x".repeat(256))),
        "customer.email"
    );
    let wrong_total = NewOrder {
        total_kopecks: Some(25_001),
        ..new(vec![coffee(1_000)])
    };
    let (path, message) = world.refused(&wrong_total);
    assert_eq!(path, "total_kopecks");
    assert!(
        message.contains("250,01") && message.contains("250,00"),
        "{message}"
    );
    assert_eq!(world.counts_of_made(), (0, 0, 0));
}

#[test]
fn what_is_archived_or_has_variants_is_not_sold() {
    let world = shop();
    let write = |sql: &'static str| {
        let statement = Statement::new(sql).bind(COFFEE);
        block_on(world.sql.atomic(vec![statement])).unwrap();
    };
    let refused = || world.refused(&new(vec![tea(100, 1_000), coffee(1_000)]));
    write("UPDATE goods SET parent = ?1 WHERE tenant = 'demo' AND external = 'tea#1'");
    let (path, message) = refused();
    assert_eq!(path, "items.1.offer");
    assert!(message.contains("«Кофе»") && message.contains("модификации"));
    // The variant itself is sold.
    world.make("variant", &new(vec![tea(100, 1_000)])).unwrap();

    write("UPDATE goods SET archived = 2 WHERE tenant = 'demo' AND id = ?1");
    let (path, message) = refused();
    assert_eq!(path, "items.1.offer");
    assert!(message.contains("в архиве"), "{message}");

    // A product whose variants are all gone is sold as it is.
    write("UPDATE goods SET archived = (parent IS ?1) WHERE tenant = 'demo'");
    world.make("bare", &new(vec![coffee(1_000)])).unwrap();
    let gone = world.refused(&new(vec![tea(100, 1_000)]));
    assert_eq!(gone.0, "items.0.external");
}

#[test]
fn the_same_key_makes_one_order() {
    let world = shop();
    let first = world.make("key", &new(vec![coffee(1_000)])).unwrap();
    let again = world.make("key", &new(vec![coffee(1_000)])).unwrap();
    assert_eq!((again.stored, again.repeated), (first.stored.clone(), true));
    let other = world.make("key", &new(vec![coffee(2_000)]));
    assert_eq!(other, Err(Error::KeyUsed(first.stored.order.number)));
    assert_eq!(world.counts_of_made(), (1, 1, 1));
    world.make("another", &new(vec![coffee(1_000)])).unwrap();
    assert_eq!(world.counts_of_made(), (2, 2, 2));
}

#[test]
fn requests_that_come_at_once_make_one_order_for_each_key() {
    let world = shop();
    let path = world.path();
    let made: Vec<_> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..6)
            .map(|thread| {
                let path = &path;
                scope.spawn(move || {
                    let sql = NativeSql::open(path).unwrap();
                    // Two threads share each key.
                    let keys = (0..5).map(|i| format!("{}-{i}", thread % 3));
                    let make = |key: String| {
                        let number = key.ends_with(['0', '1']).then(|| format!("Б-{key}"));
                        let wanted = NewOrder {
                            number,
                            ..new(vec![coffee(1_000)])
                        };
                        let order = make_on(&sql, &key, &wanted).unwrap().stored.order;
                        (key, order.id, order.number)
                    };
                    keys.map(make).collect::<Vec<_>>()
                })
            })
            .collect();
        threads
            .into_iter()
            .flat_map(|t| t.join().unwrap())
            .collect()
    });
    let all: std::collections::BTreeSet<_> = made.into_iter().collect();
    assert_eq!(all.len(), 15);
    assert_eq!(world.counts_of_made(), (15, 15, 15));
}

#[test]
fn numbers_grow_and_pass_over_those_that_are_taken() {
    let world = shop();
    let number = |key: &str| {
        world
            .make(key, &new(vec![coffee(1_000)]))
            .unwrap()
            .stored
            .order
            .number
    };
    assert_eq!((number("a").as_str(), number("b").as_str()), ("1", "2"));
    // The shop's own numbers.
    for n in 3..20 {
        let own = Order {
            number: n.to_string(),
            ..order(&n.to_string())
        };
        world.put(&[own], 1).unwrap();
    }
    let next: i64 = number("c").parse().unwrap();
    assert!((20..100).contains(&next), "{next}");
    assert!(number("d").parse::<i64>().unwrap() > next);
    let given = NewOrder {
        number: Some("7".to_owned()),
        ..new(vec![coffee(1_000)])
    };
    assert_eq!(world.refused(&given).0, "number");
    let free = NewOrder {
        number: Some("Б-7".to_owned()),
        ..given
    };
    assert_eq!(world.make("e", &free).unwrap().stored.order.number, "Б-7");
}

#[test]
fn goods_and_keys_of_another_tenant_are_not_there() {
    let world = shop();
    world.make("key", &new(vec![coffee(1_000)])).unwrap();
    let wanted = new(vec![coffee(1_000)]);
    let other = create(&world.sql, "other", Who::Api, "key", &wanted, 1, told);
    match block_on(other).unwrap_err() {
        Error::Invalid { path, .. } => assert_eq!(path, "items.0.offer"),
        other => panic!("{other}"),
    }
}

fn lines() -> impl Strategy<Value = Vec<(i64, i64, i64)>> {
    prop::collection::vec((0..1_000_000_i64, 1..20_000_i64, 0..50_000_i64), 1..6)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn an_order_costs_its_lines_and_delivery_less_the_discounts(
        lines in lines(), delivery in 0..50_000_i64, discount in 0..100_000_i64,
        off in prop::option::of(-2..3_i64),
    ) {
        let item = |&(price, quantity, discount): &(i64, i64, i64)| NewItem {
            discount_kopecks: discount,
            ..tea(price, quantity)
        };
        // Half up: a half of a kopeck is a kopeck.
        let cost = |&(price, quantity, discount): &(i64, i64, i64)| {
            (price * quantity).div_euclid(1000)
                + i64::from((price * quantity).rem_euclid(1000) >= 500) - discount
        };
        let items: i64 = lines.iter().map(cost).sum();
        let sum = items + delivery - discount;
        let wanted = NewOrder {
            discount_kopecks: discount,
            total_kopecks: off.map(|off| sum + off),
            delivery: Some(NewDelivery { id: "d".to_owned(), price_kopecks: delivery, ..NewDelivery::default() }),
            ..new(lines.iter().map(item).collect())
        };
        let right = sum >= 0 && lines.iter().all(|l| cost(l) >= 0) && off.unwrap_or(0) == 0;
        match shop().make("key", &wanted) {
            Ok(made) => {
                let order = made.stored.order;
                prop_assert!(right);
                prop_assert_eq!(order.sum_kopecks, sum);
                let of_items: i64 = order.items.iter().map(|i| i.sum_kopecks).sum();
                let off: i64 = order.discounts.iter().map(|d| d.sum_kopecks).sum();
                prop_assert_eq!(of_items - off, sum);
            }
            Err(Error::Invalid { .. }) => prop_assert!(!right),
            Err(other) => return Err(TestCaseError::fail(other.to_string())),
        }
    }

    #[test]
    fn no_numbers_make_it_panic(price: i64, quantity: i64, discount: i64, whole: i64, total: i64, delivery: i64) {
        let wanted = NewOrder {
            discount_kopecks: whole,
            total_kopecks: Some(total),
            delivery: Some(NewDelivery { id: "d".to_owned(), price_kopecks: delivery, ..NewDelivery::default() }),
            ..new(vec![NewItem { discount_kopecks: discount, ..tea(price, quantity) }])
        };
        let _ = shop().make("key", &wanted);
    }
}
