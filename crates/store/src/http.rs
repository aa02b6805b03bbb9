//! The port to other systems over HTTP.
//!
//! A connector describes a [`Call`] and reads the answer; who implements [`Http`] sends it, once, with
//! the limits that it names, and only where it may go. Nothing is repeated and no redirect is followed
//! here: only the connector knows what that would mean.

use bytes::Bytes;

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HttpError {
    /// The request did not leave: the address is refused or not granted, or nobody answers there. It had
    /// no effect.
    #[error("not sent: {0}")]
    NotSent(String),
    /// The request left, and no whole answer came back in time: it may have had its effect.
    #[error("no answer: {0}")]
    NoAnswer(String),
    /// The answer has more bytes than [`Within::body_bytes`].
    #[error("answer too large")]
    TooLarge,
}

/// Where a call may go.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reach {
    /// To any [`public`] address over https: a merchant chose it.
    Public,
    /// To this origin alone, `https://host[:port]` without a path: the operator configured it. `http://`
    /// is allowed, for a vendor played by a test.
    Origin(String),
}

/// What an answer may cost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Within {
    /// How long the connection may take, in milliseconds.
    pub connect_ms: u32,
    /// How long the first byte of the answer may take, and each further piece, in milliseconds.
    pub answer_ms: u32,
    /// The largest body of an answer, in bytes as they come over the network; 0 where it is not read.
    pub body_bytes: usize,
}

/// A request and what may be done for it.
#[derive(Debug, Clone)]
pub struct Call {
    /// The request, with an absolute address.
    pub request: http::Request<Bytes>,
    /// Where it may go.
    pub reach: Reach,
    /// What its answer may cost.
    pub within: Within,
}

impl Call {
    /// Whether the address is one that the call may go to.
    ///
    /// # Errors
    /// [`HttpError::NotSent`] with the reason.
    pub fn check(&self) -> Result<(), HttpError> {
        let url = self.request.uri().to_string();
        match &self.reach {
            Reach::Public => public(&url).map_err(|e| HttpError::NotSent(e.to_string())),
            Reach::Origin(origin) => {
                let rest = url.strip_prefix(origin.as_str());
                match rest.is_some_and(|rest| rest.starts_with('/')) {
                    true => Ok(()),
                    false => Err(HttpError::NotSent(
                        "another server than the configured".into(),
                    )),
                }
            }
        }
    }
}

/// Outgoing HTTP.
#[allow(
    async_fn_in_trait,
    reason = "guests are single-threaded; nothing here must be Send"
)]
pub trait Http {
    /// Sends a request after [`Call::check`], once.
    ///
    /// # Errors
    /// See [`HttpError`]. A status that is no success is an answer.
    async fn send(&self, call: Call) -> Result<http::Response<Bytes>, HttpError>;
}

/// How long the connection to a merchant's gateway may take, in milliseconds. A till may be waiting
/// meanwhile.
const GATEWAY_CONNECT_MS: u32 = 1_000;
/// How long its answer may take, in milliseconds.
const GATEWAY_ANSWER_MS: u32 = 2_000;
/// What a message to a merchant's gateway may cost.
const GATEWAY: Within = Within {
    connect_ms: GATEWAY_CONNECT_MS,
    answer_ms: GATEWAY_ANSWER_MS,
    body_bytes: 0,
};

/// Posts a JSON body to a [`public`] address and answers the status.
///
/// # Errors
/// [`HttpError`].
pub async fn post_json(http: &impl Http, url: &str, body: String) -> Result<u16, HttpError> {
    let request = http::Request::post(url)
        .header(http::header::CONTENT_TYPE, "application/json")
        .body(Bytes::from(body))
        .map_err(|_| HttpError::NotSent(NotPublic::Form.to_string()))?;
    let call = Call {
        request,
        reach: Reach::Public,
        within: GATEWAY,
    };
    Ok(http.send(call).await?.status().as_u16())
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
    fn a_call_to_a_configured_server_goes_to_no_other() {
        let allowed = |url: &str| {
            let call = Call {
                request: http::Request::get(url).body(Bytes::new()).unwrap(),
                reach: Reach::Origin("https://api.example.ru".into()),
                within: GATEWAY,
            };
            call.check().is_ok()
        };
        assert!(allowed("https://api.example.ru/x?y=1"));
        for other in [
            "https://api.example.ru.evil.ru/x",
            "https://api.example.ru:8443/x",
            "https://api.example.ru@evil.ru/x",
            "http://api.example.ru/x",
        ] {
            assert!(!allowed(other), "{other}");
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
