//! One tick: whatever is due, of all tenants, until a budget is over.
//!
//! Any number of ticks may run at the same time, in any processes, and each may die at any point: what a
//! tick works on it has taken by a lease ([`job::take`], [`inbox::take`], the outbox), and whatever it
//! does not give back is taken by another when the lease has ended.
//!
//! Within a tick several tenants are served at once, and none at the cost of the others: a step of a job
//! lasts [`SLICE_MS`], then the job goes to the end of the queue, and a tenant has at most
//! [`job::OF_ONE_TENANT`] jobs at work.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::rc::Rc;

use futures::future::{AbortHandle, Abortable, Either, LocalBoxFuture, select};
use futures::stream::{FuturesUnordered, StreamExt};
use serde::Serialize;
use sklad_store::{Clock, Http, Row, Sql, SqlError, Statement};

use crate::inbox::{self, Handled, Taken};
use crate::job::{self, Claim, Step};
use crate::outbox;

/// How long a step is asked to last at most, in milliseconds.
pub const SLICE_MS: i64 = 4_000;
/// How long a step that does not end is waited for, in milliseconds. Then it is dropped, and its lease ends.
pub const STEP_MAX_MS: i64 = 60_000;
/// Jobs at work at once.
pub const JOBS_AT_ONCE: usize = 8;
/// Tenants whose inbox is at work at once.
pub const INBOXES_AT_ONCE: usize = 4;
/// Tenants whose outbox is at work at once.
pub const OUTBOXES_AT_ONCE: usize = 4;
/// How often a tick without work looks again, in milliseconds.
pub const WATCH_MS: u32 = 1_000;
/// How often leases are renewed, in milliseconds: thrice within one.
const BEAT_MS: i64 = job::LEASE_MS / 3;

/// What the application does with jobs and webhooks: one `match` over their kinds.
#[allow(
    async_fn_in_trait,
    reason = "guests are single-threaded; nothing here must be Send"
)]
pub trait Runner {
    /// Works on a job until about `until` (milliseconds UTC), saves what it does with [`Claim::save`], and
    /// says where it has left the run. It lets others go on between its pieces.
    async fn step(&self, claim: &Claim, until: i64) -> Step;

    /// Handles webhooks; answers what became of each group, in their order.
    async fn receive(&self, taken: &Taken, until: i64) -> Vec<Handled>;
}

/// What a tick needs.
pub struct Tick<'a, S, H, C, R> {
    /// The database.
    pub sql: &'a S,
    /// For the outbox.
    pub http: &'a H,
    /// The time.
    pub clock: &'a C,
    /// The application.
    pub runner: &'a R,
}

/// What a tick has done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    /// Steps of jobs.
    pub steps: u64,
    /// Runs of jobs that have ended well.
    pub finished: u64,
    /// Steps that failed.
    pub failed: u64,
    /// Steps whose job was cancelled, paused or taken by another meanwhile.
    pub lost: u64,
    /// Webhooks that were handled.
    pub received: u64,
    /// Messages to others that arrived.
    pub delivered: u64,
    /// Errors of the database, which the log tells of.
    pub errors: u64,
}

/// What is due: one answer of [`look`].
#[derive(Debug, Default)]
struct Due {
    jobs: bool,
    inboxes: Vec<String>,
    outboxes: Vec<String>,
}

impl Due {
    fn read(row: Option<&Row>) -> Self {
        let names = |i| {
            let json = row.and_then(|row| row.text(i));
            json.and_then(|json| serde_json::from_str(json).ok())
                .unwrap_or_default()
        };
        Self {
            jobs: row.and_then(|row| row.int(0)) == Some(1),
            inboxes: names(1),
            outboxes: names(2),
        }
    }
}

/// Tenants that one look names at most.
const NAMED: usize = 16;

