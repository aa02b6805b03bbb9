//! What a merchant sets for a connection to InSales.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use sklad_loyalty::programme::{Problem, read};

use crate::domain;

/// The shortest time between two imports of changes, in minutes.
pub const MIN_MINUTES: u16 = 5;
/// The longest time between two imports of changes, in minutes.
pub const MAX_MINUTES: u16 = 1440;
/// The most price kinds, warehouses, ways to pay and to deliver, and statuses.
pub const MAX_NAMED: usize = 100;
/// The longest name of a way to pay or to deliver, of a status or field, in characters.
pub const MAX_NAME_CHARS: usize = 100;
/// The field of an order in which our number stands, unless another is named.
pub const NUMBER_FIELD: &str = "sklad_edge_number";

/// Settings of a connection; only the shop has no default.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InsalesSettings {
    /// Адрес магазина: example.myinsales.ru. Можно вставить адрес из строки браузера.
    pub shop: String,
    /// Загружать изменения раз в столько минут: 5–1440, по умолчанию 5.
    #[serde(default = "min_minutes")]
    #[cfg_attr(feature = "schema", schemars(range(min = 5, max = 1440)))]
    pub every_minutes: u16,
    /// Каталог: из InSales сюда.
    #[serde(default, deserialize_with = "read::object")]
    pub catalogue: CatalogueSettings,
    /// Заказы: отсюда в InSales, статусы обратно.
    #[serde(default, deserialize_with = "read::object")]
    pub orders: OrderSettings,
}

fn min_minutes() -> u16 {
    MIN_MINUTES
}

/// What of the catalogue comes, and how it meets what is here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
pub struct CatalogueSettings {
    /// Загружать каталог (по умолчанию да).
    pub on: bool,
    /// Загружать изображения (по умолчанию нет): с ними загрузка дольше в разы.
    pub images: bool,
    /// По чему узнавать товар, который уже пришёл из другого источника: none – не узнавать (по умолчанию),
    /// article – по артикулу, barcode – по штрихкоду, external – по внешнему коду.
    pub link: Link,
    /// Какие дополнительные типы цен загружать: идентификаторы в InSales. Пусто – все.
    pub price_kinds: Vec<u64>,
    /// По каким складам считать остаток: идентификаторы в InSales. Пусто – по всем.
    pub warehouses: Vec<u64>,
    /// Защита: если при сверке пропало больше стольких процентов товаров, они остаются, а в журнале
    /// появляется предупреждение. 0–100, по умолчанию 20; 100 – без защиты.
    #[cfg_attr(feature = "schema", schemars(range(min = 0, max = 100)))]
    pub missing_guard_percent: u8,
}

impl Default for CatalogueSettings {
    fn default() -> Self {
        Self {
            on: true,
            images: false,
            link: Link::None,
            price_kinds: Vec::new(),
            warehouses: Vec::new(),
            missing_guard_percent: 20,
        }
    }
}

/// By what a good that came from elsewhere is known.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "InsalesLink")
)]
#[serde(rename_all = "snake_case")]
pub enum Link {
    /// Не узнавать: товары InSales – отдельные.
    #[default]
    None,
    /// По артикулу.
    Article,
    /// По штрихкоду.
    Barcode,
    /// По внешнему коду.
    External,
}

/// Which orders go there, and what comes back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "InsalesOrderSettings")
)]
#[serde(default, deny_unknown_fields)]
pub struct OrderSettings {
    /// Передавать заказы компании в InSales (по умолчанию нет).
    pub on: bool,
    /// Способы оплаты: наш вид оплаты → идентификатор в InSales.
    pub payments: BTreeMap<String, u64>,
    /// Способы доставки: наш вид доставки → идентификатор в InSales. Только самовывоз и доставка с
    /// фиксированной стоимостью.
    pub deliveries: BTreeMap<String, u64>,
    /// Статусы: постоянное имя статуса в InSales (permalink) → наш статус. Чего здесь нет, то
    /// показывается как есть.
    #[serde(deserialize_with = "statuses")]
    pub statuses: BTreeMap<String, OurStatus>,
    /// Считать заказ оплаченным, когда он оплачен в InSales (по умолчанию да).
    pub financial: bool,
    /// Какой статус получает заказ в InSales, если он отменён здесь: permalink, по умолчанию declined.
    pub cancelled_status: String,
    /// Поле заказа в InSales, в котором стоит наш номер: имя (handle), по умолчанию sklad_edge_number.
    pub number_field: String,
}

