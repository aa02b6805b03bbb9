//! A database in a temporary folder, and a till that posts into it.

use std::path::PathBuf;
use std::sync::Arc;

use futures::executor::block_on;
use sklad_loyalty::Programme;
use sklad_loyalty::customers::{self, Edit, Found, Identity, Listed, Person};
use sklad_loyalty::ledger::snapshot::{Clock, Customer, DAY_MS, Query};
use sklad_loyalty::ledger::{
    self, Adjusted, Difference, Entries, GiftPayment, LedgerError, Posted, Return, Sale, Shop,
    SoldPosition,
};
use sklad_loyalty::units::{Kopecks, Quantity};
use sklad_store::native::NativeSql;
use sklad_store::{Sql, SqlError, Statement, Value};
use tempfile::TempDir;

/// 15 May 2026, noon in the shop.
pub const NOON: i64 = 1_778_835_600_000;
pub const DAY: i64 = DAY_MS;

/// One till of one tenant: its own connections to a file that others may have open too.
pub struct Till {
    pub sql: NativeSql,
    pub programme: Programme,
    pub tenant: &'static str,
    pub create_unknown: bool,
    pub now: i64,
    pub folder: Arc<TempDir>,
}

impl Till {
    /// A till on a new, empty database. Commits do not wait for the disk.
    pub fn new() -> Self {
        Self::with("{}")
    }

    /// The same with this programme.
    pub fn with(programme: &str) -> Self {
        let folder = Arc::new(tempfile::tempdir().unwrap());
        let programme: Programme = serde_json::from_str(programme).unwrap();
        assert!(
            programme.validate().is_empty(),
            "{:?}",
            programme.validate()
        );
        Self::open(folder, programme, "north", NOON)
    }

    fn open(folder: Arc<TempDir>, programme: Programme, tenant: &'static str, now: i64) -> Self {
        let sql = NativeSql::open(&path(&folder)).unwrap();
        sql.batch("PRAGMA synchronous = OFF").unwrap();
        let create_unknown = true;
        Self {
            sql,
            programme,
            tenant,
            create_unknown,
            now,
            folder,
        }
    }

    /// Another till of the same tenant, with connections of its own.
    pub fn another(&self) -> Self {
        self.of(self.tenant)
    }

    /// A till of another tenant in the same database.
    pub fn of(&self, tenant: &'static str) -> Self {
        Self::open(
            self.folder.clone(),
            self.programme.clone(),
            tenant,
            self.now,
        )
    }

    pub fn shop(&self) -> Shop<'_> {
        Shop {
            tenant: self.tenant,
            programme: &self.programme,
            create_unknown: self.create_unknown,
            clock: Clock {
                now: self.now,
                zone_minutes: 180,
            },
        }
    }

    pub fn wait_days(&mut self, days: i64) {
        self.now += days * DAY;
    }

    pub fn sell(&self, sale: &Sale) -> Posted {
        block_on(ledger::post_sale(&self.sql, &self.shop(), sale)).unwrap()
    }

    pub fn take_back(&self, back: &Return) -> Posted {
        block_on(ledger::post_return(&self.sql, &self.shop(), back)).unwrap()
    }

    pub fn adjust(&self, customer: &str, key: &str, points: i64) -> Result<Adjusted, LedgerError> {
        block_on(ledger::adjust(
            &self.sql,
            &self.shop(),
            customer,
            key,
            points,
            "проверка",
        ))
    }

    pub fn birthday(&self, customer: &str) -> Customer {
        let customer = self.must(customer);
        block_on(ledger::birthday(&self.sql, &self.shop(), customer)).unwrap()
    }

    /// A new customer with this id of МойСклад and so many points that never expire.
    pub fn customer(&self, uuid: &str, points: i64) -> String {
        let id = self.register(&ids([uuid]), &person("Кто-то")).0.id;
        if points > 0 {
            self.adjust(&id, &format!("начало {uuid}"), points).unwrap();
        }
        id
    }

    pub fn register(&self, identity: &Identity, person: &Person) -> (Customer, bool) {
        block_on(ledger::register_or_find(
            &self.sql,
            &self.shop(),
            identity,
            person,
        ))
        .unwrap()
    }

    /// Registers somebody by what the person's card says.
    pub fn join(&self, uuid: &str, person: &Person) -> (Customer, bool) {
        self.register(&identity(uuid, person), person)
    }

    pub fn find(&self, identity: &Identity) -> Option<Customer> {
        let query = Query {
            identity: identity.clone(),
            ..Query::default()
        };
        block_on(self.shop().read(&self.sql, &query))
            .unwrap()
            .customer
    }

    pub fn must(&self, uuid: &str) -> Customer {
        self.find(&ids([uuid])).unwrap()
    }

    pub fn available(&self, uuid: &str) -> i64 {
        self.must(uuid).account.available(self.now)
    }

    pub fn get(&self, uuid: &str) -> Listed {
        block_on(customers::get(&self.sql, self.tenant, uuid))
            .unwrap()
            .unwrap()
    }

    pub fn edit(&self, uuid: &str, edit: &Edit) -> Result<(), SqlError> {
        let batch = customers::edit(self.tenant, &self.get(uuid), edit, self.now).unwrap();
        block_on(self.sql.atomic(batch)).map(|_| ())
    }

    pub fn merge(&self, from: &str, into: &str) -> Result<(), SqlError> {
        let (from, into) = (self.get(from), self.get(into));
        let tiers = &self.programme.tiers;
        let batch = customers::merge(self.tenant, &from, &into, tiers, self.now).unwrap();
        block_on(self.sql.atomic(batch)).map(|_| ())
    }

    pub fn search(&self, typed: &str) -> Vec<Found> {
        block_on(customers::search(&self.sql, self.tenant, typed)).unwrap()
    }

    /// The names of those who are found.
    pub fn names(&self, typed: &str) -> Vec<String> {
        self.search(typed).into_iter().map(|f| f.name).collect()
    }

    pub fn list(&self) -> Vec<Listed> {
        block_on(customers::list(&self.sql, self.tenant, "", 1_000)).unwrap()
    }

    /// The entries of a customer, the newest first.
    pub fn entries(&self, uuid: &str) -> Vec<Entries> {
        let id = self.must(uuid).id;
        block_on(ledger::entries(&self.sql, self.tenant, &id, None, 1_000)).unwrap()
    }

    /// The points of the entries of one kind, summed up.
    pub fn sum(&self, uuid: &str, kind: &str) -> i64 {
        let of_kind = self.entries(uuid).into_iter().filter(|e| e.kind == kind);
        of_kind.map(|e| e.points).sum()
    }

    pub fn differences(&self) -> Vec<Difference> {
        block_on(ledger::check(&self.sql, self.tenant, "", 1_000))
            .unwrap()
            .0
    }

    #[track_caller]
    pub fn adds_up(&self) {
        assert_eq!(self.differences(), []);
    }

    /// The first column of the first row of a query whose `?1` is the tenant.
    pub fn value(&self, sql: &'static str) -> Value {
        let rows = block_on(self.sql.query(Statement::new(sql).bind(self.tenant))).unwrap();
        rows.into_iter()
            .next()
            .map_or(Value::Null, |row| row.0[0].clone())
    }

    pub fn int(&self, sql: &'static str) -> i64 {
        match self.value(sql) {
            Value::Integer(v) => v,
            other => panic!("{sql}: {other:?}"),
        }
    }

    /// The flags of a sale.
    pub fn flags(&self, sale: &str) -> String {
        let statement = Statement::new("SELECT flags FROM documents WHERE tenant = ?1 AND id = ?2");
        let query = self.sql.query(statement.bind(self.tenant).bind(sale));
        block_on(query).unwrap()[0].string(0)
    }

    /// How many rows the journal has about this.
    pub fn told(&self, action: &str) -> usize {
        self.journal(action, "%").len()
    }

    /// Whether the journal warns of this with such words.
    pub fn warned(&self, action: &str, words: &str) -> bool {
        let texts = self.journal(action, "warning");
        texts.iter().any(|text| text.contains(words))
    }

    fn journal(&self, action: &str, outcome: &str) -> Vec<String> {
        let statement = Statement::new(
            "SELECT text FROM journal WHERE tenant = ?1 AND action = ?2 AND outcome LIKE ?3",
        );
        let statement = statement.bind(self.tenant).bind(action).bind(outcome);
        let rows = block_on(self.sql.query(statement)).unwrap();
        rows.iter().map(|row| row.string(0)).collect()
    }
}

