//! The operator's API `/api/v1/…`: tenants, keys, programme, customers, certificates, goods, journal.

sklad_edge_glue::component! {
    body_limit: sklad_operator::MAX_BODY_BYTES,
    handler: async |app, now, request| sklad_operator::handle(&*app, now, request).await
}