impl Default for OrderSettings {
    fn default() -> Self {
        Self {
            on: false,
            payments: BTreeMap::new(),
            deliveries: BTreeMap::new(),
            statuses: BTreeMap::new(),
            financial: true,
            cancelled_status: "declined".to_owned(),
            number_field: NUMBER_FIELD.to_owned(),
        }
    }
}

/// What a status of InSales means here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct OurStatus {
    /// Идентификатор статуса; не указан – такой же, как в InSales.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Название.
    pub name: String,
    /// Последний: больше ничего не будет.
    #[serde(default, rename = "final")]
    pub is_final: bool,
    /// Что это значит для заказа: shipped – отгружен, cancelled – отменён; не указано – ничего больше.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub means: Option<Means>,
}

/// What else a status says of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "InsalesStatusMeans")
)]
#[serde(rename_all = "snake_case")]
pub enum Means {
    /// Отгружен.
    Shipped,
    /// Отменён.
    Cancelled,
}

/// A table whose values are objects.
fn statuses<'de, D: serde::Deserializer<'de>>(
    from: D,
) -> Result<BTreeMap<String, OurStatus>, D::Error> {
    let table = BTreeMap::<String, read::Object<OurStatus>>::deserialize(from)?;
    Ok(table.into_iter().map(|(key, of)| (key, of.0)).collect())
}

/// What lets us in. Without `Debug`: it must not get into a log.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
pub struct InsalesSecrets {
    /// «Идентификатор» ключа доступа.
    pub key_id: String,
    /// «Пароль» ключа доступа.
    pub password: String,
}

/// The longest id or password of a key, in characters.
pub const MAX_SECRET_CHARS: usize = 200;

impl InsalesSecrets {
    /// The secrets as they were pasted: without blanks around them.
    ///
    /// # Errors
    /// Everything that is wrong, with its path in the secrets.
    pub fn checked(self) -> Result<Self, Vec<Problem>> {
        let out = Self {
            key_id: self.key_id.trim().to_owned(),
            password: self.password.trim().to_owned(),
        };
        let fits = |text: &str| {
            let chars = text.chars().count();
            (1..=MAX_SECRET_CHARS).contains(&chars) && !text.contains(char::is_control)
        };
        let mut problems = Vec::new();
        // HTTP ends the login with a colon.
        if !fits(&out.key_id) || out.key_id.contains(':') {
            refuse(&mut problems, "key_id", "от 1 до 200 знаков, без двоеточия");
        }
        if !fits(&out.password) {
            refuse(&mut problems, "password", "от 1 до 200 знаков");
        }
        problems.is_empty().then_some(out).ok_or(problems)
    }
}

fn refuse(problems: &mut Vec<Problem>, path: impl Into<String>, message: impl Into<String>) {
    problems.push(Problem {
        path: path.into(),
        message: message.into(),
    });
}

impl InsalesSettings {
    /// The settings with the shop as a domain; `own` is the shop's own one, where `account` has named it.
    ///
    /// # Errors
    /// Everything that is wrong and can be seen without asking the shop, with its path in the settings.
    pub fn checked(mut self, own: Option<&str>) -> Result<Self, Vec<Problem>> {
        let mut problems = Vec::new();
        match domain::typed(&self.shop, own) {
            Ok(shop) => self.shop = shop,
            Err(wrong) => refuse(&mut problems, "shop", wrong.to_string()),
        }
        if !(MIN_MINUTES..=MAX_MINUTES).contains(&self.every_minutes) {
            refuse(&mut problems, "every_minutes", "от 5 до 1440 минут");
        }
        self.catalogue.check(&mut problems);
        self.orders.trim(&mut problems);
        self.orders.check(&mut problems);
        problems.is_empty().then_some(self).ok_or(problems)
    }
}

