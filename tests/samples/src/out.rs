//! Text that goes out in the encoding of the file.

use std::fmt::{Arguments, Write as _};
use std::io::{self, Write};

/// How much text is held before it is written, in bytes.
const HELD_BYTES: usize = 64 * 1024;

/// An encoding of a file (commerceml §2.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Encoding {
    /// UTF-8, as МойСклад writes.
    #[default]
    Utf8,
    /// UTF-8 with a byte order mark, as 1С writes.
    Utf8Bom,
    /// windows-1251.
    Windows1251,
}

impl Encoding {
    /// Its name in the prolog of a file.
    #[must_use]
    pub fn label(self) -> &'static str {
        match self {
            Self::Utf8 | Self::Utf8Bom => "UTF-8",
            Self::Windows1251 => "windows-1251",
        }
    }
}

/// A file being written.
pub struct Out<'a, W> {
    inner: &'a mut W,
    encoding: Encoding,
    compact: bool,
    held: String,
    written: u64,
}

impl<'a, W: Write> Out<'a, W> {
    /// Begins a file: with its mark, where it has one. A compact one has no white space between elements.
    pub fn new(inner: &'a mut W, encoding: Encoding, compact: bool) -> Self {
        let mark = if encoding == Encoding::Utf8Bom {
            "\u{feff}"
        } else {
            ""
        };
        Self {
            inner,
            encoding,
            compact,
            held: mark.to_owned(),
            written: 0,
        }
    }

    /// Takes lines of the file.
    pub fn put(&mut self, text: Arguments<'_>) -> io::Result<()> {
        let from = self.held.len();
        // Writing to a `String` does not fail.
        let _ = self.held.write_fmt(text);
        if self.compact {
            let lines = self.held.split_off(from);
            self.held.extend(lines.lines().map(str::trim_start));
        }
        if self.held.len() < HELD_BYTES {
            return Ok(());
        }
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        let bytes = match self.encoding {
            Encoding::Utf8 | Encoding::Utf8Bom => self.held.as_bytes().into(),
            Encoding::Windows1251 => encoding_rs::WINDOWS_1251.encode(&self.held).0,
        };
        self.inner.write_all(&bytes)?;
        self.written += u64::try_from(bytes.len()).unwrap_or_default();
        self.held.clear();
        Ok(())
    }

    /// Writes what is held; answers the length of the file in bytes.
    pub fn finish(mut self) -> io::Result<u64> {
        self.flush()?;
        self.inner.flush()?;
        Ok(self.written)
    }
}

/// Writes a line of a file: a format and its arguments.
macro_rules! line {
    ($out:expr, $($text:tt)*) => {
        $out.put(format_args!("{}\n", format_args!($($text)*)))
    };
}
pub(crate) use line;
