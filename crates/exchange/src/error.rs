//! What can go wrong in an exchange.

use sklad_commerceml::ReadError;
use sklad_store::SqlError;

use crate::names::NameError;
use crate::random::NoRandom;

/// An error of this crate. [`Error::Sql`] and [`Error::Random`] are internal: a client is told that the
/// service does not answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The file's name.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The body broke off: nothing of the chunk was kept.
    #[error("Часть файла получена не полностью, повторите выгрузку")]
    Broken,
    /// One body, or one picture, is too large.
    #[error("Слишком большой файл")]
    TooLarge,
    /// Too much is waiting to be imported.
    #[error("Слишком много загруженных и не обработанных данных, повторите позже")]
    Quota,
    /// Too many files in a session.
    #[error("Слишком много файлов в одном обмене")]
    TooManyFiles,
    /// An archive that is not taken.
    #[error("Архив не принят: {0}")]
    Archive(&'static str),
    /// A file that cannot be read, and where.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What the catalogue refuses.
    #[error(transparent)]
    Catalog(#[from] sklad_catalog::Error),
    /// What the order store refuses.
    #[error(transparent)]
    Orders(#[from] sklad_orders::Error),
    /// The staged bytes are not there any more.
    #[error("Загруженный файл уже удалён, повторите выгрузку")]
    Gone,
    /// Whoever worked on a file was lost at the same place again and again.
    #[error(
        "Обработка файла каждый раз прерывается на одном и том же месте: напишите оператору, \
         он найдёт причину в журнале сервера"
    )]
    Stuck,
    /// The database failed.
    #[error(transparent)]
    Sql(#[from] SqlError),
    /// The host gave no random numbers.
    #[error(transparent)]
    Random(#[from] NoRandom),
}

impl Error {
    /// Whether it is ours: a client may try again, and is not told more.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        matches!(
            self,
            Self::Sql(_)
                | Self::Random(_)
                | Self::Catalog(sklad_catalog::Error::Sql(_))
                | Self::Orders(sklad_orders::Error::Sql(_))
        )
    }
}
