//! The jobs of the import from МойСклад: when there are any, and what stops them.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::cell::Cell;

use bytes::Bytes;
use futures::executor::block_on;
use http::{Method, Request};
use sklad_connections::Connection;
use sklad_insales::plan as shops;
use sklad_jobs::job;
use sklad_moysklad::api::Access;
use sklad_moysklad::sync::plan::{self, CHANGES, Changed, GOODS};
use sklad_moysklad::vendor::accounts::{self, Account, State};
use sklad_store::native::{MemoryKv, NativeSql};
use sklad_store::{Call, Clock, Http, HttpError, Sql, Statement};
use sklad_tenant::{App, Config, MoySklad, Settings};

const TOKEN: &str = "operator-token-of-the-tests";
const MASTER: &str = "master-key-of-the-tests";
const START: i64 = 1_795_300_000_000;
const HOUR: i64 = 60 * 60 * 1000;

struct Steps(Cell<i64>);

impl Clock for Steps {
    fn now_ms(&self) -> i64 {
        self.0.get()
    }

    async fn pause(&self) {
        self.sleep(1).await;
    }

    async fn sleep(&self, ms: u32) {
        self.0.set(self.0.get() + i64::from(ms));
    }
}

/// МойСклад that knows nobody.
struct Closed(Cell<usize>);

impl Http for Closed {
    async fn send(&self, _: Call) -> Result<http::Response<Bytes>, HttpError> {
        self.0.set(self.0.get() + 1);
        let answer = http::Response::builder().status(401);
        Ok(answer.body(Bytes::new()).unwrap())
    }
}

struct World {
    app: App<NativeSql, MemoryKv>,
    clock: Steps,
    closed: Closed,
    _dir: tempfile::TempDir,
}

fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let sql = NativeSql::open(&dir.path().join("db")).unwrap();
    let config = Config::new(Some(TOKEN), Some(MASTER), "").unwrap();
    let app = App::new(sql, MemoryKv::default(), config);
    let settings = Settings {
        name: "Лавка".into(),
        ..Settings::default()
    };
    let slug = "kofe".parse().unwrap();
    let made = sklad_tenant::settings::create(&app.sql, &app.kv, &slug, settings, START);
    block_on(made).unwrap();
    World {
        app,
        clock: Steps(Cell::new(START)),
        closed: Closed(Cell::new(0)),
        _dir: dir,
    }
}

impl World {
    fn tick(&self) {
        let request = Request::builder()
            .method(Method::POST)
            .uri("/internal/tick?once=true")
            .header("authorization", format!("Bearer {TOKEN}"))
            .body(())
            .unwrap();
        let answer = block_on(sklad_sync::handle(
            &self.app,
            &self.closed,
            &self.clock,
            request,
        ));
        assert_eq!(answer.status(), 200);
    }

    fn connect(&self) {
        let token = Access::Token("token".into());
        let (sql, now) = (&self.app.sql, self.clock.now_ms());
        block_on(accounts::connect(
            sql,
            MASTER.as_bytes(),
            "kofe",
            &token,
            now,
        ))
        .unwrap();
    }

