//! A client of the exchange that does what МойСклад does: logs in, is told how to send, sends files in
//! chunks and asks for their import until it is done. It does not rest between two questions.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use ureq::Agent;

use super::files::Files;
use crate::served::OPERATOR_TOKEN;

/// The bench's employee in every tenant.
const EMAIL: &str = "exchange@bench.example";
/// His password.
const PASSWORD: &str = "exchange-of-the-bench";
/// More questions than any import needs.
const QUESTIONS: usize = 10_000;
/// How long an answer is waited for.
const TIMEOUT: Duration = Duration::from_secs(60);

/// Creates a tenant, unless it is the shop, which is there.
pub fn create_tenant(url: &str, slug: &str) -> Result<()> {
    operate(url, "/api/v1/tenants", &json!({ "slug": slug }))
}

/// Creates the employee, in a group that may import.
pub fn create_employee(url: &str, slug: &str) -> Result<()> {
    let group = "Обмен";
    let rights = json!({ "name": group, "rights": ["commerceml-import"] });
    operate(url, &format!("/api/v1/tenants/{slug}/groups"), &rights)?;
    let employee = json!({ "email": EMAIL, "password": PASSWORD, "groups": [group] });
    operate(url, &format!("/api/v1/tenants/{slug}/employees"), &employee)
}

/// One call of the operator's API.
fn operate(url: &str, path: &str, body: &Value) -> Result<()> {
    ureq::post(format!("{url}{path}"))
        .header("authorization", format!("Bearer {OPERATOR_TOKEN}"))
        .header("content-type", "application/json")
        .send(body.to_string())
        .with_context(|| path.to_owned())?;
    Ok(())
}

/// What it took to import files.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    /// Sending all of the chunks.
    pub uploads: Duration,
    /// All requests that asked for the import.
    pub imports: Duration,
    /// From the first of them of a file to its answer, which is `progress` where the file is large; the
    /// longer of two files.
    pub first_answer: Duration,
    /// The longest of them.
    pub longest: Duration,
    /// How many there were.
    pub questions: usize,
}

impl Spent {
    /// Uploads and imports.
    pub fn seconds(&self) -> f64 {
        (self.uploads + self.imports).as_secs_f64()
    }
}

/// A session.
pub struct Session {
    agent: Agent,
    address: String,
    cookie: String,
}

impl Session {
    /// Logs in.
    pub fn begin(url: &str, slug: &str) -> Result<Self> {
        let agent = Agent::config_builder()
            .timeout_global(Some(TIMEOUT))
            .build();
        let mut session = Self {
            agent: agent.into(),
            address: format!("{url}/t/{slug}/rest/integration/1c_exchange.php"),
            cookie: String::new(),
        };
        let login = STANDARD.encode(format!("{EMAIL}:{PASSWORD}"));
        let answer = session
            .agent
            .get(session.query("checkauth", None))
            .header("authorization", format!("Basic {login}"))
            .call()?;
        let text = answer.into_body().read_to_string()?;
        let mut lines = text.lines();
        let (Some("success"), Some(name), Some(value)) = (lines.next(), lines.next(), lines.next())
        else {
            bail!("checkauth: {text}");
        };
        session.cookie = format!("{name}={value}");
        Ok(session)
    }

    fn query(&self, mode: &str, file: Option<&str>) -> String {
        let file = file
            .map(|name| format!("&filename={name}"))
            .unwrap_or_default();
        format!("{}?type=catalog&mode={mode}{file}", self.address)
    }

    fn get(&self, mode: &str, file: Option<&str>) -> Result<String> {
        let request = self.agent.get(self.query(mode, file));
        let answer = request.header("cookie", &self.cookie).call()?;
        Ok(answer.into_body().read_to_string()?)
    }

    /// Sends both files and has them imported.
    pub fn exchange(&self, files: &Files) -> Result<Spent> {
        let limit = self.chunk_bytes()?;
        let mut spent = Spent::default();
        let started = Instant::now();
        for (name, path) in files.in_order() {
            self.send(name, path, limit)?;
        }
        spent.uploads = started.elapsed();
        for (name, _) in files.in_order() {
            self.import(name, &mut spent)?;
        }
        Ok(spent)
    }

    /// How long a chunk may be.
    fn chunk_bytes(&self) -> Result<usize> {
        let text = self.get("init", None)?;
        let limit = text
            .lines()
            .find_map(|line| line.strip_prefix("file_limit="));
        Ok(limit
            .with_context(|| format!("init: {text}"))?
            .trim()
            .parse()?)
    }

    fn send(&self, name: &str, path: &Path, limit: usize) -> Result<()> {
        let mut file = File::open(path)?;
        let mut chunk = Vec::with_capacity(limit);
        loop {
            chunk.clear();
            file.by_ref().take(limit as u64).read_to_end(&mut chunk)?;
            if chunk.is_empty() {
                return Ok(());
            }
            let request = self.agent.post(self.query("file", Some(name)));
            let answer = request.header("cookie", &self.cookie).send(&chunk[..])?;
            let text = answer.into_body().read_to_string()?;
            ensure!(text.starts_with("success"), "{name}: {text}");
        }
    }

    fn import(&self, name: &str, spent: &mut Spent) -> Result<()> {
        for question in 0..QUESTIONS {
            let started = Instant::now();
            let text = self.get("import", Some(name))?;
            let took = started.elapsed();
            spent.imports += took;
            spent.longest = spent.longest.max(took);
            spent.questions += 1;
            if question == 0 {
                spent.first_answer = spent.first_answer.max(took);
            }
            match text.lines().next() {
                Some("progress") => {}
                Some("success") => return Ok(()),
                _ => bail!("{name}: {text}"),
            }
        }
        bail!("{name}: no end after {QUESTIONS} questions")
    }
}
