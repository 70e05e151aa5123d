//! Tests of the checker on chains in memory.

use super::ChainFaultKind::{
    Changed, CutOff, Duplicate, HeadDiffers, HeadMissing, Inserted, Missing, Reordered, Rewritten, Unreadable,
};
use super::*;

const LENGTH: i64 = 12;

fn chain() -> Vec<LogEntry> {
    let mut previous = FIRST_PREVIOUS.to_owned();
    (1..=LENGTH)
        .map(|number| {
            let mut entry = LogEntry {
                number,
                at: "2026-12-01T08:00:00.123456Z".parse().unwrap(),
                actor: "fristd".to_owned(),
                event: "queued".to_owned(),
                facts: format!("{{\"step\":\"{number}\"}}"),
                previous: previous.clone(),
                hash: String::new(),
            };
            entry.hash = entry.expected_hash();
            previous.clone_from(&entry.hash);
            entry
        })
        .collect()
}

fn head_of(entries: &[LogEntry]) -> LogHead {
    entries.last().map_or_else(LogHead::of_empty_log, |last| LogHead { number: last.number, hash: last.hash.clone() })
}

fn report(entries: &[LogEntry], head: Head, noted: Option<LogHead>) -> ChainReport {
    let mut checker = ChainChecker::new(entries.first().map_or(1, |first| first.number.min(1)).max(1), head, noted);
    entries.iter().for_each(|entry| checker.read(entry));
    checker.end()
}

type Fault = (i64, i64, ChainFaultKind);

fn found(report: &ChainReport) -> Vec<Fault> {
    report.faults.iter().map(|fault| (fault.number, fault.to, fault.kind)).collect()
}

#[track_caller]
fn check(label: &str, manipulate: impl FnOnce(&mut Vec<LogEntry>, &mut Option<LogHead>), want: &[Fault]) {
    let mut entries = chain();
    let mut head = Some(head_of(&entries));
    manipulate(&mut entries, &mut head);
    assert_eq!(found(&report(&entries, Head::Kept(head), None)), want, "{label}");
}

fn rehash(entry: &mut LogEntry) {
    entry.hash = entry.expected_hash();
}

/// Gives the entries the numbers of their places, as somebody does who wants no gap to be seen.
fn renumber(entries: &mut [LogEntry]) {
    (1..).zip(entries).for_each(|(number, entry)| entry.number = number);
}

fn forged(number: i64, previous: &str) -> LogEntry {
    let mut entry = LogEntry { number, facts: "{}".to_owned(), previous: previous.to_owned(), ..chain().remove(0) };
    rehash(&mut entry);
    entry
}

#[test]
fn a_chain_as_it_was_written_has_no_fault() {
    check("whole", |_, _| {}, &[]);
    check(
        "empty",
        |entries, head| {
            entries.clear();
            *head = Some(LogHead::of_empty_log());
        },
        &[],
    );
}

