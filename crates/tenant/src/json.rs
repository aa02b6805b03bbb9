//! Reading JSON that a client sent, so that what is wrong comes out with its place.
//!
//! The place is worked out from the position of the error in the text, not tracked while reading:
//! tracking would compile a second reader of every type into every component.

mod told;

use serde::de::{DeserializeOwned, IgnoredAny};
use sklad_loyalty::programme::read::Object;

use crate::Error;

/// Reads an object; what is wrong comes out with its place, as `tiers.levels.2.id`.
///
/// # Errors
/// [`Error::Invalid`] with one problem.
pub fn parse<T: DeserializeOwned>(json: &[u8]) -> Result<T, Error> {
    Ok(read::<Object<T>>(json)?.0)
}

/// Reads a list of objects; what is wrong comes out with its place, as `2.id`.
///
/// # Errors
/// [`Error::Invalid`] with one problem.
pub fn parse_list<T: DeserializeOwned>(json: &[u8]) -> Result<Vec<T>, Error> {
    let objects: Vec<Object<T>> = read(json)?;
    Ok(objects.into_iter().map(|object| object.0).collect())
}

fn read<T: DeserializeOwned>(json: &[u8]) -> Result<T, Error> {
    let text = std::str::from_utf8(json).map_err(|_| Error::invalid("", "это не UTF-8"))?;
    serde_json::from_str(text).map_err(|error| located(text, &error))
}

fn located(text: &str, error: &serde_json::Error) -> Error {
    // A number where a word belongs, or one that no type holds, is bad syntax to serde_json.
    if !error.is_data() && serde_json::from_str::<IgnoredAny>(text).is_err() {
        return Error::invalid("", told::syntax(text, error));
    }
    let message = error.to_string();
    // Without serde_json's own « at line 1 column 2»: the place says it better.
    let what = message
        .rsplit_once(" at line ")
        .map_or(message.as_str(), |(what, _)| what);
    let missing = what.starts_with("missing field");
    let path = place(text.as_bytes(), offset(text, error), missing);
    Error::invalid(path, told::data(what))
}

/// The error's position in bytes from the beginning of the text.
fn offset(text: &str, error: &serde_json::Error) -> usize {
    let lines = text
        .split_inclusive('\n')
        .take(error.line().saturating_sub(1));
    lines
        .map(str::len)
        .sum::<usize>()
        .saturating_add(error.column())
}

/// An object or array that is open at some position.
#[derive(Default)]
struct Level {
    array: bool,
    /// Name or index of the member that is being read.
    member: String,
    index: usize,
}

/// The path of what ends at `offset`. Just behind a closed object or array that is its last member,
/// since a reader that refuses a member has by then looked for the next one; but the whole of it
/// when a field is missing there.
fn place(text: &[u8], offset: usize, missing: bool) -> String {
    let mut levels: Vec<Level> = Vec::new();
    let mut closed: Option<Level> = None;
    let mut rest = text.get(..offset).unwrap_or(text);
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if !byte.is_ascii_whitespace() {
            closed = None;
        }
        match byte {
            b'{' => levels.push(Level::default()),
            b'[' => levels.push(Level {
                array: true,
                member: "0".to_owned(),
                index: 0,
            }),
            b'}' | b']' => closed = levels.pop(),
            b',' => {
                if let Some(level) = levels.last_mut().filter(|level| level.array) {
                    level.index += 1;
                    level.member = level.index.to_string();
                } else if let Some(level) = levels.last_mut() {
                    level.member.clear();
                }
            }
            b'"' => {
                let (string, after) = string(rest);
                rest = after;
                // The first string of a member is its name.
                if let Some(level) = levels.last_mut().filter(|level| level.member.is_empty()) {
                    level.member = string;
                }
            }
            _ => {}
        }
    }
    levels.extend(closed.filter(|_| !missing));
    let members = levels
        .into_iter()
        .map(|level| level.member)
        .filter(|m| !m.is_empty());
    members.collect::<Vec<_>>().join(".")
}

