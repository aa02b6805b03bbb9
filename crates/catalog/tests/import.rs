//! The port of the importers over the native database.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::collections::{BTreeMap, BTreeSet};

use futures::executor::block_on;
use proptest::prelude::*;
use sklad_catalog::import::{
    self, Change, Counts, Keys, Missing, Options, Plan, Price, Scope, Section, Side, Stock,
};
use sklad_catalog::{Good, GoodInput, Query, goods, ids, query};
use sklad_store::native::NativeSql;
use sklad_store::{Sql, SqlError, Statement};

const MS_ID: &str = "9c56720c-e8a7-4fdc-aea4-7104f28207be";
const OTHER_ID: &str = "f085d67e-6eae-11e6-8a84-bc520403352a";

struct World {
    sql: NativeSql,
    _dir: tempfile::TempDir,
}

fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let sql = NativeSql::open(&dir.path().join("db")).unwrap();
    World { sql, _dir: dir }
}

impl World {
    fn plan(&self, changes: &[Change], now: i64) -> Plan {
        let options = Options {
            source: Some("cml"),
            price_type: Some("retail"),
            min_price_type: Some("floor"),
            ..Options::default()
        };
        let mut ids = ids::sequence(now);
        block_on(import::plan(
            &self.sql, "demo", changes, &options, &mut ids, now,
        ))
        .unwrap()
    }

    fn write(&self, plan: &Plan) -> Result<(), SqlError> {
        block_on(self.sql.atomic(plan.statements.clone())).map(drop)
    }

    fn import(&self, changes: &[Change], now: i64) -> Plan {
        let plan = self.plan(changes, now);
        self.write(&plan).unwrap();
        plan
    }

    fn get(&self, key: &str) -> Option<Good> {
        block_on(goods::get(&self.sql, "demo", key)).unwrap()
    }

    fn find(&self, text: &str) -> usize {
        let query = Query {
            text: Some(text.to_owned()),
            limit: 100,
            ..Query::default()
        };
        block_on(query::list(&self.sql, "demo", &query))
            .unwrap()
            .len()
    }

