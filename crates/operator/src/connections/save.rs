//! «Сохранить»: what was set is looked at, the shop is asked, and all is written at once.

use sklad_connections::{Connection, State, connection};
use sklad_insales::connected::{self, Facts, Unusable};
use sklad_insales::orders::rows;
use sklad_insales::plan::Changed;
use sklad_insales::settings::{InsalesSecrets, InsalesSettings, OrderSettings};
use sklad_store::{Clock, Http, Kv, Sql, SqlError};
use sklad_tenant::Tenant;

use super::{Shop, again, jobs, learn, one_for_orders, orders_are_alone, refused, told, unusable};
use crate::context::Context;
use crate::error::ApiError;

/// What is to be saved.
pub struct Draft {
    connection: Connection,
    before: Option<InsalesSettings>,
    settings: InsalesSettings,
    secrets: Option<InsalesSecrets>,
    /// Whether it leads to another shop from now on.
    moved: bool,
}

impl Draft {
    /// What is to be saved as `connection`; `before`: the settings so far, nothing for a new one.
    pub fn new(
        connection: Connection,
        before: Option<InsalesSettings>,
        settings: InsalesSettings,
        secrets: Option<InsalesSecrets>,
    ) -> Self {
        Self {
            connection,
            before,
            settings,
            secrets,
            moved: false,
        }
    }

    /// Saves it.
    pub async fn save<S: Sql, K: Kv>(
        mut self,
        c: &Context<'_, S, K>,
        tenant: &Tenant,
        http: &impl Http,
        clock: &impl Clock,
    ) -> Result<Connection, ApiError> {
        let was = self.connection.state;
        self.take_settings()?;
        let others = self.stands_beside(c, tenant).await?;
        self.take_secrets(&c.app.config.master_key)?;
        match self.secrets.take() {
            Some(secrets) => {
                let access = connected::access(&self.settings, secrets);
                self.ask(c, Shop::new(c, http, clock, &access)).await?;
                // Now it is known how the shop calls itself.
                self.is_none_of(&others)?;
            }
            None => {
                let text = "Введите идентификатор и пароль ключа доступа";
                self.connection.found(State::Unknown, text, None);
            }
        }
        let mended = self.connection.state == State::Ok && was != State::Ok;
        self.write(c, tenant, mended).await
    }

    /// What is wrong and can be seen without the shop.
    fn take_settings(&mut self) -> Result<(), ApiError> {
        let own = Facts::of(&self.connection).domain;
        let settings = self.settings.clone().checked(own.as_deref());
        self.settings = settings.map_err(|problems| refused("settings", problems))?;
        let shop = &self.settings.shop;
        let before = self.before.as_ref().map(|before| before.shop.as_str());
        let moved = before.is_some_and(|before| before != shop) && own.as_ref() != Some(shop);
        if moved && self.secrets.is_none() {
            let text = "Для другого магазина нужен его ключ доступа";
            return Err(ApiError::refused("secrets", text));
        }
        if moved {
            "{}".clone_into(&mut self.connection.facts);
        }
        self.moved = moved;
        let json = serde_json::to_string(&self.settings);
        self.connection.settings = json.map_err(|e| ApiError::internal(&e))?;
        Ok(())
    }

    /// The tenant's other connections: none to the same shop, and one for the orders of a company. A new one
    /// gets the id of its shop, unless another has it, which led there once. Answers the others.
    async fn stands_beside<S: Sql, K: Kv>(
        &mut self,
        c: &Context<'_, S, K>,
        tenant: &Tenant,
    ) -> Result<Vec<Connection>, ApiError> {
        let mut all = connection::of_tenant(&c.app.sql, tenant.slug.as_str()).await?;
        let most = connection::MAX_CONNECTIONS;
        if self.connection.version == 0 && i64::try_from(all.len()).is_ok_and(|n| n >= most) {
            return Err(sklad_connections::Error::TooMany(most).into());
        }
        if self.connection.version == 0 {
            let mut known = self.connection.clone();
            known.leads_to(&self.settings.shop);
            if all.iter().all(|other| other.id != known.id) {
                self.connection = known;
            }
        }
        all.retain(|other| other.id != self.connection.id);
        self.is_none_of(&all)?;
        if self.connection.enabled {
            orders_are_alone(&self.connection, &self.settings, &all)?;
        }
        Ok(all)
    }

    fn is_none_of(&self, others: &[Connection]) -> Result<(), ApiError> {
        others.iter().try_for_each(|other| self.is_not(other))
    }

