//! «Итого» and «Баллы»: what a receipt costs (moysklad-loyalty.md §3.5). No point moves here.

use std::collections::BTreeSet;

use bytes::Bytes;
use http::{Method, Request, Response};
use rust_decimal::Decimal;
use serde_json::value::RawValue;
use sklad_loyalty::customers::Person;
use sklad_loyalty::ledger::snapshot::{Query, Snapshot};
use sklad_loyalty::ledger::{Shop, register_or_find};
use sklad_loyalty::quote::{CustomerFacts, Intent, Line, Quote, QuotedLine, Receipt, quote};
use sklad_loyalty::tiers;
use sklad_loyalty::units::{Kopecks, Points};
use sklad_store::{Kv, Sql};
use sklad_tenant::App;

use super::counterparty::{counterparty, store};
use super::wire::{
    Amount, BonusAnswer, BonusProgram, Position, PositionAnswer, Recalc, RecalcAnswer, Rubles,
    Share, decimal, object, text,
};
use super::{Call, Reply, answer};

/// Answers the routes of the component `loyalty-calc`.
pub async fn handle<S: Sql, K: Kv>(
    app: &App<S, K>,
    now: i64,
    request: Request<Bytes>,
) -> Response<Vec<u8>> {
    answer(app, now, &request, async |call| {
        match (call.path.as_str(), &call.method) {
            ("/retaildemand/recalc", &Method::POST) => recalc(&app.sql, call).await,
            ("/retaildemand/recalc", _) => Err(Reply::wrong_method("POST")),
            _ => Err(Reply::no_such_method()),
        }
    })
    .await
}

async fn recalc(sql: &impl Sql, call: &Call<'_>) -> Result<Reply, Reply> {
    let body: Recalc<'_> = call.json()?;
    let shop = call.shop();
    let agent = counterparty(body.agent);
    let goods: Vec<Vec<String>> = body.positions.iter().map(Position::goods).collect();
    // Inserted one by one: to collect a set is to sort it first, which is code for nothing.
    let mut asked = BTreeSet::new();
    asked.extend(goods.iter().flatten().map(String::as_str));
    let asked: Vec<&str> = asked.into_iter().collect();
    let query = Query {
        identity: agent.identity(),
        goods: &asked,
        document: None,
    };
    let snapshot = shop.read(sql, &query).await?;
    let mut customer = snapshot.customer.clone();
    // Somebody of whom only an id is known is not made a customer by a mere question: the till may
    // tell his phone in a moment, and we may know him by it.
    let named = query.identity.phone.is_some() || query.identity.card.is_some();
    let named = named || text(agent.name).is_some();
    let stranger = customer.is_none() && !query.identity.is_empty() && shop.create_unknown;
    let unknown = stranger && named;
    // A customer whom the search did not come from here has keys that are new to us.
    let learns = customer.is_some() && !snapshot.unlinked.is_empty() && !snapshot.ambiguous;
    if unknown || learns {
        customer = Some(
            register_or_find(sql, &shop, &query.identity, &agent.person())
                .await?
                .0,
        );
    }
    // He is quoted as the customer that the sale will make of him all the same.
    let facts = match customer {
        Some(customer) => Some(customer.facts(shop.programme, shop.clock)),
        None if stranger => Some(newcomer(&shop, &agent.person())),
        None => None,
    };
    let lines = lines(&body.positions, &goods, &snapshot)?;
    let receipt = Receipt {
        lines: &lines,
        customer: facts.as_ref(),
        store: &store(body.retail_store),
        at: shop.clock.local(call.now).unwrap_or_default(),
        intent: intent(&body),
    };
    let quote = quote(shop.programme, &receipt)?;
    Ok(Reply::written(&told(&body, receipt.intent, quote)))
}

/// A customer who has bought nothing yet.
fn newcomer(shop: &Shop<'_>, person: &Person) -> CustomerFacts {
    let today = shop.clock.today();
    CustomerFacts {
        tier: tiers::advance(&shop.programme.tiers, None, Kopecks::ZERO, today).tier,
        birth_date: person.birth_date,
        ..CustomerFacts::default()
    }
}

fn intent(body: &Recalc<'_>) -> Intent {
    let bonus: BonusProgram<'_> = object(body.bonus_program).unwrap_or_default();
    let spending = text(bonus.transaction_type).is_some_and(|t| t.eq_ignore_ascii_case("SPENDING"));
    if !spending {
        return Intent::Earn;
    }
    // Whole points; a part of one is not the customer's to give.
    let preferred = decimal(body.preferred_bonus_to_spend).map(|n| Decimal::floor(&n));
    Intent::Spend {
        preferred: preferred.and_then(|n| Points::from_decimal(n).ok()),
    }
}

/// The lines of the receipt, in order.
///
/// # Errors
/// 412 with the position and the field of a number that cannot be used.
fn lines(
    positions: &[Position<'_>],
    goods: &[Vec<String>],
    snapshot: &Snapshot,
) -> Result<Vec<Line>, Reply> {
    let of = |(n, (position, ids)): (usize, (&Position<'_>, &Vec<String>))| {
        let good = snapshot.good(ids.iter().map(String::as_str));
        let weighed = good.as_ref().is_some_and(|good| good.weighed);
        let wrong = |field| Reply::bad_number(n, field);
        let quantity = position.quantity().ok().filter(|q| q.0 >= 0);
        let price = position.price().ok().filter(|p| p.0 >= 0);
        Ok(Line {
            // Half a package cannot be told: its size is echoed as it came.
            may_split: !weighed && position.pack.is_none(),
            good,
            quantity: quantity.ok_or_else(|| wrong("quantity"))?,
            price: price.ok_or_else(|| wrong("price"))?,
            serials: serials(position).len(),
        })
    };
    positions.iter().zip(goods).enumerate().map(of).collect()
}

fn serials<'a>(position: &Position<'a>) -> Vec<&'a RawValue> {
    object(position.sn).unwrap_or_default()
}

fn told<'a>(body: &Recalc<'a>, intent: Intent, quote: Quote) -> RecalcAnswer<'a> {
    let position = |line: &QuotedLine| {
        let source = body.positions.get(line.source).copied().unwrap_or_default();
        PositionAnswer {
            assortment: source.assortment,
            quantity: Amount(line.quantity),
            price: Rubles(line.price),
            discount_percent: Share(line.discount_percent),
            discounted_price: Rubles(line.discounted_price),
            sn: source.sn.map(|_| {
                serials(&source)
                    .get(line.serials.clone())
                    .unwrap_or_default()
                    .to_vec()
            }),
            pack: source.pack,
        }
    };
    RecalcAnswer {
        agent: body.agent,
        positions: quote.lines.iter().map(position).collect(),
        bonus_program: BonusAnswer {
            transaction_type: if intent == Intent::Earn {
                "EARNING"
            } else {
                "SPENDING"
            },
            agent_bonus_balance: quote.balance_before,
            bonus_value_to_spend: quote.spend,
            bonus_value_to_earn: quote.earn,
            agent_bonus_balance_after: quote.balance_after,
            paid_by_bonus_points: Rubles(quote.paid_by_points),
            receipt_extra_info: quote.receipt_text,
        },
        need_verification: quote.needs_verification,
    }
}
