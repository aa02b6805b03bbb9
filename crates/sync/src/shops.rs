//! Connections to shops of InSales: from their jobs and webhooks to what is done.

use sklad_connections::{Connection, State, connection};
use sklad_insales::api::{Api, Error, Part, Session};
use sklad_insales::check;
use sklad_insales::connected::{self, Connected, KIND};
use sklad_insales::plan::{CATALOGUE, ORDERS, RECONCILE};
use sklad_insales::sync::{self, Ended, Kind, Place};
use sklad_insales::webhook::register::{self, Address};
use sklad_insales::webhook::{hooks, receive as hints};
use sklad_jobs::inbox::{Handled, Taken};
use sklad_jobs::job::{self, Claim, Progress, RunResult, Step};
use sklad_store::{Clock, Http, Kv, Sql, SqlError};

use crate::goods::stopped;
use crate::kinds::{Handlers, done};

/// How long a run for everything waits for one of changes to make room, in milliseconds.
const ROOM_MS: i64 = 1_000;

/// A connection that can be used.
pub(crate) struct Open {
    pub row: Connection,
    pub connected: Connected,
}

impl Open {
    fn api<'a>(&'a self, gateway: Option<&'a str>) -> Api<'a> {
        Api {
            gateway,
            access: &self.connected.access,
        }
    }
}

/// The connection that a job is about, or why it cannot be used: a sentence for the merchant.
pub(crate) async fn open<S: Sql, K: Kv, H: Http, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    claim: &Claim,
) -> Result<Result<Open, &'static str>, SqlError> {
    let app = handlers.app;
    let row = connection::get(&app.sql, &claim.tenant, &claim.subject).await?;
    let Some(row) = row.filter(|row| row.enabled && row.kind == KIND) else {
        return Ok(Err("подключение к InSales удалено или выключено"));
    };
    let connected = Connected::open(&row, &app.config.master_key);
    let text = "подключение к InSales не читается: сохраните его заново";
    Ok(connected
        .map(|connected| Open { row, connected })
        .map_err(|_| text))
}

/// Works on an import of a shop's catalogue until about `until`, milliseconds since 1970 UTC. A key that is
/// not good any more is tried again, more and more seldom: it may be mended in the shop.
pub async fn catalogue<S: Sql, K: Kv, H: Http, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    claim: &Claim,
    until: i64,
) -> Result<Step, SqlError> {
    let kind = match claim.kind.as_str() {
        RECONCILE => Kind::Full,
        _ => Kind::Changes,
    };
    if let Some(step) = beside_the_other(handlers, claim, kind).await? {
        return Ok(step);
    }
    let open = match open(handlers, claim).await? {
        Ok(open) => open,
        Err(text) => return Ok(stopped(text)),
    };
    let gateway = handlers.app.config.insales_gateway.as_deref();
    let place = Place {
        tenant: &claim.tenant,
        connection: &claim.subject,
        settings: &open.connected.settings.catalogue,
        access: &open.connected.access,
        gateway,
    };
    let save = |cursor: &str, progress, now| claim.save(cursor, progress, now);
    let cursor = claim.cursor.as_deref();
    let step = sync::step(handlers.ports(), place, kind, cursor, until, &save).await?;
    note(handlers, &open, claim, &step.ended, until).await?;
    Ok(of_job(step.cursor, step.progress, step.ended))
}

/// Of the two imports of a connection one works at a time. That of everything brings the changes too, so that
/// of changes makes room: each has said in its row that it is there before it looks for the other.
async fn beside_the_other<S: Sql, K: Kv, H: Http, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    claim: &Claim,
    kind: Kind,
) -> Result<Option<Step>, SqlError> {
    let (sql, now) = (&handlers.app.sql, handlers.clock.now_ms());
    let other = match kind {
        Kind::Full => CATALOGUE,
        Kind::Changes => RECONCILE,
    };
    let other = job::standing(sql, &claim.tenant, other, &claim.subject, now).await?;
    Ok(match kind {
        Kind::Full if other.at_work => Some(Step::Later {
            at: now.saturating_add(ROOM_MS),
            cursor: claim.cursor.clone().unwrap_or_else(|| "null".to_owned()),
            progress: claim.progress,
        }),
        Kind::Changes if other.under_way => Some(Step::Done {
            result: RunResult::Ok,
            text: "Идёт сверка всего каталога: она принесёт и изменения".to_owned(),
            memory: None,
            progress: Progress::default(),
        }),
        _ => None,
    })
}

