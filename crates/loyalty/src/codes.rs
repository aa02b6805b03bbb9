//! One-time codes for registration and spending (moysklad-loyalty.md §3.4, §3.6).
//!
//! The till compares the code itself, so we send it to the customer and tell it to МойСклад. What is
//! stored is a nonce: the code is derived from it and the application's key, so that neither the
//! database nor a backup of it holds codes, and a repeated request gets the same code again.

use hmac::{Hmac, Mac};
use serde_json::json;
use sha2::Sha256;
use sklad_jobs::journal::{Direction, Outcome, Record};
use sklad_jobs::mask;
use sklad_jobs::outbox::Message;
use sklad_store::{Row, Sql, SqlError, Statement};

use crate::ledger::Shop;
use crate::programme::{Channel, Codes};

/// The window of the rate limit, in milliseconds.
const HOUR_MS: i64 = 3_600_000;
/// How often a change is tried when another call changes the same code.
const ATTEMPTS: usize = 16;

/// What a code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// A new customer.
    Registration,
    /// Spending points.
    Spending,
}

impl Purpose {
    fn as_str(self) -> &'static str {
        match self {
            Self::Registration => "registration",
            Self::Spending => "spending",
        }
    }

    fn in_russian(self) -> &'static str {
        match self {
            Self::Registration => "регистрации",
            Self::Spending => "списания баллов",
        }
    }
}

/// Whom a code is sent to.
#[derive(Clone, Debug)]
pub struct Recipient {
    /// Who it is, the same at every request: a phone or an id.
    pub subject: String,
    /// The phone, digits in international form, where it is known.
    pub phone: Option<String>,
}

/// A code that the customer gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Issued {
    /// The digits.
    pub code: String,
    /// After how many seconds another one may be asked for.
    pub repeat_after_seconds: i64,
    /// Whether it was made just now; otherwise it is the one that was sent before.
    pub fresh: bool,
}

/// Why there is no code.
#[derive(Debug, thiserror::Error)]
pub enum CodeError {
    /// Asked for too often.
    #[error("слишком много запросов кода, повторите через {} мин", wait_seconds.div_euclid(60).saturating_add(1))]
    TooMany {
        /// When it may be asked for again, in seconds.
        wait_seconds: i64,
    },
    /// The database's.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

struct Stored {
    nonce: String,
    issued_at: i64,
    expires_at: i64,
    used: bool,
    told: i64,
    window_start: i64,
    issued: i64,
}

/// A code for the recipient: the one that was sent, while it is young, else a new one, which goes to
/// the programme's channel in the same batch.
///
/// # Errors
/// [`CodeError::TooMany`] beyond the limits of the settings, or the database's.
pub async fn issue(
    sql: &impl Sql,
    shop: &Shop<'_>,
    master_key: &[u8],
    purpose: Purpose,
    to: &Recipient,
) -> Result<Issued, CodeError> {
    let codes = &shop.programme.codes;
    let now = shop.clock.now;
    for _ in 0..ATTEMPTS {
        let stored = read(sql, shop.tenant, purpose, &to.subject).await?;
        let batch = match &stored {
            Some(stored) if stored.repeats(codes, now) => {
                vec![stored.tell(shop.tenant, purpose, &to.subject, codes, now)?]
            }
            _ => fresh(shop, master_key, purpose, to, stored.as_ref())?,
        };
        match sql.atomic(batch).await {
            Ok(_) => {}
            Err(SqlError::Conflict | SqlError::Constraint(_)) => continue,
            Err(other) => return Err(other.into()),
        }
        let Some(stored) = read(sql, shop.tenant, purpose, &to.subject).await? else {
            continue;
        };
        let age = now.saturating_sub(stored.issued_at) / 1000;
        return Ok(Issued {
            code: derive(
                master_key,
                shop.tenant,
                purpose,
                &to.subject,
                &stored.nonce,
                codes.length,
            ),
            repeat_after_seconds: i64::from(codes.repeat_after_seconds)
                .saturating_sub(age)
                .max(1),
            fresh: stored.told == 1,
        });
    }
    Err(SqlError::Busy.into())
}

/// The statement after which the code is no good any more: it was used.
#[must_use]
pub fn used(tenant: &str, purpose: Purpose, subject: &str, now: i64) -> Statement {
    Statement::new(
        "UPDATE codes SET used_at = ?4 WHERE tenant = ?1 AND purpose = ?2 AND subject = ?3 AND used_at IS NULL",
    )
    .bind(tenant)
    .bind(purpose.as_str())
    .bind(subject)
    .bind(now)
}

impl Stored {
    /// Whether a request now is a repetition that gets the same code.
    fn repeats(&self, codes: &Codes, now: i64) -> bool {
        let young = now
            < self
                .issued_at
                .saturating_add(i64::from(codes.repeat_after_seconds) * 1000);
        young && !self.used && now < self.expires_at
    }

