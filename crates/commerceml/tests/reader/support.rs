//! Reading in one go and in pieces.

use rust_decimal::Decimal;
use sklad_commerceml::*;

/// What came of a file.
#[derive(Debug, Default, PartialEq)]
pub struct Outcome {
    pub items: Vec<Item>,
    pub warnings: Vec<Warning>,
    pub error: Option<ReadError>,
}

impl Outcome {
    /// The items of a file that must be readable.
    pub fn ok(self) -> Vec<Item> {
        assert_eq!(self.error, None);
        self.items
    }

    /// What is wrong with a file that must not be readable.
    pub fn kind(self) -> ErrorKind {
        self.error.unwrap().kind
    }

    /// Goods and offers.
    pub fn products(self) -> Vec<Product> {
        let product = |item| match item {
            Item::Good(product) | Item::Offer(product) => Some(*product),
            _ => None,
        };
        self.ok().into_iter().filter_map(product).collect()
    }

    /// Documents.
    pub fn documents(self) -> Vec<Document> {
        let document = |item| match item {
            Item::Document(document) => Some(*document),
            _ => None,
        };
        self.ok().into_iter().filter_map(document).collect()
    }

    /// Groups.
    pub fn groups(self) -> Vec<Group> {
        let group = |item| match item {
            Item::Group(group) => Some(group),
            _ => None,
        };
        self.ok().into_iter().filter_map(group).collect()
    }
}

/// Reads on until the end; `chunk` gives the length of the next push.
pub fn drive(mut reader: Reader, bytes: &[u8], mut chunk: impl FnMut() -> usize) -> Outcome {
    let mut outcome = Outcome::default();
    let mut rest = bytes;
    loop {
        let step = reader.next();
        outcome.warnings.append(&mut reader.take_warnings());
        match step {
            Ok(Step::Item(item)) => outcome.items.push(item),
            Ok(Step::More) if rest.is_empty() => reader.finish(),
            Ok(Step::More) => {
                let (now, later) = rest.split_at(chunk().clamp(1, rest.len()));
                reader.push(now);
                rest = later;
            }
            Ok(Step::End) => return outcome,
            Err(error) => {
                outcome.error = Some(error);
                return outcome;
            }
        }
    }
}

/// Reads a file in one push.
pub fn read(bytes: impl AsRef<[u8]>) -> Outcome {
    drive(Reader::new(Limits::default()), bytes.as_ref(), || {
        usize::MAX
    })
}

/// A file with this in its root.
pub fn file(content: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<КоммерческаяИнформация ВерсияСхемы=\"2.08\">{content}</КоммерческаяИнформация>"
    )
}

/// A file with these goods.
pub fn goods(content: &str) -> String {
    file(&format!(
        "<Каталог><Ид>c</Ид><Товары>{content}</Товары></Каталог>"
    ))
}

/// A file with these offers.
pub fn offers(content: &str) -> String {
    file(&format!(
        "<ПакетПредложений><Ид>c#</Ид><Предложения>{content}</Предложения></ПакетПредложений>"
    ))
}

/// The only offer of a file with these fields.
pub fn offer(fields: &str) -> Product {
    let offer = format!("<Предложение><Ид>p</Ид>{fields}</Предложение>");
    read(offers(&offer)).products().remove(0)
}

/// The only good of a file with these fields.
pub fn good(fields: &str) -> Product {
    read(goods(&format!("<Товар><Ид>p</Ид>{fields}</Товар>")))
        .products()
        .remove(0)
}

/// A decimal.
pub fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}
