//! One-time codes: МойСклад asks for one, the customer gets it, the till compares
//! (moysklad-loyalty.md §3.4, §3.6).

use bytes::Bytes;
use http::{Method, Request, Response};
use sklad_jobs::outbox;
use sklad_loyalty::codes::{self, CodeError, Issued, Purpose, Recipient};
use sklad_loyalty::customers::Identity;
use sklad_loyalty::ledger::snapshot::Query;
use sklad_store::{Http, Kv, Sql};
use sklad_tenant::App;

use super::search::subject;
use super::wire::{CodeAnswer, Counterparty, Spender, ids, text};
use super::{Call, Reply, answer};

/// The longest text for the cashier, in characters (§3.4).
const MESSAGE_MAX: usize = 140;

/// Answers the routes of the component `loyalty-verify`.
pub async fn handle<S: Sql, K: Kv>(
    app: &App<S, K>,
    http: &impl Http,
    now: i64,
    request: Request<Bytes>,
) -> Response<Vec<u8>> {
    answer(app, now, &request, async |call| {
        let (purpose, to) = match (call.path.as_str(), &call.method) {
            ("/counterparty/verify", &Method::POST) => (Purpose::Registration, registering(call)?),
            ("/retaildemand/verify", &Method::POST) => {
                (Purpose::Spending, spender(&app.sql, call).await?)
            }
            ("/counterparty/verify" | "/retaildemand/verify", _) => {
                return Err(Reply::wrong_method("POST"));
            }
            _ => return Err(Reply::no_such_method()),
        };
        let shop = call.shop();
        if app.config.master_key.is_empty() {
            eprintln!("loyalty: the variable master_key is not set: no codes");
            return Err(Reply::unavailable());
        }
        let issued = codes::issue(&app.sql, &shop, &app.config.master_key, purpose, &to).await?;
        // The code is on its way in the outbox already: what fails here is tried again at the next
        // request.
        outbox::deliver(&app.sql, http, shop.tenant, now).await?;
        Ok(Reply::json(&told(call, issued)))
    })
    .await
}

fn registering(call: &Call<'_>) -> Result<Recipient, Reply> {
    let body: Counterparty<'_> = call.json()?;
    let identity = body.identity();
    if identity.is_empty() {
        return Err(Reply::invalid("Не указан покупатель", "meta"));
    }
    Ok(Recipient {
        subject: subject(&identity),
        phone: identity.phone,
    })
}

/// The customer who spends, by МойСклад's id or the till's (which one is sent is not documented),
/// else by phone.
async fn spender(sql: &impl Sql, call: &Call<'_>) -> Result<Recipient, Reply> {
    let body: Spender<'_> = call.json()?;
    let ids = ids(body.counterparty_id);
    let phone = text(body.phone);
    let identity = Identity::new(ids.iter().map(String::as_str), None, phone.as_deref());
    let snapshot = call
        .shop()
        .read(
            sql,
            &Query {
                identity: identity.clone(),
                ..Query::default()
            },
        )
        .await?;
    let customer = snapshot
        .customer
        .ok_or_else(|| Reply::not_found("Покупатель не найден", "counterpartyId"))?;
    Ok(Recipient {
        phone: customer.phone.or(identity.phone),
        subject: customer.id,
    })
}

fn told(call: &Call<'_>, issued: Issued) -> CodeAnswer {
    let message = &call.shop().programme.codes.message_for_cashier;
    CodeAnswer {
        verification_code: issued.code,
        time_for_repeat: issued.repeat_after_seconds,
        message_for_cashier: message.chars().take(MESSAGE_MAX).collect(),
    }
}

impl From<CodeError> for Reply {
    fn from(e: CodeError) -> Self {
        match e {
            CodeError::TooMany { .. } => Self::too_many(&e.to_string()),
            CodeError::Sql(e) => e.into(),
        }
    }
}
