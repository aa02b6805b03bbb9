//! A small map with an age and a size limit.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::Hash;

/// Values that are good for `ttl_ms` after they were put, at most `limit` of them.
///
/// Single-threaded by design: a component's instance is. No borrow is held across an `await`.
pub struct Cache<K, V> {
    entries: RefCell<HashMap<K, (i64, V)>>,
    limit: usize,
    ttl_ms: i64,
}

impl<K: Eq + Hash, V: Clone> Cache<K, V> {
    /// An empty cache.
    pub fn new(limit: usize, ttl_ms: i64) -> Self {
        Self {
            entries: RefCell::new(HashMap::new()),
            limit,
            ttl_ms,
        }
    }

    /// The value of `key`, when it is fresh. A clock that was set back makes everything stale,
    /// never everlasting.
    pub fn get(&self, key: &K, now_ms: i64) -> Option<V> {
        let entries = self.entries.borrow();
        let (put_at, value) = entries.get(key)?;
        self.fresh(*put_at, now_ms).then(|| value.clone())
    }

    /// Keeps `value`. A full cache drops what is stale, and everything when nothing is.
    pub fn put(&self, key: K, value: V, now_ms: i64) {
        let mut entries = self.entries.borrow_mut();
        if entries.len() >= self.limit && !entries.contains_key(&key) {
            entries.retain(|_, (put_at, _)| self.fresh(*put_at, now_ms));
            if entries.len() >= self.limit {
                entries.clear();
            }
        }
        entries.insert(key, (now_ms, value));
    }

    /// Forgets everything.
    pub fn clear(&self) {
        self.entries.borrow_mut().clear();
    }

    fn fresh(&self, put_at: i64, now_ms: i64) -> bool {
        (0..self.ttl_ms).contains(&now_ms.saturating_sub(put_at))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_lives_for_its_time_and_not_longer() {
        let cache = Cache::new(4, 10);
        cache.put("a", 1, 100);
        assert_eq!(cache.get(&"a", 109), Some(1));
        assert_eq!(cache.get(&"a", 110), None);
        assert_eq!(cache.get(&"a", 99), None);
        assert_eq!(cache.get(&"b", 100), None);
    }

    #[test]
    fn a_full_cache_never_grows() {
        let cache = Cache::new(4, 10);
        for i in 0..100 {
            cache.put(i, i, i64::from(i));
            assert!(cache.entries.borrow().len() <= 4);
            assert_eq!(cache.get(&i, i64::from(i)), Some(i));
        }
        cache.clear();
        assert_eq!(cache.get(&99, 99), None);
    }
}
