//! The three servers, and what stands before every answer: faults, gzip, who asks, limits.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::pending;
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use flate2::write::GzEncoder;
use http::{HeaderValue, Request, Response, response};
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::{Body, Frame, Incoming, SizeHint};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioIo};
use tokio::net::{TcpListener, TcpStream};
use uuid::Uuid;

use crate::api::{self, Call, auth};
use crate::control;
use crate::error::Problem;
use crate::limits::{Denied, Left, Limiter, Payer};
use crate::link;
use crate::log::{Log, Seen, Server};
use crate::message::{Ask, Reply};
use crate::misbehave::{Fault, Faults, Which};
use crate::state::{Session, World};
use crate::time::machine_ms;
use crate::webhooks::{self, Post};
use crate::{Handle, Options, VendorCall, vendor};

/// The largest body that is read at all, in bytes.
const READ_BYTES: usize = 32 * 1024 * 1024;
/// How many bytes of packed answers are kept.
const CACHED_BYTES: usize = 256 * 1024 * 1024;

/// Where the servers are: `http://host:port`.
#[derive(Debug, Clone)]
pub(crate) struct Origins {
    pub(crate) api: String,
    pub(crate) apps: String,
    pub(crate) files: String,
}

/// A mutation that waits for an answer.
pub(crate) struct Trap {
    pub(crate) account: Uuid,
    pub(crate) path: String,
    pub(crate) after: u32,
    pub(crate) act: Box<dyn FnOnce(&Handle) + Send>,
}

/// Everything that requests share.
pub(crate) struct Shared {
    pub(crate) options: Options,
    pub(crate) origins: Origins,
    pub(crate) post: Post,
    pub(crate) runtime: tokio::runtime::Handle,
    world: Mutex<World>,
    limiter: Mutex<Limiter>,
    faults: Mutex<Faults>,
    log: Mutex<Log>,
    traps: Mutex<Vec<Trap>>,
    vendor_calls: Mutex<Vec<VendorCall>>,
    /// Packed lists by who and what, with the version that they show.
    cache: Mutex<HashMap<String, (u64, Bytes)>>,
    client: Client<HttpConnector, Full<Bytes>>,
}

impl std::fmt::Debug for Shared {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Shared")
            .field("origins", &self.origins)
            .finish_non_exhaustive()
    }
}

/// Why a call to somebody else has no answer.
#[derive(Debug)]
pub(crate) struct Unanswered {
    pub(crate) timed_out: bool,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Shared {
    pub(crate) fn new(
        options: Options,
        origins: Origins,
        post: Post,
        runtime: tokio::runtime::Handle,
    ) -> Self {
        let limiter = Limiter::new(options.limits.clone());
        Self {
            options,
            origins,
            post,
            runtime,
            world: Mutex::default(),
            limiter: Mutex::new(limiter),
            faults: Mutex::default(),
            log: Mutex::default(),
            traps: Mutex::default(),
            vendor_calls: Mutex::default(),
            cache: Mutex::default(),
            client: Client::builder(TokioExecutor::new()).build_http(),
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

    pub(crate) fn vendor_calls(&self) -> MutexGuard<'_, Vec<VendorCall>> {
        locked(&self.vendor_calls)
    }

    /// Calls somebody else: a receiver of webhooks or a solution.
    pub(crate) async fn ask(
        &self,
        request: Request<Bytes>,
        patience: Duration,
    ) -> Result<(response::Parts, Bytes), Unanswered> {
        let whole = async {
            let answer = self
                .client
                .request(request.map(Full::new))
                .await
                .map_err(drop)?;
            let (head, body) = answer.into_parts();
            let body = Limited::new(body, READ_BYTES)
                .collect()
                .await
                .map_err(drop)?;
            Ok((head, body.to_bytes()))
        };
        match tokio::time::timeout(patience, whole).await {
            Ok(Ok(answer)) => Ok(answer),
            Ok(Err(())) => Err(Unanswered { timed_out: false }),
            Err(_) => Err(Unanswered { timed_out: true }),
        }
    }
}

/// Accepts connections for one server.
pub(crate) async fn serve(shared: Arc<Shared>, server: Server, listener: TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            continue;
        };
        tokio::spawn(connection(shared.clone(), server, stream));
    }
}

