//! Employees, groups and rights.

use futures::executor::block_on;
use serde_json::{Value, json};
use sklad_access::{Right, authenticate};

use crate::{Answer, World, shops};

impl World {
    fn hire(&self, body: &Value) -> Answer {
        self.post("/demo/employees", body)
    }

    fn logs_in(&self, email: &str, password: &str) -> Result<(), String> {
        let came = (
            email.as_bytes(),
            password.as_bytes(),
            Right::CommerceMlImport,
        );
        let (sql, now) = (&self.app.sql, self.now.get());
        let done = block_on(authenticate(sql, "demo", came.0, came.1, None, came.2, now));
        done.map(drop).map_err(|refused| refused.to_string())
    }
}

#[test]
fn a_machine_is_let_in_as_the_merchant_is_told_to() {
    let w = shops();
    let made = w.hire(&json!({ "email": "Obmen@kofe.ru", "name": "Обмен" }));
    assert_eq!(made.status, 201, "{}", made.body);
    let password = made.body["password"].as_str().unwrap();
    let id = made.body["employee"]["id"].as_str().unwrap();
    let location = format!("/api/v1/tenants/demo/employees/{id}");
    assert_eq!(made.headers["location"], location.as_str());
    let refused = w.logs_in("obmen@kofe.ru", password).unwrap_err();
    assert!(
        refused.contains("нет права «Импорт CommerceML»"),
        "{refused}"
    );

    let group = json!({ "name": "МойСклад", "rights": ["commerceml-import"] });
    assert_eq!(w.post("/demo/groups", &group).status, 201);
    let path =
        "/demo/groups/%D0%BC%D0%BE%D0%B9%D1%81%D0%BA%D0%BB%D0%B0%D0%B4/members/obmen@kofe.ru";
    let joined = w.call("PUT", path, &[], &Value::Null);
    assert_eq!(
        joined.body["members"][0]["email"], "obmen@kofe.ru",
        "{}",
        joined.body
    );
    assert_eq!(w.logs_in("obmen@kofe.ru", password), Ok(()));

    let edit = |body: Value| w.call("PATCH", "/demo/employees/obmen@kofe.ru", &[], &body);
    let blocked = edit(json!({ "active": false })).body;
    assert_eq!(
        (&blocked["active"], &blocked["rights"]),
        (&json!(false), &json!(["commerceml-import"]))
    );
    assert!(w.logs_in("obmen@kofe.ru", password).is_err());
    assert_eq!(
        edit(json!({ "active": true, "groups": [] })).body["rights"],
        json!([])
    );
    assert!(w.logs_in("obmen@kofe.ru", password).is_err());
    assert_eq!(edit(json!({ "groups": ["мойсклад"] })).status, 200);

    let set = |body: Value| w.post("/demo/employees/obmen@kofe.ru/password", &body);
    let new = set(Value::Null).body["password"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(w.logs_in("obmen@kofe.ru", password).is_err());
    assert_eq!(w.logs_in("obmen@kofe.ru", &new), Ok(()));
    let own = set(json!({ "password": "свой-пароль" }));
    assert_eq!((own.status, &own.body), (200, &json!({ "password": null })));
    assert_eq!(w.logs_in("obmen@kofe.ru", "свой-пароль"), Ok(()));

    assert_eq!(w.call("DELETE", path, &[], &Value::Null).status, 204);
    assert_eq!(w.call("DELETE", path, &[], &Value::Null).status, 404);
    let delete = || w.call("DELETE", "/demo/employees/obmen@kofe.ru", &[], &Value::Null);
    assert_eq!((delete().status, delete().status), (204, 404));
    assert_eq!(w.all_pages("/demo/journal?action=employee", 3).len(), 7);
    assert_eq!(w.all_pages("/demo/journal?action=group", 3).len(), 3);
}

#[test]
fn a_password_is_never_read_back() {
    let w = shops();
    let secret = "очень-тайный-пароль";
    let body = json!({ "email": "a@kofe.ru", "password": secret });
    let made = w.hire(&body);
    assert_eq!(made.body["password"], Value::Null);
    let id = made.body["employee"]["id"].as_str().unwrap().to_owned();
    let answers = [
        made.body,
        w.get(&format!("/demo/employees/{id}")).body,
        w.get("/demo/employees").body,
        w.get("/demo/journal").body,
        w.hire(&body).body,
        w.hire(&json!({ "email": "b", "password": secret })).body,
    ];
    for answer in answers {
        let text = answer.to_string();
        assert!(!text.contains(secret) && !text.contains("argon2"), "{text}");
    }
}

#[test]
fn employees_and_groups_are_paged_and_of_one_tenant() {
    let w = shops();
    for n in 0..5 {
        let name = format!("Группа {n}");
        assert_eq!(w.post("/demo/groups", &json!({ "name": name })).status, 201);
        let email = format!("{n}@kofe.ru");
        let body = json!({ "email": email, "password": "12345678", "groups": [name] });
        assert_eq!(w.hire(&body).status, 201);
    }
    assert_eq!(w.all_pages("/demo/employees", 2).len(), 5);
    assert_eq!(w.all_pages("/demo/groups", 2).len(), 5);
    assert!(w.all_pages("/other/employees", 2).is_empty());
    assert!(w.all_pages("/other/groups", 2).is_empty());
    let group = w.get("/demo/groups").body["items"][0].clone();
    let (id, employee) = (group["id"].as_str().unwrap(), "/employees/0@kofe.ru");
    for path in [employee, &format!("/groups/{id}")] {
        assert_eq!(w.get(&format!("/demo{path}")).status, 200, "{path}");
        for method in ["GET", "DELETE"] {
            let answer = w.call(method, &format!("/other{path}"), &[], &Value::Null);
            assert_eq!(answer.status, 404, "{method} {path}");
        }
    }
    let path = format!("/other/groups/{id}/members/0@kofe.ru");
    assert_eq!(w.call("PUT", &path, &[], &Value::Null).status, 404);
    assert_eq!(w.get("/nobody/employees").status, 404);
    assert_eq!(w.get("/nobody/rights").status, 404);
}

#[test]
fn what_is_wrong_is_refused_with_its_place() {
    let w = shops();
    w.hire(&json!({ "email": "a@kofe.ru", "password": "12345678" }));
    w.post("/demo/groups", &json!({ "name": "Склад" }));
    let employee = |body: Value| w.hire(&body);
    let group = |body: Value| w.post("/demo/groups", &body);
    for (answer, wanted) in [
        (employee(json!({ "email": "a" })), (422, "refused", "email")),
        (employee(json!({})), (400, "bad_request", "")),
        (
            employee(json!({ "email": "A@kofe.ru" })),
            (409, "conflict", ""),
        ),
        (
            employee(json!({ "email": "b@kofe.ru", "password": "1" })),
            (422, "refused", "password"),
        ),
        (
            employee(json!({ "email": "b@kofe.ru", "groups": ["x"] })),
            (422, "refused", "groups.0"),
        ),
        (
            employee(json!({ "email": "b@kofe.ru", "rights": [] })),
            (400, "bad_request", "rights"),
        ),
        (group(json!({ "name": "" })), (422, "refused", "name")),
        (group(json!({ "name": "склад" })), (409, "conflict", "")),
        (
            group(json!({ "name": "К", "rights": ["fly"] })),
            (400, "bad_request", "rights.0"),
        ),
        (
            group(json!({ "name": "К", "members": ["x"] })),
            (422, "refused", "members.0"),
        ),
    ] {
        assert_eq!(answer.refusal(), wanted, "{}", answer.body);
    }
    let rights = group(json!({ "name": "К", "rights": ["fly"] }));
    assert!(
        rights.message().contains("commerceml-import"),
        "{}",
        rights.message()
    );
}

#[test]
fn every_right_has_a_title() {
    let w = shops();
    let rights = w.get("/demo/rights").body;
    assert_eq!(rights.as_array().unwrap().len(), Right::ALL.len());
    let import = json!({ "right": "commerceml-import", "title": "Импорт CommerceML" });
    assert!(rights.as_array().unwrap().contains(&import), "{rights}");
}
