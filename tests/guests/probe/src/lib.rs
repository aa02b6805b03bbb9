//! A component for the host's own tests: one path for each thing a host can get wrong.
//!
//! Every answer but `/plain` offers its body before the head is returned, so that a host which
//! takes both at once can send them in one write.

use std::cell::RefCell;
use std::collections::HashMap;
use std::future::Future;
use std::task::Poll;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use spin_sdk::http::{IntoResponse, Request, Response};
use spin_sdk::http_service;
use spin_sdk::key_value::Store;
use spin_sdk::sqlite::{Connection, Value};
use spin_sdk::variables;
use wasip3::http::types as wasi;
use wasip3::http_compat::BodyWriter;

thread_local! {
    /// A connection of this instance that no request uses at the moment.
    static IDLE: RefCell<Vec<Connection>> = const { RefCell::new(Vec::new()) };
    /// Requests that this instance has seen.
    static SEEN: RefCell<u64> = const { RefCell::new(0) };
}

/// Status and text of an answer.
type Reply = (u16, String);

#[http_service]
async fn handle(request: Request) -> Result<wasi::Response, wasi::ErrorCode> {
    SEEN.with_borrow_mut(|seen| *seen += 1);
    let path = request
        .headers()
        .get("spin-path-info")
        .map(|path| path.to_str().unwrap_or_default());
    let path = path.unwrap_or_default().to_owned();
    let query = query(request.uri().query().unwrap_or_default());
    let get = |name: &str| query.get(name).cloned().unwrap_or_default();
    let number = |name: &str| get(name).parse::<u64>().unwrap_or_default();
    let reply = match path.as_str() {
        "/early" => (200, "early".to_owned()),
        "/plain" => return Response::new(Full::new(Bytes::from("plain"))).into_response(),
        "/echo" => return echo(request).await,
        "/headers" => headers(&request),
        "/kv/get" => kv_get(&get("store"), &get("key")).await,
        "/kv/set" => kv_set(&get("store"), &get("key"), &get("value")).await,
        "/kv/keys" => kv_keys(&get("store")).await,
        "/sql" => sql(&get("db"), &get("sql"), false).await,
        "/sql/kept" => sql(&get("db"), &get("sql"), true).await,
        "/sql/transaction" => transaction(number("statements"), number("hold_ms")).await,
        "/variable" => variable(&get("name")).await,
        "/get" => outbound(&get("url")).await,
        "/environment" => (
            200,
            std::env::var(get("name")).unwrap_or_else(|_| "(unset)".into()),
        ),
        "/print" => print(&get("text")),
        "/panic" => panic!("asked to"),
        "/spin" => spin(),
        "/sleep" => sleep(number("ms")).await,
        "/after" => after(number("ms"), get("key")).await,
        "/allocate" => allocate(number("mib")),
        "/seen" => (200, SEEN.with_borrow(u64::to_string)),
        _ => (404, "no such probe".to_owned()),
    };
    early(reply).await
}

/// An answer whose body is offered to the host before its head is.
async fn early((status, text): Reply) -> Result<wasi::Response, wasi::ErrorCode> {
    let fields = vec![(
        "content-length".to_owned(),
        text.len().to_string().into_bytes(),
    )];
    let fields = wasi::Fields::from_list(&fields)
        .map_err(|error| wasi::ErrorCode::InternalError(Some(format!("{error:?}"))))?;
    let (writer, body, trailers) = BodyWriter::new();
    let (response, _sent) = wasi::Response::new(fields, Some(body), trailers);
    let _ = response.set_status_code(status);
    let mut writing = Box::pin(async move {
        let mut body = Full::new(Bytes::from(text));
        let _ = writer.send_http_body(&mut body).await;
    });
    let done = std::future::poll_fn(|cx| Poll::Ready(writing.as_mut().poll(cx).is_ready())).await;
    if !done {
        wasip3::spawn(writing);
    }
    Ok(response)
}

async fn echo(request: Request) -> Result<wasi::Response, wasi::ErrorCode> {
    let body = request.into_body().collect().await?.to_bytes();
    early((200, String::from_utf8_lossy(&body).into_owned())).await
}

fn headers(request: &Request) -> Reply {
    let mut lines: Vec<String> = request
        .headers()
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value.as_bytes())))
        .collect();
    lines.sort();
    lines.push(format!("uri: {}", request.uri()));
    (200, lines.join("\n"))
}

async fn kv_get(store: &str, key: &str) -> Reply {
    let get = async { Store::open(store).await?.get(key).await };
    match get.await {
        Ok(Some(value)) => (200, String::from_utf8_lossy(&value).into_owned()),
        Ok(None) => (404, String::new()),
        Err(error) => (500, format!("{error:?}")),
    }
}

async fn kv_set(store: &str, key: &str, value: &str) -> Reply {
    let set = async { Store::open(store).await?.set(key, value.as_bytes()).await };
    match set.await {
        Ok(()) => (200, "set".into()),
        Err(error) => (500, format!("{error:?}")),
    }
}

