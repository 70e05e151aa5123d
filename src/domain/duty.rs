//! Duties, their parts and their ladders. Never knows about dates of one month; `cycle` does.

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, NaiveTime, Utc};
use chrono_tz::Tz;

use super::calendar::{Calendar, CalendarError};
use super::dates::{Month, instant_on};
use super::deadline::Deadline;
use super::roster::OfficeId;

/// Names a duty, for example `planning`.
pub type DutyId = Arc<str>;

/// What is owed every month.
#[derive(Clone, Debug)]
pub struct Duty {
    /// Its id in settings, tables and JSON.
    pub id: DutyId,
    /// Its name in letters: `Meldung im Planungsmodul`.
    pub title: String,
    /// How subjects call it: `APS-Planungsmodul`.
    pub module: String,
    /// Which month the report is about.
    pub period: Period,
    /// What a complete report consists of, in order (S2).
    pub parts: Vec<Part>,
    /// How its deadline is found.
    pub deadline: DeadlineRule,
    /// The calendar by which its days count.
    pub calendar: Arc<Calendar>,
    /// The ladder, in order (N1).
    pub steps: Vec<Step>,
}

impl Duty {
    /// The month that a cycle's report is about.
    pub fn period_of(&self, month: Month) -> Month {
        match self.period {
            Period::CycleMonth => month,
            Period::PreviousMonth => month.previous(),
        }
    }

    /// Whether the deadline hangs on the import date.
    pub fn follows_import(&self) -> bool {
        matches!(self.deadline, DeadlineRule::Window { .. })
    }

    /// The title of a part; its id if settings no longer name it.
    pub fn part_title<'a>(&'a self, id: &'a str) -> &'a str {
        self.parts.iter().find(|part| part.id == id).map_or(id, |part| &part.title)
    }
}

/// Which month a report is about.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Period {
    /// The month in which the cycle runs.
    CycleMonth,
    /// The month before.
    PreviousMonth,
}

/// A part of a report (S2).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Part {
    /// Its id in settings, receipts and JSON.
    pub id: String,
    /// Its name in letters.
    pub title: String,
    /// Whether a list says yes or no of it instead of giving a figure.
    pub is_confirmation: bool,
}

/// How a duty's deadline is found.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum DeadlineRule {
    /// So many working days after the import date (F2).
    Window {
        /// 1 to 250.
        working_days: u32,
        /// Whether an import day that is worked counts as the first.
        count_import_day: bool,
    },
    /// A day of the cycle's month (F3).
    DayOfMonth {
        /// 1 to 28.
        day: u32,
        /// What applies when that day is free.
        on_free_day: OnFreeDay,
    },
}

/// What happens to a deadline that falls on a free day (F3).
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum OnFreeDay {
    /// It ends with the next working day (§ 31 Abs. 3 VwVfG).
    Next,
    /// It ends on that day all the same.
    Keep,
    /// It is stated as, and ends on, the working day before.
    Previous,
}

/// What a step, or a notice outside the ladder, says.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug)]
pub enum NoticeKind {
    /// The deadline is announced.
    Announcement,
    /// The missing are reminded.
    Reminder,
    /// The deadline has passed.
    Overdue,
    /// The RRK learns who is silent.
    Escalation,
    /// The ZRK learns where the month stands.
    Summary,
    /// An office learns who has been missing for several cycles running.
    LongSilence,
    /// An announced deadline has changed (F5).
    Correction,
    /// What was escalated is complete (N7).
    AllClear,
    /// Something that the ZRK must look at (M6, N9, F5).
    ZrkNotice,
}

impl NoticeKind {
    /// All kinds; the first six can stand in a ladder.
    pub const ALL: [Self; 9] = [
        Self::Announcement,
        Self::Reminder,
        Self::Overdue,
        Self::Escalation,
        Self::Summary,
        Self::LongSilence,
        Self::Correction,
        Self::AllClear,
        Self::ZrkNotice,
    ];

    /// The kinds that settings may use in a ladder.
    pub fn of_steps() -> &'static [Self] {
        &Self::ALL[..6]
    }

    /// The word in settings, tables and JSON; also the name of its templates.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Announcement => "announcement",
            Self::Reminder => "reminder",
            Self::Overdue => "overdue",
            Self::Escalation => "escalation",
            Self::Summary => "summary",
            Self::LongSilence => "long-silence",
            Self::Correction => "correction",
            Self::AllClear => "all-clear",
            Self::ZrkNotice => "zrk-notice",
        }
    }

    /// Reads the word.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == word)
    }

    /// Whether it is about authorities that have not reported, and so decided again before sending (N5).
    pub fn is_about_missing(self) -> bool {
        matches!(self, Self::Reminder | Self::Overdue) || self.names_missing_to_office()
    }

    /// Whether it tells an office which authorities have not reported, and is not sent if there are none.
    pub fn names_missing_to_office(self) -> bool {
        matches!(self, Self::Escalation | Self::LongSilence)
    }
}

