//! Objects that МойСклад says have changed, read anew by their ids. What they are now counts: however often,
//! late or out of order it is said, the end is what МойСклад has.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::value::RawValue;
use sklad_catalog::import::archive_gone;
use sklad_store::{Clock, Http, Sql, SqlError};

use super::cursor::{Cursor, Kind, Phase};
use super::{Place, SOURCE, Went, Work, customers, goods, references, stock};
use crate::api::page::{List, MAX_ROWS, Page};
use crate::api::session::Failure;
use crate::api::wire::reference;
use crate::api::{Error, Session};
use crate::map;
use sklad_store::Ports;

/// How many requests run at once: a person waits for what an import brings, nobody for this.
const LANES: usize = 2;
/// Objects of one request: their ids stand in its address, which has at most 8 KB (§1.4).
const PORTION: usize = 100;

/// Kinds of objects, in the order in which they are read: what others refer to comes first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum What {
    /// Folders: the tree is read as a whole.
    Folders,
    /// Products.
    Products,
    /// Services.
    Services,
    /// Bundles.
    Bundles,
    /// Variants.
    Variants,
    /// Stock: no object, but a hint that it has changed.
    Stock,
    /// Counterparties.
    Customers,
}

/// What has changed.
#[derive(Debug, Clone, Default)]
pub struct Wanted {
    /// Ids of objects by their kind; of folders and stock only that they stand there counts.
    pub ids: BTreeMap<What, BTreeSet<String>>,
    /// Those that are said to be deleted.
    pub deleted: BTreeSet<String>,
    /// Since when stock has changed, milliseconds since 1970 UTC.
    pub stock_since: i64,
}

/// Why a kind of objects could not be read.
pub type Failed = BTreeMap<What, Error>;

/// Reads what has changed, until about `until_ms`. Before the first import nothing is read: that brings all.
///
/// # Errors
/// The database's.
pub async fn bring<S: Sql, H: Http, C: Clock>(
    ports: Ports<'_, S, H, C>,
    place: Place<'_>,
    wanted: &Wanted,
    until_ms: i64,
) -> Result<Failed, SqlError> {
    let mut cursor = Cursor::begin(Kind::Changes, ports.clock.now_ms());
    let Some(main) = references::price_type(ports.sql, place.tenant).await? else {
        return Ok(Failed::new());
    };
    cursor.price_type = Some(main).filter(|id| !id.is_empty());
    let opened = Session::open(ports, place.tenant, place.api(), "", LANES, until_ms).await;
    let session = match opened {
        Ok(session) => session,
        Err(Failure::Sql(error)) => return Err(error),
        Err(Failure::Api(error)) => {
            let all = wanted.ids.keys().map(|what| (*what, error.clone()));
            return Ok(all.collect());
        }
    };
    let work = Work {
        ports,
        place,
        session: &session,
        save: None,
        until: until_ms,
    };
    let mut reader = Reader {
        work: &work,
        cursor,
        wanted,
        fresh: BTreeSet::new(),
        refreshed: false,
    };
    let failed = reader.all().await;
    session.close().await?;
    failed
}

struct Reader<'a, S, H, C> {
    work: &'a Work<'a, S, H, C>,
    cursor: Cursor,
    wanted: &'a Wanted,
    /// Goods that were not known: nobody has told their stock.
    fresh: BTreeSet<String>,
    /// Whether the dictionaries were read.
    refreshed: bool,
}

