//! What differs between two rosters: who comes, who goes, what changes, in words. Never says what follows; `plan` does.

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::hash::Hash;

use chrono::NaiveDate;

use super::dates::date_in_words;
use super::roster::{
    Authority, AuthorityId, AuthorityKind, Contact, InsteadOf, Mailbox, Office, OfficeId, OfficeKind, Owner, Roster,
};

/// One difference.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Change {
    /// What happens.
    pub turn: Turn,
    /// To whom.
    pub subject: Subject,
    /// What it is like now, and for a change what it was like before; may hold addresses.
    pub details: Vec<String>,
}

/// What happens to a line of the roster.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum Turn {
    /// It was not there before.
    Comes,
    /// It is not there any more.
    Goes,
    /// It is another than before.
    Changes,
}

impl Turn {
    /// All three.
    pub const ALL: [Self; 3] = [Self::Comes, Self::Goes, Self::Changes];

    /// The word in output and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Comes => "comes",
            Self::Goes => "goes",
            Self::Changes => "changes",
        }
    }
}

/// Whom a difference is about.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Subject {
    /// An authority.
    Authority {
        /// Its key.
        id: AuthorityId,
        /// Its name now, or the one that it had.
        name: String,
    },
    /// An office.
    Office {
        /// Its key.
        id: OfficeId,
        /// Its name now, or the one that it had.
        name: String,
    },
    /// A mailbox of an authority or office.
    Mailbox {
        /// Whose.
        owner: Owner,
        /// Its address.
        mailbox: Mailbox,
    },
}

impl Subject {
    /// The word in output and JSON.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Authority { .. } => "authority",
            Self::Office { .. } => "office",
            Self::Mailbox { .. } => "mailbox",
        }
    }

    /// The authority's or office's id; of a mailbox its owner's.
    pub fn id(&self) -> &str {
        match self {
            Self::Authority { id, .. } | Self::Office { id, .. } => id,
            Self::Mailbox { owner: Owner::Authority(id) | Owner::Office(id), .. } => id,
        }
    }
}

impl Change {
    /// The difference without an address and without a person's name, for the log.
    pub fn without_address(&self) -> String {
        match &self.subject {
            Subject::Mailbox { .. } => format!("a mailbox of {} {}", self.subject.id(), self.turn.as_str()),
            _ => self.to_string(),
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.subject {
            Subject::Authority { id, name } => write!(f, "authority {}: {name} [{id}]", self.turn.as_str())?,
            Subject::Office { id, name } => write!(f, "office {}: {name} [{id}]", self.turn.as_str())?,
            Subject::Mailbox { mailbox, .. } => {
                write!(f, "mailbox {}: {mailbox} of {}", self.turn.as_str(), self.subject.id())?;
            }
        }
        self.details.iter().try_for_each(|detail| write!(f, "; {detail}"))
    }
}

/// What differs: authorities first, then offices, then mailboxes, each in the order of the new files, with those that go at
/// the end.
///
/// ```
/// use fristd::domain::roster::{Office, OfficeKind, Roster};
/// let office = Office { id: "zfa".into(), name: "ZFA".into(), kind: OfficeKind::Copy };
/// let (old, new) = (Roster::default(), Roster::new(vec![], vec![office], vec![]));
/// let words: Vec<String> =
///     fristd::domain::roster_diff::difference(&old, &new).iter().map(ToString::to_string).collect();
/// assert_eq!(words, ["office comes: ZFA [zfa]; gets copies"]);
/// ```
pub fn difference(old: &Roster, new: &Roster) -> Vec<Change> {
    let authority = |one: &Authority| Subject::Authority { id: one.id.clone(), name: one.name.clone() };
    let office = |one: &Office| Subject::Office { id: one.id.clone(), name: one.name.clone() };
    let mut changes = compare(
        old.authorities(),
        new.authorities(),
        |one| one.id.clone(),
        |list| authority(list[0]),
        |list| authority_facts(list[0]),
    );
    changes.extend(compare(
        old.offices(),
        new.offices(),
        |one| one.id.clone(),
        |list| office(list[0]),
        |list| vec![("name", list[0].name.clone()), ("", office_kind_in_words(list[0].kind))],
    ));
    let of_contact = |one: &Contact| (one.owner.clone(), one.mailbox.clone());
    let mailbox =
        |list: &[&Contact]| Subject::Mailbox { owner: list[0].owner.clone(), mailbox: list[0].mailbox.clone() };
    changes.extend(compare(old.contacts(), new.contacts(), of_contact, mailbox, |list| {
        vec![("", list.iter().map(|row| contact_in_words(row)).collect::<Vec<_>>().join(", and "))]
    }));
    changes
}

/// A fact about one line of the roster: what it is called (empty if its words say so) and its words (empty if there is none).
type Fact = (&'static str, String);

/// Compares what two lists say under the same key.
fn compare<T, K: Eq + Hash>(
    old: &[T],
    new: &[T],
    key: impl Fn(&T) -> K,
    subject: impl Fn(&[&T]) -> Subject,
    facts: impl Fn(&[&T]) -> Vec<Fact>,
) -> Vec<Change> {
    let group = |list: &[T]| {
        let mut order = Vec::new();
        let mut lines: HashMap<K, Vec<usize>> = HashMap::new();
        for (index, line) in list.iter().enumerate() {
            let of_key = lines.entry(key(line)).or_default();
            if of_key.is_empty() {
                order.push(index);
            }
            of_key.push(index);
        }
        (order, lines)
    };
    let ((old_order, old_lines), (new_order, new_lines)) = (group(old), group(new));
    let mut changes = Vec::new();
    for index in new_order {
        let now = pick(new, &new_lines[&key(&new[index])]);
        let Some(before) = old_lines.get(&key(&new[index])).map(|indices| pick(old, indices)) else {
            let details = facts(&now).into_iter().filter(|(name, words)| *name != "name" && !words.is_empty());
            let details = details.map(|(name, words)| labelled(name, &words)).collect();
            changes.push(Change { turn: Turn::Comes, subject: subject(&now), details });
            continue;
        };
        let differing = facts(&now).into_iter().zip(facts(&before)).filter(|(now, before)| now != before);
        let or_none = |words: String| if words.is_empty() { "none".to_owned() } else { words };
        let details: Vec<String> = differing
            .map(|((name, now), (_, before))| format!("{}, was {}", labelled(name, &or_none(now)), or_none(before)))
            .collect();
        if !details.is_empty() {
            changes.push(Change { turn: Turn::Changes, subject: subject(&now), details });
        }
    }
    for index in old_order.into_iter().filter(|index| !new_lines.contains_key(&key(&old[*index]))) {
        let before = pick(old, &old_lines[&key(&old[index])]);
        changes.push(Change { turn: Turn::Goes, subject: subject(&before), details: Vec::new() });
    }
    changes
}

fn pick<'a, T>(list: &'a [T], indices: &[usize]) -> Vec<&'a T> {
    indices.iter().map(|index| &list[*index]).collect()
}