    fn rows(&self, sql: &'static str) -> Vec<String> {
        let rows = block_on(self.sql.query(Statement::new(sql))).unwrap();
        rows.iter().map(|row| row.string(0)).collect()
    }
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn product(external: &str) -> Change {
    Change {
        keys: Keys::external(external),
        create: true,
        name: text(external),
        deleted: Some(false),
        ..Change::default()
    }
}

fn variant(parent: &str, variant: &str) -> Change {
    Change {
        keys: Keys::external(format!("{parent}#{variant}")),
        parent: text(parent),
        create: true,
        characteristics: Some(vec![("Цвет".to_owned(), variant.to_owned())]),
        ..Change::default()
    }
}

fn prices(list: &[(&str, i64)]) -> Vec<Price> {
    let price = |(price_type, kopecks): &(&str, i64)| Price {
        price_type: (*price_type).to_owned(),
        kopecks: *kopecks,
        currency: "RUB".to_owned(),
    };
    list.iter().map(price).collect()
}

#[test]
fn an_import_is_idempotent_and_counts() {
    let w = world();
    let mut batch: Vec<_> = (0..150).map(|n| product(&format!("p{n}"))).collect();
    batch.extend((0..150).map(|n| variant("p7", &format!("v{n}"))));
    let first = w.import(&batch, 1);
    assert_eq!(first.counts.created, 300);
    let again = w.plan(&batch, 2);
    assert!(again.statements.is_empty());
    assert_eq!(again.counts.unchanged, 300);
    assert_eq!(again.goods, first.goods);
    batch[3].name = text("другое");
    batch[4].deleted = Some(true);
    let third = w.import(&batch, 3);
    let counts = Counts {
        changed: 1,
        deleted: 1,
        unchanged: 298,
        ..Counts::default()
    };
    assert_eq!(third.counts, counts);
    batch[4].deleted = Some(false);
    assert_eq!(w.import(&batch, 4).counts.restored, 1);
}

#[test]
fn changes_of_one_good_in_one_batch_are_applied_in_order() {
    let w = world();
    let named = |name: &str| Change {
        name: text(name),
        ..product("p")
    };
    let coded = Change {
        code: text("c"),
        keys: Keys::external("p"),
        ..Change::default()
    };
    let plan = w.import(&[named("a"), coded, named("b")], 1);
    assert_eq!((plan.counts.created, plan.goods.len()), (1, 3));
    let good = w.get("p").unwrap();
    assert_eq!((good.name.as_str(), good.code.as_deref()), ("b", Some("c")));
    // There and back again is no change.
    assert!(w.plan(&[named("c"), named("b")], 2).statements.is_empty());
}

#[test]
fn what_is_not_known_is_skipped_and_counted() {
    let w = world();
    let price = Change {
        keys: Keys::external("nobody"),
        prices: Some(Section::Replace(prices(&[("retail", 1)]))),
        ..Change::default()
    };
    let plan = w.import(&[price, variant("nobody", "v"), product("p")], 1);
    assert_eq!((plan.counts.skipped_unknown, plan.counts.created), (2, 1));
    assert_eq!(plan.goods.iter().flatten().count(), 1);
    let long = product(&"я".repeat(700));
    let plan = w.plan(&[long, Change::default()], 2);
    assert!(plan.warnings.iter().all(|warning| warning.refused));
    assert_eq!((plan.warnings.len(), plan.statements.len()), (2, 0));
}

#[test]
fn a_variant_has_its_products_categories_and_name() {
    let w = world();
    let within = |category: &str| Change {
        categories: Some(vec![category.to_owned(), "sale".to_owned()]),
        ..product("p")
    };
    w.import(&[within("a"), variant("p", "синий")], 1);
    let blue = w.get("p#синий").unwrap();
    assert_eq!(
        (blue.name.as_str(), blue.category.as_deref()),
        ("p (синий)", Some("a"))
    );
    // A variant that came with its product's change, and one that did not.
    w.import(&[variant("p", "красный")], 2);
    w.import(&[variant("p", "красный"), within("b")], 3);
    for name in ["p#синий", "p#красный"] {
        let good = w.get(name).unwrap();
        assert_eq!(
            (good.category.as_deref(), good.updated_at),
            (Some("b"), 3),
            "{name}"
        );
    }
    assert!(
        w.plan(&[within("b"), variant("p", "синий")], 4)
            .statements
            .is_empty()
    );
}

#[test]
fn prices_make_the_price_and_its_floor() {
    let w = world();
    let priced = |section| Change {
        prices: Some(section),
        ..product("p")
    };
    let all = prices(&[("retail", 500), ("floor", 300), ("old", 1)]);
    w.import(&[priced(Section::Replace(all))], 1);
    let good = w.get("p").unwrap();
    assert_eq!(
        (good.price_kopecks, good.min_price_kopecks),
        (Some(500), Some(300))
    );
    w.import(&[priced(Section::Merge(prices(&[("floor", 400)])))], 2);
    let good = w.get("p").unwrap();
    assert_eq!(
        (good.price_kopecks, good.min_price_kopecks),
        (Some(500), Some(400))
    );
    w.import(&[priced(Section::Replace(prices(&[])))], 3);
    assert_eq!(w.get("p").unwrap().price_kopecks, None);
}

#[test]
fn a_good_is_found_by_what_it_has_now() {
    let w = world();
    let keyed = |article: &str, barcode: &str| Change {
        article: text(article),
        barcodes: Some(vec![barcode.to_owned()]),
        ..product("p")
    };
    w.import(&[keyed("А-1", "460")], 1);
    assert_eq!((w.find("а-1"), w.find("460"), w.find("p")), (1, 1, 1));
    w.import(&[keyed("А-2", "461")], 2);
    assert_eq!((w.find("а-1"), w.find("460")), (0, 0));
    assert_eq!((w.find("а-2"), w.find("461")), (1, 1));
}

#[test]
fn somebody_elses_change_in_between_is_a_conflict() {
    let w = world();
    w.import(&[product("p")], 1);
    let named = |name: &str| Change {
        name: text(name),
        ..product("p")
    };
    let (a, b) = (w.plan(&[named("a")], 2), w.plan(&[named("b")], 2));
    w.write(&a).unwrap();
    assert_eq!(w.write(&b), Err(SqlError::Conflict));
    let (a, b) = (w.plan(&[product("new")], 3), w.plan(&[product("new")], 3));
    w.write(&a).unwrap();
    assert_eq!(w.write(&b), Err(SqlError::Conflict));
    let plan = w.plan(&[named("c")], 4);
    let archive = goods::archive("demo", &w.get("p").unwrap().id, true, 4);
    block_on(w.sql.atomic(archive.into())).unwrap();
    assert_eq!(w.write(&plan), Err(SqlError::Conflict));
}

#[test]
fn two_goods_that_turn_out_to_be_one_become_one() {
    let w = world();
    let known = GoodInput {
        ms_id: text(MS_ID),
        sync_id: text(OTHER_ID),
        min_price_kopecks: Some(7),
        barcodes: vec!["461".to_owned()],
        ..GoodInput::default()
    };
    w.import(&[product("p"), variant("p", "v")], 1);
    block_on(goods::upsert(
        &w.sql,
        "demo",
        std::slice::from_ref(&known),
        2,
    ))
    .unwrap();
    let id = w.get("p").unwrap().id;
    assert_ne!(w.get(MS_ID).unwrap().id, id);
    let both = Change {
        keys: Keys {
            ms_id: text(MS_ID),
            ..Keys::external("p")
        },
        ..product("p")
    };
    let plan = w.import(std::slice::from_ref(&both), 3);
    assert_eq!(
        (plan.counts.changed, plan.goods[0].as_ref()),
        (1, Some(&id))
    );
    for key in ["p", MS_ID, OTHER_ID, &id] {
        let good = w.get(key).unwrap();
        assert_eq!((&good.id, good.min_price_kopecks), (&id, Some(7)), "{key}");
    }
    assert_eq!(
        (w.find("461"), w.rows("SELECT id FROM goods").len()),
        (1, 2)
    );
    assert!(w.plan(&[both], 4).statements.is_empty());
}

#[test]
fn the_variants_of_a_good_that_was_merged_go_along() {
    let w = world();
    let by_ms = GoodInput {
        ms_id: text(MS_ID),
        ..GoodInput::default()
    };
    block_on(goods::upsert(&w.sql, "demo", &[by_ms], 1)).unwrap();
    w.import(&[product("p"), variant("p", "v")], 2);
    let both = Change {
        keys: Keys {
            ms_id: text(MS_ID),
            ..Keys::external("p")
        },
        ..product("p")
    };
    let lost = w.get("p").unwrap().id;
    w.import(&[both, variant("p", "w")], 3);
    assert_eq!(w.get("p").unwrap().id, MS_ID, "the older stays");
    assert_eq!(w.get(&lost).unwrap().id, MS_ID);
    let parents: BTreeSet<_> = w
        .rows("SELECT parent FROM goods WHERE parent IS NOT NULL")
        .into_iter()
        .collect();
    assert_eq!(parents, BTreeSet::from([MS_ID.to_owned()]));
}

#[test]
fn what_a_full_import_lacks_is_counted_archived_and_comes_back() {
    let w = world();
    let goods: Vec<_> = ["a", "b", "c"].into_iter().map(product).collect();
    w.import(&goods, 1);
    w.import(&[variant("a", "v"), variant("c", "v")], 1);
    block_on(goods::upsert(
        &w.sql,
        "demo",
        &[GoodInput {
            external: text("ours"),
            ..GoodInput::default()
        }],
        1,
    ))
    .unwrap();
    for (part, batch) in [&goods[..1], &goods[1..2]].into_iter().enumerate() {
        let plan = w.plan(batch, 2);
        assert!(plan.statements.is_empty());
        let seen = import::seen("demo", "full", i64::try_from(part).unwrap(), &plan);
        block_on(w.sql.atomic(seen.into_iter().collect())).unwrap();
    }
    let sql = &w.sql;
    let count = || block_on(import::missing(sql, "demo", "cml", "full", Scope::Products)).unwrap();
    let mark = || {
        block_on(import::mark_missing(
            sql,
            "demo",
            "cml",
            "full",
            Scope::Products,
            3,
        ))
        .unwrap()
    };
    assert_eq!(
        count(),
        Missing {
            live: 3,
            missing: 1
        }
    );
    assert_eq!((mark(), mark()), (2, 0), "the product and its variant");
    assert_eq!(
        count(),
        Missing {
            live: 2,
            missing: 0
        }
    );
    let archived = |key: &str| w.get(key).unwrap().archived;
    assert!(archived("c") && archived("c#v") && !archived("a#v") && !archived("ours"));
    block_on(sql.atomic(vec![import::clear_seen("demo", "full")])).unwrap();
    assert_eq!(count().missing, 2);
    assert_eq!(w.import(&[product("c")], 4).counts.restored, 1);
}

#[test]
fn tenants_do_not_share_goods() {
    let w = world();
    w.import(&[product("p"), variant("p", "v")], 1);
    let mut ids = ids::sequence(1);
    let options = Options::default();
    let changes = [variant("p", "v"), product("p")];
    let plan = import::plan(&w.sql, "other", &changes, &options, &mut ids, 1);
    let plan = block_on(plan).unwrap();
    assert_eq!((plan.counts.created, plan.counts.skipped_unknown), (1, 1));
    w.write(&plan).unwrap();
    assert_eq!(
        w.rows("SELECT id FROM goods WHERE tenant = 'demo'").len(),
        2
    );
    let missing = import::missing(&w.sql, "other", "cml", "x", Scope::Products);
    assert_eq!(block_on(missing).unwrap(), Missing::default());
}

/// A good of the model: name, prices, whether it is there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Known {
    name: String,
    /// Whether it was named, and not only called after its product.
    named: bool,
    prices: BTreeMap<String, i64>,
    category: Option<String>,
    archived: bool,
    /// Whether it was archived itself, and not only with its product.
    gone: bool,
}

