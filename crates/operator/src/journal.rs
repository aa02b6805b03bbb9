//! The journal.

use sklad_jobs::journal::{Filter, Line, list as lines};
use sklad_store::{Kv, Sql};

use crate::context::Context;
use crate::error::ApiError;
use crate::page::Page;
use crate::reply::Reply;

pub async fn list<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let limit = c.limit()?;
    let filter = Filter {
        action: c.query("action").map(str::to_owned),
        outcome: c.query("outcome").map(str::to_owned),
        customer: c.query("customer").map(str::to_owned),
        before: c.after()?,
    };
    let items = lines(&c.app.sql, tenant.slug.as_str(), filter, limit).await?;
    Reply::json(&Page::new(items, limit, |last: &Line| {
        vec![last.id.clone()]
    }))
}
