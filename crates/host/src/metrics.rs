//! Counters of a running server.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, PoisonError};

/// Live counters, shared by everything that runs.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub answers: AtomicU64,
    pub socket_writes: AtomicU64,
    pub late_bodies: AtomicU64,
    pub in_flight: AtomicU64,
    pub instances_started: AtomicU64,
    pub instances: AtomicU64,
    pub traps: AtomicU64,
    pub guest_memory: AtomicU64,
    pub guest_memory_peak: AtomicU64,
    pub instance_memory_peak: AtomicU64,
    components: Mutex<BTreeMap<String, Arc<AtomicU64>>>,
}

/// The counters at one moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Metrics {
    /// Answers handed to the socket since the start.
    pub answers: u64,
    /// Writes to client sockets since the start. One an answer is the aim: a client that delays
    /// its acknowledgements stalls 40 ms for every further write.
    pub socket_writes: u64,
    /// Answers whose body was not there when the head was.
    pub late_bodies: u64,
    /// Requests being answered now.
    pub in_flight: u64,
    /// Component instances made since the start.
    pub instances_started: u64,
    /// Component instances alive now.
    pub instances: u64,
    /// Instances that ended by a trap or a panic.
    pub traps: u64,
    /// Linear memory of all live instances, bytes.
    pub guest_memory: u64,
    /// The most it has been, bytes.
    pub guest_memory_peak: u64,
    /// The most that one instance has had, bytes.
    pub instance_memory_peak: u64,
}

impl Counters {
    pub(crate) fn snapshot(&self) -> Metrics {
        Metrics {
            answers: self.answers.load(Relaxed),
            socket_writes: self.socket_writes.load(Relaxed),
            late_bodies: self.late_bodies.load(Relaxed),
            in_flight: self.in_flight.load(Relaxed),
            instances_started: self.instances_started.load(Relaxed),
            instances: self.instances.load(Relaxed),
            traps: self.traps.load(Relaxed),
            guest_memory: self.guest_memory.load(Relaxed),
            guest_memory_peak: self.guest_memory_peak.load(Relaxed),
            instance_memory_peak: self.instance_memory_peak.load(Relaxed),
        }
    }

    /// The counter of a component's most memory in one instance; one for all of its triggers.
    pub(crate) fn of_component(&self, id: &str) -> Arc<AtomicU64> {
        let mut components = self
            .components
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        components.entry(id.to_owned()).or_default().clone()
    }

    /// What those counters say.
    pub(crate) fn memory_peaks(&self) -> BTreeMap<String, u64> {
        let components = self
            .components
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        components
            .iter()
            .map(|(id, peak)| (id.clone(), peak.load(Relaxed)))
            .collect()
    }

    /// Books `bytes` more of guest memory for an instance that has `instance` with them.
    pub(crate) fn grow(&self, bytes: u64, instance: u64) {
        let now = self
            .guest_memory
            .fetch_add(bytes, Relaxed)
            .saturating_add(bytes);
        self.guest_memory_peak.fetch_max(now, Relaxed);
        self.instance_memory_peak.fetch_max(instance, Relaxed);
    }
}
