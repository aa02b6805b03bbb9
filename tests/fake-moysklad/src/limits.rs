//! Limits on requests (JSON API §1.4): units in a window, requests at once, switching off.
//!
//! Pure: the time comes in as an argument. Where the specification leaves a point open the harsher
//! reading is played: the window slides, so that *any* three seconds hold at most 45 units.

use std::collections::{HashMap, VecDeque};

use serde::Serialize;
use uuid::Uuid;

/// What may be asked of the service, with the vendor's values as defaults.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Length of the window, in milliseconds.
    pub window_ms: i64,
    /// Units in a window, per user or app.
    pub units: u32,
    /// Requests at once, per user or app.
    pub parallel: u32,
    /// Requests at once, per account.
    pub parallel_account: u32,
    /// Units of a request with the token of a published app.
    pub app_weight: u32,
    /// Units of a request with the token of a draft app.
    pub draft_weight: u32,
    /// Units of a request of a user, by token or password; `None`: what the day says, one to four.
    pub user_weight: Option<u32>,
    /// Units of `report/stock/all` and `report/stock/bystore`.
    pub stock_weight: u32,
    /// Whether `X-RateLimit-*` speak of requests of the client's weight instead of units. It is not
    /// documented; units mislead more.
    pub headers_in_requests: bool,
    /// Answers 429 in a minute after which access is switched off.
    pub refusals_a_minute: u32,
    /// Equal failing requests in a minute after which access is switched off.
    pub failures_a_minute: u32,
    /// PUTs to one entity in a minute after which access is switched off.
    pub puts_a_minute: u32,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            window_ms: 3000,
            units: 45,
            parallel: 5,
            parallel_account: 20,
            app_weight: 1,
            draft_weight: 4,
            user_weight: None,
            stock_weight: 5,
            headers_in_requests: false,
            refusals_a_minute: 200,
            failures_a_minute: 200,
            puts_a_minute: 100,
        }
    }
}

/// From when on, in milliseconds since 1970, a user's request weighs how much: Moscow's midnights of 12 May,
/// 1 September and 1 December 2026.
const USER_WEIGHTS: [(i64, u32); 3] = [
    (1_796_072_400_000, 4),
    (1_788_210_000_000, 3),
    (1_778_533_200_000, 2),
];

impl Limits {
    /// Units of a user's request at this time.
    pub fn user_weight_at(&self, now_ms: i64) -> u32 {
        let by_day = USER_WEIGHTS.iter().find(|(since, _)| now_ms >= *since);
        self.user_weight
            .unwrap_or(by_day.map_or(1, |(_, weight)| *weight))
    }
}

/// Whose requests are counted together.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct Payer {
    pub(crate) account: Uuid,
    /// A user's login or an app's uid.
    pub(crate) who: String,
}

/// What is left after a request that was let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Left {
    pub(crate) units: u32,
    /// Until the whole window is free again, in milliseconds.
    pub(crate) reset_ms: i64,
    /// Requests of this payer at once, this one included.
    pub(crate) parallel: u32,
}

/// Why a request was not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Denied {
    /// Too many units: again in so many milliseconds.
    Rate { retry_after_ms: i64 },
    /// Too many at once.
    Parallel,
    /// Access was switched off for misuse.
    SwitchedOff,
}

/// What the limits have seen: every refusal here is a fault of the client.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Count {
    /// Requests let in.
    pub granted: u64,
    /// Units spent.
    pub units: u64,
    /// Requests refused for their rate (error 1049).
    pub refused_rate: u64,
    /// Requests refused for being too many at once (error 1073).
    pub refused_parallel: u64,
    /// Requests refused because access was switched off (error 1061).
    pub refused_off: u64,
    /// The most requests of one user or app at once.
    pub max_parallel: u32,
    /// The most requests of one account at once.
    pub max_parallel_account: u32,
    /// The most units that one user or app spent in any window.
    pub max_units_in_window: u32,
}

#[derive(Debug, Default)]
struct Purse {
    spent: VecDeque<(i64, u32)>,
    running: u32,
    refusals: VecDeque<i64>,
    failures: HashMap<String, VecDeque<i64>>,
    puts: HashMap<String, VecDeque<i64>>,
    off: bool,
}

/// The limits of all accounts.
#[derive(Debug)]
pub(crate) struct Limiter {
    limits: Limits,
    purses: HashMap<Payer, Purse>,
    accounts: HashMap<Uuid, u32>,
    counts: HashMap<Uuid, Count>,
}

