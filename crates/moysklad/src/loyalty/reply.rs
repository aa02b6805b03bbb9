//! Answers: JSON on success, the vendor's `{"errors":[…]}` otherwise (moysklad-loyalty.md §2).

use std::fmt::{Display, Write as _};

use http::header::{ALLOW, CONTENT_TYPE};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;
use serde_json::json;
use sklad_loyalty::ledger::LedgerError;
use sklad_loyalty::quote::QuoteError;
use sklad_store::SqlError;

/// The largest body of a call, in bytes: a receipt of 1000 positions has about a third of it.
pub const BODY_LIMIT: usize = 1 << 20;
/// The code of every error but one, as in the documentation's sample.
const CODE: i64 = 999;
/// «A registration code is required» (§3.2).
const CODE_REQUIRED: i64 = 28001;

/// An answer to a call.
#[derive(Debug)]
pub struct Reply {
    status: StatusCode,
    body: Vec<u8>,
    allow: Option<&'static str>,
    failure: Option<String>,
}

impl Reply {
    /// 200 with a JSON body.
    #[must_use]
    pub fn json(body: &impl Serialize) -> Self {
        serde_json::to_vec(body).map_or_else(|_| Self::internal(), Self::ok)
    }

    /// 200 with a body that writes itself as JSON.
    #[must_use]
    pub fn written(body: &impl Display) -> Self {
        let mut text = String::new();
        match write!(text, "{body}") {
            Ok(()) => Self::ok(text.into_bytes()),
            Err(_) => Self::internal(),
        }
    }

    fn ok(body: Vec<u8>) -> Self {
        Self {
            status: StatusCode::OK,
            body,
            allow: None,
            failure: None,
        }
    }

    /// 201 without a body.
    #[must_use]
    pub fn created() -> Self {
        Self {
            status: StatusCode::CREATED,
            body: Vec::new(),
            allow: None,
            failure: None,
        }
    }

    /// An error. `error` says what is wrong and `message` what to do; both may be shown.
    fn error(
        status: StatusCode,
        code: i64,
        error: &str,
        parameter: Option<&str>,
        message: &str,
    ) -> Self {
        let mut item = json!({ "error": error, "code": code, "error_message": message });
        if let (Some(parameter), Some(item)) = (parameter, item.as_object_mut()) {
            item.insert("parameter".to_owned(), json!(parameter));
        }
        let body = json!({ "errors": [item] }).to_string().into_bytes();
        let failure = (code != CODE_REQUIRED).then(|| format!("{} {error}", status.as_u16()));
        Self {
            status,
            body,
            allow: None,
            failure,
        }
    }

    /// 401: no key, a wrong one, or one of another tenant; which of them is not said.
    #[must_use]
    pub fn unauthorized() -> Self {
        let message = "Проверьте адрес и ключ доступа в настройках программы лояльности";
        Self::error(
            StatusCode::UNAUTHORIZED,
            CODE,
            "Доступ запрещён",
            None,
            message,
        )
    }

    /// 404: no such method of the API.
    #[must_use]
    pub fn no_such_method() -> Self {
        let message = "Проверьте адрес программы лояльности";
        Self::error(
            StatusCode::NOT_FOUND,
            CODE,
            "Неизвестный адрес",
            None,
            message,
        )
    }

    /// 404: the thing asked for does not exist.
    #[must_use]
    pub fn not_found(error: &str, parameter: &str) -> Self {
        Self::error(StatusCode::NOT_FOUND, CODE, error, Some(parameter), error)
    }

    /// 405 with the methods there are.
    #[must_use]
    pub fn wrong_method(allow: &'static str) -> Self {
        let message = "Адрес отвечает на другой метод HTTP";
        let reply = Self::error(
            StatusCode::METHOD_NOT_ALLOWED,
            CODE,
            "Метод не поддерживается",
            None,
            message,
        );
        Self {
            allow: Some(allow),
            ..reply
        }
    }

    /// 413.
    #[must_use]
    pub fn too_large() -> Self {
        let message = "Разделите чек на несколько";
        Self::error(
            StatusCode::PAYLOAD_TOO_LARGE,
            CODE,
            "Запрос больше 1 МБ",
            None,
            message,
        )
    }

