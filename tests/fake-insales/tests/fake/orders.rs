use fake_insales::{Goods, Quoted};
use serde_json::{Value, json};

use crate::client::{SHOP, World, world};

fn variant(world: &World) -> u64 {
    world.variant("Кофе «Север» & Ко, 250 г")["id"]
        .as_u64()
        .unwrap()
}

#[test]
fn an_order_is_computed_stored_and_sells_what_it_has() {
    let world = world(Goods::Small);
    let mut order = world.order(variant(&world), 2);
    let (delivery, gateway) = world.ways(1, 2);
    order["order"]["delivery_variant_id"] = json!(delivery);
    order["order"]["payment_gateway_id"] = json!(gateway);
    order["order"]["shipping_address_attributes"] = json!({ "address": "ул. Мира, 1" });
    order["order"]["comment"] = json!("к шести");
    let answer = world.client.post("/orders.json", &order);
    assert_eq!(answer.status, 201, "{}", answer.text);
    let made = answer.json();
    // 2 × 450 + 300 of delivery, and two percent for the payment.
    assert_eq!(
        (&made["items_price"], &made["delivery_price"]),
        (&json!(900.0), &json!(300.0))
    );
    assert_eq!(made["total_price"], json!(1224.0));
    assert_eq!(
        (&made["fulfillment_status"], &made["financial_status"]),
        (&json!("new"), &json!("pending"))
    );
    assert_eq!(
        made["custom_status"],
        json!({ "permalink": "new", "title": "Новый" })
    );
    assert_eq!(made["order_lines"][0]["full_total_price"], json!(900.0));
    assert_eq!(made["client"]["phone"], "+79111112233");
    assert_eq!(made["shipping_address"]["address"], "ул. Мира, 1");
    assert_eq!(made["order_changes"][0]["action"], "order_created");
    assert_eq!(
        world
            .client
            .get(&format!("/orders/{}.json", made["id"]))
            .json(),
        made
    );
    assert_eq!(world.variant("Кофе «Север» & Ко, 250 г")["quantity"], 11);
}

#[test]
fn the_same_order_twice_is_two_orders_of_one_customer() {
    let world = world(Goods::Small);
    let order = world.order(variant(&world), 1);
    let made = [(), ()].map(|()| world.client.post("/orders.json", &order).json());
    assert_ne!(made[0]["id"], made[1]["id"]);
    assert_eq!(
        (&made[0]["number"], &made[1]["number"]),
        (&json!(1001), &json!(1002))
    );
    assert_eq!(made[0]["client"]["id"], made[1]["client"]["id"]);
    assert_eq!(world.client.rows("/clients.json").len(), 1);
    assert_eq!(
        world.client.get("/orders/count.json").json(),
        json!({ "count": 2 })
    );
    // The newest is the first, unless changes are asked for.
    assert_eq!(world.client.rows("/orders.json")[0]["id"], made[1]["id"]);
    assert_eq!(
        world.client.rows("/orders.json?updated_since=2026-01-01")[0]["id"],
        made[0]["id"]
    );
}

#[test]
fn what_is_not_allowed_is_refused_by_field_and_leaves_nothing() {
    let world = world(Goods::Small);
    let coffee = variant(&world);
    let (post, cash) = world.ways(4, 0);
    let (courier, _) = world.ways(1, 0);
    let wrong = |change: Value| {
        let mut order = world.order(coffee, 1);
        order["order"]
            .as_object_mut()
            .unwrap()
            .extend(change.as_object().unwrap().clone());
        let answer = world.client.post("/orders.json", &order);
        assert_eq!(answer.status, 422, "{}", answer.text);
        answer.wrong()
    };
    assert_eq!(
        wrong(json!({ "delivery_variant_id": post, "payment_gateway_id": cash })),
        ["payment_gateway_id"]
    );
    assert_eq!(
        wrong(json!({ "delivery_variant_id": 7 })),
        ["delivery_variant_id"]
    );
    assert_eq!(
        wrong(json!({ "delivery_variant_id": courier })),
        ["shipping_address.address"]
    );
    assert_eq!(
        wrong(json!({ "order_lines_attributes": [] })),
        ["order_lines"]
    );
    assert_eq!(
        wrong(json!({ "order_lines_attributes": [{ "variant_id": 7, "quantity": 1 }] })),
        ["order_lines.variant_id"]
    );
    assert_eq!(
        wrong(json!({ "order_lines_attributes": [{ "variant_id": coffee, "quantity": 0 }] })),
        ["order_lines.quantity"]
    );
    assert_eq!(
        wrong(json!({ "client": { "name": "Мария" } })),
        ["client.phone"]
    );
    assert_eq!(
        wrong(json!({ "client": { "phone": "79111112233" } })),
        ["client.name"]
    );
    assert_eq!(
        wrong(json!({ "custom_status_permalink": "nowhere" })),
        ["custom_status_permalink"]
    );
    let product = world.product("Кофе «Север» & Ко, 250 г")["id"]
        .as_u64()
        .unwrap();
    world.fake.delete(SHOP, "products", product).unwrap();
    assert_eq!(wrong(json!({})), ["order_lines.variant_id"]);
    assert!(world.fake.things(SHOP, "orders").is_empty());
}

