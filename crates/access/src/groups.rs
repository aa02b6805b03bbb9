//! Groups: rights, and the employees who have them.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sklad_store::{Row, Sql, Statement};
use uuid::Uuid;

use crate::employees::{self, GroupName, MAX_NAME_CHARS, record};
use crate::error::Error;
use crate::{Right, right, text};

/// The most groups of a tenant.
pub const MAX_GROUPS: i64 = 50;
/// The most groups of one page.
pub const MAX_PAGE: usize = 500;

/// A group as it is read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Group {
    /// Идентификатор.
    pub id: String,
    /// Название.
    pub name: String,
    /// Права.
    pub rights: Vec<Right>,
    /// Кто в ней состоит, по почте.
    pub members: Vec<Member>,
    /// Когда заведена, миллисекунды с 1970 года (UTC).
    pub created_at: i64,
    /// Когда изменена, миллисекунды с 1970 года (UTC).
    pub updated_at: i64,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct Member {
    /// Электронная почта сотрудника.
    pub email: String,
    /// Имя сотрудника.
    pub name: String,
    /// Идентификатор сотрудника.
    pub id: String,
}

/// A group to be created, or what it shall be.
#[derive(Debug, Clone, Default, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct GroupInput {
    /// Название, от 1 до 100 знаков.
    pub name: String,
    /// Права; не указаны – никаких.
    #[serde(default)]
    pub rights: Vec<Right>,
    /// Все сотрудники группы: идентификаторы или почта. Не указаны – остаются прежние.
    pub members: Option<Vec<String>>,
}

/// The columns of [`group`], in its order; `g` is the group.
const COLUMNS: &str = "g.id, g.name, g.rights, g.created_at, g.updated_at, \
     (SELECT json_group_array(json_array(e.email, e.name, e.id)) \
         FROM group_members gm CROSS JOIN employees e ON e.tenant = g.tenant AND e.id = gm.employee \
         WHERE gm.tenant = g.tenant AND gm.grp = g.id)";

fn group(row: &Row) -> Group {
    let members = row.text(5).unwrap_or_default();
    let members: Vec<(String, String, String)> = serde_json::from_str(members).unwrap_or_default();
    let mut members: Vec<_> = members
        .into_iter()
        .map(|(email, name, id)| Member { email, name, id })
        .collect();
    members.sort();
    Group {
        id: row.string(0),
        name: row.string(1),
        rights: right::stored(row.text(2).unwrap_or_default()),
        members,
        created_at: row.int(3).unwrap_or_default(),
        updated_at: row.int(4).unwrap_or_default(),
    }
}

/// A name as it is compared.
#[must_use]
pub fn name_key(name: &str) -> String {
    text::tidy(name).to_lowercase()
}

/// One page of groups by name, those after the [`name_key`] `after` (empty: from the first), at most
/// `limit` and never more than [`MAX_PAGE`].
///
/// # Errors
/// The database's.
pub async fn list(
    sql: &impl Sql,
    tenant: &str,
    after: &str,
    limit: usize,
) -> Result<Vec<Group>, Error> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM employee_groups g WHERE g.tenant = ?1 AND g.name_key > ?2 \
         ORDER BY g.name_key LIMIT ?3"
    ))
    .bind(tenant)
    .bind(after)
    .bind(i64::try_from(limit.min(MAX_PAGE)).unwrap_or_default());
    Ok(sql.query(statement).await?.iter().map(group).collect())
}

/// The group of this id, or else of this name.
///
/// # Errors
/// The database's.
pub async fn get(sql: &impl Sql, tenant: &str, key: &str) -> Result<Option<Group>, Error> {
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM employee_groups g \
         WHERE g.tenant = ?1 AND (g.id = ?2 OR g.name_key = ?2) ORDER BY g.id = ?2 DESC LIMIT 1"
    ))
    .bind(tenant)
    .bind(name_key(key));
    Ok(sql.query(statement).await?.first().map(group))
}

async fn found(sql: &impl Sql, tenant: &str, key: &str) -> Result<Group, Error> {
    get(sql, tenant, key).await?.ok_or(Error::NotFound)
}

/// Creates a group.
///
/// # Errors
/// [`Error::Invalid`] with its place, [`Error::NameTaken`], [`Error::TooMany`], or the database's.
pub async fn create(
    sql: &impl Sql,
    tenant: &str,
    new: &GroupInput,
    now_ms: i64,
) -> Result<Group, Error> {
    let name = checked_name(&new.name)?;
    let wanted = new.members.as_deref().unwrap_or_default();
    let members = employees::named(sql, tenant, wanted).await?;
    if count(sql, tenant).await? >= MAX_GROUPS {
        return Err(Error::TooMany(MAX_GROUPS));
    }
    let id = Uuid::new_v4().hyphenated().to_string();
    let mut batch = insert(tenant, &id, &name, &new.rights, now_ms).to_vec();
    batch.extend(fill(tenant, &id, &members));
    write(sql, batch).await?;
    found(sql, tenant, &id).await
}

