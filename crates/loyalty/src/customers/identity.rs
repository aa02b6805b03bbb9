//! By what a customer is recognised, and how that is written so that it compares.

use chrono::NaiveDate;

/// Digits of a phone number that is complete.
const PHONE_DIGITS: std::ops::RangeInclusive<usize> = 9..=15;
/// The longest card number, in characters.
const CARD_MAX: usize = 255;
/// The longest identifier that is kept, in characters.
const ID_MAX: usize = 64;

/// How many ids of one customer a call may carry: МойСклад sends up to three. More are not looked at.
pub const IDS_MAX: usize = 4;

/// The name of a customer of whom only ids are known.
pub(super) const NAMELESS: &str = "Без имени";

/// The keys by which one customer may be meant, in the order in which they are believed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Identity {
    /// Our id, МойСклад's or the till's syncId: which one a call carries is not documented
    /// (moysklad-loyalty.md §9.3, §9.4), so they share one space.
    pub uuids: Vec<String>,
    /// Card number.
    pub card: Option<String>,
    /// Phone, digits in international form.
    pub phone: Option<String>,
    /// Which of `uuids` is МойСклад's own id, when the call says so. Only a valid UUID is kept:
    /// МойСклад fails on others (moysklad-loyalty.md §1.2).
    pub native: Option<String>,
}

impl Identity {
    /// An identity from what a call carries, in any writing. What is empty or unusable is left out.
    pub fn new<'a>(
        ids: impl IntoIterator<Item = &'a str>,
        card: Option<&str>,
        phone: Option<&str>,
    ) -> Self {
        let mut uuids: Vec<String> = Vec::new();
        for id in ids.into_iter().filter_map(normal_uuid) {
            if uuids.len() < IDS_MAX && !uuids.contains(&id) {
                uuids.push(id);
            }
        }
        Self {
            uuids,
            card: card.and_then(normal_card),
            phone: phone.and_then(normal_phone),
            native: None,
        }
    }

    /// The same identity, of which `id` is МойСклад's own.
    #[must_use]
    pub fn with_native(mut self, id: Option<&str>) -> Self {
        let id = id
            .and_then(normal_uuid)
            .filter(|id| uuid::Uuid::try_parse(id).is_ok());
        self.native = id.filter(|id| self.uuids.contains(id));
        self
    }

    /// The keys as (kind, value), the most believed first.
    #[must_use]
    pub fn keys(&self) -> Vec<(&'static str, &str)> {
        let ids = self.uuids.iter().map(|v| ("uuid", v.as_str()));
        let card = self.card.iter().map(|v| ("card", v.as_str()));
        let phone = self.phone.iter().map(|v| ("phone", v.as_str()));
        ids.chain(card).chain(phone).collect()
    }

    /// Whether nobody is meant.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.uuids.is_empty() && self.card.is_none() && self.phone.is_none()
    }
}

/// What a call tells about a person. Everything may be missing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Person {
    /// Full name.
    pub name: Option<String>,
    /// Given name.
    pub first_name: Option<String>,
    /// Patronymic.
    pub middle_name: Option<String>,
    /// Family name.
    pub last_name: Option<String>,
    /// Phone, in any writing.
    pub phone: Option<String>,
    /// Card number.
    pub card: Option<String>,
    /// E-mail.
    pub email: Option<String>,
    /// Birth date.
    pub birth_date: Option<NaiveDate>,
    /// `MALE` or `FEMALE`.
    pub sex: Option<String>,
}

impl Person {
    /// The same person, with the phone and card by which he is known where nothing tells them.
    #[must_use]
    pub fn known_by(&self, identity: &Identity) -> Self {
        let phone = || identity.phone.as_ref().map(|digits| format!("+{digits}"));
        Self {
            phone: self.phone.clone().or_else(phone),
            card: self.card.clone().or_else(|| identity.card.clone()),
            ..self.clone()
        }
    }

    /// The name to show: the full one, else put together from its parts, else the phone or card.
    #[must_use]
    pub fn shown_name(&self) -> String {
        if let Some(name) = &self.name {
            return name.clone();
        }
        let parts: Vec<&str> = [&self.last_name, &self.first_name, &self.middle_name]
            .into_iter()
            .flatten()
            .map(String::as_str)
            .collect();
        if !parts.is_empty() {
            return parts.join(" ");
        }
        self.phone
            .clone()
            .or_else(|| self.card.clone())
            .unwrap_or_else(|| NAMELESS.to_owned())
    }

    /// The words and numbers by whose beginnings this person is searched.
    #[must_use]
    pub fn terms(&self) -> Vec<String> {
        let mut terms = self.words();
        terms.extend(self.card.as_deref().and_then(normal_card));
        terms.extend(
            self.card
                .as_deref()
                .map(digits_of)
                .filter(|d| !d.is_empty()),
        );
        if let Some(phone) = self.phone.as_deref().and_then(normal_phone) {
            terms.extend(phone_terms(&phone).map(str::to_owned));
        }
        terms.sort_unstable();
        terms.dedup();
        terms
    }

