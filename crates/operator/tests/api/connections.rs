//! Companies and connections to shops of InSales.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;

use bytes::Bytes;
use http::Response;
use serde_json::{Value, json};
use sklad_store::native::NativeSql;
use sklad_store::{Call, Http, HttpError, Sql, Statement};

use crate::{Answer, World, shops};

/// A shop of InSales: every domain leads to it. What it answers instead of being well, by path, as `account`.
#[derive(Default)]
pub struct Shop {
    instead: RefCell<BTreeMap<String, u16>>,
    /// Domain and path of what was asked.
    asked: RefCell<Vec<String>>,
    gone: Cell<bool>,
    /// Where somebody else changes every connection while the shop is asked.
    meanwhile: RefCell<Option<NativeSql>>,
    /// The one field of orders.
    field: RefCell<Value>,
}

impl Http for Shop {
    async fn send(&self, call: Call) -> Result<Response<Bytes>, HttpError> {
        call.check()?;
        let uri = call.request.uri();
        let path = uri.path().strip_prefix("/admin/").unwrap();
        let name = path.strip_suffix(".json").unwrap();
        let asked = format!("{}/{name}", uri.host().unwrap());
        self.asked.borrow_mut().push(asked);
        if let Some(sql) = self.meanwhile.take() {
            let change = "UPDATE connections SET version = version + 1";
            sql.query(Statement::new(change)).await.unwrap();
        }
        if self.gone.get() {
            return Err(HttpError::NotSent("nobody there".to_owned()));
        }
        let answer = |status: u16, body: Value| {
            let answer = Response::builder().status(status);
            Ok(answer.body(Bytes::from(body.to_string())).unwrap())
        };
        if let Some(status) = self.instead.borrow().get(name) {
            return answer(*status, json!({}));
        }
        if call.request.method() == "POST" {
            assert_eq!(name, "fields");
            let made: Value = serde_json::from_slice(call.request.body()).unwrap();
            *self.field.borrow_mut() = made["field"].clone();
            return answer(201, made["field"].clone());
        }
        let pairs = json!([{"payment_gateway_id": 11, "delivery_variant_id": 21}]);
        answer(
            200,
            match name {
                "account" => {
                    let own = match uri.host().unwrap() {
                        "b.myinsales.ru" => "b.ru",
                        _ => "romashka.ru",
                    };
                    json!({"title": "Ромашка", "main_host": own})
                }
                "payment_gateways" => {
                    json!([{"id": 11, "title": "Наличные", "payment_delivery_variants": pairs},
                        {"id": 12, "title": "Карта"}])
                }
                "delivery_variants" => {
                    json!([{"id": 21, "title": "Самовывоз", "type": "DeliveryVariant::PickUp"},
                        {"id": 23, "title": "СДЕК", "type": "DeliveryVariant::External"}])
                }
                "fields" => json!([*self.field.borrow()]),
                count if count.ends_with("/count") => json!({"count": 1}),
                _ => json!([]),
            },
        )
    }
}

impl World {
    fn instead(&self, name: &str, status: u16) {
        let mut all = self.shop.instead.borrow_mut();
        all.insert(name.to_owned(), status);
    }

    fn well(&self) {
        self.shop.instead.borrow_mut().clear();
    }

    fn put(&self, path: &str, version: &str, body: &Value) -> Answer {
        self.call("PUT", path, &[("If-Match", version)], body)
    }

    fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", path, &[], &Value::Null)
    }

    fn act(&self, id: &str, what: &str) -> Answer {
        self.post(&format!("/demo/connections/{id}/{what}"), &Value::Null)
    }

    /// A new connection's id.
    fn connected(&self, body: &Value) -> String {
        let made = self.post("/demo/connections", body);
        assert_eq!(made.status, 201, "{}", made.body);
        made.body["id"].as_str().unwrap().to_owned()
    }

    fn texts(&self, action: &str) -> Vec<String> {
        let lines = self.all_pages(&format!("/demo/journal?action={action}"), 100);
        let text = |line: &Value| line["text"].as_str().unwrap().to_owned();
        lines.iter().rev().map(text).collect()
    }

    fn jobs(&self) -> Vec<String> {
        let jobs = self.get("/demo/jobs").body;
        let kind = |job: &Value| job["kind"].as_str().unwrap().to_owned();
        let jobs = jobs.as_array().unwrap().iter().map(kind);
        jobs.filter(|kind| kind.starts_with("insales")).collect()
    }
}

fn new(shop: &str) -> Value {
    json!({
        "kind": "insales",
        "settings": { "shop": shop },
        "secrets": { "key_id": "k3y-of-the-tests", "password": "passw0rd-of-the-tests" },
    })
}

