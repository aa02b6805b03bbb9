//! What storing a catalogue costs: 20,000 products and their 80,000 variants, first, again unchanged,
//! with other prices. `cargo run --release -p sklad-catalog --example import [changes of a batch]`

#![allow(
    clippy::unwrap_used,
    clippy::print_stdout,
    clippy::float_arithmetic,
    clippy::indexing_slicing,
    reason = "a tool that may fail"
)]

use std::time::Instant;

use futures::executor::block_on;
use sklad_catalog::ids;
use sklad_catalog::import::{self, Change, Keys, Options, Price, Section, Stock};
use sklad_store::native::NativeSql;
use sklad_store::{Row, Sql, SqlError, Statement};

const PRODUCTS: u64 = 20_000;
const VARIANTS: u64 = 4;
const TENANT: &str = "demo";

/// The database, with what the port costs counted: statements, values bound and values answered.
struct Counted {
    sql: NativeSql,
    calls: std::cell::Cell<[usize; 4]>,
}

impl Counted {
    fn add(&self, statement: &Statement) {
        let [calls, bound, rows, cells] = self.calls.get();
        let bound = bound + statement.params().len();
        self.calls.set([calls + 1, bound, rows, cells]);
    }

    fn answered(&self, answer: &[Row]) {
        let [calls, bound, rows, cells] = self.calls.get();
        let wide: usize = answer.iter().map(|row| row.0.len()).sum();
        self.calls
            .set([calls, bound, rows + answer.len(), cells + wide]);
    }
}

impl Sql for Counted {
    async fn query(&self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        self.add(&statement);
        let rows = self.sql.query(statement).await?;
        self.answered(&rows);
        Ok(rows)
    }

    async fn atomic(&self, batch: Vec<Statement>) -> Result<Vec<Vec<Row>>, SqlError> {
        batch.iter().for_each(|statement| self.add(statement));
        let answers = self.sql.atomic(batch).await?;
        answers.iter().for_each(|rows| self.answered(rows));
        Ok(answers)
    }
}

/// 22 characters in no order, as МойСклад's externalCode.
fn code(n: u64) -> String {
    let mixed = n.wrapping_mul(0x9e37_79b9_7f4a_7c15).rotate_left(29);
    let mixed = mixed.wrapping_mul(0xbf58_476d_1ce4_e5b9);
    format!("{mixed:016x}{:06}", n % 1_000_000)
}

fn product(n: u64) -> Change {
    Change {
        keys: Keys::external(code(n)),
        create: true,
        name: Some(format!("Футболка мужская хлопковая «Лето» арт. {n}")),
        article: Some(format!("FT-{n}")),
        barcodes: Some(vec![format!("46{n:011}")]),
        categories: Some(vec![format!("group-{}", n % 300)]),
        unit: Some("шт".to_owned()),
        description: Some("Мягкая ткань, прямой крой, не садится после стирки. ".repeat(4)),
        properties: Some(vec![("country".to_owned(), vec!["Россия".to_owned()])]),
        requisites: Some(vec![(
            "ВидНоменклатуры".to_owned(),
            vec!["Товар".to_owned()],
        )]),
        pictures: Some(vec![format!("{n}.png")]),
        deleted: Some(false),
        ..Change::default()
    }
}

fn offer(n: u64, raise: i64) -> Change {
    let (product, variant) = (n / VARIANTS, n % VARIANTS);
    let n = i64::try_from(n).unwrap();
    let price = |price_type: &str, kopecks| Price {
        price_type: price_type.to_owned(),
        kopecks,
        currency: "RUB".to_owned(),
    };
    let stock = |store: i64| Stock {
        store: format!("store-{store}-0123456789"),
        thousandths: (n % 7 + store) * 1000,
    };
    Change {
        keys: Keys::external(format!("{}#{}", code(product), code(product * 7 + variant))),
        parent: Some(code(product)),
        create: true,
        name: Some(format!(
            "Футболка мужская хлопковая «Лето» арт. {product} ({variant}, синий)"
        )),
        barcodes: Some(vec![format!("47{n:011}")]),
        characteristics: Some(vec![
            ("Размер".to_owned(), format!("{}", 40 + variant)),
            ("Цвет".to_owned(), "синий".to_owned()),
        ]),
        prices: Some(Section::Replace(vec![
            price("cbcf493b-55bc-11d9-848a-00112f43529a", 99_900 + raise),
            price("wholesale-0123456789ab", 79_900 + raise),
        ])),
        quantity: Some(n % 7 * 3000),
        stock: Some(Section::Replace((1..=3).map(stock).collect())),
        ..Change::default()
    }
}

