//! `sklad-edge demo till`: the calls of a till, in their order.

use clap::Args;
use serde_json::{Value, json};

use super::{Place, receipt, shop};
use crate::cli::api::{Body, Connection, Failure, Http, encode};
use crate::cli::out;
use crate::cli::show;
use crate::cli::tenant::text;

/// Options of the demo till.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    place: Place,
    /// The till's key [default: the one in the key file].
    #[arg(long, env = "SKLAD_EDGE_KEY", hide_env_values = true)]
    key: Option<String>,
    /// Whom to serve: what the cashier types into the search.
    #[arg(long, default_value = "9030000001")]
    search: String,
    /// How many points to spend [default: as many as possible].
    #[arg(long)]
    points: Option<i64>,
}

/// What is bought: index in the shop's goods, and quantity in thousandths.
const BASKET: [(usize, i64); 4] = [(9, 1000), (3, 355), (5, 3000), (4, 2000)];

/// A till with one receipt.
struct Till {
    http: Http,
    json: bool,
    /// Every answer, for `--json`.
    answers: Vec<Value>,
}

/// Plays one sale and a partial return of it.
pub fn play(connection: &Connection, arguments: &Arguments) -> Result<(), Failure> {
    let place = &arguments.place;
    let key = arguments
        .key
        .clone()
        .or_else(|| place.key())
        .ok_or_else(|| {
            Failure::Usage(format!(
                "нет ключа: --key или файл {} (его пишет demo seed)",
                place.key_file.display()
            ))
        })?;
    let headers = vec![("lognex-discount-api-auth-token", key)];
    let mut till = Till {
        http: Http::new(&place.base_url(connection), headers),
        json: connection.json,
        answers: Vec::new(),
    };
    let agent = till.search(&arguments.search)?;
    till.balance("Баланс", &agent)?;
    let earning = till.recalc(&agent, &json!({ "transactionType": "EARNING" }), None)?;
    till.receipt("«Итого»: баллы копятся", &earning);
    let spending = till.recalc(
        &agent,
        &json!({ "transactionType": "SPENDING" }),
        arguments.points,
    )?;
    till.receipt("«Баллы»: баллы списываются", &spending);
    let sale = till.sale(&agent, &spending)?;
    till.balance("Продажа проведена. Баланс", &agent)?;
    till.partial_return(&agent, &spending, &sale)?;
    till.balance("Возврат проведён. Баланс", &agent)?;
    if till.json {
        show::json(&Value::from(till.answers));
    }
    Ok(())
}

fn store() -> Value {
    json!({ "meta": { "href": "", "id": shop::STORE }, "name": "Демонстрационный магазин" })
}

impl Till {
    fn say(&self, text: &str) {
        if !self.json {
            out!("{text}");
        }
    }

    fn receipt(&self, title: &str, answer: &Value) {
        if !self.json {
            receipt::print(title, answer);
        }
    }

    fn call(&mut self, method: &str, path: &str, body: Option<&Value>) -> Result<Value, Failure> {
        let body = body.map_or(Body::None, Body::Json);
        let (status, _, answer) = self.http.exchange(method, path, &[], &body)?;
        let answer: Value = serde_json::from_str(&answer).unwrap_or_default();
        if !(200..300).contains(&status) {
            let first = answer
                .pointer("/errors/0/error_message")
                .and_then(Value::as_str);
            let said = first.unwrap_or("без объяснения");
            return Err(Failure::Refused(format!("{path}: {said} ({status})")));
        }
        self.answers.push(
            json!({ "call": format!("{method} {path}"), "status": status, "answer": answer }),
        );
        Ok(answer)
    }

    /// The customer whom the cashier picks: the first one.
    fn search(&mut self, typed: &str) -> Result<Value, Failure> {
        let path = format!(
            "/counterparty?search={}&retailStoreId={}",
            encode(typed),
            shop::STORE
        );
        let found = self.call("GET", &path, None)?;
        let row = found.pointer("/rows/0").cloned().ok_or_else(|| {
            Failure::Refused(format!("по запросу «{typed}» никто не найден: demo seed?"))
        })?;
        self.say(&format!(
            "Поиск «{typed}»: {}, {}",
            text(&row, "name"),
            text(&row, "phone")
        ));
        Ok(json!({
            "meta": { "href": "", "id": text(&row, "id") },
            "name": text(&row, "name"),
            "phone": text(&row, "phone"),
        }))
    }

