//! What a till sends: requests as wrk puts them on the wire, with a place for a document's id.

use std::fmt::Write as _;

use anyhow::Result;
use bytes::Bytes;
use http::Request;
use serde_json::{Value, json};

use crate::shop::{self, Random};

/// Stands in a request where every sending has another number of twelve digits.
pub const UNIQUE: &str = "@@@@@@@@@@@@";
/// Points that a measured sale spends and earns.
const POINTS: (u64, u64) = (10, 40);

/// Where МойСклад's addresses begin.
const BASE: &str = "/rest/integration/moysklad/v1";

/// One request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Call {
    /// GET or POST.
    pub method: &'static str,
    /// Path and query.
    pub path: String,
    /// The body, empty for GET.
    pub body: String,
}

impl Call {
    fn post(path: &str, body: &Value) -> Self {
        Self {
            method: "POST",
            path: format!("{BASE}{path}"),
            body: body.to_string(),
        }
    }

    /// The request for a handler in this process.
    pub fn request(&self, key: &str) -> Result<Request<Bytes>> {
        let request = Request::builder().method(self.method).uri(&self.path);
        let request = request.header("lognex-discount-api-auth-token", key);
        Ok(request.body(Bytes::from(self.body.clone()))?)
    }

    /// The same with a number of its own, where there is a place for one.
    pub fn numbered(&self, number: &str) -> Self {
        Self {
            body: self.body.replace(UNIQUE, number),
            ..self.clone()
        }
    }

    /// The request as bytes of HTTP/1.1.
    pub fn on_the_wire(&self, key: &str) -> String {
        let Self { method, path, body } = self;
        let mut text = format!(
            "{method} {path} HTTP/1.1\r\nHost: localhost\r\nAccept-Encoding: gzip\r\nUser-Agent: bench\r\n\
             Lognex-Discount-API-Auth-Token: {key}\r\n"
        );
        if !body.is_empty() {
            let kind = "application/json;charset=utf-8";
            let _ = write!(
                text,
                "Content-Type: {kind}\r\nContent-Length: {}\r\n",
                body.len()
            );
        }
        text + "\r\n" + body
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation {
    /// The empty component.
    Empty,
    /// A cashier looks for a customer: half by phone, a quarter by card, a quarter by family name and
    /// the beginning of the given name.
    Search,
    /// «Баллы»: a receipt of so many positions, for a customer who spends.
    Recalc(u64),
    /// A sale of ten positions that spends and earns.
    Sale,
    /// Search, recalculation and sale in turn.
    Mixed,
}

impl Operation {
    /// Its name in the figures.
    pub fn name(self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Search => "search",
            Self::Recalc(_) => "recalc",
            Self::Sale => "sale",
            Self::Mixed => "mixed",
        }
    }

    /// Requests of this operation, the same ones in every run.
    pub fn calls(self, count: u64) -> Vec<Call> {
        let mut random = Random(count);
        (0..count).map(|n| self.call(n, &mut random)).collect()
    }

    fn call(self, n: u64, random: &mut Random) -> Call {
        match self {
            Self::Empty => Call {
                method: "GET",
                path: "/bench/empty".to_owned(),
                body: String::new(),
            },
            Self::Search => search(n, random),
            Self::Recalc(positions) => recalc(positions, random),
            Self::Sale => sale(random),
            Self::Mixed => match n % 3 {
                0 => search(n / 3, random),
                1 => recalc(10, random),
                _ => sale(random),
            },
        }
    }
}

fn search(n: u64, random: &mut Random) -> Call {
    let customer = shop::customer(random.below(shop::CUSTOMERS));
    let typed = match n % 4 {
        0 | 1 => format!("+{}", customer.phone),
        2 => customer.card,
        _ => format!(
            "{} {}",
            customer.last,
            customer.first.chars().take(3).collect::<String>()
        ),
    };
    let encoded: String = typed.bytes().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "%{byte:02X}");
        text
    });
    Call {
        method: "GET",
        path: format!(
            "{BASE}/counterparty?search={encoded}&retailStoreId={}",
            shop::STORE
        ),
        body: String::new(),
    }
}

