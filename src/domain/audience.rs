//! Finds the mailboxes that a step addresses, and for whom each of them answers (N1, N4, N7). Never decides when.

use std::collections::{BTreeMap, BTreeSet};

use chrono::NaiveDate;

use super::duty::{Audience, NoticeKind, Step};
use super::escalation::is_reachable;
use super::facts::{CycleFacts, View};
use super::roster::{AuthorityId, District, Mailbox, OfficeId, OfficeKind, Owner};

/// Who is meant by an audience.
pub(super) struct Audiences<'a> {
    pub(super) view: View<'a>,
    pub(super) facts: &'a CycleFacts,
    /// The last day of the deadline in force: who is valid then owes, whenever that is asked.
    pub(super) ends_on: NaiveDate,
}

/// What one mailbox is addressed for.
#[derive(Default)]
pub(super) struct Recipient {
    pub(super) office: Option<OfficeId>,
    pub(super) authorities: BTreeSet<AuthorityId>,
}

impl Audiences<'_> {
    /// The mailboxes that a step addresses, each with what it is addressed for.
    pub(super) fn of_step(&self, step: &Step) -> BTreeMap<Mailbox, Recipient> {
        let mut recipients = BTreeMap::new();
        for audience in &step.to {
            match audience {
                Audience::Users => self.add_authorities(&mut recipients, |_| true),
                Audience::Missing => {
                    self.add_authorities(&mut recipients, |authority| !self.facts.is_settled(authority))
                }
                Audience::Rrk => {
                    for (office, _) in self.view.roster.rrk() {
                        self.add_office(&mut recipients, step, &office.id);
                    }
                }
                Audience::Zrk => {
                    for office in self.view.roster.zrk() {
                        self.add_office(&mut recipients, step, &office.id);
                    }
                }
                Audience::Office(id) => self.add_office(&mut recipients, step, id),
            }
        }
        recipients
    }

    /// The authorities of a district that owe, are missing, and can be reached by mail (N7).
    pub(super) fn to_escalate(&self, district: District) -> Vec<AuthorityId> {
        let (view, today) = (self.view, self.view.today());
        self.missing_of(district).filter(|id| is_reachable(view.roster, view.flagged, id, today)).collect()
    }

    fn missing_of(&self, district: District) -> impl Iterator<Item = AuthorityId> {
        let of_district = self.view.roster.owing(self.ends_on).filter(move |authority| authority.district == district);
        of_district.filter(|authority| !self.facts.is_settled(&authority.id)).map(|authority| authority.id.clone())
    }

    /// The authorities that a step names to an office as missing: of its own district, or of all. Long silence names those that
    /// miss this cycle and so many before it that the step speaks of them; to the ZRK also those that no mail reaches (N7).
    pub(super) fn named_to(&self, step: &Step, office: Option<&OfficeId>) -> Vec<AuthorityId> {
        let kind = office.and_then(|id| self.view.roster.office(id)).map(|office| office.kind);
        let districts = match kind {
            Some(OfficeKind::Rrk(district)) => vec![district],
            _ => District::ALL.to_vec(),
        };
        let missing = |district| match (step.kind, kind) {
            (NoticeKind::LongSilence, Some(OfficeKind::Zrk)) => self.missing_of(district).collect(),
            _ => self.to_escalate(district),
        };
        let before_this = step.missed_cycles.map_or(0, |cycles| cycles.saturating_sub(1));
        let is_long = |id: &AuthorityId| self.facts.missed_running.get(id).copied().unwrap_or(0) >= before_this;
        districts.into_iter().flat_map(missing).filter(is_long).collect()
    }

    pub(super) fn is_anybody_to_escalate(&self) -> bool {
        District::ALL.into_iter().any(|district| !self.to_escalate(district).is_empty())
    }

    fn add_authorities(&self, recipients: &mut BTreeMap<Mailbox, Recipient>, wanted: impl Fn(&AuthorityId) -> bool) {
        let (view, today) = (self.view, self.view.today());
        for authority in view.roster.owing(self.ends_on).filter(|authority| wanted(&authority.id)) {
            for contact in view.roster.contacts_of(&Owner::Authority(authority.id.clone()), today) {
                if !view.flagged.contains(&contact.mailbox) {
                    recipients.entry(contact.mailbox.clone()).or_default().authorities.insert(authority.id.clone());
                }
            }
        }
    }

    /// Adds an office's mailboxes. A step that names the missing to it goes there only if there are any.
    fn add_office(&self, recipients: &mut BTreeMap<Mailbox, Recipient>, step: &Step, office: &OfficeId) {
        let mut named = Vec::new();
        if step.kind.names_missing_to_office() {
            named = self.named_to(step, Some(office));
            if named.is_empty() {
                return;
            }
        }
        for contact in self.view.roster.contacts_of(&Owner::Office(office.clone()), self.view.today()) {
            if !self.view.flagged.contains(&contact.mailbox) {
                let recipient = recipients.entry(contact.mailbox.clone()).or_default();
                recipient.office = Some(office.clone());
                recipient.authorities.extend(named.iter().cloned());
            }
        }
    }
}
