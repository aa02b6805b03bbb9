//! The text on the receipt as a setting; rendering is in [`crate::text`].

use serde::{Deserialize, Serialize};

/// The text printed on the receipt (`receiptExtraInfo`).
///
/// Placeholders: `{earned}`, `{spent}`, `{balance}`, `{tier}`, `{expiring}`, `{expiring_date}` and
/// the word «балл» in the right form for each number: `{earned_word}`, `{spent_word}`,
/// `{balance_word}`, `{expiring_word}`. Braces themselves are written `{{` and `}}`. A line that
/// has nothing to say is left out: one with `{earned}` or `{spent}` when that is zero, one with
/// `{tier}` when there is no tier, one with `{expiring}` when nothing expires soon.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ReceiptText {
    /// For a customer of the programme, at most 1000 characters; empty prints nothing.
    /// `"template": "Баланс: {balance} {balance_word}"`
    pub template: String,
    /// For a receipt without a customer, at most 1000 characters, without placeholders; empty
    /// (default) prints nothing. `"anonymous_template": "Вступайте в клуб!"`
    pub anonymous_template: String,
}

impl Default for ReceiptText {
    fn default() -> Self {
        Self {
            template: "Начислено: {earned} {earned_word}\n\
                       Списано: {spent} {spent_word}\n\
                       Баланс: {balance} {balance_word}\n\
                       Уровень: {tier}\n\
                       Сгорят {expiring_date}: {expiring} {expiring_word}"
                .to_owned(),
            anonymous_template: String::new(),
        }
    }
}
