//! The handlers over real SQLite, without a host.

use super::wire::text;
use super::*;
use futures::executor::block_on;
use serde_json::{Value, json};
use sklad_store::native::{MemoryKv, NativeSql};
use sklad_tenant::{Config, Settings, keys, settings};

const NOW: i64 = 1_790_000_000_000;

struct Till {
    app: App<NativeSql, MemoryKv>,
    key: String,
    _dir: tempfile::TempDir,
}

fn till(programme: Value) -> Till {
    let dir = tempfile::tempdir().unwrap();
    let sql = NativeSql::open(&dir.path().join("db")).unwrap();
    let config = Config::new(None, Some("master-key-of-the-tests"), "sklad.example");
    let app = App::new(sql, MemoryKv::default(), config.unwrap());
    let slug = "demo".parse().unwrap();
    let document = json!({ "name": "Лавка", "programme": programme }).to_string();
    let parsed = Settings::parse(document.as_bytes()).unwrap();
    block_on(settings::create(&app.sql, &app.kv, &slug, parsed, NOW)).unwrap();
    let key = block_on(keys::issue(&app.kv, &slug, "", NOW)).unwrap().text;
    Till {
        app,
        key,
        _dir: dir,
    }
}

/// A gateway that takes every message.
struct Gateway;

impl sklad_store::Http for Gateway {
    async fn send(
        &self,
        _: sklad_store::Call,
    ) -> Result<http::Response<bytes::Bytes>, sklad_store::HttpError> {
        Ok(http::Response::default())
    }
}

impl Till {
    /// Posts what must be accepted.
    #[track_caller]
    fn post(&self, path: &str, body: &Value) -> Value {
        let (status, answer) = self.call("POST", path, &body.to_string());
        assert!((200..300).contains(&status), "{status} {answer}");
        answer
    }

    /// The texts of the journal's rows of one action; within a millisecond in any order.
    fn journal(&self, action: &str, outcome: &str) -> Vec<String> {
        let filter = sklad_jobs::journal::Filter {
            action: Some(action.to_owned()),
            outcome: Some(outcome.to_owned()),
            ..Default::default()
        };
        let rows = block_on(sklad_jobs::journal::list(&self.app.sql, "demo", filter, 99)).unwrap();
        rows.into_iter().map(|row| row.text).collect()
    }

    fn call(&self, method: &str, path: &str, body: &str) -> (u16, Value) {
        let request = Request::builder()
            .method(method)
            .uri(format!("{PREFIX}{path}"))
            .header(TOKEN, &self.key)
            .body(Bytes::from(body.to_owned()))
            .unwrap();
        let method = path.split('?').next().unwrap().trim_start_matches('/');
        let response = match method.trim_end_matches('/') {
            "retaildemand/recalc" => block_on(calc::handle(&self.app, NOW, request)),
            "retaildemand" | "retailsalesreturn" => {
                block_on(commit::handle(&self.app, NOW, request))
            }
            "retaildemand/verify" | "counterparty/verify" => {
                block_on(verify::handle(&self.app, &Gateway, NOW, request))
            }
            _ => block_on(search::handle(&self.app, NOW, request)),
        };
        let body = serde_json::from_slice(response.body()).unwrap_or(Value::Null);
        (response.status().as_u16(), body)
    }

    fn balance(&self, id: &str) -> i64 {
        let body = json!({ "meta": { "id": id } }).to_string();
        let (status, answer) = self.call("POST", "/counterparty/detail", &body);
        assert_eq!(status, 200);
        answer
            .pointer("/bonusProgram/agentBonusBalance")
            .and_then(Value::as_i64)
            .unwrap()
    }
}

fn customer(id: &str) -> Value {
    json!({ "meta": { "id": id, "href": format!("https://x/entity/counterparty/{id}") },
            "name": "Иванов Пётр", "phone": "8 903 999-33-44" })
}

const ID: &str = "0a1b2c3d-0000-4000-8000-000000000001";

