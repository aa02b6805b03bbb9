//! `offers.xml`, and `prices…xml` and `rests…xml` of a batch exchange (commerceml §2.5).

use std::io::{self, Write};

use crate::catalogue::{open, unit};
use crate::out::{Out, line};
use crate::shape::{CATALOGUE, Shape, Style};

/// What is written of each offer.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Part {
    All,
    Prices,
    Rests,
}

/// Writes all of the offers; answers the length in bytes.
///
/// # Errors
/// Those of `to`.
pub fn write_offers(to: &mut impl Write, shape: &Shape) -> io::Result<u64> {
    write(to, shape, Part::All)
}

/// Writes the prices alone, as a batch exchange does; answers the length in bytes.
///
/// # Errors
/// Those of `to`.
pub fn write_prices(to: &mut impl Write, shape: &Shape) -> io::Result<u64> {
    write(to, shape, Part::Prices)
}

/// Writes what is in stock alone, as a batch exchange does; answers the length in bytes.
///
/// # Errors
/// Those of `to`.
pub fn write_rests(to: &mut impl Write, shape: &Shape) -> io::Result<u64> {
    write(to, shape, Part::Rests)
}

fn write(to: &mut impl Write, shape: &Shape, part: Part) -> io::Result<u64> {
    let mut out = Out::new(to, shape.encoding, shape.compact);
    open(&mut out, shape, part != Part::All)?;
    let changes = shape.changes_only || part != Part::All;
    line!(
        out,
        "  <ПакетПредложений СодержитТолькоИзменения=\"{changes}\">"
    )?;
    line!(out, "    <Ид>{CATALOGUE}#</Ид>")?;
    line!(out, "    <Наименование>Пакет предложений</Наименование>")?;
    line!(out, "    <ИдКаталога>{CATALOGUE}</ИдКаталога>")?;
    line!(out, "    <ИдКлассификатора>{CATALOGUE}</ИдКлассификатора>")?;
    if part == Part::All {
        references(&mut out, shape)?;
    }
    line!(out, "    <Предложения>")?;
    for good in 0..shape.goods {
        for variant in 0..shape.variants.max(1) {
            offer(&mut out, shape, (good, variant), part)?;
        }
    }
    line!(out, "    </Предложения>")?;
    line!(out, "  </ПакетПредложений>")?;
    line!(out, "</КоммерческаяИнформация>")?;
    out.finish()
}

fn references<W: Write>(out: &mut Out<'_, W>, shape: &Shape) -> io::Result<()> {
    line!(out, "    <ТипыЦен>")?;
    for number in 0..shape.price_types {
        let (id, name) = (shape.price_type_id(number), shape.price_type_name(number));
        line!(
            out,
            "      <ТипЦены>\n        <Ид>{id}</Ид>\n        <Наименование>{name}</Наименование>\n        <Валюта>RUB</Валюта>\n        <Налог>\n          <Наименование>НДС</Наименование>\n          <УчтеноВСумме>true</УчтеноВСумме>\n        </Налог>\n      </ТипЦены>"
        )?;
    }
    line!(out, "    </ТипыЦен>")?;
    line!(out, "    <Склады>")?;
    for number in 0..shape.stores {
        let (id, name) = (shape.store_id(number), shape.store_name(number));
        line!(
            out,
            "      <Склад>\n        <Ид>{id}</Ид>\n        <Наименование>{name}</Наименование>\n      </Склад>"
        )?;
    }
    line!(out, "    </Склады>")
}

fn offer<W: Write>(
    out: &mut Out<'_, W>,
    shape: &Shape,
    offer: (u32, u32),
    part: Part,
) -> io::Result<()> {
    let (good, variant) = offer;
    line!(out, "      <Предложение>")?;
    line!(out, "        <Ид>{}</Ид>", shape.offer_id(good, variant))?;
    if part == Part::All {
        described(out, shape, offer)?;
    }
    if part != Part::Rests {
        prices(out, shape, offer)?;
    }
    match part {
        Part::All => stock(out, shape, offer)?,
        Part::Rests => rests(out, shape, offer)?,
        Part::Prices => {}
    }
    line!(out, "      </Предложение>")
}

