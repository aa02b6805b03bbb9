use base64::Engine as _;
use fake_moysklad::{Quantity, Shape, Shop};
use serde_json::json;

use crate::client::{GZIP, all, world};

#[test]
fn a_product_is_made_changed_and_deleted() {
    let world = world(Shop::Small);
    let made = world.client.post(
        "/entity/product",
        &json!({ "name": "Пирог", "archived": false }),
    );
    assert_eq!(made.status, 200);
    let made = made.json();
    assert!(
        made["barcodes"][0]["ean13"]
            .as_str()
            .is_some_and(|code| code.len() == 13)
    );
    assert!(made["externalCode"].is_string());
    let path = format!("/entity/product/{}", made["id"].as_str().unwrap());
    let folder = world.fake.reference(
        "productfolder",
        world.fake.id(world.account, "productfolder", 1),
    );
    let body = json!({ "productFolder": folder, "article": "P-1", "pathName": "чепуха" });
    let changed = world.client.put(&path, &body).json();
    assert_eq!(changed["pathName"], "Продукты/Кофе");
    assert_eq!(
        (&changed["name"], &changed["article"]),
        (&json!("Пирог"), &json!("P-1"))
    );
    let cleared = world
        .client
        .put(&path, &json!({ "article": null, "productFolder": null }))
        .json();
    assert!(cleared.get("article").is_none() && cleared.get("productFolder").is_none());
    let gone = world.client.ask("DELETE", &path, None);
    assert_eq!((gone.status, gone.bytes.len()), (200, 0));
    assert_eq!(world.client.get(&path).status, 404);
}

#[test]
fn bad_fields_are_refused_with_their_codes() {
    let world = world(Shop::Small);
    let price =
        json!([{ "value": 1.0, "priceType": world.fake.reference("pricetype", world.account) }]);
    for (body, code) in [
        (json!({}), 3000),
        (json!({ "name": null }), 3000),
        (json!({ "name": 5 }), 2016),
        (json!({ "name": "x".repeat(256) }), 3040),
        (json!({ "name": "x", "vat": 101 }), 17007),
        (json!({ "name": "x", "salePrices": price }), 28000),
        (
            json!({ "name": "x", "uom": { "meta": { "type": "uom" } } }),
            2010,
        ),
    ] {
        assert_eq!(
            world.client.post("/entity/product", &body).code(),
            Some(code),
            "{body}"
        );
    }
    let folder = world.fake.id(world.account, "productfolder", 0);
    let answer = world
        .client
        .ask("DELETE", &format!("/entity/productfolder/{folder}"), None);
    assert_eq!((answer.status, answer.code()), (409, Some(1028)));
    let below = world.fake.reference(
        "productfolder",
        world.fake.id(world.account, "productfolder", 1),
    );
    let body = json!({ "productFolder": below });
    assert_eq!(
        world
            .client
            .put(&format!("/entity/productfolder/{folder}"), &body)
            .code(),
        Some(23001)
    );
}

#[test]
fn of_many_each_is_answered_and_the_good_ones_are_kept() {
    let world = world(Shop::Empty);
    let body = json!([{ "name": "А" }, { "name": "" }, { "name": "Б" }]);
    let answer = world.client.post("/entity/product", &body);
    assert_eq!(answer.status, 412);
    let items = answer.json();
    assert_eq!(
        (&items[0]["name"], &items[2]["name"]),
        (&json!("А"), &json!("Б"))
    );
    assert_eq!(items[1]["errors"][0]["code"], 3000);
    assert_eq!(world.fake.len_of(world.account, "product"), 2);
    let delete = json!([{ "meta": items[0]["meta"] }, { "meta": items[2]["meta"] }]);
    assert_eq!(
        world.client.post("/entity/product/delete", &delete).status,
        200
    );
    assert_eq!(world.fake.len_of(world.account, "product"), 0);
}

#[test]
fn the_same_sync_id_makes_one_object() {
    let world = world(Shop::Empty);
    let body = json!({ "name": "Раз", "syncId": "11111111-1111-4111-8111-111111111111" });
    let first = world.client.post("/entity/product", &body).json();
    let again = world.client.post("/entity/product", &body).json();
    assert_eq!(first["id"], again["id"]);
    let path = format!("/entity/product/{}", first["id"].as_str().unwrap());
    let other = json!({ "syncId": "22222222-2222-4222-8222-222222222222" });
    assert_eq!(world.client.put(&path, &other).code(), Some(1047));
}

#[test]
fn a_variant_takes_its_name_and_prices_from_the_product() {
    let world = world(Shop::Small);
    let (product, colour) = (
        world.fake.id(world.account, "product", 5),
        world.fake.id(world.account, "characteristic", 0),
    );
    let body = |value: &str| {
        json!({
            "product": world.fake.reference("product", product),
            "characteristics": [{ "id": colour, "value": value }],
        })
    };
    let made = world.client.post("/entity/variant", &body("синяя")).json();
    assert_eq!(made["name"], "Футболка (синяя)");
    assert_eq!(made["salePrices"][0]["value"], 99_000.0);
    assert_eq!(made["characteristics"][0]["name"], "Цвет");
    assert_eq!(
        world.client.post("/entity/variant", &body("синяя")).code(),
        Some(15000)
    );
    let product = format!("/entity/product/{product}");
    assert_eq!(world.client.get(&product).json()["variantsCount"], 3);
    world.client.ask("DELETE", &product, None);
    assert_eq!(world.fake.len_of(world.account, "variant"), 0);
}

