//! Puts the migrations into the crate without their comments and indents: every component carries them,
//! and every connection reads the schema.

use std::env;
use std::error::Error;
use std::fmt::Write as _;
use std::fs;
use std::path::Path;

/// The line between two statements of a file: a semicolon is no separator, since triggers contain some.
const STEP: &str = "-- step";

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo::rerun-if-changed=migrations");
    let files: Result<Vec<_>, _> = fs::read_dir("migrations")?.collect();
    let mut files: Vec<_> = files?.iter().map(fs::DirEntry::path).collect();
    files.sort();
    let mut code = String::from("[\n");
    for file in files {
        let text = fs::read_to_string(&file)?;
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        let steps: Vec<String> = lines
            .split(|line| *line == STEP)
            .map(bare)
            .filter(|step| !step.is_empty())
            .collect();
        writeln!(code, "    &{steps:?},")?;
    }
    code.push_str("]\n");
    let file = Path::new(&env::var("OUT_DIR")?).join("migrations.rs");
    Ok(fs::write(file, code)?)
}

/// A statement without indents and comments of whole lines. What a line contains stays as it is written.
fn bare(lines: &[&str]) -> String {
    let code = lines
        .iter()
        .filter(|line| !line.is_empty() && !line.starts_with("--"));
    code.copied().collect::<Vec<_>>().join("\n")
}
