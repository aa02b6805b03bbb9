//! Products as answers and webhooks show them (§5.1). They are written out without an intermediate value:
//! a page has tens of thousands of members.

use std::borrow::Cow;

use serde::ser::{Serialize, SerializeMap, Serializer};
use serde_json::{Value, json};

use crate::generate::draw;
use crate::money;
use crate::product::{Product, Variant};
use crate::state::{Body, Rights, Row, Store};
use crate::time::shown;

/// What is shown for whom.
#[derive(Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) store: &'a Store,
    /// The fake's own origin: there pictures are.
    pub(crate) origin: &'a str,
    pub(crate) rights: Rights,
}

impl<'a> View<'a> {
    /// A product that is there.
    pub(crate) fn product(self, id: u64) -> Option<ShownProduct<'a>> {
        let row = self.store.products.get(id)?;
        Some(ShownProduct {
            view: self,
            id,
            row,
            product: self.store.body(row),
            warehouses: self.store.warehouses(),
        })
    }

    fn image(self, product: u64, place: usize, image: &(u64, String)) -> Value {
        let (id, name) = image;
        let address = |size: &str| {
            let (origin, shop) = (self.origin, &self.store.domain);
            format!("{origin}/{shop}/files/{id}/{size}{name}")
        };
        json!({
            "id": id, "product_id": product, "position": place + 1, "title": null, "filename": name,
            "created_at": shown(self.store.products.get(product).map_or(0, |row| row.created)),
            "image_processing": false, "original_url": address(""), "large_url": address("large_"),
            "medium_url": address("medium_"), "compact_url": address("compact_"),
            "small_url": address("small_"), "thumb_url": address("thumb_"), "url": address("medium_"),
        })
    }

    /// Things of a plain kind, with their ids.
    fn linked(self, kind: &str, ids: impl Iterator<Item = u64>) -> Vec<Value> {
        ids.filter_map(|id| {
            let mut fields = self.store.fields(kind, id)?.clone();
            fields.insert("id".into(), id.into());
            Some(Value::Object(fields))
        })
        .collect()
    }
}

/// A product as it is shown.
pub(crate) struct ShownProduct<'a> {
    view: View<'a>,
    id: u64,
    row: &'a Row<Body>,
    product: Cow<'a, Product>,
    warehouses: Vec<u64>,
}

impl ShownProduct<'_> {
    /// Its variants.
    pub(crate) fn variants(&self) -> Vec<ShownVariant<'_>> {
        let variants = self.product.variants.iter();
        variants
            .map(|variant| ShownVariant { of: self, variant })
            .collect()
    }

    /// One of them.
    pub(crate) fn variant(&self, id: u64) -> Option<ShownVariant<'_>> {
        let mut variants = self.product.variants.iter();
        let variant = variants.find(|one| one.id == id)?;
        Some(ShownVariant { of: self, variant })
    }

    /// Its images.
    pub(crate) fn images(&self) -> Vec<Value> {
        let images = self.product.images.iter().enumerate();
        images
            .map(|(place, image)| self.view.image(self.id, place, image))
            .collect()
    }

    fn characteristics(&self) -> Vec<Value> {
        let all = self.product.characteristics.iter().enumerate();
        all.map(|(place, (property, title))| {
            let id = self.view.store.id("characteristics", 0) + draw(1, title, *property) % 900_000;
            json!({
                "id": id, "property_id": property, "position": place + 1, "title": title,
                "permalink": format!("value-{id}"),
            })
        })
        .collect()
    }
}

impl Serialize for ShownProduct<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let product = &*self.product;
        map.serialize_entry("id", &self.id)?;
        map.serialize_entry("category_id", &product.category)?;
        map.serialize_entry("created_at", &shown(self.row.created))?;
        map.serialize_entry("updated_at", &shown(self.row.updated))?;
        map.serialize_entry("is_hidden", &product.hidden)?;
        let available = product.variants.iter().any(Variant::available);
        map.serialize_entry("available", &available)?;
        map.serialize_entry("archived", &self.row.archived)?;
        map.serialize_entry("canonical_url_collection_id", &product.collections.first())?;
        map.serialize_entry("custom_template", &())?;
        map.serialize_entry("unit", &product.unit)?;
        map.serialize_entry("sort_weight", &())?;
        map.serialize_entry("ignore_discounts", &())?;
        map.serialize_entry("vat", &product.vat)?;
        map.serialize_entry("dimensions", &())?;
        map.serialize_entry("fiscal_product_type", &1)?;
        map.serialize_entry("title", &product.title)?;
        map.serialize_entry("short_description", &product.short_description)?;
        map.serialize_entry("permalink", &product.permalink)?;
        for name in ["html_title", "meta_keywords", "meta_description"] {
            map.serialize_entry(name, &())?;
        }
        map.serialize_entry("currency_code", "RUR")?;
        map.serialize_entry("collections_ids", &product.collections)?;
        map.serialize_entry("sales_channels_id", &())?;
        map.serialize_entry("description", &product.description)?;
        map.serialize_entry("images", &self.images())?;
        map.serialize_entry("video_links", &[(); 0])?;
        let options = product.option_names.iter().copied();
        map.serialize_entry("option_names", &self.view.linked("option_names", options))?;
        let properties = product.characteristics.iter().map(|(id, _)| *id);
        map.serialize_entry("properties", &self.view.linked("properties", properties))?;
        map.serialize_entry("characteristics", &self.characteristics())?;
        map.serialize_entry("product_field_values", &[(); 0])?;
        map.serialize_entry("variants", &self.variants())?;
        map.serialize_entry("product_bundle_components", &[(); 0])?;
        map.end()
    }
}

