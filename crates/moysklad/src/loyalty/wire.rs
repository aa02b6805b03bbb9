//! The bodies of the Loyalty API, read with the tolerance that its documentation's own samples
//! demand (moysklad-loyalty.md §2, §8.1): a field may be missing, null, empty, a number in quotes,
//! and what is not understood is carried back unread.
//!
//! Values stay raw JSON text until somebody needs them. So a number never passes through a float,
//! and what an answer echoes (`agent`, `assortment`, `sn`, `pack`) is echoed to the letter.

use std::borrow::Cow;

use rust_decimal::Decimal;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize, Serializer};
use serde_json::value::RawValue;
use sklad_loyalty::units::{Kopecks, Percent, Points, Quantity};

/// A value that is looked at later.
pub type Raw<'a> = Option<&'a RawValue>;

/// The text of a string or number; nothing for what is empty or of another kind.
pub fn text(raw: Raw<'_>) -> Option<String> {
    let json = raw?.get();
    let text: Cow<'_, str> = if json.starts_with('"') {
        serde_json::from_str(json).ok()?
    } else if json.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        Cow::Borrowed(json)
    } else {
        return None;
    };
    let text = text.trim();
    (!text.is_empty()).then(|| text.to_owned())
}

/// The number, written as a number or in quotes, with a point or a comma.
pub fn decimal(raw: Raw<'_>) -> Option<Decimal> {
    let text = text(raw)?.replace(',', ".");
    text.parse()
        .ok()
        .or_else(|| Decimal::from_scientific(&text).ok())
}

/// An id in lower case; a nil UUID is an empty one.
pub fn id(raw: Raw<'_>) -> Option<String> {
    let id = text(raw)?.to_lowercase();
    (!id.chars().all(|c| matches!(c, '0' | '-'))).then_some(id)
}

/// The object, if it is one of this form.
pub fn object<'a, T: Deserialize<'a>>(raw: Raw<'a>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

/// `{href, id}`, and in newer calls `idType` and `type`. Nothing is read out of the href's host.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Meta<'a> {
    /// Address of the entity.
    #[serde(borrow, default)]
    pub href: Raw<'a>,
    /// Its id: МойСклад's, or the till's syncId.
    #[serde(borrow, default)]
    pub id: Raw<'a>,
    /// `native` or `sync`.
    #[serde(borrow, default, rename = "idType")]
    pub id_type: Raw<'a>,
}

impl Meta<'_> {
    /// The ids that this meta names: `id`, then the last segment of `href` if it is another one.
    pub fn ids(&self) -> Vec<String> {
        let href = text(self.href).and_then(|href| last_segment(&href));
        let mut ids: Vec<String> = id(self.id).into_iter().chain(href).collect();
        ids.dedup();
        ids
    }

    /// The id if it is one that МойСклад gave, not the till's.
    pub fn native_id(&self) -> Option<String> {
        let sync = text(self.id_type).is_some_and(|t| t.eq_ignore_ascii_case("sync"))
            || text(self.href).is_some_and(|href| href.contains("/syncid/"));
        if sync {
            None
        } else {
            self.ids().into_iter().next()
        }
    }
}

/// The id at the end of an address. `…/entity/retaildemand` and `…/remap/1.2` end without one: taken
/// for an id, it would make one sale of all sales.
fn last_segment(href: &str) -> Option<String> {
    let path = href.split(['?', '#']).next()?.trim_end_matches('/');
    let segment = path.rsplit_once('/')?.1.to_lowercase();
    let named = segment.contains(|c: char| matches!(c, '1'..='9')) && !segment.contains('.');
    named.then_some(segment)
}

/// Anything with a meta and a name: a point of sale, an assortment, a document.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Reference<'a> {
    /// Its meta.
    #[serde(borrow, default)]
    pub meta: Raw<'a>,
    /// The id without a meta, as `agent` in a return has it (§3.8).
    #[serde(borrow, default)]
    pub id: Raw<'a>,
    /// The href without a meta.
    #[serde(borrow, default)]
    pub href: Raw<'a>,
    /// The till's id, beside the meta.
    #[serde(borrow, default, rename = "syncId")]
    pub sync_id: Raw<'a>,
}

impl<'a> Reference<'a> {
    /// The reference in a raw value; an absent one names nothing.
    pub fn of(raw: Raw<'a>) -> Self {
        object(raw).unwrap_or_default()
    }

    /// The meta, wherever it is.
    pub fn meta(&self) -> Meta<'a> {
        object(self.meta).unwrap_or(Meta {
            href: self.href,
            id: self.id,
            id_type: None,
        })
    }

    /// Every id it names, the most believed first, in lower case.
    pub fn ids(&self) -> Vec<String> {
        let mut ids = self.meta().ids();
        ids.extend(id(self.sync_id).filter(|id| !ids.contains(id)));
        ids
    }
}

