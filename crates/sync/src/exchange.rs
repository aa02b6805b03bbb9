//! The exchange over CommerceML without a client: from a job to a step of it and back.

use sklad_jobs::job::{Claim, Progress, Step};
use sklad_store::{Clock, Kv, Sql, SqlError};
use sklad_tenant::Slug;

use crate::kinds::{Handlers, done};

/// Imports what nobody asks for, until about `until`, milliseconds since 1970 UTC.
pub async fn step<S: Sql, K: Kv, H, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    claim: &Claim,
    until: i64,
) -> Result<Step, SqlError> {
    let Handlers { app, clock, .. } = handlers;
    let now = clock.now_ms();
    let tenant = match claim.tenant.parse::<Slug>() {
        Ok(slug) => app.tenant(&slug, now).await,
        Err(_) => Ok(None),
    };
    let tenant = match tenant {
        Ok(Some(tenant)) => tenant,
        Ok(None) => return Ok(done(Progress::default())),
        Err(error) => return Err(SqlError::Other(error.to_string())),
    };
    let left = until.saturating_sub(now);
    let next = sklad_exchange::housekeeping(app, *clock, &tenant, left).await;
    Ok(match next {
        Ok(None) => done(Progress::default()),
        Ok(Some(at)) => Step::Later {
            at,
            cursor: "{}".to_owned(),
            progress: Progress::default(),
        },
        Err(error) => return Err(SqlError::Other(format!("exchange: {error}"))),
    })
}
