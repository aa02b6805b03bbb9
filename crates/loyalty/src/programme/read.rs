//! Reading documents more strictly, and more kindly, than serde's derived readers.
//!
//! * A derived reader of a struct takes a list too, and sets the fields in their order: `[]` where an
//!   object belongs would quietly be all defaults. [`object`], [`maybe`], [`objects`] take objects alone.
//! * Ids in rules are compared exactly, with ids in lower case. A UUID that was pasted in capital
//!   letters is the same id, so [`table`] and [`ids`] read it in lower case.

use serde::de::{MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer, forward_to_deserialize_any};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::marker::PhantomData;

/// What is read from an object and from nothing else.
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        object(deserializer).map(Self)
    }
}

/// For `deserialize_with`: a field that is an object.
///
/// # Errors
/// The deserializer's.
pub fn object<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    T::deserialize(OfMap(deserializer))
}

/// For `deserialize_with`: a field that is an object or null.
///
/// # Errors
/// The deserializer's.
pub fn maybe<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Option<T>, D::Error> {
    let object = Option::<Object<T>>::deserialize(deserializer)?;
    Ok(object.map(|object| object.0))
}

/// For `deserialize_with`: a field that is a list of objects.
///
/// # Errors
/// The deserializer's.
pub fn objects<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let objects = Vec::<Object<T>>::deserialize(deserializer)?;
    Ok(objects.into_iter().map(|object| object.0).collect())
}

/// Asks for a map, whatever is asked of it.
struct OfMap<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for OfMap<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit
        unit_struct newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

/// For `deserialize_with`: a table by id. Of one UUID written twice, in capital and in small letters,
/// the second keeps its capitals, so that [`super::Programme::validate`] can name it.
pub(super) fn table<'de, D: Deserializer<'de>, V: Deserialize<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, V>, D::Error> {
    deserializer.deserialize_map(TableVisitor(PhantomData))
}

struct TableVisitor<V>(PhantomData<V>);

impl<'de, V: Deserialize<'de>> Visitor<'de> for TableVisitor<V> {
    type Value = BTreeMap<String, V>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut table = BTreeMap::new();
        while let Some((id, value)) = map.next_entry::<String, V>()? {
            let mut id = normal(id);
            if is_uuid(&id) && table.contains_key(&id) {
                id = id.to_ascii_uppercase();
            }
            table.insert(id, value);
        }
        Ok(table)
    }
}

/// For `deserialize_with`: a set of ids.
pub(super) fn ids<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeSet<String>, D::Error> {
    deserializer.deserialize_seq(IdsVisitor)
}

struct IdsVisitor;

impl<'de> Visitor<'de> for IdsVisitor {
    type Value = BTreeSet<String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sequence")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut ids = BTreeSet::new();
        while let Some(id) = list.next_element::<String>()? {
            ids.insert(normal(id));
        }
        Ok(ids)
    }
}

/// An id as it is compared: a UUID in lower case, any other text as it is.
pub(super) fn normal(mut id: String) -> String {
    if is_uuid(&id) {
        id.make_ascii_lowercase();
    }
    id
}

/// Whether it is a UUID as МойСклад writes one: 8-4-4-4-12 hexadecimal digits.
fn is_uuid(id: &str) -> bool {
    id.len() == 36
        && id.bytes().enumerate().all(|(i, byte)| match i {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, PartialEq, Deserialize)]
    struct Pair {
        #[serde(default)]
        a: u8,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Outer {
        #[serde(deserialize_with = "object")]
        one: Pair,
        #[serde(default, deserialize_with = "maybe")]
        perhaps: Option<Pair>,
        #[serde(default, deserialize_with = "objects")]
        many: Vec<Pair>,
    }

    #[test]
    fn objects_alone_are_objects() {
        let json = r#"{"one": {"a": 1}, "perhaps": {}, "many": [{"a": 2}, {}]}"#;
        let outer: Outer = serde_json::from_str(json).unwrap();
        assert_eq!((outer.one.a, outer.many.len()), (1, 2));
        let null: Outer = serde_json::from_str(r#"{"one": {}, "perhaps": null}"#).unwrap();
        assert_eq!(null.perhaps, None);
        for list in [
            r#"{"one": []}"#,
            r#"{"one": [1]}"#,
            r#"{"one": {}, "perhaps": [1]}"#,
            r#"{"one": {}, "many": [[1]]}"#,
            r#"{"one": {}, "many": {}}"#,
        ] {
            assert!(serde_json::from_str::<Outer>(list).is_err(), "{list}");
        }
    }

    #[test]
    fn a_uuid_is_lower_case_and_other_ids_stay() {
        let upper = "9C56720C-E8A7-4FDC-AEA4-7104F28207BE".to_owned();
        assert_eq!(normal(upper.clone()), upper.to_lowercase());
        for other in ["Drinks", "9C56720CE8A74FDCAEA47104F28207BE", "А", ""] {
            assert_eq!(normal(other.to_owned()), other);
        }
    }
}
