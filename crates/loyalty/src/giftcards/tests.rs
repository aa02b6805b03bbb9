//! Certificates over the native database.

use super::*;
use crate::ledger::snapshot::Clock;
use futures::executor::block_on;
use sklad_store::native::NativeSql;

const NOW: i64 = 1_700_000_000_000;
const CLOCK: Clock = Clock {
    now: NOW,
    zone_minutes: 180,
};

fn database() -> (tempfile::TempDir, NativeSql) {
    let dir = tempfile::tempdir().unwrap();
    let sql = NativeSql::open(&dir.path().join("db")).unwrap();
    (dir, sql)
}

fn new(number: &str, kopecks: i64) -> NewCertificate {
    NewCertificate {
        number: number.to_owned(),
        initial_kopecks: kopecks,
        balance_kopecks: None,
        expires_at: None,
    }
}

#[test]
fn a_certificate_goes_through_its_states() {
    let (_dir, sql) = database();
    let mut timed = new("B", 200);
    timed.expires_at = Some(NOW + 10);
    let made = block_on(create(&sql, "demo", &[new(" A ", 100), timed], NOW)).unwrap();
    assert_eq!(made.len(), 2);
    let status = |key: &str, at| {
        block_on(find(&sql, "demo", key, at))
            .unwrap()
            .map(|c| c.status)
    };
    assert_eq!(status("A", NOW), Some(Status::CanBeUsed));
    assert_eq!(
        status(&made[0].id.to_uppercase(), NOW),
        Some(Status::CanBeUsed)
    );
    assert_eq!(status("B", NOW + 9), Some(Status::CanBeUsed));
    assert_eq!(status("B", NOW + 10), Some(Status::Expired));
    sql.batch("UPDATE gift_certificates SET balance = 30 WHERE number = 'A'")
        .unwrap();
    assert_eq!(status("A", NOW), Some(Status::PartiallyRedeemed));
    let blocked = block_on(block(&sql, "demo", "A", true, NOW))
        .unwrap()
        .unwrap();
    assert_eq!(blocked.status, Status::Invalid);
    block_on(block(&sql, "demo", "A", false, NOW))
        .unwrap()
        .unwrap();
    sql.batch("UPDATE gift_certificates SET balance = 0 WHERE number = 'A'")
        .unwrap();
    assert_eq!(status("A", NOW), Some(Status::Redeemed));
    assert_eq!(block_on(block(&sql, "demo", "X", true, NOW)).unwrap(), None);
}

