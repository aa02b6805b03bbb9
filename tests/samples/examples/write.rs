//! Writes a catalogue and its offers: `cargo run --release -p samples --example write -- FOLDER GOODS
//! [VARIANTS] [moysklad|1c]`.

use std::fs::File;
use std::io::{self, BufWriter};
use std::path::PathBuf;
use std::time::Instant;

use samples::{Shape, write_import, write_offers};

fn main() -> io::Result<()> {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| words.get(at).and_then(|word| word.parse().ok());
    let (Some(folder), Some(goods)) = (words.first().map(PathBuf::from), number(1)) else {
        eprintln!("usage: write FOLDER GOODS [VARIANTS] [moysklad|1c]");
        std::process::exit(2);
    };
    let base = match words.get(3).map(String::as_str) {
        Some("1c") => Shape::one_c(goods),
        _ => Shape::moysklad(goods),
    };
    let shape = Shape {
        variants: number(2).unwrap_or_default(),
        ..base
    };
    let started = Instant::now();
    let import = write_import(
        &mut BufWriter::new(File::create(folder.join("import.xml"))?),
        &shape,
    )?;
    let offers = write_offers(
        &mut BufWriter::new(File::create(folder.join("offers.xml"))?),
        &shape,
    )?;
    println!(
        "import.xml {import} bytes, offers.xml {offers} bytes, {} offers, {} ms",
        shape.offers(),
        started.elapsed().as_millis()
    );
    Ok(())
}