#[test]
fn our_number_stays_in_a_field_that_there_is_and_is_lost_in_one_that_there_is_not() {
    let world = world(Goods::Small);
    let mut order = world.order(variant(&world), 1);
    order["order"]["fields_values_attributes"] =
        json!([{ "handle": "our_number", "value": "A-1" }]);
    assert_eq!(
        world.client.post("/orders.json", &order).json()["fields_values"],
        json!([])
    );
    let field = json!({ "field": {
        "title": "Номер", "handle": "our_number", "destiny": 3, "type": "Field::TextField",
    }});
    let made = world.client.post("/fields.json", &field);
    assert_eq!(made.status, 201);
    assert_eq!(
        world.client.post("/fields.json", &field).wrong(),
        ["handle"]
    );
    let value = world.client.post("/orders.json", &order).json()["fields_values"][0].clone();
    assert_eq!(
        (&value["value"], &value["field_id"]),
        (&json!("A-1"), &made.json()["id"])
    );
    assert_eq!(value["handle"], "our_number");
    // The list shows it too.
    assert_eq!(
        world.client.rows("/orders.json?per_page=10")[0]["fields_values"][0],
        value
    );
}

#[test]
fn an_order_is_changed_by_permalink_and_by_nothing_else() {
    let world = world(Goods::Small);
    let made = world
        .client
        .post("/orders.json", &world.order(variant(&world), 1))
        .json();
    let path = format!("/orders/{}.json", made["id"]);
    let put = |fields: Value| world.client.put(&path, &json!({ "order": fields }));
    assert_eq!(
        put(json!({ "custom_status": "declined" })).json()["custom_status"]["permalink"],
        "new"
    );
    let approved = put(json!({ "custom_status_permalink": "sobran" })).json();
    assert_eq!(
        (
            &approved["custom_status"]["title"],
            &approved["fulfillment_status"]
        ),
        (&json!("Собран"), &json!("approved"))
    );
    let paid = put(json!({ "financial_status": "paid" })).json();
    assert!(paid["financial_status"] == "paid" && paid["paid_at"].is_string());
    let changes: Vec<&Value> = paid["order_changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["value_is"])
        .collect();
    assert_eq!(json!(changes), json!([null, "sobran", "paid"]));
    assert_eq!(put(json!({ "financial_status": "maybe" })).status, 422);
    let line = &made["order_lines"][0]["id"];
    let lines = put(json!({ "order_lines_attributes": [{ "id": line, "quantity": 3 }] })).json();
    assert_eq!(lines["items_price"], json!(1350.0));
    world
        .fake
        .change(
            SHOP,
            "orders",
            made["id"].as_u64().unwrap(),
            &json!({ "custom_status_permalink": "delivered" }),
        )
        .unwrap();
    let delivered = world.client.get(&path).json();
    assert_eq!(delivered["order_changes"][3]["user_name"], "Администратор");
    assert_eq!(
        world
            .client
            .rows("/orders.json?fulfillment_status[]=delivered&fulfillment_status[]=new")
            .len(),
        1
    );
    assert_eq!(
        world
            .client
            .rows("/orders.json?fulfillment_status[]=new")
            .len(),
        0
    );
    assert_eq!(
        world
            .client
            .rows("/orders.json?fulfillment_status=new")
            .len(),
        1,
        "no array, no filter"
    );
    assert_eq!(world.client.delete(&path).json(), json!({ "status": "ok" }));
    assert_eq!(world.client.rows("/orders.json").len(), 0);
    assert_eq!(
        world.client.rows("/orders.json?deleted=1")[0]["archived"],
        true
    );
}

#[test]
fn deliveries_and_payments_say_which_pairs_are_allowed() {
    let world = world(Goods::Small);
    let (post, card) = world.ways(4, 1);
    let deliveries = world.client.rows("/delivery_variants.json");
    let found = deliveries.iter().find(|one| one["id"] == post).unwrap();
    assert_eq!(
        (&found["type"], &found["price"]),
        (&json!("DeliveryVariant::Fixed"), &json!("250.5"))
    );
    let pair = &found["payment_delivery_variants"][0];
    assert_eq!(
        (&pair["delivery_variant_id"], &pair["payment_gateway_id"]),
        (&json!(post), &json!(card))
    );
    let gateway = world
        .client
        .get(&format!("/payment_gateways/{card}.json"))
        .json();
    assert!(
        gateway["payment_delivery_variants"]
            .as_array()
            .unwrap()
            .contains(pair)
    );
    let status = world.client.get("/custom_statuses/sobran.json").json();
    assert_eq!(status["system_status"], "approved");
}

#[test]
fn numbers_of_orders_may_be_texts() {
    let world = world(Goods::Small);
    world.fake.set_quoted(SHOP, Quoted::Always);
    let made = world
        .client
        .post("/orders.json", &world.order(variant(&world), 1))
        .json();
    assert_eq!(
        (&made["total_price"], &made["archived"]),
        (&json!("450.0"), &json!("false"))
    );
    assert!(made["id"].is_string() && made["paid_at"].is_null());
}
