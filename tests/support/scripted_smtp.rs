//! An SMTP peer that answers as it is told and fails where it is told. Never on any address but 127.0.0.1.

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// When the peer does something else than a relay in good health.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Phase {
    Connect,
    Ehlo,
    StartTls,
    Auth,
    /// In a login of several steps, after `Auth`.
    Login,
    Mail,
    Rcpt,
    Data,
    /// After the end of the message.
    Message,
    /// Within the message, before its end was read.
    InsideMessage,
    Rset,
}

/// What it does then.
#[derive(Clone, Debug)]
pub enum Act {
    /// Answers this, without the line break.
    Say(&'static str),
    /// Answers this and closes.
    SayAndClose(&'static str),
    /// Closes without a word.
    Close,
    /// Says nothing more, and still listens.
    Hang,
}

/// A mail as it was received.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Received {
    pub from: String,
    pub to: String,
    pub message: String,
}

#[derive(Default)]
struct Book {
    script: VecDeque<(Phase, Act)>,
    received: Vec<Received>,
    commands: Vec<String>,
    connections: usize,
    pipelines: bool,
}

/// The peer. It stops when it is dropped.
pub struct ScriptedSmtp {
    pub address: SocketAddr,
    book: Arc<Mutex<Book>>,
    accepting: JoinHandle<()>,
}

impl ScriptedSmtp {
    /// Starts a peer in good health, except for the acts of the script: each is used once, when its phase comes up and
    /// all before it are used.
    pub async fn start(script: impl IntoIterator<Item = (Phase, Act)>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        let book = Arc::new(Mutex::new(Book { script: script.into_iter().collect(), ..Book::default() }));
        let shared = Arc::clone(&book);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                shared.lock().unwrap().connections += 1;
                tokio::spawn(converse(stream, Arc::clone(&shared)));
            }
        });
        Self { address, book, accepting }
    }

    /// From here on it says that it takes several commands in one piece (RFC 2920), which it does anyway.
    pub fn offer_pipelining(&self) {
        self.book.lock().unwrap().pipelines = true;
    }

    /// The address of a peer that refuses connections: a port that was free a moment ago.
    pub async fn refusing() -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        listener.local_addr().expect("a bound port")
    }

    /// Adds acts to the script.
    pub fn then(&self, acts: impl IntoIterator<Item = (Phase, Act)>) {
        self.book.lock().unwrap().script.extend(acts);
    }

    /// The mails that it took.
    pub fn received(&self) -> Vec<Received> {
        self.book.lock().unwrap().received.clone()
    }

    /// All commands of all connections, in order.
    pub fn commands(&self) -> Vec<String> {
        self.book.lock().unwrap().commands.clone()
    }

    /// How many connections were opened.
    pub fn connections(&self) -> usize {
        self.book.lock().unwrap().connections
    }
}

impl Drop for ScriptedSmtp {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn converse(stream: TcpStream, book: Arc<Mutex<Book>>) {
    let (reading, mut writing) = stream.into_split();
    let mut lines = BufReader::new(reading).lines();
    let (mut from, mut to) = (String::new(), String::new());
    macro_rules! answer {
        ($phase:expr, $usual:expr) => {{
            let act = next_act(&book, $phase).unwrap_or(Act::Say($usual));
            match act {
                Act::Say(words) | Act::SayAndClose(words) => {
                    if writing.write_all(format!("{words}\r\n").as_bytes()).await.is_err() {
                        return;
                    }
                }
                Act::Close | Act::Hang => {}
            }
            match act {
                Act::Say(words) => words.starts_with(['2', '3']),
                Act::SayAndClose(_) | Act::Close => return,
                Act::Hang => {
                    while let Ok(Some(line)) = lines.next_line().await {
                        book.lock().unwrap().commands.push(line);
                    }
                    return std::future::pending().await;
                }
            }
        }};
    }
    answer!(Phase::Connect, "220 relay.example ready");
    while let Ok(Some(line)) = lines.next_line().await {
        book.lock().unwrap().commands.push(line.clone());
        let verb = line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase();
        match verb.as_str() {
            "EHLO" if book.lock().unwrap().pipelines => {
                answer!(Phase::Ehlo, "250-relay.example\r\n250-PIPELINING\r\n250 AUTH PLAIN LOGIN")
            }
            "EHLO" => answer!(Phase::Ehlo, "250-relay.example\r\n250 AUTH PLAIN LOGIN"),
            "STARTTLS" => answer!(Phase::StartTls, "502 5.5.1 not here"),
            "AUTH" => answer!(Phase::Auth, "235 2.7.0 welcome"),
            "MAIL" => {
                from = between_angles(&line);
                answer!(Phase::Mail, "250 2.1.0 sender ok")
            }
            "RCPT" => {
                to = between_angles(&line);
                answer!(Phase::Rcpt, "250 2.1.5 recipient ok")
            }
            "DATA" => {
                if answer!(Phase::Data, "354 go on") {
                    let mut message = String::new();
                    loop {
                        if next_is(&book, Phase::InsideMessage) {
                            answer!(Phase::InsideMessage, "");
                        }
                        match lines.next_line().await {
                            Ok(Some(line)) if line == "." => break,
                            Ok(Some(line)) => {
                                message.push_str(line.strip_prefix('.').unwrap_or(&line));
                                message.push_str("\r\n");
                            }
                            _ => return,
                        }
                    }
                    let mail = Received { from: from.clone(), to: to.clone(), message };
                    let taken = !next_is(&book, Phase::Message);
                    if taken {
                        book.lock().unwrap().received.push(mail);
                    }
                    answer!(Phase::Message, "250 2.0.0 queued as 1");
                }
                true
            }
            _ if next_is(&book, Phase::Login) => answer!(Phase::Login, ""),
            "RSET" => answer!(Phase::Rset, "250 2.0.0 reset"),
            "QUIT" => {
                let _ = writing.write_all(b"221 2.0.0 bye\r\n").await;
                return;
            }
            _ => {
                let _ = writing.write_all(b"500 5.5.2 what?\r\n").await;
                true
            }
        };
    }
}

fn next_is(book: &Mutex<Book>, phase: Phase) -> bool {
    book.lock().unwrap().script.front().is_some_and(|(at, _)| *at == phase)
}

fn next_act(book: &Mutex<Book>, phase: Phase) -> Option<Act> {
    if next_is(book, phase) { book.lock().unwrap().script.pop_front().map(|(_, act)| act) } else { None }
}

fn between_angles(line: &str) -> String {
    line.split(['<', '>']).nth(1).unwrap_or_default().to_owned()
}
