//! The journal.

use sklad_jobs::journal::{ACTIONS, Filter, Line, OUTCOMES, list as lines};
use sklad_store::{Kv, Sql};

use crate::context::Context;
use crate::error::ApiError;
use crate::page::Page;
use crate::reply::Reply;

pub async fn list<S: Sql, K: Kv>(c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    let tenant = c.tenant().await?;
    let limit = c.limit()?;
    let filter = Filter {
        action: c.query_one_of("action", ACTIONS)?.map(str::to_owned),
        outcome: c.query_one_of("outcome", OUTCOMES)?.map(str::to_owned),
        customer: c.query("customer").map(str::to_lowercase),
        before: c.after()?,
    };
    let items = lines(&c.app.sql, tenant.slug.as_str(), filter, limit).await?;
    Reply::json(&Page::new(items, limit, |last: &Line| {
        vec![last.id.clone()]
    }))
}
