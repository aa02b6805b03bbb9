//! A start that cannot work says what is wrong and where.

use sklad_host::Server;

use crate::support::{guest, root};

/// Starts a copy of the probe's manifest in which `from` is replaced by `to`; gives the error.
async fn error(from: &str, to: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(guest("probe")).unwrap();
    let text = text.replace("../../../target", root().join("target").to_str().unwrap());
    assert!(text.contains(from), "the probe's manifest has no {from:?}");
    std::fs::write(folder.path().join("spin.toml"), text.replacen(from, to, 1)).unwrap();
    let server = Server::builder()
        .manifest(folder.path())
        .listen("127.0.0.1:0")
        .quiet(true);
    match server.start().await {
        Ok(_) => panic!("it started"),
        Err(error) => format!("{error:#}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_unknown_key_is_named_with_its_line() {
    let error = error("name = \"probe\"", "name = \"probe\"\ncolour = \"red\"").await;
    for part in ["spin.toml", "line 5", "colour"] {
        assert!(error.contains(part), "{part} is not in {error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_missing_wasm_is_named() {
    let error = error("guest_probe.wasm", "guest_absent.wasm").await;
    assert!(
        error.contains("[component.probe]") && error.contains("guest_absent.wasm"),
        "{error}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_label_that_nothing_defines_is_named() {
    let error = error(
        "key_value_stores = [\"default\"]",
        "key_value_stores = [\"x\"]",
    )
    .await;
    assert!(error.contains("key_value_stores \"x\""), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grant_over_an_unset_variable_is_named() {
    let error = error("\"http://self\"", "\"https://{{ token }}\"").await;
    assert!(
        error.contains("[component.probe]") && error.contains("token"),
        "{error}"
    );
}
