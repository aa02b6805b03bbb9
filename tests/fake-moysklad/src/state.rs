//! What the service keeps: accounts, their users, and their objects on shelves by kind.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use serde_json::{Map, Value};
use uuid::Uuid;

use crate::generate::{self, Shape};
use crate::kinds::{Class, Kind};
use crate::lifecycle::{Install, Solution};
use crate::link;
use crate::stock::Stock;
use crate::time::{machine_ms, msk};

/// Fields of an object.
pub(crate) type Fields = Map<String, Value>;

/// Everything.
#[derive(Debug, Default)]
pub(crate) struct World {
    pub(crate) accounts: BTreeMap<Uuid, Account>,
    /// Tokens of the JSON API and whose they are.
    pub(crate) tokens: HashMap<String, Session>,
    pub(crate) solutions: BTreeMap<Uuid, Solution>,
    /// By solution and account.
    pub(crate) installs: BTreeMap<(Uuid, Uuid), Install>,
    /// Ids of tokens that solutions have used.
    pub(crate) used_jti: HashSet<String>,
    /// One-time keys of users' pages.
    pub(crate) contexts: HashMap<String, Context>,
    /// Addresses of files that need no authorisation, until when.
    pub(crate) temporary: HashMap<Uuid, (Uuid, i64)>,
    /// Pictures that were uploaded.
    pub(crate) pictures: HashMap<Uuid, Bytes>,
    /// How far the clock has been moved, in milliseconds.
    pub(crate) ahead_ms: i64,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) account: Uuid,
    /// The user's login, or the app's uid with the account's name.
    pub(crate) uid: String,
    /// The solution whose token it is.
    pub(crate) solution: Option<Uuid>,
}

/// A key by which a solution learns who looks at its page.
#[derive(Debug, Clone)]
pub(crate) struct Context {
    pub(crate) solution: Uuid,
    pub(crate) account: Uuid,
    pub(crate) login: String,
    pub(crate) until: i64,
    /// Made for `context/user`, not for `context/{key}`.
    pub(crate) token: bool,
}

/// An employee who may log in.
#[derive(Debug, Clone)]
pub(crate) struct User {
    pub(crate) login: String,
    pub(crate) password: String,
    pub(crate) employee: Uuid,
    pub(crate) admin: bool,
}

/// A merchant.
#[derive(Debug)]
pub(crate) struct Account {
    pub(crate) id: Uuid,
    pub(crate) name: String,
    /// On the free tariff there are no webhooks.
    pub(crate) free: bool,
    pub(crate) users: Vec<User>,
    pub(crate) shape: Shape,
    pub(crate) stock: Stock,
    pub(crate) audit: Vec<Audit>,
    pub(crate) numbers: HashMap<&'static str, u32>,
    shelves: HashMap<&'static str, Shelf>,
    variants_of: HashMap<Uuid, u32>,
    /// Raised by every change.
    version: u64,
}

/// One change in the audit: who, when, what.
#[derive(Debug, Clone)]
pub(crate) struct Audit {
    pub(crate) id: Uuid,
    pub(crate) moment: i64,
    pub(crate) uid: String,
    pub(crate) source: &'static str,
    pub(crate) events: Vec<Event>,
}

/// What happened to one object.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Event {
    pub(crate) kind: &'static str,
    pub(crate) id: Uuid,
    /// CREATE, UPDATE or DELETE.
    pub(crate) action: &'static str,
    pub(crate) fields: Vec<String>,
}

/// Places of rows.
pub(crate) type Order = Arc<[usize]>;

#[derive(Debug, Default)]
struct Shelf {
    rows: Vec<Option<Row>>,
    places: HashMap<Uuid, usize>,
    /// By name, with the version that they are of.
    orders: Mutex<HashMap<String, (u64, Order)>>,
}

/// One object.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) id: Uuid,
    /// In milliseconds.
    pub(crate) updated: i64,
    pub(crate) archived: bool,
    /// In the bin: documents only.
    pub(crate) trashed: bool,
    pub(crate) body: Body,
}

/// Where the fields of an object come from.
#[derive(Debug, Clone)]
pub(crate) enum Body {
    /// They follow from the account's shape.
    Generated(u32),
    /// They were written.
    Stored(Fields),
}

impl World {
    /// The service's time, in milliseconds.
    pub(crate) fn now(&self) -> i64 {
        machine_ms() + self.ahead_ms
    }

