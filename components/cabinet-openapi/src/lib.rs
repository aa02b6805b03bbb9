//! The operator's API: its OpenAPI document, which anybody may read. It has no storage and asks for no token.

use sklad_edge_glue::{early, open};

sklad_edge_glue::component! {
    export: |request| async { early(sklad_operator::handle_openapi(open(request)?.method())).await }
}