impl fmt::Display for NoticeKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// One entry of a ladder (N1).
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Step {
    /// Its id, unique in the duty; part of the key that keeps a notice from being sent twice (N4).
    pub id: String,
    /// What it says.
    pub kind: NoticeKind,
    /// From which day its own is reckoned.
    pub base: Base,
    /// How far from there.
    pub offset: Offset,
    /// Local time of day.
    pub time: NaiveTime,
    /// Who gets it.
    pub to: Vec<Audience>,
    /// The template's name; the kind's own if settings name none.
    pub template: String,
    /// From how many cycles missed running on, this one included, it names an authority; of long silence only.
    pub missed_cycles: Option<u32>,
}

/// The day from which a step is reckoned.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Base {
    /// The import date.
    Import,
    /// The date that is announced.
    Stated,
    /// The last day on which a report is in time.
    End,
}

/// How far a step lies from its base; negative is before.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Offset {
    /// The n-th working day strictly after or before the base.
    WorkingDays(i32),
    /// So many days after or before the base.
    CalendarDays(i32),
}

/// Who gets a step.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Audience {
    /// Every mailbox of every authority.
    Users,
    /// The mailboxes of authorities that are not settled.
    Missing,
    /// The RRK: of an escalation those with somebody missing, of other kinds all.
    Rrk,
    /// The ZRK.
    Zrk,
    /// One office.
    Office(OfficeId),
}

impl fmt::Display for Audience {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Users => f.write_str("users"),
            Self::Missing => f.write_str("missing"),
            Self::Rrk => f.write_str("rrk"),
            Self::Zrk => f.write_str("zrk"),
            Self::Office(id) => f.write_str(id),
        }
    }
}

impl Step {
    /// The id of a step that settings give none: `announcement`, `reminder-5`, `reminder-0`, `overdue+1`, `long-silence-3+5`, with `d` for
    /// calendar days. It hangs on the offset and not on the place in the ladder, so that a step put in between does not
    /// rename the others and send them again.
    pub fn derived_id(kind: NoticeKind, offset: Offset, missed_cycles: Option<u32>) -> String {
        let kind_id = missed_cycles.map_or(kind.to_string(), |cycles| format!("{kind}-{cycles}"));
        let (count, unit) = match offset {
            Offset::WorkingDays(count) => (count, ""),
            Offset::CalendarDays(count) => (count, "d"),
        };
        match (kind, count) {
            (NoticeKind::Announcement, 0) => kind_id,
            (NoticeKind::Reminder, 0) => format!("{kind_id}-0{unit}"),
            _ => format!("{kind_id}{count:+}{unit}"),
        }
    }

    /// The local day of the step (N1).
    ///
    /// # Errors
    /// If the calendar's table ends before the count does.
    pub fn day(
        &self,
        calendar: &Calendar,
        import_on: NaiveDate,
        deadline: &Deadline,
    ) -> Result<NaiveDate, CalendarError> {
        let base = match self.base {
            Base::Import => import_on,
            Base::Stated => deadline.stated_on,
            Base::End => deadline.ends_on,
        };
        let moved = |date| match self.kind {
            NoticeKind::Reminder => calendar.same_or_previous(date),
            _ => calendar.same_or_next(date),
        };
        match self.offset {
            Offset::WorkingDays(0) => moved(base),
            Offset::WorkingDays(count) if count > 0 => calendar.nth_after(base, count.unsigned_abs()),
            Offset::WorkingDays(count) => calendar.nth_before(base, count.unsigned_abs()),
            Offset::CalendarDays(count) => moved(base + chrono::TimeDelta::days(i64::from(count))),
        }
    }

    /// The instant at which the step's time comes.
    ///
    /// # Errors
    /// As [`Step::day`].
    pub fn due_at(
        &self,
        zone: Tz,
        calendar: &Calendar,
        import_on: NaiveDate,
        deadline: &Deadline,
    ) -> Result<DateTime<Utc>, CalendarError> {
        Ok(instant_on(zone, self.day(calendar, import_on, deadline)?, self.time))
    }
}

#[cfg(test)]
#[path = "duty_tests.rs"]
mod tests;
