//! OpenTelemetry: one span a request, sent as OTLP over HTTP (JSON) when
//! `OTEL_EXPORTER_OTLP_ENDPOINT` is set.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body_util::{BodyExt as _, Full};
use serde_json::{Value, json};
use tokio::sync::{mpsc, oneshot};
use wasmtime_wasi_http::{Error, RequestOptions};

use crate::client::Client;

/// The W3C header that carries a trace from one service to the next.
pub(crate) const TRACEPARENT: HeaderName = HeaderName::from_static("traceparent");

/// Spans that wait to be sent; more are dropped rather than slow the server down.
const WAITING_SPANS: usize = 4096;
/// Spans in one message.
const BATCH: usize = 512;
/// How long a span waits for others.
const BATCH_PAUSE: Duration = Duration::from_secs(2);
/// How long the collector may take for one message.
const SEND_TIMEOUT: Duration = Duration::from_secs(10);
/// OTLP's number for a span of a server.
const KIND_SERVER: u8 = 2;
/// OTLP's number for a failed span.
const STATUS_ERROR: u8 = 2;

/// Which span of which trace something belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TraceContext {
    trace: u128,
    span: u64,
    parent: Option<u64>,
    sampled: bool,
}

impl TraceContext {
    /// The value of the `traceparent` header for what this span calls.
    pub(crate) fn header(&self) -> Option<HeaderValue> {
        let flags = u8::from(self.sampled);
        let text = format!("00-{:032x}-{:016x}-{flags:02x}", self.trace, self.span);
        HeaderValue::try_from(text).ok()
    }

    /// A span under the one that the caller's header names.
    fn under(header: &HeaderValue, span: u64) -> Option<Self> {
        let mut parts = header.to_str().ok()?.split('-');
        let (version, trace, parent) = (parts.next()?, parts.next()?, parts.next()?);
        let flags = u8::from_str_radix(parts.next()?, 16).ok()?;
        if version.len() != 2 || version == "ff" || trace.len() != 32 || parent.len() != 16 {
            return None;
        }
        let trace = u128::from_str_radix(trace, 16)
            .ok()
            .filter(|trace| *trace != 0)?;
        let parent = u64::from_str_radix(parent, 16)
            .ok()
            .filter(|parent| *parent != 0)?;
        Some(Self {
            trace,
            span,
            parent: Some(parent),
            sampled: flags & 1 == 1,
        })
    }
}

/// What is told about one request.
#[derive(Debug)]
pub(crate) struct Span {
    pub context: TraceContext,
    pub component: String,
    pub route: String,
    pub method: String,
    pub path: String,
    pub status: u16,
    pub started: SystemTime,
    pub ended: SystemTime,
}

enum Message {
    Span(Box<Span>),
    Flush(oneshot::Sender<()>),
}

/// Makes span ids and hands finished spans to the exporter; without an endpoint it does nothing.
pub(crate) struct Tracer {
    exporter: Option<mpsc::Sender<Message>>,
    random: RandomState,
    made: AtomicU64,
}

impl Tracer {
    /// Reads OpenTelemetry's environment variables and starts the exporter if they ask for it.
    pub(crate) fn from_environment(application: &str, client: Arc<Client>) -> Result<Self> {
        let var = |name| std::env::var(name).ok().filter(|value| !value.is_empty());
        let exporter = match var("OTEL_EXPORTER_OTLP_ENDPOINT") {
            None => None,
            Some(endpoint) => {
                let (sender, receiver) = mpsc::channel(WAITING_SPANS);
                let exporter = Exporter {
                    client,
                    url: format!("{}/v1/traces", endpoint.trim_end_matches('/'))
                        .parse()
                        .context("OTEL_EXPORTER_OTLP_ENDPOINT")?,
                    headers: headers(&var("OTEL_EXPORTER_OTLP_HEADERS").unwrap_or_default())?,
                    service: var("OTEL_SERVICE_NAME").unwrap_or_else(|| application.to_owned()),
                };
                tokio::spawn(exporter.run(receiver));
                Some(sender)
            }
        };
        Ok(Self {
            exporter,
            random: RandomState::new(),
            made: AtomicU64::new(0),
        })
    }

    /// The context of a new request, under its caller's when it names one; `None` when off.
    pub(crate) fn begin(&self, headers: &HeaderMap) -> Option<TraceContext> {
        self.exporter.as_ref()?;
        let span = self.id();
        let under = headers
            .get(TRACEPARENT)
            .and_then(|header| TraceContext::under(header, span));
        Some(under.unwrap_or_else(|| {
            let trace = u128::from(self.id()) << 64 | u128::from(self.id());
            TraceContext {
                trace,
                span,
                parent: None,
                sampled: true,
            }
        }))
    }

    /// Exports a finished span, unless its caller decided not to sample the trace.
    pub(crate) fn end(&self, span: Span) {
        if let Some(exporter) = &self.exporter
            && span.context.sampled
        {
            let _ = exporter.try_send(Message::Span(Box::new(span)));
        }
    }

    /// Waits until everything that was exported has been sent.
    pub(crate) async fn flush(&self) {
        let Some(exporter) = &self.exporter else {
            return;
        };
        let (done, sent) = oneshot::channel();
        if exporter.send(Message::Flush(done)).await.is_ok() {
            let _ = tokio::time::timeout(SEND_TIMEOUT, sent).await;
        }
    }

