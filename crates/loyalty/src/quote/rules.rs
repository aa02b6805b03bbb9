//! Which rule speaks about a good.

use super::types::GoodFacts;
use crate::programme::{Discounts, Earning, Spending};
use crate::units::Percent;
use std::collections::{BTreeMap, BTreeSet};

/// The four tables that earning, spending and discounts share.
#[derive(Clone, Copy)]
pub(super) struct GoodsRules<'a> {
    goods: &'a BTreeMap<String, Percent>,
    categories: &'a BTreeMap<String, Percent>,
    excluded_goods: &'a BTreeSet<String>,
    excluded_categories: &'a BTreeSet<String>,
}

/// What the tables say about a good.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Verdict {
    /// Excluded, by itself or by its category.
    Excluded,
    /// The good has a percent of its own.
    Good(Percent),
    /// The nearest category that any table names has a percent.
    Category(Percent),
    /// Nothing.
    Silent,
}

impl<'a> From<&'a Earning> for GoodsRules<'a> {
    fn from(rules: &'a Earning) -> Self {
        Self {
            goods: &rules.goods,
            categories: &rules.categories,
            excluded_goods: &rules.excluded_goods,
            excluded_categories: &rules.excluded_categories,
        }
    }
}

impl<'a> From<&'a Spending> for GoodsRules<'a> {
    fn from(rules: &'a Spending) -> Self {
        Self {
            goods: &rules.goods,
            categories: &rules.categories,
            excluded_goods: &rules.excluded_goods,
            excluded_categories: &rules.excluded_categories,
        }
    }
}

impl<'a> From<&'a Discounts> for GoodsRules<'a> {
    fn from(rules: &'a Discounts) -> Self {
        Self {
            goods: &rules.goods,
            categories: &rules.categories,
            excluded_goods: &rules.excluded_goods,
            excluded_categories: &rules.excluded_categories,
        }
    }
}

impl GoodsRules<'_> {
    /// An excluded good stays excluded; else its own percent counts; else the nearest ancestor
    /// that is excluded or has a percent decides.
    pub(super) fn verdict(&self, good: Option<&GoodFacts>) -> Verdict {
        let Some(good) = good else {
            return Verdict::Silent;
        };
        if !self.excluded_goods.is_empty()
            && good.ids.iter().any(|id| self.excluded_goods.contains(id))
        {
            return Verdict::Excluded;
        }
        if let Some(percent) = by_id(self.goods, &good.ids) {
            return Verdict::Good(*percent);
        }
        if self.categories.is_empty() && self.excluded_categories.is_empty() {
            return Verdict::Silent;
        }
        for category in &good.categories {
            if self.excluded_categories.contains(category) {
                return Verdict::Excluded;
            }
            if let Some(percent) = self.categories.get(category) {
                return Verdict::Category(*percent);
            }
        }
        Verdict::Silent
    }
}

/// The entry of the first id that the table names.
pub(super) fn by_id<'t, V>(table: &'t BTreeMap<String, V>, ids: &[String]) -> Option<&'t V> {
    if table.is_empty() {
        return None;
    }
    ids.iter().find_map(|id| table.get(id))
}
