//! Goods and categories.

use sklad_catalog::{
    After, CategoryQuery, Good, GoodInput, Key, Order, Query, RefKind, Upserted, card, categories,
    goods, query, refs,
};
use sklad_store::{Kv, Sql};

use crate::context::{Context, Told};
use crate::error::ApiError;
use crate::page::{Page, number};
use crate::reply::Reply;

/// In place of a category's id: the top of the tree.
const TOP: &str = "-";

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
    let archived = c.query_one_of("archived", &["true", "false"])?;
    let archived = archived.map(|word| word == "true");
    let order = match c.query_one_of("order", &["id", "updated_at"])? {
        Some("updated_at") => Order::Change,
        _ => Order::Id,
    };
    let query = Query {
        text: c.query("q").map(str::to_owned),
        key: key(c)?,
        since: c.query_number("since")?,
        category: c.query("category").map(str::to_owned),
        archived,
        order,
        after,
        limit,
    };
    let items = query::list(&c.app.sql, tenant.slug.as_str(), &query).await?;
    let page = Page::new(items, limit, |last: &Good| {
        vec![last.updated_at.to_string(), last.id.clone()]
    });
    Reply::json(&page)
}

/// The one whole key that goods are looked up by.
fn key<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Option<(Key, String)>, ApiError> {
    const KEYS: [(&str, Key); 5] = [
        ("article", Key::Article),
        ("code", Key::Code),
        ("barcode", Key::Barcode),
        ("external", Key::External),
        ("parent", Key::Parent),
    ];
    let mut given = KEYS
        .iter()
        .filter_map(|(name, key)| Some((*name, *key, c.query(name)?)));
    let first = given.next();
    if let Some((name, ..)) = given.next() {
        let message = "Только один из article, code, barcode, external, parent";
        return Err(ApiError::bad(name, message));
    }
    Ok(first.map(|(_, key, value)| (key, value.to_owned())))
}

pub async fn upsert<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let batch: Vec<GoodInput> = c.list()?;
    let tenant = c.tenant().await?;
    let slug = tenant.slug.as_str();
    let done = goods::upsert(&c.app.sql, slug, &batch, c.now_ms).await?;
    tell(c, "goods", "Товары", &done).await?;
    Reply::json(&done)
}

pub async fn get<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let found = card::get(&c.app.sql, tenant.slug.as_str(), c.name(1)).await?;
    Reply::json(&found.ok_or_else(ApiError::not_found)?)
}

pub async fn archive<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    archived: bool,
) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let (sql, slug) = (&c.app.sql, tenant.slug.as_str());
    let found = goods::get(sql, slug, c.name(1)).await?;
    let good = found.ok_or_else(ApiError::not_found)?;
    if good.archived != archived {
        let what = if archived {
            "убран в архив"
        } else {
            "возвращён из архива"
        };
        let row = Told {
            action: "goods",
            object: good.id.clone(),
            text: format!("Товар «{}» {what}", good.name),
            ..Told::default()
        };
        let update = goods::archive(slug, &good.id, archived, c.now_ms);
        let [good, variants] = update;
        let batch = vec![good, variants, c.told(&tenant.slug, row)];
        sql.atomic(batch).await?;
    }
    get(c).await
}

pub async fn categories<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let (limit, after) = (c.limit()?, c.after()?);
    let query = CategoryQuery {
        parent: c.query("parent").map(|id| if id == TOP { "" } else { id }),
        after: after.as_deref(),
        limit,
    };
    let items = categories::list(&c.app.sql, tenant.slug.as_str(), &query).await?;
    Reply::json(&Page::new(items, limit, |last| vec![last.id.clone()]))
}

pub async fn entries<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    kind: RefKind,
) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let (limit, after) = (c.limit()?, c.after()?);
    let slug = tenant.slug.as_str();
    let items = refs::list(&c.app.sql, slug, kind, after.as_deref(), limit).await?;
    Reply::json(&Page::new(items, limit, |last| vec![last.id.clone()]))
}

pub async fn upsert_categories<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let batch: Vec<categories::CategoryInput> = c.list()?;
    let tenant = c.tenant().await?;
    let slug = tenant.slug.as_str();
    let done = categories::upsert(&c.app.sql, slug, &batch, c.now_ms).await?;
    tell(c, "categories", "Категории", &done).await?;
    Reply::json(&done)
}

async fn tell<S: Sql, K: Kv>(
    c: &Context<'_, S, K>,
    action: &'static str,
    what: &str,
    done: &Upserted,
) -> Result<(), ApiError> {
    if done.created + done.changed == 0 {
        return Ok(());
    }
    let text = format!(
        "{what}: создано {}, изменено {}",
        done.created, done.changed
    );
    let row = Told {
        action,
        text,
        ..Told::default()
    };
    c.tell(&c.slug()?, row).await
}
