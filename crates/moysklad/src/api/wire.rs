//! Objects of the JSON API, with the names that it gives them (moysklad-json-api.md §3).
//!
//! Every field may be missing, null or of another kind than documented: it is then as if it were not
//! there. Numbers are read from their text.

use rust_decimal::prelude::ToPrimitive;
use rust_decimal::{Decimal, RoundingStrategy};
use serde_json::value::RawValue;

use sklad_raw::{Raw, decimal, id, last_segment, members, object, text};

/// A reference: `{"href", "type", …}`; of a list also its size.
#[derive(Clone, Copy, Debug, Default)]
pub struct Meta<'a> {
    /// Address of the object.
    pub href: Raw<'a>,
    /// What it is, as `product`.
    pub kind: Raw<'a>,
    /// Of a list: how many elements it has.
    pub size: Raw<'a>,
    /// Of a picture: where its file is.
    pub download_href: Raw<'a>,
}

members!(Meta {
    href: "href",
    kind: "type",
    size: "size",
    download_href: "downloadHref"
});

/// `{"meta": …}`, and what an expanded reference has beside it.
#[derive(Clone, Copy, Debug, Default)]
pub struct Reference<'a> {
    /// The reference itself.
    pub meta: Raw<'a>,
    /// The object's id, where it is expanded.
    pub id: Raw<'a>,
    /// Of an expanded list: its elements.
    pub rows: Raw<'a>,
}

members!(Reference {
    meta: "meta",
    id: "id",
    rows: "rows"
});

/// The id of the object that `raw` refers to: the last segment of its address, which may have a query
/// behind it (§5.5), in lower case.
#[must_use]
pub fn reference(raw: Raw<'_>) -> Option<String> {
    let reference: Reference<'_> = object(raw)?;
    let meta: Meta<'_> = object(reference.meta).unwrap_or_default();
    text(meta.href)
        .and_then(|href| last_segment(&href))
        .or_else(|| id(reference.id))
}

/// A list, expanded or not: its elements as far as they are there.
#[must_use]
pub fn elements<'a>(raw: Raw<'a>) -> Vec<Raw<'a>> {
    let rows = object::<Reference<'a>>(raw).and_then(|list| list.rows);
    // Some fields are bare arrays.
    let list: Vec<&RawValue> = object(rows.or(raw)).unwrap_or_default();
    list.into_iter().map(Some).collect()
}

/// How many elements a list that is not expanded has.
#[must_use]
pub fn size(raw: Raw<'_>) -> u64 {
    let reference: Reference<'_> = object(raw).unwrap_or_default();
    let meta: Meta<'_> = object(reference.meta).unwrap_or_default();
    text(meta.size)
        .and_then(|size| size.parse().ok())
        .unwrap_or_default()
}

