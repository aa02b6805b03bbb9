//! Jobs: what runs by a schedule or when it is asked for, in steps, by whoever holds the lease.
//!
//! A job is a row `(tenant, kind, subject)`. [`take`] gives one that is due to one taker: the statement
//! that looks also puts the taker's word into the row and moves `next_at` to the end of his lease, so of
//! two who look at once one finds it. All that the taker writes later names this word. Whoever cancels or
//! pauses the job, or takes it after the lease has ended, changes the word, and the former taker's next
//! write is a [`SqlError::Conflict`] that leaves nothing behind – neither the cursor nor the goods of the
//! page that stood in the same batch ([`Claim::save`]).

use std::cell::Cell;

use serde::{Deserialize, Serialize};
use sklad_store::{Row, Sql, SqlError, Statement};

use crate::journal::{Direction, Outcome, Record};
use crate::schedule::{Schedule, offset};

/// How long a taker is believed to be at work after his last sign of life, in milliseconds: so long a job
/// rests when its host was killed.
pub const LEASE_MS: i64 = 15_000;
/// How often a job may fail in a row before it is dead.
pub const ATTEMPTS_MAX: i64 = 12;
/// After how many failures a job that has a schedule is told of. It goes on: who has mended a key or a server
/// must not have to start jobs. No more are counted, so that what is left of [`ATTEMPTS_MAX`] is for hosts that
/// die of it.
pub const PATIENCE: i64 = 8;
/// The wait after the first failure, in milliseconds; it doubles with each further one.
pub const BACKOFF_MS: i64 = 15_000;
/// The longest wait after a failure, in milliseconds.
pub const BACKOFF_MAX_MS: i64 = 60 * 60 * 1000;
/// How many jobs of one tenant are worked on at once: the others' turn comes too.
pub const OF_ONE_TENANT: i64 = 2;
/// How far a row may be ahead of the clock before it is taken for one from before the clock was set back,
/// in milliseconds.
const AHEAD_MS: i64 = 60_000;
/// The longest text of a result, in characters; more is cut.
const TEXT_MAX: usize = 500;
/// The most jobs of a tenant that are listed.
pub const LIST_MAX: i64 = 500;

/// How much of a run is done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Things that are done.
    pub done: u64,
    /// Things that there are, where it is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub total: Option<u64>,
}

impl Progress {
    /// How many things are done in a minute, and how many milliseconds are left, after so many milliseconds
    /// of work; nothing before anything is done.
    #[must_use]
    pub fn pace(self, worked_ms: i64) -> (Option<u64>, Option<u64>) {
        let worked = u64::try_from(worked_ms).unwrap_or_default();
        if worked == 0 || self.done == 0 {
            return (None, None);
        }
        let share = |part: u64, of: u64, by: u64| {
            let wide = u128::from(part) * u128::from(of) / u128::from(by);
            u64::try_from(wide).unwrap_or(u64::MAX)
        };
        let left = |total: u64| share(total.saturating_sub(self.done), worked, self.done);
        (Some(share(self.done, 60_000, worked)), self.total.map(left))
    }
}

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RunResult {
    /// Well.
    Ok,
    /// Well, and somebody should look at it.
    Warning,
}

impl RunResult {
    fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
        }
    }
}

/// Where a step has left its run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Step {
    /// There is more to do: behind the others who wait.
    More {
        /// How far the run is: JSON.
        cursor: String,
        /// The same for people.
        progress: Progress,
    },
    /// There is more to do, but not before this time in milliseconds UTC.
    Later {
        /// When.
        at: i64,
        /// How far the run is: JSON.
        cursor: String,
        /// The same for people.
        progress: Progress,
    },
    /// The run has ended.
    Done {
        /// How.
        result: RunResult,
        /// What is told of it: a sentence in Russian.
        text: String,
        /// What the next run gets as [`Claim::memory`]: JSON.
        memory: Option<String>,
        /// How much was done.
        progress: Progress,
    },
    /// It went wrong; what was saved last stands.
    Failed {
        /// What is told of it: a sentence in Russian.
        text: String,
        /// Whether to try again: not where only a person can help.
        again: bool,
    },
}

