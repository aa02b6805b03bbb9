//! The settings of a tenant: one versioned JSON document in key-value.
//!
//! A change names the version it was made from (`If-Match`). Key-value has no compare-and-swap, so
//! the row of the table `tenants` decides between two writers: the winner raises
//! `settings_version` from the version that the document has, then writes the document with the
//! new version. A writer that died between the two leaves the row ahead of the document; after
//! [`CLAIM_MS`] the next writer takes over.

use std::collections::BTreeMap;

use serde::de::{DeserializeOwned, IgnoredAny};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use sklad_loyalty::programme::{Problem, Programme, read};
use sklad_store::{Kv, Sql, Statement};

use crate::clock::{MAX_ZONE_MINUTES, MIN_ZONE_MINUTES, MOSCOW_MINUTES};
use crate::exchange::ExchangeSettings;
use crate::moysklad_import::MoyskladSettings;
use crate::{Error, Slug, json};

/// How long a writer may take between claiming a version and writing the document, in
/// milliseconds.
pub const CLAIM_MS: i64 = 10_000;
/// The longest name of a tenant, in characters.
pub const MAX_NAME_CHARS: usize = 200;
/// The largest settings document, in bytes: values of at most 1 MB are portable.
pub const MAX_SETTINGS_BYTES: usize = 900_000;

/// What a tenant has set. `{}` is valid apart from the name; see the types of the fields.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Settings {
    /// Версия документа, растёт с каждым изменением; она же ETag. Во входящем документе
    /// необязательна.
    pub version: u64,
    /// Название, от 1 до 200 знаков: как его видят люди.
    pub name: String,
    /// Часовой пояс: минуты от UTC, −720…840, по умолчанию 180 (Москва).
    #[cfg_attr(feature = "schema", schemars(range(min = -720, max = 840)))]
    pub timezone_minutes: i32,
    /// Программа лояльности.
    #[serde(deserialize_with = "read::object")]
    pub programme: Programme,
    /// Покупатели.
    #[serde(deserialize_with = "read::object")]
    pub customers: CustomerSettings,
    /// Обмен по CommerceML.
    #[serde(deserialize_with = "read::object")]
    pub commerceml: ExchangeSettings,
    /// Загрузка из МоегоСклада.
    #[serde(deserialize_with = "read::object")]
    pub moysklad: MoyskladSettings,
}

/// What every request needs of the settings. The rest of the document is passed over, so that a component
/// which needs nothing else has no reader of it compiled in; see [`Stored::read`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Head {
    /// As in [`Settings`].
    pub version: u64,
    /// As in [`Settings`].
    pub timezone_minutes: i32,
}

impl Default for Head {
    fn default() -> Self {
        Self {
            version: 0,
            timezone_minutes: MOSCOW_MINUTES,
        }
    }
}

/// What calls of tills, and all else that moves points, need of the settings.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct Loyalty {
    /// As in [`Settings`].
    pub programme: Programme,
    /// As in [`Settings`].
    pub customers: CustomerSettings,
}

/// The document of a tenant as it lies in key-value.
///
/// Written by us, so the place of a mistake is of no use: tracking it would double the reader in every
/// component. From text, as components read everything else: one reader is compiled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    key: String,
    text: String,
}

impl Stored {
    /// The document as a type that takes what it needs of it: [`Settings`], [`Head`], [`Loyalty`].
    ///
    /// # Errors
    /// [`Error::Stored`] for a document that this build cannot read, here and below.
    pub fn read<'t, T: Deserialize<'t>>(&'t self) -> Result<T, Error> {
        self.from(&self.text)
    }

    /// One section.
    ///
    /// # Errors
    /// [`Error::Stored`].
    pub fn section<T: Section>(&self) -> Result<T, Error> {
        let sections: BTreeMap<&str, &RawValue> = self.read()?;
        match sections.get(T::NAME) {
            Some(section) => self.from(section.get()),
            None => Ok(T::default()),
        }
    }

    fn from<'t, T: Deserialize<'t>>(&self, text: &'t str) -> Result<T, Error> {
        serde_json::from_str(text).map_err(|e| Error::Stored {
            key: self.key.clone(),
            message: e.to_string(),
        })
    }
}

/// How customers of a tenant are treated.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CustomerSettings {
    /// Заводить ли покупателя, которого касса прислала, а мы ещё не знаем (по умолчанию да).
    pub create_unknown: bool,
}

impl Default for CustomerSettings {
    fn default() -> Self {
        Self {
            create_unknown: true,
        }
    }
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            version: 0,
            name: String::new(),
            timezone_minutes: MOSCOW_MINUTES,
            programme: Programme::default(),
            customers: CustomerSettings::default(),
            commerceml: ExchangeSettings::default(),
            moysklad: MoyskladSettings::default(),
        }
    }
}

/// A part of the settings that can be read and replaced by itself.
pub trait Section: Default + Serialize + DeserializeOwned {
    /// Its name in the document.
    const NAME: &'static str;

    /// Where it stands in the document.
    fn within(settings: &mut Settings) -> &mut Self;