impl CatalogueSettings {
    fn check(&self, problems: &mut Vec<Problem>) {
        for (path, ids) in [
            ("catalogue.price_kinds", &self.price_kinds),
            ("catalogue.warehouses", &self.warehouses),
        ] {
            if ids.len() > MAX_NAMED {
                refuse(problems, path, "не больше 100 идентификаторов");
            } else if ids.contains(&0) {
                refuse(problems, path, NO_ID);
            }
        }
        if self.missing_guard_percent > 100 {
            let path = "catalogue.missing_guard_percent";
            refuse(problems, path, "от 0 до 100");
        }
    }
}

/// The table with its keys as they are compared, without blanks around them; refused where that makes two of
/// them one.
fn trimmed<T>(
    table: BTreeMap<String, T>,
    path: &str,
    problems: &mut Vec<Problem>,
) -> BTreeMap<String, T> {
    let count = table.len();
    let keys = table
        .into_iter()
        .map(|(key, of)| (key.trim().to_owned(), of));
    let table: BTreeMap<String, T> = keys.collect();
    if table.len() < count {
        refuse(problems, path, "одно и то же имя дважды");
    }
    table
}

impl OrderSettings {
    /// Orders name kinds and statuses without blanks around them.
    fn trim(&mut self, problems: &mut Vec<Problem>) {
        let [payments, deliveries] = [&mut self.payments, &mut self.deliveries].map(std::mem::take);
        self.payments = trimmed(payments, "orders.payments", problems);
        self.deliveries = trimmed(deliveries, "orders.deliveries", problems);
        let statuses = std::mem::take(&mut self.statuses);
        self.statuses = trimmed(statuses, "orders.statuses", problems);
    }

    fn check(&self, problems: &mut Vec<Problem>) {
        for (path, table) in [
            ("orders.payments", &self.payments),
            ("orders.deliveries", &self.deliveries),
        ] {
            if table.len() > MAX_NAMED {
                refuse(problems, path, "не больше 100 видов");
            } else if !table.keys().all(|kind| is_name(kind)) {
                refuse(problems, path, "название вида – от 1 до 100 знаков");
            } else if table.values().any(|id| *id == 0) {
                refuse(problems, path, NO_ID);
            }
        }
        let statuses = self.statuses.iter();
        let mut named = statuses.map(|(permalink, ours)| {
            let id = ours.id.as_deref().is_none_or(is_name);
            is_name(permalink) && is_name(&ours.name) && id
        });
        if self.statuses.len() > MAX_NAMED || !named.all(|good| good) {
            let message = "не больше 100 статусов, имена от 1 до 100 знаков";
            refuse(problems, "orders.statuses", message);
        }
        for (path, name) in [
            ("orders.number_field", &self.number_field),
            ("orders.cancelled_status", &self.cancelled_status),
        ] {
            if !is_name(name) {
                refuse(problems, path, "от 1 до 100 знаков");
            }
        }
        if self.on && (self.payments.is_empty() || self.deliveries.is_empty()) {
            let message = "для передачи заказов нужны способы оплаты и доставки";
            refuse(problems, "orders", message);
        }
    }
}

/// What is said of an id that InSales gives to nothing.
const NO_ID: &str = "идентификатор в InSales – число больше нуля";

