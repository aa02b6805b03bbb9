//! The tier of a turnover, moving up and down.

use crate::programme::{Demotion, Tier, Tiers};
use crate::units::Kopecks;
use chrono::{Months, NaiveDate};

/// Where a customer stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    /// Tier id; none below the lowest tier.
    pub tier: Option<String>,
    /// The day the tier was reached or last confirmed.
    pub since: NaiveDate,
}

/// How far the next tier is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress<'a> {
    /// The next tier.
    pub next: &'a Tier,
    /// Purchases that are missing, > 0.
    pub remaining: Kopecks,
}

/// The highest tier whose threshold the turnover reaches.
pub fn tier_of(tiers: &Tiers, turnover: Kopecks) -> Option<&Tier> {
    tiers
        .levels
        .iter()
        .filter(|tier| tier.from_kopecks <= turnover)
        .max_by_key(|tier| tier.from_kopecks)
}

/// The tier with this id.
pub fn by_id<'a>(tiers: &'a Tiers, id: &str) -> Option<&'a Tier> {
    tiers.levels.iter().find(|tier| tier.id == id)
}

/// The first day whose purchases count today; none when all time counts.
///
/// With a window of 12 months on 15 May 2026 that is 16 May 2025.
pub fn window_start(tiers: &Tiers, today: NaiveDate) -> Option<NaiveDate> {
    let months = Months::new(u32::from(tiers.window_months?));
    let start = today
        .checked_sub_months(months)
        .and_then(|day| day.succ_opt());
    Some(start.unwrap_or(NaiveDate::MIN))
}

/// The day on which a standing is looked at again for moving down: the first one whose window no
/// longer holds the day the tier was reached. None when a customer never moves down.
pub fn review_on(tiers: &Tiers, standing: &Standing) -> Option<NaiveDate> {
    if tiers.demotion == Demotion::Never || standing.tier.is_none() {
        return None;
    }
    let months = Months::new(u32::from(tiers.window_months?));
    let mut day = standing.since.checked_add_months(months)?;
    // 31 August plus six months is 28 February, whose window still holds 31 August: a few days more.
    while window_start(tiers, day).is_some_and(|start| start <= standing.since) {
        day = day.succ_opt()?;
    }
    Some(day)
}

/// Where the customer stands today, given the turnover of the current window: up at once, down only
/// when the standing's window has ended, and then to the tier of the turnover. A tier that the
/// programme no longer has counts as none.
pub fn advance(
    tiers: &Tiers,
    current: Option<&Standing>,
    turnover: Kopecks,
    today: NaiveDate,
) -> Standing {
    let reached = tier_of(tiers, turnover);
    let fresh = || Standing {
        tier: reached.map(|tier| tier.id.clone()),
        since: today,
    };
    let Some(current) = current else {
        return fresh();
    };
    let held = current.tier.as_deref().and_then(|id| by_id(tiers, id));
    let Some(held) = held else {
        // Nothing to lose; the day stays while nothing changes.
        return if reached.is_none() && current.tier.is_none() {
            current.clone()
        } else {
            fresh()
        };
    };
    if reached.is_some_and(|tier| tier.from_kopecks > held.from_kopecks) {
        return fresh();
    }
    // The end of the window confirms the tier, or takes it.
    if review_on(tiers, current).is_some_and(|day| day <= today) {
        fresh()
    } else {
        current.clone()
    }
}

