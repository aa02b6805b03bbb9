//! The open elements and what is being built of them: takes the events of the XML, gives items.

use std::collections::VecDeque;

use quick_xml::events::BytesStart;
use serde::{Deserialize, Serialize};

use super::fields::{Notes, Parts};
use super::node::{Frame, Leaf, Node, child};
use crate::error::{ErrorKind, WarningCode};
use crate::limits::{Limits, PORTION};
use crate::model::{Group, Item, Root, Section};
use crate::value;

/// The root of every CommerceML file.
const ROOT: &str = "КоммерческаяИнформация";
/// Attributes that begin so are those of CommerceML 1.
const OLD_ATTRIBUTE: &str = "Идентификатор";
/// Characters of a foreign name that a message shows.
const SHOWN: usize = 40;
/// What a group weighs beside its texts, roughly.
const GROUP_BYTES: usize = 64;

/// An open element.
#[derive(Debug)]
struct Level {
    node: Node,
    /// Where its name begins in [`Machine::names`].
    name: usize,
}

/// A group that has begun.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct OpenGroup {
    /// What is known; the id is empty until it comes.
    group: Group,
    /// Groups in it that ended before its id was known.
    held: Vec<Group>,
}

/// The object that is being read: a checkpoint within it points to its beginning.
#[derive(Debug, Clone, Copy)]
struct Object {
    start: u64,
    depth: usize,
}

/// What of the machine stands in a checkpoint.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Structure {
    /// Names of the open elements.
    open: Vec<String>,
    root_seen: bool,
    section: Option<Section>,
    opened: bool,
    closing: Option<Section>,
    groups: Vec<OpenGroup>,
    ready: VecDeque<Group>,
    order: u32,
    /// Items of the object at the checkpoint that were already given.
    given: u32,
}

/// Takes events, gives items.
#[derive(Debug)]
pub(super) struct Machine {
    pub(super) limits: Limits,
    stack: Vec<Level>,
    names: String,
    text: String,
    collecting: bool,
    root_seen: bool,
    pub(super) root: Root,
    pub(super) section: Option<Section>,
    opened: bool,
    closing: Option<Section>,
    groups: Vec<OpenGroup>,
    ready: VecDeque<Group>,
    group_bytes: usize,
    order: u32,
    object: Option<Object>,
    /// Items of the present object that were given.
    given: u32,
    /// Items of the present object that an earlier reader gave.
    skip: u32,
    children: usize,
    bytes: usize,
    pub(super) out: VecDeque<Item>,
    pub(super) notes: Notes,
    pub(super) parts: Parts,
}

impl Machine {
    pub(super) fn new(limits: Limits) -> Self {
        Self::resume(Structure::default(), limits)
    }

    /// Goes on from a checkpoint. What the elements are follows from their names.
    pub(super) fn resume(structure: Structure, limits: Limits) -> Self {
        let mut machine = Self {
            limits,
            stack: Vec::new(),
            names: String::new(),
            text: String::new(),
            collecting: false,
            root_seen: structure.root_seen,
            root: Root::default(),
            section: structure.section,
            opened: structure.opened,
            closing: structure.closing,
            group_bytes: structure.groups.iter().map(OpenGroup::weight).sum(),
            groups: structure.groups,
            ready: structure.ready,
            order: structure.order,
            object: None,
            given: 0,
            skip: structure.given,
            children: 0,
            bytes: 0,
            out: VecDeque::new(),
            notes: Notes {
                limit: limits.warnings,
                ..Notes::default()
            },
            parts: Parts::default(),
        };
        for name in structure.open {
            let node = match machine.top() {
                None => Node::Frame(Frame::Root),
                Some(parent) => child(parent, local(&name)),
            };
            machine.push(node, &name);
        }
        machine
    }

    /// The state at the beginning of the present object, or now if there is none.
    pub(super) fn structure(&self) -> Structure {
        let depth = self.object.map_or(self.stack.len(), |object| object.depth);
        Structure {
            open: (0..depth)
                .filter_map(|level| self.name(level))
                .map(str::to_owned)
                .collect(),
            root_seen: self.root_seen,
            section: self.section.clone(),
            opened: self.opened,
            closing: self.closing.clone(),
            groups: self.groups.clone(),
            ready: self.ready.clone(),
            order: self.order,
            given: self.given.max(self.skip),
        }
    }

