//! How much may be asked of a shop (insales.md §2), by all instances of the application together.
//!
//! The limit is a number of requests within an interval that begins with the first request of a series. For
//! each shop and key one row counts them; one statement asks for the right to send, so that no two instances
//! get the same one. The shop tells with every answer what it has counted: where it knows of more – somebody
//! else uses the key – its word counts.

use sklad_store::{Row, Statement};

/// Requests within an interval, until the shop tells another number.
pub const REQUESTS: i64 = 500;
/// The interval, milliseconds.
pub const INTERVAL_MS: i64 = 5 * 60_000;
/// How much later than the interval a new one is believed to begin, milliseconds: the shop counts from when
/// a request arrives, and requests may be under way for different times.
pub const MARGIN_MS: i64 = 3_000;
/// How many requests of an interval the import of the catalogue leaves to orders.
pub const KEPT: i64 = 100;
/// Nothing is believed to be held for longer than this, milliseconds: else a clock that was set back would
/// stop everything.
const HORIZON_MS: i64 = 10 * 60_000;

/// Who asks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// Whoever can wait: the import of the catalogue. It leaves [`KEPT`] requests to others.
    Catalogue,
    /// Orders, checks, what a person waits for.
    Orders,
}

/// What a request for the right to send was answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Answer {
    /// Whether one request may be sent now.
    pub granted: bool,
    /// How many are counted in the interval, this one among them.
    pub used: i64,
    /// When to ask again where it is not granted, milliseconds since 1970 UTC.
    pub free_at: i64,
}

/// The statement that asks for the right to send one request; it answers one row, see [`answer`].
#[must_use]
pub fn ask(holder: &str, part: Part, now_ms: i64) -> Statement {
    let kept = match part {
        Part::Catalogue => KEPT,
        Part::Orders => 0,
    };
    // All expressions of SET see the row as it was. `over`: the interval is past, or lies in a future that a
    // wrong clock made.
    Statement::new(
        "INSERT INTO insales_budgets AS b (tenant, holder, since, used, most) VALUES ('', ?1, ?2, 1, ?3) \
         ON CONFLICT (tenant, holder) DO UPDATE SET \
           since = iif(b.held_until > ?2 AND b.held_until <= ?2 + ?6, b.since, \
             iif(b.since > ?2 OR b.since + ?4 <= ?2, ?2, b.since)), \
           used = iif(b.held_until > ?2 AND b.held_until <= ?2 + ?6, b.used, \
             iif(b.since > ?2 OR b.since + ?4 <= ?2, 1, b.used + (b.used < b.most - ?5))), \
           granted = NOT (b.held_until > ?2 AND b.held_until <= ?2 + ?6) \
             AND (b.since > ?2 OR b.since + ?4 <= ?2 OR b.used < b.most - ?5) \
         RETURNING granted, used, max(iif(held_until <= ?2 + ?6, held_until, 0), \
           iif(used < most - ?5, 0, since + ?4))",
    )
    .bind(holder)
    .bind(now_ms)
    .bind(REQUESTS)
    .bind(INTERVAL_MS + MARGIN_MS)
    .bind(kept)
    .bind(HORIZON_MS)
    .expect_rows(1)
}

/// What [`ask`] was answered.
#[must_use]
pub fn answer(rows: &[Row]) -> Option<Answer> {
    let row = rows.first()?;
    Some(Answer {
        granted: row.int(0)? == 1,
        used: row.int(1)?,
        free_at: row.int(2)?,
    })
}

/// The statement that takes the shop's word on what it has counted: `used` of `most` at the request that we
/// counted as `known`. Nothing where it says nothing new. That the shop counts from one anew is believed:
/// its interval ended before ours.
#[must_use]
pub fn told(
    holder: &str,
    known: i64,
    (used, most): (i64, i64),
    sent_at_ms: i64,
) -> Option<Statement> {
    let began = used == 1 && known > 1;
    let more = used > known || most != REQUESTS;
    (began || more).then(|| {
        Statement::new(
            "UPDATE insales_budgets SET most = ?3, used = iif(?4, 1, max(used, ?2)), \
               since = iif(?4, ?5, since) WHERE tenant = '' AND holder = ?1",
        )
        .bind(holder)
        .bind(used)
        .bind(most)
        .bind(began)
        .bind(sent_at_ms)
    })
}

