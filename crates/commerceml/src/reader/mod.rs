//! The reader: bytes in, items out, resumable between any two of them.
//!
//! Bytes are decoded into a *window* of UTF-8. The XML of the window is read with quick-xml, token by
//! token, into the machine of open elements (`machine`), which knows by a table (`node`) what an
//! element is and where its text goes (`fields`). A token that the end of the window cuts stays in the
//! window until the rest comes; everything before it goes.
//!
//! A checkpoint is the state at the beginning of the good, offer, document, … that is being read, or
//! now if none is: that state is small, it is the names of the open elements and the head of the
//! section. Reading an object again gives the same.

mod fields;
mod input;
mod machine;
mod node;
mod plain;

use quick_xml::Reader as Xml;
use quick_xml::errors::{Error, SyntaxError};
use quick_xml::events::Event;
use serde::{Deserialize, Serialize};

use crate::decode::Encoding;
use crate::error::{ErrorKind, ReadError, Warning};
use crate::limits::Limits;
use crate::model::Item;
use fields::Doubt;
use input::{BANG, Input, Place};
use machine::{Machine, Structure};

/// What [`Reader::next`] came to.
#[derive(Debug, Clone, PartialEq, Eq)]
#[allow(
    clippy::large_enum_variant,
    reason = "an item is taken apart at once, never kept"
)]
pub enum Step {
    /// The next thing of the file.
    Item(Item),
    /// The bytes so far are used up: push more, or tell that there are none.
    More,
    /// The file is read to its end.
    End,
}

/// Where and in which state a reader was put down. It is small, and it is an opaque value but for
/// [`Checkpoint::offset`].
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Checkpoint {
    place: Place,
    encoding: Option<Encoding>,
    sure: bool,
    structure: Structure,
}

impl Checkpoint {
    /// The byte of the file from which the resumed reader wants its bytes.
    pub fn offset(&self) -> u64 {
        self.place.raw
    }
}

/// Reads a CommerceML file that comes in pieces.
#[derive(Debug)]
pub struct Reader {
    input: Input,
    machine: Machine,
    limits: Limits,
    warnings: Vec<Warning>,
    failed: Option<ReadError>,
}

/// Why reading tokens stopped.
enum Scan {
    /// There is something to give.
    Items,
    /// The window has no whole token any more.
    Starved,
}

/// What is wrong, and at which byte of all that ever was in the window.
type Failure = (ErrorKind, u64);

impl Reader {
    /// For a file from its first byte.
    pub fn new(limits: Limits) -> Self {
        Self::with(
            Input::new(None, false, Place::default()),
            Machine::new(limits),
            limits,
        )
    }

    /// Goes on where another reader was put down. It wants the bytes of the same file from
    /// [`Checkpoint::offset`] and gives the rest of the items, none twice.
    pub fn resume(checkpoint: Checkpoint, limits: Limits) -> Self {
        let Checkpoint {
            place,
            encoding,
            sure,
            structure,
        } = checkpoint;
        Self::with(
            Input::new(encoding, sure, place),
            Machine::resume(structure, limits),
            limits,
        )
    }

    fn with(input: Input, machine: Machine, limits: Limits) -> Self {
        Self {
            input,
            machine,
            limits,
            warnings: Vec::new(),
            failed: None,
        }
    }

    /// The byte of the file with which the next [`push`](Self::push) must begin.
    pub fn offset(&self) -> u64 {
        self.input.offset()
    }

    /// More bytes of the file, as many as there are: items are read one by one in any case.
    pub fn push(&mut self, bytes: &[u8]) {
        self.input.push(bytes);
    }

    /// There are no more bytes.
    pub fn finish(&mut self) {
        self.input.finish();
    }

