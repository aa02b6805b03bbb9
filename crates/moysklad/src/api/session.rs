//! Requests sent over the ports: within the limits of all instances together, repeated where that helps.

use std::cell::Cell;

use bytes::Bytes;
use http::Method;
use http::header::LOCATION;
use sklad_store::{Call, Clock, Http, Ports, Reach, Sql, SqlError, Within};
use uuid::Uuid;

use super::client::{self, Api, Headers, WITHIN};
use super::error::{Error, Retry};
use super::limits;

/// How often a request that only reads is sent before its error is believed.
pub const ATTEMPTS: u32 = 5;
/// The pause after the first failure, in milliseconds; it doubles with each further one.
const BACKOFF_MS: u32 = 200;
/// How long after the end of the work a request may still go out that was begun before it, in milliseconds:
/// its units are reserved, and nobody else can use them.
const PATIENCE_MS: i64 = 2 * limits::INTERVAL_MS;
/// How long lanes are kept beyond the end of the work, in milliseconds: requests that were sent last.
const LANE_GRACE_MS: i64 = 60_000;
/// The header that keeps webhooks from being sent (§2.6).
const DISABLE_WEBHOOKS: &str = "x-lognex-webhook-disablebyprefix";
/// The largest file that is fetched, in bytes.
pub const FILE_BYTES: usize = 5 * 1024 * 1024;

/// Why a session could not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// МойСклад's answer, or none.
    #[error(transparent)]
    Api(#[from] Error),
    /// Our own database.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

/// A caller at work: has some of the lanes of the holder of the limit until it is closed.
pub struct Session<'a, S, H, C> {
    ports: Ports<'a, S, H, C>,
    tenant: &'a str,
    api: Api<'a>,
    holder: String,
    owner: String,
    until: i64,
    lanes: Cell<usize>,
    weight: Cell<usize>,
    /// Nothing is sent before: the vendor said so to this session.
    not_before: Cell<i64>,
    /// Webhooks to addresses that begin so are not sent of what is written.
    quiet: Option<String>,
    /// Requests that were sent, and those that were answered well.
    sent: Cell<u64>,
    answered: Cell<u64>,
}

impl<'a, S: Sql, H: Http, C: Clock> Session<'a, S, H, C> {
    /// Begins to work until `until_ms`, with up to `wanted` requests at once. `job` is the kind of the job
    /// that one works for at a time, empty where several may: whoever had lanes for it before has died.
    ///
    /// # Errors
    /// [`Error::TooParallel`] when others have all lanes, or the database's.
    pub async fn open(
        ports: Ports<'a, S, H, C>,
        tenant: &'a str,
        api: Api<'a>,
        job: &str,
        wanted: usize,
        until_ms: i64,
    ) -> Result<Self, Failure> {
        let now = ports.clock.now_ms();
        let holder = api.credentials.holder();
        let (owner, before) = owner(job);
        let kept = until_ms.saturating_add(LANE_GRACE_MS);
        let kept = kept.min(now.saturating_add(limits::LONGEST_LANE_MS));
        let take = limits::take_lanes(tenant, &holder, (&owner, &before), wanted, now, kept);
        let taken = ports.sql.atomic(vec![take]).await?;
        let lanes = taken.first().map_or(0, Vec::len);
        if lanes == 0 {
            return Err(Error::TooParallel.into());
        }
        Ok(Self {
            ports,
            tenant,
            api,
            holder,
            owner,
            until: until_ms,
            lanes: Cell::new(lanes),
            weight: Cell::new(api.credentials.class.weight(now)),
            not_before: Cell::new(0),
            quiet: None,
            sent: Cell::new(0),
            answered: Cell::new(0),
        })
    }

    /// What is written from now on is not told to webhooks whose address begins with `prefix`, which has
    /// protocol and domain (§2.6).
    #[must_use]
    pub fn quietly(self, prefix: &str) -> Self {
        let quiet = Some(prefix.to_owned());
        Self { quiet, ..self }
    }

    /// Gives the lanes back.
    ///
    /// # Errors
    /// The database's; then they come back by themselves.
    pub async fn close(self) -> Result<(), SqlError> {
        let free = limits::free_lanes(self.tenant, &self.holder, &self.owner);
        self.ports.sql.atomic(vec![free]).await.map(drop)
    }

    /// How many requests the caller may have under way at once now.
    #[must_use]
    pub fn lanes(&self) -> usize {
        self.lanes.get()
    }

    /// How many requests were sent so far.
    #[must_use]
    pub fn sent(&self) -> u64 {
        self.sent.get()
    }

