//! Which jobs a tenant has, and when they run: what its settings and its connection call for.
//!
//! [`plan`] is called wherever one of the two changes. What it misses – a host that dies in between, two
//! changes at one moment – is repaired by the job that goes through the tenants ([`statements`]).

use sklad_jobs::job;
use sklad_jobs::schedule::Schedule;
use sklad_store::{Kv, Sql, Statement};
use sklad_tenant::{App, Error, MoyskladSettings, Slug, settings};

use super::Kind;
use crate::vendor::accounts::{self, Account};
use crate::webhook;

/// The job that imports everything.
pub const GOODS: &str = "moysklad-goods";
/// The job that imports what has changed.
pub const CHANGES: &str = "moysklad-changes";

/// How often subscriptions to webhooks are looked at.
const WEBHOOKS: Schedule = Schedule::Minutes {
    every_minutes: webhook::EVERY_MINUTES,
};

/// What a job imports; nothing where it is none of these.
#[must_use]
pub fn kind_of(job: &str) -> Option<Kind> {
    match job {
        GOODS => Some(Kind::Full),
        CHANGES => Some(Kind::Changes),
        _ => None,
    }
}

/// The job that imports this.
#[must_use]
pub const fn job_of(kind: Kind) -> &'static str {
    match kind {
        Kind::Full => GOODS,
        Kind::Changes => CHANGES,
    }
}

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// Settings at most: a job that failed too often stays where it is.
    Settings,
    /// The connection: what it had stopped goes on.
    Connection,
}

/// How a tenant is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Connection {
    /// Not at all.
    None,
    /// Suspended: it may come back.
    Off,
    /// So that goods can be read.
    On,
}

impl Connection {
    fn of(accounts: &[Account]) -> Self {
        let suspended = |a: &Account| a.state == accounts::State::Suspended;
        if accounts.iter().any(Account::is_usable) {
            Self::On
        } else if accounts.iter().any(suspended) {
            Self::Off
        } else {
            Self::None
        }
    }
}

/// Plans, rests or removes the jobs of a tenant. What fails is told to the log, and is made up for.
pub async fn plan<S: Sql, K: Kv>(app: &App<S, K>, tenant: &str, changed: Changed, now: i64) {
    let planned = async {
        let batch = statements(app, tenant, changed, now).await?;
        if !batch.is_empty() {
            app.sql.atomic(batch).await?;
        }
        Ok::<(), Error>(())
    };
    if let Err(error) = planned.await {
        eprintln!("moysklad: jobs are planned later: {error}");
    }
}

/// The statements that make the jobs of a tenant what they should be; none for who is no tenant.
///
/// # Errors
/// The stores'.
pub async fn statements<S: Sql, K: Kv>(
    app: &App<S, K>,
    tenant: &str,
    changed: Changed,
    now: i64,
) -> Result<Vec<Statement>, Error> {
    let Ok(slug) = tenant.parse::<Slug>() else {
        return Ok(Vec::new());
    };
    let connection = Connection::of(&accounts::of_tenant(&app.sql, tenant).await?);
    let Some(stored) = settings::stored(&app.kv, &slug).await? else {
        return Ok(Vec::new());
    };
    let (head, settings): (settings::Head, MoyskladSettings) = (stored.read()?, stored.section()?);
    let zone = head.timezone_minutes;
    Ok(jobs((tenant, zone), &settings, connection, changed, now))
}

fn jobs(
    (tenant, zone_minutes): (&str, i32),
    settings: &MoyskladSettings,
    connection: Connection,
    changed: Changed,
    now: i64,
) -> Vec<Statement> {
    match connection {
        Connection::None => [GOODS, CHANGES, webhook::JOB]
            .map(|kind| job::remove(tenant, kind, ""))
            .into(),
        Connection::Off => [GOODS, CHANGES, webhook::JOB]
            .map(|kind| job::rest(tenant, kind, "", now))
            .into(),
        Connection::On => {
            let (full, changes) = schedules(settings, zone_minutes);
            // Without a schedule everything is imported when it is asked for, changes never.
            let mut batch = vec![job::plan(tenant, GOODS, "", full, now)];
            batch.push(match changes {
                Some(_) => job::plan(tenant, CHANGES, "", changes, now),
                None => job::remove(tenant, CHANGES, ""),
            });
            batch.push(job::plan(tenant, webhook::JOB, "", Some(WEBHOOKS), now));
            if changed == Changed::Connection {
                let all = [GOODS, CHANGES, webhook::JOB];
                batch.extend(all.map(|kind| job::revive(tenant, kind, "", now)));
                // Another account, or another token: subscriptions are looked at now.
                batch.push(job::ask(tenant, webhook::JOB, "", now));
            }
            batch
        }
    }
}

/// When everything is imported, and when what has changed.
fn schedules(
    settings: &MoyskladSettings,
    zone_minutes: i32,
) -> (Option<Schedule>, Option<Schedule>) {
    let goods = &settings.goods;
    if !goods.on {
        return (None, None);
    }
    let full = Schedule::Days {
        every_days: goods.every_days.into(),
        hour: goods.at_hour,
        zone_minutes,
    };
    let changes = Schedule::Minutes {
        every_minutes: goods.changes_every_minutes,
    };
    let wanted = goods.changes_every_minutes > 0;
    (Some(full), wanted.then_some(changes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_comes_at_the_hour_of_the_shop_and_changes_every_few_minutes() {
        let mut settings = MoyskladSettings::default();
        settings.goods.every_days = 7;
        let full = Schedule::Days {
            every_days: 7,
            hour: 3,
            zone_minutes: 600,
        };
        let changes = Schedule::Minutes { every_minutes: 15 };
        assert_eq!(schedules(&settings, 600), (Some(full), Some(changes)));
        settings.goods.changes_every_minutes = 0;
        assert_eq!(schedules(&settings, 600), (Some(full), None));
        settings.goods.on = false;
        assert_eq!(schedules(&settings, 600), (None, None));
    }
}
