//! Which destinations a component may call, and how the call is made.

use std::net::IpAddr;
use std::ops::RangeInclusive;

use anyhow::{Context as _, Result, bail, ensure};
use http::Uri;

/// Destinations granted by `allowed_outbound_hosts`.
#[derive(Debug, Default, Clone)]
pub(crate) struct AllowedHosts(Vec<Pattern>);

/// One grant: `scheme://host[:port]`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Pattern {
    /// `None` is any scheme.
    scheme: Option<String>,
    host: HostPattern,
    ports: RangeInclusive<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum HostPattern {
    Any,
    Exact(String),
    /// `*.domain`: any name under the domain. Holds `.domain`.
    Under(String),
    /// The application itself.
    Itself,
    Network(Network),
}

impl AllowedHosts {
    /// Parses the grants of one component, templates already filled.
    pub(crate) fn parse<'a>(grants: impl IntoIterator<Item = &'a str>) -> Result<Self> {
        let parse = |grant: &'a str| {
            Pattern::parse(grant).with_context(|| format!("allowed_outbound_hosts {grant:?}"))
        };
        Ok(Self(grants.into_iter().map(parse).collect::<Result<_>>()?))
    }

    /// Whether a request to `uri` is granted. A URI without a host means the application itself.
    pub(crate) fn allows(&self, uri: &Uri) -> bool {
        let scheme = uri.scheme_str().unwrap_or("https");
        let host = uri
            .host()
            .map(|host| host.trim_matches(['[', ']']).to_ascii_lowercase());
        let port = uri.port_u16().or_else(|| default_port(scheme));
        self.0
            .iter()
            .any(|pattern| pattern.allows(scheme, host.as_deref(), port))
    }
}

/// Whether one of these grants lets its component call any host, whatever its name resolves to. A grant with a
/// template in it names one host.
pub(crate) fn reach_any_host<'a>(grants: impl IntoIterator<Item = &'a String>) -> bool {
    let any = |grant: &String| {
        Pattern::parse(grant).is_ok_and(|pattern| pattern.host == HostPattern::Any)
    };
    grants.into_iter().any(any)
}

/// Whether `host` is a name by which an application calls itself.
pub(crate) fn is_itself(host: Option<&str>) -> bool {
    matches!(host, None | Some("self.alt"))
}

fn default_port(scheme: &str) -> Option<u16> {
    match scheme {
        "http" => Some(80),
        "https" => Some(443),
        "redis" => Some(6379),
        "postgres" => Some(5432),
        "mysql" => Some(3306),
        _ => None,
    }
}

impl Pattern {
    fn parse(grant: &str) -> Result<Self> {
        if grant == "self" {
            return Self::parse("http://self");
        }
        let (scheme, authority) = grant
            .split_once("://")
            .context("write it as scheme://host, scheme://host:port or *://*:*")?;
        let authority = authority.strip_suffix('/').unwrap_or(authority);
        ensure!(
            !authority.contains(['/', '?', '@']) || is_network(authority),
            "only scheme, host and port"
        );
        let scheme = (scheme != "*").then(|| scheme.to_ascii_lowercase());
        let (host, port) = split_port(authority)?;
        let host = HostPattern::parse(host)?;
        let ports = match (port, &scheme) {
            (Some(port), _) => parse_ports(port)?,
            (None, _) if host == HostPattern::Itself => 0..=u16::MAX,
            (None, Some(scheme)) => {
                let port = default_port(scheme)
                    .with_context(|| format!("{scheme} has no usual port, so name one"))?;
                port..=port
            }
            (None, None) => bail!("a grant of every scheme names its port, or :*"),
        };
        Ok(Self {
            scheme,
            host,
            ports,
        })
    }

    fn allows(&self, scheme: &str, host: Option<&str>, port: Option<u16>) -> bool {
        if self.scheme.as_deref().is_some_and(|own| own != scheme) && !is_itself(host) {
            return false;
        }
        if is_itself(host) {
            let everything = self.host == HostPattern::Any && self.scheme.is_none();
            return everything || self.host == HostPattern::Itself;
        }
        host.is_some_and(|host| self.host.matches(host))
            && port.is_some_and(|port| self.ports.contains(&port))
    }
}

fn is_network(authority: &str) -> bool {
    authority
        .split_once('/')
        .is_some_and(|(address, _)| address.parse::<IpAddr>().is_ok())
}

/// Splits `host:port`, with an IPv6 address in brackets.
fn split_port(authority: &str) -> Result<(&str, Option<&str>)> {
    if let Some(rest) = authority.strip_prefix('[') {
        let (host, after) = rest
            .split_once(']')
            .context("an IPv6 address needs its ]")?;
        return Ok((host, after.strip_prefix(':')));
    }
    Ok(match authority.split_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (authority, None),
    })
}

