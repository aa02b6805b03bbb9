//! What happened, for the merchant to read ([`journal`]), and what is
//! to be told to others ([`outbox`]).

pub mod journal;
pub mod mask;
pub mod outbox;
