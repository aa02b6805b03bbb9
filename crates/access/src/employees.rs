//! Employees: people and machines with an e-mail and a password.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sklad_jobs::journal::{Direction, Outcome, Record};
use sklad_jobs::mask;
use sklad_store::{Row, Sql, Statement};
use uuid::Uuid;

use crate::error::Error;
use crate::{Right, groups, password, right, text};

/// The most employees of a tenant.
pub const MAX_EMPLOYEES: i64 = 500;
/// The most employees of one page.
pub const MAX_PAGE: usize = 500;
/// The longest name of an employee or a group, in characters.
pub const MAX_NAME_CHARS: usize = 100;

/// An employee as he is read. His password is nowhere in it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Employee {
    /// Идентификатор.
    pub id: String,
    /// Электронная почта, она же логин.
    pub email: String,
    /// Имя.
    pub name: String,
    /// Не заблокирован ли.
    pub active: bool,
    /// Группы, в которых он состоит, по названию.
    pub groups: Vec<GroupName>,
    /// Права всех этих групп.
    pub rights: Vec<Right>,
    /// Когда задан пароль, миллисекунды с 1970 года (UTC).
    pub password_changed_at: i64,
    /// Когда заведён, миллисекунды с 1970 года (UTC).
    pub created_at: i64,
    /// Когда изменён, миллисекунды с 1970 года (UTC).
    pub updated_at: i64,
}

/// A group of an employee.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct GroupName {
    /// Название группы.
    pub name: String,
    /// Идентификатор группы.
    pub id: String,
}

/// An employee to be created.
#[derive(Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewEmployee {
    /// Электронная почта, она же логин.
    pub email: String,
    /// Имя, до 100 знаков.
    #[serde(default)]
    pub name: String,
    /// Пароль, от 8 до 200 знаков; не указан – будет придуман и показан один раз.
    pub password: Option<String>,
    /// false – завести заблокированным; по умолчанию true.
    pub active: Option<bool>,
    /// Группы: идентификаторы или названия.
    #[serde(default)]
    pub groups: Vec<String>,
}

/// What is to be changed: an absent field stays.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "EmployeeEdit"))]
#[serde(default, deny_unknown_fields)]
pub struct Edit {
    /// Электронная почта, она же логин.
    pub email: Option<String>,
    /// Имя, до 100 знаков.
    pub name: Option<String>,
    /// false – заблокировать, true – разблокировать.
    pub active: Option<bool>,
    /// Все группы, в которых сотрудник будет состоять: идентификаторы или названия.
    pub groups: Option<Vec<String>>,
}

/// An employee who was just created.
#[derive(Clone, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[cfg_attr(feature = "schema", schemars(rename = "CreatedEmployee"))]
pub struct Created {
    /// Сотрудник.
    pub employee: Employee,
    /// Придуманный пароль: больше он нигде не показывается. null, если пароль был указан.
    pub password: Option<String>,
}

/// The columns of [`employee`], in its order; `e` is the employee.
pub(crate) const COLUMNS: &str = "e.id, e.email, e.name, e.active, e.password_changed_at, e.created_at, e.updated_at, \
     (SELECT json_group_array(json_array(g.id, g.name, json(g.rights))) \
         FROM group_members gm CROSS JOIN employee_groups g ON g.tenant = e.tenant AND g.id = gm.grp \
         WHERE gm.tenant = e.tenant AND gm.employee = e.id)";
/// How many columns these are.
pub(crate) const WIDTH: usize = 8;

pub(crate) fn employee(row: &Row) -> Employee {
    let (groups, rights) = memberships(row.text(7).unwrap_or_default());
    let int = |i| row.int(i).unwrap_or_default();
    Employee {
        id: row.string(0),
        email: row.string(1),
        name: row.string(2),
        active: int(3) == 1,
        groups,
        rights,
        password_changed_at: int(4),
        created_at: int(5),
        updated_at: int(6),
    }
}

