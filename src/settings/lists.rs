//! Reads authorities.csv and contacts.csv. Never decides who gets what; `domain` does.

use std::collections::{HashMap, HashSet};

use chrono::{Days, NaiveDate};

use super::complaint::{Report, Spot};
use super::csv_table::{self, Column, Row};
use super::offices::districts;
use super::source_text::SourceText;
use super::values::{self, NAME_LENGTH_MAX, quoted};
use crate::domain::roster::{AuthorityKind, InsteadOf, Owner};
use crate::domain::{Authority, Contact, District, Mailbox};

const fn required(name: &'static str) -> Column {
    Column { name, is_required: true }
}

const fn optional(name: &'static str) -> Column {
    Column { name, is_required: false }
}

const AUTHORITY_COLUMNS: [Column; 8] = [
    required("id"),
    required("name"),
    required("kind"),
    required("district"),
    required("ags"),
    optional("valid_from"),
    optional("valid_to"),
    optional("reported_by"),
];
const CONTACT_COLUMNS: [Column; 7] = [
    required("owner"),
    required("email"),
    optional("name"),
    optional("valid_from"),
    optional("valid_to"),
    optional("calendar"),
    optional("instead_of"),
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
    let mut places: Vec<&Spot> = Vec::new();
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
        let period = read_period(row);
        let reported_by = row.accept("reported_by", id_or_none);
        let (Some(id), Some(name), Some(kind)) = (id, name, kind) else { continue };
        let (Some(district), Some(ags), Some(period), Some(reported_by)) = (district, ags, period, reported_by) else {
            continue;
        };
        let Period { from: valid_from, to: valid_to, .. } = period;
        let reported_by = reported_by.map(Into::into);
        all.list.push(Authority { id: id.into(), name, kind, district, ags, valid_from, valid_to, reported_by });
        places.push(&row.spot);
    }
    for (authority, spot) in all.list.iter().zip(places) {
        check_reporter(authority, &all, spot);
    }
    if rows.is_empty() {
        let spot = Spot::of_file(report, &source.name);
        spot.complain("holds no authority; write one a line below the header");
    }
    Some(all)
}

/// Whoever reports for another must be in the list, and answer for itself from the first day on which it reports for it: else a
/// report would be owed by nobody, or be asked of one who has passed it on.
fn check_reporter(authority: &Authority, all: &Authorities, spot: &Spot) {
    let Some(reporter_id) = &authority.reported_by else { return };
    let spot = spot.within("reported_by");
    let named = quoted(reporter_id);
    if *reporter_id == authority.id {
        spot.complain(format!("{named} is the authority itself; leave it out, or name the one that reports for it"));
        return;
    }
    let Some(reporter) = all.list.iter().find(|other| other.id == *reporter_id) else {
        // one whose own line is refused is complained of there
        if !all.ids.contains_key(&**reporter_id) {
            spot.complain(format!("{named} is no authority of this list; accepted: an id of authorities.csv"));
        }
        return;
    };
    let first_day = authority.valid_to.map(|to| to + Days::new(1));
    if reporter.reported_by.as_ref() == Some(&authority.id) {
        spot.complain(format!("{named} names this one in turn; leave it out at the one that answers for itself"));
    } else if let Some(last) = &reporter.reported_by {
        spot.complain(format!("{named} is reported for by {} itself; name that one", quoted(last)));
    } else if let Some(to) = reporter.valid_to {
        spot.complain(format!("{named} ends itself on {to}; name the one that reports after that"));
    } else if let Some(from) = reporter.valid_from.filter(|from| first_day.is_none_or(|first| first < *from)) {
        let remedy = format!("write {} as valid_to, or correct the other's valid_from", from - Days::new(1));
        let first = first_day.map_or_else(|| "always".to_owned(), |first| format!("from {first} on"));
        spot.complain(format!("{named} would report {first} but is valid from {from} only; {remedy}"));
    }
    if let (Some(from), None) = (authority.valid_from, authority.valid_to) {
        let what = format!("{from} says nothing, since {named} always reports for it");
        spot.complain(format!("valid_from {what}; write valid_to, or leave valid_from out"));
    }
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
    let mut places: HashMap<(String, Mailbox, Option<InsteadOf>), Vec<Period>> = HashMap::new();
    let mut districts: HashMap<Mailbox, District> = HashMap::new();
    let mut deputies: Vec<(usize, &Row)> = Vec::new();
    for row in &rows {
        let owner = row.accept("owner", |id| owners.find(id));
        let mailbox = row.accept("email", |text| match text {
            "" => Err("is empty; write a mail address".to_owned()),
            text => values::mailbox(text),
        });
        let name = row.accept("name", |text| values::line(text, NAME_LENGTH_MAX));
        let period = read_period(row);
        let calendar = row.accept("calendar", yes_or_no);
        let instead_of = row.accept("instead_of", instead_of);
        let (Some(period), Some(mailbox), Some(instead_of)) = (period, mailbox, instead_of) else { continue };
        let Period { from: valid_from, to: valid_to, .. } = period;
        let key = (row.cell("owner").to_owned(), mailbox.clone(), instead_of.clone());
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
            if instead_of.is_some() {
                deputies.push((contacts.len(), row));
            }
            contacts.push(Contact { owner, mailbox, name, valid_from, valid_to, calendar, instead_of });
        }
    }
    for (index, row) in deputies {
        check_deputy(&contacts[index], &contacts, row);
    }
    Some(contacts)
}

