//! Outbound requests.

use crate::support::Probe;

#[tokio::test(flavor = "multi_thread")]
async fn a_granted_host_is_reached_and_another_is_not() {
    let probe = Probe::start().await;
    let url = probe.server.url();
    assert_eq!(
        probe.get(&format!("/probe/get?url={url}/exact")).await,
        (418, "static".into())
    );
    let (status, text) = probe.get("/probe/get?url=http://example.com/").await;
    assert_eq!(
        (status, text.contains("HttpRequestDenied")),
        (502, true),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn an_application_can_call_itself() {
    let probe = Probe::start().await;
    let (status, text) = probe
        .get("/probe/get?url=http://self.alt/probe/early")
        .await;
    assert_eq!((status, text.as_str()), (200, "early"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_closed_port_is_a_refused_connection() {
    let probe = Probe::start().await;
    let (status, text) = probe.get("/probe/get?url=http://127.0.0.1:1/").await;
    assert_eq!(
        (status, text.contains("ConnectionRefused")),
        (502, true),
        "{text}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn blocked_networks_are_not_reached_even_when_granted() {
    let config = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(
        config.path(),
        "[outbound_networking]\nblock_networks = [\"private\"]\n",
    )
    .unwrap();
    let probe = Probe::with(|builder| builder.runtime_config(config.path())).await;
    assert!(!probe.server.reaches_private_networks());
    let url = probe.server.url();
    let (status, text) = probe.get(&format!("/probe/get?url={url}/exact")).await;
    assert_eq!(
        (status, text.contains("DestinationIpProhibited")),
        (502, true),
        "{text}"
    );
    assert_eq!(
        probe.get("/probe/get?url=http://self.alt/exact").await.0,
        418
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_that_the_server_closed_is_replaced() {
    let probe = Probe::start().await;
    let other = Probe::start().await;
    let path = format!("/probe/get?url={}/exact", other.server.url());
    for _ in 0..3 {
        assert_eq!(probe.get(&path).await.0, 418);
    }
    let address = other.server.addr().to_string();
    other.server.shutdown().await;
    let again = Probe::with(|builder| builder.listen(address)).await;
    assert_eq!(probe.get(&path).await.0, 418);
    drop(again);
}
