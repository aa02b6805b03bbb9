//! Documents of CommerceML: the orders of a reply, the lists of what an order may say.

mod format;
mod order;
mod value;
mod xml;

pub(crate) use value::money;

pub use format::{DEFAULT_VERSION, Encoding, Format, VERSIONS, agreed, version};

use xml::Xml;

use crate::model::Order;

/// The reply to `type=sale&mode=query`. Without orders it is the root element without children, for
/// 1C does not take an empty body for «no orders» (commerceml §1.8).
#[must_use]
pub fn write(orders: &[Order], format: &Format) -> Vec<u8> {
    let mut xml = Xml::new(format.encoding);
    let generated = value::date_time(format.generated_ms, format.zone_minutes, 'T');
    let attributes = [
        ("ВерсияСхемы", format.version),
        ("ДатаФормирования", generated.as_str()),
    ];
    xml.with(
        "КоммерческаяИнформация",
        &attributes,
        |xml| {
            for order in orders {
                if format.container {
                    xml.element("Контейнер", |xml| order::write(xml, order, format));
                } else {
                    order::write(xml, order, format);
                }
            }
        },
    );
    xml.finish()
}

/// The values that orders of a shop can have, each an id with a name.
#[derive(Debug, Clone, Copy, Default)]
pub struct Info<'a> {
    /// The statuses.
    pub statuses: &'a [(&'a str, &'a str)],
    /// The ways to pay.
    pub payments: &'a [(&'a str, &'a str)],
    /// The ways to deliver.
    pub deliveries: &'a [(&'a str, &'a str)],
}

/// The reply to `type=sale&mode=info` (commerceml §1.8): `Справочник` with `Статусы`,
/// `ПлатежныеСистемы` and `Доставки`.
#[must_use]
pub fn info(info: &Info<'_>, encoding: Encoding) -> Vec<u8> {
    let mut xml = Xml::new(encoding);
    let lists = [
        ("Статусы", info.statuses),
        ("ПлатежныеСистемы", info.payments),
        ("Доставки", info.deliveries),
    ];
    xml.element("Справочник", |xml| {
        for (name, list) in lists {
            xml.element(name, |xml| {
                for (id, name) in list {
                    xml.element("Элемент", |xml| {
                        xml.text("Ид", id);
                        xml.text("Название", name);
                    });
                }
            });
        }
    });
    xml.finish()
}
