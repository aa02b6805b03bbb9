//! A document as a tree, read by quick-xml.

use quick_xml::Reader;
use quick_xml::escape::unescape;
use quick_xml::events::{BytesStart, Event};

/// An element.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) attributes: Vec<(String, String)>,
    pub(crate) text: String,
    pub(crate) children: Vec<Node>,
}

/// The root element of a document in UTF-8, with or without a mark, or in windows-1251 as its
/// declaration says.
pub(crate) fn read(document: &[u8]) -> Node {
    let text = decode(document);
    let mut reader = Reader::from_str(&text);
    let mut open = vec![Node::default()];
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => open.push(node(&start)),
            Event::Empty(start) => open.last_mut().unwrap().children.push(node(&start)),
            Event::End(_) => {
                let node = open.pop().unwrap();
                open.last_mut().unwrap().children.push(node);
            }
            Event::Text(text) => {
                open.last_mut().unwrap().text += &text;
            }
            Event::GeneralRef(reference) => {
                let reference = format!("&{};", &*reference);
                open.last_mut().unwrap().text += &unescape(&reference).unwrap();
            }
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(open.len(), 1);
    let document = open.pop().unwrap();
    assert_eq!(document.children.len(), 1);
    document.children.into_iter().next().unwrap()
}

fn decode(document: &[u8]) -> String {
    let head = String::from_utf8_lossy(&document[..document.len().min(60)]);
    if head.contains("windows-1251") {
        let (text, _, wrong) = encoding_rs::WINDOWS_1251.decode(document);
        assert!(!wrong);
        return text.into_owned();
    }
    let text = String::from_utf8(document.to_vec()).unwrap();
    text.trim_start_matches('\u{feff}').to_owned()
}

fn node(start: &BytesStart<'_>) -> Node {
    let attributes = start.attributes().map(|attribute| {
        let attribute = attribute.unwrap();
        let value = unescape(&attribute.value).unwrap().into_owned();
        (attribute.key.as_ref().to_owned(), value)
    });
    Node {
        name: start.name().as_ref().to_owned(),
        attributes: attributes.collect(),
        ..Node::default()
    }
}

impl Node {
    /// The names of the children, in order.
    pub(crate) fn names(&self) -> Vec<&str> {
        self.children.iter().map(|c| c.name.as_str()).collect()
    }

    /// The first element on this path.
    pub(crate) fn find(&self, path: &str) -> Option<&Node> {
        path.split('/').try_fold(self, |node, name| {
            node.children.iter().find(|c| c.name == name)
        })
    }

    /// The text of the first element on this path.
    pub(crate) fn at(&self, path: &str) -> &str {
        &self.find(path).unwrap_or_else(|| panic!("{path}")).text
    }

    /// Requisites, or other pairs of two elements.
    pub(crate) fn pairs(&self) -> Vec<(&str, &str)> {
        self.children
            .iter()
            .map(|c| (c.children[0].text.as_str(), c.children[1].text.as_str()))
            .collect()
    }

    /// The value of the requisite `name`.
    pub(crate) fn requisite(&self, name: &str) -> Option<&str> {
        let pairs = self.find("ЗначенияРеквизитов")?.pairs();
        pairs.into_iter().find(|(n, _)| *n == name).map(|(_, v)| v)
    }

    /// The value of an attribute.
    pub(crate) fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(n, _)| n == name);
        found.map(|(_, value)| value.as_str())
    }
}
