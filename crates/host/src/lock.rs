//! Waiting for SQLite's locks without holding a thread.
//!
//! SQLite's own busy handler sleeps on the calling thread, and a thread here serves many
//! requests. So connections are opened with a busy timeout of zero, and a statement that finds
//! the database locked is tried again: as soon as a connection of this process lets go of the
//! write lock, and every few milliseconds for the sake of other processes. Those who wait stand in
//! line and only the first tries, so that nobody who comes later is woken before him.

use std::time::Duration;

use rusqlite::{Connection, ErrorCode, TransactionState};
use tokio::sync::{Mutex, Notify};
use tokio::time::Instant;

/// How long a statement waits for a lock before it fails, as in Spin.
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);
/// Pauses between attempts; the last one repeats.
const PAUSES_MS: [u64; 5] = [1, 2, 5, 10, 20];

/// The line of those who wait, and how its first is told whenever a connection of this process
/// gives the write lock back: by [`retry`] at the end of a transaction, by its caller after a write
/// outside of one.
#[derive(Debug, Default)]
pub(crate) struct WriteLock {
    line: Mutex<()>,
    released: Notify,
}

impl WriteLock {
    /// Tells the first in line that the lock may be free.
    pub(crate) fn release(&self) {
        self.released.notify_one();
    }
}

/// Runs `attempt` until it meets no lock or [`BUSY_TIMEOUT`] has passed.
pub(crate) async fn retry<T: Send>(
    connection: &mut Connection,
    lock: &WriteLock,
    mut attempt: impl FnMut(&Connection) -> rusqlite::Result<T> + Send,
) -> rusqlite::Result<T> {
    let mut deadline = None;
    let mut turn = None;
    let mut pauses = PAUSES_MS.iter();
    let mut pause = Duration::ZERO;
    loop {
        let before = state(connection);
        let result = attempt(connection);
        let after = state(connection);
        if before == Some(TransactionState::Write) && after != Some(TransactionState::Write) {
            lock.release();
        }
        let waits = matches!(&result, Err(error) if is_locked(error)) && may_wait(before);
        let deadline = *deadline.get_or_insert_with(|| Instant::now() + BUSY_TIMEOUT);
        if !waits || Instant::now() >= deadline {
            return result;
        }
        if turn.is_none() {
            turn = tokio::time::timeout_at(deadline, lock.line.lock())
                .await
                .ok();
            continue;
        }
        pause = pauses.next().map_or(pause, |ms| Duration::from_millis(*ms));
        // A timeout here is the ordinary case when another process has the lock.
        let _ = tokio::time::timeout(pause, lock.released.notified()).await;
    }
}

fn state(connection: &Connection) -> Option<TransactionState> {
    connection.transaction_state(None::<&str>).ok()
}

fn is_locked(error: &rusqlite::Error) -> bool {
    error.sqlite_error_code() == Some(ErrorCode::DatabaseBusy)
}

/// A transaction that has read cannot wait for the write lock: the writer before it makes its
/// snapshot stale, or waits for it in turn. SQLite answers BUSY at once there, and so do we.
fn may_wait(before: Option<TransactionState>) -> bool {
    before != Some(TransactionState::Read)
}

/// Runs a statement that may wait for the disk, letting other tasks leave this thread first.
pub(crate) fn blocking<T>(work: impl FnOnce() -> T) -> T {
    match tokio::runtime::Handle::current().runtime_flavor() {
        tokio::runtime::RuntimeFlavor::MultiThread => tokio::task::block_in_place(work),
        _ => work(),
    }
}
