//! Which changes products become: of goods of the shop's own, or beside goods that have another master.

use std::collections::{BTreeMap, HashMap, HashSet};

use sklad_catalog::import::{self as catalog, Alike, Called, Change, Keys, Match};
use sklad_store::{Sql, SqlError};

use super::cursor::Kind;
use super::{Work, of_catalog};
use crate::link::{Choice, beside, choose, nothing_beside};
use crate::map::{Item, Mapped};
use crate::settings::Link;

/// What products become.
#[derive(Debug, Default)]
pub struct Resolved {
    /// In this order.
    pub changes: Vec<Change>,
    /// Keys of goods, and what the merchant is told of them.
    pub warnings: Vec<(String, String)>,
    /// Aliases of variants that there are no more.
    pub forget: Vec<String>,
    /// Goods that turned out to be another source's just now.
    pub linked: usize,
}

/// What a good of the shop is.
enum Is {
    /// A good by itself.
    Own,
    /// The good that its alias leads to, whose product is this.
    Linked(Option<String>),
    /// This good, from now on.
    Found(Box<Match>),
}

impl Is {
    /// The product of the good that it is part of; nothing where it is a good by itself.
    fn parent(&self) -> Option<Option<&String>> {
        match self {
            Self::Own => None,
            Self::Linked(parent) => Some(parent.as_ref()),
            Self::Found(found) => Some(found.parent.as_ref()),
        }
    }

    fn change(&self, item: &Item, work: &crate::map::Names) -> Change {
        match self {
            Self::Own => item.change.clone(),
            Self::Linked(_) => beside(item, work, None),
            Self::Found(found) => beside(item, work, Some(found.good.clone())),
        }
    }
}

/// Finds out what products become.
///
/// # Errors
/// The database's.
pub async fn resolve<S: Sql, H, C>(
    work: &Work<'_, S, H, C>,
    products: &[Mapped],
    kind: Kind,
) -> Result<Resolved, SqlError> {
    let (sql, tenant) = (work.ports.sql, work.place.tenant);
    let keys: Vec<&str> = products.iter().map(|one| one.item.key.as_str()).collect();
    let called = catalog::called(sql, tenant, &keys, work.names.source()).await;
    let called = called.map_err(of_catalog)?;
    // Of what another source has in its archive nobody is the master.
    let links = called.iter().filter(|one| !one.own && one.here);
    let links: HashMap<&str, &Called> = links.map(|one| (one.id.as_str(), one)).collect();
    let mut resolved = Resolved::default();
    if kind == Kind::Full {
        unlike(work, products, &links, &mut resolved).await?;
    }
    let mut found = found(work, products, &links, &mut resolved).await?;
    // What is not sold any more makes room first.
    let (here, away): (Vec<&Mapped>, Vec<&Mapped>) = products.iter().partition(|p| p.item.here);
    for product in away.into_iter().chain(here) {
        gone(work, product, &called, &mut resolved);
        let mut is = |item: &Item| match links.get(item.key.as_str()) {
            Some(link) => Is::Linked(link.parent.clone()),
            None => found.remove(&item.key).map_or(Is::Own, Is::Found),
        };
        let variants: Vec<(&Item, Is)> = (product.variants.iter())
            .map(|item| (item, is(item)))
            .collect();
        let whole = is(&product.item);
        let (change, beside) = whole_product(work, product, whole, &variants);
        let is_taken = |item: &Item| {
            let link = links.get(item.key.as_str());
            !item.here && link.is_some_and(|link| another_is_there(item, link))
        };
        if !is_taken(&product.item) {
            resolved.changes.push(change);
        }
        for (item, is) in variants.iter().filter(|(item, _)| !is_taken(item)) {
            let mut change = is.change(item, &work.names);
            if beside && change.parent.is_some() {
                // The product's external id is another one: it is known by its alias.
                change.parent_id = change.parent.take();
            }
            resolved.changes.push(change);
        }
    }
    Ok(resolved)
}

/// Whether the good that this one was linked to is linked to another one of the shop's by now: then this one has
/// nothing there that could be taken away.
fn another_is_there(item: &Item, link: &Called) -> bool {
    let theirs = link.extra.as_ref().filter(|ids| !ids.is_empty());
    item.ids.is_some() && theirs.is_some() && theirs != item.ids.as_ref()
}

/// What a product becomes, and whether that is part of another source's good. A product of which only
/// variants are sold is nothing by itself: where all of them are another source's, so is it.
fn whole_product<S, H, C>(
    work: &Work<'_, S, H, C>,
    product: &Mapped,
    is: Is,
    variants: &[(&Item, Is)],
) -> (Change, bool) {
    let names = &work.names;
    let item = &product.item;
    let linked = !variants.is_empty() && variants.iter().all(|(_, is)| is.parent().is_some());
    match is {
        Is::Own if linked => {
            let mut parents = variants.iter().filter_map(|(_, is)| is.parent().flatten());
            let first = parents.next();
            match first.filter(|first| parents.all(|other| other == *first)) {
                Some(parent) => (beside(item, names, Some(parent.clone())), true),
                None => (never(item), false),
            }
        }
        Is::Own => (item.change.clone(), false),
        is => (is.change(item, names), true),
    }
}

