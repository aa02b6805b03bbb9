//! Values as texts: money, quantities, times.

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Timelike};

/// Kopecks as rubles: `231.74`.
pub fn money(kopecks: i64) -> String {
    let sign = if kopecks < 0 { "-" } else { "" };
    let kopecks = kopecks.unsigned_abs();
    format!("{sign}{}.{:02}", kopecks / 100, kopecks % 100)
}

/// Thousandths without zeros at the end: `1`, `0.355`.
pub fn quantity(thousandths: i64) -> String {
    fraction(thousandths, 1000, 3)
}

/// Ten-thousandths without zeros at the end: `1`, `92.5058`.
pub fn rate(ten_thousandths: i64) -> String {
    fraction(ten_thousandths, 10_000, 4)
}

fn fraction(value: i64, one: u64, digits: usize) -> String {
    let sign = if value < 0 { "-" } else { "" };
    let value = value.unsigned_abs();
    let text = format!("{sign}{}.{:0digits$}", value / one, value % one);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// The local date: `2021-02-11`.
pub fn date(at_ms: i64, zone_minutes: i32) -> String {
    let at = local(at_ms, zone_minutes);
    format!("{:04}-{:02}-{:02}", at.year(), at.month(), at.day())
}

/// The local time: `18:45:21`.
pub fn time(at_ms: i64, zone_minutes: i32) -> String {
    let at = local(at_ms, zone_minutes);
    format!("{:02}:{:02}:{:02}", at.hour(), at.minute(), at.second())
}

/// Both, with `between` between them.
pub fn date_time(at_ms: i64, zone_minutes: i32, between: char) -> String {
    format!(
        "{}{between}{}",
        date(at_ms, zone_minutes),
        time(at_ms, zone_minutes)
    )
}

fn local(at_ms: i64, zone_minutes: i32) -> NaiveDateTime {
    let utc = DateTime::from_timestamp_millis(at_ms).unwrap_or_default();
    let utc = utc.naive_utc();
    utc.checked_add_signed(TimeDelta::minutes(zone_minutes.into()))
        .unwrap_or(utc)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_written_as_in_the_samples() {
        assert_eq!(money(23_174), "231.74");
        assert_eq!(money(5), "0.05");
        assert_eq!(quantity(1000), "1");
        assert_eq!(quantity(10_355), "10.355");
        assert_eq!(quantity(500), "0.5");
        assert_eq!(rate(10_000), "1");
        assert_eq!(rate(925_058), "92.5058");
        assert_eq!(rate(1_000_000), "100");
    }

    #[test]
    fn times_are_local() {
        let at = 1_613_058_321_000;
        assert_eq!(date_time(at, 180, 'T'), "2021-02-11T18:45:21");
        assert_eq!(date_time(at, 600, ' '), "2021-02-12 01:45:21");
        assert_eq!(date(i64::MAX, 180), "1970-01-01");
    }
}
