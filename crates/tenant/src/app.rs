//! What every handler gets: storage, configuration, caches.

use std::cell::OnceCell;
use std::rc::Rc;

use sklad_store::{Kv, Sql};
use subtle::ConstantTimeEq;

use crate::cache::Cache;
use crate::settings::{Head, Loyalty, Section, Stored};
use crate::{Error, MoySklad, Settings, Slug, keys, moysklad, settings};

/// How long a tenant's settings and a key are believed, in milliseconds: also how long a revoked
/// key goes on working.
pub const TENANT_TTL_MS: i64 = 3_000;
/// How long it is believed that there is no such tenant or key, in milliseconds.
pub const NEGATIVE_TTL_MS: i64 = 1_000;
/// The most tenants, and the most keys, that one instance remembers.
const CACHE_LIMIT: usize = 256;
/// The most unknown tenants, and unknown keys, that one instance remembers.
const NEGATIVE_LIMIT: usize = 256;

/// The least length of the operator's token and of the application's secret, in characters.
pub const SECRET_MIN_CHARS: usize = 16;

/// The value of `insales_gateway` that stands for none: a host refuses a grant that is empty.
pub const NO_GATEWAY: &str = "https://myinsales.ru";

/// What the operator has configured.
#[derive(Clone, Default)]
pub struct Config {
    /// SHA-256 of the operator's token; without one nobody is the operator.
    pub operator_token_sha256: Option<[u8; 32]>,
    /// The application's secret, from which one-time codes are derived and with which secrets of
    /// vendors are sealed; empty in a component that was not given it.
    pub master_key: Vec<u8>,
    /// Tenants are `{slug}.{base_domain}`; without one they are addressed by path alone.
    pub base_domain: Option<String>,
    /// Where this deployment is reached from outside, `https://host[:port]`; without it no vendor can
    /// be told an address of ours.
    pub public_url: Option<String>,
    /// МойСклад.
    pub moysklad: MoySklad,
    /// An origin that stands for all shops of InSales, for tests alone: a shop is at `{gateway}/{domain}`.
    pub insales_gateway: Option<String>,
}

impl Config {
    /// The configuration from the texts of the variables. A component is given only the secrets that
    /// it needs: without the operator's token nobody is the operator. An empty `base_domain` is none.
    ///
    /// # Errors
    /// [`Error::Config`] when a secret that is given has less than [`SECRET_MIN_CHARS`].
    pub fn new(
        operator_token: Option<&str>,
        master_key: Option<&str>,
        base_domain: &str,
    ) -> Result<Self, Error> {
        let token = secret("operator_token", operator_token)?;
        let master_key = secret("master_key", master_key)?;
        Ok(Self {
            operator_token_sha256: token.map(keys::sha256),
            master_key: master_key.unwrap_or_default().as_bytes().to_vec(),
            base_domain: some(base_domain).map(str::to_owned),
            public_url: None,
            moysklad: MoySklad::default(),
            insales_gateway: None,
        })
    }

    /// The same with where this deployment is reached (empty: nowhere) and with МойСклад.
    ///
    /// # Errors
    /// [`Error::Variable`] for an address that is none.
    pub fn with_vendors(self, public_url: &str, moysklad: MoySklad) -> Result<Self, Error> {
        let public_url = some(public_url).map(|url| moysklad::origin("public_url", url));
        Ok(Self {
            public_url: public_url.transpose()?,
            moysklad,
            ..self
        })
    }

    /// The same with the variable `insales_gateway`; what is empty or [`NO_GATEWAY`] is none.
    ///
    /// # Errors
    /// [`Error::Variable`] for an address that is none.
    pub fn with_insales(self, gateway: &str) -> Result<Self, Error> {
        let gateway = some(gateway).filter(|url| *url != NO_GATEWAY);
        let gateway = gateway.map(|url| moysklad::origin("insales_gateway", url));
        Ok(Self {
            insales_gateway: gateway.transpose()?,
            ..self
        })
    }

    /// Whether `token` is the operator's, compared in constant time.
    #[must_use]
    pub fn is_operator(&self, token: &str) -> bool {
        let given = keys::sha256(token.trim());
        self.operator_token_sha256
            .is_some_and(|known| known.ct_eq(&given).into())
    }
}

fn secret<'a>(name: &'static str, value: Option<&'a str>) -> Result<Option<&'a str>, Error> {
    match value.map(str::trim) {
        Some(text) if text.chars().count() < SECRET_MIN_CHARS => Err(Error::Config(name)),
        other => Ok(other),
    }
}

fn some(text: &str) -> Option<&str> {
    Some(text.trim()).filter(|t| !t.is_empty())
}