fn parse_ports(text: &str) -> Result<RangeInclusive<u16>> {
    if text == "*" {
        return Ok(0..=u16::MAX);
    }
    let port = |text: &str| {
        text.parse::<u16>()
            .with_context(|| format!("port {text:?}"))
    };
    match text.split_once("..") {
        // The end of Spin's range is not part of it.
        Some((first, end)) => {
            let (first, end) = (port(first)?, port(end)?);
            ensure!(first < end, "port range {text:?} is empty");
            Ok(first..=end - 1)
        }
        None => Ok(port(text)?..=port(text)?),
    }
}

impl HostPattern {
    fn parse(host: &str) -> Result<Self> {
        ensure!(!host.is_empty(), "the host is missing");
        let host = host.to_ascii_lowercase();
        if host == "*" {
            return Ok(Self::Any);
        }
        if host == "self" || host == "self.alt" {
            return Ok(Self::Itself);
        }
        if let Some(domain) = host.strip_prefix('*') {
            ensure!(
                domain.starts_with('.') && !domain.contains('*'),
                "a wildcard is *.domain"
            );
            return Ok(Self::Under(domain.to_owned()));
        }
        ensure!(!host.contains('*'), "a wildcard is * or *.domain");
        Ok(match host.contains('/').then(|| Network::parse(&host)) {
            Some(network) => Self::Network(network?),
            None => Self::Exact(host),
        })
    }

    fn matches(&self, host: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Exact(own) => own == host,
            Self::Under(domain) => host.len() > domain.len() && host.ends_with(domain.as_str()),
            Self::Itself => false,
            Self::Network(network) => host.parse().is_ok_and(|ip| network.contains(ip)),
        }
    }
}

/// A block of addresses, `192.0.2.0/24`.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Network {
    address: IpAddr,
    prefix: u8,
}

impl Network {
    fn parse(text: &str) -> Result<Self> {
        let (address, prefix) = match text.split_once('/') {
            Some((address, prefix)) => (address, Some(prefix)),
            None => (text, None),
        };
        let address: IpAddr = address
            .parse()
            .with_context(|| format!("network {text:?}"))?;
        let bits = if address.is_ipv4() { 32 } else { 128 };
        let prefix = prefix
            .map_or(Ok(bits), str::parse)
            .with_context(|| format!("network {text:?}"))?;
        ensure!(prefix <= bits, "network {text:?}: at most /{bits}");
        Ok(Self { address, prefix })
    }

    fn contains(&self, ip: IpAddr) -> bool {
        let shifted = |ip: u128, bits: u32| {
            ip.checked_shr(bits.saturating_sub(u32::from(self.prefix)))
                .unwrap_or(0)
        };
        match (self.address, ip) {
            (IpAddr::V4(own), IpAddr::V4(ip)) => {
                shifted(u32::from(own).into(), 32) == shifted(u32::from(ip).into(), 32)
            }
            (IpAddr::V6(own), IpAddr::V6(ip)) => {
                shifted(own.into(), 128) == shifted(ip.into(), 128)
            }
            _ => false,
        }
    }
}

/// Addresses that no component may reach, whatever its grants (`[outbound_networking]`).
#[derive(Debug, Default, Clone)]
pub struct BlockedNetworks {
    networks: Vec<Network>,
    private: bool,
}

impl BlockedNetworks {
    /// Parses `block_networks`: networks, and the word `private`.
    pub(crate) fn parse(entries: &[String]) -> Result<Self> {
        let mut blocked = Self::default();
        for entry in entries {
            if entry == "private" {
                blocked.private = true;
            } else {
                let network =
                    Network::parse(entry).context("[outbound_networking] block_networks")?;
                blocked.networks.push(network);
            }
        }
        Ok(blocked)
    }

    /// Whether the word `private` is among them.
    pub(crate) fn has_private(&self) -> bool {
        self.private
    }

    /// Whether `ip` must not be reached.
    pub(crate) fn contains(&self, ip: IpAddr) -> bool {
        let ip = ip.to_canonical();
        (self.private && is_private(ip)) || self.networks.iter().any(|network| network.contains(ip))
    }
}

