//! What we tell МойСклад of an account: address and key of the loyalty programme, then that the solution
//! is at work (moysklad-loyalty.md §1.2, §6.4).
//!
//! It goes on from what the row says: a key that is pending is sent – the same text again, however often
//! the answer is lost – and both keys are good until МойСклад has confirmed the new one or refused it.
//! Then the solution that still requires settings is told to be activated. One worker at a time has the
//! account; what he leaves is due, and the schedule takes it up ([`due`]).

use sklad_jobs::journal::{Direction, Outcome, Record};
use sklad_store::{Clock, Http, Kv, Sql, SqlError};
use sklad_tenant::{App, Config, Slug, keys};

use super::accounts::{self, Account, State};
use super::apps::{self, Caller, Told};
use super::{Error, life, random};
use crate::loyalty;

/// How long a worker is believed to be at it, in milliseconds: two calls, each with its time limits.
const BUSY_MS: i64 = 30_000;
/// The wait after the first failure, in milliseconds; it doubles with each further one.
const BACKOFF_MS: i64 = 10_000;
/// The longest wait, in milliseconds.
const MAX_BACKOFF_MS: i64 = 60 * 60 * 1000;
/// How often it is tried: with these waits a day and a half.
pub const MAX_ATTEMPTS: i64 = 40;
/// How often a change begins anew because somebody else has changed the account.
const CHANGES: usize = 8;

/// Where МойСклад's tills find a tenant: below the base domain where there is one, else by path.
///
/// # Errors
/// [`Error::Setting`] when this deployment does not know where it is reached.
pub fn address(config: &Config, tenant: &str) -> Result<String, Error> {
    let public = config.public_url.as_deref();
    let public = public.ok_or(Error::Setting("public_url"))?;
    let path = loyalty::PREFIX;
    let Some(base) = config.base_domain.as_deref() else {
        return Ok(format!("{public}/t/{tenant}{path}"));
    };
    let base = base.trim_start_matches('.');
    let (scheme, host) = public.split_once("://").unwrap_or(("https", public));
    let port = host.rsplit_once(':').map(|(_, port)| format!(":{port}"));
    Ok(format!(
        "{scheme}://{tenant}.{base}{}{path}",
        port.unwrap_or_default()
    ))
}

/// Does what is to be done for an account; answers it as it is then. `now` is milliseconds since 1970.
///
/// # Errors
/// [`Error::Refused`] with МойСклад's reason: then nothing is due any more. [`Error::Later`] when the
/// answer was lost or somebody else is at it, [`Error::NotInstalled`], or the stores': then it is due
/// again.
pub async fn settle<S: Sql, K: Kv>(
    app: &App<S, K>,
    http: &impl Http,
    app_id: &str,
    account_id: &str,
    now: i64,
) -> Result<Account, Error> {
    let work = Work {
        app,
        app_id,
        account_id,
        now,
    };
    let account = work.begin().await?;
    revoke(app, &account, now).await?;
    if account.is_bound() && account.state.is_on() {
        let account = work.key(http, account).await?;
        work.status(http, account).await?;
    }
    work.change(|account| {
        account.busy_until = 0;
        account.attempts = 0;
        account.due_at = account.retire_at;
        Ok(())
    })
    .await
}

/// Does what is due, beginning with no account after `until`, milliseconds since 1970; answers for how many
/// it was done. What fails is due later again, and keeps nobody else from his turn.
///
/// # Errors
/// The database's, when it does not tell what is due.
pub async fn due<S: Sql, K: Kv>(
    app: &App<S, K>,
    http: &impl Http,
    clock: &impl Clock,
    until: i64,
) -> Result<usize, Error> {
    let mut done = 0;
    for account in accounts::due(&app.sql, clock.now_ms()).await? {
        let now = clock.now_ms();
        if now >= until {
            break;
        }
        match settle(app, http, &account.app_id, &account.account, now).await {
            Ok(_) => done += 1,
            Err(Error::Refused(_) | Error::Later) => {}
            Err(e) => eprintln!("vendor: {}", e.internal().unwrap_or_default()),
        }
    }
    Ok(done)
}

