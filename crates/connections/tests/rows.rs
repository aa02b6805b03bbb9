//! Companies and connections on a real database.

#![allow(clippy::unwrap_used, reason = "a test stops at the first surprise")]

use futures::executor::block_on;
use serde_json::json;
use sklad_connections::connection::{self, MAX_CONNECTIONS};
use sklad_connections::{Company, Connection, Error, State, companies, orders};
use sklad_jobs::journal::{self, Filter};
use sklad_store::native::NativeSql;
use sklad_store::{Sql, SqlError, Statement};

const KEY: &[u8] = b"master-key-of-the-tests";

struct World {
    sql: NativeSql,
    dir: tempfile::TempDir,
}

/// With the tenants `demo` and `other`.
fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let sql = NativeSql::open(&dir.path().join("db")).unwrap();
    for tenant in ["demo", "other"] {
        let row = Statement::new("INSERT INTO tenants (tenant, created_at) VALUES (?1, 7)");
        block_on(sql.atomic(vec![row.bind(tenant)])).unwrap();
    }
    World { sql, dir }
}

impl World {
    fn companies(&self, tenant: &str) -> Vec<Company> {
        block_on(companies::list(&self.sql, tenant)).unwrap()
    }

    fn create(&self, name: &str) -> Result<Company, Error> {
        block_on(companies::create(&self.sql, "demo", name, 10))
    }

    fn write(&self, statement: Statement) -> Result<(), SqlError> {
        block_on(self.sql.atomic(vec![statement])).map(drop)
    }

    fn get(&self, id: &str) -> Option<Connection> {
        block_on(connection::get(&self.sql, "demo", id)).unwrap()
    }

    fn made(&self, company: &str) -> Connection {
        let new = Connection::new("demo", company, "insales", "Магазин").unwrap();
        self.write(new.insert(10)).unwrap();
        self.get(&new.id).unwrap()
    }

    fn journal(&self, action: &str) -> Vec<String> {
        let filter = Filter {
            action: Some(action.to_owned()),
            ..Filter::default()
        };
        let lines = block_on(journal::list(&self.sql, "demo", filter, 100)).unwrap();
        lines.into_iter().rev().map(|line| line.text).collect()
    }
}

#[test]
fn every_tenant_has_a_first_company_without_doing_anything() {
    let w = world();
    let all = w.companies("demo");
    let shown: Vec<_> = all
        .iter()
        .map(|c| (c.id.as_str(), c.name.as_str()))
        .collect();
    assert_eq!(shown, [("main", "Компания 1")]);
    assert_eq!(w.companies("nobody"), []);
}

#[test]
fn the_words_of_connections_that_pass_on_orders_are_known() {
    let w = world();
    let set = |name: &str, enabled: bool, settings: serde_json::Value| {
        let mut new = Connection::new("demo", "main", "insales", name).unwrap();
        new.settings = settings.to_string();
        new.enabled = enabled;
        w.write(new.insert(10)).unwrap();
    };
    let words = |on: bool, kind: &str| {
        json!({ "orders": {
            "on": on, "payments": { kind: 1 }, "deliveries": { kind: 2 },
            "statuses": { kind: { "name": "А" }, "x": { "id": "own", "name": "Б", "final": true } },
        }})
    };
    set("at work", true, words(true, "cash"));
    set("off", false, words(true, "off"));
    set("without orders", true, words(false, "none"));
    set("bare", true, json!({}));
    let known = block_on(orders::vocabulary(&w.sql, "demo")).unwrap();
    let pair = |id: &str, name: &str| (id.to_owned(), name.to_owned());
    assert_eq!(known.statuses, [pair("cash", "А"), pair("own", "Б")]);
    assert_eq!(known.payments, [pair("cash", "cash")]);
    assert_eq!(known.deliveries, [pair("cash", "cash")]);
    let other = block_on(orders::vocabulary(&w.sql, "other")).unwrap();
    assert_eq!(other, orders::Vocabulary::default());
}

