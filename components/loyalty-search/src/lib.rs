//! Customers and gift certificates for the till: `GET` and `POST /counterparty`,
//! `/counterparty/detail`, `/giftcard`, and a 404 in the vendor's shape for every other address below
//! the prefix.

use sklad_edge_glue::{Answer, serve};
use sklad_moysklad::loyalty::{BODY_LIMIT, search};
use spin_sdk::http::Request;

#[spin_sdk::http_service]
async fn handle(request: Request) -> Answer {
    serve(request, BODY_LIMIT, async |app, now, request| {
        search::handle(&*app, now, request).await
    })
    .await
}
