//! `POST /internal/tick`: jobs, webhooks and messages that are due, of all tenants. The operator's token is
//! needed.

use sklad_edge_glue::SpinHttp;

sklad_edge_glue::component! {
    vendors,
    streaming: async |app, clock, request| {
        sklad_sync::handle(&*app, &SpinHttp, &clock, request).await
    }
}
