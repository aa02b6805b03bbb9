//! `GET /counterparty?search=`: one parameter for phone, card, scanned QR and name
//! (moysklad-loyalty.md §3.1), called at every key.

use serde::Deserialize;
use sklad_store::{Sql, SqlError, Statement};

use super::identity::{name_key, normal_card, normal_phone, normal_uuid};
use crate::ledger::json;

/// The most rows of an answer.
pub const LIMIT: usize = 20;
/// Fewer digits than this find too much to be of use.
const MIN_DIGITS: usize = 4;
/// Fewer letters than this, in all words together, find too much to be of use.
const MIN_LETTERS: usize = 3;
/// So many must be in one word: the index is read by it.
const MIN_LONGEST: usize = 2;
/// What is typed or scanned beyond so many characters is nobody's name, phone or card.
const MAX_CHARS: usize = 300;
/// Words that are looked for beside the one by which the index is entered; more are not looked at.
const OTHER_WORDS: usize = 5;

/// Reads at most 1,000 customers, of whom the best [`LIMIT`] are shown: a commoner beginning shows some
/// of its customers until another letter is typed.
///
/// `= +?1` and no `LIMIT` that is a parameter: SQLite would plan by the bound value, and compile the
/// kept statement anew at every call.
const SQL: &str = "\
SELECT json_group_array(json_array(id, ms_id, name, first_name, middle_name, last_name, phone, card, email, birth_date, sex)) \
FROM (SELECT c.* FROM ( \
    SELECT k.customer, 1 AS exact FROM json_each(?3) p \
    CROSS JOIN customer_keys k ON k.tenant = +?1 AND k.kind = p.value->>0 AND k.value = p.value->>1 \
    UNION ALL \
    SELECT t.customer, t.term = p.value FROM json_each(?2) p \
    CROSS JOIN customer_terms t ON t.tenant = +?1 AND t.term >= p.value AND t.term < p.value || char(0x10ffff) \
    WHERE instr(t.beside, ?4) AND instr(t.beside, ?5) AND instr(t.beside, ?6) AND instr(t.beside, ?7) AND instr(t.beside, ?8) \
    LIMIT 1000) hit \
  CROSS JOIN customers c ON c.tenant = +?1 AND c.id = hit.customer \
  GROUP BY c.id ORDER BY max(hit.exact) DESC, c.last_seen DESC, c.name_key, c.id LIMIT 20)";

/// A customer that was found. The fields come in the order of the columns.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
pub struct Found {
    /// Our id, a valid UUID.
    pub id: String,
    /// МойСклад's id, when it is known.
    pub ms_id: Option<String>,
    /// Full name.
    pub name: String,
    /// Given name.
    pub first_name: Option<String>,
    /// Patronymic.
    pub middle_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Phone, written so that it contains what was typed.
    pub phone: Option<String>,
    /// Card number.
    pub card: Option<String>,
    /// E-mail.
    pub email: Option<String>,
    /// YYYY-MM-DD.
    pub birth_date: Option<String>,
    /// `MALE` or `FEMALE`.
    pub sex: Option<String>,
}

/// What was typed, as it is looked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Wanted {
    /// Beginnings of terms.
    prefixes: Vec<String>,
    /// Words that must stand beside the one with that beginning.
    words: Vec<String>,
    /// Whole cards, ids or phones, with their kinds: whoever has one of them is meant.
    keys: Vec<(&'static str, String)>,
}

/// At most [`LIMIT`] customers, the best first. Input that is too short to be of use finds nobody
/// and costs nothing.
///
/// # Errors
/// The database's.
pub async fn search(sql: &impl Sql, tenant: &str, typed: &str) -> Result<Vec<Found>, SqlError> {
    let Some(wanted) = wanted(typed) else {
        return Ok(Vec::new());
    };
    let mut statement = Statement::new(SQL)
        .bind(tenant)
        .bind(json(&wanted.prefixes)?)
        .bind(json(&wanted.keys)?);
    for i in 0..OTHER_WORDS {
        // Everything contains an empty text.
        statement = statement.bind(wanted.words.get(i).map_or_else(String::new, |w| within(w)));
    }
    let rows = sql.query(statement).await?;
    let text = rows.first().and_then(|row| row.text(0)).unwrap_or("[]");
    let mut found: Vec<Found> =
        serde_json::from_str(text).map_err(|e| SqlError::Other(e.to_string()))?;
    for one in &mut found {
        let phone = one.phone.take();
        one.phone = phone.map(|digits| phone_containing(&digits, typed));
    }
    Ok(found)
}

