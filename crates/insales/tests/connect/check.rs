use futures::executor::block_on;
use serde_json::{Value, json};
use sklad_connections::State;
use sklad_insales::check::{Checked, check};

use crate::fake::{World, orders, settings, world};

fn checked(w: &World, orders: &Value) -> Checked {
    block_on(check(&w.session(), &settings(orders))).unwrap()
}

#[test]
fn a_key_with_all_rights_is_good_and_the_shop_says_who_it_is() {
    let w = world();
    let good = checked(&w, &orders());
    assert_eq!(
        (good.state, good.text.as_str()),
        (State::Ok, "Всё в порядке")
    );
    let facts = good.facts.unwrap();
    assert_eq!(facts.title.as_deref(), Some("Ромашка"));
    assert_eq!(facts.domain.as_deref(), Some("romashka.ru"));
    let asked = [
        "account",
        "orders/count",
        "clients/count",
        "products/count",
        "price_kinds",
    ];
    assert_eq!(*w.shop.asked.borrow(), asked);
}

#[test]
fn each_box_that_is_not_ticked_is_named_by_itself() {
    for (path, name) in [
        ("account", "Настройки магазина – Просмотр"),
        ("orders/count", "Доступ в раздел Заказы"),
        ("clients/count", "Доступ в раздел Клиенты"),
        ("products/count", "Доступ в раздел Товары"),
    ] {
        let w = world();
        w.forbid(&[path]);
        let bad = checked(&w, &orders());
        assert_eq!((bad.state, &bad.missing[..]), (State::NoRight, &[name][..]));
        assert!(
            bad.text.contains(name) && bad.text.contains("Ключи доступа"),
            "{}",
            bad.text
        );
    }
}

#[test]
fn a_right_that_the_settings_do_not_need_is_told_and_stops_nothing() {
    let w = world();
    w.forbid(&["orders/count", "clients/count"]);
    let good = checked(&w, &json!({}));
    assert_eq!(good.state, State::Ok);
    assert!(
        good.text.contains("Доступ в раздел Заказы"),
        "{}",
        good.text
    );
    assert_eq!(checked(&w, &orders()).state, State::NoRight);
}

#[test]
fn a_key_that_may_not_see_further_prices_is_told_and_stops_nothing() {
    let w = world();
    w.forbid(&["price_kinds"]);
    let off = json!({ "shop": "a.myinsales.ru", "catalogue": { "on": false } });
    let off = serde_json::from_value(off).unwrap();
    let idle = block_on(check(&w.session(), &off)).unwrap();
    for (good, words) in [
        (checked(&w, &orders()), "цены не загружаются"),
        (idle, "Сейчас не нужно"),
    ] {
        assert_eq!(good.state, State::Ok);
        assert_eq!(good.missing, ["Просматривать дополнительные цены"]);
        let name = good.text.contains("«Просматривать дополнительные цены»");
        assert!(name && good.text.contains(words), "{}", good.text);
    }
    // Whatever else is wrong with them says nothing of the shop.
    w.answer("price_kinds", 404, json!({}));
    assert_eq!(checked(&w, &orders()).text, "Всё в порядке");
}

#[test]
fn what_is_wrong_with_the_key_the_tariff_or_the_shop_is_told() {
    let all = ["account", "orders/count", "clients/count", "products/count"];
    let w = world();
    w.forbid(&all);
    let bad = checked(&w, &orders());
    assert_eq!((bad.state, bad.missing.len()), (State::Tariff, 4));
    for (status, state, word) in [
        (401, State::WrongKey, "пароль"),
        (423, State::Tariff, "тариф"),
        (404, State::Unreachable, "нет магазина"),
        (301, State::Unreachable, "другой сервер"),
        (502, State::Unreachable, "502"),
        (429, State::Limited, "лимит"),
    ] {
        let w = world();
        w.answer("account", status, json!({}));
        let bad = checked(&w, &orders());
        assert_eq!(bad.state, state, "{status}");
        assert!(bad.text.contains(word), "{status}: {}", bad.text);
        assert_eq!(bad.facts, None);
    }
    let w = world();
    w.answer("account", 200, json!({"blocked": true}));
    assert_eq!(checked(&w, &orders()).state, State::Tariff);
    w.shop.reachable.set(false);
    assert_eq!(checked(&w, &orders()).state, State::Unreachable);
    assert!(w.clock.0.get() <= w.until(), "it does not wait for ever");
}

#[test]
fn an_own_domain_within_a_network_is_none() {
    let w = world();
    for host in ["127.0.0.1", "localhost", "a.local", "x:1", ""] {
        w.answer("account", 200, json!({ "main_host": host }));
        assert_eq!(checked(&w, &orders()).facts.unwrap().domain, None, "{host}");
    }
    w.answer("account", 200, json!([]));
    assert_eq!(checked(&w, &orders()).state, State::Unreachable);
}
