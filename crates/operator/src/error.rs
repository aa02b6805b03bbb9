//! What a client is told when something went wrong.

use http::StatusCode;
use serde::Serialize;
use sklad_loyalty::giftcards::GiftError;
use sklad_loyalty::ledger::LedgerError;
use sklad_loyalty::programme::Problem;
use sklad_loyalty::text::points_word;
use sklad_loyalty::units::Points;
use sklad_store::SqlError;

/// A refusal, with its status. What is internal goes to the log and never into the answer.
///
/// Boxed: every handler hands it on at every `?`, and a component pays for each move.
#[derive(Debug)]
pub struct ApiError(Box<Refusal>);

#[derive(Debug)]
pub struct Refusal {
    pub status: StatusCode,
    pub code: &'static str,
    pub message: String,
    pub path: Option<String>,
    pub problems: Vec<Problem>,
    pub allow: Option<String>,
}

/// The body of a refusal.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct ErrorBody {
    error: ErrorInside,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
struct ErrorInside {
    /// Для программ.
    code: String,
    /// Для людей.
    message: String,
    /// Место в присланном документе, имя параметра или заголовка.
    #[serde(skip_serializing_if = "Option::is_none")]
    path: Option<String>,
    /// Всё, что не так, если этого больше одного.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[cfg_attr(feature = "openapi", schemars(with = "Option<Vec<ProblemShape>>"))]
    problems: Vec<Problem>,
}

#[cfg(feature = "openapi")]
#[derive(schemars::JsonSchema)]
#[schemars(rename = "Problem")]
#[allow(dead_code, reason = "the shape of the loyalty crate's type")]
struct ProblemShape {
    /// Место.
    path: String,
    /// Что не так.
    message: String,
}

impl ApiError {
    pub fn new(status: StatusCode, code: &'static str, message: impl Into<String>) -> Self {
        Self(Box::new(Refusal {
            status,
            code,
            message: message.into(),
            path: None,
            problems: Vec::new(),
            allow: None,
        }))
    }

    /// What is inside.
    pub fn refusal(self) -> Refusal {
        *self.0
    }

    /// The same with the methods that are allowed.
    pub fn allowing(mut self, methods: &[&str]) -> Self {
        self.0.allow = Some(methods.join(", "));
        self
    }

    /// 400 with the place.
    pub fn bad(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_request", message).at(path)
    }

    /// 422 with the place.
    pub fn refused(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", message).at(path)
    }

    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "Не найдено")
    }

    pub fn conflict(message: impl Into<String>) -> Self {
        Self::new(StatusCode::CONFLICT, "conflict", message)
    }

    fn at(mut self, path: impl Into<String>) -> Self {
        self.0.path = Some(path.into()).filter(|p: &String| !p.is_empty());
        self
    }

    /// Everything that is wrong with a document: the first one is the error, all are listed.
    pub fn problems(status: StatusCode, code: &'static str, problems: Vec<Problem>) -> Self {
        let first = problems.first().cloned();
        let (path, message) = first.map(|p| (p.path, p.message)).unwrap_or_default();
        let mut error = Self::new(status, code, message).at(path);
        if problems.len() > 1 {
            error.0.problems = problems;
        }
        error
    }

    pub fn internal(what: &dyn std::fmt::Display) -> Self {
        // Into the component's log; errors of storage name keys and statements, never values.
        eprintln!("operator API: {what}");
        let message = "Внутренняя ошибка, подробности в журнале сервера";
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", message)
    }
}

impl Refusal {
    /// The body that tells it.
    pub fn body(self) -> ErrorBody {
        ErrorBody {
            error: ErrorInside {
                code: self.code.to_owned(),
                message: self.message,
                path: self.path,
                problems: self.problems,
            },
        }
    }
}

impl From<SqlError> for ApiError {
    fn from(error: SqlError) -> Self {
        match error {
            SqlError::Conflict => {
                Self::conflict("Данные тем временем изменились: повторите запрос")
            }
            SqlError::Busy => {
                let message = "База данных занята: повторите запрос";
                Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", message)
            }
            SqlError::Constraint(_) | SqlError::Other(_) => Self::internal(&error),
        }
    }
}

impl From<sklad_tenant::Error> for ApiError {
    fn from(error: sklad_tenant::Error) -> Self {
        use sklad_tenant::Error;
        match error {
            Error::Invalid(problems) => {
                Self::problems(StatusCode::UNPROCESSABLE_ENTITY, "refused", problems)
            }
            Error::NotFound => Self::not_found(),
            Error::Exists | Error::TooManyKeys => Self::conflict(capital(&error.to_string())),
            Error::Stale => {
                let message = capital(&error.to_string());
                Self::new(StatusCode::PRECONDITION_FAILED, "stale", message)
            }
            Error::Sql(error) => error.into(),
            Error::Kv(_)
            | Error::Stored { .. }
            | Error::Config(_)
            | Error::Variable(..)
            | Error::Random => Self::internal(&error),
        }
    }
}

impl From<sklad_catalog::Error> for ApiError {
    fn from(error: sklad_catalog::Error) -> Self {
        match error {
            sklad_catalog::Error::Invalid { path, message } => {
                Self::refused(path, capital(&message))
            }
            sklad_catalog::Error::Sql(error) => error.into(),
        }
    }
}

impl From<sklad_access::Error> for ApiError {
    fn from(error: sklad_access::Error) -> Self {
        use sklad_access::Error;
        match error {
            Error::Invalid { path, message } => Self::refused(path, message),
            Error::NotFound => Self::not_found(),
            Error::EmailTaken | Error::NameTaken | Error::TooMany(_) => {
                Self::conflict(capital(&error.to_string()))
            }
            Error::Password(_) => Self::internal(&error),
            Error::Sql(error) => error.into(),
        }
    }
}

impl From<sklad_orders::Error> for ApiError {
    fn from(error: sklad_orders::Error) -> Self {
        match error {
            sklad_orders::Error::Invalid { path, message } => {
                Self::refused(path, capital(&message))
            }
            sklad_orders::Error::KeyUsed(_) | sklad_orders::Error::Shipped => {
                Self::conflict(capital(&error.to_string()))
            }
            sklad_orders::Error::Sql(error) => error.into(),
        }
    }
}

impl From<LedgerError> for ApiError {
    fn from(error: LedgerError) -> Self {
        match error {
            LedgerError::Sql(error) => error.into(),
            LedgerError::NoCustomer => Self::not_found(),
            LedgerError::Quote(_) => Self::refused("", capital(&error.to_string())),
            LedgerError::Insufficient { available } => {
                let message = format!(
                    "На счёте только {available} {}",
                    points_word(Points(available))
                );
                Self::refused("points", message)
            }
        }
    }
}

impl From<GiftError> for ApiError {
    fn from(error: GiftError) -> Self {
        match error {
            GiftError::Invalid {
                index,
                field,
                message,
            } => Self::refused(format!("{index}.{field}"), capital(message)),
            GiftError::TooMany | GiftError::File(_) => {
                Self::refused("", capital(&error.to_string()))
            }
            GiftError::Exists => Self::conflict(capital(&error.to_string())),
            GiftError::Sql(error) => error.into(),
        }
    }
}

/// The text with a capital letter, as a sentence begins.
pub fn capital(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().into_iter().flat_map(char::to_uppercase);
    first.chain(chars).collect()
}