/// How a word is looked for among those of a customer: at the beginning of one, a number anywhere in
/// one.
fn within(word: &str) -> String {
    if word.chars().all(|c| c.is_ascii_digit()) {
        word.to_owned()
    } else {
        format!(" {word}")
    }
}

fn wanted(typed: &str) -> Option<Wanted> {
    let typed = typed.trim();
    if typed.is_empty() || typed.chars().count() > MAX_CHARS {
        return None;
    }
    if typed.contains("://") {
        return from_url(typed);
    }
    let typed = number_of(typed);
    let digits: String = typed.chars().filter(char::is_ascii_digit).collect();
    if typed.chars().any(char::is_alphabetic) {
        return from_words(typed);
    }
    (digits.len() >= MIN_DIGITS).then(|| Wanted {
        prefixes: phone_prefixes(&digits),
        words: Vec::new(),
        keys: keys([("card", normal_card(typed)), ("phone", normal_phone(typed))]),
    })
}

/// Those of the keys that are any.
fn keys<const N: usize>(found: [(&'static str, Option<String>); N]) -> Vec<(&'static str, String)> {
    let known = found.into_iter();
    known.filter_map(|(kind, key)| Some((kind, key?))).collect()
}

/// What a scanned `tel:+79039993344` means; everything else means itself.
fn number_of(typed: &str) -> &str {
    match typed.split_at_checked(4) {
        Some((scheme, number)) if scheme.eq_ignore_ascii_case("tel:") => number.trim_start(),
        _ => typed,
    }
}

/// As they stand, for a card or an international number; a leading 8 also as Russia's 7, and a
/// leading 00 as a plus.
fn phone_prefixes(digits: &str) -> Vec<String> {
    let russian = digits.strip_prefix('8').map(|rest| format!("7{rest}"));
    let abroad = digits.strip_prefix("00").map(str::to_owned);
    // Less than a country and an operator would find half of the shop.
    let abroad = abroad.filter(|rest| rest.len() >= MIN_DIGITS);
    std::iter::once(digits.to_owned())
        .chain(russian)
        .chain(abroad)
        .collect()
}

/// A name, an e-mail address or a card with letters.
fn from_words(typed: &str) -> Option<Wanted> {
    let key = name_key(typed);
    let mut words: Vec<String> = key.split_whitespace().map(str::to_owned).collect();
    let letters: usize = words.iter().map(|w| w.chars().count()).sum();
    if letters < MIN_LETTERS {
        return None;
    }
    // The longest word is the rarest: the index is entered by it. Beside a number stands nothing.
    let longest = words
        .iter()
        .enumerate()
        .filter(|(_, w)| w.chars().any(char::is_alphabetic))
        .max_by_key(|(_, w)| w.chars().count())
        .filter(|(_, w)| w.chars().count() >= MIN_LONGEST);
    let mut prefixes = Vec::new();
    if let Some((longest, _)) = longest.filter(|_| !typed.contains('@')) {
        prefixes.push(words.swap_remove(longest));
    } else {
        // An address, or a card such as «A-77».
        words.clear();
        prefixes.push(typed.to_lowercase());
    }
    Some(Wanted {
        prefixes,
        words,
        keys: keys([("card", normal_card(typed)), ("uuid", normal_uuid(typed))]),
    })
}

/// A scanned QR code with an address: the card, token or phone is its last path segment or a
/// parameter.
fn from_url(typed: &str) -> Option<Wanted> {
    let (_, rest) = typed.split_once("://")?;
    let (path, query) = rest.split_once('?').unwrap_or((rest, ""));
    let values = query
        .split(['&', '#'])
        .filter_map(|pair| pair.split_once('='))
        .map(|(_, value)| value);
    let last = path
        .split('#')
        .next()?
        .trim_end_matches('/')
        .rsplit('/')
        .next();
    let mut all = Vec::new();
    for value in last.into_iter().chain(values) {
        let value = value.replace("%2B", "+").replace("%2b", "+");
        all.extend(keys([
            ("card", normal_card(&value)),
            ("phone", normal_phone(&value)),
            ("uuid", normal_uuid(&value)),
        ]));
    }
    (!all.is_empty()).then(|| Wanted {
        keys: all,
        ..Wanted::default()
    })
}

/// МойСклад may keep only rows that contain what was typed (§3.1, unverified), so the phone is
/// written as the cashier began to write it, and goes on with the digits that are left.
fn phone_containing(digits: &str, typed: &str) -> String {
    let plain = format!("+{digits}");
    let typed = number_of(typed.trim());
    if typed.chars().any(char::is_alphabetic) || plain.contains(typed) {
        return plain;
    }
    let wanted: String = typed.chars().filter(char::is_ascii_digit).collect();
    let national = digits.strip_prefix('7').filter(|rest| rest.len() == 10);
    let forms = [
        Some(digits.to_owned()),
        national.map(|rest| format!("8{rest}")),
        national.map(str::to_owned),
        Some(format!("00{digits}")),
    ];
    let form = forms
        .into_iter()
        .flatten()
        .find(|form| form.starts_with(&wanted));
    match form.and_then(|form| form.get(wanted.len()..).map(str::to_owned)) {
        Some(rest) if !wanted.is_empty() => format!("{typed}{rest}"),
        _ => plain,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_and_hopeless_input_is_not_looked_for() {
        for typed in [
            "",
            " ",
            "9",
            "+7",
            "903",
            "Ив",
            "...",
            "() -",
            &"9".repeat(301),
        ] {
            assert_eq!(wanted(typed), None, "{typed}");
        }
    }

    #[test]
    fn a_phone_is_looked_for_in_every_writing() {
        for typed in ["8 (903) 999", "8903999"] {
            assert_eq!(wanted(typed).unwrap().prefixes, ["8903999", "7903999"]);
        }
        assert_eq!(wanted("+7 903 999").unwrap().prefixes, ["7903999"]);
        assert_eq!(wanted("tel:+7-903-999").unwrap().prefixes, ["7903999"]);
        assert_eq!(wanted("0049 151").unwrap().prefixes, ["0049151", "49151"]);
    }

    #[test]
    fn words_may_come_in_any_order() {
        let wanted = wanted("Пётр ИВАНОВ").unwrap();
        assert_eq!(
            (wanted.prefixes, wanted.words),
            (vec!["иванов".to_owned()], vec!["петр".to_owned()])
        );
    }

    #[test]
    fn a_card_of_short_parts_is_looked_for_as_it_is_written() {
        let wanted = wanted("A-77").unwrap();
        assert_eq!(
            (wanted.prefixes, wanted.words),
            (vec!["a-77".to_owned()], vec![])
        );
        assert!(wanted.keys.contains(&("card", "a-77".to_owned())));
    }

    #[test]
    fn a_scanned_address_means_its_card() {
        let has = |typed: &str, kind: &str, key: &str| {
            let keys = wanted(typed).unwrap().keys;
            keys.iter().any(|(k, v)| (*k, v.as_str()) == (kind, key))
        };
        assert!(has("https://club.example/c/200001?x=7", "card", "200001"));
        assert!(has("https://club.example/c/200001?x=7", "card", "7"));
        let phone = "https://club.example/?phone=%2B79039993344";
        assert!(has(phone, "phone", "79039993344"));
    }

    #[test]
    fn the_phone_contains_what_was_typed() {
        for typed in [
            "8 (903) 999",
            "903999",
            "+7 903",
            "79039993344",
            "9039993344",
            "3344",
            "999-33",
            "8903",
        ] {
            let shown = phone_containing("79039993344", typed);
            let digits: String = shown.chars().filter(char::is_ascii_digit).collect();
            assert!(
                digits.ends_with("9039993344") || shown.contains(typed),
                "{typed} in {shown}"
            );
        }
        assert_eq!(
            phone_containing("79039993344", "8 (903) 999"),
            "8 (903) 9993344"
        );
        assert_eq!(
            phone_containing("4915123456789", "0049 1512"),
            "0049 15123456789"
        );
        assert_eq!(phone_containing("79039993344", "3344"), "+79039993344");
        assert_eq!(phone_containing("79039993344", "Иванов"), "+79039993344");
    }
}
