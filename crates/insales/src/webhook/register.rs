//! Subscriptions to webhooks (insales.md §10): made, and repaired where somebody has deleted or doubled one,
//! or where our address is another one now.

use http::Method;
use serde_json::json;
use serde_json::value::RawValue;
use sklad_raw::{Raw, members, object, text};
use sklad_store::{Clock, Http, Ports, Sql, SqlError};

use super::hooks::Paths;
use super::{PREFIX, TOPICS};
use crate::api::session::Failure;
use crate::api::{Api, Error, Part, Session, page};
use crate::sync::Ended;
use crate::wire::id;

/// Where calls are to come.
#[derive(Debug, Clone, Copy)]
pub struct Address<'a> {
    /// Where this deployment is reached, `https://host`.
    pub public_url: &'a str,
    /// The tenant.
    pub tenant: &'a str,
    /// The paths, as [`super::hooks::ensure`] makes them.
    pub paths: &'a Paths,
}

impl Address<'_> {
    fn url(&self) -> String {
        format!("{}{}", self.public_url, self.paths.own)
    }

    /// Whether a subscription is this connection's, or was: another connection of the tenant to the same shop
    /// has its own, and so may another deployment.
    fn is_ours(&self, url: &str) -> bool {
        let tenant = format!("{}{PREFIX}{}/", self.public_url, self.tenant);
        let path = url.strip_prefix(self.public_url).unwrap_or_default();
        url.starts_with(&tenant) && !self.paths.others.iter().any(|other| other == path)
    }
}

