//! Counterparties as customers.
//!
//! A counterparty is the customer who has its id; else the one with its card, else with its phone. Phones
//! and cards are not unique in МойСклад (§3.11): a second counterparty with the same one is the same
//! customer, of whom the first one goes on to tell the name.

use std::collections::BTreeMap;

use serde_json::json;
use serde_json::value::RawValue;
use sklad_loyalty::customers::{Edit, Identity, Listed, Person, create, edit, get, link};
use sklad_loyalty::customers::{normal_card, normal_uuid};
use sklad_store::{Clock, Http, Sql, SqlError, Statement};

use super::cursor::Cursor;
use super::goods::{each_page, number};
use super::{ATTEMPTS, OVERLAP_MS, Went, Work};
use crate::api::page::List;
use crate::api::session::Failure;
use crate::map;

/// To whom keys lead: kind and value.
type Owners = BTreeMap<(String, String), String>;

/// Brings the counterparties that the settings name.
pub async fn run<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
) -> Result<Went, Failure> {
    let settings = &work.place.settings.customers;
    if !settings.on {
        return Ok(Went::Through);
    }
    let mut list = list(&settings.groups);
    if let Some(since) = cursor.since {
        list = list.updated_since(since.saturating_sub(OVERLAP_MS));
    }
    each_page(work, cursor, &list, None, async |cursor, rows, ids, at| {
        store(work, cursor, (rows, ids), at).await
    })
    .await
}

/// The counterparties of these groups.
pub fn list(groups: &[String]) -> List {
    let all = List::of("/entity/counterparty");
    let of_group = |list: List, group: &String| list.filtered("tags", "=", group.trim());
    groups.iter().fold(all, of_group)
}

pub async fn store<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    cursor: &mut Cursor,
    (rows, ids): (&[&RawValue], &[String]),
    at: u64,
) -> Result<(), Failure> {
    let people: Vec<_> = rows.iter().filter_map(|row| map::customer(row)).collect();
    cursor.passed(at.saturating_add(number(ids.len())), ids);
    let before = cursor.totals.customers;
    let mut attempt = 1;
    loop {
        let (batch, changed) = plan(work, &people).await?;
        cursor.totals.customers = before.saturating_add(changed);
        match work.store(batch, cursor).await {
            Ok(()) => return Ok(()),
            // A till was faster with one of them.
            Err(SqlError::Conflict | SqlError::Constraint(_)) if attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(error.into()),
        }
    }
}

/// The statements that write these people, and how many of them are new or different.
async fn plan<S: Sql, H: Http, C: Clock>(
    work: &Work<'_, S, H, C>,
    people: &[(Identity, Person)],
) -> Result<(Vec<Statement>, u64), SqlError> {
    let (sql, tenant, now) = (work.ports.sql, work.tenant(), work.ports.clock.now_ms());
    let mut owners = owners(sql, tenant, people).await?;
    let mut made: Vec<String> = Vec::new();
    let (mut batch, mut changed) = (Vec::new(), 0);
    for (identity, person) in people {
        let keys = identity.keys();
        let owner = keys.iter().find_map(|key| owners.get(&owned(*key)));
        let Some(owner) = owner.cloned() else {
            let Some(id) = identity.uuids.first() else {
                continue;
            };
            batch.extend(create(tenant, id, identity, person, now)?);
            own(&mut owners, &keys, id);
            made.push(id.clone());
            changed += 1;
            continue;
        };
        if !made.contains(&owner)
            && let Some(old) = get(sql, tenant, &owner).await?
            && let Some(edits) = edits(&old, identity, person, &owners)
        {
            batch.extend(edit(tenant, &old, &edits, now)?);
            // The next one of the same customer must not edit what is not as it was read.
            made.push(owner.clone());
            changed += 1;
        }
        let new = keys
            .iter()
            .filter(|key| !owners.contains_key(&owned(**key)));
        let new: Vec<(&str, &str)> = new.copied().collect();
        if !new.is_empty() {
            batch.push(link(tenant, &owner, &new)?);
        }
        own(&mut owners, &keys, &owner);
    }
    Ok((batch, changed))
}

fn owned((kind, value): (&str, &str)) -> (String, String) {
    (kind.to_owned(), value.to_owned())
}

fn own(owners: &mut Owners, keys: &[(&'static str, &str)], id: &str) {
    for key in keys {
        owners.entry(owned(*key)).or_insert_with(|| id.to_owned());
    }
}

async fn owners(
    sql: &impl Sql,
    tenant: &str,
    people: &[(Identity, Person)],
) -> Result<Owners, SqlError> {
    let keys: Vec<_> = people.iter().flat_map(|(who, _)| who.keys()).collect();
    let statement = Statement::new(
        "SELECT c.kind, c.value, c.customer FROM json_each(?2) k CROSS JOIN customer_keys c \
         ON c.tenant = +?1 AND c.kind = k.value ->> 0 AND c.value = k.value ->> 1",
    )
    .bind(tenant)
    .bind(json!(keys).to_string());
    let rows = sql.query(statement).await?;
    let owner = |row: &sklad_store::Row| ((row.string(0), row.string(1)), row.string(2));
    Ok(rows.iter().map(owner).collect())
}

/// What МойСклад knows otherwise of a customer; `None` for nothing, or where another counterparty tells of
/// him. A phone or card of somebody else stays his.
fn edits(old: &Listed, identity: &Identity, person: &Person, owners: &Owners) -> Option<Edit> {
    let native = identity.native.as_deref();
    let told_by = old.ms_id.as_deref().and_then(normal_uuid);
    if told_by.is_some() && told_by.as_deref() != native {
        return None;
    }
    let is_free = |kind: &str, value: &str| {
        let owner = owners.get(&owned((kind, value)));
        owner.is_none_or(|owner| *owner == old.id)
    };
    let other = |new: &Option<String>, old: &Option<String>| {
        new.clone().filter(|new| Some(new) != old.as_ref())
    };
    let phone = identity.phone.as_ref();
    let phone = phone.filter(|phone| Some(*phone) != old.phone.as_ref() && is_free("phone", phone));
    let card = identity.card.as_ref().filter(|card| {
        let kept = old.card.as_deref().and_then(normal_card);
        Some(*card) != kept.as_ref() && is_free("card", card)
    });
    let edits = Edit {
        name: other(&person.name, &Some(old.name.clone())),
        first_name: other(&person.first_name, &old.first_name),
        middle_name: other(&person.middle_name, &old.middle_name),
        last_name: other(&person.last_name, &old.last_name),
        phone: phone.map(|digits| format!("+{digits}")),
        card: card.and(person.card.clone()),
        email: other(&person.email, &old.email),
        birth_date: person.birth_date.filter(|date| {
            let kept = old.birth_date.as_deref();
            Some(date.to_string().as_str()) != kept
        }),
        sex: other(&person.sex, &old.sex),
        ms_id: native.filter(|_| told_by.is_none()).map(str::to_owned),
        verified: None,
    };
    let nothing = [
        &edits.name,
        &edits.first_name,
        &edits.middle_name,
        &edits.last_name,
        &edits.phone,
        &edits.card,
        &edits.email,
        &edits.sex,
        &edits.ms_id,
    ];
    let same = nothing.iter().all(|field| field.is_none()) && edits.birth_date.is_none();
    (!same).then_some(edits)
}
