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

/// One who must report, as long as it is valid and no other reports for it.
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
    /// First day on which it answers for itself; none if it always did.
    pub valid_from: Option<NaiveDate>,
    /// Last day on which it answers for itself; none if no end is known.
    pub valid_to: Option<NaiveDate>,
    /// Who reports for it from the day after `valid_to` on, or always if there is none. Never one who is reported for.
    pub reported_by: Option<AuthorityId>,
}

impl Authority {
    /// Whether it owes the report of a deadline that ends on that day. Asked of a cycle with its `ends_on`, the answer is the
    /// same on every later day: who merges on 1 January still owes what was due in December.
    ///
    /// ```
    /// use chrono::NaiveDate;
    /// use fristd::domain::roster::{Authority, AuthorityKind, District};
    /// let day = |text: &str| text.parse::<NaiveDate>().unwrap();
    /// let siegen = Authority {
    ///     id: "abh-siegen".into(), name: "Stadt Siegen".into(), kind: AuthorityKind::Abh, district: District::Arnsberg,
    ///     ags: "05970040".into(), valid_from: None, valid_to: Some(day("2026-12-31")), reported_by: Some("abh-kreis".into()),
    /// };
    /// assert!(siegen.owes_on(day("2026-12-31")) && !siegen.owes_on(day("2027-01-01")));
    /// ```
    pub fn owes_on(&self, day: NaiveDate) -> bool {
        let is_valid = self.valid_from.is_none_or(|from| from <= day) && self.valid_to.is_none_or(|to| day <= to);
        is_valid && !self.is_reported_on(day)
    }

    /// Whether the other one reports for it on that day.
    fn is_reported_on(&self, day: NaiveDate) -> bool {
        self.reported_by.is_some() && self.valid_to.is_none_or(|to| to < day)
    }
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
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
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

const REMOVED_DOMAIN: &str = "removed.invalid";

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

    /// What stands after the @.
    ///
    /// ```
    /// use fristd::domain::Mailbox;
    /// assert_eq!(Mailbox::parse("rueckkehr@abh-essen.example").unwrap().domain(), "abh-essen.example");
    /// ```
    pub fn domain(&self) -> &str {
        self.0.rsplit_once('@').map_or("", |(_, domain)| domain)
    }

    /// What stands in the place of a notice's mailbox that was taken away (M8): an address that cannot exist (RFC 2606).
    ///
    /// ```
    /// use fristd::domain::Mailbox;
    /// assert!(Mailbox::removed("9d1fdda3f09dc773").is_removed());
    /// assert!(!Mailbox::parse("removed-abc@abh-essen.example").unwrap().is_removed());
    /// ```
    pub fn removed(notice: &str) -> Self {
        Self(format!("removed-{notice}@{REMOVED_DOMAIN}").into())
    }

    /// Whether it stands in the place of one that was taken away.
    pub fn is_removed(&self) -> bool {
        self.domain() == REMOVED_DOMAIN
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
    /// For whom it stands in while it is valid, if it is a deputy: that one gets nothing as this owner meanwhile.
    pub instead_of: Option<InsteadOf>,
}

/// Whose mail a deputy gets.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub enum InsteadOf {
    /// That of one mailbox of the same owner.
    Mailbox(Mailbox),
    /// That of all mailboxes of the same owner.
    All,
}

impl Contact {
    /// Whether that day lies within its period. Whether it gets mail then, [`Roster::contacts_of`] says: a deputy may stand in
    /// for it.
    pub fn is_valid_on(&self, day: NaiveDate) -> bool {
        self.valid_from.is_none_or(|from| from <= day) && self.valid_to.is_none_or(|to| day <= to)
    }

    /// Whether this one is a deputy for a mailbox other than its own.
    pub fn stands_in_for(&self, mailbox: &Mailbox) -> bool {
        let is_meant = match &self.instead_of {
            None => false,
            Some(InsteadOf::All) => true,
            Some(InsteadOf::Mailbox(other)) => other == mailbox,
        };
        is_meant && self.mailbox != *mailbox
    }
}

