//! fristd as a process on copies of a database in which everything is queued. Never sends by other means than `fristd run`.

use std::fs::{self, File};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use chrono::{DateTime, Utc};
use chrono_tz::Europe::Berlin;
use tempfile::TempDir;

use super::gauge::Gauge;
use super::support::crowd::crowd_of_today;
use super::support::ledger::notices;
use super::support::postgres::Postgres;
use super::support::site::Site;

/// Where fristd keeps what it knows; both keep what they confirmed when the power fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

impl Engine {
    pub const BOTH: [Self; 2] = [Self::Sqlite, Self::Postgres];

    pub fn name(self) -> &'static str {
        match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        }
    }
}

/// A site with everything queued and nothing sent, of which each run takes a copy.
pub struct Contestant {
    site: Site,
    /// Beside the settings, whose folder is watched.
    logs: TempDir,
    server: Option<Postgres>,
    copies: usize,
    pub queued: usize,
}

/// How a run went.
#[derive(Clone, Copy, Debug)]
pub struct Performance {
    /// Mails a second, from the first to the last that the sink took.
    pub rate: f64,
    /// The most memory that any of the processes had resident at once, in MiB.
    pub peak_memory_mib: f64,
    /// Claims of all processes, and those of them that found nothing to claim, as their logs tell.
    pub claims: usize,
    pub claims_in_vain: usize,
}

const QUEUED: &str = "queued"; // the name of the database that is copied

impl Contestant {
    /// Lets the shipped tick queue so many mails to each of the authorities.
    pub fn queue(engine: Engine, authorities: usize, duties: usize, gauge: &Gauge) -> Self {
        let today = now().with_timezone(&Berlin).format("%Y-%m-%d").to_string();
        let mut site = crowd_of_today(&today, authorities, duties, gauge.port());
        let server = (engine == Engine::Postgres).then(Postgres::start);
        if let Some(server) = &server {
            server.execute("postgres", &format!("CREATE DATABASE {QUEUED}"));
            site.set("DATABASE", &server.url(QUEUED));
        }
        site.done(&["pause"]);
        let mut daemon = site.run();
        daemon.wait_for_message("round done");
        daemon.stop();
        site.done(&["resume"]);
        let queued = count(&site, "queued");
        assert_eq!(queued, authorities * duties, "{} is ready", engine.name());
        let logs = tempfile::tempdir().expect("a temporary folder");
        Self { site, logs, server, copies: 0, queued }
    }

    /// Delivers everything, by so many replicas with so many connections each, and checks that it was recorded.
    pub fn deliver(&mut self, gauge: &Gauge, replicas: usize, connections: usize) -> Performance {
        self.copy();
        self.site.set("LIMITS__CONNECTIONS", &connections.to_string());
        gauge.reset();
        let logs: Vec<PathBuf> = (0..replicas).map(|number| self.logs.path().join(number.to_string())).collect();
        let mut running: Vec<Running> = logs
            .iter()
            .enumerate()
            .map(|(number, log)| Running::start(self.site.command(&["run"]), number, log))
            .collect();
        let rate = gauge.rate(self.queued);
        let peak_memory_mib = running.iter().map(Running::peak_memory_mib).fold(0.0, f64::max);
        running.iter_mut().for_each(Running::stop);
        assert_eq!(count(&self.site, "accepted"), self.queued, "what the sink took is recorded");
        let (claims, claims_in_vain) = logs.iter().map(claims).fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        Performance { rate, peak_memory_mib, claims, claims_in_vain }
    }

    /// Gives the site a fresh copy of the database in which everything is queued, and removes the one before.
    fn copy(&mut self) {
        let (before, name) = (format!("copy{}", self.copies), format!("copy{}", self.copies + 1));
        self.copies += 1;
        if let Some(server) = &self.server {
            server.execute("postgres", &format!("DROP DATABASE IF EXISTS {before}"));
            server.execute("postgres", &format!("CREATE DATABASE {name} TEMPLATE {QUEUED}"));
            // what an installation does by itself in time: it knows how large its tables are
            server.execute(&name, "ANALYZE");
            server.execute(&name, "CHECKPOINT");
            self.site.set("DATABASE", &server.url(&name));
        } else {
            let _ = fs::remove_dir_all(self.site.path(&before));
            fs::create_dir(self.site.path(&name)).expect("the temporary folder is writable");
            for file in fs::read_dir(self.site.path("data")).expect("the data folder is readable").flatten() {
                if file.file_type().is_ok_and(|kind| kind.is_file()) {
                    fs::copy(file.path(), self.site.path(&name).join(file.file_name())).expect("a file can be copied");
                }
            }
            self.site.set("DATABASE", &format!("{name}/fristd.sqlite"));
        }
    }
}

/// A process whose log goes to a file, as a service's goes to the journal; killed when dropped.
struct Running(Child);

impl Running {
    fn start(mut command: Command, number: usize, log: &PathBuf) -> Self {
        command.env("FRISTD__REPLICA", format!("replica-{number}"));
        let log = File::create(log).expect("the temporary folder is writable");
        command.env("FRISTD_LOG", "info,tokio_cron_scheduler=warn,fristd::daemon::deliver=debug");
        Self(command.stdout(Stdio::null()).stderr(log).spawn().expect("the built binary starts"))
    }

    fn peak_memory_mib(&self) -> f64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.0.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("the system tells its peak");
        line.trim().trim_end_matches(" kB").parse::<f64>().expect("KiB") / 1024.0
    }

    fn stop(&mut self) {
        let sent = Command::new("sh").args(["-c", &format!("kill -s TERM {}", self.0.id())]).status();
        assert!(sent.is_ok_and(|status| status.success()), "a child can be sent a signal");
        assert!(self.0.wait().is_ok_and(|status| status.success()), "it stops as it was told");
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// Claims and claims in vain, by the lines `claimed` of a log.
fn claims(log: &PathBuf) -> (usize, usize) {
    let log = fs::read_to_string(log).expect("the log is readable");
    let counts = log.lines().filter_map(|line| line.split_once("claimed notices=")?.1.split_whitespace().next());
    counts.fold((0, 0), |(all, in_vain), count| (all + 1, in_vain + usize::from(count == "0")))
}

fn count(site: &Site, state: &str) -> usize {
    notices(site).iter().filter(|notice| notice.state == state).count()
}

#[expect(clippy::disallowed_methods, reason = "the machine's own clock says which day it is")]
fn now() -> DateTime<Utc> {
    Utc::now()
}
