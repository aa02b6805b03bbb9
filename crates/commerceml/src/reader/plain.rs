//! The plain markup of which nearly every file consists: a start tag without attributes, a text without
//! references, the end tag that is expected. It could all be read with quick-xml, which reads the rest; as
//! events it takes twice as long.

use super::machine::{Machine, same};
use crate::error::ErrorKind;
use crate::limits::Limits;

/// The longest plain start tag, in bytes.
const TAG: usize = 128;

/// Takes the plain token that the window's rest begins with; gives its length, 0 if there is none.
#[inline(never)]
pub(super) fn take(machine: &mut Machine, rest: &str, limits: &Limits) -> Result<usize, ErrorKind> {
    match rest.as_bytes() {
        [b'<', b'/', after @ ..] => end(machine, after),
        [b'<', ..] => start(machine, rest),
        _ => text(machine, rest, limits),
    }
}

fn start(machine: &mut Machine, rest: &str) -> Result<usize, ErrorKind> {
    let bytes = rest.as_bytes();
    let head = bytes.get(..TAG).unwrap_or(bytes);
    let Some(close) = memchr::memchr(b'>', head) else {
        return Ok(0);
    };
    let name = rest.get(1..close).filter(|name| is_name(name.as_bytes()));
    match name {
        Some(name) => machine.start_plain(name).map(|()| close + 1),
        None => Ok(0),
    }
}

/// Whether these are the bytes of letters: digits, signs and blanks are left to quick-xml.
fn is_name(bytes: &[u8]) -> bool {
    !bytes.is_empty() && bytes.iter().fold(true, |all, &byte| all & (byte > b'@'))
}

fn end(machine: &mut Machine, after: &[u8]) -> Result<usize, ErrorKind> {
    let expected = machine.expected().unwrap_or_default().as_bytes();
    let length = expected.len();
    let name = after.get(..length).unwrap_or_default();
    if after.get(length) != Some(&b'>') || !same(name, expected) {
        return Ok(0);
    }
    machine.end_top()?;
    Ok(length + 3)
}

fn text(machine: &mut Machine, rest: &str, limits: &Limits) -> Result<usize, ErrorKind> {
    let bytes = rest.as_bytes();
    let end = memchr::memchr2(b'<', b'&', bytes).filter(|&end| bytes.get(end) == Some(&b'<'));
    match end
        .filter(|&end| end <= limits.text)
        .and_then(|end| rest.get(..end))
    {
        Some(text) => machine.text(text).map(|()| text.len()),
        None => Ok(0),
    }
}
