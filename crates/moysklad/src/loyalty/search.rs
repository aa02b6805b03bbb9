//! Customers: search, creation, balance; gift certificates (moysklad-loyalty.md §3.1–3.3, §3.9).

use bytes::Bytes;
use http::{Method, Request, Response};
use serde_json::json;
use sklad_jobs::journal::{Direction, Outcome, Record};
use sklad_jobs::mask;
use sklad_loyalty::codes::{self, Purpose};
use sklad_loyalty::customers::{self, Edit, Found, Identity, Listed, Person};
use sklad_loyalty::ledger::snapshot::{Customer, Query};
use sklad_loyalty::ledger::{birthday, register_or_find};
use sklad_store::{Kv, Sql, SqlError};
use sklad_tenant::App;

use super::wire::{Counterparty, CounterpartyRow, Rows, text};
use super::{Call, Reply, answer, gift};

/// How often a customer is read again when another till edits the same one.
const LEARN_ATTEMPTS: usize = 16;

/// Answers the routes of the component `loyalty-search`, and says 404 for every other.
pub async fn handle<S: Sql, K: Kv>(
    app: &App<S, K>,
    now: i64,
    request: Request<Bytes>,
) -> Response<Vec<u8>> {
    answer(app, now, &request, async |call| {
        match (call.path.as_str(), &call.method) {
            ("/counterparty", &Method::GET) => search(&app.sql, call).await,
            ("/counterparty", &Method::POST) => create(&app.sql, call).await,
            ("/counterparty", _) => Err(Reply::wrong_method("GET, POST")),
            ("/counterparty/detail", &Method::POST) => detail(&app.sql, call).await,
            ("/counterparty/detail", _) => Err(Reply::wrong_method("POST")),
            ("/giftcard", &Method::GET) => gift::status(&app.sql, call).await,
            ("/giftcard", _) => Err(Reply::wrong_method("GET")),
            _ => Err(Reply::no_such_method()),
        }
    })
    .await
}

async fn search(sql: &impl Sql, call: &Call<'_>) -> Result<Reply, Reply> {
    let typed = call.parameter("search").unwrap_or_default();
    let found = customers::search(sql, call.shop().tenant, &typed).await?;
    Ok(Reply::json(&Rows {
        rows: found.into_iter().map(row).collect(),
    }))
}

fn row(found: Found) -> CounterpartyRow {
    CounterpartyRow {
        id: found.id,
        ms_id: found.ms_id,
        name: found.name,
        discount_card_number: found.card,
        phone: found.phone,
        email: found.email,
        legal_first_name: found.first_name,
        legal_middle_name: found.middle_name,
        legal_last_name: found.last_name,
        birth_date: found.birth_date.map(|date| format!("{date} 00:00:00")),
        sex: found.sex,
    }
}

/// Creates a customer, or learns what the till knows of one who is here already.
async fn create(sql: &impl Sql, call: &Call<'_>) -> Result<Reply, Reply> {
    let body: Counterparty<'_> = call.json()?;
    let shop = call.shop();
    let identity = body.identity();
    if identity.is_empty() {
        return Err(Reply::invalid("Не указан покупатель", "meta"));
    }
    let person = body.person();
    let status = text(body.status_check).map(|s| s.to_ascii_uppercase());
    let snapshot = shop
        .read(
            sql,
            &Query {
                identity: identity.clone(),
                ..Query::default()
            },
        )
        .await?;
    let known = snapshot.customer;
    let verified = known.as_ref().is_some_and(|customer| customer.verified);
    if shop.programme.codes.registration && !verified && status.as_deref() == Some("UNCHECKED") {
        return Err(Reply::code_required());
    }
    if snapshot.ambiguous {
        let tiers = &shop.programme.tiers;
        customers::unite(sql, shop.tenant, &identity, tiers, call.now).await?;
    }
    let (customer, created) = register_or_find(sql, &shop, &identity, &person).await?;
    let confirmed = status.as_deref() == Some("CHECKED");
    if !created || confirmed {
        let before = known.filter(|known| known.id == customer.id);
        let before = before.as_ref().unwrap_or(&customer);
        learn(sql, call, before, &person, &identity, confirmed).await?;
    }
    Ok(Reply::created())
}

