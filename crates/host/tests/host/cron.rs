//! Cron triggers.

use crate::support::{Probe, eventually};

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
