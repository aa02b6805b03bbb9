//! Requests of the JSON API as values, and what their answers say: no network here.
//!
//! A request carries what §1.3 demands; an answer is unpacked within a bound, and is the text of its JSON
//! or an [`Error`].

use std::fmt;
use std::io::Read;

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use bytes::Bytes;
use flate2::bufread::MultiGzDecoder;
use http::header::{
    ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, LOCATION,
};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use sklad_store::{Call, Reach, Within};

use super::error::{Error, refused, told};
use super::limits::Class;

/// Where the API lies below its origin (§1.1).
pub const BASE: &str = "/api/remap/1.2";
/// The largest body of an answer, in bytes as they come: packed, as a rule to a tenth.
pub const BODY_BYTES: usize = 2 * 1024 * 1024;
/// The largest body of an answer once it is unpacked, in bytes. A page of a thousand goods has four to
/// five million; where it has more, the page is made smaller.
pub const TEXT_BYTES: usize = 8 * 1024 * 1024;
/// What an answer may cost. A slow one may take minutes (§1.4): a page that does not come in this time is
/// asked for again.
pub const WITHIN: Within = Within {
    connect_ms: 5_000,
    answer_ms: 30_000,
    body_bytes: BODY_BYTES,
};

/// What a caller shows to be let in (§1.2). Without `Debug`: it must not get into a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Access {
    /// A user's or a solution's token.
    Token(String),
    /// Login, as `admin@company`, and password.
    Login {
        /// Login.
        login: String,
        /// Password.
        password: String,
    },
}

/// Who calls: what lets him in, and what his requests weigh.
#[derive(Clone, PartialEq, Eq)]
pub struct Credentials {
    /// What lets him in.
    pub access: Access,
    /// What his requests weigh.
    pub class: Class,
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Credentials({:?}, …)", self.class)
    }
}

impl Credentials {
    /// Under which name the budget of these credentials is kept: limits count by user or solution
    /// (§1.4). Tells nothing about them.
    #[must_use]
    pub fn holder(&self) -> String {
        // A user has one limit whatever his password is, and a token is its own secret.
        let subject = match &self.access {
            Access::Token(token) => format!("token\0{token}"),
            Access::Login { login, .. } => format!("login\0{}", login.to_lowercase()),
        };
        let digest = Sha256::digest(subject.as_bytes());
        hex::encode(digest.get(..16).unwrap_or_default())
    }

    /// The account's name, where the login has it: `shop` of `admin@shop`.
    #[must_use]
    pub fn account_name(&self) -> Option<&str> {
        match &self.access {
            Access::Token(_) => None,
            Access::Login { login, .. } => login.rsplit_once('@').map(|(_, name)| name),
        }
    }

    /// The value of the header `Authorization`.
    fn header(&self) -> Result<HeaderValue, Error> {
        let text = match &self.access {
            Access::Token(token) => format!("Bearer {token}"),
            Access::Login { login, password } => {
                let pair = BASE64_STANDARD.encode(format!("{login}:{password}"));
                format!("Basic {pair}")
            }
        };
        // A token with a line break in it cannot be the right one.
        let mut value = HeaderValue::from_str(&text).map_err(|_| Error::NotAuthorised)?;
        value.set_sensitive(true);
        Ok(value)
    }
}

/// Makes requests to one server with one set of credentials.
#[derive(Clone, Copy, Debug)]
pub struct Api<'a> {
    /// Origin of the API, as `https://api.moysklad.ru`.
    pub origin: &'a str,
    /// Origin of its file server, where that is no public one: a vendor played by a test.
    pub files: Option<&'a str>,
    /// Who calls.
    pub credentials: &'a Credentials,
}

