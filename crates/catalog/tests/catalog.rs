//! The catalogue over the native database.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::collections::BTreeSet;

use futures::executor::block_on;
use sklad_catalog::import::{self, Change, Keys, Options, Price, Section, Stock};
use sklad_catalog::{
    After, CategoryChange, CategoryInput, CategoryQuery, Error, Good, GoodInput, Key, Order, Query,
    RefInput, RefKind, Upserted, card, categories, goods, ids, pictures, query, refs,
};
use sklad_store::native::NativeSql;
use sklad_store::{Sql, SqlError, Statement};

const MS_ID: &str = "9c56720c-e8a7-4fdc-aea4-7104f28207be";
const SYNC_ID: &str = "f085d67e-6eae-11e6-8a84-bc520403352a";

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
    /// Whether anything was changed.
    fn archive(&self, tenant: &str, id: &str, archived: bool, at: i64) -> bool {
        let update = goods::archive(tenant, id, archived, at);
        match block_on(self.sql.atomic(update.into())) {
            Ok(_) => true,
            Err(SqlError::Conflict) => false,
            Err(other) => panic!("{other}"),
        }
    }

    fn put(&self, goods: &[GoodInput], at: i64) -> Result<Upserted, Error> {
        block_on(goods::upsert(&self.sql, "demo", goods, at))
    }

    fn import(&self, changes: &[Change]) {
        let (options, mut ids) = (Options::default(), ids::sequence(1));
        let plan = import::plan(&self.sql, "demo", changes, &options, &mut ids, 1);
        let statements = block_on(plan).unwrap().statements;
        block_on(self.sql.atomic(statements)).unwrap();
    }

    fn counts(&self, goods: &[GoodInput], at: i64) -> (usize, usize, usize) {
        let done = self.put(goods, at).unwrap();
        (done.created, done.changed, done.unchanged)
    }

    fn list(&self, query: &Query) -> Vec<Good> {
        block_on(query::list(&self.sql, "demo", query)).unwrap()
    }

    fn find(&self, text: &str) -> Vec<String> {
        let query = Query {
            text: Some(text.to_owned()),
            limit: 100,
            ..Query::default()
        };
        self.list(&query).into_iter().map(|g| g.name).collect()
    }

    fn get(&self, key: &str) -> Option<Good> {
        block_on(goods::get(&self.sql, "demo", key)).unwrap()
    }

    fn tree(&self, edges: &[(&str, Option<&str>)], at: i64) -> Result<Upserted, Error> {
        let batch: Vec<_> = edges
            .iter()
            .map(|(id, parent)| CategoryInput {
                id: (*id).to_owned(),
                parent: parent.map(str::to_owned),
                name: format!("name of {id}"),
            })
            .collect();
        block_on(categories::upsert(&self.sql, "demo", &batch, at))
    }

    fn path(&self, id: &str) -> Vec<String> {
        let all = block_on(categories::list(&self.sql, "demo", &within(None))).unwrap();
        all.into_iter().find(|c| c.id == id).unwrap().path
    }
}

fn good(external: &str, name: &str) -> GoodInput {
    GoodInput {
        external: Some(external.to_owned()),
        name: name.to_owned(),
        ..GoodInput::default()
    }
}

fn within(parent: Option<&str>) -> CategoryQuery<'_> {
    CategoryQuery {
        parent,
        limit: 100,
        ..CategoryQuery::default()
    }
}

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn an_upsert_is_idempotent_and_counts() {
    let w = world();
    let mut batch: Vec<_> = (0..1000).map(|n| good(&format!("e{n}"), "x")).collect();
    assert_eq!(w.counts(&batch, 1), (1000, 0, 0));
    assert_eq!(w.counts(&batch, 2), (0, 0, 1000));
    batch[7].price_kopecks = Some(100);
    batch[8].name = "y".to_owned();
    batch[9].external = some("new");
    assert_eq!(w.counts(&batch, 3), (1, 2, 997));
    batch.push(good("one more", "x"));
    assert!(matches!(w.put(&batch, 4), Err(Error::Invalid { .. })));
}

