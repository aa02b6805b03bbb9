//! Wall-clock times: what a merchant's clock shows, and what МойСклад writes.
//!
//! Inside, every time is milliseconds since 1970 UTC. Russia has no summer time, so a zone is a
//! fixed offset in minutes.

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta};

/// Moscow, in minutes from UTC: the zone of МойСклад's times and the default of a tenant.
pub const MOSCOW_MINUTES: i32 = 180;
/// The least offset of a time zone from UTC, in minutes.
pub const MIN_ZONE_MINUTES: i32 = -720;
/// The greatest offset of a time zone from UTC, in minutes.
pub const MAX_ZONE_MINUTES: i32 = 840;

const MS_PER_MINUTE: i64 = 60_000;

/// What a clock `zone_minutes` from UTC shows at `at_ms`. A time beyond the calendar reads as 1970.
#[must_use]
pub fn local(at_ms: i64, zone_minutes: i32) -> NaiveDateTime {
    let shifted = at_ms.saturating_add(i64::from(zone_minutes) * MS_PER_MINUTE);
    DateTime::from_timestamp_millis(shifted)
        .unwrap_or_default()
        .naive_utc()
}

/// The moment at which a clock `zone_minutes` from UTC shows `time`, in milliseconds since 1970.
#[must_use]
pub fn instant(time: NaiveDateTime, zone_minutes: i32) -> i64 {
    let utc = time.and_utc().timestamp_millis();
    utc.saturating_sub(i64::from(zone_minutes) * MS_PER_MINUTE)
}

/// Midnight of the day that a clock `zone_minutes` from UTC shows at `at_ms`, moved by `days`.
#[must_use]
pub fn midnight(at_ms: i64, zone_minutes: i32, days: i64) -> i64 {
    let day = local(at_ms, zone_minutes).date();
    let moved = TimeDelta::try_days(days)
        .and_then(|d| day.checked_add_signed(d))
        .unwrap_or(day);
    instant(moved.and_time(chrono::NaiveTime::MIN), zone_minutes)
}

/// Reads `YYYY-MM-DD HH:mm:ss`, with or without `.SSS`, as Moscow time: milliseconds since 1970.
#[must_use]
pub fn parse_moscow(text: &str) -> Option<i64> {
    parse(text).map(|time| instant(time, MOSCOW_MINUTES))
}

/// Writes Moscow time as `YYYY-MM-DD HH:mm:ss`.
#[must_use]
pub fn format_moscow(at_ms: i64) -> String {
    format(local(at_ms, MOSCOW_MINUTES))
}

/// Writes UTC as `YYYY-MM-DD HH:mm:ss`, as the expiry of a gift certificate is given.
#[must_use]
pub fn format_utc(at_ms: i64) -> String {
    format(local(at_ms, 0))
}

/// Reads `YYYY-MM-DD HH:mm:ss`, with or without a fraction of 1 to 9 digits of a second; `T`
/// between date and time and a missing time (midnight) are accepted too.
#[must_use]
pub fn parse(text: &str) -> Option<NaiveDateTime> {
    let text = text.trim();
    let (date, time) = match text.split_once([' ', 'T']) {
        Some((date, time)) => (date, time),
        None => (text, "00:00:00"),
    };
    let date = parse_date(date)?;
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut parts = time.split(':');
    let hour = digits(parts.next()?, 2)?;
    let minute = digits(parts.next()?, 2)?;
    let second = digits(parts.next()?, 2)?;
    if parts.next().is_some() || fraction.is_empty() || fraction.len() > 9 {
        return None;
    }
    let milli = milliseconds(fraction)?;
    date.and_hms_milli_opt(hour, minute, second, milli)
}

/// Reads `YYYY-MM-DD`.
#[must_use]
pub fn parse_date(text: &str) -> Option<NaiveDate> {
    let mut parts = text.split('-');
    let year = digits(parts.next()?, 4)?;
    let month = digits(parts.next()?, 2)?;
    let day = digits(parts.next()?, 2)?;
    if parts.next().is_some() {
        return None;
    }
    NaiveDate::from_ymd_opt(i32::try_from(year).ok()?, month, day)
}

fn digits(text: &str, width: usize) -> Option<u32> {
    let all_digits = text.len() == width && text.bytes().all(|b| b.is_ascii_digit());
    all_digits.then(|| text.parse().ok()).flatten()
}

/// The first three digits of a fraction of a second.
fn milliseconds(fraction: &str) -> Option<u32> {
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    fraction
        .bytes()
        .chain(std::iter::repeat(b'0'))
        .take(3)
        .try_fold(0_u32, |sum, b| {
            Some(sum * 10 + u32::from(b.checked_sub(b'0')?))
        })
}

fn format(time: NaiveDateTime) -> String {
    use chrono::{Datelike, Timelike};
    let (y, m, d) = (time.year(), time.month(), time.day());
    let (h, min, s) = (time.hour(), time.minute(), time.second());
    format!("{y:04}-{m:02}-{d:02} {h:02}:{min:02}:{s:02}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moscow_is_three_hours_ahead_of_utc() {
        assert_eq!(parse_moscow("1970-01-01 03:00:00"), Some(0));
        assert_eq!(parse_moscow("1970-01-01 03:00:01.250"), Some(1250));
        assert_eq!(parse_moscow("2016-04-27 15:43:00"), Some(1_461_760_980_000));
        assert_eq!(format_moscow(1_461_760_980_999), "2016-04-27 15:43:00");
        assert_eq!(format_utc(1_461_760_980_000), "2016-04-27 12:43:00");
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for bad in [
            "",
            "2016",
            "2016-13-01 00:00:00",
            "2016-02-30 00:00:00",
            "2016-04-27 24:00:00",
            "2016-04-27 15:43",
            "2016-04-27 15:43:00.",
            "2016-04-27 15:43:00.x",
            "2016-4-27 15:43:00",
            "+016-04-27 15:43:00",
            "2016-04-27 15:43:00:00",
            "2016-04-27-01 15:43:00",
        ] {
            assert_eq!(parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_local_time_comes_back_to_its_moment() {
        for zone in [MIN_ZONE_MINUTES, -210, 0, MOSCOW_MINUTES, MAX_ZONE_MINUTES] {
            for at in [0, 1, 1_461_760_980_123, -5_000] {
                assert_eq!(instant(local(at, zone), zone), at);
            }
        }
        // 23:30 UTC is already the next day in Moscow.
        let at = parse_moscow("2024-03-01 02:30:00").unwrap();
        assert_eq!(
            midnight(at, MOSCOW_MINUTES, 0),
            parse_moscow("2024-03-01").unwrap()
        );
        assert_eq!(
            midnight(at, 0, 1),
            parse_moscow("2024-03-01 03:00:00").unwrap()
        );
        assert_eq!(
            midnight(at, MOSCOW_MINUTES, -1),
            parse_moscow("2024-02-29").unwrap()
        );
    }

    #[test]
    fn no_number_panics() {
        for at in [i64::MIN, i64::MAX] {
            let _ = format(local(at, MAX_ZONE_MINUTES));
            let _ = midnight(at, MIN_ZONE_MINUTES, i64::MAX);
        }
        let _ = instant(NaiveDateTime::MAX, MIN_ZONE_MINUTES);
        let _ = instant(NaiveDateTime::MIN, MAX_ZONE_MINUTES);
    }
}
