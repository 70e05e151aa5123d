//! Builders for the tests of the rules: the shipped ladder, a small roster, and a month that can be played.

use std::collections::HashSet;
use std::sync::{Arc, OnceLock};

use chrono::{DateTime, NaiveDate, NaiveDateTime, NaiveTime, TimeZone, Utc};
use chrono_tz::Europe::Berlin;

use super::calendar::{CalendarSpec, Land};
use super::deadline::ImportSignal;
use super::delivery::State;
use super::duty::{Audience, Base, DeadlineRule, Offset, OnFreeDay, Part, Period};
use super::facts::{CycleFacts, View};
use super::ladder::Ladder;
use super::notice::Said;
use super::plan::{CyclePlan, plan_cycle};
use super::recheck::{Verdict, recheck};
use super::roster::{AuthorityKind, OfficeKind};
use super::rulebook::{Announce, ImportRule, Letterhead, SendingHours};
use super::standing::standing_now;
use super::*;

pub const MONDAY_TO_FRIDAY: [bool; 7] = [true, true, true, true, true, false, false];

pub fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// An instant in Berlin, written `2026-12-01 09:00`.
pub fn at(text: &str) -> DateTime<Utc> {
    let local = NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap();
    Berlin.from_local_datetime(&local).earliest().unwrap().with_timezone(&Utc)
}

pub fn local(instant: DateTime<Utc>) -> String {
    instant.with_timezone(&Berlin).format("%Y-%m-%d %H:%M").to_string()
}

pub fn month(text: &str) -> Month {
    Month::parse(text).unwrap()
}

pub fn time(text: &str) -> NaiveTime {
    text.parse().unwrap()
}

pub fn mailbox(name: &str) -> Mailbox {
    Mailbox::parse(&format!("{name}@nrw.example")).unwrap()
}

pub fn spec(name: &str) -> CalendarSpec {
    CalendarSpec {
        name: name.into(),
        title: name.into(),
        working_week: MONDAY_TO_FRIDAY,
        land: Land::parse("NW"),
        closed: vec![],
        opened: vec![],
    }
}

pub fn nrw() -> Arc<Calendar> {
    static NRW: OnceLock<Arc<Calendar>> = OnceLock::new();
    NRW.get_or_init(|| Arc::new(Calendar::new(spec("nrw")).unwrap())).clone()
}

pub fn step(kind: NoticeKind, base: Base, working_days: i32, time_of_day: &str, to: &[Audience]) -> Step {
    let offset = Offset::WorkingDays(working_days);
    let id = Step::derived_id(kind, offset, None);
    let (to, template) = (to.to_vec(), kind.to_string());
    Step { id, kind, base, offset, time: time(time_of_day), to, template, missed_cycles: None }
}

/// The steps that both shipped duties share (N2): overdue, three escalations, a summary with each.
fn steps_after_the_end() -> Vec<Step> {
    let mut steps = vec![step(NoticeKind::Overdue, Base::End, 1, "08:00", &[Audience::Missing])];
    for offset in [2, 7, 12] {
        steps.push(step(NoticeKind::Escalation, Base::End, offset, "08:00", &[Audience::Rrk]));
        steps.push(step(NoticeKind::Summary, Base::End, offset, "08:00", &[Audience::Zrk]));
    }
    steps
}

/// The planning duty as shipped (F2, N2).
pub fn planning() -> Duty {
    let to = [Audience::Users, Audience::Rrk, Audience::Office("zfa".into())];
    let mut steps = vec![step(NoticeKind::Announcement, Base::Import, 0, "09:00", &to)];
    steps.extend([-5, -1, 0].map(|n| step(NoticeKind::Reminder, Base::End, n, "08:00", &[Audience::Missing])));
    steps.extend(steps_after_the_end());
    Duty {
        id: "planning".into(),
        title: "Meldung im Planungsmodul".into(),
        module: "APS-Planungsmodul".into(),
        period: Period::CycleMonth,
        parts: vec![part("confirmation")],
        deadline: DeadlineRule::Window { working_days: 10, count_import_day: false },
        calendar: nrw(),
        steps,
    }
}

/// The statistics duty as shipped (F3, N2, S2).
pub fn statistics() -> Duty {
    let mut steps: Vec<Step> =
        [-5, -1, 0].map(|n| step(NoticeKind::Reminder, Base::Stated, n, "08:00", &[Audience::Missing])).into();
    steps.extend(steps_after_the_end());
    Duty {
        id: "statistics".into(),
        title: "Meldung im Statistikmodul".into(),
        module: "APS-Statistikmodul".into(),
        period: Period::PreviousMonth,
        parts: vec![part("reag-garp"), part("without-funding"), part("returns")],
        deadline: DeadlineRule::DayOfMonth { day: 15, on_free_day: OnFreeDay::Next },
        calendar: nrw(),
        steps,
    }
}

