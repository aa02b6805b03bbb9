//! What a file holds, as arithmetic.

use crate::out::Encoding;
use crate::words::{COLOURS, GROUPS, KINDS, SIZES, THINGS, pick};

/// МойСклад's constant id of classifier and catalogue (commerceml §2.7).
pub const CATALOGUE: &str = "bd72d8f9-55bc-11d9-848a-00112f43529a";
/// МойСклад's constant id of «Цена продажи» (commerceml §2.7).
pub const SALE_PRICE: &str = "cbcf493b-55bc-11d9-848a-00112f43529a";
/// How many children a group has.
const BRANCHES: u32 = 4;

/// Whose files they are.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Style {
    /// МойСклад: 2.04, no namespace, ids are `externalCode`, numbers as Java writes them (commerceml §2.7).
    #[default]
    MoySklad,
    /// 1С УТ: 2.07 with a namespace, ids are UUIDs.
    OneC,
}

/// What a file holds. Everything in it follows from these numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Shape {
    /// Whose files they are.
    pub style: Style,
    /// Products.
    pub goods: u32,
    /// Variants of each product; 0: an offer is of the product itself.
    pub variants: u32,
    /// Groups; the tree's first ones are above the others.
    pub groups: u32,
    /// Properties; every good has a value of each.
    pub properties: u32,
    /// Price types; every offer has a price of each.
    pub price_types: u32,
    /// Stores; every offer has stock in each.
    pub stores: u32,
    /// Whether every fourth product has a picture.
    pub pictures: bool,
    /// Two shapes of different seeds have no good in common.
    pub seed: u64,
    /// Names the state of the shop: with another one, so many of the goods have changed as
    /// [`Self::changed_permille`] says. 0 is the state in which nothing has.
    pub revision: u64,
    /// How many of a thousand products differ from revision 0: in name, prices and stock.
    pub changed_permille: u64,
    /// Whether the files say that they hold changes alone.
    pub changes_only: bool,
    /// Whether there is no white space between elements.
    pub compact: bool,
    /// The encoding of the files.
    pub encoding: Encoding,
}

impl Default for Shape {
    fn default() -> Self {
        Self {
            style: Style::MoySklad,
            goods: 100,
            variants: 0,
            groups: 10,
            properties: 3,
            price_types: 2,
            stores: 3,
            pictures: false,
            seed: 1,
            revision: 0,
            changed_permille: 0,
            changes_only: false,
            compact: false,
            encoding: Encoding::Utf8,
        }
    }
}

/// Kinds of things that have numbers of their own.
#[derive(Clone, Copy)]
enum Of {
    Good,
    Variant,
    Group,
    Property,
    PriceType,
    Store,
    Price,
    Stock,
    Name,
    Changed,
    Value,
}

