//! The jobs that there are, and who does them.

use std::rc::Rc;

use sklad_insales::plan as insales;
use sklad_jobs::inbox::{Handled, Taken};
use sklad_jobs::job::{Claim, Progress, RunResult, Step};
use sklad_jobs::schedule::Schedule;
use sklad_jobs::sweep;
use sklad_jobs::tick::Runner;
use sklad_moysklad::sync::plan::{CHANGES, GOODS};
use sklad_moysklad::webhook;
use sklad_store::Ports;
use sklad_store::{Clock, Http, Kv, Sql, SqlError};
use sklad_tenant::{App, Slug, Tenant};

use crate::{exchange, goods, insales_orders, shops, tenants, webhooks};

/// Gives every tenant the jobs that every tenant has. The deployment's own: its tenant is `''`. The schema
/// brings it along.
pub const TENANTS: &str = "tenants";
/// Forgets what is too old: staged files of the exchange, journal, inbox, outbox.
pub const SWEEP: &str = "sweep";
/// How often [`SWEEP`] runs: staged files go within a day, and no tenant has many rows a quarter of a day.
pub const SWEEPING: Schedule = Schedule::Minutes {
    every_minutes: 6 * 60,
};

/// What the application does.
pub(crate) struct Handlers<'a, S, K, H, C> {
    pub app: &'a App<S, K>,
    pub http: &'a H,
    pub clock: &'a C,
}

impl<'a, S, K, H, C> Handlers<'a, S, K, H, C> {
    pub(crate) fn ports(&self) -> Ports<'a, S, H, C> {
        Ports {
            sql: &self.app.sql,
            http: self.http,
            clock: self.clock,
        }
    }
}

impl<S: Sql, K: Kv, H, C: Clock> Handlers<'_, S, K, H, C> {
    /// The tenant of this name; `None` where there is none any more.
    pub(crate) async fn tenant(&self, name: &str) -> Result<Option<Rc<Tenant>>, SqlError> {
        let Ok(slug) = name.parse::<Slug>() else {
            return Ok(None);
        };
        let tenant = self.app.tenant(&slug, self.clock.now_ms()).await;
        tenant.map_err(|error| SqlError::Other(error.to_string()))
    }
}

impl<S: Sql, K: Kv, H: Http, C: Clock> Runner for Handlers<'_, S, K, H, C> {
    async fn step(&self, claim: &Claim, until: i64) -> Step {
        let (sql, clock) = (&self.app.sql, self.clock);
        let result = match claim.kind.as_str() {
            TENANTS => tenants::step(self.app, clock, claim, until).await,
            SWEEP => sweep_step(sql, clock, claim, until).await,
            sklad_exchange::JOB => exchange::step(self, claim, until).await,
            GOODS | CHANGES => goods::step(self, claim, until).await,
            webhook::JOB => webhooks::step(self, claim, until).await,
            insales::CATALOGUE | insales::RECONCILE => shops::catalogue(self, claim, until).await,
            insales::WEBHOOKS => shops::webhooks(self, claim, until).await,
            insales::FAREWELL => shops::farewell(self, claim, until).await,
            insales::ORDERS => insales_orders::step(self, claim, until).await,
            // A newer release may have planned it: it waits for that one to come back.
            unknown => Ok(Step::Failed {
                text: format!("эта версия не знает задания «{unknown}»"),
                again: true,
            }),
        };
        result.unwrap_or_else(|error| failed(&error))
    }

    async fn receive(&self, taken: &Taken, until: i64) -> Vec<Handled> {
        if taken.source == webhook::SOURCE {
            return webhooks::receive(self, taken, until).await;
        }
        if taken.source == sklad_insales::webhook::SOURCE {
            return shops::receive(self, taken).await;
        }
        let text = format!("эта версия не знает уведомлений «{}»", taken.source);
        vec![Handled::Again(text); taken.groups.len()]
    }
}

/// The database said no: the log says how, a person only that.
fn failed(error: &SqlError) -> Step {
    eprintln!("job: {error}");
    Step::Failed {
        text: "база данных недоступна".to_owned(),
        again: true,
    }
}

async fn sweep_step(
    sql: &impl Sql,
    clock: &impl Clock,
    claim: &Claim,
    until: i64,
) -> Result<Step, SqlError> {
    while sweep::sweep(sql, &claim.tenant, clock.now_ms()).await? {
        if clock.now_ms() >= until {
            return Ok(Step::More {
                cursor: "{}".to_owned(),
                progress: Progress::default(),
            });
        }
        clock.pause().await;
    }
    let left = until.saturating_sub(clock.now_ms());
    sklad_exchange::sweep::sweep(sql, &claim.tenant, clock, left).await?;
    Ok(done(Progress::default()))
}

/// A run that has ended well and has nothing to tell.
pub(crate) fn done(progress: Progress) -> Step {
    Step::Done {
        result: RunResult::Ok,
        text: String::new(),
        memory: None,
        progress,
    }
}
