//! Which prices and stock of what files say become the goods': as the settings name them, and as price types
//! and stores are called by now.

use sklad_catalog::import::{Options, Wanted};
use sklad_store::{Sql, SqlError, Statement};
use sklad_tenant::ExchangeSettings;

use super::map::Named;
use super::run::SOURCE;
use crate::random;

/// What counts.
pub struct Choice {
    price_type: Option<String>,
    min_price_type: Option<String>,
    price_types: Wanted,
    stores: Wanted,
}

impl Choice {
    /// Of the settings, with what is known.
    pub fn new(settings: &ExchangeSettings, price_types: &Named, stores: &Named) -> Self {
        let lowest = settings.min_price_type.as_deref();
        let lowest = lowest.map(|word| price_types.id(word));
        let main = price_types.main(&settings.price_types, lowest);
        // The lowest price is taken though the list does not name its type; an empty list names all.
        let mut words = settings.price_types.clone();
        if !words.is_empty() {
            words.extend(settings.min_price_type.clone());
        }
        Self {
            price_type: main.map(str::to_owned),
            min_price_type: lowest.map(str::to_owned),
            price_types: price_types.wanted(&words),
            stores: stores.wanted(&settings.stores),
        }
    }

    /// As the catalogue takes it.
    pub fn options(&self) -> Options<'_> {
        Options {
            source: Some(SOURCE),
            own: None,
            price_type: self.price_type.as_deref(),
            min_price_type: self.min_price_type.as_deref(),
            price_types: Some(&self.price_types),
            stores: Some(&self.stores),
        }
    }

    /// The same for equal ones.
    pub fn name(&self) -> String {
        let all = (
            &self.price_type,
            &self.min_price_type,
            &self.price_types,
            &self.stores,
        );
        random::sha256(format!("{all:?}").as_bytes())
    }
}

/// The name of the choice by which what is stored was made; `None` before the first prices.
pub async fn stored(sql: &impl Sql, tenant: &str) -> Result<Option<String>, SqlError> {
    let statement = Statement::new("SELECT choice FROM exchange_choice WHERE tenant = ?1");
    let rows = sql.query(statement.bind(tenant)).await?;
    Ok(rows.first().map(|row| row.string(0)))
}

/// The statement that notes it.
pub fn store(tenant: &str, name: &str) -> Statement {
    Statement::new(
        "INSERT INTO exchange_choice (tenant, choice) VALUES (?1, ?2) \
         ON CONFLICT (tenant) DO UPDATE SET choice = excluded.choice",
    )
    .bind(tenant)
    .bind(name)
}
