//! What stands still, and trying it again.

use futures::executor::block_on;
use sklad_jobs::dead::{list, replay};
use sklad_jobs::inbox::{Handled, Message, receive};
use sklad_jobs::{job, outbox};
use sklad_store::{Sql, SqlError};

use crate::world::{START, World, all_done, done, failed, world};

fn dead(w: &World) -> Vec<String> {
    let all = block_on(list(&w.sql, "a", None, 100)).unwrap();
    all.into_iter().map(|d| d.id).collect()
}

fn try_again(w: &World, id: &str) -> Result<(), SqlError> {
    let statement = replay("a", id, w.clock.now.get()).unwrap();
    block_on(w.sql.atomic(vec![statement])).map(drop)
}

fn message(expires_at: i64) -> outbox::Message {
    outbox::Message {
        channel: "code",
        url: "https://x.ru".into(),
        payload: "{}".into(),
        expires_at,
    }
}

#[test]
fn everything_that_stands_still_is_listed_and_can_be_tried_again() {
    let w = world();
    w.write(job::ask("a", "import", "x", START));
    w.write(job::ask("a", "sweep", "", START));
    w.write(message(START + 1_000_000_000).statement("a", START));
    let came = ["1", "2"].map(|dedupe| Message {
        dedupe: dedupe.into(),
        object: format!("product/{dedupe}"),
        payload: "{}".into(),
    });
    w.write(receive("a", "moysklad", &came, START));
    *w.vendor.answers.borrow_mut() = vec![500; 100];
    w.tick_with(
        2_000_000,
        true,
        async |_, _| failed(false),
        async |taken, _| vec![Handled::Never("нет прав".into()); taken.groups.len()],
    );
    while w.rows("SELECT 1 FROM outbox WHERE state = 'due'").len() == 1 {
        w.later(60_000);
        w.tick(1_000, async |_, _| done());
    }
    let all = dead(&w);
    assert_eq!(
        all[..4],
        [
            "job:import:x",
            "job:sweep",
            "inbox:moysklad:1",
            "inbox:moysklad:2"
        ]
    );
    assert_eq!(all.len(), 5);
    // Page by page the same.
    let mut paged: Vec<String> = Vec::new();
    while let Some(next) = block_on(list(&w.sql, "a", paged.last().map(String::as_str), 1))
        .unwrap()
        .pop()
    {
        paged.push(next.id);
    }
    assert_eq!(paged, all);
    assert!(block_on(list(&w.sql, "b", None, 100)).unwrap().is_empty());
    w.vendor.answers.borrow_mut().clear();
    for id in &all {
        assert!(block_on(w.sql.atomic(vec![replay("b", id, START).unwrap()])).is_err());
        try_again(&w, id).unwrap();
        assert_eq!(
            try_again(&w, id),
            Err(SqlError::Conflict),
            "it does not stand still any more"
        );
    }
    let counts = w.tick_with(1_000, true, async |_, _| done(), all_done);
    assert_eq!(
        (counts.finished, counts.received, counts.delivered),
        (2, 2, 1)
    );
    assert!(dead(&w).is_empty());
}

#[test]
fn a_message_that_is_of_no_use_any_more_is_not_sent_again() {
    let w = world();
    w.write(message(START + 5).statement("a", START));
    w.later(5);
    w.tick(1_000, async |_, _| done());
    let all = dead(&w);
    assert_eq!(all.len(), 1);
    assert_eq!(try_again(&w, &all[0]), Err(SqlError::Conflict));
    assert_eq!(w.vendor.calls.get(), 0);
}

#[test]
fn what_is_no_name_is_told_so() {
    for name in ["", "x", "goods:1"] {
        assert!(replay("a", name, 0).is_none(), "{name}");
    }
    let w = world();
    assert_eq!(try_again(&w, "inbox:moysklad:нет"), Err(SqlError::Conflict));
    assert!(
        block_on(list(&w.sql, "a", Some("ы"), 5))
            .unwrap()
            .is_empty()
    );
}
