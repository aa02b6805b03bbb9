//! No statement reads all rows of a tenant. Without statistics SQLite takes `tenant = ?` on a
//! primary key for ten rows and prefers it to an index that needs another look.

use std::cell::RefCell;
use std::collections::BTreeSet;

use futures::executor::block_on;
use sklad_loyalty::customers::{self, Edit, Identity};
use sklad_loyalty::ledger::{self, Return, Sale};
use sklad_store::native::NativeSql;
use sklad_store::{Row, Sql, SqlError, Statement};

use crate::fixture::*;

/// The database, which notes the statements that would read too much.
struct Watched<'a> {
    sql: &'a NativeSql,
    slow: RefCell<BTreeSet<String>>,
}

impl Watched<'_> {
    async fn look(&self, statement: &Statement) -> Result<(), SqlError> {
        let mut explain = Statement::new(format!("EXPLAIN QUERY PLAN {}", statement.sql()));
        for value in statement.params() {
            explain = explain.bind(value.clone());
        }
        for row in self.sql.query(explain).await? {
            let step = row.string(3);
            let all = ["(tenant=?)", "(tenant=? AND kind=?)", "(ANY("];
            if all.iter().any(|all| step.contains(all)) {
                let slow = format!("{step}: {}", statement.sql());
                self.slow.borrow_mut().insert(slow);
            }
        }
        Ok(())
    }
}

impl Sql for Watched<'_> {
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

#[test]
fn no_statement_of_the_ledger_reads_all_rows_of_a_tenant() {
    let till = Till::with(r#"{"earning": {"birthday": {"points": 3}}}"#);
    let sql = Watched {
        sql: &till.sql,
        slow: RefCell::default(),
    };
    let shop = till.shop();
    let who = Identity::new(["c"], Some("card"), Some("89039993344"));
    block_on(async {
        let registered = ledger::register_or_find(&sql, &shop, &who, &person("Анна")).await;
        let (customer, _) = registered.unwrap();
        let gifts = vec![gift("id", "number", 1)];
        let early = Return {
            demand: vec!["other".to_owned(), "s".to_owned()],
            ..back("early", "s", 1)
        };
        ledger::post_return(&sql, &shop, &early).await.unwrap();
        let sold = Sale {
            earn: None,
            gifts,
            identity: who.clone(),
            ..sale("s", "c", 5, 5)
        };
        ledger::post_sale(&sql, &shop, &sold).await.unwrap();
        ledger::post_return(&sql, &shop, &back("r", "s", 3))
            .await
            .unwrap();
        let free = Return {
            demand: vec![],
            ..back("free", "", 3)
        };
        ledger::post_return(&sql, &shop, &free).await.unwrap();
        let other = Sale {
            digest: "other".to_owned(),
            ..sold
        };
        ledger::post_sale(&sql, &shop, &other).await.unwrap();
        ledger::adjust(&sql, &shop, "c", "k", 5, "так")
            .await
            .unwrap();
        ledger::birthday(&sql, &shop, customer).await.unwrap();
        ledger::check(&sql, "north", "", 10).await.unwrap();
        let before = Some((NOON, "earn".to_owned(), "s".to_owned()));
        ledger::entries(&sql, "north", "c", before, 10)
            .await
            .unwrap();
    });
    assert_eq!(sql.slow.into_inner(), BTreeSet::new());
}

#[test]
fn no_statement_of_the_customers_reads_all_rows_of_a_tenant() {
    let till = Till::new();
    till.join("old", &person("Анна Старая"));
    till.join("new", &person("Анна Новая"));
    let sql = Watched {
        sql: &till.sql,
        slow: RefCell::default(),
    };
    block_on(async {
        for typed in ["89039993344", "Анна Новая", "https://x.ru/card", "a@b.ru"] {
            customers::search(&sql, "north", typed).await.unwrap();
        }
        customers::list(&sql, "north", "a", 10).await.unwrap();
        let old = customers::get(&sql, "north", "old").await.unwrap().unwrap();
        let new = customers::get(&sql, "north", "new").await.unwrap().unwrap();
        let edit = Edit {
            phone: Some("89039993344".to_owned()),
            card: Some("card".to_owned()),
            ms_id: Some("ms".to_owned()),
            ..Edit::default()
        };
        let edit = customers::edit("north", &old, &edit, till.now).unwrap();
        sql.atomic(edit).await.unwrap();
        let merge = customers::merge("north", &old, &new, &till.programme.tiers, till.now).unwrap();
        sql.atomic(merge).await.unwrap();
    });
    assert_eq!(sql.slow.into_inner(), BTreeSet::new());
}
