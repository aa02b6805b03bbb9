//! What components print: into `<log dir>/<component>_{stdout,stderr}.txt` and to the terminal.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};
use wasmtime_wasi::p2::{OutputStream, Pollable, StreamResult};

/// Bytes that a guest may write at once.
const CHUNK: usize = 64 * 1024;

/// One output stream of one component, shared by its instances.
#[derive(Clone, Debug)]
pub(crate) struct Output {
    file: Arc<File>,
    echo: Option<Echo>,
}

/// Where output is repeated for whoever watches the terminal.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Echo {
    Stdout,
    Stderr,
}

impl Output {
    /// Opens (appends to) the log file of stream `name` of `component`.
    pub(crate) fn open(
        dir: &Path,
        component: &str,
        name: &str,
        echo: Option<Echo>,
    ) -> Result<Self> {
        let path = dir.join(format!("{component}_{name}.txt"));
        let file = OpenOptions::new().create(true).append(true).open(&path);
        let file = file.with_context(|| format!("cannot open {}", path.display()))?;
        Ok(Self {
            file: Arc::new(file),
            echo,
        })
    }

    /// Writes `text`; a full disk must not stop a guest, so errors are dropped.
    pub(crate) fn put(&self, text: &[u8]) {
        let _ = (&*self.file).write_all(text);
        let _ = match self.echo {
            Some(Echo::Stdout) => io::stdout().write_all(text),
            Some(Echo::Stderr) => io::stderr().write_all(text),
            None => Ok(()),
        };
    }
}

impl IsTerminal for Output {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Output {
    fn p2_stream(&self) -> Box<dyn OutputStream> {
        Box::new(self.clone())
    }

    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}

#[wasmtime_wasi::async_trait]
impl Pollable for Output {
    async fn ready(&mut self) {}
}

impl OutputStream for Output {
    fn write(&mut self, bytes: Bytes) -> StreamResult<()> {
        self.put(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(CHUNK)
    }
}

impl AsyncWrite for Output {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        text: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.put(text);
        Poll::Ready(Ok(text.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
