//! windows-1251.
//!
//! By hand: a library of encodings brings tables of all of them into the component.

/// The characters of the bytes 0x80 to 0xBF; 0x98 stands for nothing. The bytes from 0xC0 are the
/// letters А to я.
const UPPER: [char; 64] = [
    'Ђ', 'Ѓ', '‚', 'ѓ', '„', '…', '†', '‡', '€', '‰', 'Љ', '‹', 'Њ', 'Ќ', 'Ћ', 'Џ', //
    'ђ', '‘', '’', '“', '”', '•', '–', '—', '\u{98}', '™', 'љ', '›', 'њ', 'ќ', 'ћ', 'џ', //
    '\u{a0}', 'Ў', 'ў', 'Ј', '¤', 'Ґ', '¦', '§', 'Ё', '©', 'Є', '«', '¬', '\u{ad}', '®',
    'Ї', //
    '°', '±', 'І', 'і', 'ґ', 'µ', '¶', '·', 'ё', '№', 'є', '»', 'ј', 'Ѕ', 'ѕ', 'ї',
];
/// The byte of the first of [`UPPER`].
const FIRST: u8 = 0x80;
/// The byte of А.
const LETTERS: u8 = 0xC0;

/// An XML document in windows-1251. A character that it does not have becomes a numeric reference,
/// which means the same in texts and attributes; names of elements are Cyrillic and need none.
#[must_use]
pub fn encode(xml: &str) -> Vec<u8> {
    let mut out = Vec::with_capacity(xml.len());
    for c in xml.chars() {
        match byte(c) {
            Some(byte) => out.push(byte),
            None => out.extend(format!("&#{};", u32::from(c)).into_bytes()),
        }
    }
    out
}

fn byte(c: char) -> Option<u8> {
    match c {
        '\0'..='\x7f' => u8::try_from(c).ok(),
        'А'..='я' => u8::try_from(u32::from(c) - u32::from('А'))
            .ok()
            .map(|i| LETTERS + i),
        _ => {
            let i = UPPER.iter().position(|known| *known == c)?;
            u8::try_from(i).ok().map(|i| FIRST + i)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_the_one_of_the_standard() {
        for number in 0..=0x1_0000_u32 {
            let Some(c) = char::from_u32(number) else {
                continue;
            };
            let text = c.to_string();
            let (expected, _, unmappable) = encoding_rs::WINDOWS_1251.encode(&text);
            let expected = (!unmappable).then(|| expected[0]);
            assert_eq!(byte(c), expected, "{number:x}");
        }
    }

    #[test]
    fn what_it_does_not_have_is_a_reference() {
        assert_eq!(encode("Я ₽😀"), b"\xdf &#8381;&#128512;");
    }
}
