//! Posting a sale (`POST /retaildemand`, moysklad-loyalty.md §3.7): once, and never refused, since
//! the receipt is printed already.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;
use sklad_jobs::journal::Outcome;
use sklad_jobs::mask;
use sklad_store::{Row, Sql, SqlError, Statement};

use super::account::Change;
use super::post::{
    ATTEMPTS, Document, GiftPayment, LedgerError, Posted, Shop, Side, SoldPosition, also_known,
    differing, good_of, journal, learn, newcomer, positions_json, totals, write, write_turnover,
};
use super::returns;
use super::snapshot::{Customer, Known, Query, Snapshot, json as to_json};
use crate::customers::{Identity, Person};
use crate::giftcards::normal_number;
use crate::gifts::birthday_due;
use crate::quote::{Intent, Line, Receipt, SoldLine, earn_on_sale, net_totals};
use crate::tiers;
use crate::units::{Kopecks, Points, line_total};

/// A sale that has happened at the till.
#[derive(Clone, Debug, Default)]
pub struct Sale {
    /// The keys under which this sale is known, at least one; the first is its id.
    pub keys: Vec<String>,
    /// The receipt's number.
    pub number: String,
    /// When it was sold, milliseconds UTC; may be hours ago after work without a network.
    pub moment: i64,
    /// The point of sale's id.
    pub store: String,
    /// Who bought; empty for an anonymous sale.
    pub identity: Identity,
    /// What the call tells about that person.
    pub person: Person,
    /// The positions.
    pub positions: Vec<SoldPosition>,
    /// Points spent and earned as an earlier quote decided; `None` where the till knew no quote.
    pub spend: Option<i64>,
    /// See `spend`.
    pub earn: Option<i64>,
    /// Payments with gift certificates.
    pub gifts: Vec<GiftPayment>,
    /// Whether some number of it could not be read and was taken as nothing.
    pub unclear: bool,
    /// A hash of what the sale says: another one under the same key is another sale.
    pub digest: String,
}

