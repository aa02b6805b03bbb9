//! From a request to its handler.

use std::pin::Pin;

use bytes::Bytes;
use http::{Method, Request, Response, StatusCode};
use sklad_catalog::RefKind;
use sklad_jobs::job::Wish;
use sklad_loyalty::Programme;
use sklad_store::{Clock, Http, Kv, Sql};
use sklad_tenant::settings::CustomerSettings;
use sklad_tenant::{App, ExchangeSettings, MoyskladSettings};

use crate::context::Context;
use crate::error::ApiError;
use crate::reply::Reply;
use crate::routes::{Found, OPENAPI_PATH, Op, Route, find};
use crate::{
    catalog, companies, connections, customers, employees, gifts, jobs, journal, keys, ledger,
    moysklad, orders, sales, settings, simulate, tenants,
};

/// Answers one request of any route. `now_ms` is milliseconds since 1970 UTC; a body may be cut off
/// after [`crate::MAX_BODY_BYTES`] and one more byte.
pub async fn handle<S: Sql, K: Kv>(
    app: &App<S, K>,
    now_ms: i64,
    request: Request<Bytes>,
) -> Response<Vec<u8>> {
    if request.uri().path() == OPENAPI_PATH {
        return handle_openapi(request.method());
    }
    respond(app, now_ms, &request, all_parts).await
}

/// Answers the one route of the component `cabinet-openapi`, for everybody.
#[must_use]
pub fn handle_openapi(method: &Method) -> Response<Vec<u8>> {
    let document = match find(method, OPENAPI_PATH) {
        Found::Route(..) => miniz_oxide::inflate::decompress_to_vec(crate::OPENAPI)
            .map(Reply::text)
            .map_err(|error| ApiError::internal(&error)),
        Found::Methods(methods) => Err(not_allowed(&methods)),
        Found::Nothing => Err(nowhere(OPENAPI_PATH)),
    };
    into_http(document)
}

/// Answers the routes of the component `cabinet`: tenants, keys, settings.
pub async fn handle_tenants<S: Sql, K: Kv>(
    app: &App<S, K>,
    now_ms: i64,
    request: Request<Bytes>,
) -> Response<Vec<u8>> {
    respond(app, now_ms, &request, tenants_part).await
}

/// Answers the routes of the component `cabinet-customers`: customers and their points.
pub async fn handle_customers<S: Sql, K: Kv>(
    app: &App<S, K>,
    now_ms: i64,
    request: Request<Bytes>,
) -> Response<Vec<u8>> {
    respond(app, now_ms, &request, customers_part).await
}

/// Answers the routes of the component `cabinet-sales`: sales, journal, simulation, check.
pub async fn handle_sales<S: Sql, K: Kv>(
    app: &App<S, K>,
    now_ms: i64,
    request: Request<Bytes>,
) -> Response<Vec<u8>> {
    respond(app, now_ms, &request, sales_part).await
}

/// Answers the routes of the component `cabinet-goods`: goods, categories, price types, stores.
pub async fn handle_goods<S: Sql, K: Kv>(
    app: &App<S, K>,
    now_ms: i64,
    request: Request<Bytes>,
) -> Response<Vec<u8>> {
    respond(app, now_ms, &request, goods_part).await
}

/// Answers the routes of the component `cabinet-orders`: orders of the shop.
pub async fn handle_orders<S: Sql, K: Kv>(
    app: &App<S, K>,
    now_ms: i64,
    request: Request<Bytes>,
) -> Response<Vec<u8>> {
    respond(app, now_ms, &request, orders_part).await
}

/// Answers the routes of the component `cabinet-employees`: employees, groups, rights, companies, gift
/// certificates, jobs, and what stands still after failures.
pub async fn handle_employees<S: Sql, K: Kv>(
    app: &App<S, K>,
    now_ms: i64,
    request: Request<Bytes>,
) -> Response<Vec<u8>> {
    respond(app, now_ms, &request, employees_part).await
}

