//! The operator's API: sales, journal, simulation of receipts, check of the balances.

sklad_edge_glue::component! {
    body_limit: sklad_operator::MAX_BODY_BYTES,
    handler: async |app, now, request| sklad_operator::handle_sales(&*app, now, request).await
}
