//! Who gets mail on which day, who owes, and what a mail address is.

use super::super::test_support::{authority, day, mailbox, of_authority, of_office, offices, roster_of};
use super::*;

#[test]
fn only_a_plain_ascii_address_is_a_mailbox() {
    let check = |text: &str, good: bool| assert_eq!(Mailbox::parse(text).is_ok(), good, "{text:?}");
    check("frist@abh-essen.example", true);
    check("a.b+c@x.y.example", true);
    check("root@localhost", true);
    check("", false);
    check("@essen.example", false);
    check("frist@", false);
    check("frist@essen", false);
    check("fri st@essen.example", false);
    check("frist@essen..example", false);
    check(".frist@essen.example", false);
    check("frist@-essen.example", false);
    check("frist@essen.example\r\nBcc: x@y.example", false);
    check("früst@essen.example", false);
    check("Frist <frist@essen.example>", false);
    check(&format!("{}@essen.example", "a".repeat(65)), false);
}

#[test]
fn a_contact_gets_mail_on_its_first_and_its_last_day_and_not_outside() {
    let contact = Contact {
        owner: Owner::Office("zrk".into()),
        mailbox: Mailbox::parse("zrk@zrk.example").unwrap(),
        name: String::new(),
        valid_from: Some(day("2026-12-01")),
        valid_to: Some(day("2026-12-31")),
        calendar: false,
        instead_of: None,
    };
    let check = |text: &str, valid: bool| assert_eq!(contact.is_valid_on(day(text)), valid, "{text}");
    check("2026-11-30", false);
    check("2026-12-01", true);
    check("2026-12-31", true);
    check("2027-01-01", false);
}

fn deputy(name: &str, instead_of: Option<&str>, from: &str, to: &str) -> Contact {
    let instead_of = instead_of.map(|replaced| match replaced {
        "*" => InsteadOf::All,
        name => InsteadOf::Mailbox(mailbox(name)),
    });
    let date = |text: &str| (!text.is_empty()).then(|| day(text));
    Contact { valid_from: date(from), valid_to: date(to), instead_of, ..of_authority("k1", name) }
}

fn names<'a>(contacts: impl IntoIterator<Item = &'a Contact>) -> Vec<String> {
    contacts.into_iter().map(|contact| contact.mailbox.as_str().trim_end_matches("@nrw.example").to_owned()).collect()
}

#[test]
fn an_authority_owes_from_its_first_to_its_last_day_and_not_once_another_reports_for_it() {
    let date = |text: &str| (!text.is_empty()).then(|| day(text));
    let check = |from: &str, to: &str, by: Option<&str>, want: [bool; 4]| {
        let one = Authority {
            valid_from: date(from),
            valid_to: date(to),
            reported_by: by.map(Into::into),
            ..authority("k1", District::Koeln)
        };
        let days = ["2026-11-30", "2026-12-01", "2026-12-31", "2027-01-01"];
        assert_eq!(days.map(|text| one.owes_on(day(text))), want, "{from} to {to}, {by:?}");
    };
    check("", "", None, [true; 4]);
    check("2026-12-01", "2026-12-31", None, [false, true, true, false]);
    check("", "2026-12-31", None, [true, true, true, false]);
    check("", "2026-12-31", Some("k2"), [true, true, true, false]);
    check("", "", Some("k2"), [false; 4]);
    check("2026-12-01", "2026-12-31", Some("k2"), [false, true, true, false]);
}

#[test]
fn another_reports_from_the_day_after_the_last_or_always() {
    let merged = |id: &str, to: Option<&str>| Authority {
        valid_to: to.map(day),
        reported_by: Some("kreis".into()),
        ..authority(id, District::Koeln)
    };
    let ended = Authority { valid_to: Some(day("2026-12-31")), ..authority("ended", District::Koeln) };
    let kreis = authority("kreis", District::Koeln);
    let list = vec![kreis, merged("stadt", Some("2026-12-31")), merged("alt", None), ended];
    let roster = Roster::new(list, offices(), Vec::new());
    let check = |id: &str, on: &str, want: Option<&str>| {
        let reporter = roster.reporter_of(id, day(on)).map(|other| &*other.id);
        assert_eq!(reporter, want, "{id} {on}");
    };
    check("stadt", "2026-12-31", None);
    check("stadt", "2027-01-01", Some("kreis"));
    check("alt", "2020-01-01", Some("kreis"));
    check("ended", "2027-01-01", None);
    check("kreis", "2027-01-01", None);
    check("nobody", "2027-01-01", None);
    let included = |on: &str| roster.reported_by("kreis", day(on)).map(|other| &*other.id).collect::<Vec<_>>();
    assert_eq!((included("2026-12-31"), included("2027-01-01")), (vec!["alt"], vec!["stadt", "alt"]));
    let owing = |on: &str| roster.owing(day(on)).map(|other| &*other.id).collect::<Vec<_>>();
    assert_eq!(owing("2026-12-31"), ["kreis", "stadt", "ended"]);
    assert_eq!(owing("2027-01-01"), ["kreis"]);
    assert!(roster.owes("stadt", day("2026-12-31")) && !roster.owes("nobody", day("2026-12-31")));
}

