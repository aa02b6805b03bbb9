//! Pictures of goods, as they are given out without any key.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use crate::generate::draw;

/// Width and height of a generated picture, in pixels.
const SIDE: u32 = 16;

/// A picture that follows from its name: a PNG of one colour.
pub(crate) fn picture(name: &str) -> Vec<u8> {
    let colour = draw(1, name, 0).to_be_bytes();
    let colour: Vec<u8> = colour.into_iter().take(3).collect();
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
        let (one, other) = (picture("1.png"), picture("2.png"));
        assert!(one.starts_with(b"\x89PNG\r\n\x1a\n") && one.ends_with(b"IEND\xae\x42\x60\x82"));
        assert_ne!(one, other);
    }
}
