//! What a full list no longer has, and the guard against a list that is not full after all
//! (commerceml §2.4).
//!
//! A list is one catalogue's in one exchange, in however many files it came: what is missing from a file
//! with no number in its name is archived at its end, what is missing from numbered portions when the
//! exchange has ended, and what is missing from files of a batch when the client says so (`deactivate`).

use serde_json::json;
use sklad_catalog::categories;
use sklad_catalog::import::{self as store, Had, Scope, Whose};
use sklad_jobs::journal::Outcome;
use sklad_store::{Clock, Kv, Sql, SqlError, Statement};
use sklad_tenant::exchange::Missing;

use super::job::{Job, Lease, List, Listed, State};
use super::run::SOURCE;
use super::{Ended, STEP_MS, told};
use crate::Error;
use crate::handle::{Call, record};
use crate::request::Kind;
use crate::session::{self, Session};
use crate::sweep::STAGED_MS;
use crate::upload;

/// After so long without a word of its client an exchange is over, in milliseconds.
const SILENCE_MS: i64 = 10 * 60 * 1000;
/// How long a request that begins or ends an exchange works on what is missing, in milliseconds.
const END_MS: i64 = 300;
/// How many lists that wait for their end one request looks at.
const LISTS: i64 = 64;
/// How many of the goods that were spared the journal names.
const NAMED: usize = 5;
/// How many of them its detail lists.
const LISTED: u32 = 100;

/// The name under which an import notes the goods that it had: the exchange, which is the time of the
/// login in seconds and the session, and the import.
#[must_use]
pub fn stamp(session: &Session, import: &str) -> String {
    format!("{}/{import}", exchange(session))
}

fn exchange(session: &Session) -> String {
    format!("{}/{}", since(session.created_at / 1000), session.id)
}

/// A time of a login as it stands in a stamp: sorts as it counts.
fn since(seconds: i64) -> String {
    format!("{seconds:012}")
}

/// The exchange of a stamp, and its import.
fn parts(stamp: &str) -> (&str, &str) {
    stamp.rsplit_once('/').unwrap_or((stamp, ""))
}

/// Whether the file of this name may be one of several that are one list (commerceml §1.4).
fn is_portion(name: &str) -> bool {
    let file = name.rsplit('/').next().unwrap_or(name);
    file.chars().any(|c| c.is_ascii_digit())
}

impl Listed {
    /// As it stands in `import_lists`.
    fn name(self) -> &'static str {
        match self {
            Self::Goods => "goods",
            Self::Groups => "groups",
            Self::Offers => "offers",
        }
    }

    /// As it stands in `import_seen`.
    fn letter(self) -> char {
        match self {
            Self::Groups => 'c',
            Self::Goods => 'g',
            Self::Offers => 'o',
        }
    }

    fn of(name: &str) -> Option<Self> {
        let all = [Self::Goods, Self::Groups, Self::Offers];
        all.into_iter().find(|listed| listed.name() == name)
    }
}

/// The statement that notes what a batch of a file has had of one kind, by our ids.
pub fn seen(tenant: &str, job: &Job, of: Listed, ids: &[&str]) -> Option<Statement> {
    let (exchange, import) = parts(&job.cursor.stamp);
    let name = format!("{exchange}/{}/{import}", of.letter());
    store::seen_ids(tenant, &name, job.cursor.part, ids)
}

/// The statement that notes that a file has told a list: `full` one, or one of changes.
pub fn heard<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    job: &Job,
    list: &List,
    full: bool,
) -> Statement {
    // A file of its own is decided on at its end, files of a batch when the client says so.
    let state = match (job.cursor.batch, is_portion(&job.name), full) {
        (true, ..) => "batch",
        (_, false, _) => "told",
        (_, true, true) => "full",
        (_, true, false) => "part",
    };
    Statement::new(
        "INSERT INTO import_lists (tenant, exchange, list, catalogue, employee, state, told_at) \
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) \
         ON CONFLICT (tenant, exchange, list, catalogue) DO UPDATE SET told_at = excluded.told_at, \
             state = CASE WHEN excluded.state = 'told' THEN import_lists.state \
                 WHEN import_lists.state = 'told' THEN excluded.state \
                 WHEN excluded.state = import_lists.state THEN import_lists.state ELSE 'part' END",
    )
    .bind(call.slug())
    .bind(parts(&job.cursor.stamp).0)
    .bind(list.of.name())
    .bind(&list.catalogue)
    .bind(&job.employee)
    .bind(state)
    .bind(call.clock.now_ms())
}

