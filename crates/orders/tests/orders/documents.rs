//! Documents as a client reads them.

use proptest::prelude::*;
use sklad_orders::document::{Encoding, Format, Info, VERSIONS, info, version, write};
use sklad_orders::{
    Address, Characteristic, Customer, DELIVERY_ID, Discount, Item, Kind, Method, Order, Requisite,
    Status,
};

use super::tree::{Node, read};
use super::{item, order};

const ENCODINGS: [Encoding; 3] = [Encoding::Utf8, Encoding::Utf8Bom, Encoding::Windows1251];

fn format(version: &'static str, encoding: Encoding) -> Format {
    Format::new(version, encoding, 1_613_138_599_000, 180)
}

/// An order with everything that an order can have.
fn full() -> Order {
    let text = |text: &str| Some(text.to_owned());
    let discount = |sum_kopecks| Discount {
        name: "Акция".to_owned(),
        sum_kopecks,
        included: false,
    };
    Order {
        customer: Customer {
            id: text("1#admin#Петров Петр"),
            name: "Петров Петр".to_owned(),
            first_name: text("Петр"),
            middle_name: text("Петрович"),
            last_name: text("Петров"),
            phone: text("+7 903 000-00-01"),
            email: text("petrov@example.ru"),
            address: Some(Address {
                postcode: text("190000"),
                city: text("Санкт-Петербург"),
                street: text("Мойка"),
                house: text("12"),
                ..Address::default()
            }),
        },
        comment: text("Позвоните"),
        items: vec![
            Item {
                article: text("К-250"),
                catalog: text("catalog"),
                vat: text("20"),
                discounts: vec![discount(1000)],
                characteristics: vec![Characteristic {
                    name: "Помол".to_owned(),
                    value: "мелкий".to_owned(),
                }],
                sum_kopecks: 24_000,
                ..item("good#fine", 25_000, 1000)
            },
            Item {
                vat: text("Без НДС"),
                ..item("cheese#cheese", 89_900, 355)
            },
            Item {
                kind: Kind::Service,
                ..item(DELIVERY_ID, 30_000, 1000)
            },
        ],
        discounts: vec![discount(900)],
        sum_kopecks: 24_000 + 31_915 + 30_000 - 900,
        payment: Some(Method {
            id: "2".to_owned(),
            name: "Картой".to_owned(),
        }),
        delivery: Some(Method {
            id: "5".to_owned(),
            name: "Курьер".to_owned(),
        }),
        status: Some(Status {
            id: "F".to_owned(),
            name: "Доставлен".to_owned(),
            is_final: true,
            since: Some(1_613_058_321_000),
        }),
        paid_at: Some(1_613_058_321_000),
        requisites: vec![
            Requisite {
                name: "Сайт".to_owned(),
                value: "[s1] Сайт".to_owned(),
            },
            Requisite {
                name: "Отменен".to_owned(),
                value: "true".to_owned(),
            },
        ],
        ..order("132")
    }
}

fn first(document: &[u8]) -> Node {
    let root = read(document);
    let parent = root.find("Контейнер").unwrap_or(&root);
    parent.find("Документ").unwrap().clone()
}

#[test]
fn elements_stand_in_the_order_of_the_schema() {
    for version in VERSIONS {
        for encoding in ENCODINGS {
            let document = first(&write(&[full()], &format(version, encoding)));
            let expected = [
                "Ид",
                "Номер",
                "Дата",
                "ХозОперация",
                "Роль",
                "Валюта",
                "Курс",
                "Сумма",
                "Контрагенты",
                "Время",
                "Комментарий",
                "Налоги",
                "Скидки",
                "Товары",
                "ЗначенияРеквизитов",
            ];
            assert_eq!(document.names(), expected, "{version}");
            let customer = document.find("Контрагенты/Контрагент").unwrap();
            let expected = [
                "Ид",
                "Наименование",
                "ПолноеНаименование",
                "Фамилия",
                "Имя",
                "Отчество",
                "АдресРегистрации",
                "Контакты",
                "Роль",
            ];
            assert_eq!(customer.names(), expected);
            let item = document.find("Товары/Товар").unwrap();
            let expected = [
                "Ид",
                "ИдКаталога",
                "Наименование",
                "Артикул",
                "БазоваяЕдиница",
                "ХарактеристикиТовара",
                "ЦенаЗаЕдиницу",
                "Количество",
                "Сумма",
                "СтавкиНалогов",
                "Налоги",
                "Скидки",
                "ЗначенияРеквизитов",
            ];
            assert_eq!(item.names(), expected);
        }
    }
}

