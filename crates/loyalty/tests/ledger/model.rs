//! What the ledger must do, told another way: a purse holds its points one by one.

use std::collections::BTreeMap;

use sklad_loyalty::ledger::account::NEVER;

use crate::fixture::DAY;

/// One point. The order is the order in which points are spent.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Coin {
    expires: i64,
    active: i64,
    lot: String,
}

#[derive(Clone, Default)]
pub struct Purse {
    coins: Vec<Coin>,
    owed: i64,
    /// How many points of a lot ran out.
    gone: BTreeMap<String, i64>,
    /// Σ points by kind of entry.
    log: BTreeMap<&'static str, i64>,
    pub turnover: i64,
}

/// A line of a sale: the good, thousandths, kopecks before and after discounts.
#[derive(Clone, Debug)]
pub struct Line {
    pub good: String,
    pub quantity: i64,
    pub price: i64,
    pub paid: i64,
}

struct Sold {
    digest: String,
    purse: Option<usize>,
    lines: Vec<Line>,
    spend: i64,
    earn: i64,
    /// When each of the points spent would have expired.
    taken: Vec<i64>,
    /// Thousandths returned so far.
    returned: BTreeMap<String, i64>,
    restored: i64,
    clawed: i64,
    refunded: i64,
}

struct Back {
    digest: String,
    sale: Option<String>,
    lines: Vec<(String, i64)>,
    waiting: bool,
}

#[derive(Clone, Copy, Debug)]
pub struct Rules {
    pub active_after: i64,
    pub expire_after: Option<i64>,
    pub welcome: i64,
}

#[derive(Debug, PartialEq, Eq)]
pub enum Told {
    Done(i64, i64),
    Repeated,
    Differs,
}

pub struct Model {
    rules: Rules,
    people: BTreeMap<String, usize>,
    purses: Vec<Purse>,
    sales: BTreeMap<String, Sold>,
    returns: BTreeMap<String, Back>,
    adjusted: Vec<String>,
}

fn round(exact: i128, whole: i128) -> i64 {
    i64::try_from((2 * exact + whole) / (2 * whole)).unwrap()
}

impl Purse {
    pub fn balance(&self) -> i64 {
        i64::try_from(self.coins.len()).unwrap() - self.owed
    }

    fn enter(&mut self, kind: &'static str, points: i64) {
        *self.log.entry(kind).or_default() += points;
    }

    pub fn log(&self) -> BTreeMap<String, i64> {
        let spoken = self.log.iter().filter(|(_, sum)| **sum != 0);
        spoken
            .map(|(kind, sum)| ((*kind).to_owned(), *sum))
            .collect()
    }

    /// What time alone does: points that have become active pay what is owed, the rest expires.
    fn touch(&mut self, now: i64) {
        self.coins.sort();
        while self.owed > 0 {
            let Some(n) = self.coins.iter().position(|c| c.active <= now) else {
                break;
            };
            self.coins.remove(n);
            self.owed -= 1;
        }
        let before = self.balance();
        for coin in self.coins.iter().filter(|c| c.expires <= now) {
            *self.gone.entry(coin.lot.clone()).or_default() += 1;
        }
        self.coins.retain(|c| c.expires > now);
        self.enter("expire", self.balance() - before);
    }

    pub fn available(&self, now: i64) -> i64 {
        let mut then = self.clone();
        then.touch(now);
        let usable = then.coins.iter().filter(|c| c.active <= now).count();
        i64::try_from(usable).unwrap() - then.owed
    }

    pub fn pending(&self, now: i64) -> i64 {
        let pending = self.coins.iter().filter(|c| c.active > now).count();
        i64::try_from(pending).unwrap()
    }

    fn put(&mut self, kind: &'static str, coins: impl IntoIterator<Item = Coin>) {
        for coin in coins {
            self.enter(kind, 1);
            if self.owed > 0 {
                self.owed -= 1;
            } else {
                self.coins.push(coin);
            }
        }
    }

    /// Takes points in the order given, as far as `may` allows; the rest is owed.
    fn take<K: Ord>(
        &mut self,
        kind: &'static str,
        points: i64,
        may: impl Fn(&Coin) -> bool,
        order: impl Fn(&Coin) -> K,
    ) -> Vec<i64> {
        let (mut may, rest): (Vec<Coin>, Vec<Coin>) = self.coins.drain(..).partition(may);
        may.sort_by_key(|c| order(c));
        let count = may.len().min(usize::try_from(points).unwrap());
        let mut taken: Vec<i64> = may.drain(..count).map(|c| c.expires).collect();
        let missing = points - i64::try_from(count).unwrap();
        self.owed += missing;
        taken.extend((0..missing).map(|_| NEVER));
        self.coins = rest;
        self.coins.extend(may);
        self.enter(kind, -points);
        taken
    }
}