fn some_change() -> impl Strategy<Value = Change> {
    let key = (0..4_u8, proptest::option::of(0..3_u8));
    let name = proptest::option::of("[а-в]{1,3}");
    let price = ("[pq]", 0..4_i64);
    let listed = (any::<bool>(), proptest::collection::vec(price, 0..3));
    let rest = (proptest::option::of(listed), proptest::option::of("[kl]"));
    let flags = (any::<bool>(), proptest::option::of(any::<bool>()));
    (key, name, rest, flags).prop_map(|((p, v), name, (listed, category), (create, deleted))| {
        let external = v.map_or(format!("{p}"), |v| format!("{p}#{v}"));
        let priced = |(whole, list): (bool, Vec<(String, i64)>)| {
            let list: Vec<_> = list.iter().map(|(id, n)| (id.as_str(), *n)).collect();
            if whole {
                Section::Replace(prices(&list))
            } else {
                Section::Merge(prices(&list))
            }
        };
        Change {
            keys: Keys::external(external),
            parent: v.map(|_| format!("{p}")),
            create,
            name,
            prices: listed.map(priced),
            categories: category.filter(|_| v.is_none()).map(|c| vec![c]),
            deleted,
            ..Change::default()
        }
    })
}

fn model(known: &mut BTreeMap<String, Known>, change: &Change) {
    let key = change.keys.external.clone().unwrap();
    let orphan = change
        .parent
        .as_ref()
        .is_some_and(|p| !known.contains_key(p));
    if !known.contains_key(&key) && (!change.create || orphan) {
        return;
    }
    let good = known.entry(key.clone()).or_default();
    if let Some(name) = &change.name {
        good.name.clone_from(name);
        good.named = true;
    }
    let (whole, list) = match &change.prices {
        Some(Section::Replace(list)) => (true, list.as_slice()),
        Some(Section::Merge(list)) => (false, list.as_slice()),
        None => (false, [].as_slice()),
    };
    if whole {
        good.prices.clear();
    }
    for price in list {
        good.prices.insert(price.price_type.clone(), price.kopecks);
    }
    good.gone = change.deleted.unwrap_or(good.gone);
    if let Some(categories) = &change.categories {
        good.category = categories.first().cloned();
    }
    let ours = known.get(key.split('#').next().unwrap()).unwrap().clone();
    for (other, good) in known.iter_mut() {
        if other.split('#').next() == key.split('#').next() {
            good.category.clone_from(&ours.category);
            good.archived = good.gone || ours.gone;
        }
    }
}

