//! What a request costs the storage and the processor, counted in this process: the handlers with
//! native storage and no HTTP.

use std::cell::Cell;
use std::path::Path;
use std::time::Instant;

use anyhow::{Result, ensure};
use futures::executor::block_on;
use http::Response;
use sklad_moysklad::loyalty::{calc, commit, search};
use sklad_store::native::NativeSql;
use sklad_store::{Kv, KvError, Row, Sql, SqlError, Statement};
use sklad_tenant::{App, Config};

use crate::figures::{Figures, median};
use crate::kv::FileKv;
use crate::seed::{DATABASE, KEY_VALUE, State, now_ms};
use crate::till::{Call, Operation};

/// Requests of each operation.
const REQUESTS: u32 = 400;

/// Counts statements as a component sends them, with those that begin and end a transaction.
struct Counted {
    sql: NativeSql,
    statements: Cell<u32>,
}

impl Sql for Counted {
    async fn query(&self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        self.statements.set(self.statements.get() + 1);
        self.sql.query(statement).await
    }

    async fn atomic(&self, batch: Vec<Statement>) -> Result<Vec<Vec<Row>>, SqlError> {
        let frame = if batch.len() > 1 { 2 } else { 0 };
        let count = u32::try_from(batch.len()).unwrap_or(u32::MAX);
        self.statements.set(self.statements.get() + count + frame);
        self.sql.atomic(batch).await
    }
}

/// Counts reads.
struct CountedKv {
    kv: FileKv,
    reads: Cell<u32>,
}

impl Kv for CountedKv {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        self.reads.set(self.reads.get() + 1);
        self.kv.get(key).await
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), KvError> {
        self.kv.set(key, value).await
    }

    async fn delete(&self, key: &str) -> Result<(), KvError> {
        self.kv.delete(key).await
    }
}

type CountedApp = App<Counted, CountedKv>;

/// Counts over a copy of the state.
pub fn count(state: &State, figures: &mut Figures) -> Result<()> {
    let app = open(&state.dir)?;
    for operation in [Operation::Search, Operation::Recalc(10), Operation::Sale] {
        let name = operation.name();
        app.sql.statements.set(0);
        app.kv.reads.set(0);
        let mut micros = Vec::new();
        for (n, call) in operation.calls(REQUESTS.into()).iter().enumerate() {
            let started = Instant::now();
            let status = block_on(handle(&app, call, n, &state.key))?.status();
            micros.push(started.elapsed().as_secs_f64() * 1e6);
            ensure!(status.is_success(), "{name}: {status}");
        }
        let each = |count: u32| f64::from(count) / f64::from(REQUESTS);
        figures.told(
            &format!("loyalty.{name}.statements_per_request"),
            each(app.sql.statements.get()),
            "",
        );
        figures.told(
            &format!("loyalty.{name}.settings_reads_per_request"),
            each(app.kv.reads.get()),
            "",
        );
        figures.told(
            &format!("loyalty.{name}.native_handler_p50_us"),
            median(micros),
            "us",
        );
    }
    Ok(())
}

fn open(dir: &Path) -> Result<CountedApp> {
    let sql = Counted {
        sql: NativeSql::open(&dir.join(DATABASE))?,
        statements: Cell::new(0),
    };
    let kv = CountedKv {
        kv: FileKv::open(&dir.join(KEY_VALUE))?,
        reads: Cell::new(0),
    };
    Ok(App::new(sql, kv, Config::default()))
}

async fn handle(app: &CountedApp, call: &Call, n: usize, key: &str) -> Result<Response<Vec<u8>>> {
    let now = now_ms()?;
    let request = call.numbered(&format!("ffff{n:08x}")).request(key)?;
    Ok(if call.path.ends_with("/recalc") {
        calc::handle(app, now, request).await
    } else if call.path.ends_with("/retaildemand") {
        commit::handle(app, now, request).await
    } else {
        search::handle(app, now, request).await
    })
}
