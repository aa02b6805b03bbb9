//! What can go wrong in a call of the JSON API, told apart by what follows from it
//! (moysklad-json-api.md §1.4, §1.5).

use http::StatusCode;
use serde_json::value::RawValue;
use sklad_store::HttpError;

use super::client::Headers;
use sklad_raw::{members, object, text};

/// The longest text of the vendor's that is told on, in characters.
const TEXT_CHARS: usize = 300;
/// How long to wait where the vendor told to wait and not how long, in milliseconds: its interval.
const INTERVAL_MS: u32 = 3_000;
/// The longest time that the vendor can tell to wait, in milliseconds.
const LONGEST_WAIT_MS: u32 = 60_000;

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The token or the password is wrong or was revoked; the user or the account is blocked (401, 1056,
    /// 1061).
    #[error("not authorised")]
    NotAuthorised,
    /// The user or the solution may not do this (403, 1016 …).
    #[error("no rights: {0}")]
    NoRights(String),
    /// The tariff of the account does not have this (1070, 47000, 30006).
    #[error("not in the tariff: {0}")]
    Tariff(String),
    /// There is no such object (404, 410, 1021, 1008).
    #[error("not found")]
    NotFound,
    /// The object is at another address (308): `…/product/{id}` for a page's id (§1.1).
    #[error("moved to {0}")]
    Moved(String),
    /// Too many requests in the interval (429, 1049): nothing was done; wait so many milliseconds.
    #[error("rate limited for {retry_after_ms} ms")]
    RateLimited {
        /// Milliseconds.
        retry_after_ms: u32,
    },
    /// Too many requests at once (429, 1073): nothing was done.
    #[error("too many parallel requests")]
    TooParallel,
    /// Somebody else changed or deleted the object at the same moment (1065): read it again.
    #[error("changed in between")]
    Changed,
    /// The object is used by others and cannot be deleted (1028).
    #[error("in use: {0}")]
    InUse(String),
    /// The service does not work for the moment (500, 502, 503, 504, 1088): the request may have had its
    /// effect.
    #[error("temporarily unavailable: status {0}")]
    Temporary(u16),
    /// The request did not leave: it had no effect.
    #[error("not sent: {0}")]
    NotSent(String),
    /// No whole answer came: the request may have had its effect.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// The answer has more bytes than may be held. Fewer rows a page fit.
    #[error("answer too large")]
    TooLarge,
    /// The answer is not what the API answers: an error page, a broken archive.
    #[error("unreadable answer: {0}")]
    Unreadable(&'static str),
    /// Any other refusal: repeated, it would be refused again.
    #[error("refused with status {status}, code {code}: {text}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The vendor's code; 0 where it told none.
        code: u32,
        /// The vendor's text.
        text: String,
    },
}

/// Whether a request that only reads is worth repeating.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// It would end as before.
    No,
    /// After so many milliseconds.
    After(u32),
    /// After a pause that grows with each attempt.
    Backoff,
}

impl Error {
    /// Whether a request that only reads is worth repeating.
    #[must_use]
    pub fn retry(&self) -> Retry {
        match self {
            Self::RateLimited { retry_after_ms } => Retry::After(*retry_after_ms),
            Self::TooParallel
            | Self::Temporary(_)
            | Self::NotSent(_)
            | Self::NoAnswer(_)
            | Self::Unreadable(_) => Retry::Backoff,
            _ => Retry::No,
        }
    }

    /// Whether it is certain that the request had no effect, so that also one that writes may be repeated.
    #[must_use]
    pub fn had_no_effect(&self) -> bool {
        matches!(
            self,
            Self::RateLimited { .. } | Self::TooParallel | Self::NotSent(_) | Self::NotAuthorised
        )
    }

