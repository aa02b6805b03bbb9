//! The door: who logs in, and whether he may do what he came for.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use hmac::{Hmac, Mac};
use sha2::Sha256;
use sklad_store::{Row, Sql, SqlError, Statement};
use subtle::ConstantTimeEq;

use crate::attempts::{self, Subjects};
use crate::employees::{self, Employee};
use crate::error::Refused;
use crate::{Right, password, text};

/// How many employees' passwords a gate remembers as verified.
pub const CACHE_ENTRIES: usize = 64;
/// For how long it does, in milliseconds.
pub const CACHE_TTL_MS: i64 = 60 * 1000;

/// Checks logins, and remembers for a short time which passwords it has verified.
///
/// What is remembered saves the hashing alone: whether the employee exists, is active and has the right
/// is read from the database every time, and so is the stored hash, to which a memory is bound. So a
/// changed password or right has its effect at once.
///
/// Single-threaded by design: a component's instance is. No borrow is held across an `await`.
#[derive(Default)]
pub struct Gate {
    verified: RefCell<HashMap<(String, String), Verified>>,
    key: RefCell<Option<[u8; 32]>>,
    hashed: Cell<u64>,
}

/// A password that was right: its keyed hash, and when.
struct Verified {
    at_ms: i64,
    mac: [u8; 32],
}

thread_local! {
    static GATE: Rc<Gate> = Rc::default();
}

/// [`Gate::authenticate`] by the gate of this instance.
///
/// The tenant must be one that exists: failures are counted and forgotten tenant by tenant, so a name
/// that anybody can make up would fill the table.
///
/// # Errors
/// See [`Refused`].
pub async fn authenticate(
    sql: &impl Sql,
    tenant: &str,
    login: &[u8],
    password: &[u8],
    address: Option<&str>,
    right: Right,
    now_ms: i64,
) -> Result<Employee, Refused> {
    let gate = GATE.with(Rc::clone);
    let came = Login {
        login,
        password,
        address,
    };
    gate.authenticate(sql, tenant, came, right, now_ms).await
}

/// What somebody came with.
#[derive(Clone, Copy)]
pub struct Login<'a> {
    /// The e-mail: UTF-8, or windows-1251 where it is not (commerceml §1.2).
    pub login: &'a [u8],
    /// The password, likewise.
    pub password: &'a [u8],
    /// The address of the client, with or without a port. Those without one count as one client.
    pub address: Option<&'a str>,
}

/// What the database knows of a login.
struct Seen {
    employee: Option<(Employee, String)>,
    retry_after_s: Option<i64>,
}

impl Gate {
    /// The employee whose e-mail and password these are, when he is active and has the right.
    ///
    /// Reads once; writes when the login fails, and then one statement. An e-mail that nobody has is
    /// refused with the same words after the same work as a wrong password. `now_ms` is milliseconds
    /// since 1970 UTC.
    ///
    /// # Errors
    /// See [`Refused`].
    pub async fn authenticate(
        &self,
        sql: &impl Sql,
        tenant: &str,
        came: Login<'_>,
        right: Right,
        now_ms: i64,
    ) -> Result<Employee, Refused> {
        let login = sklad_cyrillic::decode(came.login);
        let subjects = Subjects::new(&login, came.address);
        let seen = look(sql, tenant, &login, &subjects, now_ms).await?;
        if let Some(retry_after_s) = seen.retry_after_s {
            return Err(Refused::TooMany { retry_after_s });
        }
        let given = sklad_cyrillic::decode(came.password);
        match seen.employee {
            Some((employee, hash)) if self.fits(tenant, &employee.id, &hash, &given, now_ms) => {
                allowed(employee, right)
            }
            somebody => {
                if somebody.is_none() {
                    self.fits(tenant, "", password::NOBODYS, &given, now_ms);
                }
                let failed = attempts::failed(tenant, &subjects, now_ms);
                sql.atomic(vec![failed]).await?;
                Err(Refused::Credentials)
            }
        }
    }

    /// How many passwords this gate has hashed so far; what it remembered is not among them.
    #[must_use]
    pub fn hashed(&self) -> u64 {
        self.hashed.get()
    }

