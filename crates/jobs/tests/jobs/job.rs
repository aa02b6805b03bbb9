//! Jobs: leases, schedules, failures, wishes.

use std::collections::BTreeSet;
use std::sync::Mutex;

use futures::executor::block_on;
use sklad_jobs::job::{
    ATTEMPTS_MAX, LEASE_MS, Progress, Step, Wish, ask, ask_at, come_back, grant, plan, take,
};
use sklad_jobs::schedule::Schedule;
use sklad_store::native::NativeSql;
use sklad_store::{Sql, SqlError, Statement};

use crate::world::{START, World, done, failed, more, world};

const HOURLY: Schedule = Schedule::Minutes { every_minutes: 60 };
const HOUR: i64 = 60 * 60 * 1000;

fn wish(w: &World, wish: Wish) -> Result<(), SqlError> {
    let told = Statement::new("SELECT 1");
    let line = grant(&w.sql, "a", "import", wish, told, w.clock.now.get());
    block_on(line).map(|line| assert!(line.is_some()))
}

#[test]
fn of_many_who_look_at_once_one_takes_a_job() {
    let w = world();
    for n in 0..200 {
        w.write(ask(&format!("t{n}"), "import", "", START));
    }
    let taken = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (path, taken) = (w.dir.path().join("db"), &taken);
            scope.spawn(move || {
                let sql = NativeSql::open(&path).unwrap();
                for n in 0.. {
                    let claim = block_on(take(&sql, format!("{thread}/{n}"), START)).unwrap();
                    let Some(claim) = claim else { break };
                    taken.lock().unwrap().push(claim.tenant);
                }
            });
        }
    });
    let taken = taken.into_inner().unwrap();
    assert_eq!(taken.len(), 200);
    assert_eq!(taken.into_iter().collect::<BTreeSet<_>>().len(), 200);
}

