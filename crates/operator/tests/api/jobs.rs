//! Jobs, and what stands still after failures.

use futures::executor::block_on;
use serde_json::json;
use sklad_insales::orders::{self, rows};
use sklad_jobs::inbox::{Handled, Message, receive, take};
use sklad_jobs::job::{self, Claim, Progress, Step, plan};
use sklad_jobs::schedule::Schedule;
use sklad_store::Sql;

use crate::{World, shops};

const HOURLY: Schedule = Schedule::Minutes { every_minutes: 60 };

fn planned() -> World {
    let w = shops();
    // The deployment's own job is no part of these tests.
    w.app.sql.batch("DELETE FROM jobs").unwrap();
    let now = w.now.get();
    let import = plan("demo", "import", "склад 1", Some(HOURLY), now);
    let sweep = plan("demo", "sweep", "", None, now);
    block_on(w.app.sql.atomic(vec![import, sweep])).unwrap();
    w
}

fn take_job(w: &World) -> Option<Claim> {
    block_on(job::take(&w.app.sql, w.now.get().to_string(), w.now.get())).unwrap()
}

fn job(rest: &str) -> String {
    format!("/demo/jobs/import:%D1%81%D0%BA%D0%BB%D0%B0%D0%B4%201{rest}")
}

#[test]
fn a_run_of_orders_by_hand_reads_what_the_shop_says_of_them() {
    let w = shops();
    let now = w.now.get();
    let mark = |connection: &str| orders::begin("demo", connection, now);
    let job = |connection: &str| plan("demo", "insales-orders", connection, None, now);
    let batch = ["c1", "c2"].map(|c| [mark(c), job(c)]).concat();
    block_on(w.app.sql.atomic(batch)).unwrap();
    let hinted = |connection: &str| {
        let mark = rows::mark(&w.app.sql, ("demo", connection));
        block_on(mark).unwrap().unwrap().hinted_at
    };
    let wish = |wish: &str| {
        let path = format!("/demo/jobs/insales-orders:c1/{wish}");
        w.post(&path, &json!(null)).status
    };
    assert_eq!((wish("pause"), hinted("c1")), (200, 0));
    assert_eq!((wish("run"), hinted("c1")), (409, 0));
    assert_eq!((wish("resume"), hinted("c1")), (200, 0));
    assert_eq!((wish("run"), hinted("c1")), (200, w.now.get()));
    assert_eq!(hinted("c2"), 0);
}

#[test]
fn jobs_are_listed_and_shown_with_what_they_do() {
    let w = planned();
    let all = w.get("/demo/jobs").body;
    assert_eq!(all[0]["id"], "import:склад 1");
    assert_eq!(all[0]["schedule"], json!({ "every_minutes": 60 }));
    assert_eq!(
        (&all[1]["id"], &all[1]["state"]),
        (&json!("sweep"), &json!("idle"))
    );
    assert_eq!(w.post(&job("/run"), &json!(null)).status, 200);
    let claim = take_job(&w).unwrap();
    let progress = Progress {
        done: 300,
        total: Some(50_000),
    };
    block_on(
        w.app
            .sql
            .atomic(vec![claim.save("{}", progress, w.now.get())]),
    )
    .unwrap();
    let one = w.get(&job("")).body;
    assert_eq!(
        (&one["state"], &one["next_at"]),
        (&json!("running"), &json!(null))
    );
    assert_eq!((&one["done"], &one["total"]), (&json!(300), &json!(50_000)));
    assert!(one["run_at"].is_i64());
    assert_eq!(w.get("/other/jobs").body, json!([]));
    assert_eq!(w.get("/nobody/jobs").status, 404);
    assert_eq!(w.get("/demo/jobs/import").status, 404);
}

#[test]
fn a_job_does_what_the_operator_wants_and_the_journal_tells() {
    let w = planned();
    assert_eq!(
        w.post(&job("/cancel"), &json!(null)).refusal(),
        (409, "conflict", "")
    );
    assert_eq!(w.post(&job("/run"), &json!(null)).body["state"], "waiting");
    take_job(&w).unwrap();
    assert_eq!(
        w.post(&job("/cancel"), &json!(null)).body["last_result"],
        "cancelled"
    );
    assert_eq!(w.post(&job("/pause"), &json!(null)).body["state"], "paused");
    let refused = w.post(&job("/run"), &json!(null));
    assert_eq!(refused.refusal(), (409, "conflict", ""));
    assert!(refused.message().contains("возобновите"));
    assert_eq!(
        w.post(&job("/resume"), &json!(null)).body["state"],
        "waiting"
    );
    assert_eq!(w.post("/demo/jobs/nothing/run", &json!(null)).status, 404);
    assert_eq!(w.post("/other/jobs/sweep/run", &json!(null)).status, 404);
    let told = w.all_pages("/demo/journal?action=job", 10);
    let texts: Vec<_> = told
        .iter()
        .map(|row| row["text"].as_str().unwrap())
        .collect();
    assert_eq!(
        texts,
        [
            "Задание «import:склад 1» возобновлено",
            "Задание «import:склад 1» приостановлено",
            "Задание «import:склад 1» отменено",
            "Задание «import:склад 1» запущено",
        ]
    );
}

#[test]
fn what_stands_still_is_listed_and_tried_again() {
    let w = planned();
    w.post("/demo/jobs/sweep/run", &json!(null));
    let claim = take_job(&w).unwrap();
    let step = Step::Failed {
        text: "нет прав".into(),
        again: false,
    };
    let mut batch = claim.give_back(&step, w.now.get(), 0);
    let message = Message {
        dedupe: "1/2".into(),
        object: "product/1".into(),
        payload: "{}".into(),
    };
    batch.push(receive("demo", "moysklad", &[message], w.now.get()));
    block_on(w.app.sql.atomic(batch)).unwrap();
    let taken = block_on(take(&w.app.sql, "demo", "1".into(), w.now.get()))
        .unwrap()
        .unwrap();
    let settled = taken.settle(&[Handled::Never("удалён".into())], w.now.get(), 0);
    block_on(w.app.sql.atomic(settled)).unwrap();
    let all = w.all_pages("/demo/dead-letters", 1);
    let ids: Vec<_> = all.iter().map(|d| d["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["job:sweep", "inbox:moysklad:1/2"]);
    assert_eq!(
        (&all[0]["error"], &all[1]["object"]),
        (&json!("нет прав"), &json!("product/1"))
    );
    for path in ["job:sweep", "inbox:moysklad:1%2F2"] {
        let path = format!("/dead-letters/{path}/replay");
        assert_eq!(w.post(&format!("/other{path}"), &json!(null)).status, 404);
        assert_eq!(w.post(&format!("/demo{path}"), &json!(null)).status, 204);
        assert_eq!(w.post(&format!("/demo{path}"), &json!(null)).status, 404);
    }
    assert!(w.all_pages("/demo/dead-letters", 10).is_empty());
    assert_eq!(take_job(&w).unwrap().kind, "sweep");
    assert_eq!(
        w.post("/demo/dead-letters/goods:1/replay", &json!(null))
            .status,
        404
    );
}
