//! Files of pictures: of those that goods name and that are not here.

use sklad_catalog::pictures;
use sklad_store::{Clock, Http, Sql, SqlError, Statement};

use super::cursor::Cursor;
use super::{Went, Work};
use crate::api::Error;
use crate::api::session::Failure;
use crate::map::{PICTURE, picture_path};

/// How many names are looked up at once.
const PORTION: i64 = 50;

/// Fetches files, one after the other: each is held whole.
pub async fn run<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
) -> Result<Went, Failure> {
    if !work.place.settings.goods.images {
        return Ok(Went::Through);
    }
    loop {
        let names = absent(work.ports.sql, work.tenant(), &cursor.after).await?;
        if names.is_empty() {
            return Ok(Went::Through);
        }
        for name in names {
            let told = fetch(work, cursor, &name).await?;
            cursor.after = name;
            work.store(told.into_iter().collect(), cursor).await?;
            if work.is_over() {
                return Ok(Went::On);
            }
        }
    }
}

/// Names of pictures of МойСклад after this one without a file.
async fn absent(sql: &impl Sql, tenant: &str, after: &str) -> Result<Vec<String>, SqlError> {
    // What begins so lies between the beginning and the text after it.
    let statement = Statement::new(
        "SELECT DISTINCT t.value FROM good_terms t WHERE t.tenant = ?1 AND t.kind = 'picture' \
         AND t.value > max(?2, ?3) AND t.value < ?4 AND NOT EXISTS (SELECT 1 FROM picture_names n \
             WHERE n.tenant = ?1 AND n.name = t.value) ORDER BY t.value LIMIT ?5",
    )
    .bind(tenant)
    .bind(after)
    .bind(PICTURE)
    .bind("ms.")
    .bind(PORTION);
    let rows = sql.query(statement).await?;
    Ok(rows.iter().map(|row| row.string(0)).collect())
}

/// Fetches a file and stores it; a file that is none is told, and asked for again by the next run.
async fn fetch<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    name: &str,
) -> Result<Option<Statement>, Failure> {
    let Some(path) = picture_path(name) else {
        return Ok(None);
    };
    let bytes = match work.session.download(&path).await {
        Ok(bytes) => bytes,
        Err(Failure::Api(error @ (Error::NotFound | Error::TooLarge | Error::Refused { .. }))) => {
            let text = format!("Изображение не загружено: {}", error.for_merchant());
            return Ok(work.warn(cursor, name, &text));
        }
        Err(error) => return Err(error),
    };
    let (sql, tenant) = (work.ports.sql, work.tenant());
    let now = work.ports.clock.now_ms();
    match pictures::store(sql, tenant, name, bytes.into(), now).await {
        Ok(_) => {
            cursor.totals.images += 1;
            Ok(None)
        }
        Err(sklad_catalog::Error::Sql(error)) => Err(error.into()),
        Err(sklad_catalog::Error::Invalid { message, .. }) => {
            Ok(work.warn(cursor, name, &format!("Изображение не принято: {message}")))
        }
    }
}
