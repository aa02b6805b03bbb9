//! One test for each thing that files have.

use sklad_commerceml::*;

use crate::properties::encode;
use crate::support::*;

fn some(text: &str) -> Option<String> {
    Some(text.to_owned())
}

#[test]
fn the_root_and_the_sections_come_in_order() {
    let items = read(
        "<c:КоммерческаяИнформация xmlns:c='urn:1C.ru:commerceml_3' ВерсияСхемы='3.1' ДатаФормирования='2014-06-01T0:36:33' Ид=''>\
         <c:ПакетПредложений><c:СодержитТолькоИзменения>true</c:СодержитТолькоИзменения><c:Ид>1#</c:Ид><c:Предложения/></c:ПакетПредложений>\
         <c:ИзмененияПакетаПредложений><c:Ид>2</c:Ид><c:ИдКаталога>3</c:ИдКаталога></c:ИзмененияПакетаПредложений>\
         </c:КоммерческаяИнформация>",
    )
    .ok();
    let Item::Root(root) = &items[0] else {
        panic!("{items:?}")
    };
    assert_eq!(
        (root.version.as_deref(), root.id.as_deref()),
        (Some("3.1"), Some(""))
    );
    let at = root.generated_at().unwrap();
    assert_eq!(
        (at.local.to_string().as_str(), at.offset),
        ("2014-06-01 00:36:33", None)
    );
    let package = Section {
        kind: SectionKind::Package,
        id: some("1#"),
        changes_only: Some(true),
        listed: true,
        ..Section::default()
    };
    assert_eq!(
        items[1..3],
        [Item::Open(package.clone()), Item::Close(package)]
    );
    let Item::Close(changes) = &items[4] else {
        panic!("{items:?}")
    };
    assert!(changes.is_delta() && changes.changes_only.is_none());
    assert_eq!(changes.catalogue.as_deref(), Some("3"));
}

#[test]
fn groups_know_their_parents_whatever_comes_first() {
    let groups = read(file(
        "<Классификатор><Группы>\
         <Группа><Ид>a</Ид><Наименование> А </Наименование><Группы><Группа><Ид>b</Ид></Группа></Группы><ПометкаУдаления>true</ПометкаУдаления></Группа>\
         <Группа><Группы><Группа><Ид>d</Ид></Группа><Группа Статус='Удален'><Ид>e</Ид><Описание> </Описание></Группа></Группы><Ид>c</Ид></Группа>\
         <Группа><Ид>f</Ид><Родитель>a</Родитель></Группа>\
         <Группа><Группы><Группа><Ид>g</Ид></Группа></Группы></Группа>\
         </Группы></Классификатор>",
    ))
    .groups();
    let seen: Vec<_> = groups
        .iter()
        .map(|g| (g.id.as_str(), g.parent.as_deref(), g.order, g.deleted))
        .collect();
    assert_eq!(
        seen,
        [
            ("b", Some("a"), 1, None),
            ("a", None, 0, Some(true)),
            ("d", Some("c"), 3, None),
            ("e", Some("c"), 4, Some(true)),
            ("c", None, 2, None),
            ("f", Some("a"), 5, None),
            ("g", None, 7, None),
        ]
    );
    assert_eq!(groups[1].name, some("А"));
    assert_eq!(groups[3].description, some(""));
}

