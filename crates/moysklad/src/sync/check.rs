//! «Сохранить и проверить»: whether account, rights and organisation are right, in words.

use serde::Serialize;
use sklad_store::{Clock, Http, Sql, SqlError};
use sklad_tenant::MoyskladSettings;

use super::Place;
use crate::api::page::Page;
use crate::api::session::Failure;
use crate::api::wire::Entry;
use crate::api::{Error, Session};
use crate::map::own_id;
use sklad_raw::{id, last_segment, object, text};
use sklad_store::Ports;

/// How many organisations are named to who typed a wrong id.
const NAMED: usize = 5;

/// What came of a check.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// The account's id, once МойСклад has told it.
    pub account: Option<String>,
    /// The organisation's id, if there is one that is meant.
    pub organization: Option<String>,
    /// Its name.
    pub name: Option<String>,
    /// What is wrong, sentences in Russian; empty when all is right.
    pub problems: Vec<String>,
}

/// The id of an organisation in what was typed: the id itself, or the address of its page with `id=`.
#[must_use]
pub fn organization_id(typed: &str) -> Option<String> {
    let typed = typed.trim();
    let behind = typed.rsplit_once("id=").map_or(typed, |(_, id)| id);
    let written = |c: char| c.is_ascii_hexdigit() || c == '-';
    let id = behind.split(|c| !written(c)).next().unwrap_or_default();
    // An address of the API ends with it.
    let id = match id.len() {
        36 => id.to_lowercase(),
        _ => last_segment(typed)?,
    };
    (id.len() == 36 && uuid::Uuid::try_parse(&id).is_ok()).then_some(id)
}

/// Asks МойСклад, until `until_ms` at the latest.
///
/// # Errors
/// The database's. What МойСклад says is in the result.
pub async fn check<S: Sql, H: Http, C: Clock>(
    ports: Ports<'_, S, H, C>,
    place: Place<'_>,
    until_ms: i64,
) -> Result<Checked, SqlError> {
    let mut checked = Checked::default();
    let asked = match Session::open(ports, place.tenant, place.api(), "", 1, until_ms).await {
        Ok(session) => {
            let asked = ask(&session, place.settings, &mut checked).await;
            session.close().await?;
            asked
        }
        Err(error) => Err(error),
    };
    match asked {
        Ok(()) => {}
        Err(Failure::Sql(error)) => return Err(error),
        Err(Failure::Api(error)) => checked.problems.push(error.for_merchant()),
    }
    Ok(checked)
}

async fn ask<S: Sql, H: Http, C: Clock>(
    session: &Session<'_, S, H, C>,
    settings: &MoyskladSettings,
    checked: &mut Checked,
) -> Result<(), Failure> {
    organization(session, settings, checked).await?;
    let mut wanted = vec![
        ("/entity/product?limit=1", "товаров"),
        ("/entity/productfolder?limit=1", "групп товаров"),
        ("/entity/store?limit=1", "складов"),
        ("/entity/retailstore?limit=1", "точек продаж"),
    ];
    if settings.goods.stock {
        wanted.push(("/report/stock/all?limit=1", "остатков"));
    }
    if settings.customers.on {
        wanted.push(("/entity/counterparty?limit=1", "контрагентов"));
    }
    for (path, what) in wanted {
        match session.get(path).await {
            Ok(_) => {}
            Err(Failure::Api(Error::NoRights(_))) => {
                let text = format!("Нет права на просмотр {what}: выдайте его в МоёмСкладе");
                checked.problems.push(text);
            }
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn organization<S: Sql, H: Http, C: Clock>(
    session: &Session<'_, S, H, C>,
    settings: &MoyskladSettings,
    checked: &mut Checked,
) -> Result<(), Failure> {
    let json = match session.get("/entity/organization?limit=100").await {
        Ok(json) => json,
        Err(Failure::Api(Error::NoRights(_))) => {
            let text = "Нет права на просмотр юрлиц: выдайте его в МоёмСкладе".to_owned();
            checked.problems.push(text);
            return Ok(());
        }
        Err(error) => return Err(error),
    };
    let page = Page::read(&json)?;
    let all = page.rows.iter().filter_map(|row| object(Some(row)));
    let all: Vec<Entry<'_>> = all.collect();
    checked.account = all.iter().find_map(|entry| id(entry.account_id));
    let Some(typed) = settings.organization.as_deref() else {
        let text = format!("Укажите ID организации. {}", named(&all));
        checked.problems.push(text);
        return Ok(());
    };
    let Some(wanted) = organization_id(typed) else {
        let text = "ID организации – это 36 знаков, как 3e1a0f5c-0d7e-11ee-0a80-0dbe0017a3b5: скопируйте его \
             или адрес страницы организации из МоегоСклада";
        checked.problems.push(text.to_owned());
        return Ok(());
    };
    let path = format!("/entity/organization/{wanted}");
    match session.get(&path).await {
        Ok(json) => found(&json, wanted, checked),
        Err(Failure::Api(Error::Moved(location))) => {
            // The id in a page's address may be another one than the API's (§1.1).
            let found = last_segment(&location);
            let entry = all.iter().find(|entry| own_id(entry) == found);
            checked.organization = entry.and_then(own_id);
            checked.name = entry.and_then(|entry| text(entry.name));
            if entry.is_none() {
                checked.problems.push(not_there(&all));
            }
        }
        Err(Failure::Api(Error::NotFound | Error::Refused { .. })) => {
            checked.problems.push(not_there(&all));
        }
        Err(error) => return Err(error),
    }
    Ok(())
}

fn found(json: &str, wanted: String, checked: &mut Checked) {
    let entry: Entry<'_> = serde_json::from_str(json).unwrap_or_default();
    checked.name = text(entry.name);
    if checked.account.is_none() {
        checked.account = id(entry.account_id);
    }
    if crate::api::wire::flag(entry.archived) == Some(true) {
        let text =
            "Эта организация в архиве МоегоСклада: выберите другую или верните её".to_owned();
        checked.problems.push(text);
    }
    checked.organization = own_id(&entry).or(Some(wanted));
}

fn not_there(all: &[Entry<'_>]) -> String {
    format!(
        "В этом аккаунте МоегоСклада нет организации с таким ID. {}",
        named(all)
    )
}

/// The organisations that there are.
fn named(all: &[Entry<'_>]) -> String {
    let one = |entry: &Entry<'_>| {
        let name = text(entry.name).unwrap_or_default();
        Some(format!("«{name}» – {}", own_id(entry)?))
    };
    let some: Vec<String> = all.iter().take(NAMED).filter_map(one).collect();
    match some.is_empty() {
        true => "В аккаунте нет ни одной организации".to_owned(),
        false => format!("Есть: {}", some.join("; ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_organisation_is_named_by_its_id_or_its_page() {
        let id = "3e1a0f5c-0d7e-11ee-0a80-0dbe0017a3b5";
        for typed in [
            id.to_owned(),
            format!("  {} ", id.to_uppercase()),
            format!("https://online.moysklad.ru/app/#mycompany/edit?id={id}"),
            format!("https://online.moysklad.ru/app/#mycompany/edit?id={id}&x=1"),
            format!("https://api.moysklad.ru/api/remap/1.2/entity/organization/{id}"),
        ] {
            assert_eq!(organization_id(&typed).as_deref(), Some(id), "{typed}");
        }
        for typed in [
            "",
            "ООО «Ромашка»",
            "id=",
            "123",
            "zzzzzzzz-0d7e-11ee-0a80-0dbe0017a3b5",
        ] {
            assert_eq!(organization_id(typed), None, "{typed}");
        }
    }
}