/// Whether `ip` is not an address of the public internet.
fn is_private(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => {
            let [a, b, c, _] = ip.octets();
            ip.is_private()
                || ip.is_loopback()
                || ip.is_link_local()
                || ip.is_unspecified()
                || ip.is_broadcast()
                || ip.is_documentation()
                || ip.is_multicast()
                || a == 0
                || (a == 100 && (64..128).contains(&b))
                || (a == 192 && b == 0 && c == 0)
                || (a == 198 && (b == 18 || b == 19))
                || a >= 240
        }
        IpAddr::V6(ip) => {
            ip.is_loopback()
                || ip.is_unspecified()
                || ip.is_multicast()
                || ip.is_unique_local()
                || ip.is_unicast_link_local()
                || ip.segments().starts_with(&[0x2001, 0xdb8])
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(grants: &[&str], uri: &str) -> bool {
        AllowedHosts::parse(grants.iter().copied())
            .unwrap()
            .allows(&uri.parse().unwrap())
    }

    #[test]
    fn nothing_is_granted_by_default() {
        assert!(!allowed(&[], "https://example.ru/"));
        assert!(!allowed(&[], "/relative"));
    }

    #[test]
    fn a_grant_of_any_host_is_known() {
        let any = |grant: &str| reach_any_host(&[grant.to_owned()]);
        assert!(any("https://*") && any("https://*:*") && any("*://*:*"));
        for one in [
            "self",
            "https://*.myinsales.ru",
            "https://api.moysklad.ru",
            "http://127.0.0.1:*",
            "{{ insales_gateway }}",
        ] {
            assert!(!any(one), "{one}");
        }
        assert!(!reach_any_host(&[]));
    }

    #[test]
    fn scheme_host_and_port_must_agree() {
        let grants = ["https://api.moysklad.ru"];
        assert!(allowed(&grants, "https://api.moysklad.ru/x?y"));
        assert!(allowed(&grants, "https://API.moysklad.ru:443/"));
        assert!(!allowed(&grants, "http://api.moysklad.ru/"));
        assert!(!allowed(&grants, "https://api.moysklad.ru:8443/"));
        assert!(!allowed(&grants, "https://api.moysklad.ru.evil.ru/"));
        assert!(!allowed(&grants, "https://evil.ru/api.moysklad.ru"));
    }

    #[test]
    fn a_wildcard_covers_names_under_the_domain_only() {
        let grants = ["https://*.myinsales.ru"];
        assert!(allowed(&grants, "https://shop.myinsales.ru/"));
        assert!(allowed(&grants, "https://a.b.myinsales.ru/"));
        assert!(!allowed(&grants, "https://myinsales.ru/"));
        assert!(!allowed(&grants, "https://evilmyinsales.ru/"));
    }

    #[test]
    fn ports_can_be_ranges_or_any() {
        assert!(allowed(&["http://127.0.0.1:*"], "http://127.0.0.1:4321/"));
        assert!(allowed(&["http://h:80..90"], "http://h:89/"));
        assert!(!allowed(&["http://h:80..90"], "http://h:90/"));
        assert!(allowed(&["*://*:*"], "https://anything.ru:1/"));
        assert!(allowed(&["https://*:*"], "https://anything.ru:1/"));
    }

    #[test]
    fn networks_and_ipv6_can_be_granted() {
        assert!(allowed(&["http://127.0.0.0/24:*"], "http://127.0.0.9:5/"));
        assert!(!allowed(&["http://127.0.0.0/24:*"], "http://127.0.1.9:5/"));
        assert!(allowed(&["http://[::1]:3000"], "http://[::1]:3000/"));
    }

    #[test]
    fn the_application_itself_is_a_grant_of_its_own() {
        assert!(allowed(&["http://self"], "http://self.alt/tick"));
        assert!(allowed(&["self"], "http://self.alt/tick"));
        assert!(allowed(&["*://*:*"], "http://self.alt/tick"));
        assert!(!allowed(&["http://*:*"], "http://self.alt/tick"));
        assert!(!allowed(&["http://self"], "http://127.0.0.1/"));
    }

    #[test]
    fn a_grant_that_means_nothing_is_an_error() {
        for grant in [
            "example.ru",
            "https://",
            "https://a*b.ru",
            "*://example.ru",
            "http://h:x",
            "https://h/path",
        ] {
            assert!(AllowedHosts::parse([grant]).is_err(), "{grant}");
        }
    }

    #[test]
    fn private_networks_can_be_blocked() {
        let blocked = BlockedNetworks::parse(&["private".into(), "203.0.113.0/24".into()]).unwrap();
        for ip in [
            "10.1.2.3",
            "127.0.0.1",
            "169.254.169.254",
            "::1",
            "fd00::1",
            "::ffff:10.0.0.1",
            "203.0.113.9",
        ] {
            assert!(blocked.contains(ip.parse().unwrap()), "{ip}");
        }
        assert!(!blocked.contains("8.8.8.8".parse().unwrap()));
    }
}