#[test]
fn the_documented_example_spends_171_points_and_leaves_79_rubles() {
    let till = till(
        json!({ "spending": { "max_share": 100, "keep_kopeck": false },
                            "earning": { "welcome": { "points": 171 } } }),
    );
    assert_eq!(
        till.call("POST", "/counterparty", &customer(ID).to_string())
            .0,
        201
    );
    let receipt = json!({
        "agent": customer(ID),
        "positions": [{ "assortment": { "meta": { "id": "good" } }, "quantity": 1, "price": 250.00 }],
        "bonusProgram": { "transactionType": "SPENDING" },
    });
    let (status, answer) = till.call("POST", "/retaildemand/recalc", &receipt.to_string());
    assert_eq!(status, 200);
    let bonus = &answer["bonusProgram"];
    assert_eq!(bonus["bonusValueToSpend"], 171);
    assert_eq!(bonus["paidByBonusPoints"], json!(171));
    assert_eq!(answer["positions"][0]["discountedPrice"], json!(79));
    assert_eq!(answer["agent"], customer(ID));
    assert_eq!(till.balance(ID), 171, "a recalculation has no side effect");
}

#[test]
fn a_sale_is_posted_once_and_a_return_gives_back() {
    let till = till(json!({ "earning": { "percent": 10, "welcome": { "points": 100 } } }));
    till.call("POST", "/counterparty", &customer(ID).to_string());
    let sale = json!({
        "meta": { "id": "sale-1", "href": "" }, "name": "00001", "agent": { "meta": { "id": ID } },
        "positions": [{ "assortment": { "meta": { "id": "good" } }, "quantity": 2, "price": 100, "discountedPrice": 70 }],
        "bonusProgram": { "bonusValueToSpend": 60, "bonusValueToEarn": 14 },
    });
    for _ in 0..3 {
        assert_eq!(
            till.call("POST", "/retaildemand", &sale.to_string()),
            (201, Value::Null)
        );
    }
    assert_eq!(till.balance(ID), 54);
    let back = json!({
        "meta": { "id": "return-1" }, "demand": { "meta": { "id": "sale-1" } }, "agent": { "id": ID, "href": "" },
        "positions": [{ "assortment": { "meta": { "id": "good" } }, "quantity": 1, "price": 100, "discountedPrice": 70 }],
        "noCashSum": 283100.0,
    });
    assert_eq!(
        till.call("POST", "/retailsalesreturn", &back.to_string()).0,
        201
    );
    assert_eq!(till.balance(ID), 77);
}

#[test]
fn an_offline_sale_earns_by_the_rules() {
    let till = till(json!({ "earning": { "percent": 10 } }));
    let sale = json!({
        "meta": { "id": "s" }, "moment": "2026-09-20 10:00:00", "agent": customer(ID),
        "positions": [{ "quantity": "2", "price": "50,00", "discountedPrice": "50" }],
    });
    assert_eq!(till.call("POST", "/retaildemand", &sale.to_string()).0, 201);
    assert_eq!(till.balance(ID), 10);
}

#[test]
fn the_customer_is_found_by_what_was_typed() {
    let till = till(json!({}));
    till.call("POST", "/counterparty", &customer(ID).to_string());
    for typed in [
        "8903999",
        "%2B7903",
        "+7903",
        "9039993344",
        "3344",
        "петр+ива",
        "%D0%B8%D0%B2%D0%B0%D0%BD%D0%BE%D0%B2",
    ] {
        let (status, answer) = till.call(
            "GET",
            &format!("/counterparty?search={typed}&retailStoreId=x"),
            "",
        );
        assert_eq!(status, 200);
        assert_eq!(answer["rows"][0]["msId"], ID, "{typed}");
    }
    assert_eq!(
        till.call("GET", "/counterparty?search=9", "").1,
        json!({ "rows": [] })
    );
    assert_eq!(
        till.call("GET", "/counterparty", "").1,
        json!({ "rows": [] })
    );
}

