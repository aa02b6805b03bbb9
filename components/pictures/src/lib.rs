//! Pictures of goods, by the hash of their bytes.

use sklad_exchange::pictures;

sklad_edge_glue::component! {
    body_limit: pictures::BODY_LIMIT,
    handler: async |app, now, request| pictures::handle(&*app, now, request).await
}
