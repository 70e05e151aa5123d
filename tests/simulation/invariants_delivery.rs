//! N4 and M6: what a notice may become, who may say so, and how often the relay may take it. Never looks at what it says.

use chrono::{DateTime, TimeDelta, Utc};

use super::chronicle::{Change, NoticeRow, NoticeWas, StepRow, What};
use super::judge::{Actor, Context, Judge};

impl Judge {
    /// N4: one notice a cycle, duty, step, revision and mailbox.
    pub fn n4_one_notice_a_key(&mut self, context: &Context, row: &NoticeRow) {
        let key = (row.month.clone(), row.duty.clone(), row.step.clone(), row.revision, row.mailbox.clone());
        let before = self.keys.insert(key, row.id.clone());
        self.demand(context.now, "N4", before.is_none(), || format!("two notices under the key of {row:?}"));
    }

    /// N4: the relay takes a mail again only if the notice went through `uncertain` since, and then once (M6).
    pub fn n4_taken_again_only_out_of_uncertain(&mut self, context: &Context, id: &str) {
        let Some(notice) = self.notices.get(id).cloned() else { return };
        let before = notice.taken;
        // a person who has a mail tried again that came back wants it sent again
        self.demand(context.now, "N4", before <= notice.row.uncertain + notice.retried, || {
            format!(
                "the relay took {id} for the {}. time, and it was uncertain {} times",
                before + 1,
                notice.row.uncertain
            )
        });
        let resent_max = if context.land.holds_uncertain { 0 } else { 1 } + notice.retried;
        // settings may have changed from `resend` to `hold` only if the generator did that, which it does not
        self.demand(context.now, "M6", before <= resent_max, || {
            format!("the relay took {id} for the {}. time; {resent_max} times it may be sent once more", before + 1)
        });
    }

    /// M6: the transitions of a notice.
    pub fn m6_transition_is_allowed(&mut self, context: &Context, was: &NoticeWas, row: &NoticeRow) {
        let is_person = context.actor == Actor::Person;
        let is_allowed = match (was.state.as_str(), row.state.as_str()) {
            (before, after) if before == after => true,
            ("queued", "claimed" | "withdrawn" | "expired") => true,
            ("retry", "claimed" | "withdrawn" | "expired") => true,
            ("uncertain", "claimed") => true,
            // what was perhaps sent stays so when it is no longer called for
            ("queued" | "retry", "uncertain") => was.uncertain > 0,
            ("claimed", "accepted" | "retry" | "rejected" | "uncertain" | "queued" | "withdrawn" | "expired") => true,
            ("held", "withdrawn") => true,
            ("withdrawn", "queued" | "held") => true,
            ("held", "queued") | ("rejected" | "uncertain", "retry") | ("accepted" | "uncertain", "rejected") => {
                is_person
            }
            _ => false,
        };
        self.demand(context.now, "M6", is_allowed, || {
            format!("{} → {} by {:?}: {row:?}", was.state, row.state, context.actor)
        });
        self.demand(context.now, "M6", row.uncertain >= was.uncertain && row.attempts >= was.attempts, || {
            format!("a count of {} went down: {was:?} {row:?}", row.id)
        });
        let was_uncertain = was.uncertain > 0 && row.state != was.state;
        let is_forgotten = matches!(row.state.as_str(), "queued" | "withdrawn" | "expired") && !is_person;
        self.demand(context.now, "M6", !(was_uncertain && is_forgotten), || {
            format!("that {} was perhaps sent is forgotten: {} → {}", row.id, was.state, row.state)
        });
        let waits = matches!(row.state.as_str(), "queued" | "retry" | "claimed");
        let is_final = matches!(row.state.as_str(), "accepted" | "rejected" | "withdrawn" | "expired" | "held");
        let is_reachable =
            (!waits || row.next_at.is_some()) && (!is_final || row.next_at.is_none() || row.state == "held");
        self.demand(context.now, "M6", is_reachable, || format!("waits for nothing, or for ever: {row:?}"));
    }

    /// M6, fencing: only who holds the lease says what became of a claimed notice; others may take it over when it has ended.
    pub fn m6_lease_fences(&mut self, context: &Context, was: &NoticeWas, row: &NoticeRow) {
        self.demand(context.now, "M6", row.lease >= was.lease, || format!("the lease of {} fell", row.id));
        if row.state == "claimed" && was.state != "claimed" {
            let is_new = row.lease > was.lease && row.lease_until.is_some_and(|until| until > row.changed_at);
            self.demand(context.now, "M6", is_new, || format!("claimed without a lease of its own: {row:?}"));
        }
        if was.state != "claimed" {
            return;
        }
        let holder = self.notices.get(&row.id).and_then(|notice| notice.claimed_by).map(|(holder, _)| holder);
        let is_holder = holder == Some(context.actor);
        let has_ended = was.lease_until.is_none_or(|until| until <= context.clock);
        let is_taken_over = matches!(row.state.as_str(), "queued" | "uncertain") && (has_ended || context.is_alone);
        self.demand(context.now, "M6", is_holder || is_taken_over, || {
            format!(
                "{:?} changed {} to {}, which {holder:?} holds until {:?}",
                context.actor, row.id, row.state, was.lease_until
            )
        });
    }

