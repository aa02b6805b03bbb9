//! The bodies of the Loyalty API, read with the tolerance that its documentation's own samples
//! demand (moysklad-loyalty.md §2, §8.1): a field may be missing, null, empty, a number in quotes,
//! and what is not understood is carried back unread.
//!
//! Values stay raw JSON text until somebody needs them. So a number never passes through a float,
//! and what an answer echoes (`agent`, `assortment`, `sn`, `pack`) is echoed to the letter.

use std::fmt::{self, Formatter};

use rust_decimal::Decimal;
use serde::{Serialize, Serializer};
use serde_json::value::RawValue;
use sklad_loyalty::units::{Kopecks, Percent, Points, Quantity};

pub use sklad_raw::{Raw, Unusable, decimal, id, number_or_nothing, object, text};
use sklad_raw::{last_segment, members, written};

/// `{href, id}`, and in newer calls `idType` and `type`. Nothing is read out of the href's host.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meta<'a> {
    /// Address of the entity.
    pub href: Raw<'a>,
    /// Its id: МойСклад's, or the till's syncId.
    pub id: Raw<'a>,
    /// `native` or `sync`.
    pub id_type: Raw<'a>,
}

members!(Meta {
    href: "href",
    id: "id",
    id_type: "idType"
});

impl Meta<'_> {
    /// The ids that this meta names: `id`, then the last segment of `href` if it is another one.
    pub fn ids(&self) -> Vec<String> {
        let mut ids: Vec<String> = id(self.id).into_iter().collect();
        let Some(href) = written(self.href) else {
            return ids;
        };
        let same = |id: &String| {
            href.strip_suffix(id.as_str())
                .is_some_and(|h| h.ends_with('/'))
        };
        if !ids.iter().any(same) {
            ids.extend(last_segment(&href).filter(|id| !ids.contains(id)));
        }
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

/// Anything with a meta and a name: a point of sale, an assortment, a document.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference<'a> {
    /// Its meta.
    pub meta: Raw<'a>,
    /// The id without a meta, as `agent` in a return has it (§3.8).
    pub id: Raw<'a>,
    /// The href without a meta.
    pub href: Raw<'a>,
    /// The till's id, beside the meta.
    pub sync_id: Raw<'a>,
}

members!(Reference {
    meta: "meta",
    id: "id",
    href: "href",
    sync_id: "syncId"
});

/// Every id in a value that is an id, an href, a meta, or an object with one of these.
pub fn ids(raw: Raw<'_>) -> Vec<String> {
    match text(raw) {
        Some(href) if href.contains('/') => last_segment(&href).into_iter().collect(),
        Some(_) => id(raw).into_iter().collect(),
        None => Reference::of(raw).ids(),
    }
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
#[derive(Clone, Copy, Debug, Default)]
pub struct Counterparty<'a> {
    /// Its meta.
    pub meta: Raw<'a>,
    /// The id without a meta, see [`Reference::id`].
    pub id: Raw<'a>,
    /// The href without a meta.
    pub href: Raw<'a>,
    /// The till's id.
    pub sync_id: Raw<'a>,
    /// Full name.
    pub name: Raw<'a>,
    /// Card.
    pub discount_card_number: Raw<'a>,
    /// Phone in any writing.
    pub phone: Raw<'a>,
    /// E-mail.
    pub email: Raw<'a>,
    /// Given name.
    pub legal_first_name: Raw<'a>,
    /// Patronymic.
    pub legal_middle_name: Raw<'a>,
    /// Family name.
    pub legal_last_name: Raw<'a>,
    /// `YYYY-MM-DD HH:mm:ss`
    pub birth_date: Raw<'a>,
    /// `MALE` or `FEMALE`
    pub sex: Raw<'a>,
    /// `UNCHECKED`, `CHECKED` or `IGNORE`
    pub status_check: Raw<'a>,
    /// The point of sale.
    pub retail_store: Raw<'a>,
}