/// Subscribes to a shop's webhooks and repairs subscriptions, until about `until`.
pub async fn webhooks<S: Sql, K: Kv, H: Http, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    claim: &Claim,
    until: i64,
) -> Result<Step, SqlError> {
    let config = &handlers.app.config;
    let open = match open(handlers, claim).await? {
        Ok(open) => open,
        Err(text) => return Ok(stopped(text)),
    };
    let job = |ended| of_job("{}".to_owned(), Progress::default(), ended);
    let Some(public_url) = &config.public_url else {
        let text = "Не задан public_url: InSales не знает, куда присылать уведомления".to_owned();
        let warning = true;
        return Ok(job(Ended::Done { warning, text }));
    };
    let (sql, now) = (&handlers.app.sql, handlers.clock.now_ms());
    let (tenant, id) = (claim.tenant.as_str(), claim.subject.as_str());
    let paths = match hooks::ensure(sql, &config.master_key, tenant, id, now).await {
        Ok(paths) => paths,
        Err(hooks::Error::Sql(error)) => return Err(error),
        Err(hooks::Error::NoSecret) => return Ok(stopped("не задан master_key")),
    };
    let address = Address {
        public_url,
        tenant,
        paths: &paths,
    };
    let api = open.api(config.insales_gateway.as_deref());
    let ended = register::step(handlers.ports(), api, address, until).await?;
    // What the shop refuses about them says nothing of all the rest.
    if !matches!(ended, Ended::Done { warning: true, .. }) {
        note(handlers, &open, claim, &ended, until).await?;
    }
    Ok(job(ended))
}

/// Works on what becomes of the goods of a removed connection, until about `until`. Where it is there again its
/// goods are its own.
pub async fn farewell<S: Sql, K: Kv, H: Http, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    claim: &Claim,
    until: i64,
) -> Result<Step, SqlError> {
    let (tenant, id) = (claim.tenant.as_str(), claim.subject.as_str());
    let again = connection::get(&handlers.app.sql, tenant, id).await?;
    if again.is_some() {
        return Ok(done(claim.progress));
    }
    let save = |cursor: &str, progress, now| claim.save(cursor, progress, now);
    let cursor = claim.cursor.as_deref();
    let step = sync::farewell(handlers.ports(), (tenant, id), cursor, until, &save).await?;
    Ok(of_job(step.cursor, step.progress, step.ended))
}

/// Notes at the connection what a step has found.
async fn note<S: Sql, K: Kv, H: Http, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    open: &Open,
    claim: &Claim,
    ended: &Ended,
    until: i64,
) -> Result<(), SqlError> {
    let found = match ended {
        Ended::Failed(error) => {
            let words = check::words(error);
            Some(troubled(handlers, open, error, &words, until).await?)
        }
        Ended::Later(_) => Some(limited()),
        Ended::More if open.row.state == State::Ok => None,
        Ended::More | Ended::Done { .. } => well(handlers, open, claim, false, until).await?,
    };
    noted(handlers, open, found).await
}

/// What is found: a state of the connection, and the same in words.
type Found = (State, String);

/// That the limit is used up.
pub(crate) fn limited() -> Found {
    let limited = Error::RateLimited { retry_after_ms: 0 };
    (State::Limited, check::words(&limited))
}

