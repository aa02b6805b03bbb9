//! Customers: list and search, create, edit, merge duplicates.

use chrono::NaiveDate;
use http::StatusCode;
use serde::{Deserialize, Serialize};
use sklad_jobs::mask;
use sklad_loyalty::customers::{self, Edit, Identity, Listed, Person};
use sklad_loyalty::ledger::snapshot::Query;
use sklad_loyalty::ledger::{LedgerError, register};
use sklad_store::{Kv, Sql, SqlError};
use sklad_tenant::Tenant;

use crate::context::{Context, Told};
use crate::error::ApiError;
use crate::page::Page;
use crate::reply::Reply;

/// The longest text of a field, in characters.
const MAX_TEXT_CHARS: usize = 255;
/// How often a merge is tried when the till changes one of the two at the same time.
const ATTEMPTS: usize = 8;

/// A customer to be created, or what is to be changed: an absent field stays, an empty one goes.
#[derive(Default, Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CustomerInput {
    /// Имя целиком.
    name: Option<String>,
    /// Имя.
    first_name: Option<String>,
    /// Отчество.
    middle_name: Option<String>,
    /// Фамилия.
    last_name: Option<String>,
    /// Телефон в любой записи.
    phone: Option<String>,
    /// Номер карты.
    card: Option<String>,
    /// Электронная почта.
    email: Option<String>,
    /// День рождения, ГГГГ-ММ-ДД.
    birth_date: Option<NaiveDate>,
    /// MALE или FEMALE.
    sex: Option<String>,
    /// Идентификатор контрагента в МойСклад (UUID).
    ms_id: Option<String>,
    /// Подтверждён ли код регистрации; только при изменении.
    verified: Option<bool>,
}

#[derive(Deserialize)]
#[cfg_attr(feature = "openapi", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Merge {
    /// Идентификатор двойника: его ключи, баллы и покупки переходят, сам он исчезает из списка.
    from: String,
}

/// A customer with his account.
#[derive(Serialize)]
pub struct CustomerCard {
    #[serde(flatten)]
    pub customer: Listed,
    /// Points that can be spent now; negative after an overdraft.
    pub available: i64,
    /// Points that are not active yet.
    pub pending: i64,
}

pub async fn list<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let (sql, slug) = (&c.app.sql, tenant.slug.as_str());
    let (limit, after) = (c.limit()?, c.after()?);
    let Some(q) = c.query("q") else {
        let after = after.unwrap_or_default();
        let items = customers::list(sql, slug, &after, limit).await?;
        return Reply::json(&Page::new(items, limit, |last: &Listed| {
            vec![last.id.clone()]
        }));
    };
    let mut items = Vec::new();
    for found in customers::search(sql, slug, q)
        .await?
        .into_iter()
        .take(limit)
    {
        items.extend(customers::get(sql, slug, &found.id).await?);
    }
    Reply::json(&Page { items, next: None })
}

pub async fn get<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    Reply::json(&card(c, &tenant, c.name(1)).await?)
}

pub async fn create<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let input: CustomerInput = c.json()?;
    input.check()?;
    if input.verified.is_some() {
        return Err(ApiError::refused("verified", "Только при изменении"));
    }
    let tenant = c.tenant().await?;
    let person = input.person();
    let identity = Identity::new(
        given(&input.ms_id),
        given(&person.card),
        given(&person.phone),
    )
    .with_native(given(&input.ms_id));
    if identity.is_empty() && given(&person.name).is_none() && given(&person.last_name).is_none() {
        return Err(ApiError::refused("", "Нужны имя, телефон, карта или ms_id"));
    }
    let id = match register(&c.app.sql, &c.shop(&tenant)?, &identity, &person).await {
        Ok(id) => id,
        Err(SqlError::Constraint(_)) => return Err(taken()),
        Err(other) => return Err(other.into()),
    };
    let location = format!("/api/v1/tenants/{}/customers/{id}", tenant.slug);
    Ok(Reply::json(&card(c, &tenant, &id).await?)?.created(location))
}

pub async fn edit<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let input: CustomerInput = c.json()?;
    input.check()?;
    let tenant = c.tenant().await?;
    let slug = tenant.slug.as_str();
    let old = stored(c, &tenant, c.name(1)).await?;
    let mut batch = customers::edit(slug, &old, &input.edit(), c.now_ms)?;
    let row = Told {
        action: "customer",
        object: old.id.clone(),
        customer: Some(old.id.clone()),
        text: format!("Изменён покупатель {}", mask::name(&old.name)),
        ..Told::default()
    };
    batch.push(c.told(&tenant.slug, row));
    match c.app.sql.atomic(batch).await {
        Ok(_) => Reply::json(&card(c, &tenant, &old.id).await?),
        Err(SqlError::Constraint(_)) => Err(taken()),
        Err(other) => Err(other.into()),
    }
}