/// The groups of an employee and their rights from `[[id, name, [right, …]], …]`.
fn memberships(json: &str) -> (Vec<GroupName>, Vec<Right>) {
    let all: Vec<(String, String, Vec<String>)> = serde_json::from_str(json).unwrap_or_default();
    let words = all.iter().flat_map(|(_, _, rights)| rights);
    let rights = right::sorted(words.filter_map(|word| Right::parse(word)));
    let mut groups: Vec<_> = all
        .into_iter()
        .map(|(id, name, _)| GroupName { name, id })
        .collect();
    groups.sort();
    (groups, rights)
}

/// One page of employees by e-mail, those after the e-mail `after` (empty: from the first), at most
/// `limit` and never more than [`MAX_PAGE`].
///
/// # Errors
/// The database's.
pub async fn list(
    sql: &impl Sql,
    tenant: &str,
    after: &str,
    limit: usize,
) -> Result<Vec<Employee>, Error> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM employees e WHERE e.tenant = ?1 AND e.email > ?2 \
         ORDER BY e.email LIMIT ?3"
    ))
    .bind(tenant)
    .bind(after)
    .bind(i64::try_from(limit.min(MAX_PAGE)).unwrap_or_default());
    Ok(sql.query(statement).await?.iter().map(employee).collect())
}

/// The employee of this id or e-mail.
///
/// # Errors
/// The database's.
pub async fn get(sql: &impl Sql, tenant: &str, key: &str) -> Result<Option<Employee>, Error> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM employees e WHERE e.tenant = ?1 AND (e.id = ?2 OR e.email = ?3)"
    ))
    .bind(tenant)
    .bind(key.trim().to_lowercase())
    .bind(text::email(key));
    Ok(sql.query(statement).await?.first().map(employee))
}

/// The same, where there must be one.
pub(crate) async fn found(sql: &impl Sql, tenant: &str, key: &str) -> Result<Employee, Error> {
    get(sql, tenant, key).await?.ok_or(Error::NotFound)
}

/// Creates an employee. Without a password one is generated; it is in the answer and nowhere else.
///
/// # Errors
/// [`Error::Invalid`] with its place, [`Error::EmailTaken`], [`Error::TooMany`], [`Error::Password`],
/// or the database's.
pub async fn create(
    sql: &impl Sql,
    tenant: &str,
    new: &NewEmployee,
    now_ms: i64,
) -> Result<Created, Error> {
    let email = checked_email(&new.email)?;
    let name = checked_name(&new.name)?;
    let groups = groups::named(sql, tenant, &new.groups).await?;
    if count(sql, tenant).await? >= MAX_EMPLOYEES {
        return Err(Error::TooMany(MAX_EMPLOYEES));
    }
    let (hash, generated) = secret(new.password.as_deref())?;
    let id = Uuid::new_v4().hyphenated().to_string();
    let active = new.active.unwrap_or(true);
    let insert = insert(tenant, &id, [&email, &name, &hash], active, now_ms);
    let mut batch = vec![insert];
    batch.extend(join(tenant, &id, &groups));
    let text = format!("Заведён сотрудник {}", shown(&name, &email));
    batch.push(told(tenant, &id, text, now_ms));
    write(sql, batch).await?;
    let employee = found(sql, tenant, &id).await?;
    Ok(Created {
        employee,
        password: generated,
    })
}

/// Writes an employee of these e-mail, name and hash, unless there are as many as there may be.
pub(crate) fn insert(
    tenant: &str,
    id: &str,
    texts: [&str; 3],
    active: bool,
    now_ms: i64,
) -> Statement {
    let [email, name, hash] = texts;
    Statement::new(
        "INSERT INTO employees (tenant, id, email, name, password, active, password_changed_at, \
             created_at, updated_at) \
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?7, ?7 \
         WHERE (SELECT count(*) FROM employees WHERE tenant = ?1) < ?8 RETURNING 1",
    )
    .bind(tenant)
    .bind(id)
    .bind(email)
    .bind(name)
    .bind(hash)
    .bind(active)
    .bind(now_ms)
    .bind(MAX_EMPLOYEES)
    .expect_rows(1)
}