/// The statement that notes that a file of an exchange could not be imported: nothing is known to be
/// missing from what is left. `None` for what is no part of a list.
pub fn broken(tenant: &str, job: &Job, now_ms: i64) -> Option<Statement> {
    (!job.cursor.stamp.is_empty()).then(|| {
        Statement::new(
            "INSERT INTO import_lists (tenant, exchange, list, catalogue, employee, state, told_at) \
             VALUES (?1, ?2, 'broken', '', '', 'told', ?3) ON CONFLICT DO NOTHING",
        )
        .bind(tenant)
        .bind(parts(&job.cursor.stamp).0)
        .bind(now_ms)
    })
}

/// Ends an import whose file has been read: archives what is missing, tells the merchant.
///
/// # Errors
/// Internal ones.
pub async fn finish<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    job: &mut Job,
    lease: &Lease,
    until: i64,
) -> Result<Ended, Error> {
    let (sql, tenant) = (&call.app.sql, call.slug());
    let known = !is_old(&job.cursor.stamp, call.clock.now_ms());
    let alone = !job.cursor.batch && !is_portion(&job.name) && known;
    if call.settings().missing == Missing::Archive && alone {
        while let Some(list) = job.cursor.lists.first().cloned() {
            let absent = Absent::of_file(&job.cursor.stamp, &list);
            let passed = job.cursor.archiving || is_safe(call, &job.name, &absent).await?;
            if passed {
                job.cursor.archiving = true;
                if !archive_of_job(call, job, lease, &absent, until).await? {
                    return Ok(Ended::Progress(told::progress(job, 0)));
                }
            } else if list.of == Listed::Goods {
                // The groups of a list that is not full are not all groups.
                job.cursor.lists.retain(|other| other.of != Listed::Groups);
            }
            job.cursor.archiving = false;
            job.cursor.lists.retain(|other| *other != list);
        }
    }
    let now = call.clock.now_ms();
    let totals = job.cursor.totals;
    let outcome = if totals.warnings > 0 {
        Outcome::Warning
    } else {
        Outcome::Ok
    };
    job.state = State::Done;
    let mut row = record(&job.name, outcome, told::result(&totals));
    row.detail = serde_json::to_value(totals).ok();
    sql.atomic(vec![
        job.save(tenant, now)?,
        lease.renew(tenant, now),
        upload::taken(tenant, &job.id),
        row.statement(tenant, now),
    ])
    .await?;
    Ok(Ended::Done)
}

/// What a list of a catalogue should have and has not.
struct Absent {
    list: List,
    had: Had,
}

impl Absent {
    fn of_file(stamp: &str, list: &List) -> Self {
        let (exchange, import) = parts(stamp);
        let had = Had::from(&format!("{exchange}/{}/{import}", list.of.letter()));
        let list = list.clone();
        Self { list, had }
    }

    fn of_exchange(exchange: &str, list: List) -> Self {
        let from = |of: Listed| format!("{exchange}/{}/", of.letter());
        let had = match list.of {
            // A catalogue may name variants as well (commerceml §2.4).
            Listed::Offers => Had::between(from(Listed::Goods), format!("{exchange}/p")),
            of => Had::below(&from(of)),
        };
        Self { list, had }
    }

    fn since(seconds: i64, list: List) -> Self {
        let had = Had::between(since(seconds), ":");
        Self { list, had }
    }

