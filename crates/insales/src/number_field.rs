//! The field of an order in which our number stands.
//!
//! InSales has no key that makes a repetition harmless (insales.md §12.3): an order whose answer was lost is
//! looked for by this field. Without it there would be two, so orders are not switched on before it is there.

use http::Method;
use serde_json::json;
use sklad_loyalty::programme::Problem;
use sklad_raw::{Raw, members, text};
use sklad_store::{Clock, Http, Sql};

use crate::api::{Error, Failure, Session};
use crate::options::Options;
use crate::settings::NUMBER_FIELD;

/// How the field is called where we make it.
const TITLE: &str = "Номер заказа до InSales";
/// `destiny` of fields of orders (§4).
const OF_ORDERS: u8 = 3;

#[derive(Default)]
struct Wire<'a> {
    handle: Raw<'a>,
}

members!(Wire { handle: "handle" });

/// Makes the field where the shop does not have it; answers what a person must do where that cannot be done. A
/// field of another name is somebody's own: it is there, or its name is mistyped.
///
/// # Errors
/// [`Failure`]: it is not known whether there is one.
pub async fn ensure<S: Sql, H: Http, C: Clock>(
    session: &Session<'_, S, H, C>,
    options: &Options,
    handle: &str,
) -> Result<Option<Problem>, Failure> {
    if options.fields.iter().any(|field| field.handle == handle) {
        return Ok(None);
    }
    if handle != NUMBER_FIELD {
        let why = format!("сами мы заводим только «{NUMBER_FIELD}»");
        return Ok(Some(problem(by_hand(handle, &why))));
    }
    let field = json!({ "field": {
        "title": TITLE, "handle": handle, "destiny": OF_ORDERS, "type": "Field::TextField",
    } });
    let field = field.to_string();
    let problem = match session.write(Method::POST, "/fields.json", &field).await {
        Ok(json) => {
            let wire: Wire<'_> = serde_json::from_str(&json).unwrap_or_default();
            match text(wire.handle) {
                Some(made) if made == handle => return Ok(None),
                Some(made) => format!("InSales назвал поле заказа «{made}»: укажите это имя"),
                None => by_hand(handle, "InSales не сказал, заведено ли оно"),
            }
        }
        Err(Failure::Api(Error::NoRights(_))) => {
            by_hand(handle, "у ключа доступа нет права его завести")
        }
        Err(Failure::Api(error @ Error::Refused { .. })) => by_hand(handle, &error.for_merchant()),
        Err(error) => return Err(error),
    };
    Ok(Some(self::problem(problem)))
}

fn problem(message: String) -> Problem {
    Problem {
        path: "orders.number_field".to_owned(),
        message,
    }
}

fn by_hand(handle: &str, why: &str) -> String {
    format!(
        "в InSales нет поля заказа «{handle}», и {why}. Заведите его сами: строка, для заказа, с этим именем"
    )
}
