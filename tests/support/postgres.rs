//! Starts a real PostgreSQL with a data folder of its own and gives each test a database. Never touches the machine's own.
//!
//! The server is the one of Debian's package `postgresql-NN`, installed or unpacked by `tests/run` below `target/test-tools`, or
//! the one that `pg_config` names. It listens on a free port of 127.0.0.1 and on a socket in its folder, and sorts text as a
//! German would, not by bytes, so that nothing can rely on SQLite's order. A guard, a shell that waits for the end of this
//! process, stops it and removes the folder whatever becomes of the test: passed, panicked or killed.

use std::collections::hash_map::RandomState;
use std::fs;
use std::hash::BuildHasher;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::ops::RangeInclusive;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, PgConnection};

use super::account::Account;
use super::certificates::make_certificates;

/// The role that owns all databases of a test.
pub const USER: &str = "fristd";
/// Its password; only a server with TLS asks for it.
pub const PASSWORD: &str = "für den Test";
/// The same, as it stands in a URL.
const PASSWORD_IN_URL: &str = "f%C3%BCr%20den%20Test";

/// A new and empty database for one test, on a server that all tests of this process share.
///
/// That server is fast and not durable: it does not wait for the disk. What is about durability starts a [`Postgres`].
pub fn new_database() -> String {
    static SHARED: OnceLock<Postgres> = OnceLock::new(); // its guard ends it, because nothing drops a static
    SHARED.get_or_init(|| Postgres::launch(Kind::Fast)).new_database()
}

/// A server of its own for one test; it ends when dropped.
pub struct Postgres {
    folder: PathBuf,
    port: u16,
    kind: Kind,
    databases: AtomicU32,
    log: Arc<Mutex<Vec<String>>>,
    server: Option<Child>,
    guard: Child,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// Forgets what it confirmed when the machine, or the server, dies.
    Fast,
    Durable,
    /// Durable, takes nobody without TLS, and asks for the password.
    Tls,
}

impl Postgres {
    /// Starts a server that is durable as PostgreSQL is by default.
    pub fn start() -> Postgres {
        Postgres::launch(Kind::Durable)
    }

    /// Starts a server that takes only TLS and asks for a password. Its certificate is valid for `localhost` and `127.0.0.1`;
    /// returned is the certificate, in PEM, of the authority that was made for it alone.
    pub fn start_tls() -> (Postgres, PathBuf) {
        let server = Postgres::launch(Kind::Tls);
        let authority = server.folder.join("ca.pem");
        (server, authority)
    }

