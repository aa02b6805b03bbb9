//! The tills' keys.

use serde::{Deserialize, Serialize};
use sklad_store::{Kv, Sql};
use sklad_tenant::keys;

use crate::context::{Context, Told};
use crate::error::ApiError;
use crate::reply::Reply;

#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewKey {
    /// Пометка: для чего ключ, до 100 знаков.
    #[serde(default)]
    label: String,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct IssuedKey {
    /// Текст ключа: больше он нигде не показывается.
    token: String,
    /// Ключ, как он виден в списке.
    key: keys::Key,
}

pub async fn list<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    Reply::json(&keys::list(&c.app.kv, &c.slug()?).await?)
}

pub async fn issue<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let new: NewKey = c.json_or_empty()?;
    let slug = c.slug()?;
    let issued = keys::issue(&c.app.kv, &slug, new.label.trim(), c.now_ms).await?;
    c.app.forget();
    let row = Told {
        action: "key",
        object: issued.key.id.clone(),
        text: "Выпущен ключ кассы".to_owned(),
        ..Told::default()
    };
    c.tell(&slug, row).await?;
    let location = format!("/api/v1/tenants/{slug}/keys/{}", issued.key.id);
    let answer = IssuedKey {
        token: issued.text,
        key: issued.key,
    };
    Ok(Reply::json(&answer)?.created(location))
}

pub async fn revoke<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let slug = c.slug()?;
    keys::revoke(&c.app.kv, &slug, c.name(1)).await?;
    c.app.forget();
    let row = Told {
        action: "key",
        object: c.name(1).to_owned(),
        text: "Отозван ключ кассы".to_owned(),
        ..Told::default()
    };
    c.tell(&slug, row).await?;
    Ok(Reply::empty())
}
