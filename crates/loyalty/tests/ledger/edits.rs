//! Editing a customer moves keys and search terms.

use sklad_loyalty::customers::{self, Edit, Person};
use sklad_loyalty::ledger::register;
use sklad_store::{Sql, SqlError};

use crate::fixture::*;

fn till() -> Till {
    let till = Till::new();
    let anna = Person {
        phone: Some("89039993344".to_owned()),
        card: Some("Card-1".to_owned()),
        email: Some("anna@x.ru".to_owned()),
        ..person("Анна Петрова")
    };
    till.join("ms-1", &anna);
    let boris = Person {
        phone: Some("89031112233".to_owned()),
        card: Some("Card-2".to_owned()),
        ..person("Борис")
    };
    till.join("ms-2", &boris);
    till
}

fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

#[test]
fn an_edit_moves_the_phone_and_the_card() {
    let till = till();
    let edit = Edit {
        phone: text("8 (999) 123-45-67"),
        card: text(" NEW-7 "),
        ..Edit::default()
    };
    till.edit("ms-1", &edit).unwrap();
    let anna = till.must("ms-1");
    for way in [phone("+79991234567"), card("new-7")] {
        assert_eq!(till.find(&way).unwrap().id, anna.id);
    }
    for gone in [phone("89039993344"), card("card-1")] {
        assert!(till.find(&gone).is_none());
    }
    assert_eq!(
        (till.names("4567"), till.names("3344")),
        (vec!["Анна Петрова".to_owned()], vec![])
    );
    assert_eq!(till.names("new-7"), ["Анна Петрова"]);
    assert!(!till.names("card-1").contains(&"Анна Петрова".to_owned()));
    assert_eq!(till.get("ms-1").card.as_deref(), Some("NEW-7"));
}

#[test]
fn an_edit_changes_what_is_searched() {
    let till = till();
    till.edit(
        "ms-1",
        &Edit {
            name: text("Мария Кюри"),
            email: text("m@c.fr"),
            ..Edit::default()
        },
    )
    .unwrap();
    assert_eq!(till.names("кюри мар"), ["Мария Кюри"]);
    assert!(till.names("петрова").is_empty() && till.names("anna@x.ru").is_empty());
    assert_eq!(till.names("m@c.fr").len(), 1);
    // What was not given stays.
    assert_eq!(till.get("ms-1").phone.as_deref(), Some("79039993344"));
    assert_eq!(till.names("3344").len(), 1);
}

#[test]
fn an_empty_phone_or_card_removes_it() {
    let till = till();
    till.edit(
        "ms-1",
        &Edit {
            phone: text(""),
            card: text(" "),
            email: text(""),
            ..Edit::default()
        },
    )
    .unwrap();
    let anna = till.get("ms-1");
    assert_eq!((anna.phone, anna.card, anna.email), (None, None, None));
    assert!(till.find(&phone("89039993344")).is_none() && till.find(&card("card-1")).is_none());
    assert!(
        till.names("3344").is_empty() && !till.names("card").contains(&"Анна Петрова".to_owned())
    );
    // Somebody else may have it now.
    till.edit(
        "ms-2",
        &Edit {
            phone: text("89039993344"),
            ..Edit::default()
        },
    )
    .unwrap();
    assert_eq!(till.find(&phone("89039993344")).unwrap().name, "Борис");
}

#[test]
fn a_phone_card_or_id_of_somebody_else_is_refused_and_nothing_changes() {
    let till = till();
    let before = format!("{:?}", till.get("ms-2"));
    for edit in [
        Edit {
            phone: text("+7 903 999 33 44"),
            name: text("Вор"),
            ..Edit::default()
        },
        Edit {
            card: text("CARD-1"),
            name: text("Вор"),
            ..Edit::default()
        },
        Edit {
            ms_id: text("MS-1"),
            name: text("Вор"),
            ..Edit::default()
        },
    ] {
        let refused = till.edit("ms-2", &edit);
        assert!(
            matches!(refused, Err(SqlError::Constraint(_))),
            "{edit:?}: {refused:?}"
        );
    }
    assert_eq!(format!("{:?}", till.get("ms-2")), before);
    assert!(till.names("вор").is_empty());
    let taken = futures::executor::block_on(register(
        &till.sql,
        &till.shop(),
        &phone("89039993344"),
        &person("Вор"),
    ));
    assert!(matches!(taken, Err(SqlError::Constraint(_))));
    assert_eq!(till.list().len(), 2);
}

