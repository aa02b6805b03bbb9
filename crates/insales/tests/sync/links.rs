//! Goods of the shop that are goods of another source as well.

use futures::executor::block_on;
use serde_json::json;
use sklad_catalog::ids;
use sklad_catalog::import::{self as catalog, Change, Keys, Options, Price, Section, Side, Stock};
use sklad_insales::settings::Link;
use sklad_insales::sync::Kind;
use sklad_store::Sql;

use crate::fake::product;
use crate::world::{TENANT, World, world};

/// A good of МойСклад's.
fn master(external: &str, article: &str) -> Change {
    Change {
        keys: Keys::external(external),
        side: Some(Side::Card),
        create: true,
        name: Some(format!("Наш {external}")),
        article: Some(article.to_owned()),
        barcodes: Some(vec![format!("b-{article}")]),
        categories: Some(vec!["ours".into()]),
        deleted: Some(false),
        prices: Some(Section::Replace(vec![Price {
            price_type: "retail".into(),
            kopecks: 777,
            currency: "RUB".into(),
        }])),
        stock: Some(Section::Replace(vec![Stock {
            store: "main".into(),
            thousandths: 5_000,
        }])),
        ..Change::default()
    }
}

impl World {
    fn masters(&self, changes: &[Change]) {
        let options = Options {
            source: Some("moysklad"),
            price_type: Some("retail"),
            ..Options::default()
        };
        let now = self.clock.0.get();
        let mut ids = ids::sequence(now);
        let plan = catalog::plan(&self.sql, TENANT, changes, &options, &mut ids, now);
        let plan = block_on(plan).unwrap();
        block_on(self.sql.atomic(plan.statements)).unwrap();
    }

    fn goods(&self) -> Vec<String> {
        self.rows("SELECT coalesce(external, '-') || ' ' || archived FROM goods ORDER BY external")
    }
}

const KEPT: &str = "SELECT json_array(name, category, price, quantity, json(prices), json(stock), \
     extra ->> 'insales:shop', source) FROM goods WHERE external = 'P1'";
const LINKED: &str = r#"["Наш P1","ours",777,5000,[["insales:shop:price",100,"RUB"],["insales:shop:price2",150,"RUB"],["retail",777,"RUB"]],[["insales:shop:1",3000],["main",5000]],"1#10","moysklad"]"#;
const ALONE: &str =
    r#"["Наш P1","ours",777,5000,[["retail",777,"RUB"]],[["main",5000]],null,"moysklad"]"#;

