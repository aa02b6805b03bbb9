//! Sending a file's items in batches.

use serde_json::{Value, json};

use super::api::{Api, Body, Failure};
use super::out;
use super::show;

/// Sends the items of a JSON array to `path` with `method`, `batch` at a time, and tells how many were new and changed.
pub fn upsert(
    api: &Api,
    batch: usize,
    method: &str,
    path: &str,
    items: Value,
) -> Result<(), Failure> {
    let Value::Array(items) = items else {
        return Err(Failure::Usage("в файле должен быть массив JSON".to_owned()));
    };
    let mut sums = [("created", 0_u64), ("changed", 0), ("unchanged", 0)];
    for (n, some) in items.chunks(batch).enumerate() {
        let some = Value::from(some);
        let done = api
            .send(method, path, &[], &Body::Json(&some))
            .map_err(|failure| match failure {
                // Places are counted within a batch.
                Failure::Refused(text) if n > 0 => {
                    Failure::Refused(format!("начиная с {}-й записи файла: {text}", n * batch))
                }
                other => other,
            })?
            .body;
        for (name, sum) in &mut sums {
            *sum += done.get(*name).and_then(Value::as_u64).unwrap_or_default();
        }
    }
    let [(_, created), (_, changed), (_, unchanged)] = sums;
    if api.json {
        show::json(&json!({ "created": created, "changed": changed, "unchanged": unchanged }));
    } else {
        out!("Создано {created}, изменено {changed}, без изменений {unchanged}.");
    }
    Ok(())
}
