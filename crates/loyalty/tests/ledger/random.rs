//! Random operations on the ledger and on the model; both must agree after every step.

use std::collections::BTreeMap;

use proptest::prelude::*;
use sklad_loyalty::customers::Identity;
use sklad_loyalty::ledger::{Posted, Return, Sale, SoldPosition};
use sklad_loyalty::units::{Kopecks, Quantity};
use sklad_store::SqlError;

use crate::fixture::*;
use crate::model::{Line, Model, Rules, Told};

const PEOPLE: [&str; 4] = ["ann", "bob", "cid", "dan"];
const TENANTS: [&str; 2] = ["north", "south"];

/// Goods that were returned and thousandths of them.
type Came = Vec<(String, i64)>;

#[derive(Clone, Debug)]
enum Op {
    Sell {
        id: u8,
        who: Option<usize>,
        spend: i64,
        earn: Option<i64>,
        lines: Vec<Line>,
        hours_ago: i64,
    },
    SellAgain(prop::sample::Index),
    TakeBack {
        id: u8,
        sale: Option<u8>,
        lines: Came,
    },
    TakeBackAgain(prop::sample::Index),
    Adjust {
        who: usize,
        key: u8,
        points: i64,
    },
    Merge(usize, usize),
    Wait(i64),
}

fn lines() -> impl Strategy<Value = Vec<Line>> {
    let line = (1..8i64, 0..20_000i64, 0..=100i64);
    prop::collection::vec(line, 1..4).prop_map(|lines| {
        let line = |(n, (halves, price, share)): (usize, (i64, i64, i64))| Line {
            good: format!("g{n}"),
            quantity: halves * 500,
            price,
            paid: price * share / 100,
        };
        lines.into_iter().enumerate().map(line).collect()
    })
}

fn op() -> impl Strategy<Value = Op> {
    let who = 0..PEOPLE.len();
    let buyer = prop::option::weighted(0.9, who.clone());
    let earn = prop::option::weighted(0.7, 0..120i64);
    let spend = prop_oneof![2 => Just(0), 3 => 0..150i64];
    let hours_ago = prop_oneof![3 => Just(0), 1 => 0..72i64];
    let came = prop::collection::vec((0..4u8, 1..8i64), 1..4);
    let came = came.prop_map(|lines| {
        lines
            .into_iter()
            .map(|(g, q)| (format!("g{g}"), q * 500))
            .collect()
    });
    prop_oneof![
        6 => (0..9u8, buyer, spend, earn, lines(), hours_ago)
            .prop_map(|(id, who, spend, earn, lines, hours_ago)| Op::Sell { id, who, spend, earn, lines, hours_ago }),
        2 => any::<prop::sample::Index>().prop_map(Op::SellAgain),
        6 => (0..24u8, prop::option::weighted(0.95, 0..9u8), came).prop_map(|(id, sale, lines)| Op::TakeBack { id, sale, lines }),
        2 => any::<prop::sample::Index>().prop_map(Op::TakeBackAgain),
        2 => (who.clone(), 0..12u8, -80..150i64).prop_map(|(who, key, points)| Op::Adjust { who, key, points }),
        1 => (who.clone(), who).prop_map(|(a, b)| Op::Merge(a, b)),
        3 => prop_oneof![2 => 1..120i64, 1 => 120..600i64].prop_map(Op::Wait),
    ]
}

fn rules() -> impl Strategy<Value = Rules> {
    let (after, days) = (0..4i64, prop::option::weighted(0.8, 1..40i64));
    let welcome = prop_oneof![Just(0), 1..60i64];
    (after, days, welcome).prop_map(|(active_after, expire_after, welcome)| Rules {
        active_after,
        expire_after,
        welcome,
    })
}

