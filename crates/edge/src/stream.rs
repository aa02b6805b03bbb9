//! Bodies that are read as they come, and the clock of long work.

use std::time::{SystemTime, UNIX_EPOCH};

use sklad_store::{Body, BrokenBody, Clock};
use spin_sdk::wasip3::clocks::monotonic_clock;
use spin_sdk::wasip3::http::types::{ErrorCode, Request};
use spin_sdk::wasip3::wit_bindgen::{FutureReader, StreamReader, StreamResult};
use spin_sdk::wasip3::wit_future;

/// How much is asked for at once, in bytes.
const CHUNK: usize = 64 * 1024;
/// How long a pause is, in nanoseconds: long enough for the host to look at the others.
const PAUSE_NS: u64 = 1_000;
/// Nanoseconds of a millisecond.
const NS_PER_MS: u64 = 1_000_000;

type Trailers = FutureReader<Result<Option<spin_sdk::wasip3::http::types::Trailers>, ErrorCode>>;

/// The body of a request.
pub struct SpinBody {
    stream: StreamReader<u8>,
    trailers: Option<Trailers>,
    length: Option<u64>,
    received: u64,
}

impl SpinBody {
    /// The body of `request`, whose length in bytes the client may have told.
    pub(crate) fn new(request: Request, length: Option<u64>) -> Self {
        let (_taken, outcome) = wit_future::new(|| Ok(()));
        let (stream, trailers) = Request::consume_body(request, outcome);
        Self {
            stream,
            trailers: Some(trailers),
            length,
            received: 0,
        }
    }

    /// What only shows at the end: whether the client has sent all that it told.
    async fn ended(&mut self) -> Result<(), BrokenBody> {
        if let Some(trailers) = self.trailers.take() {
            trailers.await.map_err(|_| BrokenBody)?;
        }
        match self.length {
            Some(length) if self.received < length => Err(BrokenBody),
            _ => Ok(()),
        }
    }
}

impl Body for SpinBody {
    fn length(&self) -> Option<u64> {
        self.length
    }

    async fn chunk(&mut self) -> Result<Option<Vec<u8>>, BrokenBody> {
        loop {
            if self.trailers.is_none() {
                return Ok(None);
            }
            let (result, bytes) = self.stream.read(Vec::with_capacity(CHUNK)).await;
            self.received = self
                .received
                .saturating_add(u64::try_from(bytes.len()).unwrap_or(u64::MAX));
            if matches!(result, StreamResult::Dropped | StreamResult::Cancelled) {
                self.ended().await?;
            }
            if !bytes.is_empty() {
                return Ok(Some(bytes));
            }
        }
    }
}

/// The host's clocks.
#[derive(Clone, Copy, Default)]
pub struct SpinClock;

impl Clock for SpinClock {
    fn now_ms(&self) -> i64 {
        let elapsed = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default();
        i64::try_from(elapsed.as_millis()).unwrap_or(i64::MAX)
    }

    async fn pause(&self) {
        monotonic_clock::wait_for(PAUSE_NS).await;
    }

    async fn sleep(&self, ms: u32) {
        monotonic_clock::wait_for(u64::from(ms).saturating_mul(NS_PER_MS)).await;
    }
}