#[test]
fn the_lists_of_the_classifier() {
    let items = read(file(
        "<Классификатор><Ид>k</Ид>\
         <Категории><Категория><Ид>1</Ид><Наименование>Лампы</Наименование><Свойства><Ид>p</Ид><Ид>q</Ид></Свойства></Категория></Категории>\
         <Свойства><СвойствоНоменклатуры><Ид>p</Ид><Наименование>Цвет</Наименование><Множественное>Да</Множественное><Внешний>0</Внешний>\
         <ТипыЗначений><ТипЗначений><Тип>Справочник</Тип><ВариантыЗначений><ВариантЗначения><Ид>v</Ид><Значение>Синий</Значение></ВариантЗначения></ВариантыЗначений></ТипЗначений></ТипыЗначений>\
         <ДляТоваров>1</ДляТоваров></СвойствоНоменклатуры></Свойства>\
         <ТипыЦен><ТипЦены><Ид>t</Ид><Наименование>Розничная</Наименование><Валюта>руб.</Валюта><Налог><Наименование>НДС</Наименование><УчтеноВСумме>true</УчтеноВСумме></Налог></ТипЦены></ТипыЦен>\
         <Склады><Склад><Ид>s</Ид><Адрес><Представление>Москва</Представление></Адрес><Контакты><Контакт><Тип>x</Тип></Контакт></Контакты></Склад></Склады>\
         <ЕдиницыИзмерения><ЕдиницаИзмерения><Код>796 </Код><НаименованиеКраткое>шт</НаименованиеКраткое></ЕдиницаИзмерения></ЕдиницыИзмерения>\
         </Классификатор>",
    ))
    .ok();
    let category = Category {
        id: "1".into(),
        name: some("Лампы"),
        properties: vec!["p".into(), "q".into()],
        deleted: None,
    };
    assert_eq!(items[2], Item::Category(category));
    let value = PropertyValue {
        id: some("v"),
        value: "Синий".into(),
    };
    let property = Property {
        id: "p".into(),
        name: some("Цвет"),
        kind: some("Справочник"),
        values: Some(vec![value]),
        for_goods: Some(true),
        multiple: Some(true),
        external: Some(false),
        ..Property::default()
    };
    assert_eq!(items[3], Item::Property(property));
    let price_type = PriceType {
        id: "t".into(),
        name: some("Розничная"),
        currency: some("RUB"),
        tax_included: Some(true),
        deleted: None,
    };
    assert_eq!(items[4], Item::PriceType(price_type));
    assert_eq!(
        items[5],
        Item::Store(Store {
            id: "s".into(),
            address: some("Москва"),
            ..Store::default()
        })
    );
    assert_eq!(
        items[6],
        Item::Unit(UnitEntry {
            code: some("796"),
            short: some("шт"),
            ..UnitEntry::default()
        })
    );
}

#[test]
fn many_values_come_in_portions_before_their_property() {
    let values: String = (0..1203)
        .map(|v| {
            format!("<Справочник><ИдЗначения>{v}</ИдЗначения><Значение>{v}</Значение></Справочник>")
        })
        .collect();
    let items = read(file(&format!("<Классификатор><Свойства><Свойство><Ид>p</Ид><ВариантыЗначений>{values}</ВариантыЗначений></Свойство></Свойства></Классификатор>"))).ok();
    let sizes: Vec<_> = items
        .iter()
        .filter_map(|item| match item {
            Item::PropertyValues { property, values } if property == "p" => Some(values.len()),
            Item::Property(property) => property.values.as_ref().map(Vec::len),
            _ => None,
        })
        .collect();
    assert_eq!(sizes, [500, 500, 203]);
}

#[test]
fn what_is_absent_is_none_and_what_is_empty_is_empty() {
    let bare = Product {
        id: some("p"),
        ..Product::default()
    };
    assert_eq!(good(""), bare);
    let empty = good(
        "<Артикул> </Артикул><Наименование/><Группы/><Картинка/><ЗначенияСвойств/><Цены/><Остатки/><Количество/><Описание/><Штрихкод></Штрихкод>",
    );
    let expected = Product {
        article: some(""),
        groups: Some(vec![]),
        pictures: Some(vec![]),
        properties: Some(vec![]),
        prices: Some(vec![]),
        stocks: Some(vec![]),
        description: some(""),
        barcodes: Some(vec![]),
        ..bare
    };
    assert_eq!(empty, expected);
}

