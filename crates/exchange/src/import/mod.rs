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

use std::collections::BTreeMap;

use sklad_jobs::journal::Outcome;
use sklad_store::{Clock, Kv, Row, Sql, SqlError, Statement};

use crate::Error;
use crate::handle::{ABANDONED_MS, Call, record};
use crate::names::{self, FileKind};
use crate::request::{Kind, Mode};
use crate::session::{IDLE_MS, Session};
use crate::upload::{self, Upload};

use job::{Job, MAX_LOSSES, State};

pub(crate) use missing::{deactivate, end_exchanges, end_this};
pub(crate) use pictures::{keep as keep_picture, settle as settle_pictures};

/// How long the first request of an import works, in milliseconds: the client is to see soon that it goes
/// on.
pub const FIRST_STEP_MS: i64 = 600;
/// How long every other one works, in milliseconds. Proxies cut at 30 seconds (commerceml §4).
pub const STEP_MS: i64 = 5_000;
/// How many abandoned uploads are looked at in one request.
const ADOPTED: i64 = 64;
/// How soon an import that nobody asks for goes on, in milliseconds: others' turn comes first.
const REST_MS: i64 = 500;
/// How often it is looked whether what was uploaded is to be imported by itself, in milliseconds.
const LOOK_MS: i64 = 60 * 1000;
/// How the last element ends, in the encodings in which it is looked for.
const END: &str = "Информация>";
/// How much of a file's end is looked at, in bytes: blanks may follow the last element.
const TAIL_BYTES: u64 = 16 * 1024;

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
        return archived(call, name).await;
    }
    let (sql, tenant) = (&call.app.sql, call.slug());
    if let Some(upload) = upload::find(sql, call.place(name)).await? {
        return match drive(call, &upload).await? {
            Ended::Done => {
                let is_twin = |other: &str| is_twin(name, other);
                all(call, is_twin, |other, _| is_twin(other)).await
            }
            ended => Ok(ended),
        };
    }
    match job::taken_over(sql, tenant, &call.session, name).await? {
        Some(job) => drive_job(call, job).await,
        None => Ok(not_uploaded(name)),
    }
}

fn not_uploaded(name: &str) -> Ended {
    Ended::Failed(format!("Файл {name} не загружен"))
}

/// Whether `other` is a file of this name out of another folder of an archive.
fn is_twin(name: &str, other: &str) -> bool {
    let folder = other.strip_suffix(name);
    folder.is_some_and(|folder| folder.ends_with('/'))
}

/// Unpacks the archives of the session; [`Ended::Done`] when none was left. An archive that could not be
/// unpacked fails again when it is asked for.
pub(crate) async fn unpacked<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
) -> Result<Ended, Error> {
    let (sql, tenant) = (&call.app.sql, call.slug());
    let zips = upload::waiting(sql, tenant, &call.session.id, call.kind, "zip").await?;
    if let Some(zip) = zips.first() {
        return Ok(match drive(call, zip).await? {
            Ended::Done => Ended::Progress(told::unpacked(&zip.name)),
            ended => ended,
        });
    }
    let name = names::sanitised(&call.query.filename)?;
    let asked = match names::kind(&name) {
        Ok(FileKind::Zip) => upload::find(sql, call.place(&name)).await?,
        _ => None,
    };
    let job = match asked {
        Some(zip) => job::find(sql, tenant, &zip.id).await?,
        None => None,
    };
    Ok(match job {
        Some(job) if job.state == State::Failed => Ended::Failed(job.message),
        _ => Ended::Done,
    })
}

/// Imports everything that came in an archive, which the client calls by the archive's name.
async fn archived<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    name: &str,
) -> Result<Ended, Error> {
    let Some(zip) = upload::find(&call.app.sql, call.place(name)).await? else {
        return Ok(not_uploaded(name));
    };
    // What came out of an archive came when it did.
    all(call, |_| true, |_, came_at| came_at == zip.received_at).await
}

