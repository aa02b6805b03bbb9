//! Bytes of a file to UTF-8.
//!
//! The tables are our own: a general library of encodings would bring the tables of all of them, half
//! the size of a component.

use serde::{Deserialize, Serialize};

/// How a file is written (§2.1 "Encodings").
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Encoding {
    /// UTF-8.
    Utf8,
    /// windows-1251.
    Windows1251,
    /// koi8-r.
    Koi8R,
    /// UTF-16, low byte first.
    Utf16Le,
    /// UTF-16, high byte first.
    Utf16Be,
}

impl Encoding {
    /// Its name, for messages.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Utf8 => "UTF-8",
            Self::Windows1251 => "windows-1251",
            Self::Koi8R => "koi8-r",
            Self::Utf16Le | Self::Utf16Be => "UTF-16",
        }
    }

    /// How many bytes of the file became these bytes of UTF-8.
    pub(crate) fn raw_len(self, text: &[u8]) -> usize {
        match self {
            Self::Utf8 => text.len(),
            Self::Windows1251 | Self::Koi8R => chars(text),
            Self::Utf16Le | Self::Utf16Be => {
                2 * (chars(text) + text.iter().filter(|&&b| b >= FOUR_BYTES).count())
            }
        }
    }
}

/// The first byte of a character of four bytes is this or more; in UTF-16 it is two units.
const FOUR_BYTES: u8 = 0xF0;

/// Characters of a text: every byte counts that does not continue one.
pub(crate) fn chars(text: &[u8]) -> usize {
    text.iter().filter(|&&b| b & 0xC0 != 0x80).count()
}

/// Bytes that are looked at for a declaration.
const HEAD: usize = 1024;
/// Bytes, from the first that is no ASCII, by which UTF-8 is told from windows-1251: the name of the
/// root is longer.
const SAMPLE: usize = 64;
/// Marks of byte order that are skipped: some senders write two.
const BOMS: usize = 2;

/// What the head of a file says.
struct Head {
    encoding: Encoding,
    bom: usize,
}

/// Turns bytes into UTF-8 as they come.
#[derive(Debug)]
pub(crate) struct Decoder {
    /// `None` while the head is gathered.
    encoding: Option<Encoding>,
    /// Whether a file in UTF-8 has shown that it is.
    sure: bool,
    /// Bytes that wait for more.
    tail: Vec<u8>,
    /// Bytes of marks of byte order that were skipped.
    bom: usize,
    /// Set once the bytes after the decoded ones are no characters.
    broken: bool,
    /// Set once when a file that says UTF-8 turned out to be windows-1251.
    guessed: bool,
    /// The declared encoding, if it is none that is known.
    unknown: Option<String>,
}

impl Decoder {
    /// For the beginning of a file (`None`), or for going on in the middle of one.
    pub(crate) fn new(encoding: Option<Encoding>, sure: bool) -> Self {
        Self {
            encoding,
            sure,
            tail: Vec::new(),
            bom: 0,
            broken: false,
            guessed: false,
            unknown: None,
        }
    }

    /// The encoding once it is known, and whether it is beyond doubt.
    pub(crate) fn encoding(&self) -> (Option<Encoding>, bool) {
        (self.encoding, self.sure)
    }

    /// Bytes at the beginning of the file that are no text.
    pub(crate) fn bom(&self) -> usize {
        self.bom
    }

    /// Whether what follows the decoded text cannot be decoded.
    pub(crate) fn broken(&self) -> bool {
        self.broken
    }

    /// The declared encoding, if it is none that is known.
    pub(crate) fn unknown(&self) -> Option<&str> {
        self.unknown.as_deref()
    }

    /// Whether windows-1251 was guessed just now; true once.
    pub(crate) fn take_guessed(&mut self) -> bool {
        std::mem::take(&mut self.guessed)
    }

    /// Decodes more bytes of the file; `last` says that no more follow.
    pub(crate) fn push(&mut self, bytes: &[u8], last: bool, out: &mut String) {
        if self.tail.is_empty() && self.encoding.is_some() {
            let used = self.decode(bytes, last, out);
            self.tail
                .extend_from_slice(bytes.get(used..).unwrap_or_default());
            return;
        }
        self.tail.extend_from_slice(bytes);
        if self.encoding.is_none() && !self.read_head(last) {
            return;
        }
        let mut tail = std::mem::take(&mut self.tail);
        let used = self.decode(&tail, last, out);
        tail.drain(..used);
        self.tail = tail;
    }

