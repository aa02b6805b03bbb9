//! Orders to shops on InSales and back: from a job to a step of it and back.

use sklad_insales::check::{EDITING, words};
use sklad_insales::orders::{self, Ended, Place};
use sklad_jobs::job::{Claim, Progress, RunResult, Step};
use sklad_store::{Clock, Http, Kv, Sql, SqlError};

use crate::goods::stopped;
use crate::kinds::{Handlers, done};
use crate::shops::{self, Open};

/// Works on the run of a job until about `until`, milliseconds since 1970 UTC. A shop that does not work with
/// us is tried again, more and more seldom: orders wait for it.
pub async fn step<S: Sql, K: Kv, H: Http, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    claim: &Claim,
    until: i64,
) -> Result<Step, SqlError> {
    let open = match shops::open(handlers, claim).await? {
        Ok(open) => open,
        Err(text) => return Ok(stopped(text)),
    };
    let Open { row, connected } = &open;
    if !connected.settings.orders.on {
        return Ok(done(Progress::default()));
    }
    let place = Place {
        tenant: &claim.tenant,
        connection: &row.id,
        company: &row.company,
        settings: &connected.settings.orders,
        every_minutes: connected.settings.every_minutes,
        access: &connected.access,
        gateway: handlers.app.config.insales_gateway.as_deref(),
    };
    let save = |cursor: &str, progress, now| claim.save(cursor, progress, now);
    let cursor = claim.cursor.as_deref();
    let step = orders::step(handlers.ports(), place, cursor, until, &save).await?;
    told(handlers, &open, claim, &step, until).await?;
    Ok(of_job(step))
}

/// Notes at the connection how the shop works with us, where that is another thing than before.
async fn told<S: Sql, K: Kv, H: Http, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    open: &Open,
    claim: &Claim,
    step: &orders::Step,
    until: i64,
) -> Result<(), SqlError> {
    let found = match &step.ended {
        Ended::Failed(error) => Some(shops::troubled(handlers, open, error, EDITING, until).await?),
        Ended::Limited(_) => Some(shops::limited()),
        _ if !step.answered => None,
        _ => shops::well(handlers, open, claim, step.written, until).await?,
    };
    shops::noted(handlers, open, found).await
}

fn of_job(step: orders::Step) -> Step {
    let orders::Step {
        cursor,
        progress,
        ended,
        ..
    } = step;
    match ended {
        Ended::More => Step::More { cursor, progress },
        Ended::Later(at) | Ended::Limited(at) => Step::Later {
            at,
            cursor,
            progress,
        },
        Ended::Done { warning, text } => Step::Done {
            result: match warning {
                true => RunResult::Warning,
                false => RunResult::Ok,
            },
            text,
            memory: None,
            progress,
        },
        Ended::Failed(error) => Step::Failed {
            text: words(&error),
            again: true,
        },
    }
}
