//! What every shop has from the start, and a small one made by hand.

use serde_json::{Value, json};

use crate::api::write;
use crate::generate::OPTIONS;
use crate::money;
use crate::state::Store;

/// The system statuses (§6.1) with the names that a shop gives them, and two of a merchant's own.
const STATUSES: &[(&str, &str, &str)] = &[
    ("new", "new", "Новый"),
    ("accepted", "accepted", "В обработке"),
    ("approved", "approved", "Согласован"),
    ("dispatched", "dispatched", "Отгружен"),
    ("delivered", "delivered", "Доставлен"),
    ("declined", "declined", "Отменён"),
    ("returned", "returned", "Возврат"),
    ("new-ordered-by-phone", "new", "Заказ по телефону"),
    ("sobran", "approved", "Собран"),
];

/// Deliveries: kind, title, kopecks, and from which sum of goods it costs nothing.
const DELIVERIES: &[(&str, &str, i64, Option<i64>)] = &[
    ("PickUp", "Самовывоз", 0, None),
    ("Fixed", "Курьером по городу", 30_000, Some(500_000)),
    ("PriceDepend", "По сумме заказа", 20_000, None),
    ("External", "СДЕК", 35_000, None),
    ("Fixed", "Почтой", 25_050, None),
];

/// Payments: kind, title, what it adds in hundredths of a percent.
const GATEWAYS: &[(&str, &str, i64)] = &[
    ("Cod", "Наличными или картой при получении", 0),
    ("External", "Картой на сайте", 0),
    ("Custom", "По счёту", 200),
];

/// Which payments go with which delivery, by places in the lists above.
const PAIRS: &[(u32, u32)] = &[
    (0, 0),
    (0, 1),
    (1, 0),
    (1, 1),
    (1, 2),
    (2, 0),
    (3, 1),
    (4, 1),
];

/// Puts in what every shop has. The shape says how many price kinds and warehouses.
pub(crate) fn furnish(store: &mut Store, now: i64) {
    let mut put = |kind: &'static str, index: u32, fields: Value| {
        let id = store.id(kind, index);
        store.put_plain(kind, id, fields, now);
    };
    for (index, (permalink, system, title)) in (1..).zip(STATUSES) {
        put(
            "custom_statuses",
            index,
            json!({
                "permalink": permalink, "system_status": system, "title": title, "color": "#DC5F59",
                "is_default": permalink == system, "position": index,
            }),
        );
    }
    for (index, title) in [(0, "Бренд"), (1, "Страна")] {
        put(
            "properties",
            index,
            json!({
                "title": title, "permalink": format!("property-{index}"), "position": index + 1,
                "backoffice": false, "is_hidden": index == 1, "is_navigational": true,
            }),
        );
    }
    for (index, (kind, title, price, free)) in (0..).zip(DELIVERIES) {
        put(
            "delivery_variants",
            index,
            json!({
                "title": title, "type": format!("DeliveryVariant::{kind}"), "price": money::price(*price),
                "description": null, "position": index + 1, "min_price": null,
                "charge_up_to": free.map(money::price), "inverted": false, "customer_pickup": *kind == "PickUp",
                "delivery_locations": [], "delivery_zones": [], "rules": [], "url": null, "javascript": null,
            }),
        );
    }
    for (index, (kind, title, margin)) in (0..).zip(GATEWAYS) {
        put(
            "payment_gateways",
            index,
            json!({
                "title": title, "type": format!("PaymentGateway::{kind}"), "description": null,
                "position": index + 1, "margin": money::price(*margin),
            }),
        );
    }
    for (index, title, handle, destiny) in [(0, "Телефон", "phone", 2), (1, "Трек", "trace", 3)]
    {
        put(
            "fields",
            index,
            json!({
                "title": title, "handle": handle, "destiny": destiny, "type": "Field::TextField",
                "position": index + 1, "obligatory": false, "active": true, "for_buyer": false,
            }),
        );
    }
    furnish_goods(store, now);
    store.pairs = PAIRS
        .iter()
        .map(|(delivery, gateway)| {
            let delivery = store.id("delivery_variants", *delivery);
            (delivery, store.id("payment_gateways", *gateway))
        })
        .collect();
}

