//! `GET /giftcard`: a gift certificate by its number (moysklad-loyalty.md §3.9). Sums are kopecks.

use serde_json::{Value, json};
use sklad_loyalty::giftcards::{self, Certificate, Status};
use sklad_store::Sql;
use sklad_tenant::clock;

use super::{Call, Reply};

/// The certificate's state. How the till takes an unknown number is not documented (§9.12); 404 with
/// a text is what the other methods do.
pub async fn status(sql: &impl Sql, call: &Call<'_>) -> Result<Reply, Reply> {
    let number = call
        .parameter("name")
        .map(|n| n.trim().to_owned())
        .unwrap_or_default();
    if number.is_empty() {
        return Err(Reply::invalid("Не указан номер сертификата", "name"));
    }
    let found = giftcards::find(sql, call.shop().tenant, &number, call.now).await?;
    let certificate = found.ok_or_else(|| Reply::not_found("Сертификат не найден", "name"))?;
    Ok(Reply::json(&told(&certificate, &number)))
}

fn told(certificate: &Certificate, asked: &str) -> Value {
    let mut answer = json!({
        "name": asked,
        "id": certificate.id,
        "status": certificate.status.as_str(),
        "initialBalance": certificate.initial_kopecks,
    });
    if let Some(answer) = answer.as_object_mut() {
        if matches!(
            certificate.status,
            Status::CanBeUsed | Status::PartiallyRedeemed
        ) {
            answer.insert(
                "currentBalance".to_owned(),
                json!(certificate.balance_kopecks),
            );
        }
        if let Some(at) = certificate.expires_at {
            answer.insert("expireDate".to_owned(), json!(clock::format_utc(at)));
        }
    }
    answer
}
