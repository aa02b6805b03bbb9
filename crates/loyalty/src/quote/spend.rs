//! How many points a receipt may spend, and what each line loses by it.

use super::notes::Notes;
use super::price::{Priced, untouchable};
use super::rules::{GoodsRules, Verdict};
use super::settle::{Settled, settle};
use super::slot::Slot;
use super::types::{CustomerFacts, Intent, Line, QuoteError, Receipt};
use crate::programme::Programme;
use crate::units::{Kopecks, Percent, Points, line_total};

/// The decision about points.
#[derive(Debug)]
pub(super) struct Spend {
    /// The most points this receipt could spend.
    pub(super) max: Points,
    /// Points it spends.
    pub(super) points: Points,
    /// Kopecks each line loses by them.
    pub(super) losses: Vec<i64>,
}

/// Decides how many points are spent.
pub(super) fn spend(
    programme: &Programme,
    receipt: &Receipt<'_>,
    priced: &[Priced],
    notes: &mut Notes,
) -> Result<Spend, QuoteError> {
    let nothing = |max: i64| Spend {
        max: Points(max),
        points: Points::ZERO,
        losses: vec![0; priced.len()],
    };
    let Some(customer) = receipt.customer else {
        return Ok(nothing(0));
    };
    let limit = Limit::of(programme, receipt, customer, priced, notes)?;
    let point = programme.spending.point_kopecks.0;
    let least = programme.spending.min_points.0;
    let most = settle(&limit.slots, limit.points, point);
    if most.points <= 0 || most.points < least {
        if most.points > 0 {
            notes.add("spending.min_points", None, || {
                format!(
                    "Можно списать {}, а наименьшее списание {least}",
                    most.points
                )
            });
        }
        return Ok(nothing(0));
    }
    let Intent::Spend { preferred } = receipt.intent else {
        return Ok(nothing(most.points));
    };
    let max = most.points;
    let chosen = match preferred {
        Some(wanted) if wanted.0 < max => settle(&limit.slots, wanted.0, point),
        _ => most,
    };
    explain_choice(&chosen, preferred, max, least, notes);
    if chosen.points < least {
        return Ok(nothing(max));
    }
    Ok(Spend {
        max: Points(max),
        points: Points(chosen.points),
        losses: chosen.losses,
    })
}

/// Says why the spend is not what the cashier typed.
fn explain_choice(
    chosen: &Settled,
    preferred: Option<Points>,
    max: i64,
    least: i64,
    notes: &mut Notes,
) {
    let Some(wanted) = preferred.map(|points| points.0) else {
        return;
    };
    if wanted > max {
        notes.add("spending", None, || {
            format!("Запрошено {wanted}, можно не больше {max}")
        });
    } else if wanted > 0 && wanted < least {
        notes.add("spending.min_points", None, || {
            format!("Запрошено {wanted}, а наименьшее списание {least}")
        });
    } else if wanted > chosen.points && chosen.points > 0 {
        notes.add("spending", None, || {
            format!(
                "Запрошено {wanted}, списывается {}: цены весовых товаров иначе не сходятся до копейки",
                chosen.points
            )
        });
    }
}

/// What bounds a spend, before it is made to come out to the kopeck.
struct Limit {
    slots: Vec<Slot>,
    points: i64,
}

impl Limit {
    fn of(
        programme: &Programme,
        receipt: &Receipt<'_>,
        customer: &CustomerFacts,
        priced: &[Priced],
        notes: &mut Notes,
    ) -> Result<Self, QuoteError> {
        let mut slots = Vec::with_capacity(priced.len());
        // Σ net · share in hundredths of a percent of a kopeck.
        let mut shared: i128 = 0;
        for (index, (line, priced)) in receipt.lines.iter().zip(priced).enumerate() {
            let share = line_share(programme, customer, line, index, notes);
            let exact = i128::from(priced.net.0) * i128::from(share.hundredths());
            shared += exact;
            let by_share = i64::try_from((exact + 9_999) / 10_000).unwrap_or(i64::MAX);
            let room = priced.net.minus(line_total(priced.floor, line.quantity)?)?;
            if room.0 < by_share {
                notes.add("spending.price_floors_kopecks", Some(index), || {
                    format!(
                        "Цена не ниже {} ₽: баллами не больше {room} ₽",
                        priced.floor
                    )
                });
            }
            let cap = by_share.min(room.0);
            slots.push(Slot::new(
                priced.unit,
                line.quantity,
                priced.net,
                line.may_split,
                cap,
            ));
        }
        let net = Kopecks::sum(priced.iter().map(|priced| priced.net))?;
        let points = limit_points(programme, customer, net, shared / 10_000, notes);
        Ok(Self { slots, points })
    }
}

/// The most points by balance, by share and by the smallest receipt. `share` is in kopecks.
fn limit_points(
    programme: &Programme,
    customer: &CustomerFacts,
    net: Kopecks,
    share: i128,
    notes: &mut Notes,
) -> i64 {
    let rules = &programme.spending;
    if net < rules.min_receipt_kopecks {
        notes.add("spending.min_receipt_kopecks", None, || {
            format!(
                "Чек {net} ₽ меньше {} ₽: баллами платить нельзя",
                rules.min_receipt_kopecks
            )
        });
        return 0;
    }
    let by_share = i64::try_from(share / i128::from(rules.point_kopecks.0.max(1)));
    let by_share = by_share.unwrap_or(i64::MAX);
    notes.add("spending.max_share", None, || {
        format!(
            "Баланс {}, по долям позиций можно списать до {by_share}",
            customer.available
        )
    });
    customer.available.0.min(by_share).max(0)
}

/// The largest share of a line that points may pay.
fn line_share(
    programme: &Programme,
    customer: &CustomerFacts,
    line: &Line,
    index: usize,
    notes: &mut Notes,
) -> Percent {
    let rules = &programme.spending;
    if untouchable(line) {
        return Percent::ZERO;
    }
    match GoodsRules::from(rules).verdict(line.good.as_ref()) {
        Verdict::Excluded => {
            notes.add("spending.excluded_goods", Some(index), || {
                "Товар нельзя оплатить баллами".to_owned()
            });
            Percent::ZERO
        }
        Verdict::Good(share) => {
            notes.add("spending.goods", Some(index), || {
                format!("Доля по товару: {share}")
            });
            share
        }
        Verdict::Category(share) => {
            notes.add("spending.categories", Some(index), || {
                format!("Доля по категории: {share}")
            });
            share
        }
        Verdict::Silent => customer
            .tier
            .as_ref()
            .and_then(|tier| rules.tiers.get(tier))
            .copied()
            .unwrap_or(rules.max_share),
    }
}
