//! `[[trigger.cron]]`: calls a component's `handle-cron-event` at the times of an expression.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, ensure};
use tokio::sync::watch;
use tokio::task::JoinSet;
use wasmtime::Engine;
use wasmtime::component::InstancePre;

use crate::instance::{Grants, InstanceState, new_store};
use crate::log::date;
use crate::server::stopped;

mod bindings {
    wasmtime::component::bindgen!({
        path: "../../wit/host-cron",
        world: "spin-cron",
        exports: { default: async },
    });
}

/// How far ahead the next moment of an expression is looked for: past the next 29 February.
const HORIZON_DAYS: u64 = 366 * 9;
/// Events of one trigger that are handled at once; one more is passed over.
const AT_ONCE: usize = 4;

/// One cron trigger, ready to run.
#[derive(Clone)]
pub(crate) struct CronJob {
    engine: Engine,
    pre: bindings::SpinCronPre<InstanceState>,
    grants: Arc<Grants>,
    schedule: Schedule,
}

impl CronJob {
    pub(crate) fn new(
        engine: &Engine,
        pre: InstancePre<InstanceState>,
        grants: Arc<Grants>,
        expression: &str,
    ) -> Result<Self> {
        Ok(Self {
            engine: engine.clone(),
            pre: bindings::SpinCronPre::new(pre)
                .map_err(anyhow::Error::from)
                .context("it does not export handle-cron-event of fermyon:spin-cron@2.0.0")?,
            grants,
            schedule: Schedule::parse(expression)?,
        })
    }

    /// Fires at each moment of the schedule until the server stops. As in Spin, an event does not wait
    /// for the one before it, and a moment that passes while the server is down is not made up for.
    pub(crate) async fn run(self, mut stopping: watch::Receiver<bool>) {
        let mut last = now();
        let mut events = JoinSet::new();
        while let Some(next) = self.schedule.after(last.as_secs()) {
            let wait = Duration::from_secs(next).saturating_sub(now());
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stopped(&mut stopping) => break,
            }
            while events.try_join_next().is_some() {}
            if events.len() < AT_ONCE {
                let job = self.clone();
                events.spawn(async move { job.event(next).await });
            } else {
                let text = format!(
                    "{}: cron: the last {AT_ONCE} events go on\n",
                    self.grants.id
                );
                self.grants.stderr.put(text.as_bytes());
            }
            last = Duration::from_secs(next).max(now());
        }
        while events.join_next().await.is_some() {}
    }

    async fn event(&self, timestamp: u64) {
        if let Err(error) = self.fire(timestamp).await {
            let text = format!("{}: cron: {error:?}\n", self.grants.id);
            self.grants.stderr.put(text.as_bytes());
        }
    }

    async fn fire(&self, timestamp: u64) -> wasmtime::Result<()> {
        let mut store = new_store(&self.engine, &self.grants);
        let guest = self.pre.instantiate_async(&mut store).await?;
        let metadata = bindings::Metadata { timestamp };
        match guest.call_handle_cron_event(&mut store, metadata).await? {
            Ok(()) => Ok(()),
            Err(bindings::Error::Other(reason)) => Err(wasmtime::format_err!("{reason}")),
        }
    }
}

fn now() -> Duration {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default()
}

/// `second minute hour day-of-month month day-of-week`, each a set of allowed numbers, in UTC.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Schedule {
    seconds: u64,
    minutes: u64,
    hours: u64,
    days: u64,
    months: u64,
    weekdays: u64,
}

impl Schedule {
    fn parse(expression: &str) -> Result<Self> {
        let fields: Vec<&str> = expression.split_whitespace().collect();
        let [second, minute, hour, day, month, weekday, ..] = fields.as_slice() else {
            anyhow::bail!("cron_expression {expression:?}: six fields are needed, seconds first");
        };
        ensure!(
            fields.len() == 6,
            "cron_expression {expression:?}: years are not supported"
        );
        let set = |text: &str, range, names: &[&str]| {
            set(text, range, names).with_context(|| format!("cron_expression {expression:?}"))
        };
        Ok(Self {
            seconds: set(second, (0, 59), &[])?,
            minutes: set(minute, (0, 59), &[])?,
            hours: set(hour, (0, 23), &[])?,
            days: set(day, (1, 31), &[])?,
            months: set(month, (1, 12), &MONTHS)?,
            // As in the plugin's library, Sunday is 1.
            weekdays: set(weekday, (1, 7), &WEEKDAYS)?,
        })
    }

