//! The operator's API: employees, groups, rights, companies, gift certificates, jobs, and what stands
//! still after failures.

sklad_edge_glue::component! {
    body_limit: sklad_operator::MAX_BODY_BYTES,
    handler: async |app, now, request| sklad_operator::handle_employees(&*app, now, request).await
}
