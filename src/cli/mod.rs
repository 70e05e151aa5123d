//! The command line: parses, builds the parts, calls them, prints. Never decides what is due.

mod arrangement;
mod audit;
mod audit_words;
mod backup;
mod bounce;
mod check;
mod contact;
mod cycle;
mod demo;
mod difference;
mod explain;
mod history;
mod import;
mod init;
mod outbox;
mod pause;
mod preview;
mod proof;
mod record;
mod replicas;
mod report;
mod retention;
mod run;
mod simulate;
mod status;
mod store;
mod story;
mod timetable;
mod written_file;

use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Context;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use clap::{Parser, Subcommand};

use crate::daemon::clock::Clock;
use crate::daemon::recording::RecordError;
use crate::daemon::scenario::ScenarioErrors;
use crate::daemon::{Charter, CharterError, database_of};
use crate::domain::calendar::CalendarError;
use crate::domain::dates::instant;
use crate::domain::request::RequestError;
use crate::settings::{Complaints, Service, Source};
use crate::store::{Durability, Store};

const SYSTEM_CONFIG: &str = "/etc/fristd/fristd.toml";
const LOCAL_CONFIG: &str = "fristd.toml";

#[derive(Debug, Parser)]
#[command(
    name = "fristd",
    version,
    about = "Tracks monthly reporting deadlines, announces them by mail, reminds only the missing, escalates, and can prove it.",
    after_help = "Examples, in the order in which they are needed:\n  \
                  fristd demo                                    plays a month, sends nothing\n  \
                  fristd init my-settings                        writes four files to edit\n  \
                  fristd check --config my-settings/fristd.toml  says what is wrong in them\n  \
                  fristd run --config my-settings/fristd.toml    the service itself\n\n\
                  Exit codes: 0 done, 1 failed, 2 wrong usage or invalid settings, 3 nothing matched\n\
                  (`fristd bounce`: 75 when a mail system is to try again)."
)]
struct Arguments {
    /// The administrator's file; beside it lie cycles.toml, authorities.csv and contacts.csv.
    #[arg(long, global = true, value_name = "FILE", env = "FRISTD_CONFIG", help_heading = "Everywhere")]
    config: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Demo(demo::Demo),
    Run(run::Run),
    Init(init::Init),
    Check(check::Check),
    Explain(explain::Explain),
    Timetable(timetable::Timetable),
    Status(status::Status),
    Report(report::Report),
    Record(record::Record),
    Arrangement(arrangement::Arrangement),
    Import(import::Import),
    Cycle(cycle::Cycle),
    Preview(preview::Preview),
    Outbox(outbox::Outbox),
    Bounce(bounce::Bounce),
    Contact(contact::Contact),
    Proof(proof::Proof),
    Audit(audit::Audit),
    Pause(pause::Pause),
    Resume(pause::Resume),
    Backup(backup::Backup),
    Store(store::StoreCommand),
    Retention(retention::Retention),
    Forget(retention::Forget),
    Simulate(simulate::Simulate),
}

/// How a command ended, if it did not fail.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Ending {
    Done,
    NothingMatched,
    /// What was asked for was refused, and that has been said.
    Refused,
    /// A mail system is to give it again (EX_TEMPFAIL of sysexits.h); `fristd bounce` alone.
    TryAgain,
}

/// What every command is given.
#[derive(Debug)]
struct Shell {
    config: Option<PathBuf>,
    clock: Clock,
}

/// Parses the command line and carries it out.
pub fn main() -> ExitCode {
    let arguments = Arguments::parse();
    let shell = Shell { config: arguments.config, clock: Clock::System };
    match dispatch(arguments.command, &shell) {
        Ok(Ending::Done) => ExitCode::SUCCESS,
        Ok(Ending::NothingMatched) => ExitCode::from(3),
        Ok(Ending::Refused) => ExitCode::from(1),
        Ok(Ending::TryAgain) => ExitCode::from(75),
        Err(error) if is_broken_pipe(&error) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error);
            ExitCode::from(if is_wrong_input(&error) { 2 } else { 1 })
        }
    }
}

