//! From МойСклад's objects to what the catalogue and the loyalty programme store: pure.
//!
//! A good is known by its UUID and by its `externalCode`, which is what CommerceML calls it by; a variant
//! there is `{product}#{variant}` (commerceml.md §2.7). Folders, stores and price types are called by their
//! `externalCode` too, as in CommerceML.
//!
//! Fields that are empty are left out of answers (moysklad-json-api.md §1.7): what is absent is empty.

use std::collections::BTreeMap;

use serde_json::json;
use serde_json::value::RawValue;
use sklad_catalog::import::{Change, Keys, Kind, Price, Section, Side, Stock};
use sklad_catalog::refs::RefInput;
use sklad_loyalty::customers::{Identity, Person};
use sklad_tenant::clock;
use sklad_tenant::moysklad_import::GoodsImport;

use crate::api::wire::{
    Characteristic, Component, Counterparty, Entry, Good, Image, Meta, Pack, StockRow, barcodes,
    elements, flag, kopecks, reference, thousandths,
};
use sklad_raw::{Raw, decimal, id, last_segment, object, text};

/// With what the names of МойСклад's picture files begin.
pub const PICTURE: &str = "ms-";
/// The currency of a price that names none that is known.
const RUB: &str = "RUB";
/// Kinds of marking of what the law forbids to sell with discounts: tobacco, alternative tobacco,
/// products with nicotine. The names of the last two are UNVERIFIED.
const TOBACCO: [&str; 4] = ["TOBACCO", "OTP", "NCP", "NICOTINE"];

/// What is known of the product of a variant.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Product {
    /// Its external id.
    pub external: Option<String>,
    /// Whether it is tobacco.
    pub tobacco: bool,
    /// Whether it is sold by weight.
    pub weighed: bool,
    /// Unit.
    pub unit: Option<String>,
}

/// What is known beside the row itself; all by МойСклад's ids.
#[derive(Debug, Clone, Default)]
pub struct Known {
    /// Our categories by folder.
    pub folders: BTreeMap<String, String>,
    /// Names of units.
    pub uoms: BTreeMap<String, String>,
    /// Letters of currencies.
    pub currencies: BTreeMap<String, String>,
    /// Products of variants.
    pub products: BTreeMap<String, Product>,
}

/// Whether `words`, which a merchant typed, name a thing that has these names, in whatever case. No words
/// name everything.
#[must_use]
pub fn wanted(words: &[String], names: &[Option<&str>]) -> bool {
    words.is_empty() || words.iter().any(|word| is_named(word, names))
}

/// Whether a word is one of these names.
#[must_use]
pub fn is_named(word: &str, names: &[Option<&str>]) -> bool {
    let word = word.trim().to_lowercase();
    let mut names = names.iter().flatten();
    names.any(|name| name.trim().to_lowercase() == word)
}

/// A row of a list of goods: the fields, as far as it is an object with an id.
#[must_use]
pub fn row<'a>(raw: &'a RawValue) -> Option<(String, Good<'a>)> {
    let good: Good<'a> = object(Some(raw))?;
    Some((id(good.id)?, good))
}

/// The product of a variant.
#[must_use]
pub fn product_of(good: &Good<'_>) -> Option<String> {
    reference(good.product)
}

/// The folder of a good.
#[must_use]
pub fn folder_of(good: &Good<'_>) -> Option<String> {
    reference(good.product_folder)
}

