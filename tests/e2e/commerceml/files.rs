//! Small files by hand, for tests that are about one thing.

/// МойСклад's constant id of the default price type.
pub const SALE: &str = "cbcf493b-55bc-11d9-848a-00112f43529a";

const PROLOG: &str = "<?xml version=\"1.0\" encoding=\"UTF-8\" standalone=\"yes\"?>\n";

/// A file of the 2.04 that МойСклад writes, with this inside.
pub fn document(inside: &str) -> Vec<u8> {
    format!(
        "{PROLOG}<КоммерческаяИнформация ВерсияСхемы=\"2.04\" \
         ДатаФормирования=\"2026-03-01T10:00:00.000+03:00\">{inside}</КоммерческаяИнформация>"
    )
    .into_bytes()
}

/// Two groups, one in the other: «Кухня» (`g-1`) and «Посуда» (`g-2`).
pub const GROUPS: &str = "<Классификатор><Ид>c</Ид><Наименование>К</Наименование><Группы><Группа>\
     <Ид>g-1</Ид><Наименование>Кухня</Наименование><Группы><Группа><Ид>g-2</Ид>\
     <Наименование>Посуда</Наименование></Группа></Группы></Группа><Группа><Ид>g-3</Ид>\
     <Наименование>Сад</Наименование></Группа></Группы></Классификатор>";

/// A catalogue of these goods; `changes`: it says that it has changes alone.
pub fn catalogue(goods: &str, changes: bool) -> Vec<u8> {
    document(&format!(
        "{GROUPS}<Каталог СодержитТолькоИзменения=\"{changes}\"><Ид>c</Ид>\
         <ИдКлассификатора>c</ИдКлассификатора><Наименование>К</Наименование>\
         <Товары>{goods}</Товары></Каталог>"
    ))
}

/// A full catalogue of goods `(id, name)` in «Посуда».
pub fn goods(list: &[(&str, &str)]) -> Vec<u8> {
    let goods: String = list.iter().map(|(id, name)| good(id, name, "")).collect();
    catalogue(&goods, false)
}

/// A good in «Посуда», with more elements.
pub fn good(id: &str, name: &str, more: &str) -> String {
    format!(
        "<Товар><Ид>{id}</Ид><Артикул>А-{id}</Артикул><Наименование>{name}</Наименование>\
         <БазоваяЕдиница>шт</БазоваяЕдиница><Группы><Ид>g-2</Ид></Группы>{more}</Товар>"
    )
}

/// The price types and stores of [`package`].
pub const REFERENCES: &str = "<ТипыЦен><ТипЦены><Ид>cbcf493b-55bc-11d9-848a-00112f43529a</Ид>\
     <Наименование>Цена продажи</Наименование><Валюта>RUB</Валюта></ТипЦены><ТипЦены><Ид>opt</Ид>\
     <Наименование>Оптовая</Наименование><Валюта>RUB</Валюта></ТипЦены></ТипыЦен><Склады><Склад>\
     <Ид>s-1</Ид><Наименование>Центральный</Наименование></Склад><Склад><Ид>s-2</Ид>\
     <Наименование>Запасной</Наименование></Склад></Склады>";

/// A package of these offers.
pub fn package(offers: &str, changes: bool) -> Vec<u8> {
    document(&format!(
        "<ПакетПредложений СодержитТолькоИзменения=\"{changes}\"><Ид>c#</Ид>\
         <Наименование>П</Наименование><ИдКаталога>c</ИдКаталога>{REFERENCES}\
         <Предложения>{offers}</Предложения></ПакетПредложений>"
    ))
}

/// An offer with a sale price in rubles, a wholesale price that is two rubles less, and stock in two
/// stores.
pub fn offer(id: &str, rubles: i64, stock: (i64, i64), more: &str) -> String {
    let (first, second) = stock;
    format!(
        "<Предложение><Ид>{id}</Ид>{more}<Цены><Цена><ИдТипаЦены>{SALE}</ИдТипаЦены>\
         <ЦенаЗаЕдиницу>{rubles}.0</ЦенаЗаЕдиницу><Валюта>RUB</Валюта></Цена><Цена>\
         <ИдТипаЦены>opt</ИдТипаЦены><ЦенаЗаЕдиницу>{}.50</ЦенаЗаЕдиницу><Валюта>RUB</Валюта></Цена>\
         </Цены><Количество>{}.0</Количество><Склад ИдСклада=\"s-1\" КоличествоНаСкладе=\"{first}.0\"/>\
         <Склад ИдСклада=\"s-2\" КоличествоНаСкладе=\"{second}.0\"/></Предложение>",
        rubles - 2,
        first + second
    )
}

/// A variant's characteristic.
pub fn size(value: &str) -> String {
    format!(
        "<Наименование>Кружка ({value})</Наименование><ХарактеристикиТовара><ХарактеристикаТовара>\
         <Наименование>Размер</Наименование><Значение>{value}</Значение></ХарактеристикаТовара>\
         </ХарактеристикиТовара>"
    )
}

/// A picture of so many bytes, different for every `seed`: a PNG by its signature.
pub fn png(seed: u8, length: usize) -> Vec<u8> {
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut state = u32::from(seed) + 1;
    while bytes.len() < length {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        bytes.push((state >> 24) as u8);
    }
    bytes
}

/// A generated catalogue.
pub fn import_of(shape: &samples::Shape) -> Vec<u8> {
    let mut bytes = Vec::new();
    samples::write_import(&mut bytes, shape).unwrap();
    bytes
}

/// Its offers.
pub fn offers_of(shape: &samples::Shape) -> Vec<u8> {
    let mut bytes = Vec::new();
    samples::write_offers(&mut bytes, shape).unwrap();
    bytes
}
