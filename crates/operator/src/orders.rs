//! Orders of the shop.

use http::StatusCode;
use serde::Deserialize;
use sklad_insales::orders::{self as shops, view::Again};
use sklad_jobs::mask;
use sklad_orders::{After, Event, NewOrder, Order, Stored, View, Who, rubles};
use sklad_store::{Kv, Sql, Statement};
use sklad_tenant::Slug;

use crate::companies;
use crate::context::{Context, Told};
use crate::error::ApiError;
use crate::page::{Page, number};
use crate::reply::Reply;

#[derive(Deserialize)]
#[cfg_attr(
    feature = "openapi",
    derive(schemars::JsonSchema),
    schemars(rename = "CancelOrder")
)]
#[serde(deny_unknown_fields)]
pub struct Cancel {
    /// Почему, от 1 до 300 знаков.
    reason: String,
}

pub async fn list<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let limit = c.limit()?;
    let after = match c.cursor::<2>()? {
        None => None,
        Some([at, id]) => Some(After {
            updated_at: number(&at)?,
            id,
        }),
    };
    let (sql, slug) = (&c.app.sql, tenant.slug.as_str());
    let id;
    let view = match view(c)? {
        View::Company(key) => {
            id = companies::id_of(c, slug, key).await?;
            View::Company(&id)
        }
        view => view,
    };
    let items = sklad_orders::list(sql, slug, view, after.as_ref(), limit).await?;
    let page = Page::new(items, limit, |last: &Stored| {
        vec![last.updated_at.to_string(), last.order.id.clone()]
    });
    Reply::json(&page)
}

/// What is listed. Each list is a walk along one index, so that no page reads more than it shows.
fn view<'c, S: Sql, K: Kv>(c: &'c Context<'_, S, K>) -> Result<View<'c>, ApiError> {
    let order = c.query_one_of("order", &["id", "updated_at"])?;
    let push = c.query_one_of("push", &["refused", "unclear", "due"])?;
    let only = [
        c.query("status").map(View::Status),
        c.query("company").map(View::Company),
        push.map(View::Push),
    ];
    let only: Vec<View<'c>> = only.into_iter().flatten().collect();
    match (only.as_slice(), order) {
        ([], Some("updated_at")) => Ok(View::Changes),
        ([], _) => Ok(View::All),
        ([_], Some("updated_at")) => Err(ApiError::bad("order", "С отбором – только id")),
        ([only], _) => Ok(*only),
        _ => Err(ApiError::bad(
            if push.is_some() { "push" } else { "company" },
            "Отбор – по чему-нибудь одному: status, company или push",
        )),
    }
}

pub async fn upsert<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let batch: Vec<Order> = c.list()?;
    let tenant = c.tenant().await?;
    let slug = tenant.slug.as_str();
    let done = sklad_orders::upsert(&c.app.sql, slug, who(c)?, &batch, c.now_ms).await?;
    if done.created + done.changed > 0 {
        let row = Told {
            action: "order",
            text: format!(
                "Заказы: создано {}, изменено {}",
                done.created, done.changed
            ),
            ..Told::default()
        };
        c.tell(&tenant.slug, row).await?;
        wake(c, slug, None).await;
    }
    Reply::json(&done)
}

/// Lets the orders that have changed go to the shops of their companies now. What is done is done: where
/// this fails, they go at the job's next time.
async fn wake<S: Sql, K: Kv>(c: &Context<'_, S, K>, tenant: &str, made: Option<&Order>) {
    let sql = &c.app.sql;
    let woken = async {
        let batch = shops::wake(sql, tenant, made, c.now_ms).await?;
        match batch.is_empty() {
            true => Ok(Vec::new()),
            false => sql.atomic(batch).await,
        }
    };
    if let Err(error) = woken.await {
        eprintln!("orders: {tenant}: {error}");
    }
}

