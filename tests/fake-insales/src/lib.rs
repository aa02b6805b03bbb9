//! InSales played by a test: the Admin API of many shops and their webhooks, with its limit and its faults.
//! It is written from the project's notes on that API (the sections that comments name) and behaves and
//! misbehaves as they say; where they leave a point open it does what is harder for a client.
//!
//! ```no_run
//! use fake_insales::{Fake, Fault, Goods, Options, Rule, Shape};
//!
//! let fake = Fake::start(Options::default()).unwrap();
//! let shop = "kofe.myinsales.ru";
//! let key = fake.add_shop(shop, Goods::Generated(Shape::products(20_000)));
//! // GET {fake.origin()}/kofe.myinsales.ru/admin/products.json with key.id and key.password …
//! fake.fault(Rule::next(Fault::CommitThenClose).method("POST").path("/orders").shop(shop));
//! assert_eq!(fake.count(shop).exceeded, 0);
//! ```
//!
//! * `limits` – requests in a window; it counts. `log` – what was asked.
//! * `state`, `product`, `order`, `generate`, `shop` – what there is.
//! * `api`, `view` – the Admin API. `hand` – the same as a merchant in the back office.
//! * `webhooks` – deliveries.
//! * `misbehave`, `control` – faults, and everything by HTTP under `/_fake/`.
//!
//! What is open in the notes and is played so: a page of fewer than 10 or more than 250 rows is refused with
//! 422, a date that cannot be read with 400, a body without its wrapper with 400, one that is no JSON by its
//! header with 415; 401, 403 and 423 have no JSON; created things are answered with 201. Deliveries, payments,
//! statuses, fields, warehouses, price kinds, properties, options and webhooks come whole, whatever page is
//! asked for. Fields of an order that do not exist are passed over in silence. The trash tells no webhook.
//!
//! Not played: XML, writing goods by the API, bundles, discounts, coupons, drafts of orders.

mod api;
mod control;
mod files;
mod generate;
mod hand;
mod limits;
mod log;
mod message;
mod misbehave;
mod money;
mod order;
mod product;
mod server;
mod shop;
mod state;
mod time;
mod view;
mod webhooks;

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::ops::Deref;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::runtime::Runtime;

pub use generate::Shape;
pub use limits::{Count, Limit};
pub use log::Seen;
pub use misbehave::{Fault, Rule};
pub use state::{Key, Quoted, Rights, Tariff};
pub use webhooks::{Chaos, Outcome, Sent};

use generate::draw;
use server::{Shared, Trap};
use state::Store;
use time::machine_ms;
use webhooks::Post;

/// How often a test that waits for webhooks looks.
const POLL: Duration = Duration::from_millis(5);

/// What can be said about the fake before it starts.
#[derive(Debug, Clone)]
pub struct Options {
    /// Where it listens; port 0 is any free one.
    pub listen: SocketAddr,
    /// How long every answer takes at least, in milliseconds.
    pub latency_ms: u32,
    /// How long a webhook about products waits for others, in milliseconds.
    pub group_ms: u64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            latency_ms: 0,
            group_ms: 100,
        }
    }
}

/// What a shop sells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Goods {
    /// Nothing: only what every shop has.
    None,
    /// A handful made by hand.
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

/// The way to a fake: what a test may do with it. A shop is named by its domain, `kofe.myinsales.ru`; what
/// is asked of a shop that is not there does nothing.
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
    /// Starts the server.
    ///
    /// # Errors
    /// When the port is taken or no thread can be started.
    pub fn start(options: Options) -> io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .thread_name("fake-insales")
            .enable_all()
            .build()?;
        let listener = TcpListener::bind(options.listen)?;
        listener.set_nonblocking(true)?;
        let origin = format!("http://{}", listener.local_addr()?);
        let (post, queue) = Post::new();
        let shared = Arc::new(Shared::new(options, origin, post, runtime.handle().clone()));
        let inside = runtime.enter();
        let listener = tokio::net::TcpListener::from_std(listener)?;
        drop(inside);
        runtime.spawn(server::serve(shared.clone(), listener));
        runtime.spawn(webhooks::run(shared.clone(), queue));
        Ok(Self {
            handle: Handle { shared },
            runtime: Some(runtime),
        })
    }
}