fn part(id: &str) -> Part {
    Part { id: id.into(), title: format!("Teil {id}"), is_confirmation: id == "confirmation" }
}

/// The shipped rules: the import is on the first working day, announced by date.
pub fn rulebook() -> Rulebook {
    Rulebook {
        zone: Berlin,
        calendar: nrw(),
        sending: SendingHours { from: time("07:00"), until: time("18:00") },
        import: ImportRule::WorkingDay(1),
        announce: Announce::OnDate,
        duties: vec![planning(), statistics()],
        entries: Default::default(),
        first_cycle: None,
        notices_a_tick_max: 400,
        letterhead: Letterhead::default(),
    }
}

pub fn authority(id: &str, district: District) -> Authority {
    Authority {
        id: id.into(),
        name: id.to_uppercase(),
        kind: AuthorityKind::Abh,
        district,
        ags: String::new(),
        valid_from: None,
        valid_to: None,
        reported_by: None,
    }
}

pub fn contact(owner: Owner, name: &str) -> Contact {
    Contact {
        owner,
        mailbox: mailbox(name),
        name: String::new(),
        valid_from: None,
        valid_to: None,
        calendar: false,
        instead_of: None,
    }
}

pub fn of_authority(id: &str, name: &str) -> Contact {
    contact(Owner::Authority(id.into()), name)
}

pub fn of_office(id: &str, name: &str) -> Contact {
    contact(Owner::Office(id.into()), name)
}

pub fn offices() -> Vec<Office> {
    let office = |id: String, kind| Office { name: id.clone(), id: id.into(), kind };
    let mut offices: Vec<Office> =
        District::ALL.map(|district| office(format!("rrk-{}", district.as_str()), OfficeKind::Rrk(district))).into();
    offices.push(office("zrk".into(), OfficeKind::Zrk));
    offices.push(office("zfa".into(), OfficeKind::Copy));
    offices
}

/// One mailbox for each office, named like it.
pub fn office_contacts() -> Vec<Contact> {
    offices().iter().map(|office| of_office(&office.id, &office.id)).collect()
}

/// Authorities `k1`, `k2` in Köln and `d1` in Detmold, each with a mailbox of its own name, and all offices.
pub fn roster() -> Roster {
    roster_of(["k1", "k2", "d1"].map(|id| of_authority(id, id)).into())
}

/// The same authorities and offices with these contacts of authorities.
pub fn roster_of(contacts: Vec<Contact>) -> Roster {
    let authorities =
        vec![authority("k1", District::Koeln), authority("k2", District::Koeln), authority("d1", District::Detmold)];
    Roster::new(authorities, offices(), contacts.into_iter().chain(office_contacts()).collect())
}

pub fn receipt(authority: &str, state: ReceiptState, received: &str) -> Receipt {
    backdated(authority, state, received, received)
}

pub fn backdated(authority: &str, state: ReceiptState, reported: &str, received: &str) -> Receipt {
    Receipt {
        authority: authority.into(),
        state,
        source: "manual".into(),
        actor: "test".into(),
        note: None,
        received_at: at(received),
        reported_at: at(reported),
    }
}

pub fn extended(until: &str) -> ReceiptState {
    ReceiptState::Extended { until: day(until), reason: "Umzug".into() }
}

pub fn partial(missing: &[&str]) -> ReceiptState {
    ReceiptState::Partial { missing: missing.iter().map(|id| (*id).into()).collect() }
}

/// One duty's month, played tick by tick: what `daemon` does with the store, in memory.
pub struct Cycle {
    pub rulebook: Rulebook,
    pub roster: Roster,
    pub flagged: HashSet<Mailbox>,
    pub duty: &'static str,
    pub month: Month,
    pub receipts: Vec<Receipt>,
    pub facts: CycleFacts,
}

impl Cycle {
    pub fn new(duty: &'static str, of: &str) -> Self {
        Self {
            rulebook: rulebook(),
            roster: roster(),
            flagged: HashSet::new(),
            duty,
            month: month(of),
            receipts: Vec::new(),
            facts: CycleFacts::default(),
        }
    }

    pub fn report(&mut self, authority: &str, state: ReceiptState, received: &str) {
        self.receipts.push(receipt(authority, state, received));
    }

    pub fn entry(&mut self) -> &mut super::rulebook::CycleEntry {
        self.rulebook.entries.entry(self.month).or_default()
    }

    pub fn signal(&mut self, import_on: &str, received: &str) {
        let (import_on, received_at) = (day(import_on), at(received));
        self.facts.dates.signal = Some(ImportSignal { month: self.month, import_on, received_at, actor: "zrk".into() });
    }

    /// Plans without storing.
    pub fn plan(&mut self, now: DateTime<Utc>) -> CyclePlan {
        self.facts.standings = self.standings(now);
        let view = View { rulebook: &self.rulebook, roster: &self.roster, flagged: &self.flagged, now };
        plan_cycle(view, self.rulebook.duty(self.duty).unwrap(), self.month, &self.facts).unwrap()
    }

