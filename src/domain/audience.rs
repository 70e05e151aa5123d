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
                    for (office, district) in self.view.roster.rrk() {
                        self.add_office(&mut recipients, step.kind, &office.id, Some(district));
                    }
                }
                Audience::Zrk => {
                    for office in self.view.roster.zrk() {
                        self.add_office(&mut recipients, step.kind, &office.id, None);
                    }
                }
                Audience::Office(id) => {
                    let district = self.view.roster.office(id).and_then(|office| match office.kind {
                        OfficeKind::Rrk(district) => Some(district),
                        _ => None,
                    });
                    self.add_office(&mut recipients, step.kind, id, district);
                }
            }
        }
        recipients
    }

    /// The authorities of a district that owe, are missing, and can be reached by mail (N7).
    pub(super) fn to_escalate(&self, district: District) -> Vec<AuthorityId> {
        let (view, today) = (self.view, self.view.today());
        view.roster
            .owing(self.ends_on)
            .filter(|authority| authority.district == district && !self.facts.is_settled(&authority.id))
            .filter(|authority| is_reachable(view.roster, view.flagged, &authority.id, today))
            .map(|authority| authority.id.clone())
            .collect()
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

    /// Adds an office's mailboxes. An escalation goes to a district's office only if there is somebody to escalate.
    fn add_office(
        &self,
        recipients: &mut BTreeMap<Mailbox, Recipient>,
        kind: NoticeKind,
        office: &OfficeId,
        district: Option<District>,
    ) {
        let mut escalated = Vec::new();
        if kind == NoticeKind::Escalation {
            let districts = district.map_or(District::ALL.to_vec(), |district| vec![district]);
            escalated = districts.into_iter().flat_map(|district| self.to_escalate(district)).collect();
            if escalated.is_empty() {
                return;
            }
        }
        for contact in self.view.roster.contacts_of(&Owner::Office(office.clone()), self.view.today()) {
            if !self.view.flagged.contains(&contact.mailbox) {
                let recipient = recipients.entry(contact.mailbox.clone()).or_default();
                recipient.office = Some(office.clone());
                recipient.authorities.extend(escalated.iter().cloned());
            }
        }
    }
}
