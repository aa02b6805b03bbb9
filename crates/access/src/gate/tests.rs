use std::path::PathBuf;

use futures::executor::block_on;
use proptest::prelude::*;
use sklad_store::native::{NativeSql, compiled_anew};

use super::*;
use crate::attempts::{ADDRESS_FAILURES, EMAIL_FAILURES, WINDOW_MS};
use crate::employees::{self, Edit, NewEmployee};
use crate::groups::{self, GroupInput};

const NOW: i64 = 1_700_000_000_000;
const EMAIL: &str = "ivan@shop.ru";
const PASSWORD: &str = "пароль-123";
const RIGHT: Right = Right::CommerceMlImport;

/// A database in which the employee [`EMAIL`] of the tenant `demo` is in the group «МойСклад».
struct World {
    gate: Gate,
    sql: NativeSql,
    path: PathBuf,
    _dir: tempfile::TempDir,
}

fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("db");
    let w = World {
        gate: Gate::default(),
        sql: NativeSql::open(&path).unwrap(),
        path,
        _dir: dir,
    };
    w.group("demo", &[RIGHT]);
    w.employee("demo", EMAIL, PASSWORD);
    w
}

impl World {
    fn group(&self, tenant: &str, rights: &[Right]) {
        let new = GroupInput {
            name: "МойСклад".to_owned(),
            rights: rights.to_vec(),
            members: None,
        };
        block_on(groups::create(&self.sql, tenant, &new, NOW)).unwrap();
    }

    fn employee(&self, tenant: &str, email: &str, password: &str) {
        let new = NewEmployee {
            email: email.to_owned(),
            password: Some(password.to_owned()),
            groups: vec!["мойсклад".to_owned()],
            ..NewEmployee::default()
        };
        block_on(employees::create(&self.sql, tenant, &new, NOW)).unwrap();
    }

    fn edit(&self, edit: &Edit) {
        block_on(employees::edit(&self.sql, "demo", EMAIL, edit, NOW)).unwrap();
    }

    fn activate(&self, active: bool) {
        self.edit(&Edit {
            active: Some(active),
            ..Edit::default()
        });
    }

    fn bytes(
        &self,
        login: &[u8],
        password: &[u8],
        at: &str,
        now: i64,
    ) -> Result<Employee, Refused> {
        let came = Login {
            login,
            password,
            address: Some(at),
        };
        block_on(self.gate.authenticate(&self.sql, "demo", came, RIGHT, now))
    }

    /// Logs in from an address of its own.
    fn enter(&self, login: &str, password: &str) -> Result<Employee, Refused> {
        self.bytes(login.as_bytes(), password.as_bytes(), "192.0.2.1", NOW)
    }

    /// The rows of a statement that answers one number.
    fn number(&self, sql: &'static str) -> i64 {
        let rows = block_on(self.sql.query(Statement::new(sql))).unwrap();
        rows.first().and_then(|row| row.int(0)).unwrap_or_default()
    }
}

fn wait(refused: Result<Employee, Refused>) -> i64 {
    match refused {
        Err(Refused::TooMany { retry_after_s }) => retry_after_s,
        other => panic!("{other:?}"),
    }
}

#[test]
fn who_has_the_password_and_the_right_comes_in() {
    let w = world();
    let employee = w.enter(" Ivan@Shop.RU ", PASSWORD).unwrap();
    assert_eq!((employee.email.as_str(), employee.active), (EMAIL, true));
    assert_eq!(employee.rights, [RIGHT]);
    assert_eq!(w.enter(EMAIL, "пароль-124"), Err(Refused::Credentials));
    assert_eq!(w.enter(EMAIL, ""), Err(Refused::Credentials));
}

#[test]
fn an_unknown_employee_is_refused_like_a_wrong_password() {
    let w = world();
    let refusals = [
        (EMAIL, "wrong-password"),
        ("nobody@shop.ru", PASSWORD),
        ("", PASSWORD),
    ];
    for (n, (login, password)) in refusals.into_iter().enumerate() {
        let refused = w.enter(login, password).unwrap_err();
        assert_eq!(refused.to_string(), "Неверный логин или пароль");
        assert_eq!(w.gate.hashed(), n as u64 + 1, "{login}: hashed once");
    }
    assert_eq!(
        w.number("SELECT count(*) FROM login_attempts WHERE kind = 'email'"),
        3
    );
}

#[test]
fn a_blocked_employee_is_told_so_with_the_right_password_alone() {
    let w = world();
    w.activate(false);
    assert_eq!(w.enter(EMAIL, PASSWORD), Err(Refused::Blocked));
    assert_eq!(w.enter(EMAIL, "wrong-password"), Err(Refused::Credentials));
    w.activate(true);
    w.enter(EMAIL, PASSWORD).unwrap();
}

