//! A connection of kind `insales`, as the rest of this crate uses it.

use serde::{Deserialize, Serialize};
use sklad_connections::{Connection, State};
use sklad_tenant::SealError;

use crate::api::{Access, Error};
use crate::domain;
use crate::settings::{InsalesSecrets, InsalesSettings};

/// The kind of these connections.
pub const KIND: &str = "insales";

/// What a shop has told of itself (`account`, insales.md §4).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Facts {
    /// How the shop is called.
    pub title: Option<String>,
    /// Its own domain.
    pub domain: Option<String>,
}

impl Facts {
    /// Those of a connection.
    #[must_use]
    pub fn of(connection: &Connection) -> Self {
        serde_json::from_str(&connection.facts).unwrap_or_default()
    }
}

/// Why a connection cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// It has no key yet.
    #[error("no key")]
    NoKey,
    /// This build cannot read its settings, or calls no such shop.
    #[error("settings of a connection: {0}")]
    Settings(String),
    /// Its key does not open.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// What a connection says, opened.
#[derive(Clone)]
pub struct Connected {
    /// What the merchant has set.
    pub settings: InsalesSettings,
    /// The shop, and what lets us in.
    pub access: Access,
}

impl Connected {
    /// Opens a connection.
    ///
    /// # Errors
    /// [`Unusable`].
    pub fn open(connection: &Connection, master_key: &[u8]) -> Result<Self, Unusable> {
        let settings = settings(connection)?;
        let secrets: Option<InsalesSecrets> = connection.secrets(master_key)?;
        let secrets = secrets.ok_or(Unusable::NoKey)?;
        let own = Facts::of(connection).domain;
        if !domain::allowed(&settings.shop, own.as_deref()) {
            return Err(Unusable::Settings("a shop that is not called".to_owned()));
        }
        let access = access(&settings, secrets);
        Ok(Self { settings, access })
    }
}

/// The shop of checked settings, with this key.
#[must_use]
pub fn access(settings: &InsalesSettings, secrets: InsalesSecrets) -> Access {
    Access {
        shop: settings.shop.clone(),
        key_id: secrets.key_id,
        password: secrets.password,
    }
}

/// The settings of a connection.
///
/// # Errors
/// [`Unusable::Settings`].
pub fn settings(connection: &Connection) -> Result<InsalesSettings, Unusable> {
    let read = serde_json::from_str(&connection.settings);
    read.map_err(|error| Unusable::Settings(error.to_string()))
}

/// What an error says of the connection, where it is about the whole shop or a list of it: what is about one
/// object is told of that object.
#[must_use]
pub fn state(error: &Error) -> State {
    match error {
        Error::NotAuthorised => State::WrongKey,
        Error::NoRights(_) => State::NoRight,
        Error::Tariff(_) => State::Tariff,
        Error::RateLimited { .. } => State::Limited,
        Error::Temporary { .. }
        | Error::NotSent(_)
        | Error::NoAnswer(_)
        | Error::Unreadable(_)
        | Error::NotFound
        | Error::TooLarge
        | Error::Refused { .. } => State::Unreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"master-key-of-the-tests";

    fn connection(shop: &str, facts: &str) -> Connection {
        let mut made = Connection::new("demo", "main", KIND, "Магазин").unwrap();
        made.settings = format!(r#"{{"shop": "{shop}"}}"#);
        made.facts = facts.to_owned();
        let secrets = InsalesSecrets {
            key_id: "k".to_owned(),
            password: "p".to_owned(),
        };
        made.set_secrets(KEY, &secrets).unwrap();
        made
    }

    #[test]
    fn a_connection_opens_with_its_key_and_for_a_shop_that_may_be_called() {
        let of = |shop: &str, facts: &str| {
            Connected::open(&connection(shop, facts), KEY).map(|c| c.access.shop)
        };
        assert_eq!(of("a.myinsales.ru", "{}").as_deref(), Ok("a.myinsales.ru"));
        assert_eq!(of("a.ru", r#"{"domain": "a.ru"}"#).as_deref(), Ok("a.ru"));
        assert!(matches!(
            of("a.ru", r#"{"domain": "b.ru"}"#),
            Err(Unusable::Settings(_))
        ));
        assert!(matches!(of("a.ru", "?"), Err(Unusable::Settings(_))));
        let closed = Connected::open(&connection("a.myinsales.ru", "{}"), b"another-key");
        assert!(matches!(closed.err(), Some(Unusable::Seal(_))));
        let empty = Connection::new("demo", "main", KIND, "Магазин").unwrap();
        assert!(matches!(
            Connected::open(&empty, KEY).err(),
            Some(Unusable::Settings(_))
        ));
    }
}
