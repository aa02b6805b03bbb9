//! The files that are read: a shop as МойСклад writes it, in three sizes, and one of a hundred thousand
//! offers.

use std::fs::{self, File};
use std::io::BufWriter;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use samples::{Shape, write_import, write_offers};
use sha2::{Digest as _, Sha256};

/// Variants of each good: every one is an offer.
const VARIANTS: u32 = 5;
/// Goods of the files by which the length of a good is found.
const PROBED: [u32; 2] = [100, 200];
/// So many of a thousand goods differ in the changed files.
const CHANGED_PERMILLE: u64 = 10;

/// A catalogue and its offers.
#[derive(Clone, Debug)]
pub struct Files {
    /// What the figures call it.
    pub name: &'static str,
    /// `import.xml`.
    pub import: PathBuf,
    /// `offers.xml`.
    pub offers: PathBuf,
    /// Length of both, bytes.
    pub bytes: u64,
    /// Goods of the first.
    pub goods: u64,
    /// Offers of the second; each is a variant with two prices, stock in three stores and two
    /// characteristics.
    pub variants: u64,
}

impl Files {
    /// Both files, in the order in which they are imported, with their names in the exchange.
    pub fn in_order(&self) -> [(&'static str, &Path); 2] {
        [("import.xml", &self.import), ("offers.xml", &self.offers)]
    }

    /// Goods and offers.
    pub fn rows(&self) -> u64 {
        self.goods + self.variants
    }
}

/// A shape whose two files have together about so many million bytes.
pub fn of_megabytes(megabytes: u64) -> Result<Shape> {
    let [less, more] = PROBED;
    let (first, second) = (length(&of_goods(less))?, length(&of_goods(more))?);
    let each = (second - first) / u64::from(more - less);
    let head = first.saturating_sub(each * u64::from(less));
    let goods = (megabytes * 1_000_000).saturating_sub(head) / each;
    Ok(of_goods(u32::try_from(goods)?.max(1)))
}

/// A shape of so many offers.
pub fn of_offers(offers: u32) -> Shape {
    of_goods(offers / VARIANTS)
}

fn of_goods(goods: u32) -> Shape {
    Shape {
        variants: VARIANTS,
        groups: 50,
        ..Shape::moysklad(goods)
    }
}

/// The same shop after one good in a hundred has changed.
pub fn changed(shape: &Shape) -> Shape {
    Shape {
        revision: 1,
        changed_permille: CHANGED_PERMILLE,
        ..shape.clone()
    }
}

fn length(shape: &Shape) -> Result<u64> {
    let mut nowhere = std::io::sink();
    Ok(write_import(&mut nowhere, shape)? + write_offers(&mut nowhere, shape)?)
}

/// The kept files of this shape below `dir`, or new ones.
pub fn prepare(dir: &Path, name: &'static str, shape: &Shape) -> Result<Files> {
    let kept = dir.join(format!("{name}-{}", digest(shape)?));
    if !kept.exists() {
        let new = dir.join("new");
        let _ = fs::remove_dir_all(&new);
        fs::create_dir_all(&new)?;
        write_import(&mut create(&new.join("import.xml"))?, shape)?;
        write_offers(&mut create(&new.join("offers.xml"))?, shape)?;
        fs::rename(&new, &kept)?;
    }
    let (import, offers) = (kept.join("import.xml"), kept.join("offers.xml"));
    let bytes = fs::metadata(&import)?.len() + fs::metadata(&offers)?.len();
    Ok(Files {
        name,
        import,
        offers,
        bytes,
        goods: shape.goods.into(),
        variants: shape.offers(),
    })
}

fn create(path: &Path) -> Result<BufWriter<File>> {
    let file = File::create(path).with_context(|| path.display().to_string())?;
    Ok(BufWriter::with_capacity(1 << 20, file))
}

/// Changes with the shape, and with what is made of one like it.
fn digest(shape: &Shape) -> Result<String> {
    let mut hash = Sha256::new();
    hash.update(format!("{shape:?}"));
    let small = Shape {
        goods: shape.goods.min(10),
        ..shape.clone()
    };
    let mut text = Vec::new();
    write_import(&mut text, &small)?;
    write_offers(&mut text, &small)?;
    hash.update(text);
    Ok(hex::encode(hash.finalize()).chars().take(12).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_has_the_wanted_length() {
        let length = length(&of_megabytes(1).unwrap()).unwrap();
        assert!((980_000..1_020_000).contains(&length), "{length}");
    }
}