    /// Where the present object begins, if there is one: a checkpoint must not lie behind.
    pub(super) fn object_start(&self) -> Option<u64> {
        self.object.map(|object| object.start)
    }

    /// Whether texts are wanted here.
    pub(super) fn collecting(&self) -> bool {
        self.collecting
    }

    /// Whether the root was opened and closed again.
    pub(super) fn done(&self) -> bool {
        self.root_seen && self.stack.is_empty()
    }

    /// Whether the root was opened.
    pub(super) fn root_seen(&self) -> bool {
        self.root_seen
    }

    /// Whether there is something to give.
    pub(super) fn has_items(&self) -> bool {
        !self.out.is_empty() || !self.ready.is_empty() || self.closing.is_some()
    }

    /// The next item.
    pub(super) fn take_item(&mut self) -> Option<Item> {
        while let Some(item) = self.out.pop_front() {
            let in_object = self.object.is_some();
            let again = in_object && self.given < self.skip;
            self.given += u32::from(in_object);
            if again {
                self.notes.forget();
            }
            self.settle();
            if !again {
                return Some(item);
            }
        }
        match self.ready.pop_front() {
            Some(group) => Some(Item::Group(group)),
            None => self.closing.take().map(Item::Close),
        }
    }

    /// Leaves the present object once it has ended and its items are given.
    fn settle(&mut self) {
        let ended = self
            .object
            .is_some_and(|object| self.stack.len() <= object.depth);
        if ended && self.out.is_empty() {
            self.object = None;
            self.given = 0;
            self.skip = 0;
            self.children = 0;
            self.bytes = 0;
        }
        if self.object.is_none() {
            self.notes.settle();
        }
    }

    /// The innermost open element.
    pub(super) fn top(&self) -> Option<Node> {
        self.stack.last().map(|level| level.node)
    }

    /// What the innermost open element stands in.
    pub(super) fn around(&self) -> Option<Frame> {
        match self.stack.iter().rev().nth(1)?.node {
            Node::Frame(frame) => Some(frame),
            _ => None,
        }
    }

    /// The name of the open element at this depth.
    fn name(&self, level: usize) -> Option<&str> {
        let start = self.stack.get(level)?.name;
        let end = self
            .stack
            .get(level + 1)
            .map_or(self.names.len(), |next| next.name);
        self.names.get(start..end)
    }

    fn push(&mut self, node: Node, name: &str) {
        self.stack.push(Level {
            node,
            name: self.names.len(),
        });
        self.names.push_str(name);
    }

    /// The nearest element around that has lists of parts of its own.
    pub(super) fn owner(&self) -> Option<Frame> {
        self.stack.iter().rev().find_map(|level| match level.node {
            Node::Frame(frame @ (Frame::Good | Frame::Offer | Frame::Document | Frame::Item)) => {
                Some(frame)
            }
            _ => None,
        })
    }

    /// A start tag.
    pub(super) fn start(&mut self, tag: &BytesStart) -> Result<(), ErrorKind> {
        let name = tag.name().0;
        let node = self.begin(name, local(name))?;
        self.attributes(node, tag)?;
        self.begun(node)
    }

    /// A start tag without attributes and prefix.
    pub(super) fn start_plain(&mut self, name: &str) -> Result<(), ErrorKind> {
        let node = self.begin(name, name)?;
        self.begun(node)
    }

    /// Opens the element `name`, which is `local` without its prefix.
    fn begin(&mut self, name: &str, local: &str) -> Result<Node, ErrorKind> {
        if name.len() > self.limits.name {
            return Err(ErrorKind::Name);
        }
        if !name.starts_with(begins_name) {
            return Err(ErrorKind::NotXml);
        }
        if self.stack.len() >= self.limits.depth {
            return Err(ErrorKind::Depth);
        }
        let parent = self.top();
        let node = match parent {
            Some(parent) => child(parent, local),
            None => self.root_node(local)?,
        };
        if self.object.is_none() && !node.structural() {
            self.notes.settle();
            self.object = Some(Object {
                start: self.notes.at,
                depth: self.stack.len(),
            });
        }
        self.push(node, name);
        self.open(node, parent)?;
        Ok(node)
    }