fn described<W: Write>(
    out: &mut Out<'_, W>,
    shape: &Shape,
    (good, variant): (u32, u32),
) -> io::Result<()> {
    let name = shape.name_in_xml(good);
    line!(out, "        <Артикул>{}</Артикул>", shape.article(good))?;
    line!(
        out,
        "        <Штрихкод>{}</Штрихкод>",
        shape.barcode(good, variant)
    )?;
    if shape.variants == 0 {
        line!(out, "        <Наименование>{name}</Наименование>")?;
        return unit(out, shape);
    }
    let pairs = shape.characteristics(variant);
    let [(_, size), (_, colour)] = pairs;
    line!(
        out,
        "        <Наименование>{name} ({size}, {colour})</Наименование>"
    )?;
    unit(out, shape)?;
    line!(out, "        <ХарактеристикиТовара>")?;
    for (name, value) in pairs {
        line!(
            out,
            "          <ХарактеристикаТовара>\n            <Наименование>{name}</Наименование>\n            <Значение>{value}</Значение>\n          </ХарактеристикаТовара>"
        )?;
    }
    line!(out, "        </ХарактеристикиТовара>")
}

fn prices<W: Write>(
    out: &mut Out<'_, W>,
    shape: &Shape,
    (good, variant): (u32, u32),
) -> io::Result<()> {
    line!(out, "        <Цены>")?;
    for number in 0..shape.price_types {
        let id = shape.price_type_id(number);
        let kopecks = shape.price_kopecks(good, variant, number);
        let price = rubles(shape, kopecks);
        line!(out, "          <Цена>")?;
        if shape.style == Style::OneC {
            let label = price.replace('.', ",");
            line!(
                out,
                "            <Представление>{label} RUB за шт</Представление>"
            )?;
        }
        line!(
            out,
            "            <ИдТипаЦены>{id}</ИдТипаЦены>\n            <ЦенаЗаЕдиницу>{price}</ЦенаЗаЕдиницу>\n            <Валюта>RUB</Валюта>\n            <Единица>шт</Единица>\n            <Коэффициент>1</Коэффициент>\n          </Цена>"
        )?;
    }
    line!(out, "        </Цены>")
}

/// Rubles as the program writes them: МойСклад as Java does, `45000.0`; 1С without zeros.
fn rubles(shape: &Shape, kopecks: i64) -> String {
    let (whole, rest) = (kopecks / 100, kopecks % 100);
    match (shape.style, rest % 10) {
        (Style::OneC, _) if rest == 0 => whole.to_string(),
        (_, 0) => format!("{whole}.{}", rest / 10),
        _ => format!("{whole}.{rest:02}"),
    }
}

/// Whole units as the program writes them.
fn units(shape: &Shape, thousandths: i64) -> String {
    match shape.style {
        Style::MoySklad => format!("{}.0", thousandths / 1000),
        Style::OneC => (thousandths / 1000).to_string(),
    }
}

fn stock<W: Write>(
    out: &mut Out<'_, W>,
    shape: &Shape,
    (good, variant): (u32, u32),
) -> io::Result<()> {
    let all = units(shape, shape.quantity_thousandths(good, variant));
    line!(out, "        <Количество>{all}</Количество>")?;
    for store in 0..shape.stores {
        let id = shape.store_id(store);
        let amount = units(shape, shape.stock_thousandths(good, variant, store));
        line!(
            out,
            "        <Склад ИдСклада=\"{id}\" КоличествоНаСкладе=\"{amount}\"/>"
        )?;
    }
    Ok(())
}

fn rests<W: Write>(
    out: &mut Out<'_, W>,
    shape: &Shape,
    (good, variant): (u32, u32),
) -> io::Result<()> {
    line!(out, "        <Остатки>")?;
    for store in 0..shape.stores {
        let id = shape.store_id(store);
        let amount = units(shape, shape.stock_thousandths(good, variant, store));
        line!(
            out,
            "          <Остаток>\n            <Склад>\n              <Ид>{id}</Ид>\n              <Количество>{amount}</Количество>\n            </Склад>\n          </Остаток>"
        )?;
    }
    line!(out, "        </Остатки>")
}
