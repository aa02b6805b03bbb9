//! МойСклад: what its tills ask of us (the Loyalty API 1.0, [`loyalty`]), and what we ask of it (the JSON
//! API 1.2, [`api`]). [`map`] says what its objects mean to us, [`sync`] brings them. [`vendor`] is the life of
//! our solution in its marketplace (the Vendor API 1.0), [`webhook`] what it tells by itself.

pub mod api;
pub mod loyalty;
pub mod map;
pub mod sync;
pub mod vendor;
pub mod webhook;