impl Api<'_> {
    /// Reads `path`, which begins with a slash and is below [`BASE`].
    ///
    /// # Errors
    /// [`Error::NotAuthorised`] for credentials that no header can carry, [`Error::NotSent`] for a path
    /// that is none.
    pub fn get(&self, path: &str) -> Result<Call, Error> {
        self.call(Method::GET, path, Bytes::new())
    }

    /// Sends JSON to `path`.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn send(&self, method: Method, path: &str, json: String) -> Result<Call, Error> {
        self.call(method, path, Bytes::from(json))
    }

    /// Deletes what is at `path`.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub fn delete(&self, path: &str) -> Result<Call, Error> {
        self.call(Method::DELETE, path, Bytes::new())
    }

    fn call(&self, method: Method, path: &str, body: Bytes) -> Result<Call, Error> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{BASE}{path}", self.origin))
            .header(AUTHORIZATION, self.credentials.header()?)
            .header(ACCEPT, "application/json;charset=utf-8")
            .header(ACCEPT_ENCODING, "gzip");
        if !body.is_empty() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request
            .body(body)
            .map_err(|e| Error::NotSent(e.to_string()))?;
        Ok(Call {
            request,
            reach: Reach::Origin(self.origin.to_owned()),
            within: WITHIN,
        })
    }
}

/// What the headers of an answer say beside its body.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Headers {
    /// `X-RateLimit-Limit`: requests per interval.
    pub limit: Option<u32>,
    /// `X-Lognex-Retry-After`: milliseconds to wait.
    pub retry_after_ms: Option<u32>,
    /// `X-Lognex-Retry-TimeInterval`: the interval, milliseconds.
    pub retry_interval_ms: Option<u32>,
    /// `X-Lognex-Auth`: the code of an error of admission.
    pub auth: Option<String>,
    /// `Location`.
    pub location: Option<String>,
}

impl Headers {
    /// From the headers of an answer; what is no number is not there.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        fn read<T: std::str::FromStr>(headers: &HeaderMap, name: &str) -> Option<T> {
            headers.get(name)?.to_str().ok()?.trim().parse().ok()
        }
        Self {
            limit: read(headers, "x-ratelimit-limit"),
            retry_after_ms: read(headers, "x-lognex-retry-after"),
            retry_interval_ms: read(headers, "x-lognex-retry-timeinterval"),
            auth: read(headers, "x-lognex-auth"),
            location: read(headers, LOCATION.as_str()),
        }
    }
}

/// The text of a body, unpacked if it is packed.
///
/// # Errors
/// [`Error::TooLarge`] for more than [`TEXT_BYTES`], [`Error::Unreadable`] for a broken archive or what is
/// no text.
pub fn unpacked(headers: &HeaderMap, body: Bytes) -> Result<String, Error> {
    let bytes = if packed(headers)? {
        unzip(&body)?
    } else {
        Vec::from(body)
    };
    String::from_utf8(bytes).map_err(|_| Error::Unreadable("no UTF-8"))
}

/// Whether a body is packed with gzip, the only coding that is asked for.
///
/// # Errors
/// [`Error::Unreadable`] for any other coding.
pub fn packed(headers: &HeaderMap) -> Result<bool, Error> {
    match headers.get(CONTENT_ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"" | b"identity") => Ok(false),
        Some(coding) if coding.eq_ignore_ascii_case(b"gzip") => Ok(true),
        Some(_) => Err(Error::Unreadable("unknown coding")),
    }
}

fn unzip(body: &[u8]) -> Result<Vec<u8>, Error> {
    // The last four bytes tell the length, so that the buffer need not grow by doubling; they are
    // believed only within the bound.
    let told = body.last_chunk::<4>().map_or(0, |n| u32::from_le_bytes(*n));
    let told = usize::try_from(told).unwrap_or(TEXT_BYTES).min(TEXT_BYTES);
    let mut text = Vec::with_capacity(told.saturating_add(1));
    let most = u64::try_from(TEXT_BYTES).unwrap_or(u64::MAX);
    MultiGzDecoder::new(body)
        .take(most.saturating_add(1))
        .read_to_end(&mut text)
        .map_err(|_| Error::Unreadable("broken gzip"))?;
    match text.len() > TEXT_BYTES {
        true => Err(Error::TooLarge),
        false => Ok(text),
    }
}

