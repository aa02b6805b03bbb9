//! The server, and what stands before every answer: faults, who asks, the limit.

use std::future::pending;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Request, Response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};

use crate::api::{self, Call, auth};
use crate::limits::{Limiter, Used};
use crate::log::{Log, Seen};
use crate::message::{Ask, Reply};
use crate::misbehave::{Fault, Faults};
use crate::state::{Key, World};
use crate::time::machine_ms;
use crate::webhooks::{self, Post};
use crate::{Handle, Options, control, files};

/// The largest body that is read at all, in bytes.
const READ_BYTES: usize = 8 * 1024 * 1024;

/// A mutation that waits for an answer.
pub(crate) struct Trap {
    pub(crate) shop: String,
    pub(crate) path: String,
    pub(crate) after: u32,
    pub(crate) act: Box<dyn FnOnce(&Handle) + Send>,
}

/// Everything that requests share.
pub(crate) struct Shared {
    pub(crate) options: Options,
    /// `http://host:port`.
    pub(crate) origin: String,
    pub(crate) post: Post,
    pub(crate) runtime: tokio::runtime::Handle,
    pub(crate) client: Client<HttpConnector, Full<Bytes>>,
    world: Mutex<World>,
    limiter: Mutex<Limiter>,
    faults: Mutex<Faults>,
    log: Mutex<Log>,
    traps: Mutex<Vec<Trap>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("origin", &self.origin)
            .finish_non_exhaustive()
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(
        options: Options,
        origin: String,
        post: Post,
        runtime: tokio::runtime::Handle,
    ) -> Self {
        Self {
            options,
            origin,
            post,
            runtime,
            client: Client::builder(TokioExecutor::new()).build_http(),
            world: Mutex::default(),
            limiter: Mutex::default(),
            faults: Mutex::default(),
            log: Mutex::default(),
            traps: Mutex::default(),
        }
    }

    pub(crate) fn world(&self) -> MutexGuard<'_, World> {
        locked(&self.world)
    }

    pub(crate) fn limiter(&self) -> MutexGuard<'_, Limiter> {
        locked(&self.limiter)
    }

    pub(crate) fn faults(&self) -> MutexGuard<'_, Faults> {
        locked(&self.faults)
    }

    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        locked(&self.log)
    }

    pub(crate) fn traps(&self) -> MutexGuard<'_, Vec<Trap>> {
        locked(&self.traps)
    }
}

/// Accepts connections.
pub(crate) async fn serve(shared: Arc<Shared>, listener: TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        tokio::spawn(connection(shared.clone(), stream));
    }
}

async fn connection(shared: Arc<Shared>, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(shared.clone(), request));
    // A connection that breaks is the client's business, or a fault that was asked for.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    shared: Arc<Shared>,
    request: Request<Incoming>,
) -> Result<Response<Sent>, io::Error> {
    let ask = read(request).await?;
    if ask.shop == "_fake" {
        let handle = Handle { shared };
        return Ok(sent(control::handle(&handle, &ask), false));
    }
    if ask.path.starts_with("/files/") {
        return Ok(sent(file(&shared, &ask), false));
    }
    admin(&shared, &ask).await
}

async fn read(request: Request<Incoming>) -> Result<Ask, io::Error> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, READ_BYTES)
        .collect()
        .await
        .map_err(io::Error::other)?;
    let raw_query = head.uri.query().unwrap_or_default().to_owned();
    let query = form_urlencoded::parse(raw_query.as_bytes());
    let path = head.uri.path().trim_start_matches('/');
    let (shop, rest) = path.split_once('/').unwrap_or((path, ""));
    Ok(Ask {
        method: head.method,
        shop: shop.to_owned(),
        path: format!("/{rest}"),
        query: query
            .map(|(key, value)| (key.into_owned(), value.into_owned()))
            .collect(),
        raw_query,
        headers: head.headers,
        body: body.to_bytes(),
    })
}

/// A picture: no key is asked for.
fn file(shared: &Shared, ask: &Ask) -> Reply {
    if shared.world().shop(&ask.shop).is_none() {
        return Reply::html(404);
    }
    Reply::file(files::picture(&ask.path).into())
}

