//! What an order must be like to be accepted.

use crate::model::{
    Address, Characteristic, Customer, DELIVERY_ID, Discount, Item, Kind, Method, Order, Requisite,
    Status, Unit, outside,
};

/// The most items of an order.
pub const MAX_ITEMS: usize = 1000;
/// The most discounts of an order or of an item, and characteristics of an item.
pub const MAX_DISCOUNTS: usize = 50;
/// The most requisites of an order.
pub const MAX_REQUISITES: usize = 100;
/// The longest id, number, code or part of an address, in characters.
pub const MAX_WORD_CHARS: usize = 255;
/// The longest name, in characters.
pub const MAX_NAME_CHARS: usize = 500;
/// The longest comment, address or value of a requisite, in characters.
pub const MAX_TEXT_CHARS: usize = 4000;
/// The greatest price or sum, in kopecks: ten thousand million rubles.
pub const MAX_KOPECKS: i64 = 1_000_000_000_000;
/// The greatest quantity, in thousandths: a thousand million.
pub const MAX_QUANTITY: i64 = 1_000_000_000_000;
/// The greatest exchange rate, in ten-thousandths: a million.
pub const MAX_RATE: i64 = 10_000_000_000;
/// The latest moment: the year 9999, four digits of which a document has room for.
const MAX_MOMENT: i64 = 253_370_764_800_000;
/// The word for goods without VAT.
pub(crate) const NO_VAT: &str = "Без НДС";

/// The place within an order and what is wrong there.
pub(crate) type Refusal = (String, String);

type Checked<T> = Result<T, Refusal>;

fn refuse<T>(path: impl Into<String>, message: impl Into<String>) -> Checked<T> {
    Err((path.into(), message.into()))
}

/// The order in the form in which it is kept, or the first place that is wrong.
pub(crate) fn checked(order: &Order) -> Checked<Order> {
    let each = |i: usize, item: &Item| {
        self::item(item).map_err(|(path, message)| (format!("items.{i}.{path}"), message))
    };
    count("items", order.items.len(), MAX_ITEMS)?;
    if order.items.is_empty() {
        return refuse("items", "нужна хотя бы одна позиция");
    }
    let items = order.items.iter().enumerate();
    let out = Order {
        id: needed("id", &order.id, MAX_WORD_CHARS)?,
        number: number(&order.number)?,
        company: optional("company", &order.company, MAX_WORD_CHARS)?,
        moment: moment("moment", order.moment)?,
        currency: currency(&order.currency)?,
        rate: within("rate", order.rate, 1, MAX_RATE)?,
        sum_kopecks: within("sum_kopecks", order.sum_kopecks, 0, MAX_KOPECKS)?,
        customer: customer(&order.customer)?,
        comment: optional("comment", &order.comment, MAX_TEXT_CHARS)?,
        items: items
            .map(|(i, item)| each(i, item))
            .collect::<Result<_, _>>()?,
        discounts: discounts(&order.discounts)?,
        payment: method("payment", &order.payment)?,
        delivery: method("delivery", &order.delivery)?,
        status: status(&order.status)?,
        paid_at: moments("paid_at", order.paid_at)?,
        shipped_at: moments("shipped_at", order.shipped_at)?,
        cancelled_at: moments("cancelled_at", order.cancelled_at)?,
        requisites: requisites(&order.requisites)?,
    };
    sums_agree(&out)?;
    Ok(out)
}

/// Documents leave control characters out: the order would have another number there.
fn number(number: &str) -> Checked<String> {
    let number = needed("number", number, MAX_WORD_CHARS)?;
    if number.contains(char::is_control) {
        return refuse("number", "не может содержать служебные знаки");
    }
    Ok(number)
}

/// An order costs what its items cost, less the discounts on the whole.
fn sums_agree(order: &Order) -> Checked<()> {
    let items: i128 = order.items.iter().map(|i| i128::from(i.sum_kopecks)).sum();
    let expected = items - outside(&order.discounts);
    if i128::from(order.sum_kopecks) == expected {
        return Ok(());
    }
    let message = format!("позиции за вычетом скидок составляют {expected} копеек");
    refuse("sum_kopecks", message)
}

