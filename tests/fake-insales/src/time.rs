//! Moments: whole seconds since 1970 inside, as the shop keeps them; ISO 8601 of Moscow outside (§5.1).

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime};

/// Moscow is three hours ahead all year, in seconds.
const MSK_S: i64 = 3 * 3600;

/// The machine's clock, in milliseconds.
pub(crate) fn machine_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

/// `2023-11-22T14:24:30.000+03:00`.
pub(crate) fn shown(seconds: i64) -> String {
    shown_ms(seconds.saturating_mul(1000))
}

/// The same of milliseconds, as an order's changes have them (§6.5).
pub(crate) fn shown_ms(ms: i64) -> String {
    DateTime::from_timestamp_millis(ms.saturating_add(MSK_S * 1000))
        .map(|at| at.format("%Y-%m-%dT%H:%M:%S%.3f+03:00").to_string())
        .unwrap_or_default()
}

/// What `updated_since` may say, in milliseconds: a day or a moment, with a zone or in UTC (§3). A plus
/// that was not escaped has become a blank, and is no zone.
pub(crate) fn parse(text: &str) -> Option<i64> {
    for format in ["%Y-%m-%d %H:%M:%S%.f %:z", "%Y-%m-%dT%H:%M:%S%.f%:z"] {
        if let Ok(at) = DateTime::<FixedOffset>::parse_from_str(text, format) {
            return Some(at.timestamp_millis());
        }
    }
    for format in ["%Y-%m-%d %H:%M:%S%.f", "%Y-%m-%dT%H:%M:%S%.fZ"] {
        if let Ok(at) = NaiveDateTime::parse_from_str(text, format) {
            return Some(at.and_utc().timestamp_millis());
        }
    }
    let day = NaiveDate::parse_from_str(text, "%Y-%m-%d").ok()?;
    Some(day.and_hms_opt(0, 0, 0)?.and_utc().timestamp_millis())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_come_back_as_they_were_shown() {
        assert_eq!(shown(0), "1970-01-01T03:00:00.000+03:00");
        for seconds in [0, 1_504_472_400, 1_790_000_000] {
            assert_eq!(parse(&shown(seconds)), Some(seconds * 1000));
        }
    }

    #[test]
    fn a_moment_has_a_zone_or_is_utc() {
        let at = parse("2017-09-04 00:00:00 +03:00");
        assert_eq!(at, parse("2017-09-03 21:00:00"));
        assert_eq!(at, parse("2017-09-03T21:00:00Z"));
        assert_eq!(parse("2017-09-04"), parse("2017-09-04 00:00:00 +00:00"));
    }

    #[test]
    fn a_plus_that_was_not_escaped_is_refused() {
        assert_eq!(parse("2017-09-04 00:00:00  03:00"), None);
        assert_eq!(parse("2017-09-04T00:00:00.000 03:00"), None);
        assert_eq!(parse("soon"), None);
    }
}
