//! Every cause in every state; what comes twice, late, and in another order.

use serde_json::{Value, json};
use sklad_moysklad::api::Access;
use sklad_moysklad::vendor::accounts::{State, Weight};
use sklad_moysklad::vendor::life::AFTER_ANSWER_MS;

use crate::world::{ACCOUNT, DRAFT, DRAFT_SECRET, MASTER, World, path, put_body, world};

fn token(w: &World) -> Option<String> {
    let access = w.account()?.access(MASTER.as_bytes()).unwrap()?;
    match access {
        Access::Token(token) => Some(token),
        Access::Login { .. } => panic!("a solution has a token"),
    }
}

fn state(w: &World) -> Option<State> {
    w.account().map(|account| account.state)
}

/// A world in this state; the cabinet is there where it has been activated before.
fn in_state(state: Option<State>) -> World {
    let w = match state {
        None => return world(),
        Some(State::SettingsRequired) => {
            let w = world();
            assert_eq!(w.put("Install", Some("token-1")).told(), "SettingsRequired");
            w
        }
        Some(_) => World::at_work(),
    };
    w.later(60_000);
    match state {
        Some(State::Suspended) => assert_eq!(w.delete("Suspend").status, 200),
        Some(State::Uninstalled) => assert_eq!(w.delete("Uninstall").status, 200),
        _ => {}
    }
    assert_eq!(self::state(&w), state);
    w.later(60_000);
    w
}

#[test]
fn every_activation_in_every_state_is_answered_as_it_is() {
    use State::{Activated, SettingsRequired, Suspended, Uninstalled};
    let required = "SettingsRequired";
    for (before, cause, token_sent, told, after) in [
        (None, "Install", Some("token-1"), required, SettingsRequired),
        (None, "Resume", Some("token-1"), required, SettingsRequired),
        (None, "TariffChanged", None, required, SettingsRequired),
        (None, "Autoprolongation", None, required, SettingsRequired),
        (
            None,
            "Invented",
            Some("token-1"),
            required,
            SettingsRequired,
        ),
        (
            Some(SettingsRequired),
            "Install",
            Some("token-1"),
            required,
            SettingsRequired,
        ),
        (
            Some(SettingsRequired),
            "Install",
            Some("token-2"),
            required,
            SettingsRequired,
        ),
        (
            Some(SettingsRequired),
            "Resume",
            Some("token-2"),
            required,
            SettingsRequired,
        ),
        (
            Some(SettingsRequired),
            "TariffChanged",
            None,
            required,
            SettingsRequired,
        ),
        // The call again: the answer to the first may have been lost.
        (
            Some(Activated),
            "Install",
            Some("token-1"),
            "Activated",
            Activated,
        ),
        // Another installation: МойСклад has forgotten our address.
        (
            Some(Activated),
            "Install",
            Some("token-2"),
            required,
            SettingsRequired,
        ),
        (
            Some(Activated),
            "Resume",
            Some("token-1"),
            "Activated",
            Activated,
        ),
        (
            Some(Activated),
            "TariffChanged",
            None,
            "Activated",
            Activated,
        ),
        (
            Some(Activated),
            "Autoprolongation",
            None,
            "Activated",
            Activated,
        ),
        (
            Some(Suspended),
            "Resume",
            Some("token-2"),
            "Activated",
            Activated,
        ),
        (
            Some(Suspended),
            "Install",
            Some("token-2"),
            required,
            SettingsRequired,
        ),
        (Some(Suspended), "TariffChanged", None, required, Suspended),
        (
            Some(Uninstalled),
            "Install",
            Some("token-2"),
            required,
            SettingsRequired,
        ),
        (
            Some(Uninstalled),
            "Resume",
            Some("token-2"),
            required,
            SettingsRequired,
        ),
        (
            Some(Uninstalled),
            "TariffChanged",
            None,
            required,
            Uninstalled,
        ),
    ] {
        let w = in_state(before);
        let kept = token(&w);
        let what = format!("{cause} in {before:?}");
        assert_eq!(w.put(cause, token_sent).told(), told, "{what}");
        assert_eq!(state(&w), Some(after), "{what}");
        let wanted = token_sent.map(str::to_owned).or(kept);
        assert_eq!(token(&w), wanted, "{what}");
        // Once more, with a token of its own: the same answer and the same state.
        w.later(1_000);
        assert_eq!(w.put(cause, token_sent).told(), told, "{what}, again");
        assert_eq!(state(&w), Some(after), "{what}, again");
    }
}