/// A job that somebody works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// Whose it is; empty: the deployment's.
    pub tenant: String,
    /// What is done.
    pub kind: String,
    /// What it is done to.
    pub subject: String,
    /// How far the run is; `None` at its beginning.
    pub cursor: Option<String>,
    /// What the last run left.
    pub memory: Option<String>,
    /// How much is done.
    pub progress: Progress,
    /// When this run was begun, milliseconds UTC.
    pub run_at: i64,
    schedule: Option<Schedule>,
    planned_at: Option<i64>,
    asked: i64,
    /// Failures since something was achieved.
    attempts: Cell<i64>,
    owner: String,
}

/// The statement that gives a tenant a job, or an existing job another schedule. Without one it runs when
/// it is asked for. A job that is there with this schedule stays as it is.
#[must_use]
pub fn plan(
    tenant: &str,
    kind: &str,
    subject: &str,
    schedule: Option<Schedule>,
    now: i64,
) -> Statement {
    let planned = schedule.map(|s| s.next(now, None, offset(tenant, kind)));
    let state = if schedule.is_some() {
        "waiting"
    } else {
        "idle"
    };
    // A run under way or asked for, a pause and a dead job are left alone; they find the schedule when they
    // end.
    Statement::new(
        "INSERT INTO jobs (tenant, kind, subject, state, schedule, next_at, planned_at, created_at, updated_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?8) \
         ON CONFLICT (tenant, kind, subject) DO UPDATE SET schedule = excluded.schedule, \
         planned_at = excluded.planned_at, updated_at = excluded.updated_at, \
         next_at = CASE WHEN run_at IS NULL AND asked = 0 AND state IN ('waiting', 'idle') \
         THEN excluded.next_at ELSE next_at END, \
         state = CASE WHEN run_at IS NULL AND asked = 0 AND state IN ('waiting', 'idle') \
         THEN excluded.state ELSE state END \
         WHERE jobs.schedule IS NOT excluded.schedule",
    )
    .bind(tenant)
    .bind(kind)
    .bind(subject)
    .bind(state)
    .bind(schedule.map(stored))
    .bind(planned.unwrap_or(now))
    .bind(planned)
    .bind(now)
}

/// The statement that asks for a run as soon as possible, of a job that need not exist yet. A run under
/// way is followed by another. A paused job stays paused; a dead one is tried again.
#[must_use]
pub fn ask(tenant: &str, kind: &str, subject: &str, now: i64) -> Statement {
    ask_at(tenant, kind, subject, now, now)
}

/// The statement that asks for a run at this time, in milliseconds UTC, or before; else like [`ask`].
#[must_use]
pub fn ask_at(tenant: &str, kind: &str, subject: &str, at: i64, now: i64) -> Statement {
    Statement::new(
        "INSERT INTO jobs (tenant, kind, subject, state, asked, next_at, created_at, updated_at) \
         VALUES (?1, ?2, ?3, 'waiting', 1, ?4, ?5, ?5) \
         ON CONFLICT (tenant, kind, subject) DO UPDATE SET asked = asked + 1, updated_at = excluded.updated_at, \
         attempts = 0, state = CASE state WHEN 'paused' THEN state ELSE 'waiting' END, \
         next_at = CASE WHEN owner <> '' THEN next_at WHEN state = 'waiting' THEN min(next_at, excluded.next_at) \
         ELSE excluded.next_at END",
    )
    .bind(tenant)
    .bind(kind)
    .bind(subject)
    .bind(at)
    .bind(now)
}