/// Imports the files of the session that are `wanted` by their names. One that fails does not keep the
/// others back; but all have failed, also when they are asked for again, with one that is `blamed` by name
/// and time.
async fn all<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    wanted: impl Fn(&str) -> bool,
    blamed: impl Fn(&str, i64) -> bool,
) -> Result<Ended, Error> {
    let (sql, tenant, session) = (&call.app.sql, call.slug(), &call.session.id);
    let mut files = upload::waiting(sql, tenant, session, call.kind, "xml").await?;
    files.retain(|file| wanted(&file.name));
    files.sort_by_key(|file| rank(&file.name));
    if let Some(file) = files.first() {
        let ended = drive(call, file).await?;
        if matches!(ended, Ended::Progress(_)) {
            return Ok(ended);
        }
        if files.len() > 1 {
            return Ok(Ended::Progress(told::ended(&file.name)));
        }
    }
    let failures = upload::failures(sql, tenant, session, call.kind).await?;
    let mut failures = failures
        .into_iter()
        .filter(|(name, at, _)| blamed(name, *at));
    Ok(match failures.next() {
        Some((_, _, message)) => Ended::Failed(message),
        None => Ended::Done,
    })
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

/// What remains of a name when what differs from one set of portions to the next is left out: the random
/// id behind `___` or at the end.
fn portion(name: &str) -> String {
    const UUID_CHARS: usize = 36;
    let file = name.rsplit('/').next().unwrap_or(name).to_lowercase();
    let file = file.strip_suffix(".xml").unwrap_or(&file);
    if let Some((portion, _)) = file.split_once("___") {
        return portion.to_owned();
    }
    let at = file.len().saturating_sub(UUID_CHARS);
    match file.split_at_checked(at) {
        Some((portion, id))
            if id.len() == UUID_CHARS && id.chars().all(|c| c == '-' || c.is_ascii_hexdigit()) =>
        {
            portion.to_owned()
        }
        _ => file.to_owned(),
    }
}

/// Works on the import of an uploaded file that the client asks for.
async fn drive<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    upload: &Upload,
) -> Result<Ended, Error> {
    let (sql, tenant, now) = (&call.app.sql, call.slug(), call.clock.now_ms());
    let job = job::begun(sql, tenant, upload, &call.session, call.kind, now, now).await?;
    drive_job(call, job).await
}

/// Works on an import that the client asks for, or on the one that goes before it: the imports of a tenant
/// go in the order in which their files came, so that the newest has the last word.
async fn drive_job<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    mut job: Job,
) -> Result<Ended, Error> {
    if job.state != State::Running {
        return Ok(run::ended(&job));
    }
    let (sql, tenant, now) = (&call.app.sql, call.slug(), call.clock.now_ms());
    job.ask(sql, tenant, now).await?;
    if job.seq == 0 {
        job.supersede(sql, tenant, true, now).await?;
        if let Some(older) = job.older(sql, tenant).await? {
            let its = match work(call, &older, STEP_MS).await? {
                Ended::Progress(text) => text,
                _ => told::ended(&older.name),
            };
            return Ok(Ended::Progress(told::behind(&job.name, &its)));
        }
    }
    work(call, &job, STEP_MS).await
}

/// Works on an import until the time is up, if nobody else does.
async fn work<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    job: &Job,
    budget_ms: i64,
) -> Result<Ended, Error> {
    let (sql, tenant) = (&call.app.sql, call.slug());
    let lease = match job::lease(sql, tenant, &job.id, call.clock.now_ms()).await? {
        Ok(lease) => lease,
        Err(other) => return busy(call, job, &other).await,
    };
    let ended = step(call, &job.id, &lease, budget_ms).await;
    let busy = matches!(ended, Err(Error::Sql(SqlError::Conflict | SqlError::Busy)));
    lease.release(sql, tenant, ended.is_err() && !busy).await?;
    if busy {
        // Somebody else was faster, or a till: the next request goes on.
        let text = told::waiting(&job.name, call.clock.now_ms());
        return Ok(Ended::Progress(text));
    }
    ended
}

async fn step<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    id: &str,
    lease: &job::Lease,
    budget_ms: i64,
) -> Result<Ended, Error> {
    let (sql, tenant) = (&call.app.sql, call.slug());
    // What was read before the lease was taken may be old.
    let job = job::find(sql, tenant, id).await?.ok_or(Error::Gone)?;
    if job.state != State::Running {
        return Ok(run::ended(&job));
    }
    if lease.losses >= MAX_LOSSES {
        return run::fail(call, job, Error::Stuck).await;
    }
    let budget_ms = if job.seq == 0 {
        FIRST_STEP_MS.min(budget_ms)
    } else {
        budget_ms
    };
    let size = upload::length(sql, tenant, &job.id).await?;
    match names::kind(&job.name) {
        Ok(FileKind::Zip) => archive::step(call, job, size, lease, budget_ms).await,
        _ => run::step(call, job, size, lease, budget_ms).await,
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
    let progress = told::progress(other, size);
    let waited = told::for_long(progress, call.clock.now_ms() - other.updated_at);
    Ok(Ended::Progress(if other.id == job.id {
        waited
    } else {
        told::behind(&job.name, &waited)
    }))
}

/// What is to be done without being asked for: imports whose clients have gone go on, and whole files that
/// nobody has asked to import for long – «1С:Розница» never does (§4) – are imported in the order in which
/// they came. Called again, it goes on.
pub(crate) async fn go_on<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    budget_ms: i64,
) -> Result<(), Error> {
    let (sql, tenant) = (&call.app.sql, call.slug());
    let until = call.clock.now_ms() + budget_ms;
    adopt_abandoned(call).await?;
    loop {
        let left = until - call.clock.now_ms();
        if left <= 0 {
            return Ok(());
        }
        match job::first(sql, tenant).await? {
            Some(job) => {
                if let Ended::Progress(_) = work(call, &job, left).await? {
                    return Ok(());
                }
            }
            // An archive may have ended, whose files nobody asks for either.
            None if adopt_abandoned(call).await? => {}
            None => return Ok(()),
        }
        call.clock.pause().await;
    }
}