    /// Puts a solution on the account into this state, with a token where it is on.
    fn solution(&self, state: State) {
        let json = r#"[{"appId": "5f3c5489-6a17-48b7-9fe5-b2000eb807fe", "appUid": "a.b",
            "secretKey": "a secret of the tests"}]"#;
        let solutions = MoySklad::new("", "", json).unwrap().solutions;
        let id = "f088b0a7-9490-4a57-b804-393163e7680f";
        let known = block_on(accounts::find(&self.app.sql, &solutions[0].app_id, id)).unwrap();
        let mut account = known.unwrap_or_else(|| Account::installed(&solutions[0], id));
        account.bind(MASTER.as_bytes(), "kofe").unwrap();
        account.state = state;
        let token = state.is_on().then(|| Access::Token("token".into()));
        account
            .set_access(MASTER.as_bytes(), token.as_ref())
            .unwrap();
        block_on(self.app.sql.atomic(vec![account.save(START)])).unwrap();
    }

    fn plan(&self, changed: Changed) {
        block_on(plan::plan(&self.app, "kofe", changed, self.clock.now_ms()));
    }

    fn job(&self, id: &str) -> Option<job::Line> {
        block_on(job::get(&self.app.sql, "kofe", id, self.clock.now_ms())).unwrap()
    }

    fn state(&self, id: &str) -> Option<String> {
        self.job(id).map(|job| job.state)
    }

    fn ask(&self) {
        let asked = job::ask("kofe", GOODS, "", self.clock.now_ms());
        block_on(self.app.sql.atomic(vec![asked])).unwrap();
    }

    fn last_error(&self) -> Option<String> {
        let found = block_on(accounts::connection(&self.app.sql, "kofe")).unwrap();
        found.unwrap().last_error
    }

    /// Somebody else takes this job.
    fn taken(&self, kind: &str) -> job::Claim {
        let now = self.clock.now_ms();
        let asked = job::ask("kofe", kind, "", now);
        block_on(self.app.sql.atomic(vec![asked])).unwrap();
        loop {
            let taken = job::take(&self.app.sql, format!("{kind}{now}"), now);
            let claim = block_on(taken).unwrap().unwrap();
            if claim.kind == kind {
                return claim;
            }
            // Others that are due end at once.
            let done = job::Step::Done {
                result: job::RunResult::Ok,
                text: String::new(),
                memory: None,
                progress: job::Progress::default(),
            };
            block_on(self.app.sql.atomic(claim.give_back(&done, now, 0))).unwrap();
        }
    }

    fn told(&self) -> Vec<String> {
        let statement = Statement::new("SELECT text FROM journal WHERE action = 'job'");
        let rows = block_on(self.app.sql.query(statement)).unwrap();
        rows.iter().map(|row| row.string(0)).collect()
    }
}

#[test]
fn the_jobs_are_what_connection_and_settings_call_for() {
    let w = world();
    w.plan(Changed::Settings);
    assert_eq!(w.state(GOODS), None, "nothing is connected");
    w.solution(State::SettingsRequired);
    w.plan(Changed::Connection);
    assert_eq!(w.state(GOODS).as_deref(), Some("waiting"));
    assert_eq!(w.state(CHANGES).as_deref(), Some("waiting"));
    w.solution(State::Suspended);
    w.plan(Changed::Connection);
    for kind in [GOODS, CHANGES] {
        let job = w.job(kind).unwrap();
        assert_eq!(
            (job.state.as_str(), job.schedule, job.next_at),
            ("idle", None, None)
        );
    }
    w.solution(State::Activated);
    w.plan(Changed::Connection);
    assert!(w.job(GOODS).unwrap().next_at.is_some());
    w.solution(State::Uninstalled);
    w.plan(Changed::Connection);
    assert_eq!((w.state(GOODS), w.state(CHANGES)), (None, None));
}

#[test]
fn what_was_not_planned_is_planned_by_the_job_of_the_tenants() {
    let w = world();
    w.connect();
    assert_eq!(w.state(GOODS), None, "the host died before");
    w.tick();
    assert_eq!(w.state(GOODS).as_deref(), Some("waiting"));
    block_on(w.app.sql.atomic(vec![accounts::disconnect("kofe")])).unwrap();
    w.clock.0.set(START + 25 * HOUR);
    w.tick();
    w.clock.0.set(START + 50 * HOUR);
    w.tick();
    assert_eq!((w.state(GOODS), w.state(CHANGES)), (None, None));
}

#[test]
fn the_jobs_of_a_shop_follow_the_time_zone_within_an_hour() {
    let w = world();
    let mut shop = Connection::new("kofe", "main", "insales", "Магазин").unwrap();
    shop.settings = r#"{"shop": "a.myinsales.ru"}"#.to_owned();
    shop.enabled = true;
    let planned = shops::statements(&shop, 600, shops::Changed::Settings, START);
    block_on(
        w.app
            .sql
            .atomic([vec![shop.insert(START)], planned].concat()),
    )
    .unwrap();
    w.tick();
    let id = job::id(shops::RECONCILE, &shop.id);
    let nightly = block_on(job::get(&w.app.sql, "kofe", &id, START))
        .unwrap()
        .unwrap();
    let schedule = nightly.schedule.unwrap();
    assert_eq!(schedule["zone_minutes"], 180, "the tenant's");
}

