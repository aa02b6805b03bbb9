//! Subscriptions to webhooks (moysklad-json-api.md §2.1, §2.7, §2.8): made, and repaired where somebody
//! has switched one off, deleted or doubled it, or where our address is another one now.

use std::collections::BTreeMap;

use http::Method;
use serde_json::json;
use sklad_store::{Clock, Http, Sql, SqlError};

use super::{ACTIONS, PREFIX, types};
use crate::api::client::BASE;
use crate::api::page::Page;
use crate::api::session::Failure;
use crate::api::wire::{self, flag};
use crate::api::{Error, Session};
use crate::sync::{Ended, Place, failed};
use sklad_raw::{object, text};
use sklad_store::Ports;

/// The longest address that МойСклад takes, in characters.
pub const URL_CHARS: usize = 255;
/// The report that stock is told by.
const REPORT: &str = "bystore";
/// The code of «there is one already».
const EXISTS: u32 = 30_003;

/// Where calls are to come.
#[derive(Debug, Clone, Copy)]
pub struct Address<'a> {
    /// Where this deployment is reached, `https://host`.
    pub public_url: &'a str,
    /// The path, as [`super::hooks::ensure`] makes it.
    pub path: &'a str,
    /// Whether a solution asks: then all subscriptions that we see are its own, whatever host they name.
    pub solution: bool,
}

impl Address<'_> {
    fn url(&self) -> String {
        format!("{}{}", self.public_url, self.path)
    }

    /// Whether a subscription is ours. Of a person's account only those of this deployment are: another one
    /// may be connected to it as well.
    fn is_ours(&self, url: &str) -> bool {
        let all = format!("{}{PREFIX}", self.public_url);
        let tenants = self.path.rsplit_once('/').map_or("", |(path, _)| path);
        let tenant = format!("{}{tenants}/", self.public_url);
        match self.solution {
            true => url.starts_with(&all) || url.contains(PREFIX),
            false => url.starts_with(&tenant),
        }
    }
}

/// What a subscription is about.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// Objects of a type, and what happens to them.
    Event(&'static str, &'static str),
    /// Stock.
    Stock,
}

impl Subject {
    fn path(&self) -> &'static str {
        match self {
            Self::Event(..) => "/entity/webhook",
            Self::Stock => "/entity/webhookstock",
        }
    }

    fn made(&self, url: &str) -> String {
        let body = match self {
            Self::Event(kind, action) => json!({"entityType": kind, "action": action, "url": url}),
            Self::Stock => {
                json!({"stockType": "stock", "reportType": REPORT, "url": url, "enabled": true})
            }
        };
        body.to_string()
    }

    fn all() -> impl Iterator<Item = Self> {
        let events = types().flat_map(|kind| ACTIONS.map(|action| Self::Event(kind, action)));
        events.chain([Self::Stock])
    }
}

/// A subscription that there is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Existing {
    /// Its id.
    pub id: String,
    /// What it is about.
    pub subject: Subject,
    /// Where calls go.
    pub url: String,
    /// Whether it is at work.
    pub enabled: bool,
}

/// What is to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Todo {
    /// It is missing.
    Create(Subject),
    /// It is switched off, or goes elsewhere.
    Mend(Subject, String),
    /// It is there twice.
    Delete(Subject, String),
}

/// What is to be done, so that each subject has one subscription that is at work. What comes first does not
/// stand in the way of what comes later: a solution may have one of a kind only.
#[must_use]
pub fn plan(existing: &[Existing], address: Address<'_>) -> Vec<Todo> {
    let url = address.url();
    let mut ours: BTreeMap<&Subject, Vec<&Existing>> = BTreeMap::new();
    for one in existing.iter().filter(|one| address.is_ours(&one.url)) {
        ours.entry(&one.subject).or_default().push(one);
    }
    let mut todo = Vec::new();
    for subject in Subject::all() {
        let mut all = ours.remove(&subject).unwrap_or_default();
        // The best stays: with the right address, and at work.
        all.sort_by_key(|one| (one.url != url, !one.enabled));
        let mut all = all.into_iter();
        let kept = all.next();
        let doubled = all.map(|one| Todo::Delete(subject.clone(), one.id.clone()));
        todo.extend(doubled);
        match kept {
            None => todo.push(Todo::Create(subject)),
            Some(one) if one.url != url || !one.enabled => {
                todo.push(Todo::Mend(subject, one.id.clone()));
            }
            Some(_) => {}
        }
    }
    todo
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
            ("МойСклад отказал", self.refused),
        ];
        let parts = parts.iter().filter(|(_, number)| *number > 0);
        let parts: Vec<String> = parts.map(|(word, n)| format!("{word} {n}")).collect();
        match parts.is_empty() {
            true => "Уведомления МоегоСклада включены".to_owned(),
            false => format!("Уведомления МоегоСклада: {}", parts.join(", ")),
        }
    }
}

