//! The operator's API `/api/v1/…`: tenants, keys, programme, customers, certificates, goods, journal.

use sklad_edge_glue::{Answer, serve};
use sklad_operator::MAX_BODY_BYTES;
use spin_sdk::http::Request;

#[spin_sdk::http_service]
async fn handle(request: Request) -> Answer {
    serve(request, MAX_BODY_BYTES, async |app, now, request| {
        sklad_operator::handle(&*app, now, request).await
    })
    .await
}
