//! What was asked, so that a test can look.

use std::collections::{BTreeMap, VecDeque};

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// How many requests are remembered.
const KEPT: usize = 200_000;

/// One of the servers that the fake plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Server {
    /// `api.moysklad.ru`.
    Api,
    /// `apps-api.moysklad.ru`.
    Apps,
    /// The one that gives out files.
    Files,
}

/// A request that came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Seen {
    /// When, in milliseconds of the machine's clock.
    pub at_ms: i64,
    /// Where.
    pub server: Server,
    /// Its method.
    pub method: String,
    /// Its path.
    pub path: String,
    /// Its query as it was sent.
    pub query: String,
    /// Whose account was asked, where that was clear.
    pub account: Option<Uuid>,
    /// Who asked, where that was clear.
    pub who: Option<String>,
    /// What was answered; 0 where nothing was.
    pub status: u16,
    /// Units that it cost.
    pub units: u32,
    /// Requests of the same one at once, this one included.
    pub parallel: u32,
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

    /// Those of one account.
    pub(crate) fn of(&self, account: Uuid) -> impl Iterator<Item = &Seen> {
        self.seen
            .iter()
            .filter(move |seen| seen.account == Some(account))
    }

    pub(crate) fn all(&self) -> impl Iterator<Item = &Seen> {
        self.seen.iter()
    }

    pub(crate) fn by_path(&self, account: Uuid) -> BTreeMap<String, usize> {
        let mut counts = BTreeMap::new();
        for seen in self.of(account) {
            let parts = seen.path.split('/');
            let parts = parts.map(|part| Uuid::parse_str(part).map_or(part, |_| "{id}"));
            let path = parts.collect::<Vec<_>>().join("/");
            *counts.entry(format!("{} {path}", seen.method)).or_default() += 1;
        }
        counts
    }

    pub(crate) fn forget(&mut self, account: Uuid) {
        self.seen.retain(|seen| seen.account != Some(account));
    }
}
