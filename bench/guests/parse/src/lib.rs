//! Reads the CommerceML file in the request's body as it comes, stores nothing, and answers
//! `{"items", "bytes", "micros", "reading_micros", "memory_bytes"}`: the time from the beginning to the
//! end, the part of it that was not spent waiting for bytes, and the instance's linear memory.

use std::time::{Duration, Instant};

use http::{Request, Response, StatusCode};
use sklad_commerceml::{Limits, ReadError, Reader, Step};
use sklad_edge_glue::{SpinBody, component};
use sklad_store::Body;

component! { streaming: async |_, _, request: Request<SpinBody>| answer(request.into_body()).await }

/// What has been read.
#[derive(Default)]
struct Count {
    items: u64,
    bytes: u64,
    reading: Duration,
}

async fn answer(body: SpinBody) -> Response<Vec<u8>> {
    let started = Instant::now();
    match count(body).await {
        Ok(count) => told(&count, started.elapsed()),
        Err(text) => {
            let mut response = Response::new(text.into_bytes());
            *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
            response
        }
    }
}

async fn count(mut body: SpinBody) -> Result<Count, String> {
    let mut reader = Reader::new(Limits::default());
    let mut count = Count::default();
    loop {
        let bytes = body.chunk().await.map_err(|e| e.to_string())?;
        let started = Instant::now();
        match &bytes {
            Some(bytes) => reader.push(bytes),
            None => reader.finish(),
        }
        count.items += drained(&mut reader).map_err(|e| e.to_string())?;
        count.reading += started.elapsed();
        match bytes {
            Some(bytes) => count.bytes += bytes.len() as u64,
            None => return Ok(count),
        }
    }
}

/// How many items the bytes so far give.
fn drained(reader: &mut Reader) -> Result<u64, ReadError> {
    let mut items = 0;
    while let Step::Item(item) = reader.next()? {
        std::hint::black_box(&item);
        items += 1;
    }
    // Kept ones are few; they must not pile up.
    reader.take_warnings();
    Ok(items)
}

fn told(count: &Count, elapsed: Duration) -> Response<Vec<u8>> {
    let Count { items, bytes, .. } = count;
    let (micros, reading) = (elapsed.as_micros(), count.reading.as_micros());
    let text = format!(
        r#"{{"items":{items},"bytes":{bytes},"micros":{micros},"reading_micros":{reading},"memory_bytes":{}}}"#,
        memory_bytes()
    );
    Response::new(text.into_bytes())
}

/// The instance's linear memory, which never shrinks.
#[cfg(target_arch = "wasm32")]
fn memory_bytes() -> usize {
    const PAGE: usize = 64 * 1024;
    core::arch::wasm32::memory_size::<0>() * PAGE
}

#[cfg(not(target_arch = "wasm32"))]
fn memory_bytes() -> usize {
    0
}