/// A good as the catalogue takes it. `ms_id` is its id.
#[must_use]
pub fn good(
    ms_id: &str,
    good: &Good<'_>,
    kind: Kind,
    known: &Known,
    settings: &GoodsImport,
) -> Change {
    let variant = kind == Kind::Variant;
    let parent_id = variant.then(|| product_of(good)).flatten();
    let product = parent_id.as_ref().and_then(|id| known.products.get(id));
    let own = text(good.external_code);
    let external = match (variant, product.and_then(|p| p.external.as_ref())) {
        (true, Some(product)) => own.map(|own| format!("{product}#{own}")),
        (true, None) => None,
        (false, _) => own,
    };
    let packs = packs(good.packs, known);
    let codes = barcodes(good.barcodes);
    let uom = reference(good.uom).and_then(|id| known.uoms.get(&id).cloned());
    let unit = match product {
        Some(product) => product.unit.clone(),
        None => uom,
    };
    Change {
        keys: Keys {
            ms_id: Some(ms_id.to_owned()),
            external: external.filter(|id| id.chars().count() <= MAX_EXTERNAL_CHARS),
            ..Keys::default()
        },
        side: Some(Side::Card),
        catalogue: None,
        parent: None,
        // A variant without a product is nobody's: with this it is passed over.
        parent_id: variant.then(|| parent_id.unwrap_or_default()),
        create: true,
        kind: Some(kind),
        name: text(good.name),
        article: Some(text(good.article).unwrap_or_default()),
        code: Some(text(good.code).unwrap_or_default()),
        barcodes: Some(all_codes(&codes, &packs)),
        categories: (!variant).then(|| categories(good, known)),
        unit: unit.or_else(|| (!variant).then(String::new)),
        description: Some(text(good.description).unwrap_or_default()),
        price: None,
        min_price: Some(min_price(good)),
        discount_prohibited: Some(flag(good.discount_prohibited) == Some(true)),
        tobacco: Some(product.map_or_else(|| is_tobacco(good), |product| product.tobacco)),
        weighed: Some(product.map_or_else(|| flag(good.weighed) == Some(true), |p| p.weighed)),
        archived: None,
        deleted: Some(flag(good.archived) == Some(true)),
        beside: false,
        quantity: None,
        untracked: false,
        prices: Some(Section::Replace(prices(good, known, settings))),
        stock: None,
        characteristics: variant.then(|| characteristics(good)),
        properties: None,
        requisites: None,
        pictures: pictures(good, settings),
        extra: Some(extra(good, &codes, &packs)),
    }
}

/// The longest external id that the catalogue takes, in characters.
const MAX_EXTERNAL_CHARS: usize = 255;

fn categories(good: &Good<'_>, known: &Known) -> Vec<String> {
    let folder = folder_of(good).and_then(|id| known.folders.get(&id).cloned());
    folder.into_iter().collect()
}

fn is_tobacco(good: &Good<'_>) -> bool {
    text(good.tracking_type).is_some_and(|kind| TOBACCO.contains(&kind.as_str()))
}

/// The price below which no discount goes; zero is none.
fn min_price(good: &Good<'_>) -> Option<i64> {
    let price: crate::api::wire::Price<'_> = object(good.min_price)?;
    kopecks(price.value).filter(|kopecks| *kopecks > 0)
}

fn prices(good: &Good<'_>, known: &Known, settings: &GoodsImport) -> Vec<Price> {
    let one = |raw: Raw<'_>| {
        let price: crate::api::wire::Price<'_> = object(raw)?;
        let entry: Entry<'_> = object(price.price_type)?;
        let (id, name) = (entry_id(&entry)?, text(entry.name));
        let own = own_id(&entry);
        let names = [Some(id.as_str()), own.as_deref(), name.as_deref()];
        if !wanted(&settings.price_types, &names) {
            return None;
        }
        let currency = reference(price.currency).and_then(|id| known.currencies.get(&id));
        Some(Price {
            price_type: id,
            kopecks: kopecks(price.value)?,
            currency: currency.cloned().unwrap_or_else(|| RUB.to_owned()),
        })
    };
    elements(good.sale_prices)
        .into_iter()
        .filter_map(one)
        .collect()
}