/// After a batch variants that nobody has named are called as their products.
fn model_names(known: &mut BTreeMap<String, Known>) {
    let products = known.clone();
    for (key, good) in known.iter_mut().filter(|(_, good)| !good.named) {
        if let Some((product, _)) = key.split_once('#') {
            good.name.clone_from(&products[product].name);
        }
    }
}

fn stored(w: &World) -> BTreeMap<String, Known> {
    let sql = "SELECT external, name, prices, category, archived FROM goods";
    let rows = block_on(w.sql.query(Statement::new(sql))).unwrap();
    let good = |row: &sklad_store::Row| {
        let prices: Vec<(String, i64, String)> =
            serde_json::from_str(row.text(2).unwrap_or("[]")).unwrap();
        let good = Known {
            name: row.string(1),
            prices: prices.into_iter().map(|(id, n, _)| (id, n)).collect(),
            category: row.text(3).map(str::to_owned),
            archived: row.int(4) != Some(0),
            ..Known::default()
        };
        (row.string(0), good)
    };
    rows.iter().map(good).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(60))]

    #[test]
    fn the_store_does_what_the_model_does(
        batches in proptest::collection::vec(proptest::collection::vec(some_change(), 0..12), 1..6)
    ) {
        let w = world();
        let mut known = BTreeMap::new();
        for (now, batch) in batches.iter().enumerate() {
            let before = stored(&w);
            let plan = w.import(batch, i64::try_from(now).unwrap());
            batch.iter().for_each(|change| model(&mut known, change));
            model_names(&mut known);
            let after = stored(&w);
            let seen = |good: &Known| Known { named: false, gone: false, ..good.clone() };
            let model: BTreeMap<_, _> = known.iter().map(|(key, good)| (key.clone(), seen(good))).collect();
            prop_assert_eq!(&after, &model);
            let created = after.keys().filter(|key| !before.contains_key(*key)).count();
            prop_assert_eq!(plan.counts.created, created);
        }
    }
}

