//! Forgetting.

use futures::executor::block_on;
use sklad_jobs::inbox::{Message, receive};
use sklad_jobs::journal::{Direction, Outcome, Record};
use sklad_jobs::sweep::{DEAD_MS, DONE_MS, JOURNAL_MS, sweep};

use crate::world::{START, world};

#[test]
fn what_is_old_goes_and_what_is_of_use_stays() {
    let w = world();
    let old = START - DEAD_MS - 1;
    for (tenant, state, at) in [
        ("a", "due", old),
        ("a", "done", START - DONE_MS - 1),
        ("a", "done", START - DONE_MS),
        ("a", "dead", old),
        ("a", "dead", START - DONE_MS - 1),
        ("b", "done", old),
    ] {
        let message = Message {
            dedupe: format!("{state}{at}"),
            object: "x".into(),
            payload: String::new(),
        };
        w.write(receive(tenant, "moysklad", &[message], at));
        w.sql
            .batch(&format!("UPDATE inbox SET state = '{state}' WHERE tenant = '{tenant}' AND dedupe = '{state}{at}'"))
            .unwrap();
        w.sql
            .batch(&format!(
                "INSERT INTO outbox VALUES ('{tenant}', '{state}{at}', 'code', 'u', 'secret', '{}', 0, 0, {}, NULL, {at})",
                state.replace("done", "sent"),
                START + 1
            ))
            .unwrap();
    }
    let record = Record {
        direction: Direction::In,
        action: "sale",
        object: String::new(),
        customer: None,
        outcome: Outcome::Ok,
        text: String::new(),
        detail: None,
    };
    w.write(record.statement("a", START - JOURNAL_MS - 1));
    w.write(record.statement("a", START - JOURNAL_MS));
    assert_eq!(block_on(sweep(&w.sql, "a", START)), Ok(false));
    let left = |sql| w.rows(sql).len();
    assert_eq!(left("SELECT 1 FROM inbox WHERE tenant = 'a'"), 3);
    assert_eq!(left("SELECT 1 FROM outbox WHERE tenant = 'a'"), 3);
    assert_eq!(left("SELECT 1 FROM inbox WHERE tenant = 'b'"), 1);
    assert_eq!(left("SELECT 1 FROM journal"), 1);
    assert_eq!(left("SELECT 1 FROM outbox WHERE payload = ''"), 0);
    block_on(sweep(&w.sql, "a", START + 1)).unwrap();
    assert_eq!(left("SELECT 1 FROM outbox WHERE payload = ''"), 1);
}

#[test]
fn much_goes_a_little_at_a_time() {
    let w = world();
    w.sql
        .batch(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 450) \
             INSERT INTO journal (tenant, id, at, direction, action, outcome, text) \
             SELECT 'a', printf('%012x%08x', i, i), i, 'in', 'sale', 'ok', '' FROM n",
        )
        .unwrap();
    let mut rounds = 1;
    while block_on(sweep(&w.sql, "a", START)).unwrap() {
        rounds += 1;
    }
    assert_eq!(rounds, 3);
    assert!(w.rows("SELECT 1 FROM journal").is_empty());
}
