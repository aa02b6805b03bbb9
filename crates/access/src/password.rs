//! Passwords: argon2id with OWASP's second choice of cost, stored as a PHC string.

use argon2::password_hash::{PasswordHash, PasswordHasher, PasswordVerifier, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

use crate::Error;

/// Memory of one hash, in KiB (OWASP Password Storage Cheat Sheet: m=19456, t=2, p=1).
pub const MEMORY_KIB: u32 = 19_456;
/// Passes over the memory.
pub const PASSES: u32 = 2;
/// Lanes: one, since a component has no threads.
pub const LANES: u32 = 1;
/// The shortest password, in characters.
pub const MIN_CHARS: usize = 8;
/// The longest password, in characters.
pub const MAX_CHARS: usize = 200;
/// Random characters of a generated password: 92 bits.
pub const GENERATED_CHARS: usize = 16;
/// Characters of a group of a generated password, between dashes.
const GROUP_CHARS: usize = 4;
/// Bytes of a salt (RFC 9106 §3.1 recommends 16).
const SALT_BYTES: usize = 16;
/// What a generated password consists of: no two that look alike, and the same bytes in every encoding.
const ALPHABET: &[u8; 56] = b"abcdefghijkmnpqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789";

/// A hash of no password, against which is checked what is given for an employee that does not exist:
/// the same work as for one who does.
pub(crate) const NOBODYS: &str = "$argon2id$v=19$m=19456,t=2,p=1\
    $bm9ib2R5IGhhcyB0aGlzIQ$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA";

/// Refuses a password that cannot be one.
///
/// # Errors
/// [`Error::Invalid`]: shorter than [`MIN_CHARS`], longer than [`MAX_CHARS`], with control characters,
/// or with a space at an end (which a copy of it brings along or loses).
pub fn check(password: &str) -> Result<(), Error> {
    let chars = password.chars().count();
    if !(MIN_CHARS..=MAX_CHARS).contains(&chars) {
        let message = format!("Пароль – от {MIN_CHARS} до {MAX_CHARS} знаков");
        return Err(Error::invalid("password", message));
    }
    if password.contains(char::is_control) || password.trim() != password {
        let message = "В пароле не может быть управляющих знаков, а на концах – пробелов";
        return Err(Error::invalid("password", message));
    }
    Ok(())
}

/// Hashes a password with a new salt; the answer is a PHC string. Takes 19 MiB and some tens of
/// milliseconds.
///
/// # Errors
/// [`Error::Password`] without random numbers or memory.
pub fn hash(password: &str) -> Result<String, Error> {
    let mut salt = [0; SALT_BYTES];
    getrandom::fill(&mut salt).map_err(|_| Error::Password("no random numbers"))?;
    let salt = SaltString::encode_b64(&salt).map_err(|_| Error::Password("salt"))?;
    let params =
        Params::new(MEMORY_KIB, PASSES, LANES, None).map_err(|_| Error::Password("parameters"))?;
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, params);
    let hash = hasher.hash_password(password.as_bytes(), &salt);
    Ok(hash
        .map_err(|_| Error::Password("hashing failed"))?
        .to_string())
}

/// Whether `password` is the one that was hashed; compared in constant time. What is no PHC string is
/// nobody's hash.
#[must_use]
pub fn verify(hash: &str, password: &str) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else {
        return false;
    };
    // The costs are those of the hash, so that they can be raised later.
    let verified = Argon2::default().verify_password(password.as_bytes(), &hash);
    verified.is_ok()
}

/// A new password as `xxxx-xxxx-xxxx-xxxx`.
///
/// # Errors
/// [`Error::Password`] without random numbers.
pub fn generate() -> Result<String, Error> {
    let mut password = String::new();
    let mut chosen = 0;
    while chosen < GENERATED_CHARS {
        let mut random = [0; 1];
        getrandom::fill(&mut random).map_err(|_| Error::Password("no random numbers"))?;
        // Six bits; the eight values without a character are drawn again.
        let Some(character) = ALPHABET.get(usize::from(random[0] >> 2)) else {
            continue;
        };
        if chosen > 0 && chosen % GROUP_CHARS == 0 {
            password.push('-');
        }
        password.push(char::from(*character));
        chosen += 1;
    }
    Ok(password)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_hash_fits_its_password_alone() {
        let first = hash("пароль-1").unwrap();
        assert!(
            first.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"),
            "{first}"
        );
        assert!(verify(&first, "пароль-1"));
        assert!(!verify(&first, "пароль-2"));
        assert_ne!(first, hash("пароль-1").unwrap(), "the salt is new");
        assert!(!verify("", "") && !verify("$argon2id$x", "x"));
    }

    #[test]
    fn nobodys_hash_costs_what_any_other_costs() {
        let nobodys = PasswordHash::new(NOBODYS).unwrap();
        let ours = hash("password").unwrap();
        let ours = PasswordHash::new(&ours).unwrap();
        let cost = |h: &PasswordHash<'_>| Params::try_from(h).unwrap();
        assert_eq!(cost(&nobodys), cost(&ours));
        assert_eq!(
            (nobodys.algorithm, nobodys.version),
            (ours.algorithm, ours.version)
        );
        let bytes = |h: &PasswordHash<'_>| h.hash.unwrap().as_bytes().len();
        assert_eq!(bytes(&nobodys), bytes(&ours));
        assert!(!verify(NOBODYS, ""));
    }

    #[test]
    fn a_generated_password_is_allowed_and_new() {
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..100 {
            let password = generate().unwrap();
            check(&password).unwrap();
            assert_eq!(password.len(), 19, "{password}");
            assert!(seen.insert(password));
        }
        let mut alphabet = ALPHABET.to_vec();
        alphabet.sort_unstable();
        alphabet.dedup();
        assert_eq!(alphabet.len(), ALPHABET.len());
    }

    #[test]
    fn odd_passwords_are_refused() {
        let long = "я".repeat(MAX_CHARS);
        check(&long).unwrap();
        check("пароль 1").unwrap();
        for bad in [
            "",
            "1234567",
            " 12345678",
            "12345678 ",
            "1234\u{0}5678",
            &format!("{long}я"),
        ] {
            assert!(check(bad).is_err(), "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn no_text_is_taken_for_a_hash(text in ".{0,80}") {
            prop_assert!(!verify(&text, &text));
        }
    }
}
