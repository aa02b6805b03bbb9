//! Requests sent over the ports: within the limit of all instances together, repeated where that helps.

use std::cell::Cell;

use bytes::Bytes;
use http::Method;
use sklad_store::{Call, Clock, Http, Ports, Sql, SqlError};

use super::client::{self, Api, Headers};
use super::error::{Error, Retry};
use super::limits::{self, Part};

/// How often a request that only reads is sent before its error is believed.
pub const ATTEMPTS: u32 = 5;
/// The pause after the first failure, in milliseconds; it doubles with each further one.
const BACKOFF_MS: u32 = 250;

/// Why a session could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The shop's answer, or none.
    #[error(transparent)]
    Api(#[from] Error),
    /// Our own database.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

/// A caller at work.
pub struct Session<'a, S, H, C> {
    ports: Ports<'a, S, H, C>,
    api: Api<'a>,
    holder: String,
    part: Part,
    until: i64,
    hasty: bool,
    sent: Cell<u64>,
    written: Cell<u64>,
}

impl<'a, S: Sql, H: Http, C: Clock> Session<'a, S, H, C> {
    /// Begins to work until `until_ms`, milliseconds since 1970 UTC.
    #[must_use]
    pub fn open(ports: Ports<'a, S, H, C>, api: Api<'a>, part: Part, until_ms: i64) -> Self {
        Self {
            ports,
            api,
            holder: api.access.holder(),
            part,
            until: until_ms,
            hasty: false,
            sent: Cell::new(0),
            written: Cell::new(0),
        }
    }

    /// The same for somebody who waits: no answer is waited for longer than the session lasts.
    #[must_use]
    pub fn hasty(mut self) -> Self {
        self.hasty = true;
        self
    }

    /// How many writes the shop has taken so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written.get()
    }

    /// How many requests were sent so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.get()
    }

    /// Reads what is at `path`, as JSON; empty where the shop has nothing to say.
    ///
    /// # Errors
    /// [`Failure`]; [`Error::RateLimited`] also when the limit would let the request out, or a failure let it
    /// be repeated, only after the end of the session.
    pub async fn get(&self, path: &str) -> Result<String, Failure> {
        let mut attempt = 0;
        loop {
            match self.once(self.api.get(path)?).await {
                Err(Failure::Api(error)) => {
                    attempt += 1;
                    self.pause_after(error, attempt).await?;
                }
                other => return other,
            }
        }
    }

    /// Sends JSON, once: what went wrong may have had its effect all the same
    /// ([`Error::had_no_effect`]), and only the caller can look whether it has.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn write(&self, method: Method, path: &str, json: &str) -> Result<String, Failure> {
        let call = self.api.send(method, path, json.to_owned())?;
        let answer = self.once(call).await?;
        self.written.set(self.written.get().saturating_add(1));
        Ok(answer)
    }

    /// Sends once; an answer that is no success is an error.
    async fn once(&self, mut call: Call) -> Result<String, Failure> {
        /// Somebody who waits gets at least this long an answer, in milliseconds.
        const LEAST_MS: i64 = 1_000;
        let known = self.granted().await?;
        let sent_at = self.ports.clock.now_ms();
        if self.hasty {
            let left = self.until.saturating_sub(sent_at).max(LEAST_MS);
            let left = u32::try_from(left).unwrap_or(u32::MAX);
            call.within.answer_ms = call.within.answer_ms.min(left);
        }
        self.sent.set(self.sent.get().saturating_add(1));
        let answer = self.ports.http.send(call).await.map_err(Error::from)?;
        self.learn(&answer, known, sent_at).await?;
        Ok(client::read(answer)?)
    }

    /// Waits for the right to send a request; answers how many are counted with it.
    async fn granted(&self) -> Result<i64, Failure> {
        let clock = self.ports.clock;
        loop {
            let now = clock.now_ms();
            let ask = limits::ask(&self.holder, self.part, now);
            let rows = self.ports.sql.atomic(vec![ask]).await?;
            let answer = rows.first().and_then(|rows| limits::answer(rows));
            let answer =
                answer.ok_or_else(|| SqlError::Other("a budget without an answer".to_owned()))?;
            if answer.granted {
                return Ok(answer.used);
            }
            let free_at = answer.free_at.max(now + 1);
            self.wait_until(free_at).await?;
        }
    }

    /// Takes the shop's word on the limit.
    async fn learn(
        &self,
        answer: &http::Response<Bytes>,
        known: i64,
        sent_at: i64,
    ) -> Result<(), SqlError> {
        let headers = Headers::of(answer.headers());
        let now = self.ports.clock.now_ms();
        let mut batch = Vec::new();
        let error = (!answer.status().is_success())
            .then(|| super::error::refused(answer.status(), headers, ""));
        match error {
            Some(
                Error::RateLimited { retry_after_ms }
                | Error::Temporary {
                    retry_after_ms: retry_after_ms @ 1..,
                    ..
                },
            ) => {
                let until = now.saturating_add(retry_after_ms.into());
                batch.push(limits::hold(&self.holder, until));
            }
            _ => batch.extend(
                headers
                    .usage
                    .and_then(|usage| limits::told(&self.holder, known, usage, sent_at)),
            ),
        }
        match batch.is_empty() {
            true => Ok(()),
            false => self.ports.sql.atomic(batch).await.map(drop),
        }
    }

    /// Waits after the `attempt`th failure (from 1); gives the error back where repeating is of no use.
    async fn pause_after(&self, error: Error, attempt: u32) -> Result<(), Failure> {
        if attempt >= ATTEMPTS {
            return Err(error.into());
        }
        match error.retry() {
            Retry::No => Err(error.into()),
            // The budget knows.
            Retry::After(_) => Ok(()),
            Retry::Backoff => {
                let now = self.ports.clock.now_ms();
                let wait = BACKOFF_MS.saturating_mul(1 << attempt.min(6).saturating_sub(1));
                if now.saturating_add(wait.into()) > self.until {
                    return Err(error.into());
                }
                self.ports.clock.sleep(wait).await;
                Ok(())
            }
        }
    }

    async fn wait_until(&self, at_ms: i64) -> Result<(), Failure> {
        let clock = self.ports.clock;
        let wait = at_ms.saturating_sub(clock.now_ms()).max(1);
        let wait = u32::try_from(wait).unwrap_or(u32::MAX);
        if at_ms > self.until {
            return Err(Error::RateLimited {
                retry_after_ms: wait,
            }
            .into());
        }
        clock.sleep(wait).await;
        Ok(())
    }
}