fn store() -> Value {
    let href = format!(
        "https://api.moysklad.ru/api/remap/1.2/entity/retailstore/{}",
        shop::STORE
    );
    json!({ "meta": { "href": href, "id": shop::STORE, "type": "retailstore", "mediaType": "application/json" },
            "name": "Точка продаж" })
}

/// Quantity, good and its price in rubles, different goods on every position.
fn goods(count: u64, random: &mut Random) -> Vec<(u64, u64, String)> {
    let first = random.below(shop::GOODS);
    let one = |i: u64| {
        let good = (first + i * 37) % shop::GOODS;
        let price = shop::price(good);
        (
            1 + random.below(3),
            good,
            format!("{}.{:02}", price / 100, price % 100),
        )
    };
    (0..count).map(one).collect()
}

fn assortment(good: u64) -> Value {
    let id = shop::good_id(good);
    let href = format!("https://api.moysklad.ru/api/remap/1.2/entity/product/{id}");
    json!({ "meta": { "href": href, "id": id, "idType": "native", "type": "product", "mediaType": "application/json" } })
}

/// A number that JSON carries as it is written, and no float touches.
fn rubles(text: &str) -> Value {
    serde_json::from_str(text).unwrap_or_default()
}

fn recalc(positions: u64, random: &mut Random) -> Call {
    let customer = shop::customer(random.below(shop::CUSTOMERS));
    let position = |(quantity, good, price): (u64, u64, String)| {
        json!({ "assortment": assortment(good), "quantity": quantity, "price": rubles(&price),
                "discountPercent": 0, "discountedPrice": rubles(&price) })
    };
    let positions: Vec<_> = goods(positions, random).into_iter().map(position).collect();
    let body = json!({ "retailStore": store(), "agent": customer.agent(), "positions": positions,
                       "bonusProgram": { "transactionType": "SPENDING" } });
    Call::post("/retaildemand/recalc", &body)
}

fn sale(random: &mut Random) -> Call {
    let customer = random.below(shop::CUSTOMERS);
    sale_of(customer, UNIQUE, 10, POINTS, random)
}

/// A sale of so many positions to this customer; `number` has twelve digits, `points` are spent and
/// earned.
pub fn sale_of(
    customer: u64,
    number: &str,
    positions: u64,
    points: (u64, u64),
    random: &mut Random,
) -> Call {
    let position = |(quantity, good, price): (u64, u64, String)| {
        json!({ "assortment": assortment(good), "quantity": quantity, "price": rubles(&price),
                "discountPercent": 0, "discountedPrice": rubles(&price), "vat": 20 })
    };
    let positions: Vec<_> = goods(positions, random).into_iter().map(position).collect();
    let id = format!("d0000000-0000-4000-8000-{number}");
    let href = format!("https://api.moysklad.ru/api/remap/1.2/entity/retaildemand/{id}");
    let body = json!({
        "meta": { "href": href, "id": id, "idType": "native", "type": "retaildemand" },
        "name": number, "retailStore": store(), "agent": shop::customer(customer).agent(),
        "positions": positions,
        "bonusProgram": { "transactionType": "SPENDING", "bonusValueToSpend": points.0,
                          "bonusValueToEarn": points.1 },
    });
    Call::post("/retaildemand", &body)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_sale_has_a_place_for_its_id_and_the_length_stays() {
        for call in Operation::Sale.calls(3) {
            let text = call.on_the_wire("sklk_x");
            assert_eq!(text.matches(UNIQUE).count(), 3);
            assert!(text.contains(&format!("Content-Length: {}\r\n", call.body.len())));
        }
    }

    #[test]
    fn a_receipt_has_its_positions() {
        let body: Value = serde_json::from_str(&Operation::Recalc(50).calls(1)[0].body).unwrap();
        assert_eq!(body["positions"].as_array().unwrap().len(), 50);
    }
}
