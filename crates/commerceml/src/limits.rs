//! What a file may cost.

/// Limits of one file; beyond any of them reading ends with an error. The defaults are far above
/// what real files have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Elements that may be open at once.
    pub depth: usize,
    /// Bytes (UTF-8) of one text, tag or comment.
    pub text: usize,
    /// Attributes of one element.
    pub attributes: usize,
    /// Bytes (UTF-8) of the name of an element.
    pub name: usize,
    /// Fields and list entries of one object: a good, an offer, a document. Also groups that wait for
    /// the id of their parent.
    pub children: usize,
    /// Bytes (UTF-8) of all texts of one object, and of the groups that are open or wait.
    pub object: usize,
    /// Warnings that are kept until they are taken; further ones are only counted
    /// ([`Reader::dropped_warnings`](crate::Reader::dropped_warnings)).
    pub warnings: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            depth: 128,
            text: 4 << 20,
            attributes: 64,
            name: 255,
            children: 100_000,
            object: 8 << 20,
            warnings: 1000,
        }
    }
}

/// Characters of an id (§2.1 "Ids"); a longer one counts as absent.
pub const ID_CHARS: usize = 255;
/// Values of a property that stand in one item.
pub const PORTION: usize = 500;