#[test]
fn the_id_of_moysklad_is_learnt_and_the_old_one_stays_good() {
    let till = till();
    till.edit(
        "ms-1",
        &Edit {
            ms_id: text(" MS-9 "),
            ..Edit::default()
        },
    )
    .unwrap();
    let anna = till.must("ms-9");
    assert_eq!(till.must("ms-1").id, anna.id);
    assert_eq!(till.get("ms-1").ms_id.as_deref(), Some("ms-9"));
    // The same again, and one that is no id.
    till.edit(
        "ms-1",
        &Edit {
            ms_id: text("ms-9"),
            ..Edit::default()
        },
    )
    .unwrap();
    till.edit(
        "ms-1",
        &Edit {
            ms_id: text(""),
            ..Edit::default()
        },
    )
    .unwrap();
    assert_eq!(
        till.int("SELECT count(*) FROM customer_keys WHERE tenant = ?1 AND value = ''"),
        0
    );
    assert_eq!(till.get("ms-1").ms_id, None);
}

#[test]
fn an_edit_of_the_same_phone_in_another_writing_changes_nothing() {
    let till = till();
    till.edit(
        "ms-1",
        &Edit {
            phone: text("+7 903 9993344"),
            card: text("CARD-1"),
            ..Edit::default()
        },
    )
    .unwrap();
    assert_eq!(
        till.find(&phone("89039993344")).unwrap().name,
        "Анна Петрова"
    );
    assert_eq!(till.find(&card("card-1")).unwrap().name, "Анна Петрова");
}

#[test]
fn an_edit_does_not_lose_a_sale_and_a_sale_does_not_lose_an_edit() {
    let till = till();
    std::thread::scope(|scope| {
        for n in 0..4 {
            let till = till.another();
            scope.spawn(move || {
                if n % 2 == 0 {
                    till.sell(&sale(&format!("s{n}"), "ms-1", 0, 5));
                } else if n == 1 {
                    till.edit(
                        "ms-1",
                        &Edit {
                            email: text("e@e.ru"),
                            ..Edit::default()
                        },
                    )
                    .unwrap();
                }
            });
        }
    });
    assert_eq!(
        (till.available("ms-1"), till.get("ms-1").email.as_deref()),
        (10, Some("e@e.ru"))
    );
    till.adds_up();
}

#[test]
fn an_edit_of_what_was_read_before_a_merge_conflicts() {
    let till = till();
    let stale = till.get("ms-1");
    till.merge("ms-1", "ms-2").unwrap();
    let batch = customers::edit(
        "north",
        &stale,
        &Edit {
            phone: text("89990000000"),
            ..Edit::default()
        },
        till.now,
    );
    let result = futures::executor::block_on(till.sql.atomic(batch.unwrap()));
    assert_eq!(result.unwrap_err(), SqlError::Conflict);
    assert!(till.find(&phone("89990000000")).is_none());
}

#[test]
fn the_edit_of_what_somebody_else_has_edited_conflicts() {
    let mut till = till();
    let stale = till.get("ms-1");
    till.now += 1;
    till.edit(
        "ms-1",
        &Edit {
            phone: text("89990000000"),
            ..Edit::default()
        },
    )
    .unwrap();
    let batch = customers::edit(
        "north",
        &stale,
        &Edit {
            phone: text("89991111111"),
            ..Edit::default()
        },
        till.now + 1,
    );
    let result = futures::executor::block_on(till.sql.atomic(batch.unwrap()));
    assert_eq!(result.unwrap_err(), SqlError::Conflict);
    assert_eq!(
        till.find(&phone("89990000000")).unwrap().name,
        "Анна Петрова"
    );
}
