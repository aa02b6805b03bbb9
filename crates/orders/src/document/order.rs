//! One order as a `Документ`. The elements stand in the order of the schema (commerceml §2.6); the
//! requisites have the names that 1C-Bitrix gives them, since 1C looks for those.

use super::format::Format;
use super::value::{date, date_time, money, quantity, rate, time};
use super::xml::Xml;
use crate::model::{Address, Customer, DELIVERY_ID, Discount, Item, Kind, Order, Status};

/// Writes the document.
pub fn write(xml: &mut Xml, order: &Order, format: &Format) {
    let zone = format.zone_minutes;
    xml.element("Документ", |xml| {
        xml.text("Ид", &order.id);
        xml.text("Номер", &order.number);
        xml.text("Дата", &date(order.moment, zone));
        xml.text("ХозОперация", "Заказ товара");
        xml.text("Роль", "Продавец");
        xml.text("Валюта", currency(order, format));
        xml.text("Курс", &rate(order.rate));
        xml.text("Сумма", &money(order.sum_kopecks));
        xml.element("Контрагенты", |xml| customer(xml, order));
        xml.text("Время", &time(order.moment, zone));
        xml.text("Комментарий", order.comment.as_deref().unwrap_or_default());
        taxes(xml, order);
        discounts(xml, &order.discounts);
        xml.element("Товары", |xml| {
            for (i, each) in order.items.iter().enumerate() {
                item(xml, each, i + 1, format);
            }
        });
        requisites(xml, &of_order(order, zone));
    });
}

fn currency<'a>(order: &'a Order, format: &'a Format) -> &'a str {
    if order.currency == "RUB" {
        &format.ruble
    } else {
        &order.currency
    }
}

fn customer(xml: &mut Xml, order: &Order) {
    let customer = &order.customer;
    let name = full_name(customer);
    xml.element("Контрагент", |xml| {
        xml.text("Ид", &customer_id(order));
        xml.text("Наименование", &name);
        xml.text("ПолноеНаименование", &name);
        xml.optional("Фамилия", customer.last_name.as_deref());
        xml.optional("Имя", customer.first_name.as_deref());
        xml.optional("Отчество", customer.middle_name.as_deref());
        if let Some(given) = &customer.address {
            xml.element("АдресРегистрации", |xml| {
                address(xml, given)
            });
        }
        contacts(xml, customer);
        xml.text("Роль", "Покупатель");
    });
}

/// The id by which 1C knows the customer again. Who has none is known by phone or e-mail; an order
/// without either has a customer of its own.
fn customer_id(order: &Order) -> String {
    let customer = &order.customer;
    let known = [&customer.id, &customer.phone, &customer.email];
    let known = known.into_iter().flatten().next().cloned();
    known.unwrap_or_else(|| format!("order#{}", order.id))
}

fn full_name(customer: &Customer) -> String {
    if !customer.name.is_empty() {
        return customer.name.clone();
    }
    let parts = [
        &customer.last_name,
        &customer.first_name,
        &customer.middle_name,
    ];
    let parts: Vec<&str> = parts.into_iter().flatten().map(String::as_str).collect();
    parts.join(" ")
}

fn address(xml: &mut Xml, address: &Address) {
    let parts = [
        ("Почтовый индекс", &address.postcode),
        ("Страна", &address.country),
        ("Регион", &address.region),
        ("Район", &address.district),
        ("Населенный пункт", &address.town),
        ("Город", &address.city),
        ("Улица", &address.street),
        ("Дом", &address.house),
        ("Корпус", &address.building),
        ("Квартира", &address.flat),
    ];
    let there = parts.iter().filter_map(|(_, value)| value.as_deref());
    let joined = there.collect::<Vec<_>>().join(", ");
    let text = if address.text.is_empty() {
        &joined
    } else {
        &address.text
    };
    xml.text("Представление", text);
    for (kind, value) in parts {
        if let Some(value) = value {
            typed(xml, "АдресноеПоле", kind, value);
        }
    }
}

fn contacts(xml: &mut Xml, customer: &Customer) {
    let contacts = [
        ("Почта", &customer.email),
        ("Телефон рабочий", &customer.phone),
    ];
    xml.element("Контакты", |xml| {
        for (kind, value) in contacts {
            if let Some(value) = value {
                typed(xml, "Контакт", kind, value);
            }
        }
    });
}

fn typed(xml: &mut Xml, name: &str, kind: &str, value: &str) {
    xml.element(name, |xml| {
        xml.text("Тип", kind);
        xml.text("Значение", value);
    });
}

/// The VAT of the whole document, where any item has a rate.
fn taxes(xml: &mut Xml, order: &Order) {
    let taxes: Vec<i64> = order.items.iter().filter_map(Item::vat_kopecks).collect();
    if taxes.is_empty() {
        return;
    }
    let sum = taxes
        .iter()
        .fold(0, |sum: i64, tax| sum.saturating_add(*tax));
    xml.element("Налоги", |xml| tax(xml, sum, None));
}

fn tax(xml: &mut Xml, sum: i64, rate: Option<&str>) {
    xml.element("Налог", |xml| {
        xml.text("Наименование", "НДС");
        xml.text("УчтеноВСумме", "true");
        xml.text("Сумма", &money(sum));
        xml.optional("Ставка", rate);
    });
}

fn discounts(xml: &mut Xml, discounts: &[Discount]) {
    if discounts.is_empty() {
        return;
    }
    xml.element("Скидки", |xml| {
        for discount in discounts {
            xml.element("Скидка", |xml| {
                xml.text("Наименование", &discount.name);
                xml.text("Сумма", &money(discount.sum_kopecks));
                xml.text("УчтеноВСумме", flag(discount.included));
            });
        }
    });
}

