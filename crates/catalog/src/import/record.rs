//! A good's row, as far as an import reads and writes it.

use sklad_store::{Row, Value};

use super::told::Told;
use crate::text;

/// The columns that are read and written, in the order of [`Record::read`] and [`Record::values`].
pub const COLUMNS: [&str; 34] = [
    "id",
    "version",
    "external",
    "parent",
    "source",
    "told",
    "category",
    "price",
    "min_price",
    "discount_prohibited",
    "tobacco",
    "weighed",
    "archived",
    "catalogue",
    "card",
    "kind",
    "ms_id",
    "sync_id",
    "article",
    "code",
    "barcodes",
    "categories",
    "unit",
    "quantity",
    "prices",
    "stock",
    "characteristics",
    "pictures",
    "pictures_before",
    "name",
    "properties",
    "requisites",
    "extra",
    "description",
];

/// How many of [`COLUMNS`], from the first, an update leaves alone: changing one rewrites an index.
pub const FIXED: usize = 5;

/// Not archived.
pub const LIVE: i64 = 0;
/// Archived by hand.
pub const BY_HAND: i64 = 1;
/// Archived because its source no longer has it.
pub const GONE: i64 = 2;
/// A variant, archived because its product is [`GONE`]: it comes back with it.
pub const WITH_PRODUCT: i64 = 3;

/// In [`Record::card`]: somebody has named the good; else a variant is called after its product.
pub const NAMED: i64 = 1 << 32;

/// Names a bit for each column that an import changes, and says which of them differ.
macro_rules! columns {
    ($($column:ident $bit:literal)*) => {
        /// Sets of columns.
        #[allow(non_upper_case_globals, reason = "they are called as the columns are")]
        pub mod column {
            $(pub const $column: u32 = 1 << $bit;)*
        }

        impl Record {
            /// The columns that differ. A version and what was told are no content.
            pub fn differing(&self, other: &Self) -> u32 {
                let mut columns = 0;
                $(if self.$column != other.$column {
                    columns |= column::$column;
                })*
                columns
            }
        }
    };
}

columns! {
    external 0 parent 1 source 2 category 3 price 4 min_price 5 discount_prohibited 6 tobacco 7 weighed 8
    archived 9 kind 10 ms_id 11 sync_id 12 article 13 code 14 barcodes 15 categories 16 unit 17
    quantity 18 prices 19 stock 20 characteristics 21 pictures 22 name 23 properties 24 requisites 25
    extra 26 description 27 catalogue 28 card 29 pictures_before 30
}

/// A row of `goods`. Lists are JSON texts in one canonical form, so that equal lists are equal texts;
/// an empty list is `None`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Record {
    pub id: String,
    pub version: i64,
    pub external: Option<String>,
    pub parent: Option<String>,
    pub source: Option<String>,
    pub told: Told,
    pub category: Option<String>,
    pub price: Option<i64>,
    pub min_price: Option<i64>,
    pub discount_prohibited: bool,
    pub tobacco: bool,
    pub weighed: bool,
    pub archived: i64,
    pub catalogue: Option<String>,
    /// Bits of the columns that the card says ([`column`]), and [`NAMED`].
    pub card: i64,
    pub kind: String,
    pub ms_id: Option<String>,
    pub sync_id: Option<String>,
    pub article: Option<String>,
    pub code: Option<String>,
    pub barcodes: Option<String>,
    pub categories: Option<String>,
    pub unit: Option<String>,
    pub quantity: Option<i64>,
    pub prices: Option<String>,
    pub stock: Option<String>,
    pub characteristics: Option<String>,
    pub pictures: Option<String>,
    pub pictures_before: Option<String>,
    pub name: String,
    pub properties: Option<String>,
    pub requisites: Option<String>,
    pub extra: Option<String>,
    pub description: Option<String>,
}

/// The values of a row, one after the other.
struct Cells(std::vec::IntoIter<Value>);

impl Cells {
    fn text(&mut self) -> Option<String> {
        match self.0.next() {
            Some(Value::Text(text)) => Some(text),
            _ => None,
        }
    }

    fn int(&mut self) -> Option<i64> {
        match self.0.next() {
            Some(Value::Integer(int)) => Some(int),
            _ => None,
        }
    }

