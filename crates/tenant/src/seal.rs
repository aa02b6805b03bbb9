//! Secrets of vendors at rest: encrypted with the application's master key.
//!
//! XChaCha20-Poly1305 under a key that HKDF-SHA256 makes of the master key and the purpose. Tenant and
//! purpose are associated data: what was sealed for one tenant or purpose opens for no other. What is
//! stored is one byte of version, the random nonce, the ciphertext with its tag.

use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{Key, XChaCha20Poly1305, XNonce};
use hkdf::Hkdf;
use sha2::Sha256;

/// The form of what is stored.
const VERSION: u8 = 1;
/// Bytes of a nonce: enough for random ones to be never the same.
const NONCE_BYTES: usize = 24;

/// Why something cannot be sealed or opened. No text names what was to be sealed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SealError {
    /// The component was not given the variable `master_key`.
    #[error("the variable master_key is not set")]
    NoKey,
    /// The host gave no random numbers.
    #[error("no random numbers")]
    Random,
    /// What is stored was changed, or sealed with another key or for another tenant or purpose.
    #[error("a sealed value does not open: was master_key changed?")]
    Broken,
}

/// Encrypts `plaintext` for a tenant (empty: the deployment itself) and a purpose.
///
/// ```
/// let sealed = sklad_tenant::seal(b"a long master key", "example", "demo", b"secret").unwrap();
/// let opened = sklad_tenant::open(b"a long master key", "example", "demo", &sealed);
/// assert_eq!(opened.unwrap(), b"secret");
/// ```
///
/// # Errors
/// [`SealError::NoKey`], [`SealError::Random`].
pub fn seal(
    master_key: &[u8],
    purpose: &str,
    tenant: &str,
    plaintext: &[u8],
) -> Result<Vec<u8>, SealError> {
    let mut nonce = [0; NONCE_BYTES];
    getrandom::fill(&mut nonce).map_err(|_| SealError::Random)?;
    let aad = associated(purpose, tenant);
    let payload = Payload {
        msg: plaintext,
        aad: &aad,
    };
    let ciphertext = cipher(master_key, purpose)?
        .encrypt(XNonce::from_slice(&nonce), payload)
        .map_err(|_| SealError::Broken)?;
    let mut sealed = vec![VERSION];
    sealed.extend(nonce);
    sealed.extend(ciphertext);
    Ok(sealed)
}

/// Decrypts what [`seal`] has made for the same tenant and purpose with the same key.
///
/// # Errors
/// [`SealError::NoKey`], [`SealError::Broken`].
pub fn open(
    master_key: &[u8],
    purpose: &str,
    tenant: &str,
    sealed: &[u8],
) -> Result<Vec<u8>, SealError> {
    let rest = sealed.strip_prefix(&[VERSION]).ok_or(SealError::Broken)?;
    let (nonce, ciphertext) = rest
        .split_at_checked(NONCE_BYTES)
        .ok_or(SealError::Broken)?;
    let aad = associated(purpose, tenant);
    let payload = Payload {
        msg: ciphertext,
        aad: &aad,
    };
    cipher(master_key, purpose)?
        .decrypt(XNonce::from_slice(nonce), payload)
        .map_err(|_| SealError::Broken)
}

fn cipher(master_key: &[u8], purpose: &str) -> Result<XChaCha20Poly1305, SealError> {
    if master_key.is_empty() {
        return Err(SealError::NoKey);
    }
    let mut key = Key::default();
    Hkdf::<Sha256>::new(Some(b"sklad-edge seal"), master_key)
        .expand(purpose.as_bytes(), &mut key)
        .map_err(|_| SealError::NoKey)?;
    Ok(XChaCha20Poly1305::new(&key))
}

/// Purpose and tenant, so that no two pairs are written alike: a slug has no zero byte.
fn associated(purpose: &str, tenant: &str) -> Vec<u8> {
    [tenant.as_bytes(), purpose.as_bytes()].join(&0)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &[u8] = b"master-key-of-the-tests";

    fn sealed() -> Vec<u8> {
        seal(KEY, "token", "demo", "секрет".as_bytes()).unwrap()
    }

    #[test]
    fn what_was_sealed_opens_for_the_same_tenant_purpose_and_key_alone() {
        let sealed = sealed();
        let opened = open(KEY, "token", "demo", &sealed).unwrap();
        assert_eq!(opened, "секрет".as_bytes());
        for (key, purpose, tenant) in [
            (&b"another-master-key!"[..], "token", "demo"),
            (KEY, "key", "demo"),
            (KEY, "token", "other"),
            (KEY, "token", ""),
            (KEY, "tokendemo", ""),
            (KEY, "", "tokendemo"),
        ] {
            let opened = open(key, purpose, tenant, &sealed);
            assert_eq!(opened, Err(SealError::Broken), "{purpose} {tenant}");
        }
    }

    #[test]
    fn a_changed_byte_anywhere_opens_nothing() {
        let sealed = sealed();
        for at in 0..sealed.len() {
            let mut changed = sealed.clone();
            changed[at] ^= 1;
            let opened = open(KEY, "token", "demo", &changed);
            assert_eq!(opened, Err(SealError::Broken), "byte {at}");
            let opened = open(KEY, "token", "demo", &sealed[..at]);
            assert_eq!(opened, Err(SealError::Broken), "cut at {at}");
        }
    }

    #[test]
    fn nothing_readable_is_stored_and_no_two_are_alike() {
        let (one, two) = (sealed(), sealed());
        assert_ne!(one, two);
        let secret = "секрет".as_bytes();
        assert!(!one.windows(secret.len()).any(|w| w == secret));
        assert_eq!(
            open(KEY, "t", "", &seal(KEY, "t", "", b"").unwrap()),
            Ok(vec![])
        );
    }

    #[test]
    fn without_a_master_key_nothing_is_sealed() {
        assert_eq!(seal(b"", "t", "demo", b"x"), Err(SealError::NoKey));
        assert_eq!(open(b"", "t", "demo", &sealed()), Err(SealError::NoKey));
    }
}
