//! Webhooks as they are sent: attempts, what is lost, and what switches a subscription off (JSON API §2.2 to
//! §2.8).

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tokio::sync::{Semaphore, mpsc};
use uuid::Uuid;

use crate::error::Problem;
use crate::kinds;
use crate::lifecycle::enable_hook;
use crate::link::BASE;
use crate::server::Shared;
use crate::state::{Account, Audit, Event, World};
use crate::time::{DAY_MS, msk_seconds};
use crate::view::path_of;

/// How long a receiver may take, in milliseconds.
const ANSWER_MS: u64 = 1500;
/// Attempts in all, one after the other without a pause.
const ATTEMPTS: usize = 4;
/// How many webhooks are on their way at once.
const AT_ONCE: usize = 16;
/// How many sent webhooks are remembered.
const KEPT: usize = 50_000;
/// How many changes the audit remembers.
const AUDIT_KEPT: usize = 50_000;
/// What is held back or doubled comes so much later at most, in milliseconds.
const LATER_MS: u64 = 300;
/// The days that decide about switching off, and how many of them must have been bad.
const DAYS: i64 = 10;
const BAD_DAYS: usize = 7;

/// What the network does to webhooks, in percent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Chaos {
    /// Sent twice: every second time with the same `requestId`, else with another.
    pub duplicate_percent: u32,
    /// Sent after later ones.
    pub reorder_percent: u32,
    /// Never sent.
    pub lose_percent: u32,
}

/// How a webhook ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Answered 200 or 204 in time.
    Delivered,
    /// Answered otherwise, or not reached, four times.
    Failed,
    /// Not answered in time: not tried again.
    TimedOut,
    /// Lost on purpose.
    Lost,
}

/// A webhook that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// Whose it was.
    pub account: Uuid,
    /// The parameter by which a receiver knows a repetition.
    pub request_id: Uuid,
    /// The subscription's address.
    pub url: String,
    /// How many events it had.
    pub events: usize,
    /// How often it was tried.
    pub attempts: usize,
    /// How it ended.
    pub outcome: Outcome,
    /// How long the last attempt took, in milliseconds.
    pub took_ms: u64,
}

#[derive(Debug, Clone)]
pub(crate) struct Delivery {
    account: Uuid,
    kind: &'static str,
    hook: Uuid,
    url: String,
    request_id: Uuid,
    body: Bytes,
    events: usize,
}

/// The way out for webhooks.
#[derive(Debug)]
pub(crate) struct Post {
    queue: mpsc::UnboundedSender<Delivery>,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    accounts: HashMap<Uuid, Line>,
    drawn: u64,
    sent: VecDeque<Sent>,
    /// Of each subscription: whether a day had a success.
    days: HashMap<Uuid, VecDeque<(i64, bool)>>,
}

/// The way out of one account.
#[derive(Debug, Default)]
struct Line {
    chaos: Chaos,
    /// Held back until they are released.
    held: Option<Vec<Delivery>>,
    /// On their way.
    waiting: usize,
}

