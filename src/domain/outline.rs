//! The rules and the deadlines to come in a few words, so that two sets of them can be compared. Never decides by them.

use std::collections::BTreeMap;

use super::calendar::CalendarError;
use super::cycle;
use super::dates::{Month, day_in_words};
use super::duty::{Base, DeadlineRule, Duty, Offset, OnFreeDay, Step};
use super::rulebook::{Announce, ImportRule, Rulebook};

/// What the rules say, each thing under a name.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Outline {
    /// Duties, steps, import, sending hours.
    pub rules: BTreeMap<String, String>,
    /// The deadline of each duty in each of the months looked at: `planning 2026-12`.
    pub deadlines: BTreeMap<String, String>,
}

impl Outline {
    /// The outline of the rules, with the deadlines of `count` months from `from` on as settings alone give them.
    ///
    /// # Errors
    /// If the calendar does not reach so far.
    pub fn of(rulebook: &Rulebook, from: Month, count: i32) -> Result<Self, CalendarError> {
        let mut outline = Self::default();
        let import = match rulebook.import {
            ImportRule::WorkingDay(number) => format!("on working day {number} of the month"),
            ImportRule::Day(day) => format!("on day {day} of the month"),
        };
        let announce = match rulebook.announce {
            Announce::OnDate => "by date",
            Announce::OnSignal => "once it is signalled",
        };
        let (opens, closes) = (rulebook.sending.from.format("%H:%M"), rulebook.sending.until.format("%H:%M"));
        let calendar = rulebook.calendar.name();
        let mut say = |name: String, words: String| _ = outline.rules.insert(name, words);
        say("import".to_owned(), format!("{import}, announced {announce}"));
        say("sending".to_owned(), format!("{opens} to {closes} on working days of {calendar}"));
        for duty in &rulebook.duties {
            say(format!("duty {}", duty.id), duty_in_words(duty));
            for step in &duty.steps {
                say(format!("duty {}, step {}", duty.id, step.id), step_in_words(step));
            }
        }
        for month in (0..count).map(|ahead| from.plus(ahead)) {
            for duty in &rulebook.duties {
                let deadline = cycle::deadline(rulebook, duty, month, None)?;
                let import = duty.follows_import().then(|| format!("import {}, ", day_in_words(deadline.import_on)));
                let (stated, ends) = (day_in_words(deadline.stated_on), day_in_words(deadline.ends_on));
                let ends = if stated == ends { String::new() } else { format!(", ending {ends}") };
                let words = format!("{}deadline {stated}{ends}", import.unwrap_or_default());
                outline.deadlines.insert(format!("{} {month}", duty.id), words);
            }
        }
        Ok(outline)
    }

    /// What another outline says that differs, in words. A deadline of a month that only one of them looked at is no difference.
    pub fn difference(&self, new: &Self) -> Vec<String> {
        let mut words = Vec::new();
        for (name, now) in &new.rules {
            match self.rules.get(name) {
                None => words.push(format!("{name} comes: {now}")),
                Some(before) if before != now => words.push(format!("{name} changes: {now}; was {before}")),
                Some(_) => {}
            }
        }
        let gone = self.rules.keys().filter(|name| !new.rules.contains_key(*name));
        words.extend(gone.map(|name| format!("{name} goes")));
        for (name, now) in &new.deadlines {
            if let Some(before) = self.deadlines.get(name).filter(|before| *before != now) {
                words.push(format!("{name} changes: {now}; was {before}"));
            }
        }
        words
    }
}

fn duty_in_words(duty: &Duty) -> String {
    let rule = match duty.deadline {
        DeadlineRule::Window { working_days, count_import_day } => {
            let import_day = if count_import_day { "counts" } else { "does not count" };
            format!("{working_days} working days after the import, whose day {import_day}")
        }
        DeadlineRule::DayOfMonth { day, on_free_day } => {
            let free = match on_free_day {
                OnFreeDay::Next => "ends with the next working day if free",
                OnFreeDay::Keep => "kept if free",
                OnFreeDay::Previous => "the working day before if free",
            };
            format!("day {day} of the month, {free}")
        }
    };
    let parts: Vec<&str> = duty.parts.iter().map(|part| part.id.as_str()).collect();
    format!("{}; {rule}; calendar {}; parts {}", duty.title, duty.calendar.name(), parts.join(", "))
}

fn step_in_words(step: &Step) -> String {
    let (count, unit) = match step.offset {
        Offset::WorkingDays(count) => (count, "working days"),
        Offset::CalendarDays(count) => (count, "days"),
    };
    let side = if count < 0 { "before" } else { "after" };
    let base = match step.base {
        Base::Import => "the import",
        Base::Stated => "the stated date",
        Base::End => "the end",
    };
    let to: Vec<String> = step.to.iter().map(ToString::to_string).collect();
    let (time, template) = (step.time.format("%H:%M"), &step.template);
    format!("{} {unit} {side} {base} at {time} to {}, template {template}", count.abs(), to.join(", "))
}

#[cfg(test)]
mod tests {
    use super::super::test_support::{day, month, rulebook, time};
    use super::*;

    #[test]
    fn what_two_sets_of_rules_say_differently_is_told_and_nothing_else() {
        let outline = |rulebook: &Rulebook, from: &str| Outline::of(rulebook, month(from), 3).unwrap();
        let old = outline(&rulebook(), "2026-11");
        assert_eq!(old.difference(&outline(&rulebook(), "2026-12")), [""; 0], "another month is no difference");
        let mut new = rulebook();
        new.duties[0].steps[1].time = time("10:00");
        new.duties[1].steps.pop();
        new.entries.entry(month("2026-12")).or_default().import_on = Some(day("2026-12-03"));
        let want = [
            "duty planning, step reminder-5 changes: 5 working days before the end at 10:00 to missing, template reminder; \
             was 5 working days before the end at 08:00 to missing, template reminder",
            "duty statistics, step summary+12 goes",
            "planning 2026-12 changes: import Donnerstag, 3. Dezember 2026, deadline Donnerstag, 17. Dezember 2026; \
             was import Dienstag, 1. Dezember 2026, deadline Dienstag, 15. Dezember 2026",
        ];
        assert_eq!(old.difference(&outline(&new, "2026-12")), want);
        let back = outline(&new, "2026-12").difference(&old);
        let comes =
            "duty statistics, step summary+12 comes: 12 working days after the end at 08:00 to zrk, template summary";
        assert!(back.contains(&comes.to_owned()), "{back:?}");
    }
}
