//! From a request to its handler.

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use sklad_store::{Kv, Sql};
use sklad_tenant::App;

use crate::context::Context;
use crate::error::ApiError;
use crate::reply::Reply;
use crate::routes::{Found, Op, Route, find};
use crate::{catalog, customers, gifts, journal, keys, ledger, sales, settings, simulate, tenants};

/// Answers one request. `now_ms` is milliseconds since 1970 UTC; a body may be cut off after
/// [`crate::MAX_BODY_BYTES`] and one more byte.
pub async fn handle<S: Sql, K: Kv>(
    app: &App<S, K>,
    now_ms: i64,
    request: Request<Bytes>,
) -> Response<Vec<u8>> {
    match answer(app, now_ms, &request).await {
        Ok(reply) => reply.into_http(),
        Err(error) => error.into_http(),
    }
}

async fn answer<S: Sql, K: Kv>(
    app: &App<S, K>,
    now_ms: i64,
    request: &Request<Bytes>,
) -> Result<Reply, ApiError> {
    let found = find(request.method(), request.uri().path());
    let open = matches!(&found, Found::Route(route, _) if route.op == Op::OpenApi);
    // Who is nobody learns nothing, not even what there is.
    if !open && !authorized(app, request) {
        let message = "Нужен токен оператора";
        return Err(ApiError::new(
            StatusCode::UNAUTHORIZED,
            "unauthorized",
            message,
        ));
    }
    match found {
        Found::Route(route, names) => {
            let context = Context::new(app, now_ms, request, route, names)?;
            run(route, &context).await
        }
        Found::Methods(methods) => {
            let message = "Для этого адреса метод не поддерживается";
            let status = StatusCode::METHOD_NOT_ALLOWED;
            Err(ApiError::new(status, "method_not_allowed", message).allowing(&methods))
        }
        Found::Nothing => Err(ApiError::not_found()),
    }
}

fn authorized<S: Sql, K: Kv>(app: &App<S, K>, request: &Request<Bytes>) -> bool {
    let header = request.headers().get(http::header::AUTHORIZATION);
    let scheme = header.and_then(|h| h.to_str().ok()?.split_once(' '));
    scheme.is_some_and(|(scheme, token)| {
        scheme.eq_ignore_ascii_case("bearer") && app.config.is_operator(token)
    })
}

async fn run<S: Sql, K: Kv>(route: &Route, c: &Context<'_, S, K>) -> Result<Reply, ApiError> {
    match route.op {
        Op::OpenApi => Ok(Reply::text(crate::OPENAPI)),
        Op::ListTenants => tenants::list(c).await,
        Op::CreateTenant => tenants::create(c).await,
        Op::GetTenant => tenants::get(c).await,
        Op::GetSettings => settings::get(c).await,
        Op::PutSettings => settings::put(c).await,
        Op::GetProgramme => settings::get_programme(c).await,
        Op::PutProgramme => settings::put_programme(c).await,
        Op::ListKeys => keys::list(c).await,
        Op::IssueKey => keys::issue(c).await,
        Op::RevokeKey => keys::revoke(c).await,
        Op::ListCustomers => customers::list(c).await,
        Op::CreateCustomer => customers::create(c).await,
        Op::GetCustomer => customers::get(c).await,
        Op::EditCustomer => customers::edit(c).await,
        Op::AdjustPoints => ledger::adjust(c).await,
        Op::ListLedger => ledger::list(c).await,
        Op::MergeCustomers => customers::merge(c).await,
        Op::ListSales => sales::list(c).await,
        Op::GetSale => sales::get(c).await,
        Op::ListGifts => gifts::list(c).await,
        Op::CreateGifts => gifts::create(c).await,
        Op::ImportGifts => gifts::import(c).await,
        Op::GetGift => gifts::get(c).await,
        Op::BlockGift => gifts::block(c, true).await,
        Op::UnblockGift => gifts::block(c, false).await,
        Op::ListGoods => catalog::list(c).await,
        Op::UpsertGoods => catalog::upsert(c).await,
        Op::GetGood => catalog::get(c).await,
        Op::ArchiveGood => catalog::archive(c, true).await,
        Op::UnarchiveGood => catalog::archive(c, false).await,
        Op::ListCategories => catalog::categories(c).await,
        Op::UpsertCategories => catalog::upsert_categories(c).await,
        Op::Simulate => simulate::simulate(c).await,
        Op::ListJournal => journal::list(c).await,
        Op::Check => ledger::check(c).await,
    }
}
