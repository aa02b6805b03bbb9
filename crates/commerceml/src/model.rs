//! What stands in a file. All strings are owned; ids are trimmed and at most 255 characters.
//!
//! `None` means that the file does not say; `Some("")` and `Some(vec![])` that it says "nothing".

use chrono::{NaiveDate, NaiveTime};
use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde::{Deserialize, Serialize};

use crate::value;

/// One thing read. The order is the file's; a group comes when it ends, so after the groups in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Item {
    /// The root, always first.
    Root(Root),
    /// A section begins: what is known of it before its first list.
    Open(Section),
    /// A section ended: all that is known of it.
    Close(Section),
    /// A group of goods.
    Group(Group),
    /// A category of УНФ.
    Category(Category),
    /// Some of the values of a property that has more than 500; the rest and the property follow.
    PropertyValues {
        /// Id of the property.
        property: String,
        /// At most 500 values.
        values: Vec<PropertyValue>,
    },
    /// A property of goods or offers.
    Property(Property),
    /// A price type.
    PriceType(PriceType),
    /// A store.
    Store(Store),
    /// A unit of measurement out of the classifier.
    Unit(UnitEntry),
    /// A good of a catalogue.
    Good(Box<Product>),
    /// An offer of a package.
    Offer(Box<Product>),
    /// An order, payment, shipment, ….
    Document(Box<Document>),
}

/// Attributes of the root (§2.1 "Root attrs").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Root {
    /// `ВерсияСхемы`, as "2.08".
    pub version: Option<String>,
    /// `ДатаФормирования` as it stands; see [`Root::generated_at`].
    pub generated: Option<String>,
    /// `Ид` of a batch; empty in some files.
    pub id: Option<String>,
    /// `СодержитТолькоИзменения`, should it stand here.
    pub changes_only: Option<bool>,
}

impl Root {
    /// When the file was made, if it says so in a way that can be understood.
    pub fn generated_at(&self) -> Option<value::Moment> {
        value::moment(self.generated.as_deref()?)
    }
}

/// Which part of the file it is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum SectionKind {
    /// `Классификатор`.
    #[default]
    Classifier,
    /// `Каталог`.
    Catalogue,
    /// `ПакетПредложений`.
    Package,
    /// `ИзмененияПакетаПредложений`, by its nature changes only.
    PackageChanges,
}

/// The head of a section.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Section {
    /// Which.
    pub kind: SectionKind,
    /// `Ид`; of a package mostly the catalogue's with `#` behind.
    pub id: Option<String>,
    /// `ИдКлассификатора`.
    pub classifier: Option<String>,
    /// `ИдКаталога`.
    pub catalogue: Option<String>,
    /// `Наименование`.
    pub name: Option<String>,
    /// `СодержитТолькоИзменения`, attribute or element.
    pub changes_only: Option<bool>,
    /// Whether its list is there, be it empty: `Товары`, `Предложения`, of a classifier `Группы` or
    /// `Категории`.
    #[serde(default)]
    pub listed: bool,
}

impl Section {
    /// Whether what is absent from it says nothing: it has changes only.
    pub fn is_delta(&self) -> bool {
        self.kind == SectionKind::PackageChanges || self.changes_only == Some(true)
    }
}

/// A group of goods (§2.3 "Группа").
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Group {
    /// `Ид`.
    pub id: String,
    /// `Наименование`.
    pub name: Option<String>,
    /// Id of the group around it, or `Родитель` (3.1).
    pub parent: Option<String>,
    /// `Описание`.
    pub description: Option<String>,
    /// Any of the marks of deletion.
    pub deleted: Option<bool>,
    /// Its number in the file, from 0, a group before the groups in it: groups come out as they end,
    /// and this is the order in which they began.
    pub order: u32,
}

/// A category of goods of УНФ (§2.3 "Категория").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Category {
    /// `Ид`.
    pub id: String,
    /// `Наименование`.
    pub name: Option<String>,
    /// Ids of the properties of its goods.
    pub properties: Vec<String>,
    /// Any of the marks of deletion.
    pub deleted: Option<bool>,
}