/// One minute, in milliseconds.
const MINUTE_MS: i64 = 60_000;

impl Limiter {
    pub(crate) fn new(limits: Limits) -> Self {
        Self {
            limits,
            purses: HashMap::new(),
            accounts: HashMap::new(),
            counts: HashMap::new(),
        }
    }

    /// Lets a request in, or says why not. Who is let in calls [`Limiter::leave`] when it ends. A refused
    /// request costs nothing.
    pub(crate) fn enter(&mut self, payer: &Payer, now: i64, weight: u32) -> Result<Left, Denied> {
        let purse = self.purses.entry(payer.clone()).or_default();
        let at_once = self.accounts.entry(payer.account).or_default();
        let limits = &self.limits;
        let count = self.counts.entry(payer.account).or_default();
        if purse.off {
            count.refused_off += 1;
            return Err(Denied::SwitchedOff);
        }
        let refuse = |purse: &mut Purse, denied| {
            let refusals = remember(&mut purse.refusals, now);
            purse.off |= refusals > limits.refusals_a_minute;
            Err(denied)
        };
        if purse.running >= limits.parallel || *at_once >= limits.parallel_account {
            count.refused_parallel += 1;
            return refuse(purse, Denied::Parallel);
        }
        let spent = purse.spent_since(now - limits.window_ms);
        if spent + weight > limits.units {
            count.refused_rate += 1;
            let retry_after_ms = purse.free_at(limits, weight) - now;
            return refuse(purse, Denied::Rate { retry_after_ms });
        }
        purse.spent.push_back((now, weight));
        purse.running += 1;
        *at_once += 1;
        count.granted += 1;
        count.units += u64::from(weight);
        count.max_parallel = count.max_parallel.max(purse.running);
        count.max_parallel_account = count.max_parallel_account.max(*at_once);
        count.max_units_in_window = count.max_units_in_window.max(spent + weight);
        Ok(Left {
            units: limits.units - spent - weight,
            reset_ms: limits.window_ms,
            parallel: purse.running,
        })
    }

    /// A request that was let in has ended.
    pub(crate) fn leave(&mut self, payer: &Payer) {
        if let Some(purse) = self.purses.get_mut(payer) {
            purse.running = purse.running.saturating_sub(1);
        }
        if let Some(at_once) = self.accounts.get_mut(&payer.account) {
            *at_once = at_once.saturating_sub(1);
        }
    }

    /// Tells how a request ended, for the rules of switching off.
    pub(crate) fn ended(&mut self, payer: &Payer, now: i64, method: &str, path: &str, status: u16) {
        let Some(purse) = self.purses.get_mut(payer) else {
            return;
        };
        if status >= 400 {
            let key = format!("{method} {path}");
            let failures = remember(purse.failures.entry(key).or_default(), now);
            purse.off |= failures > self.limits.failures_a_minute;
        }
        if method == "PUT" {
            let puts = remember(purse.puts.entry(path.to_owned()).or_default(), now);
            purse.off |= puts > self.limits.puts_a_minute;
        }
    }

    /// What was seen of an account.
    pub(crate) fn count(&self, account: Uuid) -> Count {
        self.counts.get(&account).cloned().unwrap_or_default()
    }

    /// Begins to count anew.
    pub(crate) fn reset(&mut self, account: Uuid) {
        self.counts.remove(&account);
    }

    /// Switches everybody on again.
    pub(crate) fn switch_on(&mut self) {
        for purse in self.purses.values_mut() {
            purse.off = false;
            purse.refusals.clear();
            purse.failures.clear();
            purse.puts.clear();
        }
    }
}

impl Purse {
    fn spent_since(&mut self, from: i64) -> u32 {
        while self.spent.front().is_some_and(|(at, _)| *at <= from) {
            self.spent.pop_front();
        }
        self.spent.iter().map(|(_, weight)| weight).sum()
    }

    /// From when on `weight` units are free.
    fn free_at(&self, limits: &Limits, weight: u32) -> i64 {
        let mut left: u32 = self.spent.iter().map(|(_, weight)| weight).sum();
        for (at, spent) in &self.spent {
            left -= spent;
            if left + weight <= limits.units {
                return at + limits.window_ms;
            }
        }
        self.spent.back().map_or(0, |(at, _)| at + limits.window_ms)
    }
}