/// `true` or `false`; `None` for anything else.
#[must_use]
pub fn flag(raw: Raw<'_>) -> Option<bool> {
    match raw?.get() {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

/// Kopecks of an amount that is written in kopecks, with parts of one (§1.7): rounded, half away from zero.
#[must_use]
pub fn kopecks(raw: Raw<'_>) -> Option<i64> {
    decimal(raw)?
        .round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero)
        .to_i64()
}

/// Thousandths of a quantity; `None` for more than fits.
#[must_use]
pub fn thousandths(raw: Raw<'_>) -> Option<i64> {
    decimal(raw)?
        .checked_mul(Decimal::ONE_THOUSAND)?
        .round_dp_with_strategy(0, RoundingStrategy::MidpointAwayFromZero)
        .to_i64()
}

/// A product, service, bundle or variant: the fields of all of them.
#[derive(Clone, Copy, Debug, Default)]
pub struct Good<'a> {
    /// Says what it is.
    pub meta: Raw<'a>,
    /// The id.
    pub id: Raw<'a>,
    /// When it changed last, Moscow time.
    pub updated: Raw<'a>,
    /// Name; of a variant with its characteristics.
    pub name: Raw<'a>,
    /// Code that people see.
    pub code: Raw<'a>,
    /// Code for exchanges.
    pub external_code: Raw<'a>,
    /// Article; a service has none.
    pub article: Raw<'a>,
    /// Description.
    pub description: Raw<'a>,
    /// Whether it is in the archive.
    pub archived: Raw<'a>,
    /// The folder it lies in; a variant has none.
    pub product_folder: Raw<'a>,
    /// Of a variant: its product.
    pub product: Raw<'a>,
    /// VAT, percent.
    pub effective_vat: Raw<'a>,
    /// Tells 0 % from no VAT.
    pub effective_vat_enabled: Raw<'a>,
    /// Unit.
    pub uom: Raw<'a>,
    /// Pictures.
    pub images: Raw<'a>,
    /// `{"value", "currency"}`
    pub min_price: Raw<'a>,
    /// `[{"value", "currency", "priceType"}]`
    pub sale_prices: Raw<'a>,
    /// Whether discounts are forbidden.
    pub discount_prohibited: Raw<'a>,
    /// Kind of marking.
    pub tracking_type: Raw<'a>,
    /// Whether it is sold by weight; there when it is.
    pub weighed: Raw<'a>,
    /// `[{"ean13": "…"}]`
    pub barcodes: Raw<'a>,
    /// `[{"uom", "quantity", "barcodes"}]`
    pub packs: Raw<'a>,
    /// Of a variant: `[{"id", "name", "value"}]`
    pub characteristics: Raw<'a>,
    /// Of a bundle.
    pub components: Raw<'a>,
    /// Weight.
    pub weight: Raw<'a>,
    /// Volume.
    pub volume: Raw<'a>,
}

members!(Good {
    meta: "meta",
    id: "id",
    updated: "updated",
    name: "name",
    code: "code",
    external_code: "externalCode",
    article: "article",
    description: "description",
    archived: "archived",
    product_folder: "productFolder",
    product: "product",
    effective_vat: "effectiveVat",
    effective_vat_enabled: "effectiveVatEnabled",
    uom: "uom",
    images: "images",
    min_price: "minPrice",
    sale_prices: "salePrices",
    discount_prohibited: "discountProhibited",
    tracking_type: "trackingType",
    weighed: "weighed",
    barcodes: "barcodes",
    packs: "packs",
    characteristics: "characteristics",
    components: "components",
    weight: "weight",
    volume: "volume",
});

/// `{"value", "currency", "priceType"}`
#[derive(Clone, Copy, Debug, Default)]
pub struct Price<'a> {
    /// Kopecks of the currency.
    pub value: Raw<'a>,
    /// Currency; the account's own where it is not told.
    pub currency: Raw<'a>,
    /// Of a sale price: its type.
    pub price_type: Raw<'a>,
}

members!(Price {
    value: "value",
    currency: "currency",
    price_type: "priceType"
});

/// What dictionaries have: folders, stores, currencies, units, price types, points of sale,
/// organisations.
#[derive(Clone, Copy, Debug, Default)]
pub struct Entry<'a> {
    /// The reference to it.
    pub meta: Raw<'a>,
    /// The id.
    pub id: Raw<'a>,
    /// Name.
    pub name: Raw<'a>,
    /// Code for exchanges.
    pub external_code: Raw<'a>,
    /// Whether it is in the archive.
    pub archived: Raw<'a>,
    /// Of a folder: the one it lies in.
    pub product_folder: Raw<'a>,
    /// Of a store.
    pub address: Raw<'a>,
    /// Of a currency: its letters.
    pub iso_code: Raw<'a>,
    /// Of a currency: whether it is the account's own.
    pub default: Raw<'a>,
    /// Of a unit: its code (ОКЕИ); of others the code that people see.
    pub code: Raw<'a>,
    /// Of a point of sale: its store.
    pub store: Raw<'a>,
    /// Of a point of sale: whether it works.
    pub active: Raw<'a>,
    /// Of an organisation: the account.
    pub account_id: Raw<'a>,
    /// Of an organisation.
    pub inn: Raw<'a>,
}

