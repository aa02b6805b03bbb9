//! A batch in memory: which goods its changes mean, and what becomes of them.

use std::collections::HashMap;

use serde_json::json;
use sklad_store::{Row, Sql, SqlError, Statement, Value};

use super::change::{Change, Keys};
use super::record::{COLUMNS, GONE, LIVE, NAMED, Record, WITH_PRODUCT, column};
use super::told::{Note, Side, Told};
use super::{Counts, MAX_CHANGES, Options, Warning, merge, reading};
use crate::goods::MAX_KEY_CHARS;

/// A good of the batch.
#[derive(Debug)]
pub struct Item {
    /// As it is stored; `None` for a new one.
    pub before: Option<Record>,
    /// As it will be.
    pub now: Record,
    /// The good that it was merged into.
    pub merged_into: Option<usize>,
    /// Whether a change means it; a product may be here for its variants alone.
    meant: bool,
    /// What the batch says of it.
    said: Told,
    /// The columns that the batch changes.
    pub changed: u32,
    /// The rowid: orders stored goods by their making.
    pub age: i64,
}

/// The goods of a batch and how they are called.
#[derive(Debug, Default)]
pub struct Work {
    pub items: Vec<Item>,
    pub counts: Counts,
    pub warnings: Vec<Warning>,
    /// The changes that are not taken.
    pub again: Again,
    /// The item of each change that is taken.
    pub targets: Vec<Option<usize>>,
    /// Ids of the kind uuid that were not known: value and item.
    pub learnt: Vec<(String, usize)>,
    /// Variants whose products were not known, and these.
    orphans: Vec<(usize, String)>,
    external: HashMap<String, usize>,
    uuids: HashMap<String, usize>,
    ids: HashMap<String, usize>,
}

/// The changes of a batch that say what was said before: they need no work.
#[derive(Debug, Default)]
pub struct Again {
    /// The good of each change that is one of them.
    goods: Vec<Option<String>>,
}

impl Again {
    /// Whether the change of this number is one of them.
    pub fn is(&self, index: usize) -> bool {
        self.goods.get(index).is_some_and(Option::is_some)
    }

    /// How many goods they are about.
    fn count(&self) -> usize {
        let mut goods: Vec<&String> = self.goods.iter().flatten().collect();
        goods.sort_unstable();
        goods.dedup();
        goods.len()
    }

    /// The goods of all changes, with those of the others filled in.
    pub fn with(self, others: impl IntoIterator<Item = Option<String>>) -> Vec<Option<String>> {
        let mut others = others.into_iter();
        let all = self.goods.into_iter();
        all.map(|good| good.or_else(|| others.next().flatten()))
            .collect()
    }
}

/// Finds the changes that say what was said before. Only goods that are known by an external id, and of
/// which every change of the batch has a side, can be.
pub async fn said_again(
    sql: &impl Sql,
    tenant: &str,
    changes: &[Change],
    options: &Options<'_>,
) -> Result<Again, SqlError> {
    const READ: &str = "SELECT k.value, g.id, g.told FROM json_each(?2) k \
         CROSS JOIN goods g INDEXED BY goods_by_external ON g.tenant = +?1 AND g.external = k.value \
         WHERE g.told IS NOT NULL";
    let mut said: HashMap<&str, Option<Told>> = HashMap::with_capacity(changes.len());
    for change in changes {
        let Some(external) = change.keys.external.as_deref() else {
            continue;
        };
        let told = said.entry(external).or_insert(Some(Told::default()));
        match (told, change.side) {
            (Some(told), Some(side)) => told.say(side, Note::of(change, options)),
            (told, _) => *told = None,
        }
    }
    said.retain(|_, told| told.is_some());
    let mut goods = vec![None; changes.len()];
    if said.is_empty() {
        return Ok(Again { goods });
    }
    let keys: Vec<&str> = said.keys().copied().collect();
    let read = Statement::new(READ)
        .bind(tenant)
        .bind(json!(keys).to_string());
    let mut again: HashMap<String, String> = HashMap::new();
    for row in sql.query(read).await? {
        let key = row.text(0).unwrap_or_default();
        let batch = said.get(key).copied().flatten().unwrap_or_default();
        if Told::read(row.text(2)).includes(batch) {
            again.insert(key.to_owned(), row.string(1));
        }
    }
    for (good, change) in goods.iter_mut().zip(changes) {
        let external = change.keys.external.as_ref();
        *good = external.and_then(|key| again.get(key)).cloned();
    }
    Ok(Again { goods })
}