/// Answers the routes of the component `cabinet-connections`: connections to МойСклад. It calls others: to check a connection, and to take back what was asked for through it.
pub async fn handle_connections<S: Sql, K: Kv>(
    app: &App<S, K>,
    http: &impl Http,
    clock: &impl Clock,
    request: Request<Bytes>,
) -> Response<Vec<u8>> {
    let entered = enter(app, clock.now_ms(), &request);
    let answer = match entered {
        Ok((route, c)) if route.op == Op::CheckMoysklad => moysklad::check(&c, http, clock).await,
        Ok((route, c)) if route.op == Op::DisconnectMoysklad => {
            moysklad::disconnect(&c, http, clock).await
        }
        Ok((route, c)) => within(connections_part, route, &c).await,
        Err(refused) => Err(refused),
    };
    into_http(answer)
}

/// Answers the routes of the component `cabinet-insales`: connections to shops. It calls these.
pub async fn handle_insales<S: Sql, K: Kv>(
    app: &App<S, K>,
    http: &impl Http,
    clock: &impl Clock,
    request: Request<Bytes>,
) -> Response<Vec<u8>> {
    into_http(match enter(app, clock.now_ms(), &request) {
        Ok((route, c)) => match insales_calls(route, &c, http, clock) {
            Some(answering) => answering.await,
            None => within(insales_part, route, &c).await,
        },
        Err(refused) => Err(refused),
    })
}

async fn respond<S: Sql, K: Kv>(
    app: &App<S, K>,
    now_ms: i64,
    request: &Request<Bytes>,
    part: impl for<'a> Fn(&Route, &'a Context<'a, S, K>) -> Option<Answering<'a>>,
) -> Response<Vec<u8>> {
    into_http(match enter(app, now_ms, request) {
        Ok((route, context)) => within(part, route, &context).await,
        Err(refused) => Err(refused),
    })
}

fn into_http(answer: Result<Reply, ApiError>) -> Response<Vec<u8>> {
    match answer {
        Ok(reply) => reply.into_http(),
        Err(error) => error.into_http(),
    }
}

async fn within<S: Sql, K: Kv>(
    part: impl for<'a> Fn(&Route, &'a Context<'a, S, K>) -> Option<Answering<'a>>,
    route: &Route,
    context: &Context<'_, S, K>,
) -> Result<Reply, ApiError> {
    match part(route, context) {
        Some(answering) => answering.await,
        // The manifest sends every route to the component that has it.
        None => Err(ApiError::not_found()),
    }
}

/// Which route is meant, and what is asked of it, by somebody who may.
fn enter<'a, S: Sql, K: Kv>(
    app: &'a App<S, K>,
    now_ms: i64,
    request: &'a Request<Bytes>,
) -> Result<(&'static Route, Context<'a, S, K>), ApiError> {
    let found = find(request.method(), request.uri().path());
    // Who is nobody learns nothing, not even what there is.
    if !authorized(app, request) {
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
            Ok((route, context))
        }
        Found::Methods(methods) => Err(not_allowed(&methods)),
        Found::Nothing => Err(nowhere(request.uri().path())),
    }
}