#[test]
fn errors_have_the_vendors_shape() {
    let mut till = till(json!({}));
    let shape = |(status, body): (u16, Value)| (status, body["errors"][0]["code"].clone());
    assert_eq!(
        shape(till.call("POST", "/retaildemand/recalc", "{\n \"positions\": [,]}")),
        (400, json!(999))
    );
    assert_eq!(
        shape(till.call("GET", "/retaildemand", "")),
        (405, json!(999))
    );
    assert_eq!(shape(till.call("GET", "/nowhere", "")), (404, json!(999)));
    assert_eq!(
        shape(till.call("GET", "/giftcard?name=1", "")),
        (404, json!(999))
    );
    let large = format!("{{\"x\":\"{}\"}}", "a".repeat(BODY_LIMIT));
    assert_eq!(
        shape(till.call("POST", "/retaildemand", &large)),
        (413, json!(999))
    );
    till.key = "wrong".to_owned();
    assert_eq!(
        shape(till.call("GET", "/counterparty?search=1234", "")),
        (401, json!(999))
    );
}

#[test]
fn a_receipt_of_the_retail_customer_is_anonymous() {
    let till = till(json!({ "earning": { "percent": 10 } }));
    let sale = json!({ "meta": { "id": "s" }, "agent": { "meta": { "id": ID }, "name": "Розничный покупатель" },
                       "positions": [{ "quantity": 1, "price": 100 }] });
    assert_eq!(till.call("POST", "/retaildemand", &sale.to_string()).0, 201);
    assert_eq!(till.balance(ID), 0);
}

#[test]
fn an_empty_body_is_broken_json_and_never_a_panic() {
    let till = till(json!({}));
    for path in [
        "/counterparty",
        "/counterparty/detail",
        "/retaildemand/recalc",
        "/retaildemand",
        "/retailsalesreturn",
    ] {
        for body in ["", "null", "[]", "1", "{", "\u{feff}{}"] {
            let status = till.call("POST", path, body).0;
            assert!(
                (400..500).contains(&status) || status == 201 || status == 200,
                "{path} {body} {status}"
            );
        }
    }
    assert_eq!(text(None), None);
}

#[test]
fn a_phone_learnt_from_a_receipt_is_found_and_shown() {
    let till = till(json!({}));
    let nameless = json!({ "meta": { "id": ID }, "name": "Иванов Пётр" });
    till.call("POST", "/counterparty", &nameless.to_string());
    let sale =
        json!({ "meta": { "id": "s" }, "agent": customer(ID), "positions": [{ "price": 1 }] });
    assert_eq!(till.call("POST", "/retaildemand", &sale.to_string()).0, 201);
    let (_, answer) = till.call("GET", "/counterparty?search=89039993344", "");
    assert_eq!(answer["rows"][0]["phone"], "89039993344");
}

#[test]
fn absurd_points_do_not_break_the_balance() {
    let till = till(json!({}));
    for n in 0..3 {
        let sale = json!({ "meta": { "id": format!("s{n}") }, "agent": customer(ID),
                           "bonusProgram": { "bonusValueToEarn": i64::MAX, "bonusValueToSpend": "-9e18" } });
        assert_eq!(till.call("POST", "/retaildemand", &sale.to_string()).0, 201);
    }
    assert_eq!(till.balance(ID), 3_000_000_000_000);
}

#[test]
fn weighed_goods_are_not_split_though_the_scales_say_a_whole_number() {
    let till = till(
        json!({ "spending": { "max_share": 100 }, "earning": { "welcome": { "points": 5 } } }),
    );
    till.call("POST", "/counterparty", &customer(ID).to_string());
    let uuid = |n: u8| format!("0a1b2c3d-0000-4000-8000-0000000000{n:02}");
    for (n, weighed) in [(10, true), (11, false)] {
        let good = json!({ "ms_id": uuid(n), "name": "Сыр", "weighed": weighed });
        let goods = [serde_json::from_value(good).unwrap()];
        block_on(sklad_catalog::goods::upsert(
            &till.app.sql,
            "demo",
            &goods,
            NOW,
        ))
        .unwrap();
        let receipt = json!({
            "agent": customer(ID), "bonusProgram": { "transactionType": "SPENDING" },
            "positions": [{ "assortment": { "meta": { "id": uuid(n) } }, "quantity": 3, "price": 100 }],
        });
        let (_, answer) = till.call("POST", "/retaildemand/recalc", &receipt.to_string());
        let positions = answer["positions"].as_array().unwrap().len();
        assert_eq!(positions, if weighed { 1 } else { 2 }, "{answer}");
    }
}