/// The statement that takes the schedule from a job and ends what is under way: it runs no more until it
/// is planned again or asked for. A pause stays.
#[must_use]
pub fn rest(tenant: &str, kind: &str, subject: &str, now: i64) -> Statement {
    Statement::new(
        "UPDATE jobs SET schedule = NULL, planned_at = NULL, owner = '', cursor = NULL, run_at = NULL, \
         asked = 0, attempts = 0, updated_at = ?4, \
         state = CASE state WHEN 'paused' THEN state ELSE 'idle' END \
         WHERE tenant = ?1 AND kind = ?2 AND subject = ?3 \
         AND (schedule IS NOT NULL OR run_at IS NOT NULL OR state NOT IN ('idle', 'paused'))",
    )
    .bind(tenant)
    .bind(kind)
    .bind(subject)
    .bind(now)
}

/// The statement that lets a dead job go on where it stopped, because what stopped it is mended.
#[must_use]
pub fn revive(tenant: &str, kind: &str, subject: &str, now: i64) -> Statement {
    Statement::new(
        "UPDATE jobs SET state = 'waiting', attempts = 0, next_at = ?4, updated_at = ?4 \
         WHERE tenant = ?1 AND kind = ?2 AND subject = ?3 AND state = 'dead'",
    )
    .bind(tenant)
    .bind(kind)
    .bind(subject)
    .bind(now)
}

/// The statement that removes a job; who works on it writes nothing more.
#[must_use]
pub fn remove(tenant: &str, kind: &str, subject: &str) -> Statement {
    Statement::new("DELETE FROM jobs WHERE tenant = ?1 AND kind = ?2 AND subject = ?3")
        .bind(tenant)
        .bind(kind)
        .bind(subject)
}

fn stored(schedule: Schedule) -> String {
    serde_json::to_string(&schedule).unwrap_or_default()
}

/// Takes the job that has been due for longest, of a tenant with less than [`OF_ONE_TENANT`] at work and
/// without another of its kind at work. `owner` must never have been used before.
///
/// # Errors
/// The database's.
pub async fn take(sql: &impl Sql, owner: String, now: i64) -> Result<Option<Claim>, SqlError> {
    // A lease that has ended was somebody's who did not come back: a failure, lest a job that kills its
    // host does so for ever.
    let statement = Statement::new(
        "UPDATE jobs SET owner = ?3, next_at = ?1 + ?2, updated_at = ?1, attempts = attempts + (owner <> ''), \
         progress = CASE WHEN run_at IS NULL THEN '{}' ELSE progress END, run_at = coalesce(run_at, ?1) WHERE (tenant, kind, subject) = ( \
           SELECT j.tenant, j.kind, j.subject FROM jobs j INDEXED BY jobs_due \
           WHERE j.state = 'waiting' AND j.next_at <= ?1 AND ?4 > ( \
             SELECT count(*) + ?4 * coalesce(max(r.kind = j.kind), 0) FROM jobs r \
             WHERE r.tenant = j.tenant AND r.owner <> '' AND r.next_at > ?1) \
           ORDER BY j.next_at LIMIT 1) \
         RETURNING tenant, kind, subject, cursor, memory, progress, attempts, run_at, schedule, planned_at, asked",
    )
    .bind(now)
    .bind(LEASE_MS)
    .bind(&owner)
    .bind(OF_ONE_TENANT);
    let taken = sql.atomic(vec![statement]).await?;
    let row = taken.first().and_then(|rows| rows.first());
    Ok(row.map(|row| claim(row, owner)))
}

fn claim(row: &Row, owner: String) -> Claim {
    let text = |i| row.text(i).map(str::to_owned);
    Claim {
        tenant: row.string(0),
        kind: row.string(1),
        subject: row.string(2),
        cursor: text(3),
        memory: text(4),
        progress: progress(row.text(5)),
        attempts: Cell::new(row.int(6).unwrap_or_default()),
        run_at: row.int(7).unwrap_or_default(),
        schedule: schedule(row.text(8)),
        planned_at: row.int(9),
        asked: row.int(10).unwrap_or_default(),
        owner,
    }
}

fn progress(text: Option<&str>) -> Progress {
    text.and_then(|t| serde_json::from_str(t).ok())
        .unwrap_or_default()
}

