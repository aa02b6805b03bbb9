//! What the service keeps: shops with their keys, and their things in tables.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::generate::{self, Shape};
use crate::order::Order;
use crate::product::Product;
use crate::time::machine_ms;

/// Fields of a thing.
pub(crate) type Fields = Map<String, Value>;

/// How many ids a shop has.
const IDS: u64 = 100_000_000;

/// Everything.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) shops: BTreeMap<String, Store>,
    /// How far the clock has been moved, in milliseconds.
    pub(crate) ahead_ms: i64,
}

impl World {
    /// The service's time, in milliseconds.
    pub(crate) fn now_ms(&self) -> i64 {
        machine_ms() + self.ahead_ms
    }

    /// A shop by its domain, or by the one of its own.
    pub(crate) fn shop(&self, domain: &str) -> Option<&Store> {
        let own = || {
            let mut shops = self.shops.values();
            shops.find(|shop| shop.own_domain.as_deref() == Some(domain))
        };
        self.shops.get(domain).or_else(own)
    }

    pub(crate) fn shop_mut(&mut self, domain: &str) -> Option<&mut Store> {
        let name = self.shop(domain)?.domain.clone();
        self.shops.get_mut(&name)
    }

    /// Where the ids of the next shop begin.
    pub(crate) fn next_base(&self) -> u64 {
        (self.shops.len() as u64 + 1) * IDS
    }
}

/// What a key of a shop may do: the boxes that are ticked in its settings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Rights {
    /// «Доступ в раздел Заказы».
    pub orders: bool,
    /// «Редактировать информацию по заказу», «Изменять содержимое заказа».
    pub edit_orders: bool,
    /// «Доступ в раздел Клиенты».
    pub clients: bool,
    /// «Доступ в раздел Товары».
    pub products: bool,
    /// «Просматривать закупочные цены»: without it goods have none.
    pub cost_prices: bool,
    /// «Просматривать дополнительные цены»: the same.
    pub extra_prices: bool,
    /// «Настройки магазина – Просмотр»: the account, deliveries, payments, statuses, fields.
    pub settings: bool,
    /// Changing settings: fields of orders and webhooks.
    pub edit_settings: bool,
}

impl Default for Rights {
    fn default() -> Self {
        Self {
            orders: true,
            edit_orders: true,
            clients: true,
            products: true,
            cost_prices: true,
            extra_prices: true,
            settings: true,
            edit_settings: true,
        }
    }
}

/// A key of a shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Key {
    /// «Идентификатор»: the login.
    pub id: String,
    /// «Пароль».
    pub password: String,
    /// What it may.
    pub rights: Rights,
}

/// What the shop's tariff makes of the API.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tariff {
    /// There is one.
    #[default]
    Full,
    /// There is none: 403 to everything.
    NoApi,
    /// The shop is not paid: 423 to everything (§2).
    Blocked,
}

/// Where numbers and booleans of orders are written as texts (§6.5 was seen so).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Quoted {
    /// Nowhere.
    Never,
    /// In webhooks.
    #[default]
    Webhooks,
    /// In answers too.
    Always,
}

/// A shop.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) domain: String,
    pub(crate) own_domain: Option<String>,
    pub(crate) keys: Vec<Key>,
    pub(crate) tariff: Tariff,
    pub(crate) quoted: Quoted,
    pub(crate) shape: Shape,
    /// Where its ids begin.
    pub(crate) base: u64,
    pub(crate) products: Table<Body>,
    pub(crate) orders: Table<Order>,
    /// The pairs of delivery and payment that are allowed (§7).
    pub(crate) pairs: Vec<(u64, u64)>,
    tables: BTreeMap<&'static str, Table<Fields>>,
    made: u64,
}

/// Where the fields of a product come from.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// They follow from the shop's shape.
    Generated(u32),
    /// They were written.
    Stored(Box<Product>),
}

/// What ids of a kind begin with.
const OFFSETS: &[(&str, u64)] = &[
    ("option_names", 100),
    ("properties", 200),
    ("price_kinds", 300),
    ("warehouses", 400),
    ("delivery_variants", 500),
    ("payment_gateways", 600),
    ("custom_statuses", 700),
    ("fields", 800),
    ("pairs", 10_000),
    ("collections", 1_000_000),
    ("categories", 2_000_000),
    ("option_values", 3_000_000),
    ("characteristics", 4_000_000),
    ("clients", 5_000_000),
    ("products", 10_000_000),
    ("variants", 20_000_000),
    ("images", 40_000_000),
    ("orders", 60_000_000),
];
/// What ids of things that are made later begin with.
const MADE: u64 = 80_000_000;

static EMPTY: Table<Fields> = Table {
    rows: BTreeMap::new(),
    by_time: BTreeSet::new(),
};

/// The kinds that are plain fields.
const PLAIN: &[&str] = &[
    "categories",
    "collections",
    "option_names",
    "option_values",
    "properties",
    "price_kinds",
    "warehouses",
    "custom_statuses",
    "delivery_variants",
    "payment_gateways",
    "fields",
    "webhooks",
    "clients",
];

/// The name of a kind that is plain fields, as it is kept.
pub(crate) fn plain(kind: &str) -> Option<&'static str> {
    PLAIN.iter().find(|one| **one == kind).copied()
}

impl Store {
    pub(crate) fn new(domain: &str, base: u64, shape: Shape) -> Self {
        Self {
            domain: domain.to_owned(),
            own_domain: None,
            keys: Vec::new(),
            tariff: Tariff::default(),
            quoted: Quoted::default(),
            shape,
            base,
            products: Table::default(),
            orders: Table::default(),
            pairs: Vec::new(),
            tables: BTreeMap::new(),
            made: 0,
        }
    }

