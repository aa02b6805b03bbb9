//! Who of a merchant's people may do what: employees, groups, rights, and logging in.
//!
//! * [`Right`] – what can be allowed; there are few, each has a name and a Russian title.
//! * [`employees`] – people and machines with an e-mail and a password: list, create, edit, block.
//! * [`groups`] – a group has rights and members; an employee has the rights of all his groups.
//! * [`password`] – hashing (argon2id), checking and generating.
//! * [`authenticate`] – the door: e-mail, password and the right that is needed.
//!
//! Every change writes its row of the journal in the same batch. A password never comes out again
//! but for a generated one, in the answer to the call that made it.

mod attempts;
pub mod employees;
mod error;
mod founder;
mod gate;
pub mod groups;
pub mod password;
mod right;
mod text;

pub use attempts::{ADDRESS_FAILURES, EMAIL_FAILURES, WINDOW_MS, client};
pub use employees::{Employee, NewEmployee};
pub use error::{Error, Refused};
pub use founder::{GROUP, founder};
pub use gate::{CACHE_ENTRIES, CACHE_TTL_MS, Gate, Login, authenticate};
pub use groups::{Group, GroupInput};
pub use right::Right;
