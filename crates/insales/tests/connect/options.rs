use futures::executor::block_on;
use serde_json::{Value, json};
use sklad_insales::api::{Part, Session};
use sklad_insales::number_field;
use sklad_insales::options::{Options, Pair, read};
use sklad_insales::settings::NUMBER_FIELD;

use crate::fake::{World, orders, settings, world};

fn options(w: &World) -> Options {
    let session = Session::open(w.ports(), w.api(), Part::Orders, w.until());
    block_on(read(&session)).unwrap()
}

/// Paths of what is wrong, and the first text.
fn wrong(options: &Options, orders: &Value) -> (Vec<String>, String) {
    let problems = options.problems(&settings(orders));
    let text = problems.first().map(|p| p.message.clone());
    (
        problems.into_iter().map(|p| p.path).collect(),
        text.unwrap_or_default(),
    )
}

#[test]
fn only_pickup_and_fixed_price_are_offered() {
    let w = world();
    let options = options(&w);
    let titles = |all: &[sklad_insales::options::Choice]| {
        all.iter()
            .map(|c| format!("{} {}", c.id, c.title))
            .collect::<Vec<_>>()
    };
    assert_eq!(titles(&options.payments), ["11 Наличные", "12 Карта"]);
    assert_eq!(titles(&options.deliveries), ["21 Самовывоз", "22 Курьер"]);
    assert_eq!(titles(&options.unsuitable), ["23 СДЕК"]);
    assert_eq!(titles(&options.price_kinds), ["31 Опт"]);
    assert_eq!(titles(&options.warehouses), ["41 Главный"]);
    assert_eq!(options.statuses.len(), 1);
    assert_eq!(options.fields.len(), 1, "those of orders alone");
    let pair = |payment, delivery| Pair { payment, delivery };
    assert_eq!(options.pairs, [pair(11, 21), pair(11, 22), pair(12, 21)]);
    assert!(options.missing.is_empty());
}

#[test]
fn ways_of_another_kind_unknown_ones_and_pairs_that_are_not_allowed_are_refused() {
    let w = world();
    let options = options(&w);
    assert_eq!(wrong(&options, &orders()).0, Vec::<String>::new());
    let with = |payments: Value, deliveries: Value| json!({"on": true, "payments": payments, "deliveries": deliveries});
    for (orders, path, word) in [
        (
            with(json!({"cash": 11}), json!({"cdek": 23})),
            "orders.deliveries.cdek",
            "СДЕК",
        ),
        (
            with(json!({"cash": 11}), json!({"post": 99})),
            "orders.deliveries.post",
            "99",
        ),
        (
            with(json!({"cash": 99}), json!({"pickup": 21})),
            "orders.payments.cash",
            "99",
        ),
        (
            with(
                json!({"cash": 11, "card": 12}),
                json!({"pickup": 21, "courier": 22}),
            ),
            "orders.deliveries.courier",
            "«Курьер» и оплата «Карта»",
        ),
        (
            json!({"statuses": {"sent": {"name": "Отправлен"}}}),
            "orders.statuses.sent",
            "sent",
        ),
        (
            json!({"cancelled_status": "gone"}),
            "orders.cancelled_status",
            "gone",
        ),
    ] {
        let (paths, text) = wrong(&options, &orders);
        assert_eq!(paths, [path], "{orders}");
        assert!(text.contains(word), "{text}");
    }
    let known =
        json!({"statuses": {"packed": {"name": "Собран"}, "delivered": {"name": "Доставлен"}}});
    assert!(wrong(&options, &known).0.is_empty());
}

#[test]
fn price_kinds_and_warehouses_that_are_not_there_are_refused() {
    let w = world();
    let options = options(&w);
    let mut settings = settings(&json!({}));
    settings.catalogue.price_kinds = vec![31, 32];
    settings.catalogue.warehouses = vec![42];
    let paths: Vec<_> = options
        .problems(&settings)
        .into_iter()
        .map(|p| p.path)
        .collect();
    assert_eq!(paths, ["catalogue.price_kinds.1", "catalogue.warehouses.0"]);
}

#[test]
fn the_field_for_our_number_is_made_once_or_asked_for_in_words() {
    let of = |w: &World, handle: &str| {
        let options = options(w);
        let session = Session::open(w.ports(), w.api(), Part::Orders, w.until());
        block_on(number_field::ensure(&session, &options, handle))
    };
    let w = world();
    assert_eq!(of(&w, "sklad_edge_number"), Ok(None), "it is there");
    let sent = |w: &World| {
        w.shop
            .asked
            .borrow()
            .iter()
            .any(|name| name == "POST fields")
    };
    let text = |w: &World| of(w, NUMBER_FIELD).unwrap().unwrap().message;
    let other = of(&w, "oter").unwrap().unwrap().message;
    assert!(other.contains("«oter»"), "mistyped, and not made: {other}");
    assert!(!sent(&w));
    w.answer("fields", 200, json!([]));
    w.answer("POST fields", 201, json!({"id": 7, "handle": NUMBER_FIELD}));
    assert_eq!(of(&w, NUMBER_FIELD), Ok(None));
    assert!(sent(&w));
    w.answer("POST fields", 201, json!({"id": 7, "handle": "ours"}));
    assert!(
        text(&w).contains("«ours»"),
        "made under another name: {}",
        text(&w)
    );
    w.forbid(&["POST fields"]);
    assert!(text(&w).contains("нет права"), "{}", text(&w));
    w.answer(
        "POST fields",
        422,
        json!({"errors": {"handle": ["занято"]}}),
    );
    assert!(text(&w).contains("занято"), "{}", text(&w));
    w.answer("POST fields", 502, json!({}));
    assert!(of(&w, NUMBER_FIELD).is_err());
}

#[test]
fn what_the_key_may_not_see_is_named() {
    let w = world();
    w.forbid(&["payment_gateways", "delivery_variants", "price_kinds"]);
    let options = options(&w);
    let missing = [
        "Настройки магазина – Просмотр",
        "Просматривать дополнительные цены",
    ];
    assert_eq!(options.missing, missing);
    let (paths, text) = wrong(&options, &orders());
    assert_eq!(paths, ["orders"]);
    assert!(text.contains(missing[0]), "{text}");
}