    /// Reads what is at `path`, as JSON.
    ///
    /// # Errors
    /// [`Failure`]; [`Error::RateLimited`] also when the limit would let the request out, or a failure let it
    /// be repeated, only after the end of the session.
    pub async fn get(&self, path: &str) -> Result<String, Failure> {
        let mut attempt = 0;
        loop {
            let error = match self.once(self.api.get(path)?, path).await {
                Ok(answer) => match client::read(answer) {
                    Ok(text) => return Ok(text),
                    Err(error) => error,
                },
                Err(Failure::Api(error)) => error,
                Err(other) => return Err(other),
            };
            attempt += 1;
            self.pause_after(error, attempt).await?;
        }
    }

    /// What is at `path`, still packed, so that several answers can wait to be read ([`client::read`]) in
    /// little memory.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn packed(&self, path: &str) -> Result<http::Response<Bytes>, Failure> {
        let mut attempt = 0;
        loop {
            let result = self.once(self.api.get(path)?, path).await;
            let Err(Failure::Api(error)) = result else {
                return result;
            };
            attempt += 1;
            self.pause_after(error, attempt).await?;
        }
    }

    /// What is at `path`, still packed, in an answer of at most so many bytes. It is asked for once: what it
    /// costs the vendor may be what goes wrong.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn large(
        &self,
        path: &str,
        body_bytes: usize,
    ) -> Result<http::Response<Bytes>, Failure> {
        let mut call = self.api.get(path)?;
        call.within.body_bytes = body_bytes;
        self.once(call, path).await
    }

    /// Sends JSON; repeats only what certainly had no effect.
    ///
    /// # Errors
    /// As [`Self::get`].
    pub async fn write(&self, method: Method, path: &str, json: &str) -> Result<String, Failure> {
        let mut attempt = 0;
        loop {
            let mut call = self.api.send(method.clone(), path, json.to_owned())?;
            if let Some(prefix) = self.quiet.as_deref().and_then(|p| p.parse().ok()) {
                call.request.headers_mut().insert(DISABLE_WEBHOOKS, prefix);
            }
            let error = match self.once(call, path).await {
                Ok(answer) => return Ok(client::read(answer)?),
                Err(Failure::Api(error)) => error,
                Err(other) => return Err(other),
            };
            if !error.had_no_effect() {
                return Err(error.into());
            }
            attempt += 1;
            self.pause_after(error, attempt).await?;
        }
    }

    /// The file at `path`, as `/download/{id}`: the API answers where it is, which is asked without
    /// credentials (§3.9).
    ///
    /// # Errors
    /// As [`Self::get`]; [`Error::TooLarge`] for more than [`FILE_BYTES`].
    pub async fn download(&self, path: &str) -> Result<Bytes, Failure> {
        let mut call = self.api.get(path)?;
        call.within.body_bytes = FILE_BYTES;
        self.granted(path).await?;
        let answer = self.ports.http.send(call).await.map_err(Error::from)?;
        let location = answer.headers().get(LOCATION).and_then(|l| l.to_str().ok());
        match (answer.status().as_u16(), location) {
            (200, _) => Ok(answer.into_body()),
            (301 | 302 | 303 | 307 | 308, Some(location)) => self.file(location).await,
            _ => Err(client::read(answer).err().unwrap_or(Error::NotFound).into()),
        }
    }

    async fn file(&self, location: &str) -> Result<Bytes, Failure> {
        // Some other server, over https; or one that the operator configured.
        let configured = [Some(self.api.origin), self.api.files];
        let is_at = |origin: &&str| {
            let rest = location.strip_prefix(*origin);
            rest.is_some_and(|rest| rest.starts_with('/'))
        };
        let reach = match configured.into_iter().flatten().find(is_at) {
            Some(origin) => Reach::Origin(origin.to_owned()),
            None => Reach::Public,
        };
        let request = http::Request::get(location)
            .body(Bytes::new())
            .map_err(|e| Error::NotSent(e.to_string()))?;
        let within = Within {
            body_bytes: FILE_BYTES,
            ..WITHIN
        };
        let call = Call {
            request,
            reach,
            within,
        };
        let answer = self.ports.http.send(call).await.map_err(Error::from)?;
        match answer.status().as_u16() {
            200 => Ok(answer.into_body()),
            status @ 500.. => Err(Error::Temporary(status).into()),
            _ => Err(Error::NotFound.into()),
        }
    }

    /// Sends once; an answer that is no success is an error.
    async fn once(&self, call: Call, path: &str) -> Result<http::Response<Bytes>, Failure> {
        self.granted(path).await?;
        let answer = self.ports.http.send(call).await.map_err(Error::from)?;
        if answer.status().is_success() {
            self.answered.set(self.answered.get().saturating_add(1));
            let limit = Headers::of(answer.headers()).limit;
            let weight = limits::learnt_weight(limit, self.weight.get());
            self.weight.set(weight);
            return Ok(answer);
        }
        let error = client::read(answer).err();
        if let Some(Error::RateLimited { retry_after_ms }) = error {
            self.hold(retry_after_ms).await?;
        }
        Err(error.unwrap_or(Error::Unreadable("no success")).into())
    }

    /// Waits for the right to send a request.
    async fn granted(&self, path: &str) -> Result<(), Failure> {
        let clock = self.ports.clock;
        loop {
            let now = clock.now_ms();
            let weight = limits::weight_of(path, self.weight.get());
            let reserve = limits::reserve(self.tenant, &self.holder, 1, weight, now);
            let answer = self.ports.sql.atomic(vec![reserve]).await?;
            let grants = answer.first().map(|rows| limits::grants(rows));
            let Some(start) = grants.and_then(|grants| grants.first().copied()) else {
                return Err(SqlError::Other("a budget without grants".to_owned()).into());
            };
            if start > self.until.max(now).saturating_add(PATIENCE_MS) {
                let wait = u32::try_from(start - now).unwrap_or(u32::MAX);
                let wait = Error::RateLimited {
                    retry_after_ms: wait,
                };
                return Err(wait.into());
            }
            sleep_until(clock, start).await;
            // One that is used late would come too close to the unit's next use.
            let now = clock.now_ms();
            if now <= start.saturating_add(limits::LATE_MS) && now >= self.not_before.get() {
                self.sent.set(self.sent.get().saturating_add(1));
                return Ok(());
            }
        }
    }

    /// The vendor says to wait: others use the same limit, or a request weighs more than we believe.
    async fn hold(&self, for_ms: u32) -> Result<(), SqlError> {
        let until = self.ports.clock.now_ms().saturating_add(for_ms.into());
        if until <= self.not_before.get() {
            return Ok(());
        }
        self.not_before.set(until);
        let heavier = self.weight.get().saturating_add(1);
        self.weight.set(heavier.min(limits::MOST_WEIGHT));
        let hold = limits::hold(self.tenant, &self.holder, until);
        self.ports.sql.atomic(vec![hold]).await.map(drop)
    }

    /// Waits after the `attempt`th failure (from 1); gives the error back where repeating is of no use.
    async fn pause_after(&self, error: Error, attempt: u32) -> Result<(), Failure> {
        if error == Error::TooParallel {
            self.lanes.set(self.lanes.get().saturating_sub(1).max(1));
        }
        let clock = self.ports.clock;
        let wait = match error.retry() {
            Retry::No => return Err(error.into()),
            // The budget knows.
            Retry::After(_) => 0,
            Retry::Backoff => backoff(attempt, clock.now_ms()),
        };
        let end = clock.now_ms().saturating_add(wait.into());
        if attempt >= ATTEMPTS {
            return Err(error.into());
        }
        if end > self.until {
            // Where others were answered, it is only the time that is up.
            let later = Error::RateLimited {
                retry_after_ms: wait,
            };
            let well = self.answered.get() > 0;
            return Err(if well { later } else { error }.into());
        }
        sleep_until(clock, end).await;
        Ok(())
    }
}