/// A variant as it is shown.
pub(crate) struct ShownVariant<'a> {
    of: &'a ShownProduct<'a>,
    variant: &'a Variant,
}

impl ShownVariant<'_> {
    /// The values of its options; nothing where it is the only one of a product without options.
    fn title(&self) -> Option<String> {
        let store = self.of.view.store;
        let values = self.variant.options.iter().filter_map(|id| {
            let title = store.fields("option_values", *id)?.get("title")?;
            title.as_str()
        });
        let values: Vec<&str> = values.collect();
        (!values.is_empty()).then(|| values.join(" / "))
    }

    fn prices<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let (variant, rights) = (self.variant, self.of.view.rights);
        let text = |kopecks: Option<i64>| kopecks.map(money::price);
        if rights.cost_prices {
            let cost = text(variant.cost_price);
            map.serialize_entry("cost_price", &cost)?;
            map.serialize_entry("cost_price_in_site_currency", &cost)?;
        }
        let price = text(Some(variant.price));
        for name in [
            "price",
            "price_in_site_currency",
            "base_price",
            "base_price_in_site_currency",
        ] {
            map.serialize_entry(name, &price)?;
        }
        let old = text(variant.old_price);
        map.serialize_entry("old_price", &old)?;
        map.serialize_entry("old_price_in_site_currency", &old)?;
        if rights.extra_prices {
            let prices: Vec<_> = variant.prices.iter().copied().map(text).collect();
            for (place, price) in prices.iter().enumerate() {
                map.serialize_entry(&format!("price{}", place + 2), price)?;
                map.serialize_entry(&format!("price{}_in_site_currency", place + 2), price)?;
            }
            map.serialize_entry("prices", &prices)?;
            map.serialize_entry("prices_in_site_currency", &prices)?;
        }
        Ok(())
    }

    /// Where stock is not tracked the whole is `null`, and there is nothing in any warehouse (§5.1).
    fn stock<M: SerializeMap>(&self, map: &mut M) -> Result<(), M::Error> {
        let number = |thousandths| money::number(&money::quantity(thousandths));
        map.serialize_entry("quantity", &self.variant.quantity().map(number))?;
        let at = |place: usize| {
            let stock = self.variant.stock.as_ref();
            number(
                stock
                    .and_then(|stock| stock.get(place).copied())
                    .unwrap_or(0),
            )
        };
        if let [] | [_] = self.of.warehouses.as_slice() {
            return map.serialize_entry("quantity_at_warehouse0", &at(0));
        }
        for (place, id) in self.of.warehouses.iter().enumerate() {
            map.serialize_entry(&format!("quantity_at_warehouse{id}"), &at(place))?;
        }
        Ok(())
    }

    fn options(&self) -> Vec<Value> {
        let ids = self.variant.options.iter().copied();
        self.of.view.linked("option_values", ids)
    }
}

impl Serialize for ShownVariant<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut map = serializer.serialize_map(None)?;
        let (variant, row) = (self.variant, self.of.row);
        map.serialize_entry("id", &variant.id)?;
        map.serialize_entry("title", &self.title())?;
        map.serialize_entry("product_id", &self.of.id)?;
        map.serialize_entry("sku", &variant.sku)?;
        map.serialize_entry("barcode", &variant.barcode)?;
        map.serialize_entry("dimensions", &variant.dimensions)?;
        map.serialize_entry("available", &variant.available())?;
        map.serialize_entry("image_ids", &variant.image.as_slice())?;
        map.serialize_entry("image_id", &variant.image)?;
        map.serialize_entry("weight", &variant.weight)?;
        map.serialize_entry("created_at", &shown(row.created))?;
        let updated = variant.updated.max(row.created);
        map.serialize_entry("updated_at", &shown(updated))?;
        self.stock(&mut map)?;
        self.prices(&mut map)?;
        map.serialize_entry("variant_field_values", &[(); 0])?;
        map.serialize_entry("option_values", &self.options())?;
        map.end()
    }
}

/// A thing of a plain kind as it is shown.
pub(crate) fn plain(id: u64, row: &Row<crate::state::Fields>) -> Value {
    let mut fields = row.body.clone();
    fields.insert("id".into(), id.into());
    fields.insert("created_at".into(), shown(row.created).into());
    fields.insert("updated_at".into(), shown(row.updated).into());
    if row.archived {
        fields.insert("archived".into(), true.into());
    }
    Value::Object(fields)
}
