//! Creating, editing, listing and merging customers.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};
use sklad_store::{Row, Sql, SqlError, Statement};

use super::identity::{Identity, Person, name_key, normal_card, normal_phone, normal_uuid};
use crate::ledger::json;
use crate::programme::Tiers;
use crate::tiers::by_id;

/// The statements that create a customer. A key that somebody else already has makes the batch fail
/// with [`SqlError::Constraint`]: read again, and the customer is there.
///
/// # Errors
/// Only if JSON cannot be written.
pub fn create(
    tenant: &str,
    id: &str,
    identity: &Identity,
    person: &Person,
    now: i64,
) -> Result<Vec<Statement>, SqlError> {
    let person = &person.known_by(identity);
    let name = person.shown_name();
    let insert = Statement::new(
        "INSERT INTO customers (tenant, id, name, name_key, first_name, middle_name, last_name, phone, card, \
         email, birth_date, sex, last_seen, created_at, updated_at, ms_id) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?13, ?13, ?14)",
    )
    .bind(tenant)
    .bind(id)
    .bind(&name)
    .bind(name_key(&name))
    .bind(person.first_name.clone())
    .bind(person.middle_name.clone())
    .bind(person.last_name.clone())
    .bind(identity.phone.clone())
    .bind(person.card.as_deref().map(str::trim).filter(|c| !c.is_empty()))
    .bind(person.email.clone())
    .bind(person.birth_date.map(|d| d.to_string()))
    .bind(person.sex.clone())
    .bind(now)
    .bind(identity.native.clone());
    let mut keys = identity.keys();
    if !identity.uuids.iter().any(|v| v == id) {
        keys.push(("uuid", id));
    }
    let keys = Statement::new(
        "INSERT INTO customer_keys (tenant, kind, value, customer) \
         SELECT DISTINCT ?1, value->>0, value->>1, ?2 FROM json_each(?3)",
    )
    .bind(tenant)
    .bind(id)
    .bind(json(&keys)?);
    Ok(vec![insert, keys, add_terms(tenant, id, &[person])?])
}

/// The statement by which a customer is found by everything that these tell of him.
fn add_terms(tenant: &str, id: &str, persons: &[&Person]) -> Result<Statement, SqlError> {
    let beside: String = persons.iter().map(|person| person.beside()).collect();
    let is_word = |term: &str| term.chars().any(char::is_alphabetic);
    let terms = persons.iter().flat_map(|person| person.terms());
    let rows = terms.map(|term| {
        let beside = if is_word(&term) { beside.as_str() } else { "" };
        (term, beside)
    });
    Ok(Statement::new(
        "INSERT INTO customer_terms (tenant, customer, term, beside) \
         SELECT ?1, ?2, value->>0, value->>1 FROM json_each(?3) \
         WHERE true ON CONFLICT DO UPDATE SET beside = excluded.beside",
    )
    .bind(tenant)
    .bind(id)
    .bind(json(&rows.collect::<Vec<_>>())?))
}

fn drop_terms(tenant: &str, id: &str, person: &Person) -> Result<Statement, SqlError> {
    Ok(Statement::new(
        "DELETE FROM customer_terms WHERE tenant = ?1 AND customer = ?2 AND term IN (SELECT value FROM json_each(?3))",
    )
    .bind(tenant)
    .bind(id)
    .bind(json(&person.terms())?))
}

/// The statement by which a customer is known under more keys from now on. A key that leads to
/// somebody else stays where it is: a cashier's mistake must not move it. For a customer who has been
/// merged since he was read, the keys lead to the survivor.
///
/// # Errors
/// Only if JSON cannot be written.
pub fn link(tenant: &str, id: &str, keys: &[(&str, &str)]) -> Result<Statement, SqlError> {
    Ok(Statement::new(
        "INSERT INTO customer_keys (tenant, kind, value, customer) \
         SELECT ?1, value->>0, value->>1, coalesce((SELECT customer FROM customer_keys \
           WHERE tenant = ?1 AND kind = 'uuid' AND value = ?2), ?2) \
         FROM json_each(?3) WHERE true ON CONFLICT DO NOTHING",
    )
    .bind(tenant)
    .bind(id)
    .bind(json(&keys)?))
}

