//! The operator's API: goods, categories, price types, stores.

sklad_edge_glue::component! {
    body_limit: sklad_operator::MAX_BODY_BYTES,
    handler: async |app, now, request| sklad_operator::handle_goods(&*app, now, request).await
}
