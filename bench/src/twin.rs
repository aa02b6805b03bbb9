//! The native program: the same handlers and the same SQL behind hyper, without a component.
//!
//! Each thread has its own application with a read connection, as each component's instance has.
//! Writes share one connection with `synchronous = FULL` in a WAL, which is the best that SQLite
//! gives; more threads than cores work on while one waits for the disk.

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::thread;

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use sklad_moysklad::loyalty::{BODY_LIMIT, calc, commit, search};
use sklad_store::native::NativeSql;
use sklad_store::{Row, Sql, SqlError, Statement};
use sklad_tenant::{App, Config};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{LocalSet, spawn_local};
use wasmtime_wasi_http::io::TokioIo;

use crate::kv::FileKv;
use crate::seed::{DATABASE, KEY_VALUE, now_ms};

/// Threads for each core.
const THREADS: usize = 4;

/// A thread's own connection for reading, everybody's for writing.
struct TwinSql {
    reader: NativeSql,
    writer: Arc<NativeSql>,
}

impl Sql for TwinSql {
    async fn query(&self, statement: Statement) -> Result<Vec<Row>, SqlError> {
        self.reader.query(statement).await
    }

    async fn atomic(&self, batch: Vec<Statement>) -> Result<Vec<Vec<Row>>, SqlError> {
        self.writer.atomic(batch).await
    }
}

type TwinApp = App<TwinSql, FileKv>;

/// Serves a state folder on a free port, which is told on standard output, for ever.
pub fn run(state: &Path) -> Result<()> {
    let writer = Arc::new(NativeSql::open(&state.join(DATABASE))?);
    let threads = thread::available_parallelism()?
        .get()
        .saturating_mul(THREADS);
    let mut workers = Vec::new();
    for _ in 0..threads {
        let (sender, receiver) = unbounded_channel();
        let (state, writer) = (state.to_owned(), writer.clone());
        thread::spawn(move || worker(&state, writer, receiver));
        workers.push(sender);
    }
    let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
    println!("http://{}", listener.local_addr()?);
    deal(&listener, &workers)
}

/// Gives the connections to the workers in turn.
fn deal(
    listener: &std::net::TcpListener,
    workers: &[UnboundedSender<std::net::TcpStream>],
) -> Result<()> {
    for worker in workers.iter().cycle() {
        let (stream, _) = listener.accept()?;
        worker.send(stream).context("a worker has ended")?;
    }
    Ok(())
}

fn worker(
    state: &Path,
    writer: Arc<NativeSql>,
    streams: UnboundedReceiver<std::net::TcpStream>,
) -> Result<()> {
    let sql = TwinSql {
        reader: NativeSql::open(&state.join(DATABASE))?,
        writer,
    };
    let kv = FileKv::open(&state.join(KEY_VALUE))?;
    let app = Rc::new(App::new(sql, kv, Config::default()));
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    LocalSet::new().block_on(&runtime, accept(app, streams))
}

async fn accept(
    app: Rc<TwinApp>,
    mut streams: UnboundedReceiver<std::net::TcpStream>,
) -> Result<()> {
    while let Some(stream) = streams.recv().await {
        stream.set_nonblocking(true)?;
        stream.set_nodelay(true)?;
        let io = TokioIo::new(TcpStream::from_std(stream)?);
        let app = app.clone();
        spawn_local(async move {
            let answer = service_fn(move |request| handle(app.clone(), request));
            // An error here is the client's: it left.
            let _ = http1::Builder::new().serve_connection(io, answer).await;
        });
    }
    Ok(())
}

async fn handle(app: Rc<TwinApp>, request: Request<Incoming>) -> Result<Response<Full<Bytes>>> {
    let (parts, body) = request.into_parts();
    let read = Limited::new(body, BODY_LIMIT.saturating_add(1))
        .collect()
        .await;
    let body = read.map_err(anyhow::Error::from_boxed)?.to_bytes();
    let response = dispatch(&app, Request::from_parts(parts, body)).await?;
    Ok(response.map(|body| Full::new(body.into())))
}

/// What spin.toml's routes do.
async fn dispatch(app: &TwinApp, request: Request<Bytes>) -> Result<Response<Vec<u8>>> {
    let now = now_ms()?;
    let path = request.uri().path();
    Ok(if path.ends_with("/retaildemand/recalc") {
        calc::handle(app, now, request).await
    } else if path.ends_with("/retaildemand") {
        commit::handle(app, now, request).await
    } else {
        search::handle(app, now, request).await
    })
}
