//! What can go wrong with companies and connections.

use sklad_store::SqlError;
use sklad_tenant::SealError;

/// An error of this crate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// What was sent was refused.
    #[error("{path}: {message}")]
    Invalid {
        /// The place in the document.
        path: &'static str,
        /// What is wrong there, in Russian.
        message: String,
    },
    /// There is no such company or connection.
    #[error("не найдено")]
    NotFound,
    /// Another company has the name.
    #[error("компания с таким названием уже есть")]
    NameTaken,
    /// There are as many as there may be.
    #[error("больше {0} завести нельзя")]
    TooMany(i64),
    /// The company has connections.
    #[error("у компании есть подключения: сначала удалите их")]
    NotEmpty,
    /// Orders name the company.
    #[error("у компании есть заказы: её можно только переименовать")]
    HasOrders,
    /// The tenant's first company stays.
    #[error("первую компанию удалить нельзя: её можно переименовать")]
    First,
    /// The host gave no random numbers.
    #[error("no random numbers")]
    Random,
    /// Secrets cannot be sealed or opened.
    #[error(transparent)]
    Seal(#[from] SealError),
    /// The database failed; [`SqlError::Conflict`] when somebody else changed the same meanwhile.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

impl Error {
    pub(crate) fn invalid(path: &'static str, message: impl Into<String>) -> Self {
        Self::Invalid {
            path,
            message: message.into(),
        }
    }
}