fn orders() -> Value {
    json!({"on": true, "payments": {"cash": 11}, "deliveries": {"pickup": 21}})
}

#[test]
fn companies_are_listed_created_renamed_and_removed() {
    let w = shops();
    let all = w.get("/demo/companies");
    assert_eq!(all.body[0]["id"], "main");
    assert_eq!(all.body[0]["name"], "Компания 1");
    let made = w.post("/demo/companies", &json!({ "name": "Компания 2" }));
    assert_eq!(made.status, 201);
    let id = made.body["id"].as_str().unwrap();
    let path = format!("/demo/companies/{id}");
    let again = w.post("/demo/companies", &json!({ "name": " компания  2" }));
    assert_eq!(again.refusal(), (409, "conflict", ""));
    let renamed = w.call("PATCH", &path, &[], &json!({ "name": "Вторая" }));
    assert_eq!(renamed.body["name"], "Вторая");
    let mut body = new("a.myinsales.ru");
    body["company"] = json!("вторая");
    let of_it = w.connected(&body);
    assert_eq!(w.get("/demo/connections?company=main").body, json!([]));
    let listed = w.get(&format!("/demo/connections?company={id}"));
    assert_eq!(listed.body[0]["id"], json!(of_it));
    assert_eq!(w.delete(&path).refusal().0, 409, "it has a connection");
    assert_eq!(w.delete(&format!("/demo/connections/{of_it}")).status, 204);
    assert_eq!(w.delete(&path).status, 204);
    assert_eq!(w.delete(&path).status, 404);
    assert_eq!(w.delete("/demo/companies/main").refusal().0, 409);
    assert_eq!(w.texts("company").len(), 3);
    for bad in [json!({ "name": "" }), json!({ "name": "я".repeat(101) })] {
        assert_eq!(
            w.post("/demo/companies", &bad).refusal(),
            (422, "refused", "name")
        );
    }
    assert_eq!(w.get("/nobody/companies").status, 404);
    assert_eq!(w.get("/other/companies").body.as_array().unwrap().len(), 1);
}

#[test]
fn a_shop_is_connected_checked_switched_on_and_off() {
    let w = shops();
    let made = w.post("/demo/connections", &new("https://A.myinsales.ru/admin2/"));
    assert_eq!(made.status, 201, "{}", made.body);
    let card = &made.body;
    for (name, value) in [
        ("company", json!("main")),
        ("name", json!("a.myinsales.ru")),
        ("has_secrets", json!(true)),
        ("enabled", json!(false)),
        ("state", json!("ok")),
        ("state_text", json!("Всё в порядке")),
        ("checked_at", json!(w.now.get())),
        ("shop_title", json!("Ромашка")),
        ("shop_domain", json!("romashka.ru")),
    ] {
        assert_eq!(card[name], value, "{name}");
    }
    assert_eq!(card["settings"]["shop"], "a.myinsales.ru");
    let id = card["id"].as_str().unwrap();
    assert!(w.jobs().is_empty());
    assert_eq!(w.act(id, "run").refusal().0, 409, "it is off");
    let on = w.act(id, "enable");
    assert_eq!((on.status, &on.body["enabled"]), (200, &json!(true)));
    assert_eq!(
        w.jobs(),
        ["insales-catalogue", "insales-reconcile", "insales-webhooks"]
    );
    let run = w.act(id, "run");
    assert_eq!(run.body["id"], json!(format!("insales-catalogue:{id}")));
    let off = w.act(id, "disable");
    assert_eq!((off.status, &off.body["enabled"]), (200, &json!(false)));
    assert!(w.jobs().is_empty());
    assert_eq!(w.act(id, "disable").status, 200, "twice is once");
    assert_eq!(
        w.texts("connection"),
        [
            "Подключение «a.myinsales.ru» сохранено. Всё в порядке",
            "Подключение «a.myinsales.ru» включено",
            "Подключение «a.myinsales.ru» выключено",
        ]
    );
    w.act(id, "enable");
    assert_eq!(w.delete(&format!("/demo/connections/{id}")).status, 204);
    assert_eq!(w.jobs(), ["insales-farewell"]);
    assert_eq!(w.get(&format!("/demo/connections/{id}")).status, 404);
    let asked = w.shop.asked.borrow();
    assert!(
        asked
            .iter()
            .all(|asked| asked.starts_with("a.myinsales.ru/"))
    );
}