    /// What the types cannot say; paths are relative to the section.
    fn validate(&self) -> Vec<Problem> {
        Vec::new()
    }
}

impl Section for Programme {
    const NAME: &'static str = "programme";

    fn within(settings: &mut Settings) -> &mut Self {
        &mut settings.programme
    }

    fn validate(&self) -> Vec<Problem> {
        Self::validate(self)
    }
}

impl Section for CustomerSettings {
    const NAME: &'static str = "customers";

    fn within(settings: &mut Settings) -> &mut Self {
        &mut settings.customers
    }
}

impl Section for ExchangeSettings {
    const NAME: &'static str = "commerceml";

    fn within(settings: &mut Settings) -> &mut Self {
        &mut settings.commerceml
    }

    fn validate(&self) -> Vec<Problem> {
        Self::validate(self)
    }
}

impl Section for MoyskladSettings {
    const NAME: &'static str = "moysklad";

    fn within(settings: &mut Settings) -> &mut Self {
        &mut settings.moysklad
    }

    fn validate(&self) -> Vec<Problem> {
        Self::validate(self)
    }
}

impl Settings {
    /// Reads and checks a document that a client sent.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the place of everything that is wrong.
    pub fn parse(json: &[u8]) -> Result<Self, Error> {
        let settings: Self = json::parse(json)?;
        settings.validate()?;
        Ok(settings)
    }

    /// Reads a document that a client sent: what it does not name stays as it is in `self`, what it names
    /// is replaced as a whole. It is not checked yet.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the place of what cannot be read.
    pub fn changed_by(self, json: &[u8]) -> Result<Self, Error> {
        let new: Self = json::parse(json)?;
        let named: BTreeMap<String, IgnoredAny> = json::parse(json)?;
        fn choose<T>(named: bool, new: T, old: T) -> T {
            if named { new } else { old }
        }
        let names = |name: &str| named.contains_key(name);
        Ok(Self {
            version: self.version,
            name: choose(names("name"), new.name, self.name),
            timezone_minutes: choose(
                names("timezone_minutes"),
                new.timezone_minutes,
                self.timezone_minutes,
            ),
            programme: choose(names(Programme::NAME), new.programme, self.programme),
            customers: choose(names(CustomerSettings::NAME), new.customers, self.customers),
            moysklad: choose(names(MoyskladSettings::NAME), new.moysklad, self.moysklad),
            commerceml: choose(
                names(ExchangeSettings::NAME),
                new.commerceml,
                self.commerceml,
            ),
        })
    }

    /// Checks what the types cannot say.
    ///
    /// # Errors
    /// [`Error::Invalid`] with the place of everything that is wrong.
    pub fn validate(&self) -> Result<(), Error> {
        let mut problems = Vec::new();
        if !(1..=MAX_NAME_CHARS).contains(&self.name.trim().chars().count()) {
            let message = "название – от 1 до 200 знаков";
            problems.push(problem("name", message));
        }
        if !(MIN_ZONE_MINUTES..=MAX_ZONE_MINUTES).contains(&self.timezone_minutes) {
            let message = "часовой пояс – от -720 до 840 минут от UTC";
            problems.push(problem("timezone_minutes", message));
        }
        problems.extend(problems_of(&self.programme));
        problems.extend(problems_of(&self.customers));
        problems.extend(problems_of(&self.commerceml));
        problems.extend(problems_of(&self.moysklad));
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Error::Invalid(problems))
        }
    }
}

/// What is wrong with a section, with its place in the document.
fn problems_of<T: Section>(section: &T) -> impl Iterator<Item = Problem> {
    section.validate().into_iter().map(|p| Problem {
        path: format!("{}.{}", T::NAME, p.path),
        ..p
    })
}

fn problem(path: &str, message: &str) -> Problem {
    Problem {
        path: path.to_owned(),
        message: message.to_owned(),
    }
}

fn key(slug: &Slug) -> String {
    format!("tenant/{slug}")
}

/// The document of a tenant, if it exists.
///
/// # Errors
/// The store's.
pub async fn stored(kv: &impl Kv, slug: &Slug) -> Result<Option<Stored>, Error> {
    let key = key(slug);
    let json = kv.get(&key).await?;
    Ok(json.map(|json| Stored {
        key,
        text: String::from_utf8_lossy(&json).into_owned(),
    }))
}

/// The settings of a tenant, if it exists.
///
/// # Errors
/// The store's, or [`Error::Stored`] for a document that this build cannot read.
pub async fn load(kv: &impl Kv, slug: &Slug) -> Result<Option<Settings>, Error> {
    let stored = stored(kv, slug).await?;
    stored.map(|stored| stored.read()).transpose()
}

