//! What the tick does with webhooks: the objects that they name are read anew, many with one request.

use sklad_jobs::inbox::{Group, Handled, Taken};
use sklad_store::{Clock, Http, Sql, SqlError};
use sklad_tenant::clock;

use super::NOTED;
use super::wire::STOCK;
use crate::sync::Place;
use crate::sync::changed::{Wanted, What, bring};
use sklad_store::Ports;

/// What a group is about.
enum About<'a> {
    /// Objects that bring something here: their kind and id.
    Read(What, &'a str),
    /// The hint about stock.
    Stock,
    /// A document of which nothing is made yet.
    Noted,
    /// What a newer release may have written.
    Unknown,
}

fn about(object: &str) -> About<'_> {
    let Some((kind, id)) = object.split_once('/') else {
        return match object == STOCK {
            true => About::Stock,
            false => About::Unknown,
        };
    };
    let what = match kind {
        "productfolder" => What::Folders,
        "product" => What::Products,
        "service" => What::Services,
        "bundle" => What::Bundles,
        "variant" => What::Variants,
        "counterparty" => What::Customers,
        kind if NOTED.contains(&kind) => return About::Noted,
        _ => return About::Unknown,
    };
    About::Read(what, id)
}

fn wanted(taken: &Taken, now_ms: i64) -> Wanted {
    let mut wanted = Wanted {
        stock_since: now_ms,
        ..Wanted::default()
    };
    for group in &taken.groups {
        let (what, id) = match about(&group.object) {
            About::Read(what, id) => (what, id),
            About::Stock => {
                let told = group
                    .messages
                    .iter()
                    .map(|m| clock::parse_moscow(&m.payload));
                // A hint without a moment is about all that the report can tell.
                let since = told.map(Option::unwrap_or_default).min();
                wanted.stock_since = since.unwrap_or_default();
                (What::Stock, STOCK)
            }
            About::Noted | About::Unknown => continue,
        };
        wanted.ids.entry(what).or_default().insert(id.to_owned());
        if is_deleted(group) {
            wanted.deleted.insert(id.to_owned());
        }
    }
    wanted
}

fn is_deleted(group: &Group) -> bool {
    let mut actions = group.messages.iter().map(|m| m.payload.as_str());
    actions.any(|action| action == "DELETE")
}

/// Handles what was taken, until about `until_ms`; answers what became of each group, in their order.
///
/// # Errors
/// The database's: then nothing is known of any.
pub async fn receive<S: Sql, H: Http, C: Clock>(
    ports: Ports<'_, S, H, C>,
    place: Place<'_>,
    taken: &Taken,
    until_ms: i64,
) -> Result<Vec<Handled>, SqlError> {
    let wanted = wanted(taken, ports.clock.now_ms());
    let failed = bring(ports, place, &wanted, until_ms).await?;
    let of_kind = |what: What| match failed.get(&what) {
        Some(error) => Handled::Again(error.for_merchant()),
        None => Handled::Done,
    };
    let handled = |group: &Group| match about(&group.object) {
        About::Read(what, _) => of_kind(what),
        About::Stock => of_kind(What::Stock),
        About::Noted => Handled::Done,
        About::Unknown => Handled::Again("эта версия не знает такого уведомления".to_owned()),
    };
    Ok(taken.groups.iter().map(handled).collect())
}
