//! Removed and installed again, on the same account and on another one; calls that come twice and late.

use fake_moysklad::{Shop as Account, Status};
use serde_json::{Value, json};

use super::world::{GOODS, PASSWORD, SETTLED, WEBHOOKS, World, catalogue};
use crate::fixture::*;

impl World {
    /// A call of МойСклад's that was signed so long ago; answers its status.
    fn late(&self, method: &str, cause: &str, age_s: i64) -> u16 {
        let token = self.fake.vendor_token(self.solution.id, age_s).unwrap();
        let mut body =
            json!({ "appUid": self.solution.uid, "accountName": "kofe", "cause": cause });
        if method == "PUT" {
            body["access"] =
                json!([{ "resource": "x", "scope": ["admin"], "access_token": "late-token" }]);
            body["subscription"] = json!({ "tariffId": id(), "trial": false });
        }
        let path = format!(
            "/api/moysklad/vendor/1.0/apps/{}/{}",
            self.solution.id, self.account
        );
        let (bearer, request) = (format!("Bearer {token}"), id());
        let headers = [
            ("authorization", bearer.as_str()),
            ("x_lognex_requestid", &request),
        ];
        let url = format!("{}{path}", self.app().url);
        // A DELETE with a body.
        let mut request = http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let agent: ureq::Agent = ureq::Agent::config_builder()
            .http_status_as_error(false)
            .allow_non_standard_methods(true)
            .build()
            .into();
        let request = request.body(body.to_string().into_bytes()).unwrap();
        agent.run(request).unwrap().status().as_u16()
    }
}

#[test]
fn what_is_removed_and_installed_again_has_everything_and_another_key() {
    let Some(w) = World::new("an application of the fake's", 0) else {
        return;
    };
    let (shop, _) = w.installed();
    let (till, buyer) = (w.till(), shop.buyer(250));
    let settings = shop.api("GET", "/settings", &json!({})).ok();
    let before = catalogue(&shop);

    assert_eq!(w.fake.uninstall(w.solution.id, w.account), None);
    assert_eq!(w.late("DELETE", "Uninstall", 0), 204, "it is gone already");
    let now = w.connection(&shop);
    assert_eq!(
        (
            &now["state"],
            &now["has_access"],
            &now["key_id"],
            &now["key_pending"]
        ),
        (
            &json!("uninstalled"),
            &json!(false),
            &Value::Null,
            &json!(false)
        )
    );
    for job in [GOODS, WEBHOOKS] {
        let gone = shop.api("GET", &format!("/jobs/{job}"), &json!({}));
        assert_eq!(gone.status, 404, "{job}");
    }
    assert_eq!(w.objects("webhook").len(), 0);
    std::thread::sleep(SETTLED);
    let refused = till.post("/counterparty/detail", &buyer);
    assert_eq!(refused.error().0, 401);
    assert_eq!(
        shop.balance(&buyer),
        250,
        "a key given by hand is not МойСклад's"
    );

    // Calls signed before the removal change nothing any more.
    assert_eq!(w.late("PUT", "Resume", 60), 200);
    assert_eq!(w.connection(&shop)["state"], "uninstalled");
    w.tick(500);
    assert_eq!(w.connection(&shop)["has_access"], false);

    // The cabinet is known: nobody has to activate.
    assert_eq!(w.install(), Some(Status::SettingsRequired));
    w.until("activated again", || w.status() == Some(Status::Activated));
    assert_eq!(w.late("DELETE", "Uninstall", 60), 200);
    let now = w.connection(&shop);
    assert_eq!(
        (&now["state"], &now["has_access"]),
        (&json!("activated"), &json!(true))
    );
    let again = w.till();
    assert_ne!(again.key, till.key);
    assert_eq!(again.balance(&buyer), 250);
    assert_eq!(till.post("/counterparty/detail", &buyer).status, 401);
    assert_eq!(shop.api("GET", "/settings", &json!({})).ok(), settings);
    w.import(&shop);
    assert_eq!(catalogue(&shop), before);
    let subscribed = w.finish(&shop, WEBHOOKS);
    assert_eq!(subscribed["last_result"], "ok", "{subscribed}");
    assert_eq!(w.objects("webhook").len(), 36);
    shop.check();
}

