//! `import.xml`: groups, properties, products (commerceml §2.3, §2.4).

use std::io::{self, Write};

use crate::out::{Out, line};
use crate::shape::{CATALOGUE, Shape, Style};
use crate::words::COLOURS;

/// The owner of МойСклад's files; made up, in the form of theirs.
const OWNER: &str = "0f5e1c2a-7a11-11ee-0a80-000000000001";

/// Opens the root element. `batch`: of a batch exchange, with an id of its own (commerceml §1.7).
pub fn open<W: Write>(out: &mut Out<'_, W>, shape: &Shape, batch: bool) -> io::Result<()> {
    let encoding = shape.encoding.label();
    let day = 1 + shape.revision % 28;
    match shape.style {
        Style::MoySklad => {
            line!(
                out,
                "<?xml version=\"1.0\" encoding=\"{encoding}\" standalone=\"yes\"?>"
            )?;
            line!(
                out,
                "<КоммерческаяИнформация ВерсияСхемы=\"2.04\" ДатаФормирования=\"2026-03-{day:02}T10:20:30.456+03:00\" СинхронизацияТоваров=\"false\">"
            )
        }
        Style::OneC => {
            let (version, id) = if batch {
                ("2.09", " Ид=\"1\"")
            } else {
                ("2.07", "")
            };
            line!(out, "<?xml version=\"1.0\" encoding=\"{encoding}\"?>")?;
            line!(
                out,
                "<КоммерческаяИнформация xmlns=\"urn:1C.ru:commerceml_2\" xmlns:xs=\"http://www.w3.org/2001/XMLSchema\" ВерсияСхемы=\"{version}\" ДатаФормирования=\"2026-03-{day:02}T10:20:30\"{id}>"
            )
        }
    }
}

/// Writes a catalogue; answers its length in bytes.
///
/// # Errors
/// Those of `to`.
pub fn write_import(to: &mut impl Write, shape: &Shape) -> io::Result<u64> {
    let mut out = Out::new(to, shape.encoding, shape.compact);
    open(&mut out, shape, false)?;
    classifier(&mut out, shape)?;
    line!(
        out,
        "  <Каталог СодержитТолькоИзменения=\"{}\">",
        shape.changes_only
    )?;
    line!(out, "    <Ид>{CATALOGUE}</Ид>")?;
    line!(out, "    <ИдКлассификатора>{CATALOGUE}</ИдКлассификатора>")?;
    line!(out, "    <Наименование>Каталог товаров</Наименование>")?;
    line!(out, "    <Товары>")?;
    for number in 0..shape.goods {
        good(&mut out, shape, number)?;
    }
    line!(out, "    </Товары>")?;
    line!(out, "  </Каталог>")?;
    line!(out, "</КоммерческаяИнформация>")?;
    out.finish()
}

fn classifier<W: Write>(out: &mut Out<'_, W>, shape: &Shape) -> io::Result<()> {
    line!(out, "  <Классификатор>")?;
    line!(out, "    <Ид>{CATALOGUE}</Ид>")?;
    line!(
        out,
        "    <Наименование>Классификатор (Каталог товаров)</Наименование>"
    )?;
    line!(
        out,
        "    <Владелец><Ид>{OWNER}</Ид><Наименование>ИП</Наименование><ИНН></ИНН></Владелец>"
    )?;
    if shape.groups > 0 {
        line!(out, "    <Группы>")?;
        group(out, shape, 0, 6)?;
        line!(out, "    </Группы>")?;
    }
    if shape.properties > 0 {
        line!(out, "    <Свойства>")?;
        for number in 0..shape.properties {
            property(out, shape, number)?;
        }
        line!(out, "    </Свойства>")?;
    }
    line!(out, "  </Классификатор>")
}

