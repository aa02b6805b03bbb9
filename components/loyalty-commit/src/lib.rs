//! Sales and returns that have happened: `/retaildemand`, `/retailsalesreturn`.

use sklad_moysklad::loyalty::{BODY_LIMIT, commit};

sklad_edge_glue::component! {
    body_limit: BODY_LIMIT,
    handler: async |app, now, request| commit::handle(&*app, now, request).await
}
