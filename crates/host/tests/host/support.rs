//! A running probe with a folder of its own, and a small HTTP client.

use std::path::{Path, PathBuf};
use std::time::Duration;

use http_body_util::{BodyExt as _, Full};
use hyper::body::Bytes;
use sklad_host::{Builder, Running, Server};
use tokio::net::TcpStream;
use wasmtime_wasi_http::io::TokioIo;

const BUILD: &str =
    "cargo build --profile wasm --target wasm32-wasip2 -p guest-probe -p guest-cron";

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
