//! What we ask of МойСклад's side of the Vendor API, and what its answers mean (moysklad-loyalty.md §6.4).
//! Pure: the calls are described, somebody else sends them.

use bytes::Bytes;
use http::header::{ACCEPT, ACCEPT_ENCODING, AUTHORIZATION, CONTENT_TYPE};
use http::{Method, Request, Response, StatusCode};
use serde::Deserialize;
use serde_json::json;
use sklad_store::{Call, HttpError, Reach, Within};
use sklad_tenant::moysklad::Solution;

use super::{Error, jwt};
use crate::api::client;

/// What stands before the paths.
const BASE: &str = "/api/vendor/1.0";
/// What a call may cost. Somebody may be waiting for the activation.
const WITHIN: Within = Within {
    connect_ms: 3_000,
    answer_ms: 8_000,
    body_bytes: 128 * 1024,
};
/// The largest answer, unpacked, in bytes: an employee with all permissions has a tenth of it.
const MAX_ANSWER: usize = 512 * 1024;
/// The longest text of МойСклад that is shown, in characters.
const MAX_TEXT_CHARS: usize = 200;
/// The longest key or token of a context, in bytes.
const MAX_CONTEXT: usize = 200;

/// What МойСклад made of a call.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Told {
    /// Done.
    Done,
    /// Refused, with no effect: why, in Russian.
    Refused(String),
    /// Not now, or nobody knows whether it had its effect: it is to be repeated as it was.
    Unknown(String),
}

/// A solution of ours that calls, at a time and with a name for the call.
pub struct Caller<'a> {
    /// Where the Vendor API is.
    pub origin: &'a str,
    /// The solution.
    pub solution: &'a Solution,
    /// Seconds since 1970.
    pub now_s: i64,
    /// A name that was never used before.
    pub jti: String,
}

impl Caller<'_> {
    /// PUT …/loyalty: where tills ask, with which key, and whether they look for customers there.
    ///
    /// # Errors
    /// [`Error::Setting`] for an address that cannot be called.
    pub fn loyalty(
        self,
        account: &str,
        url: &str,
        token: &str,
        external_search: bool,
    ) -> Result<Call, Error> {
        let body = json!({ "url": url, "token": token, "externalSearch": external_search });
        let path = format!("/apps/{}/{account}/loyalty", self.solution.app_id);
        self.call(Method::PUT, &path, Some(body.to_string()))
    }

    /// PUT …/status: the solution is at work.
    ///
    /// # Errors
    /// [`Error::Setting`] for an address that cannot be called.
    pub fn activated(self, account: &str) -> Result<Call, Error> {
        let path = format!("/apps/{}/{account}/status", self.solution.app_id);
        let body = json!({ "status": "Activated" });
        self.call(Method::PUT, &path, Some(body.to_string()))
    }

    /// POST context/{contextKey}: who has opened the solution (§6.7).
    ///
    /// # Errors
    /// [`Error::Context`] for what is no key, [`Error::Setting`].
    pub fn context_key(self, key: &str) -> Result<Call, Error> {
        let plain = key
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'_');
        // `user` is the path of the other way.
        if !plain || key == "user" || !(1..=MAX_CONTEXT).contains(&key.len()) {
            return Err(Error::Context);
        }
        self.call(Method::POST, &format!("/context/{key}"), None)
    }

    /// POST context/user: the same by a token that is good once (§6.7, 02-09-2026).
    ///
    /// # Errors
    /// [`Error::Context`] for what is no token, [`Error::Setting`].
    pub fn context_token(self, token: &str) -> Result<Call, Error> {
        if !(1..=MAX_CONTEXT).contains(&token.len()) {
            return Err(Error::Context);
        }
        let body = json!({ "token": token }).to_string();
        self.call(Method::POST, "/context/user", Some(body))
    }

    fn call(self, method: Method, path: &str, body: Option<String>) -> Result<Call, Error> {
        let Solution {
            secret_key,
            app_uid,
            ..
        } = self.solution;
        let token = jwt::sign(secret_key, app_uid, &self.jti, self.now_s);
        let mut request = Request::builder()
            .method(method)
            .uri(format!("{}{BASE}{path}", self.origin))
            .header(AUTHORIZATION, format!("Bearer {token}"))
            .header(ACCEPT, "application/json")
            // Without it the answer is 415.
            .header(ACCEPT_ENCODING, "gzip");
        if body.is_some() {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        let request = request.body(Bytes::from(body.unwrap_or_default()));
        Ok(Call {
            request: request.map_err(|_| Error::Setting("moysklad_apps"))?,
            reach: Reach::Origin(self.origin.to_owned()),
            within: WITHIN,
        })
    }
}

