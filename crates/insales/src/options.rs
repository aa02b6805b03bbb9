//! What a merchant can choose from: the shop's ways to pay and to deliver, statuses, prices, warehouses.

use std::collections::BTreeSet;

use serde::Serialize;
use sklad_loyalty::programme::Problem;
use sklad_raw::{Raw, members, object, text};
use sklad_store::{Clock, Http, Sql};

use crate::api::page::{MAX_ROWS, rows};
use crate::api::{Error, Failure, Session};
use crate::check::{GOODS, PRICES, Right, SETTINGS, WHERE};
use crate::settings::InsalesSettings;

/// The statuses that every shop has (insales.md §6.1).
const SYSTEM_STATUSES: [&str; 7] = [
    "new",
    "accepted",
    "approved",
    "dispatched",
    "delivered",
    "declined",
    "returned",
];
/// `destiny` of a field of orders (§4).
const OF_ORDERS: &str = "3";
/// The most things of a kind that are told.
const MAX_CHOICES: usize = 250;

/// What there is in a shop.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "InsalesOptions")
)]
pub struct Options {
    /// Способы оплаты.
    pub payments: Vec<Choice>,
    /// Способы доставки, которые можно выбрать: самовывоз и с фиксированной стоимостью.
    pub deliveries: Vec<Choice>,
    /// Способы доставки других типов: выбрать их нельзя.
    pub unsuitable: Vec<Choice>,
    /// Какая оплата с какой доставкой разрешена в InSales.
    pub pairs: Vec<Pair>,
    /// Статусы заказов.
    pub statuses: Vec<StatusChoice>,
    /// Дополнительные типы цен.
    pub price_kinds: Vec<Choice>,
    /// Склады.
    pub warehouses: Vec<Choice>,
    /// Поля заказа.
    pub fields: Vec<FieldChoice>,
    /// Чего не видно, потому что у ключа не отмечены эти права.
    pub missing: Vec<String>,
}

/// Something that is chosen by its id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "InsalesChoice")
)]
pub struct Choice {
    /// Идентификатор в InSales.
    pub id: u64,
    /// Название.
    pub title: String,
    /// Тип, как его называет InSales.
    #[serde(rename = "type", skip_serializing_if = "Option::is_none")]
    pub kind: Option<String>,
}

/// A way to pay that is allowed with a way to deliver.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "InsalesPair")
)]
pub struct Pair {
    /// Способ оплаты.
    pub payment: u64,
    /// Способ доставки.
    pub delivery: u64,
}

/// A status of orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "InsalesStatus")
)]
pub struct StatusChoice {
    /// Постоянное имя.
    pub permalink: String,
    /// Название.
    pub title: String,
    /// Системный статус, к которому он относится.
    pub system_status: Option<String>,
}

/// A field of orders.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(
    feature = "schema",
    derive(schemars::JsonSchema),
    schemars(rename = "InsalesField")
)]
pub struct FieldChoice {
    /// Имя.
    pub handle: String,
    /// Название.
    pub title: String,
}

/// A row of any of these lists.
#[derive(Default)]
struct Wire<'a> {
    id: Raw<'a>,
    title: Raw<'a>,
    name: Raw<'a>,
    kind: Raw<'a>,
    permalink: Raw<'a>,
    system_status: Raw<'a>,
    handle: Raw<'a>,
    system_name: Raw<'a>,
    destiny: Raw<'a>,
    pairs: Vec<PairWire<'a>>,
}

members!(Wire {
    id: "id",
    title: "title",
    name: "name",
    kind: "type",
    permalink: "permalink",
    system_status: "system_status",
    handle: "handle",
    system_name: "system_name",
    destiny: "destiny",
    pairs: "payment_delivery_variants",
});

#[derive(Default)]
struct PairWire<'a> {
    payment: Raw<'a>,
    delivery: Raw<'a>,
}

members!(PairWire {
    payment: "payment_gateway_id",
    delivery: "delivery_variant_id",
});

impl Wire<'_> {
    fn title(&self) -> String {
        let title = text(self.title).or_else(|| text(self.name));
        title.unwrap_or_default()
    }

    fn choice(&self) -> Option<Choice> {
        Some(Choice {
            id: number(self.id)?,
            title: self.title(),
            kind: text(self.kind),
        })
    }

    fn pairs(&self) -> impl Iterator<Item = Pair> {
        self.pairs.iter().filter_map(|pair| {
            Some(Pair {
                payment: number(pair.payment)?,
                delivery: number(pair.delivery)?,
            })
        })
    }
}

