//! What can go wrong in a call of the Admin API, told apart by what follows from it (insales.md §2, §11).

use http::StatusCode;
use serde_json::value::RawValue;
use sklad_store::HttpError;

use super::client::Headers;
use sklad_raw::text;

/// The longest text of the shop's that is told on, in characters.
const TEXT_CHARS: usize = 300;
/// How long to wait where the shop told to wait and not how long, in seconds: what the official client
/// waits (§2).
const WAIT_S: u32 = 150;
/// The longest time that the shop can tell to wait, in seconds: twice its interval.
const LONGEST_WAIT_S: u32 = 600;

/// Why a call has no result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The key's id or password is wrong, or the key was deleted (401).
    #[error("not authorised")]
    NotAuthorised,
    /// The key may not do this (403): a box in its rights is not ticked.
    #[error("no rights: {0}")]
    NoRights(String),
    /// The shop is blocked, or its tariff has no API (402, 423; unverified).
    #[error("not in the tariff: {0}")]
    Tariff(String),
    /// There is no such object or shop (404, 410).
    #[error("not found")]
    NotFound,
    /// Too many requests in the interval (429, or 503 that says when to come again): nothing was done.
    #[error("rate limited for {retry_after_ms} ms")]
    RateLimited {
        /// Milliseconds.
        retry_after_ms: u32,
    },
    /// The shop does not work for the moment (500, 502, 503, 504): the request may have had its effect.
    #[error("temporarily unavailable: status {status}")]
    Temporary {
        /// HTTP status. 504: it was not ready in 50 s, and may become so later.
        status: u16,
        /// Not before so many milliseconds; 0 where nothing is known.
        retry_after_ms: u32,
    },
    /// The request did not leave: it had no effect.
    #[error("not sent: {0}")]
    NotSent(String),
    /// No whole answer came: the request may have had its effect.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// The answer has more bytes than may be held. Fewer rows a page fit.
    #[error("answer too large")]
    TooLarge,
    /// The answer is not what the API answers: an error page. The request may have had its effect.
    #[error("unreadable answer: {0}")]
    Unreadable(&'static str),
    /// Any other refusal, as 400 and 422: repeated, it would be refused again.
    #[error("refused with status {status}: {text}")]
    Refused {
        /// HTTP status.
        status: u16,
        /// The shop's text: fields and what is wrong with them.
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
            Self::Temporary { retry_after_ms, .. } if *retry_after_ms > 0 => {
                Retry::After(*retry_after_ms)
            }
            Self::Temporary { .. } | Self::NotSent(_) | Self::NoAnswer(_) | Self::Unreadable(_) => {
                Retry::Backoff
            }
            _ => Retry::No,
        }
    }

    /// Whether it is certain that the request had no effect, so that also one that writes may be repeated.
    #[must_use]
    pub fn had_no_effect(&self) -> bool {
        matches!(
            self,
            Self::RateLimited { .. }
                | Self::NotSent(_)
                | Self::NotAuthorised
                | Self::NoRights(_)
                | Self::Tariff(_)
                | Self::NotFound
                | Self::Refused { .. }
        )
    }

    /// A sentence for the merchant.
    #[must_use]
    pub fn for_merchant(&self) -> String {
        let with = |text: &str, more: &str| match more {
            "" => text.to_owned(),
            more => format!("{text}: {more}"),
        };
        match self {
            Self::NotAuthorised => {
                "InSales не принимает идентификатор или пароль ключа доступа: проверьте их"
                    .to_owned()
            }
            Self::NoRights(more) => with("У ключа доступа InSales не хватает прав", more),
            Self::Tariff(more) => with(
                "InSales не даёт доступа к API: магазин заблокирован или тариф без API",
                more,
            ),
            Self::NotFound => "В InSales этого нет: проверьте адрес магазина".to_owned(),
            Self::RateLimited { .. } => {
                "Исчерпан лимит запросов к магазину InSales: продолжение позже".to_owned()
            }
            Self::Temporary { status, .. } => {
                format!("InSales временно не отвечает (код {status})")
            }
            Self::NotSent(_) => "С магазином InSales нет связи: проверьте его адрес".to_owned(),
            Self::NoAnswer(_) => "InSales не ответил вовремя".to_owned(),
            Self::TooLarge => "Ответ InSales слишком велик".to_owned(),
            Self::Unreadable(_) => "Ответ InSales не читается".to_owned(),
            Self::Refused { status, text } => {
                with(&format!("InSales отказал (код {status})"), text)
            }
        }
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

/// The error that a status with this body is.
#[must_use]
pub fn refused(status: StatusCode, headers: Headers, body: &str) -> Error {
    let ms = |seconds: u32| seconds.min(LONGEST_WAIT_S).saturating_mul(1_000);
    let after = headers.retry_after_s.map(ms);
    match status.as_u16() {
        401 => Error::NotAuthorised,
        403 => Error::NoRights(told(body)),
        402 | 423 => Error::Tariff(told(body)),
        404 | 410 => Error::NotFound,
        429 => Error::RateLimited {
            retry_after_ms: after.unwrap_or(ms(WAIT_S)),
        },
        503 => match after {
            Some(retry_after_ms) => Error::RateLimited { retry_after_ms },
            // The limit as a rule, but it may be somebody's on the way there.
            None => Error::Temporary {
                status: 503,
                retry_after_ms: ms(WAIT_S),
            },
        },
        status @ (408 | 425 | 500..=599) => Error::Temporary {
            status,
            retry_after_ms: after.unwrap_or_default(),
        },
        status => Error::Refused {
            status,
            text: told(body),
        },
    }
}

/// What a refusal says: `errors` as a text, as a list of texts, or as lists of texts by field (§11,
/// unverified). Empty where it is none of these.
fn told(body: &str) -> String {
    #[derive(serde::Deserialize)]
    struct Body<'a> {
        #[serde(borrow, alias = "error")]
        errors: Option<&'a RawValue>,
    }
    let read: Option<Body<'_>> = serde_json::from_str(body).ok();
    let Some(raw) = read.and_then(|body| body.errors) else {
        return String::new();
    };
    words(raw).chars().take(TEXT_CHARS).collect()
}

