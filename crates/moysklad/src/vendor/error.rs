//! What can go wrong.

use sklad_store::SqlError;
use sklad_tenant::SealError;

/// An error of this module. The first ones are for the merchant, in Russian; the rest is internal.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// What was sent cannot be used.
    #[error("{message}")]
    Invalid {
        /// The field.
        path: String,
        /// What is wrong with it.
        message: String,
    },
    /// The session is unknown or over, or the solution is not on this account any more.
    #[error("Сеанс истёк: закройте решение в МоёмСкладе и откройте снова")]
    Session,
    /// МойСклад does not know the key or token with which the solution was opened.
    #[error("МойСклад не подтвердил, кто открыл решение: откройте его снова")]
    Context,
    /// A user who is no administrator of the account.
    #[error("Подключить кабинет может только администратор аккаунта МойСклад")]
    NotAdmin,
    /// The account is not connected to a solution of ours.
    #[error("Решение не установлено на этом аккаунте МойСклад: установите его заново")]
    NotInstalled,
    /// The e-mail, the password or the cabinet is wrong, the right is missing, or there were too many
    /// attempts.
    #[error("{0}")]
    Login(#[from] sklad_access::Refused),
    /// The account belongs to another cabinet.
    #[error("Этот аккаунт МойСклад уже подключён к кабинету «{0}»")]
    Bound(String),
    /// The cabinet belongs to another account.
    #[error("Этот кабинет уже подключён к другому аккаунту МойСклад")]
    Taken,
    /// МойСклад has refused, in its words or ours.
    #[error("{0}")]
    Refused(String),
    /// МойСклад did not answer, or somebody else is at it; it is tried again by itself.
    #[error("МойСклад пока не ответил: настройка завершится сама, проверьте через несколько минут")]
    Later,
    /// The deployment lacks a setting.
    #[error("Сервис настроен не полностью: обратитесь в поддержку")]
    Setting(&'static str),
    /// The host gave no random numbers.
    #[error("Сервис временно недоступен: повторите через несколько минут")]
    Random,
    /// A secret cannot be sealed or opened.
    #[error("Сервис временно недоступен: повторите через несколько минут")]
    Seal(#[from] SealError),
    /// The database failed; [`SqlError::Conflict`] when somebody else was faster.
    #[error("Сервис временно недоступен: повторите через несколько минут")]
    Sql(#[from] SqlError),
    /// Settings or keys could not be read or written.
    #[error("Сервис временно недоступен: повторите через несколько минут")]
    Tenant(sklad_tenant::Error),
}

impl Error {
    pub(super) fn invalid(path: &str, message: impl Into<String>) -> Self {
        Self::Invalid {
            path: path.to_owned(),
            message: message.into(),
        }
    }

    /// What goes to the component's log, for those that the merchant cannot mend. No secret is in it.
    #[must_use]
    pub fn internal(&self) -> Option<String> {
        match self {
            Self::Setting(name) => Some(format!("the variable {name} is not set")),
            Self::Random => Some("no random numbers".to_owned()),
            Self::Seal(e) => Some(e.to_string()),
            Self::Sql(e) => Some(e.to_string()),
            Self::Tenant(e) => Some(e.to_string()),
            Self::Login(sklad_access::Refused::Sql(e)) => Some(e.to_string()),
            _ => None,
        }
    }
}

impl From<sklad_tenant::Error> for Error {
    fn from(error: sklad_tenant::Error) -> Self {
        match error {
            sklad_tenant::Error::Sql(error) => Self::Sql(error),
            sklad_tenant::Error::Invalid(problems) => match problems.into_iter().next() {
                Some(problem) => Self::Invalid {
                    path: problem.path,
                    message: problem.message,
                },
                None => Self::invalid("", "недопустимое значение"),
            },
            other => Self::Tenant(other),
        }
    }
}

impl From<sklad_access::Error> for Error {
    fn from(error: sklad_access::Error) -> Self {
        match error {
            sklad_access::Error::Invalid { path, message } => Self::Invalid { path, message },
            sklad_access::Error::Sql(error) => Self::Sql(error),
            _ => Self::Random,
        }
    }
}
