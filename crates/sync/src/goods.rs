//! The import from МойСклад: from a job to a step of it and back.

use std::rc::Rc;

use sklad_jobs::job::{self, Claim, Progress, RunResult, Step};
use sklad_moysklad::api::Credentials;
use sklad_moysklad::sync::{self, Ended, Kind, Place, plan};
use sklad_moysklad::vendor::accounts::{self, Account};
use sklad_store::{Clock, Http, Kv, Sql, SqlError};
use sklad_tenant::{App, MoyskladSettings, Tenant};

use crate::kinds::Handlers;

/// How long the import of everything waits for one of changes to make room, in milliseconds.
const ROOM_MS: i64 = 1_000;

/// Works on the run of a job until about `until`, milliseconds since 1970 UTC. What only a person can mend –
/// no connection, a token that is not good any more – ends it at once: the journal tells it, and the job
/// rests until there is another connection, or somebody asks for it.
pub async fn step<S: Sql, K: Kv, H: Http, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    claim: &Claim,
    until: i64,
) -> Result<Step, SqlError> {
    let kind = plan::kind_of(&claim.kind).unwrap_or(Kind::Full);
    if let Some(step) = beside_the_other(handlers, claim, kind).await? {
        return Ok(step);
    }
    let connected = match connected(handlers, &claim.tenant).await? {
        Ok(connected) => connected,
        Err(text) => return Ok(stopped(text)),
    };
    let (ports, place) = (handlers.ports(), connected.place(handlers.app));
    let save = |cursor: &str, progress, now| claim.save(cursor, progress, now);
    let cursor = claim.cursor.as_deref();
    let step = sync::step(ports, place, kind, cursor, until, &save).await?;
    told(handlers, &connected.account, &step.ended).await?;
    Ok(of_job(step))
}

/// Of the two imports of a tenant one works at a time. That of everything brings the changes too, so that of
/// changes makes room: each has said in its row that it is there before it looks for the other.
async fn beside_the_other<S: Sql, K: Kv, H: Http, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    claim: &Claim,
    kind: Kind,
) -> Result<Option<Step>, SqlError> {
    let (sql, now) = (&handlers.app.sql, handlers.clock.now_ms());
    let other = match kind {
        Kind::Full => plan::CHANGES,
        Kind::Changes => plan::GOODS,
    };
    let other = job::standing(sql, &claim.tenant, other, "", now).await?;
    Ok(match kind {
        Kind::Full if other.at_work => Some(Step::Later {
            at: now.saturating_add(ROOM_MS),
            cursor: claim.cursor.clone().unwrap_or_else(|| "null".to_owned()),
            progress: claim.progress,
        }),
        Kind::Changes if other.under_way => Some(Step::Done {
            result: RunResult::Ok,
            text: "Идёт загрузка всех товаров: она принесёт и изменения".to_owned(),
            memory: None,
            progress: Progress::default(),
        }),
        _ => None,
    })
}

/// Notes at the account that its token or password is refused, and that it is not any more.
pub(crate) async fn told<S: Sql, K: Kv, H: Http, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    account: &Account,
    ended: &Ended,
) -> Result<(), SqlError> {
    let refused = match ended {
        Ended::Refused { text } => Some(text.as_str()),
        _ => None,
    };
    match account.noted(refused, handlers.clock.now_ms()) {
        Some(note) => handlers.app.sql.atomic(vec![note]).await.map(drop),
        None => Ok(()),
    }
}

/// A tenant with a connection that can be used.
pub(crate) struct Connected {
    tenant: Rc<Tenant>,
    settings: MoyskladSettings,
    pub account: Account,
    credentials: Credentials,
}

impl Connected {
    pub(crate) fn place<'a, S, K>(&'a self, app: &'a App<S, K>) -> Place<'a> {
        let vendor = &app.config.moysklad;
        Place::of(vendor, &self.tenant.slug, &self.settings, &self.credentials)
    }
}

/// The connection of a tenant, or why there is none: a sentence for the merchant.
pub(crate) async fn connected<S: Sql, K: Kv, H: Http, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    tenant: &str,
) -> Result<Result<Connected, &'static str>, SqlError> {
    let app = handlers.app;
    let Some(tenant) = handlers.tenant(tenant).await? else {
        return Ok(Err("магазина больше нет"));
    };
    let Some(account) = accounts::connection(&app.sql, tenant.slug.as_str()).await? else {
        return Ok(Err("МойСклад не подключён: подключите его"));
    };
    let settings = tenant.section();
    let settings = settings.map_err(|error| SqlError::Other(error.to_string()))?;
    let text = "сохранённый доступ к МоемуСкладу не читается: подключите его заново";
    Ok(match account.credentials(&app.config.master_key) {
        Ok(Some(credentials)) => Ok(Connected {
            settings,
            tenant,
            account,
            credentials,
        }),
        Ok(None) | Err(_) => Err(text),
    })
}

/// What came of a step, as the job is told it.
pub(crate) fn of_job(step: sync::Step) -> Step {
    let sync::Step {
        cursor,
        progress,
        ended,
    } = step;
    match ended {
        Ended::More => Step::More { cursor, progress },
        Ended::Later(at) => Step::Later {
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
        Ended::Failed { text, again } => Step::Failed { text, again },
        Ended::Refused { text } => Step::Failed { text, again: false },
    }
}

pub(crate) fn stopped(text: &str) -> Step {
    Step::Failed {
        text: text.to_owned(),
        again: false,
    }
}
