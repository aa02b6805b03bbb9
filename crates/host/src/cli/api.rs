//! The operator's API as the commands use it: a thin client that works against real Spin too.

use std::process::ExitCode;
use std::time::Duration;

use clap::Args;
use serde_json::Value;

/// How long a request may take: an import of goods writes a thousand rows.
const TIMEOUT: Duration = Duration::from_secs(60);
/// The largest answer that is read, bytes.
const MAX_ANSWER: u64 = 64 * 1024 * 1024;
/// Items of one page.
const PAGE: usize = 500;
/// The file beside the application in which Spin looks for variables too.
const DOT_ENV: &str = ".env";
/// The variable with the operator's token, as Spin reads it.
const TOKEN_VARIABLE: &str = "SPIN_VARIABLE_OPERATOR_TOKEN";

/// Where the application is and how the command answers.
#[derive(Debug, Clone, Args)]
pub struct Connection {
    /// Address of the running application.
    #[arg(
        long,
        global = true,
        env = "SKLAD_EDGE_URL",
        default_value = "http://127.0.0.1:3000"
    )]
    pub url: String,
    /// The operator's token [default: SPIN_VARIABLE_OPERATOR_TOKEN from .env in this folder].
    #[arg(
        long,
        global = true,
        env = "SKLAD_EDGE_OPERATOR_TOKEN",
        hide_env_values = true
    )]
    pub operator_token: Option<String>,
    /// Prints JSON instead of tables.
    #[arg(long, global = true)]
    pub json: bool,
}

/// Why a command failed; each has its exit code.
#[derive(Debug)]
pub enum Failure {
    /// The server refused: 1.
    Refused(String),
    /// The command itself is wrong: 2.
    Usage(String),
    /// The server is not there: 3.
    Unreachable(String),
}

impl Failure {
    fn code(&self) -> u8 {
        match self {
            Self::Refused(_) => 1,
            Self::Usage(_) => 2,
            Self::Unreachable(_) => 3,
        }
    }
}

/// Ends a command: a failure is told on standard error.
pub fn finish(result: Result<(), Failure>) -> ExitCode {
    let Err(failure) = result else {
        return ExitCode::SUCCESS;
    };
    match &failure {
        Failure::Refused(text) | Failure::Usage(text) | Failure::Unreachable(text) => {
            eprintln!("{text}");
        }
    }
    ExitCode::from(failure.code())
}

/// What is sent with a request.
pub enum Body<'a> {
    /// Nothing.
    None,
    /// A JSON document.
    Json(&'a Value),
    /// CSV.
    Csv(&'a str),
}

/// An answer that is well.
pub struct Reply {
    /// The body; null when it is empty.
    pub body: Value,
    /// The version of the document, as it stands in `ETag`.
    pub etag: Option<String>,
}

/// A client of one application.
pub struct Http {
    agent: ureq::Agent,
    url: String,
    headers: Vec<(&'static str, String)>,
}

impl Http {
    /// A client that sends `headers` with every request.
    pub fn new(url: &str, headers: Vec<(&'static str, String)>) -> Self {
        let config = ureq::Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .http_status_as_error(false)
            .build();
        Self {
            agent: config.into(),
            url: url.trim_end_matches('/').to_owned(),
            headers,
        }
    }

    /// Sends a request; answers status, `ETag` and body.
    pub fn exchange(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Body<'_>,
    ) -> Result<(u16, Option<String>, String), Failure> {
        let mut request = http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.url));
        let own = self
            .headers
            .iter()
            .map(|(name, value)| (*name, value.as_str()));
        for (name, value) in own.chain(headers.iter().copied()) {
            request = request.header(name, value);
        }
        let (media, body) = match body {
            Body::None => (None, String::new()),
            Body::Json(json) => (Some("application/json"), json.to_string()),
            Body::Csv(text) => (Some("text/csv; charset=utf-8"), (*text).to_owned()),
        };
        if let Some(media) = media {
            request = request.header("content-type", media);
        }
        let request = request
            .body(body)
            .map_err(|e| Failure::Usage(e.to_string()))?;
        let unreachable =
            |e: ureq::Error| Failure::Unreachable(format!("{} не отвечает: {e}", self.url));
        let mut response = self.agent.run(request).map_err(unreachable)?;
        let etag = response
            .headers()
            .get("etag")
            .and_then(|v| v.to_str().ok())
            .map(str::to_owned);
        let text = response
            .body_mut()
            .with_config()
            .limit(MAX_ANSWER)
            .read_to_string();
        Ok((response.status().as_u16(), etag, text.map_err(unreachable)?))
    }
}

/// The operator's API.
pub struct Api {
    http: Http,
    /// Print JSON instead of tables.
    pub json: bool,
}

impl Connection {
    /// The client for these options.
    pub fn api(&self) -> Result<Api, Failure> {
        let token = match self.operator_token.clone().filter(|t| !t.is_empty()) {
            Some(token) => token,
            None => from_dot_env().ok_or_else(|| {
                Failure::Usage(format!(
                    "нет токена оператора: --operator-token, SKLAD_EDGE_OPERATOR_TOKEN или {TOKEN_VARIABLE} в {DOT_ENV}"
                ))
            })?,
        };
        let headers = vec![("authorization", format!("Bearer {token}"))];
        Ok(Api {
            http: Http::new(&self.url, headers),
            json: self.json,
        })
    }
}

fn from_dot_env() -> Option<String> {
    let text = std::fs::read_to_string(DOT_ENV).ok()?;
    text.lines().find_map(|line| {
        let line = line.trim();
        let line = line.strip_prefix("export ").unwrap_or(line);
        let (name, value) = line.split_once('=')?;
        let value = value.trim().trim_matches(['"', '\'']);
        (name.trim() == TOKEN_VARIABLE && !value.is_empty()).then(|| value.to_owned())
    })
}

impl Api {
    /// Lets the application do for `budget_ms` what is due, or until nothing is; answers what it did.
    pub fn tick(&self, budget_ms: u32) -> Result<Value, Failure> {
        let path = format!("/internal/tick?budget_ms={budget_ms}&once=true");
        let (status, _, text) = self.http.exchange("POST", &path, &[], &Body::None)?;
        answer(status, &text)
    }

    /// Sends a request below `/api/v1/tenants`.
    pub fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &Body<'_>,
    ) -> Result<Reply, Failure> {
        let path = format!("/api/v1/tenants{path}");
        let (status, etag, text) = self.http.exchange(method, &path, headers, body)?;
        let body = answer(status, &text)?;
        Ok(Reply { body, etag })
    }

    /// Reads one document.
    pub fn get(&self, path: &str) -> Result<Value, Failure> {
        Ok(self.send("GET", path, &[], &Body::None)?.body)
    }

    /// Sends a document.
    pub fn post(&self, path: &str, body: &Value) -> Result<Value, Failure> {
        Ok(self.send("POST", path, &[], &Body::Json(body))?.body)
    }

    /// At most `limit` items of a list, page by page.
    pub fn list(&self, path: &str, limit: usize) -> Result<Vec<Value>, Failure> {
        let join = if path.contains('?') { '&' } else { '?' };
        let mut items = Vec::new();
        let mut cursor = String::new();
        while items.len() < limit {
            let page = PAGE.min(limit - items.len());
            let mut answer = self.get(&format!("{path}{join}limit={page}{cursor}"))?;
            if let Some(Value::Array(more)) = answer.get_mut("items").map(Value::take) {
                items.extend(more);
            }
            match answer.get("next").and_then(Value::as_str) {
                Some(next) => cursor = format!("&cursor={next}"),
                None => break,
            }
        }
        Ok(items)
    }
}

