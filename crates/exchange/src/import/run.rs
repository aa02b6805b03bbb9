//! One request's work on a file: batches until the time is up.

use sklad_catalog::categories::{self, CategoryChange};
use sklad_catalog::ids;
use sklad_catalog::import::{self as store, Change, Options};
use sklad_commerceml::{Item, Limits, Reader, Section, SectionKind, Step, Warning};
use sklad_jobs::journal::Outcome;
use sklad_store::{Clock, Kv, Sql, SqlError, Statement};
use sklad_tenant::exchange::Missing;

use super::job::{Job, Lease, State};
use super::map::{self, Context, Named};
use super::{Ended, missing, references, told};
use crate::Error;
use crate::handle::{Call, record};
use crate::upload;

/// What our imports are called in the catalogue.
pub const SOURCE: &str = "commerceml";
/// Goods of one transaction: a till that writes must not wait for long.
pub const BATCH: usize = 250;
/// Bytes of the file in one transaction, however large its goods are: an instance has 32 MiB.
const BATCH_BYTES: usize = 1024 * 1024;
/// Groups and other references of one transaction.
const REFERENCES: usize = 500;
/// How many warnings of one import the journal holds; the rest is counted.
const TOLD: u64 = 50;
/// How often a batch is planned when somebody else changes the same goods.
const ATTEMPTS: usize = 5;

/// What was read and is not stored yet.
#[derive(Default)]
struct Batch {
    changes: Vec<Change>,
    groups: Vec<CategoryChange>,
    references: Vec<references::Reference>,
    warnings: Vec<(String, String)>,
    /// Whether a classifier has ended: the paths of its groups can be made.
    tree: bool,
    /// How much of the file was fed for it, in bytes.
    bytes: usize,
}

impl Batch {
    fn is_full(&self) -> bool {
        let references = self.groups.len() + self.references.len();
        self.changes.len() >= BATCH
            || references >= REFERENCES
            || self.tree
            || (self.bytes >= BATCH_BYTES && self.changes.len() + references > 0)
    }
}

struct Worker<'a, S, K, C> {
    call: &'a Call<'a, S, K, C>,
    job: Job,
    size: u64,
    lease: &'a Lease,
    reader: Reader,
    batch: Batch,
    price_types: Named,
    stores: Named,
}

/// Works on a file until the time is up.
///
/// # Errors
/// Internal ones; what is wrong with the file ends the import and is [`Ended::Failed`].
pub async fn step<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    mut job: Job,
    size: u64,
    lease: &Lease,
    budget_ms: i64,
) -> Result<Ended, Error> {
    let until = call.clock.now_ms() + budget_ms;
    if job.cursor.stamp.is_empty() {
        job.cursor.stamp = missing::stamp(&call.session, &job.id);
    }
    let (price_types, stores) = references::named(&call.app.sql, call.slug()).await?;
    let reader = match job.cursor.reader.take() {
        Some(checkpoint) => Reader::resume(checkpoint, Limits::default()),
        None => Reader::new(Limits::default()),
    };
    let mut worker = Worker {
        call,
        job,
        size,
        lease,
        reader,
        batch: Batch::default(),
        price_types,
        stores,
    };
    match worker.work(until).await {
        Err(error) if !error.is_internal() => fail(call, worker.job, error).await,
        other => other,
    }
}

/// How an import that has ended did.
#[must_use]
pub fn ended(job: &Job) -> Ended {
    match job.state {
        State::Done => Ended::Done,
        State::Failed => Ended::Failed(job.message.clone()),
        State::Running => Ended::Progress(told::progress(job, 0)),
    }
}

/// Ends an import that cannot go on. What was stored before stays.
///
/// # Errors
/// Internal ones.
pub async fn fail<S: Sql, K: Kv, C: Clock>(
    call: &Call<'_, S, K, C>,
    mut job: Job,
    error: Error,
) -> Result<Ended, Error> {
    if error.is_internal() {
        return Err(error);
    }
    let (tenant, now) = (call.slug(), call.clock.now_ms());
    let text = format!("{}: {error}", job.name);
    job.state = State::Failed;
    job.message.clone_from(&text);
    let row = record(
        &job.name,
        Outcome::Error,
        format!("Файл не загружен: {error}"),
    );
    let batch = vec![
        job.save(tenant, now)?,
        upload::failed(tenant, &job.id),
        row.statement(tenant, now),
    ];
    call.app.sql.atomic(batch).await?;
    Ok(Ended::Failed(text))
}