#[test]
fn a_refused_call_is_in_the_journal_with_the_reason() {
    let till = till(json!({}));
    till.call("POST", "/retaildemand", "{");
    let filter = sklad_jobs::journal::Filter::default();
    let rows = block_on(sklad_jobs::journal::list(&till.app.sql, "demo", filter, 10)).unwrap();
    assert_eq!(rows[0].outcome, "error");
    assert_eq!(rows[0].object, "/retaildemand");
    assert!(
        rows[0].text.contains("400 Ошибка в JSON: строка 1"),
        "{}",
        rows[0].text
    );
}

#[test]
fn a_rule_names_a_good_that_the_catalogue_does_not_know() {
    let good = "cccccccc-0000-4000-8000-0000000000cc";
    let till = till(json!({ "earning": { "percent": 5, "goods": { good: 50 } } }));
    let receipt = json!({ "agent": customer(ID), "positions": [
        { "assortment": { "meta": { "id": good } }, "quantity": 1, "price": 100 }] });
    let (_, answer) = till.call("POST", "/retaildemand/recalc", &receipt.to_string());
    assert_eq!(answer["bonusProgram"]["bonusValueToEarn"], 50);
}

#[test]
fn no_number_in_a_sale_makes_it_refused() {
    let till = till(json!({ "earning": { "percent": 10 } }));
    let good = json!({ "quantity": 1, "price": 100, "discountedPrice": 100 });
    let bad = [
        json!({ "quantity": -1, "price": 5 }),
        json!({ "price": "1e400" }),
        json!({ "quantity": 1e30, "price": -5 }),
        json!(null),
    ];
    for (n, bad) in bad.into_iter().enumerate() {
        let sale = json!({ "meta": { "id": format!("s-{n}") }, "agent": customer(ID), "positions": [good, bad] });
        assert_eq!(
            till.call("POST", "/retaildemand", &sale.to_string()).0,
            201,
            "{sale}"
        );
    }
    for positions in [json!(vec![good.clone(); 5_001]), json!({}), json!("")] {
        let id = positions.to_string().len();
        let sale = json!({ "meta": { "id": format!("p-{id}") }, "agent": customer(ID), "positions": positions });
        assert_eq!(till.call("POST", "/retaildemand", &sale.to_string()).0, 201);
    }
    assert_eq!(till.balance(ID), 40);
}

#[test]
fn one_unreadable_certificate_does_not_save_the_others() {
    let till = till(json!({}));
    let new = sklad_loyalty::giftcards::NewCertificate {
        number: "G1".to_owned(),
        initial_kopecks: 30_000,
        balance_kopecks: None,
        expires_at: None,
    };
    block_on(sklad_loyalty::giftcards::create(
        &till.app.sql,
        "demo",
        &[new],
        NOW,
    ))
    .unwrap();
    let card = json!({ "name": "G1", "paymentSum": 100 });
    for (n, cards) in [json!([card, null]), card.clone()].into_iter().enumerate() {
        let sale = json!({ "meta": { "id": format!("s{n}") }, "giftCards": cards });
        assert_eq!(till.call("POST", "/retaildemand", &sale.to_string()).0, 201);
    }
    let (_, answer) = till.call("GET", "/giftcard?name=G1", "");
    assert_eq!(answer["currentBalance"], 29_800);
}

