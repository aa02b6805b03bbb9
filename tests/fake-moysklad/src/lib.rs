//! МойСклад played by a test: JSON API 1.2 with its limits, webhooks, and the vendor API with the life of a
//! solution. It is written from the project's notes on both APIs (the sections that comments name) and
//! behaves and misbehaves as they say; where they leave a point open it does what is harder for a client.
//!
//! ```no_run
//! use fake_moysklad::{Fake, Fault, Options, Rule, Shape, Shop};
//!
//! let fake = Fake::start(Options::default()).unwrap();
//! let account = fake.add_account("kofe", Shop::Generated(Shape::goods(50_000)));
//! let token = fake.user_token(account);
//! // GET {fake.api()}/api/remap/1.2/entity/product with the token, gzip and the right Accept …
//! fake.fault(Rule::next(Fault::Html { status: 502 }).path("/entity/product").after(3));
//! assert_eq!(fake.count(account).refused_rate, 0);
//! ```
//!
//! * `limits` – units in a window, requests at once, switching off; it counts.
//! * `kinds`, `state`, `generate`, `shop` – what there is.
//! * `api`, `view`, `link` – JSON API 1.2.
//! * `webhooks` – deliveries; `lifecycle`, `vendor`, `jwt` – solutions.
//! * `misbehave`, `control` – faults, and the same by HTTP under `/_fake/`.
//!
//! Not played: asynchronous tasks, templates (`PUT …/new`), custom entities, the arithmetic of documents
//! beyond a sum of whole numbers.

mod api;
mod control;
mod error;
mod files;
mod generate;
mod jwt;
mod kinds;
mod lifecycle;
mod limits;
mod link;
mod log;
mod message;
mod misbehave;
mod server;
mod shop;
mod state;
mod stock;
mod time;
mod vendor;
mod view;
mod webhooks;

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::Method;
use serde_json::Value;
use tokio::runtime::Runtime;
use uuid::Uuid;

pub use generate::Shape;
pub use lifecycle::{Loyalty, Patience, Solution, Status, VendorCall};
pub use limits::{Count, Limits};
pub use log::{Seen, Server};
pub use misbehave::{Fault, Rule};
pub use stock::Quantity;
pub use webhooks::{Chaos, Outcome, Sent};

use api::Call;
use error::Problem;
use message::Ask;
use server::{Origins, Shared, Trap};
use state::{Account, Event, Session, User};
use webhooks::Post;

/// The password of every administrator of the fake.
pub const PASSWORD: &str = "password";
/// How long a test waits for webhooks to arrive before it gives up, as a rule.
const POLL: Duration = Duration::from_millis(5);

/// What can be said about the fake before it starts.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where the JSON API listens. The vendor API and the files are on the two ports after it; port 0 is
    /// any three free ones.
    pub listen: SocketAddr,
    /// What may be asked of it.
    pub limits: Limits,
    /// How long every answer of the JSON API takes at least, in milliseconds.
    pub latency_ms: u64,
    /// How it waits for a solution's endpoint and repeats itself.
    pub patience: Patience,
    /// How often stock webhooks are sent, in milliseconds; `None`: when a test says so.
    pub stock_webhooks_ms: Option<u64>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            limits: Limits::default(),
            latency_ms: 0,
            patience: Patience::default(),
            stock_webhooks_ms: None,
        }
    }
}

/// What an account sells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shop {
    /// Nothing: only what every account has.
    Empty,
    /// A dozen goods made by hand.
    Small,
    /// What a shape says.
    Generated(Shape),
}

/// A fake that runs, on threads of its own, until it is dropped.
#[derive(Debug)]
pub struct Fake {
    handle: Handle,
    runtime: Option<Runtime>,
}

/// The way to a fake: what a test may do with it.
#[derive(Debug, Clone)]
pub struct Handle {
    pub(crate) shared: Arc<Shared>,
}

impl Deref for Fake {
    type Target = Handle;

