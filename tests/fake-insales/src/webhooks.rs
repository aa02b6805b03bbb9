//! Webhooks (§10): sent once, not signed, not repeated, not guaranteed. Those about products come in groups.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tokio::sync::{Semaphore, mpsc};

use crate::api::Event;
use crate::generate::draw;
use crate::order;
use crate::server::Shared;
use crate::state::{Fields, Quoted, Rights, Row, Store};
use crate::view::{View, plain};

/// How long a receiver may take, in milliseconds.
const ANSWER_MS: u64 = 10_000;
/// How many webhooks are on their way at once.
const AT_ONCE: usize = 16;
/// How many sent webhooks are remembered.
const KEPT: usize = 50_000;
/// How many products a group has where nobody says.
const BATCH: usize = 10;
/// What is sent out of order or doubled comes so much later at most, in milliseconds.
const LATER_MS: u64 = 300;

/// What the network does to a shop's webhooks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Chaos {
    /// Sent twice, in percent.
    pub duplicate_percent: u32,
    /// Sent after later ones, in percent.
    pub reorder_percent: u32,
    /// Never sent, in percent.
    pub lose_percent: u32,
    /// How much later all are sent, in milliseconds.
    pub delay_ms: u32,
}

/// How a webhook ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Answered with this status.
    Answered(u16),
    /// Not answered.
    Unanswered,
    /// Lost on purpose.
    Lost,
}

/// A webhook that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Sent {
    /// Whose it was.
    pub shop: String,
    /// What about.
    pub topic: String,
    /// Where to.
    pub url: String,
    /// The things that it had.
    pub ids: Vec<u64>,
    /// How it ended.
    pub outcome: Outcome,
}

#[derive(Debug, Clone)]
struct Delivery {
    shop: String,
    topic: String,
    url: String,
    ids: Vec<u64>,
    body: Bytes,
}

/// The way out for webhooks.
#[derive(Debug)]
pub(crate) struct Post {
    queue: mpsc::UnboundedSender<Delivery>,
    state: Mutex<State>,
}

/// What is taken from the way out.
pub(crate) struct Queue(mpsc::UnboundedReceiver<Delivery>);

#[derive(Debug, Default)]
struct State {
    shops: HashMap<String, Line>,
    drawn: u64,
    sent: VecDeque<Sent>,
    /// Products that wait for their group to be full or due, by shop and webhook.
    groups: HashMap<(String, u64), Vec<u64>>,
}

/// The way out of one shop.
#[derive(Debug, Default)]
struct Line {
    chaos: Chaos,
    /// Held back until they are released.
    held: Option<Vec<Delivery>>,
    /// On their way, groups that wait among them.
    waiting: usize,
}

impl State {
    fn line(&mut self, shop: &str) -> &mut Line {
        self.shops.entry(shop.to_owned()).or_default()
    }
}

