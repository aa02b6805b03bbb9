//! A customer's account as it was read, and what an operation makes of it. Pure: times and keys
//! come in, statements are made elsewhere.
//!
//! The invariant that every operation keeps, and `check` recomputes:
//! `balance = Σ remaining of the lots − debt = Σ points of the entries`.

use std::collections::BTreeSet;

/// `expires_at` of a lot that never expires.
pub const NEVER: i64 = i64::MAX;

/// A bundle of points that were earned together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Lot {
    /// Unique within the customer: the entry's kind and key that made it.
    pub id: String,
    /// Points at the beginning.
    pub amount: i64,
    /// Points not yet spent, taken back or expired.
    pub remaining: i64,
    /// From when they can be spent, milliseconds UTC.
    pub activates_at: i64,
    /// Until when they can be spent (exclusive), milliseconds UTC, or [`NEVER`].
    pub expires_at: i64,
}

impl Lot {
    fn expired(&self, now: i64) -> bool {
        self.expires_at <= now
    }

    fn usable(&self, now: i64) -> bool {
        self.remaining > 0 && self.activates_at <= now && !self.expired(now)
    }
}

/// One change of the balance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// `earn`, `spend`, `restore`, `clawback`, `expire`, `adjust`, `welcome`, `birthday`, `merge`.
    pub kind: &'static str,
    /// With the kind, unique in the tenant: the document, lot or request that caused it.
    pub key: String,
    /// Points added (or, negative, taken).
    pub points: i64,
    /// The balance after it.
    pub balance: i64,
    /// The sale or return.
    pub document: Option<String>,
    /// Why, in Russian, for entries that a person made.
    pub reason: Option<String>,
}

/// A part of a spend: so many points out of a lot that would have expired then.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Taken(pub i64, pub i64);

/// An account with its live lots.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Account {
    /// The customer's id.
    pub customer: String,
    /// The version that was read; 0 for one that is not stored yet.
    pub version: i64,
    /// See the invariant above.
    pub balance: i64,
    /// Points spent beyond the balance and not covered yet.
    pub debt: i64,
    /// The lots with something left.
    pub lots: Vec<Lot>,
}

impl Account {
    /// The points that can be spent now; negative after an overdraft.
    #[must_use]
    pub fn available(&self, now: i64) -> i64 {
        let usable = self
            .lots
            .iter()
            .filter(|l| l.usable(now))
            .map(|l| l.remaining);
        // What ran out unwritten was there to pay the debt, see `Change::begin`.
        let overdue = self.lots.iter().filter(|l| l.expired(now));
        let overdue = overdue.map(|l| l.remaining).fold(0, i64::saturating_add);
        usable
            .fold(0, i64::saturating_add)
            .saturating_sub(self.debt.saturating_sub(overdue).max(0))
    }

    /// The points that become usable later.
    #[must_use]
    pub fn pending(&self, now: i64) -> i64 {
        let pending = self
            .lots
            .iter()
            .filter(|l| l.activates_at > now && !l.expired(now));
        pending.map(|l| l.remaining).fold(0, i64::saturating_add)
    }

    /// The points that expire before `until` and the moment at which the first of them do.
    #[must_use]
    pub fn expiring(&self, now: i64, until: i64) -> Option<(i64, i64)> {
        let soon = self
            .lots
            .iter()
            .filter(|l| l.usable(now) && l.expires_at < until);
        soon.fold(None, |sum: Option<(i64, i64)>, lot| {
            let (points, first) = sum.unwrap_or((0, NEVER));
            Some((
                points.saturating_add(lot.remaining),
                first.min(lot.expires_at),
            ))
        })
    }

    /// Whether the stored figures agree with each other.
    #[must_use]
    pub fn consistent(&self) -> bool {
        let lots = self
            .lots
            .iter()
            .map(|l| l.remaining)
            .fold(0, i64::saturating_add);
        self.balance == lots.saturating_sub(self.debt)
    }
}

/// An account being changed. What it did is in `entries` and `touched`.
#[derive(Clone, Debug)]
pub struct Change {
    /// The account after the operations so far.
    pub account: Account,
    /// What was written into the ledger so far.
    pub entries: Vec<Entry>,
    /// The ids of the lots that are new or have changed.
    touched: BTreeSet<String>,
    now: i64,
}

/// What decides the order in which lots are taken from; smaller ones first.
type Rank = (bool, bool, i64, i64);

/// When earned points can be used.
#[derive(Clone, Copy, Debug)]
pub struct Life {
    /// From when, milliseconds UTC.
    pub activates_at: i64,
    /// Until when (exclusive), milliseconds UTC, or [`NEVER`].
    pub expires_at: i64,
}

