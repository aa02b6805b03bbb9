//! What must hold of every answer to a recalculation (§3.5, §5), in whole kopecks.

use serde_json::Value;

use crate::fixture::text;

/// The figures of a quote that was found to be in order.
#[derive(Debug, PartialEq, Eq)]
pub struct Figures {
    pub balance: i64,
    pub spend: i64,
    pub earn: i64,
    /// Kopecks: before anything, what points pay, what is left to pay.
    pub gross: i64,
    pub by_points: i64,
    pub to_pay: i64,
}

/// A JSON number with at most `decimals` decimals, as whole units of the last one.
pub fn units(value: &Value, decimals: usize) -> i64 {
    assert!(value.is_number(), "{value} is no number");
    let text = value.to_string();
    let (whole, part) = text.split_once('.').unwrap_or((&text, ""));
    // Only how this reader of JSON writes a whole float.
    let part = if part == "0" { "" } else { part };
    assert!(
        part.len() <= decimals,
        "{text} has more than {decimals} decimals"
    );
    format!("{whole}{part:0<decimals$}").parse().unwrap()
}

/// Rubles as kopecks.
pub fn kopecks(value: &Value) -> i64 {
    units(value, 2)
}

/// Price times quantity, half a kopeck up.
fn total(price: i64, thousandths: i64) -> i64 {
    (price * thousandths + 500) / 1000
}

/// Checks `answer` against what was asked, where a point is worth `point` kopecks.
pub fn figures(asked: &Value, answer: &Value, point: i64) -> Figures {
    assert_eq!(answer["agent"], asked["agent"], "the agent is echoed");
    let mut figures = points(asked, answer);
    let mut given = answer["positions"].as_array().unwrap().iter().peekable();
    for position in asked["positions"].as_array().unwrap() {
        let wanted = units(&position["quantity"], 3);
        let counted = position["sn"]
            .as_array()
            .is_some_and(|sn| i64::try_from(sn.len() * 1000) == Ok(wanted));
        let (mut quantity, mut serials) = (0, Vec::new());
        while quantity < wanted {
            let part = given
                .next()
                .unwrap_or_else(|| panic!("positions are missing: {answer}"));
            for name in ["assortment", "pack"] {
                assert_eq!(part[name], position[name], "order and {name}: {answer}");
            }
            assert_eq!(
                kopecks(&part["price"]),
                kopecks(&position["price"]),
                "{answer}"
            );
            let amount = units(&part["quantity"], 3);
            assert!(amount > 0, "{part}");
            quantity += amount;
            serials.extend(part["sn"].as_array().into_iter().flatten().cloned());
            if counted {
                let sn = part["sn"].as_array().map_or(0, Vec::len);
                assert_eq!(sn * 1000, usize::try_from(amount).unwrap(), "{part}");
            }
            let (price, paid) = (kopecks(&part["price"]), kopecks(&part["discountedPrice"]));
            assert!((0..=price).contains(&paid), "{part}");
            let percent = units(&part["discountPercent"], 2);
            let exact = if price == 0 {
                0
            } else {
                ((price - paid) * 20_000 / price + 1) / 2
            };
            assert_eq!(percent, exact, "{part}");
            figures.gross += total(price, amount);
            figures.to_pay += total(paid, amount);
        }
        assert_eq!(
            quantity, wanted,
            "a position is split, never changed: {answer}"
        );
        if let Some(sn) = position["sn"].as_array() {
            assert_eq!(&serials, sn, "serial numbers keep their order");
        }
    }
    assert_eq!(given.next(), None, "no position more than asked");
    assert_eq!(
        figures.by_points,
        figures.spend * point,
        "points are worth what they pay"
    );
    let discount = figures.gross - figures.to_pay - figures.by_points;
    assert!(
        discount >= 0,
        "points pay more than they take off: {answer}"
    );
    figures
}

/// The part about points.
fn points(asked: &Value, answer: &Value) -> Figures {
    let bonus = &answer["bonusProgram"];
    let whole = |name: &str| {
        bonus[name]
            .as_i64()
            .unwrap_or_else(|| panic!("{name}: {answer}"))
    };
    let intent = asked["bonusProgram"]["transactionType"]
        .as_str()
        .unwrap_or("EARNING");
    assert_eq!(text(&bonus["transactionType"]), intent);
    assert!(answer["needVerification"].is_boolean());
    let (balance, spend) = (whole("agentBonusBalance"), whole("bonusValueToSpend"));
    let earn = whole("bonusValueToEarn");
    assert_eq!(whole("agentBonusBalanceAfter"), balance - spend + earn);
    assert!(
        spend >= 0 && earn >= 0 && spend <= balance.max(0),
        "{answer}"
    );
    Figures {
        balance,
        spend,
        earn,
        gross: 0,
        by_points: kopecks(&bonus["paidByBonusPoints"]),
        to_pay: 0,
    }
}

#[test]
fn decimals_are_read_exactly() {
    for (json, kopecks) in [
        ("62.95", 6295),
        ("79", 7900),
        ("0.5", 50),
        ("100.0", 10_000),
    ] {
        assert_eq!(
            units(&serde_json::from_str(json).unwrap(), 2),
            kopecks,
            "{json}"
        );
    }
}
