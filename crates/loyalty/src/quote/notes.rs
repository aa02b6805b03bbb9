//! The explanation, collected only when it is asked for.

use super::types::Fired;

/// A collector that costs nothing when nobody reads it.
pub(super) struct Notes(Option<Vec<Fired>>);

impl Notes {
    /// Collects nothing.
    pub(super) fn off() -> Self {
        Self(None)
    }

    /// Collects.
    pub(super) fn on() -> Self {
        Self(Some(Vec::new()))
    }

    /// Notes that a rule fired; the text is made only when it is kept.
    pub(super) fn add(
        &mut self,
        rule: &'static str,
        line: Option<usize>,
        text: impl FnOnce() -> String,
    ) {
        if let Some(fired) = &mut self.0 {
            fired.push(Fired {
                rule,
                line,
                text: text(),
            });
        }
    }

    /// What was collected.
    pub(super) fn into_fired(self) -> Vec<Fired> {
        self.0.unwrap_or_default()
    }
}