/// Looks at the subscriptions and repairs them, until about `until_ms`; what is not done then is found by
/// the next step. There is no cursor: МойСклад has it.
///
/// # Errors
/// The database's.
pub async fn step<S: Sql, H: Http, C: Clock>(
    ports: Ports<'_, S, H, C>,
    place: Place<'_>,
    address: Address<'_>,
    until_ms: i64,
) -> Result<Ended, SqlError> {
    if address.url().chars().count() > URL_CHARS {
        return Ok(warning("Адрес для уведомлений МоегоСклада слишком длинный"));
    }
    let opened = Session::open(ports, place.tenant, place.api(), "", 1, until_ms).await;
    let session = match opened {
        Ok(session) => session.quietly(&format!("{}{PREFIX}", address.public_url)),
        Err(Failure::Sql(error)) => return Err(error),
        Err(Failure::Api(error)) => return Ok(failed(&error, ports.clock.now_ms())),
    };
    let ended = repair(&session, ports.clock, address, until_ms).await;
    session.close().await?;
    match ended {
        Ok(ended) => Ok(ended),
        Err(Failure::Sql(error)) => Err(error),
        // Nobody but the merchant can help, and the import comes without webhooks too: told, and looked at
        // again an hour later.
        Err(Failure::Api(error @ (Error::NoRights(_) | Error::Tariff(_)))) => {
            let text = error.for_merchant();
            Ok(warning(&format!("Уведомления не включены. {text}")))
        }
        Err(Failure::Api(error)) => Ok(failed(&error, ports.clock.now_ms())),
    }
}

fn warning(text: &str) -> Ended {
    Ended::Done {
        warning: true,
        text: text.to_owned(),
    }
}

