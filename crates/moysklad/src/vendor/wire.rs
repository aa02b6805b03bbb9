//! What МойСклад sends (moysklad-loyalty.md §6.2). What is missing or of a newer kind is survived: an
//! answer 4xx would be the end of an installation.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use uuid::Uuid;

use super::accounts::State;

/// The longest name of an account that is kept, in characters.
const MAX_NAME_CHARS: usize = 200;
/// The largest description of a subscription that is kept, in bytes.
const MAX_SUBSCRIPTION: usize = 4096;
/// The longest token, in bytes.
const MAX_TOKEN: usize = 1024;

/// Why a solution was switched on, or its subscription changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Cause {
    /// Installed.
    Install,
    /// Paid for again.
    Resume,
    /// Another tariff.
    TariffChanged,
    /// The next period.
    Autoprolongation,
    /// What this build does not know.
    Other,
}

/// Why a solution was switched off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Off {
    /// Removed by a user.
    Uninstall,
    /// Not paid for.
    Suspend,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Body {
    account_name: Option<String>,
    cause: Option<String>,
    access: Option<Vec<Access>>,
    subscription: Option<Box<RawValue>>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Access {
    access_token: Option<String>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct Tariff {
    tariff_name: Option<String>,
}

/// A call that switches a solution on or tells of its subscription.
pub struct Activation {
    /// Why.
    pub cause: Cause,
    /// The account's name.
    pub account_name: Option<String>,
    /// The token for the JSON API, which is the only resource there is.
    pub token: Option<String>,
    /// The subscription as JSON.
    pub subscription: Option<String>,
}

impl Activation {
    /// The name of the tariff, where it was told.
    #[must_use]
    pub fn tariff(&self) -> Option<String> {
        let tariff: Tariff = serde_json::from_str(self.subscription.as_deref()?).ok()?;
        Some(name(&tariff.tariff_name?)).filter(|name| !name.is_empty())
    }
}

/// The body is no JSON object of the expected kind.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column} of the body")]
pub struct Unreadable {
    line: usize,
    column: usize,
}

fn body(bytes: &[u8]) -> Result<Body, Unreadable> {
    let text = std::str::from_utf8(bytes).map_err(|_| Unreadable { line: 1, column: 1 })?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text).trim();
    if text.is_empty() {
        return Ok(Body::default());
    }
    // A list is read as the fields in their order otherwise.
    if !text.starts_with('{') {
        return Err(Unreadable { line: 1, column: 1 });
    }
    serde_json::from_str(text).map_err(|e| Unreadable {
        line: e.line(),
        column: e.column(),
    })
}

/// Reads the body of PUT.
///
/// # Errors
/// [`Unreadable`].
pub fn activation(bytes: &[u8]) -> Result<Activation, Unreadable> {
    let body = body(bytes)?;
    let tokens = body.access.unwrap_or_default().into_iter();
    let mut tokens = tokens.filter_map(|access| access.access_token);
    Ok(Activation {
        cause: match body.cause.as_deref() {
            Some("Install") => Cause::Install,
            Some("Resume") => Cause::Resume,
            Some("TariffChanged") => Cause::TariffChanged,
            Some("Autoprolongation") => Cause::Autoprolongation,
            _ => Cause::Other,
        },
        account_name: body.account_name.map(|text| name(&text)),
        token: tokens.find(|token| (1..=MAX_TOKEN).contains(&token.len())),
        subscription: body
            .subscription
            .map(|raw| raw.get().to_owned())
            .filter(|json| json.len() <= MAX_SUBSCRIPTION),
    })
}

/// Reads the body of DELETE. Without a cause – some proxies take the body of a DELETE away – it is the
/// one that loses nothing.
///
/// # Errors
/// [`Unreadable`].
pub fn deactivation(bytes: &[u8]) -> Result<Off, Unreadable> {
    let body = body(bytes)?;
    Ok(match body.cause.as_deref() {
        Some("Uninstall") => Off::Uninstall,
        _ => Off::Suspend,
    })
}

/// Reads the body of an event: its cause.
///
/// # Errors
/// [`Unreadable`].
pub fn event(bytes: &[u8]) -> Result<String, Unreadable> {
    Ok(body(bytes)?.cause.map(|c| name(&c)).unwrap_or_default())
}

/// A name without what cannot be shown.
fn name(text: &str) -> String {
    let shown = text.trim().chars().filter(|c| !c.is_control());
    shown.take(MAX_NAME_CHARS).collect()
}

/// The answer to PUT and GET.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Status {
    status: &'static str,
}

impl Status {
    /// A state in МойСклад's words. One that is off is what an activation would have to lead to.
    #[must_use]
    pub fn of(state: State) -> Self {
        let status = match state {
            State::Activated => "Activated",
            State::SettingsRequired | State::Suspended | State::Uninstalled => "SettingsRequired",
        };
        Self { status }
    }
}

/// An id as МойСклад writes it: a UUID in lower case with hyphens.
#[must_use]
pub fn uuid(text: &str) -> Option<String> {
    let hyphenated = text.len() == 36;
    let id = Uuid::try_parse(text).ok().filter(|_| hyphenated)?;
    Some(id.hyphenated().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_there_is_read_and_the_rest_survived() {
        let read = activation(
            br#"{"appUid": "a.b", "accountName": " shop\u0007 ", "cause": "Install", "new": {"x": [1]},
                "access": [{"resource": "x"}, {"scope": ["admin"], "access_token": "t0ken"}],
                "subscription": {"tariffName": "Basic", "trial": true}}"#,
        )
        .unwrap();
        assert_eq!(read.cause, Cause::Install);
        assert_eq!(read.account_name.as_deref(), Some("shop"));
        assert_eq!(read.token.as_deref(), Some("t0ken"));
        assert_eq!(read.tariff().as_deref(), Some("Basic"));
        let bare =
            activation(br#"{"access": null, "subscription": null, "cause": "Fly"}"#).unwrap();
        assert!(bare.token.is_none() && bare.subscription.is_none());
        assert_eq!(bare.cause, Cause::Other);
        assert_eq!(activation(b" ").unwrap().cause, Cause::Other);
    }

    #[test]
    fn a_removal_without_a_cause_loses_nothing() {
        assert_eq!(
            deactivation(br#"{"cause": "Uninstall"}"#),
            Ok(Off::Uninstall)
        );
        for other in [
            &br#"{"cause": "Suspend"}"#[..],
            b"",
            b"{}",
            br#"{"cause": null}"#,
        ] {
            assert_eq!(deactivation(other), Ok(Off::Suspend));
        }
        for broken in [&b"{"[..], b"[]", b"\xff", br#"{"cause": 1}"#] {
            assert!(deactivation(broken).is_err());
        }
    }

    #[test]
    fn an_id_is_a_hyphenated_uuid() {
        let id = "5F3C5489-6a17-48b7-9fe5-b2000eb807fe";
        assert_eq!(uuid(id), Some(id.to_lowercase()));
        for bad in [
            "",
            "x",
            "5f3c54896a1748b79fe5b2000eb807fe",
            "../../etc",
            "5f3c5489-6a17-48b7-9fe5-b2000eb807f",
        ] {
            assert_eq!(uuid(bad), None, "{bad}");
        }
    }

    proptest! {
        #[test]
        fn no_bytes_are_more_than_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = (activation(&bytes), deactivation(&bytes), event(&bytes));
        }
    }
}