fn schedule(text: Option<&str>) -> Option<Schedule> {
    text.and_then(|t| serde_json::from_str(t).ok())
}

impl Claim {
    /// The statement that saves how far the run is, keeps the lease and forgets earlier failures. It stands
    /// in the batch of what was done: a conflict when the job was cancelled, paused or taken by another,
    /// and then nothing of the batch is written.
    #[must_use]
    pub fn save(&self, cursor: &str, progress: Progress, now: i64) -> Statement {
        self.attempts.set(0);
        self.write(
            "UPDATE jobs SET cursor = ?5, progress = ?6, next_at = ?7, attempts = 0, updated_at = ?8 \
             WHERE tenant = ?1 AND kind = ?2 AND subject = ?3 AND owner = ?4 RETURNING 1",
        )
        .bind(cursor)
        .bind(json(progress))
        .bind(now + LEASE_MS)
        .bind(now)
    }

    /// The statement that writes where a step has left the run, and gives the job back. A conflict when it
    /// is not the taker's any more. `random` is any number: it spreads tries after failures.
    #[must_use]
    pub fn give_back(&self, step: &Step, now: i64, random: u64) -> Vec<Statement> {
        match step {
            Step::More { cursor, progress } => vec![self.goes_on(now, cursor, *progress, now)],
            Step::Later {
                at,
                cursor,
                progress,
            } => vec![self.goes_on(*at, cursor, *progress, now)],
            Step::Done {
                result,
                text,
                memory,
                progress,
            } => vec![self.done(*result, text, memory.as_deref(), *progress, now)],
            Step::Failed { text, again } => self.failed(text, *again, now, random),
        }
    }

    fn goes_on(&self, at: i64, cursor: &str, progress: Progress, now: i64) -> Statement {
        self.write(
            "UPDATE jobs SET owner = '', cursor = ?5, progress = ?6, next_at = ?7, attempts = 0, updated_at = ?8 \
             WHERE tenant = ?1 AND kind = ?2 AND subject = ?3 AND owner = ?4 RETURNING 1",
        )
        .bind(cursor)
        .bind(json(progress))
        .bind(at)
        .bind(now)
    }

    fn done(
        &self,
        result: RunResult,
        text: &str,
        memory: Option<&str>,
        progress: Progress,
        now: i64,
    ) -> Statement {
        // The schedule may have been changed meanwhile: then its own next moment stands.
        let planned = self.after_this_run(now);
        self.write(
            "UPDATE jobs SET owner = '', cursor = NULL, memory = ?5, progress = ?6, attempts = 0, \
             last_started_at = run_at, last_finished_at = ?7, last_result = ?8, last_text = ?9, run_at = NULL, \
             asked = asked - ?12, updated_at = ?7, planned_at = CASE WHEN schedule IS ?10 THEN ?11 ELSE planned_at END, \
             state = CASE WHEN asked > ?12 OR schedule IS NOT NULL THEN 'waiting' ELSE 'idle' END, \
             next_at = CASE WHEN asked > ?12 THEN ?7 WHEN schedule IS ?10 THEN coalesce(?11, ?7) \
             ELSE coalesce(planned_at, ?7) END \
             WHERE tenant = ?1 AND kind = ?2 AND subject = ?3 AND owner = ?4 RETURNING 1",
        )
        .bind(memory)
        .bind(json(progress))
        .bind(now)
        .bind(result.as_str())
        .bind(cut(text))
        .bind(self.schedule.map(stored))
        .bind(planned)
        .bind(self.asked)
    }

    /// The next moment of the schedule: one that had not come when this run began is still to come.
    fn after_this_run(&self, now: i64) -> Option<i64> {
        let schedule = self.schedule?;
        let next = |last| schedule.next(now, last, offset(&self.tenant, &self.kind));
        match self.planned_at {
            Some(planned) if planned > self.run_at => {
                // Unless it is so far away that the clock was wrong when it was worked out.
                Some(planned.min(now.saturating_add(schedule.period())))
            }
            last => Some(next(last)),
        }
    }