/// A pack: unit, thousandths of the good's unit, barcodes.
type Packed = (String, i64, Vec<(&'static str, String)>);

fn packs(raw: Raw<'_>, known: &Known) -> Vec<Packed> {
    let one = |raw: Raw<'_>| {
        let pack: Pack<'_> = object(raw)?;
        let unit = reference(pack.uom).and_then(|id| known.uoms.get(&id).cloned());
        Some((
            unit.unwrap_or_default(),
            thousandths(pack.quantity)?,
            barcodes(pack.barcodes),
        ))
    };
    elements(raw).into_iter().filter_map(one).collect()
}

/// The good's own barcodes, then those of its packs: by either it is found.
fn all_codes(own: &[(&'static str, String)], packs: &[Packed]) -> Vec<String> {
    let packed = packs.iter().flat_map(|(_, _, codes)| codes);
    own.iter()
        .chain(packed)
        .map(|(_, code)| code.clone())
        .collect()
}

fn characteristics(good: &Good<'_>) -> Vec<(String, String)> {
    let one = |raw: Raw<'_>| {
        let one: Characteristic<'_> = object(raw)?;
        Some((text(one.name)?, text(one.value).unwrap_or_default()))
    };
    elements(good.characteristics)
        .into_iter()
        .filter_map(one)
        .collect()
}

/// The names under which the pictures are kept: of the files to be fetched, so that a name says where a
/// file is. `None` where pictures are not wanted or were not expanded.
fn pictures(good: &Good<'_>, settings: &GoodsImport) -> Option<Vec<String>> {
    let list = elements(good.images);
    if !settings.images || (list.is_empty() && crate::api::wire::size(good.images) > 0) {
        return None;
    }
    Some(list.into_iter().filter_map(picture).collect())
}

fn picture(raw: Raw<'_>) -> Option<String> {
    let image: Image<'_> = object(raw)?;
    let meta: Meta<'_> = object(image.meta)?;
    let file = last_segment(&text(meta.download_href)?)?;
    let plain = |text: &str| text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-');
    let name = text(image.filename).unwrap_or_default().to_lowercase();
    let end = name.rsplit_once('.').map(|(_, end)| end);
    let end = end.filter(|end| (1..=5).contains(&end.len()) && plain(end));
    plain(&file).then(|| format!("{PICTURE}{file}.{}", end.unwrap_or("jpg")))
}

/// Where the file of a picture is that [`good`] named so; `None` for another's name.
#[must_use]
pub fn picture_path(name: &str) -> Option<String> {
    let (file, _) = name.strip_prefix(PICTURE)?.rsplit_once('.')?;
    Some(format!("/download/{file}"))
}

fn extra(
    good: &Good<'_>,
    codes: &[(&'static str, String)],
    packs: &[Packed],
) -> BTreeMap<String, String> {
    let vat = match flag(good.effective_vat_enabled) {
        Some(false) => Some("без НДС".to_owned()),
        _ => number(good.effective_vat),
    };
    let kinds: Vec<&str> = codes.iter().map(|(kind, _)| *kind).collect();
    let packs = (!packs.is_empty()).then(|| json!(packs).to_string());
    let components: Vec<(String, i64)> = elements(good.components)
        .into_iter()
        .filter_map(|raw| {
            let component: Component<'_> = object(raw)?;
            Some((
                reference(component.assortment)?,
                thousandths(component.quantity)?,
            ))
        })
        .collect();
    let components = (!components.is_empty()).then(|| json!(components).to_string());
    // An empty text removes one.
    [
        ("vat", vat),
        ("weight", number(good.weight)),
        ("volume", number(good.volume)),
        ("barcode_kinds", Some(kinds.join(","))),
        ("packs", packs),
        ("components", components),
    ]
    .into_iter()
    .map(|(name, text)| (name.to_owned(), text.unwrap_or_default()))
    .collect()
}

fn number(raw: Raw<'_>) -> Option<String> {
    decimal(raw).map(|number| number.normalize().to_string())
}

/// The id of an entry of a dictionary in the catalogue: its external code, as in CommerceML, else its own
/// id.
#[must_use]
pub fn entry_id(entry: &Entry<'_>) -> Option<String> {
    let code = text(entry.external_code).filter(|code| code.chars().count() <= MAX_EXTERNAL_CHARS);
    code.or_else(|| own_id(entry))
}

/// The id that МойСклад itself calls an entry by.
#[must_use]
pub fn own_id(entry: &Entry<'_>) -> Option<String> {
    id(entry.id).or_else(|| {
        let meta: Meta<'_> = object(entry.meta)?;
        last_segment(&text(meta.href)?)
    })
}

/// An entry of a dictionary as the catalogue takes it, with these texts beside its name.
#[must_use]
pub fn dictionary(entry: &Entry<'_>, data: &[(&str, Option<String>)]) -> Option<RefInput> {
    let data = data
        .iter()
        .filter_map(|(name, text)| Some(((*name).to_owned(), text.clone()?)));
    Some(RefInput {
        position: None,
        id: entry_id(entry)?,
        parent: None,
        name: text(entry.name).unwrap_or_default(),
        data: data.collect(),
        deleted: flag(entry.archived) == Some(true) || flag(entry.active) == Some(false),
    })
}

/// What lies where of one good, of the rows of a short report, and how much of it in all the stores that
/// count. `stores` are ours by МойСклад's; one that is not among them does not count.
#[must_use]
pub fn stock(rows: &[StockRow<'_>], stores: &BTreeMap<String, String>) -> (Vec<Stock>, i64) {
    let mut list = Vec::new();
    let mut sum: i64 = 0;
    for row in rows {
        let store = id(row.store_id).and_then(|id| stores.get(&id));
        // Without a number it is being counted anew at this moment.
        let (Some(store), Some(thousandths)) = (store, thousandths(row.stock)) else {
            continue;
        };
        sum = sum.saturating_add(thousandths);
        list.push(Stock {
            store: store.clone(),
            thousandths,
        });
    }
    (list, sum)
}

/// A customer: by what he is recognised, and what is known of him. `None` for a row without an id.
#[must_use]
pub fn customer(raw: &RawValue) -> Option<(Identity, Person)> {
    let given: Counterparty<'_> = object(Some(raw))?;
    let ms_id = id(given.id)?;
    let (card, phone) = (text(given.discount_card_number), text(given.phone));
    let identity = Identity::new([ms_id.as_str()], card.as_deref(), phone.as_deref());
    let born = text(given.birth_date)
        .and_then(|date| clock::parse(&date))
        .map(|at| at.date());
    let sex = text(given.sex).filter(|sex| sex == "MALE" || sex == "FEMALE");
    let person = Person {
        name: text(given.name),
        first_name: text(given.legal_first_name),
        middle_name: text(given.legal_middle_name),
        last_name: text(given.legal_last_name),
        phone: phone.filter(|_| identity.phone.is_some()),
        card,
        email: text(given.email),
        birth_date: born,
        sex,
    };
    Some((identity.with_native(Some(&ms_id)), person))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HREF: &str = "https://api.moysklad.ru/api/remap/1.2/entity";

    fn mapped(json: &str, kind: Kind, known: &Known, settings: &GoodsImport) -> Option<Change> {
        let raw = RawValue::from_string(json.to_owned()).unwrap();
        let (ms_id, row) = row(&raw)?;
        Some(good(&ms_id, &row, kind, known, settings))
    }

    fn product(json: &str) -> Change {
        mapped(
            json,
            Kind::Product,
            &Known::default(),
            &GoodsImport::default(),
        )
        .unwrap()
    }

    #[test]
    fn what_is_absent_is_empty_and_takes_away_what_was_there() {
        let change = product(r#"{"id":"A-1","name":"Чай"}"#);
        assert_eq!(change.keys.ms_id.as_deref(), Some("a-1"));
        assert_eq!(change.article.as_deref(), Some(""));
        assert_eq!(change.min_price, Some(None));
        assert_eq!(change.prices, Some(Section::Replace(Vec::new())));
        assert_eq!(change.categories, Some(Vec::new()));
        assert_eq!(change.deleted, Some(false));
        assert_eq!(change.discount_prohibited, Some(false));
    }

    #[test]
    fn a_variant_is_called_as_in_commerceml_and_is_as_its_product_is() {
        let mut known = Known::default();
        let parent = Product {
            external: Some("P".into()),
            tobacco: true,
            weighed: false,
            unit: Some("шт".into()),
        };
        known.products.insert("p-1".into(), parent);
        let json = format!(
            r#"{{"id":"v-1","externalCode":"V","product":{{"meta":{{"href":"{HREF}/product/p-1"}}}},
                "characteristics":[{{"name":"Цвет","value":"красный"}}]}}"#
        );
        let settings = GoodsImport::default();
        let change = mapped(&json, Kind::Variant, &known, &settings).unwrap();
        assert_eq!(change.keys.external.as_deref(), Some("P#V"));
        assert_eq!(change.parent_id.as_deref(), Some("p-1"));
        assert_eq!(change.tobacco, Some(true));
        assert_eq!(change.unit.as_deref(), Some("шт"));
        assert_eq!(change.categories, None, "they are its product's");
        let pairs = vec![("Цвет".to_owned(), "красный".to_owned())];
        assert_eq!(change.characteristics, Some(pairs));
        // Of a product that is not known here the code would be another good's.
        let change = mapped(&json, Kind::Variant, &Known::default(), &settings).unwrap();
        assert_eq!(change.keys.external, None);
    }

    #[test]
    fn only_prices_that_are_wanted_come_and_exactly() {
        let settings = GoodsImport {
            price_types: vec!["ОПТ".into(), "code-1".into()],
            ..GoodsImport::default()
        };
        let mut known = Known::default();
        known.currencies.insert("c-1".into(), "USD".into());
        let json = format!(
            r#"{{"id":"1","salePrices":[
                {{"value":346347237062.5,"priceType":{{"id":"t-1","name":"Опт","externalCode":"e-1"}},
                  "currency":{{"meta":{{"href":"{HREF}/currency/c-1"}}}}}},
                {{"value":1,"priceType":{{"id":"t-2","name":"Розница","externalCode":"code-1"}}}},
                {{"value":2,"priceType":{{"id":"t-3","name":"Друзьям","externalCode":"e-3"}}}},
                {{"value":"x","priceType":{{"id":"t-4","name":"Опт"}}}},
                {{"value":3}}, 7]}}"#
        );
        let change = mapped(&json, Kind::Product, &known, &settings).unwrap();
        let price = |id: &str, kopecks, currency: &str| Price {
            price_type: id.into(),
            kopecks,
            currency: currency.into(),
        };
        let expected = vec![
            price("e-1", 346_347_237_063, "USD"),
            price("code-1", 1, "RUB"),
        ];
        assert_eq!(change.prices, Some(Section::Replace(expected)));
    }

    #[test]
    fn packs_and_kinds_of_barcodes_are_kept() {
        let mut known = Known::default();
        known.uoms.insert("u-1".into(), "уп".into());
        let json = format!(
            r#"{{"id":"1","barcodes":[{{"ean13":"200"}}],"packs":[{{"quantity":35,"barcodes":[{{"ean8":"300"}}],
                "uom":{{"meta":{{"href":"{HREF}/uom/u-1"}}}}}}],"trackingType":"TOBACCO"}}"#
        );
        let change = mapped(&json, Kind::Product, &known, &GoodsImport::default()).unwrap();
        assert_eq!(change.barcodes, Some(vec!["200".into(), "300".into()]));
        let extra = change.extra.unwrap();
        assert_eq!(extra["barcode_kinds"], "ean13");
        assert_eq!(extra["packs"], r#"[["уп",35000,[["ean8","300"]]]]"#);
        assert_eq!(change.tobacco, Some(true));
    }

    #[test]
    fn pictures_are_called_by_where_they_are() {
        let settings = GoodsImport {
            images: true,
            ..GoodsImport::default()
        };
        let json = r#"{"id":"1","images":{"meta":{"size":2},"rows":[
            {"filename":"Чай.PNG","meta":{"downloadHref":"https://x/api/remap/1.2/download/AB-1"}},
            {"filename":"../../x","meta":{"downloadHref":"https://x/download/2"}},
            {"filename":"x","meta":{"downloadHref":"https://x/download/..%2f1"}}, {}]}}"#;
        let of = |json: &str, settings: &GoodsImport| {
            let change = mapped(json, Kind::Product, &Known::default(), settings);
            change.unwrap().pictures
        };
        let names = vec!["ms-ab-1.png".to_owned(), "ms-2.jpg".to_owned()];
        assert_eq!(of(json, &settings), Some(names));
        assert_eq!(of(json, &GoodsImport::default()), None);
        let unread = r#"{"id":"1","images":{"meta":{"size":2}}}"#;
        assert_eq!(
            of(unread, &settings),
            None,
            "there are some, not told which"
        );
        assert_eq!(of(r#"{"id":"1"}"#, &settings), Some(Vec::new()));
        assert_eq!(
            picture_path("ms-ab-1.png").as_deref(),
            Some("/download/ab-1")
        );
        assert_eq!(picture_path("ab.png"), None);
    }

    #[test]
    fn stock_is_summed_over_the_stores_that_count() {
        let stores = [("s-1", "main"), ("s-2", "shop")];
        let stores = stores.map(|(a, b)| (a.to_owned(), b.to_owned())).into();
        let json = r#"[{"storeId":"s-1","stock":46.5},{"storeId":"s-2","stock":-0.5},
            {"storeId":"s-3","stock":9},{"storeId":null,"stock":1},{"storeId":"s-1","stock":null}]"#;
        let rows: Vec<StockRow<'_>> = serde_json::from_str(json).unwrap();
        let (list, sum) = stock(&rows, &stores);
        assert_eq!((list.len(), sum), (2, 46_000));
    }

    #[test]
    fn a_counterparty_is_a_customer() {
        let json = r#"{"id":"C-1","name":"Мария","phone":"+7 (903) 000-00-01","discountCardNumber":"A7",
            "birthDate":"1990-02-03 00:00:00.000","sex":"FEMALE","legalFirstName":"Мария","email":"m@x.ru"}"#;
        let raw = RawValue::from_string(json.to_owned()).unwrap();
        let (identity, person) = customer(&raw).unwrap();
        assert_eq!(identity.uuids, ["c-1"]);
        assert_eq!(identity.phone.as_deref(), Some("79030000001"));
        assert_eq!(identity.card.as_deref(), Some("a7"));
        assert_eq!(person.birth_date.unwrap().to_string(), "1990-02-03");
        let raw =
            RawValue::from_string(r#"{"id":"1","phone":"нет","birthDate":7}"#.into()).unwrap();
        let (identity, person) = customer(&raw).unwrap();
        assert_eq!(
            (identity.phone, person.phone, person.birth_date),
            (None, None, None)
        );
    }

    fn json() -> impl Strategy<Value = serde_json::Value> {
        let leaf = prop_oneof![
            Just(serde_json::Value::Null),
            any::<bool>().prop_map(Into::into),
            any::<i64>().prop_map(Into::into),
            any::<f64>().prop_map(Into::into),
            "[a-z0-9/.:?-]{0,12}".prop_map(Into::into),
            Just(json!({"meta": {"href": "https://x/product/1", "size": 1}})),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            let name = prop_oneof![
                Just("meta"),
                Just("rows"),
                Just("value"),
                Just("priceType"),
                Just("externalCode"),
                Just("id"),
                Just("quantity"),
                Just("ean13"),
                Just("href")
            ];
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..4).prop_map(Into::into),
                proptest::collection::vec((name, inner), 0..4).prop_map(|fields| {
                    let fields = fields.into_iter().map(|(k, v)| (k.to_owned(), v));
                    serde_json::Value::Object(fields.collect())
                }),
            ]
        })
    }

    proptest! {
        #[test]
        fn no_object_makes_the_mapping_panic(values in proptest::collection::vec(json(), 20), kind in 0..4) {
            const NAMES: [&str; 20] = [
                "externalCode", "name", "salePrices", "minPrice", "barcodes", "packs", "images", "product",
                "productFolder", "characteristics", "components", "uom", "archived", "article", "code",
                "trackingType", "weight", "effectiveVat", "meta", "description",
            ];
            let fields = NAMES.into_iter().map(str::to_owned).zip(values);
            let mut object: serde_json::Map<String, serde_json::Value> = fields.collect();
            object.insert("id".into(), "1".into());
            let kind = [Kind::Product, Kind::Variant, Kind::Service, Kind::Bundle][kind as usize];
            let settings = GoodsImport { images: true, ..GoodsImport::default() };
            let text = serde_json::Value::Object(object).to_string();
            let change = mapped(&text, kind, &Known::default(), &settings).unwrap();
            prop_assert!(change.create && change.keys.ms_id.is_some());
        }

        #[test]
        fn whole_kopecks_are_exact(kopecks in 0_i64..=i64::MAX, fraction in proptest::bool::ANY) {
            let end = if fraction { ".0" } else { "" };
            let json = format!(r#"{{"id":"1","minPrice":{{"value":{kopecks}{end}}}}}"#);
            let expected = Some(kopecks).filter(|kopecks| *kopecks > 0);
            prop_assert_eq!(product(&json).min_price, Some(expected));
        }
    }
}