/// The same without any client: an import whose client is there is left to it.
pub(crate) async fn go_alone<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    budget_ms: i64,
) -> Result<(), Error> {
    let (sql, tenant, now) = (&call.app.sql, call.slug(), call.clock.now_ms());
    pictures::settle_resting(call, now - ABANDONED_MS).await?;
    match job::first(sql, tenant).await? {
        Some(job) if job.is_asked_for(now) => Ok(()),
        _ => go_on(call, budget_ms).await,
    }
}

/// When [`go_alone`] has something to do again, milliseconds since 1970 UTC; nothing where nothing is left.
pub(crate) async fn next_look<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
) -> Result<Option<i64>, Error> {
    let (sql, tenant, now) = (&call.app.sql, call.slug(), call.clock.now_ms());
    if let Some(job) = job::first(sql, tenant).await? {
        let rest = if job.is_asked_for(now) {
            job::ALIVE_MS
        } else {
            REST_MS
        };
        return Ok(Some(now + rest));
    }
    let statement = Statement::new(
        "SELECT EXISTS (SELECT 1 FROM uploads INDEXED BY uploads_waiting WHERE tenant = ?1 \
             AND state = 'receiving' AND kind = ?2) \
         OR EXISTS (SELECT 1 FROM import_lists WHERE tenant = ?1 AND state IN ('full', 'archiving'))",
    );
    let statement = statement.bind(tenant).bind(Kind::Catalog.as_str());
    let rows = sql.query(statement).await?;
    let waits = rows.first().and_then(|row| row.int(0)) == Some(1);
    Ok(waits.then_some(now + LOOK_MS))
}

/// A whole file that nobody has asked to import, and whose it is.
struct Abandoned {
    upload: Upload,
    session: Session,
}

/// Makes imports of abandoned files: of each name the newest, and none of a file of which a newer exchange
/// has imported its own. Whether there was any.
async fn adopt_abandoned<S: Sql, K: Kv, C: Clock>(call: &Call<'_, S, K, C>) -> Result<bool, Error> {
    let (sql, tenant, now) = (&call.app.sql, call.slug(), call.clock.now_ms());
    let mut newest: BTreeMap<(String, String), Abandoned> = BTreeMap::new();
    for file in abandoned(call, now).await? {
        if !is_complete(sql, tenant, &file.upload).await? {
            // Its client has gone and will not go on with it.
            if file.upload.received_at < now - IDLE_MS {
                sql.atomic(vec![upload::gone(tenant, &file.upload.id)])
                    .await?;
            }
            continue;
        }
        let key = (file.session.employee.clone(), file.upload.name.clone());
        if let Some(older) = newest.insert(key, file) {
            leave(sql, tenant, &older.upload, now).await?;
        }
    }
    let mut files: Vec<Abandoned> = newest.into_values().collect();
    files.sort_by_key(|file| (file.upload.received_at, rank(&file.upload.name)));
    let mut last = i64::MIN;
    for file in &mut files {
        let (upload, session) = (&mut file.upload, &file.session);
        if job::is_outdated(sql, tenant, upload, session).await? {
            leave(sql, tenant, upload, now).await?;
            continue;
        }
        // Files of one archive came at one moment.
        upload.received_at = upload.received_at.max(last.saturating_add(1));
        last = upload.received_at;
        let job = job::begun(sql, tenant, upload, session, Kind::Catalog, 0, now).await?;
        job.supersede(sql, tenant, false, now).await?;
    }
    Ok(last > i64::MIN)
}