#[test]
fn a_company_is_created_renamed_and_removed_while_it_is_empty() {
    let w = world();
    let second = w.create(" Компания  2 ").unwrap();
    assert_eq!(second.name, "Компания 2");
    for taken in ["компания 1", "КОМПАНИЯ 2"] {
        assert_eq!(w.create(taken), Err(Error::NameTaken), "{taken}");
    }
    assert!(matches!(w.create(" "), Err(Error::Invalid { .. })));
    let rename = |key: &str, name: &str| {
        block_on(companies::rename(&w.sql, "demo", key, name, 20)).map(|c| c.name)
    };
    assert_eq!(rename("main", "Компания 2"), Err(Error::NameTaken));
    assert_eq!(rename("компания 2", "Вторая"), Ok("Вторая".to_owned()));
    assert_eq!(rename("x", "y"), Err(Error::NotFound));
    let remove = |key: &str| block_on(companies::remove(&w.sql, "demo", key, 30));
    assert_eq!(remove("main"), Err(Error::First));
    let of_it = w.made(&second.id);
    assert_eq!(w.companies("demo").last().unwrap().connections, 1);
    assert_eq!(remove(&second.id), Err(Error::NotEmpty));
    w.write(of_it.remove()).unwrap();
    assert_eq!(remove("вторая"), Ok(()));
    assert_eq!(remove("вторая"), Err(Error::NotFound));
    assert_eq!(w.journal("company").len(), 3);
    assert_eq!(
        w.companies("other").len(),
        1,
        "another tenant's are its own"
    );
}

#[test]
fn a_company_that_orders_name_stays() {
    let w = world();
    let second = w.create("Компания 2").unwrap();
    let order = Statement::new(
        "INSERT INTO orders (tenant, id, number, moment, document, change, created_at, updated_at) \
         VALUES ('demo', 'o1', '1', 0, ?1, 1, 0, 0)",
    );
    let document = json!({ "company": second.id }).to_string();
    w.write(order.bind(document)).unwrap();
    let remove = || block_on(companies::remove(&w.sql, "demo", &second.id, 30));
    assert_eq!(remove(), Err(Error::HasOrders));
    w.write(Statement::new("DELETE FROM orders WHERE tenant = 'demo'"))
        .unwrap();
    assert_eq!(remove(), Ok(()));
}

#[test]
fn there_are_as_many_companies_and_connections_as_there_may_be() {
    let w = world();
    for n in 2..=companies::MAX_COMPANIES {
        w.create(&format!("Компания {n}")).unwrap();
    }
    let more = w.create("Ещё одна");
    assert_eq!(more, Err(Error::TooMany(companies::MAX_COMPANIES)));
    for _ in 0..MAX_CONNECTIONS {
        w.made("main");
    }
    let new = Connection::new("demo", "main", "insales", "Ещё один").unwrap();
    assert_eq!(w.write(new.insert(1)), Err(SqlError::Conflict));
}

#[test]
fn a_connection_belongs_to_a_company_that_is_there() {
    let w = world();
    let new = Connection::new("demo", "nobody", "insales", "Магазин").unwrap();
    assert_eq!(w.write(new.insert(1)), Err(SqlError::Conflict));
    let mut made = w.made("main");
    made.company = "nobody".to_owned();
    assert_eq!(w.write(made.update(2)), Err(SqlError::Conflict));
    assert!(Connection::new("demo", "main", "insales", " ").is_err());
}

#[test]
fn of_two_who_change_the_same_version_one_wins() {
    let w = world();
    let mut one = w.made("main");
    let mut late = w.get(&one.id).unwrap();
    one.enabled = true;
    one.rename("Основной").unwrap();
    one.settings = json!({ "shop": "a.myinsales.ru" }).to_string();
    w.write(one.update(20)).unwrap();
    late.enabled = false;
    assert_eq!(w.write(late.update(30)), Err(SqlError::Conflict));
    assert_eq!(w.write(late.remove()), Err(SqlError::Conflict));
    let stored = w.get(&one.id).unwrap();
    assert_eq!((stored.version, stored.name.as_str()), (2, "Основной"));
    assert_eq!((stored.created_at, stored.updated_at), (10, 20));
    assert_eq!(stored.settings, one.settings);
}

