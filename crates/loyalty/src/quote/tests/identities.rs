//! What must hold of every quote.

use super::super::*;
use crate::units::Percent;

/// What must hold of every quote (§5).
pub(in crate::quote) fn assert_identities(programme: &Programme, lines: &[Line], quote: &Quote) {
    let total = |price: fn(&QuotedLine) -> Kopecks| {
        Kopecks::sum(
            quote
                .lines
                .iter()
                .map(|l| line_total(price(l), l.quantity).unwrap()),
        )
        .unwrap()
    };
    assert_eq!(quote.gross, total(|l| l.price), "gross");
    assert_eq!(quote.to_pay, total(|l| l.discounted_price), "to pay");
    let worth = quote.spend.worth(programme.spending.point_kopecks).unwrap();
    assert_eq!(quote.paid_by_points, worth, "points and money agree");
    assert_eq!(
        quote.gross.0 - quote.to_pay.0 - quote.paid_by_points.0,
        quote.discount.0,
        "paidByDiscountWithoutBonus"
    );
    assert!(quote.discount.0 >= 0);
    assert!(quote.spend <= quote.max_spend && quote.spend >= Points::ZERO);
    assert_eq!(
        quote.balance_after.0,
        quote.balance_before.0 - quote.spend.0 + quote.earn.0
    );
    let mut next = 0;
    for (index, line) in lines.iter().enumerate() {
        let parts: Vec<_> = quote
            .lines
            .iter()
            .skip(next)
            .take_while(|q| q.source == index)
            .collect();
        next += parts.len();
        assert_line(programme, line, &parts);
    }
    assert_eq!(next, quote.lines.len(), "order of positions");
}

/// What must hold of the one or two positions of a line.
fn assert_line(programme: &Programme, line: &Line, parts: &[&QuotedLine]) {
    assert!(
        (1..=2).contains(&parts.len()),
        "a line is answered once or split in two"
    );
    assert_eq!(
        parts.iter().map(|part| part.quantity.0).sum::<i64>(),
        line.quantity.0
    );
    let mut serial = 0;
    for part in parts {
        assert_eq!(part.price, line.price);
        assert!(part.discounted_price >= Kopecks::ZERO && part.discounted_price <= line.price);
        assert_eq!(part.serials.start, serial, "serial numbers go in order");
        serial = part.serials.end;
        if line.price == Kopecks::ZERO {
            assert_eq!(part.discount_percent, Percent::ZERO);
        }
    }
    assert_eq!(serial, line.serials, "every serial number once");
    if let [first, second] = parts {
        assert!(line.may_split && line.quantity.whole().is_some_and(|n| n > 1));
        assert_eq!(first.discounted_price.0 - second.discounted_price.0, 1);
        for part in parts {
            let pieces = usize::try_from(part.quantity.whole().unwrap()).unwrap();
            assert!(pieces >= 1);
            let serials = line.quantity.whole().and_then(|n| usize::try_from(n).ok());
            if serials == Some(line.serials) {
                assert_eq!(
                    part.serials.len(),
                    pieces,
                    "serial numbers split with the line"
                );
            }
        }
    }
    let Some(good) = &line.good else { return };
    for part in parts {
        if good.tobacco || good.discount_prohibited {
            assert_eq!(part.discounted_price, line.price);
        }
        if let Some(least) = good
            .min_price
            .filter(|_| programme.spending.respect_min_price)
        {
            assert!(
                part.discounted_price >= least.min(line.price),
                "the floor holds"
            );
        }
    }
}