#[test]
fn secrets_are_written_and_never_read() {
    let w = shops();
    let id = w.connected(&new("a.myinsales.ru"));
    let path = format!("/demo/connections/{id}");
    let read = w.get(&path);
    let settings = json!({ "settings": read.body["settings"] });
    let mut told = vec![
        read.body.to_string(),
        w.get("/demo/connections").body.to_string(),
    ];
    told.push(w.put(&path, &read.etag(), &settings).body.to_string());
    for what in ["check", "enable", "disable"] {
        told.push(w.act(&id, what).body.to_string());
    }
    told.push(w.get("/demo/journal").body.to_string());
    for text in told {
        assert!(
            !text.contains("k3y-of") && !text.contains("passw0rd"),
            "{text}"
        );
    }
    assert_eq!(
        w.get(&path).body["has_secrets"],
        json!(true),
        "not named, it stays"
    );
    for file in std::fs::read_dir(w.dir.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for text in ["k3y-of-the-tests", "passw0rd-of-the-tests"] {
            assert!(
                !bytes
                    .windows(text.len())
                    .any(|part| part == text.as_bytes())
            );
        }
    }
}

#[test]
fn what_is_wrong_with_the_settings_is_refused_with_its_place() {
    let w = shops();
    let with = |settings: Value| {
        let mut body = new("a.myinsales.ru");
        body["settings"] = settings;
        body
    };
    let shop = "a.myinsales.ru";
    for (settings, status, path) in [
        (json!({}), 400, "settings"),
        (json!({ "shop": shop, "x": 1 }), 400, "settings.x"),
        (
            json!({ "shop": shop, "catalogue": { "link": "name" } }),
            400,
            "settings.catalogue.link",
        ),
        (json!({ "shop": "romashka.ru" }), 422, "settings.shop"),
        (json!({ "shop": "127.0.0.1" }), 422, "settings.shop"),
        (
            json!({ "shop": shop, "every_minutes": 4 }),
            422,
            "settings.every_minutes",
        ),
        (
            json!({ "shop": shop, "orders": { "on": true } }),
            422,
            "settings.orders",
        ),
        (
            json!({ "shop": shop, "orders": { "deliveries": { "cdek": 23 } } }),
            422,
            "settings.orders.deliveries.cdek",
        ),
        (
            json!({ "shop": shop, "orders": { "payments": { "card": 12 }, "deliveries": { "pickup": 21 } } }),
            422,
            "settings.orders.deliveries.pickup",
        ),
        (
            json!({ "shop": shop, "catalogue": { "warehouses": [7] } }),
            422,
            "settings.catalogue.warehouses.0",
        ),
    ] {
        let refused = w.post("/demo/connections", &with(settings.clone()));
        let (code, _, place) = refused.refusal();
        assert_eq!((code, place), (status, path), "{settings}");
    }
    for (name, value, path) in [
        ("company", json!("x"), "company"),
        ("kind", json!("shopify"), "kind"),
        ("name", json!(" "), "name"),
        (
            "secrets",
            json!({ "key_id": "a:b", "password": "x" }),
            "secrets.key_id",
        ),
        ("secrets", json!({ "key_id": "a" }), "secrets"),
    ] {
        let mut body = new("a.myinsales.ru");
        body[name] = value;
        assert_eq!(
            w.post("/demo/connections", &body).refusal().2,
            path,
            "{body}"
        );
    }
    assert_eq!(
        w.get("/demo/connections").body,
        json!([]),
        "nothing is left behind"
    );
}

#[test]
fn each_box_of_the_key_that_is_not_ticked_is_named() {
    let w = shops();
    let mut body = new("a.myinsales.ru");
    body["settings"]["orders"] = orders();
    w.instead("clients/count", 403);
    let made = w.post("/demo/connections", &body);
    assert_eq!(
        (made.status, &made.body["state"]),
        (201, &json!("no_right"))
    );
    let id = made.body["id"].as_str().unwrap();
    let checked = w.act(id, "check").body;
    assert_eq!(checked["missing"], json!(["Доступ в раздел Клиенты"]));
    assert_eq!(
        (&checked["ok"], &checked["shop_title"]),
        (&json!(false), &json!("Ромашка"))
    );
    let refused = w.act(id, "enable");
    assert_eq!(refused.refusal().0, 409);
    assert!(refused.message().contains("Доступ в раздел Клиенты"));
    w.well();
    assert_eq!(w.act(id, "check").body["ok"], json!(true));
    assert_eq!(w.act(id, "enable").status, 200);
}

