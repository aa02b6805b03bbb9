//! How the exchange over CommerceML behaves for a tenant.

use serde::{Deserialize, Serialize};
use sklad_loyalty::programme::Problem;

/// The least chunk that a client may be told to send, in bytes.
pub const MIN_CHUNK_BYTES: u64 = 10_000;
/// The greatest chunk that a client may be told to send, in bytes.
pub const MAX_CHUNK_BYTES: u64 = 64_000_000;
/// The chunk that МойСклад is told by default, in bytes (commerceml §1.3).
pub const CHUNK_BYTES: u64 = 1_000_000;
/// The most price types, and the most stores, that can be named.
pub const MAX_NAMED: usize = 100;
/// The longest id or name of a price type, store or group, in characters.
pub const MAX_ID_CHARS: usize = 255;

/// Settings of the exchange; `{}` is valid.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct ExchangeSettings {
    /// Какие типы цен загружать: Ид или названия. Пусто – все. Первый из них – цена товара в
    /// каталоге; если пусто, это первый тип цены файла.
    pub price_types: Vec<String>,
    /// Тип цены, который задаёт минимальную цену товара: Ид или название. Ниже неё скидки и баллы не
    /// опускают. Загружается, даже если не назван в `price_types`; ценой товара не становится.
    pub min_price_type: Option<String>,
    /// По каким складам загружать остатки: Ид или названия. Пусто – по всем.
    pub stores: Vec<String>,
    /// Ид корневой группы: загружаются только товары из неё и вложенных в неё групп.
    pub root_category: Option<String>,
    /// Загружать изображения (по умолчанию да). Они заменяют прежние; при «нет» пропускаются.
    pub images: bool,
    /// Загружать модификации (по умолчанию да). При «нет» предложения с «#» в Ид пропускаются.
    pub modifications: bool,
    /// Что делать с товарами, которых нет в полной выгрузке.
    pub missing: Missing,
    /// Защита от неполной выгрузки: если из неё пропало больше стольких процентов товаров, они
    /// остаются, а в журнале появляется предупреждение. 0–100, по умолчанию 20; 100 – без защиты.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 100)))]
    pub missing_guard_percent: u8,
    /// Принимать файлы в архиве zip (по умолчанию нет).
    pub zip: bool,
    /// Какими частями слать файлы, байты: 10 000–64 000 000, по умолчанию 1 000 000.
    #[cfg_attr(feature = "schema", schemars(range(min = 10_000, max = 64_000_000)))]
    pub chunk_limit_bytes: u64,
    /// Кодировка ответов.
    pub reply_encoding: Encoding,
    /// Кодировка файла с заказами.
    pub order_encoding: Encoding,
    /// Заворачивать каждый заказ в `Контейнер` (CommerceML 3.1).
    pub order_container: bool,
    /// Ид позиций заказа без модификации – `товар#товар`, как нужно МоемуСкладу; 1С ждёт просто `товар`.
    pub order_full_ids: bool,
}

/// What happens to goods that a full catalogue does not hold (commerceml §2.4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "lowercase")]
pub enum Missing {
    /// Оставить.
    #[default]
    Keep,
    /// Убрать в архив.
    Archive,
}

/// An encoding of what we send (commerceml §1.1, §1.8).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Encoding {
    /// UTF-8.
    #[default]
    #[serde(rename = "utf-8", alias = "utf8")]
    Utf8,
    /// UTF-8 с меткой порядка байтов, если есть не только ASCII.
    #[serde(rename = "utf-8-bom", alias = "utf8-bom")]
    Utf8Bom,
    /// windows-1251.
    #[serde(rename = "windows-1251", alias = "windows1251")]
    Windows1251,
}

impl Default for ExchangeSettings {
    fn default() -> Self {
        Self {
            price_types: Vec::new(),
            min_price_type: None,
            stores: Vec::new(),
            root_category: None,
            images: true,
            modifications: true,
            missing: Missing::Keep,
            missing_guard_percent: 20,
            zip: false,
            chunk_limit_bytes: CHUNK_BYTES,
            reply_encoding: Encoding::Utf8,
            order_encoding: Encoding::Utf8,
            order_container: false,
            order_full_ids: false,
        }
    }
}

impl ExchangeSettings {
    /// What the types cannot say; paths are relative to these settings.
    #[must_use]
    pub fn validate(&self) -> Vec<Problem> {
        let mut problems = Vec::new();
        let mut refuse = |path: &str, message: &str| {
            problems.push(Problem {
                path: path.to_owned(),
                message: message.to_owned(),
            });
        };
        let named =
            |list: &[String]| list.len() <= MAX_NAMED && list.iter().all(|name| is_name(name));
        let message = "не больше 100 значений, каждое от 1 до 255 знаков";
        if !named(&self.price_types) {
            refuse("price_types", message);
        }
        if !named(&self.stores) {
            refuse("stores", message);
        }
        for (path, id) in [
            ("min_price_type", &self.min_price_type),
            ("root_category", &self.root_category),
        ] {
            if id.as_deref().is_some_and(|id| !is_name(id)) {
                refuse(path, "от 1 до 255 знаков");
            }
        }
        if self.missing_guard_percent > 100 {
            refuse("missing_guard_percent", "от 0 до 100");
        }
        if !(MIN_CHUNK_BYTES..=MAX_CHUNK_BYTES).contains(&self.chunk_limit_bytes) {
            refuse("chunk_limit_bytes", "от 10 000 до 64 000 000 байт");
        }
        problems
    }
}

fn is_name(text: &str) -> bool {
    (1..=MAX_ID_CHARS).contains(&text.trim().chars().count())
}
