//! `spin:key-value@3` over a SQLite file with Spin's table.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rusqlite::OptionalExtension as _;
use wasmtime::component::{Accessor, FutureReader, HasSelf, Resource, StreamReader};

use crate::bindings::spin::key_value::key_value::{Error, Host, HostStore, HostStoreWithStore};
use crate::instance::InstanceState;
use crate::lock::{self, WriteLock};
use crate::sqlite::open_file;

/// Spin's own table, column for column: one file serves both.
const TABLE: &str = "CREATE TABLE IF NOT EXISTS spin_key_value (\
    store TEXT NOT NULL, key TEXT NOT NULL, value BLOB NOT NULL, PRIMARY KEY (store, key))";
const GET: &str = "SELECT value FROM spin_key_value WHERE store = ?1 AND key = ?2";
const SET: &str = "INSERT INTO spin_key_value (store, key, value) VALUES (?1, ?2, ?3) \
    ON CONFLICT (store, key) DO UPDATE SET value = excluded.value";
const DELETE: &str = "DELETE FROM spin_key_value WHERE store = ?1 AND key = ?2";
const EXISTS: &str = "SELECT 1 FROM spin_key_value WHERE store = ?1 AND key = ?2";
const KEYS: &str = "SELECT key FROM spin_key_value WHERE store = ?1";

/// A file of key-value stores, opened at first use and then kept open.
#[derive(Debug)]
pub(crate) struct Database {
    path: PathBuf,
    connection: tokio::sync::Mutex<Option<rusqlite::Connection>>,
    lock: WriteLock,
}

impl Database {
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            connection: tokio::sync::Mutex::new(None),
            lock: WriteLock::default(),
        }
    }

    async fn run<T: Send>(
        &self,
        mut statement: impl FnMut(&rusqlite::Connection) -> rusqlite::Result<T> + Send,
    ) -> Result<T, Error> {
        let mut connection = self.connection.lock().await;
        if connection.is_none() {
            let mut opened = open_file(&self.path).map_err(|error| other(&error))?;
            let create = |opened: &rusqlite::Connection| opened.execute(TABLE, []);
            lock::retry(&mut opened, &self.lock, create)
                .await
                .map_err(|error| other(&error))?;
            *connection = Some(opened);
        }
        match connection.as_mut() {
            Some(connection) => lock::retry(connection, &self.lock, &mut statement)
                .await
                .map_err(|error| other(&error)),
            None => Err(Error::Other("the store is not open".into())),
        }
    }

    async fn write(
        &self,
        statement: impl FnMut(&rusqlite::Connection) -> rusqlite::Result<usize> + Send,
    ) -> Result<(), Error> {
        let result = self.run(statement).await;
        self.lock.release();
        result.map(drop)
    }
}

fn other(error: &rusqlite::Error) -> Error {
    Error::Other(error.to_string())
}

/// The resource behind `spin:key-value/key-value.store`: a label in a file.
#[derive(Clone)]
pub struct Store {
    label: Arc<str>,
    database: Arc<Database>,
}

impl Store {
    /// A handle on the store `label` of `database`.
    pub(crate) fn new(label: &str, database: Arc<Database>) -> Self {
        Self {
            label: label.into(),
            database,
        }
    }

    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Error> {
        let read = |connection: &rusqlite::Connection| {
            let mut statement = connection.prepare_cached(GET)?;
            statement
                .query_row([&*self.label, key], |row| row.get(0))
                .optional()
        };
        self.database.run(read).await
    }

    /// Sets `key` to `value`.
    pub(crate) async fn set(&self, key: &str, value: &[u8]) -> Result<(), Error> {
        let write = |connection: &rusqlite::Connection| {
            let mut statement = connection.prepare_cached(SET)?;
            lock::blocking(|| statement.execute((&*self.label, key, value)))
        };
        self.database.write(write).await
    }

    async fn delete(&self, key: &str) -> Result<(), Error> {
        let write = |connection: &rusqlite::Connection| {
            let mut statement = connection.prepare_cached(DELETE)?;
            lock::blocking(|| statement.execute([&*self.label, key]))
        };
        self.database.write(write).await
    }

    async fn exists(&self, key: &str) -> Result<bool, Error> {
        let read = |connection: &rusqlite::Connection| {
            connection
                .prepare_cached(EXISTS)?
                .exists([&*self.label, key])
        };
        self.database.run(read).await
    }

    async fn keys(&self) -> Result<Vec<String>, Error> {
        let read = |connection: &rusqlite::Connection| {
            let mut statement = connection.prepare_cached(KEYS)?;
            statement
                .query_map([&*self.label], |row| row.get(0))?
                .collect()
        };
        self.database.run(read).await
    }
}

impl Host for InstanceState {}

impl HostStore for InstanceState {
    fn drop(&mut self, resource: Resource<Store>) -> wasmtime::Result<()> {
        self.table.delete(resource)?;
        Ok(())
    }
}

fn store<T: Send>(
    accessor: &Accessor<T, HasSelf<InstanceState>>,
    resource: &Resource<Store>,
) -> wasmtime::Result<Store> {
    accessor.with(|mut access| Ok(access.get().table.get(resource)?.clone()))
}

type Keys = (StreamReader<String>, FutureReader<Result<(), Error>>);

impl<T: Send> HostStoreWithStore<T> for HasSelf<InstanceState> {
    async fn open(
        accessor: &Accessor<T, Self>,
        label: String,
    ) -> wasmtime::Result<Result<Resource<Store>, Error>> {
        accessor.with(|mut access| {
            let state = access.get();
            let Some(database) = state.component.key_value.get(&label) else {
                return Ok(Err(Error::AccessDenied));
            };
            let Some(database) = database else {
                return Ok(Err(Error::NoSuchStore));
            };
            let store = Store::new(&label, database.clone());
            Ok(Ok(state.table.push(store)?))
        })
    }

    async fn get(
        accessor: &Accessor<T, Self>,
        resource: Resource<Store>,
        key: String,
    ) -> wasmtime::Result<Result<Option<Vec<u8>>, Error>> {
        Ok(store(accessor, &resource)?.get(&key).await)
    }

    async fn set(
        accessor: &Accessor<T, Self>,
        resource: Resource<Store>,
        key: String,
        value: Vec<u8>,
    ) -> wasmtime::Result<Result<(), Error>> {
        Ok(store(accessor, &resource)?.set(&key, &value).await)
    }

    async fn delete(
        accessor: &Accessor<T, Self>,
        resource: Resource<Store>,
        key: String,
    ) -> wasmtime::Result<Result<(), Error>> {
        Ok(store(accessor, &resource)?.delete(&key).await)
    }

    async fn exists(
        accessor: &Accessor<T, Self>,
        resource: Resource<Store>,
        key: String,
    ) -> wasmtime::Result<Result<bool, Error>> {
        Ok(store(accessor, &resource)?.exists(&key).await)
    }

    async fn get_keys(
        accessor: &Accessor<T, Self>,
        resource: Resource<Store>,
    ) -> wasmtime::Result<Keys> {
        let (keys, result) = match store(accessor, &resource)?.keys().await {
            Ok(keys) => (keys, Ok(())),
            Err(error) => (Vec::new(), Err(error)),
        };
        accessor.with(|mut access| {
            let keys = StreamReader::new(&mut access, keys)?;
            let result =
                FutureReader::new(&mut access, async move { wasmtime::error::Ok(result) })?;
            Ok((keys, result))
        })
    }
}
