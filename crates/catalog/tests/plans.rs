//! No statement of an import reads all rows of a tenant, and none is compiled for each batch.

#![allow(clippy::unwrap_used, reason = "a test may fail")]

use std::cell::RefCell;
use std::collections::BTreeSet;

use futures::executor::block_on;
use sklad_catalog::import::{self, Change, Keys, Options};
use sklad_catalog::{ids, pictures};
use sklad_store::native::{NativeSql, compiled_anew};
use sklad_store::{Row, Sql, SqlError, Statement};

/// The database, which notes the statements that would read too much.
struct Watched {
    sql: NativeSql,
    slow: RefCell<BTreeSet<String>>,
}

impl Watched {
    async fn look(&self, statement: &Statement) -> Result<(), SqlError> {
        let mut explain = Statement::new(format!("EXPLAIN QUERY PLAN {}", statement.sql()));
        for value in statement.params() {
            explain = explain.bind(value.clone());
        }
        for row in self.sql.query(explain).await? {
            let step = row.string(3);
            let all = [
                "(tenant=?)",
                "(tenant=? AND kind=?)",
                "(ANY(",
                "SCAN goods",
                "SCAN g ",
            ];
            if all.iter().any(|all| step.contains(all)) {
                let slow = format!("{step}: {}", statement.sql());
                self.slow.borrow_mut().insert(slow);
            }
        }
        Ok(())
    }
}

impl Sql for Watched {
    async fn query(&self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        self.look(&statement).await?;
        self.sql.query(statement).await
    }

    async fn atomic(&self, batch: Vec<Statement>) -> Result<Vec<Vec<Row>>, SqlError> {
        for statement in &batch {
            self.look(statement).await?;
        }
        self.sql.atomic(batch).await
    }
}

fn changes(category: &str) -> Vec<Change> {
    let product = |n: usize| Change {
        keys: Keys {
            ms_id: (n == 0).then(|| "9c56720c-e8a7-4fdc-aea4-7104f28207be".to_owned()),
            ..Keys::external(format!("p{n}"))
        },
        side: Some(import::Side::Card),
        create: true,
        article: Some(format!("{category}{n}")),
        categories: Some(vec![category.to_owned()]),
        pictures: Some(vec!["1.png".to_owned()]),
        ..Change::default()
    };
    let variant = Change {
        keys: Keys::external("p0#v"),
        parent: Some("p0".to_owned()),
        name: Some("v".to_owned()),
        side: Some(import::Side::Card),
        create: true,
        ..Change::default()
    };
    (0..70).map(product).chain([variant]).collect()
}

#[test]
fn no_statement_of_an_import_reads_all_rows_or_is_compiled_anew() {
    let dir = tempfile::tempdir().unwrap();
    let sql = Watched {
        sql: NativeSql::open(&dir.path().join("db")).unwrap(),
        slow: RefCell::default(),
    };
    let mut ids = ids::sequence(1);
    let options = Options::default();
    let by_uuid = Change {
        keys: Keys {
            ms_id: Some("9c56720c-e8a7-4fdc-aea4-7104f28207be".to_owned()),
            ..Keys::default()
        },
        create: true,
        ..Change::default()
    };
    let first = vec![by_uuid];
    let _ = compiled_anew();
    for batch in [
        first,
        changes("a"),
        changes("b"),
        changes("c"),
        changes("c"),
    ] {
        let plan = import::plan(&sql, "demo", &batch, &options, &mut ids, 1);
        let statements = block_on(plan).unwrap().statements;
        block_on(sql.atomic(statements)).unwrap();
    }
    // What was told is forgotten, and told again.
    let forget = Statement::new("UPDATE goods SET told = NULL");
    block_on(sql.sql.atomic(vec![forget])).unwrap();
    let batch = changes("c");
    let plan = import::plan(&sql, "demo", &batch, &options, &mut ids, 1);
    let statements = block_on(plan).unwrap().statements;
    assert_eq!(statements.len(), 1);
    block_on(sql.atomic(statements)).unwrap();
    // Whoever shares goods with other sources looks for what they are called and have in common.
    for id in ["insales:a:1", "insales:a:2"] {
        block_on(import::called(&sql, "demo", &[id], "x")).unwrap();
        let terms = [("article", id.to_owned()), ("external", id.to_owned())];
        block_on(import::matching(&sql, "demo", &terms, "insales:a")).unwrap();
        block_on(import::strays(&sql, "demo", "insales:a:", id)).unwrap();
        block_on(import::strays_among(&sql, "demo", "insales:a:", id)).unwrap();
    }
    let picture = b"\x89PNG\r\n\x1a\n".to_vec();
    block_on(pictures::store(&sql, "demo", "1.png", picture, 2)).unwrap();
    assert_eq!(compiled_anew(), [""; 0]);
    assert_eq!(sql.slow.into_inner(), BTreeSet::new());
}
