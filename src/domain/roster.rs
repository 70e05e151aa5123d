//! Authorities, offices and their mailboxes. Never knows who has reported; `standing` does.

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::sync::Arc;

use chrono::NaiveDate;

/// Names an authority, for example `abh-05111-duesseldorf`.
pub type AuthorityId = Arc<str>;
/// Names an office, for example `rrk-koeln`.
pub type OfficeId = Arc<str>;

/// A Regierungsbezirk, followed up by its RRK.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum District {
    /// Arnsberg.
    Arnsberg,
    /// Detmold.
    Detmold,
    /// Düsseldorf.
    Duesseldorf,
    /// Köln.
    Koeln,
    /// Münster.
    Muenster,
}

impl District {
    /// All five, in the order of the alphabet.
    pub const ALL: [Self; 5] = [Self::Arnsberg, Self::Detmold, Self::Duesseldorf, Self::Koeln, Self::Muenster];

    /// The word in files and JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Arnsberg => "arnsberg",
            Self::Detmold => "detmold",
            Self::Duesseldorf => "duesseldorf",
            Self::Koeln => "koeln",
            Self::Muenster => "muenster",
        }
    }

    /// The name in letters.
    pub fn in_words(self) -> &'static str {
        match self {
            Self::Arnsberg => "Arnsberg",
            Self::Detmold => "Detmold",
            Self::Duesseldorf => "Düsseldorf",
            Self::Koeln => "Köln",
            Self::Muenster => "Münster",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|district| district.as_str() == word)
    }
}

/// A lower or a central authority.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum AuthorityKind {
    /// A lower authority (Ausländerbehörde).
    Abh,
    /// A central authority (Zentrale Ausländerbehörde).
    Zab,
}

/// One who must report.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Authority {
    /// Its key.
    pub id: AuthorityId,
    /// Its name in letters.
    pub name: String,
    /// Lower or central.
    pub kind: AuthorityKind,
    /// Whose RRK follows it up.
    pub district: District,
    /// The Amtlicher Gemeindeschlüssel; text, and no key.
    pub ags: String,
}

/// A coordinating office.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Office {
    /// Its key.
    pub id: OfficeId,
    /// Its name in letters.
    pub name: String,
    /// What it coordinates.
    pub kind: OfficeKind,
}

/// What an office coordinates.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OfficeKind {
    /// The regional office of a district.
    Rrk(District),
    /// The state's office, which runs fristd.
    Zrk,
    /// Gets copies.
    Copy,
}

/// Whose mailbox a contact is.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum Owner {
    /// An authority's.
    Authority(AuthorityId),
    /// An office's.
    Office(OfficeId),
}

/// A mail address in ASCII and lower case, so that one mailbox has one spelling (N4).
///
/// ```
/// use fristd::domain::Mailbox;
/// assert_eq!(Mailbox::parse("Rueckkehr@ABH-Essen.example").unwrap().as_str(), "rueckkehr@abh-essen.example");
/// assert!(Mailbox::parse("two@at@signs.example").is_err());
/// ```
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub struct Mailbox(Arc<str>);

/// Why a text is not a mail address.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct MailboxError {
    value: String,
    why: &'static str,
}

impl fmt::Display for MailboxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} is not a mail address: {}; accepted: name@domain.tld", self.value, self.why)
    }
}

impl std::error::Error for MailboxError {}

impl Mailbox {
    /// Reads an address of the form `local@domain`: a dot-atom and a host name (RFC 5321), in ASCII.
    pub fn parse(text: &str) -> Result<Self, MailboxError> {
        const LENGTH_MAX: usize = 254; // RFC 5321, 4.5.3.1.3, less the angle brackets
        const LOCAL_LENGTH_MAX: usize = 64; // RFC 5321, 4.5.3.1.1
        const LABEL_LENGTH_MAX: usize = 63; // RFC 1035, 2.3.4
        let error = |why| Err(MailboxError { value: text.chars().take(80).collect(), why });
        if text.len() > LENGTH_MAX {
            return error("it is longer than 254 characters");
        }
        let Some((local, domain)) = text.rsplit_once('@') else { return error("it has no @") };
        let is_atom = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
        if local.is_empty() || local.len() > LOCAL_LENGTH_MAX {
            return error("the part before @ has no or more than 64 characters");
        }
        if !local.split('.').all(|atom| !atom.is_empty() && atom.bytes().all(is_atom)) {
            return error("the part before @ has a character or a dot that is not allowed there");
        }
        let is_label = |label: &str| {
            (1..=LABEL_LENGTH_MAX).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        if domain != "localhost" && !domain.contains('.') {
            return error("the domain has no dot");
        }
        if !domain.split('.').all(is_label) {
            return error("the domain is no host name");
        }
        Ok(Self(text.to_ascii_lowercase().into()))
    }

    /// The address.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A mailbox of an authority or office, with its validity period.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Contact {
    /// Whose it is.
    pub owner: Owner,
    /// Its address.
    pub mailbox: Mailbox,
    /// The name shown beside the address; may be empty.
    pub name: String,
    /// First day on which it gets mail.
    pub valid_from: Option<NaiveDate>,
    /// Last day on which it gets mail.
    pub valid_to: Option<NaiveDate>,
    /// Whether it wants a calendar entry (M4).
    pub calendar: bool,
}

impl Contact {
    /// Whether it gets mail on that day.
    pub fn is_valid_on(&self, day: NaiveDate) -> bool {
        self.valid_from.is_none_or(|from| from <= day) && self.valid_to.is_none_or(|to| day <= to)
    }
}

/// All authorities, offices and contacts.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    authorities: Vec<Authority>,
    offices: Vec<Office>,
    contacts: Vec<Contact>,
    authority_index: HashMap<AuthorityId, usize>,
    contacts_of: HashMap<Owner, Vec<usize>>,
    contacts_at: HashMap<Mailbox, Vec<usize>>,
}

