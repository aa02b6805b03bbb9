//! From the solution's window in МойСклад to a cabinet: an existing one, a new one.

use futures::executor::block_on;
use serde_json::{Value, json};
use sklad_access::{EMAIL_FAILURES, Right};
use sklad_moysklad::vendor::accounts::State;
use sklad_moysklad::vendor::activation::{self, Registration};
use sklad_moysklad::vendor::users;
use sklad_store::Sql;
use sklad_tenant::{Slug, settings};

use crate::world::{ACCOUNT, APP, DRAFT, Does, OTHER, PASSWORD, World, put_body, world};

fn installed() -> World {
    let w = world();
    w.cabinet("demo");
    w.put("Install", Some("token-1"));
    w
}

fn registration(organisation: &str, email: &str) -> Value {
    json!({
        "business": "Кофейня",
        "organisation": organisation,
        "name": "Пётр Иванов",
        "phone": "+7 (903) 123-45-67",
        "email": email,
        "password": PASSWORD,
        "promo": "ЛЕТО",
    })
}

#[test]
fn an_employee_with_the_right_connects_his_cabinet() {
    let w = installed();
    let opened = w.opened(ACCOUNT, true);
    assert_eq!(opened.body["state"], "settings_required");
    assert_eq!(opened.body["cabinet"], Value::Null);
    assert_eq!(
        opened.body["user"],
        json!({ "login": "admin@shop", "name": "Иванов И.", "admin": true })
    );
    let done = w.activate(opened.body["session"].as_str().unwrap(), " Demo ");
    assert_eq!(done.status, 200, "{}", done.body);
    assert_eq!(done.body["state"], "activated");
    let url = "https://sklad.example/t/demo/rest/integration/moysklad/v1";
    assert_eq!(done.body["loyaltyUrl"], url);
    let (told, key) = w.apps.loyalty.borrow().clone().unwrap();
    assert_eq!(told, url);
    assert_eq!(w.whose(&key).as_deref(), Some("demo"));
    assert_eq!(w.apps.status.borrow().as_deref(), Some("Activated"));
    let account = w.account().unwrap();
    assert_eq!(
        (account.tenant.as_str(), account.state),
        ("demo", State::Activated)
    );
    assert!(
        account
            .credentials(crate::world::MASTER.as_bytes())
            .unwrap()
            .is_some()
    );
    // The session that comes with it is one of the cabinet.
    let session = done.body["session"].as_str().unwrap();
    let session = block_on(users::session(&w.app.sql, session, w.now.get())).unwrap();
    assert_eq!((session.tenant.as_str(), session.admin), ("demo", true));
    assert!(
        w.journal("demo")
            .iter()
            .any(|t| t.contains("подключён к аккаунту"))
    );
}

#[test]
fn a_wrong_login_is_refused_alike_whatever_is_wrong_and_counted() {
    let w = installed();
    let session = w.open(ACCOUNT, true);
    let login = |cabinet: &str, email: &str, password: &str| {
        let body = json!({ "cabinet": cabinet, "email": email, "password": password });
        w.page("POST", "/activate", Some(&session), &body)
    };
    let wrong = login("demo", "admin@shop.ru", "wrong");
    assert_eq!(wrong.code(), (403, "login"));
    for (cabinet, email) in [
        ("demo", "nobody@shop.ru"),
        ("nobody", "admin@shop.ru"),
        ("<>", "a@b.ru"),
    ] {
        let answer = login(cabinet, email, PASSWORD);
        assert_eq!((answer.status, &answer.body), (403, &wrong.body));
    }
    let no_right = login("demo", "cashier@shop.ru", PASSWORD);
    let message = no_right.body["error"]["message"].as_str().unwrap();
    assert!(message.contains(Right::AdminPanel.title()), "{message}");
    assert!(!w.account().unwrap().is_bound());
    assert_eq!(w.apps.calls.borrow().len(), 1, "only who it is was asked");
    for cabinet in ["demo", "nobody"] {
        for _ in 0..EMAIL_FAILURES {
            login(cabinet, "admin@shop.ru", "wrong");
        }
        let answer = login(cabinet, "admin@shop.ru", PASSWORD);
        assert_eq!(answer.code(), (429, "too_many"), "{cabinet}");
        assert!(answer.headers.contains_key("retry-after"));
    }
    assert!(!w.account().unwrap().is_bound());
}

