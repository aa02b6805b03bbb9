//! Who may call, how often a token is good, and what cannot be read.

use futures::executor::block_on;
use sklad_moysklad::vendor::accounts::{self, State};
use sklad_moysklad::vendor::{self, jwt};

use crate::world::{
    ACCOUNT, APP, Answer, DRAFT_SECRET, OTHER, SECRET, World, app, path, put_body, world,
};

const ID: &str = "X_Lognex_RequestId";

fn install(w: &World, headers: &[(&str, &str)], token: &str) -> Answer {
    let body = put_body("Install", Some(token)).to_string();
    w.request("PUT", &path(APP, ACCOUNT), headers, body.as_bytes())
}

#[test]
fn only_a_token_of_this_solution_lets_in() {
    let w = world();
    let good = w.token(SECRET);
    let (signed, _) = good.rsplit_once('.').unwrap();
    let old = jwt::sign(SECRET, "", "old", w.now_s() - 1000);
    for bearer in [
        String::new(),
        "Bearer ".to_owned(),
        good.clone(),
        format!("Basic {good}"),
        format!("Bearer {signed}."),
        format!("Bearer {}", w.token("another secret of somebody")),
        format!("Bearer {}", w.token(DRAFT_SECRET)),
        format!("Bearer {old}"),
        // {"alg":"none"} before the payload of a good one.
        format!(
            "Bearer eyJhbGciOiJub25lIn0.{}.",
            signed.split('.').nth(1).unwrap()
        ),
    ] {
        let answer = install(&w, &[("authorization", &bearer)], "token-1");
        assert_eq!(answer.status, 401, "{bearer}");
        assert!(answer.body["errors"][0]["error"].is_string());
    }
    assert_eq!(install(&w, &[], "token-1").status, 401);
    let unknown = path("99999999-6a17-48b7-9fe5-b2000eb807fe", ACCOUNT);
    let bearer = format!("bearer {good}");
    let headers = [("authorization", bearer.as_str())];
    assert_eq!(w.request("PUT", &unknown, &headers, b"{}").status, 401);
    assert_eq!(w.count("moysklad_accounts"), 0);
    assert_eq!(
        w.count("moysklad_calls"),
        0,
        "nothing is kept of a stranger"
    );
    assert_eq!(install(&w, &headers, "token-1").status, 200);
}

#[test]
fn a_token_is_good_once_and_its_call_again_gets_the_same_answer() {
    let w = world();
    let bearer = format!("Bearer {}", w.token(SECRET));
    let with = |id: (&'static str, &'static str)| [("authorization", bearer.as_str()), id];
    let first = install(&w, &with((ID, "r-1")), "token-1");
    assert_eq!(first.told(), "SettingsRequired");
    // The same call, also where a proxy has made hyphens of the underscores.
    for name in [ID, "X-Lognex-RequestId"] {
        assert_eq!(install(&w, &with((name, "r-1")), "token-1"), first);
    }
    // The token in another call.
    assert_eq!(install(&w, &with((ID, "r-2")), "token-1").status, 401);
    assert_eq!(install(&w, &with((ID, "r-1")), "token-2").status, 401);
    assert_eq!(
        install(&w, &[("authorization", &bearer)], "token-1").status,
        401
    );
    let elsewhere = w.request("PUT", &path(APP, OTHER), &with((ID, "r-1")), b"{}");
    assert_eq!(elsewhere.status, 401);
    assert_eq!(
        w.request("DELETE", &path(APP, ACCOUNT), &with((ID, "r-1")), b"{}")
            .status,
        401
    );
    let account = w.account().unwrap();
    assert_eq!(
        (account.state, w.count("moysklad_accounts")),
        (State::SettingsRequired, 1)
    );
}

#[test]
fn the_same_answer_comes_also_when_the_state_has_moved_on() {
    let w = world();
    let bearer = format!("Bearer {}", w.token(SECRET));
    let headers = [("authorization", bearer.as_str()), (ID, "r-1")];
    let first = install(&w, &headers, "token-1");
    w.later(1_000);
    assert_eq!(w.delete("Uninstall").status, 200);
    assert_eq!(install(&w, &headers, "token-1"), first);
    assert_eq!(
        w.account().unwrap().state,
        State::Uninstalled,
        "without its effect"
    );
}

#[test]
fn calls_are_forgotten_when_their_tokens_are_no_good_any_more() {
    let w = world();
    for _ in 0..5 {
        w.put("Install", Some("token-1"));
    }
    assert_eq!(w.count("moysklad_calls"), 5);
    w.later((jwt::MAX_LIFE_S + jwt::LEEWAY_S) * 1000);
    w.put("Install", Some("token-1"));
    assert_eq!(w.count("moysklad_calls"), 1);
}

#[test]
fn what_cannot_be_read_or_is_not_there_is_told() {
    let w = world();
    let send = |method: &str, path: &str, body: &[u8]| {
        let bearer = format!("Bearer {}", w.token(SECRET));
        w.request(method, path, &[("authorization", &bearer)], body)
            .status
    };
    let here = path(APP, ACCOUNT);
    for body in [
        &b"{"[..],
        b"[]",
        b"\xff\xfe",
        br#"{"cause": 5}"#,
        br#"{"access": "x"}"#,
    ] {
        assert_eq!(send("PUT", &here, body), 400);
    }
    assert_eq!(send("PUT", &here, &vec![b' '; vendor::BODY_LIMIT + 1]), 413);
    assert_eq!(send("POST", &here, b"{}"), 405);
    assert_eq!(send("GET", &format!("{here}/event"), b""), 405);
    for path in [
        path(APP, "x"),
        path("x", ACCOUNT),
        path(APP, "..%2f.."),
        format!("{here}/"),
        format!("{here}/button"),
        format!("{here}/event/x"),
        "/api/moysklad/vendor/1.0/apps/".to_owned(),
    ] {
        assert_eq!(send("PUT", &path, b"{}"), 404, "{path}");
    }
    assert_eq!(w.count("moysklad_accounts"), 0);
}

