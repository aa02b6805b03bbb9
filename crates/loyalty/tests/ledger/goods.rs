//! What was imported is what the till's rules see.

use futures::executor::block_on;
use sklad_catalog::import::{self, Change, Keys, Options, Price, Section};
use sklad_catalog::{CategoryChange, GoodInput, categories, goods, ids};
use sklad_loyalty::ledger::snapshot::{self, Snapshot};
use sklad_loyalty::units::Kopecks;
use sklad_store::Sql;

use crate::fixture::*;

const MS_ID: &str = "9c56720c-e8a7-4fdc-aea4-7104f28207be";
const VARIANT_MS_ID: &str = "f085d67e-6eae-11e6-8a84-bc520403352a";

fn import(till: &Till, changes: &[Change]) {
    let options = Options {
        source: Some("cml"),
        price_type: Some("retail"),
        min_price_type: Some("floor"),
        ..Options::default()
    };
    let mut ids = ids::sequence(NOON);
    let plan = import::plan(&till.sql, "north", changes, &options, &mut ids, NOON);
    let statements = block_on(plan).unwrap().statements;
    block_on(till.sql.atomic(statements)).unwrap();
}

fn shelf(till: &Till) {
    let group = |id: &str, parent: Option<&str>| CategoryChange {
        id: id.to_owned(),
        parent: parent.map(str::to_owned),
        ..CategoryChange::default()
    };
    let tree = [group("shirts", Some("clothes")), group("clothes", None)];
    let mut statements = vec![categories::import("north", "cml", &tree, NOON)];
    statements.extend(categories::rebuild_paths("north", NOON));
    block_on(till.sql.atomic(statements)).unwrap();
    let price = |price_type: &str, kopecks| Price {
        price_type: price_type.to_owned(),
        kopecks,
        currency: "RUB".to_owned(),
    };
    let product = Change {
        keys: Keys::external("P"),
        create: true,
        name: Some("Футболка".to_owned()),
        categories: Some(vec!["shirts".to_owned()]),
        prices: Some(Section::Replace(vec![
            price("retail", 900),
            price("floor", 700),
        ])),
        ..Change::default()
    };
    let variant = Change {
        keys: Keys::external("P#C"),
        parent: Some("P".to_owned()),
        create: true,
        ..Change::default()
    };
    import(till, &[product, variant]);
}

/// МойСклад's ids become known, as the operator tells them.
fn link(till: &Till) {
    let good = |external: &str, ms_id: &str| GoodInput {
        external: Some(external.to_owned()),
        ms_id: Some(ms_id.to_owned()),
        category: Some("shirts".to_owned()),
        min_price_kopecks: (external == "P").then_some(700),
        discount_prohibited: external == "P",
        ..GoodInput::default()
    };
    let both = [good("P", MS_ID), good("P#C", VARIANT_MS_ID)];
    block_on(goods::upsert(&till.sql, "north", &both, NOON)).unwrap();
}

fn read(till: &Till, ids: &[&str]) -> Snapshot {
    let shop = till.shop();
    let query = snapshot::Query {
        goods: ids,
        ..snapshot::Query::default()
    };
    let today = shop.clock.today();
    block_on(snapshot::read(
        &till.sql,
        "north",
        shop.programme,
        today,
        &query,
    ))
    .unwrap()
}

const RULES: &str =
    r#"{"earning": {"percent": 5, "categories": {"clothes": 1}, "goods": {"P": 7}}}"#;

#[test]
fn rules_by_category_and_floors_apply_to_what_was_imported() {
    let till = Till::with(RULES);
    shelf(&till);
    link(&till);
    for id in [MS_ID, VARIANT_MS_ID] {
        let snapshot = read(&till, &[id]);
        let good = snapshot.good([id]).unwrap();
        assert_eq!(good.categories, ["shirts", "clothes"], "{id}");
        assert_eq!(good.min_price, Some(Kopecks(700)), "{id}");
        assert!(
            good.discount_prohibited,
            "{id}: a product's is its variant's"
        );
    }
}

#[test]
fn a_variant_is_meant_by_its_own_ids_before_its_products() {
    let till = Till::with(RULES);
    shelf(&till);
    link(&till);
    let snapshot = read(&till, &[VARIANT_MS_ID]);
    let ids = snapshot.good([VARIANT_MS_ID]).unwrap().ids;
    let place = |id: &str| ids.iter().position(|known| known == id).unwrap();
    assert!(place(VARIANT_MS_ID) < place("P#C") && place("P#C") < place("P"));
    assert!(
        place("P#C") < place(MS_ID),
        "the product's ids are known too"
    );
}

#[test]
fn a_rule_by_the_id_of_a_good_that_was_merged_still_matches() {
    let till = Till::with(RULES);
    shelf(&till);
    let known = GoodInput {
        ms_id: Some(MS_ID.to_owned()),
        ..GoodInput::default()
    };
    block_on(goods::upsert(&till.sql, "north", &[known], NOON)).unwrap();
    let ours = |key: &str| {
        block_on(goods::get(&till.sql, "north", key))
            .unwrap()
            .unwrap()
            .id
    };
    assert_ne!(ours("P"), ours(MS_ID));
    link(&till);
    assert_eq!(ours("P"), ours(MS_ID));
    let snapshot = read(&till, &[MS_ID]);
    let ids = snapshot.good([MS_ID]).unwrap().ids;
    for id in ["P", MS_ID, ours("P").as_str()] {
        assert!(ids.iter().any(|known| known == id), "{id}: {ids:?}");
    }
}
