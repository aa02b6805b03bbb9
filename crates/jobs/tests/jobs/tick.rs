//! Whole ticks.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use futures::executor::block_on;
use sklad_jobs::inbox::{Handled, Message, receive};
use sklad_jobs::job::{LEASE_MS, Progress, Wish, ask, grant, plan};
use sklad_jobs::outbox;
use sklad_jobs::schedule::Schedule;
use sklad_jobs::tick::{JOBS_AT_ONCE, SLICE_MS, STEP_MAX_MS};
use sklad_store::{Clock, Sql, Statement};

use crate::world::{START, all_done, done, failed, more, world};

#[test]
fn a_long_job_of_one_tenant_does_not_keep_the_others_waiting() {
    let w = world();
    for n in 0..20 {
        w.write(ask("long", &format!("import{n}"), "", START - 1));
    }
    for n in 0..30 {
        w.write(ask(&format!("t{n}"), "sweep", "", START));
    }
    let ended = RefCell::new(BTreeMap::new());
    w.tick(60_000, async |claim, until| {
        if claim.tenant == "long" {
            while w.clock.now_ms() < until {
                w.clock.sleep(100).await;
            }
            return more("{}");
        }
        w.clock.sleep(300).await;
        ended
            .borrow_mut()
            .insert(claim.tenant.clone(), w.clock.now_ms() - START);
        done()
    });
    let ended = ended.take();
    assert_eq!(ended.len(), 30);
    assert!(ended.values().all(|ms| *ms < SLICE_MS), "{ended:?}");
}

#[test]
fn long_jobs_of_many_tenants_take_turns() {
    let w = world();
    let many = 3 * JOBS_AT_ONCE;
    for n in 0..many {
        w.write(ask(&format!("t{n}"), "import", "", START));
    }
    let steps = RefCell::new(BTreeMap::<String, u32>::new());
    let at_once = Cell::new(0_usize);
    let most = Cell::new(0);
    w.tick(120_000, async |claim, until| {
        *steps.borrow_mut().entry(claim.tenant.clone()).or_default() += 1;
        at_once.set(at_once.get() + 1);
        most.set(most.get().max(at_once.get()));
        while w.clock.now_ms() < until {
            w.clock.sleep(500).await;
        }
        at_once.set(at_once.get() - 1);
        more("{}")
    });
    let steps = steps.take();
    assert_eq!(steps.len(), many);
    let (least, most_steps) = (steps.values().min().unwrap(), steps.values().max().unwrap());
    assert!(*least >= 5 && most_steps - least <= 2, "{steps:?}");
    assert_eq!(most.get(), JOBS_AT_ONCE);
}

#[test]
fn a_tick_watches_until_its_budget_is_over_unless_it_is_to_look_once() {
    let w = world();
    let ran_at = Cell::new(0);
    w.write(ask("a", "import", "", START + 5_300));
    let job = async |_: &_, _| {
        ran_at.set(w.clock.now_ms());
        done()
    };
    let counts = w.tick_with(10_000, true, job, all_done);
    assert_eq!((counts.steps, w.clock.now_ms()), (0, START));
    let counts = w.tick_with(10_000, false, job, all_done);
    assert_eq!((counts.finished, w.clock.now_ms()), (1, START + 10_000));
    assert!(
        (5_300..6_400).contains(&(ran_at.get() - START)),
        "{}",
        ran_at.get() - START
    );
}

#[test]
fn a_step_that_lasts_keeps_its_lease() {
    let w = world();
    w.write(ask("a", "import", "", START));
    let counts = w.tick(10_000, async |_, _| {
        for _ in 0..40 {
            w.clock.sleep(1_000).await;
            let rival =
                sklad_jobs::job::take(&w.sql, w.clock.now_ms().to_string(), w.clock.now_ms());
            assert_eq!(rival.await.unwrap(), None);
        }
        done()
    });
    assert_eq!((counts.finished, counts.lost), (1, 0));
    assert!(w.clock.now_ms() - START > 2 * LEASE_MS);
}

#[test]
fn a_step_that_never_ends_is_left_and_its_job_comes_again() {
    let w = world();
    w.write(ask("a", "import", "", START));
    w.tick(10_000, async |_, _| std::future::pending().await);
    let late = w.clock.now_ms() - START;
    assert!((STEP_MAX_MS..STEP_MAX_MS + 3_000).contains(&late), "{late}");
    w.later(LEASE_MS);
    let counts = w.tick(10_000, async |_, _| done());
    assert_eq!(counts.finished, 1);
}

#[test]
fn a_job_that_kills_its_host_every_time_stands_still_in_the_end() {
    let w = world();
    w.write(ask("a", "import", "", START));
    let mut begun = 0;
    while w.rows("SELECT 1 FROM jobs WHERE state = 'dead'").is_empty() {
        w.later(LEASE_MS);
        if w.take(&w.clock.now_ms().to_string())
            .is_some_and(|claim| !claim.is_worn_out())
        {
            begun += 1;
        } else {
            w.later(LEASE_MS);
            w.tick(1_000, async |_, _| panic!("it is not begun once more"));
        }
    }
    assert!(begun > 5);
}

#[test]
fn a_run_that_is_cancelled_is_counted_as_lost() {
    let w = world();
    w.write(ask("a", "import", "", START));
    let counts = w.tick(60_000, async |claim, _| {
        let told = Statement::new("SELECT 1");
        grant(&w.sql, "a", "import", Wish::Cancel, told, w.clock.now_ms())
            .await
            .unwrap();
        let save = claim.save("{}", Progress::default(), w.clock.now_ms());
        assert!(w.sql.atomic(vec![save]).await.is_err());
        more("{}")
    });
    assert_eq!((counts.steps, counts.lost, counts.errors), (1, 1, 0));
    assert_eq!(w.job("import").state, "idle");
}

