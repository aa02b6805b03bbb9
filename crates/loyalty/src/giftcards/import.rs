//! Import of certificates from CSV, with a report by line.
//!
//! The first line names the columns: `number`, `amount` (rubles), and optionally `balance` (rubles)
//! and `expires` (the last day of validity, `YYYY-MM-DD` or `DD.MM.YYYY`); «номер», «сумма» or
//! «номинал», «остаток», «срок» do as well. The separator is the one of the first line: semicolon,
//! tab or comma. What is right is imported, what is wrong is reported; a repeated import changes
//! nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

use chrono::{Days, NaiveDate};
use rust_decimal::Decimal;
use serde::Serialize;
use serde_json::Value;
use sklad_store::{Sql, SqlError, Statement};

use super::{GiftError, NewCertificate, insert, normal_number, row, told};
use crate::ledger::account::NEVER;
use crate::ledger::snapshot::Clock;
use crate::units::Kopecks;

/// The most lines of one file.
pub const MAX_LINES: usize = 20_000;
/// Rows of one statement.
const CHUNK: usize = 1_000;

/// What became of an import.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
pub struct ImportReport {
    /// Сколько заведено.
    pub created: usize,
    /// Сколько уже было, с тем же номиналом и сроком.
    pub unchanged: usize,
    /// Строки, которые не загружены.
    pub errors: Vec<LineError>,
}

/// A line that was not imported.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[cfg_attr(any(test, feature = "schema"), derive(schemars::JsonSchema))]
pub struct LineError {
    /// Номер строки файла, с единицы; заголовок – первая.
    pub line: usize,
    /// Что не так.
    pub message: String,
}

/// Imports the certificates of a CSV text.
///
/// # Errors
/// [`GiftError::File`] when the text as a whole is no such file, or the database's. Wrong lines are
/// no error, they are in the report.
pub async fn import(
    sql: &impl Sql,
    tenant: &str,
    text: &str,
    clock: Clock,
) -> Result<ImportReport, GiftError> {
    let mut report = ImportReport::default();
    let lines = read(text, clock, &mut report)?;
    let rows: Vec<Value> = lines
        .iter()
        .map(|l| row(&l.new.number, &l.new, l.balance))
        .collect();
    let mut batch: Vec<Statement> = rows
        .chunks(CHUNK)
        .map(|rows| {
            insert(
                tenant,
                rows,
                clock.now,
                "ON CONFLICT (tenant, number) DO NOTHING",
            )
        })
        .collect();
    if batch.is_empty() {
        return Ok(report);
    }
    let text = format!("Загружен файл сертификатов: строк {}", lines.len());
    batch.push(told(tenant, "", text, clock.now));
    let answer = sql.atomic(batch).await?;
    // Inserted one by one: to collect a set or map is to sort it first, which is code for nothing.
    let mut created = BTreeSet::new();
    created.extend(answer.iter().flatten().map(|row| row.string(0)));
    report.created = created.len();
    let there = lines.iter().filter(|l| !created.contains(&l.new.number));
    let there: Vec<&Line> = there.collect();
    let stored = stored(sql, tenant, &there).await?;
    for line in there {
        let expires_at = line.new.expires_at.unwrap_or(NEVER);
        if stored.get(&line.new.number) == Some(&(line.new.initial_kopecks, expires_at)) {
            report.unchanged += 1;
        } else {
            let message = "сертификат с таким номером уже есть, с другим номиналом или сроком";
            report.refuse(line.line, message);
        }
    }
    Ok(report)
}

/// A line that was understood.
struct Line {
    line: usize,
    new: NewCertificate,
    balance: i64,
}

impl ImportReport {
    /// Puts the refusal of a line where it belongs by its number.
    fn refuse(&mut self, line: usize, message: &str) {
        let at = self.errors.partition_point(|e| e.line < line);
        let message = message.to_owned();
        self.errors.insert(at, LineError { line, message });
    }
}

/// Face value and expiry of those that are stored already.
async fn stored(
    sql: &impl Sql,
    tenant: &str,
    lines: &[&Line],
) -> Result<BTreeMap<String, (i64, i64)>, SqlError> {
    let numbers: Vec<&str> = lines.iter().map(|l| l.new.number.as_str()).collect();
    let statement = Statement::new(
        "SELECT g.number, g.initial, g.expires_at FROM json_each(?2) n CROSS JOIN gift_certificates g \
         ON g.tenant = ?1 AND g.number = n.value",
    )
    .bind(tenant)
    .bind(Value::from(numbers).to_string());
    let rows = sql.query(statement).await?;
    let pair = |row: &sklad_store::Row| {
        let face = (
            row.int(1).unwrap_or_default(),
            row.int(2).unwrap_or_default(),
        );
        (row.string(0), face)
    };
    let mut stored = BTreeMap::new();
    stored.extend(rows.iter().map(pair));
    Ok(stored)
}

/// Where the columns stand.
struct Columns {
    separator: char,
    number: usize,
    amount: usize,
    balance: Option<usize>,
    expires: Option<usize>,
}