#[test]
fn every_deactivation_in_every_state_is_answered_as_it_is() {
    use State::{Activated, SettingsRequired, Suspended, Uninstalled};
    for (before, cause, status, after) in [
        (None, "Suspend", 204, None),
        (None, "Uninstall", 204, None),
        (Some(SettingsRequired), "Suspend", 200, Some(Suspended)),
        (Some(SettingsRequired), "Uninstall", 200, Some(Uninstalled)),
        (Some(Activated), "Suspend", 200, Some(Suspended)),
        (Some(Activated), "Uninstall", 200, Some(Uninstalled)),
        (Some(Suspended), "Suspend", 204, Some(Suspended)),
        (Some(Suspended), "Uninstall", 200, Some(Uninstalled)),
        (Some(Uninstalled), "Suspend", 204, Some(Uninstalled)),
        (Some(Uninstalled), "Uninstall", 204, Some(Uninstalled)),
    ] {
        let w = in_state(before);
        let what = format!("{cause} in {before:?}");
        let answer = w.delete(cause);
        assert_eq!(
            (answer.status, &answer.body),
            (status, &Value::Null),
            "{what}"
        );
        assert_eq!((state(&w), token(&w)), (after, None), "{what}");
        w.later(1_000);
        assert_eq!(w.delete(cause).status, 204, "{what}, again");
        assert_eq!(state(&w), after, "{what}, again");
    }
}

#[test]
fn what_was_suspended_goes_on_as_it_was() {
    let w = World::at_work();
    let (key, calls) = (w.apps.key().unwrap(), w.apps.calls.borrow().len());
    w.later(60_000);
    w.delete("Suspend");
    assert_eq!(
        w.whose(&key).as_deref(),
        Some("demo"),
        "МойСклад keeps it, so do we"
    );
    w.work_off(600_000);
    assert_eq!(w.put("Resume", Some("token-2")).told(), "Activated");
    w.work_off(600_000);
    assert_eq!(w.whose(&key).as_deref(), Some("demo"));
    assert_eq!(
        w.apps.calls.borrow().len(),
        calls,
        "nothing is told that is known"
    );
    assert_eq!(w.account().unwrap().tenant, "demo");
    let told = w.journal("demo");
    assert!(
        told.iter().any(|t| t.contains("приостановлено")),
        "{told:?}"
    );
    assert!(told.iter().any(|t| t.contains("возобновлено")), "{told:?}");
}

#[test]
fn what_was_removed_and_installed_again_has_its_cabinet_and_a_new_key() {
    let w = World::at_work();
    let old = w.apps.key().unwrap();
    w.later(60_000);
    w.delete("Uninstall");
    *w.apps.loyalty.borrow_mut() = None;
    assert_eq!(w.whose(&old), None, "nobody calls with it any more");
    w.later(60_000);
    assert_eq!(w.put("Install", Some("token-2")).told(), "SettingsRequired");
    w.work_off(AFTER_ANSWER_MS);
    let new = w.apps.key().unwrap();
    assert_ne!(new, old);
    assert_eq!(w.whose(&new).as_deref(), Some("demo"));
    assert_eq!(state(&w), Some(State::Activated));
    assert_eq!(w.apps.status.borrow().as_deref(), Some("Activated"));
    assert_eq!(w.account().unwrap().due_at, None, "nothing is left to do");
}