#[test]
fn while_a_deputy_is_valid_the_mailbox_it_replaces_gets_nothing() {
    let check = |label: &str, rows: Vec<Contact>, want: &[(&str, &[&str])]| {
        let mut contacts = vec![of_authority("k2", "a"), of_office("rrk-koeln", "a")];
        contacts.extend(rows);
        let roster = roster_of(contacts);
        let owner = Owner::Authority("k1".into());
        for (on, receiving) in want {
            assert_eq!(names(roster.contacts_of(&owner, day(on))), *receiving, "{label}, {on}");
            for name in ["a", "b", "c", "d"] {
                let at_mailbox: Vec<&Contact> = roster.contacts_at(&mailbox(name), day(on)).collect();
                let is_of_k1 = at_mailbox.iter().filter(|contact| contact.owner == owner).count();
                assert_eq!(is_of_k1, usize::from(receiving.contains(&name)), "{label}, {on}, {name}");
                let others = at_mailbox.len() - is_of_k1;
                assert_eq!(others, if name == "a" { 2 } else { 0 }, "{label}: other owners are not touched");
            }
        }
    };
    let plain = |name: &str| deputy(name, None, "", "");
    let (before, first, last, after) = ("2026-12-06", "2026-12-07", "2026-12-27", "2026-12-28");
    let for_a = || deputy("c", Some("a"), first, last);
    check(
        "one for one",
        vec![plain("a"), plain("b"), for_a()],
        &[(before, &["a", "b"]), (first, &["b", "c"]), (last, &["b", "c"]), (after, &["a", "b"])],
    );
    let for_all = || deputy("c", Some("*"), first, last);
    check("one for all", vec![plain("a"), plain("b"), for_all()], &[(before, &["a", "b"]), (first, &["c"])]);
    check("two for all", vec![plain("a"), for_all(), deputy("d", Some("*"), first, "")], &[(first, &["c", "d"])]);
    let also = deputy("b", Some("a"), first, last);
    check("an ordinary one stands in", vec![plain("a"), plain("b"), also], &[(before, &["a", "b"]), (first, &["b"])]);
    let for_c = deputy("d", Some("c"), first, last);
    check("whoever stands in gets mail, even in a chain", vec![plain("a"), for_a(), for_c], &[(first, &["c", "d"])]);
    let circle = vec![deputy("a", Some("b"), "", ""), deputy("b", Some("a"), "", "")];
    check("nobody is lost in a circle", circle, &[(first, &["a", "b"])]);
}

#[test]
fn what_one_mailbox_was_told_is_told_on_to_who_gets_mail_in_its_place() {
    let contacts = vec![
        deputy("a", None, "", ""),
        deputy("b", None, "", "2026-12-20"),
        deputy("c", Some("a"), "2026-12-07", "2026-12-13"),
        deputy("d", Some("*"), "2026-12-14", "2026-12-15"),
    ];
    let roster = roster_of(contacts);
    let check = |told: &str, on: &str, want: &[&str]| {
        let found = roster.in_place_of(&Owner::Authority("k1".into()), &mailbox(told), day(on));
        assert_eq!(names(found), want, "{told} was told, {on}");
    };
    check("a", "2026-12-06", &["a"]);
    check("a", "2026-12-07", &["c"]);
    check("b", "2026-12-07", &["b"]);
    check("b", "2026-12-14", &["d"]);
    check("c", "2026-12-07", &["c"]);
    check("c", "2026-12-14", &["d"]); // c's time is over, and d stands in for a
    check("c", "2026-12-16", &["a"]);
    check("d", "2026-12-16", &["a", "b"]);
    check("b", "2026-12-21", &[]); // it ended for good (N6)
    check("never", "2026-12-16", &[]);
}