    fn tell(
        &self,
        tenant: &str,
        purpose: Purpose,
        subject: &str,
        codes: &Codes,
        now: i64,
    ) -> Result<Statement, CodeError> {
        if self.told >= i64::from(codes.max_attempts) {
            let again = self
                .issued_at
                .saturating_add(i64::from(codes.repeat_after_seconds) * 1000);
            return Err(CodeError::TooMany {
                wait_seconds: again.saturating_sub(now) / 1000,
            });
        }
        Ok(Statement::new(
            "UPDATE codes SET told = told + 1 \
             WHERE tenant = ?1 AND purpose = ?2 AND subject = ?3 AND nonce = ?4 AND told = ?5 RETURNING 1",
        )
        .bind(tenant)
        .bind(purpose.as_str())
        .bind(subject)
        .bind(&self.nonce)
        .bind(self.told)
        .expect_rows(1))
    }
}

async fn read(
    sql: &impl Sql,
    tenant: &str,
    purpose: Purpose,
    subject: &str,
) -> Result<Option<Stored>, SqlError> {
    let statement = Statement::new(
        "SELECT nonce, issued_at, expires_at, used_at, told, window_start, issued FROM codes \
         WHERE tenant = ?1 AND purpose = ?2 AND subject = ?3",
    )
    .bind(tenant)
    .bind(purpose.as_str())
    .bind(subject);
    let rows = sql.query(statement).await?;
    Ok(rows.first().map(stored))
}

fn stored(row: &Row) -> Stored {
    let int = |i: usize| row.int(i).unwrap_or_default();
    Stored {
        nonce: row.string(0),
        issued_at: int(1),
        expires_at: int(2),
        used: row.int(3).is_some(),
        told: int(4),
        window_start: int(5),
        issued: int(6),
    }
}

/// The batch that makes a new code and sends it.
fn fresh(
    shop: &Shop<'_>,
    master_key: &[u8],
    purpose: Purpose,
    to: &Recipient,
    stored: Option<&Stored>,
) -> Result<Vec<Statement>, CodeError> {
    let codes = &shop.programme.codes;
    let now = shop.clock.now;
    let (window_start, issued) = match stored {
        Some(s) if now < s.window_start.saturating_add(HOUR_MS) => (s.window_start, s.issued),
        _ => (now, 0),
    };
    if issued >= i64::from(codes.max_per_hour) {
        let again = window_start.saturating_add(HOUR_MS);
        return Err(CodeError::TooMany {
            wait_seconds: again.saturating_sub(now) / 1000,
        });
    }
    let nonce = uuid::Uuid::new_v4().to_string();
    let code = derive(
        master_key,
        shop.tenant,
        purpose,
        &to.subject,
        &nonce,
        codes.length,
    );
    let expires_at = now.saturating_add(i64::from(codes.lifetime_seconds) * 1000);
    let put = Statement::new(
        "INSERT INTO codes (tenant, purpose, subject, nonce, issued_at, expires_at, told, window_start, issued) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, 1, ?7, ?8) \
         ON CONFLICT DO UPDATE SET nonce = excluded.nonce, issued_at = excluded.issued_at, \
           expires_at = excluded.expires_at, used_at = NULL, told = 1, \
           window_start = excluded.window_start, issued = excluded.issued \
         WHERE codes.nonce = ?9 RETURNING 1",
    )
    .bind(shop.tenant)
    .bind(purpose.as_str())
    .bind(&to.subject)
    .bind(&nonce)
    .bind(now)
    .bind(expires_at)
    .bind(window_start)
    .bind(issued.saturating_add(1))
    .bind(stored.map(|s| s.nonce.as_str()))
    .expect_rows(1);
    let sent = send(shop, purpose, to, &code, expires_at);
    Ok(std::iter::once(put).chain(sent).collect())
}

/// The code on its way: into the journal for the merchant to read, or into the outbox. A code that
/// goes to a webhook is not in the journal.
fn send(
    shop: &Shop<'_>,
    purpose: Purpose,
    to: &Recipient,
    code: &str,
    expires_at: i64,
) -> Vec<Statement> {
    let whom = to
        .phone
        .as_deref()
        .map_or_else(|| mask::card(&to.subject), mask::phone);
    let about = format!("Код для {}: {whom}", purpose.in_russian());
    let (text, message) = match &shop.programme.codes.channel {
        Channel::Journal => (format!("{about}, {code}"), None),
        Channel::Webhook { url } => {
            let payload = json!({
                "tenant": shop.tenant,
                "purpose": purpose.as_str(),
                "phone": to.phone,
                "subject": to.subject,
                "code": code,
                "expires_at": expires_at,
            });
            let message = Message {
                channel: "code",
                url: url.clone(),
                payload: payload.to_string(),
                expires_at,
            };
            (format!("{about}, передан вашему шлюзу"), Some(message))
        }
    };
    let record = Record {
        direction: Direction::Out,
        action: "code",
        object: purpose.as_str().to_owned(),
        customer: None,
        outcome: Outcome::Ok,
        text,
        detail: None,
    };
    let row = record.statement(shop.tenant, shop.clock.now);
    let message = message.map(|m| m.statement(shop.tenant, shop.clock.now));
    std::iter::once(row).chain(message).collect()
}

/// The digits that belong to a nonce.
fn derive(
    master_key: &[u8],
    tenant: &str,
    purpose: Purpose,
    subject: &str,
    nonce: &str,
    length: u8,
) -> String {
    let Ok(mut mac) = Hmac::<Sha256>::new_from_slice(master_key) else {
        // HMAC takes keys of every length.
        return String::new();
    };
    for part in ["code", tenant, purpose.as_str(), subject, nonce] {
        mac.update(part.as_bytes());
        mac.update(&[0]);
    }
    let bytes = mac.finalize().into_bytes();
    let number = bytes
        .iter()
        .take(8)
        .fold(0u64, |n, b| n << 8 | u64::from(*b));
    let length = usize::from(length);
    let digits = format!("{:020}", number);
    digits.chars().rev().take(length).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ledger::snapshot::Clock;
    use crate::programme::Programme;
    use futures::executor::block_on;
    use sklad_store::native::NativeSql;

    fn at(programme: &Programme, now: i64) -> Shop<'_> {
        Shop {
            tenant: "a",
            programme,
            create_unknown: true,
            clock: Clock {
                now,
                zone_minutes: 180,
            },
        }
    }

