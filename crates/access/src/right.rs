//! What an employee may be allowed.

use serde::{Deserialize, Serialize};

/// A right. A group has some; an employee has those of all his groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub enum Right {
    /// Доступ в админ-панель.
    #[serde(rename = "admin-panel")]
    AdminPanel,
    /// Импорт CommerceML.
    #[serde(rename = "commerceml-import")]
    CommerceMlImport,
    /// Просмотр журнала, продаж и возвратов.
    #[serde(rename = "journal")]
    Journal,
    /// Настройки и программа лояльности.
    #[serde(rename = "settings")]
    Settings,
    /// Покупатели, их баллы и сертификаты.
    #[serde(rename = "customers")]
    Customers,
    /// Товары и категории.
    #[serde(rename = "goods")]
    Goods,
    /// Сотрудники, группы и права.
    #[serde(rename = "employees")]
    Employees,
}

impl Right {
    /// Every right, in the order in which people see them.
    pub const ALL: [Self; 7] = [
        Self::AdminPanel,
        Self::CommerceMlImport,
        Self::Journal,
        Self::Settings,
        Self::Customers,
        Self::Goods,
        Self::Employees,
    ];

    /// The word in the database and in the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::AdminPanel => "admin-panel",
            Self::CommerceMlImport => "commerceml-import",
            Self::Journal => "journal",
            Self::Settings => "settings",
            Self::Customers => "customers",
            Self::Goods => "goods",
            Self::Employees => "employees",
        }
    }

    /// What people read, in Russian.
    #[must_use]
    pub fn title(self) -> &'static str {
        match self {
            Self::AdminPanel => "Доступ в админ-панель",
            Self::CommerceMlImport => "Импорт CommerceML",
            Self::Journal => "Просмотр журнала, продаж и возвратов",
            Self::Settings => "Настройки и программа лояльности",
            Self::Customers => "Покупатели, их баллы и сертификаты",
            Self::Goods => "Товары и категории",
            Self::Employees => "Сотрудники, группы и права",
        }
    }

    /// The right of this word; `None` for a word of a newer build.
    #[must_use]
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|right| right.as_str() == word)
    }
}

/// The rights that a stored JSON array names, each once, in their order. What this build does not
/// know is nobody's right.
pub(crate) fn stored(json: &str) -> Vec<Right> {
    let words: Vec<String> = serde_json::from_str(json).unwrap_or_default();
    sorted(words.iter().filter_map(|word| Right::parse(word)))
}

/// Each right once, in their order.
pub(crate) fn sorted(rights: impl IntoIterator<Item = Right>) -> Vec<Right> {
    let set: std::collections::BTreeSet<Right> = rights.into_iter().collect();
    set.into_iter().collect()
}

/// The rights as they are stored.
pub(crate) fn json(rights: &[Right]) -> String {
    serde_json::Value::from_iter(
        sorted(rights.iter().copied())
            .into_iter()
            .map(Right::as_str),
    )
    .to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_right_has_one_name_everywhere() {
        for right in Right::ALL {
            let word = serde_json::to_value(right).unwrap();
            assert_eq!(word, right.as_str());
            assert_eq!(Right::parse(right.as_str()), Some(right));
            assert!(!right.title().is_empty());
        }
        assert_eq!(sorted(Right::ALL), Right::ALL, "in the order of the enum");
    }

    #[test]
    fn rights_are_stored_once_and_unknown_ones_are_passed_over() {
        let twice = [Right::Goods, Right::AdminPanel, Right::Goods];
        assert_eq!(json(&twice), r#"["admin-panel","goods"]"#);
        assert_eq!(stored(&json(&twice)), [Right::AdminPanel, Right::Goods]);
        assert_eq!(stored(r#"["fly", "goods"]"#), [Right::Goods]);
        assert!(stored("no JSON").is_empty());
    }
}