impl Change {
    /// Begins to change an account: points that became active since the last change pay a debt, and
    /// what expired is written off.
    #[must_use]
    pub fn begin(account: Account, now: i64) -> Self {
        let mut change = Self {
            account,
            entries: Vec::new(),
            touched: BTreeSet::new(),
            now,
        };
        change.pay_debt();
        let overdue: Vec<(String, i64)> = (change.account.lots.iter())
            .filter(|l| l.remaining > 0 && l.expired(now))
            .map(|l| (l.id.clone(), l.remaining))
            .collect();
        for (lot, points) in overdue {
            change.take_from(&lot, points);
            let key = expiry_key(&change.account.customer, &lot);
            change.enter("expire", key, -points, None, None);
        }
        change
    }

    /// Adds points as a new lot. A debt is paid first, from points that are not active yet too:
    /// they are the customer's already.
    pub fn add(
        &mut self,
        kind: &'static str,
        key: &str,
        points: i64,
        life: Life,
        document: Option<&str>,
    ) {
        if points <= 0 {
            return;
        }
        let covered = points.min(self.account.debt);
        self.account.debt -= covered;
        let id = format!("{kind}/{key}");
        self.touched.insert(id.clone());
        self.account.lots.push(Lot {
            id,
            amount: points,
            remaining: points - covered,
            activates_at: life.activates_at,
            expires_at: life.expires_at,
        });
        self.enter(kind, key.to_owned(), points, document, None);
    }

    /// Takes points for a sale: soonest to expire first. What is not there becomes debt, since the
    /// receipt is printed already. Answers from where the points came.
    pub fn spend(
        &mut self,
        kind: &'static str,
        key: &str,
        points: i64,
        document: Option<&str>,
    ) -> Vec<Taken> {
        if points <= 0 {
            return Vec::new();
        }
        let now = self.now;
        let order = self.soonest_first(|l| l.usable(now));
        let taken = self.take(order, points);
        self.enter(kind, key.to_owned(), -points, document, None);
        taken
    }

    /// Takes back points that `earned_lot` brought (but for those of it that ran out, which the caller
    /// leaves alone): from that lot as far as they are still there,
    /// then from the others, pending ones last; what is not there becomes debt.
    pub fn claw_back(&mut self, key: &str, points: i64, earned_lot: &str, document: Option<&str>) {
        if points <= 0 {
            return;
        }
        let now = self.now;
        let order = self.in_order(|l| {
            let rank = (l.id != earned_lot, l.activates_at > now, l.expires_at, 0);
            (l.remaining > 0).then_some(rank)
        });
        self.take(order, points);
        self.enter("clawback", key.to_owned(), -points, document, None);
    }

    /// The points of a lot that this change wrote off as expired.
    #[must_use]
    pub fn expired(&self, lot: &str) -> i64 {
        let key = expiry_key(&self.account.customer, lot);
        let of_lot = |e: &&Entry| e.kind == "expire" && e.key == key;
        let entry = self.entries.iter().find(of_lot);
        entry.map_or(0, |e| e.points.saturating_neg())
    }

    /// Gives the last entry a reason.
    pub fn because(&mut self, reason: &str) {
        if let Some(entry) = self.entries.last_mut() {
            entry.reason = Some(reason.to_owned());
        }
    }

    /// The lots that are new or have changed.
    pub fn changed_lots(&self) -> impl Iterator<Item = &Lot> {
        self.account
            .lots
            .iter()
            .filter(|l| self.touched.contains(&l.id))
    }

    /// A debt arises beside points that are not active yet, and meets the other's points when two
    /// customers are merged. They pay it before they can expire: nobody loses them twice.
    fn pay_debt(&mut self) {
        let debt = std::mem::take(&mut self.account.debt);
        if debt > 0 {
            let now = self.now;
            let order = self.soonest_first(|l| l.remaining > 0 && l.activates_at <= now);
            self.take(order, debt);
        }
    }

    /// The ids of these lots in the order in which they are spent.
    fn soonest_first(&self, these: impl Fn(&Lot) -> bool) -> Vec<String> {
        self.in_order(|l| these(l).then_some((false, false, l.expires_at, l.activates_at)))
    }

    /// The ids of the lots that have a rank, by rank and then by id.
    fn in_order(&self, rank: impl Fn(&Lot) -> Option<Rank>) -> Vec<String> {
        let ranked = self.account.lots.iter();
        let mut ranked: Vec<(Rank, &str)> = ranked
            .filter_map(|l| Some((rank(l)?, l.id.as_str())))
            .collect();
        ranked.sort_unstable();
        ranked.into_iter().map(|(_, id)| id.to_owned()).collect()
    }

    fn take(&mut self, order: Vec<String>, points: i64) -> Vec<Taken> {
        let mut left = points;
        let mut taken = Vec::new();
        for id in order {
            if left == 0 {
                break;
            }
            let (got, expires_at) = self.take_from(&id, left);
            left -= got;
            taken.push(Taken(got, expires_at));
        }
        if left > 0 {
            self.account.debt = self.account.debt.saturating_add(left);
            taken.push(Taken(left, NEVER));
        }
        taken
    }

