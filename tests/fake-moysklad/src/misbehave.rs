//! Faults on demand: what goes wrong, with which requests, how often.

use serde::{Deserialize, Serialize};

use uuid::Uuid;

use crate::log::Server;

/// What goes wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Fault {
    /// 429 for the rate, with the time to wait.
    RateLimit {
        /// What `X-Lognex-Retry-After` says, in milliseconds.
        retry_after_ms: u32,
    },
    /// 429 for too many requests at once; says no time.
    TooParallel,
    /// A status with the vendor's error body: 500, 503, 504, …
    Status {
        /// The HTTP status.
        status: u16,
        /// The vendor's code.
        code: u32,
    },
    /// A page of a proxy with this status: 502 as a rule, 200 for the worst of them.
    Html {
        /// The HTTP status.
        status: u16,
    },
    /// No answer, ever; nothing was done.
    Hang,
    /// The connection ends without an answer; nothing was done.
    Close,
    /// Half of the body, then the connection ends. What was asked is done.
    CutBody,
    /// The answer comes later.
    Slow {
        /// How much later, in milliseconds.
        ms: u32,
    },
    /// What was asked is done, and no answer comes.
    CommitThenHang,
    /// What was asked is done, and the connection ends without an answer.
    CommitThenClose,
}

/// Which requests a fault befalls.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// What goes wrong.
    pub fault: Fault,
    /// With how many requests.
    #[serde(default = "once")]
    pub times: u32,
    /// How many matching requests are spared before.
    #[serde(default)]
    pub after: u32,
    /// Of this method only.
    #[serde(default)]
    pub method: Option<String>,
    /// Whose path or query has this in it only.
    #[serde(default)]
    pub path: Option<String>,
    /// On this server only.
    #[serde(default)]
    pub server: Option<Server>,
    /// Of this account only; known of requests to the JSON API.
    #[serde(default)]
    pub account: Option<Uuid>,
}

fn once() -> u32 {
    1
}

impl Rule {
    /// One fault for whatever comes next.
    pub fn next(fault: Fault) -> Self {
        Self {
            fault,
            times: 1,
            after: 0,
            method: None,
            path: None,
            server: None,
            account: None,
        }
    }

    /// For so many requests.
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
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

    /// For requests of this account.
    pub fn account(mut self, account: Uuid) -> Self {
        self.account = Some(account);
        self
    }

    fn means(&self, of: &Which) -> bool {
        let Which {
            server,
            method,
            address,
            account,
        } = *of;
        self.times > 0
            && self.account.is_none_or(|one| account == Some(one))
            && self.server.is_none_or(|one| one == server)
            && self
                .method
                .as_ref()
                .is_none_or(|one| one.eq_ignore_ascii_case(method))
            && self.path.as_ref().is_none_or(|part| address.contains(part))
    }
}

/// What a rule looks at.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Which<'a> {
    pub(crate) server: Server,
    pub(crate) method: &'a str,
    /// Path and query.
    pub(crate) address: &'a str,
    pub(crate) account: Option<Uuid>,
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

    /// The fault of this request, if it has one: that of the first rule that means it.
    pub(crate) fn of(&mut self, which: &Which) -> Option<Fault> {
        let rule = self.rules.iter_mut().find(|rule| rule.means(which))?;
        if rule.after > 0 {
            rule.after -= 1;
            return None;
        }
        rule.times -= 1;
        let fault = rule.fault.clone();
        self.rules.retain(|rule| rule.times > 0);
        Some(fault)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rule_spares_some_then_befalls_some() {
        let mut faults = Faults::default();
        faults.add(
            Rule::next(Fault::Hang)
                .path("/product")
                .method("GET")
                .after(1)
                .times(2),
        );
        let mut of = |method, address| {
            let (server, account) = (Server::Api, None);
            faults.of(&Which {
                server,
                method,
                address,
                account,
            })
        };
        assert_eq!(of("GET", "/entity/store"), None);
        assert_eq!(of("GET", "/entity/product"), None);
        assert_eq!(of("POST", "/entity/product"), None);
        assert_eq!(of("GET", "/entity/product"), Some(Fault::Hang));
        assert_eq!(of("GET", "/entity/product"), Some(Fault::Hang));
        assert_eq!(of("GET", "/entity/product"), None);
    }
}
