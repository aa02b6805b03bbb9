//! Names and ids.

use sha2::{Digest, Sha256};

use crate::Error;

/// The longest name of a company or connection, in characters.
pub const MAX_NAME_CHARS: usize = 100;
/// Letters of an id: none that is taken for another when it is read aloud or typed.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Characters of an id: 50 bits, enough for a tenant's own ones to be never the same.
const ID_CHARS: usize = 10;

/// A name as it is stored: no control characters, single spaces, none at the ends.
pub fn name(given: &str) -> Result<String, Error> {
    let plain = given.replace(char::is_control, " ");
    let name = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    match name.chars().count() {
        1..=MAX_NAME_CHARS => Ok(name),
        _ => Err(Error::invalid("name", "от 1 до 100 знаков")),
    }
}

/// A new short id.
pub fn id() -> Result<String, Error> {
    let mut random = [0u8; ID_CHARS];
    getrandom::fill(&mut random).map_err(|_| Error::Random)?;
    Ok(letters(&random))
}

/// The short id of what is called so.
pub fn id_of(name: &str) -> String {
    letters(&Sha256::digest(name))
}

fn letters(bytes: &[u8]) -> String {
    let letter = |byte: &u8| LETTERS.get(usize::from(byte % 32)).copied();
    let letters = bytes.iter().filter_map(letter).take(ID_CHARS);
    letters.map(char::from).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_tidy_and_not_empty() {
        assert_eq!(name("  Компания \t 2\n").as_deref(), Ok("Компания 2"));
        assert!(name(&"я".repeat(MAX_NAME_CHARS)).is_ok());
        for bad in ["", " \u{1} ", &"я".repeat(MAX_NAME_CHARS + 1)] {
            assert!(name(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn an_id_is_short_plain_and_new() {
        let (one, two) = (id().unwrap(), id().unwrap());
        assert_ne!(one, two);
        assert_eq!(id_of("insales kofe"), id_of("insales kofe"));
        assert_ne!(id_of("insales kofe"), id_of("insales kofe2"));
        let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        for id in [one, id_of("я")] {
            assert!(
                id.chars().count() == ID_CHARS && id.chars().all(plain),
                "{id}"
            );
        }
    }
}