/// Something that a source, or somebody else, says of one of a few goods.
fn anything() -> impl Strategy<Value = Change> {
    let who = proptest::sample::select(&["a", "b", "a#1", "a#2", "b#1"][..]);
    let side = proptest::sample::select(&[None, Some(Side::Card), Some(Side::Offer)][..]);
    let maybe = |pattern: &'static str| proptest::option::of(pattern);
    let texts = (
        maybe("[xy]{0,1}"),
        maybe("[xy]{0,1}"),
        maybe("[kl]"),
        maybe("[0-1]"),
    );
    let price = (proptest::sample::select(&["retail", "floor"][..]), 0..3_i64);
    let priced = proptest::option::of((any::<bool>(), proptest::collection::vec(price, 0..2)));
    let stock = proptest::option::of(proptest::collection::vec(0..2_i64, 0..2));
    let flags = (
        proptest::option::of(any::<bool>()),
        proptest::option::of(any::<bool>()),
        any::<bool>(),
    );
    let more = (proptest::option::of(0..3_i64), maybe("[mn]"), maybe("[cd]"));
    (who, side, texts, priced, stock, (flags, more)).prop_map(
        |(who, side, (name, article, category, barcode), priced, stock, (flags, more))| {
            let (quantity, picture, catalogue) = more;
            let (deleted, archived, create) = flags;
            let list = |rows: Vec<(&str, i64)>| prices(&rows);
            let amount = |thousandths| Stock {
                store: "s".to_owned(),
                thousandths,
            };
            Change {
                keys: Keys::external(who),
                side,
                parent: who.split_once('#').map(|(parent, _)| parent.to_owned()),
                create,
                name,
                article,
                categories: category.map(|category| vec![category]),
                barcodes: barcode.map(|barcode| vec![barcode]),
                prices: priced.map(|(whole, rows)| match whole {
                    true => Section::Replace(list(rows)),
                    false => Section::Merge(list(rows)),
                }),
                stock: stock.map(|rows| Section::Merge(rows.into_iter().map(amount).collect())),
                quantity,
                pictures: picture.map(|name| vec![name]),
                catalogue,
                deleted,
                archived,
                ..Change::default()
            }
        },
    )
}