#[test]
fn a_changed_password_is_told_once_and_mended_by_the_new_one() {
    let w = shops();
    let id = w.connected(&new("a.myinsales.ru"));
    let path = format!("/demo/connections/{id}");
    w.act(&id, "enable");
    w.instead("account", 401);
    for _ in 0..2 {
        assert_eq!(w.act(&id, "check").body["state"], "wrong_key");
    }
    let shown = w.get(&path);
    assert_eq!(shown.body["state"], "wrong_key");
    assert_eq!(
        shown.body["enabled"],
        json!(true),
        "it goes on when the key is right again"
    );
    let told = |word: &str| {
        w.texts("connection")
            .iter()
            .filter(|t| t.contains(word))
            .count()
    };
    assert_eq!(told("не принимает"), 1);
    w.well();
    let edit = json!({
        "settings": shown.body["settings"],
        "secrets": { "key_id": "k3y", "password": "new" },
    });
    let mended = w.put(&path, &shown.etag(), &edit);
    assert_eq!((mended.status, &mended.body["state"]), (200, &json!("ok")));
}

#[test]
fn settings_are_replaced_by_who_has_read_the_last_ones() {
    let w = shops();
    let id = w.connected(&new("a.myinsales.ru"));
    let path = format!("/demo/connections/{id}");
    let etag = w.get(&path).etag();
    let edit = json!({ "name": "Основной", "settings": { "shop": "a.myinsales.ru", "every_minutes": 30 } });
    let changed = w.put(&path, &etag, &edit);
    assert_eq!(changed.status, 200, "{}", changed.body);
    assert_eq!(changed.body["settings"]["every_minutes"], 30);
    assert_eq!(changed.body["name"], "Основной");
    assert_ne!(changed.etag(), etag);
    assert_eq!(w.put(&path, &etag, &edit).refusal(), (412, "stale", ""));
    assert_eq!(w.call("PUT", &path, &[], &edit).refusal().0, 428);
    assert_eq!(w.put(&path, "*", &edit).status, 200);
    w.act(&id, "enable");
    let job = w.get(&format!("/demo/jobs/insales-catalogue:{id}"));
    assert_eq!(job.body["schedule"], json!({ "every_minutes": 30 }));
    let off = json!({ "settings": { "shop": "a.myinsales.ru", "catalogue": { "on": false } } });
    assert_eq!(w.put(&path, "*", &off).status, 200);
    assert!(w.jobs().is_empty());
    assert_eq!(w.act(&id, "run").refusal().0, 409);
}

#[test]
fn who_saves_a_version_that_was_changed_meanwhile_has_a_stale_one() {
    let w = shops();
    let id = w.connected(&new("a.myinsales.ru"));
    let path = format!("/demo/connections/{id}");
    let etag = w.get(&path).etag();
    let edit = json!({ "name": "Основной", "settings": { "shop": "a.myinsales.ru" } });
    let other = NativeSql::open(&w.dir.path().join("db")).unwrap();
    w.shop.meanwhile.replace(Some(other));
    assert_eq!(w.put(&path, &etag, &edit).refusal(), (412, "stale", ""));
    assert_eq!(w.get(&path).body["name"], "a.myinsales.ru");
}

#[test]
fn a_connection_without_a_name_is_called_after_its_shop_however_long_that_is() {
    let w = shops();
    let shop = format!("{0}.{0}.myinsales.ru", "a".repeat(60));
    let made = w.post("/demo/connections", &new(&shop));
    assert_eq!(made.status, 201, "{}", made.body);
    assert_eq!(made.body["name"], shop[..100]);
    assert_eq!(made.body["settings"]["shop"], shop.as_str());
}

#[test]
fn the_key_goes_to_no_other_shop_than_it_was_typed_for() {
    let w = shops();
    let id = w.connected(&new("a.myinsales.ru"));
    let path = format!("/demo/connections/{id}");
    let to = |shop: &str| json!({ "settings": { "shop": shop } });
    assert_eq!(
        w.put(&path, "*", &to("evil.ru")).refusal().2,
        "settings.shop"
    );
    assert_eq!(
        w.put(&path, "*", &to("b.myinsales.ru")).refusal().2,
        "secrets"
    );
    let own = w.put(&path, "*", &to("https://romashka.ru/"));
    assert_eq!(own.status, 200, "InSales has named it: {}", own.body);
    let mut other = to("b.myinsales.ru");
    other["secrets"] = new("")["secrets"].clone();
    assert_eq!(w.put(&path, "*", &other).status, 200);
    let asked = w.shop.asked.borrow();
    assert!(asked.iter().all(|asked| !asked.starts_with("evil.ru")));
}

