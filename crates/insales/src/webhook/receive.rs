//! What the tick does with webhooks: it asks for the jobs that read what has changed. Many hints are one run,
//! which costs what one of the schedule does.

use std::collections::{BTreeMap, BTreeSet};

use sklad_connections::Connection;
use sklad_jobs::inbox::Taken;
use sklad_jobs::job;
use sklad_store::Statement;

use super::wire::{What, about};
use crate::connected;
use crate::orders::rows;
use crate::plan::{CATALOGUE, ORDERS};

/// How long hints about products wait for others, in milliseconds: a sale of ten goods is ten of them, and a
/// run is three requests.
pub const GATHER_MS: i64 = 15_000;

/// What a connection's hints are about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Heard {
    /// Ids of products.
    pub products: BTreeSet<u64>,
    /// Ids of orders.
    pub orders: BTreeSet<u64>,
}

/// What the hints of each connection are about.
#[must_use]
pub fn heard(taken: &Taken) -> BTreeMap<String, Heard> {
    let mut all: BTreeMap<String, Heard> = BTreeMap::new();
    for group in &taken.groups {
        let Some((connection, what, id)) = about(&group.object) else {
            continue;
        };
        let heard = all.entry(connection.to_owned()).or_default();
        match what {
            What::Product => drop(heard.products.insert(id)),
            What::Order => drop(heard.orders.insert(id)),
            What::Client => {}
        }
    }
    all
}

/// The statements that ask for the jobs which read what was heard of; none where the connection is off, or
/// does not want it.
#[must_use]
pub fn asked(connection: &Connection, heard: &Heard, now_ms: i64) -> Vec<Statement> {
    let settings = connected::settings(connection).ok();
    let Some(settings) = settings.filter(|_| connection.enabled) else {
        return Vec::new();
    };
    let (tenant, id) = (connection.tenant.as_str(), connection.id.as_str());
    let mut batch = Vec::new();
    if settings.catalogue.on && !heard.products.is_empty() {
        let at = now_ms.saturating_add(GATHER_MS);
        batch.push(job::ask_at(tenant, CATALOGUE, id, at, now_ms));
    }
    if settings.orders.on && !heard.orders.is_empty() {
        let orders: Vec<u64> = heard.orders.iter().copied().collect();
        batch.push(rows::hinted((tenant, id), &orders, now_ms));
        batch.push(job::ask(tenant, ORDERS, id, now_ms));
    }
    batch
}
