//! How points are earned.

use super::{Schedule, read};
use crate::units::{Kopecks, Percent, Points};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// How points are earned: a percent of what the customer paid.
///
/// Which percent a line gets, when several rules speak about it ([`Precedence::Specific`], the
/// default): the good's own, else its nearest category's, else the birthday's, else the first
/// matching schedule's, else the point of sale's, else the tier's, else [`Earning::percent`].
/// The nearer a rule is to the goods on the line, the earlier it speaks; among the rest the
/// temporary one speaks before the permanent one.
///
/// Points of a receipt are `Σ base · percent / value of a point`, rounded once for the receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Earning {
    /// Percent of the base that comes back as points, 0..=100, default 5. `"percent": 5`
    pub percent: Percent,
    /// Percent by good id, 0..=100. `"goods": {"9c56720c-e8a7-4fdc-aea4-7104f28207be": 10}`
    #[serde(deserialize_with = "read::table")]
    pub goods: BTreeMap<String, Percent>,
    /// Percent by category id; the nearest ancestor of the good wins.
    /// `"categories": {"5b1f4b56-2f4e-11e6-8a84-bae500000003": 3}`
    #[serde(deserialize_with = "read::table")]
    pub categories: BTreeMap<String, Percent>,
    /// Percent by tier id (see `tiers.levels`). `"tiers": {"gold": 7.5}`
    pub tiers: BTreeMap<String, Percent>,
    /// Percent by point of sale (МойСклад's retailStore id).
    /// `"stores": {"2b5eb22f-139e-11e6-9464-e4de00000073": 6}`
    #[serde(deserialize_with = "read::table")]
    pub stores: BTreeMap<String, Percent>,
    /// Percent by days and hours of the shop's wall clock; the first matching entry counts.
    /// `"schedule": [{"days": ["tue"], "from": "10:00", "to": "14:00", "percent": 10}]`
    #[serde(deserialize_with = "read::objects")]
    pub schedule: Vec<Schedule>,
    /// Which rule counts when several match: `"specific"` (default) or `"highest"`.
    /// `"precedence": "highest"`
    pub precedence: Precedence,
    /// Goods that earn nothing, by id. `"excluded_goods": ["9c56720c-e8a7-4fdc-aea4-7104f28207be"]`
    #[serde(deserialize_with = "read::ids")]
    pub excluded_goods: BTreeSet<String>,
    /// Categories whose goods (at any depth) earn nothing, unless the good or a nearer
    /// category has a percent of its own.
    /// `"excluded_categories": ["5b1f4b56-2f4e-11e6-8a84-bae500000003"]`
    #[serde(deserialize_with = "read::ids")]
    pub excluded_categories: BTreeSet<String>,
    /// Whether tobacco earns, default false (promotion of tobacco is against the law in Russia).
    /// `"tobacco_earns": false`
    pub tobacco_earns: bool,
    /// The smallest amount to pay (after discounts and points) that earns, kopecks, ≥ 0, default
    /// 0. `"min_receipt_kopecks": 50000`
    pub min_receipt_kopecks: Kopecks,
    /// The most points one receipt earns; null means no cap (default).
    /// `"max_points_per_receipt": 1000`
    pub max_points_per_receipt: Option<Points>,
    /// What the percent is taken of: `"after_discounts"` (default) or `"before_discounts"`. What
    /// is paid with points never earns in either case. `"base": "after_discounts"`
    pub base: EarningBase,
    /// Whether a receipt that spends points also earns on the remainder, default true («разрешить
    /// списание и начисление в одном чеке»). `"earn_when_spending": true`
    pub earn_when_spending: bool,
    /// How a fraction of a point is rounded: `"down"` (default) or `"nearest"` (half up).
    /// `"rounding": "down"`
    pub rounding: Rounding,
    /// After how many days earned points can be spent, 0..=365, default 0: at once.
    /// `"active_after_days": 14`
    pub active_after_days: u16,
    /// How many days points live from the day they became active, 1..=3650; null means for ever
    /// (default). `"expire_after_days": 365`
    pub expire_after_days: Option<u16>,
    /// Points for joining; null means none (default). `"welcome": {"points": 200}`
    #[serde(deserialize_with = "read::maybe")]
    pub welcome: Option<WelcomeBonus>,
    /// Points and a percent for the birthday; null means none (default).
    /// `"birthday": {"points": 300, "days_before": 3, "days_after": 3}`
    #[serde(deserialize_with = "read::maybe")]
    pub birthday: Option<BirthdayBonus>,
}