/// Files of the catalogue that rest since [`ABANDONED_MS`] and were not asked for, of sessions that have sent
/// nothing since, the oldest first. Those of the session that asks are among them only where it begins anew,
/// or others may be in it: else its client is at work.
async fn abandoned<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    now_ms: i64,
) -> Result<Vec<Abandoned>, SqlError> {
    let begins = call.query.mode() == Some(Mode::Init);
    let id = call.session.id.as_str();
    let left_alone = if begins || call.session.is_shared() {
        ""
    } else {
        id
    };
    let ended = if begins { id } else { "" };
    let statement = Statement::new(
        "SELECT u.id, u.name, u.size, u.received_at, u.session, s.employee, s.created_at \
         FROM uploads u INDEXED BY uploads_waiting \
         LEFT JOIN exchange_sessions s ON s.tenant = u.tenant AND s.id = u.session \
         WHERE u.tenant = ?1 AND u.state = 'receiving' AND u.received_at <= ?2 AND u.kind = ?3 \
         AND (u.name LIKE '%.xml' OR u.name LIKE '%.zip') AND u.session <> ?4 \
         AND NOT EXISTS (SELECT 1 FROM imports i WHERE i.tenant = u.tenant AND i.id = u.id) \
         AND (u.session = ?6 OR NOT EXISTS (SELECT 1 FROM uploads o INDEXED BY uploads_by_age \
             WHERE o.tenant = u.tenant AND o.received_at > ?2 AND o.session = u.session \
             AND o.kind = u.kind)) \
         ORDER BY u.received_at LIMIT ?5",
    )
    .bind(call.slug())
    .bind(now_ms - ABANDONED_MS)
    .bind(Kind::Catalog.as_str())
    .bind(left_alone)
    .bind(ADOPTED)
    .bind(ended);
    let rows = call.app.sql.query(statement).await?;
    Ok(rows.iter().map(file_of).collect())
}

fn file_of(row: &Row) -> Abandoned {
    let size = row.int(2).and_then(|n| u64::try_from(n).ok());
    let mut upload = Upload::content(&row.string(0), size.unwrap_or_default());
    upload.name = row.string(1);
    upload.received_at = row.int(3).unwrap_or_default();
    let begun_at = row.int(6).unwrap_or(upload.received_at);
    let mut session = Session::shared(&row.string(5), begun_at);
    session.id = row.string(4);
    Abandoned { upload, session }
}

/// Passes over a file that is of no use any more, and tells the merchant.
async fn leave(sql: &impl Sql, tenant: &str, upload: &Upload, now_ms: i64) -> Result<(), Error> {
    let text = "Файл не загружен: прислан более новый файл с тем же именем";
    let row = record(&upload.name, Outcome::Warning, text.to_owned());
    let batch = vec![
        upload::taken(tenant, &upload.id),
        row.statement(tenant, now_ms),
    ];
    sql.atomic(batch).await?;
    Ok(())
}

/// Whether all of the file has come.
async fn is_complete(sql: &impl Sql, tenant: &str, upload: &Upload) -> Result<bool, Error> {
    /// An archive without a comment ends with a record of this length and beginning.
    const END_BYTES: u64 = 22;
    const END_MAGIC: &[u8] = b"PK\x05\x06";
    if names::kind(&upload.name) == Ok(FileKind::Xml) {
        return is_whole(sql, tenant, &upload.id, upload.size).await;
    }
    let at = upload.size.saturating_sub(END_BYTES);
    let tail = upload::read(sql, tenant, &upload.id, at).await?;
    Ok(tail.starts_with(END_MAGIC))
}

/// Whether the content ends as a file of the exchange does.
pub(crate) async fn is_whole(
    sql: &impl Sql,
    tenant: &str,
    id: &str,
    size: u64,
) -> Result<bool, Error> {
    let tail = upload::tail(sql, tenant, id, size, TAIL_BYTES).await?;
    // The last character of UTF-16 is a blank or `>` with a zero beside it.
    let end = tail
        .iter()
        .rposition(|byte| *byte != 0 && !byte.is_ascii_whitespace())
        .map_or(0, |at| at + 1);
    let tail = tail.get(..end).unwrap_or_default();
    let utf16 = |bytes: fn(u16) -> [u8; 2]| END.encode_utf16().flat_map(bytes).collect();
    let mut little: Vec<u8> = utf16(u16::to_le_bytes);
    little.pop();
    let ends = [
        END.as_bytes().to_vec(),
        sklad_cyrillic::encode_1251(END),
        little,
        utf16(u16::to_be_bytes),
    ];
    Ok(ends.iter().any(|end| tail.ends_with(end)))
}

#[cfg(test)]
mod tests {
    use super::portion;

    #[test]
    fn portions_are_known_without_what_changes_from_set_to_set() {
        for (one, other) in [
            ("prices___0f2c.xml", "prices___77aa.xml"),
            ("import0_1.xml", "import0_1.xml"),
            (
                "goods_1_0c8e1a8e-55bc-11d9-848a-00112f43529a.xml",
                "goods_1_bd72d8f9-55bc-11d9-848a-00112f43529a.xml",
            ),
        ] {
            assert_eq!(portion(one), portion(other));
        }
        for (one, other) in [
            ("import0_1.xml", "import0_2.xml"),
            ("prices___1.xml", "rests___1.xml"),
            ("import.xml", "offers.xml"),
        ] {
            assert_ne!(portion(one), portion(other));
        }
    }
}
