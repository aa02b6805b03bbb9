//! The fake InSales in this process, and an application in a process of its own with a cabinet that its shop
//! is connected to.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use fake_insales::{Fake, Goods, Options, Shape};
use serde_json::{Value, json};

use crate::asked::{call, tick};
use crate::process::Process;
use crate::seed::DATABASE;
use crate::served::OPERATOR_TOKEN;

/// The cabinet.
pub const TENANT: &str = "kofe";
/// The shop.
pub const DOMAIN: &str = "kofe.myinsales.ru";
/// The job that imports what has changed.
pub const CATALOGUE: &str = "insales-catalogue";
/// How long a tick is asked to work, in milliseconds.
const TICK_MS: u32 = 20_000;
/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(1_800);

/// A shop that sells what a shape says, and the application.
pub struct World {
    /// InSales.
    pub fake: Fake,
    /// The application.
    pub host: Process,
    /// The connection's id.
    pub connection: String,
    listen: String,
    manifest: PathBuf,
    state: PathBuf,
}

impl World {
    /// Starts both, the application on an empty folder, and connects the shop; nothing is imported yet.
    pub fn start(dir: &Path, name: &str, shape: Shape) -> Result<Self> {
        let fake = Fake::start(Options::default())?;
        let key = fake.add_shop(DOMAIN, Goods::Generated(shape));
        let free = TcpListener::bind("127.0.0.1:0")?;
        let listen = free.local_addr()?.to_string();
        drop(free);
        let state = dir.join(name);
        let _ = std::fs::remove_dir_all(&state);
        std::fs::create_dir_all(&state)?;
        let manifest = dir.join("spin.toml");
        let host = up(&fake, &listen, &manifest, &state)?;
        let mut world = Self {
            fake,
            host,
            connection: String::new(),
            listen,
            manifest,
            state,
        };
        world.operate("POST", "", &json!({ "slug": TENANT }))?;
        let body = json!({
            "kind": "insales", "settings": { "shop": DOMAIN },
            "secrets": { "key_id": key.id, "password": key.password },
        });
        let made = world.operate("POST", &format!("/{TENANT}/connections"), &body)?;
        let id = made.get("id").and_then(Value::as_str).context("no id")?;
        world.connection = id.to_owned();
        let enable = format!("/{TENANT}/connections/{id}/enable");
        world.operate("POST", &enable, &json!({}))?;
        Ok(world)
    }

    /// Kills the application and starts it again.
    pub fn kill(&mut self) -> Result<()> {
        self.host.kill()?;
        self.host = up(&self.fake, &self.listen, &self.manifest, &self.state)?;
        Ok(())
    }

    fn operate(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let path = format!("/api/v1/tenants{path}");
        call(&self.host.url, method, &path, OPERATOR_TOKEN, body)
    }

    fn path(&self, job: &str) -> String {
        format!("/{TENANT}/jobs/{job}:{}", self.connection)
    }

    /// How a job of the connection stands.
    pub fn job(&self, job: &str) -> Result<Value> {
        self.operate("GET", &self.path(job), &Value::Null)
    }

    /// Asks for another run of the import.
    pub fn ask(&self) -> Result<()> {
        let path = format!("{}/run", self.path(CATALOGUE));
        self.operate("POST", &path, &json!({})).map(drop)
    }

    /// Ticks until the run of a job that was asked for has ended well.
    pub fn finish(&self, job: &str) -> Result<()> {
        let begun = Instant::now();
        loop {
            tick(&self.host.url, TICK_MS, true)?;
            let line = self.job(job)?;
            let is = |name: &str, value: Value| line.get(name) == Some(&value);
            if is("run_at", Value::Null) && is("last_result", json!("ok")) {
                return Ok(());
            }
            ensure!(!is("state", json!("dead")), "{line}");
            ensure!(begun.elapsed() < PATIENCE, "{line}");
        }
    }

    /// The application's database.
    pub fn database(&self) -> PathBuf {
        self.state.join(DATABASE)
    }
}

fn up(fake: &Fake, listen: &str, manifest: &Path, state: &Path) -> Result<Process> {
    let variables = [
        format!("public_url=http://{listen}"),
        format!("insales_gateway={}", fake.origin()),
    ];
    let mut arguments: Vec<&Path> = vec![Path::new("host"), manifest, state];
    arguments.extend([Path::new("--listen"), Path::new(listen)]);
    for variable in &variables {
        arguments.extend([Path::new("--variable"), Path::new(variable)]);
    }
    Process::start(&arguments)
}
