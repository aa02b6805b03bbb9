//! Settings and keys over the native stores.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::cell::Cell;

use futures::executor::block_on;
use sklad_store::native::{MemoryKv, NativeSql};
use sklad_store::{Kv, KvError, Sql, Statement};
use sklad_tenant::settings::{self, CLAIM_MS};
use sklad_tenant::{App, Config, Error, NEGATIVE_TTL_MS, Settings, Slug, TENANT_TTL_MS, keys};

const OPERATOR: &str = "operator-token-of-the-tests";

const NOW: i64 = 1_700_000_000_000;

/// Key-value that counts its reads.
#[derive(Default)]
struct CountingKv {
    inner: MemoryKv,
    reads: Cell<usize>,
}

impl Kv for CountingKv {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        self.reads.set(self.reads.get() + 1);
        self.inner.get(key).await
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), KvError> {
        self.inner.set(key, value).await
    }

    async fn delete(&self, key: &str) -> Result<(), KvError> {
        self.inner.delete(key).await
    }
}

struct World {
    app: App<NativeSql, CountingKv>,
    _dir: tempfile::TempDir,
}

fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let sql = NativeSql::open(&dir.path().join("db")).unwrap();
    let config = Config::new(
        Some(OPERATOR),
        Some("master-key-of-the-tests"),
        "sklad.example",
    )
    .unwrap();
    World {
        app: App::new(sql, CountingKv::default(), config),
        _dir: dir,
    }
}

fn slug(text: &str) -> Slug {
    text.parse().unwrap()
}

fn named(name: &str) -> Settings {
    Settings {
        name: name.to_owned(),
        ..Settings::default()
    }
}

fn create(w: &World, name: &str) -> Result<Settings, Error> {
    block_on(settings::create(
        &w.app.sql,
        &w.app.kv,
        &slug(name),
        named(name),
        NOW,
    ))
}

fn replace(w: &World, name: &str, if_match: u64, at: i64) -> Result<Settings, Error> {
    let new = named("new name");
    block_on(settings::replace(
        &w.app.sql,
        &w.app.kv,
        &slug(name),
        if_match,
        new,
        at,
    ))
}

#[test]
fn a_tenant_is_created_once() {
    let w = world();
    assert_eq!(create(&w, "demo").unwrap().version, 1);
    assert_eq!(create(&w, "demo"), Err(Error::Exists));
    create(&w, "another").unwrap();
    let all = block_on(settings::list(&w.app.sql, None, 10)).unwrap();
    let names: Vec<_> = all.iter().map(|(slug, _)| slug.as_str()).collect();
    assert_eq!(names, ["another", "demo"]);
    let rest = block_on(settings::list(&w.app.sql, Some("another"), 10)).unwrap();
    assert_eq!(rest.len(), 1);
}

#[test]
fn a_creation_that_died_in_the_middle_can_be_repeated() {
    let w = world();
    let row = Statement::new("INSERT INTO tenants VALUES ('demo', 1, ?1, ?1)").bind(NOW);
    block_on(w.app.sql.atomic(vec![row])).unwrap();
    assert_eq!(create(&w, "demo"), Err(Error::Exists));
    let later = NOW + CLAIM_MS + 1;
    let s = block_on(settings::create(
        &w.app.sql,
        &w.app.kv,
        &slug("demo"),
        named("x"),
        later,
    ));
    assert_eq!(s.unwrap().version, 2);
    assert_eq!(replace(&w, "demo", 2, later).unwrap().version, 3);
}

#[test]
fn a_change_from_an_old_version_is_refused() {
    let w = world();
    create(&w, "demo").unwrap();
    assert_eq!(replace(&w, "demo", 1, NOW).unwrap().version, 2);
    assert_eq!(replace(&w, "demo", 1, NOW), Err(Error::Stale));
    assert_eq!(replace(&w, "demo", 7, NOW), Err(Error::Stale));
    assert_eq!(replace(&w, "other", 1, NOW), Err(Error::NotFound));
}