members!(Counterparty {
    meta: "meta",
    id: "id",
    href: "href",
    sync_id: "syncId",
    name: "name",
    discount_card_number: "discountCardNumber",
    phone: "phone",
    email: "email",
    legal_first_name: "legalFirstName",
    legal_middle_name: "legalMiddleName",
    legal_last_name: "legalLastName",
    birth_date: "birthDate",
    sex: "sex",
    status_check: "statusCheck",
    retail_store: "retailStore"
});

/// `POST /retaildemand/recalc`.
#[derive(Clone, Debug, Default)]
pub struct Recalc<'a> {
    /// The point of sale.
    pub retail_store: Raw<'a>,
    /// The customer.
    pub agent: Raw<'a>,
    /// The whole receipt, without discounts.
    pub positions: Vec<Position<'a>>,
    /// `{transactionType}`
    pub bonus_program: Raw<'a>,
    /// The points that the cashier typed.
    pub preferred_bonus_to_spend: Raw<'a>,
}

members!(Recalc {
    retail_store: "retailStore",
    agent: "agent",
    positions: "positions",
    bonus_program: "bonusProgram",
    preferred_bonus_to_spend: "preferredBonusToSpend"
});

/// `POST /retaildemand` and `POST /retailsalesreturn`.
#[derive(Clone, Debug, Default)]
pub struct Document<'a> {
    /// The point of sale.
    pub retail_store: Raw<'a>,
    /// Number.
    pub name: Raw<'a>,
    /// `YYYY-MM-DD HH:mm:ss`
    pub moment: Raw<'a>,
    /// The document's own meta.
    pub meta: Raw<'a>,
    /// The till's id, beside the meta.
    pub sync_id: Raw<'a>,
    /// The customer.
    pub agent: Raw<'a>,
    /// The sale that a return names.
    pub demand: Raw<'a>,
    /// The positions as sold.
    pub positions: Vec<Position<'a>>,
    /// `{bonusValueToSpend, bonusValueToEarn}`
    pub bonus_program: Raw<'a>,
    /// Payments with gift certificates.
    pub gift_cards: Raw<'a>,
}

members!(Document {
    retail_store: "retailStore",
    name: "name",
    moment: "moment",
    meta: "meta",
    sync_id: "syncId",
    agent: "agent",
    demand: "demand",
    positions: "positions",
    bonus_program: "bonusProgram",
    gift_cards: "giftCards"
});

/// `POST /retaildemand/verify`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spender<'a> {
    /// The customer's id by the documentation; an href or a meta is understood too, see [`ids`].
    pub counterparty_id: Raw<'a>,
    /// Phone in any writing.
    pub phone: Raw<'a>,
}
members!(Spender {
    counterparty_id: "counterpartyId",
    phone: "phone"
});

/// The points of a call.
#[derive(Clone, Copy, Debug, Default)]
pub struct BonusProgram<'a> {
    /// `EARNING` (also when absent) or `SPENDING`.
    pub transaction_type: Raw<'a>,
    /// Points spent by a sale.
    pub bonus_value_to_spend: Raw<'a>,
    /// Points earned by a sale.
    pub bonus_value_to_earn: Raw<'a>,
}

members!(BonusProgram {
    transaction_type: "transactionType",
    bonus_value_to_spend: "bonusValueToSpend",
    bonus_value_to_earn: "bonusValueToEarn"
});

/// A payment with a gift certificate.
#[derive(Clone, Copy, Debug, Default)]
pub struct GiftCard<'a> {
    /// Our id of the certificate.
    pub id: Raw<'a>,
    /// Its number.
    pub name: Raw<'a>,
    /// Kopecks (§2).
    pub payment_sum: Raw<'a>,
}

members!(GiftCard {
    id: "id",
    name: "name",
    payment_sum: "paymentSum"
});

/// A position of a receipt.
#[derive(Clone, Copy, Debug, Default)]
pub struct Position<'a> {
    /// The good.
    pub assortment: Raw<'a>,
    /// Up to three decimals.
    pub quantity: Raw<'a>,
    /// Rubles per unit.
    pub price: Raw<'a>,
    /// Rubles per unit after everything.
    pub discounted_price: Raw<'a>,
    /// Percent; only looked at where the discounted price is missing.
    pub discount_percent: Raw<'a>,
    /// Serial numbers.
    pub sn: Raw<'a>,
    /// Packaging.
    pub pack: Raw<'a>,
}