#[test]
fn the_id_of_the_interface_leads_to_that_of_the_api() {
    let world = world(Shop::Small);
    let known = &world.client.rows("/entity/product?limit=1")[0];
    let page = known["meta"]["uuidHref"].as_str().unwrap();
    let page = page.rsplit('=').next().unwrap();
    assert_ne!(page, known["id"]);
    let answer = world.client.get(&format!("/entity/product/{page}"));
    assert_eq!(answer.status, 308);
    assert_eq!(answer.header("location"), known["meta"]["href"].as_str());
}

#[test]
fn a_picture_is_given_out_by_another_server_for_a_minute() {
    let world = world(Shop::Small);
    let product = world.fake.id(world.account, "product", 0);
    let content = base64::engine::general_purpose::STANDARD.encode(b"picture");
    let body = json!({ "filename": "a.png", "content": content });
    let rows = world
        .client
        .post(&format!("/entity/product/{product}/images"), &body)
        .json();
    let download = rows[0]["meta"]["downloadHref"].as_str().unwrap();
    let path = download.split_once("/api/remap/1.2").unwrap().1;
    let answer = world.client.get(path);
    assert_eq!(answer.status, 302);
    let location = answer.header("location").unwrap().to_owned();
    let place = location
        .strip_prefix(world.fake.files())
        .expect("another server");
    let mut files = world.client.clone();
    files.origin = world.fake.files().to_owned();
    let file = files.raw("GET", place, &[], None).unwrap();
    assert_eq!((file.status, file.bytes.as_slice()), (200, &b"picture"[..]));
    let authorization = ("authorization", files.authorization.as_str());
    let refused = files
        .raw("GET", place, &[GZIP, authorization], None)
        .unwrap();
    assert_eq!(refused.status, 400, "the token is not for this server");
    world.fake.advance(std::time::Duration::from_secs(61));
    assert_eq!(files.raw("GET", place, &[], None).unwrap().status, 403);
}

#[test]
fn stock_is_reported_by_good_by_store_and_by_change() {
    let world = world(Shop::Small);
    let id = |kind, index| world.fake.id(world.account, kind, index);
    let (coffee, main, other) = (id("product", 0), id("store", 0), id("store", 1));
    let quantity = Quantity {
        stock: 46_500,
        reserve: 1500,
        in_transit: 2000,
    };
    world.fake.set_stock(world.account, coffee, other, quantity);
    let of = |path: &str| {
        let rows = world.client.get(path).json();
        let mine = rows
            .as_array()
            .unwrap()
            .iter()
            .filter(|row| row["assortmentId"] == coffee.to_string());
        mine.cloned().collect::<Vec<_>>()
    };
    assert_eq!(
        of("/report/stock/all/current"),
        [json!({ "assortmentId": coffee, "stock": 46.855 })]
    );
    let rows = of("/report/stock/bystore/current?stockType=freeStock");
    let expected = [
        json!({ "assortmentId": coffee, "storeId": main, "freeStock": 0.355 }),
        json!({ "assortmentId": coffee, "storeId": other, "freeStock": 45 }),
    ];
    assert_eq!(rows, expected);
    let path = format!("/report/stock/bystore/current?filter=storeId={main}&stockType=quantity");
    assert_eq!(
        of(&path),
        [json!({ "assortmentId": coffee, "storeId": main, "quantity": 0.355 })]
    );
    assert_eq!(
        world
            .client
            .get("/report/stock/all/current?changedSince=2020-01-01 00:00:00")
            .status,
        412
    );
    let rows = world.client.rows("/report/stock/all");
    assert!(
        rows[0]["meta"]["href"]
            .as_str()
            .unwrap()
            .ends_with("?expand=supplier")
    );
    let rows = world.client.rows("/report/stock/bystore");
    assert_eq!(rows[0]["stockByStore"].as_array().unwrap().len(), 2);
}

#[test]
fn only_who_may_sees_stock_and_webhooks() {
    let world = world(Shop::Small);
    let login = world.fake.add_user(world.account, "kassir", false);
    let packed = base64::engine::general_purpose::STANDARD.encode(format!("{login}:password"));
    let mut client = world.client.clone();
    client.authorization = format!("Basic {packed}");
    // What the administrator was answered is not given to others.
    assert_eq!(world.client.get("/report/stock/all/current").status, 200);
    assert_eq!(client.get("/report/stock/all/current").code(), Some(13004));
    assert_eq!(client.get("/entity/webhook").status, 403);
    assert_eq!(client.get("/entity/product").status, 200);
    let me = client.get("/context/employee").json();
    assert_eq!(me["permissions"]["admin"]["view"], "NO");
}

