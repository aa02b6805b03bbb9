//! One request's work on a file: batches until the time is up.

use sklad_catalog::categories::{self, CategoryChange};
use sklad_catalog::ids;
use sklad_catalog::import::{self as store, Change, Side};
use sklad_catalog::refs::{self, RefKind};
use sklad_commerceml::{Item, Limits, Product, Reader, Section, SectionKind, Step, Warning};
use sklad_jobs::journal::Outcome;
use sklad_store::{Clock, Kv, Sql, SqlError, Statement};
use sklad_tenant::exchange::Missing;

use super::job::{Job, Lease, List, Listed, State};
use super::map::{self, Context, Named};
use super::{Ended, choice, missing, references, told};
use crate::Error;
use crate::handle::{Call, record};
use crate::upload;

/// What our imports are called in the catalogue.
pub const SOURCE: &str = "commerceml";
/// Goods of one transaction: a till that writes must not wait for long.
pub const BATCH: usize = 125;
/// Bytes of the file in one transaction, however large its goods are: an instance has 32 MiB.
const BATCH_BYTES: usize = 1024 * 1024;
/// Groups and other references of one transaction.
const REFERENCES: usize = 500;
/// The most price types of a list whose order counts.
const MAX_LISTED: usize = 1000;
/// How many warnings of one import the journal holds; the rest is counted.
const TOLD: u64 = 50;
/// How long what was read without a change to store may go unsaved, in milliseconds. A worker that is lost
/// reads it again.
const UNSAVED_MS: i64 = 1_000;
/// How often a batch is planned when somebody else changes the same goods.
const ATTEMPTS: usize = 5;