/// Writes a group without members, unless there are as many as there may be, and its row of the journal.
pub(crate) fn insert(
    tenant: &str,
    id: &str,
    name: &str,
    rights: &[Right],
    now_ms: i64,
) -> [Statement; 2] {
    let insert = Statement::new(
        "INSERT INTO employee_groups (tenant, id, name, name_key, rights, created_at, updated_at) \
         SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?6 \
         WHERE (SELECT count(*) FROM employee_groups WHERE tenant = ?1) < ?7 RETURNING 1",
    )
    .bind(tenant)
    .bind(id)
    .bind(name)
    .bind(name_key(name))
    .bind(right::json(rights))
    .bind(now_ms)
    .bind(MAX_GROUPS)
    .expect_rows(1);
    let text = format!("Заведена группа «{name}»: {}", titles(rights));
    [insert, record(tenant, "group", id, text, now_ms)]
}

/// Replaces a group's name and rights, and its members where they are given; answers it as it is then.
///
/// # Errors
/// [`Error::NotFound`], [`Error::Invalid`] with its place, [`Error::NameTaken`], or the database's.
pub async fn replace(
    sql: &impl Sql,
    tenant: &str,
    key: &str,
    new: &GroupInput,
    now_ms: i64,
) -> Result<Group, Error> {
    let name = checked_name(&new.name)?;
    let old = found(sql, tenant, key).await?;
    let update = Statement::new(
        "UPDATE employee_groups SET name = ?3, name_key = ?4, rights = ?5, updated_at = ?6 \
         WHERE tenant = ?1 AND id = ?2 RETURNING 1",
    )
    .bind(tenant)
    .bind(&old.id)
    .bind(&name)
    .bind(name_key(&name))
    .bind(right::json(&new.rights))
    .bind(now_ms)
    .expect_rows(1);
    let mut batch = vec![update];
    let mut text = format!("Изменена группа «{name}»: {}", titles(&new.rights));
    if let Some(wanted) = &new.members {
        let members = employees::named(sql, tenant, wanted).await?;
        text.push_str(&format!("; сотрудников {}", members.len()));
        batch.push(empty(tenant, &old.id));
        batch.extend(fill(tenant, &old.id, &members));
    }
    batch.push(record(tenant, "group", &old.id, text, now_ms));
    write(sql, batch).await?;
    found(sql, tenant, &old.id).await
}

/// Removes a group; its members stay, without its rights.
///
/// # Errors
/// [`Error::NotFound`], or the database's.
pub async fn delete(sql: &impl Sql, tenant: &str, key: &str, now_ms: i64) -> Result<(), Error> {
    let old = found(sql, tenant, key).await?;
    let delete =
        Statement::new("DELETE FROM employee_groups WHERE tenant = ?1 AND id = ?2 RETURNING 1")
            .bind(tenant)
            .bind(&old.id)
            .expect_rows(1);
    let text = format!("Удалена группа «{}»", old.name);
    let told = record(tenant, "group", &old.id, text, now_ms);
    write(sql, vec![delete, empty(tenant, &old.id), told]).await
}

/// Puts an employee (by id or e-mail) into a group. One who is in it already stays.
///
/// # Errors
/// [`Error::NotFound`] without such a group or employee, or the database's.
pub async fn add_member(
    sql: &impl Sql,
    tenant: &str,
    key: &str,
    employee: &str,
    now_ms: i64,
) -> Result<Group, Error> {
    let group = found(sql, tenant, key).await?;
    let who = employees::found(sql, tenant, employee).await?;
    if group.members.iter().any(|member| member.id == who.id) {
        return Ok(group);
    }
    let insert = Statement::new(
        "INSERT INTO group_members (tenant, grp, employee) SELECT ?1, g.id, e.id \
         FROM employee_groups g CROSS JOIN employees e ON e.tenant = ?1 AND e.id = ?3 \
         WHERE g.tenant = ?1 AND g.id = ?2 \
         ON CONFLICT (tenant, grp, employee) DO UPDATE SET employee = excluded.employee RETURNING 1",
    )
    .bind(tenant)
    .bind(&group.id)
    .bind(&who.id)
    .expect_rows(1);
    let shown = employees::shown(&who.name, &who.email);
    let text = format!("Сотрудник {shown} добавлен в группу «{}»", group.name);
    let told = record(tenant, "group", &group.id, text, now_ms);
    write(sql, vec![insert, told]).await?;
    found(sql, tenant, &group.id).await
}

