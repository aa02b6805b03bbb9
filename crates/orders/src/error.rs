//! What can go wrong with orders.

use sklad_store::SqlError;

/// An error of this crate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// An order was refused.
    #[error("{path}: {message}")]
    Invalid {
        /// The place in the batch, as `3.items.0.sum_kopecks`; empty for the batch as a whole.
        path: String,
        /// What is wrong there, in Russian.
        message: String,
    },
    /// The database failed; [`SqlError::Conflict`] when others changed the same orders again and
    /// again.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

impl Error {
    /// A refusal of what stands at `path`.
    pub fn invalid(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid {
            path: path.into(),
            message: message.into(),
        }
    }
}