    fn deref(&self) -> &Handle {
        &self.handle
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        // A test may drop it on a thread that must not wait.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

impl Fake {
    /// Starts the three servers.
    ///
    /// # Errors
    /// When a port is taken or no thread can be started.
    pub fn start(options: Options) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("fake-moysklad")
            .enable_all()
            .build()?;
        let listen = |number: u16| -> io::Result<(TcpListener, String)> {
            let mut address = options.listen;
            if address.port() != 0 {
                address.set_port(address.port().saturating_add(number));
            }
            let listener = TcpListener::bind(address)?;
            listener.set_nonblocking(true)?;
            let origin = format!("http://{}", listener.local_addr()?);
            Ok((listener, origin))
        };
        let ((api, api_at), (apps, apps_at), (files, files_at)) =
            (listen(0)?, listen(1)?, listen(2)?);
        let origins = Origins {
            api: api_at,
            apps: apps_at,
            files: files_at,
        };
        let (post, queue) = Post::new();
        let stock_every = options.stock_webhooks_ms;
        let shared = Arc::new(Shared::new(
            options,
            origins,
            post,
            runtime.handle().clone(),
        ));
        let inside = runtime.enter();
        for (server, listener) in [
            (Server::Api, api),
            (Server::Apps, apps),
            (Server::Files, files),
        ] {
            let listener = tokio::net::TcpListener::from_std(listener)?;
            runtime.spawn(server::serve(shared.clone(), server, listener));
        }
        drop(inside);
        runtime.spawn(webhooks::run(shared.clone(), queue));
        let handle = Handle { shared };
        if let Some(every) = stock_every {
            let handle = handle.clone();
            runtime.spawn(async move {
                loop {
                    tokio::time::sleep(Duration::from_millis(every)).await;
                    handle.send_stock_webhooks();
                }
            });
        }
        Ok(Self {
            handle,
            runtime: Some(runtime),
        })
    }
}

/// Addresses and accounts.
impl Handle {
    /// The origin that plays `https://api.moysklad.ru`.
    pub fn api(&self) -> &str {
        &self.shared.origins.api
    }

    /// The origin that plays `https://apps-api.moysklad.ru`.
    pub fn apps(&self) -> &str {
        &self.shared.origins.apps
    }

    /// The origin that gives out files.
    pub fn files(&self) -> &str {
        &self.shared.origins.files
    }

    /// Opens an account with an administrator `admin@{name}`, whose password is [`PASSWORD`]. Its id, and
    /// those of what it has from the start, follow from the name.
    pub fn add_account(&self, name: &str, shop: Shop) -> Uuid {
        let id = Uuid::new_v5(&Uuid::NAMESPACE_DNS, name.as_bytes());
        let mut world = self.shared.world();
        let now = world.now();
        let shape = match &shop {
            Shop::Generated(shape) => shape.clone(),
            _ => Shape {
                stores: 2,
                price_types: 2,
                ..Shape::default()
            },
        };
        let mut account = Account::new(id, name, shape);
        shop::furnish(&mut account, PASSWORD, now);
        match shop {
            Shop::Empty => {}
            Shop::Small => shop::small(&mut account, now),
            Shop::Generated(_) => generate::fill(&mut account),
        }
        account.stock.told = now;
        world.accounts.insert(id, account);
        id
    }

    /// Adds an employee `{name}@{account}` with [`PASSWORD`]; returns the login.
    pub fn add_user(&self, account: Uuid, name: &str, admin: bool) -> String {
        let mut world = self.shared.world();
        let Some(account) = world.accounts.get_mut(&account) else {
            return String::new();
        };
        let login = format!("{name}@{}", account.name);
        account.users.push(User {
            login: login.clone(),
            password: PASSWORD.to_owned(),
            employee: account.made_id("employee", 0),
            admin,
        });
        login
    }

    /// A token of the account's administrator; earlier ones stay.
    pub fn user_token(&self, account: Uuid) -> String {
        let mut world = self.shared.world();
        let token = Uuid::new_v4().simple().to_string();
        if let Some(uid) = world.account(account).map(admin) {
            world.tokens.insert(
                token.clone(),
                Session {
                    account,
                    uid,
                    solution: None,
                },
            );
        }
        token
    }

    /// Ends every token of the account's users.
    pub fn revoke_user_tokens(&self, account: Uuid) {
        let mut world = self.shared.world();
        world
            .tokens
            .retain(|_, session| session.account != account || session.solution.is_some());
    }

    /// Moves the account to the free tariff, on which there are no webhooks, or back.
    pub fn set_free(&self, account: Uuid, free: bool) {
        if let Some(account) = self.shared.world().accounts.get_mut(&account) {
            account.free = free;
        }
    }

    /// The id that `index` of a kind has from the start: `("organization", 0)`, `("store", 1)`,
    /// `("product", 41)`.
    pub fn id(&self, account: Uuid, kind: &str, index: u32) -> Uuid {
        generate::id(account, kind, index)
    }