    fn failed(&self, text: &str, again: bool, now: i64, random: u64) -> Vec<Statement> {
        let failures = self.attempts.get() + 1;
        let (attempts, dead) = match (again, self.schedule) {
            (true, Some(_)) => (failures.min(PATIENCE), false),
            (again, _) => (failures, !again || failures >= ATTEMPTS_MAX),
        };
        let state = if dead { "dead" } else { "waiting" };
        let write = self
            .write(
                "UPDATE jobs SET owner = '', attempts = ?5, state = ?6, next_at = ?7, last_started_at = run_at, \
                 last_finished_at = ?8, last_result = 'error', last_text = ?9, updated_at = ?8 \
                 WHERE tenant = ?1 AND kind = ?2 AND subject = ?3 AND owner = ?4 RETURNING 1",
            )
            .bind(attempts)
            .bind(state)
            .bind(now.saturating_add(backoff(attempts, random)))
            .bind(now)
            .bind(cut(text));
        let mut batch = vec![write];
        if self.tenant.is_empty() {
            return batch;
        }
        if dead {
            let told = self.told(format!("Задание остановлено: {text}"));
            batch.push(told.statement(&self.tenant, now));
        } else if self.schedule.is_some() && failures > PATIENCE {
            let told = self.told(format!("Задание не удаётся, попытки продолжаются: {text}"));
            batch.push(told.statement_once(&self.tenant, now));
        }
        batch
    }

    /// What the merchant's journal says of the job.
    fn told(&self, text: String) -> Record {
        Record {
            direction: Direction::Out,
            action: "job",
            object: id(&self.kind, &self.subject),
            customer: None,
            outcome: Outcome::Error,
            text,
            detail: None,
        }
    }

    /// Another's word than the one in the row makes the batch a conflict.
    fn write(&self, sql: &'static str) -> Statement {
        Statement::new(sql)
            .bind(&self.tenant)
            .bind(&self.kind)
            .bind(&self.subject)
            .bind(&self.owner)
            .expect_rows(1)
    }

    /// The word by which the row knows its taker.
    #[must_use]
    pub fn owner(&self) -> &str {
        &self.owner
    }

    /// Whether it failed so often, without a word of its own, that it is not begun once more.
    #[must_use]
    pub fn is_worn_out(&self) -> bool {
        self.attempts.get() >= ATTEMPTS_MAX
    }
}

/// The wait after so many failures, in milliseconds: doubled with each, up to [`BACKOFF_MAX_MS`], and a
/// quarter more or less by `random`, so that what failed together does not come again together.
#[must_use]
pub fn backoff(attempts: i64, random: u64) -> i64 {
    let doubled = attempts.saturating_sub(1).clamp(0, 16);
    let wait = (BACKOFF_MS << doubled).min(BACKOFF_MAX_MS);
    let spread = wait / 2;
    let within = i64::try_from(random % 1024).unwrap_or_default();
    wait - spread / 2 + spread * within / 1024
}

/// Whether one of these jobs has failed, and has achieved nothing since.
///
/// # Errors
/// The database's.
pub async fn is_failing(
    sql: &impl Sql,
    tenant: &str,
    kinds: &[&str],
    subject: &str,
) -> Result<bool, SqlError> {
    let statement = Statement::new(
        "SELECT 1 FROM json_each(?2) k CROSS JOIN jobs j ON j.tenant = ?1 AND j.kind = k.value \
             AND j.subject = ?3 WHERE j.attempts > 0 AND j.last_result = 'error' AND j.state <> 'paused'",
    )
    .bind(tenant)
    .bind(serde_json::to_string(kinds).unwrap_or_default())
    .bind(subject);
    Ok(!sql.query(statement).await?.is_empty())
}

/// How far a job is, for another job that must not get into its way.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Standing {
    /// Somebody works on it at this moment.
    pub at_work: bool,
    /// A run is under way that somebody goes on with as soon as there is time. One that rests after a
    /// failure is none.
    pub under_way: bool,
}

