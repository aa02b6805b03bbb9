//! A database, a shop, and runs over both.

use std::cell::Cell;

use futures::executor::block_on;
use sklad_insales::api::Access;
use sklad_insales::settings::CatalogueSettings;
use sklad_insales::sync::{self, Ended, Kind, Place, Step};
use sklad_jobs::job::Progress;
use sklad_store::native::NativeSql;
use sklad_store::{Ports, Row, Sql, SqlError, Statement};

use crate::fake::{Fake, SHOP, TestClock};

pub const TENANT: &str = "kofe";
/// 2026-01-01, Moscow.
pub const START: i64 = 1_767_214_800_000;

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
        let Some(left) = self.writes.get().checked_sub(1) else {
            return Err(SqlError::Other("killed".into()));
        };
        self.writes.set(left);
        self.sql.atomic(batch).await
    }
}

pub struct World {
    _dir: tempfile::TempDir,
    pub sql: NativeSql,
    pub clock: TestClock,
    pub fake: Fake,
    pub settings: CatalogueSettings,
    pub connection: String,
    access: Access,
}

pub fn world(products: u64) -> World {
    let dir = tempfile::tempdir().unwrap();
    let clock = TestClock(Cell::new(START));
    World {
        sql: NativeSql::open(&dir.path().join("db")).unwrap(),
        _dir: dir,
        fake: Fake::with(products),
        clock,
        settings: CatalogueSettings::default(),
        connection: "shop".into(),
        access: Access {
            shop: SHOP.into(),
            key_id: "key".into(),
            password: "password".into(),
        },
    }
}

impl World {
    fn place(&self) -> Place<'_> {
        Place {
            tenant: TENANT,
            connection: &self.connection,
            settings: &self.settings,
            access: &self.access,
            gateway: None,
        }
    }

    fn step_with(
        &self,
        sql: &impl Sql,
        kind: Kind,
        cursor: Option<&str>,
        save: &dyn Fn(&str, Progress, i64) -> Statement,
    ) -> Result<Step, SqlError> {
        let ports = Ports {
            sql,
            http: &self.fake,
            clock: &self.clock,
        };
        let until = self.clock.0.get() + 4_000;
        block_on(sync::step(ports, self.place(), kind, cursor, until, save))
    }

    pub fn step(&self, sql: &impl Sql, kind: Kind, cursor: Option<&str>) -> Result<Step, SqlError> {
        self.step_with(sql, kind, cursor, &|_, _, _| Statement::new("SELECT 1"))
    }

    /// A step of somebody whose job is another's by now.
    pub fn step_of_a_stale_taker(&self) -> Result<Step, SqlError> {
        self.step_with(&self.sql, Kind::Full, None, &|_, _, _| {
            Statement::new("SELECT 1 WHERE 0").expect_rows(1)
        })
    }

    /// A run whose host dies after so many writes; answers what it had saved.
    pub fn killed_after(&self, writes: usize) -> Option<String> {
        const SAVE: &str = "INSERT INTO insales_marks (tenant, connection, list, wanted, at, id) \
             VALUES ('test', '', 'cursor', '', ?1, 0) ON CONFLICT DO UPDATE SET at = excluded.at";
        let killed = Killed {
            sql: &self.sql,
            writes: Cell::new(writes),
        };
        let save = |cursor: &str, _: Progress, _: i64| Statement::new(SAVE).bind(cursor);
        let mut cursor: Option<String> = None;
        for _ in 0..1_000 {
            match self.step_with(&killed, Kind::Full, cursor.as_deref(), &save) {
                Ok(step) if step.ended == Ended::More => cursor = Some(step.cursor),
                _ => break,
            }
        }
        let saved = self.rows("SELECT at FROM insales_marks WHERE tenant = 'test'");
        let forget = Statement::new("DELETE FROM insales_marks WHERE tenant = 'test'");
        block_on(self.sql.atomic(vec![forget])).unwrap();
        saved.into_iter().next()
    }

    /// Steps until the run has ended.
    pub fn run_from(&self, kind: Kind, mut cursor: Option<String>) -> Ended {
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

    pub fn run(&self, kind: Kind) -> String {
        // Not all within one interval of the limit.
        self.clock.0.set(self.clock.0.get() + 400_000);
        match self.run_from(kind, None) {
            Ended::Done { text, .. } => text,
            other => panic!("{other:?}"),
        }
    }

    /// What becomes of a removed connection, in steps of a millisecond; answers how many.
    pub fn farewell(&self, connection: &str) -> usize {
        let ports = Ports {
            sql: &self.sql,
            http: &self.fake,
            clock: &self.clock,
        };
        let save = |_: &str, _, _| Statement::new("SELECT 1");
        let mut cursor: Option<String> = None;
        for steps in 1..100 {
            let (whose, until) = ((TENANT, connection), self.clock.0.get() + 1);
            let step = sync::farewell(ports, whose, cursor.as_deref(), until, &save);
            let step = block_on(step).unwrap();
            if step.ended != Ended::More {
                return steps;
            }
            cursor = Some(step.cursor);
        }
        panic!("a farewell without end");
    }

    pub fn rows(&self, sql: &'static str) -> Vec<String> {
        let rows = block_on(self.sql.query(Statement::new(sql))).unwrap();
        rows.iter().map(|row| row.string(0)).collect()
    }

    pub fn count(&self, sql: &'static str) -> i64 {
        let rows = block_on(self.sql.query(Statement::new(sql))).unwrap();
        rows[0].int(0).unwrap()
    }

    /// Whether the journal has a row with these words.
    pub fn told(&self, words: &str) -> bool {
        let rows = self.rows("SELECT text FROM journal");
        rows.iter().any(|text| text.contains(words))
    }

    /// Everything that an import makes, without times, versions and our own ids.
    pub fn state(&self) -> Vec<String> {
        let mut all = self.rows(
            "SELECT json_array(external, (SELECT p.external FROM goods p WHERE p.id = goods.parent), kind, name, \
             category, categories, price, prices, stock, quantity, article, barcodes, archived, unit, extra, \
             characteristics, properties, pictures, source) FROM goods ORDER BY external",
        );
        all.extend(self.rows(
            "SELECT json_array(id, parent, name, path, archived) FROM categories ORDER BY id",
        ));
        all.extend(self.rows(
            "SELECT json_array(kind, id, name, data, archived) FROM catalog_refs ORDER BY kind, id",
        ));
        all.extend(self.rows(
            "SELECT json_array(t.kind, t.value, g.external) FROM good_terms t JOIN goods g ON g.id = t.good \
             ORDER BY t.kind, t.value, g.external",
        ));
        all.extend(
            self.rows("SELECT json_array(list, at, id, rows) FROM insales_marks ORDER BY list"),
        );
        all
    }

    pub fn live(&self) -> i64 {
        self.count("SELECT count(*) FROM goods WHERE archived = 0")
    }
}
