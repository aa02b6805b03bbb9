//! Tiers: up at once, down at the end of the window; returns are no purchases.

use sklad_loyalty::ledger::Sale;

use crate::fixture::*;

/// One sale of [`sale`] is 900 rubles paid.
const TIERS: &str = r#"{"earning": {"percent": 5, "tiers": {"gold": 10}},
    "tiers": {"window_months": 12, "levels": [
        {"id": "silver", "name": "Серебро", "from_kopecks": 90000},
        {"id": "gold", "name": "Золото", "from_kopecks": 180000}]}}"#;

fn tier(till: &Till) -> Option<String> {
    let customer = till.must("c");
    customer
        .standing_today(&till.programme, till.shop().clock.today())
        .tier
}

#[test]
fn a_tier_is_reached_by_the_sale_that_reaches_it() {
    let till = Till::with(TIERS);
    till.customer("c", 0);
    assert_eq!(tier(&till), None);
    till.sell(&sale("s1", "c", 0, 0));
    assert_eq!(
        (tier(&till).as_deref(), till.get("c").tier.as_deref()),
        (Some("silver"), Some("silver"))
    );
    till.sell(&sale("s2", "c", 0, 0));
    assert_eq!(till.get("c").tier.as_deref(), Some("gold"));
    // From then on its percent counts.
    let offline = Sale {
        earn: None,
        ..sale("s3", "c", 0, 0)
    };
    assert_eq!(done(&till.sell(&offline)), (0, 90));
}

#[test]
fn a_replay_counts_no_purchase_twice() {
    let till = Till::with(TIERS);
    till.customer("c", 0);
    till.sell(&sale("s1", "c", 0, 0));
    till.sell(&sale("s1", "c", 0, 0));
    assert_eq!(till.must("c").turnover.0, 90_000);
}

#[test]
fn a_tier_is_left_at_the_end_of_the_window_and_not_before() {
    let mut till = Till::with(TIERS);
    till.customer("c", 0);
    till.sell(&sale("s1", "c", 0, 0));
    till.sell(&sale("s2", "c", 0, 0));
    till.wait_days(360);
    assert_eq!(tier(&till).as_deref(), Some("gold"));
    till.sell(&Sale {
        moment: till.now,
        ..sale("s3", "c", 0, 0)
    });
    till.wait_days(10);
    assert_eq!(tier(&till).as_deref(), Some("silver"));
    till.sell(&Sale {
        moment: till.now,
        positions: vec![],
        ..sale("s4", "c", 0, 0)
    });
    assert_eq!(till.get("c").tier.as_deref(), Some("silver"));
}

#[test]
fn a_return_is_no_purchase_but_the_tier_stays_until_the_window_ends() {
    let mut till = Till::with(TIERS);
    till.customer("c", 0);
    till.sell(&sale("s1", "c", 0, 0));
    till.sell(&sale("s2", "c", 0, 0));
    till.take_back(&back("r", "s2", 4));
    assert_eq!(till.must("c").turnover.0, 144_000);
    assert_eq!(tier(&till).as_deref(), Some("gold"));
    till.take_back(&back("r2", "s2", 6));
    till.wait_days(366);
    assert_eq!(tier(&till), None);
}

#[test]
fn a_return_before_the_tier_is_reached_puts_it_off() {
    let till = Till::with(TIERS);
    till.customer("c", 0);
    till.sell(&sale("s1", "c", 0, 0));
    till.take_back(&back("r", "s1", 1));
    till.sell(&sale("s2", "c", 0, 0));
    assert_eq!(till.get("c").tier.as_deref(), Some("silver"));
}

#[test]
fn a_return_counts_at_the_price_of_its_sale() {
    let till = Till::with(TIERS);
    till.customer("c", 0);
    till.sell(&sale("s1", "c", 0, 0));
    // The till may send the return without the discounts.
    let dear = sklad_loyalty::ledger::Return {
        positions: vec![pieces("tea", 10, 100, 100)],
        ..back("r", "s1", 0)
    };
    till.take_back(&dear);
    assert_eq!(till.must("c").turnover.0, 0);
}

#[test]
fn a_sale_older_than_the_window_brings_no_tier() {
    let till = Till::with(TIERS);
    till.customer("c", 0);
    till.sell(&Sale {
        moment: NOON - 500 * DAY,
        ..sale("s1", "c", 0, 0)
    });
    assert_eq!((till.must("c").turnover.0, till.get("c").tier), (0, None));
}
