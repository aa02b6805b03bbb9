//! What statements read.

use std::cell::RefCell;

use futures::executor::block_on;
use sklad_jobs::inbox::{Handled, Message, receive, take};
use sklad_jobs::job::{self, Progress, Wish, ask, plan};
use sklad_jobs::schedule::Schedule;
use sklad_jobs::tick::Tick;
use sklad_jobs::{dead, outbox, sweep};
use sklad_store::native::{NativeSql, compiled_anew};
use sklad_store::{Row, Sql, SqlError, Statement};

use crate::world::{Does, START, Vendor, VirtualClock, all_done, done, failed};

/// The database, with every statement that it is given.
struct Recorder {
    sql: NativeSql,
    seen: RefCell<Vec<Statement>>,
}

impl Sql for Recorder {
    async fn query(&self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        self.seen.borrow_mut().push(statement.clone());
        self.sql.query(statement).await
    }

    async fn atomic(&self, batch: Vec<Statement>) -> Result<Vec<Vec<Row>>, SqlError> {
        self.seen.borrow_mut().extend(batch.iter().cloned());
        self.sql.atomic(batch).await
    }
}

fn message(n: i64) -> Message {
    Message {
        dedupe: n.to_string(),
        object: n.to_string(),
        payload: "{}".into(),
    }
}

async fn use_everything(sql: &Recorder, now: i64) {
    let batch = vec![
        plan(
            "a",
            "import",
            "",
            Some(Schedule::Minutes { every_minutes: 5 }),
            now,
        ),
        ask("a", "import", "", now),
        ask("a", "sweep", "", now),
        receive("a", "moysklad", &[message(now), message(now + 1)], now),
        told().statement("a", now),
    ];
    sql.atomic(batch).await.unwrap();
    job::come_back(sql, now - 1_000_000).await.unwrap();
    let claim = job::take(sql, format!("1{now}"), now)
        .await
        .unwrap()
        .unwrap();
    job::renew(sql, &[&claim], now).await.unwrap();
    sql.atomic(vec![claim.save("{}", Progress::default(), now)])
        .await
        .unwrap();
    sql.atomic(claim.give_back(&failed(false), now, 0))
        .await
        .unwrap();
    let taken = take(sql, "a", format!("2{now}"), now)
        .await
        .unwrap()
        .unwrap();
    let handled = [Handled::Done, Handled::Never(String::new())];
    sql.atomic(taken.settle(&handled, now, 0)).await.unwrap();
    for wish in [Wish::Run, Wish::Pause, Wish::Resume, Wish::Cancel] {
        let told = Statement::new("SELECT 1");
        let _ = job::grant(sql, "a", "import", wish, told, now).await;
    }
    job::list(sql, "a", now).await.unwrap();
    dead::list(sql, "a", None, 10).await.unwrap();
    for id in [
        "job:import",
        &format!("inbox:moysklad:{}", now + 1),
        "outbox:x",
    ] {
        let _ = sql.atomic(vec![dead::replay("a", id, now).unwrap()]).await;
    }
    sweep::sweep(sql, "a", now).await.unwrap();
}

fn tick(sql: &Recorder, now: i64) {
    let clock = VirtualClock::at(now);
    let tick = Tick {
        sql,
        http: &Vendor::default(),
        clock: &clock,
        runner: &Does {
            job: async |_: &_, _| done(),
            inbox: all_done,
        },
    };
    let counts = clock.drive(tick.run(1_000, true)).unwrap();
    assert!(
        counts.steps > 0 && counts.delivered > 0 && counts.received > 0,
        "{counts:?}"
    );
}

fn told() -> outbox::Message {
    outbox::Message {
        channel: "code",
        url: "https://x.ru".into(),
        payload: "{}".into(),
        expires_at: START * 2,
    }
}

fn recorder(dir: &tempfile::TempDir) -> Recorder {
    Recorder {
        sql: NativeSql::open(&dir.path().join("db")).unwrap(),
        seen: RefCell::default(),
    }
}

#[test]
fn no_statement_reads_all_rows() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = recorder(&dir);
    block_on(use_everything(&recorder, START));
    tick(&recorder, START);
    let seen = recorder.seen.take();
    assert!(seen.len() > 30);
    for statement in seen {
        let explain = format!("EXPLAIN QUERY PLAN {}", statement.sql());
        let values = statement.params().iter().cloned();
        let explain = values.fold(Statement::new(explain), Statement::bind);
        let rows = block_on(recorder.sql.query(explain)).unwrap();
        let lines: Vec<String> = rows.iter().map(|row| row.string(3)).collect();
        for line in &lines {
            let table = [
                "jobs", "j", "r", "inbox", "w", "o", "i", "outbox", "journal",
            ]
            .into_iter()
            .find(|t| line.starts_with(&format!("SCAN {t} ")) || *line == format!("SCAN {t}"));
            // The steps of the recursion, and the rows that a limit has bounded, are no tables.
            let bounded = matches!(table, Some("i" | "o" | "w")) && !line.contains("USING");
            assert!(table.is_none() || bounded, "{line}: {}", statement.sql());
            // All of a tenant's jobs are a handful; of nothing else a tenant's rows are all read.
            let all =
                line.ends_with("(tenant=?)") && !line.contains(" jobs ") && !line.contains(" r ");
            let over = line.contains("inbox_over") || line.contains("outbox_dead");
            assert!(!all || over, "{line}: {}", statement.sql());
        }
    }
}

#[test]
fn no_statement_of_a_tick_is_compiled_for_each_call() {
    let dir = tempfile::tempdir().unwrap();
    let recorder = recorder(&dir);
    for n in 0..4 {
        let now = START + n * 1_000_000;
        let batch = vec![
            ask("a", "import", "", now),
            ask("b", "import", "", now),
            receive("a", "moysklad", &[message(now), message(now + 1)], now),
            told().statement("b", now),
        ];
        block_on(recorder.sql.atomic(batch)).unwrap();
        tick(&recorder, now);
        if n == 0 {
            let _ = compiled_anew();
        }
    }
    assert_eq!(compiled_anew(), Vec::<String>::new());
}
