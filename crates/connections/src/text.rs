//! Names and ids.

use sha2::{Digest, Sha256};

use crate::Error;

/// The longest name of a company or connection, in characters.
pub const MAX_NAME_CHARS: usize = 100;
/// Letters of an id: none that is taken for another when it is read aloud or typed.
const LETTERS: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Characters of an id: 50 bits, enough for a tenant's own ones to be never the same.
const ID_CHARS: usize = 10;

/// A name as it is stored: no control characters, none that cannot be seen, single spaces, none at the ends.
pub fn name(given: &str) -> Result<String, Error> {
    let seen = given.replace(is_format, "");
    let plain = seen.replace(char::is_control, " ");
    let name = plain.split_whitespace().collect::<Vec<_>>().join(" ");
    match name.chars().count() {
        1..=MAX_NAME_CHARS => Ok(name),
        _ => Err(Error::invalid("name", "от 1 до 100 знаков")),
    }
}

/// Whether a character only changes how its neighbours are shown: with it two names look the same, or a row of the
/// journal reads backwards.
fn is_format(c: char) -> bool {
    matches!(c, '\u{200B}'..='\u{200F}' | '\u{202A}'..='\u{202E}' | '\u{2060}'..='\u{2069}' | '\u{FEFF}')
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
        assert_eq!(
            name("\u{FEFF}Ком\u{200B}па\u{2060}ния\u{202E} 2\u{2066}").as_deref(),
            Ok("Компания 2")
        );
        assert!(name(&"я".repeat(MAX_NAME_CHARS)).is_ok());
        for bad in ["", " \u{1} ", "\u{200B}", &"я".repeat(MAX_NAME_CHARS + 1)] {
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
