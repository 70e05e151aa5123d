//! N1 to N8, F5, F7: whether a notice is called for, when it is queued and when it goes. Never asks fristd's own rules.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use fristd::domain::Month;
use fristd::mail::OutgoingMail;

use super::chronicle::{NoticeRow, RevisionRow};
use super::judge::{Context, Judge, Moment};
use super::land::{Duty, Land, Step};
use super::reckoning::{self, Ladder, computed, end_of, is_open, ladder, local_day};

/// What one mailbox is written to for.
#[derive(Clone, Default, PartialEq, Eq, Debug)]
pub struct Recipient {
    pub office: Option<String>,
    pub authorities: BTreeSet<String>,
}

impl Judge {
    /// N1, N3, N5, N6, N7, N9, F5, F7, N11: a notice is queued only when its step is live, to whom it addresses.
    pub fn called_for(&mut self, context: &Context, seq: i64, row: &NoticeRow) {
        let now = context.now;
        if row.kind == "zrk-notice" {
            return;
        }
        let month = row.month();
        let Some(duty) = context.land.duty(&row.duty) else {
            return self.break_rule(now, "N1", format!("a notice of no duty: {row:?}"));
        };
        let clock = row.changed_at;
        let starts = self.known.starts.get(&row.duty).copied();
        self.demand(now, "N11", starts.is_some_and(|first| first <= month), || {
            format!("before the first cycle: {row:?}")
        });
        let ladder = ladder(&context.land, &self.known, seq, month, duty);
        self.demand(now, "F5", row.revision == ladder.revision, || {
            format!("revision {} is in force: {row:?}", ladder.revision)
        });
        self.demand(now, "F7", clock < ladder.closes_at, || {
            format!("the cycle closed at {}: {row:?}", ladder.closes_at)
        });
        self.n9_nothing_late_goes_by_itself(context, row, &ladder);
        match row.kind.as_str() {
            "correction" => self.f5_correction_only_to_who_was_told(context, row),
            "all-clear" => self.n7_all_clear_when_all_have_settled(context, seq, row, month, duty, &ladder),
            _ => self.step_is_called_for(context, seq, row, month, duty, &ladder),
        }
    }

    fn step_is_called_for(
        &mut self,
        context: &Context,
        seq: i64,
        row: &NoticeRow,
        month: Month,
        duty: &Duty,
        ladder: &Ladder,
    ) {
        let now = context.now;
        let Some(rung) = ladder.rungs.iter().find(|rung| duty.steps[rung.step].id == row.step) else {
            return self.break_rule(now, "N1", format!("a step that is not in the ladder: {row:?}"));
        };
        let clock = row.changed_at;
        self.demand(now, "N1", row.due_at == rung.due_at, || format!("due at {}: {row:?}", rung.due_at));
        self.demand(now, "N3", rung.due_at <= clock && clock < rung.live_until, || {
            format!("live from {} to {}: {row:?}", rung.due_at, rung.live_until)
        });
        let all = self.audience(&context.land, seq, clock, month, duty, &duty.steps[rung.step], ladder);
        let rule = match row.kind.as_str() {
            "reminder" | "overdue" => "N5",
            "escalation" => "N7",
            _ => "N1",
        };
        match all.get(&row.mailbox) {
            None => {
                self.break_rule(now, rule, format!("this mailbox is not addressed: {row:?}; addressed are {all:?}"))
            }
            Some(recipient) => {
                let named: BTreeSet<String> = row.authorities().into_iter().collect();
                self.demand(now, rule, named == recipient.authorities, || {
                    format!("names {named:?} instead of {:?}: {row:?}", recipient.authorities)
                });
            }
        }
    }

