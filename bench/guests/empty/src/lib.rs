//! Answers `{}` to everything: no request is read, no storage opened, no variable asked for. It
//! leaves in one write as the product's answers do, so that what remains is the host's own cost.

use sklad_edge_glue::early;
use sklad_edge_glue::spin_sdk::wasip3::exports::http::handler::Guest;
use sklad_edge_glue::spin_sdk::wasip3::http::types::{ErrorCode, Request, Response};

struct Component;

#[allow(unsafe_code, reason = "the export that wit-bindgen generates")]
mod export {
    sklad_edge_glue::spin_sdk::wasip3::http::service::export!(Component);
    use super::Component;
}

impl Guest for Component {
    async fn handle(_request: Request) -> Result<Response, ErrorCode> {
        early(http::Response::new(b"{}".to_vec())).await
    }
}
