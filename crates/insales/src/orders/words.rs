//! From the shop's words on an order to ours, and back (insales.md §6.4): pure.
//!
//! A word counts where it has changed: what the shop repeats changes nothing here, so that the later change
//! of either side stands.

use sha2::{Digest, Sha256};
use sklad_orders::{Order, Status, Word, rubles};

use super::wire::Said;
use crate::settings::{Means, OrderSettings};

/// The system status of an order that is new, and the name of the status that every shop has for it.
const NEW: &str = "new";

/// What stands for an order in the field of the shop that holds our number: the number for people, and behind
/// it what tells it from an order of this number that another cabinet passes on to the same shop.
#[must_use]
pub fn number((tenant, connection): (&str, &str), order: &Order) -> String {
    /// Bytes of the digest: with the number they are the same for nobody else.
    const BYTES: usize = 4;
    let mut digest = Sha256::new();
    for part in [tenant, connection, &order.id] {
        digest.update(part);
        digest.update([0]);
    }
    let digest = digest.finalize();
    let mark = hex::encode(digest.get(..BYTES).unwrap_or_default());
    format!("{}/{mark}", order.number)
}

/// What the shop has changed from `before` to `now`.
#[must_use]
pub fn word(settings: &OrderSettings, before: &Said, now: &Said) -> Word {
    let changed = |before: bool, now: bool| (before != now).then_some(now);
    let means = |said: &Said, what: Means| means(settings, said, what);
    let moved = before.status != now.status;
    let is_shipped = shipped(settings, now).filter(|_| moved);
    Word {
        status: status(settings, now).filter(|_| moved),
        paid: changed(before.is_paid(), now.is_paid()).filter(|_| settings.financial),
        shipped: is_shipped.filter(|is| shipped(settings, before) != Some(*is)),
        cancelled: changed(
            means(before, Means::Cancelled),
            means(now, Means::Cancelled),
        ),
    }
}

/// What is believed of an order of which the shop speaks for the first time: that it was made as we had it.
/// A status that is new says nothing of it, whatever it is called.
#[must_use]
pub fn first(now: &Said) -> Said {
    let new = now
        .fulfillment
        .as_deref()
        .is_none_or(|system| system == NEW);
    Said {
        status: now.status.clone().filter(|_| new),
        ..Said::default()
    }
}

/// Our status for the shop's; one that is not in the table stays as the shop calls it, and has no id here.
fn status(settings: &OrderSettings, said: &Said) -> Option<Status> {
    let permalink = said.status.as_ref()?;
    Some(match settings.statuses.get(permalink) {
        Some(ours) => Status {
            id: ours.id.clone().unwrap_or_else(|| permalink.clone()),
            name: ours.name.clone(),
            is_final: ours.is_final,
            since: None,
        },
        None => Status {
            name: match said.title.as_str() {
                "" => permalink.clone(),
                title => title.to_owned(),
            },
            ..Status::default()
        },
    })
}

/// Whether a status says that the goods have left; nothing where it says neither: what is delivered or comes
/// back has left before.
fn shipped(settings: &OrderSettings, said: &Said) -> Option<bool> {
    /// System statuses of orders whose goods are still here.
    const HERE: [&str; 3] = [NEW, "accepted", "approved"];
    if means(settings, said, Means::Shipped) {
        return Some(true);
    }
    let system = said.fulfillment.as_deref().or(said.status.as_deref());
    system.filter(|system| HERE.contains(system)).map(|_| false)
}

/// What a person must see of an order that is there: that it was deleted, or that its customer is asked for
/// another sum.
#[must_use]
pub fn wrong(order: &Order, said: &Said) -> Option<String> {
    if said.archived && order.cancelled_at.is_none() {
        return Some("заказ удалён в InSales".to_owned());
    }
    let total = said.total.filter(|total| *total != order.sum_kopecks)?;
    let (theirs, ours) = (rubles(total), rubles(order.sum_kopecks));
    Some(format!(
        "в InSales сумма заказа {theirs} ₽, а здесь {ours} ₽"
    ))
}

fn means(settings: &OrderSettings, said: &Said, what: Means) -> bool {
    let Some(permalink) = &said.status else {
        return false;
    };
    let told = settings.statuses.get(permalink);
    let ours = what == Means::Cancelled && *permalink == settings.cancelled_status;
    ours || told.is_some_and(|ours| ours.means == Some(what))
}

