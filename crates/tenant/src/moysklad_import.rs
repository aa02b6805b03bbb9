//! How goods, stock and customers come from МойСклад's JSON API for a tenant.

use serde::{Deserialize, Serialize};
use sklad_loyalty::programme::{Problem, read};

use crate::exchange::{MAX_ID_CHARS, MAX_NAMED, Missing};

/// The longest time between two full imports, in days.
pub const MAX_DAYS: u8 = 30;
/// The shortest time between two imports of changes, in minutes: a shorter one would eat the limit of
/// requests.
pub const MIN_MINUTES: u16 = 5;
/// The longest time between two imports of changes, in minutes.
pub const MAX_MINUTES: u16 = 1440;
/// The longest id or address of an organisation that is taken, in characters.
pub const MAX_ORGANIZATION_CHARS: usize = 500;

/// Settings of the import; `{}` is valid.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct MoyskladSettings {
    /// «ID организации»: от чьего имени работает магазин. Сам идентификатор или адрес страницы
    /// организации в МоёмСкладе.
    pub organization: Option<String>,
    /// Товары и категории.
    #[serde(deserialize_with = "read::object")]
    pub goods: GoodsImport,
    /// Покупатели.
    #[serde(deserialize_with = "read::object")]
    pub customers: CustomersImport,
}

/// Which goods come, and when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct GoodsImport {
    /// Загружать по расписанию (по умолчанию да). При «нет» – только по кнопке.
    pub on: bool,
    /// Полная загрузка – раз в столько дней: 1–30, по умолчанию 1.
    #[cfg_attr(feature = "schema", schemars(range(min = 1, max = 30)))]
    pub every_days: u8,
    /// В котором часу по часовому поясу магазина: 0–23, по умолчанию 3.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 23)))]
    pub at_hour: u8,
    /// Загружать изменения раз в столько минут: 5–1440, по умолчанию 15; 0 – не загружать.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 1440)))]
    pub changes_every_minutes: u16,
    /// Загружать изображения (по умолчанию нет): с ними загрузка дольше в разы.
    pub images: bool,
    /// Загружать остатки (по умолчанию да).
    pub stock: bool,
    /// По каким складам считать остатки: идентификаторы, внешние коды или названия. Пусто – по всем.
    pub stores: Vec<String>,
    /// Какие типы цен загружать: идентификаторы, внешние коды или названия. Пусто – все. Первый из них –
    /// цена товара в каталоге; если пусто, это основной тип цены МоегоСклада.
    pub price_types: Vec<String>,
    /// Что делать с товарами, которых в МоёмСкладе больше нет: по умолчанию убирать в архив.
    pub missing: Missing,
    /// Защита: если при полной загрузке пропало больше стольких процентов товаров, они остаются, а в
    /// журнале появляется предупреждение. 0–100, по умолчанию 20; 100 – без защиты.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 100)))]
    pub missing_guard_percent: u8,
}

/// Which counterparties become customers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CustomersImport {
    /// Загружать контрагентов как покупателей (по умолчанию нет).
    pub on: bool,
    /// Из каких групп контрагентов. Пусто – всех.
    pub groups: Vec<String>,
}

impl Default for GoodsImport {
    fn default() -> Self {
        Self {
            on: true,
            every_days: 1,
            at_hour: 3,
            changes_every_minutes: 15,
            images: false,
            stock: true,
            stores: Vec::new(),
            price_types: Vec::new(),
            missing: Missing::Archive,
            missing_guard_percent: 20,
        }
    }
}

impl MoyskladSettings {
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
        let goods = &self.goods;
        let organization = self.organization.as_deref();
        if organization.is_some_and(|id| !is_text(id, MAX_ORGANIZATION_CHARS)) {
            refuse("organization", "от 1 до 500 знаков");
        }
        if !(1..=MAX_DAYS).contains(&goods.every_days) {
            refuse("goods.every_days", "от 1 до 30 дней");
        }
        if goods.at_hour > 23 {
            refuse("goods.at_hour", "от 0 до 23");
        }
        let minutes = goods.changes_every_minutes;
        if minutes != 0 && !(MIN_MINUTES..=MAX_MINUTES).contains(&minutes) {
            refuse(
                "goods.changes_every_minutes",
                "от 5 до 1440 минут, или 0 – не загружать",
            );
        }
        if goods.missing_guard_percent > 100 {
            refuse("goods.missing_guard_percent", "от 0 до 100");
        }
        for (path, list) in [
            ("goods.stores", &goods.stores),
            ("goods.price_types", &goods.price_types),
            ("customers.groups", &self.customers.groups),
        ] {
            let named = list.iter().all(|name| is_text(name, MAX_ID_CHARS));
            if list.len() > MAX_NAMED || !named {
                refuse(path, "не больше 100 значений, каждое от 1 до 255 знаков");
            }
        }
        problems
    }
}

fn is_text(text: &str, most: usize) -> bool {
    (1..=most).contains(&text.trim().chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wrong(json: &str) -> Vec<String> {
        let settings: MoyskladSettings = serde_json::from_str(json).unwrap();
        let problems = settings.validate().into_iter();
        problems.map(|problem| problem.path).collect()
    }

    #[test]
    fn nothing_set_is_valid_and_archives_what_is_gone() {
        assert!(wrong("{}").is_empty());
        let settings: MoyskladSettings = serde_json::from_str(r#"{"goods": {}}"#).unwrap();
        assert_eq!(settings, MoyskladSettings::default());
        assert_eq!(settings.goods.missing, Missing::Archive);
        assert!(!settings.customers.on);
    }

    #[test]
    fn every_wrong_value_has_its_place() {
        for (json, path) in [
            (r#"{"organization": " "}"#, "organization"),
            (r#"{"goods": {"every_days": 0}}"#, "goods.every_days"),
            (r#"{"goods": {"every_days": 31}}"#, "goods.every_days"),
            (r#"{"goods": {"at_hour": 24}}"#, "goods.at_hour"),
            (
                r#"{"goods": {"changes_every_minutes": 4}}"#,
                "goods.changes_every_minutes",
            ),
            (
                r#"{"goods": {"missing_guard_percent": 101}}"#,
                "goods.missing_guard_percent",
            ),
            (r#"{"goods": {"stores": [""]}}"#, "goods.stores"),
            (r#"{"customers": {"groups": [""]}}"#, "customers.groups"),
        ] {
            assert_eq!(wrong(json), [path], "{json}");
        }
        assert!(wrong(r#"{"goods": {"changes_every_minutes": 0}}"#).is_empty());
        let unknown = serde_json::from_str::<MoyskladSettings>(r#"{"good": {}}"#);
        assert!(unknown.is_err());
    }

    #[test]
    fn the_page_explains_every_setting_and_its_example_is_valid() {
        let page = include_str!("../../../docs/ru/import-moysklad.md");
        let settings = serde_json::to_value(MoyskladSettings::default()).unwrap();
        for (name, value) in settings.as_object().unwrap() {
            match value.as_object() {
                None => assert!(page.contains(&format!("`{name}`")), "{name}"),
                Some(fields) => fields.keys().for_each(|field| {
                    assert!(
                        page.contains(&format!("`{name}.{field}`")),
                        "{name}.{field}"
                    );
                }),
            }
        }
        let (_, example) = page.split_once("```json").unwrap();
        let (example, _) = example.split_once("```").unwrap();
        let example: serde_json::Value = serde_json::from_str(example).unwrap();
        let example: MoyskladSettings =
            serde_json::from_value(example["moysklad"].clone()).unwrap();
        assert!(example.validate().is_empty());
    }
}
