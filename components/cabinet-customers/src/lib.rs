//! The operator's API: customers and their points.

sklad_edge_glue::component! {
    body_limit: sklad_operator::MAX_BODY_BYTES,
    handler: async |app, now, request| sklad_operator::handle_customers(&*app, now, request).await
}