async fn connection(shared: Arc<Shared>, server: Server, stream: TcpStream) {
    let _ = stream.set_nodelay(true);
    let service = service_fn(move |request| answer(shared.clone(), server, request));
    // A connection that breaks is the client's business, or a fault that was asked for.
    let _ = http1::Builder::new()
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

async fn answer(
    shared: Arc<Shared>,
    server: Server,
    request: Request<Incoming>,
) -> Result<Response<Sent>, io::Error> {
    let ask = read(request).await?;
    if let Some(path) = ask.path.strip_prefix("/_fake/") {
        let handle = Handle {
            shared: shared.clone(),
        };
        let reply = control::handle(&handle, path, &ask).await;
        return Ok(whole(&ask, reply));
    }
    let address = format!("{}?{}", ask.path, ask.raw_query);
    let session = auth::session(&shared.world(), &ask);
    let account = session.as_ref().ok().map(|session| session.account);
    let method = ask.method.as_str();
    let fault = shared.faults().of(&Which {
        server,
        method,
        address: &address,
        account,
    });
    let mut seen = Seen {
        at_ms: machine_ms(),
        server,
        method: ask.method.to_string(),
        path: ask.path.clone(),
        query: ask.raw_query.clone(),
        account,
        who: None,
        status: 0,
        units: 0,
        parallel: 0,
    };
    match fault {
        Some(Fault::Slow { ms }) => tokio::time::sleep(Duration::from_millis(ms.into())).await,
        Some(Fault::Close) => {
            shared.log().add(seen);
            return Err(io::Error::other("closed on purpose"));
        }
        _ => {}
    }
    let (reply, guard) = match server {
        Server::Api => api_reply(&shared, &ask, session, fault.as_ref(), &mut seen).await,
        Server::Apps => (apps_reply(&shared, &ask, fault.as_ref()).await, None),
        Server::Files => (file(&shared, &ask), None),
    };
    let silent = matches!(
        fault,
        Some(Fault::Hang | Fault::CommitThenHang | Fault::CommitThenClose)
    );
    seen.status = if silent { 0 } else { reply.status };
    shared.log().add(seen);
    spring(&shared, account, &address);
    match fault {
        Some(Fault::Hang | Fault::CommitThenHang) => {
            pending::<Infallible>().await;
            Err(io::Error::other("unreachable"))
        }
        Some(Fault::CommitThenClose) => Err(io::Error::other("closed on purpose")),
        Some(Fault::CutBody) => Ok(cut(&ask, reply)),
        _ => {
            let answer = whole(&ask, reply);
            drop(guard);
            Ok(answer)
        }
    }
}

async fn read(request: Request<Incoming>) -> Result<Ask, io::Error> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, READ_BYTES)
        .collect()
        .await
        .map_err(io::Error::other)?;
    let raw_query = head.uri.query().unwrap_or_default().to_owned();
    let query = form_urlencoded::parse(raw_query.as_bytes());
    Ok(Ask {
        method: head.method,
        path: head.uri.path().to_owned(),
        query: query
            .map(|(key, value)| (key.into_owned(), value.into_owned()))
            .collect(),
        raw_query,
        headers: head.headers,
        body: body.to_bytes(),
    })
}