#[test]
fn what_is_remembered_saves_the_hashing_and_nothing_else() {
    let w = world();
    for _ in 0..3 {
        w.enter(EMAIL, PASSWORD).unwrap();
    }
    assert_eq!(w.gate.hashed(), 1);
    assert_eq!(w.enter(EMAIL, "wrong-password"), Err(Refused::Credentials));
    assert_eq!(w.gate.hashed(), 2);

    w.activate(false);
    assert_eq!(w.enter(EMAIL, PASSWORD), Err(Refused::Blocked));
    w.activate(true);
    let no_rights = GroupInput {
        name: "МойСклад".to_owned(),
        ..GroupInput::default()
    };
    block_on(groups::replace(&w.sql, "demo", "МойСклад", &no_rights, NOW)).unwrap();
    let refused = w.enter(EMAIL, PASSWORD).unwrap_err();
    assert_eq!(refused, Refused::NoRight(RIGHT));
    assert!(
        refused.to_string().contains("«Импорт CommerceML»"),
        "{refused}"
    );
    assert_eq!(w.gate.hashed(), 2, "remembered all the while");

    let set = employees::set_password(&w.sql, "demo", EMAIL, Some("новый-пароль"), NOW);
    block_on(set).unwrap();
    assert_eq!(w.enter(EMAIL, PASSWORD), Err(Refused::Credentials));
    assert_eq!(w.enter(EMAIL, "новый-пароль"), Err(Refused::NoRight(RIGHT)));
    assert_eq!(w.gate.hashed(), 4);

    block_on(employees::delete(&w.sql, "demo", EMAIL, NOW)).unwrap();
    assert_eq!(w.enter(EMAIL, "новый-пароль"), Err(Refused::Credentials));
}

#[test]
fn a_memory_ends_and_does_not_grow() {
    let w = world();
    let enter = |now| {
        w.bytes(EMAIL.as_bytes(), PASSWORD.as_bytes(), "192.0.2.1", now)
            .unwrap()
    };
    enter(NOW);
    enter(NOW + CACHE_TTL_MS - 1);
    assert_eq!(w.gate.hashed(), 1);
    enter(NOW + CACHE_TTL_MS);
    assert_eq!(w.gate.hashed(), 2);
    enter(NOW);
    assert_eq!(w.gate.hashed(), 3, "a clock that was set back");

    for n in 0..10 * CACHE_ENTRIES {
        w.gate
            .remember(("demo".to_owned(), n.to_string()), [0; 32], NOW);
        assert!(w.gate.verified.borrow().len() <= CACHE_ENTRIES);
    }
}

#[test]
fn one_employee_is_tried_ten_times_from_anywhere() {
    let w = world();
    let from = |n: i64, password: &str, now| {
        let address = format!("198.51.100.{n}");
        w.bytes(EMAIL.as_bytes(), password.as_bytes(), &address, now)
    };
    for n in 0..EMAIL_FAILURES {
        assert_eq!(
            from(n, "wrong-password", NOW + n),
            Err(Refused::Credentials)
        );
    }
    let hashed = w.gate.hashed();
    let refused = from(99, PASSWORD, NOW + 1000);
    assert_eq!(w.gate.hashed(), hashed, "a refusal costs no hashing");
    assert_eq!(wait(refused.clone()), 299);
    let text = refused.unwrap_err().to_string();
    assert_eq!(
        text,
        "Слишком много неудачных попыток входа: повторите через 5 мин"
    );
    assert_eq!(wait(from(99, PASSWORD, NOW + WINDOW_MS - 1)), 1);
    from(99, PASSWORD, NOW + WINDOW_MS).unwrap();
    assert_eq!(
        from(99, "wrong-password", NOW + WINDOW_MS),
        Err(Refused::Credentials)
    );
}

#[test]
fn an_email_that_nobody_has_is_limited_alike() {
    let w = world();
    let come = || w.bytes(b"nobody@shop.ru", b"wrong-password", "192.0.2.1", NOW);
    for _ in 0..EMAIL_FAILURES {
        assert_eq!(come(), Err(Refused::Credentials));
    }
    assert_eq!(wait(come()), 300);
    w.enter(EMAIL, PASSWORD).unwrap();
}

#[test]
fn one_address_fails_fifty_times_whatever_succeeds_between() {
    let w = world();
    for n in 0..ADDRESS_FAILURES {
        let login = format!("somebody{n}@shop.ru");
        assert_eq!(w.enter(&login, "wrong-password"), Err(Refused::Credentials));
        if n % 10 == 0 {
            w.enter(EMAIL, PASSWORD).unwrap();
        }
    }
    assert_eq!(wait(w.enter(EMAIL, PASSWORD)), 300);
    let elsewhere = w.bytes(
        EMAIL.as_bytes(),
        PASSWORD.as_bytes(),
        "[2001:db8::1]:5000",
        NOW,
    );
    elsewhere.unwrap();
}

