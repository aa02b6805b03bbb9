//! Every text that the exchange says is explained to merchants.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// Words of the format itself, which are read and not said.
const FORMAT: &[&str] = &[
    "услуга",
    "Код",
    "набор",
    "комплект",
    "ТипНоменклатуры",
    "ВидНоменклатуры",
    "ндс",
    "Информация>",
    "<КоммерческаяИнформация",
    "заказ товара",
    "Номер по 1С",
    "Дата по 1С",
    "Статус заказа",
    "СтатусЗаказа",
    "Статуса заказа ИД",
    "Дата оплаты по 1С",
    "Дата отгрузки по 1С",
    "Отменен",
    "ПометкаУдаления",
    "Проведен",
];

fn root() -> PathBuf {
    PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
}

fn file(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
}

/// The part of a page from this heading to the next one of its level.
fn section(page: &str, heading: &str) -> String {
    let page = file(&root().join(page));
    let after = page.split_once(heading).unwrap().1;
    after.split("\n## ").next().unwrap().to_owned()
}

fn sources(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The string literals with Russian letters, less tests and comments; what a line break inside of one
/// hides is taken out.
fn said(source: &str) -> Vec<String> {
    let source = source.split("#[cfg(test)]").next().unwrap();
    let code: Vec<&str> = source
        .lines()
        .filter(|line| !line.trim_start().starts_with("//"))
        .collect();
    let mut literals = Vec::new();
    let (mut literal, mut escaped) = (None::<String>, false);
    // A quote as a character begins no text.
    let code = code.join("\n").replace("'\"'", "' '");
    for c in code.chars() {
        match (&mut literal, c) {
            (None, '"') => literal = Some(String::new()),
            (None, _) => {}
            (Some(text), c) if escaped => {
                escaped = false;
                text.push(if c == '\n' { '\r' } else { c });
            }
            (Some(_), '\\') => escaped = true,
            (Some(_), '"') => literals.extend(literal.take()),
            // After a hidden line break the next line's blanks are hidden too.
            (Some(text), ' ') if text.ends_with('\r') => {}
            (Some(text), c) => text.push(c),
        }
    }
    literals
        .into_iter()
        .map(|text| text.replace('\r', ""))
        .filter(|text| {
            text.chars()
                .any(|c| ('а'..='я').contains(&c.to_ascii_lowercase()))
        })
        .collect()
}

/// What of a text stays the same whatever is put into it.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = vec![String::new()];
    let mut inside = false;
    for c in text.chars() {
        match c {
            '{' => {
                inside = true;
                pieces.push(String::new());
            }
            '}' => inside = false,
            c if !inside => pieces.last_mut().unwrap().push(c),
            _ => {}
        }
    }
    let trimmed = pieces.iter().map(|piece| piece.trim().to_owned());
    trimmed.filter(|piece| !piece.is_empty()).collect()
}

/// Whether a line of a page holds these pieces in this order.
fn explains(line: &str, pieces: &[String]) -> bool {
    let mut rest = line;
    pieces
        .iter()
        .all(|piece| match rest.split_once(piece.as_str()) {
            Some((_, after)) => {
                rest = after;
                true
            }
            None => false,
        })
}

#[test]
fn every_text_of_the_exchange_is_explained() {
    let client = section("docs/ru/obmen-commerceml.md", "\n## Что значит сообщение\n");
    let journal = section("docs/ru/zhurnal.md", "\n## Обмен — `exchange`\n");
    let rows: Vec<&str> = client
        .lines()
        .chain(journal.lines())
        .filter(|line| line.starts_with('|'))
        .collect();
    let mut files = vec![root().join("crates/commerceml/src/error.rs")];
    sources(&root().join("crates/exchange/src"), &mut files);
    let mut texts = 0;
    let mut silent = Vec::new();
    for path in files {
        for text in said(&file(&path)) {
            if FORMAT.contains(&text.as_str()) {
                continue;
            }
            texts += 1;
            let pieces = pieces(&text);
            if !rows.iter().any(|row| explains(row, &pieces)) {
                silent.push(format!("{}: {text}", path.display()));
            }
        }
    }
    assert!(texts > 50, "only {texts} texts were found");
    assert!(silent.is_empty(), "no page explains\n{}", silent.join("\n"));
}

#[test]
fn texts_are_found_in_code() {
    let code = "fn a() { d('\"'); b(\"one\"); c(\"Ключ {name} «\\\"» и \\\n         ещё\", x) } // \"нет\"\n    // \"не код\"\n#[cfg(test)] \"Тест\"";
    let texts = said(code);
    assert_eq!(texts[0], "Ключ {name} «\"» и ещё");
    assert_eq!(
        pieces("Файл {name} не загружен, {}"),
        ["Файл", "не загружен,"]
    );
    let pieces = pieces("Файл {name} не загружен");
    assert!(explains("| «Файл … не загружен» |", &pieces));
    assert!(!explains("| «не загружен Файл» |", &pieces));
}
