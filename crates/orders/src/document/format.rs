//! How a client wants its documents: version, encoding, forms of ids and currency.

use serde::{Deserialize, Serialize};

/// The versions of CommerceML that we write, the oldest first (commerceml §1.10).
pub const VERSIONS: &[&str] = &[
    "2.03", "2.04", "2.05", "2.06", "2.07", "2.08", "2.09", "2.10", "3.1",
];
/// The version for who asks for none, or for one that there is not (commerceml §1.10).
pub const DEFAULT_VERSION: &str = "2.05";
/// The last version to which the ruble is «руб» (commerceml §1.8).
const LAST_OF_RUB: (u32, u32) = (2, 5);
/// The first version that wraps orders into containers (commerceml §1.8).
const FIRST_OF_CONTAINERS: (u32, u32) = (3, 0);

/// The encoding of a document; which one is the right one depends on the client (commerceml §1.8).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Encoding {
    /// UTF-8 без метки: МойСклад, обмен 1С начиная с 6.5.
    #[default]
    #[serde(rename = "utf-8")]
    Utf8,
    /// UTF-8 с меткой порядка байтов: 1С:УТП, УНФ.
    #[serde(rename = "utf-8-bom")]
    Utf8Bom,
    /// windows-1251: 1С:УТ 10.3 и старый обмен с Битрикс.
    #[serde(rename = "windows-1251")]
    Windows1251,
}

/// What a document is to look like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Format {
    /// One of [`VERSIONS`].
    pub version: &'static str,
    /// The encoding.
    pub encoding: Encoding,
    /// Whether every order stands in a `Контейнер` of its own.
    pub container: bool,
    /// Whether the main modification of a good is `id#id`, as МойСклад wants it, or `id`: 1C would make
    /// a second characteristic of the long form (commerceml §1.8).
    pub full_ids: bool,
    /// What the ruble is called, `RUB`, `руб` or `643`; other currencies have their three letters.
    pub ruble: String,
    /// When the document was made, milliseconds since 1970 UTC.
    pub generated_ms: i64,
    /// The client's offset from UTC, in minutes: all times of a document are local.
    pub zone_minutes: i32,
}

impl Format {
    /// What is usual with a version (one of [`VERSIONS`], see [`version`]) and an encoding; ids are
    /// compact.
    #[must_use]
    pub fn new(
        version: &'static str,
        encoding: Encoding,
        generated_ms: i64,
        zone_minutes: i32,
    ) -> Self {
        let parts = parts(version).unwrap_or_default();
        let old = parts <= LAST_OF_RUB || encoding == Encoding::Windows1251;
        Self {
            version,
            encoding,
            container: parts >= FIRST_OF_CONTAINERS,
            full_ids: false,
            ruble: if old { "руб" } else { "RUB" }.to_owned(),
            generated_ms,
            zone_minutes,
        }
    }
}

/// The version in which to answer a client: the newest of ours that is not newer than what it asks for
/// (commerceml §1.10). `None` for one older than all of ours and for what is no version.
#[must_use]
pub fn agreed(client: &str) -> Option<&'static str> {
    let asked = parts(client)?;
    let not_newer = |v: &&&'static str| parts(v).is_some_and(|v| v <= asked);
    VERSIONS.iter().rfind(not_newer).copied()
}

/// The version of the orders for a client: the agreed one, else [`DEFAULT_VERSION`], as for who asks for
/// none.
#[must_use]
pub fn version(client: Option<&str>) -> &'static str {
    client.and_then(agreed).unwrap_or(DEFAULT_VERSION)
}

/// A version as numbers: `2.10` is newer than `2.09`, `99` than all.
fn parts(version: &str) -> Option<(u32, u32)> {
    let version = version.trim();
    let (major, minor) = version.split_once('.').unwrap_or((version, "0"));
    Some((major.parse().ok()?, minor.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_answer_is_the_lesser_of_both_versions() {
        for known in VERSIONS {
            assert_eq!(version(Some(known)), *known);
        }
        assert_eq!(version(Some(" 2.08 ")), "2.08");
        assert_eq!(version(Some("2.11")), "2.10");
        assert_eq!(version(Some("3.2")), "3.1");
        assert_eq!(version(Some("99")), "3.1");
        assert_eq!(agreed("2.11"), Some("2.10"));
        assert_eq!(agreed("abc"), None);
        for unknown in [
            None,
            Some(""),
            Some("1.0"),
            Some("x"),
            Some("2"),
            Some("-1.2"),
        ] {
            assert_eq!(version(unknown), "2.05");
        }
    }

    #[test]
    fn the_usual_is_known() {
        let usual = |v, e| {
            let format = Format::new(v, e, 0, 0);
            (format.ruble, format.container)
        };
        assert_eq!(usual("2.05", Encoding::Utf8), ("руб".to_owned(), false));
        assert_eq!(usual("2.07", Encoding::Utf8), ("RUB".to_owned(), false));
        assert_eq!(
            usual("2.10", Encoding::Windows1251),
            ("руб".to_owned(), false)
        );
        assert_eq!(usual("3.1", Encoding::Utf8Bom), ("RUB".to_owned(), true));
    }
}