pub fn path(folder: &TempDir) -> PathBuf {
    folder.path().join("shop.db")
}

pub fn ids<'a>(ids: impl IntoIterator<Item = &'a str>) -> Identity {
    Identity::new(ids, None, None)
}

pub fn phone(text: &str) -> Identity {
    Identity::new([], None, Some(text))
}

pub fn card(text: &str) -> Identity {
    Identity::new([], Some(text), None)
}

pub fn person(name: &str) -> Person {
    Person {
        name: Some(name.to_owned()),
        ..Person::default()
    }
}

pub fn identity(uuid: &str, person: &Person) -> Identity {
    Identity::new([uuid], person.card.as_deref(), person.phone.as_deref())
}

/// A position: so many pieces of a good, the price and what was paid, in rubles.
pub fn pieces(good: &str, count: i64, price: i64, paid: i64) -> SoldPosition {
    SoldPosition {
        good: good.to_owned(),
        quantity: Quantity(count * 1000),
        price: Kopecks(price * 100),
        discounted_price: Kopecks(paid * 100),
        ..SoldPosition::default()
    }
}

/// A sale of ten pieces at 100 rubles, 90 of which were paid each.
pub fn sale(id: &str, customer: &str, spend: i64, earn: i64) -> Sale {
    Sale {
        keys: vec![id.to_owned()],
        number: id.to_owned(),
        moment: NOON,
        store: "store".to_owned(),
        identity: ids([customer]),
        positions: vec![pieces("tea", 10, 100, 90)],
        spend: Some(spend),
        earn: Some(earn),
        digest: format!("{id} {spend} {earn}"),
        ..Sale::default()
    }
}

/// A return of so many pieces of what [`sale`] sells.
pub fn back(id: &str, sale: &str, count: i64) -> Return {
    Return {
        keys: vec![id.to_owned()],
        number: id.to_owned(),
        moment: NOON,
        store: "store".to_owned(),
        demand: vec![sale.to_owned()],
        positions: vec![pieces("tea", count, 100, 90)],
        digest: format!("{id} {sale} {count}"),
        ..Return::default()
    }
}

pub fn gift(id: &str, number: &str, kopecks: i64) -> GiftPayment {
    GiftPayment {
        id: id.to_owned(),
        number: number.to_owned(),
        kopecks,
    }
}

/// What a posted document says it did.
#[track_caller]
pub fn done(posted: &Posted) -> (i64, i64) {
    match posted {
        Posted::Done { spend, earn, .. } => (*spend, *earn),
        other => panic!("{other:?}"),
    }
}