impl Sold {
    /// The part of `amount` that falls on what was returned.
    fn due(&self, amount: i64, weight: fn(&Line) -> i64) -> i64 {
        let weights: [fn(&Line) -> i64; 3] = [weight, |l| l.price, |_| 1];
        let part = |weight: fn(&Line) -> i64, of: &dyn Fn(&Line) -> i64| -> i128 {
            self.lines
                .iter()
                .map(|l| i128::from(weight(l)) * i128::from(of(l)))
                .sum()
        };
        let sold = |l: &Line| l.quantity;
        let came = |l: &Line| {
            self.returned
                .get(&l.good)
                .map_or(0, |q| *q.min(&l.quantity))
        };
        let Some(weight) = weights.into_iter().find(|w| part(*w, &sold) > 0) else {
            return 0;
        };
        round(
            i128::from(amount) * part(weight, &came),
            part(weight, &sold),
        )
    }

    fn paid(&self) -> i64 {
        self.lines
            .iter()
            .map(|l| round(i128::from(l.paid * l.quantity), 1000))
            .sum()
    }
}

impl Model {
    pub fn new(rules: Rules) -> Self {
        let (people, sales, returns) = Default::default();
        Self {
            rules,
            people,
            purses: Vec::new(),
            sales,
            returns,
            adjusted: Vec::new(),
        }
    }

    pub fn purse(&self, who: &str) -> Option<&Purse> {
        self.people.get(who).map(|n| &self.purses[*n])
    }

    /// The purse of somebody, who is met for the first time perhaps.
    fn meet(&mut self, who: &str, now: i64) -> usize {
        if let Some(n) = self.people.get(who) {
            return *n;
        }
        let mut purse = Purse::default();
        let coin = Coin {
            expires: NEVER,
            active: now,
            lot: "welcome".to_owned(),
        };
        purse.put("welcome", (0..self.rules.welcome).map(|_| coin.clone()));
        self.purses.push(purse);
        self.people.insert(who.to_owned(), self.purses.len() - 1);
        self.purses.len() - 1
    }

    fn life(&self, moment: i64) -> (i64, i64) {
        const EAST: i64 = DAY / 8;
        let midnight = |day: i64| day * DAY - EAST;
        let day = (moment + EAST).div_euclid(DAY) + self.rules.active_after;
        let active = if self.rules.active_after == 0 {
            moment
        } else {
            midnight(day)
        };
        (
            active,
            self.rules
                .expire_after
                .map_or(NEVER, |days| midnight(day + days)),
        )
    }

    #[allow(clippy::too_many_arguments, reason = "a sale has so many parts")]
    pub fn sell(
        &mut self,
        id: &str,
        digest: &str,
        who: Option<&str>,
        spend: i64,
        earn: Option<i64>,
        lines: &[Line],
        moment: i64,
        now: i64,
    ) -> Told {
        if let Some(known) = self.sales.get(id) {
            return if known.digest == digest {
                Told::Repeated
            } else {
                Told::Differs
            };
        }
        let mut sold = Sold {
            digest: digest.to_owned(),
            purse: who.map(|who| self.meet(who, now)),
            lines: lines.to_vec(),
            spend: 0,
            earn: 0,
            taken: Vec::new(),
            returned: BTreeMap::new(),
            restored: 0,
            clawed: 0,
            refunded: 0,
        };
        if let Some(n) = sold.purse {
            sold.spend = spend;
            // Five percent of what was paid, a point is a ruble.
            sold.earn = earn.unwrap_or(sold.paid() * 5 / 100 / 100);
            let (active, expires) = self.life(moment);
            let purse = &mut self.purses[n];
            purse.touch(now);
            sold.taken = purse.take("spend", spend, |c| c.active <= now, Coin::clone);
            let coin = Coin {
                expires,
                active,
                lot: format!("earn/{id}"),
            };
            purse.put("earn", (0..sold.earn).map(|_| coin.clone()));
            purse.turnover += sold.paid();
        }
        let told = Told::Done(sold.spend, sold.earn);
        self.sales.insert(id.to_owned(), sold);
        let waiting: Vec<Vec<(String, i64)>> = (self.returns.values_mut())
            .filter(|back| back.waiting && back.sale.as_deref() == Some(id))
            .map(|back| {
                back.waiting = false;
                back.lines.clone()
            })
            .collect();
        for lines in waiting {
            self.settle(id, &lines, now);
        }
        told
    }

