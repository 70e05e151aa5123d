//! F7, N7: who missed how many cycles, and how many one after the other.

use super::super::ReceiptState::{Complete, Missing};
use super::super::test_support::{at, authority, day, month, receipt};
use super::super::{District, Roster};
use super::*;

/// A closed cycle in which `who` reported at some time.
fn cycle(of: &str, reported: &[(&str, &str)]) -> PastCycle {
    let mut receipts: HashMap<AuthorityId, Vec<Receipt>> = HashMap::new();
    for (who, when) in reported {
        receipts.entry((*who).into()).or_default().push(receipt(who, Complete, when));
    }
    let ends_on = month(of).day(15).unwrap();
    PastCycle {
        month: month(of),
        ends_on,
        closes_at: at(&format!("{} 00:00", month(of).next().day(16).unwrap())),
        receipts,
    }
}

fn counts(cycles: &[PastCycle]) -> (u32, u32, u32) {
    let mut authorities = vec![authority("a", District::Koeln), authority("b", District::Koeln)];
    authorities[1].valid_from = Some(day("2026-11-01"));
    let roster = Roster::new(authorities, Vec::new(), Vec::new());
    let missed = missed(cycles, month("2026-12"), &roster, chrono_tz::Europe::Berlin);
    let of = |counts: &HashMap<AuthorityId, u32>, who: &str| counts.get(who).copied().unwrap_or(0);
    assert!(of(&missed.running, "b") <= 1, "b owes since November only");
    (missed.known, of(&missed.total, "a"), of(&missed.running, "a"))
}

#[test]
fn months_missed_are_counted_in_all_and_one_after_the_other() {
    let check = |label: &str, cycles: &[PastCycle], want| assert_eq!(counts(cycles), want, "{label}");
    let missed = |of| cycle(of, &[]);
    let settled = |of: &str| cycle(of, &[("a", &format!("{of}-10 10:00"))]);
    check("nothing is known", &[], (0, 0, 0));
    check("the last one", &[missed("2026-11")], (1, 1, 1));
    check("three running, in any order", &[missed("2026-10"), missed("2026-11"), missed("2026-09")], (3, 3, 3));
    check("settled last", &[missed("2026-10"), settled("2026-11")], (2, 1, 0));
    check("settled in between", &[missed("2026-11"), settled("2026-10"), missed("2026-09")], (3, 2, 1));
    check("a month is not known", &[missed("2026-11"), missed("2026-09")], (2, 2, 1));
    check("the last month is not known", &[missed("2026-10")], (1, 1, 0));
    check("this month and later ones are none of the past", &[missed("2026-12"), missed("2027-01")], (0, 0, 0));
    let too_late = cycle("2026-11", &[("a", "2026-12-16 00:00"), ("a", "2026-12-17 09:00")]);
    check("reported after the close", &[PastCycle { closes_at: at("2026-12-15 23:59"), ..too_late }], (1, 1, 1));
    let mut taken_back = settled("2026-11");
    let a = AuthorityId::from("a");
    taken_back.receipts.get_mut(&a).unwrap().push(receipt("a", Missing, "2026-11-20 10:00"));
    check("taken back", &[taken_back], (1, 1, 1));
}