/// Adds `now`, forgets what is older than a minute, and says how many there are.
fn remember(times: &mut VecDeque<i64>, now: i64) -> u32 {
    times.push_back(now);
    while times.front().is_some_and(|at| *at <= now - MINUTE_MS) {
        times.pop_front();
    }
    u32::try_from(times.len()).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn payer(who: &str) -> Payer {
        Payer {
            account: Uuid::nil(),
            who: who.into(),
        }
    }

    fn one(limiter: &mut Limiter, now: i64, weight: u32) -> Result<Left, Denied> {
        let answer = limiter.enter(&payer("a"), now, weight);
        if answer.is_ok() {
            limiter.leave(&payer("a"));
        }
        answer
    }

    #[test]
    fn any_three_seconds_hold_at_most_45_units() {
        let mut limiter = Limiter::new(Limits::default());
        for at in 0..45 {
            let left = one(&mut limiter, at * 60, 1).expect("let in");
            assert_eq!(i64::from(left.units), 44 - at);
        }
        // The first unit was spent at 0 and is free again after 3000.
        let denied = one(&mut limiter, 2999, 1);
        assert_eq!(denied, Err(Denied::Rate { retry_after_ms: 1 }));
        assert!(one(&mut limiter, 3000, 1).is_ok());
        let denied = one(&mut limiter, 3000, 5);
        // Five units are free when those of 60, 120, 180, 240 and 300 are gone.
        assert_eq!(
            denied,
            Err(Denied::Rate {
                retry_after_ms: 300
            })
        );
        assert_eq!(limiter.count(Uuid::nil()).refused_rate, 2);
        assert_eq!(limiter.count(Uuid::nil()).max_units_in_window, 45);
        assert_eq!(limiter.count(Uuid::nil()).granted, 46);
    }

    #[test]
    fn weights_count() {
        let mut limiter = Limiter::new(Limits::default());
        for _ in 0..11 {
            one(&mut limiter, 0, 4).expect("let in");
        }
        assert!(one(&mut limiter, 0, 4).is_err());
        assert!(one(&mut limiter, 0, 1).is_ok());
        assert!(one(&mut limiter, 0, 1).is_err());
    }

    #[test]
    fn five_at_once_for_one_and_twenty_for_the_account() {
        let mut limiter = Limiter::new(Limits::default());
        for who in ["a", "b", "c", "d"] {
            for _ in 0..5 {
                limiter.enter(&payer(who), 0, 1).expect("let in");
            }
        }
        assert_eq!(limiter.enter(&payer("a"), 0, 1), Err(Denied::Parallel));
        assert_eq!(limiter.enter(&payer("e"), 0, 1), Err(Denied::Parallel));
        limiter.leave(&payer("a"));
        assert!(limiter.enter(&payer("e"), 0, 1).is_ok());
        assert_eq!(limiter.count(Uuid::nil()).max_parallel, 5);
        assert_eq!(limiter.count(Uuid::nil()).max_parallel_account, 20);
        assert_eq!(limiter.count(Uuid::nil()).refused_parallel, 2);
    }

    #[test]
    fn who_does_not_listen_is_switched_off() {
        let mut limiter = Limiter::new(Limits {
            units: 1,
            ..Limits::default()
        });
        one(&mut limiter, 0, 1).expect("let in");
        for _ in 0..=200 {
            assert!(matches!(one(&mut limiter, 1, 1), Err(Denied::Rate { .. })));
        }
        assert_eq!(one(&mut limiter, 10_000, 1), Err(Denied::SwitchedOff));
        limiter.switch_on();
        assert!(one(&mut limiter, 10_000, 1).is_ok());
    }

    #[test]
    fn a_hundred_puts_a_minute_to_one_object_are_the_most() {
        let mut limiter = Limiter::new(Limits::default());
        one(&mut limiter, 0, 1).expect("let in");
        for at in 0..100 {
            limiter.ended(&payer("a"), at, "PUT", "/entity/product/1", 200);
        }
        assert!(one(&mut limiter, 5000, 1).is_ok());
        limiter.ended(&payer("a"), 5000, "PUT", "/entity/product/1", 200);
        assert_eq!(one(&mut limiter, 9000, 1), Err(Denied::SwitchedOff));
    }

    #[test]
    fn a_user_weighs_what_the_day_says() {
        let day = |text: &str| crate::time::parse_msk(text).unwrap();
        let limits = Limits::default();
        for (text, weight) in [
            ("2026-05-11 23:59", 1),
            ("2026-05-12 00:00", 2),
            ("2026-09-01 00:00", 3),
            ("2026-11-30 23:59", 3),
            ("2026-12-01 00:00", 4),
        ] {
            assert_eq!(limits.user_weight_at(day(text)), weight, "{text}");
        }
    }
}
