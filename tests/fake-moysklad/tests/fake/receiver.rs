//! Somebody whom the fake calls: answers what it is told to and remembers what came.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;

#[derive(Debug, Clone)]
pub struct Got {
    pub method: String,
    pub path: String,
    pub headers: Vec<(String, String)>,
    pub body: Value,
}

impl Got {
    pub fn header(&self, name: &str) -> &str {
        let found = self
            .headers
            .iter()
            .find(|(key, _)| key.eq_ignore_ascii_case(name));
        found.map_or("", |(_, value)| value)
    }
}

/// What is answered: a status and a body, after a while.
#[derive(Debug, Clone)]
pub struct Says {
    pub status: u16,
    pub body: String,
    pub after: Duration,
}

impl Says {
    pub fn status(status: u16) -> Self {
        Self {
            status,
            body: String::new(),
            after: Duration::ZERO,
        }
    }

    pub fn json(body: &str) -> Self {
        Self {
            body: body.to_owned(),
            ..Self::status(200)
        }
    }
}

#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    got: Arc<Mutex<Vec<Got>>>,
    says: Arc<Mutex<(Vec<Says>, Says)>>,
}

impl Receiver {
    /// Answers `always`.
    pub fn start(always: Says) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let receiver = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            got: Arc::default(),
            says: Arc::new(Mutex::new((Vec::new(), always))),
        };
        let mine = receiver.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let mine = mine.clone();
                std::thread::spawn(move || mine.talk(stream));
            }
        });
        receiver
    }

    /// Answers these first.
    pub fn first(&self, says: &[Says]) {
        self.says.lock().unwrap().0 = says.to_vec();
    }

    pub fn got(&self) -> Vec<Got> {
        self.got.lock().unwrap().clone()
    }

    pub fn clear(&self) {
        self.got.lock().unwrap().clear();
    }

    fn talk(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        while let Some(got) = read(&mut reader) {
            self.got.lock().unwrap().push(got);
            let says = {
                let mut says = self.says.lock().unwrap();
                if says.0.is_empty() {
                    says.1.clone()
                } else {
                    says.0.remove(0)
                }
            };
            std::thread::sleep(says.after);
            let head = format!(
                "HTTP/1.1 {} X\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
                says.status,
                says.body.len()
            );
            // Whoever asked may have gone.
            let _ = stream
                .write_all(head.as_bytes())
                .and_then(|()| stream.write_all(says.body.as_bytes()));
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Got> {
    let mut line = String::new();
    reader
        .read_line(&mut line)
        .ok()
        .filter(|count| *count > 0)?;
    let mut words = line.split(' ');
    let (method, path) = (words.next()?.to_owned(), words.next()?.to_owned());
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok()?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) => headers.push((name.to_owned(), value.to_owned())),
            None => break,
        }
    }
    let length = headers
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let mut body = vec![0; length.map_or(0, |(_, value)| value.parse().unwrap())];
    reader.read_exact(&mut body).ok()?;
    Some(Got {
        method,
        path,
        headers,
        body: serde_json::from_slice(&body).unwrap_or_default(),
    })
}