#[test]
fn a_cabinet_goes_to_another_account_only_when_the_first_has_removed_the_solution() {
    let Some(w) = World::new("an application of the fake's", 0) else {
        return;
    };
    let (shop, email) = w.installed();
    let first = w.till();
    let other = w.fake.add_account("chai", Account::Small);
    let install = |account| w.fake.install(w.solution.id, account);
    assert_eq!(install(other), Some(Status::SettingsRequired));
    let taken = w.activate(other, "chai", &shop, &email);
    assert_eq!(
        (taken.status, &taken.json["error"]["code"]),
        (409, &json!("taken"))
    );
    // A user of the one account opens no page of the other's.
    let session = w.open(other, "admin@chai");
    let state = w.page("GET", "/state", Some(&session), &json!({})).ok();
    assert_eq!(state["cabinet"], Value::Null);

    assert_eq!(w.fake.uninstall(w.solution.id, w.account), None);
    let moved = w.activate(other, "chai", &shop, &email).ok();
    assert_eq!(
        (&moved["state"], &moved["cabinet"]),
        (&json!("activated"), &json!(shop.slug))
    );
    let key = w.fake.loyalty(w.solution.id, other).unwrap().token;
    assert_ne!(key, first.key);
    assert_eq!(w.connection(&shop)["account"], json!(other.to_string()));

    // Installed again where it was, it is nobody's, and the cabinet stays the other account's.
    assert_eq!(install(w.account), Some(Status::SettingsRequired));
    w.tick(500);
    assert_eq!(w.status(), Some(Status::SettingsRequired));
    let taken = w.activate(w.account, "kofe", &shop, &email);
    assert_eq!(
        (taken.status, &taken.json["error"]["code"]),
        (409, &json!("taken"))
    );
    let (second, boss) = w.cabinet();
    let told = w.activate(w.account, "kofe", &second, &boss).ok();
    assert_eq!(told["cabinet"], json!(second.slug));
    let session = w.open(w.account, "admin@kofe");
    let body = json!({ "cabinet": shop.slug, "email": email, "password": PASSWORD });
    let bound = w.page("POST", "/activate", Some(&session), &body);
    assert_eq!(
        (bound.status, &bound.json["error"]["code"]),
        (409, &json!("bound"))
    );
    w.import(&second);
    assert_ne!(second.list("/goods").len(), 0);
}

#[test]
fn calls_that_come_twice_and_late_leave_what_was_signed_last() {
    let Some(w) = World::new("an application of the fake's", 0) else {
        return;
    };
    let (shop, _) = w.installed();
    let till = w.till();
    let key = w.connection(&shop)["key_id"].clone();
    // Signed before the installation: they are late.
    for (method, cause) in [
        ("DELETE", "Uninstall"),
        ("DELETE", "Suspend"),
        ("PUT", "Resume"),
    ] {
        let status = w.late(method, cause, 120);
        assert!((200..300).contains(&status), "{cause} {status}");
        let now = w.connection(&shop);
        assert_eq!(
            (&now["state"], &now["key_id"], &now["has_access"]),
            (&json!("activated"), &key, &json!(true)),
            "{cause}"
        );
    }
    // Signed now, each twice: the last one counts.
    for _ in 0..2 {
        assert!(matches!(w.late("DELETE", "Suspend", 0), 200 | 204));
        assert!(matches!(w.late("DELETE", "Suspend", 0), 200 | 204));
        assert_eq!(w.connection(&shop)["state"], "suspended");
        assert_eq!(w.late("PUT", "Resume", 0), 200);
        assert_eq!(w.late("PUT", "Resume", 0), 200);
        assert_eq!(w.connection(&shop)["state"], "activated");
    }
    assert_eq!(w.connection(&shop)["key_id"], key);
    // Expired, or with the secret of another: nobody.
    assert_eq!(w.late("DELETE", "Uninstall", 1_000), 401);
    assert_eq!(w.connection(&shop)["state"], "activated");
    assert_eq!(till.balance(&shop.buyer(5)), 5);
}
