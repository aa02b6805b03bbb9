//! From an order to what the shop is asked to make (insales.md §6.2): pure.

use serde::Serialize;
use serde_json::value::RawValue;
use sklad_orders::{Address, Customer, DELIVERY_ID, Item, Order};

use super::lines;
use crate::settings::OrderSettings;

/// What the shop must be told beside the order.
#[derive(Debug, Clone, Copy)]
pub struct Known<'a> {
    /// What the merchant has set.
    pub settings: &'a OrderSettings,
    /// The shop's variant of each item; `None` where it has none.
    pub variants: &'a [Option<u64>],
    /// The field of orders that holds our number.
    pub field: u64,
    /// That number.
    pub number: &'a str,
}

#[derive(Serialize)]
struct Body<'a> {
    order: Draft<'a>,
}

#[derive(Serialize)]
struct Draft<'a> {
    order_lines_attributes: Vec<LineBody>,
    client: Client<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shipping_address_attributes: Option<AddressBody>,
    delivery_variant_id: u64,
    payment_gateway_id: u64,
    delivery_price: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<&'a str>,
    fields_values_attributes: [FieldBody<'a>; 1],
}

#[derive(Serialize)]
struct LineBody {
    variant_id: u64,
    quantity: Box<RawValue>,
    sale_price: String,
}

#[derive(Serialize)]
struct Client<'a> {
    name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    surname: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    middlename: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
}

#[derive(Serialize)]
struct AddressBody {
    address: String,
}

#[derive(Serialize)]
struct FieldBody<'a> {
    field_id: u64,
    value: &'a str,
}

/// What is asked for, as JSON.
///
/// # Errors
/// Why this order cannot be made in the shop: a sentence for the merchant.
pub fn body(order: &Order, known: &Known<'_>) -> Result<String, String> {
    if order.currency != "RUB" {
        return Err(format!("валюта заказа – {}, а не рубли", order.currency));
    }
    let settings = known.settings;
    let payment = way(&order.payment, &settings.payments, "оплаты")?;
    let delivery = way(&order.delivery, &settings.deliveries, "доставки")?;
    let (goods, delivery_price) = lines_of(order, known.variants)?;
    let body = Body {
        order: Draft {
            order_lines_attributes: goods,
            client: client(&order.customer),
            shipping_address_attributes: address(&order.customer),
            delivery_variant_id: delivery,
            payment_gateway_id: payment,
            delivery_price: amount(delivery_price),
            comment: order.comment.as_deref(),
            fields_values_attributes: [FieldBody {
                field_id: known.field,
                value: known.number,
            }],
        },
    };
    serde_json::to_string(&body).map_err(|_| "заказ не записывается в JSON".to_owned())
}

/// The shop's way for ours.
fn way(
    ours: &Option<sklad_orders::Method>,
    ways: &std::collections::BTreeMap<String, u64>,
    what: &str,
) -> Result<u64, String> {
    let ours = ours.as_ref();
    let ours = ours.ok_or_else(|| format!("в заказе нет способа {what}"))?;
    let found = ways.get(&ours.id).copied();
    found.ok_or_else(|| {
        let id = if ours.id.is_empty() {
            &ours.name
        } else {
            &ours.id
        };
        format!("для вида {what} «{id}» в настройках не указан способ InSales")
    })
}

/// The goods of the order as lines of the shop, and what the delivery costs (kopecks): together what the
/// order costs.
fn lines_of(order: &Order, variants: &[Option<u64>]) -> Result<(Vec<LineBody>, i64), String> {
    let goods = || {
        order
            .items
            .iter()
            .zip(variants)
            .filter(|(item, _)| !is_delivery(item))
    };
    let sums: Vec<i64> = goods().map(|(item, _)| item.sum_kopecks).collect();
    let of_goods: i64 = sums.iter().sum();
    let delivery = order.items.iter().filter(|item| is_delivery(item));
    let delivery: i64 = delivery.map(|item| item.sum_kopecks).sum();
    let discount = of_goods
        .saturating_add(delivery)
        .saturating_sub(order.sum_kopecks);
    let shares = lines::shares(&sums, discount);
    let mut made = Vec::new();
    for ((item, variant), share) in goods().zip(&shares) {
        let variant = variant.ok_or_else(|| {
            format!(
                "товара «{}» нет в каталоге этого магазина InSales",
                item.name
            )
        })?;
        let (price, quantity) = (item.price_kopecks, item.quantity_thousandths);
        for (price, quantity) in lines::split(price, quantity, item.sum_kopecks - share) {
            made.push(LineBody {
                variant_id: variant,
                quantity: thousandths(quantity)?,
                sale_price: amount(price),
            });
        }
    }
    if made.is_empty() {
        return Err("в заказе нет товаров".to_owned());
    }
    let left = discount.saturating_sub(shares.iter().sum());
    Ok((made, delivery.saturating_sub(left).max(0)))
}

