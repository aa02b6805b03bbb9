//! What happened, for the merchant to read: time, direction, object, outcome, text.

pub mod journal;
pub mod mask;
