//! What goes into a quote and what comes out.

use crate::units::{Kopecks, Percent, Points, Quantity, UnitError};
use chrono::{NaiveDate, NaiveDateTime};
use serde::Serialize;
use std::ops::Range;

/// A receipt as the till shows it: full prices, no discounts.
#[derive(Debug, Clone, Copy)]
pub struct Receipt<'a> {
    /// The lines in the till's order.
    pub lines: &'a [Line],
    /// The customer; none for an anonymous receipt.
    pub customer: Option<&'a CustomerFacts>,
    /// The point of sale: МойСклад's retailStore id.
    pub store: &'a str,
    /// The wall clock of the shop.
    pub at: NaiveDateTime,
    /// What the cashier chose.
    pub intent: Intent,
}

/// The cashier's choice (`bonusProgram.transactionType`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Intent {
    /// Only earn (also when МойСклад sends no type).
    Earn,
    /// Spend points.
    Spend {
        /// The points the cashier typed (`preferredBonusToSpend`). None: as many as possible.
        /// More than possible: as many as possible. Zero or negative: none, because nobody may
        /// lose points that he did not offer.
        preferred: Option<Points>,
    },
}

/// One position of a receipt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What is known of the good; none when the catalogue does not know it.
    pub good: Option<GoodFacts>,
    /// Quantity, not negative.
    pub quantity: Quantity,
    /// Price of a unit before discounts, not negative.
    pub price: Kopecks,
    /// How many serial numbers the position carries; 0 for most goods.
    pub serials: usize,
    /// Whether the position may be split in two, normally true. False for goods sold by weight
    /// even when the scales say exactly 2.000, and for anything the caller must answer as one
    /// position. A quantity that is not whole is never split, whatever this says.
    pub may_split: bool,
}

/// What the catalogue knows of a good.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct GoodFacts {
    /// All ids the good is known by (ours, МойСклад's, the parent product's of a variant), the most
    /// specific first: the first one that a rule names counts.
    pub ids: Vec<String>,
    /// Category ids, the nearest ancestor first.
    pub categories: Vec<String>,
    /// МойСклад's minimum price of a unit.
    pub min_price: Option<Kopecks>,
    /// МойСклад's `discountProhibited`.
    pub discount_prohibited: bool,
    /// Tobacco: its price is printed on the pack and must not be changed.
    pub tobacco: bool,
    /// Sold by weight (МойСклад's `weighed`): its position is never split, also when the scales
    /// say exactly 2.000. The caller puts it into [`Line::may_split`].
    pub weighed: bool,
}

/// What the ledger knows of a customer.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomerFacts {
    /// Points that can be spent now; may be negative.
    pub available: Points,
    /// The id of the customer's tier.
    pub tier: Option<String>,
    /// Birth date.
    pub birth_date: Option<NaiveDate>,
    /// Points that expire soon and the first day on which they are gone; what is soon is the
    /// caller's decision.
    pub expiring_soon: Option<(Points, NaiveDate)>,
}

/// A position of a sale that has happened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SoldLine {
    /// What is known of the good.
    pub good: Option<GoodFacts>,
    /// Quantity, not negative.
    pub quantity: Quantity,
    /// Price of a unit before discounts.
    pub price: Kopecks,
    /// Price of a unit after all discounts and points.
    pub discounted_price: Kopecks,
}

/// What a receipt costs.
///
/// Always, to the kopeck: `gross = Σ round(price · quantity)`, `to_pay = Σ round(discounted_price ·
/// quantity)`, `gross − to_pay − paid_by_points = discount ≥ 0`, `paid_by_points = spend · value of a
/// point`, `balance_after = balance_before − spend + earn`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Quote {
    /// The positions, in the receipt's order; a split one is two neighbours.
    pub lines: Vec<QuotedLine>,
    /// Total without discounts (`chequeSumWithoutDiscount`).
    pub gross: Kopecks,
    /// Discounts without points (`paidByDiscountWithoutBonus`).
    pub discount: Kopecks,
    /// Paid with points (`paidByBonusPoints`).
    pub paid_by_points: Kopecks,
    /// What remains to be paid with money (`valueToPay`).
    pub to_pay: Kopecks,
    /// Points to spend (`bonusValueToSpend`); 0 when only earning.
    pub spend: Points,
    /// Points to earn (`bonusValueToEarn`).
    pub earn: Points,
    /// The most points this receipt could spend, also when only earning.
    pub max_spend: Points,
    /// Balance before (`agentBonusBalance`); 0 without a customer.
    pub balance_before: Points,
    /// Balance after (`agentBonusBalanceAfter`), with earned points that are not active yet.
    pub balance_after: Points,
    /// Whether the customer must tell a code (`needVerification`).
    pub needs_verification: bool,
    /// Text for the receipt (`receiptExtraInfo`); may be empty.
    pub receipt_text: String,
    /// Which rules fired; only when asked for.
    pub explanation: Vec<Fired>,
}

/// A position of the answer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct QuotedLine {
    /// Index of the receipt's line this one came from.
    pub source: usize,
    /// Quantity; the two parts of a split line add up to the line's.
    pub quantity: Quantity,
    /// Price of a unit before discounts.
    pub price: Kopecks,
    /// Price of a unit after discounts and points: the figure that counts (§5).
    pub discounted_price: Kopecks,
    /// `round((1 − discounted_price / price) · 100, 2)`; 0 when the price is 0 (§5 rule 4).
    pub discount_percent: Percent,
    /// Which serial numbers of the source line go with this one.
    pub serials: Range<usize>,
}

/// A rule that fired, for people.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Fired {
    /// Path of the setting: `earning.goods`, `spending.max_share`.
    pub rule: &'static str,
    /// Index of the receipt's line; none when it is about the receipt.
    pub line: Option<usize>,
    /// What happened, in Russian.
    pub text: String,
}

/// Why there is no quote.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum QuoteError {
    /// A number does not fit.
    #[error("сумма чека слишком велика")]
    TooLarge,
    /// A price or a quantity is negative.
    #[error("отрицательная цена или количество в позиции {}", .line.saturating_add(1))]
    Negative {
        /// Index of the line, from 0; the text counts from 1.
        line: usize,
    },
    /// More lines than [`super::MAX_LINES`].
    #[error("в чеке слишком много позиций")]
    TooManyLines,
    /// The programme was not validated: a point is worth nothing.
    #[error("программа лояльности настроена неверно")]
    BadProgramme,
}

impl From<UnitError> for QuoteError {
    fn from(_: UnitError) -> Self {
        Self::TooLarge
    }
}

impl Line {
    /// A line of a good the catalogue does not know, without serial numbers, which may be split.
    pub fn new(quantity: Quantity, price: Kopecks) -> Self {
        Self {
            good: None,
            quantity,
            price,
            serials: 0,
            may_split: true,
        }
    }

    /// The same line with what is known of its good.
    pub fn with_good(mut self, good: GoodFacts) -> Self {
        self.good = Some(good);
        self
    }
}
