//! Answers that leave in one write.
//!
//! A response whose body is offered only after its head was taken goes out in two segments, and on
//! a kept-alive connection the second waits for the client's delayed acknowledgement: 40 ms on every
//! answer. So the body is offered to the host before the head is returned: its write is polled once,
//! which is enough for the host to find it, and what remains of it runs on after the return.

use std::task::Poll;

use spin_sdk::wasip3::http::types::{ErrorCode, Fields, Response};
use spin_sdk::wasip3::{spawn, wit_future, wit_stream};

use crate::failed;

/// Turns an `http` response into one of WASI whose body is already on its way.
///
/// # Errors
/// A header or status that HTTP does not allow.
pub async fn early(response: http::Response<Vec<u8>>) -> Result<Response, ErrorCode> {
    let (parts, body) = response.into_parts();
    let name = |name: &http::HeaderName| name.as_str().to_owned();
    let headers = parts
        .headers
        .iter()
        .map(|(n, value)| (name(n), value.as_bytes().to_vec()));
    // Without a length the host would send chunks, and the last one leaves on its own.
    let length = (
        "content-length".to_owned(),
        body.len().to_string().into_bytes(),
    );
    let headers: Vec<_> = headers.chain(std::iter::once(length)).collect();
    let headers = Fields::from_list(&headers).map_err(|_| failed("header"))?;

    let (mut body_writer, body_reader) = wit_stream::new::<u8>();
    let (end_writer, end_reader) = wit_future::new(|| Ok(None));
    let contents = (!body.is_empty()).then_some(body_reader);
    let (answer, _sent) = Response::new(headers, contents, end_reader);
    answer
        .set_status_code(parts.status.as_u16())
        .map_err(|()| failed("status"))?;

    let mut write = Box::pin(async move {
        if !body.is_empty() {
            body_writer.write_all(body).await;
        }
        drop(body_writer);
        // The client may be gone; there is nobody left to tell.
        let _ = end_writer.write(Ok(None)).await;
    });
    if futures::poll!(write.as_mut()) == Poll::Pending {
        spawn(write);
    }
    Ok(answer)
}