/// Runs the mutations that waited for this answer.
fn spring(shared: &Arc<Shared>, account: Option<Uuid>, address: &str) {
    let mut ready = Vec::new();
    {
        let mut traps = shared.traps();
        let mut place = 0;
        while let Some(trap) = traps.get_mut(place) {
            if account == Some(trap.account) && address.contains(&trap.path) {
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

/// Ends a request's place among those at once, whatever becomes of it.
struct Guard {
    shared: Arc<Shared>,
    payer: Payer,
}

impl Drop for Guard {
    fn drop(&mut self) {
        self.shared.limiter().leave(&self.payer);
    }
}

async fn api_reply(
    shared: &Arc<Shared>,
    ask: &Ask,
    session: Result<Session, Problem>,
    fault: Option<&Fault>,
    seen: &mut Seen,
) -> (Reply, Option<Guard>) {
    if !ask.takes_gzip() {
        return (Reply::empty(415), None);
    }
    if ask.path == "/api/remap/1.2/security/token" && ask.method == http::Method::POST {
        return (auth::token(&mut shared.world(), ask), None);
    }
    let session = match session {
        Ok(session) => session,
        Err(problem) => return (auth::refused(problem), None),
    };
    seen.who = Some(session.uid.clone());
    let payer = Payer {
        account: session.account,
        who: session.uid.clone(),
    };
    let limits = shared.options.limits.clone();
    let weight = auth::weight(&shared.world(), &session, ask, &limits);
    let entered = shared.limiter().enter(&payer, machine_ms(), weight);
    let left = match entered {
        Ok(left) => left,
        Err(denied) => return (too_many(&limits, denied), None),
    };
    let guard = Guard {
        shared: shared.clone(),
        payer: payer.clone(),
    };
    (seen.units, seen.parallel) = (weight, left.parallel);
    if shared.options.latency_ms > 0 {
        tokio::time::sleep(Duration::from_millis(shared.options.latency_ms)).await;
    }
    let reply = match fault {
        Some(Fault::Hang) => pending().await,
        Some(fault) => instead(fault).unwrap_or_else(|| perform(shared, ask, session)),
        None => perform(shared, ask, session),
    };
    let method = ask.method.as_str();
    shared
        .limiter()
        .ended(&payer, machine_ms(), method, &ask.path, reply.status);
    let unit = if limits.headers_in_requests {
        weight.max(1)
    } else {
        1
    };
    (with_rates(reply, &limits, left, unit), Some(guard))
}

/// What some faults answer in place of the service.
fn instead(fault: &Fault) -> Option<Reply> {
    match fault {
        Fault::RateLimit { retry_after_ms } => Some(rate_refusal((*retry_after_ms).into())),
        Fault::TooParallel => Some(parallel_refusal()),
        Fault::Status { status, code } => {
            Some(Problem::new(*status, *code, "Внутренняя ошибка сервера").into())
        }
        Fault::Html { status } => Some(Reply::html(*status)),
        _ => None,
    }
}

pub(crate) fn perform(shared: &Arc<Shared>, ask: &Ask, session: Session) -> Reply {
    let suppressed = match webhooks::suppressed(&ask.headers) {
        Ok(suppressed) => suppressed,
        Err(problem) => return problem.into(),
    };
    let mut world = shared.world();
    let key = cache_key(ask, &world, &session);
    let version = world
        .account(session.account)
        .map_or(0, |account| account.version());
    if let Some(key) = &key
        && let Some((kept, body)) = locked(&shared.cache).get(key)
        && *kept == version
    {
        return Reply {
            body: body.clone(),
            packed: true,
            ..Reply::empty(200)
        };
    }
    let now = world.now();
    let (account, uid) = (session.account, session.uid.clone());
    let mut call = Call {
        origins: &shared.origins,
        world: &mut world,
        session,
        ask,
        now,
        events: Vec::new(),
    };
    let reply = api::handle(&mut call);
    let events = std::mem::take(&mut call.events);
    webhooks::publish(
        shared,
        &mut world,
        account,
        &uid,
        "remap-1.2",
        events,
        &suppressed,
    );
    drop(world);
    match key {
        Some(key) if reply.status == 200 => {
            let body = packed(&reply.body);
            let mut cache = locked(&shared.cache);
            let size: usize = cache.values().map(|(_, kept)| kept.len()).sum();
            if size + body.len() > CACHED_BYTES {
                cache.clear();
            }
            cache.insert(key, (version, body.clone()));
            Reply {
                body,
                packed: true,
                ..reply
            }
        }
        _ => reply,
    }
}

/// Lists and reports are packed once while nothing changes: a measurement is to be of the client, not of
/// this.
fn cache_key(ask: &Ask, world: &World, session: &Session) -> Option<String> {
    let path = ask.path.strip_prefix(link::BASE)?;
    let stays = path.starts_with("entity/") && !path.starts_with("entity/webhook")
        || path.starts_with("report/") && api::param(&ask.query, "changedSince").is_none();
    let accepted = ask.header("accept") == Some(crate::message::JSON);
    let user = world.account(session.account)?.user(&session.uid);
    let sees_all = user.is_none_or(|user| user.admin);
    if ask.method != http::Method::GET || !stays || !accepted || !sees_all {
        return None;
    }
    let feature = ask
        .header("x-lognex-remap-beta-feature")
        .unwrap_or_default();
    let default = |pair: &(String, String)| {
        matches!(
            (pair.0.as_str(), pair.1.as_str()),
            ("offset", "0") | ("limit", "1000")
        )
    };
    let mut query = ask.query.clone();
    query.retain(|pair| !default(pair));
    query.sort();
    Some(format!("{} {feature} {path} {query:?}", session.account))
}

fn with_rates(reply: Reply, limits: &crate::Limits, left: Left, unit: u32) -> Reply {
    reply
        .with("x-ratelimit-limit", (limits.units / unit).to_string())
        .with("x-ratelimit-remaining", (left.units / unit).to_string())
        .with("x-lognex-retry-timeinterval", limits.window_ms.to_string())
        .with("x-lognex-reset", left.reset_ms.to_string())
}

fn too_many(limits: &crate::Limits, denied: Denied) -> Reply {
    match denied {
        Denied::Rate { retry_after_ms } => rate_refusal(retry_after_ms)
            .with("x-ratelimit-limit", limits.units.to_string())
            .with("x-ratelimit-remaining", "0")
            .with("x-lognex-retry-timeinterval", limits.window_ms.to_string())
            .with("x-lognex-reset", retry_after_ms.to_string()),
        Denied::Parallel => parallel_refusal(),
        Denied::SwitchedOff => {
            Problem::new(403, 1061, "Доступ к API отключён для этого пользователя").into()
        }
    }
}

fn rate_refusal(retry_after_ms: i64) -> Reply {
    let text = "Превышено ограничение на количество запросов в единицу времени";
    Reply::from(Problem::new(429, 1049, text))
        .with("x-lognex-auth", "429002")
        .with("x-lognex-retry-after", retry_after_ms.to_string())
}

fn parallel_refusal() -> Reply {
    let text = "Превышено ограничение на одновременное количество запросов";
    Reply::from(Problem::new(429, 1073, text)).with("x-lognex-auth", "429005")
}

async fn apps_reply(shared: &Shared, ask: &Ask, fault: Option<&Fault>) -> Reply {
    match fault {
        Some(Fault::Hang) => pending().await,
        Some(fault) => instead(fault).unwrap_or_else(|| vendor::handle(&mut shared.world(), ask)),
        None => vendor::handle(&mut shared.world(), ask),
    }
}

/// `GET /temporary/{key}`: no authorisation, and none wanted.
fn file(shared: &Shared, ask: &Ask) -> Reply {
    if ask.headers.contains_key("authorization") {
        return Reply::html(400);
    }
    let world = shared.world();
    let key = ask
        .path
        .strip_prefix("/temporary/")
        .and_then(|key| Uuid::parse_str(key).ok());
    let found = key.and_then(|key| world.temporary.get(&key));
    match found {
        Some((picture, until)) if *until > world.now() => {
            let kept = world.pictures.get(picture).cloned();
            Reply::file(kept.unwrap_or_else(|| crate::files::picture(*picture).into()))
        }
        Some(_) => Reply::html(403),
        None => Reply::html(404),
    }
}

fn packed(body: &[u8]) -> Bytes {
    use std::io::Write as _;
    let mut packer = GzEncoder::new(Vec::new(), Compression::fast());
    // Writing into memory cannot fail.
    let _ = packer.write_all(body);
    packer.finish().unwrap_or_default().into()
}

/// The answer with its body packed where the client takes that.
fn whole(ask: &Ask, reply: Reply) -> Response<Sent> {
    let (response, body) = ready(ask, reply);
    response.map(|()| Sent {
        left: (!body.is_empty()).then_some(body),
        cut: false,
    })
}

/// The same with the second half of the body missing.
fn cut(ask: &Ask, reply: Reply) -> Response<Sent> {
    let (response, mut body) = ready(ask, reply);
    body.truncate(body.len() / 2);
    response.map(|()| Sent {
        left: Some(body),
        cut: true,
    })
}

fn ready(ask: &Ask, reply: Reply) -> (Response<()>, Bytes) {
    let gzip = reply.packed || ask.takes_gzip() && !reply.body.is_empty();
    let body = if gzip && !reply.packed {
        packed(&reply.body)
    } else {
        reply.body
    };
    let mut response = Response::new(());
    *response.status_mut() = http::StatusCode::from_u16(reply.status).unwrap_or_default();
    let headers = response.headers_mut();
    if !body.is_empty() {
        headers.insert("content-type", HeaderValue::from_static(reply.content_type));
    }
    if gzip {
        headers.insert("content-encoding", HeaderValue::from_static("gzip"));
    }
    headers.insert("content-length", HeaderValue::from(body.len()));
    for (name, value) in reply.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(name, value);
        }
    }
    (response, body)
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
