//! What a component was granted works; what it was not is denied in Spin's words.

use crate::support::Probe;

#[tokio::test(flavor = "multi_thread")]
async fn a_component_without_grants_is_denied_everything() {
    let probe = Probe::start().await;
    let (status, text) = probe.get("/poor/probe/kv/get?store=default&key=a").await;
    assert_eq!(
        (status, text.contains("AccessDenied")),
        (500, true),
        "{text}"
    );
    let (status, text) = probe.get("/poor/probe/sql?db=default&sql=SELECT+1").await;
    assert_eq!(
        (status, text.contains("AccessDenied")),
        (500, true),
        "{text}"
    );
    let (status, text) = probe.get("/poor/probe/variable?name=greeting").await;
    assert_eq!((status, text.contains("Undefined")), (500, true), "{text}");
    let (status, text) = probe.get("/poor/probe/get?url=http://127.0.0.1:1/").await;
    assert_eq!(
        (status, text.contains("HttpRequestDenied")),
        (502, true),
        "{text}"
    );
    assert_eq!(
        probe.get("/poor/probe/environment?name=COLOUR").await.1,
        "(unset)"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_was_not_granted_is_denied_whether_it_exists_or_not() {
    let probe = Probe::start().await;
    for path in [
        "/probe/kv/get?store=other&key=a",
        "/probe/sql?db=other&sql=SELECT+1",
    ] {
        let (_, text) = probe.get(path).await;
        assert!(text.contains("AccessDenied"), "{path}: {text}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn key_value_data_lies_in_spins_table() {
    let probe = Probe::with(|builder| builder.key_value("seed", "1")).await;
    assert_eq!(
        probe.get("/probe/kv/get?store=default&key=seed").await,
        (200, "1".into())
    );
    assert_eq!(
        probe.get("/probe/kv/get?store=default&key=none").await.0,
        404
    );
    probe
        .get("/probe/kv/set?store=default&key=a&value=first")
        .await;
    probe
        .get("/probe/kv/set?store=default&key=a&value=second")
        .await;
    assert_eq!(
        probe.get("/probe/kv/get?store=default&key=a").await.1,
        "second"
    );
    assert_eq!(probe.get("/probe/kv/keys?store=default").await.1, "a,seed");
    let file = probe.state.path().join("sqlite_key_value.db");
    let value: Vec<u8> = rusqlite::Connection::open(file)
        .unwrap()
        .query_row(
            "SELECT value FROM spin_key_value WHERE store = 'default' AND key = 'a'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(value, b"second");
}

#[tokio::test(flavor = "multi_thread")]
async fn variables_come_from_the_command_line_then_the_file_then_the_default() {
    let read = async |probe: &Probe| probe.get("/probe/variable?name=greeting").await.1;
    assert_eq!(read(&Probe::start().await).await, "hello!");
    let file = tempfile::NamedTempFile::new().unwrap();
    let provider = "[[variables_provider]]\ntype = \"static\"\nvalues = { greeting = \"file\" }\n";
    std::fs::write(file.path(), provider).unwrap();
    assert_eq!(
        read(&Probe::with(|b| b.runtime_config(file.path())).await).await,
        "file!"
    );
    let both = Probe::with(|b| b.runtime_config(file.path()).variable("greeting", "line")).await;
    assert_eq!(read(&both).await, "line!");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_required_variable_without_a_value_fails_where_it_is_read() {
    let probe = Probe::start().await;
    assert_eq!(probe.server.missing_variables(), ["token"]);
    let (status, text) = probe.get("/probe/variable?name=token").await;
    assert_eq!((status, text.contains("Undefined")), (500, true), "{text}");
    let given = Probe::with(|builder| builder.variable("token", "secret")).await;
    assert_eq!(
        given.get("/probe/variable?name=token").await,
        (200, "secret".into())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn output_and_environment_are_the_components_own() {
    let probe = Probe::start().await;
    assert_eq!(probe.get("/probe/environment?name=COLOUR").await.1, "green");
    probe.get("/probe/print?text=said").await;
    for name in ["probe_stdout.txt", "probe_stderr.txt"] {
        let text = std::fs::read_to_string(probe.state.path().join("logs").join(name)).unwrap();
        assert_eq!(text, "said\n", "{name}");
    }
}