fn number(raw: Raw<'_>) -> Option<u64> {
    text(raw)?.parse().ok()
}

/// Whether a way to deliver may be chosen: the others' price or address is worked out in the shop alone.
fn is_suitable(delivery: &Choice) -> bool {
    ["DeliveryVariant::PickUp", "DeliveryVariant::Fixed"]
        .contains(&delivery.kind.as_deref().unwrap_or_default())
}

/// Reads what there is. A list that the key may not see is empty, and its box is named.
///
/// # Errors
/// [`Failure`].
pub async fn read<S: Sql, H: Http, C: Clock>(
    session: &Session<'_, S, H, C>,
) -> Result<Options, Failure> {
    let mut options = Options::default();
    let list = list(session, "payment_gateways", SETTINGS, &mut options.missing).await?;
    let mut pairs = BTreeSet::new();
    each(&list, |row| {
        pairs.extend(row.pairs());
        options.payments.extend(row.choice());
    })?;
    let list = self::list(session, "delivery_variants", SETTINGS, &mut options.missing).await?;
    each(&list, |row| {
        pairs.extend(row.pairs());
        match row.choice() {
            Some(choice) if is_suitable(&choice) => options.deliveries.push(choice),
            other => options.unsuitable.extend(other),
        }
    })?;
    options.pairs = pairs.into_iter().collect();
    let list = self::list(session, "custom_statuses", SETTINGS, &mut options.missing).await?;
    each(&list, |row| options.statuses.extend(status(row)))?;
    let list = self::list(session, "fields", SETTINGS, &mut options.missing).await?;
    each(&list, |row| options.fields.extend(field(row)))?;
    let list = self::list(session, "price_kinds", PRICES, &mut options.missing).await?;
    each(&list, |row| options.price_kinds.extend(row.choice()))?;
    let list = self::list(session, "warehouses", GOODS, &mut options.missing).await?;
    each(&list, |row| options.warehouses.extend(row.choice()))?;
    Ok(options)
}

fn status(row: &Wire<'_>) -> Option<StatusChoice> {
    Some(StatusChoice {
        permalink: text(row.permalink)?,
        title: row.title(),
        system_status: text(row.system_status),
    })
}

fn field(row: &Wire<'_>) -> Option<FieldChoice> {
    let of_orders = text(row.destiny).as_deref() == Some(OF_ORDERS);
    let handle = text(row.handle).or_else(|| text(row.system_name));
    Some(FieldChoice {
        handle: handle.filter(|_| of_orders)?,
        title: row.title(),
    })
}

async fn list<S: Sql, H: Http, C: Clock>(
    session: &Session<'_, S, H, C>,
    name: &str,
    right: Right,
    missing: &mut Vec<String>,
) -> Result<String, Failure> {
    match session
        .get(&format!("/{name}.json?per_page={MAX_ROWS}"))
        .await
    {
        Err(Failure::Api(Error::NoRights(_))) => {
            if !missing.iter().any(|known| known == right.name) {
                missing.push(right.name.to_owned());
            }
            Ok(String::new())
        }
        other => other,
    }
}

fn each<'a>(json: &'a str, mut with: impl FnMut(&Wire<'a>)) -> Result<(), Error> {
    for row in rows(json)?.into_iter().take(MAX_CHOICES) {
        if let Some(row) = object(Some(row)) {
            with(&row);
        }
    }
    Ok(())
}