    /// A sentence for the merchant.
    #[must_use]
    pub fn for_merchant(&self) -> String {
        match self {
            Self::NotAuthorised => {
                "МойСклад не принимает токен или пароль: проверьте их, или установите решение заново"
                    .to_owned()
            }
            Self::NoRights(text) => with("Не хватает прав в МоёмСкладе", text),
            Self::Tariff(text) => with("Тариф МоегоСклада не даёт этого", text),
            Self::NotFound | Self::Moved(_) => "В МоёмСкладе такого нет".to_owned(),
            Self::RateLimited { .. } | Self::TooParallel => {
                "МойСклад просит обращаться к нему реже; продолжим чуть позже".to_owned()
            }
            Self::Changed => "В МоёмСкладе это изменили в тот же момент; повторите".to_owned(),
            Self::InUse(text) => with("В МоёмСкладе это используется", text),
            Self::Temporary(status) => {
                format!("МойСклад временно недоступен (ответ {status}); продолжим позже")
            }
            Self::NotSent(_) | Self::NoAnswer(_) => {
                "МойСклад не отвечает; продолжим позже".to_owned()
            }
            Self::TooLarge => "МойСклад прислал слишком большой ответ".to_owned(),
            Self::Unreadable(_) => {
                "МойСклад прислал непонятный ответ; попробуем ещё раз позже".to_owned()
            }
            Self::Refused { status, code, text } => {
                let number = if *code == 0 { u32::from(*status) } else { *code };
                with(&format!("МойСклад отказал (ошибка {number})"), text)
            }
        }
    }
}

fn with(what: &str, text: &str) -> String {
    match text.is_empty() {
        true => what.to_owned(),
        false => format!("{what}: {text}"),
    }
}

impl From<HttpError> for Error {
    fn from(error: HttpError) -> Self {
        match error {
            HttpError::NotSent(text) => Self::NotSent(text),
            HttpError::NoAnswer(text) => Self::NoAnswer(text),
            HttpError::TooLarge => Self::TooLarge,
        }
    }
}

/// `{"errors": [{"error", "code", …}]}`
#[derive(Default)]
struct Errors<'a> {
    errors: sklad_raw::Raw<'a>,
}

members!(Errors { errors: "errors" });

#[derive(Default)]
struct One<'a> {
    error: sklad_raw::Raw<'a>,
    code: sklad_raw::Raw<'a>,
}

members!(One {
    error: "error",
    code: "code"
});

/// Code and text of the first error of a body, `None` for a body without errors.
#[must_use]
pub fn told(json: &str) -> Option<(u32, String)> {
    let body: Errors<'_> = serde_json::from_str(json).ok()?;
    let list: Vec<&RawValue> = object(body.errors)?;
    let one: One<'_> = object(list.first().copied()).unwrap_or_default();
    let code = text(one.code).and_then(|code| code.parse().ok());
    let text: String = text(one.error).unwrap_or_default();
    let printable = text.chars().filter(|c| !c.is_control());
    Some((
        code.unwrap_or_default(),
        printable.take(TEXT_CHARS).collect(),
    ))
}

/// The error that a status with this body is. `body` is empty where it is no text.
#[must_use]
pub fn refused(status: StatusCode, headers: &Headers, body: &str) -> Error {
    let (code, text) = told(body).unwrap_or_default();
    if let Some(error) = by_code(code, &text) {
        return error.waiting(headers);
    }
    match status.as_u16() {
        429 => match headers.retry_after_ms {
            // Only the limit in time tells how long to wait (§1.4).
            Some(ms) => limited(Some(ms)),
            None if headers.auth.as_deref() == Some("429005") || code == 1073 => Error::TooParallel,
            None if headers.auth.as_deref() == Some("429002") || code == 1049 => limited(None),
            None => Error::TooParallel,
        },
        401 => Error::NotAuthorised,
        403 => Error::NoRights(text),
        404 | 410 => Error::NotFound,
        301 | 303 | 307 | 308 => Error::Moved(headers.location.clone().unwrap_or_default()),
        status @ (408 | 425 | 500..=599) => Error::Temporary(status),
        status => Error::Refused { status, code, text },
    }
    .waiting(headers)
}

fn by_code(code: u32, text: &str) -> Option<Error> {
    let text = || text.to_owned();
    Some(match code {
        1049 => limited(None),
        1073 => Error::TooParallel,
        1056 | 1061 => Error::NotAuthorised,
        1016 | 1017 | 1018 | 1045 | 1075 | 1092 | 13004 => Error::NoRights(text()),
        1070 | 47_000 | 30_006 => Error::Tariff(text()),
        1008 | 1021 => Error::NotFound,
        1028 => Error::InUse(text()),
        1065 => Error::Changed,
        1074 | 1088 | 1095 => Error::Temporary(503),
        _ => return None,
    })
}