    fn ask(sql: &NativeSql, programme: &Programme, now: i64) -> Result<Issued, CodeError> {
        let to = Recipient {
            subject: "79031234567".into(),
            phone: Some("79031234567".into()),
        };
        block_on(issue(
            sql,
            &at(programme, now),
            b"key",
            Purpose::Spending,
            &to,
        ))
    }

    fn database() -> (tempfile::TempDir, NativeSql) {
        let dir = tempfile::tempdir().unwrap();
        let sql = NativeSql::open(&dir.path().join("db")).unwrap();
        (dir, sql)
    }

    #[test]
    fn a_repeated_request_gets_the_same_code_and_a_late_one_another() {
        let (_dir, sql) = database();
        let programme = Programme::default();
        let first = ask(&sql, &programme, 0).unwrap();
        assert_eq!(
            (first.code.len(), first.repeat_after_seconds, first.fresh),
            (6, 60, true)
        );
        let again = ask(&sql, &programme, 10_000).unwrap();
        assert_eq!(
            (
                again.code == first.code,
                again.repeat_after_seconds,
                again.fresh
            ),
            (true, 50, false)
        );
        let later = ask(&sql, &programme, 60_000).unwrap();
        assert_ne!(later.code, first.code);
    }

    #[test]
    fn codes_are_limited_by_the_hour_and_told_a_few_times_only() {
        let (_dir, sql) = database();
        let programme = Programme::default();
        for n in 0..3 {
            assert!(ask(&sql, &programme, n).is_ok());
        }
        assert!(matches!(
            ask(&sql, &programme, 5),
            Err(CodeError::TooMany { .. })
        ));
        for n in 1..5 {
            assert!(ask(&sql, &programme, n * 60_000).is_ok());
        }
        assert!(matches!(
            ask(&sql, &programme, 300_000),
            Err(CodeError::TooMany { .. })
        ));
        assert!(ask(&sql, &programme, HOUR_MS).is_ok());
    }

    #[test]
    fn a_used_code_is_not_told_again() {
        let (_dir, sql) = database();
        let programme = Programme::default();
        let first = ask(&sql, &programme, 0).unwrap();
        block_on(sql.atomic(vec![used("a", Purpose::Spending, "79031234567", 1)])).unwrap();
        assert_ne!(ask(&sql, &programme, 2).unwrap().code, first.code);
    }
}