#[test]
fn failures_are_counted_and_the_others_go_on() {
    let w = world();
    w.write(ask("a", "import", "", START));
    w.write(ask("b", "import", "", START));
    let counts = w.tick(1_000, async |claim, _| {
        if claim.tenant == "a" {
            failed(true)
        } else {
            done()
        }
    });
    assert_eq!((counts.steps, counts.failed, counts.finished), (2, 1, 1));
}

#[test]
fn inboxes_and_outboxes_of_all_tenants_are_emptied_in_turn() {
    let w = world();
    for n in 0..60 {
        let tenant = format!("t{n}");
        let came: Vec<_> = (0..5)
            .map(|m| Message {
                dedupe: m.to_string(),
                object: m.to_string(),
                payload: "{}".into(),
            })
            .collect();
        w.write(receive(&tenant, "moysklad", &came, START));
        let message = outbox::Message {
            channel: "code",
            url: "https://x.ru".into(),
            payload: "{}".into(),
            expires_at: START * 2,
        };
        w.write(message.statement(&tenant, START));
    }
    // The deployment's own.
    w.write(receive(
        "",
        "moysklad",
        &[Message {
            dedupe: "1".into(),
            object: "1".into(),
            payload: "{}".into(),
        }],
        START,
    ));
    let turns = RefCell::new(Vec::new());
    let counts = w.tick_with(
        60_000,
        true,
        async |_, _| done(),
        async |taken, _| {
            turns.borrow_mut().push(taken.tenant.clone());
            w.clock.sleep(200).await;
            vec![Handled::Done; taken.groups.len()]
        },
    );
    assert_eq!(
        (counts.received, counts.delivered, counts.errors),
        (301, 60, 0)
    );
    assert_eq!(turns.borrow().len(), 61);
}

#[test]
fn flooded_inboxes_of_some_tenants_do_not_keep_the_others_waiting() {
    let w = world();
    for n in 0..6 {
        let came: Vec<_> = (0..2_000)
            .map(|m| Message {
                dedupe: format!("{n}/{m}"),
                object: format!("{n}/{m}"),
                payload: "{}".into(),
            })
            .collect();
        w.write(receive(&format!("flood{n}"), "moysklad", &came, START - 1));
    }
    for n in 0..40 {
        let one = Message {
            dedupe: "1".into(),
            object: "1".into(),
            payload: "{}".into(),
        };
        w.write(receive(&format!("t{n:02}"), "moysklad", &[one], START));
    }
    let ended = RefCell::new(BTreeMap::new());
    w.tick_with(
        60_000,
        true,
        async |_, _| done(),
        async |taken, _| {
            w.clock.sleep(500).await;
            ended
                .borrow_mut()
                .insert(taken.tenant.clone(), w.clock.now_ms() - START);
            vec![Handled::Done; taken.groups.len()]
        },
    );
    let ended = ended.take();
    let latest = ended
        .iter()
        .filter(|(t, _)| t.starts_with('t'))
        .map(|(_, ms)| *ms)
        .max()
        .unwrap();
    assert_eq!(ended.len(), 46);
    assert!(latest <= 8_000, "{latest}");
}

/// A week of hourly and daily jobs under two schedulers, one of which is late or missing, and a clock that
/// is set back and ahead on the way.
#[test]
fn every_moment_has_its_run_once() {
    let w = world();
    let hour = 3_600_000;
    let hourly = Schedule::Minutes { every_minutes: 60 };
    let daily = Schedule::Days {
        every_days: 1,
        hour: 3,
        zone_minutes: 180,
    };
    for tenant in ["a", "b", "c"] {
        w.write(plan(tenant, "hourly", "", Some(hourly), START));
        w.write(plan(tenant, "daily", "", Some(daily), START));
    }
    let runs = RefCell::new(BTreeMap::<(String, String), u32>::new());
    for n in 0..7 * 24 * 2 {
        let jump = match n {
            100 => -hour / 2,
            200 => hour / 4,
            _ => 0,
        };
        w.later(hour / 2 + jump);
        for _ in 0..2 {
            w.tick(1_000, async |claim, _| {
                *runs
                    .borrow_mut()
                    .entry((claim.tenant.clone(), claim.kind.clone()))
                    .or_default() += 1;
                done()
            });
        }
    }
    assert_eq!(runs.borrow().len(), 6);
    for ((tenant, kind), count) in runs.take() {
        let wanted = if kind == "hourly" { 7 * 24 } else { 7 };
        assert!(
            count == wanted || count + 1 == wanted,
            "{tenant} {kind}: {count}"
        );
    }
}

#[test]
fn two_ticks_at_once_give_each_job_one_effect() {
    let w = world();
    w.sql
        .batch("CREATE TABLE effects (tenant TEXT NOT NULL, n INTEGER NOT NULL)")
        .unwrap();
    for n in 0..40 {
        w.write(ask(&format!("t{n}"), "import", "", START));
    }
    std::thread::scope(|scope| {
        for _ in 0..2 {
            let path = w.dir.path().join("db");
            scope.spawn(move || crate::killed::work(&path, START, 0));
        }
    });
    let all = w.rows("SELECT tenant, count(*), max(n) FROM effects GROUP BY tenant");
    assert_eq!(all.len(), 40);
    assert!(
        all.iter()
            .all(|row| (row.int(1), row.int(2)) == (Some(10), Some(10))),
        "{all:?}"
    );
    assert!(block_on(sklad_jobs::job::list(&w.sql, "t0", START)).unwrap()[0].state == "idle");
}