/// Changes what is given of an employee; answers him as he is then. What changes nothing writes
/// nothing.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`] with its place, [`Error::EmailTaken`], or the database's.
pub async fn edit(
    sql: &impl Sql,
    tenant: &str,
    key: &str,
    edit: &Edit,
    now_ms: i64,
) -> Result<Employee, Error> {
    let email = edit.email.as_deref().map(checked_email).transpose()?;
    let name = edit.name.as_deref().map(checked_name).transpose()?;
    let old = found(sql, tenant, key).await?;
    let groups = match &edit.groups {
        Some(wanted) => Some(groups::named(sql, tenant, wanted).await?),
        None => None,
    };
    let changes = changes(
        &old,
        email.as_deref(),
        name.as_deref(),
        edit.active,
        groups.as_deref(),
    );
    if changes.is_empty() {
        return Ok(old);
    }
    let update = update(tenant, &old.id, (email, name, edit.active), now_ms);
    let mut batch = vec![update];
    if let Some(groups) = &groups {
        batch.push(leave(tenant, &old.id));
        batch.extend(join(tenant, &old.id, groups));
    }
    let text = format!(
        "Изменён сотрудник {}: {changes}",
        shown(&old.name, &old.email)
    );
    batch.push(told(tenant, &old.id, text, now_ms));
    write(sql, batch).await?;
    found(sql, tenant, &old.id).await
}

/// Writes what is given of e-mail, name and whether the employee is active.
fn update(
    tenant: &str,
    id: &str,
    (email, name, active): (Option<String>, Option<String>, Option<bool>),
    now_ms: i64,
) -> Statement {
    Statement::new(
        "UPDATE employees SET email = COALESCE(?3, email), name = COALESCE(?4, name), \
             active = COALESCE(?5, active), updated_at = ?6 \
         WHERE tenant = ?1 AND id = ?2 RETURNING 1",
    )
    .bind(tenant)
    .bind(id)
    .bind(email)
    .bind(name)
    .bind(active)
    .bind(now_ms)
    .expect_rows(1)
}

/// What an edit changes, in words; empty when nothing.
fn changes(
    old: &Employee,
    email: Option<&str>,
    name: Option<&str>,
    active: Option<bool>,
    groups: Option<&[GroupName]>,
) -> String {
    let mut words = Vec::new();
    if email.is_some_and(|email| email != old.email) {
        words.push("почта");
    }
    if name.is_some_and(|name| name != old.name) {
        words.push("имя");
    }
    match active {
        Some(true) if !old.active => words.push("разблокирован"),
        Some(false) if old.active => words.push("заблокирован"),
        _ => {}
    }
    if groups.is_some_and(|groups| groups != old.groups) {
        words.push("группы");
    }
    words.join(", ")
}

/// Removes an employee and his memberships.
///
/// # Errors
/// [`Error::NotFound`], or the database's.
pub async fn delete(sql: &impl Sql, tenant: &str, key: &str, now_ms: i64) -> Result<(), Error> {
    let old = found(sql, tenant, key).await?;
    let delete = Statement::new("DELETE FROM employees WHERE tenant = ?1 AND id = ?2 RETURNING 1")
        .bind(tenant)
        .bind(&old.id)
        .expect_rows(1);
    let text = format!("Удалён сотрудник {}", shown(&old.name, &old.email));
    let told = told(tenant, &old.id, text, now_ms);
    write(sql, vec![delete, leave(tenant, &old.id), told]).await
}

/// Gives an employee a new password: this one, or a generated one, which is in the answer and nowhere
/// else. The old one is useless at once.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`], [`Error::Password`], or the database's.
pub async fn set_password(
    sql: &impl Sql,
    tenant: &str,
    key: &str,
    password: Option<&str>,
    now_ms: i64,
) -> Result<Option<String>, Error> {
    if let Some(password) = password {
        password::check(password)?;
    }
    let old = found(sql, tenant, key).await?;
    let (hash, generated) = secret(password)?;
    let update = Statement::new(
        "UPDATE employees SET password = ?3, password_changed_at = ?4, updated_at = ?4 \
         WHERE tenant = ?1 AND id = ?2 RETURNING 1",
    )
    .bind(tenant)
    .bind(&old.id)
    .bind(hash)
    .bind(now_ms)
    .expect_rows(1);
    let text = format!(
        "Задан новый пароль сотрудника {}",
        shown(&old.name, &old.email)
    );
    write(sql, vec![update, told(tenant, &old.id, text, now_ms)]).await?;
    Ok(generated)
}

