//! How fast a file is read, beside a bare scan of its XML: `cargo run --release -p sklad-commerceml
//! --example scan -- FILE [MEGABYTES]`. A file smaller than that is read again and again.

use std::io::BufReader;
use std::time::{Duration, Instant};

use sklad_commerceml::{Limits, Reader, Step};

/// Bytes of one push.
const CHUNK: usize = 64 * 1024;
/// The fastest of so many runs counts.
const RUNS: usize = 5;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let path = arguments.next().ok_or("a file is missing")?;
    let megabytes: usize = arguments.next().map_or(Ok(20), |m| m.parse())?;
    let bytes = std::fs::read(&path)?;
    let times = (megabytes * 1_000_000).div_ceil(bytes.len().max(1));
    let (mut bare, mut ours, mut items) = (Duration::MAX, Duration::MAX, 0);
    for _ in 0..RUNS {
        let start = Instant::now();
        for _ in 0..times {
            scan(&bytes)?;
        }
        bare = bare.min(start.elapsed());
        let start = Instant::now();
        items = 0;
        for _ in 0..times {
            items += read(&bytes)?;
        }
        ours = ours.min(start.elapsed());
    }
    let rate = |time: Duration| {
        let micros = u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1);
        (bytes.len() * times) as u64 / micros
    };
    println!("{path} x {times}: {items} items");
    println!("bare scan {} MB/s, reader {} MB/s", rate(bare), rate(ours));
    Ok(())
}

/// Every event of the XML, nothing done with it.
fn scan(bytes: &[u8]) -> Result<(), Box<dyn std::error::Error>> {
    let mut reader = quick_xml::Reader::from_reader(BufReader::new(bytes));
    let mut buffer = Vec::new();
    loop {
        buffer.clear();
        if reader.read_event_into(&mut buffer)? == quick_xml::events::Event::Eof {
            return Ok(());
        }
    }
}

/// Every item of the file.
fn read(bytes: &[u8]) -> Result<u64, Box<dyn std::error::Error>> {
    let (mut reader, mut items) = (Reader::new(Limits::default()), 0);
    let mut chunks = bytes.chunks(CHUNK);
    loop {
        match reader.next()? {
            Step::Item(_) => items += 1,
            Step::More => match chunks.next() {
                Some(chunk) => reader.push(chunk),
                None => reader.finish(),
            },
            Step::End => return Ok(items),
        }
    }
}
