//! Tokens between the service and solutions: HS256, both ways (loyalty specification §6.1).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use serde_json::{Value, json};
use sha2::Sha256;

/// How long a token lives at most, in seconds.
pub(crate) const LIFETIME_S: i64 = 300;
/// How far ahead a client's clock may be, in seconds.
const AHEAD_S: i64 = 30;

/// A token with these claims.
pub(crate) fn sign(secret: &str, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let head = part(&json!({ "alg": "HS256", "typ": "JWT" }));
    let signed = format!("{head}.{}", part(claims));
    let sum = mac(secret, &signed).map(|mac| mac.finalize().into_bytes());
    format!(
        "{signed}.{}",
        URL_SAFE_NO_PAD.encode(sum.unwrap_or_default())
    )
}

fn mac(secret: &str, signed: &str) -> Option<Hmac<Sha256>> {
    let mut mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes()).ok()?;
    mac.update(signed.as_bytes());
    Some(mac)
}

/// The claims of a token before its signature was checked: they say whose it should be.
pub(crate) fn claims(token: &str) -> Option<Value> {
    decode(token.split('.').nth(1)?)
}

fn decode(part: &str) -> Option<Value> {
    serde_json::from_slice(&URL_SAFE_NO_PAD.decode(part).ok()?).ok()
}

/// Checks algorithm, signature and times of a solution's token.
///
/// # Errors
/// What is wrong with it.
pub(crate) fn check(token: &str, secret: &str, now_s: i64) -> Result<Value, &'static str> {
    let parts: Vec<&str> = token.split('.').collect();
    let [head, body, sum] = parts.as_slice() else {
        return Err("не JWT");
    };
    let alg = decode(head).and_then(|head| head.get("alg")?.as_str().map(str::to_owned));
    if alg.as_deref() != Some("HS256") {
        return Err("алгоритм не HS256");
    }
    let signature = URL_SAFE_NO_PAD
        .decode(sum)
        .map_err(|_| "подпись не base64url")?;
    let mac = mac(secret, &format!("{head}.{body}")).ok_or("ключ")?;
    mac.verify_slice(&signature)
        .map_err(|_| "подпись не сходится")?;
    let claims = decode(body).ok_or("тело не JSON")?;
    let time = |name: &str| claims.get(name).and_then(Value::as_i64);
    let issued = time("iat").ok_or("нет iat")?;
    let latest = issued.saturating_add(LIFETIME_S);
    let expires = time("exp").map_or(latest, |exp| exp.min(latest));
    if issued > now_s + AHEAD_S {
        return Err("iat в будущем");
    }
    if now_s >= expires {
        return Err("токен истёк");
    }
    if claims
        .get("jti")
        .and_then(Value::as_str)
        .is_none_or(str::is_empty)
    {
        return Err("нет jti");
    }
    Ok(claims)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_fresh_token_with_the_right_key_is_taken() {
        let claims = json!({ "sub": "a.b", "iat": 1000, "jti": "1" });
        let token = sign("secret", &claims);
        assert_eq!(check(&token, "secret", 1001), Ok(claims));
        assert!(check(&token, "other", 1001).is_err());
        assert!(check(&token, "secret", 1300).is_err());
        assert!(check(&token, "secret", 900).is_err());
        let long = sign("secret", &json!({ "iat": 1000, "exp": 9000, "jti": "1" }));
        assert!(
            check(&long, "secret", 1300).is_err(),
            "no token lives longer than 300 s"
        );
        let bare = sign("secret", &json!({ "iat": 1000 }));
        assert!(check(&bare, "secret", 1001).is_err());
        let none = format!("{}.e30.", URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#));
        assert!(check(&none, "secret", 1001).is_err());
    }
}