#[test]
fn what_is_at_work_is_listed_by_kind_and_by_company() {
    let w = world();
    let second = w.create("Компания 2").unwrap();
    let (mut on, off) = (w.made(&second.id), w.made("main"));
    on.enabled = true;
    w.write(on.update(1)).unwrap();
    let ids = |all: Vec<Connection>| all.into_iter().map(|c| c.id).collect::<Vec<_>>();
    let enabled = |kind: &str| ids(block_on(connection::enabled(&w.sql, "demo", kind)).unwrap());
    assert_eq!(enabled("insales"), [on.id.clone()]);
    assert!(enabled("retailcrm").is_empty());
    let of =
        |company: &str| ids(block_on(connection::of_company(&w.sql, "demo", company)).unwrap());
    assert_eq!((of(&second.id), of("main")), (vec![on.id], vec![off.id]));
    assert!(
        block_on(connection::of_tenant(&w.sql, "other"))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn no_secret_is_in_the_database_and_only_its_tenant_can_open_it() {
    let w = world();
    let secret = json!({ "key_id": "k3y-of-the-tests", "password": "passw0rd-of-the-tests" });
    let mut made = w.made("main");
    made.set_secrets(KEY, &secret).unwrap();
    w.write(made.update(1)).unwrap();
    let stored = w.get(&made.id).unwrap();
    assert!(stored.has_secrets());
    assert_eq!(stored.secrets(KEY), Ok(Some(secret)));
    assert!(
        stored
            .secrets::<serde_json::Value>(b"another-master-key")
            .is_err()
    );
    let mut foreign = stored.clone();
    foreign.tenant = "other".to_owned();
    assert!(foreign.secrets::<serde_json::Value>(KEY).is_err());
    for file in std::fs::read_dir(w.dir.path()).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        for text in ["k3y-of-the-tests", "passw0rd-of-the-tests"] {
            assert!(
                !bytes
                    .windows(text.len())
                    .any(|part| part == text.as_bytes())
            );
        }
    }
}

#[test]
fn the_journal_tells_a_change_of_the_state_once() {
    let w = world();
    let made = w.made("main");
    let note = |state, text: &str, at| {
        block_on(w.sql.atomic(made.noted(state, text, at))).unwrap();
        let now = w.get(&made.id).unwrap();
        assert_eq!((now.state, now.state_text.as_str()), (state, text));
        assert_eq!((now.checked_at, now.version), (Some(at), made.version));
    };
    note(State::Ok, "Всё в порядке", 20);
    note(State::Ok, "Всё в порядке", 21);
    note(State::WrongKey, "Пароль не подходит", 22);
    note(State::WrongKey, "Пароль не подходит", 23);
    note(State::Ok, "Всё в порядке", 24);
    assert_eq!(
        w.journal("connection"),
        [
            "Подключение «Магазин»: Всё в порядке",
            "Подключение «Магазин»: Пароль не подходит",
            "Подключение «Магазин»: Всё в порядке",
        ]
    );
}

#[test]
fn a_limit_that_is_used_up_is_shown_but_no_news_and_hides_nothing() {
    let w = world();
    let made = w.made("main");
    let note = |state, text: &str, at| {
        block_on(w.sql.atomic(made.noted(state, text, at))).unwrap();
        w.get(&made.id).unwrap().state
    };
    assert_eq!(note(State::Ok, "Всё в порядке", 20), State::Ok);
    for at in [21, 23] {
        assert_eq!(note(State::Limited, "Лимит", at), State::Limited);
        assert_eq!(note(State::Ok, "Всё в порядке", at + 1), State::Ok);
    }
    note(State::WrongKey, "Пароль не подходит", 25);
    assert_eq!(note(State::Limited, "Лимит", 26), State::WrongKey);
    note(State::Ok, "Всё в порядке", 27);
    note(State::Limited, "Лимит", 28);
    note(State::NoRight, "Нет права", 29);
    let told = w.journal("connection");
    let words = [
        "Всё в порядке",
        "Пароль не подходит",
        "Всё в порядке",
        "Нет права",
    ];
    assert_eq!(
        told,
        words.map(|word| format!("Подключение «Магазин»: {word}"))
    );
}

#[test]
fn what_was_found_with_the_former_key_is_not_said_of_the_new_one() {
    let w = world();
    let old = w.made("main");
    let mut new = old.clone();
    new.found(State::Ok, "Всё в порядке", Some(20));
    new.set_secrets(KEY, &json!({})).unwrap();
    assert_eq!((new.state, new.checked_at), (State::Unknown, None));
    w.write(new.update(21)).unwrap();
    let late = old.noted(State::WrongKey, "Пароль не подходит", 22);
    block_on(w.sql.atomic(late)).unwrap();
    assert!(w.get(&old.id).unwrap().state == State::Unknown);
    assert!(w.journal("connection").is_empty());
}