/// Lets a new key be made and sent, or the one be sent that is on its way already; what it does is due
/// at once.
///
/// # Errors
/// [`Error::NotInstalled`], or the stores'.
pub async fn rotate<S: Sql, K: Kv>(
    app: &App<S, K>,
    app_id: &str,
    account_id: &str,
    now: i64,
) -> Result<Account, Error> {
    let work = Work {
        app,
        app_id,
        account_id,
        now,
    };
    let master_key = &app.config.master_key;
    work.change(|account| {
        if !account.is_bound() || !account.state.is_on() {
            return Err(Error::NotInstalled);
        }
        if !account.has_pending_key() {
            account.set_pending_key(master_key, Some(&keys::generate()?))?;
        }
        account.due_at = Some(now);
        account.attempts = 0;
        account.last_error = None;
        Ok(())
    })
    .await
}

/// Revokes keys of an account that were replaced, when their time has come.
///
/// # Errors
/// The stores'.
pub async fn revoke<S: Sql, K: Kv>(
    app: &App<S, K>,
    account: &Account,
    now: i64,
) -> Result<(), Error> {
    if account.retire_at.is_none_or(|at| at > now) {
        return Ok(());
    }
    if let Ok(slug) = account.tenant.parse::<Slug>() {
        for id in &account.retiring {
            gone(app, &slug, id).await?;
        }
    }
    let work = Work {
        app,
        app_id: &account.app_id,
        account_id: &account.account,
        now,
    };
    let revoked = &account.retiring;
    work.change(|account| {
        account.retiring.retain(|id| !revoked.contains(id));
        if account.retiring.is_empty() {
            account.due_at = account
                .due_at
                .filter(|_| account.due_at != account.retire_at);
            account.retire_at = None;
        }
        Ok(())
    })
    .await
    .map(drop)
}

async fn gone<S: Sql, K: Kv>(app: &App<S, K>, slug: &Slug, id: &str) -> Result<(), Error> {
    match keys::revoke(&app.kv, slug, id).await {
        Ok(()) => app.forget(),
        Err(sklad_tenant::Error::NotFound) => {}
        Err(e) => return Err(e.into()),
    }
    Ok(())
}

/// Lets the pending key of an account that is removed be revoked with the others.
pub(super) fn forget_pending<S: Sql, K: Kv>(app: &App<S, K>, account: &mut Account, now: i64) {
    // One that does not open is worked with by nobody: it was never added, or is in the tenant's list.
    if let Ok(Some(text)) = account.pending_key(&app.config.master_key) {
        account.retiring.push(keys::id_of(&text));
        account.retire_at = Some(now);
        account.due_at = Some(now);
    }
    let _ = account.set_pending_key(&[], None);
}

/// Work at one account.
struct Work<'a, S, K> {
    app: &'a App<S, K>,
    app_id: &'a str,
    account_id: &'a str,
    now: i64,
}

