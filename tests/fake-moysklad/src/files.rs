//! Pictures: a file is addressed by the API, and given out by another server for a minute (JSON API §3.9).

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;
use uuid::Uuid;

/// What descriptions of pictures say of their size, in bytes: no client may believe it.
pub(crate) const SIZE_SHOWN: u32 = 123_456;
/// Width and height of a generated picture, in pixels.
const SIDE: u32 = 16;

/// A picture that follows from its id: a PNG of one colour.
pub(crate) fn picture(id: Uuid) -> Vec<u8> {
    let colour = id.as_bytes().iter().take(3).copied().collect::<Vec<u8>>();
    let line = std::iter::once(0u8).chain(colour.iter().copied().cycle().take(3 * SIDE as usize));
    let line: Vec<u8> = line.collect();
    let mut packed = ZlibEncoder::new(Vec::new(), Compression::fast());
    for _ in 0..SIDE {
        // Writing into memory cannot fail.
        let _ = packed.write_all(&line);
    }
    let data = packed.finish().unwrap_or_default();
    let mut header = Vec::new();
    header.extend(SIDE.to_be_bytes());
    header.extend(SIDE.to_be_bytes());
    header.extend([8, 2, 0, 0, 0]);
    let mut file = b"\x89PNG\r\n\x1a\n".to_vec();
    for (name, body) in [(b"IHDR", &header), (b"IDAT", &data), (b"IEND", &Vec::new())] {
        chunk(&mut file, name, body);
    }
    file
}

fn chunk(file: &mut Vec<u8>, name: &[u8; 4], body: &[u8]) {
    let mut sum = flate2::Crc::new();
    sum.update(name);
    sum.update(body);
    file.extend(u32::try_from(body.len()).unwrap_or(0).to_be_bytes());
    file.extend(name);
    file.extend(body);
    file.extend(sum.sum().to_be_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_is_a_png_and_differs_from_others() {
        let (one, other) = (
            picture(Uuid::from_u128(1 << 120)),
            picture(Uuid::from_u128(2 << 120)),
        );
        assert!(one.starts_with(b"\x89PNG\r\n\x1a\n") && one.ends_with(b"IEND\xae\x42\x60\x82"));
        assert_ne!(one, other);
    }
}