#[test]
fn every_field_of_a_good() {
    let good = good(
        "<НомерВерсии>7</НомерВерсии><Штрихкод>46</Штрихкод><ШтрихКод> 47 </ШтрихКод><Артикул> A-1 </Артикул><Код>00-1</Код>\
         <Наименование> Чай\n</Наименование><ПолноеНаименование>Чай чёрный</ПолноеНаименование>\
         <БазоваяЕдиница Код='796 ' НаименованиеПолное='Штука' МеждународноеСокращение='PCE'>шт<Пересчет><Единица>796</Единица></Пересчет></БазоваяЕдиница>\
         <Группы><Ид>g1</Ид><Ид>g2</Ид></Группы><Категория>k</Категория><Описание> &lt;p&gt; </Описание><ОписаниеВФорматеHTML>нет</ОписаниеВФорматеHTML>\
         <Картинка>import_files/0d/a.jpg</Картинка><Картинка>b.png</Картинка><Страна>Индия</Страна><ТорговаяМарка>M</ТорговаяМарка>\
         <Изготовитель><Ид>i</Ид><Наименование>Завод</Наименование></Изготовитель><Вес>0,25</Вес><Ширина>1</Ширина><Длина>2</Длина><Высота>3.5</Высота>\
         <ЗначенияСвойств><ЗначенияСвойства><Ид>p1</Ид><Значение>v1</Значение><Значение/><Значение>v2</Значение></ЗначенияСвойства></ЗначенияСвойств>\
         <СтавкиНалогов><СтавкаНалога><Наименование>НДС</Наименование><Ставка>18/118</Ставка></СтавкаНалога></СтавкиНалогов>\
         <ХарактеристикиТовара><ХарактеристикаТовара><Наименование>Вес</Наименование><Значение>1 кг</Значение></ХарактеристикаТовара></ХарактеристикиТовара>\
         <ЗначенияРеквизитов><ЗначениеРеквизита><Наименование>Файл</Наименование><Значение>1</Значение><Значение/></ЗначениеРеквизита></ЗначенияРеквизитов>\
         <Комплектующие><Комплектующее><Ид>чужой</Ид></Комплектующее></Комплектующие>",
    );
    let expected = Product {
        id: some("p"),
        version: some("7"),
        barcodes: Some(vec!["46".into(), "47".into()]),
        article: some("A-1"),
        code: some("00-1"),
        name: some("Чай"),
        full_name: some("Чай чёрный"),
        unit: Some(Unit {
            text: some("шт"),
            code: some("796"),
            name: some("Штука"),
            international: some("PCE"),
        }),
        groups: Some(vec!["g1".into(), "g2".into()]),
        category: some("k"),
        description: some(" <p> "),
        pictures: Some(vec!["import_files/0d/a.jpg".into(), "b.png".into()]),
        country: some("Индия"),
        brand: some("M"),
        manufacturer: some("Завод"),
        weight: Some(dec("0.25")),
        width: Some(dec("1")),
        length: Some(dec("2")),
        height: Some(dec("3.5")),
        properties: Some(vec![ProductProperty {
            id: some("p1"),
            name: None,
            values: vec!["v1".into(), "v2".into()],
        }]),
        taxes: Some(vec![TaxRate {
            name: some("НДС"),
            rate: some("18/118"),
        }]),
        characteristics: Some(vec![Characteristic {
            id: None,
            name: some("Вес"),
            value: some("1 кг"),
        }]),
        requisites: vec![Requisite {
            name: some("Файл"),
            values: vec!["1".into(), String::new()],
        }],
        ..Product::default()
    };
    assert_eq!(good, expected);
}

#[test]
fn every_mark_of_deletion() {
    let first = |xml: &str| read(goods(xml)).products().remove(0).deleted;
    assert_eq!(
        first("<Товар Статус='Удален'><Ид>1</Ид></Товар>"),
        Some(true)
    );
    assert_eq!(
        first("<Товар Статус='Изменен'><Ид>1</Ид></Товар>"),
        Some(false)
    );
    assert_eq!(first("<Товар Статус=''><Ид>1</Ид></Товар>"), None);
    assert_eq!(
        good("<Статус>Удалён</Статус><ПометкаУдаления>false</ПометкаУдаления>").deleted,
        Some(true)
    );
    assert_eq!(
        good("<ПометкаУдаления>true</ПометкаУдаления>").deleted,
        Some(true)
    );
    assert_eq!(
        good("<ПометкаУдаления>false</ПометкаУдаления>").deleted,
        Some(false)
    );
    assert_eq!(good("<ПометкаУдаления/>").deleted, None);
}

#[test]
fn variants() {
    let ids = |id: &str| {
        let offer = read(offers(&format!("<Предложение><Ид>{id}</Ид></Предложение>")))
            .products()
            .remove(0);
        (
            offer.product_id().map(str::to_owned),
            offer.variant_id().map(str::to_owned),
        )
    };
    assert_eq!(ids("P"), (some("P"), None));
    assert_eq!(ids("P#C#D"), (some("P"), some("C#D")));
    assert_eq!(ids("P#"), (some("P"), None));
    let old = offer(
        "<ИдХарактеристики>C</ИдХарактеристики><КодЕдиницыИзмерения>796</КодЕдиницыИзмерения>",
    );
    assert_eq!(
        (old.variant_id(), old.unit.clone().unwrap().code),
        (Some("C"), some("796"))
    );
    let nameless = "<Предложение><Наименование>x</Наименование></Предложение><Предложение><Артикул>a</Артикул></Предложение>";
    let outcome = read(offers(nameless));
    assert_eq!(outcome.warnings[0].code, WarningCode::NoId);
    assert_eq!(outcome.products().len(), 1);
}

