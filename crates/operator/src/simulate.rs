//! A quote without a till: what a receipt would cost, and which rules made it so.

use std::collections::BTreeMap;

use http::StatusCode;
use serde::{Deserialize, Serialize};
use sklad_catalog::{Good, goods};
use sklad_loyalty::customers::Identity;
use sklad_loyalty::ledger::Shop;
use sklad_loyalty::ledger::snapshot::{Clock, Query, Snapshot};
use sklad_loyalty::programme::read;
use sklad_loyalty::quote::{self, CustomerFacts, Intent, Line, Quote, Receipt};
use sklad_loyalty::{Kopecks, Points, Programme, Quantity};
use sklad_store::{Kv, Sql};
use sklad_tenant::clock;

use crate::context::Context;
use crate::error::ApiError;
use crate::reply::Reply;

/// The most lines of one simulation.
const MAX_LINES: usize = 500;

/// A receipt to be calculated. Nothing is written.
#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Simulation {
    /// Покупатель: идентификатор, телефон или карта. Без него – анонимный чек.
    #[serde(default)]
    customer: Option<String>,
    /// Точка продаж.
    #[serde(default)]
    store: String,
    /// Местное время, «ГГГГ-ММ-ДД ЧЧ:ММ:СС»; по умолчанию сейчас.
    #[serde(default)]
    at: Option<String>,
    /// Списывать ли баллы (по умолчанию нет).
    #[serde(default)]
    spend: bool,
    /// Сколько баллов списать; по умолчанию сколько можно.
    #[serde(default)]
    points: Option<i64>,
    /// Сколько баллов считать доступными вместо тех, что на счёте.
    #[serde(default)]
    balance: Option<i64>,
    /// Программа, которую хочется попробовать, вместо действующей.
    #[serde(default, deserialize_with = "read::maybe")]
    programme: Option<Programme>,
    /// Позиции.
    #[serde(deserialize_with = "read::objects")]
    lines: Vec<SimulationLine>,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct SimulationLine {
    /// Товар по любому идентификатору; неизвестный товар – как у кассы, без свойств.
    #[serde(default)]
    good: Option<String>,
    /// Количество в тысячных, по умолчанию 1000 (одна штука).
    #[serde(default = "one_piece")]
    quantity_thousandths: i64,
    /// Цена за единицу, копейки; по умолчанию из каталога.
    #[serde(default)]
    price_kopecks: Option<i64>,
}

fn one_piece() -> i64 {
    Quantity::ONE.0
}

/// The receipt as the till would get it, with the reasons.
#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Simulated {
    /// Позиции; одна могла разделиться на две.
    lines: Vec<SimulatedLine>,
    /// Сумма без скидок, копейки.
    gross_kopecks: i64,
    /// Скидки без баллов, копейки.
    discount_kopecks: i64,
    /// Оплачено баллами, копейки.
    paid_by_points_kopecks: i64,
    /// К оплате, копейки.
    to_pay_kopecks: i64,
    /// Будет списано баллов.
    spend: i64,
    /// Будет начислено баллов.
    earn: i64,
    /// Сколько баллов можно было бы списать.
    max_spend: i64,
    /// Баллов до чека.
    balance_before: i64,
    /// Баллов после чека.
    balance_after: i64,
    /// Уровень покупателя.
    tier: Option<String>,
    /// Нужен ли код подтверждения.
    needs_verification: bool,
    /// Текст на чеке.
    receipt_text: String,
    /// Какие правила сработали.
    explanation: Vec<Reason>,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct SimulatedLine {
    /// Номер исходной позиции, с нуля.
    source: usize,
    /// Название из каталога.
    name: Option<String>,
    /// Количество в тысячных.
    quantity_thousandths: i64,
    /// Цена за единицу без скидок, копейки.
    price_kopecks: i64,
    /// Цена за единицу после скидок и баллов, копейки.
    discounted_price_kopecks: i64,
    /// Скидка в сотых долях процента.
    discount_hundredths: u16,
}

#[derive(Serialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
pub struct Reason {
    /// Место правила в программе.
    rule: &'static str,
    /// Номер исходной позиции, с нуля; null – чек в целом.
    line: Option<usize>,
    /// Что произошло.
    text: String,
}

