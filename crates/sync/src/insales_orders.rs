//! Orders to shops on InSales and back: from a job to a step of it and back.

use sklad_connections::{Connection, State, connection};
use sklad_insales::check::words;
use sklad_insales::connected::{self, Connected, KIND};
use sklad_insales::orders::{self, Ended, Place};
use sklad_jobs::job::{Claim, Progress, RunResult, Step};
use sklad_store::{Clock, Http, Kv, Sql, SqlError};

use crate::goods::stopped;
use crate::kinds::{Handlers, done};

/// Works on the run of a job until about `until`, milliseconds since 1970 UTC. Its subject is the
/// connection's id. A shop that does not work with us is tried again, ever more seldom: orders wait for it.
pub async fn step<S: Sql, K: Kv, H: Http, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    claim: &Claim,
    until: i64,
) -> Result<Step, SqlError> {
    let app = handlers.app;
    let found = connection::get(&app.sql, &claim.tenant, &claim.subject).await?;
    let Some(connection) = found.filter(|found| found.enabled && found.kind == KIND) else {
        return Ok(done(Progress::default()));
    };
    let Ok(connected) = Connected::open(&connection, &app.config.master_key) else {
        return Ok(stopped(
            "сохранённый ключ доступа или настройки InSales не читаются: сохраните их заново",
        ));
    };
    if !connected.settings.orders.on {
        return Ok(done(Progress::default()));
    }
    let place = Place {
        tenant: &claim.tenant,
        connection: &connection.id,
        company: &connection.company,
        settings: &connected.settings.orders,
        every_minutes: connected.settings.every_minutes,
        access: &connected.access,
        gateway: app.config.insales_gateway.as_deref(),
    };
    let save = |cursor: &str, progress, now| claim.save(cursor, progress, now);
    let cursor = claim.cursor.as_deref();
    let step = orders::step(handlers.ports(), place, cursor, until, &save).await?;
    told(handlers, &connection, &step).await?;
    Ok(of_job(step))
}

/// Notes at the connection how the shop works with us, where that is another thing than before.
async fn told<S: Sql, K: Kv, H: Http, C: Clock>(
    handlers: &Handlers<'_, S, K, H, C>,
    connection: &Connection,
    step: &orders::Step,
) -> Result<(), SqlError> {
    let (state, text) = match &step.ended {
        Ended::Failed(error) => match connected::state(error) {
            Some(state) => (state, words(error)),
            None => return Ok(()),
        },
        _ if step.answered => (State::Ok, "Всё в порядке".to_owned()),
        _ => return Ok(()),
    };
    if (state, text.as_str()) == (connection.state, connection.state_text.as_str())
        || state == State::Ok && connection.state == State::Ok
    {
        return Ok(());
    }
    let now = handlers.clock.now_ms();
    let batch = connection.noted(state, &text, now).into();
    handlers.app.sql.atomic(batch).await.map(drop)
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
            text: words(&error),
            again: true,
        },
    }
}
