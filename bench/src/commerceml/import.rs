//! Whole imports: files are sent to the exchange in chunks and become goods in the database.

use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use futures::executor::block_on;
use sklad_store::native::NativeSql;
use sklad_store::{Sql as _, Statement};

use super::client::{self, Session, Spent};
use super::files::Files;
use super::peer::Told;
use crate::figures::{Figures, Goal, median};
use crate::process::Process;
use crate::seed::DATABASE;

/// The component that imports.
const COMPONENT: &str = "commerceml-exchange";

/// An application whose exchange is measured.
pub struct Exchange<'a> {
    /// The host.
    pub host: &'a mut Process,
    /// Its state folder.
    pub state: &'a Path,
}

impl Exchange<'_> {
    /// Imports the files into a new tenant, then the same files again in a new session; this so often, each
    /// time into another tenant. With `peer`: how fast it reads them. Answers the first import of the median
    /// round.
    pub fn measure(
        &mut self,
        files: &Files,
        peer: Option<Told>,
        rounds: usize,
        figures: &mut Figures,
    ) -> Result<Spent> {
        eprintln!("bench: import {}", files.name);
        let mut spent = Vec::new();
        for round in 0..rounds.max(1) {
            let slug = tenant(files, round);
            client::create_tenant(&self.host.url, &slug)?;
            client::create_employee(&self.host.url, &slug)?;
            let first = self.import(&slug, files)?;
            spent.push((first, self.import(&slug, files)?));
        }
        let ratio = median(
            spent
                .iter()
                .map(|(first, again)| again.seconds() / first.seconds()),
        );
        let again = median(spent.iter().map(|(_, again)| again.seconds()));
        spent.sort_by(|(a, _), (b, _)| a.seconds().total_cmp(&b.seconds()));
        let (first, _) = spent.get(spent.len() / 2).context("no round")?;
        let name = |what: &str| format!("commerceml.import_{}.{what}", files.name);
        told(files, first, peer, figures);
        let goal = Some(Goal::RatioAtMost(0.5));
        let beside = Some((first.seconds(), ratio));
        figures.add(&name("unchanged_s"), again, "s", beside, goal);
        let memory = self.memory_mib()?;
        figures.limited(&name("instance_memory_mib"), memory, "MiB", 32.0);
        Ok(*first)
    }

    /// Imports into the tenant of `files` what has become of them, beside the `first` time.
    pub fn measure_changed(
        &mut self,
        files: &Files,
        changed: &Files,
        first: Spent,
        figures: &mut Figures,
    ) -> Result<()> {
        eprintln!("bench: import {}", changed.name);
        let spent = self.import(&tenant(files, 0), changed)?;
        let beside = Some((first.seconds(), spent.seconds() / first.seconds()));
        let name = format!("commerceml.import_{}.changed_1_percent_s", files.name);
        figures.add(&name, spent.seconds(), "s", beside, None);
        Ok(())
    }

    /// Has the files imported and looks whether all that they hold is there.
    pub fn import(&mut self, slug: &str, files: &Files) -> Result<Spent> {
        let spent = Session::begin(&self.host.url, slug)?.exchange(files)?;
        let kept = self.count(slug)?;
        let wanted = files.rows();
        ensure!(kept >= wanted, "{slug}: {kept} goods of {wanted}");
        Ok(spent)
    }

    fn count(&self, slug: &str) -> Result<u64> {
        let sql = NativeSql::open(&self.state.join(DATABASE))?;
        let statement = Statement::new("SELECT count(*) FROM goods WHERE tenant = ?1");
        let rows = block_on(sql.query(statement.bind(slug)))?;
        let count = rows.first().and_then(|row| row.int(0));
        Ok(u64::try_from(count.context("no count")?)?)
    }

    /// The most that one instance of the importing component has had so far.
    pub fn memory_mib(&mut self) -> Result<f64> {
        let bytes = self.host.memory_peak(COMPONENT)?;
        Ok(bytes as f64 / f64::from(1 << 20))
    }
}

/// The tenant of a round with these files.
fn tenant(files: &Files, round: usize) -> String {
    format!("import-{}-{round}", files.name.replace('_', "-"))
}

/// What the first import of files took.
fn told(files: &Files, spent: &Spent, peer: Option<Told>, figures: &mut Figures) {
    let name = |what: &str| format!("commerceml.import_{}.{what}", files.name);
    let rate = files.bytes as f64 / 1e6 / spent.seconds();
    let beside = peer.map(|told| {
        let baseline = told.megabytes_per_second();
        (baseline, rate / baseline)
    });
    let goal = Some(Goal::RatioAtLeast(5.0));
    figures.add(
        &name("throughput_vs_peer_parse"),
        rate,
        "MB/s",
        beside,
        goal,
    );
    let rows = files.rows() as f64 / spent.seconds();
    figures.told(&name("rows_per_second"), rows, "rows/s");
    figures.told(&name("uploads_s"), spent.uploads.as_secs_f64(), "s");
    figures.told(&name("requests_s"), spent.imports.as_secs_f64(), "s");
    let first = spent.first_answer.as_secs_f64() * 1e3;
    figures.limited(&name("first_progress_ms"), first, "ms", 1000.0);
    let longest = spent.longest.as_secs_f64() * 1e3;
    figures.told(&name("longest_request_ms"), longest, "ms");
}
