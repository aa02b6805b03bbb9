//! Texts as they come and as they are compared.

/// The longest e-mail, in bytes (RFC 5321 §4.5.3.1.3, less the angle brackets).
pub const MAX_EMAIL_BYTES: usize = 254;

/// The characters of windows-1251 from 0x80 to 0xBF; after them come А to я in order.
const CP1251: [char; 64] = [
    'Ђ', 'Ѓ', '‚', 'ѓ', '„', '…', '†', '‡', '€', '‰', 'Љ', '‹', 'Њ', 'Ќ', 'Ћ', 'Џ', //
    'ђ', '‘', '’', '“', '”', '•', '–', '—', '\u{98}', '™', 'љ', '›', 'њ', 'ќ', 'ћ', 'џ', //
    '\u{a0}', 'Ў', 'ў', 'Ј', '¤', 'Ґ', '¦', '§', 'Ё', '©', 'Є', '«', '¬', '\u{ad}', '®',
    'Ї', //
    '°', '±', 'І', 'і', 'ґ', 'µ', '¶', '·', 'ё', '№', 'є', '»', 'ј', 'Ѕ', 'ѕ', 'ї',
];

/// A text of a client that does not say its encoding: UTF-8, or, where it is not, windows-1251
/// (commerceml §1.2). A table of 64 characters instead of a library of all encodings: a component
/// would carry them.
pub fn decode(bytes: &[u8]) -> String {
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().copied().map(cp1251).collect(),
    }
}

fn cp1251(byte: u8) -> char {
    match byte {
        0..0x80 => char::from(byte),
        0x80..0xC0 => CP1251
            .get(usize::from(byte - 0x80))
            .copied()
            .unwrap_or(char::REPLACEMENT_CHARACTER),
        0xC0.. => char::from_u32(u32::from('А') + u32::from(byte - 0xC0))
            .unwrap_or(char::REPLACEMENT_CHARACTER),
    }
}

/// An e-mail as it is stored and looked for: without space around it, lower case. `None` for what is
/// no e-mail. A colon cannot be in it, since HTTP's Basic scheme ends the login with one.
pub fn email(text: &str) -> Option<String> {
    let email = text.trim().to_lowercase();
    let (name, domain) = email.split_once('@')?;
    let odd = |c: char| c.is_whitespace() || c.is_control() || matches!(c, ':' | ',' | ';');
    let good = !name.is_empty()
        && !domain.is_empty()
        && !domain.contains('@')
        && !email.contains(odd)
        && email.len() <= MAX_EMAIL_BYTES;
    good.then_some(email)
}

/// A name as it is shown: no control characters, single spaces, none at the ends.
pub fn tidy(name: &str) -> String {
    let plain = name.replace(char::is_control, " ");
    plain.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn every_byte_of_windows_1251_is_its_character() {
        for byte in 0..=u8::MAX {
            let bytes = [byte];
            let (wanted, _) = encoding_rs::WINDOWS_1251.decode_without_bom_handling(&bytes);
            assert_eq!(cp1251(byte).to_string(), wanted, "{byte:#x}");
        }
    }

    #[test]
    fn an_email_has_one_form() {
        assert_eq!(email(" Ivan@Shop.RU\n").as_deref(), Some("ivan@shop.ru"));
        assert_eq!(
            email("касса@магазин.рф").as_deref(),
            Some("касса@магазин.рф")
        );
        let long = format!("{}@b.ru", "a".repeat(MAX_EMAIL_BYTES));
        for bad in [
            "", "a", "@", "a@", "@b", "a@b@c", "a b@c", "a:b@c", "a\0@b", &long,
        ] {
            assert_eq!(email(bad), None, "{bad:?}");
        }
    }

    proptest! {
        #[test]
        fn utf8_is_read_as_it_is_and_bytes_never_fail(text in ".{0,40}", bytes: Vec<u8>) {
            prop_assert_eq!(decode(text.as_bytes()), text);
            prop_assert!(decode(&bytes).chars().count() <= bytes.len());
        }

        #[test]
        fn an_email_is_its_own_form(text in "[ A-Яё@.:]{0,12}@[a-zI.]{1,5}") {
            if let Some(first) = email(&text) {
                prop_assert_eq!(email(&first), Some(first.clone()));
            }
        }

        #[test]
        fn a_tidy_name_is_tidy(name in ".{0,40}") {
            prop_assert_eq!(tidy(&tidy(&name)), tidy(&name));
        }
    }
}
