//! The life of a solution as МойСклад tells it: calls to the solution's endpoint, their retries, and what
//! its answers mean (loyalty specification §6.2, §6.3).

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

use crate::jwt;
use crate::kinds;
use crate::server::Shared;
use crate::state::{Body, Session, World};

/// A solution of the marketplace, as its developer's cabinet knows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Solution {
    /// `appId`.
    pub id: Uuid,
    /// `appUid`: alias of the app, a point, alias of the vendor.
    pub uid: String,
    /// `secretKey`, with which tokens are signed both ways.
    pub secret: String,
    /// `vendorApi/endpointBase` of the descriptor: `http://host:port[/path]`.
    pub endpoint: String,
    /// Draft or under moderation: its requests weigh more.
    pub draft: bool,
    /// Whether the descriptor has `<loyaltyApi/>`.
    pub loyalty: bool,
    /// Whether the descriptor has `<useOwnWebhooks/>`.
    pub webhooks: bool,
}

impl Solution {
    /// A published solution that may do what ours needs.
    pub fn published(uid: &str, endpoint: &str) -> Self {
        Self {
            id: Uuid::new_v4(),
            uid: uid.to_owned(),
            secret: Uuid::new_v4().simple().to_string(),
            endpoint: endpoint.to_owned(),
            draft: false,
            loyalty: true,
            webhooks: true,
        }
    }

    /// The version under moderation, with an id, uid and key of its own.
    pub fn draft(uid: &str, endpoint: &str) -> Self {
        Self {
            draft: true,
            ..Self::published(uid, endpoint)
        }
    }
}

/// Where an installed solution stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Status {
    /// Told to activate; no final answer yet.
    Activating,
    /// Waits for the merchant's settings.
    SettingsRequired,
    /// Works.
    Activated,
    /// Refused to activate, or did not answer for too long.
    ActivationFailed,
    /// Told to stop; no final answer yet.
    Deactivating,
    /// Stopped until it is paid.
    Suspended,
    /// Refused to stop, or did not answer for too long.
    DeactivationFailed,
}

impl Status {
    /// The status of that name, of those that a solution may name.
    pub(crate) fn named(name: &str) -> Option<Self> {
        match name {
            "Activating" => Some(Self::Activating),
            "SettingsRequired" => Some(Self::SettingsRequired),
            "Activated" => Some(Self::Activated),
            _ => None,
        }
    }
}

/// The loyalty programme that a solution has set for an account.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Loyalty {
    /// The base address of the loyalty API.
    pub url: String,
    /// What tills send as `Lognex-Discount-API-Auth-Token`.
    pub token: String,
    /// Whether tills search customers there.
    pub external_search: bool,
}

/// A solution in an account.
#[derive(Debug, Clone)]
pub(crate) struct Install {
    pub(crate) status: Status,
    pub(crate) cause: &'static str,
    pub(crate) token: Option<String>,
    pub(crate) loyalty: Option<Loyalty>,
    /// The last call, to be repeated.
    pub(crate) last: Option<Told>,
}

/// How long the service waits and how it repeats itself, in milliseconds.
#[derive(Debug, Clone, Copy)]
pub struct Patience {
    /// For an answer.
    pub answer_ms: u64,
    /// Between attempts of Install, Resume, Suspend and Uninstall, and how long there are any.
    pub retry_ms: u64,
    /// See above.
    pub retry_for_ms: u64,
    /// The same for TariffChanged, Autoprolongation and events.
    pub slow_retry_ms: u64,
    /// See above.
    pub slow_retry_for_ms: u64,
    /// Whether an attempt carries the token of the one before. It is not documented.
    pub same_token: bool,
}

impl Default for Patience {
    fn default() -> Self {
        Self {
            answer_ms: 10_000,
            retry_ms: 10_000,
            retry_for_ms: 180_000,
            slow_retry_ms: 300_000,
            slow_retry_for_ms: 86_400_000,
            same_token: true,
        }
    }
}

/// A call to a solution's endpoint, as it was made.
#[derive(Debug, Clone)]
pub(crate) struct Told {
    method: Method,
    url: String,
    body: Value,
    request_id: Uuid,
    token: String,
}

/// How one attempt of a call to the endpoint ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct VendorCall {
    /// `PUT` or `DELETE`.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// `X_Lognex_RequestId`.
    pub request_id: Uuid,
    /// The cause that the body names.
    pub cause: String,
    /// What was answered; `None`: nothing in time.
    pub status: Option<u16>,
    /// The body of the answer.
    pub answer: String,
}

struct Answered {
    status: u16,
    json: bool,
    body: Bytes,
}

