//! Goods that a connection shares with other sources, over the native database.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use futures::executor::block_on;
use sklad_catalog::import::{self, Change, Keys, Options, Plan, Price, Section, Side, Stock};
use sklad_catalog::{Good, goods, ids};
use sklad_store::native::NativeSql;
use sklad_store::{Sql, Statement};

struct World {
    sql: NativeSql,
    _dir: tempfile::TempDir,
}

fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let sql = NativeSql::open(&dir.path().join("db")).unwrap();
    World { sql, _dir: dir }
}

fn product(external: &str) -> Change {
    Change {
        keys: Keys::external(external),
        create: true,
        name: Some(external.to_owned()),
        deleted: Some(false),
        ..Change::default()
    }
}

const SHOP: &str = "insales:shop:";

impl World {
    fn with(&self, changes: &[Change], options: &Options<'_>, now: i64) -> Plan {
        let mut ids = ids::sequence(now);
        let plan = import::plan(&self.sql, "demo", changes, options, &mut ids, now);
        let plan = block_on(plan).unwrap();
        block_on(self.sql.atomic(plan.statements.clone())).unwrap();
        plan
    }

    /// What the goods' master imports.
    fn import(&self, changes: &[Change], now: i64) -> Plan {
        let options = Options {
            source: Some("cml"),
            price_type: Some("retail"),
            ..Options::default()
        };
        self.with(changes, &options, now)
    }

    /// What a connection imports.
    fn connected(&self, changes: &[Change], now: i64) -> Plan {
        let options = Options {
            source: Some("insales:shop"),
            own: Some(SHOP),
            price_type: Some("insales:shop:price"),
            ..Options::default()
        };
        self.with(changes, &options, now)
    }

    fn get(&self, key: &str) -> Option<Good> {
        block_on(goods::get(&self.sql, "demo", key)).unwrap()
    }

    fn rows(&self, sql: &'static str) -> Vec<String> {
        let rows = block_on(self.sql.query(Statement::new(sql))).unwrap();
        rows.iter().map(|row| row.string(0)).collect()
    }
}

fn price(price_type: &str, kopecks: i64) -> Price {
    Price {
        price_type: price_type.into(),
        kopecks,
        currency: "RUB".into(),
    }
}

fn stock(store: &str, thousandths: i64) -> Stock {
    Stock {
        store: store.into(),
        thousandths,
    }
}

/// What the shop says of a good that has another master.
fn beside(good: Option<&str>, kopecks: i64) -> Change {
    Change {
        keys: Keys {
            id: good.map(str::to_owned),
            alias: Some("insales:shop:7".into()),
            ..Keys::default()
        },
        beside: true,
        prices: Some(Section::Replace(vec![price("insales:shop:price", kopecks)])),
        stock: Some(Section::Replace(vec![stock("insales:shop:1", 9_000)])),
        ..Change::default()
    }
}

#[test]
fn a_connection_puts_its_own_beside_what_the_master_says_and_neither_takes_it_from_the_other() {
    let w = world();
    let told = Change {
        prices: Some(Section::Replace(vec![
            price("retail", 100),
            price("whole", 90),
        ])),
        stock: Some(Section::Replace(vec![stock("main", 3_000)])),
        ..product("P")
    };
    w.import(std::slice::from_ref(&told), 1);
    let id = w.get("P").unwrap().id;
    w.connected(&[beside(Some(&id), 150)], 2);
    let kept = "SELECT json_array(price, quantity, json(prices), json(stock), source) FROM goods";
    let both = r#"[100,3000,[["insales:shop:price",150,"RUB"],["retail",100,"RUB"],["whole",90,"RUB"]],[["insales:shop:1",9000],["main",3000]],"cml"]"#;
    assert_eq!(w.rows(kept), [both]);
    // From now on the alias is enough.
    let plan = w.connected(&[beside(None, 150)], 3);
    assert_eq!((plan.counts.unchanged, plan.statements.len()), (1, 0));
    assert_eq!(w.get("insales:shop:7").unwrap().id, id);
    // The master's list is about the master's alone.
    let mut said = told;
    said.prices = Some(Section::Replace(vec![price("retail", 110)]));
    said.stock = Some(Section::Replace(vec![stock("main", 2_000)]));
    w.import(&[said], 4);
    let both = r#"[110,2000,[["insales:shop:price",150,"RUB"],["retail",110,"RUB"]],[["insales:shop:1",9000],["main",2000]],"cml"]"#;
    assert_eq!(w.rows(kept), [both]);
    // And the shop's about the shop's.
    let nothing = Change {
        prices: Some(Section::Replace(Vec::new())),
        stock: Some(Section::Replace(Vec::new())),
        ..beside(None, 0)
    };
    w.connected(&[nothing], 5);
    let alone = r#"[110,2000,[["retail",110,"RUB"]],[["main",2000]],"cml"]"#;
    assert_eq!(w.rows(kept), [alone]);
}

