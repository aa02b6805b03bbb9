//! How much may be asked of the API (moysklad-json-api.md §1.4), by all instances of the application
//! together.
//!
//! The limit is a number of *units* within an interval; a request has a weight in units. For each user or
//! solution ([`super::Credentials::holder`]) one row holds, for every unit of the interval, when it is free
//! again. A reservation takes the units that are free first and answers when they are; one statement does
//! that, so that no two instances get the same unit. Each unit is given out again an interval and a margin
//! after its use: in whatever way the vendor's clock cuts time into intervals, none of them sees more units
//! than there are, and a whole interval's worth may be used at once.
//!
//! How many requests run at once is bounded by *lanes*, rows that are taken for a while and given back; who
//! dies with one gives it back by time.

use serde_json::json;
use sklad_store::{Row, Statement};

/// The units of an interval.
pub const UNITS: usize = 45;
/// The interval, milliseconds.
pub const INTERVAL_MS: i64 = 3_000;
/// How much later than an interval after its use a unit is given out again, milliseconds: two requests may
/// be under way for different times.
pub const MARGIN_MS: i64 = 200;
/// How long after its beginning a grant may still be used, milliseconds; less than [`MARGIN_MS`], since it
/// eats from that.
pub const LATE_MS: i64 = 100;
/// The most requests at once of one user or solution.
pub const LANES: usize = 5;
/// The most that any other request weighs.
pub const MOST_WEIGHT: usize = 4;
/// The weight of the reports that list the stock with costs.
pub const REPORT_WEIGHT: usize = 5;
/// Units are not believed to be taken for longer than this, milliseconds: else a clock that was set back
/// would stop everything.
const HORIZON_MS: i64 = 90_000;

/// What decides about the weight of requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The token of a published solution.
    Published,
    /// The token of a solution that is a draft or under moderation.
    Draft,
    /// A user, by login and password or by token.
    User,
}

/// From when a user's requests weigh how much: Moscow's midnights of 12 May, 1 September and
/// 1 December 2026, milliseconds since 1970 UTC.
const USER_WEIGHTS: [(i64, usize); 3] = [
    (1_796_072_400_000, 4),
    (1_788_210_000_000, 3),
    (1_778_533_200_000, 2),
];

impl Class {
    /// What a request of this class weighs at this time, in units.
    #[must_use]
    pub fn weight(self, now_ms: i64) -> usize {
        match self {
            Self::Published => 1,
            Self::Draft => 4,
            Self::User => {
                let since = USER_WEIGHTS.iter().find(|(since, _)| now_ms >= *since);
                since.map_or(1, |(_, weight)| *weight)
            }
        }
    }
}

/// What a request to `path` weighs where others weigh `weight`. Short reports, which end in `current`, are
/// not among the heavy ones.
#[must_use]
pub fn weight_of(path: &str, weight: usize) -> usize {
    let path = path.split('?').next().unwrap_or_default();
    let heavy = path.ends_with("/report/stock/all") || path.ends_with("/report/stock/bystore");
    if heavy { REPORT_WEIGHT } else { weight }
}

/// The weight that the header `X-RateLimit-Limit` lets suspect: it is told in requests. Whether it is, is
/// not documented (§7.11), so it can only raise what is known.
#[must_use]
pub fn learnt_weight(limit: Option<u32>, known: usize) -> usize {
    let limit = limit.and_then(|limit| usize::try_from(limit).ok());
    match limit.and_then(|limit| UNITS.checked_div(limit)) {
        Some(weight) => weight.clamp(known, UNITS),
        None => known,
    }
}