    /// Whether the password is the employee's: as it is remembered, or by hashing it.
    fn fits(&self, tenant: &str, employee: &str, hash: &str, given: &str, now_ms: i64) -> bool {
        // An over-long password is nobody's; hashed is an empty one, which is nobody's either.
        let given = match given.chars().nth(password::MAX_CHARS) {
            Some(_) => "",
            None => given,
        };
        let mac = self.mac(&[tenant, employee, hash, given]);
        let key = (tenant.to_owned(), employee.to_owned());
        if mac.is_some_and(|mac| self.remembers(&key, &mac, now_ms)) {
            return true;
        }
        self.hashed.set(self.hashed.get().saturating_add(1));
        let fits = password::verify(hash, given);
        if let (true, Some(mac)) = (fits, mac) {
            self.remember(key, mac, now_ms);
        }
        fits
    }

    fn remembers(&self, key: &(String, String), mac: &[u8; 32], now_ms: i64) -> bool {
        let verified = self.verified.borrow();
        verified
            .get(key)
            .is_some_and(|known| fresh(known, now_ms) && bool::from(known.mac.ct_eq(mac)))
    }

    /// A full memory drops what is stale, and everything when nothing is.
    fn remember(&self, key: (String, String), mac: [u8; 32], now_ms: i64) {
        let mut verified = self.verified.borrow_mut();
        if verified.len() >= CACHE_ENTRIES && !verified.contains_key(&key) {
            verified.retain(|_, known| fresh(known, now_ms));
            if verified.len() >= CACHE_ENTRIES {
                verified.clear();
            }
        }
        verified.insert(key, Verified { at_ms: now_ms, mac });
    }

    /// The keyed hash of some texts. The key is random and this instance's own, so that what is
    /// remembered is of no use elsewhere. `None` without random numbers: then nothing is remembered.
    fn mac(&self, texts: &[&str]) -> Option<[u8; 32]> {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key()?).ok()?;
        for text in texts {
            mac.update(&text.len().to_be_bytes());
            mac.update(text.as_bytes());
        }
        Some(mac.finalize().into_bytes().into())
    }

    fn key(&self) -> Option<[u8; 32]> {
        let mut key = self.key.borrow_mut();
        if key.is_none() {
            let mut random = [0; 32];
            getrandom::fill(&mut random).ok()?;
            *key = Some(random);
        }
        *key
    }
}

/// Whether something remembered is still good. A clock that was set back makes it stale.
fn fresh(known: &Verified, now_ms: i64) -> bool {
    (0..CACHE_TTL_MS).contains(&now_ms.saturating_sub(known.at_ms))
}

fn allowed(employee: Employee, right: Right) -> Result<Employee, Refused> {
    if !employee.active {
        Err(Refused::Blocked)
    } else if !employee.rights.contains(&right) {
        Err(Refused::NoRight(right))
    } else {
        Ok(employee)
    }
}

/// The employee of an e-mail, and the failures of both subjects. `+`: SQLite would plan the joins by the
/// values, and compile the statement for every call.
const LOOK: &str = "\
    SELECT {columns}, e.password, m.failures, m.window_ends, a.failures, a.window_ends \
    FROM (SELECT 1) one \
    LEFT JOIN employees e ON e.tenant = +?1 AND e.email = +?2 \
    LEFT JOIN login_attempts m ON m.tenant = +?1 AND m.kind = 'email' AND m.subject = +?3 \
        AND m.window_ends > +?5 AND m.window_ends <= +?6 \
    LEFT JOIN login_attempts a ON a.tenant = +?1 AND a.kind = 'address' AND a.subject = +?4 \
        AND a.window_ends > +?5 AND a.window_ends <= +?6";

/// Reads the employee and the failures, in one statement that answers one row.
async fn look(
    sql: &impl Sql,
    tenant: &str,
    login: &str,
    subjects: &Subjects,
    now_ms: i64,
) -> Result<Seen, SqlError> {
    let text = LOOK.replace("{columns}", employees::COLUMNS);
    let statement = Statement::new(text)
        .bind(tenant)
        // Nobody's e-mail is empty: what is no e-mail at all does not reach the database.
        .bind(text::email(login).unwrap_or_default())
        .bind(&subjects.email)
        .bind(&subjects.address)
        .bind(now_ms)
        .bind(attempts::latest_end(now_ms));
    let rows = sql.query(statement).await?;
    Ok(rows.first().map_or_else(
        || Seen {
            employee: None,
            retry_after_s: None,
        },
        |row| seen(row, now_ms),
    ))
}

fn seen(row: &Row, now_ms: i64) -> Seen {
    let hash = row.text(employees::WIDTH).map(str::to_owned);
    Seen {
        employee: hash.map(|hash| (employees::employee(row), hash)),
        retry_after_s: attempts::wait(row, employees::WIDTH + 1, now_ms),
    }
}

#[cfg(test)]
mod tests;