/// What is to be changed; an absent field stays as it is.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Edit {
    /// Full name.
    pub name: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Patronymic.
    pub middle_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Phone, in any writing; empty removes it.
    pub phone: Option<String>,
    /// Card number; empty removes it.
    pub card: Option<String>,
    /// E-mail.
    pub email: Option<String>,
    /// Birth date, `YYYY-MM-DD`.
    pub birth_date: Option<NaiveDate>,
    /// `MALE` or `FEMALE`.
    pub sex: Option<String>,
    /// МойСклад's id; empty removes it, but it goes on leading to the customer.
    pub ms_id: Option<String>,
    /// Whether a registration code was confirmed.
    pub verified: Option<bool>,
}

/// A customer as the API shows it.
#[derive(Clone, Debug, Serialize)]
pub struct Listed {
    /// Our id.
    pub id: String,
    /// МойСклад's id.
    pub ms_id: Option<String>,
    /// Full name.
    pub name: String,
    /// Given name.
    pub first_name: Option<String>,
    /// Patronymic.
    pub middle_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Digits in international form.
    pub phone: Option<String>,
    /// Card number.
    pub card: Option<String>,
    /// E-mail.
    pub email: Option<String>,
    /// `YYYY-MM-DD`.
    pub birth_date: Option<String>,
    /// `MALE` or `FEMALE`.
    pub sex: Option<String>,
    /// Whether a registration code was confirmed.
    pub verified: bool,
    /// Points in the ledger, with those that are not active yet, less the overdraft.
    pub balance: i64,
    /// Points spent beyond the balance and not covered yet.
    pub overdraft: i64,
    /// The tier that was stored last.
    pub tier: Option<String>,
    /// The customer that this one was merged into.
    pub merged_into: Option<String>,
    /// Milliseconds since 1970 UTC.
    pub created_at: i64,
    /// Milliseconds since 1970 UTC.
    pub updated_at: i64,
}

const LISTED: &str = "id, ms_id, name, first_name, middle_name, last_name, phone, card, email, birth_date, sex, \
     verified, balance, debt, tier, merged_into, created_at, updated_at";

fn listed(row: &Row) -> Listed {
    let text = |i: usize| row.text(i).map(str::to_owned);
    let int = |i: usize| row.int(i).unwrap_or_default();
    Listed {
        id: row.string(0),
        ms_id: text(1),
        name: row.string(2),
        first_name: text(3),
        middle_name: text(4),
        last_name: text(5),
        phone: text(6),
        card: text(7),
        email: text(8),
        birth_date: text(9),
        sex: text(10),
        verified: int(11) != 0,
        balance: int(12),
        overdraft: int(13),
        tier: text(14),
        merged_into: text(15),
        created_at: int(16),
        updated_at: int(17),
    }
}

/// One customer, if there is one with this id (or any key of kind `uuid`).
///
/// # Errors
/// The database's.
pub async fn get(sql: &impl Sql, tenant: &str, id: &str) -> Result<Option<Listed>, SqlError> {
    let text = format!(
        "SELECT {LISTED} FROM customers WHERE tenant = ?1 AND id = coalesce( \
         (SELECT customer FROM customer_keys WHERE tenant = ?1 AND kind = 'uuid' AND value = ?2), ?2)"
    );
    let rows = sql
        .query(
            Statement::new(text)
                .bind(tenant)
                .bind(id.trim().to_lowercase()),
        )
        .await?;
    Ok(rows.first().map(listed))
}

/// Customers by id, from the one after `after`, without those merged into others.
///
/// # Errors
/// The database's.
pub async fn list(
    sql: &impl Sql,
    tenant: &str,
    after: &str,
    limit: usize,
) -> Result<Vec<Listed>, SqlError> {
    let text = format!(
        "SELECT {LISTED} FROM customers WHERE tenant = ?1 AND id > ?2 AND merged_into IS NULL ORDER BY id LIMIT ?3"
    );
    let statement = Statement::new(text)
        .bind(tenant)
        .bind(after)
        .bind(i64::try_from(limit).unwrap_or_default());
    Ok(sql.query(statement).await?.iter().map(listed).collect())
}

