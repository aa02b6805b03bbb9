//! МойСклад connected, played by the fake: the solution's life, what comes from the JSON API, webhooks, and
//! the ticks that do it all.

mod import;
mod install;
mod keys;
mod suspend;
mod ticks;
mod uninstall;
mod webhooks;
pub mod world;
