//! The first employee of a new tenant.

use sklad_store::Statement;
use uuid::Uuid;

use crate::employees::{self, GroupName, NewEmployee};
use crate::error::Error;
use crate::{Right, groups};

/// The group of who founds a tenant: it has every right.
pub const GROUP: &str = "Администраторы";

/// The statements that give a tenant without employees its first one, in a [`GROUP`] with every right.
/// They belong into the batch that makes the tenant: there is never one that nobody can enter. Groups of
/// `new` are not looked at; a password must be given.
///
/// # Errors
/// [`Error::Invalid`] with its place, or [`Error::Password`].
pub fn founder(tenant: &str, new: &NewEmployee, now_ms: i64) -> Result<Vec<Statement>, Error> {
    let email = employees::checked_email(&new.email)?;
    let name = employees::checked_name(&new.name)?;
    let (hash, _) = employees::secret(Some(new.password.as_deref().unwrap_or_default()))?;
    let group = GroupName {
        name: GROUP.to_owned(),
        id: Uuid::new_v4().hyphenated().to_string(),
    };
    let id = Uuid::new_v4().hyphenated().to_string();
    let mut batch = groups::insert(tenant, &group.id, GROUP, &Right::ALL, now_ms).to_vec();
    batch.push(employees::insert(
        tenant,
        &id,
        [&email, &name, &hash],
        true,
        now_ms,
    ));
    batch.extend(employees::join(tenant, &id, &[group]));
    let text = format!("Заведён сотрудник {}", employees::shown(&name, &email));
    batch.push(employees::told(tenant, &id, text, now_ms));
    Ok(batch)
}