    pub fn take_back(
        &mut self,
        id: &str,
        digest: &str,
        sale: Option<&str>,
        lines: &[(String, i64)],
        now: i64,
    ) -> Told {
        if let Some(known) = self.returns.get(id) {
            return if known.digest == digest {
                Told::Repeated
            } else {
                Told::Differs
            };
        }
        let known = sale.filter(|sale| self.sales.contains_key(*sale));
        let back = Back {
            digest: digest.to_owned(),
            sale: sale.map(str::to_owned),
            lines: lines.to_vec(),
            waiting: known.is_none(),
        };
        self.returns.insert(id.to_owned(), back);
        known.map_or(Told::Done(0, 0), |sale| self.settle(sale, lines, now))
    }

    fn settle(&mut self, sale: &str, lines: &[(String, i64)], now: i64) -> Told {
        let sold = self.sales.get_mut(sale).unwrap();
        let Some(n) = sold.purse else {
            return Told::Done(0, 0);
        };
        for (good, quantity) in lines {
            *sold.returned.entry(good.clone()).or_default() += quantity;
        }
        let purse = &mut self.purses[n];
        purse.touch(now);
        let own = format!("earn/{sale}");
        // What ran out is gone and cannot be taken.
        let gone = purse.gone.get(&own).copied().unwrap_or_default();
        let restore = sold.due(sold.spend, |l| l.price - l.paid) - sold.restored;
        let claw = (sold.due(sold.earn, |l| l.paid) - gone - sold.clawed).max(0);
        let refund = sold.due(sold.paid(), |l| l.paid) - sold.refunded;
        (sold.restored, sold.clawed, sold.refunded) = (
            sold.restored + restore,
            sold.clawed + claw,
            sold.refunded + refund,
        );

        let back = sold
            .taken
            .split_off(sold.taken.len() - usize::try_from(restore).unwrap());
        let at_least = now + 14 * DAY;
        let coins = back.into_iter().rev().map(|e| Coin {
            expires: e.max(at_least),
            active: now,
            lot: "restore".to_owned(),
        });
        purse.put("restore", coins);
        purse.take(
            "clawback",
            claw,
            |_| true,
            |c| (c.lot != own, c.active > now, c.expires, c.lot.clone()),
        );
        purse.turnover -= refund;
        Told::Done(restore, claw)
    }

    /// What can be spent afterwards and whether it was made before; none where it is refused.
    pub fn adjust(&mut self, who: &str, key: &str, points: i64, now: i64) -> Option<(i64, bool)> {
        let n = *self.people.get(who)?;
        if self.adjusted.contains(&key.to_owned()) {
            return Some((self.purses[n].available(now), true));
        }
        if points < -self.purses[n].available(now).max(0) {
            return None;
        }
        let purse = &mut self.purses[n];
        if points != 0 {
            purse.touch(now);
            self.adjusted.push(key.to_owned());
        }
        let coin = Coin {
            expires: NEVER,
            active: now,
            lot: format!("adjust/{key}"),
        };
        purse.put("adjust", (0..points).map(|_| coin.clone()));
        purse.take("adjust", (-points).max(0), |c| c.active <= now, Coin::clone);
        Some((purse.available(now), false))
    }

    /// Whether there were two to be merged.
    pub fn merge(&mut self, from: &str, into: &str) -> bool {
        let (Some(from), Some(into)) = (
            self.people.get(from).copied(),
            self.people.get(into).copied(),
        ) else {
            return false;
        };
        if from == into {
            return false;
        }
        let old = std::mem::take(&mut self.purses[from]);
        let points = old.balance();
        let purse = &mut self.purses[into];
        purse.coins.extend(old.coins);
        purse.owed += old.owed;
        purse.turnover += old.turnover;
        for (lot, points) in old.gone {
            *purse.gone.entry(lot).or_default() += points;
        }
        purse.enter("merge", points);
        for n in self.people.values_mut().filter(|n| **n == from) {
            *n = into;
        }
        for sold in self.sales.values_mut().filter(|s| s.purse == Some(from)) {
            sold.purse = Some(into);
        }
        true
    }
}
