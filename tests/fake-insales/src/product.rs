//! A product with its variants, and what may be changed of it.

use serde_json::Value;

use crate::message::Problem;
use crate::money;
use crate::state::Fields;

/// A product (§5.1). Money is in kopecks, quantities are in thousandths.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Product {
    pub(crate) category: u64,
    pub(crate) collections: Vec<u64>,
    pub(crate) hidden: bool,
    pub(crate) title: String,
    pub(crate) short_description: Option<String>,
    pub(crate) description: Option<String>,
    pub(crate) permalink: String,
    pub(crate) unit: String,
    pub(crate) vat: i64,
    pub(crate) option_names: Vec<u64>,
    /// Property and value.
    pub(crate) characteristics: Vec<(u64, String)>,
    /// Images by id and file name.
    pub(crate) images: Vec<(u64, String)>,
    /// One at least.
    pub(crate) variants: Vec<Variant>,
}

/// What is sold.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Variant {
    pub(crate) id: u64,
    pub(crate) sku: Option<String>,
    pub(crate) barcode: Option<String>,
    pub(crate) dimensions: Option<String>,
    pub(crate) weight: Option<String>,
    /// Per warehouse; `None`: stock is not tracked.
    pub(crate) stock: Option<Vec<i64>>,
    pub(crate) price: i64,
    pub(crate) old_price: Option<i64>,
    pub(crate) cost_price: Option<i64>,
    /// `price2`, `price3` …
    pub(crate) prices: Vec<Option<i64>>,
    /// Ids of option values.
    pub(crate) options: Vec<u64>,
    pub(crate) image: Option<u64>,
    /// When it was changed itself, in seconds; 0: with its product.
    pub(crate) updated: i64,
}

impl Variant {
    /// All there is of it; `None`: not tracked.
    pub(crate) fn quantity(&self) -> Option<i64> {
        self.stock.as_ref().map(|stock| stock.iter().sum())
    }

    pub(crate) fn available(&self) -> bool {
        self.quantity().is_none_or(|quantity| quantity > 0)
    }

    /// Takes away what was sold, from the first warehouse.
    pub(crate) fn sell(&mut self, quantity: i64, now: i64) {
        if let Some(first) = self.stock.as_mut().and_then(|stock| stock.first_mut()) {
            *first -= quantity;
        }
        self.updated = now;
    }
}

/// What a change needs to know of the shop.
pub(crate) struct Around<'a> {
    pub(crate) now: i64,
    /// Ids of warehouses in their order.
    pub(crate) warehouses: Vec<u64>,
    pub(crate) price_kinds: usize,
    pub(crate) new_id: &'a mut dyn FnMut() -> u64,
}

impl Product {
    /// Applies fields of the API; unknown ones are passed over, as the shop does.
    pub(crate) fn apply(&mut self, fields: &Fields, around: &mut Around) -> Result<(), Problem> {
        for (name, value) in fields {
            match name.as_str() {
                "title" => self.title = text(value).unwrap_or_default(),
                "category_id" => self.category = id(name, value)?,
                "collections_ids" => self.collections = ids(name, value)?,
                "is_hidden" => self.hidden = value == &Value::Bool(true),
                "short_description" => self.short_description = text(value),
                "description" => self.description = text(value),
                "unit" => self.unit = text(value).unwrap_or_default(),
                "permalink" => self.permalink = text(value).unwrap_or_default(),
                "vat" => self.vat = value.as_i64().unwrap_or(-1),
                "option_name_ids" => self.option_names = ids(name, value)?,
                "images" => self.images = self.images_of(value, around),
                "variants" | "variants_attributes" => self.apply_variants(value, around)?,
                _ => {}
            }
        }
        if self.title.is_empty() {
            return Err(Problem::field("title", "не может быть пустым"));
        }
        if self.variants.is_empty() {
            let only = self.new_variant(around);
            self.variants.push(only);
        }
        Ok(())
    }

    fn images_of(&self, value: &Value, around: &mut Around) -> Vec<(u64, String)> {
        let names = value.as_array().into_iter().flatten().filter_map(text);
        names
            .map(|name| {
                let known = self.images.iter().find(|(_, one)| *one == name);
                let id = known.map_or_else(&mut *around.new_id, |(id, _)| *id);
                (id, name)
            })
            .collect()
    }

