//! The companies that orders name.

use std::collections::BTreeMap;

use sklad_connections::companies;
use sklad_store::Sql;

use crate::Error;
use crate::model::Order;

/// The id of the company that an order names by id or name; none where it names none, which is the tenant's
/// first.
pub(crate) async fn known(
    sql: &impl Sql,
    tenant: &str,
    given: Option<&str>,
    path: &str,
) -> Result<Option<String>, Error> {
    let Some(given) = given.map(str::trim).filter(|g| !g.is_empty()) else {
        return Ok(None);
    };
    let found = companies::get(sql, tenant, given).await.map_err(failed)?;
    let found = found.ok_or_else(|| Error::invalid(path, "такой компании нет"))?;
    Ok(Some(found.id))
}

/// The same for a batch; each company is looked up once.
pub(crate) async fn all_known(
    sql: &impl Sql,
    tenant: &str,
    orders: &mut [Order],
) -> Result<(), Error> {
    let mut ids: BTreeMap<String, Option<String>> = BTreeMap::new();
    for (i, order) in orders.iter_mut().enumerate() {
        let Some(given) = order.company.take() else {
            continue;
        };
        if let Some(id) = ids.get(&given) {
            order.company.clone_from(id);
            continue;
        }
        let path = format!("{i}.company");
        order.company = known(sql, tenant, Some(&given), &path).await?;
        ids.insert(given, order.company.clone());
    }
    Ok(())
}

fn failed(error: sklad_connections::Error) -> Error {
    use sklad_connections::Error as Connections;
    match error {
        Connections::Sql(error) => Error::Sql(error),
        other => Error::invalid("company", other.to_string()),
    }
}
