//! Watches a world: knows what was known when, and hands each change to the invariants. Never looks into fristd's memory.

use std::collections::HashMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::chronicle::{Change, Known, NoticeRow, NoticeWas, What};
use super::land::Land;
use super::relay::Seen;

/// Who made a change.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Actor {
    Replica(usize),
    Person,
}

/// When it was decided that a notice is called for, and what could be known then.
#[derive(Clone, Copy, Debug)]
pub struct Moment {
    /// The last change up to then.
    pub seq: i64,
    /// What the clock of who decided showed.
    pub clock: DateTime<Utc>,
}

/// Under which circumstances something happened.
pub struct Context {
    pub actor: Actor,
    /// The true time.
    pub now: DateTime<Utc>,
    /// What the clock of who did it showed.
    pub clock: DateTime<Utc>,
    pub land: Arc<Land>,
    pub is_alone: bool,
    /// Whether all clocks are right.
    pub has_right_clocks: bool,
}

/// A broken invariant.
#[derive(Clone, Debug)]
pub struct Violation {
    pub at: DateTime<Utc>,
    pub rule: &'static str,
    pub words: String,
}

/// A notice as the judge knows it.
#[derive(Clone, Debug)]
pub struct Notice {
    pub row: NoticeRow,
    /// Who claimed it last, under which lease.
    pub claimed_by: Option<(Actor, i64)>,
    /// What it was when it was recorded as handed over, by whom: a replica may be kept waiting between record and relay.
    handed_over: Vec<(Actor, NoticeRow)>,
    /// How often the relay took a mail of it.
    pub taken: u32,
    /// How often the relay refused it for good.
    pub refused: u32,
    /// How often a person asked for it to be tried again.
    pub retried: u32,
    /// Whether it was ever held, and then let go by a person.
    pub was_released: bool,
}

/// The judge of one world.
pub struct Judge {
    pub known: Known,
    pub notices: HashMap<String, Notice>,
    /// In the order in which they were queued first.
    pub order: Vec<String>,
    pub keys: HashMap<(String, String, String, u32, String), String>,
    /// The steps that were recorded, with why they were skipped.
    pub steps: HashMap<(String, String, String, u32), Option<String>>,
    /// How many notices ticks have queued in the last minutes, and since when.
    pub queued_lately: Option<(DateTime<Utc>, usize)>,
    /// When mails were handed over, by the clocks of those who did.
    pub handed_over: Vec<DateTime<Utc>>,
    /// What was answered about the past.
    pub answers: Vec<super::asking::Answer>,
    /// The last change that was seen.
    pub seq: i64,
    pub mails: usize,
    pub violation: Option<Violation>,
}

impl Judge {
    pub fn new() -> Self {
        Self {
            known: Known::default(),
            notices: HashMap::new(),
            order: Vec::new(),
            keys: HashMap::new(),
            steps: HashMap::new(),
            queued_lately: None,
            handed_over: Vec::new(),
            answers: Vec::new(),
            seq: 0,
            mails: 0,
            violation: None,
        }
    }

    /// Keeps the first broken invariant; what comes after it says little.
    pub fn break_rule(&mut self, at: DateTime<Utc>, rule: &'static str, words: String) {
        if self.violation.is_none() {
            self.violation = Some(Violation { at, rule, words });
        }
    }

    /// Judges a statement: a broken one is kept with what it says.
    pub fn demand(&mut self, at: DateTime<Utc>, rule: &'static str, holds: bool, words: impl FnOnce() -> String) {
        if !holds {
            self.break_rule(at, rule, words());
        }
    }

    /// When notices that are to be sent wait for, and whether somebody has them in hand.
    pub fn waiting(&self) -> impl Iterator<Item = (DateTime<Utc>, bool)> {
        self.notices.values().filter_map(|notice| Some((notice.row.next_at?, notice.row.state == "claimed")))
    }