/// What an error says of the connection. Which box is not ticked the shop does not say: it is asked for each;
/// `otherwise` where all that can be seen are.
pub(crate) async fn troubled<S: Sql, K: Kv, H: Http, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    open: &Open,
    error: &Error,
    otherwise: &str,
    until: i64,
) -> Result<Found, SqlError> {
    let state = connected::state(error);
    if state != State::NoRight {
        return Ok((state, check::words(error)));
    }
    if open.row.state == State::NoRight {
        // It was asked before.
        return Ok((state, open.row.state_text.clone()));
    }
    let (found, text) = checked(handlers, open, until).await?;
    Ok(match found.needs_a_person() {
        true => (found, text),
        false => (state, otherwise.to_owned()),
    })
}

/// What is found after a step of this job that went well. That a right is there again is not seen by one job
/// alone: the shop is asked for each; and a right to change things is seen only by who has `written`. Nothing
/// where another job has not got over what was wrong: the list that it reads may be the only one that does not
/// come.
pub(crate) async fn well<S: Sql, K: Kv, H: Http, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    open: &Open,
    claim: &Claim,
    written: bool,
    until: i64,
) -> Result<Option<Found>, SqlError> {
    let row = &open.row;
    Ok(match row.state {
        State::Ok => Some((State::Ok, row.state_text.clone())),
        State::NoRight if row.state_text == check::EDITING && !written => None,
        State::NoRight => Some(checked(handlers, open, until).await?),
        State::Unreachable if others_fail(handlers, claim).await? => None,
        _ => Some((State::Ok, "Всё в порядке".to_owned())),
    })
}

/// Whether another job of the connection fails; without webhooks catalogue and orders come too.
async fn others_fail<S: Sql, K: Kv, H: Http, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    claim: &Claim,
) -> Result<bool, SqlError> {
    let others = [CATALOGUE, RECONCILE, ORDERS].into_iter();
    let others: Vec<&str> = others.filter(|kind| *kind != claim.kind).collect();
    let sql = &handlers.app.sql;
    job::is_failing(sql, &claim.tenant, &others, &claim.subject).await
}

pub(crate) async fn noted<S: Sql, K: Kv, H: Http, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    open: &Open,
    found: Option<Found>,
) -> Result<(), SqlError> {
    let Some((state, text)) = found else {
        return Ok(());
    };
    let noted = open.row.noted(state, &text, handlers.clock.now_ms());
    handlers.app.sql.atomic(noted).await.map(drop)
}

async fn checked<S: Sql, K: Kv, H: Http, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    open: &Open,
    until: i64,
) -> Result<Found, SqlError> {
    let api = open.api(handlers.app.config.insales_gateway.as_deref());
    let session = Session::open(handlers.ports(), api, Part::Orders, until);
    let checked = check::check(&session, &open.connected.settings).await?;
    Ok((checked.state, checked.text))
}

/// What came of a step, as the job is told it.
fn of_job(cursor: String, progress: Progress, ended: Ended) -> Step {
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
        Ended::Failed(error) => Step::Failed {
            text: check::words(&error),
            // Keys, rights and addresses are mended by people, but in the shop, which tells nobody; and who
            // stands before the shop may have answered in its stead.
            again: true,
        },
    }
}

/// Handles webhooks: the jobs that read what they are about are asked for. Of who is not connected any more
/// there is nothing to read.
pub async fn receive<S: Sql, K: Kv, H: Http, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    taken: &Taken,
) -> Vec<Handled> {
    let asked = async {
        let (sql, now) = (&handlers.app.sql, handlers.clock.now_ms());
        let mut batch = Vec::new();
        for (id, heard) in hints::heard(taken) {
            if let Some(row) = connection::get(sql, &taken.tenant, &id).await? {
                batch.extend(hints::asked(&row, &heard, now));
            }
        }
        match batch.is_empty() {
            true => Ok(()),
            false => sql.atomic(batch).await.map(drop),
        }
    };
    let handled = match asked.await {
        Ok(()) => Handled::Done,
        Err(error) => {
            let error: SqlError = error;
            eprintln!("webhooks: {error}");
            Handled::Again("база данных недоступна".to_owned())
        }
    };
    vec![handled; taken.groups.len()]
}