/// Says on stderr what went wrong.
fn complain(error: &anyhow::Error) {
    eprintln!("{}", under_own_name(&in_one_breath(error)));
}

/// One complaint in a line; several in a line each, and then how many.
fn under_own_name(words: &str) -> String {
    match words.lines().count() {
        0 | 1 => format!("fristd: {words}"),
        count => format!("{words}\nfristd: {count} complaints"),
    }
}

fn dispatch(command: Command, shell: &Shell) -> anyhow::Result<Ending> {
    match command {
        Command::Init(command) => command.execute(),
        Command::Explain(command) => command.execute(shell),
        Command::Check(command) => wait(command.execute(shell)),
        Command::Timetable(command) => command.execute(shell),
        Command::Preview(command) => command.execute(shell),
        Command::Demo(command) => wait(command.execute()),
        Command::Run(command) => wait(command.execute(shell)),
        Command::Status(command) => wait(command.execute(shell)),
        Command::Report(command) => wait(command.execute(shell)),
        Command::Record(command) => wait(command.execute(shell)),
        Command::Arrangement(command) => wait(command.execute(shell)),
        Command::Import(command) => wait(command.execute(shell)),
        Command::Cycle(command) => wait(command.execute(shell)),
        Command::Outbox(command) => wait(command.execute(shell)),
        Command::Bounce(command) => wait(command.execute(shell)),
        Command::Contact(command) => wait(command.execute(shell)),
        Command::Proof(command) => wait(command.execute(shell)),
        Command::Audit(command) => wait(command.execute(shell)),
        Command::Pause(command) => wait(command.execute(shell)),
        Command::Resume(command) => wait(command.execute(shell)),
        Command::Backup(command) => wait(command.execute(shell)),
        Command::Store(command) => wait(command.execute(shell)),
        Command::Retention(command) => wait(command.execute(shell)),
        Command::Forget(command) => wait(command.execute(shell)),
        Command::Simulate(command) => wait(command.execute()),
    }
}

/// Runs a command that waits for the disk or the network.
fn wait(command: impl Future<Output = anyhow::Result<Ending>>) -> anyhow::Result<Ending> {
    // with workers beside it each word of the relay would wake one thread only to wake this one
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.context("the asynchronous runtime cannot be started")?.block_on(command)
}

impl Shell {
    /// The settings' file: as given, else the one here, else the system's.
    fn source(&self) -> anyhow::Result<Source> {
        let found = || [LOCAL_CONFIG, SYSTEM_CONFIG].into_iter().map(PathBuf::from).find(|path| path.exists());
        match self.config.clone().or_else(found) {
            Some(path) => Ok(Source::File(path)),
            None => Err(WrongInput(format!(
                "no settings: neither {LOCAL_CONFIG} in this folder nor {SYSTEM_CONFIG} exists; name the file with --config, \
                 or write a set of files with: fristd init DIR"
            ))
            .into()),
        }
    }

    fn charter(&self) -> anyhow::Result<Charter> {
        Ok(Charter::load(&self.source()?, 1)?)
    }

    /// Opens the database, which must be there already.
    async fn existing_store(&self, charter: &Charter) -> anyhow::Result<Store> {
        let database = database_of(&charter.settings.service);
        anyhow::ensure!(
            Store::exists(&database).await?,
            "{database}: there is no database yet; `fristd run` makes it, and `fristd record` or `fristd cycle imported` too"
        );
        self.store(charter).await
    }

    /// Opens the database, which must be there already, only to look.
    async fn store_to_look(&self, service: &Service) -> anyhow::Result<Store> {
        let database = database_of(service);
        anyhow::ensure!(Store::exists(&database).await?, "{database}: there is no database yet");
        Ok(Store::open_to_look(database).await?)
    }

    /// Opens the database, or makes it.
    async fn store(&self, charter: &Charter) -> anyhow::Result<Store> {
        Ok(Store::open(database_of(&charter.settings.service), Durability::Full, self.clock.now()).await?)
    }
}