    /// Judges what one transaction has changed.
    pub fn changes(&mut self, context: &Context, changes: &[Change]) {
        for change in changes {
            self.seq = change.seq;
            self.known.add(change);
            match &change.what {
                What::Queued(row) => {
                    self.n4_one_notice_a_key(context, row);
                    self.order.push(row.id.clone());
                    let notice = Notice {
                        row: row.clone(),
                        claimed_by: None,
                        handed_over: Vec::new(),
                        taken: 0,
                        refused: 0,
                        retried: 0,
                        was_released: false,
                    };
                    self.notices.insert(row.id.clone(), notice);
                    self.called_for(context, change.seq, row);
                }
                What::Changed { was, row } => self.changed(context, change.seq, was, row),
                What::Step(row) => {
                    let key = (row.month.clone(), row.duty.clone(), row.step.clone(), row.revision);
                    self.steps.insert(key, row.skipped.clone());
                    self.n3_step_is_recorded_as_it_is(context, change.seq, row);
                }
                What::Revision(row) => self.f5_revision_is_as_reckoned(context, change.seq, row),
                What::Forbidden(words) => {
                    let words = words.clone();
                    self.break_rule(context.now, "S4", format!("what is only ever appended was changed: {words}"));
                }
                What::Start { duty, month } => self.n11_begins_with_the_next_import(context, change.seq, duty, month),
                What::Receipt(_) | What::Signal(_) | What::Flag { .. } | What::Paused(_) => {}
            }
        }
        self.n9_guard_holds_what_is_too_much(context, changes);
    }

    fn changed(&mut self, context: &Context, seq: i64, was: &NoticeWas, row: &NoticeRow) {
        self.m6_transition_is_allowed(context, was, row);
        self.m6_lease_fences(context, was, row);
        self.m6_state_is_what_the_relay_said(context, was, row);
        self.n5_ended_with_a_reason(context, row);
        let Some(notice) = self.notices.get_mut(&row.id) else { return };
        notice.row = row.clone();
        if was.state != row.state {
            match (was.state.as_str(), row.state.as_str()) {
                (_, "claimed") => notice.claimed_by = Some((context.actor, row.lease)),
                ("held", "queued") => notice.was_released = true,
                (_, "retry") if context.actor == Actor::Person => notice.retried += 1,
                _ => {}
            }
        }
        match (was.state.as_str(), row.state.as_str()) {
            (before, "claimed") if before != "claimed" => {
                self.still_called_for(context, Moment { seq, clock: row.changed_at }, row, "claimed");
            }
            ("claimed", "claimed") if was.handed_over_at != row.handed_over_at => {
                notice.handed_over.push((context.actor, row.clone()));
                let moment = Moment { seq, clock: row.handed_over_at.unwrap_or(context.clock) };
                self.still_called_for(context, moment, row, "handed over");
                self.n8_nothing_goes_out_at_a_wrong_time(context, moment, row);
                self.limit_of_a_minute_holds(context, moment.clock, row);
            }
            ("withdrawn", "queued" | "held") => self.called_for(context, seq, row),
            _ => {}
        }
    }

    /// Judges what the relay saw.
    pub fn seen(&mut self, context: &Context, seen: &Seen) {
        match seen {
            Seen::Given { mail, .. } => {
                let Some(notice) = self.notice_of(&mail.message_id).cloned() else {
                    return self.break_rule(context.now, "M7", format!("a mail of no notice: {}", mail.message_id));
                };
                let of_giver = notice.handed_over.iter().rfind(|(giver, _)| *giver == context.actor);
                let as_handed_over = of_giver.map_or(&notice.row, |(_, row)| row);
                self.m6_given_only_in_hand(context, &notice.row);
                self.mail_says_what_it_may(context, as_handed_over, mail);
            }
            Seen::Took { mail, .. } => {
                self.mails += 1;
                let id = id_of(&mail.message_id).to_owned();
                self.n4_taken_again_only_out_of_uncertain(context, &id);
                self.notices.entry(id).and_modify(|notice| notice.taken += 1);
            }
            Seen::Refused { mail } => {
                let id = id_of(&mail.message_id).to_owned();
                self.notices.entry(id).and_modify(|notice| notice.refused += 1);
            }
        }
    }

    pub fn notice_of(&self, message_id: &str) -> Option<&Notice> {
        self.notices.get(id_of(message_id))
    }
}

/// The notice's id in a Message-ID.
fn id_of(message_id: &str) -> &str {
    message_id.trim_start_matches('<').split('@').next().unwrap_or_default()
}
