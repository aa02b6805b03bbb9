//! The inbox.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

use futures::executor::block_on;
use sklad_jobs::inbox::{
    AGE_MAX_MS, ATTEMPTS_MAX, Handled, LEASE_MS, Message, Taken, receive, take,
};
use sklad_store::Sql;
use sklad_store::native::NativeSql;

use crate::world::{START, World, done, world};

fn message(dedupe: &str, object: &str) -> Message {
    Message {
        dedupe: dedupe.into(),
        object: object.into(),
        payload: format!("{{\"of\":\"{dedupe}\"}}"),
    }
}

fn taken(w: &World, owner: &str) -> Option<Taken> {
    block_on(take(&w.sql, "a", owner.into(), w.clock.now.get())).unwrap()
}

fn settle(w: &World, taken: &Taken, handled: &[Handled]) {
    let batch = taken.settle(handled, w.clock.now.get(), 512);
    block_on(w.sql.atomic(batch)).unwrap();
}

#[test]
fn what_comes_twice_is_written_once_also_within_one_call_and_after_it_was_handled() {
    let w = world();
    let both = [message("1", "x"), message("2", "y"), message("1", "x")];
    let new = block_on(w.sql.atomic(vec![receive("a", "moysklad", &both, START)])).unwrap();
    assert_eq!(new[0].len(), 2);
    let first = taken(&w, "1").unwrap();
    settle(&w, &first, &[Handled::Done, Handled::Done]);
    let new = block_on(w.sql.atomic(vec![receive("a", "moysklad", &both, START)])).unwrap();
    assert_eq!(new[0].len(), 0);
    assert_eq!(taken(&w, "2"), None);
    // The same word of another vendor, or for another tenant, is another message.
    let new = receive("a", "insales", &both, START);
    let other = receive("b", "moysklad", &both, START);
    let new = block_on(w.sql.atomic(vec![new, other])).unwrap();
    assert_eq!((new[0].len(), new[1].len()), (2, 2));
}

#[test]
fn messages_about_one_object_are_taken_together_in_their_order() {
    let w = world();
    let came = [message("9", "x"), message("3", "y"), message("1", "x")];
    w.write(receive("a", "moysklad", &came, START));
    w.write(receive("a", "moysklad", &[message("0", "x")], START + 1));
    w.later(1);
    let taken = taken(&w, "1").unwrap();
    let order: Vec<_> = taken
        .groups
        .iter()
        .map(|g| {
            let dedupes: Vec<_> = g.messages.iter().map(|m| m.dedupe.as_str()).collect();
            (g.object.as_str(), dedupes.join(","))
        })
        .collect();
    assert_eq!(order, [("x", "9,1,0".to_owned()), ("y", "3".to_owned())]);
    assert_eq!(taken.groups[0].messages[0], came[0]);
}

#[test]
fn an_object_that_is_worked_on_waits_and_the_others_do_not() {
    let w = world();
    w.write(receive("a", "moysklad", &[message("1", "x")], START));
    let first = taken(&w, "1").unwrap();
    w.write(receive(
        "a",
        "moysklad",
        &[message("2", "x"), message("3", "y")],
        START,
    ));
    let second = taken(&w, "2").unwrap();
    assert_eq!(second.groups.len(), 1);
    assert_eq!(second.groups[0].object, "y");
    assert_eq!(taken(&w, "3"), None);
    settle(&w, &first, &[Handled::Done]);
    assert_eq!(taken(&w, "4").unwrap().groups[0].messages[0].dedupe, "2");
}

#[test]
fn what_its_worker_left_is_taken_again_and_the_worker_writes_nothing_more() {
    let w = world();
    w.write(receive("a", "moysklad", &[message("1", "x")], START));
    let dead = taken(&w, "dead").unwrap();
    w.later(LEASE_MS - 1);
    assert_eq!(taken(&w, "early"), None);
    w.later(1);
    let heir = taken(&w, "heir").unwrap();
    settle(&w, &dead, &[Handled::Never("устарело".into())]);
    assert!(
        w.rows("SELECT 1 FROM inbox WHERE state = 'dead'")
            .is_empty()
    );
    settle(&w, &heir, &[Handled::Done]);
    assert_eq!(
        w.rows("SELECT 1 FROM inbox WHERE state = 'done' AND payload = ''")
            .len(),
        1
    );
}

