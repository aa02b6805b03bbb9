//! Processes that are killed while they work.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use futures::executor::block_on;
use sklad_jobs::job::{Claim, LEASE_MS, Progress, Step, ask};
use sklad_jobs::tick::Tick;
use sklad_store::native::NativeSql;
use sklad_store::{Clock, Sql, SqlError, Statement};

use crate::world::{Does, START, Vendor, all_done, done, failed, more, world};

/// The pages of a run.
const PAGES: i64 = 10;
const DATABASE: &str = "SKLAD_JOBS_TEST_DATABASE";
const NOW: &str = "SKLAD_JOBS_TEST_NOW";

/// A clock that begins at a moment and goes on as time does.
struct RealClock {
    from: i64,
    began: std::time::Instant,
}

impl Clock for RealClock {
    fn now_ms(&self) -> i64 {
        self.from + i64::try_from(self.began.elapsed().as_millis()).unwrap()
    }

    async fn pause(&self) {
        self.sleep(0).await;
    }

    async fn sleep(&self, ms: u32) {
        let until = self.now_ms() + i64::from(ms);
        let mut polled = false;
        std::future::poll_fn(|cx| {
            if polled && self.now_ms() >= until {
                return std::task::Poll::Ready(());
            }
            polled = true;
            std::thread::sleep(Duration::from_micros(200));
            cx.waker().wake_by_ref();
            std::task::Poll::Pending
        })
        .await;
    }
}

/// Works until nothing is due. Each page of a run is one effect, written together with the cursor; between
/// two pages pass `page_ms`.
pub fn work(database: &Path, from: i64, page_ms: u32) {
    let sql = NativeSql::open(database).unwrap();
    let clock = RealClock {
        from,
        began: std::time::Instant::now(),
    };
    let job = async |claim: &Claim, _| {
        let mut page: i64 = claim.cursor.as_deref().map_or(0, |c| c.parse().unwrap());
        for _ in 0..3 {
            page += 1;
            clock.sleep(page_ms).await;
            let effect = Statement::new("INSERT INTO effects VALUES (?1, ?2)");
            let effect = effect.bind(&claim.tenant).bind(page);
            let save = claim.save(&page.to_string(), Progress::default(), clock.now_ms());
            match sql.atomic(vec![effect, save]).await {
                Ok(_) if page == PAGES => return done(),
                Ok(_) => {}
                Err(SqlError::Conflict) => break,
                Err(_) => return failed(true),
            }
        }
        more(&page.to_string())
    };
    let tick = Tick {
        sql: &sql,
        http: &Vendor::default(),
        clock: &clock,
        runner: &Does {
            job: async |claim: &Claim, _| -> Step { job(claim, 0).await },
            inbox: all_done,
        },
    };
    block_on(tick.run(60_000, true)).unwrap();
}

/// Not a test of its own: the process that the next one kills.
#[test]
fn a_process_that_works() {
    let (Some(database), Ok(now)) = (std::env::var_os(DATABASE), std::env::var(NOW)) else {
        return;
    };
    work(Path::new(&database), now.parse().unwrap(), 3);
}

#[test]
fn a_process_that_is_killed_while_it_holds_leases_doubles_and_loses_nothing() {
    let w = world();
    w.sql
        .batch("CREATE TABLE effects (tenant TEXT NOT NULL, n INTEGER NOT NULL)")
        .unwrap();
    for n in 0..30 {
        w.write(ask(&format!("t{n}"), "import", "", START));
    }
    let database = w.dir.path().join("db");
    let effects = || w.rows("SELECT 1 FROM effects").len();
    let mut now = START;
    for n in 0..5 {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "killed::a_process_that_works"])
            .env(DATABASE, &database)
            .env(NOW, now.to_string())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        while effects() < 25 + 40 * n {
            assert!(
                process.try_wait().unwrap().is_none(),
                "it ended before it was killed"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
        process.kill().unwrap();
        process.wait().unwrap();
        // The leases of the dead have ended.
        now += LEASE_MS + 10_000;
    }
    assert!(effects() < 300);
    work(&database, now, 0);
    let all =
        w.rows("SELECT tenant, count(*), count(DISTINCT n), max(n) FROM effects GROUP BY tenant");
    assert_eq!(all.len(), 30);
    let whole = [Some(PAGES); 3];
    assert!(
        all.iter()
            .all(|row| [row.int(1), row.int(2), row.int(3)] == whole),
        "{all:?}"
    );
    let idle = w.rows("SELECT 1 FROM jobs WHERE state = 'idle'");
    assert_eq!(idle.len(), 30);
}
