//! One instance's end is nobody else's, and a stopping server finishes its work.

use std::time::{Duration, Instant};

use crate::support::{Binary, Connection, Probe, eventually, raw_get};

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_ends_one_instance_and_not_the_server() {
    let probe = Probe::start().await;
    assert_eq!(probe.get("/probe/panic").await, (500, String::new()));
    assert_eq!(probe.get("/probe/early").await, (200, "early".into()));
    eventually("one trap is counted", async || {
        probe.server.metrics().traps == 1
    })
    .await;
    let log = std::fs::read_to_string(probe.state.path().join("logs/probe_stderr.txt")).unwrap();
    assert!(
        log.contains("asked to") && log.contains("an instance ended"),
        "{log}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_panic_leaves_other_components_alone() {
    let probe = Probe::start().await;
    let slow = probe.get("/poor/probe/sleep?ms=200");
    let panics = async {
        for _ in 0..5 {
            assert_eq!(probe.get("/probe/panic").await.0, 500);
        }
    };
    let (slow, ()) = tokio::join!(slow, panics);
    assert_eq!(slow, (200, "slept 200".into()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_that_loops_for_ever_starves_nobody() {
    let probe = Probe::with(|builder| builder.request_timeout(Duration::from_secs(2))).await;
    let looping = futures::future::join_all((0..4).map(|_| probe.get("/poor/probe/spin")));
    let others = async {
        tokio::time::sleep(Duration::from_millis(100)).await;
        let mut connection = Connection::open(&probe.server).await;
        for _ in 0..5 {
            assert_eq!(connection.get("/probe/early").await.text, "early");
        }
        Instant::now()
    };
    let (looped, answered) = tokio::join!(looping, others);
    assert!(
        looped.iter().all(|(status, _)| *status == 500),
        "{looped:?}"
    );
    assert!(answered < Instant::now());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_takes_too_long_is_ended() {
    let probe = Probe::with(|builder| builder.request_timeout(Duration::from_millis(300))).await;
    let started = Instant::now();
    assert_eq!(probe.get("/probe/sleep?ms=20000").await.0, 500);
    assert!(started.elapsed() < Duration::from_secs(3));
    assert_eq!(probe.get("/probe/sleep?ms=10").await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn memory_beyond_the_limit_ends_the_instance() {
    let probe = Probe::with(|builder| builder.max_instance_memory(32 << 20)).await;
    assert_eq!(
        probe.get("/probe/allocate?mib=8").await,
        (200, "8388608".into())
    );
    assert_eq!(probe.get("/probe/allocate?mib=64").await.0, 500);
    assert_eq!(probe.get("/probe/early").await.0, 200);
    let metrics = probe.server.metrics();
    assert!(metrics.guest_memory_peak > 8 << 20, "{metrics:?}");
    let peaks = probe.server.memory_peaks();
    assert!(peaks.values().any(|peak| *peak > 8 << 20), "{peaks:?}");
    eventually("memory is given back", async || {
        probe.server.metrics().guest_memory <= 4 << 20
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_instance_without_work_ends() {
    let probe = Probe::start().await;
    probe.get("/probe/early").await;
    assert_eq!(probe.server.metrics().instances, 1);
    eventually("it ends", async || probe.server.metrics().instances == 0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn shutdown_finishes_what_is_in_flight() {
    let Probe { server, state } = Probe::start().await;
    let mut connection = Connection::open(&server).await;
    let slow = tokio::spawn(async move { connection.get("/probe/sleep?ms=500").await });
    let mut idle = Connection::open(&server).await;
    assert_eq!(
        idle.get("/probe/after?ms=300&key=background").await.status,
        202
    );
    eventually("the request is in flight", async || {
        server.metrics().in_flight >= 1
    })
    .await;
    let address = server.addr();
    let started = Instant::now();
    server.shutdown().await;
    assert!(started.elapsed() < Duration::from_secs(5));
    assert_eq!(slow.await.unwrap().text, "slept 500");
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    let database = rusqlite::Connection::open(state.path().join("sqlite_key_value.db")).unwrap();
    let count = "SELECT count(*) FROM spin_key_value WHERE key = 'background'";
    let count: i64 = database.query_row(count, [], |row| row.get(0)).unwrap();
    assert_eq!(count, 1, "work after the answer was cut off");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_idle_server_stops_at_once() {
    let Probe {
        server,
        state: _state,
    } = Probe::start().await;
    let mut connection = Connection::open(&server).await;
    connection.get("/probe/early").await;
    let started = Instant::now();
    server.shutdown().await;
    assert!(
        started.elapsed() < Duration::from_millis(500),
        "{:?}",
        started.elapsed()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_binary_stops_on_sigterm_after_its_work() {
    let mut binary = Binary::start(&[]);
    let address = binary.address.clone();
    let slow = std::thread::spawn(move || raw_get(&address, "/probe/sleep?ms=400", ""));
    tokio::time::sleep(Duration::from_millis(150)).await;
    binary.terminate();
    let answer = slow.join().unwrap();
    assert!(
        answer.starts_with("HTTP/1.1 200") && answer.ends_with("slept 400"),
        "{answer}"
    );
}
