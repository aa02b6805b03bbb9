//! Which price types and stores a tenant takes.

use std::collections::BTreeSet;

/// Ids that a tenant's settings name, as far as the names are known yet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
pub struct Wanted {
    ids: Option<BTreeSet<String>>,
    /// All that are known; there while the settings name one that is not known.
    known: Option<BTreeSet<String>>,
    dead: BTreeSet<String>,
}

impl Wanted {
    /// These alone.
    #[must_use]
    pub fn only(ids: impl IntoIterator<Item = String>) -> Self {
        Self {
            ids: Some(ids.into_iter().collect()),
            ..Self::default()
        }
    }

    /// Also those that are not among `known`: one of them may turn out to be meant.
    #[must_use]
    pub fn or_unknown(mut self, known: impl IntoIterator<Item = String>) -> Self {
        self.known = Some(known.into_iter().collect());
        self
    }

    /// Of these the source has said that they are no more: no good has its price from them.
    #[must_use]
    pub fn dead(mut self, ids: impl IntoIterator<Item = String>) -> Self {
        self.dead = ids.into_iter().collect();
        self
    }

    /// Whether it is kept.
    #[must_use]
    pub fn takes(&self, id: &str) -> bool {
        let unknown = || self.known.as_ref().is_some_and(|known| !known.contains(id));
        let named = |ids: &BTreeSet<String>| ids.contains(id) || unknown();
        self.ids.as_ref().is_none_or(named)
    }

    /// Whether there may be others that are not kept.
    #[must_use]
    pub const fn is_some_only(&self) -> bool {
        self.ids.is_some()
    }

    /// Whether the source has it no more.
    #[must_use]
    pub fn is_dead(&self, id: &str) -> bool {
        self.dead.contains(id)
    }
}