impl<S: Sql, H: Http, C: Clock> Reader<'_, S, H, C> {
    async fn all(&mut self) -> Result<Failed, SqlError> {
        let mut failed = Failed::new();
        let wanted = self.wanted;
        let goods = self.work.place.settings.goods.on;
        for (what, ids) in &wanted.ids {
            let read = match what {
                What::Customers => self.customers(ids).await,
                // The merchant wants them when he asks for them.
                _ if !goods => Ok(()),
                What::Folders => self.folders().await,
                What::Products => self.goods(Phase::Products, ids).await,
                What::Services => self.goods(Phase::Services, ids).await,
                What::Bundles => self.goods(Phase::Bundles, ids).await,
                What::Variants => self.variants(ids).await,
                What::Stock => self.changed_stock().await,
            };
            match read {
                Ok(()) => {}
                Err(Failure::Sql(error)) => return Err(error),
                Err(Failure::Api(error)) => drop(failed.insert(*what, error)),
            }
        }
        if let Err(Failure::Sql(error)) = self.stock_of_fresh().await {
            return Err(error);
        }
        Ok(failed)
    }

    fn archives(&self) -> bool {
        let missing = self.work.place.settings.goods.missing;
        missing == sklad_tenant::exchange::Missing::Archive
    }

    async fn folders(&mut self) -> Result<(), Failure> {
        let archive = self.archives();
        references::folders(self.work, &mut self.cursor, archive).await?;
        let stamp = self.cursor.folders_stamp();
        let clear = sklad_catalog::import::clear_seen(self.work.tenant(), &stamp);
        self.work.ports.sql.atomic(vec![clear]).await?;
        Ok(())
    }

    /// Variants of products that are not known yet would be nobody's: their products come first.
    async fn variants(&mut self, ids: &BTreeSet<String>) -> Result<(), Failure> {
        let Some((list, _)) = self.list(Phase::Variants) else {
            return Ok(());
        };
        let mut products = BTreeSet::new();
        for json in self.read(&list, ids).await? {
            let page = Page::read(&json)?;
            let rows = page.rows.iter().filter_map(|row| map::row(row));
            products.extend(rows.filter_map(|(_, row)| map::product_of(&row)));
        }
        let known = goods::products(self.work.ports.sql, self.work.tenant(), &products).await?;
        products.retain(|id| !known.contains_key(id));
        self.goods(Phase::Products, &products).await?;
        self.goods(Phase::Variants, ids).await
    }

    fn list(&self, phase: Phase) -> Option<(List, sklad_catalog::import::Kind)> {
        goods::list(phase, self.work.place.settings.goods.images)
    }

    async fn goods(&mut self, phase: Phase, ids: &BTreeSet<String>) -> Result<(), Failure> {
        let Some((list, kind)) = self.list(phase) else {
            return Ok(());
        };
        let (sql, tenant) = (self.work.ports.sql, self.work.tenant());
        let known = goods::products(sql, tenant, ids).await?;
        let mut gone = ids.clone();
        for json in self.read(&list, ids).await? {
            let page = Page::read(&json)?;
            self.dictionaries(&page.rows).await?;
            let known_by = references::known(sql, tenant).await?;
            let found: Vec<String> = page.rows.iter().map(|row| goods::id_of(row)).collect();
            let cursor = &mut self.cursor;
            let rows = (page.rows.as_slice(), found.as_slice());
            goods::store(self.work, cursor, rows, 0, kind, &known_by).await?;
            gone.retain(|id| !found.contains(id));
            let new = found.into_iter().filter(|id| !known.contains_key(id));
            self.fresh.extend(new);
        }
        self.archive(list.path(), &gone).await
    }

    /// Archives what is not there any more. One that was left out of a list without being said to be deleted
    /// is asked for by itself.
    async fn archive(&mut self, path: &str, ids: &BTreeSet<String>) -> Result<(), Failure> {
        let mut gone = Vec::new();
        for id in ids {
            let deleted = self.wanted.deleted.contains(id) || {
                let answer = self.work.session.get(&format!("{path}/{id}")).await;
                match answer {
                    Ok(_) => false,
                    Err(Failure::Api(Error::NotFound)) => true,
                    Err(error) => return Err(error),
                }
            };
            if deleted {
                gone.push(id.as_str());
            }
        }
        if gone.is_empty() || !self.archives() {
            return Ok(());
        }
        let (tenant, now) = (self.work.tenant(), self.work.ports.clock.now_ms());
        let batch = archive_gone(tenant, SOURCE, &gone, now);
        self.work.ports.sql.atomic(batch.into()).await?;
        Ok(())
    }

    /// The rows of a list that have these ids, in pages. An answer that is too large is asked for in two.
    async fn read(&self, list: &List, ids: &BTreeSet<String>) -> Result<Vec<String>, Failure> {
        let ids: Vec<&String> = ids.iter().collect();
        let mut left: Vec<&[&String]> = ids.chunks(PORTION).collect();
        let mut pages = Vec::new();
        while let Some(some) = left.pop() {
            let named = |list: List, id: &&String| list.filtered("id", "=", id);
            let list = some.iter().fold(list.clone(), named);
            match self.work.session.get(&list.page(0, MAX_ROWS)).await {
                Ok(json) => pages.push(json),
                Err(Failure::Api(Error::TooLarge)) if some.len() > 1 => {
                    let (a, b) = some.split_at(some.len() / 2);
                    left.extend([a, b]);
                }
                Err(error) => return Err(error),
            }
        }
        Ok(pages)
    }

    /// Reads the dictionaries anew where a row names what is in none: its folder was made a moment ago.
    async fn dictionaries(&mut self, rows: &[&RawValue]) -> Result<(), Failure> {
        let (sql, tenant) = (self.work.ports.sql, self.work.tenant());
        let rows: Vec<_> = rows.iter().filter_map(|row| map::row(row)).collect();
        let folders = rows.iter().filter_map(|(_, row)| map::folder_of(row));
        let folders: BTreeSet<String> = folders.collect();
        let known = references::values_of(sql, tenant, "folder", &folders).await?;
        let uoms = references::known(sql, tenant).await?.uoms;
        let uom = |(_, row): &(String, crate::api::wire::Good<'_>)| reference(row.uom);
        let strange = folders.iter().any(|id| !known.contains_key(id))
            || rows
                .iter()
                .filter_map(uom)
                .any(|id| !uoms.contains_key(&id));
        if strange && !self.refreshed {
            self.refreshed = true;
            // Without a run it has no end to come to.
            let _: Went = references::run(self.work, &mut self.cursor).await?;
        }
        Ok(())
    }

    async fn changed_stock(&mut self) -> Result<(), Failure> {
        if !self.work.place.settings.goods.stock {
            return Ok(());
        }
        let earliest = self.work.ports.clock.now_ms() - stock::CHANGES_MS;
        let since = self.wanted.stock_since.max(earliest);
        let ids = stock::since_then(self.work, since).await?;
        self.stock(&ids).await
    }

    async fn stock_of_fresh(&mut self) -> Result<(), Failure> {
        let ids = std::mem::take(&mut self.fresh);
        match self.work.place.settings.goods.stock {
            true => self.stock(&ids).await,
            false => Ok(()),
        }
    }

    async fn stock(&mut self, ids: &BTreeSet<String>) -> Result<(), Failure> {
        let stores = references::values(self.work.ports.sql, self.work.tenant(), "store").await?;
        let places = ids.iter().map(|id| (id.clone(), id.clone()));
        let places: Vec<stock::Place> = places.collect();
        for some in places.chunks(stock::PORTION) {
            let answer = self.work.session.get(&stock::path(some)).await?;
            let changes = stock::changes(&answer, &stores)?;
            stock::store(self.work, &mut self.cursor, some, &changes).await?;
        }
        Ok(())
    }

    /// A counterparty that is deleted, or of no group that counts, stays the customer that it was.
    async fn customers(&mut self, ids: &BTreeSet<String>) -> Result<(), Failure> {
        let settings = &self.work.place.settings.customers;
        if !settings.on {
            return Ok(());
        }
        let list = customers::list(&settings.groups);
        for json in self.read(&list, ids).await? {
            let page = Page::read(&json)?;
            let found: Vec<String> = page.rows.iter().map(|row| goods::id_of(row)).collect();
            let rows = (page.rows.as_slice(), found.as_slice());
            customers::store(self.work, &mut self.cursor, rows, 0).await?;
        }
        Ok(())
    }
}
