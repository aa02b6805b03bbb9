//! The loyalty key: МойСклад and we never disagree for long, whatever is lost.

use futures::executor::block_on;
use serde_json::{Value, json};
use sklad_moysklad::vendor::accounts::State;
use sklad_moysklad::vendor::life::KEY_GRACE_MS;
use sklad_moysklad::vendor::{Error, settle};
use sklad_tenant::keys;

use crate::world::{ACCOUNT, APP, Does, World, world};

fn rotate(w: &World) {
    block_on(settle::rotate(&w.app, APP, ACCOUNT, w.now.get())).unwrap();
}

fn listed(w: &World) -> usize {
    block_on(keys::list(&w.app.kv, &"demo".parse().unwrap()))
        .unwrap()
        .len()
}

/// An account that waits for its cabinet, and the session of its administrator.
fn waiting() -> (World, String) {
    let w = world();
    w.cabinet("demo");
    w.put("Install", Some("token-1"));
    let session = w.open(ACCOUNT, true);
    (w, session)
}

#[test]
fn the_old_key_works_until_the_new_one_is_confirmed_and_a_little_longer() {
    let w = World::at_work();
    let old = w.apps.key().unwrap();
    rotate(&w);
    assert_eq!(w.whose(&old).as_deref(), Some("demo"));
    w.work_off(0);
    let new = w.apps.key().unwrap();
    assert_ne!(new, old);
    for key in [&old, &new] {
        assert_eq!(
            w.whose(key).as_deref(),
            Some("demo"),
            "a till may be under way"
        );
    }
    w.work_off(KEY_GRACE_MS);
    assert_eq!(w.whose(&old), None);
    assert_eq!(w.whose(&new).as_deref(), Some("demo"));
    assert_eq!((listed(&w), w.account().unwrap().due_at), (1, None));
}

#[test]
fn a_lost_answer_leaves_both_keys_and_the_same_key_is_sent_again() {
    for lost in [
        Does::LostAfter,
        Does::LostBefore,
        Does::Status(502, Value::Null),
    ] {
        let w = World::at_work();
        let old = w.apps.key().unwrap();
        w.apps.next(&[lost.clone(), lost.clone(), lost]);
        rotate(&w);
        w.work_off(25_000);
        let known = w.apps.key().unwrap();
        assert_eq!(w.whose(&old).as_deref(), Some("demo"));
        assert_eq!(
            w.whose(&known).as_deref(),
            Some("demo"),
            "whichever МойСклад has"
        );
        assert_eq!(listed(&w), 2);
        assert!(w.account().unwrap().has_pending_key());
        // Further rotations send what is on its way.
        rotate(&w);
        w.work_off(3_600_000);
        let new = w.apps.key().unwrap();
        assert!(known == old || known == new, "no third key was made");
        assert_eq!(
            (w.whose(&new).as_deref(), w.whose(&old)),
            (Some("demo"), None)
        );
        assert_eq!((listed(&w), w.account().unwrap().due_at), (1, None));
    }
}

#[test]
fn a_refusal_revokes_the_new_key_and_is_told() {
    let w = World::at_work();
    let old = w.apps.key().unwrap();
    let refusal = json!({ "errors": [{ "error": "x", "code": 2006 }] });
    w.apps.next(&[Does::Status(400, refusal)]);
    rotate(&w);
    w.work_off(3_600_000);
    assert_eq!(w.apps.key().unwrap(), old);
    assert_eq!((w.whose(&old).as_deref(), listed(&w)), (Some("demo"), 1));
    let account = w.account().unwrap();
    assert_eq!((account.state, account.due_at), (State::Activated, None));
    let why = account.last_error.unwrap();
    assert!(why.contains("программы лояльности"), "{why}");
    assert!(w.journal("demo").contains(&why));
    rotate(&w);
    w.work_off(0);
    assert_ne!(w.apps.key().unwrap(), old);
    assert_eq!(w.account().unwrap().last_error, None);
}

#[test]
fn an_activation_whose_answers_are_lost_finishes_by_itself() {
    // The key's answer is lost, then that of the status, before and after their effects.
    for script in [
        vec![Does::LostAfter],
        vec![Does::LostBefore],
        vec![Does::Well, Does::LostAfter],
        vec![Does::Well, Does::LostBefore],
        vec![
            Does::LostAfter,
            Does::LostAfter,
            Does::Well,
            Does::Status(500, Value::Null),
        ],
    ] {
        let (w, session) = waiting();
        w.apps.next(&script);
        let done = w.activate(&session, "demo");
        assert_eq!(done.status, 202, "{}", done.body);
        assert_eq!(
            (&done.body["cabinet"], &done.body["pending"]),
            (&json!("demo"), &json!(true))
        );
        w.work_off(3_600_000);
        let key = w.apps.key().unwrap();
        assert_eq!((w.whose(&key).as_deref(), listed(&w)), (Some("demo"), 1));
        let account = w.account().unwrap();
        assert_eq!((account.state, account.due_at), (State::Activated, None));
        assert_eq!(w.apps.status.borrow().as_deref(), Some("Activated"));
    }
}