fn not_allowed(methods: &[&'static str]) -> ApiError {
    let message = "Для этого адреса метод не поддерживается";
    let status = StatusCode::METHOD_NOT_ALLOWED;
    ApiError::new(status, "method_not_allowed", message).allowing(methods)
}

/// There is no such path. A slash too many is no other path and is not passed over: what is meant by
/// an empty name would be a guess.
fn nowhere(path: &str) -> ApiError {
    let message = if path.contains("//") || path.ends_with('/') {
        "Нет такого адреса: в нём лишняя косая черта"
    } else {
        "Нет такого адреса"
    };
    ApiError::new(StatusCode::NOT_FOUND, "not_found", message)
}

fn authorized<S: Sql, K: Kv>(app: &App<S, K>, request: &Request<Bytes>) -> bool {
    let header = request.headers().get(http::header::AUTHORIZATION);
    let scheme = header.and_then(|h| h.to_str().ok()?.split_once(' '));
    scheme.is_some_and(|(scheme, token)| {
        scheme.eq_ignore_ascii_case("bearer") && app.config.is_operator(token)
    })
}

/// A handler at work. Boxed, so that a component holds them one beside the other, not all in one
/// state machine.
type Answering<'a> = Pin<Box<dyn Future<Output = Result<Reply, ApiError>> + 'a>>;

fn all_parts<'a, S: Sql, K: Kv>(route: &Route, c: &'a Context<'a, S, K>) -> Option<Answering<'a>> {
    let part = tenants_part(route, c).or_else(|| customers_part(route, c));
    let part = part.or_else(|| sales_part(route, c));
    let part = part.or_else(|| goods_part(route, c));
    let part = part.or_else(|| orders_part(route, c));
    let part = part.or_else(|| employees_part(route, c));
    let part = part.or_else(|| insales_part(route, c));
    part.or_else(|| connections_part(route, c))
}

fn tenants_part<'a, S: Sql, K: Kv>(
    route: &Route,
    c: &'a Context<'a, S, K>,
) -> Option<Answering<'a>> {
    Some(match route.op {
        Op::ListTenants => Box::pin(tenants::list(c)),
        Op::CreateTenant => Box::pin(tenants::create(c)),
        Op::GetTenant => Box::pin(tenants::get(c)),
        Op::GetSettings => Box::pin(settings::get(c)),
        Op::PutSettings => Box::pin(settings::put(c)),
        Op::GetProgramme => Box::pin(settings::get_section::<Programme, S, K>(c)),
        Op::PutProgramme => Box::pin(settings::put_section::<Programme, S, K>(
            c,
            "Программа лояльности изменена",
        )),
        Op::GetCommerceml => Box::pin(settings::get_section::<ExchangeSettings, S, K>(c)),
        Op::PutCommerceml => Box::pin(settings::put_section::<ExchangeSettings, S, K>(
            c,
            "Настройки обмена изменены",
        )),
        Op::GetMoyskladSettings => Box::pin(settings::get_section::<MoyskladSettings, S, K>(c)),
        Op::PutMoyskladSettings => Box::pin(settings::put_section::<MoyskladSettings, S, K>(
            c,
            "Настройки МоегоСклада изменены",
        )),
        Op::GetCustomerSettings => Box::pin(settings::get_section::<CustomerSettings, S, K>(c)),
        Op::PutCustomerSettings => Box::pin(settings::put_section::<CustomerSettings, S, K>(
            c,
            "Настройки покупателей изменены",
        )),
        Op::ListKeys => Box::pin(keys::list(c)),
        Op::IssueKey => Box::pin(keys::issue(c)),
        Op::RevokeKey => Box::pin(keys::revoke(c)),
        _ => return None,
    })
}

fn customers_part<'a, S: Sql, K: Kv>(
    route: &Route,
    c: &'a Context<'a, S, K>,
) -> Option<Answering<'a>> {
    Some(match route.op {
        Op::ListCustomers => Box::pin(customers::list(c)),
        Op::CreateCustomer => Box::pin(customers::create(c)),
        Op::GetCustomer => Box::pin(customers::get(c)),
        Op::EditCustomer => Box::pin(customers::edit(c)),
        Op::AdjustPoints => Box::pin(ledger::adjust(c)),
        Op::ListLedger => Box::pin(ledger::list(c)),
        Op::MergeCustomers => Box::pin(customers::merge(c)),
        _ => return None,
    })
}

fn sales_part<'a, S: Sql, K: Kv>(route: &Route, c: &'a Context<'a, S, K>) -> Option<Answering<'a>> {
    Some(match route.op {
        Op::ListSales => Box::pin(sales::list(c)),
        Op::GetSale => Box::pin(sales::get(c)),
        Op::ListJournal => Box::pin(journal::list(c)),
        Op::Simulate => Box::pin(simulate::simulate(c)),
        Op::Check => Box::pin(ledger::check(c)),
        _ => return None,
    })
}

