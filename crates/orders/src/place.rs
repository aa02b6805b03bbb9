//! From what a client asks for and what the catalogue knows to an order. No IO, no clock.

use serde::{Deserialize, Serialize};
use sklad_catalog::offers::{Name, Offer};

use crate::check::{MAX_ITEMS, MAX_KOPECKS, MAX_QUANTITY, Refusal, checked, item_id};
use crate::document::money;
use crate::model::{
    Characteristic, Customer, DELIVERY_ID, Discount, Item, Kind, Method, Order, RATE_ONE, Status,
    Unit,
};

/// What a discount is called on an order that was made here.
const DISCOUNT: &str = "Скидка";
/// What the delivery is called where no way to deliver is named.
const DELIVERY: &str = "Доставка";
/// The status of an order that was made here.
const NEW: (&str, &str) = ("new", "Новый");

/// An order to be made. Goods are named by ids; what they are called and cost is in the catalogue.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct NewOrder {
    /// Компания: идентификатор или название; без неё – первая у арендатора.
    #[serde(default)]
    pub company: Option<String>,
    /// Номер; без него заказ получит следующий свободный.
    #[serde(default)]
    pub number: Option<String>,
    /// Позиции.
    pub items: Vec<NewItem>,
    /// Скидка на весь заказ, копейки.
    #[serde(default)]
    pub discount_kopecks: i64,
    /// Сумма заказа, какой её видел покупатель, копейки: заказ на другую сумму не создаётся.
    #[serde(default)]
    pub total_kopecks: Option<i64>,
    /// Покупатель и его адрес.
    #[serde(default)]
    pub customer: Customer,
    /// Способ оплаты.
    #[serde(default)]
    pub payment: Option<NewMethod>,
    /// Способ доставки.
    #[serde(default)]
    pub delivery: Option<NewDelivery>,
    /// Комментарий покупателя.
    #[serde(default)]
    pub comment: Option<String>,
}

/// A position: either `offer` or `external` names the good.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "NewOrderItem")
)]
#[serde(deny_unknown_fields)]
pub struct NewItem {
    /// Наш идентификатор товара.
    #[serde(default)]
    pub offer: Option<String>,
    /// Идентификатор товара в системе, из которой он загружен.
    #[serde(default)]
    pub external: Option<String>,
    /// Количество, тысячные доли.
    pub quantity_thousandths: i64,
    /// Цена единицы, копейки; без неё – цена товара.
    #[serde(default)]
    pub price_kopecks: Option<i64>,
    /// Скидка на всю позицию, копейки.
    #[serde(default)]
    pub discount_kopecks: i64,
}

/// A way to pay.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "NewOrderPayment")
)]
#[serde(deny_unknown_fields)]
pub struct NewMethod {
    /// Вид оплаты, как он назван в настройках подключений.
    pub id: String,
    /// Название; без него – сам вид.
    #[serde(default)]
    pub name: String,
}

/// A way to deliver.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "NewOrderDelivery")
)]
#[serde(deny_unknown_fields)]
pub struct NewDelivery {
    /// Вид доставки, как он назван в настройках подключений.
    pub id: String,
    /// Название; без него – сам вид.
    #[serde(default)]
    pub name: String,
    /// Стоимость, копейки.
    #[serde(default)]
    pub price_kopecks: i64,
}

/// Kopecks as people write them: `1200,50`.
#[must_use]
pub fn rubles(kopecks: i64) -> String {
    money(kopecks).replace('.', ",")
}

/// How the items of `new` name their goods.
pub(crate) fn names(new: &NewOrder) -> Result<Vec<Name<'_>>, Refusal> {
    let count = new.items.len();
    if count > MAX_ITEMS {
        return refuse("items", format!("не больше {MAX_ITEMS}"));
    }
    new.items.iter().enumerate().map(name).collect()
}

fn name((i, item): (usize, &NewItem)) -> Result<Name<'_>, Refusal> {
    match (word(&item.offer), word(&item.external)) {
        (Some(id), None) => Ok(Name::Offer(id)),
        (None, Some(id)) => Ok(Name::External(id)),
        _ => refuse(
            format!("items.{i}"),
            "товар называет одно из двух: offer или external",
        ),
    }
}

