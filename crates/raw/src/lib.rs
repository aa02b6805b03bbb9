//! JSON of vendors, read with the tolerance that their documentation's own samples demand
//! (moysklad-loyalty.md §2, moysklad-json-api.md §1.7): a field may be missing, null, empty, a number in
//! quotes.
//!
//! Values stay raw text until somebody needs them, so that a number never passes through a float.

use std::borrow::Cow;
use std::fmt::{self, Formatter};

use rust_decimal::Decimal;
use serde::de::{DeserializeSeed, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A value that is looked at later.
pub type Raw<'a> = Option<&'a RawValue>;

/// What a member of an object is read as; never an error.
pub trait Member<'a> {
    /// From the raw value.
    fn of(raw: Raw<'a>) -> Self;
}

impl<'a> Member<'a> for Raw<'a> {
    fn of(raw: Raw<'a>) -> Self {
        raw
    }
}

/// What is no list is an empty one, and what is no such object in it is one of which nothing is known: the
/// others keep their places.
impl<'a, T: Deserialize<'a> + Default> Member<'a> for Vec<T> {
    fn of(raw: Raw<'a>) -> Self {
        // Nearly always all are such objects, and then the list is read once.
        object(raw).unwrap_or_else(|| {
            let list: Vec<&RawValue> = object(raw).unwrap_or_default();
            let items = list.into_iter().map(|raw| object(Some(raw)));
            items.map(Option::unwrap_or_default).collect()
        })
    }
}

/// Reads an object's members by their names. Not serde's derive, because that refuses an object that
/// names a member twice: here the last one counts, as in other readers of JSON.
#[macro_export]
macro_rules! members {
    ($type:ident { $($field:ident: $name:literal),+ $(,)? }) => {
        impl<'de: 'a, 'a> serde::Deserialize<'de> for $type<'a> {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let [$($field),+] = $crate::read_members(from, &[$($name),+])?;
                Ok(Self { $($field: $crate::Member::of($field)),+ })
            }
        }
    };
}

/// The values of these members of an object; nothing where one is missing or null.
///
/// # Errors
/// For what is no object.
pub fn read_members<'de, D: Deserializer<'de>, const N: usize>(
    from: D,
    names: &[&str; N],
) -> Result<[Raw<'de>; N], D::Error> {
    let mut values = [None; N];
    from.deserialize_map(Members {
        names,
        values: &mut values,
    })?;
    Ok(values)
}

struct Members<'s, 'de> {
    names: &'s [&'s str],
    values: &'s mut [Raw<'de>],
}

impl<'de> Visitor<'de> for Members<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(place) = map.next_key_seed(Name(self.names))? {
            let value = map.next_value()?;
            if let Some(member) = place.and_then(|n| self.values.get_mut(n)) {
                *member = value;
            }
        }
        Ok(())
    }
}

/// Reads the name of a member as its place among the names that are looked for.
struct Name<'s>(&'s [&'s str]);

impl<'de> DeserializeSeed<'de> for Name<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_str(self)
    }
}

impl Visitor<'_> for Name<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(self.0.iter().position(|n| *n == name))
    }
}

/// What stands between the quotes of a text without escapes.
fn plain(json: &str) -> Option<&str> {
    let text = json.strip_prefix('"')?.strip_suffix('"')?;
    (!text.contains('\\')).then_some(text)
}

/// The text of a string or number as it stands; nothing for what is empty or of another kind.
pub fn written(raw: Raw<'_>) -> Option<Cow<'_, str>> {
    let json = raw?.get();
    let text: Cow<'_, str> = if let Some(text) = plain(json) {
        Cow::Borrowed(text.trim())
    } else if json.starts_with('"') {
        let text: String = serde_json::from_str(json).ok()?;
        Cow::Owned(text.trim().to_owned())
    } else if json.starts_with(|c: char| c.is_ascii_digit() || c == '-') {
        Cow::Borrowed(json)
    } else {
        return None;
    };
    (!text.is_empty()).then_some(text)
}

/// The text of a string or number; nothing for what is empty or of another kind.
pub fn text(raw: Raw<'_>) -> Option<String> {
    written(raw).map(Cow::into_owned)
}

/// The number, written as a number or in quotes, with a point or a comma.
pub fn decimal(raw: Raw<'_>) -> Option<Decimal> {
    let text = written(raw)?;
    if let Ok(number) = text.parse() {
        return Some(number);
    }
    let text = text.replace(',', ".");
    text.parse()
        .ok()
        .or_else(|| Decimal::from_scientific(&text).ok())
}

/// Something is there where a number belongs, and it is none that can be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unusable;

/// The number of a field that may be missing, null or empty (§2). An empty text, object or list is
/// empty; what else is there must be a number.
///
/// # Errors
/// For what is there and is no number, or one beyond 28 digits.
pub fn number_or_nothing(raw: Raw<'_>) -> Result<Option<Decimal>, Unusable> {
    let empty = |c: char| c.is_whitespace() || matches!(c, '"' | '{' | '}' | '[' | ']');
    let something = |raw: &RawValue| raw.get() != "null" && !raw.get().chars().all(empty);
    match decimal(raw) {
        None if raw.is_some_and(something) => Err(Unusable),
        number => Ok(number),
    }
}

/// An id in lower case; a nil UUID is an empty one.
pub fn id(raw: Raw<'_>) -> Option<String> {
    let id = text(raw)?.to_lowercase();
    (!id.chars().all(|c| matches!(c, '0' | '-'))).then_some(id)
}

/// The object, if it is one of this form.
pub fn object<'a, T: Deserialize<'a>>(raw: Raw<'a>) -> Option<T> {
    serde_json::from_str(raw?.get()).ok()
}

/// The id at the end of an address. `…/entity/retaildemand` and `…/remap/1.2` end without one: taken
/// for an id, it would make one sale of all sales.
pub fn last_segment(href: &str) -> Option<String> {
    let path = href.split(['?', '#']).next()?.trim_end_matches('/');
    let segment = path.rsplit_once('/')?.1.to_lowercase();
    let named = segment.contains(|c: char| matches!(c, '1'..='9')) && !segment.contains('.');
    named.then_some(segment)
}