members!(Entry {
    meta: "meta",
    id: "id",
    name: "name",
    external_code: "externalCode",
    archived: "archived",
    product_folder: "productFolder",
    address: "address",
    iso_code: "isoCode",
    default: "default",
    code: "code",
    store: "store",
    active: "active",
    account_id: "accountId",
    inn: "inn",
});

/// A pack: so many units under a barcode of its own.
#[derive(Clone, Copy, Debug, Default)]
pub struct Pack<'a> {
    /// The unit of the pack.
    pub uom: Raw<'a>,
    /// How many units of the good.
    pub quantity: Raw<'a>,
    /// At most one.
    pub barcodes: Raw<'a>,
}

members!(Pack {
    uom: "uom",
    quantity: "quantity",
    barcodes: "barcodes"
});

/// What tells a variant from its sisters.
#[derive(Clone, Copy, Debug, Default)]
pub struct Characteristic<'a> {
    /// As `Цвет`.
    pub name: Raw<'a>,
    /// As `красный`.
    pub value: Raw<'a>,
}

members!(Characteristic {
    name: "name",
    value: "value"
});

/// A part of a bundle.
#[derive(Clone, Copy, Debug, Default)]
pub struct Component<'a> {
    /// The good.
    pub assortment: Raw<'a>,
    /// How many of it.
    pub quantity: Raw<'a>,
}

members!(Component {
    assortment: "assortment",
    quantity: "quantity"
});

/// A picture.
#[derive(Clone, Copy, Debug, Default)]
pub struct Image<'a> {
    /// Says where the file is.
    pub meta: Raw<'a>,
    /// Name of the file.
    pub filename: Raw<'a>,
}

members!(Image {
    meta: "meta",
    filename: "filename"
});

/// Barcodes of an array of objects with one field each: kind and value, in their order.
#[must_use]
pub fn barcodes(raw: Raw<'_>) -> Vec<(&'static str, String)> {
    const KINDS: [&str; 5] = ["ean13", "ean8", "code128", "gtin", "upc"];
    let mut codes = Vec::new();
    for element in elements(raw) {
        let Some(element) = element else { continue };
        let fields =
            serde_json::from_str::<std::collections::BTreeMap<String, &RawValue>>(element.get());
        for (kind, value) in fields.unwrap_or_default() {
            let known = KINDS.iter().find(|known| **known == kind);
            codes.extend(known.and_then(|kind| Some((*kind, text(Some(value))?))));
        }
    }
    codes
}

/// A counterparty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Counterparty<'a> {
    /// The id.
    pub id: Raw<'a>,
    /// Name.
    pub name: Raw<'a>,
    /// As somebody typed it.
    pub phone: Raw<'a>,
    /// E-mail.
    pub email: Raw<'a>,
    /// Discount card.
    pub discount_card_number: Raw<'a>,
    /// Groups: an array of texts.
    pub tags: Raw<'a>,
    /// Whether it is in the archive.
    pub archived: Raw<'a>,
    /// `legal`, `entrepreneur` or `individual`.
    pub company_type: Raw<'a>,
    /// Given name of a person.
    pub legal_first_name: Raw<'a>,
    /// Patronymic.
    pub legal_middle_name: Raw<'a>,
    /// Family name.
    pub legal_last_name: Raw<'a>,
    /// `YYYY-MM-DD HH:mm:ss`
    pub birth_date: Raw<'a>,
    /// `MALE` or `FEMALE`
    pub sex: Raw<'a>,
    /// When it changed last, Moscow time.
    pub updated: Raw<'a>,
}

members!(Counterparty {
    id: "id",
    name: "name",
    phone: "phone",
    email: "email",
    discount_card_number: "discountCardNumber",
    tags: "tags",
    archived: "archived",
    company_type: "companyType",
    legal_first_name: "legalFirstName",
    legal_middle_name: "legalMiddleName",
    legal_last_name: "legalLastName",
    birth_date: "birthDate",
    sex: "sex",
    updated: "updated",
});

/// A row of the short stock reports.
#[derive(Clone, Copy, Debug, Default)]
pub struct StockRow<'a> {
    /// Product or variant.
    pub assortment_id: Raw<'a>,
    /// Store; none in the report of all stores together.
    pub store_id: Raw<'a>,
    /// How much there is.
    pub stock: Raw<'a>,
}

