//! The addresses that webhooks come to. An address has a word that cannot be guessed, of which only a hash is
//! stored: it is derived anew, with the master key, by whoever subscribes.

use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use sklad_store::{Row, Sql, SqlError, Statement};
use subtle::ConstantTimeEq;

use super::PREFIX;

/// The most addresses of a tenant that are looked at: it has no more connections.
const MOST: i64 = 50;
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

/// The paths of a tenant's addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paths {
    /// Of the connection that was asked for.
    pub own: String,
    /// Of the others.
    pub others: Vec<String>,
}

/// The path of the address of a connection; it is made if there is none.
///
/// # Errors
/// [`Error`].
pub async fn ensure(
    sql: &impl Sql,
    master_key: &[u8],
    tenant: &str,
    connection: &str,
    now_ms: i64,
) -> Result<Paths, Error> {
    let kept = Statement::new(
        "SELECT connection, nonce, sha256 FROM insales_hooks WHERE tenant = ?1 ORDER BY connection LIMIT ?2",
    );
    let rows = sql.query(kept.bind(tenant).bind(MOST)).await?;
    let path = |row: &Row| {
        let (connection, nonce) = (row.string(0), row.string(1));
        let token = token(master_key, tenant, &connection, &nonce)?;
        Ok(format!("{PREFIX}{tenant}/{token}"))
    };
    let (own, others): (Vec<&Row>, Vec<&Row>) =
        rows.iter().partition(|row| row.text(0) == Some(connection));
    let others: Result<Vec<String>, Error> = others.into_iter().map(path).collect();
    let own = own.first();
    let nonce = match own {
        Some(row) => row.string(1),
        None => nonce()?,
    };
    let token = token(master_key, tenant, connection, &nonce)?;
    let hash = hash(&token);
    if own.and_then(|row| row.text(2)) != Some(hash.as_str()) {
        // Another one who is faster has another nonce: that is a conflict, and the next try finds it.
        let write = Statement::new(
            "INSERT INTO insales_hooks (tenant, connection, nonce, sha256, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (tenant, connection) DO UPDATE \
             SET sha256 = excluded.sha256 WHERE nonce = excluded.nonce RETURNING 1",
        )
        .bind(tenant)
        .bind(connection)
        .bind(nonce)
        .bind(hash)
        .bind(now_ms)
        .expect_rows(1);
        sql.atomic(vec![write]).await?;
    }
    Ok(Paths {
        own: format!("{PREFIX}{tenant}/{token}"),
        others: others?,
    })
}

/// Whether a connection has an address: without one nothing is subscribed to.
///
/// # Errors
/// The database's.
pub async fn has(sql: &impl Sql, tenant: &str, connection: &str) -> Result<bool, SqlError> {
    let kept = Statement::new("SELECT 1 FROM insales_hooks WHERE tenant = ?1 AND connection = ?2");
    let rows = sql.query(kept.bind(tenant).bind(connection)).await?;
    Ok(!rows.is_empty())
}

/// The statement that forgets the address of a connection: calls to it are answered 404.
#[must_use]
pub fn forget(tenant: &str, connection: &str) -> Statement {
    Statement::new("DELETE FROM insales_hooks WHERE tenant = ?1 AND connection = ?2")
        .bind(tenant)
        .bind(connection)
}

/// The connection whose address has this word; every one of the tenant's is compared, in constant time.
///
/// # Errors
/// The database's.
pub async fn find(sql: &impl Sql, tenant: &str, token: &str) -> Result<Option<String>, SqlError> {
    let statement =
        Statement::new("SELECT sha256, connection FROM insales_hooks WHERE tenant = ?1 LIMIT ?2");
    let given = hash(token);
    let mut found = None;
    for row in sql.query(statement.bind(tenant).bind(MOST)).await? {
        let known = row.text(0).unwrap_or_default();
        if known.as_bytes().ct_eq(given.as_bytes()).into() {
            found = Some(row.string(1));
        }
    }
    Ok(found)
}

fn nonce() -> Result<String, Error> {
    let mut bytes = [0; TOKEN_BYTES];
    getrandom::fill(&mut bytes).map_err(|_| Error::NoSecret)?;
    Ok(hex::encode(bytes))
}

/// The word of an address. No part of what it is made of can have a zero byte, so no two connections share
/// one.
fn token(master_key: &[u8], tenant: &str, connection: &str, nonce: &str) -> Result<String, Error> {
    if master_key.is_empty() {
        return Err(Error::NoSecret);
    }
    let mut mac = Hmac::<Sha256>::new_from_slice(master_key).map_err(|_| Error::NoSecret)?;
    for part in ["insales webhook", tenant, connection, nonce] {
        mac.update(part.as_bytes());
        mac.update(&[0]);
    }
    let digest = mac.finalize().into_bytes();
    Ok(hex::encode(digest.get(..TOKEN_BYTES).unwrap_or_default()))
}

fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}