/// What an answer to a change means. 4xx: no effect (§1.2). What may have had one, or may succeed later,
/// is unknown.
#[must_use]
pub fn told(answer: Result<Response<Bytes>, HttpError>) -> Told {
    let response = match answer {
        Ok(response) => response,
        Err(e) => return Told::Unknown(e.to_string()),
    };
    let status = response.status();
    if status.is_success() {
        return Told::Done;
    }
    let (code, text) = error(&response);
    // 2007: the installation is not finished, so it is a matter of seconds.
    let later = matches!(status.as_u16(), 408 | 425 | 429) || code == Some(2007);
    if !status.is_client_error() || later {
        return Told::Unknown(format!("status {}", status.as_u16()));
    }
    Told::Refused(refusal(status, code, &text))
}

fn refusal(status: StatusCode, code: Option<i64>, text: &str) -> String {
    let why = match (status.as_u16(), code) {
        (_, Some(2004)) | (404, _) => {
            "решение не установлено на этом аккаунте, установите его заново"
        }
        (_, Some(2006)) => {
            "у решения не объявлена поддержка программы лояльности, обратитесь в поддержку"
        }
        (401 | 403, _) => "подпись решения не принята, обратитесь в поддержку",
        (409, _) => "решение на этом аккаунте сейчас нельзя включить, откройте его и повторите",
        _ => "",
    };
    match (why, text) {
        ("", "") => format!("МойСклад отказал: ошибка {}", status.as_u16()),
        ("", text) => format!("МойСклад отказал: {text}"),
        (why, _) => format!("МойСклад отказал: {why}"),
    }
}

#[derive(Deserialize)]
struct Errors {
    errors: Vec<Fault>,
}

#[derive(Deserialize)]
struct Fault {
    code: Option<i64>,
    error: Option<String>,
}

/// Code and text of the first error.
fn error(response: &Response<Bytes>) -> (Option<i64>, String) {
    let body = unpacked(response).unwrap_or_default();
    let errors = serde_json::from_str::<Errors>(&String::from_utf8_lossy(&body));
    let first = errors.ok().and_then(|e| e.errors.into_iter().next());
    let Some(Fault { code, error }) = first else {
        return (None, String::new());
    };
    let text = error.unwrap_or_default();
    let shown = text.chars().filter(|c| !c.is_control());
    (code, shown.take(MAX_TEXT_CHARS).collect())
}

fn unpacked(response: &Response<Bytes>) -> Option<Vec<u8>> {
    let text = client::unpacked(response.headers(), response.body().clone()).ok();
    text.filter(|text| text.len() <= MAX_ANSWER)
        .map(String::into_bytes)
}

/// Who has opened the solution.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// `accountId`, as we write it.
    pub account: String,
    /// His login, `name@account`.
    pub login: String,
    /// How he is called; the login where that is not told.
    pub name: String,
    /// Whether he is an administrator of the account.
    pub admin: bool,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    account_id: String,
    /// Of an employee, and of the answer to a token.
    #[serde(alias = "userUid")]
    uid: Option<String>,
    short_fio: Option<String>,
    role: Option<String>,
    permissions: Option<Permissions>,
}

#[derive(Deserialize)]
struct Permissions {
    admin: Option<Permission>,
}

#[derive(Deserialize)]
struct Permission {
    view: Option<String>,
}

