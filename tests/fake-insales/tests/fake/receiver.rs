//! Somebody whom the fake calls: answers 200, or what it is told to, and remembers what came.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};

use serde_json::Value;

#[derive(Clone)]
pub struct Receiver {
    pub url: String,
    got: Arc<Mutex<Vec<Value>>>,
    /// The status; 0: it goes away.
    status: Arc<Mutex<u16>>,
}

impl Receiver {
    pub fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let receiver = Self {
            url: format!("http://{}/hook", listener.local_addr().unwrap()),
            got: Arc::default(),
            status: Arc::new(Mutex::new(200)),
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

    /// Answers this from now on.
    pub fn answer(&self, status: u16) {
        *self.status.lock().unwrap() = status;
    }

    /// Answers nothing any more.
    pub fn stop(&self) {
        self.answer(0);
    }

    /// The bodies that came since the last time.
    pub fn take(&self) -> Vec<Value> {
        std::mem::take(&mut self.got.lock().unwrap())
    }

    fn talk(&self, stream: TcpStream) {
        let mut reader = BufReader::new(stream.try_clone().unwrap());
        let mut stream = stream;
        while let Some(body) = read(&mut reader) {
            let status = *self.status.lock().unwrap();
            if status == 0 {
                return;
            }
            self.got.lock().unwrap().push(body);
            let head = format!("HTTP/1.1 {status} X\r\ncontent-length: 0\r\n\r\n");
            // Whoever asked may have gone.
            let _ = stream.write_all(head.as_bytes());
        }
    }
}

fn read(reader: &mut BufReader<TcpStream>) -> Option<Value> {
    let mut length = 0;
    loop {
        let mut line = String::new();
        reader
            .read_line(&mut line)
            .ok()
            .filter(|count| *count > 0)?;
        match line.trim_end().split_once(": ") {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.parse().unwrap();
            }
            None if line.trim_end().is_empty() => break,
            _ => {}
        }
    }
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    Some(serde_json::from_slice(&body).unwrap_or_default())
}
