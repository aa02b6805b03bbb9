//! A request that was read whole, and an answer before it is sent.

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde_json::Value;

use crate::error::Problem;

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    pub(crate) path: String,
    /// As it was sent, without the question mark.
    pub(crate) raw_query: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Ask {
    /// A request without path, headers or body.
    pub(crate) fn nothing(method: Method) -> Self {
        Self {
            method,
            path: String::new(),
            raw_query: String::new(),
            query: Vec::new(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// Whether the client takes gzip.
    pub(crate) fn takes_gzip(&self) -> bool {
        let accepted = self.header("accept-encoding").unwrap_or_default();
        accepted.split(',').any(|one| {
            one.split(';')
                .next()
                .is_some_and(|one| one.trim() == "gzip")
        })
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
    /// The body is packed already.
    pub(crate) packed: bool,
}

/// The vendor's content type.
pub(crate) const JSON: &str = "application/json;charset=utf-8";

impl Reply {
    /// An answer without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content_type: JSON,
            body: Bytes::new(),
            packed: false,
        }
    }

    pub(crate) fn json(value: &Value) -> Self {
        Self {
            body: value.to_string().into(),
            ..Self::empty(200)
        }
    }

    pub(crate) fn file(body: Bytes) -> Self {
        Self {
            content_type: "image/png",
            body,
            ..Self::empty(200)
        }
    }

    /// A page that a proxy on the way would answer.
    pub(crate) fn html(status: u16) -> Self {
        let text = format!(
            "<html>\r\n<head><title>{status}</title></head>\r\n<body><center><h1>{status}</h1></center>\
             <hr><center>nginx</center></body>\r\n</html>"
        );
        Self {
            content_type: "text/html",
            body: text.into(),
            ..Self::empty(status)
        }
    }

    pub(crate) fn with(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(crate) fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }
}

impl From<Problem> for Reply {
    fn from(problem: Problem) -> Self {
        Self::json(&problem.body()).status(problem.status)
    }
}