/// Looks what is due, in one statement that reads no row that is not: the tenants with an inbox or outbox
/// are stepped through by the index. `from` are the tenants to begin with.
fn look(now: i64, inboxes_from: &str, outboxes_from: &str) -> Statement {
    Statement::new(
        "WITH RECURSIVE \
         i(t) AS (SELECT min(tenant) FROM inbox INDEXED BY inbox_due WHERE state = 'due' AND tenant >= ?2 \
           UNION ALL SELECT (SELECT min(tenant) FROM inbox INDEXED BY inbox_due \
           WHERE state = 'due' AND tenant > i.t) FROM i WHERE i.t IS NOT NULL), \
         o(t) AS (SELECT min(tenant) FROM outbox INDEXED BY outbox_due WHERE state = 'due' AND tenant >= ?3 \
           UNION ALL SELECT (SELECT min(tenant) FROM outbox INDEXED BY outbox_due \
           WHERE state = 'due' AND tenant > o.t) FROM o WHERE o.t IS NOT NULL) \
         SELECT EXISTS (SELECT 1 FROM jobs INDEXED BY jobs_due WHERE state = 'waiting' AND next_at <= ?1), \
         (SELECT json_group_array(t) FROM (SELECT t FROM i WHERE t IS NOT NULL AND EXISTS (SELECT 1 FROM inbox \
           INDEXED BY inbox_due WHERE tenant = i.t AND state = 'due' AND next_at <= ?1) LIMIT 16)), \
         (SELECT json_group_array(t) FROM (SELECT t FROM o WHERE t IS NOT NULL AND EXISTS (SELECT 1 FROM outbox \
           INDEXED BY outbox_due WHERE tenant = o.t AND state = 'due' AND next_at <= ?1) LIMIT 16))",
    )
    .bind(now)
    .bind(inboxes_from)
    .bind(outboxes_from)
}

/// Tenants served in turn, one piece of work each at a time.
struct Turn {
    at_once: usize,
    busy: BTreeSet<String>,
    from: String,
}

impl Turn {
    fn new(at_once: usize) -> Self {
        Self {
            at_once,
            busy: BTreeSet::new(),
            from: String::new(),
        }
    }

    /// Whether the look began behind the last of them: then the next begins with the first.
    fn is_over(&mut self, named: &[String]) -> bool {
        let over = named.is_empty() && !self.from.is_empty();
        if over {
            self.from.clear();
        }
        over
    }

    /// Of those who are named, the ones whose turn it is.
    fn next(&mut self, named: Vec<String>) -> Vec<String> {
        let more = named.len() >= NAMED;
        let free = self.at_once.saturating_sub(self.busy.len());
        let last = named.last().cloned();
        let mut chosen: Vec<String> = named
            .into_iter()
            .filter(|tenant| !self.busy.contains(tenant))
            .collect();
        let all = chosen.len() <= free;
        chosen.truncate(free);
        // The next look begins behind the last one chosen, or at the first tenant again.
        self.from = match (all, more) {
            (true, false) => String::new(),
            (true, true) => last.map(behind).unwrap_or_default(),
            (false, _) => match chosen.last().cloned() {
                Some(last) => behind(last),
                None => std::mem::take(&mut self.from),
            },
        };
        self.busy.extend(chosen.iter().cloned());
        chosen
    }
}

/// The least name behind this one.
fn behind(tenant: String) -> String {
    tenant + "\u{1}"
}

/// What has come to its end.
enum Ended {
    Job,
    Inbox(String),
    Outbox(String),
}

/// Something at work.
struct Piece {
    claim: Option<Rc<Claim>>,
    began_at: i64,
    abort: AbortHandle,
    over: Rc<Cell<bool>>,
}

/// The work in flight.
struct Flight<'a> {
    pieces: Vec<Piece>,
    futures: FuturesUnordered<LocalBoxFuture<'a, Option<Ended>>>,
    inboxes: Turn,
    outboxes: Turn,
}

impl<'a> Flight<'a> {
    fn jobs(&self) -> usize {
        self.pieces.iter().filter(|p| p.claim.is_some()).count()
    }