    /// A random number that is not zero: a keyed hash of a counter.
    fn id(&self) -> u64 {
        self.random.hash_one(self.made.fetch_add(1, Relaxed)).max(1)
    }
}

/// Parses `name=value,name=value`.
fn headers(text: &str) -> Result<HeaderMap> {
    let mut headers = HeaderMap::new();
    for pair in text.split(',').filter(|pair| !pair.trim().is_empty()) {
        let place = "OTEL_EXPORTER_OTLP_HEADERS";
        let (name, value) = pair.split_once('=').context(place)?;
        let name = HeaderName::try_from(name.trim()).context(place)?;
        headers.insert(name, HeaderValue::try_from(value.trim()).context(place)?);
    }
    headers.insert(
        http::header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    Ok(headers)
}

/// Sends spans in batches. A batch that the collector does not take is lost.
struct Exporter {
    client: Arc<Client>,
    url: http::Uri,
    headers: HeaderMap,
    service: String,
}

impl Exporter {
    async fn run(self, mut messages: mpsc::Receiver<Message>) {
        while let Some(first) = messages.recv().await {
            let mut spans = Vec::new();
            let mut flushed = Vec::new();
            let mut next = Some(first);
            let pause = tokio::time::sleep(BATCH_PAUSE);
            let mut pause = std::pin::pin!(pause);
            while let Some(message) = next {
                match message {
                    Message::Span(span) => spans.push(encode(&span)),
                    Message::Flush(done) => flushed.push(done),
                }
                if spans.len() >= BATCH || !flushed.is_empty() {
                    break;
                }
                next = tokio::select! {
                    message = messages.recv() => message,
                    () = &mut pause => None,
                };
            }
            if let Err(error) = self.send(spans).await {
                eprintln!("OpenTelemetry: spans were not taken: {error}");
            }
            for done in flushed {
                let _ = done.send(());
            }
        }
    }

    async fn send(&self, spans: Vec<Value>) -> Result<(), Error> {
        if spans.is_empty() {
            return Ok(());
        }
        let message = json!({ "resourceSpans": [{
            "resource": { "attributes": [attribute("service.name", &self.service)] },
            "scopeSpans": [{ "scope": { "name": "sklad-edge" }, "spans": spans }],
        }] });
        let body = Full::new(Bytes::from(message.to_string()));
        let mut request = http::Request::post(self.url.clone())
            .body(body.map_err(Error::from).boxed_unsync())
            .map_err(|_| Error::HttpRequestUriInvalid)?;
        *request.headers_mut() = self.headers.clone();
        if let Some(host) = self
            .url
            .authority()
            .map(|host| HeaderValue::try_from(host.as_str()))
        {
            let host = host.map_err(|_| Error::HttpRequestUriInvalid)?;
            request.headers_mut().insert(http::header::HOST, host);
        }
        let options = RequestOptions {
            connect_timeout: Some(SEND_TIMEOUT),
            first_byte_timeout: Some(SEND_TIMEOUT),
            between_bytes_timeout: Some(SEND_TIMEOUT),
        };
        let answer = self.client.send(request, Some(options), true).await?;
        let status = answer.status();
        answer.into_body().collect().await?;
        if status.is_success() {
            return Ok(());
        }
        Err(Error::InternalError(Some(format!(
            "the collector answered {status}"
        ))))
    }
}

fn attribute(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

fn encode(span: &Span) -> Value {
    let nanos = |time: SystemTime| {
        time.duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_nanos()
            .to_string()
    };
    let mut encoded = json!({
        "traceId": format!("{:032x}", span.context.trace),
        "spanId": format!("{:016x}", span.context.span),
        "name": format!("{} {}", span.method, span.route),
        "kind": KIND_SERVER,
        "startTimeUnixNano": nanos(span.started),
        "endTimeUnixNano": nanos(span.ended),
        "attributes": [
            attribute("http.request.method", &span.method),
            attribute("http.route", &span.route),
            attribute("url.path", &span.path),
            attribute("component_id", &span.component),
            { "key": "http.response.status_code", "value": { "intValue": span.status.to_string() } },
        ],
    });
    if let Some(encoded) = encoded.as_object_mut() {
        if let Some(parent) = span.context.parent {
            encoded.insert("parentSpanId".into(), format!("{parent:016x}").into());
        }
        if span.status >= 500 {
            encoded.insert("status".into(), json!({ "code": STATUS_ERROR }));
        }
    }
    encoded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_callers_trace_is_continued() {
        let header = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
        let context = TraceContext::under(&HeaderValue::from_static(header), 7).unwrap();
        assert_eq!(context.parent, Some(0xb7ad_6b71_6920_3331));
        let continued = "00-0af7651916cd43dd8448eb211c80319c-0000000000000007-01";
        assert_eq!(context.header().unwrap(), continued);
    }

    #[test]
    fn a_malformed_header_begins_no_trace() {
        for header in [
            "",
            "00-1-2-01",
            "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
        ] {
            assert_eq!(
                TraceContext::under(&HeaderValue::from_static(header), 7),
                None,
                "{header}"
            );
        }
    }
}
