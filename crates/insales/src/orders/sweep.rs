//! The shop's list of changes, read to its end (insales.md §3).

use serde_json::value::RawValue;
use sklad_store::{Clock, Http, Sql};
use sklad_tenant::clock;

use super::rows::{self, Mark};
use super::{Cursor, OVERLAP_MS, Reading, SETTLE_MS, Stop, Went, Work, hear, push, wire};
use crate::api::Error;
use crate::api::page::{self, MAX_ROWS, MIN_ROWS, Since, Trash};
use crate::api::session::Failure;

/// Where a reading begins: behind the last row that was read, or before it while something may still come to
/// light there.
pub fn from(mark: &Mark) -> Since {
    let last = &mark.list;
    let at = wire::moment(&last.at).filter(|_| !mark.settled);
    at.map_or_else(
        || last.clone(),
        |at| Since {
            at: format!(
                "{} +00:00",
                clock::format_utc(at.saturating_sub(OVERLAP_MS))
            ),
            id: 0,
        },
    )
}

/// Goes on with the reading of the cursor.
pub async fn run<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    mark: Mark,
) -> Result<Went, Stop> {
    let Some(Reading { began, mut since }) = cursor.sweep.clone() else {
        return Ok(Went::Through);
    };
    // Without the field none of the rows can be ours that is not known by its id.
    let field = push::field(work).await?.unwrap_or_default();
    loop {
        let (next, last) = page(work, cursor, &since, field).await?;
        since = next;
        cursor.sweep = Some(Reading {
            began,
            since: since.clone(),
        });
        if last {
            break;
        }
        work.store(Vec::new(), cursor).await?;
        if work.is_over() {
            return Ok(Went::On);
        }
        work.ports.clock.pause().await;
    }
    cursor.sweep = None;
    let at_end = ended(mark, began, since);
    let not_met = rows::not_met(work.of(), began, SETTLE_MS, work.now());
    work.store(vec![at_end.read(work.of()), not_met], cursor)
        .await?;
    Ok(Went::Through)
}

/// Reads a page and takes down what it says; answers where it ends, and whether it is the last. A page that
/// has fewer rows than the smallest that can be asked for is the last one, whatever the shop makes of the
/// number that was asked for.
async fn page<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    since: &Since,
    field: u64,
) -> Result<(Since, bool), Stop> {
    let mut asked = MAX_ROWS;
    let json = loop {
        let path = page::changed("orders", since, Trash::With, asked);
        match work.session.get(&path).await {
            // An answer without a word (§11) is no list with nothing in it: what is not in the list is sent
            // again.
            Ok(json) if json.is_empty() => return Err(Error::Unreadable("no list").into()),
            Ok(json) => break json,
            // So much cannot be held, or made ready in time (§2).
            Err(Failure::Api(Error::TooLarge | Error::Temporary { status: 504, .. }))
                if asked > MIN_ROWS =>
            {
                asked = (asked / 4).max(MIN_ROWS);
            }
            Err(failure) => return Err(failure.into()),
        }
    };
    let rows: Vec<&RawValue> = page::rows(&json)?;
    let next = page::behind(&rows, since)?;
    hear::all(work, cursor, &rows, field).await?;
    let fewest = usize::try_from(MIN_ROWS).unwrap_or_default();
    Ok((next, rows.len() < fewest))
}

/// How far the list is after a reading that began at `began` and ended behind `end`. A reading of nothing ends
/// where it began, which may be before the row that was read last.
fn ended(mark: Mark, began: i64, end: Since) -> Mark {
    let place = |since: &Since| (wire::moment(&since.at), since.id);
    let moved = end != from(&mark) && place(&end) != place(&mark.list);
    let settled = mark.settled || began >= mark.reached_at.saturating_add(OVERLAP_MS);
    match moved {
        true => Mark {
            list: end,
            reached_at: began,
            settled: false,
            swept_at: began,
            ..mark
        },
        false => Mark {
            settled,
            swept_at: began,
            ..mark
        },
    }
}
