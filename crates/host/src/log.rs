//! One line of JSON a request on standard error.

use std::io::Write as _;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;

/// Lines that wait for the terminal; more are dropped rather than slow the server down.
const WAITING_LINES: usize = 8192;

/// What is written about one request. Neither headers nor the query are: they may hold secrets
/// or personal data.
#[derive(Debug, Serialize)]
pub(crate) struct Line<'a> {
    /// When the answer was complete, RFC 3339, UTC.
    pub time: String,
    pub component: &'a str,
    pub route: &'a str,
    pub method: &'a str,
    pub path: &'a str,
    pub status: u16,
    /// From the request's head to the end of the answer, milliseconds.
    pub ms: f64,
    /// Body bytes of the answer.
    pub bytes: u64,
}

/// Writes lines from a thread of its own, so that a slow terminal stalls no request.
#[derive(Debug, Clone)]
pub(crate) struct Log(Option<SyncSender<Vec<u8>>>);

impl Log {
    /// A log that drops everything when `quiet`.
    pub(crate) fn start(quiet: bool) -> Self {
        if quiet {
            return Self(None);
        }
        let (sender, receiver) = sync_channel(WAITING_LINES);
        let thread = std::thread::Builder::new().name("log".into());
        Self(thread.spawn(move || write(&receiver)).ok().map(|_| sender))
    }

    pub(crate) fn enabled(&self) -> bool {
        self.0.is_some()
    }

    pub(crate) fn line(&self, line: &Line<'_>) {
        if let Some(sender) = &self.0
            && let Ok(mut text) = serde_json::to_vec(line)
        {
            text.push(b'\n');
            let _ = sender.try_send(text);
        }
    }
}

fn write(lines: &Receiver<Vec<u8>>) {
    while let Ok(mut text) = lines.recv() {
        // Whatever else waits goes out in the same write.
        text.extend(lines.try_iter().take(256).flatten());
        let _ = std::io::stderr().write_all(&text);
    }
}

/// The present moment as RFC 3339 with milliseconds.
pub(crate) fn now() -> String {
    rfc3339(
        SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default(),
    )
}

fn rfc3339(since_epoch: Duration) -> String {
    let seconds = since_epoch.as_secs();
    let (year, month, day) = date(seconds / 86_400);
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let ms = since_epoch.subsec_millis();
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ms:03}Z")
}

/// The Gregorian date of a day counted from 1970-01-01.
pub(crate) fn date(day: u64) -> (u64, u64, u64) {
    // Years that begin in March put the leap day last: then months follow one formula.
    let shifted = day + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_written_as_rfc3339() {
        assert_eq!(rfc3339(Duration::ZERO), "1970-01-01T00:00:00.000Z");
        assert_eq!(
            rfc3339(Duration::from_millis(951_782_400_123)),
            "2000-02-29T00:00:00.123Z"
        );
        assert_eq!(
            rfc3339(Duration::from_secs(1_767_225_599)),
            "2025-12-31T23:59:59.000Z"
        );
    }
}