members!(Position {
    assortment: "assortment",
    quantity: "quantity",
    price: "price",
    discounted_price: "discountedPrice",
    discount_percent: "discountPercent",
    sn: "sn",
    pack: "pack"
});

impl Position<'_> {
    /// The quantity; one where none is given. More decimals than three are rounded.
    ///
    /// # Errors
    /// No number, or one that does not fit.
    pub fn quantity(&self) -> Result<Quantity, Unusable> {
        let number = number_or_nothing(self.quantity)?.unwrap_or(Decimal::ONE);
        Quantity::from_decimal_rounded(number).map_err(|_| Unusable)
    }

    /// Price per unit; nothing where none is given. More decimals than two are rounded.
    ///
    /// # Errors
    /// No number, or one that does not fit.
    pub fn price(&self) -> Result<Kopecks, Unusable> {
        kopecks(number_or_nothing(self.price)?.unwrap_or_default())
    }

    /// Price per unit after everything. It is the figure that counts (§5); the percent stands in
    /// where it is missing.
    ///
    /// # Errors
    /// No number, or one that does not fit.
    pub fn discounted_price(&self) -> Result<Kopecks, Unusable> {
        if let Some(rubles) = number_or_nothing(self.discounted_price)? {
            return kopecks(rubles);
        }
        let price = number_or_nothing(self.price)?.unwrap_or_default();
        let percent = number_or_nothing(self.discount_percent)?
            .unwrap_or_default()
            .clamp(Decimal::ZERO, Decimal::ONE_HUNDRED);
        let left = Decimal::ONE_HUNDRED.saturating_sub(percent) / Decimal::ONE_HUNDRED;
        kopecks(price.checked_mul(left).unwrap_or(price))
    }

    /// The ids of the good.
    pub fn goods(&self) -> Vec<String> {
        Reference::of(self.assortment).ids()
    }
}

fn kopecks(rubles: Decimal) -> Result<Kopecks, Unusable> {
    Kopecks::from_rubles_rounded(rubles).map_err(|_| Unusable)
}

/// An integer of parts of 10^`decimals`, written without needless zeros: 6290 of hundredths is 62.9.
fn write_parts(f: &mut Formatter<'_>, parts: i64, decimals: u32) -> fmt::Result {
    let sign = if parts < 0 { "-" } else { "" };
    let unit = 10_u64.pow(decimals);
    let (whole, mut rest) = (parts.unsigned_abs() / unit, parts.unsigned_abs() % unit);
    if rest == 0 {
        return write!(f, "{sign}{whole}");
    }
    let mut width = decimals as usize;
    while rest.is_multiple_of(10) {
        (rest, width) = (rest / 10, width - 1);
    }
    write!(f, "{sign}{whole}.{rest:0width$}")
}

/// Writes a number as JSON, without a float in between.
macro_rules! number {
    ($type:ident, $decimals:literal, $parts:expr) => {
        impl fmt::Display for $type {
            fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
                let parts: fn(&Self) -> i64 = $parts;
                write_parts(f, parts(self), $decimals)
            }
        }

        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                RawValue::from_string(self.to_string())
                    .map_err(serde::ser::Error::custom)?
                    .serialize(serializer)
            }
        }
    };
}

/// Rubles with two decimals.
#[derive(Clone, Copy, Debug)]
pub struct Rubles(pub Kopecks);
number!(Rubles, 2, |rubles| rubles.0.0);

/// A quantity with up to three decimals.
#[derive(Clone, Copy, Debug)]
pub struct Amount(pub Quantity);
number!(Amount, 3, |amount| amount.0.0);