fn item(item: &Item) -> Checked<Item> {
    let out = Item {
        id: item_id(&item.id)?,
        offer: optional("offer", &item.offer, MAX_WORD_CHARS)?,
        catalog: optional("catalog", &item.catalog, MAX_WORD_CHARS)?,
        name: needed("name", &item.name, MAX_NAME_CHARS)?,
        article: optional("article", &item.article, MAX_WORD_CHARS)?,
        unit: unit(&item.unit)?,
        price_kopecks: within("price_kopecks", item.price_kopecks, 0, MAX_KOPECKS)?,
        quantity_thousandths: within(
            "quantity_thousandths",
            item.quantity_thousandths,
            1,
            MAX_QUANTITY,
        )?,
        sum_kopecks: within("sum_kopecks", item.sum_kopecks, 0, MAX_KOPECKS)?,
        vat: vat(&item.vat)?,
        discounts: discounts(&item.discounts)?,
        characteristics: characteristics(&item.characteristics)?,
        kind: item.kind,
    };
    if out.id == DELIVERY_ID && out.kind != Kind::Service {
        return refuse("kind", "доставка – услуга: service");
    }
    // A weighed good makes parts of a kopeck: both neighbours are right, and nothing else.
    if (i128::from(out.sum_kopecks) * 1000 - out.exact()).abs() >= 1000 {
        let expected = (out.exact() * 2 + 1000).div_euclid(2000);
        let message = format!("цена на количество за вычетом скидок – {expected} копеек");
        return refuse("sum_kopecks", message);
    }
    Ok(out)
}

/// `P` or `P#V`.
pub(crate) fn item_id(id: &str) -> Checked<String> {
    let id = needed("id", id, MAX_WORD_CHARS)?;
    let mut parts = id.split('#');
    if parts.clone().count() > 2 || parts.any(str::is_empty) {
        return refuse("id", "нужен товар или товар#модификация");
    }
    Ok(id)
}

fn vat(vat: &Option<String>) -> Checked<Option<String>> {
    let Some(given) = optional("vat", vat, MAX_WORD_CHARS)? else {
        return Ok(None);
    };
    if given.to_lowercase() == NO_VAT.to_lowercase() {
        return Ok(Some(NO_VAT.to_owned()));
    }
    match given.parse::<u8>() {
        Ok(percent) if percent < 100 => Ok(Some(percent.to_string())),
        _ => refuse("vat", "нужно целое число процентов или «Без НДС»"),
    }
}

fn unit(unit: &Unit) -> Checked<Unit> {
    Ok(Unit {
        code: limited("unit.code", &unit.code, MAX_WORD_CHARS)?,
        name: needed("unit.name", &unit.name, MAX_WORD_CHARS)?,
        full_name: optional("unit.full_name", &unit.full_name, MAX_WORD_CHARS)?,
        international: optional("unit.international", &unit.international, MAX_WORD_CHARS)?,
    })
}

fn discounts(all: &[Discount]) -> Checked<Vec<Discount>> {
    count("discounts", all.len(), MAX_DISCOUNTS)?;
    let each = |(i, discount): (usize, &Discount)| {
        let at = |field: &str| format!("discounts.{i}.{field}");
        Ok(Discount {
            name: limited(at("name"), &discount.name, MAX_NAME_CHARS)?,
            sum_kopecks: within(at("sum_kopecks"), discount.sum_kopecks, 0, MAX_KOPECKS)?,
            included: discount.included,
        })
    };
    all.iter().enumerate().map(each).collect()
}

fn characteristics(all: &[Characteristic]) -> Checked<Vec<Characteristic>> {
    count("characteristics", all.len(), MAX_DISCOUNTS)?;
    let each = |(i, given): (usize, &Characteristic)| {
        let at = |field: &str| format!("characteristics.{i}.{field}");
        Ok(Characteristic {
            name: needed(at("name"), &given.name, MAX_NAME_CHARS)?,
            value: limited(at("value"), &given.value, MAX_NAME_CHARS)?,
        })
    };
    all.iter().enumerate().map(each).collect()
}