    fn whose(&self) -> Whose<'_> {
        Whose {
            source: SOURCE,
            catalogue: Some(&self.list.catalogue),
        }
    }

    fn scope(&self) -> Scope {
        match self.list.of {
            Listed::Offers => Scope::Variants,
            Listed::Goods | Listed::Groups => Scope::Products,
        }
    }

    /// The statements that archive the next portion, and how many it has: at most that many.
    async fn portion(
        &self,
        sql: &impl Sql,
        tenant: &str,
        now_ms: i64,
    ) -> Result<(Vec<Statement>, usize), Error> {
        if self.list.of == Listed::Groups {
            let (catalogue, had) = (&self.list.catalogue, &self.had);
            let all = categories::archive_absent(tenant, SOURCE, catalogue, had, now_ms);
            return Ok((vec![all], 0));
        }
        let ids = store::absent(sql, tenant, self.whose(), self.had.clone(), self.scope()).await?;
        let count = ids.len();
        let statements = store::archive(tenant, &ids, now_ms).into();
        Ok((if count > 0 { statements } else { Vec::new() }, count))
    }
}

/// Archives what a file has not had; `false` when the time was up.
async fn archive_of_job<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    job: &mut Job,
    lease: &Lease,
    absent: &Absent,
    until: i64,
) -> Result<bool, Error> {
    let (sql, tenant) = (&call.app.sql, call.slug());
    loop {
        let now = call.clock.now_ms();
        let (mut batch, count) = absent.portion(sql, tenant, now).await?;
        if batch.is_empty() {
            return Ok(true);
        }
        job.cursor.totals.archived += u64::try_from(count).unwrap_or_default();
        batch.push(job.save(tenant, now)?);
        batch.push(lease.renew(tenant, now));
        sql.atomic(batch).await?;
        job.seq += 1;
        if count == 0 {
            return Ok(true);
        }
        call.clock.pause().await;
        if call.clock.now_ms() >= until {
            return Ok(false);
        }
    }
}

/// Whether so little is missing that it may be archived; what is spared is told in the journal. Groups
/// are not counted.
async fn is_safe<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    name: &str,
    absent: &Absent,
) -> Result<bool, Error> {
    if absent.list.of == Listed::Groups {
        return Ok(true);
    }
    let (sql, tenant, scope) = (&call.app.sql, call.slug(), absent.scope());
    let (whose, had) = (absent.whose(), &absent.had);
    let found = store::missing(sql, tenant, whose, had.clone(), scope).await?;
    let most = i64::from(call.settings().missing_guard_percent);
    if found.missing.saturating_mul(100) <= found.live.saturating_mul(most) {
        return Ok(true);
    }
    let what = match scope {
        Scope::Products => "товаров",
        Scope::Variants => "модификаций",
    };
    let spared = store::examples(sql, tenant, whose, had.clone(), scope, LISTED).await?;
    let names: Vec<String> = spared
        .iter()
        .take(NAMED)
        .map(|(_, name)| format!("«{name}»"))
        .collect();
    let text = format!(
        "В выгрузке нет {} из {} {what}: это больше {most} %, поэтому они оставлены в каталоге. \
         Если они и правда удалены, повысьте порог в настройках и повторите выгрузку. \
         Среди них: {}",
        found.missing,
        found.live,
        names.join(", "),
    );
    let now = call.clock.now_ms();
    let mut row = record(name, Outcome::Warning, text);
    let goods: Vec<_> = spared
        .into_iter()
        .map(|(external, name)| json!({ "external": external, "name": name }))
        .collect();
    row.detail = Some(json!({ "missing": found.missing, "live": found.live, "goods": goods }));
    sql.atomic(vec![row.statement(tenant, now)]).await?;
    Ok(false)
}

/// A list that waits for the end of its exchange.
struct Waiting {
    exchange: String,
    list: List,
    state: String,
    /// When its client was heard last, milliseconds since 1970 UTC.
    heard_at: i64,
    employee: String,
}