#[test]
fn a_return_gives_back_what_the_points_paid_of_the_good_by_whichever_id() {
    let till = till(json!({ "earning": { "welcome": { "points": 500 } },
                            "discounts": { "goods": { "a": 50 } }, "spending": { "max_share": 100 } }));
    till.call("POST", "/counterparty", &customer(ID).to_string());
    let sale = json!({
        "meta": { "id": "sale" }, "agent": customer(ID),
        "bonusProgram": { "bonusValueToSpend": 500, "bonusValueToEarn": 0 },
        "positions": [
            { "assortment": { "meta": { "id": "a" } }, "quantity": 1, "price": 1000, "discountedPrice": 500 },
            { "assortment": { "meta": { "id": "b" }, "syncId": "b-sync" }, "quantity": 1, "price": 1000, "discountedPrice": 500 },
        ],
    });
    assert_eq!(till.call("POST", "/retaildemand", &sale.to_string()).0, 201);
    assert_eq!(till.balance(ID), 0);
    let back = |id: &str, good: &str| {
        let body = json!({ "meta": { "id": id }, "demand": { "meta": { "id": "sale" } }, "positions": [
            { "assortment": { "meta": { "id": good } }, "quantity": 1, "price": 1000, "discountedPrice": 500 }] });
        assert_eq!(
            till.call("POST", "/retailsalesreturn", &body.to_string()).0,
            201
        );
        till.balance(ID)
    };
    assert_eq!(back("r1", "a"), 0, "a discount is no payment with points");
    assert_eq!(back("r2", "b-sync"), 500);
}

#[test]
fn documents_whose_address_has_no_id_are_not_one_document() {
    let till = till(json!({}));
    for n in 1..=3 {
        let href = "https://api.moysklad.ru/api/remap/1.2/entity/retaildemand";
        let sale = json!({ "meta": { "href": href, "id": "" }, "name": n.to_string(), "moment": "2026-09-01 10:00:00",
                           "agent": customer(ID), "bonusProgram": { "bonusValueToEarn": 10 } });
        assert_eq!(till.call("POST", "/retaildemand", &sale.to_string()).0, 201);
    }
    assert_eq!(till.balance(ID), 30);
}

#[test]
fn a_question_about_a_bare_id_makes_nobody_a_customer() {
    let till = till(json!({ "earning": { "welcome": { "points": 100 } } }));
    till.call("POST", "/counterparty", &customer(ID).to_string());
    let receipt = json!({ "agent": { "meta": { "id": "till-sync-9", "idType": "sync" } }, "positions": [{ "price": 1 }] });
    assert_eq!(
        till.call("POST", "/retaildemand/recalc", &receipt.to_string())
            .0,
        200
    );
    let known =
        json!({ "meta": { "id": ID }, "syncId": "till-sync-9", "phone": "8 903 999-33-44" });
    assert_eq!(
        till.call("POST", "/counterparty", &known.to_string()).0,
        201
    );
    assert_eq!(
        till.balance("till-sync-9"),
        100,
        "both ids are one customer, welcomed once"
    );
}

#[test]
fn an_anonymous_receipt_with_a_name_makes_nobody_a_customer() {
    let till = till(json!({}));
    for name in ["Розничный покупатель", "Кто-то"] {
        let meta = if name == "Кто-то" {
            ""
        } else {
            "everybody"
        };
        let receipt = json!({ "agent": { "meta": { "id": meta }, "name": name }, "positions": [{ "price": 100 }] });
        let (_, answer) = till.call("POST", "/retaildemand/recalc", &receipt.to_string());
        assert_eq!(answer["bonusProgram"]["bonusValueToEarn"], 0, "{name}");
        let (_, found) = till.call(
            "GET",
            &format!("/counterparty?search={}", percent(name)),
            "",
        );
        assert_eq!(found["rows"], json!([]), "{name}");
    }
}

#[test]
fn a_bare_id_is_quoted_as_the_customer_that_the_sale_makes_of_it() {
    let till = till(json!({ "earning": { "percent": 5 } }));
    let receipt =
        json!({ "agent": { "meta": { "id": "bare-1" } }, "positions": [{ "price": 100 }] });
    let (_, answer) = till.call("POST", "/retaildemand/recalc", &receipt.to_string());
    assert_eq!(answer["bonusProgram"]["bonusValueToEarn"], 5);
}