/// Who it is, from the answer to either question for the context.
///
/// # Errors
/// [`Error::Context`] where МойСклад knows nobody, [`Error::Later`] where it does not answer.
pub fn user(answer: Result<Response<Bytes>, HttpError>) -> Result<User, Error> {
    let response = answer.map_err(|_| Error::Later)?;
    let status = response.status();
    if status.is_client_error() && status != StatusCode::TOO_MANY_REQUESTS {
        return Err(Error::Context);
    }
    if !status.is_success() {
        return Err(Error::Later);
    }
    let body = unpacked(&response).ok_or(Error::Later)?;
    let body = String::from_utf8(body).map_err(|_| Error::Context)?;
    let context: Context = serde_json::from_str(&body).map_err(|_| Error::Context)?;
    let account = super::wire::uuid(&context.account_id).ok_or(Error::Context)?;
    let login = context.uid.unwrap_or_default();
    let role = context.role.unwrap_or_default();
    let admin_view = context.permissions.and_then(|p| p.admin?.view);
    Ok(User {
        account,
        name: context.short_fio.unwrap_or_else(|| login.clone()),
        login,
        admin: admin_view.as_deref() == Some("ALL") || role.eq_ignore_ascii_case("admin"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const ACCOUNT: &str = "f088b0a7-9490-4a57-b804-393163e7680f";

    fn solution() -> Solution {
        let json = r#"[{"appId": "5f3c5489-6a17-48b7-9fe5-b2000eb807fe", "appUid": "app.vendor",
            "secretKey": "a secret of the tests"}]"#;
        let moysklad = sklad_tenant::MoySklad::new("", "", json).unwrap();
        moysklad.solutions.into_iter().next().unwrap()
    }

    fn caller(solution: &Solution) -> Caller<'_> {
        Caller {
            origin: "https://apps.example",
            solution,
            now_s: 1_790_000_000,
            jti: "j".to_owned(),
        }
    }

    fn answer(status: u16, body: &str) -> Result<Response<Bytes>, HttpError> {
        let body = Bytes::copy_from_slice(body.as_bytes());
        Ok(Response::builder().status(status).body(body).unwrap())
    }

    #[test]
    fn a_call_is_signed_asks_for_gzip_and_goes_to_one_server() {
        let solution = solution();
        let call = caller(&solution)
            .loyalty(ACCOUNT, "https://x.ru/t/a", "sklk_1", true)
            .unwrap();
        let request = &call.request;
        assert_eq!(request.method(), Method::PUT);
        assert_eq!(
            request.uri(),
            "https://apps.example/api/vendor/1.0/apps/5f3c5489-6a17-48b7-9fe5-b2000eb807fe/\
             f088b0a7-9490-4a57-b804-393163e7680f/loyalty"
        );
        assert_eq!(request.headers()["accept-encoding"], "gzip");
        assert_eq!(request.headers()["content-type"], "application/json");
        let token = request.headers()["authorization"].to_str().unwrap();
        let token = token.strip_prefix("Bearer ").unwrap();
        assert!(jwt::verify("a secret of the tests", token, 1_790_000_000).is_ok());
        assert_eq!(call.check(), Ok(()));
        let body: serde_json::Value = serde_json::from_slice(request.body()).unwrap();
        assert_eq!(
            body,
            json!({ "url": "https://x.ru/t/a", "token": "sklk_1", "externalSearch": true })
        );
    }

    #[test]
    fn what_is_no_context_key_is_not_asked_for() {
        let solution = solution();
        for bad in [
            "",
            "user",
            "../apps",
            "a/b",
            "a?b",
            "a b",
            &"x".repeat(MAX_CONTEXT + 1),
        ] {
            assert_eq!(
                caller(&solution).context_key(bad).err(),
                Some(Error::Context),
                "{bad}"
            );
        }
        assert!(
            caller(&solution)
                .context_key("1c14e98cd272239c03bf")
                .is_ok()
        );
    }

    #[test]
    fn only_a_refusal_is_known_to_have_had_no_effect() {
        assert_eq!(told(answer(200, "")), Told::Done);
        for (status, body, part) in [
            (
                404,
                r#"{"errors": [{"error": "x", "code": 2004}]}"#,
                "не установлено",
            ),
            (
                400,
                r#"{"errors": [{"error": "x", "code": 2006}]}"#,
                "программы лояльности",
            ),
            (401, "<html>", "подпись"),
            (409, "", "нельзя включить"),
            (
                412,
                r#"{"errors": [{"error": "Плохой адрес"}]}"#,
                "Плохой адрес",
            ),
            (400, "", "ошибка 400"),
        ] {
            match told(answer(status, body)) {
                Told::Refused(text) => assert!(text.contains(part), "{text}"),
                other => panic!("{status}: {other:?}"),
            }
        }
        let soon = r#"{"errors": [{"error": "x", "code": 2007}]}"#;
        for unknown in [
            answer(500, ""),
            answer(502, "<html>"),
            answer(301, ""),
            answer(429, ""),
            answer(400, soon),
            Err(HttpError::NoAnswer("x".into())),
            Err(HttpError::NotSent("x".into())),
            Err(HttpError::TooLarge),
        ] {
            assert!(matches!(told(unknown), Told::Unknown(_)));
        }
    }

    #[test]
    fn who_opened_it_is_read_from_both_answers() {
        let employee = |view: &str| {
            format!(
                r#"{{"id": "x", "accountId": "{ACCOUNT}", "uid": "admin@shop", "shortFio": "Иванов И.",
                    "permissions": {{"currency": {{"view": "ALL"}}, "admin": {{"view": "{view}"}}}}}}"#
            )
        };
        let admin = user(answer(200, &employee("ALL"))).unwrap();
        assert!(admin.admin && admin.account == ACCOUNT && admin.name == "Иванов И.");
        assert!(!user(answer(200, &employee("NO"))).unwrap().admin);
        let by_token = |role: &str| {
            format!(
                r#"{{"accountId": "{ACCOUNT}", "userId": "x", "userUid": "a@shop", "role": "{role}"}}"#
            )
        };
        let cashier = user(answer(200, &by_token("cashier"))).unwrap();
        assert!(!cashier.admin && cashier.login == "a@shop" && cashier.name == "a@shop");
        assert!(user(answer(200, &by_token("admin"))).unwrap().admin);
    }

    #[test]
    fn nobody_is_nobody() {
        for status in [400, 401, 403, 404] {
            assert_eq!(user(answer(status, "{}")), Err(Error::Context));
        }
        for odd in ["", "{}", "[]", r#"{"accountId": "x"}"#] {
            assert_eq!(user(answer(200, odd)), Err(Error::Context), "{odd}");
        }
        assert_eq!(user(answer(502, "")), Err(Error::Later));
        assert_eq!(
            user(Err(HttpError::NoAnswer("x".into()))),
            Err(Error::Later)
        );
    }
}
