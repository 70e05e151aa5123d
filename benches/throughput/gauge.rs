//! Postfix's `smtp-sink`, which takes every mail, and the instants at which it did. Never looks into a mail.

use std::io::Read;
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use super::support::daemon::poll;

/// The sink of all runs; it ends when dropped.
pub struct Gauge {
    sink: Child,
    port: u16,
    taken: Arc<(Mutex<Taken>, Condvar)>,
}

/// What was taken since [`Gauge::reset`].
#[derive(Default)]
struct Taken {
    before: u64,
    total: u64,
    first: Option<Instant>,
    last: Option<Instant>,
}

const SILENCE_MAX: Duration = Duration::from_secs(60); // queueing 100,000 notices comes before the first

impl Gauge {
    pub fn start() -> Self {
        let port =
            TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").port();
        let mut command = postfix_program("smtp-sink");
        // -c: says after each mail how many there were
        command.args(["-c", "-u", &account(), &format!("127.0.0.1:{port}"), "128"]);
        let mut sink = command.stdout(Stdio::piped()).spawn().expect("smtp-sink starts");
        let counters = sink.stdout.take().expect("stdout is a pipe");
        let taken = Arc::<(Mutex<Taken>, Condvar)>::default();
        let shared = Arc::clone(&taken);
        std::thread::spawn(move || listen(counters, &shared));
        poll("smtp-sink", || TcpStream::connect(("127.0.0.1", port)).ok());
        Self { sink, port, taken }
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// Counts from here on.
    pub fn reset(&self) {
        let mut taken = self.taken.0.lock().expect("no holder panics");
        *taken = Taken { before: taken.total, total: taken.total, ..Taken::default() };
    }

    /// Waits until so many mails were taken; returns how many a second, from the first to the last.
    pub fn rate(&self, count: usize) -> f64 {
        let mut taken = self.taken.0.lock().expect("no holder panics");
        while taken.total - taken.before < count as u64 {
            let before = taken.total;
            let (woken, silence) = self.taken.1.wait_timeout(taken, SILENCE_MAX).expect("no holder panics");
            taken = woken;
            assert!(
                !silence.timed_out() || taken.total > before,
                "{} of {count} mails came, then none",
                taken.total - taken.before
            );
        }
        let seconds = match (taken.first, taken.last) {
            (Some(first), Some(last)) => (last - first).as_secs_f64(),
            _ => f64::INFINITY,
        };
        (count - 1) as f64 / seconds
    }
}

impl Drop for Gauge {
    fn drop(&mut self) {
        let _ = self.sink.kill();
        let _ = self.sink.wait();
    }
}

/// A program of Debian's package postfix, unpacked.
pub fn postfix_program(name: &str) -> Command {
    let folder = tools().join("usr");
    let program = folder.join("sbin").join(name);
    assert!(
        program.is_file(),
        "this benchmark compares with Postfix's {name}; fetch it with tests/run --prepare-benchmark"
    );
    let mut command = Command::new(program);
    command.env("LD_LIBRARY_PATH", folder.join("lib/postfix"));
    command
}

pub fn tools() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools")
}

/// `sess=3 quit=1 mesg=250`, and a carriage return before the next.
#[expect(clippy::disallowed_methods, reason = "it measures")]
fn listen(mut counters: ChildStdout, shared: &(Mutex<Taken>, Condvar)) {
    let (mut bytes, mut rest) = ([0; 64 * 1024], String::new());
    while let Ok(count @ 1..) = counters.read(&mut bytes) {
        let now = Instant::now();
        rest.push_str(&String::from_utf8_lossy(&bytes[..count]));
        let Some(end) = rest.rfind('\r') else { continue };
        let totals = rest[..end].split('\r').filter_map(|line| line.rsplit_once("mesg=")?.1.trim().parse::<u64>().ok());
        let total = totals.max();
        rest.drain(..=end);
        let mut taken = shared.0.lock().expect("no holder panics");
        if let Some(total) = total.filter(|total| *total > taken.total) {
            taken.total = total;
            taken.first.get_or_insert(now);
            taken.last = Some(now);
            shared.1.notify_all();
        }
    }
}

/// smtp-sink refuses to work as root.
fn account() -> String {
    let id = Command::new("id").arg("-un").output().expect("every system has id");
    let name = String::from_utf8_lossy(&id.stdout).trim().to_owned();
    if name == "root" { "nobody".to_owned() } else { name }
}
