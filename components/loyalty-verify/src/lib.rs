//! One-time codes: `/counterparty/verify`, `/retaildemand/verify`. The only loyalty component that may
//! call out: the merchant's gateway sends the code.

use sklad_edge_glue::{Answer, SpinHttp, serve};
use sklad_moysklad::loyalty::{BODY_LIMIT, verify};
use spin_sdk::http::Request;

#[spin_sdk::http_service]
async fn handle(request: Request) -> Answer {
    serve(request, BODY_LIMIT, async |app, now, request| {
        verify::handle(&*app, &SpinHttp, now, request).await
    })
    .await
}
