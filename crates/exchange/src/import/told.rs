//! What a client and a merchant read about an import.

use super::job::{Job, Totals};

/// How much of the file is behind us, in percent: 100 only at the end.
#[must_use]
pub fn percent(job: &Job, size: u64) -> u64 {
    if job.cursor.read {
        return 99;
    }
    (job.cursor.offset.saturating_mul(100) / size.max(1)).min(99)
}

/// How far an import is. The counts change with every answer.
#[must_use]
pub fn progress(job: &Job, size: u64) -> String {
    let totals = &job.cursor.totals;
    let mut text = format!("Загрузка {}: {} %", job.name, percent(job, size));
    for (what, n) in [
        ("групп", totals.groups),
        ("товаров", totals.goods),
        ("предложений", totals.offers),
        ("файлов", totals.documents),
        ("в архив", totals.archived),
    ] {
        if n > 0 {
            text.push_str(&format!(", {what} {n}"));
        }
    }
    // Shows that it goes on even where nothing was counted.
    text.push_str(&format!(", шаг {}", job.seq));
    text
}

/// What a client is told whose import waits for another.
#[must_use]
pub fn behind(name: &str, other: &str) -> String {
    format!("{name} ждёт очереди. {other}")
}

/// What a client is told while nothing moves: clients slow down where the text does not change.
#[must_use]
pub fn for_long(progress: String, waited_ms: i64) -> String {
    let waited = waited_ms.max(0);
    format!(
        "{progress}, ожидание {},{:03} с",
        waited / 1000,
        waited % 1000
    )
}

/// What a client is told where the database was busy.
#[must_use]
pub fn waiting(name: &str, now_ms: i64) -> String {
    for_long(name.to_owned(), now_ms.rem_euclid(1_000_000))
}

/// An archive was unpacked.
#[must_use]
pub fn unpacked(name: &str) -> String {
    format!("Архив {name} распакован")
}

/// A file of several has ended.
#[must_use]
pub fn ended(name: &str) -> String {
    format!("Загрузка {name}: готово")
}

/// What the journal says in the end.
#[must_use]
pub fn result(totals: &Totals) -> String {
    let mut parts = Vec::new();
    for (what, n) in [
        ("групп", totals.groups),
        ("товаров", totals.goods),
        ("предложений", totals.offers),
    ] {
        if n > 0 {
            parts.push(format!("{what} {n}"));
        }
    }
    let read = if parts.is_empty() {
        "нет данных".to_owned()
    } else {
        parts.join(", ")
    };
    let mut done = Vec::new();
    for (what, n) in [
        ("создано", totals.created),
        ("изменено", totals.changed),
        ("без изменений", totals.unchanged),
        ("пропущено", totals.skipped),
        ("в архив", totals.archived),
        ("изменено справочников", totals.references),
        ("предупреждений", totals.warnings),
    ] {
        if n > 0 {
            done.push(format!("{what} {n}"));
        }
    }
    if totals.created + totals.changed + totals.archived + totals.references == 0 {
        done.insert(0, "изменений нет".to_owned());
    }
    format!("Прочитано: {read}; {}", done.join(", "))
}
