//! `sklad-edge demo seed`.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;

use serde_json::{Value, json};

use super::Place;
use super::shop;
use crate::cli::api::{Api, Body, Connection, Failure, encode};
use crate::cli::out;
use crate::cli::show;
use crate::cli::tenant::text;

/// Creates what is missing and prints how to call it. Doing it again changes nothing.
pub fn seed(connection: &Connection, place: &Place) -> Result<(), Failure> {
    let api = connection.api()?;
    let created = create(&api, place)?;
    let path = format!("/{}", encode(&place.tenant));
    if created {
        fill(&api, &path)?;
    }
    let key = key(&api, place, &path)?;
    if api.json {
        show::json(&json!({
            "tenant": place.tenant,
            "created": created,
            "base_url": place.base_url(connection),
            "key": key,
        }));
    } else {
        tell(&place.base_url(connection), place, created, key.as_deref());
    }
    Ok(())
}

/// Whether the tenant is new.
fn create(api: &Api, place: &Place) -> Result<bool, Failure> {
    let all = api.list("", usize::MAX)?;
    if all.iter().any(|t| text(t, "slug") == place.tenant) {
        return Ok(false);
    }
    let body = json!({
        "slug": place.tenant,
        "name": "Демонстрационный магазин",
        "programme": shop::programme(),
    });
    api.post("", &body)?;
    Ok(true)
}

fn fill(api: &Api, path: &str) -> Result<(), Failure> {
    api.post(&format!("{path}/categories"), &shop::categories())?;
    api.post(&format!("{path}/goods"), &shop::goods())?;
    for (customer, points) in shop::customers() {
        let made = api.post(&format!("{path}/customers"), &customer)?;
        let id = text(&made, "id");
        if points != 0 {
            let body = json!({ "points": points, "reason": "Начальный баланс демонстрации" });
            let adjust = format!("{path}/customers/{id}/adjust");
            let key = format!("demo-seed-{id}");
            api.send(
                "POST",
                &adjust,
                &[("idempotency-key", &key)],
                &Body::Json(&body),
            )?;
        }
    }
    let import = format!("{path}/gift-certificates/import");
    api.send("POST", &import, &[], &Body::Csv(shop::CERTIFICATES))?;
    Ok(())
}

/// The key in the file; a new one when the tenant has none at all.
fn key(api: &Api, place: &Place, path: &str) -> Result<Option<String>, Failure> {
    if let Some(key) = place.key() {
        return Ok(Some(key));
    }
    let keys = api.get(&format!("{path}/keys"))?;
    if keys.as_array().is_some_and(|keys| !keys.is_empty()) {
        return Ok(None);
    }
    let issued = api.post(&format!("{path}/keys"), &json!({ "label": "демонстрация" }))?;
    let key = text(&issued, "token");
    keep(place, &key).map_err(|e| Failure::Usage(format!("{}: {e}", place.key_file.display())))?;
    Ok(Some(key))
}

/// Writes the key so that only its owner can read it.
fn keep(place: &Place, key: &str) -> std::io::Result<()> {
    if let Some(folder) = place.key_file.parent() {
        fs::create_dir_all(folder)?;
    }
    let mut options = fs::OpenOptions::new();
    let mut file = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&place.key_file)?;
    writeln!(file, "{key}")
}

fn tell(base: &str, place: &Place, created: bool, key: Option<&str>) {
    let tenant = &place.tenant;
    match created {
        true => {
            out!("Магазин «{tenant}» создан: программа, 12 товаров, 5 покупателей, 2 сертификата.")
        }
        false => out!("Магазин «{tenant}» уже есть, ничего не изменено."),
    }
    let Some(key) = key else {
        out!("Ключ уже выпущен, и показать его ещё раз нельзя. Отзовите его и выпустите новый:");
        out!("  sklad-edge tenant key list {tenant}");
        out!(
            "  sklad-edge tenant key issue {tenant} > {}",
            place.key_file.display()
        );
        return;
    };
    out!("\nВ настройки программы лояльности МойСклад вставляются:");
    out!("  Адрес: {base}");
    out!("  Ключ:  {key}");
    out!("\nПоиск покупателя, его баланс, расчёт чека:");
    let header = format!("-H 'Lognex-Discount-API-Auth-Token: {key}'");
    out!(
        "curl -s {header} '{base}/counterparty?search=9030000001&retailStoreId={}'",
        shop::STORE
    );
    out!(
        "curl -s {header} -H 'Content-Type: application/json' -d '{}' '{base}/counterparty/detail'",
        detail()
    );
    out!(
        "curl -s {header} -H 'Content-Type: application/json' -d '{}' '{base}/retaildemand/recalc'",
        recalc()
    );
    out!("\nТо же за кассира: sklad-edge demo till");
}

fn detail() -> Value {
    json!({
        "retailStore": { "meta": { "href": "", "id": shop::STORE } },
        "meta": { "href": "", "id": "" },
        "phone": shop::PHONE,
    })
}

fn recalc() -> Value {
    let coffee = shop::GOODS
        .iter()
        .find(|good| good.name.starts_with("Кофе"));
    let position = coffee.map(|good| json!({
        "assortment": { "meta": { "href": "", "id": good.id(), "idType": "native", "type": "product" } },
        "quantity": 1,
        "price": good.price_kopecks / 100,
    }));
    json!({
        "retailStore": { "meta": { "href": "", "id": shop::STORE } },
        "agent": { "meta": { "href": "", "id": "" }, "phone": shop::PHONE },
        "positions": position.into_iter().collect::<Vec<_>>(),
        "bonusProgram": { "transactionType": "SPENDING" },
    })
}
