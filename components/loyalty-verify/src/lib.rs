//! One-time codes: `/counterparty/verify`, `/retaildemand/verify`. The only loyalty component that may
//! call out: the merchant's gateway sends the code.

use sklad_edge_glue::SpinHttp;
use sklad_moysklad::loyalty::{BODY_LIMIT, verify};

sklad_edge_glue::component! {
    body_limit: BODY_LIMIT,
    handler: async |app, now, request| verify::handle(&*app, &SpinHttp, now, request).await
}
