//! The addresses that webhooks come to. An address has a word that cannot be guessed, of which only a hash is
//! stored: it is derived anew, with the master key, by whoever subscribes.

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use sklad_store::{Sql, SqlError, Statement};
use subtle::ConstantTimeEq;

use super::PREFIX;
use super::wire::Expected;
use crate::vendor::accounts::Account;

/// The most addresses of a tenant that are looked at.
const MOST: usize = 20;
/// Bytes of the word in an address.
const TOKEN_BYTES: usize = 16;

/// Why there is no address.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The variable `master_key` is not set, or the host gives no random numbers.
    #[error("no master_key, or no random numbers")]
    NoSecret,
    /// The database's.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

/// Whose address it is.
#[derive(Debug, Clone, Copy)]
pub struct Owner<'a> {
    /// The tenant.
    pub tenant: &'a str,
    /// `accountId`; empty for a connection by hand.
    pub account: &'a str,
    /// The solution; empty for a connection by hand.
    pub app_id: &'a str,
    /// As who МойСклад knows the solution's own changes, `alias.vendor@account` in lower case; empty where
    /// it is a person, whose changes count.
    pub own_uid: &'a str,
}

impl<'a> Owner<'a> {
    /// The owner that an account is; `own_uid` is [`own_uid`] of it. A connection by hand has one address
    /// whatever account it turns out to be.
    #[must_use]
    pub fn of(account: &'a Account, own_uid: &'a str) -> Self {
        let by_hand = account.app_id.is_empty();
        Self {
            tenant: &account.tenant,
            account: if by_hand { "" } else { &account.account },
            app_id: &account.app_id,
            own_uid,
        }
    }
}

/// As who МойСклад knows what a solution changes (moysklad-json-api.md §2.6: inferred for webhooks).
#[must_use]
pub fn own_uid(account: &Account) -> String {
    match account.app_uid.is_empty() || account.account_name.is_empty() {
        true => String::new(),
        false => format!("{}@{}", account.app_uid, account.account_name).to_lowercase(),
    }
}

/// An address that was called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hook {
    account: String,
    own_uid: String,
}

impl Hook {
    /// Whose calls are believed.
    #[must_use]
    pub fn expected(&self) -> Expected<'_> {
        Expected {
            account: &self.account,
            own_uid: &self.own_uid,
        }
    }
}

/// The path of the address of this owner, if there is one.
///
/// # Errors
/// [`Error`].
pub async fn path(
    sql: &impl Sql,
    master_key: &[u8],
    owner: Owner<'_>,
) -> Result<Option<String>, Error> {
    let kept = Statement::new(
        "SELECT nonce FROM moysklad_hooks WHERE tenant = ?1 AND account = ?2 AND app_id = ?3",
    );
    let kept = kept.bind(owner.tenant).bind(owner.account);
    let rows = sql.query(kept.bind(owner.app_id)).await?;
    let path = |row: &sklad_store::Row| {
        let token = token(master_key, owner, &row.string(0))?;
        Ok(format!("{PREFIX}{}/{token}", owner.tenant))
    };
    rows.first().map(path).transpose()
}

/// The statement that forgets the address of this owner: calls to it are answered 404.
#[must_use]
pub fn forget(owner: Owner<'_>) -> Statement {
    Statement::new("DELETE FROM moysklad_hooks WHERE tenant = ?1 AND account = ?2 AND app_id = ?3")
        .bind(owner.tenant)
        .bind(owner.account)
        .bind(owner.app_id)
}

/// The path of the address of this owner; it is made if there is none.
///
/// # Errors
/// [`Error`].
pub async fn ensure(
    sql: &impl Sql,
    master_key: &[u8],
    owner: Owner<'_>,
    now_ms: i64,
) -> Result<String, Error> {
    let kept = Statement::new(
        "SELECT nonce, sha256, own_uid FROM moysklad_hooks \
         WHERE tenant = ?1 AND account = ?2 AND app_id = ?3",
    );
    let kept = kept.bind(owner.tenant).bind(owner.account);
    let rows = sql.query(kept.bind(owner.app_id)).await?;
    let row = rows.first();
    let nonce = match row {
        Some(row) => row.string(0),
        None => nonce()?,
    };
    let token = token(master_key, owner, &nonce)?;
    let hash = hash(&token);
    let same = row.is_some_and(|row| {
        row.text(1) == Some(hash.as_str()) && row.text(2) == Some(owner.own_uid)
    });
    if !same {
        // Another one who is faster has another nonce: that is a conflict, and the next try finds it.
        let write = Statement::new(
            "INSERT INTO moysklad_hooks (tenant, account, app_id, nonce, sha256, own_uid, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (tenant, account, app_id) DO UPDATE \
             SET sha256 = excluded.sha256, own_uid = excluded.own_uid \
             WHERE nonce = excluded.nonce RETURNING 1",
        )
        .bind(owner.tenant)
        .bind(owner.account)
        .bind(owner.app_id)
        .bind(nonce)
        .bind(hash)
        .bind(owner.own_uid)
        .bind(now_ms)
        .expect_rows(1);
        sql.atomic(vec![write]).await?;
    }
    Ok(format!("{PREFIX}{}/{token}", owner.tenant))
}

/// The address of this tenant with this word; every one of the tenant's is compared, in constant time.
///
/// # Errors
/// The database's.
pub async fn find(sql: &impl Sql, tenant: &str, token: &str) -> Result<Option<Hook>, SqlError> {
    let statement = Statement::new(
        "SELECT sha256, account, own_uid FROM moysklad_hooks WHERE tenant = ?1 LIMIT ?2",
    )
    .bind(tenant)
    .bind(i64::try_from(MOST).unwrap_or(i64::MAX));
    let given = hash(token);
    let mut found = None;
    for row in sql.query(statement).await? {
        let known = row.text(0).unwrap_or_default();
        if known.as_bytes().ct_eq(given.as_bytes()).into() {
            let (account, own_uid) = (row.string(1), row.string(2));
            found = Some(Hook { account, own_uid });
        }
    }
    Ok(found)
}

fn nonce() -> Result<String, Error> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(|_| Error::NoSecret)?;
    Ok(hex::encode(bytes))
}

/// The word of an address. No part of what it is made of can have a zero byte, so no two owners share one.
fn token(master_key: &[u8], owner: Owner<'_>, nonce: &str) -> Result<String, Error> {
    if master_key.is_empty() {
        return Err(Error::NoSecret);
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(master_key).map_err(|_| Error::NoSecret)?;
    for part in [
        "moysklad webhook",
        owner.tenant,
        owner.account,
        owner.app_id,
        nonce,
    ] {
        mac.update(part.as_bytes());
        mac.update(&[0]);
    }
    let digest = mac.finalize().into_bytes();
    Ok(hex::encode(digest.get(..TOKEN_BYTES).unwrap_or_default()))
}

fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}