fn requisites(all: &[Requisite]) -> Checked<Vec<Requisite>> {
    count("requisites", all.len(), MAX_REQUISITES)?;
    let each = |(i, given): (usize, &Requisite)| {
        let at = |field: &str| format!("requisites.{i}.{field}");
        Ok(Requisite {
            name: needed(at("name"), &given.name, MAX_NAME_CHARS)?,
            value: limited(at("value"), &given.value, MAX_TEXT_CHARS)?,
        })
    };
    all.iter().enumerate().map(each).collect()
}

fn customer(customer: &Customer) -> Checked<Customer> {
    let word = |field: &str, value| optional(format!("customer.{field}"), value, MAX_WORD_CHARS);
    Ok(Customer {
        id: word("id", &customer.id)?,
        name: limited("customer.name", &customer.name, MAX_NAME_CHARS)?,
        first_name: word("first_name", &customer.first_name)?,
        middle_name: word("middle_name", &customer.middle_name)?,
        last_name: word("last_name", &customer.last_name)?,
        phone: word("phone", &customer.phone)?,
        email: word("email", &customer.email)?,
        address: customer.address.as_ref().map(address).transpose()?,
    })
}

fn address(address: &Address) -> Checked<Address> {
    let part =
        |field: &str, value| optional(format!("customer.address.{field}"), value, MAX_WORD_CHARS);
    Ok(Address {
        text: limited("customer.address.text", &address.text, MAX_TEXT_CHARS)?,
        postcode: part("postcode", &address.postcode)?,
        country: part("country", &address.country)?,
        region: part("region", &address.region)?,
        district: part("district", &address.district)?,
        town: part("town", &address.town)?,
        city: part("city", &address.city)?,
        street: part("street", &address.street)?,
        house: part("house", &address.house)?,
        building: part("building", &address.building)?,
        flat: part("flat", &address.flat)?,
    })
}

fn method(path: &str, method: &Option<Method>) -> Checked<Option<Method>> {
    let Some(given) = method else {
        return Ok(None);
    };
    Ok(Some(Method {
        id: limited(format!("{path}.id"), &given.id, MAX_WORD_CHARS)?,
        name: needed(format!("{path}.name"), &given.name, MAX_NAME_CHARS)?,
    }))
}

fn status(status: &Option<Status>) -> Checked<Option<Status>> {
    let Some(given) = status else {
        return Ok(None);
    };
    Ok(Some(Status {
        id: limited("status.id", &given.id, MAX_WORD_CHARS)?,
        name: needed("status.name", &given.name, MAX_NAME_CHARS)?,
        is_final: given.is_final,
        since: moments("status.since", given.since)?,
    }))
}

fn currency(currency: &str) -> Checked<String> {
    let currency = currency.trim().to_ascii_uppercase();
    if currency.len() == 3 && currency.bytes().all(|b| b.is_ascii_uppercase()) {
        Ok(currency)
    } else {
        refuse("currency", "нужны три латинские буквы, например RUB")
    }
}

fn moment(path: &str, at: i64) -> Checked<i64> {
    within(path, at, 0, MAX_MOMENT)
}

fn moments(path: &str, at: Option<i64>) -> Checked<Option<i64>> {
    at.map(|at| moment(path, at)).transpose()
}

fn within(path: impl Into<String>, value: i64, least: i64, most: i64) -> Checked<i64> {
    if (least..=most).contains(&value) {
        Ok(value)
    } else {
        refuse(path, format!("от {least} до {most}"))
    }
}

fn count(path: &str, count: usize, most: usize) -> Checked<()> {
    if count > most {
        return refuse(path, format!("не больше {most}"));
    }
    Ok(())
}

fn limited(path: impl Into<String>, text: &str, most: usize) -> Checked<String> {
    let text = text.trim();
    if text.chars().count() > most {
        return refuse(path, format!("не длиннее {most} знаков"));
    }
    Ok(text.to_owned())
}

fn needed(path: impl Into<String>, text: &str, most: usize) -> Checked<String> {
    let path = path.into();
    let text = limited(path.as_str(), text, most)?;
    if text.is_empty() {
        return refuse(path, "не может быть пустым");
    }
    Ok(text)
}

fn optional(
    path: impl Into<String>,
    text: &Option<String>,
    most: usize,
) -> Checked<Option<String>> {
    let text = limited(path, text.as_deref().unwrap_or_default(), most)?;
    Ok(Some(text).filter(|t| !t.is_empty()))
}
