//! Real documents of orders, out of the folder that `SKLAD_EDGE_SHARED` names. They are not copied here;
//! `documents` has what they have by hand.

use std::collections::BTreeSet;

use sklad_orders::document::{Encoding, Format, write};

use super::order;
use super::tree::{Node, read};

const FILES: [&str; 3] = [
    "bitrix205-orders-full.cp1251.xml",
    "orders-to-1c-203.cp1251.xml",
    "ut207-crlf-orders.xml",
];

fn samples() -> Vec<Node> {
    let Ok(folder) = std::env::var("SKLAD_EDGE_SHARED") else {
        println!("skipped: SKLAD_EDGE_SHARED names no folder with samples");
        return Vec::new();
    };
    let read_file = |name: &str| {
        let path = format!("{folder}/data/commerceml/{name}");
        read(&std::fs::read(&path).unwrap_or_else(|e| panic!("{path}: {e}")))
    };
    FILES.iter().map(|name| read_file(name)).collect()
}

#[test]
fn real_documents_have_the_elements_that_ours_have() {
    let samples = samples();
    if samples.is_empty() {
        return;
    }
    let ours = read(&write(
        &[order("a")],
        &Format::new("2.05", Encoding::Utf8, 0, 180),
    ));
    let ours = ours.find("Документ").unwrap();
    for sample in &samples {
        let document = sample.find("Документ").unwrap();
        assert_eq!(names(document), names(ours));
        // What is common stands in the same order.
        let common: Vec<_> = document.names();
        let common: Vec<_> = common
            .into_iter()
            .filter(|n| ours.names().contains(n))
            .collect();
        let expected = ours.names();
        let expected: Vec<_> = expected
            .into_iter()
            .filter(|n| common.contains(n))
            .collect();
        assert_eq!(common, expected);
    }
}

/// The names of the children, but for those that stand there only with a value.
fn names(document: &Node) -> BTreeSet<&str> {
    let all = document.names().into_iter();
    all.filter(|name| !["Налоги", "Скидки"].contains(name))
        .collect()
}