#[test]
fn those_without_an_address_are_limited_as_one() {
    let w = world();
    let come = |login: &str| {
        let came = Login {
            login: login.as_bytes(),
            password: b"wrong-password",
            address: None,
        };
        block_on(w.gate.authenticate(&w.sql, "demo", came, RIGHT, NOW))
    };
    for n in 0..ADDRESS_FAILURES {
        assert_eq!(come(&n.to_string()), Err(Refused::Credentials));
    }
    assert_eq!(wait(come("another")), 300);
    w.enter(EMAIL, PASSWORD).unwrap();
}

#[test]
fn expired_failures_are_deleted_on_the_way() {
    let w = world();
    for n in 0..5 {
        let _ = w.bytes(
            format!("{n}").as_bytes(),
            b"wrong",
            &format!("192.0.2.{n}"),
            NOW,
        );
    }
    assert_eq!(w.number("SELECT count(*) FROM login_attempts"), 10);
    let _ = w.bytes(b"later", b"wrong", "192.0.2.99", NOW + WINDOW_MS);
    assert_eq!(w.number("SELECT count(*) FROM login_attempts"), 2);
}

#[test]
fn a_clock_that_was_wrong_locks_nobody_out() {
    let w = world();
    let year = 365 * 24 * 3600 * 1000;
    for _ in 0..EMAIL_FAILURES {
        let _ = w.bytes(EMAIL.as_bytes(), b"wrong", "192.0.2.1", NOW + year);
    }
    w.enter(EMAIL, PASSWORD).unwrap();
    assert_eq!(w.enter(EMAIL, "wrong-password"), Err(Refused::Credentials));
    assert_eq!(w.number("SELECT max(failures) FROM login_attempts"), 1);
}

#[test]
fn failures_at_the_same_time_are_all_counted() {
    let w = world();
    let each = EMAIL_FAILURES / 2;
    std::thread::scope(|scope| {
        for n in 0..8 {
            let path = &w.path;
            scope.spawn(move || {
                let (gate, sql) = (Gate::default(), NativeSql::open(path).unwrap());
                for _ in 0..each {
                    let login = format!("{}@shop.ru", n / 2);
                    let came = Login {
                        login: login.as_bytes(),
                        password: b"wrong-password",
                        address: Some("192.0.2.1"),
                    };
                    let refused = gate.authenticate(&sql, "demo", came, RIGHT, NOW);
                    assert_eq!(block_on(refused), Err(Refused::Credentials));
                }
            });
        }
    });
    let emails = w.number("SELECT min(failures) FROM login_attempts WHERE kind = 'email'");
    assert_eq!(emails, EMAIL_FAILURES);
    let address = w.number("SELECT failures FROM login_attempts WHERE kind = 'address'");
    assert_eq!(address, 8 * each);
}

#[test]
fn a_password_in_windows_1251_is_the_same_password() {
    let w = world();
    let bytes = sklad_cyrillic::encode_1251(PASSWORD);
    assert!(std::str::from_utf8(&bytes).is_err());
    w.bytes(EMAIL.as_bytes(), &bytes, "192.0.2.1", NOW).unwrap();
    w.employee("demo", "касса@магазин.рф", PASSWORD);
    let login = sklad_cyrillic::encode_1251("КАССА@магазин.рф");
    w.bytes(&login, &bytes, "192.0.2.1", NOW).unwrap();
}

#[test]
fn tenants_know_nothing_of_each_other() {
    let w = world();
    w.group("other", &[]);
    w.employee("other", EMAIL, "другой-пароль");
    let enter = |tenant: &str, password: &str| {
        let came = Login {
            login: EMAIL.as_bytes(),
            password: password.as_bytes(),
            address: Some("192.0.2.1"),
        };
        block_on(w.gate.authenticate(&w.sql, tenant, came, RIGHT, NOW))
    };
    enter("demo", PASSWORD).unwrap();
    assert_eq!(enter("other", PASSWORD), Err(Refused::Credentials));
    assert_eq!(
        enter("other", "другой-пароль"),
        Err(Refused::NoRight(RIGHT))
    );
    for _ in 0..EMAIL_FAILURES {
        let _ = enter("other", PASSWORD);
    }
    assert!(wait(enter("other", "другой-пароль")) > 0);
    enter("demo", PASSWORD).unwrap();
    assert_eq!(enter("nowhere", PASSWORD), Err(Refused::Credentials));
}