    /// Makes a new and empty database. Returns its URL.
    pub fn new_database(&self) -> String {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed) + 1);
        self.execute("postgres", &format!("CREATE DATABASE {name}"));
        self.url(&name)
    }

    /// The URL of a database, `postgres://…`.
    pub fn url(&self, database: &str) -> String {
        let login = if self.kind == Kind::Tls { format!("{USER}:{PASSWORD_IN_URL}") } else { USER.to_owned() };
        format!("postgres://{login}@127.0.0.1:{}/{database}", self.port)
    }

    /// The port on 127.0.0.1; it stays the same when the server is stopped and started again.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Stops the server as `pg_ctl stop -m immediate` does: nothing is finished, all connections end at once, and the next start
    /// recovers from the log.
    pub fn stop_immediate(&mut self) {
        let mut server = self.server.take().expect("stop is for a server that runs");
        let sent = Command::new("sh").args(["-c", &format!("kill -s QUIT {}", server.id())]).status();
        assert!(sent.is_ok_and(|status| status.success()), "a child can be sent a signal");
        server.wait().expect("the server was started by this process");
    }

    /// Starts a stopped server on the port that it had, and waits until it takes connections.
    pub fn start_again(&mut self) {
        assert!(self.server.is_none(), "start_again is for a server that was stopped");
        self.run_server().unwrap_or_else(|log| panic!("PostgreSQL does not start again:\n{log}"));
    }

    /// Where it keeps its files and its socket.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// What the server logged, for the message of a test that fails.
    pub fn log(&self) -> String {
        self.log.lock().expect("no holder of the log panics").join("\n")
    }

    /// Executes statements as the owner of everything.
    pub fn execute(&self, database: &str, statements: &str) {
        let url = format!("{}?host={}&port={}", self.url(database), self.folder.display(), self.port);
        let work = async {
            let mut connection = PgConnection::connect(&url).await?;
            sqlx::raw_sql(AssertSqlSafe(statements)).execute(&mut connection).await?;
            connection.close().await
        };
        // on a thread of its own, because the test may be asynchronous itself
        let done = std::thread::scope(|scope| {
            let runtime = || tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            scope.spawn(move || runtime().block_on(work)).join().expect("the thread does not panic")
        });
        done.unwrap_or_else(|cause| panic!("{statements}: {cause}\n{}", self.log()));
    }

    fn launch(kind: Kind) -> Postgres {
        let folder = tempfile::Builder::new().prefix("fristd-postgres-").tempdir().expect("a temporary folder").keep();
        let guard = guard(&folder);
        let mut postgres =
            Postgres { folder, port: 0, kind, databases: AtomicU32::new(0), log: Arc::default(), server: None, guard };
        postgres.make_cluster();
        for _ in 1..PORTS_TRIED_MAX {
            postgres.port = free_port();
            match postgres.run_server() {
                Ok(()) => return postgres,
                Err(log) if log.contains("could not bind") => {} // somebody took the port a moment ago
                Err(log) => panic!("PostgreSQL does not start:\n{log}"),
            }
        }
        panic!("PostgreSQL finds no free port:\n{}", postgres.log());
    }

    fn make_cluster(&self) {
        fs::write(self.folder.join("password"), PASSWORD).expect("the temporary folder is writable");
        if self.kind == Kind::Tls {
            make_certificates(&self.folder);
        }
        self.account().give(&self.folder);
        let by_socket = "--auth-local=trust"; // the folder lets nobody else in
        let by_network = if self.kind == Kind::Tls { "--auth-host=scram-sha-256" } else { "--auth-host=trust" };
        let owner = format!("--username={USER}");
        let known =
            ["--pwfile=password", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync", by_socket, by_network, &owner];
        let mut initdb = self.program("initdb");
        initdb.arg("--pgdata=data").args(known);
        if has_icu() {
            initdb.args(["--locale-provider=icu", "--icu-locale=de"]);
        }
        let output = initdb.output().unwrap_or_else(|cause| panic!("initdb does not start: {cause}"));
        assert!(output.status.success(), "initdb: {}", String::from_utf8_lossy(&output.stderr));
        if self.kind == Kind::Tls {
            let access = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
            fs::write(self.folder.join("data/pg_hba.conf"), access).expect("the data folder is writable");
        }
    }

    /// Starts the server and waits until it takes connections; if it ends instead, its log comes back.
    fn run_server(&mut self) -> Result<(), String> {
        let mut settings = vec![
            format!("port={}", self.port),
            format!("unix_socket_directories={}", self.folder.display()),
            "listen_addresses=127.0.0.1".to_owned(),
            "max_connections=200".to_owned(), // many tests of one process at a time
            "jit=off".to_owned(),             // its library is large, and Debian's package is unpacked without it
        ];
        settings.extend(match self.kind {
            Kind::Fast => vec!["fsync=off".to_owned(), "full_page_writes=off".to_owned()],
            Kind::Durable => Vec::new(),
            Kind::Tls => vec![
                "ssl=on".to_owned(),
                format!("ssl_cert_file={}", self.folder.join("server.pem").display()),
                format!("ssl_key_file={}", self.folder.join("server.key").display()),
            ],
        });
        let mut command = self.program("postgres");
        command.args(["-D", "data"]).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped());
        for setting in &settings {
            command.args(["-c", setting]);
        }
        // out of the test runner's group: what ends a test that takes too long must leave the end of this to the guard
        let mut server = command.process_group(0).spawn().unwrap_or_else(|cause| panic!("postgres: {cause}"));
        let errors = server.stderr.take().expect("stderr is a pipe");
        let (is_ready, ready) = channel();
        let log = Arc::clone(&self.log);
        std::thread::spawn(move || listen(errors, &log, &is_ready));
        match ready.recv_timeout(START_MAX) {
            Ok(()) => {
                self.server = Some(server);
                Ok(())
            }
            Err(why) => {
                let _ = server.kill(); // it has ended already, or is of no use
                let _ = server.wait();
                let slow = if why == RecvTimeoutError::Timeout { "it takes too long to start\n" } else { "" };
                Err(format!("{slow}{}", self.log()))
            }
        }
    }

    fn program(&self, name: &str) -> Command {
        program(&self.folder, name)
    }

    fn account(&self) -> Account {
        Account::of_server(&self.folder)
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        drop(self.guard.stdin.take());
        let _ = self.guard.wait(); // a panic here would hide why a test failed
        if let Some(mut server) = self.server.take() {
            let _ = server.wait();
        }
    }
}

