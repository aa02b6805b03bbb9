//! Sales and returns that have happened: `/retaildemand`, `/retailsalesreturn`.

use sklad_edge_glue::{Answer, serve};
use sklad_moysklad::loyalty::{BODY_LIMIT, commit};
use spin_sdk::http::Request;

#[spin_sdk::http_service]
async fn handle(request: Request) -> Answer {
    serve(request, BODY_LIMIT, async |app, now, request| {
        commit::handle(&*app, now, request).await
    })
    .await
}