impl Options {
    /// Everything in the settings that the shop does not have or does not allow, with its path.
    #[must_use]
    pub fn problems(&self, settings: &InsalesSettings) -> Vec<Problem> {
        let mut problems = Vec::new();
        if settings.orders.on && self.missing.iter().any(|name| name == SETTINGS.name) {
            let text = format!(
                "способы оплаты и доставки не видны: отметьте у ключа «{}»: {WHERE}",
                SETTINGS.name
            );
            return vec![problem("orders", text)];
        }
        self.methods(settings, &mut problems);
        if problems.is_empty() {
            self.allowed_together(settings, &mut problems);
        }
        self.named_statuses(settings, &mut problems);
        let catalogue = &settings.catalogue;
        for (path, ids, known) in [
            (
                "catalogue.price_kinds",
                &catalogue.price_kinds,
                &self.price_kinds,
            ),
            (
                "catalogue.warehouses",
                &catalogue.warehouses,
                &self.warehouses,
            ),
        ] {
            for (i, id) in ids.iter().enumerate() {
                if titled(known, *id).is_none() {
                    let text = format!("в InSales нет идентификатора {id}. {}", named(known));
                    problems.push(problem(format!("{path}.{i}"), text));
                }
            }
        }
        problems
    }

    fn methods(&self, settings: &InsalesSettings, problems: &mut Vec<Problem>) {
        for (kind, id) in &settings.orders.payments {
            if titled(&self.payments, *id).is_none() {
                let text = format!(
                    "в InSales нет способа оплаты {id}. {}",
                    named(&self.payments)
                );
                problems.push(problem(format!("orders.payments.{kind}"), text));
            }
        }
        for (kind, id) in &settings.orders.deliveries {
            let text = match titled(&self.unsuitable, *id) {
                Some(title) => format!(
                    "доставка «{title}» другого типа: подходят только самовывоз и доставка с фиксированной \
                     стоимостью. {}",
                    named(&self.deliveries)
                ),
                None if titled(&self.deliveries, *id).is_none() => {
                    format!(
                        "в InSales нет способа доставки {id}. {}",
                        named(&self.deliveries)
                    )
                }
                None => continue,
            };
            problems.push(problem(format!("orders.deliveries.{kind}"), text));
        }
    }

    /// An order may have any of our ways to pay with any to deliver: all pairs must be allowed. A shop that
    /// names no pair at all does not say which are (insales.md §7 knows of them from other clients alone).
    fn allowed_together(&self, settings: &InsalesSettings, problems: &mut Vec<Problem>) {
        let orders = &settings.orders;
        if self.pairs.is_empty() {
            return;
        }
        for (kind, delivery) in &orders.deliveries {
            for payment in orders.payments.values() {
                let pair = Pair {
                    payment: *payment,
                    delivery: *delivery,
                };
                if self.pairs.contains(&pair) {
                    continue;
                }
                let text = format!(
                    "доставка «{}» и оплата «{}» в InSales вместе не разрешены: отметьте эту оплату у способа \
                     доставки в InSales («Сайт» → «Доставка») или уберите её здесь",
                    titled(&self.deliveries, *delivery).unwrap_or_default(),
                    titled(&self.payments, *payment).unwrap_or_default(),
                );
                problems.push(problem(format!("orders.deliveries.{kind}"), text));
            }
        }
    }

    fn named_statuses(&self, settings: &InsalesSettings, problems: &mut Vec<Problem>) {
        let orders = &settings.orders;
        let known = |permalink: &str| {
            let own = self.statuses.iter().any(|s| s.permalink == permalink);
            own || SYSTEM_STATUSES.contains(&permalink)
        };
        let text = |permalink: &str| format!("в InSales нет статуса «{permalink}»");
        for permalink in orders.statuses.keys().filter(|p| !known(p)) {
            let path = format!("orders.statuses.{permalink}");
            problems.push(problem(path, text(permalink)));
        }
        if !known(&orders.cancelled_status) {
            problems.push(problem(
                "orders.cancelled_status",
                text(&orders.cancelled_status),
            ));
        }
    }
}

fn problem(path: impl Into<String>, message: String) -> Problem {
    Problem {
        path: path.into(),
        message,
    }
}

fn titled(all: &[Choice], id: u64) -> Option<&str> {
    let found = all.iter().find(|choice| choice.id == id);
    found.map(|choice| choice.title.as_str())
}

/// How many choices are named to who has chosen a wrong one.
const NAMED: usize = 5;

fn named(all: &[Choice]) -> String {
    let one = |choice: &Choice| format!("{} – «{}»", choice.id, choice.title);
    let some: Vec<String> = all.iter().take(NAMED).map(one).collect();
    match some.is_empty() {
        true => "В InSales нет ни одного".to_owned(),
        false => format!("Есть: {}", some.join("; ")),
    }
}
