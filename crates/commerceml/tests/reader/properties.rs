//! Random files: cut anywhere, put down anywhere, broken anywhere.

use proptest::prelude::*;
use sklad_commerceml::*;

use crate::support::*;

/// Texts with everything that makes texts difficult.
fn text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        4 => "[а-яА-Яa-z0-9 .,#-]{0,12}",
        1 => Just("&amp;".to_owned()),
        1 => Just("&#1046;".to_owned()),
        1 => Just("&#x41;".to_owned()),
        1 => Just("\r\n".to_owned()),
        1 => Just("<![CDATA[<b>]] >&]]>".to_owned()),
        1 => Just("<!-- нет -->".to_owned()),
        1 => Just("<Лишнее а='1'>x<y/></Лишнее>".to_owned()),
        1 => Just("№ «ё»".to_owned()),
    ];
    proptest::collection::vec(piece, 0..4).prop_map(|pieces| pieces.concat())
}

/// An element with a random text.
fn field(names: &'static [&'static str]) -> impl Strategy<Value = String> {
    (proptest::sample::select(names), text())
        .prop_map(|(name, text)| format!("\n\t<{name}>{text}</{name}>"))
}

fn number() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just("не число".to_owned()),
        "-?[0-9]{1,7}([.,][0-9]{1,5})?",
        "[0-9]{1,3}E[0-9]"
    ]
}

fn product(name: &'static str) -> impl Strategy<Value = String> {
    let part = prop_oneof![
        3 => field(&["Наименование", "Артикул", "Описание", "Штрихкод", "Картинка", "Статус", "Неизвестное"]),
        1 => number().prop_map(|n| format!("<Количество>{n}</Количество>")),
        1 => number().prop_map(|n| format!("<Цены><Цена><ИдТипаЦены>t</ИдТипаЦены><ЦенаЗаЕдиницу>{n}</ЦенаЗаЕдиницу></Цена></Цены>")),
        1 => number().prop_map(|n| format!("<Склад ИдСклада='s' КоличествоНаСкладе='{n}'/>")),
        1 => text().prop_map(|t| format!("<ХарактеристикиТовара><ХарактеристикаТовара><Наименование>Цвет</Наименование><Значение>{t}</Значение></ХарактеристикаТовара></ХарактеристикиТовара>")),
        1 => text().prop_map(|t| format!("<БазоваяЕдиница Код='796 '>{t}<Пересчет><Единица>1</Единица></Пересчет></БазоваяЕдиница>")),
    ];
    ("[a-z0-9#]{0,5}", proptest::collection::vec(part, 0..5))
        .prop_map(move |(id, parts)| format!("<{name}><Ид>{id}</Ид>{}</{name}>", parts.concat()))
}

fn group() -> impl Strategy<Value = String> {
    let leaf = ("[a-z]{0,2}", text(), any::<bool>()).prop_map(|(id, name, first)| {
        let id = format!("<Ид>{id}</Ид>");
        let name = format!("<Наименование>{name}</Наименование>");
        if first {
            format!("<Группа>{id}{name}</Группа>")
        } else {
            format!("<Группа>{name}{id}</Группа>")
        }
    });
    leaf.prop_recursive(4, 12, 3, |inner| {
        ("[a-z]{0,2}", proptest::collection::vec(inner, 0..3), any::<bool>()).prop_map(|(id, inner, first)| {
            let groups = format!("<Группы>{}</Группы>", inner.concat());
            if first {
                format!("<Группа><Ид>{id}</Ид>{groups}</Группа>")
            } else {
                format!("<Группа>{groups}<Ид>{id}</Ид><ПометкаУдаления>{id}</ПометкаУдаления></Группа>")
            }
        })
    })
}