    /// Settles the encoding; false while more bytes are needed.
    fn read_head(&mut self, last: bool) -> bool {
        match sniff(&self.tail, last) {
            Ok(Some(head)) => {
                self.bom = head.bom;
                self.tail.drain(..head.bom.min(self.tail.len()));
                self.encoding = Some(head.encoding);
                self.sure = head.encoding != Encoding::Utf8;
                true
            }
            Ok(None) => false,
            Err(label) => {
                self.unknown = Some(label);
                false
            }
        }
    }

    /// Decodes what can be; gives the number of bytes used.
    fn decode(&mut self, bytes: &[u8], last: bool, out: &mut String) -> usize {
        if self.broken {
            return bytes.len();
        }
        match self.encoding {
            Some(Encoding::Utf8) => self.utf8(bytes, last, out),
            Some(Encoding::Windows1251) => single(bytes, &sklad_cyrillic::WINDOWS_1251, out),
            Some(Encoding::Koi8R) => single(bytes, &sklad_cyrillic::KOI8_R, out),
            Some(Encoding::Utf16Le) => self.utf16(bytes, u16::from_le_bytes, last, out),
            Some(Encoding::Utf16Be) => self.utf16(bytes, u16::from_be_bytes, last, out),
            None => 0,
        }
    }

    /// UTF-8. While it is not sure, ASCII passes, and the first bytes beyond decide: the decision does not
    /// depend on how the bytes were cut.
    fn utf8(&mut self, bytes: &[u8], last: bool, out: &mut String) -> usize {
        if self.sure {
            return self.sure_utf8(bytes, out);
        }
        let ascii = bytes.iter().take_while(|b| b.is_ascii()).count();
        let (plain, rest) = bytes.split_at_checked(ascii).unwrap_or((bytes, &[]));
        self.sure_utf8(plain, out);
        if rest.is_empty() || (rest.len() < SAMPLE && !last) {
            return ascii;
        }
        self.sure = true;
        if all_invalid(rest.get(..SAMPLE).unwrap_or(rest)) {
            self.guessed = true;
            self.encoding = Some(Encoding::Windows1251);
            return ascii + single(rest, &sklad_cyrillic::WINDOWS_1251, out);
        }
        ascii + self.sure_utf8(rest, out)
    }

    /// UTF-8; stops at what is no character, and before one that the rest is missing of.
    fn sure_utf8(&mut self, bytes: &[u8], out: &mut String) -> usize {
        let error = match simdutf8::compat::from_utf8(bytes) {
            Ok(text) => {
                out.push_str(text);
                return bytes.len();
            }
            Err(error) => error,
        };
        let valid = bytes.get(..error.valid_up_to()).unwrap_or_default();
        out.push_str(simdutf8::basic::from_utf8(valid).unwrap_or_default());
        self.broken = error.error_len().is_some();
        valid.len()
    }

    /// UTF-16; stops at what is no character.
    fn utf16(
        &mut self,
        bytes: &[u8],
        unit: fn([u8; 2]) -> u16,
        last: bool,
        out: &mut String,
    ) -> usize {
        let mut used = 0;
        while let Some((first, rest)) = bytes.get(used..).and_then(<[u8]>::split_first_chunk) {
            let first = unit(*first);
            let pair = rest.first_chunk().map(|second| unit(*second));
            let (char, width) = match (first, pair) {
                (0xD800..=0xDBFF, Some(second)) => (
                    char::decode_utf16([first, second])
                        .next()
                        .and_then(Result::ok),
                    4,
                ),
                (0xD800..=0xDBFF, None) if !last => return used,
                _ => (char::from_u32(u32::from(first)), 2),
            };
            let Some(char) = char else {
                self.broken = true;
                return used;
            };
            out.push(char);
            used += width;
        }
        self.broken = last && used < bytes.len();
        used
    }
}

