//! A client of the exchange, written from the specification (commerceml §1). It behaves as 1С does unless
//! it is told to misbehave.

use std::time::{Duration, Instant};

use super::wire::{self, How, Reply, Request};
use crate::fixture::encode;

/// What follows `/t/{tenant}`, as a merchant pastes it.
pub const ENDPOINT: &str = "/rest/integration/1c_exchange.php";
/// Between `progress` and the next question; 1С waits a second (commerceml §1.5).
const PAUSE: Duration = Duration::from_millis(30);
/// How long an import may take.
pub const PATIENCE: Duration = Duration::from_secs(120);

/// Whose login it is, and how it is kept.
#[derive(Debug, Clone)]
pub struct Client {
    /// The application's address.
    pub url: String,
    /// The path of the exchange.
    pub path: String,
    pub login: String,
    pub password: String,
    /// `name=value` out of lines 2 and 3 of `checkauth`.
    pub cookie: Option<String>,
    /// Line 4 as it came: appended to later addresses.
    pub token: Option<String>,
    /// The value of line 5.
    pub timestamp: Option<String>,
    /// Out of `init`.
    pub file_limit: usize,
    pub zip: bool,
    /// Whether cookies are kept; without them every request has login and password.
    pub keeps_cookies: bool,
    /// Whether login and password come with the cookie, as МойСклад does.
    pub always_basic: bool,
    /// More headers of every request.
    pub headers: Vec<(String, String)>,
}

impl Client {
    /// Nobody has logged in yet.
    pub fn new(url: &str, path: String, login: &str, password: &str) -> Self {
        Self {
            url: url.to_owned(),
            path,
            login: login.to_owned(),
            password: password.to_owned(),
            cookie: None,
            token: None,
            timestamp: None,
            file_limit: 1_000_000,
            zip: false,
            keeps_cookies: true,
            always_basic: false,
            headers: vec![("User-Agent".into(), "1C+Enterprise/8.3".into())],
        }
    }

    /// `Authorization` of this login.
    pub fn basic(&self) -> String {
        basic(format!("{}:{}", self.login, self.password).as_bytes())
    }

    /// The headers of a request as things stand.
    pub fn identity(&self) -> Vec<(String, String)> {
        let mut headers = self.headers.clone();
        let cookie = self.cookie.as_ref().filter(|_| self.keeps_cookies);
        if cookie.is_none() || self.always_basic {
            headers.push(("Authorization".into(), self.basic()));
        }
        if let Some(cookie) = cookie {
            headers.push(("Cookie".into(), cookie.clone()));
        }
        headers
    }

    /// The address of a step; `more` follows as it stands.
    pub fn target(&self, kind: &str, mode: &str, more: &str) -> String {
        let mut target = format!("{}?type={kind}&mode={mode}{more}", self.path);
        if let Some(token) = self.token.as_ref().filter(|_| mode != "checkauth") {
            target += &format!("&{token}");
        }
        target
    }

    /// Any request, as it is.
    pub fn send(&self, request: &Request) -> Option<Reply> {
        wire::send(&self.url, request).unwrap_or_else(|e| panic!("{}: {e}", request.target))
    }

    /// A step without a body.
    pub fn get(&self, kind: &str, mode: &str, more: &str) -> Reply {
        let request = Request {
            method: "GET",
            target: self.target(kind, mode, more),
            headers: self.identity(),
            ..Request::default()
        };
        self.send(&request).unwrap()
    }

    /// A step about a file; its name is percent-encoded UTF-8.
    pub fn about(&self, kind: &str, mode: &str, name: &str) -> Reply {
        self.get(kind, mode, &format!("&filename={}", encode(name)))
    }

    /// `checkauth` (commerceml §1.2): the reply as it came; what it says is remembered.
    pub fn checkauth(&mut self, kind: &str) -> Reply {
        let request = Request {
            method: "GET",
            target: self.target(kind, "checkauth", ""),
            headers: vec![("Authorization".into(), self.basic())],
            ..Request::default()
        };
        let reply = self.send(&request).unwrap();
        if reply.word() == "success" {
            self.cookie = Some(format!("{}={}", reply.line(1), reply.line(2)));
            self.token = Some(reply.line(3)).filter(|line| !line.is_empty());
            let stamp = reply.line(4);
            self.timestamp = stamp.strip_prefix("timestamp=").map(str::to_owned);
        }
        reply
    }