    /// The words by which this person is searched: of the name and the card, and the e-mail address.
    fn words(&self) -> Vec<String> {
        let shown = self.shown_name();
        let names = [
            &self.first_name,
            &self.middle_name,
            &self.last_name,
            &self.card,
        ];
        let names = names.into_iter().flatten().chain([&shown]);
        let mut words = Vec::new();
        for text in names {
            words.extend(name_key(text).split_whitespace().map(str::to_owned));
        }
        words.extend(self.email.as_deref().map(str::to_lowercase));
        words.sort_unstable();
        words.dedup();
        words
    }

    /// All words and whole numbers of this person, each with a blank before it.
    #[must_use]
    pub fn beside(&self) -> String {
        let card = self.card.as_deref().map(digits_of);
        let phone = self.phone.as_deref().and_then(normal_phone);
        let mut text = String::new();
        for word in self.words().into_iter().chain(card).chain(phone) {
            text.push(' ');
            text.push_str(&word);
        }
        text
    }
}

fn digits_of(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// A phone is searched from its country code, from its area code, and by its last four to nine
/// digits.
fn phone_terms(digits: &str) -> impl Iterator<Item = &str> {
    let national = digits.strip_prefix('7').filter(|rest| rest.len() == 10);
    let tail = move |n: usize| {
        digits
            .len()
            .checked_sub(n)
            .and_then(|from| digits.get(from..))
    };
    let tails = (4..=9).filter_map(tail);
    [Some(digits), national].into_iter().flatten().chain(tails)
}

/// The digits of a phone in international form: a leading 8 of an eleven-digit number and ten digits
/// without a country are Russia's. `None` for what is no complete number.
#[must_use]
pub fn normal_phone(text: &str) -> Option<String> {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let abroad = text.trim_start().starts_with('+') || text.trim_start().starts_with("00");
    let digits = digits
        .strip_prefix("00")
        .map(str::to_owned)
        .unwrap_or(digits);
    let digits = match (digits.len(), abroad) {
        (11, false) if digits.starts_with('8') => format!("7{}", digits.get(1..)?),
        (10, false) => format!("7{digits}"),
        _ => digits,
    };
    (PHONE_DIGITS.contains(&digits.len()) && !text.chars().any(char::is_alphabetic))
        .then_some(digits)
}

/// A card number without outer blanks, in lower case.
#[must_use]
pub fn normal_card(text: &str) -> Option<String> {
    let card = text.trim().to_lowercase();
    (!card.is_empty() && card.chars().count() <= CARD_MAX).then_some(card)
}

/// An identifier in lower case. It is not checked to be a UUID: the documentation's own samples are
/// not (moysklad-loyalty.md §8.1).
#[must_use]
pub fn normal_uuid(text: &str) -> Option<String> {
    let id = text.trim().to_lowercase();
    (!id.is_empty() && id.chars().count() <= ID_MAX).then_some(id)
}

/// A name for comparing: words in lower case, ё as е, single blanks, one at each end.
#[must_use]
pub fn name_key(text: &str) -> String {
    let mut key = String::from(" ");
    for c in text.chars().flat_map(char::to_lowercase) {
        match c {
            'ё' => key.push('е'),
            c if c.is_alphanumeric() => key.push(c),
            _ if !key.ends_with(' ') => key.push(' '),
            _ => {}
        }
    }
    if !key.ends_with(' ') {
        key.push(' ');
    }
    key
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_writing_of_a_phone_is_one_phone() {
        for text in [
            "+7 (903) 999-33-44",
            "8 903 999 33 44",
            "9039993344",
            "79039993344",
            "8(903)9993344",
        ] {
            assert_eq!(normal_phone(text).as_deref(), Some("79039993344"), "{text}");
        }
        assert_eq!(
            normal_phone("+375 29 123-45-67").as_deref(),
            Some("375291234567")
        );
        assert_eq!(
            normal_phone("0049 151 12345678").as_deref(),
            Some("4915112345678")
        );
        for text in ["", "12345", "нет", "+", "1234567890123456"] {
            assert_eq!(normal_phone(text), None, "{text}");
        }
    }

    #[test]
    fn names_compare_without_case_yo_and_punctuation() {
        assert_eq!(name_key("  Пётр-Иванов,  О'Нил "), " петр иванов о нил ");
        assert_eq!(name_key(""), " ");
    }

    #[test]
    fn the_most_certain_key_comes_first() {
        let identity = Identity::new(["", "A-1"], Some(" 77 "), Some("8 903 999 33 44"));
        assert_eq!(
            identity.keys(),
            [("uuid", "a-1"), ("card", "77"), ("phone", "79039993344")]
        );
        assert!(Identity::new([""], Some(" "), Some("5")).is_empty());
    }
}