/// Nanoseconds on a processor, and bytes written, of this process so far: other work on the machine
/// does not count.
fn spent() -> (f64, u64) {
    let first = |path: &str, skip: &str| {
        let text = std::fs::read_to_string(path).unwrap();
        let line = text.lines().find(|line| line.starts_with(skip)).unwrap();
        let line = line.trim_start_matches(skip);
        line.split_whitespace()
            .next()
            .unwrap()
            .parse::<u64>()
            .unwrap()
    };
    let nanoseconds = first("/proc/self/schedstat", "");
    (nanoseconds as f64, first("/proc/self/io", "wchar:"))
}

struct Meter {
    sql: Counted,
    batch: usize,
}

impl Meter {
    fn run(&self, what: &str, changes: &[Change], now_ms: i64) {
        let mut ids = ids::sequence(now_ms);
        let options = Options {
            source: Some("cml"),
            price_type: Some("cbcf493b-55bc-11d9-848a-00112f43529a"),
            min_price_type: None,
            ..Options::default()
        };
        self.sql.calls.set([0; 4]);
        let (mut planning, mut writing) = (0.0, 0.0);
        let (wall, (_, bytes)) = (Instant::now(), spent());
        for batch in changes.chunks(self.batch) {
            let began = spent().0;
            let plan = import::plan(&self.sql, TENANT, batch, &options, &mut ids, now_ms);
            let mut statements = block_on(plan).unwrap().statements;
            let planned = spent().0;
            if !statements.is_empty() {
                let checkpoint = "UPDATE tenants SET claimed_at = ?2 WHERE tenant = ?1";
                statements.push(Statement::new(checkpoint).bind(TENANT).bind(now_ms));
                block_on(self.sql.atomic(statements)).unwrap();
            }
            planning += planned - began;
            writing += spent().0 - planned;
        }
        let count = changes.len() as f64;
        let [calls, bound, rows, cells] = self.sql.calls.get();
        println!(
            "{what}: {:.1} µs wall, {:.1} µs processor (plan {:.1}, write {:.1}); {:.0} bytes written; \
             {calls} statements, {:.1} values bound, {:.2} rows and {:.1} values answered",
            wall.elapsed().as_secs_f64() * 1e6 / count,
            (planning + writing) / 1e3 / count,
            planning / 1e3 / count,
            writing / 1e3 / count,
            (spent().1 - bytes) as f64 / count,
            bound as f64 / count,
            rows as f64 / count,
            cells as f64 / count,
        );
    }
}

fn main() {
    println!("for each change:");
    let batch = std::env::args().nth(1).map_or(1000, |n| n.parse().unwrap());
    let dir = tempfile::tempdir_in(".").unwrap();
    let path = dir.path().join("db");
    let sql = Counted {
        sql: NativeSql::open(&path).unwrap(),
        calls: std::cell::Cell::default(),
    };
    let meter = Meter { sql, batch };
    let products: Vec<_> = (0..PRODUCTS).map(product).collect();
    let offers: Vec<_> = (0..PRODUCTS * VARIANTS).map(|n| offer(n, 0)).collect();
    meter.run("products, first", &products, 1_700_000_000_000);
    meter.run("offers, first  ", &offers, 1_700_000_001_000);
    if std::env::args().nth(2).is_some() {
        return;
    }
    meter.run("products, again", &products, 1_700_000_002_000);
    meter.run("offers, again  ", &offers, 1_700_000_003_000);
    let dearer: Vec<_> = (0..PRODUCTS * VARIANTS)
        .map(|n| Change {
            prices: offer(n, 100).prices,
            keys: offer(n, 0).keys,
            ..Change::default()
        })
        .collect();
    meter.run("offers, prices ", &dearer, 1_700_000_004_000);
    println!(
        "database {} KiB",
        std::fs::metadata(&path).unwrap().len() / 1024
    );
}