/// Installs, resumes, or tells of the tariff: PUT.
pub(crate) async fn activate(
    shared: Arc<Shared>,
    solution: Uuid,
    account: Uuid,
    cause: &'static str,
) -> Option<Status> {
    let fresh = matches!(cause, "Install" | "Resume");
    let told = {
        let mut world = shared.world();
        if fresh {
            begin(&mut world, solution, account, cause)?;
        }
        let body = activation(&world, solution, account, cause, &shared.origins.api)?;
        address(&world, solution, account, "", Method::PUT, body)?
    };
    let answer = tell(&shared, solution, account, told, fresh).await;
    let mut world = shared.world();
    let install = world.installs.get_mut(&(solution, account))?;
    if !fresh {
        return Some(install.status);
    }
    let status = answer
        .filter(|answer| answer.status == 200 && answer.json)
        .and_then(|answer| {
            let value: Value = serde_json::from_slice(&answer.body).ok()?;
            Status::named(value.get("status")?.as_str()?)
        });
    // It may have said by PUT …/status what it is, before its answer came.
    match status {
        Some(status) if install.status == Status::Activating => install.status = status,
        Some(_) => {}
        None => {
            install.status = Status::ActivationFailed;
            let dead = install.token.take();
            world.tokens.retain(|token, _| Some(token) != dead.as_ref());
        }
    }
    world
        .installs
        .get(&(solution, account))
        .map(|install| install.status)
}

/// Makes the token, which works from now on, and the installation.
fn begin(world: &mut World, solution: Uuid, account: Uuid, cause: &'static str) -> Option<()> {
    let uid = world.solutions.get(&solution)?.uid.clone();
    let name = world.account(account)?.name.clone();
    let token = Uuid::new_v4().simple().to_string();
    let session = Session {
        account,
        uid: format!("{uid}@{name}"),
        solution: Some(solution),
    };
    world.tokens.insert(token.clone(), session.clone());
    let earlier = world.installs.remove(&(solution, account));
    let install = Install {
        status: Status::Activating,
        cause,
        token: Some(token),
        loyalty: earlier.and_then(|install| install.loyalty),
        last: None,
    };
    world.installs.insert((solution, account), install);
    if cause == "Resume" {
        enable_hooks(world, account, &session.uid, true);
    }
    Some(())
}

fn activation(
    world: &World,
    solution: Uuid,
    account: Uuid,
    cause: &str,
    api: &str,
) -> Option<Value> {
    let known = world.solutions.get(&solution)?;
    let install = world.installs.get(&(solution, account))?;
    let mut body = json!({
        "appUid": known.uid, "accountName": world.account(account)?.name, "cause": cause,
        "subscription": {
            "tariffId": Uuid::new_v5(&solution, b"tariff"), "trial": false, "tariffName": "Базовый",
            "expiryMoment": "2030-01-01T00:00:00+03:00", "notForResale": false, "partner": false,
        },
    });
    if let (true, Some(body)) = (matches!(cause, "Install" | "Resume"), body.as_object_mut()) {
        let access = json!([{
            "resource": format!("{api}/api/remap/1.2"), "scope": ["admin"], "access_token": install.token,
        }]);
        body.insert("access".into(), access);
    }
    Some(body)
}

/// Suspends or uninstalls: the token is dead before the solution hears of it, then DELETE.
pub(crate) async fn deactivate(
    shared: Arc<Shared>,
    solution: Uuid,
    account: Uuid,
    cause: &'static str,
) -> Option<Status> {
    let told = {
        let mut world = shared.world();
        let world = &mut *world;
        let known = world.solutions.get(&solution)?;
        let name = world.accounts.get(&account)?.name.clone();
        let uid = known.uid.clone();
        let install = world.installs.get_mut(&(solution, account))?;
        install.status = Status::Deactivating;
        install.cause = cause;
        let dead = install.token.take();
        world.tokens.retain(|token, _| Some(token) != dead.as_ref());
        let author = format!("{uid}@{name}");
        if cause == "Suspend" {
            enable_hooks(world, account, &author, false);
        } else {
            remove_hooks(world, account, &author);
        }
        let body = json!({ "appUid": uid, "accountName": name, "cause": cause });
        address(world, solution, account, "", Method::DELETE, body)?
    };
    let answer = tell(&shared, solution, account, told, true).await;
    let done = answer.is_some_and(|answer| matches!(answer.status, 200 | 204));
    let mut world = shared.world();
    if done && cause == "Uninstall" {
        world.installs.remove(&(solution, account));
        return None;
    }
    let install = world.installs.get_mut(&(solution, account))?;
    install.status = if done {
        Status::Suspended
    } else {
        Status::DeactivationFailed
    };
    Some(install.status)
}

/// Tells that the solution's rights were changed: PUT …/event.
pub(crate) async fn event(shared: Arc<Shared>, solution: Uuid, account: Uuid) -> Option<u16> {
    let told = {
        let world = shared.world();
        let body = json!({
            "appUid": world.solutions.get(&solution)?.uid, "accountName": world.account(account)?.name,
            "cause": "PermissionsChanged", "access": [{
                "resource": format!("{}/api/remap/1.2", shared.origins.api), "scope": ["admin"],
            }],
        });
        address(&world, solution, account, "/event", Method::PUT, body)?
    };
    tell(&shared, solution, account, told, false)
        .await
        .map(|answer| answer.status)
}

/// Sends the last call again, to the letter: as if its answer had been lost.
pub(crate) async fn again(shared: Arc<Shared>, solution: Uuid, account: Uuid) -> Option<u16> {
    let told = shared
        .world()
        .installs
        .get(&(solution, account))?
        .last
        .clone()?;
    attempt(&shared, &told).await.map(|answer| answer.status)
}

