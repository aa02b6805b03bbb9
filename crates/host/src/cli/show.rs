//! What people read: tables, money, times.

use comfy_table::{CellAlignment, Table, presets};
use serde_json::Value;

use super::api::{Api, Failure};

/// Prints a line. Who reads no further (`| head`) ends the command, without a word.
macro_rules! out {
    ($($arguments:tt)*) => {
        $crate::cli::show::line(format_args!($($arguments)*))
    };
}
pub(crate) use out;

/// See [`out`].
pub fn line(text: std::fmt::Arguments<'_>) {
    use std::io::Write as _;
    if writeln!(std::io::stdout(), "{text}").is_err() {
        std::process::exit(0);
    }
}

/// Prints a document as it came.
pub fn json(value: &Value) {
    out!("{value:#}");
}

/// A table with these headings; columns of numbers are given by their index.
pub fn table(headings: &[&str], rows: Vec<Vec<String>>, numbers: &[usize]) {
    let mut table = Table::new();
    table
        .load_preset(presets::UTF8_HORIZONTAL_ONLY)
        .set_header(headings);
    table.add_rows(rows);
    for &index in numbers {
        if let Some(column) = table.column_mut(index) {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    out!("{table}");
}

/// A list as the command answers it: JSON or a table.
pub fn list(api: &Api, list: &[Value], columns: &[(&str, &str, Show)]) {
    if api.json {
        json(&Value::from(list));
    } else {
        items(list, columns);
    }
}

/// A table of JSON objects: heading, path of the field, and how it is shown.
pub fn items(items: &[Value], columns: &[(&str, &str, Show)]) {
    if items.is_empty() {
        out!("Ничего нет.");
        return;
    }
    let rows = items
        .iter()
        .map(|item| columns.iter().map(|c| c.2.text(field(item, c.1))).collect());
    let headings: Vec<&str> = columns.iter().map(|c| c.0).collect();
    let is_number = |show: Show| matches!(show, Show::Number | Show::Rubles | Show::Quantity);
    let numbers = columns
        .iter()
        .enumerate()
        .filter(|(_, c)| is_number(c.2))
        .map(|(i, _)| i);
    table(&headings, rows.collect(), &numbers.collect::<Vec<_>>());
}

fn field<'a>(item: &'a Value, path: &str) -> &'a Value {
    path.split('.')
        .fold(item, |value, name| value.get(name).unwrap_or(&Value::Null))
}

/// How a field is shown.
#[derive(Debug, Clone, Copy)]
pub enum Show {
    /// As it is.
    Text,
    /// As it is, to the right.
    Number,
    /// Kopecks as rubles.
    Rubles,
    /// Thousandths.
    Quantity,
    /// Milliseconds since 1970 as Moscow time.
    Time,
    /// Да or nothing.
    Yes,
}

impl Show {
    fn text(self, value: &Value) -> String {
        match (self, value) {
            (_, Value::Null) => String::new(),
            (Self::Rubles, Value::Number(n)) => rubles(n.as_i64().unwrap_or_default()),
            (Self::Quantity, Value::Number(n)) => quantity(n.as_i64().unwrap_or_default()),
            (Self::Time, Value::Number(n)) => moscow(n.as_i64().unwrap_or_default()),
            (Self::Yes, Value::Bool(yes)) => if *yes { "да" } else { "" }.to_owned(),
            (_, Value::String(text)) => text.clone(),
            (_, Value::Array(all)) => all
                .iter()
                .map(|v| Self::Text.text(v))
                .collect::<Vec<_>>()
                .join(", "),
            (_, other) => other.to_string(),
        }
    }
}

/// Kopecks as `1 234,50`.
pub fn rubles(kopecks: i64) -> String {
    let sign = if kopecks < 0 { "-" } else { "" };
    let all = kopecks.unsigned_abs();
    let whole = (all / 100).to_string();
    let mut grouped = String::new();
    for (i, digit) in whole.chars().enumerate() {
        if i > 0 && (whole.len() - i).is_multiple_of(3) {
            grouped.push('\u{a0}');
        }
        grouped.push(digit);
    }
    format!("{sign}{grouped},{:02}", all % 100)
}

/// Thousandths as `2` or `0,35`.
pub fn quantity(thousandths: i64) -> String {
    let text = format!("{},{:03}", thousandths / 1000, (thousandths % 1000).abs());
    text.trim_end_matches('0').trim_end_matches(',').to_owned()
}

/// Milliseconds since 1970 as Moscow time to the second.
pub fn moscow(at_ms: i64) -> String {
    sklad_tenant::clock::format_moscow(at_ms)
}

/// A decimal number in units of `10^-digits`, without floats: `12,5` with 2 is 1250.
pub fn scaled(text: &str, digits: usize) -> Result<i64, Failure> {
    let wrong = || {
        Failure::Usage(format!(
            "{text:?} – не число с {digits} знаками после запятой"
        ))
    };
    let plain = text.trim().replace(',', ".");
    let (whole, fraction) = plain.split_once('.').unwrap_or((&plain, ""));
    let all_digits = |s: &str| s.bytes().all(|b| b.is_ascii_digit());
    if fraction.len() > digits || !all_digits(fraction) || whole.is_empty() {
        return Err(wrong());
    }
    let zeros = "0".repeat(digits - fraction.len());
    format!("{whole}{fraction}{zeros}")
        .parse()
        .map_err(|_| wrong())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_for_people() {
        assert_eq!(rubles(123_456_705), "1\u{a0}234\u{a0}567,05");
        assert_eq!((rubles(-5).as_str(), rubles(0).as_str()), ("-0,05", "0,00"));
        assert_eq!(
            (quantity(2000).as_str(), quantity(350).as_str()),
            ("2", "0,35")
        );
    }

    #[test]
    fn decimals_are_read_without_floats() {
        assert_eq!(scaled("12,5", 2).unwrap(), 1250);
        assert_eq!(scaled("0.35", 3).unwrap(), 350);
        assert_eq!(scaled("7", 2).unwrap(), 700);
        for bad in ["", "x", "1.234", "1.2.3", "1,-2", ".5"] {
            assert!(scaled(bad, 2).is_err(), "{bad}");
        }
    }
}