#[test]
fn what_fails_is_tried_ever_later_and_then_stands_still() {
    let w = world();
    w.write(receive("a", "moysklad", &[message("1", "x")], START));
    let mut tries = 0;
    while w.rows("SELECT 1 FROM inbox WHERE state = 'due'").len() == 1 {
        w.later(1000);
        if let Some(taken) = taken(&w, &w.clock.now.get().to_string()) {
            // Nothing is said of it: that is a failure.
            settle(&w, &taken, &[]);
            tries += 1;
        }
    }
    assert_eq!(tries, ATTEMPTS_MAX);
    assert!(w.clock.now.get() - START > 3_600_000);
    assert_eq!(
        w.rows("SELECT 1 FROM journal WHERE action = 'webhook'")
            .len(),
        1
    );
}

#[test]
fn what_is_too_old_is_tried_once_more_and_then_stands_still() {
    let w = world();
    w.write(receive("a", "moysklad", &[message("1", "x")], START));
    w.later(AGE_MAX_MS + 1);
    let taken = taken(&w, "1").unwrap();
    settle(&w, &taken, &[Handled::Again("нет связи".into())]);
    assert_eq!(w.rows("SELECT 1 FROM inbox WHERE state = 'dead'").len(), 1);
}

#[test]
fn two_workers_in_two_processes_never_have_the_same_object() {
    let w = world();
    let came: Vec<_> = (0..400)
        .map(|n| message(&n.to_string(), &(n % 150).to_string()))
        .collect();
    w.write(receive("a", "moysklad", &came, START));
    let seen = Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for thread in 0..3 {
            let (path, seen) = (w.dir.path().join("db"), &seen);
            scope.spawn(move || {
                let sql = NativeSql::open(&path).unwrap();
                for n in 0.. {
                    let taken = block_on(take(&sql, "a", format!("{thread}/{n}"), START)).unwrap();
                    let Some(taken) = taken else { break };
                    seen.lock()
                        .unwrap()
                        .extend(taken.groups.into_iter().map(|g| g.object));
                }
            });
        }
    });
    let seen = seen.into_inner().unwrap();
    assert_eq!(seen.len(), 150);
    assert_eq!(seen.into_iter().collect::<BTreeSet<_>>().len(), 150);
}

/// Webhooks of a vendor whose objects change on, doubled and out of order: what counts is what the vendor
/// has when it is asked.
#[test]
fn however_they_come_the_end_is_what_the_vendor_has() {
    let w = world();
    let mut state: BTreeMap<String, u32> = BTreeMap::new();
    let mut sent = Vec::new();
    for n in 0..3000_u32 {
        let object = format!("product/{}", n * 7919 % 200);
        state.insert(object.clone(), n);
        sent.push(message(&n.to_string(), &object));
        if n % 5 == 0 {
            sent.push(message(&n.to_string(), &object));
        }
    }
    // Every tenth changes places with one far off.
    for n in (0..sent.len() - 100).step_by(10) {
        sent.swap(n, n + 97);
    }
    for (n, call) in sent.chunks(40).enumerate() {
        w.write(receive(
            "a",
            "moysklad",
            call,
            START + i64::try_from(n).unwrap(),
        ));
    }
    w.later(1_000);
    let ours = RefCell::new(BTreeMap::new());
    let readings = RefCell::new(0);
    let counts = w.tick_with(
        60_000,
        true,
        async |_, _| done(),
        async |taken, _| {
            *readings.borrow_mut() += taken.groups.len();
            for group in &taken.groups {
                ours.borrow_mut()
                    .insert(group.object.clone(), state[&group.object]);
            }
            vec![Handled::Done; taken.groups.len()]
        },
    );
    assert_eq!(ours.take(), state);
    assert_eq!(counts.received, 3000);
    assert!(*readings.borrow() < 400, "{}", readings.borrow());
    assert!(
        w.rows("SELECT 1 FROM inbox WHERE state <> 'done'")
            .is_empty()
    );
}
