//! How far the lists of a connection were read: the table `insales_marks`.

use sklad_store::{Sql, SqlError, Statement};

use super::Place;
use super::cursor::{Cursor, Mark, Marks};
use crate::api::page::Since;

/// Reads the marks of a connection.
///
/// # Errors
/// The database's.
pub async fn read(sql: &impl Sql, tenant: &str, connection: &str) -> Result<Marks, SqlError> {
    let statement = Statement::new(
        "SELECT list, at, id, rows FROM insales_marks WHERE tenant = ?1 AND connection = ?2",
    )
    .bind(tenant)
    .bind(connection);
    let mut marks = Marks::default();
    for row in sql.query(statement).await? {
        let place = match row.text(0) {
            Some("collections") => &mut marks.collections,
            Some("categories") => &mut marks.categories,
            Some("products") => &mut marks.products,
            _ => continue,
        };
        let since = Since {
            at: row.string(1),
            id: row.int(2).unwrap_or_default(),
        };
        let rows = row.int(3).and_then(|rows| u32::try_from(rows).ok());
        *place = Some(Mark {
            since,
            rows: rows.unwrap_or_default(),
        });
    }
    Ok(marks)
}

/// The statement that keeps the mark which the list of the cursor's phase leaves; nothing of another phase.
pub fn of(place: Place<'_>, cursor: &Cursor) -> Option<Statement> {
    let (list, mark) = (cursor.list()?, cursor.mark());
    let statement = Statement::new(
        "INSERT INTO insales_marks (tenant, connection, list, at, id, rows) VALUES (?1, ?2, ?3, ?4, ?5, ?6) \
         ON CONFLICT (tenant, connection, list) DO UPDATE SET at = excluded.at, id = excluded.id, \
             rows = excluded.rows \
         WHERE (at, id, rows) IS NOT (excluded.at, excluded.id, excluded.rows)",
    );
    let statement = statement.bind(place.tenant).bind(place.connection);
    let statement = statement.bind(list).bind(mark.since.at).bind(mark.since.id);
    Some(statement.bind(i64::from(mark.rows)))
}

/// The statements that forget how far a connection was read, for one that is removed or leads to another
/// shop: the next run brings everything.
#[must_use]
pub fn forget(tenant: &str, connection: &str) -> [Statement; 2] {
    const TABLES: [&str; 2] = [
        "DELETE FROM insales_marks WHERE tenant = ?1 AND connection = ?2",
        "DELETE FROM insales_pictures WHERE tenant = ?1 AND connection = ?2",
    ];
    TABLES.map(|sql| Statement::new(sql).bind(tenant).bind(connection))
}
