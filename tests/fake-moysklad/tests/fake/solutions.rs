use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use fake_moysklad::{Fake, Options, Patience, Shop, Solution, Status};
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;
use uuid::Uuid;

use crate::client::{Answer, Client, GZIP};
use crate::receiver::{Receiver, Says};

struct Market {
    fake: Fake,
    account: Uuid,
    solution: Solution,
    receiver: Receiver,
}

fn market(says: Says) -> Market {
    let patience = Patience {
        retry_ms: 100,
        retry_for_ms: 3000,
        slow_retry_ms: 20,
        slow_retry_for_ms: 100,
        answer_ms: 1000,
        ..Patience::default()
    };
    let fake = Fake::start(Options {
        patience,
        ..Options::default()
    })
    .unwrap();
    let account = fake.add_account("kofe", Shop::Small);
    let receiver = Receiver::start(says);
    let solution = Solution::published("loyalty.example", &receiver.url);
    fake.add_solution(solution.clone());
    Market {
        fake,
        account,
        solution,
        receiver,
    }
}

fn sign(secret: &str, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let signed = format!("{}.{}", part(&json!({ "alg": "HS256" })), part(claims));
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).unwrap();
    mac.update(signed.as_bytes());
    format!(
        "{signed}.{}",
        URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes())
    )
}

impl Market {
    fn claims(&self) -> Value {
        let now = std::time::UNIX_EPOCH.elapsed().unwrap().as_secs();
        json!({ "sub": self.solution.uid, "iat": now, "jti": Uuid::new_v4() })
    }

    fn ask_with(&self, claims: &Value, method: &str, path: &str, body: Option<&Value>) -> Answer {
        let client = Client::new(self.fake.apps(), "");
        let authorization = format!("Bearer {}", sign(&self.solution.secret, claims));
        let path = format!("/api/vendor/1.0{path}");
        client
            .raw(
                method,
                &path,
                &[GZIP, ("authorization", &authorization)],
                body,
            )
            .unwrap()
    }

    fn ask(&self, method: &str, path: &str, body: Option<&Value>) -> Answer {
        self.ask_with(&self.claims(), method, path, body)
    }

    fn ours(&self, rest: &str) -> String {
        format!("/apps/{}/{}/{rest}", self.solution.id, self.account)
    }

    fn install(&self) -> Option<Status> {
        self.fake.install(self.solution.id, self.account)
    }
}

