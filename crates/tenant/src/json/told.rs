//! serde's messages in Russian, short: the place is told beside them.
//!
//! They are known by their beginnings, which serde does not promise to keep: what is not recognised
//! becomes a general sentence, and the tests below notice.

/// What is wrong with a text that is no JSON at all, with line and character, both from 1.
pub fn syntax(text: &str, error: &serde_json::Error) -> String {
    if text.trim().is_empty() {
        return "пусто: здесь нужен JSON".to_owned();
    }
    let what = if error.is_eof() {
        "JSON обрывается"
    } else {
        "это не JSON"
    };
    // serde_json counts bytes, people count characters.
    let line = text.split('\n').nth(error.line().saturating_sub(1));
    let before = line.unwrap_or_default().as_bytes().get(..error.column());
    let start = |b: &&u8| **b & 0b1100_0000 != 0b1000_0000;
    let character = before.map_or(error.column(), |b| b.iter().filter(start).count());
    format!("{what}: строка {}, знак {character}", error.line())
}

/// What is wrong with a value, from serde's message without its position.
pub fn data(what: &str) -> String {
    if let Some(rest) = what.strip_prefix("invalid type: ") {
        let (found, wanted) = rest.rsplit_once(", expected ").unwrap_or((rest, ""));
        return format!("{}, а не {}", needed(wanted), given(found));
    }
    if let Some(rest) = what.strip_prefix("unknown field ") {
        return match names(rest).split_once(", ") {
            Some((_, known)) => format!("незнакомое имя, возможно только: {known}"),
            None => "незнакомое имя".to_owned(),
        };
    }
    if let Some(rest) = what.strip_prefix("unknown variant ") {
        let names = names(rest);
        let known = names.split_once(", ").map_or("", |(_, known)| known);
        return format!("возможно только: {known}");
    }
    if let Some(rest) = what.strip_prefix("missing field ") {
        return format!("не указано: {}", names(rest));
    }
    match what {
        _ if what.starts_with("duplicate field ") => "указано дважды".to_owned(),
        _ if what.starts_with("invalid value: integer ") => {
            "число вне допустимых пределов".to_owned()
        }
        // chrono's.
        _ if what.contains("input") => "дата пишется как ГГГГ-ММ-ДД".to_owned(),
        // Our own texts are Russian already.
        _ if !what.is_ascii() => what.to_owned(),
        _ => "недопустимое значение".to_owned(),
    }
}

/// What stands in backticks, with commas between.
fn names(text: &str) -> String {
    let names: Vec<&str> = text.split('`').skip(1).step_by(2).collect();
    names.join(", ")
}

fn needed(wanted: &str) -> &'static str {
    match wanted {
        "a string" => "нужна строка",
        "a boolean" => "нужно true или false",
        "a sequence" => "нужен список",
        "a map" => "нужен объект",
        "a JSON number" => "нужно число",
        "a formatted date string" => "нужна дата как ГГГГ-ММ-ДД",
        "u8" | "u16" | "u32" | "u64" | "usize" | "i8" | "i16" | "i32" | "i64" => {
            "нужно целое число"
        }
        _ if ["struct ", "internally tagged enum "]
            .iter()
            .any(|kind| wanted.starts_with(kind)) =>
        {
            "нужен объект"
        }
        _ => "нужно другое значение",
    }
}

/// A number is repeated, a text is not: it may be long, or somebody's.
fn given(found: &str) -> String {
    match found.split_once(' ').map_or(found, |(kind, _)| kind) {
        "integer" | "floating" | "boolean" => names(found),
        "string" => "строка".to_owned(),
        "sequence" => "список".to_owned(),
        "map" => "объект".to_owned(),
        _ => "null".to_owned(),
    }
}