/// Whether its source has it: what is archived with its product is no less there.
fn is_here(good: &Record) -> bool {
    matches!(good.archived, LIVE | WITH_PRODUCT)
}

/// What is no change of the good's own: which catalogue says it, and what a variant has of its product.
fn derived(before: &Record, now: &Record) -> u32 {
    if now.parent.is_none() || before.parent != now.parent {
        return column::catalogue;
    }
    let mut columns = column::catalogue | column::category | column::categories;
    if now.card & NAMED == 0 {
        columns |= column::name;
    }
    if is_here(before) && is_here(now) {
        columns |= column::archived;
    }
    columns
}

impl Work {
    /// The batch that begins with what [`reading::of`] answered.
    pub fn new(rows: Vec<Row>, again: Again) -> Self {
        let mut work = Self::default();
        work.counts.unchanged = again.count();
        work.again = again;
        work.add(rows);
        work
    }

    /// More of what is stored: rows as [`reading::of`] answers them. What is here already stays.
    pub fn add(&mut self, rows: Vec<Row>) {
        for mut row in rows {
            let age = row.int(COLUMNS.len() + 2).unwrap_or_default();
            let external = row.text(COLUMNS.len() + 1) == Some("external");
            let key = match row
                .0
                .get_mut(COLUMNS.len())
                .map(|cell| std::mem::replace(cell, Value::Null))
            {
                Some(Value::Text(key)) => key,
                _ => continue,
            };
            let at = match self.ids.get(&row.string(0)) {
                Some(at) => *at,
                None => self.push(Some(Record::read(row)), age),
            };
            let keys = if external {
                &mut self.external
            } else {
                &mut self.uuids
            };
            keys.entry(key).or_insert(at);
        }
    }

    /// The statement that reads variants of goods that have another name now, where there are such goods.
    pub fn variants_of_renamed(&self, tenant: &str) -> Option<Statement> {
        let renamed = |item: &&Item| {
            let before = item.before.as_ref();
            before.is_some_and(|before| before.name != item.now.name && before.parent.is_none())
        };
        let ids = self.items.iter().filter(renamed).map(|item| &item.now.id);
        let ids: Vec<&String> = ids.collect();
        (!ids.is_empty()).then(|| {
            Statement::new(format!(
                "SELECT {}, g.id, 'uuid', g.rowid FROM json_each(?2) k CROSS JOIN goods g \
                 INDEXED BY goods_by_parent ON g.tenant = +?1 AND g.parent = k.value \
                 WHERE g.card & {NAMED} = 0 LIMIT {MAX_CHANGES}",
                reading::columns()
            ))
            .bind(tenant)
            .bind(json!(ids).to_string())
        })
    }

    /// Makes prices and stock of all goods anew.
    pub fn choose(&mut self, options: &Options<'_>) {
        for item in &mut self.items {
            merge::choose(&mut item.now, options);
            item.meant = true;
        }
    }

    fn push(&mut self, before: Option<Record>, age: i64) -> usize {
        let at = self.items.len();
        let now = before.clone().unwrap_or_default();
        if before.is_some() {
            self.ids.insert(now.id.clone(), at);
        }
        self.items.push(Item {
            before,
            now,
            merged_into: None,
            meant: false,
            said: Told::default(),
            changed: 0,
            age,
        });
        at
    }

