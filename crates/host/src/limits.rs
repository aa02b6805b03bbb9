//! The limit of one instance's memory, and the account of what instances use.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use wasmtime::ResourceLimiter;

use crate::metrics::Counters;

/// Limits one instance and books its memory; the booking ends with the instance.
pub(crate) struct MemoryLimit {
    max: Option<usize>,
    used: u64,
    counters: Arc<Counters>,
    peak: Arc<AtomicU64>,
}

impl MemoryLimit {
    /// `peak` is the most that an instance of its component has had.
    pub(crate) fn new(max: Option<usize>, counters: Arc<Counters>, peak: Arc<AtomicU64>) -> Self {
        counters.instances.fetch_add(1, Relaxed);
        counters.instances_started.fetch_add(1, Relaxed);
        Self {
            max,
            used: 0,
            counters,
            peak,
        }
    }
}

impl ResourceLimiter for MemoryLimit {
    fn memory_growing(
        &mut self,
        current: usize,
        desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        if self.max.is_some_and(|max| desired > max) {
            return Ok(false);
        }
        let more = desired.saturating_sub(current) as u64;
        self.used = self.used.saturating_add(more);
        self.counters.grow(more, self.used);
        self.peak.fetch_max(self.used, Relaxed);
        Ok(true)
    }

    fn table_growing(
        &mut self,
        _current: usize,
        _desired: usize,
        _maximum: Option<usize>,
    ) -> wasmtime::Result<bool> {
        Ok(true)
    }
}

impl Drop for MemoryLimit {
    fn drop(&mut self) {
        self.counters.instances.fetch_sub(1, Relaxed);
        self.counters.guest_memory.fetch_sub(self.used, Relaxed);
    }
}
