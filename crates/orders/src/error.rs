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
    /// The key has made another order, whose number this is.
    #[error("с этим Idempotency-Key уже создан другой заказ: {0}")]
    KeyUsed(String),
    /// What is shipped cannot be cancelled.
    #[error("заказ уже отгружен: отменить его нельзя, оформите возврат")]
    Shipped,
    /// The database failed; [`SqlError::Conflict`] when others changed the same orders again and
    /// again.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

impl From<sklad_catalog::Error> for Error {
    fn from(error: sklad_catalog::Error) -> Self {
        match error {
            sklad_catalog::Error::Invalid { path, message } => Self::Invalid { path, message },
            sklad_catalog::Error::Sql(error) => Self::Sql(error),
        }
    }
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
