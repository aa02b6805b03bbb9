//! Answers that leave in one write.
//!
//! A response whose body is offered only after its head was taken goes out in two segments, and on
//! a kept-alive connection the second waits for the client's delayed acknowledgement: 40 ms on every
//! answer. So the body is offered to the host before the head is returned: its write is polled once,
//! which is enough for the host to find it, and what remains of it runs on after the return.

use std::task::Poll;

use http::HeaderValue;
use http::header::CONTENT_LENGTH;
use spin_sdk::http::Error;
use wasip3::http::types::{ErrorCode, Fields, Response};
use wasip3::http_compat::BodyWriter;

/// Turns an `http` response into one of WASI whose body is already on its way.
///
/// # Errors
/// A header that HTTP does not allow.
pub async fn early(response: http::Response<Vec<u8>>) -> Result<Response, Error> {
    let (mut parts, body) = response.into_parts();
    // Without a length the host would send chunks, and the last one leaves on its own.
    parts
        .headers
        .insert(CONTENT_LENGTH, HeaderValue::from(body.len()));
    let headers = Fields::try_from(parts.headers)
        .map_err(|e| ErrorCode::InternalError(Some(e.to_string())))?;

    let (writer, body_reader, result_reader) = BodyWriter::new();
    let contents = (!body.is_empty()).then_some(body_reader);
    let (answer, _sent) = Response::new(headers, contents, result_reader);
    answer
        .set_status_code(parts.status.as_u16())
        .map_err(|()| ErrorCode::InternalError(Some("status code".to_owned())))?;

    let mut write = Box::pin(async move {
        let BodyWriter {
            mut stream_writer,
            result_writer,
            ..
        } = writer;
        if !body.is_empty() {
            stream_writer.write_all(body).await;
        }
        drop(stream_writer);
        // The client may be gone; there is nobody left to tell.
        let _ = result_writer.write(Ok(None)).await;
    });
    if futures::poll!(write.as_mut()) == Poll::Pending {
        wasip3::spawn(write);
    }
    Ok(answer)
}