fn is_name(text: &str) -> bool {
    (1..=MAX_NAME_CHARS).contains(&text.trim().chars().count())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::api::Error;
    use crate::check;
    use sklad_connections::State;
    use sklad_tenant::json::parse;

    fn wrong(json: &str) -> Vec<String> {
        let settings: InsalesSettings = parse(json.as_bytes()).unwrap();
        let problems = settings.checked(None).err().unwrap_or_default();
        problems.into_iter().map(|problem| problem.path).collect()
    }

    fn unreadable(json: &str) -> String {
        match parse::<InsalesSettings>(json.as_bytes()) {
            Err(sklad_tenant::Error::Invalid(problems)) => {
                problems
                    .into_iter()
                    .next()
                    .unwrap_or_else(|| unreachable!())
                    .path
            }
            _ => unreachable!("{json}"),
        }
    }

    #[test]
    fn a_shop_is_enough_and_brings_the_catalogue() {
        let json = br#"{"shop": "https://Example.myinsales.ru/admin2/orders?x=1"}"#;
        let settings: InsalesSettings = parse(json).unwrap();
        let settings = settings.checked(None).unwrap();
        assert_eq!(settings.shop, "example.myinsales.ru");
        assert_eq!(settings.every_minutes, 5);
        assert!(settings.catalogue.on && !settings.orders.on && settings.orders.financial);
        assert_eq!(settings.orders.number_field, NUMBER_FIELD);
        let json = serde_json::to_string(&settings).unwrap();
        assert_eq!(parse::<InsalesSettings>(json.as_bytes()).unwrap(), settings);
    }

    #[test]
    fn every_wrong_value_has_its_place() {
        let with = |rest: &str| format!(r#"{{"shop": "a.myinsales.ru", {rest}}}"#);
        for (json, path) in [
            (r#"{"shop": "example.ru"}"#.to_owned(), "shop"),
            (with(r#""every_minutes": 4"#), "every_minutes"),
            (with(r#""every_minutes": 1441"#), "every_minutes"),
            (
                with(r#""catalogue": {"price_kinds": [0]}"#),
                "catalogue.price_kinds",
            ),
            (
                with(r#""catalogue": {"missing_guard_percent": 101}"#),
                "catalogue.missing_guard_percent",
            ),
            (
                with(r#""orders": {"payments": {"cash": 0}}"#),
                "orders.payments",
            ),
            (
                with(r#""orders": {"deliveries": {"": 1}}"#),
                "orders.deliveries",
            ),
            (
                with(r#""orders": {"statuses": {"new": {"name": " "}}}"#),
                "orders.statuses",
            ),
            (
                with(r#""orders": {"number_field": ""}"#),
                "orders.number_field",
            ),
            (
                with(r#""orders": {"on": true, "payments": {"cash": 1}}"#),
                "orders",
            ),
        ] {
            assert_eq!(wrong(&json), [path], "{json}");
        }
    }

    #[test]
    fn kinds_and_statuses_are_kept_without_blanks_around_them() {
        let json = r#"{"shop": "a.myinsales.ru", "orders": {"payments": {" cash ": 1},
            "deliveries": {"courier\n": 2}, "statuses": {" new": {"name": "Новый"}}}}"#;
        let settings: InsalesSettings = parse(json.as_bytes()).unwrap();
        let orders = settings.checked(None).unwrap().orders;
        assert_eq!(orders.payments.get("cash"), Some(&1));
        assert_eq!(orders.deliveries.get("courier"), Some(&2));
        assert!(orders.statuses.contains_key("new"));
        for (table, path) in [
            (r#""payments": {"a": 1, "a ": 2}"#, "orders.payments"),
            (r#""payments": {" ": 1}"#, "orders.payments"),
            (r#""statuses": {" ": {"name": "Новый"}}"#, "orders.statuses"),
        ] {
            let json = format!(r#"{{"shop": "a.myinsales.ru", "orders": {{{table}}}}}"#);
            assert_eq!(wrong(&json), [path], "{json}");
        }
    }

    #[test]
    fn an_id_of_zero_an_empty_kind_and_too_many_are_told_apart() {
        let said = |rest: &str| {
            let json = format!(r#"{{"shop": "a.myinsales.ru", {rest}}}"#);
            let settings: InsalesSettings = parse(json.as_bytes()).unwrap();
            let mut problems = settings.checked(None).err().unwrap_or_default();
            problems.pop().map(|problem| problem.message)
        };
        let many = vec!["1"; MAX_NAMED + 1].join(",");
        for (rest, word) in [
            (
                r#""catalogue": {"price_kinds": [0]}"#.to_owned(),
                "больше нуля",
            ),
            (
                format!(r#""catalogue": {{"warehouses": [{many}]}}"#),
                "не больше 100",
            ),
            (
                r#""orders": {"payments": {"cash": 0}}"#.to_owned(),
                "больше нуля",
            ),
            (
                r#""orders": {"deliveries": {"": 1}}"#.to_owned(),
                "название вида",
            ),
        ] {
            let said = said(&rest).unwrap();
            assert!(said.contains(word), "{rest}: {said}");
        }
    }

    #[test]
    fn what_is_unknown_or_of_another_type_is_refused_with_its_path() {
        for (json, path) in [
            (r#"{}"#, ""),
            (r#"{"shop": 7}"#, "shop"),
            (r#"{"shop": "a", "x": 1}"#, "x"),
            (r#"{"shop": "a", "catalogue": []}"#, "catalogue"),
            (
                r#"{"shop": "a", "catalogue": {"link": "name"}}"#,
                "catalogue.link",
            ),
            (
                r#"{"shop": "a", "orders": {"payments": {"cash": "x"}}}"#,
                "orders.payments.cash",
            ),
            (
                r#"{"shop": "a", "orders": {"statuses": {"new": {"nam": 1}}}}"#,
                "orders.statuses.new.nam",
            ),
        ] {
            assert_eq!(unreadable(json), path, "{json}");
        }
    }

    #[test]
    fn the_page_explains_every_setting_right_and_state_and_its_example_is_valid() {
        let page = include_str!("../../../docs/ru/insales.md");
        let all: InsalesSettings = parse(br#"{"shop": "a.myinsales.ru"}"#).unwrap();
        let all = serde_json::to_value(&all).unwrap();
        for (name, value) in all.as_object().unwrap() {
            match value.as_object() {
                None => assert!(page.contains(&format!("| `{name}` |")), "{name}"),
                Some(fields) => fields.keys().for_each(|field| {
                    let row = format!("| `{name}.{field}` |");
                    assert!(page.contains(&row), "{row}");
                }),
            }
        }
        for right in [
            check::ORDERS,
            check::CLIENTS,
            check::GOODS,
            check::SETTINGS,
            check::PRICES,
        ] {
            assert!(
                page.contains(&format!("«{}»", right.name)),
                "{}",
                right.name
            );
        }
        for state in State::ALL {
            assert!(
                page.contains(&format!("| `{}` |", state.as_str())),
                "{state:?}"
            );
        }
        for wrong in domain::Wrong::ALL {
            assert!(page.contains(&format!("«{wrong}»")), "{wrong}");
        }
        let elsewhere = Error::Refused {
            status: 301,
            text: String::new(),
        };
        for error in [Error::NotFound, elsewhere] {
            let said = check::words(&error);
            assert!(page.contains(&format!("«{said}»")), "{said}");
        }
        assert!(page.contains(&format!("«{NO_ID}»")));
        let (_, example) = page.split_once("```json").unwrap();
        let (example, _) = example.split_once("```").unwrap();
        let example: InsalesSettings = parse(example.as_bytes()).unwrap();
        assert!(example.checked(None).is_ok());
    }

    #[test]
    fn a_key_is_taken_as_it_was_pasted() {
        let of = |key_id: &str, password: &str| {
            let secrets = InsalesSecrets {
                key_id: key_id.to_owned(),
                password: password.to_owned(),
            };
            secrets.checked()
        };
        let good = of(" abc \n", "\tdef ").ok().unwrap();
        assert_eq!(
            (good.key_id.as_str(), good.password.as_str()),
            ("abc", "def")
        );
        for (id, password) in [("", "x"), ("x", " "), ("a:b", "x"), ("a\nb", "x")] {
            assert!(of(id, password).is_err(), "{id} {password}");
        }
        assert!(of(&"x".repeat(MAX_SECRET_CHARS + 1), "x").is_err());
    }
}
