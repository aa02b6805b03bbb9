use fake_insales::{Goods, Shape};
use serde_json::{Value, json};

use crate::client::{SHOP, world};

#[test]
fn a_product_is_written_as_the_shop_writes_it() {
    let world = world(Goods::Small);
    let coffee = world.product("Кофе «Север» & Ко, 250 г");
    let id = &coffee["id"];
    assert_eq!(
        world.client.get(&format!("/products/{id}.json")).json(),
        coffee
    );
    assert_eq!(coffee["currency_code"], "RUR");
    assert_eq!(
        coffee["canonical_url_collection_id"],
        coffee["collections_ids"][0]
    );
    let variant = &coffee["variants"][0];
    for (name, value) in [
        ("price", "450.0"),
        ("old_price", "500.0"),
        ("cost_price", "300.5"),
        ("price2", "420.0"),
    ] {
        assert_eq!(variant[name], value, "{name}");
    }
    assert_eq!(variant["prices"], json!(["420.0", null]));
    let warehouses = world.client.rows("/warehouses.json");
    let at: Vec<&Value> = warehouses
        .iter()
        .map(|one| &variant[format!("quantity_at_warehouse{}", one["id"])])
        .collect();
    assert_eq!(
        (json!(at), &variant["quantity"]),
        (json!([10, 3]), &json!(13))
    );
    assert_eq!(variant["title"], Value::Null);
    let kinds = world.client.rows("/price_kinds.json");
    assert_eq!(kinds[0]["variant_price_method_name"], "price2");
    let image = &coffee["images"][0];
    assert_eq!(
        world.client.rows(&format!("/products/{id}/images.json"))[0],
        *image
    );
    let file = world
        .client
        .raw("GET", image["original_url"].as_str().unwrap(), &[], None)
        .unwrap();
    assert_eq!(
        (file.status, file.header("content-type")),
        (200, Some("image/png"))
    );
    assert!(file.text.contains("PNG"));
}

#[test]
fn variants_have_options_and_stock_may_be_untracked() {
    let world = world(Goods::Small);
    let shirt = world.product("Футболка");
    let titles: Vec<&Value> = shirt["variants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["title"])
        .collect();
    assert_eq!(
        json!(titles),
        json!(["белый / M", "чёрный / M", "чёрный / L"])
    );
    assert_eq!(
        (&shirt["vat"], &shirt["available"]),
        (&json!(-1), &json!(true))
    );
    assert_eq!(shirt["variants"][1]["available"], false);
    let value = &shirt["variants"][0]["option_values"][0];
    let names = world.client.rows("/option_names.json");
    assert_eq!(value["option_name_id"], names[0]["id"]);
    assert_eq!(shirt["option_names"][0]["title"], names[0]["title"]);
    let gift = &world.product("Подарочный сертификат")["variants"][0];
    assert_eq!(
        (&gift["quantity"], &gift["available"]),
        (&Value::Null, &json!(true))
    );
    assert_eq!(
        world.product("Сыр весовой")["variants"][0]["quantity"],
        json!(12.355)
    );
    let (product, variant) = (&shirt["id"], &shirt["variants"][1]["id"]);
    let one = world
        .client
        .get(&format!("/products/{product}/variants/{variant}.json"));
    assert_eq!(one.json(), shirt["variants"][1]);
}

#[test]
fn a_single_warehouse_is_number_nought() {
    let shape = Shape {
        warehouses: 1,
        price_kinds: 0,
        images: true,
        ..Shape::products(40)
    };
    let world = world(Goods::Generated(shape));
    let products = world.client.rows("/products.json?per_page=50");
    let variant = products[0]["variants"][0].as_object().unwrap();
    assert!(variant.contains_key("quantity_at_warehouse0"));
    assert_eq!(variant["prices"], json!([]));
    assert_eq!(products[0]["images"].as_array().unwrap().len(), 2);
}

#[test]
fn a_product_is_changed_and_its_variants_too() {
    let world = world(Goods::Small);
    let shirt = world.product("Футболка");
    let id = shirt["id"].as_u64().unwrap();
    let fields = json!({ "variants": [
        { "id": shirt["variants"][0]["id"], "price": "1000.5", "price3": 5 },
        { "id": shirt["variants"][1]["id"], "_destroy": true },
        { "sku": "NEW", "price": 1, "quantity": 2 },
    ]});
    world.fake.change(SHOP, "products", id, &fields).unwrap();
    let changed = world.fake.thing(SHOP, "products", id).unwrap();
    let skus: Vec<&Value> = changed["variants"]
        .as_array()
        .unwrap()
        .iter()
        .map(|one| &one["sku"])
        .collect();
    assert_eq!(json!(skus), json!(["TS-01", "TS-12", "NEW"]));
    assert_eq!(changed["variants"][0]["prices"], json!([null, "5.0"]));
    assert!(
        world
            .fake
            .change(SHOP, "products", id, &json!({ "title": "" }))
            .is_err()
    );
    assert!(world.fake.change(SHOP, "products", 1, &json!({})).is_err());
    world.fake.delete(SHOP, "products", id).unwrap();
    assert_eq!(
        world.client.get(&format!("/products/{id}.json")).json()["archived"],
        true
    );
    world.fake.restore(SHOP, "products", id).unwrap();
    assert_eq!(world.client.rows("/products.json").len(), 5);
    world.fake.purge(SHOP, "products", id).unwrap();
    assert_eq!(
        world.client.get(&format!("/products/{id}.json")).status,
        404
    );
    assert_eq!(world.client.rows("/products.json?with_deleted=1").len(), 4);
}

#[test]
fn collections_and_categories_are_trees_that_change() {
    let world = world(Goods::Small);
    let collections = world.client.rows("/collections.json");
    let root = &collections[0];
    assert_eq!(
        (&root["parent_id"], &collections[1]["parent_id"]),
        (&Value::Null, &root["id"])
    );
    assert_eq!(world.client.rows("/categories.json").len(), 2);
    let fields = json!({ "title": "Новинки", "parent_id": root["id"] });
    let id = world.fake.insert(SHOP, "collections", &fields).unwrap();
    let since = world
        .client
        .rows("/collections.json?updated_since=2026-07-02");
    assert_eq!(since.iter().filter(|one| one["id"] == id).count(), 1);
    world.fake.delete(SHOP, "collections", id).unwrap();
    assert_eq!(
        world.client.get(&format!("/collections/{id}.json")).status,
        404
    );
    for kind in [
        "properties",
        "option_values",
        "custom_statuses",
        "fields",
        "price_kinds",
    ] {
        assert!(
            !world.client.rows(&format!("/{kind}.json")).is_empty(),
            "{kind}"
        );
    }
}