/// The body of an answer that is well; null when it is empty.
fn answer(status: u16, text: &str) -> Result<Value, Failure> {
    if !(200..300).contains(&status) {
        return Err(Failure::Refused(refusal(status, text)));
    }
    if text.is_empty() {
        return Ok(Value::Null);
    }
    serde_json::from_str(text)
        .map_err(|_| Failure::Refused("сервер ответил не JSON: это точно sklad-edge?".to_owned()))
}

/// The server's own words, with the place.
fn refusal(status: u16, text: &str) -> String {
    let body: Value = serde_json::from_str(text).unwrap_or_default();
    let error = body.get("error");
    let part = |value: Option<&Value>, name: &str| {
        value.and_then(|v| v.get(name)?.as_str().map(str::to_owned))
    };
    let Some(message) = part(error, "message") else {
        return format!("Сервер ответил {status}");
    };
    let problems = error
        .and_then(|e| e.get("problems")?.as_array())
        .filter(|p| !p.is_empty());
    let lines: Vec<String> = match problems {
        Some(problems) => problems
            .iter()
            .map(|p| {
                format!(
                    "{}: {}",
                    part(Some(p), "path").unwrap_or_default(),
                    part(Some(p), "message").unwrap_or_default()
                )
            })
            .collect(),
        None => match part(error, "path") {
            Some(path) => vec![format!("{path}: {message}")],
            None => vec![message],
        },
    };
    format!("{} ({status})", lines.join("\n"))
}

/// A text as a part of a path or of a query.
pub fn encode(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

/// `?a=1&b=2` of the parameters that are there.
pub fn query(parameters: &[(&str, Option<&str>)]) -> String {
    let pairs = parameters
        .iter()
        .filter_map(|(name, value)| Some(format!("{name}={}", encode((*value)?))));
    let pairs: Vec<String> = pairs.collect();
    if pairs.is_empty() {
        String::new()
    } else {
        format!("?{}", pairs.join("&"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_and_queries_are_encoded() {
        assert_eq!(encode("а/1 +"), "%D0%B0%2F1%20%2B");
        assert_eq!(query(&[("q", Some("a&b")), ("x", None)]), "?q=a%26b");
        assert_eq!(query(&[("x", None)]), "");
    }

    #[test]
    fn a_refusal_is_told_in_the_servers_words() {
        let text = r#"{"error": {"code": "refused", "message": "Нельзя", "path": "name"}}"#;
        assert_eq!(refusal(422, text), "name: Нельзя (422)");
        assert_eq!(refusal(502, "<html>"), "Сервер ответил 502");
    }
}