#[test]
fn who_is_no_administrator_or_nobody_connects_nothing() {
    let w = installed();
    let user = w.open(ACCOUNT, false);
    assert_eq!(w.activate(&user, "demo").code(), (403, "not_admin"));
    let new = registration("Ромашка", "a@b.ru");
    assert_eq!(
        w.page("POST", "/register", Some(&user), &new).code(),
        (403, "not_admin")
    );
    assert_eq!(
        w.page("GET", "/state", Some(&user), &Value::Null).status,
        200
    );
    for session in ["", "x", "skls_00"] {
        assert_eq!(w.activate(session, "demo").code(), (401, "session"));
    }
    assert_eq!(
        w.page("GET", "/state", None, &Value::Null).code(),
        (401, "session")
    );
    let admin = w.open(ACCOUNT, true);
    w.later(users::LIFE_MS);
    assert_eq!(w.activate(&admin, "demo").code(), (401, "session"));
    let stranger = json!({ "appId": APP, "contextKey": "unknown" });
    assert_eq!(
        w.page("POST", "/context", None, &stranger).code(),
        (401, "session")
    );
    let unknown = json!({ "appId": OTHER, "contextKey": "unknown" });
    assert_eq!(
        w.page("POST", "/context", None, &unknown).code(),
        (401, "session")
    );
    assert!(!w.account().unwrap().is_bound());
}

#[test]
fn a_user_of_another_account_never_gets_in() {
    let w = World::at_work();
    // On his account nothing is installed.
    assert_eq!(w.opened(OTHER, true).code(), (409, "not_installed"));
    // On his account it is, for nobody yet: the cabinet is not his, with or without its password.
    w.call("PUT", OTHER, &put_body("Install", Some("token-9")));
    let stranger = w.open(OTHER, true);
    let seen = w.page("GET", "/state", Some(&stranger), &Value::Null);
    assert_eq!(seen.body["cabinet"], Value::Null);
    assert_eq!(w.activate(&stranger, "demo").code(), (409, "taken"));
    let session = block_on(users::session(&w.app.sql, &stranger, w.now.get())).unwrap();
    assert_eq!(
        (session.tenant.as_str(), session.account.as_str()),
        ("", OTHER)
    );
    // And the owner's own session is his cabinet's alone.
    w.cabinet("other");
    let owner = w.open(ACCOUNT, true);
    assert_eq!(w.activate(&owner, "other").code(), (409, "bound"));
    assert_eq!(w.account().unwrap().tenant, "demo");
}

#[test]
fn a_session_ends_with_the_solution() {
    let w = World::at_work();
    let session = w.open(ACCOUNT, true);
    let good = || block_on(users::session(&w.app.sql, &session, w.now.get())).is_ok();
    assert!(good());
    w.later(1_000);
    w.delete("Suspend");
    assert!(!good());
    w.later(1_000);
    w.put("Resume", Some("token-2"));
    assert!(good());
    block_on(w.app.sql.atomic(vec![users::end(&session)])).unwrap();
    assert!(!good());
}

#[test]
fn the_new_way_to_the_context_leads_in_as_well() {
    let w = World::at_work();
    let answer =
        json!({ "accountId": ACCOUNT, "userId": "u", "userUid": "a@shop", "role": "worker" });
    w.apps
        .contexts
        .borrow_mut()
        .push(("one-time".to_owned(), answer));
    let body = json!({ "appId": APP, "token": "one-time" });
    let opened = w.page("POST", "/context", None, &body);
    assert_eq!(opened.status, 200, "{}", opened.body);
    assert_eq!(
        (&opened.body["cabinet"], &opened.body["user"]["admin"]),
        (&json!("demo"), &json!(false))
    );
    assert_eq!(
        w.page("POST", "/context", None, &body).code(),
        (401, "session"),
        "good once"
    );
    let both = json!({ "appId": APP, "token": "x", "contextKey": "x" });
    assert_eq!(
        w.page("POST", "/context", None, &both).code(),
        (401, "session")
    );
    assert_eq!(
        w.page("POST", "/context", None, &json!({})).code(),
        (422, "refused")
    );
    w.apps.next(&[Does::LostBefore]);
    assert_eq!(
        w.page("POST", "/context", None, &body).code(),
        (503, "later")
    );
}

