//! МойСклад: what its tills ask of us (the Loyalty API 1.0, [`loyalty`]), and what we ask of it (the JSON
//! API 1.2, [`api`]).

pub mod api;
pub mod loyalty;
pub mod raw;
