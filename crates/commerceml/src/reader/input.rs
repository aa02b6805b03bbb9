//! The window: bytes of the file as UTF-8, what of it was read, and which line that is.

use quick_xml::errors::{Error, SyntaxError};
use serde::{Deserialize, Serialize};

use crate::decode::{Decoder, Encoding, chars};
use crate::error::ErrorKind;

/// `<!` and what tells which kind of markup it is.
pub(super) const BANG: u64 = 3;
/// A tail shorter than this is looked at again with every push.
const SHORT_TAIL: usize = 1024;

/// A place of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// Byte of all that ever was in this reader's window.
    #[serde(skip)]
    at: u64,
    /// Byte of the file.
    pub(super) raw: u64,
    /// Line, from 1.
    pub(super) line: u64,
    /// Column in characters, from 1.
    pub(super) column: u64,
}

impl Default for Place {
    fn default() -> Self {
        Self {
            at: 0,
            raw: 0,
            line: 1,
            column: 1,
        }
    }
}

impl Place {
    /// Moves over a text.
    fn pass(&mut self, text: &[u8], encoding: Encoding) {
        self.at += text.len() as u64;
        self.raw += encoding.raw_len(text) as u64;
        let lines = memchr::memchr_iter(b'\n', text).count();
        let last = memchr::memrchr(b'\n', text);
        let rest = last.and_then(|at| text.get(at + 1..)).unwrap_or(text);
        let before = if last.is_some() { 1 } else { self.column };
        self.line += lines as u64;
        self.column = before + chars(rest) as u64;
    }
}

/// The window and what stands around it.
#[derive(Debug)]
pub(super) struct Input {
    decoder: Decoder,
    window: String,
    /// What was read of the window.
    pos: usize,
    /// Bytes that were in the window before its first.
    base: u64,
    /// Byte of the file with which the next push begins.
    offset: u64,
    finished: bool,
    /// The window is not worth looking at before it ends here.
    retry: u64,
    /// Up to here lines are counted.
    here: Place,
    /// Where the window begins.
    floor: Place,
    /// To where a checkpoint points, if that lies before the window.
    kept: Place,
}

