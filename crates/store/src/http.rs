//! The port to other systems over HTTP.

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("http: {0}")]
pub struct HttpError(pub String);

/// Outgoing HTTP.
#[allow(
    async_fn_in_trait,
    reason = "guests are single-threaded; nothing here must be Send"
)]
pub trait Http {
    /// Posts a JSON body to a [`public`] address, follows no redirect, waits a few seconds at most, and
    /// answers the status.
    ///
    /// # Errors
    /// The address is not public, not granted, cannot be reached or does not answer in time.
    async fn post_json(&self, url: &str, body: String) -> Result<u16, HttpError>;
}

/// Why an address is not called. The texts are for the merchant who wrote it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotPublic {
    /// It does not begin with `https://`.
    #[error("адрес начинается с https://")]
    Scheme,
    /// It is no address: blanks, letters that are not Latin, a user's name, a port that is none.
    #[error("адрес пишется латиницей, без пробелов, имени пользователя и пароля")]
    Form,
    /// It is an address of a machine, or a name of an inner network.
    #[error("нужно публичное имя сервера: не IP-адрес, не localhost и не имя внутренней сети")]
    Host,
}

/// Ends of names that mean something within one machine or network alone (RFC 6761, RFC 6762,
/// RFC 8375, and what routers and companies use). A name without a dot is one of these as well.
const INNER: [&str; 8] = [
    ".local",
    ".localhost",
    ".internal",
    ".intranet",
    ".lan",
    ".home",
    ".home.arpa",
    ".corp",
];

/// Whether messages may be sent to this address: https, a public name, nothing else in front of the
/// path. What a name resolves to is not known here: networks are blocked by the host.
///
/// ```
/// assert_eq!(sklad_store::public("https://sms.example.ru:8443/send?to=1"), Ok(()));
/// assert!(sklad_store::public("https://127.0.0.1/").is_err());
/// ```
///
/// # Errors
/// [`NotPublic`], with what is wrong.
pub fn public(url: &str) -> Result<(), NotPublic> {
    let rest = url.strip_prefix("https://").ok_or(NotPublic::Scheme)?;
    let written = |b: u8| b.is_ascii_alphanumeric() || b"-._~:/?#[]@!$&'()*+,;=%".contains(&b);
    let server = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if !rest.bytes().all(written) || server.contains('@') {
        return Err(NotPublic::Form);
    }
    if server.starts_with('[') {
        return Err(NotPublic::Host);
    }
    let (host, port) = server.split_once(':').unwrap_or((server, "443"));
    let digits = port.bytes().all(|b| b.is_ascii_digit());
    if !digits || port.parse::<u16>().unwrap_or(0) == 0 {
        return Err(NotPublic::Form);
    }
    let host = host.to_ascii_lowercase();
    let label = |label: &str| {
        let ends = label.starts_with('-') || label.ends_with('-');
        !label.is_empty()
            && !ends
            && label
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-')
    };
    if !host.split('.').all(label) {
        return Err(NotPublic::Form);
    }
    // The last label of an address of a machine is a number, in whatever way it is written: 127.1,
    // 0x7f.0.0.1. That of a name begins with a letter.
    let (_, last) = host.rsplit_once('.').ok_or(NotPublic::Host)?;
    let named = last.starts_with(|c: char| c.is_ascii_alphabetic());
    if named && !INNER.iter().any(|end| host.ends_with(end)) {
        Ok(())
    } else {
        Err(NotPublic::Host)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_names_over_https_are_called() {
        for url in [
            "https://sms.example.ru",
            "https://SMS.example.ru:8443/a/b?c=%20&d=[1]#e",
            "https://xn--80ak6aa92e.xn--p1ai/",
            "https://10.0.0.1.example.ru/",
            "https://localhost.example.ru/",
        ] {
            assert_eq!(public(url), Ok(()), "{url}");
        }
    }

    #[test]
    fn nothing_within_a_network_is_called() {
        for host in [
            "localhost",
            "gateway",
            "127.0.0.1",
            "10.1.2.3",
            "192.168.0.1",
            "169.254.169.254",
            "8.8.8.8",
            "127.1",
            "0x7f.0.0.1",
            "127.0.0.0x1",
            "2130706433",
            "[::1]",
            "[::1]:8443",
            "printer.local",
            "a.LOCALHOST",
            "metadata.google.internal",
            "db.svc.cluster.local",
            "router.lan",
            "nas.home.arpa",
            "localhost:8443",
        ] {
            assert_eq!(
                public(&format!("https://{host}/x")),
                Err(NotPublic::Host),
                "{host}"
            );
        }
    }

    #[test]
    fn what_is_no_address_is_refused() {
        for url in [
            "http://a.ru",
            "HTTPS://a.ru",
            "ftp://a.ru",
            "a.ru",
            "",
            "https:/a.ru",
            " https://a.ru",
        ] {
            assert_eq!(public(url), Err(NotPublic::Scheme), "{url}");
        }
        for rest in [
            "",
            "/x",
            "a b.ru",
            "a.ru/ы",
            "смс.рф",
            "me@a.ru",
            "me:pw@a.ru",
            "a.ru:",
            "a.ru:0",
            "a.ru:x",
            "a.ru:+1",
            "a.ru:65536",
            "a..ru",
            "a.ru.",
            ".ru",
            "-a.ru",
            "a_b.ru",
            "a.ru/\n",
            "a.ru\\@b.ru",
            "a.ru/<x>",
            "a.ru:1:2",
        ] {
            assert_eq!(
                public(&format!("https://{rest}")),
                Err(NotPublic::Form),
                "{rest}"
            );
        }
    }
}
