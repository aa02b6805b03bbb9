//! `sklad-edge job` and `sklad-edge tick`: what runs by itself.

use std::process::ExitCode;

use anyhow::Result;
use clap::{Args, Subcommand};
use serde_json::Value;

use super::api::{Api, Body, Connection, Failure, encode, finish};
use super::out;
use super::show::{self, Show};

/// The budget of a tick, in milliseconds: less than a request may take.
const BUDGET_MS: u32 = 30_000;

/// What runs by itself: jobs and their schedules.
#[derive(Debug, Args)]
pub struct Arguments {
    #[command(flatten)]
    connection: Connection,
    #[command(subcommand)]
    command: Command,
}

/// Does now what is due, of all tenants.
#[derive(Debug, Args)]
pub struct Tick {
    #[command(flatten)]
    connection: Connection,
    /// For how long at most, in milliseconds.
    #[arg(long, default_value_t = BUDGET_MS, value_parser = clap::value_parser!(u32).range(..=50_000))]
    budget_ms: u32,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists the jobs of a tenant.
    List {
        /// The tenant.
        tenant: String,
    },
    /// Shows one job.
    Show(Which),
    /// Runs a job now; one that runs goes on.
    Run(Which),
    /// Lets a job rest until it is resumed; what it has done stays.
    Pause(Which),
    /// Lets a paused job go on.
    Resume(Which),
    /// Ends the run under way; what it has done stays, and the next one begins anew.
    Cancel(Which),
}

#[derive(Debug, Args)]
struct Which {
    /// The tenant.
    tenant: String,
    /// The job, as the list names it.
    job: String,
}

/// Runs `job`.
pub async fn run(arguments: Arguments) -> Result<ExitCode> {
    Ok(finish(execute(arguments)))
}

/// Runs `tick`.
pub async fn tick(arguments: Tick) -> Result<ExitCode> {
    Ok(finish(execute_tick(&arguments)))
}

fn execute(arguments: Arguments) -> Result<(), Failure> {
    let api = arguments.connection.api()?;
    let (which, wish) = match arguments.command {
        Command::List { tenant } => {
            let jobs = api.get(&format!("/{}/jobs", encode(&tenant)))?;
            table(&api, &jobs);
            return Ok(());
        }
        Command::Show(which) => (which, None),
        Command::Run(which) => (which, Some("run")),
        Command::Pause(which) => (which, Some("pause")),
        Command::Resume(which) => (which, Some("resume")),
        Command::Cancel(which) => (which, Some("cancel")),
    };
    let path = format!("/{}/jobs/{}", encode(&which.tenant), encode(&which.job));
    let job = match wish {
        None => api.get(&path)?,
        Some(wish) => {
            let path = format!("{path}/{wish}");
            api.send("POST", &path, &[], &Body::None)?.body
        }
    };
    card(&api, &job);
    Ok(())
}

const COLUMNS: [(&str, &str, Show); 8] = [
    ("Задание", "id", Show::Text),
    ("Состояние", "state", Show::Text),
    ("Снова", "next_at", Show::Time),
    ("Сделано", "done", Show::Number),
    ("Всего", "total", Show::Number),
    ("Закончено", "last_finished_at", Show::Time),
    ("Итог", "last_result", Show::Text),
    ("Словами", "last_text", Show::Text),
];

fn table(api: &Api, jobs: &Value) {
    if api.json {
        return show::json(jobs);
    }
    show::items(
        jobs.as_array().map(Vec::as_slice).unwrap_or_default(),
        &COLUMNS,
    );
}

fn card(api: &Api, job: &Value) {
    if api.json {
        return show::json(job);
    }
    show::items(std::slice::from_ref(job), &COLUMNS);
    let columns = [
        ("Расписание", "schedule", Show::Text),
        ("Начато", "run_at", Show::Time),
        ("Неудач подряд", "attempts", Show::Number),
        ("Прошлый раз начался", "last_started_at", Show::Time),
    ];
    show::items(std::slice::from_ref(job), &columns);
}

fn execute_tick(arguments: &Tick) -> Result<(), Failure> {
    let api = arguments.connection.api()?;
    let counts = api.tick(arguments.budget_ms)?;
    if api.json {
        show::json(&counts);
        return Ok(());
    }
    let count = |name: &str| counts.get(name).and_then(Value::as_u64).unwrap_or_default();
    out!(
        "Шагов {}, заданий закончено {}, неудач {}; уведомлений обработано {}, сообщений доставлено {}.",
        count("steps"),
        count("finished"),
        count("failed"),
        count("received"),
        count("delivered")
    );
    match count("errors") {
        0 => Ok(()),
        errors => Err(Failure::Refused(format!(
            "Ошибок базы данных: {errors}, смотрите журнал сервера"
        ))),
    }
}