#[test]
fn prices() {
    let offer = offer(
        "<Цены><Цена><Представление>3 037,5 RUB за пар</Представление><ИдТипаЦены>t</ИдТипаЦены><ЦенаЗаЕдиницу>3\u{A0}037,5</ЦенаЗаЕдиницу>\
         <Валюта>643</Валюта><Единица>пар</Единица><Коэффициент>2</Коэффициент><МинКоличество>1.0</МинКоличество><Налог><Наименование>x</Наименование></Налог></Цена>\
         <Цена><ЦенаЗаЕдиницу>0.005</ЦенаЗаЕдиницу></Цена></Цены>",
    );
    let price = Price {
        price_type: some("t"),
        value: Some(dec("3037.5")),
        currency: some("RUB"),
        unit: some("пар"),
        factor: Some(dec("2")),
        min_quantity: Some(dec("1.0")),
    };
    let prices = offer.prices.unwrap();
    assert_eq!(prices[0], price);
    assert_eq!(
        (price.kopecks(), prices[1].kopecks()),
        (Some(303_750), Some(1))
    );
}

#[test]
fn every_spelling_of_stock() {
    let stock = |store: Option<&str>, quantity: &str| Stock {
        store: store.map(str::to_owned),
        quantity: Some(dec(quantity)),
    };
    for (xml, expected) in [
        (
            "<Склад ИдСклада='s' КоличествоНаСкладе='-1.0'/><Склад ИдСклада='t' КоличествоНаСкладе='2'/>",
            vec![stock(Some("s"), "-1.0"), stock(Some("t"), "2")],
        ),
        (
            "<Склады ИдСклада='s' КоличествоНаСкладе='1'/>",
            vec![stock(Some("s"), "1")],
        ),
        (
            "<Склады><Склад ИдСклада='s' КоличествоНаСкладе='1'/></Склады>",
            vec![stock(Some("s"), "1")],
        ),
        (
            "<Остатки><Остаток><Склад><Ид>s</Ид><Количество>3</Количество></Склад></Остаток></Остатки>",
            vec![stock(Some("s"), "3")],
        ),
        (
            "<Остатки><Остаток><Склад><Ид>s</Ид><Количество>3</Количество></Склад><Склад><Ид>t</Ид><Количество>4</Количество></Склад></Остаток></Остатки>",
            vec![stock(Some("s"), "3"), stock(Some("t"), "4")],
        ),
        (
            "<Остатки><Остаток><Количество>5</Количество></Остаток></Остатки>",
            vec![stock(None, "5")],
        ),
        (
            "<Остатки><Остаток><Склад><Ид>s</Ид></Склад><Количество>5</Количество></Остаток>\
             <Остаток><Количество>4</Количество><Склад><Ид>t</Ид></Склад></Остаток></Остатки>",
            vec![stock(Some("s"), "5"), stock(Some("t"), "4")],
        ),
        (
            "<ОстаткиПоСкладам><ОстатокПоСкладу><Склад><Ид>s</Ид></Склад>\
             <КоличествоНаСкладе>6</КоличествоНаСкладе></ОстатокПоСкладу></ОстаткиПоСкладам>",
            vec![stock(Some("s"), "6")],
        ),
        (
            "<ОстаткиПоСкладам><ОстатокПоСкладу><ИдСклада>s</ИдСклада><Количество>6</Количество></ОстатокПоСкладу></ОстаткиПоСкладам>",
            vec![stock(Some("s"), "6")],
        ),
        (
            "<ОстаткиПоСкладам><ОстатокПоСкладу ИдСклада='s' КоличествоНаСкладе='6'/></ОстаткиПоСкладам>",
            vec![stock(Some("s"), "6")],
        ),
        (
            "<КоличествоНаСкладе ИдСклада='s'>7</КоличествоНаСкладе>",
            vec![stock(Some("s"), "7")],
        ),
        (
            "<КоличествоНаСкладе><ИдСклада>s</ИдСклада><Количество>7</Количество></КоличествоНаСкладе>",
            vec![stock(Some("s"), "7")],
        ),
    ] {
        assert_eq!(offer(xml).stocks, Some(expected), "{xml}");
    }
}