impl<S: Sql, K: Kv, C: Clock> Worker<'_, S, K, C> {
    async fn work(&mut self, until: i64) -> Result<Ended, Error> {
        while !self.job.cursor.read {
            let read = self.fill().await;
            // What came before a mistake in the file is stored.
            self.flush(matches!(read, Ok(true))).await?;
            read?;
            self.call.clock.pause().await;
            if self.call.clock.now_ms() >= until {
                return Ok(Ended::Progress(told::progress(&self.job, self.size)));
            }
        }
        missing::finish(self.call, &mut self.job, self.lease, until).await
    }

    /// Reads until a batch is full, or the file is at its end.
    async fn fill(&mut self) -> Result<bool, Error> {
        while !self.batch.is_full() {
            match self.reader.next()? {
                Step::Item(item) => self.take(item),
                Step::More => self.feed().await?,
                Step::End => return Ok(true),
            }
        }
        Ok(false)
    }

    async fn feed(&mut self) -> Result<(), Error> {
        let (sql, tenant) = (&self.call.app.sql, self.call.slug());
        let bytes = upload::read(sql, tenant, &self.job.id, self.reader.offset()).await?;
        if bytes.is_empty() {
            self.reader.finish();
        } else {
            self.batch.bytes += bytes.len();
            self.reader.push(&bytes);
        }
        Ok(())
    }

    fn take(&mut self, item: Item) {
        let totals = &mut self.job.cursor.totals;
        match item {
            Item::Root(root) => {
                // Files of a batch exchange have an id, or a uuid in their name (§1.7).
                let named = self.job.name.contains("___");
                self.job.cursor.batch = root.id.is_some_and(|id| !id.is_empty()) || named;
            }
            Item::Open(section) => self.job.cursor.section = Some(section),
            Item::Close(section) => self.close(&section),
            Item::Group(group) => {
                totals.groups += 1;
                self.batch.groups.push(references::group(group));
            }
            Item::Category(category) => {
                totals.groups += 1;
                self.batch.groups.push(references::category(category));
            }
            Item::Good(product) => {
                totals.goods += 1;
                let change = map::good(&product, &self.context());
                self.push(change);
            }
            Item::Offer(product) => {
                totals.offers += 1;
                let change = map::offer(&product, &self.context());
                self.push(change);
            }
            Item::PriceType(price_type) => {
                let order = self.job.cursor.price_types;
                if order == 0 {
                    self.price_types.restart();
                }
                self.job.cursor.price_types += 1;
                let name = price_type.name.as_deref().unwrap_or_default();
                self.price_types.put(&price_type.id, name);
                let entry = references::price_type(price_type, order);
                self.batch.references.push(entry);
            }
            Item::Store(store) => {
                self.stores
                    .put(&store.id, store.name.as_deref().unwrap_or_default());
                self.batch.references.push(references::store(store));
            }
            Item::Property(property) => references::property(property, &mut self.batch.references),
            Item::PropertyValues { property, values } => {
                references::values(&property, values, &mut self.batch.references);
            }
            Item::Unit(unit) => self.batch.references.extend(references::unit(unit)),
            Item::Document(_) => totals.documents += 1,
        }
    }

    fn context(&self) -> Context<'_> {
        Context {
            settings: self.call.settings(),
            price_types: &self.price_types,
            stores: &self.stores,
            full: self.is_full_list(),
        }
    }

    /// Whether the open list is a full one: what it does not say is not there.
    fn is_full_list(&self) -> bool {
        let section = self.job.cursor.section.as_ref();
        !self.job.cursor.batch && section.is_some_and(is_full)
    }

    fn push(&mut self, change: Option<Change>) {
        let modifications = self.call.settings().modifications;
        match change {
            Some(change) if change.parent.is_none() || modifications => {
                self.batch.changes.push(change);
            }
            // What has no id was warned of by the reader.
            _ => self.job.cursor.totals.skipped += 1,
        }
    }

    fn close(&mut self, section: &Section) {
        let full = is_full(section) && !self.job.cursor.batch;
        match section.kind {
            SectionKind::Classifier => self.batch.tree = true,
            SectionKind::Catalogue => self.job.cursor.full_goods |= full,
            SectionKind::Package => self.job.cursor.full_offers |= full,
            SectionKind::PackageChanges => {}
        }
        self.job.cursor.section = None;
    }

    /// Stores the batch and how far it came, as one change.
    async fn flush(&mut self, read: bool) -> Result<(), Error> {
        let mut batch = std::mem::take(&mut self.batch);
        let warnings = self.reader.take_warnings();
        batch
            .warnings
            .extend(warnings.into_iter().map(told_warning));
        self.store_references(&batch).await?;
        self.filter(&mut batch.changes).await?;
        let checkpoint = self.reader.checkpoint();
        self.job.cursor.offset = checkpoint.offset();
        self.job.cursor.reader = (!read).then_some(checkpoint);
        self.job.cursor.read = read;
        self.job.cursor.part += 1;
        self.store(&batch).await
    }

    /// Groups, price types and the like. Storing them again changes nothing, so they need not be in the
    /// batch's transaction.
    async fn store_references(&mut self, batch: &Batch) -> Result<(), Error> {
        let (sql, tenant, now) = (
            &self.call.app.sql,
            self.call.slug(),
            self.call.clock.now_ms(),
        );
        let mut statements = references::statements(tenant, SOURCE, &batch.references, now);
        if !batch.groups.is_empty() {
            statements.push(categories::import(tenant, SOURCE, &batch.groups, now));
        }
        if statements.is_empty() && !batch.tree {
            return Ok(());
        }
        let mut statements = self.job.counting(tenant, statements);
        let counted = statements.len();
        if batch.tree {
            statements.extend(categories::rebuild_paths(tenant, now));
        }
        let answers = sql.atomic(statements).await?;
        let count = counted.checked_sub(1).and_then(|last| answers.get(last));
        if let Some(row) = count.and_then(|rows| rows.first()) {
            let changed = row.int(0).and_then(|n| u64::try_from(n).ok());
            self.job.cursor.totals.references = changed.unwrap_or_default();
        }
        Ok(())
    }

    /// Leaves out goods that are outside of the root category.
    async fn filter(&mut self, changes: &mut Vec<Change>) -> Result<(), Error> {
        let Some(root) = &self.call.settings().root_category else {
            return Ok(());
        };
        let (sql, tenant) = (&self.call.app.sql, self.call.slug());
        let inside = references::inside(sql, tenant, root, changes).await?;
        let before = changes.len();
        changes.retain(|change| match &change.categories {
            Some(ids) => ids.iter().any(|id| inside.contains(id)),
            // An offer of a good that was left out finds none.
            None => true,
        });
        let skipped = before - changes.len();
        self.job.cursor.totals.skipped += u64::try_from(skipped).unwrap_or_default();
        Ok(())
    }

    async fn store(&mut self, batch: &Batch) -> Result<(), Error> {
        let (sql, tenant) = (&self.call.app.sql, self.call.slug());
        let (settings, types) = (self.call.settings(), &self.price_types);
        let id = |word: &String| types.id(word).to_owned();
        let lowest = settings.min_price_type.as_ref().map(id);
        let first = || types.first_but(lowest.as_deref()).map(str::to_owned);
        let price_type = settings.price_types.first().map(id).or_else(first);
        let options = Options {
            source: Some(SOURCE),
            price_type: price_type.as_deref(),
            min_price_type: lowest.as_deref(),
        };
        let before = self.job.cursor.totals;
        let mut attempt = 1;
        loop {
            let now = self.call.clock.now_ms();
            let mut ids = ids::sequence(now);
            let changes = &batch.changes;
            let plan = store::plan(sql, tenant, changes, &options, &mut ids, now).await?;
            self.job.cursor.totals = before;
            let mut statements = self.counted(batch, &plan, now);
            statements.extend(plan.statements);
            statements.push(self.job.save(tenant, now)?);
            statements.push(self.lease.renew(tenant, now));
            match sql.atomic(statements).await {
                Ok(_) => break,
                Err(SqlError::Conflict) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error.into()),
            }
        }
        self.job.seq += 1;
        Ok(())
    }

    /// Counts a plan; answers the statements that tell of it.
    fn counted(&mut self, batch: &Batch, plan: &store::Plan, now: i64) -> Vec<Statement> {
        let tenant = self.call.slug();
        let mut statements = Vec::new();
        if self.call.settings().missing == Missing::Archive {
            let cursor = &self.job.cursor;
            statements.extend(store::seen(tenant, &cursor.stamp, cursor.part, plan));
        }
        let totals = &mut self.job.cursor.totals;
        let number = |n: usize| u64::try_from(n).unwrap_or_default();
        totals.created += number(plan.counts.created);
        totals.changed += number(plan.counts.changed + plan.counts.restored);
        totals.unchanged += number(plan.counts.unchanged);
        totals.skipped += number(plan.counts.skipped_unknown);
        totals.archived += number(plan.counts.deleted);
        let refused = plan
            .warnings
            .iter()
            .map(|w| (w.external.clone().unwrap_or_default(), w.text.clone()));
        let name = &self.job.name;
        for (object, text) in batch.warnings.iter().cloned().chain(refused) {
            totals.warnings += 1;
            if totals.warnings <= TOLD {
                let row = record(&object, Outcome::Warning, format!("{name}: {text}"));
                statements.push(row.statement(tenant, now));
            }
        }
        statements
    }
}

fn is_full(section: &Section) -> bool {
    section.changes_only != Some(true) && section.kind != SectionKind::PackageChanges
}

/// The object of a warning, and its text.
fn told_warning(warning: Warning) -> (String, String) {
    let place = format!("строка {}: {}", warning.line, warning.text);
    (warning.object.unwrap_or_default(), place)
}