#[test]
fn a_job_whose_taker_died_is_taken_when_his_lease_has_ended_and_goes_on() {
    let w = world();
    w.write(ask("a", "import", "", START));
    let dead = w.take("dead").unwrap();
    w.write(dead.save(
        r#"{"page":7}"#,
        Progress {
            done: 7,
            total: Some(9),
        },
        START,
    ));
    w.later(LEASE_MS - 1);
    assert_eq!(w.take("early"), None);
    assert_eq!(w.job("import").state, "running");
    w.later(1);
    let heir = w.take("heir").unwrap();
    assert_eq!(heir.cursor.as_deref(), Some(r#"{"page":7}"#));
    assert_eq!((heir.progress.done, heir.run_at), (7, START));
}

#[test]
fn what_a_stale_taker_writes_leaves_nothing_behind() {
    let w = world();
    w.write(ask("a", "import", "", START));
    let stale = w.take("stale").unwrap();
    w.later(LEASE_MS);
    let heir = w.take("heir").unwrap();
    let goods = || Statement::new("INSERT INTO tenants (tenant, created_at) VALUES ('good', 1)");
    let save = stale.save("{}", Progress::default(), w.clock.now.get());
    assert_eq!(
        block_on(w.sql.atomic(vec![goods(), save])),
        Err(SqlError::Conflict)
    );
    let back = stale.give_back(&done(), w.clock.now.get(), 0);
    assert_eq!(block_on(w.sql.atomic(back)), Err(SqlError::Conflict));
    assert!(w.rows("SELECT 1 FROM tenants").is_empty());
    let save = heir.save("{}", Progress::default(), w.clock.now.get());
    block_on(w.sql.atomic(vec![goods(), save])).unwrap();
    assert_eq!(w.rows("SELECT 1 FROM tenants").len(), 1);
}

#[test]
fn a_tenant_has_one_job_of_a_kind_and_two_in_all_at_work() {
    let w = world();
    // Those of one kind have been due for longest.
    for (n, (kind, subject)) in [("import", "x"), ("import", "y"), ("sweep", ""), ("zip", "")]
        .into_iter()
        .enumerate()
    {
        let due = START - 10 + i64::try_from(n).unwrap();
        w.write(ask("a", kind, subject, due));
    }
    let kinds: Vec<_> = ["1", "2", "3"]
        .iter()
        .filter_map(|owner| w.take(owner))
        .map(|claim| claim.kind)
        .collect();
    assert_eq!(kinds, ["import", "sweep"]);
    w.write(ask("b", "import", "", START));
    assert_eq!(w.take("4").unwrap().tenant, "b");
}

#[test]
fn a_run_that_gets_on_between_deaths_of_its_host_goes_on() {
    let w = world();
    w.write(ask("a", "import", "", START));
    for n in 0..3 * ATTEMPTS_MAX {
        let claim = w.take(&n.to_string()).unwrap();
        assert!(!claim.is_worn_out());
        w.write(claim.save("{}", Progress::default(), w.clock.now.get()));
        w.later(LEASE_MS);
    }
}

#[test]
fn a_scheduled_job_runs_at_each_moment_once_whatever_the_clock_does() {
    let w = world();
    w.write(plan("a", "import", "", Some(HOURLY), START));
    let first = w.job("import").next_at.unwrap();
    assert!(first > START && first <= START + HOUR);
    let mut moments = Vec::new();
    // On time, late, the clock half an hour back, five hours ahead, back again.
    for now in [
        first,
        first + HOUR + 7,
        first + HOUR / 2,
        first + 6 * HOUR,
        first + 5 * HOUR + 1,
    ] {
        w.clock.now.set(now);
        while let Some(claim) = w.take(&format!("{}", moments.len())) {
            w.give_back(&claim, &done());
            moments.push(w.job("import").next_at.unwrap());
        }
    }
    assert_eq!(moments, [first + HOUR, first + 2 * HOUR, first + 7 * HOUR]);
}

#[test]
fn a_run_that_was_asked_for_does_not_replace_the_next_moment() {
    let w = world();
    w.write(plan("a", "import", "", Some(HOURLY), START));
    let planned = w.job("import").next_at.unwrap();
    wish(&w, Wish::Run).unwrap();
    let claim = w.take("1").unwrap();
    w.give_back(&claim, &done());
    assert_eq!(w.job("import").next_at, Some(planned));
}

#[test]
fn whoever_asks_during_a_run_gets_another() {
    let w = world();
    w.write(ask("a", "import", "", START));
    let claim = w.take("1").unwrap();
    w.write(ask("a", "import", "", START));
    w.give_back(&claim, &done());
    let claim = w.take("2").unwrap();
    w.give_back(&claim, &done());
    assert_eq!(w.take("3"), None);
    assert_eq!(w.job("import").state, "idle");
}

#[test]
fn a_job_that_fails_is_tried_ever_later_and_then_stands_still() {
    let w = world();
    w.write(ask("a", "import", "", START));
    let mut waits = Vec::new();
    for n in 1..=ATTEMPTS_MAX {
        let claim = w.take(&n.to_string()).unwrap();
        w.give_back(&claim, &failed(true));
        let line = w.job("import");
        assert_eq!(
            (line.attempts, line.last_result.as_deref()),
            (n, Some("error"))
        );
        if let Some(next) = line.next_at {
            waits.push(next - w.clock.now.get());
            w.clock.now.set(next);
        }
    }
    assert_eq!(waits.len(), 11);
    assert!(waits.windows(2).all(|pair| pair[1] >= pair[0]), "{waits:?}");
    assert_eq!(*waits.last().unwrap(), HOUR);
    assert_eq!(w.job("import").state, "dead");
    w.later(1000 * HOUR);
    assert_eq!(w.take("x"), None);
    let told = w.rows("SELECT text FROM journal WHERE action = 'job' AND outcome = 'error'");
    assert_eq!(told.len(), 1);
    assert!(told[0].string(0).contains("МойСклад не отвечает"));
}

#[test]
fn a_job_with_a_schedule_goes_on_trying_and_is_told_of_once() {
    let w = world();
    w.write(plan("a", "import", "", Some(HOURLY), START));
    w.write(ask("a", "import", "", START));
    for n in 1..=2 * ATTEMPTS_MAX {
        let claim = w.take(&n.to_string()).unwrap();
        w.give_back(&claim, &failed(true));
        let next = w.job("import").next_at.unwrap();
        assert!(next - w.clock.now.get() <= HOUR);
        w.clock.now.set(next);
        assert!(!claim.is_worn_out());
    }
    let told = w.rows("SELECT text FROM journal WHERE action = 'job' AND outcome = 'error'");
    assert_eq!(told.len(), 1);
    assert!(
        told[0]
            .string(0)
            .contains("не удаётся, попытки продолжаются: МойСклад не отвечает")
    );
    let claim = w.take("mended").unwrap();
    w.give_back(&claim, &done());
    assert_eq!(w.job("import").state, "waiting");
}

#[test]
fn a_job_that_gets_on_between_failures_never_stands_still() {
    let w = world();
    w.write(ask("a", "import", "", START));
    for n in 0..30 {
        let claim = w.take(&n.to_string()).unwrap();
        w.write(claim.save("{}", Progress::default(), w.clock.now.get()));
        w.give_back(&claim, &failed(true));
        assert_eq!(w.job("import").attempts, 1);
        w.later(HOUR);
    }
}

#[test]
fn what_only_a_person_can_mend_stands_still_at_once() {
    let w = world();
    w.write(ask("a", "import", "", START));
    let claim = w.take("1").unwrap();
    w.give_back(&claim, &failed(false));
    assert_eq!(w.job("import").state, "dead");
    wish(&w, Wish::Run).unwrap();
    assert!(w.take("2").is_some());
}

#[test]
fn a_cancelled_run_ends_with_its_next_save_and_the_next_begins_anew() {
    let w = world();
    w.write(plan("a", "import", "", Some(HOURLY), START));
    w.write(ask("a", "import", "", START));
    let claim = w.take("1").unwrap();
    w.write(claim.save("[1]", Progress::default(), START));
    wish(&w, Wish::Cancel).unwrap();
    let save = claim.save("[2]", Progress::default(), START);
    assert_eq!(block_on(w.sql.atomic(vec![save])), Err(SqlError::Conflict));
    let line = w.job("import");
    assert_eq!(
        (line.state.as_str(), line.last_result.as_deref()),
        ("waiting", Some("cancelled"))
    );
    assert_eq!(
        wish(&w, Wish::Cancel),
        Err(SqlError::Conflict),
        "there is no run"
    );
    w.clock.now.set(line.next_at.unwrap());
    assert_eq!(w.take("2").unwrap().cursor, None);
}

#[test]
fn a_paused_run_rests_and_goes_on_where_it_was() {
    let w = world();
    w.write(ask("a", "import", "", START));
    let claim = w.take("1").unwrap();
    w.write(claim.save("[1]", Progress::default(), START));
    wish(&w, Wish::Pause).unwrap();
    let back = claim.give_back(&more("[2]"), START, 0);
    assert_eq!(block_on(w.sql.atomic(back)), Err(SqlError::Conflict));
    w.later(HOUR);
    assert_eq!(w.take("2"), None);
    for refused in [Wish::Run, Wish::Pause] {
        assert_eq!(wish(&w, refused), Err(SqlError::Conflict));
    }
    w.write(ask("a", "import", "", w.clock.now.get()));
    assert_eq!(w.take("3"), None, "asking does not end a pause");
    wish(&w, Wish::Resume).unwrap();
    assert_eq!(wish(&w, Wish::Resume), Err(SqlError::Conflict));
    assert_eq!(w.take("4").unwrap().cursor.as_deref(), Some("[1]"));
}

#[test]
fn a_run_hands_its_memory_to_the_next() {
    let w = world();
    w.write(ask("a", "import", "", START));
    let claim = w.take("1").unwrap();
    assert_eq!(claim.memory, None);
    let Step::Done {
        result,
        text,
        progress,
        ..
    } = done()
    else {
        panic!()
    };
    let memory = Some(r#"{"since":5}"#.to_owned());
    w.give_back(
        &claim,
        &Step::Done {
            result,
            text,
            progress,
            memory: memory.clone(),
        },
    );
    w.write(ask("a", "import", "", START));
    let claim = w.take("2").unwrap();
    assert_eq!((claim.memory, claim.cursor), (memory, None));
}

#[test]
fn a_schedule_that_changes_takes_effect_and_the_same_changes_nothing() {
    let w = world();
    w.write(plan("a", "import", "", Some(HOURLY), START));
    let before = w.job("import");
    w.later(5000);
    w.write(plan("a", "import", "", Some(HOURLY), w.clock.now.get()));
    assert_eq!(w.job("import"), before);
    w.write(plan(
        "a",
        "import",
        "",
        Some(Schedule::Minutes { every_minutes: 1 }),
        w.clock.now.get(),
    ));
    assert!(w.job("import").next_at.unwrap() <= w.clock.now.get() + 60_000);
    w.write(plan("a", "import", "", None, w.clock.now.get()));
    assert_eq!(
        (w.job("import").state.as_str(), w.job("import").next_at),
        ("idle", None)
    );
}

#[test]
fn a_schedule_that_changes_during_a_run_holds_after_it() {
    let w = world();
    w.write(plan("a", "import", "", Some(HOURLY), START));
    w.write(ask("a", "import", "", START));
    let claim = w.take("1").unwrap();
    w.write(plan("a", "import", "", None, START));
    w.give_back(&claim, &done());
    assert_eq!(w.job("import").state, "idle");
}

#[test]
fn a_clock_that_was_a_year_ahead_stops_nothing_for_a_year() {
    let w = world();
    let year = 365 * 24 * HOUR;
    w.write(plan("a", "import", "", Some(HOURLY), START + year));
    w.write(ask("b", "import", "", START + year));
    w.clock.now.set(START + year);
    w.take("dead").unwrap();
    w.clock.now.set(START);
    assert_eq!(block_on(come_back(&w.sql, START)), Ok(2));
    assert_eq!(block_on(come_back(&w.sql, START)), Ok(0));
    assert!(w.job("import").next_at.unwrap() <= START + HOUR);
    w.later(LEASE_MS);
    assert_eq!(w.take("heir").unwrap().tenant, "b");
    w.later(HOUR);
    w.take("1").unwrap();
}

#[test]
fn a_job_that_is_asked_for_at_a_time_runs_then_and_once_for_all_who_asked() {
    let w = world();
    let minute = 60_000;
    let asked = |at: i64| w.write(ask_at("a", "import", "", at, w.clock.now.get()));
    asked(START + minute);
    asked(START + 2 * minute);
    assert!(w.take("early").is_none());
    w.clock.now.set(START + minute);
    let claim = w.take("first").unwrap();
    w.give_back(&claim, &done());
    w.clock.now.set(START + 10 * minute);
    assert!(w.take("again").is_none(), "one run was for both");
    asked(START + 11 * minute);
    assert!(w.take("rested").is_none());
    w.clock.now.set(START + 11 * minute);
    let claim = w.take("second").unwrap();
    // What comes while it runs is not lost.
    asked(START + 20 * minute);
    w.give_back(&claim, &done());
    assert!(w.take("third").is_some());
}

#[test]
fn a_job_that_waits_is_brought_forward_and_not_put_off() {
    let w = world();
    let minute = 60_000;
    w.write(ask_at("a", "import", "", START + 10 * minute, START));
    w.write(ask_at("a", "import", "", START + minute, START));
    w.write(ask_at("a", "import", "", START + 5 * minute, START));
    w.clock.now.set(START + minute);
    assert!(w.take("taker").is_some());
}
