//! A monitor that hears heartbeats and answers as it is told. Never on any address but 127.0.0.1.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::{Arc, Mutex};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};

use super::certificates::make_certificates;
use super::daemon::poll;

/// What it does with a call, instead of answering that all is well.
#[derive(Clone, Debug)]
pub enum Act {
    /// Answers this status line and these headers.
    Say(String),
    /// Closes without a word.
    Close,
    /// Says nothing and keeps the connection.
    Hang,
    /// Sends headers without an end.
    Flood,
}

/// One call.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Call {
    /// `GET` or `POST`, and the path.
    pub line: String,
    /// Without the line breaks.
    pub headers: Vec<String>,
    pub body: String,
}

#[derive(Default)]
struct Book {
    script: VecDeque<Act>,
    calls: Vec<Call>,
    hanging: Vec<Box<dyn Send>>,
}

/// The monitor.
pub struct Monitor {
    address: SocketAddr,
    is_protected: bool,
    book: Arc<Mutex<Book>>,
}

impl Monitor {
    /// Starts one that speaks HTTP.
    pub fn start() -> Self {
        Self::launch(None)
    }

    /// Starts one that speaks HTTPS as `localhost`, with a certificate by `ca.pem`, which is made in the folder.
    pub fn start_tls(folder: &Path) -> Self {
        make_certificates(folder);
        let certificate = CertificateDer::from_pem_file(folder.join("server.pem")).expect("a certificate");
        let key = PrivateKeyDer::from_pem_file(folder.join("server.key")).expect("a key");
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let config = config.expect("ring has them").with_no_client_auth().with_single_cert(vec![certificate], key);
        Self::launch(Some(Arc::new(config.expect("the key is the certificate's"))))
    }

    fn launch(tls: Option<Arc<ServerConfig>>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        let book = Arc::new(Mutex::new(Book::default()));
        let (shared, is_protected) = (Arc::clone(&book), tls.is_some());
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let (book, tls) = (Arc::clone(&shared), tls.clone());
                std::thread::spawn(move || match tls {
                    None => converse(stream, &book),
                    Some(config) => {
                        let connection = ServerConnection::new(config).expect("a good configuration");
                        converse(StreamOwned::new(connection, stream), &book);
                    }
                });
            }
        });
        Self { address, is_protected, book }
    }

    /// Its address with this path.
    pub fn url(&self, path: &str) -> String {
        let port = self.address.port();
        if self.is_protected {
            format!("https://localhost:{port}{path}")
        } else {
            format!("http://127.0.0.1:{port}{path}")
        }
    }

    /// What it does with the next calls.
    pub fn then(&self, acts: impl IntoIterator<Item = Act>) {
        self.book.lock().unwrap().script.extend(acts);
    }

    /// All calls so far.
    pub fn calls(&self) -> Vec<Call> {
        self.book.lock().unwrap().calls.clone()
    }

    /// Waits until there were so many calls, and returns all.
    pub fn wait_for(&self, count: usize) -> Vec<Call> {
        poll(&format!("{count} calls of the monitor"), || Some(self.calls()).filter(|calls| calls.len() >= count))
    }
}

fn converse<S: Read + Write + Send + 'static>(stream: S, book: &Mutex<Book>) {
    let mut stream = BufReader::new(stream);
    // a client that does not trust the certificate says nothing
    let Some(call) = read_call(&mut stream) else { return };
    let mut stream = stream.into_inner();
    let act = {
        let mut book = book.lock().unwrap();
        book.calls.push(call);
        book.script.pop_front().unwrap_or(Act::Say("200 OK".to_owned()))
    };
    let said = match act {
        Act::Say(status) => write!(stream, "HTTP/1.1 {status}\r\nContent-Length: 2\r\n\r\nOK"),
        Act::Close => Ok(()),
        Act::Hang => return book.lock().unwrap().hanging.push(Box::new(stream)),
        Act::Flood => {
            let mut sent = write!(stream, "HTTP/1.1 200 OK\r\n");
            while sent.is_ok() {
                sent = write!(stream, "X-More: {}\r\n", "more".repeat(1000));
            }
            sent
        }
    };
    let _ = said.and_then(|()| stream.flush()); // the client may be gone
}

fn read_call(stream: &mut impl BufRead) -> Option<Call> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        let line = line.trim_end().to_owned();
        if line.is_empty() {
            break;
        }
        lines.push(line);
    }
    let length = lines.iter().find_map(|line| line.to_lowercase().strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body).ok()?;
    let line = lines.remove(0);
    let body = String::from_utf8(body).ok()?;
    Some(Call { line: line.trim_end_matches(" HTTP/1.1").to_owned(), headers: lines, body })
}

impl Drop for Monitor {
    fn drop(&mut self) {
        self.book.lock().unwrap().hanging.clear();
    }
}

/// The address of a monitor that refuses connections: a port that was free a moment ago.
pub fn refusing(path: &str) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = listener.local_addr().expect("a bound port").port();
    format!("http://127.0.0.1:{port}{path}")
}
