//! The solution in МойСклад's marketplace: what МойСклад calls when it is installed, suspended, removed,
//! and the activation that its main window asks for.

use sklad_edge_glue::SpinHttp;
use sklad_moysklad::vendor::{self, routes};

sklad_edge_glue::component! {
    vendors,
    body_limit: vendor::BODY_LIMIT,
    handler: async |app, now, request| match request.uri().path().starts_with(routes::PREFIX) {
        true => routes::handle(&*app, &SpinHttp, now, request).await,
        false => vendor::handle(&*app, now, request).await,
    }
}