    /// The id that `index` of a kind has from the start.
    pub(crate) fn id(&self, kind: &str, index: u32) -> u64 {
        let offset = OFFSETS.iter().find(|(name, _)| *name == kind);
        self.base + offset.map_or(0, |(_, offset)| *offset) + u64::from(index)
    }

    /// An id for something new.
    pub(crate) fn new_id(&mut self) -> u64 {
        self.made += 1;
        self.base + MADE + self.made
    }

    /// Things of a kind that is plain fields.
    pub(crate) fn table(&self, kind: &str) -> &Table<Fields> {
        self.tables.get(kind).unwrap_or(&EMPTY)
    }

    pub(crate) fn table_mut(&mut self, kind: &'static str) -> &mut Table<Fields> {
        self.tables.entry(kind).or_default()
    }

    /// Puts a thing of a plain kind into its table; `fields` is an object.
    pub(crate) fn put_plain(&mut self, kind: &'static str, id: u64, fields: Value, now: i64) {
        if let Value::Object(fields) = fields {
            self.table_mut(kind).put(id, Row::new(now, fields));
        }
    }

    /// The fields of one of them.
    pub(crate) fn fields(&self, kind: &str, id: u64) -> Option<&Fields> {
        self.table(kind).get(id).map(|row| &row.body)
    }

    /// A product, as it is kept or as it follows from the shape.
    pub(crate) fn product(&self, id: u64) -> Option<Cow<'_, Product>> {
        self.products.get(id).map(|row| self.body(row))
    }

    pub(crate) fn body<'a>(&self, row: &'a Row<Body>) -> Cow<'a, Product> {
        match &row.body {
            Body::Generated(index) => Cow::Owned(generate::product(self, *index)),
            Body::Stored(product) => Cow::Borrowed(product),
        }
    }

    /// Changes a product, which is then kept as it is.
    pub(crate) fn edit<R>(
        &mut self,
        id: u64,
        now: i64,
        change: impl FnOnce(&mut Product) -> R,
    ) -> Option<R> {
        let mut product = self.product(id)?.into_owned();
        let result = change(&mut product);
        self.products
            .change(id, now, |row| row.body = Body::Stored(Box::new(product)));
        Some(result)
    }

    /// The product that a variant belongs to.
    pub(crate) fn product_of(&self, variant: u64) -> Option<u64> {
        if let Some(index) = generate::product_of(self, variant)
            && self.has_variant(index, variant)
        {
            return Some(index);
        }
        let rows = self.products.rows.iter();
        let mut kept = rows.filter(|(_, row)| matches!(row.body, Body::Stored(_)));
        kept.find(|(id, _)| self.has_variant(**id, variant))
            .map(|(id, _)| *id)
    }

    fn has_variant(&self, product: u64, variant: u64) -> bool {
        let found = self.product(product);
        found.is_some_and(|product| product.variants.iter().any(|one| one.id == variant))
    }

    /// The warehouses in their order.
    pub(crate) fn warehouses(&self) -> Vec<u64> {
        self.table("warehouses").rows.keys().copied().collect()
    }

    /// How many price kinds there are besides the base price.
    pub(crate) fn price_kinds(&self) -> usize {
        self.table("price_kinds").rows.len()
    }
}

/// Things of a kind by id, and by the time of their last change.
#[derive(Debug, Clone)]
pub(crate) struct Table<T> {
    pub(crate) rows: BTreeMap<u64, Row<T>>,
    by_time: BTreeSet<(i64, u64)>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            rows: BTreeMap::new(),
            by_time: BTreeSet::new(),
        }
    }
}

/// A thing.
#[derive(Debug, Clone)]
pub(crate) struct Row<T> {
    /// In seconds.
    pub(crate) created: i64,
    pub(crate) updated: i64,
    /// In the trash.
    pub(crate) archived: bool,
    pub(crate) body: T,
}

impl<T> Row<T> {
    pub(crate) fn new(now: i64, body: T) -> Self {
        Self {
            created: now,
            updated: now,
            archived: false,
            body,
        }
    }
}

impl<T> Table<T> {
    pub(crate) fn get(&self, id: u64) -> Option<&Row<T>> {
        self.rows.get(&id)
    }

    pub(crate) fn put(&mut self, id: u64, row: Row<T>) {
        self.remove(id);
        self.by_time.insert((row.updated, id));
        self.rows.insert(id, row);
    }

    /// Takes a thing away for good.
    pub(crate) fn remove(&mut self, id: u64) -> Option<Row<T>> {
        let row = self.rows.remove(&id)?;
        self.by_time.remove(&(row.updated, id));
        Some(row)
    }

    /// Changes a thing, which is then of `now`, in seconds.
    pub(crate) fn change<R>(
        &mut self,
        id: u64,
        now: i64,
        act: impl FnOnce(&mut Row<T>) -> R,
    ) -> Option<R> {
        let row = self.rows.get_mut(&id)?;
        self.by_time.remove(&(row.updated, id));
        row.updated = now;
        self.by_time.insert((now, id));
        Some(act(row))
    }

    /// The ids of what was changed at `from` or later, in seconds, by time and id.
    pub(crate) fn since(&self, from: i64) -> impl Iterator<Item = (i64, u64)> {
        self.by_time.range((from, 0)..).copied()
    }
}
