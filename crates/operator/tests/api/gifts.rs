//! Gift certificates.

use serde_json::{Value, json};

use crate::shops;

#[test]
fn certificates_are_created_listed_and_blocked() {
    let w = shops();
    let batch: Vec<_> = (0..9)
        .map(|n| json!({ "number": format!("G-{n}"), "initial_kopecks": 100_000 }))
        .collect();
    let made = w.post("/demo/gift-certificates", &json!(batch));
    assert_eq!((made.status, made.body.as_array().unwrap().len()), (201, 9));
    let again = w.post(
        "/demo/gift-certificates",
        &json!([{ "number": "G-1", "initial_kopecks": 1 }]),
    );
    assert_eq!(again.refusal().0, 409);
    let free = w.post(
        "/demo/gift-certificates",
        &json!([{ "number": "X", "initial_kopecks": 0 }]),
    );
    assert_eq!(free.refusal(), (422, "refused", "0.initial_kopecks"));
    assert_eq!(w.all_pages("/demo/gift-certificates", 4).len(), 9);
    assert_eq!(w.all_pages("/demo/gift-certificates?q=G-1", 4).len(), 1);
    assert!(w.all_pages("/other/gift-certificates", 4).is_empty());
    assert_eq!(w.get("/other/gift-certificates/G-1").status, 404);

    let status = |what: &str| w.post(&format!("/demo/gift-certificates/G-1{what}"), &Value::Null);
    assert_eq!(status("/block").body["status"], "INVALID");
    assert_eq!(status("/unblock").body["status"], "CAN_BE_USED");
    assert_eq!(
        w.post("/other/gift-certificates/G-1/block", &Value::Null)
            .status,
        404
    );
    let id = w.get("/demo/gift-certificates/G-1").body["id"].clone();
    let by_id = w.get(&format!("/demo/gift-certificates/{}", id.as_str().unwrap()));
    assert_eq!(by_id.body["number"], "G-1");
}

#[test]
fn an_import_reports_by_line() {
    let w = shops();
    let csv = "number;amount;expires\n1;1000;2027-12-31\n2;x;\n3;500,50;\n1;7;\n";
    let report = w.post("/demo/gift-certificates/import", &json!(csv));
    assert_eq!(report.status, 200, "{}", report.body);
    assert_eq!(report.body["created"], 2);
    let lines: Vec<_> = report.body["errors"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["line"].clone())
        .collect();
    assert_eq!(lines, [3, 5]);
    let again = w.post("/demo/gift-certificates/import", &json!(csv));
    assert_eq!(
        (&again.body["created"], &again.body["unchanged"]),
        (&json!(0), &json!(2))
    );
    let no_csv = w.post("/demo/gift-certificates/import", &json!("{}"));
    assert_eq!(no_csv.refusal().0, 422);
    let path = "/api/v1/tenants/demo/gift-certificates/import";
    let bearer = format!("Bearer {}", crate::TOKEN);
    let binary = w.send(
        "POST",
        path,
        &[("authorization", &bearer)],
        b"number;amount\n\xff;1",
    );
    assert_eq!(binary.refusal().0, 400);
}
