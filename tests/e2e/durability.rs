//! A 201 is on disk: the host is killed in the middle of sales, again and again.

use std::collections::{HashMap, HashSet, VecDeque};
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::fixture::*;

const SALES: usize = 1000;
const TILLS: usize = 8;
const BUYERS: usize = 20;
const POINTS: i64 = 10_000;
/// The host is killed when so many sales are acknowledged.
const KILLS: [usize; 3] = [150, 420, 760];

/// `sklad-edge up` in a process of its own; killed when dropped.
pub struct Host {
    process: Child,
    pub app: Arc<App>,
}

impl Host {
    /// Starts one on this state folder.
    pub fn up(state: &Path) -> Self {
        Self::up_at(state, "127.0.0.1:0", &[])
    }

    /// The same at an address, with more variables than those of every test.
    pub fn up_at(state: &Path, listen: &str, more: &[(&str, &str)]) -> Self {
        let mut command = Command::new(binary());
        command.args(["up", "--json", "--quiet", "--listen", listen, "--from"]);
        command.arg(manifest()).arg("--state-dir").arg(state);
        for (name, value) in variables().iter().chain(more) {
            command.arg("--variable").arg(format!("{name}={value}"));
        }
        let mut process = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let started: Value =
            serde_json::from_str(&line).expect("`sklad-edge up --json` tells its address");
        let app = Arc::new(App::of_tests(text(&started["base_url"])));
        Self { process, app }
    }