fn word(text: &Option<String>) -> Option<&str> {
    text.as_deref().map(str::trim).filter(|t| !t.is_empty())
}

/// The order that `new` asks for, but for its company, of the goods `offers` (one for each of its items, `None` where there is
/// no such good), made at `now_ms` under this id and number.
///
/// What it costs is calculated: each item is price by quantity, rounded half up to a kopeck, less its
/// discount; the order is its items and the delivery, less the discount on the whole.
pub(crate) fn placed(
    new: &NewOrder,
    offers: &[Option<Offer>],
    id: &str,
    number: &str,
    now_ms: i64,
) -> Result<Order, Refusal> {
    let mut items = Vec::with_capacity(new.items.len() + 1);
    for (i, (item, offer)) in new.items.iter().zip(offers).enumerate() {
        let line = line(item, offer.as_ref());
        items.push(line.map_err(|(field, message)| (format!("items.{i}.{field}"), message))?);
    }
    items.extend(delivery_item(new)?);
    let discounts = discounts("discount_kopecks", new.discount_kopecks)?;
    let sum = total(new, &items)?;
    let (status, status_name) = NEW;
    let order = Order {
        id: id.to_owned(),
        number: number.to_owned(),
        moment: now_ms,
        currency: "RUB".to_owned(),
        rate: RATE_ONE,
        sum_kopecks: sum,
        customer: new.customer.clone(),
        comment: new.comment.clone(),
        items,
        discounts,
        payment: new.payment.as_ref().map(|m| method(&m.id, &m.name)),
        delivery: new.delivery.as_ref().map(|m| method(&m.id, &m.name)),
        status: Some(Status {
            id: status.to_owned(),
            name: status_name.to_owned(),
            is_final: false,
            since: Some(now_ms),
        }),
        ..Order::default()
    };
    checked(&order)
}

fn line(new: &NewItem, offer: Option<&Offer>) -> Result<Item, Refusal> {
    let named_by = if new.offer.is_some() {
        "offer"
    } else {
        "external"
    };
    let Some(offer) = offer else {
        return refuse(named_by, "такого товара нет");
    };
    for_sale(offer).or_else(|message| refuse(named_by, message))?;
    let Some(price) = new.price_kopecks.or(offer.price_kopecks) else {
        return refuse("price_kopecks", "у товара нет цены: её нужно указать");
    };
    let price = within("price_kopecks", price, 0, MAX_KOPECKS)?;
    let quantity = within(
        "quantity_thousandths",
        new.quantity_thousandths,
        1,
        MAX_QUANTITY,
    )?;
    let gross = (i128::from(price) * i128::from(quantity) + 500) / 1000;
    let sum = gross - i128::from(new.discount_kopecks);
    let discounts = discounts("discount_kopecks", new.discount_kopecks)?;
    if sum < 0 {
        let message = format!("скидка больше стоимости позиции, {gross} копеек");
        return refuse("discount_kopecks", message);
    }
    let characteristic = |(name, value): &(String, String)| Characteristic {
        name: name.clone(),
        value: value.clone(),
    };
    Ok(Item {
        id: known_as(offer),
        offer: Some(offer.id.clone()),
        name: named(&offer.name, &offer.id),
        article: offer.article.clone(),
        unit: unit(offer),
        price_kopecks: price,
        quantity_thousandths: quantity,
        sum_kopecks: kopecks("quantity_thousandths", sum)?,
        discounts,
        characteristics: offer.characteristics.iter().map(characteristic).collect(),
        kind: match offer.kind.as_str() {
            "service" => Kind::Service,
            _ => Kind::Good,
        },
        ..Item::default()
    })
}