    /// M6, M7: a notice is accepted only if the relay took it, rejected only if it was refused, and what the relay took is
    /// never recorded as if nothing had been sent.
    pub fn m6_state_is_what_the_relay_said(&mut self, context: &Context, was: &NoticeWas, row: &NoticeRow) {
        let Some(notice) = self.notices.get(&row.id) else { return };
        let (taken, refused, retried) = (notice.taken, notice.refused, notice.retried);
        if was.state == row.state {
            return;
        }
        let is_true = match row.state.as_str() {
            "accepted" => taken > 0,
            "rejected" => refused > 0 || context.actor == Actor::Person,
            _ => true,
        };
        self.demand(context.now, "M6", is_true, || {
            format!("{} is {}, and the relay took it {taken} times and refused it {refused} times", row.id, row.state)
        });
        let ends_unsent = matches!(row.state.as_str(), "withdrawn" | "expired" | "queued" | "held");
        self.demand(context.now, "M7", !(ends_unsent && taken > 0 && row.uncertain == 0 && retried == 0), || {
            format!("{} was taken by the relay and is now {} as if it never left", row.id, row.state)
        });
    }

    /// M6: the relay is given only what the giver has in hand, after that was made durable.
    pub fn m6_given_only_in_hand(&mut self, context: &Context, row: &NoticeRow) {
        self.demand(context.now, "M6", row.handed_over_at.is_some() || row.lease > 1, || {
            format!("{} goes to the relay, and nothing durable says so", row.id)
        });
        let holder = self.notices[&row.id].claimed_by;
        let is_mine = holder.is_some_and(|(holder, _)| holder == context.actor);
        let in_hand = row.state == "claimed" && row.handed_over_at.is_some() && is_mine;
        // one that was kept waiting between the record and the relay may have lost it since, and its fate is uncertain
        self.demand(context.now, "M6", in_hand || row.uncertain > 0, || {
            format!("{:?} gives {} to the relay, which it does not hold: {holder:?} {row:?}", context.actor, row.id)
        });
    }

    /// N5, N3: what ends unsent says why.
    pub fn n5_ended_with_a_reason(&mut self, context: &Context, row: &NoticeRow) {
        let ends_unsent = matches!(row.state.as_str(), "withdrawn" | "expired" | "held");
        let has_reason = row.reason.as_deref().is_some_and(|reason| !reason.is_empty());
        self.demand(context.now, "N5", !ends_unsent || has_reason, || format!("ended without a reason: {row:?}"));
    }

    /// No minute sees more mails than settings allow, whoever sends them; clocks that are wrong see other minutes.
    pub fn limit_of_a_minute_holds(&mut self, context: &Context, at: DateTime<Utc>, row: &NoticeRow) {
        self.handed_over.push(at);
        let Some(most) = context.land.mails_a_minute.filter(|_| context.has_right_clocks) else { return };
        let is_near = |other: &&DateTime<Utc>| (TimeDelta::zero()..TimeDelta::minutes(1)).contains(&(at - **other));
        let count = self.handed_over.iter().rev().take(100).filter(is_near).count();
        self.demand(context.now, "limits", count <= most as usize, || {
            format!("{count} mails within a minute up to {at}; {most} are allowed: {row:?}")
        });
    }

    /// N9: what ticks of all replicas queue within minutes, beyond the bound, is held.
    pub fn n9_guard_holds_what_is_too_much(&mut self, context: &Context, changes: &[Change]) {
        const TOGETHER: TimeDelta = TimeDelta::minutes(10); // as docs/limits.md has it
        if context.actor == Actor::Person {
            return;
        }
        let queued: Vec<DateTime<Utc>> = changes
            .iter()
            .filter_map(|change| match &change.what {
                What::Queued(row) if row.state == "queued" && row.kind != "zrk-notice" => Some(row.queued_at),
                What::Changed { was, row }
                    if was.state == "withdrawn" && row.state == "queued" && row.kind != "zrk-notice" =>
                {
                    Some(row.changed_at)
                }
                _ => None,
            })
            .collect();
        let Some(at) = queued.first().copied() else { return };
        let (since, count) = match self.queued_lately {
            Some((since, count)) if (at - since).abs() < TOGETHER => (since, count + queued.len()),
            _ => (at, queued.len()),
        };
        self.queued_lately = Some((since, count));
        let most = context.land.notices_a_tick_max;
        self.demand(context.now, "N9", count <= most, || {
            format!("{count} notices queued since {since}, {} of them now; {most} are allowed", queued.len())
        });
    }

    /// N3: a step whose time has come is recorded once, as skipped exactly if it was no longer live.
    pub fn n3_step_is_recorded_as_it_is(&mut self, context: &Context, seq: i64, row: &StepRow) {
        let month = fristd::domain::Month::parse(&row.month).expect("a month");
        let Some(duty) = context.land.duty(&row.duty) else { return };
        let ladder = super::reckoning::ladder(&context.land, &self.known, seq, month, duty);
        let rung = ladder.rungs.iter().find(|rung| duty.steps[rung.step].id == row.step);
        let Some(rung) = rung else {
            return self.break_rule(context.now, "N3", format!("a step of no ladder was recorded: {row:?}"));
        };
        let is_skipped = row.skipped.is_some();
        let is_live = rung.due_at <= row.recorded_at && row.recorded_at < rung.live_until;
        let holds = row.due_at == rung.due_at && row.due_at <= row.recorded_at && is_skipped != is_live;
        self.demand(context.now, "N3", holds, || format!("recorded as {row:?}, and the model says {rung:?}"));
    }
}
