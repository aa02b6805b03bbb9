//! What a merchant can set: rules as data.
//!
//! A [`Programme`] is read from JSON. Every field has a default, so `{}` is a valid programme:
//! 5 % of the paid amount is earned, a point is worth a ruble, at most half of a receipt is paid
//! with points, nothing expires, no discounts, no tiers, no codes.
//!
//! Money in settings is whole kopecks and says so in the field's name (`min_receipt_kopecks`),
//! percents are JSON numbers with at most two decimals, points and days are integers. Unknown
//! fields are refused: a typing error must not become a silent default.
//!
//! Ids of goods, categories and points of sale are the strings the catalogue knows them by (our
//! own UUID or МойСклад's), compared exactly. МойСклад writes UUIDs in lower case; one in capital
//! letters is read as the same id ([`read`]).
//!
//! [`Programme::validate`] says what serde cannot: ranges, references, order.

mod codes;
mod discounts;
mod earning;
pub mod read;
mod receipt;
mod schedule;
mod spending;
#[cfg(test)]
mod tests;
mod tiers;
mod validate;

pub use codes::{Channel, Codes};
pub use discounts::{Combine, Discounts, ReceiptDiscount};
pub use earning::{BirthdayBonus, Earning, EarningBase, Life, Precedence, Rounding, WelcomeBonus};
pub use receipt::ReceiptText;
pub use schedule::{Schedule, TimeOfDay, Weekday};
pub use spending::Spending;
pub use tiers::{Demotion, Tier, Tiers};
pub use validate::Problem;
pub use validate::limits;

use serde::{Deserialize, Serialize};

/// The whole programme of one tenant.
///
/// ```
/// let programme: sklad_loyalty::Programme = serde_json::from_str("{}").unwrap();
/// assert!(programme.validate().is_empty());
/// ```
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Programme {
    /// How points are earned. `{"earning": {"percent": 3}}`
    #[serde(deserialize_with = "read::object")]
    pub earning: Earning,
    /// How points are spent. `{"spending": {"max_share": 30}}`
    #[serde(deserialize_with = "read::object")]
    pub spending: Spending,
    /// Discounts that come before points. `{"discounts": {"tiers": {"gold": 5}}}`
    #[serde(deserialize_with = "read::object")]
    pub discounts: Discounts,
    /// Tiers by purchases.
    /// `{"tiers": {"levels": [{"id": "gold", "name": "Золотой", "from_kopecks": 5000000}]}}`
    #[serde(deserialize_with = "read::object")]
    pub tiers: Tiers,
    /// When a customer must tell a code. `{"codes": {"spending_above": 500}}`
    #[serde(deserialize_with = "read::object")]
    pub codes: Codes,
    /// What is printed on the receipt. `{"receipt": {"template": "Баланс: {balance}"}}`
    #[serde(deserialize_with = "read::object")]
    pub receipt: ReceiptText,
}

impl Programme {
    /// Everything that is wrong with the settings, in Russian, with the path of each field.
    /// An empty list means that the programme can be used.
    pub fn validate(&self) -> Vec<Problem> {
        validate::problems(self)
    }
}