#[test]
fn a_good_is_known_by_every_key_it_was_given() {
    let w = world();
    let first = GoodInput {
        ms_id: some(&MS_ID.to_uppercase()),
        code: some(" A-1 "),
        barcodes: vec![
            "460".to_owned(),
            "460".to_owned(),
            String::new(),
            "461".to_owned(),
        ],
        ..good("ext", "Кефир")
    };
    let id = w.put(&[first], 1).unwrap().ids[0].clone();
    assert_eq!(id, MS_ID);
    let read = w.get(MS_ID).unwrap();
    assert_eq!(
        (read.code.as_deref(), read.barcodes.len()),
        (Some("A-1"), 2)
    );

    // The next import knows the syncId, not МойСклад's id, and another barcode.
    let second = GoodInput {
        sync_id: some(SYNC_ID),
        barcodes: vec!["462".to_owned()],
        ..good("ext", "Кефир")
    };
    assert_eq!(w.put(&[second], 2).unwrap().ids[0], id);
    for key in [MS_ID, SYNC_ID, &SYNC_ID.to_uppercase(), "ext"] {
        assert_eq!(w.get(key).map(|g| g.id), Some(id.clone()), "{key}");
    }
    assert_eq!(w.get(MS_ID).unwrap().ms_id.as_deref(), Some(MS_ID));
    assert_eq!(w.find("462"), ["Кефир"]);
    assert!(w.find("461").is_empty() && w.find("a-1").is_empty());
    // Its own id needs no row.
    let sql = "SELECT value FROM good_ids WHERE kind = 'uuid'";
    let keys = block_on(w.sql.query(Statement::new(sql))).unwrap();
    assert_eq!((keys.len(), keys[0].text(0)), (1, Some(SYNC_ID)));
}

#[test]
fn an_external_id_that_changed_no_longer_names_the_good() {
    let w = world();
    let of = |external: &str| GoodInput {
        ms_id: some(MS_ID),
        ..good(external, "x")
    };
    w.put(&[of("old")], 1).unwrap();
    w.put(&[of("new")], 2).unwrap();
    assert!(w.get("old").is_none());
    assert_eq!(w.get("new").unwrap().id, MS_ID);
}

#[test]
fn what_names_two_goods_or_none_is_refused_with_its_place() {
    let w = world();
    let place = |batch: &[GoodInput]| match w.put(batch, 1) {
        Err(Error::Invalid { path, .. }) => path,
        other => panic!("{other:?}"),
    };
    let nameless = GoodInput::default();
    assert_eq!(place(&[good("a", "x"), nameless]), "1");
    let no_uuid = GoodInput {
        ms_id: some("276a6f50-7ffd-11e6-8a84-bae50000005"),
        ..GoodInput::default()
    };
    assert_eq!(place(&[no_uuid]), "0.ms_id");
    assert_eq!(
        place(&[good("a", "x"), good("b", "y"), good("a", "z")]),
        "2"
    );
    let mut costly = good("a", "x");
    costly.price_kopecks = Some(-1);
    assert_eq!(place(&[costly]), "0.price_kopecks");
    assert!(
        w.list(&Query {
            limit: 10,
            ..Query::default()
        })
        .is_empty()
    );

    // Two goods that have different ids of one kind are two.
    let known = GoodInput {
        ms_id: some(MS_ID),
        ..good("b", "y")
    };
    w.put(&[good("a", "x"), known], 1).unwrap();
    let both = GoodInput {
        ms_id: some(MS_ID),
        ..good("a", "x")
    };
    assert_eq!(place(&[both]), "0");
}

