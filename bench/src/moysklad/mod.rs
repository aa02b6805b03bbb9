//! МойСклад connected: a whole import beside the time that the vendor's limit alone allows, and webhooks.
//! The fake counts what it is asked.

mod import;
mod webhooks;
mod world;

use std::path::Path;

use anyhow::Result;

use crate::figures::Figures;

/// The component that imports.
const COMPONENT: &str = "sync";

/// Measures everything about МойСклад.
pub fn measure(dir: &Path, figures: &mut Figures) -> Result<()> {
    let dir = &dir.join("moysklad");
    std::fs::create_dir_all(dir)?;
    std::fs::copy(dir.join("../spin.toml"), dir.join("spin.toml"))?;
    import::measure(dir, figures)?;
    webhooks::measure(dir, figures)
}

/// Bytes in MiB.
fn mib(bytes: u64) -> f64 {
    bytes as f64 / f64::from(1 << 20)
}
