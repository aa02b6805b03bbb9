//! What a receipt costs: `/retaildemand/recalc`. No side effect on points.

use sklad_moysklad::loyalty::{BODY_LIMIT, calc};

sklad_edge_glue::component! {
    body_limit: BODY_LIMIT,
    handler: async |app, now, request| calc::handle(&*app, now, request).await
}
