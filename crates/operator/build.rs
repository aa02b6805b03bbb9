//! Packs the OpenAPI document: as it is, it would be a sixth of the component that serves it.

use std::path::Path;
use std::{env, fs, io};

/// The best compression there is: it is done once.
const LEVEL: u8 = 10;

fn main() -> io::Result<()> {
    println!("cargo::rerun-if-changed=openapi.json");
    let document = fs::read("openapi.json")?;
    let out = env::var("OUT_DIR").map_err(io::Error::other)?;
    let packed = miniz_oxide::deflate::compress_to_vec(&document, LEVEL);
    fs::write(Path::new(&out).join("openapi.deflate"), packed)
}