#[test]
fn an_installation_is_told_with_a_token_that_works_already() {
    let market = market(Says::json(r#"{"status":"SettingsRequired"}"#));
    assert_eq!(market.install(), Some(Status::SettingsRequired));
    let got = market.receiver.got();
    let path = format!(
        "/api/moysklad/vendor/1.0/apps/{}/{}",
        market.solution.id, market.account
    );
    assert_eq!((got[0].method.as_str(), &got[0].path), ("PUT", &path));
    assert_eq!(got[0].body["cause"], "Install");
    assert_eq!(got[0].body["accountName"], "kofe");
    assert!(Uuid::parse_str(got[0].header("X_Lognex_RequestId")).is_ok());
    let jwt = got[0]
        .header("authorization")
        .strip_prefix("Bearer ")
        .unwrap();
    let mut parts = jwt.split('.');
    let claims: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(parts.nth(1).unwrap()).unwrap()).unwrap();
    assert!(claims["jti"].is_string() && claims.get("sub").is_none());
    let token = got[0].body["access"][0]["access_token"].as_str().unwrap();
    let client = Client::new(market.fake.api(), token);
    assert_eq!(
        client.get("/context/application").json()["appUid"],
        "loyalty.example"
    );
    assert_eq!(client.get("/context/employee").code(), Some(55006));
    assert_eq!(
        market.fake.requests(market.account).last().unwrap().units,
        1,
        "a published app's request weighs one"
    );
}

#[test]
fn a_temporary_failure_is_tried_again_with_the_same_id_and_token() {
    let market = market(Says::json(r#"{"status":"Activated"}"#));
    let slow = Says {
        after: std::time::Duration::from_millis(1400),
        ..Says::status(200)
    };
    market.receiver.first(&[Says::status(503), slow]);
    assert_eq!(market.install(), Some(Status::Activated));
    let got = market.receiver.got();
    assert_eq!(got.len(), 3);
    for name in ["x_lognex_requestid", "authorization"] {
        assert!(
            got.iter()
                .all(|one| one.header(name) == got[0].header(name)),
            "{name}"
        );
    }
    let statuses: Vec<_> = market
        .fake
        .vendor_calls()
        .iter()
        .map(|call| call.status)
        .collect();
    assert_eq!(statuses, [Some(503), None, Some(200)]);
    assert_eq!(
        market
            .fake
            .repeat_last_call(market.solution.id, market.account),
        Some(200)
    );
    let last = market.receiver.got().pop().unwrap();
    assert_eq!(last.header("authorization"), got[0].header("authorization"));
}

#[test]
fn a_refusal_or_a_long_silence_ends_the_installation_and_its_token() {
    for (says, calls) in [
        (Says::status(400), 1),
        (Says::status(551), 1),
        (Says::status(500), 2),
        (Says::json("{}"), 1),
    ] {
        let market = market(says.clone());
        assert_eq!(market.install(), Some(Status::ActivationFailed), "{says:?}");
        let got = market.receiver.got();
        assert!(got.len() >= calls);
        let token = got[0].body["access"][0]["access_token"].as_str().unwrap();
        assert_eq!(
            Client::new(market.fake.api(), token)
                .get("/entity/product")
                .status,
            401
        );
    }
}

#[test]
fn suspending_ends_the_token_and_disables_webhooks_until_resumed() {
    let market = market(Says::json(r#"{"status":"Activated"}"#));
    market.install();
    let (id, account) = (market.solution.id, market.account);
    let token = market.fake.app_token(id, account).unwrap();
    let client = Client::new(market.fake.api(), &token);
    let hook =
        json!({ "entityType": "product", "action": "UPDATE", "url": "http://host.example/1" });
    assert_eq!(client.post("/entity/webhook", &hook).status, 200);
    let second =
        json!({ "entityType": "product", "action": "UPDATE", "url": "http://host.example/2" });
    assert_eq!(
        client.post("/entity/webhook", &second).code(),
        Some(30007),
        "an app has one"
    );
    assert_eq!(market.fake.suspend(id, account), Some(Status::Suspended));
    let last = market.receiver.got().pop().unwrap();
    assert_eq!(
        (last.method.as_str(), &last.body["cause"]),
        ("DELETE", &json!("Suspend"))
    );
    assert_eq!(client.get("/entity/product").status, 401);
    let enabled = || market.fake.objects(account, "webhook")[0]["enabled"].clone();
    assert_eq!(enabled(), false);
    assert_eq!(market.fake.resume(id, account), Some(Status::Activated));
    assert_eq!(enabled(), true);
    assert_ne!(market.fake.app_token(id, account), Some(token));
    assert_eq!(
        market.fake.change_tariff(id, account),
        Some(Status::Activated)
    );
    let last = market.receiver.got().pop().unwrap();
    assert!(last.body["cause"] == "TariffChanged" && last.body.get("access").is_none());
    assert_eq!(market.fake.change_permissions(id, account), Some(200));
    assert!(
        market
            .receiver
            .got()
            .pop()
            .unwrap()
            .path
            .ends_with("/event")
    );
    assert_eq!(market.fake.uninstall(id, account), None);
    assert!(market.fake.objects(account, "webhook").is_empty());
    assert_eq!(
        market.ask("GET", &market.ours("status"), None).code(),
        Some(2004)
    );
}

#[test]
fn a_token_of_ours_is_good_once_and_for_five_minutes() {
    let market = market(Says::json(r#"{"status":"Activated"}"#));
    market.install();
    let status = market.ours("status");
    let claims = market.claims();
    assert_eq!(market.ask_with(&claims, "GET", &status, None).status, 200);
    let again = market.ask_with(&claims, "GET", &status, None);
    assert_eq!(again.status, 401);
    assert!(again.header("x-lognex-auth").is_some());
    let mut old = market.claims();
    old["iat"] = json!(old["iat"].as_u64().unwrap() - 301);
    assert_eq!(market.ask_with(&old, "GET", &status, None).status, 401);
    let mut other = market.claims();
    other["sub"] = json!("somebody.else");
    assert_eq!(market.ask_with(&other, "GET", &status, None).status, 401);
    let client = Client::new(market.fake.apps(), "");
    assert_eq!(
        client
            .raw("GET", &format!("/api/vendor/1.0{status}"), &[], None)
            .unwrap()
            .status,
        415
    );
}

#[test]
fn loyalty_is_set_when_the_installation_is_done() {
    let market = market(Says::json(r#"{"status":"Activating"}"#));
    let body =
        json!({ "url": "https://host.example/t/kofe", "token": "key", "externalSearch": true });
    let loyalty = market.ours("loyalty");
    assert_eq!(market.ask("PUT", &loyalty, Some(&body)).code(), Some(2004));
    market.install();
    assert_eq!(market.ask("PUT", &loyalty, Some(&body)).code(), Some(2007));
    let status = |name: &str| {
        market
            .ask(
                "PUT",
                &market.ours("status"),
                Some(&json!({ "status": name })),
            )
            .status
    };
    assert_eq!(status("SettingsRequired"), 200);
    assert_eq!(
        market
            .ask("PUT", &loyalty, Some(&json!({ "url": "x" })))
            .status,
        400
    );
    let set = market.ask("PUT", &loyalty, Some(&body));
    assert_eq!((set.status, set.bytes.len()), (200, 0));
    assert_eq!(
        market
            .ask("PATCH", &loyalty, Some(&json!({ "token": "new" })))
            .status,
        200
    );
    let known = market
        .fake
        .loyalty(market.solution.id, market.account)
        .unwrap();
    assert_eq!(
        (known.url.as_str(), known.token.as_str()),
        ("https://host.example/t/kofe", "new")
    );
    assert_eq!(
        [
            status("Activated"),
            status("Activated"),
            status("SettingsRequired")
        ],
        [200, 200, 409]
    );
}

#[test]
fn a_key_of_a_page_tells_once_who_looks_at_it() {
    let market = market(Says::json(r#"{"status":"Activated"}"#));
    market.install();
    let (id, account) = (market.solution.id, market.account);
    let key = market.fake.context_key(id, account, "admin@kofe");
    let path = format!("/context/{key}");
    let who = market.ask("POST", &path, None).json();
    assert_eq!(
        (&who["accountId"], &who["uid"]),
        (&json!(account), &json!("admin@kofe"))
    );
    assert_eq!(who["permissions"]["admin"]["view"], "ALL");
    assert_eq!(market.ask("POST", &path, None).status, 404);
    let late = market.fake.context_key(id, account, "admin@kofe");
    let login = market.fake.add_user(account, "kassir", false);
    let token = market.fake.user_context_token(id, account, &login);
    let user = market
        .ask("POST", "/context/user", Some(&json!({ "token": token })))
        .json();
    assert_eq!(
        (&user["userUid"], &user["role"]),
        (&json!(login), &json!("cashier"))
    );
    assert_eq!(
        market
            .ask("POST", "/context/user", Some(&json!({ "token": token })))
            .code(),
        Some(3007)
    );
    assert_eq!(
        market
            .ask("POST", "/context/user", Some(&json!({ "token": "" })))
            .code(),
        Some(3008)
    );
    let foreign = Solution::draft("other.example", "http://127.0.0.1:1");
    market.fake.add_solution(foreign.clone());
    let key = market.fake.context_key(foreign.id, account, "admin@kofe");
    assert_eq!(
        market.ask("POST", &format!("/context/{key}"), None).status,
        403
    );
    market.fake.advance(std::time::Duration::from_secs(301));
    let mut claims = market.claims();
    claims["iat"] = json!(claims["iat"].as_u64().unwrap() + 301);
    assert_eq!(
        market
            .ask_with(&claims, "POST", &format!("/context/{late}"), None)
            .status,
        404
    );
}

#[test]
fn a_draft_is_another_solution_and_its_requests_weigh_four() {
    let market = market(Says::json(r#"{"status":"Activated"}"#));
    let draft = Solution::draft("loyalty-draft.example", &market.receiver.url);
    market.fake.add_solution(draft.clone());
    market.install();
    assert_eq!(
        market.fake.install(draft.id, market.account),
        Some(Status::Activated)
    );
    let token = market.fake.app_token(draft.id, market.account).unwrap();
    assert_eq!(
        Client::new(market.fake.api(), &token)
            .get("/entity/store")
            .status,
        200
    );
    assert_eq!(
        market.fake.requests(market.account).last().unwrap().units,
        4
    );
    let path = format!("/apps/{}/{}/status", draft.id, market.account);
    assert_eq!(
        market.ask("GET", &path, None).status,
        404,
        "it answers to its own key only"
    );
}
