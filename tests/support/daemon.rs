//! Runs `fristd run` as a process and listens to its log. Never sleeps: it is told by the log, or by the log's end.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use serde_json::Value;

/// How long a daemon may take to stop (design.md, section 5: SIGTERM at any time).
pub const STOP_MAX: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(30); // only a failing test waits so long, or a machine that is very busy

/// A running daemon; it is killed when dropped.
pub struct Daemon {
    child: Child,
    lines: Receiver<Value>,
    seen: Vec<Value>,
    ended: Receiver<()>,
}

impl Daemon {
    /// Starts the command, whose log must be JSON on stderr.
    pub fn spawn(mut command: Command) -> Self {
        let mut child = command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().expect("the built binary starts");
        let errors = BufReader::new(child.stderr.take().expect("stderr is a pipe"));
        let (line_sender, lines) = channel();
        let (end_sender, ended) = channel();
        std::thread::spawn(move || {
            // what is no JSON was said before the log began, or after it: the reason for a refusal
            for line in errors.lines().map_while(Result::ok) {
                let _ = line_sender.send(serde_json::from_str(&line).unwrap_or(Value::String(line)));
            }
            let _ = end_sender.send(());
        });
        Self { child, lines, seen: Vec::new(), ended }
    }

    /// Waits for a line of the log for which the condition holds, and returns it.
    pub fn wait_for(&mut self, what: &str, is_it: impl Fn(&Value) -> bool) -> Value {
        let patience = Patience::begin();
        loop {
            let Ok(line) = self.lines.recv_timeout(patience.left()) else {
                panic!("the daemon's log never said: {what}\n{}", self.log());
            };
            self.seen.push(line.clone());
            if is_it(&line) {
                return line;
            }
        }
    }

    /// Waits for a line with this message.
    pub fn wait_for_message(&mut self, message: &str) -> Value {
        self.wait_for(message, |line| message_of(line) == message)
    }

    /// Waits until the daemon is at work.
    pub fn ready(mut self) -> Self {
        self.wait_for_message("ready");
        self
    }

    /// Waits for the end of a delivery and returns its counts: `sent`, `retry`, `rejected`, `uncertain`, `withdrawn`,
    /// `expired`.
    pub fn delivered(&mut self) -> Value {
        self.wait_for_message("delivered")["fields"].clone()
    }

    /// Waits until a whole round (tick and delivery) has passed that began at this instant or later.
    pub fn pass_round_after(&mut self, instant: DateTime<Utc>) {
        for round in ["a round that may have begun before", "a round that began after"] {
            self.wait_for(round, |line| message_of(line) == "round done" && at(line) >= Some(instant));
        }
    }

    /// Sends a signal: `TERM`, `HUP` or `INT`.
    pub fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let sent = Command::new("sh").args(["-c", &format!("kill -s {name} {id}")]).status();
        assert!(sent.is_ok_and(|status| status.success()), "SIG{name} cannot be sent to {id}");
    }

    /// Sends SIGTERM and waits for the end, which must come within five seconds with exit code 0. Returns the whole log.
    pub fn stop(self) -> Vec<Value> {
        self.signal("TERM");
        let (status, log) = self.end_within(STOP_MAX);
        assert!(status.success(), "after SIGTERM fristd ended with {status}\n{}", in_lines(&log));
        log
    }

    /// Kills it as a power failure would.
    pub fn kill(mut self) {
        self.child.kill().expect("a child can be killed");
        self.child.wait().expect("a child can be waited for");
    }

    /// Waits for a daemon that ends by itself. Returns its exit code and all that it said.
    pub fn end(self) -> (Option<i32>, String) {
        let (status, log) = self.end_within(PATIENCE);
        (status.code(), in_lines(&log))
    }

    /// The most memory that it had resident at once.
    pub fn peak_memory_mib(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the system tells its peak");
        line.trim().trim_end_matches(" kB").parse::<u64>().expect("KiB") / 1024
    }

    /// Takes a limit of its files' sizes away, as if a full disk had room again.
    pub fn allow_large_files(&self) {
        let id = self.child.id().to_string();
        let raised = Command::new("prlimit").args(["--pid", &id, "--fsize=unlimited:"]).status();
        assert!(raised.is_ok_and(|status| status.success()), "util-linux has prlimit");
    }

    /// Whether it still runs.
    pub fn is_running(&mut self) -> bool {
        self.child.try_wait().expect("a child can be asked").is_none()
    }

    /// All that it said up to now, for messages of failing tests.
    pub fn log(&mut self) -> String {
        self.seen.extend(self.lines.try_iter());
        in_lines(&self.seen)
    }

    fn end_within(mut self, limit: Duration) -> (ExitStatus, Vec<Value>) {
        if self.ended.recv_timeout(limit) == Err(RecvTimeoutError::Timeout) {
            panic!("fristd did not end within {limit:?}\n{}", self.log());
        }
        self.seen.extend(self.lines.try_iter());
        let status = self.child.wait().expect("a child can be waited for");
        (status, std::mem::take(&mut self.seen))
    }
}

impl Drop for Daemon {
    fn drop(&mut self) {
        let _ = self.child.kill(); // a panic here would hide why a test failed
        let _ = self.child.wait();
    }
}

/// The same command, but no file of it can grow beyond 36 KiB: like a full disk, and without being root. Opening the database takes 32.
pub fn with_a_full_disk(command: &Command) -> Command {
    let mut limited = Command::new("sh");
    limited
        .args(["-c", "trap '' XFSZ; ulimit -S -f 72; exec \"$0\" \"$@\""])
        .arg(command.get_program())
        .args(command.get_args());
    for (name, value) in command.get_envs() {
        match value {
            Some(value) => limited.env(name, value),
            None => limited.env_remove(name),
        };
    }
    limited
}

/// The message of a line of the log, or the line itself if it is no log line.
pub fn message_of(line: &Value) -> &str {
    line.as_str().or(line["fields"]["message"].as_str()).unwrap_or_default()
}

/// Asks again and again until the answer is there. For what nobody announces: a file, a row, a mail at a peer.
pub fn poll<T>(what: &str, ask: impl Fn() -> Option<T>) -> T {
    const PAUSE: Duration = Duration::from_millis(5);
    let (_never_used, nothing): (Sender<()>, Receiver<()>) = channel();
    let patience = Patience::begin();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(!patience.left().is_zero(), "waited {PATIENCE:?} in vain: {what}");
        let _ = nothing.recv_timeout(PAUSE);
    }
}

fn at(line: &Value) -> Option<DateTime<Utc>> {
    line["timestamp"].as_str()?.parse().ok()
}

fn in_lines(log: &[Value]) -> String {
    const LINES_MAX: usize = 60; // the end of a long log tells enough
    let lines: Vec<String> =
        log.iter().map(|line| line.as_str().map_or_else(|| line.to_string(), str::to_owned)).collect();
    lines[lines.len().saturating_sub(LINES_MAX)..].join("\n")
}

struct Patience(Instant);

impl Patience {
    #[expect(clippy::disallowed_methods, reason = "a test that would wait forever ends instead")]
    fn begin() -> Self {
        Self(Instant::now())
    }

    fn left(&self) -> Duration {
        PATIENCE.saturating_sub(self.0.elapsed())
    }
}