/// The statement by which nothing is granted before `until_ms`: the shop said so. What was counted until
/// then is forgotten with it: the interval is over.
#[must_use]
pub fn hold(holder: &str, until_ms: i64) -> Statement {
    Statement::new(
        "UPDATE insales_budgets SET held_until = max(held_until, ?2), since = 0 \
         WHERE tenant = '' AND holder = ?1",
    )
    .bind(holder)
    .bind(until_ms)
}

#[cfg(test)]
mod tests {
    use futures::executor::block_on;
    use sklad_store::Sql;
    use sklad_store::native::NativeSql;

    use super::*;

    const NOW: i64 = 1_700_000_000_000;

    struct World(
        #[allow(dead_code, reason = "kept while the test runs")] tempfile::TempDir,
        NativeSql,
    );

    impl World {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let sql = NativeSql::open(&dir.path().join("db")).unwrap();
            Self(dir, sql)
        }

        fn run(&self, statement: Statement) -> Vec<Row> {
            block_on(self.1.atomic(vec![statement])).unwrap().remove(0)
        }

        fn ask(&self, part: Part, now: i64) -> Answer {
            answer(&self.run(ask("a", part, now))).unwrap()
        }
    }

    #[test]
    fn an_interval_has_as_many_requests_as_it_may() {
        let world = World::new();
        for n in 1..=REQUESTS {
            let answer = world.ask(Part::Orders, NOW + n * 100);
            assert_eq!((answer.granted, answer.used), (true, n));
        }
        // The first was sent at NOW + 100.
        let free = NOW + 100 + INTERVAL_MS + MARGIN_MS;
        let refused = world.ask(Part::Orders, free - 1);
        assert_eq!((refused.granted, refused.free_at), (false, free));
        let next = world.ask(Part::Orders, free);
        assert_eq!((next.granted, next.used), (true, 1));
    }

    #[test]
    fn the_catalogue_leaves_some_to_orders() {
        let world = World::new();
        let granted = |part| (0..1_000).filter(|_| world.ask(part, NOW).granted).count();
        assert_eq!(
            granted(Part::Catalogue),
            usize::try_from(REQUESTS - KEPT).unwrap()
        );
        assert_eq!(granted(Part::Orders), usize::try_from(KEPT).unwrap());
        assert_eq!(granted(Part::Catalogue), 0);
    }

    #[test]
    fn shops_have_each_their_own() {
        let world = World::new();
        while world.ask(Part::Orders, NOW).granted {}
        let other = answer(&world.run(ask("b", Part::Orders, NOW))).unwrap();
        assert!(other.granted);
    }

    #[test]
    fn the_word_of_the_shop_counts() {
        let world = World::new();
        assert!(world.ask(Part::Orders, NOW).granted);
        assert!(told("a", 1, (1, REQUESTS), NOW).is_none());
        assert!(told("a", 5, (4, REQUESTS), NOW).is_none());
        // Somebody else has used the key.
        world.run(told("a", 1, (499, 500), NOW).unwrap());
        assert!(world.ask(Part::Orders, NOW).granted);
        assert!(!world.ask(Part::Orders, NOW).granted);
        // The shop began anew before we believed it.
        world.run(told("a", 500, (1, 500), NOW + 1_000).unwrap());
        let next = world.ask(Part::Orders, NOW + 2_000);
        assert_eq!((next.granted, next.used), (true, 2));
        // Another limit is another limit.
        world.run(told("a", 2, (3, 3), NOW).unwrap());
        assert!(!world.ask(Part::Orders, NOW + 3_000).granted);
    }

    #[test]
    fn nothing_is_sent_before_the_shop_allows_it() {
        let world = World::new();
        assert!(world.ask(Part::Orders, NOW).granted);
        world.run(hold("a", NOW + 5_000));
        let refused = world.ask(Part::Orders, NOW + 4_999);
        assert_eq!((refused.granted, refused.free_at), (false, NOW + 5_000));
        let next = world.ask(Part::Orders, NOW + 5_000);
        assert_eq!((next.granted, next.used), (true, 1));
    }

    #[test]
    fn a_clock_that_was_ahead_stops_nothing() {
        let world = World::new();
        let year = 365 * 24 * 3_600_000;
        while world.ask(Part::Orders, NOW + year).granted {}
        assert!(world.ask(Part::Orders, NOW).granted);
        world.run(hold("a", NOW + year));
        assert!(world.ask(Part::Orders, NOW).granted);
    }
}
