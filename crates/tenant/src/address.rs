//! Which tenant a request addresses.

use crate::Slug;

/// The path prefix under which a tenant is addressed where there is one host for all.
const PREFIX: &str = "/t/";

/// The tenant that a request names by its host (`{slug}.{base domain}`, with or without a port) or
/// by its path (`/t/{slug}/…`), and the path without that prefix.
///
/// When both name one they must agree: otherwise the path is left as it came, so that no route
/// matches it. A name that is no slug is no tenant.
#[must_use]
pub fn tenant_in_request<'a>(
    host: Option<&str>,
    path: &'a str,
    base_domain: Option<&str>,
) -> (Option<Slug>, &'a str) {
    let by_host = host.and_then(|host| in_host(host, base_domain?));
    match (by_host, in_path(path)) {
        (None, Some((slug, rest))) => (Some(slug), rest),
        (Some(host), Some((slug, rest))) if host == slug => (Some(host), rest),
        (by_host, _) => (by_host, path),
    }
}

fn in_host(host: &str, base_domain: &str) -> Option<Slug> {
    let name = host.split(':').next()?.to_ascii_lowercase();
    // A dot at the end makes a name absolute and no other one.
    let name = name.strip_suffix('.').unwrap_or(&name);
    let base = base_domain.trim_start_matches('.').to_ascii_lowercase();
    let slug = name.strip_suffix(&base)?.strip_suffix('.')?;
    if base.is_empty() {
        None
    } else {
        slug.parse().ok()
    }
}

fn in_path(path: &str) -> Option<(Slug, &str)> {
    let after = path.strip_prefix(PREFIX)?;
    match after.find('/') {
        Some(end) => {
            let (slug, rest) = after.split_at_checked(end)?;
            Some((slug.parse().ok()?, rest))
        }
        None => Some((after.parse().ok()?, "/")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(host: &str, path: &str) -> (Option<String>, String) {
        let (slug, rest) = tenant_in_request(Some(host), path, Some("sklad.example"));
        (slug.map(String::from), rest.to_owned())
    }

    #[test]
    fn a_host_below_the_base_domain_names_the_tenant() {
        let demo = (Some("demo".to_owned()), "/x".to_owned());
        assert_eq!(named("demo.sklad.example", "/x"), demo);
        assert_eq!(named("Demo.Sklad.Example:8443", "/x"), demo);
        assert_eq!(named("demo.sklad.example.", "/x"), demo);
        assert_eq!(named("demo.sklad.example.:8443", "/x"), demo);
        for other in [
            "demo.sklad.example..",
            "sklad.example",
            "a.b.sklad.example",
            "demosklad.example",
            "127.0.0.1:3000",
        ] {
            assert_eq!(named(other, "/x"), (None, "/x".to_owned()), "{other}");
        }
    }

    #[test]
    fn a_path_prefix_names_the_tenant() {
        let demo = |rest: &str| (Some("demo".to_owned()), rest.to_owned());
        assert_eq!(named("localhost", "/t/demo/rest/x"), demo("/rest/x"));
        assert_eq!(named("localhost", "/t/demo"), demo("/"));
        assert_eq!(
            named("localhost", "/t/Demo/x"),
            (None, "/t/Demo/x".to_owned())
        );
        assert_eq!(named("localhost", "/t//x"), (None, "/t//x".to_owned()));
    }

    #[test]
    fn host_and_path_that_disagree_match_no_route() {
        let demo = |rest: &str| (Some("demo".to_owned()), rest.to_owned());
        assert_eq!(named("demo.sklad.example", "/t/demo/x"), demo("/x"));
        assert_eq!(
            named("demo.sklad.example", "/t/other/x"),
            demo("/t/other/x")
        );
    }

    #[test]
    fn without_a_base_domain_only_the_path_counts() {
        let (slug, rest) = tenant_in_request(Some("demo.example"), "/x", None);
        assert_eq!((slug, rest), (None, "/x"));
        let (slug, _) = tenant_in_request(Some("demo.example"), "/x", Some(""));
        assert_eq!(slug, None);
        let (slug, _) = tenant_in_request(None, "/t/demo/x", Some("sklad.example"));
        assert_eq!(slug.map(String::from).as_deref(), Some("demo"));
    }
}
