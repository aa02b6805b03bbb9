//! Orders as 1С sends them back: what has become of them (commerceml §2.6).

use std::io::{self, Write};

use crate::out::{Encoding, Out, line};

/// What 1С says of an order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Status {
    /// `Ид`; 1С leaves it out of some (commerceml §1.8).
    pub id: Option<String>,
    /// `Номер`.
    pub number: String,
    /// The sum, kopecks.
    pub sum_kopecks: i64,
    /// The number in 1С.
    pub number_in_1c: String,
    /// The status' name.
    pub status: String,
    /// When it was paid: `2026-03-05`.
    pub paid_on: Option<String>,
    /// When it was shipped, likewise.
    pub shipped_on: Option<String>,
    /// Whether it is cancelled.
    pub cancelled: bool,
}

/// Writes a file of orders as 1С 2.07 does; answers its length in bytes. Texts must be without the
/// characters that XML escapes.
///
/// # Errors
/// Those of `to`.
pub fn write_statuses(
    to: &mut impl Write,
    orders: &[Status],
    encoding: Encoding,
) -> io::Result<u64> {
    let mut out = Out::new(to, encoding, false);
    let label = encoding.label();
    line!(out, "<?xml version=\"1.0\" encoding=\"{label}\"?>")?;
    line!(
        out,
        "<КоммерческаяИнформация xmlns=\"urn:1C.ru:commerceml_2\" ВерсияСхемы=\"2.07\" ДатаФормирования=\"2026-03-06T11:12:13\">"
    )?;
    for order in orders {
        document(&mut out, order)?;
    }
    line!(out, "</КоммерческаяИнформация>")?;
    out.finish()
}

fn document<W: Write>(out: &mut Out<'_, W>, order: &Status) -> io::Result<()> {
    let (rubles, kopecks) = (order.sum_kopecks / 100, order.sum_kopecks % 100);
    line!(out, "  <Документ>")?;
    if let Some(id) = &order.id {
        line!(out, "    <Ид>{id}</Ид>")?;
    }
    line!(out, "    <Номер>{}</Номер>", order.number)?;
    line!(
        out,
        "    <Дата>2026-03-05</Дата>\n    <ХозОперация>Заказ товара</ХозОперация>\n    <Роль>Продавец</Роль>\n    <Валюта>RUB</Валюта>\n    <Курс>1</Курс>"
    )?;
    line!(out, "    <Сумма>{rubles}.{kopecks:02}</Сумма>")?;
    line!(out, "    <Время>10:11:12</Время>")?;
    line!(out, "    <ЗначенияРеквизитов>")?;
    requisite(out, "Номер по 1С", &order.number_in_1c)?;
    requisite(out, "Дата по 1С", "2026-03-05T10:11:12")?;
    requisite(out, "ПометкаУдаления", "false")?;
    requisite(out, "Проведен", "true")?;
    if let Some(day) = &order.paid_on {
        requisite(out, "Дата оплаты по 1С", day)?;
    }
    if let Some(day) = &order.shipped_on {
        requisite(out, "Дата отгрузки по 1С", day)?;
    }
    requisite(
        out,
        "Отменен",
        if order.cancelled { "true" } else { "false" },
    )?;
    requisite(out, "Статус заказа", &order.status)?;
    line!(out, "    </ЗначенияРеквизитов>")?;
    line!(out, "  </Документ>")
}

fn requisite<W: Write>(out: &mut Out<'_, W>, name: &str, value: &str) -> io::Result<()> {
    line!(
        out,
        "      <ЗначениеРеквизита>\n        <Наименование>{name}</Наименование>\n        <Значение>{value}</Значение>\n      </ЗначениеРеквизита>"
    )
}
