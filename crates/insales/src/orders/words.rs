//! From the shop's words on an order to ours, and back (insales.md §6.4): pure.
//!
//! A word counts where it has changed: what the shop repeats changes nothing here, so that the later change
//! of either side stands.

use sklad_orders::{Order, Status, Word};

use super::wire::Said;
use crate::settings::{Means, OrderSettings};

/// The system status of an order that is new, and the name of the status that every shop has for it.
const NEW: &str = "new";

/// What the shop has changed from `before` to `now`.
#[must_use]
pub fn word(settings: &OrderSettings, before: &Said, now: &Said) -> Word {
    let changed = |before: bool, now: bool| (before != now).then_some(now);
    let means = |said: &Said, what: Means| means(settings, said, what);
    let moved = before.status != now.status;
    Word {
        status: status(settings, now).filter(|_| moved),
        paid: changed(before.is_paid(), now.is_paid()).filter(|_| settings.financial),
        shipped: changed(means(before, Means::Shipped), means(now, Means::Shipped)),
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

fn means(settings: &OrderSettings, said: &Said, what: Means) -> bool {
    let Some(permalink) = &said.status else {
        return false;
    };
    let told = settings.statuses.get(permalink);
    let ours = what == Means::Cancelled && *permalink == settings.cancelled_status;
    ours || told.is_some_and(|ours| ours.means == Some(what))
}

/// The status that the shop must be told for an order of which it said `heard`; nothing where it says the
/// same already, or has no word for it.
#[must_use]
pub fn wanted(settings: &OrderSettings, order: &Order, heard: &Said) -> Option<String> {
    if order.cancelled_at.is_some() {
        let told = means(settings, heard, Means::Cancelled);
        return (!told).then(|| settings.cancelled_status.clone());
    }
    let ours = order.status.as_ref().map(|status| status.id.as_str());
    let ours = ours.filter(|id| !id.is_empty())?;
    let is_ours = |permalink: &String| {
        let told = settings.statuses.get(permalink);
        told.is_some_and(|of| of.id.as_deref().unwrap_or(permalink) == ours)
    };
    if heard.status.as_ref().is_some_and(is_ours) {
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
    }
}
