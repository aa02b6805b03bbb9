//! Calls of the operator's API and of the tick, by the parts that import.

use std::time::Duration;

use anyhow::{Result, ensure};
use serde_json::Value;
use ureq::Agent;

use crate::served::OPERATOR_TOKEN;

const TIMEOUT: Duration = Duration::from_secs(120);

/// Does what is due, for as long.
pub fn tick(url: &str, budget_ms: u32, once: bool) -> Result<Value> {
    let path = format!("/internal/tick?budget_ms={budget_ms}&once={once}");
    call(url, "POST", &path, OPERATOR_TOKEN, &Value::Null)
}

/// Calls with a bearer token; an answer that is no success is an error.
pub fn call(url: &str, method: &str, path: &str, bearer: &str, body: &Value) -> Result<Value> {
    call_with(url, method, path, bearer, &[], body)
}

/// The same with further headers.
pub fn call_with(
    url: &str,
    method: &str,
    path: &str,
    bearer: &str,
    headers: &[(&str, &str)],
    body: &Value,
) -> Result<Value> {
    let agent: Agent = Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .build()
        .into();
    let mut request = http::Request::builder()
        .method(method)
        .uri(format!("{url}{path}"))
        .header("authorization", format!("Bearer {bearer}"))
        .header("content-type", "application/json");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut answer = match method {
        "GET" => agent.run(request.body(())?)?,
        _ => agent.run(request.body(body.to_string())?)?,
    };
    let text = answer.body_mut().read_to_string()?;
    ensure!(answer.status().is_success(), "{path}: {text}");
    Ok(serde_json::from_str(&text).unwrap_or_default())
}