/// Mixes bits well (splitmix64).
fn mix(n: u64) -> u64 {
    let n = n.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let n = (n ^ (n >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let n = (n ^ (n >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    n ^ (n >> 31)
}

impl Shape {
    /// A shape of МойСклад's files with so many products.
    #[must_use]
    pub fn moysklad(goods: u32) -> Self {
        Self {
            goods,
            ..Self::default()
        }
    }

    /// A shape of 1С's files with so many products.
    #[must_use]
    pub fn one_c(goods: u32) -> Self {
        Self {
            style: Style::OneC,
            encoding: Encoding::Utf8Bom,
            goods,
            ..Self::default()
        }
    }

    /// How many offers there are.
    #[must_use]
    pub fn offers(&self) -> u64 {
        u64::from(self.goods) * u64::from(self.variants.max(1))
    }

    fn number(&self, of: Of, a: u64, b: u64) -> u64 {
        mix(mix(mix(self.seed ^ ((of as u64) << 56)) ^ a) ^ b)
    }

    fn id(&self, of: Of, a: u64, b: u64) -> String {
        let (high, low) = (self.number(of, a, b), self.number(of, a, b ^ (1 << 40)));
        match self.style {
            Style::MoySklad => external_code(high, low),
            Style::OneC => uuid(high, low),
        }
    }

    /// `Ид` of product `good`, counted from 0.
    #[must_use]
    pub fn good_id(&self, good: u32) -> String {
        self.id(Of::Good, good.into(), 0)
    }

    /// `Ид` of an offer: the product's, or `P#V` (commerceml §2.5).
    #[must_use]
    pub fn offer_id(&self, good: u32, variant: u32) -> String {
        let product = self.good_id(good);
        match self.variants {
            0 => product,
            _ => format!(
                "{product}#{}",
                self.id(Of::Variant, good.into(), variant.into())
            ),
        }
    }

    /// `Ид` of a group.
    #[must_use]
    pub fn group_id(&self, group: u32) -> String {
        self.id(Of::Group, group.into(), 0)
    }

    /// The group above, if there is one.
    #[must_use]
    pub fn parent_group(&self, group: u32) -> Option<u32> {
        group.checked_sub(1).map(|n| n / BRANCHES)
    }

    /// The groups right below.
    pub fn child_groups(&self, group: u32) -> impl Iterator<Item = u32> + use<> {
        let first = group.saturating_mul(BRANCHES).saturating_add(1);
        (first..first.saturating_add(BRANCHES).min(self.groups)).take(self.groups as usize)
    }

    /// The group of a product; nothing where there are none.
    #[must_use]
    pub fn group_of(&self, good: u32) -> Option<u32> {
        good.checked_rem(self.groups)
    }

    /// The name of a group.
    #[must_use]
    pub fn group_name(&self, group: u32) -> String {
        format!("{} {group}", pick(&GROUPS, group.into()))
    }

    /// `Ид` of a property; МойСклад's are UUIDs as well.
    #[must_use]
    pub fn property_id(&self, property: u32) -> String {
        let n = u64::from(property);
        uuid(
            self.number(Of::Property, n, 0),
            self.number(Of::Property, n, 1),
        )
    }

    /// A good's value of a property.
    #[must_use]
    pub fn property_value(&self, good: u32, property: u32) -> String {
        let n = self.number(Of::Value, good.into(), property.into());
        format!("{} {}", pick(&COLOURS, n), n % 100)
    }

    /// `Ид` of a price type; the first one of МойСклад is its constant.
    #[must_use]
    pub fn price_type_id(&self, price_type: u32) -> String {
        match (self.style, price_type) {
            (Style::MoySklad, 0) => SALE_PRICE.to_owned(),
            _ => {
                let n = u64::from(price_type);
                uuid(
                    self.number(Of::PriceType, n, 0),
                    self.number(Of::PriceType, n, 1),
                )
            }
        }
    }

    /// The name of a price type.
    #[must_use]
    pub fn price_type_name(&self, price_type: u32) -> String {
        match price_type {
            0 => "Цена продажи".to_owned(),
            n => format!("Оптовая {n}"),
        }
    }

    /// `Ид` of a store.
    #[must_use]
    pub fn store_id(&self, store: u32) -> String {
        self.id(Of::Store, store.into(), 0)
    }

    /// The name of a store.
    #[must_use]
    pub fn store_name(&self, store: u32) -> String {
        format!("Склад {}", store + 1)
    }

    /// Whether a product differs from what it was at revision 0.
    #[must_use]
    pub fn has_changed(&self, good: u32) -> bool {
        let n = self.number(Of::Changed, good.into(), self.revision);
        self.revision > 0 && n % 1000 < self.changed_permille
    }

    fn state(&self, good: u32) -> u64 {
        if self.has_changed(good) {
            self.revision
        } else {
            0
        }
    }

    /// The name of a product, escaped for XML.
    #[must_use]
    pub fn name_in_xml(&self, good: u32) -> String {
        let n = self.number(Of::Name, good.into(), 0);
        let (thing, kind) = (pick(&THINGS, n), pick(&KINDS, n >> 8));
        match self.state(good) {
            0 => format!("{thing} {kind} {good}"),
            state => format!("{thing} {kind} {good} ред. {state}"),
        }
    }

    /// The name of a product.
    #[must_use]
    pub fn name(&self, good: u32) -> String {
        let text = self.name_in_xml(good).replace("&lt;", "<");
        text.replace("&gt;", ">").replace("&amp;", "&")
    }

    /// The article of a product.
    #[must_use]
    pub fn article(&self, good: u32) -> String {
        format!("А-{}-{good:06}", self.seed)
    }

    /// The barcode of an offer, thirteen digits.
    #[must_use]
    pub fn barcode(&self, good: u32, variant: u32) -> String {
        let n = self.number(Of::Variant, good.into(), variant.into());
        format!("2{:012}", n % 1_000_000_000_000)
    }

    /// The price of an offer, kopecks.
    #[must_use]
    pub fn price_kopecks(&self, good: u32, variant: u32, price_type: u32) -> i64 {
        let place = u64::from(variant) << 8 | u64::from(price_type);
        let n = self.number(Of::Price, good.into(), place);
        // An odd step, so that a revision never gives the price that was before it.
        let kopecks = 1_000 + n % 5_000_000 + self.state(good) * 7;
        i64::try_from(kopecks).unwrap_or_default()
    }

    /// What of an offer is in a store, thousandths; some have none, some are sold on credit.
    #[must_use]
    pub fn stock_thousandths(&self, good: u32, variant: u32, store: u32) -> i64 {
        let place = u64::from(variant) << 8 | u64::from(store);
        let n = self.number(Of::Stock, good.into(), place);
        let units = match n % 16 {
            0 => 0,
            1 => -1,
            _ => i64::try_from((n >> 8) % 500 + self.state(good)).unwrap_or_default(),
        };
        units * 1000
    }

    /// What of an offer is in all stores, thousandths.
    #[must_use]
    pub fn quantity_thousandths(&self, good: u32, variant: u32) -> i64 {
        let stores = 0..self.stores;
        stores
            .map(|store| self.stock_thousandths(good, variant, store))
            .sum()
    }

    /// Name and value of the characteristics of a variant.
    #[must_use]
    pub fn characteristics(&self, variant: u32) -> [(&'static str, &'static str); 2] {
        let n = u64::from(variant);
        let colour = pick(&COLOURS, n / SIZES.len() as u64);
        [("Размер", pick(&SIZES, n)), ("Цвет", colour)]
    }

    /// The file name of the product's picture, where it has one.
    #[must_use]
    pub fn picture(&self, good: u32) -> Option<String> {
        let has = self.pictures && good.is_multiple_of(4);
        has.then(|| match self.style {
            Style::MoySklad => format!("{}.png", 10_000 + good),
            Style::OneC => {
                let id = self.good_id(good);
                let folder = id.get(..2).unwrap_or_default().to_owned();
                format!("import_files/{folder}/{id}_0.png")
            }
        })
    }
}

fn uuid(high: u64, low: u64) -> String {
    format!(
        "{:08x}-{:04x}-4{:03x}-a{:03x}-{:012x}",
        high >> 32,
        (high >> 16) & 0xffff,
        high & 0xfff,
        low >> 52,
        low & 0xffff_ffff_ffff
    )
}

/// 22 characters like МойСклад's `externalCode`.
fn external_code(high: u64, low: u64) -> String {
    const DIGITS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = String::with_capacity(22);
    for mut number in [high, low] {
        for _ in 0..11 {
            let digit = usize::try_from(number % 62).unwrap_or_default();
            text.push(DIGITS.get(digit).copied().map_or('0', char::from));
            number /= 62;
        }
    }
    text
}
