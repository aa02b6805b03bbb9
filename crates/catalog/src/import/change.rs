//! What an importer says about a good.

use std::collections::BTreeMap;

use super::told::Side;

/// By what a good is recognised. At least one must be there.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Keys {
    /// Our id, or any id of the kind uuid: lower case.
    pub id: Option<String>,
    /// МойСклад's UUID, lower case.
    pub ms_id: Option<String>,
    /// The till's syncId, lower case.
    pub sync_id: Option<String>,
    /// The id in the system that it comes from, at most 255 characters: `Ид` of CommerceML, which is
    /// МойСклад's `externalCode`; `P#C` for a variant (commerceml §2.5).
    pub external: Option<String>,
    /// Another id that leads to the good from now on and is never its own, lower case: in a system that is
    /// not its master. A good that has it as its external id is part of this one from now on.
    pub alias: Option<String>,
}

impl Keys {
    /// The keys of a good that is known by its external id alone.
    #[must_use]
    pub fn external(id: impl Into<String>) -> Self {
        Self {
            external: Some(id.into()),
            ..Self::default()
        }
    }

    /// What a new good can be called.
    pub(crate) fn own(&self) -> impl Iterator<Item = &String> {
        [&self.id, &self.ms_id, &self.sync_id].into_iter().flatten()
    }

    /// The ids of the kind uuid.
    pub(crate) fn uuids(&self) -> impl Iterator<Item = &String> {
        self.own().chain(&self.alias)
    }
}

/// What kind of thing a good is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub enum Kind {
    /// A thing with stock.
    #[default]
    Product,
    /// One of several forms of a product; set by [`Change::parent`].
    Variant,
    /// Work.
    Service,
    /// Several goods sold as one.
    Bundle,
}

impl Kind {
    /// As it is kept.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Variant => "variant",
            Self::Service => "service",
            Self::Bundle => "bundle",
        }
    }
}

/// A list that is told as a whole or in part: a price file may hold one of five price types.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Section<T> {
    /// This and nothing else.
    Replace(Vec<T>),
    /// These; what is not named stays.
    Merge(Vec<T>),
}

/// A price of one type.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Price {
    /// The price type's id.
    pub price_type: String,
    /// Kopecks (hundredths of the currency).
    pub kopecks: i64,
    /// ISO 4217, `RUB`.
    pub currency: String,
}

/// What lies in one store.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Stock {
    /// The store's id.
    pub store: String,
    /// Thousandths of the unit; may be negative.
    pub thousandths: i64,
}

/// What a source says about one good. An absent field leaves what is stored (commerceml §2.5: absent
/// is not zero); an empty text or list empties it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Change {
    /// Which good.
    pub keys: Keys,
    /// Which side of the source says it. What a side says again, word for word, costs little; without one
    /// it is compared with what is stored each time.
    pub side: Option<Side>,
    /// External id of the product whose variant it is. A variant has its product's categories.
    pub parent: Option<String>,
    /// Any id of the kind uuid of that product, for a source that knows no external one of it.
    pub parent_id: Option<String>,
    /// Which catalogue of the source says it.
    pub catalogue: Option<String>,
    /// Whether the good is made when it is not known; if not, it is skipped and counted.
    pub create: bool,
    /// What kind of thing it is.
    pub kind: Option<Kind>,
    /// Name; what is longer than 500 characters is cut.
    pub name: Option<String>,
    /// Article.
    pub article: Option<String>,
    /// Code.
    pub code: Option<String>,
    /// Barcodes.
    pub barcodes: Option<Vec<String>>,
    /// Ids of categories; the first is the one that rules of the programme look at.
    pub categories: Option<Vec<String>>,
    /// Unit of measure.
    pub unit: Option<String>,
    /// Description.
    pub description: Option<String>,
    /// The price, kopecks, when it is not one of `prices`.
    pub price: Option<Option<i64>>,
    /// The price below which no discount goes, kopecks, when it is not one of `prices`.
    pub min_price: Option<Option<i64>>,
    /// Whether discounts are forbidden.
    pub discount_prohibited: Option<bool>,
    /// Whether it is tobacco.
    pub tobacco: Option<bool>,
    /// Whether it is sold by weight.
    pub weighed: Option<bool>,
    /// Put into the archive by hand, or taken out of it.
    pub archived: Option<bool>,
    /// Whether the source deleted it (true) or has it (false): a good that was archived because its
    /// source no longer had it comes back, one that was archived by hand does not.
    pub deleted: Option<bool>,
    /// Whether another source is the good's master: prices and stock are put beside its own, and its price
    /// and quantity stay. Of the rest the caller names what it alone knows.
    pub beside: bool,
    /// How much there is in all stores, thousandths of the unit. Without it `stock`, merged, is summed up.
    pub quantity: Option<i64>,
    /// Whether nobody counts it: then it has neither quantity nor stock.
    pub untracked: bool,
    /// Prices by type.
    pub prices: Option<Section<Price>>,
    /// Stock by store.
    pub stock: Option<Section<Stock>>,
    /// What tells a variant from its sisters: name and value, in the order given.
    pub characteristics: Option<Vec<(String, String)>>,
    /// Property ids with values (ids of values, or texts).
    pub properties: Option<Vec<(String, Vec<String>)>>,
    /// Requisites of 1C: name and values, in the order given.
    pub requisites: Option<Vec<(String, Vec<String>)>>,
    /// Names of picture files, the main one first.
    pub pictures: Option<Vec<String>>,
    /// Further texts by name: country, brand, weight … An empty text removes one; what is not named
    /// stays.
    pub extra: Option<BTreeMap<String, String>>,
}
