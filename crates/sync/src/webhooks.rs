//! Webhooks of МойСклад: subscriptions to them, and what they tell.

use sklad_jobs::inbox::{Handled, Taken};
use sklad_jobs::job::{Claim, Progress, Step};
use sklad_moysklad::sync::{self, Ended};
use sklad_moysklad::webhook::hooks::{self, Owner};
use sklad_moysklad::webhook::register::{self, Address};
use sklad_store::{Clock, Http, Kv, Sql, SqlError};

use crate::goods::{connected, of_job, stopped, told};
use crate::kinds::Handlers;

/// Subscribes and repairs subscriptions, until about `until`, milliseconds since 1970 UTC.
pub async fn step<S: Sql, K: Kv, H: Http, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    claim: &Claim,
    until: i64,
) -> Result<Step, SqlError> {
    let (app, now) = (handlers.app, handlers.clock.now_ms());
    let connected = match connected(handlers, &claim.tenant).await? {
        Ok(connected) => connected,
        Err(text) => return Ok(stopped(text)),
    };
    let Some(public_url) = &app.config.public_url else {
        let text = "Не задан public_url: МойСклад не знает, куда присылать уведомления";
        return Ok(job(Ended::Done {
            warning: true,
            text: text.to_owned(),
        }));
    };
    let account = &connected.account;
    let own_uid = hooks::own_uid(account);
    let owner = Owner::of(account, &own_uid);
    let path = match hooks::ensure(&app.sql, &app.config.master_key, owner, now).await {
        Ok(path) => path,
        Err(hooks::Error::Sql(error)) => return Err(error),
        Err(hooks::Error::NoSecret) => return Ok(stopped("не задан master_key")),
    };
    let address = Address {
        public_url,
        path: &path,
        solution: !account.app_id.is_empty(),
    };
    let place = connected.place(app);
    let ended = register::step(handlers.ports(), place, address, until).await?;
    told(handlers, account, &ended).await?;
    Ok(job(ended))
}

fn job(ended: Ended) -> Step {
    of_job(sync::Step {
        cursor: "{}".to_owned(),
        progress: Progress::default(),
        ended,
    })
}

/// Handles webhooks, until about `until`. Of who is not connected there is nothing to read: whoever
/// connects again imports.
pub async fn receive<S: Sql, K: Kv, H: Http, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    taken: &Taken,
    until: i64,
) -> Vec<Handled> {
    let handled = async {
        let connected = match connected(handlers, &taken.tenant).await? {
            Ok(connected) => connected,
            Err(_) => return Ok(vec![Handled::Done; taken.groups.len()]),
        };
        let place = connected.place(handlers.app);
        sklad_moysklad::webhook::receive::receive(handlers.ports(), place, taken, until).await
    };
    handled.await.unwrap_or_else(|error: SqlError| {
        eprintln!("webhooks: {error}");
        let text = "база данных недоступна".to_owned();
        vec![Handled::Again(text); taken.groups.len()]
    })
}
