//! The words that names are made of. Among them are the characters that XML escapes.

pub const THINGS: [&str; 16] = [
    "Чайник",
    "Кружка",
    "Полка",
    "Лампа",
    "Коврик",
    "Плед",
    "Ваза",
    "Поднос",
    "Термос",
    "Свеча",
    "Корзина",
    "Рамка",
    "Блюдце",
    "Ковш",
    "Ступка",
    "Графин",
];

pub const KINDS: [&str; 12] = [
    "«Север»",
    "«Маяк»",
    "№ 7",
    "с крышкой",
    "складной",
    "эмалированный",
    "Oak &amp; Pine",
    "0,5 л",
    "дорожный",
    "&lt;мини&gt;",
    "для дачи",
    "подарочный",
];

pub const COLOURS: [&str; 8] = [
    "белый",
    "чёрный",
    "охра",
    "синий",
    "зелёный",
    "серый",
    "красный",
    "бирюза",
];

pub const SIZES: [&str; 5] = ["S", "M", "L", "XL", "2XL"];

pub const GROUPS: [&str; 10] = [
    "Кухня",
    "Спальня",
    "Сад",
    "Прихожая",
    "Ванная",
    "Детская",
    "Кабинет",
    "Веранда",
    "Подарки",
    "Уценка",
];

/// A word of a list by a number of any size.
pub fn pick(words: &[&'static str], n: u64) -> &'static str {
    let len = u64::try_from(words.len()).unwrap_or(1);
    let at = usize::try_from(n % len.max(1)).unwrap_or_default();
    words.get(at).copied().unwrap_or_default()
}
