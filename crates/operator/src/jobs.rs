//! Jobs, and what stands still after failures.

use http::StatusCode;
use sklad_insales::orders::rows;
use sklad_insales::plan;
use sklad_jobs::dead::{self, Dead};
use sklad_jobs::job::{self, Wish};
use sklad_store::{Kv, Sql, SqlError, Statement};

use crate::context::{Context, Told};
use crate::error::ApiError;
use crate::page::Page;
use crate::reply::Reply;

pub async fn list<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    Reply::json(&job::list(&c.app.sql, tenant.slug.as_str(), c.now_ms).await?)
}

pub async fn get<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let found = job::get(&c.app.sql, tenant.slug.as_str(), c.name(1), c.now_ms).await?;
    Reply::json(&found.ok_or_else(ApiError::not_found)?)
}

pub async fn wish<S: Sql, K: Kv>(c: &Context<'_, S, K>, wish: Wish) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let (slug, id) = (tenant.slug.as_str(), c.name(1));
    let (done, refused) = words(wish);
    let row = Told {
        action: "job",
        object: id.to_owned(),
        text: format!("Задание «{id}» {done}"),
        ..Told::default()
    };
    let mut with = vec![c.told(&tenant.slug, row)];
    with.extend(read_now(slug, id, wish, c.now_ms));
    match job::grant_with(&c.app.sql, slug, id, wish, with, c.now_ms).await {
        Ok(Some(line)) => Reply::json(&line),
        Ok(None) => Err(ApiError::not_found()),
        Err(SqlError::Conflict) => Err(ApiError::conflict(refused)),
        Err(error) => Err(error.into()),
    }
}

/// The statement by which a run of orders to a shop that a person asks for reads what the shop says of them,
/// though it is not time yet.
fn read_now(tenant: &str, id: &str, wish: Wish, now_ms: i64) -> Option<Statement> {
    let (kind, connection) = id.split_once(':')?;
    (wish == Wish::Run && kind == plan::ORDERS).then(|| rows::asked((tenant, connection), now_ms))
}

/// What was done, and why it is not.
fn words(wish: Wish) -> (&'static str, &'static str) {
    match wish {
        Wish::Run => (
            "запущено",
            "Задание приостановлено: сначала возобновите его",
        ),
        Wish::Pause => ("приостановлено", "Задание уже приостановлено"),
        Wish::Resume => ("возобновлено", "Задание не приостановлено"),
        Wish::Cancel => ("отменено", "Задание не выполняется"),
    }
}

pub async fn list_dead<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let (limit, after) = (c.limit()?, c.after()?);
    let slug = tenant.slug.as_str();
    let items = dead::list(&c.app.sql, slug, after.as_deref(), limit).await?;
    Reply::json(&Page::new(items, limit, |last: &Dead| {
        vec![last.id.clone()]
    }))
}

pub async fn replay<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let id = c.name(1);
    let statement = dead::replay(tenant.slug.as_str(), id, c.now_ms);
    let statement = statement.ok_or_else(ApiError::not_found)?;
    let row = Told {
        action: "job",
        object: id.to_owned(),
        text: "Неудавшееся отправлено на повтор".to_owned(),
        ..Told::default()
    };
    let batch = vec![statement, c.told(&tenant.slug, row)];
    match c.app.sql.atomic(batch).await {
        Ok(_) => Ok(Reply::empty()),
        Err(SqlError::Conflict) => {
            let message = "Среди неудавшегося этого нет или оно устарело";
            Err(ApiError::new(StatusCode::NOT_FOUND, "not_found", message))
        }
        Err(error) => Err(error.into()),
    }
}
