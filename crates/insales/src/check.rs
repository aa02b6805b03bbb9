//! Whether a shop lets us in, and which boxes of its key are not ticked, in words.

use serde::Serialize;
use sklad_connections::State;
use sklad_raw::{members, text};
use sklad_store::{Clock, Http, Sql, SqlError};

use crate::api::{Error, Failure, Session};
use crate::connected::{self, Facts};
use crate::domain;
use crate::settings::InsalesSettings;

/// A right of a key: what can be read with it, and how InSales calls its box. The names are those of the
/// merchants' own instructions; the address of each is a cheap read of that section (insales.md §3, §4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Right {
    path: &'static str,
    /// The box.
    pub name: &'static str,
}

/// To see how the shop is set up.
pub const SETTINGS: Right = Right {
    path: "/account.json",
    name: "Настройки магазина – Просмотр",
};
/// To see orders.
pub const ORDERS: Right = Right {
    path: "/orders/count.json",
    name: "Доступ в раздел Заказы",
};
/// To see clients.
pub const CLIENTS: Right = Right {
    path: "/clients/count.json",
    name: "Доступ в раздел Клиенты",
};
/// To see goods.
pub const GOODS: Right = Right {
    path: "/products/count.json",
    name: "Доступ в раздел Товары",
};
/// To see further prices; without it they are just not told.
pub const PRICES: Right = Right {
    path: "/price_kinds.json",
    name: "Просматривать дополнительные цены",
};

/// What a key needs for orders and cannot be seen by reading: that a box of these is not ticked is known when
/// the first order is refused.
pub const EDITING: &str = "У ключа доступа InSales не отмечено право менять заказы: «Редактировать информацию по заказу \
     (поля, статус, способ оплаты, доставки)», «Изменять содержимое заказа» или «Редактировать информацию клиентов»";

/// Where the boxes are.
pub const WHERE: &str = "«Расширения» → «Разработчикам» → «Ключи доступа» → права ключа";

/// What came of a check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Checked {
    /// What it means for the connection.
    pub state: State,
    /// The same in Russian.
    pub text: String,
    /// Boxes that are not ticked, whether they are needed or not.
    pub missing: Vec<&'static str>,
    /// What the shop has told of itself; nothing where it has not.
    pub facts: Option<Facts>,
    /// Whether it is of no use to ask again: there is no such shop, or it is elsewhere.
    pub hopeless: bool,
}

/// Asks the shop: for its account, then for each right to read by itself. A right
/// to change cannot be seen without changing something: that one is missing is told by the first change.
///
/// # Errors
/// The database's. What the shop says is in the result.
pub async fn check<S: Sql, H: Http, C: Clock>(
    session: &Session<'_, S, H, C>,
    settings: &InsalesSettings,
) -> Result<Checked, SqlError> {
    match ask(session).await {
        Ok(found) => Ok(found.told(settings)),
        Err(Failure::Sql(error)) => Err(error),
        Err(Failure::Api(error)) => Ok(Checked {
            state: connected::state(&error),
            text: words(&error),
            missing: Vec::new(),
            facts: None,
            hopeless: matches!(error, Error::NotFound | Error::Refused { .. }),
        }),
    }
}

/// What an error says of the whole shop.
#[must_use]
pub fn words(error: &Error) -> String {
    match error {
        Error::NotFound => "В InSales нет магазина с таким адресом: проверьте его".to_owned(),
        Error::Refused {
            status: 300..=399, ..
        } => {
            "Этот адрес ведёт на другой сервер: укажите адрес вида example.myinsales.ru".to_owned()
        }
        other => other.for_merchant(),
    }
}

struct Found {
    account: Option<Account>,
    missing: Vec<Right>,
}

async fn ask<S: Sql, H: Http, C: Clock>(session: &Session<'_, S, H, C>) -> Result<Found, Failure> {
    let mut missing = Vec::new();
    let account = allowed(session, SETTINGS, &mut missing).await?;
    for right in [ORDERS, CLIENTS, GOODS] {
        allowed(session, right, &mut missing).await?;
    }
    // Nothing needs these prices: whatever else comes of them says nothing of the shop. Who may see no goods may
    // see none of their prices either, which says nothing of that box.
    if !missing.contains(&GOODS) {
        match allowed(session, PRICES, &mut missing).await {
            Ok(_) | Err(Failure::Api(_)) => {}
            Err(error) => return Err(error),
        }
    }
    let account = account.map(|json| Account::read(&json)).transpose()?;
    Ok(Found { account, missing })
}