/// Decodes one byte a character; every byte is one.
fn single(bytes: &[u8], high: &[u16; 128], out: &mut String) -> usize {
    out.reserve(bytes.len() * 2);
    for &byte in bytes {
        match byte
            .checked_sub(0x80)
            .and_then(|index| high.get(usize::from(index)))
        {
            Some(&code) => out.push(char::from_u32(u32::from(code)).unwrap_or('\u{FFFD}')),
            None => out.push(char::from(byte)),
        }
    }
    bytes.len()
}

/// Whether a sample has bytes beyond ASCII and none of them is a character of UTF-8. A character that
/// the end of the sample cuts counts as one.
fn all_invalid(sample: &[u8]) -> bool {
    let mut rest = sample;
    while !rest.is_empty() {
        match std::str::from_utf8(rest) {
            Ok(text) => return text.is_ascii(),
            Err(error) => {
                let valid = rest.get(..error.valid_up_to()).unwrap_or_default();
                let Some(skipped) = error.error_len() else {
                    return valid.is_ascii() && rest.len() < sample.len();
                };
                if !valid.is_ascii() {
                    return false;
                }
                rest = rest
                    .get(error.valid_up_to() + skipped..)
                    .unwrap_or_default();
            }
        }
    }
    true
}

/// Reads marks of byte order and the declaration. `Ok(None)`: more bytes are needed; `Err`: an
/// encoding that is not known.
fn sniff(bytes: &[u8], last: bool) -> Result<Option<Head>, String> {
    if bytes.len() < BOMS * 4 && !last {
        return Ok(None);
    }
    for (mark, encoding) in [
        (&b"\xEF\xBB\xBF"[..], Encoding::Utf8),
        (b"\xFF\xFE", Encoding::Utf16Le),
        (b"\xFE\xFF", Encoding::Utf16Be),
    ] {
        let marks = bytes
            .chunks(mark.len())
            .take(BOMS)
            .take_while(|chunk| *chunk == mark)
            .count();
        if marks > 0 {
            return Ok(Some(Head {
                encoding,
                bom: marks * mark.len(),
            }));
        }
    }
    let encoding = match bytes {
        [b'<', 0, ..] => Encoding::Utf16Le,
        [0, b'<', ..] => Encoding::Utf16Be,
        _ => match declared(bytes, last) {
            Declared::NotYet => return Ok(None),
            Declared::Nothing => Encoding::Utf8,
            Declared::As(label) => known(&label).ok_or(label)?,
        },
    };
    Ok(Some(Head { encoding, bom: 0 }))
}

/// What the declaration says of the encoding.
enum Declared {
    NotYet,
    Nothing,
    As(String),
}

/// Looks for `<?xml … encoding="…" … ?>`.
fn declared(bytes: &[u8], last: bool) -> Declared {
    const OPEN: &[u8] = b"<?xml";
    let text = bytes.get(..HEAD).unwrap_or(bytes).trim_ascii_start();
    let full = last || bytes.len() >= HEAD;
    if text.len() < OPEN.len() && !full {
        return Declared::NotYet;
    }
    if !text.starts_with(OPEN) {
        return Declared::Nothing;
    }
    let Some(end) = memchr::memchr(b'>', text) else {
        return if full {
            Declared::Nothing
        } else {
            Declared::NotYet
        };
    };
    let declaration = String::from_utf8_lossy(text.get(..end).unwrap_or_default()).into_owned();
    let label = declaration.split_once("encoding").and_then(|(_, rest)| {
        let rest = rest.trim_start().strip_prefix('=')?.trim_start();
        let quote = rest.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        rest.get(1..)?.split(quote).next()
    });
    label.map_or(Declared::Nothing, |label| {
        Declared::As(label.trim().to_owned())
    })
}

/// The encoding of a label. A declaration that can be read as ASCII is no UTF-16, whatever it says.
fn known(label: &str) -> Option<Encoding> {
    Some(match label.to_ascii_lowercase().as_str() {
        "" | "utf-8" | "utf8" | "us-ascii" | "ascii" | "utf-16" | "utf16" => Encoding::Utf8,
        "windows-1251" | "cp1251" | "cp-1251" | "win-1251" | "win1251" | "1251" => {
            Encoding::Windows1251
        }
        "koi8-r" | "koi8r" => Encoding::Koi8R,
        _ => return None,
    })
}
