//! Settings and the programme in them: read, replace with `If-Match`.

use http::StatusCode;
use sklad_loyalty::Programme;
use sklad_moysklad::sync::plan::{self, Changed};
use sklad_store::{Kv, Sql};
use sklad_tenant::{Settings, Tenant, settings};

use crate::context::{Context, Told};
use crate::error::ApiError;
use crate::reply::Reply;

pub async fn get<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let settings = c.tenant().await?.settings;
    Ok(Reply::json(&settings)?.version(settings.version))
}

pub async fn put<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let new: Settings = c.json()?;
    let if_match = c.if_match()?;
    let old = c.tenant().await?;
    let settings = replace(c, &old, if_match, new, "Настройки изменены").await?;
    Ok(Reply::json(&settings)?.version(settings.version))
}

pub async fn get_programme<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let settings = c.tenant().await?.settings;
    Ok(Reply::json(&settings.programme)?.version(settings.version))
}

pub async fn put_programme<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let programme: Programme = c.json()?;
    let if_match = c.if_match()?;
    // Checked here as well, so that the places are those of the document that was sent.
    let problems = programme.validate();
    if !problems.is_empty() {
        return Err(ApiError::problems(
            StatusCode::UNPROCESSABLE_ENTITY,
            "refused",
            problems,
        ));
    }
    let old = c.tenant().await?;
    let new = Settings {
        programme,
        ..old.settings.clone()
    };
    let settings = replace(c, &old, if_match, new, "Программа лояльности изменена").await?;
    Ok(Reply::json(&settings.programme)?.version(settings.version))
}

async fn replace<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    old: &Tenant,
    if_match: Option<u64>,
    new: Settings,
    what: &str,
) -> Result<Settings, ApiError> {
    let version = if_match.unwrap_or(old.settings.version);
    // The programme alone was laid over what was just read: that must be the version named.
    if version != old.settings.version {
        return Err(sklad_tenant::Error::Stale.into());
    }
    let app = c.app;
    let stored = settings::replace(&app.sql, &app.kv, &old.slug, version, new, c.now_ms).await?;
    app.forget();
    let import = |settings: &Settings| (settings.moysklad.clone(), settings.timezone_minutes);
    if import(&stored) != import(&old.settings) {
        plan::plan(app, old.slug.as_str(), Changed::Settings, c.now_ms).await;
    }
    let row = Told {
        action: "settings",
        text: format!("{what}, версия {}", stored.version),
        ..Told::default()
    };
    c.tell(&old.slug, row).await?;
    Ok(stored)
}