/// Whether an item stands for the delivery, which is no good of the shop.
#[must_use]
pub fn is_delivery(item: &Item) -> bool {
    item.id == DELIVERY_ID
}

/// The customer. Who has no name is called by what is known of him: the shop takes none without.
fn client(customer: &Customer) -> Client<'_> {
    let (phone, email) = (customer.phone.as_deref(), customer.email.as_deref());
    let whole = Some(customer.name.as_str()).filter(|name| !name.is_empty());
    let first = customer.first_name.as_deref();
    let parts = first.map(|first| {
        let rest = (
            customer.last_name.as_deref(),
            customer.middle_name.as_deref(),
        );
        (first, rest)
    });
    let (name, (surname, middlename)) = parts.unwrap_or_else(|| {
        let name = whole.or(phone).or(email).unwrap_or("Покупатель");
        (name, (None, None))
    });
    Client {
        name,
        surname,
        middlename,
        email,
        phone,
    }
}

/// The address in one line; nothing where there is none, as for a pickup.
fn address(customer: &Customer) -> Option<AddressBody> {
    let given = customer.address.as_ref()?;
    let address = match given.text.as_str() {
        "" => in_one_line(given),
        text => text.to_owned(),
    };
    (!address.is_empty()).then_some(AddressBody { address })
}

fn in_one_line(address: &Address) -> String {
    let parts = [
        ("", &address.postcode),
        ("", &address.country),
        ("", &address.region),
        ("", &address.district),
        ("", &address.city),
        ("", &address.town),
        ("", &address.street),
        ("д. ", &address.house),
        ("корп. ", &address.building),
        ("кв. ", &address.flat),
    ];
    let there = |(word, part): &(&str, &Option<String>)| {
        let part = part.as_deref()?;
        Some(format!("{word}{part}"))
    };
    let parts: Vec<String> = parts.iter().filter_map(there).collect();
    parts.join(", ")
}

/// Kopecks as the shop writes money: `1200.50`.
fn amount(kopecks: i64) -> String {
    format!("{}.{:02}", kopecks / 100, kopecks % 100)
}