#[test]
fn a_new_cabinet_is_ready_to_work() {
    let w = installed();
    let session = w.open(ACCOUNT, true);
    let new = registration("ООО «Ромашка»", "Petr@romashka.ru");
    let done = w.page("POST", "/register", Some(&session), &new);
    assert_eq!(done.status, 200, "{}", done.body);
    assert_eq!(done.body["cabinet"], "romashka");
    assert_eq!(done.body["state"], "activated");
    let key = w.apps.key().unwrap();
    assert_eq!(w.whose(&key).as_deref(), Some("romashka"));
    let slug: Slug = "romashka".parse().unwrap();
    let stored = block_on(settings::load(&w.app.kv, &slug)).unwrap().unwrap();
    assert_eq!(stored.name, "ООО «Ромашка»");
    assert!(stored.programme.validate().is_empty());
    let employee = block_on(sklad_access::employees::get(
        &w.app.sql,
        "romashka",
        "petr@romashka.ru",
    ));
    let employee = employee.unwrap().unwrap();
    assert_eq!(employee.rights, Right::ALL);
    let (login, password) = (b"petr@romashka.ru", PASSWORD.as_bytes());
    let entered = sklad_access::authenticate(
        &w.app.sql,
        "romashka",
        login,
        password,
        None,
        Right::Employees,
        w.now.get(),
    );
    assert_eq!(block_on(entered).unwrap().id, employee.id);
    assert_eq!(w.count("registrations"), 1);
    // A click that came twice, with the session of before.
    let again = w.page("POST", "/register", Some(&w.open(ACCOUNT, true)), &new);
    assert_eq!(
        (again.status, &again.body["cabinet"]),
        (200, &json!("romashka"))
    );
    assert_eq!(w.count("registrations"), 1);
}

#[test]
fn two_organisations_of_one_name_get_two_cabinets() {
    let w = installed();
    w.call("PUT", OTHER, &put_body("Install", Some("token-9")));
    let register = |account: &str, email: &str| {
        let session = w.open(account, true);
        let done = w.page(
            "POST",
            "/register",
            Some(&session),
            &registration("Ромашка", email),
        );
        assert_eq!(done.status, 200, "{}", done.body);
        done.body["cabinet"].as_str().unwrap().to_owned()
    };
    let (one, two) = (register(ACCOUNT, "a@b.ru"), register(OTHER, "a@b.ru"));
    assert_eq!((one.as_str(), two.as_str()), ("romashka", "romashka-2"));
    let own = |tenant: &str| {
        block_on(sklad_access::employees::list(&w.app.sql, tenant, "", 10))
            .unwrap()
            .len()
    };
    assert_eq!((own(&one), own(&two)), (1, 1));
}

#[test]
fn what_is_wrong_in_a_registration_is_told_and_nothing_made() {
    let w = installed();
    let session = w.open(ACCOUNT, true);
    let tenants = w.count("tenants");
    for (field, value) in [
        ("business", ""),
        ("organisation", " "),
        ("organisation", &"x".repeat(201)),
        ("name", ""),
        ("phone", "123"),
        ("phone", "позвоните мне 9031234567"),
        ("email", "no e-mail"),
        ("password", "short"),
        ("promo", "a\nb"),
    ] {
        let mut new = registration("Ромашка", "a@b.ru");
        new[field] = json!(value);
        let answer = w.page("POST", "/register", Some(&session), &new);
        assert_eq!(answer.code(), (422, "refused"), "{field}");
        assert_eq!(answer.body["error"]["path"], field);
    }
    let mut odd = registration("Ромашка", "a@b.ru");
    odd["password"] = json!([PASSWORD]);
    let answer = w.page("POST", "/register", Some(&session), &odd);
    assert_eq!(answer.status, 422);
    assert!(!answer.body.to_string().contains(PASSWORD));
    assert_eq!(w.count("tenants"), tenants);
    assert!(!w.account().unwrap().is_bound());
}

