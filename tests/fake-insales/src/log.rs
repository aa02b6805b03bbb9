//! What was asked, so that a test can look.

use std::collections::{BTreeMap, VecDeque};

use serde::Serialize;

/// How many requests are remembered.
const KEPT: usize = 200_000;

/// A request to a shop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// When, in milliseconds of the machine's clock.
    pub at_ms: i64,
    /// The shop's domain as it was asked for.
    pub shop: String,
    /// The method.
    pub method: String,
    /// The path below the shop: `/admin/products.json`.
    pub path: String,
    /// The query as it was sent.
    pub query: String,
    /// The identifier of the key, where one opened the shop.
    pub key: Option<String>,
    /// What was answered; 0 where nothing was.
    pub status: u16,
    /// Requests of the window so far, this one included; 0 where it was not counted.
    pub used: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Log {
    seen: VecDeque<Seen>,
}

impl Log {
    pub(crate) fn add(&mut self, seen: Seen) {
        if self.seen.len() >= KEPT {
            self.seen.pop_front();
        }
        self.seen.push_back(seen);
    }

    /// Those to one shop.
    pub(crate) fn of<'a>(&'a self, shop: &'a str) -> impl Iterator<Item = &'a Seen> {
        self.seen.iter().filter(move |seen| seen.shop == shop)
    }

    /// How many there were of each method and path, ids replaced by `{id}`.
    pub(crate) fn by_path(&self, shop: &str) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for seen in self.of(shop) {
            let parts = seen.path.split('/').map(|part| {
                let name = part.strip_suffix(".json").unwrap_or(part);
                let id = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
                if id {
                    part.replace(name, "{id}")
                } else {
                    part.to_owned()
                }
            });
            let path = parts.collect::<Vec<_>>().join("/");
            *counts.entry(format!("{} {path}", seen.method)).or_default() += 1;
        }
        counts
    }

    pub(crate) fn forget(&mut self, shop: &str) {
        self.seen.retain(|seen| seen.shop != shop);
    }
}
