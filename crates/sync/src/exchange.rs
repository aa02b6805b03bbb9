//! The exchange over CommerceML without a client: from a job to a step of it and back.

use sklad_jobs::job::{Claim, Progress, Step};
use sklad_store::{Clock, Kv, Sql, SqlError};

use crate::kinds::{Handlers, done};

/// Imports what nobody asks for, until about `until`, milliseconds since 1970 UTC.
pub async fn step<S: Sql, K: Kv, H, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    claim: &Claim,
    until: i64,
) -> Result<Step, SqlError> {
    let Handlers { app, clock, .. } = handlers;
    let Some(tenant) = handlers.tenant(&claim.tenant).await? else {
        return Ok(done(Progress::default()));
    };
    let left = until.saturating_sub(clock.now_ms());
    let next = sklad_exchange::housekeeping(app, *clock, &tenant, left).await;
    let next = next.map_err(|error| SqlError::Other(format!("exchange: {error}")))?;
    Ok(match next {
        None => done(Progress::default()),
        Some(at) => Step::Later {
            at,
            cursor: "{}".to_owned(),
            progress: Progress::default(),
        },
    })
}