/// Which rule counts when several match a line.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Precedence {
    /// The most specific one, in the order that [`Earning`] documents.
    #[default]
    Specific,
    /// The one with the highest percent, the general percent included.
    Highest,
}

/// What an earning percent is taken of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum EarningBase {
    /// Of what is really paid: price less discounts less points.
    #[default]
    AfterDiscounts,
    /// Of the price before discounts, less points.
    BeforeDiscounts,
}

/// How a fraction of an earned point is rounded, once a receipt.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Rounding {
    /// Dropped.
    #[default]
    Down,
    /// To the nearest, half up.
    Nearest,
}

/// Points for joining the programme.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct WelcomeBonus {
    /// How many points, 1..=1000000, default 100. `"points": 200`
    pub points: Points,
    /// After how many days they can be spent, 0..=365, default 0. `"active_after_days": 1`
    pub active_after_days: u16,
    /// How many days they live once active, 1..=3650; null means for ever (default).
    /// `"expire_after_days": 30`
    pub expire_after_days: Option<u16>,
}

/// Points and a percent of its own for the customer's birthday.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct BirthdayBonus {
    /// How many points are given once a year, 0..=1000000, default 100; 0 gives none.
    /// `"points": 300`
    pub points: Points,
    /// How many days before the birthday the window opens, 0..=60, default 0. `"days_before": 3`
    pub days_before: u16,
    /// How many days after the birthday the window closes, 0..=60, default 0. `"days_after": 3`
    pub days_after: u16,
    /// How many days the points live, 1..=3650; null means for ever (default).
    /// `"expire_after_days": 30`
    pub expire_after_days: Option<u16>,
    /// Earning percent while the window is open; null means the usual one (default).
    /// `"percent": 10`
    pub percent: Option<Percent>,
}

/// When points begin and end to be good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Life {
    /// Days from the earning to the first day they can be spent; 0 means at once.
    pub active_after_days: u16,
    /// Days from becoming active to the first day they cannot be spent; none means for ever.
    pub expire_after_days: Option<u16>,
}

impl Default for Earning {
    fn default() -> Self {
        Self {
            percent: Percent::whole(5),
            goods: BTreeMap::new(),
            categories: BTreeMap::new(),
            tiers: BTreeMap::new(),
            stores: BTreeMap::new(),
            schedule: Vec::new(),
            precedence: Precedence::default(),
            excluded_goods: BTreeSet::new(),
            excluded_categories: BTreeSet::new(),
            tobacco_earns: false,
            min_receipt_kopecks: Kopecks::ZERO,
            max_points_per_receipt: None,
            base: EarningBase::default(),
            earn_when_spending: true,
            rounding: Rounding::default(),
            active_after_days: 0,
            expire_after_days: None,
            welcome: None,
            birthday: None,
        }
    }
}

impl Default for WelcomeBonus {
    fn default() -> Self {
        Self {
            points: Points(100),
            active_after_days: 0,
            expire_after_days: None,
        }
    }
}

impl Default for BirthdayBonus {
    fn default() -> Self {
        Self {
            points: Points(100),
            days_before: 0,
            days_after: 0,
            expire_after_days: None,
            percent: None,
        }
    }
}

impl Earning {
    /// The life of points earned with a sale.
    pub fn life(&self) -> Life {
        Life {
            active_after_days: self.active_after_days,
            expire_after_days: self.expire_after_days,
        }
    }
}

impl WelcomeBonus {
    /// The life of welcome points.
    pub fn life(&self) -> Life {
        Life {
            active_after_days: self.active_after_days,
            expire_after_days: self.expire_after_days,
        }
    }
}

impl BirthdayBonus {
    /// The life of birthday points: active at once.
    pub fn life(&self) -> Life {
        Life {
            active_after_days: 0,
            expire_after_days: self.expire_after_days,
        }
    }
}

impl Life {
    /// The first day on which points earned on `day` can be spent, and the first day on which
    /// they no longer can. A date outside of the calendar stays at its end.
    pub fn dates(self, day: chrono::NaiveDate) -> (chrono::NaiveDate, Option<chrono::NaiveDate>) {
        let add = |from: chrono::NaiveDate, days: u16| {
            from.checked_add_days(chrono::Days::new(u64::from(days)))
                .unwrap_or(chrono::NaiveDate::MAX)
        };
        let active = add(day, self.active_after_days);
        (active, self.expire_after_days.map(|days| add(active, days)))
    }
}