/// The tier after the one a customer has and what is missing to it; none at the top.
pub fn progress<'a>(
    tiers: &'a Tiers,
    current: Option<&str>,
    turnover: Kopecks,
) -> Option<Progress<'a>> {
    let held = current
        .and_then(|id| by_id(tiers, id))
        .map(|tier| tier.from_kopecks);
    let next = tiers
        .levels
        .iter()
        .filter(|tier| tier.from_kopecks > turnover)
        .filter(|tier| held.is_none_or(|held| tier.from_kopecks > held))
        .min_by_key(|tier| tier.from_kopecks)?;
    let remaining = next
        .from_kopecks
        .minus(turnover)
        .unwrap_or(Kopecks(i64::MAX));
    Some(Progress { next, remaining })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tiers(window_months: Option<u16>, demotion: Demotion) -> Tiers {
        let level = |id: &str, from: i64| Tier {
            id: id.to_owned(),
            name: id.to_owned(),
            from_kopecks: Kopecks(from),
        };
        let levels = vec![level("silver", 1_000), level("gold", 5_000)];
        Tiers {
            window_months,
            demotion,
            levels,
        }
    }

    fn day(text: &str) -> NaiveDate {
        text.parse().unwrap()
    }

    fn standing(tier: &str, since: &str) -> Standing {
        Standing {
            tier: Some(tier.to_owned()),
            since: day(since),
        }
    }

    #[test]
    fn the_highest_reached_tier_counts() {
        let tiers = tiers(Some(12), Demotion::WindowEnd);
        let of = |turnover| tier_of(&tiers, Kopecks(turnover)).map(|tier| tier.id.as_str());
        assert_eq!((of(-5), of(999), of(1_000)), (None, None, Some("silver")));
        assert_eq!((of(4_999), of(i64::MAX)), (Some("silver"), Some("gold")));
    }

    #[test]
    fn up_at_once() {
        let tiers = tiers(Some(12), Demotion::WindowEnd);
        let today = day("2026-05-12");
        assert_eq!(
            advance(&tiers, None, Kopecks(1_000), today),
            standing("silver", "2026-05-12")
        );
        let now = advance(
            &tiers,
            Some(&standing("silver", "2026-01-01")),
            Kopecks(5_000),
            today,
        );
        assert_eq!(now, standing("gold", "2026-05-12"));
        let none = Standing {
            tier: None,
            since: day("2026-01-01"),
        };
        assert_eq!(advance(&tiers, Some(&none), Kopecks(0), today), none);
        assert_eq!(
            advance(&tiers, Some(&none), Kopecks(1_000), today)
                .tier
                .as_deref(),
            Some("silver")
        );
    }

    #[test]
    fn down_only_when_the_window_has_ended() {
        let tiers = tiers(Some(12), Demotion::WindowEnd);
        let held = standing("gold", "2026-05-12");
        let on =
            |today: &str, turnover| advance(&tiers, Some(&held), Kopecks(turnover), day(today));
        assert_eq!(on("2027-05-11", 0), held);
        assert_eq!(on("2027-05-12", 1_000), standing("silver", "2027-05-12"));
        assert_eq!(
            on("2027-05-12", 0),
            Standing {
                tier: None,
                since: day("2027-05-12")
            }
        );
        assert_eq!(
            on("2027-05-12", 5_000),
            standing("gold", "2027-05-12"),
            "confirmed"
        );
    }

    #[test]
    fn never_means_never_and_all_time_has_no_end() {
        let held = standing("gold", "2000-01-01");
        for tiers in [
            tiers(Some(12), Demotion::Never),
            tiers(None, Demotion::WindowEnd),
        ] {
            assert_eq!(review_on(&tiers, &held), None);
            assert_eq!(
                advance(&tiers, Some(&held), Kopecks(0), day("2026-05-12")),
                held
            );
        }
    }

    #[test]
    fn the_window_at_the_review_does_not_hold_the_day_that_gave_the_tier() {
        for months in [1, 6, 12] {
            let tiers = tiers(Some(months), Demotion::WindowEnd);
            for since in ["2026-08-31", "2024-02-29", "2026-01-31", "2026-05-12"] {
                let review = review_on(&tiers, &standing("gold", since)).unwrap();
                assert!(window_start(&tiers, review).unwrap() > day(since));
                let eve = review.pred_opt().unwrap();
                assert!(window_start(&tiers, eve).unwrap() <= day(since));
            }
        }
        let tiers = tiers(Some(12), Demotion::WindowEnd);
        assert_eq!(
            window_start(&tiers, day("2026-05-15")),
            Some(day("2025-05-16"))
        );
    }

    #[test]
    fn a_tier_that_was_removed_counts_as_none() {
        let tiers = tiers(Some(12), Demotion::Never);
        let now = advance(
            &tiers,
            Some(&standing("old", "2026-01-01")),
            Kopecks(1_000),
            day("2026-05-12"),
        );
        assert_eq!(now, standing("silver", "2026-05-12"));
    }

    #[test]
    fn progress_is_to_the_tier_above_the_one_that_is_held() {
        let tiers = tiers(Some(12), Demotion::WindowEnd);
        let to = |current, turnover| {
            progress(&tiers, current, Kopecks(turnover))
                .map(|p| (p.next.id.as_str(), p.remaining.0))
        };
        assert_eq!(to(None, 400), Some(("silver", 600)));
        assert_eq!(to(Some("silver"), 400), Some(("gold", 4_600)));
        assert_eq!(to(Some("gold"), 400), None);
        assert_eq!(to(None, i64::MIN).map(|p| p.0), Some("silver"));
    }

    #[test]
    fn ends_of_the_calendar_do_not_panic() {
        let tiers = tiers(Some(120), Demotion::WindowEnd);
        for since in [NaiveDate::MIN, NaiveDate::MAX] {
            let held = Standing {
                tier: Some("gold".to_owned()),
                since,
            };
            for today in [NaiveDate::MIN, NaiveDate::MAX] {
                let _ = (
                    window_start(&tiers, today),
                    advance(&tiers, Some(&held), Kopecks(0), today),
                );
            }
        }
    }
}
