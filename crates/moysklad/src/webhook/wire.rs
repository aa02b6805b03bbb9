//! What a webhook's body says (moysklad-json-api.md §2.2, §2.8), as messages of the inbox: pure.
//!
//! Two kinds come to one address: events about objects, and the hint that stock has changed. What is not
//! understood in a call is passed over, since nobody repeats it in another form; what is no JSON object at
//! all is refused.

use serde_json::value::RawValue;
use sklad_jobs::inbox::Message;
use uuid::Uuid;

use super::types;
use crate::api::wire::Meta;
use sklad_raw::{Raw, id, last_segment, members, object, text};

/// What the hint about stock is about: all of it is handled together.
pub const STOCK: &str = "stock";
/// The longest moment that is kept, in characters.
const MOMENT_CHARS: usize = 30;
/// The longest `requestId` that is kept, in characters.
const REQUEST_ID_CHARS: usize = 100;

/// Why a body is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("no JSON object")]
pub struct Unreadable;

struct Body<'a> {
    events: Raw<'a>,
    audit: Raw<'a>,
    account_id: Raw<'a>,
    report_type: Raw<'a>,
    report_url: Raw<'a>,
}

members!(Body {
    events: "events",
    audit: "auditContext",
    account_id: "accountId",
    report_type: "reportType",
    report_url: "reportUrl",
});

struct Audit<'a> {
    uid: Raw<'a>,
}

members!(Audit { uid: "uid" });

struct Event<'a> {
    meta: Raw<'a>,
    action: Raw<'a>,
    account_id: Raw<'a>,
}

members!(Event {
    meta: "meta",
    action: "action",
    account_id: "accountId",
});

/// Whose calls are believed at an address.
#[derive(Debug, Clone, Copy, Default)]
pub struct Expected<'a> {
    /// The account; empty: any.
    pub account: &'a str,
    /// The author of our own changes, which bring nothing new; empty: none.
    pub own_uid: &'a str,
}

/// The messages in a body: of each object, that something happened to it. `request_id` is the same when a
/// call is repeated (§2.3); it must not be empty.
///
/// # Errors
/// [`Unreadable`].
pub fn messages(
    body: &[u8],
    request_id: &str,
    expected: Expected<'_>,
) -> Result<Vec<Message>, Unreadable> {
    let json = std::str::from_utf8(body).map_err(|_| Unreadable)?;
    let body: Body<'_> = serde_json::from_str(json).map_err(|_| Unreadable)?;
    let ours = |account: Raw<'_>| {
        let told = id(account);
        expected.account.is_empty() || told.is_none_or(|told| told == expected.account)
    };
    if body.report_type.is_some() || body.report_url.is_some() {
        let hint = ours(body.account_id).then(|| stock(&body, request_id));
        return Ok(hint.into_iter().collect());
    }
    let author = object::<Audit<'_>>(body.audit).and_then(|audit| text(audit.uid));
    let own = author.is_some_and(|uid| uid.to_lowercase() == expected.own_uid);
    if own && !expected.own_uid.is_empty() {
        return Ok(Vec::new());
    }
    let events: Vec<&RawValue> = object(body.events).unwrap_or_default();
    let message = |(n, raw): (usize, &&RawValue)| {
        let event: Event<'_> = object(Some(raw))?;
        ours(event.account_id).then_some(())?;
        Some(Message {
            dedupe: dedupe(request_id, n),
            object: named(&event)?,
            payload: text(event.action)?.to_uppercase(),
        })
    };
    Ok(events.iter().enumerate().filter_map(message).collect())
}

fn dedupe(request_id: &str, n: usize) -> String {
    let request: String = request_id.chars().take(REQUEST_ID_CHARS).collect();
    format!("{request}/{n}")
}

/// `{type}/{id}` of an object whose type is subscribed to. The address is used for its id alone: objects are
/// read at the API's own origin.
fn named(event: &Event<'_>) -> Option<String> {
    let meta: Meta<'_> = object(event.meta)?;
    let told = text(meta.kind)?;
    let kind = types().find(|kind| *kind == told)?;
    let id = last_segment(&text(meta.href)?)?;
    let id = Uuid::try_parse(&id).ok()?;
    Some(format!("{kind}/{}", id.hyphenated()))
}

