//! When a job runs by itself. Pure: the time comes in as an argument.
//!
//! A schedule is a set of moments; [`Schedule::next`] is the first one that is to come. Moments that
//! passed while nobody looked are made up for by one run, and a moment that a run was for does not come
//! again when a clock is set back.

use serde::{Deserialize, Serialize};

/// The most minutes between two moments: a day.
pub const MAX_MINUTES: u16 = 24 * 60;
/// The most days between two moments.
pub const MAX_DAYS: u16 = 31;
/// By how much the moment of a day may be later than its hour, in milliseconds: so the shops do not all
/// begin in the same second.
pub const JITTER_MS: i64 = 10 * MS_PER_MINUTE;

const MS_PER_MINUTE: i64 = 60_000;
const MS_PER_HOUR: i64 = 60 * MS_PER_MINUTE;
const MS_PER_DAY: i64 = 24 * MS_PER_HOUR;
/// The farthest a time zone can be from UTC, in minutes.
const MAX_ZONE_MINUTES: i32 = 14 * 60;

/// When a job runs by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, deny_unknown_fields)]
pub enum Schedule {
    /// Every so many minutes.
    Minutes {
        /// From 1 to [`MAX_MINUTES`]; what is outside of it counts as the nearest.
        every_minutes: u16,
    },
    /// Every so many days.
    Days {
        /// From 1 to [`MAX_DAYS`]; what is outside of it counts as the nearest.
        every_days: u16,
        /// The hour of the day, from 0 to 23, on a clock of the zone.
        hour: u8,
        /// The zone, in minutes from UTC.
        zone_minutes: i32,
    },
}

impl Schedule {
    /// The first moment after `now`, in milliseconds since 1970 UTC. `last` is the moment of this schedule
    /// that the last run was for: the next one is a whole period later or more, whatever the clock says
    /// now – unless `last` is so far away that the clock must have been wrong when it was worked out.
    /// `offset` is [`offset`] of the job.
    #[must_use]
    pub fn next(self, now: i64, last: Option<i64>, offset: i64) -> i64 {
        let last = last.filter(|last| last.saturating_sub(now) <= self.period());
        match self {
            Self::Minutes { .. } => {
                let after = last.map_or(now, |last| last.max(now));
                let behind = after.saturating_sub(offset).rem_euclid(self.period());
                after.saturating_add(self.period() - behind)
            }
            Self::Days {
                hour, zone_minutes, ..
            } => {
                let hour = i64::from(hour.min(23)) * MS_PER_HOUR;
                let zone = i64::from(zone_minutes.clamp(-MAX_ZONE_MINUTES, MAX_ZONE_MINUTES));
                let shift = hour + offset.rem_euclid(JITTER_MS) - zone * MS_PER_MINUTE;
                // Days counted as they begin at the job's moment.
                let day = |at: i64| at.saturating_sub(shift).div_euclid(MS_PER_DAY);
                let next = match last {
                    None => day(now) + 1,
                    Some(last) => {
                        // The last moment may have had another hour: its day is the nearest.
                        let last = day(last.saturating_add(MS_PER_DAY / 2));
                        let period = self.period() / MS_PER_DAY;
                        let behind = (day(now) - last).max(0).div_euclid(period);
                        last + (behind + 1) * period
                    }
                };
                next.saturating_mul(MS_PER_DAY).saturating_add(shift)
            }
        }
    }

    /// The time between two moments, in milliseconds.
    #[must_use]
    pub fn period(self) -> i64 {
        match self {
            Self::Minutes { every_minutes } => {
                i64::from(every_minutes.clamp(1, MAX_MINUTES)) * MS_PER_MINUTE
            }
            Self::Days { every_days, .. } => i64::from(every_days.clamp(1, MAX_DAYS)) * MS_PER_DAY,
        }
    }
}

