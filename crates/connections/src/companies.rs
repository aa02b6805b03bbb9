//! Companies of a tenant: whose shops and orders are kept apart.
//!
//! The first one, [`FIRST`], is there as soon as the tenant is: the migration of this table makes it
//! together with the tenant's row.

use serde::Serialize;
use sklad_jobs::journal::{Direction, Outcome, Record};
use sklad_store::{Row, Sql, SqlError, Statement};

use crate::error::Error;
use crate::text;

/// The id of every tenant's first company.
pub const FIRST: &str = "main";
/// The most companies of a tenant.
pub const MAX_COMPANIES: i64 = 20;

/// A company as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Company {
    /// Идентификатор; у первой компании – main.
    pub id: String,
    /// Название.
    pub name: String,
    /// Сколько у неё подключений.
    pub connections: i64,
    /// Когда заведена, миллисекунды с 1970 года (UTC).
    pub created_at: i64,
    /// Когда переименована, миллисекунды с 1970 года (UTC).
    pub updated_at: i64,
}

/// The columns of [`company`]; `c` is the company.
const COLUMNS: &str = "c.id, c.name, c.created_at, c.updated_at, \
     (SELECT count(*) FROM connections x WHERE x.tenant = c.tenant AND x.company = c.id)";

fn company(row: &Row) -> Company {
    Company {
        id: row.string(0),
        name: row.string(1),
        created_at: row.int(2).unwrap_or_default(),
        updated_at: row.int(3).unwrap_or_default(),
        connections: row.int(4).unwrap_or_default(),
    }
}

/// A name as it is compared.
fn name_key(name: &str) -> String {
    name.to_lowercase()
}

/// All companies of a tenant, the oldest first.
///
/// # Errors
/// The database's.
pub async fn list(sql: &impl Sql, tenant: &str) -> Result<Vec<Company>, Error> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM companies c WHERE c.tenant = ?1 \
         ORDER BY c.id <> 'main', c.created_at, c.id LIMIT 20"
    ))
    .bind(tenant);
    Ok(sql.query(statement).await?.iter().map(company).collect())
}

/// The company of this id, or else of this name.
///
/// # Errors
/// The database's.
pub async fn get(sql: &impl Sql, tenant: &str, key: &str) -> Result<Option<Company>, Error> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM companies c WHERE c.tenant = ?1 AND (c.id = ?2 OR c.name_key = ?3) \
         ORDER BY c.id = ?2 DESC LIMIT 1"
    ))
    .bind(tenant)
    .bind(key)
    .bind(name_key(key.trim()));
    Ok(sql.query(statement).await?.first().map(company))
}

async fn found(sql: &impl Sql, tenant: &str, key: &str) -> Result<Company, Error> {
    get(sql, tenant, key).await?.ok_or(Error::NotFound)
}

/// Creates a company.
///
/// # Errors
/// [`Error::Invalid`], [`Error::NameTaken`], [`Error::TooMany`], or the database's.
pub async fn create(
    sql: &impl Sql,
    tenant: &str,
    name: &str,
    now_ms: i64,
) -> Result<Company, Error> {
    let (id, name) = (text::id()?, text::name(name)?);
    if all(sql, tenant).await? >= MAX_COMPANIES {
        return Err(Error::TooMany(MAX_COMPANIES));
    }
    let insert = Statement::new(
        "INSERT INTO companies (tenant, id, name, name_key, created_at, updated_at) \
         SELECT ?1, ?2, ?3, ?4, ?5, ?5 \
         WHERE (SELECT count(*) FROM companies WHERE tenant = ?1) < ?6 RETURNING 1",
    )
    .bind(tenant)
    .bind(&id)
    .bind(&name)
    .bind(name_key(&name))
    .bind(now_ms)
    .bind(MAX_COMPANIES)
    .expect_rows(1);
    let told = told(tenant, &id, format!("Заведена компания «{name}»"), now_ms);
    write(sql, vec![insert, told]).await?;
    found(sql, tenant, &id).await
}

async fn all(sql: &impl Sql, tenant: &str) -> Result<i64, Error> {
    let statement = Statement::new("SELECT count(*) FROM companies WHERE tenant = ?1").bind(tenant);
    let rows = sql.query(statement).await?;
    Ok(rows.first().and_then(|row| row.int(0)).unwrap_or_default())
}

/// Gives a company (by id or name) another name.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`], [`Error::NameTaken`], or the database's.
pub async fn rename(
    sql: &impl Sql,
    tenant: &str,
    key: &str,
    name: &str,
    now_ms: i64,
) -> Result<Company, Error> {
    let name = text::name(name)?;
    let old = found(sql, tenant, key).await?;
    if old.name == name {
        return Ok(old);
    }
    let update = Statement::new(
        "UPDATE companies SET name = ?3, name_key = ?4, updated_at = ?5 \
         WHERE tenant = ?1 AND id = ?2 RETURNING 1",
    )
    .bind(tenant)
    .bind(&old.id)
    .bind(&name)
    .bind(name_key(&name))
    .bind(now_ms)
    .expect_rows(1);
    let text = format!("Компания «{}» переименована в «{name}»", old.name);
    let told = told(tenant, &old.id, text, now_ms);
    write(sql, vec![update, told]).await?;
    found(sql, tenant, &old.id).await
}

/// Removes a company (by id or name) that has neither connections nor orders.
///
/// # Errors
/// [`Error::NotFound`], [`Error::First`], [`Error::NotEmpty`], [`Error::HasOrders`], or the database's.
pub async fn remove(sql: &impl Sql, tenant: &str, key: &str, now_ms: i64) -> Result<(), Error> {
    let old = found(sql, tenant, key).await?;
    if old.id == FIRST {
        return Err(Error::First);
    }
    if old.connections > 0 {
        return Err(Error::NotEmpty);
    }
    let orders = Statement::new(
        "SELECT 1 FROM orders INDEXED BY orders_company \
         WHERE tenant = ?1 AND COALESCE(document ->> '$.company', 'main') = ?2 LIMIT 1",
    );
    if !sql
        .query(orders.bind(tenant).bind(&old.id))
        .await?
        .is_empty()
    {
        return Err(Error::HasOrders);
    }
    // Somebody may be using it at this moment: then nothing is removed.
    let delete = Statement::new(
        "DELETE FROM companies WHERE tenant = ?1 AND id = ?2 \
         AND NOT EXISTS (SELECT 1 FROM connections WHERE tenant = ?1 AND company = ?2) \
         AND NOT EXISTS (SELECT 1 FROM orders INDEXED BY orders_company \
           WHERE tenant = ?1 AND COALESCE(document ->> '$.company', 'main') = ?2) RETURNING 1",
    )
    .bind(tenant)
    .bind(&old.id)
    .expect_rows(1);
    let text = format!("Удалена компания «{}»", old.name);
    write(sql, vec![delete, told(tenant, &old.id, text, now_ms)]).await
}

/// Writes; a name that is another's already breaks the index.
async fn write(sql: &impl Sql, batch: Vec<Statement>) -> Result<(), Error> {
    match sql.atomic(batch).await {
        Ok(_) => Ok(()),
        Err(SqlError::Constraint(_)) => Err(Error::NameTaken),
        Err(error) => Err(error.into()),
    }
}

fn told(tenant: &str, id: &str, text: String, now_ms: i64) -> Statement {
    let record = Record {
        direction: Direction::Operator,
        action: "company",
        object: id.to_owned(),
        customer: None,
        outcome: Outcome::Ok,
        text,
        detail: None,
    };
    record.statement(tenant, now_ms)
}