    pub(crate) fn account(&self, id: Uuid) -> Option<&Account> {
        self.accounts.get(&id)
    }
}

impl Account {
    pub(crate) fn new(id: Uuid, name: &str, shape: Shape) -> Self {
        Self {
            id,
            name: name.to_owned(),
            free: false,
            users: Vec::new(),
            shape,
            stock: Stock::default(),
            audit: Vec::new(),
            numbers: HashMap::new(),
            shelves: HashMap::new(),
            variants_of: HashMap::new(),
            version: 0,
        }
    }

    /// The id of a generated object: it follows from the account, so that no two accounts share one.
    pub(crate) fn made_id(&self, kind: &str, index: u32) -> Uuid {
        generate::id(self.id, kind, index)
    }

    pub(crate) fn row(&self, kind: &str, id: Uuid) -> Option<&Row> {
        let shelf = self.shelves.get(kind)?;
        shelf.rows.get(*shelf.places.get(&id)?)?.as_ref()
    }

    pub(crate) fn rows(&self, kind: &str) -> impl Iterator<Item = &Row> {
        let shelf = self.shelves.get(kind);
        shelf.into_iter().flat_map(|s| s.rows.iter().flatten())
    }

    /// Says that something changed.
    pub(crate) fn touch(&mut self) {
        self.version += 1;
    }

    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Puts a row on its shelf, in place of the one with its id.
    pub(crate) fn put(&mut self, kind: &'static Kind, row: Row) {
        self.version += 1;
        let shelf = self.shelves.entry(kind.name).or_default();
        if let Some(place) = shelf.places.get(&row.id).copied() {
            if let Some(slot) = shelf.rows.get_mut(place) {
                *slot = Some(row);
            }
            return;
        }
        let id = row.id;
        shelf.places.insert(id, shelf.rows.len());
        shelf.rows.push(Some(row));
        if kind.name == "variant"
            && let Some(product) = self.product_of(id)
        {
            *self.variants_of.entry(product).or_default() += 1;
        }
    }

    /// Takes a row away for good.
    pub(crate) fn remove(&mut self, kind: &str, id: Uuid) -> Option<Row> {
        if kind == "variant"
            && let Some(product) = self.product_of(id)
            && let Some(count) = self.variants_of.get_mut(&product)
        {
            *count = count.saturating_sub(1);
        }
        self.version += 1;
        let shelf = self.shelves.get_mut(kind)?;
        let place = shelf.places.remove(&id)?;
        shelf.rows.get_mut(place)?.take()
    }

    fn product_of(&self, variant: Uuid) -> Option<Uuid> {
        let fields = self.fields("variant", self.row("variant", variant)?);
        link::id(fields.get("product")?)
    }

