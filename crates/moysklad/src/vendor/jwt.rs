//! JSON Web Tokens of the Vendor API, both ways (moysklad-loyalty.md §6.1): HS256 and nothing else.
//!
//! The libraries that build for components bring RSA and elliptic curves, or have not been released for
//! years; what is needed of RFC 7519 is one algorithm, three numbers and a name.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac};
use serde::{Deserialize, Serialize};
use sha2::Sha256;

/// How long a token is good at most, in seconds, whatever it says.
pub const MAX_LIFE_S: i64 = 300;
/// How far the clocks of both sides may differ, in seconds.
pub const LEEWAY_S: i64 = 30;
/// How long a token of ours is good, in seconds.
const OUR_LIFE_S: i64 = 120;
/// The longest token that is looked at, in bytes.
const MAX_BYTES: usize = 4096;
/// The longest `jti`, in bytes.
const MAX_JTI: usize = 200;

/// Why a token is refused. Whoever sent it is not told which.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// It is no token, or a part of it is missing or of another kind.
    #[error("no token of the expected form")]
    Form,
    /// It names another algorithm than HS256, or demands what we do not know.
    #[error("another algorithm than HS256")]
    Algorithm,
    /// It was not signed with this secret.
    #[error("wrong signature")]
    Signature,
    /// It is not good any more.
    #[error("expired")]
    Expired,
    /// It is from the future.
    #[error("not yet valid")]
    Early,
}

/// What a token of МойСклад says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// When it was made, seconds since 1970.
    pub iat: i64,
    /// Until when it is good, seconds since 1970: its `exp`, and never more than [`MAX_LIFE_S`] after `iat`.
    pub exp: i64,
    /// Its name, good for one call.
    pub jti: String,
}

impl Claims {
    /// From when on [`verify`] refuses the token as expired, seconds since 1970.
    #[must_use]
    pub fn forgotten_at(&self) -> i64 {
        self.exp.saturating_add(LEEWAY_S)
    }
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    typ: Option<String>,
    crit: Option<serde::de::IgnoredAny>,
}

#[derive(Deserialize)]
struct Payload {
    iat: i64,
    exp: Option<i64>,
    nbf: Option<i64>,
    jti: String,
}

/// Checks a token of МойСклад at `now_s`, seconds since 1970.
///
/// # Errors
/// See [`Refused`].
pub fn verify(secret: &str, token: &str, now_s: i64) -> Result<Claims, Refused> {
    if token.len() > MAX_BYTES {
        return Err(Refused::Form);
    }
    let (signed, signature) = token.rsplit_once('.').ok_or(Refused::Form)?;
    let (header, payload) = signed.split_once('.').ok_or(Refused::Form)?;
    let header: Header = part(header)?;
    let typ = header.typ.as_deref().unwrap_or("JWT");
    if header.alg != "HS256" || !typ.eq_ignore_ascii_case("JWT") || header.crit.is_some() {
        return Err(Refused::Algorithm);
    }
    let signature = URL_SAFE_NO_PAD
        .decode(signature)
        .map_err(|_| Refused::Form)?;
    // Compares in constant time.
    mac(secret, signed)?
        .verify_slice(&signature)
        .map_err(|_| Refused::Signature)?;
    timely(part(payload)?, now_s)
}

fn timely(payload: Payload, now_s: i64) -> Result<Claims, Refused> {
    let most = payload.iat.saturating_add(MAX_LIFE_S);
    let exp = payload.exp.map_or(most, |exp| exp.min(most));
    let begins = payload.nbf.unwrap_or(payload.iat).max(payload.iat);
    if payload.jti.is_empty() || payload.jti.len() > MAX_JTI {
        return Err(Refused::Form);
    }
    if begins > now_s.saturating_add(LEEWAY_S) {
        return Err(Refused::Early);
    }
    if exp.saturating_add(LEEWAY_S) <= now_s {
        return Err(Refused::Expired);
    }
    Ok(Claims {
        iat: payload.iat,
        exp,
        jti: payload.jti,
    })
}

fn part<T: for<'de> Deserialize<'de>>(text: &str) -> Result<T, Refused> {
    let bytes = URL_SAFE_NO_PAD.decode(text).map_err(|_| Refused::Form)?;
    let json = std::str::from_utf8(&bytes).map_err(|_| Refused::Form)?;
    // A list is read as the fields in their order otherwise.
    if !json.trim_start().starts_with('{') {
        return Err(Refused::Form);
    }
    serde_json::from_str(json).map_err(|_| Refused::Form)
}

fn mac(secret: &str, signed: &str) -> Result<Hmac<Sha256>, Refused> {
    let mac = Hmac::<Sha256>::new_from_slice(secret.as_bytes());
    Ok(mac.map_err(|_| Refused::Signature)?.chain_update(signed))
}

#[derive(Serialize)]
struct Ours<'a> {
    sub: &'a str,
    iat: i64,
    exp: i64,
    jti: &'a str,
}

