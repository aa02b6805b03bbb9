//! What a receipt costs: `/retaildemand/recalc`. No side effect on points.

use sklad_edge_glue::{Answer, serve};
use sklad_moysklad::loyalty::{BODY_LIMIT, calc};
use spin_sdk::http::Request;

#[spin_sdk::http_service]
async fn handle(request: Request) -> Answer {
    serve(request, BODY_LIMIT, async |app, now, request| {
        calc::handle(&*app, now, request).await
    })
    .await
}