#[test]
fn of_two_writers_that_read_the_same_version_one_wins() {
    let w = world();
    create(&w, "demo").unwrap();
    // The other writer has claimed the version and has not written the document yet.
    let claim =
        Statement::new("UPDATE tenants SET settings_version = 2, claimed_at = ?1").bind(NOW);
    block_on(w.app.sql.atomic(vec![claim])).unwrap();
    assert_eq!(replace(&w, "demo", 1, NOW + 1), Err(Error::Stale));
    assert_eq!(replace(&w, "demo", 1, NOW + CLAIM_MS), Err(Error::Stale));
    // It died: the next one takes over, and only one.
    assert_eq!(
        replace(&w, "demo", 1, NOW + CLAIM_MS + 1).unwrap().version,
        3
    );
    assert_eq!(
        replace(&w, "demo", 1, NOW + CLAIM_MS + 1),
        Err(Error::Stale)
    );
    assert_eq!(
        replace(&w, "demo", 3, NOW + CLAIM_MS + 2).unwrap().version,
        4
    );
}

fn place(json: &str) -> String {
    match Settings::parse(json.as_bytes()) {
        Err(Error::Invalid(problems)) => problems[0].path.clone(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_is_wrong_comes_with_its_place() {
    assert_eq!(place(r#"{"name": "x", "nmae": 1}"#), "nmae");
    assert_eq!(
        place(r#"{"name": "x", "customers": {"create": 1}}"#),
        "customers.create"
    );
    let tier = r#"{"name": "x", "programme": {"tiers": {"levels": [{"idd": "a"}]}}}"#;
    assert_eq!(place(tier), "programme.tiers.levels.0.idd");
    assert_eq!(place(r#"{"name": ""}"#), "name");
    assert_eq!(
        place(r#"{"name": "x", "timezone_minutes": 841}"#),
        "timezone_minutes"
    );
    assert_eq!(place(r#"{"name": "x"} x"#), "");
    assert!(Settings::parse(br#"{"name": "x"}"#).is_ok());
}

#[test]
fn a_key_is_shown_once_and_stored_as_a_hash() {
    let w = world();
    create(&w, "demo").unwrap();
    let token = block_on(keys::issue(&w.app.kv, &slug("demo"), "касса", NOW)).unwrap();
    assert!(token.text.starts_with(keys::PREFIX) && token.text.len() > 30);
    let found = block_on(w.app.tenant_of_token(&token.text, NOW))
        .unwrap()
        .unwrap();
    assert_eq!(found.slug.as_str(), "demo");
    for key in ["tenant-keys/demo", "tenant/demo"] {
        let stored = block_on(w.app.kv.get(key)).unwrap().unwrap();
        assert!(!String::from_utf8(stored).unwrap().contains(&token.text));
    }
    let bad = format!("{}x", token.text);
    for refused in ["", "x", &bad, &token.text.to_lowercase(), &"x".repeat(9999)] {
        assert!(
            block_on(w.app.tenant_of_token(refused, NOW))
                .unwrap()
                .is_none()
        );
    }
}

#[test]
fn rotation_keeps_two_keys_and_no_third() {
    let w = world();
    create(&w, "demo").unwrap();
    create(&w, "other").unwrap();
    let issue = |name| block_on(keys::issue(&w.app.kv, &slug(name), "", NOW));
    let (old, new) = (issue("demo").unwrap(), issue("demo").unwrap());
    assert_eq!(issue("demo").err(), Some(Error::TooManyKeys));
    assert_eq!(issue("nobody").err(), Some(Error::NotFound));
    let other = issue("other").unwrap();
    let works = |text: &str, at| {
        let tenant = block_on(w.app.tenant_of_token(text, at)).unwrap();
        tenant.map(|t| t.slug.to_string())
    };
    assert_eq!(works(&old.text, NOW).as_deref(), Some("demo"));
    assert_eq!(works(&new.text, NOW).as_deref(), Some("demo"));
    assert_eq!(works(&other.text, NOW).as_deref(), Some("other"));

    let revoke = |name, id: &str| block_on(keys::revoke(&w.app.kv, &slug(name), id));
    assert_eq!(revoke("other", &old.key.id), Err(Error::NotFound));
    revoke("demo", &old.key.id).unwrap();
    assert_eq!(works(&old.text, NOW + TENANT_TTL_MS), None);
    assert_eq!(
        works(&new.text, NOW + TENANT_TTL_MS).as_deref(),
        Some("demo")
    );
    let listed = block_on(keys::list(&w.app.kv, &slug("demo"))).unwrap();
    assert_eq!(listed, [new.key]);
    issue("demo").unwrap();
}

#[test]
fn a_key_that_is_not_listed_does_not_work() {
    let w = world();
    create(&w, "demo").unwrap();
    let token = block_on(keys::issue(&w.app.kv, &slug("demo"), "", NOW)).unwrap();
    block_on(w.app.kv.set("tenant-keys/demo", b"[]")).unwrap();
    assert!(
        block_on(w.app.tenant_of_token(&token.text, NOW))
            .unwrap()
            .is_none()
    );
}

#[test]
fn a_hot_request_reads_nothing() {
    let w = world();
    create(&w, "demo").unwrap();
    let token = block_on(keys::issue(&w.app.kv, &slug("demo"), "", NOW)).unwrap();
    let mut reads = Vec::new();
    for at in [0, 1, TENANT_TTL_MS - 1, TENANT_TTL_MS, TENANT_TTL_MS + 1] {
        let before = w.app.kv.reads.get();
        assert!(
            block_on(w.app.tenant_of_token(&token.text, NOW + at))
                .unwrap()
                .is_some()
        );
        reads.push(w.app.kv.reads.get() - before);
    }
    assert_eq!(reads, [3, 0, 0, 3, 0]);
    let unknown = format!("{}unknown", keys::PREFIX);
    let mut reads = Vec::new();
    for at in [0, NEGATIVE_TTL_MS - 1, NEGATIVE_TTL_MS] {
        let before = w.app.kv.reads.get();
        assert!(
            block_on(w.app.tenant_of_token(&unknown, NOW + at))
                .unwrap()
                .is_none()
        );
        assert!(
            block_on(w.app.tenant(&slug("nobody"), NOW + at))
                .unwrap()
                .is_none()
        );
        reads.push(w.app.kv.reads.get() - before);
    }
    assert_eq!(reads, [2, 0, 2]);
}

#[test]
fn a_change_is_seen_at_once_here_and_soon_elsewhere() {
    let w = world();
    create(&w, "demo").unwrap();
    let seen = |at| {
        let tenant = block_on(w.app.tenant(&slug("demo"), at)).unwrap().unwrap();
        let settings = tenant.all_settings().unwrap();
        (tenant.settings.version, settings.name)
    };
    assert_eq!(seen(NOW), (1, "demo".to_owned()));
    replace(&w, "demo", 1, NOW).unwrap();
    assert_eq!(seen(NOW), (1, "demo".to_owned()));
    let new = (2, "new name".to_owned());
    assert_eq!(seen(NOW + TENANT_TTL_MS), new);
    w.app.forget();
    assert_eq!(seen(NOW), new);
}

#[test]
fn only_the_operators_token_is_the_operators() {
    let config = Config::new(Some(&format!(" {OPERATOR}\n")), None, "").unwrap();
    assert!(config.is_operator(OPERATOR));
    assert!(!config.is_operator(&OPERATOR[1..]));
    assert!(!config.is_operator(""));
    assert!(!Config::default().is_operator(""));
    assert!(Config::new(Some(" "), None, "").is_err());
    assert!(Config::new(None, Some("short"), "").is_err());
}