    /// 400 with the place of the mistake.
    #[must_use]
    pub fn broken_json(e: &serde_json::Error) -> Self {
        let error = format!("Ошибка в JSON: строка {}, позиция {}", e.line(), e.column());
        Self::error(
            StatusCode::BAD_REQUEST,
            CODE,
            &error,
            None,
            "Запрос не удалось прочитать",
        )
    }

    /// 400: not in UTF-8 from this byte on.
    #[must_use]
    pub fn not_utf8(at: usize) -> Self {
        let error = format!("Запрос не в UTF-8: байт {at}");
        Self::error(
            StatusCode::BAD_REQUEST,
            CODE,
            &error,
            None,
            "Запрос не удалось прочитать",
        )
    }

    /// 412: a field that cannot be used.
    #[must_use]
    pub fn invalid(error: &str, parameter: &str) -> Self {
        Self::error(
            StatusCode::PRECONDITION_FAILED,
            CODE,
            error,
            Some(parameter),
            error,
        )
    }

    /// 412: a number of a position that is negative, too large or none at all. `index` counts from 0,
    /// the text as people do.
    #[must_use]
    pub fn bad_number(index: usize, field: &str) -> Self {
        let position = index.saturating_add(1);
        let error = format!("Позиция {position}: недопустимое число в поле {field}");
        Self::invalid(&error, &format!("positions.{field}"))
    }

    /// 412 with 28001: the customer must tell a code first.
    #[must_use]
    pub fn code_required() -> Self {
        let message = "Спросите у покупателя код, который ему отправлен";
        let error = "Нужно подтвердить регистрацию покупателя кодом";
        Self::error(
            StatusCode::PRECONDITION_FAILED,
            CODE_REQUIRED,
            error,
            None,
            message,
        )
    }

    /// 429 in the words of the limit.
    #[must_use]
    pub fn too_many(text: &str) -> Self {
        Self::error(
            StatusCode::TOO_MANY_REQUESTS,
            CODE,
            "Слишком много запросов",
            None,
            text,
        )
    }

    /// 503: the storage does not answer; the call may be repeated.
    #[must_use]
    pub fn unavailable() -> Self {
        let message = "Повторите через несколько секунд";
        Self::error(
            StatusCode::SERVICE_UNAVAILABLE,
            CODE,
            "Сервис временно недоступен",
            None,
            message,
        )
    }

    /// 500.
    #[must_use]
    pub fn internal() -> Self {
        let message = "Повторите или обратитесь в поддержку";
        Self::error(
            StatusCode::INTERNAL_SERVER_ERROR,
            CODE,
            "Внутренняя ошибка",
            None,
            message,
        )
    }

    /// What went wrong, for the journal; nothing for a success or a question for a code.
    #[must_use]
    pub fn failure(&self) -> Option<&str> {
        self.failure.as_deref()
    }

    /// As an HTTP response.
    #[must_use]
    pub fn into_response(self) -> Response<Vec<u8>> {
        let has_body = !self.body.is_empty();
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        if has_body {
            headers.insert(
                CONTENT_TYPE,
                HeaderValue::from_static("application/json;charset=utf-8"),
            );
        }
        if let Some(allow) = self.allow {
            headers.insert(ALLOW, HeaderValue::from_static(allow));
        }
        response
    }
}

impl From<SqlError> for Reply {
    fn from(e: SqlError) -> Self {
        match e {
            SqlError::Busy | SqlError::Conflict => Self::unavailable(),
            SqlError::Constraint(_) | SqlError::Other(_) => {
                // The text may name columns, never values: parameters are bound.
                eprintln!("loyalty: {e}");
                Self::unavailable()
            }
        }
    }
}

impl From<LedgerError> for Reply {
    fn from(e: LedgerError) -> Self {
        match e {
            LedgerError::Sql(e) => e.into(),
            LedgerError::Quote(e) => e.into(),
            LedgerError::NoCustomer => Self::not_found("Покупатель не найден", "agent"),
            LedgerError::Insufficient { .. } => Self::internal(),
        }
    }
}

impl From<QuoteError> for Reply {
    fn from(e: QuoteError) -> Self {
        Self::invalid(&e.to_string(), "positions")
    }
}