impl<S: Sql, K: Kv> Work<'_, S, K> {
    /// Changes what is stored of the account; `change` may be called several times, each with what is
    /// stored then.
    async fn change(
        &self,
        mut change: impl FnMut(&mut Account) -> Result<(), Error>,
    ) -> Result<Account, Error> {
        self.change_and_tell(|account| change(account).map(|()| None))
            .await
    }

    /// The same with a row for the merchant's journal.
    async fn change_and_tell(
        &self,
        mut change: impl FnMut(&mut Account) -> Result<Option<(Outcome, String)>, Error>,
    ) -> Result<Account, Error> {
        let sql = &self.app.sql;
        for _ in 0..CHANGES {
            let known = accounts::find(sql, self.app_id, self.account_id).await?;
            let mut account = known.ok_or(Error::NotInstalled)?;
            let before = account.clone();
            let told = change(&mut account)?;
            if account == before && told.is_none() {
                return Ok(account);
            }
            let row = told.map(|(outcome, text)| self.row(&account, outcome, text));
            let batch = std::iter::once(account.save(self.now)).chain(row).collect();
            match sql.atomic(batch).await {
                Ok(_) => {
                    let saved = accounts::find(sql, self.app_id, self.account_id).await?;
                    return saved.ok_or(Error::NotInstalled);
                }
                Err(SqlError::Conflict) => {}
                Err(e) => return Err(e.into()),
            }
        }
        Err(Error::Later)
    }

    fn row(&self, account: &Account, outcome: Outcome, text: String) -> sklad_store::Statement {
        let record = Record {
            direction: Direction::Out,
            action: "connection",
            object: account.account_name.clone(),
            customer: None,
            outcome,
            text,
            detail: None,
        };
        record.statement(&account.tenant, self.now)
    }

    /// Takes the account. Should the host die now, it is due again when nobody is believed to be at it.
    async fn begin(&self) -> Result<Account, Error> {
        let until = self.now.saturating_add(BUSY_MS);
        self.change(|account| {
            // A time that is further away was written by a clock that was wrong.
            if account.busy_until > self.now && account.busy_until <= until {
                return Err(Error::Later);
            }
            account.busy_until = until;
            account.due_at = Some(until);
            Ok(())
        })
        .await
    }

    /// Sends address and key, where there is a key to be sent.
    async fn key(&self, http: &impl Http, account: Account) -> Result<Account, Error> {
        if account.key_id.is_some() && !account.has_pending_key() {
            return Ok(account);
        }
        let master_key = &self.app.config.master_key;
        let account = self
            .change(|account| {
                if !account.has_pending_key() {
                    account.set_pending_key(master_key, Some(&keys::generate()?))?;
                }
                Ok(())
            })
            .await?;
        let text = account.pending_key(master_key)?.ok_or(Error::Later)?;
        let slug: Slug = account.tenant.parse().map_err(|_| Error::NotInstalled)?;
        // Before МойСклад knows it: a till may call with it the next moment.
        let label = format!("МойСклад: {}", account.account_name);
        keys::add(&self.app.kv, &slug, &text, &label, self.now).await?;
        self.app.forget();
        let url = address(&self.app.config, slug.as_str())?;
        let call = self
            .caller()?
            .loyalty(self.account_id, &url, &text, account.external_search)?;
        match apps::told(http.send(call).await) {
            Told::Done => self.confirmed(&text).await,
            Told::Unknown(why) => Err(self.postponed(&why).await?),
            Told::Refused(why) => {
                gone(self.app, &slug, &keys::id_of(&text)).await?;
                Err(self.refused(&why, Some(&text)).await?)
            }
        }
    }

    async fn confirmed(&self, text: &str) -> Result<Account, Error> {
        let master_key = &self.app.config.master_key;
        self.change_and_tell(|account| {
            if account.pending_key(master_key)?.as_deref() != Some(text) {
                return Ok(None);
            }
            account.set_pending_key(master_key, None)?;
            account.last_error = None;
            life::replace_key(account, keys::id_of(text), self.now);
            let told = "Адрес и ключ программы лояльности переданы в МойСклад";
            Ok(Some((Outcome::Ok, told.to_owned())))
        })
        .await
    }

    /// Tells that the solution is at work, where МойСклад waits for it.
    async fn status(&self, http: &impl Http, account: Account) -> Result<(), Error> {
        if account.state != State::SettingsRequired || account.key_id.is_none() {
            return Ok(());
        }
        let call = self.caller()?.activated(self.account_id)?;
        match apps::told(http.send(call).await) {
            Told::Done => {}
            Told::Unknown(why) => return Err(self.postponed(&why).await?),
            Told::Refused(why) => return Err(self.refused(&why, None).await?),
        }
        let since = account.issued_at;
        self.change_and_tell(|account| {
            if account.state != State::SettingsRequired || account.issued_at != since {
                return Ok(None);
            }
            account.state = State::Activated;
            account.last_error = None;
            Ok(Some((
                Outcome::Ok,
                "Решение в МоёмСкладе подключено".to_owned(),
            )))
        })
        .await
        .map(drop)
    }

    fn caller(&self) -> Result<Caller<'_>, Error> {
        let moysklad = &self.app.config.moysklad;
        let solution = moysklad.solution(self.app_id);
        Ok(Caller {
            origin: &moysklad.apps,
            solution: solution.ok_or(Error::Setting("moysklad_apps_credentials"))?,
            now_s: self.now.div_euclid(1000),
            jti: random::<16>()?,
        })
    }

    /// Lets it be tried again later; the last time it ends with a word to the merchant.
    async fn postponed(&self, why: &str) -> Result<Error, Error> {
        eprintln!("vendor: МойСклад did not answer: {why}");
        self.change_and_tell(|account| {
            account.busy_until = 0;
            account.attempts = account.attempts.saturating_add(1);
            if account.attempts < MAX_ATTEMPTS {
                let wait = backoff_ms(account.attempts);
                account.due_at = Some(self.now.saturating_add(wait));
                return Ok(None);
            }
            let text = "МойСклад не отвечает: откройте решение и повторите подключение";
            account.due_at = account.retire_at;
            account.last_error = Some(text.to_owned());
            Ok(Some((Outcome::Error, text.to_owned())))
        })
        .await?;
        Ok(Error::Later)
    }

    /// Ends it: МойСклад will not have it so. A key that it refused is forgotten.
    async fn refused(&self, why: &str, key: Option<&str>) -> Result<Error, Error> {
        let master_key = &self.app.config.master_key;
        self.change_and_tell(|account| {
            if key.is_some() && account.pending_key(master_key)?.as_deref() == key {
                account.set_pending_key(master_key, None)?;
            }
            account.busy_until = 0;
            account.attempts = 0;
            account.due_at = account.retire_at;
            account.last_error = Some(why.to_owned());
            Ok(Some((Outcome::Error, why.to_owned())))
        })
        .await?;
        Ok(Error::Refused(why.to_owned()))
    }
}