    /// Moves the service's clock ahead; that of the limits stays.
    pub fn advance(&self, by: Duration) {
        let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.shared.world().ahead_ms += ms;
    }
}

fn admin(account: &Account) -> String {
    account
        .users
        .first()
        .map(|user| user.login.clone())
        .unwrap_or_default()
}

/// Objects, as somebody at the merchant's sees and changes them in the interface.
impl Handle {
    /// All objects of a kind with the archived ones, as the API would show them.
    pub fn objects(&self, account: Uuid, kind: &str) -> Vec<Value> {
        let world = self.shared.world();
        let (Some(account), Some(kind)) = (world.account(account), kinds::kind(kind)) else {
            return Vec::new();
        };
        let view = view::View {
            account,
            origin: self.api(),
        };
        account
            .rows(kind.name)
            .map(|row| view.show(kind, row, &view::Expand::default()))
            .collect()
    }

    /// One object.
    pub fn object(&self, account: Uuid, kind: &str, id: Uuid) -> Option<Value> {
        let world = self.shared.world();
        let (account, kind) = (world.account(account)?, kinds::kind(kind)?);
        let view = view::View {
            account,
            origin: self.api(),
        };
        Some(view.show(kind, account.row(kind.name, id)?, &view::Expand::default()))
    }

    /// How many objects of a kind there are.
    pub fn len_of(&self, account: Uuid, kind: &str) -> usize {
        self.shared
            .world()
            .account(account)
            .map_or(0, |account| account.count(kind))
    }

    /// A reference for [`Handle::create`] and [`Handle::update`].
    pub fn reference(&self, kind: &str, id: Uuid) -> Value {
        let mut value = link::entity(kind, id);
        if kind == "pricetype" {
            value = link::price_type(id);
        }
        link::outer(&mut value, self.api());
        value
    }

    /// Makes an object. Webhooks follow, as after every change.
    ///
    /// # Errors
    /// The vendor's text.
    pub fn create(&self, account: Uuid, kind: &str, fields: Value) -> Result<Uuid, String> {
        self.by_hand(account, kind, |call, kind| api_create(call, kind, fields))
    }

    /// Changes an object; `null` clears a field, `archived` archives.
    ///
    /// # Errors
    /// The vendor's text.
    pub fn update(&self, account: Uuid, kind: &str, id: Uuid, fields: Value) -> Result<(), String> {
        self.by_hand(account, kind, |call, kind| {
            api_change(call, kind, id, fields)
        })
        .map(drop)
    }

    /// Deletes an object; a document goes to the bin.
    ///
    /// # Errors
    /// The vendor's text.
    pub fn delete(&self, account: Uuid, kind: &str, id: Uuid) -> Result<(), String> {
        self.by_hand(account, kind, |call, kind| {
            api::destroy(call, kind, id)?;
            Ok(id)
        })
        .map(drop)
    }

    /// Takes a document out of the bin. Which event that makes is not documented: it is UPDATE here.
    pub fn restore(&self, account: Uuid, kind: &str, id: Uuid) {
        let _ = self.by_hand(account, kind, |call, kind| {
            let now = call.now;
            if let Some(account) = call.world.accounts.get_mut(&account)
                && let Some(mut row) = account.row(kind.name, id).cloned()
            {
                (row.trashed, row.updated) = (false, now);
                account.put(kind, row);
                call.events.push(Event {
                    kind: kind.name,
                    id,
                    action: "UPDATE",
                    fields: Vec::new(),
                });
            }
            Ok(id)
        });
    }

    /// Sets the stock of a product or variant in a store.
    pub fn set_stock(&self, account: Uuid, good: Uuid, store: Uuid, quantity: Quantity) {
        let mut world = self.shared.world();
        let now = world.now();
        if let Some(account) = world.accounts.get_mut(&account) {
            account.set_stock(good, store, quantity, now);
        }
    }

    /// Makes the pages of a list ready, so that a measurement is of the client and not of this:
    /// `warm(account, "entity/product", "order=id&limit=1000", 998)` for pages that begin every 998 rows.
    /// They stay ready until something changes.
    pub fn warm(&self, account: Uuid, path: &str, query: &str, step: usize) {
        let Some(uid) = self.shared.world().account(account).map(admin) else {
            return;
        };
        let kind = path.rsplit('/').next().unwrap_or_default();
        let pairs: Vec<_> = form_urlencoded::parse(query.as_bytes())
            .into_owned()
            .collect();
        for offset in (0..self.len_of(account, kind).max(1)).step_by(step.max(1)) {
            let mut ask = Ask::nothing(Method::GET);
            ask.path = format!("{}{path}", link::BASE);
            ask.query = pairs.clone();
            ask.query.push(("offset".to_owned(), offset.to_string()));
            ask.headers
                .insert("accept", http::HeaderValue::from_static(message::JSON));
            let session = Session {
                account,
                uid: uid.clone(),
                solution: None,
            };
            server::perform(&self.shared, &ask, session);
        }
    }