async fn repair<S: Sql, H: Http, C: Clock>(
    session: &Session<'_, S, H, C>,
    clock: &C,
    address: Address<'_>,
    until_ms: i64,
) -> Result<Ended, Failure> {
    let events = session.get("/entity/webhook?limit=1000").await?;
    let stock = session.get("/entity/webhookstock?limit=1000").await?;
    let mut existing = existing(&events)?;
    existing.extend(self::existing(&stock)?);
    let mut done = Done::default();
    for todo in plan(&existing, address) {
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

async fn one<S: Sql, H: Http, C: Clock>(
    session: &Session<'_, S, H, C>,
    todo: &Todo,
    url: &str,
    done: &mut Done,
) -> Result<(), Failure> {
    let mended = || json!({"url": url, "enabled": true}).to_string();
    let at = |subject: &Subject, id: &str| format!("{}/{id}", subject.path());
    let (answer, count) = match todo {
        Todo::Create(subject) => {
            let body = subject.made(url);
            let answer = session.write(Method::POST, subject.path(), &body).await;
            (answer, &mut done.created)
        }
        Todo::Mend(subject, id) => {
            let path = at(subject, id);
            let answer = session.write(Method::PUT, &path, &mended()).await;
            (answer, &mut done.mended)
        }
        Todo::Delete(subject, id) => {
            let answer = session.write(Method::DELETE, &at(subject, id), "").await;
            (answer, &mut done.deleted)
        }
    };
    match answer {
        Ok(_) => *count += 1,
        // Somebody was faster.
        Err(Failure::Api(Error::NotFound | Error::Changed)) => {}
        Err(Failure::Api(Error::Refused { code: EXISTS, .. })) => {}
        // A type or an action that has no webhooks, or others have used up what there may be.
        Err(Failure::Api(Error::Refused { .. })) => done.refused += 1,
        Err(error) => return Err(error),
    }
    Ok(())
}

/// How many subscriptions were removed, and how many are left.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Removed {
    /// They are gone.
    pub removed: usize,
    /// They are there still.
    pub left: usize,
}

/// Removes the subscriptions that go to `path`, wherever this deployment was reached when they were made.
/// What somebody makes at the same moment is removed as well, as a rule.
///
/// # Errors
/// МойСклад's or the database's: then nothing is known.
pub async fn remove<S: Sql, H: Http, C: Clock>(
    ports: Ports<'_, S, H, C>,
    place: Place<'_>,
    path: &str,
    until_ms: i64,
) -> Result<Removed, Failure> {
    let session = Session::open(ports, place.tenant, place.api(), "", 1, until_ms).await?;
    let removed = remove_with(&session, place.origin, path).await;
    session.close().await?;
    removed
}

async fn remove_with<S: Sql, H: Http, C: Clock>(
    session: &Session<'_, S, H, C>,
    origin: &str,
    path: &str,
) -> Result<Removed, Failure> {
    /// How often what is left is removed once more.
    const ROUNDS: usize = 3;
    let mut left = going_to(session, path).await?;
    let all = left.len();
    for _ in 0..ROUNDS {
        if left.is_empty() {
            break;
        }
        delete(session, origin, &left).await?;
        left = going_to(session, path).await?;
    }
    Ok(Removed {
        removed: all.saturating_sub(left.len()),
        left: left.len(),
    })
}

async fn going_to<S: Sql, H: Http, C: Clock>(
    session: &Session<'_, S, H, C>,
    path: &str,
) -> Result<Vec<Existing>, Failure> {
    let mut all = Vec::new();
    for list in ["/entity/webhook", "/entity/webhookstock"] {
        let json = session.get(&format!("{list}?limit=1000")).await?;
        all.extend(existing(&json)?);
    }
    all.retain(|one| one.url.ends_with(path));
    Ok(all)
}

/// Deletes those about objects with one request, and those about stock, for which that is not documented, one
/// by one. What is refused is seen when they are listed again.
async fn delete<S: Sql, H: Http, C: Clock>(
    session: &Session<'_, S, H, C>,
    origin: &str,
    all: &[Existing],
) -> Result<(), Failure> {
    let (stock, events): (Vec<_>, Vec<_>) =
        all.iter().partition(|one| one.subject == Subject::Stock);
    let meta = |one: &&Existing| {
        let href = format!("{origin}{BASE}/entity/webhook/{}", one.id);
        json!({"meta": {"href": href, "type": "webhook", "mediaType": "application/json"}})
    };
    let metas: Vec<_> = events.iter().map(meta).collect();
    let mut answers = Vec::new();
    if !metas.is_empty() {
        let body = json!(metas).to_string();
        let path = "/entity/webhook/delete";
        answers.push(session.write(Method::POST, path, &body).await);
    }
    for one in stock {
        let path = format!("{}/{}", one.subject.path(), one.id);
        answers.push(session.write(Method::DELETE, &path, "").await);
    }
    for answer in answers {
        match answer {
            Ok(_) | Err(Failure::Api(Error::NotFound | Error::Changed | Error::Refused { .. })) => {
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// The subscriptions of a list whose subject is one of ours.
fn existing(json: &str) -> Result<Vec<Existing>, Error> {
    let page = Page::read(json)?;
    let read = |raw: &&serde_json::value::RawValue| {
        let one: wire::Webhook<'_> = object(Some(raw))?;
        let told = |raw| text(raw).unwrap_or_default();
        let (kind, action) = (told(one.entity_type), told(one.action));
        let subject = match text(one.report_type) {
            Some(report) => (report == REPORT).then_some(Subject::Stock)?,
            None => Subject::Event(
                types().find(|known| *known == kind)?,
                ACTIONS.into_iter().find(|known| *known == action)?,
            ),
        };
        Some(Existing {
            id: sklad_raw::id(one.id)?,
            subject,
            url: told(one.url),
            enabled: flag(one.enabled) != Some(false),
        })
    };
    Ok(page.rows.iter().filter_map(read).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://sklad.example/hooks/moysklad/demo/word";

    fn address(solution: bool) -> Address<'static> {
        Address {
            public_url: "https://sklad.example",
            path: "/hooks/moysklad/demo/word",
            solution,
        }
    }

    fn all() -> Vec<Existing> {
        let one = |(n, subject)| Existing {
            id: format!("id-{n}"),
            subject,
            url: URL.to_owned(),
            enabled: true,
        };
        Subject::all().enumerate().map(one).collect()
    }

    #[test]
    fn where_nothing_is_all_is_made_and_where_all_is_nothing() {
        let todo = plan(&[], address(false));
        assert_eq!(todo.len(), 12 * 3 + 1);
        assert!(todo.iter().all(|todo| matches!(todo, Todo::Create(_))));
        assert_eq!(plan(&all(), address(false)), []);
    }

    #[test]
    fn what_is_missing_off_elsewhere_or_double_is_repaired() {
        let mut list = all();
        let gone = list.remove(3);
        list[0].enabled = false;
        list[1].url = "https://sklad.example/hooks/moysklad/demo/old".into();
        let mut double = list[2].clone();
        double.id = "double".into();
        double.enabled = false;
        list.insert(0, double);
        let todo = plan(&list, address(false));
        let expected = [
            Todo::Mend(list[1].subject.clone(), "id-0".into()),
            Todo::Mend(list[2].subject.clone(), "id-1".into()),
            Todo::Delete(list[0].subject.clone(), "double".into()),
            Todo::Create(gone.subject),
        ];
        assert_eq!(todo, expected);
    }

    #[test]
    fn subscriptions_of_others_are_left_alone() {
        let mut list = all();
        let others = [
            "https://crm.example/hook",
            "https://sklad.example/hooks/moysklad/demo-2/word",
            "https://test.example/hooks/moysklad/demo/word",
        ];
        for (one, url) in list.iter_mut().zip(others) {
            one.url = url.into();
        }
        let todo = plan(&list, address(false));
        assert_eq!(todo.len(), 3);
        assert!(todo.iter().all(|todo| matches!(todo, Todo::Create(_))));
        // A solution sees its own: it may not have a second one, so it moves them.
        let todo = plan(&list, address(true));
        let created = todo.iter().filter(|todo| matches!(todo, Todo::Create(_)));
        assert_eq!((todo.len(), created.count()), (3, 1));
    }
}
