//! What both sides say about the state of an order, and whose word counts.

use serde::{Deserialize, Serialize};

use crate::check::MAX_WORD_CHARS;
use crate::exchange::Incoming;
use crate::model::{Order, Status};

/// The part of an order of which both sides speak. A field counts as the side wants that changed its
/// own word on it last; a side that repeats itself changes nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// The status.
    pub status: Option<Status>,
    /// When it was paid, milliseconds since 1970 UTC.
    pub paid_at: Option<i64>,
    /// When it was shipped.
    pub shipped_at: Option<i64>,
    /// When it was cancelled.
    pub cancelled_at: Option<i64>,
}

/// What 1C or МойСклад has said of an order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "OrderFrom1c")
)]
#[serde(default)]
pub struct From1c {
    /// Номер в учётной системе.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub number: Option<String>,
    /// Дата документа в учётной системе, миллисекунды с 1970 года (UTC).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub date: Option<i64>,
    /// Статус, как его назвали.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Когда оплачен.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<i64>,
    /// Когда отгружен.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub shipped_at: Option<i64>,
    /// Отменён.
    pub cancelled: bool,
    /// Помечен на удаление.
    pub deleted: bool,
    /// Проведён.
    pub posted: bool,
    /// Сумма документа, копейки.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sum_kopecks: Option<i64>,
}

impl State {
    /// The state that stands in an order.
    #[must_use]
    pub fn of(order: &Order) -> Self {
        Self {
            status: order.status.clone(),
            paid_at: order.paid_at,
            shipped_at: order.shipped_at,
            cancelled_at: order.cancelled_at,
        }
    }

    /// The order with this state.
    #[must_use]
    pub fn within(self, order: Order) -> Order {
        Order {
            status: self.status,
            paid_at: self.paid_at,
            shipped_at: self.shipped_at,
            cancelled_at: self.cancelled_at,
            ..order
        }
    }

    /// This state after the shop, which said `before`, says `now`.
    #[must_use]
    pub(crate) fn after_shop(mut self, before: &Self, now: &Self) -> Self {
        take(&mut self.status, &before.status, &now.status);
        take(&mut self.paid_at, &before.paid_at, &now.paid_at);
        take(&mut self.shipped_at, &before.shipped_at, &now.shipped_at);
        take(
            &mut self.cancelled_at,
            &before.cancelled_at,
            &now.cancelled_at,
        );
        self
    }

    /// This state after 1C, which said `before`, says `now`.
    #[must_use]
    pub(crate) fn after_1c(mut self, before: &From1c, now: &From1c, now_ms: i64) -> Self {
        if let Some(word) = now
            .status
            .as_deref()
            .filter(|_| before.status != now.status)
        {
            self.status = Some(status(word, now_ms));
        }
        take(&mut self.paid_at, &before.paid_at, &now.paid_at);
        take(&mut self.shipped_at, &before.shipped_at, &now.shipped_at);
        if before.cancelled != now.cancelled {
            let since = self.cancelled_at.unwrap_or(now_ms);
            self.cancelled_at = now.cancelled.then_some(since);
        }
        self
    }
}

fn take<T: Clone + PartialEq>(value: &mut T, before: &T, now: &T) {
    if before != now {
        value.clone_from(now);
    }
}

impl From1c {
    /// The same after a document of 1C: what it does not speak of stays.
    #[must_use]
    pub(crate) fn after(&self, incoming: &Incoming) -> Self {
        let text = |new: Option<&str>, old: &Option<String>| {
            let new = new.map(str::trim).filter(|t| !t.is_empty());
            new.map(cut).or_else(|| old.clone())
        };
        Self {
            number: text(incoming.number_1c.as_deref(), &self.number),
            date: incoming.date_1c.or(self.date),
            status: text(status_word(incoming).as_deref(), &self.status),
            paid_at: incoming.paid_at.or(self.paid_at),
            shipped_at: incoming.shipped_at.or(self.shipped_at),
            cancelled: incoming.cancelled.unwrap_or(self.cancelled),
            deleted: incoming.deleted.unwrap_or(self.deleted),
            posted: incoming.posted.unwrap_or(self.posted),
            sum_kopecks: incoming.sum.or(self.sum_kopecks),
        }
    }
}

/// A word of 1C, as long as we keep one: what is longer is no number and no status.
fn cut(text: &str) -> String {
    text.chars().take(MAX_WORD_CHARS).collect()
}

/// The word for a status with its id, wherever the document has that: within the name, or beside it. An id
/// without a name is no word.
fn status_word(incoming: &Incoming) -> Option<String> {
    let name = incoming.status.as_deref().map(str::trim)?;
    let id = incoming.status_id.as_deref().map(str::trim);
    // What has a bracket within could not be told from its end.
    let id = id.filter(|id| !id.is_empty() && !id.contains(']'));
    let named = !status(name, 0).id.is_empty() || name.is_empty();
    Some(match id {
        Some(id) if !named => format!("[{id}] {name}"),
        _ => name.to_owned(),
    })
}

/// A status as it stands in a requisite: `[F] Доставлен` with its id, or a name alone
/// (commerceml §2.6).
fn status(word: &str, now_ms: i64) -> Status {
    let split = word
        .strip_prefix('[')
        .and_then(|rest| rest.split_once(']'))
        .filter(|(id, name)| !id.trim().is_empty() && !name.trim().is_empty());
    let (id, name) = split.unwrap_or(("", word));
    Status {
        id: id.trim().to_owned(),
        name: name.trim().to_owned(),
        is_final: false,
        since: Some(now_ms),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_is_read_with_its_id() {
        let read = |word| {
            let status = status(word, 7);
            (status.id, status.name)
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(read("[F] Доставлен"), pair("F", "Доставлен"));
        assert_eq!(read("Доставлен"), pair("", "Доставлен"));
        assert_eq!(read("[F]"), pair("", "[F]"));
        assert_eq!(read("[F"), pair("", "[F"));
    }

    #[test]
    fn the_id_of_a_status_may_stand_beside_its_name() {
        let word = |name: &str, id: &str| {
            let incoming = Incoming {
                status: Some(name.to_owned()),
                status_id: Some(id.to_owned()),
                ..Incoming::default()
            };
            From1c::default()
                .after(&incoming)
                .status
                .unwrap_or_default()
        };
        assert_eq!(word("Доставлен", " F "), "[F] Доставлен");
        assert_eq!(word("[F] Доставлен", "F"), "[F] Доставлен");
        // What stands in the name was said with it.
        assert_eq!(word("[G] Доставлен", "F"), "[G] Доставлен");
        assert_eq!(word("Доставлен", " "), "Доставлен");
        assert_eq!(word("Доставлен", "a]b"), "Доставлен");
        assert_eq!(word(" ", "F"), "");
    }
}
