//! A file becomes goods, in steps: a request works for a bounded time, answers how far it came, and the
//! next one goes on from there (commerceml §1.5).
//!
//! Every batch of goods and the cursor behind it are one transaction ([`job`]). So nothing is applied
//! twice, whoever asks how often, and nothing is lost when the host is killed.

mod archive;
mod choice;
pub mod job;
pub mod map;
mod missing;
mod pictures;
mod references;
mod run;
mod told;

use sklad_store::{Clock, Kv, Sql, SqlError, Statement};

use crate::Error;
use crate::handle::{ABANDONED_MS, Call};
use crate::names::{self, FileKind};
use crate::request::Kind;
use crate::upload::{self, Upload};

use job::{Job, State};

pub(crate) use missing::{deactivate, end_exchanges, end_this};
pub(crate) use pictures::{keep as keep_picture, settle as settle_pictures};

/// How long the first request of an import works, in milliseconds: the client is to see soon that it goes
/// on.
pub const FIRST_STEP_MS: i64 = 600;
/// How long every other one works, in milliseconds. Proxies cut at 30 seconds (commerceml §4).
pub const STEP_MS: i64 = 5_000;
/// How many abandoned uploads are looked at in one login.
const ADOPTED: i64 = 16;
/// How the last element ends, in the encodings in which it is looked for.
const END: &str = "Информация>";

/// What a request of an import ended with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ended {
    /// It goes on; the text says how far it is.
    Progress(String),
    /// It is done.
    Done,
    /// It cannot be done; the text says why.
    Failed(String),
}

/// `mode=import`: pictures are kept and archives unpacked first, then the file is worked on.
pub(crate) async fn request<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    name: &str,
) -> Result<Ended, Error> {
    settle_pictures(call).await?;
    match unpacked(call).await? {
        Ended::Done => {}
        ended => return Ok(ended),
    }
    if names::kind(name) == Ok(FileKind::Zip) {
        return all(call, name).await;
    }
    let sql = &call.app.sql;
    if let Some(upload) = upload::find(sql, call.place(name)).await? {
        return drive(call, &upload, STEP_MS).await;
    }
    // The client has begun a new session while the import of the last one goes on (§1.6).
    match job::running(sql, call.slug(), name).await? {
        Some(job) => drive_job(call, job, None, STEP_MS).await,
        None => Ok(Ended::Failed(format!("Файл {name} не загружен"))),
    }
}

/// Unpacks the archives of the session; [`Ended::Done`] when none was left.
pub(crate) async fn unpacked<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
) -> Result<Ended, Error> {
    let Some(zip) = packed(call).await? else {
        return Ok(Ended::Done);
    };
    Ok(match drive(call, &zip, STEP_MS).await? {
        Ended::Done => Ended::Progress(told::unpacked(&zip.name)),
        ended => ended,
    })
}

/// The first archive that is not unpacked.
async fn packed<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
) -> Result<Option<Upload>, Error> {
    let all = upload::waiting(
        &call.app.sql,
        call.slug(),
        &call.session.id,
        call.kind,
        "zip",
    )
    .await?;
    Ok(all.into_iter().next())
}

/// Imports everything that came in an archive, which the client calls by the archive's name.
async fn all<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    name: &str,
) -> Result<Ended, Error> {
    let sql = &call.app.sql;
    if upload::find(sql, call.place(name)).await?.is_none() {
        return Ok(Ended::Failed(format!("Файл {name} не загружен")));
    }
    let mut files = upload::waiting(sql, call.slug(), &call.session.id, call.kind, "xml").await?;
    files.sort_by_key(|file| rank(&file.name));
    let Some(file) = files.first() else {
        return Ok(Ended::Done);
    };
    match drive(call, file, STEP_MS).await? {
        Ended::Done if files.len() > 1 => Ok(Ended::Progress(told::ended(&file.name))),
        ended => Ok(ended),
    }
}

/// Files that others refer to come first (§1.5).
fn rank(name: &str) -> usize {
    const ORDER: [&str; 5] = ["groups", "import", "goods", "offers", "prices"];
    let file = name.rsplit('/').next().unwrap_or(name).to_lowercase();
    ORDER
        .iter()
        .position(|prefix| file.starts_with(prefix))
        .unwrap_or(ORDER.len())
}

async fn drive<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    upload: &Upload,
    budget_ms: i64,
) -> Result<Ended, Error> {
    let now = call.clock.now_ms();
    let job = job::begun(&call.app.sql, call.slug(), &upload.id, &upload.name, now).await?;
    drive_job(call, job, Some(upload.size), budget_ms).await
}

