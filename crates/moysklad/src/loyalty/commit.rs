//! Sales and returns that have happened (moysklad-loyalty.md §3.7, §3.8). A 201 means that it is on
//! disk; the same document has one effect however often it comes.

use bytes::Bytes;
use http::{Method, Request, Response};
use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use sha2::{Digest, Sha256};
use sklad_loyalty::codes::{self, Purpose};
use sklad_loyalty::ledger::{
    GiftPayment, Posted, Return, Sale, SoldPosition, post_return, post_sale,
};
use sklad_loyalty::units::{Kopecks, Quantity};
use sklad_store::{Kv, Sql};
use sklad_tenant::{App, clock};

use super::counterparty::{counterparty, store};
use super::wire::{
    BonusProgram, Document, GiftCard, Position, Raw, Reference, decimal, object, text,
};
use super::{Call, Reply, answer, meaning};

/// A moment so far ahead of our clock, in milliseconds, is a till whose clock is wrong.
const CLOCK_SKEW_MS: i64 = 86_400_000;

/// Characters of `YYYY-MM-DD`.
const DATE_LENGTH: usize = 10;

/// A price beyond this, in kopecks (a hundred million rubles), is a mistake of the sender.
const PRICE_MAX: i64 = 10_000_000_000;
/// A quantity beyond this, in thousandths (a million pieces), is a mistake of the sender.
const QUANTITY_MAX: i64 = 1_000_000_000;
/// More points than this in one document are a mistake of the sender; a balance must stay far from
/// where sums overflow.
const POINTS_MAX: i64 = 1_000_000_000_000;

/// Answers the routes of the component `loyalty-commit`.
pub async fn handle<S: Sql, K: Kv>(
    app: &App<S, K>,
    now: i64,
    request: Request<Bytes>,
) -> Response<Vec<u8>> {
    answer(app, now, &request, async |call| {
        match (call.path.as_str(), &call.method) {
            ("/retaildemand", &Method::POST) => sale(&app.sql, call).await,
            ("/retailsalesreturn", &Method::POST) => returned(&app.sql, call).await,
            ("/retaildemand" | "/retailsalesreturn", _) => Err(Reply::wrong_method("POST")),
            _ => Err(Reply::no_such_method()),
        }
    })
    .await
}

async fn sale(sql: &impl Sql, call: &Call<'_>) -> Result<Reply, Reply> {
    let body: Document<'_> = call.json()?;
    let agent = counterparty(body.agent);
    let points: Option<BonusProgram<'_>> = object(body.bonus_program);
    let (positions, unclear) = positions(&body);
    let told = told(body.moment, call.now);
    let mut sale = Sale {
        keys: keys(&body, call.body),
        number: text(body.name).unwrap_or_default(),
        moment: told.unwrap_or(call.now),
        store: store(body.retail_store),
        identity: agent.identity(),
        person: agent.person(),
        positions,
        unclear,
        spend: points.and_then(|p| whole(p.bonus_value_to_spend)),
        earn: points.and_then(|p| whole(p.bonus_value_to_earn)),
        gifts: gifts(body.gift_cards),
        digest: String::new(),
    };
    sale.digest = meaning::of_sale(&sale, told);
    let shop = call.shop();
    let posted = post_sale(sql, &shop, &sale).await?;
    if let Posted::Done {
        customer: Some(customer),
        spend: 1..,
        ..
    } = posted
        && shop.programme.codes.spending_above.is_some()
    {
        sql.atomic(vec![codes::used(
            shop.tenant,
            Purpose::Spending,
            &customer,
            call.now,
        )])
        .await?;
    }
    Ok(Reply::created())
}

async fn returned(sql: &impl Sql, call: &Call<'_>) -> Result<Reply, Reply> {
    let body: Document<'_> = call.json()?;
    let (positions, unclear) = positions(&body);
    let told = told(body.moment, call.now);
    let mut back = Return {
        keys: keys(&body, call.body),
        number: text(body.name).unwrap_or_default(),
        moment: told.unwrap_or(call.now),
        store: store(body.retail_store),
        demand: Reference::of(body.demand).ids(),
        identity: counterparty(body.agent).identity(),
        positions,
        unclear,
        digest: String::new(),
    };
    back.digest = meaning::of_return(&back, told);
    post_return(sql, &call.shop(), &back).await?;
    Ok(Reply::created())
}

/// The keys of a document: its ids; where they are empty, a hash of point of sale, number and moment;
/// where those are empty too, of everything (§5).
fn keys(body: &Document<'_>, bytes: &[u8]) -> Vec<String> {
    let reference = Reference {
        meta: body.meta,
        sync_id: body.sync_id,
        ..Reference::default()
    };
    let ids = reference.ids();
    if !ids.is_empty() {
        return ids;
    }
    let parts = [
        Some(store(body.retail_store)),
        text(body.name),
        text(body.moment),
    ];
    let mut hash = Sha256::new();
    match parts {
        [Some(store), Some(name), Some(moment)] => {
            for part in [store, name, moment] {
                hash.update(part.as_bytes());
                hash.update([0]);
            }
        }
        _ => hash.update(bytes),
    }
    vec![format!("hash-{}", hex::encode(hash.finalize()))]
}

/// When it happened, if the call says so: hours ago after work without a network, not tomorrow.
fn told(raw: Raw<'_>, now: i64) -> Option<i64> {
    let told = text(raw).and_then(|text| instant(&text));
    told.filter(|at| *at <= now.saturating_add(CLOCK_SKEW_MS))
}