#[test]
fn a_number_is_given_once_within_a_tenant() {
    let (_dir, sql) = database();
    block_on(create(&sql, "demo", &[new("A", 100)], NOW)).unwrap();
    let again = block_on(create(&sql, "demo", &[new("B", 1), new("A", 1)], NOW));
    assert_eq!(again, Err(GiftError::Exists));
    assert_eq!(block_on(find(&sql, "demo", "B", NOW)).unwrap(), None);
    assert_eq!(block_on(find(&sql, "other", "A", NOW)).unwrap(), None);
    assert_eq!(
        block_on(block(&sql, "other", "A", true, NOW)).unwrap(),
        None
    );
    block_on(create(&sql, "other", &[new("A", 100)], NOW)).unwrap();
    for (bad, field) in [(new("", 1), "number"), (new("C", 0), "initial_kopecks")] {
        match block_on(create(&sql, "demo", &[bad], NOW)) {
            Err(GiftError::Invalid { field: f, .. }) => assert_eq!(f, field),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn the_case_of_a_number_does_not_matter() {
    let (_dir, sql) = database();
    let made = block_on(create(&sql, "demo", &[new(" Подарок-a1 ", 100)], NOW)).unwrap();
    assert_eq!(made[0].number, "ПОДАРОК-A1");
    for typed in ["подарок-A1", "ПОДАРОК-a1", " Подарок-a1"] {
        let found = block_on(find(&sql, "demo", typed, NOW)).unwrap();
        assert_eq!(found.as_ref(), Some(&made[0]), "{typed}");
        let blocked = block_on(block(&sql, "demo", typed, false, NOW)).unwrap();
        assert_eq!(blocked.as_ref(), Some(&made[0]), "{typed}");
    }
    let again = block_on(create(&sql, "demo", &[new("подарок-a1", 1)], NOW));
    assert_eq!(again, Err(GiftError::Exists));
    let listed = block_on(list(&sql, "demo", Some("пода"), None, 5, NOW)).unwrap();
    assert_eq!(listed, made);
    let file = "number;amount\nподарок-a1;1\nnew;5\nNEW;5\n";
    let report = block_on(import(&sql, "demo", file, CLOCK)).unwrap();
    assert_eq!((report.created, report.unchanged), (1, 1));
    assert_eq!(report.errors[0].line, 4);
}

#[test]
fn an_import_takes_what_is_right_and_tells_what_is_wrong() {
    let (_dir, sql) = database();
    let file = "\u{feff}Номер;Сумма;Срок;Остаток\r\n\
                100;1 000,50;31.12.2027;\r\n\
                101;500;;200\r\n\
                \r\n\
                ;500;;\r\n\
                102;пятьсот;;\r\n\
                103;500;31.13.2027;\r\n\
                104;500;;501\r\n\
                100;1;;\r\n\
                105;\"500;;\r\n";
    let report = block_on(import(&sql, "demo", file, CLOCK)).unwrap();
    assert_eq!((report.created, report.unchanged), (2, 0));
    let lines: Vec<_> = report.errors.iter().map(|e| e.line).collect();
    assert_eq!(lines, [5, 6, 7, 8, 9, 10]);
    let first = block_on(find(&sql, "demo", "100", NOW)).unwrap().unwrap();
    assert_eq!(first.initial_kopecks, 100_050);
    // Until the midnight in Moscow that ends the last day.
    assert_eq!(first.expires_at, Some(1_830_286_800_000));
    let second = block_on(find(&sql, "demo", "101", NOW)).unwrap().unwrap();
    assert_eq!((second.balance_kopecks, second.expires_at), (20_000, None));

    let again = "number,amount,expires\n100,1000.50,2027-12-31\n101,600,\n106,1,\n";
    let report = block_on(import(&sql, "demo", again, CLOCK)).unwrap();
    assert_eq!((report.created, report.unchanged), (1, 1));
    assert_eq!(
        report.errors.iter().map(|e| e.line).collect::<Vec<_>>(),
        [3]
    );
    for no_file in ["", "100;200\n", "number\n1\n"] {
        let refused = block_on(import(&sql, "demo", no_file, CLOCK));
        assert!(matches!(refused, Err(GiftError::File(_))), "{no_file}");
    }
}

#[test]
fn pages_are_complete_and_the_journal_holds_no_number() {
    let (_dir, sql) = database();
    let batch: Vec<_> = (0..23).map(|n| new(&format!("GIFT-{n:03}"), 100)).collect();
    block_on(create(&sql, "demo", &batch, NOW)).unwrap();
    let mut seen: Vec<String> = Vec::new();
    loop {
        let after = seen.last().map(String::as_str);
        let page = block_on(list(&sql, "demo", None, after, 5, NOW)).unwrap();
        if page.is_empty() {
            break;
        }
        seen.extend(page.into_iter().map(|c| c.number));
    }
    assert_eq!(
        seen,
        batch.iter().map(|c| c.number.clone()).collect::<Vec<_>>()
    );
    let some = block_on(list(&sql, "demo", Some("GIFT-01"), None, 50, NOW)).unwrap();
    assert_eq!(some.len(), 10);
    block_on(block(&sql, "demo", "GIFT-001", true, NOW)).unwrap();
    let journal = Statement::new("SELECT text || object FROM journal WHERE tenant = 'demo'");
    for row in block_on(sql.query(journal)).unwrap() {
        assert!(!row.string(0).contains("GIFT-001"), "{row:?}");
    }
}