    /// Who is addressed by a step, by what was known after the change `seq` (N1, N4, N7).
    #[expect(clippy::too_many_arguments, reason = "the key of a step, and what it is asked against")]
    pub fn audience(
        &self,
        land: &Land,
        seq: i64,
        clock: DateTime<Utc>,
        month: Month,
        duty: &Duty,
        step: &Step,
        ladder: &Ladder,
    ) -> BTreeMap<String, Recipient> {
        let today = local_day(clock);
        let mut all: BTreeMap<String, Recipient> = BTreeMap::new();
        let is_missing = |id: &str| !self.known.is_settled(seq, month, duty.id, id, clock);
        let owing = || land.authorities.iter().filter(|authority| authority.owes(ladder.dates.ends_on));
        let mut offices: Vec<String> = Vec::new();
        for audience in &step.to {
            match *audience {
                "users" | "missing" => {
                    for authority in owing().filter(|authority| *audience == "users" || is_missing(&authority.id)) {
                        for mailbox in land.mailboxes_of(&authority.id, today) {
                            all.entry(mailbox.to_owned()).or_default().authorities.insert(authority.id.clone());
                        }
                    }
                }
                "rrk" => offices.extend(land.districts().into_iter().map(|district| format!("rrk-{district}"))),
                office => offices.push(office.to_owned()),
            }
        }
        for office in offices {
            let named = match step.kind {
                "escalation" => self.escalated(land, seq, clock, month, duty, ladder, &office),
                _ => BTreeSet::new(),
            };
            if step.kind == "escalation" && named.is_empty() {
                continue;
            }
            for mailbox in land.mailboxes_of(&office, today) {
                let recipient = all.entry(mailbox.to_owned()).or_default();
                recipient.office = Some(office.clone());
                recipient.authorities.extend(named.iter().cloned());
            }
        }
        all.retain(|mailbox, _| !self.known.is_flagged(seq, mailbox));
        all
    }

    /// The authorities that an RRK's report names: of its district, owing, missing, and within reach (N7).
    #[expect(clippy::too_many_arguments, reason = "the key of a step, and what it is asked against")]
    pub fn escalated(
        &self,
        land: &Land,
        seq: i64,
        clock: DateTime<Utc>,
        month: Month,
        duty: &Duty,
        ladder: &Ladder,
        office: &str,
    ) -> BTreeSet<String> {
        let today = local_day(clock);
        let is_reachable = |id: &str| land.mailboxes_of(id, today).any(|mailbox| !self.known.is_flagged(seq, mailbox));
        let named = land.authorities.iter().filter(|authority| {
            office.strip_prefix("rrk-").is_none_or(|district| district == authority.district)
                && authority.owes(ladder.dates.ends_on)
                && !self.known.is_settled(seq, month, duty.id, &authority.id, clock)
                && is_reachable(&authority.id)
        });
        named.map(|authority| authority.id.clone()).collect()
    }

    /// N5, N6, N3, F5, F7: what is claimed, or given to the relay, was still called for when that was last asked.
    pub fn still_called_for(&mut self, context: &Context, at: Moment, row: &NoticeRow, verb: &str) {
        let (now, land) = (context.now, context.land.clone());
        let Moment { seq, clock } = at;
        let today = local_day(clock);
        self.demand(now, "N6", !self.known.is_flagged(seq, &row.mailbox), || {
            format!("{verb} to a flagged mailbox: {row:?}")
        });
        let is_owner = |owner: &str| match &row.office {
            Some(office) => owner == office,
            None => !Land::is_office(owner),
        };
        let owners: BTreeSet<&str> = land
            .contacts
            .iter()
            .filter(|contact| contact.mailbox == row.mailbox)
            .map(|contact| contact.owner.as_str())
            .collect();
        let has_contact = owners
            .iter()
            .any(|owner| is_owner(owner) && land.mailboxes_of(owner, today).any(|mailbox| mailbox == row.mailbox));
        self.demand(now, "N6", has_contact, || format!("{verb} to a contact that has ended: {row:?}"));
        if row.kind == "zrk-notice" {
            return;
        }
        let Some(duty) = land.duty(&row.duty) else { return };
        let month = row.month();
        let ladder = ladder(&land, &self.known, seq, month, duty);
        self.demand(now, "F5", row.revision == ladder.revision, || {
            format!("{verb} of revision {}, and {} is in force: {row:?}", row.revision, ladder.revision)
        });
        self.demand(now, "F7", clock < ladder.closes_at, || {
            format!("{verb} after the close at {}: {row:?}", ladder.closes_at)
        });
        if let Some(rung) = ladder.rungs.iter().find(|rung| duty.steps[rung.step].id == row.step) {
            self.demand(now, "N3", clock < rung.live_until, || {
                format!("{verb} at {clock}, live until {}: {row:?}", rung.live_until)
            });
        }
        if matches!(row.kind.as_str(), "reminder" | "overdue" | "escalation") {
            let named = row.authorities();
            self.demand(now, "N5", !named.is_empty(), || format!("{verb} about nobody: {row:?}"));
            for authority in &named {
                let is_settled = self.known.is_settled(seq, month, duty.id, authority, clock);
                self.demand(now, "N5", !is_settled, || format!("{verb} about {authority}, which had settled: {row:?}"));
            }
        }
        if row.kind == "escalation"
            && let Some(office) = &row.office
        {
            let allowed = self.escalated(&land, seq, clock, month, duty, &ladder, office);
            let named: BTreeSet<String> = row.authorities().into_iter().collect();
            self.demand(now, "N7", named == allowed, || {
                format!("{verb}, names {named:?} instead of {allowed:?}: {row:?}")
            });
        }
    }

