//! The list of goods.

use sklad_store::{Sql, Statement};

use crate::goods::{COLUMNS, Good, good};
use crate::{Error, text};

/// The most goods of one page.
pub const MAX_PAGE: usize = 500;
/// How many words of a search text count.
const MAX_WORDS: usize = 5;

/// In which order goods are listed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Order {
    /// By id: stable while goods change.
    #[default]
    Id,
    /// By the time of the last change: who reads on from the last page sees every later change.
    Change,
}

/// The last good of the page before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct After {
    /// Its change, milliseconds since 1970 UTC; ignored by [`Order::Id`].
    pub updated_at: i64,
    /// Its id.
    pub id: String,
}

/// Which goods; an absent condition is no condition.
#[derive(Debug, Clone, Default)]
pub struct Query {
    /// Beginnings of words of the name, or an article, code, barcode or id as a whole.
    pub text: Option<String>,
    /// A whole key: looked up, not searched for.
    pub key: Option<(Key, String)>,
    /// In this category or below it, by any of its categories.
    pub category: Option<String>,
    /// In the archive, or not.
    pub archived: Option<bool>,
    /// Changed at this time or later, milliseconds since 1970 UTC.
    pub since: Option<i64>,
    /// In which order.
    pub order: Order,
    /// Only what comes after this good.
    pub after: Option<After>,
    /// At most so many, and never more than [`MAX_PAGE`].
    pub limit: usize,
}

/// By what goods are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Key {
    /// Article, in any case of letters.
    Article,
    /// Code, in any case of letters.
    Code,
    /// Barcode.
    Barcode,
    /// The id in the system that it came from.
    External,
    /// The variants of this product, by our id.
    Parent,
}

impl Key {
    /// Ids of goods with the key ?13, by an index.
    const fn ids(self) -> &'static str {
        match self {
            Self::Article => {
                "SELECT good AS id FROM good_terms WHERE tenant = +?1 AND kind = 'article' AND value = +?13"
            }
            Self::Code => {
                "SELECT good AS id FROM good_terms WHERE tenant = +?1 AND kind = 'code' AND value = +?13"
            }
            Self::Barcode => {
                "SELECT good AS id FROM good_terms WHERE tenant = +?1 AND kind = 'barcode' AND value = +?13"
            }
            Self::External => "SELECT id FROM goods WHERE tenant = +?1 AND external = +?13",
            Self::Parent => "SELECT id FROM goods WHERE tenant = +?1 AND parent = +?13",
        }
    }

    fn value(self, given: &str) -> String {
        match self {
            Self::Article | Self::Code | Self::Barcode => text::fold(given),
            Self::External => given.trim().to_owned(),
            Self::Parent => text::id(given),
        }
    }
}

/// Ids of the categories in and below ?5.
const WITHIN: &str = "SELECT c.id FROM categories c \
     WHERE c.tenant = ?1 AND instr(c.path, json_quote(?5)) > 0";

/// One page of goods.
///
/// # Errors
/// The database's.
pub async fn list(sql: &impl Sql, tenant: &str, query: &Query) -> Result<Vec<Good>, Error> {
    let (after_order, order) = match query.order {
        Order::Id => (
            "g.id > ?2 AND ?3 IS NOT NULL AND g.updated_at >= ?14",
            "g.id",
        ),
        Order::Change => (
            "(g.updated_at, g.id) > (max(?3, ?14), CASE WHEN ?3 < ?14 THEN '' ELSE ?2 END)",
            "g.updated_at, g.id",
        ),
    };
    let after = query.after.as_ref();
    let text = query
        .text
        .as_deref()
        .map(str::trim)
        .filter(|t| !t.is_empty());
    let key = query.key.as_ref();
    let from = key.map_or_else(
        || "goods g WHERE ?13 IS NULL AND g.tenant = ?1".to_owned(),
        |(key, _)| {
            format!(
                "({}) k CROSS JOIN goods g ON g.tenant = +?1 AND g.id = k.id WHERE true",
                key.ids()
            )
        },
    );
    let statement = Statement::new(format!(
        "SELECT {COLUMNS} FROM {from} AND {after_order} \
         AND (?4 IS NULL OR (g.archived <> 0) = ?4) \
         AND (?5 IS NULL OR g.category = ?5 OR g.category IN ({WITHIN}) \
             OR (g.categories IS NOT NULL AND EXISTS (SELECT 1 FROM json_each(g.categories) j \
                 WHERE j.value = ?5 OR j.value IN ({WITHIN})))) \
         AND (?6 IS NULL OR (instr(g.name_key, ?8) > 0 AND instr(g.name_key, ?9) > 0 \
             AND instr(g.name_key, ?10) > 0 AND instr(g.name_key, ?11) > 0 \
             AND instr(g.name_key, ?12) > 0) \
             OR g.id IN (SELECT good FROM good_terms WHERE tenant = ?1 \
                     AND kind IN ('article', 'code', 'barcode') AND value = ?7 \
                 UNION ALL SELECT good FROM good_ids WHERE tenant = ?1 AND kind = 'uuid' AND value = ?7 \
                 UNION ALL SELECT id FROM goods WHERE tenant = ?1 AND id = ?7 \
                 UNION ALL SELECT id FROM goods WHERE tenant = ?1 AND external = ?6)) \
         ORDER BY {order} LIMIT ?15"
    ))
    .bind(tenant)
    .bind(after.map(|a| a.id.as_str()).unwrap_or_default())
    .bind(after.map_or(i64::MIN, |a| a.updated_at))
    .bind(query.archived)
    .bind(query.category.as_deref().map(text::id))
    .bind(text)
    .bind(text.map(text::fold));
    let limit = i64::try_from(query.limit.min(MAX_PAGE)).unwrap_or_default();
    let statement = words(text)
        .into_iter()
        .fold(statement, |statement, word| statement.bind(word))
        .bind(key.map(|(key, given)| key.value(given)))
        .bind(query.since.unwrap_or(i64::MIN))
        .bind(limit);
    let rows = sql.query(statement).await?;
    Ok(rows.iter().map(good).collect())
}

/// The words of a search text as they stand in `name_key`. An unused place holds a space, which
/// every key has; a text without words gets what no key has.
fn words(text: Option<&str>) -> [String; MAX_WORDS] {
    let key = text::name_key(text.unwrap_or_default());
    let mut words = key.split_whitespace().map(|word| format!(" {word}"));
    let mut out = std::array::from_fn(|_| words.next().unwrap_or_else(|| " ".to_owned()));
    if key == " "
        && let Some(first) = out.first_mut()
    {
        "  ".clone_into(first);
    }
    out
}