/// By how much the moments of a job are shifted, in milliseconds from 0 to below a day: always the same
/// for a job, different between tenants.
#[must_use]
pub fn offset(tenant: &str, kind: &str) -> i64 {
    // FNV-1a: any even spreading does.
    let mut hash: u64 = 0xcbf2_9ce4_8422_2325;
    for byte in tenant.bytes().chain([0]).chain(kind.bytes()) {
        hash = (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3);
    }
    i64::try_from(hash >> 16)
        .unwrap_or_default()
        .rem_euclid(MS_PER_DAY)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// 2026-11-22 00:00 UTC.
    const MIDNIGHT: i64 = 1_795_305_600_000;

    fn schedule() -> impl Strategy<Value = Schedule> {
        let minutes =
            (1..=MAX_MINUTES).prop_map(|every_minutes| Schedule::Minutes { every_minutes });
        let days =
            (1..=MAX_DAYS, 0..24_u8, -720..=840).prop_map(|(every_days, hour, zone_minutes)| {
                Schedule::Days {
                    every_days,
                    hour,
                    zone_minutes,
                }
            });
        prop_oneof![minutes, days]
    }

    #[test]
    fn a_daily_job_runs_at_its_hour_on_the_accounts_clock() {
        let moscow = Schedule::Days {
            every_days: 1,
            hour: 3,
            zone_minutes: 180,
        };
        assert_eq!(moscow.next(MIDNIGHT - 1, None, 0), MIDNIGHT);
        assert_eq!(moscow.next(MIDNIGHT, None, 0), MIDNIGHT + MS_PER_DAY);
        assert_eq!(moscow.next(MIDNIGHT - 1, None, 7), MIDNIGHT + 7);
        let weekly = Schedule::Days {
            every_days: 7,
            hour: 5,
            zone_minutes: 180,
        };
        let moved = MIDNIGHT + 7 * MS_PER_DAY + 2 * MS_PER_HOUR;
        assert_eq!(
            weekly.next(MIDNIGHT + 1, Some(MIDNIGHT), 0),
            moved,
            "the hour was changed"
        );
    }

    #[test]
    fn an_account_east_of_moscow_begins_its_day_earlier() {
        let kamchatka = Schedule::Days {
            every_days: 1,
            hour: 3,
            zone_minutes: 720,
        };
        // 03:00 there is 15:00 UTC of the day before.
        assert_eq!(
            kamchatka.next(MIDNIGHT, None, 0),
            MIDNIGHT + 15 * MS_PER_HOUR
        );
    }

    #[test]
    fn shops_do_not_begin_in_one_second() {
        let hourly = Schedule::Minutes { every_minutes: 60 };
        let mut moments: Vec<_> = (0..100)
            .map(|n| hourly.next(MIDNIGHT, None, offset(&format!("shop{n}"), "import")))
            .collect();
        moments.sort_unstable();
        moments.dedup_by_key(|at| *at / 1000);
        assert!(moments.len() > 90, "{}", moments.len());
    }

    #[test]
    fn what_is_out_of_range_is_the_nearest() {
        let never: Schedule = serde_json::from_str(r#"{"every_minutes":0}"#).unwrap();
        assert_eq!(never.period(), MS_PER_MINUTE);
        for extreme in [i64::MIN, i64::MAX] {
            let _ = never.next(extreme, Some(extreme), 0);
            let _ = never.next(0, Some(extreme), extreme);
        }
    }

    #[test]
    fn a_clock_that_was_years_ahead_does_not_stop_a_job_for_years() {
        let daily = Schedule::Days {
            every_days: 1,
            hour: 0,
            zone_minutes: 0,
        };
        let wrong = MIDNIGHT + 500 * MS_PER_DAY;
        assert_eq!(daily.next(MIDNIGHT, Some(wrong), 0), MIDNIGHT + MS_PER_DAY);
    }

    proptest! {
        #[test]
        fn the_next_moment_is_to_come_and_no_farther_than_a_period(
            s in schedule(), now in 0..4_000_000_000_000_i64, tenant in "[a-z]{1,8}"
        ) {
            let next = s.next(now, None, offset(&tenant, "x"));
            prop_assert!(next > now && next - now <= s.period().max(MS_PER_DAY));
            // The moment after it is one period later, whenever one asks in between.
            prop_assert_eq!(s.next(next, Some(next), offset(&tenant, "x")), next + s.period());
        }

        #[test]
        fn a_clock_that_jumps_runs_each_moment_once(
            s in schedule(), start in 1_000_000_000_000..4_000_000_000_000_i64,
            jumps in prop::collection::vec(-30_i64..60, 1..40)
        ) {
            // Jumps of the clock, in tenths of a period, at most half of which are back.
            let mut now = start;
            let mut planned = s.next(now, None, 0);
            let mut ran = Vec::new();
            for jump in jumps {
                now += jump.max(-9) * (s.period() / 10);
                if planned <= now {
                    ran.push(planned);
                    planned = s.next(now, Some(planned), 0);
                    prop_assert!(planned > now);
                }
            }
            prop_assert!(ran.windows(2).all(|pair| pair[1] - pair[0] >= s.period()), "{:?}", ran);
        }

        #[test]
        fn schedules_survive_being_stored(s in schedule()) {
            let text = serde_json::to_string(&s).unwrap();
            prop_assert_eq!(serde_json::from_str::<Schedule>(&text).unwrap(), s);
        }
    }
}
