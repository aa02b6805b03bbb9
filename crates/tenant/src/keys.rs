//! The loyalty keys: what МойСклад sends with every call, and the only thing that names a tenant
//! there.
//!
//! A key is shown once, when it is issued; stored is its SHA-256. Two documents in key-value:
//! `tenant-keys/{slug}` is the list of a tenant's keys and the truth; `loyalty-key/{sha256}` says
//! whose list to look into. A key whose entry in the list is missing does not work, whatever the
//! index says, so that a crash or a race between the two writes can never leave a key that works
//! and is not listed.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sklad_store::Kv;
use subtle::ConstantTimeEq;

use crate::{Error, Slug, settings};

/// What a key begins with, so that people and secret scanners recognise it.
pub const PREFIX: &str = "sklk_";
/// The random part of a key, in bytes (192 bits).
const RANDOM_BYTES: usize = 24;
/// How many keys issued by hand are valid at once: the old one and the new one while rotating.
pub const MAX_KEYS: usize = 2;
/// How many keys that a solution has made are valid at once: of a published one and a draft, each while
/// rotating.
pub const MAX_SOLUTION_KEYS: usize = 6;
/// The longest label, in characters.
pub const MAX_LABEL_CHARS: usize = 100;
/// What is longer is no key and is not looked for, in bytes.
const MAX_TOKEN_BYTES: usize = 128;

/// A freshly issued key: the only moment at which its text exists outside of the till.
#[derive(Clone)]
pub struct Token {
    /// The text to be given to МойСклад.
    pub text: String,
    /// How the key is listed.
    pub key: Key,
}

/// A key as it is listed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Key {
    /// Имя ключа, по нему его отзывают.
    pub id: String,
    /// Пометка: для чего ключ.
    pub label: String,
    /// Когда выпущен, миллисекунды с 1970 года (UTC).
    pub created_at: i64,
    /// Первые 8 знаков SHA-256 ключа.
    pub sha256_prefix: String,
}

#[derive(Serialize, Deserialize)]
struct Listed {
    id: String,
    label: String,
    created_at: i64,
    sha256: String,
    /// Made for a vendor's solution, by [`add`].
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    solution: bool,
}

#[derive(Serialize, Deserialize)]
struct Pointer {
    tenant: Slug,
    id: String,
}

impl Listed {
    fn public(&self) -> Key {
        Key {
            id: self.id.clone(),
            label: self.label.clone(),
            created_at: self.created_at,
            sha256_prefix: self.sha256.chars().take(8).collect(),
        }
    }
}

/// The SHA-256 of a secret text.
#[must_use]
pub fn sha256(text: &str) -> [u8; 32] {
    Sha256::digest(text.as_bytes()).into()
}

fn list_key(slug: &Slug) -> String {
    format!("tenant-keys/{slug}")
}

fn index_key(sha256_hex: &str) -> String {
    format!("loyalty-key/{sha256_hex}")
}

fn random<const N: usize>() -> Result<[u8; N], Error> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(|_| Error::Random)?;
    Ok(bytes)
}

async fn read<T: for<'de> Deserialize<'de>>(kv: &impl Kv, key: String) -> Result<Option<T>, Error> {
    let Some(json) = kv.get(&key).await? else {
        return Ok(None);
    };
    match serde_json::from_str(&String::from_utf8_lossy(&json)) {
        Ok(value) => Ok(Some(value)),
        Err(e) => Err(Error::Stored {
            key,
            message: e.to_string(),
        }),
    }
}

async fn write<T: Serialize>(kv: &impl Kv, key: String, value: &T) -> Result<(), Error> {
    match serde_json::to_vec(value) {
        Ok(json) => Ok(kv.set(&key, &json).await?),
        Err(e) => Err(Error::Stored {
            key,
            message: e.to_string(),
        }),
    }
}

async fn listed(kv: &impl Kv, slug: &Slug) -> Result<Vec<Listed>, Error> {
    Ok(read(kv, list_key(slug)).await?.unwrap_or_default())
}

/// Issues a key; its text is in the answer and nowhere else.
///
/// # Errors
/// [`Error::NotFound`] without such a tenant, [`Error::TooManyKeys`], [`Error::Invalid`] for the
/// label, or the store's.
pub async fn issue(kv: &impl Kv, slug: &Slug, label: &str, now_ms: i64) -> Result<Token, Error> {
    if label.chars().count() > MAX_LABEL_CHARS {
        return Err(Error::invalid("label", "пометка – не длиннее 100 знаков"));
    }
    settings::stored(kv, slug).await?.ok_or(Error::NotFound)?;
    let keys = listed(kv, slug).await?;
    if keys.iter().filter(|key| !key.solution).count() >= MAX_KEYS {
        return Err(Error::TooManyKeys);
    }
    let text = generate()?;
    let entry = Listed {
        id: format!("key_{}", hex::encode(random::<6>()?)),
        label: label.to_owned(),
        created_at: now_ms,
        sha256: hex::encode(sha256(&text)),
        solution: false,
    };
    let key = entry.public();
    put(kv, slug, keys, entry).await?;
    Ok(Token { text, key })
}

