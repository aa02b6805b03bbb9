//! Gift certificates (moysklad-loyalty.md §3.9): created and imported by the merchant, looked up by
//! the till, redeemed by a sale (in the ledger).

mod import;

pub use import::{ImportReport, LineError, import};

use serde::{Deserialize, Serialize};
use serde_json::json;
use sklad_jobs::journal::{Direction, Outcome, Record};
use sklad_jobs::mask;
use sklad_store::{Row, Sql, SqlError, Statement};
use uuid::Uuid;

use crate::ledger::account::NEVER;

/// The longest number, in characters.
pub const MAX_NUMBER_CHARS: usize = 64;
/// The greatest face value, in kopecks: a million rubles.
pub const MAX_KOPECKS: i64 = 100_000_000;
/// The most certificates in one batch.
pub const MAX_BATCH: usize = 1000;

/// What a till may do with a certificate: МойСклад's words.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Status {
    /// Sold and unused.
    CanBeUsed,
    /// Something is left.
    PartiallyRedeemed,
    /// Its time is over.
    Expired,
    /// Nothing is left.
    Redeemed,
    /// Blocked.
    Invalid,
}

impl Status {
    /// The word in the Loyalty API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CanBeUsed => "CAN_BE_USED",
            Self::PartiallyRedeemed => "PARTIALLY_REDEEMED",
            Self::Expired => "EXPIRED",
            Self::Redeemed => "REDEEMED",
            Self::Invalid => "INVALID",
        }
    }
}

/// A certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
pub struct Certificate {
    /// Номер, заглавными буквами.
    pub number: String,
    /// Идентификатор (UUID).
    pub id: String,
    /// Номинал, копейки.
    pub initial_kopecks: i64,
    /// Остаток, копейки.
    pub balance_kopecks: i64,
    /// Заблокирован.
    pub blocked: bool,
    /// С какого момента недействителен, миллисекунды с 1970 года (UTC); null – бессрочный.
    pub expires_at: Option<i64>,
    /// Когда заведён, миллисекунды с 1970 года (UTC).
    pub created_at: i64,
    /// Что с ним может сделать касса.
    pub status: Status,
}

/// A certificate to be created.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewCertificate {
    /// Номер, от 1 до 64 знаков; заглавные и строчные буквы не различаются.
    pub number: String,
    /// Номинал, копейки, от 1 копейки до миллиона рублей.
    pub initial_kopecks: i64,
    /// Остаток, копейки; по умолчанию равен номиналу.
    #[serde(default)]
    pub balance_kopecks: Option<i64>,
    /// С какого момента недействителен, миллисекунды с 1970 года (UTC); по умолчанию бессрочный.
    #[serde(default)]
    pub expires_at: Option<i64>,
}

