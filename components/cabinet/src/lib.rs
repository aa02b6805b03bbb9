//! The operator's API: tenants, keys, settings, and a 404 for what there is not.

sklad_edge_glue::component! {
    body_limit: sklad_operator::MAX_BODY_BYTES,
    handler: async |app, now, request| sklad_operator::handle_tenants(&*app, now, request).await
}
