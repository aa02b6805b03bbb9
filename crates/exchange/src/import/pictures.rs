//! Pictures are stored as soon as their file is whole, before or after the XML that names them.

use sklad_catalog::pictures;
use sklad_jobs::journal::Outcome;
use sklad_store::{Clock, Kv, Sql};

use crate::Error;
use crate::handle::{Call, record};
use crate::sweep::STAGED_MS;
use crate::upload::{self, Upload};

/// Stores the picture of an upload. One that is none is told in the journal: the exchange goes on
/// without it.
pub(crate) async fn keep<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    upload: &Upload,
) -> Result<(), Error> {
    let (sql, tenant, now) = (&call.app.sql, call.slug(), call.clock.now_ms());
    let limit = u64::try_from(pictures::MAX_BYTES).unwrap_or(u64::MAX);
    let stored = match upload::whole(sql, tenant, upload, limit).await {
        Ok(bytes) => pictures::store(sql, tenant, &upload.name, bytes, now)
            .await
            .map(drop)
            .map_err(Error::from),
        Err(error) => Err(error),
    };
    let mut batch = vec![upload::kept(tenant, &upload.id)];
    match stored {
        Ok(()) => {}
        Err(error) if error.is_internal() => return Err(error),
        Err(error) => {
            let text = format!("Изображение не принято: {error}");
            batch.push(record(&upload.name, Outcome::Warning, text).statement(tenant, now));
        }
    }
    sql.atomic(batch).await?;
    Ok(())
}

/// Forgets pictures that no good shows any more, a day after they came.
pub(crate) async fn forget<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    until: i64,
) -> Result<(), Error> {
    let (sql, tenant) = (&call.app.sql, call.slug());
    let before = call.clock.now_ms() - STAGED_MS;
    while pictures::sweep(sql, tenant, before).await? > 0 && call.clock.now_ms() < until {
        call.clock.pause().await;
    }
    Ok(())
}

/// Stores the pictures whose last chunk was a whole one, so that it was not seen to be the last.
pub(crate) async fn settle<S: Sql, K: Kv, C: Clock>(call: &Call<'_, S, K, C>) -> Result<(), Error> {
    let waiting = upload::waiting_pictures(&call.app.sql, call.slug(), &call.session.id).await?;
    keep_all(call, waiting).await
}

/// The same for pictures of which nothing has come since `before`, whoever sent them.
pub(crate) async fn settle_resting<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    before: i64,
) -> Result<(), Error> {
    let resting = upload::resting_pictures(&call.app.sql, call.slug(), before).await?;
    keep_all(call, resting).await
}

async fn keep_all<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    uploads: Vec<Upload>,
) -> Result<(), Error> {
    for upload in uploads {
        keep(call, &upload).await?;
        call.clock.pause().await;
    }
    Ok(())
}
