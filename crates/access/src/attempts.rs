//! Failed logins, counted by e-mail and by address in fixed windows.
//!
//! Attempts that run at the same moment may all be tried before the first of them is counted; all are
//! counted in the end.

use std::net::{IpAddr, SocketAddr};

use sha2::{Digest, Sha256};
use sklad_store::{Row, Statement};

/// How long failures are remembered from the first of them, in milliseconds.
pub const WINDOW_MS: i64 = 5 * 60 * 1000;
/// After so many failures with one e-mail it is not tried again in this window, wherever they came
/// from and whether or not anybody has it.
pub const EMAIL_FAILURES: i64 = 10;
/// After so many failures from one address it is not listened to in this window. Many tills and
/// servers of a merchant may share one.
pub const ADDRESS_FAILURES: i64 = 50;

/// What failures are counted for, as 128 bits of a hash in hexadecimal.
pub struct Subjects {
    pub email: String,
    pub address: String,
}

impl Subjects {
    /// The subjects of a login. Whoever has no address shares one with all others that have none: what
    /// is not counted would not be limited.
    pub fn new(login: &str, address: Option<&str>) -> Self {
        Self {
            email: digest(&login.trim().to_lowercase()),
            address: digest(&network(address.unwrap_or_default())),
        }
    }
}

fn digest(text: &str) -> String {
    let hash: [u8; 32] = Sha256::digest(text.as_bytes()).into();
    hex::encode(hash.iter().take(16).copied().collect::<Vec<u8>>())
}

/// What stands for an address: without its port, and of IPv6 the first 64 bits, since one customer of
/// a provider has all the others.
fn network(address: &str) -> String {
    let address = address.trim();
    let ip = address
        .parse::<SocketAddr>()
        .map(|socket| socket.ip())
        .or_else(|_| address.parse::<IpAddr>());
    match ip.map(|ip| ip.to_canonical()) {
        Ok(IpAddr::V4(v4)) => v4.to_string(),
        Ok(IpAddr::V6(v6)) => format!("{:x}/64", v6.to_bits() >> 64),
        Err(_) => address.to_owned(),
    }
}

/// The address of a client for the limit of failures: that of the peer, as `address:port`. Behind a
/// reverse proxy, whose own address is private, it is the last one that the proxy has appended to
/// `X-Forwarded-For`.
#[must_use]
pub fn client(peer: &str, forwarded: Option<&str>) -> Option<String> {
    let peer: SocketAddr = peer.parse().ok()?;
    let private = match peer.ip() {
        IpAddr::V4(ip) => ip.is_loopback() || ip.is_private(),
        IpAddr::V6(ip) => ip.is_loopback() || ip.is_unique_local(),
    };
    let forwarded = forwarded
        .filter(|_| private)
        .and_then(|list| list.rsplit(',').next()?.trim().parse().ok());
    Some(forwarded.unwrap_or(peer.ip()).to_string())
}

/// In how many seconds a login may be tried again, at least 1; `None` when it may be now. `row` has
/// from column `i` the failures and the end of the window by e-mail, and the same by address.
pub fn wait(row: &Row, i: usize, now_ms: i64) -> Option<i64> {
    let limits = [(i, EMAIL_FAILURES), (i + 2, ADDRESS_FAILURES)];
    let ends = limits.iter().filter_map(|(column, limit)| {
        let failures = row.int(*column)?;
        let ends = row.int(column + 1)?;
        (failures >= *limit).then_some(ends)
    });
    let wait_ms = ends.max()?.saturating_sub(now_ms);
    Some(wait_ms.saturating_add(999) / 1000).map(|s| s.max(1))
}

/// The latest end of a window that a clock of ours can have written: later ones come from a clock that
/// was wrong, and would lock somebody out for as long as it was.
pub fn latest_end(now_ms: i64) -> i64 {
    now_ms.saturating_add(2 * WINDOW_MS)
}

/// Counts a failure, for both subjects in one statement.
pub fn failed(tenant: &str, subjects: &Subjects, now_ms: i64) -> Statement {
    Statement::new(
        "INSERT INTO login_attempts (tenant, kind, subject, window_start, window_ends, failures) \
         VALUES (?1, 'email', ?2, ?4, ?5, 1), (?1, 'address', ?3, ?4, ?5, 1) \
         ON CONFLICT (tenant, kind, subject) DO UPDATE SET \
             failures = CASE WHEN window_ends > ?4 AND window_ends <= ?6 THEN failures + 1 ELSE 1 END, \
             window_start = CASE WHEN window_ends > ?4 AND window_ends <= ?6 THEN window_start ELSE ?4 END, \
             window_ends = CASE WHEN window_ends > ?4 AND window_ends <= ?6 THEN window_ends ELSE ?5 END",
    )
    .bind(tenant)
    .bind(&subjects.email)
    .bind(&subjects.address)
    .bind(now_ms)
    .bind(now_ms.saturating_add(WINDOW_MS))
    .bind(latest_end(now_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_counted_by_its_network() {
        for (address, wanted) in [
            ("203.0.113.7:51000", "203.0.113.7"),
            (" 203.0.113.7 ", "203.0.113.7"),
            ("[::ffff:203.0.113.7]:80", "203.0.113.7"),
            ("2001:db8:1:2:3:4:5:6", "20010db800010002/64"),
            ("[2001:db8:1:2::1]:443", "20010db800010002/64"),
            ("", ""),
            ("unix", "unix"),
        ] {
            assert_eq!(network(address), wanted, "{address}");
        }
    }

    #[test]
    fn only_a_proxy_is_believed_about_addresses() {
        let list = Some("1.1.1.1, 2.2.2.2");
        assert_eq!(client("8.8.8.8:1", list).as_deref(), Some("8.8.8.8"));
        assert_eq!(client("127.0.0.1:1", list).as_deref(), Some("2.2.2.2"));
        assert_eq!(client("127.0.0.1:1", None).as_deref(), Some("127.0.0.1"));
        assert_eq!(client("unix", list), None);
    }

    #[test]
    fn an_email_is_counted_in_any_case() {
        let subject = |login: &str| Subjects::new(login, None).email;
        assert_eq!(subject(" Ivan@shop.RU"), subject("ivan@shop.ru"));
        assert_ne!(subject("ivan@shop.ru"), subject("ivan@shop.r"));
        assert_eq!(subject(&"x".repeat(1_000_000)).len(), 32);
    }

    #[test]
    fn the_wait_is_told_in_seconds_and_never_none() {
        let row = |email: i64, address: i64| {
            Row([email, 10_500, address, 20_001].map(Into::into).to_vec())
        };
        let (e, a) = (EMAIL_FAILURES, ADDRESS_FAILURES);
        assert_eq!(wait(&row(e - 1, a - 1), 0, 10_000), None);
        assert_eq!(wait(&row(e, a - 1), 0, 10_000), Some(1));
        assert_eq!(wait(&row(e, a), 0, 10_000), Some(11));
        assert_eq!(wait(&row(e, 0), 0, 99_000), Some(1));
        assert_eq!(wait(&Row::default(), 0, 0), None);
    }
}