#[test]
fn a_registration_that_died_in_the_middle_is_completed() {
    let w = installed();
    let new = registration("Ромашка", "a@b.ru");
    let session = w.open(ACCOUNT, true);
    assert_eq!(
        w.page("POST", "/register", Some(&session), &new).status,
        200
    );
    // As if the host had died before the settings were written, and МойСклад knew nothing.
    block_on(sklad_store::Kv::delete(&w.app.kv, "tenant/romashka")).unwrap();
    w.app.forget();
    w.later(1_000);
    let session = w.open(ACCOUNT, true);
    let early = w.page("POST", "/register", Some(&session), &new);
    assert_eq!(early.status, 202, "somebody may be at it: {}", early.body);
    w.later(settings::CLAIM_MS);
    let session = early.body["session"].as_str().unwrap();
    let done = w.page("POST", "/register", Some(session), &new);
    assert_eq!(
        (done.status, &done.body["cabinet"]),
        (200, &json!("romashka")),
        "{}",
        done.body
    );
    assert_eq!(w.count("registrations"), 1);
}

#[test]
fn a_cabinet_has_a_published_solution_and_a_draft_of_one_account() {
    let w = World::at_work();
    let bearer = format!("Bearer {}", w.token(crate::world::DRAFT_SECRET));
    let body = put_body("Install", Some("token-d")).to_string();
    let path = crate::world::path(DRAFT, ACCOUNT);
    w.request("PUT", &path, &[("authorization", &bearer)], body.as_bytes());
    let employee = json!({ "accountId": ACCOUNT, "uid": "admin@shop",
        "permissions": { "admin": { "view": "ALL" } } });
    w.apps
        .contexts
        .borrow_mut()
        .push(("draft".to_owned(), employee));
    let opened = w.page(
        "POST",
        "/context",
        None,
        &json!({ "appId": DRAFT, "contextKey": "draft" }),
    );
    let first = w.apps.key().unwrap();
    let done = w.activate(opened.body["session"].as_str().unwrap(), "demo");
    assert_eq!(done.body["state"], "activated", "{}", done.body);
    let second = w.apps.key().unwrap();
    assert_ne!(first, second);
    for key in [first, second] {
        assert_eq!(w.whose(&key).as_deref(), Some("demo"));
    }
}

#[test]
fn a_cabinet_can_move_to_another_account() {
    let w = World::at_work();
    w.later(1_000);
    w.delete("Uninstall");
    w.call("PUT", OTHER, &put_body("Install", Some("token-9")));
    let done = w.activate(&w.open(OTHER, true), "demo");
    assert_eq!(
        (done.status, &done.body["cabinet"]),
        (200, &json!("demo")),
        "{}",
        done.body
    );
    let key = w.apps.key().unwrap();
    // Installed again on the former account, it is for nobody: the cabinet is another's now.
    w.later(60_000);
    assert_eq!(w.put("Install", Some("token-2")).told(), "SettingsRequired");
    w.work_off(3_600_000);
    let account = w.account().unwrap();
    assert_eq!(
        (account.tenant.as_str(), account.state),
        ("", State::SettingsRequired)
    );
    assert_eq!(w.apps.key().as_ref(), Some(&key));
    assert_eq!(
        w.activate(&w.open(ACCOUNT, true), "demo").code(),
        (409, "taken")
    );
}

#[test]
fn eight_clicks_at_the_same_moment_make_one_cabinet() {
    let w = installed();
    let session = w.open(ACCOUNT, true);
    let session = block_on(users::session(&w.app.sql, &session, w.now.get())).unwrap();
    let now = w.now.get();
    std::thread::scope(|scope| {
        for i in 0..8 {
            let (session, dir) = (&session, w.dir.path());
            scope.spawn(move || {
                let app = crate::world::app(dir);
                let given = registration("Ромашка", &format!("a{i}@b.ru"));
                let given: Registration = serde_json::from_value(given).unwrap();
                let apps = crate::world::Apps::default();
                // Who is second finds the cabinet, or somebody at work.
                let _ = block_on(activation::register(&app, &apps, session, &given, now));
            });
        }
    });
    assert_eq!((w.count("registrations"), w.count("employees")), (1, 3));
    assert_eq!(w.account().unwrap().tenant, "romashka");
}
