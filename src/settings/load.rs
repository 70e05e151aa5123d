//! Reads all files, gathers all complaints, and puts the values together. Never returns half of them.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::calendars::Calendars;
use super::complaint::{Complaint, Complaints, Report, Spot};
use super::cycles::{self, CyclesFile};
use super::entries;
use super::layers::Layers;
use super::lists::{self, Authorities, Owners};
use super::offices::Offices;
use super::reader::parse;
use super::service::{self, Rest, Service};
use super::source_text::{Folder, SourceText};
use super::values::quoted;
use crate::domain::list::IntakeRules;
use crate::domain::roster::{OfficeKind, Owner};
use crate::domain::{Calendar, Contact, Roster, Rulebook};

const FILE_NAME: &str = "fristd.toml";

/// Where settings are.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Source {
    /// A `fristd.toml`, which must exist; other paths are relative to its folder.
    File(PathBuf),
    /// A folder; without a `fristd.toml` in it the embedded defaults hold.
    Folder(PathBuf),
}

/// Everything that the files say, checked.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The rules.
    pub rulebook: Rulebook,
    /// Who reports, who coordinates, and their mailboxes.
    pub roster: Roster,
    /// How lists of receipts are read.
    pub intake: IntakeRules,
    /// How the service runs.
    pub service: Service,
    /// Every calendar that settings may name, shipped or a site's own.
    pub calendars: BTreeMap<String, Arc<Calendar>>,
    /// What is accepted and yet doubtful.
    pub warnings: Vec<Complaint>,
    /// Every file and folder that was read, to be watched for changes.
    pub files: Vec<PathBuf>,
}

/// Reads settings and the process's environment.
///
/// # Errors
/// All complaints about all files.
pub fn load(source: &Source) -> Result<Settings, Complaints> {
    load_with(source, std::env::vars_os())
}

/// Reads settings with the given environment: `FRISTD__MAIL__HOST` sets `host` in `[mail]`.
///
/// # Errors
/// All complaints about all files.
pub fn load_with(
    source: &Source,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Settings, Complaints> {
    let report = Report::default();
    let gathered = gather(source, environment, &report);
    let warnings = report.finish()?;
    let Gathered { rulebook, roster, intake, service, calendars, files } = gathered.ok_or_else(forgotten)?;
    Ok(Settings { rulebook, roster, intake, service, calendars, warnings, files })
}

/// Reads fristd.toml alone: for a command that must work while the other files are being edited.
///
/// # Errors
/// All complaints about fristd.toml.
pub fn load_service(source: &Source) -> Result<Service, Complaints> {
    let report = Report::default();
    let MainFile { mut folder, name, text, is_broken } = MainFile::read(source, &report);
    let layers = MainFile::layers(text.as_ref(), &name, is_broken, std::env::vars_os(), &report);
    let service = service::read(&layers, &mut folder, &report);
    report.finish()?;
    service.ok_or_else(forgotten)
}

/// Every `None` in what was gathered comes with a complaint; should one be forgotten, it is said here.
fn forgotten() -> Complaints {
    let message = "some settings could not be read and nothing said why; please report this with your files";
    Complaints(vec![Complaint { file: FILE_NAME.into(), line: None, place: String::new(), message: message.into() }])
}

struct Gathered {
    rulebook: Rulebook,
    roster: Roster,
    intake: IntakeRules,
    service: Service,
    calendars: BTreeMap<String, Arc<Calendar>>,
    files: Vec<PathBuf>,
}

/// fristd.toml, if it is there or must be.
struct MainFile {
    folder: Folder,
    name: String,
    text: Option<SourceText>,
    is_broken: bool,
}

impl MainFile {
    fn read(source: &Source, report: &Report) -> Self {
        let (mut folder, path, must_exist) = match source {
            Source::File(path) => (Folder::new(path.parent().unwrap_or(Path::new("")).to_owned()), path.clone(), true),
            Source::Folder(path) => (Folder::new(path.clone()), path.join(FILE_NAME), false),
        };
        let name = folder.name_of(&path);
        let remedy = "name another file with --config, or write a set of files with: fristd init DIR";
        let is_there = must_exist || path.exists();
        let text = is_there.then(|| folder.read(&path, remedy, report)).flatten();
        Self { folder, name, is_broken: is_there && text.is_none(), text }
    }

    /// What it says, with what the environment overrides.
    fn layers<'a>(
        text: Option<&'a SourceText>,
        name: &'a str,
        is_broken: bool,
        environment: impl IntoIterator<Item = (OsString, OsString)>,
        report: &'a Report,
    ) -> Layers<'a> {
        let mut layers = Layers::load(text, name, environment, report);
        layers.is_file_broken |= is_broken;
        layers
    }
}

