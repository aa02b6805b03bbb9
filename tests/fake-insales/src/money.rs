//! Decimals as text: kopecks and thousandths inside, no floats on the way.

use serde_json::{Number, Value};

/// Money as a text of the API: `200.0`, `1328.5`, `12.34` (§5.1).
pub(crate) fn price(kopecks: i64) -> String {
    let text = decimal(kopecks, 2);
    if text.contains('.') {
        text
    } else {
        format!("{text}.0")
    }
}

/// A quantity as a text: `2`, `1.5`.
pub(crate) fn quantity(thousandths: i64) -> String {
    decimal(thousandths, 3)
}

/// A decimal as a JSON number, written as the text says.
pub(crate) fn number(text: &str) -> Value {
    serde_json::from_str::<Number>(text).map_or(Value::Null, Value::Number)
}

fn decimal(value: i64, digits: u32) -> String {
    let one = 10u64.pow(digits);
    let size = value.unsigned_abs();
    let sign = if value < 0 { "-" } else { "" };
    let (whole, rest) = (size / one, size % one);
    let rest = format!("{rest:0width$}", width = digits as usize);
    match rest.trim_end_matches('0') {
        "" => format!("{sign}{whole}"),
        rest => format!("{sign}{whole}.{rest}"),
    }
}

/// A number or a text as kopecks; `None` for what is neither or has parts of a kopeck.
pub(crate) fn kopecks(value: &Value) -> Option<i64> {
    parse(value, 2)
}

/// A number or a text as thousandths.
pub(crate) fn thousandths(value: &Value) -> Option<i64> {
    parse(value, 3)
}

fn parse(value: &Value, digits: usize) -> Option<i64> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    let (sign, size) = match text.strip_prefix('-') {
        Some(size) => (-1, size),
        None => (1, text.as_str()),
    };
    let (whole, rest) = size.split_once('.').unwrap_or((size, ""));
    let rest = rest.trim_end_matches('0');
    let digital = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || rest.len() > digits || !digital(whole) || !digital(rest) {
        return None;
    }
    let joined = format!("{whole}{rest:0<digits$}");
    joined.parse::<i64>().ok().map(|size| sign * size)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn money_is_shown_as_the_shop_does_and_read_back() {
        let pairs = [
            (20_000, "200.0"),
            (132_850, "1328.5"),
            (1_234, "12.34"),
            (-5, "-0.05"),
            (0, "0.0"),
        ];
        for (kopecks_, text) in pairs {
            assert_eq!(price(kopecks_), text);
            assert_eq!(kopecks(&json!(text)), Some(kopecks_));
        }
        assert_eq!((quantity(2000), quantity(1500)), ("2".into(), "1.5".into()));
        assert_eq!(number("506.0").to_string(), "506.0");
    }

    #[test]
    fn what_is_no_money_is_refused() {
        assert_eq!(kopecks(&json!(110.55)), Some(11_055));
        assert_eq!(kopecks(&json!(100)), Some(10_000));
        for bad in [
            json!("1.005"),
            json!(""),
            json!(null),
            json!("1e3"),
            json!("1,5"),
            json!(true),
        ] {
            assert_eq!(kopecks(&bad), None, "{bad}");
        }
    }
}