    fn add(
        &mut self,
        claim: Option<Rc<Claim>>,
        began_at: i64,
        work: impl Future<Output = Ended> + 'a,
    ) {
        let (abort, registration) = AbortHandle::new_pair();
        let over = Rc::new(Cell::new(false));
        let ended = Rc::clone(&over);
        self.futures.push(Box::pin(async move {
            let result = Abortable::new(work, registration).await;
            ended.set(true);
            result.ok()
        }));
        self.pieces.push(Piece {
            claim,
            began_at,
            abort,
            over,
        });
    }

    /// Forgets what has ended, and drops what does not end.
    fn tidy(&mut self, now: i64) {
        self.pieces.retain(|piece| !piece.over.get());
        for piece in &self.pieces {
            if now.saturating_sub(piece.began_at) > STEP_MAX_MS {
                piece.abort.abort();
            }
        }
    }
}

impl<S: Sql, H: Http, C: Clock, R: Runner> Tick<'_, S, H, C, R> {
    /// Works for `budget_ms`, and on what it has begun by then. With `once` it ends as soon as nothing is
    /// due; otherwise it watches for what becomes due until its budget is over.
    ///
    /// # Errors
    /// The database's, where nothing could be begun for it.
    pub async fn run(&self, budget_ms: i64, once: bool) -> Result<Counts, SqlError> {
        let counts = Tally::default();
        let until = self.clock.now_ms().saturating_add(budget_ms);
        job::come_back(self.sql, self.clock.now_ms()).await?;
        let mut flight = Flight {
            pieces: Vec::new(),
            futures: FuturesUnordered::new(),
            inboxes: Turn::new(INBOXES_AT_ONCE),
            outboxes: Turn::new(OUTBOXES_AT_ONCE),
        };
        self.fill(&mut flight, &counts, until).await?;
        let mut beaten_at = self.clock.now_ms();
        loop {
            let now = self.clock.now_ms();
            if flight.futures.is_empty() && (once || now >= until) {
                return Ok(counts.0.take());
            }
            self.wait(&mut flight, until.saturating_sub(now)).await;
            let now = self.clock.now_ms();
            flight.tidy(now);
            if now.saturating_sub(beaten_at) >= BEAT_MS {
                beaten_at = now;
                let claims: Vec<&Claim> = flight
                    .pieces
                    .iter()
                    .filter_map(|p| p.claim.as_deref())
                    .collect();
                counts.note(job::renew(self.sql, &claims, now).await);
            }
            if now < until {
                counts.note(self.fill(&mut flight, &counts, until).await);
            }
        }
    }

    /// Waits until something ends, or until it is time to look again.
    async fn wait(&self, flight: &mut Flight<'_>, left_ms: i64) {
        let idle = flight.futures.is_empty();
        let left = u32::try_from(left_ms.max(0)).unwrap_or(u32::MAX);
        let watch = if idle { WATCH_MS.min(left) } else { WATCH_MS };
        let sleep = std::pin::pin!(self.clock.sleep(watch));
        if idle {
            return sleep.await;
        }
        let Either::Left((Some(Some(ended)), _)) = select(flight.futures.next(), sleep).await
        else {
            return;
        };
        match ended {
            Ended::Job => {}
            Ended::Inbox(tenant) => drop(flight.inboxes.busy.remove(&tenant)),
            Ended::Outbox(tenant) => drop(flight.outboxes.busy.remove(&tenant)),
        }
    }

    /// Begins what is due, as far as there is room.
    async fn fill<'t>(
        &'t self,
        flight: &mut Flight<'t>,
        counts: &Tally,
        until: i64,
    ) -> Result<(), SqlError> {
        let due = self.due(flight).await?;
        while due.jobs && flight.jobs() < JOBS_AT_ONCE {
            let now = self.clock.now_ms();
            let Some(claim) = job::take(self.sql, word(), now).await? else {
                break;
            };
            let claim = Rc::new(claim);
            let work = self.job(Rc::clone(&claim), counts.clone(), slice(now, until));
            flight.add(Some(claim), now, work);
        }
        for tenant in flight.inboxes.next(due.inboxes) {
            let now = self.clock.now_ms();
            let work = self.inbox(tenant, counts.clone(), slice(now, until));
            flight.add(None, now, work);
        }
        for tenant in flight.outboxes.next(due.outboxes) {
            let now = self.clock.now_ms();
            flight.add(None, now, self.outbox(tenant, counts.clone()));
        }
        Ok(())
    }

    /// What is due. Behind the last tenant comes the first.
    async fn due(&self, flight: &mut Flight<'_>) -> Result<Due, SqlError> {
        loop {
            let (inboxes, outboxes) = (&mut flight.inboxes, &mut flight.outboxes);
            let statement = look(self.clock.now_ms(), &inboxes.from, &outboxes.from);
            let due = Due::read(self.sql.query(statement).await?.first());
            let over = inboxes.is_over(&due.inboxes) | outboxes.is_over(&due.outboxes);
            if !over {
                return Ok(due);
            }
        }
    }

    async fn job(&self, claim: Rc<Claim>, counts: Tally, until: i64) -> Ended {
        let step = if claim.is_worn_out() {
            let text = "выполнение много раз обрывалось".to_owned();
            Step::Failed { text, again: false }
        } else {
            self.runner.step(&claim, until).await
        };
        if let Step::Failed { text, .. } = &step {
            eprintln!("job {} of {:?}: {text}", claim.kind, claim.tenant);
        }
        let batch = claim.give_back(&step, self.clock.now_ms(), random());
        let written = self.sql.atomic(batch).await;
        counts.add(|c| {
            c.steps += 1;
            match (&step, &written) {
                (_, Err(SqlError::Conflict)) => c.lost += 1,
                (Step::Done { .. }, Ok(_)) => c.finished += 1,
                (Step::Failed { .. }, Ok(_)) => c.failed += 1,
                _ => {}
            }
        });
        counts.note(written);
        Ended::Job
    }

    async fn inbox(&self, tenant: String, counts: Tally, until: i64) -> Ended {
        let taken = inbox::take(self.sql, &tenant, word(), self.clock.now_ms()).await;
        if let Some(taken) = counts.note(taken).flatten() {
            let handled = self.runner.receive(&taken, until).await;
            let done = taken.groups.iter().zip(&handled);
            let done = done.filter(|(_, handled)| **handled == Handled::Done);
            let messages: usize = done.map(|(group, _)| group.messages.len()).sum();
            let batch = taken.settle(&handled, self.clock.now_ms(), random());
            if counts.note(self.sql.atomic(batch).await).is_some() {
                counts.add(|c| c.received += u64::try_from(messages).unwrap_or_default());
            }
        }
        Ended::Inbox(tenant)
    }

    async fn outbox(&self, tenant: String, counts: Tally) -> Ended {
        let now = self.clock.now_ms();
        let arrived = outbox::deliver(self.sql, self.http, &tenant, now).await;
        let arrived = counts.note(arrived).unwrap_or_default();
        counts.add(|c| c.delivered += u64::try_from(arrived).unwrap_or_default());
        Ended::Outbox(tenant)
    }
}

/// The counts, shared by what is at work.
#[derive(Clone, Default)]
struct Tally(Rc<std::cell::RefCell<Counts>>);

impl Tally {
    fn add(&self, count: impl FnOnce(&mut Counts)) {
        count(&mut self.0.borrow_mut());
    }

    /// The value; an error is counted and told to the log. A conflict is no error.
    fn note<T>(&self, result: Result<T, SqlError>) -> Option<T> {
        match result {
            Ok(value) => Some(value),
            Err(SqlError::Conflict) => None,
            Err(error) => {
                eprintln!("tick: {error}");
                self.add(|c| c.errors += 1);
                None
            }
        }
    }
}

fn slice(now: i64, until: i64) -> i64 {
    until.min(now.saturating_add(SLICE_MS)).max(now)
}

/// A word that was never used before.
fn word() -> String {
    uuid::Uuid::new_v4().to_string()
}

fn random() -> u64 {
    let mut bytes = [0; 8];
    // Without randomness tries are not spread, which is no reason to stop.
    let _ = getrandom::fill(&mut bytes);
    u64::from_ne_bytes(bytes)
}
