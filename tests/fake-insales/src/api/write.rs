//! Changes of goods and plain things: what a merchant does in the shop's back office.

use serde_json::Value;

use crate::message::Problem;
use crate::product::{Around, Product};
use crate::state::{Body, Fields, Row, Store};

/// Fields of a change.
///
/// # Errors
/// 400 for what is no object.
pub(crate) fn object(value: &Value) -> Result<&Fields, Problem> {
    value
        .as_object()
        .ok_or_else(|| Problem::malformed("an object is wanted"))
}

fn apply(
    store: &mut Store,
    product: &mut Product,
    fields: &Value,
    now: i64,
) -> Result<(), Problem> {
    let (warehouses, price_kinds) = (store.warehouses(), store.price_kinds());
    let mut new_id = || store.new_id();
    let mut around = Around {
        now,
        warehouses,
        price_kinds,
        new_id: &mut new_id,
    };
    product.apply(object(fields)?, &mut around)
}

/// Makes a product, with the first category where none is named.
pub(crate) fn create_product(store: &mut Store, fields: &Value, now: i64) -> Result<u64, Problem> {
    let mut product = Product {
        category: store.id("categories", 0),
        unit: "pce".to_owned(),
        vat: -1,
        ..Product::default()
    };
    apply(store, &mut product, fields, now)?;
    let id = store.new_id();
    if product.permalink.is_empty() {
        product.permalink = format!("product-{id}");
    }
    store
        .products
        .put(id, Row::new(now, Body::Stored(Box::new(product))));
    Ok(id)
}

/// Changes a product.
pub(crate) fn change_product(
    store: &mut Store,
    id: u64,
    fields: &Value,
    now: i64,
) -> Result<(), Problem> {
    let mut product = store.product(id).ok_or_else(Problem::missing)?.into_owned();
    apply(store, &mut product, fields, now)?;
    store.edit(id, now, |kept| *kept = product);
    Ok(())
}

/// Makes or changes a plain thing; `null` clears a field.
pub(crate) fn put_plain(
    store: &mut Store,
    kind: &'static str,
    id: Option<u64>,
    fields: &Value,
    now: i64,
) -> Result<u64, Problem> {
    let fields = object(fields)?;
    let Some(id) = id else {
        let id = store.new_id();
        store.table_mut(kind).put(id, Row::new(now, fields.clone()));
        return Ok(id);
    };
    let done = store.table_mut(kind).change(id, now, |row| {
        for (name, value) in fields {
            row.body.insert(name.clone(), value.clone());
        }
    });
    done.map(|()| id).ok_or_else(Problem::missing)
}
