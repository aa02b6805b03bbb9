//! What an order is.

use serde::{Deserialize, Serialize};

/// The id of the item that stands for the delivery of an order (commerceml §2.6).
pub const DELIVERY_ID: &str = "ORDER_DELIVERY";
/// An exchange rate of one, in ten-thousandths.
pub const RATE_ONE: i64 = 10_000;

/// An order. Texts that are empty are as good as absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct Order {
    /// Идентификатор заказа в магазине, до 255 знаков.
    pub id: String,
    /// Номер, у каждого заказа свой.
    pub number: String,
    /// Компания: идентификатор, в запросе можно название; без неё – первая у арендатора.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub company: Option<String>,
    /// Когда оформлен, миллисекунды с 1970 года (UTC).
    pub moment: i64,
    /// Валюта, три латинские буквы.
    #[serde(default = "rub")]
    pub currency: String,
    /// Курс валюты, десятитысячные доли рубля.
    #[serde(default = "rate_one")]
    pub rate: i64,
    /// Сумма заказа: суммы позиций за вычетом скидок на весь заказ, копейки.
    pub sum_kopecks: i64,
    /// Покупатель.
    #[serde(default)]
    pub customer: Customer,
    /// Комментарий покупателя.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comment: Option<String>,
    /// Позиции; доставка – тоже позиция, услуга с идентификатором `ORDER_DELIVERY`.
    pub items: Vec<Item>,
    /// Скидки на весь заказ.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discounts: Vec<Discount>,
    /// Способ оплаты.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub payment: Option<Method>,
    /// Способ доставки.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<Method>,
    /// Статус.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Status>,
    /// Когда оплачен, миллисекунды с 1970 года (UTC); без него – не оплачен.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paid_at: Option<i64>,
    /// Когда отгружен; без него – не отгружен.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shipped_at: Option<i64>,
    /// Когда отменён; без него – не отменён.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cancelled_at: Option<i64>,
    /// Другие реквизиты документа.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub requisites: Vec<Requisite>,
}

fn rub() -> String {
    "RUB".to_owned()
}

fn rate_one() -> i64 {
    RATE_ONE
}

/// Who has ordered.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "OrderCustomer")
)]
#[serde(default, deny_unknown_fields)]
pub struct Customer {
    /// Идентификатор в магазине; без него покупатель узнаётся по телефону, потом по почте.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Имя целиком или название организации.
    pub name: String,
    /// Имя.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Отчество.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub middle_name: Option<String>,
    /// Фамилия.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
    /// Телефон.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// Электронная почта.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Адрес.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<Address>,
}

/// An address as a text and in parts; either may be absent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "OrderAddress")
)]
#[serde(default, deny_unknown_fields)]
pub struct Address {
    /// Адрес одной строкой.
    pub text: String,
    /// Почтовый индекс.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub postcode: Option<String>,
    /// Страна.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Регион.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// Район.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub district: Option<String>,
    /// Населённый пункт.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub town: Option<String>,
    /// Город.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub city: Option<String>,
    /// Улица.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub street: Option<String>,
    /// Дом.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub house: Option<String>,
    /// Корпус.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub building: Option<String>,
    /// Квартира.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub flat: Option<String>,
}

/// A position of an order.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "OrderItem")
)]
#[serde(deny_unknown_fields)]
pub struct Item {
    /// Идентификатор товара из обмена или `товар#модификация`.
    pub id: String,
    /// Наш идентификатор товара: по нему заказ передаётся в интернет-магазин.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub offer: Option<String>,
    /// Идентификатор каталога.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub catalog: Option<String>,
    /// Название.
    pub name: String,
    /// Артикул.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub article: Option<String>,
    /// Единица измерения.
    #[serde(default)]
    pub unit: Unit,
    /// Цена единицы, копейки.
    pub price_kopecks: i64,
    /// Количество, тысячные доли.
    pub quantity_thousandths: i64,
    /// Сумма: цена, умноженная на количество, за вычетом скидок, копейки.
    pub sum_kopecks: i64,
    /// Ставка НДС, в цене: целое число процентов или `Без НДС`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub vat: Option<String>,
    /// Скидки на позицию.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub discounts: Vec<Discount>,
    /// Характеристики модификации.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub characteristics: Vec<Characteristic>,
    /// Товар или услуга.
    #[serde(default)]
    pub kind: Kind,
}

/// A unit of measure; pieces unless told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "OrderUnit")
)]
#[serde(deny_unknown_fields)]
pub struct Unit {
    /// Код по ОКЕИ.
    pub code: String,
    /// Краткое название.
    pub name: String,
    /// Полное название.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub full_name: Option<String>,
    /// Международное сокращение.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub international: Option<String>,
}

impl Default for Unit {
    fn default() -> Self {
        Self {
            code: "796".to_owned(),
            name: "шт".to_owned(),
            full_name: Some("Штука".to_owned()),
            international: Some("PCE".to_owned()),
        }
    }
}

/// A discount in money.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "OrderDiscount")
)]
#[serde(deny_unknown_fields)]
pub struct Discount {
    /// Название.
    pub name: String,
    /// Сумма скидки, копейки.
    pub sum_kopecks: i64,
    /// Уже вычтена из цены; иначе вычитается из суммы.
    #[serde(default)]
    pub included: bool,
}

/// A characteristic of a modification.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "OrderCharacteristic")
)]
#[serde(deny_unknown_fields)]
pub struct Characteristic {
    /// Название, например «Размер».
    pub name: String,
    /// Значение.
    pub value: String,
}

/// What kind of thing an item is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "OrderItemKind")
)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Товар.
    #[default]
    Good,
    /// Услуга.
    Service,
}

/// A way to pay or to deliver.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "OrderMethod")
)]
#[serde(deny_unknown_fields)]
pub struct Method {
    /// Идентификатор в магазине.
    #[serde(default)]
    pub id: String,
    /// Название.
    pub name: String,
}

/// Where an order is on its way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "OrderStatus")
)]
#[serde(deny_unknown_fields)]
pub struct Status {
    /// Идентификатор, у статуса из 1С может не быть.
    #[serde(default)]
    pub id: String,
    /// Название.
    pub name: String,
    /// Последний: больше ничего не будет.
    #[serde(default, rename = "final")]
    pub is_final: bool,
    /// Когда стал таким, миллисекунды с 1970 года (UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<i64>,
}

/// A named value of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "OrderRequisite")
)]
#[serde(deny_unknown_fields)]
pub struct Requisite {
    /// Название.
    pub name: String,
    /// Значение.
    pub value: String,
}

impl Item {
    /// What price and quantity make of it without the discounts that are yet to be taken off, in
    /// thousandths of a kopeck.
    #[must_use]
    pub(crate) fn exact(&self) -> i128 {
        let gross = i128::from(self.price_kopecks) * i128::from(self.quantity_thousandths);
        gross - outside(&self.discounts) * 1000
    }

    /// The VAT that is in the sum, kopecks, rounded half up; `None` where no rate is given or the
    /// item is free of it.
    #[must_use]
    pub fn vat_kopecks(&self) -> Option<i64> {
        let rate: i128 = self.vat.as_deref()?.parse().ok()?;
        let whole = 100 + rate;
        let vat = (i128::from(self.sum_kopecks) * rate * 2 + whole) / (whole * 2);
        i64::try_from(vat).ok()
    }
}

/// The sum of the discounts that no price contains, kopecks.
pub(crate) fn outside(discounts: &[Discount]) -> i128 {
    let outside = discounts.iter().filter(|d| !d.included);
    outside.map(|d| i128::from(d.sum_kopecks)).sum()
}