fn goods_part<'a, S: Sql, K: Kv>(route: &Route, c: &'a Context<'a, S, K>) -> Option<Answering<'a>> {
    Some(match route.op {
        Op::ListGoods => Box::pin(catalog::list(c)),
        Op::UpsertGoods => Box::pin(catalog::upsert(c)),
        Op::GetGood => Box::pin(catalog::get(c)),
        Op::ListPriceTypes => Box::pin(catalog::entries(c, RefKind::PriceType)),
        Op::ListStores => Box::pin(catalog::entries(c, RefKind::Store)),
        Op::ListCategories => Box::pin(catalog::categories(c)),
        Op::UpsertCategories => Box::pin(catalog::upsert_categories(c)),
        Op::ArchiveGood => Box::pin(catalog::archive(c, true)),
        Op::UnarchiveGood => Box::pin(catalog::archive(c, false)),
        _ => return None,
    })
}

fn orders_part<'a, S: Sql, K: Kv>(
    route: &Route,
    c: &'a Context<'a, S, K>,
) -> Option<Answering<'a>> {
    Some(match route.op {
        Op::GetOrder => Box::pin(orders::get(c)),
        Op::CreateOrder => Box::pin(orders::create(c)),
        Op::UpsertOrders => Box::pin(orders::upsert(c)),
        Op::CancelOrder => Box::pin(orders::cancel(c)),
        Op::OrderHistory => Box::pin(orders::history(c)),
        Op::GetOrderPush => Box::pin(orders::push(c)),
        Op::PushOrder => Box::pin(orders::push_again(c)),
        Op::ListOrders => Box::pin(orders::list(c)),
        _ => return None,
    })
}

fn employees_part<'a, S: Sql, K: Kv>(
    route: &Route,
    c: &'a Context<'a, S, K>,
) -> Option<Answering<'a>> {
    Some(match route.op {
        Op::ListCompanies => Box::pin(companies::list(c)),
        Op::CreateCompany => Box::pin(companies::create(c)),
        Op::RenameCompany => Box::pin(companies::rename(c)),
        Op::DeleteCompany => Box::pin(companies::remove(c)),
        Op::ListJobs => Box::pin(jobs::list(c)),
        Op::GetJob => Box::pin(jobs::get(c)),
        Op::RunJob => Box::pin(jobs::wish(c, Wish::Run)),
        Op::PauseJob => Box::pin(jobs::wish(c, Wish::Pause)),
        Op::ResumeJob => Box::pin(jobs::wish(c, Wish::Resume)),
        Op::CancelJob => Box::pin(jobs::wish(c, Wish::Cancel)),
        Op::ListDeadLetters => Box::pin(jobs::list_dead(c)),
        Op::ReplayDeadLetter => Box::pin(jobs::replay(c)),
        Op::ListEmployees => Box::pin(employees::list(c)),
        Op::CreateEmployee => Box::pin(employees::create(c)),
        Op::GetEmployee => Box::pin(employees::get(c)),
        Op::EditEmployee => Box::pin(employees::edit(c)),
        Op::DeleteEmployee => Box::pin(employees::delete(c)),
        Op::SetPassword => Box::pin(employees::set_password(c)),
        Op::ListGroups => Box::pin(employees::list_groups(c)),
        Op::CreateGroup => Box::pin(employees::create_group(c)),
        Op::GetGroup => Box::pin(employees::get_group(c)),
        Op::PutGroup => Box::pin(employees::put_group(c)),
        Op::DeleteGroup => Box::pin(employees::delete_group(c)),
        Op::AddMember => Box::pin(employees::add_member(c)),
        Op::RemoveMember => Box::pin(employees::remove_member(c)),
        Op::ListRights => Box::pin(employees::rights(c)),
        Op::ListGifts => Box::pin(gifts::list(c)),
        Op::CreateGifts => Box::pin(gifts::create(c)),
        Op::ImportGifts => Box::pin(gifts::import(c)),
        Op::GetGift => Box::pin(gifts::get(c)),
        Op::BlockGift => Box::pin(gifts::block(c, true)),
        Op::UnblockGift => Box::pin(gifts::block(c, false)),
        _ => return None,
    })
}

