//! A request that was read whole, and an answer before it is sent.

use bytes::Bytes;
use http::{HeaderMap, Method};
use serde::Serialize;
use serde_json::{Value, json};

/// A request.
#[derive(Debug, Clone)]
pub(crate) struct Ask {
    pub(crate) method: Method,
    /// The shop's domain: the first part of the path.
    pub(crate) shop: String,
    /// The rest of the path, with its slash.
    pub(crate) path: String,
    /// As it was sent, without the question mark.
    pub(crate) raw_query: String,
    pub(crate) query: Vec<(String, String)>,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Bytes,
}

impl Ask {
    /// A header as text.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    /// The first parameter of this name.
    pub(crate) fn param(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str())
    }

    /// Whether a parameter is there and says no «no».
    pub(crate) fn flag(&self, name: &str) -> bool {
        self.param(name)
            .is_some_and(|value| !matches!(value, "" | "0" | "false"))
    }

    /// The values of an array, which must be written with brackets (§6.1).
    pub(crate) fn array(&self, name: &str) -> Vec<&str> {
        let pairs = self.query.iter();
        pairs
            .filter(|(key, _)| key.strip_suffix("[]") == Some(name))
            .map(|(_, value)| value.as_str())
            .collect()
    }
}

/// An answer.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(&'static str, String)>,
    pub(crate) content_type: &'static str,
    pub(crate) body: Bytes,
}

impl Reply {
    /// An answer without a body.
    pub(crate) fn empty(status: u16) -> Self {
        Self {
            status,
            headers: Vec::new(),
            content_type: "application/json; charset=utf-8",
            body: Bytes::new(),
        }
    }

    pub(crate) fn json(value: &impl Serialize) -> Self {
        Self {
            // What is shown here has text keys only and always becomes JSON.
            body: serde_json::to_vec(value).unwrap_or_default().into(),
            ..Self::empty(200)
        }
    }

    /// What simple things are answered after a change (§11).
    pub(crate) fn ok() -> Self {
        Self::json(&json!({ "status": "ok" }))
    }

    pub(crate) fn file(body: Bytes) -> Self {
        Self {
            content_type: "image/png",
            body,
            ..Self::empty(200)
        }
    }

    pub(crate) fn text(status: u16, text: &str) -> Self {
        Self {
            content_type: "text/plain; charset=utf-8",
            body: text.to_owned().into(),
            ..Self::empty(status)
        }
    }

    /// A page for people: a proxy's, or the shop's own for what it does not know.
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

/// A refusal. No sample of an error's body is known (§11): these are made up after what clients read.
#[derive(Debug, Clone)]
pub(crate) struct Problem {
    pub(crate) status: u16,
    body: Value,
}

impl Problem {
    /// 422 with `{"errors": {field: [text]}}`.
    pub(crate) fn field(field: &str, text: &str) -> Self {
        Self {
            status: 422,
            body: json!({ "errors": { field: [text] } }),
        }
    }

    /// 400: what was sent cannot be read.
    pub(crate) fn malformed(text: impl Into<String>) -> Self {
        Self {
            status: 400,
            body: json!({ "error": text.into() }),
        }
    }

    /// 404 for a thing that is not there.
    pub(crate) fn missing() -> Self {
        Self {
            status: 404,
            body: json!({ "status": "404", "error": "Not Found" }),
        }
    }

    /// The body as text, for whoever did it by hand.
    pub(crate) fn text(&self) -> String {
        self.body.to_string()
    }
}

impl From<Problem> for Reply {
    fn from(problem: Problem) -> Self {
        Self::json(&problem.body).status(problem.status)
    }
}
