//! Pages and their cursors.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;

use crate::error::ApiError;

/// Items of a page when the client does not say how many.
pub const DEFAULT_LIMIT: usize = 50;
/// The most items of a page.
pub const MAX_LIMIT: usize = 500;

/// One page. `next` is the cursor of the next one, and null when this is the last.
#[derive(Serialize)]
pub struct Page<T> {
    pub items: Vec<T>,
    pub next: Option<String>,
}

impl<T> Page<T> {
    /// A full page has a next one, which may be empty.
    pub fn new(items: Vec<T>, limit: usize, cursor: impl FnOnce(&T) -> Vec<String>) -> Self {
        let next = (items.len() >= limit)
            .then(|| items.last().map(|last| encode(&cursor(last))))
            .flatten();
        Self { items, next }
    }
}

/// A cursor is the sort key of the last item: opaque to the client, and stable while rows change.
pub fn encode(key: &[String]) -> String {
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(key).unwrap_or_default())
}

/// The sort key that a cursor of ours holds.
pub fn decode<const N: usize>(cursor: &str) -> Result<[String; N], ApiError> {
    let key = URL_SAFE_NO_PAD
        .decode(cursor)
        .ok()
        .and_then(|json| serde_json::from_slice::<Vec<String>>(&json).ok())
        .and_then(|key| key.try_into().ok());
    key.ok_or_else(|| ApiError::bad("cursor", "Это не указатель страницы"))
}

/// A number within a cursor.
pub fn number(text: &str) -> Result<i64, ApiError> {
    text.parse()
        .map_err(|_| ApiError::bad("cursor", "Это не указатель страницы"))
}
