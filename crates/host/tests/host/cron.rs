//! Cron triggers.

use sklad_host::Server;

use crate::support::{Probe, eventually, guest};

#[tokio::test(flavor = "multi_thread")]
async fn a_cron_trigger_fires_each_time_and_its_failure_is_logged() {
    let cron = Probe::of("cron", |builder| builder).await;
    let log = |name: &str| {
        std::fs::read_to_string(cron.state.path().join("logs").join(name)).unwrap_or_default()
    };
    eventually("it fires twice", async || {
        log("cron_stdout.txt").lines().count() >= 2
    })
    .await;
    let fired: Vec<u64> = log("cron_stdout.txt")
        .lines()
        .filter_map(|line| line.strip_prefix("fired ")?.parse().ok())
        .collect();
    assert!(fired.windows(2).all(|pair| pair[1] > pair[0]), "{fired:?}");
    assert!(
        log("cron_stderr.txt").contains("cron: and failed"),
        "{}",
        log("cron_stderr.txt")
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_triggers_of_a_manifest_beside_it_fire_and_the_application_answers() {
    let probe = Probe::with(|builder| builder.cron_manifest(guest("cron"))).await;
    let log = probe.state.path().join("logs/cron_stdout.txt");
    eventually("it fires", async || {
        std::fs::read_to_string(&log).is_ok_and(|text| text.contains("fired "))
    })
    .await;
    let (status, _) = probe.get("/.well-known/spin/health").await;
    assert_eq!(status, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_beside_it_without_a_cron_trigger_is_refused() {
    let state = tempfile::tempdir().unwrap();
    let server = Server::builder()
        .manifest(guest("probe"))
        .cron_manifest(guest("probe"))
        .listen("127.0.0.1:0")
        .state_dir(state.path())
        .start();
    let error = format!("{:#}", server.await.err().unwrap());
    assert!(error.contains("no [[trigger.cron]]"), "{error}");
}