/// A group with those below it; the tree of a shape is a few levels deep.
fn group<W: Write>(
    out: &mut Out<'_, W>,
    shape: &Shape,
    number: u32,
    indent: usize,
) -> io::Result<()> {
    let (id, name) = (shape.group_id(number), shape.group_name(number));
    line!(out, "{:indent$}<Группа>", "")?;
    line!(out, "{:indent$}  <Ид>{id}</Ид>", "")?;
    line!(out, "{:indent$}  <Наименование>{name}</Наименование>", "")?;
    if shape.child_groups(number).next().is_some() {
        line!(out, "{:indent$}  <Группы>", "")?;
        for child in shape.child_groups(number) {
            group(out, shape, child, indent + 4)?;
        }
        line!(out, "{:indent$}  </Группы>", "")?;
    }
    line!(out, "{:indent$}</Группа>", "")
}

fn property<W: Write>(out: &mut Out<'_, W>, shape: &Shape, number: u32) -> io::Result<()> {
    let id = shape.property_id(number);
    line!(out, "      <Свойство>")?;
    line!(out, "        <Ид>{id}</Ид>")?;
    line!(
        out,
        "        <Наименование>Свойство {number}</Наименование>"
    )?;
    if shape.style == Style::OneC {
        line!(out, "        <ТипЗначений>Строка</ТипЗначений>")?;
        line!(out, "        <ВариантыЗначений>")?;
        for colour in COLOURS {
            line!(out, "          <Значение>{colour}</Значение>")?;
        }
        line!(out, "        </ВариантыЗначений>")?;
    }
    line!(out, "      </Свойство>")
}

fn good<W: Write>(out: &mut Out<'_, W>, shape: &Shape, number: u32) -> io::Result<()> {
    let (id, name) = (shape.good_id(number), shape.name_in_xml(number));
    line!(out, "      <Товар>")?;
    line!(out, "        <Ид>{id}</Ид>")?;
    line!(out, "        <Артикул>{}</Артикул>", shape.article(number))?;
    line!(out, "        <Наименование>{name}</Наименование>")?;
    unit(out, shape)?;
    if let Some(group) = shape.group_of(number) {
        let group = shape.group_id(group);
        line!(
            out,
            "        <Группы>\n          <Ид>{group}</Ид>\n        </Группы>"
        )?;
    }
    line!(
        out,
        "        <Описание>{name}: хорошая вещь.\n  Хранить в сухом месте.</Описание>"
    )?;
    if let Some(picture) = shape.picture(number) {
        line!(out, "        <Картинка>{picture}</Картинка>")?;
    }
    values(out, shape, number)?;
    line!(out, "      </Товар>")
}

/// The base unit: МойСклад gives no code.
pub fn unit<W: Write>(out: &mut Out<'_, W>, shape: &Shape) -> io::Result<()> {
    match shape.style {
        Style::MoySklad => line!(
            out,
            "        <БазоваяЕдиница НаименованиеПолное=\"шт\">шт</БазоваяЕдиница>"
        ),
        Style::OneC => line!(
            out,
            "        <БазоваяЕдиница Код=\"796 \" НаименованиеПолное=\"Штука\" МеждународноеСокращение=\"PCE\">шт</БазоваяЕдиница>"
        ),
    }
}

fn values<W: Write>(out: &mut Out<'_, W>, shape: &Shape, good: u32) -> io::Result<()> {
    line!(out, "        <ЗначенияСвойств>")?;
    for number in 0..shape.properties {
        let (id, value) = (
            shape.property_id(number),
            shape.property_value(good, number),
        );
        line!(
            out,
            "          <ЗначенияСвойства>\n            <Ид>{id}</Ид>\n            <Значение>{value}</Значение>\n          </ЗначенияСвойства>"
        )?;
    }
    line!(out, "        </ЗначенияСвойств>")?;
    if shape.style == Style::OneC {
        line!(
            out,
            "        <СтавкиНалогов>\n          <СтавкаНалога>\n            <Наименование>НДС</Наименование>\n            <Ставка>20</Ставка>\n          </СтавкаНалога>\n        </СтавкиНалогов>"
        )?;
    }
    line!(out, "        <ЗначенияРеквизитов>")?;
    for name in ["ВидНоменклатуры", "ТипНоменклатуры"] {
        line!(
            out,
            "          <ЗначениеРеквизита>\n            <Наименование>{name}</Наименование>\n            <Значение>Товар</Значение>\n          </ЗначениеРеквизита>"
        )?;
    }
    line!(out, "        </ЗначенияРеквизитов>")
}
