//! Codes a customer tells the cashier. Settings alone: sending and counting is not done here.

use super::read;
use crate::units::Points;
use serde::{Deserialize, Serialize};

/// Codes that confirm a registration or a spending.
///
/// A code is used once. МойСклад asks us for a code, we send it to the customer and tell МойСклад
/// what it is; the comparison is done at the till (§3.4, §3.6), so a code protects against the
/// customer's mistakes and not against the cashier.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct Codes {
    /// Whether a new customer must tell a code, default false. `"registration": true`
    pub registration: bool,
    /// Spending more than so many points needs a code, ≥ 0 (0: every spending); null means never
    /// (default). `"spending_above": 500`
    pub spending_above: Option<Points>,
    /// Where codes are sent: `{"kind": "journal"}` (default: the merchant sees them in the
    /// journal) or `{"kind": "webhook", "url": "https://…"}` (the merchant's own gateway).
    /// `"channel": {"kind": "webhook", "url": "https://sms.example.ru/send"}`
    #[serde(deserialize_with = "read::object")]
    pub channel: Channel,
    /// Digits in a code, 4..=8, default 6. `"length": 4`
    pub length: u8,
    /// How long a code is good, seconds, 30..=3600, default 300. `"lifetime_seconds": 600`
    pub lifetime_seconds: u16,
    /// How many times a code may be tried, 1..=10, default 3. `"max_attempts": 5`
    pub max_attempts: u8,
    /// How soon another code may be asked for, seconds, 10..=600, default 60; the till is told
    /// (`timeForRepeat`). `"repeat_after_seconds": 30`
    pub repeat_after_seconds: u16,
    /// How many codes one customer may get in an hour, 1..=60, default 5. `"max_per_hour": 10`
    pub max_per_hour: u8,
    /// What the cashier reads, at most 140 characters (§3.4). Default «Код отправлен покупателю».
    /// `"message_for_cashier": "Спросите код из СМС"`
    pub message_for_cashier: String,
}

/// Where codes are sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Channel {
    /// Into the journal that the merchant sees: for tests and for shops without a gateway.
    #[default]
    Journal,
    /// To an address of the merchant, by POST.
    Webhook {
        /// `https://` address of a public name (no IP address, no name of an inner network), at most
        /// 500 characters.
        url: String,
    },
}

impl Default for Codes {
    fn default() -> Self {
        Self {
            registration: false,
            spending_above: None,
            channel: Channel::default(),
            length: 6,
            lifetime_seconds: 300,
            max_attempts: 3,
            repeat_after_seconds: 60,
            max_per_hour: 5,
            message_for_cashier: "Код отправлен покупателю".to_owned(),
        }
    }
}