    fn flag(&mut self) -> bool {
        self.int() == Some(1)
    }
}

impl Record {
    /// The record of a row that begins with [`COLUMNS`].
    pub fn read(row: Row) -> Self {
        let mut cells = Cells(row.0.into_iter());
        Self {
            id: cells.text().unwrap_or_default(),
            version: cells.int().unwrap_or_default(),
            external: cells.text(),
            parent: cells.text(),
            source: cells.text(),
            told: Told::read(cells.text().as_deref()),
            category: cells.text(),
            price: cells.int(),
            min_price: cells.int(),
            discount_prohibited: cells.flag(),
            tobacco: cells.flag(),
            weighed: cells.flag(),
            archived: cells.int().unwrap_or_default(),
            catalogue: cells.text(),
            card: cells.int().unwrap_or_default(),
            kind: cells.text().unwrap_or_default(),
            ms_id: cells.text(),
            sync_id: cells.text(),
            article: cells.text(),
            code: cells.text(),
            barcodes: cells.text().filter(|json| json != "[]"),
            categories: cells.text(),
            unit: cells.text(),
            quantity: cells.int(),
            prices: cells.text(),
            stock: cells.text(),
            characteristics: cells.text(),
            pictures: cells.text(),
            pictures_before: cells.text(),
            name: cells.text().unwrap_or_default(),
            properties: cells.text(),
            requisites: cells.text(),
            extra: cells.text(),
            description: cells.text(),
        }
    }

    /// The values of [`COLUMNS`], and the key of the name.
    pub fn values(self) -> [Value; COLUMNS.len() + 1] {
        let name_key = text::name_key(&self.name);
        [
            self.id.into(),
            self.version.into(),
            self.external.into(),
            self.parent.into(),
            self.source.into(),
            self.told.text().into(),
            self.category.into(),
            self.price.into(),
            self.min_price.into(),
            self.discount_prohibited.into(),
            self.tobacco.into(),
            self.weighed.into(),
            self.archived.into(),
            self.catalogue.into(),
            self.card.into(),
            self.kind.into(),
            self.ms_id.into(),
            self.sync_id.into(),
            self.article.into(),
            self.code.into(),
            self.barcodes.unwrap_or_else(|| "[]".to_owned()).into(),
            self.categories.into(),
            self.unit.into(),
            self.quantity.into(),
            self.prices.into(),
            self.stock.into(),
            self.characteristics.into(),
            self.pictures.into(),
            self.pictures_before.into(),
            self.name.into(),
            self.properties.into(),
            self.requisites.into(),
            self.extra.into(),
            self.description.into(),
            name_key.into(),
        ]
    }

    /// What it is found by as a whole: kind and value, each once.
    pub fn terms(&self) -> Vec<(&'static str, String)> {
        let mut terms = Vec::new();
        let mut add = |kind, value: String| {
            if !terms.contains(&(kind, value.clone())) {
                terms.push((kind, value));
            }
        };
        if let Some(article) = &self.article {
            add(term::ARTICLE, text::fold(article));
        }
        if let Some(code) = &self.code {
            add(term::CODE, text::fold(code));
        }
        for barcode in list(self.barcodes.as_deref()) {
            add(term::BARCODE, text::fold(&barcode));
        }
        let pictures = [&self.pictures, &self.pictures_before];
        for picture in pictures.into_iter().flat_map(|json| list(json.as_deref())) {
            add(term::PICTURE, picture);
        }
        terms
    }

    /// Whether [`Self::terms`] of both are the same texts for certain.
    pub fn same_terms(&self, other: &Self) -> bool {
        self.article == other.article
            && self.code == other.code
            && self.barcodes == other.barcodes
            && self.pictures == other.pictures
            && self.pictures_before == other.pictures_before
    }
}

/// The kinds of terms.
pub mod term {
    pub const ARTICLE: &str = "article";
    pub const CODE: &str = "code";
    pub const BARCODE: &str = "barcode";
    /// The name of a picture file.
    pub const PICTURE: &str = "picture";
}

/// A JSON array of texts; nothing else is written to these columns.
pub fn list(json: Option<&str>) -> Vec<String> {
    json.and_then(|json| serde_json::from_str(json).ok())
        .unwrap_or_default()
}
