//! Writing XML into memory: texts made safe, the encoding of the whole.

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesEnd, BytesStart, BytesText, Event};

use super::Encoding;

/// A document that is being written.
pub struct Xml {
    writer: Writer<Vec<u8>>,
    encoding: Encoding,
}

impl Xml {
    /// A document that begins with its declaration.
    pub fn new(encoding: Encoding) -> Self {
        let mut xml = Self {
            writer: Writer::new(Vec::new()),
            encoding,
        };
        let label = match encoding {
            Encoding::Utf8 | Encoding::Utf8Bom => "UTF-8",
            Encoding::Windows1251 => "windows-1251",
        };
        xml.event(Event::Decl(BytesDecl::new("1.0", Some(label), None)));
        xml
    }

    /// The document in its encoding.
    pub fn finish(self) -> Vec<u8> {
        let text = self.writer.into_inner();
        match self.encoding {
            Encoding::Utf8 => text,
            Encoding::Utf8Bom => ["\u{feff}".as_bytes(), &text].concat(),
            // What has been written is UTF-8: names of ours and texts that were checked.
            Encoding::Windows1251 => sklad_cyrillic::encode_1251(&String::from_utf8_lossy(&text)),
        }
    }

    /// An element with what `inside` writes.
    pub fn element(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        self.with(name, &[], inside);
    }

    /// An element with attributes and with what `inside` writes.
    pub fn with(
        &mut self,
        name: &str,
        attributes: &[(&str, &str)],
        inside: impl FnOnce(&mut Self),
    ) {
        let mut start = BytesStart::new(name);
        for (name, value) in attributes {
            // A line end in an attribute would be read as a space.
            let value = clean(value).replace(['\n', '\t'], " ");
            start.push_attribute((*name, value.as_str()));
        }
        self.event(Event::Start(start));
        inside(self);
        self.event(Event::End(BytesEnd::new(name)));
    }

    /// An element with a text.
    pub fn text(&mut self, name: &str, text: &str) {
        self.element(name, |xml| xml.inner(text));
    }

    /// The same, or nothing when there is no text.
    pub fn optional(&mut self, name: &str, text: Option<&str>) {
        if let Some(text) = text.filter(|t| !t.is_empty()) {
            self.text(name, text);
        }
    }

    /// A text within the element that is open.
    pub fn inner(&mut self, text: &str) {
        let text = clean(text);
        self.event(Event::Text(BytesText::new(&text)));
    }

    fn event(&mut self, event: Event<'_>) {
        // Writing into memory cannot fail.
        let _ = self.writer.write_event(event);
    }
}

/// The text without what XML 1.0 has no room for; every line end is one `\n`, as a reader would make
/// it.
fn clean(text: &str) -> String {
    let allowed = |c: &char| match c {
        '\n' | '\t' => true,
        '\u{fffe}' | '\u{ffff}' => false,
        c => !c.is_control(),
    };
    let text = text.replace("\r\n", "\n").replace('\r', "\n");
    text.chars().filter(allowed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_xml_cannot_hold_is_dropped() {
        assert_eq!(clean("a\u{0}\u{b}b\u{85}\u{7f}\u{ffff}"), "ab");
        assert_eq!(clean("a\r\nb\rc\td"), "a\nb\nc\td");
    }
}
