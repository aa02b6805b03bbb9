//! What every account has from the start, and a small shop made by hand.

use serde_json::{Value, json};
use uuid::Uuid;

use crate::kinds;
use crate::link;
use crate::state::{Account, Body, Row, User};
use crate::stock::Quantity;

/// The constant `externalCode` of «Цена продажи».
const SALE_PRICE: &str = "cbcf493b-55bc-11d9-848a-00112f43529a";

/// Puts an object made by hand on its shelf, with the id of its kind and index.
fn add(account: &mut Account, kind: &str, index: u32, now: i64, fields: Value) -> Uuid {
    let id = account.made_id(kind, index);
    if let (Some(kind), Value::Object(mut fields)) = (kinds::kind(kind), fields) {
        let code = format!("{}-{index}", kind.name);
        fields.entry("externalCode").or_insert(code.into());
        let row = Row {
            id,
            updated: now,
            archived: false,
            trashed: false,
            body: Body::Stored(fields),
        };
        account.put(kind, row);
    }
    id
}

/// Employee, currency, units, prices, organisation, stores and the like.
pub(crate) fn furnish(account: &mut Account, password: &str, now: i64) {
    add(account, "group", 0, now, json!({ "name": "Основной" }));
    let login = format!("admin@{}", account.name);
    let employee = add(
        account,
        "employee",
        0,
        now,
        json!({
            "name": "Админов А. А.", "lastName": "Админов", "firstName": "Антон",
            "shortFio": "Админов А. А.", "uid": login, "email": "admin@example.com",
        }),
    );
    account.users.push(User {
        login,
        password: password.to_owned(),
        employee,
        admin: true,
    });
    let roubles = json!({
        "name": "руб", "fullName": "Российский рубль", "code": "643", "isoCode": "RUB",
        "rate": 1.0, "multiplicity": 1, "indirect": false, "default": true,
    });
    add(account, "currency", 0, now, roubles);
    let dollars = json!({
        "name": "доллар", "fullName": "Доллар США", "code": "840", "isoCode": "USD",
        "rate": 92.5, "multiplicity": 1, "indirect": false, "default": false,
    });
    add(account, "currency", 1, now, dollars);
    for (index, (name, code)) in [("шт", "796"), ("кг", "166"), ("упак", "778")]
        .into_iter()
        .enumerate()
    {
        let unit = json!({ "name": name, "description": name, "code": code });
        add(account, "uom", u32::try_from(index).unwrap_or(0), now, unit);
    }
    for index in 0..account.shape.price_types.clamp(1, 100) {
        let name = match index {
            0 => "Цена продажи".to_owned(),
            1 => "Цена для друзей".to_owned(),
            _ => format!("Цена {}", index + 1),
        };
        let mut fields = json!({ "name": name });
        if let (0, Some(fields)) = (index, fields.as_object_mut()) {
            fields.insert("externalCode".into(), SALE_PRICE.into());
        }
        add(account, "pricetype", index, now, fields);
    }
    for (index, name) in ["Цвет", "Размер"].into_iter().enumerate() {
        let index = u32::try_from(index).unwrap_or(0);
        add(
            account,
            "characteristic",
            index,
            now,
            json!({ "name": name, "type": "string" }),
        );
    }
    let export =
        json!({ "name": "Экспорт", "type": "boolean", "required": false, "entity": "product" });
    add(account, "attributemetadata", 0, now, export);
    for (index, (name, kind)) in [
        ("Новый", "Regular"),
        ("Выполнен", "Successful"),
        ("Отменён", "Unsuccessful"),
    ]
    .into_iter()
    .enumerate()
    {
        let state = json!({
            "name": name, "color": 15_106_326, "stateType": kind, "entityType": "customerorder",
        });
        add(
            account,
            "state",
            u32::try_from(index).unwrap_or(0),
            now,
            state,
        );
    }
    let firm = json!({
        "name": format!("ООО «{}»", account.name), "companyType": "legal", "inn": "7707083893",
        "legalTitle": format!("Общество «{}»", account.name),
    });
    let organization = add(account, "organization", 0, now, firm);
    for index in 0..account.shape.stores.max(1) {
        let name = if index == 0 {
            "Основной склад".to_owned()
        } else {
            format!("Склад {}", index + 1)
        };
        add(
            account,
            "store",
            index,
            now,
            json!({ "name": name, "address": "" }),
        );
    }
    let till = json!({
        "name": "Точка продаж", "active": true,
        "organization": link::entity("organization", organization),
        "store": link::entity("store", account.made_id("store", 0)),
        "priceType": link::price_type(account.made_id("pricetype", 0)),
    });
    add(account, "retailstore", 0, now, till);
    let anybody = json!({ "name": "Розничный покупатель", "companyType": "legal", "tags": [] });
    // Its index is out of the way of generated ones.
    add(account, "counterparty", u32::MAX, now, anybody);
}

