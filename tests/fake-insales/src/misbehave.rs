//! Faults on demand: what goes wrong, with which requests, how often.

use serde::{Deserialize, Serialize};

use crate::generate::draw;

/// What goes wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// A refusal as over the limit: 429 or 503. Nothing was done.
    Limited {
        /// The HTTP status.
        status: u16,
        /// What `Retry-After` says, in seconds; `None`: it is not there.
        retry_after_s: Option<u32>,
    },
    /// A status with a short error in JSON: 500, 503, 423. Nothing was done.
    Status {
        /// The HTTP status.
        status: u16,
    },
    /// A page of a proxy with this status: 502 as a rule, 200 for the worst of them. Nothing was done.
    Html {
        /// The HTTP status.
        status: u16,
    },
    /// A redirection. Nothing was done.
    Redirect {
        /// Where to.
        to: String,
    },
    /// No answer; nothing was done.
    Hang {
        /// After how many milliseconds the connection ends; `None`: never.
        ms: Option<u32>,
    },
    /// The connection ends without an answer; nothing was done.
    Close,
    /// 504 after a while: the shop gave up (50 s in life). Nothing was done.
    TooSlow {
        /// After how many milliseconds.
        after_ms: u32,
    },
    /// The answer comes later.
    Slow {
        /// How much later, in milliseconds.
        ms: u32,
    },
    /// Half of the body, then the connection ends. What was asked is done.
    CutBody,
    /// What was asked is done, and no answer comes.
    CommitThenHang {
        /// After how many milliseconds the connection ends; `None`: never.
        ms: Option<u32>,
    },
    /// What was asked is done, and the connection ends without an answer.
    CommitThenClose,
    /// What was asked is done, and after a while the answer is 504.
    CommitThenTooSlow {
        /// After how many milliseconds.
        after_ms: u32,
    },
    /// The connection ends without an answer, and only later what was asked is done.
    CommitLater {
        /// How much later, in milliseconds.
        ms: u32,
    },
    /// What was asked is done, and the answer is an empty text in quotes (§11).
    EmptyText,
}

impl Fault {
    /// Every kind that is an answer or a lost one, with waits of `ms` milliseconds: what a bad link does.
    pub fn every(ms: u32) -> Vec<Self> {
        let limited = |status| Self::Limited {
            status,
            retry_after_s: Some(1),
        };
        vec![
            limited(429),
            limited(503),
            Self::Status { status: 500 },
            Self::Html { status: 502 },
            Self::Hang { ms: Some(ms) },
            Self::Close,
            Self::TooSlow { after_ms: ms },
            Self::CutBody,
            Self::CommitThenHang { ms: Some(ms) },
            Self::CommitThenClose,
            Self::CommitThenTooSlow { after_ms: ms },
            Self::CommitLater { ms },
            Self::EmptyText,
        ]
    }
}

/// Which requests faults befall.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// What goes wrong; of several one is drawn.
    pub faults: Vec<Fault>,
    /// With how many requests; `None`: with all that come.
    #[serde(default = "once")]
    pub times: Option<u32>,
    /// How many matching requests are spared before.
    #[serde(default)]
    pub after: u32,
    /// With how many of a hundred of the matching requests.
    #[serde(default = "always")]
    pub percent: u32,
    /// What is drawn from: the same seed draws the same for the n-th matching request.
    #[serde(default)]
    pub seed: u64,
    /// Of this method only.
    #[serde(default)]
    pub method: Option<String>,
    /// Whose path or query has this in it only.
    #[serde(default)]
    pub path: Option<String>,
    /// To this shop only.
    #[serde(default)]
    pub shop: Option<String>,
    #[serde(skip)]
    seen: u64,
}

fn once() -> Option<u32> {
    Some(1)
}

fn always() -> u32 {
    100
}

impl Rule {
    /// One fault for whatever comes next.
    pub fn next(fault: Fault) -> Self {
        Self::any_of(vec![fault])
    }

    /// One of these for whatever comes next.
    pub fn any_of(faults: Vec<Fault>) -> Self {
        Self {
            faults,
            times: once(),
            after: 0,
            percent: always(),
            seed: 0,
            method: None,
            path: None,
            shop: None,
            seen: 0,
        }
    }

