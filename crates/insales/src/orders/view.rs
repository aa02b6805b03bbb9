//! What people see of an order on its way to a shop.

use serde::Serialize;
use sklad_connections::orders::passing;
use sklad_jobs::job;
use sklad_orders::Order;
use sklad_store::{Sql, SqlError, Statement};

use super::rows::{self, Push, State};
use super::words;
use crate::connected::KIND;
use crate::plan::ORDERS;

/// How an order stands in InSales.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "OrderPush")
)]
pub struct View {
    /// Подключение, по которому заказ передаётся.
    pub connection: String,
    /// due – ждёт передачи, unclear – отправлен, но дошёл ли, ещё не известно, sent – принят, refused – не
    /// принят: нужно исправить и повторить.
    pub state: &'static str,
    /// Идентификатор заказа в InSales.
    pub their_id: Option<i64>,
    /// Его номер там.
    pub their_number: Option<String>,
    /// Статус там: постоянное имя.
    pub status: Option<String>,
    /// Статус там: название.
    pub status_name: Option<String>,
    /// Оплата там: paid или pending.
    pub financial_status: Option<String>,
    /// Удалён ли там в корзину.
    pub archived: bool,
    /// Что не так, словами.
    pub error: Option<String>,
    /// Неудачных попыток подряд.
    pub attempts: i64,
    /// Когда отправлен последний раз, миллисекунды с 1970 года (UTC).
    pub asked_at: Option<i64>,
    /// Когда будет следующая попытка; null – ничего не ждёт.
    pub due_at: Option<i64>,
    /// Когда что-нибудь из этого изменилось.
    pub updated_at: i64,
}

impl From<Push> for View {
    fn from(push: Push) -> Self {
        let some = |text: String| Some(text).filter(|text| !text.is_empty());
        let heard = push.heard.unwrap_or_default();
        Self {
            connection: push.connection,
            state: push.state.word(),
            their_id: push.their_id,
            their_number: some(push.their_number),
            status: heard.status,
            status_name: some(heard.title),
            financial_status: heard.financial,
            archived: heard.archived,
            error: some(push.error),
            attempts: push.attempts,
            asked_at: push.asked_at,
            due_at: push.due_at,
            updated_at: push.updated_at,
        }
    }
}

/// How the order with this id stands in a shop; nothing where it is not for one.
///
/// # Errors
/// The database's.
pub async fn get(sql: &impl Sql, tenant: &str, order: &str) -> Result<Option<View>, SqlError> {
    Ok(rows::get(sql, tenant, order).await?.map(View::from))
}

/// What came of passing on an order by hand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Again {
    /// It goes as soon as possible.
    Goes,
    /// The order is there, or is looked for.
    Nothing,
    /// It is for no shop.
    Nowhere,
}

/// Passes an order on as soon as possible, and writes `told` with it: one that was refused or has failed, or
/// that was made before orders were switched on.
///
/// # Errors
/// The database's.
pub async fn again(
    sql: &impl Sql,
    tenant: &str,
    order: &Order,
    told: Statement,
    now_ms: i64,
) -> Result<Again, SqlError> {
    let row = rows::get(sql, tenant, &order.id).await?;
    let shops = passing(sql, tenant, KIND).await?;
    let sent = row.as_ref().filter(|row| row.state == State::Sent);
    let mut shops = shops.iter();
    let shop = match sent {
        Some(row) => shops.find(|shop| shop.id == row.connection),
        None => shops.find(|shop| super::is_for(&shop.company, order)),
    };
    let Some(shop) = shop else {
        return Ok(Again::Nowhere);
    };
    let unclear = row.as_ref().is_some_and(|row| row.state == State::Unclear);
    if unclear || sent.is_some_and(|row| !has_to_hear(order, row)) {
        return Ok(Again::Nothing);
    }
    let place = (tenant, shop.id.as_str());
    let batch = vec![
        rows::begin_orders(place, &[&order.id], now_ms),
        rows::again(place, &order.id, now_ms),
        job::ask(tenant, ORDERS, &shop.id, now_ms),
        told,
    ];
    match sql.atomic(batch).await {
        // It has just been sent.
        Err(SqlError::Conflict) => Ok(Again::Nothing),
        done => done.map(|_| Again::Goes),
    }
}

/// Whether the shop is still to be told something: that it asks for another sum, or has deleted the order, is
/// not mended by that.
fn has_to_hear(order: &Order, row: &Push) -> bool {
    let heard = row.heard.clone().unwrap_or_default();
    let wrong = words::wrong(order, &heard).unwrap_or_default();
    row.due_at.is_some() || row.error != wrong
}
