//! N1: the day of a step, and the ids of steps.

use super::super::test_support::{day, local, nrw, step, time};
use super::*;

#[test]
fn a_step_lies_so_many_days_from_its_base_and_moves_off_free_days() {
    use NoticeKind::{Announcement, Escalation, Overdue, Reminder};
    use Offset::{CalendarDays, WorkingDays};
    let check = |label: &str, kind, base: &str, offset, want: &str| {
        let base = day(base);
        let deadline = Deadline { import_on: base, stated_on: base, ends_on: base };
        let step = Step { offset, ..step(kind, Base::End, 0, "08:00", &[Audience::Missing]) };
        assert_eq!(step.day(&nrw(), base, &deadline).unwrap(), day(want), "{label}");
    };
    check("0 on a working day", Reminder, "2026-12-15", WorkingDays(0), "2026-12-15");
    check("0 on a Saturday, reminder: before", Reminder, "2026-08-15", WorkingDays(0), "2026-08-14");
    check("0 on a Saturday, announcement: after", Announcement, "2026-08-15", WorkingDays(0), "2026-08-17");
    check("0 on a holiday, reminder: before", Reminder, "2026-12-25", WorkingDays(0), "2026-12-24");
    check("0 on a holiday, overdue: after", Overdue, "2026-12-25", WorkingDays(0), "2026-12-28");
    check("-1 from a working day", Reminder, "2026-12-15", WorkingDays(-1), "2026-12-14");
    check("-1 from a Monday", Reminder, "2026-12-14", WorkingDays(-1), "2026-12-11");
    check("-1 from a Saturday is the Friday", Reminder, "2026-08-15", WorkingDays(-1), "2026-08-14");
    check("-5 from a Saturday", Reminder, "2026-08-15", WorkingDays(-5), "2026-08-10");
    check("-5 over a holiday", Reminder, "2027-03-31", WorkingDays(-5), "2027-03-22");
    check("+1 from a Friday", Overdue, "2026-12-18", WorkingDays(1), "2026-12-21");
    check("+1 from a Saturday is the Monday", Overdue, "2026-08-15", WorkingDays(1), "2026-08-17");
    check("+7 over Christmas", Escalation, "2026-12-18", WorkingDays(7), "2026-12-30");
    check("a reminder with +n is counted strictly after, too", Reminder, "2026-12-18", WorkingDays(1), "2026-12-21");
    check("calendar days on a working day stay", Reminder, "2026-12-15", CalendarDays(-5), "2026-12-10");
    check("calendar days to a Sunday, reminder: before", Reminder, "2026-12-15", CalendarDays(-2), "2026-12-11");
    check("calendar days to a Sunday, others: after", Escalation, "2026-12-15", CalendarDays(5), "2026-12-21");
    check("calendar days to a holiday, others: after", Overdue, "2026-12-24", CalendarDays(1), "2026-12-28");
    check("no calendar days, a reminder on a free day", Reminder, "2026-11-15", CalendarDays(0), "2026-11-13");
}

#[test]
fn a_step_is_reckoned_from_the_base_that_it_names() {
    let deadline = Deadline { import_on: day("2026-08-03"), stated_on: day("2026-08-15"), ends_on: day("2026-08-17") };
    let check = |base, want: &str| {
        let step = step(NoticeKind::Overdue, base, 1, "08:00", &[Audience::Missing]);
        assert_eq!(step.day(&nrw(), deadline.import_on, &deadline).unwrap(), day(want), "{base:?}");
    };
    check(Base::Import, "2026-08-04");
    check(Base::Stated, "2026-08-17");
    check(Base::End, "2026-08-18");
}

#[test]
fn a_steps_time_of_day_is_local_in_summer_and_in_winter() {
    let check = |base: &str, want_local: &str, want_utc: &str| {
        let base = day(base);
        let deadline = Deadline { import_on: base, stated_on: base, ends_on: base };
        let step = Step { time: time("08:00"), ..step(NoticeKind::Reminder, Base::End, 0, "00:00", &[]) };
        let due_at = step.due_at(chrono_tz::Europe::Berlin, &nrw(), base, &deadline).unwrap();
        assert_eq!((local(due_at).as_str(), due_at.to_rfc3339().as_str()), (want_local, want_utc));
    };
    check("2026-10-23", "2026-10-23 08:00", "2026-10-23T06:00:00+00:00");
    check("2026-10-26", "2026-10-26 08:00", "2026-10-26T07:00:00+00:00");
    check("2027-03-25", "2027-03-25 08:00", "2027-03-25T07:00:00+00:00");
    check("2027-03-30", "2027-03-30 08:00", "2027-03-30T06:00:00+00:00");
}

#[test]
fn the_ids_of_steps_hang_on_kind_and_offset() {
    let check = |kind, offset, want: &str| assert_eq!(Step::derived_id(kind, offset, None), want);
    let long_silence = Step::derived_id(NoticeKind::LongSilence, Offset::WorkingDays(5), Some(3));
    assert_eq!(long_silence, "long-silence-3+5");
    check(NoticeKind::Announcement, Offset::WorkingDays(0), "announcement");
    check(NoticeKind::Announcement, Offset::WorkingDays(1), "announcement+1");
    check(NoticeKind::Reminder, Offset::WorkingDays(-5), "reminder-5");
    check(NoticeKind::Reminder, Offset::WorkingDays(0), "reminder-0");
    check(NoticeKind::Reminder, Offset::CalendarDays(-5), "reminder-5d");
    check(NoticeKind::Overdue, Offset::WorkingDays(1), "overdue+1");
    check(NoticeKind::Escalation, Offset::CalendarDays(2), "escalation+2d");
}
