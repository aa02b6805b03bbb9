//! The outbox: messages to others, written together with what they tell of, and delivered until they
//! arrive, expire or have failed too often. A dead one stays visible.

use futures::future::join_all;
use sklad_store::{Http, HttpError, Row, Sql, SqlError, Statement};

use crate::journal::{Direction, Outcome, Record};

/// How often a message is tried.
const ATTEMPTS_MAX: i64 = 8;
/// The wait after the first failure, in milliseconds; it doubles with each further one.
const BACKOFF_MS: i64 = 1_000;
/// How long a delivery is left to the one who began it, in milliseconds.
const LEASE_MS: i64 = 15_000;

/// A message to be posted as JSON.
#[derive(Clone, Debug)]
pub struct Message {
    /// What it is about: `code`.
    pub channel: &'static str,
    /// The address.
    pub url: String,
    /// The JSON body.
    pub payload: String,
    /// When it is of no use any more, milliseconds UTC.
    pub expires_at: i64,
}

impl Message {
    /// The statement that puts this message into the outbox, due at once.
    #[must_use]
    pub fn statement(&self, tenant: &str, now: i64) -> Statement {
        Statement::new(
            "INSERT INTO outbox (tenant, id, channel, target, payload, state, next_at, expires_at, created_at) \
             VALUES (?1, ?2, ?3, ?4, ?5, 'due', ?6, ?7, ?6)",
        )
        .bind(tenant)
        .bind(uuid::Uuid::new_v4().to_string())
        .bind(self.channel)
        .bind(&self.url)
        .bind(&self.payload)
        .bind(now)
        .bind(self.expires_at)
    }
}

/// Delivers what is due for a tenant, at most eight messages. Two deliveries at once do not send a message twice: each first
/// takes what it sends for [`LEASE_MS`]. Answers how many arrived.
///
/// # Errors
/// The database's; a message that does not arrive is no error.
pub async fn deliver(
    sql: &impl Sql,
    http: &impl Http,
    tenant: &str,
    now: i64,
) -> Result<usize, SqlError> {
    let take = Statement::new(
        "UPDATE outbox SET next_at = ?2 + ?3, attempts = attempts + 1 WHERE tenant = ?1 AND id IN ( \
           SELECT id FROM outbox WHERE tenant = +?1 AND state = 'due' AND next_at <= +?2 ORDER BY next_at LIMIT 8) \
         RETURNING id, target, payload, attempts, expires_at",
    )
    .bind(tenant)
    .bind(now)
    .bind(LEASE_MS);
    let taken = sql.atomic(vec![take]).await?.into_iter().flatten();
    let mut arrived = 0;
    let mut results = Vec::new();
    // All at once: one after the other they could outlast the lease.
    let sending = taken.map(async |row| (send(http, &row, now).await.err(), row));
    for (error, row) in join_all(sending).await {
        arrived += usize::from(error.is_none());
        results.extend(error.as_deref().and_then(|e| failed(tenant, &row, now, e)));
        results.push(result(tenant, &row, now, error));
    }
    if !results.is_empty() {
        sql.atomic(results).await?;
    }
    Ok(arrived)
}

async fn send(http: &impl Http, row: &Row, now: i64) -> Result<(), String> {
    if row.int(4).unwrap_or_default() <= now {
        return Err("expired".to_owned());
    }
    let url = row.text(1).unwrap_or_default();
    match sklad_store::post_json(http, url, row.string(2)).await {
        Ok(200..=299) => Ok(()),
        Ok(status) => Err(format!("status {status}")),
        Err(HttpError::NotSent(why) | HttpError::NoAnswer(why)) => Err(why),
        Err(e @ HttpError::TooLarge) => Err(e.to_string()),
    }
}

/// The journal's row: at the first failure, since the merchant can still mend it, and at the last.
fn failed(tenant: &str, row: &Row, now: i64, error: &str) -> Option<Statement> {
    let attempts = row.int(3).unwrap_or(ATTEMPTS_MAX);
    if attempts != 1 && !over(row, now) {
        return None;
    }
    let text = if over(row, now) {
        format!("Сообщение вашему шлюзу не доставлено: {error}")
    } else {
        format!("Ваш шлюз не принял сообщение, повторим: {error}")
    };
    let record = Record {
        direction: Direction::Out,
        action: "outbox",
        object: row.string(0),
        customer: None,
        outcome: Outcome::Error,
        text,
        detail: None,
    };
    Some(record.statement(tenant, now))
}