/// Creates a tenant; answers its settings as they are stored.
///
/// # Errors
/// [`Error::Exists`], [`Error::Invalid`], or the stores'.
pub async fn create(
    sql: &impl Sql,
    kv: &impl Kv,
    slug: &Slug,
    settings: Settings,
    now_ms: i64,
) -> Result<Settings, Error> {
    settings.validate()?;
    if stored(kv, slug).await?.is_some() {
        return Err(Error::Exists);
    }
    // A row without a document is a creation that died in the middle: it may be taken over.
    let claim = Statement::new(
        "INSERT INTO tenants (tenant, settings_version, claimed_at, created_at) \
         VALUES (?1, 1, ?2, ?2) \
         ON CONFLICT (tenant) DO UPDATE SET settings_version = settings_version + 1, \
         claimed_at = excluded.claimed_at WHERE tenants.claimed_at < ?3 \
         RETURNING settings_version",
    )
    .bind(slug.as_str())
    .bind(now_ms)
    .bind(now_ms.saturating_sub(CLAIM_MS));
    let version = claimed(sql, claim).await?.ok_or(Error::Exists)?;
    store(
        kv,
        slug,
        Settings {
            version,
            ..settings
        },
    )
    .await
}

/// Founds a tenant that is not there in any form, together with the rows of `with` in one batch; answers
/// its settings as they are stored. When the host dies between the batch and the document, [`create`]
/// makes the document.
///
/// # Errors
/// [`Error::Exists`], [`Error::Invalid`], or the stores'; a conflict of `with` is the database's.
pub async fn found(
    sql: &impl Sql,
    kv: &impl Kv,
    slug: &Slug,
    settings: Settings,
    with: Vec<Statement>,
    now_ms: i64,
) -> Result<Settings, Error> {
    settings.validate()?;
    let row = "SELECT 1 FROM tenants WHERE tenant = ?1";
    let row = Statement::new(row).bind(slug.as_str());
    if stored(kv, slug).await?.is_some() || !sql.query(row).await?.is_empty() {
        return Err(Error::Exists);
    }
    let claim = Statement::new(
        "INSERT INTO tenants (tenant, settings_version, claimed_at, created_at) \
         VALUES (?1, 1, ?2, ?2) ON CONFLICT (tenant) DO NOTHING RETURNING 1",
    )
    .bind(slug.as_str())
    .bind(now_ms)
    .expect_rows(1);
    let batch = std::iter::once(claim).chain(with).collect();
    sql.atomic(batch).await?;
    let settings = Settings {
        version: 1,
        ..settings
    };
    store(kv, slug, settings).await
}

/// Replaces the settings of a tenant when their version is `if_match`; answers them with their new
/// version. The version inside `settings` does not matter.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Stale`] when somebody else was faster, [`Error::Invalid`], or the
/// stores'.
pub async fn replace(
    sql: &impl Sql,
    kv: &impl Kv,
    slug: &Slug,
    if_match: u64,
    settings: Settings,
    now_ms: i64,
) -> Result<Settings, Error> {
    settings.validate()?;
    let stored = stored(kv, slug).await?.ok_or(Error::NotFound)?;
    let stored: Head = stored.read()?;
    if stored.version != if_match {
        return Err(Error::Stale);
    }
    let read = i64::try_from(stored.version).map_err(|_| Error::Stale)?;
    let claim = Statement::new(
        "UPDATE tenants SET settings_version = settings_version + 1, claimed_at = ?3 \
         WHERE tenant = ?1 AND (settings_version = ?2 OR claimed_at < ?4) \
         RETURNING settings_version",
    )
    .bind(slug.as_str())
    .bind(read)
    .bind(now_ms)
    .bind(now_ms.saturating_sub(CLAIM_MS));
    let version = claimed(sql, claim).await?.ok_or(Error::Stale)?;
    store(
        kv,
        slug,
        Settings {
            version,
            ..settings
        },
    )
    .await
}

/// The version that a claiming statement won, `None` when another writer has it.
async fn claimed(sql: &impl Sql, claim: Statement) -> Result<Option<u64>, Error> {
    let answer = sql.atomic(vec![claim]).await?;
    let version = answer.first().and_then(|rows| rows.first()?.int(0));
    Ok(version.and_then(|v| u64::try_from(v).ok()))
}

async fn store(kv: &impl Kv, slug: &Slug, settings: Settings) -> Result<Settings, Error> {
    let key = key(slug);
    let json = serde_json::to_vec(&settings).map_err(|e| Error::Stored {
        key: key.clone(),
        message: e.to_string(),
    })?;
    if json.len() > MAX_SETTINGS_BYTES {
        return Err(Error::invalid("", "настройки больше 900 000 байт"));
    }
    kv.set(&key, &json).await?;
    Ok(settings)
}

/// The tenants after `after` in alphabetical order, at most `limit` of them.
///
/// # Errors
/// The database's.
pub async fn list(
    sql: &impl Sql,
    after: Option<&str>,
    limit: usize,
) -> Result<Vec<(Slug, i64)>, Error> {
    let statement = Statement::new(
        "SELECT tenant, created_at FROM tenants WHERE tenant > ?1 ORDER BY tenant LIMIT ?2",
    )
    .bind(after.unwrap_or_default())
    .bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let rows = sql.query(statement).await?;
    let tenant = |row: &sklad_store::Row| Some((row.text(0)?.parse().ok()?, row.int(1)?));
    Ok(rows.iter().filter_map(tenant).collect())
}
