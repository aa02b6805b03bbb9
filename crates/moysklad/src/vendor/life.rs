//! What a call of МойСклад makes of an account (moysklad-loyalty.md §6.2, §6.3). Pure.
//!
//! Calls come twice, late and in another order. The order is that in which they were signed: one that
//! is older than the last that switched the solution on or off changes nothing.

use super::accounts::{Account, State};
use super::wire::{Cause, Off, Status};

/// How long a key goes on being good after МойСклад has confirmed its successor, in milliseconds: for
/// calls of tills that were under way.
pub const KEY_GRACE_MS: i64 = 60_000;

/// How long we wait before we tell МойСклад anything after it has switched a solution on, in milliseconds:
/// it takes an address only after it has read our answer (code 2007).
pub const AFTER_ANSWER_MS: i64 = 5_000;

/// A call that switches on, as far as it matters here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct On {
    /// Why.
    pub cause: Cause,
    /// When it was signed, seconds since 1970.
    pub iat: i64,
    /// Whether it brings another token than the one that is stored: then it is another installation.
    pub new_token: bool,
}

/// Whether the call is news: of two that were signed in the same second the later to come counts.
#[must_use]
pub fn is_news(account: &Account, iat: i64) -> bool {
    iat >= account.issued_at
}

/// Switches on what is known; answers what МойСклад is told.
pub fn switch_on(account: &mut Account, on: On, now_ms: i64) -> Status {
    let begins = matches!(on.cause, Cause::Install | Cause::Resume);
    if begins && is_news(account, on.iat) {
        account.issued_at = on.iat;
        match account.state {
            // The call again, or its token alone is new.
            State::SettingsRequired => {}
            State::Activated if !on.new_token => {}
            // The settings are still with МойСклад, so it goes on (§6.2, 17-08-2026).
            State::Suspended if on.cause == Cause::Resume && account.key_id.is_some() => {
                account.state = State::Activated;
            }
            // МойСклад has forgotten our address and key: they are sent anew.
            State::Activated | State::Suspended | State::Uninstalled => {
                account.state = State::SettingsRequired;
                retire(account, now_ms);
            }
        }
        wake(account, now_ms);
    }
    Status::of(account.state)
}

/// Lets what is to be told to МойСклад be told: of an activation it is for us to tell only where the
/// account has its tenant already.
fn wake(account: &mut Account, now_ms: i64) {
    let unfinished = account.state == State::SettingsRequired || account.has_pending_key();
    if account.is_bound() && unfinished {
        account.due_at = Some(now_ms.saturating_add(AFTER_ANSWER_MS));
        account.attempts = 0;
        account.last_error = None;
    }
}

/// Switches off what is known; answers whether it was on. Settings stay. The token is dead by now and is
/// forgotten by the caller.
pub fn switch_off(account: &mut Account, cause: Off, iat: i64, now_ms: i64) -> bool {
    let (from, to) = match cause {
        Off::Suspend => (account.state.is_on(), State::Suspended),
        Off::Uninstall => (account.state != State::Uninstalled, State::Uninstalled),
    };
    if !from {
        return false;
    }
    if is_news(account, iat) {
        account.issued_at = iat;
        account.state = to;
        account.due_at = account.retire_at;
        if cause == Off::Uninstall {
            retire(account, now_ms);
        }
    }
    true
}

/// МойСклад has forgotten our key (§1.2): nobody calls with it any more.
fn retire(account: &mut Account, now_ms: i64) {
    account.retiring.extend(account.key_id.take());
    if !account.retiring.is_empty() {
        account.retire_at = Some(now_ms);
        account.due_at = Some(now_ms);
    }
}

/// Puts a confirmed key in the place of the one before, which is good for [`KEY_GRACE_MS`] more.
pub fn replace_key(account: &mut Account, id: String, now_ms: i64) {
    let old = account.key_id.replace(id);
    let old = old.filter(|old| account.key_id.as_ref() != Some(old));
    if let Some(old) = old {
        account.retiring.push(old);
        account.retire_at = Some(now_ms.saturating_add(KEY_GRACE_MS));
    }
}