/// Works on an import until the time is up, if nobody else does.
async fn drive_job<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    job: Job,
    size: Option<u64>,
    budget_ms: i64,
) -> Result<Ended, Error> {
    match job.state {
        State::Done => return Ok(Ended::Done),
        State::Failed => return Ok(Ended::Failed(job.message)),
        State::Running => {}
    }
    let (sql, tenant) = (&call.app.sql, call.slug());
    if job.seq == 0
        && let Some(older) = job.is_behind(sql, tenant, call.clock.now_ms()).await?
    {
        return busy(call, &job, &older).await;
    }
    let lease = match job::lease(sql, tenant, &job.id, call.clock.now_ms()).await? {
        Ok(lease) => lease,
        Err(other) => return busy(call, &job, &other).await,
    };
    // What was read before the lease was taken may be old.
    let Some(job) = job::find(sql, tenant, &job.id).await? else {
        return Err(Error::Gone);
    };
    if job.seq == 0 {
        job.supersede(sql, tenant, call.clock.now_ms()).await?;
    }
    let budget_ms = if job.seq == 0 {
        FIRST_STEP_MS.min(budget_ms)
    } else {
        budget_ms
    };
    let size = match size {
        Some(size) => size,
        None => upload::length(sql, tenant, &job.id).await?,
    };
    let name = job.name.clone();
    let ended = match names::kind(&name) {
        _ if job.state != State::Running => Ok(run::ended(&job)),
        Ok(FileKind::Zip) => archive::step(call, job, size, &lease, budget_ms).await,
        _ => run::step(call, job, size, &lease, budget_ms).await,
    };
    lease.release(sql, tenant).await?;
    match ended {
        // Somebody else was faster, or a till: the next request goes on.
        Err(Error::Sql(SqlError::Conflict | SqlError::Busy)) => {
            Ok(Ended::Progress(told::waiting(&name, call.clock.now_ms())))
        }
        other => other,
    }
}

/// What a client is told while somebody else works.
async fn busy<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    job: &Job,
    other: &str,
) -> Result<Ended, Error> {
    let sql = &call.app.sql;
    let found = job::find(sql, call.slug(), other).await?;
    let other = found.as_ref().unwrap_or(job);
    let size = upload::length(sql, call.slug(), &other.id).await?;
    Ok(Ended::Progress(if other.id == job.id {
        told::progress(other, size)
    } else {
        told::behind(&job.name, other, size)
    }))
}

/// Makes imports of whole files that nobody has asked to import for long (§4).
///
/// # Errors
/// The database's.
pub(crate) async fn adopt_abandoned<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    now_ms: i64,
) -> Result<(), Error> {
    let (sql, tenant) = (&call.app.sql, call.slug());
    let statement = Statement::new(
        "SELECT id, name, size FROM uploads WHERE tenant = ?1 AND received_at < ?2 \
         AND state = 'receiving' AND kind = ?3 AND name LIKE '%.xml' \
         AND id NOT IN (SELECT id FROM imports WHERE tenant = ?1) ORDER BY received_at LIMIT ?4",
    )
    .bind(tenant)
    .bind(now_ms - ABANDONED_MS)
    .bind(Kind::Catalog.as_str())
    .bind(ADOPTED);
    for row in sql.query(statement).await? {
        let (id, name) = (row.string(0), row.string(1));
        let size = row
            .int(2)
            .and_then(|n| u64::try_from(n).ok())
            .unwrap_or_default();
        if is_whole(sql, tenant, &id, size).await? {
            job::begun(sql, tenant, &id, &name, now_ms).await?;
        }
    }
    Ok(())
}

/// Whether the content ends as a file of the exchange does.
pub(crate) async fn is_whole(
    sql: &impl Sql,
    tenant: &str,
    id: &str,
    size: u64,
) -> Result<bool, Error> {
    const TAIL: u64 = 64;
    let tail = upload::read(sql, tenant, id, size.saturating_sub(TAIL)).await?;
    let tail = tail.trim_ascii_end();
    let cp1251 = sklad_cyrillic::encode_1251(END);
    Ok(tail.ends_with(END.as_bytes()) || tail.ends_with(&cp1251))
}

/// Goes on with an import that rests because its client has gone.
///
/// # Errors
/// The database's.
pub(crate) async fn rested<S: Sql, K: Kv, C: Clock>(call: &Call<'_, S, K, C>) -> Result<(), Error> {
    let before = call.clock.now_ms() - ABANDONED_MS;
    if let Some(job) = job::resting(&call.app.sql, call.slug(), before).await? {
        drive_job(call, job, None, STEP_MS).await?;
    }
    Ok(())
}
