//! Webhooks of МойСклад: written down and answered; the tick does the rest.

use sklad_moysklad::webhook;

sklad_edge_glue::component! {
    body_limit: webhook::BODY_LIMIT,
    handler: async |app, now, request| webhook::handle(&*app, now, request).await
}
