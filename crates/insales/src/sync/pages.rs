//! Lists of changes, page by page.

use serde_json::value::RawValue;
use sklad_store::{Clock, Http, Sql};

use super::cursor::Cursor;
use super::{Went, Work};
use crate::api::Error;
use crate::api::page::{self, Since, Trash};
use crate::api::session::Failure;

/// Reads the list of the cursor's phase from where the cursor is to its end, or until the time is up.
/// `take` stores the rows of a page, and with them the cursor ([`Cursor::passed`]).
pub async fn each<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    trash: Trash,
    take: impl AsyncFn(&mut Cursor, &[&RawValue]) -> Result<(), Failure>,
) -> Result<Went, Failure> {
    let Some(list) = cursor.list() else {
        return Ok(Went::Through);
    };
    loop {
        let asked = cursor.rows.unwrap_or(page::MAX_ROWS);
        let since = cursor.since.clone().unwrap_or_else(Since::ever);
        let path = page::changed(list, &since, trash, asked);
        match work.session.get(&path).await {
            Ok(json) => {
                let rows = page::rows(&json)?;
                page::behind(&rows, &since)?;
                let given = u32::try_from(rows.len()).unwrap_or(u32::MAX);
                let last = cursor.is_last(given, asked);
                cursor.whole = cursor.whole.max(given);
                if !rows.is_empty() {
                    take(cursor, &rows).await?;
                }
                if last {
                    return Ok(Went::Through);
                }
            }
            Err(Failure::Api(Error::TooLarge)) if asked > page::MIN_ROWS => {
                cursor.rows = Some((asked / 2).max(page::MIN_ROWS));
            }
            // So much cannot be made ready in time (§2).
            Err(Failure::Api(Error::Temporary { status: 504, .. })) if asked > page::MIN_ROWS => {
                cursor.rows = Some((asked / 2).max(page::MIN_ROWS));
            }
            Err(error) => return Err(error),
        }
        if work.is_over() {
            return Ok(Went::On);
        }
    }
}
