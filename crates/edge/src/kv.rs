//! [`Kv`] over Spin's key-value store.

use std::cell::OnceCell;

use sklad_store::{Kv, KvError};
use spin_sdk::key_value::{Error, Store};

/// The store labelled `default`, opened at first use and kept.
#[derive(Default)]
pub struct SpinKv(OnceCell<Store>);

impl SpinKv {
    async fn store(&self) -> Result<&Store, KvError> {
        if self.0.get().is_none() {
            let store = Store::open_default().await.map_err(error)?;
            // Two requests may have opened one each; either will do.
            let _ = self.0.set(store);
        }
        self.0.get().ok_or_else(|| KvError("not open".to_owned()))
    }
}

impl Kv for SpinKv {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, KvError> {
        self.store().await?.get(key).await.map_err(error)
    }

    async fn set(&self, key: &str, value: &[u8]) -> Result<(), KvError> {
        self.store().await?.set(key, value).await.map_err(error)
    }

    async fn delete(&self, key: &str) -> Result<(), KvError> {
        self.store().await?.delete(key).await.map_err(error)
    }
}

#[allow(clippy::needless_pass_by_value, reason = "the shape of map_err")]
fn error(e: Error) -> KvError {
    KvError(e.to_string())
}