#[test]
fn an_order_is_written_with_all_it_has() {
    let document = first(&write(&[full()], &format("2.07", Encoding::Utf8)));
    assert_eq!(document.at("Дата"), "2021-02-11");
    assert_eq!(document.at("Время"), "18:45:21");
    assert_eq!(document.at("Сумма"), "850.15");
    assert_eq!(document.at("Валюта"), "RUB");
    assert_eq!(document.at("Курс"), "1");
    assert_eq!(document.at("Налоги/Налог/Сумма"), "40.00");
    assert_eq!(document.at("Скидки/Скидка/Сумма"), "9.00");
    let customer = document.find("Контрагенты/Контрагент").unwrap();
    let address = "190000, Санкт-Петербург, Мойка, 12";
    assert_eq!(customer.at("АдресРегистрации/Представление"), address);
    let contacts = customer.find("Контакты").unwrap().pairs();
    assert_eq!(contacts[0], ("Почта", "petrov@example.ru"));
    let items = &document.find("Товары").unwrap().children;
    let unit = items[0].find("БазоваяЕдиница").unwrap();
    assert_eq!(
        (unit.text.as_str(), unit.attribute("Код")),
        ("шт", Some("796"))
    );
    assert_eq!(items[0].at("СтавкиНалогов/СтавкаНалога/Ставка"), "20");
    assert_eq!(items[1].at("СтавкиНалогов/СтавкаНалога/Ставка"), "Без НДС");
    assert!(items[1].find("Налоги").is_none());
    assert_eq!(items[1].at("Количество"), "0.355");
    assert_eq!(items[2].requisite("ТипНоменклатуры"), Some("Услуга"));
    assert_eq!(items[2].requisite("НомерПозицииКорзины"), Some("3"));
    let says = |name| document.requisite(name);
    assert_eq!(says("Статус заказа"), Some("[F] Доставлен"));
    assert_eq!(says("Финальный статус"), Some("true"));
    assert_eq!(says("Заказ оплачен"), Some("true"));
    assert_eq!(says("Дата оплаты"), Some("2021-02-11 18:45:21"));
    assert_eq!(says("Доставка разрешена"), Some("false"));
    assert_eq!(says("Метод доставки ИД"), Some("5"));
    assert_eq!(says("Сайт"), Some("[s1] Сайт"));
    // What the order itself says is not said twice.
    let all = document.find("ЗначенияРеквизитов").unwrap().pairs();
    let cancelled = all.iter().filter(|(name, _)| *name == "Отменен");
    assert_eq!(cancelled.collect::<Vec<_>>(), [&("Отменен", "false")]);
}

#[test]
fn without_orders_there_is_still_a_document() {
    for encoding in ENCODINGS {
        let root = read(&write(&[], &format("2.05", encoding)));
        assert_eq!(root.name, "КоммерческаяИнформация");
        assert_eq!(root.children, []);
        assert_eq!(root.attribute("ВерсияСхемы"), Some("2.05"));
        assert_eq!(
            root.attribute("ДатаФормирования"),
            Some("2021-02-12T17:03:19")
        );
    }
}

#[test]
fn every_format_begins_as_it_is_declared() {
    let begins = |encoding, bytes: &[u8]| {
        let document = write(&[full()], &format("2.07", encoding));
        assert!(document.starts_with(bytes), "{encoding:?}");
    };
    begins(
        Encoding::Utf8,
        b"<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
    );
    begins(
        Encoding::Utf8Bom,
        b"\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"UTF-8\"?>",
    );
    begins(
        Encoding::Windows1251,
        b"<?xml version=\"1.0\" encoding=\"windows-1251\"?><\xca\xee\xec\xec",
    );
}

#[test]
fn the_same_order_is_read_from_every_encoding() {
    let utf8 = Format {
        ruble: "руб".to_owned(),
        ..format("2.07", Encoding::Utf8)
    };
    let expected = read(&write(&[full()], &utf8));
    for encoding in ENCODINGS {
        let other = Format {
            encoding,
            ..utf8.clone()
        };
        assert_eq!(read(&write(&[full()], &other)), expected);
    }
}

#[test]
fn orders_stand_in_containers_where_these_are_wanted() {
    let orders = [order("a"), order("b")];
    let plain = read(&write(&orders, &format("2.10", Encoding::Utf8)));
    assert_eq!(plain.names(), ["Документ", "Документ"]);
    let wrapped = read(&write(&orders, &format("3.1", Encoding::Utf8)));
    assert_eq!(wrapped.names(), ["Контейнер", "Контейнер"]);
    assert_eq!(wrapped.children[1].at("Документ/Ид"), "b");
}