/// How far a job is; one that there is none of is at rest.
///
/// # Errors
/// The database's.
pub async fn standing(
    sql: &impl Sql,
    tenant: &str,
    kind: &str,
    subject: &str,
    now: i64,
) -> Result<Standing, SqlError> {
    let statement = Statement::new(
        "SELECT owner <> '' AND next_at > ?4, run_at IS NOT NULL AND attempts = 0 FROM jobs \
         WHERE tenant = ?1 AND kind = ?2 AND subject = ?3 AND state = 'waiting'",
    )
    .bind(tenant)
    .bind(kind)
    .bind(subject)
    .bind(now);
    let rows = sql.query(statement).await?;
    let Some(row) = rows.first() else {
        return Ok(Standing::default());
    };
    let at_work = row.int(0) == Some(1);
    Ok(Standing {
        at_work,
        under_way: at_work || row.int(1) == Some(1),
    })
}

/// Tells that takers are still at work. One who is not the taker any more is passed over.
///
/// # Errors
/// The database's.
pub async fn renew(sql: &impl Sql, claims: &[&Claim], now: i64) -> Result<(), SqlError> {
    let renewed = |claim: &&Claim| {
        Statement::new(
            "UPDATE jobs SET next_at = ?5 WHERE tenant = ?1 AND kind = ?2 AND subject = ?3 AND owner = ?4",
        )
        .bind(&claim.tenant)
        .bind(&claim.kind)
        .bind(&claim.subject)
        .bind(&claim.owner)
        .bind(now + LEASE_MS)
    };
    match claims {
        [] => Ok(()),
        some => sql
            .atomic(some.iter().map(renewed).collect())
            .await
            .map(drop),
    }
}

/// Brings jobs back whose next time was worked out by a clock that was set back since: none waits longer
/// than its period, a lease or a backoff lasts. Answers how many, at most a hundred at once.
///
/// # Errors
/// The database's.
pub async fn come_back(sql: &impl Sql, now: i64) -> Result<usize, SqlError> {
    let ahead = Statement::new(
        "SELECT tenant, kind, subject, schedule, next_at, owner, attempts FROM jobs INDEXED BY jobs_by_change \
         WHERE state = 'waiting' AND updated_at > ?1 ORDER BY updated_at LIMIT 100",
    )
    .bind(now.saturating_add(AHEAD_MS));
    let rows = sql.query(ahead).await?;
    if rows.is_empty() {
        return Ok(0);
    }
    let back = |row: &Row| {
        let schedule = schedule(row.text(3)).map_or(BACKOFF_MAX_MS, Schedule::period);
        let longest = match (row.text(5), row.int(6)) {
            (Some(""), Some(0)) => schedule,
            (Some(""), _) => BACKOFF_MAX_MS,
            _ => LEASE_MS,
        };
        Statement::new(
            "UPDATE jobs SET next_at = min(next_at, ?5), updated_at = ?4 \
             WHERE tenant = ?1 AND kind = ?2 AND subject = ?3",
        )
        .bind(row.string(0))
        .bind(row.string(1))
        .bind(row.string(2))
        .bind(now)
        .bind(now.saturating_add(longest))
    };
    sql.atomic(rows.iter().map(back).collect()).await?;
    Ok(rows.len())
}

