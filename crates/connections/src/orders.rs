//! Connections that pass on orders: which those are, and the words that people have set for them.

use sklad_store::{Row, Sql, SqlError, Statement};

/// A connection that passes on orders.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Passing {
    /// Its id.
    pub id: String,
    /// The company whose orders it passes on.
    pub company: String,
}

/// The connections of a kind that are at work and pass on orders of a tenant.
///
/// # Errors
/// The database's.
pub async fn passing(sql: &impl Sql, tenant: &str, kind: &str) -> Result<Vec<Passing>, SqlError> {
    let all = Statement::new(
        "SELECT id, company FROM connections WHERE tenant = ?1 AND kind = ?2 AND enabled = 1 \
         AND settings ->> '$.orders.on' = 1 ORDER BY id",
    );
    let rows = sql.query(all.bind(tenant).bind(kind)).await?;
    let one = |row: &Row| Passing {
        id: row.string(0),
        company: row.string(1),
    };
    Ok(rows.iter().map(one).collect())
}

/// Pairs of an id and a name.
pub type Words = Vec<(String, String)>;

/// Statuses and kinds of payment and delivery that the settings of connections speak of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vocabulary {
    /// The statuses.
    pub statuses: Words,
    /// The kinds of payment.
    pub payments: Words,
    /// The kinds of delivery.
    pub deliveries: Words,
}

/// Of a status of the other side whose table gives it no id, its own is ours.
const SET: &str = "\
    WITH c AS MATERIALIZED (SELECT settings FROM connections \
        WHERE tenant = ?1 AND enabled = 1 AND settings ->> '$.orders.on' = 1) \
    SELECT 'status', coalesce(nullif(s.value ->> '$.id', ''), s.key), s.value ->> '$.name' \
        FROM c CROSS JOIN json_each(c.settings, '$.orders.statuses') s \
    UNION ALL SELECT 'payment', p.key, p.key \
        FROM c CROSS JOIN json_each(c.settings, '$.orders.payments') p \
    UNION ALL SELECT 'delivery', d.key, d.key \
        FROM c CROSS JOIN json_each(c.settings, '$.orders.deliveries') d";

/// The words of a tenant's connections that are at work and pass on orders. Two of them may have the same.
///
/// # Errors
/// The database's.
pub async fn vocabulary(sql: &impl Sql, tenant: &str) -> Result<Vocabulary, SqlError> {
    let mut all = Vocabulary::default();
    for row in sql.query(Statement::new(SET).bind(tenant)).await? {
        let list = match row.text(0) {
            Some("status") => &mut all.statuses,
            Some("payment") => &mut all.payments,
            _ => &mut all.deliveries,
        };
        list.push((row.string(1), row.string(2)));
    }
    Ok(all)
}
