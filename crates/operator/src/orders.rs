//! Orders of the shop.

use sklad_orders::{After, Order, Sort, Stored};
use sklad_store::{Kv, Sql};

use crate::context::{Context, Told};
use crate::error::ApiError;
use crate::page::{Page, number};
use crate::reply::Reply;

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
    let sort = match c.query_one_of("order", &["id", "updated_at"])? {
        Some("updated_at") => Sort::Change,
        _ => Sort::Id,
    };
    let (sql, slug) = (&c.app.sql, tenant.slug.as_str());
    let items = sklad_orders::list(sql, slug, sort, after.as_ref(), limit).await?;
    let page = Page::new(items, limit, |last: &Stored| {
        vec![last.updated_at.to_string(), last.order.id.clone()]
    });
    Reply::json(&page)
}

pub async fn upsert<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let batch: Vec<Order> = c.list()?;
    let tenant = c.tenant().await?;
    let slug = tenant.slug.as_str();
    let done = sklad_orders::upsert(&c.app.sql, slug, &batch, c.now_ms).await?;
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
    }
    Reply::json(&done)
}

pub async fn get<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let found = sklad_orders::get(&c.app.sql, tenant.slug.as_str(), c.name(1)).await?;
    Reply::json(&found.ok_or_else(ApiError::not_found)?)
}