#[test]
fn ids_are_compact_for_1c_and_full_for_moysklad() {
    let ids = |full_ids| {
        let format = Format {
            full_ids,
            ..format("2.05", Encoding::Utf8)
        };
        let document = first(&write(&[full()], &format));
        let items = &document.find("Товары").unwrap().children;
        items
            .iter()
            .map(|i| i.at("Ид").to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(ids(false), ["good#fine", "cheese", DELIVERY_ID]);
    assert_eq!(ids(true), ["good#fine", "cheese#cheese", DELIVERY_ID]);
    let plain = first(&write(
        &[order("a")],
        &Format {
            full_ids: true,
            ..format("2.05", Encoding::Utf8)
        },
    ));
    assert_eq!(plain.at("Товары/Товар/Ид"), "good-1#good-1");
}

#[test]
fn the_ruble_has_the_clients_name_and_other_currencies_their_own() {
    let currency = |order: &Order, format: &Format| {
        let document = first(&write(std::slice::from_ref(order), format));
        document.at("Валюта").to_owned()
    };
    let dollars = Order {
        currency: "USD".to_owned(),
        rate: 925_058,
        ..order("a")
    };
    let old = format("2.05", Encoding::Utf8);
    assert_eq!(currency(&order("a"), &old), "руб");
    assert_eq!(
        currency(&order("a"), &format("2.06", Encoding::Utf8)),
        "RUB"
    );
    assert_eq!(currency(&dollars, &old), "USD");
    assert_eq!(first(&write(&[dollars], &old)).at("Курс"), "92.5058");
}

#[test]
fn a_customer_without_an_id_is_known_by_what_there_is() {
    let id = |customer: Customer| {
        let order = Order {
            customer,
            ..order("7")
        };
        let document = first(&write(&[order], &format("2.05", Encoding::Utf8)));
        document.at("Контрагенты/Контрагент/Ид").to_owned()
    };
    let phone = Customer {
        phone: Some("79030000001".to_owned()),
        email: Some("a@example.ru".to_owned()),
        ..Customer::default()
    };
    let email = Customer {
        phone: None,
        ..phone.clone()
    };
    assert_eq!(id(phone), "79030000001");
    assert_eq!(id(email), "a@example.ru");
    assert_eq!(id(Customer::default()), "order#7");
}

#[test]
fn the_lists_of_a_shop_are_told() {
    let given = Info {
        statuses: &[("N", "Принят"), ("F", "Выполнен & закрыт")],
        payments: &[("2", "Картой")],
        deliveries: &[],
    };
    for encoding in ENCODINGS {
        let root = read(&info(&given, encoding));
        assert_eq!(root.name, "Справочник");
        assert_eq!(root.names(), ["Статусы", "ПлатежныеСистемы", "Доставки"]);
        let statuses = root.find("Статусы").unwrap();
        assert_eq!(statuses.names(), ["Элемент", "Элемент"]);
        assert_eq!(statuses.children[1].at("Название"), "Выполнен & закрыт");
        assert_eq!(root.children[2].children, []);
    }
}

#[test]
fn a_version_of_ours_is_always_answered() {
    for client in [None, Some("2.04"), Some("9.9"), Some("?")] {
        assert!(VERSIONS.contains(&version(client)));
    }
}

/// A text as a reader of XML gets it.
fn legible(text: &str) -> String {
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    let dropped = |c: &char| {
        (c.is_control() && !['\n', '\t'].contains(c)) || ['\u{fffe}', '\u{ffff}'].contains(c)
    };
    text.chars().filter(|c| !dropped(c)).collect()
}

proptest! {
    #[test]
    fn any_text_comes_through(
        text in any::<String>(),
        markup in "[<>&\"'#;\\]\\[!a-zА-я\r\n\t\u{0}-\u{1f}₽😀]{0,40}",
        encoding in 0..3_usize,
        version in 0..VERSIONS.len(),
    ) {
        let order = Order {
            comment: Some(markup.clone()),
            requisites: vec![Requisite { name: text.clone(), value: markup.clone() }],
            customer: Customer { name: text.clone(), ..Customer::default() },
            items: vec![Item {
                unit: sklad_orders::Unit { full_name: Some(markup.clone()), ..Default::default() },
                ..item("g", 1, 1000)
            }],
            ..order("a")
        };
        let document = first(&write(&[order], &format(VERSIONS[version], ENCODINGS[encoding])));
        prop_assert_eq!(document.at("Комментарий"), legible(&markup));
        let all = document.find("ЗначенияРеквизитов").unwrap().pairs();
        let (name, value) = (legible(&text), legible(&markup));
        let own = ["Отменен", "Заказ оплачен", "Доставка разрешена", "Финальный статус"];
        prop_assert!(own.contains(&name.as_str()) || all.contains(&(name.as_str(), value.as_str())));
        let unit = document.find("Товары/Товар/БазоваяЕдиница").unwrap();
        let line = legible(&markup).replace(['\n', '\t'], " ");
        prop_assert_eq!(unit.attribute("НаименованиеПолное"), Some(line.as_str()));
    }

    #[test]
    fn sums_of_a_document_are_those_of_the_order(lines in prop::collection::vec((0..10_000_000_i64, 1..100_000_i64), 1..6)) {
        let items: Vec<_> = lines.iter().map(|(p, q)| item("g", *p, *q)).collect();
        let sum_kopecks = items.iter().map(|i| i.sum_kopecks).sum();
        let order = Order { items, sum_kopecks, ..order("a") };
        let document = first(&write(&[order], &format("2.07", Encoding::Utf8)));
        let kopecks = |text: &str| text.replace('.', "").parse::<i64>().unwrap();
        let items = &document.find("Товары").unwrap().children;
        let sum: i64 = items.iter().map(|i| kopecks(i.at("Сумма"))).sum();
        prop_assert_eq!(sum, kopecks(document.at("Сумма")));
        prop_assert_eq!(sum, sum_kopecks);
    }
}
