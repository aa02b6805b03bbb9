//! The fake by HTTP, for those who play with it: JSON under `/_fake/` on every server.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::error::Problem;
use crate::message::{Ask, Reply};
use crate::{Chaos, Handle, Quantity, Rule, Solution};

/// What can be asked for.
const HELP: &[&str] = &[
    "GET  accounts/ACCOUNT/count          what the limits have seen",
    "GET  accounts/ACCOUNT/requests       requests to the JSON API; paths: how many of each",
    "GET  accounts/ACCOUNT/webhooks       webhooks that were sent",
    "POST accounts/ACCOUNT/reset          counts anew; switches everybody on",
    "POST accounts/ACCOUNT/chaos          {duplicate_percent, reorder_percent, lose_percent} of webhooks",
    "POST accounts/ACCOUNT/hold, release, release-reversed    webhooks",
    "GET  objects/ACCOUNT/KIND            all objects, archived ones included",
    "GET  requests                        every request to every server",
    "GET  vendor-calls                    every call to a solution's endpoint",
    "POST faults                          {fault: {kind: html, status: 502}, times, after, method, path,",
    "                                     server, account}; kinds: rate_limit {retry_after_ms},",
    "                                     too_parallel, status {status, code}, html {status}, hang, close,",
    "                                     cut_body, slow {ms}, commit_then_hang, commit_then_close",
    "POST faults/clear",
    "POST clock                           {advance_seconds}",
    "POST stock-webhooks                  sends those that are due",
    "POST change                          {account, kind, id?, fields?}: makes, changes, or deletes",
    "POST change-after                    the same with {path, nth}: when the nth such request is answered",
    "POST stock                           {account, good, store, stock, reserve, in_transit}, thousandths",
    "POST solutions                       {uid, endpoint, draft}: answers id and secret",
    "GET  solutions/ID/ACCOUNT            status, token, loyalty",
    "POST solutions/ID/ACCOUNT/install, resume, suspend, uninstall, tariff, prolong, permissions, repeat",
    "POST solutions/ID/ACCOUNT/context-key, user-context-token   {login}",
];