fn words(raw: &RawValue) -> String {
    if let Some(text) = text(Some(raw)) {
        return text;
    }
    if let Ok(list) = serde_json::from_str::<Vec<&RawValue>>(raw.get()) {
        let words: Vec<String> = list.iter().filter_map(|raw| text(Some(raw))).collect();
        return words.join(", ");
    }
    let fields = serde_json::from_str::<std::collections::BTreeMap<String, &RawValue>>(raw.get());
    let fields = fields.unwrap_or_default();
    let field = |(name, raw): (&String, &&RawValue)| {
        let list = serde_json::from_str::<Vec<&RawValue>>(raw.get()).unwrap_or_else(|_| vec![raw]);
        let words: Vec<String> = list.iter().filter_map(|raw| text(Some(raw))).collect();
        format!("{} {}", called(name), words.join(", "))
    };
    fields.iter().map(field).collect::<Vec<_>>().join("; ")
}

/// What people call a field of an order; one that is not known here, as the shop does.
fn called(path: &str) -> &str {
    /// Whole paths before what begins them: a part of an address before the address.
    const FIELDS: [(&str, &str); 9] = [
        ("client.phone", "телефон покупателя"),
        ("client.email", "почта покупателя"),
        ("client.name", "имя покупателя"),
        ("client.surname", "фамилия покупателя"),
        (
            "shipping_address.full_locality_name",
            "населённый пункт доставки",
        ),
        ("shipping_address", "адрес доставки"),
        ("order_lines", "позиции заказа"),
        ("delivery_variant", "способ доставки"),
        ("payment_gateway", "способ оплаты"),
    ];
    let is = |field: &str| match path.strip_prefix(field) {
        Some("" | "_id" | "_attributes") => true,
        Some(rest) => rest.starts_with(['.', '[']),
        None => false,
    };
    let known = FIELDS.iter().find(|(field, _)| is(field));
    known.map_or(path, |(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(status: u16, after: Option<u32>, body: &str) -> Error {
        let headers = Headers {
            retry_after_s: after,
            ..Headers::default()
        };
        refused(StatusCode::from_u16(status).unwrap(), headers, body)
    }

    #[test]
    fn the_limit_is_told_by_429_and_503_alike() {
        let wait = |ms| Error::RateLimited { retry_after_ms: ms };
        assert_eq!(error(429, None, ""), wait(150_000));
        assert_eq!(error(429, Some(5), ""), wait(5_000));
        assert_eq!(error(503, Some(5), ""), wait(5_000));
        assert_eq!(error(503, Some(1_000_000), ""), wait(600_000));
        // Whoever said this may have passed the request on before.
        let busy = error(503, None, "<html>");
        assert!(!busy.had_no_effect());
        assert_eq!(busy.retry(), Retry::After(150_000));
    }

    #[test]
    fn words_of_a_refusal_are_told_whatever_their_form() {
        for (body, text) in [
            (
                r#"{"errors":{"phone":["не указан","короток"],"name":"пусто"}}"#,
                "name пусто; phone не указан, короток",
            ),
            (r#"{"errors":["a","b"]}"#, "a, b"),
            (r#"{"error":"текст"}"#, "текст"),
            ("<html>", ""),
            ("{}", ""),
            ("[]", ""),
            (r#"{"errors":{"a":{"b":1}}}"#, "a "),
        ] {
            let text = text.to_owned();
            assert_eq!(
                error(422, None, body),
                Error::Refused { status: 422, text },
                "{body}"
            );
        }
    }

    #[test]
    fn fields_of_an_order_are_told_as_people_call_them() {
        let body = r#"{"errors":{"client.phone":["не может быть пустым"],
            "client.phone_confirmed":"?", "client.surname":["пусто"], "client.note":["длинно"],
            "shipping_address.address":["не может быть пустым"],
            "shipping_address.full_locality_name":["не найден"],
            "order_lines_attributes":["a"], "order_lines.quantity":["мало"],
            "delivery_variant_id":["нет"], "payment_gateway":["нет"]}}"#;
        let told = error(422, None, body).for_merchant();
        for part in [
            "телефон покупателя не может быть пустым; client.phone_confirmed ?; ",
            "фамилия покупателя пусто",
            "client.note длинно",
            "адрес доставки не может быть пустым",
            "населённый пункт доставки не найден",
            "позиции заказа a",
            "позиции заказа мало",
            "способ доставки нет",
            "способ оплаты нет",
        ] {
            assert!(told.contains(part), "{part}: {told}");
        }
    }

    #[test]
    fn what_may_have_had_an_effect_is_not_said_to_have_had_none() {
        for status in [500, 502, 504, 408] {
            assert!(!error(status, None, "").had_no_effect(), "{status}");
            assert_eq!(error(status, None, "").retry(), Retry::Backoff);
        }
        assert!(!Error::NoAnswer(String::new()).had_no_effect());
        assert!(!Error::Unreadable("").had_no_effect());
        assert!(error(429, None, "").had_no_effect());
        assert!(error(422, None, "").had_no_effect());
    }
}