/// A moment in milliseconds UTC. Without a zone it is Moscow's (§2); with one, as in RFC 3339, it is
/// as it says, though the documentation knows no zones.
fn instant(text: &str) -> Option<i64> {
    let text = text.to_ascii_uppercase();
    if let Some(utc) = text.strip_suffix('Z') {
        return Some(clock::instant(clock::parse(utc)?, 0));
    }
    // Not a hyphen of the date.
    match text.rfind(['+', '-']).filter(|at| *at > DATE_LENGTH) {
        Some(at) => {
            let (time, zone) = text.split_at_checked(at)?;
            Some(clock::instant(clock::parse(time)?, zone_minutes(zone)?))
        }
        None => clock::parse_moscow(&text),
    }
}

/// `+03:00`, `+0300` or `+03` in minutes from UTC.
fn zone_minutes(zone: &str) -> Option<i32> {
    let (sign, digits) = zone.split_at_checked(1)?;
    let digits = digits.replacen(':', "", 1);
    let number = |from, to| -> Option<i32> {
        let part = digits.get(from..to)?;
        let plain = part.bytes().all(|b| b.is_ascii_digit());
        plain.then(|| part.parse().ok()).flatten()
    };
    let minutes = match digits.len() {
        2 => 0,
        4 => number(2, 4).filter(|minutes| *minutes < 60)?,
        _ => return None,
    };
    let offset = number(0, 2)? * 60 + minutes;
    let offset = if sign == "-" { -offset } else { offset };
    (clock::MIN_ZONE_MINUTES..=clock::MAX_ZONE_MINUTES)
        .contains(&offset)
        .then_some(offset)
}

/// Whole points; МойСклад's own engine has no others (§2).
fn whole(raw: Raw<'_>) -> Option<i64> {
    let points = decimal(raw).and_then(|n| Decimal::floor(&n).to_i64());
    points.map(|n| n.clamp(-POINTS_MAX, POINTS_MAX))
}

/// The positions, and whether a number in them could not be used. The receipt is printed: what is
/// negative, absurd or no number counts as nothing, and the sale is flagged instead of refused.
fn positions(body: &Document<'_>) -> (Vec<SoldPosition>, bool) {
    let mut unclear = false;
    let mut within = |read: Option<i64>, most: i64| {
        let usable = read.filter(|n| (0..=most).contains(n));
        unclear |= usable.is_none();
        usable.unwrap_or_default()
    };
    let of = |p: &Position<'_>| {
        let mut ids = p.goods().into_iter();
        SoldPosition {
            good: ids.next().unwrap_or_default(),
            others: ids.collect(),
            paid_by_points: 0,
            quantity: Quantity(within(p.quantity().ok().map(|q| q.0), QUANTITY_MAX)),
            price: Kopecks(within(p.price().ok().map(|k| k.0), PRICE_MAX)),
            discounted_price: Kopecks(within(p.discounted_price().ok().map(|k| k.0), PRICE_MAX)),
        }
    };
    let positions = body.positions.iter().map(of).collect();
    (positions, unclear)
}

/// Payments with certificates. One that cannot be read is kept without a number, so that the sale is
/// flagged; the others are redeemed.
fn gifts(raw: Raw<'_>) -> Vec<GiftPayment> {
    // Nothing was paid with certificates, however that is written.
    let raw = raw.filter(|raw| !matches!(raw.get(), "\"\"" | "{}"));
    let list: Option<Vec<Raw<'_>>> = object(raw);
    let lone = || vec![raw];
    let cards = list.or_else(|| raw.map(|_| lone())).unwrap_or_default();
    let payment = |card: Raw<'_>| {
        let card: GiftCard<'_> = object(card).unwrap_or_default();
        GiftPayment {
            id: text(card.id).unwrap_or_default().to_lowercase(),
            number: text(card.name).unwrap_or_default(),
            // Kopecks already, unlike every other sum of the call (§2).
            kopecks: decimal(card.payment_sum)
                .and_then(|n| n.round().to_i64())
                .unwrap_or_default(),
        }
    };
    cards
        .into_iter()
        .filter(Option::is_some)
        .map(payment)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_may_tell_its_zone() {
        let noon = Some(1_795_244_400_000);
        for text in [
            "2026-11-21 10:00:00",
            "2026-11-21 10:00:00.000",
            "2026-11-21T10:00:00+03:00",
            "2026-11-21T10:00:00.000+0300",
            "2026-11-21 10:00:00 +03",
            "2026-11-21T07:00:00Z",
            "2026-11-21t07:00:00.000000z",
            "2026-11-21T07:00:00-00:00",
            "2026-11-21T02:00:00-05:00",
            "2026-11-21T12:30:00+05:30",
        ] {
            assert_eq!(instant(text), noon, "{text}");
        }
        for text in [
            "",
            "Z",
            "2026-11-21T07:00:00+",
            "2026-11-21T07:00:00+25:00",
            "2026-11-21T07:00:00+03:60",
            "2026-11-21T07:00:00+3:0",
            "2026-11-21T07:00:00++3",
            "2026-11-21T07:00:00ю+03",
            "2026-11-21T07:00:00 MSK",
        ] {
            assert_eq!(instant(text), None, "{text}");
        }
    }
}