    fn apply_variants(&mut self, value: &Value, around: &mut Around) -> Result<(), Problem> {
        for fields in value.as_array().into_iter().flatten() {
            let Some(fields) = fields.as_object() else {
                return Err(Problem::field("variants", "имеет неверное значение"));
            };
            let given = fields.get("id").and_then(Value::as_u64);
            if fields.get("_destroy") == Some(&Value::Bool(true)) {
                self.variants.retain(|one| Some(one.id) != given);
                continue;
            }
            let place = self.variants.iter().position(|one| Some(one.id) == given);
            let mut variant = match place.and_then(|place| self.variants.get(place)) {
                Some(variant) => variant.clone(),
                None if given.is_some() => return Err(Problem::missing()),
                None => self.new_variant(around),
            };
            variant.apply(fields, around)?;
            match place.and_then(|place| self.variants.get_mut(place)) {
                Some(slot) => *slot = variant,
                None => self.variants.push(variant),
            }
        }
        Ok(())
    }

    fn new_variant(&self, around: &mut Around) -> Variant {
        Variant {
            id: (around.new_id)(),
            prices: vec![None; around.price_kinds],
            ..Variant::default()
        }
    }
}

impl Variant {
    fn apply(&mut self, fields: &Fields, around: &Around) -> Result<(), Problem> {
        self.updated = around.now;
        for (name, value) in fields {
            match name.as_str() {
                "sku" => self.sku = text(value),
                "barcode" => self.barcode = text(value),
                "dimensions" => self.dimensions = text(value),
                "weight" => self.weight = text(value),
                "price" => self.price = price(name, value)?.unwrap_or(0),
                "old_price" => self.old_price = price(name, value)?,
                "cost_price" => self.cost_price = price(name, value)?,
                "option_value_ids" => self.options = ids(name, value)?,
                "quantity" => self.set_quantity(value, around)?,
                other => self.apply_numbered(other, value, around)?,
            }
        }
        Ok(())
    }

    /// `price2`, `quantity_at_warehouse7`.
    fn apply_numbered(
        &mut self,
        name: &str,
        value: &Value,
        around: &Around,
    ) -> Result<(), Problem> {
        let number = |prefix: &str| name.strip_prefix(prefix)?.parse::<u64>().ok();
        if let Some(number) = number("price") {
            let place = usize::try_from(number).unwrap_or(0).checked_sub(2);
            if let Some(slot) = place.and_then(|place| self.prices.get_mut(place)) {
                *slot = price(name, value)?;
            }
        } else if let Some(number) = number("quantity_at_warehouse") {
            let stock = self
                .stock
                .get_or_insert_with(|| vec![0; around.warehouses.len().max(1)]);
            let place = around.warehouses.iter().position(|one| *one == number);
            if let Some(slot) = stock.get_mut(place.unwrap_or(0)) {
                *slot = quantity(name, value)?;
            }
        }
        Ok(())
    }

    /// The whole quantity lies in the first warehouse then; `null` ends tracking.
    fn set_quantity(&mut self, value: &Value, around: &Around) -> Result<(), Problem> {
        if value.is_null() {
            self.stock = None;
            return Ok(());
        }
        let mut stock = vec![0; around.warehouses.len().max(1)];
        if let Some(first) = stock.first_mut() {
            *first = quantity("quantity", value)?;
        }
        self.stock = Some(stock);
        Ok(())
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Null => None,
        other => Some(other.to_string()),
    }
}

fn wrong(name: &str) -> Problem {
    Problem::field(name, "имеет неверное значение")
}

fn price(name: &str, value: &Value) -> Result<Option<i64>, Problem> {
    if value.is_null() {
        return Ok(None);
    }
    money::kopecks(value).map(Some).ok_or_else(|| wrong(name))
}

fn quantity(name: &str, value: &Value) -> Result<i64, Problem> {
    money::thousandths(value).ok_or_else(|| wrong(name))
}

fn id(name: &str, value: &Value) -> Result<u64, Problem> {
    value.as_u64().ok_or_else(|| wrong(name))
}

fn ids(name: &str, value: &Value) -> Result<Vec<u64>, Problem> {
    let all = value.as_array().ok_or_else(|| wrong(name))?;
    all.iter().map(|one| id(name, one)).collect()
}
