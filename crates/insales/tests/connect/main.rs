//! Connecting a shop: the check, what can be chosen, the jobs that follow.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

mod check;
mod fake;
mod options;
mod plan;
