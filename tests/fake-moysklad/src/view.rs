//! Objects as the API shows them: `meta`, expansion, collections below (JSON API §1.6, §3, §4).

use std::collections::BTreeMap;

use serde_json::{Value, json};
use uuid::Uuid;

use crate::kinds::{self, Kind};
use crate::link::{self, BASE};
use crate::state::{Account, Fields, Row};
use crate::time::msk;

/// The deepest expansion.
const EXPAND_DEPTH: usize = 3;
/// What a collection below an object says of its own pages.
const COLLECTION_LIMIT: u32 = 1000;

/// What is to be expanded, as a tree of fields.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct Expand(BTreeMap<String, Expand>);

impl Expand {
    /// Reads `agent,positions.assortment`. What is deeper than three levels is not expanded at all.
    pub(crate) fn parse(text: &str) -> Self {
        let mut tree = Self::default();
        for path in text.split(',').filter(|path| !path.is_empty()) {
            if path.split('.').count() > EXPAND_DEPTH {
                continue;
            }
            let mut at = &mut tree;
            for name in path.split('.') {
                at = at.0.entry(name.to_owned()).or_default();
            }
        }
        tree
    }

    /// Only these fields, one level deep.
    pub(crate) fn only(mut self, names: &[&str]) -> Self {
        self.0.retain(|name, _| names.contains(&name.as_str()));
        for below in self.0.values_mut() {
            below.0.clear();
        }
        self
    }
}

/// How one account looks from outside.
#[derive(Debug, Clone, Copy)]
pub(crate) struct View<'a> {
    pub(crate) account: &'a Account,
    pub(crate) origin: &'a str,
}