/// All authorities, offices and contacts.
#[derive(Clone, Debug, Default)]
pub struct Roster {
    authorities: Vec<Authority>,
    offices: Vec<Office>,
    contacts: Vec<Contact>,
    authority_index: HashMap<AuthorityId, usize>,
    /// Whose reports an authority's may include.
    reported_by: HashMap<AuthorityId, Vec<usize>>,
    contacts_of: HashMap<Owner, Vec<usize>>,
    contacts_at: HashMap<Mailbox, Vec<usize>>,
}

impl Roster {
    /// Indexes checked lists; `settings` has found their owners and refused doubles.
    pub fn new(authorities: Vec<Authority>, offices: Vec<Office>, contacts: Vec<Contact>) -> Self {
        let authority_index =
            authorities.iter().enumerate().map(|(index, authority)| (authority.id.clone(), index)).collect();
        let mut reported_by: HashMap<AuthorityId, Vec<usize>> = HashMap::new();
        for (index, authority) in authorities.iter().enumerate() {
            authority.reported_by.iter().for_each(|by| reported_by.entry(by.clone()).or_default().push(index));
        }
        let mut contacts_of: HashMap<Owner, Vec<usize>> = HashMap::new();
        let mut contacts_at: HashMap<Mailbox, Vec<usize>> = HashMap::new();
        for (index, contact) in contacts.iter().enumerate() {
            contacts_of.entry(contact.owner.clone()).or_default().push(index);
            contacts_at.entry(contact.mailbox.clone()).or_default().push(index);
        }
        Self { authorities, offices, contacts, authority_index, reported_by, contacts_of, contacts_at }
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

    /// The authorities that owe the report of a deadline that ends on that day, in the order of the file.
    pub fn owing(&self, day: NaiveDate) -> impl Iterator<Item = &Authority> {
        self.authorities.iter().filter(move |authority| authority.owes_on(day))
    }

    /// Whether an authority is in the list and owes the report of a deadline that ends on that day.
    pub fn owes(&self, id: &str, day: NaiveDate) -> bool {
        self.authority(id).is_some_and(|authority| authority.owes_on(day))
    }

    /// Who reports for an authority on that day; none if it answers for itself, or nobody does.
    pub fn reporter_of(&self, id: &str, day: NaiveDate) -> Option<&Authority> {
        let authority = self.authority(id).filter(|authority| authority.is_reported_on(day))?;
        authority.reported_by.as_deref().and_then(|reporter| self.authority(reporter))
    }

    /// The authorities that an authority's report includes on that day, in the order of the file.
    pub fn reported_by<'a>(&'a self, reporter: &str, day: NaiveDate) -> impl Iterator<Item = &'a Authority> {
        let indices = self.reported_by.get(reporter).map_or(&[][..], Vec::as_slice);
        indices.iter().map(|index| &self.authorities[*index]).filter(move |other| other.is_reported_on(day))
    }

    /// The contacts of an owner that get mail on that day, one a mailbox: those that are valid and for which no deputy stands
    /// in. A deputy always gets mail, so that an owner with a valid contact is never without one.
    pub fn contacts_of<'a>(&'a self, owner: &Owner, day: NaiveDate) -> impl Iterator<Item = &'a Contact> {
        let indices = self.contacts_of.get(owner).map_or(&[][..], Vec::as_slice);
        indices
            .iter()
            .enumerate()
            .filter(move |(place, index)| {
                let contact = &self.contacts[**index];
                contact.is_valid_on(day)
                    && !self.is_same_mailbox_valid(&indices[..*place], contact, day)
                    && !self.is_replaced(indices, contact, day)
            })
            .map(|(_, index)| &self.contacts[*index])
    }

    /// The contacts at a mailbox that get mail on that day: one an owner that it serves.
    pub fn contacts_at<'a>(&'a self, mailbox: &Mailbox, day: NaiveDate) -> impl Iterator<Item = &'a Contact> {
        let indices = self.contacts_at.get(mailbox).map_or(&[][..], Vec::as_slice);
        indices
            .iter()
            .map(|index| &self.contacts[*index])
            .filter(move |contact| contact.is_valid_on(day))
            .filter(move |contact| self.contacts_of(&contact.owner, day).any(|kept| std::ptr::eq(kept, *contact)))
    }

    /// The contacts of an owner that get mail on that day in the place of one of its mailboxes: the mailbox itself; if deputies
    /// stand in for it, these; if it stood in itself and no longer does, those that it stood in for.
    pub fn in_place_of<'a>(&'a self, owner: &Owner, mailbox: &Mailbox, day: NaiveDate) -> Vec<&'a Contact> {
        let all = || self.contacts_of.get(owner).into_iter().flatten().map(|index| &self.contacts[*index]);
        let rows: Vec<&Contact> = all().filter(|contact| contact.mailbox == *mailbox).collect();
        let receiving: Vec<&Contact> = self.contacts_of(owner, day).collect();
        if let Some(itself) = receiving.iter().find(|contact| contact.mailbox == *mailbox) {
            return vec![*itself];
        }
        if rows.iter().any(|row| row.is_valid_on(day)) {
            return receiving.into_iter().filter(|contact| self.is_deputy_for(contact, mailbox, day)).collect();
        }
        let stood_in_for = |other: &Mailbox| rows.iter().any(|row| row.stands_in_for(other));
        let replaced = all().filter(|contact| contact.is_valid_on(day) && stood_in_for(&contact.mailbox));
        let replaced: Vec<&Mailbox> = replaced.map(|contact| &contact.mailbox).collect();
        let is_in_their_place = |contact: &&Contact| {
            let stands_for = |other: &&Mailbox| contact.mailbox == **other || self.is_deputy_for(contact, other, day);
            replaced.iter().any(stands_for)
        };
        receiving.into_iter().filter(is_in_their_place).collect()
    }

    /// Whether a deputy stands in for a mailbox of that owner on that day.
    pub fn is_stood_in_for(&self, owner: &Owner, mailbox: &Mailbox, day: NaiveDate) -> bool {
        let indices = self.contacts_of.get(owner).map_or(&[][..], Vec::as_slice);
        let of_mailbox = indices.iter().map(|index| &self.contacts[*index]).filter(|row| row.mailbox == *mailbox);
        of_mailbox.filter(|row| row.is_valid_on(day)).any(|row| self.is_replaced(indices, row, day))
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

    /// Whether a row of the owner's before it says the same mailbox for that day.
    fn is_same_mailbox_valid(&self, before: &[usize], contact: &Contact, day: NaiveDate) -> bool {
        let mut others = before.iter().map(|index| &self.contacts[*index]);
        others.any(|other| other.mailbox == contact.mailbox && other.is_valid_on(day))
    }

    /// Whether a deputy among the owner's rows stands in for the contact on that day. For a deputy nobody does.
    fn is_replaced(&self, of_owner: &[usize], contact: &Contact, day: NaiveDate) -> bool {
        let deputies = || {
            let valid = of_owner.iter().map(|index| &self.contacts[*index]);
            valid.filter(|other| other.instead_of.is_some() && other.is_valid_on(day))
        };
        let is_deputy = deputies().any(|deputy| deputy.mailbox == contact.mailbox);
        !is_deputy && deputies().any(|deputy| deputy.stands_in_for(&contact.mailbox))
    }

    /// Whether a row at the contact's mailbox and of its owner stands in for a mailbox on that day.
    fn is_deputy_for(&self, contact: &Contact, mailbox: &Mailbox, day: NaiveDate) -> bool {
        let rows = self.contacts_of.get(&contact.owner).into_iter().flatten().map(|index| &self.contacts[*index]);
        let mut of_mailbox = rows.filter(|row| row.mailbox == contact.mailbox && row.is_valid_on(day));
        of_mailbox.any(|row| row.stands_in_for(mailbox))
    }
}

#[cfg(test)]
#[path = "roster_tests.rs"]
mod tests;