/// Lists an entry and makes it work. The list first: a key that is listed and does not work can be
/// revoked, the other way round nobody would know of it.
async fn put(kv: &impl Kv, slug: &Slug, mut keys: Vec<Listed>, entry: Listed) -> Result<(), Error> {
    let pointer = Pointer {
        tenant: slug.clone(),
        id: entry.id.clone(),
    };
    let index = index_key(&entry.sha256);
    if !keys.iter().any(|known| known.id == entry.id) {
        keys.push(entry);
        write(kv, list_key(slug), &keys).await?;
    }
    write(kv, index, &pointer).await
}

/// The text of a new key, which works when it was [`add`]ed. A solution stores it sealed first, so that
/// a call whose answer was lost is repeated with the same key.
///
/// # Errors
/// [`Error::Random`].
pub fn generate() -> Result<String, Error> {
    let random = random::<RANDOM_BYTES>()?;
    Ok(format!("{PREFIX}{}", URL_SAFE_NO_PAD.encode(random)))
}

/// The id of a key that was [`add`]ed, by its text.
#[must_use]
pub fn id_of(text: &str) -> String {
    let hash = hex::encode(sha256(text));
    format!("key_{}", hash.chars().take(12).collect::<String>())
}

/// Makes a key of a solution work; a second time it has no effect. Its id is [`id_of`] the text.
///
/// # Errors
/// [`Error::NotFound`] without such a tenant, [`Error::TooManyKeys`], or the store's.
pub async fn add(
    kv: &impl Kv,
    slug: &Slug,
    text: &str,
    label: &str,
    now_ms: i64,
) -> Result<(), Error> {
    settings::stored(kv, slug).await?.ok_or(Error::NotFound)?;
    let keys = listed(kv, slug).await?;
    let id = id_of(text);
    let others = keys.iter().filter(|key| key.solution && key.id != id);
    if others.count() >= MAX_SOLUTION_KEYS {
        return Err(Error::TooManyKeys);
    }
    let entry = Listed {
        id,
        label: label.chars().take(MAX_LABEL_CHARS).collect(),
        created_at: now_ms,
        sha256: hex::encode(sha256(text)),
        solution: true,
    };
    put(kv, slug, keys, entry).await
}

/// The keys of a tenant, oldest first.
///
/// # Errors
/// [`Error::NotFound`] without such a tenant, or the store's.
pub async fn list(kv: &impl Kv, slug: &Slug) -> Result<Vec<Key>, Error> {
    settings::stored(kv, slug).await?.ok_or(Error::NotFound)?;
    Ok(listed(kv, slug).await?.iter().map(Listed::public).collect())
}

/// Makes a key useless, within [`crate::TENANT_TTL_MS`] everywhere.
///
/// # Errors
/// [`Error::NotFound`] without such a key, or the store's.
pub async fn revoke(kv: &impl Kv, slug: &Slug, id: &str) -> Result<(), Error> {
    let mut keys = listed(kv, slug).await?;
    let Some(at) = keys.iter().position(|k| k.id == id) else {
        return Err(Error::NotFound);
    };
    let gone = keys.remove(at);
    write(kv, list_key(slug), &keys).await?;
    Ok(kv.delete(&index_key(&gone.sha256)).await?)
}

/// Whether a text can be a key at all.
pub(crate) fn plausible(token: &str) -> bool {
    token.len() <= MAX_TOKEN_BYTES && token.starts_with(PREFIX)
}

/// Whose key hashes to `hash`, if anybody's.
///
/// # Errors
/// The store's.
pub async fn resolve(kv: &impl Kv, hash: &[u8; 32]) -> Result<Option<Slug>, Error> {
    let hex = hex::encode(hash);
    let Some(pointer) = read::<Pointer>(kv, index_key(&hex)).await? else {
        return Ok(None);
    };
    let keys = listed(kv, &pointer.tenant).await?;
    let works = keys
        .iter()
        .filter(|k| k.id == pointer.id)
        .any(|k| k.sha256.as_bytes().ct_eq(hex.as_bytes()).into());
    Ok(works.then_some(pointer.tenant))
}
