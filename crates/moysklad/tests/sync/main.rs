//! The import against a МойСклад in memory, over a real database.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::panic,
    missing_docs,
    reason = "a test stops at the first surprise"
)]

mod fake;

use std::cell::Cell;
use std::rc::Rc;

use bytes::Bytes;
use fake::{Fake, ORIGIN, TestClock, answer, error, moment, uuid};
use futures::executor::block_on;
use http::Response;
use serde_json::{Value, json};
use sklad_catalog::import::{self as catalog, Change, Keys, Options};
use sklad_jobs::job::Progress;
use sklad_moysklad::api::{Access, Class, Credentials};
use sklad_moysklad::sync::{self, Ended, Kind, Place, Step};
use sklad_store::Ports;
use sklad_store::native::NativeSql;
use sklad_store::{Row, Sql, SqlError, Statement};
use sklad_tenant::MoyskladSettings;

const TENANT: &str = "kofe";
/// 2026-01-01, Moscow.
const START: i64 = 1_767_214_800_000;

/// The database, until its host is killed.
struct Killed<'a> {
    sql: &'a NativeSql,
    writes: Cell<usize>,
}

impl Sql for Killed<'_> {
    async fn query(&self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        self.sql.query(statement).await
    }

    async fn atomic(&self, batch: Vec<Statement>) -> Result<Vec<Vec<Row>>, SqlError> {
        let left = self.writes.get().checked_sub(1);
        let Some(left) = left else {
            return Err(SqlError::Other("killed".into()));
        };
        self.writes.set(left);
        self.sql.atomic(batch).await
    }
}

struct World {
    _dir: tempfile::TempDir,
    sql: NativeSql,
    clock: Rc<TestClock>,
    fake: Fake,
    settings: MoyskladSettings,
    credentials: Credentials,
}

fn world(products: usize) -> World {
    let dir = tempfile::tempdir().unwrap();
    let clock = Rc::new(TestClock(Cell::new(START)));
    World {
        sql: NativeSql::open(&dir.path().join("db")).unwrap(),
        _dir: dir,
        fake: Fake::with(products, Rc::clone(&clock)),
        clock,
        settings: MoyskladSettings::default(),
        credentials: Credentials {
            access: Access::Token("token".into()),
            class: Class::Draft,
        },
    }
}

fn saved(cursor: &str, _: Progress, _: i64) -> Statement {
    Statement::new(
        "INSERT INTO moysklad_ids (tenant, kind, id, value) VALUES (?1, 'test', 'cursor', ?2) \
         ON CONFLICT DO UPDATE SET value = excluded.value",
    )
    .bind(TENANT)
    .bind(cursor)
}

impl World {
    fn place(&self) -> Place<'_> {
        Place {
            tenant: TENANT,
            settings: &self.settings,
            origin: ORIGIN,
            files: None,
            credentials: &self.credentials,
        }
    }

    fn step(&self, sql: &impl Sql, kind: Kind, cursor: Option<&str>) -> Result<Step, SqlError> {
        let ports = Ports {
            sql,
            http: &self.fake,
            clock: &*self.clock,
        };
        let until = self.clock.0.get() + 4_000;
        block_on(sync::step(ports, self.place(), kind, cursor, until, &saved))
    }

    /// Steps until the run has ended; a run that was killed goes on from what was saved.
    fn run_from(&self, kind: Kind, mut cursor: Option<String>) -> Ended {
        for _ in 0..1_000 {
            let step = self.step(&self.sql, kind, cursor.as_deref()).unwrap();
            match step.ended {
                Ended::More => {}
                Ended::Later(at) => self.clock.0.set(at.max(self.clock.0.get())),
                ended => return ended,
            }
            cursor = Some(step.cursor);
        }
        panic!("a run without end");
    }

    fn run(&self, kind: Kind) -> String {
        match self.run_from(kind, None) {
            Ended::Done { text, .. } => text,
            other => panic!("{other:?}"),
        }
    }

    fn rows(&self, sql: &'static str) -> Vec<String> {
        let rows = block_on(self.sql.query(Statement::new(sql))).unwrap();
        rows.iter().map(|row| row.string(0)).collect()
    }

    fn count(&self, sql: &'static str) -> i64 {
        let rows = block_on(self.sql.query(Statement::new(sql))).unwrap();
        rows[0].int(0).unwrap()
    }

    /// Everything that an import makes, without times and versions.
    fn state(&self) -> Vec<String> {
        let mut all = self.rows(
            "SELECT json_array(id, ms_id, external, parent, kind, name, category, price, min_price, prices, stock, \
             quantity, barcodes, archived, unit, extra, characteristics, pictures, source) FROM goods ORDER BY id",
        );
        all.extend(self.rows(
            "SELECT json_array(id, parent, name, path, archived) FROM categories ORDER BY id",
        ));
        all.extend(self.rows(
            "SELECT json_array(kind, id, name, data, archived) FROM catalog_refs ORDER BY kind, id",
        ));
        all.extend(self.rows(
            "SELECT json_array(kind, value, good) FROM good_terms ORDER BY kind, value, good",
        ));
        all
    }

    fn live(&self) -> i64 {
        self.count("SELECT count(*) FROM goods WHERE archived = 0")
    }
}