fn labelled(name: &str, words: &str) -> String {
    if name.is_empty() { words.to_owned() } else { format!("{name} {words}") }
}

fn authority_facts(one: &Authority) -> Vec<Fact> {
    let date = |date: Option<NaiveDate>| date.map(date_in_words).unwrap_or_default();
    let kind = match one.kind {
        AuthorityKind::Abh => "abh",
        AuthorityKind::Zab => "zab",
    };
    vec![
        ("name", one.name.clone()),
        ("kind", kind.to_owned()),
        ("district", one.district.as_str().to_owned()),
        ("ags", one.ags.clone()),
        ("valid from", date(one.valid_from)),
        ("valid to", date(one.valid_to)),
        ("reported by", one.reported_by.as_deref().unwrap_or_default().to_owned()),
    ]
}

fn office_kind_in_words(kind: OfficeKind) -> String {
    match kind {
        OfficeKind::Rrk(district) => format!("RRK of {}", district.as_str()),
        OfficeKind::Zrk => "ZRK".to_owned(),
        OfficeKind::Copy => "gets copies".to_owned(),
    }
}

/// `"Rückkehr" from 7. Dezember 2026 to 27. Dezember 2026 instead of a@x.example, with calendar entry`.
fn contact_in_words(row: &Contact) -> String {
    let mut words = Vec::new();
    if !row.name.is_empty() {
        words.push(format!("{:?}", row.name));
    }
    words.push(match (row.valid_from, row.valid_to) {
        (None, None) => "always valid".to_owned(),
        (Some(from), None) => format!("from {}", date_in_words(from)),
        (None, Some(to)) => format!("to {}", date_in_words(to)),
        (Some(from), Some(to)) => format!("from {} to {}", date_in_words(from), date_in_words(to)),
    });
    words.extend(row.instead_of.as_ref().map(|instead_of| match instead_of {
        InsteadOf::All => "instead of all others of its owner".to_owned(),
        InsteadOf::Mailbox(mailbox) => format!("instead of {mailbox}"),
    }));
    words.extend(row.calendar.then(|| "with a calendar entry".to_owned()));
    words.join(" ")
}

/// How many of a kind come, go and change, and whose they are: without names and addresses.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Tally<'a> {
    /// How many come, go and change, in the order of [`Turn::ALL`].
    pub counts: [usize; 3],
    /// The ids of authorities or offices, of mailboxes their owners', each once.
    pub ids: Vec<&'a str>,
}

/// The differences about one kind of subject, counted.
pub fn tally<'a>(changes: &'a [Change], subject: &str) -> Tally<'a> {
    let mut tally = Tally::default();
    let mut seen = HashSet::new();
    for change in changes.iter().filter(|change| change.subject.as_str() == subject) {
        tally.counts[change.turn as usize] += 1;
        if seen.insert(change.subject.id()) {
            tally.ids.push(change.subject.id());
        }
    }
    tally
}

#[cfg(test)]
#[path = "roster_diff_tests.rs"]
mod tests;
