//! SQLite as Spin offers it.

use std::time::{Duration, Instant};

use crate::support::{Connection, Probe};

const TABLE: &str = "PRAGMA journal_mode = WAL; \
    CREATE TABLE probe (id INTEGER PRIMARY KEY, text TEXT UNIQUE)";

#[tokio::test(flavor = "multi_thread")]
async fn statements_give_columns_and_rows() {
    let probe = Probe::with(|builder| builder.sqlite(TABLE)).await;
    assert_eq!(
        probe
            .sql("INSERT INTO probe (text) VALUES ('a'), (NULL)")
            .await
            .0,
        200
    );
    let (status, text) = probe.sql("SELECT id, text, 1.5 AS real FROM probe").await;
    assert_eq!(
        (status, text.as_str()),
        (200, "id,text,real\n1,a,1.5\n2,null,1.5")
    );
    assert!(probe.state.path().join("sqlite_db.db").is_file());
}

#[tokio::test(flavor = "multi_thread")]
async fn only_the_first_statement_runs() {
    let probe = Probe::with(|builder| builder.sqlite(TABLE)).await;
    assert_eq!(probe.sql("SELECT 1 AS a; DROP TABLE probe").await.1, "a\n1");
    assert_eq!(probe.sql("SELECT 1 AS a;").await.1, "a\n1");
    assert_eq!(probe.sql("SELECT 1 AS a; not SQL at all").await.1, "a\n1");
    assert_eq!(
        probe.sql("SELECT count(*) AS n FROM probe").await,
        (200, "n\n0".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_statement_that_fails_late_says_so_in_its_result() {
    let probe = Probe::with(|builder| builder.sqlite(TABLE)).await;
    assert_eq!(
        probe.sql("INSERT INTO probe (text) VALUES ('a')").await.0,
        200
    );
    let (_, text) = probe.sql("INSERT INTO probe (text) VALUES ('a')").await;
    assert!(
        text.starts_with("result: ") && text.contains("UNIQUE"),
        "{text}"
    );
    let (_, text) = probe.sql("SELEC 1").await;
    assert!(
        text.starts_with("execute: ") && text.contains("syntax error"),
        "{text}"
    );
    let (_, text) = probe.sql("INSERT INTO probe (text) VALUES (?)").await;
    assert!(text.contains("Wrong number of parameters"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn attach_is_denied() {
    let probe = Probe::start().await;
    let (status, text) = probe.sql("ATTACH 'other.db' AS other").await;
    assert_eq!((status, text.contains("attached")), (500, true), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn writers_take_turns_and_none_is_refused() {
    let probe = Probe::with(|builder| builder.sqlite(TABLE.replace(" UNIQUE", ""))).await;
    let requests = (0..40).map(|_| probe.get("/probe/sql/transaction?statements=3&hold_ms=5"));
    for (status, text) in futures::future::join_all(requests).await {
        assert_eq!((status, text.as_str()), (200, "committed"));
    }
    assert_eq!(
        probe.sql("SELECT count(*) AS n FROM probe").await.1,
        "n\n120"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_statement_that_waits_for_a_lock_stalls_no_other_request() {
    let probe = Probe::with(|builder| builder.sqlite(TABLE)).await;
    let file = probe.state.path().join("sqlite_db.db");
    let other = rusqlite::Connection::open(file).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let waiting = probe.sql("INSERT INTO probe (text) VALUES ('late')");
    let others = async {
        tokio::time::sleep(Duration::from_millis(50)).await;
        let mut connection = Connection::open(&probe.server).await;
        let started = Instant::now();
        for _ in 0..20 {
            assert_eq!(
                connection
                    .get("/probe/sql?db=default&sql=SELECT+1")
                    .await
                    .status,
                200
            );
        }
        let took = started.elapsed();
        other.execute_batch("COMMIT").unwrap();
        took
    };
    let (waited, took) = tokio::join!(waiting, others);
    assert_eq!(waited.0, 200, "{}", waited.1);
    assert!(took < Duration::from_secs(2), "20 reads took {took:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lock_that_is_never_released_ends_in_busy_after_five_seconds() {
    let probe = Probe::with(|builder| builder.sqlite(TABLE)).await;
    let other = rusqlite::Connection::open(probe.state.path().join("sqlite_db.db")).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let started = Instant::now();
    let (_, text) = probe.sql("INSERT INTO probe (text) VALUES ('never')").await;
    assert!(
        text.starts_with("result: ") && text.contains("locked"),
        "{text}"
    );
    let waited = started.elapsed();
    assert!(
        (4.9..8.0).contains(&waited.as_secs_f64()),
        "waited {waited:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_inside_a_transaction_rolls_it_back() {
    let probe = Probe::with(|builder| builder.sqlite(TABLE)).await;
    let mut connection = Connection::open(&probe.server).await;
    let kept = "/probe/sql/kept?db=default&sql=";
    assert_eq!(
        connection
            .get(&format!("{kept}BEGIN+IMMEDIATE"))
            .await
            .status,
        200
    );
    let insert = "INSERT+INTO+probe(text)VALUES(1)";
    assert_eq!(connection.get(&format!("{kept}{insert}")).await.status, 200);
    assert_eq!(connection.get("/probe/panic").await.status, 500);
    assert_eq!(
        probe
            .sql("INSERT INTO probe (text) VALUES ('after')")
            .await
            .0,
        200
    );
    assert_eq!(probe.sql("SELECT count(*) AS n FROM probe").await.1, "n\n1");
}
