//! Settings and their sections: read, replace with `If-Match`.

use http::StatusCode;
use sklad_moysklad::sync::plan::{self, Changed};
use sklad_store::{Kv, Sql};
use sklad_tenant::settings::{self, Section};
use sklad_tenant::{Settings, Slug};

use crate::context::{Context, Told};
use crate::error::ApiError;
use crate::reply::Reply;

pub async fn get<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let settings = c.tenant().await?.all_settings()?;
    Ok(Reply::json(&settings)?.version(settings.version))
}

/// What the document does not name stays: who knows nothing of a section does not reset it.
pub async fn put<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let if_match = c.if_match()?;
    let tenant = c.tenant().await?;
    let old = tenant.all_settings()?;
    let new = c.readable(|json| old.clone().changed_by(json))?;
    let settings = replace(c, &tenant.slug, &old, if_match, new, "Настройки изменены").await?;
    Ok(Reply::json(&settings)?.version(settings.version))
}

/// One section of the settings.
pub async fn get_section<T: Section, S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    Ok(Reply::json(&tenant.section::<T>()?)?.version(tenant.settings.version))
}

/// Replaces one section; `what` is for the journal.
pub async fn put_section<T: Section, S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    what: &'static str,
) -> Result<Reply, ApiError> {
    let section: T = c.json()?;
    let if_match = c.if_match()?;
    // Checked here as well, so that the places are those of the document that was sent.
    let problems = section.validate();
    if !problems.is_empty() {
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Err(ApiError::problems(status, "refused", problems));
    }
    let tenant = c.tenant().await?;
    let old = tenant.all_settings()?;
    let mut new = old.clone();
    *T::within(&mut new) = section;
    let mut settings = replace(c, &tenant.slug, &old, if_match, new, what).await?;
    let version = settings.version;
    Ok(Reply::json(T::within(&mut settings))?.version(version))
}

async fn replace<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    slug: &Slug,
    old: &Settings,
    if_match: Option<u64>,
    new: Settings,
    what: &str,
) -> Result<Settings, ApiError> {
    let version = if_match.unwrap_or(old.version);
    // What was sent was laid over what was just read: that must be the version named.
    if version != old.version {
        return Err(sklad_tenant::Error::Stale.into());
    }
    let app = c.app;
    let stored = settings::replace(&app.sql, &app.kv, slug, version, new, c.now_ms).await?;
    app.forget();
    let import = |settings: &Settings| (settings.moysklad.clone(), settings.timezone_minutes);
    if import(&stored) != import(old) {
        plan::plan(app, slug.as_str(), Changed::Settings, c.now_ms).await;
    }
    let row = Told {
        action: "settings",
        text: format!("{what}, версия {}", stored.version),
        ..Told::default()
    };
    c.tell(slug, row).await?;
    Ok(stored)
}