/// What becomes of a request.
enum Outcome {
    /// An answer, after so many milliseconds.
    Reply(Reply, u32),
    /// Half of an answer.
    Half(Reply),
    /// No answer; the connection ends after so many milliseconds, or never.
    Nothing(Option<u32>),
}

impl Outcome {
    fn status(&self) -> u16 {
        match self {
            Self::Reply(reply, _) | Self::Half(reply) => reply.status,
            Self::Nothing(_) => 0,
        }
    }
}

async fn wait(ms: u32) {
    if ms > 0 {
        tokio::time::sleep(Duration::from_millis(ms.into())).await;
    }
}

async fn admin(shared: &Arc<Shared>, ask: &Ask) -> Result<Response<Sent>, io::Error> {
    let address = format!("{}?{}", ask.path, ask.raw_query);
    let known = {
        let world = shared.world();
        let store = world.shop(&ask.shop);
        store.map(|store| (store.domain.clone(), auth::key(store, ask)))
    };
    let shop = known
        .as_ref()
        .map_or(&ask.shop, |(domain, _)| domain)
        .clone();
    let fault = shared.faults().of(ask.method.as_str(), &shop, &address);
    let mut seen = Seen {
        at_ms: machine_ms(),
        shop: shop.clone(),
        method: ask.method.to_string(),
        path: ask.path.clone(),
        query: ask.raw_query.clone(),
        key: None,
        status: 0,
        used: 0,
    };
    wait(shared.options.latency_ms).await;
    if let Some(Fault::Slow { ms }) = fault {
        wait(ms).await;
    }
    let outcome = match (&fault, known) {
        (Some(Fault::Close), _) => Outcome::Nothing(Some(0)),
        (_, None) => Outcome::Reply(Reply::html(404), 0),
        (_, Some((_, None))) => Outcome::Reply(auth::stranger(), 0),
        (_, Some((_, Some(key)))) => counted(shared, ask, &shop, key, fault, &mut seen),
    };
    seen.status = outcome.status();
    shared.log().add(seen);
    spring(shared, &shop, &address);
    match outcome {
        Outcome::Reply(reply, after) => {
            wait(after).await;
            Ok(sent(reply, false))
        }
        Outcome::Half(reply) => Ok(sent(reply, true)),
        Outcome::Nothing(None) => pending().await,
        Outcome::Nothing(Some(after)) => {
            wait(after).await;
            Err(io::Error::other("closed on purpose"))
        }
    }
}

/// Counts a request of somebody with a key, then does it or what the fault says.
fn counted(
    shared: &Arc<Shared>,
    ask: &Ask,
    shop: &str,
    key: Key,
    fault: Option<Fault>,
    seen: &mut Seen,
) -> Outcome {
    let used = shared.limiter().enter(shop, &key.id, machine_ms());
    (seen.key, seen.used) = (Some(key.id.clone()), used.used);
    if let Some((status, seconds)) = used.refused {
        return Outcome::Reply(limited(used, status, Some(seconds)), 0);
    }
    if let Some(outcome) = fault.as_ref().and_then(|fault| undone(fault, used)) {
        return outcome;
    }
    if let Some(Fault::CommitLater { ms }) = fault {
        let (shared, ask, shop) = (shared.clone(), ask.clone(), shop.to_owned());
        shared.runtime.clone().spawn(async move {
            wait(ms).await;
            perform(&shared, &ask, &shop, &key);
        });
        return Outcome::Nothing(Some(0));
    }
    let reply = with_usage(perform(shared, ask, shop, &key), used);
    match fault {
        Some(Fault::CutBody) => Outcome::Half(reply),
        Some(Fault::CommitThenHang { ms }) => Outcome::Nothing(ms),
        Some(Fault::CommitThenClose) => Outcome::Nothing(Some(0)),
        Some(Fault::CommitThenTooSlow { after_ms }) => Outcome::Reply(Reply::html(504), after_ms),
        Some(Fault::EmptyText) if reply.status < 300 => {
            let body = "\"\"".into();
            Outcome::Reply(Reply { body, ..reply }, 0)
        }
        _ => Outcome::Reply(reply, 0),
    }
}