fn backoff_ms(attempts: i64) -> i64 {
    let doublings = u32::try_from(attempts.saturating_sub(1)).unwrap_or(0);
    let factor = 1_i64.checked_shl(doublings.min(20)).unwrap_or(1);
    BACKOFF_MS.saturating_mul(factor).min(MAX_BACKOFF_MS)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sklad_tenant::MoySklad;

    fn at(public: &str, base: &str) -> Result<String, Error> {
        let config = Config::new(None, None, base).unwrap();
        let config = config.with_vendors(public, MoySklad::default()).unwrap();
        address(&config, "demo")
    }

    #[test]
    fn an_address_names_the_tenant_by_host_or_by_path() {
        let path = "/rest/integration/moysklad/v1";
        assert_eq!(
            at("https://a.ru", ""),
            Ok(format!("https://a.ru/t/demo{path}"))
        );
        assert_eq!(
            at("https://a.ru", "a.ru"),
            Ok(format!("https://demo.a.ru{path}"))
        );
        assert_eq!(
            at("http://127.0.0.1:3000/", ".shops.example"),
            Ok(format!("http://demo.shops.example:3000{path}"))
        );
        assert_eq!(at("", "a.ru"), Err(Error::Setting("public_url")));
    }

    #[test]
    fn waits_grow_and_end() {
        assert_eq!(backoff_ms(1), 10_000);
        assert_eq!(backoff_ms(2), 20_000);
        assert_eq!(backoff_ms(60), MAX_BACKOFF_MS);
    }
}