fn percent(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

#[test]
fn the_last_of_two_members_of_one_name_counts() {
    let till = till(json!({ "earning": { "percent": 10 } }));
    let sale = format!(
        r#"{{"meta":{{"id":"s","id":"s"}},"name":"1","name":"2",
        "agent":{{"meta":{{"id":"x"}},"meta":{{"id":"{ID}"}}}},
        "positions":[{{"quantity":5,"price":100,"price":200,"quantity":1}}],
        "extra":{{"a":1,"a":2}}}}"#
    );
    assert_eq!(till.call("POST", "/retaildemand", &sale).0, 201);
    assert_eq!((till.balance(ID), till.balance("x")), (20, 0));
    let (status, answer) = till.call("POST", "/retaildemand/recalc", &sale);
    assert_eq!(
        (status, &answer["positions"][0]["price"]),
        (200, &json!(200))
    );
}

#[test]
fn a_number_that_cannot_be_used_is_told_by_position_and_field() {
    let till = till(json!({}));
    let good = json!({ "price": 1 });
    for (field, bad) in [
        ("price", json!("abc")),
        ("price", json!("1e300")),
        ("price", json!(-5)),
        ("price", json!(true)),
        ("quantity", json!(-1)),
        ("quantity", json!("9".repeat(40))),
        ("quantity", json!(1e25)),
    ] {
        let mut second = good.clone();
        second[field] = bad.clone();
        let receipt = json!({ "positions": [good, second] }).to_string();
        let (status, answer) = till.call("POST", "/retaildemand/recalc", &receipt);
        let error = &answer["errors"][0];
        let text = format!("Позиция 2: недопустимое число в поле {field}");
        assert_eq!((status, &error["error"]), (412, &json!(text)), "{bad}");
        assert_eq!(error["parameter"], json!(format!("positions.{field}")));
    }
    let huge = r#"{"positions":[{"price":1,"quantity":1e300}]}"#;
    assert_eq!(till.call("POST", "/retaildemand/recalc", huge).0, 412);
    for nothing in [json!(null), json!(""), json!(" "), json!({}), json!([])] {
        let receipt = json!({ "positions": [{ "price": nothing, "quantity": nothing }, {}] });
        let answer = till.post("/retaildemand/recalc", &receipt);
        assert_eq!(answer["positions"][0]["quantity"], json!(1), "{nothing}");
    }
}

#[test]
fn a_sale_with_a_number_that_is_none_is_posted_and_flagged() {
    let till = till(json!({ "earning": { "percent": 10 } }));
    for (n, bad) in [json!("abc"), json!("1e300"), json!(true)]
        .iter()
        .enumerate()
    {
        let sale = json!({ "meta": { "id": format!("s{n}") }, "agent": customer(ID),
                           "positions": [{ "price": 100, "quantity": bad }, { "price": 50 }] });
        till.post("/retaildemand", &sale);
    }
    assert_eq!(till.balance(ID), 15);
    let told = till.journal("sale", "warning");
    assert_eq!(told.len(), 3);
    assert!(
        told.iter().all(|text| text.contains("часть чисел")),
        "{told:?}"
    );
    let back = json!({ "meta": { "id": "r" }, "positions": [{ "quantity": "abc" }] });
    till.post("/retailsalesreturn", &back);
    assert!(till.journal("return", "warning")[0].contains("часть чисел"));
}