pub async fn create<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let new: NewOrder = c.json()?;
    let (key, who) = (c.idempotency_key()?, who(c)?);
    let tenant = c.tenant().await?;
    let (sql, slug) = (&c.app.sql, tenant.slug.as_str());
    let told = |order: &Order| {
        let sum = rubles(order.sum_kopecks);
        let customer = mask::name(&order.customer.name);
        let of = if customer.is_empty() { "" } else { ", " };
        let text = format!("Заказ {} на {sum} ₽ создан{of}{customer}", order.number);
        row(c, &tenant.slug, order, text)
    };
    let made = sklad_orders::create(sql, slug, who, key, &new, c.now_ms, told).await?;
    if !made.repeated {
        wake(c, slug, Some(&made.stored.order)).await;
    }
    let location = format!("/api/v1/tenants/{slug}/orders/{}", made.stored.order.id);
    Ok(Reply::json(&made.stored)?.created(location))
}

pub async fn get<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    Reply::json(&stored(c, tenant.slug.as_str()).await?)
}

pub async fn cancel<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let Cancel { reason } = c.json()?;
    let who = who(c)?;
    let tenant = c.tenant().await?;
    let (sql, slug) = (&c.app.sql, tenant.slug.as_str());
    let told = |order: &Order| {
        let text = format!("Заказ {} отменён: {}", order.number, reason.trim());
        row(c, &tenant.slug, order, text)
    };
    let cancelled =
        sklad_orders::cancel(sql, slug, who, c.name(1), &reason, c.now_ms, told).await?;
    let cancelled = cancelled.ok_or_else(ApiError::not_found)?;
    wake(c, slug, None).await;
    Reply::json(&cancelled)
}

/// How the order stands in the shop that it is passed on to.
pub async fn push<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let slug = tenant.slug.as_str();
    let id = stored(c, slug).await?.order.id;
    pushed(c, slug, &id).await
}

async fn pushed<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    tenant: &str,
    id: &str,
) -> Result<Reply, ApiError> {
    let view = shops::view::get(&c.app.sql, tenant, id).await?;
    let text = "Заказ не передаётся в InSales";
    let none = || ApiError::new(StatusCode::NOT_FOUND, "not_found", text);
    Reply::json(&view.ok_or_else(none)?)
}

/// Passes on what was refused, or was made before orders were passed on.
pub async fn push_again<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let (sql, slug) = (&c.app.sql, tenant.slug.as_str());
    let order = stored(c, slug).await?.order;
    let before = shops::view::get(sql, slug, &order.id).await?;
    let what = if before.is_some() {
        " ещё раз"
    } else {
        ""
    };
    let text = format!("Заказ {}: передать в InSales{what}", order.number);
    let told = row(c, &tenant.slug, &order, text);
    match shops::view::again(sql, slug, &order, told, c.now_ms).await? {
        Again::Goes => pushed(c, slug, &order.id).await,
        Again::Nothing => Err(ApiError::conflict(
            "Повторять нечего: заказ уже в InSales, или ещё не известно, дошёл ли он",
        )),
        Again::Nowhere => Err(ApiError::conflict(
            "Передать некуда: у компании заказа нет включённой передачи заказов в InSales, заказ отменён, \
             или его товары названы не нашими идентификаторами",
        )),
    }
}

pub async fn history<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let limit = c.limit()?;
    let after = match c.cursor::<2>()? {
        None => None,
        Some([version, what]) => Some((number(&version)?, what)),
    };
    let slug = tenant.slug.as_str();
    let stored = stored(c, slug).await?;
    let after = after
        .as_ref()
        .map(|(version, what)| (*version, what.as_str()));
    let items = sklad_orders::history(&c.app.sql, slug, &stored.order.id, after, limit).await?;
    let page = Page::new(items, limit, |last: &Event| {
        vec![last.version.to_string(), last.what.clone()]
    });
    Reply::json(&page)
}

/// The order that the path names.
async fn stored<S: Sql, K: Kv>(c: &Context<'_, S, K>, tenant: &str) -> Result<Stored, ApiError> {
    let found = sklad_orders::get(&c.app.sql, tenant, c.name(1)).await?;
    found.ok_or_else(ApiError::not_found)
}

/// Who is behind the request, for the history: the shop's system unless it says that it is a person.
fn who<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Who, ApiError> {
    Ok(match c.query_one_of("by", &["api", "operator"])? {
        Some("operator") => Who::Operator,
        _ => Who::Api,
    })
}

fn row<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    tenant: &Slug,
    order: &Order,
    text: String,
) -> Statement {
    let row = Told {
        action: "order",
        object: order.id.clone(),
        text,
        ..Told::default()
    };
    c.told(tenant, row)
}