/// What can be read with a right; nothing where its box is not ticked.
async fn allowed<S: Sql, H: Http, C: Clock>(
    session: &Session<'_, S, H, C>,
    right: Right,
    missing: &mut Vec<Right>,
) -> Result<Option<String>, Failure> {
    match session.get(right.path).await {
        Ok(json) => Ok(Some(json)),
        Err(Failure::Api(Error::NoRights(_))) => {
            missing.push(right);
            Ok(None)
        }
        Err(error) => Err(error),
    }
}

/// `GET account`: the fields are those that a client of another vendor reads (unverified).
struct Account {
    facts: Facts,
    blocked: bool,
}

#[derive(Default)]
struct Wire<'a> {
    title: sklad_raw::Raw<'a>,
    main_host: sklad_raw::Raw<'a>,
    blocked: sklad_raw::Raw<'a>,
}

members!(Wire {
    title: "title",
    main_host: "main_host",
    blocked: "blocked",
});

impl Account {
    fn read(json: &str) -> Result<Self, Error> {
        let wire: Wire<'_> =
            serde_json::from_str(json).map_err(|_| Error::Unreadable("no account"))?;
        Ok(Self {
            facts: Facts {
                title: text(wire.title),
                domain: text(wire.main_host).and_then(|host| domain::own(&host)),
            },
            blocked: wire.blocked.is_some_and(|raw| raw.get() == "true"),
        })
    }
}

impl Found {
    fn told(self, settings: &InsalesSettings) -> Checked {
        let (state, text) = self.words(settings);
        Checked {
            state,
            text,
            missing: self.missing.iter().map(|right| right.name).collect(),
            facts: self.account.map(|account| account.facts),
            hopeless: false,
        }
    }

    fn words(&self, settings: &InsalesSettings) -> (State, String) {
        let missing = &self.missing[..];
        let needed = |right: &Right| match *right {
            GOODS => settings.catalogue.on,
            ORDERS | CLIENTS => settings.orders.on,
            PRICES => false,
            _ => true,
        };
        let all = [SETTINGS, ORDERS, CLIENTS, GOODS];
        if self.account.as_ref().is_some_and(|account| account.blocked) {
            let text = "Магазин заблокирован в InSales: оплатите тариф";
            (State::Tariff, text.to_owned())
        } else if all.iter().all(|right| missing.contains(right)) {
            let text = format!(
                "InSales отказывает во всём: у ключа доступа не отмечено ни одного права, или тариф магазина \
                 без API. Отметьте в InSales ({WHERE}): {}",
                named(missing)
            );
            (State::Tariff, text)
        } else if missing.iter().any(needed) {
            let text = format!(
                "У ключа доступа InSales не отмечено: {}. Отметьте: {WHERE}",
                named(missing)
            );
            (State::NoRight, text)
        } else {
            (State::Ok, format!("Всё в порядке{}", self.idle(settings)))
        }
    }

    /// What is missing where nothing needs it. Without further prices the catalogue comes, but less of it.
    fn idle(&self, settings: &InsalesSettings) -> String {
        let (prices, idle): (Vec<Right>, Vec<Right>) = self
            .missing
            .iter()
            .partition(|right| **right == PRICES && settings.catalogue.on);
        let mut text = String::new();
        if !prices.is_empty() {
            let name = PRICES.name;
            text += &format!(". Дополнительные цены не загружаются: у ключа не отмечено «{name}»");
        }
        if !idle.is_empty() {
            text += ". Сейчас не нужно, но у ключа не отмечено: ";
            text += &named(&idle);
        }
        text
    }
}

fn named(rights: &[Right]) -> String {
    let names: Vec<&str> = rights.iter().map(|right| right.name).collect();
    format!("«{}»", names.join("», «"))
}