/// Keeps what the till knows better of a customer who was `before`; what is somebody else's phone or
/// card already is left out.
async fn learn(
    sql: &impl Sql,
    call: &Call<'_>,
    before: &Customer,
    person: &Person,
    identity: &Identity,
    confirmed: bool,
) -> Result<(), SqlError> {
    let tenant = call.shop().tenant;
    let mut edit = Edit {
        name: person.name.clone(),
        first_name: person.first_name.clone(),
        middle_name: person.middle_name.clone(),
        last_name: person.last_name.clone(),
        // Only what can be recognised again replaces what is there.
        phone: identity.phone.clone(),
        card: person.card.clone(),
        email: person.email.clone(),
        birth_date: person.birth_date,
        sex: person.sex.clone(),
        ms_id: None,
        verified: confirmed.then_some(true),
    };
    let used =
        confirmed.then(|| codes::used(tenant, Purpose::Registration, &subject(identity), call.now));
    for _ in 0..LEARN_ATTEMPTS {
        let Some(old) = customers::get(sql, tenant, &before.id).await? else {
            return Err(SqlError::Conflict);
        };
        let mut batch = customers::edit(tenant, &old, &edit, call.now)?;
        batch.extend(used.clone());
        batch.extend(edited(&old, before, &edit).map(|record| record.statement(tenant, call.now)));
        match sql.atomic(batch).await {
            // Another till tells of the same customer at the same moment.
            Err(SqlError::Conflict) => {}
            Err(SqlError::Constraint(_)) if edit.phone.is_some() || edit.card.is_some() => {
                (edit.phone, edit.card) = (None, None);
            }
            other => return other.map(|_| ()),
        }
    }
    Err(SqlError::Busy)
}

/// The row of the journal about what a till changes of a customer; nothing where all is as it was
/// `before` the call, whose keys are in the row already.
fn edited(old: &Listed, before: &Customer, edit: &Edit) -> Option<Record> {
    let text = |new: &Option<String>, old: &Option<String>| new.is_some() && new != old;
    let birth_date = edit.birth_date.map(|date| date.to_string());
    let name = edit.name.as_ref().is_some_and(|name| *name != old.name)
        || text(&edit.first_name, &old.first_name)
        || text(&edit.middle_name, &old.middle_name)
        || text(&edit.last_name, &old.last_name);
    let changes = [
        (name, "имя"),
        (text(&edit.phone, &before.phone), "телефон"),
        (text(&edit.card, &before.card), "карта"),
        (text(&edit.email, &old.email), "почта"),
        (text(&birth_date, &old.birth_date), "дата рождения"),
        (text(&edit.sex, &old.sex), "пол"),
        (
            edit.verified == Some(true) && !old.verified,
            "подтверждение",
        ),
    ];
    let changed = changes.iter().filter(|(changed, _)| *changed);
    let words: Vec<&str> = changed.map(|(_, word)| *word).collect();
    (!words.is_empty()).then(|| Record {
        direction: Direction::In,
        action: "customer",
        object: old.id.clone(),
        customer: Some(old.id.clone()),
        outcome: Outcome::Ok,
        text: format!(
            "Касса изменила покупателя {}: {}",
            mask::name(&old.name),
            words.join(", ")
        ),
        detail: None,
    })
}

/// To whom a registration code belongs: the phone it is sent to, else the till's id.
pub(super) fn subject(identity: &Identity) -> String {
    let phone = identity.phone.clone();
    phone
        .or_else(|| identity.uuids.first().cloned())
        .or_else(|| identity.card.clone())
        .unwrap_or_default()
}

/// The balance. A customer whom we do not know has none: an error would only alarm the cashier.
async fn detail(sql: &impl Sql, call: &Call<'_>) -> Result<Reply, Reply> {
    let body: Counterparty<'_> = call.json()?;
    let shop = call.shop();
    let identity = body.identity();
    let snapshot = shop
        .read(
            sql,
            &Query {
                identity: identity.clone(),
                ..Query::default()
            },
        )
        .await?;
    let Some(mut customer) = snapshot.customer else {
        return Ok(balance(0));
    };
    if !snapshot.unlinked.is_empty() {
        (customer, _) = register_or_find(sql, &shop, &identity, &body.person()).await?;
    }
    let customer = birthday(sql, &shop, customer).await?;
    Ok(balance(customer.account.available(call.now)))
}

fn balance(points: i64) -> Reply {
    Reply::json(&json!({ "bonusProgram": { "agentBonusBalance": points } }))
}
