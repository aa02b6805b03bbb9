//! [`Http`] over Spin's outgoing HTTP.
//!
//! The grant in spin.toml is wide, since a merchant's gateway can be anywhere: so the address is
//! looked at here too ([`sklad_store::public`], by which programmes are checked when they are set).
//! Only https, no addresses of machines, no redirects.

use http::Uri;
use http_body_util::Full;
use sklad_store::{Http, HttpError, NotPublic};
use spin_sdk::http::send;
use spin_sdk::wasip3::http::types::RequestOptions;
use spin_sdk::wasip3::http_compat::RequestOptionsExtension;

/// How long a gateway may take to accept the connection, in nanoseconds: the till waits for the
/// answer meanwhile.
const CONNECT_NS: u64 = 1_000_000_000;
/// How long it may take to answer, in nanoseconds.
const ANSWER_NS: u64 = 2_000_000_000;

/// Outgoing HTTP of a component.
pub struct SpinHttp;

impl Http for SpinHttp {
    async fn post_json(&self, url: &str, body: String) -> Result<u16, HttpError> {
        // Looked at again here: a programme may have been stored by a build with other rules.
        sklad_store::public(url).map_err(|e| HttpError(e.to_string()))?;
        let uri: Uri = url
            .parse()
            .map_err(|_| HttpError(NotPublic::Form.to_string()))?;
        let options = RequestOptions::new();
        let unlimited = |_| HttpError("time limits are not supported".to_owned());
        options
            .set_connect_timeout(Some(CONNECT_NS))
            .map_err(unlimited)?;
        options
            .set_first_byte_timeout(Some(ANSWER_NS))
            .map_err(unlimited)?;
        options
            .set_between_bytes_timeout(Some(ANSWER_NS))
            .map_err(unlimited)?;
        let request = http::Request::post(uri)
            .header(http::header::CONTENT_TYPE, "application/json")
            .extension(RequestOptionsExtension(options))
            .body(Full::new(bytes::Bytes::from(body)))
            .map_err(|e| HttpError(e.to_string()))?;
        let response = send(request).await.map_err(|e| HttpError(e.to_string()))?;
        Ok(response.status().as_u16())
    }
}