/// The statements that edit a customer who is now `old`. A phone, card or id of somebody else fails
/// with [`SqlError::Constraint`]; a customer who has been edited or merged since `old` was read, with
/// [`SqlError::Conflict`].
///
/// # Errors
/// Only if JSON cannot be written.
pub fn edit(tenant: &str, old: &Listed, edit: &Edit, now: i64) -> Result<Vec<Statement>, SqlError> {
    let person = edited(old, edit);
    let phone = person.phone.as_deref().and_then(normal_phone);
    let name = person.shown_name();
    let ms_id = match &edit.ms_id {
        Some(id) => normal_uuid(id),
        None => old.ms_id.clone(),
    };
    let update = Statement::new(
        "UPDATE customers SET name = ?3, name_key = ?4, first_name = ?5, middle_name = ?6, last_name = ?7, \
         phone = ?8, card = ?9, email = ?10, birth_date = ?11, sex = ?12, ms_id = ?13, verified = ?14, \
         updated_at = ?15, version = version + 1 \
         WHERE tenant = ?1 AND id = ?2 AND merged_into IS NULL AND updated_at = ?16 RETURNING 1",
    )
    .bind(tenant)
    .bind(&old.id)
    .bind(&name)
    .bind(name_key(&name))
    .bind(person.first_name.clone())
    .bind(person.middle_name.clone())
    .bind(person.last_name.clone())
    .bind(phone.clone())
    .bind(person.card.clone())
    .bind(person.email.clone())
    .bind(person.birth_date.map(|d| d.to_string()))
    .bind(person.sex.clone())
    .bind(ms_id.clone())
    .bind(edit.verified.unwrap_or(old.verified))
    .bind(now)
    .bind(old.updated_at)
    .expect_rows(1);
    let mut batch = vec![update];
    batch.extend(move_key(
        tenant,
        &old.id,
        "phone",
        old.phone.as_deref(),
        phone.as_deref(),
    ));
    let old_card = old.card.as_deref().and_then(normal_card);
    let card = person.card.as_deref().and_then(normal_card);
    batch.extend(move_key(
        tenant,
        &old.id,
        "card",
        old_card.as_deref(),
        card.as_deref(),
    ));
    // Another id of МойСклад comes beside the one that is there: calls may still carry that.
    if ms_id != old.ms_id {
        batch.extend(move_key(tenant, &old.id, "uuid", None, ms_id.as_deref()));
    }
    batch.push(drop_terms(tenant, &old.id, &edited(old, &Edit::default()))?);
    batch.push(add_terms(tenant, &old.id, &[&person])?);
    Ok(batch)
}

fn edited(old: &Listed, edit: &Edit) -> Person {
    // Given and empty removes, not given keeps.
    let pick = |new: &Option<String>, old: &Option<String>| match new {
        Some(text) => Some(text.trim().to_owned()).filter(|t| !t.is_empty()),
        None => old.clone(),
    };
    Person {
        name: pick(&edit.name, &Some(old.name.clone())),
        first_name: pick(&edit.first_name, &old.first_name),
        middle_name: pick(&edit.middle_name, &old.middle_name),
        last_name: pick(&edit.last_name, &old.last_name),
        phone: pick(
            &edit.phone,
            &old.phone.as_ref().map(|digits| format!("+{digits}")),
        ),
        card: pick(&edit.card, &old.card),
        email: pick(&edit.email, &old.email),
        birth_date: edit
            .birth_date
            .or_else(|| old.birth_date.as_deref().and_then(|d| d.parse().ok())),
        sex: pick(&edit.sex, &old.sex),
    }
}

fn move_key(
    tenant: &str,
    id: &str,
    kind: &'static str,
    old: Option<&str>,
    new: Option<&str>,
) -> Vec<Statement> {
    if old == new {
        return Vec::new();
    }
    // The new one may be the customer's already, as an alias that was learnt.
    let delete = Statement::new(
        "DELETE FROM customer_keys WHERE tenant = ?1 AND kind = ?2 AND value IN (?3, ?5) AND customer = ?4",
    )
    .bind(tenant)
    .bind(kind)
    .bind(old.unwrap_or_default())
    .bind(id)
    .bind(new.unwrap_or_default());
    let insert = new.map(|new| {
        Statement::new(
            "INSERT INTO customer_keys (tenant, kind, value, customer) VALUES (?1, ?2, ?3, ?4)",
        )
        .bind(tenant)
        .bind(kind)
        .bind(new)
        .bind(id)
    });
    std::iter::once(delete).chain(insert).collect()
}

