//! The fake by HTTP, for those who play with it: JSON under `/_fake/`.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use crate::message::{Ask, Problem, Reply};
use crate::{Chaos, Goods, Handle, Limit, Quoted, Rights, Rule, Shape, Tariff};

/// What can be asked for. SHOP is its domain, KIND a resource of the API (products, orders, clients …).
const HELP: &[&str] = &[
    "POST shops                        {domain, products}: opens a shop; answers its key",
    "GET  shops/SHOP/count             what the limit has seen",
    "GET  shops/SHOP/paths             how many requests of each path; requests: all",
    "GET  shops/SHOP/webhooks          webhooks that were sent",
    "GET  shops/SHOP/keys              keys with their passwords",
    "GET  shops/SHOP/things/KIND       all things, those in the trash too",
    "POST shops/SHOP/change            {kind, id?, fields?, purge?}: makes, changes, deletes, purges",
    "POST shops/SHOP/change-after      the same with {path, nth}: when the nth such request is answered",
    "POST shops/SHOP/restore           {kind, id}: out of the trash",
    "POST shops/SHOP/key               {id, password?, rights?: {orders: false …}}",
    "POST shops/SHOP/tariff            \"full\", \"no_api\", \"blocked\"",
    "POST shops/SHOP/domain            \"kofe.example\" or null: the shop's own domain",
    "POST shops/SHOP/quoted            \"never\", \"webhooks\", \"always\": numbers of orders as texts",
    "POST shops/SHOP/limit             {requests, window_ms, status}",
    "POST shops/SHOP/spend             {key, requests}: by somebody else with this key",
    "POST shops/SHOP/reset             counts anew",
    "POST shops/SHOP/chaos             {duplicate_percent, reorder_percent, lose_percent, delay_ms}",
    "POST shops/SHOP/hold, release, release-reversed    webhooks",
    "POST faults                       {faults: [{kind: html, status: 502}], times, after, percent, seed,",
    "                                  method, path, shop}; times: null is for ever; kinds: limited {status,",
    "                                  retry_after_s}, status {status}, html {status}, redirect {to},",
    "                                  hang {ms}, close, too_slow {after_ms}, slow {ms}, cut_body,",
    "                                  commit_then_hang {ms}, commit_then_close,",
    "                                  commit_then_too_slow {after_ms}, commit_later {ms}, empty_text",
    "POST faults/clear",
    "POST clock                        {advance_seconds}",
];