#[test]
fn a_shop_is_connected_once_and_orders_of_a_company_go_to_one() {
    let w = shops();
    let mut first = new("a.myinsales.ru");
    first["settings"]["orders"] = orders();
    let first = w.connected(&first);
    let again = w.post("/demo/connections", &new("a.myinsales.ru"));
    assert_eq!(again.refusal(), (409, "conflict", ""));
    // By its own domain, and by another address of which the shop says that it is the same.
    for (address, id) in [("romashka.ru", Some(&first)), ("c.myinsales.ru", None)] {
        if let Some(id) = id {
            let path = format!("/demo/connections/{id}");
            let mut settings = w.get(&path).body["settings"].clone();
            settings["shop"] = address.into();
            let moved = w.put(&path, "*", &json!({ "settings": settings }));
            assert_eq!(moved.status, 200, "{}", moved.body);
        }
        let again = w.post("/demo/connections", &new("c.myinsales.ru"));
        assert_eq!(again.refusal(), (409, "conflict", ""), "{address}");
    }
    let mut second = new("b.myinsales.ru");
    second["settings"]["orders"] = orders();
    let second = w.connected(&second);
    assert_eq!(w.act(&first, "enable").status, 200);
    assert!(w.jobs().contains(&"insales-orders".to_owned()));
    assert_eq!(w.act(&second, "enable").refusal().0, 409);
    let company = w.post("/demo/companies", &json!({ "name": "Компания 2" }));
    let path = format!("/demo/connections/{second}");
    let moved = json!({ "company": company.body["id"], "settings": w.get(&path).body["settings"] });
    assert_eq!(w.put(&path, "*", &moved).status, 200);
    assert_eq!(w.act(&second, "enable").status, 200);
    let back = json!({ "company": "main", "settings": moved["settings"] });
    assert_eq!(w.put(&path, "*", &back).refusal().0, 409);
}

#[test]
fn what_a_shop_offers_is_told_and_one_that_does_not_answer_changes_nothing() {
    let w = shops();
    let id = w.connected(&new("a.myinsales.ru"));
    let options = w.get(&format!("/demo/connections/{id}/options"));
    assert_eq!(options.body["payments"].as_array().unwrap().len(), 2);
    assert_eq!(options.body["deliveries"][0]["title"], "Самовывоз");
    assert_eq!(options.body["unsuitable"][0]["title"], "СДЕК");
    w.shop.gone.set(true);
    assert_eq!(
        w.get(&format!("/demo/connections/{id}/options"))
            .refusal()
            .0,
        409
    );
    let path = format!("/demo/connections/{id}");
    let mut edit = json!({ "settings": { "shop": "a.myinsales.ru", "orders": orders() } });
    let refused = w.put(&path, "*", &edit);
    assert_eq!(
        refused.refusal(),
        (422, "refused", "settings"),
        "nothing unseen is believed"
    );
    edit["settings"]["orders"] = json!({});
    assert_eq!(w.put(&path, "*", &edit).body["state"], "unreachable");
    assert_eq!(w.act(&id, "enable").status, 200, "it may answer later");
}

#[test]
fn orders_are_on_with_a_field_for_our_number() {
    let w = shops();
    let mut body = new("a.myinsales.ru");
    w.connected(&body);
    assert_eq!(
        *w.shop.field.borrow(),
        Value::Null,
        "without orders there is none"
    );
    body["settings"] = json!({ "shop": "b.myinsales.ru", "orders": orders() });
    let id = w.connected(&body);
    let field = w.shop.field.borrow().clone();
    assert_eq!(
        (&field["handle"], &field["destiny"]),
        (&json!("sklad_edge_number"), &json!(3))
    );
    let made = |w: &World| {
        w.shop
            .asked
            .borrow()
            .iter()
            .filter(|a| a.ends_with("/fields"))
            .count()
    };
    let before = made(&w);
    let path = format!("/demo/connections/{id}");
    body["settings"]["orders"]["payments"] = json!({ "cash": 11, "later": 11 });
    let edit = json!({ "settings": body["settings"] });
    assert_eq!(w.put(&path, "*", &edit).status, 200);
    assert_eq!(made(&w), before + 1, "it is read, and not made again");
}

#[test]
fn without_a_key_nothing_is_asked() {
    let w = shops();
    let mut body = new("a.myinsales.ru");
    body["secrets"] = Value::Null;
    let id = w.connected(&body);
    assert_eq!(
        w.get(&format!("/demo/connections/{id}")).body["state"],
        "unknown"
    );
    for what in ["check", "enable"] {
        assert_eq!(w.act(&id, what).refusal().0, 409, "{what}");
    }
    assert!(w.shop.asked.borrow().is_empty());
}
