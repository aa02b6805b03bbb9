//! What a list is asked for: page, filter, order, search, expansion (JSON API §1.6).

use crate::error::{Problem, bad_query};
use crate::view::Expand;

/// The largest page, and the one that comes when none is asked for.
const LIMIT: usize = 1000;
/// The largest page that is expanded.
const EXPAND_LIMIT: usize = 100;

/// How a value is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Op {
    Is,
    Not,
    Has,
    Starts,
    Ends,
    Over,
    Under,
    From,
    To,
}

/// The longer ones first, since the shorter begin them.
const OPS: &[(&str, Op)] = &[
    ("!=", Op::Not),
    (">=", Op::From),
    ("<=", Op::To),
    ("~=", Op::Starts),
    ("=~", Op::Ends),
    ("=", Op::Is),
    ("~", Op::Has),
    (">", Op::Over),
    ("<", Op::Under),
];

/// One condition of a filter, as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Condition {
    pub(crate) field: String,
    pub(crate) op: Op,
    pub(crate) value: String,
}

/// A list's parameters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Query {
    pub(crate) limit: usize,
    pub(crate) offset: usize,
    pub(crate) filter: Vec<Condition>,
    /// Fields and whether they descend.
    pub(crate) order: Vec<(String, bool)>,
    pub(crate) search: Option<String>,
    pub(crate) expand: Expand,
}

/// The value of a parameter.
pub(crate) fn param<'a>(query: &'a [(String, String)], name: &str) -> Option<&'a str> {
    query
        .iter()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value.as_str())
}

impl Query {
    /// Reads the parameters of a list.
    pub(crate) fn parse(query: &[(String, String)]) -> Result<Self, Problem> {
        let limit = number(query, "limit", LIMIT)?;
        if limit == 0 || limit > LIMIT {
            return Err(
                bad_query(1041, "Значение параметра 'limit' должно быть от 1 до 1000").at("limit"),
            );
        }
        let expand = param(query, "expand")
            .map(Expand::parse)
            .unwrap_or_default();
        Ok(Self {
            limit,
            offset: number(query, "offset", 0)?,
            filter: param(query, "filter").map_or(Ok(Vec::new()), conditions)?,
            order: param(query, "order").map_or(Ok(Vec::new()), order)?,
            search: param(query, "search").map(str::to_lowercase),
            // The trap: with a larger page expansion is silently left out.
            expand: if limit <= EXPAND_LIMIT {
                expand
            } else {
                Expand::default()
            },
        })
    }
}

/// What to expand in a single object.
pub(crate) fn expand(query: &[(String, String)]) -> Expand {
    param(query, "expand")
        .map(Expand::parse)
        .unwrap_or_default()
}

fn number(query: &[(String, String)], name: &str, otherwise: usize) -> Result<usize, Problem> {
    let refused = || bad_query(1041, format!("Некорректное значение параметра '{name}'")).at(name);
    param(query, name).map_or(Ok(otherwise), |text| text.parse().map_err(|_| refused()))
}

/// Splits `a=1;b>=2` where `;` is not escaped.
pub(crate) fn conditions(text: &str) -> Result<Vec<Condition>, Problem> {
    let mut parts = vec![String::new()];
    let mut escaped = false;
    for c in text.chars() {
        match c {
            '\\' if !escaped => {
                escaped = true;
                continue;
            }
            ';' if !escaped => parts.push(String::new()),
            _ => {
                if let Some(part) = parts.last_mut() {
                    if escaped && c != ';' {
                        part.push('\\');
                    }
                    part.push(c);
                }
            }
        }
        escaped = false;
    }
    let conditions: Result<Vec<_>, _> = parts
        .iter()
        .filter(|part| !part.is_empty())
        .map(|part| condition(part))
        .collect();
    let conditions = conditions?;
    for one in &conditions {
        let same = |other: &&Condition| other.field == one.field && other.op != one.op;
        let compared = |op| matches!(op, Op::Over | Op::Under | Op::From | Op::To);
        if one.op == Op::Is
            && conditions
                .iter()
                .filter(same)
                .any(|other| compared(other.op))
        {
            return Err(bad_query(
                1034,
                format!(
                    "Ошибка фильтрации: для поля '{}' равенство и сравнение вместе",
                    one.field
                ),
            ));
        }
    }
    Ok(conditions)
}

fn condition(text: &str) -> Result<Condition, Problem> {
    let place = text.find(['=', '!', '~', '<', '>']);
    let (field, rest) = place
        .and_then(|at| text.split_at_checked(at))
        .unwrap_or((text, ""));
    let found = OPS
        .iter()
        .find_map(|(sign, op)| Some((op, rest.strip_prefix(sign)?)));
    match found {
        Some((op, value)) if !field.is_empty() => Ok(Condition {
            field: field.to_owned(),
            op: *op,
            value: value.to_owned(),
        }),
        _ => Err(bad_query(
            1035,
            format!("Ошибка фильтрации: некорректное условие '{text}'"),
        )),
    }
}

fn order(text: &str) -> Result<Vec<(String, bool)>, Problem> {
    let part = |part: &str| match part.split_once(',') {
        None | Some((_, "asc")) => {
            Ok((part.split(',').next().unwrap_or_default().to_owned(), false))
        }
        Some((field, "desc")) => Ok((field.to_owned(), true)),
        Some(_) => Err(bad_query(1034, format!("Ошибка сортировки: '{part}'"))),
    };
    text.split(';')
        .filter(|one| !one.is_empty())
        .map(part)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Vec<(String, Op, String)> {
        let all = conditions(text).unwrap();
        all.into_iter()
            .map(|one| (one.field, one.op, one.value))
            .collect()
    }

    #[test]
    fn conditions_are_split_where_no_backslash_stands() {
        let all =
            parsed(r"name=a\;b;code~=x;updated>=2026-08-01 00:00:00;phone=~22;archived!=true");
        let expected = [
            ("name", Op::Is, "a;b"),
            ("code", Op::Starts, "x"),
            ("updated", Op::From, "2026-08-01 00:00:00"),
            ("phone", Op::Ends, "22"),
            ("archived", Op::Not, "true"),
        ];
        let expected = expected.map(|(f, op, v)| (f.to_owned(), op, v.to_owned()));
        assert_eq!(all, expected);
        assert_eq!(
            parsed("agent="),
            [("agent".to_owned(), Op::Is, String::new())]
        );
    }

    #[test]
    fn what_is_no_condition_is_refused() {
        for text in ["name", "=x", "sum=1;sum>2"] {
            assert!(conditions(text).is_err(), "{text}");
        }
    }

    #[test]
    fn expansion_of_a_large_page_is_silently_left_out() {
        let query = |pairs: &[(&str, &str)]| {
            let pairs: Vec<_> = pairs
                .iter()
                .map(|(k, v)| ((*k).into(), (*v).into()))
                .collect();
            Query::parse(&pairs)
        };
        let expanded = |pairs: &[(&str, &str)]| query(pairs).unwrap().expand != Expand::default();
        assert!(!expanded(&[("expand", "agent")]));
        assert!(!expanded(&[("expand", "agent"), ("limit", "101")]));
        assert!(expanded(&[("expand", "agent"), ("limit", "100")]));
        assert!(query(&[("limit", "1001")]).is_err());
        assert!(query(&[("limit", "0")]).is_err());
    }
}