    fn by_hand(
        &self,
        account: Uuid,
        kind: &str,
        act: impl FnOnce(&mut Call, &'static kinds::Kind) -> Result<Uuid, Problem>,
    ) -> Result<Uuid, String> {
        let kind = kinds::kind(kind).ok_or_else(|| format!("no kind {kind}"))?;
        let ask = Ask::nothing(Method::POST);
        let mut world = self.shared.world();
        let uid = world.account(account).map(admin).ok_or("no account")?;
        let now = world.now();
        let session = Session {
            account,
            uid: uid.clone(),
            solution: None,
        };
        let origins = &self.shared.origins;
        let mut call = Call {
            origins,
            world: &mut world,
            session,
            ask: &ask,
            now,
            events: Vec::new(),
        };
        let done = act(&mut call, kind).map_err(|problem| problem.text);
        let events = std::mem::take(&mut call.events);
        webhooks::publish(&self.shared, &mut world, account, &uid, "app", events, &[]);
        done
    }
}

fn api_create(call: &mut Call, kind: &'static kinds::Kind, fields: Value) -> Result<Uuid, Problem> {
    api::create(call, kind, api::object(fields)?)
}

fn api_change(
    call: &mut Call,
    kind: &'static kinds::Kind,
    id: Uuid,
    fields: Value,
) -> Result<Uuid, Problem> {
    api::change(call, kind, id, api::object(fields)?)
}

/// Faults, and what was seen.
impl Handle {
    /// Lets something go wrong.
    pub fn fault(&self, rule: Rule) {
        self.shared.faults().add(rule);
    }

    /// Forgets all faults that have not happened.
    pub fn clear_faults(&self) {
        self.shared.faults().clear();
    }

    /// Does something when the account's `nth` request whose path or query has `path` in it has been
    /// answered and before the answer leaves: between two pages of a list, say.
    pub fn after_answer(
        &self,
        account: Uuid,
        path: &str,
        nth: u32,
        act: impl FnOnce(&Handle) + Send + 'static,
    ) {
        let (path, after) = (path.to_owned(), nth.max(1));
        let act = Box::new(act);
        self.shared.traps().push(Trap {
            account,
            path,
            after,
            act,
        });
    }

    /// What the limits have seen of an account since the last [`Handle::reset_counts`].
    pub fn count(&self, account: Uuid) -> Count {
        self.shared.limiter().count(account)
    }

    /// An account's requests to the JSON API since then, of the last 200,000 of all.
    pub fn requests(&self, account: Uuid) -> Vec<Seen> {
        self.shared.log().of(account).cloned().collect()
    }

    /// How many of them there were of each method and path, ids replaced by `{id}`.
    pub fn requests_by_path(&self, account: Uuid) -> BTreeMap<String, usize> {
        self.shared.log().by_path(account)
    }

    /// The requests to all servers, whoever made them: at most the last 200,000.
    pub fn all_requests(&self) -> Vec<Seen> {
        self.shared.log().all().cloned().collect()
    }

    /// Begins to count an account anew. Units that are spent stay spent.
    pub fn reset_counts(&self, account: Uuid) {
        self.shared.limiter().reset(account);
        self.shared.log().forget(account);
    }

    /// Switches access on again for everybody for whom it was switched off.
    pub fn switch_on(&self) {
        self.shared.limiter().switch_on();
    }
}

/// Webhooks.
impl Handle {
    /// Lets the network double, reorder and lose an account's.
    pub fn set_chaos(&self, account: Uuid, chaos: Chaos) {
        self.shared.post.set_chaos(account, chaos);
    }

    /// Holds an account's back until [`Handle::release_webhooks`].
    pub fn hold_webhooks(&self, account: Uuid) {
        self.shared.post.hold(account);
    }

    /// Sends what was held back, the last first if `reversed`.
    pub fn release_webhooks(&self, account: Uuid, reversed: bool) {
        self.shared.post.release(account, reversed);
    }

    /// An account's that were sent, of the last 50,000 of all.
    pub fn webhooks(&self, account: Uuid) -> Vec<Sent> {
        self.shared.post.sent(account)
    }

    /// Waits until none of an account is on its way; whether that came about within `patience`.
    pub fn wait_for_webhooks(&self, account: Uuid, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        while self.shared.post.waiting(account) > 0 {
            if Instant::now() > until {
                return false;
            }
            std::thread::sleep(POLL);
        }
        true
    }