    /// For so many requests.
    pub fn times(mut self, times: u32) -> Self {
        self.times = Some(times);
        self
    }

    /// For so many of a hundred requests, drawn from `seed`, for ever.
    pub fn percent(mut self, percent: u32, seed: u64) -> Self {
        (self.percent, self.seed, self.times) = (percent, seed, None);
        self
    }

    /// Only after so many matching requests went well.
    pub fn after(mut self, after: u32) -> Self {
        self.after = after;
        self
    }

    /// For requests of this method.
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// For requests with this in path or query.
    pub fn path(mut self, part: &str) -> Self {
        self.path = Some(part.to_owned());
        self
    }

    /// For requests to this shop.
    pub fn shop(mut self, shop: &str) -> Self {
        self.shop = Some(shop.to_owned());
        self
    }

    fn means(&self, method: &str, shop: &str, address: &str) -> bool {
        let method_fits = |one: &String| one.eq_ignore_ascii_case(method);
        self.times != Some(0)
            && self.shop.as_ref().is_none_or(|one| one == shop)
            && self.method.as_ref().is_none_or(method_fits)
            && self.path.as_ref().is_none_or(|part| address.contains(part))
    }

    fn befalls(&mut self) -> Option<Fault> {
        self.seen += 1;
        if self.seen <= self.after.into() {
            return None;
        }
        if draw(self.seed, "whether", self.seen) % 100 >= self.percent.into() {
            return None;
        }
        let which = draw(self.seed, "which", self.seen) % (self.faults.len().max(1) as u64);
        let fault = self
            .faults
            .get(usize::try_from(which).unwrap_or(0))?
            .clone();
        self.times = self.times.map(|times| times.saturating_sub(1));
        Some(fault)
    }
}

/// The rules that wait.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    rules: Vec<Rule>,
}

impl Faults {
    pub(crate) fn add(&mut self, rule: Rule) {
        self.rules.push(rule);
    }

    pub(crate) fn clear(&mut self) {
        self.rules.clear();
    }

    /// The fault of this request, if it has one: that of the first rule that means it. `address` is path
    /// and query.
    pub(crate) fn of(&mut self, method: &str, shop: &str, address: &str) -> Option<Fault> {
        let mut rules = self.rules.iter_mut();
        let fault = rules
            .find(|rule| rule.means(method, shop, address))?
            .befalls();
        self.rules.retain(|rule| rule.times != Some(0));
        fault
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_spares_some_then_befalls_some() {
        let mut faults = Faults::default();
        let rule = Rule::next(Fault::Close).path("/orders").method("post");
        faults.add(rule.shop("a").after(1).times(2));
        let mut of = |method, shop, address| faults.of(method, shop, address).is_some();
        assert!(!of("POST", "a", "/admin/products.json"));
        assert!(!of("POST", "b", "/admin/orders.json"));
        assert!(!of("GET", "a", "/admin/orders.json"));
        let post: Vec<bool> = (0..4)
            .map(|_| of("POST", "a", "/admin/orders.json"))
            .collect();
        assert_eq!(post, [false, true, true, false]);
    }

    #[test]
    fn a_bad_link_is_bad_in_every_way_and_in_the_same_way_again() {
        let drawn = || {
            let mut faults = Faults::default();
            faults.add(Rule::any_of(Fault::every(10)).percent(30, 7));
            let of = |_| faults.of("GET", "a", "/");
            (0..1000).map(of).collect::<Vec<_>>()
        };
        let faults = drawn();
        assert_eq!(faults, drawn());
        let bad = faults.iter().flatten().count();
        assert!((250..350).contains(&bad), "{bad}");
        for fault in Fault::every(10) {
            assert!(faults.contains(&Some(fault.clone())), "{fault:?}");
        }
    }

    #[test]
    fn a_rule_is_read_from_json() {
        let rule: Rule =
            serde_json::from_str(r#"{"faults":[{"kind":"html","status":502}],"path":"/products"}"#)
                .unwrap();
        assert_eq!(
            rule,
            Rule::next(Fault::Html { status: 502 }).path("/products")
        );
    }
}