/// Everything about the goods but their ids and what was told.
const CONTENT: &str = "SELECT json_array(external, version, category, categories, price, min_price, \
     archived, kind, article, barcodes, prices, stock, quantity, name, card, catalogue, pictures, \
     pictures_before, updated_at, \
     (SELECT p.external FROM goods p WHERE p.id = g.parent)) FROM goods g ORDER BY external";

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_passed_over_as_said_before_would_have_changed_nothing(
        said in proptest::collection::vec(proptest::collection::vec(anything(), 1..5), 1..5),
        order in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..12),
    ) {
        let (short, long) = (world(), world());
        let forget = Statement::new("UPDATE goods SET told = NULL");
        for ((which, chance), now) in order.iter().zip(1..) {
            let batch = which.get(&said);
            block_on(long.sql.atomic(vec![forget.clone()])).unwrap();
            let counts = [&short, &long].map(|world| world.import(batch, now).counts);
            prop_assert_eq!(counts[0], counts[1]);
            prop_assert_eq!(short.rows(CONTENT), long.rows(CONTENT));
            // The merchant puts one into the archive, or takes it out.
            if *chance < 40 {
                for world in [&short, &long] {
                    let Some(good) = world.get("a") else { continue };
                    let archive = goods::archive("demo", &good.id, !good.archived, now);
                    let _ = block_on(world.sql.atomic(archive.into()));
                }
            }
        }
    }
}

#[test]
fn a_batch_that_says_the_same_again_reads_no_goods_and_writes_nothing() {
    let world = world();
    let card = |n: u32| Change {
        side: Some(Side::Card),
        ..product(&n.to_string())
    };
    let offer = |n: u32| Change {
        keys: Keys::external(n.to_string()),
        side: Some(Side::Offer),
        prices: Some(Section::Replace(prices(&[("retail", i64::from(n))]))),
        ..Change::default()
    };
    let (cards, offers): (Vec<_>, Vec<_>) = (0..20).map(|n| (card(n), offer(n))).unzip();
    world.import(&cards, 1);
    world.import(&offers, 2);
    for batch in [&cards, &offers] {
        let plan = world.plan(batch, 3);
        assert_eq!(
            plan.counts,
            Counts {
                unchanged: 20,
                ..Counts::default()
            }
        );
        assert!(plan.statements.is_empty());
        assert!(plan.goods.iter().all(Option::is_some));
    }
}

fn of_moysklad(ms_id: &str, external: &str) -> Change {
    Change {
        keys: Keys {
            ms_id: text(ms_id),
            external: text(external),
            ..Keys::default()
        },
        create: true,
        name: text(ms_id),
        deleted: Some(false),
        ..Change::default()
    }
}

#[test]
fn two_goods_of_moysklad_with_one_external_code_stay_two() {
    let w = world();
    for now in 1..3 {
        let plan = w.import(&[of_moysklad("a-1", "x"), of_moysklad("a-2", "x")], now);
        assert_eq!(plan.warnings.len(), 1);
        assert!(!plan.warnings[0].refused);
    }
    assert_eq!(w.get("a-1").unwrap().name, "a-1");
    assert_eq!(w.get("a-2").unwrap().name, "a-2");
    let all = "SELECT id || '=' || coalesce(external, '') FROM goods ORDER BY id";
    assert_eq!(w.rows(all), ["a-1=x", "a-2="]);
}

#[test]
fn an_external_code_goes_from_an_archived_good_to_its_successor() {
    let w = world();
    let gone = Change {
        deleted: Some(true),
        ..of_moysklad("a-1", "x")
    };
    for now in 1..4 {
        w.import(&[gone.clone(), of_moysklad("a-2", "x")], now);
    }
    let all = "SELECT id || '=' || coalesce(external, '') || archived FROM goods ORDER BY id";
    assert_eq!(w.rows(all), ["a-1=2", "a-2=x0"]);
}

#[test]
fn a_good_of_commerceml_is_recognised_by_its_external_code() {
    let w = world();
    w.import(&[product("x")], 1);
    let plan = w.import(&[of_moysklad("a-1", "x")], 2);
    assert_eq!(plan.counts.created, 0);
    assert_eq!(w.rows("SELECT ms_id FROM goods"), ["a-1"]);
}

#[test]
fn a_variant_finds_its_product_by_any_id() {
    let w = world();
    let variant = Change {
        parent_id: text("a-1"),
        ..of_moysklad("b-1", "x#y")
    };
    assert_eq!(
        w.import(std::slice::from_ref(&variant), 1)
            .counts
            .skipped_unknown,
        1
    );
    w.import(&[of_moysklad("a-1", "x")], 2);
    assert_eq!(w.import(&[variant], 3).counts.created, 1);
    let all = "SELECT parent || ' ' || kind FROM goods WHERE ms_id = 'b-1'";
    assert_eq!(w.rows(all), ["a-1 variant"]);
}