async fn kv_keys(store: &str) -> Reply {
    let keys = async { Store::open(store).await?.get_keys().await.collect().await };
    match keys.await {
        Ok(mut keys) => {
            keys.sort();
            (200, keys.join(","))
        }
        Err(error) => (500, format!("{error:?}")),
    }
}

async fn sql(database: &str, sql: &str, keep: bool) -> Reply {
    let kept = if keep {
        IDLE.with_borrow_mut(Vec::pop)
    } else {
        None
    };
    let connection = match kept {
        Some(connection) => connection,
        None => match Connection::open(database).await {
            Ok(connection) => connection,
            Err(error) => return (500, format!("open: {error:?}")),
        },
    };
    let reply = match connection.execute(sql, []).await {
        Err(error) => (500, format!("execute: {error:?}")),
        Ok(result) => {
            let columns = result.columns().join(",");
            match result.collect().await {
                Err(error) => (500, format!("result: {error:?}")),
                Ok(rows) => {
                    let rows = rows.iter().map(|row| shown(&row.values));
                    (
                        200,
                        std::iter::once(columns)
                            .chain(rows)
                            .collect::<Vec<_>>()
                            .join("\n"),
                    )
                }
            }
        }
    };
    if keep {
        IDLE.with_borrow_mut(|idle| idle.push(connection));
    }
    reply
}

fn shown(values: &[Value]) -> String {
    let value = |value: &Value| match value {
        Value::Null => "null".into(),
        Value::Integer(number) => number.to_string(),
        Value::Real(number) => number.to_string(),
        Value::Text(text) => text.clone(),
        Value::Blob(bytes) => format!("{bytes:?}"),
    };
    values.iter().map(value).collect::<Vec<_>>().join(",")
}

/// BEGIN IMMEDIATE, so many INSERTs, a pause, COMMIT on a kept connection.
async fn transaction(statements: u64, hold_ms: u64) -> Reply {
    let connection = match IDLE.with_borrow_mut(Vec::pop) {
        Some(connection) => connection,
        None => match Connection::open_default().await {
            Ok(connection) => connection,
            Err(error) => return (500, format!("{error:?}")),
        },
    };
    let result: Result<(), spin_sdk::sqlite::Error> = async {
        connection
            .execute("BEGIN IMMEDIATE", [])
            .await?
            .result()
            .await?;
        for _ in 0..statements {
            let insert = "INSERT INTO probe (text) VALUES (?)";
            connection
                .execute(insert, [Value::Text("row".into())])
                .await?
                .result()
                .await?;
        }
        if hold_ms > 0 {
            sleep(hold_ms).await;
        }
        connection.execute("COMMIT", []).await?.result().await
    }
    .await;
    match result {
        Ok(()) => {
            IDLE.with_borrow_mut(|idle| idle.push(connection));
            (200, "committed".into())
        }
        Err(error) => (500, format!("{error:?}")),
    }
}

async fn variable(name: &str) -> Reply {
    match variables::get(name).await {
        Ok(value) => (200, value),
        Err(error) => (500, format!("{error:?}")),
    }
}

async fn outbound(url: &str) -> Reply {
    let get = async {
        let response = spin_sdk::http::get(url).await?;
        let status = response.status().as_u16();
        let body = response.into_body().collect().await?.to_bytes();
        Ok::<_, wasi::ErrorCode>((status, String::from_utf8_lossy(&body).into_owned()))
    };
    get.await
        .unwrap_or_else(|error| (502, format!("{error:?}")))
}

fn print(text: &str) -> Reply {
    println!("{text}");
    eprintln!("{text}");
    (200, "printed".into())
}

fn spin() -> ! {
    loop {
        std::hint::black_box(());
    }
}

async fn sleep(ms: u64) -> Reply {
    wasip3::clocks::monotonic_clock::wait_for(ms * 1_000_000).await;
    (200, format!("slept {ms}"))
}

/// Answers at once and sets a key later.
async fn after(ms: u64, key: String) -> Reply {
    wasip3::spawn(async move {
        let _ = sleep(ms).await;
        let _ = kv_set("default", &key, "done").await;
    });
    (202, "later".into())
}

fn allocate(mib: u64) -> Reply {
    let bytes = usize::try_from(mib)
        .unwrap_or(usize::MAX)
        .saturating_mul(1024 * 1024);
    let memory = vec![1_u8; bytes];
    (200, std::hint::black_box(memory).len().to_string())
}

/// The parameters of a query string, percent-decoded.
fn query(text: &str) -> HashMap<String, String> {
    let pair = |pair: &str| {
        let (name, value) = pair.split_once('=')?;
        Some((decode(name), decode(value)))
    };
    text.split('&').filter_map(pair).collect()
}

fn decode(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => {
                let digits = [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
                let digits = std::str::from_utf8(&digits).unwrap_or("00");
                u8::from_str_radix(digits, 16).unwrap_or_default()
            }
            byte => byte,
        });
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
