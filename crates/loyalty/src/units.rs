//! Kopecks, points, thousandths and hundredths of a percent.
//!
//! Every operation is checked: a number that does not fit comes out as [`UnitError`], never as a
//! wrapped value and never as a panic. `rust_decimal` is used at the edges alone (JSON numbers in
//! rubles, quantities, percents).

use rust_decimal::Decimal;
use rust_decimal::prelude::ToPrimitive;
use serde::{Deserialize, Deserializer, Serialize, Serializer, de, ser};
use std::fmt;
use std::str::FromStr;

/// Why a number is not a unit of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum UnitError {
    /// The value does not fit into the type.
    #[error("число слишком велико")]
    TooLarge,
    /// More decimals than the unit has: 2 for rubles and percents, 3 for quantities.
    #[error("слишком много знаков после запятой")]
    TooPrecise,
    /// Outside of the unit's range.
    #[error("число вне допустимых пределов")]
    OutOfRange,
    /// Not a number at all.
    #[error("это не число")]
    NotANumber,
}

/// Money: whole kopecks. Negative values are legal as differences, not as prices.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Kopecks(pub i64);

/// Loyalty points: whole, as МойСклад's own engine keeps them (§2 "Points"). A balance may be
/// negative: a sale that arrives after the receipt was printed is never refused.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(transparent)]
pub struct Points(pub i64);

/// Quantity of goods: thousandths of the unit (pieces, kilograms). `1.5 kg` is `Quantity(1500)`.
#[derive(
    Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Quantity(pub i64);

/// Percent: hundredths of a percent, `0..=10000`. In JSON a number `0..=100` with at most two
/// decimals: `5`, `7.5`, `12.25`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Percent(u16);

/// Scales a decimal to whole units; refuses what has more decimals than the unit.
fn scaled(value: Decimal, scale: i64) -> Result<i64, UnitError> {
    let scaled = value
        .checked_mul(Decimal::from(scale))
        .ok_or(UnitError::TooLarge)?;
    if !scaled.fract().is_zero() {
        return Err(UnitError::TooPrecise);
    }
    scaled.to_i64().ok_or(UnitError::TooLarge)
}

/// Scales a decimal to whole units, half away from zero.
fn scaled_rounding(value: Decimal, scale: i64) -> Result<i64, UnitError> {
    value
        .checked_mul(Decimal::from(scale))
        .map(|v| v.round_dp_with_strategy(0, rust_decimal::RoundingStrategy::MidpointAwayFromZero))
        .and_then(|v| v.to_i64())
        .ok_or(UnitError::TooLarge)
}

impl Kopecks {
    /// No money.
    pub const ZERO: Self = Self(0);

    /// From rubles with at most two decimals; more decimals are refused.
    pub fn from_rubles(rubles: Decimal) -> Result<Self, UnitError> {
        scaled(rubles, 100).map(Self)
    }

    /// From rubles, rounded half away from zero to whole kopecks: for numbers of others.
    pub fn from_rubles_rounded(rubles: Decimal) -> Result<Self, UnitError> {
        scaled_rounding(rubles, 100).map(Self)
    }

    /// `self + other`, checked.
    pub fn plus(self, other: Self) -> Result<Self, UnitError> {
        self.0
            .checked_add(other.0)
            .map(Self)
            .ok_or(UnitError::TooLarge)
    }

    /// `self - other`, checked.
    pub fn minus(self, other: Self) -> Result<Self, UnitError> {
        self.0
            .checked_sub(other.0)
            .map(Self)
            .ok_or(UnitError::TooLarge)
    }

    /// A checked sum.
    pub fn sum(values: impl IntoIterator<Item = Self>) -> Result<Self, UnitError> {
        values.into_iter().try_fold(Self::ZERO, Self::plus)
    }
}

impl Points {
    /// No points.
    pub const ZERO: Self = Self(0);

    /// `self + other`, checked.
    pub fn plus(self, other: Self) -> Result<Self, UnitError> {
        self.0
            .checked_add(other.0)
            .map(Self)
            .ok_or(UnitError::TooLarge)
    }

    /// `self - other`, checked.
    pub fn minus(self, other: Self) -> Result<Self, UnitError> {
        self.0
            .checked_sub(other.0)
            .map(Self)
            .ok_or(UnitError::TooLarge)
    }

    /// What these points are worth when one is worth `point`, checked.
    pub fn worth(self, point: Kopecks) -> Result<Kopecks, UnitError> {
        self.0
            .checked_mul(point.0)
            .map(Kopecks)
            .ok_or(UnitError::TooLarge)
    }

