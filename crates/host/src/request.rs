//! The way of one request: route it, tell the guest where it came from, bring the answer back.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::task::{Context, Poll};
use std::time::{Duration, Instant, SystemTime};

use bytes::Bytes;
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Uri};
use http_body::{Frame, SizeHint};
use http_body_util::{BodyExt as _, Full};
use hyper::body::Incoming;
use wasmtime_wasi_http::{Error, WasiBody};

use crate::app::{App, Target};
use crate::log::{Line, Log, now};
use crate::manifest::StaticResponse;
use crate::metrics::Counters;
use crate::router::Match;
use crate::trace::{Span, TRACEPARENT, TraceContext, Tracer};

/// Paths that the host answers itself.
const WELL_KNOWN: &str = "/.well-known/spin/";

/// The status that is logged when the client left before the answer, as nginx has it.
const CLIENT_LEFT: u16 = 499;

/// What every request of a server shares.
pub(crate) struct Service {
    pub app: App,
    pub log: Log,
    pub tracer: Tracer,
}

impl Service {
    /// Answers one request. It cannot fail: what goes wrong becomes a status.
    pub(crate) async fn call(
        self: Arc<Self>,
        client: SocketAddr,
        request: http::Request<Incoming>,
    ) -> Result<Response<Answer>, Infallible> {
        let in_flight = InFlight::new(self.clone(), &request);
        let path = request.uri().path();
        let (place, response) = match path.strip_prefix(WELL_KNOWN) {
            Some("health") => (Place::default(), plain(StatusCode::OK, "OK")),
            Some("info") => (Place::default(), self.info()),
            Some(_) => (Place::default(), plain(StatusCode::NOT_FOUND, "")),
            None => self.route(client, request, in_flight.trace).await,
        };
        Ok(in_flight.answer(place, response))
    }

    async fn route(
        &self,
        client: SocketAddr,
        mut request: http::Request<Incoming>,
        trace: Option<TraceContext>,
    ) -> (Place, Response<WasiBody>) {
        if let Some(header) = trace.and_then(|trace| trace.header()) {
            request.headers_mut().insert(TRACEPARENT, header);
        }
        let path = request.uri().path().to_owned();
        let Some(found) = self.app.router.find(&path) else {
            return (Place::default(), plain(StatusCode::NOT_FOUND, ""));
        };
        let target = self.app.targets.get(found.target);
        let mut place = Place {
            component: String::new(),
            route: found.route.to_owned(),
        };
        let response = match target {
            None => plain(StatusCode::NOT_FOUND, ""),
            Some(Target::Static(response)) => fixed(response),
            Some(Target::Component { id, handler }) => {
                place.component.clone_from(id);
                match prepare(request, &found, client) {
                    Err(reason) => plain(StatusCode::BAD_REQUEST, reason),
                    // As in Spin, the reason stays in the component's log.
                    Ok(request) => handler
                        .handle(trace, request)
                        .await
                        .unwrap_or_else(|_| plain(StatusCode::INTERNAL_SERVER_ERROR, "")),
                }
            }
        };
        (place, response)
    }

    fn info(&self) -> Response<WasiBody> {
        let application = &self.app.manifest.application;
        let mut info = serde_json::json!({ "name": application.name });
        if let (Some(version), Some(info)) = (&application.version, info.as_object_mut()) {
            info.insert("version".into(), version.clone().into());
        }
        let mut response = plain(StatusCode::OK, &format!("{info:#}"));
        let json = HeaderValue::from_static("application/json");
        response
            .headers_mut()
            .insert(http::header::CONTENT_TYPE, json);
        response
    }
}

/// An answer of the host itself.
fn plain(status: StatusCode, text: &str) -> Response<WasiBody> {
    let body = Full::new(Bytes::copy_from_slice(text.as_bytes()));
    let mut response = Response::new(body.map_err(Error::from).boxed_unsync());
    *response.status_mut() = status;
    response
}

fn fixed(answer: &StaticResponse) -> Response<WasiBody> {
    let status = StatusCode::from_u16(answer.status_code.unwrap_or(200));
    let mut response = plain(
        status.unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
        answer.body.as_deref().unwrap_or_default(),
    );
    for (name, value) in &answer.headers {
        if let (Ok(name), Ok(value)) = (HeaderName::try_from(name), HeaderValue::from_str(value)) {
            response.headers_mut().append(name, value);
        }
    }
    response
}