/// A customer, as the calls carry it: in the body itself or as `agent`.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Counterparty<'a> {
    /// Its meta.
    #[serde(borrow, default)]
    pub meta: Raw<'a>,
    /// The id without a meta, see [`Reference::id`].
    #[serde(borrow, default)]
    pub id: Raw<'a>,
    /// The href without a meta.
    #[serde(borrow, default)]
    pub href: Raw<'a>,
    /// The till's id.
    #[serde(borrow, default, rename = "syncId")]
    pub sync_id: Raw<'a>,
    /// Full name.
    #[serde(borrow, default)]
    pub name: Raw<'a>,
    /// Card.
    #[serde(borrow, default, rename = "discountCardNumber")]
    pub discount_card_number: Raw<'a>,
    /// Phone in any writing.
    #[serde(borrow, default)]
    pub phone: Raw<'a>,
    /// E-mail.
    #[serde(borrow, default)]
    pub email: Raw<'a>,
    /// Given name.
    #[serde(borrow, default, rename = "legalFirstName")]
    pub legal_first_name: Raw<'a>,
    /// Patronymic.
    #[serde(borrow, default, rename = "legalMiddleName")]
    pub legal_middle_name: Raw<'a>,
    /// Family name.
    #[serde(borrow, default, rename = "legalLastName")]
    pub legal_last_name: Raw<'a>,
    /// `YYYY-MM-DD HH:mm:ss`
    #[serde(borrow, default, rename = "birthDate")]
    pub birth_date: Raw<'a>,
    /// `MALE` or `FEMALE`
    #[serde(borrow, default)]
    pub sex: Raw<'a>,
    /// `UNCHECKED`, `CHECKED` or `IGNORE`
    #[serde(borrow, default, rename = "statusCheck")]
    pub status_check: Raw<'a>,
    /// The point of sale.
    #[serde(borrow, default, rename = "retailStore")]
    pub retail_store: Raw<'a>,
}

/// `POST /retaildemand/recalc`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Recalc<'a> {
    /// The point of sale.
    #[serde(borrow, default, rename = "retailStore")]
    pub retail_store: Raw<'a>,
    /// The customer.
    #[serde(borrow, default)]
    pub agent: Raw<'a>,
    /// The whole receipt, without discounts.
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub positions: Vec<Position<'a>>,
    /// `{transactionType}`
    #[serde(borrow, default, rename = "bonusProgram")]
    pub bonus_program: Raw<'a>,
    /// The points that the cashier typed.
    #[serde(borrow, default, rename = "preferredBonusToSpend")]
    pub preferred_bonus_to_spend: Raw<'a>,
}

/// `POST /retaildemand` and `POST /retailsalesreturn`.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Document<'a> {
    /// The point of sale.
    #[serde(borrow, default, rename = "retailStore")]
    pub retail_store: Raw<'a>,
    /// Number.
    #[serde(borrow, default)]
    pub name: Raw<'a>,
    /// `YYYY-MM-DD HH:mm:ss`
    #[serde(borrow, default)]
    pub moment: Raw<'a>,
    /// The document's own meta.
    #[serde(borrow, default)]
    pub meta: Raw<'a>,
    /// The till's id, beside the meta.
    #[serde(borrow, default, rename = "syncId")]
    pub sync_id: Raw<'a>,
    /// The customer.
    #[serde(borrow, default)]
    pub agent: Raw<'a>,
    /// The sale that a return names.
    #[serde(borrow, default)]
    pub demand: Raw<'a>,
    /// The positions as sold.
    #[serde(borrow, default, deserialize_with = "lenient")]
    pub positions: Vec<Position<'a>>,
    /// `{bonusValueToSpend, bonusValueToEarn}`
    #[serde(borrow, default, rename = "bonusProgram")]
    pub bonus_program: Raw<'a>,
    /// Payments with gift certificates.
    #[serde(borrow, default, rename = "giftCards")]
    pub gift_cards: Raw<'a>,
}

/// The points of a call.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct BonusProgram<'a> {
    /// `EARNING` (also when absent) or `SPENDING`.
    #[serde(borrow, default, rename = "transactionType")]
    pub transaction_type: Raw<'a>,
    /// Points spent by a sale.
    #[serde(borrow, default, rename = "bonusValueToSpend")]
    pub bonus_value_to_spend: Raw<'a>,
    /// Points earned by a sale.
    #[serde(borrow, default, rename = "bonusValueToEarn")]
    pub bonus_value_to_earn: Raw<'a>,
}

