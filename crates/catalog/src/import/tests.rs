//! Laws of the merge.

use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;

use super::record::{BY_HAND, GONE, LIVE, Record, WITH_PRODUCT};
use super::{Change, Options, Price, Section, Stock, merge};

fn price(price_type: &str, kopecks: i64) -> Price {
    Price {
        price_type: price_type.to_owned(),
        kopecks,
        currency: "RUB".to_owned(),
    }
}

fn section<T: std::fmt::Debug + Clone + 'static>(
    item: impl Strategy<Value = T> + 'static,
) -> impl Strategy<Value = Option<Section<T>>> {
    let items = vec(item, 0..4);
    let both = (any::<bool>(), items).prop_map(|(whole, items)| {
        if whole {
            Section::Replace(items)
        } else {
            Section::Merge(items)
        }
    });
    option::of(both)
}

/// The half of a change that says what a good is.
fn what() -> impl Strategy<Value = Change> {
    let text = || option::of("[а-в ]{0,3}");
    let pairs = || option::of(vec(("[ab]", "[cd]{0,2}"), 0..3));
    let lists = || option::of(vec(("[ab]", vec("[cd]", 0..2)), 0..3));
    let texts = (text(), text(), text(), text());
    (
        texts,
        option::of(vec("[1-3]{1,2}", 0..4)),
        pairs(),
        lists(),
        lists(),
    )
        .prop_map(
            |(
                (name, article, code, description),
                barcodes,
                characteristics,
                properties,
                requisites,
            )| {
                Change {
                    name,
                    article,
                    code,
                    description,
                    barcodes,
                    characteristics,
                    properties,
                    requisites,
                    ..Change::default()
                }
            },
        )
}

/// The half that says what it costs and where it lies.
fn how_much() -> impl Strategy<Value = Change> {
    let prices = section(("[pqr]", -1..5_i64).prop_map(|(id, kopecks)| price(&id, kopecks)));
    let stock =
        section(("[st]", -5..5_i64).prop_map(|(store, thousandths)| Stock { store, thousandths }));
    let extra = option::of(proptest::collection::btree_map("[xy]", "[z]{0,1}", 0..3));
    let deleted = option::of(any::<bool>());
    (prices, stock, option::of(-3..3_i64), extra, deleted).prop_map(
        |(prices, stock, quantity, extra, deleted)| Change {
            prices,
            stock,
            quantity,
            extra,
            deleted,
            ..Change::default()
        },
    )
}

fn apply(record: &Record, change: &Change) -> Record {
    let options = Options {
        price_type: Some("p"),
        min_price_type: Some("q"),
        ..Options::default()
    };
    let mut record = record.clone();
    merge::apply(&mut record, change, &options, &mut Vec::new());
    record
}

fn stored() -> impl Strategy<Value = Record> {
    let flags = (any::<bool>(), 0..3_i64);
    (what(), how_much(), flags).prop_map(|(what, how_much, (tobacco, archived))| {
        let record = Record {
            tobacco,
            archived,
            ..Record::default()
        };
        apply(&apply(&record, &what), &how_much)
    })
}

proptest! {
    #[test]
    fn the_same_change_twice_is_one(record in stored(), a in what(), b in how_much()) {
        for change in [a, b] {
            let once = apply(&record, &change);
            prop_assert_eq!(&apply(&once, &change), &once);
        }
    }

    #[test]
    fn what_is_absent_stays(record in stored()) {
        prop_assert_eq!(&apply(&record, &Change::default()), &record);
    }

    #[test]
    fn the_order_of_changes_of_different_fields_does_not_matter(
        record in stored(), a in what(), b in how_much()
    ) {
        let one = apply(&apply(&record, &a), &b);
        prop_assert_eq!(one, apply(&apply(&record, &b), &a));
    }

    #[test]
    fn two_goods_become_one_with_all_that_either_has(a in stored(), b in stored()) {
        let mut one = a.clone();
        merge::join(&mut one, b.clone());
        prop_assert_eq!(one.article.is_some(), a.article.is_some() || b.article.is_some());
        prop_assert_eq!(one.tobacco, a.tobacco || b.tobacco);
        let mut again = one.clone();
        merge::join(&mut again, b);
        prop_assert_eq!(again, one);
    }
}

#[test]
fn the_price_is_the_one_of_the_main_type_or_the_only_one() {
    let of = |prices: Vec<Price>| {
        let change = Change {
            prices: Some(Section::Replace(prices)),
            ..Change::default()
        };
        let record = apply(&Record::default(), &change);
        (record.price, record.min_price)
    };
    assert_eq!(
        of(vec![price("p", 5), price("q", 3), price("r", 4)]),
        (Some(5), Some(3))
    );
    assert_eq!(of(vec![price("r", 4)]), (Some(4), None));
    assert_eq!(of(vec![price("r", 4), price("q", 3)]), (Some(4), Some(3)));
    assert_eq!(of(vec![price("r", 4), price("s", 3)]), (None, None));
    assert_eq!(
        of(vec![price("q", 3)]),
        (None, Some(3)),
        "the lowest price is no price"
    );
    assert_eq!(of(vec![]), (None, None));
}

#[test]
fn a_source_brings_back_what_it_took_and_not_what_was_archived_by_hand() {
    let after = |archived, deleted, by_hand| {
        let change = Change {
            deleted,
            archived: by_hand,
            ..Change::default()
        };
        let record = Record {
            archived,
            ..Record::default()
        };
        apply(&record, &change).archived
    };
    assert_eq!(after(LIVE, Some(true), None), GONE);
    assert_eq!(after(GONE, Some(false), None), LIVE);
    assert_eq!(after(GONE, None, None), GONE);
    assert_eq!(after(BY_HAND, Some(false), None), BY_HAND);
    assert_eq!(after(BY_HAND, Some(true), None), BY_HAND);
    assert_eq!(after(LIVE, None, Some(true)), BY_HAND);
    assert_eq!(after(WITH_PRODUCT, None, Some(true)), BY_HAND);
    assert_eq!(after(WITH_PRODUCT, Some(true), None), GONE);
    assert_eq!(after(GONE, None, Some(true)), GONE);
    assert_eq!(after(GONE, None, Some(false)), LIVE);
}

#[test]
fn what_is_too_long_is_cut_and_told() {
    let change = Change {
        name: Some("я".repeat(501)),
        ..Change::default()
    };
    let (mut record, mut told) = (Record::default(), Vec::new());
    merge::apply(&mut record, &change, &Options::default(), &mut told);
    assert_eq!(record.name.chars().count(), 500);
    assert_eq!(told, ["название: оставлены первые 500 знаков"]);
    let (good, long) = ("4600000000017".to_owned(), "4".repeat(3_000));
    let change = Change {
        barcodes: Some(vec![long, good, String::new()]),
        ..Change::default()
    };
    let mut told = Vec::new();
    merge::apply(&mut record, &change, &Options::default(), &mut told);
    assert_eq!(record.barcodes.as_deref(), Some(r#"["4600000000017"]"#));
    assert_eq!(told, ["штрихкодов пропущено 1: слишком длинные"]);
}
