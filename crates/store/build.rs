//! Puts the migrations into the crate without their comments and indents: every component carries them,
//! and every connection reads the schema.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// Separates the statements of a file: a semicolon is no separator, since triggers contain some.
const STEP: &str = "-- step";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=migrations");
    let files: Result<Vec<_>, _> = fs::read_dir("migrations")?.collect();
    let mut files: Vec<_> = files?.iter().map(fs::DirEntry::path).collect();
    files.sort();
    let mut code = String::from("[\n");
    for file in files {
        let text = fs::read_to_string(&file)?;
        let steps: Vec<String> = text
            .split(STEP)
            .map(bare)
            .filter(|s| !s.is_empty())
            .collect();
        writeln!(code, "    &{steps:?},")?;
    }
    code.push_str("]\n");
    let file = Path::new(&env::var("OUT_DIR")?).join("migrations.rs");
    Ok(fs::write(file, code)?)
}

/// A statement on one line, without comments of whole lines.
fn bare(statement: &str) -> String {
    let lines = statement.lines().map(str::trim);
    let code = lines.filter(|line| !line.is_empty() && !line.starts_with("--"));
    let words = code.flat_map(str::split_whitespace);
    words.collect::<Vec<_>>().join(" ")
}