fn limited(after: Option<u32>) -> Error {
    Error::RateLimited {
        retry_after_ms: after.unwrap_or(INTERVAL_MS).min(LONGEST_WAIT_MS),
    }
}

impl Error {
    /// The same, with the wait that the headers tell.
    fn waiting(self, headers: &Headers) -> Self {
        match self {
            Self::RateLimited { .. } => {
                limited(headers.retry_after_ms.or(headers.retry_interval_ms))
            }
            other => other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, headers: &[(&'static str, &str)], body: &str) -> Error {
        let mut map = http::HeaderMap::new();
        for (name, value) in headers {
            map.insert(*name, value.parse().unwrap());
        }
        refused(
            StatusCode::from_u16(status).unwrap(),
            &Headers::of(&map),
            body,
        )
    }

    fn body(code: u32) -> String {
        format!(r#"{{"errors":[{{"error":"Текст","code":{code}}}]}}"#)
    }

    #[test]
    fn both_kinds_of_429_are_told_apart() {
        let after = ("X-Lognex-Retry-After", "1200");
        let wait = |ms| Error::RateLimited { retry_after_ms: ms };
        let headers = |h: (&'static str, &'static str)| [(h.0, h.1)];
        assert_eq!(error(429, &[], &body(1049)), wait(3000));
        assert_eq!(error(429, &lower(headers(after)), &body(1049)), wait(1200));
        assert_eq!(error(429, &lower(headers(after)), ""), wait(1200));
        assert_eq!(
            error(429, &[("x-lognex-retry-timeinterval", "5000")], &body(1049)),
            wait(5000)
        );
        assert_eq!(error(429, &[], &body(1073)), Error::TooParallel);
        // Whether it ever has the header is not known: the code decides (§7.1).
        assert_eq!(
            error(429, &lower(headers(after)), &body(1073)),
            Error::TooParallel
        );
        assert_eq!(
            error(429, &[("x-lognex-auth", "429005")], ""),
            Error::TooParallel
        );
        assert_eq!(error(429, &[("x-lognex-auth", "429002")], ""), wait(3000));
    }

    fn lower(headers: [(&'static str, &'static str); 1]) -> [(&'static str, &'static str); 1] {
        headers.map(|(_, value)| ("x-lognex-retry-after", value))
    }

    #[test]
    fn a_wait_is_never_longer_than_a_minute() {
        let headers = [("x-lognex-retry-after", "999999999")];
        let wait = error(429, &headers, "");
        assert_eq!(
            wait,
            Error::RateLimited {
                retry_after_ms: 60_000
            }
        );
    }

    #[test]
    fn what_a_code_says_counts_more_than_the_status() {
        assert_eq!(error(412, &[], &body(1065)), Error::Changed);
        assert_eq!(error(400, &[], &body(1021)), Error::NotFound);
        assert_eq!(
            error(412, &[], &body(30_006)),
            Error::Tariff("Текст".into())
        );
        assert_eq!(error(401, &[], ""), Error::NotAuthorised);
        assert_eq!(error(403, &[], "<html>"), Error::NoRights(String::new()));
        assert_eq!(error(502, &[], "<html>"), Error::Temporary(502));
        assert_eq!(
            error(412, &[], &body(3006)),
            Error::Refused {
                status: 412,
                code: 3006,
                text: "Текст".into()
            }
        );
        assert_eq!(error(415, &[], "").retry(), Retry::No);
    }

    #[test]
    fn a_page_s_id_leads_to_the_object() {
        let moved = error(308, &[("location", "https://x/entity/product/1")], "");
        assert_eq!(moved, Error::Moved("https://x/entity/product/1".into()));
    }

    #[test]
    fn hostile_bodies_are_no_errors_of_ours() {
        for json in [
            "",
            "null",
            "[]",
            "{\"errors\":{}}",
            "{\"errors\":[]}",
            "{\"errors\":[7]}",
            "{\"errors\":[{\"code\":\"x\",\"error\":[]}]}",
            "{\"errors\":[{\"code\":99999999999999}]}",
        ] {
            let error = error(400, &[], json);
            assert!(matches!(error, Error::Refused { code: 0, .. }), "{json}");
            assert!(!error.for_merchant().is_empty());
        }
    }
}