    /// Applies one change, or notes why not.
    pub fn take(
        &mut self,
        index: usize,
        change: &Change,
        options: &Options<'_>,
        ids: &mut impl FnMut() -> String,
    ) {
        let keys = self.own_keys(index, change);
        let target = match self.target(change, &keys, options, ids) {
            Ok(target) => target,
            Err(text) => {
                self.warn(index, change, true, text);
                None
            }
        };
        self.targets.push(target);
        let Some(at) = target else { return };
        let parent = self.product(change);
        if let (Some(product), None) = (&change.parent, &parent) {
            self.orphans.push((at, product.clone()));
        }
        let mut notes = Vec::new();
        if let Some(item) = self.items.get_mut(at) {
            item.meant = true;
            if parent.is_some() {
                item.now.parent = parent;
            }
            merge::apply(&mut item.now, change, options, &mut notes);
            if let Some(side) = change.side {
                item.said.say(side, Note::of(change, options));
            }
        }
        self.learn(at, &keys);
        for text in notes {
            self.warn(index, change, false, &text);
        }
    }

    /// The keys of a change without an external id that another good of МойСклад has: such ids need not be
    /// unique there. From a good that is archived the id is taken away: its successor has it.
    fn own_keys(&mut self, index: usize, change: &Change) -> Keys {
        let mut keys = change.keys.clone();
        let owner = keys.external.as_ref().and_then(|id| self.external.get(id));
        let (Some(&at), Some(ms_id)) = (owner, &keys.ms_id) else {
            return keys;
        };
        let same = self.uuids.get(ms_id) == Some(&at);
        let Some(owner) = self.items.get_mut(at).filter(|_| !same) else {
            return keys;
        };
        if owner.now.ms_id.is_none() {
            return keys;
        }
        if owner.now.archived == LIVE {
            keys.external = None;
            let text = "такой же внешний код есть у другого товара: товар загружен без него";
            self.warn(index, change, false, text);
        } else if let Some(external) = owner.now.external.take() {
            self.external.remove(&external);
        }
        keys
    }

    fn warn(&mut self, index: usize, change: &Change, refused: bool, text: &str) {
        self.warnings.push(Warning {
            index,
            external: change.keys.external.clone(),
            refused,
            text: text.to_owned(),
        });
    }

