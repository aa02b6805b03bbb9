//! Routes, headers, well-known pages, and how answers leave.

use crate::support::{Connection, Probe, get};

#[tokio::test(flavor = "multi_thread")]
async fn routes_lead_to_components_static_answers_and_nowhere() {
    let probe = Probe::start().await;
    assert_eq!(probe.get("/probe/early").await, (200, "early".into()));
    assert_eq!(probe.get("/nothing").await, (404, String::new()));
    let answer = get(&probe.server, "/exact").await;
    assert_eq!((answer.status, answer.text.as_str()), (418, "static"));
    assert_eq!(answer.headers["x-static"], "yes");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_guest_learns_how_it_was_reached() {
    let probe = Probe::start().await;
    let (_, text) = probe.get("/t/shop/headers?a=b").await;
    let url = probe.server.url();
    for line in [
        "spin-path-info: /headers",
        "spin-matched-route: /t/:slug/...",
        "spin-component-route: /t/:slug",
        "spin-raw-component-route: /t/:slug/...",
        "spin-base-path: /",
        "spin-path-match-slug: shop",
        "spin-client-addr: 127.0.0.1:",
        &format!("spin-full-url: {url}/t/shop/headers?a=b"),
        &format!("uri: {url}/t/shop/headers?a=b"),
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn health_and_info_are_answered_by_the_host() {
    let probe = Probe::start().await;
    assert_eq!(
        probe.get("/.well-known/spin/health").await,
        (200, "OK".into())
    );
    let answer = get(&probe.server, "/.well-known/spin/info").await;
    assert_eq!(answer.headers["content-type"], "application/json");
    let info: serde_json::Value = serde_json::from_str(&answer.text).unwrap();
    assert_eq!(
        info,
        serde_json::json!({ "name": "probe", "version": "1.2.3" })
    );
    assert_eq!(probe.server.metrics().instances_started, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_body_reaches_the_guest_whole() {
    let probe = Probe::start().await;
    let text = "x".repeat(300_000);
    let mut connection = Connection::open(&probe.server).await;
    assert_eq!(
        connection.send("POST", "/probe/echo", &text).await.text,
        text
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_whose_body_is_there_leaves_in_one_write() {
    let probe = Probe::start().await;
    let mut connection = Connection::open(&probe.server).await;
    connection.get("/probe/early").await;
    let before = probe.server.metrics();
    for _ in 0..200 {
        connection.get("/probe/early").await;
        connection
            .get("/probe/sql/kept?db=default&sql=SELECT+1")
            .await;
        connection.get("/.well-known/spin/health").await;
    }
    let after = probe.server.metrics();
    assert_eq!(after.answers - before.answers, 600);
    let writes = after.socket_writes - before.socket_writes;
    assert!(writes <= 606, "600 answers took {writes} writes");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_serves_many_requests() {
    let probe = Probe::start().await;
    let mut connection = Connection::open(&probe.server).await;
    for expected in 1..=128 {
        assert_eq!(
            connection.get("/probe/seen").await.text,
            expected.to_string()
        );
    }
    assert_eq!(connection.get("/probe/seen").await.text, "1");
    assert_eq!(probe.server.metrics().instances_started, 2);
}
