//! What can go wrong with employees and groups, and why a login is refused.

use sklad_store::SqlError;

use crate::Right;

/// An error of the operations on employees and groups.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// What was sent was refused.
    #[error("{path}: {message}")]
    Invalid {
        /// The place in the document, as `groups.0`.
        path: String,
        /// What is wrong there, in Russian.
        message: String,
    },
    /// There is no such employee, group or member.
    #[error("не найдено")]
    NotFound,
    /// The e-mail belongs to another employee.
    #[error("сотрудник с такой почтой уже есть")]
    EmailTaken,
    /// Another group has the name.
    #[error("группа с таким названием уже есть")]
    NameTaken,
    /// There are [`crate::employees::MAX_EMPLOYEES`] or [`crate::groups::MAX_GROUPS`] already.
    #[error("больше {0} завести нельзя")]
    TooMany(i64),
    /// The host gave no random numbers, or no memory for hashing.
    #[error("password: {0}")]
    Password(&'static str),
    /// The database failed; [`SqlError::Conflict`] when somebody else changed the same meanwhile.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

impl Error {
    /// A refusal of what stands at `path`.
    pub(crate) fn invalid(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Invalid {
            path: path.into(),
            message: message.into(),
        }
    }

    /// A failed write, where a broken uniqueness means `taken`.
    pub(crate) fn write(error: SqlError, taken: Self) -> Self {
        match error {
            SqlError::Constraint(_) => taken,
            other => other.into(),
        }
    }
}

/// Why a login was refused. The text is for the merchant who reads the report of an exchange: it says
/// what to do, and never whether an e-mail is anybody's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// No such employee, or another password.
    #[error("Неверный логин или пароль")]
    Credentials,
    /// The right password of an employee who is blocked.
    #[error("Сотрудник заблокирован: разблокируйте его или укажите другого")]
    Blocked,
    /// The right password of an employee who may do other things.
    #[error("У сотрудника нет права «{}»: добавьте его в группу с этим правом", .0.title())]
    NoRight(Right),
    /// Too many failures with this e-mail or from this address; nothing was checked.
    #[error("Слишком много неудачных попыток входа: повторите через {} мин", minutes(*.retry_after_s))]
    TooMany {
        /// In how many seconds it may be tried again, at least 1.
        retry_after_s: i64,
    },
    /// The database failed.
    #[error("Сервис временно недоступен: повторите через несколько минут")]
    Sql(#[from] SqlError),
}

/// Whole minutes, rounded up.
fn minutes(seconds: i64) -> i64 {
    seconds.saturating_add(59) / 60
}
