//! A tenant with goods of a shop, the shop, and the job between them.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use futures::executor::block_on;
use serde_json::json;
use sklad_catalog::goods::{self, GoodInput};
use sklad_connections::Connection;
use sklad_insales::api::{Access, Error};
use sklad_insales::connected::KIND;
use sklad_insales::orders::rows::{self, Push};
use sklad_insales::orders::{self, Ended, Place, Step};
use sklad_insales::settings::OrderSettings;
use sklad_orders::{NewDelivery, NewItem, NewMethod, NewOrder, Order, Stored, Who};
use sklad_store::native::NativeSql;
use sklad_store::{Ports, Row, Sql, SqlError, Statement};

use super::fake::{Shop, TestClock};

/// 2026-11-22 00:00 UTC.
pub const NOW: i64 = 1_795_305_600_000;
const COFFEE: &str = "9c56720c-e8a7-4fdc-aea4-7104f28207be";

/// The database, with every statement that it is given.
pub struct Recorder {
    sql: NativeSql,
    pub seen: RefCell<Vec<Statement>>,
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

pub struct World {
    pub sql: Recorder,
    pub shop: Shop,
    pub clock: Rc<TestClock>,
    pub settings: OrderSettings,
    access: Access,
    cursor: RefCell<Option<String>>,
    _dir: tempfile::TempDir,
}

pub fn told(_: &Order) -> Statement {
    Statement::new("SELECT 1")
}

pub fn settings() -> OrderSettings {
    serde_json::from_value(json!({
        "on": true, "payments": {"cash": 11}, "deliveries": {"pickup": 21},
        "statuses": {
            "new": {"name": "Новый"}, "approved": {"id": "A", "name": "Подтверждён"},
            "sent": {"id": "S", "name": "Отправлен", "means": "shipped"},
            "declined": {"id": "cancelled", "name": "Отменён", "final": true, "means": "cancelled"},
        },
    }))
    .unwrap()
}

/// With a job that follows orders from now on.
pub fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let sql = Recorder {
        sql: NativeSql::open(&dir.path().join("db")).unwrap(),
        seen: RefCell::default(),
    };
    let clock = Rc::new(TestClock(Cell::new(NOW)));
    let good = |id: &str, name: &str| GoodInput {
        id: Some(id.to_owned()),
        name: name.to_owned(),
        price_kopecks: Some(25_000),
        ..GoodInput::default()
    };
    let tea = good("11111111-e8a7-4fdc-aea4-7104f28207be", "Чай");
    block_on(goods::upsert(&sql, "demo", &[good(COFFEE, "Кофе"), tea], 1)).unwrap();
    let known = Statement::new("UPDATE goods SET extra = ?1 WHERE name = 'Кофе'")
        .bind(json!({"insales:c1": "31#32"}).to_string());
    block_on(sql.atomic(vec![known, orders::begin("demo", "c1", NOW)])).unwrap();
    World {
        shop: Shop::new(clock.clone()),
        sql,
        clock,
        settings: settings(),
        access: Access {
            shop: "a.myinsales.ru".to_owned(),
            key_id: "key".to_owned(),
            password: "password".to_owned(),
        },
        cursor: RefCell::default(),
        _dir: dir,
    }
}