/// A name of a holder of lanes that is no other's, and how the names of those begin that held them for the
/// same job.
fn owner(job: &str) -> (String, String) {
    let word = Uuid::new_v4().simple().to_string();
    match job {
        "" => (word.clone(), word),
        job => (format!("{job}:{word}"), format!("{job}:")),
    }
}

/// Doubles with each attempt; spread by half, by a number that is another one each time.
fn backoff(attempt: u32, number: i64) -> u32 {
    let whole = BACKOFF_MS.saturating_mul(1 << attempt.min(6).saturating_sub(1));
    let half = i64::from(whole / 2).max(1);
    let spread = u32::try_from(number.rem_euclid(half)).unwrap_or_default();
    (whole / 2).saturating_add(spread)
}

async fn sleep_until(clock: &impl Clock, at_ms: i64) {
    let wait = at_ms.saturating_sub(clock.now_ms());
    if let Ok(wait @ 1..) = u32::try_from(wait) {
        clock.sleep(wait).await;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_and_are_spread() {
        for number in [0, 1, -1, i64::MAX, i64::MIN, 12_345] {
            for attempt in 1..10 {
                let pause = backoff(attempt, number);
                let whole = BACKOFF_MS * (1 << (attempt.min(6) - 1));
                assert!((whole / 2..whole).contains(&pause), "{attempt} {pause}");
            }
        }
    }
}
