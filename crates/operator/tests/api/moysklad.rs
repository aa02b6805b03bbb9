//! Connections to МойСклад.

use futures::executor::block_on;
use serde_json::{Value, json};
use sklad_moysklad::api::Access;
use sklad_moysklad::vendor::accounts::{self, Account, State};
use sklad_store::Sql;
use sklad_tenant::MoySklad;

use crate::{World, shops};

/// Puts an installed solution of this state into the database, for `demo`.
fn installed(w: &World, state: State) {
    let json = r#"[{"appId": "5f3c5489-6a17-48b7-9fe5-b2000eb807fe", "appUid": "a.b",
        "secretKey": "a secret of the tests"}]"#;
    let moysklad = MoySklad::new("", "", json).unwrap();
    let mut account = Account::installed(
        &moysklad.solutions[0],
        "f088b0a7-9490-4a57-b804-393163e7680f",
    );
    account.bind(&w.app.config.master_key, "demo").unwrap();
    account.state = state;
    account.key_id = Some("key_1".to_owned());
    block_on(w.app.sql.atomic(vec![account.save(1)])).unwrap();
}

#[test]
fn a_tenant_is_connected_by_hand_and_disconnected() {
    let w = shops();
    let path = "/demo/moysklad";
    let none = w.get(path);
    assert_eq!((none.status, &none.body["accounts"]), (200, &json!([])));
    assert_eq!(none.body["loyalty_url"], Value::Null, "no public_url");
    let token = json!({ "token": " t0ken-of-the-tests " });
    let made = w.call("PUT", path, &[], &token);
    assert_eq!(made.status, 200, "{}", made.body);
    let account = &made.body["accounts"][0];
    assert_eq!(
        (&account["app_id"], &account["has_access"]),
        (&Value::Null, &json!(true))
    );
    assert!(
        !made.body.to_string().contains("t0ken"),
        "it is shown nowhere"
    );
    let stored = || {
        let found = block_on(accounts::connection(&w.app.sql, "demo"))
            .unwrap()
            .unwrap();
        found.access(&w.app.config.master_key).unwrap().unwrap()
    };
    assert!(stored() == Access::Token("t0ken-of-the-tests".to_owned()));
    let password = json!({ "login": "admin@shop", "password": " p " });
    let replaced = w.call("PUT", path, &[], &password);
    assert_eq!(replaced.body["accounts"].as_array().unwrap().len(), 1);
    let wanted = Access::Login {
        login: "admin@shop".to_owned(),
        password: " p ".to_owned(),
    };
    assert!(stored() == wanted);
    assert_eq!(w.get("/other/moysklad").body["accounts"], json!([]));
    assert_eq!(
        w.call("DELETE", "/other/moysklad", &[], &Value::Null)
            .status,
        404
    );
    assert_eq!(w.call("DELETE", path, &[], &Value::Null).status, 204);
    assert_eq!(w.call("DELETE", path, &[], &Value::Null).status, 404);
    let journal = w.get("/demo/journal?action=connection");
    assert_eq!(journal.body["items"].as_array().unwrap().len(), 3);
    assert!(!journal.body.to_string().contains("t0ken"));
}

#[test]
fn what_gives_no_access_is_refused() {
    let w = shops();
    for body in [
        json!({}),
        json!({ "token": "" }),
        json!({ "token": "x".repeat(201) }),
        json!({ "token": "a\nb" }),
        json!({ "login": "a@b" }),
        json!({ "token": "x", "login": "a@b", "password": "p" }),
    ] {
        let refused = w.call("PUT", "/demo/moysklad", &[], &body);
        assert_eq!(refused.refusal().0, 422, "{body}");
    }
    assert_eq!(
        w.call("PUT", "/demo/moysklad", &[], &json!({ "x": 1 }))
            .refusal()
            .0,
        400
    );
    assert_eq!(
        w.call("PUT", "/nobody/moysklad", &[], &json!({ "token": "x" }))
            .status,
        404
    );
}

#[test]
fn a_new_key_is_made_for_the_schedule_to_send() {
    let w = shops();
    let rotate = || w.post("/demo/moysklad/rotate-key", &Value::Null);
    assert_eq!(rotate().refusal(), (409, "conflict", ""));
    installed(&w, State::Activated);
    let asked = rotate();
    assert_eq!(asked.status, 200, "{}", asked.body);
    let account = &asked.body["accounts"][0];
    assert_eq!(
        (&account["key_pending"], &account["key_id"]),
        (&json!(true), &json!("key_1"))
    );
    assert!(account["due_at"].is_i64());
    let find = || {
        block_on(accounts::of_tenant(&w.app.sql, "demo"))
            .unwrap()
            .remove(0)
    };
    let pending = || find().pending_key(&w.app.config.master_key).unwrap();
    let first = pending();
    rotate();
    assert!(
        first.is_some() && first == pending(),
        "the one on its way is sent"
    );
}

#[test]
fn a_solution_that_is_off_gets_no_key() {
    for state in [State::Suspended, State::Uninstalled] {
        let w = shops();
        installed(&w, state);
        assert_eq!(
            w.post("/demo/moysklad/rotate-key", &Value::Null).status,
            409
        );
        assert_eq!(
            w.get("/demo/moysklad").body["accounts"][0]["state"],
            state.as_str()
        );
    }
}

#[test]
fn the_import_has_its_jobs_while_there_is_a_connection_and_follows_the_settings() {
    let w = shops();
    let import = || w.post("/demo/moysklad/import", &Value::Null);
    let job = |id: &str| w.get(&format!("/demo/jobs/{id}"));
    assert_eq!(import().refusal(), (409, "conflict", ""));
    assert_eq!(job("moysklad-goods").status, 404);
    let token = json!({ "token": "t0ken-of-the-tests" });
    assert_eq!(w.call("PUT", "/demo/moysklad", &[], &token).status, 200);
    let daily = json!({ "every_days": 1, "hour": 3, "zone_minutes": 180 });
    assert_eq!(job("moysklad-goods").body["schedule"], daily);
    assert_eq!(
        job("moysklad-changes").body["schedule"],
        json!({ "every_minutes": 15 })
    );
    let asked = import();
    assert_eq!(
        (asked.status, &asked.body["id"], &asked.body["state"]),
        (200, &json!("moysklad-goods"), &json!("waiting"))
    );
    assert_eq!(asked.body["next_at"], json!(w.now.get()), "at once");

    let mut settings = w.get("/demo/settings").body;
    settings["timezone_minutes"] = json!(600);
    settings["moysklad"]["goods"]["changes_every_minutes"] = json!(0);
    let any = [("If-Match", "*")];
    assert_eq!(w.call("PUT", "/demo/settings", &any, &settings).status, 200);
    assert_eq!(job("moysklad-changes").status, 404);
    let schedule = job("moysklad-goods").body["schedule"].clone();
    assert_eq!(schedule["zone_minutes"], json!(600));
    settings["moysklad"]["goods"]["on"] = json!(false);
    w.call("PUT", "/demo/settings", &any, &settings);
    assert_eq!(job("moysklad-goods").body["schedule"], Value::Null);
    assert_eq!(import().status, 200, "when it is asked for it still comes");

    w.post("/demo/jobs/moysklad-goods/pause", &Value::Null);
    assert_eq!(import().refusal(), (409, "conflict", ""));
    assert_eq!(
        w.call("DELETE", "/demo/moysklad", &[], &Value::Null).status,
        204
    );
    assert_eq!(job("moysklad-goods").status, 404);
}