    /// A shop has two addresses, of InSales and its own: it is the same by either.
    fn is_not(&self, other: &Connection) -> Result<(), ApiError> {
        let addresses = |shop: Option<&str>, connection: &Connection| {
            let own = Facts::of(connection).domain;
            [shop.map(str::to_owned), own]
        };
        let theirs = connected::settings(other).ok();
        let theirs = addresses(theirs.as_ref().map(|theirs| theirs.shop.as_str()), other);
        let ours = addresses(Some(&self.settings.shop), &self.connection);
        let mut ours = ours.iter().flatten();
        match ours.any(|one| theirs.iter().flatten().any(|other| other == one)) {
            true => Err(ApiError::conflict(format!(
                "Этот магазин уже подключён: «{}»",
                other.name
            ))),
            false => Ok(()),
        }
    }

    /// Keeps new secrets; those that are stored are opened.
    fn take_secrets(&mut self, master_key: &[u8]) -> Result<(), ApiError> {
        self.secrets = match self.secrets.take() {
            Some(given) => {
                let given = given.checked().map_err(|p| refused("secrets", p))?;
                let sealed = self.connection.set_secrets(master_key, &given);
                sealed.map_err(|e| ApiError::internal(&e))?;
                Some(given)
            }
            None => {
                let opened = self.connection.secrets(master_key);
                opened.map_err(|e| unusable(Unusable::Seal(e)))?
            }
        };
        Ok(())
    }

    /// Asks the shop whether the key is good, and whether it has what was chosen.
    async fn ask<S: Sql, K: Kv, H: Http, C: Clock>(
        &mut self,
        c: &Context<'_, S, K>,
        shop: Shop<'_, S, H, C>,
    ) -> Result<(), ApiError> {
        let checked = shop.check(&self.settings).await?;
        if self.has_new_choices() {
            let seen = matches!(checked.state, State::Ok | State::NoRight);
            let problems = match seen {
                true => shop.problems(&self.settings).await?,
                false => Err(checked.text.clone()),
            };
            let problems = match problems {
                Err(text) if self.must_be_seen() => {
                    let text = format!("Выбранное нужно сверить с магазином. {text}");
                    return Err(ApiError::refused("settings", text));
                }
                problems => problems.unwrap_or_default(),
            };
            if !problems.is_empty() {
                return Err(refused("settings", problems));
            }
        }
        learn(&mut self.connection, &checked, c.now_ms);
        Ok(())
    }

    /// The settings so far, of the same shop.
    fn known(&self) -> Option<&InsalesSettings> {
        let before = self.before.as_ref();
        before.filter(|before| before.shop == self.settings.shop)
    }

    /// Whether something was chosen, of what the shop has, that was not looked up when it was saved before.
    fn has_new_choices(&self) -> bool {
        let choices = |settings: &InsalesSettings| {
            let catalogue = &settings.catalogue;
            let lists = (catalogue.price_kinds.clone(), catalogue.warehouses.clone());
            (lists, settings.orders.clone())
        };
        let nothing = || ((Vec::new(), Vec::new()), OrderSettings::default());
        choices(&self.settings) != self.known().map_or_else(nothing, choices)
    }

    /// Whether that cannot wait for a shop that does not answer. What is chosen for orders that are off is
    /// looked up when they are switched on; to choose less is always possible.
    fn must_be_seen(&self) -> bool {
        let (catalogue, orders) = (&self.settings.catalogue, &self.settings.orders);
        let known = self.known();
        let new = |list: &[u64], before: Option<&Vec<u64>>| {
            !list.is_empty() && before.is_none_or(|before| *before != list)
        };
        let lists = known.map(|known| &known.catalogue);
        orders.on && known.is_none_or(|known| known.orders != *orders)
            || new(
                &catalogue.price_kinds,
                lists.map(|lists| &lists.price_kinds),
            )
            || new(&catalogue.warehouses, lists.map(|lists| &lists.warehouses))
    }

    /// Writes it with its jobs and its row of the journal; `mended`: it did not work before, and does now.
    async fn write<S: Sql, K: Kv>(
        self,
        c: &Context<'_, S, K>,
        tenant: &Tenant,
        mended: bool,
    ) -> Result<Connection, ApiError> {
        let connection = self.connection;
        let changed = match mended {
            true => Changed::Connection,
            false => Changed::Settings,
        };
        let is_new = connection.version == 0;
        let write = match is_new {
            true => connection.insert(c.now_ms),
            false => connection.update(c.now_ms),
        };
        let text = format!("сохранено. {}", connection.state_text);
        let mut batch = vec![
            write,
            one_for_orders(&connection),
            told(c, tenant, &connection, (connection.state.outcome(), &text)),
        ];
        if self.moved {
            batch.push(rows::moved(tenant.slug.as_str(), &connection.id, c.now_ms));
        }
        batch.extend(jobs(c, tenant, &connection, changed));
        // Who has read the same version and was faster has made it stale, just as if it had been so from the start.
        c.app.sql.atomic(batch).await.map_err(|error| match error {
            SqlError::Conflict if !is_new => sklad_tenant::Error::Stale.into(),
            error => ApiError::from(error),
        })?;
        again(c, &connection).await
    }
}
