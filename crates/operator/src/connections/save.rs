//! «Сохранить»: what was set is looked at, the shop is asked, and all is written at once.

use sklad_connections::{Connection, State, connection};
use sklad_insales::connected::{self, Facts, Unusable};
use sklad_insales::orders::rows;
use sklad_insales::plan::Changed;
use sklad_insales::settings::{InsalesSecrets, InsalesSettings};
use sklad_store::{Clock, Http, Kv, Sql, SqlError};
use sklad_tenant::Tenant;

use super::{Shop, again, jobs, learn, orders_are_alone, refused, told, unusable};
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
        self.stands_beside(c, tenant).await?;
        self.take_secrets(&c.app.config.master_key)?;
        match self.secrets.take() {
            Some(secrets) => {
                let access = connected::access(&self.settings, secrets);
                self.ask(c, Shop::new(c, http, clock, &access)).await?;
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
    /// gets the id of its shop, unless another has it, which led there once.
    async fn stands_beside<S: Sql, K: Kv>(
        &mut self,
        c: &Context<'_, S, K>,
        tenant: &Tenant,
    ) -> Result<(), ApiError> {
        let all = connection::of_tenant(&c.app.sql, tenant.slug.as_str()).await?;
        let most = connection::MAX_CONNECTIONS;
        if self.connection.version == 0 && i64::try_from(all.len()).is_ok_and(|n| n >= most) {
            return Err(sklad_connections::Error::TooMany(most).into());
        }
        for other in all.iter().filter(|other| other.id != self.connection.id) {
            let theirs = connected::settings(other).ok();
            if theirs.is_some_and(|theirs| theirs.shop == self.settings.shop) {
                let text = format!("Этот магазин уже подключён: «{}»", other.name);
                return Err(ApiError::conflict(text));
            }
        }
        if self.connection.version == 0 {
            let mut known = self.connection.clone();
            known.leads_to(&self.settings.shop);
            if all.iter().all(|other| other.id != known.id) {
                self.connection = known;
            }
        }
        match self.connection.enabled {
            true => orders_are_alone(&self.connection, &self.settings, &all),
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
            let problems = problems.map_err(|text| {
                let text = format!("Выбранное сверяется с магазином, а он не ответил. {text}");
                ApiError::refused("settings", text)
            })?;
            if !problems.is_empty() {
                return Err(refused("settings", problems));
            }
        }
        learn(&mut self.connection, &checked, c.now_ms);
        Ok(())
    }

    /// Whether something was chosen, of what the shop has, that was not looked up when it was saved before.
    fn has_new_choices(&self) -> bool {
        let lists = |settings: &InsalesSettings| {
            let catalogue = &settings.catalogue;
            (catalogue.price_kinds.clone(), catalogue.warehouses.clone())
        };
        let before = self.before.clone().unwrap_or_else(|| InsalesSettings {
            shop: self.settings.shop.clone(),
            every_minutes: self.settings.every_minutes,
            catalogue: Default::default(),
            orders: Default::default(),
        });
        before.shop != self.settings.shop
            || before.orders != self.settings.orders
            || lists(&before) != lists(&self.settings)
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
        let mut batch = vec![write, told(c, tenant, &connection, &text)];
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