/// A property of goods or offers (§2.3 "Свойство").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Property {
    /// `Ид`.
    pub id: String,
    /// `Наименование`.
    pub name: Option<String>,
    /// `ТипЗначений`: "Строка", "Число", "Время", "Справочник"; absent with МойСклад (a string).
    pub kind: Option<String>,
    /// The values to choose from, at most 500: earlier ones came as [`Item::PropertyValues`].
    pub values: Option<Vec<PropertyValue>>,
    /// `ДляТоваров`.
    pub for_goods: Option<bool>,
    /// `ДляПредложений`.
    pub for_offers: Option<bool>,
    /// `Множественное`.
    pub multiple: Option<bool>,
    /// `Внешний`.
    pub external: Option<bool>,
    /// Any of the marks of deletion.
    pub deleted: Option<bool>,
}

/// A value that a property can have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PropertyValue {
    /// `ИдЗначения`, by which goods name it; plain lists have none.
    pub id: Option<String>,
    /// `Значение`.
    pub value: String,
}

/// A price type (§2.3 "ТипЦены").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PriceType {
    /// `Ид`.
    pub id: String,
    /// `Наименование`.
    pub name: Option<String>,
    /// `Валюта` as [`value::currency`] gives it.
    pub currency: Option<String>,
    /// `Налог/УчтеноВСумме` of the first tax that has it.
    pub tax_included: Option<bool>,
    /// Any of the marks of deletion.
    pub deleted: Option<bool>,
}

/// A store (§2.3 "Склад").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Store {
    /// `Ид`.
    pub id: String,
    /// `Наименование`.
    pub name: Option<String>,
    /// `Адрес`, its `Представление` if it has parts.
    pub address: Option<String>,
    /// Any of the marks of deletion.
    pub deleted: Option<bool>,
}

/// A unit of measurement of the classifier (§2.3 "ЕдиницаИзмерения").
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnitEntry {
    /// `Ид`.
    pub id: Option<String>,
    /// `Код` of ОКЕИ, trimmed.
    pub code: Option<String>,
    /// `НаименованиеПолное`.
    pub name: Option<String>,
    /// `НаименованиеКраткое`.
    pub short: Option<String>,
    /// `МеждународноеСокращение`.
    pub international: Option<String>,
    /// Any of the marks of deletion.
    pub deleted: Option<bool>,
}

/// `БазоваяЕдиница` of a good: what it is counted in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Unit {
    /// The text, "шт" or a code.
    pub text: Option<String>,
    /// `@Код` of ОКЕИ, trimmed; of old changes `КодЕдиницыИзмерения`.
    pub code: Option<String>,
    /// `@НаименованиеПолное`.
    pub name: Option<String>,
    /// `@МеждународноеСокращение`.
    pub international: Option<String>,
}

/// A good or an offer: an offer may have every child of a good (§2.4, §2.5).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Product {
    /// `Ид` as it stands: `P` or `P#C`. Offers of changes may have a barcode or an article instead.
    pub id: Option<String>,
    /// Which variant of the product it is: what follows the first `#` of the id, or
    /// `ИдХарактеристики`.
    pub variant: Option<String>,
    /// `НомерВерсии`.
    pub version: Option<String>,
    /// Whether it is marked as deleted: `@Статус`, `Статус` or `ПометкаУдаления`; `Some(false)` if the
    /// file says that it is not.
    pub deleted: Option<bool>,
    /// `Статус`, attribute or element: "Новый", "Изменен", "Удален".
    pub status: Option<String>,
    /// `Штрихкод`, `ШтрихКод`; blank ones are left out.
    pub barcodes: Option<Vec<String>>,
    /// `Артикул`, trimmed; empty if it is there and blank.
    pub article: Option<String>,
    /// `Код`, trimmed.
    pub code: Option<String>,
    /// `Наименование`, trimmed; a blank one counts as absent.
    pub name: Option<String>,
    /// `ПолноеНаименование`.
    pub full_name: Option<String>,
    /// `БазоваяЕдиница`.
    pub unit: Option<Unit>,
    /// Ids of its groups.
    pub groups: Option<Vec<String>>,
    /// Id of its category (УНФ).
    pub category: Option<String>,
    /// `Описание` as it stands, else `ОписаниеВФорматеHTML`: plain text or HTML, never to be trusted.
    pub description: Option<String>,
    /// Paths of its pictures, the first is the main one. Empty: there is an empty `Картинка`.
    pub pictures: Option<Vec<String>>,
    /// `Страна`.
    pub country: Option<String>,
    /// `ТорговаяМарка`.
    pub brand: Option<String>,
    /// `Изготовитель`, its name.
    pub manufacturer: Option<String>,
    /// `Вес`, in what the sender weighs.
    pub weight: Option<Decimal>,
    /// `Ширина`.
    pub width: Option<Decimal>,
    /// `Длина`.
    pub length: Option<Decimal>,
    /// `Высота`.
    pub height: Option<Decimal>,
    /// `ЗначенияСвойств`.
    pub properties: Option<Vec<ProductProperty>>,
    /// `СтавкиНалогов`.
    pub taxes: Option<Vec<TaxRate>>,
    /// `ХарактеристикиТовара`.
    pub characteristics: Option<Vec<Characteristic>>,
    /// `ЗначенияРеквизитов`.
    pub requisites: Vec<Requisite>,
    /// `Цены`.
    pub prices: Option<Vec<Price>>,
    /// `Количество` of all stores, up to 3 decimals; may be negative.
    pub quantity: Option<Decimal>,
    /// Stock by store, in any of the spellings of §2.5.
    pub stocks: Option<Vec<Stock>>,
}

