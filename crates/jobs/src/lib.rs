//! What runs by itself, and what is told of it.
//!
//! * [`schedule`] – when: pure.
//! * [`job`] – work in steps, with a cursor and a lease.
//! * [`inbox`] – what others told us; [`outbox`] – what is to be told to others.
//! * [`dead`] – what failed too often, to be tried again by a person.
//! * [`tick`] – all of this at work, for a while.
//! * [`sweep`] – forgetting.
//! * [`journal`] – what happened, for the merchant to read; [`mask`] shortens personal data in it.

pub mod dead;
pub mod inbox;
pub mod job;
pub mod journal;
pub mod mask;
pub mod outbox;
pub mod schedule;
pub mod sweep;
pub mod tick;
