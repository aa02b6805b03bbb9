//! Which trigger a path belongs to, and what the guest is told about the match.

use anyhow::{Result, ensure};

/// One part of a route between slashes.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
enum Segment {
    // The order is the precedence: routes are tried exact, then named, then wildcard.
    Exact(String),
    Named(String),
    Rest,
}

/// One route and the index of the trigger it leads to.
#[derive(Debug, Clone)]
struct Entry {
    segments: Vec<Segment>,
    raw: String,
    target: usize,
}

/// Routes in the order in which they are tried.
#[derive(Debug, Default)]
pub(crate) struct Router {
    entries: Vec<Entry>,
}

/// A path that matched a route.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Match<'a> {
    /// Index of the trigger.
    pub target: usize,
    /// The route as the manifest has it.
    pub route: &'a str,
    /// What the trailing wildcard stands for, with its slash; empty without one.
    pub path_info: String,
    /// Named segments and what they stand for.
    pub named: Vec<(&'a str, String)>,
}

impl Router {
    /// Adds `route` (`/exact`, `/:named/segments`, `/prefix/...`) to trigger `target`.
    /// A later route of the same text replaces an earlier one, as in Spin.
    pub(crate) fn add(&mut self, route: &str, target: usize) -> Result<()> {
        let trimmed = route.trim_matches('/');
        let mut segments = Vec::new();
        for part in trimmed.split('/').filter(|part| !part.is_empty()) {
            ensure!(
                segments.last() != Some(&Segment::Rest),
                "route {route:?}: ... can only be the last part"
            );
            segments.push(match part {
                "..." | "*" => Segment::Rest,
                part => match part.strip_prefix(':') {
                    Some(name) => Segment::Named(name.to_owned()),
                    None => Segment::Exact(part.to_owned()),
                },
            });
        }
        self.entries.retain(|entry| entry.segments != segments);
        self.entries.push(Entry {
            segments,
            raw: route.to_owned(),
            target,
        });
        self.entries
            .sort_by(|a, b| precedence(&a.segments, &b.segments));
        Ok(())
    }

    /// The best route for `path`.
    pub(crate) fn find(&self, path: &str) -> Option<Match<'_>> {
        self.entries.iter().find_map(|entry| entry.matches(path))
    }
}

/// Segment by segment: exact before named before wildcard.
fn precedence(a: &[Segment], b: &[Segment]) -> std::cmp::Ordering {
    let rank = |segment: &Segment| match segment {
        Segment::Exact(_) => 0,
        Segment::Named(_) => 1,
        Segment::Rest => 2,
    };
    a.iter().map(rank).cmp(b.iter().map(rank))
}

impl Entry {
    fn matches(&self, path: &str) -> Option<Match<'_>> {
        let trailing_slash = path.ends_with('/');
        let mut rest = path.trim_matches('/');
        let mut found = Match {
            target: self.target,
            route: &self.raw,
            path_info: String::new(),
            named: vec![],
        };
        for segment in &self.segments {
            if *segment == Segment::Rest {
                found.path_info = match (rest.is_empty(), trailing_slash) {
                    (true, false) => String::new(),
                    (true, true) => "/".to_owned(),
                    (false, false) => format!("/{rest}"),
                    (false, true) => format!("/{rest}/"),
                };
                return Some(found);
            }
            if rest.is_empty() {
                return None;
            }
            let (part, after) = rest.split_once('/').unwrap_or((rest, ""));
            match segment {
                Segment::Exact(text) if text == part => {}
                Segment::Named(name) => found.named.push((name, part.to_owned())),
                _ => return None,
            }
            rest = after;
        }
        rest.is_empty().then_some(found)
    }
}

impl Match<'_> {
    /// The route without its trailing wildcard.
    pub(crate) fn component_route(&self) -> &str {
        self.route.strip_suffix("/...").unwrap_or(self.route)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn router(routes: &[&str]) -> Router {
        let mut router = Router::default();
        for (index, route) in routes.iter().enumerate() {
            router.add(route, index).unwrap();
        }
        router
    }

    fn target(router: &Router, path: &str) -> Option<usize> {
        router.find(path).map(|found| found.target)
    }

    #[test]
    fn exact_beats_named_beats_wildcard() {
        let router = router(&["/...", "/:id", "/health", "/a/...", "/a/b/..."]);
        assert_eq!(target(&router, "/health"), Some(2));
        assert_eq!(target(&router, "/42"), Some(1));
        assert_eq!(target(&router, "/a/b/c"), Some(4));
        assert_eq!(target(&router, "/a/c"), Some(3));
        assert_eq!(target(&router, "/x/y"), Some(0));
        assert_eq!(target(&router, "/"), Some(0));
    }

    #[test]
    fn a_wildcard_reports_what_it_stands_for() {
        let router = router(&["/foo/..."]);
        let info = |path: &str| router.find(path).map(|found| found.path_info);
        assert_eq!(info("/foo").as_deref(), Some(""));
        assert_eq!(info("/foo/").as_deref(), Some("/"));
        assert_eq!(info("/foo/bar").as_deref(), Some("/bar"));
        assert_eq!(info("/foo/bar/").as_deref(), Some("/bar/"));
        assert_eq!(info("/food"), None);
    }

    #[test]
    fn named_segments_are_captured() {
        let router = router(&["/t/:slug/..."]);
        let found = router.find("/t/shop/x/y").unwrap();
        assert_eq!(found.named, [("slug", "shop".to_owned())]);
        assert_eq!(found.path_info, "/x/y");
        assert_eq!(found.component_route(), "/t/:slug");
    }

    #[test]
    fn an_unknown_path_has_no_route() {
        let router = router(&["/a", "/b/c"]);
        assert_eq!(target(&router, "/b"), None);
        assert_eq!(target(&router, "/a/"), Some(0));
        assert_eq!(target(&router, "/"), None);
    }

    #[test]
    fn the_later_of_two_equal_routes_is_used() {
        assert_eq!(target(&router(&["/a", "/a"]), "/a"), Some(1));
    }
}
