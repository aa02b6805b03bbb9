//! HTTP as a client of the exchange speaks it, well or badly: one connection a request, as 1С does, and
//! bytes that no library would send.

use std::io::{self, Read as _, Write as _};
use std::net::{Shutdown, TcpStream};
use std::time::Duration;

/// How long one answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// How a request is sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum How {
    /// With its length, at once.
    #[default]
    Whole,
    /// `Transfer-Encoding: chunked`, in pieces of so many bytes.
    Chunked(usize),
    /// In so many pieces with a pause between them.
    Slowly(usize, Duration),
    /// So many bytes of the body, then the connection is closed.
    CutShort(usize),
    /// Whole, but the answer is not waited for.
    Deaf,
}

/// A request; the host is added.
#[derive(Debug, Clone, Default)]
pub struct Request {
    pub method: &'static str,
    /// Path and query, encoded.
    pub target: String,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub how: How,
}

/// What came back, to the byte.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub headers: Vec<(String, String)>,
    pub body: Vec<u8>,
}

impl Reply {
    /// The first value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut found = self
            .headers
            .iter()
            .filter(|(n, _)| n.eq_ignore_ascii_case(name));
        found.next().map(|(_, value)| value.as_str())
    }

    /// The body as UTF-8.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// A line of the body, from 0; empty behind the end.
    pub fn line(&self, n: usize) -> String {
        self.text().lines().nth(n).unwrap_or_default().to_owned()
    }

    /// The word of the protocol: the first line.
    pub fn word(&self) -> String {
        self.line(0)
    }

    /// That this is `success` alone.
    #[track_caller]
    pub fn success(&self) {
        assert_eq!((self.status, self.text().as_str()), (200, "success"));
    }

    /// The text of a failure, after a look at it: short, Russian, and nothing of our insides.
    #[track_caller]
    pub fn failure(&self) -> String {
        let text = self.text();
        let told = text
            .strip_prefix("failure\n")
            .unwrap_or_else(|| panic!("no failure: {} {text}", self.status));
        assert_eq!(self.status, 200, "{text}");
        assert_no_insides(told);
        told.to_owned()
    }
}

/// That a text is for a merchant: short, Russian, one or two lines, no insides (commerceml §1.12).
#[track_caller]
pub fn assert_no_insides(told: &str) {
    let russian = told.chars().any(|c| ('а'..='я').contains(&c));
    assert!(russian && told.chars().count() <= 400, "{told:?}");
    let low = told.to_lowercase();
    for inside in [
        "sqlite", "select ", "insert ", "panicked", "/tmp", ".rs:", "wasm", "error(", "none",
    ] {
        assert!(!low.contains(inside), "{inside} in {told:?}");
    }
}

/// Sends a request; nothing comes back where the client does not listen.
///
/// # Errors
/// When the connection fails or no answer can be read.
pub fn send(url: &str, request: &Request) -> io::Result<Option<Reply>> {
    let host = url.trim_start_matches("http://");
    let mut stream = TcpStream::connect(host)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_nodelay(true)?;
    let written = write(&mut stream, host, request);
    match request.how {
        How::Deaf => {
            written?;
            stream.shutdown(Shutdown::Both)?;
            Ok(None)
        }
        How::CutShort(_) => {
            written?;
            stream.shutdown(Shutdown::Write)?;
            // Whether it answers is its own affair.
            Ok(read(&mut stream).ok())
        }
        // A server may answer and close before it has read all.
        _ => read(&mut stream)
            .map(Some)
            .map_err(|error| written.err().unwrap_or(error)),
    }
}

fn write(stream: &mut TcpStream, host: &str, request: &Request) -> io::Result<()> {
    let mut head = format!("{} {} HTTP/1.1\r\n", request.method, request.target);
    if !request
        .headers
        .iter()
        .any(|(name, _)| name.eq_ignore_ascii_case("host"))
    {
        head += &format!("Host: {host}\r\n");
    }
    for (name, value) in &request.headers {
        head += &format!("{name}: {value}\r\n");
    }
    match request.how {
        How::Chunked(_) => head += "Transfer-Encoding: chunked\r\n",
        _ if request.method == "GET" => {}
        _ => head += &format!("Content-Length: {}\r\n", request.body.len()),
    }
    head += "Connection: close\r\n\r\n";
    stream.write_all(head.as_bytes())?;
    match request.how {
        How::Whole | How::Deaf => stream.write_all(&request.body)?,
        How::CutShort(kept) => stream.write_all(&request.body[..kept])?,
        How::Chunked(size) => {
            for piece in request.body.chunks(size) {
                stream.write_all(format!("{:x}\r\n", piece.len()).as_bytes())?;
                stream.write_all(piece)?;
                stream.write_all(b"\r\n")?;
            }
            stream.write_all(b"0\r\n\r\n")?;
        }
        How::Slowly(pieces, pause) => {
            for piece in request
                .body
                .chunks(request.body.len().div_ceil(pieces).max(1))
            {
                stream.write_all(piece)?;
                std::thread::sleep(pause);
            }
        }
    }
    stream.flush()
}

fn read(stream: &mut TcpStream) -> io::Result<Reply> {
    let broken = || io::Error::new(io::ErrorKind::UnexpectedEof, "no whole answer");
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes)?;
    let end = bytes
        .windows(4)
        .position(|w| w == b"\r\n\r\n")
        .ok_or_else(broken)?;
    let head = String::from_utf8_lossy(&bytes[..end]).into_owned();
    let mut lines = head.split("\r\n");
    let status = lines.next().and_then(|line| line.split(' ').nth(1));
    let status = status
        .and_then(|code| code.parse().ok())
        .ok_or_else(broken)?;
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_owned(), value.trim().to_owned()))
        .collect();
    let mut reply = Reply {
        status,
        headers,
        body: bytes.split_off(end + 4),
    };
    if reply.header("transfer-encoding") == Some("chunked") {
        reply.body = unchunked(&reply.body).ok_or_else(broken)?;
    }
    let length = reply.header("content-length").and_then(|n| n.parse().ok());
    let bodiless = matches!(status, 204 | 304);
    if !bodiless && length.is_some_and(|length: usize| length != reply.body.len()) {
        return Err(broken());
    }
    Ok(reply)
}

fn unchunked(mut rest: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let end = rest.windows(2).position(|w| w == b"\r\n")?;
        let size = std::str::from_utf8(&rest[..end]).ok()?;
        let size = usize::from_str_radix(size.split(';').next()?.trim(), 16).ok()?;
        rest = &rest[end + 2..];
        if size == 0 {
            return Some(body);
        }
        body.extend_from_slice(rest.get(..size)?);
        rest = rest.get(size + 2..)?;
    }
}