    /// SIGKILL: nothing is flushed, nobody is told.
    pub fn kill(&mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// The binary beside this test, or of the release build.
fn binary() -> PathBuf {
    let beside = std::env::current_exe()
        .unwrap()
        .ancestors()
        .nth(2)
        .unwrap()
        .join("sklad-edge");
    let release = root().join("target/release/sklad-edge");
    let found = [beside, release].into_iter().find(|path| path.is_file());
    found.expect("sklad-edge is missing: cargo build --release -p sklad-host")
}

struct Job {
    id: String,
    buyer: usize,
    spend: i64,
    earn: i64,
    body: Value,
    tried: AtomicBool,
    acknowledged: AtomicBool,
}

fn jobs(buyers: &[Value]) -> Vec<Job> {
    let job = |n: usize| {
        let buyer = n % BUYERS;
        let (spend, earn) = ((n % 7) as i64, (n % 11) as i64 + 1);
        let mut body = sale_of(&json!({ "agent": buyers[buyer], "positions": [line(100.0, 2.0)] }));
        body["name"] = json!(format!("{n:05}"));
        body["bonusProgram"] = json!({ "bonusValueToSpend": spend, "bonusValueToEarn": earn });
        Job {
            id: id_of(&body),
            buyer,
            spend,
            earn,
            body,
            tried: AtomicBool::new(false),
            acknowledged: AtomicBool::new(false),
        }
    };
    (0..SALES).map(job).collect()
}

/// Tills that send what is not acknowledged yet, until all is or the host is gone.
fn sell(shop: &Shop, jobs: &[Job], host: &mut Host, kill_at: Option<usize>) {
    let waiting = |job: &&Job| !job.acknowledged.load(SeqCst);
    let queue: Mutex<VecDeque<&Job>> = Mutex::new(jobs.iter().filter(waiting).collect());
    let acknowledged = AtomicUsize::new(jobs.iter().filter(|job| !waiting(job)).count());
    let working = AtomicUsize::new(TILLS);
    std::thread::scope(|scope| {
        for _ in 0..TILLS {
            scope.spawn(|| {
                let headers = [(KEY, shop.key.as_str())];
                let path = format!("{PREFIX}/retaildemand");
                loop {
                    let Some(job) = queue.lock().unwrap().pop_front() else {
                        break;
                    };
                    job.tried.store(true, SeqCst);
                    match shop
                        .app
                        .send("POST", &path, &headers, job.body.to_string().as_bytes())
                    {
                        Ok(answer) if answer.status == 201 => {
                            job.acknowledged.store(true, SeqCst);
                            acknowledged.fetch_add(1, SeqCst);
                        }
                        Ok(_) => queue.lock().unwrap().push_back(job),
                        Err(_) => break,
                    }
                }
                working.fetch_sub(1, SeqCst);
            });
        }
        let started = Instant::now();
        while working.load(SeqCst) > 0 {
            if kill_at.is_some_and(|at| acknowledged.load(SeqCst) >= at) {
                host.kill();
                break;
            }
            assert!(
                started.elapsed() < Duration::from_secs(120),
                "the tills hang"
            );
            std::thread::sleep(Duration::from_millis(1));
        }
    });
}

/// What is there after a kill: every acknowledged sale once, and none that was never sent.
fn verify(shop: &Shop, jobs: &[Job]) {
    let stored = shop.list("/sales");
    let ids: HashSet<String> = stored.iter().map(|sale| text(&sale["id"])).collect();
    assert_eq!(ids.len(), stored.len(), "a sale is there twice");
    let by_id: HashMap<&str, &Job> = jobs.iter().map(|job| (job.id.as_str(), job)).collect();
    for sale in &stored {
        let job = by_id
            .get(sale["id"].as_str().unwrap())
            .expect("a sale that nobody made");
        assert!(job.tried.load(SeqCst), "a sale before it was sent");
        assert_eq!(
            (&sale["spend"], &sale["earn"]),
            (&json!(job.spend), &json!(job.earn))
        );
        assert_eq!(sale["paid_kopecks"], json!(20_000));
    }
    let lost: Vec<_> = jobs
        .iter()
        .filter(|job| job.acknowledged.load(SeqCst) && !ids.contains(&job.id))
        .map(|job| &job.id)
        .collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    shop.check();
}

#[test]
fn no_acknowledged_sale_is_lost_or_doubled_when_the_host_is_killed() {
    if skipped_outside("killing the host") {
        return;
    }
    let state = tempfile::tempdir().unwrap();
    let mut host = Host::up(state.path());
    let mut shop = Shop::with(host.app.clone(), json!({}));
    let buyers: Vec<Value> = (0..BUYERS).map(|_| shop.buyer(POINTS)).collect();
    let jobs = jobs(&buyers);
    for at in KILLS {
        sell(&shop, &jobs, &mut host, Some(at));
        let unanswered = |job: &&Job| job.tried.load(SeqCst) && !job.acknowledged.load(SeqCst);
        assert!(
            jobs.iter().filter(unanswered).count() > 0,
            "nobody was cut off"
        );
        host = Host::up(state.path());
        shop = Shop {
            app: host.app.clone(),
            slug: shop.slug,
            key: shop.key,
        };
        verify(&shop, &jobs);
    }
    sell(&shop, &jobs, &mut host, None);
    assert!(jobs.iter().all(|job| job.acknowledged.load(SeqCst)));
    // A client that lost the answer sends again what was done.
    for job in jobs.iter().step_by(20) {
        shop.sell(&job.body);
    }
    verify(&shop, &jobs);
    assert_eq!(shop.list("/sales").len(), SALES);
    assert_eq!(shop.list("/journal?action=sale").len(), SALES);
    for (n, buyer) in buyers.iter().enumerate() {
        let moved = |points: fn(&Job) -> i64| {
            jobs.iter()
                .filter(|job| job.buyer == n)
                .map(points)
                .sum::<i64>()
        };
        let (spent, earned) = (moved(|job| job.spend), moved(|job| job.earn));
        assert_eq!(shop.balance(buyer), POINTS - spent + earned);
        let ledger = shop.list(&format!("/customers/{}/ledger", id_of(buyer)));
        let sum = |kind: &str| {
            let of_kind = ledger.iter().filter(|entry| entry["kind"] == json!(kind));
            of_kind
                .map(|entry| entry["points"].as_i64().unwrap())
                .sum::<i64>()
        };
        assert_eq!(
            (sum("spend"), sum("earn"), sum("adjust")),
            (-spent, earned, POINTS)
        );
    }
}