/// The hash of a password that was given, or of a generated one with its text.
pub(crate) fn secret(given: Option<&str>) -> Result<(String, Option<String>), Error> {
    match given {
        Some(given) => {
            password::check(given)?;
            Ok((password::hash(given)?, None))
        }
        None => {
            let generated = password::generate()?;
            Ok((password::hash(&generated)?, Some(generated)))
        }
    }
}

pub(crate) fn checked_email(given: &str) -> Result<String, Error> {
    let wrong = || Error::invalid("email", "Это не адрес электронной почты");
    text::email(given).ok_or_else(wrong)
}

pub(crate) fn checked_name(given: &str) -> Result<String, Error> {
    let name = text::tidy(given);
    if name.chars().count() > MAX_NAME_CHARS {
        let message = format!("Не длиннее {MAX_NAME_CHARS} знаков");
        return Err(Error::invalid("name", message));
    }
    Ok(name)
}

/// An employee in the journal: by name, where he has one.
pub(crate) fn shown(name: &str, email: &str) -> String {
    match name {
        "" => mask::name(email),
        name => mask::name(name),
    }
}

async fn count(sql: &impl Sql, tenant: &str) -> Result<i64, Error> {
    let statement = Statement::new("SELECT count(*) FROM employees WHERE tenant = ?1").bind(tenant);
    let rows = sql.query(statement).await?;
    Ok(rows.first().and_then(|row| row.int(0)).unwrap_or_default())
}

/// The employees of these ids or e-mails, each once, as pairs of id and e-mail.
///
/// # Errors
/// [`Error::Invalid`] at `members.N` for one that is not there, or the database's.
pub(crate) async fn named(
    sql: &impl Sql,
    tenant: &str,
    keys: &[String],
) -> Result<Vec<(String, String)>, Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let statement =
        Statement::new("SELECT id, email FROM employees WHERE tenant = ?1").bind(tenant);
    let rows = sql.query(statement).await?;
    let mut named = std::collections::BTreeSet::new();
    for (index, key) in keys.iter().enumerate() {
        let (id, email) = (key.trim().to_lowercase(), text::email(key));
        let found = rows.iter().find(|row| {
            row.text(0) == Some(&id) || (email.is_some() && row.text(1) == email.as_deref())
        });
        let place = || Error::invalid(format!("members.{index}"), "Нет такого сотрудника");
        let row = found.ok_or_else(place)?;
        named.insert((row.string(0), row.string(1)));
    }
    Ok(named.into_iter().collect())
}

/// Takes an employee out of all groups.
fn leave(tenant: &str, id: &str) -> Statement {
    Statement::new("DELETE FROM group_members WHERE tenant = ?1 AND employee = ?2")
        .bind(tenant)
        .bind(id)
}

/// Puts an employee who is in none into these groups. One that is gone meanwhile is a conflict.
pub(crate) fn join(tenant: &str, id: &str, groups: &[GroupName]) -> Option<Statement> {
    let ids: Value = groups.iter().map(|group| json!(group.id)).collect();
    let insert = Statement::new(
        "INSERT INTO group_members (tenant, grp, employee) SELECT ?1, g.id, ?2 \
         FROM json_each(?3) r CROSS JOIN employee_groups g ON g.tenant = ?1 AND g.id = r.value \
         RETURNING 1",
    )
    .bind(tenant)
    .bind(id)
    .bind(ids.to_string())
    .expect_rows(groups.len());
    (!groups.is_empty()).then_some(insert)
}

async fn write(sql: &impl Sql, batch: Vec<Statement>) -> Result<(), Error> {
    let done = sql.atomic(batch).await;
    done.map(drop)
        .map_err(|error| Error::write(error, Error::EmailTaken))
}

pub(crate) fn told(tenant: &str, id: &str, text: String, now_ms: i64) -> Statement {
    record(tenant, "employee", id, text, now_ms)
}

/// The statement of a row in the journal.
pub(crate) fn record(
    tenant: &str,
    action: &'static str,
    id: &str,
    text: String,
    now_ms: i64,
) -> Statement {
    let record = Record {
        direction: Direction::Operator,
        action,
        object: id.to_owned(),
        customer: None,
        outcome: Outcome::Ok,
        text,
        detail: None,
    };
    record.statement(tenant, now_ms)
}