#[derive(Debug, Deserialize)]
struct Change {
    account: Uuid,
    kind: String,
    id: Option<Uuid>,
    fields: Option<Value>,
    path: Option<String>,
    nth: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct Clock {
    advance_seconds: u64,
}

#[derive(Debug, Deserialize)]
struct StockOf {
    account: Uuid,
    good: Uuid,
    store: Uuid,
    #[serde(default)]
    stock: i64,
    #[serde(default)]
    reserve: i64,
    #[serde(default)]
    in_transit: i64,
}

#[derive(Debug, Deserialize)]
struct NewSolution {
    uid: String,
    endpoint: String,
    #[serde(default)]
    draft: bool,
}

#[derive(Debug, Deserialize)]
struct Login {
    login: String,
}

type Answer = Result<Value, Problem>;

/// Answers a request of whoever plays with the fake.
pub(crate) async fn handle(handle: &Handle, path: &str, ask: &Ask) -> Reply {
    let parts: Vec<String> = path.split('/').map(str::to_owned).collect();
    // Calls to endpoints block their thread.
    let (handle, ask) = (handle.clone(), ask.clone());
    let done = tokio::task::spawn_blocking(move || {
        let parts: Vec<&str> = parts.iter().map(String::as_str).collect();
        answer(&handle, &parts, &ask)
    });
    match done.await {
        Ok(Ok(value)) => Reply::json(&value),
        Ok(Err(problem)) => problem.into(),
        Err(_) => Reply::empty(500),
    }
}

fn read<T: DeserializeOwned>(ask: &Ask) -> Result<T, Problem> {
    serde_json::from_slice(&ask.body).map_err(|error| Problem::bare(400, error.to_string()))
}

fn answer(handle: &Handle, parts: &[&str], ask: &Ask) -> Answer {
    match (ask.method.as_str(), parts) {
        ("GET", ["requests"]) => Ok(json!(handle.all_requests())),
        ("GET", ["accounts", account, what]) => seen(handle, id(account)?, what),
        ("POST", ["accounts", account, what @ ..]) => does(handle, id(account)?, what, ask),
        ("GET", ["vendor-calls"]) => Ok(json!(handle.vendor_calls())),
        ("GET", ["objects", account, kind]) => Ok(json!(handle.objects(id(account)?, kind))),
        ("POST", ["faults"]) => {
            handle.fault(read::<Rule>(ask)?);
            Ok(json!({}))
        }
        ("POST", ["faults", "clear"]) => {
            handle.clear_faults();
            Ok(json!({}))
        }
        ("POST", ["stock-webhooks"]) => {
            handle.send_stock_webhooks();
            Ok(json!({}))
        }
        ("POST", ["clock"]) => {
            let clock: Clock = read(ask)?;
            handle.advance(std::time::Duration::from_secs(clock.advance_seconds));
            Ok(json!({}))
        }
        ("POST", ["change"]) => change(handle, read(ask)?),
        ("POST", ["change-after"]) => {
            let asked: Change = read(ask)?;
            let path = asked.path.clone().unwrap_or_default();
            handle.after_answer(asked.account, &path, asked.nth.unwrap_or(1), |handle| {
                // Whoever asked sees in the objects what became of it.
                let _ = change(handle, asked);
            });
            Ok(json!({}))
        }
        ("POST", ["stock"]) => {
            let of: StockOf = read(ask)?;
            let quantity = Quantity {
                stock: of.stock,
                reserve: of.reserve,
                in_transit: of.in_transit,
            };
            handle.set_stock(of.account, of.good, of.store, quantity);
            Ok(json!({}))
        }
        ("POST", ["solutions"]) => {
            let new: NewSolution = read(ask)?;
            let solution = Solution {
                draft: new.draft,
                ..Solution::published(&new.uid, &new.endpoint)
            };
            let made = json!({ "id": solution.id, "uid": solution.uid, "secret": solution.secret });
            handle.add_solution(solution);
            Ok(made)
        }
        (_, ["solutions", solution, account, rest @ ..]) => {
            let (solution, account) = (id(solution)?, id(account)?);
            life(handle, solution, account, rest.first().copied(), ask)
        }
        _ => Ok(json!(HELP)),
    }
}

fn id(text: &str) -> Result<Uuid, Problem> {
    Uuid::parse_str(text).map_err(|_| Problem::bare(400, "not an id"))
}

fn seen(handle: &Handle, account: Uuid, what: &str) -> Answer {
    match what {
        "count" => Ok(json!(handle.count(account))),
        "paths" => Ok(json!(handle.requests_by_path(account))),
        "requests" => Ok(json!(handle.requests(account))),
        "webhooks" => Ok(json!(handle.webhooks(account))),
        _ => Err(Problem::bare(404, "count, paths, requests or webhooks")),
    }
}

fn does(handle: &Handle, account: Uuid, what: &[&str], ask: &Ask) -> Answer {
    match what {
        ["reset"] => {
            handle.reset_counts(account);
            handle.switch_on();
        }
        ["chaos"] => handle.set_chaos(account, read::<Chaos>(ask)?),
        ["hold"] => handle.hold_webhooks(account),
        ["release"] => handle.release_webhooks(account, false),
        ["release-reversed"] => handle.release_webhooks(account, true),
        _ => {
            return Err(Problem::bare(
                404,
                "reset, chaos, hold, release or release-reversed",
            ));
        }
    }
    Ok(json!({}))
}

fn change(handle: &Handle, asked: Change) -> Answer {
    let Change { account, kind, .. } = asked;
    let done = match (asked.id, asked.fields) {
        (None, Some(fields)) => handle.create(account, &kind, fields),
        (Some(id), Some(fields)) => handle.update(account, &kind, id, fields).map(|()| id),
        (Some(id), None) => handle.delete(account, &kind, id).map(|()| id),
        (None, None) => Err("id or fields".to_owned()),
    };
    done.map(|id| json!({ "id": id }))
        .map_err(|text| Problem::bare(412, text))
}

fn life(handle: &Handle, solution: Uuid, account: Uuid, what: Option<&str>, ask: &Ask) -> Answer {
    let status = match what {
        None => {
            return Ok(json!({
                "status": handle.status(solution, account), "token": handle.app_token(solution, account),
                "loyalty": handle.loyalty(solution, account),
            }));
        }
        Some("install") => handle.install(solution, account),
        Some("resume") => handle.resume(solution, account),
        Some("suspend") => handle.suspend(solution, account),
        Some("uninstall") => handle.uninstall(solution, account),
        Some("tariff") => handle.change_tariff(solution, account),
        Some("prolong") => handle.prolong(solution, account),
        Some("permissions") => {
            return Ok(json!({ "answered": handle.change_permissions(solution, account) }));
        }
        Some("repeat") => {
            return Ok(json!({ "answered": handle.repeat_last_call(solution, account) }));
        }
        Some("context-key") => {
            let Login { login } = read(ask)?;
            return Ok(json!({ "contextKey": handle.context_key(solution, account, &login) }));
        }
        Some("user-context-token") => {
            let Login { login } = read(ask)?;
            return Ok(json!({ "token": handle.user_context_token(solution, account, &login) }));
        }
        Some(_) => return Err(Problem::bare(404, "unknown")),
    };
    Ok(json!({ "status": status }))
}