/// What was read and is not stored yet.
#[derive(Default)]
struct Batch {
    changes: Vec<Change>,
    /// Offers that name their goods by barcode or article alone.
    unnamed: Vec<Product>,
    groups: Vec<CategoryChange>,
    /// The price types in another order.
    arranged: Option<Vec<String>>,
    /// Lists that have ended, and whether they are full ones.
    lists: Vec<(List, bool)>,
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
        self.changes.len() + self.unnamed.len() >= BATCH
            || references >= REFERENCES
            || self.tree
            || (self.bytes >= BATCH_BYTES && self.changes.len() + references > 0)
    }

    /// Whether it has what goods refer to.
    fn refers(&self) -> bool {
        !self.groups.is_empty() || !self.references.is_empty() || self.arranged.is_some()
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
    /// How prices and stock that are stored were chosen.
    chosen: Option<String>,
    /// When the cursor was saved, milliseconds since 1970 UTC.
    saved_at: i64,
    /// Whether it has gone on since then.
    unsaved: bool,
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
    let now = call.clock.now_ms();
    let until = now + budget_ms;
    if job.cursor.stamp.is_empty() {
        job.cursor.stamp = missing::stamp(&call.session, &job.id);
    }
    let (price_types, stores) = references::named(&call.app.sql, call.slug()).await?;
    let chosen = choice::stored(&call.app.sql, call.slug()).await?;
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
        chosen,
        saved_at: now,
        unsaved: false,
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
    let mut batch = vec![
        job.save(tenant, now)?,
        upload::failed(tenant, &job.id),
        row.statement(tenant, now),
    ];
    batch.extend(missing::broken(tenant, &job, now));
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
                self.save().await?;
                return Ok(Ended::Progress(told::progress(&self.job, self.size)));
            }
        }
        if !self.choose(until).await? {
            return Ok(Ended::Progress(told::progress(&self.job, self.size)));
        }
        missing::finish(self.call, &mut self.job, self.lease, until).await
    }

    /// Makes prices and stock of all goods anew if price types or stores have come to mean something else,
    /// be it behind the goods of this very file; `false` when the time was up.
    async fn choose(&mut self, until: i64) -> Result<bool, Error> {
        let (sql, tenant) = (&self.call.app.sql, self.call.slug());
        let choice = self.choice();
        let name = choice.name();
        if self.job.cursor.totals.offers > 0 && self.job.cursor.chosen.is_none() {
            self.tell_unknown().await?;
        }
        if self.chosen.as_ref().is_none_or(|chosen| *chosen == name) && !self.job.cursor.mixed {
            return Ok(true);
        }
        let options = choice.options();
        loop {
            let now = self.call.clock.now_ms();
            let after = self.job.cursor.chosen.clone().unwrap_or_default();
            let (plan, last) = store::choose(sql, tenant, SOURCE, &after, &options, now).await?;
            self.job.cursor.chosen = last.clone().or(self.job.cursor.chosen.take());
            let changed = u64::try_from(plan.counts.changed).unwrap_or_default();
            self.job.cursor.totals.changed += changed;
            let mut statements = plan.statements;
            if last.is_none() {
                self.job.cursor.mixed = false;
                statements.push(choice::store(tenant, &name));
            }
            self.write(statements, now).await?;
            if last.is_none() {
                self.chosen = Some(name);
                return Ok(true);
            }
            self.call.clock.pause().await;
            if self.call.clock.now_ms() >= until {
                return Ok(false);
            }
        }
    }

    /// Tells the merchant which words of his settings name nothing.
    async fn tell_unknown(&self) -> Result<(), Error> {
        let (sql, tenant, now) = (
            &self.call.app.sql,
            self.call.slug(),
            self.call.clock.now_ms(),
        );
        let settings = self.call.settings();
        let kinds = [
            ("Тип цены", &self.price_types, &settings.price_types),
            ("Склад", &self.stores, &settings.stores),
        ];
        let mut rows = Vec::new();
        for (what, named, words) in kinds {
            for word in named.unknown(words).filter(|_| !named.is_empty()) {
                let known = named.names().join(", ");
                let text = format!("{what} «{word}» из настроек обмена не найден. Есть: {known}");
                let row = record(&self.job.name, Outcome::Warning, text);
                rows.push(row.statement(tenant, now));
            }
        }
        if !rows.is_empty() {
            sql.atomic(rows).await?;
        }
        Ok(())
    }

    /// What counts, as far as it is known by now.
    fn choice(&self) -> choice::Choice {
        choice::Choice::new(self.call.settings(), &self.price_types, &self.stores)
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
                self.job.cursor.batch = root.id.is_some() || named;
                self.job.cursor.changes_only = root.changes_only;
            }
            Item::Open(section) => {
                self.job.cursor.described = false;
                self.job.cursor.section = Some(section);
            }
            Item::Close(section) => self.close(&section),
            Item::Group(group) => {
                totals.groups += 1;
                let group = references::group(group, self.section_id());
                self.batch.groups.push(group);
            }
            Item::Category(category) => {
                totals.groups += 1;
                let category = references::category(category, self.section_id());
                self.batch.groups.push(category);
            }
            Item::Good(product) => {
                totals.goods += 1;
                let change = map::good(&product, &self.context());
                if change.is_none() {
                    let text = "товар без Ид пропущен".to_owned();
                    let object = product.name.clone().unwrap_or_default();
                    self.batch.warnings.push((object, text));
                }
                self.push(change);
            }
            Item::Offer(product) => {
                totals.offers += 1;
                self.arrange();
                self.job.cursor.described |= map::is_described(&product);
                if product.id.is_none() {
                    self.batch.unnamed.push(*product);
                    return;
                }
                let change = map::offer(&product, &self.context());
                self.push(change);
            }
            Item::PriceType(price_type) => {
                let gone = price_type.deleted == Some(true);
                let name = price_type.name.as_deref().unwrap_or_default();
                let place = self.price_types.put(&price_type.id, name, gone);
                if let Some(currency) = &price_type.currency {
                    self.price_types.pays_in(&price_type.id, currency);
                }
                if !gone && self.job.cursor.listed.len() < MAX_LISTED {
                    self.job.cursor.listed.push(price_type.id.clone());
                }
                let entry = references::price_type(price_type, place);
                self.batch.references.push(entry);
            }
            Item::Store(store) => {
                let name = store.name.as_deref().unwrap_or_default();
                self.stores
                    .put(&store.id, name, store.deleted == Some(true));
                self.batch.references.push(references::store(store));
            }
            Item::Property(property) => references::property(property, &mut self.batch.references),
            Item::PropertyValues { property, values } => {
                references::values(&property, values, &mut self.batch.references);
            }
            Item::Unit(unit) => references::unit(unit, &mut self.batch.references),
            Item::Document(_) => totals.documents += 1,
        }
    }

    fn context(&self) -> Context<'_> {
        Context {
            settings: self.call.settings(),
            price_types: &self.price_types,
            stores: &self.stores,
            catalogue: self.catalogue(),
            full: self.says_all(),
        }
    }

    /// The id of the open section; empty where it has none.
    fn section_id(&self) -> &str {
        let section = self.job.cursor.section.as_ref();
        section.map_or("", section_id)
    }

    /// The catalogue that the open section tells of.
    fn catalogue(&self) -> &str {
        let section = self.job.cursor.section.as_ref();
        section.map_or("", catalogue)
    }

    /// Whether what a good of the open list says of its prices and of its stock is all of them. It is unless
    /// the file is marked as changes: the mark may be left out, and then there is none (commerceml §2.3).
    /// What archives goods asks for more, see [`Self::is_full`].
    fn says_all(&self) -> bool {
        let cursor = &self.job.cursor;
        let section = cursor.section.as_ref();
        let marked = cursor.batch || cursor.changes_only == Some(true);
        !marked
            && section.is_some_and(|section| {
                section.kind != SectionKind::PackageChanges && section.changes_only != Some(true)
            })
    }

    /// Whether a section is marked as full: neither it nor the root may say that it has changes only, and
    /// one must say that it has not (commerceml §2.4).
    fn is_full(&self, section: &Section) -> bool {
        let root = self.job.cursor.changes_only;
        section.kind != SectionKind::PackageChanges
            && root != Some(true)
            && section.changes_only.or(root) == Some(false)
    }

    /// The list of price types has ended: it may say in which order they stand.
    fn arrange(&mut self) {
        let listed = std::mem::take(&mut self.job.cursor.listed);
        if !listed.is_empty()
            && let Some(order) = self.price_types.arrange(&listed)
        {
            self.batch.arranged = Some(order);
        }
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
        self.arrange();
        // Ids may stand behind the list: what it had was stored under those that were known before it.
        let head = self.job.cursor.section.take();
        let head = head.as_ref().unwrap_or(section);
        let full = self.is_full(section);
        match section.kind {
            SectionKind::Classifier => {
                self.batch.tree = true;
                // Changes repeat the classifier in full: it is all where the goods are.
                if section.listed && section.changes_only != Some(true) {
                    self.job.cursor.classifier = Some(section_id(head).to_owned());
                }
            }
            SectionKind::Catalogue if section.listed => {
                self.list(Listed::Goods, catalogue(head), full);
                if let Some(classifier) = self.job.cursor.classifier.take().filter(|_| full) {
                    self.list(Listed::Groups, &classifier, full);
                }
            }
            SectionKind::Package if section.listed && self.job.cursor.described => {
                self.list(Listed::Offers, catalogue(head), full);
            }
            _ => {}
        }
    }

    /// A list has ended.
    fn list(&mut self, of: Listed, catalogue: &str, full: bool) {
        let catalogue = catalogue.to_owned();
        let list = List { of, catalogue };
        if full && !self.job.cursor.batch && !self.job.cursor.lists.contains(&list) {
            self.job.cursor.lists.push(list.clone());
        }
        self.batch.lists.push((list, full));
    }

    /// Stores the batch and how far it came, as one change.
    async fn flush(&mut self, read: bool) -> Result<(), Error> {
        let mut batch = std::mem::take(&mut self.batch);
        let warnings = self.reader.take_warnings();
        batch
            .warnings
            .extend(warnings.into_iter().map(told_warning));
        self.store_references(&mut batch).await?;
        self.find(&mut batch).await?;
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
    async fn store_references(&mut self, batch: &mut Batch) -> Result<(), Error> {
        let (sql, tenant, now) = (
            &self.call.app.sql,
            self.call.slug(),
            self.call.clock.now_ms(),
        );
        let mut statements = references::statements(tenant, SOURCE, &batch.references, now);
        if !batch.groups.is_empty() {
            statements.push(categories::import(tenant, SOURCE, &batch.groups, now));
        }
        if let Some(order) = &batch.arranged {
            statements.push(refs::arrange(tenant, RefKind::PriceType, order));
        }
        if !statements.is_empty() {
            let statements = self.job.counting(tenant, statements);
            let answers = sql.atomic(statements).await?;
            if let Some(row) = answers.last().and_then(|rows| rows.first()) {
                let changed = row.int(0).and_then(|n| u64::try_from(n).ok());
                self.job.cursor.totals.references = changed.unwrap_or_default();
            }
        }
        if !batch.groups.is_empty() && categories::is_full(sql, tenant).await? {
            let text = "групп больше 20 000: лишние не загружены".to_owned();
            batch.warnings.push((String::new(), text));
        }
        if batch.tree {
            for statement in categories::paths(sql, tenant, now).await? {
                sql.atomic(vec![statement]).await?;
                self.call.clock.pause().await;
            }
        }
        Ok(())
    }

    /// Finds the goods of offers that name them by barcode or article alone (commerceml §2.5).
    async fn find(&mut self, batch: &mut Batch) -> Result<(), Error> {
        if batch.unnamed.is_empty() {
            return Ok(());
        }
        let (sql, tenant) = (&self.call.app.sql, self.call.slug());
        for found in references::found(sql, tenant, std::mem::take(&mut batch.unnamed)).await? {
            let change = match found {
                Ok(product) => map::offer(&product, &self.context()),
                Err((object, text)) => {
                    batch.warnings.push((object, text));
                    None
                }
            };
            match change {
                Some(change) => batch.changes.push(change),
                None => self.job.cursor.totals.skipped += 1,
            }
        }
        Ok(())
    }

    /// Leaves out goods that are outside of the root category; one that was moved out of it goes.
    async fn filter(&mut self, changes: &mut [Change]) -> Result<(), Error> {
        let Some(root) = &self.call.settings().root_category else {
            return Ok(());
        };
        let (sql, tenant) = (&self.call.app.sql, self.call.slug());
        let inside = references::inside(sql, tenant, root, changes).await?;
        for change in changes.iter_mut().filter(|c| c.side == Some(Side::Card)) {
            let inside = |ids: &Vec<String>| ids.iter().any(|id| inside.contains(id));
            match change.categories.as_ref().map(inside) {
                Some(true) => {}
                // What says nothing of its groups is known or is nobody's.
                None => change.create = false,
                Some(false) => {
                    *change = Change {
                        keys: change.keys.clone(),
                        side: change.side,
                        deleted: Some(true),
                        ..Change::default()
                    };
                }
            }
        }
        Ok(())
    }

    async fn store(&mut self, batch: &Batch) -> Result<(), Error> {
        let (sql, tenant) = (&self.call.app.sql, self.call.slug());
        let choice = self.choice();
        let options = choice.options();
        let priced = |change: &Change| change.prices.is_some() || change.stock.is_some();
        let priced = batch.changes.iter().any(priced);
        let name = choice.name();
        if priced && self.chosen.as_ref().is_some_and(|chosen| *chosen != name) {
            self.job.cursor.mixed = true;
        }
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
            if priced && self.chosen.is_none() {
                statements.push(choice::store(tenant, &name));
            }
            let early = !self.job.cursor.read && now < self.saved_at + UNSAVED_MS;
            if statements.is_empty() && !batch.refers() && early {
                self.unsaved = true;
                return Ok(());
            }
            match self.write(statements, now).await {
                Ok(()) => break,
                Err(Error::Sql(SqlError::Conflict)) if attempt < ATTEMPTS => attempt += 1,
                Err(error) => return Err(error),
            }
        }
        if priced {
            self.chosen.get_or_insert(name);
        }
        Ok(())
    }

    /// Saves the cursor, should it have gone on.
    async fn save(&mut self) -> Result<(), Error> {
        if self.unsaved {
            self.write(Vec::new(), self.call.clock.now_ms()).await?;
        }
        Ok(())
    }

    /// Writes these and the cursor, as one change.
    async fn write(&mut self, mut statements: Vec<Statement>, now: i64) -> Result<(), Error> {
        let tenant = self.call.slug();
        statements.push(self.job.save(tenant, now)?);
        statements.push(self.lease.renew(tenant, now));
        self.call.app.sql.atomic(statements).await?;
        self.job.seq += 1;
        self.saved_at = now;
        self.unsaved = false;
        Ok(())
    }

    /// The statements that note what the batch has had and which lists have ended in it.
    fn seen(&self, batch: &Batch, plan: &store::Plan) -> Vec<Statement> {
        let (call, job) = (self.call, &self.job);
        let mut statements = Vec::new();
        for (of, side) in [(Listed::Goods, Side::Card), (Listed::Offers, Side::Offer)] {
            let both = batch.changes.iter().zip(&plan.goods);
            let of_side = both.filter(|(change, _)| change.side == Some(side));
            let ids = of_side.filter_map(|(_, good)| good.as_deref());
            let ids: Vec<&str> = ids.collect();
            statements.extend(missing::seen(call.slug(), job, of, &ids));
        }
        let groups = batch
            .groups
            .iter()
            .map(|group| categories::kept_id(&group.id));
        let groups: Vec<String> = groups.collect();
        let ids: Vec<&str> = groups.iter().map(String::as_str).collect();
        statements.extend(missing::seen(call.slug(), job, Listed::Groups, &ids));
        let lists = batch.lists.iter();
        statements.extend(lists.map(|(list, full)| missing::heard(call, job, list, *full)));
        statements
    }

    /// Counts a plan; answers the statements that tell of it.
    fn counted(&mut self, batch: &Batch, plan: &store::Plan, now: i64) -> Vec<Statement> {
        let tenant = self.call.slug();
        let mut statements = Vec::new();
        if self.call.settings().missing == Missing::Archive {
            statements.extend(self.seen(batch, plan));
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

/// The id of a section; empty where it has none.
fn section_id(section: &Section) -> &str {
    section.id.as_deref().unwrap_or_default()
}

/// The catalogue that a section tells of: a package's id is mostly the catalogue's with `#` behind.
fn catalogue(section: &Section) -> &str {
    match (section.kind, &section.catalogue) {
        (SectionKind::Package | SectionKind::PackageChanges, Some(id)) => id,
        _ => section_id(section).trim_end_matches('#'),
    }
}

/// The object of a warning, and its text.
fn told_warning(warning: Warning) -> (String, String) {
    let place = format!("строка {}: {}", warning.line, warning.text);
    (warning.object.unwrap_or_default(), place)
}