/// The hint that stock has changed; of its address only the moment is taken.
fn stock(body: &Body<'_>, request_id: &str) -> Message {
    let since = text(body.report_url).and_then(|url| since(&url));
    Message {
        dedupe: dedupe(request_id, 0),
        object: STOCK.to_owned(),
        payload: since.unwrap_or_default(),
    }
}

/// `changedSince` of a report's address.
fn since(url: &str) -> Option<String> {
    let (_, query) = url.split_once('?')?;
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    let (_, value) = pairs
        .into_iter()
        .find(|(name, _)| *name == "changedSince")?;
    let value = value.replace('+', " ");
    let value = percent_encoding::percent_decode_str(&value).decode_utf8_lossy();
    Some(value.chars().take(MOMENT_CHARS).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    const ACCOUNT: &str = "84e60e93-f504-11e5-8a84-bae500000008";
    const GOOD: &str = "fe3d9a3c-5f5c-11e5-8a84-bae500000077";

    fn event(kind: &str, id: &str, action: &str) -> serde_json::Value {
        let href = format!("https://api.moysklad.ru/api/remap/1.2/entity/{kind}/{id}?expand=x");
        json!({"meta": {"type": kind, "href": href}, "action": action, "accountId": ACCOUNT})
    }

    fn read(body: &serde_json::Value, expected: Expected<'_>) -> Vec<(String, String, String)> {
        let messages = messages(body.to_string().as_bytes(), "r-1", expected).unwrap();
        let parts = |m: Message| (m.dedupe, m.object, m.payload);
        messages.into_iter().map(parts).collect()
    }

    #[test]
    fn every_event_is_a_message_about_its_object() {
        let body = json!({"auditContext": {"uid": "admin@shop"}, "events": [
            event("product", &GOOD.to_uppercase(), "update"), event("variant", GOOD, "DELETE")]});
        let of = |n: usize, kind: &str, action: &str| {
            (
                format!("r-1/{n}"),
                format!("{kind}/{GOOD}"),
                action.to_owned(),
            )
        };
        let expected = [of(0, "product", "UPDATE"), of(1, "variant", "DELETE")];
        assert_eq!(read(&body, Expected::default()), expected);
    }

    #[test]
    fn what_is_not_understood_keeps_nothing_else_back() {
        let body = json!({"events": [
            7, {}, event("webhook", GOOD, "UPDATE"), event("product", "../x", "UPDATE"),
            event("product", GOOD, "UPDATE")]});
        let read = read(&body, Expected::default());
        assert_eq!(read.len(), 1);
        assert_eq!(read[0].0, "r-1/4", "a place does not move");
        for body in ["", "null", "[]", "{", "\"x\"", "\u{0}"] {
            let refused = messages(body.as_bytes(), "r", Expected::default());
            assert!(refused.is_err(), "{body:?}");
        }
        assert!(messages(b"\xff{}", "r", Expected::default()).is_err());
        let empty = messages(b"{\"events\": 1}", "r", Expected::default());
        assert_eq!(empty, Ok(Vec::new()));
    }

    #[test]
    fn another_account_and_our_own_changes_say_nothing() {
        let mut body = json!({"auditContext": {"uid": "Sklad.Vendor@shop"},
            "events": [event("product", GOOD, "UPDATE")]});
        let ours = |own_uid, account| Expected { own_uid, account };
        assert_eq!(read(&body, ours("sklad.vendor@shop", ACCOUNT)), []);
        assert_eq!(read(&body, ours("", GOOD)), []);
        assert_eq!(read(&body, ours("", ACCOUNT)).len(), 1);
        body["auditContext"] = json!(null);
        assert_eq!(read(&body, ours("", "")).len(), 1);
        assert_eq!(read(&body, ours("sklad.vendor@shop", "")).len(), 1);
    }

    #[test]
    fn a_hint_about_stock_says_since_when() {
        let url =
            "https://evil.example/report/stock/bystore/current?changedSince=2026-01-02%2003:04:05";
        let body = json!({"accountId": ACCOUNT, "stockType": "stock", "reportType": "bystore", "reportUrl": url});
        let moment = "2026-01-02 03:04:05".to_owned();
        let expected = [("r-1/0".to_owned(), STOCK.to_owned(), moment)];
        assert_eq!(read(&body, Expected::default()), expected);
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = messages(&body, "r", Expected::default());
        }
    }
}
