//! What becomes of the catalogue of a connection that is removed: its goods go to the archive, with its price
//! types, stores and categories, and goods of other sources lose what the shop had added to them.

use serde::{Deserialize, Serialize};
use sklad_catalog::import::{self as catalog, Change, Had, Scope};
use sklad_catalog::refs::{self, RefKind};
use sklad_catalog::{categories, ids};
use sklad_jobs::job::{self, Progress};
use sklad_jobs::journal::Outcome;
use sklad_store::{Clock, Ports, Sql, SqlError, Statement};

use super::goods::{BATCH, options};
use super::{ATTEMPTS, Ended, Save, Step, number, of_catalog, record};
use crate::link::nothing_beside;
use crate::map::{Names, PRICE};
use crate::plan::FAREWELL;

/// What was done so far.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
struct Gone {
    archived: u64,
    parted: u64,
}

impl Gone {
    fn json(self) -> String {
        // Integers always have a JSON form.
        serde_json::to_string(&self).unwrap_or_default()
    }

    fn progress(self) -> Progress {
        Progress {
            done: self.archived.saturating_add(self.parted),
            total: None,
        }
    }

    fn told(self) -> String {
        let parted = match self.parted {
            0 => String::new(),
            n => format!(", от товаров других источников отделено {n}"),
        };
        format!(
            "Подключение к InSales удалено: в архив ушло товаров {}{parted}",
            self.archived
        )
    }
}

/// A farewell at work.
struct Work<'a, S, H, C> {
    ports: Ports<'a, S, H, C>,
    tenant: &'a str,
    names: Names,
    save: Save<'a>,
    until: i64,
}

/// Works on it until about `until_ms`, milliseconds since 1970 UTC; `cursor` is what the last step left. The
/// last step removes the job. The caller has seen that there is no such connection.
///
/// # Errors
/// The database's. [`SqlError::Conflict`] that stays means that the job is not ours any more.
pub async fn farewell<S: Sql, H, C: Clock>(
    ports: Ports<'_, S, H, C>,
    (tenant, connection): (&str, &str),
    cursor: Option<&str>,
    until_ms: i64,
    save: Save<'_>,
) -> Result<Step, SqlError> {
    let cursor = cursor.and_then(|json| serde_json::from_str(json).ok());
    let mut gone: Gone = cursor.unwrap_or_default();
    let work = Work {
        ports,
        tenant,
        names: Names::of(connection),
        save,
        until: until_ms,
    };
    let all = work.part(&mut gone).await? && work.archive(&mut gone).await?;
    if all {
        work.finish(connection, gone).await?;
    }
    Ok(Step {
        cursor: gone.json(),
        progress: gone.progress(),
        ended: match all {
            true => Ended::Done {
                warning: false,
                text: gone.told(),
            },
            false => Ended::More,
        },
    })
}

impl<S: Sql, H, C: Clock> Work<'_, S, H, C> {
    /// The name of an import that has had nothing.
    fn nothing_had(&self) -> String {
        format!("{}/farewell", self.names.source())
    }

    /// Takes from goods of other sources what the shop had added; answers whether that is all.
    async fn part(&self, gone: &mut Gone) -> Result<bool, SqlError> {
        let (sql, prefix) = (self.ports.sql, self.names.prefix());
        loop {
            let ids = catalog::strays_among(sql, self.tenant, prefix, &self.nothing_had()).await;
            let ids = ids.map_err(of_catalog)?;
            if ids.is_empty() {
                return Ok(true);
            }
            for some in ids.chunks(BATCH) {
                if self.is_over() {
                    return Ok(false);
                }
                gone.parted += number(some.len());
                self.cut(some, *gone).await?;
                self.ports.clock.pause().await;
            }
        }
    }

    async fn cut(&self, ids: &[String], gone: Gone) -> Result<(), SqlError> {
        let nothing = |id: &String| nothing_beside(id, &self.names);
        let changes: Vec<Change> = ids.iter().map(nothing).collect();
        let price = self.names.price(PRICE);
        let options = options(&self.names, &price);
        let mut attempt = 1;
        loop {
            let now = self.ports.clock.now_ms();
            let mut fresh = ids::sequence(now);
            let sql = self.ports.sql;
            let plan = catalog::plan(sql, self.tenant, &changes, &options, &mut fresh, now).await;
            let mut batch = plan.map_err(of_catalog)?.statements;
            batch.push(catalog::forget_aliases(self.tenant, ids));
            match self.store(batch, gone).await {
                Err(SqlError::Conflict) if attempt < ATTEMPTS => attempt += 1,
                other => return other,
            }
        }
    }

    /// Archives the goods, variants with their products; answers whether that is all.
    async fn archive(&self, gone: &mut Gone) -> Result<bool, SqlError> {
        let (sql, source, had) = (self.ports.sql, self.names.source(), self.nothing_had());
        for scope in [Scope::Products, Scope::Variants] {
            loop {
                if self.is_over() {
                    return Ok(false);
                }
                let now = self.ports.clock.now_ms();
                let done = catalog::mark_missing(sql, self.tenant, source, &had, scope, now).await;
                let done = done.map_err(of_catalog)?;
                if done == 0 {
                    break;
                }
                gone.archived += number(done);
                self.store(Vec::new(), *gone).await?;
                self.ports.clock.pause().await;
            }
        }
        Ok(true)
    }

    /// Archives what goods referred to, tells the merchant, and removes the job.
    async fn finish(&self, connection: &str, gone: Gone) -> Result<(), SqlError> {
        let (tenant, source) = (self.tenant, self.names.source());
        let now = self.ports.clock.now_ms();
        let kinds = [RefKind::PriceType, RefKind::Store, RefKind::Property];
        let mut batch: Vec<Statement> = (kinds.into_iter())
            .map(|kind| refs::archive_others(tenant, source, kind, &[], now))
            .collect();
        let had = self.nothing_had();
        batch.push(categories::archive_missing(tenant, source, &had, now));
        // A run that was cut off has left what it had.
        let runs = Had::below(&format!("{source}/"));
        batch.push(catalog::clear_had(tenant, &runs));
        if gone.archived > 0 || gone.parted > 0 {
            let row = record(source, Outcome::Ok, gone.told());
            batch.push(row.statement(tenant, now));
        }
        batch.push((self.save)(&gone.json(), gone.progress(), now));
        batch.push(job::remove(tenant, FAREWELL, connection));
        self.ports.sql.atomic(batch).await.map(drop)
    }

    fn is_over(&self) -> bool {
        self.ports.clock.now_ms() >= self.until
    }

    /// Runs statements with the one that saves how far the job is.
    async fn store(&self, mut batch: Vec<Statement>, gone: Gone) -> Result<(), SqlError> {
        let now = self.ports.clock.now_ms();
        batch.push((self.save)(&gone.json(), gone.progress(), now));
        self.ports.sql.atomic(batch).await.map(drop)
    }
}