const START_MAX: Duration = Duration::from_secs(30); // it takes half a second; a busy machine gets its time
const PORTS_TRIED_MAX: usize = 20;
/// Below the ports that connections get by themselves: one of those could be taken while the server is stopped.
const PORTS: RangeInclusive<u64> = 16_384..=32_767;

/// Keeps the log, and tells when the server takes connections.
fn listen(errors: ChildStderr, log: &Mutex<Vec<String>>, is_ready: &Sender<()>) {
    for line in BufReader::new(errors).lines().map_while(Result::ok) {
        let ready = line.contains("database system is ready to accept connections");
        log.lock().expect("no holder of the log panics").push(line);
        if ready {
            let _ = is_ready.send(());
        }
    }
}

/// A process that outlives this one for a moment: when its input ends, with the `Postgres` or with this process, however that
/// comes about, it stops the server and removes the folder.
fn guard(folder: &Path) -> Child {
    const WORK: &str = r#"cat; "$0" stop --pgdata=data --mode=immediate --silent; rm -rf "$PWD""#;
    Account::of_server(folder).give(folder);
    let mut command = Command::new("sh");
    Account::of_server(folder).run(&mut command);
    command
        .args(["-c", WORK])
        .arg(binaries().join("pg_ctl"))
        .current_dir(folder)
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .process_group(0)
        .spawn()
        .expect("every Debian has a shell")
}

fn program(folder: &Path, name: &str) -> Command {
    let mut command = Command::new(binaries().join(name));
    // settings of the machine's own PostgreSQL, and of the person who runs the test
    for (variable, _) in std::env::vars_os().filter(|(variable, _)| variable.to_string_lossy().starts_with("PG")) {
        command.env_remove(variable);
    }
    command.env("LC_ALL", "C.UTF-8").current_dir(folder);
    Account::of_server(folder).run(&mut command);
    command
}

/// Whether this version can sort a whole database by the rules of a language without the system's help: since 15.
fn has_icu() -> bool {
    let output = Command::new(binaries().join("initdb")).arg("--help").output().expect("initdb starts");
    String::from_utf8_lossy(&output.stdout).contains("--locale-provider")
}

fn free_port() -> u16 {
    let ports = PORTS.end() - PORTS.start() + 1;
    loop {
        let port = PORTS.start() + RandomState::new().hash_one(()) % ports;
        let port = u16::try_from(port).expect("the range ends below 65,536");
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
}

/// Where `initdb` and `postgres` are; the newest, where Debian has several.
fn binaries() -> PathBuf {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools/usr/lib/postgresql");
    let mut folders: Vec<(u32, PathBuf)> = [unpacked, PathBuf::from("/usr/lib/postgresql")]
        .into_iter()
        .filter_map(|folder| fs::read_dir(folder).ok())
        .flatten()
        .filter_map(|entry| {
            let entry = entry.ok()?;
            Some((entry.file_name().to_str()?.parse().ok()?, entry.path().join("bin")))
        })
        .filter(|(_, folder)| folder.join("postgres").is_file() && folder.join("initdb").is_file())
        .collect();
    folders.sort();
    let named = || {
        let output = Command::new("pg_config").arg("--bindir").output().ok()?;
        let folder = PathBuf::from(String::from_utf8(output.stdout).ok()?.trim());
        folder.join("initdb").is_file().then_some(folder)
    };
    folders.pop().map(|(_, folder)| folder).or_else(named).expect(
        "this test needs PostgreSQL 14 or later, Debian's package postgresql-NN; run tests/run, which fetches what is missing",
    )
}