impl World {
    fn place(&self) -> Place<'_> {
        Place {
            tenant: "demo",
            connection: "c1",
            company: "main",
            settings: &self.settings,
            every_minutes: 5,
            access: &self.access,
            gateway: None,
        }
    }

    fn ports(&self) -> Ports<'_, Recorder, Shop, TestClock> {
        Ports {
            sql: &self.sql,
            http: &self.shop,
            clock: &self.clock,
        }
    }

    /// The connection's row, switched on.
    pub fn connect(&self) {
        let mut made = Connection::new("demo", "main", KIND, "Магазин").unwrap();
        made.id = "c1".to_owned();
        made.settings = json!({"shop": "a.myinsales.ru", "orders": self.settings}).to_string();
        made.enabled = true;
        let tenant = Statement::new("INSERT INTO tenants (tenant, created_at) VALUES ('demo', 7)");
        block_on(self.sql.atomic(vec![tenant, made.insert(NOW)])).unwrap();
    }

    pub fn new_order(&self, quantity: i64) -> NewOrder {
        NewOrder {
            items: vec![NewItem {
                offer: Some(COFFEE.to_owned()),
                quantity_thousandths: quantity * 1_000,
                ..NewItem::default()
            }],
            payment: Some(NewMethod {
                id: "cash".to_owned(),
                name: String::new(),
            }),
            delivery: Some(NewDelivery {
                id: "pickup".to_owned(),
                ..NewDelivery::default()
            }),
            ..NewOrder::default()
        }
    }

    pub fn make(&self, key: &str) -> Stored {
        self.make_of(key, &self.new_order(1))
    }

    pub fn make_of(&self, key: &str, new: &NewOrder) -> Stored {
        let now = self.clock.0.get();
        let made = sklad_orders::create(&self.sql, "demo", Who::Api, key, new, now, told);
        block_on(made).unwrap().stored
    }

    pub fn cancel(&self, id: &str) {
        let now = self.clock.0.get();
        let done =
            sklad_orders::cancel(&self.sql, "demo", Who::Operator, id, "Передумал", now, told);
        block_on(done).unwrap().unwrap();
    }

    pub fn order(&self, id: &str) -> Order {
        block_on(sklad_orders::get(&self.sql, "demo", id))
            .unwrap()
            .unwrap()
            .order
    }

    pub fn push(&self, id: &str) -> Option<Push> {
        block_on(rows::get(&self.sql, "demo", id)).unwrap()
    }

    /// One step of the job.
    pub fn step(&self) -> Step {
        let save = |_: &str, _, _| Statement::new("SELECT 1");
        let cursor = self.cursor.borrow().clone();
        let until = self.clock.0.get() + 4_000;
        let step = orders::step(self.ports(), self.place(), cursor.as_deref(), until, &save);
        let step = block_on(step).unwrap();
        let goes_on = !matches!(step.ended, Ended::Done { .. });
        *self.cursor.borrow_mut() = goes_on.then(|| step.cursor.clone());
        step
    }

    /// A run of the job to its end, with whatever it waits for; answers its words.
    pub fn run(&self) -> (bool, String) {
        for _ in 0..5_000 {
            match self.step().ended {
                Ended::More => {}
                Ended::Later(at) | Ended::Limited(at) => {
                    self.clock.0.set(at.max(self.clock.0.get()))
                }
                Ended::Failed(_) => self.clock.pass(15_000),
                Ended::Done { warning, text } => return (warning, text),
            }
        }
        panic!("no end");
    }

    pub fn failure(&self) -> Option<Error> {
        match self.step().ended {
            Ended::Failed(error) => Some(error),
            _ => None,
        }
    }

    /// The shop tells that something has happened to an order.
    pub fn hint(&self, id: u64) {
        let now = self.clock.0.get();
        let hint = rows::hinted(("demo", "c1"), &[id], now);
        block_on(self.sql.atomic(vec![hint])).unwrap();
    }

    /// What was asked for since the last look.
    pub fn asked(&self) -> Vec<String> {
        self.shop.asked.take()
    }

    pub fn rows(&self, sql: &'static str) -> Vec<Row> {
        block_on(self.sql.query(Statement::new(sql))).unwrap()
    }

    /// Who has changed what of an order.
    pub fn history(&self, id: &str) -> Vec<(String, String)> {
        let events = block_on(sklad_orders::history(&self.sql, "demo", id, None, 500)).unwrap();
        events.into_iter().map(|e| (e.who, e.what)).collect()
    }

    pub fn journal(&self) -> Vec<String> {
        let rows = self.rows("SELECT text FROM journal ORDER BY id");
        rows.iter().map(|row| row.string(0)).collect()
    }
}
