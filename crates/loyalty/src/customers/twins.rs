//! One person under two records.

use serde_json::json;
use sklad_jobs::journal::{Direction, Outcome, Record};
use sklad_jobs::mask;
use sklad_store::{Sql, SqlError, Statement};

use super::identity::{Identity, NAMELESS};
use super::write::{Listed, get, merge};
use crate::ledger::json as to_json;
use crate::programme::Tiers;

/// How often the records are read again when another till changes them.
const ATTEMPTS: usize = 16;

/// Puts together the records to which the keys of one call lead. Safe is that only with a record of
/// which nothing but an id is known: a receipt brought it before the card of the customer came. Other
/// records stay as they are, and the journal asks the merchant; the cashier's call goes on.
///
/// # Errors
/// The database's.
pub async fn unite(
    sql: &impl Sql,
    tenant: &str,
    identity: &Identity,
    tiers: &Tiers,
    now: i64,
) -> Result<(), SqlError> {
    for _ in 0..ATTEMPTS {
        let twins = meant(sql, tenant, identity).await?;
        let Some((from, into)) = mergeable(&twins) else {
            if twins.len() > 1 {
                sql.atomic(vec![ambiguous(&twins).statement(tenant, now)])
                    .await?;
            }
            return Ok(());
        };
        let mut batch = merge(tenant, from, into, tiers, now)?;
        batch.push(merged(from, into).statement(tenant, now));
        match sql.atomic(batch).await {
            // There may be a third, or somebody else was faster.
            Ok(_) | Err(SqlError::Conflict) => {}
            Err(other) => return Err(other),
        }
    }
    Ok(())
}

/// The customers to whom the keys lead, the most believed first.
async fn meant(sql: &impl Sql, tenant: &str, identity: &Identity) -> Result<Vec<Listed>, SqlError> {
    let statement = Statement::new(
        "SELECT c.customer FROM json_each(?2) k CROSS JOIN customer_keys c \
         ON c.tenant = ?1 AND c.kind = k.value->>0 AND c.value = k.value->>1 \
         GROUP BY c.customer ORDER BY min(k.key)",
    )
    .bind(tenant)
    .bind(to_json(&identity.keys())?);
    let mut customers = Vec::new();
    for row in sql.query(statement).await? {
        customers.extend(get(sql, tenant, &row.string(0)).await?);
    }
    Ok(customers)
}

/// Which record can be merged into which.
fn mergeable(twins: &[Listed]) -> Option<(&Listed, &Listed)> {
    let into = twins.iter().find(|c| !bare(c)).or(twins.first())?;
    let from = twins.iter().find(|c| bare(c) && c.id != into.id)?;
    Some((from, into))
}

/// Whether nothing but ids is known of a customer.
fn bare(customer: &Listed) -> bool {
    let told = [
        &customer.first_name,
        &customer.middle_name,
        &customer.last_name,
        &customer.phone,
        &customer.card,
        &customer.email,
        &customer.birth_date,
        &customer.sex,
    ];
    customer.name == NAMELESS && told.iter().all(|told| told.is_none())
}

fn merged(from: &Listed, into: &Listed) -> Record {
    Record {
        direction: Direction::In,
        action: "merge",
        object: from.id.clone(),
        customer: Some(into.id.clone()),
        outcome: Outcome::Ok,
        text: format!(
            "Покупатель без имени влит в {}, баллов {}: касса назвала обоих одним",
            mask::name(&into.name),
            from.balance
        ),
        detail: None,
    }
}

fn ambiguous(twins: &[Listed]) -> Record {
    let names: Vec<String> = twins.iter().map(|c| mask::name(&c.name)).collect();
    let ids: Vec<&str> = twins.iter().map(|c| c.id.as_str()).collect();
    let first = ids.first().map(|id| (*id).to_owned());
    Record {
        direction: Direction::In,
        action: "customer",
        object: first.clone().unwrap_or_default(),
        customer: first,
        outcome: Outcome::Warning,
        text: format!(
            "Касса назвала одним покупателем разных: {}. Если это один человек, объедините их",
            names.join(", ")
        ),
        detail: Some(json!({ "customers": ids })),
    }
}