    fn balance(&mut self, what: &str, agent: &Value) -> Result<(), Failure> {
        let mut body = agent.clone();
        crate::cli::tenant::set(&mut body, "retailStore", Some(store()));
        let answer = self.call("POST", "/counterparty/detail", Some(&body))?;
        let balance = receipt::number(answer.pointer("/bonusProgram/agentBonusBalance"), 0);
        self.say(&format!("{what}: {balance}"));
        Ok(())
    }

    fn recalc(
        &mut self,
        agent: &Value,
        bonus: &Value,
        points: Option<i64>,
    ) -> Result<Value, Failure> {
        let positions = BASKET.iter().filter_map(|(index, thousandths)| {
            let good = shop::GOODS.get(*index)?;
            let meta =
                json!({ "href": "", "id": good.id(), "idType": "native", "type": "product" });
            Some(json!({
                "assortment": { "meta": meta },
                "quantity": decimal(*thousandths, 3),
                "price": decimal(good.price_kopecks, 2),
            }))
        });
        let mut body = json!({
            "retailStore": store(),
            "agent": agent,
            "positions": positions.collect::<Vec<_>>(),
            "bonusProgram": bonus,
        });
        crate::cli::tenant::set(&mut body, "preferredBonusToSpend", points.map(Value::from));
        self.call("POST", "/retaildemand/recalc", Some(&body))
    }

    /// Sells what was quoted; answers the sale's id.
    fn sale(&mut self, agent: &Value, quote: &Value) -> Result<String, Failure> {
        let id = uuid::Uuid::new_v4().to_string();
        let positions = quote.get("positions").cloned().unwrap_or_default();
        let paid = receipt::total(
            positions.as_array().map(Vec::as_slice).unwrap_or_default(),
            "discountedPrice",
        );
        let points =
            |name: &str| receipt::number(quote.pointer(&format!("/bonusProgram/{name}")), 0);
        let body = json!({
            "retailStore": store(),
            "name": "Д-1",
            "moment": now(),
            "meta": { "href": "", "id": id },
            "agent": agent,
            "positions": positions,
            "bonusProgram": {
                "bonusValueToSpend": points("bonusValueToSpend"),
                "bonusValueToEarn": points("bonusValueToEarn"),
            },
            "cashSum": 0,
            "noCashSum": decimal(paid, 2),
        });
        self.call("POST", "/retaildemand", Some(&body))?;
        Ok(id)
    }

    /// Returns the first position of the sale.
    fn partial_return(&mut self, agent: &Value, quote: &Value, sale: &str) -> Result<(), Failure> {
        let position = quote.pointer("/positions/0").cloned().unwrap_or_default();
        let refund = receipt::total(std::slice::from_ref(&position), "discountedPrice");
        let id = agent.pointer("/meta/id").cloned().unwrap_or_default();
        let body = json!({
            "retailStore": store(),
            "name": "ДВ-1",
            "moment": now(),
            "meta": { "href": "", "id": uuid::Uuid::new_v4().to_string() },
            "demand": { "meta": { "href": "", "id": sale } },
            "agent": { "href": "", "id": id },
            "positions": [position],
            "cashSum": decimal(refund, 2),
            "noCashSum": 0,
        });
        self.say(&format!(
            "Возврат первой позиции на {} ₽.",
            show::rubles(refund)
        ));
        self.call("POST", "/retailsalesreturn", Some(&body))?;
        Ok(())
    }
}

/// The moment as МойСклад writes it.
fn now() -> String {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let ms = since.ok().and_then(|d| i64::try_from(d.as_millis()).ok());
    show::moscow(ms.unwrap_or_default())
}

/// A number with `digits` decimals as JSON.
fn decimal(units: i64, digits: u32) -> Value {
    let one = 10_i64.pow(digits);
    let width = usize::try_from(digits).unwrap_or_default();
    let text = format!("{}.{:0width$}", units / one, units % one);
    serde_json::from_str(&text).unwrap_or(Value::Null)
}
