//! A site of its own for one test: settings, data folder and a clock. Never reads the machine's settings or its time zone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use chrono::{DateTime, NaiveDateTime, TimeZone, Utc};
use chrono_tz::Europe::Berlin;
use serde_json::Value;
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection};
use sqlx::{ConnectOptions, Connection};
use tempfile::TempDir;

use super::daemon::Daemon;

const BINARY: &str = env!("CARGO_BIN_EXE_fristd");
const ELSEWHERE: &str = "Pacific/Auckland"; // the machine's zone must not matter: it is half a day away

/// The smaller roster, where a test needs no 258 contacts: seven mailboxes get the announcement, one of them the RRK's and
/// one the ZFA's; the ZRK has one.
pub const SMALL_ANNOUNCED: [&str; 7] = [
    "gemeinsam@mettmann.example",
    "leitung@essen.example",
    "rrk@duesseldorf.example",
    "rueckkehr@bonn.example",
    "rueckkehr@essen.example",
    "rueckkehr@krefeld.example",
    "zfa@zfa.example",
];
pub const SMALL_ZRK: &str = "zrk@zrk.example";

const SMALL_AUTHORITIES: &str = "\
id,name,kind,district,ags
abh-essen,Stadt Essen,abh,duesseldorf,05113
abh-krefeld,Stadt Krefeld,abh,duesseldorf,05114
abh-bonn,Stadt Bonn,abh,koeln,05314
abh-mettmann,Kreis Mettmann,abh,duesseldorf,05158
";
const SMALL_CONTACTS: &str = "\
owner,email,name,valid_from,valid_to,calendar
abh-essen,rueckkehr@essen.example,Rückkehr,,,
abh-essen,leitung@essen.example,Leitung,,,
abh-krefeld,rueckkehr@krefeld.example,Rückkehr,,,
abh-bonn,rueckkehr@bonn.example,Rückkehr,,,
abh-mettmann,gemeinsam@mettmann.example,Gemeinsames Postfach,,,
rrk-duesseldorf,rrk@duesseldorf.example,RRK Düsseldorf,,,
zrk,zrk@zrk.example,ZRK,,,
zfa,zfa@zfa.example,ZFA,,,
";

/// One installation.
pub struct Site {
    folder: TempDir,
    variables: Vec<(String, String)>,
    has_false_clock: bool,
}

impl Site {
    /// The shipped example, at a local time in Germany.
    pub fn example(local_time: &str) -> Self {
        let folder = tempfile::Builder::new().prefix("fristd-site-").tempdir().expect("a temporary folder");
        let example = Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy/example");
        for name in ["fristd.toml", "cycles.toml", "authorities.csv", "contacts.csv"] {
            fs::copy(example.join(name), folder.path().join(name)).expect("the example can be copied");
        }
        let mut site = Self { folder, variables: Vec::new(), has_false_clock: true };
        site.set("TICK_SECONDS", "1");
        site.set_clock(local_time);
        site
    }

    /// The example's settings with a roster of eight mailboxes.
    pub fn small(local_time: &str) -> Self {
        let site = Self::example(local_time);
        site.write("authorities.csv", SMALL_AUTHORITIES);
        site.write("contacts.csv", SMALL_CONTACTS);
        site
    }

    /// The same, but with the machine's own clock: for measuring, because a false one costs time at each look.
    pub fn with_true_clock(mut self) -> Self {
        self.has_false_clock = false;
        self
    }

    /// Sets a key of `fristd.toml` by its environment variable, without the prefix: `MAIL__PORT`.
    pub fn set(&mut self, key: &str, value: &str) {
        self.variables.push((format!("FRISTD__{key}"), value.to_owned()));
    }

    /// Any other environment variable.
    pub fn set_variable(&mut self, name: &str, value: &str) {
        self.variables.push((name.to_owned(), value.to_owned()));
    }

    /// Sends mail to a relay on this machine, without TLS.
    pub fn mail_to(&mut self, port: u16) {
        self.set("MAIL__TRANSPORT", "smtp");
        self.set("MAIL__HOST", "127.0.0.1");
        self.set("MAIL__TLS", "none");
        self.set("MAIL__PORT", &port.to_string());
    }

    /// Turns the clock of all processes of this site, running ones too, to a local time in Germany; from there it goes on.
    /// Returns the instant.
    pub fn set_clock(&self, local_time: &str) -> DateTime<Utc> {
        let local = NaiveDateTime::parse_from_str(local_time, "%Y-%m-%d %H:%M:%S").expect("YYYY-MM-DD HH:MM:SS");
        let instant = Berlin.from_local_datetime(&local).single().expect("a time that is there once").to_utc();
        self.write_clock("clock", instant);
        instant
    }

    /// Turns a clock that only processes with this file in `FAKETIME_TIMESTAMP_FILE` go by.
    pub fn write_clock(&self, file: &str, instant: DateTime<Utc>) {
        #[expect(clippy::disallowed_methods, reason = "the false clock is told its distance from the true one")]
        let distance = (instant - Utc::now()).num_milliseconds();
        let sign = if distance < 0 { '-' } else { '+' };
        self.write(file, &format!("{sign}{}.{:03}\n", distance.abs() / 1000, distance.abs() % 1000));
    }