/// Shops and their keys.
impl Handle {
    /// The origin that stands for all shops: one is at `{origin}/{domain}/admin/…`.
    pub fn origin(&self) -> &str {
        &self.shared.origin
    }

    /// Opens a shop with a key that may do everything. Its ids and its key follow from how many shops there
    /// are and from its domain.
    pub fn add_shop(&self, domain: &str, goods: Goods) -> Key {
        let mut world = self.shared.world();
        let now = world.now_ms().div_euclid(1000);
        let shape = match &goods {
            Goods::Generated(shape) => shape.clone(),
            Goods::None | Goods::Small => Shape {
                price_kinds: 2,
                warehouses: 2,
                ..Shape::default()
            },
        };
        let mut store = Store::new(domain, world.next_base(), shape);
        shop::furnish(&mut store, generate::CHANGED_S);
        match goods {
            Goods::None => {}
            Goods::Small => shop::small(&mut store, now),
            Goods::Generated(_) => generate::fill(&mut store),
        }
        let key = new_key(&mut store, Rights::default());
        world.shops.insert(domain.to_owned(), store);
        key
    }

    /// Makes one more key of a shop.
    pub fn add_key(&self, shop: &str, rights: Rights) -> Option<Key> {
        self.with(shop, |store| new_key(store, rights))
    }

    /// Gives a key another password.
    pub fn set_password(&self, shop: &str, key: &str, password: &str) {
        self.with_key(shop, key, |key| key.password = password.to_owned());
    }

    /// Ticks the boxes of a key anew.
    pub fn set_rights(&self, shop: &str, key: &str, rights: Rights) {
        self.with_key(shop, key, |key| key.rights = rights);
    }

    /// Takes a key away.
    pub fn remove_key(&self, shop: &str, key: &str) {
        self.with(shop, |store| store.keys.retain(|one| one.id != key));
    }

    /// Moves a shop to another tariff.
    pub fn set_tariff(&self, shop: &str, tariff: Tariff) {
        self.with(shop, |store| store.tariff = tariff);
    }

    /// Gives a shop a domain of its own, under which it is there as well.
    pub fn set_own_domain(&self, shop: &str, domain: Option<&str>) {
        self.with(shop, |store| store.own_domain = domain.map(str::to_owned));
    }

    /// Says where numbers of orders are written as texts.
    pub fn set_quoted(&self, shop: &str, quoted: Quoted) {
        self.with(shop, |store| store.quoted = quoted);
    }

    /// Says which pairs of delivery and payment are allowed.
    pub fn set_pairs(&self, shop: &str, pairs: Vec<(u64, u64)>) {
        self.with(shop, |store| store.pairs = pairs);
    }

    /// The id that `index` of a kind has from the start: `("products", 41)`, `("variants", 4 × 41)`,
    /// `("delivery_variants", 0)`, `("payment_gateways", 0)`. The goods made by hand are not among them.
    pub fn id(&self, shop: &str, kind: &str, index: u32) -> u64 {
        self.with(shop, |store| store.id(kind, index)).unwrap_or(0)
    }

    /// Moves the shops' clock ahead; that of the limit stays.
    pub fn advance(&self, by: Duration) {
        let ms = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.shared.world().ahead_ms += ms;
    }

    /// The shops' time, in milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.shared.world().now_ms()
    }

    pub(crate) fn with<R>(&self, shop: &str, act: impl FnOnce(&mut Store) -> R) -> Option<R> {
        self.shared.world().shop_mut(shop).map(act)
    }

    fn with_key(&self, shop: &str, id: &str, act: impl FnOnce(&mut Key)) {
        self.with(shop, |store| {
            store.keys.iter_mut().find(|key| key.id == id).map(act)
        });
    }
}