/// A payment with a gift certificate.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct GiftCard<'a> {
    /// Our id of the certificate.
    #[serde(borrow, default)]
    pub id: Raw<'a>,
    /// Its number.
    #[serde(borrow, default)]
    pub name: Raw<'a>,
    /// Kopecks (§2).
    #[serde(borrow, default, rename = "paymentSum")]
    pub payment_sum: Raw<'a>,
}

/// A position of a receipt.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
pub struct Position<'a> {
    /// The good.
    #[serde(borrow, default)]
    pub assortment: Raw<'a>,
    /// Up to three decimals.
    #[serde(borrow, default)]
    pub quantity: Raw<'a>,
    /// Rubles per unit.
    #[serde(borrow, default)]
    pub price: Raw<'a>,
    /// Rubles per unit after everything.
    #[serde(borrow, default, rename = "discountedPrice")]
    pub discounted_price: Raw<'a>,
    /// Percent; only looked at where the discounted price is missing.
    #[serde(borrow, default, rename = "discountPercent")]
    pub discount_percent: Raw<'a>,
    /// Serial numbers.
    #[serde(borrow, default)]
    pub sn: Raw<'a>,
    /// Packaging.
    #[serde(borrow, default)]
    pub pack: Raw<'a>,
}

/// What is no list is an empty one, and what is no position in it is one of which nothing is known:
/// the others keep their places.
fn lenient<'de, D>(deserializer: D) -> Result<Vec<Position<'de>>, D::Error>
where
    D: serde::Deserializer<'de>,
{
    let raw: Raw<'de> = Deserialize::deserialize(deserializer)?;
    let list: Vec<&'de RawValue> = object(raw).unwrap_or_default();
    Ok(list
        .into_iter()
        .map(|raw| object(Some(raw)).unwrap_or_default())
        .collect())
}

/// Several numbers or objects that may be absent or of another kind.
pub fn list<T: DeserializeOwned>(raw: Raw<'_>) -> Vec<T> {
    object(raw).unwrap_or_default()
}

impl Position<'_> {
    /// The quantity; one where none is given. More decimals than three are rounded.
    ///
    /// # Errors
    /// A number that does not fit.
    pub fn quantity(&self) -> Result<Quantity, sklad_loyalty::units::UnitError> {
        Quantity::from_decimal_rounded(decimal(self.quantity).unwrap_or(Decimal::ONE))
    }

    /// Price per unit; nothing where none is given. More decimals than two are rounded.
    ///
    /// # Errors
    /// A number that does not fit.
    pub fn price(&self) -> Result<Kopecks, sklad_loyalty::units::UnitError> {
        Kopecks::from_rubles_rounded(decimal(self.price).unwrap_or_default())
    }

    /// Price per unit after everything. It is the figure that counts (§5); the percent stands in
    /// where it is missing.
    ///
    /// # Errors
    /// A number that does not fit.
    pub fn discounted_price(&self) -> Result<Kopecks, sklad_loyalty::units::UnitError> {
        if let Some(rubles) = decimal(self.discounted_price) {
            return Kopecks::from_rubles_rounded(rubles);
        }
        let price = decimal(self.price).unwrap_or_default();
        let percent = decimal(self.discount_percent)
            .unwrap_or_default()
            .clamp(Decimal::ZERO, Decimal::ONE_HUNDRED);
        let left = Decimal::ONE_HUNDRED.saturating_sub(percent) / Decimal::ONE_HUNDRED;
        Kopecks::from_rubles_rounded(price.checked_mul(left).unwrap_or(price))
    }

    /// The first id of the good; empty when there is none.
    pub fn good(&self) -> String {
        Reference::of(self.assortment)
            .ids()
            .into_iter()
            .next()
            .unwrap_or_default()
    }

    /// The ids of the good.
    pub fn goods(&self) -> Vec<String> {
        Reference::of(self.assortment).ids()
    }
}

/// A JSON number with its decimals, without a float in between.
fn number<S: Serializer>(text: String, serializer: S) -> Result<S::Ok, S::Error> {
    RawValue::from_string(text)
        .map_err(serde::ser::Error::custom)?
        .serialize(serializer)
}

/// Rubles with two decimals.
#[derive(Clone, Copy, Debug)]
pub struct Rubles(pub Kopecks);

impl Serialize for Rubles {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        number(self.0.to_rubles().normalize().to_string(), serializer)
    }
}

/// A quantity with up to three decimals.
#[derive(Clone, Copy, Debug)]
pub struct Amount(pub Quantity);

impl Serialize for Amount {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        number(self.0.to_decimal().normalize().to_string(), serializer)
    }
}

/// A percent with up to two decimals.
#[derive(Clone, Copy, Debug)]
pub struct Share(pub Percent);