/// The statement that reserves units for `requests` requests of a weight, as many of them as fit into one
/// interval; it answers one row with the times from which they may be sent, see [`grants`].
#[must_use]
pub fn reserve(
    tenant: &str,
    holder: &str,
    requests: usize,
    weight: usize,
    now_ms: i64,
) -> Statement {
    let weight = weight.clamp(1, UNITS);
    let requests = requests.clamp(1, UNITS / weight);
    let taken = requests * weight;
    let free = std::iter::repeat_n(0, UNITS.saturating_sub(taken));
    let used = std::iter::repeat_n(now_ms + INTERVAL_MS + MARGIN_MS, taken);
    let fresh: Vec<i64> = free.chain(used).collect();
    let now: Vec<i64> = vec![now_ms; requests];
    let number = |n: usize| i64::try_from(n).unwrap_or_default();
    // A request begins when the last of its units is free.
    Statement::new(
        "INSERT INTO moysklad_budgets AS b (tenant, holder, units, granted) VALUES (?1, ?2, ?3, ?4) \
         ON CONFLICT (tenant, holder) DO UPDATE SET \
           units = (SELECT json_group_array(at) FROM (\
             SELECT min(u.value, ?5 + ?8) AS at FROM json_each(b.units) u WHERE u.key >= ?7 \
             UNION ALL \
             SELECT max(?5, min(?5 + ?8, json_extract(b.units, \
               '$[' || ((u.key / ?6) * ?6 + ?6 - 1) || ']'))) + ?9 \
             FROM json_each(b.units) u WHERE u.key < ?7 ORDER BY 1)), \
           granted = (SELECT json_group_array(at) FROM (\
             SELECT max(?5, min(?5 + ?8, u.value)) AS at FROM json_each(b.units) u \
             WHERE u.key < ?7 AND u.key % ?6 = ?6 - 1 ORDER BY u.key)) \
         RETURNING granted",
    )
    .bind(tenant)
    .bind(holder)
    .bind(json!(fresh).to_string())
    .bind(json!(now).to_string())
    .bind(now_ms)
    .bind(number(weight))
    .bind(number(taken))
    .bind(HORIZON_MS)
    .bind(INTERVAL_MS + MARGIN_MS)
    .expect_rows(1)
}

/// The times that a reservation answered, milliseconds since 1970 UTC, ascending.
#[must_use]
pub fn grants(answer: &[Row]) -> Vec<i64> {
    let granted = answer.first().and_then(|row| row.text(0));
    let times: Option<Vec<i64>> = granted.and_then(|json| serde_json::from_str(json).ok());
    times.unwrap_or_default()
}

/// The statement by which nothing is granted before `until_ms`: the vendor said so.
#[must_use]
pub fn hold(tenant: &str, holder: &str, until_ms: i64) -> Statement {
    Statement::new(
        "UPDATE moysklad_budgets AS b SET units = (SELECT json_group_array(at) FROM (\
           SELECT max(u.value, ?3) AS at FROM json_each(b.units) u ORDER BY 1)) \
         WHERE tenant = ?1 AND holder = ?2",
    )
    .bind(tenant)
    .bind(holder)
    .bind(until_ms)
}

/// The statement that takes up to `wanted` free lanes for `owner` until `until_ms`; it answers a row for
/// each that was got. What owners have whose names begin with `before` is free too: the takers of one job
/// follow each other, and the one before has died.
#[must_use]
pub fn take_lanes(
    tenant: &str,
    holder: &str,
    (owner, before): (&str, &str),
    wanted: usize,
    now_ms: i64,
    until_ms: i64,
) -> Statement {
    let lanes: Vec<usize> = (0..LANES).collect();
    Statement::new(
        "INSERT INTO moysklad_lanes (tenant, holder, lane, owner, until) \
         SELECT ?1, ?2, l.value, ?3, ?4 FROM json_each(?5) l \
         WHERE NOT EXISTS (SELECT 1 FROM moysklad_lanes t WHERE t.tenant = ?1 AND t.holder = ?2 \
           AND t.lane = l.value AND t.until > ?6 AND t.until <= ?6 + ?7 \
           AND substr(t.owner, 1, length(?9)) <> ?9) \
         ORDER BY l.value LIMIT ?8 \
         ON CONFLICT (tenant, holder, lane) DO UPDATE SET owner = excluded.owner, until = excluded.until \
         RETURNING lane",
    )
    .bind(tenant)
    .bind(holder)
    .bind(owner)
    .bind(until_ms)
    .bind(json!(lanes).to_string())
    .bind(now_ms)
    .bind(LONGEST_LANE_MS)
    .bind(i64::try_from(wanted.min(LANES)).unwrap_or_default())
    .bind(before)
}