    /// N8: nothing goes out outside the sending hours, on a free day, or while sending is paused.
    pub fn n8_nothing_goes_out_at_a_wrong_time(&mut self, context: &Context, at: Moment, row: &NoticeRow) {
        let Moment { seq, clock } = at;
        self.demand(context.now, "N8", is_open(&context.land, clock), || format!("sent at {clock}: {row:?}"));
        self.demand(context.now, "N8", !self.known.is_paused(seq), || format!("sent while paused: {row:?}"));
    }

    /// N9: what is late beyond doubt waits for a person: the announcement of a deadline that is over, and the correction to one that was
    /// over when it was corrected. Who could not be told before the corrected deadline ended is told it all the same (F5).
    fn n9_nothing_late_goes_by_itself(&mut self, context: &Context, row: &NoticeRow, ladder: &Ladder) {
        let decided_at = if row.kind == "correction" { row.due_at } else { row.changed_at };
        let is_over = end_of(ladder.dates.ends_on) <= decided_at;
        let tells_deadline = matches!(row.kind.as_str(), "announcement" | "correction");
        let is_released = self.order.iter().filter_map(|id| self.notices.get(id)).any(|notice| {
            (&notice.row.month, &notice.row.duty, notice.row.revision) == (&row.month, &row.duty, row.revision)
                && !matches!(notice.row.state.as_str(), "held" | "withdrawn")
                && notice.row.id != row.id
        });
        self.demand(context.now, "N9", !(is_over && tells_deadline && row.state == "queued") || is_released, || {
            format!("the deadline {} is over: {row:?}", ladder.dates.ends_on)
        });
    }

    /// F5: a correction goes to who was told another date, or stands in that one's place.
    fn f5_correction_only_to_who_was_told(&mut self, context: &Context, row: &NoticeRow) {
        let mine: BTreeSet<String> = row.authorities().into_iter().collect();
        let is_told = self.notices.values().any(|notice| {
            let told = &notice.row;
            let has_reached = matches!(told.state.as_str(), "accepted" | "uncertain" | "claimed") || told.uncertain > 0;
            let is_same = told.mailbox == row.mailbox
                || told.office.is_some() && told.office == row.office
                || told.authorities().iter().any(|authority| mine.contains(authority));
            (&told.month, &told.duty) == (&row.month, &row.duty)
                && told.revision < row.revision
                && has_reached
                && is_same
        });
        self.demand(context.now, "F5", is_told, || format!("corrects what was never told: {row:?}"));
    }