/// A subscription that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Existing {
    /// Its id.
    pub id: u64,
    /// What it is about.
    pub topic: String,
    /// Where calls go.
    pub url: String,
    /// Whether they are JSON.
    pub json: bool,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Todo {
    /// It is missing.
    Create(&'static str),
    /// It goes elsewhere, or is no JSON.
    Mend(&'static str, u64),
    /// It is there twice, or about what nobody wants.
    Delete(u64),
}

/// What is to be done, so that each topic has one subscription.
#[must_use]
pub fn plan(existing: &[Existing], address: Address<'_>) -> Vec<Todo> {
    let url = address.url();
    let is_ours = |one: &&Existing| address.is_ours(&one.url);
    let mut todo = Vec::new();
    for topic in TOPICS {
        let of_topic = existing.iter().filter(is_ours);
        let mut all: Vec<&Existing> = of_topic.filter(|one| one.topic == topic).collect();
        // The best stays.
        all.sort_by_key(|one| (one.url != url, !one.json, one.id));
        let mut all = all.into_iter();
        match all.next() {
            None => todo.push(Todo::Create(topic)),
            Some(one) if one.url != url || !one.json => todo.push(Todo::Mend(topic, one.id)),
            Some(_) => {}
        }
        todo.extend(all.map(|one| Todo::Delete(one.id)));
    }
    let unwanted = existing.iter().filter(is_ours);
    let unwanted = unwanted.filter(|one| !TOPICS.contains(&one.topic.as_str()));
    todo.extend(unwanted.map(|one| Todo::Delete(one.id)));
    todo
}

struct Row<'a> {
    id: Raw<'a>,
    topic: Raw<'a>,
    address: Raw<'a>,
    format: Raw<'a>,
}

members!(Row {
    id: "id",
    topic: "topic",
    address: "address",
    format: "format_type"
});

fn existing(row: &RawValue) -> Option<Existing> {
    let row: Row<'_> = object(Some(row))?;
    Some(Existing {
        id: id(row.id)?,
        topic: text(row.topic)?,
        url: text(row.address)?,
        json: text(row.format).as_deref() == Some("json"),
    })
}

/// What was done.
#[derive(Debug, Clone, Copy, Default)]
struct Done {
    created: u32,
    mended: u32,
    deleted: u32,
    refused: u32,
}

impl Done {
    fn told(&self) -> String {
        let parts = [
            ("создано", self.created),
            ("исправлено", self.mended),
            ("удалено лишних", self.deleted),
            ("InSales отказал", self.refused),
        ];
        let parts = parts.iter().filter(|(_, number)| *number > 0);
        let parts: Vec<String> = parts.map(|(word, n)| format!("{word} {n}")).collect();
        match parts.is_empty() {
            true => "Уведомления InSales включены".to_owned(),
            false => format!("Уведомления InSales: {}", parts.join(", ")),
        }
    }
}

/// Looks at the subscriptions and repairs them, until about `until_ms`; what is not done then is found by
/// the next step. There is no cursor: the shop has it.
///
/// # Errors
/// The database's.
pub async fn step<S: Sql, H: Http, C: Clock>(
    ports: Ports<'_, S, H, C>,
    api: Api<'_>,
    address: Address<'_>,
    until_ms: i64,
) -> Result<Ended, SqlError> {
    let session = Session::open(ports, api, Part::Orders, until_ms);
    match repair(&session, ports.clock, address, until_ms).await {
        Ok(ended) => Ok(ended),
        Err(Failure::Sql(error)) => Err(error),
        // The catalogue comes without webhooks too: told, and looked at again tomorrow.
        Err(Failure::Api(
            error
            @ (Error::NoRights(_) | Error::NotFound | Error::TooLarge | Error::Refused { .. }),
        )) => Ok(Ended::Done {
            warning: true,
            text: format!("Уведомления не включены. {}", error.for_merchant()),
        }),
        Err(Failure::Api(Error::RateLimited { retry_after_ms })) => {
            let at = ports.clock.now_ms().saturating_add(retry_after_ms.into());
            Ok(Ended::Later(at))
        }
        Err(Failure::Api(error)) => Ok(Ended::Failed(error)),
    }
}

/// Ends the subscriptions of a connection that is to be removed, until about `until_ms`.
///
/// # Errors
/// [`Failure`]: some may be left.
pub async fn end<S: Sql, H: Http, C: Clock>(
    ports: Ports<'_, S, H, C>,
    api: Api<'_>,
    address: Address<'_>,
    until_ms: i64,
) -> Result<(), Failure> {
    let session = Session::open(ports, api, Part::Orders, until_ms);
    for existing in list(&session).await? {
        if address.is_ours(&existing.url) {
            let todo = Todo::Delete(existing.id);
            one(&session, &todo, "", &mut Done::default()).await?;
        }
    }
    Ok(())
}

async fn list<S: Sql, H: Http, C: Clock>(
    session: &Session<'_, S, H, C>,
) -> Result<Vec<Existing>, Failure> {
    let list = session.get("/webhooks.json?per_page=250").await?;
    let rows = page::rows(&list)?;
    Ok(rows.into_iter().filter_map(existing).collect())
}

async fn repair<S: Sql, H: Http, C: Clock>(
    session: &Session<'_, S, H, C>,
    clock: &C,
    address: Address<'_>,
    until_ms: i64,
) -> Result<Ended, Failure> {
    let mut done = Done::default();
    for todo in plan(&list(session).await?, address) {
        if clock.now_ms() >= until_ms {
            return Ok(Ended::More);
        }
        one(session, &todo, &address.url(), &mut done).await?;
    }
    Ok(Ended::Done {
        warning: done.refused > 0,
        text: done.told(),
    })
}

/// A request whose answer was lost is found, done or not, by the next step.
async fn one<S: Sql, H: Http, C: Clock>(
    session: &Session<'_, S, H, C>,
    todo: &Todo,
    url: &str,
    done: &mut Done,
) -> Result<(), Failure> {
    let body = |topic: &str| {
        json!({"webhook": {"address": url, "topic": topic, "format_type": "json"}}).to_string()
    };
    let (answer, count) = match todo {
        Todo::Create(topic) => {
            let answer = session
                .write(Method::POST, "/webhooks.json", &body(topic))
                .await;
            (answer, &mut done.created)
        }
        Todo::Mend(topic, id) => {
            let path = format!("/webhooks/{id}.json");
            let answer = session.write(Method::PUT, &path, &body(topic)).await;
            (answer, &mut done.mended)
        }
        Todo::Delete(id) => {
            let path = format!("/webhooks/{id}.json");
            let answer = session.write(Method::DELETE, &path, "").await;
            (answer, &mut done.deleted)
        }
    };
    match answer {
        Ok(_) => *count += 1,
        // Somebody was faster.
        Err(Failure::Api(Error::NotFound)) => {}
        // A topic that this shop has no webhooks for.
        Err(Failure::Api(Error::Refused { .. })) => done.refused += 1,
        Err(error) => return Err(error),
    }
    Ok(())
}
