//! The command line. A subcommand is a file here with an `Arguments` type and a `run` function,
//! one line in [`Command`] and one in [`Command::run`].

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

mod api;
mod company;
mod connection;
mod customer;
mod dead;
mod demo;
mod employee;
mod gift;
mod goods;
mod group;
mod job;
mod moysklad;
mod order;
mod order_words;
mod reports;
mod show;
mod simulate;
mod tenant;
mod up;
mod upsert;

use show::out;

/// Runs and operates sklad-edge.
#[derive(Debug, Parser)]
#[command(name = "sklad-edge", version, about)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs the application of a spin.toml.
    Up(up::Arguments),
    /// Tenants, their keys and programmes.
    Tenant(tenant::Arguments),
    /// Customers and their points.
    Customer(customer::Arguments),
    /// Goods and categories.
    Goods(goods::Arguments),
    /// Orders of the shop.
    Order(order::Arguments),
    /// Connections to МойСклад, and the descriptor of a solution of one's own.
    Moysklad(moysklad::Arguments),
    /// Companies of a tenant.
    Company(company::Arguments),
    /// Connections to shops of InSales: settings, key, state.
    Connection(connection::Arguments),
    /// Gift certificates.
    Gift(gift::Arguments),
    /// Employees: who may log in.
    Employee(employee::Arguments),
    /// Groups of employees and their rights.
    Group(group::Arguments),
    /// Sales and returns, the newest first.
    Sales(reports::Sales),
    /// Calculates a receipt and explains every rule that fired.
    Simulate(simulate::Arguments),
    /// The journal, the newest first.
    Journal(reports::Journal),
    /// What runs by itself: jobs and their schedules.
    Job(job::Arguments),
    /// What failed too often: jobs, webhooks, messages.
    Dead(dead::Arguments),
    /// Does now what is due, of all tenants, as the scheduler does.
    Tick(job::Tick),
    /// Recomputes all balances and shows differences.
    Check(reports::Check),
    /// A shop to look at, and a till that sells in it.
    Demo(demo::Arguments),
}

impl Command {
    async fn run(self) -> Result<ExitCode> {
        match self {
            Self::Up(arguments) => up::run(arguments).await,
            Self::Tenant(arguments) => tenant::run(arguments).await,
            Self::Customer(arguments) => customer::run(arguments).await,
            Self::Goods(arguments) => goods::run(arguments).await,
            Self::Order(arguments) => order::run(arguments).await,
            Self::Moysklad(arguments) => moysklad::run(arguments).await,
            Self::Company(arguments) => company::run(arguments).await,
            Self::Connection(arguments) => connection::run(arguments).await,
            Self::Gift(arguments) => gift::run(arguments).await,
            Self::Employee(arguments) => employee::run(arguments).await,
            Self::Group(arguments) => group::run(arguments).await,
            Self::Sales(arguments) => reports::sales(arguments).await,
            Self::Simulate(arguments) => simulate::run(arguments).await,
            Self::Journal(arguments) => reports::journal(arguments).await,
            Self::Job(arguments) => job::run(arguments).await,
            Self::Dead(arguments) => dead::run(arguments).await,
            Self::Tick(arguments) => job::tick(arguments).await,
            Self::Check(arguments) => reports::check(arguments).await,
            Self::Demo(arguments) => demo::run(arguments).await,
        }
    }
}

/// Parses the command line and runs the command; an error goes to standard error.
pub fn run() -> ExitCode {
    let command = Cli::parse().command;
    let runtime = match tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let result = runtime.block_on(command.run());
    // What still blocks (a guest's statement, a name lookup) must not hold the process.
    runtime.shutdown_background();
    result.unwrap_or_else(|error| failed(&error))
}

fn failed(error: &anyhow::Error) -> ExitCode {
    eprintln!("Error: {error:#}");
    ExitCode::FAILURE
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    #[test]
    fn no_two_arguments_of_a_command_have_one_name() {
        super::Cli::command().debug_assert();
    }
}