#[test]
fn each_change_of_one_entry_is_found_and_named() {
    for number in 1..=LENGTH {
        let at = (number - 1) as usize;
        let one = |kind| [(number, number, kind)];
        let is_last = number == LENGTH;
        check("facts", |log, _| log[at].facts.push(' '), &one(Changed));
        check("actor", |log, _| log[at].actor = "somebody".to_owned(), &one(Changed));
        check("event", |log, _| log[at].event = "held".to_owned(), &one(Changed));
        check("time", |log, _| log[at].at += chrono::TimeDelta::microseconds(1), &one(Changed));
        check("previous", |log, _| log[at].previous = "0".repeat(63), &one(Changed));
        check("hash", |log, _| log[at].hash = "0".repeat(64), &one(Changed));
        let hashed_anew = if is_last { HeadDiffers } else { Changed };
        let forge = |log: &mut Vec<LogEntry>, _: &mut Option<LogHead>| {
            log[at].facts = "{}".to_owned();
            rehash(&mut log[at]);
        };
        check("facts, hashed anew", forge, &one(hashed_anew));
        let relink = |log: &mut Vec<LogEntry>, _: &mut Option<LogHead>| {
            log[at].previous = "1".repeat(64);
            rehash(&mut log[at]);
        };
        check("previous, hashed anew", relink, &one(Changed));
        let gone = if is_last { CutOff } else { Missing };
        check("taken out", |log, _| _ = log.remove(at), &one(gone));
        let close_up = |log: &mut Vec<LogEntry>, _: &mut Option<LogHead>| {
            log.remove(at);
            renumber(log);
        };
        check("taken out, numbers closed up", close_up, &one(gone));
        let into = |log: &mut Vec<LogEntry>, previous: String| {
            log.insert(at, forged(number, &previous));
            renumber(log);
        };
        let before = |log: &[LogEntry]| log[at].previous.clone();
        check("put in between", |log, _| into(log, before(log)), &one(Inserted));
        check("put in between, unlinked", |log, _| into(log, "2".repeat(64)), &one(Inserted));
        let unhashed = |log: &mut Vec<LogEntry>, _: &mut Option<LogHead>| {
            into(log, before(log));
            log[at].hash = "3".repeat(64);
        };
        check("put in between, with a wrong hash", unhashed, &one(Inserted));
        let copied = |log: &mut Vec<LogEntry>, _: &mut Option<LogHead>| {
            log.insert(at, log[at].clone());
            renumber(log);
        };
        let twice = [(number + 1, number + 1, if is_last { Inserted } else { Duplicate })];
        // a copy of the last one stands after the head
        check("twice, numbers moved up", copied, &if is_last { [(number + 1, number + 1, Duplicate)] } else { twice });
        let elsewhere = |log: &mut Vec<LogEntry>, _: &mut Option<LogHead>| {
            let mut entry = log.remove(at);
            entry.number = 100;
            log.push(entry);
        };
        check("another number", elsewhere, &[(number, 100, Reordered)]);
        let after = |log: &mut Vec<LogEntry>, _: &mut Option<LogHead>| {
            let copy = LogEntry { number: LENGTH + 1, ..log[at].clone() };
            log.push(copy);
        };
        let beside = if is_last { Duplicate } else { Inserted };
        check("a copy after the end", after, &[(LENGTH + 1, LENGTH + 1, beside)]);
    }
}

#[test]
fn entries_in_each_others_place_are_named() {
    for one in 1..=LENGTH {
        for other in one + 1..=LENGTH {
            let swap = |log: &mut Vec<LogEntry>, _: &mut Option<LogHead>| {
                log.swap(one as usize - 1, other as usize - 1);
                renumber(log);
            };
            let want: &[Fault] = match other - one {
                1 => &[(one, other, Reordered)],
                _ => &[(one, other, Reordered), (other, one, Reordered)],
            };
            check(&format!("{one} and {other}"), swap, want);
        }
    }
}

#[test]
fn the_head_shows_what_is_gone_from_the_end_and_what_was_added() {
    check("the last two gone", |log, _| log.truncate(10), &[(11, 12, CutOff)]);
    check("all gone", |log, _| log.clear(), &[(1, 12, CutOff)]);
    check("no head", |_, head| *head = None, &[(12, 12, HeadMissing)]);
    let number =
        |change: i64| move |_: &mut Vec<LogEntry>, head: &mut Option<LogHead>| head.as_mut().unwrap().number += change;
    check("head raised", number(3), &[(12, 12, HeadDiffers)]);
    check("head lowered", number(-3), &[(12, 12, HeadDiffers)]);
    let hash = |_: &mut Vec<LogEntry>, head: &mut Option<LogHead>| head.as_mut().unwrap().hash = "f".repeat(64);
    check("another hash in the head", hash, &[(12, 12, HeadDiffers)]);
    let add = |log: &mut Vec<LogEntry>, _: &mut Option<LogHead>| log.push(forged(13, &log[11].hash.clone()));
    check("one added that is well chained", add, &[(13, 13, Inserted)]);
    let below = |log: &mut Vec<LogEntry>, _: &mut Option<LogHead>| log.insert(0, forged(0, FIRST_PREVIOUS));
    check("one before the first", below, &[(0, 0, Inserted)]);
}

#[test]
fn what_follows_a_fault_is_checked_all_the_same() {
    let several = |log: &mut Vec<LogEntry>, _: &mut Option<LogHead>| {
        log[1].facts.clear();
        log[8].actor.clear();
        log.remove(4);
    };
    check("three faults", several, &[(2, 2, Changed), (5, 5, Missing), (9, 9, Changed)]);
}