#[test]
fn hostile_input_is_a_wrong_password() {
    let w = world();
    let (long, binary): (Vec<u8>, Vec<u8>) = (vec![b'x'; 1_000_000], (0..=u8::MAX).collect());
    let sly = [EMAIL.as_bytes(), b"\0"].concat();
    let injection = b"' OR 1=1 --".as_slice();
    for (n, login) in [&long, &binary, &sly, injection, b"\xff"]
        .into_iter()
        .enumerate()
    {
        for (m, password) in [&long, &binary, b"\0".as_slice(), PASSWORD.as_bytes()]
            .into_iter()
            .enumerate()
        {
            let refused = w.bytes(login, password, &format!("192.0.2.{n}"), NOW);
            assert_eq!(refused, Err(Refused::Credentials), "{n} {m}");
        }
        let refused = w.bytes(
            EMAIL.as_bytes(),
            login,
            &format!("[2001:db8:{n}::1]:1"),
            NOW,
        );
        assert_eq!(refused, Err(Refused::Credentials), "{n}");
    }
    let longest = "SELECT max(length(subject)) FROM login_attempts";
    assert_eq!(w.number(longest), 32);
    w.enter(EMAIL, PASSWORD).unwrap();
}

#[test]
fn a_login_reads_once_writes_nothing_and_compiles_nothing_anew() {
    struct Counting<'a>(&'a NativeSql, Cell<u32>, Cell<u32>);
    impl Sql for Counting<'_> {
        async fn query(&self, statement: Statement) -> Result<Vec<Row>, SqlError> {
            self.1.set(self.1.get() + 1);
            self.0.query(statement).await
        }
        async fn atomic(&self, batch: Vec<Statement>) -> Result<Vec<Vec<Row>>, SqlError> {
            self.2
                .set(self.2.get() + u32::try_from(batch.len()).unwrap());
            self.0.atomic(batch).await
        }
    }
    let w = world();
    let sql = Counting(&w.sql, Cell::new(0), Cell::new(0));
    let enter = |password: &str| {
        let came = Login {
            login: EMAIL.as_bytes(),
            password: password.as_bytes(),
            address: None,
        };
        let _ = block_on(w.gate.authenticate(&sql, "demo", came, RIGHT, NOW));
        (sql.1.take(), sql.2.take())
    };
    let _ = compiled_anew();
    assert_eq!(enter(PASSWORD), (1, 0));
    assert_eq!(enter(PASSWORD), (1, 0));
    assert_eq!(enter("wrong-password"), (1, 1));
    assert_eq!(enter("wrong-password"), (1, 1));
    assert_eq!(compiled_anew(), Vec::<String>::new());
}

#[test]
fn a_login_searches_by_keys_alone() {
    let w = world();
    let subjects = Subjects::new(EMAIL, None);
    block_on(look(&w.sql, "demo", EMAIL, &subjects, NOW)).unwrap();
    let plan = Statement::new(format!(
        "EXPLAIN QUERY PLAN {}",
        LOOK.replace("{columns}", employees::COLUMNS)
    ));
    let plan = (0..6).fold(plan, |plan, _| plan.bind("x"));
    for step in block_on(w.sql.query(plan)).unwrap() {
        let step = step.string(3);
        assert!(
            !step.starts_with("SCAN") || step.contains("CONSTANT ROW") || step.contains("one"),
            "{step}"
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// A window begins with its first failure: two of them, side by side, are the most that any five
    /// minutes can hold.
    #[test]
    fn no_rhythm_gets_more_tries_than_two_windows_hold(
        gaps in proptest::collection::vec(0..WINDOW_MS / 6, 60)
    ) {
        let dir = tempfile::tempdir().unwrap();
        let sql = NativeSql::open(&dir.path().join("db")).unwrap();
        let (mut now, mut tried) = (NOW, Vec::new());
        for (n, gap) in gaps.into_iter().enumerate() {
            now += gap;
            let subjects = Subjects::new(EMAIL, Some(&format!("192.0.2.{n}")));
            match block_on(look(&sql, "demo", EMAIL, &subjects, now)).unwrap().retry_after_s {
                None => {
                    block_on(sql.atomic(vec![attempts::failed("demo", &subjects, now)])).unwrap();
                    tried.push(now);
                }
                Some(wait_s) => {
                    prop_assert!((1..=WINDOW_MS / 1000).contains(&wait_s));
                    let then = now + wait_s * 1000;
                    let seen = block_on(look(&sql, "demo", EMAIL, &subjects, then)).unwrap();
                    prop_assert_eq!(seen.retry_after_s, None);
                }
            }
        }
        for from in &tried {
            let held = tried.iter().filter(|at| (*from..from + WINDOW_MS).contains(at)).count();
            prop_assert!(i64::try_from(held).unwrap() <= 2 * EMAIL_FAILURES);
        }
    }
}
