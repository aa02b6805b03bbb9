//! The limit on requests (§2): so many in a window that begins with the first request of a series, by shop
//! and key. Pure: the time comes in as an argument.

use std::collections::{BTreeMap, HashMap};

use serde::{Deserialize, Serialize};

/// What may be asked of a shop with one key, with the vendor's values as defaults.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Limit {
    /// Requests in a window.
    pub requests: u32,
    /// How long a window is, in milliseconds.
    pub window_ms: i64,
    /// What a request over the limit is answered: 503 as it is documented, or 429 as newer clients see it.
    pub status: u16,
}

impl Default for Limit {
    fn default() -> Self {
        Self {
            requests: 500,
            window_ms: 300_000,
            status: 503,
        }
    }
}

/// What the limit of a shop has seen.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Requests that it let through.
    pub granted: u64,
    /// Requests that it refused.
    pub refused: u64,
    /// Windows that were begun.
    pub windows: u64,
    /// Windows in which it was exceeded.
    pub exceeded: u64,
    /// The most requests that one window saw, refused ones included.
    pub most: u32,
}

/// A request's place in its window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Used {
    /// Requests of the window so far, this one included.
    pub(crate) used: u32,
    pub(crate) of: u32,
    /// Set for a request over the limit: its status, and the whole seconds until the window ends.
    pub(crate) refused: Option<(u16, i64)>,
}

#[derive(Debug, Clone, Copy)]
struct Window {
    began_ms: i64,
    used: u32,
}

#[derive(Debug, Default)]
pub(crate) struct Limiter {
    limits: HashMap<String, Limit>,
    /// By shop and key.
    windows: HashMap<(String, String), Window>,
    counts: BTreeMap<String, Count>,
}

impl Limiter {
    pub(crate) fn set(&mut self, shop: &str, limit: Limit) {
        self.limits.insert(shop.to_owned(), limit);
    }

    pub(crate) fn get(&self, shop: &str) -> Limit {
        self.limits.get(shop).copied().unwrap_or_default()
    }

    /// Counts a request. Those that are refused count as well and do not lengthen the window.
    pub(crate) fn enter(&mut self, shop: &str, key: &str, now_ms: i64) -> Used {
        let limit = self.get(shop);
        let count = self.counts.entry(shop.to_owned()).or_default();
        let place = (shop.to_owned(), key.to_owned());
        let fresh = Window {
            began_ms: now_ms,
            used: 0,
        };
        let window = self.windows.entry(place).or_insert(fresh);
        if window.used == 0 || now_ms >= window.began_ms + limit.window_ms {
            *window = fresh;
            count.windows += 1;
        }
        window.used += 1;
        count.most = count.most.max(window.used);
        let over = window.used > limit.requests;
        if over {
            count.refused += 1;
            count.exceeded += u64::from(window.used == limit.requests + 1);
        } else {
            count.granted += 1;
        }
        let left_ms = window.began_ms + limit.window_ms - now_ms;
        Used {
            used: window.used,
            of: limit.requests,
            refused: over.then_some((limit.status, (left_ms + 999).div_euclid(1000))),
        }
    }

    /// Lets somebody else with the same key have asked `requests` times.
    pub(crate) fn spend(&mut self, shop: &str, key: &str, requests: u32, now_ms: i64) {
        let before = self.counts.get(shop).copied();
        for _ in 0..requests {
            self.enter(shop, key, now_ms);
        }
        if let Some(count) = self.counts.get_mut(shop) {
            *count = before.unwrap_or_default();
        }
    }

    pub(crate) fn count(&self, shop: &str) -> Count {
        self.counts.get(shop).copied().unwrap_or_default()
    }

    /// Begins to count anew; windows go on.
    pub(crate) fn reset(&mut self, shop: &str) {
        self.counts.remove(shop);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn limiter(requests: u32) -> Limiter {
        let mut limiter = Limiter::default();
        let limit = Limit {
            requests,
            ..Limit::default()
        };
        limiter.set("a", limit);
        limiter
    }

    #[test]
    fn a_window_begins_with_the_first_request_and_ends_after_five_minutes() {
        let mut limiter = limiter(2);
        assert_eq!(limiter.enter("a", "k", 1000).refused, None);
        assert_eq!(limiter.enter("a", "k", 200_000).refused, None);
        assert_eq!(limiter.enter("a", "k", 200_001).refused, Some((503, 101)));
        let last = limiter.enter("a", "k", 300_999);
        assert_eq!((last.used, last.refused), (4, Some((503, 1))));
        let next = limiter.enter("a", "k", 301_000);
        assert_eq!((next.used, next.refused), (1, None));
        let count = limiter.count("a");
        assert_eq!((count.granted, count.refused, count.windows), (3, 2, 2));
        assert_eq!((count.exceeded, count.most), (1, 4));
    }

    #[test]
    fn shops_and_keys_are_counted_apart() {
        let mut limiter = limiter(1);
        limiter.enter("a", "k", 0);
        assert_eq!(limiter.enter("a", "other", 0).refused, None);
        assert_eq!(limiter.enter("b", "k", 0).used, 1);
        limiter.spend("a", "third", 1, 0);
        assert!(limiter.enter("a", "third", 0).refused.is_some());
        assert_eq!(limiter.count("a").granted, 2);
    }
}
