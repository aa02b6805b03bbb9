//! МойСклад: what its tills ask of us (the Loyalty API 1.0, [`loyalty`]), and the life of our solution in
//! its marketplace (the Vendor API 1.0, [`vendor`]).

pub mod loyalty;
pub mod vendor;
