//! Gift certificates.

use sklad_loyalty::giftcards::{self, Certificate, NewCertificate};
use sklad_store::{Kv, Sql};

use crate::context::Context;
use crate::error::ApiError;
use crate::page::Page;
use crate::reply::Reply;

pub async fn list<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let (limit, after) = (c.limit()?, c.after()?);
    let (sql, slug) = (&c.app.sql, tenant.slug.as_str());
    let after = after.as_deref();
    let items = giftcards::list(sql, slug, c.query("q"), after, limit, c.now_ms).await?;
    Reply::json(&Page::new(items, limit, |last: &Certificate| {
        vec![last.number.clone()]
    }))
}

pub async fn create<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let batch: Vec<NewCertificate> = c.list()?;
    let tenant = c.tenant().await?;
    let slug = tenant.slug.as_str();
    let made = giftcards::create(&c.app.sql, slug, &batch, c.now_ms).await?;
    let location = format!("/api/v1/tenants/{slug}/gift-certificates");
    Ok(Reply::json(&made)?.created(location))
}

pub async fn import<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let text = c.text()?;
    let tenant = c.tenant().await?;
    let clock = c.clock(&tenant);
    let slug = tenant.slug.as_str();
    Reply::json(&giftcards::import(&c.app.sql, slug, text, clock).await?)
}

pub async fn get<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let slug = tenant.slug.as_str();
    let found = giftcards::find(&c.app.sql, slug, c.name(1), c.now_ms).await?;
    Reply::json(&found.ok_or_else(ApiError::not_found)?)
}

pub async fn block<S: Sql, K: Kv>(c: &Context<'_, S, K>, blocked: bool) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let slug = tenant.slug.as_str();
    let found = giftcards::block(&c.app.sql, slug, c.name(1), blocked, c.now_ms).await?;
    Reply::json(&found.ok_or_else(ApiError::not_found)?)
}
