//! Sales at a moderate rate, each at its time whether or not the one before it was slow: how long a
//! till waits while something else goes on.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread::{self, ScopedJoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, anyhow, ensure};

use crate::load;
use crate::till::{Call, Operation};

/// Tills that sell at once.
const TILLS: u32 = 4;
/// Sales that a till makes in turn.
const CALLS: u64 = 1024;

/// How often it is sold, and with which key.
#[derive(Clone, Debug)]
pub struct Pace {
    /// Where the application is.
    pub url: String,
    /// The till's key.
    pub key: String,
    /// Sales a second of all tills together.
    pub per_second: f64,
}

/// How long every sale took from the moment at which it was due, sorted.
#[derive(Clone, Debug)]
pub struct Waits(Vec<Duration>);

impl Waits {
    /// How many sales there were.
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// What so many of a thousand do not exceed, in milliseconds.
    pub fn permille_ms(&self, permille: usize) -> f64 {
        let at = (self.0.len() * permille / 1000).min(self.0.len().saturating_sub(1));
        self.0
            .get(at)
            .map_or(f64::NAN, |wait| wait.as_secs_f64() * 1e3)
    }
}

impl Pace {
    /// Sells for so long.
    pub fn during(&self, time: Duration) -> Result<Waits> {
        let until = Instant::now() + time;
        self.sell(&|| Instant::now() < until)
    }

    /// Sells while `work` is done, and so long as it takes.
    pub fn beside<T: Send>(&self, work: impl FnOnce() -> Result<T> + Send) -> Result<(T, Waits)> {
        let going = AtomicBool::new(true);
        thread::scope(|scope| {
            let working = scope.spawn(|| {
                let done = work();
                going.store(false, Relaxed);
                done
            });
            let waits = self.sell(&|| going.load(Relaxed));
            let done = working.join().map_err(|_| anyhow!("the work broke off"))?;
            Ok((done?, waits?))
        })
    }

    fn sell(&self, going: &(dyn Fn() -> bool + Sync)) -> Result<Waits> {
        let calls = Operation::Sale.calls(CALLS);
        let till = |number| Till::open(self, number)?.sell(&calls, going);
        let waits: Result<Vec<_>> = thread::scope(|scope| {
            let tills: Vec<_> = (0..TILLS).map(|n| scope.spawn(move || till(n))).collect();
            let join = |till: ScopedJoinHandle<'_, Result<Vec<Duration>>>| {
                till.join().map_err(|_| anyhow!("a till broke off"))?
            };
            tills.into_iter().map(join).collect()
        });
        let mut waits = waits?.concat();
        waits.sort_unstable();
        Ok(Waits(waits))
    }
}

/// One connection.
struct Till {
    stream: BufReader<TcpStream>,
    key: String,
    /// Names this run in the documents' numbers.
    run: String,
    /// When the first sale is due.
    begin: Instant,
    every: Duration,
}

impl Till {
    fn open(pace: &Pace, number: u32) -> Result<Self> {
        let address = pace.url.strip_prefix("http://").context("no http")?;
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        let every = Duration::from_secs_f64(f64::from(TILLS) / pace.per_second);
        Ok(Self {
            stream: BufReader::new(stream),
            key: pace.key.clone(),
            run: load::next_run(),
            begin: Instant::now() + every * number / TILLS,
            every,
        })
    }

    fn sell(&mut self, calls: &[Call], going: &dyn Fn() -> bool) -> Result<Vec<Duration>> {
        let mut waits = Vec::new();
        let mut due = self.begin;
        for (n, call) in calls.iter().cycle().enumerate() {
            thread::sleep(due.saturating_duration_since(Instant::now()));
            if !going() {
                break;
            }
            let number = format!("{}{n:08x}", self.run);
            let text = call.numbered(&number).on_the_wire(&self.key);
            self.stream.get_mut().write_all(text.as_bytes())?;
            self.answered()?;
            waits.push(due.elapsed());
            due += self.every;
        }
        Ok(waits)
    }

    /// Reads an answer, which must be a success.
    fn answered(&mut self) -> Result<()> {
        let (mut status, mut length) = (String::new(), 0);
        self.stream.read_line(&mut status)?;
        ensure!(status.starts_with("HTTP/1.1 2"), "a sale: {status}");
        loop {
            let mut line = String::new();
            self.stream.read_line(&mut line)?;
            let line = line.trim_end().to_ascii_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(value) = line.strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        Ok(self.stream.read_exact(&mut body)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_in_a_hundred_waits_longer() {
        let waits = Waits((1..=1000).map(Duration::from_millis).collect());
        assert!((waits.permille_ms(990) - 991.0).abs() < 1e-9);
        assert!(Waits(Vec::new()).permille_ms(990).is_nan());
    }
}