#[test]
fn documents() {
    let xml = "<Контейнер><Документ><Номер>5</Номер><Номер1С>НФ-1</Номер1С><Дата1С>2024-01-08T10:00:00</Дата1С><Дата>2024-01-08T09:00:00</Дата><Валюта>руб</Валюта><Сумма>100.5</Сумма>\
        <Контрагенты><Контрагент><Ид>1#a#Б</Ид><Роль>Покупатель</Роль><Имя>Пётр</Имя><АдресРегистрации><Представление>Москва</Представление><АдресноеПоле><Тип>Город</Тип><Значение>Москва</Значение></АдресноеПоле></АдресРегистрации>\
        <Контакты><Контакт><Тип>Почта</Тип><Значение>a@b</Значение></Контакт></Контакты><Представители><Представитель><Контрагент><Ид>чужой</Ид></Контрагент></Представитель></Представители></Контрагент></Контрагенты>\
        <Товары><Товар><Ид>ORDER_DELIVERY</Ид><Сумма>300</Сумма><Налоги><Налог><Наименование>НДС</Наименование><УчтеноВСумме>true</УчтеноВСумме><Сумма>50</Сумма></Налог></Налоги><Скидки><Скидка><Процент>10</Процент></Скидка></Скидки>\
        <ЗначенияРеквизитов><ЗначениеРеквизита><Наименование>ТипНоменклатуры</Наименование><Значение>Услуга</Значение></ЗначениеРеквизита></ЗначенияРеквизитов></Товар></Товары>\
        <ЗначенияРеквизитов><ЗначениеРеквизита><Наименование>Отменен</Наименование><Значение>false</Значение></ЗначениеРеквизита></ЗначенияРеквизитов></Документ></Контейнер>";
    let document = read(file(xml)).documents().remove(0);
    assert_eq!(
        (document.id.as_deref(), document.number_1c.as_deref()),
        (None, Some("НФ-1"))
    );
    assert_eq!(document.time.unwrap().to_string(), "09:00:00");
    assert_eq!(document.kopecks(), Some(10_050));
    let partner = &document.partners[0];
    assert_eq!(
        (document.partners.len(), partner.first_name.as_deref()),
        (1, Some("Пётр"))
    );
    assert_eq!(partner.address.as_deref(), Some("Москва"));
    assert_eq!(
        partner.contacts,
        [Contact {
            kind: some("Почта"),
            value: some("a@b")
        }]
    );
    assert_eq!(partner.address_fields.len(), 1);
    let item = &document.items.as_ref().unwrap()[0];
    assert_eq!(
        (item.kopecks(), item.taxes[0].included),
        (Some(30_000), Some(true))
    );
    assert_eq!(item.discounts[0].percent, Some(dec("10")));
    assert_eq!((item.requisites.len(), document.requisites.len()), (1, 1));
}

#[test]
fn every_encoding_reads_the_same() {
    let text = "<?xml version=\"1.0\" encoding=\"UTF-8\"?><КоммерческаяИнформация><Каталог><Товары><Товар><Ид>№1</Ид><Количество>x</Количество></Товар></Товары></Каталог></КоммерческаяИнформация>";
    let plain = read(text);
    assert_eq!(plain.warnings.len(), 1);
    for encoding in ["bom", "utf-16le", "utf-16be"] {
        assert_eq!(read(encode(text, encoding)), plain, "{encoding}");
    }
    let declared = text.replace("UTF-8", "Windows-1251");
    assert_eq!(read(encode(&declared, "windows-1251")).ok(), plain.items);
    let guessed = read(encode(text, "mislabelled"));
    assert_eq!(guessed.warnings[0].code, WarningCode::Encoding);
    assert_eq!(guessed.ok(), plain.items);
    let twice = [b"\xEF\xBB\xBF\xEF\xBB\xBF", text.as_bytes()].concat();
    assert_eq!(read(twice), plain);
    let without = text.split_once("?>").unwrap().1;
    assert_eq!(read(without).ok(), plain.items);
}

