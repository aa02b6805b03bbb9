//! Answers.

use http::header::{ALLOW, CACHE_CONTROL, CONTENT_TYPE, ETAG, LOCATION, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde::Serialize;

use crate::error::ApiError;

/// An answer that is well.
pub struct Reply {
    status: StatusCode,
    body: Vec<u8>,
    etag: Option<u64>,
    location: Option<String>,
}

impl Reply {
    /// 200 with a JSON document.
    pub fn json(value: &impl Serialize) -> Result<Self, ApiError> {
        let body = serde_json::to_vec(value).map_err(|e| {
            ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", e.to_string())
        })?;
        Ok(Self {
            status: StatusCode::OK,
            body,
            etag: None,
            location: None,
        })
    }

    /// 200 with a JSON text.
    pub fn text(json: Vec<u8>) -> Self {
        Self {
            status: StatusCode::OK,
            body: json,
            etag: None,
            location: None,
        }
    }

    /// 204.
    pub fn empty() -> Self {
        Self {
            status: StatusCode::NO_CONTENT,
            body: Vec::new(),
            etag: None,
            location: None,
        }
    }

    /// The same with 201, and where the new thing is.
    pub fn created(mut self, location: String) -> Self {
        self.status = StatusCode::CREATED;
        self.location = Some(location);
        self
    }

    /// The same with the version of the document.
    pub fn version(mut self, version: u64) -> Self {
        self.etag = Some(version);
        self
    }

    pub fn into_http(self) -> Response<Vec<u8>> {
        let empty = self.body.is_empty();
        let mut response = Response::new(self.body);
        *response.status_mut() = self.status;
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if !empty {
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        }
        if let Some(value) = self
            .etag
            .and_then(|v| HeaderValue::from_str(&format!("\"{v}\"")).ok())
        {
            headers.insert(ETAG, value);
        }
        if let Some(value) = self.location.and_then(|l| HeaderValue::from_str(&l).ok()) {
            headers.insert(LOCATION, value);
        }
        response
    }
}

impl ApiError {
    pub fn into_http(self) -> Response<Vec<u8>> {
        let mut refusal = self.refusal();
        let (status, allow) = (refusal.status, refusal.allow.take());
        let mut response = Response::new(serde_json::to_vec(&refusal.body()).unwrap_or_default());
        *response.status_mut() = status;
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if let Some(value) = allow.and_then(|a| HeaderValue::from_str(&a).ok()) {
            headers.insert(ALLOW, value);
        }
        response
    }
}