pub async fn simulate<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let asked: Simulation = c.json()?;
    if asked.lines.is_empty() || asked.lines.len() > MAX_LINES {
        return Err(ApiError::refused("lines", "От 1 до 500 позиций"));
    }
    let tenant = c.tenant().await?;
    let programme = match asked.programme.as_ref() {
        Some(programme) => programme,
        None => &tenant.loyalty()?.programme,
    };
    let problems = programme.validate();
    if !problems.is_empty() {
        let problems = problems.into_iter().map(|mut p| {
            p.path = format!("programme.{}", p.path);
            p
        });
        let status = StatusCode::UNPROCESSABLE_ENTITY;
        return Err(ApiError::problems(status, "refused", problems.collect()));
    }
    let zone = tenant.settings.timezone_minutes;
    let shop = Shop {
        programme,
        clock: Clock {
            now: moment(&asked, zone, c.now_ms)?,
            zone_minutes: zone,
        },
        ..c.shop(&tenant)?
    };
    let sql = &c.app.sql;
    let goods = known_goods(sql, tenant.slug.as_str(), &asked).await?;
    let ids: Vec<&str> = goods.values().map(|good| good.id.as_str()).collect();
    let snapshot = shop
        .read(
            sql,
            &Query {
                identity: who(&asked),
                goods: &ids,
                document: None,
            },
        )
        .await?;
    let customer = customer(&asked, &snapshot, &shop)?;
    let lines = lines(&asked, &goods, &snapshot)?;
    let receipt = Receipt {
        lines: &lines,
        customer: customer.as_ref(),
        store: &asked.store.trim().to_lowercase(),
        at: clock::local(shop.clock.now, zone),
        intent: match asked.spend {
            true => Intent::Spend {
                preferred: asked.points.map(Points),
            },
            false => Intent::Earn,
        },
    };
    let quote = quote::explain(programme, &receipt)
        .map_err(|error| ApiError::refused("lines", error.to_string()))?;
    Reply::json(&simulated(
        quote,
        &asked,
        &goods,
        customer.and_then(|c| c.tier),
    ))
}

fn moment(asked: &Simulation, zone: i32, now_ms: i64) -> Result<i64, ApiError> {
    let Some(text) = &asked.at else {
        return Ok(now_ms);
    };
    let time = clock::parse(text)
        .ok_or_else(|| ApiError::refused("at", "Время вида 2026-12-31 18:00:00"))?;
    Ok(clock::instant(time, zone))
}

fn who(asked: &Simulation) -> Identity {
    let text = asked.customer.as_deref();
    Identity::new(text, text, text)
}

/// The goods of the lines, by what they are called there.
async fn known_goods<'a>(
    sql: &impl Sql,
    tenant: &str,
    asked: &'a Simulation,
) -> Result<BTreeMap<&'a str, Good>, ApiError> {
    let mut known = BTreeMap::new();
    for name in asked.lines.iter().filter_map(|line| line.good.as_deref()) {
        if !known.contains_key(name)
            && let Some(good) = goods::get(sql, tenant, name).await?
        {
            known.insert(name, good);
        }
    }
    Ok(known)
}

fn customer(
    asked: &Simulation,
    snapshot: &Snapshot,
    shop: &Shop<'_>,
) -> Result<Option<CustomerFacts>, ApiError> {
    let facts = match (&asked.customer, &snapshot.customer) {
        (None, _) => return Ok(None),
        (Some(_), None) => return Err(ApiError::refused("customer", "Нет такого покупателя")),
        (Some(_), Some(customer)) => customer.facts(shop.programme, shop.clock),
    };
    let available = asked.balance.map_or(facts.available, Points);
    Ok(Some(CustomerFacts { available, ..facts }))
}

fn lines(
    asked: &Simulation,
    known: &BTreeMap<&str, Good>,
    snapshot: &Snapshot,
) -> Result<Vec<Line>, ApiError> {
    let mut lines = Vec::with_capacity(asked.lines.len());
    for (i, line) in asked.lines.iter().enumerate() {
        let good = line.good.as_deref().and_then(|name| known.get(name));
        let price = line.price_kopecks.or_else(|| good?.price_kopecks);
        let price = price.ok_or_else(|| {
            ApiError::refused(
                format!("lines.{i}.price_kopecks"),
                "Цены нет ни здесь, ни в каталоге",
            )
        })?;
        let plain = Line::new(Quantity(line.quantity_thousandths), Kopecks(price));
        // A good that the catalogue does not know is still known by its name here: a rule may name it.
        let id = good
            .map(|good| good.id.clone())
            .or_else(|| line.good.as_deref().map(str::to_lowercase));
        let facts = snapshot.good(id.as_deref());
        lines.push(Line {
            may_split: !facts.as_ref().is_some_and(|good| good.weighed),
            good: facts,
            ..plain
        });
    }
    Ok(lines)
}

fn simulated(
    quote: Quote,
    asked: &Simulation,
    known: &BTreeMap<&str, Good>,
    tier: Option<String>,
) -> Simulated {
    let name = |source: usize| {
        let line = asked.lines.get(source)?;
        Some(known.get(line.good.as_deref()?)?.name.clone())
    };
    let lines = quote.lines.iter().map(|line| SimulatedLine {
        source: line.source,
        name: name(line.source),
        quantity_thousandths: line.quantity.0,
        price_kopecks: line.price.0,
        discounted_price_kopecks: line.discounted_price.0,
        discount_hundredths: line.discount_percent.hundredths(),
    });
    let reasons = quote.explanation.into_iter().map(|fired| Reason {
        rule: fired.rule,
        line: fired.line,
        text: fired.text,
    });
    Simulated {
        lines: lines.collect(),
        gross_kopecks: quote.gross.0,
        discount_kopecks: quote.discount.0,
        paid_by_points_kopecks: quote.paid_by_points.0,
        to_pay_kopecks: quote.to_pay.0,
        spend: quote.spend.0,
        earn: quote.earn.0,
        max_spend: quote.max_spend.0,
        balance_before: quote.balance_before.0,
        balance_after: quote.balance_after.0,
        tier,
        needs_verification: quote.needs_verification,
        receipt_text: quote.receipt_text,
        explanation: reasons.collect(),
    }
}