/// A shop of twelve goods, each with something that an import has to get right.
pub(crate) fn small(account: &mut Account, now: i64) {
    let folder = |account: &mut Account, index, name: &str, above: Option<Uuid>| {
        let mut fields = json!({ "name": name, "vatEnabled": false, "useParentVat": true });
        if let (Some(above), Some(fields)) = (above, fields.as_object_mut()) {
            fields.insert("productFolder".into(), link::entity("productfolder", above));
        }
        add(account, "productfolder", index, now, fields)
    };
    let food = folder(account, 0, "Продукты", None);
    let coffee = folder(account, 1, "Кофе", Some(food));
    let home = folder(account, 2, "Для дома", None);
    let tobacco = folder(account, 3, "Табак", None);
    let plain: [(&str, Uuid, u64, Value); 7] = [
        (
            "Кофе в зёрнах, 1 кг",
            coffee,
            149_900,
            json!({ "article": "CF-1000", "externalCode": "coffee" }),
        ),
        (
            "Сыр «Российский»",
            food,
            89_900,
            json!({ "uom": link::entity("uom", account.made_id("uom", 1)) }),
        ),
        (
            "Шоколад горький, 90 г",
            food,
            14_990,
            json!({ "discountProhibited": true }),
        ),
        ("Хлеб бородинский", food, 5490, json!({ "vat": 10 })),
        (
            "Сигареты",
            tobacco,
            19_900,
            json!({ "trackingType": "TOBACCO" }),
        ),
        ("Футболка", home, 99_000, json!({})),
        ("Кружка", home, 45_050, json!({ "archived": true })),
    ];
    for (index, (name, folder, kopecks, more)) in plain.into_iter().enumerate() {
        let index = u32::try_from(index).unwrap_or(0);
        let fields = product(account, index, name, folder, kopecks, more);
        let archived = fields.get("archived").is_some();
        let id = add(account, "product", index, now, fields);
        if archived {
            archive(account, id);
        }
    }
    let shirt = account.made_id("product", 5);
    for (index, colour) in ["белая", "чёрная"].into_iter().enumerate() {
        let index = u32::try_from(index).unwrap_or(0);
        let variant = json!({
            "product": link::entity("product", shirt), "discountProhibited": false,
            "characteristics": [{ "id": account.made_id("characteristic", 0), "value": colour }],
            "barcodes": [{ "ean13": crate::generate::ean13(u64::from(index) + 500) }],
        });
        add(account, "variant", index, now, variant);
    }
    let mut delivery = product(account, 100, "Доставка", home, 30_000, json!({}));
    if let Some(fields) = delivery.as_object_mut() {
        fields.remove("article");
        fields.remove("trackingType");
    }
    add(account, "service", 0, now, delivery);
    let mut breakfast = product(account, 101, "Набор «Завтрак»", food, 139_900, json!({}));
    if let Some(fields) = breakfast.as_object_mut() {
        let part = |index| link::entity("product", account.made_id("product", index));
        let parts = json!([
            { "id": account.made_id("component", 0), "quantity": 1, "assortment": part(0) },
            { "id": account.made_id("component", 1), "quantity": 2, "assortment": part(3) },
        ]);
        fields.insert("components".into(), parts);
    }
    add(account, "bundle", 0, now, breakfast);
    let people = [
        ("Мария Иванова", "+7 903 000-00-01", "100001"),
        ("Пётр Петров", "8 (903) 000-00-02", "100002"),
        ("Анна Ли", "79030000003", "100003"),
    ];
    for (index, (name, phone, card)) in people.into_iter().enumerate() {
        let person = json!({
            "name": name, "companyType": "individual", "phone": phone, "discountCardNumber": card,
            "tags": ["покупатели"], "email": format!("customer{index}@example.com"),
            "created": crate::time::msk(now),
        });
        add(
            account,
            "counterparty",
            u32::try_from(index).unwrap_or(0),
            now,
            person,
        );
    }
    let store = account.made_id("store", 0);
    for index in 0..5 {
        let good = account.made_id("product", index);
        let stock = i64::from(index) * 7000 + 355;
        let quantity = Quantity {
            stock,
            reserve: 0,
            in_transit: 0,
        };
        account.stock.set(good, store, quantity, now);
    }
}

fn product(
    account: &Account,
    index: u32,
    name: &str,
    folder: Uuid,
    kopecks: u64,
    more: Value,
) -> Value {
    let currency = link::entity("currency", account.made_id("currency", 0));
    let price = |place: u32, value: u64| {
        json!({
            "value": crate::generate::kopecks(value), "currency": currency,
            "priceType": link::price_type(account.made_id("pricetype", place)),
        })
    };
    let prices: Vec<Value> = (0..account.shape.price_types.max(1))
        .map(|place| price(place, kopecks - kopecks / 10 * u64::from(place.min(9))))
        .collect();
    let mut made = json!({
        "name": name, "code": format!("{index:05}"), "article": format!("ART-{index}"),
        "productFolder": link::entity("productfolder", folder), "vat": 20, "vatEnabled": true,
        "useParentVat": false, "discountProhibited": false, "trackingType": "NOT_TRACKED",
        "uom": link::entity("uom", account.made_id("uom", 0)), "salePrices": prices,
        "minPrice": { "value": 100.0, "currency": currency },
        "barcodes": [{ "ean13": crate::generate::ean13(u64::from(index) + 1000) }],
    });
    if let (Some(made), Value::Object(more)) = (made.as_object_mut(), more) {
        made.extend(more);
    }
    made
}

fn archive(account: &mut Account, id: Uuid) {
    let Some(kind) = kinds::kind("product") else {
        return;
    };
    if let Some(mut row) = account.row(kind.name, id).cloned() {
        row.archived = true;
        if let Body::Stored(fields) = &mut row.body {
            fields.remove("archived");
        }
        account.put(kind, row);
    }
}