/// Whether a good can be sold, or in words why not.
fn for_sale(offer: &Offer) -> Result<(), String> {
    let name = &offer.name;
    if offer.archived {
        return Err(format!("товар «{name}» в архиве: он больше не продаётся"));
    }
    if offer.has_variants {
        return Err(format!(
            "у товара «{name}» есть модификации: назовите нужную из них"
        ));
    }
    Ok(())
}

/// The id under which the accounting system knows the good: that of the exchange, else МойСклад's, else
/// ours, which is new to it.
fn known_as(offer: &Offer) -> String {
    let known = [&offer.external, &offer.ms_id];
    let known = known.into_iter().flatten();
    let mut known = known.filter_map(|id| item_id(id).ok());
    known.next().unwrap_or_else(|| offer.id.clone())
}

/// Pieces, unless the good says otherwise. A unit may be named by its code in the classifier.
fn unit(offer: &Offer) -> Unit {
    let pieces = Unit::default();
    let Some((id, name)) = &offer.unit else {
        return pieces;
    };
    let is_code = id.bytes().all(|b| b.is_ascii_digit());
    let code = if is_code { id.as_str() } else { "" };
    if *name == pieces.name || code == pieces.code {
        return pieces;
    }
    Unit {
        code: code.to_owned(),
        name: name.clone(),
        full_name: None,
        international: None,
    }
}

fn delivery_item(new: &NewOrder) -> Result<Option<Item>, Refusal> {
    let Some(delivery) = &new.delivery else {
        return Ok(None);
    };
    let price = within(
        "delivery.price_kopecks",
        delivery.price_kopecks,
        0,
        MAX_KOPECKS,
    )?;
    let name = [delivery.name.trim(), DELIVERY];
    let name = name.into_iter().find(|n| !n.is_empty());
    Ok((price > 0).then(|| Item {
        id: DELIVERY_ID.to_owned(),
        name: name.unwrap_or_default().to_owned(),
        price_kopecks: price,
        quantity_thousandths: 1000,
        sum_kopecks: price,
        kind: Kind::Service,
        ..Item::default()
    }))
}

fn method(id: &str, name: &str) -> Method {
    Method {
        id: id.to_owned(),
        name: named(name, id),
    }
}

fn named(name: &str, id: &str) -> String {
    let name = if name.trim().is_empty() { id } else { name };
    name.to_owned()
}

fn discounts(path: &str, sum_kopecks: i64) -> Result<Vec<Discount>, Refusal> {
    let sum_kopecks = within(path, sum_kopecks, 0, MAX_KOPECKS)?;
    let discount = Discount {
        name: DISCOUNT.to_owned(),
        sum_kopecks,
        included: false,
    };
    Ok((sum_kopecks > 0).then_some(discount).into_iter().collect())
}

/// What the order costs, which is what the client expects where it says so.
fn total(new: &NewOrder, items: &[Item]) -> Result<i64, Refusal> {
    let items: i128 = items.iter().map(|i| i128::from(i.sum_kopecks)).sum();
    let sum = items - i128::from(new.discount_kopecks);
    if sum < 0 {
        return refuse("discount_kopecks", "скидка больше стоимости заказа");
    }
    let sum = kopecks("items", sum)?;
    match new.total_kopecks {
        Some(expected) if expected != sum => {
            let (expected, sum) = (rubles(expected), rubles(sum));
            let message = format!(
                "указано {expected} ₽, а позиции с доставкой за вычетом скидок составляют {sum} ₽"
            );
            refuse("total_kopecks", message)
        }
        _ => Ok(sum),
    }
}

fn kopecks(path: &str, sum: i128) -> Result<i64, Refusal> {
    match i64::try_from(sum) {
        Ok(sum) if sum <= MAX_KOPECKS => Ok(sum),
        _ => refuse(path, format!("сумма больше {} ₽", rubles(MAX_KOPECKS))),
    }
}

fn within(path: &str, value: i64, least: i64, most: i64) -> Result<i64, Refusal> {
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        refuse(path, format!("от {least} до {most}"))
    }
}

fn refuse<T>(path: impl Into<String>, message: impl Into<String>) -> Result<T, Refusal> {
    Err((path.into(), message.into()))
}
