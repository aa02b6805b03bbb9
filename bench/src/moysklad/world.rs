//! The fake МойСклад in this process, and an application in a process of its own whose solution is
//! installed there, for a cabinet of the bench.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use fake_moysklad::{Fake, Options, Shape, Shop, Solution, Status};
use serde_json::{Value, json};
use uuid::Uuid;

use crate::asked::call;
use crate::imported::{Place, finish};
use crate::process::Process;
use crate::served::OPERATOR_TOKEN;

/// The cabinet.
pub const TENANT: &str = "kofe";
/// The job that imports everything.
pub const GOODS: &str = "moysklad-goods";
/// The job that subscribes to webhooks.
pub const WEBHOOKS: &str = "moysklad-webhooks";
const EMAIL: &str = "boss@bench.example";
const PASSWORD: &str = "password-of-the-bench";

/// An account that sells what a shape says, and the application.
pub struct World {
    /// МойСклад.
    pub fake: Fake,
    /// Its account.
    pub account: Uuid,
    /// The application.
    pub host: Process,
    solution: Solution,
    place: Place,
}

impl World {
    /// Starts both, the application on an empty folder, and connects the cabinet.
    pub fn start(dir: &Path, name: &str, shape: Shape) -> Result<Self> {
        let fake = Fake::start(Options::default())?;
        let account = fake.add_account(TENANT, Shop::Generated(shape));
        let place = Place::of(dir, name)?;
        let solution = Solution::published("bench.sklad", &format!("http://{}", place.listen));
        fake.add_solution(solution.clone());
        let host = up(&fake, &solution, &place)?;
        let world = Self {
            fake,
            account,
            host,
            solution,
            place,
        };
        world.connect()?;
        Ok(world)
    }

    /// Kills the application and starts it again.
    pub fn kill(&mut self) -> Result<()> {
        self.host.kill()?;
        self.host = up(&self.fake, &self.solution, &self.place)?;
        Ok(())
    }

    /// The cabinet with its employee, and the solution for it.
    fn connect(&self) -> Result<()> {
        self.operate("POST", "", &json!({ "slug": TENANT }))?;
        let group = json!({ "name": "Управляющие", "rights": ["admin-panel"] });
        self.operate("POST", &format!("/{TENANT}/groups"), &group)?;
        let employee = json!({ "email": EMAIL, "password": PASSWORD, "groups": ["Управляющие"] });
        self.operate("POST", &format!("/{TENANT}/employees"), &employee)?;
        let (solution, account) = (self.solution.id, self.account);
        let installed = self.fake.install(solution, account);
        ensure!(installed == Some(Status::SettingsRequired), "{installed:?}");
        let login = format!("admin@{TENANT}");
        let token = self.fake.user_context_token(solution, account, &login);
        let who = json!({ "appId": solution, "token": token });
        let told = self.page("/context", "", &who)?;
        let session = told.get("session").and_then(Value::as_str);
        let given = json!({ "cabinet": TENANT, "email": EMAIL, "password": PASSWORD });
        self.page("/activate", session.context("no session")?, &given)?;
        let stands = self.fake.status(solution, account);
        ensure!(stands == Some(Status::Activated), "{stands:?}");
        Ok(())
    }

    fn page(&self, path: &str, session: &str, body: &Value) -> Result<Value> {
        let path = format!("/api/moysklad/activation{path}");
        call(&self.host.url, "POST", &path, session, body)
    }

    /// A call of the operator's API below the tenants.
    pub fn operate(&self, method: &str, path: &str, body: &Value) -> Result<Value> {
        let path = format!("/api/v1/tenants{path}");
        call(&self.host.url, method, &path, OPERATOR_TOKEN, body)
    }

    /// How a job stands.
    pub fn job(&self, job: &str) -> Result<Value> {
        self.operate("GET", &format!("/{TENANT}/jobs/{job}"), &Value::Null)
    }

    /// Ticks until the run of a job that was asked for has ended well.
    pub fn finish(&self, job: &str) -> Result<()> {
        finish(&self.host.url, || self.job(job))
    }

    /// Asks for everything to be imported.
    pub fn ask(&self) -> Result<()> {
        self.operate("POST", &format!("/{TENANT}/moysklad/import"), &json!({}))
            .map(drop)
    }

    /// The application's database.
    pub fn database(&self) -> PathBuf {
        self.place.database()
    }
}

fn up(fake: &Fake, solution: &Solution, place: &Place) -> Result<Process> {
    let solutions = json!([{
        "appId": solution.id, "appUid": solution.uid, "secretKey": solution.secret,
    }]);
    let variables = [
        format!("public_url=http://{}", place.listen),
        format!("moysklad_api={}", fake.api()),
        format!("moysklad_apps={}", fake.apps()),
        format!("moysklad_files={}", fake.files()),
        format!("moysklad_apps_credentials={solutions}"),
    ];
    place.up(&variables)
}