/// Posts a sale: durable when it returns, with one effect however often it comes.
///
/// # Errors
/// The database's, or a number that does not fit. Never for a balance.
pub async fn post_sale(
    sql: &impl Sql,
    shop: &Shop<'_>,
    sale: &Sale,
) -> Result<Posted, LedgerError> {
    let mut goods = BTreeSet::new();
    if sale.earn.is_none() || sale.spend > Some(0) {
        // Otherwise the till has everything from the quote, and the goods are not needed again.
        goods.extend(sale.positions.iter().flat_map(SoldPosition::ids));
    }
    let goods: Vec<&str> = goods.into_iter().collect();
    for _ in 0..ATTEMPTS {
        let query = Query {
            identity: sale.identity.clone(),
            goods: &goods,
            document: Some(("sale", &sale.keys)),
        };
        let snapshot = shop.read(sql, &query).await?;
        if let Some(known) = &snapshot.document {
            return repeated(sql, shop, sale, known, snapshot.orphans).await;
        }
        let orphans = snapshot.orphans;
        let (batch, posted) = batch(sql, shop, sale, snapshot).await?;
        match sql.atomic(batch).await {
            Ok(_) => {
                if orphans {
                    returns::adopt(sql, shop, &sale.keys).await?;
                }
                return Ok(posted);
            }
            Err(SqlError::Conflict | SqlError::Constraint(_)) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(SqlError::Busy.into())
}

async fn repeated(
    sql: &impl Sql,
    shop: &Shop<'_>,
    sale: &Sale,
    known: &Known,
    orphans: bool,
) -> Result<Posted, LedgerError> {
    let same = known.digest == sale.digest;
    let mut batch = Vec::new();
    if !same {
        let what = ("sale", "Продажа");
        batch = differing(shop, what, known, &sale.keys, &sale.number)?;
    } else if sale.keys.len() > 1 {
        batch.push(also_known(shop, "sale", known, &sale.keys)?);
    }
    if orphans {
        batch.extend(returns::claim(shop, &known.id, &sale.keys)?);
    }
    if !batch.is_empty() {
        sql.atomic(batch).await?;
    }
    // The first call may have broken off before the returns that waited for it.
    if orphans {
        returns::adopt(sql, shop, &sale.keys).await?;
    }
    Ok(if same {
        Posted::Repeated
    } else {
        Posted::Differs
    })
}

async fn batch(
    sql: &impl Sql,
    shop: &Shop<'_>,
    sale: &Sale,
    snapshot: Snapshot,
) -> Result<(Vec<Statement>, Posted), LedgerError> {
    let (gross, paid) = totals(&sale.positions).unwrap_or_default();
    let mut flags = Vec::new();
    if sale.unclear {
        flags.push("unclear");
    }
    let mut positions = sale.positions.clone();
    let mut batch = Vec::new();
    let party = party(shop, sale, &snapshot, &mut batch)?;
    let mut document = Document {
        kind: "sale",
        keys: &sale.keys,
        number: &sale.number,
        moment: sale.moment,
        store: &sale.store,
        customer: party.as_ref().map(|(customer, _)| customer.id.as_str()),
        demand: None,
        gross,
        paid,
        spend: 0,
        earn: 0,
        spent_lots: None,
        flags: "",
        digest: &sale.digest,
        positions: String::new(),
        unless_waited_for: if snapshot.orphans { &[] } else { &sale.keys },
        unless_sold: &[],
    };
    if let Some((customer, change)) = party.clone() {
        if sale.spend > Some(0) {
            share_points(shop, sale, &snapshot, &customer, &mut positions);
        }
        let points = points(shop, sale, &snapshot, &customer, change, paid, &mut batch)?;
        (document.spend, document.earn) = (points.spend, points.earn);
        document.spent_lots = points.spent_lots;
        if points.overdraft {
            flags.push("overdraft");
        }
    }
    document.positions = positions_json(&positions)?;
    let paid_by_gifts = gift_payments(sql, shop, sale, &mut batch, &mut flags).await?;
    if snapshot.ambiguous {
        flags.push("ambiguous");
    }
    flags.dedup();
    let flags = flags.join(",");
    document.flags = &flags;
    batch.extend(document.write(shop)?);
    if snapshot.orphans {
        batch.extend(returns::claim(shop, sale.id(), &sale.keys)?);
    }
    batch.push(told(
        shop,
        sale,
        &document,
        party.as_ref().map(|(customer, _)| customer),
        &paid_by_gifts,
    ));
    let posted = Posted::Done {
        customer: document.customer.map(str::to_owned),
        spend: document.spend,
        earn: document.earn,
    };
    Ok((batch, posted))
}

/// The customer of the sale with the account being changed; a new one is created on the way.
fn party(
    shop: &Shop<'_>,
    sale: &Sale,
    snapshot: &Snapshot,
    batch: &mut Vec<Statement>,
) -> Result<Option<(Customer, Change)>, LedgerError> {
    if let Some(customer) = snapshot.customer.clone() {
        batch.extend(learn(
            shop,
            &customer.id,
            &sale.identity,
            &snapshot.unlinked,
        )?);
        let change = Change::begin(customer.account.clone(), shop.now());
        return Ok(Some((customer, change)));
    }
    if sale.identity.is_empty() || !shop.create_unknown {
        return Ok(None);
    }
    let (customer, statements, change) = newcomer(shop, &sale.identity, &sale.person)?;
    batch.extend(statements);
    Ok(Some((customer, change)))
}

struct PointsOfSale {
    spend: i64,
    earn: i64,
    spent_lots: Option<String>,
    overdraft: bool,
}

fn points(
    shop: &Shop<'_>,
    sale: &Sale,
    snapshot: &Snapshot,
    customer: &Customer,
    mut change: Change,
    paid: Kopecks,
    batch: &mut Vec<Statement>,
) -> Result<PointsOfSale, LedgerError> {
    let spend = sale.spend.unwrap_or(0).max(0);
    let earn = match sale.earn {
        Some(earn) => earn.max(0),
        // A receipt of which nothing can be worked out earns nothing; it is posted all the same.
        None => earned(shop, sale, snapshot, customer, spend).unwrap_or_default(),
    };
    let birthday_year = give_birthday(shop, customer, &mut change);
    let debt = change.account.debt;
    let taken = change.spend("spend", sale.id(), spend, Some(sale.id()));
    let overdraft = change.account.debt > debt;
    let life = shop.life(shop.programme.earning.life(), sale.moment.min(shop.now()));
    change.add("earn", sale.id(), earn, life, Some(sale.id()));

    let today = shop.clock.today();
    let mut after = customer.clone();
    // A sale may be so old that its purchases count no more.
    let window = tiers::window_start(&shop.programme.tiers, today);
    let sold_on = shop.clock.date_of(sale.moment).unwrap_or(today);
    if window.is_none_or(|first| first <= sold_on) {
        after.turnover = customer.turnover.plus(paid).unwrap_or(customer.turnover);
    }
    let standing = after.standing_today(shop.programme, today);
    let side = Side {
        standing: Some(standing),
        birthday_year,
    };
    batch.extend(write(shop, &change, &side)?);
    batch.push(write_turnover(shop, &customer.id, sale.moment, paid.0));
    let spent_lots = if taken.is_empty() {
        None
    } else {
        Some(to_json(&taken)?)
    };
    Ok(PointsOfSale {
        spend,
        earn,
        spent_lots,
        overdraft,
    })
}

/// What the rules give for a sale that came without points: it was made without a network, so they
/// are asked for the moment of the sale.
fn earned(
    shop: &Shop<'_>,
    sale: &Sale,
    snapshot: &Snapshot,
    customer: &Customer,
    spend: i64,
) -> Result<i64, LedgerError> {
    let lines: Vec<SoldLine> = (sale.positions.iter())
        .map(|p| SoldLine {
            good: good_of(snapshot, p),
            quantity: p.quantity,
            price: p.price,
            discounted_price: p.discounted_price,
        })
        .collect();
    let facts = customer.facts(shop.programme, shop.clock);
    let at = shop.clock.local(sale.moment).unwrap_or_default();
    let earned = earn_on_sale(
        shop.programme,
        Some(&facts),
        &lines,
        Points(spend),
        at,
        &sale.store,
    )?;
    Ok(earned.0)
}

/// Works out what of each position the points paid: the price that the rules give without points,
/// less the price that was taken. A return goes by it. Where the rules have changed meanwhile, or
/// nothing comes out, a return goes by the whole discount.
fn share_points(
    shop: &Shop<'_>,
    sale: &Sale,
    snapshot: &Snapshot,
    customer: &Customer,
    positions: &mut [SoldPosition],
) {
    let lines: Vec<Line> = (positions.iter())
        .map(|p| Line {
            good: good_of(snapshot, p),
            ..Line::new(p.quantity, p.price)
        })
        .collect();
    let facts = customer.facts(shop.programme, shop.clock);
    let receipt = Receipt {
        lines: &lines,
        customer: Some(&facts),
        store: &sale.store,
        at: shop.clock.local(sale.moment).unwrap_or_default(),
        intent: Intent::Earn,
    };
    let Ok(nets) = net_totals(shop.programme, &receipt) else {
        return;
    };
    for (position, net) in positions.iter_mut().zip(nets) {
        let taken = line_total(position.discounted_price, position.quantity).unwrap_or_default();
        position.paid_by_points = net.0.saturating_sub(taken.0).max(0);
    }
}

/// Adds the birthday points if they are due, and answers the year they are for.
pub(super) fn give_birthday(
    shop: &Shop<'_>,
    customer: &Customer,
    change: &mut Change,
) -> Option<i32> {
    let bonus = shop.programme.earning.birthday.as_ref()?;
    let year = birthday_due(
        bonus,
        customer.birth_date?,
        shop.clock.today(),
        customer.birthday_year,
    )?;
    let key = format!("{}/{year}", customer.id);
    change.add(
        "birthday",
        &key,
        bonus.points.0,
        shop.life(bonus.life(), shop.now()),
        None,
    );
    Some(year)
}

/// What was paid with a gift certificate.
struct PaidByGift {
    /// The number, masked: whoever reads a whole one could pay with it.
    number: String,
    paid: Kopecks,
}

/// Redeems gift certificates. What the till took is a fact: a certificate with too little is emptied
/// and the sale is flagged.
async fn gift_payments(
    sql: &impl Sql,
    shop: &Shop<'_>,
    sale: &Sale,
    batch: &mut Vec<Statement>,
    flags: &mut Vec<&'static str>,
) -> Result<Vec<PaidByGift>, LedgerError> {
    // One certificate may be named by several payments; they are one redemption.
    let mut paid: BTreeMap<String, (i64, bool, i64)> = BTreeMap::new();
    for gift in &sale.gifts {
        let found = find_gift(sql, shop, gift).await?;
        match found.as_ref().and_then(|row| gift_row(row, shop.now())) {
            Some((number, balance, good)) => {
                let (_, _, kopecks) = paid.entry(number).or_insert((balance, good, 0));
                *kopecks = kopecks.saturating_add(gift.kopecks.max(0));
            }
            None => flags.push("gift_unknown"),
        }
    }
    let mut told = Vec::new();
    for (number, (balance, good, kopecks)) in paid {
        told.push(PaidByGift {
            number: mask::card(&number),
            paid: Kopecks(kopecks),
        });
        if !good || balance < kopecks {
            flags.push("gift_overdraft");
        }
        batch.push(
            Statement::new(
                "UPDATE gift_certificates SET balance = ?3 WHERE tenant = ?1 AND number = ?2 AND balance = ?4 RETURNING 1",
            )
            .bind(shop.tenant)
            .bind(&number)
            .bind(balance.saturating_sub(kopecks).max(0))
            .bind(balance)
            .expect_rows(1),
        );
        batch.push(
            Statement::new(
                "INSERT INTO gift_redemptions (tenant, number, document, kopecks, at) VALUES (?1, ?2, ?3, ?4, ?5)",
            )
            .bind(shop.tenant)
            .bind(number)
            .bind(sale.id())
            .bind(kopecks)
            .bind(shop.now()),
        );
    }
    Ok(told)
}

async fn find_gift(
    sql: &impl Sql,
    shop: &Shop<'_>,
    gift: &GiftPayment,
) -> Result<Option<Row>, SqlError> {
    let statement = Statement::new(
        "SELECT number, balance, blocked, expires_at, 0 AS by_id FROM gift_certificates \
         WHERE tenant = ?1 AND number IN (?2, ?4) \
         UNION ALL SELECT number, balance, blocked, expires_at, 1 \
         FROM gift_certificates INDEXED BY gift_certificates_by_id WHERE tenant = ?1 AND id = ?3 \
         ORDER BY by_id LIMIT 1",
    )
    .bind(shop.tenant)
    .bind(&gift.number)
    .bind(&gift.id)
    .bind(normal_number(&gift.number));
    Ok(sql.query(statement).await?.into_iter().next())
}

/// Number, balance, and whether it may be used.
fn gift_row(row: &Row, now: i64) -> Option<(String, i64, bool)> {
    let usable = row.int(2)? == 0 && row.int(3)? > now;
    Some((row.string(0), row.int(1)?, usable))
}

fn told(
    shop: &Shop<'_>,
    sale: &Sale,
    document: &Document<'_>,
    customer: Option<&Customer>,
    gifts: &[PaidByGift],
) -> Statement {
    let who = match customer {
        Some(customer) => mask::name(&customer.name),
        None => "без покупателя".to_owned(),
    };
    let mut text = format!(
        "Продажа №{}: {who}, оплачено {}",
        sale.number, document.paid
    );
    if customer.is_some() {
        text.push_str(&format!(
            ", списано {}, начислено {}",
            document.spend, document.earn
        ));
    }
    for gift in gifts {
        text.push_str(&format!("; сертификатом {} {}", gift.number, gift.paid));
    }
    for (flag, words) in FLAGS {
        if document.flags.split(',').any(|f| f == *flag) {
            text.push_str(words);
        }
    }
    let outcome = if document.flags.is_empty() {
        Outcome::Ok
    } else {
        Outcome::Warning
    };
    let detail = json!({
        "gross": document.gross, "paid": document.paid, "spend": document.spend, "earn": document.earn,
        "flags": document.flags,
    });
    journal(
        shop,
        "sale",
        sale.id(),
        customer.map(|c| c.id.as_str()),
        outcome,
        text,
        detail,
    )
}

/// Some number of a receipt was taken as nothing.
pub(super) const UNCLEAR: &str = "; часть чисел чека не прочитана";

/// What the flags of a sale mean to a merchant.
const FLAGS: &[(&str, &str)] = &[
    ("unclear", UNCLEAR),
    ("overdraft", "; списано больше, чем было на счёте"),
    ("gift_unknown", "; неизвестный сертификат"),
    (
        "gift_overdraft",
        "; на сертификате было меньше или он не действовал",
    ),
    (
        "ambiguous",
        "; телефон или карта записаны за другим покупателем",
    ),
];

impl Sale {
    /// The sale's id.
    #[must_use]
    pub fn id(&self) -> &str {
        self.keys.first().map_or("", String::as_str)
    }
}