#[test]
fn the_same_document_written_otherwise_is_a_repetition() {
    let till = till(json!({}));
    let first = format!(
        r#"{{"meta":{{"id":"S-1","href":"x"}},"name":"7","agent":{{"meta":{{"id":"{ID}"}},"name":"А"}},
        "positions":[{{"assortment":{{"meta":{{"id":"g"}}}},"quantity":2,"price":10,"discountedPrice":9.5}}],
        "bonusProgram":{{"bonusValueToSpend":0,"bonusValueToEarn":3}},"giftCards":null}}"#
    );
    let again = format!(
        r#" {{ "positions" : [ {{ "price" : 10.00, "quantity" : "2,0", "discountedPrice" : 9.50,
        "assortment" : {{ "meta" : {{ "id" : "G" }} }} }} ],
        "bonusProgram" : {{ "bonusValueToEarn" : 3.0, "bonusValueToSpend" : 0.0 }},
        "agent" : {{ "name" : "А", "meta" : {{ "id" : "{ID}", "href": "" }} }},
        "name" : "7", "meta" : {{ "href" : "x", "id" : "s-1" }} }} "#
    );
    let another = first.replace("9.5", "9.4");
    for path in ["/retaildemand", "/retailsalesreturn"] {
        let action = &path["/retail".len()..];
        let action = if action == "demand" { "sale" } else { "return" };
        let conflicts = || {
            let told = till.journal(action, "warning");
            told.iter()
                .filter(|t| t.contains("с другим содержанием"))
                .count()
        };
        for body in [&first, &again] {
            assert_eq!(till.call("POST", path, body).0, 201);
        }
        assert_eq!(conflicts(), 0, "{path}");
        assert_eq!(till.call("POST", path, &another).0, 201);
        assert_eq!(conflicts(), 1, "{path}");
    }
    assert_eq!(till.balance(ID), 3);
}

#[test]
fn a_moment_with_a_zone_is_the_sales_moment() {
    let till = till(json!({}));
    for (n, moment) in ["2026-09-20T10:00:00+03:00", "2026-09-20T07:00:00.000Z"]
        .iter()
        .enumerate()
    {
        let id = format!("s{n}");
        till.post(
            "/retaildemand",
            &json!({ "meta": { "id": id }, "moment": moment }),
        );
        let row = sklad_store::Statement::new("SELECT moment FROM documents WHERE id = ?1");
        let rows = block_on(till.app.sql.query(row.bind(id))).unwrap();
        assert_eq!(rows[0].int(0), Some(1_789_887_600_000), "{moment}");
    }
}

#[test]
fn the_spender_may_be_named_by_an_id_an_href_or_a_meta() {
    let href = format!("https://api.moysklad.ru/api/remap/1.2/entity/counterparty/{ID}");
    for who in [
        json!(ID),
        json!(href),
        json!({ "href": href, "id": ID }),
        json!({ "meta": { "href": href } }),
    ] {
        let till = till(json!({}));
        till.post("/counterparty", &customer(ID));
        let answer = till.post("/retaildemand/verify", &json!({ "counterpartyId": who }));
        assert!(answer["verificationCode"].is_string(), "{who}: {answer}");
    }
    let till = till(json!({}));
    let nobody = json!({ "counterpartyId": "https://x/entity/counterparty" }).to_string();
    assert_eq!(till.call("POST", "/retaildemand/verify", &nobody).0, 404);
}

#[test]
fn a_base_address_with_a_slash_at_its_end_works() {
    let till = till(json!({ "earning": { "percent": 10 } }));
    till.post("//counterparty", &customer(ID));
    let sale =
        json!({ "meta": { "id": "s" }, "agent": customer(ID), "positions": [{ "price": 50 }] });
    till.post("//retaildemand/recalc", &sale);
    till.post("//retaildemand/", &sale);
    assert_eq!(till.balance(ID), 5);
    let (status, answer) = till.call("GET", "//counterparty?search=9039993344", "");
    assert_eq!((status, answer["rows"].as_array().unwrap().len()), (200, 1));
}

#[test]
fn a_bare_record_becomes_one_with_the_customer_whose_phone_the_till_tells() {
    let till = till(json!({ "earning": { "percent": 10 } }));
    till.post("/counterparty", &customer(ID));
    let sale = json!({ "meta": { "id": "s" }, "agent": { "meta": { "id": "till-7" } },
                       "positions": [{ "price": 100 }] });
    till.post("/retaildemand", &sale);
    assert_eq!((till.balance(ID), till.balance("till-7")), (0, 10));
    let told = json!({ "meta": { "id": "till-7" }, "phone": "+7 903 999-33-44" });
    till.post("/counterparty", &told);
    assert_eq!((till.balance(ID), till.balance("till-7")), (10, 10));
    assert_eq!(till.journal("merge", "ok").len(), 1);
    assert_eq!(till.journal("customer", "warning"), [""; 0]);
    let (_, found) = till.call("GET", "/counterparty?search=9039993344", "");
    assert_eq!(found["rows"].as_array().unwrap().len(), 1, "{found}");
    assert_eq!(found["rows"][0]["name"], "Иванов Пётр");
}