#[test]
fn the_same_good_of_two_sources_is_one_whichever_came_first() {
    for first in [true, false] {
        let mut w = world(3);
        w.settings.link = Link::Article;
        if first {
            w.masters(&[master("P1", "a10")]);
            w.run(Kind::Full);
        } else {
            w.run(Kind::Full);
            w.masters(&[master("P1", "a10")]);
            let text = w.run(Kind::Full);
            assert!(
                text.contains("связано с товарами других источников 1"),
                "{text}"
            );
        }
        assert_eq!(w.goods(), ["P1 0", "insales:shop:2 0", "insales:shop:3 0"]);
        assert_eq!(w.rows(KEPT), [LINKED]);
        // Both go on: the master's import leaves what the shop says, and the shop's what the master says.
        w.masters(&[master("P1", "a10")]);
        assert_eq!(w.rows(KEPT), [LINKED]);
        let before = w.state();
        for kind in [Kind::Full, Kind::Changes, Kind::Full] {
            let text = w.run(kind);
            assert!(
                !text.contains("изменено") && !text.contains("связано"),
                "{text}"
            );
        }
        assert_eq!(w.state(), before);
        assert!(!w.told("не связан"));
        w.fake
            .change(1, |row| row["variants"][0]["price"] = "9.99".into());
        w.run(Kind::Changes);
        assert!(w.rows(KEPT)[0].contains(r#"["insales:shop:price",999,"RUB"]"#));
        assert!(w.rows(KEPT)[0].contains(",777,5000,"));
    }
}

#[test]
fn a_good_is_recognised_by_what_the_merchant_has_chosen_alone() {
    for (link, linked) in [
        (Link::None, 3),
        (Link::Barcode, 2),
        (Link::External, 2),
        (Link::Article, 3),
    ] {
        let mut w = world(2);
        w.settings.link = link;
        w.fake.change(1, |row| {
            row["variants"][0]["barcode"] = "B-X".into();
            row["variants"][0]["external_id"] = "P1".into();
        });
        w.masters(&[master("P1", "x")]);
        w.run(Kind::Full);
        assert_eq!(w.goods().len(), linked, "{link:?}");
    }
}

#[test]
fn what_is_not_clear_is_not_linked_and_told() {
    let mut w = world(4);
    w.settings.link = Link::Article;
    // Two of the master's have the article of the first; two of the shop's have one of the master's.
    w.masters(&[
        master("P1", "a10"),
        master("P2", "A10"),
        master("P3", "a20"),
    ]);
    w.fake
        .change(3, |row| row["variants"][0]["sku"] = "a20".into());
    w.run(Kind::Full);
    assert_eq!(w.goods().len(), 7);
    assert_eq!(w.rows(KEPT), [ALONE]);
    assert!(w.told("«Товар 1» не связан: артикул «A10» и у «Наш P1», и у «Наш P2»"));
    assert!(w.told("«Товар 2» не связан с «Наш P3»"));
    // It is found each night, and told once: the first time in other words, since the others were no goods yet.
    w.run(Kind::Full);
    let rows = "SELECT text FROM journal WHERE text LIKE '%не связан%'";
    let told = w.rows(rows);
    assert_eq!(told.len(), 5);
    w.run(Kind::Full);
    assert_eq!(w.rows(rows), told);
    // Once it is clear it is linked.
    w.masters(&[master("P2", "другой")]);
    w.run(Kind::Full);
    assert_eq!(w.rows(KEPT), [LINKED]);
    assert_eq!(w.goods().len(), 6);
    // A second good of the shop's that would be the same one is none.
    w.fake
        .lists
        .borrow_mut()
        .get_mut("products")
        .unwrap()
        .push({
            let mut late = product(5);
            late["variants"][0]["sku"] = "A10".into();
            late["updated_at"] = w.fake.later().into();
            late
        });
    w.run(Kind::Changes);
    assert_eq!(w.rows(KEPT), [LINKED]);
    assert!(w.told("тот уже связан с другим товаром InSales (1#10)"));
}

#[test]
fn variants_are_linked_each_by_itself_and_their_product_with_them() {
    let mut w = world(10);
    w.settings.link = Link::Article;
    let variant = |own: &str, article: &str| Change {
        keys: Keys::external(format!("P#{own}")),
        parent: Some("P".into()),
        categories: None,
        ..master("P", article)
    };
    w.masters(&[
        master("P", "whole"),
        variant("s", "a100"),
        variant("m", "a101"),
    ]);
    w.run(Kind::Full);
    let ours = w
        .goods()
        .into_iter()
        .filter(|good| good.starts_with("insales:shop:10"));
    assert_eq!(ours.count(), 0);
    let small = "SELECT extra ->> 'insales:shop' FROM goods WHERE external = 'P#s'";
    assert_eq!(w.rows(small), ["10#100"]);
    // A third variant that the master does not have is the shop's, of the master's product.
    w.fake.change(10, |row| {
        let mut third = row["variants"][0].clone();
        (third["id"], third["sku"], third["title"]) = (json!(102), json!("A102"), json!("L"));
        row["variants"].as_array_mut().unwrap().push(third);
    });
    w.run(Kind::Changes);
    let third = "SELECT (SELECT p.external FROM goods p WHERE p.id = goods.parent) || ' ' || archived \
         FROM goods WHERE external = 'insales:shop:10#102'";
    assert_eq!(w.rows(third), ["P 0"]);
    let before = w.state();
    w.run(Kind::Full);
    assert_eq!(w.state(), before);
}

#[test]
fn what_the_shop_does_not_sell_any_more_is_taken_from_the_masters_good() {
    let mut w = world(30);
    w.settings.link = Link::Article;
    w.masters(&[
        master("P1", "a10"),
        master("P2", "a20"),
        master("P3", "a30"),
        master("P4", "a40"),
        master("P5", "a50"),
    ]);
    w.run(Kind::Full);
    assert_eq!(w.rows(KEPT), [LINKED]);
    // In the trash, and back.
    w.fake.change(1, |row| row["archived"] = true.into());
    w.run(Kind::Changes);
    assert_eq!(w.rows(KEPT), [ALONE]);
    w.fake.change(1, |row| row["archived"] = false.into());
    w.run(Kind::Changes);
    assert_eq!(w.rows(KEPT), [LINKED]);
    // Destroyed.
    w.fake.destroy("products", |id| id == 1);
    w.run(Kind::Full);
    assert_eq!(w.rows(KEPT), [ALONE]);
    assert_eq!(
        w.count("SELECT count(*) FROM good_ids WHERE value = 'insales:shop:1'"),
        0
    );
    assert_eq!(
        w.count("SELECT count(*) FROM good_ids WHERE value LIKE 'insales:shop:%'"),
        4
    );
}

#[test]
fn what_its_master_has_archived_is_the_shops_own_until_it_comes_back() {
    let mut w = world(2);
    w.settings.link = Link::Article;
    w.masters(&[master("P1", "a10")]);
    w.run(Kind::Full);
    let gone = |gone| Change {
        deleted: Some(gone),
        ..master("P1", "a10")
    };
    w.masters(&[gone(true)]);
    w.run(Kind::Full);
    assert_eq!(w.goods(), ["P1 2", "insales:shop:1 0", "insales:shop:2 0"]);
    w.masters(&[gone(false)]);
    w.run(Kind::Full);
    assert_eq!(w.goods(), ["P1 0", "insales:shop:2 0"]);
    assert_eq!(w.rows(KEPT), [LINKED]);
}

#[test]
fn of_a_removed_connection_goods_go_to_the_archive_and_links_are_cut() {
    let mut w = world(30);
    w.settings.link = Link::Article;
    let before = [
        master("P1", "a10"),
        master("P2", "a20"),
        master("O1", "other"),
    ];
    w.masters(&before);
    w.run(Kind::Full);
    assert_eq!(w.rows(KEPT), [LINKED]);
    w.connection = "other".into();
    w.settings.link = Link::None;
    w.run(Kind::Full);
    let live = w.live();
    assert_eq!(w.farewell("shop"), 3);
    assert_eq!(w.rows(KEPT), [ALONE]);
    // 28 products alone; three of them have two variants.
    assert_eq!(w.live(), live - 34);
    let left = "SELECT external FROM goods WHERE archived = 0 AND source = 'insales:shop'";
    assert!(w.rows(left).is_empty());
    for what in [
        "SELECT id FROM catalog_refs WHERE archived = 0 AND source = 'insales:shop'",
        "SELECT id FROM categories WHERE archived = 0 AND source = 'insales:shop'",
        "SELECT value FROM good_ids WHERE value LIKE 'insales:shop:%' AND good IN \
             (SELECT id FROM goods WHERE source = 'moysklad')",
    ] {
        assert!(w.rows(what).is_empty(), "{what}");
    }
    assert!(w.told("в архив ушло товаров 34, от товаров других источников отделено 2"));
    assert_eq!(
        w.count("SELECT count(*) FROM journal WHERE text LIKE 'Подключение к InSales удалено%'"),
        1
    );
    // Done again, as when the word that it was done was lost, it changes nothing.
    let after = w.state();
    w.farewell("shop");
    assert_eq!(w.state(), after);
}

#[test]
fn what_the_shop_does_not_sell_makes_nothing_unclear() {
    for (field, value) in [
        ("archived", true),
        ("is_hidden", true),
        ("available", false),
    ] {
        // Whether the one that is not sold any more was a good of ours before, or was never met.
        for known in [false, true] {
            let mut w = world(4);
            w.settings.link = Link::Article;
            for id in [1, 3] {
                w.fake
                    .change(id, |row| row["variants"][0]["sku"] = "H-1".into());
            }
            if known {
                w.run(Kind::Full);
            }
            w.fake.change(3, |row| row[field] = value.into());
            w.fake.change(1, |row| row["title"] = "Новый".into());
            w.masters(&[master("P1", "h-1")]);
            w.run(Kind::Changes);
            assert_eq!(w.rows(KEPT), [LINKED], "{field} {known}");
            assert!(!w.told("не связан"));
        }
    }
}

#[test]
fn a_link_that_nothing_speaks_for_any_more_is_told_by_night_and_stays() {
    let mut w = world(10);
    w.settings.link = Link::Article;
    w.masters(&[master("P1", "a10"), master("P2", "A100")]);
    w.run(Kind::Full);
    w.run(Kind::Full);
    assert!(!w.told("у них разный"));
    w.fake
        .change(1, |row| row["variants"][0]["sku"] = "OTHER".into());
    w.run(Kind::Changes);
    assert!(!w.told("у них разный"));
    for _ in 0..2 {
        w.run(Kind::Full);
    }
    let told = "SELECT object || ' ' || text FROM journal WHERE text LIKE '%у них разный'";
    let text = "insales:shop:1 Товар InSales «Товар 1» связан с «Наш P1», но артикул у них разный";
    assert_eq!(w.rows(told), [text]);
    assert_eq!(w.rows(KEPT), [LINKED]);
    // The master may follow.
    w.masters(&[master("P1", "other")]);
    w.run(Kind::Full);
    assert_eq!(w.rows(told).len(), 1);
}

#[test]
fn what_comes_in_the_place_of_a_product_in_the_trash_keeps_its_link() {
    for (old, new) in [(1, 2), (2, 1)] {
        let mut w = world(3);
        w.settings.link = Link::Article;
        w.fake
            .change(new, |row| row["variants"][0]["sku"] = "later".into());
        w.fake
            .change(old, |row| row["variants"][0]["sku"] = "x".into());
        w.masters(&[master("P1", "x")]);
        w.run(Kind::Full);
        let ids = "SELECT extra ->> 'insales:shop' FROM goods WHERE external = 'P1'";
        assert_eq!(w.rows(ids), [format!("{old}#{old}0")]);
        // Both changes come at once, whichever is first.
        let change = |id, trash: bool| {
            w.fake.change(id, |row| match trash {
                true => row["archived"] = true.into(),
                false => row["variants"][0]["sku"] = "X".into(),
            });
        };
        for (id, trash) in [(1, old == 1), (2, old == 2)] {
            change(id, trash);
        }
        for kind in [Kind::Changes, Kind::Full, Kind::Full] {
            w.run(kind);
            assert_eq!(w.rows(ids), [format!("{new}#{new}0")], "{kind:?}");
        }
        // What is touched in the trash is nothing to the good.
        w.fake.change(old, |row| row["title"] = "Старый".into());
        w.run(Kind::Changes);
        assert_eq!(w.rows(ids), [format!("{new}#{new}0")]);
    }
}