    /// N7: an RRK hears that all is complete only when it is, and only if it heard that it was not.
    fn n7_all_clear_when_all_have_settled(
        &mut self,
        context: &Context,
        seq: i64,
        row: &NoticeRow,
        month: Month,
        duty: &Duty,
        ladder: &Ladder,
    ) {
        let office = row.office.clone().unwrap_or_default();
        let was_told = self.notices.values().any(|notice| {
            notice.row.kind == "escalation" && notice.row.office == row.office && notice.row.month == row.month
        });
        self.demand(context.now, "N7", was_told, || format!("an all-clear to who was told nothing: {row:?}"));
        let missing = self.escalated(&context.land, seq, row.changed_at, month, duty, ladder, &office);
        self.demand(context.now, "N7", missing.is_empty(), || {
            format!("an all-clear, and missing are {missing:?}: {row:?}")
        });
        for authority in row.authorities() {
            let is_settled = self.known.is_settled(seq, month, duty.id, &authority, row.changed_at);
            let owes = context.land.authority(&authority).is_some_and(|found| found.owes(ladder.dates.ends_on));
            self.demand(context.now, "N7", is_settled || !owes, || format!("an all-clear about {authority}: {row:?}"));
        }
    }

    /// F2, F3, F5: a deadline is frozen as the model reckons it, and revisions are numbered.
    pub fn f5_revision_is_as_reckoned(&mut self, context: &Context, seq: i64, row: &RevisionRow) {
        let month = Month::parse(&row.month).expect("a month");
        let Some(duty) = context.land.duty(&row.duty) else { return };
        let reckoned = computed(&context.land, &self.known, seq, month, duty);
        let frozen = reckoning::Dates { import_on: row.import_on, stated_on: row.stated_on, ends_on: row.ends_on };
        self.demand(context.now, "F5", frozen == reckoned, || format!("frozen {frozen:?}, reckoned {reckoned:?}"));
        let before = self.known.revision(seq - 1, month, &row.duty).map_or(0, |revision| revision.number);
        let holds = row.number == before + 1 && (before == 0 || row.reason.is_some());
        self.demand(context.now, "F5", holds, || format!("after revision {before} comes {row:?}"));
    }

    /// N11: a new store begins with the first cycle whose import is today or later.
    pub fn n11_begins_with_the_next_import(&mut self, context: &Context, seq: i64, duty: &str, month: &str) {
        let today = local_day(context.clock);
        let this_month = Month::of(today);
        let Some(duty) = context.land.duty(duty) else { return };
        let import_on = computed(&context.land, &self.known, seq, this_month, duty).import_on;
        let first = if import_on >= today { this_month } else { this_month.next() };
        self.demand(context.now, "N11", first.to_string() == month, || {
            format!("{} begins with {month} instead of {first}; the import is on {import_on}", duty.id)
        });
    }

    /// N7, M2: a mail names only those whom its reader may hear of.
    pub fn mail_says_what_it_may(&mut self, context: &Context, row: &NoticeRow, mail: &OutgoingMail) {
        self.demand(context.now, "M2", mail.mailbox.as_str() == row.mailbox, || format!("goes elsewhere: {row:?}"));
        if !matches!(row.kind.as_str(), "reminder" | "overdue" | "escalation") {
            return;
        }
        let Some(message) = mail_parser::MessageParser::default().parse(&mail.bytes) else {
            return self.break_rule(context.now, "M1", format!("cannot be read: {row:?}"));
        };
        let text = message.body_text(0).unwrap_or_default();
        let land = &context.land;
        let named: BTreeSet<&str> =
            land.authorities.iter().filter(|authority| text.contains(&authority.name)).map(|a| a.id.as_str()).collect();
        let meant: BTreeSet<String> = row.authorities().into_iter().collect();
        let may_be_named = |id: &str| match row.kind.as_str() {
            "escalation" => {
                let district = land.authority(id).map(|authority| authority.district).unwrap_or_default();
                row.office.as_deref() == Some(&format!("rrk-{district}"))
            }
            // whose report includes another's is told so
            _ => meant.contains(id) || land.authority(id).is_some_and(|other| other.reported_by.is_some()),
        };
        let wrong: Vec<&&str> = named.iter().filter(|id| !may_be_named(id)).collect();
        self.demand(context.now, "N7", wrong.is_empty(), || format!("names {wrong:?} to {}: {row:?}", row.mailbox));
        let left_out: Vec<&String> = meant.iter().filter(|id| !named.contains(id.as_str())).collect();
        self.demand(context.now, "N7", left_out.is_empty(), || format!("leaves out {left_out:?}: {row:?}"));
    }
}