fn read(text: &str, clock: Clock, report: &mut ImportReport) -> Result<Vec<Line>, GiftError> {
    let text = text.trim_start_matches('\u{feff}');
    let mut lines = text.lines().enumerate().map(|(i, line)| (i + 1, line));
    let (_, head) = lines.next().ok_or(GiftError::File("файл пуст"))?;
    let columns = columns(head)?;
    let mut seen = BTreeMap::new();
    let mut out = Vec::new();
    for (line, content) in lines.filter(|(_, content)| !content.trim().is_empty()) {
        if line > MAX_LINES {
            return Err(GiftError::File("в файле больше 20 000 строк"));
        }
        match understand(&columns, content, clock) {
            Err(message) => report.refuse(line, message),
            Ok((new, balance)) => match seen.get(&new.number) {
                Some(first) => {
                    report.refuse(line, &format!("тот же номер, что и в строке {first}"))
                }
                None => {
                    seen.insert(new.number.clone(), line);
                    out.push(Line { line, new, balance });
                }
            },
        }
    }
    Ok(out)
}

fn columns(head: &str) -> Result<Columns, GiftError> {
    let separator = [';', '\t', ','].into_iter().find(|s| head.contains(*s));
    let separator = separator.unwrap_or(';');
    let names = fields(head, separator).map_err(GiftError::File)?;
    let place = |accepted: &[&str]| {
        names
            .iter()
            .position(|name| accepted.contains(&name.trim().to_lowercase().as_str()))
    };
    let needed = "в первой строке должны быть названия столбцов: number, amount (номер, сумма)";
    Ok(Columns {
        separator,
        number: place(&["number", "номер"]).ok_or(GiftError::File(needed))?,
        amount: place(&["amount", "сумма", "номинал"]).ok_or(GiftError::File(needed))?,
        balance: place(&["balance", "остаток"]),
        expires: place(&["expires", "срок"]),
    })
}

fn understand(
    columns: &Columns,
    line: &str,
    clock: Clock,
) -> Result<(NewCertificate, i64), &'static str> {
    let fields = fields(line, columns.separator)?;
    let field = |i: usize| fields.get(i).map(|f| f.trim()).filter(|f| !f.is_empty());
    let number = field(columns.number).ok_or("нет номера")?;
    let initial = rubles(field(columns.amount).ok_or("нет суммы")?)?;
    let balance = columns.balance.and_then(field).map(rubles).transpose()?;
    let expires_at = columns
        .expires
        .and_then(field)
        .map(|f| last_day(f, clock))
        .transpose()?;
    let new = NewCertificate {
        number: normal_number(number),
        initial_kopecks: initial,
        balance_kopecks: balance,
        expires_at,
    };
    let (_, balance) = new.checked().map_err(|(_, message)| message)?;
    Ok((new, balance))
}

/// `1000`, `1 000,50`, `1000.5` in kopecks.
fn rubles(text: &str) -> Result<i64, &'static str> {
    let plain: String = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| if c == ',' { '.' } else { c })
        .collect();
    let decimal = Decimal::from_str(&plain).map_err(|_| "сумма – не число")?;
    let kopecks = Kopecks::from_rubles(decimal).map_err(|_| "сумма – рубли и копейки")?;
    Ok(kopecks.0)
}

/// The midnight after the last day of validity.
fn last_day(text: &str, clock: Clock) -> Result<i64, &'static str> {
    let message = "срок – дата вида 2027-12-31 или 31.12.2027";
    let iso = if text.contains('.') {
        let mut parts = text.split('.').rev();
        let mut part = || parts.next().unwrap_or_default();
        format!("{}-{}-{}", part(), part(), part())
    } else {
        text.to_owned()
    };
    let day = NaiveDate::from_str(&iso).map_err(|_| message)?;
    let next = day.checked_add_days(Days::new(1)).ok_or(message)?;
    Ok(clock.midnight(next))
}

/// Splits a line; a field in double quotes may contain the separator, and a quote twice.
fn fields(line: &str, separator: char) -> Result<Vec<String>, &'static str> {
    let mut fields = vec![String::new()];
    let mut quoted = false;
    let mut chars = line.trim_end_matches('\r').chars().peekable();
    while let Some(c) = chars.next() {
        let Some(field) = fields.last_mut() else {
            break;
        };
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                chars.next();
                field.push('"');
            }
            '"' if quoted => quoted = false,
            '"' if field.trim().is_empty() => {
                field.clear();
                quoted = true;
            }
            c if c == separator && !quoted => fields.push(String::new()),
            c => field.push(c),
        }
    }
    if quoted {
        return Err("кавычка не закрыта");
    }
    Ok(fields)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn quoted_fields_hold_separators_and_quotes() {
        assert_eq!(
            fields(r#"a;"b;""c""";d"#, ';').unwrap(),
            ["a", "b;\"c\"", "d"]
        );
        assert_eq!(fields("a,,", ',').unwrap(), ["a", "", ""]);
        assert!(fields(r#"a;"b"#, ';').is_err());
    }

    #[test]
    fn rubles_are_read_as_people_write_them() {
        for (text, kopecks) in [("1000", 100_000), ("1 000,50", 100_050), ("0.5", 50)] {
            assert_eq!(rubles(text), Ok(kopecks));
        }
        assert!(rubles("1,005").is_err() && rubles("сто").is_err());
    }

    proptest! {
        #[test]
        fn no_file_panics(text in "(\\PC|[;,\"\n\t])*") {
            let clock = Clock { now: 1, zone_minutes: 180 };
            let _ = read(&format!("number;amount;expires\n{text}"), clock, &mut ImportReport::default());
            let _ = read(&text, clock, &mut ImportReport::default());
        }
    }
}