    /// `init` (commerceml §1.3): what it says is obeyed.
    pub fn init(&mut self, kind: &str) -> Reply {
        let reply = self.get(kind, "init", "");
        for line in reply.text().lines() {
            match line.split_once('=') {
                Some(("zip", word)) => self.zip = word == "yes",
                Some(("file_limit", number)) => self.file_limit = number.parse().unwrap(),
                _ => {}
            }
        }
        reply
    }

    /// Logs in and begins an exchange.
    pub fn begin(&mut self, kind: &str) {
        let reply = self.checkauth(kind);
        assert_eq!(reply.word(), "success", "{}", reply.text());
        let reply = self.init(kind);
        assert!(reply.text().starts_with("zip="), "{}", reply.text());
    }

    /// Posts one chunk; nothing comes back where it does not listen.
    pub fn chunk(&self, kind: &str, name: &str, body: &[u8], how: How) -> Option<Reply> {
        let more = format!("&filename={}", encode(name));
        self.post(self.target(kind, "file", &more), body, how)
    }

    /// Posts a body to any address.
    pub fn post(&self, target: String, body: &[u8], how: How) -> Option<Reply> {
        let mut headers = self.identity();
        headers.push(("Content-Type".into(), "application/octet-stream".into()));
        self.send(&Request {
            method: "POST",
            target,
            headers,
            body: body.to_vec(),
            how,
        })
    }

    /// Posts one chunk that must be taken.
    #[track_caller]
    pub fn put(&self, name: &str, body: &[u8]) {
        self.chunk("catalog", name, body, How::Whole)
            .unwrap()
            .success();
    }

    /// Posts a file in chunks of the limit.
    #[track_caller]
    pub fn upload(&self, name: &str, body: &[u8]) {
        for chunk in body.chunks(self.file_limit) {
            self.put(name, chunk);
        }
    }

    /// Asks for an import until it ends; what was answered on the way, the end among it.
    pub fn import(&self, name: &str) -> Vec<Reply> {
        self.until_ended(|| self.about("catalog", "import", name))
    }

    /// Repeats a question while the answer is `progress`.
    pub fn until_ended(&self, ask: impl Fn() -> Reply) -> Vec<Reply> {
        let started = Instant::now();
        let mut replies = Vec::new();
        loop {
            let reply = ask();
            let goes_on = reply.word() == "progress";
            replies.push(reply);
            if !goes_on {
                return replies;
            }
            assert!(
                started.elapsed() < PATIENCE,
                "no end: {}",
                replies.last().unwrap().text()
            );
            std::thread::sleep(PAUSE);
        }
    }

    /// An import that must succeed; how often it was asked for.
    #[track_caller]
    pub fn imported(&self, name: &str) -> usize {
        let replies = self.import(name);
        replies.last().unwrap().success();
        replies.len()
    }

    /// An import that must fail; what is told.
    #[track_caller]
    pub fn refused(&self, name: &str) -> String {
        self.import(name).last().unwrap().failure()
    }

    /// A whole exchange as 1С does it: all files, then the imports of those that are no pictures, in their
    /// order (commerceml §1.5).
    #[track_caller]
    pub fn exchange(&mut self, files: &[(&str, &[u8])]) {
        self.begin("catalog");
        for (name, body) in files {
            self.upload(name, body);
        }
        for (name, _) in files {
            if name.ends_with(".xml") || name.ends_with(".zip") {
                self.imported(name);
            }
        }
    }
}

/// `Authorization` of `login:password` in whatever encoding.
pub fn basic(pair: &[u8]) -> String {
    const DIGITS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::from("Basic ");
    for three in pair.chunks(3) {
        let byte = |n: usize| u32::from(three.get(n).copied().unwrap_or_default());
        let bits = byte(0) << 16 | byte(1) << 8 | byte(2);
        for n in 0..4 {
            let digit = DIGITS[(bits >> (18 - 6 * n)) as usize & 63];
            let is_there = n <= three.len();
            text.push(if is_there { char::from(digit) } else { '=' });
        }
    }
    text
}

#[test]
fn a_login_is_written_in_base_64() {
    assert_eq!(
        basic(b"Aladdin:open sesame"),
        "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="
    );
    assert_eq!(basic(b"a:bc"), "Basic YTpiYw==");
    assert_eq!(basic(b"a:bcd"), "Basic YTpiY2Q=");
}