#[test]
fn a_noted_head_shows_that_the_log_was_written_anew() {
    let log = chain();
    let noted = |number: i64| LogHead { number, hash: log[number as usize - 1].hash.clone() };
    let mut anew = log.clone();
    anew[4].facts = "{}".to_owned();
    for index in 4..anew.len() {
        anew[index].previous = anew[index - 1].hash.clone();
        rehash(&mut anew[index]);
    }
    let against =
        |entries: &[LogEntry], noted| found(&report(entries, Head::Kept(Some(head_of(entries))), Some(noted)));
    assert_eq!(against(&log, noted(7)), []);
    assert_eq!(against(&anew, noted(3)), [], "what was noted before is as it was");
    assert_eq!(against(&anew, noted(5)), [(5, 5, Rewritten)]);
    assert_eq!(against(&anew, noted(9)), [(9, 9, Rewritten)]);
    assert_eq!(against(&log[..6], noted(9)), [(7, 9, CutOff)], "log and head were cut back together");
}

#[test]
fn an_export_is_checked_without_a_head_and_from_any_number_on() {
    let log = chain();
    let read = |entries: &[LogEntry], first| {
        let mut checker = ChainChecker::new(first, Head::Unknown, None);
        entries.iter().for_each(|entry| checker.read(entry));
        found(&checker.end())
    };
    assert_eq!(read(&log, 1), []);
    assert_eq!(read(&log[5..], 6), []);
    assert_eq!(read(&log[..7], 1), [], "what is gone from the end of an export only a noted head can show");
    let mut lines = log.clone();
    lines.swap(3, 4);
    assert_eq!(read(&lines, 1), [(4, 4, Reordered)], "two lines that keep their numbers");
    let mut lines = log.clone();
    lines.insert(4, lines[3].clone());
    assert_eq!(read(&lines, 1), [(4, 4, Duplicate)], "the same line twice");
}

#[test]
fn a_row_that_cannot_be_read_is_named_and_the_rest_checked() {
    let log = chain();
    let mut checker = ChainChecker::new(1, Head::Kept(Some(head_of(&log))), None);
    for entry in &log {
        match entry.number {
            5 => checker.read_unreadable(Some(5)),
            _ => checker.read(entry),
        }
    }
    checker.read_unreadable(None);
    assert_eq!(found(&checker.end()), [(0, 0, Unreadable), (5, 5, Unreadable)]);
}

#[test]
fn an_entry_that_is_earlier_than_the_one_before_is_no_fault_but_told() {
    let mut log = chain();
    let mut previous = log[5].hash.clone();
    for entry in &mut log[6..] {
        entry.at -= chrono::TimeDelta::hours(1);
        entry.previous = previous;
        rehash(entry);
        previous = entry.hash.clone();
    }
    let report = report(&log, Head::Kept(Some(head_of(&log))), None);
    assert_eq!((found(&report), report.earlier, report.earlier_count), (vec![], vec![7], 1));
}

#[test]
fn a_noted_head_is_read_as_it_is_printed() {
    let head = head_of(&chain());
    assert_eq!(LogHead::parse(&head.to_string()), Ok(head.clone()));
    assert_eq!(LogHead::parse(&format!(" {} ", head.to_string().to_uppercase())), Ok(head));
    for (text, words) in
        [("", "no colon"), ("12", "no colon"), ("x:00", "no number"), ("-1:00", "no number"), ("1:00", "hash")]
    {
        let error = LogHead::parse(text).unwrap_err();
        assert!(error.contains(words) && error.contains("NUMBER:HASH"), "{text}: {error}");
    }
}

#[test]
fn a_number_that_no_log_reaches_is_named_and_the_rest_checked() {
    for number in [i64::MIN, i64::MAX, i64::MIN + 1, i64::MAX - 1] {
        let stray = |entries: &[LogEntry]| LogEntry { number, ..entries[0].clone() };
        let unreadable = (number, number, Unreadable);
        check("put in", |entries, _| entries.insert(5, stray(entries)), &[unreadable]);
        check("at the end", |entries, _| entries.push(stray(entries)), &[unreadable]);
        check("at the beginning", |entries, _| entries.insert(0, stray(entries)), &[unreadable]);

        let mut entries = chain();
        entries.insert(0, stray(&entries));
        let alone = &entries[..1];
        for noted in [None, Some(LogHead { number: i64::MAX, hash: FIRST_PREVIOUS.to_owned() })] {
            for head in [Head::Unknown, Head::Kept(noted.clone())] {
                for entries in [alone, &entries] {
                    let mut checker = ChainChecker::new(number.max(1), head.clone(), noted.clone());
                    entries.iter().for_each(|entry| checker.read(entry));
                    assert!(found(&checker.end()).contains(&unreadable), "{number}");
                }
            }
        }
    }
}
