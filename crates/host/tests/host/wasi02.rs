//! Components of WASI 0.2.

use crate::support::{Connection, Probe};

async fn probe() -> Probe {
    Probe::of("wasi02", |builder| builder).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_and_its_answer_pass_whole() {
    let probe = probe().await;
    assert_eq!(
        probe.get("/a/b?c=d").await,
        (200, "GET /a/b?c=d ".to_owned())
    );
    let text = "ж".repeat(100_000);
    let mut connection = Connection::open(&probe.server).await;
    for _ in 0..3 {
        let answer = connection.send("POST", "/", &text).await;
        assert_eq!(
            (answer.status, answer.text),
            (200, format!("POST / {text}"))
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_granted_host_is_called_and_another_is_not() {
    let probe = probe().await;
    let other = Probe::start().await;
    let path = format!("/get/{}", other.server.addr());
    assert_eq!(probe.get(&path).await, (418, "static".to_owned()));
    let (status, text) = probe.get("/get/example.com").await;
    assert_eq!(
        (status, text.contains("HttpRequestDenied")),
        (502, true),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_trap_is_the_end_of_one_request() {
    let probe = probe().await;
    assert_eq!(probe.get("/panic").await.0, 500);
    assert_eq!(probe.get("/").await, (200, "GET / ".to_owned()));
    assert_eq!(probe.server.metrics().traps, 1);
}
