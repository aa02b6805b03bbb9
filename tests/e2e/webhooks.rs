//! Webhooks of МойСклад, played by the fake: subscribed to, received, handled.

use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use fake_moysklad::{Chaos, Fake, Options, Outcome, Shape, Shop as Account};
use serde_json::{Value, json};
use sklad_host::{Running, Server};

use crate::fixture::*;

const JOB: &str = "moysklad-webhooks";
const PATIENCE: Duration = Duration::from_secs(60);

struct World {
    fake: Fake,
    account: uuid::Uuid,
    shop: Shop,
    _server: Running,
    _state: tempfile::TempDir,
}

/// An application that knows where it is reached, and a shop that is connected and has imported.
fn world(products: u32) -> Option<World> {
    if skipped_outside("an application of the fake's") {
        return None;
    }
    let fake = Fake::start(Options::default()).unwrap();
    let shape = Shape {
        products,
        variants: 4,
        services: 1,
        bundles: 1,
        folders: 3,
        stores: 1,
        price_types: 1,
        counterparties: 1,
        seed: 1,
        images: false,
    };
    let account = fake.add_account("kofe", Account::Generated(shape));
    // The address must be known before the application starts.
    let free = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = free.local_addr().unwrap().to_string();
    drop(free);
    let state = tempfile::tempdir().unwrap();
    let builder = Server::builder()
        .manifest(manifest())
        .listen(&listen)
        .state_dir(state.path());
    let url = format!("http://{listen}");
    let more = [
        ("public_url", url.as_str()),
        ("moysklad_api", fake.api()),
        ("moysklad_files", fake.files()),
    ];
    let all = variables().into_iter().chain(more);
    let server = serve(all.fold(builder, |b, (k, v)| b.variable(k, v)));
    let app = Arc::new(App::of_tests(url));
    let shop = Shop::with(app, json!({}));
    let mut settings = shop.api("GET", "/settings", &json!({})).ok();
    let organization = fake.id(account, "organization", 0);
    settings["moysklad"]["organization"] = json!(organization.to_string());
    let path = format!("/{}/settings", shop.slug);
    let any = [("If-Match", "*")];
    shop.app.operator("PUT", &path, &any, &settings).ok();
    let token = fake.user_token(account);
    shop.api("PUT", "/moysklad", &json!({ "token": token }))
        .ok();
    let world = World {
        fake,
        account,
        shop,
        _server: server,
        _state: state,
    };
    world.shop.api("POST", "/moysklad/import", &json!({})).ok();
    world.finish("moysklad-goods");
    let subscribed = world.finish(JOB);
    assert_eq!(subscribed["last_result"], "ok", "{subscribed}");
    Some(world)
}

impl World {
    fn tick(&self) -> Value {
        let token = variables()[0];
        assert_eq!(token.0, "operator_token");
        let bearer = format!("Bearer {}", token.1);
        let path = "/internal/tick?budget_ms=5000&once=true";
        let headers = [("authorization", bearer.as_str())];
        let answer = self.shop.app.send("POST", path, &headers, b"");
        answer.unwrap().ok()
    }

    fn finish(&self, job: &str) -> Value {
        for _ in 0..100 {
            self.tick();
            let path = format!("/jobs/{job}");
            let line = self.shop.api("GET", &path, &json!({})).ok();
            if line["run_at"].is_null() && !line["last_result"].is_null() {
                return line;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        panic!("{job} does not end");
    }

    /// All webhooks have been delivered and handled.
    fn settle(&self) {
        assert!(self.fake.wait_for_webhooks(self.account, PATIENCE));
        let mut quiet = 0;
        for _ in 0..200 {
            let handled = self.tick()["received"].as_u64().unwrap();
            quiet = if handled == 0 { quiet + 1 } else { 0 };
            if quiet == 2 {
                return;
            }
        }
        panic!("an inbox without end");
    }

    fn good(&self, id: uuid::Uuid) -> Value {
        self.shop
            .api("GET", &format!("/goods/{id}"), &json!({}))
            .ok()
    }
}

#[test]
fn a_change_arrives_by_a_webhook_and_a_subscription_that_is_lost_is_made_again() {
    let Some(w) = world(20) else { return };
    let hooks = w.fake.objects(w.account, "webhook");
    assert_eq!(hooks.len(), 36);
    assert_eq!(w.fake.objects(w.account, "webhookstock").len(), 1);
    let product = w.fake.id(w.account, "product", 3);
    let change = |fields: Value| {
        w.fake
            .update(w.account, "product", product, fields)
            .unwrap()
    };
    change(json!({ "name": "Чай «Новый»" }));
    w.settle();
    assert_eq!(w.good(product)["name"], "Чай «Новый»");

    // Another category, made a moment ago.
    let folder = json!({ "name": "Новая группа" });
    let folder = w.fake.create(w.account, "productfolder", folder).unwrap();
    change(json!({ "productFolder": w.fake.reference("productfolder", folder) }));
    w.settle();
    let category = text(&w.good(product)["category"]);
    let known = w.shop.list("/categories");
    let it = known.iter().find(|row| text(&row["id"]) == category);
    assert_eq!(it.unwrap()["name"], "Новая группа");

    let deleted = w.fake.id(w.account, "product", 4);
    w.fake.delete(w.account, "product", deleted).unwrap();
    w.settle();
    assert_eq!(w.good(deleted)["archived"], true);

    let lost: uuid::Uuid = text(&hooks[0]["id"]).parse().unwrap();
    w.fake.delete(w.account, "webhook", lost).unwrap();
    w.shop
        .api("POST", &format!("/jobs/{JOB}/run"), &json!({}))
        .ok();
    let done = w.finish(JOB);
    assert!(text(&done["last_text"]).contains("создано 1"), "{done}");
    assert_eq!(w.fake.objects(w.account, "webhook").len(), 36);
}

#[test]
fn thousands_of_webhooks_doubled_and_reordered_lose_nothing() {
    const PRODUCTS: u32 = 400;
    const CHANGES: u32 = 2_000;
    let Some(w) = world(PRODUCTS) else { return };
    w.fake.set_chaos(
        w.account,
        Chaos {
            duplicate_percent: 20,
            reorder_percent: 20,
            lose_percent: 0,
        },
    );
    for n in 0..CHANGES {
        let product = w.fake.id(w.account, "product", (n * 7) % PRODUCTS);
        let fields = json!({ "name": format!("Товар версии {n}") });
        w.fake
            .update(w.account, "product", product, fields)
            .unwrap();
    }
    w.settle();
    let sent = w.fake.webhooks(w.account);
    assert!(sent.len() >= CHANGES as usize, "{}", sent.len());
    let bad = |sent: &&fake_moysklad::Sent| sent.outcome != Outcome::Delivered;
    assert_eq!(sent.iter().filter(bad).count(), 0);
    let mut took: Vec<u64> = sent.iter().map(|sent| sent.took_ms).collect();
    took.sort_unstable();
    println!(
        "{} webhooks: median {} ms, p99 {} ms",
        took.len(),
        took[took.len() / 2],
        took[took.len() * 99 / 100]
    );
    let ours = w.shop.list("/goods");
    for product in w.fake.objects(w.account, "product") {
        let ours = ours.iter().find(|row| row["ms_id"] == product["id"]);
        assert_eq!(ours.unwrap()["name"], product["name"]);
    }
}