/// Lists of exchanges from `from` to below `to` in these states, a JSON array.
async fn waiting(
    sql: &impl Sql,
    tenant: &str,
    (from, to): (&str, &str),
    states: &str,
) -> Result<Vec<Waiting>, SqlError> {
    let statement = Statement::new(
        "SELECT exchange, list, catalogue, state, told_at, employee, (SELECT s.used_at \
             FROM exchange_sessions s WHERE s.tenant = ?1 AND s.id = substr(l.exchange, ?6)) \
         FROM import_lists l WHERE tenant = ?1 AND exchange >= ?2 AND exchange < ?3 \
             AND state IN (SELECT value FROM json_each(?4)) \
         ORDER BY exchange, list LIMIT ?5",
    )
    .bind(tenant)
    .bind(from)
    .bind(to)
    .bind(states)
    .bind(LISTS)
    // Behind the time and a slash.
    .bind(i64::try_from(since(0).len() + 2).unwrap_or_default());
    let mut lists = Vec::new();
    for row in sql.query(statement).await? {
        let Some(of) = Listed::of(&row.string(1)) else {
            continue;
        };
        let exchange = row.string(0);
        // Of a session that others share it is not known who was heard.
        let used_at = row
            .int(6)
            .filter(|_| !session::is_shared(parts(&exchange).1));
        lists.push(Waiting {
            exchange,
            list: List {
                of,
                catalogue: row.string(2),
            },
            state: row.string(3),
            heard_at: row.int(4).max(used_at).unwrap_or_default(),
            employee: row.string(5),
        });
    }
    Ok(lists)
}

impl Waiting {
    /// The statement that moves the list to another state, with `count` more goods archived.
    fn becomes(&self, tenant: &str, state: &str, count: usize) -> Statement {
        Statement::new(
            "UPDATE import_lists SET state = ?5, archived = archived + ?6 \
             WHERE tenant = ?1 AND exchange = ?2 AND list = ?3 AND catalogue = ?4",
        )
        .bind(tenant)
        .bind(&self.exchange)
        .bind(self.list.of.name())
        .bind(&self.list.catalogue)
        .bind(state)
        .bind(i64::try_from(count).unwrap_or_default())
    }
}

