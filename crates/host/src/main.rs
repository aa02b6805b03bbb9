//! `sklad-edge`: see `sklad-edge --help`.

mod cli;

fn main() -> std::process::ExitCode {
    cli::run()
}