/// A token of ours for one call at `now_s`: `app_uid` is the subject, `jti` a name that is never used
/// again.
#[must_use]
pub fn sign(secret: &str, app_uid: &str, jti: &str, now_s: i64) -> String {
    let payload = Ours {
        sub: app_uid,
        iat: now_s,
        exp: now_s.saturating_add(OUR_LIFE_S),
        jti,
    };
    let payload = serde_json::to_vec(&payload).unwrap_or_default();
    let header = URL_SAFE_NO_PAD.encode(r#"{"alg":"HS256","typ":"JWT"}"#);
    let signed = format!("{header}.{}", URL_SAFE_NO_PAD.encode(payload));
    let signature = mac(secret, &signed).map(|mac| mac.finalize().into_bytes());
    let signature = URL_SAFE_NO_PAD.encode(signature.unwrap_or_default());
    format!("{signed}.{signature}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use serde_json::{Value, json};

    const SECRET: &str = "a secret of the tests";
    const NOW: i64 = 1_790_000_000;

    fn token(secret: &str, header: &Value, payload: &Value) -> String {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let signed = format!("{}.{}", encode(header), encode(payload));
        let signature = mac(secret, &signed).unwrap().finalize().into_bytes();
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    fn checked(payload: &Value) -> Result<Claims, Refused> {
        let header = json!({ "alg": "HS256", "typ": "JWT" });
        verify(SECRET, &token(SECRET, &header, payload), NOW)
    }

    #[test]
    fn a_token_made_elsewhere_is_understood() {
        // Made with Python's hmac module; the secret is used as its UTF-8 bytes.
        let made = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9.\
            eyJpYXQiOjE3OTAwMDAwMDAsImV4cCI6MTc5MDAwMDMwMCwianRpIjoiajEifQ.\
            57jLomyUdgvQpGFRjA_T35dz-4h-QzvzVykPusfucgg";
        let claims = verify("секрет-тестов-1234", made, NOW).unwrap();
        assert_eq!(
            (claims.iat, claims.exp, claims.jti.as_str()),
            (NOW, NOW + 300, "j1")
        );
    }

    #[test]
    fn a_token_lives_for_its_time_and_never_longer_than_five_minutes() {
        let at =
            |iat: i64, exp: Option<i64>| checked(&json!({ "iat": iat, "exp": exp, "jti": "j" }));
        assert_eq!(at(NOW, Some(NOW + 60)).unwrap().exp, NOW + 60);
        assert_eq!(at(NOW, Some(NOW + 86_400)).unwrap().exp, NOW + MAX_LIFE_S);
        assert_eq!(at(NOW, None).unwrap().exp, NOW + MAX_LIFE_S);
        let old = NOW - MAX_LIFE_S - LEEWAY_S;
        assert_eq!(at(old, Some(NOW + 86_400)), Err(Refused::Expired));
        assert!(at(old + 1, None).is_ok());
        assert_eq!(at(NOW - 100, Some(NOW - LEEWAY_S)), Err(Refused::Expired));
        assert_eq!(at(NOW + LEEWAY_S + 1, None), Err(Refused::Early));
        assert!(at(NOW + LEEWAY_S, None).is_ok());
        for extreme in [i64::MIN, i64::MAX] {
            assert!(at(extreme, Some(extreme)).is_err());
        }
    }

    #[test]
    fn only_hs256_with_our_secret_is_believed() {
        let payload = json!({ "iat": NOW, "exp": NOW + 300, "jti": "j" });
        let good = token(SECRET, &json!({ "alg": "HS256" }), &payload);
        assert!(verify(SECRET, &good, NOW).is_ok());
        assert_eq!(verify("another", &good, NOW), Err(Refused::Signature));
        for header in [
            json!({ "alg": "none" }),
            json!({ "alg": "HS512", "typ": "JWT" }),
            json!({ "alg": "hs256" }),
            json!({ "alg": "HS256", "typ": "JOSE" }),
            json!({ "alg": "HS256", "crit": ["x"], "x": 1 }),
        ] {
            let made = token(SECRET, &header, &payload);
            assert_eq!(
                verify(SECRET, &made, NOW),
                Err(Refused::Algorithm),
                "{header}"
            );
        }
        let unsigned = good.rsplit_once('.').unwrap().0;
        assert!(verify(SECRET, &format!("{unsigned}."), NOW).is_err());
        assert!(verify(SECRET, unsigned, NOW).is_err());
        let none = URL_SAFE_NO_PAD.encode(r#"{"alg":"none"}"#);
        let rest = unsigned.split_once('.').unwrap().1;
        assert_eq!(
            verify(SECRET, &format!("{none}.{rest}."), NOW),
            Err(Refused::Algorithm)
        );
    }

    #[test]
    fn a_token_without_its_parts_is_no_token() {
        for payload in [
            json!({ "iat": NOW, "exp": NOW + 300 }),
            json!({ "iat": NOW, "exp": NOW + 300, "jti": "" }),
            json!({ "iat": NOW, "exp": NOW + 300, "jti": "x".repeat(MAX_JTI + 1) }),
            json!({ "exp": NOW + 300, "jti": "j" }),
            json!({ "iat": NOW.to_string(), "jti": "j" }),
            json!([]),
            json!([NOW, NOW + 300, null, "j"]),
        ] {
            assert_eq!(checked(&payload), Err(Refused::Form), "{payload}");
        }
    }

    #[test]
    fn what_we_sign_the_other_side_can_check() {
        let ours = sign(SECRET, "app.vendor", "our-jti", NOW);
        assert_eq!(verify(SECRET, &ours, NOW).unwrap().jti, "our-jti");
        let payload: Value = part(ours.split('.').nth(1).unwrap()).unwrap();
        assert_eq!(payload["sub"], "app.vendor");
    }

    proptest! {
        #[test]
        fn no_text_is_taken_for_a_token(text in "[ -~]{0,120}", a in "[A-Za-z0-9_-]{0,40}") {
            prop_assert!(verify(SECRET, &text, NOW).is_err());
            let three = [a.as_str(); 3].join(".");
            prop_assert!(verify(SECRET, &three, NOW).is_err());
        }

        #[test]
        fn a_changed_character_is_seen(at in 0_usize..200, to in "[A-Za-z0-9_.-]") {
            let good = sign(SECRET, "app.vendor", "our-jti", NOW);
            let at = at % good.len();
            let mut changed = good.clone();
            changed.replace_range(at..=at, &to);
            prop_assert!(changed == good || verify(SECRET, &changed, NOW).is_err());
        }
    }
}