/// The statements that merge `from` into `into`: keys, lots, purchases and documents move, the
/// balance moves by a pair of entries, and the id of `from` leads to `into` from then on. `into`
/// keeps what is known of him; what is not comes from `from`. The higher of their tiers stays, and a
/// confirmed registration.
///
/// # Errors
/// Only if JSON cannot be written.
pub fn merge(
    tenant: &str,
    from: &Listed,
    into: &Listed,
    tiers: &Tiers,
    now: i64,
) -> Result<Vec<Statement>, SqlError> {
    let both = |sql: &'static str| {
        Statement::new(sql)
            .bind(tenant)
            .bind(&from.id)
            .bind(&into.id)
    };
    let entry = |customer: &Listed, key: &str, points: i64, balance: i64| {
        Statement::new(
            "INSERT INTO entries (tenant, kind, key, customer, at, points, balance) \
             VALUES (?1, 'merge', ?2, ?3, ?4, ?5, ?6)",
        )
        .bind(tenant)
        .bind(key)
        .bind(&customer.id)
        .bind(now)
        .bind(points)
        .bind(balance)
    };
    let height = |customer: &Listed| {
        let tier = by_id(tiers, customer.tier.as_deref()?)?;
        Some(tier.from_kopecks)
    };
    let total = into.balance.saturating_add(from.balance);
    let persons = [from, into].map(|customer| edited(customer, &Edit::default()));
    Ok(vec![
        // The balances that were read are the condition.
        Statement::new(
            "UPDATE customers SET balance = 0, debt = 0, merged_into = ?3, version = version + 1, updated_at = ?4 \
             WHERE tenant = ?1 AND id = ?2 AND merged_into IS NULL AND balance = ?5 AND debt = ?6 RETURNING 1",
        )
        .bind(tenant)
        .bind(&from.id)
        .bind(&into.id)
        .bind(now)
        .bind(from.balance)
        .bind(from.overdraft)
        .expect_rows(1),
        Statement::new(
            "UPDATE customers SET balance = ?3, debt = debt + ?4, version = version + 1, updated_at = ?5, \
             phone = coalesce(phone, ?7), card = coalesce(card, ?8), email = coalesce(email, ?9), \
             birth_date = coalesce(birth_date, ?10), sex = coalesce(sex, ?11), ms_id = coalesce(ms_id, ?12), \
             birthday_year = (SELECT max(birthday_year) FROM customers WHERE tenant = ?1 AND id IN (?2, ?13)), \
             verified = max(verified, ?14), tier = CASE WHEN ?15 THEN ?16 ELSE tier END, \
             tier_since = CASE WHEN ?15 THEN \
               (SELECT max(tier_since) FROM customers WHERE tenant = ?1 AND id IN (?2, ?13) AND tier = ?16) \
               ELSE tier_since END \
             WHERE tenant = ?1 AND id = ?2 AND merged_into IS NULL AND balance = ?6 RETURNING 1",
        )
        .bind(tenant)
        .bind(&into.id)
        .bind(total)
        .bind(from.overdraft)
        .bind(now)
        .bind(into.balance)
        .bind(from.phone.clone())
        .bind(from.card.clone())
        .bind(from.email.clone())
        .bind(from.birth_date.clone())
        .bind(from.sex.clone())
        .bind(from.ms_id.clone())
        .bind(&from.id)
        .bind(from.verified)
        // Also an equal one: it may have been confirmed later.
        .bind(height(from).is_some() && height(from) >= height(into))
        .bind(from.tier.clone())
        .expect_rows(1),
        entry(from, &format!("out/{}", from.id), from.balance.saturating_neg(), 0),
        entry(into, &format!("in/{}", from.id), from.balance, total),
        both("UPDATE customer_keys SET customer = ?3 WHERE tenant = ?1 AND customer = ?2"),
        drop_terms(tenant, &from.id, &persons[0])?,
        add_terms(tenant, &into.id, &[&persons[0], &persons[1]])?,
        both("UPDATE lots SET customer = ?3 WHERE tenant = ?1 AND customer = ?2"),
        both("UPDATE documents INDEXED BY documents_of SET customer = ?3 WHERE tenant = ?1 AND customer = ?2"),
        both(
            "INSERT INTO turnover (tenant, customer, day, kopecks) \
             SELECT tenant, ?3, day, kopecks FROM turnover WHERE tenant = ?1 AND customer = ?2 \
             ON CONFLICT DO UPDATE SET kopecks = kopecks + excluded.kopecks",
        ),
        both("DELETE FROM turnover WHERE tenant = ?1 AND customer = ?2 AND ?3 <> ''"),
    ])
}
