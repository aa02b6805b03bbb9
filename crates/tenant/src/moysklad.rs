//! What the operator has configured for МойСклад: where its servers are, and the solutions that it
//! knows of us.

use serde::Deserialize;
use uuid::Uuid;

use crate::{Error, SECRET_MIN_CHARS};

/// Where МойСклад's JSON API is (moysklad-loyalty.md §6.5).
pub const API: &str = "https://api.moysklad.ru";
/// Where МойСклад's side of the Vendor API is (§6.4).
pub const APPS: &str = "https://apps-api.moysklad.ru";
/// The most solutions: the published one, those under moderation, drafts.
pub const MAX_SOLUTIONS: usize = 20;

/// МойСклад as it is configured.
#[derive(Clone)]
pub struct MoySklad {
    /// Origin of the JSON API, without a path.
    pub api: String,
    /// Origin of a file server that is no public one: a test's. Files elsewhere come over https alone.
    pub files: Option<String>,
    /// Origin of МойСклад's Vendor API, without a path.
    pub apps: String,
    /// Our solutions; empty where there is none, or where the component is not given them.
    pub solutions: Vec<Solution>,
}

impl Default for MoySklad {
    fn default() -> Self {
        Self {
            api: API.to_owned(),
            files: None,
            apps: APPS.to_owned(),
            solutions: Vec::new(),
        }
    }
}

/// A solution of the marketplace. A version under moderation has an id, a name and a secret of its own
/// (§6.1), so several are valid at once. Without `Debug`: the secret must not get into a log.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Solution {
    /// `appId`: the UUID in addresses, lower case.
    pub app_id: String,
    /// `appUid`: `name.developer`, by which МойСклад knows us in our calls.
    pub app_uid: String,
    /// `secretKey`: signs the calls of both sides, used as its UTF-8 bytes.
    pub secret_key: String,
    /// Whether its tokens have the limits of a draft (§6.5: 11 requests in 3 s instead of 45).
    #[serde(default)]
    pub draft: bool,
}

impl MoySklad {
    /// The configuration from the texts of the variables; what is empty has its default. `solutions` is
    /// the variable `moysklad_apps_credentials`, a JSON array of [`Solution`].
    ///
    /// # Errors
    /// [`Error::Variable`], which names the variable and never quotes it.
    pub fn new(api: &str, apps: &str, solutions: &str) -> Result<Self, Error> {
        let or = |text: &str, default: &str| match text.trim() {
            "" => default.to_owned(),
            text => text.to_owned(),
        };
        Ok(Self {
            api: origin("moysklad_api", &or(api, API))?,
            files: None,
            apps: origin("moysklad_apps", &or(apps, APPS))?,
            solutions: read(solutions)?,
        })
    }

    /// The same with the variable `moysklad_files`; what is empty is none.
    ///
    /// # Errors
    /// [`Error::Variable`].
    pub fn with_files(self, files: &str) -> Result<Self, Error> {
        let files = Some(files.trim()).filter(|text| !text.is_empty());
        let files = files.map(|text| origin("moysklad_files", text));
        Ok(Self {
            files: files.transpose()?,
            ..self
        })
    }

    /// The solution of this id.
    #[must_use]
    pub fn solution(&self, app_id: &str) -> Option<&Solution> {
        self.solutions.iter().find(|known| known.app_id == app_id)
    }
}

/// `scheme://host[:port]` without anything behind it; one slash at the end is taken off.
///
/// # Errors
/// [`Error::Variable`].
pub(crate) fn origin(variable: &'static str, text: &str) -> Result<String, Error> {
    let text = text.trim();
    let text = text.strip_suffix('/').unwrap_or(text);
    let host = text
        .strip_prefix("https://")
        .or_else(|| text.strip_prefix("http://"));
    let written = |b: u8| b.is_ascii_alphanumeric() || b"-._~:[]".contains(&b);
    match host {
        Some(host) if !host.is_empty() && host.bytes().all(written) => Ok(text.to_owned()),
        _ => {
            let wanted = "an address without a path, as https://example.ru, is expected";
            Err(Error::Variable(variable, wanted.to_owned()))
        }
    }
}