    /// Plans and stores; a notice whose key is there already is a mistake of the planner (N4).
    pub fn tick(&mut self, now: DateTime<Utc>) -> CyclePlan {
        let plan = self.plan(now);
        self.facts.dates.revisions.extend(plan.freeze.clone());
        self.facts.recorded.extend(plan.record.iter().map(|record| (record.step.clone(), record.revision)));
        for new in plan.queue.clone() {
            // what was withdrawn is called for again under the same key
            self.facts.said.retain(|said| {
                (said.step.as_str(), said.revision, &said.mailbox) != (new.step.as_str(), new.revision, &new.mailbox)
                    || said.state != State::Withdrawn
            });
            let is_same =
                |said: &Said| (&said.step, said.revision, &said.mailbox) == (&new.step, new.revision, &new.mailbox);
            assert!(!self.facts.said.iter().any(is_same), "queued twice: {new:?}");
            self.facts.said.push(Said {
                step: new.step,
                kind: new.kind,
                revision: new.revision,
                mailbox: new.mailbox,
                office: new.office,
                authorities: new.authorities,
                due_at: new.due_at,
                state: if new.hold.is_some() { State::Held } else { State::Queued },
                accepted_at: None,
                returned_at: None,
                was_uncertain: false,
                is_discarded: false,
            });
        }
        plan
    }

    /// Rechecks everything queued and delivers what is still called for. Says what was sent, as [`Cycle::lines`] does.
    pub fn deliver(&mut self, now: DateTime<Utc>) -> Vec<String> {
        let mut sent = Vec::new();
        for index in 0..self.facts.said.len() {
            if self.facts.said[index].state != State::Queued {
                continue;
            }
            let verdict = self.recheck(index, now);
            let said = &mut self.facts.said[index];
            match verdict {
                Verdict::Send(authorities) => {
                    (said.authorities, said.state, said.accepted_at) = (authorities, State::Accepted, Some(now));
                    sent.push(line(&said.step, said.revision, &said.mailbox, &said.authorities));
                }
                Verdict::Withdraw(_) => said.state = State::Withdrawn,
                Verdict::Expire(_) => said.state = State::Expired,
            }
        }
        sent.sort();
        sent
    }

    /// A tick and a delivery.
    pub fn run(&mut self, now: &str) -> Vec<String> {
        self.tick(at(now));
        self.deliver(at(now))
    }

    pub fn recheck(&mut self, index: usize, now: DateTime<Utc>) -> Verdict {
        self.facts.standings = self.standings(now);
        let said = &self.facts.said[index];
        let notice = NewNotice {
            month: self.month,
            duty: Some(self.duty.into()),
            step: said.step.clone(),
            kind: said.kind,
            revision: said.revision,
            mailbox: said.mailbox.clone(),
            office: said.office.clone(),
            authorities: said.authorities.clone(),
            due_at: said.due_at,
            hold: None,
        };
        let view = View { rulebook: &self.rulebook, roster: &self.roster, flagged: &self.flagged, now };
        recheck(view, &self.ladder(), &self.facts, &notice)
    }

    pub fn ladder(&self) -> Ladder<'_> {
        let duty = self.rulebook.duty(self.duty).unwrap();
        Ladder::new(&self.rulebook, duty, self.month, &self.facts.dates, &self.facts.next_dates).unwrap()
    }

    /// The index of what was said under that step and to that mailbox, in the newest revision.
    pub fn said(&self, step: &str, name: &str) -> Option<usize> {
        let is_meant = |said: &Said| said.step == step && said.mailbox == mailbox(name);
        (0..self.facts.said.len()).rev().find(|index| is_meant(&self.facts.said[*index]))
    }

    fn standings(&self, now: DateTime<Utc>) -> std::collections::HashMap<AuthorityId, Standing> {
        let of = |id: &AuthorityId| {
            standing_now(self.receipts.iter().filter(|receipt| receipt.authority == *id), now, Berlin)
        };
        let known: HashSet<AuthorityId> = self.receipts.iter().map(|receipt| receipt.authority.clone()).collect();
        known.into_iter().map(|id| (id.clone(), of(&id))).collect()
    }
}

/// `step/revision mailbox [authorities]`, sorted.
pub fn lines(queue: &[NewNotice]) -> Vec<String> {
    let mut lines: Vec<String> =
        queue.iter().map(|new| line(&new.step, new.revision, &new.mailbox, &new.authorities)).collect();
    lines.sort();
    lines
}

fn line(step: &str, revision: u32, mailbox: &Mailbox, authorities: &[AuthorityId]) -> String {
    let name = mailbox.as_str().split('@').next().unwrap();
    let mut ids: Vec<&str> = authorities.iter().map(|id| &**id).collect();
    ids.sort_unstable();
    format!("{step}/{revision} {name} [{}]", ids.join(" "))
}
