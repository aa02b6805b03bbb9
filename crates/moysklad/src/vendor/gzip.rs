//! Answers of the Vendor API, which may come gzipped since they must be asked for so (RFC 1952).

use miniz_oxide::inflate::decompress_to_vec_with_limit;

/// Bytes before the optional fields, and behind the data.
const HEAD: usize = 10;
const TAIL: usize = 8;

/// Unpacks a gzip member of at most `limit` bytes; `None` for what is none. The length that stands behind
/// the data is checked; the checksum is TLS's business.
pub fn unpack(bytes: &[u8], limit: usize) -> Option<Vec<u8>> {
    let (head, rest) = bytes.split_at_checked(HEAD)?;
    let [0x1f, 0x8b, 8, flags, ..] = *head else {
        return None;
    };
    let rest = optional(flags, rest)?;
    let (data, tail) = rest.split_at_checked(rest.len().checked_sub(TAIL)?)?;
    let unpacked = decompress_to_vec_with_limit(data, limit).ok()?;
    let length: [u8; 4] = tail.get(4..)?.try_into().ok()?;
    let right = u32::try_from(unpacked.len()) == Ok(u32::from_le_bytes(length));
    right.then_some(unpacked)
}

/// What comes after the optional fields that the flags announce.
fn optional(flags: u8, rest: &[u8]) -> Option<&[u8]> {
    let mut rest = rest;
    if flags & 4 != 0 {
        let (length, more) = rest.split_at_checked(2)?;
        let length = u16::from_le_bytes(length.try_into().ok()?);
        rest = more.get(usize::from(length)..)?;
    }
    for text in [8, 16] {
        if flags & text != 0 {
            let end = rest.iter().position(|b| *b == 0)?;
            rest = rest.get(end.checked_add(1)?..)?;
        }
    }
    if flags & 2 != 0 {
        rest = rest.get(2..)?;
    }
    Some(rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Made with Python's gzip module, of «{"a":1}» and the name «x».
    const MADE: &str = "1f8b08080000000002ff7800ab564a54b232ac0500afac1b5607000000";

    #[test]
    fn what_another_program_packed_is_unpacked() {
        let made = hex::decode(MADE).unwrap();
        assert_eq!(unpack(&made, 100).as_deref(), Some(&br#"{"a":1}"#[..]));
        assert_eq!(unpack(&made, 6), None, "more than the limit");
        for end in 0..made.len() {
            assert_eq!(unpack(&made[..end], 100), None, "cut at {end}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_panic(bytes in proptest::collection::vec(any::<u8>(), 0..60), flags: u8) {
            let _ = unpack(&bytes, 1000);
            let head = [&[0x1f, 0x8b, 8, flags, 0, 0, 0, 0, 0, 0][..], &bytes].concat();
            let _ = unpack(&head, 1000);
        }
    }
}
