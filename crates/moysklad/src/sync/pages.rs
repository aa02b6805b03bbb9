//! Pages of a list, fetched ahead while others are worked on.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::future::{Either, LocalBoxFuture, select};
use futures::stream::{FuturesUnordered, StreamExt};
use sklad_store::{Clock, Http, Sql};

use crate::api::page::{self, List};
use crate::api::session::Failure;
use crate::api::{Error, Session};

/// A page that was fetched: its offset, and the answer, still packed.
type Fetched = (u64, Result<http::Response<Bytes>, Failure>);

/// The pages of a list from some row on, in order, of which some are under way or wait packed.
pub struct Pages<'a, S, H, C> {
    session: &'a Session<'a, S, H, C>,
    clock: &'a C,
    list: &'a List,
    rows: u32,
    under_way: FuturesUnordered<LocalBoxFuture<'a, Fetched>>,
    ready: BTreeMap<u64, Result<http::Response<Bytes>, Failure>>,
    /// Offsets that are to be fetched.
    ahead: Box<dyn Iterator<Item = u64>>,
    /// Offsets that are to be answered, in order.
    order: std::collections::VecDeque<u64>,
    until: i64,
}

impl<'a, S: Sql, H: Http, C: Clock> Pages<'a, S, H, C> {
    /// The pages of `rows` rows from the row `offset` on, of a list of about `size`. After `until` no
    /// further ones are begun.
    pub fn from(
        session: &'a Session<'a, S, H, C>,
        clock: &'a C,
        list: &'a List,
        (offset, rows, size): (u64, u32, u64),
        until: i64,
    ) -> Self {
        let mut pages = Self {
            session,
            clock,
            list,
            rows,
            under_way: FuturesUnordered::new(),
            ready: BTreeMap::new(),
            ahead: Box::new(page::offsets(offset, rows, size)),
            order: std::collections::VecDeque::new(),
            until,
        };
        pages.fill();
        pages
    }

    /// Begins requests as long as there are lanes, and little waits already.
    fn fill(&mut self) {
        while self.under_way.len() < self.session.lanes()
            && self.under_way.len() + self.ready.len() <= self.session.lanes()
            && (self.clock.now_ms() < self.until)
        {
            let Some(offset) = self.ahead.next() else {
                return;
            };
            let (session, path) = (self.session, self.list.page(offset, self.rows));
            self.order.push_back(offset);
            let fetch = async move { (offset, session.packed(&path).await) };
            self.under_way.push(Box::pin(fetch));
        }
    }

    /// The next page, unpacked; `None` behind the last one, or when the time was up.
    ///
    /// # Errors
    /// [`Failure`]; a broken answer is asked for again.
    pub async fn next(&mut self) -> Result<Option<(u64, String)>, Failure> {
        self.fill();
        let Some(wanted) = self.order.pop_front() else {
            return Ok(None);
        };
        let packed = loop {
            if let Some(packed) = self.ready.remove(&wanted) {
                break packed?;
            }
            let Some((offset, packed)) = self.under_way.next().await else {
                return Ok(None);
            };
            self.ready.insert(offset, packed);
        };
        self.fill();
        match crate::api::client::read(packed) {
            Ok(text) => Ok(Some((wanted, text))),
            Err(Error::Unreadable(_)) => {
                let path = self.list.page(wanted, self.rows);
                Ok(Some((wanted, self.session.get(&path).await?)))
            }
            Err(error) => Err(error.into()),
        }
    }

    /// Does `work` while requests go on.
    pub async fn meanwhile<T>(&mut self, work: impl Future<Output = T>) -> T {
        let work = std::pin::pin!(work);
        let on = std::pin::pin!(self.go_on());
        match select(work, on).await {
            Either::Left((done, _)) => done,
            Either::Right(((), work)) => work.await,
        }
    }

    async fn go_on(&mut self) {
        while let Some((offset, packed)) = self.under_way.next().await {
            self.ready.insert(offset, packed);
            self.fill();
        }
    }
}
