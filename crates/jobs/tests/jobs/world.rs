//! A database, a clock that moves when everybody sleeps, and a runner made of closures.

use std::cell::{Cell, RefCell};
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use bytes::Bytes;
use futures::executor::block_on;
use sklad_jobs::inbox::{Handled, Taken};
use sklad_jobs::job::{self, Claim, Line, Progress, RunResult, Step};
use sklad_jobs::tick::{Counts, Runner, Tick};
use sklad_store::native::NativeSql;
use sklad_store::{Call, Clock, Http, HttpError, Row, Sql, Statement};

/// Some moment.
pub const START: i64 = 1_795_300_000_000;

/// Time that passes when nobody has anything to do.
pub struct VirtualClock {
    pub now: Cell<i64>,
    timers: RefCell<Vec<(i64, Waker)>>,
}

impl Clock for VirtualClock {
    fn now_ms(&self) -> i64 {
        self.now.get()
    }

    async fn pause(&self) {
        self.sleep(1).await;
    }

    async fn sleep(&self, ms: u32) {
        let until = self.now.get() + i64::from(ms);
        std::future::poll_fn(|cx| {
            if self.now.get() >= until {
                return Poll::Ready(());
            }
            self.timers.borrow_mut().push((until, cx.waker().clone()));
            Poll::Pending
        })
        .await;
    }
}

struct Woken(AtomicBool);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.store(true, Ordering::Relaxed);
    }
}

impl VirtualClock {
    pub fn at(now: i64) -> Self {
        Self {
            now: Cell::new(now),
            timers: RefCell::default(),
        }
    }

    /// Runs to the end; when all wait, it is as late as the first of them waits for.
    pub fn drive<T>(&self, future: impl Future<Output = T>) -> T {
        let woken = Arc::new(Woken(AtomicBool::new(false)));
        let waker = Waker::from(Arc::clone(&woken));
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
                return value;
            }
            if woken.0.swap(false, Ordering::Relaxed) {
                continue;
            }
            let mut timers = self.timers.borrow_mut();
            let first = timers.iter().map(|t| t.0).min().unwrap();
            self.now.set(self.now.get().max(first));
            let due = timers.extract_if(.., |t| t.0 <= first);
            due.for_each(|t| t.1.wake());
        }
    }
}

/// A vendor that answers what it is told to.
#[derive(Default)]
pub struct Vendor {
    pub answers: RefCell<Vec<u16>>,
    pub calls: Cell<usize>,
}

impl Http for Vendor {
    async fn send(&self, _: Call) -> Result<http::Response<Bytes>, HttpError> {
        self.calls.set(self.calls.get() + 1);
        let status = self.answers.borrow_mut().pop().unwrap_or(200);
        let answer = http::Response::builder().status(status).body(Bytes::new());
        Ok(answer.unwrap())
    }
}

pub struct World {
    pub sql: NativeSql,
    pub clock: VirtualClock,
    pub vendor: Vendor,
    pub dir: tempfile::TempDir,
}

pub fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let sql = NativeSql::open(&dir.path().join("db")).unwrap();
    // The deployment's own job is no part of these tests.
    sql.batch("DELETE FROM jobs").unwrap();
    World {
        sql,
        clock: VirtualClock::at(START),
        vendor: Vendor::default(),
        dir,
    }
}

pub struct Does<J, I> {
    pub job: J,
    pub inbox: I,
}

impl<J, I> Runner for Does<J, I>
where
    J: AsyncFn(&Claim, i64) -> Step,
    I: AsyncFn(&Taken, i64) -> Vec<Handled>,
{
    async fn step(&self, claim: &Claim, until: i64) -> Step {
        (self.job)(claim, until).await
    }

    async fn receive(&self, taken: &Taken, until: i64) -> Vec<Handled> {
        (self.inbox)(taken, until).await
    }
}

/// Nothing was left to do.
pub fn done() -> Step {
    Step::Done {
        result: RunResult::Ok,
        text: "Готово".into(),
        memory: None,
        progress: Progress::default(),
    }
}

/// How far a run is.
pub fn more(cursor: &str) -> Step {
    Step::More {
        cursor: cursor.into(),
        progress: Progress::default(),
    }
}

pub fn failed(again: bool) -> Step {
    Step::Failed {
        text: "МойСклад не отвечает".into(),
        again,
    }
}

pub async fn all_done(taken: &Taken, _: i64) -> Vec<Handled> {
    vec![Handled::Done; taken.groups.len()]
}

impl World {
    pub fn write(&self, statement: Statement) {
        block_on(self.sql.atomic(vec![statement])).unwrap();
    }

    pub fn rows(&self, sql: &'static str) -> Vec<Row> {
        block_on(self.sql.query(Statement::new(sql))).unwrap()
    }

    pub fn job(&self, id: &str) -> Line {
        let line = job::get(&self.sql, "a", id, self.clock.now.get());
        block_on(line).unwrap().unwrap()
    }

    pub fn take(&self, owner: &str) -> Option<Claim> {
        block_on(job::take(&self.sql, owner.into(), self.clock.now.get())).unwrap()
    }

    pub fn give_back(&self, claim: &Claim, step: &Step) {
        let batch = claim.give_back(step, self.clock.now.get(), 512);
        block_on(self.sql.atomic(batch)).unwrap();
    }

    pub fn later(&self, ms: i64) {
        self.clock.now.set(self.clock.now.get() + ms);
    }

    /// A tick whose jobs do this.
    pub fn tick(&self, budget_ms: i64, job: impl AsyncFn(&Claim, i64) -> Step) -> Counts {
        self.tick_with(budget_ms, true, job, all_done)
    }

    pub fn tick_with(
        &self,
        budget_ms: i64,
        once: bool,
        job: impl AsyncFn(&Claim, i64) -> Step,
        inbox: impl AsyncFn(&Taken, i64) -> Vec<Handled>,
    ) -> Counts {
        let tick = Tick {
            sql: &self.sql,
            http: &self.vendor,
            clock: &self.clock,
            runner: &Does { job, inbox },
        };
        self.clock.drive(tick.run(budget_ms, once)).unwrap()
    }
}
