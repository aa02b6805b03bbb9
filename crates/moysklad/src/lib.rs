//! МойСклад: what its tills ask of us (the Loyalty API 1.0, [`loyalty`]).

pub mod loyalty;
