//! Reads authorities.csv and contacts.csv. Never decides who gets what; `domain` does.

use std::collections::{HashMap, HashSet};

use chrono::NaiveDate;

use super::complaint::Report;
use super::csv_table::{self, Column, Row};
use super::offices::districts;
use super::source_text::SourceText;
use super::values::{self, NAME_LENGTH_MAX, quoted};
use crate::domain::roster::{AuthorityKind, Owner};
use crate::domain::{Authority, Contact, District, Mailbox};

const fn required(name: &'static str) -> Column {
    Column { name, is_required: true }
}

const fn optional(name: &'static str) -> Column {
    Column { name, is_required: false }
}

const AUTHORITY_COLUMNS: [Column; 5] =
    [required("id"), required("name"), required("kind"), required("district"), required("ags")];
const CONTACT_COLUMNS: [Column; 6] = [
    required("owner"),
    required("email"),
    optional("name"),
    optional("valid_from"),
    optional("valid_to"),
    optional("calendar"),
];

/// The authorities, and the ids that contacts may name even if a row is broken otherwise.
pub(super) struct Authorities {
    pub(super) list: Vec<Authority>,
    /// Each id with its line.
    pub(super) ids: HashMap<String, Option<usize>>,
}

/// Reads authorities.csv; `None` if no line of it is understood.
pub(super) fn read_authorities(source: &SourceText, report: &Report) -> Option<Authorities> {
    let rows = csv_table::read(source, &AUTHORITY_COLUMNS, report)?;
    let mut all = Authorities { list: Vec::new(), ids: HashMap::new() };
    for row in &rows {
        let id = row.accept("id", values::id);
        if let Some(id) = id
            && let Some(first) = all.ids.insert(id.to_owned(), row.spot.line)
        {
            let first = first.map(|line| format!(" (line {line})")).unwrap_or_default();
            row.spot_of("id").complain(format!("{} stands there twice{first}; ids must differ", quoted(id)));
        }
        let name = row.accept("name", values::name);
        let kind = row.accept("kind", |text| word(text, &[("abh", AuthorityKind::Abh), ("zab", AuthorityKind::Zab)]));
        let district = row.accept("district", |text| word(text, &districts()));
        let ags = row.accept("ags", |text| values::line(text, NAME_LENGTH_MAX));
        if let (Some(id), Some(name), Some(kind), Some(district), Some(ags)) = (id, name, kind, district, ags) {
            all.list.push(Authority { id: id.into(), name, kind, district, ags });
        }
    }
    if rows.is_empty() {
        let spot = super::complaint::Spot::of_file(report, &source.name);
        spot.complain("holds no authority; write one a line below the header");
    }
    Some(all)
}

/// Who may own a contact; `None` stands for a list that could not be read, so that any id may be in it.
pub(super) struct Owners<'a> {
    pub(super) authorities: Option<&'a HashMap<String, Option<usize>>>,
    pub(super) offices: Option<&'a [&'a str]>,
    pub(super) districts: HashMap<&'a str, District>,
}

impl Owners<'_> {
    fn find(&self, id: &str) -> Result<Option<Owner>, String> {
        if self.authorities.is_some_and(|known| known.contains_key(id)) {
            return Ok(Some(Owner::Authority(id.into())));
        }
        if self.offices.is_some_and(|known| known.contains(&id)) {
            return Ok(Some(Owner::Office(id.into())));
        }
        let (Some(_), Some(offices)) = (self.authorities, self.offices) else { return Ok(None) };
        let accepted = format!("accepted: an id of authorities.csv, or an office's ({})", offices.join(", "));
        Err(if id.is_empty() {
            format!("is empty; {accepted}")
        } else {
            format!("unknown owner {}; {accepted}", quoted(id))
        })
    }
}