    /// From a vendor's JSON number. Fractions are dropped towards zero: МойСклад's docs type
    /// points as `number`, its own engine keeps integers (§2).
    pub fn from_decimal(value: Decimal) -> Result<Self, UnitError> {
        value.trunc().to_i64().map(Self).ok_or(UnitError::TooLarge)
    }
}

impl Quantity {
    /// One piece.
    pub const ONE: Self = Self(1000);

    /// From a number with at most three decimals; more decimals are refused.
    pub fn from_decimal(value: Decimal) -> Result<Self, UnitError> {
        scaled(value, 1000).map(Self)
    }

    /// From a number with any decimals, rounded half away from zero to thousandths.
    pub fn from_decimal_rounded(value: Decimal) -> Result<Self, UnitError> {
        scaled_rounding(value, 1000).map(Self)
    }

    /// Whole pieces.
    pub fn pieces(count: i64) -> Result<Self, UnitError> {
        count.checked_mul(1000).map(Self).ok_or(UnitError::TooLarge)
    }

    /// The number of pieces when the quantity is whole.
    pub fn whole(self) -> Option<i64> {
        (self.0 % 1000 == 0).then_some(self.0 / 1000)
    }

    /// `self + other`, checked.
    pub fn plus(self, other: Self) -> Result<Self, UnitError> {
        self.0
            .checked_add(other.0)
            .map(Self)
            .ok_or(UnitError::TooLarge)
    }
}

impl Percent {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// All of it.
    pub const HUNDRED: Self = Self(10_000);

    /// From hundredths of a percent, `0..=10000`.
    pub fn from_hundredths(value: u16) -> Result<Self, UnitError> {
        if value <= 10_000 {
            Ok(Self(value))
        } else {
            Err(UnitError::OutOfRange)
        }
    }

    /// From whole percents; more than 100 becomes 100. For constants.
    pub const fn whole(value: u8) -> Self {
        if value >= 100 {
            Self::HUNDRED
        } else {
            Self(value as u16 * 100)
        }
    }

    /// From a number `0..=100` with at most two decimals.
    pub fn from_decimal(value: Decimal) -> Result<Self, UnitError> {
        let hundredths = scaled(value, 100)?;
        u16::try_from(hundredths)
            .map_err(|_| UnitError::OutOfRange)
            .and_then(Self::from_hundredths)
    }

    /// As a number `0..=100`.
    pub fn to_decimal(self) -> Decimal {
        Decimal::new(i64::from(self.0), 2).normalize()
    }

    /// Hundredths of a percent, `0..=10000`.
    pub fn hundredths(self) -> u16 {
        self.0
    }

    /// What is left of a hundred.
    pub fn rest(self) -> Self {
        Self(10_000_u16.saturating_sub(self.0))
    }

    /// `self + other`, at most 100.
    pub fn plus(self, other: Self) -> Self {
        Self(self.0.saturating_add(other.0).min(10_000))
    }
}

/// The total of a line: `round_half_up(price · quantity)` in whole kopecks (§5 rule 1).
/// Both must not be negative.
pub fn line_total(price: Kopecks, quantity: Quantity) -> Result<Kopecks, UnitError> {
    if price.0 < 0 || quantity.0 < 0 {
        return Err(UnitError::OutOfRange);
    }
    let thousandths = i128::from(price.0) * i128::from(quantity.0);
    i64::try_from((thousandths + 500) / 1000)
        .map(Kopecks)
        .map_err(|_| UnitError::TooLarge)
}

impl fmt::Display for Kopecks {
    /// As printed for people: `1234,50`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.0 < 0 { "-" } else { "" };
        let all = self.0.unsigned_abs();
        write!(f, "{sign}{},{:02}", all / 100, all % 100)
    }
}

impl fmt::Display for Points {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Display for Percent {
    /// As printed for people: `7,5 %`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.to_decimal().to_string().replace('.', ",");
        write!(f, "{text} %")
    }
}

