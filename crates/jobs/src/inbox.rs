//! The inbox: webhooks as they came, kept until they are handled.
//!
//! Whoever receives a webhook writes it down with one statement ([`receive`]) and answers; a message that
//! comes again has the same `dedupe` and changes nothing. Messages about one object are taken together, in
//! their order, by one worker at a time ([`take`]): the handler reads the object anew from its vendor, so
//! that one reading serves them all.

use serde::Serialize;
use sklad_store::{Row, Sql, SqlError, Statement};

use crate::job::backoff;
use crate::journal::{Direction, Outcome, Record};

/// How long a worker is believed to be at work, in milliseconds.
pub const LEASE_MS: i64 = 60_000;
/// How often a message is tried.
pub const ATTEMPTS_MAX: i64 = 12;
/// How long a message is tried, in milliseconds: three days. What is older is told by the next import.
pub const AGE_MAX_MS: i64 = 3 * 24 * 60 * 60 * 1000;
/// The longest text of an error, in characters; more is cut.
const ERROR_MAX: usize = 300;

/// A message that came. What a vendor sends in one call is received in one statement.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Message {
    /// What makes it the same when it comes again.
    pub dedupe: String,
    /// What it is about.
    pub object: String,
    /// What the handler needs of it.
    pub payload: String,
}

/// Messages about one object, the oldest first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Group {
    /// What they are about.
    pub object: String,
    /// What came.
    pub messages: Vec<Message>,
    attempts: i64,
    first_at: i64,
}

/// What became of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handled {
    /// It has had its effect, or needs none.
    Done,
    /// It did not work out; the text is for people (Russian).
    Again(String),
    /// It will never work out; the text is for people (Russian).
    Never(String),
}

/// What was taken: the groups of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    /// Whose they are.
    pub tenant: String,
    /// Who sent them.
    pub source: String,
    /// What came, the object that waits for longest first.
    pub groups: Vec<Group>,
    owner: String,
}

/// The statement that writes messages down, in their order. It returns a row for each that is new.
#[must_use]
pub fn receive(tenant: &str, source: &str, messages: &[Message], now: i64) -> Statement {
    let json = serde_json::to_string(messages).unwrap_or_default();
    // WHERE, since a SELECT before ON CONFLICT needs one.
    Statement::new(
        "INSERT INTO inbox (tenant, source, dedupe, object, payload, next_at, received_at, part) \
         SELECT ?1, ?2, value ->> 'dedupe', value ->> 'object', value ->> 'payload', ?4, ?4, key \
         FROM json_each(?3) WHERE true ON CONFLICT (tenant, source, dedupe) DO NOTHING RETURNING 1",
    )
    .bind(tenant)
    .bind(source)
    .bind(json)
    .bind(now)
}

/// Takes messages of a tenant: of one source, the hundred that wait for longest, and with each all that
/// wait about the same object. `owner` must never have been used before.
///
/// # Errors
/// The database's.
pub async fn take(
    sql: &impl Sql,
    tenant: &str,
    owner: String,
    now: i64,
) -> Result<Option<Taken>, SqlError> {
    // An object with a message that is being worked on waits. `+?1`, lest SQLite plans by the bound value and
    // compiles the statement for each call.
    let statement = Statement::new(
        "UPDATE inbox INDEXED BY inbox_objects SET owner = ?3, next_at = ?2 + ?4, attempts = attempts + 1 \
         WHERE tenant = +?1 AND state = 'due' AND (source, object) IN ( \
           SELECT source, object FROM (SELECT source, object FROM inbox INDEXED BY inbox_due \
           WHERE tenant = +?1 AND state = 'due' AND next_at <= +?2 AND source = ( \
             SELECT source FROM inbox INDEXED BY inbox_due WHERE tenant = +?1 AND state = 'due' \
             AND next_at <= +?2 ORDER BY next_at LIMIT 1) ORDER BY next_at LIMIT 100) w \
           WHERE NOT EXISTS (SELECT 1 FROM inbox o INDEXED BY inbox_objects WHERE o.tenant = +?1 \
             AND o.source = w.source AND o.object = w.object AND o.state = 'due' \
             AND o.owner <> '' AND o.next_at > +?2)) \
         RETURNING source, object, dedupe, payload, attempts, received_at, part",
    )
    .bind(tenant)
    .bind(now)
    .bind(&owner)
    .bind(LEASE_MS);
    let mut rows = sql.atomic(vec![statement]).await?.pop().unwrap_or_default();
    rows.sort_by_key(|row| (row.int(5), row.int(6)));
    let Some(source) = rows.first().map(|row| row.string(0)) else {
        return Ok(None);
    };
    Ok(Some(Taken {
        tenant: tenant.to_owned(),
        source,
        groups: groups(&rows),
        owner,
    }))
}