/// Takes an employee (by id or e-mail) out of a group.
///
/// # Errors
/// [`Error::NotFound`] without such a group or member, or the database's.
pub async fn remove_member(
    sql: &impl Sql,
    tenant: &str,
    key: &str,
    employee: &str,
    now_ms: i64,
) -> Result<(), Error> {
    let group = found(sql, tenant, key).await?;
    let who = employees::found(sql, tenant, employee).await?;
    if !group.members.iter().any(|member| member.id == who.id) {
        return Err(Error::NotFound);
    }
    let delete = Statement::new(
        "DELETE FROM group_members WHERE tenant = ?1 AND grp = ?2 AND employee = ?3 RETURNING 1",
    )
    .bind(tenant)
    .bind(&group.id)
    .bind(&who.id)
    .expect_rows(1);
    let shown = employees::shown(&who.name, &who.email);
    let text = format!("Сотрудник {shown} убран из группы «{}»", group.name);
    let told = record(tenant, "group", &group.id, text, now_ms);
    write(sql, vec![delete, told]).await
}

/// The groups of these ids or names, each once, by name.
///
/// # Errors
/// [`Error::Invalid`] at `groups.N` for one that is not there, or the database's.
pub(crate) async fn named(
    sql: &impl Sql,
    tenant: &str,
    keys: &[String],
) -> Result<Vec<GroupName>, Error> {
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    let statement =
        Statement::new("SELECT id, name, name_key FROM employee_groups WHERE tenant = ?1")
            .bind(tenant);
    let rows = sql.query(statement).await?;
    let mut named = std::collections::BTreeSet::new();
    for (index, key) in keys.iter().enumerate() {
        let key = name_key(key);
        let by = |column| rows.iter().find(|row| row.text(column) == Some(&key));
        let place = || Error::invalid(format!("groups.{index}"), "Нет такой группы");
        let row = by(0).or_else(|| by(2)).ok_or_else(place)?;
        named.insert(GroupName {
            name: row.string(1),
            id: row.string(0),
        });
    }
    Ok(named.into_iter().collect())
}

fn checked_name(given: &str) -> Result<String, Error> {
    let name = text::tidy(given);
    if !(1..=MAX_NAME_CHARS).contains(&name.chars().count()) {
        let message = format!("Название – от 1 до {MAX_NAME_CHARS} знаков");
        return Err(Error::invalid("name", message));
    }
    Ok(name)
}

/// Rights in words.
fn titles(rights: &[Right]) -> String {
    match right::sorted(rights.iter().copied()).as_slice() {
        [] => "без прав".to_owned(),
        some => {
            let titles: Vec<_> = some.iter().map(|right| right.title()).collect();
            titles.join("; ")
        }
    }
}

async fn count(sql: &impl Sql, tenant: &str) -> Result<i64, Error> {
    let statement =
        Statement::new("SELECT count(*) FROM employee_groups WHERE tenant = ?1").bind(tenant);
    let rows = sql.query(statement).await?;
    Ok(rows.first().and_then(|row| row.int(0)).unwrap_or_default())
}

/// Takes all members out of a group.
fn empty(tenant: &str, id: &str) -> Statement {
    Statement::new("DELETE FROM group_members WHERE tenant = ?1 AND grp = ?2")
        .bind(tenant)
        .bind(id)
}

/// Puts these members into a group that has none. One who is gone meanwhile is a conflict.
fn fill(tenant: &str, id: &str, members: &[(String, String)]) -> Option<Statement> {
    let ids: Value = members.iter().map(|(id, _)| json!(id)).collect();
    let insert = Statement::new(
        "INSERT INTO group_members (tenant, grp, employee) SELECT ?1, ?2, e.id \
         FROM json_each(?3) r CROSS JOIN employees e ON e.tenant = ?1 AND e.id = r.value \
         RETURNING 1",
    )
    .bind(tenant)
    .bind(id)
    .bind(ids.to_string())
    .expect_rows(members.len());
    (!members.is_empty()).then_some(insert)
}

async fn write(sql: &impl Sql, batch: Vec<Statement>) -> Result<(), Error> {
    let done = sql.atomic(batch).await;
    done.map(drop)
        .map_err(|error| Error::write(error, Error::NameTaken))
}