impl Product {
    /// The id of the product: what stands before the first `#`.
    pub fn product_id(&self) -> Option<&str> {
        let id = self.id.as_deref()?;
        Some(id.split_once('#').map_or(id, |(product, _)| product))
    }

    /// The id of the variant, if it is one.
    pub fn variant_id(&self) -> Option<&str> {
        self.variant.as_deref()
    }
}

/// What a good has for a property.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProductProperty {
    /// `Ид` of the property.
    pub id: Option<String>,
    /// `Наименование`, seldom there.
    pub name: Option<String>,
    /// Ids of values or plain values; blank ones are left out, so none: it has no value.
    pub values: Vec<String>,
}

/// `СтавкаНалога`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TaxRate {
    /// "НДС".
    pub name: Option<String>,
    /// "20", "18/118", "Без НДС".
    pub rate: Option<String>,
}

/// `ХарактеристикаТовара`: what makes a variant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Characteristic {
    /// `Ид`; none before 2.06 and with МойСклад, where the name is the key.
    pub id: Option<String>,
    /// `Наименование`.
    pub name: Option<String>,
    /// `Значение`.
    pub value: Option<String>,
}

/// `ЗначениеРеквизита`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Requisite {
    /// `Наименование`.
    pub name: Option<String>,
    /// Every `Значение`, trimmed, blank ones included.
    pub values: Vec<String>,
}

/// `Цена` (§2.5).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Price {
    /// `ИдТипаЦены`.
    pub price_type: Option<String>,
    /// `ЦенаЗаЕдиницу` in rubles (or `currency`), up to 4 decimals; see [`Price::kopecks`].
    pub value: Option<Decimal>,
    /// `Валюта` as [`value::currency`] gives it.
    pub currency: Option<String>,
    /// `Единица`.
    pub unit: Option<String>,
    /// `Коэффициент`: base units in the unit of the price.
    pub factor: Option<Decimal>,
    /// `МинКоличество` from which the price counts.
    pub min_quantity: Option<Decimal>,
}

impl Price {
    /// The price per unit in hundredths (kopecks), rounded half up; `None` if there is none or it does
    /// not fit.
    pub fn kopecks(&self) -> Option<i64> {
        value_kopecks(self.value?)
    }
}

/// Hundredths, half away from zero.
fn value_kopecks(value: Decimal) -> Option<i64> {
    value
        .checked_mul(Decimal::ONE_HUNDRED)?
        .round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero)
        .to_i64()
}

/// What is in a store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stock {
    /// Id of the store; `None` where the file gives a rest without one: a total.
    pub store: Option<String>,
    /// Up to 3 decimals; may be negative.
    pub quantity: Option<Decimal>,
}