fn programme(rules: Rules) -> String {
    let expire = rules
        .expire_after
        .map_or("null".to_owned(), |d| d.to_string());
    let welcome = match rules.welcome {
        0 => "null".to_owned(),
        points => format!(r#"{{"points": {points}}}"#),
    };
    format!(
        r#"{{"earning": {{"active_after_days": {}, "expire_after_days": {expire}, "welcome": {welcome}}}}}"#,
        rules.active_after
    )
}

/// A tenant: its till, its model, and what was posted, to be posted again.
struct Side {
    till: Till,
    model: Model,
    sold: Vec<(Sale, Option<usize>, Vec<Line>)>,
    came: Vec<(Return, Option<String>, Came)>,
}

fn told(posted: &Posted) -> Told {
    match posted {
        Posted::Done { spend, earn, .. } => Told::Done(*spend, *earn),
        Posted::Repeated => Told::Repeated,
        Posted::Differs => Told::Differs,
    }
}

fn position(line: &Line) -> SoldPosition {
    SoldPosition {
        good: line.good.clone(),
        quantity: Quantity(line.quantity),
        price: Kopecks(line.price),
        discounted_price: Kopecks(line.paid),
        ..SoldPosition::default()
    }
}

impl Side {
    fn sell(
        &mut self,
        sale: Sale,
        who: Option<usize>,
        lines: Vec<Line>,
    ) -> Result<(), TestCaseError> {
        let who_name = who.map(|n| PEOPLE[n]);
        let (moment, now) = (sale.moment, self.till.now);
        let expected = self.model.sell(
            sale.id(),
            &sale.digest,
            who_name,
            sale.spend.unwrap_or(0),
            sale.earn,
            &lines,
            moment,
            now,
        );
        prop_assert_eq!(told(&self.till.sell(&sale)), expected);
        self.sold.push((sale, who, lines));
        Ok(())
    }

    fn take_back(
        &mut self,
        back: Return,
        sale: Option<String>,
        lines: Came,
    ) -> Result<(), TestCaseError> {
        let expected = self.model.take_back(
            back.id(),
            &back.digest,
            sale.as_deref(),
            &lines,
            self.till.now,
        );
        prop_assert_eq!(told(&self.till.take_back(&back)), expected);
        self.came.push((back, sale, lines));
        Ok(())
    }

    fn run(&mut self, op: Op) -> Result<(), TestCaseError> {
        let now = self.till.now;
        match op {
            Op::Sell {
                id,
                who,
                spend,
                earn,
                lines,
                hours_ago,
            } => {
                let mut sale = Sale {
                    keys: vec![format!("d{id}")],
                    moment: now - hours_ago * DAY / 24,
                    identity: who.map_or_else(Identity::default, |n| ids([PEOPLE[n]])),
                    positions: lines.iter().map(position).collect(),
                    spend: Some(spend),
                    earn,
                    ..Sale::default()
                };
                sale.digest = format!("{sale:?}");
                self.sell(sale, who, lines)
            }
            Op::SellAgain(n) if !self.sold.is_empty() => {
                let (sale, who, lines) = n.get(&self.sold).clone();
                self.sell(sale, who, lines)
            }
            Op::TakeBack { id, sale, lines } => {
                let sale = sale.map(|n| format!("d{n}"));
                let line = |(good, quantity): &(String, i64)| Line {
                    good: good.clone(),
                    quantity: *quantity,
                    price: 7_777,
                    paid: 5_555,
                };
                let mut back = Return {
                    // The same space of ids as that of the sales.
                    keys: vec![format!("d{id}")],
                    moment: now,
                    demand: sale.iter().cloned().collect(),
                    positions: lines.iter().map(line).map(|l| position(&l)).collect(),
                    ..Return::default()
                };
                back.digest = format!("{back:?}");
                self.take_back(back, sale, lines)
            }
            Op::TakeBackAgain(n) if !self.came.is_empty() => {
                let (back, sale, lines) = n.get(&self.came).clone();
                self.take_back(back, sale, lines)
            }
            Op::Adjust { who, key, points } => {
                let expected = self
                    .model
                    .adjust(PEOPLE[who], &format!("k{key}"), points, now);
                let adjusted = self.till.adjust(PEOPLE[who], &format!("k{key}"), points);
                prop_assert_eq!(adjusted.ok().map(|a| (a.available, a.repeated)), expected);
                Ok(())
            }
            Op::Merge(from, into) => {
                let (from, into) = (PEOPLE[from], PEOPLE[into]);
                if self.model.purse(from).is_some() && self.model.purse(into).is_some() {
                    let expected = if self.model.merge(from, into) {
                        Ok(())
                    } else {
                        Err(SqlError::Conflict)
                    };
                    prop_assert_eq!(self.till.merge(from, into), expected);
                }
                Ok(())
            }
            Op::SellAgain(_) | Op::TakeBackAgain(_) | Op::Wait(_) => Ok(()),
        }
    }

    fn agrees(&self) -> Result<(), TestCaseError> {
        for who in PEOPLE {
            let found = self.till.find(&ids([who]));
            let Some(purse) = self.model.purse(who) else {
                prop_assert!(found.is_none(), "{who}");
                continue;
            };
            let customer = found.unwrap();
            let (account, now) = (&customer.account, self.till.now);
            prop_assert_eq!(
                (
                    account.balance,
                    account.available(now),
                    account.pending(now),
                    customer.turnover.0
                ),
                (
                    purse.balance(),
                    purse.available(now),
                    purse.pending(now),
                    purse.turnover
                ),
                "{}",
                who
            );
            let mut log: BTreeMap<String, i64> = BTreeMap::new();
            for entry in self.till.entries(who) {
                *log.entry(entry.kind).or_default() += entry.points;
            }
            log.retain(|_, sum| *sum != 0);
            prop_assert_eq!(log, purse.log(), "{}", who);
        }
        prop_assert_eq!(self.till.differences(), []);
        Ok(())
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, max_shrink_iters: 2_000, ..ProptestConfig::default() })]

    #[test]
    fn the_ledger_does_what_the_model_does(
        rules in rules(),
        ops in prop::collection::vec((0..TENANTS.len(), op()), 1..60),
    ) {
        let first = Till::with(&programme(rules));
        let mut sides = TENANTS.map(|tenant| Side {
            till: first.of(tenant),
            model: Model::new(rules),
            sold: Vec::new(),
            came: Vec::new(),
        });
        for (n, op) in ops {
            if let Op::Wait(hours) = op {
                for side in &mut sides {
                    side.till.now += hours * DAY / 24;
                }
            }
            sides[n].run(op)?;
            sides[n].agrees()?;
        }
        for side in &sides {
            side.agrees()?;
        }
    }
}