/// A percent with up to two decimals.
#[derive(Clone, Copy, Debug)]
pub struct Share(pub Percent);
number!(Share, 2, |share| share.0.hundredths().into());

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
#[derive(Debug)]
#[allow(missing_docs, reason = "the vendor's fields, §3.5")]
pub struct RecalcAnswer<'a> {
    pub agent: Raw<'a>,
    pub positions: Vec<PositionAnswer<'a>>,
    pub bonus_program: BonusAnswer,
    pub need_verification: bool,
}

/// Most of an answer are raw values and numbers with a decimal point, each of which serde would read
/// once more before it writes it: so it is written as JSON without serde.
impl fmt::Display for RecalcAnswer<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        if let Some(agent) = self.agent {
            write!(f, "\"agent\":{agent},")?;
        }
        let bonus_program = serde_json::to_string(&self.bonus_program).map_err(|_| fmt::Error)?;
        write!(f, "\"positions\":{},", List(&self.positions))?;
        write!(f, "\"bonusProgram\":{bonus_program},")?;
        write!(f, "\"needVerification\":{}}}", self.need_verification)
    }
}

/// A position of the answer.
#[derive(Debug)]
#[allow(missing_docs, reason = "the vendor's fields, §3.5")]
pub struct PositionAnswer<'a> {
    pub assortment: Raw<'a>,
    pub quantity: Amount,
    pub price: Rubles,
    pub discount_percent: Share,
    pub discounted_price: Rubles,
    pub sn: Option<Vec<&'a RawValue>>,
    pub pack: Raw<'a>,
}

impl fmt::Display for PositionAnswer<'_> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        if let Some(assortment) = self.assortment {
            write!(f, "\"assortment\":{assortment},")?;
        }
        let Self {
            quantity, price, ..
        } = self;
        write!(f, "\"quantity\":{quantity},\"price\":{price}")?;
        write!(f, ",\"discountPercent\":{}", self.discount_percent)?;
        write!(f, ",\"discountedPrice\":{}", self.discounted_price)?;
        if let Some(sn) = &self.sn {
            write!(f, ",\"sn\":{}", List(sn))?;
        }
        if let Some(pack) = self.pack {
            write!(f, ",\"pack\":{pack}")?;
        }
        f.write_str("}")
    }
}

/// A JSON array of what is written as JSON.
pub struct List<'a, T>(pub &'a [T]);

impl<T: fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (n, one) in self.0.iter().enumerate() {
            write!(f, "{}{one}", if n == 0 { "[" } else { "," })?;
        }
        f.write_str(if self.0.is_empty() { "[]" } else { "]" })
    }
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
    fn an_id_may_stand_where_an_object_could_and_the_reverse() {
        let ids = |json: &str| ids(Some(&raw(json)));
        for json in [
            r#""A-1""#,
            r#""https://x/entity/counterparty/a-1""#,
            r#""https://x/counterparty/syncid/a-1?x=1""#,
            r#"{"id":"a-1"}"#,
            r#"{"href":"https://x/counterparty/a-1"}"#,
            r#"{"meta":{"href":"https://x/counterparty/a-1","id":"a-1"}}"#,
        ] {
            assert_eq!(ids(json), ["a-1"], "{json}");
        }
        for json in ["null", "\"\"", "\"https://x/entity/counterparty\"", "[]"] {
            assert!(ids(json).is_empty(), "{json}");
        }
    }

    #[test]
    fn the_last_of_two_members_of_one_name_counts() {
        let twice = raw(r#"{"id":"a","href":"x/y/1","i\u0064":"b","extra":{"id":1,"id":2}}"#);
        assert_eq!(Reference::of(Some(&twice)).ids(), ["b", "1"]);
    }

    #[test]
    fn what_is_no_number_is_not_taken_for_nothing() {
        for json in ["null", "\"\"", "\" \"", "{}", "[]"] {
            assert_eq!(number_or_nothing(Some(&raw(json))), Ok(None), "{json}");
        }
        assert_eq!(number_or_nothing(None), Ok(None));
        for json in ["1e300", "\"abc\"", "true", "[1]", "{\"a\":1}", "\"NaN\""] {
            assert_eq!(number_or_nothing(Some(&raw(json))), Err(Unusable), "{json}");
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