fn section() -> impl Strategy<Value = String> {
    let list = |name: &'static str, items: BoxedStrategy<String>| {
        proptest::collection::vec(items, 0..4)
            .prop_map(move |items| format!("<{name}>{}</{name}>", items.concat()))
    };
    let property = (0..1200_usize, text()).prop_map(|(values, name)| {
        let values: String = (0..values).map(|v| format!("<Значение>{v}</Значение>")).collect();
        format!("<Свойства><Свойство><Ид>p</Ид><Наименование>{name}</Наименование><ВариантыЗначений>{values}</ВариантыЗначений></Свойство></Свойства>")
    });
    let document = (text(), number()).prop_map(|(text, number)| {
        format!("<Контейнер><Документ><Номер>1</Номер><Дата>{number}</Дата><Комментарий>{text}</Комментарий><Товары><Товар><Ид>1</Ид><Сумма>{number}</Сумма></Товар></Товары></Документ></Контейнер>")
    });
    prop_oneof![
        list("Группы", group().boxed())
            .prop_map(|l| format!("<Классификатор><Ид>k</Ид>{l}</Классификатор>")),
        list("Товары", product("Товар").boxed())
            .prop_map(|l| format!("<Каталог СодержитТолькоИзменения='true'>{l}</Каталог>")),
        list("Предложения", product("Предложение").boxed())
            .prop_map(|l| format!("<ПакетПредложений>{l}<Ид>1#</Ид></ПакетПредложений>")),
        property.prop_map(|p| format!("<Классификатор>{p}</Классификатор>")),
        document,
        Just("<Каталог/>".to_owned()),
        Just("<!-- пусто --><?что то?><Неизвестное><Ид>1</Ид></Неизвестное>".to_owned()),
    ]
}

/// A file in one of the encodings.
fn any_file() -> impl Strategy<Value = File> {
    let encoding = proptest::sample::select(
        &[
            "utf-8",
            "bom",
            "windows-1251",
            "mislabelled",
            "utf-16le",
            "utf-16be",
        ][..],
    );
    (proptest::collection::vec(section(), 0..4), encoding).prop_map(|(sections, encoding)| {
        let label = match encoding {
            "windows-1251" => encoding,
            _ => "UTF-8",
        };
        let text = format!(
            "<?xml version=\"1.0\" encoding=\"{label}\"?>\r\n<КоммерческаяИнформация ВерсияСхемы=\"2.08\">\n{}\n</КоммерческаяИнформация>\n",
            sections.concat()
        );
        File(encode(&text, encoding))
    })
}

/// Bytes that show as text when a test fails.
#[derive(Clone)]
struct File(Vec<u8>);

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        f.write_str(&String::from_utf8_lossy(&self.0))
    }
}

/// A text in an encoding.
pub fn encode(text: &str, encoding: &str) -> Vec<u8> {
    let units = || "\u{FEFF}".encode_utf16().chain(text.encode_utf16());
    match encoding {
        "windows-1251" | "mislabelled" => text.chars().map(windows_1251).collect(),
        "utf-16le" => units().flat_map(u16::to_le_bytes).collect(),
        "utf-16be" => units().flat_map(u16::to_be_bytes).collect(),
        "bom" => format!("\u{FEFF}{text}").into_bytes(),
        _ => text.as_bytes().to_vec(),
    }
}

fn windows_1251(char: char) -> u8 {
    match char {
        '\0'..='\x7F' => char as u8,
        'А'..='я' => (char as u32 - 'А' as u32) as u8 + 0xC0,
        'ё' => 0xB8,
        '№' => 0xB9,
        '«' => 0xAB,
        '»' => 0xBB,
        _ => panic!("{char}"),
    }
}

/// Lengths of pushes that repeat.
fn chunks(lengths: &[usize]) -> impl FnMut() -> usize + '_ {
    let mut at = 0;
    move || {
        at += 1;
        lengths[at % lengths.len()]
    }
}

/// Reads a file, putting the reader down after every so many steps and going on with another.
fn with_stops(bytes: &[u8], lengths: &[usize], every: usize) -> Outcome {
    let mut outcome = Outcome::default();
    let mut reader = Reader::new(Limits::default());
    let mut chunk = chunks(lengths);
    let mut steps = 0;
    // A reader that starves has to be given more than it had, or it would be put down for ever.
    let mut hunger = 0;
    loop {
        let step = reader.next();
        outcome.warnings.append(&mut reader.take_warnings());
        steps += 1;
        let starved = step == Ok(Step::More);
        match step {
            Ok(Step::End) => return outcome,
            Err(error) => {
                outcome.error = Some(error);
                return outcome;
            }
            Ok(Step::Item(item)) => {
                hunger = 0;
                outcome.items.push(item);
            }
            Ok(Step::More) => hunger += 1,
        }
        if steps % every == 0 && hunger < 5 {
            let json = serde_json::to_string(&reader.checkpoint()).unwrap();
            reader = Reader::resume(serde_json::from_str(&json).unwrap(), Limits::default());
        } else if starved {
            let rest = &bytes[reader.offset() as usize..];
            match rest.is_empty() {
                true => reader.finish(),
                false => reader.push(&rest[..chunk().clamp(1, rest.len())]),
            }
        }
    }
}

