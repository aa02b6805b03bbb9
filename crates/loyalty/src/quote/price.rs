//! Prices after discounts and before points, and the floor under each price.

use super::notes::Notes;
use super::rules::{GoodsRules, Verdict, by_id};
use super::types::{CustomerFacts, Line, QuoteError, Receipt};
use crate::programme::{Combine, Programme, Spending};
use crate::units::{Kopecks, Percent, line_total};

/// A line with its discount.
#[derive(Debug, Clone, Copy)]
pub(super) struct Priced {
    /// Total before discounts.
    pub(super) gross: Kopecks,
    /// Price of a unit after discounts.
    pub(super) unit: Kopecks,
    /// Total after discounts.
    pub(super) net: Kopecks,
    /// The lowest price of a unit that discounts and points may lead to, never above `unit`.
    pub(super) floor: Kopecks,
}

/// Whether neither discounts nor points may touch the line.
pub(super) fn untouchable(line: &Line) -> bool {
    line.good
        .as_ref()
        .is_some_and(|good| good.discount_prohibited || good.tobacco)
}

/// Applies the discounts of the programme to every line.
pub(super) fn price_lines(
    programme: &Programme,
    receipt: &Receipt<'_>,
    notes: &mut Notes,
) -> Result<Vec<Priced>, QuoteError> {
    let totals = receipt
        .lines
        .iter()
        .map(|line| line_total(line.price, line.quantity))
        .collect::<Result<Vec<_>, _>>()?;
    let gross = Kopecks::sum(totals.iter().copied())?;
    let whole = WholeReceipt::new(programme, receipt.customer, gross, notes);
    let mut priced = Vec::with_capacity(totals.len());
    for (index, (line, gross)) in receipt.lines.iter().zip(totals).enumerate() {
        let floor = unit_floor(&programme.spending, line);
        let percent = match &whole {
            Some(whole) => line_percent(programme, whole, line, index, notes),
            None => Percent::ZERO,
        };
        let wanted = discounted(line.price, percent);
        if wanted < floor {
            notes.add("spending.price_floors_kopecks", Some(index), || {
                format!("Цена не ниже {floor} ₽: скидка уменьшена")
            });
        }
        let unit = wanted.max(floor).min(line.price);
        priced.push(Priced {
            gross,
            unit,
            net: line_total(unit, line.quantity)?,
            floor,
        });
    }
    Ok(priced)
}

/// The discounts that are the same for every line.
struct WholeReceipt {
    tier: Percent,
    total: Percent,
}

impl WholeReceipt {
    /// None when the receipt gets no discounts at all.
    fn new(
        programme: &Programme,
        customer: Option<&CustomerFacts>,
        gross: Kopecks,
        notes: &mut Notes,
    ) -> Option<Self> {
        let rules = &programme.discounts;
        if rules.customers_only && customer.is_none() {
            notes.add("discounts.customers_only", None, || {
                "Скидки только для участников программы".to_owned()
            });
            return None;
        }
        let tier = customer
            .and_then(|customer| customer.tier.as_ref())
            .and_then(|tier| rules.tiers.get(tier))
            .copied()
            .unwrap_or_default();
        let total = rules
            .receipt
            .iter()
            .filter(|step| step.from_kopecks <= gross)
            .max_by_key(|step| step.from_kopecks)
            .map(|step| step.percent)
            .unwrap_or_default();
        if tier > Percent::ZERO {
            notes.add("discounts.tiers", None, || {
                format!("Скидка по уровню: {tier}")
            });
        }
        if total > Percent::ZERO {
            notes.add("discounts.receipt", None, || {
                format!("Скидка от суммы чека {gross} ₽: {total}")
            });
        }
        Some(Self { tier, total })
    }
}

/// The discount of one line.
fn line_percent(
    programme: &Programme,
    whole: &WholeReceipt,
    line: &Line,
    index: usize,
    notes: &mut Notes,
) -> Percent {
    let rules = &programme.discounts;
    if untouchable(line) {
        notes.add("discounts", Some(index), || {
            "Скидки и баллы на товар запрещены (табак или запрет скидок)".to_owned()
        });
        return Percent::ZERO;
    }
    let item = match GoodsRules::from(rules).verdict(line.good.as_ref()) {
        Verdict::Excluded => {
            notes.add("discounts.excluded_goods", Some(index), || {
                "Товар исключён из скидок".to_owned()
            });
            return Percent::ZERO;
        }
        Verdict::Good(percent) => {
            notes.add("discounts.goods", Some(index), || {
                format!("Скидка на товар: {percent}")
            });
            percent
        }
        Verdict::Category(percent) => {
            notes.add("discounts.categories", Some(index), || {
                format!("Скидка на категорию: {percent}")
            });
            percent
        }
        Verdict::Silent => Percent::ZERO,
    };
    let together = match rules.combine {
        Combine::Largest => item.max(whole.tier).max(whole.total),
        Combine::Sum => item.plus(whole.tier).plus(whole.total),
    };
    if together > rules.max_percent {
        notes.add("discounts.max_percent", Some(index), || {
            format!("Скидка {together} ограничена: {}", rules.max_percent)
        });
    }
    together.min(rules.max_percent)
}

/// `round_half_up(price · (100 − percent) / 100)`, never more than the price.
fn discounted(price: Kopecks, percent: Percent) -> Kopecks {
    let exact = i128::from(price.0) * i128::from(percent.rest().hundredths());
    let rounded = i64::try_from((exact + 5_000) / 10_000).unwrap_or(price.0);
    Kopecks(rounded.clamp(0, price.0))
}

/// The lowest price of a unit: МойСклад's minimum price, the programme's own floor, a kopeck; the
/// price itself when nothing may touch it, or when it is lower already.
fn unit_floor(rules: &Spending, line: &Line) -> Kopecks {
    if untouchable(line) {
        return line.price;
    }
    let good = line.good.as_ref();
    let min_price = good
        .filter(|_| rules.respect_min_price)
        .and_then(|good| good.min_price);
    let own = good
        .and_then(|good| by_id(&rules.price_floors_kopecks, &good.ids))
        .copied();
    let kopeck = if rules.keep_kopeck {
        kopeck_price(line.quantity.0)
    } else {
        Kopecks::ZERO
    };
    let floor = [min_price, own]
        .into_iter()
        .flatten()
        .fold(kopeck, Ord::max);
    floor.min(line.price)
}

/// The lowest price of a unit at which the line still costs a kopeck: 1, or more when the quantity
/// is under a half (the total of 0.3 kg at 1 kopeck rounds to nothing).
fn kopeck_price(quantity: i64) -> Kopecks {
    match quantity {
        1..500 => Kopecks((499 + quantity) / quantity),
        _ => Kopecks(1),
    }
}