/// An exchange begins, so those that the same client made before have ended; so have those of which
/// nobody has heard for ten minutes. To be called whenever there is time.
///
/// # Errors
/// Internal ones.
pub(crate) async fn end_exchanges<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
) -> Result<(), Error> {
    let (sql, tenant, now) = (&call.app.sql, call.slug(), call.clock.now_ms());
    let lists = waiting(sql, tenant, ("", ":"), r#"["full","archiving"]"#).await?;
    let over = |list: &Waiting| {
        // Orders are asked for while a catalogue comes.
        let same = list.employee == call.session.employee && call.kind == Kind::Catalog;
        same || list.heard_at < now - SILENCE_MS
    };
    end(call, lists.into_iter().filter(over).collect(), now + END_MS).await?;
    super::pictures::forget(call, now + END_MS).await?;
    forget(call, now).await
}

/// Forgets what imports had that nobody compares any more: of exchanges on which all is decided, and of
/// old ones.
async fn forget<S: Sql, K: Kv, C: Clock>(call: &Call<'_, S, K, C>, now: i64) -> Result<(), Error> {
    let (sql, tenant) = (&call.app.sql, call.slug());
    let over = Statement::new(
        "SELECT DISTINCT exchange FROM import_lists l WHERE tenant = ?1 AND (exchange < ?4 \
             OR (told_at < ?2 AND NOT EXISTS (SELECT 1 FROM import_lists o WHERE o.tenant = ?1 \
                 AND o.exchange = l.exchange AND (o.state <> 'told' OR o.told_at >= ?2)))) LIMIT ?3",
    )
    .bind(tenant)
    .bind(now - SILENCE_MS)
    .bind(LISTS)
    .bind(since((now - STAGED_MS) / 1000));
    for row in sql.query(over).await? {
        let exchange = row.string(0);
        if matches!(whole(sql, tenant, &exchange).await?, Whole::NotYet) {
            continue;
        }
        let lists = Statement::new("DELETE FROM import_lists WHERE tenant = ?1 AND exchange = ?2");
        let had = Had::below(&format!("{exchange}/"));
        sql.atomic(vec![
            store::clear_had(tenant, &had),
            lists.bind(tenant).bind(exchange),
        ])
        .await?;
    }
    Ok(())
}

/// The client says that its exchange is over (`complete`).
///
/// # Errors
/// Internal ones.
pub(crate) async fn end_this<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
) -> Result<(), Error> {
    let (sql, tenant) = (&call.app.sql, call.slug());
    let this = exchange(&call.session);
    let range = (this.as_str(), &*format!("{this}\u{1}"));
    let lists = waiting(sql, tenant, range, r#"["full","archiving"]"#).await?;
    end(call, lists, call.clock.now_ms() + STEP_MS).await
}

/// Decides on the lists of exchanges that have ended, until the time is up: the next call goes on.
async fn end<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    lists: Vec<Waiting>,
    until: i64,
) -> Result<(), Error> {
    const NAME: &str = "Обмен";
    let (sql, tenant) = (&call.app.sql, call.slug());
    let mut spared = String::new();
    for list in lists {
        let now = call.clock.now_ms();
        match whole(sql, tenant, &list.exchange).await? {
            Whole::Yes if !is_old(&list.exchange, now) => {}
            Whole::NotYet => continue,
            _ => {
                sql.atomic(vec![list.becomes(tenant, "part", 0)]).await?;
                continue;
            }
        }
        let absent = Absent::of_exchange(&list.exchange, list.list.clone());
        let keep = call.settings().missing == Missing::Keep
            || (list.list.of == Listed::Groups && spared == list.exchange);
        if keep || (list.state != "archiving" && !is_safe(call, NAME, &absent).await?) {
            spared.clone_from(&list.exchange);
            sql.atomic(vec![list.becomes(tenant, "told", 0)]).await?;
            continue;
        }
        if !archive_of_list(call, &list, &absent, until).await? {
            return Ok(());
        }
        conclude(
            call,
            (&list.exchange, &format!("{}\u{1}", list.exchange)),
            NAME,
        )
        .await?;
    }
    Ok(())
}

/// Whether an exchange was begun so long ago that what its imports have had is being forgotten.
fn is_old(exchange: &str, now_ms: i64) -> bool {
    exchange < since((now_ms - STAGED_MS) / 1000).as_str()
}

/// Whether all files of an exchange have been imported.
enum Whole {
    Yes,
    /// One is being imported.
    NotYet,
    /// One could not be imported, or nobody has asked for it.
    No,
}

async fn whole(sql: &impl Sql, tenant: &str, exchange: &str) -> Result<Whole, SqlError> {
    let statement = Statement::new(
        "SELECT EXISTS (SELECT 1 FROM import_lists WHERE tenant = ?1 AND exchange = ?2 \
                 AND list = 'broken') \
             OR EXISTS (SELECT 1 FROM uploads WHERE tenant = ?1 AND session = ?3 \
                 AND kind = 'catalog' AND state = 'receiving' AND name LIKE '%.xml' \
                 AND id NOT IN (SELECT id FROM imports WHERE tenant = ?1 AND state = 'running')), \
             EXISTS (SELECT 1 FROM imports INDEXED BY imports_running WHERE tenant = ?1 \
                 AND state = 'running' AND instr(cursor ->> 'stamp', ?2 || '/') = 1)",
    )
    .bind(tenant)
    .bind(exchange)
    .bind(parts(exchange).1);
    let rows = sql.query(statement).await?;
    let says = |i| rows.first().and_then(|row| row.int(i)) == Some(1);
    Ok(match (says(0), says(1)) {
        (_, true) => Whole::NotYet,
        (true, _) => Whole::No,
        _ => Whole::Yes,
    })
}

