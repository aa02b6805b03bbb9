//! A component of WASI 0.2 for the host's own tests: `wasi:http/incoming-handler` instead of the handler
//! of 0.3. It answers with method, path and the body that it got; `/panic` panics; with
//! `/get/AUTHORITY` it calls the path `/exact` there.

use std::io::{Read as _, Write as _};

use wasip2::http::outgoing_handler;
use wasip2::http::types::{
    Fields, IncomingBody, IncomingRequest, Method, OutgoingBody, OutgoingRequest, OutgoingResponse,
    ResponseOutparam, Scheme,
};

struct Guest;

wasip2::http::proxy::export!(Guest);

impl wasip2::exports::http::incoming_handler::Guest for Guest {
    fn handle(request: IncomingRequest, out: ResponseOutparam) {
        let path = request.path_with_query().unwrap_or_default();
        let (status, text) = match path.split_once("/get/") {
            Some((_, authority)) => call(authority),
            None => (200, seen(&request, &path)),
        };
        let response = OutgoingResponse::new(Fields::new());
        response.set_status_code(status).expect("a status");
        let body = response.body().expect("the body, once");
        ResponseOutparam::set(out, Ok(response));
        write(body, text.as_bytes());
    }
}

fn seen(request: &IncomingRequest, path: &str) -> String {
    assert_ne!(path, "/panic", "asked to");
    let method = match request.method() {
        Method::Get => "GET",
        Method::Post => "POST",
        _ => "another",
    };
    let body = read(&request.consume().expect("the body, once"));
    format!("{method} {path} {body}")
}

fn call(authority: &str) -> (u16, String) {
    let request = OutgoingRequest::new(Fields::new());
    request.set_scheme(Some(&Scheme::Http)).expect("a scheme");
    request
        .set_authority(Some(authority))
        .expect("an authority");
    request.set_path_with_query(Some("/exact")).expect("a path");
    let answer = match outgoing_handler::handle(request, None) {
        Ok(answer) => answer,
        Err(error) => return (502, format!("{error:?}")),
    };
    answer.subscribe().block();
    match answer.get() {
        Some(Ok(Ok(response))) => (
            response.status(),
            read(&response.consume().expect("the body, once")),
        ),
        other => (502, format!("{other:?}")),
    }
}

fn read(body: &IncomingBody) -> String {
    let mut text = String::new();
    let mut stream = body.stream().expect("the stream, once");
    stream.read_to_string(&mut text).expect("text");
    text
}

fn write(body: OutgoingBody, mut text: &[u8]) {
    let mut stream = body.write().expect("the stream, once");
    while !text.is_empty() {
        let (now, later) = text.split_at(text.len().min(4096));
        stream.write_all(now).expect("written");
        text = later;
    }
    stream.flush().expect("flushed");
    drop(stream);
    OutgoingBody::finish(body, None).expect("finished");
}
