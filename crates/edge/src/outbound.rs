//! [`Http`] over Spin's outgoing HTTP.
//!
//! The grant in spin.toml is wide, since a merchant's gateway can be anywhere: so the address is
//! looked at here too. Only https, no addresses of machines, no redirects.

use http::Uri;
use http_body_util::Full;
use sklad_store::{Http, HttpError};
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
        let uri = allowed(url)?;
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

/// The address, if it is one of a public name over https.
fn allowed(url: &str) -> Result<Uri, HttpError> {
    let refused = || HttpError("only https addresses of public names are called".to_owned());
    let uri: Uri = url.parse().map_err(|_| refused())?;
    let host = uri.host().ok_or_else(refused)?;
    let named =
        host.contains('.') && host.parse::<std::net::IpAddr>().is_err() && !host.starts_with('[');
    let local = [".local", ".internal", ".localhost", ".lan"]
        .iter()
        .any(|end| host.to_ascii_lowercase().ends_with(end));
    if uri.scheme_str() == Some("https") && named && !local {
        Ok(uri)
    } else {
        Err(refused())
    }
}