/// A tenant as requests see it.
#[derive(Debug)]
pub struct Tenant {
    /// Its name, the first part of every key in storage.
    pub slug: Slug,
    /// What every request needs of what it has set.
    pub settings: Head,
    stored: Stored,
    loyalty: OnceCell<Rc<Loyalty>>,
}

impl Tenant {
    /// Reads what every request needs.
    ///
    /// # Errors
    /// [`Error::Stored`] for a document that this build cannot read, here and below.
    pub fn new(slug: Slug, stored: Stored) -> Result<Self, Error> {
        Ok(Self {
            slug,
            settings: stored.read()?,
            stored,
            loyalty: OnceCell::new(),
        })
    }

    /// The programme and what belongs to it, read at the first call.
    ///
    /// # Errors
    /// [`Error::Stored`].
    pub fn loyalty(&self) -> Result<&Rc<Loyalty>, Error> {
        if let Some(loyalty) = self.loyalty.get() {
            return Ok(loyalty);
        }
        let loyalty = self.stored.read()?;
        Ok(self.loyalty.get_or_init(|| Rc::new(loyalty)))
    }

    /// Another section of the settings, read anew at every call.
    ///
    /// # Errors
    /// [`Error::Stored`].
    pub fn section<T: Section>(&self) -> Result<T, Error> {
        self.stored.section()
    }

    /// All settings, read anew at every call.
    ///
    /// # Errors
    /// [`Error::Stored`].
    pub fn all_settings(&self) -> Result<Settings, Error> {
        self.stored.read()
    }
}

/// The application's state in one instance, shared by the requests it serves.
///
/// The caches are keyed by the tenant's name or by the hash of a key, and bounded in size and age.
pub struct App<S, K> {
    /// The database.
    pub sql: S,
    /// The key-value store.
    pub kv: K,
    /// What the operator has configured.
    pub config: Config,
    tenants: Cache<Slug, Rc<Tenant>>,
    unknown: Cache<Slug, ()>,
    tokens: Cache<[u8; 32], Slug>,
    refused: Cache<[u8; 32], ()>,
}

impl<S: Sql, K: Kv> App<S, K> {
    /// The state of a new instance.
    pub fn new(sql: S, kv: K, config: Config) -> Self {
        Self {
            sql,
            kv,
            config,
            tenants: Cache::new(CACHE_LIMIT, TENANT_TTL_MS),
            unknown: Cache::new(NEGATIVE_LIMIT, NEGATIVE_TTL_MS),
            tokens: Cache::new(CACHE_LIMIT, TENANT_TTL_MS),
            refused: Cache::new(NEGATIVE_LIMIT, NEGATIVE_TTL_MS),
        }
    }

    /// The tenant whose loyalty key `token` is. A hot request reads nothing.
    ///
    /// # Errors
    /// The store's.
    pub async fn tenant_of_token(
        &self,
        token: &str,
        now_ms: i64,
    ) -> Result<Option<Rc<Tenant>>, Error> {
        if !keys::plausible(token) {
            return Ok(None);
        }
        let hash = keys::sha256(token);
        if let Some(slug) = self.tokens.get(&hash, now_ms) {
            return self.tenant(&slug, now_ms).await;
        }
        if self.refused.get(&hash, now_ms).is_some() {
            return Ok(None);
        }
        match keys::resolve(&self.kv, &hash).await? {
            Some(slug) => {
                self.tokens.put(hash, slug.clone(), now_ms);
                self.tenant(&slug, now_ms).await
            }
            None => {
                self.refused.put(hash, (), now_ms);
                Ok(None)
            }
        }
    }

    /// The tenant of this name. A hot request reads nothing.
    ///
    /// # Errors
    /// The store's.
    pub async fn tenant(&self, slug: &Slug, now_ms: i64) -> Result<Option<Rc<Tenant>>, Error> {
        if let Some(tenant) = self.tenants.get(slug, now_ms) {
            return Ok(Some(tenant));
        }
        if self.unknown.get(slug, now_ms).is_some() {
            return Ok(None);
        }
        let Some(stored) = settings::stored(&self.kv, slug).await? else {
            self.unknown.put(slug.clone(), (), now_ms);
            return Ok(None);
        };
        let tenant = Rc::new(Tenant::new(slug.clone(), stored)?);
        self.tenants.put(slug.clone(), Rc::clone(&tenant), now_ms);
        Ok(Some(tenant))
    }

    /// Forgets what is cached, after a change made by this instance. Others follow within
    /// [`TENANT_TTL_MS`].
    pub fn forget(&self) {
        self.tenants.clear();
        self.unknown.clear();
        self.tokens.clear();
        self.refused.clear();
    }
}
