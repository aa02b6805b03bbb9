//! What a client asks for, read leniently: keys of the query in any order, unknown ones passed over
//! (commerceml §1.1).

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::{HeaderMap, Method};

use crate::session::COOKIE;

/// What the exchange is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Goods, towards us.
    Catalog,
    /// Orders, both ways.
    Sale,
}

impl Kind {
    /// The word of the protocol.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Catalog => "catalog",
            Self::Sale => "sale",
        }
    }
}

/// A step of the exchange (commerceml §1.2–1.8).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[allow(missing_docs, reason = "the protocol's own words")]
pub enum Mode {
    Checkauth,
    Init,
    File,
    Import,
    Deactivate,
    Complete,
    Query,
    Success,
    Info,
}

/// The query string, decoded.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// `type`.
    pub kind: String,
    /// `mode`.
    pub mode: String,
    /// `filename`, UTF-8 or windows-1251.
    pub filename: String,
    /// `sessid`: the token of the login, returned.
    pub sessid: Option<String>,
    /// `version`: the newest schema that the client knows.
    pub version: Option<String>,
    /// `timestamp`: the moment of the login, returned.
    pub timestamp: Option<String>,
}

impl Query {
    /// Reads a query string. A key that comes twice has its first value.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut query = Self::default();
        let put = |place: &mut Option<String>, value: String| {
            place.get_or_insert(value);
        };
        let fill = |place: &mut String, value: String| {
            if place.is_empty() {
                *place = value;
            }
        };
        for pair in text.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let value = decoded(value);
            match decoded(name).as_str() {
                "type" => fill(&mut query.kind, value),
                "mode" => fill(&mut query.mode, value),
                "filename" => fill(&mut query.filename, value),
                "sessid" => put(&mut query.sessid, value),
                "version" => put(&mut query.version, value),
                "timestamp" => put(&mut query.timestamp, value),
                _ => {}
            }
        }
        query
    }

    /// What it is about, when it is known.
    #[must_use]
    pub fn kind(&self) -> Option<Kind> {
        match self.kind.trim() {
            "catalog" => Some(Kind::Catalog),
            "sale" => Some(Kind::Sale),
            _ => None,
        }
    }

    /// The step, when it is known and belongs to what it is about.
    #[must_use]
    pub fn mode(&self) -> Option<Mode> {
        let mode = match self.mode.trim() {
            "checkauth" => Mode::Checkauth,
            "init" => Mode::Init,
            "file" => Mode::File,
            "import" => Mode::Import,
            "deactivate" => Mode::Deactivate,
            "complete" => Mode::Complete,
            "query" => Mode::Query,
            "success" => Mode::Success,
            "info" => Mode::Info,
            _ => return None,
        };
        let only = match mode {
            Mode::Deactivate | Mode::Complete => Some(Kind::Catalog),
            Mode::Query | Mode::Success | Mode::Info => Some(Kind::Sale),
            _ => None,
        };
        (only.is_none() || only == self.kind()).then_some(mode)
    }
}

fn decoded(text: &str) -> String {
    let spaced = text.replace('+', " ");
    let bytes: Vec<u8> = percent_encoding::percent_decode_str(&spaced).collect();
    sklad_cyrillic::decode(&bytes)
}

/// What proves who is calling.
#[derive(Clone, Default)]
pub struct Credentials {
    /// Login and password of `Authorization: Basic`, in whatever encoding.
    pub basic: Option<(Vec<u8>, Vec<u8>)>,
    /// The value of our cookie.
    pub cookie: Option<String>,
}

impl Credentials {
    /// What the headers hold.
    #[must_use]
    pub fn of(headers: &HeaderMap) -> Self {
        Self {
            basic: header(headers, "authorization").and_then(basic),
            cookie: header(headers, "cookie").and_then(cookie),
        }
    }
}

fn basic(header: &str) -> Option<(Vec<u8>, Vec<u8>)> {
    let (scheme, text) = header.trim().split_once(' ')?;
    let bytes = STANDARD.decode(text.trim()).ok()?;
    let colon = bytes.iter().position(|b| *b == b':')?;
    let (login, password) = bytes.split_at_checked(colon)?;
    scheme.eq_ignore_ascii_case("basic").then(|| {
        (
            login.to_vec(),
            password.get(1..).unwrap_or_default().to_vec(),
        )
    })
}

fn cookie(header: &str) -> Option<String> {
    let pairs = header.split(';').filter_map(|pair| pair.split_once('='));
    let mut ours = pairs.filter(|(name, _)| name.trim() == COOKIE);
    ours.next()
        .map(|(_, value)| value.trim().trim_matches('"').to_owned())
}

/// A header that is text.
#[must_use]
pub fn header<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}

/// The caller's address, for the limit of wrong passwords.
#[must_use]
pub fn address(headers: &HeaderMap) -> Option<String> {
    let peer = header(headers, "spin-client-addr")?;
    sklad_access::client(peer, header(headers, "x-forwarded-for"))
}

/// Whether the method fits the step: files are posted, everything else may be (commerceml §1.1).
#[must_use]
pub fn allowed(method: &Method, mode: Mode) -> bool {
    match mode {
        Mode::File => matches!(*method, Method::POST | Method::PUT),
        _ => matches!(*method, Method::GET | Method::POST | Method::HEAD),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn queries_are_read_leniently() {
        let q =
            Query::parse("mode=file&x=1&type=catalog&filename=%D2%EE%E2%E0%F0.xml&sessid=a%20b&");
        assert_eq!(
            (q.kind(), q.mode()),
            (Some(Kind::Catalog), Some(Mode::File))
        );
        assert_eq!(q.filename, "Товар.xml");
        assert_eq!(q.sessid.as_deref(), Some("a b"));
        assert_eq!(Query::parse("type=catalog&mode=query").mode(), None);
        assert_eq!(
            Query::parse("type=sale&mode=query").mode(),
            Some(Mode::Query)
        );
        assert_eq!(Query::parse("type=x&mode=").kind(), None);
        assert_eq!(Query::parse("filename=%zz%").filename, "%zz%");
    }

    #[test]
    fn credentials_come_in_two_ways() {
        let mut headers = HeaderMap::new();
        headers.insert(
            "authorization",
            HeaderValue::from_static("basic YUBiLnJ1OnA6dw=="),
        );
        headers.insert(
            "cookie",
            HeaderValue::from_static("a=1; sklad_exchange=abc ;b"),
        );
        let credentials = Credentials::of(&headers);
        assert_eq!(
            credentials.basic,
            Some((b"a@b.ru".to_vec(), b"p:w".to_vec()))
        );
        assert_eq!(credentials.cookie.as_deref(), Some("abc"));
        headers.insert("authorization", HeaderValue::from_static("Basic !!!"));
        assert_eq!(Credentials::of(&headers).basic, None);
    }
}