/// The rows, which are in their order, by object.
fn groups(rows: &[Row]) -> Vec<Group> {
    let mut groups: Vec<Group> = Vec::new();
    let mut places = std::collections::HashMap::new();
    for row in rows {
        let object = row.string(1);
        let message = Message {
            dedupe: row.string(2),
            object: object.clone(),
            payload: row.string(3),
        };
        let attempts = row.int(4).unwrap_or_default();
        let place = *places.entry(object.clone()).or_insert(groups.len());
        match groups.get_mut(place) {
            Some(group) => {
                group.attempts = group.attempts.max(attempts);
                group.messages.push(message);
            }
            None => groups.push(Group {
                object,
                messages: vec![message],
                attempts,
                first_at: row.int(5).unwrap_or_default(),
            }),
        }
    }
    groups
}

impl Taken {
    /// The statements that write what became of the groups, in their order; a group that nothing is said of
    /// is tried again. Rows that another has taken meanwhile are passed over.
    #[must_use]
    pub fn settle(&self, handled: &[Handled], now: i64, random: u64) -> Vec<Statement> {
        let none = Handled::Again("не обработано".to_owned());
        let mut batch = Vec::new();
        for (n, group) in self.groups.iter().enumerate() {
            let handled = handled.get(n).unwrap_or(&none);
            let over = group.attempts >= ATTEMPTS_MAX || now - group.first_at > AGE_MAX_MS;
            let (state, error) = match handled {
                Handled::Done => ("done", None),
                Handled::Again(text) if !over => ("due", Some(text)),
                Handled::Again(text) | Handled::Never(text) => ("dead", Some(text)),
            };
            let next_at = now.saturating_add(backoff(group.attempts, random));
            batch.push(self.write(group, state, error.map(String::as_str), next_at));
            if let ("dead", Some(text)) = (state, error) {
                batch.push(self.told(group, text).statement(&self.tenant, now));
            }
        }
        batch
    }

    fn write(&self, group: &Group, state: &str, error: Option<&str>, next_at: i64) -> Statement {
        let dedupes: Vec<&str> = group.messages.iter().map(|m| m.dedupe.as_str()).collect();
        // What is done needs its payload no more: it stays to recognise a repetition.
        Statement::new(
            "UPDATE inbox SET owner = '', state = ?4, last_error = ?5, next_at = ?6, \
             payload = CASE ?4 WHEN 'done' THEN '' ELSE payload END \
             WHERE tenant = ?1 AND source = ?2 AND dedupe IN (SELECT value FROM json_each(?3)) \
             AND owner = ?7 AND state = 'due'",
        )
        .bind(&self.tenant)
        .bind(&self.source)
        .bind(serde_json::to_string(&dedupes).unwrap_or_default())
        .bind(state)
        .bind(error.map(|text| text.chars().take(ERROR_MAX).collect::<String>()))
        .bind(next_at)
        .bind(&self.owner)
    }

    fn told(&self, group: &Group, text: &str) -> Record {
        Record {
            direction: Direction::In,
            action: "webhook",
            object: group.object.clone(),
            customer: None,
            outcome: Outcome::Error,
            text: format!("Уведомление не обработано: {text}"),
            detail: None,
        }
    }
}