fn furnish_goods(store: &mut Store, now: i64) {
    for (index, (title, values)) in (0u32..).zip(OPTIONS) {
        let name = store.id("option_names", index);
        let fields = json!({
            "title": title, "permalink": format!("option-{index}"), "position": index + 1, "navigational": true,
        });
        store.put_plain("option_names", name, fields, now);
        for (place, value) in (0u32..).zip(*values) {
            let id = store.id("option_values", index * 100 + place);
            let fields = json!({
                "title": value, "option_name_id": name, "position": place + 1, "image_url": null,
            });
            store.put_plain("option_values", id, fields, now);
        }
    }
    for index in 0..store.shape.price_kinds {
        let title = if index == 0 {
            "Опт".to_owned()
        } else {
            format!("Цена {}", index + 2)
        };
        let fields = json!({
            "title": title, "price_index": index + 1, "show_in_lists": true,
            "variant_price_method_name": format!("price{}", index + 2),
        });
        store.put_plain("price_kinds", store.id("price_kinds", index), fields, now);
    }
    for index in 0..store.shape.warehouses {
        let title = if index == 0 {
            "Основной склад".to_owned()
        } else {
            format!("Склад {}", index + 1)
        };
        let fields = json!({ "title": title, "position": index + 1, "is_default": index == 0 });
        store.put_plain("warehouses", store.id("warehouses", index), fields, now);
    }
}

/// A handful of goods made by hand; everything seldom occurs once.
pub(crate) fn small(store: &mut Store, now: i64) {
    for (index, title, above) in [
        (0, "Каталог", None),
        (1, "Кофе", Some(0)),
        (2, "Одежда", Some(0)),
        (3, "Скрытое", Some(0)),
    ] {
        let above = above.map(|above| store.id("collections", above));
        let fields = json!({
            "title": title, "parent_id": above, "position": index + 1, "is_hidden": index == 3,
            "permalink": format!("collection-{index}"), "description": null,
        });
        store.put_plain("collections", store.id("collections", index), fields, now);
    }
    for (index, title, above) in [(0, "Склад", None), (1, "Продукты", Some(0))] {
        let above = above.map(|above| store.id("categories", above));
        let fields = json!({ "title": title, "parent_id": above, "position": index + 1 });
        store.put_plain("categories", store.id("categories", index), fields, now);
    }
    for fields in goods(store) {
        // They are valid: a test looks at them.
        let _ = write::create_product(store, &fields, now);
    }
}

fn goods(store: &Store) -> Vec<Value> {
    let id = |kind: &str, index: u32| store.id(kind, index);
    let stock = |index: u32| format!("quantity_at_warehouse{}", id("warehouses", index));
    let shirt = |colour: u32, size: u32, pieces: u32| {
        json!({
            "sku": format!("TS-{colour}{size}"), "price": "990.0", "quantity": pieces,
            "option_value_ids": [id("option_values", colour), id("option_values", 100 + size)],
        })
    };
    vec![
        json!({
            "title": "Кофе «Север» & Ко, 250 г", "category_id": id("categories", 1),
            "collections_ids": [id("collections", 1), id("collections", 0)], "description": "<p>Зёрна</p>",
            "images": ["coffee.png"], "unit": "pce", "vat": 20,
            "variants": [{
                "sku": "COF-1", "barcode": "2000000000015", "price": "450.0", "old_price": "500.0",
                "cost_price": "300.5", "price2": "420.0", stock(0): 10, stock(1): 3, "weight": "0.25",
            }],
        }),
        json!({
            "title": "Футболка", "category_id": id("categories", 0),
            "collections_ids": [id("collections", 2)], "unit": "pce", "vat": -1,
            "option_name_ids": [id("option_names", 0), id("option_names", 1)],
            "variants": [shirt(0, 1, 5), shirt(1, 1, 0), shirt(1, 2, 7)],
        }),
        json!({
            "title": "Сыр весовой", "category_id": id("categories", 1), "collections_ids": [],
            "unit": "kgm", "vat": 10,
            "variants": [{ "sku": "CH-1", "price": "899.99", "quantity": "12.355" }],
        }),
        json!({
            "title": "Подарочный сертификат", "category_id": id("categories", 0), "collections_ids": [],
            "unit": "pce", "vat": -1, "variants": [{ "price": 1000, "quantity": null }],
        }),
        json!({
            "title": "Скрытый товар", "category_id": id("categories", 0), "is_hidden": true,
            "collections_ids": [id("collections", 3)], "unit": "pce", "vat": -1,
            "variants": [{ "sku": "COF-1", "price": "1.05", "quantity": 0 }],
        }),
    ]
}
