//! The text on the receipt.

use crate::units::Points;
use chrono::{Datelike, NaiveDate};

/// Characters in a template.
pub const MAX_TEMPLATE_CHARS: usize = 1_000;
/// Characters printed on a receipt (`receiptExtraInfo`); МойСклад's own limit is not documented
/// (§9.11, unverified).
pub const MAX_TEXT_CHARS: usize = 1_000;

/// What a template may name, without braces.
pub const PLACEHOLDERS: [&str; 10] = [
    "earned",
    "earned_word",
    "spent",
    "spent_word",
    "balance",
    "balance_word",
    "tier",
    "expiring",
    "expiring_word",
    "expiring_date",
];

/// What the placeholders stand for.
#[derive(Debug, Clone, Copy, Default)]
pub struct Values<'a> {
    /// `{earned}`
    pub earned: Points,
    /// `{spent}`
    pub spent: Points,
    /// `{balance}`: after the sale.
    pub balance: Points,
    /// `{tier}`: the name of the tier.
    pub tier: Option<&'a str>,
    /// `{expiring}` and `{expiring_date}`.
    pub expiring: Option<(Points, NaiveDate)>,
}

/// What is wrong with a template.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TemplateError {
    /// A name that [`PLACEHOLDERS`] does not have.
    #[error("неизвестная подстановка {{{0}}}")]
    Unknown(String),
    /// A brace without its pair.
    #[error("непарная фигурная скобка; сама скобка пишется {{{{ или }}}}")]
    Unpaired,
    /// More than [`MAX_TEMPLATE_CHARS`].
    #[error("текст длиннее {MAX_TEMPLATE_CHARS} символов")]
    TooLong,
}

/// A piece of a template's line.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'t> {
    Text(&'t str),
    /// The name between braces.
    Name(&'t str),
    /// A brace without its pair.
    Stray(&'t str),
}

/// Whether a template can be rendered as it is meant.
pub fn check(template: &str) -> Result<(), TemplateError> {
    if template.chars().count() > MAX_TEMPLATE_CHARS {
        return Err(TemplateError::TooLong);
    }
    for piece in template.lines().flat_map(pieces) {
        match piece {
            Piece::Name(name) if !PLACEHOLDERS.contains(&name) => {
                return Err(TemplateError::Unknown(name.to_owned()));
            }
            Piece::Stray(_) => return Err(TemplateError::Unpaired),
            Piece::Name(_) | Piece::Text(_) => {}
        }
    }
    Ok(())
}

/// Whether a template names anything.
pub fn has_placeholders(template: &str) -> bool {
    template
        .lines()
        .flat_map(pieces)
        .any(|piece| matches!(piece, Piece::Name(_)))
}

/// Renders a template. What cannot be read in it is printed as it stands; a line all of whose
/// placeholders have nothing to say is left out; the text ends after [`MAX_TEXT_CHARS`].
pub fn render(template: &str, values: &Values<'_>) -> String {
    let lines: Vec<String> = template
        .lines()
        .filter_map(|line| render_line(line, values))
        .collect();
    let text = lines.join("\n");
    match text.char_indices().nth(MAX_TEXT_CHARS) {
        Some((end, _)) => text.get(..end).unwrap_or_default().to_owned(),
        None => text,
    }
}

/// The form of «балл» for a number: 1 балл, 2 балла, 5 баллов.
pub fn points_word(points: Points) -> &'static str {
    let last = points.0.unsigned_abs() % 100;
    match (last / 10, last % 10) {
        (1, _) => "баллов",
        (_, 1) => "балл",
        (_, 2..=4) => "балла",
        _ => "баллов",
    }
}

/// One line; none when it has placeholders and all of them are silent.
fn render_line(line: &str, values: &Values<'_>) -> Option<String> {
    let mut text = String::with_capacity(line.len());
    let (mut named, mut spoke) = (false, false);
    for piece in pieces(line) {
        match piece {
            Piece::Text(plain) | Piece::Stray(plain) => text.push_str(plain),
            Piece::Name(name) => match value(name, values) {
                Some((word, speaks)) => {
                    named = true;
                    spoke |= speaks;
                    text.push_str(&word);
                }
                None => {
                    text.push('{');
                    text.push_str(name);
                    text.push('}');
                }
            },
        }
    }
    (spoke || !named).then_some(text)
}

/// What a placeholder stands for and whether it has something to say.
fn value(name: &str, values: &Values<'_>) -> Option<(String, bool)> {
    let expiring = values.expiring.filter(|(points, _)| points.0 > 0);
    let number = |points: Points| (points.to_string(), points.0 != 0);
    let word = |points: Points| (points_word(points).to_owned(), points.0 != 0);
    let soon = expiring.map_or(Points::ZERO, |(points, _)| points);
    let or_dash = |text: Option<String>| {
        let speaks = text.is_some();
        (text.unwrap_or_else(|| "—".to_owned()), speaks)
    };
    Some(match name {
        "earned" => number(values.earned),
        "earned_word" => word(values.earned),
        "spent" => number(values.spent),
        "spent_word" => word(values.spent),
        "balance" => (values.balance.to_string(), true),
        "balance_word" => (points_word(values.balance).to_owned(), true),
        "tier" => or_dash(values.tier.map(str::to_owned)),
        "expiring" => number(soon),
        "expiring_word" => word(soon),
        "expiring_date" => or_dash(expiring.map(|(_, day)| date(day))),
        _ => return None,
    })
}

/// As people write it here: 09.05.2026.
fn date(day: NaiveDate) -> String {
    format!("{:02}.{:02}.{}", day.day(), day.month(), day.year())
}

/// Reads a line: `{name}`, `{{` and `}}` for braces, everything else as it stands.
fn pieces(line: &str) -> Vec<Piece<'_>> {
    let mut found = Vec::new();
    let mut rest = line;
    while let Some(at) = rest.find(['{', '}']) {
        let (before, tail) = rest.split_at(at);
        if !before.is_empty() {
            found.push(Piece::Text(before));
        }
        let (piece, length) = brace(tail);
        found.push(piece);
        rest = tail.get(length..).unwrap_or_default();
    }
    if !rest.is_empty() {
        found.push(Piece::Text(rest));
    }
    found
}

