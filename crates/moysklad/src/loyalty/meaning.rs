//! What a document says, by which a repetition is told from another document with the same id.
//!
//! A hash of what was understood, not of the bytes: blanks, the order of members, `10` or `10.0`,
//! and by which of its ids the document is called make no other document of it. What does not come
//! from the call – a moment that is our clock's – is left out.

use sha2::{Digest, Sha256};
use sklad_loyalty::customers::Identity;
use sklad_loyalty::ledger::{Return, Sale, SoldPosition};

/// The digest of a sale that was made at `moment`, if the call said when.
pub fn of_sale(sale: &Sale, moment: Option<i64>) -> String {
    let mut said = Said::new([&sale.number, &sale.store], moment);
    said.who(&sale.identity);
    said.positions(&sale.positions);
    said.number(sale.spend);
    said.number(sale.earn);
    said.count(sale.gifts.len());
    for gift in &sale.gifts {
        said.text(&gift.id);
        said.text(&gift.number);
        said.number(Some(gift.kopecks));
    }
    said.digest()
}

/// The digest of a return that was made at `moment`, if the call said when.
pub fn of_return(back: &Return, moment: Option<i64>) -> String {
    let mut said = Said::new([&back.number, &back.store], moment);
    said.who(&back.identity);
    said.positions(&back.positions);
    said.texts(back.demand.iter().map(String::as_str));
    said.digest()
}

/// The hash as it grows. Every part is told with its length, so that no two sequences are one.
struct Said(Sha256);

impl Said {
    fn new(texts: [&str; 2], moment: Option<i64>) -> Self {
        let mut said = Self(Sha256::new());
        said.texts(texts);
        said.number(moment);
        said
    }

    fn count(&mut self, count: usize) {
        self.0
            .update(u64::try_from(count).unwrap_or_default().to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.update(text);
    }

    fn texts<'a>(&mut self, texts: impl IntoIterator<Item = &'a str>) {
        for text in texts {
            self.0.update([1]);
            self.text(text);
        }
        self.0.update([0]);
    }

    fn number(&mut self, number: Option<i64>) {
        self.0.update([u8::from(number.is_some())]);
        self.0.update(number.unwrap_or_default().to_le_bytes());
    }

    fn who(&mut self, who: &Identity) {
        self.texts(
            who.keys()
                .into_iter()
                .flat_map(|(kind, value)| [kind, value]),
        );
    }

    fn positions(&mut self, positions: &[SoldPosition]) {
        self.count(positions.len());
        for position in positions {
            self.text(&position.good);
            self.texts(position.others.iter().map(String::as_str));
            self.number(Some(position.quantity.0));
            self.number(Some(position.price.0));
            self.number(Some(position.discounted_price.0));
        }
    }

    fn digest(self) -> String {
        hex::encode(self.0.finalize())
    }
}