impl Serialize for Share {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        number(self.0.to_decimal().normalize().to_string(), serializer)
    }
}

/// `{"rows": […]}` of a search.
#[derive(Debug, Serialize)]
pub struct Rows {
    /// At most 20.
    pub rows: Vec<CounterpartyRow>,
}

/// A customer that was found (§3.1). `id` and `msId` are valid UUIDs: МойСклад fails on others.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the vendor's fields, §3.1")]
pub struct CounterpartyRow {
    pub id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ms_id: Option<String>,
    pub name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub discount_card_number: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_first_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_middle_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub legal_last_name: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub birth_date: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sex: Option<String>,
}

/// The answer to a recalculation (§3.5).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the vendor's fields, §3.5")]
pub struct RecalcAnswer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub agent: Raw<'a>,
    pub positions: Vec<PositionAnswer<'a>>,
    pub bonus_program: BonusAnswer,
    pub need_verification: bool,
}

/// A position of the answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the vendor's fields, §3.5")]
pub struct PositionAnswer<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assortment: Raw<'a>,
    pub quantity: Amount,
    pub price: Rubles,
    pub discount_percent: Share,
    pub discounted_price: Rubles,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sn: Option<Vec<&'a RawValue>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pack: Raw<'a>,
}

/// The points of the answer.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the vendor's fields, §3.5")]
pub struct BonusAnswer {
    pub transaction_type: &'static str,
    pub agent_bonus_balance: Points,
    pub bonus_value_to_spend: Points,
    pub bonus_value_to_earn: Points,
    pub agent_bonus_balance_after: Points,
    pub paid_by_bonus_points: Rubles,
    #[serde(skip_serializing_if = "String::is_empty")]
    pub receipt_extra_info: String,
}

/// The answer to a request for a code (§3.4, §3.6).
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "the vendor's fields, §3.4")]
pub struct CodeAnswer {
    pub verification_code: String,
    pub time_for_repeat: i64,
    pub message_for_cashier: String,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn a_number_is_read_however_it_is_written() {
        for json in ["283.1", "\"283.1\"", "\"283,10\"", "2.831e2", " \"283.1 \""] {
            assert_eq!(
                decimal(Some(&raw(json.trim()))),
                Some(Decimal::new(2831, 1)),
                "{json}"
            );
        }
        for json in ["null", "\"\"", "{}", "[]", "true", "\"нет\""] {
            assert_eq!(decimal(Some(&raw(json))), None, "{json}");
        }
    }

    #[test]
    fn an_id_is_found_in_every_form_of_reference() {
        let ids = |json: &str| Reference::of(Some(&raw(json))).ids();
        assert_eq!(
            ids(r#"{"meta":{"href":"https://x/entity/product/A-1","id":"A-1"}}"#),
            ["a-1"]
        );
        assert_eq!(
            ids(r#"{"meta":{"href":"https://x/counterparty/syncid/s-1"}}"#),
            ["s-1"]
        );
        assert_eq!(
            ids(r#"{"href":"https://x/counterparty/f-1","id":"f-1"}"#),
            ["f-1"]
        );
        assert_eq!(
            ids(r#"{"syncId":"s","meta":{"id":"n","href":""}}"#),
            ["n", "s"]
        );
        for nothing in [
            "{}",
            "null",
            r#"{"meta":{"href":"","id":""}}"#,
            r#"{"meta":{"href":"https://x/entity/retaildemand"}}"#,
            r#"{"meta":{"href":"https://api.x.ru/api/remap/1.2/"}}"#,
            r#"{"meta":{"id":"00000000-0000-0000-0000-000000000000"}}"#,
            r#"{"meta":null}"#,
            "\"x\"",
            "[]",
        ] {
            assert!(ids(nothing).is_empty(), "{nothing}");
        }
    }

    #[test]
    fn a_syncid_is_not_taken_for_a_native_id() {
        let meta = |json: &str| object::<Meta<'_>>(Some(&raw(json))).unwrap().native_id();
        assert_eq!(meta(r#"{"id":"a","idType":"sync"}"#), None);
        assert_eq!(meta(r#"{"href":"https://x/counterparty/syncid/a"}"#), None);
        assert_eq!(
            meta(r#"{"id":"a","idType":"native"}"#).as_deref(),
            Some("a")
        );
    }

    #[test]
    fn money_is_written_as_a_number_with_kopecks() {
        assert_eq!(serde_json::to_string(&Rubles(Kopecks(7900))).unwrap(), "79");
        assert_eq!(
            serde_json::to_string(&Rubles(Kopecks(6295))).unwrap(),
            "62.95"
        );
        assert_eq!(
            serde_json::to_string(&Amount(Quantity(123_456))).unwrap(),
            "123.456"
        );
    }
}