    /// What is to be done once the attributes are read.
    fn begun(&mut self, node: Node) -> Result<(), ErrorKind> {
        if node == Node::Frame(Frame::Root) {
            self.open_root()?;
        }
        Ok(())
    }

    /// The first element must be the root, and the only one.
    fn root_node(&self, local: &str) -> Result<Node, ErrorKind> {
        if self.root_seen {
            return Err(ErrorKind::NotXml);
        }
        if local != ROOT {
            return Err(ErrorKind::NotCommerceMl(
                local.chars().take(SHOWN).collect(),
            ));
        }
        Ok(Node::Frame(Frame::Root))
    }

    fn open_root(&mut self) -> Result<(), ErrorKind> {
        self.root_seen = true;
        let root = std::mem::take(&mut self.root);
        if root
            .version
            .as_deref()
            .is_some_and(|version| version.starts_with("1."))
        {
            return Err(ErrorKind::OldVersion);
        }
        self.out.push_back(Item::Root(root));
        Ok(())
    }

    /// Begins what an element stands for.
    fn open(&mut self, node: Node, parent: Option<Node>) -> Result<(), ErrorKind> {
        self.collecting = false;
        let frame = match node {
            Node::Skip => return Ok(()),
            Node::Leaf(leaf) => {
                self.text.clear();
                self.collecting = true;
                if leaf == Leaf::StoreQuantity {
                    self.open_part(Frame::Stock);
                }
                return Ok(());
            }
            Node::Frame(frame) => frame,
        };
        match frame {
            Frame::Section(kind) => {
                self.section = Some(Section {
                    kind,
                    ..Section::default()
                });
                self.opened = false;
            }
            Frame::Group => self.open_group()?,
            _ if matches!(parent, Some(Node::Frame(Frame::Section(_)))) => {
                let lists = [
                    Frame::Goods,
                    Frame::Offers,
                    Frame::Groups,
                    Frame::Categories,
                ];
                if let Some(section) = self.section.as_mut().filter(|_| lists.contains(&frame)) {
                    section.listed = true;
                }
                self.open_section();
            }
            _ => self.open_part(frame),
        }
        Ok(())
    }

    /// Tells the head of the section, once.
    fn open_section(&mut self) {
        if !std::mem::replace(&mut self.opened, true) {
            self.out.extend(self.section.clone().map(Item::Open));
        }
    }

    fn attributes(&mut self, node: Node, tag: &BytesStart) -> Result<(), ErrorKind> {
        if tag.attributes_raw().is_empty() {
            return Ok(());
        }
        let mut attributes = tag.attributes();
        let attributes = attributes.with_checks(false);
        for (index, attribute) in attributes.enumerate() {
            if index >= self.limits.attributes {
                return Err(ErrorKind::Attributes);
            }
            let attribute = attribute.map_err(|_| ErrorKind::NotXml)?;
            let name = local(attribute.key.0);
            if name.starts_with(OLD_ATTRIBUTE) {
                return Err(ErrorKind::OldVersion);
            }
            let mut value = unescape(&attribute.value)?;
            value::clean(&mut value);
            self.attribute(node, name, &value);
        }
        self.name_doubts();
        Ok(())
    }

    /// A text or a part of one.
    pub(super) fn text(&mut self, text: &str) -> Result<(), ErrorKind> {
        if !self.collecting {
            let stray = self.stack.is_empty()
                && !text
                    .trim_matches(['\u{FEFF}', ' ', '\t', '\r', '\n'])
                    .is_empty();
            return if stray {
                Err(ErrorKind::NotXml)
            } else {
                Ok(())
            };
        }
        if self.text.len() + text.len() > self.limits.text {
            return Err(ErrorKind::Text);
        }
        self.text.push_str(text);
        Ok(())
    }

    /// A CDATA section: text, but none that may stand outside of the root.
    pub(super) fn cdata(&mut self, text: &str) -> Result<(), ErrorKind> {
        if self.stack.is_empty() {
            return Err(ErrorKind::NotXml);
        }
        self.text(text)
    }

    /// An entity or a reference to a character, without `&` and `;`.
    pub(super) fn reference(&mut self, name: &str) -> Result<(), ErrorKind> {
        if self.stack.is_empty() {
            return Err(ErrorKind::NotXml);
        }
        let char = resolve(name)?;
        self.text(char.encode_utf8(&mut [0; 4]))
    }

