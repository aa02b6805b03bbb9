//! What our reader is measured beside: the npm package `commerceml-parser`, in a process of its own.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};
use serde::Deserialize;

use super::files::Files;

/// What belongs to the peer.
const SOURCES: [&str; 3] = ["package.json", "package-lock.json", "parse.mjs"];
/// How to get what it needs.
const MISSING: &str = "node or npm is missing, so nothing is compared with commerceml-parser: \
                       apt-get install nodejs npm (Debian), or https://nodejs.org";

/// The installed peer.
pub struct Peer {
    dir: PathBuf,
}

/// What it tells of one run.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct Told {
    /// Goods of the catalogue.
    pub goods: u64,
    /// Offers.
    pub offers: u64,
    /// Length of both files.
    pub bytes: u64,
    /// How long it took, without the start of Node.
    pub micros: u64,
    /// The most memory that the process has had.
    pub peak_kib: u64,
}

impl Told {
    /// Millions of bytes a second.
    pub fn megabytes_per_second(&self) -> f64 {
        self.bytes as f64 / self.micros as f64
    }
}

impl Peer {
    /// Installs it below `dir` at its first use. `None`, and a word of it, where that is not possible.
    pub fn install(root: &Path, dir: &Path) -> Result<Option<Self>> {
        let there = |program| Command::new(program).arg("--version").output().is_ok();
        if !there("node") || !there("npm") {
            eprintln!("bench: {MISSING}");
            return Ok(None);
        }
        let sources = root.join("bench/peer");
        let same = |name| {
            let read = |dir: &Path| fs::read(dir.join(name)).ok();
            read(&sources) == read(dir)
        };
        let installed = dir.join("node_modules/.package-lock.json").exists();
        if !installed || !SOURCES.into_iter().all(same) {
            fs::create_dir_all(dir)?;
            for name in SOURCES {
                fs::copy(sources.join(name), dir.join(name)).context(name)?;
            }
            if !fetched(dir)? {
                eprintln!("bench: npm ci failed, so nothing is compared with commerceml-parser");
                return Ok(None);
            }
        }
        let dir = dir.to_owned();
        Ok(Some(Self { dir }))
    }

    /// Reads both files once.
    pub fn parse(&self, files: &Files) -> Result<Told> {
        let output = Command::new("node")
            .arg(self.dir.join("parse.mjs"))
            .args([&files.import, &files.offers])
            .output()
            .context("node")?;
        let text = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        ensure!(output.status.success(), "commerceml-parser: {errors}");
        let told: Told = serde_json::from_str(&text).context("commerceml-parser")?;
        let counted = (told.goods, told.offers);
        ensure!(
            counted == (files.goods, files.variants),
            "commerceml-parser: {told:?}"
        );
        Ok(told)
    }
}

fn fetched(dir: &Path) -> Result<bool> {
    eprintln!("bench: installing commerceml-parser");
    let status = Command::new("npm")
        .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
        .current_dir(dir)
        .stdout(std::io::stderr())
        .status()
        .context("npm")?;
    Ok(status.success())
}
