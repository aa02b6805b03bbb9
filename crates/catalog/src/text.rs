//! Texts in the form in which they are compared.

/// Lower case, ё as е, words of letters and digits with one space around each: `" молоко 3 2 "`.
/// The beginning of a word is then found as a substring after a space.
#[must_use]
pub fn name_key(name: &str) -> String {
    let mut key = String::with_capacity(name.len() + 2);
    key.push(' ');
    for c in name.chars() {
        // The letters of nearly all names first: the tables of Unicode are slow.
        match c {
            'a'..='z' | '0'..='9' | 'а'..='я' => key.push(c),
            'A'..='Z' => key.push(c.to_ascii_lowercase()),
            'ё' | 'Ё' => key.push('е'),
            c if c.is_ascii() => space(&mut key),
            c => c.to_lowercase().for_each(|c| other(&mut key, c)),
        }
    }
    space(&mut key);
    key
}

fn other(key: &mut String, c: char) {
    if c.is_alphanumeric() {
        key.push(c);
    } else {
        space(key);
    }
}

fn space(key: &mut String) {
    if !key.ends_with(' ') {
        key.push(' ');
    }
}

/// An article or code as it is compared: without space around it, lower case.
#[must_use]
pub fn fold(text: &str) -> String {
    text.trim().to_lowercase()
}

/// A UUID in lower case with dashes, `None` for any other text.
#[must_use]
pub fn uuid(text: &str) -> Option<String> {
    // A UUID without dashes, in braces or as a URN is nobody's way to write an id in JSON.
    let text = text.trim();
    (text.len() == 36)
        .then(|| uuid::Uuid::try_parse(text).ok())
        .flatten()
        .map(|uuid| uuid.hyphenated().to_string())
}

/// An id as it is kept: a UUID in lower case, any other text as it is.
#[must_use]
pub fn id(text: &str) -> String {
    uuid(text).unwrap_or_else(|| text.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn words_are_found_by_their_beginning() {
        assert_eq!(name_key("  Молоко «Ёлочка», 3.2% "), " молоко елочка 3 2 ");
        assert_eq!(name_key(""), " ");
        assert_eq!(name_key("!!"), " ");
    }

    #[test]
    fn uuids_are_lower_case() {
        let upper = "9C56720C-E8A7-4FDC-AEA4-7104F28207BE";
        assert_eq!(uuid(upper), Some(upper.to_lowercase()));
        assert_eq!(uuid("276a6f50-7ffd-11e6-8a84-bae50000005"), None);
        assert_eq!(uuid("9c56720ce8a74fdcaea47104f28207be"), None);
        assert_eq!(id(" Drinks "), "Drinks");
    }

    proptest! {
        #[test]
        fn a_key_is_its_own_key(name in ".{0,40}") {
            let key = name_key(&name);
            prop_assert_eq!(name_key(&key), key.clone());
            prop_assert!(key.starts_with(' ') && key.ends_with(' ') && !key.contains("  "));
        }

        #[test]
        fn letters_are_what_unicode_says(name in "[ -~А-яЁёß–İ]{0,20}") {
            let mut plain = String::from(" ");
            for c in name.chars().flat_map(char::to_lowercase) {
                match c {
                    'ё' => plain.push('е'),
                    c if c.is_alphanumeric() => plain.push(c),
                    _ if plain.ends_with(' ') => {}
                    _ => plain.push(' '),
                }
            }
            if !plain.ends_with(' ') {
                plain.push(' ');
            }
            prop_assert_eq!(name_key(&name), plain);
        }
    }
}
