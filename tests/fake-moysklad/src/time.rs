//! Moments: milliseconds since 1970 inside, Moscow time without a zone outside (JSON API §1.7).

use std::time::{SystemTime, UNIX_EPOCH};

use chrono::{DateTime, NaiveDateTime};

/// Moscow is three hours ahead all year.
const MSK_MS: i64 = 3 * 3600 * 1000;
/// One minute, in milliseconds.
pub(crate) const MINUTE_MS: i64 = 60_000;
/// One day, in milliseconds.
pub(crate) const DAY_MS: i64 = 24 * 60 * MINUTE_MS;

/// The machine's clock, in milliseconds.
pub(crate) fn machine_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

/// `yyyy-MM-dd HH:mm:ss.SSS` in Moscow.
pub(crate) fn msk(ms: i64) -> String {
    formatted(ms, "%Y-%m-%d %H:%M:%S%.3f")
}

/// `yyyy-MM-dd HH:mm:ss` in Moscow, as webhooks and stock reports write it.
pub(crate) fn msk_seconds(ms: i64) -> String {
    formatted(ms, "%Y-%m-%d %H:%M:%S")
}

fn formatted(ms: i64, format: &str) -> String {
    DateTime::from_timestamp_millis(ms.saturating_add(MSK_MS))
        .map(|at| at.format(format).to_string())
        .unwrap_or_default()
}

/// `yyyy-MM-dd HH:mm[:ss[.SSS]]` of Moscow as milliseconds.
pub(crate) fn parse_msk(text: &str) -> Option<i64> {
    let parsed = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f")
        .or_else(|_| NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M"))
        .ok()?;
    Some(parsed.and_utc().timestamp_millis() - MSK_MS)
}

/// The same moment without its seconds: documents keep no more.
pub(crate) fn to_the_minute(ms: i64) -> i64 {
    ms - ms.rem_euclid(MINUTE_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_moscow_time_and_come_back() {
        assert_eq!(msk(0), "1970-01-01 03:00:00.000");
        for text in ["2026-08-01 12:30:15.250", "1970-01-01 03:00:00.000"] {
            assert_eq!(parse_msk(text).map(msk).as_deref(), Some(text));
        }
        assert_eq!(
            parse_msk("2026-08-01 12:30"),
            parse_msk("2026-08-01 12:30:00.000")
        );
        assert_eq!(parse_msk("2026-08-01T12:30:00Z"), None);
    }
}