fn connections_part<'a, S: Sql, K: Kv>(
    route: &Route,
    c: &'a Context<'a, S, K>,
) -> Option<Answering<'a>> {
    Some(match route.op {
        Op::GetMoysklad => Box::pin(moysklad::get(c)),
        Op::ConnectMoysklad => Box::pin(moysklad::connect(c)),
        Op::ImportMoysklad => Box::pin(moysklad::import(c)),
        Op::RotateMoyskladKey => Box::pin(moysklad::rotate(c)),
        _ => return None,
    })
}

fn insales_part<'a, S: Sql, K: Kv>(
    route: &Route,
    c: &'a Context<'a, S, K>,
) -> Option<Answering<'a>> {
    Some(match route.op {
        Op::ListConnections => Box::pin(connections::list(c)),
        Op::GetConnection => Box::pin(connections::get(c)),
        Op::DisableConnection => Box::pin(connections::disable(c)),
        Op::RunConnection => Box::pin(connections::run(c)),
        _ => return None,
    })
}

/// What asks the shop.
fn insales_calls<'a, S: Sql, K: Kv>(
    route: &Route,
    c: &'a Context<'a, S, K>,
    http: &'a impl Http,
    clock: &'a impl Clock,
) -> Option<Answering<'a>> {
    Some(match route.op {
        Op::CreateConnection => Box::pin(connections::create(c, http, clock)),
        Op::PutConnection => Box::pin(connections::put(c, http, clock)),
        Op::DeleteConnection => Box::pin(connections::remove(c, http, clock)),
        Op::CheckConnection => Box::pin(connections::check(c, http, clock)),
        Op::GetConnectionOptions => Box::pin(connections::options(c, http, clock)),
        Op::EnableConnection => Box::pin(connections::enable(c, http, clock)),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::routes::ROUTES;
    use sklad_store::native::{MemoryKv, NativeSql};
    use sklad_tenant::Config;

    /// Nobody is called, and no time is asked for.
    struct Nobody;

    impl Http for Nobody {
        async fn send(
            &self,
            _: sklad_store::Call,
        ) -> Result<Response<Bytes>, sklad_store::HttpError> {
            Err(sklad_store::HttpError::NotSent(String::new()))
        }
    }

    impl Clock for Nobody {
        fn now_ms(&self) -> i64 {
            0
        }

        async fn pause(&self) {}

        async fn sleep(&self, _: u32) {}
    }

    #[test]
    fn every_route_is_in_one_part_and_in_one_alone() {
        let dir = tempfile::tempdir().unwrap();
        let sql = NativeSql::open(&dir.path().join("db")).unwrap();
        let app = App::new(sql, MemoryKv::default(), Config::default());
        let request = Request::new(Bytes::new());
        for route in ROUTES {
            let c = Context::new(&app, 0, &request, route, Vec::new()).unwrap();
            let parts = [
                tenants_part(route, &c),
                customers_part(route, &c),
                sales_part(route, &c),
                goods_part(route, &c),
                employees_part(route, &c),
                orders_part(route, &c),
                connections_part(route, &c),
                insales_part(route, &c),
                insales_calls(route, &c, &Nobody, &Nobody),
            ];
            // What calls others, and what is for everybody, is not with them.
            let apart = matches!(
                route.op,
                Op::CheckMoysklad | Op::DisconnectMoysklad | Op::OpenApi
            );
            let parts = parts.iter().flatten().count();
            assert_eq!(parts + usize::from(apart), 1, "{:?}", route.op);
        }
    }
}