/// The JSON of an answer.
///
/// # Errors
/// [`Error`], see [`refused`].
pub fn read(answer: http::Response<Bytes>) -> Result<String, Error> {
    let (parts, body) = answer.into_parts();
    let headers = Headers::of(&parts.headers);
    if !parts.status.is_success() {
        // What is no text is no word of the API: the status counts.
        let text = unpacked(&parts.headers, body).unwrap_or_default();
        return Err(refused(parts.status, &headers, &text));
    }
    let text = unpacked(&parts.headers, body)?;
    let first = text.trim_start().bytes().next();
    match first {
        // A deletion answers nothing.
        None | Some(b'{' | b'[') => Ok(text),
        Some(_) => Err(Error::Unreadable("no JSON")),
    }
}

/// The elements of the answer to a bulk request, in the order of the request, whatever the status: with
/// some refused it is 400 or 412 while others were saved (§1.5). `None` in an element's place stands for
/// one whose outcome is not told.
///
/// # Errors
/// As [`read`], when the request was refused as a whole.
pub fn read_bulk(
    answer: http::Response<Bytes>,
    sent: usize,
) -> Result<Vec<Option<Result<String, Error>>>, Error> {
    let (parts, body) = answer.into_parts();
    let headers = Headers::of(&parts.headers);
    let text = unpacked(&parts.headers, body);
    let status = parts.status;
    let list = match &text {
        Ok(text) => serde_json::from_str::<Vec<&serde_json::value::RawValue>>(text).ok(),
        Err(_) => None,
    };
    let Some(list) = list else {
        if status.is_success() {
            text?;
            return Err(Error::Unreadable("no list"));
        }
        return Err(refused(status, &headers, &text.unwrap_or_default()));
    };
    let of_element = match status.is_success() {
        true => StatusCode::PRECONDITION_FAILED,
        false => status,
    };
    let element = |raw: &&serde_json::value::RawValue| match told(raw.get()) {
        Some(_) => Err(refused(of_element, &headers, raw.get())),
        None => Ok(raw.get().to_owned()),
    };
    let mut elements: Vec<_> = list.iter().map(element).map(Some).collect();
    elements.resize_with(sent, || None);
    Ok(elements)
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    fn zipped(text: &[u8]) -> Vec<u8> {
        let mut zip = GzEncoder::new(Vec::new(), Compression::fast());
        zip.write_all(text).unwrap();
        zip.finish().unwrap()
    }

    fn answer(status: u16, packed: bool, body: Vec<u8>) -> http::Response<Bytes> {
        let builder = http::Response::builder().status(status);
        let builder = match packed {
            true => builder.header("content-encoding", "gzip"),
            false => builder,
        };
        builder.body(Bytes::from(body)).unwrap()
    }

    fn by_token() -> Credentials {
        Credentials {
            access: Access::Token("0cbf".into()),
            class: Class::Published,
        }
    }

    #[test]
    fn a_request_carries_what_the_api_demands() {
        let credentials = by_token();
        let api = Api {
            origin: "https://api.moysklad.ru",
            files: None,
            credentials: &credentials,
        };
        let call = api.get("/entity/product?limit=1000").unwrap();
        assert_eq!(
            call.request.uri(),
            "https://api.moysklad.ru/api/remap/1.2/entity/product?limit=1000"
        );
        let header = |name: &str| call.request.headers().get(name).unwrap().to_str().unwrap();
        assert_eq!(header("accept"), "application/json;charset=utf-8");
        assert_eq!(header("accept-encoding"), "gzip");
        assert_eq!(header("authorization"), "Bearer 0cbf");
        assert!(call.check().is_ok());
        assert!(!format!("{call:?} {credentials:?}").contains("0cbf"));
        let write = api
            .send(Method::PUT, "/entity/product/1", "{}".into())
            .unwrap();
        assert_eq!(write.request.headers()["content-type"], "application/json");
    }

    #[test]
    fn a_login_is_sent_as_basic() {
        let credentials = Credentials {
            access: Access::Login {
                login: "admin@shop".into(),
                password: "пароль".into(),
            },
            class: Class::User,
        };
        let api = Api {
            origin: "https://a.ru",
            files: None,
            credentials: &credentials,
        };
        let call = api.get("/x").unwrap();
        assert_eq!(
            call.request.headers()["authorization"],
            "Basic YWRtaW5Ac2hvcDrQv9Cw0YDQvtC70Yw="
        );
    }

    #[test]
    fn a_token_that_no_header_can_carry_is_a_wrong_one() {
        let credentials = Credentials {
            access: Access::Token("a\nb".into()),
            class: Class::User,
        };
        let api = Api {
            origin: "https://a.ru",
            files: None,
            credentials: &credentials,
        };
        assert_eq!(api.get("/x").unwrap_err(), Error::NotAuthorised);
    }

    #[test]
    fn answers_are_read_packed_and_plain() {
        assert_eq!(read(answer(200, true, zipped(b"{}"))).unwrap(), "{}");
        assert_eq!(read(answer(200, false, b"[1]".into())).unwrap(), "[1]");
        assert_eq!(read(answer(200, false, Vec::new())).unwrap(), "");
        let mut two = zipped(b"{\"a\":");
        two.extend(zipped(b"1}"));
        assert_eq!(read(answer(200, true, two)).unwrap(), "{\"a\":1}");
    }

    #[test]
    fn a_bomb_a_page_and_a_cut_body_are_errors() {
        let bomb = zipped(&vec![b' '; TEXT_BYTES + 1]);
        assert!(bomb.len() < BODY_BYTES);
        assert_eq!(read(answer(200, true, bomb)), Err(Error::TooLarge));
        let fits = zipped(&vec![b' '; TEXT_BYTES]);
        assert!(read(answer(200, true, fits)).is_ok());
        let whole = zipped(br#"{"rows": []}"#);
        for cut in 1..whole.len() {
            let cut = read(answer(200, true, whole[..cut].to_vec()));
            assert_eq!(cut, Err(Error::Unreadable("broken gzip")));
        }
        assert_eq!(
            read(answer(200, false, b"<html>".into())),
            Err(Error::Unreadable("no JSON"))
        );
        assert_eq!(
            read(answer(502, true, b"<html>".into())),
            Err(Error::Temporary(502))
        );
        assert_eq!(
            read(answer(200, false, vec![b'{', 0xff])),
            Err(Error::Unreadable("no UTF-8"))
        );
    }

    #[test]
    fn every_element_of_a_bulk_answer_has_its_own_outcome() {
        let json =
            r#"[{"id":"1"},{"errors":[{"error":"Нет","code":3007}]},{"errors":[{"code":1065}]}]"#;
        for status in [200, 400, 412] {
            let all = read_bulk(answer(status, true, zipped(json.as_bytes())), 4).unwrap();
            assert_eq!(all.len(), 4);
            assert_eq!(all[0], Some(Ok(r#"{"id":"1"}"#.to_owned())));
            assert!(matches!(
                all[1],
                Some(Err(Error::Refused { code: 3007, .. }))
            ));
            assert_eq!(all[2], Some(Err(Error::Changed)));
            assert_eq!(all[3], None);
        }
        let whole = answer(401, false, Vec::new());
        assert_eq!(read_bulk(whole, 2), Err(Error::NotAuthorised));
        let page = answer(200, false, b"<html>".into());
        assert_eq!(read_bulk(page, 2), Err(Error::Unreadable("no list")));
    }

    #[test]
    fn the_holder_of_a_limit_is_the_user_or_the_solution() {
        let login = |login: &str, password: &str| {
            let credentials = Credentials {
                access: Access::Login {
                    login: login.into(),
                    password: password.into(),
                },
                class: Class::User,
            };
            credentials.holder()
        };
        assert_eq!(login("Admin@shop", "a"), login("admin@shop", "b"));
        assert_ne!(login("a@shop", "a"), login("b@shop", "a"));
        assert_eq!(by_token().holder().len(), 32);
    }
}
