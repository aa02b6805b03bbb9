//! [`Http`] over Spin's outgoing HTTP.
//!
//! Where a grant in spin.toml is wide, since a merchant's gateway can be anywhere, the address is looked
//! at here too: only https, no addresses of machines, no redirects ([`Call::check`]).

use bytes::{Bytes, BytesMut};
use http_body_util::{BodyExt, Full};
use sklad_store::{Call, Http, HttpError, Within};
use spin_sdk::http::send;
use spin_sdk::wasip3::http::types::{ErrorCode, RequestOptions};
use spin_sdk::wasip3::http_compat::RequestOptionsExtension;

/// Nanoseconds of a millisecond.
const NS_PER_MS: u64 = 1_000_000;

/// Outgoing HTTP of a component.
pub struct SpinHttp;

impl Http for SpinHttp {
    async fn send(&self, call: Call) -> Result<http::Response<Bytes>, HttpError> {
        call.check()?;
        let (mut parts, body) = call.request.into_parts();
        parts
            .extensions
            .insert(RequestOptionsExtension(options(call.within)?));
        let request = http::Request::from_parts(parts, Full::new(body));
        let (parts, body) = send(request).await.map_err(failed)?.into_parts();
        let bytes = match call.within.body_bytes {
            0 => Bytes::new(),
            limit => read(body, limit).await?,
        };
        Ok(http::Response::from_parts(parts, bytes))
    }
}

fn options(within: Within) -> Result<RequestOptions, HttpError> {
    let options = RequestOptions::new();
    let unlimited = |_| HttpError::NotSent("time limits are not supported".to_owned());
    let connect = u64::from(within.connect_ms).saturating_mul(NS_PER_MS);
    let answer = u64::from(within.answer_ms).saturating_mul(NS_PER_MS);
    options
        .set_connect_timeout(Some(connect))
        .map_err(unlimited)?;
    options
        .set_first_byte_timeout(Some(answer))
        .map_err(unlimited)?;
    options
        .set_between_bytes_timeout(Some(answer))
        .map_err(unlimited)?;
    Ok(options)
}

/// What a request that failed may have done: nothing where there was no connection to send it over, else
/// who knows.
fn failed(error: ErrorCode) -> HttpError {
    match error {
        ErrorCode::DnsTimeout
        | ErrorCode::DnsError(_)
        | ErrorCode::DestinationNotFound
        | ErrorCode::DestinationUnavailable
        | ErrorCode::DestinationIpProhibited
        | ErrorCode::DestinationIpUnroutable
        | ErrorCode::ConnectionRefused
        | ErrorCode::ConnectionTimeout
        | ErrorCode::ConnectionLimitReached
        | ErrorCode::TlsProtocolError
        | ErrorCode::TlsCertificateError
        | ErrorCode::TlsAlertReceived(_)
        | ErrorCode::HttpRequestDenied
        | ErrorCode::HttpRequestUriInvalid
        | ErrorCode::HttpRequestMethodInvalid => HttpError::NotSent(error.to_string()),
        other => HttpError::NoAnswer(other.to_string()),
    }
}

async fn read<B>(body: B, limit: usize) -> Result<Bytes, HttpError>
where
    B: http_body::Body<Data = Bytes, Error = ErrorCode> + Unpin,
{
    let mut body = body;
    let mut bytes = BytesMut::new();
    while let Some(frame) = body.frame().await {
        let frame = frame.map_err(failed_midway)?;
        let Some(piece) = frame.data_ref() else {
            continue;
        };
        if bytes.len().saturating_add(piece.len()) > limit {
            return Err(HttpError::TooLarge);
        }
        bytes.extend_from_slice(piece);
    }
    Ok(bytes.freeze())
}

fn failed_midway(error: ErrorCode) -> HttpError {
    HttpError::NoAnswer(error.to_string())
}
