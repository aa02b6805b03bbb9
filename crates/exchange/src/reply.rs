//! What a client is told. Its first line is the protocol: nothing may stand before it (commerceml
//! §0, rule 1).

use http::header::{CONTENT_TYPE, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use sklad_tenant::exchange::Encoding;

const BOM: &str = "\u{feff}";

/// An answer of the exchange.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reply {
    /// `success` and what follows it, line by line.
    Success(Vec<String>),
    /// `success` of a login, with the cookie that its lines name.
    LoggedIn {
        /// The lines behind the first.
        lines: Vec<String>,
        /// For clients that look for a header.
        cookie: String,
    },
    /// `progress`: the client asks the same again. The text changes with every answer, because
    /// clients slow down where it does not (§1.5).
    Progress(String),
    /// `failure` and a short Russian text.
    Failure(String),
    /// The lines of `init`.
    Settings(Vec<String>),
    /// A document.
    Xml(Vec<u8>, &'static str),
    /// No credentials came at all (§1.2).
    Unauthorized(String),
}

impl Reply {
    /// `success` alone.
    #[must_use]
    pub fn success() -> Self {
        Self::Success(Vec::new())
    }

    /// `failure` with its text.
    pub fn failure(text: impl Into<String>) -> Self {
        Self::Failure(text.into())
    }

    /// The text as it is sent, less its encoding.
    fn text(&self) -> String {
        let lines = |first: &str, rest: &[String]| {
            let mut text = first.to_owned();
            for line in rest {
                text.push('\n');
                text.push_str(line);
            }
            text
        };
        match self {
            Self::Success(rest) | Self::LoggedIn { lines: rest, .. } => lines("success", rest),
            Self::Progress(text) => format!("progress\n{text}"),
            Self::Failure(text) | Self::Unauthorized(text) => format!("failure\n{text}"),
            Self::Settings(all) => all.join("\n"),
            Self::Xml(..) => String::new(),
        }
    }

    /// The answer in the encoding that the tenant has set.
    #[must_use]
    pub fn into_response(self, encoding: Encoding) -> Response<Vec<u8>> {
        if let Self::Xml(body, content_type) = self {
            return response(StatusCode::OK, content_type, body);
        }
        let (body, content_type) = encoded(&self.text(), encoding);
        let status = match self {
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            _ => StatusCode::OK,
        };
        let mut response = response(status, content_type, body);
        match &self {
            Self::Unauthorized(_) => {
                let scheme = HeaderValue::from_static("Basic realm=\"1C\", charset=\"UTF-8\"");
                response.headers_mut().insert(WWW_AUTHENTICATE, scheme);
            }
            Self::LoggedIn { cookie, .. } => {
                if let Ok(cookie) = HeaderValue::from_str(cookie) {
                    response.headers_mut().insert(SET_COOKIE, cookie);
                }
            }
            _ => {}
        }
        response
    }
}

fn response(status: StatusCode, content_type: &'static str, body: Vec<u8>) -> Response<Vec<u8>> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let content_type = HeaderValue::from_static(content_type);
    response.headers_mut().insert(CONTENT_TYPE, content_type);
    response
}

/// The text's bytes and their content type.
#[must_use]
pub fn encoded(text: &str, encoding: Encoding) -> (Vec<u8>, &'static str) {
    const UTF8: &str = "text/plain; charset=utf-8";
    match encoding {
        Encoding::Utf8 => (text.as_bytes().to_vec(), UTF8),
        Encoding::Utf8Bom if text.is_ascii() => (text.as_bytes().to_vec(), UTF8),
        Encoding::Utf8Bom => (format!("{BOM}{text}").into_bytes(), UTF8),
        Encoding::Windows1251 => (
            sklad_cyrillic::encode_1251(text),
            "text/plain; charset=windows-1251",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bytes(reply: Reply, encoding: Encoding) -> Vec<u8> {
        reply.into_response(encoding).into_body()
    }

    #[test]
    fn the_first_line_is_the_protocol_in_every_encoding() {
        for encoding in [Encoding::Utf8, Encoding::Utf8Bom, Encoding::Windows1251] {
            assert_eq!(bytes(Reply::success(), encoding), b"success");
            let init = Reply::Settings(vec!["zip=no".into(), "file_limit=1000000".into()]);
            assert_eq!(bytes(init, encoding), b"zip=no\nfile_limit=1000000");
        }
    }

    #[test]
    fn texts_come_in_the_encoding_of_the_settings() {
        let failure = || Reply::failure("Нет");
        assert_eq!(bytes(failure(), Encoding::Utf8), "failure\nНет".as_bytes());
        assert_eq!(
            bytes(failure(), Encoding::Utf8Bom),
            "\u{feff}failure\nНет".as_bytes()
        );
        assert_eq!(
            bytes(failure(), Encoding::Windows1251),
            b"failure\n\xcd\xe5\xf2"
        );
    }
}