    /// The good that a change means, made or merged if need be; `None` when it is skipped.
    fn target(
        &mut self,
        change: &Change,
        keys: &Keys,
        options: &Options<'_>,
        ids: &mut impl FnMut() -> String,
    ) -> Result<Option<usize>, &'static str> {
        let external = keys.external.as_deref();
        if external.is_some_and(|id| id.is_empty() || id.len() > MAX_KEY_CHARS * 4) {
            return Err("идентификатор пуст или длиннее 255 знаков");
        }
        if external.is_none() && keys.uuids().next().is_none() {
            return Err("нужен id, ms_id, sync_id или external");
        }
        let mut owner = external.and_then(|id| self.external.get(id).copied());
        for id in keys.uuids() {
            let other = self.uuids.get(id).copied();
            owner = match (owner, other) {
                (Some(a), Some(b)) if a != b => Some(self.join(a, b)?),
                (a, b) => a.or(b),
            };
        }
        let called = keys.alias.as_ref().and_then(|id| self.external.get(id));
        owner = match (owner, called.copied()) {
            (Some(kept), Some(gone)) if kept != gone => Some(self.absorb(kept, gone)?),
            (kept, other) => kept.or(other),
        };
        if owner.is_some() {
            return Ok(owner);
        }
        let lost = self.product(change).is_none();
        // A card is of a good, with or without its product; an offer alone is nobody's (commerceml §1.5).
        let orphan = change.parent_id.is_some()
            || (change.parent.is_some() && change.side != Some(Side::Card));
        if !change.create || (lost && orphan) {
            self.counts.skipped_unknown += 1;
            return Ok(None);
        }
        let at = self.push(None, i64::MAX);
        if let Some(item) = self.items.get_mut(at) {
            item.now.id = keys.own().next().cloned().unwrap_or_else(ids);
            item.now.source = options.source.map(str::to_owned);
            super::Kind::Product.name().clone_into(&mut item.now.kind);
            self.ids.insert(item.now.id.clone(), at);
            self.uuids.insert(item.now.id.clone(), at);
        }
        Ok(Some(at))
    }

    /// The id of the product whose variant the change is, when it is known.
    fn product(&self, change: &Change) -> Option<String> {
        let by_external = change.parent.as_ref().and_then(|id| self.external.get(id));
        let by_id = || change.parent_id.as_ref().and_then(|id| self.uuids.get(id));
        let at = by_external.or_else(by_id)?;
        self.items.get(*at).map(|item| item.now.id.clone())
    }

    /// Makes one good of two; the older stays.
    fn join(&mut self, a: usize, b: usize) -> Result<usize, &'static str> {
        let age = |at: usize| self.items.get(at).map(|item| (item.age, at));
        let (winner, loser) = if age(a) <= age(b) { (a, b) } else { (b, a) };
        self.unite(winner, loser)
    }

    /// Makes a good part of another one. What it was stays nobody's: the other has a master.
    fn absorb(&mut self, kept: usize, gone: usize) -> Result<usize, &'static str> {
        if let Some(item) = self.items.get_mut(gone) {
            if let Some(external) = &item.now.external {
                self.external.remove(external);
            }
            item.now = Record {
                id: std::mem::take(&mut item.now.id),
                archived: i64::MAX,
                ..Record::default()
            };
        }
        self.unite(kept, gone)
    }

    /// Makes `loser` part of `winner`.
    fn unite(&mut self, winner: usize, loser: usize) -> Result<usize, &'static str> {
        const TWO: &str = "идентификаторы принадлежат разным товарам";
        let lost = self.items.get(loser).ok_or(TWO)?.now.clone();
        let kept = self.items.get_mut(winner).ok_or(TWO)?;
        if !merge::can_join(&kept.now, &lost) {
            return Err(TWO);
        }
        // Rules of the programme name goods by id: the one that goes must go on to mean this good.
        self.learnt.push((lost.id.clone(), winner));
        merge::join(&mut kept.now, lost);
        kept.meant = true;
        if let Some(item) = self.items.get_mut(loser) {
            item.merged_into = Some(winner);
        }
        for keys in [&mut self.external, &mut self.uuids] {
            keys.values_mut()
                .filter(|at| **at == loser)
                .for_each(|at| *at = winner);
        }
        for (_, at) in self.learnt.iter_mut().filter(|(_, at)| *at == loser) {
            *at = winner;
        }
        for at in self.targets.iter_mut().flatten().filter(|at| **at == loser) {
            *at = winner;
        }
        Ok(winner)
    }

    /// Every key of the change leads to this good from now on.
    fn learn(&mut self, at: usize, keys: &Keys) {
        let Some(item) = self.items.get_mut(at) else {
            return;
        };
        let known = |kept: &mut Option<String>, given: &Option<String>| {
            if given.is_some() {
                kept.clone_from(given);
            }
        };
        known(&mut item.now.ms_id, &keys.ms_id);
        known(&mut item.now.sync_id, &keys.sync_id);
        if keys.external.is_some() && item.now.external != keys.external {
            if let Some(old) = item.now.external.take() {
                self.external.remove(&old);
            }
            known(&mut item.now.external, &keys.external);
        }
        if let Some(external) = &keys.external
            && !self.external.contains_key(external)
        {
            self.external.insert(external.clone(), at);
        }
        for id in keys.uuids() {
            if self.uuids.insert(id.clone(), at).is_none() {
                self.learnt.push((id.clone(), at));
            }
        }
    }

    /// A variant without a name of its own is called as its product, with what tells it from its
    /// sisters (commerceml §2.7).
    fn name_variant(&mut self, at: usize) {
        let Some(item) = self.items.get(at) else {
            return;
        };
        let unnamed = item.now.card & NAMED == 0;
        let Some(parent) = item.now.parent.as_ref().filter(|_| unnamed) else {
            return;
        };
        let product = self.ids.get(parent).and_then(|at| self.items.get(*at));
        let Some(name) = product.map(|product| product.now.name.clone()) else {
            return;
        };
        let pairs: Vec<(String, String)> = item
            .now
            .characteristics
            .as_deref()
            .and_then(|json| serde_json::from_str(json).ok())
            .unwrap_or_default();
        let values: Vec<String> = pairs.into_iter().map(|(_, value)| value).collect();
        let values = values.join(", ");
        let name = match (name.as_str(), values.as_str()) {
            (_, "") => name,
            ("", _) => values,
            _ => format!("{name} ({values})"),
        };
        if let Some(item) = self.items.get_mut(at) {
            item.now.name = name.chars().take(crate::goods::MAX_NAME_CHARS).collect();
        }
    }

    /// The good that this one became: itself, or the one that it was merged into.
    pub fn last<'a>(&'a self, mut item: &'a Item) -> Option<&'a Item> {
        while let Some(winner) = item.merged_into {
            item = self.items.get(winner)?;
        }
        Some(item)
    }

    /// A variant whose product was merged into another one is that one's.
    fn follow_merge(&mut self, at: usize) {
        let parent = self.items.get(at).and_then(|item| item.now.parent.as_ref());
        let product = parent.and_then(|id| self.items.get(*self.ids.get(id)?));
        let id = product
            .and_then(|product| self.last(product))
            .map(|item| item.now.id.clone());
        if let (Some(item), Some(id)) = (self.items.get_mut(at), id) {
            item.now.parent = Some(id);
        }
    }

    /// Variants that came before their products find them.
    fn adopt(&mut self) {
        for (at, product) in std::mem::take(&mut self.orphans) {
            let product = self.external.get(&product);
            let product = product.and_then(|at| self.items.get(*at));
            let id = product.map(|product| product.now.id.clone());
            let Some(item) = self.items.get_mut(at) else {
                continue;
            };
            if id.is_some() {
                item.now.parent = id;
                super::Kind::Variant.name().clone_into(&mut item.now.kind);
            } else {
                // It is looked for each time.
                item.said = Told::default();
            }
        }
    }

    /// Ends the batch: variants take their product's categories, every good is counted.
    pub fn finish(&mut self) {
        self.adopt();
        for at in 0..self.items.len() {
            self.follow_merge(at);
            self.name_variant(at);
            let Some(parent) = self.items.get(at).and_then(|item| item.now.parent.as_ref()) else {
                continue;
            };
            let product = self.ids.get(parent).and_then(|at| self.items.get(*at));
            let Some(product) = product.map(|product| &product.now) else {
                continue;
            };
            let (category, others) = (product.category.clone(), product.categories.clone());
            let gone = product.archived == GONE;
            if let Some(item) = self.items.get_mut(at) {
                item.now.category = category;
                item.now.categories = others;
                item.now.archived = match item.now.archived {
                    LIVE if gone => WITH_PRODUCT,
                    WITH_PRODUCT if !gone => LIVE,
                    kept => kept,
                };
            }
        }
        for item in &mut self.items {
            let before = item.before.as_ref();
            item.changed = before.map_or(u32::MAX, |before| before.differing(&item.now));
            // What is new was changed by nobody else.
            let others = before.map_or(0, |_| item.changed);
            if item.now.parent.is_some() && item.now.name.is_empty() {
                // It may yet get its product's.
                item.said = Told::default();
            }
            item.now.told = item.now.told.after(item.said, others);
        }
        let counts = &mut self.counts;
        let alive = self
            .items
            .iter()
            .filter(|item| item.meant && item.merged_into.is_none());
        for item in alive {
            let count = match &item.before {
                None => &mut counts.created,
                Some(before) if item.changed & !derived(before, &item.now) == 0 => {
                    &mut counts.unchanged
                }
                Some(before) if is_here(before) && !is_here(&item.now) => &mut counts.deleted,
                Some(before) if !is_here(before) && is_here(&item.now) => &mut counts.restored,
                Some(_) => &mut counts.changed,
            };
            *count += 1;
        }
    }
}
