//! Employees, groups and membership on a real database.

#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may fail"
)]

use futures::executor::block_on;
use sklad_access::employees::{self, Edit, MAX_EMPLOYEES};
use sklad_access::groups::{self, MAX_GROUPS};
use sklad_access::{Employee, Error, Group, GroupInput, NewEmployee, Right, password};
use sklad_jobs::journal::{Filter, list};
use sklad_store::native::NativeSql;
use sklad_store::{Sql, Statement};

const NOW: i64 = 1_700_000_000_000;
const T: &str = "demo";

struct World {
    sql: NativeSql,
    _dir: tempfile::TempDir,
}

fn world() -> World {
    let dir = tempfile::tempdir().unwrap();
    let sql = NativeSql::open(&dir.path().join("db")).unwrap();
    World { sql, _dir: dir }
}

fn texts(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

fn group(name: &str, rights: &[Right], members: Option<&[&str]>) -> GroupInput {
    GroupInput {
        name: name.to_owned(),
        rights: rights.to_vec(),
        members: members.map(texts),
    }
}

impl World {
    fn hire(&self, email: &str, groups: &[&str]) -> Result<Employee, Error> {
        let new = NewEmployee {
            email: email.to_owned(),
            name: "Иванов Пётр".to_owned(),
            password: Some("пароль-123".to_owned()),
            active: None,
            groups: texts(groups),
        };
        block_on(employees::create(&self.sql, T, &new, NOW)).map(|made| made.employee)
    }

    fn edit(&self, key: &str, edit: &Edit) -> Result<Employee, Error> {
        block_on(employees::edit(&self.sql, T, key, edit, NOW + 1))
    }

    fn employee(&self, key: &str) -> Option<Employee> {
        block_on(employees::get(&self.sql, T, key)).unwrap()
    }

    fn found(&self, new: &GroupInput) -> Result<Group, Error> {
        block_on(groups::create(&self.sql, T, new, NOW))
    }

    fn replace(&self, key: &str, new: &GroupInput) -> Result<Group, Error> {
        block_on(groups::replace(&self.sql, T, key, new, NOW + 1))
    }

    fn group(&self, key: &str) -> Option<Group> {
        block_on(groups::get(&self.sql, T, key)).unwrap()
    }

    /// The texts of the journal, oldest first.
    fn journal(&self) -> Vec<String> {
        let lines = block_on(list(&self.sql, T, Filter::default(), 500)).unwrap();
        lines.into_iter().rev().map(|line| line.text).collect()
    }

    fn count(&self, sql: &'static str) -> Option<i64> {
        block_on(self.sql.query(Statement::new(sql)))
            .unwrap()
            .first()?
            .int(0)
    }
}

fn emails(group: &Group) -> Vec<&str> {
    group.members.iter().map(|m| m.email.as_str()).collect()
}

#[test]
fn an_employee_is_found_by_id_and_by_email_in_any_case() {
    let w = world();
    let made = w.hire(" Ivan@Shop.ru", &[]).unwrap();
    assert_eq!((made.email.as_str(), made.active), ("ivan@shop.ru", true));
    for key in [made.id.as_str(), &made.id.to_uppercase(), "IVAN@shop.ru "] {
        assert_eq!(w.employee(key).as_ref(), Some(&made), "{key}");
    }
    for key in ["", "ivan", "nobody@shop.ru", "@", "\0"] {
        assert_eq!(w.employee(key), None, "{key:?}");
    }
    assert_eq!(
        block_on(employees::get(&w.sql, "other", &made.id)),
        Ok(None)
    );
    assert_eq!(w.hire("IVAN@shop.ru", &[]), Err(Error::EmailTaken));
    let elsewhere = NewEmployee {
        email: "ivan@shop.ru".to_owned(),
        ..NewEmployee::default()
    };
    block_on(employees::create(&w.sql, "other", &elsewhere, NOW)).unwrap();
}

#[test]
fn a_password_that_was_not_given_is_generated_and_told_once() {
    let w = world();
    let new = NewEmployee {
        email: "a@shop.ru".to_owned(),
        ..NewEmployee::default()
    };
    let made = block_on(employees::create(&w.sql, T, &new, NOW)).unwrap();
    let first = made.password.unwrap();
    let stored = || {
        let statement = Statement::new("SELECT password FROM employees");
        block_on(w.sql.query(statement)).unwrap()[0].string(0)
    };
    assert!(password::verify(&stored(), &first));
    let set = |given| {
        block_on(employees::set_password(
            &w.sql,
            T,
            "a@shop.ru",
            given,
            NOW + 5,
        ))
    };
    assert_eq!(set(Some("мой-пароль")), Ok(None));
    assert!(password::verify(&stored(), "мой-пароль"));
    let second = set(None).unwrap().unwrap();
    assert!(password::verify(&stored(), &second) && !password::verify(&stored(), &first));
    assert!(matches!(set(Some("short")), Err(Error::Invalid { .. })));
    assert_eq!(
        w.employee("a@shop.ru").unwrap().password_changed_at,
        NOW + 5
    );
    for line in w.journal() {
        assert!(
            !line.contains(&second) && !line.contains("мой-пароль"),
            "{line}"
        );
    }
}

#[test]
fn an_edit_changes_what_is_given_and_tells_it() {
    let w = world();
    w.hire("a@shop.ru", &[]).unwrap();
    w.hire("b@shop.ru", &[]).unwrap();
    w.found(&group("Склад", &[Right::Goods], None)).unwrap();
    let blocked = Edit {
        active: Some(false),
        groups: Some(texts(&["склад", "СКЛАД"])),
        ..Edit::default()
    };
    let changed = w.edit("a@shop.ru", &blocked).unwrap();
    assert!(!changed.active);
    assert_eq!(
        (changed.groups.len(), changed.rights.as_slice()),
        (1, [Right::Goods].as_slice())
    );
    assert_eq!(changed.name, "Иванов Пётр");
    let last = || w.journal().pop().unwrap();
    assert_eq!(last(), "Изменён сотрудник Иванов П.: заблокирован, группы");

    let lines = w.journal().len();
    assert_eq!(w.edit("a@shop.ru", &blocked).unwrap(), changed);
    assert_eq!(w.edit("a@shop.ru", &Edit::default()).unwrap(), changed);
    assert_eq!(w.journal().len(), lines, "nothing changed, nothing told");

    let email = |email: &str| Edit {
        email: Some(email.to_owned()),
        ..Edit::default()
    };
    assert_eq!(
        w.edit("a@shop.ru", &email("B@shop.ru")),
        Err(Error::EmailTaken)
    );
    let moved = w.edit("a@shop.ru", &email("C@shop.ru")).unwrap();
    assert_eq!(
        (moved.email.as_str(), moved.groups),
        ("c@shop.ru", changed.groups)
    );
    assert_eq!(
        w.edit("a@shop.ru", &email("d@shop.ru")),
        Err(Error::NotFound)
    );
    let nowhere = Edit {
        groups: Some(texts(&["склад", "касса"])),
        ..Edit::default()
    };
    let refused = w.edit("c@shop.ru", &nowhere).unwrap_err();
    assert!(matches!(refused, Error::Invalid { path, .. } if path == "groups.1"));
}

#[test]
fn an_employee_has_the_rights_of_all_his_groups() {
    let w = world();
    w.found(&group("А", &[Right::Goods, Right::Journal], None))
        .unwrap();
    w.found(&group("Б", &[Right::AdminPanel, Right::Goods], None))
        .unwrap();
    let made = w.hire("a@shop.ru", &["Б", "а"]).unwrap();
    let names: Vec<_> = made.groups.iter().map(|g| g.name.as_str()).collect();
    assert_eq!(names, ["А", "Б"]);
    assert_eq!(
        made.rights,
        [Right::AdminPanel, Right::Journal, Right::Goods]
    );
    block_on(groups::delete(&w.sql, T, "А", NOW)).unwrap();
    let left = w.employee("a@shop.ru").unwrap();
    assert_eq!(left.rights, [Right::AdminPanel, Right::Goods]);
    assert_eq!(w.group("А"), None);
}

#[test]
fn members_come_and_go_one_by_one_and_together() {
    let w = world();
    let made = w.hire("a@shop.ru", &[]).unwrap();
    w.hire("b@shop.ru", &[]).unwrap();
    let new = w.found(&group(
        " Мой  Склад ",
        &[Right::CommerceMlImport],
        Some(&["B@shop.ru"]),
    ));
    let new = new.unwrap();
    assert_eq!(
        (new.name.as_str(), emails(&new)),
        ("Мой Склад", vec!["b@shop.ru"])
    );

    let add = |who: &str| block_on(groups::add_member(&w.sql, T, "мой склад", who, NOW));
    let remove = |who: &str| block_on(groups::remove_member(&w.sql, T, &new.id, who, NOW));
    assert_eq!(
        emails(&add("a@shop.ru").unwrap()),
        ["a@shop.ru", "b@shop.ru"]
    );
    let lines = w.journal().len();
    assert_eq!(emails(&add(&made.id).unwrap()), ["a@shop.ru", "b@shop.ru"]);
    assert_eq!(w.journal().len(), lines, "he is there already");
    assert_eq!(add("nobody@shop.ru"), Err(Error::NotFound));
    assert_eq!(remove("b@shop.ru"), Ok(()));
    assert_eq!(remove("b@shop.ru"), Err(Error::NotFound));

    let rights = [Right::Goods];
    let kept = w.replace(&new.id, &group("Склад", &rights, None)).unwrap();
    assert_eq!(
        (emails(&kept), kept.rights.as_slice()),
        (vec!["a@shop.ru"], rights.as_slice())
    );
    let moved = w.replace(
        "склад",
        &group("Склад", &rights, Some(&["b@shop.ru", "B@shop.ru"])),
    );
    assert_eq!(emails(&moved.unwrap()), ["b@shop.ru"]);
    let emptied = w
        .replace("склад", &group("Склад", &rights, Some(&[])))
        .unwrap();
    assert!(emptied.members.is_empty());
    let unknown = w.replace("склад", &group("Склад", &rights, Some(&["x@shop.ru"])));
    assert!(matches!(unknown, Err(Error::Invalid { path, .. }) if path == "members.0"));
    assert_eq!(
        w.replace("касса", &group("Касса", &[], None)),
        Err(Error::NotFound)
    );
}

#[test]
fn a_name_is_one_groups_alone() {
    let w = world();
    w.found(&group("Склад", &[], None)).unwrap();
    assert_eq!(w.found(&group(" СКЛАД", &[], None)), Err(Error::NameTaken));
    w.found(&group("Касса", &[], None)).unwrap();
    assert_eq!(
        w.replace("касса", &group("склад", &[], None)),
        Err(Error::NameTaken)
    );
    for bad in ["", " \0 ", &"я".repeat(101)] {
        assert!(
            matches!(w.found(&group(bad, &[], None)), Err(Error::Invalid { .. })),
            "{bad:?}"
        );
    }
}

#[test]
fn who_is_deleted_leaves_nothing() {
    let w = world();
    w.found(&group("Склад", &[], None)).unwrap();
    w.hire("a@shop.ru", &["Склад"]).unwrap();
    let delete = || block_on(employees::delete(&w.sql, T, "a@shop.ru", NOW));
    assert_eq!((delete(), delete()), (Ok(()), Err(Error::NotFound)));
    assert_eq!(w.count("SELECT count(*) FROM group_members"), Some(0));
    assert!(w.group("Склад").unwrap().members.is_empty());
}

#[test]
fn lists_are_read_page_by_page() {
    let w = world();
    for n in 0..5 {
        w.found(&group(&format!("Группа {n}"), &[], None)).unwrap();
        w.hire(&format!("{n}@shop.ru"), &[]).unwrap();
    }
    let page = |after: &str| block_on(employees::list(&w.sql, T, after, 2)).unwrap();
    let mut seen = Vec::new();
    while let Some(last) = page(seen.last().map_or("", String::as_str)).pop() {
        let after = seen.last().cloned().unwrap_or_default();
        seen.extend(page(&after).into_iter().map(|e| e.email));
        assert_eq!(seen.last(), Some(&last.email));
    }
    assert_eq!(
        seen,
        (0..5).map(|n| format!("{n}@shop.ru")).collect::<Vec<_>>()
    );
    let groups = |after: &str| block_on(groups::list(&w.sql, T, after, 3)).unwrap();
    assert_eq!(groups("").len(), 3);
    assert_eq!(groups(&groups::name_key("ГРУППА 2")).len(), 2);
    assert!(
        block_on(employees::list(&w.sql, "other", "", 9))
            .unwrap()
            .is_empty()
    );
}

#[test]
fn there_are_so_many_and_no_more() {
    let w = world();
    let fill = |table: &str, columns: &str, values: &str, most: i64| {
        let sql = format!(
            "WITH RECURSIVE n (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {most}) \
             INSERT INTO {table} (tenant, id, {columns}, created_at, updated_at) \
             SELECT 'demo', n, {values}, 0, 0 FROM n"
        );
        w.sql.batch(&sql).unwrap();
    };
    let columns = "email, password, password_changed_at";
    fill("employees", columns, "n || '@x', '', 0", MAX_EMPLOYEES);
    fill("employee_groups", "name, name_key", "n, n", MAX_GROUPS);
    assert_eq!(w.hire("a@shop.ru", &[]), Err(Error::TooMany(MAX_EMPLOYEES)));
    assert_eq!(
        w.found(&group("Склад", &[], None)),
        Err(Error::TooMany(MAX_GROUPS))
    );
    let everybody = w.count("SELECT count(*) FROM employees");
    assert_eq!(everybody, Some(MAX_EMPLOYEES));
}

#[test]
fn every_change_is_told_without_what_is_private() {
    let w = world();
    w.found(&group("Склад", &[Right::CommerceMlImport], None))
        .unwrap();
    w.hire("a@shop.ru", &[]).unwrap();
    block_on(groups::add_member(&w.sql, T, "Склад", "a@shop.ru", NOW)).unwrap();
    block_on(employees::set_password(&w.sql, T, "a@shop.ru", None, NOW)).unwrap();
    block_on(groups::remove_member(&w.sql, T, "Склад", "a@shop.ru", NOW)).unwrap();
    block_on(employees::delete(&w.sql, T, "a@shop.ru", NOW)).unwrap();
    block_on(groups::delete(&w.sql, T, "Склад", NOW)).unwrap();
    let mut told = w.journal();
    let mut wanted = texts(&[
        "Заведена группа «Склад»: Импорт CommerceML",
        "Заведён сотрудник Иванов П.",
        "Сотрудник Иванов П. добавлен в группу «Склад»",
        "Задан новый пароль сотрудника Иванов П.",
        "Сотрудник Иванов П. убран из группы «Склад»",
        "Удалён сотрудник Иванов П.",
        "Удалена группа «Склад»",
    ]);
    // Rows of one millisecond have no order.
    told.sort();
    wanted.sort();
    assert_eq!(told, wanted);
}