fn new_key(store: &mut Store, rights: Rights) -> Key {
    let place = store.keys.len() as u64;
    let hex = |purpose: &str| {
        let drawn = draw(2, &format!("{purpose} {}", store.domain), place);
        format!("{drawn:016x}{:016x}", drawn.rotate_left(17) ^ place)
    };
    let key = Key {
        id: hex("key"),
        password: hex("password"),
        rights,
    };
    store.keys.push(key.clone());
    key
}

/// The limit, faults, and what was seen.
impl Handle {
    /// Says what may be asked of a shop.
    pub fn set_limit(&self, shop: &str, limit: Limit) {
        self.shared.limiter().set(shop, limit);
    }

    /// Lets somebody else with the same key have asked so often; [`Handle::count`] does not show it.
    pub fn spend(&self, shop: &str, key: &str, requests: u32) {
        let mut limiter = self.shared.limiter();
        limiter.spend(shop, key, requests, machine_ms());
    }

    /// What the limit has seen of a shop since the last [`Handle::reset_counts`].
    pub fn count(&self, shop: &str) -> Count {
        self.shared.limiter().count(shop)
    }

    /// A shop's requests since then, of the last 200,000 of all; those without the right key too.
    pub fn requests(&self, shop: &str) -> Vec<Seen> {
        self.shared.log().of(shop).cloned().collect()
    }

    /// How many of them there were of each method and path, ids replaced by `{id}`.
    pub fn requests_by_path(&self, shop: &str) -> BTreeMap<String, usize> {
        self.shared.log().by_path(shop)
    }

    /// Begins to count a shop anew. What is spent of its window stays spent.
    pub fn reset_counts(&self, shop: &str) {
        self.shared.limiter().reset(shop);
        self.shared.log().forget(shop);
    }

    /// Lets something go wrong.
    pub fn fault(&self, rule: Rule) {
        self.shared.faults().add(rule);
    }

    /// Forgets all faults that have not happened.
    pub fn clear_faults(&self) {
        self.shared.faults().clear();
    }

    /// Does something when a shop's `nth` request whose path or query has `path` in it has been answered and
    /// before the answer leaves: between two pages of a list, say.
    pub fn after_answer(
        &self,
        shop: &str,
        path: &str,
        nth: u32,
        act: impl FnOnce(&Handle) + Send + 'static,
    ) {
        self.shared.traps().push(Trap {
            shop: shop.to_owned(),
            path: path.to_owned(),
            after: nth.max(1),
            act: Box::new(act),
        });
    }
}

/// Webhooks.
impl Handle {
    /// Lets the network double, reorder, delay and lose a shop's.
    pub fn set_chaos(&self, shop: &str, chaos: Chaos) {
        self.shared.post.set_chaos(shop, chaos);
    }

    /// Holds a shop's back until [`Handle::release_webhooks`].
    pub fn hold_webhooks(&self, shop: &str) {
        self.shared.post.hold(shop);
    }

    /// Sends what was held back, the last first if `reversed`.
    pub fn release_webhooks(&self, shop: &str, reversed: bool) {
        self.shared.post.release(shop, reversed);
    }

    /// A shop's that were sent, of the last 50,000 of all.
    pub fn webhooks(&self, shop: &str) -> Vec<Sent> {
        self.shared.post.sent(shop)
    }

    /// Waits until none of a shop is on its way; whether that came about within `patience`.
    pub fn wait_for_webhooks(&self, shop: &str, patience: Duration) -> bool {
        let until = Instant::now() + patience;
        while self.shared.post.waiting(shop) > 0 {
            if Instant::now() > until {
                return false;
            }
            std::thread::sleep(POLL);
        }
        true
    }
}
