//! МойСклад connected: what comes from its JSON API, played by the fake.

mod import;
mod world;