#[test]
fn a_token_that_is_not_good_is_not_tried_again_and_told_once() {
    let w = world();
    w.connect();
    w.plan(Changed::Connection);
    w.ask();
    w.tick();
    // The requests of one step, which are sent at once.
    let sent = w.closed.0.get();
    assert!((1..=8).contains(&sent), "{sent}");
    for _ in 0..3 {
        // Before the changes' turn comes.
        w.clock.0.set(w.clock.now_ms() + 1_000);
        w.tick();
    }
    assert_eq!(w.closed.0.get(), sent);
    let job = w.job(GOODS).unwrap();
    assert_eq!(job.state, "dead");
    assert!(
        job.last_text.contains("не принимает токен"),
        "{}",
        job.last_text
    );
    assert_eq!(w.told().len(), 1);
    let noted = w.last_error().unwrap();
    assert!(noted.contains("не принимает токен"), "{noted}");
    w.plan(Changed::Settings);
    assert_eq!(
        w.state(GOODS).as_deref(),
        Some("dead"),
        "settings mend nothing"
    );
    w.connect();
    assert_eq!(w.last_error(), None, "that was another one");
    w.plan(Changed::Connection);
    w.tick();
    assert!(w.closed.0.get() > sent, "the new one is tried");
}

#[test]
fn a_connection_that_is_gone_is_told_and_not_tried_again() {
    let w = world();
    w.connect();
    w.plan(Changed::Connection);
    block_on(w.app.sql.atomic(vec![accounts::disconnect("kofe")])).unwrap();
    w.ask();
    w.tick();
    // The job of the tenants has removed it, or its step found nothing to read.
    assert!(matches!(w.state(GOODS).as_deref(), None | Some("dead")));
    assert_eq!(w.closed.0.get(), 0);
}

#[test]
fn of_the_two_imports_of_a_tenant_one_works_at_a_time() {
    let w = world();
    w.connect();
    w.plan(Changed::Connection);
    // Everything is being imported: changes come with it.
    let full = w.taken(GOODS);
    let changes = job::ask("kofe", CHANGES, "", w.clock.now_ms());
    block_on(w.app.sql.atomic(vec![changes])).unwrap();
    w.tick();
    let line = w.job(CHANGES).unwrap();
    assert_eq!(line.last_result.as_deref(), Some("ok"), "{line:?}");
    assert!(line.last_text.contains("загрузка всех товаров"), "{line:?}");
    let before = w.closed.0.get();

    // Changes are being imported: everything waits until they have made room, and not for longer.
    let now = w.clock.now_ms();
    let gone = full.give_back(
        &job::Step::Done {
            result: job::RunResult::Ok,
            text: String::new(),
            memory: None,
            progress: job::Progress::default(),
        },
        now,
        0,
    );
    block_on(w.app.sql.atomic(gone)).unwrap();
    w.clock.0.set(now + 1);
    let changes = w.taken(CHANGES);
    w.ask();
    w.tick();
    let line = w.job(GOODS).unwrap();
    assert_eq!((line.state.as_str(), line.done), ("waiting", 0));
    assert!(line.run_at.is_some());
    let of_goods = |w: &World| w.closed.0.get();
    assert_eq!(of_goods(&w), before, "nothing was asked for");
    let now = w.clock.now_ms();
    let step = job::Step::More {
        cursor: "null".to_owned(),
        progress: job::Progress::default(),
    };
    block_on(w.app.sql.atomic(changes.give_back(&step, now, 0))).unwrap();
    w.clock.0.set(now + 1_500);
    w.tick();
    assert!(of_goods(&w) > before, "everything's turn");
    assert_eq!(w.job(GOODS).unwrap().state, "dead", "the token is no good");
    assert!(w.job(CHANGES).unwrap().last_text.contains("всех товаров"));
}
