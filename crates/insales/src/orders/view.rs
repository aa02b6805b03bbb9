//! What people see of an order on its way to a shop.

use serde::Serialize;
use sklad_orders::Order;
use sklad_store::{Sql, SqlError, Statement};

use super::rows::{self, Push};

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

/// Passes an order on as soon as possible, and writes `told` with it: one that was refused or has failed, or
/// that was made before orders were switched on.
///
/// # Errors
/// [`SqlError::Conflict`] where there is nothing to do: the order is there, or is looked for, or is for no
/// shop.
pub async fn again(
    sql: &impl Sql,
    tenant: &str,
    order: &Order,
    told: Statement,
    now_ms: i64,
) -> Result<(), SqlError> {
    let mut batch = super::wake(sql, tenant, Some(order), now_ms).await?;
    batch.push(rows::again(tenant, &order.id, now_ms));
    batch.push(told);
    sql.atomic(batch).await.map(drop)
}