impl Post {
    pub(crate) fn new() -> (Self, Queue) {
        let (queue, receiver) = mpsc::unbounded_channel();
        let post = Self {
            queue,
            state: Mutex::default(),
        };
        (post, Queue(receiver))
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn set_chaos(&self, shop: &str, chaos: Chaos) {
        self.state().line(shop).chaos = chaos;
    }

    pub(crate) fn sent(&self, shop: &str) -> Vec<Sent> {
        let state = self.state();
        let mine = state.sent.iter().filter(|sent| sent.shop == shop);
        mine.cloned().collect()
    }

    /// How many webhooks are neither sent nor held.
    pub(crate) fn waiting(&self, shop: &str) -> usize {
        self.state().line(shop).waiting
    }

    /// Holds back what is to be sent from now on.
    pub(crate) fn hold(&self, shop: &str) {
        self.state().line(shop).held.get_or_insert_default();
    }

    /// Sends what was held back, in its order or the reverse.
    pub(crate) fn release(&self, shop: &str, reversed: bool) {
        let mut held = self.state().line(shop).held.take().unwrap_or_default();
        if reversed {
            held.reverse();
        }
        held.into_iter().for_each(|delivery| self.enqueue(delivery));
    }

    fn enqueue(&self, delivery: Delivery) {
        let mut state = self.state();
        let line = state.line(&delivery.shop);
        if let Some(held) = &mut line.held {
            held.push(delivery);
            return;
        }
        // Nobody takes it any more when the fake ends.
        if self.queue.send(delivery).is_ok() {
            line.waiting += 1;
        }
    }

    fn more(&self, shop: &str) {
        self.state().line(shop).waiting += 1;
    }

    fn less(&self, shop: &str) {
        let mut state = self.state();
        let line = state.line(shop);
        line.waiting = line.waiting.saturating_sub(1);
    }

    fn record(&self, delivery: Delivery, outcome: Outcome) {
        let mut state = self.state();
        if state.sent.len() >= KEPT {
            state.sent.pop_front();
        }
        state.sent.push_back(Sent {
            shop: delivery.shop,
            topic: delivery.topic,
            url: delivery.url,
            ids: delivery.ids,
            outcome,
        });
    }
}

fn text(fields: &Fields, name: &str) -> String {
    let value = fields.get(name).and_then(Value::as_str);
    value.unwrap_or_default().to_owned()
}

/// Makes the webhooks of what happened. Those about products wait for company.
pub(crate) fn publish(shared: &Arc<Shared>, store: &Store, events: &[Event]) {
    for (hook, row) in &store.table("webhooks").rows {
        let mine = events.iter();
        for event in mine.filter(|event| text(&row.body, "topic") == event.topic) {
            if event.topic.starts_with("products/") {
                group(shared, store, *hook, row, event.id);
            } else if let Some(body) = single(store, *event) {
                let delivery = delivery(store, row, vec![event.id], body.to_string());
                shared.post.enqueue(delivery);
            }
        }
    }
}

fn delivery(store: &Store, hook: &Row<Fields>, ids: Vec<u64>, body: String) -> Delivery {
    Delivery {
        shop: store.domain.clone(),
        topic: text(&hook.body, "topic"),
        url: text(&hook.body, "address"),
        ids,
        body: body.into(),
    }
}

/// An order or a customer: one object without a wrapper.
fn single(store: &Store, event: Event) -> Option<Value> {
    if event.topic.starts_with("orders/") {
        let row = store.orders.get(event.id)?;
        return Some(order::view(
            store,
            event.id,
            row,
            store.quoted != Quoted::Never,
        ));
    }
    let row = store.table("clients").get(event.id)?;
    Some(plain(event.id, row))
}

/// Puts a product into its group; the group goes when it is full or has waited.
fn group(shared: &Arc<Shared>, store: &Store, hook: u64, row: &Row<Fields>, product: u64) {
    let size = row.body.get("batch_size").and_then(Value::as_u64);
    let size = size
        .and_then(|size| usize::try_from(size).ok())
        .unwrap_or(BATCH)
        .max(1);
    let place = (store.domain.clone(), hook);
    let mut state = shared.post.state();
    let waiting = state.groups.entry(place.clone()).or_default();
    waiting.push(product);
    if waiting.len() >= size {
        let ids = std::mem::take(waiting);
        drop(state);
        send_group(shared, store, hook, ids);
    } else if waiting.len() == 1 {
        state.line(&place.0).waiting += 1;
        drop(state);
        let shared = shared.clone();
        shared.runtime.clone().spawn(async move {
            tokio::time::sleep(Duration::from_millis(shared.options.group_ms)).await;
            let ids = shared
                .post
                .state()
                .groups
                .remove(&place)
                .unwrap_or_default();
            if let Some(store) = shared.world().shop(&place.0) {
                send_group(&shared, store, hook, ids);
            }
            shared.post.less(&place.0);
        });
    }
}

/// Products as they are now, in an array.
fn send_group(shared: &Arc<Shared>, store: &Store, hook: u64, ids: Vec<u64>) {
    let Some(row) = store.table("webhooks").get(hook) else {
        return;
    };
    let view = View {
        store,
        origin: &shared.origin,
        rights: Rights::default(),
    };
    let shown: Vec<_> = ids.iter().filter_map(|id| view.product(*id)).collect();
    if !shown.is_empty() {
        let body = serde_json::to_string(&shown).unwrap_or_default();
        shared.post.enqueue(delivery(store, row, ids, body));
    }
}

/// Takes webhooks from the queue and sends them until the fake ends.
pub(crate) async fn run(shared: Arc<Shared>, mut queue: Queue) {
    let permits = Arc::new(Semaphore::new(AT_ONCE));
    while let Some(delivery) = queue.0.recv().await {
        let (chaos, drawn) = {
            let mut state = shared.post.state();
            state.drawn = state.drawn.wrapping_add(1);
            let drawn = state.drawn;
            (state.line(&delivery.shop).chaos, drawn)
        };
        // The same run draws the same: what happens to the n-th webhook follows from n.
        let draw = |purpose| draw(7, purpose, drawn) % 100;
        if draw("lose") < chaos.lose_percent.into() {
            let shop = delivery.shop.clone();
            shared.post.record(delivery, Outcome::Lost);
            shared.post.less(&shop);
            continue;
        }
        let delay = u64::from(chaos.delay_ms);
        if draw("duplicate") < chaos.duplicate_percent.into() {
            shared.post.more(&delivery.shop);
            let twin = delay + 1 + LATER_MS * draw("twin") / 100;
            later(&shared, &permits, delivery.clone(), twin);
        }
        let reordered = draw("reorder") < chaos.reorder_percent.into();
        let after = delay
            + if reordered {
                1 + LATER_MS * draw("later") / 100
            } else {
                0
            };
        later(&shared, &permits, delivery, after);
    }
}

fn later(shared: &Arc<Shared>, permits: &Arc<Semaphore>, delivery: Delivery, after_ms: u64) {
    let (shared, permits) = (shared.clone(), permits.clone());
    tokio::spawn(async move {
        if after_ms > 0 {
            tokio::time::sleep(Duration::from_millis(after_ms)).await;
        }
        if let Ok(_permit) = permits.acquire().await {
            let shop = delivery.shop.clone();
            let outcome = attempt(&shared, &delivery).await;
            shared.post.record(delivery, outcome);
            shared.post.less(&shop);
        }
    });
}

async fn attempt(shared: &Shared, delivery: &Delivery) -> Outcome {
    let request = http::Request::post(&delivery.url)
        .header("content-type", "application/json")
        .header("user-agent", "InSales webhook")
        .body(Full::new(delivery.body.clone()));
    let Ok(request) = request else {
        return Outcome::Unanswered;
    };
    let asked = async {
        let answer = shared.client.request(request).await.ok()?;
        let status = answer.status().as_u16();
        // The connection is of use again when the body was read.
        answer.into_body().collect().await.ok()?;
        Some(status)
    };
    match tokio::time::timeout(Duration::from_millis(ANSWER_MS), asked).await {
        Ok(Some(status)) => Outcome::Answered(status),
        _ => Outcome::Unanswered,
    }
}
