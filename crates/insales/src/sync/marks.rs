//! How far the lists of a connection were read: the table `insales_marks`.

use sha2::{Digest, Sha256};
use sklad_store::{Sql, SqlError, Statement};

use super::Place;
use super::cursor::{Cursor, Mark, Marks};
use crate::api::page::Since;

/// Which shop it is, and what of it is wanted: another answer where everything is to be read anew.
fn wanted(place: Place<'_>) -> String {
    let settings = place.settings;
    let what = (
        &place.access.shop,
        settings.images,
        settings.link,
        &settings.price_kinds,
        &settings.warehouses,
    );
    let digest = Sha256::digest(format!("{what:?}").as_bytes());
    hex::encode(digest.get(..16).unwrap_or_default())
}

/// Reads the marks of a connection, as far as they are of the shop and the settings that it has now.
///
/// # Errors
/// The database's.
pub async fn read(sql: &impl Sql, place: Place<'_>) -> Result<Marks, SqlError> {
    let statement = Statement::new(
        "SELECT list, at, id, rows FROM insales_marks WHERE tenant = ?1 AND connection = ?2 AND wanted = ?3",
    )
    .bind(place.tenant)
    .bind(place.connection)
    .bind(wanted(place));
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
        "INSERT INTO insales_marks (tenant, connection, list, at, id, rows, wanted) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
         ON CONFLICT (tenant, connection, list) DO UPDATE SET at = excluded.at, id = excluded.id, \
             rows = excluded.rows, wanted = excluded.wanted",
    );
    let statement = statement.bind(place.tenant).bind(place.connection);
    let statement = statement.bind(list).bind(mark.since.at).bind(mark.since.id);
    let statement = statement.bind(i64::from(mark.rows));
    Some(statement.bind(wanted(place)))
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