/// Reads contacts.csv.
pub(super) fn read_contacts(source: &SourceText, owners: &Owners, report: &Report) -> Option<Vec<Contact>> {
    let rows = csv_table::read(source, &CONTACT_COLUMNS, report)?;
    let mut contacts: Vec<Contact> = Vec::new();
    let mut places: HashMap<(String, Mailbox), Vec<Period>> = HashMap::new();
    let mut districts: HashMap<Mailbox, District> = HashMap::new();
    for row in &rows {
        let owner = row.accept("owner", |id| owners.find(id));
        let mailbox = row.accept("email", |text| match text {
            "" => Err("is empty; write a mail address".to_owned()),
            text => values::mailbox(text),
        });
        let name = row.accept("name", |text| values::line(text, NAME_LENGTH_MAX));
        let [valid_from, valid_to] = ["valid_from", "valid_to"].map(|column| row.accept(column, date_or_none));
        let calendar = row.accept("calendar", yes_or_no);
        let (Some(valid_from), Some(valid_to)) = (valid_from, valid_to) else { continue };
        let period = Period { from: valid_from, to: valid_to, line: row.spot.line };
        if !is_in_order(&period, row) {
            continue;
        }
        let Some(mailbox) = mailbox else { continue };
        let key = (row.cell("owner").to_owned(), mailbox.clone());
        let others = places.entry(key).or_default();
        if let Some(other) = others.iter().find(|other| other.overlaps(&period)) {
            let line = other.line.map(|line| format!(" in line {line}")).unwrap_or_default();
            let remedy = "remove one, or part their periods";
            row.spot.complain(format!(
                "owner and mailbox {} stand there already{line}; {remedy}",
                quoted(mailbox.as_str())
            ));
            continue;
        }
        if let Some(Some(Owner::Office(office))) = &owner
            && let Some(district) = owners.districts.get(&**office).copied()
        {
            // a report to one RRK never holds a word about another district (N7), and a mailbox gets one mail a step (N4)
            match districts.insert(mailbox.clone(), district) {
                Some(other) if other != district => {
                    let what = "serves the RRK of two districts; give each its own mailbox";
                    row.spot.complain(format!("mailbox {} {what}", quoted(mailbox.as_str())));
                    continue;
                }
                _ => {}
            }
        }
        others.push(period);
        if let (Some(Some(owner)), Some(name), Some(calendar)) = (owner, name, calendar) {
            contacts.push(Contact { owner, mailbox, name, valid_from, valid_to, calendar });
        }
    }
    Some(contacts)
}

/// The owners that have no contact at all.
pub(super) fn without_contact<'a>(
    owners: impl Iterator<Item = (Owner, &'a str)>,
    contacts: &[Contact],
) -> impl Iterator<Item = &'a str> {
    let reached: HashSet<&Owner> = contacts.iter().map(|contact| &contact.owner).collect();
    owners.filter_map(move |(owner, id)| (!reached.contains(&owner)).then_some(id))
}

struct Period {
    from: Option<NaiveDate>,
    to: Option<NaiveDate>,
    line: Option<usize>,
}

impl Period {
    fn overlaps(&self, other: &Self) -> bool {
        let starts_in_time = |one: &Self, two: &Self| one.from.is_none_or(|from| two.to.is_none_or(|to| from <= to));
        starts_in_time(self, other) && starts_in_time(other, self)
    }
}

fn is_in_order(period: &Period, row: &Row) -> bool {
    if let (Some(from), Some(to)) = (period.from, period.to)
        && to < from
    {
        row.spot_of("valid_to").complain(format!("{to} is before valid_from, {from}; exchange them, or correct one"));
        return false;
    }
    true
}

fn word<T: Copy>(text: &str, words: &[(&str, T)]) -> Result<T, String> {
    let known: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, meaning)| *meaning);
    let what = if text.is_empty() { "is empty".to_owned() } else { format!("unknown value {}", quoted(text)) };
    found.ok_or_else(|| format!("{what}; known: {}", known.join(", ")))
}

fn date_or_none(text: &str) -> Result<Option<NaiveDate>, String> {
    if text.is_empty() { Ok(None) } else { values::date(text).map(Some) }
}

fn yes_or_no(text: &str) -> Result<bool, String> {
    match text.to_lowercase().as_str() {
        "" | "no" | "nein" | "false" | "falsch" | "0" => Ok(false),
        "yes" | "ja" | "true" | "wahr" | "1" => Ok(true),
        _ => Err(format!(
            "{} is neither yes nor no; accepted: yes, ja, true, 1, or no, nein, false, 0, or nothing",
            quoted(text)
        )),
    }
}