#[test]
fn an_activation_that_is_refused_can_be_repeated() {
    let (w, session) = waiting();
    let refusal = json!({ "errors": [{ "error": "x", "code": 2004 }] });
    w.apps.next(&[Does::Status(404, refusal)]);
    let refused = w.activate(&session, "demo");
    assert_eq!(refused.code(), (502, "moysklad"));
    assert_eq!(listed(&w), 0, "the key that was refused is revoked");
    let state = w.page("GET", "/state", Some(&session), &Value::Null);
    assert_eq!(
        (&state.body["cabinet"], &state.body["pending"]),
        (&json!("demo"), &json!(false))
    );
    assert!(
        state.body["refused"]
            .as_str()
            .unwrap()
            .contains("не установлено")
    );
    let done = w.activate(&session, "demo");
    assert_eq!(
        (done.status, &done.body["refused"]),
        (200, &Value::Null),
        "{}",
        done.body
    );
    assert_eq!(w.account().unwrap().state, State::Activated);
}

#[test]
fn who_is_at_it_is_not_disturbed_and_who_died_is_followed() {
    let w = World::at_work();
    rotate(&w);
    // A worker that took it and never came back.
    w.app
        .sql
        .batch(&format!(
            "UPDATE moysklad_accounts SET busy_until = {}, version = version + 1",
            w.now.get() + 20_000
        ))
        .unwrap();
    let calls = w.apps.calls.borrow().len();
    let now = || w.now.get();
    let settled = block_on(settle::settle(&w.app, &w.apps, APP, ACCOUNT, now()));
    assert_eq!(settled.err(), Some(Error::Later));
    assert_eq!(w.apps.calls.borrow().len(), calls);
    w.later(20_000);
    w.tick();
    assert_eq!(w.apps.calls.borrow().len(), calls + 1);
    // A clock that was wrong locks nobody out.
    w.app
        .sql
        .batch("UPDATE moysklad_accounts SET busy_until = 9000000000000000")
        .unwrap();
    rotate(&w);
    assert_eq!(w.tick(), 1);
}

#[test]
fn what_is_never_answered_ends_with_a_word_to_the_merchant() {
    let w = World::at_work();
    let lost = vec![Does::LostBefore; 200];
    w.apps.next(&lost);
    rotate(&w);
    w.work_off(7 * 24 * 3_600_000);
    let account = w.account().unwrap();
    assert_eq!(account.due_at, None);
    assert!(account.last_error.unwrap().contains("не отвечает"));
    let tried = 200 - i64::try_from(w.apps.script.borrow().len()).unwrap();
    assert_eq!(tried, settle::MAX_ATTEMPTS);
    assert_eq!(listed(&w), 2, "either may be the one that МойСклад has");
}

#[test]
fn a_removal_while_a_key_is_on_its_way_revokes_both() {
    let w = World::at_work();
    let old = w.apps.key().unwrap();
    w.apps.next(&[Does::LostAfter]);
    rotate(&w);
    w.work_off(0);
    let new = w.apps.key().unwrap();
    assert_eq!(w.whose(&new).as_deref(), Some("demo"));
    w.later(1_000);
    assert_eq!(w.delete("Uninstall").status, 200);
    assert_eq!((w.whose(&old), w.whose(&new), listed(&w)), (None, None, 0));
    w.work_off(3_600_000);
    assert_eq!(w.account().unwrap().due_at, None);
    assert_eq!(
        block_on(settle::rotate(&w.app, APP, ACCOUNT, w.now.get())).err(),
        Some(Error::NotInstalled)
    );
}

#[test]
fn keys_that_were_typed_by_hand_stay() {
    let w = World::at_work();
    let slug = "demo".parse().unwrap();
    let issue = || block_on(keys::issue(&w.app.kv, &slug, "руками", w.now.get()));
    let (one, two) = (issue().unwrap(), issue().unwrap());
    assert!(
        issue().is_err(),
        "two by hand, beside those of the solution"
    );
    for _ in 0..5 {
        rotate(&w);
        w.work_off(0);
        w.later(5_000);
    }
    w.work_off(KEY_GRACE_MS);
    assert_eq!(listed(&w), 3);
    w.delete("Uninstall");
    for key in [one, two] {
        assert_eq!(w.whose(&key.text).as_deref(), Some("demo"));
    }
}
