//! What importers said of a good last: by it a batch that says the same again is known without reading
//! and merging its goods.
//!
//! A source says what a good is and what it costs in two files, a [`Side`] each. Of each side a good keeps
//! the digest of what it said last and which columns that may have written. The digest holds until one of
//! these columns is changed by anybody else; as long as it holds, saying it again changes nothing.

use std::hash::{Hash, Hasher};

use twox_hash::XxHash64;

use super::Options;
use super::change::Change;
use super::record::column;

/// Which of its files a source says something in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Side {
    /// What goods are.
    Card,
    /// What they cost and where they lie.
    Offer,
}

/// Hashes everything at once in the end: what a change says comes in many small pieces.
#[derive(Default)]
struct Digest(Vec<u8>);

impl Hasher for Digest {
    fn write(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    fn finish(&self) -> u64 {
        XxHash64::oneshot(0, &self.0)
    }
}

/// What one side said.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Note {
    digest: u64,
    columns: u32,
}

impl Note {
    /// Of one change. Should another version of this hash otherwise, goods are read and merged once more.
    pub fn of(change: &Change, options: &Options<'_>) -> Self {
        let mut hasher = Digest::default();
        change.hash(&mut hasher);
        if change.prices.is_some() || change.stock.is_some() || change.quantity.is_some() {
            options.own.hash(&mut hasher);
            let types = (options.price_type, options.min_price_type);
            (types, options.price_types, options.stores).hash(&mut hasher);
        }
        Self {
            digest: hasher.finish(),
            columns: columns(change),
        }
    }

    /// Of this and then another one.
    pub fn then(self, next: Self) -> Self {
        let mut hasher = Digest::default();
        (self.digest, next.digest).hash(&mut hasher);
        Self {
            digest: hasher.finish(),
            columns: self.columns | next.columns,
        }
    }
}

/// What both sides said, as far as it holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Told {
    card: Option<Note>,
    offer: Option<Note>,
}

impl Told {
    /// As [`Told::text`] wrote it; anything else is nothing.
    pub fn read(text: Option<&str>) -> Self {
        let mut told = Self::default();
        for part in text.unwrap_or_default().split_ascii_whitespace() {
            let number = |at: std::ops::Range<usize>| {
                part.get(at)
                    .and_then(|digits| u64::from_str_radix(digits, 16).ok())
            };
            let (Some(digest), Some(columns)) = (number(1..17), number(17..25)) else {
                continue;
            };
            let columns = u32::try_from(columns).unwrap_or(u32::MAX);
            let side = match part.as_bytes() {
                [b'c', ..] => Side::Card,
                _ => Side::Offer,
            };
            *told.side(side) = Some(Note { digest, columns });
        }
        told
    }

    /// As it is kept.
    pub fn text(self) -> Option<String> {
        let one = |sign, note: Note| format!("{sign}{:016x}{:08x}", note.digest, note.columns);
        let parts = [('c', self.card), ('o', self.offer)];
        let parts = parts
            .into_iter()
            .filter_map(|(sign, note)| Some(one(sign, note?)));
        let text = parts.collect::<Vec<_>>().join(" ");
        (!text.is_empty()).then_some(text)
    }

    fn side(&mut self, side: Side) -> &mut Option<Note> {
        match side {
            Side::Card => &mut self.card,
            Side::Offer => &mut self.offer,
        }
    }

    /// One more change of a batch says something.
    pub fn say(&mut self, side: Side, note: Note) {
        let kept = self.side(side);
        *kept = Some(kept.map_or(note, |first| first.then(note)));
    }

    /// Whether all that a batch says was said already.
    pub fn includes(self, batch: Self) -> bool {
        let same = |said: Option<Note>, kept: Option<Note>| said.is_none() || said == kept;
        same(batch.card, self.card) && same(batch.offer, self.offer)
    }

    /// What holds after a batch that said `batch` and changed these columns. If both sides said something
    /// about one column, nobody knows here who was right: what was said first is forgotten.
    pub fn after(self, batch: Self, changed: u32) -> Self {
        let holds = |note: &Note| note.columns & changed == 0;
        let kept = |kept: Option<Note>| kept.filter(holds);
        let mut now = Self {
            card: batch.card.or(kept(self.card)),
            offer: batch.offer.or(kept(self.offer)),
        };
        if let (Some(card), Some(offer)) = (batch.card, batch.offer)
            && card.columns & offer.columns != 0
        {
            now = Self::default();
        }
        now
    }
}

/// The columns that a change may write.
fn columns(change: &Change) -> u32 {
    let mut columns = 0;
    let mut add = |said: bool, written: u32| columns |= if said { written } else { 0 };
    add(change.kind.is_some(), column::kind);
    add(change.name.is_some(), column::name);
    add(change.article.is_some(), column::article);
    add(change.code.is_some(), column::code);
    add(change.barcodes.is_some(), column::barcodes);
    add(
        change.categories.is_some(),
        column::category | column::categories,
    );
    add(change.unit.is_some(), column::unit);
    add(change.description.is_some(), column::description);
    add(change.price.is_some(), column::price);
    add(change.min_price.is_some(), column::min_price);
    add(
        change.discount_prohibited.is_some(),
        column::discount_prohibited,
    );
    add(change.tobacco.is_some(), column::tobacco);
    add(change.weighed.is_some(), column::weighed);
    add(
        change.archived.is_some() || change.deleted.is_some(),
        column::archived,
    );
    let counted = change.quantity.is_some() || change.stock.is_some() || change.untracked;
    add(counted, column::quantity | column::stock);
    let priced = column::prices | column::price | column::min_price;
    add(change.prices.is_some(), priced);
    add(change.characteristics.is_some(), column::characteristics);
    add(change.properties.is_some(), column::properties);
    add(change.requisites.is_some(), column::requisites);
    add(change.pictures.is_some(), column::pictures);
    add(change.catalogue.is_some(), column::catalogue);
    add(change.extra.is_some(), column::extra);
    // Who a good is decides what else of a change counts.
    columns | column::card | column::external | column::parent | column::ms_id | column::sync_id
}
