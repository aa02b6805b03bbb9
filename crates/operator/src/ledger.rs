//! Points: adjust, the entries of a customer, the check.

use serde::{Deserialize, Serialize};
use sklad_loyalty::ledger;
use sklad_store::{Kv, Sql, Statement};

use crate::context::Context;
use crate::customers::stored;
use crate::error::ApiError;
use crate::page::{Page, encode, number};
use crate::reply::Reply;

/// The most points of one adjustment.
const MAX_POINTS: i64 = 1_000_000_000;
/// The longest reason, in characters.
const MAX_REASON_CHARS: usize = 300;

#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Adjustment {
    /// Сколько баллов начислить, или, со знаком минус, списать. Не ноль.
    points: i64,
    /// Почему, от 1 до 300 знаков.
    reason: String,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Adjusted {
    /// Сколько баллов теперь можно потратить.
    available: i64,
    /// Это изменение уже было сделано раньше с тем же ключом.
    repeated: bool,
}

#[derive(Serialize)]
pub struct Checked {
    /// How many customers were looked at.
    pub checked: usize,
    /// Those whose balance is not what the ledger gives.
    pub differences: Vec<ledger::Difference>,
    /// The cursor of the next page; null when all were looked at.
    pub next: Option<String>,
}

pub async fn adjust<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let Adjustment { points, reason } = c.json()?;
    let reason = reason.trim();
    let key = c.idempotency_key()?;
    if points == 0 || points.checked_abs().is_none_or(|p| p > MAX_POINTS) {
        return Err(ApiError::refused("points", "Не ноль и не больше миллиарда"));
    }
    if !(1..=MAX_REASON_CHARS).contains(&reason.chars().count()) {
        return Err(ApiError::refused("reason", "Причина – от 1 до 300 знаков"));
    }
    let tenant = c.tenant().await?;
    let customer = stored(c, &tenant, c.name(1)).await?;
    let (sql, shop) = (&c.app.sql, c.shop(&tenant)?);
    let done = ledger::adjust(sql, &shop, &customer.id, key, points, reason).await?;
    if done.repeated && !same(sql, tenant.slug.as_str(), key, &customer.id, points).await? {
        let message = "С этим Idempotency-Key уже сделано другое изменение";
        return Err(ApiError::conflict(message));
    }
    Reply::json(&Adjusted {
        available: done.available,
        repeated: done.repeated,
    })
}

/// Whether the adjustment of this key is the one that is asked for again.
async fn same(
    sql: &impl Sql,
    tenant: &str,
    key: &str,
    customer: &str,
    points: i64,
) -> Result<bool, ApiError> {
    let statement = Statement::new(
        "SELECT 1 FROM entries WHERE tenant = ?1 AND kind = 'adjust' AND key = ?2 \
         AND customer = ?3 AND points = ?4",
    )
    .bind(tenant)
    .bind(key)
    .bind(customer)
    .bind(points);
    Ok(!sql.query(statement).await?.is_empty())
}

pub async fn list<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let customer = stored(c, &tenant, c.name(1)).await?;
    let limit = c.limit()?;
    let before = match c.cursor::<3>()? {
        None => None,
        Some([at, kind, key]) => Some((number(&at)?, kind, key)),
    };
    let slug = tenant.slug.as_str();
    let items = ledger::entries(&c.app.sql, slug, &customer.id, before, limit).await?;
    let page = Page::new(items, limit, |last: &ledger::Entries| {
        vec![last.at.to_string(), last.kind.clone(), last.key.clone()]
    });
    Reply::json(&page)
}

pub async fn check<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let after = c.after()?.unwrap_or_default();
    let slug = tenant.slug.as_str();
    let (differences, checked, next) = ledger::check(&c.app.sql, slug, &after, c.limit()?).await?;
    let next = next.map(|id| encode(&[id]));
    Reply::json(&Checked {
        checked,
        differences,
        next,
    })
}