    /// The next item, or what is needed for one.
    ///
    /// # Errors
    /// What is wrong with the file; the same again with every further call.
    #[allow(
        clippy::should_implement_trait,
        reason = "it fails and starves, no iterator does"
    )]
    pub fn next(&mut self) -> Result<Step, ReadError> {
        if let Some(error) = &self.failed {
            return Err(error.clone());
        }
        loop {
            if let Some(item) = self.machine.take_item() {
                self.release_warnings();
                return Ok(Step::Item(item));
            }
            let scan = self.scan();
            self.place_warnings();
            let step = scan.and_then(|scan| match scan {
                Scan::Items => Ok(None),
                Scan::Starved => self.starved().map(Some),
            });
            match step {
                Ok(None) => {}
                Ok(Some(step)) => {
                    self.release_warnings();
                    return Ok(step);
                }
                Err(failure) => return Err(self.fail(failure)),
            }
        }
    }

    /// The state from which another reader can go on. Call it after an item or [`Step::More`], after
    /// [`take_warnings`](Self::take_warnings).
    pub fn checkpoint(&self) -> Checkpoint {
        let (encoding, sure) = self.input.encoding();
        let at = self.machine.object_start().unwrap_or(self.input.consumed());
        Checkpoint {
            place: self.input.kept_place(at),
            encoding,
            sure,
            structure: self.machine.structure(),
        }
    }

    /// The warnings since the last call. Those of an object come when it is complete.
    pub fn take_warnings(&mut self) -> Vec<Warning> {
        std::mem::take(&mut self.warnings)
    }

    /// How many warnings were not kept since there were too many.
    pub fn dropped_warnings(&self) -> u64 {
        self.machine.notes.dropped
    }

    /// The encoding of the file, once enough of it was seen.
    pub fn encoding(&self) -> Option<Encoding> {
        self.input.encoding().0
    }

    /// Bytes of memory that the window takes.
    pub fn window_capacity(&self) -> usize {
        self.input.capacity()
    }

    /// Reads tokens until there are items or no whole token is left.
    ///
    /// Not inlined: within a component's own code, which is compiled for size, it would be too.
    #[inline(never)]
    fn scan(&mut self) -> Result<Scan, Failure> {
        if self.input.take_guessed() {
            self.machine.notes.guessed();
        }
        if !self.input.worth_scanning() {
            return Ok(Scan::Starved);
        }
        let end = self.input.end();
        let mut xml = Xml::from_reader(self.input.rest().as_bytes());
        let config = xml.config_mut();
        config.check_end_names = false;
        config.allow_unmatched_ends = true;
        // After a text quick-xml has looked at what ends it already.
        let mut after_text = false;
        let outcome = loop {
            if !self.machine.collecting() {
                skip_blanks(xml.get_mut());
            }
            let before = xml.get_ref().len();
            let at = end - before as u64;
            self.machine.notes.at = at;
            if !after_text {
                let rest = self.input.last(before);
                match plain::take(&mut self.machine, rest, &self.limits) {
                    Ok(0) => {}
                    Ok(taken) => {
                        let rest = rest.as_bytes().get(taken..).unwrap_or_default();
                        *xml.get_mut() = rest;
                        if self.machine.has_items() {
                            break (rest.len(), Ok(Scan::Items));
                        }
                        continue;
                    }
                    Err(kind) => break (before, Err((kind, at))),
                }
            }
            let event = xml.read_event();
            after_text = matches!(event, Ok(Event::Text(_)));
            let after = xml.get_ref().len();
            if !self.input.finished() && cut(&event, before, after) {
                break (before, Ok(Scan::Starved));
            }
            if before - after > self.limits.text {
                break (before, Err((ErrorKind::Text, at)));
            }
            let taken = match event {
                Ok(Event::Eof) => break (after, Ok(Scan::Starved)),
                Ok(event) => take(&mut self.machine, event).map_err(|kind| (kind, at)),
                Err(error) => {
                    let in_root = self.machine.root_seen() && !self.machine.done();
                    Err(self.input.failure(&error, at, after, in_root))
                }
            };
            match taken {
                Err(failure) => break (before, Err(failure)),
                Ok(()) if self.machine.has_items() => break (after, Ok(Scan::Items)),
                Ok(()) => {}
            }
        };
        let (left, result) = outcome;
        self.input.consume_but(left);
        result
    }

    /// What it means that no whole token is left.
    fn starved(&mut self) -> Result<Step, Failure> {
        let end = self.input.end();
        if let Some(label) = self.input.unknown_encoding() {
            return Err((
                ErrorKind::UnknownEncoding(label.chars().take(40).collect()),
                end,
            ));
        }
        if self.input.broken() {
            let kind = match self.machine.root_seen() {
                true => self.input.encoding_error(),
                false => ErrorKind::NotXml,
            };
            return Err((kind, end));
        }
        if self.input.opens_dtd() {
            return Err((ErrorKind::Dtd, self.input.consumed()));
        }
        if self.input.left() > self.limits.text {
            return Err((ErrorKind::Text, self.input.consumed()));
        }
        if !self.input.finished() {
            let keep = self.machine.object_start();
            self.input.compact(keep);
            return Ok(Step::More);
        }
        match (self.machine.done(), self.machine.root_seen()) {
            (true, _) => Ok(Step::End),
            (false, true) => Err((ErrorKind::Truncated, end)),
            (false, false) => Err((ErrorKind::Empty, end)),
        }
    }

    fn fail(&mut self, (kind, at): Failure) -> ReadError {
        self.machine.notes.settle();
        self.release_warnings();
        let place = self.input.place(at);
        let error = ReadError {
            kind,
            line: place.line,
            column: place.column,
        };
        self.failed = Some(error.clone());
        error
    }

    /// Gives the doubts of the last scan their lines, while their text is still in the window.
    fn place_warnings(&mut self) {
        for doubt in self
            .machine
            .notes
            .doubts
            .iter_mut()
            .filter(|doubt| doubt.place.is_none())
        {
            let place = self.input.place(doubt.at);
            doubt.place = Some((place.line, place.column));
        }
    }

    /// Lets the warnings go that a reader from a checkpoint would not give again.
    fn release_warnings(&mut self) {
        let settled = std::mem::take(&mut self.machine.notes.settled);
        for doubt in self.machine.notes.doubts.drain(..settled) {
            let Doubt {
                place,
                object,
                code,
                text,
                ..
            } = doubt;
            let (line, column) = place.unwrap_or((1, 1));
            if self.warnings.len() < self.limits.warnings {
                self.warnings.push(Warning {
                    line,
                    column,
                    object,
                    code,
                    text,
                });
            } else {
                self.machine.notes.dropped += 1;
            }
        }
    }
}