fn item(xml: &mut Xml, item: &Item, position: usize, format: &Format) {
    xml.element("Товар", |xml| {
        xml.text("Ид", &item_id(&item.id, format.full_ids));
        xml.optional("ИдКаталога", item.catalog.as_deref());
        xml.text("Наименование", &item.name);
        xml.optional("Артикул", item.article.as_deref());
        unit(xml, item);
        characteristics(xml, item);
        xml.text("ЦенаЗаЕдиницу", &money(item.price_kopecks));
        xml.text("Количество", &quantity(item.quantity_thousandths));
        xml.text("Сумма", &money(item.sum_kopecks));
        vat(xml, item);
        discounts(xml, &item.discounts);
        requisites(xml, &of_item(item, position));
    });
}

/// `P`, `P#V` or, for the main modification in full, `P#P`. The delivery is no good and has none.
fn item_id(id: &str, full: bool) -> String {
    let (good, modification) = id.split_once('#').unwrap_or((id, id));
    if good != modification {
        return id.to_owned();
    }
    if full && good != DELIVERY_ID {
        format!("{good}#{good}")
    } else {
        good.to_owned()
    }
}

fn unit(xml: &mut Xml, item: &Item) {
    let unit = &item.unit;
    let attributes = [
        ("Код", Some(unit.code.as_str()).filter(|c| !c.is_empty())),
        ("НаименованиеПолное", unit.full_name.as_deref()),
        ("МеждународноеСокращение", unit.international.as_deref()),
    ];
    let attributes: Vec<(&str, &str)> = attributes
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)))
        .collect();
    xml.with("БазоваяЕдиница", &attributes, |xml| {
        xml.inner(&unit.name)
    });
}

fn characteristics(xml: &mut Xml, item: &Item) {
    if item.characteristics.is_empty() {
        return;
    }
    xml.element("ХарактеристикиТовара", |xml| {
        for given in &item.characteristics {
            xml.element("ХарактеристикаТовара", |xml| {
                xml.text("Наименование", &given.name);
                xml.text("Значение", &given.value);
            });
        }
    });
}

fn vat(xml: &mut Xml, item: &Item) {
    let Some(rate) = item.vat.as_deref() else {
        return;
    };
    xml.element("СтавкиНалогов", |xml| {
        xml.element("СтавкаНалога", |xml| {
            xml.text("Наименование", "НДС");
            xml.text("Ставка", rate);
        });
    });
    if let Some(sum) = item.vat_kopecks() {
        xml.element("Налоги", |xml| tax(xml, sum, Some(rate)));
    }
}

type Requisites = Vec<(String, String)>;

fn requisites(xml: &mut Xml, all: &[(String, String)]) {
    if all.is_empty() {
        return;
    }
    xml.element("ЗначенияРеквизитов", |xml| {
        for (name, value) in all {
            xml.element("ЗначениеРеквизита", |xml| {
                xml.text("Наименование", name);
                xml.text("Значение", value);
            });
        }
    });
}

fn of_item(item: &Item, position: usize) -> Requisites {
    let kind = match item.kind {
        Kind::Good => "Товар",
        Kind::Service => "Услуга",
    };
    let pair = |name: &str, value: String| (name.to_owned(), value);
    vec![
        pair("ВидНоменклатуры", kind.to_owned()),
        pair("ТипНоменклатуры", kind.to_owned()),
        pair("НомерПозицииКорзины", position.to_string()),
    ]
}

/// What the order says by itself, then the shop's own requisites, but for those that it says already.
fn of_order(order: &Order, zone: i32) -> Requisites {
    let at = |at: Option<i64>| at.map(|at| date_time(at, zone, ' '));
    let yes = |at: Option<i64>| Some(flag(at.is_some()).to_owned());
    let (payment, delivery) = (order.payment.as_ref(), order.delivery.as_ref());
    let status = order.status.as_ref();
    let finished = status.is_some_and(|s| s.is_final);
    let own = [
        ("Способ доставки", delivery.map(|m| m.name.clone())),
        ("Метод доставки ИД", delivery.map(|m| m.id.clone())),
        ("Метод оплаты", payment.map(|m| m.name.clone())),
        ("Метод оплаты ИД", payment.map(|m| m.id.clone())),
        ("Дата оплаты", at(order.paid_at)),
        ("Заказ оплачен", yes(order.paid_at)),
        ("Дата разрешения доставки", at(order.shipped_at)),
        ("Доставка разрешена", yes(order.shipped_at)),
        ("Отменен", yes(order.cancelled_at)),
        ("Дата отмены", at(order.cancelled_at)),
        ("Финальный статус", Some(flag(finished).to_owned())),
        ("Статус заказа", status.map(status_name)),
        ("Статуса заказа ИД", status.map(|s| s.id.clone())),
        ("Дата изменения статуса", at(status.and_then(|s| s.since))),
        ("Комментарии покупателя", order.comment.clone()),
    ];
    let own = own.into_iter().filter_map(|(name, value)| {
        let value = value.filter(|v| !v.is_empty())?;
        Some((name.to_owned(), value))
    });
    let mut all: Requisites = own.collect();
    let said = all.len();
    for given in &order.requisites {
        if !all.iter().take(said).any(|(name, _)| *name == given.name) {
            all.push((given.name.clone(), given.value.clone()));
        }
    }
    all
}

/// `[F] Доставлен`.
fn status_name(status: &Status) -> String {
    if status.id.is_empty() {
        status.name.clone()
    } else {
        format!("[{}] {}", status.id, status.name)
    }
}

fn flag(yes: bool) -> &'static str {
    if yes { "true" } else { "false" }
}