/// Who acts, for the log: the person behind sudo, else the user.
fn actor() -> String {
    let variable =
        |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty() && !value.chars().any(char::is_control));
    variable("SUDO_USER").or_else(|| variable("USER")).unwrap_or_else(|| "unknown".to_owned())
}

/// A date on the command line.
fn date(text: &str) -> Result<NaiveDate, String> {
    text.parse().map_err(|_| "is no date; accepted: YYYY-MM-DD, like 2026-12-17".to_owned())
}

/// An instant on the command line: with an offset, or without one in the time zone of the settings.
#[derive(Clone, Copy, Debug)]
enum Moment {
    Instant(DateTime<Utc>),
    Local(NaiveDateTime),
}

impl Moment {
    fn parse(text: &str) -> Result<Self, String> {
        let local = |form| NaiveDateTime::parse_from_str(text, form).ok().map(Self::Local);
        let instant = DateTime::parse_from_rfc3339(text).ok().map(|instant| Self::Instant(instant.to_utc()));
        ["%Y-%m-%d %H:%M", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"].into_iter().find_map(local).or(instant).ok_or_else(|| {
            "is no date with a time; accepted: \"YYYY-MM-DD HH:MM\", or with an offset, like 2026-12-09T09:12:00+01:00".to_owned()
        })
    }

    fn in_zone(self, zone: chrono_tz::Tz) -> DateTime<Utc> {
        match self {
            Self::Instant(instant) => instant,
            Self::Local(local) => instant(zone, local),
        }
    }
}

/// Breaks a text into lines for a terminal, each after `indent`.
fn wrapped(text: &str, indent: &str) -> String {
    const WIDTH: usize = 100; // fits beside an editor and on a page
    let mut lines = vec![indent.to_owned()];
    for word in text.split_whitespace() {
        let length = |line: &String| line.chars().count();
        let is_full = |line: &String| length(line) + 1 + word.chars().count() > WIDTH && length(line) > indent.len();
        if lines.last().is_some_and(is_full) {
            lines.push(indent.to_owned());
        }
        if let Some(line) = lines.last_mut() {
            if line.len() > indent.len() {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines.join("\n")
}

/// `1 notice`, `2 notices`.
fn counted(count: usize, one: &str) -> String {
    format!("{count} {one}{}", if count == 1 { "" } else { "s" })
}

/// Prints JSON on one or several lines.
fn print_json(value: &serde_json::Value) -> anyhow::Result<()> {
    print_line(&serde_json::to_string_pretty(value)?)
}

/// Prints a line; a reader that went away is not an error to talk about.
fn print_line(line: &str) -> anyhow::Result<()> {
    use std::io::Write;
    writeln!(std::io::stdout(), "{line}").context("the output cannot be written")
}

/// Whether a person looks on, for progress bars.
fn is_watched() -> bool {
    std::io::stderr().is_terminal()
}

fn in_one_breath(error: &anyhow::Error) -> String {
    // typed errors already carry their causes' words
    error.chain().map(ToString::to_string).fold(String::new(), |said, next| match said {
        said if said.is_empty() => next,
        said if said.contains(&next) => said,
        said => format!("{said}: {next}"),
    })
}

fn is_wrong_input(error: &anyhow::Error) -> bool {
    use crate::daemon::simulation::SimulationError;
    error.chain().any(|cause| {
        cause.is::<CharterError>()
            || cause.is::<Complaints>()
            || cause.is::<RequestError>()
            || matches!(cause.downcast_ref(), Some(RecordError::Request(_) | RecordError::Calendar(_)))
            || cause.is::<CalendarError>() // a date or month that no calendar covers
            || cause.is::<ScenarioErrors>()
            || cause.is::<WrongInput>()
            || matches!(
                cause.downcast_ref(),
                Some(
                    SimulationError::Request { .. }
                        | SimulationError::NotArranged { .. }
                        | SimulationError::Target { .. }
                        | SimulationError::NothingSent { .. }
                        | SimulationError::List { .. }
                        | SimulationError::Charter(_)
                )
            )
    })
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|cause| cause.kind() == std::io::ErrorKind::BrokenPipe)
    })
}

/// A value on the command line that does not fit: place, value, remedy.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct WrongInput(String);