    /// A file of this site.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub fn read(&self, name: &str) -> String {
        fs::read_to_string(self.path(name)).expect("a file of the site is readable")
    }

    /// Puts a whole new file in the place of the old one, as editors do.
    pub fn write(&self, name: &str, text: &str) {
        let new = self.path(&format!("{name}.new"));
        fs::write(&new, text).expect("the temporary folder is writable");
        fs::rename(&new, self.path(name)).expect("a file can be renamed");
    }

    /// Adds to a file in place.
    pub fn append(&self, name: &str, text: &str) {
        let text = self.read(name) + text;
        fs::write(self.path(name), text).expect("the temporary folder is writable");
    }

    /// `fristd` with these arguments, this site's settings, and its clock.
    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        for (name, _) in
            std::env::vars_os().filter(|(name, _)| name.to_string_lossy().to_uppercase().starts_with("FRISTD"))
        {
            command.env_remove(name);
        }
        command
            .args(arguments)
            .arg("--config")
            .arg(self.path("fristd.toml"))
            .env_remove("FAKETIME")
            .env_remove("NOTIFY_SOCKET")
            .env_remove("WATCHDOG_USEC")
            .env_remove("WATCHDOG_PID")
            .env("TZ", ELSEWHERE)
            .env("USER", "zrk-person")
            .env("FRISTD_LOG", "info,fristd::daemon::run=debug")
            .envs(self.variables.iter().map(|(name, value)| (name, value)));
        if self.has_false_clock {
            command
                .env("LD_PRELOAD", libfaketime())
                .env("FAKETIME_TIMESTAMP_FILE", self.path("clock"))
                .env("FAKETIME_NO_CACHE", "1") // a clock that is turned is seen at once
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1") // timers run as ever
                .env("NO_FAKE_STAT", "1");
        }
        command
    }

    /// `fristd run`, its log as JSON.
    pub fn run(&self) -> Daemon {
        Daemon::spawn(self.command(&["run", "--log", "json"]))
    }

    /// A command that must succeed; returns what it printed.
    pub fn done(&self, arguments: &[&str]) -> String {
        let Output { status, stdout, stderr } = self.command(arguments).output().expect("the built binary starts");
        assert!(status.success(), "fristd {arguments:?}: {status}\n{}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).expect("output is UTF-8")
    }

    /// All notices, as `outbox list --json` shows them; none before the first is there.
    pub fn outbox(&self) -> Vec<Value> {
        let output = self.command(&["outbox", "list", "--json"]).output().expect("the built binary starts");
        assert!(matches!(output.status.code(), Some(0 | 3)), "outbox list: {output:?}");
        serde_json::from_slice(&output.stdout).expect("an array of JSON")
    }

    /// The mailboxes of all notices of a step in a state, sorted.
    pub fn mailboxes(&self, step: &str, state: &str) -> Vec<String> {
        let outbox = self.outbox();
        let chosen = outbox.iter().filter(|notice| notice["step"] == step && notice["state"] == state);
        let mut mailboxes: Vec<String> = chosen.map(|notice| text(&notice["to"])).collect();
        mailboxes.sort();
        mailboxes
    }

    /// What a query of two columns, a text and a number, finds in the database.
    pub fn query(&self, statement: &'static str) -> Vec<(String, i64)> {
        self.on_database(async |connection| sqlx::query_as(statement).fetch_all(connection).await)
    }

    /// Changes the database behind the daemon's back.
    pub fn execute(&self, statement: &'static str) {
        self.on_database(async |connection| sqlx::query(statement).execute(connection).await);
    }

    /// The database's URL, if the site was given one.
    pub fn database_url(&self) -> Option<String> {
        self.database_setting().filter(|value| value.contains("://")).map(str::to_owned)
    }

    /// The SQLite file.
    pub fn database(&self) -> PathBuf {
        self.path(self.database_setting().unwrap_or("data/fristd.sqlite"))
    }

    fn database_setting(&self) -> Option<&str> {
        let settings = self.variables.iter().rev();
        settings.filter(|(name, _)| name == "FRISTD__DATABASE").map(|(_, value)| value.as_str()).next()
    }

    fn on_database<T>(&self, work: impl AsyncFnOnce(&mut SqliteConnection) -> Result<T, sqlx::Error>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            let options = SqliteConnectOptions::new().filename(self.database());
            let mut connection = options.connect().await.expect("the database can be opened");
            let answer = work(&mut connection).await.expect("the statement is right");
            connection.close().await.expect("the database can be closed");
            answer
        })
    }
}

/// A JSON text.
pub fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}

/// Where Debian's package `libfaketime` is: unpacked by tests/run, or installed.
fn libfaketime() -> PathBuf {
    let unpacked = Path::new(env!("CARGO_MANIFEST_DIR")).join("target/test-tools/usr/lib");
    let machine = format!("{}-linux-gnu", std::env::consts::ARCH);
    [unpacked.join(&machine), Path::new("/usr/lib").join(&machine), PathBuf::from("/usr/lib"), PathBuf::from("/usr/lib64")]
        .into_iter()
        .map(|folder| folder.join("faketime/libfaketime.so.1"))
        .find(|library| library.is_file())
        .expect("this test needs a clock that can be turned, Debian's package libfaketime; run tests/run, which fetches what is missing")
}