    /// The first moment after `after`, both in seconds since 1970.
    fn after(&self, after: u64) -> Option<u64> {
        let first = after + 1;
        let mut day = first / 86_400;
        let last_day = day + HORIZON_DAYS;
        let mut from = first % 86_400;
        while day <= last_day {
            if self.allows_day(day)
                && let Some(second) = (from..86_400).find(|second| self.allows_second(*second))
            {
                return Some(day * 86_400 + second);
            }
            day += 1;
            from = 0;
        }
        None
    }

    fn allows_day(&self, day: u64) -> bool {
        let (_, month, of_month) = date(day);
        // 1970-01-01 was a Thursday, the fifth day when Sunday is the first.
        let weekday = (day + 4) % 7 + 1;
        has(self.months, month) && has(self.days, of_month) && has(self.weekdays, weekday)
    }

    fn allows_second(&self, second: u64) -> bool {
        has(self.hours, second / 3600)
            && has(self.minutes, second / 60 % 60)
            && has(self.seconds, second % 60)
    }
}

const MONTHS: [&str; 12] = [
    "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

fn has(set: u64, number: u64) -> bool {
    set >> number & 1 == 1
}

/// Parses `*`, `5`, `1-5`, `*/10`, `2-30/4`, names, and lists of them.
fn set(text: &str, (low, high): (u64, u64), names: &[&str]) -> Result<u64> {
    let number = |text: &str| -> Result<u64> {
        let name = text.to_ascii_lowercase();
        let named = names.iter().position(|known| name.starts_with(known));
        let number = match named {
            Some(index) => low + index as u64,
            None => text
                .parse()
                .with_context(|| format!("{text:?} is no number"))?,
        };
        ensure!(
            (low..=high).contains(&number),
            "{number} is not between {low} and {high}"
        );
        Ok(number)
    };
    let mut set = 0;
    for part in text.split(',') {
        let (range, step) = match part.split_once('/') {
            Some((range, step)) => (
                range,
                step.parse::<usize>().with_context(|| format!("{part:?}"))?,
            ),
            None => (part, 1),
        };
        ensure!(step > 0, "{part:?}: the step must be above 0");
        let (first, last) = match range.split_once('-') {
            Some((first, last)) => (number(first)?, number(last)?),
            None if matches!(range, "*" | "?") => (low, high),
            None if part.contains('/') => (number(range)?, high),
            None => (number(range)?, number(range)?),
        };
        ensure!(first <= last, "{part:?} is empty");
        for number in (first..=last).step_by(step) {
            set |= 1 << number;
        }
    }
    Ok(set)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-21 18:48:45, a Saturday.
    const MOMENT: u64 = 1_795_286_925;

    fn after(expression: &str) -> u64 {
        Schedule::parse(expression).unwrap().after(MOMENT).unwrap()
    }

    #[test]
    fn the_next_moment_is_found() {
        assert_eq!(after("* * * * * *"), MOMENT + 1);
        assert_eq!(after("0 */5 * * * *"), MOMENT + 75);
        assert_eq!(after("0 0 * * * *"), MOMENT + 675);
        assert_eq!(after("45 48 18 * * *"), MOMENT + 86_400);
        assert_eq!(after("45 48 18 * * Mon-Fri"), MOMENT + 2 * 86_400);
        assert_eq!(after("45 48 18 22 nov *"), MOMENT + 86_400);
    }

    #[test]
    fn a_day_that_never_comes_has_no_moment() {
        assert_eq!(Schedule::parse("0 0 0 31 2 *").unwrap().after(MOMENT), None);
    }

    #[test]
    fn a_malformed_expression_is_an_error() {
        for expression in [
            "",
            "* * * * *",
            "60 * * * * *",
            "*/0 * * * * *",
            "a * * * * *",
            "5-1 * * * * *",
        ] {
            assert!(Schedule::parse(expression).is_err(), "{expression}");
        }
    }
}
