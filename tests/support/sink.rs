//! A relay that takes every mail and counts how often each one came. Never refuses, and outlives what it receives from.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard};

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

/// A relay on a free port of 127.0.0.1, on a thread of its own.
pub struct Sink {
    address: SocketAddr,
    book: Arc<Mutex<Book>>,
    changes: watch::Receiver<()>,
    runtime: Runtime,
}

/// What the sink knows.
#[derive(Default)]
struct Book {
    /// By Message-ID.
    accepted: HashMap<String, Taken>,
    total: usize,
    /// Mails begun and not yet answered, now.
    in_flight: usize,
    begun: usize,
}

/// How often a mail was accepted, and for whom each time.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    pub recipients: Vec<String>,
}

/// What the sink has seen up to an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// Mails that it accepted, repetitions included.
    pub accepted: usize,
    /// Mails that were begun (`MAIL`), whatever became of them.
    pub begun: usize,
    /// Mails that were begun and are neither answered nor broken off.
    pub in_flight: usize,
}

impl Sink {
    pub fn start() -> Self {
        let runtime = Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime");
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let address = listener.local_addr().expect("a bound port");
        let (tell, changes) = watch::channel(());
        let (book, tell) = (Arc::<Mutex<Book>>::default(), Arc::new(tell));
        let shared = Arc::clone(&book);
        runtime.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let conversation = Conversation { book: Arc::clone(&shared), tell: Arc::clone(&tell), is_begun: false };
                tokio::spawn(conversation.hold(stream));
            }
        });
        Self { address, book, changes, runtime }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// Each mail that was accepted, by its Message-ID.
    pub fn accepted(&self) -> HashMap<String, Taken> {
        open(&self.book).accepted.clone()
    }

    pub fn seen(&self) -> Seen {
        let book = open(&self.book);
        Seen { accepted: book.total, begun: book.begun, in_flight: book.in_flight }
    }

    /// Waits until the condition holds, or until nothing has changed for so long. Says whether it holds.
    pub fn wait_for(&self, silence_max: std::time::Duration, condition: impl Fn(Seen) -> bool) -> bool {
        let mut changes = self.changes.clone();
        self.runtime.block_on(async {
            loop {
                changes.borrow_and_update();
                if condition(self.seen()) {
                    return true;
                }
                if !matches!(tokio::time::timeout(silence_max, changes.changed()).await, Ok(Ok(()))) {
                    return false;
                }
            }
        })
    }
}

/// One connection.
struct Conversation {
    book: Arc<Mutex<Book>>,
    tell: Arc<watch::Sender<()>>,
    is_begun: bool,
}

impl Conversation {
    /// Until the other side leaves. Replies to commands that came in one go leave in one go.
    async fn hold(mut self, stream: TcpStream) -> std::io::Result<()> {
        stream.set_nodelay(true)?;
        let (reading, mut writing) = stream.into_split();
        let mut reading = BufReader::with_capacity(BUFFER_BYTES, reading);
        writing.write_all(b"220 sink.example ready\r\n").await?;
        let (mut line, mut recipient) = (Vec::new(), String::new());
        loop {
            line.clear();
            if reading.read_until(b'\n', &mut line).await? == 0 {
                return Ok(());
            }
            let command = String::from_utf8_lossy(&line);
            let verb = command.get(..4).unwrap_or_default().to_ascii_uppercase();
            let answer = match verb.as_str() {
                "EHLO" => "250-sink.example\r\n250-PIPELINING\r\n250 8BITMIME\r\n",
                "MAIL" => {
                    self.begin();
                    "250 2.1.0 ok\r\n"
                }
                "RCPT" => {
                    recipient = command.split(['<', '>']).nth(1).unwrap_or_default().to_owned();
                    "250 2.1.5 ok\r\n"
                }
                "DATA" => {
                    writing.write_all(b"354 go on\r\n").await?;
                    let Some(message_id) = read_message(&mut reading).await? else { return Ok(()) };
                    self.accept(message_id, std::mem::take(&mut recipient));
                    "250 2.0.0 taken\r\n"
                }
                "RSET" => {
                    self.end();
                    "250 2.0.0 ok\r\n"
                }
                "QUIT" => return writing.write_all(b"221 2.0.0 bye\r\n").await,
                _ => "250 2.0.0 ok\r\n",
            };
            writing.write_all(answer.as_bytes()).await?;
        }
    }

    fn begin(&mut self) {
        let mut book = open(&self.book);
        book.begun += 1;
        book.in_flight += 1;
        drop(book);
        self.is_begun = true;
        self.tell.send_replace(());
    }

    /// From here on the relay answers for the mail, whether or not the sender hears that.
    fn accept(&mut self, message_id: String, recipient: String) {
        let mut book = open(&self.book);
        book.accepted.entry(message_id).or_default().recipients.push(recipient);
        book.total += 1;
        drop(book);
        self.end();
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.is_begun) {
            open(&self.book).in_flight -= 1;
            self.tell.send_replace(());
        }
    }
}

impl Drop for Conversation {
    fn drop(&mut self) {
        self.end();
    }
}

const BUFFER_BYTES: usize = 16 * 1024; // a mail of 4 KB in one read

/// Reads a message to its end and returns its Message-ID; none if the connection broke before.
async fn read_message(reading: &mut (impl AsyncBufReadExt + Unpin)) -> std::io::Result<Option<String>> {
    let (mut line, mut message_id, mut is_head) = (Vec::new(), String::new(), true);
    loop {
        line.clear();
        if reading.read_until(b'\n', &mut line).await? == 0 || !line.ends_with(b"\n") {
            return Ok(None);
        }
        match line.as_slice() {
            b".\r\n" => return Ok(Some(message_id)),
            b"\r\n" => is_head = false,
            _ if is_head && message_id.is_empty() => {
                let text = String::from_utf8_lossy(&line);
                if let Some((_, value)) =
                    text.split_once(':').filter(|(name, _)| name.eq_ignore_ascii_case("message-id"))
                {
                    message_id = value.trim().to_owned();
                }
            }
            _ => {}
        }
    }
}

fn open(book: &Mutex<Book>) -> MutexGuard<'_, Book> {
    book.lock().expect("no holder of the book panics")
}
