//! The operator's API: connections to МойСклад, jobs, and what stands still after failures.

sklad_edge_glue::component! {
    body_limit: sklad_operator::MAX_BODY_BYTES,
    handler: async |app, now, request| sklad_operator::handle_connections(&*app, now, request).await
}