/// Nobody holds a lane for longer, milliseconds; see [`HORIZON_MS`].
pub const LONGEST_LANE_MS: i64 = 600_000;

/// The statement that gives back all lanes of `owner`.
#[must_use]
pub fn free_lanes(tenant: &str, holder: &str, owner: &str) -> Statement {
    Statement::new(
        "UPDATE moysklad_lanes SET until = 0 WHERE tenant = ?1 AND holder = ?2 AND owner = ?3",
    )
    .bind(tenant)
    .bind(holder)
    .bind(owner)
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use proptest::prelude::*;
    use sklad_store::Sql;
    use sklad_store::native::NativeSql;

    use super::*;

    fn database() -> (tempfile::TempDir, NativeSql) {
        let dir = tempfile::tempdir().unwrap();
        let sql = NativeSql::open(&dir.path().join("db")).unwrap();
        (dir, sql)
    }

    fn run(sql: &NativeSql, statement: Statement) -> Vec<Row> {
        block_on(sql.atomic(vec![statement])).unwrap().remove(0)
    }

    fn granted(sql: &NativeSql, requests: usize, weight: usize, now: i64) -> Vec<i64> {
        grants(&run(sql, reserve("t", "h", requests, weight, now)))
    }

    /// The most units within an interval, beginning at any of the uses.
    fn densest(uses: &[(i64, usize)]) -> usize {
        let within = |from: i64| {
            uses.iter()
                .filter(move |(at, _)| (from..from + INTERVAL_MS).contains(at))
                .map(|(_, weight)| weight)
                .sum()
        };
        uses.iter().map(|(at, _)| within(*at)).max().unwrap_or(0)
    }

    #[test]
    fn an_interval_s_worth_is_granted_at_once_and_the_rest_later() {
        let (_dir, sql) = database();
        assert_eq!(granted(&sql, 45, 1, 1_000), vec![1_000; 45]);
        assert_eq!(granted(&sql, 2, 1, 1_500), vec![4_200, 4_200]);
        // Another holder has a limit of his own.
        let other = run(&sql, reserve("t", "other", 1, 4, 1_500));
        assert_eq!(grants(&other), [1_500]);
    }

    #[test]
    fn eleven_heavy_requests_fit_into_an_interval() {
        let (_dir, sql) = database();
        let starts: Vec<i64> = (0..23).flat_map(|_| granted(&sql, 1, 4, 0)).collect();
        let at = |time: i64| starts.iter().filter(|start| **start == time).count();
        assert_eq!((at(0), at(3_200), at(6_400)), (11, 11, 1));
        assert_eq!(granted(&sql, 100, 4, 0).len(), 11, "never more than fit");
    }

    #[test]
    fn nothing_is_granted_while_the_vendor_says_wait() {
        let (_dir, sql) = database();
        granted(&sql, 1, 1, 0);
        run(&sql, hold("t", "h", 5_000));
        assert_eq!(granted(&sql, 1, 3, 100), [5_000]);
        assert_eq!(granted(&sql, 1, 3, 6_000), [6_000]);
    }

    #[test]
    fn a_clock_that_was_set_back_does_not_stop_everything() {
        let (_dir, sql) = database();
        let late = 1_000_000_000;
        granted(&sql, 45, 1, late);
        assert_eq!(granted(&sql, 1, 1, 0), [HORIZON_MS]);
    }

    #[test]
    fn lanes_are_never_more_than_five_and_come_back_by_themselves() {
        let (_dir, sql) = database();
        let take = |owner: &str, wanted, now, until| {
            run(
                &sql,
                take_lanes("t", "h", (owner, owner), wanted, now, until),
            )
            .len()
        };
        assert_eq!(take("a", 4, 0, 1_000), 4);
        assert_eq!(take("b", 4, 0, 1_000), 1);
        assert_eq!(take("c", 1, 999, 2_000), 0);
        run(&sql, free_lanes("t", "h", "a"));
        assert_eq!(take("c", 9, 999, 2_000), 4);
        // "b" has died.
        assert_eq!(take("d", 9, 1_000, 2_000), 1);
        // The clock was set back by years.
        assert_eq!(take("e", 9, -9_000_000_000, 0), 5);
    }

    #[test]
    fn a_job_that_is_taken_up_again_has_the_lanes_of_who_died_with_it() {
        let (_dir, sql) = database();
        let take = |owner: &str, before: &str, wanted| {
            let owner = (owner, before);
            run(&sql, take_lanes("t", "h", owner, wanted, 0, 1_000)).len()
        };
        assert_eq!(take("goods:1", "goods:", 4), 4);
        assert_eq!(take("goods:2", "goods:", 4), 4);
        assert_eq!(take("changes:3", "changes:", 4), 1);
        assert_eq!(take("goods:4", "goods:", 4), 4);
        assert_eq!(take("5", "5", 4), 0);
    }

    #[test]
    fn weights_are_those_of_the_day() {
        let day = |text: &str| sklad_tenant::clock::parse_moscow(text).unwrap();
        for (text, weight) in [
            ("2026-05-11 23:59:59", 1),
            ("2026-05-12 00:00:00", 2),
            ("2026-09-01 00:00:00", 3),
            ("2026-11-30 23:59:59", 3),
            ("2026-12-01 00:00:00", 4),
        ] {
            assert_eq!(Class::User.weight(day(text)), weight, "{text}");
        }
        assert_eq!(weight_of("/report/stock/all?limit=1", 1), 5);
        assert_eq!(weight_of("/report/stock/bystore", 4), 5);
        assert_eq!(weight_of("/report/stock/bystore/current", 2), 2);
        assert_eq!(learnt_weight(Some(22), 1), 2);
        assert_eq!(learnt_weight(Some(45), 3), 3);
        assert_eq!(learnt_weight(Some(0), 2), 2);
        assert_eq!(learnt_weight(None, 2), 2);
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

        #[test]
        fn no_interval_sees_more_units_than_there_are(
            steps in proptest::collection::vec((0_i64..900, 1_usize..6, 1_usize..6, 0_i64..=LATE_MS, 0_i64..=LATE_MS), 1..80)
        ) {
            let (_dir, sql) = database();
            let mut now = 0;
            let mut uses = Vec::new();
            for (pass, requests, weight, late, way) in steps {
                now += pass;
                for start in granted(&sql, requests, weight, now) {
                    prop_assert!(start >= now);
                    // What the vendor sees comes later by what a grant may be late and the way takes.
                    uses.push((start + late + way, weight));
                }
            }
            prop_assert!(densest(&uses) <= UNITS, "{}", densest(&uses));
        }

        #[test]
        fn whoever_always_asks_gets_nearly_the_whole_limit(weight in 1_usize..5) {
            let (_dir, sql) = database();
            let mut last = 0;
            let requests = 200;
            for _ in 0..requests {
                let starts = granted(&sql, 1, weight, last);
                last = starts[0];
            }
            let per_interval = i64::try_from(UNITS / weight).unwrap();
            let ideal = (requests - 1) / per_interval * INTERVAL_MS;
            prop_assert!(last * 100 <= ideal * 108, "{last} against {ideal}");
        }
    }
}