fn gather(
    source: &Source,
    environment: impl IntoIterator<Item = (OsString, OsString)>,
    report: &Report,
) -> Option<Gathered> {
    let MainFile { mut folder, name, text, is_broken } = MainFile::read(source, report);
    let layers = MainFile::layers(text.as_ref(), &name, is_broken, environment, report);
    let rest = service::read_rest(&layers, &folder);
    let service = service::read(&layers, &mut folder, report);

    let mut read = |path: &Option<PathBuf>, key| {
        let path = path.as_ref()?;
        // fristd.toml may name another path in what could not be read
        let is_guessed = layers.is_file_broken && !layers.is_set(key);
        let remedy = format!("correct {key:?} in {name}, or write a set of files with: fristd init DIR");
        if is_guessed && !path.exists() { None } else { folder.read(path, &remedy, report) }
    };
    let cycles = read(&rest.cycles, "cycles");
    let authorities = read(&rest.authorities, "authorities");
    let contacts = read(&rest.contacts, "contacts");
    let calendars = Calendars::load(&mut folder, rest.calendars.as_deref(), !layers.is_set("calendars"), report);

    let table = cycles.as_ref().and_then(|source| parse(source, report));
    let cycles = cycles
        .as_ref()
        .zip(table.as_ref())
        .map(|(source, table)| cycles::read(source, table.get_ref(), &calendars, report));
    let authorities = authorities.as_ref().and_then(|source| lists::read_authorities(source, report));
    if let (Some(cycles), Some(authorities)) = (&cycles, &authorities) {
        check_ids_differ(&cycles.offices, authorities);
    }
    let owners = Owners {
        authorities: authorities.as_ref().map(|authorities| &authorities.ids),
        offices: cycles.as_ref().map(|cycles| &*cycles.offices.ids),
        districts: cycles.as_ref().map(|cycles| cycles.offices.districts()).unwrap_or_default(),
    };
    let contacts = contacts.as_ref().and_then(|source| Some((source, lists::read_contacts(source, &owners, report)?)));
    let rulebook = cycles.as_ref().and_then(|cycles| rulebook(cycles, &rest));
    if let (Some(rulebook), Some(cycles)) = (&rulebook, &cycles) {
        entries::judge(&cycles.entries, rulebook);
    }
    let (cycles, authorities, (contacts_file, contacts)) = (cycles?, authorities?, contacts?);
    warn_of_silence(&cycles.offices, &authorities, &contacts, contacts_file, report);
    let intake = cycles.intake;
    let offices = cycles.offices.placed.into_iter().map(|placed| placed.office).collect();
    let roster = Roster::new(authorities.list, offices, contacts);
    let calendars = calendars.into_map();
    Some(Gathered { rulebook: rulebook?, roster, intake: intake?, service: service?, calendars, files: folder.files })
}

/// An id must say whose mailbox a contact is.
fn check_ids_differ(offices: &Offices, authorities: &Authorities) {
    for placed in &offices.placed {
        let id = &*placed.office.id;
        if let Some(line) = authorities.ids.get(id) {
            let line = line.map(|line| format!(", line {line}")).unwrap_or_default();
            placed
                .spot
                .complain(format!("the id {} is an authority's (authorities.csv{line}); ids must differ", quoted(id)));
        }
    }
}

/// `None` after a complaint.
fn rulebook(cycles: &CyclesFile, rest: &Rest) -> Option<Rulebook> {
    Some(Rulebook {
        zone: rest.zone?,
        calendar: cycles.calendar.clone()?,
        sending: cycles.sending?,
        import: cycles.import?,
        announce: cycles.announce?,
        duties: cycles.duties.duties.clone(),
        entries: cycles.entries.by_month.clone(),
        first_cycle: cycles.first_cycle,
        notices_a_tick_max: rest.notices_a_tick_max?,
        letterhead: cycles.letterhead.clone()?,
    })
}

/// Warns of those whom no mail can reach, and of districts that nobody follows up.
fn warn_of_silence(
    offices: &Offices,
    authorities: &Authorities,
    contacts: &[Contact],
    contacts_file: &SourceText,
    report: &Report,
) {
    let file = Spot::of_file(report, &contacts_file.name);
    // one for which another always reports gets nothing anyway
    let answering = authorities.list.iter().filter(|one| one.reported_by.is_none() || one.valid_to.is_some());
    let of_authorities = answering.map(|authority| (Owner::Authority(authority.id.clone()), &*authority.id));
    for id in lists::without_contact(of_authorities, contacts) {
        file.within(format_args!("authority {}", quoted(id)))
            .warn("has no contact and gets no mail; add a line with this owner");
    }
    let coordinating =
        offices.placed.iter().map(|placed| &placed.office).filter(|office| office.kind != OfficeKind::Copy);
    let of_offices = coordinating.map(|office| (Owner::Office(office.id.clone()), &*office.id));
    for id in lists::without_contact(of_offices, contacts) {
        file.within(format_args!("office {}", quoted(id)))
            .warn("has no contact and gets no mail; add a line with this owner");
    }
}