/// How a job stands, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "Job")
)]
pub struct Line {
    /// Имя задания: вид, а если у магазина их несколько – и предмет через двоеточие.
    pub id: String,
    /// Вид.
    pub kind: String,
    /// Предмет; пусто, если он один.
    pub subject: String,
    /// running – выполняется, waiting – ждёт срока, idle – ждёт запуска, paused – приостановлено, dead –
    /// остановлено после ошибок.
    pub state: String,
    /// Расписание: {"every_minutes": 15} или {"every_days": 1, "hour": 3, "zone_minutes": 180}; null – по
    /// запросу.
    pub schedule: Option<serde_json::Value>,
    /// Когда снова, миллисекунды с 1970 года (UTC); null – само не запустится.
    pub next_at: Option<i64>,
    /// Когда начато выполняемое; null – ничего не выполняется.
    pub run_at: Option<i64>,
    /// Сколько сделано.
    pub done: u64,
    /// Сколько всего, если известно.
    pub total: Option<u64>,
    /// Сколько делается в минуту в среднем с начала выполнения; null – ещё не видно.
    pub per_minute: Option<u64>,
    /// Сколько миллисекунд осталось, если так пойдёт дальше; null – не видно.
    pub left_ms: Option<u64>,
    /// Неудач подряд.
    pub attempts: i64,
    /// Итог последнего раза: ok, warning, error или cancelled.
    pub last_result: Option<String>,
    /// Он же словами.
    pub last_text: String,
    /// Когда последний раз начался.
    pub last_started_at: Option<i64>,
    /// Когда последний раз закончился.
    pub last_finished_at: Option<i64>,
}

const COLUMNS: &str = "kind, subject, state, schedule, next_at, owner, run_at, progress, attempts, \
     last_result, last_text, last_started_at, last_finished_at";

fn line(row: &Row, now: i64) -> Line {
    let progress = progress(row.text(7));
    let next_at = row.int(4).unwrap_or_default();
    let works = row.text(5) != Some("") && next_at > now;
    let state = row.string(2);
    let waits = state == "waiting" && !works;
    let run_at = row.int(6);
    let (per_minute, left_ms) = run_at.map_or((None, None), |at| progress.pace(now - at));
    Line {
        id: id(&row.string(0), &row.string(1)),
        kind: row.string(0),
        subject: row.string(1),
        state: if works { "running".to_owned() } else { state },
        schedule: row.text(3).and_then(|t| serde_json::from_str(t).ok()),
        next_at: waits.then_some(next_at),
        run_at,
        done: progress.done,
        total: progress.total,
        per_minute,
        left_ms,
        attempts: row.int(8).unwrap_or_default(),
        last_result: row.text(9).map(str::to_owned),
        last_text: row.string(10),
        last_started_at: row.int(11),
        last_finished_at: row.int(12),
    }
}

/// What a job is called by people: its kind, and behind a colon its subject.
#[must_use]
pub fn id(kind: &str, subject: &str) -> String {
    if subject.is_empty() {
        kind.to_owned()
    } else {
        format!("{kind}:{subject}")
    }
}

fn parts(id: &str) -> (&str, &str) {
    id.split_once(':').unwrap_or((id, ""))
}

/// All jobs of a tenant, at most [`LIST_MAX`]: there are as many as there are kinds.
///
/// # Errors
/// The database's.
pub async fn list(sql: &impl Sql, tenant: &str, now: i64) -> Result<Vec<Line>, SqlError> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM jobs WHERE tenant = ?1 ORDER BY kind, subject LIMIT ?2"
    ))
    .bind(tenant)
    .bind(LIST_MAX);
    let rows = sql.query(statement).await?;
    Ok(rows.iter().map(|row| line(row, now)).collect())
}

/// The job that is called `id`.
///
/// # Errors
/// The database's.
pub async fn get(
    sql: &impl Sql,
    tenant: &str,
    id: &str,
    now: i64,
) -> Result<Option<Line>, SqlError> {
    let (kind, subject) = parts(id);
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM jobs WHERE tenant = ?1 AND kind = ?2 AND subject = ?3"
    ))
    .bind(tenant)
    .bind(kind)
    .bind(subject);
    let rows = sql.query(statement).await?;
    Ok(rows.first().map(|row| line(row, now)))
}

/// What a person can want of a job.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wish {
    /// Run now. A run under way goes on; a dead or waiting one begins or goes on at once.
    Run,
    /// Rest until it is resumed. A run under way is interrupted and keeps what it has saved.
    Pause,
    /// Go on after a pause.
    Resume,
    /// End the run under way. What it has saved stays; the next one begins anew.
    Cancel,
}