/// The piece at a brace and its length in bytes.
fn brace(tail: &str) -> (Piece<'_>, usize) {
    if tail.starts_with("{{") || tail.starts_with("}}") {
        return (Piece::Text(tail.get(..1).unwrap_or_default()), 2);
    }
    let name = tail.strip_prefix('{').and_then(|inner| {
        let end = inner.find(['{', '}'])?;
        let (name, close) = inner.split_at(end);
        close.starts_with('}').then_some(name)
    });
    match name {
        Some(name) => (Piece::Name(name), name.len() + 2),
        None => (Piece::Stray(tail.get(..1).unwrap_or_default()), 1),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn values() -> Values<'static> {
        Values {
            earned: Points(3),
            spent: Points(171),
            balance: Points(-11),
            tier: Some("Золотой"),
            expiring: NaiveDate::from_ymd_opt(2026, 6, 1).map(|day| (Points(22), day)),
        }
    }

    #[test]
    fn numbers_take_their_form_of_the_word() {
        let forms = [
            (0, "баллов"),
            (1, "балл"),
            (2, "балла"),
            (4, "балла"),
            (5, "баллов"),
            (11, "баллов"),
            (12, "баллов"),
            (21, "балл"),
            (22, "балла"),
            (111, "баллов"),
            (-1, "балл"),
            (i64::MIN, "баллов"),
        ];
        for (number, word) in forms {
            assert_eq!(points_word(Points(number)), word, "{number}");
        }
    }

    #[test]
    fn every_placeholder_is_rendered() {
        for name in PLACEHOLDERS {
            let template = format!("{{{name}}}");
            assert_eq!(check(&template), Ok(()));
            assert_ne!(render(&template, &values()), template);
        }
        let template = "+{earned} {earned_word}, −{spent} {spent_word}: {balance} {balance_word}";
        assert_eq!(
            render(template, &values()),
            "+3 балла, −171 балл: -11 баллов"
        );
    }

    #[test]
    fn a_line_that_has_nothing_to_say_is_left_out() {
        let silent = Values {
            balance: Points(5),
            ..Values::default()
        };
        let template = "Спасибо!\n+{earned} {earned_word}\n-{spent}\n{tier}\n{expiring} {expiring_date}\n\n{balance}";
        assert_eq!(render(template, &silent), "Спасибо!\n\n5");
        assert_eq!(render("{balance}: {spent}, {tier}", &silent), "5: 0, —");
    }

    #[test]
    fn braces_are_doubled() {
        assert_eq!(render("{{{earned}}} {{x}}", &values()), "{3} {x}");
        assert_eq!(check("{{{earned}}} {{x}}"), Ok(()));
    }

    #[test]
    fn what_cannot_be_read_is_a_problem_and_printed_as_it_stands() {
        assert_eq!(
            check("{name}"),
            Err(TemplateError::Unknown("name".to_owned()))
        );
        for wrong in ["{earned", "earned}", "{ear{ned}", "{"] {
            assert_eq!(check(wrong), Err(TemplateError::Unpaired), "{wrong}");
        }
        assert_eq!(render("{name} {earned", &values()), "{name} {earned");
        assert_eq!(check(&"я".repeat(MAX_TEMPLATE_CHARS)), Ok(()));
        assert_eq!(
            check(&"я".repeat(MAX_TEMPLATE_CHARS + 1)),
            Err(TemplateError::TooLong)
        );
        let unknown = TemplateError::Unknown("x".to_owned()).to_string();
        assert_eq!(unknown, "неизвестная подстановка {x}");
    }

    #[test]
    fn the_text_is_limited() {
        let text = render(
            &"{balance}".repeat(500),
            &Values {
                balance: Points(1_234),
                ..values()
            },
        );
        assert_eq!(text.chars().count(), MAX_TEXT_CHARS);
    }

    proptest! {
        #[test]
        fn any_template_is_rendered(template in "[{}a-zя\n ]{0,40}") {
            let text = render(&template, &values());
            prop_assert!(text.chars().count() <= MAX_TEXT_CHARS);
            let _ = (check(&template), has_placeholders(&template));
        }
    }
}