/// The status that the shop must be told for an order of which it said `heard`; nothing where it says the
/// same already, or has no word for it, or has deleted the order. A status that 1C names without an id is
/// known by its name.
#[must_use]
pub fn wanted(settings: &OrderSettings, order: &Order, heard: &Said) -> Option<String> {
    if heard.archived {
        return None;
    }
    if order.cancelled_at.is_some() {
        let told = means(settings, heard, Means::Cancelled);
        return (!told).then(|| settings.cancelled_status.clone());
    }
    let ours = order.status.as_ref()?;
    let folded = |name: &str| name.trim().to_lowercase();
    let is_ours = |permalink: &String| {
        settings.statuses.get(permalink).is_some_and(|of| {
            let id = of.id.as_deref().unwrap_or(permalink);
            match ours.id.as_str() {
                "" => folded(&of.name) == folded(&ours.name),
                ours => id == ours,
            }
        })
    };
    // What the shop itself calls so is no status of the table.
    let theirs = ours.id.is_empty() && folded(&heard.title) == folded(&ours.name);
    if theirs || heard.status.as_ref().is_some_and(is_ours) {
        return None;
    }
    settings.statuses.keys().find(|p| is_ours(p)).cloned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn settings() -> OrderSettings {
        serde_json::from_value(json!({"statuses": {
            "new": {"name": "Новый"},
            "packed": {"id": "P", "name": "Собран"}, "packed-2": {"id": "P", "name": "Собран"},
            "sent": {"id": "S", "name": "Отправлен", "means": "shipped"},
            "returned": {"name": "Возврат", "final": true, "means": "cancelled"},
        }}))
        .unwrap()
    }

    fn said(status: &str, financial: &str) -> Said {
        Said {
            status: Some(status.to_owned()),
            title: format!("«{status}»"),
            financial: Some(financial.to_owned()),
            ..Said::default()
        }
    }

    fn of(before: &Said, now: &Said) -> Word {
        word(&settings(), before, now)
    }

    #[test]
    fn a_word_counts_where_it_has_changed() {
        let new = said("new", "pending");
        assert_eq!(of(&new, &new), Word::default());
        let packed = of(&new, &said("packed", "pending"));
        assert_eq!(packed.status.as_ref().unwrap().id, "P");
        assert_eq!((packed.paid, packed.cancelled), (None, None));
        let paid = of(&new, &said("new", "paid"));
        assert_eq!((paid.status, paid.paid), (None, Some(true)));
        assert_eq!(of(&said("new", "paid"), &new).paid, Some(false));
        let unheeded = OrderSettings {
            financial: false,
            ..settings()
        };
        assert_eq!(word(&unheeded, &new, &said("new", "paid")).paid, None);
        let sent = of(&new, &said("sent", "pending"));
        assert_eq!(sent.shipped, Some(true));
        assert_eq!(of(&new, &said("returned", "pending")).cancelled, Some(true));
        // What was delivered has left, and is here again where somebody sets it back.
        let delivered = Said {
            fulfillment: Some("delivered".to_owned()),
            ..said("odd", "pending")
        };
        assert_eq!(of(&said("sent", "pending"), &delivered).shipped, None);
        assert_eq!(of(&delivered, &new).shipped, Some(false));
        assert_eq!(of(&said("sent", "pending"), &new).shipped, Some(false));
        let back = of(&said("declined", "pending"), &new);
        assert_eq!(back.cancelled, Some(false));
    }

    #[test]
    fn an_unknown_status_stays_as_the_shop_calls_it() {
        let status = of(&said("new", "pending"), &said("odd", "pending"))
            .status
            .unwrap();
        assert_eq!((status.id.as_str(), status.name.as_str()), ("", "«odd»"));
        let untitled = Said {
            title: String::new(),
            ..said("odd", "pending")
        };
        let status = of(&said("new", "pending"), &untitled).status.unwrap();
        assert_eq!(status.name, "odd");
        // It is never sent back as a status of ours.
        let order = Order {
            status: Some(status),
            ..Order::default()
        };
        assert_eq!(wanted(&settings(), &order, &said("new", "pending")), None);
    }

    #[test]
    fn the_first_word_on_a_new_order_says_nothing() {
        let new = Said {
            fulfillment: Some("new".to_owned()),
            ..said("by-phone", "pending")
        };
        assert_eq!(of(&first(&new), &new), Word::default());
        let later = Said {
            fulfillment: Some("accepted".to_owned()),
            ..said("packed", "paid")
        };
        let word = of(&first(&later), &later);
        assert_eq!(word.status.unwrap().id, "P");
        assert_eq!(word.paid, Some(true));
    }

    #[test]
    fn the_shop_is_told_what_it_does_not_say_itself() {
        let with = |id: &str, cancelled_at| Order {
            status: Some(Status {
                id: id.to_owned(),
                ..Status::default()
            }),
            cancelled_at,
            ..Order::default()
        };
        let wanted =
            |order: &Order, heard: &str| super::wanted(&settings(), order, &said(heard, "pending"));
        assert_eq!(wanted(&with("P", None), "new").as_deref(), Some("packed"));
        assert_eq!(wanted(&with("P", None), "packed-2"), None);
        assert_eq!(wanted(&with("new", None), "packed").as_deref(), Some("new"));
        assert_eq!(wanted(&with("X", None), "new"), None);
        assert_eq!(
            wanted(&with("cancelled", Some(1)), "new").as_deref(),
            Some("declined")
        );
        assert_eq!(wanted(&with("cancelled", Some(1)), "declined"), None);
        assert_eq!(wanted(&with("cancelled", Some(1)), "returned"), None);
        assert_eq!(wanted(&Order::default(), "new"), None);
        let named = |name: &str| Order {
            status: Some(Status {
                name: name.to_owned(),
                ..Status::default()
            }),
            ..Order::default()
        };
        assert_eq!(wanted(&named(" собран"), "new").as_deref(), Some("packed"));
        assert_eq!(wanted(&named("Собран"), "packed-2"), None);
        assert_eq!(wanted(&named("Передан"), "new"), None);
        let titled = Said {
            title: "Собран".to_owned(),
            ..said("odd", "pending")
        };
        assert_eq!(super::wanted(&settings(), &named("Собран"), &titled), None);
        let deleted = Said {
            archived: true,
            ..said("new", "pending")
        };
        let cancelled = with("X", Some(1));
        assert_eq!(super::wanted(&settings(), &cancelled, &deleted), None);
    }

    #[test]
    fn another_sum_and_a_deleted_order_are_wrong() {
        let order = Order {
            sum_kopecks: 25_000,
            ..Order::default()
        };
        let mut said = said("new", "pending");
        assert_eq!(wrong(&order, &said), None, "it does not say");
        said.total = Some(25_000);
        assert_eq!(wrong(&order, &said), None);
        said.total = Some(25_100);
        let text = wrong(&order, &said).unwrap();
        assert_eq!(text, "в InSales сумма заказа 251,00 ₽, а здесь 250,00 ₽");
        said.archived = true;
        assert_eq!(wrong(&order, &said).unwrap(), "заказ удалён в InSales");
    }
}
