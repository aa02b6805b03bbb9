//! OpenTelemetry.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;

use crate::support::{Binary, raw_get};

/// Takes one OTLP message and gives its body.
fn collect(listener: &TcpListener) -> serde_json::Value {
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        let read = stream.read(&mut buffer).unwrap();
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request);
        let Some((head, body)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        assert!(head.starts_with("POST /v1/traces HTTP/1.1"), "{head}");
        if let Ok(message) = serde_json::from_str(body) {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}")
                .unwrap();
            return message;
        }
    }
}

#[test]
fn a_request_becomes_a_span_of_its_callers_trace() {
    const TRACE: &str = "0af7651916cd43dd8448eb211c80319c";
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let endpoint = format!("http://{}", listener.local_addr().unwrap());
    let collector = std::thread::spawn(move || collect(&listener));
    let mut binary = Binary::start(&[("OTEL_EXPORTER_OTLP_ENDPOINT", &endpoint)]);
    let parent = format!("traceparent: 00-{TRACE}-b7ad6b7169203331-01\r\n");
    // The probe calls itself: the inner request must belong to the same trace.
    let path = format!("/probe/get?url=http://{}/probe/headers", binary.address);
    let answer = raw_get(&binary.address, &path, &parent);
    assert!(
        answer.contains(&format!("traceparent: 00-{TRACE}-")),
        "{answer}"
    );
    binary.terminate();
    let message = collector.join().unwrap();
    let spans = message["resourceSpans"][0]["scopeSpans"][0]["spans"]
        .as_array()
        .unwrap();
    assert_eq!(spans.len(), 2, "{message:#}");
    assert!(
        spans.iter().all(|span| span["traceId"] == TRACE),
        "{message:#}"
    );
    let outer = spans
        .iter()
        .find(|span| span["parentSpanId"] == "b7ad6b7169203331")
        .unwrap();
    assert_eq!(outer["name"], "GET /probe/...");
    assert!(
        spans
            .iter()
            .any(|span| span["parentSpanId"] == outer["spanId"]),
        "{message:#}"
    );
}
