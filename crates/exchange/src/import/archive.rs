//! Archives are unpacked into files of the session, entry by entry.

use sklad_jobs::journal::Outcome;
use sklad_store::{Clock, Kv, Sql};

use super::job::{Job, Lease, State};
use super::{Ended, run, told};
use crate::Error;
use crate::handle::{Call, record};
use crate::names::{self, FileKind};
use crate::upload::{self, Place, Upload};
use crate::zip::{Archive, Content, MAX_ENTRY_BYTES};

/// How many files that are none of the exchange the journal names of one archive; the rest is counted.
const TOLD: u64 = 20;

/// Unpacks entries until the time is up. An entry that was unpacked without the cursor having followed is
/// unpacked again, into the same file.
pub async fn step<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    mut job: Job,
    size: u64,
    lease: &Lease,
    budget_ms: i64,
) -> Result<Ended, Error> {
    let until = call.clock.now_ms() + budget_ms;
    let (sql, tenant) = (&call.app.sql, call.slug());
    let upload = Upload::content(&job.id, size);
    let mut archive = match Archive::open(sql, tenant, &upload).await {
        Ok(archive) => archive,
        Err(error) => return run::fail(call, job, error).await,
    };
    loop {
        let next = usize::try_from(job.cursor.part).unwrap_or(usize::MAX);
        if next >= archive.entries() {
            job.cursor.read = true;
            job.state = State::Done;
            let now = call.clock.now_ms();
            let batch = vec![
                job.save(tenant, now)?,
                lease.renew(tenant, now),
                upload::taken(tenant, &job.id),
            ];
            sql.atomic(batch).await?;
            return Ok(Ended::Done);
        }
        let unknown = match unpack(call, &job, &mut archive, next).await {
            Ok(unknown) => unknown,
            Err(error) => return run::fail(call, job, error).await,
        };
        job.cursor.part += 1;
        job.cursor.totals.documents += 1;
        let all = u64::try_from(archive.entries()).unwrap_or(u64::MAX);
        job.cursor.offset = size.saturating_mul(job.cursor.totals.documents) / all.max(1);
        let now = call.clock.now_ms();
        let mut batch = Vec::new();
        if let Some(name) = unknown {
            job.cursor.totals.skipped += 1;
            if job.cursor.totals.skipped <= TOLD {
                let text = format!(
                    "В архиве {} этот файл пропущен: в обмене таких не бывает",
                    job.name
                );
                batch.push(record(&name, Outcome::Warning, text).statement(tenant, now));
            }
        }
        batch.push(job.save(tenant, now)?);
        batch.push(lease.renew(tenant, now));
        sql.atomic(batch).await?;
        job.seq += 1;
        call.clock.pause().await;
        if call.clock.now_ms() >= until {
            return Ok(Ended::Progress(told::progress(&job, size)));
        }
    }
}

/// Unpacks an entry into the session that the archive came in; the name of one that is passed over.
async fn unpack<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    job: &Job,
    archive: &mut Archive<'_, S>,
    i: usize,
) -> Result<Option<String>, Error> {
    let mut entry = match archive.entry(i).await? {
        Content::File(entry) => entry,
        Content::Unknown(name) => return Ok(Some(name)),
        Content::Nothing => return Ok(None),
    };
    let name = entry.name.clone();
    let kind = names::kind(&name)?;
    if kind == FileKind::Picture && !call.settings().images {
        return Ok(None);
    }
    let sql = &call.app.sql;
    let place = Place {
        tenant: call.slug(),
        session: &job.session,
        kind: job.kind,
        name: &name,
    };
    // What the name held before is another file.
    upload::forget(sql, place).await?;
    // It came when its archive did.
    let at = job.uploaded_at;
    let received =
        upload::receive(sql, place, kind, u64::MAX, &mut *entry, MAX_ENTRY_BYTES, at).await;
    let (upload, _) = match received {
        Err(Error::Broken | Error::TooLarge) => {
            return Err(Error::Archive(
                "архив повреждён или распаковывается в слишком большой файл",
            ));
        }
        other => other?,
    };
    if kind == FileKind::Picture {
        super::pictures::keep(call, &upload).await?;
    }
    Ok(None)
}