#[test]
fn a_doubtful_value_is_a_warning_with_its_place_and_object() {
    let outcome = read(offers(
        "\n<Предложение><Ид>p7</Ид><Количество>много</Количество></Предложение>",
    ));
    let warning = &outcome.warnings[0];
    assert_eq!((warning.line, warning.column), (3, 42));
    assert_eq!(
        (warning.object.as_deref(), warning.code),
        (Some("p7"), WarningCode::Number)
    );
    assert_eq!(warning.text, "Количество: не число: «много»");
    let long = read(offers(&format!(
        "<Предложение><Ид>{}</Ид><Артикул>a</Артикул></Предложение>",
        "я".repeat(256)
    )));
    assert_eq!(long.warnings[0].code, WarningCode::LongId);
    assert_eq!(long.products()[0].id, None);
    let many = read(offers(
        &"<Предложение><Ид>1</Ид><Количество>x</Количество></Предложение>".repeat(3),
    ));
    assert_eq!(many.warnings.len(), 3);
}

#[test]
fn numbers() {
    use value::NumberError::{NotANumber, Range};
    let number = |text: &str| value::number(text, 4).map(|n| n.map(|n| n.to_string()));
    for (text, expected) in [
        ("1 234,5", "1234.5"),
        ("1.234.567,89", "1234567.89"),
        ("1,234,567.89", "1234567.89"),
        ("\u{2212}1\u{202F}000", "-1000"),
        ("1.0E7", "10000000.0"),
        ("1.5e-3", "0.0015"),
        ("+7", "7"),
        (".5", "0.5"),
        ("5.", "5"),
        ("0.00005", "0.0001"),
        ("1e-999", "0"),
    ] {
        assert_eq!(
            number(text).unwrap().unwrap().parse(),
            expected.parse::<rust_decimal::Decimal>(),
            "{text}"
        );
    }
    assert_eq!(number(" \u{A0}\n"), Ok(None));
    for text in [
        "1'000.00",
        "x",
        "-",
        ".",
        "1,2,3",
        "1e",
        "e5",
        "--1",
        "1e99999999999",
        "NaN",
    ] {
        assert_eq!(number(text), Err(NotANumber), "{text}");
    }
    for text in [
        "1000000000000000",
        "-1e15",
        "1e99",
        "99999999999999999999999999999999",
    ] {
        assert_eq!(number(text), Err(Range), "{text}");
    }
}

#[test]
fn dates() {
    let moment = |text| value::moment(text).map(|m| (m.local.to_string(), m.offset, m.timed));
    let at = |text: &str, offset| Some((text.to_owned(), offset, true));
    assert_eq!(
        moment("2024-01-08T15:47:02.082+03:00"),
        at("2024-01-08 15:47:02.082", Some(180))
    );
    assert_eq!(
        moment("2022-10-31UTC02:25:50"),
        at("2022-10-31 02:25:50", None)
    );
    assert_eq!(
        moment("11.02.2021 18:45:21"),
        at("2021-02-11 18:45:21", None)
    );
    assert_eq!(
        moment("2024-01-08T15:47:02.123456Z"),
        at("2024-01-08 15:47:02.123456", Some(0))
    );
    assert_eq!(
        moment("2020-08-11"),
        Some(("2020-08-11 00:00:00".to_owned(), None, false))
    );
    for text in ["", "вчера", "2020-13-01", "2020-01-01T25:00", "01.01"] {
        assert_eq!(moment(text), None, "{text}");
    }
}

#[test]
fn booleans_and_currencies() {
    for (text, expected) in [
        ("true", Some(true)),
        ("ДА", Some(true)),
        (" 0 ", Some(false)),
        ("Нет", Some(false)),
        ("", None),
    ] {
        assert_eq!(value::boolean(text), Ok(expected), "{text}");
    }
    assert!(value::boolean("может быть").is_err());
    for (text, expected) in [
        ("RUR", "RUB"),
        ("Руб.", "RUB"),
        ("643", "RUB"),
        ("грн", "UAH"),
        ("840", "USD"),
        ("тугрик", "тугрик"),
    ] {
        assert_eq!(value::currency(text).as_deref(), Some(expected));
    }
    assert_eq!(value::currency(" "), None);
    assert_eq!(value::id(&"a".repeat(256)), None);
}
