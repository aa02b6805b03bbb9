//! The catalogue over the native database.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use futures::executor::block_on;
use sklad_catalog::{
    After, CategoryInput, Error, Good, GoodInput, Order, Query, Upserted, categories, goods, query,
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
        match block_on(self.sql.atomic(vec![update])) {
            Ok(_) => true,
            Err(SqlError::Conflict) => false,
            Err(other) => panic!("{other}"),
        }
    }

    fn put(&self, goods: &[GoodInput], at: i64) -> Result<Upserted, Error> {
        block_on(goods::upsert(&self.sql, "demo", goods, at))
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
        let all = block_on(categories::list(&self.sql, "demo", None, 100)).unwrap();
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
        block_on(categories::list(&w.sql, "other", None, 10))
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