    /// Sends the stock webhooks that are due, as the service does every few minutes.
    pub fn send_stock_webhooks(&self) {
        webhooks::publish_stock(&self.shared, &mut self.shared.world());
    }
}

/// Solutions of the marketplace. Calls to their endpoint block the calling thread until they have ended,
/// retries included, and may be made on any thread whose work the endpoint does not depend on.
impl Handle {
    /// Makes a solution known.
    pub fn add_solution(&self, solution: Solution) {
        self.shared.world().solutions.insert(solution.id, solution);
    }

    /// The merchant installs it. Returns where it stands then.
    pub fn install(&self, solution: Uuid, account: Uuid) -> Option<Status> {
        self.activate(solution, account, "Install")
    }

    /// The merchant has paid again.
    pub fn resume(&self, solution: Uuid, account: Uuid) -> Option<Status> {
        self.activate(solution, account, "Resume")
    }

    /// The merchant has chosen another tariff.
    pub fn change_tariff(&self, solution: Uuid, account: Uuid) -> Option<Status> {
        self.activate(solution, account, "TariffChanged")
    }

    /// The subscription was renewed.
    pub fn prolong(&self, solution: Uuid, account: Uuid) -> Option<Status> {
        self.activate(solution, account, "Autoprolongation")
    }

    fn activate(&self, solution: Uuid, account: Uuid, cause: &'static str) -> Option<Status> {
        let shared = self.shared.clone();
        self.wait(lifecycle::activate(shared, solution, account, cause))
    }

    /// The subscription was not paid.
    pub fn suspend(&self, solution: Uuid, account: Uuid) -> Option<Status> {
        self.wait(lifecycle::deactivate(
            self.shared.clone(),
            solution,
            account,
            "Suspend",
        ))
    }

    /// The merchant removes it; `None` when it is gone.
    pub fn uninstall(&self, solution: Uuid, account: Uuid) -> Option<Status> {
        self.wait(lifecycle::deactivate(
            self.shared.clone(),
            solution,
            account,
            "Uninstall",
        ))
    }

    /// Its rights were changed. Returns the status of the answer.
    pub fn change_permissions(&self, solution: Uuid, account: Uuid) -> Option<u16> {
        self.wait(lifecycle::event(self.shared.clone(), solution, account))
    }

    /// Sends the last call again with the same id and token. Returns the status of the answer.
    pub fn repeat_last_call(&self, solution: Uuid, account: Uuid) -> Option<u16> {
        self.wait(lifecycle::again(self.shared.clone(), solution, account))
    }

    /// A token for a call to a solution's endpoint that was signed so many seconds ago: for calls that a test
    /// makes itself.
    pub fn vendor_token(&self, solution: Uuid, age_s: i64) -> Option<String> {
        let world = self.shared.world();
        let secret = &world.solutions.get(&solution)?.secret;
        Some(lifecycle::token(secret, world.now() / 1000 - age_s))
    }

    /// Calls to endpoints, attempt by attempt.
    pub fn vendor_calls(&self) -> Vec<VendorCall> {
        self.shared.vendor_calls().clone()
    }

    /// Where an installed solution stands.
    pub fn status(&self, solution: Uuid, account: Uuid) -> Option<Status> {
        self.shared
            .world()
            .installs
            .get(&(solution, account))
            .map(|install| install.status)
    }

    /// The solution's token for the account's JSON API, while it has one.
    pub fn app_token(&self, solution: Uuid, account: Uuid) -> Option<String> {
        self.shared
            .world()
            .installs
            .get(&(solution, account))?
            .token
            .clone()
    }

    /// What the solution has set as the account's loyalty programme.
    pub fn loyalty(&self, solution: Uuid, account: Uuid) -> Option<Loyalty> {
        self.shared
            .world()
            .installs
            .get(&(solution, account))?
            .loyalty
            .clone()
    }

    /// The `contextKey` with which a user opens the solution's page: five minutes, once.
    pub fn context_key(&self, solution: Uuid, account: Uuid, login: &str) -> String {
        vendor::new_context(&mut self.shared.world(), solution, account, login, false)
    }

    /// The token for `context/user`: a minute, once.
    pub fn user_context_token(&self, solution: Uuid, account: Uuid, login: &str) -> String {
        vendor::new_context(&mut self.shared.world(), solution, account, login, true)
    }

    fn wait<T: Send + 'static>(
        &self,
        work: impl Future<Output = Option<T>> + Send + 'static,
    ) -> Option<T> {
        let (done, result) = std::sync::mpsc::channel();
        self.shared.runtime.spawn(async move {
            // Nobody waits any more when the test has ended.
            let _ = done.send(work.await);
        });
        result.recv().ok().flatten()
    }
}