/// A deputy stands in for mailboxes of its own owner, and for none that is a deputy itself then, so that who gets what can be
/// seen in one line.
fn check_deputy(deputy: &Contact, contacts: &[Contact], row: &Row) {
    let spot = row.spot_of("instead_of");
    let own = || contacts.iter().filter(|other| other.owner == deputy.owner);
    if let Some(InsteadOf::Mailbox(replaced)) = &deputy.instead_of {
        let named = quoted(replaced.as_str());
        let others: Vec<&str> = own()
            .filter(|other| other.mailbox != deputy.mailbox && other.instead_of.is_none())
            .map(|other| other.mailbox.as_str())
            .collect();
        let accepted = if others.is_empty() { "it has none other".to_owned() } else { others.join(", ") };
        if *replaced == deputy.mailbox {
            spot.complain(format!("{named} is this mailbox itself; accepted: * or another of its owner ({accepted})"));
        } else if !own().any(|other| other.mailbox == *replaced) {
            spot.complain(format!("{named} is no mailbox of this owner; accepted: * or one of its own ({accepted})"));
        } else if own().any(|other| other.mailbox == *replaced && other.instead_of.is_some() && overlap(other, deputy))
        {
            spot.complain(format!("{named} is a deputy itself then; name the mailbox for which both stand in"));
        }
    }
    if deputy.valid_to.is_none() {
        let whom = match &deputy.instead_of {
            Some(InsteadOf::Mailbox(replaced)) => format!("mailbox {}", quoted(replaced.as_str())),
            _ => "its owner's other mailboxes".to_owned(),
        };
        spot.warn(format!("has no valid_to: {whom} will get nothing until one is written"));
    }
}

fn overlap(one: &Contact, two: &Contact) -> bool {
    let period = |contact: &Contact| Period { from: contact.valid_from, to: contact.valid_to, line: None };
    period(one).overlaps(&period(two))
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

/// The period of a row; `None` after a complaint.
fn read_period(row: &Row) -> Option<Period> {
    let [from, to] = ["valid_from", "valid_to"].map(|column| row.accept(column, date_or_none));
    let period = Period { from: from?, to: to?, line: row.spot.line };
    if let (Some(from), Some(to)) = (period.from, period.to)
        && to < from
    {
        row.spot_of("valid_to").complain(format!("{to} is before valid_from, {from}; exchange them, or correct one"));
        return None;
    }
    Some(period)
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

fn id_or_none(text: &str) -> Result<Option<&str>, String> {
    if text.is_empty() { Ok(None) } else { values::id(text).map(Some) }
}

/// For whom a deputy stands in: a mailbox, or `*`.
fn instead_of(text: &str) -> Result<Option<InsteadOf>, String> {
    match text {
        "" => Ok(None),
        "*" => Ok(Some(InsteadOf::All)),
        text => values::mailbox(text).map(|mailbox| Some(InsteadOf::Mailbox(mailbox))),
    }
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
