//! Which jobs a connection has, and when they run: what its settings call for.
//!
//! The statements stand in the batch that changes the connection.

use sklad_connections::Connection;
use sklad_jobs::job;
use sklad_jobs::schedule::Schedule;
use sklad_store::{Sql, SqlError, Statement};

use crate::connected::{self, KIND};
use crate::sync;
use crate::webhook::hooks;

/// The job that imports what has changed in the catalogue. Its subject, as of the others, is the
/// connection's id.
pub const CATALOGUE: &str = "insales-catalogue";
/// The job that compares the whole catalogue.
pub const RECONCILE: &str = "insales-reconcile";
/// The job that sends orders and asks for their statuses.
pub const ORDERS: &str = "insales-orders";
/// The job that subscribes to the shop's webhooks, and repairs subscriptions.
pub const WEBHOOKS: &str = "insales-webhooks";
/// The job of a connection that is there no more: its goods go to the archive.
pub const FAREWELL: &str = "insales-farewell";
/// All that a connection has while it is on.
pub const JOBS: [&str; 4] = [CATALOGUE, RECONCILE, ORDERS, WEBHOOKS];

/// In which hour of the shop's day the whole catalogue is compared.
const RECONCILE_HOUR: u8 = 4;
/// In which hour subscriptions are looked at.
const WEBHOOKS_HOUR: u8 = 5;

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Changed {
    /// Settings at most: a job that failed too often stays where it is.
    Settings,
    /// The key, or it was switched on: what had stopped goes on, and everything runs now.
    Connection,
}

/// The statements that make the jobs of a connection what they should be; `zone_minutes` is the tenant's time
/// zone.
#[must_use]
pub fn statements(
    connection: &Connection,
    zone_minutes: i32,
    changed: Changed,
    now_ms: i64,
) -> Vec<Statement> {
    let settings = connected::settings(connection).ok();
    let Some(settings) = settings.filter(|_| connection.enabled) else {
        return removed(connection);
    };
    let often = Schedule::Minutes {
        every_minutes: settings.every_minutes,
    };
    let nightly = |hour| Schedule::Days {
        every_days: 1,
        hour,
        zone_minutes,
    };
    let (catalogue, orders) = (settings.catalogue.on, settings.orders.on);
    let (tenant, id) = (connection.tenant.as_str(), connection.id.as_str());
    // Who is there again keeps its goods.
    let mut batch = vec![job::remove(tenant, FAREWELL, id)];
    if orders {
        batch.push(crate::orders::begin(tenant, id, now_ms));
    }
    for (kind, schedule, on) in [
        (CATALOGUE, often, catalogue),
        (RECONCILE, nightly(RECONCILE_HOUR), catalogue),
        (ORDERS, often, orders),
        (WEBHOOKS, nightly(WEBHOOKS_HOUR), catalogue || orders),
    ] {
        if !on {
            batch.push(job::remove(tenant, kind, id));
            continue;
        }
        batch.push(job::plan(tenant, kind, id, Some(schedule), now_ms));
        if changed == Changed::Connection {
            batch.push(job::revive(tenant, kind, id, now_ms));
            if kind != RECONCILE {
                batch.push(job::ask(tenant, kind, id, now_ms));
            }
        }
    }
    batch
}

/// The statements that end the jobs of a connection.
#[must_use]
pub fn removed(connection: &Connection) -> Vec<Statement> {
    let gone = |kind| job::remove(&connection.tenant, kind, &connection.id);
    JOBS.map(gone).into()
}

/// The statements that forget what was kept of a connection that is removed; a job sees to its goods.
#[must_use]
pub fn forgotten(connection: &Connection, now_ms: i64) -> Vec<Statement> {
    let (tenant, id) = (connection.tenant.as_str(), connection.id.as_str());
    let mut batch = removed(connection);
    batch.extend(sync::forget(tenant, id));
    batch.push(hooks::forget(tenant, id));
    batch.extend(crate::orders::rows::forget(tenant, id, now_ms));
    batch.push(farewell(tenant, id, now_ms));
    batch
}

/// The statement that asks for the goods of a connection that is removed to go to the archive: once, then the
/// job is gone.
#[must_use]
pub fn farewell(tenant: &str, connection: &str, now_ms: i64) -> Statement {
    job::ask(tenant, FAREWELL, connection, now_ms)
}

/// The statements that make the jobs of all connections of a tenant what they should be: its time zone may
/// have changed.
///
/// # Errors
/// The database's.
pub async fn of_tenant(
    sql: &impl Sql,
    tenant: &str,
    zone_minutes: i32,
    now_ms: i64,
) -> Result<Vec<Statement>, SqlError> {
    let all = sklad_connections::connection::enabled(sql, tenant, KIND).await?;
    let planned = |c: &Connection| statements(c, zone_minutes, Changed::Settings, now_ms);
    Ok(all.iter().flat_map(planned).collect())
}