/// Breaks a file: flips bytes, cuts pieces out, repeats pieces.
fn mutate(bytes: &mut Vec<u8>, mutations: &[(u8, usize, usize, u8)]) {
    for &(kind, at, length, byte) in mutations {
        if bytes.is_empty() {
            return;
        }
        let start = at % bytes.len();
        let end = (start + length % 200).min(bytes.len());
        match kind {
            0 => bytes[start] = byte,
            1 => drop(bytes.drain(start..end)),
            2 => {
                let piece = bytes[start..end].to_vec();
                bytes.splice(start..start, piece);
            }
            _ => bytes[start] = b"<>&;!?/\"'= -[]"[usize::from(byte) % 14],
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn cuts_change_nothing(File(bytes) in any_file(), lengths in proptest::collection::vec(1..300_usize, 1..8)) {
        let whole = read(&bytes);
        prop_assert_eq!(&whole.error, &None);
        let cut = drive(Reader::new(Limits::default()), &bytes, chunks(&lengths));
        prop_assert_eq!(whole, cut);
    }

    #[test]
    fn a_reader_put_down_anywhere_goes_on_with_the_rest(
        File(bytes) in any_file(),
        lengths in proptest::collection::vec(1..2000_usize, 1..8),
        every in 1..7_usize,
    ) {
        prop_assert_eq!(read(&bytes), with_stops(&bytes, &lengths, every));
    }

    #[test]
    fn broken_files_end_in_one_error_wherever_they_are_cut(
        File(bytes) in any_file(),
        mutations in proptest::collection::vec((0..4_u8, any::<usize>(), any::<usize>(), any::<u8>()), 1..6),
        lengths in proptest::collection::vec(1..3000_usize, 1..8),
    ) {
        let mut bytes = bytes;
        mutate(&mut bytes, &mutations);
        let whole = read(&bytes);
        prop_assert_eq!(&whole, &drive(Reader::new(Limits::default()), &bytes, chunks(&lengths)));
        prop_assert_eq!(whole, with_stops(&bytes, &lengths, 3));
    }

    #[test]
    fn the_window_stays_small(
        File(bytes) in any_file(),
        mutations in proptest::collection::vec((0..4_u8, any::<usize>(), any::<usize>(), any::<u8>()), 0..6),
        length in 1..4096_usize,
    ) {
        const TEXT: usize = 2048;
        let mut bytes = bytes;
        mutate(&mut bytes, &mutations);
        let mut reader = Reader::new(Limits { text: TEXT, ..Limits::default() });
        for chunk in bytes.chunks(length) {
            reader.push(chunk);
            while let Ok(Step::Item(_)) = reader.next() {}
            // What is left of a token, one push that may double as it is decoded, and what a vector
            // keeps in reserve.
            prop_assert!(reader.window_capacity() <= 4 * (TEXT + 2 * length) + 4096);
            if reader.next().is_err() {
                break;
            }
        }
    }

    #[test]
    fn anything_at_all_is_answered(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        prop_assert!(read(&bytes).error.is_some());
    }

    #[test]
    fn numbers_are_read_as_they_are_written(mantissa in -999_999_999_999_i64..=999_999_999_999, scale in 0..=3_u32) {
        let number = rust_decimal::Decimal::new(mantissa, scale);
        let plain = number.to_string();
        let spaced: String = plain.chars().flat_map(|c| [c, '\u{A0}']).collect();
        for text in [plain.clone(), plain.replace('.', ","), spaced, format!(" {plain}\n"), format!("{plain}E0")] {
            prop_assert_eq!(value::number(&text, 3), Ok(Some(number)), "{}", text);
        }
    }

    #[test]
    fn rounding_is_half_away_from_zero(mantissa in -99_999_999_i64..=99_999_999) {
        let read = value::number(&rust_decimal::Decimal::new(mantissa, 5).to_string(), 4).unwrap().unwrap();
        let expected = (mantissa.abs() + 5) / 10 * mantissa.signum();
        prop_assert_eq!(read, rust_decimal::Decimal::new(expected, 4));
    }

    #[test]
    fn no_text_panics(text in "\\PC{0,40}") {
        let _ = value::number(&text, 4);
        let _ = value::moment(&text);
        let _ = value::time(&text);
        let _ = value::boolean(&text);
        let _ = value::currency(&text);
    }
}