/// Whether there is no further attempt.
fn over(row: &Row, now: i64) -> bool {
    row.int(3).unwrap_or(ATTEMPTS_MAX) >= ATTEMPTS_MAX || row.int(4).unwrap_or_default() <= now
}

/// What became of it. The payload of a message that is done with is not kept: it may hold a code. One that
/// failed too often, and would still be of use, keeps it: it can be tried again.
fn result(tenant: &str, row: &Row, now: i64, error: Option<String>) -> Statement {
    let attempts = row.int(3).unwrap_or(ATTEMPTS_MAX);
    let state = match &error {
        None => "sent",
        Some(_) if over(row, now) => "dead",
        Some(_) => "due",
    };
    let wait = BACKOFF_MS << attempts.clamp(0, 16);
    Statement::new(
        "UPDATE outbox SET state = ?3, last_error = ?4, next_at = ?5, \
         payload = CASE WHEN ?3 = 'sent' OR expires_at <= ?6 THEN '' ELSE payload END \
         WHERE tenant = ?1 AND id = ?2 AND state = 'due'",
    )
    .bind(tenant)
    .bind(row.string(0))
    .bind(state)
    .bind(error)
    .bind(now.saturating_add(wait))
    .bind(now)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use futures::executor::block_on;
    use sklad_store::Call;
    use sklad_store::native::NativeSql;
    use std::cell::RefCell;

    struct Fake {
        answers: RefCell<Vec<Result<u16, HttpError>>>,
        bodies: RefCell<Vec<String>>,
    }

    impl Http for Fake {
        async fn send(&self, call: Call) -> Result<http::Response<Bytes>, HttpError> {
            let body = String::from_utf8(call.request.into_body().into()).unwrap();
            self.bodies.borrow_mut().push(body);
            let status = self.answers.borrow_mut().remove(0)?;
            let answer = http::Response::builder().status(status).body(Bytes::new());
            Ok(answer.unwrap())
        }
    }

    #[test]
    fn a_message_is_tried_again_until_it_arrives_and_then_forgotten() {
        let dir = tempfile::tempdir().unwrap();
        let sql = NativeSql::open(&dir.path().join("db")).unwrap();
        let http = Fake {
            answers: RefCell::new(vec![
                Err(HttpError::NoAnswer("down".into())),
                Ok(500),
                Ok(204),
            ]),
            bodies: RefCell::default(),
        };
        let message = Message {
            channel: "code",
            url: "https://x.ru".into(),
            payload: "{}".into(),
            expires_at: 1 << 40,
        };
        block_on(sql.atomic(vec![message.statement("a", 0)])).unwrap();
        assert_eq!(block_on(deliver(&sql, &http, "b", 0)), Ok(0));
        let arrived: Vec<_> = [0, 1, 2_000, 3_000, 10_000]
            .map(|now| block_on(deliver(&sql, &http, "a", now)).unwrap())
            .into();
        assert_eq!(arrived, [0, 0, 0, 0, 1]);
        let failures = Statement::new("SELECT 1 FROM journal WHERE outcome = 'error'");
        assert_eq!(block_on(sql.query(failures)).unwrap().len(), 1);
        assert_eq!(http.bodies.borrow().len(), 3);
        let rows =
            block_on(sql.query(Statement::new("SELECT state, payload FROM outbox"))).unwrap();
        assert_eq!(
            rows.first().map(|r| (r.string(0), r.string(1))),
            Some(("sent".into(), String::new()))
        );
    }

    #[test]
    fn what_came_too_late_dies_unsent() {
        let dir = tempfile::tempdir().unwrap();
        let sql = NativeSql::open(&dir.path().join("db")).unwrap();
        let http = Fake {
            answers: RefCell::default(),
            bodies: RefCell::default(),
        };
        let message = Message {
            channel: "code",
            url: "https://x.ru".into(),
            payload: "{}".into(),
            expires_at: 5,
        };
        block_on(sql.atomic(vec![message.statement("a", 0)])).unwrap();
        assert_eq!(block_on(deliver(&sql, &http, "a", 5)), Ok(0));
        let rows = block_on(sql.query(Statement::new("SELECT state FROM outbox"))).unwrap();
        assert_eq!(rows.first().map(|r| r.string(0)).as_deref(), Some("dead"));
    }
}