    /// The fields as they were written.
    pub(crate) fn fields<'a>(&self, kind: &str, row: &'a Row) -> Cow<'a, Fields> {
        match &row.body {
            Body::Generated(index) => Cow::Owned(generate::fields(self, kind, *index)),
            Body::Stored(fields) => Cow::Borrowed(fields),
        }
    }

    /// The fields with those that follow from others: what filters and orders see.
    pub(crate) fn object(&self, kind: &Kind, row: &Row) -> Fields {
        let mut fields = self.fields(kind.name, row).into_owned();
        fields.insert("id".into(), row.id.to_string().into());
        if kind.class == Class::Hook {
            return fields;
        }
        fields.insert("updated".into(), msk(row.updated).into());
        if kind.class == Class::Document {
            if row.trashed {
                fields.insert("deleted".into(), msk(row.updated).into());
            }
            return fields;
        }
        fields.insert("archived".into(), row.archived.into());
        match kind.name {
            "productfolder" | "product" | "service" | "bundle" => {
                let path = self.path_name(fields.get("productFolder"));
                fields.insert("pathName".into(), path.into());
                if let Some(vat) = self.effective_vat(&fields) {
                    fields.insert("effectiveVat".into(), vat.into());
                    fields.insert("effectiveVatEnabled".into(), true.into());
                }
            }
            "store" => {
                fields.insert("pathName".into(), "".into());
            }
            "variant" => self.complete_variant(&mut fields),
            _ => {}
        }
        if kind.name == "product" {
            let count = self.variants_of.get(&row.id).copied().unwrap_or(0);
            fields.insert("variantsCount".into(), count.into());
        }
        fields
    }

    /// A variant's name is its product's with the values, its prices are the product's if it has none
    /// (JSON API §3.7).
    fn complete_variant(&self, fields: &mut Fields) {
        let product = fields.get("product").and_then(link::id);
        let product = product.and_then(|id| self.row("product", id));
        let Some(product) = product.map(|row| self.fields("product", row)) else {
            return;
        };
        let values: Vec<&str> = fields
            .get("characteristics")
            .and_then(Value::as_array)
            .into_iter()
            .flatten()
            .filter_map(|one| one.get("value").and_then(Value::as_str))
            .collect();
        let name = product.get("name").and_then(Value::as_str);
        let name = format!("{} ({})", name.unwrap_or_default(), values.join(", "));
        fields.insert("name".into(), name.into());
        if !fields.contains_key("salePrices")
            && let Some(prices) = product.get("salePrices")
        {
            fields.insert("salePrices".into(), prices.clone());
        }
    }

    /// The names of a folder and those above it. For a folder itself that is the path of its parents.
    pub(crate) fn path_name(&self, folder: Option<&Value>) -> String {
        let mut names = Vec::new();
        let mut above = folder.and_then(link::id);
        while let Some(row) = above.and_then(|id| self.row("productfolder", id))
            && names.len() < 100
        {
            let fields = self.fields("productfolder", row);
            let name = fields.get("name").and_then(Value::as_str);
            names.push(name.unwrap_or_default().to_owned());
            above = fields.get("productFolder").and_then(link::id);
        }
        names.reverse();
        names.join("/")
    }

    /// The VAT that holds: an object's own, or that of the nearest folder that has one of its own.
    fn effective_vat(&self, fields: &Fields) -> Option<i64> {
        let mut fields = Cow::Borrowed(fields);
        for _ in 0..100 {
            if fields.get("useParentVat") != Some(&Value::Bool(true)) {
                let on = fields.get("vatEnabled") == Some(&Value::Bool(true));
                return fields.get("vat").and_then(Value::as_i64).filter(|_| on);
            }
            let above = fields.get("productFolder").and_then(link::id)?;
            fields = Cow::Owned(
                self.fields("productfolder", self.row("productfolder", above)?)
                    .into_owned(),
            );
        }
        None
    }

    /// Whether `folder` is `above` or below it.
    pub(crate) fn is_below(&self, folder: Uuid, above: Uuid) -> bool {
        let mut at = Some(folder);
        for _ in 0..100 {
            match at {
                Some(id) if id == above => return true,
                Some(id) => {
                    at = self
                        .row("productfolder", id)
                        .map(|row| self.fields("productfolder", row))
                        .and_then(|fields| link::id(fields.get("productFolder")?));
                }
                None => return false,
            }
        }
        false
    }

    /// The rows of a kind in the order of `key`, which `name` identifies. Remembered until something
    /// changes.
    pub(crate) fn ordered<K: Ord>(
        &self,
        kind: &Kind,
        name: &str,
        key: impl Fn(&Row) -> K,
    ) -> Order {
        let Some(shelf) = self.shelves.get(kind.name) else {
            return Arc::new([]);
        };
        let mut orders = shelf.orders.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((version, order)) = orders.get(name)
            && *version == self.version
        {
            return order.clone();
        }
        let mut keyed: Vec<(K, usize)> = shelf
            .rows
            .iter()
            .enumerate()
            .filter_map(|(place, row)| Some((key(row.as_ref()?), place)))
            .collect();
        keyed.sort();
        let order: Order = keyed.into_iter().map(|(_, place)| place).collect();
        if orders.len() > 8 {
            orders.clear();
        }
        orders.insert(name.to_owned(), (self.version, order.clone()));
        order
    }

    /// The row at a place that [`Account::ordered`] named.
    pub(crate) fn at(&self, kind: &Kind, place: usize) -> Option<&Row> {
        self.shelves.get(kind.name)?.rows.get(place)?.as_ref()
    }

    pub(crate) fn count(&self, kind: &str) -> usize {
        self.shelves.get(kind).map_or(0, |s| s.places.len())
    }

    pub(crate) fn user(&self, login: &str) -> Option<&User> {
        self.users.iter().find(|user| user.login == login)
    }
}