/// The change by which a good is not made, and is archived where it was.
fn never(item: &Item) -> Change {
    Change {
        keys: Keys::external(item.key.clone()),
        deleted: Some(true),
        ..Change::default()
    }
}

/// Variants that a product does not have any more. They go first: a good may have come under another id.
fn gone<S, H, C>(
    work: &Work<'_, S, H, C>,
    product: &Mapped,
    called: &[Called],
    resolved: &mut Resolved,
) {
    let product_key = &product.item.key;
    let behind = |one: &&Called| {
        let rest = one.id.strip_prefix(product_key.as_str());
        rest.is_some_and(|rest| rest.starts_with('#'))
    };
    let is_there = |one: &Called| product.variants.iter().any(|item| item.key == one.id);
    for one in called.iter().filter(behind).filter(|one| !is_there(one)) {
        if one.own && one.here {
            resolved.changes.push(Change {
                keys: Keys::external(one.id.clone()),
                deleted: Some(true),
                ..Change::default()
            });
        } else if !one.own {
            let change = nothing_beside(&one.id, &work.names);
            resolved.changes.push(change);
            resolved.forget.push(one.id.clone());
        }
    }
}

/// Finds goods that were linked and have nothing in common any more. They stay linked: which of both is wrong
/// the merchant knows.
async fn unlike<'a, S: Sql, H, C>(
    work: &Work<'_, S, H, C>,
    products: &'a [Mapped],
    links: &HashMap<&str, &'a Called>,
    resolved: &mut Resolved,
) -> Result<(), SqlError> {
    let link = work.place.settings.link;
    let linked = |item: &'a Item| Some((item, *links.get(item.key.as_str())?));
    let sold = products.iter().flat_map(Mapped::items);
    let sold = sold.filter(|item| item.here && item.ids.is_some());
    let pairs: Vec<(&Item, &Called)> = sold.filter_map(linked).collect();
    if link == Link::None || pairs.is_empty() {
        return Ok(());
    }
    let alike = |(item, called): &(&'a Item, &'a Called)| (called.good.as_str(), link.terms(item));
    let goods: Vec<Alike<'_>> = pairs.iter().map(alike).collect();
    let found = catalog::unlike(work.ports.sql, work.place.tenant, &goods).await;
    for (at, name) in found.map_err(of_catalog)? {
        let Some((item, _)) = pairs.get(at) else {
            continue;
        };
        let text = format!(
            "Товар InSales «{}» связан с «{name}», но {} у них разный",
            item.title,
            link.word()
        );
        resolved.warnings.push((item.key.clone(), text));
    }
    Ok(())
}

/// Looks for goods of other sources that the shop's goods are, by what the merchant has chosen.
async fn found<S: Sql, H, C>(
    work: &Work<'_, S, H, C>,
    products: &[Mapped],
    links: &HashMap<&str, &Called>,
    resolved: &mut Resolved,
) -> Result<BTreeMap<String, Box<Match>>, SqlError> {
    let link = work.place.settings.link;
    let sold = products.iter().flat_map(|one| {
        let single = one.item.ids.is_some().then_some(&one.item);
        single.into_iter().chain(&one.variants)
    });
    // What nobody can buy is nobody's double.
    let (sold, gone): (Vec<&Item>, Vec<&Item>) = sold.partition(|item| item.here);
    let ids: HashSet<&String> = gone.iter().filter_map(|item| item.ids.as_ref()).collect();
    let gone: HashSet<&str> = gone.iter().map(|item| item.key.as_str()).collect();
    let free = (sold.into_iter()).filter(|item| !links.contains_key(item.key.as_str()));
    let mut asked: Vec<(&Item, (&str, String))> = Vec::new();
    for item in free {
        asked.extend(link.terms(item).into_iter().map(|term| (item, term)));
    }
    let mut chosen = BTreeMap::new();
    if asked.is_empty() {
        return Ok(chosen);
    }
    let (sql, tenant) = (work.ports.sql, work.place.tenant);
    let terms: Vec<(&str, String)> = asked.iter().map(|(_, term)| term.clone()).collect();
    let matches = catalog::matching(sql, tenant, &terms, work.names.source()).await;
    let matches = matches.map_err(of_catalog)?;
    let mut times: HashMap<String, usize> = HashMap::new();
    for (_, value) in &terms {
        *times.entry(folded(value)).or_default() += 1;
    }
    for ((item, (_, value)), mut matches) in asked.into_iter().zip(matches) {
        matches.retain(|found| {
            !found
                .external
                .as_deref()
                .is_some_and(|id| gone.contains(id))
        });
        for found in &mut matches {
            found.extra.take_if(|linked| ids.contains(linked));
        }
        if chosen.contains_key(&item.key) {
            continue;
        }
        let twice = times.get(&folded(&value)).is_some_and(|times| *times > 1);
        match choose(link, item, &value, &matches, twice, &work.names) {
            Choice::Nothing => {}
            Choice::One(found) => {
                resolved.linked += 1;
                chosen.insert(item.key.clone(), found);
            }
            Choice::Unclear(text) => resolved.warnings.push((item.key.clone(), text)),
        }
    }
    Ok(chosen)
}

fn folded(value: &str) -> String {
    sklad_catalog::text::fold(value)
}
