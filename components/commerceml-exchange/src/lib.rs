//! The exchange server of CommerceML: МойСклад and 1C push their catalogue here and take orders.

sklad_edge_glue::component! {
    streaming: async |app, clock, request| sklad_exchange::handle(&*app, &clock, request).await
}
