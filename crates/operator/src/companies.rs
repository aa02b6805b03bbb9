//! Companies of a tenant.

use serde::Deserialize;
use sklad_connections::{Error, companies};
use sklad_store::{Kv, Sql};

use crate::context::Context;
use crate::error::ApiError;
use crate::reply::Reply;

/// A company to be created, or renamed.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct CompanyInput {
    /// Название, от 1 до 100 знаков.
    name: String,
}

pub async fn list<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    Reply::json(&companies::list(&c.app.sql, tenant.slug.as_str()).await?)
}

pub async fn create<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let new: CompanyInput = c.json()?;
    let tenant = c.tenant().await?;
    let (sql, slug) = (&c.app.sql, tenant.slug.as_str());
    let made = companies::create(sql, slug, &new.name, c.now_ms).await?;
    let location = format!("/api/v1/tenants/{slug}/companies/{}", made.id);
    Ok(Reply::json(&made)?.created(location))
}

pub async fn rename<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let new: CompanyInput = c.json()?;
    let tenant = c.tenant().await?;
    let (sql, slug) = (&c.app.sql, tenant.slug.as_str());
    Reply::json(&companies::rename(sql, slug, c.name(1), &new.name, c.now_ms).await?)
}

pub async fn remove<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    companies::remove(&c.app.sql, tenant.slug.as_str(), c.name(1), c.now_ms).await?;
    Ok(Reply::empty())
}

impl From<Error> for ApiError {
    fn from(error: Error) -> Self {
        match error {
            Error::Invalid { path, message } => Self::refused(path, message),
            Error::NotFound => Self::not_found(),
            Error::NameTaken
            | Error::TooMany(_)
            | Error::NotEmpty
            | Error::HasOrders
            | Error::First => Self::conflict(crate::error::capital(&error.to_string())),
            Error::Random | Error::Seal(_) => Self::internal(&error),
            Error::Sql(error) => error.into(),
        }
    }
}

/// The id of the company of this id or name.
pub async fn id_of<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    tenant: &str,
    key: &str,
) -> Result<String, ApiError> {
    let found = sklad_connections::companies::get(&c.app.sql, tenant, key).await?;
    let none = || ApiError::refused("company", "Нет такой компании");
    Ok(found.ok_or_else(none)?.id)
}