impl Roster {
    /// Indexes checked lists; `settings` has found their owners and refused doubles.
    pub fn new(authorities: Vec<Authority>, offices: Vec<Office>, contacts: Vec<Contact>) -> Self {
        let authority_index =
            authorities.iter().enumerate().map(|(index, authority)| (authority.id.clone(), index)).collect();
        let mut contacts_of: HashMap<Owner, Vec<usize>> = HashMap::new();
        let mut contacts_at: HashMap<Mailbox, Vec<usize>> = HashMap::new();
        for (index, contact) in contacts.iter().enumerate() {
            contacts_of.entry(contact.owner.clone()).or_default().push(index);
            contacts_at.entry(contact.mailbox.clone()).or_default().push(index);
        }
        Self { authorities, offices, contacts, authority_index, contacts_of, contacts_at }
    }

    /// All authorities, in the order of the file.
    pub fn authorities(&self) -> &[Authority] {
        &self.authorities
    }

    /// All offices, in the order of the file.
    pub fn offices(&self) -> &[Office] {
        &self.offices
    }

    /// All contacts, in the order of the file.
    pub fn contacts(&self) -> &[Contact] {
        &self.contacts
    }

    /// The authority of that id.
    pub fn authority(&self, id: &str) -> Option<&Authority> {
        self.authority_index.get(id).map(|index| &self.authorities[*index])
    }

    /// The office of that id.
    pub fn office(&self, id: &str) -> Option<&Office> {
        self.offices.iter().find(|office| &*office.id == id)
    }

    /// The contacts of an owner that get mail on that day.
    pub fn contacts_of<'a>(&'a self, owner: &Owner, day: NaiveDate) -> impl Iterator<Item = &'a Contact> {
        self.pick(self.contacts_of.get(owner), day)
    }

    /// The contacts at a mailbox that get mail on that day: one an owner that it serves.
    pub fn contacts_at<'a>(&'a self, mailbox: &Mailbox, day: NaiveDate) -> impl Iterator<Item = &'a Contact> {
        self.pick(self.contacts_at.get(mailbox), day)
    }

    /// The ZRK's offices (one, as a rule).
    pub fn zrk(&self) -> impl Iterator<Item = &Office> {
        self.offices.iter().filter(|office| office.kind == OfficeKind::Zrk)
    }

    /// The RRK with their districts.
    pub fn rrk(&self) -> impl Iterator<Item = (&Office, District)> {
        self.offices.iter().filter_map(|office| match office.kind {
            OfficeKind::Rrk(district) => Some((office, district)),
            _ => None,
        })
    }

    /// How many authorities each district has.
    pub fn count_by_district(&self) -> BTreeMap<District, usize> {
        let mut counts = BTreeMap::new();
        for authority in &self.authorities {
            *counts.entry(authority.district).or_default() += 1;
        }
        counts
    }

    fn pick<'a>(&'a self, indices: Option<&'a Vec<usize>>, day: NaiveDate) -> impl Iterator<Item = &'a Contact> {
        indices
            .into_iter()
            .flatten()
            .map(|index| &self.contacts[*index])
            .filter(move |contact| contact.is_valid_on(day))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_plain_ascii_address_is_a_mailbox() {
        let check = |text: &str, good: bool| assert_eq!(Mailbox::parse(text).is_ok(), good, "{text:?}");
        check("frist@abh-essen.example", true);
        check("a.b+c@x.y.example", true);
        check("root@localhost", true);
        check("", false);
        check("@essen.example", false);
        check("frist@", false);
        check("frist@essen", false);
        check("fri st@essen.example", false);
        check("frist@essen..example", false);
        check(".frist@essen.example", false);
        check("frist@-essen.example", false);
        check("frist@essen.example\r\nBcc: x@y.example", false);
        check("früst@essen.example", false);
        check("Frist <frist@essen.example>", false);
        check(&format!("{}@essen.example", "a".repeat(65)), false);
    }

    #[test]
    fn a_contact_gets_mail_on_its_first_and_its_last_day_and_not_outside() {
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let contact = Contact {
            owner: Owner::Office("zrk".into()),
            mailbox: Mailbox::parse("zrk@zrk.example").unwrap(),
            name: String::new(),
            valid_from: Some(day("2026-12-01")),
            valid_to: Some(day("2026-12-31")),
            calendar: false,
        };
        let check = |text: &str, valid: bool| assert_eq!(contact.is_valid_on(day(text)), valid, "{text}");
        check("2026-11-30", false);
        check("2026-12-01", true);
        check("2026-12-31", true);
        check("2027-01-01", false);
    }
}