    fn take_from(&mut self, id: &str, at_most: i64) -> (i64, i64) {
        let Some(lot) = self.account.lots.iter_mut().find(|l| l.id == id) else {
            return (0, NEVER);
        };
        let got = lot.remaining.min(at_most);
        lot.remaining -= got;
        self.touched.insert(lot.id.clone());
        (got, lot.expires_at)
    }

    fn enter(
        &mut self,
        kind: &'static str,
        key: String,
        points: i64,
        document: Option<&str>,
        reason: Option<String>,
    ) {
        self.account.balance = self.account.balance.saturating_add(points);
        self.entries.push(Entry {
            kind,
            key,
            points,
            balance: self.account.balance,
            document: document.map(str::to_owned),
            reason,
        });
    }
}

/// The key of the entry that writes off a lot. The customer is part of it: lot ids are unique within
/// a customer only.
fn expiry_key(customer: &str, lot: &str) -> String {
    format!("{customer}/{lot}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIFE: Life = Life {
        activates_at: 0,
        expires_at: NEVER,
    };

    fn life(activates_at: i64, expires_at: i64) -> Life {
        Life {
            activates_at,
            expires_at,
        }
    }

    #[test]
    fn what_expires_first_is_spent_first() {
        let mut change = Change::begin(Account::default(), 10);
        change.add("earn", "late", 100, life(0, 900), None);
        change.add("earn", "soon", 50, life(0, 100), None);
        change.add("earn", "pending", 70, life(11, 20), None);
        assert_eq!(
            change.spend("spend", "s", 60, None),
            [Taken(50, 100), Taken(10, 900)]
        );
        assert_eq!(change.account.available(10), 90);
        assert_eq!(change.account.pending(10), 70);
        assert_eq!(change.account.expiring(10, 901), Some((90, 900)));
    }

    #[test]
    fn an_overdraft_is_paid_by_the_next_earning() {
        let mut change = Change::begin(Account::default(), 0);
        change.spend("spend", "s", 30, None);
        assert_eq!(change.account.available(0), -30);
        change.add("earn", "e", 50, LIFE, None);
        assert_eq!((change.account.available(0), change.account.debt), (20, 0));
    }

    #[test]
    fn expired_points_are_written_off_once() {
        let mut change = Change::begin(Account::default(), 0);
        change.add("earn", "e", 50, life(0, 10), None);
        let later = Change::begin(change.account, 10);
        assert_eq!(later.entries.len(), 1);
        assert_eq!(later.account.balance, 0);
        assert!(Change::begin(later.account, 20).entries.is_empty());
    }

    #[test]
    fn a_clawback_takes_the_points_of_its_own_sale_first() {
        let mut change = Change::begin(Account::default(), 0);
        change.add("earn", "other", 10, life(0, 5), None);
        change.add("earn", "own", 10, LIFE, None);
        change.claw_back("r", 10, "earn/own", None);
        assert_eq!(change.account.expiring(0, 6), Some((10, 5)));
    }

    #[derive(Clone, Debug)]
    enum Op {
        Earn(i64, i64, i64),
        Spend(i64),
        ClawBack(i64, usize),
        Wait(i64),
    }

    fn op() -> impl Strategy<Value = Op> {
        prop_oneof![
            (0..500i64, 0..20i64, 1..60i64).prop_map(|(p, a, e)| Op::Earn(p, a, e)),
            (0..400i64).prop_map(Op::Spend),
            (0..400i64, 0..10usize).prop_map(|(p, i)| Op::ClawBack(p, i)),
            (0..30i64).prop_map(Op::Wait),
        ]
    }

    proptest! {
        /// Lots, debt, balance and entries agree after any operations, and no lot goes negative.
        #[test]
        fn the_account_always_adds_up(ops in prop::collection::vec(op(), 0..60)) {
            let mut account = Account::default();
            let mut now = 0;
            let mut entered = 0;
            for (n, op) in ops.into_iter().enumerate() {
                let mut change = Change::begin(account, now);
                match op {
                    Op::Earn(p, a, e) => change.add("earn", &n.to_string(), p, life(now + a, now + a + e), None),
                    Op::Spend(p) => {
                        let taken = change.spend("spend", &n.to_string(), p, None);
                        prop_assert_eq!(taken.iter().map(|t| t.0).sum::<i64>(), p);
                    }
                    Op::ClawBack(p, i) => change.claw_back(&n.to_string(), p, &format!("earn/{i}"), None),
                    Op::Wait(ms) => now += ms,
                }
                entered += change.entries.iter().map(|e| e.points).sum::<i64>();
                account = change.account;
                prop_assert!(account.consistent());
                prop_assert_eq!(account.balance, entered);
                prop_assert!(account.lots.iter().all(|l| l.remaining >= 0));
            }
        }
    }
}