/// An order or what belongs to one (§2.6).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Document {
    /// `Ид`; may be missing.
    pub id: Option<String>,
    /// `Номер`.
    pub number: Option<String>,
    /// `Номер1С`.
    pub number_1c: Option<String>,
    /// `Дата`.
    pub date: Option<NaiveDate>,
    /// `Время`, or the time that stands in `Дата`.
    pub time: Option<NaiveTime>,
    /// `Дата1С` as it stands; [`value::moment`] reads it.
    pub date_1c: Option<String>,
    /// `НомерВерсии`.
    pub version: Option<String>,
    /// `ПометкаУдаления`.
    pub deleted: Option<bool>,
    /// `ХозОперация`, as "Заказ товара".
    pub operation: Option<String>,
    /// `Роль`, as "Продавец".
    pub role: Option<String>,
    /// `Валюта` as [`value::currency`] gives it.
    pub currency: Option<String>,
    /// `Курс`.
    pub rate: Option<Decimal>,
    /// `Сумма`, up to 4 decimals.
    pub sum: Option<Decimal>,
    /// `Комментарий`.
    pub comment: Option<String>,
    /// `Контрагенты`.
    pub partners: Vec<Partner>,
    /// `Налоги`.
    pub taxes: Vec<Levy>,
    /// `Скидки`.
    pub discounts: Vec<Discount>,
    /// `Товары`; `None` if there is no such list.
    pub items: Option<Vec<DocumentItem>>,
    /// `ЗначенияРеквизитов`.
    pub requisites: Vec<Requisite>,
}

impl Document {
    /// The sum in hundredths (kopecks), rounded half up.
    pub fn kopecks(&self) -> Option<i64> {
        value_kopecks(self.sum?)
    }
}

/// `Контрагент` of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Partner {
    /// `Ид`.
    pub id: Option<String>,
    /// `Наименование`.
    pub name: Option<String>,
    /// `ПолноеНаименование`, else `ОфициальноеНаименование`.
    pub full_name: Option<String>,
    /// `Фамилия`.
    pub last_name: Option<String>,
    /// `Имя`.
    pub first_name: Option<String>,
    /// `Отчество`.
    pub middle_name: Option<String>,
    /// `Роль`, as "Покупатель".
    pub role: Option<String>,
    /// `ИНН`.
    pub inn: Option<String>,
    /// `КПП`.
    pub kpp: Option<String>,
    /// `АдресРегистрации` or `Адрес`: its `Представление`.
    pub address: Option<String>,
    /// `АдресноеПоле` of the address, `Контакт`: type and value.
    pub address_fields: Vec<Contact>,
    /// `Контакты`.
    pub contacts: Vec<Contact>,
}

/// A type and a value: `Контакт`, `АдресноеПоле`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Contact {
    /// `Тип`, as "Почта".
    pub kind: Option<String>,
    /// `Значение`, else `Представление`.
    pub value: Option<String>,
}

/// `Налог` of a document or of an item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Levy {
    /// `Наименование`.
    pub name: Option<String>,
    /// `УчтеноВСумме`.
    pub included: Option<bool>,
    /// `Сумма`.
    pub sum: Option<Decimal>,
    /// `Ставка`.
    pub rate: Option<String>,
}

/// `Скидка` of a document or of an item.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Discount {
    /// `Наименование`.
    pub name: Option<String>,
    /// `Сумма`.
    pub sum: Option<Decimal>,
    /// `Процент`.
    pub percent: Option<Decimal>,
    /// `УчтеноВСумме`.
    pub included: Option<bool>,
}

/// `Товар` of a document.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DocumentItem {
    /// `Ид` of the good or offer, or `ORDER_DELIVERY`.
    pub id: Option<String>,
    /// `ИдКаталога`.
    pub catalogue: Option<String>,
    /// `Наименование`.
    pub name: Option<String>,
    /// `Артикул`.
    pub article: Option<String>,
    /// `БазоваяЕдиница`.
    pub unit: Option<Unit>,
    /// `ЦенаЗаЕдиницу`, up to 4 decimals.
    pub price: Option<Decimal>,
    /// `Количество`, up to 3 decimals.
    pub quantity: Option<Decimal>,
    /// `Сумма`, up to 4 decimals.
    pub sum: Option<Decimal>,
    /// `Единица`.
    pub sale_unit: Option<String>,
    /// `Коэффициент`.
    pub factor: Option<Decimal>,
    /// `СтавкиНалогов`.
    pub tax_rates: Vec<TaxRate>,
    /// `Налоги`.
    pub taxes: Vec<Levy>,
    /// `Скидки`.
    pub discounts: Vec<Discount>,
    /// `ХарактеристикиТовара`.
    pub characteristics: Vec<Characteristic>,
    /// `ЗначенияРеквизитов`.
    pub requisites: Vec<Requisite>,
}

impl DocumentItem {
    /// The sum in hundredths (kopecks), rounded half up.
    pub fn kopecks(&self) -> Option<i64> {
        value_kopecks(self.sum?)
    }
}
