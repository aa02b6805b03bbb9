//! What orders can be told with: the words that people have set for shops to which orders are passed on.

use sklad_store::{Sql, SqlError, Statement};

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
