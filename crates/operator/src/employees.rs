//! Employees, their groups and rights.

use serde::{Deserialize, Serialize};
use sklad_access::Right;
use sklad_access::employees::{self, Edit, Employee, NewEmployee};
use sklad_access::groups::{self, Group, GroupInput, name_key};
use sklad_store::{Kv, Sql};

use crate::context::Context;
use crate::error::ApiError;
use crate::page::Page;
use crate::reply::Reply;

/// A right with what people call it.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct RightLine {
    /// Имя права.
    right: Right,
    /// Название для людей.
    title: &'static str,
}

/// A password to be set. Without `Debug`: it must not get into a log.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// Пароль, от 8 до 200 знаков; не указан – будет придуман.
    password: Option<String>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct PasswordSet {
    /// Придуманный пароль: больше он нигде не показывается. null, если пароль был указан.
    password: Option<String>,
}

pub async fn list<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let (limit, after) = (c.limit()?, c.after()?.unwrap_or_default());
    let items = employees::list(&c.app.sql, tenant.slug.as_str(), &after, limit).await?;
    Reply::json(&Page::new(items, limit, |last: &Employee| {
        vec![last.email.clone()]
    }))
}

pub async fn create<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let new: NewEmployee = c.json()?;
    let tenant = c.tenant().await?;
    let slug = tenant.slug.as_str();
    let made = employees::create(&c.app.sql, slug, &new, c.now_ms).await?;
    let location = format!("/api/v1/tenants/{slug}/employees/{}", made.employee.id);
    Ok(Reply::json(&made)?.created(location))
}

pub async fn get<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let found = employees::get(&c.app.sql, tenant.slug.as_str(), c.name(1)).await?;
    Reply::json(&found.ok_or_else(ApiError::not_found)?)
}

pub async fn edit<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let edit: Edit = c.json()?;
    let tenant = c.tenant().await?;
    let (sql, slug) = (&c.app.sql, tenant.slug.as_str());
    Reply::json(&employees::edit(sql, slug, c.name(1), &edit, c.now_ms).await?)
}

pub async fn delete<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    employees::delete(&c.app.sql, tenant.slug.as_str(), c.name(1), c.now_ms).await?;
    Ok(Reply::empty())
}

pub async fn set_password<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let new: NewPassword = c.json_or_empty()?;
    let tenant = c.tenant().await?;
    let (sql, slug, given) = (&c.app.sql, tenant.slug.as_str(), new.password.as_deref());
    let password = employees::set_password(sql, slug, c.name(1), given, c.now_ms).await?;
    Reply::json(&PasswordSet { password })
}

pub async fn list_groups<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let (limit, after) = (c.limit()?, c.after()?.unwrap_or_default());
    let items = groups::list(&c.app.sql, tenant.slug.as_str(), &after, limit).await?;
    Reply::json(&Page::new(items, limit, |last: &Group| {
        vec![name_key(&last.name)]
    }))
}

pub async fn create_group<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let new: GroupInput = c.json()?;
    let tenant = c.tenant().await?;
    let slug = tenant.slug.as_str();
    let group = groups::create(&c.app.sql, slug, &new, c.now_ms).await?;
    let location = format!("/api/v1/tenants/{slug}/groups/{}", group.id);
    Ok(Reply::json(&group)?.created(location))
}

pub async fn get_group<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let found = groups::get(&c.app.sql, tenant.slug.as_str(), c.name(1)).await?;
    Reply::json(&found.ok_or_else(ApiError::not_found)?)
}

pub async fn put_group<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let new: GroupInput = c.json()?;
    let tenant = c.tenant().await?;
    let (sql, slug) = (&c.app.sql, tenant.slug.as_str());
    Reply::json(&groups::replace(sql, slug, c.name(1), &new, c.now_ms).await?)
}

pub async fn delete_group<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    groups::delete(&c.app.sql, tenant.slug.as_str(), c.name(1), c.now_ms).await?;
    Ok(Reply::empty())
}

pub async fn add_member<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let (sql, slug) = (&c.app.sql, tenant.slug.as_str());
    Reply::json(&groups::add_member(sql, slug, c.name(1), c.name(2), c.now_ms).await?)
}

pub async fn remove_member<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let (sql, slug) = (&c.app.sql, tenant.slug.as_str());
    groups::remove_member(sql, slug, c.name(1), c.name(2), c.now_ms).await?;
    Ok(Reply::empty())
}

pub async fn rights<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    c.tenant().await?;
    let line = |right: Right| RightLine {
        right,
        title: right.title(),
    };
    Reply::json(&Right::ALL.map(line))
}