    /// The name of the innermost open element.
    pub(super) fn expected(&self) -> Option<&str> {
        self.names.get(self.stack.last()?.name..)
    }

    /// An end tag.
    pub(super) fn end(&mut self, name: &str) -> Result<(), ErrorKind> {
        let Some(expected) = self.expected() else {
            return Err(ErrorKind::NotXml);
        };
        if !same(name.as_bytes(), expected.as_bytes()) {
            return Err(ErrorKind::Mismatch {
                expected: expected.to_owned(),
                found: name.chars().take(SHOWN).collect(),
            });
        }
        self.end_top()
    }

    /// Ends the innermost element.
    pub(super) fn end_top(&mut self) -> Result<(), ErrorKind> {
        let Some(level) = self.stack.pop() else {
            return Err(ErrorKind::NotXml);
        };
        self.names.truncate(level.name);
        match level.node {
            Node::Skip => {}
            Node::Frame(frame) => {
                self.count(0)?;
                self.close(frame);
                self.name_doubts();
            }
            Node::Leaf(leaf) => {
                let mut text = std::mem::take(&mut self.text);
                self.count(text.len())?;
                value::clean(&mut text);
                self.field(leaf, &text)?;
                self.name_doubts();
                text.clear();
                self.text = text;
            }
        }
        self.collecting = matches!(self.top(), Some(Node::Leaf(_)));
        self.settle();
        Ok(())
    }

    /// Counts what the present object holds.
    fn count(&mut self, bytes: usize) -> Result<(), ErrorKind> {
        if self.object.is_none() {
            return Ok(());
        }
        self.children += 1;
        self.bytes += bytes;
        if self.children > self.limits.children || self.bytes > self.limits.object {
            return Err(ErrorKind::Object);
        }
        Ok(())
    }

    fn close(&mut self, frame: Frame) {
        match frame {
            Frame::Section(_) => {
                self.open_section();
                self.closing = self.section.take();
            }
            Frame::Group => self.close_group(),
            _ => self.close_part(frame),
        }
    }

    /// Gives the values of a property that were read, if they are many.
    pub(super) fn portion(&mut self) {
        let property = &mut self.parts.property;
        let Some(values) = property.values.as_mut() else {
            return;
        };
        if values.len() < PORTION || property.id.is_empty() {
            return;
        }
        let values = std::mem::take(values);
        let property = property.id.clone();
        self.out
            .push_back(Item::PropertyValues { property, values });
        self.children = 0;
        self.bytes = 0;
    }

    fn open_group(&mut self) -> Result<(), ErrorKind> {
        let group = Group {
            order: self.order,
            ..Group::default()
        };
        self.order = self.order.saturating_add(1);
        self.groups.push(OpenGroup {
            group,
            held: Vec::new(),
        });
        self.weigh_group(GROUP_BYTES)
    }

    /// Counts what open and waiting groups hold.
    pub(super) fn weigh_group(&mut self, bytes: usize) -> Result<(), ErrorKind> {
        self.group_bytes += bytes;
        if self.group_bytes > self.limits.object {
            return Err(ErrorKind::Object);
        }
        Ok(())
    }

    /// The group that is being read.
    pub(super) fn group(&mut self) -> Option<&mut Group> {
        self.groups.last_mut().map(|open| &mut open.group)
    }

    /// The id of the innermost group: those that waited for it can go.
    pub(super) fn group_id(&mut self, id: String) {
        let Some(open) = self.groups.last_mut() else {
            return;
        };
        open.group.id = id;
        for child in std::mem::take(&mut open.held) {
            self.adopt(child);
        }
    }

    fn close_group(&mut self) {
        let Some(open) = self.groups.pop() else {
            return;
        };
        if open.group.id.is_empty() {
            self.group_bytes = self.group_bytes.saturating_sub(weight(&open.group));
            self.notes
                .doubt(WarningCode::NoId, "группа без Ид пропущена".to_owned());
            open.held.into_iter().for_each(|child| self.adopt(child));
        } else {
            self.adopt(open.group);
        }
    }

