//! Random names, and hashes of secrets.

use sha2::{Digest, Sha256};

/// The host gave no random numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no random numbers")]
pub struct NoRandom;

/// `N` random bytes in hexadecimal.
///
/// # Errors
/// [`NoRandom`].
pub fn hex<const N: usize>() -> Result<String, NoRandom> {
    let mut bytes = [0u8; N];
    getrandom::fill(&mut bytes).map_err(|_| NoRandom)?;
    Ok(hex::encode(bytes))
}

/// The SHA-256 of `bytes` in hexadecimal.
#[must_use]
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
