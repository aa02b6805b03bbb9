//! Reading files, nothing stored: a bare scan of the XML and our reader in this process, our reader in
//! Wasm, and the peer.

use std::fs::File;
use std::io::{BufReader, Read as _};
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result, ensure};
use quick_xml::events::Event;
use serde::Deserialize;
use sklad_commerceml::{Limits, Reader, Step};

use super::files::Files;
use super::peer::{Peer, Told};
use crate::figures::{Figures, Goal, median};
use crate::process::Process;

/// Bytes that are read from a file at once.
const BUFFER: usize = 64 * 1024;
/// From so many bytes on the peer reads but once: it takes its time.
const LARGE: u64 = 50_000_000;
/// Smaller files are read so much oftener: a stutter of the machine is long beside them.
const OFTENER: usize = 5;

/// One run of a side over both files.
#[derive(Clone, Copy, Debug)]
struct Run {
    seconds: f64,
    items: u64,
}

/// What the component tells of a file.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
struct Guest {
    items: u64,
    bytes: u64,
    reading_micros: u64,
    memory_bytes: u64,
}

/// Compares the sides, in turn and so often; answers what the peer told, if it is there.
pub fn measure(
    files: &Files,
    host: &Process,
    peer: Option<&Peer>,
    rounds: usize,
    figures: &mut Figures,
) -> Result<Option<Told>> {
    eprintln!("bench: parse {}", files.name);
    let (mut scans, mut natives) = (Vec::new(), Vec::new());
    let (mut requests, mut readings) = (Vec::new(), Vec::new());
    let (mut told, mut memory, mut items) = (Vec::new(), 0, 0);
    // The first ones find no file in memory and no compiled code.
    scan(files)?;
    wasm(files, &host.url)?;
    let small = files.bytes < LARGE;
    for round in 0..if small { rounds * OFTENER } else { rounds } {
        scans.push(scan(files)?.seconds);
        let native = native(files)?;
        natives.push(native.seconds);
        let (run, guest) = wasm(files, &host.url)?;
        ensure!(run.items == native.items, "{}: {guest:?}", files.name);
        requests.push(run.seconds);
        readings.push(guest.reading_micros as f64 / 1e6);
        memory = memory.max(guest.memory_bytes);
        items = run.items;
        if let Some(peer) = peer.filter(|_| round == 0 || small && round < rounds) {
            told.push(peer.parse(files)?);
        }
    }
    let sides = Sides {
        files,
        scans,
        natives,
        requests,
        readings,
    };
    sides.tell(figures);
    let peer = middle(told);
    sides.tell_peer(peer, figures);
    let name = |what: &str| format!("commerceml.parse_{}.{what}", files.name);
    let seconds = median(sides.requests.iter().copied());
    figures.told(&name("items_per_second"), items as f64 / seconds, "items/s");
    let memory = memory as f64 / f64::from(1 << 20);
    figures.limited(&name("instance_memory_mib"), memory, "MiB", 32.0);
    Ok(peer)
}

/// The run of the median speed.
fn middle(mut told: Vec<Told>) -> Option<Told> {
    told.sort_by_key(|told| told.micros);
    told.get(told.len() / 2).copied()
}

/// Seconds of each round.
struct Sides<'a> {
    files: &'a Files,
    scans: Vec<f64>,
    natives: Vec<f64>,
    requests: Vec<f64>,
    readings: Vec<f64>,
}

impl Sides<'_> {
    fn rate(&self, seconds: f64) -> f64 {
        self.files.bytes as f64 / 1e6 / seconds
    }

    /// Every side beside the bare scan. The whole request counts: what the guest cannot read from the
    /// host in time is its own loss.
    fn tell(&self, figures: &mut Figures) {
        let baseline = self.rate(median(self.scans.iter().copied()));
        let mut beside = |what: &str, side: &[f64], goal| {
            let ratios = side.iter().zip(&self.scans).map(|(own, scan)| scan / own);
            let name = format!("commerceml.parse_{}.{what}_vs_native_scan", self.files.name);
            let value = self.rate(median(side.iter().copied()));
            figures.add(&name, value, "MB/s", Some((baseline, median(ratios))), goal);
        };
        beside("wasm", &self.requests, Some(Goal::RatioAtLeast(0.4)));
        beside("wasm_without_transfer", &self.readings, None);
        beside("native", &self.natives, None);
    }

    fn tell_peer(&self, peer: Option<Told>, figures: &mut Figures) {
        let value = self.rate(median(self.requests.iter().copied()));
        let beside = peer.map(|told| {
            let baseline = told.megabytes_per_second();
            (baseline, value / baseline)
        });
        let name = |what: &str| format!("commerceml.parse_{}.{what}", self.files.name);
        figures.add(&name("wasm_vs_peer"), value, "MB/s", beside, None);
        if let Some(told) = peer {
            let memory = told.peak_kib as f64 / 1024.0;
            figures.told(&name("peer_memory_mib"), memory, "MiB");
        }
    }
}

/// Times `read` over both files.
fn timed(files: &Files, read: impl Fn(&Path) -> Result<u64>) -> Result<Run> {
    let started = Instant::now();
    let items = read(&files.import)? + read(&files.offers)?;
    let seconds = started.elapsed().as_secs_f64();
    Ok(Run { seconds, items })
}

/// Every event of the XML, nothing done with it.
fn scan(files: &Files) -> Result<Run> {
    timed(files, |path| {
        let file = BufReader::with_capacity(BUFFER, File::open(path)?);
        let mut reader = quick_xml::Reader::from_reader(file);
        let (mut buffer, mut events) = (Vec::new(), 0);
        loop {
            buffer.clear();
            match reader.read_event_into(&mut buffer)? {
                Event::Eof => return Ok(events),
                event => drop(std::hint::black_box(event)),
            }
            events += 1;
        }
    })
}

/// Our reader in this process.
fn native(files: &Files) -> Result<Run> {
    timed(files, |path| {
        let mut file = File::open(path)?;
        let mut buffer = vec![0; BUFFER];
        let (mut reader, mut items) = (Reader::new(Limits::default()), 0);
        loop {
            match reader.next()? {
                Step::Item(item) => {
                    std::hint::black_box(&item);
                    items += 1;
                }
                Step::More => match file.read(&mut buffer)? {
                    0 => reader.finish(),
                    length => reader.push(buffer.get(..length).unwrap_or_default()),
                },
                Step::End => return Ok(items),
            }
        }
    })
}

/// Our reader in a component, each file as one request.
fn wasm(files: &Files, url: &str) -> Result<(Run, Guest)> {
    let (mut sum, started) = (Guest::default(), Instant::now());
    for path in [&files.import, &files.offers] {
        let file = File::open(path)?;
        let length = file.metadata()?.len();
        let answer = ureq::post(format!("{url}/bench/parse"))
            .header("content-length", length.to_string())
            .send(file)
            .context("/bench/parse")?;
        let guest: Guest = serde_json::from_str(&answer.into_body().read_to_string()?)?;
        ensure!(guest.bytes == length, "{}: {guest:?}", files.name);
        sum.items += guest.items;
        sum.reading_micros += guest.reading_micros;
        sum.memory_bytes = sum.memory_bytes.max(guest.memory_bytes);
    }
    let seconds = started.elapsed().as_secs_f64();
    let items = sum.items;
    Ok((Run { seconds, items }, sum))
}