#[test]
fn two_customers_taken_for_one_stay_two_and_the_journal_asks() {
    let till = till(json!({ "earning": { "welcome": { "points": 5 } } }));
    till.post("/counterparty", &customer(ID));
    let other =
        json!({ "meta": { "id": "other" }, "name": "Петрова Анна", "phone": "89031112233" });
    till.post("/counterparty", &other);
    let mixed = json!({ "meta": { "id": "other" }, "name": "Петрова Анна Ильинична",
                        "phone": "89039993344" });
    till.post("/counterparty", &mixed);
    let told = till.journal("customer", "warning");
    assert_eq!(told.len(), 1, "{told:?}");
    assert!(told[0].contains("Петрова А., Иванов П."), "{}", told[0]);
    assert_eq!((till.balance(ID), till.balance("other")), (5, 5));
    let changed = "Касса изменила покупателя Петрова А.: имя".to_owned();
    assert!(till.journal("customer", "ok").contains(&changed));
}

#[test]
fn the_journal_tells_what_a_till_changes_of_a_customer() {
    let till = till(json!({}));
    let mut who = customer(ID);
    who["phone"] = json!(null);
    till.post("/counterparty", &who);
    till.post("/counterparty", &who);
    assert_eq!(
        till.journal("customer", "ok").len(),
        1,
        "nothing was changed"
    );
    who["phone"] = json!("8 903 999-33-44");
    who["discountCardNumber"] = json!("K-1");
    till.post("/counterparty", &who);
    who["name"] = json!("Иванова Мария");
    who["statusCheck"] = json!("CHECKED");
    till.post("/counterparty", &who);
    let told = till.journal("customer", "ok");
    for words in ["телефон, карта", "имя, подтверждение"] {
        let text = format!("Касса изменила покупателя Иванов П.: {words}");
        assert!(told.contains(&text), "{told:?}");
    }
}

/// Every kind of call twice with other values: what is kept compiled stays so.
#[test]
fn no_statement_of_a_till_is_compiled_for_each_call() {
    let till = till(json!({ "earning": { "percent": 10, "welcome": { "points": 100 } } }));
    let _ = sklad_store::native::compiled_anew();
    for n in 1..4 {
        let who = json!({ "meta": { "id": format!("0a1b2c3d-0000-4000-8000-00000000000{n}") },
            "name": "Иванов Пётр", "phone": format!("8 903 999-33-4{n}") });
        till.post("/counterparty", &who);
        for typed in [
            format!("search=8903999334{n}"),
            format!("search=Иванов%20{n}"),
        ] {
            till.call("GET", &format!("/counterparty?{typed}"), "");
        }
        let positions = json!([{ "assortment": { "meta": { "id": format!("good-{n}") } },
            "quantity": n, "price": 100, "discountedPrice": 90 }]);
        let receipt = json!({ "agent": who, "positions": positions,
            "bonusProgram": { "transactionType": "SPENDING" } });
        till.post("/retaildemand/recalc", &receipt);
        let bonus = json!({ "bonusValueToSpend": 10, "bonusValueToEarn": n });
        let sale = json!({ "meta": { "id": format!("sale-{n}") }, "agent": who,
            "positions": positions, "bonusProgram": bonus });
        till.post("/retaildemand", &sale);
        let back = json!({ "meta": { "id": format!("return-{n}") }, "agent": who,
            "positions": positions, "demand": { "meta": { "id": format!("sale-{n}") } } });
        till.post("/retailsalesreturn", &back);
    }
    assert_eq!(sklad_store::native::compiled_anew(), [""; 0]);
}