impl Post {
    pub(crate) fn new() -> (Self, mpsc::UnboundedReceiver<Delivery>) {
        let (queue, receiver) = mpsc::unbounded_channel();
        let post = Self {
            queue,
            state: Mutex::default(),
        };
        (post, receiver)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_chaos(&self, account: Uuid, chaos: Chaos) {
        self.state().accounts.entry(account).or_default().chaos = chaos;
    }

    pub(crate) fn sent(&self, account: Uuid) -> Vec<Sent> {
        let state = self.state();
        state
            .sent
            .iter()
            .filter(|sent| sent.account == account)
            .cloned()
            .collect()
    }

    /// How many webhooks are neither delivered nor given up nor held.
    pub(crate) fn waiting(&self, account: Uuid) -> usize {
        self.state()
            .accounts
            .get(&account)
            .map_or(0, |line| line.waiting)
    }

    /// Holds back what is to be sent from now on.
    pub(crate) fn hold(&self, account: Uuid) {
        self.state()
            .accounts
            .entry(account)
            .or_default()
            .held
            .get_or_insert_default();
    }

    /// Sends what was held back, in its order or the reverse.
    pub(crate) fn release(&self, account: Uuid, reversed: bool) {
        let held = self
            .state()
            .accounts
            .entry(account)
            .or_default()
            .held
            .take();
        let mut held = held.unwrap_or_default();
        if reversed {
            held.reverse();
        }
        held.into_iter().for_each(|delivery| self.enqueue(delivery));
    }

    fn enqueue(&self, delivery: Delivery) {
        let mut state = self.state();
        let line = state.accounts.entry(delivery.account).or_default();
        if let Some(held) = &mut line.held {
            held.push(delivery);
            return;
        }
        // Nobody takes it any more when the fake ends.
        if self.queue.send(delivery).is_ok() {
            line.waiting += 1;
        }
    }

    fn more(&self, account: Uuid) {
        self.state().accounts.entry(account).or_default().waiting += 1;
    }

    fn less(&self, account: Uuid) {
        let mut state = self.state();
        let line = state.accounts.entry(account).or_default();
        line.waiting = line.waiting.saturating_sub(1);
    }

    fn record(&self, sent: Sent) {
        let mut state = self.state();
        if state.sent.len() >= KEPT {
            state.sent.pop_front();
        }
        state.sent.push_back(sent);
    }
}

/// What a client's header forbids: webhooks to addresses that begin so (JSON API §2.6).
pub(crate) fn suppressed(headers: &http::HeaderMap) -> Result<Vec<String>, Problem> {
    let all = headers.get_all("x-lognex-webhook-disablebyprefix").iter();
    all.map(|value| {
        let text = value.to_str().unwrap_or_default();
        let host = text.split_once("://").map_or("", |(_, rest)| rest);
        let host = host.split(['/', ':']).next().unwrap_or_default();
        if host.contains('.') || host == "localhost" {
            Ok(text.to_owned())
        } else {
            let text = "Некорректное значение заголовка X-Lognex-WebHook-DisableByPrefix";
            Err(Problem::bare(400, text))
        }
    })
    .collect()
}

/// Writes changes into the audit and makes their webhooks.
pub(crate) fn publish(
    shared: &Shared,
    world: &mut World,
    account: Uuid,
    uid: &str,
    source: &'static str,
    events: Vec<Event>,
    suppressed: &[String],
) {
    let now = world.now();
    let events: Vec<Event> = events
        .into_iter()
        .filter(|event| !event.kind.starts_with("webhook"))
        .collect();
    let Some(account) = world
        .accounts
        .get_mut(&account)
        .filter(|_| !events.is_empty())
    else {
        return;
    };
    let audit = Audit {
        id: Uuid::new_v4(),
        moment: now,
        uid: uid.to_owned(),
        source,
        events,
    };
    for delivery in deliveries(account, &audit, &shared.origins.api, suppressed) {
        shared.post.enqueue(delivery);
    }
    if account.audit.len() >= AUDIT_KEPT {
        account.audit.drain(..AUDIT_KEPT / 10);
    }
    account.audit.push(audit);
}

fn deliveries(
    account: &Account,
    audit: &Audit,
    origin: &str,
    suppressed: &[String],
) -> Vec<Delivery> {
    if account.free {
        return Vec::new();
    }
    let hooks = account.rows("webhook").filter_map(|row| {
        let fields = account.fields("webhook", row);
        let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
        let url = text("url");
        let on = fields.get("enabled") == Some(&Value::Bool(true));
        if !on || suppressed.iter().any(|prefix| url.starts_with(prefix)) {
            return None;
        }
        let with_fields = text("diffType") == "FIELDS";
        let mine = audit
            .events
            .iter()
            .filter(|event| event.kind == text("entityType") && event.action == text("action"));
        let events: Vec<Value> = mine
            .filter_map(|event| shown(account, event, origin, with_fields))
            .collect();
        if events.is_empty() {
            return None;
        }
        let count = events.len();
        let body = json!({
            "auditContext": {
                "meta": { "type": "audit", "href": format!("{origin}{BASE}audit/{}", audit.id) },
                "moment": msk_seconds(audit.moment), "uid": audit.uid,
            },
            "events": events,
        });
        Some(Delivery {
            account: account.id,
            kind: "webhook",
            hook: row.id,
            url: url.to_owned(),
            request_id: Uuid::new_v4(),
            body: body.to_string().into(),
            events: count,
        })
    });
    hooks.collect()
}

fn shown(account: &Account, event: &Event, origin: &str, with_fields: bool) -> Option<Value> {
    let path = path_of(kinds::kind(event.kind)?, event.id);
    let mut made = json!({
        "meta": { "type": event.kind, "href": format!("{origin}{BASE}{path}") },
        "action": event.action, "accountId": account.id,
    });
    if with_fields && event.action == "UPDATE" {
        made.as_object_mut()?
            .insert("updatedFields".into(), event.fields.clone().into());
    }
    Some(made)
}

/// Sends what there is to say of stock that changed since the last time (JSON API §2.8).
pub(crate) fn publish_stock(shared: &Shared, world: &mut World) {
    let now = world.now();
    for account in world.accounts.values_mut() {
        let since = account.stock.told;
        if !account.stock.changed_since(since) || account.free {
            continue;
        }
        account.stock.told = now;
        let account = &*account;
        for row in account.rows("webhookstock") {
            let fields = account.fields("webhookstock", row);
            let text = |name: &str| fields.get(name).and_then(Value::as_str).unwrap_or_default();
            if fields.get("enabled") != Some(&Value::Bool(true)) {
                continue;
            }
            let report = text("reportType");
            // The moment is that of the changes, and has whole seconds: earlier rather than later.
            let from = msk_seconds(since.max(now - DAY_MS + 60_000));
            let origin = &shared.origins.api;
            let address =
                format!("{origin}{BASE}report/stock/{report}/current?changedSince={from}");
            let body = json!({
                "accountId": account.id, "stockType": text("stockType"), "reportType": report,
                "reportUrl": address,
            });
            shared.post.enqueue(Delivery {
                account: account.id,
                kind: "webhookstock",
                hook: row.id,
                url: text("url").to_owned(),
                request_id: Uuid::new_v4(),
                body: body.to_string().into(),
                events: 1,
            });
        }
    }
}

/// Takes webhooks from the queue and sends them until the fake ends.
pub(crate) async fn run(shared: Arc<Shared>, mut queue: mpsc::UnboundedReceiver<Delivery>) {
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    while let Some(delivery) = queue.recv().await {
        let (chaos, drawn) = {
            let mut state = shared.post.state();
            state.drawn = state.drawn.wrapping_add(1);
            let line = state.accounts.get(&delivery.account);
            (line.map(|line| line.chaos).unwrap_or_default(), state.drawn)
        };
        // The same run draws the same: what happens to the n-th webhook follows from n.
        let draw = |purpose| crate::generate::draw(7, purpose, drawn) % 100;
        if draw("lose") < u64::from(chaos.lose_percent) {
            lose(&shared, &delivery);
            continue;
        }
        if draw("duplicate") < u64::from(chaos.duplicate_percent) {
            let mut twin = delivery.clone();
            if drawn % 2 == 0 {
                twin.request_id = Uuid::new_v4();
            }
            shared.post.more(twin.account);
            later(&shared, &permits, twin, draw("twin"));
        }
        if draw("reorder") < u64::from(chaos.reorder_percent) {
            later(&shared, &permits, delivery, draw("later"));
            continue;
        }
        let Ok(permit) = permits.clone().acquire_owned().await else {
            return;
        };
        let shared = shared.clone();
        tokio::spawn(async move {
            deliver(&shared, delivery).await;
            drop(permit);
        });
    }
}

fn lose(shared: &Shared, delivery: &Delivery) {
    shared.post.record(Sent {
        account: delivery.account,
        request_id: delivery.request_id,
        url: delivery.url.clone(),
        events: delivery.events,
        attempts: 0,
        outcome: Outcome::Lost,
        took_ms: 0,
    });
    shared.post.less(delivery.account);
}

fn later(shared: &Arc<Shared>, permits: &Arc<Semaphore>, delivery: Delivery, percent: u64) {
    let (shared, permits) = (shared.clone(), permits.clone());
    tokio::spawn(async move {
        tokio::time::sleep(Duration::from_millis(1 + LATER_MS * percent / 100)).await;
        if let Ok(_permit) = permits.acquire().await {
            deliver(&shared, delivery).await;
        }
    });
}

async fn deliver(shared: &Shared, delivery: Delivery) {
    let joint = if delivery.url.contains('?') { '&' } else { '?' };
    let url = format!("{}{joint}requestId={}", delivery.url, delivery.request_id);
    let (mut attempts, mut outcome, mut took_ms) = (0, Outcome::Failed, 0);
    while attempts < ATTEMPTS && outcome == Outcome::Failed {
        attempts += 1;
        let began = tokio::time::Instant::now();
        outcome = attempt(shared, &url, delivery.body.clone()).await;
        took_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    }
    shared.post.record(Sent {
        account: delivery.account,
        request_id: delivery.request_id,
        url: delivery.url.clone(),
        events: delivery.events,
        attempts,
        outcome,
        took_ms,
    });
    settle(shared, &delivery, outcome == Outcome::Delivered);
    shared.post.less(delivery.account);
}

async fn attempt(shared: &Shared, url: &str, body: Bytes) -> Outcome {
    let request = http::Request::post(url)
        .header("content-type", "application/json;charset=utf-8")
        .header(
            "user-agent",
            "MoySklad webhook touch agent 2.0 (/https://www.moysklad.ru)",
        )
        .body(body);
    let Ok(request) = request else {
        return Outcome::Failed;
    };
    match shared.ask(request, Duration::from_millis(ANSWER_MS)).await {
        Ok((head, _)) if matches!(head.status.as_u16(), 200 | 204) => Outcome::Delivered,
        Ok(_) => Outcome::Failed,
        Err(error) if error.timed_out => Outcome::TimedOut,
        Err(_) => Outcome::Failed,
    }
}

/// Remembers the day and switches the subscription off when there were too many bad ones (JSON API §2.7).
fn settle(shared: &Shared, delivery: &Delivery, good: bool) {
    let mut world = shared.world();
    let today = world.now() / DAY_MS;
    let mut state = shared.post.state();
    let days = state.days.entry(delivery.hook).or_default();
    match days.back_mut() {
        Some((day, any)) if *day == today => *any |= good,
        _ => days.push_back((today, good)),
    }
    while days.front().is_some_and(|(day, _)| *day <= today - DAYS) {
        days.pop_front();
    }
    let off = days.len() > BAD_DAYS && days.iter().all(|(_, any)| !any);
    if off {
        enable_hook(
            &mut world,
            delivery.account,
            delivery.kind,
            delivery.hook,
            false,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_needs_protocol_and_domain() {
        let headers = |text: &str| {
            let mut headers = http::HeaderMap::new();
            headers.insert("x-lognex-webhook-disablebyprefix", text.parse().unwrap());
            suppressed(&headers)
        };
        for good in [
            "https://some.host",
            "https://some.host/path",
            "http://127.0.0.1:80/x",
        ] {
            assert_eq!(headers(good).unwrap(), [good]);
        }
        for bad in ["https://", "https://some_url", "some.host/path"] {
            assert!(headers(bad).is_err(), "{bad}");
        }
    }
}
