//! The schema and the native adapter keep the promises of the port.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use futures::executor::block_on;
use sklad_store::native::NativeSql;
use sklad_store::{Sql, SqlError, Statement};

fn database() -> (tempfile::TempDir, NativeSql) {
    let dir = tempfile::tempdir().unwrap();
    let sql = NativeSql::open(&dir.path().join("db")).unwrap();
    (dir, sql)
}

#[test]
fn every_primary_key_begins_with_the_tenant() {
    let (_dir, sql) = database();
    let tables = block_on(sql.query(Statement::new(
        "SELECT m.name, (SELECT name FROM pragma_table_info(m.name) WHERE pk = 1) \
         FROM sqlite_schema m WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%'",
    )))
    .unwrap();
    assert!(tables.len() > 10);
    for table in tables {
        assert_eq!(table.text(1), Some("tenant"), "table {}", table.string(0));
    }
}

#[test]
fn opening_twice_migrates_once() {
    let (dir, sql) = database();
    drop(sql);
    NativeSql::open(&dir.path().join("db")).unwrap();
}

#[test]
fn a_database_of_an_older_build_gets_what_is_new() {
    let first = sklad_store::migrations::from(0);
    let rest = sklad_store::migrations::from(1);
    assert!(!rest.is_empty() && rest.len() < first.len());
    assert!(first.ends_with(&rest), "the steps after the first file");
    assert!(sklad_store::migrations::from(sklad_store::migrations::latest()).is_empty());
}

#[test]
fn a_batch_whose_expectation_fails_leaves_nothing() {
    let (_dir, sql) = database();
    let insert =
        Statement::new("INSERT INTO tenants (tenant, created_at) VALUES (?1, 0)").bind("a");
    let miss = Statement::new("UPDATE tenants SET created_at = 1 WHERE tenant = ?1 RETURNING 1")
        .bind("b")
        .expect_rows(1);
    assert_eq!(
        block_on(sql.atomic(vec![insert, miss])),
        Err(SqlError::Conflict)
    );
    let rows = block_on(sql.query(Statement::new("SELECT 1 FROM tenants"))).unwrap();
    assert!(rows.is_empty());
}

#[test]
fn a_unique_key_given_twice_is_a_constraint_error() {
    let (_dir, sql) = database();
    let insert =
        || Statement::new("INSERT INTO tenants (tenant, created_at) VALUES (?1, 0)").bind("a");
    block_on(sql.atomic(vec![insert()])).unwrap();
    let again = block_on(sql.atomic(vec![insert()]));
    assert!(matches!(again, Err(SqlError::Constraint(_))), "{again:?}");
}