impl Input {
    pub(super) fn new(encoding: Option<Encoding>, sure: bool, place: Place) -> Self {
        let place = Place { at: 0, ..place };
        Self {
            decoder: Decoder::new(encoding, sure),
            window: String::new(),
            pos: 0,
            base: 0,
            offset: place.raw,
            finished: false,
            retry: 0,
            here: place,
            floor: place,
            kept: place,
        }
    }

    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.finished {
            return;
        }
        self.offset += bytes.len() as u64;
        self.decode(bytes);
    }

    pub(super) fn finish(&mut self) {
        if !self.finished {
            self.finished = true;
            self.decode(&[]);
        }
    }

    fn decode(&mut self, bytes: &[u8]) {
        let bom = self.decoder.bom();
        self.decoder.push(bytes, self.finished, &mut self.window);
        let bom = (self.decoder.bom() - bom) as u64;
        self.here.raw += bom;
        self.floor.raw += bom;
        self.kept.raw += bom;
    }

    pub(super) fn offset(&self) -> u64 {
        self.offset
    }

    pub(super) fn finished(&self) -> bool {
        self.finished
    }

    pub(super) fn capacity(&self) -> usize {
        self.window.capacity()
    }

    pub(super) fn encoding(&self) -> (Option<Encoding>, bool) {
        self.decoder.encoding()
    }

    pub(super) fn broken(&self) -> bool {
        self.decoder.broken()
    }

    pub(super) fn unknown_encoding(&self) -> Option<&str> {
        self.decoder.unknown()
    }

    pub(super) fn take_guessed(&mut self) -> bool {
        self.decoder.take_guessed()
    }

    /// What is not read yet.
    pub(super) fn rest(&self) -> &str {
        self.window.get(self.pos..).unwrap_or_default()
    }

    /// The last bytes of the window, so many.
    pub(super) fn last(&self, left: usize) -> &str {
        let start = self.window.len().checked_sub(left);
        start
            .and_then(|start| self.window.get(start..))
            .unwrap_or_default()
    }

    /// How much is not read yet.
    pub(super) fn left(&self) -> usize {
        self.window.len() - self.pos
    }

    /// Where what was read ends.
    pub(super) fn consumed(&self) -> u64 {
        self.base + self.pos as u64
    }

    /// Where the window ends.
    pub(super) fn end(&self) -> u64 {
        self.base + self.window.len() as u64
    }

    /// Everything but the last `left` bytes was read.
    pub(super) fn consume_but(&mut self, left: usize) {
        self.pos = self.window.len() - left;
    }

    /// Whether it makes sense to look for a token. A long token that comes in small pieces would be
    /// searched for its end with every piece: it waits until there is half as much again.
    pub(super) fn worth_scanning(&self) -> bool {
        self.finished || self.left() < SHORT_TAIL || self.end() >= self.retry
    }

    /// Whether the cut token is a document type, which need not be waited for.
    pub(super) fn opens_dtd(&self) -> bool {
        matches!(self.rest().as_bytes(), [b'<', b'!', b'D' | b'd', ..])
    }

    /// Drops what was read. A checkpoint may still want the place `keep`.
    pub(super) fn compact(&mut self, keep: Option<u64>) {
        let consumed = self.consumed();
        self.kept = self.kept_place(keep.unwrap_or(consumed));
        self.floor = if self.here.at < self.kept.at {
            self.passed(self.kept, consumed)
        } else {
            self.kept_place(consumed)
        };
        self.here = self.floor;
        self.window.drain(..self.pos);
        self.base = consumed;
        self.pos = 0;
        self.retry = self.end() + self.left() as u64 / 2;
    }

    /// The line and column of a byte; bytes must be asked for in their order.
    pub(super) fn place(&mut self, at: u64) -> Place {
        self.here = self.passed(self.here, at);
        self.here
    }

    /// The place of a byte to which a checkpoint points: the one that the last [`compact`](Self::compact)
    /// kept, or one of the window.
    pub(super) fn kept_place(&self, at: u64) -> Place {
        match at {
            _ if at < self.base => self.kept,
            _ if self.here.at <= at => self.passed(self.here, at),
            _ => self.passed(self.floor, at),
        }
    }

    /// `from` moved on to the byte `at`, if that lies behind it and in the window.
    fn passed(&self, mut from: Place, at: u64) -> Place {
        let index = |at: u64| {
            at.checked_sub(self.base)
                .and_then(|at| usize::try_from(at).ok())
        };
        let encoding = self.decoder.encoding().0.unwrap_or(Encoding::Utf8);
        if let (Some(start), Some(end)) = (index(from.at), index(at))
            && let Some(text) = self.window.get(start..end)
        {
            from.pass(text.as_bytes(), encoding);
        }
        from
    }

    /// Bytes that are not of the file's encoding.
    pub(super) fn encoding_error(&self) -> ErrorKind {
        ErrorKind::Encoding(self.decoder.encoding().0.unwrap_or(Encoding::Utf8).name())
    }

    /// What an error of the XML in the token from `at` on means; `after` bytes follow the token.
    pub(super) fn failure(
        &self,
        error: &Error,
        at: u64,
        after: usize,
        in_root: bool,
    ) -> (ErrorKind, u64) {
        match error {
            Error::Syntax(SyntaxError::InvalidBangMarkup) if self.end() - at >= BANG => {
                (ErrorKind::NotXml, at)
            }
            Error::Syntax(_) | Error::IllFormed(_)
                if in_root && after == self.unread(error, at) =>
            {
                (ErrorKind::Truncated, self.end())
            }
            _ => (ErrorKind::NotXml, at),
        }
    }

    /// How many bytes follow a token when it is the end of the file that cuts it.
    fn unread(&self, error: &Error, at: u64) -> usize {
        match error {
            // quick-xml does not move over markup that does not end.
            Error::Syntax(_) => usize::try_from(self.end() - at).unwrap_or(usize::MAX),
            _ => 0,
        }
    }
}