impl Wish {
    fn sql(self) -> &'static str {
        match self {
            Self::Run => {
                "UPDATE jobs SET state = 'waiting', attempts = 0, updated_at = ?4, \
                 asked = CASE WHEN run_at IS NULL THEN max(asked, 1) ELSE asked END, \
                 next_at = CASE WHEN owner <> '' AND next_at > ?4 THEN next_at ELSE ?4 END \
                 WHERE tenant = ?1 AND kind = ?2 AND subject = ?3 AND state <> 'paused' RETURNING 1"
            }
            Self::Pause => {
                "UPDATE jobs SET state = 'paused', owner = '', updated_at = ?4 \
                 WHERE tenant = ?1 AND kind = ?2 AND subject = ?3 AND state <> 'paused' RETURNING 1"
            }
            Self::Resume => {
                "UPDATE jobs SET attempts = 0, updated_at = ?4, \
                 state = CASE WHEN schedule IS NULL AND run_at IS NULL AND asked = 0 THEN 'idle' ELSE 'waiting' END, \
                 next_at = CASE WHEN run_at IS NULL AND asked = 0 THEN coalesce(planned_at, ?4) ELSE ?4 END \
                 WHERE tenant = ?1 AND kind = ?2 AND subject = ?3 AND state = 'paused' RETURNING 1"
            }
            Self::Cancel => {
                "UPDATE jobs SET owner = '', cursor = NULL, run_at = NULL, asked = 0, attempts = 0, \
                 updated_at = ?4, last_started_at = run_at, last_finished_at = ?4, last_result = 'cancelled', \
                 last_text = '', planned_at = ?5, next_at = coalesce(?5, ?4), state = CASE \
                 WHEN state = 'paused' THEN state WHEN schedule IS NULL THEN 'idle' ELSE 'waiting' END \
                 WHERE tenant = ?1 AND kind = ?2 AND subject = ?3 AND run_at IS NOT NULL RETURNING 1"
            }
        }
    }
}

/// Grants a wish together with the journal's row that `told` makes. Answers how the job stands then; `None`
/// when there is no such job.
///
/// # Errors
/// [`SqlError::Conflict`] when the job is not in a state for it: a paused job does not run, one that is not
/// paused is not resumed, without a run there is nothing to cancel.
pub async fn grant(
    sql: &impl Sql,
    tenant: &str,
    id: &str,
    wish: Wish,
    told: Statement,
    now: i64,
) -> Result<Option<Line>, SqlError> {
    grant_with(sql, tenant, id, wish, vec![told], now).await
}

/// The same with other statements beside the journal's row.
///
/// # Errors
/// As of [`grant`].
pub async fn grant_with(
    sql: &impl Sql,
    tenant: &str,
    id: &str,
    wish: Wish,
    with: Vec<Statement>,
    now: i64,
) -> Result<Option<Line>, SqlError> {
    let (kind, subject) = parts(id);
    let key = |sql| Statement::new(sql).bind(tenant).bind(kind).bind(subject);
    let found = key("SELECT schedule FROM jobs WHERE tenant = ?1 AND kind = ?2 AND subject = ?3");
    let rows = sql.query(found).await?;
    let Some(row) = rows.first() else {
        return Ok(None);
    };
    let mut statement = key(wish.sql()).bind(now);
    if wish == Wish::Cancel {
        let schedule = schedule(row.text(0));
        let next = schedule.map(|s| s.next(now, None, offset(tenant, kind)));
        statement = statement.bind(next);
    }
    let mut batch = vec![statement.expect_rows(1)];
    batch.extend(with);
    sql.atomic(batch).await?;
    get(sql, tenant, id, now).await
}

fn json(progress: Progress) -> String {
    serde_json::to_string(&progress).unwrap_or_default()
}

fn cut(text: &str) -> String {
    text.chars().take(TEXT_MAX).collect()
}
