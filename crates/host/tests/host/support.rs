//! A running probe with a folder of its own, and a small HTTP client.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use sklad_host::{Builder, Running, Server};
use tokio::net::TcpStream;
use wasmtime_wasi_http::io::TokioIo;

const BUILD: &str = "cargo build --profile wasm --target wasm32-wasip2 -p guest-probe -p guest-cron -p guest-wasi02";

/// The root of the repository.
pub fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The manifest of a guest under `tests/guests`; panics with the command when it is not built.
pub fn guest(name: &str) -> PathBuf {
    let wasm = root().join(format!("target/wasm32-wasip2/wasm/guest_{name}.wasm"));
    assert!(
        wasm.is_file(),
        "{} is missing, build it first: {BUILD}",
        wasm.display()
    );
    root().join(format!("tests/guests/{name}/spin.toml"))
}

/// A server and its folder.
pub struct Probe {
    pub server: Running,
    pub state: tempfile::TempDir,
}

impl Probe {
    /// The probe with nothing special about it.
    pub async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    /// The probe, set up further by `change`.
    pub async fn with(change: impl FnOnce(Builder) -> Builder) -> Self {
        Self::of("probe", change).await
    }

    /// The guest `name`, set up further by `change`.
    pub async fn of(name: &str, change: impl FnOnce(Builder) -> Builder) -> Self {
        let state = tempfile::tempdir().unwrap();
        let builder = Server::builder()
            .manifest(guest(name))
            .listen("127.0.0.1:0")
            .state_dir(state.path())
            .quiet(true);
        let server = change(builder).start().await.unwrap();
        Self { server, state }
    }

    /// GET `path`: status and text.
    pub async fn get(&self, path: &str) -> (u16, String) {
        let answer = get(&self.server, path).await;
        (answer.status, answer.text)
    }

    /// GET `path` of the probe's SQL page with `sql`.
    pub async fn sql(&self, sql: &str) -> (u16, String) {
        let sql = sql
            .replace('%', "%25")
            .replace(' ', "+")
            .replace('\'', "%27");
        self.get(&format!("/probe/sql?db=default&sql={sql}")).await
    }
}

/// An answer read to its end.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: hyper::HeaderMap,
    pub text: String,
}

/// GET on a connection of its own.
pub async fn get(server: &Running, path: &str) -> Answer {
    Connection::open(server).await.get(path).await
}

/// A kept-alive connection.
pub struct Connection {
    sender: hyper::client::conn::http1::SendRequest<Full<Bytes>>,
    host: String,
}

impl Connection {
    pub async fn open(server: &Running) -> Self {
        let stream = TcpStream::connect(server.addr()).await.unwrap();
        let (sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .unwrap();
        tokio::spawn(connection);
        Self {
            sender,
            host: server.addr().to_string(),
        }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send("GET", path, "").await
    }

    pub async fn send(&mut self, method: &str, path: &str, body: &str) -> Answer {
        let request = hyper::Request::builder()
            .method(method)
            .uri(path)
            .header("host", &self.host)
            .body(Full::new(Bytes::from(body.to_owned())))
            .unwrap();
        self.sender.ready().await.unwrap();
        let response = self.sender.send_request(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = body
            .collect()
            .await
            .map(|body| body.to_bytes())
            .unwrap_or_default();
        Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            text: String::from_utf8_lossy(&text).into_owned(),
        }
    }
}

/// Waits (5 seconds at most) until `done` says so.
pub async fn eventually(what: &str, mut done: impl AsyncFnMut() -> bool) {
    for _ in 0..500 {
        if done().await {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it did not come about: {what}");
}

/// The binary `sklad-edge up` with the probe, in a process of its own.
pub struct Binary {
    process: std::process::Child,
    pub address: String,
    _state: tempfile::TempDir,
}

impl Binary {
    /// Starts it with these environment variables and waits until it serves.
    pub fn start(environment: &[(&str, &str)]) -> Self {
        use std::io::{BufRead as _, BufReader};
        let state = tempfile::tempdir().unwrap();
        let mut process = std::process::Command::new(env!("CARGO_BIN_EXE_sklad-edge"))
            .args([
                "up",
                "--json",
                "--quiet",
                "--listen",
                "127.0.0.1:0",
                "--from",
            ])
            .arg(guest("probe"))
            .arg("--state-dir")
            .arg(state.path())
            .envs(environment.iter().copied())
            .stdout(std::process::Stdio::piped())
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(process.stdout.take().unwrap())
            .read_line(&mut line)
            .unwrap();
        let started: serde_json::Value = serde_json::from_str(&line).unwrap();
        assert_eq!(started["routes"][0]["id"], "probe");
        let address = started["base_url"]
            .as_str()
            .unwrap()
            .trim_start_matches("http://");
        Self {
            process,
            address: address.to_owned(),
            _state: state,
        }
    }

    /// Sends SIGTERM and waits for a good end.
    pub fn terminate(&mut self) {
        let pid = self.process.id().to_string();
        std::process::Command::new("kill")
            .args(["-TERM", &pid])
            .status()
            .unwrap();
        assert!(self.process.wait().unwrap().success());
    }
}

impl Drop for Binary {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// GET over a plain socket that is closed after the answer; `headers` end in CRLF each.
pub fn raw_get(address: &str, path: &str, headers: &str) -> String {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(address).unwrap();
    let request =
        format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}\r\n");
    stream.write_all(request.as_bytes()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}
