//! What a call is about: pure. It does not say so (insales.md §10): products come as an array, orders and
//! clients alone, and what they are is seen by their fields.

use serde_json::value::RawValue;
use sha2::{Digest, Sha256};
use sklad_jobs::inbox::Message;
use sklad_raw::{Raw, members, object};

use crate::wire::id;

/// The most things of one call; a batch has ten unless somebody sets more.
pub const MAX_ROWS: usize = 1_000;

/// What a thing is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum What {
    /// A product.
    Product,
    /// An order.
    Order,
    /// A client: nothing is made of these here.
    Client,
}

impl What {
    const ALL: [Self; 3] = [Self::Product, Self::Order, Self::Client];

    fn word(self) -> &'static str {
        match self {
            Self::Product => "product",
            Self::Order => "order",
            Self::Client => "client",
        }
    }
}

struct Thing<'a> {
    id: Raw<'a>,
    variants: Raw<'a>,
    category_id: Raw<'a>,
    order_lines: Raw<'a>,
    fulfillment_status: Raw<'a>,
}

members!(Thing {
    id: "id",
    variants: "variants",
    category_id: "category_id",
    order_lines: "order_lines",
    fulfillment_status: "fulfillment_status"
});

/// The body is no JSON, or more than a call can be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unreadable;

/// The messages of a call to this connection: what each thing is, and its id. Nothing else of it is kept.
///
/// # Errors
/// [`Unreadable`].
pub fn messages(body: &[u8], connection: &str) -> Result<Vec<Message>, Unreadable> {
    let body: &RawValue = serde_json::from_slice(body).map_err(|_| Unreadable)?;
    let rows: Vec<&RawValue> = match serde_json::from_str(body.get()) {
        Ok(rows) => rows,
        Err(_) => vec![body],
    };
    if rows.len() > MAX_ROWS {
        return Err(Unreadable);
    }
    let mut messages: Vec<Message> = Vec::new();
    for row in rows {
        let message = message(row, connection);
        messages.extend(message.filter(|new| !messages.iter().any(|old| old.dedupe == new.dedupe)));
    }
    Ok(messages)
}

fn message(row: &RawValue, connection: &str) -> Option<Message> {
    let thing: Thing<'_> = object(Some(row))?;
    let what = if thing.order_lines.is_some() || thing.fulfillment_status.is_some() {
        What::Order
    } else if thing.variants.is_some() || thing.category_id.is_some() {
        What::Product
    } else {
        What::Client
    };
    let object = format!("{connection}/{}/{}", what.word(), id(thing.id)?);
    // What comes again is the same to the letter: a change has another time at least.
    let mut hash = Sha256::new();
    hash.update(object.as_bytes());
    hash.update([0]);
    hash.update(row.get().as_bytes());
    Some(Message {
        dedupe: hex::encode(hash.finalize()),
        object,
        payload: String::new(),
    })
}

/// What a message of [`messages`] is about: the connection, what it is, its id.
#[must_use]
pub fn about(object: &str) -> Option<(&str, What, u64)> {
    let mut parts = object.split('/');
    let connection = parts.next()?;
    let word = parts.next()?;
    let what = What::ALL.into_iter().find(|what| what.word() == word)?;
    Some((connection, what, parts.next()?.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn objects(body: &str) -> Vec<String> {
        let messages = messages(body.as_bytes(), "shop").unwrap();
        messages.into_iter().map(|message| message.object).collect()
    }

    #[test]
    fn products_come_in_an_array_and_orders_and_clients_alone() {
        let products =
            r#"[{"id":1,"variants":[{"id":2}]},{"id":"3","category_id":null,"variants":[]},7,{}]"#;
        assert_eq!(objects(products), ["shop/product/1", "shop/product/3"]);
        let order = r#"{"id":5,"order_lines":[{"variant_id":1}],"client":{"id":9},"fulfillment_status":"new"}"#;
        assert_eq!(objects(order), ["shop/order/5"]);
        assert_eq!(objects(r#"{"id":9,"phone":"+7"}"#), ["shop/client/9"]);
        assert_eq!(about("shop/order/5"), Some(("shop", What::Order, 5)));
        for other in ["", "shop", "shop/thing/1", "shop/order/x"] {
            assert_eq!(about(other), None, "{other}");
        }
    }

    #[test]
    fn what_comes_again_is_the_same_and_a_change_is_another() {
        let of = |body: &str, connection: &str| {
            let message = messages(body.as_bytes(), connection).unwrap().remove(0);
            assert_eq!(message.payload, "", "nothing personal is kept");
            message.dedupe
        };
        let order = r#"{"id":5,"order_lines":[],"updated_at":"1"}"#;
        assert_eq!(of(order, "a"), of(order, "a"));
        assert_ne!(of(order, "a"), of(order, "b"));
        assert_ne!(of(order, "a"), of(&order.replace('1', "2"), "a"));
        assert_eq!(objects(&format!("[{order},{order}]")).len(), 1);
    }

    #[test]
    fn what_is_no_call_is_refused() {
        for body in ["", "<order>", "{", "[1,"] {
            assert_eq!(messages(body.as_bytes(), "a"), Err(Unreadable), "{body}");
        }
        let many = vec!["1"; MAX_ROWS + 1].join(",");
        assert_eq!(
            messages(format!("[{many}]").as_bytes(), "a"),
            Err(Unreadable)
        );
        for body in ["null", "7", "[]", "\"\"", "[[1]]"] {
            assert_eq!(messages(body.as_bytes(), "a"), Ok(Vec::new()), "{body}");
        }
    }

    proptest! {
        #[test]
        fn no_body_makes_it_panic(body in proptest::collection::vec(any::<u8>(), 0..200)) {
            drop(messages(&body, "a"));
        }
    }
}
