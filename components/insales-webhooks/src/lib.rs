//! Webhooks of shops on InSales: written down and answered; the tick does the rest.

use sklad_insales::webhook;

sklad_edge_glue::component! {
    body_limit: webhook::BODY_LIMIT,
    handler: async |app, now, request| webhook::handle(&*app, now, request).await
}
