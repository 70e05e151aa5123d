//! The timetable: what comes when, to how many, and what never comes.

use super::super::rulebook::Announce;
use super::super::test_support::{local, month, roster, rulebook};
use super::*;

fn lines(rulebook: &Rulebook, from: &str, count: u32) -> Vec<String> {
    let entries = timetable(rulebook, &roster(), month(from), count).unwrap();
    let line =
        |entry: &Entry| format!("{} {} {} {} {}", local(entry.at), entry.month, entry.duty, entry.step, entry.mails);
    entries.iter().map(line).collect()
}

#[test]
fn it_shows_each_step_in_order_of_time_with_its_mailboxes() {
    let found = lines(&rulebook(), "2026-12", 1);
    assert_eq!(found.len(), 21);
    assert_eq!(found[0], "2026-12-01 09:00 2026-12 planning announcement 9");
    assert_eq!(found[1], "2026-12-08 08:00 2026-12 planning reminder-5 3");
    assert!(found.contains(&"2026-12-17 08:00 2026-12 statistics escalation+2 5".to_owned()), "{found:?}");
    assert!(found.contains(&"2026-12-17 08:00 2026-12 statistics summary+2 1".to_owned()), "{found:?}");
    assert!(found.is_sorted_by_key(|line| line[..16].to_owned()));
}

#[test]
fn a_reminder_that_another_replaces_at_once_never_comes() {
    let found = lines(&rulebook(), "2026-08", 1);
    let reminders: Vec<&String> = found.iter().filter(|line| line.contains("statistics reminder")).collect();
    let want = ["2026-08-10 08:00 2026-08 statistics reminder-5 3", "2026-08-14 08:00 2026-08 statistics reminder-0 3"];
    assert_eq!(reminders, want);
}

#[test]
fn months_follow_each_other_and_the_free_fifteenth_is_explained() {
    let entries = timetable(&rulebook(), &roster(), month("2026-07"), 2).unwrap();
    for entry in &entries {
        let is_free = entry.month == month("2026-08") && &*entry.duty == "statistics";
        assert_eq!(entry.free_day.is_some(), is_free, "{} {}", entry.month, entry.step);
    }
    assert!(entries.iter().any(|entry| entry.month == month("2026-07")));
    assert!(entries.iter().any(|entry| entry.free_day.is_some()));
}

#[test]
fn with_an_import_to_be_signalled_it_shows_what_comes_if_that_happens_on_the_expected_day() {
    let on_signal = Rulebook { announce: Announce::OnSignal, ..rulebook() };
    assert_eq!(lines(&on_signal, "2026-12", 2), lines(&rulebook(), "2026-12", 2));
}