/// Why certificates were not created.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GiftError {
    /// A field of one of them is wrong.
    #[error("{index}.{field}: {message}")]
    Invalid {
        /// Index in the batch, from 0.
        index: usize,
        /// The field.
        field: &'static str,
        /// What is wrong, in Russian.
        message: &'static str,
    },
    /// More than [`MAX_BATCH`] at once.
    #[error("не больше 1000 сертификатов за раз")]
    TooMany,
    /// A certificate with this number is there already.
    #[error("сертификат с таким номером уже есть")]
    Exists,
    /// The imported file cannot be read as a whole.
    #[error("{0}")]
    File(&'static str),
    /// The database failed.
    #[error(transparent)]
    Sql(#[from] SqlError),
}

/// A number as it is stored: without space around it, in capitals. A cashier does not see what case
/// the letters on a certificate have.
#[must_use]
pub fn normal_number(text: &str) -> String {
    text.trim().to_uppercase()
}

impl NewCertificate {
    /// The number as it is stored, and the balance, when both are sensible.
    fn checked(&self) -> Result<(String, i64), (&'static str, &'static str)> {
        let number = normal_number(&self.number);
        let balance = self.balance_kopecks.unwrap_or(self.initial_kopecks);
        let length = number.chars().count();
        if !(1..=MAX_NUMBER_CHARS).contains(&length) || number.contains(char::is_control) {
            return Err(("number", "номер – от 1 до 64 знаков"));
        }
        if !(1..=MAX_KOPECKS).contains(&self.initial_kopecks) {
            return Err((
                "initial_kopecks",
                "номинал – от 1 копейки до миллиона рублей",
            ));
        }
        if !(0..=self.initial_kopecks).contains(&balance) {
            return Err(("balance_kopecks", "остаток – от нуля до номинала"));
        }
        if self.expires_at.is_some_and(|at| at <= 0) {
            return Err(("expires_at", "срок – миллисекунды с 1970 года"));
        }
        Ok((number, balance))
    }
}

const COLUMNS: &str = "number, id, initial, balance, blocked, expires_at, created_at";

fn certificate(row: &Row, now_ms: i64) -> Certificate {
    let int = |i| row.int(i).unwrap_or_default();
    let (initial, balance, blocked, expires) = (int(2), int(3), int(4) != 0, int(5));
    let status = match () {
        () if blocked => Status::Invalid,
        () if balance <= 0 => Status::Redeemed,
        () if expires <= now_ms => Status::Expired,
        () if balance < initial => Status::PartiallyRedeemed,
        () => Status::CanBeUsed,
    };
    Certificate {
        number: row.string(0),
        id: row.string(1),
        initial_kopecks: initial,
        balance_kopecks: balance,
        blocked,
        expires_at: (expires != NEVER).then_some(expires),
        created_at: int(6),
        status,
    }
}

/// Creates certificates, all or none.
///
/// # Errors
/// See [`GiftError`].
pub async fn create(
    sql: &impl Sql,
    tenant: &str,
    batch: &[NewCertificate],
    now_ms: i64,
) -> Result<Vec<Certificate>, GiftError> {
    if batch.len() > MAX_BATCH {
        return Err(GiftError::TooMany);
    }
    let mut rows = Vec::with_capacity(batch.len());
    for (index, new) in batch.iter().enumerate() {
        let (number, balance) = new
            .checked()
            .map_err(|(field, message)| GiftError::Invalid {
                index,
                field,
                message,
            })?;
        rows.push(row(&number, new, balance));
    }
    let text = format!("Заведено сертификатов: {}", rows.len());
    let insert = insert(tenant, &rows, now_ms, "");
    let batch = vec![insert, told(tenant, "", text, now_ms)];
    match sql.atomic(batch).await {
        Ok(answer) => {
            let rows = answer.first().map(Vec::as_slice).unwrap_or_default();
            Ok(rows.iter().map(|row| certificate(row, now_ms)).collect())
        }
        Err(SqlError::Constraint(_)) => Err(GiftError::Exists),
        Err(other) => Err(other.into()),
    }
}

fn row(number: &str, new: &NewCertificate, balance: i64) -> serde_json::Value {
    let id = Uuid::new_v4().hyphenated().to_string();
    let expires_at = new.expires_at.unwrap_or(NEVER);
    json!([number, id, new.initial_kopecks, balance, expires_at])
}

fn insert(tenant: &str, rows: &[serde_json::Value], now_ms: i64, on_conflict: &str) -> Statement {
    Statement::new(format!(
        "INSERT INTO gift_certificates (tenant, number, id, initial, balance, expires_at, created_at) \
         SELECT ?1, value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, ?3 \
         FROM json_each(?2) WHERE true {on_conflict} RETURNING {COLUMNS}"
    ))
    .bind(tenant)
    .bind(serde_json::Value::from(rows.to_vec()).to_string())
    .bind(now_ms)
}

/// The certificate with this number (in any case) or id, if there is one.
///
/// # Errors
/// The database's.
pub async fn find(
    sql: &impl Sql,
    tenant: &str,
    number_or_id: &str,
    now_ms: i64,
) -> Result<Option<Certificate>, SqlError> {
    let key = number_or_id.trim();
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM (SELECT *, 0 AS by_id FROM gift_certificates WHERE tenant = ?1 AND number IN (?2, ?4) \
         UNION ALL SELECT *, 1 FROM gift_certificates INDEXED BY gift_certificates_by_id \
         WHERE tenant = ?1 AND id = ?3) ORDER BY by_id LIMIT 1"
    ))
    .bind(tenant)
    .bind(key)
    .bind(key.to_lowercase())
    .bind(normal_number(key));
    let rows = sql.query(statement).await?;
    Ok(rows.first().map(|row| certificate(row, now_ms)))
}

/// Certificates by number after `after`, at most `limit`; with `prefix` only those whose number
/// begins so.
///
/// # Errors
/// The database's.
pub async fn list(
    sql: &impl Sql,
    tenant: &str,
    prefix: Option<&str>,
    after: Option<&str>,
    limit: usize,
    now_ms: i64,
) -> Result<Vec<Certificate>, SqlError> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM gift_certificates WHERE tenant = ?1 AND number > ?2 \
         AND number >= ?3 AND number < ?3 || ?4 ORDER BY number LIMIT ?5"
    ))
    .bind(tenant)
    .bind(after.unwrap_or_default())
    .bind(normal_number(prefix.unwrap_or_default()))
    .bind("\u{10ffff}")
    .bind(i64::try_from(limit).unwrap_or(i64::MAX));
    let rows = sql.query(statement).await?;
    Ok(rows.iter().map(|row| certificate(row, now_ms)).collect())
}

/// Blocks a certificate or takes the block off. `None` when there is none with this number or id.
///
/// # Errors
/// The database's.
pub async fn block(
    sql: &impl Sql,
    tenant: &str,
    number: &str,
    blocked: bool,
    now_ms: i64,
) -> Result<Option<Certificate>, SqlError> {
    let Some(found) = find(sql, tenant, number, now_ms).await? else {
        return Ok(None);
    };
    let update = Statement::new(format!(
        "UPDATE gift_certificates SET blocked = ?3 WHERE tenant = ?1 AND number = ?2 \
         RETURNING {COLUMNS}"
    ))
    .bind(tenant)
    .bind(&found.number)
    .bind(blocked)
    .expect_rows(1);
    let what = if blocked {
        "заблокирован"
    } else {
        "разблокирован"
    };
    let masked = mask::card(&found.number);
    let told = told(
        tenant,
        &masked,
        format!("Сертификат {masked} {what}"),
        now_ms,
    );
    match sql.atomic(vec![update, told]).await {
        Ok(answer) => {
            let row = answer.first().and_then(|rows| rows.first());
            Ok(row.map(|row| certificate(row, now_ms)))
        }
        Err(SqlError::Conflict) => Ok(None),
        Err(other) => Err(other),
    }
}

/// The row of the journal. A whole number would let its reader pay with the certificate.
fn told(tenant: &str, masked: &str, text: String, now_ms: i64) -> Statement {
    let record = Record {
        direction: Direction::Operator,
        action: "gift",
        object: masked.to_owned(),
        customer: None,
        outcome: Outcome::Ok,
        text,
        detail: None,
    };
    record.statement(tenant, now_ms)
}

#[cfg(test)]
mod tests;