/// What is answered, or not, where nothing is done.
fn undone(fault: &Fault, used: Used) -> Option<Outcome> {
    let reply = match fault {
        Fault::Limited {
            status,
            retry_after_s,
        } => limited(used, *status, retry_after_s.map(i64::from)),
        Fault::Status { status } => {
            let body = serde_json::json!({ "error": "Internal error" });
            with_usage(Reply::json(&body).status(*status), used)
        }
        Fault::Html { status } => Reply::html(*status),
        Fault::Redirect { to } => Reply::html(302).with("location", to),
        Fault::Hang { ms } => return Some(Outcome::Nothing(*ms)),
        Fault::TooSlow { after_ms } => return Some(Outcome::Reply(Reply::html(504), *after_ms)),
        _ => return None,
    };
    Some(Outcome::Reply(reply, 0))
}

fn limited(used: Used, status: u16, retry_after_s: Option<i64>) -> Reply {
    let reply = with_usage(Reply::text(status, "Retry later\n"), used);
    match retry_after_s {
        Some(seconds) => reply.with("retry-after", seconds.to_string()),
        None => reply,
    }
}

fn with_usage(reply: Reply, used: Used) -> Reply {
    reply.with("api-usage-limit", format!("{}/{}", used.used, used.of))
}

/// Does what is asked, and makes the webhooks of it.
fn perform(shared: &Arc<Shared>, ask: &Ask, shop: &str, key: &Key) -> Reply {
    let mut world = shared.world();
    let now_ms = world.now_ms();
    let Some(store) = world.shop_mut(shop) else {
        return Reply::html(404);
    };
    let mut call = Call {
        store,
        ask,
        key: key.clone(),
        origin: &shared.origin,
        now_ms,
        events: Vec::new(),
    };
    let reply = api::handle(&mut call);
    let events = std::mem::take(&mut call.events);
    webhooks::publish(shared, store, &events);
    reply
}

/// Runs the mutations that waited for this answer.
fn spring(shared: &Arc<Shared>, shop: &str, address: &str) {
    let mut ready = Vec::new();
    {
        let mut traps = shared.traps();
        let mut place = 0;
        while let Some(trap) = traps.get_mut(place) {
            if trap.shop == shop && address.contains(&trap.path) {
                trap.after = trap.after.saturating_sub(1);
                if trap.after == 0 {
                    ready.push(traps.remove(place).act);
                    continue;
                }
            }
            place += 1;
        }
    }
    let handle = Handle {
        shared: shared.clone(),
    };
    ready.into_iter().for_each(|act| act(&handle));
}

fn sent(reply: Reply, half: bool) -> Response<Sent> {
    let mut body = reply.body;
    let mut response = Response::new(());
    *response.status_mut() = http::StatusCode::from_u16(reply.status).unwrap_or_default();
    let headers = response.headers_mut();
    headers.insert("content-type", HeaderValue::from_static(reply.content_type));
    headers.insert("content-length", HeaderValue::from(body.len()));
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    if half {
        body.truncate(body.len() / 2);
    }
    response.map(|()| Sent {
        left: (!body.is_empty()).then_some(body),
        cut: half,
    })
}

/// A body that may break off.
pub(crate) struct Sent {
    left: Option<Bytes>,
    cut: bool,
}

impl Body for Sent {
    type Data = Bytes;
    type Error = io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, io::Error>>> {
        match self.left.take() {
            Some(body) => Poll::Ready(Some(Ok(Frame::data(body)))),
            None if self.cut => Poll::Ready(Some(Err(io::Error::other("cut on purpose")))),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.left.is_none() && !self.cut
    }

    fn size_hint(&self) -> SizeHint {
        match &self.left {
            Some(body) if !self.cut => SizeHint::with_exact(body.len() as u64),
            None if !self.cut => SizeHint::with_exact(0),
            _ => SizeHint::default(),
        }
    }
}
