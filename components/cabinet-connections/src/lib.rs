//! The operator's API: connections to МойСклад.

use sklad_edge_glue::{SpinClock, SpinHttp};

sklad_edge_glue::component! {
    vendors,
    body_limit: sklad_operator::MAX_BODY_BYTES,
    handler: async |app, _, request| {
        sklad_operator::handle_connections(&*app, &SpinHttp, &SpinClock, request).await
    }
}