#[test]
fn a_good_of_a_connection_becomes_part_of_the_one_that_its_id_leads_to_now() {
    let w = world();
    let own = Change {
        keys: Keys::external("insales:shop:7"),
        name: Some("Чай из InSales".into()),
        article: Some("A-1".into()),
        side: Some(Side::Card),
        ..product("x")
    };
    w.connected(&[own], 1);
    let first = w.get("insales:shop:7").unwrap().id;
    w.import(&[product("P")], 2);
    let master = w.get("P").unwrap().id;
    w.connected(&[beside(Some(&master), 150)], 3);
    for id in ["P", "insales:shop:7", first.as_str()] {
        assert_eq!(w.get(id).unwrap().id, master, "{id}");
    }
    let all = "SELECT json_array(external, name, article, source, archived) FROM goods";
    assert_eq!(w.rows(all).len(), 1);
    assert!(w.rows(all)[0].starts_with(r#"["P","#), "{:?}", w.rows(all));
    assert!(!w.rows(all)[0].contains("InSales"));
    assert_eq!(
        w.rows("SELECT value FROM good_terms WHERE kind = 'article' AND value = 'a-1'")
            .len(),
        0
    );
    let plan = w.connected(&[beside(None, 150)], 4);
    assert!(plan.statements.is_empty());
}

#[test]
fn who_is_called_how_and_who_shares_what_is_found_by_index() {
    let w = world();
    let own = |id: &str, parent: Option<&str>| Change {
        keys: Keys::external(id),
        parent: parent.map(str::to_owned),
        article: Some("A-1".into()),
        name: Some(id.into()),
        side: Some(Side::Card),
        create: true,
        ..Change::default()
    };
    w.connected(
        &[
            own("insales:shop:7", None),
            own("insales:shop:7#1", Some("insales:shop:7")),
            own("insales:shop:77", None),
        ],
        1,
    );
    let told = Change {
        article: Some(" a-1 ".into()),
        extra: Some([("insales:shop".to_owned(), "9#9".to_owned())].into()),
        ..product("P")
    };
    w.import(&[told], 2);
    let found = block_on(import::called(
        &w.sql,
        "demo",
        &["insales:shop:7"],
        "insales:shop",
    ))
    .unwrap();
    let mut names: Vec<&str> = found.iter().map(|one| one.id.as_str()).collect();
    names.sort_unstable();
    assert_eq!(names, ["insales:shop:7", "insales:shop:7#1"]);
    assert!(found.iter().all(|one| one.own && one.here));
    let terms = [
        ("article", "A-1".to_owned()),
        ("external", "P".to_owned()),
        ("barcode", "A-1".to_owned()),
        ("external", "Q".to_owned()),
    ];
    let found = import::matching(&w.sql, "demo", &terms, "insales:shop");
    let found = block_on(found).unwrap();
    let sizes: Vec<usize> = found.iter().map(Vec::len).collect();
    assert_eq!(sizes, [4, 1, 0, 0]);
    assert_eq!(found[1][0].external.as_deref(), Some("P"));
    assert_eq!(found[1][0].extra.as_deref(), Some("9#9"));
    assert_eq!(found[1][0].source.as_deref(), Some("cml"));
}

#[test]
fn what_nobody_counts_has_neither_stock_nor_quantity() {
    let w = world();
    let counted = Change {
        stock: Some(Section::Replace(vec![stock("main", 3_000)])),
        ..product("P")
    };
    w.import(&[counted], 1);
    let untracked = Change {
        untracked: true,
        ..product("P")
    };
    w.import(&[untracked], 2);
    let kept = "SELECT json_array(quantity, stock) FROM goods";
    assert_eq!(w.rows(kept), ["[null,null]"]);
}

#[test]
fn aliases_that_an_import_did_not_meet_are_found_and_forgotten() {
    let w = world();
    w.import(&[product("P")], 1);
    let id = w.get("P").unwrap().id;
    let plan = w.connected(&[beside(Some(&id), 1)], 2);
    let seen = import::seen("demo", "run", 0, &plan).unwrap();
    block_on(w.sql.atomic(vec![seen])).unwrap();
    let strays = |import: &str| block_on(import::strays(&w.sql, "demo", SHOP, import)).unwrap();
    assert_eq!((strays("run").all, strays("run").stray), (1, 0));
    assert_eq!((strays("other").all, strays("other").stray), (1, 1));
    let found = block_on(import::strays_among(&w.sql, "demo", SHOP, "other")).unwrap();
    assert_eq!(found, ["insales:shop:7"]);
    let forget = import::forget_aliases("demo", &found);
    block_on(w.sql.atomic(vec![forget])).unwrap();
    assert!(w.get("insales:shop:7").is_none());
    assert!(w.get("P").is_some());
}