fn address(
    world: &World,
    solution: Uuid,
    account: Uuid,
    rest: &str,
    method: Method,
    body: Value,
) -> Option<Told> {
    let known = world.solutions.get(&solution)?;
    let base = known.endpoint.trim_end_matches('/');
    Some(Told {
        method,
        url: format!("{base}/api/moysklad/vendor/1.0/apps/{solution}/{account}{rest}"),
        body,
        request_id: Uuid::new_v4(),
        token: token(&known.secret, world.now() / 1000),
    })
}

/// A token for a call to the endpoint.
pub(crate) fn token(secret: &str, now_s: i64) -> String {
    let claims =
        json!({ "iat": now_s, "exp": now_s + jwt::LIFETIME_S, "jti": Uuid::new_v4().to_string() });
    jwt::sign(secret, &claims)
}

/// Calls until there is a final answer or patience ends.
async fn tell(
    shared: &Arc<Shared>,
    solution: Uuid,
    account: Uuid,
    mut told: Told,
    quick: bool,
) -> Option<Answered> {
    let patience = shared.options.patience;
    let (every, within) = match quick {
        true => (patience.retry_ms, patience.retry_for_ms),
        false => (patience.slow_retry_ms, patience.slow_retry_for_ms),
    };
    let until = tokio::time::Instant::now() + Duration::from_millis(within);
    loop {
        if let Some(install) = shared.world().installs.get_mut(&(solution, account)) {
            install.last = Some(told.clone());
        }
        let answer = attempt(shared, &told).await;
        // 551 is the one 5xx that is final.
        match answer {
            Some(answer) if answer.status < 500 || answer.status == 551 => return Some(answer),
            _ => {}
        }
        if tokio::time::Instant::now() + Duration::from_millis(every) > until {
            return None;
        }
        tokio::time::sleep(Duration::from_millis(every)).await;
        if !patience.same_token {
            let world = shared.world();
            let secret = world
                .solutions
                .get(&solution)
                .map(|known| known.secret.clone());
            told.token = token(&secret.unwrap_or_default(), world.now() / 1000);
        }
    }
}

async fn attempt(shared: &Arc<Shared>, told: &Told) -> Option<Answered> {
    let request = http::Request::builder()
        .method(told.method.clone())
        .uri(&told.url)
        .header("authorization", format!("Bearer {}", told.token))
        .header("x_lognex_requestid", told.request_id.to_string())
        .header("content-type", "application/json")
        .body(Bytes::from(told.body.to_string()))
        .ok()?;
    let patience = Duration::from_millis(shared.options.patience.answer_ms);
    let answer = shared.ask(request, patience).await.ok();
    let answer = answer.map(|(head, body)| Answered {
        status: head.status.as_u16(),
        json: head
            .headers
            .get("content-type")
            .and_then(|value| value.to_str().ok())
            .is_some_and(|kind| kind.starts_with("application/json")),
        body,
    });
    let cause = told
        .body
        .get("cause")
        .and_then(Value::as_str)
        .unwrap_or_default();
    shared.vendor_calls().push(VendorCall {
        method: told.method.to_string(),
        url: told.url.clone(),
        request_id: told.request_id,
        cause: cause.to_owned(),
        status: answer.as_ref().map(|answer| answer.status),
        answer: answer
            .as_ref()
            .map(|answer| String::from_utf8_lossy(&answer.body).into_owned())
            .unwrap_or_default(),
    });
    answer
}

const HOOKS: [&str; 2] = ["webhook", "webhookstock"];

fn hooks_of(world: &World, account: Uuid, author: &str) -> Vec<(&'static str, Uuid)> {
    let Some(account) = world.account(account) else {
        return Vec::new();
    };
    let of = |kind: &'static str| {
        let rows = account.rows(kind).filter(move |row| {
            let fields = account.fields(kind, row);
            fields.get("_author").and_then(Value::as_str) == Some(author)
        });
        rows.map(move |row| (kind, row.id))
    };
    HOOKS.into_iter().flat_map(of).collect()
}

fn remove_hooks(world: &mut World, account: Uuid, author: &str) {
    for (kind, id) in hooks_of(world, account, author) {
        if let Some(account) = world.accounts.get_mut(&account) {
            account.remove(kind, id);
        }
    }
}

fn enable_hooks(world: &mut World, account: Uuid, author: &str, enabled: bool) {
    for (kind, id) in hooks_of(world, account, author) {
        enable_hook(world, account, kind, id, enabled);
    }
}

/// Switches one subscription on or off.
pub(crate) fn enable_hook(world: &mut World, account: Uuid, kind: &str, id: Uuid, enabled: bool) {
    let (Some(account), Some(kind)) = (world.accounts.get_mut(&account), kinds::kind(kind)) else {
        return;
    };
    if let Some(mut row) = account.row(kind.name, id).cloned() {
        if let Body::Stored(fields) = &mut row.body {
            fields.insert("enabled".into(), enabled.into());
        }
        account.put(kind, row);
    }
}