/// Passes over the white space between elements, which is a third of a file and nothing to anybody: as
/// events it would cost as much as the tags.
fn skip_blanks(rest: &mut &[u8]) {
    const WORD: usize = 8;
    loop {
        let word = rest.first_chunk::<WORD>().copied();
        let word = word.unwrap_or_else(|| {
            let mut word = [0; WORD];
            word.iter_mut()
                .zip(*rest)
                .for_each(|(to, from)| *to = *from);
            word
        });
        let blanks = leading_blanks(word);
        *rest = rest.get(blanks..).unwrap_or_default();
        if blanks < WORD {
            return;
        }
    }
}

/// How many bytes of white space eight bytes begin with; all are compared at once.
fn leading_blanks(bytes: [u8; 8]) -> usize {
    const LOW: u64 = u64::from_ne_bytes([0x7F; 8]);
    let word = u64::from_le_bytes(bytes);
    let others = [b' ', b'\t', b'\n', b'\r'].map(|blank| {
        let bits = word ^ u64::from_ne_bytes([blank; 8]);
        // The highest bit of a byte that is another one; nothing is carried into the next byte.
        ((bits & LOW) + LOW) | bits | LOW
    });
    let others = others.into_iter().fold(u64::MAX, |all, one| all & one) & !LOW;
    others.trailing_zeros() as usize / 8
}

/// Whether the token may go on behind the end of the window. quick-xml does not move over markup whose
/// end it does not see; texts and references end where the window does.
fn cut(event: &Result<Event, Error>, before: usize, after: usize) -> bool {
    match event {
        Ok(Event::Text(_)) => after == 0,
        Ok(_) => false,
        Err(Error::Syntax(SyntaxError::InvalidBangMarkup)) => {
            before == after && (before as u64) < BANG
        }
        Err(Error::Syntax(_)) => before == after,
        Err(Error::IllFormed(_)) => after == 0,
        Err(_) => false,
    }
}

/// Hands an event to the machine.
fn take(machine: &mut Machine, event: Event) -> Result<(), ErrorKind> {
    match event {
        Event::Start(tag) => machine.start(&tag),
        Event::Empty(tag) => {
            machine.start(&tag)?;
            machine.end_top()
        }
        Event::End(tag) => machine.end(tag.name().0),
        Event::Text(text) => machine.text(&text),
        Event::CData(text) => machine.cdata(&text),
        Event::GeneralRef(name) => machine.reference(&name),
        Event::DocType(_) => Err(ErrorKind::Dtd),
        Event::Decl(_) | Event::PI(_) | Event::Comment(_) | Event::Eof => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn white_space_is_passed_over_up_to_the_first_other_byte() {
        for blanks in 0..40 {
            for other in [
                &b""[..],
                b"<",
                b"\x0b ",
                b"\x0c\n",
                b"\x00 ",
                b"\xa0 ",
                "Ж ".as_bytes(),
            ] {
                let mut text: Vec<u8> = b" \t\r\n".iter().copied().cycle().take(blanks).collect();
                text.extend_from_slice(other);
                let mut rest = text.as_slice();
                skip_blanks(&mut rest);
                assert_eq!(rest, other, "{blanks}");
            }
        }
    }
}
