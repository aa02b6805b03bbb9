//! Points to earn.

use super::notes::Notes;
use super::rules::{GoodsRules, Verdict};
use super::types::{CustomerFacts, GoodFacts, QuoteError};
use crate::gifts::birthday_window;
use crate::programme::{Earning, Precedence, Programme, Rounding};
use crate::units::{Kopecks, Percent, Points};
use chrono::NaiveDateTime;

/// A sale as earning sees it.
pub(super) struct Sale<'a> {
    pub(super) programme: &'a Programme,
    pub(super) customer: &'a CustomerFacts,
    pub(super) store: &'a str,
    pub(super) at: NaiveDateTime,
    /// What is paid with money in all.
    pub(super) paid: Kopecks,
    /// Points it spends.
    pub(super) spent: Points,
}

/// A percent and the setting it comes from.
#[derive(Clone, Copy)]
struct Found {
    percent: Percent,
    rule: &'static str,
}

/// The points of a sale; `bases` are the lines with the kopecks their percent is taken of.
pub(super) fn earn<'g>(
    sale: &Sale<'_>,
    bases: impl Iterator<Item = (Option<&'g GoodFacts>, i64)>,
    notes: &mut Notes,
) -> Result<Points, QuoteError> {
    let rules = &sale.programme.earning;
    if sale.spent > Points::ZERO && !rules.earn_when_spending {
        notes.add("earning.earn_when_spending", None, || {
            "Чек со списанием не начисляет баллы".to_owned()
        });
        return Ok(Points::ZERO);
    }
    if sale.paid < rules.min_receipt_kopecks {
        notes.add("earning.min_receipt_kopecks", None, || {
            format!(
                "К оплате {} ₽, меньше {} ₽",
                sale.paid, rules.min_receipt_kopecks
            )
        });
        return Ok(Points::ZERO);
    }
    let whole = whole_receipt(sale);
    // Kopecks times hundredths of a percent.
    let mut exact: i128 = 0;
    for (index, (good, base)) in bases.enumerate() {
        let Some(found) = line_percent(rules, good, &whole, index, notes) else {
            continue;
        };
        notes.add(found.rule, Some(index), || {
            format!("Начисление {} от {} ₽", found.percent, Kopecks(base))
        });
        exact += i128::from(base.max(0)) * i128::from(found.percent.hundredths());
    }
    round(sale, exact, notes)
}

/// Rounds once for the receipt and applies the cap.
fn round(sale: &Sale<'_>, exact: i128, notes: &mut Notes) -> Result<Points, QuoteError> {
    let rules = &sale.programme.earning;
    let unit = i128::from(sale.programme.spending.point_kopecks.0.max(1)) * 10_000;
    let half = match rules.rounding {
        Rounding::Down => 0,
        Rounding::Nearest => unit / 2,
    };
    let points = i64::try_from((exact + half) / unit).map_err(|_| QuoteError::TooLarge)?;
    match rules.max_points_per_receipt {
        Some(cap) if points > cap.0 => {
            notes.add("earning.max_points_per_receipt", None, || {
                format!("Начисление {points} ограничено: {cap}")
            });
            Ok(cap.max(Points::ZERO))
        }
        _ => Ok(Points(points)),
    }
}

/// The rules that are the same for every line, the most specific first; the general percent ends
/// the list.
fn whole_receipt(sale: &Sale<'_>) -> Vec<Found> {
    let rules = &sale.programme.earning;
    let birthday = rules.birthday.as_ref().and_then(|bonus| {
        birthday_window(bonus, sale.customer.birth_date?, sale.at.date())?;
        bonus.percent
    });
    let schedule = rules.schedule.iter().find(|entry| entry.covers(sale.at));
    let tier = sale
        .customer
        .tier
        .as_ref()
        .and_then(|tier| rules.tiers.get(tier));
    [
        (birthday, "earning.birthday"),
        (schedule.map(|entry| entry.percent), "earning.schedule"),
        (rules.stores.get(sale.store).copied(), "earning.stores"),
        (tier.copied(), "earning.tiers"),
        (Some(rules.percent), "earning.percent"),
    ]
    .into_iter()
    .filter_map(|(percent, rule)| {
        Some(Found {
            percent: percent?,
            rule,
        })
    })
    .collect()
}

/// The percent of one line; none when it earns nothing.
fn line_percent(
    rules: &Earning,
    good: Option<&GoodFacts>,
    whole: &[Found],
    index: usize,
    notes: &mut Notes,
) -> Option<Found> {
    if !rules.tobacco_earns && good.is_some_and(|good| good.tobacco) {
        notes.add("earning.tobacco_earns", Some(index), || {
            "На табак не начисляется".to_owned()
        });
        return None;
    }
    let item = match GoodsRules::from(rules).verdict(good) {
        Verdict::Excluded => {
            notes.add("earning.excluded_goods", Some(index), || {
                "Товар исключён из начисления".to_owned()
            });
            return None;
        }
        Verdict::Good(percent) => Some(Found {
            percent,
            rule: "earning.goods",
        }),
        Verdict::Category(percent) => Some(Found {
            percent,
            rule: "earning.categories",
        }),
        Verdict::Silent => None,
    };
    let mut all = item.into_iter().chain(whole.iter().copied());
    match rules.precedence {
        Precedence::Specific => all.next(),
        // Of equals the more specific one, so that the explanation names it.
        Precedence::Highest => all.reduce(|a, b| if b.percent > a.percent { b } else { a }),
    }
}