#[test]
fn the_same_shape_makes_the_same_shop_and_two_accounts_share_no_id() {
    let shape = Shape {
        images: true,
        ..Shape::goods(150)
    };
    let (one, two) = (
        world(Shop::Generated(shape.clone())),
        world(Shop::Generated(shape.clone())),
    );
    // The servers have other ports: addresses differ, names and prices do not.
    let values = |world: &crate::client::World, field: &str| {
        let rows = world.fake.objects(world.account, "product");
        rows.iter()
            .map(|row| row[field].clone())
            .collect::<Vec<_>>()
    };
    for field in ["id", "name", "barcodes", "archived", "code"] {
        assert_eq!(values(&one, field), values(&two, field), "{field}");
    }
    let other = one.fake.add_account("chai", Shop::Generated(shape));
    let ids = one.fake.objects(other, "product");
    assert!(
        all(&ids, "id")
            .iter()
            .all(|id| !values(&one, "id").contains(&json!(id)))
    );
    assert!(ids.iter().any(|row| row["images"]["meta"]["size"] == 1));
    for kind in [
        "productfolder",
        "variant",
        "service",
        "bundle",
        "counterparty",
        "store",
    ] {
        assert!(one.fake.len_of(other, kind) > 0, "{kind}");
    }
}

#[test]
fn a_document_has_a_number_a_sum_and_goes_to_the_bin() {
    let world = world(Shop::Small);
    let id = |kind, index| {
        world
            .fake
            .reference(kind, world.fake.id(world.account, kind, index))
    };
    let body = json!({
        "organization": id("organization", 0), "agent": id("counterparty", 0),
        "positions": [{ "assortment": id("product", 0), "quantity": 2, "price": 149_900.0 }],
    });
    let made = world.client.post("/entity/customerorder", &body).json();
    assert_eq!(
        (&made["name"], &made["sum"]),
        (&json!("00001"), &json!(299_800))
    );
    assert_eq!(made["positions"]["meta"]["size"], 1);
    assert!(
        made["moment"].as_str().unwrap().ends_with(":00.000"),
        "kept to the minute"
    );
    let path = format!("/entity/customerorder/{}", made["id"].as_str().unwrap());
    let rows = world
        .client
        .rows(&format!("{path}/positions?expand=assortment&limit=100"));
    assert_eq!(rows[0]["assortment"]["externalCode"], "coffee");
    world.client.ask("DELETE", &path, None);
    assert!(world.client.rows("/entity/customerorder").is_empty());
    assert_eq!(
        world
            .client
            .rows("/entity/customerorder?filter=isDeleted=true")
            .len(),
        1
    );
    assert!(world.client.get(&path).json()["deleted"].is_string());
    assert_eq!(
        world
            .client
            .post("/entity/customerorder", &json!({}))
            .code(),
        Some(3000)
    );
}

#[test]
fn vat_comes_from_the_folder_where_a_good_has_none() {
    let world = world(Shop::Small);
    let id = |kind, index| world.fake.id(world.account, kind, index);
    let vat = || {
        let bread = world
            .fake
            .object(world.account, "product", id("product", 3))
            .unwrap();
        bread["effectiveVat"].clone()
    };
    assert_eq!(vat(), 10);
    world
        .fake
        .update(
            world.account,
            "product",
            id("product", 3),
            json!({ "useParentVat": true }),
        )
        .unwrap();
    assert!(vat().is_null(), "the folder has none and is a root");
    let own = json!({ "vat": 22, "vatEnabled": true, "useParentVat": false });
    world
        .fake
        .update(world.account, "productfolder", id("productfolder", 0), own)
        .unwrap();
    assert_eq!(vat(), 22);
}

#[test]
fn custom_fields_are_shown_by_name_and_changed_one_by_one() {
    let world = world(Shop::Generated(Shape::goods(60)));
    let id = world.fake.id(world.account, "product", 4);
    let shown = world.fake.object(world.account, "product", id).unwrap();
    let field = shown["attributes"][0].clone();
    assert_eq!(
        (&field["name"], &field["type"], &field["value"]),
        (&json!("Экспорт"), &json!("boolean"), &json!(true))
    );
    let path = format!("/entity/product/{id}");
    let set = |value| json!({ "attributes": [{ "meta": field["meta"], "value": value }] });
    let changed = world.client.put(&path, &set(json!(false))).json();
    assert_eq!(changed["attributes"].as_array().unwrap().len(), 1);
    assert_eq!(changed["attributes"][0]["value"], false);
    let href = field["meta"]["href"].as_str().unwrap();
    assert_eq!(
        world
            .client
            .rows(&format!("/entity/product?filter={href}=false"))
            .len(),
        3
    );
    let cleared = world.client.put(&path, &set(json!(null))).json();
    assert_eq!(cleared["attributes"], json!([]));
}