/// A quantity as a JSON number: `2`, `0.355`.
fn thousandths(quantity: i64) -> Result<Box<RawValue>, String> {
    let text = format!("{}.{:03}", quantity / 1000, quantity % 1000);
    let text = text.trim_end_matches('0').trim_end_matches('.');
    RawValue::from_string(text.to_owned()).map_err(|_| "количество не читается".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::{Value, json};
    use sklad_orders::{Discount, Method};

    use super::*;

    fn settings() -> OrderSettings {
        OrderSettings {
            payments: [("cash".to_owned(), 11)].into(),
            deliveries: [("courier".to_owned(), 22)].into(),
            ..OrderSettings::default()
        }
    }

    fn method(id: &str) -> Option<Method> {
        Some(Method {
            id: id.to_owned(),
            name: id.to_owned(),
        })
    }

    fn item(price: i64, quantity: i64, discount: i64) -> Item {
        let gross = i64::try_from(lines::cost(price, quantity)).unwrap();
        Item {
            id: "a".to_owned(),
            name: "Кофе".to_owned(),
            price_kopecks: price,
            quantity_thousandths: quantity,
            sum_kopecks: gross - discount.min(gross),
            ..Item::default()
        }
    }

    fn order(items: Vec<Item>, discount: i64) -> Order {
        let sum: i64 = items.iter().map(|item| item.sum_kopecks).sum();
        Order {
            id: "1".to_owned(),
            number: "15".to_owned(),
            currency: "RUB".to_owned(),
            sum_kopecks: sum - discount.min(sum),
            discounts: vec![Discount {
                sum_kopecks: discount.min(sum),
                ..Discount::default()
            }],
            payment: method("cash"),
            delivery: method("courier"),
            items,
            ..Order::default()
        }
    }

    fn made(order: &Order, variants: &[Option<u64>]) -> Result<Value, String> {
        let settings = settings();
        let known = Known {
            settings: &settings,
            variants,
            field: 7,
            number: &order.number,
        };
        let body = body(order, &known)?;
        Ok(serde_json::from_str(&body).unwrap())
    }

    fn delivery(price: i64) -> Item {
        Item {
            id: DELIVERY_ID.to_owned(),
            ..item(price, 1_000, 0)
        }
    }

    #[test]
    fn an_order_is_asked_for_with_what_the_shop_calls_things() {
        let mut given = order(
            vec![
                item(25_000, 2_000, 0),
                item(9_999, 355, 0),
                delivery(30_000),
            ],
            0,
        );
        given.customer = Customer {
            name: "Иванова Мария".to_owned(),
            first_name: Some("Мария".to_owned()),
            last_name: Some("Иванова".to_owned()),
            phone: Some("+79030000001".to_owned()),
            address: Some(Address {
                city: Some("Москва".to_owned()),
                house: Some("7".to_owned()),
                ..Address::default()
            }),
            ..Customer::default()
        };
        given.comment = Some("Домофон".to_owned());
        let expected = json!({"order": {
            "order_lines_attributes": [
                {"variant_id": 1, "quantity": 2, "sale_price": "250.00"},
                {"variant_id": 2, "quantity": 0.355, "sale_price": "99.99"},
            ],
            "client": {"name": "Мария", "surname": "Иванова", "phone": "+79030000001"},
            "shipping_address_attributes": {"address": "Москва, д. 7"},
            "delivery_variant_id": 22, "payment_gateway_id": 11, "delivery_price": "300.00",
            "comment": "Домофон",
            "fields_values_attributes": [{"field_id": 7, "value": "15"}],
        }});
        assert_eq!(made(&given, &[Some(1), Some(2), None]).unwrap(), expected);
    }

    #[test]
    fn what_the_shop_cannot_make_is_told_in_words() {
        let good = || order(vec![item(100, 1_000, 0)], 0);
        let refusal = |order: &Order, variant| made(order, &[variant]).unwrap_err();
        assert!(refusal(&good(), None).contains("«Кофе» нет"));
        let with = |payment: Option<Method>| Order { payment, ..good() };
        assert!(refusal(&with(None), Some(1)).contains("нет способа оплаты"));
        assert!(refusal(&with(method("card")), Some(1)).contains("«card»"));
        let no_delivery = Order {
            delivery: None,
            ..good()
        };
        assert!(refusal(&no_delivery, Some(1)).contains("доставки"));
        let dollars = Order {
            currency: "USD".to_owned(),
            ..good()
        };
        assert!(refusal(&dollars, Some(1)).contains("USD"));
        assert!(made(&order(vec![delivery(100)], 0), &[None]).is_err());
    }

    #[test]
    fn who_has_no_name_is_called_by_his_phone() {
        let mut given = order(vec![item(100, 1_000, 0)], 0);
        let name =
            |given: &Order| made(given, &[Some(1)]).unwrap()["order"]["client"]["name"].clone();
        assert_eq!(name(&given), "Покупатель");
        given.customer.phone = Some("+79030000001".to_owned());
        assert_eq!(name(&given), "+79030000001");
        given.customer.name = "ООО «Ромашка»".to_owned();
        assert_eq!(name(&given), "ООО «Ромашка»");
    }

    /// Kopecks of `12.50`, thousandths of `0.355`.
    fn scaled(text: &str, digits: usize) -> i64 {
        let (whole, part) = text.split_once('.').unwrap_or((text, ""));
        format!("{whole}{part:0<digits$}").parse().unwrap()
    }

    proptest! {
        #[test]
        fn the_shop_works_out_what_the_order_costs(
            items in proptest::collection::vec((0..5_000_000_i64, 1..20_000_i64, 0..100_000_i64), 1..6),
            delivery_price in 0..100_000_i64, discount in 0..1_000_000_i64,
        ) {
            let mut items: Vec<Item> = items.into_iter().map(|(p, q, d)| item(p, q, d)).collect();
            let mut variants: Vec<Option<u64>> = (1..).take(items.len()).map(Some).collect();
            if delivery_price > 0 {
                items.push(delivery(delivery_price));
                variants.push(None);
            }
            let given = order(items, discount);
            let body = made(&given, &variants).unwrap();
            let lines = body["order"]["order_lines_attributes"].as_array().unwrap();
            let cost = |line: &Value| {
                let price = scaled(line["sale_price"].as_str().unwrap(), 2);
                lines::cost(price, scaled(&line["quantity"].to_string(), 3))
            };
            let goods: i128 = lines.iter().map(cost).sum();
            let delivery = scaled(body["order"]["delivery_price"].as_str().unwrap(), 2);
            prop_assert_eq!(goods + i128::from(delivery), i128::from(given.sum_kopecks));
        }
    }
}