fn read(json: &str) -> Result<Vec<Solution>, Error> {
    const NAME: &str = "moysklad_apps_credentials";
    let wrong = |what: String| Error::Variable(NAME, what);
    if json.trim().is_empty() {
        return Ok(Vec::new());
    }
    // serde_json quotes what it found instead of a string, which may be a secret in the wrong place.
    let mut solutions: Vec<Solution> = serde_json::from_str(json).map_err(|e| {
        wrong(format!(
            "a JSON array of {{appId, appUid, secretKey, draft}} is expected; wrong at line {}, column {}",
            e.line(),
            e.column()
        ))
    })?;
    if solutions.len() > MAX_SOLUTIONS {
        return Err(wrong(format!("more than {MAX_SOLUTIONS} solutions")));
    }
    for (i, solution) in solutions.iter_mut().enumerate() {
        let at = |what: &str| wrong(format!("solution {}: {what}", i.saturating_add(1)));
        let id = Uuid::try_parse(solution.app_id.trim()).map_err(|_| at("appId is no UUID"))?;
        solution.app_id = id.hyphenated().to_string();
        if solution.app_uid.trim().is_empty() {
            return Err(at("appUid is empty"));
        }
        if solution.secret_key.chars().count() < SECRET_MIN_CHARS {
            return Err(at("secretKey is too short"));
        }
    }
    let mut ids: Vec<&str> = solutions.iter().map(|s| s.app_id.as_str()).collect();
    ids.sort_unstable();
    if ids.windows(2).any(|pair| pair.first() == pair.last()) {
        return Err(wrong("two solutions have one appId".to_owned()));
    }
    Ok(solutions)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "5F3C5489-6a17-48b7-9fe5-b2000eb807fe";
    const SECRET: &str = "a secret of 32 characters, or so";

    fn solutions(json: &str) -> Result<Vec<Solution>, String> {
        let read = MoySklad::new("", "", json);
        read.map(|m| m.solutions).map_err(|e| e.to_string())
    }

    #[test]
    fn several_sets_are_chosen_by_their_id() {
        let json = format!(
            r#"[{{"appId": "{ID}", "appUid": "a.b", "secretKey": "{SECRET}"}},
                {{"appId": "00000000-0000-4000-8000-000000000001", "appUid": "a-draft.b",
                  "secretKey": "{SECRET}2", "draft": true}}]"#
        );
        let moysklad = MoySklad::new(" ", "http://127.0.0.1:4000/", &json).unwrap();
        assert_eq!(
            (moysklad.api.as_str(), moysklad.apps.as_str()),
            (API, "http://127.0.0.1:4000")
        );
        let found = moysklad.solution(&ID.to_lowercase()).unwrap();
        assert!(found.app_uid == "a.b" && !found.draft);
        assert!(
            moysklad
                .solution("00000000-0000-4000-8000-000000000001")
                .unwrap()
                .draft
        );
        assert!(moysklad.solution("x").is_none());
        assert_eq!(solutions(" ").map(|s| s.len()), Ok(0));
    }

    #[test]
    fn what_is_wrong_is_told_without_the_secret() {
        let one = |id: &str, uid: &str, secret: &str| {
            format!(r#"{{"appId": "{id}", "appUid": "{uid}", "secretKey": "{secret}"}}"#)
        };
        let twice = format!("[{0}, {0}]", one(ID, "a.b", SECRET));
        for (json, told) in [
            ("{}".to_owned(), "JSON array"),
            (SECRET.to_owned(), "JSON array"),
            (format!(r#"["{SECRET}"]"#), "JSON array"),
            (
                format!("[{}]", one("1", "a.b", SECRET)),
                "solution 1: appId",
            ),
            (format!("[{}]", one(ID, " ", SECRET)), "solution 1: appUid"),
            (
                format!("[{}]", one(ID, "a.b", "short")),
                "solution 1: secretKey",
            ),
            (twice, "one appId"),
        ] {
            let error = solutions(&json).err().unwrap();
            assert!(
                error.contains(told) && error.contains("moysklad_apps_credentials"),
                "{error}"
            );
            assert!(!error.contains(SECRET), "{error}");
        }
    }

    #[test]
    fn an_origin_has_no_path() {
        for bad in [
            "api.moysklad.ru",
            "https://",
            "https://a.ru/x",
            "https://a.ru?x",
            "ftp://a.ru",
            "https://u@a.ru",
        ] {
            assert!(MoySklad::new(bad, "", "").is_err(), "{bad}");
        }
    }
}