pub async fn merge<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let Merge { from } = c.json()?;
    let tenant = c.tenant().await?;
    for _ in 0..ATTEMPTS {
        let into = stored(c, &tenant, c.name(1)).await?;
        let twin = customers::get(&c.app.sql, tenant.slug.as_str(), &from).await?;
        let twin = twin.ok_or_else(|| ApiError::refused("from", "Нет такого покупателя"))?;
        if twin.id == into.id {
            return Err(ApiError::refused("from", "Это один и тот же покупатель"));
        }
        let tiers = &tenant.loyalty()?.programme.tiers;
        let mut batch = customers::merge(tenant.slug.as_str(), &twin, &into, tiers, c.now_ms)?;
        let (lost, kept) = (mask::name(&twin.name), mask::name(&into.name));
        let row = Told {
            action: "merge",
            object: twin.id.clone(),
            customer: Some(into.id.clone()),
            text: format!("Покупатель {lost} влит в {kept}, баллов {}", twin.balance),
            ..Told::default()
        };
        batch.push(c.told(&tenant.slug, row));
        match c.app.sql.atomic(batch).await {
            Ok(_) => return Reply::json(&card(c, &tenant, &into.id).await?),
            Err(SqlError::Conflict) => {}
            Err(other) => return Err(other.into()),
        }
    }
    Err(SqlError::Conflict.into())
}

/// The customer of this id, or of another id that leads to him.
pub async fn stored<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    tenant: &Tenant,
    id: &str,
) -> Result<Listed, ApiError> {
    let found = customers::get(&c.app.sql, tenant.slug.as_str(), id).await?;
    found.ok_or_else(ApiError::not_found)
}

async fn card<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    tenant: &Tenant,
    id: &str,
) -> Result<CustomerCard, ApiError> {
    let customer = stored(c, tenant, id).await?;
    let query = Query {
        identity: Identity::new([customer.id.as_str()], None, None),
        ..Query::default()
    };
    let snapshot = c.shop(tenant)?.read(&c.app.sql, &query).await?;
    let account = snapshot.customer.ok_or(LedgerError::NoCustomer)?.account;
    Ok(CustomerCard {
        customer,
        available: account.available(c.now_ms),
        pending: account.pending(c.now_ms),
    })
}

fn taken() -> ApiError {
    let message = "Телефон, карта или идентификатор уже у другого покупателя";
    ApiError::new(StatusCode::CONFLICT, "customer_key_taken", message)
}

fn given(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|t| !t.is_empty())
}

impl CustomerInput {
    fn check(&self) -> Result<(), ApiError> {
        let texts = [
            ("name", &self.name),
            ("first_name", &self.first_name),
            ("middle_name", &self.middle_name),
            ("last_name", &self.last_name),
            ("phone", &self.phone),
            ("card", &self.card),
            ("email", &self.email),
        ];
        let long = |text: &&Option<String>| {
            text.as_ref()
                .is_some_and(|t| t.chars().count() > MAX_TEXT_CHARS)
        };
        if let Some((field, _)) = texts.iter().find(|(_, text)| long(text)) {
            return Err(ApiError::refused(*field, "Не длиннее 255 знаков"));
        }
        if given(&self.phone).is_some_and(|p| customers::normal_phone(p).is_none()) {
            return Err(ApiError::refused("phone", "Это не полный номер телефона"));
        }
        if given(&self.email).is_some_and(|e| !e.contains('@')) {
            return Err(ApiError::refused("email", "Это не адрес электронной почты"));
        }
        if given(&self.sex).is_some_and(|s| s != "MALE" && s != "FEMALE") {
            return Err(ApiError::refused("sex", "MALE или FEMALE"));
        }
        // МойСклад reads the ids of a search as UUIDs and fails on others.
        if given(&self.ms_id).is_some_and(|id| sklad_catalog::text::uuid(id).is_none()) {
            return Err(ApiError::refused("ms_id", "Нужен UUID"));
        }
        Ok(())
    }

    fn person(&self) -> Person {
        let text = |text: &Option<String>| given(text).map(str::to_owned);
        Person {
            name: text(&self.name),
            first_name: text(&self.first_name),
            middle_name: text(&self.middle_name),
            last_name: text(&self.last_name),
            phone: text(&self.phone),
            card: text(&self.card),
            email: text(&self.email),
            birth_date: self.birth_date,
            sex: text(&self.sex),
        }
    }

    fn edit(self) -> Edit {
        Edit {
            name: self.name,
            first_name: self.first_name,
            middle_name: self.middle_name,
            last_name: self.last_name,
            phone: self.phone,
            card: self.card,
            email: self.email,
            birth_date: self.birth_date,
            sex: self.sex,
            ms_id: given(&self.ms_id).map(str::to_lowercase),
            verified: self.verified,
        }
    }
}