#[test]
fn a_fault_of_ours_lets_the_call_be_repeated() {
    let w = world();
    w.app
        .sql
        .batch("ALTER TABLE moysklad_accounts RENAME TO gone")
        .unwrap();
    let bearer = format!("Bearer {}", w.token(SECRET));
    let headers = [("authorization", bearer.as_str()), (ID, "r-1")];
    assert_eq!(
        install(&w, &headers, "token-1").status,
        503,
        "4xx would be the end"
    );
    w.app
        .sql
        .batch("ALTER TABLE gone RENAME TO moysklad_accounts")
        .unwrap();
    assert_eq!(install(&w, &headers, "token-1").told(), "SettingsRequired");
}

#[test]
fn calls_at_the_same_moment_have_one_effect() {
    let w = world();
    let now = w.now.get();
    let requests: Vec<_> = (0..8)
        .map(|i| {
            (
                format!("Bearer {}", w.token(SECRET)),
                format!("token-{}", i % 2),
            )
        })
        .collect();
    let answers: Vec<u16> = std::thread::scope(|scope| {
        let call = |(bearer, token): &(String, String)| {
            let app = app(w.dir.path());
            let request = http::Request::put(path(APP, ACCOUNT)).header("authorization", bearer);
            let body = put_body("Install", Some(token)).to_string();
            let request = request.body(body.into()).unwrap();
            block_on(vendor::handle(&app, now, request))
                .status()
                .as_u16()
        };
        let threads: Vec<_> = requests
            .iter()
            .map(|r| scope.spawn(move || call(r)))
            .collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    assert_eq!(answers, [200; 8]);
    assert_eq!(
        (w.count("moysklad_accounts"), w.count("moysklad_calls")),
        (1, 8)
    );
}

#[test]
fn one_token_at_the_same_moment_has_one_effect() {
    let w = world();
    let now = w.now.get();
    let bearer = format!("Bearer {}", w.token(SECRET));
    let answers: Vec<u16> = std::thread::scope(|scope| {
        let (bearer, dir) = (&bearer, w.dir.path());
        let call = move |i: i32| {
            let app = app(dir);
            let body = put_body("Install", Some(&format!("token-{i}"))).to_string();
            let request = http::Request::put(path(APP, ACCOUNT))
                .header("authorization", bearer)
                .body(body.into());
            block_on(vendor::handle(&app, now, request.unwrap()))
                .status()
                .as_u16()
        };
        let threads: Vec<_> = (0..6).map(|i| scope.spawn(move || call(i))).collect();
        threads.into_iter().map(|t| t.join().unwrap()).collect()
    });
    let accepted = answers.iter().filter(|status| **status == 200).count();
    let refused = answers.iter().filter(|status| **status == 401).count();
    assert_eq!((accepted, refused), (1, 5), "{answers:?}");
}

#[test]
fn no_secret_is_in_the_database() {
    let w = World::at_work();
    let key = w.apps.key().unwrap();
    let session = w.open(ACCOUNT, true);
    w.app.sql.batch("PRAGMA wal_checkpoint(TRUNCATE)").unwrap();
    let stored = std::fs::read(w.dir.path().join("db")).unwrap();
    for secret in ["token-1", &key, &session, SECRET, crate::world::PASSWORD] {
        let bytes = secret.as_bytes();
        assert!(
            !stored.windows(bytes.len()).any(|part| part == bytes),
            "{secret}"
        );
    }
    assert!(
        stored
            .windows(ACCOUNT.len())
            .any(|part| part == ACCOUNT.as_bytes())
    );
}

#[test]
fn a_connection_by_hand_stands_beside_a_solution() {
    use sklad_moysklad::api::Access;
    let w = World::at_work();
    let (sql, master) = (&w.app.sql, crate::world::MASTER.as_bytes());
    let typed = Access::Login {
        login: "admin@shop".into(),
        password: "p".into(),
    };
    let now = w.now.get();
    w.cabinet("other");
    for tenant in ["demo", "other", "other"] {
        block_on(accounts::connect(sql, master, tenant, &typed, now)).unwrap();
    }
    assert_eq!(w.count("moysklad_accounts"), 3);
    let through = |tenant: &str| {
        block_on(accounts::connection(sql, tenant))
            .unwrap()
            .unwrap()
    };
    assert_eq!(
        through("demo").app_id,
        APP,
        "the solution's token goes first"
    );
    let by_hand = through("other");
    assert_eq!(by_hand.app_id, "");
    assert!(by_hand.access(master).unwrap() == Some(typed));
    block_on(sklad_store::Sql::atomic(
        sql,
        vec![accounts::named("other", OTHER, "o")],
    ))
    .unwrap();
    assert_eq!(through("other").account, OTHER);
    w.delete("Suspend");
    assert_eq!(through("demo").app_id, "", "what is left");
}
