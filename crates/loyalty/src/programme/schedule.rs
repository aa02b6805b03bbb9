//! Days and hours on the wall clock of the shop.

use crate::units::Percent;
use chrono::{Datelike, NaiveDate, NaiveDateTime, Timelike};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::collections::BTreeSet;
use std::fmt;
use std::str::FromStr;

/// An earning percent for certain days and hours.
///
/// `{"days": ["sat", "sun"], "from": "22:00", "to": "02:00", "percent": 10}` is the nights that
/// begin on Saturday and on Sunday: hours after midnight belong to the day the window began.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Schedule {
    /// Days of the week; empty means every day (default). `"days": ["mon", "tue"]`
    #[serde(default)]
    pub days: BTreeSet<Weekday>,
    /// The first minute, `HH:MM`, default `00:00`. `"from": "10:00"`
    #[serde(default)]
    pub from: TimeOfDay,
    /// The minute at which it ends, not included, `HH:MM`, default `24:00`. Earlier than `from`
    /// means the next day; equal to `from` is refused. `"to": "14:00"`
    #[serde(default = "TimeOfDay::midnight_end")]
    pub to: TimeOfDay,
    /// The first date; null means always (default). `"since": "2026-12-01"`
    #[serde(default)]
    pub since: Option<NaiveDate>,
    /// The last date, included; null means always (default). `"until": "2026-12-31"`
    #[serde(default)]
    pub until: Option<NaiveDate>,
    /// Percent that is earned, 0..=100. `"percent": 10`
    pub percent: Percent,
}

/// A day of the week: `mon`, `tue`, `wed`, `thu`, `fri`, `sat`, `sun`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
pub enum Weekday {
    /// Monday.
    Mon,
    /// Tuesday.
    Tue,
    /// Wednesday.
    Wed,
    /// Thursday.
    Thu,
    /// Friday.
    Fri,
    /// Saturday.
    Sat,
    /// Sunday.
    Sun,
}

/// A time of day, minutes from midnight, `0..=1440`; in JSON `"HH:MM"`, `"24:00"` being the end
/// of the day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TimeOfDay(u16);

impl TimeOfDay {
    /// `24:00`, the end of the day.
    pub fn midnight_end() -> Self {
        Self(24 * 60)
    }

    /// From minutes since midnight, `0..=1440`.
    pub fn from_minutes(minutes: u16) -> Option<Self> {
        (minutes <= 24 * 60).then_some(Self(minutes))
    }

    /// Minutes since midnight.
    pub fn minutes(self) -> u16 {
        self.0
    }
}

impl Weekday {
    fn of(date: NaiveDate) -> Self {
        match date.weekday() {
            chrono::Weekday::Mon => Self::Mon,
            chrono::Weekday::Tue => Self::Tue,
            chrono::Weekday::Wed => Self::Wed,
            chrono::Weekday::Thu => Self::Thu,
            chrono::Weekday::Fri => Self::Fri,
            chrono::Weekday::Sat => Self::Sat,
            chrono::Weekday::Sun => Self::Sun,
        }
    }
}

impl Schedule {
    /// Whether the rule speaks at this moment of the shop's wall clock.
    pub fn covers(&self, at: NaiveDateTime) -> bool {
        let minute = u16::try_from(at.hour() * 60 + at.minute()).unwrap_or(0);
        if self.from < self.to {
            return (self.from.0..self.to.0).contains(&minute) && self.on(at.date());
        }
        // The window goes over midnight: its second part belongs to the day before.
        if minute >= self.from.0 {
            return self.on(at.date());
        }
        minute < self.to.0 && at.date().pred_opt().is_some_and(|day| self.on(day))
    }

    /// Whether a window begins on this date.
    fn on(&self, day: NaiveDate) -> bool {
        (self.days.is_empty() || self.days.contains(&Weekday::of(day)))
            && self.since.is_none_or(|since| since <= day)
            && self.until.is_none_or(|until| day <= until)
    }
}

impl fmt::Display for TimeOfDay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:02}:{:02}", self.0 / 60, self.0 % 60)
    }
}

impl FromStr for TimeOfDay {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let wrong = "время пишется как ЧЧ:ММ, от 00:00 до 24:00";
        let (hours, minutes) = text.split_once(':').ok_or(wrong)?;
        let number = |part: &str| match part.len() {
            2 if part.bytes().all(|b| b.is_ascii_digit()) => part.parse::<u16>().map_err(|_| wrong),
            _ => Err(wrong),
        };
        let (hours, minutes) = (number(hours)?, number(minutes)?);
        if minutes > 59 {
            return Err(wrong);
        }
        Self::from_minutes(hours * 60 + minutes).ok_or(wrong)
    }
}

impl Serialize for TimeOfDay {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for TimeOfDay {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(de::Error::custom)
    }
}

#[cfg(any(test, feature = "schema"))]
impl schemars::JsonSchema for TimeOfDay {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "TimeOfDay".into()
    }

    fn json_schema(_: &mut schemars::SchemaGenerator) -> schemars::Schema {
        schemars::json_schema!({
            "type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$|^24:00$",
            "description": "Время ЧЧ:ММ, от 00:00 до 24:00."
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> NaiveDateTime {
        text.parse().unwrap()
    }

    #[test]
    fn a_window_of_one_day_ends_before_its_last_minute() {
        let lunch: Schedule = serde_json::from_str(
            r#"{"days": ["tue"], "from": "12:00", "to": "14:00", "percent": 10}"#,
        )
        .unwrap();
        assert!(lunch.covers(at("2026-05-12T12:00:00")) && lunch.covers(at("2026-05-12T13:59:59")));
        assert!(
            !lunch.covers(at("2026-05-12T14:00:00")) && !lunch.covers(at("2026-05-13T12:30:00"))
        );
    }

    #[test]
    fn hours_after_midnight_belong_to_the_day_the_window_began() {
        let night: Schedule = serde_json::from_str(
            r#"{"days": ["sat"], "from": "22:00", "to": "02:00", "percent": 10,
                "since": "2026-05-16", "until": "2026-05-16"}"#,
        )
        .unwrap();
        // 16 May 2026 is a Saturday.
        assert!(night.covers(at("2026-05-16T22:00:00")) && night.covers(at("2026-05-17T01:59:00")));
        assert!(
            !night.covers(at("2026-05-16T01:00:00")) && !night.covers(at("2026-05-17T22:00:00"))
        );
        assert!(
            !night.covers(at("2026-05-23T23:00:00")),
            "after the last date"
        );
    }

    #[test]
    fn without_days_and_hours_it_is_always() {
        let always: Schedule = serde_json::from_str(r#"{"percent": 1}"#).unwrap();
        assert!(always.covers(NaiveDateTime::MIN) && always.covers(NaiveDateTime::MAX));
        assert!(
            always.covers(at("2026-05-16T00:00:00")) && always.covers(at("2026-05-16T23:59:59"))
        );
    }

    #[test]
    fn only_a_time_of_day_is_a_time_of_day() {
        for wrong in [
            "24:01", "1:00", "12:60", "12", "12:3", "-1:00", "ab:cd", "+1:00", "",
        ] {
            assert!(wrong.parse::<TimeOfDay>().is_err(), "{wrong}");
        }
        assert_eq!("24:00".parse(), Ok(TimeOfDay::midnight_end()));
        assert_eq!("09:05".parse::<TimeOfDay>().unwrap().to_string(), "09:05");
    }
}
