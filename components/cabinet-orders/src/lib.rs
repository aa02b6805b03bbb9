//! The operator's API: orders of the shop.

sklad_edge_glue::component! {
    body_limit: sklad_operator::MAX_BODY_BYTES,
    handler: async |app, now, request| sklad_operator::handle_orders(&*app, now, request).await
}