/// Archives what is missing from a list; `false` when the time was up.
async fn archive_of_list<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    list: &Waiting,
    absent: &Absent,
    until: i64,
) -> Result<bool, Error> {
    let (sql, tenant) = (&call.app.sql, call.slug());
    loop {
        let now = call.clock.now_ms();
        let (mut batch, count) = absent.portion(sql, tenant, now).await?;
        let state = if count == 0 { "told" } else { "archiving" };
        batch.push(list.becomes(tenant, state, count));
        sql.atomic(batch).await?;
        if count == 0 {
            return Ok(true);
        }
        call.clock.pause().await;
        if call.clock.now_ms() >= until {
            return Ok(false);
        }
    }
}

/// How many goods were archived of the lists of these exchanges and are not told yet.
async fn archived(sql: &impl Sql, tenant: &str, (from, to): (&str, &str)) -> Result<i64, SqlError> {
    let statement = Statement::new(
        "SELECT sum(archived) FROM import_lists WHERE tenant = ?1 AND exchange >= ?2 \
         AND exchange < ?3 AND archived > 0",
    );
    let rows = sql
        .query(statement.bind(tenant).bind(from).bind(to))
        .await?;
    Ok(rows.first().and_then(|row| row.int(0)).unwrap_or_default())
}

/// Tells the journal what was archived of the lists of these exchanges, once.
async fn conclude<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    (from, to): (&str, &str),
    name: &str,
) -> Result<(), Error> {
    let (sql, tenant, now) = (&call.app.sql, call.slug(), call.clock.now_ms());
    let count = archived(sql, tenant, (from, to)).await?;
    if count == 0 {
        return Ok(());
    }
    let told = Statement::new(
        "UPDATE import_lists SET archived = 0 WHERE tenant = ?1 AND exchange >= ?2 \
         AND exchange < ?3 AND archived > 0",
    );
    let told = told.bind(tenant).bind(from).bind(to);
    let text = format!("Убрано в архив товаров и модификаций, которых нет в выгрузке: {count}");
    let row = record(name, Outcome::Ok, text);
    sql.atomic(vec![told, row.statement(tenant, now)]).await?;
    Ok(())
}

/// `mode=deactivate`: archives what none of the files since the login of `timestamp` (seconds since 1970
/// UTC) had, of the catalogues that they told of.
///
/// # Errors
/// Internal ones.
pub(crate) async fn deactivate<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    timestamp: i64,
) -> Result<Ended, Error> {
    const NAME: &str = "deactivate";
    let (sql, tenant) = (&call.app.sql, call.slug());
    if call.settings().missing == Missing::Keep {
        return Ok(Ended::Done);
    }
    let from = since(timestamp);
    let states = r#"["told","full","part","batch","archiving"]"#;
    let mut lists = waiting(sql, tenant, (&from, ":"), states).await?;
    // Which groups there are, files of a batch do not say.
    lists.retain(|list| list.list.of != Listed::Groups);
    lists.sort_by(|a, b| a.list.cmp(&b.list));
    lists.dedup_by(|a, b| a.list == b.list);
    let until = call.clock.now_ms() + STEP_MS;
    for list in lists {
        let absent = Absent::since(timestamp, list.list.clone());
        let passed = list.state == "archiving" || is_safe(call, NAME, &absent).await?;
        if !passed {
            sql.atomic(vec![list.becomes(tenant, "told", 0)]).await?;
        } else if !archive_of_list(call, &list, &absent, until).await? {
            let count = archived(sql, tenant, (&from, ":")).await?;
            return Ok(Ended::Progress(format!("В архив: {count}")));
        }
    }
    conclude(call, (&from, ":"), NAME).await?;
    // What the client has decided need not be decided again.
    let decided = Statement::new(
        "UPDATE import_lists SET state = 'told' WHERE tenant = ?1 AND exchange >= ?2 \
         AND exchange < ':' AND state <> 'told'",
    );
    sql.atomic(vec![decided.bind(tenant).bind(from)]).await?;
    Ok(Ended::Done)
}
