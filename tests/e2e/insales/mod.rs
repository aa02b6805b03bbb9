//! A shop on InSales connected, played by the fake: its catalogue, orders there and their statuses back, and
//! what goes wrong on the way.

mod catalogue;
mod orders;
mod trouble;
mod world;