#[derive(Debug, Deserialize)]
struct NewShop {
    domain: String,
    products: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct Change {
    kind: String,
    id: Option<u64>,
    fields: Option<Value>,
    #[serde(default)]
    purge: bool,
    path: Option<String>,
    nth: Option<u32>,
}

#[derive(Debug, Deserialize)]
struct KeyChange {
    id: String,
    password: Option<String>,
    rights: Option<Rights>,
}

#[derive(Debug, Deserialize)]
struct Spend {
    key: String,
    requests: u32,
}

#[derive(Debug, Deserialize)]
struct Clock {
    advance_seconds: u64,
}

type Answer = Result<Value, Problem>;

/// Answers a request of whoever plays with the fake.
pub(crate) fn handle(handle: &Handle, ask: &Ask) -> Reply {
    let parts: Vec<&str> = ask.path.trim_matches('/').split('/').collect();
    match answer(handle, &parts, ask) {
        Ok(value) => Reply::json(&value),
        Err(problem) => problem.into(),
    }
}

fn read<T: DeserializeOwned>(ask: &Ask) -> Result<T, Problem> {
    serde_json::from_slice(&ask.body).map_err(|error| Problem::malformed(error.to_string()))
}

fn answer(handle: &Handle, parts: &[&str], ask: &Ask) -> Answer {
    match (ask.method.as_str(), parts) {
        ("POST", ["shops"]) => {
            let new: NewShop = read(ask)?;
            let generated = new
                .products
                .map(|count| Goods::Generated(Shape::products(count)));
            let key = handle.add_shop(&new.domain, generated.unwrap_or(Goods::Small));
            Ok(json!(key))
        }
        ("GET", ["shops", shop, what @ ..]) => seen(handle, shop, what),
        ("POST", ["shops", shop, what]) => does(handle, shop, what, ask),
        ("POST", ["faults"]) => {
            handle.fault(read::<Rule>(ask)?);
            Ok(json!({}))
        }
        ("POST", ["faults", "clear"]) => {
            handle.clear_faults();
            Ok(json!({}))
        }
        ("POST", ["clock"]) => {
            let clock: Clock = read(ask)?;
            handle.advance(std::time::Duration::from_secs(clock.advance_seconds));
            Ok(json!({}))
        }
        _ => Ok(json!(HELP)),
    }
}

fn seen(handle: &Handle, shop: &str, what: &[&str]) -> Answer {
    Ok(match what {
        ["count"] => json!(handle.count(shop)),
        ["paths"] => json!(handle.requests_by_path(shop)),
        ["requests"] => json!(handle.requests(shop)),
        ["webhooks"] => json!(handle.webhooks(shop)),
        ["keys"] => json!(handle.with(shop, |store| store.keys.clone())),
        ["things", kind] => json!(handle.things(shop, kind)),
        _ => json!(HELP),
    })
}

fn does(handle: &Handle, shop: &str, what: &str, ask: &Ask) -> Answer {
    match what {
        "change" => return change(handle, shop, read(ask)?),
        "change-after" => {
            let asked: Change = read(ask)?;
            let (path, of) = (asked.path.clone().unwrap_or_default(), shop.to_owned());
            handle.after_answer(shop, &path, asked.nth.unwrap_or(1), move |handle| {
                // Whoever asked sees in the things what became of it.
                let _ = change(handle, &of, asked);
            });
        }
        "restore" => {
            let asked: Change = read(ask)?;
            let done = handle.restore(shop, &asked.kind, asked.id.unwrap_or(0));
            done.map_err(Problem::malformed)?;
        }
        "key" => {
            let asked: KeyChange = read(ask)?;
            if let Some(password) = &asked.password {
                handle.set_password(shop, &asked.id, password);
            }
            if let Some(rights) = asked.rights {
                handle.set_rights(shop, &asked.id, rights);
            }
        }
        "spend" => {
            let asked: Spend = read(ask)?;
            handle.spend(shop, &asked.key, asked.requests);
        }
        "tariff" => handle.set_tariff(shop, read::<Tariff>(ask)?),
        "domain" => handle.set_own_domain(shop, read::<Option<String>>(ask)?.as_deref()),
        "quoted" => handle.set_quoted(shop, read::<Quoted>(ask)?),
        "limit" => handle.set_limit(shop, read::<Limit>(ask)?),
        "reset" => handle.reset_counts(shop),
        "chaos" => handle.set_chaos(shop, read::<Chaos>(ask)?),
        "hold" => handle.hold_webhooks(shop),
        "release" => handle.release_webhooks(shop, false),
        "release-reversed" => handle.release_webhooks(shop, true),
        _ => return Ok(json!(HELP)),
    }
    Ok(json!({}))
}

fn change(handle: &Handle, shop: &str, asked: Change) -> Answer {
    let kind = &asked.kind;
    let done = match (asked.id, asked.fields) {
        (None, Some(fields)) => handle.insert(shop, kind, &fields),
        (Some(id), Some(fields)) => handle.change(shop, kind, id, &fields).map(|()| id),
        (Some(id), None) if asked.purge => handle.purge(shop, kind, id).map(|()| id),
        (Some(id), None) => handle.delete(shop, kind, id).map(|()| id),
        (None, None) => Err("id or fields".to_owned()),
    };
    done.map(|id| json!({ "id": id }))
        .map_err(Problem::malformed)
}
