//! What can go wrong with tenants, settings and keys.

use sklad_loyalty::programme::Problem;
use sklad_store::{KvError, SqlError};

/// An error of this crate. The variants that a client caused come first; [`Error::Sql`],
/// [`Error::Kv`], [`Error::Stored`], [`Error::Config`],
/// [`Error::Variable`] and [`Error::Random`] are internal and never shown.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// A document was refused: everything that is wrong in it with its place, as
    /// `programme.tiers.levels.2.id` (empty for the document as a whole). Never empty.
    #[error("{}", describe(.0))]
    Invalid(Vec<Problem>),
    /// There is no such tenant, or no such key.
    #[error("не найдено")]
    NotFound,
    /// The tenant exists already.
    #[error("арендатор с таким именем уже есть")]
    Exists,
    /// The document was changed by somebody else since it was read.
    #[error("настройки тем временем изменились: прочтите их заново")]
    Stale,
    /// Two keys are valid already.
    #[error("действуют уже два ключа: отзовите один, прежде чем выпускать новый")]
    TooManyKeys,
    /// The database failed.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// The key-value store failed.
    #[error(transparent)]
    Kv(#[from] KvError),
    /// A stored document cannot be read by this build.
    #[error("stored document {key}: {message}")]
    Stored {
        /// Its key in the key-value store.
        key: String,
        /// Why.
        message: String,
    },
    /// A secret is shorter than [`crate::SECRET_MIN_CHARS`].
    #[error("the variable {0} is too short: at least 16 characters")]
    Config(&'static str),
    /// A variable cannot be used. The text says what is expected and quotes nothing.
    #[error("the variable {0}: {1}")]
    Variable(&'static str, String),
    /// The host gave no random numbers.
    #[error("no random numbers")]
    Random,
}

impl Error {
    /// A refusal of what stands at `path`.
    pub fn invalid(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid(vec![Problem {
            path: path.into(),
            message: message.into(),
        }])
    }
}

fn describe(problems: &[Problem]) -> String {
    let lines = problems
        .iter()
        .map(|p| format!("{}: {}", p.path, p.message));
    lines.collect::<Vec<_>>().join("; ")
}