#[test]
fn a_full_run_brings_everything_and_the_next_one_changes_nothing() {
    let w = world(2_300);
    let text = w.run(Kind::Full);
    assert_eq!(w.live(), 2_300 + 20 + 2, "{text}");
    assert!(text.contains("новых 2322"), "{text}");
    let one =
        "SELECT json_array(external, category, price, unit, kind) FROM goods WHERE code = '1201'";
    assert_eq!(w.rows(one), [r#"["P1201","G1",120100,"шт","product"]"#]);
    let variant = "SELECT json_array(external, category, unit, parent = (SELECT id FROM goods WHERE external = 'P4')) \
         FROM goods WHERE external = 'P4#V9'";
    assert_eq!(w.rows(variant), [r#"["P4#V9","G1","шт",1]"#]);
    let path = "SELECT path FROM categories WHERE id = 'G2'";
    assert_eq!(w.rows(path), [r#"["G2","G1","G0"]"#]);
    let components = "SELECT extra ->> 'components' FROM goods WHERE external = 'B1'";
    assert_eq!(
        w.rows(components),
        [format!(r#"[["{}",2000]]"#, uuid(1, 0))]
    );
    let sale_points = "SELECT name FROM catalog_refs WHERE kind = 'retail_store'";
    assert_eq!(w.rows(sale_points), ["Касса"]);
    let before = w.state();
    let text = w.run(Kind::Full);
    assert!(
        !text.contains("новых") && !text.contains("изменено"),
        "{text}"
    );
    assert_eq!(w.state(), before);
    assert_eq!(
        w.count("SELECT count(*) FROM import_seen"),
        0,
        "nothing is left behind"
    );
}

#[test]
fn a_run_that_is_killed_anywhere_goes_on_and_ends_equal() {
    let stocked = || {
        let w = world(700);
        let all = (0..700).map(|n| (uuid(1, n), uuid(6, 1), n as f64));
        *w.fake.stock.borrow_mut() = all.collect();
        w
    };
    let undisturbed = stocked();
    undisturbed.run(Kind::Full);
    let expected = undisturbed.state();
    for writes in [1, 3, 7, 10, 14, 19, 24, 28, 31, 32, 33] {
        let w = stocked();
        let killed = Killed {
            sql: &w.sql,
            writes: Cell::new(writes),
        };
        let mut cursor = None;
        let error = loop {
            match w.step(&killed, Kind::Full, cursor.as_deref()) {
                Ok(Step {
                    ended: Ended::Done { .. },
                    ..
                }) => break None,
                Ok(step) => cursor = Some(step.cursor),
                Err(error) => break Some(error),
            }
        };
        assert!(error.is_some(), "the run was over before write {writes}");
        let kept = w.rows("SELECT value FROM moysklad_ids WHERE kind = 'test'");
        // The lanes of who was killed come back by themselves.
        w.clock.0.set(w.clock.0.get() + 700_000);
        let ended = w.run_from(Kind::Full, kept.into_iter().next());
        assert!(matches!(ended, Ended::Done { .. }), "{ended:?}");
        assert_eq!(w.state(), expected, "killed at write {writes}");
    }
}

fn rate_limited(after_ms: u32) -> Response<Bytes> {
    let mut answer = error(429, 1049);
    answer
        .headers_mut()
        .insert("x-lognex-retry-after", after_ms.into());
    answer
}

#[test]
fn both_kinds_of_429_are_waited_for_and_nothing_is_lost() {
    let w = world(1_200);
    let (n, blocked) = (Cell::new(0), Cell::new(0));
    w.fake.when(move |fake, _| {
        n.set(n.get() + 1);
        let now = fake.clock.0.get();
        assert!(now >= blocked.get(), "asked again too early");
        match n.get() % 7 {
            3 => {
                blocked.set(now + 1_200);
                Some(rate_limited(1_200))
            }
            5 => Some(error(429, 1073)),
            _ => None,
        }
    });
    w.run(Kind::Full);
    assert_eq!(w.live(), 1_222);
}

#[test]
fn what_the_service_answers_when_it_is_ill_is_asked_for_again() {
    let w = world(1_200);
    let n = Cell::new(0);
    w.fake.when(move |_, _| {
        n.set(n.get() + 1);
        let page =
            |body: &'static str, status| Response::builder().status(status).body(Bytes::from(body));
        match n.get() % 5 {
            2 => Some(page("<html>502 Bad Gateway</html>", 502).unwrap()),
            4 => Some(page("<html>soon</html>", 200).unwrap()),
            _ => None,
        }
    });
    w.run(Kind::Full);
    assert_eq!(w.live(), 1_222);
}

#[test]
fn goods_deleted_between_two_pages_take_none_with_them() {
    let w = world(2_500);
    let done = Cell::new(false);
    w.fake.when(move |fake, path| {
        if path.contains("/product?limit=1000&offset=998") && !done.replace(true) {
            // Before the offset: all that follows moves up.
            fake.change("product", |rows| drop(rows.drain(10..60)));
        }
        None
    });
    w.run(Kind::Full);
    for n in 60..2_500 {
        let name = format!(
            "SELECT count(*) FROM goods WHERE id = '{}' AND archived = 0",
            uuid(1, n)
        );
        let rows = block_on(w.sql.query(Statement::new(name))).unwrap();
        assert_eq!(rows[0].int(0), Some(1), "product {n} was passed over");
    }
}

#[test]
fn a_good_made_while_the_run_reads_is_not_taken_for_missing() {
    let w = world(1_500);
    w.run(Kind::Full);
    let done = Cell::new(false);
    w.fake.when(move |fake, path| {
        if path.contains("/service?") && !done.replace(true) {
            let now = fake.clock.0.get();
            fake.change("product", |rows| {
                let mut new = rows[0].clone();
                new["id"] = uuid(0, 1).into();
                new["externalCode"] = "new".into();
                new["updated"] = moment(now).into();
                rows.insert(0, new);
                rows.remove(700);
            });
        }
        None
    });
    w.run(Kind::Full);
    let new = "SELECT archived FROM goods WHERE external = 'new'";
    assert_eq!(w.count(new), 0);
}

#[test]
fn a_good_that_somebody_else_brings_while_the_run_reads_is_not_missing() {
    let w = world(600);
    w.run(Kind::Full);
    let sql = NativeSql::open(&w._dir.path().join("db")).unwrap();
    let done = Cell::new(false);
    w.fake.when(move |fake, path| {
        // The lists have been read twice; this is the last one.
        if path.contains("/variant?") && path.contains("updated") && !done.replace(true) {
            let now = fake.clock.0.get();
            let columns = "(tenant, id, external, source, updated_at)";
            let row = format!("('{TENANT}', 'h', 'hook', '{}', {now})", sync::SOURCE);
            let insert = format!("INSERT INTO goods {columns} VALUES {row}");
            sql.batch(&insert).unwrap();
        }
        None
    });
    w.run(Kind::Full);
    assert_eq!(
        w.count("SELECT archived FROM goods WHERE external = 'hook'"),
        0
    );
    // The next run does not find it in МойСклад.
    w.clock.0.set(w.clock.0.get() + 60_000);
    w.run(Kind::Full);
    assert_eq!(
        w.count("SELECT archived FROM goods WHERE external = 'hook'"),
        2
    );
}

#[test]
fn what_a_cancelled_run_has_had_is_forgotten_by_the_next() {
    let w = world(600);
    let until = w.clock.0.get();
    let ports = Ports {
        sql: &w.sql,
        http: &w.fake,
        clock: &*w.clock,
    };
    let cancelled = sync::step(ports, w.place(), Kind::Full, None, until + 500, &saved);
    assert_eq!(block_on(cancelled).unwrap().ended, Ended::More);
    assert!(w.count("SELECT count(*) FROM import_seen") > 0);
    w.run(Kind::Full);
    assert_eq!(w.count("SELECT count(*) FROM import_seen"), 0);
}

#[test]
fn what_is_missing_is_archived_but_never_half_a_shop() {
    let mut w = world(200);
    w.run(Kind::Full);
    w.fake.change("product", |rows| drop(rows.drain(100..110)));
    let text = w.run(Kind::Full);
    assert!(text.contains("в архив 10"), "{text}");
    assert_eq!(w.live(), 222 - 10);
    w.fake.change("product", |rows| rows.truncate(90));
    let text = w.run(Kind::Full);
    assert!(text.contains("предупреждений 1"), "{text}");
    assert_eq!(w.live(), 222 - 10, "they stay");
    let told = w.rows("SELECT text FROM journal WHERE outcome = 'warning' AND text LIKE 'В МоёмСкладе нет 100 из 192%'");
    assert_eq!(told.len(), 1);
    w.settings.goods.missing_guard_percent = 100;
    w.run(Kind::Full);
    assert_eq!(w.live(), 222 - 110);
}

#[test]
fn a_good_that_commerceml_brought_is_recognised_by_its_external_code() {
    let w = world(3);
    let old = Change {
        keys: Keys::external("P1"),
        create: true,
        name: Some("Из 1С".into()),
        ..Change::default()
    };
    let options = Options {
        source: Some("commerceml"),
        ..Options::default()
    };
    let mut ids = sklad_catalog::ids::sequence(START);
    let plan = block_on(catalog::plan(
        &w.sql,
        TENANT,
        &[old],
        &options,
        &mut ids,
        START,
    ))
    .unwrap();
    block_on(w.sql.atomic(plan.statements)).unwrap();
    let id = w.rows("SELECT id FROM goods").remove(0);
    w.run(Kind::Full);
    let merged =
        w.rows("SELECT id || ' ' || ms_id || ' ' || name FROM goods WHERE external = 'P1'");
    assert_eq!(merged, [format!("{id} {} Товар 1", uuid(1, 1))]);
    assert_eq!(w.live(), 3 + 6 + 2);
}

#[test]
fn changes_come_without_reading_everything() {
    let w = world(1_500);
    let early = w.run(Kind::Changes);
    assert!(early.contains("после первой полной"), "{early}");
    w.run(Kind::Full);
    w.clock.0.set(w.clock.0.get() + 3_600_000);
    let now = moment(w.clock.0.get());
    w.fake.change("product", |rows| {
        rows[7]["name"] = "Новое имя".into();
        rows[7]["trackingType"] = "TOBACCO".into();
        rows[7]["updated"] = now.clone().into();
    });
    w.fake.asked.borrow_mut().clear();
    w.clock.0.set(w.clock.0.get() + 60_000);
    let text = w.run(Kind::Changes);
    assert!(text.contains("изменено 1"), "{text}");
    assert_eq!(
        w.rows("SELECT name FROM goods WHERE external = 'P7'"),
        ["Новое имя"]
    );
    let tobacco = "SELECT count(*) FROM goods WHERE tobacco = 1";
    assert_eq!(w.count(tobacco), 3, "its variants are tobacco too");
    assert!(w.fake.asked.borrow().len() < 15);
    let text = w.run(Kind::Changes);
    assert!(
        !text.contains("новых") && !text.contains("изменено"),
        "{text}"
    );
}

#[test]
fn an_answer_that_is_too_large_is_asked_for_in_smaller_pages() {
    let w = world(1_500);
    w.fake.change("product", |rows| {
        for row in rows {
            row["attributes"] = json!([{"value": "x".repeat(10_000)}]);
        }
    });
    w.run(Kind::Full);
    assert_eq!(w.live(), 1_522);
}

#[test]
fn stock_comes_by_store_of_those_that_count() {
    of_those_that_count(world(400));
}

#[test]
fn stock_comes_in_portions_where_all_at_once_is_too_much() {
    let w = world(400);
    in_portions(&w);
    of_those_that_count(w);
}

/// МойСклад takes too long to list the stock of everything.
fn in_portions(w: &World) {
    w.fake
        .when(|_, path| path.ends_with("?include=zeroLines").then(|| error(504, 0)));
}

fn of_those_that_count(mut w: World) {
    let all = (0..400).flat_map(|n| {
        let of = move |store, amount| (uuid(1, n), uuid(6, store), amount);
        [of(1, n as f64), of(2, 0.5)]
    });
    *w.fake.stock.borrow_mut() = all.collect();
    w.run(Kind::Full);
    let of = "SELECT quantity || stock FROM goods WHERE external = 'P321'";
    assert_eq!(w.rows(of), [r#"321500[["main",321000],["shop",500]]"#]);
    w.settings.goods.stores = vec!["Main".into()];
    w.run(Kind::Full);
    assert_eq!(w.rows(of), [r#"321000[["main",321000]]"#]);
    // Changes bring what has changed.
    w.clock.0.set(w.clock.0.get() + 600_000);
    *w.fake.stock.borrow_mut() = vec![(uuid(1, 321), uuid(6, 1), 7.0)];
    w.run(Kind::Changes);
    assert_eq!(w.rows(of), [r#"7000[["main",7000]]"#]);
    assert_eq!(
        w.count("SELECT quantity FROM goods WHERE external = 'P320'"),
        320_000
    );
}

#[test]
fn without_the_right_to_see_stock_the_goods_come() {
    let w = world(5);
    w.fake
        .when(|_, path| path.contains("/report/").then(|| error(403, 13_004)));
    let text = w.run(Kind::Full);
    assert!(text.contains("предупреждений 1"), "{text}");
    assert_eq!(w.live(), 5 + 10 + 2);
}

#[test]
fn pictures_are_fetched_once() {
    let mut w = world(150);
    w.settings.goods.images = true;
    w.fake.change("product", |rows| {
        for row in rows.iter_mut().take(3) {
            row["images"] = json!({"meta": {"size": 1}, "rows": [{"filename": "чай.png",
                "meta": {"downloadHref": format!("{ORIGIN}/api/remap/1.2/download/{}", uuid(12, 1))}}]});
        }
    });
    w.run(Kind::Full);
    let names = w.rows("SELECT DISTINCT pictures FROM goods WHERE pictures IS NOT NULL");
    assert_eq!(names, [format!(r#"["ms-{}.png"]"#, uuid(12, 1))]);
    assert_eq!(w.count("SELECT count(*) FROM pictures"), 1);
    w.fake.asked.borrow_mut().clear();
    w.run(Kind::Full);
    let asked = w.fake.asked.borrow();
    assert!(!asked.iter().any(|(_, path)| path.contains("/download/")));
}

#[test]
fn counterparties_of_the_group_become_customers() {
    let mut w = world(1);
    let person = |n: usize, phone: &str, tag: &str| {
        json!({"id": uuid(13, n), "name": format!("Мария {n}"), "phone": phone, "tags": [tag],
            "discountCardNumber": format!("K{n}"), "updated": "2020-01-01 00:00:00.000"})
    };
    let mut people: Vec<Value> = (0..600)
        .map(|n| person(n, &format!("+7 903 {n:07}"), "лояльность"))
        .collect();
    people.push(person(600, "8 903 000 00 01", "лояльность"));
    people.push(person(601, "+7 904 0000001", "поставщики"));
    w.fake.change("counterparty", |rows| *rows = people);
    w.run(Kind::Full);
    assert_eq!(w.count("SELECT count(*) FROM customers"), 0, "not wanted");
    w.settings.customers.on = true;
    w.settings.customers.groups = vec!["лояльность".into()];
    let text = w.run(Kind::Full);
    assert!(text.contains("покупателей 600"), "{text}");
    assert_eq!(
        w.count("SELECT count(*) FROM customers"),
        600,
        "one phone is one customer"
    );
    let both = w.rows("SELECT customer FROM customer_keys WHERE value IN ('00000000', 'k600', '79030000001') ORDER BY 1");
    assert_eq!(both, [uuid(13, 1), uuid(13, 1)]);
    let text = w.run(Kind::Full);
    assert!(!text.contains("покупателей"), "{text}");
    w.fake.change("counterparty", |rows| {
        rows[5]["name"] = "Анна".into();
        rows[6]["phone"] = "+79050000000".into();
        rows[7]["phone"] = "+79030000001".into();
    });
    let text = w.run(Kind::Full);
    assert!(text.contains("покупателей 2"), "{text}");
    let phone = w.rows("SELECT phone FROM customers WHERE card IN ('K6', 'K7') ORDER BY card");
    assert_eq!(
        phone,
        ["79050000000", "79030000007"],
        "another's phone stays his"
    );
}

#[test]
fn the_limit_is_never_exceeded_and_nearly_used() {
    for (class, weight) in [(Class::Draft, 4), (Class::Published, 1)] {
        let mut w = world(6_000);
        w.credentials.class = class;
        w.settings.goods.stock = true;
        in_portions(&w);
        w.run(Kind::Full);
        let asked: Vec<i64> = w.fake.asked.borrow().iter().map(|(at, _)| *at).collect();
        for (n, at) in asked.iter().enumerate() {
            let within = asked[n..].iter().take_while(|other| **other < at + 3_000);
            assert!(within.count() * weight <= 45, "at request {n}");
        }
        let per_interval = 45 / weight;
        let least = (asked.len() - 1) / per_interval * 3_000;
        let took = asked[asked.len() - 1] - asked[0];
        let most = i64::try_from(least * 115 / 100).unwrap();
        assert!(
            took <= most,
            "{took} ms where {least} ms is the least, {} requests",
            asked.len()
        );
    }
}

#[test]
fn what_only_a_person_can_mend_is_told_in_words() {
    let w = world(5);
    w.fake.when(|_, _| Some(error(401, 1056)));
    match w.run_from(Kind::Full, None) {
        Ended::Refused { text } => assert!(text.contains("не принимает токен"), "{text}"),
        other => panic!("{other:?}"),
    }
    w.fake
        .when(|_, _| Some(Response::builder().status(503).body(Bytes::new()).unwrap()));
    let ended = w.run_from(Kind::Full, None);
    assert!(
        matches!(ended, Ended::Failed { again: true, .. }),
        "{ended:?}"
    );
}

#[test]
fn who_has_lost_the_job_writes_nothing() {
    let w = world(500);
    let ports = Ports {
        sql: &w.sql,
        http: &w.fake,
        clock: &*w.clock,
    };
    let lost = |_: &str, _: Progress, _: i64| {
        Statement::new("UPDATE tenants SET claimed_at = 0 WHERE tenant = 'nobody' RETURNING 1")
            .expect_rows(1)
    };
    let until = START + 60_000;
    let step = block_on(sync::step(ports, w.place(), Kind::Full, None, until, &lost));
    assert_eq!(step, Err(SqlError::Conflict));
    assert_eq!(w.live(), 0);
}

fn checked(w: &World) -> sync::check::Checked {
    let ports = Ports {
        sql: &w.sql,
        http: &w.fake,
        clock: &*w.clock,
    };
    block_on(sync::check::check(
        ports,
        w.place(),
        w.clock.0.get() + 60_000,
    ))
    .unwrap()
}

#[test]
fn the_organisation_is_checked_in_words() {
    let mut w = world(1);
    assert!(checked(&w).problems[0].contains(&format!("Есть: «ООО «Чай»» – {}", uuid(10, 1))));
    w.settings.organization = Some(format!(
        "https://online.moysklad.ru/app/#mycompany/edit?id={}",
        uuid(10, 1)
    ));
    let right = checked(&w);
    assert_eq!(
        (right.problems.as_slice(), right.name.as_deref()),
        (&[][..], Some("ООО «Чай»"))
    );
    assert_eq!(right.account, Some(uuid(11, 1)));
    w.settings.organization = Some(uuid(10, 2));
    assert!(checked(&w).problems[0].contains("нет организации с таким ID"));
    // A page's id is another one than the API's.
    w.fake.when(|_, path| {
        path.contains(&uuid(10, 2)).then(|| {
            let mut moved = answer(308, &json!({}));
            let to = format!("{ORIGIN}/api/remap/1.2/entity/organization/{}", uuid(10, 1));
            moved.headers_mut().insert("location", to.parse().unwrap());
            moved
        })
    });
    assert_eq!(checked(&w).organization, Some(uuid(10, 1)));
    w.settings.organization = Some("ООО".into());
    assert!(checked(&w).problems[0].contains("36 знаков"));
    w.settings.organization = Some(uuid(10, 1));
    w.fake
        .when(|_, path| path.contains("/store?").then(|| error(403, 1016)));
    let problems = checked(&w).problems;
    assert_eq!(
        problems,
        ["Нет права на просмотр складов: выдайте его в МоёмСкладе"]
    );
    w.fake.when(|_, _| Some(error(401, 1056)));
    assert!(checked(&w).problems[0].contains("не принимает токен"));
}
