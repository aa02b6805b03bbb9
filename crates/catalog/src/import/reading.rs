//! What a batch reads.

use serde_json::json;
use sklad_store::Statement;

use super::CHOSEN;
use super::change::Change;
use super::record::COLUMNS;

/// The columns of a row, of the table `g`.
pub fn columns() -> String {
    let columns: Vec<String> = COLUMNS.iter().map(|name| format!("g.{name}")).collect();
    columns.join(", ")
}

/// The statement that reads what is stored of the goods of these changes and of their products: the
/// key that was asked for, the row's age, the row.
pub fn of<'a>(tenant: &str, changes: impl Iterator<Item = &'a Change>) -> Statement {
    let mut externals: Vec<&str> = Vec::new();
    let mut uuids: Vec<&str> = Vec::new();
    for change in changes {
        uuids.extend(change.keys.uuids().map(String::as_str));
        externals.extend(change.keys.external.as_deref());
        externals.extend(change.keys.alias.as_deref());
        // Variants follow one another: most products are asked for once.
        let parent = change.parent.as_deref();
        externals.extend(parent.filter(|p| !externals.iter().rev().take(8).any(|e| e == p)));
        let parent = change.parent_id.as_deref();
        uuids.extend(parent.filter(|p| !uuids.iter().rev().take(8).any(|u| u == p)));
    }
    let columns = columns();
    // `= +?1`: the kept statement is not planned anew for each value.
    Statement::new(format!(
        "SELECT {columns}, k.value, 'external', g.rowid FROM json_each(?2) k \
         CROSS JOIN goods g INDEXED BY goods_by_external ON g.tenant = +?1 AND g.external = k.value \
         UNION ALL SELECT {columns}, k.value, 'uuid', g.rowid FROM json_each(?3) k \
         CROSS JOIN goods g ON g.tenant = +?1 AND g.id = k.value \
         UNION ALL SELECT {columns}, k.value, 'uuid', g.rowid FROM json_each(?3) k \
         CROSS JOIN good_ids i ON i.tenant = +?1 AND i.kind = 'uuid' AND i.value = k.value \
         CROSS JOIN goods g ON g.tenant = +?1 AND g.id = i.good"
    ))
    .bind(tenant)
    .bind(json!(externals).to_string())
    .bind(json!(uuids).to_string())
}

/// The statement that finds goods by what they share with others, kind and value of each in `terms`: the
/// number in `terms` and the external id.
pub fn by_terms(tenant: &str, terms: &[(&str, String)]) -> Statement {
    let folded: Vec<(&str, String)> = terms
        .iter()
        .map(|(kind, value)| (*kind, crate::text::fold(value)))
        .collect();
    Statement::new(
        "SELECT k.key, g.external FROM json_each(?2) k CROSS JOIN good_terms t ON t.tenant = +?1 \
             AND t.kind = k.value ->> 0 AND t.value = k.value ->> 1 \
         CROSS JOIN goods g ON g.tenant = +?1 AND g.id = t.good \
         WHERE g.external IS NOT NULL AND g.archived = 0 LIMIT 5000",
    )
    .bind(tenant)
    .bind(json!(folded).to_string())
}

/// The statement that reads goods of a source with prices or stock, after `after`, as [`of`] does.
pub fn page(tenant: &str, source: &str, after: &str) -> Statement {
    Statement::new(format!(
        "SELECT {}, g.id, 'uuid', g.rowid FROM goods g WHERE g.tenant = ?1 AND g.id > ?3 \
         AND (g.source = ?2 OR g.source IS NULL) AND (g.prices IS NOT NULL OR g.stock IS NOT NULL) \
         ORDER BY g.id LIMIT {CHOSEN}",
        columns()
    ))
    .bind(tenant)
    .bind(source)
    .bind(after)
}