/// The string whose opening quote was just read, with what follows it. Escapes stay as written: a
/// name that needs some is nobody's field.
fn string(text: &[u8]) -> (String, &[u8]) {
    let mut escaped = false;
    let end = text.iter().position(|byte| match byte {
        _ if escaped => {
            escaped = false;
            false
        }
        b'\\' => {
            escaped = true;
            false
        }
        byte => *byte == b'"',
    });
    let (string, rest) = text
        .split_at_checked(end.unwrap_or(text.len()))
        .unwrap_or_default();
    let rest = rest.split_first().map(|(_, rest)| rest).unwrap_or_default();
    (String::from_utf8_lossy(string).into_owned(), rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only read")]
    struct Outer {
        #[serde(default)]
        name: String,
        #[serde(default)]
        inner: Vec<Inner>,
        #[serde(default)]
        tagged: Option<Tagged>,
    }

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[allow(dead_code, reason = "only read")]
    struct Inner {
        id: u8,
    }

    #[derive(Debug, Deserialize)]
    #[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
    enum Tagged {
        One,
    }

    fn refused(json: &str) -> (String, String) {
        match parse::<Outer>(json.as_bytes()) {
            Err(Error::Invalid(mut problems)) => {
                let problem = problems.remove(0);
                (problem.path, problem.message)
            }
            other => panic!("{json}: {other:?}"),
        }
    }

    #[test]
    fn every_mistake_has_its_place() {
        for (json, place) in [
            (r#"{"nmae": 1}"#, "nmae"),
            (r#"{ "name" : 1 }"#, "name"),
            (r#"{"name": {"x": 1}}"#, "name"),
            (
                r#"{"name": "a", "inner": [{"id": 1}, {"id": 2, "x": 3}]}"#,
                "inner.1.x",
            ),
            (r#"{"inner": [{"id": 1}, {"id": 300}]}"#, "inner.1.id"),
            (r#"{"inner": [{"id": 1}, {"id": -1} ]}"#, "inner.1.id"),
            (r#"{"inner": [{"id": 1}, {}]}"#, "inner.1"),
            (r#"{"inner": [{"id": 1}, 7]}"#, "inner.1"),
            (r#"{"inner": {"id": 1}}"#, "inner"),
            (r#"{"tagged": {"kind": "two"}}"#, "tagged.kind"),
            (r#"{"tagged": {"kind": "two"}, "name": ""}"#, "tagged.kind"),
            (r#"{"name": "a\",\"b", "x": 1}"#, "x"),
            (
                "{\n  \"name\": \"имя\",\n  \"inner\": [\n    {\"id\": \"ы\"}\n  ]\n}",
                "inner.0.id",
            ),
            ("[1]", ""),
            ("7", ""),
        ] {
            assert_eq!(refused(json).0, place, "{json}");
        }
    }

    #[test]
    fn what_is_no_json_has_its_line() {
        for (json, place) in [
            ("", "пусто: здесь нужен JSON"),
            (" \n", "пусто: здесь нужен JSON"),
            ("{", "JSON обрывается: строка 1, знак 1"),
            ("{\n\"name\":\"имя\" }x", "это не JSON: строка 2, знак 15"),
            ("{} x", "это не JSON: строка 1, знак 4"),
            ("{\"name\": \"\\q\"}", "это не JSON: строка 1, знак 12"),
        ] {
            assert_eq!(refused(json), (String::new(), place.to_owned()), "{json}");
        }
        assert!(parse::<Outer>(b"\xff").is_err());
    }

    #[test]
    fn a_list_is_a_list_of_objects() {
        let ids = |json: &str| parse_list::<Inner>(json.as_bytes());
        assert_eq!(ids(r#"[{"id": 1}, {"id": 2}]"#).unwrap().len(), 2);
        for (json, place) in [("{}", ""), ("[[1]]", "0"), (r#"[{"id": 1}, []]"#, "1")] {
            match ids(json) {
                Err(Error::Invalid(problems)) => assert_eq!(problems[0].path, place, "{json}"),
                other => panic!("{json}: {other:?}"),
            }
        }
    }

    #[test]
    fn no_offset_panics() {
        let text = r#"{"a": ["b\\", {"c": "d\""}], "e"#.as_bytes();
        for offset in 0..text.len() + 3 {
            let _ = place(text, offset, false);
            let _ = place(text, offset, true);
        }
    }
}