/// Gives the request its full address and the `spin-*` headers.
fn prepare(
    request: http::Request<Incoming>,
    found: &Match<'_>,
    client: SocketAddr,
) -> Result<http::Request<WasiBody>, &'static str> {
    let (mut parts, body) = request.into_parts();
    let authority = authority(&parts.uri, &parts.headers)?;
    let mut uri = parts.uri.into_parts();
    uri.scheme = Some(Scheme::HTTP);
    uri.authority = Some(authority);
    parts.uri = Uri::from_parts(uri).map_err(|_| "the request has no usable address")?;
    let full_url = parts.uri.to_string();
    let mut put = |name: HeaderName, value: &str| {
        if let Ok(value) = HeaderValue::from_str(value) {
            parts.headers.insert(name, value);
        }
    };
    put(HeaderName::from_static("spin-full-url"), &full_url);
    put(HeaderName::from_static("spin-path-info"), &found.path_info);
    put(HeaderName::from_static("spin-matched-route"), found.route);
    put(HeaderName::from_static("spin-base-path"), "/");
    put(
        HeaderName::from_static("spin-raw-component-route"),
        found.route,
    );
    put(
        HeaderName::from_static("spin-component-route"),
        found.component_route(),
    );
    put(
        HeaderName::from_static("spin-client-addr"),
        &client.to_string(),
    );
    for (name, value) in &found.named {
        if let Ok(name) = HeaderName::try_from(format!("spin-path-match-{name}")) {
            put(name, value);
        }
    }
    Ok(http::Request::from_parts(
        parts,
        body.map_err(Error::from).boxed_unsync(),
    ))
}

/// The host that the client addressed: from the request line or the `Host` header.
fn authority(uri: &Uri, headers: &HeaderMap) -> Result<Authority, &'static str> {
    let header = headers.get(http::header::HOST).map(|host| {
        Authority::try_from(host.as_bytes()).map_err(|_| "the Host header is malformed")
    });
    match (uri.authority(), header.transpose()?) {
        (None, None) => Err("the Host header is missing"),
        (None, Some(authority)) => Ok(authority),
        (Some(authority), None) => Ok(authority.clone()),
        (Some(line), Some(header)) if *line == header => Ok(header),
        _ => Err("the Host header does not agree with the request line"),
    }
}

/// Where a request went, for the log.
#[derive(Debug, Default)]
struct Place {
    component: String,
    route: String,
}

/// Counts a request from its head to the end of its answer, then logs it.
struct InFlight {
    service: Arc<Service>,
    started: Instant,
    trace: Option<TraceContext>,
    place: Place,
    method: String,
    path: String,
    status: u16,
    bytes: u64,
}

impl InFlight {
    fn new(service: Arc<Service>, request: &http::Request<Incoming>) -> Self {
        service.app.counters.in_flight.fetch_add(1, Relaxed);
        let trace = service.tracer.begin(request.headers());
        let logged = service.log.enabled() || trace.is_some();
        let text = |text: &str| {
            if logged {
                text.to_owned()
            } else {
                String::new()
            }
        };
        Self {
            method: text(request.method().as_str()),
            path: text(request.uri().path()),
            service,
            started: Instant::now(),
            trace,
            place: Place::default(),
            status: 0,
            bytes: 0,
        }
    }

    fn answer(mut self, place: Place, response: Response<WasiBody>) -> Response<Answer> {
        self.place = place;
        self.status = response.status().as_u16();
        self.counters().answers.fetch_add(1, Relaxed);
        response.map(|body| Answer {
            body,
            polled: false,
            in_flight: self,
        })
    }

    fn counters(&self) -> &Counters {
        &self.service.app.counters
    }
}

impl InFlight {
    fn log(&self, elapsed: Duration) {
        self.service.log.line(&Line {
            time: now(),
            component: &self.place.component,
            route: &self.place.route,
            method: &self.method,
            path: &self.path,
            status: self.status,
            ms: (elapsed.as_secs_f64() * 1e6).round() / 1e3,
            bytes: self.bytes,
        });
    }

    fn span(&mut self, context: TraceContext, elapsed: Duration) -> Span {
        let ended = SystemTime::now();
        Span {
            context,
            component: std::mem::take(&mut self.place.component),
            route: std::mem::take(&mut self.place.route),
            method: std::mem::take(&mut self.method),
            path: std::mem::take(&mut self.path),
            status: self.status,
            started: ended.checked_sub(elapsed).unwrap_or(ended),
            ended,
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.counters().in_flight.fetch_sub(1, Relaxed);
        let elapsed = self.started.elapsed();
        if self.status == 0 {
            self.status = CLIENT_LEFT;
        }
        if self.service.log.enabled() {
            self.log(elapsed);
        }
        if let Some(context) = self.trace {
            let span = self.span(context, elapsed);
            self.service.tracer.end(span);
        }
    }
}

/// The body of an answer, counted.
pub(crate) struct Answer {
    body: WasiBody,
    polled: bool,
    in_flight: InFlight,
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        if !self.polled {
            self.polled = true;
            if frame.is_pending() {
                self.in_flight.counters().late_bodies.fetch_add(1, Relaxed);
            }
        }
        if let Poll::Ready(Some(Ok(frame))) = &frame
            && let Some(data) = frame.data_ref()
        {
            self.in_flight.bytes = self.in_flight.bytes.saturating_add(data.len() as u64);
        }
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