#[test]
fn tenants_do_not_see_each_other() {
    let w = world();
    let one = GoodInput {
        ms_id: some(MS_ID),
        ..good("a", "x")
    };
    w.put(std::slice::from_ref(&one), 1).unwrap();
    let query = Query {
        limit: 10,
        ..Query::default()
    };
    assert!(
        block_on(query::list(&w.sql, "other", &query))
            .unwrap()
            .is_empty()
    );
    assert!(
        block_on(goods::get(&w.sql, "other", MS_ID))
            .unwrap()
            .is_none()
    );
    assert!(!w.archive("other", MS_ID, true, 2));
    let again = block_on(goods::upsert(&w.sql, "other", &[one], 2)).unwrap();
    assert_eq!(again.created, 1);
    w.tree(&[("a", None)], 1).unwrap();
    assert!(
        block_on(categories::list(&w.sql, "other", &within(None)))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn goods_are_found_by_words_and_by_whole_keys() {
    let w = world();
    let milk = GoodInput {
        article: some("МЛ-32"),
        barcodes: vec!["4600000000001".to_owned()],
        ..good("m", "Молоко «Ёлочка» 3,2%")
    };
    w.put(
        &[milk, good("b", "Хлеб белый"), good("w", "Хлеб «Елочка»")],
        1,
    )
    .unwrap();
    assert_eq!(w.find("мол елоч"), ["Молоко «Ёлочка» 3,2%"]);
    assert_eq!(w.find("ёлоч").len(), 2);
    assert_eq!(w.find("мл-32").len(), 1);
    assert_eq!(w.find("4600000000001").len(), 1);
    assert!(w.find("460000000000").is_empty());
    assert!(w.find("локо").is_empty());
    assert!(w.find("%%").is_empty());
    assert_eq!(w.find("").len(), 3);
}

#[test]
fn pages_are_complete_and_stable() {
    let w = world();
    for n in 0..23 {
        w.put(&[good(&format!("e{n}"), "x")], n / 4).unwrap();
    }
    for order in [Order::Id, Order::Change] {
        let mut query = Query {
            order,
            limit: 5,
            ..Query::default()
        };
        let mut seen = Vec::new();
        loop {
            let page = w.list(&query);
            let Some(last) = page.last() else { break };
            query.after = Some(After {
                updated_at: last.updated_at,
                id: last.id.clone(),
            });
            seen.extend(page);
        }
        let mut ids: Vec<_> = seen.iter().map(|g| g.id.clone()).collect();
        ids.sort();
        ids.dedup();
        assert_eq!((ids.len(), seen.len()), (23, 23), "{order:?}");
    }
    // Who follows the changes sees a later one.
    let all = w.list(&Query {
        order: Order::Change,
        limit: 100,
        ..Query::default()
    });
    let last = all.last().unwrap();
    let after = Some(After {
        updated_at: last.updated_at,
        id: last.id.clone(),
    });
    w.put(&[good("e0", "changed")], 100).unwrap();
    let news = w.list(&Query {
        order: Order::Change,
        limit: 100,
        after,
        ..Query::default()
    });
    assert_eq!(
        news.iter().map(|g| g.name.as_str()).collect::<Vec<_>>(),
        ["changed"]
    );
}

#[test]
fn a_good_is_archived_and_taken_out() {
    let w = world();
    let id = w.put(&[good("a", "x")], 1).unwrap().ids[0].clone();
    let archived = |archived| Query {
        archived,
        limit: 10,
        ..Query::default()
    };
    assert!(w.archive("demo", &id, true, 5));
    assert!(w.list(&archived(Some(false))).is_empty());
    let one = w.list(&archived(Some(true)));
    assert_eq!(one[0].updated_at, 5);
    assert!(!w.archive("demo", &id, true, 6), "is there already");
    assert_eq!(w.get(&id).unwrap().updated_at, 5);
    assert!(!w.archive("demo", "nobody", true, 6));
}

#[test]
fn a_category_that_moves_takes_everything_below_along() {
    let w = world();
    // A child before its parent, in one batch.
    w.tree(
        &[("c", Some("b")), ("b", Some("a")), ("a", None), ("x", None)],
        1,
    )
    .unwrap();
    assert_eq!(w.path("c"), ["c", "b", "a"]);
    let again = w.tree(&[("c", Some("b")), ("a", None)], 2).unwrap();
    assert_eq!((again.created, again.changed, again.unchanged), (0, 0, 2));
    let moved = w.tree(&[("b", Some("x"))], 3).unwrap();
    assert_eq!((moved.created, moved.changed, moved.unchanged), (0, 1, 0));
    assert_eq!(w.path("c"), ["c", "b", "x"]);
    assert_eq!(w.path("a"), ["a"]);

    let drink = GoodInput {
        category: some("c"),
        ..good("d", "d")
    };
    w.put(&[drink], 4).unwrap();
    let within = |category: &str| {
        let category = Some(category.to_owned());
        w.list(&Query {
            category,
            limit: 10,
            ..Query::default()
        })
        .len()
    };
    assert_eq!((within("c"), within("x"), within("a")), (1, 1, 0));
}

#[test]
fn a_cycle_and_an_unknown_parent_are_refused() {
    let w = world();
    w.tree(&[("a", None), ("b", Some("a")), ("c", Some("b"))], 1)
        .unwrap();
    for (edges, place) in [
        (vec![("a", Some("c"))], "0.parent"),
        (vec![("x", None), ("y", Some("y"))], "1.parent"),
        (vec![("z", Some("nobody"))], "0.parent"),
        (vec![("", None)], "0.id"),
        (vec![("a\"b", None)], "0.id"),
        (vec![("n", None), ("n", None)], "1.id"),
    ] {
        match w.tree(&edges, 2) {
            Err(Error::Invalid { path, .. }) => assert_eq!(path, place, "{edges:?}"),
            other => panic!("{edges:?}: {other:?}"),
        }
    }
    assert_eq!(w.path("a"), ["a"]);
}

#[test]
fn a_tree_that_comes_in_any_order_gets_its_paths_at_the_end() {
    let w = world();
    let change = |id: &str, parent: Option<&str>| CategoryChange {
        id: id.to_owned(),
        parent: parent.map(str::to_owned),
        name: format!("name of {id}"),
        deleted: false,
        classifier: None,
    };
    let put = |batch: &[CategoryChange], now| {
        let written = categories::import("demo", "cml", batch, now);
        let mut statements = vec![written];
        statements.extend(categories::rebuild_paths("demo", now));
        let done = block_on(w.sql.atomic(statements)).unwrap();
        (done[0].len(), done[2].len())
    };
    w.tree(&[("ours", None)], 1).unwrap();
    let tree = [
        change("c", Some("b")),
        change("b", Some("a")),
        change("a", None),
        change("d", Some("nobody")),
    ];
    assert_eq!(put(&tree, 2), (4, 0));
    assert_eq!(w.path("c"), ["c", "b", "a"]);
    assert_eq!(
        (w.path("d"), w.path("ours")),
        (vec!["d".to_owned()], vec!["ours".to_owned()])
    );
    let changed = || {
        let all = block_on(categories::list(&w.sql, "demo", &within(None))).unwrap();
        all.into_iter().map(|c| c.updated_at).max().unwrap()
    };
    let before = changed();
    assert_eq!(
        (put(&tree, 100), changed()),
        ((0, 0), before),
        "nothing was written"
    );
    assert_eq!(put(&[change("b", Some("ours"))], 101), (1, 0));
    assert_eq!(w.path("c"), ["c", "b", "ours"]);
    // What lies in itself is told as if it lay at the top.
    assert_eq!(put(&[change("b", Some("c"))], 102), (1, 2));
    assert_eq!(
        (w.path("b"), w.path("c")),
        (vec!["b".to_owned()], vec!["c".to_owned()])
    );
    let ids = |parent| {
        let found = block_on(categories::list(&w.sql, "demo", &within(Some(parent)))).unwrap();
        found.into_iter().map(|c| c.id).collect::<Vec<_>>()
    };
    assert_eq!(
        (ids("c"), ids("")),
        (
            vec!["b".to_owned()],
            vec!["a".to_owned(), "ours".to_owned()]
        )
    );
}

#[test]
fn categories_that_a_full_import_lacks_are_archived_and_come_back() {
    let w = world();
    let batch = ["a", "b"].map(|id| CategoryChange {
        id: id.to_owned(),
        ..CategoryChange::default()
    });
    w.tree(&[("ours", None)], 1).unwrap();
    let put = |now| {
        block_on(
            w.sql
                .atomic(vec![categories::import("demo", "cml", &batch, now)]),
        )
    };
    put(1).unwrap();
    let seen = import::seen_ids("demo", "full", 0, &["a"]).unwrap();
    let archive = categories::archive_missing("demo", "cml", "full", 2);
    let done = block_on(w.sql.atomic(vec![seen, archive])).unwrap();
    assert_eq!(done[1].len(), 1);
    let archived = || {
        let all = block_on(categories::list(&w.sql, "demo", &within(None))).unwrap();
        all.into_iter()
            .filter(|c| c.archived)
            .map(|c| c.id)
            .collect::<Vec<_>>()
    };
    assert_eq!(archived(), ["b"]);
    put(3).unwrap();
    assert!(archived().is_empty());
}

#[test]
fn a_good_is_told_with_everything() {
    let w = world();
    let entry = |id: &str, name: &str| RefInput {
        id: id.to_owned(),
        name: name.to_owned(),
        ..RefInput::default()
    };
    let put = |kind, id: &str, name: &str, now| {
        let statement = refs::import("demo", "cml", kind, &[entry(id, name)], now);
        block_on(w.sql.atomic(vec![statement])).unwrap()[0].len()
    };
    assert_eq!(put(RefKind::PriceType, "retail", "Цена продажи", 1), 1);
    assert_eq!(
        put(RefKind::PriceType, "retail", "Цена продажи", 2),
        0,
        "nothing was written"
    );
    put(RefKind::Store, "main", "Основной склад", 1);
    put(RefKind::Property, "colour", "Цвет", 1);
    put(RefKind::PropertyValue, "v1", "синий", 1);
    let product = Change {
        keys: Keys::external("p"),
        create: true,
        name: some("Футболка"),
        prices: Some(Section::Replace(vec![Price {
            price_type: "retail".to_owned(),
            kopecks: 99_900,
            currency: "RUB".to_owned(),
        }])),
        stock: Some(Section::Replace(vec![Stock {
            store: "main".to_owned(),
            thousandths: -1500,
        }])),
        properties: Some(vec![(
            "colour".to_owned(),
            vec!["v1".to_owned(), "ещё".to_owned()],
        )]),
        pictures: Some(vec!["\\1.png".to_owned(), "2.png".to_owned()]),
        ..Change::default()
    };
    let variant = Change {
        keys: Keys::external("p#v"),
        parent: some("p"),
        create: true,
        ..Change::default()
    };
    w.import(&[product, variant]);

    let png = b"\x89PNG\r\n\x1a\n one".to_vec();
    let stored = block_on(pictures::store(&w.sql, "demo", "1.png", png.clone(), 50)).unwrap();
    assert_eq!(stored.goods, 1);
    let card = block_on(card::get(&w.sql, "demo", "p")).unwrap().unwrap();
    assert_eq!(
        (card.good.updated_at, card.good.price_kopecks),
        (50, Some(99_900))
    );
    assert_eq!(card.prices[0].name.as_deref(), Some("Цена продажи"));
    assert_eq!(
        (card.stock[0].name.as_deref(), card.stock[0].thousandths),
        (Some("Основной склад"), -1500)
    );
    assert_eq!(card.properties[0].name.as_deref(), Some("Цвет"));
    assert_eq!(card.properties[0].values, ["синий", "ещё"]);
    let url = format!("/t/demo/pictures/{}", stored.hash);
    assert_eq!(
        (
            card.pictures[0].url.as_ref(),
            card.pictures[1].hash.as_ref()
        ),
        (Some(&url), None)
    );
    assert_eq!(card.variants.len(), 1);
    assert!(block_on(card::get(&w.sql, "other", "p")).unwrap().is_none());
}

#[test]
fn a_picture_is_kept_once_and_forgotten_when_nothing_names_it() {
    let w = world();
    let put = |name: &str, content: &str, now| {
        let bytes = [b"\x89PNG\r\n\x1a\n", content.as_bytes()].concat();
        block_on(pictures::store(&w.sql, "demo", name, bytes, now))
            .unwrap()
            .hash
    };
    let (a, b) = (put("a.png", "1", 1), put("b.png", "1", 1));
    assert_eq!(a, b);
    let other = put("a.png", "2", 2);
    let get = |tenant: &str, hash: &str| block_on(pictures::get(&w.sql, tenant, hash)).unwrap();
    assert_eq!(get("demo", &other).unwrap().media_type, "image/png");
    assert!(get("other", &other).is_none());
    let good = Change {
        keys: Keys::external("p"),
        create: true,
        pictures: Some(vec!["a.png".to_owned()]),
        ..Change::default()
    };
    w.import(&[good]);
    let sweep = |before| block_on(pictures::sweep(&w.sql, "demo", before)).unwrap();
    assert_eq!(sweep(1), 0, "too young");
    assert_eq!(
        (sweep(10), sweep(10), sweep(10)),
        (1, 1, 0),
        "the name b.png, then its file"
    );
    assert!(get("demo", &a).is_none() && get("demo", &other).is_some());
    for wrong in [b"<svg".to_vec(), vec![0xff; pictures::MAX_BYTES + 1]] {
        let stored = block_on(pictures::store(&w.sql, "demo", "x", wrong, 1));
        assert!(matches!(stored, Err(Error::Invalid { .. })));
    }
}

#[test]
fn goods_are_looked_up_by_whole_keys_and_by_change() {
    let w = world();
    let keyed = |external: &str, article: &str, code: &str, barcode: &str| GoodInput {
        article: some(article),
        code: some(code),
        barcodes: vec![barcode.to_owned()],
        ..good(external, external)
    };
    w.put(
        &[keyed("a", "X1", "Y1", "460"), keyed("b", "Y1", "X1", "461")],
        10,
    )
    .unwrap();
    w.put(&[keyed("c", "x1", "z", "460")], 20).unwrap();
    let by = |key, value: &str| {
        let key = Some((key, value.to_owned()));
        let found = w.list(&Query {
            key,
            limit: 10,
            ..Query::default()
        });
        found.into_iter().map(|g| g.name).collect::<BTreeSet<_>>()
    };
    let names = |names: &[&str]| {
        names
            .iter()
            .map(|n| (*n).to_owned())
            .collect::<BTreeSet<_>>()
    };
    assert_eq!(by(Key::Article, "x1"), names(&["a", "c"]));
    assert_eq!(by(Key::Code, "X1"), names(&["b"]));
    assert_eq!(by(Key::Barcode, "460"), names(&["a", "c"]));
    assert_eq!(by(Key::External, "b"), names(&["b"]));
    for order in [Order::Id, Order::Change] {
        let since = |since| {
            let since = Some(since);
            w.list(&Query {
                since,
                order,
                limit: 10,
                ..Query::default()
            })
            .len()
        };
        assert_eq!(
            (since(10), since(11), since(20), since(21)),
            (3, 1, 1, 0),
            "{order:?}"
        );
    }
}