impl Serialize for Percent {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        if self.0.is_multiple_of(100) {
            return serializer.serialize_u16(self.0 / 100);
        }
        // Two decimals survive serde_json's own number type exactly.
        serde_json::Number::from_str(&self.to_decimal().to_string())
            .map_err(ser::Error::custom)?
            .serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Percent {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        // The text of the JSON number is parsed as a decimal: `7.5` has no other reading.
        let text = serde_json::Number::deserialize(deserializer)?.to_string();
        let value = Decimal::from_str(&text)
            .or_else(|_| Decimal::from_scientific(&text))
            .map_err(|_| de::Error::custom(UnitError::NotANumber))?;
        Self::from_decimal(value).map_err(|e| de::Error::custom(format!("процент {text}: {e}")))
    }
}

#[cfg(any(test, feature = "schema"))]
impl schemars::JsonSchema for Percent {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Percent".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "number", "minimum": 0, "maximum": 100,
            "description": "Процент от 0 до 100, не больше двух знаков после запятой."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn decimal(text: &str) -> Decimal {
        text.parse().unwrap()
    }

    #[test]
    fn rubles_and_quantities_convert_exactly_or_not_at_all() {
        assert_eq!(Kopecks::from_rubles(decimal("123.45")), Ok(Kopecks(12_345)));
        assert_eq!(
            Kopecks::from_rubles(decimal("123.450")),
            Ok(Kopecks(12_345))
        );
        assert_eq!(
            Kopecks::from_rubles(decimal("0.001")),
            Err(UnitError::TooPrecise)
        );
        assert_eq!(
            Kopecks::from_rubles_rounded(decimal("0.005")),
            Ok(Kopecks(1))
        );
        assert_eq!(
            Kopecks::from_rubles_rounded(decimal("-0.005")),
            Ok(Kopecks(-1))
        );
        assert_eq!(Kopecks::from_rubles(Decimal::MAX), Err(UnitError::TooLarge));
        assert_eq!(
            Kopecks::from_rubles_rounded(Decimal::MIN),
            Err(UnitError::TooLarge)
        );
        assert_eq!(
            Quantity::from_decimal(decimal("123.456")),
            Ok(Quantity(123_456))
        );
        assert_eq!(
            Quantity::from_decimal(decimal("0.0001")),
            Err(UnitError::TooPrecise)
        );
        assert_eq!(
            Quantity::from_decimal_rounded(decimal("0.0005")),
            Ok(Quantity(1))
        );
        assert_eq!(Points::from_decimal(decimal("7.9")), Ok(Points(7)));
        assert_eq!(
            (Quantity(2_000).whole(), Quantity(2_001).whole()),
            (Some(2), None)
        );
    }

    #[test]
    fn the_total_of_a_line_rounds_half_up() {
        let total = |price, quantity| line_total(Kopecks(price), Quantity(quantity));
        assert_eq!(total(12_345, 123_456), Ok(Kopecks(1_524_064)));
        assert_eq!(
            (total(1, 500), total(1, 499)),
            (Ok(Kopecks(1)), Ok(Kopecks(0)))
        );
        assert_eq!(total(i64::MAX, 1_000), Ok(Kopecks(i64::MAX)));
        assert_eq!(total(i64::MAX, 1_001), Err(UnitError::TooLarge));
        assert_eq!(total(-1, 1_000), Err(UnitError::OutOfRange));
    }

    #[test]
    fn percents_are_json_numbers_with_two_decimals() {
        let read = |json: &str| {
            serde_json::from_str::<Percent>(json)
                .map(Percent::hundredths)
                .ok()
        };
        assert_eq!(
            (read("5"), read("7.5"), read("12.25")),
            (Some(500), Some(750), Some(1_225))
        );
        assert_eq!(
            (read("0"), read("100"), read("1e1")),
            (Some(0), Some(10_000), Some(1_000))
        );
        for wrong in [
            "100.01",
            "-1",
            "0.005",
            "1e300",
            "\"5\"",
            "null",
            "18446744073709551615",
        ] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn people_read_commas() {
        assert_eq!(Kopecks(-1_205).to_string(), "-12,05");
        assert_eq!(Percent::from_hundredths(750).unwrap().to_string(), "7,5 %");
        assert_eq!(Percent::whole(10).to_string(), "10 %");
    }

    proptest! {
        #[test]
        fn every_percent_survives_json(hundredths in 0_u16..=10_000) {
            let percent = Percent::from_hundredths(hundredths).unwrap();
            let text = serde_json::to_string(&percent).unwrap();
            prop_assert_eq!(serde_json::from_str::<Percent>(&text).unwrap(), percent);
            let value = serde_json::to_value(percent).unwrap();
            prop_assert_eq!(serde_json::from_value::<Percent>(value).unwrap(), percent);
        }
    }
}