members!(StockRow {
    assortment_id: "assortmentId",
    store_id: "storeId",
    stock: "stock"
});

/// A subscription to webhooks (§2.1, §2.8).
#[derive(Clone, Copy, Debug, Default)]
pub struct Webhook<'a> {
    /// The id.
    pub id: Raw<'a>,
    /// Of which objects.
    pub entity_type: Raw<'a>,
    /// `CREATE`, `UPDATE`, `DELETE`
    pub action: Raw<'a>,
    /// Of a subscription to stock: `all`, `bystore`
    pub report_type: Raw<'a>,
    /// Where calls go.
    pub url: Raw<'a>,
    /// Whether it is at work.
    pub enabled: Raw<'a>,
}

members!(Webhook {
    id: "id",
    entity_type: "entityType",
    action: "action",
    report_type: "reportType",
    url: "url",
    enabled: "enabled"
});

/// Who calls: an employee (§3.13) or a solution (§1.2).
#[derive(Clone, Copy, Debug, Default)]
pub struct Caller<'a> {
    /// The id.
    pub id: Raw<'a>,
    /// Login of an employee.
    pub uid: Raw<'a>,
    /// Id of a solution's installation.
    pub app_uid: Raw<'a>,
    /// The account.
    pub account_id: Raw<'a>,
}

members!(Caller {
    id: "id",
    uid: "uid",
    app_uid: "appUid",
    account_id: "accountId"
});

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(json: &str) -> Box<RawValue> {
        RawValue::from_string(json.to_owned()).unwrap()
    }

    #[test]
    fn money_is_exact_to_the_kopeck() {
        for (json, expected) in [
            ("346347237062.0", Some(346_347_237_062)),
            ("9007199254740993", Some(9_007_199_254_740_993)),
            ("9223372036854775807.0", Some(i64::MAX)),
            ("100", Some(100)),
            ("0.5", Some(1)),
            ("0.4999", Some(0)),
            ("-0.5", Some(-1)),
            ("1.0E3", Some(1_000)),
            ("\"12,0\"", Some(12)),
            ("1e300", None),
            ("null", None),
            ("{}", None),
            ("\"\"", None),
        ] {
            assert_eq!(kopecks(Some(&raw(json))), expected, "{json}");
        }
        assert_eq!(thousandths(Some(&raw("46.5"))), Some(46_500));
        assert_eq!(thousandths(Some(&raw("-0.0004"))), Some(0));
    }

    #[test]
    fn an_id_is_the_last_segment_without_its_query() {
        let of = |href: &str| reference(Some(&raw(&format!(r#"{{"meta":{{"href":"{href}"}}}}"#))));
        let id = "c02e3a5c-007e-11e6-9464-e4de00000006";
        let base = "https://api.moysklad.ru/api/remap/1.2/entity/product";
        assert_eq!(of(&format!("{base}/{id}?expand=supplier")).unwrap(), id);
        assert_eq!(of(&format!("{base}/{}/", id.to_uppercase())).unwrap(), id);
        assert_eq!(of(base), None);
        assert_eq!(of(""), None);
    }

    #[test]
    fn barcodes_have_their_kinds() {
        let json = raw(r#"[{"ean8":"20000000"},{"gtin":130},{"other":"1"},7,{"ean13":null},{}]"#);
        assert_eq!(
            barcodes(Some(&json)),
            [("ean8", "20000000".to_owned()), ("gtin", "130".to_owned())]
        );
        assert!(barcodes(None).is_empty());
    }

    #[test]
    fn lists_are_read_expanded_and_bare() {
        assert_eq!(elements(Some(&raw("[1,2]"))).len(), 2);
        assert_eq!(elements(Some(&raw(r#"{"meta":{},"rows":[1]}"#))).len(), 1);
        let unread = raw(r#"{"meta":{"size":3}}"#);
        assert_eq!((elements(Some(&unread)).len(), size(Some(&unread))), (0, 3));
    }
}
