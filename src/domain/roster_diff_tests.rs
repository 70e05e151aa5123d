//! Who comes, who goes, what changes, in words.

use super::super::test_support::{authority, contact, day, mailbox, of_authority, of_office, offices, roster};
use super::super::{District, Owner};
use super::*;

fn words(old: &Roster, new: &Roster) -> Vec<String> {
    difference(old, new).iter().map(ToString::to_string).collect()
}

#[test]
fn a_roster_does_not_differ_from_itself_nor_by_the_order_of_its_lines() {
    let reversed = |list: &[Authority]| list.iter().rev().cloned().collect::<Vec<_>>();
    let contacts = roster().contacts().iter().rev().cloned().collect();
    let other = Roster::new(reversed(roster().authorities()), offices(), contacts);
    assert_eq!(words(&roster(), &roster()), [""; 0]);
    assert_eq!(words(&roster(), &other), [""; 0]);
}

#[test]
fn who_comes_who_goes_and_what_changes_is_said_with_what_it_was() {
    let check = |label: &str, change: fn(&mut Vec<Authority>, &mut Vec<Office>, &mut Vec<Contact>), want: &[&str]| {
        let (mut list, mut offices) = (roster().authorities().to_vec(), offices());
        let mut contacts = roster().contacts().to_vec();
        change(&mut list, &mut offices, &mut contacts);
        let new = Roster::new(list, offices, contacts);
        assert_eq!(words(&roster(), &new), want, "{label}");
    };
    check(
        "merge",
        |list, _, _| {
            list[0].valid_to = Some(day("2026-12-31"));
            list[0].reported_by = Some("k2".into());
        },
        &["authority changes: K1 [k1]; valid to 31. Dezember 2026, was none; reported by k2, was none"],
    );
    check(
        "new authority",
        |list, _, contacts| {
            list.push(Authority { valid_from: Some(day("2027-01-01")), ..authority("m1", District::Muenster) });
            contacts.push(of_authority("m1", "m1"));
        },
        &[
            "authority comes: M1 [m1]; kind abh; district muenster; valid from 1. Januar 2027",
            "mailbox comes: m1@nrw.example of m1; always valid",
        ],
    );
    check(
        "gone",
        |list, _, contacts| {
            list.remove(2);
            contacts.retain(|contact| contact.owner != Owner::Authority("d1".into()));
        },
        &["authority goes: D1 [d1]", "mailbox goes: d1@nrw.example of d1"],
    );
    check(
        "office",
        |_, offices, _| {
            offices[0].name = "RRK Arnsberg".into();
            offices.pop();
        },
        &["office changes: RRK Arnsberg [rrk-arnsberg]; name RRK Arnsberg, was rrk-arnsberg", "office goes: zfa [zfa]"],
    );
    check(
        "deputy",
        |_, _, contacts| {
            contacts.push(Contact {
                name: "Vertretung".into(),
                valid_from: Some(day("2026-12-07")),
                valid_to: Some(day("2026-12-27")),
                instead_of: Some(InsteadOf::Mailbox(mailbox("k1"))),
                calendar: true,
                ..of_authority("k1", "deputy")
            });
        },
        &["mailbox comes: deputy@nrw.example of k1; \"Vertretung\" from 7. Dezember 2026 to 27. Dezember 2026 \
           instead of k1@nrw.example with a calendar entry"],
    );
    check(
        "a second period",
        |_, _, contacts| {
            let first = contacts.iter_mut().find(|contact| contact.mailbox == mailbox("k1")).unwrap();
            first.valid_to = Some(day("2026-12-10"));
            contacts.push(Contact { valid_from: Some(day("2027-01-01")), ..of_authority("k1", "k1") });
        },
        &["mailbox changes: k1@nrw.example of k1; to 10. Dezember 2026, and from 1. Januar 2027, was always valid"],
    );
    check(
        "another owner of the same mailbox",
        |_, _, contacts| contacts.push(contact(Owner::Authority("k2".into()), "k1")),
        &["mailbox comes: k1@nrw.example of k2; always valid"],
    );
}

#[test]
fn the_log_gets_no_address_and_no_persons_name() {
    let deputy = Contact {
        name: "Erika Muster".into(),
        instead_of: Some(InsteadOf::Mailbox(mailbox("k1"))),
        ..of_authority("k1", "deputy")
    };
    let mut contacts: Vec<Contact> = roster().contacts().to_vec();
    contacts.retain(|contact| contact.mailbox != mailbox("zfa"));
    contacts.extend([deputy, of_office("zrk", "zrk-2")]);
    let new = Roster::new(roster().authorities().to_vec(), offices(), contacts);
    let changes = difference(&roster(), &new);
    let logged: Vec<String> = changes.iter().map(Change::without_address).collect();
    assert_eq!(logged, ["a mailbox of k1 comes", "a mailbox of zrk comes", "a mailbox of zfa goes"]);
    assert_eq!(tally(&changes, "mailbox"), Tally { counts: [2, 1, 0], ids: vec!["k1", "zrk", "zfa"] });
    assert_eq!(tally(&changes, "authority"), Tally::default());
}