#[test]
fn a_call_that_is_late_changes_nothing() {
    let w = world();
    // Signed in this order: Install, Suspend, Resume, Uninstall. They come in another.
    let sign = |cause: &str, method: &str, token: Option<&str>| {
        w.later(2_000);
        let bearer = format!("Bearer {}", w.token(crate::world::SECRET));
        (
            method.to_owned(),
            bearer,
            put_body(cause, token).to_string(),
        )
    };
    let install = sign("Install", "PUT", Some("token-1"));
    let suspend = sign("Suspend", "DELETE", None);
    let resume = sign("Resume", "PUT", Some("token-2"));
    let remove = sign("Uninstall", "DELETE", None);
    let send = |(method, bearer, body): &(String, String, String)| {
        let headers = [("authorization", bearer.as_str())];
        let path = path(crate::world::APP, ACCOUNT);
        w.request(method, &path, &headers, body.as_bytes()).status
    };
    assert_eq!(send(&resume), 200);
    assert_eq!(send(&install), 200);
    assert_eq!(
        token(&w).as_deref(),
        Some("token-2"),
        "the later token stays"
    );
    assert_eq!(send(&suspend), 200);
    assert_eq!(state(&w), Some(State::SettingsRequired), "resumed since");
    assert_eq!(send(&remove), 200);
    assert_eq!(state(&w), Some(State::Uninstalled));
    // A repetition of what came long ago, with a token of that time that is still good.
    w.now.set(w.now.get() - 6_000);
    let install = sign("Install", "PUT", Some("token-1"));
    w.now.set(w.now.get() + 4_000);
    assert_eq!(send(&install), 200);
    assert_eq!(
        (state(&w), token(&w)),
        (Some(State::Uninstalled), None),
        "it stays removed"
    );
}

#[test]
fn a_draft_is_another_solution_with_other_limits() {
    let w = world();
    w.put("Install", Some("token-1"));
    let bearer = format!("Bearer {}", w.token(DRAFT_SECRET));
    let body = put_body("Install", Some("token-of-the-draft")).to_string();
    let headers = [("authorization", bearer.as_str())];
    let answer = w.request("PUT", &path(DRAFT, ACCOUNT), &headers, body.as_bytes());
    assert_eq!(answer.told(), "SettingsRequired");
    assert_eq!(w.count("moysklad_accounts"), 2);
    assert_eq!(w.account().unwrap().weight, Weight::Published);
    let draft = sklad_moysklad::vendor::accounts::find(&w.app.sql, DRAFT, ACCOUNT);
    let draft = futures::executor::block_on(draft).unwrap().unwrap();
    assert_eq!(draft.weight, Weight::Draft);
}

#[test]
fn what_is_told_of_the_subscription_is_kept_and_told_to_the_merchant() {
    let w = World::at_work();
    w.later(1_000);
    let mut body = put_body("TariffChanged", None);
    body["subscription"]["tariffName"] = json!("Профи");
    assert_eq!(w.call("PUT", ACCOUNT, &body).told(), "Activated");
    assert!(w.account().unwrap().subscription.unwrap().contains("Профи"));
    assert!(w.journal("demo").iter().any(|t| t.contains("«Профи»")));
    w.later(1_000);
    let event = json!({ "appUid": "x", "cause": "PermissionsChanged" });
    let answer = w.call("PUT", &format!("{ACCOUNT}/event"), &event);
    assert_eq!(answer.status, 200);
    assert!(
        w.journal("demo")
            .iter()
            .any(|t| t.contains("Изменены права"))
    );
    assert_eq!(token(&w).as_deref(), Some("token-1"));
}

#[test]
fn a_removal_whose_body_was_taken_away_loses_nothing() {
    let w = World::at_work();
    let key = w.apps.key().unwrap();
    w.later(1_000);
    assert_eq!(w.call("DELETE", ACCOUNT, &Value::Null).status, 200);
    assert_eq!(state(&w), Some(State::Suspended));
    assert_eq!(w.whose(&key).as_deref(), Some("demo"));
}

#[test]
fn the_status_can_be_asked_for() {
    let w = world();
    assert_eq!(w.call("GET", ACCOUNT, &Value::Null).status, 404);
    w.put("Install", Some("token-1"));
    assert_eq!(
        w.call("GET", ACCOUNT, &Value::Null).told(),
        "SettingsRequired"
    );
    let w = World::at_work();
    assert_eq!(w.call("GET", ACCOUNT, &Value::Null).told(), "Activated");
    w.delete("Uninstall");
    assert_eq!(w.call("GET", ACCOUNT, &Value::Null).status, 404);
}