    /// Gives a group its parent and lets it go, or keeps it until the parent's id is known.
    fn adopt(&mut self, mut child: Group) {
        let parent = self.groups.last_mut().filter(|_| child.parent.is_none());
        match parent {
            Some(parent) if parent.group.id.is_empty() => return parent.held.push(child),
            parent => {
                self.group_bytes = self.group_bytes.saturating_sub(weight(&child));
                if let Some(parent) = parent {
                    child.parent = Some(parent.group.id.clone());
                }
            }
        }
        self.ready.push_back(child);
    }

    /// Tells the doubts of this event which object they are about.
    fn name_doubts(&mut self) {
        if self.notes.doubts.last().is_none_or(|doubt| doubt.named) {
            return;
        }
        let object = self.present();
        for doubt in self
            .notes
            .doubts
            .iter_mut()
            .rev()
            .take_while(|doubt| !doubt.named)
        {
            doubt.named = true;
            doubt.object.clone_from(&object);
        }
    }

    /// The id of what is being read.
    fn present(&self) -> Option<String> {
        let frame = self.stack.iter().rev().find_map(|level| match level.node {
            Node::Frame(frame) => self.parts.id_of(frame),
            _ => None,
        });
        frame
            .or_else(|| self.groups.last().map(|open| open.group.id.clone()))
            .filter(|id| !id.is_empty())
    }
}

impl OpenGroup {
    fn weight(&self) -> usize {
        self.held.iter().chain([&self.group]).map(weight).sum()
    }
}

/// What a group weighs.
fn weight(group: &Group) -> usize {
    let texts = [&group.name, &group.parent, &group.description];
    let texts: usize = texts
        .iter()
        .map(|text| text.as_ref().map_or(0, String::len))
        .sum();
    GROUP_BYTES + group.id.len() + texts
}

/// Whether two names are one. In Wasm a comparison of the standard library looks at single bytes.
pub(super) fn same(one: &[u8], other: &[u8]) -> bool {
    let ((one, one_rest), (other, other_rest)) = (one.as_chunks::<8>(), other.as_chunks::<8>());
    one.len() == other.len() && one.iter().zip(other).all(|(a, b)| a == b) && one_rest == other_rest
}

/// Whether a name may begin with it. Russian letters come first: the tables of Unicode take time.
fn begins_name(c: char) -> bool {
    matches!(c, 'А'..='я' | 'A'..='Z' | 'a'..='z' | '_' | ':') || c.is_alphabetic()
}

/// A name without its prefix: namespaces differ from sender to sender (§2.1 "Namespaces").
fn local(name: &str) -> &str {
    let colon = memchr::memchr(b':', name.as_bytes());
    colon.and_then(|at| name.get(at + 1..)).unwrap_or(name)
}

/// One of the five entities of XML, or a reference to a character.
fn resolve(name: &str) -> Result<char, ErrorKind> {
    let char = match name {
        "lt" => Some('<'),
        "gt" => Some('>'),
        "amp" => Some('&'),
        "quot" => Some('"'),
        "apos" => Some('\''),
        _ => name.strip_prefix('#').and_then(numbered),
    };
    char.ok_or_else(|| ErrorKind::Entity(name.chars().take(SHOWN).collect()))
}

/// The character of `#…` or `#x…`. Control characters are none (XML §2.2), but senders write them: they
/// are dropped with the rest of their kind.
fn numbered(number: &str) -> Option<char> {
    let (digits, radix) = match number.strip_prefix('x') {
        Some(hex) => (hex, 16),
        None => (number, 10),
    };
    let plain = digits.bytes().all(|b| b.is_ascii_hexdigit());
    let code = u32::from_str_radix(digits, radix)
        .ok()
        .filter(|&code| plain && code != 0)?;
    char::from_u32(code).filter(|&c| c != '\u{FFFE}' && c != '\u{FFFF}')
}

/// The value of an attribute with its references resolved.
fn unescape(raw: &str) -> Result<String, ErrorKind> {
    let mut value = String::with_capacity(raw.len());
    let mut pieces = raw.split('&');
    value.push_str(pieces.next().unwrap_or_default());
    for piece in pieces {
        let (name, rest) = piece.split_once(';').ok_or(ErrorKind::NotXml)?;
        value.push(resolve(name)?);
        value.push_str(rest);
    }
    Ok(value)
}
