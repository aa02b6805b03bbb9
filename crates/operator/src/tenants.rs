//! Tenants: list, create, one.

use serde::{Deserialize, Serialize};
use sklad_loyalty::Programme;
use sklad_loyalty::programme::read;
use sklad_store::{Kv, Sql};
use sklad_tenant::settings::{self, CustomerSettings};
use sklad_tenant::{ExchangeSettings, MoyskladSettings, Settings, Slug, keys};

use crate::context::{Context, Told};
use crate::error::ApiError;
use crate::page::Page;
use crate::reply::Reply;

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct TenantLine {
    /// Имя в адресах.
    slug: Slug,
    /// Когда заведён, миллисекунды с 1970 года (UTC).
    created_at: i64,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct TenantCard {
    /// Имя в адресах.
    slug: Slug,
    /// Настройки.
    settings: Settings,
    /// Ключи касс.
    keys: Vec<keys::Key>,
}

/// A tenant to be created: its name and what settings it has from the start.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewTenant {
    /// Имя в адресах.
    slug: Slug,
    /// Название; по умолчанию – имя.
    name: Option<String>,
    /// Часовой пояс: минуты от UTC, по умолчанию 180 (Москва).
    timezone_minutes: Option<i32>,
    /// Программа лояльности.
    #[serde(default, deserialize_with = "read::object")]
    programme: Programme,
    /// Покупатели.
    #[serde(default, deserialize_with = "read::object")]
    customers: CustomerSettings,
    /// Обмен по CommerceML.
    #[serde(default, deserialize_with = "read::object")]
    commerceml: ExchangeSettings,
    /// Загрузка из МоегоСклада.
    #[serde(default, deserialize_with = "read::object")]
    moysklad: MoyskladSettings,
}

pub async fn list<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let limit = c.limit()?;
    let rows = settings::list(&c.app.sql, c.after()?.as_deref(), limit).await?;
    let lines = rows
        .into_iter()
        .map(|(slug, created_at)| TenantLine { slug, created_at });
    let page = Page::new(lines.collect(), limit, |line: &TenantLine| {
        vec![line.slug.to_string()]
    });
    Reply::json(&page)
}

pub async fn create<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let new: NewTenant = c.json()?;
    let settings = Settings {
        version: 0,
        name: new.name.unwrap_or_else(|| new.slug.to_string()),
        timezone_minutes: new
            .timezone_minutes
            .unwrap_or(Settings::default().timezone_minutes),
        programme: new.programme,
        customers: new.customers,
        commerceml: new.commerceml,
        moysklad: new.moysklad,
    };
    let slug = new.slug;
    let settings = settings::create(&c.app.sql, &c.app.kv, &slug, settings, c.now_ms).await?;
    c.app.forget();
    let text = format!("Заведён арендатор «{}»", settings.name);
    let row = Told {
        action: "tenant",
        text,
        ..Told::default()
    };
    c.tell(&slug, row).await?;
    let version = settings.version;
    let location = format!("/api/v1/tenants/{slug}");
    let card = TenantCard {
        slug,
        settings,
        keys: Vec::new(),
    };
    Ok(Reply::json(&card)?.created(location).version(version))
}

pub async fn get<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let keys = keys::list(&c.app.kv, &tenant.slug).await?;
    let version = tenant.settings.version;
    let settings = tenant.all_settings()?;
    let card = TenantCard {
        slug: tenant.slug,
        settings,
        keys,
    };
    Ok(Reply::json(&card)?.version(version))
}
