//! Customers and gift certificates for the till: `GET` and `POST /counterparty`,
//! `/counterparty/detail`, `/giftcard`, and a 404 in the vendor's shape for every other address below
//! the prefix.

use sklad_moysklad::loyalty::{BODY_LIMIT, search};

sklad_edge_glue::component! {
    body_limit: BODY_LIMIT,
    handler: async |app, now, request| search::handle(&*app, now, request).await
}
