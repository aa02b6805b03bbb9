//! By what a customer is reached, and how further ids are learnt.

use sklad_loyalty::customers::{Identity, Person};
use sklad_loyalty::ledger::Sale;

use crate::fixture::*;

fn anna() -> Person {
    Person {
        phone: Some("+7 (903) 999-33-44".to_owned()),
        card: Some("Card-1".to_owned()),
        ..person("Анна")
    }
}

#[test]
fn a_customer_is_reached_by_every_id_phone_and_card_in_any_writing() {
    let till = Till::new();
    let identity = Identity::new(["MS-1", "Sync-1"], Some("Card-1"), Some("89039993344"));
    let (customer, new) = till.register(&identity, &anna());
    assert!(new);
    let ways = [
        ids([customer.id.as_str()]),
        ids([customer.id.to_uppercase().as_str()]),
        ids(["ms-1"]),
        ids(["SYNC-1"]),
        phone("9039993344"),
        phone("8 (903) 999 33 44"),
        phone("+79039993344"),
        card(" CARD-1 "),
    ];
    for way in ways {
        assert_eq!(
            till.find(&way).map(|c| c.id),
            Some(customer.id.clone()),
            "{way:?}"
        );
    }
    for nobody in [
        ids(["ms-2"]),
        phone("89039993345"),
        card("card"),
        Identity::default(),
    ] {
        assert!(till.find(&nobody).is_none(), "{nobody:?}");
    }
}

#[test]
fn a_person_who_is_known_by_phone_or_card_is_linked_and_not_made_twice() {
    let till = Till::new();
    let (customer, _) = till.join("ms-1", &anna());
    let by_phone = Identity::new(["ms-2"], Some("Card-2"), Some("9039993344"));
    let by_card = Identity::new(["ms-3"], Some("card-1"), None);
    for identity in [by_phone, by_card] {
        let (found, new) = till.register(&identity, &person("Аня"));
        assert!(!new && found.id == customer.id);
    }
    // What these calls told is learnt.
    for way in [ids(["ms-2"]), ids(["ms-3"]), card("CARD-2")] {
        assert_eq!(till.find(&way).unwrap().id, customer.id, "{way:?}");
    }
    assert_eq!(till.list().len(), 1);
}

#[test]
fn a_sale_teaches_aliases() {
    let till = Till::new();
    let (customer, _) = till.join("ms-1", &person("Анна"));
    let identity = Identity::new(["ms-1", "sync-1"], Some("card-9"), Some("89039993344"));
    till.sell(&Sale {
        identity,
        ..sale("s", "", 0, 5)
    });
    for way in [ids(["sync-1"]), card("card-9"), phone("89039993344")] {
        assert_eq!(till.find(&way).unwrap().id, customer.id, "{way:?}");
    }
    till.adds_up();
}

#[test]
fn a_learnt_phone_is_found_by_search_and_can_become_the_customers_own() {
    let till = Till::new();
    let (customer, _) = till.join("ms-1", &person("Анна"));
    let identity = Identity::new(["ms-1"], None, Some("89039993344"));
    till.register(&identity, &person("Анна"));
    for typed in ["89039993344", "+7 903 999-33-44", "9039993344"] {
        assert_eq!(till.names(typed), ["Анна"], "{typed}");
    }
    let edit = sklad_loyalty::customers::Edit {
        phone: Some("89039993344".to_owned()),
        ..Default::default()
    };
    till.edit("ms-1", &edit).unwrap();
    assert_eq!(till.get("ms-1").phone.as_deref(), Some("79039993344"));
    assert_eq!(till.find(&phone("89039993344")).unwrap().id, customer.id);
}

#[test]
fn a_key_of_somebody_else_stays_where_it_is_and_the_sale_is_flagged() {
    let till = Till::new();
    let (anna, _) = till.join("ms-1", &anna());
    let (boris, _) = till.join("ms-2", &person("Борис"));
    // The id is believed more than the phone.
    let identity = Identity::new(["ms-2"], None, Some("89039993344"));
    till.sell(&Sale {
        identity,
        ..sale("s", "", 0, 5)
    });
    assert_eq!((till.available("ms-1"), till.available("ms-2")), (0, 5));
    assert_eq!(till.flags("s"), "ambiguous");
    assert_eq!(till.find(&phone("89039993344")).unwrap().id, anna.id);
    assert_eq!(till.find(&ids(["ms-2"])).unwrap().id, boris.id);
}

#[test]
fn one_id_given_twice_is_one_id() {
    let till = Till::new();
    let identity = Identity::new(["ms-1", "sync-1", "MS-1"], None, None);
    let (customer, new) = till.register(&identity, &person("Анна"));
    assert!(new);
    assert_eq!(till.must("sync-1").id, customer.id);
    let direct = Identity {
        uuids: vec!["x".to_owned(), "x".to_owned()],
        ..Identity::default()
    };
    till.sell(&Sale {
        identity: direct,
        ..sale("s", "", 0, 5)
    });
    assert_eq!(till.available("x"), 5);
}

#[test]
fn a_customer_without_any_key_gets_our_id() {
    let till = Till::new();
    let (customer, new) = till.register(&Identity::default(), &person("Анна"));
    assert!(new);
    assert_eq!(till.must(&customer.id).name, "Анна");
}

#[test]
fn the_phone_and_card_of_the_identity_are_kept_when_the_person_says_nothing() {
    let till = Till::new();
    let identity = Identity::new(["ms-1"], Some("Card-1"), Some("89039993344"));
    till.sell(&Sale {
        identity,
        ..sale("s", "", 0, 5)
    });
    let listed = till.get("ms-1");
    assert_eq!(
        (listed.phone.as_deref(), listed.card.as_deref()),
        (Some("79039993344"), Some("card-1"))
    );
    for typed in ["3344", "card"] {
        assert_eq!(till.search(typed).len(), 1, "{typed}");
    }
}