impl View<'_> {
    /// One object, ready to be sent.
    pub(crate) fn show(&self, kind: &Kind, row: &Row, expand: &Expand) -> Value {
        let mut value = self.whole(kind, row, expand);
        link::outer(&mut value, self.origin);
        value
    }

    fn whole(&self, kind: &Kind, row: &Row, expand: &Expand) -> Value {
        let mut fields = self.account.object(kind, row);
        let path = path_of(kind, row.id);
        fields.insert(
            "meta".into(),
            link::meta(&path, meta_type(kind), self.origin),
        );
        if kind.is_entity() && !matches!(kind.name, "currency" | "uom") {
            fields.insert("accountId".into(), self.account.id.to_string().into());
        }
        if kind.is_entity()
            && !matches!(
                kind.name,
                "currency" | "uom" | "webhook" | "webhookstock" | "group"
            )
        {
            let made = |kind, index| link::entity(kind, self.account.made_id(kind, index));
            fields.insert("owner".into(), made("employee", 0));
            fields.insert("group".into(), made("group", 0));
            fields.insert("shared".into(), false.into());
        }
        fields.remove("entity");
        fields.retain(|name, _| !name.starts_with('_'));
        self.name_parts(&mut fields);
        for (field, rows) in kind.below {
            let items = fields.remove(*field);
            let items = items
                .as_ref()
                .and_then(Value::as_array)
                .map_or(&[][..], Vec::as_slice);
            let at = format!("{path}/{field}");
            let mut shown = json!({ "meta": {
                "href": format!("{}{BASE}{at}", self.origin), "type": rows,
                "mediaType": "application/json", "size": items.len(),
                "limit": COLLECTION_LIMIT, "offset": 0,
            }});
            if let (Some(below), Some(shown)) = (expand.0.get(*field), shown.as_object_mut()) {
                let rows: Vec<Value> = items
                    .iter()
                    .map(|item| self.below(&at, rows, item, below))
                    .collect();
                shown.insert("rows".into(), rows.into());
            }
            fields.insert((*field).to_owned(), shown);
        }
        self.expand(&mut fields, expand);
        Value::Object(fields)
    }

    /// Prices, characteristics and custom fields carry the names of what they refer to.
    fn name_parts(&self, fields: &mut Fields) {
        for price in fields
            .get_mut("salePrices")
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            self.name_price_type(price.get_mut("priceType"));
        }
        self.name_price_type(fields.get_mut("priceType"));
        for (field, owner) in [("characteristics", "variant"), ("attributes", "product")] {
            for one in fields
                .get_mut(field)
                .and_then(Value::as_array_mut)
                .into_iter()
                .flatten()
            {
                self.name_part(field, owner, one);
            }
        }
    }

    fn name_price_type(&self, reference: Option<&mut Value>) {
        let Some(reference) = reference else { return };
        let row = link::id(reference).and_then(|id| self.account.row("pricetype", id));
        if let (Some(row), Some(reference)) = (row, reference.as_object_mut()) {
            let known = self.account.fields("pricetype", row);
            reference.insert("id".into(), row.id.to_string().into());
            for name in ["name", "externalCode"] {
                reference.insert(name.into(), known.get(name).cloned().unwrap_or_default());
            }
        }
    }

    fn name_part(&self, field: &str, owner: &str, one: &mut Value) {
        let kind = if field == "attributes" {
            "attributemetadata"
        } else {
            "characteristic"
        };
        let id = link::id(one).or_else(|| one.get("id").and_then(Value::as_str)?.parse().ok());
        let row = id.and_then(|id| self.account.row(kind, id));
        if let (Some(row), Some(one)) = (row, one.as_object_mut()) {
            let known = self.account.fields(kind, row);
            let owner = known.get("entity").and_then(Value::as_str).unwrap_or(owner);
            one.insert(
                "@".into(),
                format!("entity/{owner}/metadata/{field}/{}", row.id).into(),
            );
            one.insert("@type".into(), "attributemetadata".into());
            one.insert("id".into(), row.id.to_string().into());
            one.insert(
                "name".into(),
                known.get("name").cloned().unwrap_or_default(),
            );
            if kind == "attributemetadata" {
                one.insert(
                    "type".into(),
                    known.get("type").cloned().unwrap_or_default(),
                );
            }
        }
    }

    /// One row of a collection below an object.
    fn below(&self, at: &str, kind: &str, item: &Value, expand: &Expand) -> Value {
        let Value::Object(item) = item else {
            return item.clone();
        };
        let mut fields = item.clone();
        let id = fields
            .get("id")
            .and_then(Value::as_str)
            .unwrap_or_default()
            .to_owned();
        let mut meta = link::meta(&format!("{at}/{id}"), kind, self.origin);
        if kind == "image" {
            self.image(&mut fields, &mut meta, &id);
        } else {
            fields.insert("accountId".into(), self.account.id.to_string().into());
        }
        fields.insert("meta".into(), meta);
        self.expand(&mut fields, expand);
        Value::Object(fields)
    }

    fn image(&self, fields: &mut Fields, meta: &mut Value, id: &str) {
        let address = |id: &str| format!("{}{BASE}download/{id}", self.origin);
        if let Some(meta) = meta.as_object_mut() {
            meta.insert("downloadHref".into(), address(id).into());
        }
        fields.remove("id");
        fields
            .entry("size")
            .or_insert(crate::files::SIZE_SHOWN.into());
        fields.entry("updated").or_insert(msk(0).into());
        // Null until the miniature was asked for once; here it never was.
        let small = json!({
            "href": address(id), "type": "image", "mediaType": "image/png", "downloadHref": null,
        });
        fields.insert("miniature".into(), small);
        let tiny = json!({ "href": address(id), "type": "image", "mediaType": "image/png" });
        fields.insert("tiny".into(), tiny);
    }

    /// The rows of the collection `field` below an object, ready to be sent.
    pub(crate) fn rows_below(
        &self,
        kind: &Kind,
        row: &Row,
        field: &str,
        expand: &Expand,
    ) -> Vec<Value> {
        let fields = self.account.fields(kind.name, row);
        let items = fields.get(field).and_then(Value::as_array);
        let at = format!("{}/{field}", path_of(kind, row.id));
        let rows = kind.rows_of(field).unwrap_or_default();
        let mut shown: Vec<Value> = items
            .into_iter()
            .flatten()
            .map(|item| self.below(&at, rows, item, expand))
            .collect();
        shown
            .iter_mut()
            .for_each(|value| link::outer(value, self.origin));
        shown
    }

    fn expand(&self, fields: &mut Fields, expand: &Expand) {
        for (name, below) in &expand.0 {
            match fields.get_mut(name) {
                Some(Value::Array(items)) => {
                    items.iter_mut().for_each(|item| self.replace(item, below));
                }
                Some(value) => self.replace(value, below),
                None => {}
            }
        }
    }

    fn replace(&self, value: &mut Value, below: &Expand) {
        let found = link::target(value).and_then(|(name, id)| {
            let kind = kinds::kind(name)?;
            Some((kind, self.account.row(name, id)?))
        });
        if let Some((kind, row)) = found {
            *value = self.whole(kind, row, below);
        }
    }
}

/// Where an object is, below the API's base.
pub(crate) fn path_of(kind: &Kind, id: Uuid) -> String {
    match kind.name {
        "pricetype" => format!("context/companysettings/pricetype/{id}"),
        "characteristic" => format!("entity/variant/metadata/characteristics/{id}"),
        "attributemetadata" => format!("entity/product/metadata/attributes/{id}"),
        "state" => format!("entity/customerorder/metadata/states/{id}"),
        name => format!("entity/{name}/{id}"),
    }
}

fn meta_type(kind: &Kind) -> &'static str {
    match kind.name {
        "characteristic" => "attributemetadata",
        name => name,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn expansion_is_a_tree_three_levels_deep() {
        let tree = Expand::parse("agent,positions.assortment,a.b.c.d");
        assert!(tree.0.contains_key("agent"));
        assert!(tree.0["positions"].0.contains_key("assortment"));
        assert!(!tree.0.contains_key("a"));
        let first = Expand::parse("product.productFolder,owner").only(&["product"]);
        assert_eq!(first, Expand::parse("product"));
    }
}
